//! Whole renders: a small world, the corpus of `fixtures/jinja`, macros, captures and errors.

mod expressions;
mod fuzz;

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};

use super::{Capture, Env, Introspect, MacroSource, NodeScope, Renderer, Setup, Vars, YamlScope, blocks, render_yaml};
use crate::model::{
    Code, Column, Diagnostic, JsonMap, Quoting, RefArgs, Relation, RelationKind, Table, Value as DbValue,
};

/// A world with one schema in which every `ref` is a table and every query returns one row.
#[derive(Default)]
struct World {
    messages: Mutex<Vec<String>>,
}

impl Introspect for World {
    fn resolve_ref(&self, r: &RefArgs) -> Result<Relation, Diagnostic> {
        if r.name == "missing" {
            return Err(Diagnostic::error(Code::UnknownRef, "there is no node 'missing'"));
        }
        Ok(Relation::new(Some("db"), "main", &r.name).with_kind(RelationKind::Table))
    }

    fn resolve_source(&self, source: &str, table: &str) -> Result<Relation, Diagnostic> {
        Ok(Relation::new(Some("db"), source, table))
    }

    fn resolve_function(&self, call: &[String]) -> Result<Relation, Diagnostic> {
        Ok(Relation::new(Some("db"), "main", &call.join("_")).with_kind(RelationKind::Function))
    }

    fn graph(&self) -> Arc<Json> {
        Arc::new(json!({"nodes": {"model.root.x": {"name": "x"}}, "sources": {}}))
    }

    fn query(&self, _sql: &str) -> Result<Table, Diagnostic> {
        let columns = vec![Column { name: "a".to_owned(), data_type: "integer".to_owned() }];
        Ok(Table { columns, rows: vec![vec![DbValue::Int(1)]] })
    }

    fn list_relations(&self, _database: Option<&str>, _schema: &str) -> Result<Vec<Relation>, Diagnostic> {
        Ok(Vec::new())
    }

    fn columns(&self, _relation: &Relation) -> Result<Vec<Column>, Diagnostic> {
        Ok(Vec::new())
    }

    fn message(&self, text: &str) {
        self.messages.lock().expect("no test panics while it holds the lock").push(text.to_owned());
    }
}

fn object(value: Json) -> JsonMap {
    match value {
        Json::Object(map) => map,
        other => panic!("an object was expected, not {other}"),
    }
}

fn setup() -> Setup {
    Setup {
        project_name: "root".to_owned(),
        packages: vec!["root".to_owned(), "pkg".to_owned()],
        package_versions: std::collections::HashMap::new(),
        adapter_type: "duckdb".to_owned(),
        target: object(json!({"name": "dev", "schema": "main", "database": "db", "type": "duckdb"})),
        vars: Vars {
            cli: JsonMap::new(),
            root: object(json!({"n": 3, "s": "x", "pkg": {"of_pkg": "by root"}})),
            packages: [("pkg".to_owned(), object(json!({"of_pkg": "by pkg", "own": 1})))].into(),
        },
        env: Env(Arc::new([("FOO".to_owned(), "bar".to_owned())].into())),
        dispatch: vec![("pkg".to_owned(), vec!["root".to_owned(), "pkg".to_owned()])],
        flags: object(json!({"FULL_REFRESH": false})),
        invocation_args: JsonMap::new(),
        dbt_version: "1.11.0".to_owned(),
        invocation_id: "id".to_owned(),
        run_started_at: chrono::DateTime::default(),
        quoting: Quoting::default(),
    }
}

fn renderer_of(files: &[(&str, &str, &str)]) -> (Renderer, Vec<Diagnostic>) {
    let source = |(package, path, contents): &(&str, &str, &str)| MacroSource {
        package: (*package).to_owned(),
        path: (*path).to_owned(),
        contents: (*contents).to_owned(),
    };
    Renderer::new(setup(), files.iter().map(source).collect())
}

fn renderer(macros: &str) -> Renderer {
    let (renderer, problems) = renderer_of(&[("root", "macros/m.sql", macros)]);
    assert_eq!(problems, []);
    renderer
}

fn scope() -> NodeScope {
    NodeScope {
        package: "root".to_owned(),
        path: "models/x.sql".to_owned(),
        first_line: 1,
        name: "x".to_owned(),
        model: json!({"name": "x", "alias": "x", "unique_id": "model.root.x"}).into(),
        this: Some(Relation::new(Some("db"), "main", "x")),
        config: object(json!({"materialized": "view"})).into(),
        ..NodeScope::default()
    }
}

