//! Whole projects, parsed from files written for the test. What is expected is what dbt-core 1.11 says of the same
//! files.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::{ParseOptions, Parsed, parse};
use crate::artifacts::node_json;
use crate::jinja::Env;
use crate::model::{Code, Diagnostic, Node};
use crate::project::{LoadOptions, load};

const PROJECT: &str = "name: shop\nprofile: p\n";
const PROFILES: &str = "p:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: db.duckdb, schema: main}\n";

fn parsed(files: &[(&str, &str)]) -> Parsed {
    let dir = tempfile::tempdir().unwrap();
    for (path, contents) in [("dbt_project.yml", PROJECT), ("profiles.yml", PROFILES)].iter().chain(files) {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let env = Env(Arc::new(HashMap::from([("TEAM".to_owned(), "core".to_owned())])));
    let loaded = load(&LoadOptions {
        project_dir: dir.path().to_owned(),
        profiles_dir: Some(dir.path().to_owned()),
        env: env.clone(),
        require_profile: true,
        ..LoadOptions::default()
    })
    .unwrap();
    let options = ParseOptions { env, ..ParseOptions::of(&loaded.project) };
    let mut parsed = parse(&loaded.project, options);
    parsed.diagnostics.splice(0..0, loaded.diagnostics);
    parsed
}

/// The parse of a project without errors.
fn clean(files: &[(&str, &str)]) -> Parsed {
    let parsed = parsed(files);
    let errors: Vec<_> = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    parsed
}

fn node<'p>(parsed: &'p Parsed, id: &str) -> &'p Node {
    let known = || parsed.manifest.nodes.keys().collect::<Vec<_>>();
    parsed.manifest.node(id).unwrap_or_else(|| panic!("no {id} among {:?}", known()))
}

fn parents(parsed: &Parsed, id: &str) -> Vec<String> {
    let mut names: Vec<String> = node(parsed, id).depends_on.nodes.iter().map(ToString::to_string).collect();
    names.sort();
    names
}

fn only(parsed: &Parsed, code: Code) -> &Diagnostic {
    let found: Vec<_> = parsed.diagnostics.iter().filter(|diagnostic| diagnostic.code == code).collect();
    assert_eq!(found.len(), 1, "{:#?}", parsed.diagnostics);
    found[0]
}

#[test]
fn a_model_has_its_relation_checksum_and_parents() {
    let parsed = clean(&[
        ("models/a.sql", "\n select 1 as id \n"),
        ("models/sub/b.sql", "select * from {{ ref('a') }} join {{ source('raw', 't') }} using (id)"),
        ("models/s.yml", "sources:\n  - name: raw\n    tables: [{name: t}]\n"),
    ]);
    let b = node(&parsed, "model.shop.b");
    assert_eq!(b.relation.as_ref().unwrap().to_string(), "\"db\".\"main\".\"b\"");
    assert_eq!(b.fqn, ["shop", "sub", "b"]);
    assert_eq!(parents(&parsed, "model.shop.b"), ["model.shop.a", "source.shop.raw.t"]);
    let a = node(&parsed, "model.shop.a");
    assert_eq!((a.raw_code.as_str(), a.first_line), ("select 1 as id", 2));
    assert_eq!(a.checksum.checksum, crate::project::sha256("select 1 as id"));
}

#[test]
fn configuration_comes_from_project_property_file_and_model_in_this_order() {
    let parsed = clean(&[
        (
            "dbt_project.yml",
            "name: shop\nprofile: p\nmodels:\n  +tags: [all]\n  shop:\n    mart:\n      +materialized: table\n      +tags: mart\n      \
             +meta: {owner: \"{{ env_var('TEAM') }}\", a: 1}\n      +schema: marts\n",
        ),
        ("models/mart/m.sql", "{{ config(tags=['own'], meta={'a': 2}) }} select 1"),
        ("models/mart/m.yml", "models:\n  - name: m\n    config: {tags: [yml], alias: emm}\n"),
    ]);
    let m = node(&parsed, "model.shop.m");
    assert_eq!(m.config["tags"], json!(["all", "mart", "yml", "own"]));
    assert_eq!(m.tags, ["all", "mart", "own", "yml"]);
    assert_eq!(m.config["meta"], json!({"owner": "core", "a": 2}));
    assert_eq!(m.config["materialized"], json!("table"));
    assert_eq!((m.schema.as_str(), m.alias.as_str()), ("main_marts", "emm"));
    assert_eq!(
        Json::Object(m.unrendered_config.clone()),
        json!({"tags": ["own"], "materialized": "table", "meta": {"a": 2}, "schema": "marts", "alias": "emm"})
    );
}

