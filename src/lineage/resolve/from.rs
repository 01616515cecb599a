//! `from`: tables, subqueries and joins become the relations that a select can name.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::{
    Expr, Join, JoinConstraint, JoinOperator, ObjectName, TableAlias, TableFactor, TableSampleKind, TableWithJoins,
};

use super::scope::{Aliases, Scope, ScopeRel, Star};
use super::select::conjuncts;
use super::with::{Env, Meaning};
use super::{Resolver, line_at, line_of};
use crate::lineage::answer::RowRule;
use crate::lineage::flow::{Column, Flow, Found, Item, Rel, hash};
use crate::lineage::{GapReason, How};

/// One factor of `from`: usually one relation, several for a join in parentheses.
#[derive(Default)]
pub(super) struct Part {
    pub(super) rels: Vec<ScopeRel>,
    pub(super) star: Star,
    pub(super) merged: Vec<Column>,
    pub(super) rows: BTreeSet<u32>,
    pub(super) print: u64,
}

impl Part {
    pub(super) fn one(names: Vec<String>, rel: Rc<Rel>) -> Self {
        let star = rel.items.iter().map(|item| (Some(0), item.clone())).collect();
        Self { rows: rel.rows.clone(), print: rel.print, star, rels: vec![ScopeRel { names, rel }], merged: Vec::new() }
    }
}

/// Which side's rows a join keeps when the other has none.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keeps {
    Left,
    Right,
    Both,
    /// The right side is only looked at.
    OnlyLeft,
}