fn world() -> Arc<dyn Introspect> {
    Arc::new(World::default())
}

fn text(macros: &str, model: &str) -> String {
    match renderer(macros).render(model, &scope(), &world()) {
        Ok(rendered) => rendered.text,
        Err(problem) => panic!("{problem}"),
    }
}

fn captured(macros: &str, model: &str) -> Capture {
    match renderer(macros).parse(model, &scope()) {
        Ok(rendered) => rendered.capture,
        Err(problem) => panic!("{problem}"),
    }
}

fn problem(macros: &str, model: &str) -> Diagnostic {
    match renderer(macros).render(model, &scope(), &world()) {
        Ok(rendered) => panic!("an error was expected, not {:?}", rendered.text),
        Err(problem) => *problem,
    }
}

#[test]
fn python_values_print_as_in_python() {
    let model =
        "{{ none }} {{ true }} {{ 1.0 }} {{ [1,'a',none] }} {{ {'a': true} }} {{ (1,) }} {{ 1e20 }} {{ none ~ true }}";
    assert_eq!(text("", model), "None True 1.0 [1, 'a', None] {'a': True} (1,) 1e+20 NoneTrue");
}

#[test]
fn lists_and_dicts_are_shared_and_mutable() {
    let macros = "{% macro add(xs, d) %}{% do xs.append(9) %}{% do d.update({'k': xs}) %}{% endmacro %}";
    let model = "{% set xs = [1] %}{% set d = {} %}{% do add(xs, d) %}{% do xs.insert(0, 'z') %}{{ xs }} {{ d }}";
    assert_eq!(text(macros, model), "['z', 1, 9] {'k': ['z', 1, 9]}");
}

#[test]
fn return_gives_any_value_and_ends_the_macro() {
    let macros = "{% macro f(x) %}a{% if x %}{{ return([x, {'k': 1}]) }}{% endif %}b{% endmacro %}";
    assert_eq!(text(macros, "{{ f(5)[1].k }} {{ f(0) }}"), "1 ab");
}

#[test]
fn macros_recurse_and_take_varargs_kwargs_and_defaults() {
    let macros = "{% macro fact(n) %}{{ return(1 if n < 2 else n * fact(n - 1)) }}{% endmacro %}\
        {% macro va(a, b=2) %}a={{ a }} b={{ b }} {{ varargs }} {{ kwargs }}{% endmacro %}";
    assert_eq!(text(macros, "{{ fact(10) }}"), "3628800");
    assert_eq!(text(macros, "{{ va(1, 3, 4, 5, z=6) }}|{{ va(b=1) }}"), "a=1 b=3 (4, 5) {'z': 6}|a= b=1 () {}");
}

#[test]
fn call_blocks_see_their_surroundings() {
    let macros = "{% macro w() %}<{{ caller(1, 'z') }}>{% endmacro %}";
    let model = "{% set out = 'o' %}{% call(x, y) w() %}{{ x }}{{ y }}{{ out }}{% endcall %}";
    assert_eq!(text(macros, model), "<1zo>");
}

#[test]
fn names_resolve_to_the_own_package_then_the_root_project() {
    let files = [
        (
            "root",
            "macros/m.sql",
            "{% macro both() %}root{% endmacro %}{% macro only() %}only{% endmacro %}{% macro default__over() %}root default{% endmacro %}",
        ),
        (
            "pkg",
            "macros/m.sql",
            "{% macro both() %}pkg{% endmacro %}{% macro over() %}{{ adapter.dispatch('over', 'pkg')() }}{% endmacro %}{% macro duckdb__over() %}pkg duckdb{% endmacro %}",
        ),
    ];
    let (renderer, problems) = renderer_of(&files);
    assert_eq!(problems, []);
    let model = "{{ both() }} {{ pkg.both() }} {{ only() }} {{ pkg.over() }}";
    let of = |package: &str| {
        let scope = NodeScope { package: package.to_owned(), ..scope() };
        renderer.render(model, &scope, &world()).expect("the model renders").text
    };
    assert_eq!(of("root"), "root pkg only root default");
    assert_eq!(of("pkg"), "pkg pkg only root default");
    assert_eq!(renderer.macros()["macro.pkg.over"].depends_on, ["macro.root.default__over"]);
}

