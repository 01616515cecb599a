//! The selectors against what `dbt ls` answered for them on the zoo.

mod recorded;
mod reference;

use serde_json::Value as Json;

use super::{Earlier, Error, Indirect, Request, dag, select};
use crate::model::{Manifest, ResourceType};
use crate::parse::{self, ParseOptions};
use crate::project::{self, LoadOptions};
use crate::state::tests::golden;

/// dbt's `ls` leaves analyses out unless asked.
const LISTED: [ResourceType; 11] = [
    ResourceType::Model,
    ResourceType::Seed,
    ResourceType::Snapshot,
    ResourceType::Test,
    ResourceType::UnitTest,
    ResourceType::Source,
    ResourceType::Exposure,
    ResourceType::Metric,
    ResourceType::SemanticModel,
    ResourceType::SavedQuery,
    ResourceType::Function,
];

fn zoo() -> Manifest {
    golden::read(&golden::json("zoo/golden/manifest.json"))
}

fn request(args: &[&str]) -> Request {
    let mut request = Request::default();
    let mut flag = "";
    for arg in args {
        match (flag, *arg) {
            (_, arg) if arg.starts_with('-') && arg.len() > 1 => flag = arg,
            ("-s", value) => request.select.push(value.to_owned()),
            ("--exclude", value) => request.exclude.push(value.to_owned()),
            ("--selector", value) => request.selector = Some(value.to_owned()),
            ("--indirect-selection", word) => request.indirect = Indirect::parse(word).unwrap(),
            ("--resource-type", "all") => request.resource_types.extend([ResourceType::Analysis].iter().chain(&LISTED)),
            ("--resource-type", "default") => request.resource_types.extend(LISTED),
            ("--resource-type", word) => request.resource_types.push(ResourceType::parse(word).unwrap()),
            ("--exclude-resource-type", word) => {
                request.exclude_resource_types.push(ResourceType::parse(word).unwrap());
            }
            other => panic!("{other:?}"),
        }
    }
    if request.resource_types.is_empty() {
        request.resource_types.extend(LISTED);
    }
    request
}

/// Ids, and warnings.
type Answer = Result<(Vec<String>, Vec<String>), Error>;

fn answer(request: &Request, manifest: &Manifest) -> Answer {
    let dag = dag(manifest).unwrap();
    let (selection, diagnostics) = select(request, manifest, &dag, None)?;
    let mut ids: Vec<String> = selection.nodes.iter().map(ToString::to_string).collect();
    ids.sort();
    Ok((ids, diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()))
}

/// What is wrong with an answer, if anything is: dbt's ids (none for an error), and its criteria that match nothing.
fn complaint(ours: Answer, ids: Option<&[&str]>, empty: &[String]) -> Option<String> {
    let (ours, warnings, expected) = match (ours, ids) {
        (Err(_), None) => return None,
        (Ok((ours, warnings)), Some(expected)) => (ours, warnings, expected),
        (ours, theirs) => return Some(format!("ours {ours:?}, dbt's {theirs:?}")),
    };
    let missing: Vec<_> = expected.iter().filter(|id| !ours.iter().any(|i| i == *id)).collect();
    let extra: Vec<_> = ours.iter().filter(|id| !expected.contains(&id.as_str())).collect();
    let message = |text: &String| format!("the selection criterion '{text}' does not match any enabled nodes");
    let warned: Vec<String> = empty.iter().map(message).collect();
    let is_right = ours.len() == expected.len() && missing.is_empty() && extra.is_empty() && warnings == warned;
    (!is_right).then(|| format!("missing {missing:?}, extra {extra:?}; warns {warnings:?}, dbt {warned:?}"))
}

