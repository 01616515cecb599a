//! Values on their way through a query: what each column is computed from, with fingerprints that tell equal ones.
//!
//! A flow has two fingerprints. `print` is of the expression with every name replaced by what it stands for, whatever
//! the rows: equal prints are equal expressions. `exact` also tells apart which of several joined relations a value is
//! from; with the relation's own print, equal ones are equal values.

use std::collections::{BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::How;

/// Upstream columns: place of the relation, name.
pub(super) type Origins = BTreeSet<(u32, Rc<str>)>;

/// A piece of SQL and its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fragment {
    pub(super) text: String,
    pub(super) line: Option<u32>,
}

/// What a value is computed from.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    pub(super) origins: Origins,
    pub(super) how: How,
    pub(super) gaps: BTreeSet<u32>,
    pub(super) data_type: Option<Rc<str>>,
    pub(super) print: u64,
    pub(super) exact: u64,
    /// The print without a cast around the expression; 0 when there is none.
    pub(super) uncast: u64,
    /// What makes it another value each time the query runs, when something does.
    pub(super) unstable: Option<Rc<str>>,
    /// The expression that made it, where the query has one.
    pub(super) definition: Option<Rc<Fragment>>,
}

impl Flow {
    /// A value that nothing is known of but a gap.
    pub(super) fn lost(gap: u32, name: &str) -> Self {
        let print = hash(&("lost", name));
        Self { how: How::Computed, gaps: BTreeSet::from([gap]), print, exact: print, ..Self::default() }
    }

    /// A column of an upstream relation.
    pub(super) fn upstream(relation: u32, id: &str, name: &Rc<str>, data_type: Option<&str>) -> Self {
        let print = hash(&("column", id, name.to_lowercase()));
        Self {
            origins: BTreeSet::from([(relation, Rc::clone(name))]),
            how: How::Passed,
            data_type: data_type.map(Rc::from),
            print,
            exact: print,
            ..Self::default()
        }
    }

    /// Adds what another value is computed from; neither `how` nor the prints change.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.origins.extend(other.origins.iter().cloned());
        self.gaps.extend(&other.gaps);
        if self.unstable.is_none() {
            self.unstable.clone_from(&other.unstable);
        }
    }
}

/// A column of a relation on the way.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) name: Rc<str>,
    pub(super) key: Rc<str>,
    pub(super) is_named: bool,
    pub(super) flow: Rc<Flow>,
}

/// Columns that are not known by name.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) source: OpenSource,
    /// Keys that are not among them, although they may be in the source.
    pub(super) hidden: Rc<Vec<Rc<str>>>,
    pub(super) print: u64,
}

/// Where unknown columns come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OpenSource {
    /// From an upstream relation: what is asked for by name is there.
    Upstream(u32),
    /// From something that could not be followed.
    Gap(u32),
}

/// One entry of a relation's list of columns.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Column(Column),
    Open(Open),
}

/// The values of columns, whatever their rows.
pub(super) fn prints(items: &[Item]) -> Vec<u64> {
    values(items, |flow| flow.print)
}

/// The same, told apart by which relation they are from.
pub(super) fn exacts(items: &[Item]) -> Vec<u64> {
    values(items, |flow| flow.exact)
}

fn values(items: &[Item], of: impl Fn(&Flow) -> u64) -> Vec<u64> {
    let value = |item: &Item| match item {
        Item::Column(column) => of(&column.flow),
        Item::Open(open) => open.print,
    };
    items.iter().map(value).collect()
}

/// A relation on the way: an upstream relation, a subquery, or what a `with` names.
#[derive(Debug, Clone, Default)]
pub(super) struct Rel {
    pub(super) items: Vec<Item>,
    /// Influences on its rows.
    pub(super) rows: BTreeSet<u32>,
    /// Of all that decides which rows it has; not of its columns.
    pub(super) print: u64,
    /// Whether it is an upstream relation, whose names are compared without regard to case if need be.
    pub(super) is_upstream: bool,
    index: HashMap<Rc<str>, Named>,
}

#[derive(Debug, Clone, Copy)]
enum Named {
    Once(usize),
    More,
}

/// What a name stands for in a relation.
pub(super) enum Found<'a> {
    One(&'a Column),
    Many,
    None,
}

impl Rel {
    pub(super) fn new(items: Vec<Item>, rows: BTreeSet<u32>, print: u64) -> Self {
        let mut index = HashMap::with_capacity(items.len());
        for (at, item) in items.iter().enumerate() {
            if let Item::Column(column) = item {
                let place = index.entry(Rc::clone(&column.key)).or_insert(Named::Once(at));
                if !matches!(place, Named::Once(first) if *first == at) {
                    *place = Named::More;
                }
            }
        }
        Self { items, rows, print, is_upstream: false, index }
    }

    /// The same, as an upstream relation.
    pub(super) fn upstream(self) -> Self {
        Self { is_upstream: true, ..self }
    }

    pub(super) fn find(&self, key: &str) -> Found<'_> {
        match self.index.get(key) {
            Some(Named::Once(at)) => match self.items.get(*at) {
                Some(Item::Column(column)) => Found::One(column),
                _ => Found::None,
            },
            Some(Named::More) => Found::Many,
            None if self.is_upstream => {
                let mut alike = self.columns().filter(|column| column.key.eq_ignore_ascii_case(key));
                match (alike.next(), alike.next()) {
                    (Some(column), None) => Found::One(column),
                    (Some(_), Some(_)) => Found::Many,
                    _ => Found::None,
                }
            }
            None => Found::None,
        }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.items.iter().filter_map(|item| match item {
            Item::Column(column) => Some(column),
            Item::Open(_) => None,
        })
    }

    pub(super) fn opens(&self) -> impl Iterator<Item = &Open> {
        self.items.iter().filter_map(|item| match item {
            Item::Open(open) => Some(open),
            Item::Column(_) => None,
        })
    }

    pub(super) fn is_closed(&self) -> bool {
        self.opens().next().is_none()
    }

    /// All its values as one: for a row taken whole, and for a subquery used as a value.
    pub(super) fn whole(&self) -> Flow {
        let mut flow = Flow { how: How::Computed, ..Flow::default() };
        let mut exact = vec![self.print];
        for column in self.columns() {
            flow.absorb(&column.flow);
            exact.push(column.flow.exact);
        }
        exact.extend(self.opens().map(|open| open.print));
        flow.print = hash(&exact);
        flow.exact = flow.print;
        flow
    }
}

/// A fingerprint; the same in every run of the same build.
pub(super) fn hash<T: Hash>(value: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
