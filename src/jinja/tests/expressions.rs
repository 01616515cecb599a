//! Single expressions and statements: `fixtures/jinja/expressions` holds what dbt makes of each.

use serde_json::{Value as Json, json};

use super::{renderer, scope, world};

/// Every line: a template, ` ==> `, and what dbt made of it as JSON text or `error`. Lines that begin with `{% macro`
/// are macros for all. `scripts/record-expressions` writes them; `context.txt` needs a project and is tested with one.
#[test]
fn expressions_mean_what_they_mean_to_dbt() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/jinja/expressions");
    let mut lines: Vec<(String, String)> = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("the folder is part of the repository") {
        let path = entry.expect("the folder can be listed").path();
        let name = path.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("the file is text");
        if name != "context" {
            lines.extend(text.lines().map(|line| (name.clone(), line.to_owned())));
        }
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    let (macros, lines): (Vec<_>, Vec<_>) = lines.into_iter().partition(|(_, line)| line.starts_with("{% macro"));
    let macros: Vec<String> = macros.into_iter().map(|(_, line)| line).collect();
    let renderer = renderer(&macros.join("\n"));
    let mut wrong = Vec::new();
    for (file, line) in &lines {
        let (template, expected) = line.rsplit_once(" ==> ").expect("a template and its result");
        let made = renderer.render(template, &scope(), &world());
        let shown = made.as_ref().map_or_else(|_| "error".to_owned(), |rendered| json!(rendered.text).to_string());
        let dbts: Option<Json> = serde_json::from_str(expected).ok();
        let equal = made.as_ref().ok().map(|rendered| json!(rendered.text)) == dbts;
        if !equal && !DIFFERENT.contains(&template) {
            let why = made.err().map(|problem| format!(" ({})", problem.message)).unwrap_or_default();
            wrong.push(format!("{file}: {template}\n   dbt:  {expected}\n   ours: {shown}{why}"));
        }
    }
    assert!(lines.len() > 300, "{} lines", lines.len());
    assert!(wrong.is_empty(), "{} of {} differ\n{}", wrong.len(), lines.len(), wrong.join("\n"));
}

/// What differs on purpose; `docs/compatibility.md` says how.
const DIFFERENT: [&str; 1] = ["{{ fromjson('NaN') }}"];