#[test]
fn captures_hold_what_dbt_records() {
    let macros = "{% macro outer() %}{{ leaf() }}{% endmacro %}{% macro leaf() %}{{ ref('deep') }}{% endmacro %}{% macro cfg() %}table{% endmacro %}";
    let model = "{{ config(materialized=cfg(), tags='a', pre_hook='select 1') }}{{ config(tags=['b'], meta={'k': var('n')}) }}\
        {{ ref('a') }} {{ ref('p', 'b', v=2) }} {{ ref('a') }} {{ source('s', 't') }} {{ outer() }} {{ env_var('FOO') }}";
    let capture = captured(macros, model);
    let names: Vec<&str> = capture.refs.iter().map(|r| r.name.as_str()).collect();
    // dbt keeps a repeated ref.
    assert_eq!(names, ["a", "b", "a", "deep"]);
    assert_eq!((capture.refs[1].package.as_deref(), capture.refs[1].version.clone()), (Some("p"), Some(json!(2))));
    assert_eq!(capture.sources, [["s".to_owned(), "t".to_owned()]]);
    assert_eq!(capture.macros, ["macro.root.cfg", "macro.root.outer"]);
    assert_eq!(
        Json::Object(capture.config),
        json!({"materialized": "table", "tags": ["a", "b"], "pre-hook": "select 1", "meta": {"k": 3}})
    );
    assert_eq!((capture.vars, capture.env_vars), (vec!["n".to_owned()], vec!["FOO".to_owned()]));
}

#[test]
fn variables_are_looked_up_as_dbt_does() {
    let (renderer, _) = renderer_of(&[]);
    let of = |package: &str, model: &str| {
        let scope = NodeScope { package: package.to_owned(), ..scope() };
        renderer.render(model, &scope, &world()).expect("the model renders").text
    };
    assert_eq!(
        of("pkg", "{{ var('of_pkg') }} {{ var('own') }} {{ var('n') }} {{ var.has_var('zz') }}"),
        "by root 1 3 False"
    );
    assert_eq!(of("root", "{{ var('zz', 'd') }} {{ var.has_var('own') }}"), "d False");
}

#[test]
fn containers_that_would_hold_themselves_are_refused_and_no_dict_waits_for_itself() {
    for template in [
        "{% set l = [] %}{% do l.append(l) %}{{ l }}",
        "{% set l = [] %}{% set d = {'a': (1, [l])} %}{% do l.extend([d]) %}{{ l }}",
        "{% set d = {} %}{% do d.update({'a': [d]}) %}{{ d }}",
        "{% set d = {} %}{% do d.setdefault('a', d) %}{{ d }}",
    ] {
        assert!(problem("", template).message.contains("into itself"), "{template}");
    }
    for template in [
        "{% set s = set([1]) %}{% do s.add(s) %}",
        "{% set d = {} %}{% do d.pop(d) %}",
        "{% set d = {} %}{% do d.update([(d, 1)]) %}",
    ] {
        assert!(problem("", template).message.contains("unhashable type"), "{template}");
    }
    assert_eq!(text("", "{% set d = {} %}{{ d[d] }}{{ d[(1, d)] }}{{ d.get(d) }}"), "None");
}

#[test]
fn an_unknown_name_is_an_error_only_when_it_is_used() {
    assert_eq!(
        text("", "[{{ nosuch }}]{% if nosuch %}x{% endif %}{{ nosuch | default('d') }}{{ nosuch is defined }}"),
        "[]dFalse"
    );
    let found = problem("", "a\n{{ nosuch() }}");
    assert_eq!((found.message.as_str(), found.location.map(|l| l.line)), ("'nosuch' is undefined", Some(2)));
    assert_eq!(found.excerpt.as_deref(), Some("{{ nosuch() }}"));
    assert!(renderer("").parse("{{ nosuch.a.b(1).c }}", &scope()).is_ok(), "dbt parses it");
}

#[test]
fn errors_carry_their_place_and_the_way_through_macros() {
    let macros = "\n{% macro outer() %}\n\n{{ inner() }}{% endmacro %}\n{% macro inner() %}\n{{ exceptions.raise_compiler_error('boom') }}{% endmacro %}";
    let found = problem(macros, "x\n\n{{ outer() }}");
    assert_eq!((found.code, found.message.as_str()), (Code::RaisedByProject, "boom"));
    assert_eq!(found.location.as_ref().map(ToString::to_string).as_deref(), Some("macros/m.sql:6"));
    let trace: Vec<String> = found.trace.iter().map(|frame| format!("{} {}", frame.what, frame.location)).collect();
    assert_eq!(trace, ["macro inner macros/m.sql:6", "macro outer macros/m.sql:4", "the template models/x.sql:3"]);
}

