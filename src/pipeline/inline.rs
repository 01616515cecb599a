//! A query of the command line as a node, so that it compiles like one.

use super::Loaded;
use crate::jinja::NodeScope;
use crate::model::{Code, DependsOn, Detail, Diagnostic, Manifest, Node, NodeId, RefArgs, ResourceType};

/// Where messages say that it is.
const PATH: &str = "--inline";

/// The manifest with the query in it, and the query's id.
///
/// # Errors
/// The query does not render, or names a node that the project does not have.
pub(super) fn with_query(loaded: &Loaded, sql: &str) -> Result<(Manifest, NodeId), Vec<Diagnostic>> {
    let project = &loaded.manifest.metadata.project_name;
    let id = NodeId::from(format!("sql_operation.{project}.inline_query"));
    let scope = NodeScope { package: project.clone(), path: PATH.to_owned(), first_line: 1, ..NodeScope::default() };
    let capture = loaded.renderer.parse(sql, &scope).map_err(|diagnostic| vec![*diagnostic])?.capture;
    let mut nodes = Vec::new();
    let mut unknown = Vec::new();
    for reference in &capture.refs {
        match loaded.manifest.resolve_ref(reference, project) {
            Some(node) => nodes.push(node.unique_id.clone()),
            None => unknown.push(missing(reference)),
        }
    }
    for [source, table] in &capture.sources {
        let found = loaded
            .manifest
            .of_type(ResourceType::Source)
            .find(|node| node.name == *table && node.as_source().is_some_and(|detail| detail.source_name == *source));
        if let Some(node) = found {
            nodes.push(node.unique_id.clone());
        } else {
            let message = format!("there is no source `{source}.{table}`");
            unknown.push(Diagnostic::error(Code::UnknownSource, message).at(crate::model::Location::file(PATH)));
        }
    }
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let node = Node {
        name: "inline_query".to_owned(),
        package_name: project.clone(),
        path: PATH.to_owned(),
        original_file_path: PATH.to_owned(),
        fqn: vec![project.clone(), "inline_query".to_owned()],
        alias: "inline_query".to_owned(),
        database: Some(loaded.target.database()),
        schema: loaded.target.schema(),
        raw_code: sql.to_owned(),
        config: capture.config.clone().into(),
        refs: capture.refs,
        sources: capture.sources,
        metrics: capture.metrics,
        functions: capture.functions,
        depends_on: DependsOn { macros: capture.macros, nodes },
        ..Node::new(id.clone(), ResourceType::Analysis, Detail::Analysis)
    };
    let mut manifest = (*loaded.manifest).clone();
    manifest.nodes.insert(id.clone(), node);
    Ok((manifest, id))
}

fn missing(reference: &RefArgs) -> Diagnostic {
    Diagnostic::error(Code::UnknownRef, format!("there is no model, seed or snapshot `{}`", reference.name))
        .at(crate::model::Location::file(PATH))
}