#[test]
fn a_project_names_schemas_with_its_own_macro() {
    let macros =
        "{% macro generate_schema_name(custom, node) %}{{ custom or 'base' }}_{{ node.resource_type }}{% endmacro %}";
    let parsed = clean(&[("macros/n.sql", macros), ("models/a.sql", "select 1"), ("seeds/s.csv", "a\n1\n")]);
    assert_eq!(node(&parsed, "model.shop.a").schema, "base_model");
    assert_eq!(node(&parsed, "seed.shop.s").schema, "base_seed");
}

#[test]
fn generic_tests_have_dbts_ids_code_and_parents() {
    let yml = "models:\n  - name: a\n    columns:\n      - name: id\n        tags: [key]\n        data_tests:\n          - not_null:\n              \
               config: {severity: warn, where: \"id > 1\"}\n          - relationships: {arguments: {to: ref('b'), field: id}}\n          - unique\n";
    let parsed =
        clean(&[("models/a.sql", "select 1 as id"), ("models/b.sql", "select 1 as id"), ("models/a.yml", yml)]);
    let test = node(&parsed, "test.shop.not_null_a_id.c1cebc1440");
    assert_eq!(
        test.raw_code,
        "{{ test_not_null(**_dbt_generic_test_kwargs) }}{{ config(severity=\"warn\",where=\"id > 1\") }}"
    );
    assert_eq!(test.tags, ["key"]);
    assert_eq!(test.config["severity"], json!("warn"));
    assert_eq!(test.as_test().unwrap().attached_node.as_ref().unwrap().as_str(), "model.shop.a");
    let relationships = parsed.manifest.nodes.keys().find(|id| id.as_str().contains("relationships")).unwrap();
    assert_eq!(parents(&parsed, relationships.as_str()), ["model.shop.a", "model.shop.b"]);
    assert_eq!(node(&parsed, "model.shop.a").as_model().unwrap().primary_key, ["id"]);
}

#[test]
fn a_test_of_something_disabled_is_disabled_with_a_warning() {
    let parsed = clean(&[
        ("models/a.sql", "{{ config(enabled=false) }} select 1 as id"),
        ("models/a.yml", "models:\n  - name: a\n    columns: [{name: id, data_tests: [unique]}]\n"),
    ]);
    assert_eq!(parsed.manifest.disabled.len(), 1);
    let test = parsed.manifest.nodes.values().find(|node| node.as_test().is_some()).unwrap();
    assert_eq!(test.config["enabled"], json!(false));
    assert!(only(&parsed, Code::DisabledRef).message.contains("disabled"));
}

#[test]
fn versions_are_models_of_their_own() {
    let yml = "models:\n  - name: m\n    latest_version: 1\n    columns: [{name: a}, {name: b}]\n    versions:\n      - v: 1\n      - v: 2\n        \
               columns: [{include: all, exclude: [b]}, {name: c}]\n";
    let parsed = clean(&[
        ("models/m_v1.sql", "select 1"),
        ("models/m_v2.sql", "select 2"),
        ("models/m.yml", yml),
        ("models/n.sql", "select * from {{ ref('m') }} {{ ref('m', v=2) }}"),
    ]);
    assert_eq!(parents(&parsed, "model.shop.n"), ["model.shop.m.v1", "model.shop.m.v2"]);
    let v2 = node(&parsed, "model.shop.m.v2");
    assert_eq!(v2.alias, "m_v2");
    assert_eq!(v2.columns.keys().collect::<Vec<_>>(), ["a", "c"]);
}

#[test]
fn snapshots_take_both_forms() {
    let parsed = clean(&[
        ("models/a.sql", "select 1 as id"),
        (
            "snapshots/s.sql",
            "\n{% snapshot s %}{{ config(unique_key='id', strategy='check', check_cols='all') }}select * from {{ ref('a') }}{% endsnapshot %}",
        ),
        (
            "snapshots/y.yml",
            "snapshots:\n  - name: y\n    relation: ref('a')\n    config: {unique_key: id, strategy: check, check_cols: all, schema: snaps}\n",
        ),
    ]);
    assert_eq!(node(&parsed, "snapshot.shop.s").fqn, ["shop", "s", "s"]);
    let y = node(&parsed, "snapshot.shop.y");
    assert_eq!((y.raw_code.as_str(), y.schema.as_str()), ("select * from {{ ref('a') }}", "main_snaps"));
    assert_eq!(parents(&parsed, "snapshot.shop.y"), ["model.shop.a"]);
}

