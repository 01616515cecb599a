//! `on-run-start` and `on-run-end` as operation nodes.

use super::draft::{Described, Draft, sha256_of};
use crate::model::{Detail, ResourceType};
use crate::project::Package;

/// One draft a hook.
pub(super) fn of_package(package: &Package) -> Vec<Draft<'_>> {
    let numbered = |hooks: &'static str, list: &'static str, at_end: bool| (hooks, list, at_end);
    [
        (numbered("on-run-start", "start", false), &package.on_run_start),
        (numbered("on-run-end", "end", true), &package.on_run_end),
    ]
    .into_iter()
    .flat_map(|((tag, _, at_end), hooks)| hooks.iter().enumerate().map(move |(index, sql)| (tag, at_end, index, sql)))
    .map(|(tag, at_end, index, sql)| draft(package, tag, at_end, index, sql))
    .collect()
}

fn draft<'p>(package: &'p Package, tag: &str, at_end: bool, index: usize, sql: &str) -> Draft<'p> {
    let name = format!("{}-{tag}-{index}", package.name);
    Draft {
        kind: ResourceType::Operation,
        tree: "models",
        package,
        unique_id: format!("operation.{}.{name}", package.name),
        path: format!("hooks/{name}.sql"),
        original_file_path: "./dbt_project.yml".to_owned(),
        fqn: vec![package.name.clone(), "hooks".to_owned(), name.clone()],
        name,
        language: "sql",
        raw_code: sql.to_owned(),
        first_line: 1,
        checksum: sha256_of(&package.project_file.contents),
        tags: vec![tag.to_owned()],
        detail: Detail::Operation { index, at_end },
        properties: Described::No,
    }
}
