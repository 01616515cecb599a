//! Every edit of the zoo against what dbt's `state:` selectors said of it.

pub(crate) mod golden;
mod pairs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value as Json;

use super::reason::all_reasons;
use super::{Hit, Options, REASONS, StateDiff, compare, sub_selectors};
use crate::model::{Change, Manifest};
use crate::select::{Indirect, Request, dag, select};

fn zoo() -> Json {
    golden::json("zoo/golden/manifest.json")
}

/// The zoo with an edit: entries replaced, added, or taken out where they are null.
fn edited(zoo: &Json, changed: &Json) -> Manifest {
    let mut edited = zoo.clone();
    for (section, entries) in changed.as_object().unwrap() {
        for (id, entry) in entries.as_object().unwrap() {
            let section = edited[section].as_object_mut().unwrap();
            match entry {
                Json::Null => section.shift_remove(id),
                entry => section.insert(id.clone(), entry.clone()),
            };
        }
    }
    golden::read(&edited)
}

fn selected(state: &str, indirect: Indirect, current: &Manifest, diff: &StateDiff) -> BTreeSet<String> {
    let request = Request { select: vec![format!("state:{state}")], indirect, ..Request::default() };
    let (selection, _) = select(&request, current, &dag(current).unwrap(), Some(diff)).unwrap();
    selection.nodes.iter().map(ToString::to_string).collect()
}

fn difference(baseline: &Manifest, current: &Manifest) -> StateDiff {
    compare(&Change { baseline, current }, Options::default())
}

