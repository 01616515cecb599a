//! The two relations as the queries read them: which rows, under which names.

use super::Field;
use crate::model::{Change, Relation};
use crate::warehouse::Dialect;

/// One of the two sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Production's.
    Baseline,
    /// The pull request's.
    Current,
}

impl Side {
    /// Both, production's first.
    pub const BOTH: [Self; 2] = [Self::Baseline, Self::Current];

    /// This side's half of a pair.
    pub fn of<T>(self, pair: &Change<T>) -> &T {
        match self {
            Self::Baseline => &pair.baseline,
            Self::Current => &pair.current,
        }
    }

    /// This side's half of a pair, to be changed.
    pub fn of_mut<T>(self, pair: &mut Change<T>) -> &mut T {
        match self {
            Self::Baseline => &mut pair.baseline,
            Self::Current => &mut pair.current,
        }
    }

    pub(super) fn alias(self) -> &'static str {
        match self {
            Self::Baseline => "b",
            Self::Current => "c",
        }
    }
}

/// The two relations, and which of their rows are compared.
#[derive(Clone, Copy)]
pub struct Sides<'a> {
    /// How the engine writes SQL.
    pub dialect: &'a dyn Dialect,
    /// The two relations.
    pub relation: Change<&'a Relation>,
    /// A condition in SQL that rows of both have to meet.
    pub filter: Option<&'a str>,
    /// The part of the rows that is compared; none: all.
    pub part: Option<Part<'a>>,
}

/// A part of the rows that both sides choose alike.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    /// A share of keys, 0 to 1, and the columns that are the key for this purpose.
    Keys(f64, &'a [Field]),
    /// The rows whose whole number in a column is within bounds, both of which belong to it. Tables that are in the order
    /// of the column are read there alone.
    Range(&'a Field, i64, i64),
}

impl Sides<'_> {
    /// The rows of one side under the alias `t`, as what follows `from`.
    pub fn rows(&self, side: Side) -> String {
        let mut rows = rows_of(side.of::<&Relation>(&self.relation), self.filter);
        let part = match self.part {
            Some(Part::Keys(share, key)) => in_sample(self.dialect, share, &self.forms(key, side)),
            Some(Part::Range(field, from, to)) => format!("{} between {from} and {to}", self.raw(field, side)),
            None => return rows,
        };
        rows = format!("(select * from {rows} where {part}) as t");
        rows
    }

    /// A column of one side as the database holds it.
    pub(super) fn raw(&self, field: &Field, side: Side) -> String {
        format!("t.{}", self.dialect.quote(side.of(&field.name).as_str()))
    }

    /// A column of one side in the form in which it is compared.
    pub(super) fn formed(&self, field: &Field, side: Side) -> String {
        field.form.apply(side, &self.raw(field, side))
    }

    pub(super) fn forms(&self, fields: &[Field], side: Side) -> Vec<String> {
        fields.iter().map(|field| self.formed(field, side)).collect()
    }

    /// What of a column of one side is hashed.
    pub(super) fn hashed(&self, field: &Field, side: Side) -> Vec<String> {
        field.form.hashed(self.dialect.name(), &self.formed(field, side))
    }
}

/// The rows of a relation that meet a condition, under the alias `t`, as what follows `from`.
pub fn rows_of(relation: &Relation, filter: Option<&str>) -> String {
    match filter {
        // The condition ends on a line of its own, since it may end with a comment.
        Some(filter) => format!("(select * from {relation} where (\n{filter}\n)) as t"),
        None => format!("{relation} as t"),
    }
}

/// Whether a row is in the sample: by a hash of its key, so that both sides choose the same keys.
fn in_sample(dialect: &dyn Dialect, share: f64, key: &[String]) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is at most 1")]
    let limit = (share.clamp(0.0, 1.0) * 1_000_000.0).round() as u64;
    let key = key.join(", ");
    match dialect.name() {
        "duckdb" => format!("hash({key}) % 1000000 < {limit}"),
        // Not of the key's text: equal numbers may have different ones. An older server than 14 says that it cannot.
        _ => format!("mod(hash_record_extended(row({key}), 0) & 9223372036854775807, 1000000) < {limit}"),
    }
}

