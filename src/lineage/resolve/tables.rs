//! Tables that a query makes itself: functions, lists, `pivot` and `unpivot`.

use std::collections::BTreeSet;
use std::rc::Rc;

use sqlparser::ast::{
    Expr, ExprWithAlias, FunctionArg, FunctionArgExpr, Ident, JsonTableColumn, LateralView, PivotValueSource,
    TableAlias, TableFactor,
};

use super::expression::{argument, arguments, bare, function_name};
use super::from::Part;
use super::scope::{Aliases, Scope, ScopeRel};
use super::star::without;
use super::with::Env;
use super::{Resolver, functions, line_of};
use crate::lineage::answer::RowRule;
use crate::lineage::flow::{Column, Flow, Item, Open, OpenSource, Rel, hash};
use crate::lineage::{Dialect, GapReason, How};

impl Resolver<'_> {
    /// A factor of `from` that is neither a table nor a query.
    pub(super) fn made_table<'q>(&mut self, factor: &'q TableFactor, env: &Env<'q>, scope: &Scope<'_>) -> Part {
        match factor {
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => self.function_table(
                &last(name),
                &args.args,
                alias.as_ref(),
                *with_ordinality,
                env,
                scope,
                line_of(name),
            ),
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.function_table(&last(name), args, alias.as_ref(), *with_ordinality, env, scope, line_of(name))
            }
            TableFactor::TableFunction { expr, alias } => match bare(expr) {
                Expr::Function(function) => {
                    let (name, args) = (function_name(function), arguments(&function.args));
                    self.function_table(&name, args, alias.as_ref(), false, env, scope, line_of(expr))
                }
                other => {
                    let rel = self.lost(GapReason::TableFunction, other.to_string(), line_of(other));
                    self.aliased(rel, alias.as_ref())
                }
            },
            TableFactor::UNNEST { alias, array_exprs, with_offset, with_offset_alias, with_ordinality } => {
                let exprs: Vec<&Expr> = array_exprs.iter().collect();
                let mut part = self.unnested(&exprs, alias.as_ref(), env, scope, line_of(factor));
                if *with_offset || *with_ordinality {
                    let fallback = Ident::new(if *with_offset { "offset" } else { "ordinality" });
                    let name = with_offset_alias.as_ref().unwrap_or(&fallback);
                    self.append(&mut part, name);
                }
                part
            }
            TableFactor::Pivot { table, aggregate_functions, value_column, value_source, alias, .. } => {
                let part = self.factor(table, env, scope);
                let pivot = Pivot { aggregates: aggregate_functions, columns: value_column, values: value_source };
                let rel = self.pivot(part, &pivot, env, line_of(factor));
                self.aliased(rel, alias.as_ref())
            }
            TableFactor::Unpivot { table, value, name, columns, alias, .. } => {
                let part = self.factor(table, env, scope);
                let rel = self.unpivot(part, value, name, columns, env, line_of(factor));
                self.aliased(rel, alias.as_ref())
            }
            TableFactor::JsonTable { json_expr, columns, alias, .. } => {
                let names = json_columns(columns);
                self.listed(json_expr, &names, alias.as_ref(), env, scope)
            }
            TableFactor::OpenJsonTable { json_expr, columns, alias, .. } => {
                let names: Vec<&Ident> = columns.iter().map(|column| &column.name).collect();
                self.listed(json_expr, &names, alias.as_ref(), env, scope)
            }
            TableFactor::XmlTable { row_expression, passing, columns, alias, .. } => {
                let names: Vec<&Ident> = columns.iter().map(|column| &column.name).collect();
                let source = passing.arguments.first().map_or(row_expression, |argument| &argument.expr);
                self.listed(source, &names, alias.as_ref(), env, scope)
            }
            other => {
                let rel = self.lost(GapReason::Unsupported, first_words(&other.to_string()), line_of(other));
                Part::one(Vec::new(), Rc::new(rel))
            }
        }
    }

    /// Columns that are named one by one, all computed from one document.
    fn listed(
        &mut self,
        source: &Expr,
        names: &[&Ident],
        alias: Option<&TableAlias>,
        env: &Env<'_>,
        scope: &Scope<'_>,
    ) -> Part {
        let flow = self.lateral(&[source], scope, env);
        let columns = names.iter().map(|name| made(self.dialect.output_name(name), self.dialect.key(name), &flow));
        let items = columns.collect();
        let rel = self.unnest_rel(items, &flow, "json_table".to_owned(), line_of(source));
        self.aliased(rel, alias)
    }

    /// What arguments of a table function are computed from: they see what stands left of it.
    fn lateral(&mut self, exprs: &[&Expr], scope: &Scope<'_>, env: &Env<'_>) -> Flow {
        let inner = Scope::inside(Some(scope));
        let mut flow = self.together(exprs.iter().copied(), &inner, env, Aliases::Unseen);
        flow.how = if flow.origins.is_empty() && flow.gaps.is_empty() { How::Constant } else { How::Computed };
        flow
    }

    fn unnest_rel(&mut self, items: Vec<Item>, flow: &Flow, text: String, line: u64) -> Rel {
        let print = hash(&("unnest", &text, flow.print));
        let row = self.influence(RowRule::Unnest, flow, text.clone(), line, print);
        Rel::new(items, BTreeSet::from([row]), hash(&("unnest", text, flow.exact)))
    }

    /// A list whose items become rows.
    pub(super) fn unnested(
        &mut self,
        exprs: &[&Expr],
        alias: Option<&TableAlias>,
        env: &Env<'_>,
        scope: &Scope<'_>,
        line: u64,
    ) -> Part {
        let fallback = Ident::new("unnest");
        let named = alias.filter(|_| self.dialect.names_column_by_alias()).map(|alias| &alias.name);
        let name = named.unwrap_or(&fallback);
        let mut items = Vec::new();
        let mut whole = Flow { how: How::Constant, ..Flow::default() };
        for expr in exprs {
            let flow = self.lateral(&[expr], scope, env);
            whole.absorb(&flow);
            whole.how = whole.how.max(flow.how);
            whole.print = hash(&(whole.print, flow.print));
            whole.exact = hash(&(whole.exact, flow.exact));
            items.push(made(self.dialect.output_name(name), self.dialect.key(name), &flow));
        }
        let rel = self.unnest_rel(items, &whole, "unnest".to_owned(), line);
        self.aliased(rel, alias)
    }

    /// Adds a column with the number of each row.
    fn append(&mut self, part: &mut Part, name: &Ident) {
        let Some(ScopeRel { names, rel }) = part.rels.pop() else { return };
        let mut items = rel.items.clone();
        items.push(made(self.dialect.output_name(name), self.dialect.key(name), &Flow::default()));
        *part = Part::one(names, Rc::new(Rel::new(items, rel.rows.clone(), rel.print)));
    }

    /// A function in `from`.
    #[expect(clippy::too_many_arguments, reason = "a table function is all of these in the parser's tree")]
    fn function_table(
        &mut self,
        name: &str,
        args: &[FunctionArg],
        alias: Option<&TableAlias>,
        with_ordinality: bool,
        env: &Env<'_>,
        scope: &Scope<'_>,
        line: u64,
    ) -> Part {
        let exprs: Vec<&Expr> = args
            .iter()
            .filter_map(|given| match argument(given) {
                FunctionArgExpr::Expr(expr) => Some(expr),
                _ => None,
            })
            .collect();
        let mut part = if name == "unnest" {
            self.unnested(&exprs, alias, env, scope, line)
        } else {
            let flow = self.lateral(&exprs, scope, env);
            let rel = self.function_rel(name, &flow, alias, line);
            self.aliased(rel, alias)
        };
        if with_ordinality && alias.is_none_or(|alias| alias.columns.is_empty()) {
            self.append(&mut part, &Ident::new("ordinality"));
        }
        part
    }

    fn function_rel(&mut self, name: &str, flow: &Flow, alias: Option<&TableAlias>, line: u64) -> Rel {
        let text = name.to_owned();
        if let Some(columns) = functions::columns_of(name) {
            let items = columns.iter().map(|column| self.made_named(column, flow)).collect();
            return self.unnest_rel(items, flow, text, line);
        }
        if functions::makes_one_column(name) {
            let named = alias.filter(|_| self.dialect.names_column_by_alias());
            let item = match named {
                Some(alias) => made(self.dialect.output_name(&alias.name), self.dialect.key(&alias.name), flow),
                None => self.made_named(name, flow),
            };
            return self.unnest_rel(vec![item], flow, text, line);
        }
        let gap = self.gap(GapReason::TableFunction, name, line);
        let mut flow = flow.clone();
        flow.gaps.insert(gap);
        flow.how = How::Computed;
        let columns = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        let mut items: Vec<Item> = columns.iter().map(|_| self.made_named("column", &flow)).collect();
        if items.is_empty() {
            let print = hash(&(name, flow.exact));
            items.push(Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print }));
        }
        let rel = self.unnest_rel(items, &flow, text, line);
        Rel::new(rel.items, rel.rows, rel.print)
    }

    fn made_named(&self, name: &str, flow: &Flow) -> Item {
        made(name.to_owned(), self.dialect.key(&Ident::new(name)), flow)
    }

    /// `lateral view explode(…) t as x`.
    pub(super) fn lateral_view(&mut self, view: &LateralView, scope: &Scope<'_>, env: &Env<'_>) -> (ScopeRel, u32) {
        let line = line_of(&view.lateral_view);
        let (name, exprs) = match bare(&view.lateral_view) {
            Expr::Function(function) => {
                let given = arguments(&function.args).iter().filter_map(|given| match argument(given) {
                    FunctionArgExpr::Expr(expr) => Some(expr),
                    _ => None,
                });
                (function_name(function), given.collect())
            }
            other => (String::new(), vec![other]),
        };
        let flow = self.lateral(&exprs, scope, env);
        let names: Vec<(String, String)> = if view.lateral_col_alias.is_empty() {
            let columns = functions::columns_of(&name).unwrap_or(&["col"]);
            columns.iter().map(|column| ((*column).to_owned(), (*column).to_owned())).collect()
        } else {
            let idents = view.lateral_col_alias.iter();
            idents.map(|ident| (self.dialect.output_name(ident), self.dialect.key(ident))).collect()
        };
        let items = names.into_iter().map(|(name, key)| made(name, key, &flow)).collect();
        let rel = self.unnest_rel(items, &flow, format!("lateral view {name}"), line);
        let influence = rel.rows.iter().next().copied().unwrap_or_default();
        let key = view.lateral_view_name.0.last().and_then(|part| part.as_ident()).map(|ident| self.dialect.key(ident));
        (ScopeRel { names: key.into_iter().collect(), rel: Rc::new(rel) }, influence)
    }

    /// `pivot`: what is neither aggregated nor spread stays; each value becomes a column for each aggregate.
    fn pivot(&mut self, part: Part, pivot: &Pivot<'_>, env: &Env<'_>, line: u64) -> Rel {
        let scope = scope_of(part);
        let keys = self.together(pivot.columns, &scope, env, Aliases::Unseen);
        let mut used: Vec<String> = Vec::new();
        let mut values: Vec<(Flow, &ExprWithAlias)> = Vec::new();
        for aggregate in pivot.aggregates {
            let mut flow = self.expression(&aggregate.expr, &scope, env, Aliases::Unseen).flow;
            flow.absorb(&keys);
            flow.how = How::Aggregated;
            values.push((flow, aggregate));
            used.extend(self.names_in(&aggregate.expr));
        }
        used.extend(pivot.columns.iter().flat_map(|column| self.names_in(column)));
        let star = scope.star.iter().map(|(_, item)| item.clone()).collect();
        let mut items = without(star, &used);
        let mut prints = vec![keys.exact];
        match pivot.values {
            PivotValueSource::List(list) => {
                for value in list {
                    for (flow, aggregate) in &values {
                        let name = self.pivoted_name(value, aggregate, values.len());
                        let print = hash(&(flow.print, value.expr.to_string()));
                        prints.push(print);
                        let flow = Rc::new(Flow { print, exact: print, ..flow.clone() });
                        let key = self.dialect.key_of_known(&name).into();
                        let is_named = value.alias.is_some() || values.len() == 1;
                        items.push(Item::Column(Column { name: name.into(), key, is_named, flow }));
                    }
                }
            }
            PivotValueSource::Any(_) | PivotValueSource::Subquery(_) => {
                let gap = self.gap(GapReason::DynamicColumns, "pivot over any value", line);
                let print = hash(&prints);
                items.push(Item::Open(Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print }));
            }
        }
        let print = hash(&("pivot", keys.print, values.iter().map(|(flow, _)| flow.print).collect::<Vec<_>>()));
        let mut rows = rows_of(&scope);
        rows.insert(self.influence(RowRule::Unnest, &keys, "pivot".to_owned(), line, print));
        Rel::new(items, rows, hash(&("pivot", scope.rels.iter().map(|rel| rel.rel.print).collect::<Vec<_>>(), prints)))
    }

    /// The columns that an expression names, as keys.
    fn names_in(&self, expr: &Expr) -> Vec<String> {
        let mut found = Vec::new();
        let _ = sqlparser::ast::visit_expressions(expr, |inner: &Expr| {
            match inner {
                Expr::Identifier(ident) => found.push(self.dialect.key(ident)),
                Expr::CompoundIdentifier(parts) => found.extend(parts.last().map(|part| self.dialect.key(part))),
                _ => {}
            }
            std::ops::ControlFlow::<()>::Continue(())
        });
        found
    }

    fn pivoted_name(&self, value: &ExprWithAlias, aggregate: &ExprWithAlias, aggregates: usize) -> String {
        let value_name = match (&value.alias, bare(&value.expr)) {
            (Some(alias), _) => self.dialect.output_name(alias),
            (None, Expr::Value(literal)) if self.dialect != Dialect::Snowflake => {
                literal.clone().value.into_string().unwrap_or_else(|| value.expr.to_string())
            }
            (None, expr) => expr.to_string(),
        };
        let aggregate_name = aggregate.alias.as_ref().map(|alias| self.dialect.output_name(alias));
        match (self.dialect, aggregate_name, aggregates) {
            (Dialect::BigQuery, Some(name), _) => format!("{name}_{value_name}"),
            (Dialect::Snowflake, _, 1) | (_, None, 1) => value_name,
            (Dialect::DuckDb, Some(name), _) => format!("{value_name}_{name}"),
            (_, Some(name), 1) if self.dialect == Dialect::Redshift => format!("{value_name}_{name}"),
            (Dialect::Spark | Dialect::Databricks, Some(_), 1) => value_name,
            (_, Some(name), _) => format!("{value_name}_{name}"),
            (_, None, _) => format!("{value_name}_{}", aggregate.expr.to_string().to_lowercase()),
        }
    }

    /// `unpivot`: the columns that are named become rows of a name and a value.
    fn unpivot(
        &mut self,
        part: Part,
        value: &Expr,
        name: &Ident,
        columns: &[ExprWithAlias],
        env: &Env<'_>,
        line: u64,
    ) -> Rel {
        let scope = scope_of(part);
        let exprs: Vec<&Expr> = columns.iter().map(|column| &column.expr).collect();
        let mut flow = self.together(exprs.iter().copied(), &scope, env, Aliases::Unseen);
        flow.how = How::Computed;
        let used: Vec<String> = exprs.iter().flat_map(|expr| self.names_in(expr)).collect();
        let star = scope.star.iter().map(|(_, item)| item.clone()).collect();
        let mut items = without(star, &used);
        items.push(made(self.dialect.output_name(name), self.dialect.key(name), &Flow::default()));
        let values = match bare(value) {
            Expr::Identifier(ident) => vec![ident.clone()],
            Expr::Tuple(parts) => parts
                .iter()
                .filter_map(|part| match part {
                    Expr::Identifier(ident) => Some(ident.clone()),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        for ident in values {
            items.push(made(self.dialect.output_name(&ident), self.dialect.key(&ident), &flow));
        }
        let print = hash(&("unpivot", flow.print));
        let mut rows = rows_of(&scope);
        rows.insert(self.influence(RowRule::Unnest, &flow, "unpivot".to_owned(), line, print));
        let of = scope.rels.iter().map(|rel| rel.rel.print).collect::<Vec<_>>();
        Rel::new(items, rows, hash(&("unpivot", of, flow.exact)))
    }
}

fn made(name: String, key: String, flow: &Flow) -> Item {
    let print = hash(&(flow.print, &key));
    let exact = hash(&(flow.exact, &key));
    let flow = Rc::new(Flow { print, exact, ..flow.clone() });
    Item::Column(Column { name: name.into(), key: key.into(), is_named: true, flow })
}

/// What a `pivot` says.
struct Pivot<'q> {
    aggregates: &'q [ExprWithAlias],
    columns: &'q [Expr],
    values: &'q PivotValueSource,
}

fn scope_of(part: Part) -> Scope<'static> {
    Scope { rels: part.rels, star: part.star, merged: part.merged, ..Scope::default() }
}

fn rows_of(scope: &Scope<'_>) -> BTreeSet<u32> {
    scope.rels.iter().flat_map(|rel| rel.rel.rows.iter().copied()).collect()
}

fn last(name: &sqlparser::ast::ObjectName) -> String {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase()).unwrap_or_default()
}

fn first_words(text: &str) -> String {
    const SHOWN: usize = 40;
    text.chars().take(SHOWN).collect()
}

fn json_columns(columns: &[JsonTableColumn]) -> Vec<&Ident> {
    let mut found = Vec::new();
    for column in columns {
        match column {
            JsonTableColumn::Named(named) => found.push(&named.name),
            JsonTableColumn::ForOrdinality(name) => found.push(name),
            JsonTableColumn::Nested(nested) => found.extend(json_columns(&nested.columns)),
        }
    }
    found
}
