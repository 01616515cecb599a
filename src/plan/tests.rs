//! Plans of the zoo, and of small graphs whose outcome dbt has shown.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use indexmap::IndexMap;

use super::{Action, Command, CommandPlan, Error, KeySource, Plan, PullRequest, for_command, for_pull_request, render};
use crate::model::{Detail, JsonMap, Manifest, Node, NodeId, Relation, ResourceType};
use crate::select::Selection;
use crate::state::tests::golden;

fn zoo() -> Manifest {
    golden::read(&golden::json("zoo/golden/manifest.json"))
}

fn selection(ids: &[&str]) -> Selection {
    Selection { nodes: ids.iter().map(|id| NodeId::from(*id)).collect() }
}

fn everything(manifest: &Manifest) -> Selection {
    Selection { nodes: manifest.nodes.keys().cloned().collect() }
}

fn command(command: Command, manifest: &Manifest, selection: &Selection) -> Plan {
    let request = CommandPlan {
        command,
        manifest,
        selection,
        defer: None,
        favor_state: false,
        exists: &|_| true,
        full_refresh: false,
    };
    for_command(&request).unwrap()
}

fn after(plan: &Plan) -> IndexMap<&str, Vec<&str>> {
    plan.steps.iter().map(|step| (step.unique_id.as_str(), step.after.iter().map(NodeId::as_str).collect())).collect()
}

/// A project of nodes with what they read; `test.` and `unit_test.` in front make tests, `~` behind an ephemeral model.
fn project(nodes: &[(&str, &[&str])]) -> Manifest {
    let mut manifest = zoo();
    let template = manifest.nodes["model.zoo.stg_animals"].clone();
    manifest.nodes.clear();
    for (name, reads) in nodes {
        let (id, ephemeral) = match name.strip_suffix('~') {
            Some(id) => (id, true),
            None => (*name, false),
        };
        let mut node = Node { unique_id: id.into(), name: id.to_owned(), alias: id.to_owned(), ..template.clone() };
        node.resource_type = ResourceType::parse(id.split('.').next().unwrap()).unwrap();
        if matches!(node.resource_type, ResourceType::Test | ResourceType::UnitTest) {
            node.detail = Detail::Other(JsonMap::new());
            node.relation = None;
        } else {
            node.relation = (!ephemeral).then(|| Relation::new(None, "main", id));
            node.config.insert("materialized".to_owned(), if ephemeral { "ephemeral" } else { "table" }.into());
        }
        node.depends_on.nodes = reads.iter().map(|id| NodeId::from(*id)).collect();
        manifest.nodes.insert(node.unique_id.clone(), node);
    }
    manifest
}

/// The project that dbt was asked about: every test below failed there in turn, and what it skipped is what waits for
/// it.
fn asked() -> Manifest {
    project(&[
        ("source.t", &[]),
        ("model.a", &["source.t"]),
        ("model.b", &["model.a"]),
        ("model.c", &["model.b"]),
        ("model.d", &["model.a"]),
        ("model.e", &["model.b", "model.d"]),
        ("model.f~", &["model.b"]),
        ("model.g", &["model.f"]),
        ("model.h", &["model.e"]),
        ("test.src", &["source.t"]),
        ("test.a", &["model.a"]),
        ("test.f", &["model.f"]),
        ("test.ba", &["model.b", "model.a"]),
        ("test.bd", &["model.b", "model.d"]),
        ("unit_test.b", &["model.b"]),
        ("unit_test.h", &["model.h"]),
    ])
}

/// All that is skipped when a step fails.
fn skipped(plan: &Plan, failed: &str) -> Vec<String> {
    let mut found = vec![failed.to_owned()];
    for step in &plan.steps {
        if step.after.iter().any(|id| found.contains(&id.to_string())) {
            found.push(step.unique_id.to_string());
        }
    }
    found.remove(0);
    found.sort();
    found
}

