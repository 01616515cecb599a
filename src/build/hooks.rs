//! Hooks: SQL before and after a node, inside or outside its transaction, and before and after the whole run.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::model::{JsonMap, Node};

use super::{Compiler, Connection, Failure};

/// One hook as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hook {
    sql: String,
    /// Whether it runs inside the node's transaction, as dbt's hooks do unless told otherwise.
    transaction: bool,
}

/// A node's hooks.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    before: Vec<Hook>,
    after: Vec<Hook>,
}

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// Before the node's transaction begins.
    BeforeBegin,
    /// First in the transaction.
    AfterBegin,
    /// Last in the transaction.
    BeforeCommit,
    /// After the transaction.
    AfterCommit,
}

impl Hooks {
    /// The hooks of a node's configuration.
    pub(super) fn of(node: &Node) -> Self {
        Self { before: read(node.config.get("pre-hook")), after: read(node.config.get("post-hook")) }
    }

    /// Renders and runs the hooks of one moment, in order; a hook that renders to nothing is not run.
    pub(super) async fn run(
        &self,
        moment: Moment,
        node: &Node,
        compiler: &Arc<Compiler>,
        connection: &Connection,
    ) -> Result<(), Failure> {
        let (hooks, key, inside) = match moment {
            Moment::BeforeBegin => (&self.before, "pre-hook", false),
            Moment::AfterBegin => (&self.before, "pre-hook", true),
            Moment::BeforeCommit => (&self.after, "post-hook", true),
            Moment::AfterCommit => (&self.after, "post-hook", false),
        };
        for hook in hooks.iter().filter(|hook| hook.transaction == inside) {
            let sql = compiler.render(&hook.sql, node, JsonMap::new(), connection).await.map_err(|f| within(f, key))?;
            execute(&sql, connection).await?;
        }
        Ok(())
    }
}

/// Renders and runs the hook of a run (`on-run-start`, `on-run-end`); what it rendered to.
pub(super) async fn run_operation(
    node: &Node,
    extra: JsonMap,
    compiler: &Arc<Compiler>,
    connection: &Connection,
) -> Result<String, Failure> {
    let sql = compiler.render(&node.raw_code, node, extra, connection).await?;
    let path = compiler.write("compiled", node, &sql)?;
    execute(&sql, connection).await.map_err(|failure| failure.in_compiled(&sql, path.as_deref()))?;
    Ok(sql)
}

async fn execute(sql: &str, connection: &Connection) -> Result<(), Failure> {
    if !sql.trim().trim_matches(';').trim().is_empty() {
        connection.execute(sql.trim()).await?;
    }
    Ok(())
}

/// Says in which hook a template failed: its line counts from the hook's own text.
fn within(failure: Failure, key: &str) -> Failure {
    match failure {
        Failure::Project(mut diagnostic) => {
            diagnostic.message = format!("in a {key}: {}", diagnostic.message);
            Failure::Project(diagnostic)
        }
        other => other,
    }
}

/// A list of hooks, a single one, or none; each a text or a map with `sql` and `transaction`. A text may be such a map
/// written as JSON, which is what `before_begin` and its kin make.
fn read(config: Option<&Json>) -> Vec<Hook> {
    match config {
        Some(Json::Array(hooks)) => hooks.iter().flat_map(|hook| read(Some(hook))).collect(),
        Some(Json::Object(hook)) => match hook.get("sql").and_then(Json::as_str) {
            Some(sql) => {
                let transaction = hook.get("transaction").and_then(Json::as_bool).unwrap_or(true);
                vec![Hook { sql: sql.to_owned(), transaction }]
            }
            None => Vec::new(),
        },
        Some(Json::String(text)) => match serde_json::from_str(text) {
            Ok(map @ Json::Object(_)) => read(Some(&map)),
            _ => vec![Hook { sql: text.clone(), transaction: true }],
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Hook, read};

    #[test]
    fn hooks_are_read_from_texts_maps_and_json_in_texts() {
        let hook = |sql: &str, transaction| Hook { sql: sql.into(), transaction };
        assert_eq!(read(Some(&json!("select 1"))), [hook("select 1", true)]);
        assert_eq!(
            read(Some(&json!([{"sql": "a", "transaction": false, "index": null}, {"sql": "b"}, "c"]))),
            [hook("a", false), hook("b", true), hook("c", true)]
        );
        assert_eq!(read(Some(&json!(r#"{"sql": "vacuum", "transaction": false}"#))), [hook("vacuum", false)]);
        assert_eq!(read(None), []);
    }
}
