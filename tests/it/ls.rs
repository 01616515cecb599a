//! The lines of `ls` in every form of output, with every flag about nodes, against those of `dbt ls`, byte by byte.
//! `scripts/compare-selection --forms --record` writes them.

use serde_json::Value;

use crate::support::cli::{Sandbox, copy, fixture};

/// dbt keeps the keyword arguments of a test and the raw configuration of a source in an order of its own.
const ANOTHER_ORDER: [&str; 2] = ["test_metadata", "unrendered_config"];

fn texts(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

/// What is wrong with the answer to one recorded question, if anything is.
fn complaint(zoo: &Sandbox, case: &Value) -> Option<String> {
    let args = texts(&case["args"]);
    if args.iter().any(|arg| ANOTHER_ORDER.contains(arg)) {
        return None;
    }
    let mut command = zoo.command(["ls", "--profiles-dir", "."].iter().chain(&args));
    for (name, value) in case["env"].as_object().unwrap() {
        command.env(name, value.as_str().unwrap());
    }
    let output = command.output().unwrap();
    let said = format!("{args:?} {}: {}", case["env"], String::from_utf8_lossy(&output.stderr));
    match (output.status.success(), case["lines"].is_null()) {
        (true, false) => {
            let stdout = String::from_utf8_lossy(&output.stdout);
            let (ours, theirs): (Vec<&str>, Vec<&str>) = (stdout.lines().collect(), texts(&case["lines"]));
            let differ = ours.len() != theirs.len() || ours.iter().zip(&theirs).any(|(ours, theirs)| ours != theirs);
            differ.then(|| format!("{said}\n  ours {ours:?}\n  dbt's {theirs:?}"))
        }
        (false, true) => None,
        (ours, _) => Some(format!("{said}: {}", if ours { "dbt refuses it" } else { "dbt takes it" })),
    }
}

#[test]
fn every_form_of_output_has_the_lines_of_dbt() {
    let zoo = Sandbox::with_fixture("zoo");
    copy(&fixture("zoo/local/side"), &zoo.join("dbt_packages/side"));
    let golden = std::fs::read(fixture("goldens/selection/zoo/forms.json")).unwrap();
    let cases: Vec<Value> = serde_json::from_slice(&golden).unwrap();
    assert!(cases.len() > 100);
    let complaints: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = cases
            .chunks(cases.len().div_ceil(4))
            .map(|cases| scope.spawn(|| cases.iter().filter_map(|case| complaint(&zoo, case)).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(complaints.is_empty(), "{} of {}:\n{}", complaints.len(), cases.len(), complaints.join("\n"));
}

#[test]
fn the_project_may_say_which_tests_come_along() {
    let zoo = Sandbox::with_fixture("zoo");
    copy(&fixture("zoo/local/side"), &zoo.join("dbt_packages/side"));
    let lines = |args: &[&str]| zoo.ok(["ls", "-q", "--profiles-dir", "."].iter().chain(args)).stdout.lines().count();
    let eager = lines(&["-s", "stg_animals"]);
    assert_eq!(eager, 4);
    let project = zoo.read("dbt_project.yml");
    zoo.write("dbt_project.yml", format!("{project}\nflags:\n  indirect_selection: empty\n"));
    assert_eq!(lines(&["-s", "stg_animals"]), 1);
    assert_eq!(lines(&["-s", "stg_animals", "--indirect-selection", "eager"]), eager);
}

#[test]
fn results_of_earlier_runs_are_read_when_a_selector_asks_for_them() {
    let zoo = Sandbox::with_fixture("zoo");
    copy(&fixture("zoo/local/side"), &zoo.join("dbt_packages/side"));
    let golden = fixture("goldens/selection/zoo");
    let ls = |args: &[&str]| zoo.run(["ls", "-q", "--profiles-dir", ".", "--output", "name"].iter().chain(args));

    // A folder without what no selector asks for is no mistake.
    zoo.write("state/other.txt", "");
    assert_eq!(ls(&["-s", "pens", "--indirect-selection", "empty", "--state", "state"]).stdout, "pens\n");
    for (selector, missing) in [
        ("state:modified", "manifest.json"),
        ("result:error", "run_results.json"),
        ("source_status:fresher", "sources.json of an earlier freshness check"),
    ] {
        let said = ls(&["-s", selector, "--state", "state"]);
        assert!(said.code != 0 && said.stderr.contains(missing), "{said}");
    }

    copy(&golden, &zoo.join("state"));
    let failed = ls(&["-s", "result:pass", "--indirect-selection", "empty", "--state", "state"]);
    assert_eq!(failed.code, 0, "{failed}");
    assert!(!failed.stdout.is_empty(), "{failed}");
    let without_now = ls(&["-s", "source_status:fresher", "--state", "state"]);
    assert!(without_now.stderr.contains("run `dbt source freshness` first"), "{without_now}");
    zoo.write("target/sources.json", zoo.read("state/sources_now.json"));
    let fresher = || ls(&["-s", "source_status:fresher", "--indirect-selection", "empty", "--state", "state"]).stdout;
    assert_eq!(fresher(), "");
    zoo.write("state/sources.json", zoo.read("state/sources.json").replace("2024-01-03T", "2023-12-31T"));
    assert_eq!(fresher(), "farm.animals\n");

    zoo.write("state/run_results.json", "{");
    let broken = ls(&["-s", "result:error", "--state", "state"]);
    assert!(broken.code == 4 && broken.stderr.contains("is not JSON"), "{broken}");
}
