//! `compile` for engines to which there is no connection: `fixtures/crossing` calls every macro of the `dbt` package
//! that projects call, and `fixtures/crossing/golden` has what dbt-core compiles of it on each of them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::support::cli::{Sandbox, fixture};

const ENGINES: [&str; 6] = ["bigquery", "databricks", "redshift", "snowflake", "spark", "trino"];

/// Nodes whose SQL is our own on purpose: Spark counts no borders of months and weeks between dates, and a delimiter is
/// a pattern to it. dbt writes long expressions for these, slimdiff shorter ones with the same result.
const OUR_OWN: [(&str, &[&str]); 2] = [
    (
        "spark",
        &[
            "datediff_month",
            "datediff_small",
            "datediff_week",
            "split_part",
            "split_part_from_the_end",
            "split_part_zero",
        ],
    ),
    ("databricks", &["split_part", "split_part_from_the_end", "split_part_zero"]),
];

fn golden(engine: &str) -> BTreeMap<String, Option<String>> {
    let text = std::fs::read_to_string(fixture(&format!("crossing/golden/{engine}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn compiled(sandbox: &Sandbox) -> BTreeMap<String, Json> {
    let manifest: Json = serde_json::from_str(&sandbox.read("target/manifest.json")).unwrap();
    let sections = ["nodes", "functions"].map(|section| manifest[section].as_object().unwrap().clone());
    sections.into_iter().flatten().map(|(id, mut node)| (id, node["compiled_code"].take())).collect()
}

fn is_our_own(engine: &str, name: &str) -> bool {
    OUR_OWN.iter().any(|(of, names)| *of == engine && names.contains(&name))
}

#[test]
fn every_node_compiles_to_what_dbt_makes_of_it_on_each_engine() {
    for engine in ENGINES {
        let sandbox = Sandbox::with_fixture("crossing");
        let said = sandbox.run(["compile", "--profiles-dir", ".", "--target", engine]);
        assert_eq!(said.code, 1, "{engine}: what asks the database is an error of its node\n{said}");
        let ours = compiled(&sandbox);
        let mut wrong = Vec::new();
        for (id, theirs) in golden(engine) {
            let name = id.split('.').nth(2).unwrap();
            let mine = ours.get(&id).and_then(Json::as_str);
            match theirs {
                None if name.starts_with("asks_") && mine.is_some() => wrong.push(format!("{id} did not ask")),
                Some(theirs) if is_our_own(engine, name) => {
                    assert_ne!(mine, Some(theirs.as_str()), "{engine}: {id} is as dbt's, and listed as our own");
                    assert!(mine.is_some(), "{engine}: {id} does not compile");
                }
                Some(theirs) if mine != Some(theirs.as_str()) => {
                    wrong.push(format!("{id}\n    dbt  {theirs:?}\n    ours {mine:?}"));
                }
                _ => {}
            }
        }
        assert!(wrong.is_empty(), "{engine}: {} nodes differ:\n{}\n{said}", wrong.len(), wrong.join("\n"));
    }
}

#[test]
fn a_question_to_an_engine_without_a_connection_is_told_with_its_way_through_the_macros() {
    let sandbox = Sandbox::with_fixture("crossing");
    let select = ["asks_statement", "asks_columns", "asks_query", "asks_intervals", "asks_adapter"].join(" ");
    let said = sandbox.run(["compile", "--profiles-dir", ".", "--target", "bigquery", "--select", &select]);
    assert_eq!(said.code, 1, "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn a_model_is_not_incremental_where_no_relation_is_known() {
    let sandbox = Sandbox::with_fixture("crossing");
    let said = sandbox.ok(["compile", "--profiles-dir", ".", "--target", "trino", "--select", "incremental"]);
    assert!(!said.stdout.contains("where x"), "{said}");
}

#[test]
fn building_and_showing_still_need_a_connection() {
    let sandbox = Sandbox::with_fixture("crossing");
    for command in [["build", "--select", "stored"], ["show", "--select", "stored"]] {
        let said = sandbox.run(command.into_iter().chain(["--profiles-dir", ".", "--target", "snowflake"]));
        assert_eq!(said.code, 2, "{said}");
        assert!(said.stderr.contains("no connection to `snowflake` can be made"), "{said}");
    }
}

#[test]
fn what_is_not_selected_is_read_from_production_where_nothing_can_be_asked() {
    let sandbox = Sandbox::with_fixture("crossing");
    let profile = sandbox.read("profiles.yml").replace("schema: Dev", "schema: Prod");
    sandbox.write("production/profiles.yml", profile);
    sandbox.ok(["parse", "--profiles-dir", "production", "--target-path", "state"]);
    let defer = ["--defer", "--state", "state", "--select", "listed"];
    let said = sandbox.ok(["compile", "--profiles-dir", "."].into_iter().chain(defer));
    assert!(said.stdout.contains("Shop.Prod.Stored Rows") && said.stdout.contains("Shop.Prod_udfs.area"), "{said}");
}