#[test]
fn in_a_build_a_failed_test_skips_what_dbt_skips() {
    let manifest = asked();
    let plan = command(Command::Build, &manifest, &everything(&manifest));
    let all_below_a = [
        "model.b",
        "model.c",
        "model.d",
        "model.e",
        "model.g",
        "model.h",
        "test.ba",
        "test.bd",
        "test.f",
        "unit_test.b",
        "unit_test.h",
    ];
    assert_eq!(skipped(&plan, "test.a"), all_below_a);
    let mut with_a = [&["model.a"], all_below_a.as_slice(), &["test.a"]].concat();
    with_a.sort_unstable();
    assert_eq!(skipped(&plan, "test.src"), with_a);
    assert_eq!(skipped(&plan, "test.bd"), ["model.e", "model.h", "unit_test.h"]);
    assert_eq!(skipped(&plan, "test.ba"), ["model.c", "model.e", "model.g", "model.h", "test.f", "unit_test.h"]);
    assert_eq!(skipped(&plan, "test.f"), ["model.g"]);
    assert_eq!(skipped(&plan, "unit_test.h"), ["model.h"]);
}

#[test]
fn a_test_of_a_node_that_is_not_selected_still_holds_up_its_children() {
    let manifest = asked();
    let plan = command(Command::Build, &manifest, &selection(&["test.a", "model.b", "model.c"]));
    assert_eq!(after(&plan)["model.b"], ["test.a"]);
    assert_eq!(after(&plan)["model.c"], ["model.b"]);
}

#[test]
fn each_command_does_its_own_kinds_and_tests_hold_up_nothing_outside_of_a_build() {
    let manifest = asked();
    let all = everything(&manifest);
    let run = command(Command::Run, &manifest, &all);
    let models = ["model.a", "model.b", "model.d", "model.c", "model.e", "model.g", "model.h"];
    assert_eq!(run.steps.iter().map(|step| step.unique_id.as_str()).collect::<Vec<_>>(), models);
    assert_eq!(after(&run)["model.g"], ["model.b"]);
    let test = command(Command::Test, &manifest, &all);
    assert_eq!(test.steps.len(), 7);
    assert!(test.steps.iter().all(|step| step.action == Action::Test && step.after.is_empty()));
    assert!(test.schemas.is_empty());
    assert!(command(Command::Compile, &manifest, &all).steps.is_empty());
}

#[test]
fn steps_come_after_everything_they_wait_for() {
    let manifest = zoo();
    let plan = command(Command::Build, &manifest, &everything(&manifest));
    let places: HashMap<&NodeId, usize> = plan.steps.iter().enumerate().map(|(i, s)| (&s.unique_id, i)).collect();
    for (place, step) in plan.steps.iter().enumerate() {
        for before in &step.after {
            assert!(places[before] < place, "{} waits for {before}", step.unique_id);
        }
    }
    assert!(!places.contains_key(&NodeId::from("model.zoo.feed")), "an ephemeral model is no step");
    assert_eq!(plan.schemas, [(Some("zoo".to_owned()), "main".to_owned())]);
}

#[test]
fn hooks_of_the_root_project_come_before_those_of_packages_and_only_with_something_to_do() {
    let mut manifest = project(&[("model.a", &[])]);
    let template = manifest.nodes["model.a"].clone();
    for (package, index, at_end) in
        [("pk", 1, false), ("pk", 0, false), ("zoo", 1, false), ("zoo", 0, false), ("zoo", 0, true)]
    {
        let unique_id: NodeId = format!("operation.{package}.{at_end}-{index}").into();
        let hook = Node {
            unique_id: unique_id.clone(),
            resource_type: ResourceType::Operation,
            package_name: package.to_owned(),
            detail: Detail::Operation { index, at_end },
            ..template.clone()
        };
        manifest.nodes.insert(unique_id, hook);
    }
    let plan = command(Command::Run, &manifest, &selection(&["model.a"]));
    let start: Vec<&str> = plan.on_run_start.iter().map(NodeId::as_str).collect();
    assert_eq!(
        start,
        ["operation.zoo.false-0", "operation.zoo.false-1", "operation.pk.false-0", "operation.pk.false-1"]
    );
    assert_eq!(plan.on_run_end, ["operation.zoo.true-0".into()]);
    assert!(command(Command::Run, &manifest, &selection(&[])).on_run_start.is_empty());
}

