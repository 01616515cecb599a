//! Which step may begin next. Pure: knows the order, nothing of databases.

use std::collections::{BTreeSet, HashMap};

use crate::model::NodeId;
use crate::plan::Step;

/// The steps of a plan with what each still waits for.
#[derive(Debug)]
pub(super) struct Schedule {
    ids: Vec<NodeId>,
    /// Steps that may begin, lowest first: the plan's order is kept where dependencies leave a choice.
    ready: BTreeSet<usize>,
    /// How many predecessors each step still waits for.
    waiting: Vec<usize>,
    followers: Vec<Vec<usize>>,
    ended: Vec<bool>,
}

/// A step that will not be tried, and the failed one at the root of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Skipped {
    pub(super) step: usize,
    pub(super) culprit: NodeId,
}

impl Schedule {
    /// A schedule of all `steps`. A predecessor that is not a step itself is taken as done.
    pub(super) fn new(steps: &[Step]) -> Self {
        let places: HashMap<_, _> = steps.iter().enumerate().map(|(i, step)| (&step.unique_id, i)).collect();
        let mut followers = vec![Vec::new(); steps.len()];
        let mut waiting = vec![0; steps.len()];
        for (i, step) in steps.iter().enumerate() {
            let before: BTreeSet<_> = step.after.iter().filter_map(|id| places.get(id)).filter(|&&p| p != i).collect();
            waiting[i] = before.len();
            for &p in before {
                followers[p].push(i);
            }
        }
        Self {
            ids: steps.iter().map(|step| step.unique_id.clone()).collect(),
            ready: (0..steps.len()).filter(|&i| waiting[i] == 0).collect(),
            waiting,
            followers,
            ended: vec![false; steps.len()],
        }
    }

    /// Takes the next step that may begin.
    pub(super) fn start(&mut self) -> Option<usize> {
        self.ready.pop_first()
    }

    /// Notes that a step ended well: those that waited for it alone become ready.
    pub(super) fn succeed(&mut self, step: usize) {
        self.ended[step] = true;
        for &follower in &self.followers[step] {
            self.waiting[follower] -= 1;
            if self.waiting[follower] == 0 && !self.ended[follower] {
                self.ready.insert(follower);
            }
        }
    }

    /// Notes that a step failed: all that follow from it, near and far, are skipped; they are returned in order.
    pub(super) fn fail(&mut self, step: usize) -> Vec<Skipped> {
        self.ended[step] = true;
        let (mut skipped, mut open) = (BTreeSet::new(), vec![step]);
        while let Some(failed) = open.pop() {
            for &follower in &self.followers[failed] {
                if !std::mem::replace(&mut self.ended[follower], true) {
                    skipped.insert(follower);
                    open.push(follower);
                }
            }
        }
        let culprit = &self.ids[step];
        skipped.into_iter().map(|step| Skipped { step, culprit: culprit.clone() }).collect()
    }

    /// Ends what has not begun: the steps left, in order. `running` have begun.
    pub(super) fn abandon(&mut self, running: &[usize]) -> Vec<usize> {
        self.ready.clear();
        let left: Vec<_> = (0..self.ids.len()).filter(|i| !self.ended[*i] && !running.contains(i)).collect();
        for &i in &left {
            self.ended[i] = true;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;
    use crate::model::NodeId;
    use crate::plan::{Action, Step};

    fn steps(edges: &[(&str, &[&str])]) -> Vec<Step> {
        edges
            .iter()
            .map(|(id, after)| Step {
                unique_id: NodeId::from(*id),
                action: Action::Model,
                relation: None,
                after: after.iter().map(|id| NodeId::from(*id)).collect(),
            })
            .collect()
    }

    #[test]
    fn a_step_begins_when_all_before_it_ended_and_not_earlier() {
        let mut schedule = Schedule::new(&steps(&[("a", &[]), ("b", &["elsewhere"]), ("c", &["a", "b", "a"])]));
        assert_eq!((schedule.start(), schedule.start(), schedule.start()), (Some(0), Some(1), None));
        schedule.succeed(1);
        assert_eq!(schedule.start(), None);
        schedule.succeed(0);
        assert_eq!(schedule.start(), Some(2));
    }

    #[test]
    fn a_failure_skips_all_that_follows_and_names_the_root() {
        let mut schedule =
            Schedule::new(&steps(&[("a", &[]), ("x", &[]), ("b", &["a"]), ("c", &["b", "x"]), ("d", &["x"])]));
        schedule.start();
        let skipped = schedule.fail(0);
        assert_eq!(skipped.iter().map(|s| (s.step, s.culprit.as_str())).collect::<Vec<_>>(), [(2, "a"), (3, "a")]);
        assert_eq!(schedule.start(), Some(1));
        schedule.succeed(1);
        assert_eq!((schedule.start(), schedule.start()), (Some(4), None));
    }

    #[test]
    fn a_step_that_two_failures_reach_is_skipped_once() {
        let mut schedule = Schedule::new(&steps(&[("a", &[]), ("b", &[]), ("c", &["a", "b"])]));
        schedule.start();
        schedule.start();
        assert_eq!(schedule.fail(0).len(), 1);
        assert!(schedule.fail(1).is_empty());
    }

    #[test]
    fn abandoning_ends_all_but_the_running() {
        let mut schedule = Schedule::new(&steps(&[("a", &[]), ("b", &[]), ("c", &["a"])]));
        let running = schedule.start().unwrap();
        assert_eq!(schedule.abandon(&[running]), [1, 2]);
        schedule.succeed(running);
        assert_eq!(schedule.start(), None);
    }
}
