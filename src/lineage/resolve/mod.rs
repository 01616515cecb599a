//! The resolver: walks a parsed query from its tables to its output and carries every column's ancestry along.

mod expression;
mod from;
mod functions;
mod naming;
mod scope;
mod select;
mod set_operation;
mod star;
mod tables;
mod with;

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use sqlparser::ast::{Query, Statement};

use super::answer::{Origin, OutputColumn, QueryLineage, RowInfluence, RowRule};
use super::flow::{Column, Flow, Fragment, Item, Open, OpenSource, Origins, Rel, hash};
use super::{Dialect, Gap, GapReason, How, Schema};
use with::Env;

/// SQL longer than this is not followed.
const LONGEST: usize = 4 << 20;
/// How deep queries may be nested.
const DEEPEST: usize = 150;
/// How many names may be looked up in one query.
const MOST_LOOKUPS: usize = 5_000_000;
/// Stack of the threads that follow queries: generated SQL has expressions of tens of thousands of terms, each nested
/// in the one before. It is reserved, and used when it is needed.
const STACK: usize = 256 << 20;

/// A query that was followed, with what tells it from another version of itself.
pub(super) struct Traced {
    pub(super) lineage: QueryLineage,
    /// One for each column of the lineage.
    pub(super) columns: Vec<ColumnTrace>,
    /// One for each row influence of the lineage.
    pub(super) row_prints: Vec<u64>,
    /// Of the rows alone.
    pub(super) rows_print: u64,
    /// Of everything: equal ones are queries with the same result.
    pub(super) print: u64,
    /// `order by` without a limit at the top.
    pub(super) order: Option<Fragment>,
}

/// What tells a column from another version of itself.
pub(super) struct ColumnTrace {
    /// Of the expression, whatever the rows.
    pub(super) print: u64,
    /// The same, without a cast around it.
    pub(super) uncast: u64,
    /// Of the value.
    pub(super) exact: u64,
    pub(super) definition: Option<Fragment>,
}

/// The threads with the large stack.
fn pool() -> Option<&'static rayon::ThreadPool> {
    static POOL: OnceLock<Option<rayon::ThreadPool>> = OnceLock::new();
    let made = || rayon::ThreadPoolBuilder::new().stack_size(STACK).thread_name(|at| format!("lineage-{at}")).build();
    POOL.get_or_init(|| made().ok()).as_ref()
}

/// Runs `work` where deep recursion is safe.
pub fn with_deep_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match pool() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

/// The lineage of one query: `sql` as the database sees it. Never fails: what cannot be followed is a gap of the
/// answer.
pub fn of_query(sql: &str, dialect: Dialect, schema: &Schema) -> QueryLineage {
    with_deep_stack(|| follow(sql, dialect, schema, false).lineage)
}

/// The lineage with fingerprints, when `with_prints`. To be called where deep recursion is safe.
pub(super) fn follow(sql: &str, dialect: Dialect, schema: &Schema, with_prints: bool) -> Traced {
    let lost = |gap| Traced {
        lineage: QueryLineage::unknown(gap),
        columns: Vec::new(),
        row_prints: Vec::new(),
        rows_print: 0,
        print: 0,
        order: None,
    };
    if sql.len() > LONGEST {
        return lost(Gap::new(GapReason::TooLarge, format!("{} bytes of SQL", sql.len())));
    }
    let statements = match dialect.parse(sql) {
        Ok(statements) => statements,
        Err(said) => return lost(unparsable(&said)),
    };
    match statements.as_slice() {
        [Statement::Query(query)] => {
            let mut resolver = Resolver::new(dialect, schema, with_prints);
            let rel = resolver.query(query, &Env::default(), None, true);
            resolver.answer(&rel)
        }
        [] => lost(Gap::new(GapReason::NotAQuery, "there is no SQL")),
        [_] => lost(Gap::new(GapReason::NotAQuery, "a statement that is no query").on(1)),
        several => lost(Gap::new(GapReason::NotAQuery, format!("{} statements", several.len()))),
    }
}