/// Production: the same nodes in another schema.
fn in_schema(manifest: &Manifest, schema: &str) -> Manifest {
    let mut there = manifest.clone();
    for relation in there.nodes.values_mut().filter_map(|node| node.relation.as_mut()) {
        relation.schema = Some(schema.to_owned());
    }
    there
}

#[test]
fn defer_reads_from_production_what_is_neither_selected_nor_there() {
    let manifest = asked();
    let production = in_schema(&manifest, "prod");
    let plan = |favor_state, exists: &dyn Fn(&Relation) -> bool, command| {
        let selection = selection(&["model.e", "model.g"]);
        let request = CommandPlan {
            command,
            manifest: &manifest,
            selection: &selection,
            defer: Some(&production),
            favor_state,
            exists,
            full_refresh: false,
        };
        for_command(&request).unwrap()
    };
    let schemas = |plan: &Plan, id: &str| plan.relations[id].schema_name().to_owned();
    let missing = plan(false, &|_| false, Command::Run);
    assert_eq!(missing.deferred, ["model.b".into(), "model.d".into()]);
    assert_eq!(schemas(&missing, "model.b"), "prod");
    assert_eq!(schemas(&missing, "model.e"), "main");
    assert_eq!(schemas(&missing, "source.t"), "main");
    let there = plan(false, &|relation| relation.name() == "model.b", Command::Run);
    assert_eq!(there.deferred, ["model.d".into()]);
    let favored = plan(true, &|_| true, Command::Run);
    assert_eq!(favored.deferred, ["model.b".into(), "model.d".into()]);
    let compiled = plan(true, &|_| true, Command::Compile);
    assert_eq!(compiled.deferred, ["model.b".into(), "model.d".into()]);
    assert_eq!(schemas(&compiled, "model.e"), "main");
}

fn pull_request(head: &Manifest, baseline: &Manifest, ids: &[&str]) -> Result<Plan, Error> {
    for_pull_request(&PullRequest {
        head,
        baseline,
        selection: &selection(ids),
        environment: (Some("db".to_owned()), "pr_7".to_owned()),
        max_identifier: Some(63),
        build_below_failed_tests: true,
    })
}

#[test]
fn a_pull_request_builds_in_one_schema_and_reads_the_rest_from_the_baseline() {
    let head = asked();
    let baseline = in_schema(&head, "prod");
    let plan = pull_request(&head, &baseline, &["model.g", "model.e", "test.bd", "test.f", "unit_test.h"]).unwrap();
    let names: Vec<String> = plan.steps.iter().filter_map(|step| Some(step.relation.as_ref()?.short())).collect();
    assert_eq!(names, ["pr_7.model.e", "pr_7.model.g"]);
    assert_eq!(plan.relations["model.b"].short(), "prod.model.b");
    assert_eq!(plan.relations["source.t"].short(), "main.source.t");
    assert_eq!(plan.deferred, ["model.b".into(), "model.d".into()]);
    assert_eq!(plan.schemas, [(Some("db".to_owned()), "pr_7".to_owned())]);
    assert!(plan.full_refresh);
    // A failing test hides nothing of what the change does.
    assert!(
        plan.steps
            .iter()
            .all(|step| step.action == Action::Test || step.after.iter().all(|id| !id.as_str().contains("test")))
    );
    let compared: Vec<String> = plan
        .comparisons
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                it.relation.baseline.as_ref().unwrap().short(),
                it.relation.current.as_ref().unwrap().short()
            )
        })
        .collect();
    assert_eq!(compared, ["prod.model.g pr_7.model.g", "prod.model.e pr_7.model.e"]);
}

