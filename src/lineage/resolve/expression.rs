//! One expression: what it is computed from, whether it aggregates, and its fingerprints.

use std::ops::ControlFlow;
use std::rc::Rc;

use sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction,
    NamedWindowExpr, OneOrManyWithParens, Query, SetExpr, Visit, VisitMut, Visitor, VisitorMut, WindowType,
};

use super::scope::{Aliases, Named, Scope};
use super::with::Env;
use super::{Resolver, functions, line_at, line_of};
use crate::lineage::flow::{Flow, Fragment, OpenSource, hash};
use crate::lineage::{Dialect, GapReason, How};

/// What an expression is.
#[derive(Default)]
pub(super) struct Value {
    pub(super) flow: Flow,
    /// The column it is, when it is one.
    pub(super) column: Option<Rc<str>>,
    /// Whether it aggregates the rows of its own query.
    pub(super) aggregates: bool,
    /// Whether it makes rows.
    pub(super) expands: bool,
    /// Whether it stands for columns that only the engine knows.
    pub(super) is_many: bool,
}

impl Resolver<'_> {
    /// Follows an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scope: &Scope<'_>, env: &Env<'_>, aliases: Aliases) -> Value {
        let bare = bare(expr);
        let named = match bare {
            Expr::Identifier(ident) => Some(self.name(scope, ident, aliases)),
            Expr::CompoundIdentifier(parts) => Some(self.dotted(scope, parts, aliases)),
            _ => None,
        };
        if let Some(named) = named {
            let mut flow = (*named.flow).clone();
            if flow.definition.is_none() && self.with_prints {
                flow.definition = Some(fragment(expr));
            }
            return Value { flow, column: Some(named.name), ..Value::default() };
        }
        let mut walk = Walk::new(self, scope, env, aliases);
        let _ = bare.visit(&mut walk);
        let Walk { mut value, steps, inner, .. } = walk;
        value.flow.how = match &value {
            Value { aggregates: true, .. } => How::Aggregated,
            Value { flow, .. } if flow.origins.is_empty() && flow.gaps.is_empty() => How::Constant,
            Value { flow, .. } => flow.how.max(How::Computed),
        };
        if let Expr::Cast { data_type, expr: inner, .. } = bare {
            value.flow.data_type = Some(data_type.to_string().to_lowercase().into());
            if self.with_prints {
                let inner = self.expression(inner, scope, env, aliases).flow;
                value.flow.uncast = if inner.uncast == 0 { inner.print } else { inner.uncast };
            }
        }
        if self.with_prints {
            let (print, exact) = prints(bare, &steps, &inner);
            value.flow.print = print;
            value.flow.exact = exact;
            value.flow.definition = Some(fragment(expr));
        }
        value
    }

    /// Several expressions that decide something together.
    pub(super) fn together<'e>(
        &mut self,
        exprs: impl IntoIterator<Item = &'e Expr>,
        scope: &Scope<'_>,
        env: &Env<'_>,
        aliases: Aliases,
    ) -> Flow {
        let mut flow = Flow::default();
        let mut prints = Vec::new();
        for expr in exprs {
            let value = self.expression(expr, scope, env, aliases);
            flow.absorb(&value.flow);
            prints.push((value.flow.print, value.flow.exact));
        }
        prints.sort_unstable();
        flow.print = hash(&prints.iter().map(|(print, _)| print).collect::<Vec<_>>());
        flow.exact = hash(&prints.iter().map(|(_, exact)| exact).collect::<Vec<_>>());
        flow
    }

    /// What a name stands for; a gap when nothing has it.
    fn name(&mut self, scope: &Scope<'_>, ident: &Ident, aliases: Aliases) -> Named {
        if let Some(named) = self.lookup(scope, ident, aliases).or_else(|| self.whole_row(scope, ident)) {
            return named;
        }
        let name: Rc<str> = self.dialect.output_name(ident).into();
        let lower = ident.value.to_lowercase();
        if ident.quote_style.is_none() && (functions::is_value(&lower) || lower.starts_with('@')) {
            let print = hash(&("value", &lower));
            let unstable = functions::is_unstable(&lower).then(|| Rc::from(lower.as_str()));
            return Named { flow: Rc::new(Flow { print, exact: print, unstable, ..Flow::default() }), name };
        }
        let gap = self.gap(GapReason::UnknownColumn, &ident.value, line_at(ident));
        Named { flow: Rc::new(Flow::lost(gap, &name)), name }
    }

    fn dotted(&mut self, scope: &Scope<'_>, parts: &[Ident], aliases: Aliases) -> Named {
        if let Some(named) = self.lookup_dotted(scope, parts, aliases) {
            return named;
        }
        let text = parts.iter().map(|part| part.value.as_str()).collect::<Vec<_>>().join(".");
        let last = parts.last().map(|part| self.dialect.output_name(part)).unwrap_or_default();
        if last.eq_ignore_ascii_case("nextval") {
            return Named { flow: Rc::default(), name: last.into() };
        }
        let line = parts.first().map_or(0, line_at);
        let gap = self.gap(GapReason::UnknownColumn, &text, line);
        Named { flow: Rc::new(Flow::lost(gap, &text)), name: last.into() }
    }
}

