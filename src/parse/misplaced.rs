//! What stands where dbt would rather not have it: arguments and settings of tests, blocks in files of macros.

use super::context::Context;
use super::generic_test::{CONFIG_KEYS, TestCase};
use super::shape::softened;
use crate::jinja;
use crate::model::{Code, Diagnostic, Location};
use crate::project::{FileKind, Project};
use crate::yaml::Node;

/// Keys of a test that are neither arguments nor configuration.
const OWN: [&str; 5] = ["name", "description", "config", "arguments", "test_name"];

/// A test's settings beside `config:` and its arguments beside `arguments:`; of the root project's files only, which is
/// where they can be changed.
pub(super) fn of_test(case: &TestCase<'_>, context: &Context<'_>) -> Vec<Diagnostic> {
    let file = case.target.file;
    let Some((name, body)) = body(case.test).filter(|_| file.package.name == context.root().name) else {
        return Vec::new();
    };
    let Some(keys) = body.as_mapping() else { return Vec::new() };
    let mut found = Vec::new();
    for (key, value) in keys.iter().filter(|(key, _)| CONFIG_KEYS.contains(key)) {
        let message = format!("`{key}` of test `{name}` stands beside `config:`, where dbt will stop reading it");
        let complaint = softened(file.complaint(value, Code::MovedProperty, message));
        found.push(complaint.hint(format!("move it: `config: {{{key}: …}}`")));
    }
    let is_argument = |key: &str| !OWN.contains(&key) && !CONFIG_KEYS.contains(&key);
    if let Some((key, value)) = keys.iter().find(|(key, _)| is_argument(key)) {
        let message = format!("`{key}` of test `{name}` stands beside `arguments:`, where dbt will stop reading it");
        let complaint = softened(file.complaint(value, Code::TestArguments, message));
        found.push(complaint.hint(format!("move all arguments of the test: `arguments: {{{key}: …}}`")));
    }
    found
}

/// The name of a test with what stands below it.
fn body(test: &Node) -> Option<(&str, &Node)> {
    if let Some(name) = test.get("test_name").and_then(Node::as_str) {
        return Some((name, test));
    }
    let (name, body) = test.as_mapping().filter(|mapping| mapping.len() == 1)?.iter().next()?;
    Some((name, body))
}

/// Tags in the root project's files of macros that open nothing which dbt reads there.
pub(super) fn blocks(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for file in project.root.of_kind(FileKind::Macro) {
        for (keyword, line) in jinja::stray_tags(&file.contents) {
            let message = format!("`{keyword}` stands outside of every macro, where dbt does not read it");
            let diagnostic = Diagnostic::warning(Code::UnexpectedBlock, message).at(Location::line(&file.path, line));
            let hint = "move it into a macro, or remove it";
            diagnostics.push(diagnostic.with_excerpt_of(&file.contents).hint(hint));
        }
    }
}
