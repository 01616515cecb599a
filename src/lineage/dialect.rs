//! What differs between SQL dialects for lineage: the parser's grammar, how names fold, and whether an alias can be
//! used beside the expression that it names.

use serde::{Deserialize, Serialize};
use sqlparser::ast::{Ident, Statement};
use sqlparser::dialect::{
    BigQueryDialect, DatabricksDialect, Dialect as Grammar, GenericDialect, PostgreSqlDialect, RedshiftSqlDialect,
    SnowflakeDialect, SparkSqlDialect,
};
use sqlparser::keywords::Keyword;
use sqlparser::parser::{Parser, ParserOptions};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::grammar::DuckDb;

/// How deep expressions and queries may be nested in each other before the parser gives up.
const DEEPEST: usize = 400;

/// `DuckDB` writes `asof join … on`, which the parser wants with Snowflake's condition. The parser knows another word
/// before `join` that no engine here has: it carries the meaning through.
fn with_asof_joins(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    use Keyword as K;
    let of = |token: &TokenWithSpan| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
        _ => None,
    };
    let is_blank = |token: &TokenWithSpan| matches!(token.token, Token::Whitespace(_));
    for at in 0..tokens.len() {
        if of(&tokens[at]) != Some(K::ASOF) {
            continue;
        }
        let next = tokens[at + 1..].iter().find(|token| !is_blank(token)).and_then(of);
        if matches!(next, Some(K::JOIN | K::LEFT | K::RIGHT | K::INNER | K::FULL))
            && let Token::Word(word) = &mut tokens[at].token
        {
            word.keyword = K::GLOBAL;
            "GLOBAL".clone_into(&mut word.value);
        }
    }
    tokens
}

/// A dialect of SQL, by the adapter that speaks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// `DuckDB`.
    DuckDb,
    /// `PostgreSQL`.
    Postgres,
    /// Redshift.
    Redshift,
    /// Snowflake.
    Snowflake,
    /// `BigQuery`.
    BigQuery,
    /// Spark.
    Spark,
    /// Databricks.
    Databricks,
    /// Everything else, Trino among it.
    #[default]
    Generic,
}

impl Dialect {
    /// The dialect of an adapter (`duckdb`, `postgres`, …); [`Dialect::Generic`] for those that have none here.
    pub fn of_adapter(adapter_type: &str) -> Self {
        match adapter_type.to_ascii_lowercase().as_str() {
            "duckdb" => Self::DuckDb,
            "postgres" | "postgresql" | "materialize" | "risingwave" => Self::Postgres,
            "redshift" => Self::Redshift,
            "snowflake" => Self::Snowflake,
            "bigquery" => Self::BigQuery,
            "spark" => Self::Spark,
            "databricks" => Self::Databricks,
            _ => Self::Generic,
        }
    }

    fn grammar(self) -> &'static dyn Grammar {
        match self {
            Self::DuckDb => &DuckDb,
            Self::Postgres => &PostgreSqlDialect {},
            Self::Redshift => &RedshiftSqlDialect {},
            Self::Snowflake => &SnowflakeDialect,
            Self::BigQuery => &BigQueryDialect {},
            Self::Spark => &SparkSqlDialect,
            Self::Databricks => &DatabricksDialect,
            Self::Generic => &GenericDialect,
        }
    }

    /// The statements of `sql`, or what the parser says against it.
    pub(super) fn parse(self, sql: &str) -> Result<Vec<Statement>, String> {
        let grammar = self.grammar();
        let options = ParserOptions::new().with_trailing_commas(grammar.supports_trailing_commas());
        let tokens = Tokenizer::new(grammar, sql).tokenize_with_location().map_err(|error| error.to_string())?;
        let tokens = if self == Self::DuckDb { with_asof_joins(tokens) } else { tokens };
        Parser::new(grammar)
            .with_recursion_limit(DEEPEST)
            .with_options(options)
            .with_tokens_with_locations(tokens)
            .parse_statements()
            .map_err(|error| match error {
                sqlparser::parser::ParserError::TokenizerError(said)
                | sqlparser::parser::ParserError::ParserError(said) => said,
                sqlparser::parser::ParserError::RecursionLimitExceeded => "nested too deeply".to_owned(),
            })
    }

    /// What two spellings of one name have in common: names are the same when their keys are.
    pub(super) fn key(self, ident: &Ident) -> String {
        match self {
            Self::Postgres if ident.quote_style.is_none() => ident.value.to_lowercase(),
            Self::Snowflake if ident.quote_style.is_none() => ident.value.to_uppercase(),
            Self::Postgres | Self::Snowflake => ident.value.clone(),
            _ => ident.value.to_lowercase(),
        }
    }

    /// The key of a name that is known from elsewhere, without its quotes: a name in one case is taken for an unquoted
    /// one.
    pub(super) fn key_of_known(self, name: &str) -> String {
        let in_one_case = |other: fn(char) -> bool| !name.chars().any(other);
        match self {
            Self::Postgres if in_one_case(char::is_lowercase) => name.to_lowercase(),
            Self::Snowflake if in_one_case(char::is_lowercase) || in_one_case(char::is_uppercase) => {
                name.to_uppercase()
            }
            Self::Postgres | Self::Snowflake => name.to_owned(),
            _ => name.to_lowercase(),
        }
    }

    /// The name a column gets that is written as `ident`. Snowflake's names in capitals stay as people write them.
    pub(super) fn output_name(self, ident: &Ident) -> String {
        match self {
            Self::Postgres if ident.quote_style.is_none() => ident.value.to_lowercase(),
            Self::Redshift => ident.value.to_lowercase(),
            _ => ident.value.clone(),
        }
    }

    /// Whether an expression of the select list can name an alias that stands left of it.
    pub(super) fn has_lateral_aliases(self) -> bool {
        !matches!(self, Self::Postgres | Self::BigQuery | Self::Generic)
    }

    /// Whether `where` can name an alias of the select list.
    pub(super) fn has_aliases_in_where(self) -> bool {
        matches!(self, Self::DuckDb | Self::Snowflake)
    }

    /// Whether the columns of `using` come first in `select *`.
    pub(super) fn puts_using_first(self) -> bool {
        self != Self::DuckDb
    }

    /// Whether every subquery of `from` can name what stands left of it.
    pub(super) fn is_always_lateral(self) -> bool {
        self == Self::DuckDb
    }

    /// Whether `from t, t.items` walks through the items of a column.
    pub(super) fn walks_paths(self) -> bool {
        matches!(self, Self::BigQuery | Self::Redshift)
    }

    /// Whether an alias of a table function's only column names the column itself.
    pub(super) fn names_column_by_alias(self) -> bool {
        matches!(self, Self::Postgres | Self::Redshift | Self::BigQuery)
    }
}
