//! `exceptions`: how a project stops a render, or warns.

use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::context::RenderContext;
use super::diagnose::coded;
use super::functions::Args;
use super::phantom::is_undefined;
use super::repr::to_str;
use super::values::items_of;
use crate::model::Code;

/// `exceptions`.
#[derive(Debug)]
pub(super) struct Exceptions;

impl Object for Exceptions {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call_method(self: &Arc<Self>, state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let args = Args::of(args);
        let first = args.positional.first().or_else(|| args.named.first().map(|(_, value)| value));
        let text = first.filter(|value| !is_undefined(value)).map(to_str).unwrap_or_default();
        let raise = |message: String| Err(coded(Code::RaisedByProject, message));
        match method {
            "warn" => {
                let ctx = RenderContext::of(state)?;
                if let Some(world) = &ctx.world {
                    world.message(&format!("warning: {text}"));
                } else {
                    tracing::warn!(path = ctx.scope.path, "{text}");
                }
                Ok(Value::from(""))
            }
            "raise_compiler_error"
            | "raise_parsing_error"
            | "raise_database_error"
            | "raise_fail_fast_error"
            | "raise_dependency_error"
            | "raise_duplicate_patch_name"
            | "raise_invalid_property_yml_version"
            | "raise_ambiguous_alias"
            | "raise_ambiguous_catalog_match"
            | "raise_cache_inconsistent"
            | "raise_dataclass_not_dict"
            | "CompilationError" => raise(text),
            "raise_not_implemented" => raise(format!("not implemented: {text}")),
            "missing_config" => raise(format!(
                "config '{}' is required",
                args.get(1, "name").map(|n| n.to_string()).unwrap_or_default()
            )),
            "missing_relation" => raise(format!("relation {text} does not exist")),
            "missing_materialization" => raise("there is no materialization of this name".to_owned()),
            "relation_wrong_type" => {
                let expected = args.get(1, "expected_type").map(|kind| kind.to_string()).unwrap_or_default();
                raise(format!("relation {text} exists, and is not a {expected}"))
            }
            "raise_contract_error" => raise(contract_error(&args)),
            "column_type_missing" => raise(format!("a contract needs a data_type for every column; missing: {text}")),
            "warn_snapshot_timestamp_data_types" => Ok(Value::from("")),
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }
}

/// What a contract says the columns are, and what the query gives.
fn contract_error(args: &Args) -> String {
    let columns = |at: usize, key: &str| -> Vec<String> {
        let describe = |column: &Value| {
            let part = |name: &str| column.get_attr(name).ok().filter(|v| !v.is_undefined()).map(|v| v.to_string());
            format!("{} {}", part("name").unwrap_or_default(), part("data_type").unwrap_or_default())
        };
        let given = args.get(at, key).unwrap_or_default();
        items_of(&given).unwrap_or_default().iter().map(describe).collect()
    };
    let wanted = columns(0, "yaml_columns");
    let found = columns(1, "sql_columns");
    let missing: Vec<&String> = wanted.iter().filter(|column| !found.contains(column)).collect();
    let extra: Vec<&String> = found.iter().filter(|column| !wanted.contains(column)).collect();
    format!("the columns differ from the contract: the contract has {missing:?}, the query has {extra:?}")
}
