//! `with`: common table expressions, resolved when they are first named and once; those that nobody names do not count.

use std::cell::RefCell;
use std::rc::Rc;

use sqlparser::ast::{Cte, LimitClause, OrderBy, Query, SetExpr, With};

use super::scope::Scope;
use super::{Resolver, line_at, line_of};
use crate::lineage::GapReason;
use crate::lineage::answer::RowRule;
use crate::lineage::flow::{Column, Flow, Fragment, Item, Rel, hash};

/// Rounds after which a recursive query's lineage is taken for what it is.
const MOST_ROUNDS: usize = 12;

/// The names that `with` has given so far, the latest first.
#[derive(Clone, Default)]
pub(super) struct Env<'q>(Option<Rc<Named<'q>>>);

struct Named<'q> {
    key: String,
    cte: &'q Cte,
    is_recursive: bool,
    /// Names that follow in the same `with recursive`.
    later: Rc<Vec<String>>,
    state: RefCell<State>,
    before: Env<'q>,
}

enum State {
    New,
    /// Being resolved; what it is known to be so far, when it is recursive.
    Working(Option<Rc<Rel>>),
    Done(Rc<Rel>),
}

/// What a name means to a query.
pub(super) enum Meaning {
    /// What `with` gave the name to.
    Cte(Rc<Rel>),
    /// Nothing that `with` names.
    Other,
}

/// What comes after a query's body.
#[derive(Clone, Copy)]
pub(super) struct Tail<'q> {
    pub(super) query: &'q Query,
    /// Whether nothing is around the query.
    pub(super) is_top: bool,
}

impl<'q> Tail<'q> {
    pub(super) fn order_by(self) -> Option<&'q OrderBy> {
        self.query.order_by.as_ref()
    }

    /// The text of `limit`, `offset` and `fetch`, if there are any.
    pub(super) fn limit(self) -> Option<String> {
        let limit = self.query.limit_clause.as_ref().filter(|clause| match clause {
            LimitClause::LimitOffset { limit, offset, limit_by } => {
                limit.is_some() || offset.is_some() || !limit_by.is_empty()
            }
            LimitClause::OffsetCommaLimit { .. } => true,
        });
        match (limit, &self.query.fetch) {
            (None, None) => None,
            (Some(limit), None) => Some(limit.to_string().trim().to_owned()),
            (None, Some(fetch)) => Some(fetch.to_string()),
            (Some(limit), Some(fetch)) => Some(format!("{} {fetch}", limit.to_string().trim())),
        }
    }
}