fn fragment(expr: &Expr) -> Rc<Fragment> {
    let line = u32::try_from(line_of(expr)).ok().filter(|line| *line > 0);
    Rc::new(Fragment { text: expr.to_string(), line })
}

/// Without the parentheses around it.
pub(super) fn bare(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// The last part of a function's name, in lower case.
pub(super) fn function_name(function: &Function) -> String {
    let last = function.name.0.last().and_then(|part| part.as_ident());
    last.map(|ident| ident.value.to_lowercase()).unwrap_or_default()
}

/// The arguments of a function.
pub(super) fn arguments(arguments: &FunctionArguments) -> &[FunctionArg] {
    match arguments {
        FunctionArguments::List(list) => &list.args,
        _ => &[],
    }
}

/// The value of an argument, whatever it is called.
pub(super) fn argument(argument: &FunctionArg) -> &FunctionArgExpr {
    match argument {
        FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg) => arg,
    }
}

/// What a name of the expression was replaced by for its print; none for what stays as written.
type Step = Option<(u64, u64)>;

/// Walks an expression and the windows it names. Queries inside are resolved as a whole.
struct Walk<'w, 'r, 's> {
    resolver: &'w mut Resolver<'r>,
    scope: &'w Scope<'s>,
    env: &'w Env<'w>,
    aliases: Aliases,
    depth: usize,
    /// Addresses of expressions that are words and not names.
    words: Vec<usize>,
    /// Addresses of arrows that make functions.
    lambdas: Vec<usize>,
    parameters: Vec<Vec<String>>,
    value: Value,
    steps: Vec<Step>,
    inner: Vec<u64>,
}

fn address(expr: &Expr) -> usize {
    std::ptr::from_ref(expr) as usize
}

fn parameters(lambda: &LambdaFunction) -> Vec<&Ident> {
    match &lambda.params {
        OneOrManyWithParens::One(one) => vec![&one.name],
        OneOrManyWithParens::Many(many) => many.iter().map(|one| &one.name).collect(),
    }
}

impl<'w, 'r, 's> Walk<'w, 'r, 's> {
    fn new(resolver: &'w mut Resolver<'r>, scope: &'w Scope<'s>, env: &'w Env<'w>, aliases: Aliases) -> Self {
        Self {
            resolver,
            scope,
            env,
            aliases,
            depth: 0,
            words: Vec::new(),
            lambdas: Vec::new(),
            parameters: Vec::new(),
            value: Value::default(),
            steps: Vec::new(),
            inner: Vec::new(),
        }
    }