#[test]
fn hooks_are_operations_and_exposures_have_parents() {
    let parsed = clean(&[
        ("dbt_project.yml", "name: shop\nprofile: p\non-run-end: [\"select '{{ ref('a') }}'\"]\n"),
        ("models/a.sql", "select 1"),
        ("models/e.yml", "exposures:\n  - {name: e, type: ml, owner: {name: me}, depends_on: [\"ref('a')\"]}\n"),
    ]);
    assert_eq!(parents(&parsed, "operation.shop.shop-on-run-end-0"), ["model.shop.a"]);
    assert_eq!(parents(&parsed, "exposure.shop.e"), ["model.shop.a"]);
    let json = node_json(node(&parsed, "exposure.shop.e"));
    assert_eq!(json["owner"], json!({"email": null, "name": "me"}));
}

#[test]
fn an_unknown_ref_is_told_with_its_line_and_the_nearest_name() {
    let parsed =
        parsed(&[("models/stg_orders.sql", "select 1"), ("models/b.sql", "select *\nfrom {{ ref('stg_ordrs') }}")]);
    let error = only(&parsed, Code::UnknownRef);
    assert_eq!(error.location.as_ref().unwrap().to_string(), "models/b.sql:2:14");
    assert_eq!(error.excerpt.as_deref(), Some("from {{ ref('stg_ordrs') }}"));
    assert_eq!(error.hint.as_deref(), Some("did you mean `stg_orders`?"));
}

#[test]
fn a_circle_is_told_as_a_path() {
    let parsed =
        parsed(&[("models/a.sql", "select * from {{ ref('b') }}"), ("models/b.sql", "select * from {{ ref('a') }}")]);
    assert!(only(&parsed, Code::Cycle).message.ends_with("a → b → a"), "{:?}", parsed.diagnostics);
}

#[test]
fn the_same_name_or_relation_twice_is_an_error() {
    let parsed_names = parsed(&[("models/x/a.sql", "select 1"), ("models/y/a.sql", "select 2")]);
    assert!(only(&parsed_names, Code::DuplicateName).message.contains("exists twice"));
    let parsed_relations =
        parsed(&[("models/a.sql", "select 1"), ("models/b.sql", "{{ config(alias='a') }} select 2")]);
    assert!(only(&parsed_relations, Code::DuplicateRelation).message.contains("\"db\".\"main\".\"a\""));
}

#[test]
fn one_bad_file_does_not_hide_the_others() {
    let parsed = parsed(&[
        ("models/good.sql", "select 1"),
        ("models/syntax.sql", "select {% if %}"),
        ("models/raised.sql", "{{ exceptions.raise_compiler_error('no') }}"),
        ("models/bad.yml", "models:\n  - name: good\n   description: x\n"),
        ("models/shape.yml", "models: {name: good}\n"),
        ("models/nameless.yml", "models:\n  - description: x\n"),
    ]);
    node(&parsed, "model.shop.good");
    for code in [Code::JinjaSyntax, Code::RaisedByProject, Code::InvalidYaml] {
        assert!(only(&parsed, code).location.is_some(), "{code:?}");
    }
    assert_eq!(parsed.diagnostics.iter().filter(|d| d.code == Code::InvalidProperty).count(), 2);
}