#[test]
fn every_edit_is_seen_by_exactly_the_selectors_that_see_it_in_dbt() {
    let zoo = zoo();
    let baseline = golden::read(&zoo);
    let mut wrong = Vec::new();
    for case in golden::json("zoo/golden/state.json").as_array().unwrap() {
        let current = edited(&zoo, &case["changed"]);
        let diff = difference(&baseline, &current);
        for (state, want) in case["sets"].as_object().unwrap() {
            let got = selected(state, Indirect::Empty, &current, &diff);
            let equal = match want {
                Json::Array(ids) => got == ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect(),
                count => got.len() as u64 == count.as_u64().unwrap(),
            };
            if !equal {
                wrong.push(format!("{}: {state}: want {want}, got {got:?} {:?}", case["name"], diff.changed));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn hits_of_edit(name: &str) -> BTreeMap<String, Vec<Hit>> {
    let zoo = zoo();
    let cases = golden::json("zoo/golden/state.json");
    let case = cases.as_array().unwrap().iter().find(|case| case["name"] == name).unwrap();
    let diff = difference(&golden::read(&zoo), &edited(&zoo, &case["changed"]));
    diff.changed.into_iter().map(|(id, hits)| (id.to_string(), hits)).collect()
}

fn summaries(name: &str, id: &str) -> Vec<String> {
    hits_of_edit(name)[id].iter().map(|hit| hit.summary.clone()).collect()
}

#[test]
fn a_summary_says_in_one_line_what_changed_and_how() {
    let pens = "model.zoo.pens";
    let ledger = "model.zoo.ledger";
    for (edit, id, expected) in [
        ("model body", "model.zoo.stg_animals", vec!["code edited, in comments and formatting only"]),
        ("folder config", "model.zoo.costs", vec!["materialized: table → view"]),
        ("model in-file config", "model.zoo.stg_species", vec!["code edited", "unique_key: id → latin"]),
        ("folder schema", "model.zoo.feed", vec!["schema: not set → elsewhere"]),
        ("model moved", "model.zoo.costs", vec!["moved from folder models/marts to models/marts/deep"]),
        ("seed content", "seed.zoo.species", vec!["seed data edited"]),
        ("persisted description", ledger, vec!["description: What each pen costs. → All that each pen costs."]),
        ("deprecation date", ledger, vec!["deprecation_date: not set → 2099-01-01T00:00:00+00:00"]),
        ("macro two levels deep", pens, vec!["macro pen_count changed (via pen_of → default__pen_of → pen_count)"]),
        ("macro removed", pens, vec!["macro default__pen_of changed (via pen_of → default__pen_of)"]),
        ("macro overriding dispatch", pens, vec!["macro duckdb__pen_of is new (via pen_of → duckdb__pen_of)"]),
        ("source identifier", "source.zoo.farm.animals", vec!["identifier: animals_2024 → animals_2025"]),
        ("exposure url", "exposure.zoo.board", vec!["url: not set → https://example.org"]),
    ] {
        assert_eq!(summaries(edit, id), expected, "{edit}");
    }
}

#[test]
fn what_a_consumer_of_a_contract_could_notice_is_breaking() {
    for (edit, id, expected) in [
        ("contract off", "model.zoo.ledger", Some("breaking: contract is not enforced any more")),
        ("contract type", "model.zoo.ledger", Some("breaking: type of column note: varchar → integer")),
        ("contract column removed", "model.zoo.ledger", Some("breaking: column note removed from the contract")),
        (
            "contract constraint removed",
            "model.zoo.ledger",
            Some("breaking: constraint not_null of column pen removed"),
        ),
        ("contract type size", "model.zoo.ledger", None),
        ("persisted column added", "model.zoo.ledger", None),
        ("contract on", "model.zoo.days", None),
    ] {
        let hits = &hits_of_edit(edit)[id];
        let breaking: Vec<&str> = hits.iter().filter(|hit| hit.is_breaking()).map(|hit| hit.summary.as_str()).collect();
        assert_eq!(breaking, expected.into_iter().collect::<Vec<_>>(), "{edit}");
    }
}

#[test]
fn a_manifest_does_not_differ_from_itself() {
    let zoo = golden::read(&zoo());
    assert_eq!(difference(&zoo, &zoo), StateDiff::default());
}

#[test]
fn every_reason_has_its_own_id() {
    let ids: BTreeSet<&str> = all_reasons().map(|reason| reason.id).collect();
    assert_eq!(ids.len(), all_reasons().count());
}

#[test]
fn the_sub_selectors_are_those_of_dbt_and_then_ours() {
    let is_dbts = |sub: &&str| REASONS.iter().any(|it| it.sub_selector == Some(*sub) && !it.beyond_dbt);
    let (dbts, ours): (Vec<&str>, Vec<&str>) = sub_selectors().partition(is_dbts);
    assert_eq!(dbts, ["body", "configs", "relation", "persisted_descriptions", "contract", "macros"]);
    let beyond = ["vars", "env_vars", "materialization", "naming", "value_macros", "seed_content", "ephemeral"];
    assert_eq!(ours, [&beyond[..], &["semantic"]].concat());
}

fn with_macro(package: &str, sql: &str, version: &str) -> Manifest {
    let mut zoo = golden::read(&zoo());
    version.clone_into(&mut zoo.metadata.dbt_version);
    let id = format!("macro.{package}.helper");
    let it = crate::model::Macro {
        unique_id: id.clone(),
        name: "helper".to_owned(),
        package_name: package.to_owned(),
        macro_sql: sql.to_owned(),
        ..crate::model::Macro::default()
    };
    zoo.macros.insert(id.clone(), it);
    zoo.nodes.get_mut("model.zoo.pens").unwrap().depends_on.macros.push(id);
    zoo
}

#[test]
fn built_in_macros_never_count() {
    let modified = |package: &str, versions: [&str; 2]| {
        let baseline = with_macro(package, "a", versions[0]);
        let current = with_macro(package, "b", versions[1]);
        difference(&baseline, &current).is_modified("model.zoo.pens")
    };
    // Two versions of slimdiff follow the same dbt, and say so.
    assert!(!modified("dbt", ["1.11.16", "1.11.16"]));
    assert!(!modified("dbt", ["1.11.15", "1.11.16"]));
    assert!(!modified("dbt_postgres", ["1.11.15", "1.11.16"]));
    assert!(modified("dbt_utils", ["1.11.15", "1.11.16"]));
}

#[test]
fn a_large_seed_is_the_same_whatever_is_in_it() {
    let mut large = golden::read(&zoo());
    large.nodes.get_mut("seed.zoo.species").unwrap().checksum =
        crate::model::Checksum { name: "path".to_owned(), checksum: "seeds/species.csv".to_owned() };
    assert!(!difference(&large, &large.clone()).is_modified("seed.zoo.species"));
    assert!(difference(&golden::read(&zoo()), &large).is_modified("seed.zoo.species"));
    let mut none = golden::read(&zoo());
    none.nodes.get_mut("seed.zoo.species").unwrap().checksum = crate::model::Checksum::none();
    assert!(difference(&none, &none.clone()).is_modified("seed.zoo.species"));
}

#[test]
fn sources_are_compared_as_written_where_the_flag_says_so() {
    let baseline = golden::read(&zoo());
    let mut current = baseline.clone();
    current.nodes.get_mut("source.zoo.farm.visits").unwrap().schema = "rendered_elsewhere".to_owned();
    let change = Change { baseline: &baseline, current: &current };
    assert!(compare(&change, Options::default()).is_modified("source.zoo.farm.visits"));
    assert!(!compare(&change, Options { more_unrendered: true }).is_modified("source.zoo.farm.visits"));
}

#[test]
fn the_page_on_state_lists_every_reason() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/state.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let mut table =
        "| id | what | severity | `state:modified` | seen by | rule |\n|---|---|---|---|---|---|\n".to_owned();
    for reason in all_reasons() {
        let sub = reason.sub_selector.map_or_else(|| "–".to_owned(), |sub| format!("`.{sub}`"));
        let counted = if reason.beyond_dbt { "no: dbt does not see it" } else { "yes" };
        let (id, title, severity) = (reason.id, reason.title, reason.severity.as_str());
        writeln!(table, "| `{id}` | {title} | {severity} | {counted} | {sub} | {} |", reason.doc).unwrap();
    }
    let (head, rest) = page.split_once("<!-- reasons -->\n").unwrap();
    let (_, tail) = rest.split_once("<!-- /reasons -->").unwrap();
    let whole = format!("{head}<!-- reasons -->\n{table}<!-- /reasons -->{tail}");
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, &whole).unwrap();
        return;
    }
    assert!(page == whole, "docs/state.md is not what the reasons say; INSTA_UPDATE=always writes it");
}

#[test]
fn an_edit_of_formatting_alone_is_modified_for_dbt_and_not_for_the_semantic_selector() {
    let zoo = zoo();
    let baseline = golden::read(&zoo);
    let id = "model.zoo.stg_animals";
    let code = zoo["nodes"][id]["raw_code"].as_str().unwrap().to_owned();
    let selects = |code: &str, language: &str| {
        let mut node = zoo["nodes"][id].clone();
        node["raw_code"] = code.into();
        node["language"] = language.into();
        let current = edited(&zoo, &serde_json::json!({"nodes": {id: node}}));
        let diff = difference(&baseline, &current);
        let hits = &diff.changed[id];
        assert_eq!(hits.iter().all(|hit| hit.summary.contains("formatting only")), !diff.is_semantically_modified(id));
        ["modified", "modified.semantic"].map(|state| selected(state, Indirect::Empty, &current, &diff).contains(id))
    };
    assert_eq!(selects(&format!("{{# why #}}\n{code} -- as before\n\n"), "sql"), [true, false]);
    assert_eq!(selects(&format!("{code} where 1 = 0"), "sql"), [true, true]);
    // White space has a meaning in Python.
    assert_eq!(selects(&format!("{code}\n # as before"), "python"), [true, true]);
}
