//! The names that engines give to expressions without an alias, as far as they can be told without the engine.

use sqlparser::ast::{CastKind, Expr, FunctionArgExpr};

use super::expression::{argument, arguments, bare, function_name};
use crate::lineage::Dialect;

/// The name that is expected; never relied on where it could be wrong.
pub(super) fn unnamed(expr: &Expr, dialect: Dialect) -> String {
    match dialect {
        Dialect::Postgres | Dialect::Redshift => postgres(bare(expr)).unwrap_or_else(|| "?column?".to_owned()),
        Dialect::DuckDb => duckdb(bare(expr)),
        _ => expr.to_string(),
    }
}

fn postgres(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Identifier(ident) => Some(ident.value.clone()),
        Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()),
        Expr::Function(function) => Some(function_name(function)),
        Expr::Case { else_result, .. } => {
            let named = else_result.as_deref().map(bare).filter(|expr| !matches!(expr, Expr::Value(_)));
            Some(named.and_then(postgres).unwrap_or_else(|| "case".to_owned()))
        }
        Expr::Cast { expr, data_type, .. } => {
            let inner = postgres(bare(expr));
            Some(inner.unwrap_or_else(|| data_type.to_string().to_lowercase()))
        }
        Expr::Extract { .. } => Some("extract".to_owned()),
        Expr::Substring { .. } => Some("substring".to_owned()),
        Expr::Position { .. } => Some("position".to_owned()),
        Expr::Trim { .. } => Some("btrim".to_owned()),
        Expr::Ceil { .. } => Some("ceil".to_owned()),
        Expr::Floor { .. } => Some("floor".to_owned()),
        Expr::Exists { .. } => Some("exists".to_owned()),
        Expr::Array(_) => Some("array".to_owned()),
        Expr::Tuple(_) => Some("row".to_owned()),
        _ => None,
    }
}

fn duckdb(expr: &Expr) -> String {
    match expr {
        Expr::Function(function) => {
            let (name, given) = (function_name(function), arguments(&function.args));
            if name == "count" && matches!(given, [only] if matches!(argument(only), FunctionArgExpr::Wildcard)) {
                return if function.over.is_some() { expr.to_string() } else { "count_star()".to_owned() };
            }
            if function.over.is_some() || function.filter.is_some() {
                return expr.to_string();
            }
            let given: Vec<String> = given
                .iter()
                .map(|given| match argument(given) {
                    FunctionArgExpr::Expr(inner) => duckdb(bare(inner)),
                    other => other.to_string(),
                })
                .collect();
            let shown = if name == "coalesce" { "COALESCE".to_owned() } else { name };
            format!("{shown}({})", given.join(", "))
        }
        Expr::BinaryOp { left, op, right } => format!("({} {op} {})", duckdb(bare(left)), duckdb(bare(right))),
        Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, expr, data_type, .. } => {
            let kind = match data_type.to_string().to_uppercase().as_str() {
                "INT" => "INTEGER".to_owned(),
                "TEXT" | "STRING" => "VARCHAR".to_owned(),
                other => other.to_owned(),
            };
            format!("CAST({} AS {kind})", duckdb(bare(expr)))
        }
        Expr::CompoundIdentifier(parts) => parts.last().map(|part| part.value.clone()).unwrap_or_default(),
        other => other.to_string(),
    }
}
