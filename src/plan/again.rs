//! The same build once more, in a schema of its own: whatever the two builds differ by changes by itself.

use std::collections::HashMap;

use super::naming::shortened;
use super::{Action, Comparison, Plan};
use crate::model::{Change, NodeId, Relation};

/// The schema of the second build beside the throw-away schema `schema`; `limit` is the longest identifier in bytes.
pub fn again_schema(schema: &str, limit: Option<usize>) -> String {
    let name = format!("{schema}__again");
    shortened(&name, &name, limit)
}

/// Builds once more what `is_built` says was built of `plan`, in `schema` (database, schema): models and snapshots, one
/// from the other, so that what is noise above is noise below. Seeds are files, which have nothing to show by being
/// loaded twice: they, and production's tables, are read where the first build read them. Each pair of relations, the
/// first build's and the second's, is a comparison. Tests and the hooks of the end have no place in it.
pub fn again(plan: &Plan, schema: &(Option<String>, String), is_built: impl Fn(&NodeId) -> bool) -> Plan {
    let is_again = |action| matches!(action, Action::Model | Action::Snapshot);
    let chosen = plan.steps.iter().filter(|step| is_again(step.action) && is_built(&step.unique_id));
    let steps: Vec<_> = chosen
        .map(|step| {
            let mut step = step.clone();
            step.relation = step.relation.map(|relation| elsewhere(relation, schema));
            step
        })
        .collect();
    let places: HashMap<&NodeId, &Relation> =
        steps.iter().filter_map(|step| Some((&step.unique_id, step.relation.as_ref()?))).collect();
    let compare = |comparison: &Comparison| {
        let second = (*places.get(&comparison.unique_id)?).clone();
        let relation = Change { baseline: comparison.relation.current.clone(), current: Some(second) };
        Some(Comparison { relation, ..comparison.clone() })
    };
    let comparisons = plan.comparisons.iter().filter_map(compare).collect();
    let mut relations = plan.relations.clone();
    for (id, relation) in &mut relations {
        if let Some(second) = places.get(id) {
            *relation = (*second).clone();
        }
    }
    Plan {
        schemas: if steps.is_empty() { Vec::new() } else { vec![schema.clone()] },
        comparisons,
        relations,
        on_run_start: if steps.is_empty() { Vec::new() } else { plan.on_run_start.clone() },
        steps,
        deferred: plan.deferred.clone(),
        full_refresh: plan.full_refresh,
        ..Plan::default()
    }
}

fn elsewhere(mut relation: Relation, (database, schema): &(Option<String>, String)) -> Relation {
    relation.database.clone_from(database);
    relation.schema = Some(schema.clone());
    relation
}

#[cfg(test)]
mod tests {
    use super::{again, again_schema};
    use crate::model::{Change, NodeId, Relation};
    use crate::plan::{Action, Comparison, Plan, Step};

    fn plan() -> Plan {
        let step = |id: &str, action, after: &[&str]| Step {
            unique_id: id.into(),
            action,
            relation: (action != Action::Test).then(|| Relation::new(None, "pr_7", id)),
            after: after.iter().map(|id| NodeId::from(*id)).collect(),
        };
        let steps = vec![
            step("seed", Action::Seed, &[]),
            step("a", Action::Model, &["seed"]),
            step("test", Action::Test, &["a"]),
            step("b", Action::Model, &["a", "test"]),
            step("failed", Action::Model, &[]),
        ];
        let place = |id: &str, schema: &str| (NodeId::from(id), Relation::new(None, schema, id));
        let comparison = |id: &str| Comparison {
            unique_id: id.into(),
            relation: Change { baseline: None, current: Some(Relation::new(None, "pr_7", id)) },
            keys: Vec::new(),
            excluded: Vec::new(),
        };
        Plan {
            steps,
            relations: [place("seed", "pr_7"), place("a", "pr_7"), place("b", "pr_7"), place("raw", "main")].into(),
            comparisons: ["seed", "a", "b", "failed"].map(comparison).to_vec(),
            on_run_start: vec!["start".into()],
            on_run_end: vec!["end".into()],
            ..Plan::default()
        }
    }

    #[test]
    fn models_are_built_from_each_other_and_from_the_first_builds_seeds() {
        let second = again(&plan(), &(None, "twice".to_owned()), |id| id.as_str() != "failed");
        let steps: Vec<_> = second.steps.iter().map(|step| step.unique_id.as_str()).collect();
        assert_eq!(steps, ["a", "b"]);
        let schemas: Vec<_> = second.relations.iter().map(|(id, at)| (id.as_str(), at.schema_name())).collect();
        assert_eq!(schemas, [("seed", "pr_7"), ("a", "twice"), ("b", "twice"), ("raw", "main")]);
        assert_eq!((second.on_run_start.len(), second.on_run_end.len()), (1, 0));
        let pairs: Vec<_> = second.comparisons.iter().map(|comparison| &comparison.relation).collect();
        assert_eq!(pairs.len(), 2);
        let names = pairs[0].as_ref().map(|relation| relation.as_ref().map(Relation::short));
        assert_eq!(names, Change { baseline: Some("pr_7.a".into()), current: Some("twice.a".into()) });
        assert!(again(&plan(), &(None, "twice".to_owned()), |_| false).on_run_start.is_empty());
    }

    #[test]
    fn the_name_of_the_second_schema_keeps_to_the_limit() {
        assert_eq!(again_schema("pr_7", Some(63)), "pr_7__again");
        let long = "x".repeat(60);
        let (name, other) = (again_schema(&long, Some(63)), again_schema(&format!("{long}y"), Some(63)));
        assert!(name.len() <= 63 && name != other, "{name} {other}");
    }
}
