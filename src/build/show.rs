//! The first rows of a node as it would be built, without building it.

use std::sync::Arc;

use crate::model::{Node, ResourceType, Table};

use super::{Compiler, Connection, Failure};

/// Compiles `node` and reads at most `limit` rows of it. A seed's rows are read from where it was loaded.
///
/// # Errors
/// When its template fails or the database refuses its query.
pub async fn show(
    node: &Node,
    limit: u64,
    compiler: &Arc<Compiler>,
    connection: &Connection,
) -> Result<Table, Failure> {
    let dialect = connection.dialect();
    if let (ResourceType::Seed, Some(relation)) = (node.resource_type, compiler.relation_of(node)) {
        return Ok(connection.query(&dialect.limit(&dialect.select_all(&relation), limit)).await?);
    }
    let query = compiler.compile(node, connection).await?;
    let mut sql = dialect.limit(&query.code, limit);
    if let Some(header) = node.config_str("sql_header").filter(|header| !header.trim().is_empty()) {
        sql = format!("{header}\n{sql}");
    }
    let rows = connection.query(&sql).await;
    rows.map_err(|error| Failure::from(error).in_compiled(&query.code, query.path.as_deref()))
}