#[test]
fn endless_recursion_is_an_error_and_not_a_crash() {
    let endless = [
        "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}",
        "{% macro f(n) %}{% for i in [1] %}{% if true %}{{ return(adapter.dispatch('f')(n + 1)) }}{% endif %}{% endfor %}{% endmacro %}\
         {% macro default__f(n) %}{{ root.f([{'a': f(n)}] | map('string') | list) }}{% endmacro %}",
        "{% macro f(n) %}{% call g() %}{{ f(n) }}{% endcall %}{% endmacro %}{% macro g() %}{% set x %}{{ caller() }}{% endset %}{{ x }}{% endmacro %}",
    ];
    for macros in endless {
        let found = problem(macros, "{{ f(0) }}");
        assert!(found.message.contains("levels deep"), "{}", found.message);
        assert!(found.trace.len() < 20);
    }
}

#[test]
fn macros_of_packages_are_named_with_their_package_in_messages() {
    let (renderer, _) = renderer_of(&[("pkg", "macros/m.sql", "{% macro f() %}{{ nosuch() }}{% endmacro %}")]);
    let found = renderer.render("{{ pkg.f() }}", &scope(), &world()).expect_err("the macro calls what is not there");
    assert_eq!(found.location.map(|location| location.to_string()).as_deref(), Some("pkg://macros/m.sql:1:19"));
}

#[test]
fn the_root_projects_override_decides_for_nodes_of_packages() {
    let (renderer, _) = renderer_of(&[
        ("root", "macros/m.sql", "{% macro generate_schema_name(a, b) %}root{% endmacro %}"),
        (
            "pkg",
            "macros/m.sql",
            "{% macro generate_schema_name(a, b) %}pkg{% endmacro %}{% macro generate_alias_name(a, b) %}pkg{% endmacro %}",
        ),
    ]);
    let scope = NodeScope { package: "pkg".to_owned(), ..scope() };
    let args = [Json::Null, Json::Null];
    let of = |name: &str| renderer.call(name, &args, &JsonMap::new(), &scope, None).map_err(|problem| problem.message);
    assert_eq!((of("generate_schema_name"), of("generate_alias_name")), (Ok(json!("root")), Ok(json!("pkg"))));
    assert!(of("nosuch").is_err());
}

#[test]
fn macros_that_do_not_parse_are_reported_and_left_out() {
    let (renderer, problems) = renderer_of(&[
        ("root", "macros/bad.sql", "{% macro a() %}\n{% if x %}\n{% endmacro %}"),
        ("root", "macros/good.sql", "{% macro b() %}b{% endmacro %}"),
    ]);
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].location.as_ref().map(ToString::to_string).as_deref(), Some("macros/bad.sql:2"));
    assert_eq!(renderer.find_macro("b", "root"), Some("macro.root.b"));
    assert_eq!(renderer.find_macro("a", "root"), None);
}

#[test]
fn tests_and_materializations_are_macros_with_prefixed_names() {
    let macros = "{% test positive(model, column_name) %}select * from {{ model }} where {{ column_name }} < 0{% endtest %}\
        {% materialization mine, adapter='duckdb' %}{{ return({'relations': [this | string]}) }}{% endmaterialization %}\
        {% macro get_where_subquery(relation) %}(select * from {{ relation }}){% endmacro %}";
    let renderer = renderer(macros);
    let names: Vec<&String> = renderer.macros().keys().filter(|id| id.starts_with("macro.root.")).collect();
    assert_eq!(
        names,
        ["macro.root.test_positive", "macro.root.materialization_mine_duckdb", "macro.root.get_where_subquery"]
    );
    let kwargs = object(json!({"model": "{{ get_where_subquery(ref('orders')) }}", "column_name": "a"}));
    let scope = NodeScope { test_kwargs: Some(kwargs), ..scope() };
    let rendered = renderer.render("{{ test_positive(**_dbt_generic_test_kwargs) }}", &scope, &world());
    let rendered = rendered.expect("the test renders");
    assert_eq!(rendered.text, "select * from (select * from \"db\".\"main\".\"orders\") where a < 0");
    assert_eq!(rendered.capture.refs[0].name, "orders");
    assert_eq!(rendered.capture.macros, ["macro.root.test_positive", "macro.root.get_where_subquery"]);
    let made = renderer.call("materialization_mine_duckdb", &[], &JsonMap::new(), &scope, Some(&world()));
    assert_eq!(made.expect("it runs"), json!({"relations": ["\"db\".\"main\".\"x\""]}));
}