impl Resolver<'_> {
    /// Fills `scope` with what `from` names; the influences on its rows and their print.
    pub(super) fn from<'q>(
        &mut self,
        from: &'q [TableWithJoins],
        env: &Env<'q>,
        scope: &mut Scope<'_>,
    ) -> (BTreeSet<u32>, u64) {
        let mut rows = BTreeSet::new();
        let mut prints = Vec::new();
        for (at, table) in from.iter().enumerate() {
            let part = self.factor(&table.relation, env, scope);
            if at > 0 {
                prints.push(hash(&"cross join"));
            }
            prints.push(part.print);
            rows.extend(&part.rows);
            add(scope, part);
            for join in &table.joins {
                prints.push(self.join(join, env, scope, &mut rows));
            }
        }
        let print = if let [only] = prints.as_slice() { *only } else { hash(&prints) };
        (rows, print)
    }

    fn join<'q>(&mut self, join: &'q Join, env: &Env<'q>, scope: &mut Scope<'_>, rows: &mut BTreeSet<u32>) -> u64 {
        let (kind, keeps, constraint) = operator(&join.join_operator);
        // See how DuckDB's text is parsed.
        let kind = match (join.global, kind) {
            (true, "left join") => "asof left join",
            (true, _) => "asof join",
            (false, kind) => kind,
        };
        let part = self.factor(&join.relation, env, scope);
        rows.extend(&part.rows);
        let (part_print, left) = (part.print, scope.rels.len());
        let name = named(&join.relation);
        let line = line_of(&join.relation);
        let left_star = scope.star.len();
        add(scope, part);
        let mut exacts = Vec::new();
        let mut note = |this: &mut Self, flow: &Flow, text: String, line: u64| {
            let print = hash(&(kind, flow.print));
            rows.insert(this.influence(RowRule::Join, flow, text, line, print));
        };
        if let JoinOperator::AsOf { match_condition, .. } = &join.join_operator {
            let flow = self.expression(match_condition, scope, env, Aliases::Unseen).flow;
            exacts.push(flow.exact);
            note(self, &flow, format!("{kind} {name}: {match_condition}"), line_of(match_condition));
        }
        match constraint {
            Some(JoinConstraint::On(expr)) => {
                for part in conjuncts(expr) {
                    let flow = self.expression(part, scope, env, Aliases::Unseen).flow;
                    exacts.push(flow.exact);
                    note(self, &flow, format!("{kind} {name} on {part}"), line_of(part));
                }
            }
            Some(JoinConstraint::Using(columns)) => {
                let keys: Vec<String> = columns.iter().filter_map(|column| self.key_of(column)).collect();
                let flow = self.merge(&keys, left, left_star, keeps, scope, line);
                exacts.push(flow.exact);
                note(self, &flow, format!("{kind} {name} using ({})", keys.join(", ").to_lowercase()), line);
            }
            Some(JoinConstraint::Natural) => {
                let keys = self.shared(left, scope, line);
                let flow = self.merge(&keys, left, left_star, keeps, scope, line);
                exacts.push(flow.exact);
                note(self, &flow, format!("natural {kind} {name}"), line);
            }
            Some(JoinConstraint::None) | None => note(self, &Flow::default(), format!("{kind} {name}"), line),
        }
        if keeps == Keeps::OnlyLeft {
            scope.rels.truncate(left);
            scope.star.truncate(left_star);
        }
        exacts.sort_unstable();
        hash(&(kind, part_print, exacts))
    }

    fn key_of(&self, name: &ObjectName) -> Option<String> {
        Some(self.dialect.key(name.0.last()?.as_ident()?))
    }

    /// The columns that both sides of a natural join have.
    fn shared(&mut self, left: usize, scope: &Scope<'_>, line: u64) -> Vec<String> {
        if scope.rels.iter().any(|rel| !rel.rel.is_closed()) {
            self.gap(GapReason::UnknownColumns, "a natural join of relations whose columns are not all known", line);
        }
        let of_left = scope.rels[..left].iter().flat_map(|rel| rel.rel.columns());
        let in_right = |key: &str| scope.rels[left..].iter().any(|rel| !matches!(rel.rel.find(key), Found::None));
        of_left.filter(|column| in_right(&column.key)).map(|column| column.key.to_string()).collect()
    }

    /// Makes one column of the two that `using` names, for each key.
    fn merge(
        &mut self,
        keys: &[String],
        left: usize,
        left_star: usize,
        keeps: Keeps,
        scope: &mut Scope<'_>,
        line: u64,
    ) -> Flow {
        let mut both = Flow::default();
        let mut exacts = Vec::new();
        let mut first = Vec::new();
        for key in keys {
            let of_left = scope.merged.iter().find(|column| *column.key == **key).cloned();
            let of_left = of_left.unwrap_or_else(|| self.side(0..left, key, scope, line));
            let of_right = self.side(left..scope.rels.len(), key, scope, line);
            both.absorb(&of_left.flow);
            both.absorb(&of_right.flow);
            exacts.push((of_left.flow.print, of_right.flow.print, of_left.flow.exact, of_right.flow.exact));
            let flow = match keeps {
                Keeps::Left | Keeps::OnlyLeft => Rc::clone(&of_left.flow),
                Keeps::Right => Rc::clone(&of_right.flow),
                Keeps::Both => {
                    let mut flow = super::set_operation::merged(&of_left.flow, &of_right.flow);
                    flow.how = flow.how.max(How::Computed);
                    Rc::new(flow)
                }
            };
            let column = Column { flow, ..of_left };
            scope.merged.retain(|known| known.key != column.key);
            scope.merged.push(column.clone());
            let is_key = |item: &Item| matches!(item, Item::Column(other) if other.key == column.key);
            let place = scope.star[..left_star.min(scope.star.len())].iter().position(|(_, item)| is_key(item));
            scope.star.retain({
                let mut at = 0;
                move |(_, item)| {
                    at += 1;
                    !is_key(item) || Some(at - 1) == place
                }
            });
            if let Some(place) = place {
                scope.star[place] = (None, Item::Column(column.clone()));
            } else {
                scope.star.insert(0, (None, Item::Column(column.clone())));
            }
            for (_, item) in &mut scope.star {
                if let Item::Open(open) = item {
                    let mut hidden = (*open.hidden).clone();
                    hidden.push(Rc::clone(&column.key));
                    open.hidden = Rc::new(hidden);
                }
            }
            first.push(Rc::clone(&column.key));
        }
        if self.dialect.puts_using_first() {
            let rank = |item: &Item| match item {
                Item::Column(column) => first.iter().position(|key| *key == column.key).unwrap_or(first.len()),
                Item::Open(_) => first.len(),
            };
            scope.star.sort_by_key(|(at, item)| if at.is_none() { rank(item) } else { first.len() });
        }
        both.print = hash(&exacts.iter().map(|(a, b, _, _)| (a, b)).collect::<Vec<_>>());
        both.exact = hash(&exacts.iter().map(|(_, _, a, b)| (a, b)).collect::<Vec<_>>());
        both
    }

    /// The column of one side of a join.
    fn side(&mut self, places: std::ops::Range<usize>, key: &str, scope: &Scope<'_>, line: u64) -> Column {
        let mut opens = Vec::new();
        for at in places {
            let rel = &scope.rels[at];
            match rel.rel.find(key) {
                Found::One(column) => {
                    return Column { flow: scope.seen(Some(at), &column.flow), ..column.clone() };
                }
                Found::Many => break,
                Found::None => opens.extend(rel.rel.opens().cloned()),
            }
        }
        let ident = sqlparser::ast::Ident::new(key.to_lowercase());
        let named = self.among(&opens, &ident);
        let (name, flow) = if let Some(named) = named {
            (named.name, named.flow)
        } else {
            let gap = self.gap(GapReason::UnknownColumn, key, line);
            (Rc::from(key), Rc::new(Flow::lost(gap, key)))
        };
        Column { name, key: key.into(), is_named: true, flow }
    }

    /// One factor of `from`.
    pub(super) fn factor<'q>(&mut self, factor: &'q TableFactor, env: &Env<'q>, scope: &Scope<'_>) -> Part {
        match factor {
            TableFactor::Table { name, alias, args: None, sample, json_path: None, .. } => {
                let mut part = self.table(name, alias.as_ref(), env, scope);
                if let Some(sample) = sample {
                    let (TableSampleKind::BeforeTableAlias(sample) | TableSampleKind::AfterTableAlias(sample)) = sample;
                    let text = sample.to_string().trim().to_owned();
                    let print = hash(&text);
                    part.rows.insert(self.influence(RowRule::Limit, &Flow::default(), text, line_of(name), print));
                    part.print = hash(&(part.print, print));
                }
                part
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                let is_lateral = *lateral || self.dialect.is_always_lateral();
                let outer = if is_lateral { Some(scope) } else { scope.outer };
                let rel = self.query(subquery, env, outer, false);
                self.aliased(rel, alias.as_ref())
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let mut inner = Scope::inside(Some(scope));
                let (rows, print) = self.from(std::slice::from_ref(&**table_with_joins), env, &mut inner);
                if alias.is_some() {
                    let items = inner.star.iter().map(|(_, item)| item.clone()).collect();
                    return self.aliased(Rel::new(items, rows, print), alias.as_ref());
                }
                let Scope { rels, star, merged, .. } = inner;
                Part { rels, star, merged, rows, print }
            }
            other => self.made_table(other, env, scope),
        }
    }

    fn table<'q>(
        &mut self,
        name: &'q ObjectName,
        alias: Option<&'q TableAlias>,
        env: &Env<'q>,
        scope: &Scope<'_>,
    ) -> Part {
        let idents: Vec<_> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        let keys: Vec<String> = idents.iter().map(|ident| self.dialect.key(ident)).collect();
        let is_path = self.dialect.walks_paths() && keys.len() > 1 && scope.relation(&keys[..1]).is_some();
        if is_path {
            let parts: Vec<_> = idents.into_iter().cloned().collect();
            let expr = Expr::CompoundIdentifier(parts);
            return self.unnested(&[&expr], alias, env, scope, line_of(name));
        }
        // BigQuery takes a whole dotted name in one pair of backticks.
        let parts: Vec<String> = match idents.as_slice() {
            [only] if only.quote_style == Some('`') => only.value.split('.').map(str::to_owned).collect(),
            idents => idents.iter().map(|ident| ident.value.clone()).collect(),
        };
        let rel = match keys.as_slice() {
            [key] if parts.len() == 1 && !self.is_ephemeral(&parts) => match self.meaning(key, env, scope.outer) {
                Meaning::Cte(rel) => rel,
                Meaning::Other => self.upstream(&parts).1,
            },
            _ => self.upstream(&parts).1,
        };
        let names = if parts.len() == keys.len() { keys } else { parts };
        match alias {
            None => Part::one(names, rel),
            Some(alias) if alias.columns.is_empty() => Part::one(vec![self.dialect.key(&alias.name)], rel),
            Some(alias) => self.aliased((*rel).clone(), Some(alias)),
        }
    }

    /// Whether it is an ephemeral model's query, which dbt puts in front of those who read it, and its columns are
    /// known.
    fn is_ephemeral(&self, parts: &[String]) -> bool {
        matches!(parts, [name] if name.starts_with("__dbt__cte__")) && self.schema.find(parts).is_some()
    }

    /// A relation under its alias.
    pub(super) fn aliased(&mut self, rel: Rel, alias: Option<&TableAlias>) -> Part {
        let Some(alias) = alias else { return Part::one(Vec::new(), Rc::new(rel)) };
        let rel = self.renamed(rel, alias);
        Part::one(vec![self.dialect.key(&alias.name)], Rc::new(rel))
    }

    /// A relation with the columns' names that follow its alias.
    pub(super) fn renamed(&mut self, rel: Rel, alias: &TableAlias) -> Rel {
        if alias.columns.is_empty() {
            return rel;
        }
        let mut items = rel.items;
        for (at, column) in alias.columns.iter().enumerate() {
            let name: Rc<str> = self.dialect.output_name(&column.name).into();
            let key: Rc<str> = self.dialect.key(&column.name).into();
            if let Some(Item::Column(known)) = items.get_mut(at) {
                known.name = name;
                known.key = key;
                known.is_named = true;
            } else {
                let line = line_at(&alias.name);
                let gap = self.gap(GapReason::Positional, format!("`{}` by its place", column.name), line);
                let flow = Rc::new(Flow::lost(gap, &name));
                items.insert(at.min(items.len()), Item::Column(Column { name, key, is_named: true, flow }));
            }
        }
        Rel::new(items, rel.rows, rel.print)
    }
}