/// The parser's message, with the line that it names at its end.
fn unparsable(said: &str) -> Gap {
    let place = said.rsplit_once(" at Line: ").or_else(|| said.rsplit_once(" at line: "));
    let line = place.and_then(|(_, at)| at.split(',').next()?.trim().parse().ok()).unwrap_or(0);
    Gap::new(GapReason::Unparsable, place.map_or(said, |(message, _)| message)).on(line)
}

/// A clause that decides which rows there are.
struct Influence {
    rule: RowRule,
    origins: Origins,
    text: String,
    line: Option<u32>,
    print: u64,
}

/// An upstream relation that the query reads.
struct Used {
    id: Rc<str>,
    rel: Rc<Rel>,
}

/// Follows one query.
struct Resolver<'s> {
    dialect: Dialect,
    schema: &'s Schema,
    with_prints: bool,
    relations: Vec<Used>,
    by_id: HashMap<Rc<str>, u32>,
    gaps: Vec<Gap>,
    influences: Vec<Influence>,
    depth: usize,
    lookups: usize,
    order: Option<Fragment>,
}

impl<'s> Resolver<'s> {
    fn new(dialect: Dialect, schema: &'s Schema, with_prints: bool) -> Self {
        Self {
            dialect,
            schema,
            with_prints,
            relations: Vec::new(),
            by_id: HashMap::new(),
            gaps: Vec::new(),
            influences: Vec::new(),
            depth: 0,
            lookups: 0,
            order: None,
        }
    }

    /// Notes a gap; its place in the list.
    fn gap(&mut self, reason: GapReason, what: impl Into<String>, line: u64) -> u32 {
        let gap = Gap::new(reason, what).on(line);
        if let Some(known) = self.gaps.iter().rposition(|other| *other == gap) {
            return place(known);
        }
        self.gaps.push(gap);
        place(self.gaps.len() - 1)
    }

    /// A relation of which only a gap is known.
    fn lost(&mut self, reason: GapReason, what: impl Into<String>, line: u64) -> Rel {
        let what = what.into();
        let print = hash(&("lost", &what));
        let gap = self.gap(reason, what, line);
        let open = Open { source: OpenSource::Gap(gap), hidden: Rc::default(), print };
        Rel::new(vec![Item::Open(open)], BTreeSet::new(), print)
    }

    /// Notes what decides rows; its place in the list.
    fn influence(&mut self, rule: RowRule, flow: &Flow, text: String, line: u64, print: u64) -> u32 {
        let line = u32::try_from(line).ok().filter(|line| *line > 0);
        let origins = flow.origins.clone();
        self.influences.push(Influence { rule, origins, text, line, print });
        place(self.influences.len() - 1)
    }

    /// The upstream relation of that name.
    fn upstream(&mut self, parts: &[String]) -> (u32, Rc<Rel>) {
        let known = self.schema.find(parts);
        let id: Rc<str> = known.map_or_else(|| parts.join(".").into(), |known| known.id.into());
        if let Some(at) = self.by_id.get(&id) {
            return (*at, Rc::clone(&self.relations[*at as usize].rel));
        }
        let at = place(self.relations.len());
        let print = hash(&("relation", &id));
        let mut items = Vec::new();
        for column in known.map(|known| known.columns.columns.as_slice()).unwrap_or_default() {
            let name: Rc<str> = column.name.as_str().into();
            let flow = Rc::new(Flow::upstream(at, &id, &name, column.data_type.as_deref()));
            let key = self.dialect.key_of_known(&name).into();
            items.push(Item::Column(Column { name, key, is_named: true, flow }));
        }
        if known.is_none_or(|known| !known.columns.complete) {
            items.push(Item::Open(Open { source: OpenSource::Upstream(at), hidden: Rc::default(), print }));
        }
        let rel = Rc::new(Rel::new(items, BTreeSet::new(), print).upstream());
        self.relations.push(Used { id: Rc::clone(&id), rel: Rc::clone(&rel) });
        self.by_id.insert(id, at);
        (at, rel)
    }

