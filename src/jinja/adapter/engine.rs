//! What `Column` and `Relation` of each adapter know of its engine, as a table of facts.

use minijinja::{Error, State};

use crate::jinja::context::RenderContext;

/// The facts of one adapter.
#[derive(Debug)]
pub(super) struct Engine {
    /// As `adapter.type()` says it.
    name: &'static str,
    /// How a column prints its class.
    pub(super) column_class: &'static str,
    /// Other names of types: from, to.
    labels: &'static [(&'static str, &'static str)],
    strings: &'static [&'static str],
    integers: &'static [&'static str],
    numerics: &'static [&'static str],
    floats: &'static [&'static str],
    /// Names of strings that keep their name when they have no size.
    unsized_strings: &'static [&'static str],
    /// The size of a string without one.
    pub(super) default_string_size: i64,
    /// Whether names of relations are quoted unless the project says otherwise.
    pub(super) quotes_relations: bool,
    /// Which parts of a relation's name are rendered.
    pub(super) include: [bool; 3],
    /// Types of agate's columns: text, number with a fraction, integer, boolean, timestamp, date, time.
    pub(super) seed_types: [&'static str; 7],
    /// `adapter.valid_incremental_strategies()`.
    pub(super) strategies: &'static [&'static str],
    /// Kinds of constraints that are written for a column or a table.
    pub(super) constraints: &'static [&'static str],
}

/// Every kind of constraint that is SQL's, and a contract's own words.
const CONSTRAINTS: &[&str] = &["not_null", "unique", "primary_key", "foreign_key", "check", "custom"];

const STRINGS: &[&str] = &["text", "character varying", "character", "varchar"];
const INTEGERS: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "smallserial",
    "serial",
    "bigserial",
    "int2",
    "int4",
    "int8",
    "serial2",
    "serial4",
    "serial8",
];
const FLOATS: &[&str] = &["real", "float4", "float", "double precision", "float8", "double"];

/// Adapters without an entry of their own behave like PostgreSQL.
static POSTGRES: Engine = Engine {
    name: "postgres",
    column_class: "PostgresColumn",
    labels: &[("STRING", "TEXT")],
    strings: STRINGS,
    integers: INTEGERS,
    numerics: &["numeric", "decimal"],
    floats: FLOATS,
    unsized_strings: &["text", "character varying"],
    default_string_size: 256,
    quotes_relations: true,
    include: [true; 3],
    seed_types: ["text", "float8", "integer", "boolean", "timestamp without time zone", "date", "time"],
    strategies: &["append", "delete+insert", "merge", "microbatch"],
    constraints: CONSTRAINTS,
};

static ENGINES: &[Engine] = &[
    Engine {
        name: "duckdb",
        column_class: "DuckDBColumn",
        integers: &[
            "tinyint",
            "smallint",
            "integer",
            "bigint",
            "hugeint",
            "utinyint",
            "usmallint",
            "uinteger",
            "ubigint",
            "int1",
            "int2",
            "int4",
            "int8",
            "int",
            "short",
            "long",
            "signed",
        ],
        floats: &["real", "float4", "float", "float8", "double"],
        unsized_strings: &[],
        ..POSTGRES
    },
    Engine {
        name: "redshift",
        column_class: "Column",
        unsized_strings: &[],
        seed_types: [
            "varchar(256)",
            "float8",
            "integer",
            "boolean",
            "timestamp without time zone",
            "date",
            "varchar(24)",
        ],
        constraints: &["not_null", "unique", "primary_key", "foreign_key", "custom"],
        ..POSTGRES
    },
    Engine {
        name: "snowflake",
        column_class: "SnowflakeColumn",
        integers: &[],
        numerics: &["int", "integer", "bigint", "smallint", "tinyint", "byteint", "numeric", "decimal", "number"],
        unsized_strings: &[],
        default_string_size: 16_777_216,
        quotes_relations: false,
        strategies: &["append", "merge", "delete+insert", "microbatch", "insert_overwrite"],
        constraints: &["not_null", "unique", "primary_key", "foreign_key", "custom"],
        ..POSTGRES
    },
    Engine {
        name: "bigquery",
        column_class: "BigQueryColumn",
        labels: &[("TEXT", "STRING"), ("FLOAT", "FLOAT64"), ("INTEGER", "INT64")],
        strings: &["string"],
        integers: &["int64"],
        numerics: &["numeric"],
        floats: &["float64"],
        seed_types: ["string", "float64", "int64", "bool", "datetime", "date", "time"],
        strategies: &["merge", "insert_overwrite", "microbatch"],
        constraints: &["not_null", "primary_key", "foreign_key", "custom"],
        ..POSTGRES
    },
    Engine {
        name: "spark",
        column_class: "SparkColumn",
        labels: &[],
        quotes_relations: false,
        include: [false, true, true],
        seed_types: ["string", "double", "bigint", "boolean", "timestamp", "date", "time"],
        strategies: &["append", "merge", "insert_overwrite", "microbatch"],
        ..POSTGRES
    },
    Engine {
        name: "databricks",
        column_class: "DatabricksColumn",
        labels: &[("LONG", "bigint")],
        seed_types: ["string", "double", "bigint", "boolean", "timestamp", "date", "time"],
        strategies: &["append", "merge", "insert_overwrite", "replace_where", "delete+insert", "microbatch"],
        ..POSTGRES
    },
    Engine {
        name: "trino",
        column_class: "TrinoColumn",
        labels: &[("STRING", "VARCHAR"), ("FLOAT", "DOUBLE")],
        strings: &["varchar", "char", "varbinary", "json"],
        integers: &["tinyint", "smallint", "integer", "int", "bigint"],
        numerics: &["decimal"],
        floats: &["real", "double", "double precision"],
        strategies: &["append", "merge", "delete+insert", "microbatch"],
        constraints: &["not_null", "custom"],
        ..POSTGRES
    },
];

