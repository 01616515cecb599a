//! Selections of random graphs against a reference that is as plain as the rules: sets of numbers, and reachability by
//! trying every path.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::model::{DependsOn, Detail, Manifest, Node, NodeId, ResourceType};
use crate::select::{Criterion, Indirect, Reach, Request, SelectorExpr, dag, select};

type Set = BTreeSet<usize>;

const TAGS: [&str; 3] = ["red", "green", "blue"];

/// A node by its number: kind, tags as bits, parents.
#[derive(Debug, Clone)]
struct Plain {
    kind: ResourceType,
    ephemeral: bool,
    tags: usize,
    parents: Vec<usize>,
}

impl Plain {
    fn is_test(&self) -> bool {
        matches!(self.kind, ResourceType::Test | ResourceType::UnitTest)
    }

    /// Whether others may depend on it.
    fn has_children(&self) -> bool {
        matches!(self.kind, ResourceType::Source | ResourceType::Model | ResourceType::Seed)
    }
}

/// Graphs of sources, seeds, models (some of them ephemeral), tests of one or more of them, unit tests and exposures.
fn graphs() -> impl Strategy<Value = Vec<Plain>> {
    let kind = prop_oneof![
        2 => Just(ResourceType::Source),
        1 => Just(ResourceType::Seed),
        6 => Just(ResourceType::Model),
        4 => Just(ResourceType::Test),
        1 => Just(ResourceType::UnitTest),
        1 => Just(ResourceType::Exposure),
    ];
    let node = (kind, any::<bool>(), 0_usize..8, proptest::collection::vec(any::<prop::sample::Index>(), 0..4));
    proptest::collection::vec(node, 1..16).prop_map(|drafts| {
        let mut graph: Vec<Plain> = Vec::new();
        for (kind, ephemeral, tags, parents) in drafts {
            let possible: Vec<usize> = (0..graph.len()).filter(|&i| graph[i].has_children()).collect();
            let is_root = matches!(kind, ResourceType::Source | ResourceType::Seed);
            let parents: Set = match possible.as_slice() {
                [] => Set::new(),
                _ if is_root => Set::new(),
                possible => parents.iter().map(|index| *index.get(possible)).collect(),
            };
            graph.push(Plain { kind, ephemeral, tags, parents: parents.into_iter().collect() });
        }
        graph
    })
}

/// What is selected by, and what it looks like in the selector's language.
#[derive(Debug, Clone)]
enum What {
    Everything,
    Tag(usize),
    Kind(ResourceType),
    One(prop::sample::Index),
}

#[derive(Debug, Clone)]
struct Wish {
    what: What,
    at: bool,
    parents: Option<Reach>,
    children: Option<Reach>,
}

fn reaches() -> impl Strategy<Value = Option<Reach>> {
    prop_oneof![3 => Just(None), 1 => Just(Some(Reach::All)), 1 => (0_usize..4).prop_map(|n| Some(Reach::Steps(n)))]
}

fn wishes() -> impl Strategy<Value = Wish> {
    let what = prop_oneof![
        1 => Just(What::Everything),
        3 => (0..TAGS.len()).prop_map(What::Tag),
        1 => Just(What::Kind(ResourceType::Model)),
        1 => Just(What::Kind(ResourceType::Source)),
        1 => Just(What::Kind(ResourceType::Test)),
        4 => any::<prop::sample::Index>().prop_map(What::One),
    ];
    (what, prop::bool::weighted(0.2), reaches(), reaches()).prop_map(|(what, at, parents, children)| Wish {
        what,
        at,
        parents,
        children: children.filter(|_| !at),
    })
}

type Unions = Vec<Vec<Wish>>;

fn unions(least: usize) -> impl Strategy<Value = Unions> {
    proptest::collection::vec(proptest::collection::vec(wishes(), 1..4), least..4)
}

fn modes() -> impl Strategy<Value = Indirect> {
    prop_oneof![Just(Indirect::Eager), Just(Indirect::Cautious), Just(Indirect::Buildable), Just(Indirect::Empty)]
}

// ---------------------------------------------------------------------------------------------
// The reference

struct Reference<'g> {
    graph: &'g [Plain],
    mode: Indirect,
}

/// Selected, and tests that are touched.
type Pair = (Set, Set);

