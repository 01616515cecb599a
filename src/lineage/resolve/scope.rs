//! What names mean inside one `select`: the relations of its `from`, its aliases, and the queries around it.

use std::rc::Rc;

use sqlparser::ast::{Expr, Ident, NamedWindowDefinition, OrderBy, OrderByKind};

use super::{Resolver, line_at};
use crate::lineage::flow::{Column, Flow, Found, Item, Open, OpenSource, Rel, hash};
use crate::lineage::{GapReason, How};

/// Which aliases of the select list an expression may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aliases {
    /// None.
    Unseen,
    /// Those that no column hides; in the select list itself, where a column that is not known may hide one.
    Beside,
    /// Those that no column hides.
    After,
    /// Those first, as in `order by`.
    First,
}

/// A relation in reach, with the names that it answers to: its alias, or the parts of its own name.
#[derive(Clone)]
pub(super) struct ScopeRel {
    pub(super) names: Vec<String>,
    pub(super) rel: Rc<Rel>,
}

/// What `*` stands for: entries with the place of their relation; none for those that `using` merged.
pub(super) type Star = Vec<(Option<usize>, Item)>;

/// What one `select` can name.
#[derive(Default)]
pub(super) struct Scope<'s> {
    pub(super) rels: Vec<ScopeRel>,
    pub(super) star: Star,
    /// Columns that `using` made one of two.
    pub(super) merged: Vec<Column>,
    pub(super) outer: Option<&'s Scope<'s>>,
    pub(super) aliases: Vec<Column>,
    pub(super) windows: &'s [NamedWindowDefinition],
}

/// A value that a name stands for, and the name it has where it comes from.
pub(super) struct Named {
    pub(super) flow: Rc<Flow>,
    pub(super) name: Rc<str>,
}

enum Local<'a> {
    One(Named),
    Many,
    /// No column of this name is known; these may have it.
    Open(Vec<&'a Open>),
}

impl<'s> Scope<'s> {
    /// No relations of its own.
    pub(super) fn inside(outer: Option<&'s Scope<'_>>) -> Self {
        Scope { outer, ..Scope::default() }
    }

    /// One relation without a name.
    pub(super) fn of_one(rel: Rc<Rel>, outer: Option<&'s Scope<'_>>) -> Self {
        let mut scope = Self::inside(outer);
        scope.add(ScopeRel { names: Vec::new(), rel });
        scope
    }

    /// Adds a relation at the end.
    pub(super) fn add(&mut self, added: ScopeRel) {
        let at = self.rels.len();
        self.star.extend(added.rel.items.iter().map(|item| (Some(at), item.clone())));
        self.rels.push(added);
    }

    /// Fingerprint of which of several relations a value is from; none when there is only one.
    pub(super) fn salt(&self, at: usize) -> Option<u64> {
        if self.rels.len() < 2 {
            return None;
        }
        let print = self.rels[at].rel.print;
        let nth = self.rels[..at].iter().filter(|before| before.rel.print == print).count();
        Some(hash(&(print, nth)))
    }

    /// A relation's value as seen from here.
    pub(super) fn seen(&self, at: Option<usize>, flow: &Rc<Flow>) -> Rc<Flow> {
        match at.and_then(|at| self.salt(at)) {
            None => Rc::clone(flow),
            Some(salt) => Rc::new(Flow { exact: hash(&(flow.exact, salt)), ..(**flow).clone() }),
        }
    }

    /// The relation that `parts` name here, as a whole name or its end.
    pub(super) fn relation(&self, parts: &[String]) -> Option<(usize, &ScopeRel)> {
        self.rels.iter().enumerate().find(|(_, rel)| !parts.is_empty() && rel.names.ends_with(parts))
    }

    fn local<'a>(&'a self, key: &'a str) -> Local<'a> {
        if let Some(column) = self.merged.iter().find(|column| *column.key == *key) {
            return Local::One(Named { flow: Rc::clone(&column.flow), name: Rc::clone(&column.name) });
        }
        let mut found = None;
        for (at, rel) in self.rels.iter().enumerate() {
            match rel.rel.find(key) {
                Found::None => {}
                Found::One(column) if found.is_none() => {
                    let flow = self.seen(Some(at), &column.flow);
                    found = Some(Named { flow, name: Rc::clone(&column.name) });
                }
                Found::One(_) | Found::Many => return Local::Many,
            }
        }
        found
            .map_or_else(|| Local::Open(self.rels.iter().flat_map(|rel| may_have(&rel.rel, key)).collect()), Local::One)
    }
}

/// The unknown columns of a relation among which `key` may be.
fn may_have<'r>(rel: &'r Rel, key: &'r str) -> impl Iterator<Item = &'r Open> {
    rel.opens().filter(move |open| !open.hidden.iter().any(|hidden| **hidden == *key))
}

/// The expressions of an `order by`.
pub(super) fn order_exprs(order: &OrderBy) -> impl Iterator<Item = &Expr> {
    let keys = match &order.kind {
        OrderByKind::All(_) => &[][..],
        OrderByKind::Expressions(keys) => keys,
    };
    keys.iter().map(|key| &key.expr)
}