#[test]
fn yaml_strings_keep_the_type_of_what_they_say() {
    let scope = YamlScope {
        target: object(json!({"name": "dev"})),
        vars: object(json!({"n": 3, "l": [1, 2]})),
        env: Env(Arc::new([("P".to_owned(), "5432".to_owned())].into())),
        ..YamlScope::default()
    };
    let of = |text: &str| render_yaml(text, &scope).map_err(|problem| problem.message);
    let means = [
        ("{{ var('n') }}", json!(3)),
        ("{{ var('l') }}", json!([1, 2])),
        ("{{ env_var('P') }}", json!("5432")),
        ("{{ env_var('P') | as_number }}", json!(5432)),
        ("{{ env_var('P') | int }}", json!(5432)),
        ("x_{{ var('n') }}", json!("x_3")),
        ("{{ var('n') }}{{ var('n') }}", json!("33")),
        ("{{ var('n') }} ", json!("3 ")),
        ("5432", json!("5432")),
        ("1{{ 2 }}", json!("12")),
        ("{{ true }}", json!("True")),
        ("{{ target.name == 'dev' }}", json!(true)),
        ("{{ (target.name == 'dev') | as_bool }}", json!(true)),
        ("{% set x = 5 %}{{ x }}", json!(5)),
        ("{% if true %}{{ 5 }}{% endif %}", json!("5")),
        ("{{ '[1, 2]' | as_native }}", json!([1, 2])),
        ("{{ 'a b' | as_native }}", json!("a b")),
        ("{{ var('n') | as_text }}", json!("3")),
        ("{{ '0x10' | as_number }}", json!(16)),
        ("{{ {'a': 1} }}", json!("{'a': 1}")),
        ("{# c #}5", json!("5")),
    ];
    for (text, meant) in means {
        assert_eq!(of(text), Ok(meant), "{text}");
    }
    assert!(of("{{ 'true' | as_bool }}").is_err(), "dbt reads Python's literals only");
    assert!(of("{{ '007' | as_number }}").is_err());
    assert!(of("{{ env_var('DBT_ENV_SECRET_X') }}").is_err_and(|message| message.contains("secret")));
    assert!(of("{{ var('zz') }}").is_err());
}

#[test]
fn blocks_report_their_place() {
    let problem = blocks("\n{% macro a() %}", "macros/a.sql").expect_err("the block is open");
    assert_eq!(problem.location.as_ref().map(ToString::to_string).as_deref(), Some("macros/a.sql:2"));
}

#[test]
fn messages_reach_the_world() {
    let world = Arc::new(World::default());
    let as_dyn: Arc<dyn Introspect> = Arc::clone(&world) as _;
    let model = "{{ log('quiet') }}{{ log('loud', info=true) }}{% do exceptions.warn('careful') %}";
    let rendered = renderer("").render(model, &scope(), &as_dyn).expect("the model renders");
    assert_eq!(rendered.text, "");
    let messages = world.messages.lock().expect("no test panics while it holds the lock");
    assert_eq!(*messages, ["loud", "warning: careful"]);
}

/// Every `fixtures/jinja/*.sql`: a JSON header, `---`, a model; beside it what dbt compiles it to.
#[test]
fn the_corpus_compiles_to_what_dbt_compiles_it_to() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jinja");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).expect("the folder is part of the repository") {
        let path = entry.expect("the folder can be listed").path();
        if path.extension().is_none_or(|extension| extension != "sql") {
            continue;
        }
        let file = std::fs::read_to_string(&path).expect("the file is text");
        let (header, model) = file.split_once("\n---\n").expect("a header, then a model");
        let header: Json = serde_json::from_str(header).expect("the header is JSON");
        let macros: Vec<&str> = header["macros"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
        let expected = std::fs::read_to_string(path.with_extension("out")).expect("the output is beside it");
        assert_eq!(text(&macros.join("\n"), model.trim()) + "\n", expected, "{}", path.display());
        seen += 1;
    }
    assert!(seen > 5, "{seen} cases");
}
