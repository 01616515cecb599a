//! One `select`: its list, and the clauses that decide its rows.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::{
    BinaryOperator, ConnectByKind, Distinct, Expr, GroupByExpr, Ident, Select, SelectItem,
    SelectItemQualifiedWildcardKind, Value as Literal, ValueWithSpan,
};

use super::expression::{Value, bare};
use super::scope::{Aliases, Scope};
use super::with::{Env, Tail};
use super::{Resolver, line_of, naming};
use crate::lineage::answer::RowRule;
use crate::lineage::flow::{Column, Flow, Item, Open, OpenSource, Rel, exacts, hash, prints};
use crate::lineage::{GapReason, How};

/// More columns than any engine has in a table; `*, *` of a chain of queries makes them.
const MOST_COLUMNS: usize = 20_000;

/// A select that is being resolved.
#[derive(Default)]
struct Work {
    items: Vec<Item>,
    /// For each item, whether it aggregates.
    aggregates: Vec<bool>,
    expands: bool,
    rows: BTreeSet<u32>,
    /// Of the clauses that decide rows.
    prints: Vec<u64>,
}

impl Resolver<'_> {
    pub(super) fn select<'q>(
        &mut self,
        select: &'q Select,
        tail: Tail<'_>,
        env: &Env<'q>,
        outer: Option<&Scope<'_>>,
    ) -> Rel {
        let mut scope = Scope::inside(outer);
        scope.windows = &select.named_window;
        let (rows, from_print) = self.from(&select.from, env, &mut scope);
        let mut work = Work { rows, ..Work::default() };
        for view in &select.lateral_views {
            let (rel, influence) = self.lateral_view(view, &scope, env);
            scope.add(rel);
            work.rows.insert(influence);
            work.prints.push(hash(&view.to_string()));
        }
        self.select_list(select, &mut scope, env, &mut work);
        if work.items.len() > MOST_COLUMNS {
            return self.lost(GapReason::TooLarge, format!("{} columns", work.items.len()), line_of(select));
        }
        self.filters(select, &scope, env, &mut work);
        self.grouping(select, &scope, env, &mut work);
        self.distinct(select, &scope, env, &mut work);
        if work.expands {
            let line = line_of(select);
            let flow = Flow::default();
            let print = hash(&("expands", prints(&work.items)));
            work.rows.insert(self.influence(RowRule::Unnest, &flow, "rows made of a list".to_owned(), line, print));
            work.prints.push(hash(&exacts(&work.items)));
        }
        let (limit, print) = self.order_and_limit(tail, &scope, env);
        work.rows.extend(limit);
        work.prints.extend(print);
        // A select that only names columns has the rows of what it reads.
        let print = if work.prints.is_empty() { from_print } else { hash(&(from_print, &work.prints)) };
        Rel::new(work.items, work.rows, print)
    }

    fn select_list<'q>(&mut self, select: &'q Select, scope: &mut Scope<'q>, env: &Env<'q>, work: &mut Work) {
        let aliases = if self.dialect.has_lateral_aliases() { Aliases::Beside } else { Aliases::Unseen };
        for item in &select.projection {
            match item {
                SelectItem::UnnamedExpr(expr) => {
                    let value = self.expression(expr, scope, env, aliases);
                    let name = match (&value.column, bare(expr)) {
                        (Some(name), Expr::Identifier(ident)) => self.name_of(ident, name),
                        (Some(name), Expr::CompoundIdentifier(parts)) => {
                            parts.last().map_or_else(|| Rc::clone(name), |last| self.name_of(last, name))
                        }
                        _ => naming::unnamed(expr, self.dialect).into(),
                    };
                    let is_named = value.column.is_some();
                    self.put(value, name, None, is_named, scope, work);
                }
                SelectItem::ExprWithAlias { expr, alias } => {
                    let value = self.expression(expr, scope, env, aliases);
                    let name = self.dialect.output_name(alias).into();
                    self.put(value, name, Some(alias), true, scope, work);
                }
                SelectItem::ExprWithAliases { expr, aliases: names } => {
                    for alias in names {
                        let mut value = self.expression(expr, scope, env, aliases);
                        value.flow.how = value.flow.how.max(How::Computed);
                        let name = self.dialect.output_name(alias).into();
                        self.put(value, name, Some(alias), true, scope, work);
                    }
                }
                SelectItem::Wildcard(options) => {
                    let star = self.star(None, scope, line_of(item));
                    let star = self.adjusted(star, options, scope, env, line_of(item));
                    work.aggregates.extend(star.iter().map(|_| false));
                    work.items.extend(star);
                }
                SelectItem::QualifiedWildcard(kind, options) => {
                    let star = match kind {
                        SelectItemQualifiedWildcardKind::ObjectName(name) => {
                            self.star(Some(name), scope, line_of(item))
                        }
                        SelectItemQualifiedWildcardKind::Expr(expr) => self.fields_of(expr, scope, env),
                    };
                    let star = self.adjusted(star, options, scope, env, line_of(item));
                    work.aggregates.extend(star.iter().map(|_| false));
                    work.items.extend(star);
                }
            }
        }
        if select.projection.is_empty() {
            // `from t` alone.
            work.items = self.star(None, scope, line_of(select));
            work.aggregates = vec![false; work.items.len()];
        }
        if let Some(exclude) = &select.exclude {
            work.items = self.excluded(std::mem::take(&mut work.items), exclude);
        }
    }

    /// `(expr).*`: fields that are not known.
    fn fields_of(&mut self, expr: &Expr, scope: &Scope<'_>, env: &Env<'_>) -> Vec<Item> {
        let value = self.expression(expr, scope, env, Aliases::Unseen);
        let gap = self.gap(GapReason::DynamicColumns, format!("({expr}).*"), line_of(expr));
        vec![Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print: value.flow.exact })]
    }

    /// A column's own name as the engine gives it: as it is where it comes from, or as it is written here.
    fn name_of(&self, ident: &Ident, source: &Rc<str>) -> Rc<str> {
        match self.dialect {
            crate::lineage::Dialect::DuckDb => Rc::clone(source),
            _ => self.dialect.output_name(ident).into(),
        }
    }

    fn put(
        &mut self,
        value: Value,
        name: Rc<str>,
        alias: Option<&Ident>,
        is_named: bool,
        scope: &mut Scope<'_>,
        work: &mut Work,
    ) {
        if value.is_many {
            let gap = self.gap(GapReason::DynamicColumns, &*name, 0);
            let print = value.flow.exact;
            work.items.push(Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print }));
            work.aggregates.push(value.aggregates);
            return;
        }
        let key: Rc<str> = match alias {
            Some(alias) => self.dialect.key(alias).into(),
            None => self.dialect.key_of_known(&name).into(),
        };
        work.expands |= value.expands;
        work.aggregates.push(value.aggregates);
        let column = Column { name, key, is_named, flow: Rc::new(value.flow) };
        if alias.is_some() {
            scope.aliases.push(column.clone());
        }
        work.items.push(Item::Column(column));
    }

    fn filters<'q>(&mut self, select: &'q Select, scope: &Scope<'_>, env: &Env<'q>, work: &mut Work) {
        let in_where = if self.dialect.has_aliases_in_where() { Aliases::After } else { Aliases::Unseen };
        let wheres = select.prewhere.iter().chain(&select.selection);
        for expr in wheres {
            self.condition(RowRule::Where, expr, scope, env, in_where, work);
        }
        for clause in &select.connect_by {
            match clause {
                ConnectByKind::ConnectBy { relationships, .. } => {
                    for expr in relationships {
                        self.condition(RowRule::Where, expr, scope, env, Aliases::Unseen, work);
                    }
                }
                ConnectByKind::StartWith { condition, .. } => {
                    self.condition(RowRule::Where, condition, scope, env, Aliases::Unseen, work);
                }
            }
            work.prints.push(hash(&clause.to_string()));
        }
        if let Some(expr) = &select.having {
            self.condition(RowRule::Having, expr, scope, env, Aliases::After, work);
        }
        if let Some(expr) = &select.qualify {
            self.condition(RowRule::Qualify, expr, scope, env, Aliases::After, work);
        }
        if let Some(top) = &select.top {
            let print = hash(&top.to_string());
            let text = top.to_string();
            work.rows.insert(self.influence(RowRule::Limit, &Flow::default(), text, line_of(select), print));
            work.prints.push(print);
        }
    }

    /// A condition, its conjuncts apart: their order decides nothing.
    fn condition(
        &mut self,
        rule: RowRule,
        expr: &Expr,
        scope: &Scope<'_>,
        env: &Env<'_>,
        aliases: Aliases,
        work: &mut Work,
    ) {
        let mut exacts = Vec::new();
        for part in conjuncts(expr) {
            let flow = self.expression(part, scope, env, aliases).flow;
            let print = hash(&(rule.as_str(), flow.print));
            work.rows.insert(self.influence(rule, &flow, part.to_string(), line_of(part), print));
            exacts.push(flow.exact);
        }
        exacts.sort_unstable();
        work.prints.push(hash(&(rule.as_str(), exacts)));
    }

    fn grouping<'q>(&mut self, select: &'q Select, scope: &Scope<'_>, env: &Env<'q>, work: &mut Work) {
        let mut keys: Vec<Flow> = Vec::new();
        let mut modifiers = Vec::new();
        match &select.group_by {
            GroupByExpr::All(with) => {
                modifiers.extend(with);
                let of_rows = work.items.iter().zip(&work.aggregates).filter(|(_, aggregates)| !**aggregates);
                keys.extend(of_rows.filter_map(|(item, _)| match item {
                    Item::Column(column) => Some((*column.flow).clone()),
                    Item::Open(_) => None,
                }));
            }
            GroupByExpr::Expressions(exprs, with) => {
                modifiers.extend(with);
                for expr in exprs {
                    match placed(expr, &work.items) {
                        Some(flow) => keys.push((*flow).clone()),
                        None => keys.push(self.expression(expr, scope, env, Aliases::After).flow),
                    }
                }
            }
        }
        let is_all = matches!(select.group_by, GroupByExpr::All(_));
        if keys.is_empty() && !is_all {
            if work.aggregates.contains(&true) {
                let print = hash(&"one row");
                let text = "one row of all".to_owned();
                work.rows.insert(self.influence(RowRule::GroupBy, &Flow::default(), text, line_of(select), print));
                work.prints.push(print);
            }
            return;
        }
        let mut whole = Flow::default();
        for key in &keys {
            whole.absorb(key);
        }
        let sorted = |of: fn(&Flow) -> u64| {
            let mut prints: Vec<u64> = keys.iter().map(of).collect();
            prints.sort_unstable();
            prints.dedup();
            prints
        };
        let modifiers: Vec<String> = modifiers.into_iter().map(ToString::to_string).collect();
        let print = hash(&("group by", sorted(|flow| flow.print), &modifiers));
        let text = select.group_by.to_string();
        work.rows.insert(self.influence(RowRule::GroupBy, &whole, text, line_of(&select.group_by), print));
        work.prints.push(hash(&("group by", sorted(|flow| flow.exact), &modifiers)));
    }

    fn distinct<'q>(&mut self, select: &'q Select, scope: &Scope<'_>, env: &Env<'q>, work: &mut Work) {
        let line = line_of(select);
        match &select.distinct {
            None | Some(Distinct::All) => {}
            Some(Distinct::Distinct) => {
                let rel = Rel::new(work.items.clone(), BTreeSet::new(), 0);
                let print = hash(&("distinct", prints(&rel.items)));
                let text = "distinct".to_owned();
                work.rows.insert(self.influence(RowRule::Distinct, &rel.whole(), text, line, print));
                work.prints.push(hash(&("distinct", exacts(&work.items))));
            }
            Some(Distinct::On(exprs)) => {
                let flow = self.together(exprs, scope, env, Aliases::After);
                let print = hash(&("distinct on", flow.print));
                let text = select.distinct.as_ref().map(|distinct| distinct.to_string().to_lowercase());
                work.rows.insert(self.influence(RowRule::Distinct, &flow, text.unwrap_or_default(), line, print));
                work.prints.push(hash(&("distinct on", flow.exact)));
            }
        }
    }

    /// A key of `order by`: a place, an alias, or an expression.
    pub(super) fn sort_key(&mut self, expr: &Expr, scope: &Scope<'_>, env: &Env<'_>) -> Flow {
        self.expression(expr, scope, env, Aliases::First).flow
    }
}

/// The parts of a condition that must all hold.
pub(super) fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    let mut found = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match bare(expr) {
            Expr::BinaryOp { left, op: BinaryOperator::And, right } => open.extend([&**right, &**left]),
            other => found.push(other),
        }
    }
    found
}

/// The column at the place that an expression names, if it is a number.
fn placed(expr: &Expr, items: &[Item]) -> Option<Rc<Flow>> {
    let Expr::Value(ValueWithSpan { value: Literal::Number(number, _), .. }) = bare(expr) else { return None };
    let place = number.parse::<usize>().ok()?.checked_sub(1)?;
    match items.get(place)? {
        Item::Column(column) => Some(Rc::clone(&column.flow)),
        Item::Open(_) => None,
    }
}