impl Resolver<'_> {
    /// A whole query; `outer` is what a correlated one can see.
    pub(super) fn query<'q>(
        &mut self,
        query: &'q Query,
        env: &Env<'q>,
        outer: Option<&Scope<'_>>,
        is_top: bool,
    ) -> Rel {
        self.deeper(query, |this| {
            if !query.pipe_operators.is_empty() {
                return this.lost(GapReason::Unsupported, "pipe operators (`|>`)", line_of(query));
            }
            let env = this.bind(query.with.as_ref(), env);
            let tail = Tail { query, is_top };
            let rel = match &*query.body {
                SetExpr::Select(select) => this.select(select, tail, &env, outer),
                body => {
                    let rel = this.body(body, &env, outer);
                    this.cut(rel, tail, &env, outer)
                }
            };
            this.without_duplicates(rel)
        })
    }

    /// What is between `with` and `order by`.
    pub(super) fn body<'q>(&mut self, body: &'q SetExpr, env: &Env<'q>, outer: Option<&Scope<'_>>) -> Rel {
        match body {
            SetExpr::Query(query) => self.query(query, env, outer, false),
            SetExpr::SetOperation { .. } => self.set_operation(body, env, outer),
            SetExpr::Values(values) => self.values(values, env, outer),
            SetExpr::Table(table) => {
                let parts = table.schema_name.iter().chain(&table.table_name).cloned().collect::<Vec<_>>();
                (*self.upstream(&parts).1).clone()
            }
            SetExpr::Select(select) => {
                let query = select_alone();
                self.select(select, Tail { query: &query, is_top: false }, env, outer)
            }
            other => self.lost(GapReason::NotAQuery, "a statement where a query should be", line_of(other)),
        }
    }

    /// Applies `order by` and `limit` to the result of a set operation or of `values`.
    fn cut<'q>(&mut self, rel: Rel, tail: Tail<'q>, env: &Env<'q>, outer: Option<&Scope<'_>>) -> Rel {
        if tail.order_by().is_none() && tail.limit().is_none() {
            return rel;
        }
        let rel = Rc::new(rel);
        let scope = Scope::of_one(Rc::clone(&rel), outer);
        let (rows, print) = self.order_and_limit(tail, &scope, env);
        let mut rel = Rc::unwrap_or_clone(rel);
        rel.rows.extend(rows);
        if let Some(print) = print {
            rel.print = hash(&(rel.print, print));
        }
        rel
    }

    /// `order by` with `limit` decides rows; alone it decides nothing but the order, which a subquery's reader may see.
    pub(super) fn order_and_limit<'q>(
        &mut self,
        tail: Tail<'q>,
        scope: &Scope<'_>,
        env: &Env<'q>,
    ) -> (Option<u32>, Option<u64>) {
        let mut flow = Flow::default();
        let mut prints = Vec::new();
        if let Some(order) = tail.order_by() {
            for expr in super::scope::order_exprs(order) {
                let value = self.sort_key(expr, scope, env);
                flow.absorb(&value);
                prints.push(value.exact);
            }
            prints.push(hash(&order_options(order)));
        }
        let order = tail.order_by().map(ToString::to_string);
        match tail.limit() {
            None => {
                if tail.is_top {
                    let line = tail.order_by().and_then(|order| u32::try_from(line_of(order)).ok());
                    self.order = order.map(|text| Fragment { text, line });
                    return (None, None);
                }
                (None, tail.order_by().map(|_| hash(&("order", &prints))))
            }
            Some(limit) => {
                let text = order.map_or_else(|| limit.clone(), |order| format!("{order} {limit}"));
                let print = hash(&("limit", &limit, &prints));
                let line = tail.order_by().map_or_else(|| line_of(tail.query), line_of);
                (Some(self.influence(RowRule::Limit, &flow, text, line, print)), Some(print))
            }
        }
    }

    /// Adds a query's own names to those around it.
    fn bind<'q>(&mut self, with: Option<&'q With>, env: &Env<'q>) -> Env<'q> {
        let Some(with) = with else { return env.clone() };
        let keys: Vec<String> = with.cte_tables.iter().map(|cte| self.dialect.key(&cte.alias.name)).collect();
        let mut env = env.clone();
        for (at, cte) in with.cte_tables.iter().enumerate() {
            let later = if with.recursive { keys[at + 1..].to_vec() } else { Vec::new() };
            env = Env(Some(Rc::new(Named {
                key: keys[at].clone(),
                cte,
                is_recursive: with.recursive,
                later: Rc::new(later),
                state: RefCell::new(State::New),
                before: env,
            })));
        }
        env
    }

    /// What `key` means where `env` is in force.
    pub(super) fn meaning(&mut self, key: &str, env: &Env<'_>, outer: Option<&Scope<'_>>) -> Meaning {
        let mut at = env;
        while let Some(named) = &at.0 {
            if named.key == key {
                return Meaning::Cte(self.cte(named, outer));
            }
            if named.later.iter().any(|later| later == key) && matches!(*named.state.borrow(), State::Working(_)) {
                let line = line_at(&named.cte.alias.name);
                return Meaning::Cte(Rc::new(self.lost(
                    GapReason::Unsupported,
                    format!("`{key}` before it is defined"),
                    line,
                )));
            }
            at = &named.before;
        }
        Meaning::Other
    }

    fn cte(&mut self, named: &Rc<Named<'_>>, outer: Option<&Scope<'_>>) -> Rc<Rel> {
        match &*named.state.borrow() {
            State::Done(rel) | State::Working(Some(rel)) => return Rc::clone(rel),
            State::Working(None) => {
                let name = &named.cte.alias.name;
                return Rc::new(self.lost(GapReason::Unsupported, format!("`{name}` names itself"), line_at(name)));
            }
            State::New => {}
        }
        let rel = match &*named.cte.query.body {
            SetExpr::SetOperation { left, .. } if named.is_recursive => self.recursive_cte(named, left, outer),
            _ => {
                *named.state.borrow_mut() = State::Working(None);
                // In `with recursive` a name is known to itself.
                let env = if named.is_recursive { Env(Some(Rc::clone(named))) } else { named.before.clone() };
                let rel = self.query(&named.cte.query, &env, outer, false);
                self.renamed(rel, &named.cte.alias)
            }
        };
        let rel = Rc::new(rel);
        *named.state.borrow_mut() = State::Done(Rc::clone(&rel));
        rel
    }

    /// The first part gives names; the whole is resolved with what is known so far until nothing is added.
    fn recursive_cte(&mut self, named: &Rc<Named<'_>>, first: &SetExpr, outer: Option<&Scope<'_>>) -> Rel {
        let env = Env(Some(Rc::clone(named)));
        *named.state.borrow_mut() = State::Working(None);
        let inner = self.bind(named.cte.query.with.as_ref(), &env);
        let start = self.body(leftmost(first), &inner, outer);
        let mut known = self.renamed(start, &named.cte.alias);
        for _ in 0..MOST_ROUNDS {
            *named.state.borrow_mut() = State::Working(Some(Rc::new(itself(&known))));
            let rel = self.query(&named.cte.query, &env, outer, false);
            let rel = self.renamed(rel, &named.cte.alias);
            let grew = rel.columns().zip(known.columns()).any(|(now, before)| now.flow.origins != before.flow.origins);
            known = rel;
            if !grew {
                return known;
            }
        }
        let name = &named.cte.alias.name;
        self.gap(GapReason::TooLarge, format!("`{name}` needs too many rounds"), line_at(name));
        known
    }

    /// `DuckDB` numbers columns of one name when the result is named.
    fn without_duplicates(&self, mut rel: Rel) -> Rel {
        use std::collections::HashMap;
        if self.dialect != crate::lineage::Dialect::DuckDb {
            return rel;
        }
        let mut seen: HashMap<Rc<str>, usize> = HashMap::new();
        let mut is_changed = false;
        for item in &mut rel.items {
            let Item::Column(column) = item else { continue };
            let count = seen.entry(Rc::clone(&column.key)).or_insert(0);
            if *count > 0 {
                column.name = format!("{}_{count}", column.name).into();
                column.key = format!("{}_{count}", column.key).into();
                is_changed = true;
            }
            *count += 1;
        }
        if is_changed { Rel::new(rel.items, rel.rows, rel.print) } else { rel }
    }
}

