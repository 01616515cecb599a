//! `union`, `intersect` and `except`, by place and by name; and `values`.

use std::rc::Rc;

use sqlparser::ast::{SetExpr, SetOperator, SetQuantifier, Values};

use super::scope::{Aliases, Scope};
use super::with::Env;
use super::{Resolver, line_of};
use crate::lineage::answer::RowRule;
use crate::lineage::flow::{Column, Flow, Item, Open, OpenSource, Rel, hash, prints};
use crate::lineage::{Dialect, GapReason, How};

impl Resolver<'_> {
    /// A chain of set operations. They lean to the left, so the chain is walked and not descended into.
    pub(super) fn set_operation<'q>(&mut self, body: &'q SetExpr, env: &Env<'q>, outer: Option<&Scope<'_>>) -> Rel {
        let mut steps = Vec::new();
        let mut at = body;
        while let SetExpr::SetOperation { left, op, set_quantifier, right } = at {
            steps.push((*op, *set_quantifier, &**right));
            at = left;
        }
        let mut rel = self.body(at, env, outer);
        for (op, quantifier, right) in steps.into_iter().rev() {
            let other = self.body(right, env, outer);
            rel = self.combine(op, quantifier, rel, &other, line_of(right));
        }
        rel
    }

    fn combine(&mut self, op: SetOperator, quantifier: SetQuantifier, left: Rel, right: &Rel, line: u64) -> Rel {
        use SetQuantifier as Q;
        let text = format!("{op} {quantifier}").trim().to_lowercase();
        let is_by_name = matches!(quantifier, Q::ByName | Q::AllByName | Q::DistinctByName);
        let is_distinct = !matches!(quantifier, Q::All | Q::AllByName);
        let print = hash(&(&text, left.print, right.print));
        let (mut rows, rule_print) = (left.rows.clone(), hash(&text));
        rows.extend(&right.rows);
        if op != SetOperator::Union {
            let mut compared = left.whole();
            compared.absorb(&right.whole());
            let print = hash(&(print, left.whole().exact, right.whole().exact));
            let of_values = hash(&(rule_print, prints(&left.items), prints(&right.items)));
            rows.insert(self.influence(RowRule::SetOperation, &compared, text, line, of_values));
            return Rel::new(left.items, rows, print);
        }
        let items = if is_by_name { by_name(&left, right) } else { self.by_place(&left, right, line) };
        rows.insert(self.influence(RowRule::SetOperation, &Flow::default(), text.clone(), line, rule_print));
        let mut rel = Rel::new(items, rows, print);
        if is_distinct {
            let whole = rel.whole();
            let influence =
                self.influence(RowRule::Distinct, &whole, text, line, hash(&("distinct", prints(&rel.items))));
            rel.rows.insert(influence);
            rel.print = whole.exact;
        }
        rel
    }

    /// Names are those of the left side; a place after columns that are not known is not known.
    fn by_place(&mut self, left: &Rel, right: &Rel, line: u64) -> Vec<Item> {
        let known = |rel: &Rel| rel.items.iter().take_while(|item| matches!(item, Item::Column(_))).count();
        let (of_left, of_right) = (known(left), known(right));
        let is_closed = left.is_closed() && right.is_closed();
        let mut items = Vec::new();
        for (at, item) in left.items.iter().take(of_left).enumerate() {
            let Item::Column(column) = item else { break };
            let flow = match right.items.get(at) {
                Some(Item::Column(other)) if at < of_right => merged(&column.flow, &other.flow),
                _ => {
                    let gap = self.gap(GapReason::Positional, format!("`{}` in a union", column.name), line);
                    let mut flow = merged(&column.flow, &Flow::lost(gap, &column.name));
                    flow.gaps.insert(gap);
                    flow
                }
            };
            items.push(Item::Column(Column { flow: Rc::new(flow), ..column.clone() }));
        }
        if !left.is_closed() {
            let print = hash(&(open_print(left), open_print(right), is_closed));
            let what = "a union of relations whose columns are not all known";
            let gap = self.gap(GapReason::Positional, what, line);
            items.push(Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print }));
        }
        items
    }

    /// Rows written out.
    pub(super) fn values<'q>(&mut self, values: &'q Values, env: &Env<'q>, outer: Option<&Scope<'_>>) -> Rel {
        let scope = Scope::inside(outer);
        let width = values.rows.iter().map(|row| row.content.len()).max().unwrap_or(0);
        let mut columns: Vec<Option<Flow>> = vec![None; width];
        for row in &values.rows {
            for (at, expr) in row.content.iter().enumerate() {
                let flow = self.expression(expr, &scope, env, Aliases::Unseen).flow;
                columns[at] = Some(match columns[at].take() {
                    None => flow,
                    Some(before) => merged(&before, &flow),
                });
            }
        }
        let items = columns.into_iter().enumerate().map(|(at, flow)| {
            let name: Rc<str> = match self.dialect {
                Dialect::DuckDb => format!("col{at}"),
                Dialect::Spark | Dialect::Databricks => format!("col{}", at + 1),
                _ => format!("column{}", at + 1),
            }
            .into();
            let key = self.dialect.key_of_known(&name).into();
            Item::Column(Column { name, key, is_named: true, flow: Rc::new(flow.unwrap_or_default()) })
        });
        let print = if self.with_prints { hash(&values.to_string()) } else { 0 };
        Rel::new(items.collect(), std::collections::BTreeSet::new(), print)
    }
}

/// Columns of either side; what only one side has is null on the other.
fn by_name(left: &Rel, right: &Rel) -> Vec<Item> {
    let of = |rel: &Rel, key: &str| rel.columns().find(|column| *column.key == *key).cloned();
    let mut items = Vec::new();
    for item in &left.items {
        items.push(match item {
            Item::Column(column) => {
                let other = of(right, &column.key).map_or_else(Rc::default, |column| column.flow);
                let flow = Rc::new(merged(&column.flow, &other));
                Item::Column(Column { flow, ..column.clone() })
            }
            open @ Item::Open(_) => open.clone(),
        });
    }
    for item in &right.items {
        match item {
            Item::Column(column) if of(left, &column.key).is_some() => {}
            Item::Column(column) => {
                let flow = Rc::new(merged(&column.flow, &Flow::default()));
                items.push(Item::Column(Column { flow, ..column.clone() }));
            }
            open @ Item::Open(_) => items.push(open.clone()),
        }
    }
    items
}

/// A value that is of one or of the other.
pub(super) fn merged(left: &Flow, right: &Flow) -> Flow {
    let mut flow = left.clone();
    flow.absorb(right);
    flow.how = match (left.how, right.how) {
        (a, b) if a == b => a,
        (How::Passed, How::Renamed) | (How::Renamed, How::Passed) => How::Renamed,
        (How::Aggregated, _) | (_, How::Aggregated) => How::Aggregated,
        _ => How::Computed,
    };
    if left.data_type != right.data_type {
        flow.data_type = None;
    }
    flow.print = hash(&("or", left.print, right.print));
    flow.uncast = 0;
    flow.exact = hash(&("or", left.exact, right.exact));
    flow.definition = left.definition.clone().or_else(|| right.definition.clone());
    flow
}

fn open_print(rel: &Rel) -> u64 {
    hash(&rel.opens().map(|open| open.print).collect::<Vec<_>>())
}
