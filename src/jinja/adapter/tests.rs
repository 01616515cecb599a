//! Built-in macros, relations and columns against what dbt renders for the same calls.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use crate::jinja::values::lock;
use crate::jinja::{Introspect, NodeScope, Renderer, Setup};
use crate::model::{Column, Diagnostic, JsonMap, Quoting, RefArgs, Relation, RelationKind, Table, Value};

/// A database with one table `m`, whose every query returns one 9.
#[derive(Default)]
struct World {
    asked: Mutex<Vec<String>>,
}

impl Introspect for World {
    fn resolve_ref(&self, r: &RefArgs) -> Result<Relation, Diagnostic> {
        Ok(Relation::new(Some("db"), "main", &r.name))
    }

    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation, Diagnostic> {
        Ok(Relation::new(Some("db"), source, table))
    }

    fn resolve_function(&self, call: &[String]) -> Result<Relation, Diagnostic> {
        Ok(Relation::new(Some("db"), "main", &call.join("_")).with_kind(RelationKind::Function))
    }

    fn graph(&self) -> Arc<Json> {
        Arc::new(Json::Null)
    }

    fn query(&self, sql: &str) -> Result<Table, Diagnostic> {
        lock(&self.asked).push(sql.split_whitespace().collect::<Vec<_>>().join(" "));
        let columns = vec![Column { name: "nine".to_owned(), data_type: "INTEGER".to_owned() }];
        Ok(Table { columns, rows: vec![vec![Value::Int(9)]] })
    }

    fn list_relations(&self, _database: Option<&str>, schema: &str) -> Result<Vec<Relation>, Diagnostic> {
        let table = Relation::new(Some("db"), schema, "m").with_kind(RelationKind::Table);
        Ok(if schema == "main" { vec![table] } else { Vec::new() })
    }

    fn columns(&self, relation: &Relation) -> Result<Vec<Column>, Diagnostic> {
        let column = |name: &str, kind: &str| Column { name: name.to_owned(), data_type: kind.to_owned() };
        let known = [column("id", "integer"), column("status", "character varying(10)"), column("n", "numeric(10,2)")];
        Ok(if relation.name() == "m" { known.to_vec() } else { Vec::new() })
    }

    fn message(&self, _text: &str) {}
}

#[expect(clippy::needless_pass_by_value, reason = "callers write the JSON in place")]
fn object(json: Json) -> JsonMap {
    json.as_object().cloned().unwrap_or_default()
}

fn setup(adapter_type: &str) -> Setup {
    Setup {
        project_name: "shop".to_owned(),
        packages: vec!["shop".to_owned()],
        package_versions: std::collections::HashMap::new(),
        adapter_type: adapter_type.to_owned(),
        target: object(json!({"name": "dev", "schema": "main", "database": "db", "type": adapter_type})),
        vars: crate::jinja::Vars::default(),
        env: crate::jinja::Env::default(),
        dispatch: Vec::new(),
        flags: object(json!({"FULL_REFRESH": false, "STORE_FAILURES": false})),
        invocation_args: JsonMap::new(),
        dbt_version: "1.11.0".to_owned(),
        invocation_id: "id".to_owned(),
        run_started_at: chrono::DateTime::default(),
        quoting: Quoting::of_adapter(adapter_type),
    }
}

fn scope() -> NodeScope {
    NodeScope {
        package: "shop".to_owned(),
        path: "models/orders.sql".to_owned(),
        first_line: 1,
        name: "orders".to_owned(),
        model: json!({"name": "orders", "resource_type": "model", "config": {"materialized": "table"}, "columns": {}})
            .into(),
        this: Some(Relation::new(Some("db"), "main", "orders")),
        config: object(json!({"materialized": "table"})).into(),
        ..NodeScope::default()
    }
}

fn renderer(adapter_type: &str) -> Renderer {
    let (renderer, diagnostics) = Renderer::new(setup(adapter_type), Vec::new());
    assert_eq!(diagnostics, [], "the built-in macros of {adapter_type} parse");
    renderer
}

fn run(renderer: &Renderer, world: &Arc<World>, template: &str) -> String {
    let world: Arc<dyn Introspect> = Arc::<World>::clone(world);
    match renderer.render(template, &scope(), &world) {
        Ok(rendered) => rendered.text,
        Err(diagnostic) => format!("error: {diagnostic}"),
    }
}

/// Renders one template for one adapter.
fn show(adapter_type: &str, template: &str) -> String {
    run(&renderer(adapter_type), &Arc::new(World::default()), template)
}