#[test]
fn what_the_baseline_has_not_cannot_be_read_from_it() {
    let head = asked();
    let mut baseline = in_schema(&head, "prod");
    baseline.nodes.shift_remove("model.b");
    let error = pull_request(&head, &baseline, &["model.g"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "model.g reads model.b, which is not selected, and the baseline does not have it; select it too, e.g. with '+model.b'"
    );
    let plan = pull_request(&head, &baseline, &["model.d", "test.bd", "test.a"]).unwrap();
    assert_eq!(plan.left_out.len(), 1);
    assert_eq!(plan.left_out[0].1, "reads model.b, which is neither built nor in the baseline");
    let new = pull_request(&head, &baseline, &["model.b"]).unwrap();
    assert_eq!(new.comparisons[0].relation.baseline, None);
}

#[test]
fn nothing_selected_is_an_empty_plan() {
    let head = asked();
    let plan = pull_request(&head, &head, &["model.f"]).unwrap();
    assert_eq!((plan.steps.len(), plan.schemas.len(), plan.on_run_end.len()), (0, 0, 0));
    assert_eq!(render(&plan), "nothing to do\n");
}

#[test]
fn equal_aliases_are_told_apart_and_long_names_fit() {
    let long = "x".repeat(80);
    let mut head = project(&[("model.a", &[]), ("model.b", &[]), ("model.c", &[]), ("model.d", &[])]);
    for (id, schema, alias) in [
        ("model.a", "sales", "orders"),
        ("model.b", "ops", "Orders"),
        ("model.c", "ops", long.as_str()),
        ("model.d", "ops", &format!("{long}y")),
    ] {
        let node = head.nodes.get_mut(id).unwrap();
        schema.clone_into(&mut node.schema);
        alias.clone_into(&mut node.alias);
    }
    let plan = pull_request(&head, &head, &["model.a", "model.b", "model.c", "model.d"]).unwrap();
    let names: Vec<&str> = plan.steps.iter().map(|step| step.relation.as_ref().unwrap().name()).collect();
    assert_eq!(names[..2], ["sales__orders", "ops__Orders"]);
    assert!(names[2].len() == 63 && names[3].len() == 63 && names[2] != names[3], "{names:?}");
    assert_eq!(names[2][..54], names[3][..54]);
}

#[test]
fn long_names_are_cut_between_characters() {
    let mut head = project(&[("model.a", &[])]);
    head.nodes.get_mut("model.a").unwrap().alias = "ж".repeat(40);
    let plan = pull_request(&head, &head, &["model.a"]).unwrap();
    let name = plan.steps[0].relation.as_ref().unwrap().name().to_owned();
    assert!(name.len() <= 63 && name.starts_with("жжж"), "{name}");
}

fn keys_of(manifest: &Manifest, id: &str) -> Vec<(String, KeySource)> {
    let plan = pull_request(manifest, manifest, &[id]).unwrap();
    plan.comparisons[0].keys.iter().map(|key| (key.columns.join(","), key.source)).collect()
}

#[test]
fn each_evidence_of_a_key_is_a_candidate_of_its_own() {
    let mut zoo = zoo();
    assert_eq!(keys_of(&zoo, "model.zoo.ledger"), [("pen".to_owned(), KeySource::Constraint)]);
    assert_eq!(keys_of(&zoo, "model.zoo.pens"), [("legs,pen".to_owned(), KeySource::UniqueKey)]);
    assert_eq!(keys_of(&zoo, "model.zoo.stg_animals"), [("id".to_owned(), KeySource::Tests)]);
    assert_eq!(keys_of(&zoo, "model.zoo.animals"), []);
    assert_eq!(keys_of(&zoo, "snapshot.zoo.animals_history"), [("id".to_owned(), KeySource::UniqueKey)]);

    let meta = serde_json::json!({"key": ["name", "id"]});
    zoo.nodes.get_mut("model.zoo.stg_animals").unwrap().meta.insert("slimdiff".to_owned(), meta);
    let expected = [("name,id".to_owned(), KeySource::Meta), ("id".to_owned(), KeySource::Tests)];
    assert_eq!(keys_of(&zoo, "model.zoo.stg_animals"), expected);

    let test = zoo.nodes.get_mut("test.zoo.positive_animals_legs.c023540cbc").unwrap();
    let Detail::Test(detail) = &mut test.detail else { panic!() };
    let metadata = detail.metadata.as_mut().unwrap();
    "unique_combination_of_columns".clone_into(&mut metadata.name);
    metadata.kwargs.insert("combination_of_columns".to_owned(), serde_json::json!(["id", "name"]));
    assert_eq!(keys_of(&zoo, "model.zoo.animals"), [("id,name".to_owned(), KeySource::UniqueCombination)]);
    // A test of some rows only says nothing of the others.
    test_where(&mut zoo, "test.zoo.positive_animals_legs.c023540cbc");
    assert_eq!(keys_of(&zoo, "model.zoo.animals"), []);
}

fn test_where(manifest: &mut Manifest, id: &str) {
    manifest.nodes.get_mut(id).unwrap().config.insert("where".to_owned(), "id > 3".into());
}

#[test]
fn a_checked_snapshot_is_compared_without_its_clock() {
    let mut zoo = zoo();
    let excluded = |manifest: &Manifest| -> Vec<String> {
        let plan = pull_request(manifest, manifest, &["snapshot.zoo.animals_history"]).unwrap();
        plan.comparisons[0].excluded.iter().map(|excluded| excluded.column.clone()).collect()
    };
    assert_eq!(excluded(&zoo), ["dbt_updated_at", "dbt_valid_from", "dbt_valid_to", "dbt_scd_id"]);
    let snapshot = zoo.nodes.get_mut("snapshot.zoo.animals_history").unwrap();
    snapshot.config.insert("strategy".to_owned(), "timestamp".into());
    snapshot.config.insert("snapshot_meta_column_names".to_owned(), serde_json::json!({"dbt_valid_from": "since"}));
    assert!(excluded(&zoo).is_empty());
    assert_eq!(keys_of(&zoo, "snapshot.zoo.animals_history"), [("id,since".to_owned(), KeySource::UniqueKey)]);
}

#[test]
fn the_plan_reads_as_aligned_lines() {
    let zoo = zoo();
    let mut baseline = in_schema(&zoo, "prod");
    baseline.nodes.shift_remove("model.zoo.ledger");
    let ids = ["model.zoo.ledger", "model.zoo.costs", "seed.zoo.species", "test.zoo.positive_pens_head.d7567217a3"];
    insta::assert_snapshot!(render(&pull_request(&zoo, &baseline, &ids).unwrap()));
}

#[test]
fn a_large_project_is_planned_in_no_time() {
    let mut nodes: Vec<(String, Vec<String>)> = Vec::new();
    for i in 0..3_000_usize {
        let model = |i: usize| format!("model.m{i}");
        let reads = if i < 300 { Vec::new() } else { vec![model(i - 300), model((i * 7919) % (i - 200))] };
        nodes.push((model(i), reads));
        nodes.push((format!("test.one{i}"), vec![model(i)]));
        nodes.push((format!("test.two{i}"), vec![model(i), model((i * 31) % 3_000)]));
    }
    let reads: Vec<Vec<&str>> = nodes.iter().map(|(_, reads)| reads.iter().map(String::as_str).collect()).collect();
    let nodes: Vec<(&str, &[&str])> =
        nodes.iter().zip(&reads).map(|((id, _), reads)| (id.as_str(), &**reads)).collect();
    let manifest = project(&nodes);
    let start = Instant::now();
    let plan = command(Command::Build, &manifest, &everything(&manifest));
    assert_eq!(plan.steps.len(), 9_000);
    assert!(start.elapsed() < Duration::from_secs(10), "took {:?}", start.elapsed());
}

#[test]
fn what_nobody_has_is_built_as_well_and_what_it_reads_in_turn() {
    let head = asked();
    let mut baseline = in_schema(&head, "prod");
    for gone in ["model.b", "model.f", "model.d"] {
        baseline.nodes.shift_remove(gone);
    }
    let missing = |ids: &[&str]| super::missing_parents(&head, &baseline, &selection(ids));
    // Through the ephemeral f.
    assert_eq!(missing(&["model.g"]), ["model.b".into()]);
    assert_eq!(missing(&["model.e", "model.d"]), ["model.b".into()]);
    assert!(missing(&["model.a", "test.ba"]).is_empty(), "tests alone build nothing");
}