    /// Runs `work` one level deeper, unless it is too deep.
    fn deeper(&mut self, query: &Query, work: impl FnOnce(&mut Self) -> Rel) -> Rel {
        if self.depth >= DEEPEST || self.lookups >= MOST_LOOKUPS {
            return self.lost(GapReason::TooLarge, "queries nested too deeply, or too many names", line_of(query));
        }
        self.depth += 1;
        let rel = work(self);
        self.depth -= 1;
        rel
    }

    fn answer(mut self, rel: &Rel) -> Traced {
        let mut columns = Vec::new();
        let mut traces = Vec::new();
        let mut complete = true;
        let mut exact = vec![rel.print];
        for item in &rel.items {
            match item {
                Item::Column(column) => {
                    columns.push(self.output(column));
                    exact.push(hash(&(&*column.name, column.flow.exact)));
                    let definition = column.flow.definition.as_deref().cloned();
                    let Flow { print, uncast, exact, .. } = *column.flow;
                    traces.push(ColumnTrace {
                        print,
                        uncast: if uncast == 0 { print } else { uncast },
                        exact,
                        definition,
                    });
                }
                Item::Open(open) => {
                    complete = false;
                    exact.push(open.print);
                    if let OpenSource::Upstream(at) = open.source {
                        let id = self.relations[at as usize].id.to_string();
                        self.gap(GapReason::UnknownColumns, id, 0);
                    }
                }
            }
        }
        let rows: Vec<&Influence> = rel.rows.iter().filter_map(|at| self.influences.get(*at as usize)).collect();
        let row_prints = rows.iter().map(|influence| influence.print).collect();
        let rows = rows.into_iter().map(|influence| RowInfluence {
            rule: influence.rule,
            origins: self.origins(&influence.origins),
            text: influence.text.clone(),
            line: influence.line,
        });
        let lineage = QueryLineage {
            columns,
            complete,
            rows: rows.collect(),
            relations: self.relations.iter().map(|used| Arc::from(&*used.id)).collect(),
            gaps: self.gaps.clone(),
        };
        Traced { lineage, columns: traces, row_prints, rows_print: rel.print, print: hash(&exact), order: self.order }
    }

    fn output(&self, column: &Column) -> OutputColumn {
        let flow = &column.flow;
        let is_renamed = flow.how == How::Passed
            && flow.origins.iter().any(|(_, origin)| !origin.eq_ignore_ascii_case(&column.name));
        OutputColumn {
            name: Arc::from(&*column.name),
            is_named: column.is_named,
            how: if is_renamed { How::Renamed } else { flow.how },
            origins: self.origins(&flow.origins),
            data_type: flow.data_type.as_deref().map(Arc::from),
            unstable: flow.unstable.as_deref().map(Arc::from),
            gaps: flow.gaps.iter().filter_map(|at| self.gaps.get(*at as usize).cloned()).collect(),
        }
    }

    fn origins(&self, origins: &Origins) -> Vec<Origin> {
        let named = origins.iter().filter_map(|(at, column)| {
            let relation = Arc::from(&*self.relations.get(*at as usize)?.id);
            Some(Origin { relation, column: Arc::from(&**column) })
        });
        let mut named: Vec<Origin> = named.collect();
        named.sort_unstable();
        named
    }
}

/// Places in the resolver's lists are far below four billion: each costs bytes of SQL, whose length is limited.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The line on which a piece of SQL begins; 0 when the parser did not keep it.
fn line_of(node: &impl sqlparser::ast::Spanned) -> u64 {
    node.span().start.line
}

/// The line on which a name stands.
fn line_at(ident: &sqlparser::ast::Ident) -> u64 {
    ident.span.start.line
}