/// The statement with which a comparison begins: all queries after it see one state of the data. PostgreSQL is kept from
/// compiling them, which takes longer than running them as they are.
pub fn begin(dialect: &dyn Dialect) -> &'static str {
    match dialect.name() {
        "postgres" => "begin transaction isolation level repeatable read; set local jit = off",
        _ => "begin transaction",
    }
}

/// The statement with which a comparison ends. Nothing that it made is left.
pub fn end() -> &'static str {
    "rollback"
}

/// Whether two names of columns are one to the engine.
pub fn same_column(dialect: &dyn Dialect, a: &str, b: &str) -> bool {
    a == b || dialect.name() == "duckdb" && a.to_lowercase() == b.to_lowercase()
}

/// One row a column of a key that the database enforces: a number for the key, and the column's name. Such a key is
/// unique and never NULL.
pub fn enforced_keys(dialect: &dyn Dialect, relation: &Relation) -> String {
    match dialect.name() {
        "duckdb" => format!(
            "select constraint_index, unnest(constraint_column_names) from duckdb_constraints()\nwhere {} and \
             constraint_type = 'PRIMARY KEY'",
            of_relation(dialect, relation),
        ),
        _ => format!(
            "select i.indexrelid::bigint, a.attname::text from pg_catalog.pg_index i\njoin pg_catalog.pg_attribute a on \
             a.attrelid = i.indrelid and a.attnum = any(i.indkey[0:i.indnkeyatts - 1])\nwhere i.indrelid = \
             pg_catalog.to_regclass({name}) and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null \
             and i.indexprs is null\nand not exists (select 1 from pg_catalog.pg_attribute n where n.attrelid = \
             i.indrelid and n.attnum = any(i.indkey[0:i.indnkeyatts - 1]) and not n.attnotnull)",
            name = dialect.literal(&in_postgres(dialect, relation)),
        ),
    }
}

/// One row: how many indexes of one side begin with a column. None where no index is needed to find a range of it.
pub fn leads_an_index(sides: &Sides<'_>, field: &Field, side: Side) -> Option<String> {
    let relation = in_postgres(sides.dialect, side.of::<&Relation>(&sides.relation));
    (sides.dialect.name() == "postgres").then(|| {
        format!(
            "select count(*) from pg_catalog.pg_index i join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and \
             a.attnum = i.indkey[0] join pg_catalog.pg_class c on c.oid = i.indexrelid join pg_catalog.pg_am m on m.oid = \
             c.relam\nwhere i.indrelid = pg_catalog.to_regclass({}) and a.attname = {} and m.amname = 'btree' and \
             i.indisvalid and i.indpred is null",
            sides.dialect.literal(&relation),
            sides.dialect.literal(side.of(&field.name).as_str()),
        )
    })
}

/// The names of the columns that are declared never to be NULL.
pub fn not_null_columns(dialect: &dyn Dialect, relation: &Relation) -> String {
    match dialect.name() {
        "duckdb" => format!(
            "select column_name from duckdb_columns() where {} and not is_nullable",
            of_relation(dialect, relation)
        ),
        _ => format!(
            "select attname::text from pg_catalog.pg_attribute where attrelid = pg_catalog.to_regclass({}) and attnum > 0 \
             and attnotnull and not attisdropped",
            dialect.literal(&in_postgres(dialect, relation)),
        ),
    }
}

/// The rows of DuckDB's catalog that are about a relation. A relation without a schema is looked for in all.
fn of_relation(dialect: &dyn Dialect, relation: &Relation) -> String {
    let parts = [
        ("database_name", relation.database.as_deref()),
        ("schema_name", relation.schema.as_deref()),
        ("table_name", relation.identifier.as_deref()),
    ];
    let conditions = parts
        .into_iter()
        .filter_map(|(column, name)| Some(format!("lower({column}) = lower({})", dialect.literal(name?))));
    conditions.collect::<Vec<_>>().join(" and ")
}

fn in_postgres(dialect: &dyn Dialect, relation: &Relation) -> String {
    let parts = [relation.schema.as_deref(), relation.identifier.as_deref()];
    parts.into_iter().flatten().map(|part| dialect.quote(part)).collect::<Vec<_>>().join(".")
}