impl Reference<'_> {
    fn children(&self, of: usize) -> Set {
        (0..self.graph.len()).filter(|&i| self.graph[i].parents.contains(&of)).collect()
    }

    fn walk(&self, from: &Set, steps: Option<usize>, next: &dyn Fn(usize) -> Set) -> Set {
        let mut found = Set::new();
        let mut edge = from.clone();
        let mut left = steps.unwrap_or(self.graph.len());
        while left > 0 && !edge.is_empty() {
            edge = edge.iter().flat_map(|&i| next(i)).filter(|i| !found.contains(i)).collect();
            found.extend(&edge);
            left -= 1;
        }
        found
    }

    fn above(&self, from: &Set, steps: Option<usize>) -> Set {
        self.walk(from, steps, &|i| self.graph[i].parents.iter().copied().collect())
    }

    fn below(&self, from: &Set, steps: Option<usize>) -> Set {
        self.walk(from, steps, &|i| self.children(i))
    }

    fn criterion(&self, wish: &Wish) -> Pair {
        let fits = |i: &usize| match &wish.what {
            What::Everything => self.graph[*i].kind != ResourceType::Source,
            What::Tag(tag) => self.graph[*i].tags & (1 << tag) != 0,
            What::Kind(kind) => self.graph[*i].kind == *kind,
            What::One(index) => index.index(self.graph.len()) == *i && self.graph[*i].kind != ResourceType::Source,
        };
        let chosen: Set = (0..self.graph.len()).filter(fits).collect();
        let mut selected = chosen.clone();
        if wish.at {
            selected.extend(self.below(&chosen, None));
            selected.extend(self.above(&selected.clone(), None));
        }
        if let Some(reach) = wish.parents {
            selected.extend(self.above(&chosen, reach.depth()));
        }
        if let Some(reach) = wish.children {
            selected.extend(self.below(&chosen, reach.depth()));
        }
        let touched: Set =
            selected.iter().flat_map(|&i| self.children(i)).filter(|&i| self.graph[i].is_test()).collect();
        match self.mode {
            Indirect::Empty => (selected, Set::new()),
            Indirect::Eager => (&selected | &touched, Set::new()),
            Indirect::Cautious | Indirect::Buildable => {
                let ready = self.ready(&touched, &selected);
                (&selected | &ready, &touched - &ready)
            }
        }
    }

    /// The tests whose parents are all there.
    fn ready(&self, tests: &Set, selected: &Set) -> Set {
        let mut enough = selected.clone();
        if self.mode == Indirect::Buildable {
            enough.extend(self.above(selected, None));
            enough.extend((0..self.graph.len()).filter(|&i| self.graph[i].kind == ResourceType::Source));
        }
        let is_ready = |i: &&usize| self.graph[**i].parents.iter().all(|parent| enough.contains(parent));
        tests.iter().filter(|i| self.graph[**i].is_test()).filter(is_ready).copied().collect()
    }

    fn combined(&self, parts: Vec<Pair>, combine: &dyn Fn(&Set, &Set) -> Set) -> Pair {
        let with_touched = parts.into_iter().map(|(selected, touched)| (selected.clone(), &selected | &touched));
        let both = with_touched.reduce(|(a, b), (c, d)| (combine(&a, &c), combine(&b, &d)));
        let (selected, touched) = both.unwrap_or_default();
        match self.mode {
            Indirect::Eager | Indirect::Empty => (selected, touched),
            Indirect::Cautious | Indirect::Buildable => (&selected | &self.ready(&touched, &selected), touched),
        }
    }

    fn unions(&self, unions: &Unions) -> Pair {
        let part =
            |wishes: &Vec<Wish>| self.combined(wishes.iter().map(|wish| self.criterion(wish)).collect(), &|a, b| a & b);
        self.combined(unions.iter().map(part).collect(), &|a, b| a | b)
    }

    fn everything(&self) -> Pair {
        // All nodes are selected, so that no test is left to be touched.
        ((0..self.graph.len()).collect(), Set::new())
    }

    fn answer(&self, select: &Unions, exclude: &Unions) -> Set {
        let included = if select.is_empty() { self.everything() } else { self.unions(select) };
        if exclude.is_empty() {
            return included.0;
        }
        self.combined(vec![included, self.unions(exclude)], &|a, b| a - b).0
    }
}

// ---------------------------------------------------------------------------------------------
// The same for the selection

fn id(number: usize, kind: ResourceType) -> NodeId {
    NodeId::from(format!("{kind}.p.n{number}"))
}