/// Asks for everything that dbt was asked for.
fn compare_with(golden: &str, manifest: &Manifest) {
    let golden = golden::json(golden);
    let mut wrong = Vec::new();
    for query in golden.as_array().unwrap() {
        let args: Vec<&str> = query["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
        // dbt fails with an index error there; it means the whole project here.
        if args == ["-s", "path:."] {
            continue;
        }
        let expected: Option<Vec<&str>> =
            query["ids"].as_array().map(|ids| ids.iter().map(|id| id.as_str().unwrap()).collect());
        let empty = query["empty"].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned());
        let told = complaint(answer(&request(&args), manifest), expected.as_deref(), &empty.collect::<Vec<_>>());
        wrong.extend(told.map(|told| format!("{args:?}: {told}")));
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_selector_selects_what_dbt_selects() {
    compare_with("zoo/golden/ls.json", &zoo());
}

#[test]
fn selectors_of_a_project_that_we_parse_select_what_dbt_selects() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/ecomm");
    let options = LoadOptions { project_dir: folder.clone(), profiles_dir: Some(folder), ..LoadOptions::default() };
    let project = project::load(&options).unwrap().project;
    compare_with("goldens/ecomm_ls.json", &parse::parse(&project, ParseOptions::of(&project)).manifest);
}

#[test]
fn errors_say_what_to_write_instead() {
    let manifest = zoo();
    for (args, message) in [
        (vec!["-s", "tag.x:y tagg:x"], "'tagg' in 'tagg:x' is not a selector method; did you mean 'tag'?"),
        (vec!["-s", "+frobnicate:x"], "'frobnicate' in '+frobnicate:x' is not a selector method"),
        (
            vec!["-s", "test_type:nope"],
            "'nope' is not a value of the selector method 'test_type'; use generic, singular, unit or data",
        ),
        (
            vec!["-s", "resource_type:modle"],
            "'modle' is not a value of the selector method 'resource_type'; use one of model, seed, snapshot, test, unit_test, source, exposure, metric, semantic_model, saved_query, function, analysis",
        ),
        (
            vec!["-s", "version:lastest"],
            "'lastest' is not a value of the selector method 'version'; use latest, prerelease, old or none; did you mean 'latest'?",
        ),
        (
            vec!["-s", "exposure:a.b.c"],
            "'a.b.c' is not a value of the selector method 'exposure'; use 'name' or 'package.name'",
        ),
        (
            vec!["-s", "source_status:fresher"],
            "'source_status:fresher' needs the sources.json of an earlier freshness check; give its folder with --state",
        ),
        (
            vec!["-s", "state:modified"],
            "'state:modified' needs a baseline to compare with; give one with --state or --baseline",
        ),
        (
            vec!["-s", "result:error"],
            "'result:error' needs the results of an earlier run; give the folder of its run_results.json with --state",
        ),
        (
            vec!["--selector", "x"],
            "there is no selector 'x' in selectors.yml; it has by_text, by_pair, by_method, at, union, intersection, nested, cautious",
        ),
        (
            vec!["--selector", "intersect"],
            "there is no selector 'intersect' in selectors.yml; it has by_text, by_pair, by_method, at, union, intersection, nested, cautious; did you mean 'intersection'?",
        ),
        (
            vec!["--selector", "by_test"],
            "there is no selector 'by_test' in selectors.yml; it has by_text, by_pair, by_method, at, union, intersection, nested, cautious; did you mean 'by_text'?",
        ),
    ] {
        assert_eq!(answer(&request(&args), &manifest).unwrap_err().to_string(), message);
    }
}

#[test]
fn results_of_an_earlier_run_are_selected_by_status() {
    let manifest = zoo();
    let results = [("model.zoo.pens".into(), "error".to_owned()), ("model.zoo.feed".into(), "skipped".to_owned())];
    let request = Request {
        select: vec!["result:error".to_owned()],
        indirect: Indirect::Empty,
        earlier: Earlier { results: Some(results.into()), ..Earlier::default() },
        ..Request::default()
    };
    let (selection, _) = select(&request, &manifest, &dag(&manifest).unwrap(), None).unwrap();
    assert_eq!(selection.nodes, ["model.zoo.pens".into()]);
}

fn with_selectors(selectors: &Json) -> Manifest {
    Manifest { selectors: selectors.as_object().unwrap().clone(), ..zoo() }
}

#[test]
fn a_default_selector_is_used_only_when_nothing_is_asked_for() {
    let manifest = with_selectors(&serde_json::json!({"d": {"default": true, "definition": "fqn:pens"}}));
    assert_eq!(answer(&request(&["--indirect-selection", "empty"]), &manifest).unwrap().0, ["model.zoo.pens"]);
    assert_eq!(answer(&request(&["-s", "costs"]), &manifest).unwrap().0, ["model.zoo.costs"]);
    assert!(answer(&request(&["--exclude", "pens"]), &manifest).unwrap().0.len() > 30);
}

#[test]
fn cautious_parts_of_a_union_in_a_file_are_not_looked_at_together() {
    let part = |name: &str| serde_json::json!({"method": "fqn", "value": name, "indirect_selection": "cautious"});
    let manifest = with_selectors(&serde_json::json!({"cu": {"union": [part("stg_animals"), part("stg_species")]}}));
    let relationships = "test.zoo.relationships_stg_animals_species_id__id__ref_stg_species_.5f2ce09137".to_owned();
    assert!(!answer(&request(&["--selector", "cu"]), &manifest).unwrap().0.contains(&relationships));
    let on_the_line =
        answer(&request(&["-s", "stg_animals stg_species", "--indirect-selection", "cautious"]), &manifest).unwrap();
    assert!(on_the_line.0.contains(&relationships));
}

#[test]
fn text_in_a_file_is_one_criterion_and_bad_definitions_say_why() {
    let manifest = with_selectors(&serde_json::json!({"spaced": "pens costs"}));
    assert_eq!(answer(&request(&["--selector", "spaced"]), &manifest).unwrap().0, Vec::<String>::new());
    let definitions = serde_json::json!({
        "loop": {"method": "selector", "value": "loop"},
        "number": 3,
        "two": {"union": [{"exclude": ["a"]}, {"exclude": ["b"]}]},
        "valueless": {"method": "tag"},
    });
    for (name, reason) in [
        ("loop", "it refers to 'loop', which refers back to it"),
        ("two", "'union' has more than one 'exclude'; put them into one"),
        ("valueless", "'method: tag' needs a 'value'"),
        (
            "number",
            "3 is no definition; write text such as \"tag:nightly\", a pair such as tag: nightly, or a map with method and value",
        ),
    ] {
        // Also when another one, or none, is asked for.
        let manifest = with_selectors(&serde_json::json!({"fine": "pens", name: definitions[name]}));
        for args in [["--selector", name], ["--selector", "fine"], ["-s", "pens"]] {
            let message = answer(&request(&args), &manifest).unwrap_err().to_string();
            assert_eq!(message, format!("selector '{name}' in selectors.yml: {reason}"));
        }
    }
}