#[test]
fn property_files_of_the_wrong_shape_are_refused_without_a_panic() {
    for yml in [
        "- a\n- b\n",
        "models: 1\n",
        "models:\n  - 1\n  - [a]\n  - name: 2\n",
        "models:\n  - {name: a, columns: x, tests: {unique: 1}, config: [], meta: 3, versions: 4}\n",
        "models:\n  - {name: a, columns: [1, {name: [x]}, {name: c, tests: [1, {a: 1, b: 2}, {unique: x}, []]}]}\n",
        "models:\n  - {name: a, versions: [{v: 1}, {x: 2}, 3], latest_version: 9}\n",
        "models:\n  - {name: a, constraints: x, deprecation_date: 1, time_spine: 2, docs: 1, access: [], group: 5}\n",
        "sources:\n  - {name: s, tables: 1}\n  - {name: t, tables: [1, {x: 2}, {name: u, freshness: 3, external: 4, quoting: 5, columns: 6}]}\n",
        "exposures:\n  - {name: e, depends_on: {a: 1}, owner: 3, tags: 4, meta: 5}\n  - {name: f, depends_on: [1, \"ref(\", \"nope('a')\"]}\n",
        "unit_tests:\n  - {name: u}\n  - {name: v, model: a, given: 1, expect: 2, overrides: 3, versions: 4}\n",
        "groups:\n  - {name: g, owner: 1, config: 2}\n",
        "snapshots:\n  - {name: s, relation: 1}\n  - {name: t, relation: \"ref(\"}\n",
        "metrics:\n  - {name: m, type_params: 1}\n  - {name: n, type: derived, type_params: {metrics: [1, {a: 1}, n]}}\n",
        "semantic_models:\n  - {name: s}\n  - {name: t, model: 1}\n  - {name: u, model: \"ref('a')\", entities: 1, measures: [1], dimensions: [{type_params: 1}]}\n",
        "saved_queries:\n  - {name: q, query_params: 1, exports: 2}\n",
        "macros:\n  - {name: m, arguments: 1, docs: 2, config: 3}\n",
        "models: !!python/object x\n",
    ] {
        let parsed = parsed(&[
            ("models/a.sql", "select 1"),
            ("models/p.yml", yml),
            ("macros/m.sql", "{% macro m() %}{% endmacro %}"),
        ]);
        assert!(parsed.manifest.node("model.shop.a").is_some() || !parsed.diagnostics.is_empty(), "{yml}");
    }
}

#[test]
fn a_variable_may_be_a_template_that_refers_to_a_model() {
    let vars = "name: shop\nprofile: p\nvars:\n  orders: \"{{ ref('a') }}\"\n  again: \"{{ var('orders') }}\"\n  loop: \"{{ var('loop') }}\"\n";
    let parsed = parsed(&[
        ("dbt_project.yml", vars),
        ("models/a.sql", "select 1"),
        ("models/b.sql", "select * from {{ var('again') }}"),
        ("models/c.sql", "select * from {{ var('loop') }}"),
    ]);
    assert_eq!(parents(&parsed, "model.shop.b"), ["model.shop.a"]);
    assert!(parsed.diagnostics.iter().any(|d| d.message.contains("made of itself")), "{:?}", parsed.diagnostics);
}

#[test]
fn names_with_spaces_are_refused_unless_a_flag_allows_them() {
    let model = ("models/a b.sql", "select 1");
    assert!(only(&parsed(&[model]), Code::InvalidProperty).message.contains("has a space"));
    let flags = "name: shop\nprofile: p\nflags: {require_resource_names_without_spaces: false}\n";
    assert_eq!(clean(&[model, ("dbt_project.yml", flags)]).manifest.nodes.len(), 1);
}

#[test]
fn selectors_groups_and_unit_tests_are_in_the_manifest() {
    let parsed = clean(&[
        ("selectors.yml", "selectors:\n  - name: s\n    definition: {tag: x}\n"),
        ("models/a.sql", "{{ config(group='g') }}select 1 as id"),
        (
            "models/p.yml",
            "groups:\n  - {name: g, owner: {name: o}}\nunit_tests:\n  - {name: u, model: a, given: [], expect: {rows: [{id: 1}]}}\n",
        ),
    ]);
    assert_eq!(parsed.manifest.selectors["s"]["definition"], json!({"method": "tag", "value": "x"}));
    assert_eq!(node(&parsed, "model.shop.a").group.as_deref(), Some("g"));
    assert_eq!(parents(&parsed, "unit_test.shop.a.u"), ["model.shop.a"]);
}

#[test]
fn a_large_seed_is_read_to_its_end_only_when_asked() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("seeds")).unwrap();
    let rows = "1\n".repeat(600_000);
    for (path, contents) in [("dbt_project.yml", PROJECT), ("profiles.yml", PROFILES), ("seeds/big.csv", &rows)] {
        fs::write(dir.path().join(path), contents).unwrap();
    }
    let folder = dir.path().to_owned();
    let options = LoadOptions { project_dir: folder.clone(), profiles_dir: Some(folder), ..LoadOptions::default() };
    let project = load(&options).unwrap().project;
    let digests = |large_seeds| {
        let parsed = parse(&project, ParseOptions { large_seeds, ..ParseOptions::of(&project) });
        parsed.manifest.inputs.unwrap().large_seeds.len()
    };
    assert_eq!((digests(false), digests(true)), (0, 1));
}