    fn take(&mut self, flow: &Flow) {
        self.value.flow.absorb(flow);
        self.value.flow.how = self.value.flow.how.max(flow.how);
    }

    fn name(&mut self, expr: &Expr, parts: &[Ident]) {
        let is_parameter = parts.first().is_some_and(|first| {
            let key = self.resolver.dialect.key(first);
            self.parameters.iter().flatten().any(|parameter| *parameter == key)
        });
        if is_parameter || self.words.contains(&address(expr)) {
            self.steps.push(None);
            return;
        }
        let named = match parts {
            [only] => self.resolver.name(self.scope, only, self.aliases),
            parts => self.resolver.dotted(self.scope, parts, self.aliases),
        };
        self.take(&named.flow);
        self.steps.push(Some((named.flow.print, named.flow.exact)));
    }

    fn function(&mut self, function: &Function) {
        let name = function_name(function);
        let is_window = function.over.is_some() || functions::is_window(&name);
        self.value.aggregates |= !is_window && functions::is_aggregate(&name);
        self.value.aggregates |= !is_window && !function.within_group.is_empty();
        let is_conversion = name == "unix_timestamp" && !arguments(&function.args).is_empty();
        if functions::is_unstable(&name) && !is_conversion {
            let parentheses = if matches!(function.args, FunctionArguments::None) { "" } else { "()" };
            self.value.flow.unstable = Some(Rc::from(format!("{name}{parentheses}")));
        }
        if let Some(WindowType::WindowSpec(window)) = &function.over
            && window.order_by.is_empty()
            && window.window_name.is_none()
            && functions::needs_order(&name)
        {
            self.value.flow.unstable = Some(Rc::from(format!("{name}() over unordered rows")));
        }
        self.value.expands |= functions::expands(&name);
        self.value.is_many |= name == "columns" && self.resolver.dialect == Dialect::DuckDb;
        for (at, given) in arguments(&function.args).iter().enumerate() {
            if let FunctionArg::ExprNamed { name, .. } = given {
                self.words.push(address(name));
            }
            match argument(given) {
                FunctionArgExpr::Expr(expr @ Expr::Identifier(ident))
                    if functions::is_date_part(&name, at, &ident.value, self.resolver.dialect) =>
                {
                    self.words.push(address(expr));
                }
                FunctionArgExpr::Expr(expr @ Expr::Lambda(_)) if functions::takes_functions(&name) => {
                    self.lambdas.push(address(expr));
                }
                FunctionArgExpr::Expr(_) => {}
                FunctionArgExpr::Wildcard if name == "count" => {}
                FunctionArgExpr::QualifiedWildcard(_)
                | FunctionArgExpr::Wildcard
                | FunctionArgExpr::WildcardWithOptions(_) => self.everything(),
            }
        }
        if let Some(WindowType::NamedWindow(window)) = &function.over {
            self.window(window);
        }
    }

    /// `f(*)`: all columns go in.
    fn everything(&mut self) {
        let scope = self.scope;
        for (at, item) in &scope.star {
            match item {
                crate::lineage::flow::Item::Column(column) => {
                    let flow = scope.seen(*at, &column.flow);
                    self.take(&flow);
                    self.inner.push(flow.exact);
                }
                crate::lineage::flow::Item::Open(open) => {
                    let gap = match open.source {
                        OpenSource::Gap(gap) => gap,
                        OpenSource::Upstream(at) => {
                            let id = self.resolver.relations[at as usize].id.to_string();
                            self.resolver.gap(GapReason::UnknownColumns, id, 0)
                        }
                    };
                    self.value.flow.gaps.insert(gap);
                    self.inner.push(open.print);
                }
            }
        }
    }