impl Resolver<'_> {
    /// What a name alone stands for; none when nothing in reach can have it.
    pub(super) fn lookup(&mut self, scope: &Scope<'_>, ident: &Ident, aliases: Aliases) -> Option<Named> {
        self.lookups += 1;
        let key = self.dialect.key(ident);
        let alias = scope.aliases.iter().rev().find(|alias| *alias.key == *key).filter(|_| aliases != Aliases::Unseen);
        let alias = alias.map(|alias| Named { flow: Rc::clone(&alias.flow), name: Rc::clone(&alias.name) });
        if aliases == Aliases::First && alias.is_some() {
            return alias;
        }
        // Unknown columns of the innermost query that has any; they hide what is around it, if they have the name.
        let mut opens: Vec<Open> = Vec::new();
        let mut level = Some(scope);
        let mut alias = alias;
        while let Some(here) = level {
            match here.local(&key) {
                Local::One(named) if opens.is_empty() => return Some(named),
                Local::One(_) | Local::Many => return Some(self.ambiguous(ident)),
                Local::Open(found) => {
                    if let Some(mut named) = alias.take() {
                        if aliases == Aliases::Beside && !found.is_empty() {
                            let gap = self.gap(GapReason::AmbiguousColumn, &ident.value, line_at(ident));
                            Rc::make_mut(&mut named.flow).gaps.insert(gap);
                        }
                        return Some(named);
                    }
                    if opens.is_empty() {
                        opens = found.into_iter().cloned().collect();
                    }
                }
            }
            level = here.outer;
        }
        self.among(&opens, ident)
    }

    /// The column of that name among columns that are not known.
    pub(super) fn among(&mut self, opens: &[Open], ident: &Ident) -> Option<Named> {
        let first = opens.first()?;
        if opens.iter().any(|other| other.source != first.source) {
            return Some(self.ambiguous(ident));
        }
        Some(self.taken_from(first, ident, opens.len() > 1))
    }

    /// A column that its relation is not known to have, but may.
    fn taken_from(&mut self, open: &Open, ident: &Ident, is_one_of_many: bool) -> Named {
        let name: Rc<str> = self.dialect.output_name(ident).into();
        let flow = match open.source {
            OpenSource::Gap(gap) => {
                let flow = Flow::lost(gap, &name);
                Flow { exact: hash(&(flow.exact, open.print)), ..flow }
            }
            OpenSource::Upstream(_) if is_one_of_many => return self.ambiguous(ident),
            OpenSource::Upstream(at) => Flow::upstream(at, &self.relations[at as usize].id.clone(), &name, None),
        };
        Named { flow: Rc::new(flow), name }
    }

    fn ambiguous(&mut self, ident: &Ident) -> Named {
        let gap = self.gap(GapReason::AmbiguousColumn, &ident.value, line_at(ident));
        let name: Rc<str> = self.dialect.output_name(ident).into();
        Named { flow: Rc::new(Flow::lost(gap, &name)), name }
    }

    /// What a dotted name stands for: a relation's column, with fields of it; a column with fields of it.
    pub(super) fn lookup_dotted(&mut self, scope: &Scope<'_>, parts: &[Ident], aliases: Aliases) -> Option<Named> {
        self.lookups += 1;
        let keys: Vec<String> = parts.iter().map(|part| self.dialect.key(part)).collect();
        let mut level = Some(scope);
        while let Some(here) = level {
            for split in (1..parts.len()).rev() {
                let Some((at, rel)) = here.relation(&keys[..split]) else { continue };
                let found = match rel.rel.find(&keys[split]) {
                    Found::One(column) => {
                        Some(Named { flow: here.seen(Some(at), &column.flow), name: Rc::clone(&column.name) })
                    }
                    Found::Many => Some(self.ambiguous(&parts[split])),
                    Found::None => {
                        let opens: Vec<Open> = may_have(&rel.rel, &keys[split]).cloned().collect();
                        self.among(&opens, &parts[split])
                            .map(|named| Named { flow: here.seen(Some(at), &named.flow), ..named })
                    }
                };
                if let Some(named) = found {
                    return Some(self.field(named, &parts[split + 1..]));
                }
            }
            level = here.outer;
        }
        let named = self.lookup(scope, &parts[0], aliases)?;
        Some(self.field(named, &parts[1..]))
    }

    /// A field of a column that has fields.
    fn field(&self, named: Named, fields: &[Ident]) -> Named {
        let Some(last) = fields.last() else { return named };
        let path: Vec<String> = fields.iter().map(|field| self.dialect.key(field)).collect();
        let mut flow = (*named.flow).clone();
        flow.how = flow.how.max(How::Computed);
        flow.print = hash(&(flow.print, &path));
        flow.exact = hash(&(flow.exact, &path));
        flow.uncast = 0;
        flow.data_type = None;
        flow.definition = None;
        Named { flow: Rc::new(flow), name: self.dialect.output_name(last).into() }
    }

    /// A name that is a relation's: its row as a value.
    pub(super) fn whole_row(&self, scope: &Scope<'_>, ident: &Ident) -> Option<Named> {
        let key = [self.dialect.key(ident)];
        let mut level = Some(scope);
        while let Some(here) = level {
            if let Some((at, rel)) = here.relation(&key) {
                let mut whole = rel.rel.whole();
                for open in rel.rel.opens() {
                    if let OpenSource::Gap(gap) = open.source {
                        whole.gaps.insert(gap);
                    }
                }
                return Some(Named { flow: here.seen(Some(at), &Rc::new(whole)), name: ident.value.as_str().into() });
            }
            level = here.outer;
        }
        None
    }
}