#[track_caller]
fn check_facts(adapter_type: &str, facts: &str) {
    let facts: Vec<Json> = serde_json::from_str(facts).expect("facts are JSON");
    let (renderer, world) = (renderer(adapter_type), Arc::new(World::default()));
    let mut wrong = Vec::new();
    for fact in &facts {
        let (template, expected) = (fact["template"].as_str(), fact["text"].as_str());
        let template = template.expect("a fact has a template");
        // Markers keep what stands at the ends.
        let text = run(&renderer, &world, &format!("<<{template}>>"));
        let text = text.strip_prefix("<<").and_then(|text| text.strip_suffix(">>")).unwrap_or(&text);
        if Some(text) != expected {
            wrong.push(format!("{template}\n     is {text:?}\n    not {:?}", expected.unwrap_or_default()));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), facts.len(), wrong.join("\n"));
}

#[test]
fn cross_database_macros_of_duckdb_render_as_dbt_renders_them() {
    check_facts("duckdb", include_str!("../../../fixtures/macros/duckdb.json"));
}

#[test]
fn cross_database_macros_of_postgres_render_as_dbt_renders_them() {
    check_facts("postgres", include_str!("../../../fixtures/macros/postgres.json"));
}

#[test]
fn cross_database_macros_of_other_adapters_render_as_dbt_renders_them() {
    check_facts("snowflake", include_str!("../../../fixtures/macros/snowflake.json"));
    check_facts("bigquery", include_str!("../../../fixtures/macros/bigquery.json"));
    check_facts("redshift", include_str!("../../../fixtures/macros/redshift.json"));
    check_facts("spark", include_str!("../../../fixtures/macros/spark.json"));
}