impl Engine {
    /// The facts of the adapter called `name`.
    pub(super) fn named(name: &str) -> &'static Self {
        ENGINES.iter().find(|engine| engine.name == name).unwrap_or(&POSTGRES)
    }

    /// The facts of the adapter that `state` renders for.
    pub(super) fn of(state: &State<'_, '_>) -> Result<&'static Self, Error> {
        Ok(Self::named(&RenderContext::of(state)?.setup.adapter_type))
    }

    /// The class of the adapter's relations.
    pub(super) fn relation_class(&self) -> String {
        match self.column_class {
            "Column" => "RedshiftRelation".to_owned(),
            class => class.replace("Column", "Relation"),
        }
    }

    /// The engine's own name of the type that macros call `name`; `name` itself when it has none.
    pub(super) fn translate_type(&self, name: &str) -> String {
        let label = self.labels.iter().find(|(from, _)| from.eq_ignore_ascii_case(name));
        label.map_or_else(|| name.to_owned(), |(_, to)| (*to).to_owned())
    }

    /// Whether `dtype` is text.
    pub(super) fn is_string(&self, dtype: &str) -> bool {
        any(self.strings, dtype)
    }

    /// Whether `dtype` counts.
    pub(super) fn is_integer(&self, dtype: &str) -> bool {
        any(self.integers, dtype)
    }

    /// Whether `dtype` is an exact number.
    pub(super) fn is_numeric(&self, dtype: &str) -> bool {
        any(self.numerics, dtype)
    }

    /// Whether `dtype` is an inexact number.
    pub(super) fn is_float(&self, dtype: &str) -> bool {
        any(self.floats, dtype)
    }

    /// Whether a string of this type prints as `dtype` when it has no size.
    pub(super) fn keeps_name(&self, dtype: &str) -> bool {
        any(self.unsized_strings, dtype)
    }

    /// Whether a column's type prints as it was given, without size, precision and scale.
    pub(super) fn plain_types(&self) -> bool {
        matches!(self.name, "bigquery" | "spark" | "databricks")
    }

    /// Whether strings are called by their own name, with their size behind it.
    pub(super) fn names_strings(&self) -> bool {
        self.name == "trino"
    }

    /// Whether a seed's column is quoted when the seed does not say.
    pub(super) fn quotes_seed_columns(&self) -> bool {
        self.name != "snowflake"
    }

    /// What follows a key that the engine takes note of and does not enforce.
    pub(super) fn key_suffix(&self) -> &'static str {
        if self.name == "bigquery" { " not enforced" } else { "" }
    }

    /// Whether a column shows its type by the engine's own name.
    pub(super) fn translates_columns(&self) -> bool {
        self.name == "databricks"
    }

    /// Whether every schema has an information schema of its own.
    pub(super) fn catalog_per_schema(&self) -> bool {
        self.name == "bigquery"
    }

    /// Whether arrays are known by that word alone, without their element.
    pub(super) fn plain_arrays(&self) -> bool {
        std::ptr::eq(self, &raw const POSTGRES)
    }
}

fn any(names: &[&str], dtype: &str) -> bool {
    names.iter().any(|name| name.eq_ignore_ascii_case(dtype))
}