fn manifest(graph: &[Plain]) -> Manifest {
    let mut manifest = Manifest::default();
    "p".clone_into(&mut manifest.metadata.project_name);
    for (number, plain) in graph.iter().enumerate() {
        let unique_id = id(number, plain.kind);
        let name = format!("n{number}");
        let materialized = if plain.ephemeral { "ephemeral" } else { "table" };
        let parents = plain.parents.iter().map(|&parent| id(parent, graph[parent].kind)).collect();
        let node = Node {
            name: name.clone(),
            package_name: "p".to_owned(),
            path: format!("{name}.sql"),
            original_file_path: format!("models/{name}.sql"),
            fqn: vec!["p".to_owned(), name.clone()],
            alias: name,
            schema: "s".to_owned(),
            config: serde_json::Map::from_iter([("materialized".to_owned(), materialized.into())]).into(),
            tags: (0..TAGS.len()).filter(|tag| plain.tags & (1 << tag) != 0).map(|tag| TAGS[tag].to_owned()).collect(),
            depends_on: DependsOn { macros: Vec::new(), nodes: parents },
            ..Node::new(
                unique_id.clone(),
                plain.kind,
                match plain.kind {
                    ResourceType::Source => Detail::Source(Box::default()),
                    ResourceType::Test => Detail::Test(Box::default()),
                    ResourceType::Model => Detail::Model(Box::default()),
                    ResourceType::Exposure => Detail::Exposure(Box::default()),
                    ResourceType::Seed => Detail::Seed { root_path: String::new() },
                    _ => Detail::Other(serde_json::Map::new()),
                },
            )
        };
        manifest.nodes.insert(unique_id, node);
    }
    manifest
}

fn written(unions: &Unions, nodes: usize) -> SelectorExpr {
    let criterion = |wish: &Wish| {
        let (method, value) = match &wish.what {
            What::Everything => (None, "*".to_owned()),
            What::Tag(tag) => (Some("tag"), TAGS[*tag].to_owned()),
            What::Kind(kind) => (Some("resource_type"), kind.as_str().to_owned()),
            What::One(index) => (Some("fqn"), format!("n{}", index.index(nodes))),
        };
        Criterion {
            childrens_parents: wish.at,
            parents: wish.parents,
            method: method.map(str::to_owned),
            value,
            children: wish.children,
        }
    };
    SelectorExpr { unions: unions.iter().map(|wishes| wishes.iter().map(criterion).collect()).collect() }
}

fn selected(graph: &[Plain], exprs: [&SelectorExpr; 2], mode: Indirect) -> Set {
    let manifest = manifest(graph);
    let arguments = |expr: &SelectorExpr| if expr.unions.is_empty() { Vec::new() } else { vec![expr.to_string()] };
    let [select_args, exclude_args] = exprs.map(arguments);
    let request = Request { select: select_args, exclude: exclude_args, indirect: mode, ..Request::default() };
    let (selection, _) = select(&request, &manifest, &dag(&manifest).unwrap(), None).unwrap();
    let number = |id: &NodeId| id.short().trim_start_matches('n').parse().unwrap();
    selection.nodes.iter().map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn selections_are_those_of_the_reference(
        graph in graphs(), select in unions(0), exclude in prop_oneof![2 => Just(Vec::new()), 1 => unions(1)], mode in modes()
    ) {
        let reference = Reference { graph: &graph, mode };
        let exprs = [&written(&select, graph.len()), &written(&exclude, graph.len())];
        for expr in exprs.iter().filter(|expr| !expr.unions.is_empty()) {
            prop_assert_eq!(&&SelectorExpr::parse(&expr.to_string()).unwrap(), expr);
        }
        prop_assert_eq!(selected(&graph, exprs, mode), reference.answer(&select, &exclude), "{} {}", exprs[0], exprs[1]);
    }

    #[test]
    fn a_union_is_what_its_parts_select_and_the_wider_mode_selects_more(graph in graphs(), a in unions(1), b in unions(1)) {
        let nothing = SelectorExpr { unions: Vec::new() };
        let [left, right, both] = [a.clone(), b.clone(), [a, b].concat()].map(|unions| written(&unions, graph.len()));
        let of = |expr: &SelectorExpr, mode| selected(&graph, [expr, &nothing], mode);
        for mode in [Indirect::Eager, Indirect::Empty] {
            prop_assert_eq!(of(&both, mode), &of(&left, mode) | &of(&right, mode));
        }
        // Two parts together may have all parents of a test of which each has but one.
        prop_assert!(of(&both, Indirect::Cautious).is_superset(&of(&left, Indirect::Cautious)));
        let narrow_to_wide = [Indirect::Empty, Indirect::Cautious, Indirect::Buildable];
        for pair in narrow_to_wide.windows(2) {
            prop_assert!(of(&both, pair[1]).is_superset(&of(&both, pair[0])), "{both} {pair:?}");
        }
    }
}