/// Puts a factor behind what is in reach already.
fn add(scope: &mut Scope<'_>, part: Part) {
    let shift = scope.rels.len();
    scope.rels.extend(part.rels);
    scope.star.extend(part.star.into_iter().map(|(at, item)| (at.map(|at| at + shift), item)));
    scope.merged.extend(part.merged);
}

/// The word for a join, what it keeps, and its condition.
fn operator(operator: &JoinOperator) -> (&'static str, Keeps, Option<&JoinConstraint>) {
    use JoinOperator as J;
    match operator {
        J::Join(on) | J::Inner(on) => ("join", Keeps::Left, Some(on)),
        J::StraightJoin(on) => ("straight join", Keeps::Left, Some(on)),
        J::Left(on) | J::LeftOuter(on) => ("left join", Keeps::Left, Some(on)),
        J::Right(on) | J::RightOuter(on) => ("right join", Keeps::Right, Some(on)),
        J::FullOuter(on) => ("full join", Keeps::Both, Some(on)),
        J::CrossJoin(on) => ("cross join", Keeps::Left, Some(on)),
        J::Semi(on) | J::LeftSemi(on) => ("semi join", Keeps::OnlyLeft, Some(on)),
        J::Anti(on) | J::LeftAnti(on) => ("anti join", Keeps::OnlyLeft, Some(on)),
        J::RightSemi(on) => ("right semi join", Keeps::Right, Some(on)),
        J::RightAnti(on) => ("right anti join", Keeps::Right, Some(on)),
        J::AsOf { constraint, .. } => ("asof join", Keeps::Left, Some(constraint)),
        J::CrossApply => ("cross apply", Keeps::Left, None),
        J::OuterApply => ("outer apply", Keeps::Left, None),
        J::ArrayJoin | J::InnerArrayJoin => ("array join", Keeps::Left, None),
        J::LeftArrayJoin => ("left array join", Keeps::Left, None),
    }
}

/// What a factor is called in messages.
fn named(factor: &TableFactor) -> String {
    match factor {
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => alias.name.value.clone(),
        TableFactor::Table { name, .. } => {
            name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.clone()).unwrap_or_default()
        }
        TableFactor::Derived { .. } | TableFactor::NestedJoin { .. } => "(…)".to_owned(),
        other => other.to_string(),
    }
}
