//! `compile`: what it writes, and what templates see of the project and the database while they compile.

use serde_json::{Value as Json, json};

use crate::support::cli::{Sandbox, fixture};

const PROJECT: &str = "name: root\nversion: '1.0'\nprofile: root\nvars: {n: 3, s: x}\n";
const PROFILE: &str =
    "root: {target: dev, outputs: {dev: {type: duckdb, path: db.duckdb, schema: main, threads: 1}}}\n";

fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("dbt_project.yml", PROJECT).write("profiles.yml", PROFILE);
    sandbox
}

fn nodes(sandbox: &Sandbox) -> Json {
    serde_json::from_str::<Json>(&sandbox.read("target/manifest.json")).unwrap()["nodes"].take()
}

#[test]
fn the_manifest_tells_what_every_node_was_compiled_to() {
    let sandbox = project();
    sandbox.write("dbt_project.yml", format!("{PROJECT}on-run-start: \"select {{{{ var('n') }}}} as started\"\n"));
    sandbox.write("models/e1.sql", "{{ config(materialized='ephemeral') }}\nselect 1 as id");
    sandbox.write("models/e2.sql", "{{ config(materialized='ephemeral') }}\nselect * from {{ ref('e1') }}");
    sandbox.write("models/m.sql", "select * from {{ ref('e2') }}");
    sandbox.write(
        "snapshots/s.sql",
        "{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all') }}select 1 as id{% endsnapshot %}",
    );
    let said = sandbox.run(["compile"]);
    assert_eq!(said.code, 0, "{said}");
    let nodes = nodes(&sandbox);
    let model = &nodes["model.root.m"];
    let (first, second) =
        (" __dbt__cte__e1 as (\n\nselect 1 as id\n)", " __dbt__cte__e2 as (\n\nselect * from __dbt__cte__e1\n)");
    assert_eq!(model["compiled_code"], format!("with{first}, {second} select * from __dbt__cte__e2"));
    assert_eq!(
        model["extra_ctes"],
        json!([{"id": "model.root.e1", "sql": first}, {"id": "model.root.e2", "sql": second}])
    );
    assert_eq!((&model["compiled"], &model["extra_ctes_injected"]), (&json!(true), &json!(true)));
    assert_eq!(model["compiled_path"], "target/compiled/root/models/m.sql");
    assert_eq!(nodes["operation.root.root-on-run-start-0"]["compiled_code"], "select 3 as started");
    assert_eq!(
        sandbox.read("target/compiled/root/dbt_project.yml/hooks/root-on-run-start-0.sql"),
        "select 3 as started"
    );
    // A snapshot is compiled, and as in dbt no file of it is written.
    assert_eq!(nodes["snapshot.root.s"]["compiled_code"], "select 1 as id");
    assert!(!sandbox.join("target/compiled/root/snapshots").exists());
}

#[test]
fn a_node_that_does_not_compile_does_not_keep_the_others_from_it() {
    let sandbox = project();
    sandbox.write("models/bad.sql", "{% if execute %}{{ nosuch() }}{% endif %}");
    sandbox.write("models/worse.sql", "\n{% if execute %}{{ exceptions.raise_compiler_error('no') }}{% endif %}");
    sandbox.write("models/good.sql", "select {{ 1 + 1 }}");
    let said = sandbox.run(["compile"]);
    assert_eq!(said.code, 1, "{said}");
    for part in ["model.root.bad: ", "'nosuch' is undefined", "models/worse.sql:2", "no"] {
        assert!(said.stderr.contains(part), "`{part}` is missing in:\n{said}");
    }
    assert_eq!(nodes(&sandbox)["model.root.good"]["compiled_code"], "select 2");
}

#[test]
fn a_query_of_the_command_line_keeps_its_spaces() {
    let sandbox = project();
    sandbox.write("models/m.sql", "select 1");
    let said = sandbox.run(["compile", "--inline", "  select {{ var('n') }} from {{ ref('m') }}  "]);
    assert_eq!((said.code, said.stdout.as_str()), (0, "  select 3 from \"db\".\"main\".\"m\"  \n"), "{said}");
}