/// The query without its last parts: what a recursive one begins with.
fn leftmost(body: &SetExpr) -> &SetExpr {
    let mut body = body;
    while let SetExpr::SetOperation { left, .. } = body {
        body = left;
    }
    body
}

/// What a recursive query sees of itself: its prints say no more than that.
fn itself(known: &Rel) -> Rel {
    let mut items = known.items.clone();
    for (at, item) in items.iter_mut().enumerate() {
        if let Item::Column(Column { flow, .. }) = item {
            let print = hash(&("itself", at));
            *flow = Rc::new(Flow { print, exact: print, ..(**flow).clone() });
        }
    }
    Rel::new(items, known.rows.clone(), hash(&"itself"))
}

/// Direction and nulls of an `order by`, without its expressions.
fn order_options(order: &OrderBy) -> Vec<String> {
    use sqlparser::ast::OrderByKind;
    match &order.kind {
        OrderByKind::All(options) => vec![format!("all {options}")],
        OrderByKind::Expressions(keys) => keys.iter().map(|key| key.options.to_string()).collect(),
    }
}

/// A query with nothing around its body.
fn select_alone() -> Query {
    Query {
        with: None,
        body: Box::new(SetExpr::Table(Box::new(sqlparser::ast::Table { table_name: None, schema_name: None }))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}
