//! Some 900 selectors against what `dbt ls` answered for them; `scripts/compare-selection --record` writes the answers.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::{answer, complaint, request};
use crate::artifacts;
use crate::model::{Manifest, Severity};
use crate::parse::{self, ParseOptions};
use crate::project::{self, LoadOptions};
use crate::select::{Earlier, Request};
use crate::state::tests::golden::copy;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// A copy of the fixture, with its local package installed.
fn installed(fixture: &str, package: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&fixtures().join(fixture), dir.path());
    copy(&dir.path().join("local").join(package), &dir.path().join("dbt_packages").join(package));
    dir
}

/// The manifest of a folder; none when the project does not parse.
fn parsed(folder: &Path) -> Option<Manifest> {
    let folder = folder.to_owned();
    let options = LoadOptions { project_dir: folder.clone(), profiles_dir: Some(folder), ..LoadOptions::default() };
    let project = project::load(&options).ok()?.project;
    let outcome = parse::parse(&project, ParseOptions::of(&project));
    let is_broken = outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
    (!is_broken).then_some(outcome.manifest)
}

/// Why an answer may differ, if it may.
fn is_deliberate(args: &[&str], dbt_failed: bool) -> bool {
    let has = |part: &str| args.iter().any(|arg| arg.contains(part));
    // dbt fails with an index error where a path is the project's own folder; it means the whole project here.
    (dbt_failed && (has("path:.") || has("path:/") || has("path:,")))
        // dbt keeps a date of a YAML file as a date, which equals no text.
        || has("config.begin:2024")
}

fn compare(fixture: &str, package: &str) {
    let manifest = parsed(installed(fixture, package).path()).unwrap();
    let folder = fixtures().join("goldens/selection").join(fixture);
    let earlier = Earlier {
        results: artifacts::read_run_results(&folder.join("run_results.json")).unwrap(),
        loaded_before: artifacts::read_source_freshness(&folder.join("sources.json")).unwrap(),
        loaded_now: artifacts::read_source_freshness(&folder.join("sources_now.json")).unwrap(),
    };
    let answers: Json = serde_json::from_slice(&fs::read(folder.join("answers.json")).unwrap()).unwrap();
    let texts = |list: &Json| -> Vec<String> {
        list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
    };
    let all = texts(&answers["ids"]);
    let mut wrong = Vec::new();
    let queries = answers["queries"].as_array().unwrap();
    for query in queries {
        let args = texts(&query[0]);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let expected = query[1].as_array().map(|places| -> Vec<&str> {
            places.iter().map(|place| all[usize::try_from(place.as_u64().unwrap()).unwrap()].as_str()).collect()
        });
        if is_deliberate(&args, expected.is_none())
            || args.windows(2).any(|pair| pair == ["--exclude-resource-type", "all"])
        {
            continue;
        }
        let request = Request { earlier: earlier.clone(), ..request(&args) };
        let told = complaint(answer(&request, &manifest), expected.as_deref(), &texts(&query[2]));
        wrong.extend(told.map(|told| format!("{args:?}: {told}")));
    }
    assert!(queries.len() > 400);
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), queries.len(), wrong.join("\n"));
}

#[test]
fn recorded_selectors_of_the_zoo_select_what_dbt_selects() {
    compare("zoo", "side");
}

#[test]
fn recorded_selectors_of_the_meadow_select_what_dbt_selects() {
    compare("meadow", "hedge");
}

/// A text of selectors.yml, what was asked with it, and dbt's answer.
fn wrong_with(folder: &Path, case: &Json) -> Option<String> {
    let text = case["text"].as_str().unwrap();
    fs::write(folder.join("selectors.yml"), text).unwrap();
    let args: Vec<&str> = case["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap()).collect();
    let ours = parsed(folder).and_then(|manifest| answer(&request(&args), &manifest).ok()).map(|(ids, _)| ids);
    let theirs: Option<Vec<&str>> =
        case["ids"].as_array().map(|ids| ids.iter().map(|id| id.as_str().unwrap()).collect());
    let same = match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => ours == theirs,
        (ours, theirs) => ours.is_some() == theirs.is_some(),
    };
    // dbt takes any value for an access, where only a text can be one.
    (!same && !text.contains("{access: ")).then(|| format!("{text}{args:?}\n  ours {ours:?}\n  dbt's {theirs:?}"))
}

#[test]
fn texts_of_selectors_yml_mean_what_they_mean_to_dbt() {
    let cases: Json =
        serde_json::from_slice(&fs::read(fixtures().join("goldens/selection/selectors.json")).unwrap()).unwrap();
    let cases = cases.as_array().unwrap();
    assert!(cases.len() > 200);
    let dir = installed("zoo", "side");
    let wrong: Vec<String> = cases.iter().filter_map(|case| wrong_with(dir.path(), case)).collect();
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