/// Templates that need a project and a database; `scripts/record-expressions` wrote what dbt made of them.
#[test]
fn templates_see_what_dbt_shows_them() {
    let lines = std::fs::read_to_string(fixture("jinja/expressions/context.txt")).unwrap();
    let mut wrong = Vec::new();
    let mut sandbox = project();
    sandbox.env("FOO", "bar");
    for line in lines.lines() {
        let (template, expected) = line.rsplit_once(" ==> ").unwrap();
        // Rendered once, at execution, as the recorder does.
        sandbox.write("models/x.sql", format!("{{% if execute %}}{template}{{% endif %}}"));
        let said = sandbox.run(["compile"]);
        let code = (said.code == 0).then(|| nodes(&sandbox)["model.root.x"]["compiled_code"].take());
        let dbts: Option<Json> = serde_json::from_str(expected).ok();
        if code != dbts && !DIFFERENT.iter().any(|start| template.starts_with(start)) {
            let shown = code.map_or_else(|| said.stderr.clone(), |code| code.to_string());
            wrong.push(format!("{template}\n   dbt:  {expected}\n   ours: {shown}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
}

/// What differs on purpose.
const DIFFERENT: [&str; 6] = [
    // `flags` is a dict here.
    "{{ flags.get('FULL_REFRESH') }}",
    // A node may read itself without saying so where it is parsed.
    "{{ this == ref('x') }}",
    "{{ ref('x') }}",
    "{{ ref('root', 'x') }}",
    // Floats stay floats, which shows in lists only.
    "{{ run_query(\"select 1.5::decimal(10,2) as d, date '2020-01-02' as dt, timestamp '2020-01-02 03:04:05' as ts, true as b, 2.5::double as f, null as n, 9999999999",
    // The schema does not exist: nothing is in it, which is no error here.
    "{{ adapter.list_relations('db', 'nosuchschema') }}",
];

#[test]
fn quoting_of_the_project_is_not_for_sources() {
    let sandbox = project();
    sandbox
        .write("dbt_project.yml", format!("{PROJECT}quoting: {{database: false, schema: false, identifier: false}}\n"));
    sandbox.write(
        "models/s.yml",
        "sources: [{name: raw, schema: r, quoting: {schema: false}, tables: [{name: a}, {name: b, quoting: {identifier: false}}]}]",
    );
    sandbox.write("models/n.sql", "select 1 as id");
    sandbox.write("models/m.sql", "{{ source('raw', 'a') }} {{ source('raw', 'b') }} {{ ref('n') }} {{ this }}");
    sandbox.ok(["compile"]);
    // dbt's own manifest names them as the project quotes, and dbt reads them by the engine's default.
    assert_eq!(nodes(&sandbox)["model.root.m"]["compiled_code"], "\"db\".r.\"a\" \"db\".r.b db.main.n db.main.m");
}

#[test]
fn a_function_is_called_by_the_name_of_where_it_stands() {
    let sandbox = project();
    sandbox.write("functions/area.sql", "width * height");
    sandbox.write("functions/twice.sql", "{{ function('area') }}(x, 2)");
    sandbox.write(
        "functions/f.yml",
        "functions:\n- {name: area, config: {schema: udfs}, arguments: [{name: width, data_type: int}, {name: height, data_type: int}], \
         returns: {data_type: int}}\n\
         - {name: twice, config: {alias: dbl}, arguments: [{name: x, data_type: int}], returns: {data_type: int}}\n",
    );
    sandbox.write(
        "models/m.sql",
        "select {{ function('area') }}(2, 3), {{ function('root', 'twice') }}(2), '{{ function('area').type }}'",
    );
    sandbox.ok(["compile"]);
    let expected = |schema: &str| {
        format!("select \"db\".\"{schema}_udfs\".\"area\"(2, 3), \"db\".\"{schema}\".\"dbl\"(2), 'function'")
    };
    assert_eq!(nodes(&sandbox)["model.root.m"]["compiled_code"], expected("main"));
    let manifest: Json = serde_json::from_str(&sandbox.read("target/manifest.json")).unwrap();
    let twice = &manifest["functions"]["function.root.twice"];
    assert_eq!(
        (&twice["compiled_code"], &twice["relation_name"]),
        (&json!("\"db\".\"main_udfs\".\"area\"(x, 2)"), &Json::Null)
    );

    // Production's are called with --defer, as dbt does without asking whether the target has them.
    sandbox.write("production/profiles.yml", PROFILE.replace("schema: main", "schema: prod"));
    sandbox.ok(["parse", "--profiles-dir", "production", "--target-path", "state"]);
    let said = sandbox.ok(["compile", "--select", "m", "--defer", "--state", "state"]);
    assert_eq!(said.stdout.trim(), expected("prod"), "{said}");
}

#[test]
fn a_function_that_does_not_exist_is_told_where_it_is_called() {
    let sandbox = project();
    sandbox.write("models/m.sql", "select 1,\n{% if execute %}{{ function('nosuch') }}(1){% endif %}");
    let said = sandbox.run(["compile"]);
    assert_eq!(said.code, 1, "{said}");
    assert!(said.stderr.contains("function('nosuch')") && said.stderr.contains("models/m.sql"), "{said}");
}
