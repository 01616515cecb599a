//! `state:modified.semantic`: an edit of comments, white space or formatting alone is no change. Asked for by name,
//! since dbt counts it.

use super::diff::Hit;
use crate::lineage::{Dialect, same_template};
use crate::model::{Change, Node};

/// What follows `state:modified.` in the selector.
pub(super) const SEMANTIC: &str = "semantic";

/// Marks what is an edit of formatting alone: of the node's own SQL, token by token. A macro's text may end up
/// anywhere, in a string too, so there every edit counts; so does every edit of Python, where white space has a
/// meaning.
pub(super) fn mark(node: &Node, adapter_type: &str, hits: &mut [Hit]) {
    if node.language != "sql" {
        return;
    }
    let dialect = Dialect::of_adapter(adapter_type);
    for hit in hits.iter_mut().filter(|hit| hit.is_code && hit.macro_id.is_none()) {
        let Some(Change { baseline: Some(baseline), current: Some(current) }) = &hit.values else { continue };
        if same_template(&Change { baseline: baseline.as_str(), current: current.as_str() }, dialect).is_same() {
            hit.formatting_only = true;
            hit.summary.push_str(", in comments and formatting only");
        }
    }
}