#[test]
fn macros_that_make_statements_name_what_they_act_on() {
    let columns = "{% set c = adapter.get_columns_in_relation(ref('m')) %}";
    for (adapter_type, template, expected) in [
        (
            "duckdb",
            "{{ create_table_as(true, this, 'select 1') }}",
            "create temporary table \"orders\" as ( select 1 );",
        ),
        (
            "postgres",
            "{{ create_table_as(false, this, 'select 1') }}",
            "create table \"db\".\"main\".\"orders\" as ( select 1 );",
        ),
        (
            "postgres",
            "{{ create_view_as(this, 'select 1') }}",
            "create view \"db\".\"main\".\"orders\" as ( select 1 );",
        ),
        (
            "postgres",
            "COLUMNS{{ get_incremental_append_sql({'target_relation': this, 'temp_relation': ref('m'), 'dest_columns': c}) }}",
            "insert into \"db\".\"main\".\"orders\" (\"id\", \"status\", \"n\") ( select \"id\", \"status\", \"n\" from \"db\".\"main\".\"m\" )",
        ),
        (
            "duckdb",
            "COLUMNS{{ get_merge_sql(this, ref('m'), ['id', 'k'], c, ['x = 1']) }}",
            "merge into \"db\".\"main\".\"orders\" as DBT_INTERNAL_DEST using \"db\".\"main\".\"m\" as DBT_INTERNAL_SOURCE \
             on (DBT_INTERNAL_SOURCE.id = DBT_INTERNAL_DEST.id) and (DBT_INTERNAL_SOURCE.k = DBT_INTERNAL_DEST.k) and (x = 1) \
             when matched then update by name when not matched then insert by name",
        ),
        (
            "postgres",
            "COLUMNS{{ get_delete_insert_merge_sql(this, ref('m'), 'id', c, none) }}",
            "delete from \"db\".\"main\".\"orders\" as DBT_INTERNAL_DEST where (id) in ( select distinct id from \"db\".\"main\".\"m\" \
             as DBT_INTERNAL_SOURCE ); insert into \"db\".\"main\".\"orders\" (\"id\", \"status\", \"n\") ( select \"id\", \"status\", \"n\" \
             from \"db\".\"main\".\"m\" )",
        ),
        (
            "postgres",
            "{{ get_grant_sql(this, 'select', ['a', 'b']) }}",
            "grant select on \"db\".\"main\".\"orders\" to a, b",
        ),
        ("postgres", "{{ get_quoted_csv(['a', 'b']) }} {{ should_revoke(this, true) }}", "\"a\", \"b\" False"),
        (
            "duckdb",
            "{{ get_fixture_sql([{'id': 1}, {'b': \"it's\"}], {'id': 'int', 'b': 'text'}) }}",
            "select cast(1 as int) as id, cast(null as text) as b union all \
             select cast(null as int) as id, cast('it''s' as text) as b",
        ),
        ("postgres", "COLUMNS{{ diff_columns(c, []) | length }}{{ diff_columns([], c) | length }}", "30"),
    ] {
        let text = show(adapter_type, &template.replace("COLUMNS", columns));
        assert_eq!(text.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{template}");
    }
}

#[test]
fn generic_tests_render_as_dbt_renders_them() {
    let all = "{{ test_unique(ref('m'), 'id') }}";
    let expected = "\n    \n    \n\nselect\n    id as unique_field,\n    count(*) as n_records\n\nfrom \"db\".\"main\".\"m\"\n\
                    where id is not null\ngroup by id\nhaving count(*) > 1\n\n\n";
    assert_eq!(show("duckdb", all), expected);
    let expected = "\n    \n    \n\n\n\nselect id\nfrom \"db\".\"main\".\"m\"\nwhere id is null\n\n\n";
    assert_eq!(show("postgres", "{{ test_not_null(ref('m'), 'id') }}"), expected);
    let expected = "\n    \n    \n\nwith all_values as (\n\n    select\n        id as value_field,\n        count(*) as n_records\n\n    \
                    from \"db\".\"main\".\"m\"\n    group by id\n\n)\n\nselect *\nfrom all_values\nwhere value_field not in (\n    \
                    'a','it's'\n)\n\n\n";
    assert_eq!(show("duckdb", "{{ test_accepted_values(ref('m'), 'id', ['a', \"it's\"]) }}"), expected);
    let expected = "\n    \n    \n\nwith child as (\n    select id as from_field\n    from \"db\".\"main\".\"m\"\n    \
                    where id is not null\n),\n\nparent as (\n    select id as to_field\n    from \"db\".\"main\".\"m\"\n)\n\n\
                    select\n    from_field\n\nfrom child\nleft join parent\n    on child.from_field = parent.to_field\n\n\
                    where parent.to_field is null\n\n\n";
    assert_eq!(show("duckdb", "{{ test_relationships(ref('m'), 'id', to=ref('m'), field='id') }}"), expected);
}

#[test]
fn names_follow_the_target_and_the_node() {
    for (template, expected) in [
        ("{{ generate_schema_name(none, model) }}", "main"),
        ("{{ generate_schema_name(' x ', model) }}", "main_x"),
        ("{{ generate_schema_name('', model) }}", "main_"),
        ("{{ generate_schema_name_for_env('x', model) }}", "main"),
        ("{{ generate_alias_name('  al ', model) }}", "al"),
        ("{{ generate_alias_name(none, model) }}", "orders"),
        ("{{ generate_alias_name(none, {'name': 'q', 'version': '1.5'}) }}", "q_v1_5"),
        ("{{ generate_alias_name(none, {'name': 'q', 'version': 2}) }}", "q_v2"),
        ("{{ generate_database_name(none, model) }}", "db"),
        ("{{ generate_database_name(' db ', model) }}", " db "),
        ("{{ is_incremental() }} {{ should_full_refresh() }} {{ should_store_failures() }}", "False False False"),
        ("{{ get_where_subquery(this) }}", "\"db\".\"main\".\"orders\""),
    ] {
        assert_eq!(show("duckdb", template), expected, "{template}");
    }
}

#[test]
fn relations_answer_as_dbts_do() {
    for (template, expected) in [
        (
            "{{ this }} {{ this.name }} {{ this.table }} {{ this.type }} {{ this.is_table }}",
            "\"db\".\"main\".\"orders\" orders orders None False",
        ),
        (
            "{{ this.include(database=false) }} {{ this.include(identifier=false) }}",
            "\"main\".\"orders\" \"db\".\"main\"",
        ),
        (
            "{{ this.quote(identifier=false) }} {{ this.without_identifier() }}",
            "\"db\".\"main\".orders \"db\".\"main\"",
        ),
        ("{{ this.incorporate(path={'identifier': 'z'}, type='view') }}", "\"db\".\"main\".\"z\""),
        ("{{ this.incorporate(type='view').is_view }}", "True"),
        ("{{ this.information_schema('tables') }}", "\"db\".INFORMATION_SCHEMA.tables"),
        ("{{ this == this }} {{ this == ref('m') }} {{ this in [this] }}", "True False True"),
        ("{{ this.matches(schema='main', identifier='orders') }} {{ this.matches(schema='other') }}", "True False"),
        ("{{ api.Relation.create(schema='s', identifier='i', type='view').type }}", "view"),
        (
            "{{ api.Relation.create(database='d', schema='s', identifier='i', quote_policy={'identifier': false}) }}",
            "\"d\".\"s\".i",
        ),
        ("{{ this.path.identifier }} {{ this.quote_policy.database }} {{ this.get('foo', 'bar') }}", "orders True bar"),
        ("{{ this ~ 'x' }} {{ this | upper }}", "\"db\".\"main\".\"orders\"x \"DB\".\"MAIN\".\"ORDERS\""),
        (
            "{{ adapter.get_relation('db', 'main', 'm').type }} {{ adapter.get_relation('db', 'main', 'x') is none }}",
            "table True",
        ),
        ("{{ load_relation(ref('m')) }} {{ load_relation(this) is none }}", "\"db\".\"main\".\"m\" True"),
        (
            "{{ make_intermediate_relation(this) }} {{ make_backup_relation(this, 'view').type }}",
            "\"db\".\"main\".\"orders__dbt_tmp\" view",
        ),
        (
            "{{ adapter.quote('a') }} {{ adapter.type() }} {{ adapter.quote_as_configured('a', 'schema') }}",
            "\"a\" postgres \"a\"",
        ),
    ] {
        assert_eq!(show("postgres", template), expected, "{template}");
    }
}

#[test]
fn columns_answer_as_dbts_do() {
    for (adapter_type, template, expected) in [
        (
            "postgres",
            "{{ adapter.get_columns_in_relation(ref('m'))[0] }}",
            "PostgresColumn(column='id', dtype='integer', char_size=None, numeric_precision=32, numeric_scale=0)",
        ),
        (
            "postgres",
            "{{ adapter.get_columns_in_relation(ref('m')) | map(attribute='data_type') | join(' ') }}",
            "integer character varying(10) numeric(10,2)",
        ),
        (
            "duckdb",
            "{{ api.Column('a', 'varchar', 10) }}",
            "DuckDBColumn(column='a', dtype='varchar', char_size=10, numeric_precision=None, numeric_scale=None, fields=[])",
        ),
        (
            "duckdb",
            "{{ api.Column('a', 'text').data_type }} {{ api.Column('a', 'hugeint').is_integer() }}",
            "character varying(256) True",
        ),
        (
            "postgres",
            "{{ api.Column('a', 'text').data_type }} {{ api.Column('a', 'hugeint').is_integer() }}",
            "text False",
        ),
        (
            "snowflake",
            "{{ api.Column('a', 'text').data_type }} {{ api.Column('a', 'int').is_numeric() }}",
            "character varying(16777216) True",
        ),
        (
            "bigquery",
            "{{ api.Column.translate_type('float') }} {{ api.Column('a', 'INT64') }}",
            "FLOAT64 <BigQueryColumn a (INT64, NULLABLE)>",
        ),
        (
            "spark",
            "{{ api.Column('a', 'varchar', 10).data_type }} {{ api.Column('A b', 'int').quoted }}",
            "varchar `A b`",
        ),
        (
            "duckdb",
            "{{ api.Column.create('a', 'string').dtype }} {{ api.Column.string_type(10) }} {{ api.Column.numeric_type('numeric', 10, none) }}",
            "TEXT character varying(10) numeric",
        ),
        ("duckdb", "{{ api.Column('a', 'varchar', 10).can_expand_to(api.Column('a', 'varchar', 20)) }}", "True"),
        ("duckdb", "{{ adapter.get_missing_columns(ref('m'), this) | length }}", "3"),
    ] {
        assert_eq!(show(adapter_type, template), expected, "{template}");
    }
}

#[test]
fn every_adapters_macros_parse() {
    for adapter_type in ["duckdb", "postgres", "redshift", "snowflake", "bigquery", "spark", "databricks", "trino"] {
        let macros = renderer(adapter_type);
        assert!(macros.macros().contains_key("macro.dbt.default__dateadd"), "{adapter_type}");
    }
}

#[test]
fn while_parsing_nothing_is_asked() {
    let template = "{{ adapter.get_relation('a', 'b', 'c') }}|{{ adapter.get_columns_in_relation(this) }}|\
                    {{ adapter.check_schema_exists('a', 'b') }}|{{ run_query('select 1') }}|{{ adapter.unheard_of() }}|\
                    {{ dbt.get_intervals_between('a', 'b', 'day') }}|{{ load_relation(this) }}";
    let rendered = renderer("duckdb").parse(template, &scope()).expect("renders");
    assert_eq!(rendered.text, "None|[]|False|||1|None");
}

#[test]
fn statements_reach_the_database_and_keep_their_result() {
    let world = Arc::new(World::default());
    let renderer = renderer("duckdb");
    let template =
        "{% call statement('q', fetch_result=true) %}select 1{% endcall %}{{ load_result('q').table.rows[0][0] }}";
    assert_eq!(run(&renderer, &world, template), "9");
    assert_eq!(run(&renderer, &world, "{{ run_query('select 2').columns[0].values()[0] }}"), "9");
    run(
        &renderer,
        &world,
        "{% do create_schema(this) %}{% do adapter.drop_relation(this.incorporate(type='table')) %}",
    );
    let asked = lock(&world.asked).clone();
    let expected = [
        "select 1",
        "select 2",
        "create schema if not exists \"db\".\"main\"",
        "drop table if exists \"db\".\"main\".\"orders\" cascade",
    ];
    assert_eq!(asked, expected);
}