    /// A window that is defined after the select list.
    fn window(&mut self, name: &Ident) {
        let scope = self.scope;
        let key = self.resolver.dialect.key(name);
        let mut wanted = scope.windows.iter().find(|defined| self.resolver.dialect.key(&defined.0) == key);
        for _ in 0..scope.windows.len() {
            match wanted.map(|defined| &defined.1) {
                Some(NamedWindowExpr::NamedWindow(other)) => {
                    let key = self.resolver.dialect.key(other);
                    wanted = scope.windows.iter().find(|defined| self.resolver.dialect.key(&defined.0) == key);
                }
                Some(NamedWindowExpr::WindowSpec(spec)) => {
                    let mut walk = Walk::new(self.resolver, scope, self.env, self.aliases);
                    let _ = spec.visit(&mut walk);
                    let Walk { value, steps, inner, .. } = walk;
                    self.take(&value.flow);
                    self.inner.push(hash(&(spec.to_string(), steps, inner)));
                    return;
                }
                None => return,
            }
        }
    }
}

impl Visitor for Walk<'_, '_, '_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.depth == 0 {
            let rel = self.resolver.query(query, self.env, Some(self.scope), false);
            let mut whole = rel.whole();
            for row in &rel.rows {
                if let Some(influence) = self.resolver.influences.get(*row as usize) {
                    whole.origins.extend(influence.origins.iter().cloned());
                }
            }
            self.inner.push(whole.exact);
            self.take(&whole);
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Identifier(ident) => self.name(expr, std::slice::from_ref(ident)),
            Expr::CompoundIdentifier(parts) => self.name(expr, parts),
            Expr::CompoundFieldAccess { access_chain, .. } => {
                for access in access_chain {
                    if let AccessExpr::Dot(field @ Expr::Identifier(_)) = access {
                        self.words.push(address(field));
                    }
                }
            }
            Expr::Function(function) => self.function(function),
            Expr::Lambda(lambda) => {
                let names = parameters(lambda);
                if self.lambdas.contains(&address(expr)) {
                    let keys = names.into_iter().map(|name| self.resolver.dialect.key(name));
                    let keys = keys.collect();
                    self.parameters.push(keys);
                } else {
                    // `data -> '$.path'` reads like a function of `data`.
                    for name in names {
                        let named = self.resolver.name(self.scope, name, self.aliases);
                        self.take(&named.flow);
                        self.inner.push(named.flow.exact);
                    }
                    self.parameters.push(Vec::new());
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if self.depth == 0 && matches!(expr, Expr::Lambda(_)) {
            self.parameters.pop();
        }
        ControlFlow::Continue(())
    }
}

/// Both fingerprints of an expression: its text with each name replaced by what it stands for.
fn prints(expr: &Expr, steps: &[Step], inner: &[u64]) -> (u64, u64) {
    let mut text = expr.clone();
    let mut printer = Printer { steps: steps.iter(), depth: 0 };
    let _ = VisitMut::visit(&mut text, &mut printer);
    let text = text.to_string();
    let exact: Vec<u64> = steps.iter().flatten().map(|(_, exact)| *exact).collect();
    (hash(&(&text, inner)), hash(&(&text, inner, exact)))
}

/// Replaces names by what they stand for, and queries by nothing: what they are is in the list of inner prints.
struct Printer<'p> {
    steps: std::slice::Iter<'p, Step>,
    depth: usize,
}

impl VisitorMut for Printer<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if self.depth == 0 {
            query.with = None;
            query.order_by = None;
            query.limit_clause = None;
            query.fetch = None;
            *query.body = SetExpr::Table(Box::new(sqlparser::ast::Table { table_name: None, schema_name: None }));
        }
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        match expr {
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                if let Some(Some((print, _))) = self.steps.next() {
                    *expr = Expr::Identifier(Ident::new(format!("\u{1}{print:x}")));
                }
            }
            Expr::Function(function) => {
                for part in &mut function.name.0 {
                    if let sqlparser::ast::ObjectNamePart::Identifier(ident) = part {
                        ident.value = ident.value.to_lowercase();
                    }
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
