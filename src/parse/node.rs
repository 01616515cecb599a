//! From a draft to a node: configuration, render, property file, names.

use serde_json::Value as Json;

use super::columns;
use super::config::{Rules, Sources, merge, texts};
use super::config_types;
use super::context::Context;
use super::contract;
use super::draft::{Described, Draft};
use super::names;
use super::properties::Entry;
use super::python;
use super::versions;
use crate::artifacts::node_json;
use crate::jinja::{Capture, LazyJson, NodeScope, config_call};
use crate::model::{Code, Detail, Diagnostic, JsonMap, Location, Node, ResourceType, SharedMap};

/// What a property file says of one node.
pub(super) struct Patch<'f> {
    pub(super) entry: Entry<'f>,
    /// The rendered entry, tests left out.
    pub(super) json: JsonMap,
    /// The entry as written.
    pub(super) written: JsonMap,
    /// Its configuration, top-level keys that are configuration included.
    pub(super) config: JsonMap,
}

/// The configuration of an entry as it is written.
fn configured(written: &JsonMap) -> JsonMap {
    let mut config = written.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
    for key in MOVED {
        if let Some(value) = written.get(key).filter(|value| !value.is_null()) {
            config.entry(key).or_insert_with(|| value.clone());
        }
    }
    config
}

/// Top-level keys of an entry that dbt moves into its configuration.
const MOVED: [&str; 4] = ["meta", "docs", "group", "access"];

impl<'f> Patch<'f> {
    pub(super) fn read(described: &Described<'f>, context: &Context<'_>) -> Result<Option<Self>, Box<Diagnostic>> {
        let (entry, json, written) = match described {
            Described::No => return Ok(None),
            Described::Entry(entry) => (*entry, entry.render(context)?, entry.written()),
            Described::Version(version) => {
                let of_version = |entry: &JsonMap| versions::merged(entry, &version.v);
                (version.entry, of_version(&version.entry.render(context)?), of_version(&version.entry.written()))
            }
        };
        let mut config = json.get("config").and_then(Json::as_object).cloned().unwrap_or_default();
        for key in MOVED {
            let Some(value) = json.get(key).filter(|value| !value.is_null()) else { continue };
            if config.contains_key(key) {
                let message = format!("`{key}` of `{}` is given both beside and inside of `config:`", entry.name);
                let complaint = entry.complaint(Code::InvalidProperty, message);
                return Err(Box::new(complaint.hint("keep the one inside of `config:`")));
            }
            config.entry(key).or_insert_with(|| value.clone());
        }
        Ok(Some(Self { entry, json, written, config }))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.json.get(key).filter(|value| !value.is_null()).map(plain)
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Makes the node. Errors of a node that is disabled by what is known before the render are swallowed, as nobody will
/// miss it.
pub(super) fn build(draft: &Draft<'_>, context: &Context<'_>) -> Result<Node, Box<Diagnostic>> {
    let patch = Patch::read(&draft.properties, context)?;
    let capture = match read_template(draft, patch.as_ref(), context) {
        Ok(capture) => capture,
        Err(_) if is_disabled(draft, patch.as_ref(), context) => Capture::default(),
        Err(diagnostic) => return Err(diagnostic),
    };
    let layers = |patch| sources(draft, context, patch, &capture.config);
    let config = context.completed(layers(patch.as_ref().map(|patch| &patch.config)).merged(), draft.kind);
    // With dbt's flag, what is written counts, in the property file and in the first config() of the code.
    let more_unrendered = context.project.more_unrendered();
    let code = more_unrendered.then(|| config_call(&draft.raw_code)).flatten();
    // Of a version, dbt knows the rendered configuration alone.
    let is_entry = matches!(draft.properties, Described::Entry(_));
    let patch_as_written =
        patch.as_ref().filter(|_| more_unrendered && is_entry).map(|patch| configured(&patch.written));
    let described = patch_as_written.as_ref().or_else(|| patch.as_ref().map(|patch| &patch.config));
    let mut as_written = sources(draft, context, described, code.as_ref().unwrap_or(&capture.config));
    if draft.kind == ResourceType::Function {
        // dbt keeps what is written for models there.
        as_written.tree = "models";
    }
    let unrendered = as_written.unrendered();
    let first = layers(None).merged();
    let tags = tags(&draft.tags, &first, &config);
    let mut node = skeleton(draft, config, context);
    check_config(&node, draft, patch.as_ref(), &capture.config, context)?;
    check_snapshot(&node, draft, patch.as_ref(), context)?;
    node.unrendered_config = unrendered;
    node.tags = tags;
    take(&mut node, capture);
    if let Some(patch) = &patch {
        describe(&mut node, patch, context)?;
    }
    read_hooks(&mut node, draft, context)?;
    settle(&mut node);
    names::assign(&mut node, context)?;
    Ok(node)
}

fn sources<'a>(
    draft: &'a Draft<'_>,
    context: &Context<'a>,
    patch: Option<&'a JsonMap>,
    in_file: &'a JsonMap,
) -> Sources<'a> {
    // An entry of another package brings that package's view: to it, the root project's word comes last.
    let own = match (&draft.properties, patch) {
        (Described::Entry(entry), Some(_)) => entry.file.package,
        _ => draft.package,
    };
    Sources { tree: draft.tree, own, root: context.root(), fqn: &draft.fqn, patch, in_file, rules: Rules::Node }
}

fn is_disabled(draft: &Draft<'_>, patch: Option<&Patch<'_>>, context: &Context<'_>) -> bool {
    let config = sources(draft, context, patch.map(|patch| &patch.config), &JsonMap::new()).merged();
    config.get("enabled").and_then(Json::as_bool) == Some(false)
}

/// Whether the node is disabled by dbt_project.yml and its own file, whatever a property file says.
pub(super) fn is_disabled_alone(draft: &Draft<'_>, context: &Context<'_>) -> bool {
    let Ok(capture) = read_template(draft, None, context) else { return is_disabled(draft, None, context) };
    let config = sources(draft, context, None, &capture.config).merged();
    config.get("enabled").and_then(Json::as_bool) == Some(false)
}

/// Values of configurations are of their types; `captured` is what the file itself sets.
fn check_config(
    node: &Node,
    draft: &Draft<'_>,
    patch: Option<&Patch<'_>>,
    captured: &JsonMap,
    context: &Context<'_>,
) -> Result<(), Box<Diagnostic>> {
    let is_off = node.config.get("enabled") == Some(&Json::Bool(false));
    // Of these the default would take the place of an undefined name.
    let nothing = ["materialized", "enabled"]
        .into_iter()
        .find(|key| matches!(captured.get(*key), Some(Json::Null)) || captured.get(*key) == Some(&Json::from("")));
    let wrong = match nothing {
        Some(key) => Some((key, "is nothing: a name that is not defined becomes nothing".to_owned())),
        None => config_types::wrong(&node.config, draft.kind),
    };
    let Some((key, why)) = wrong.filter(|_| !is_off) else { return Ok(()) };
    let message = format!("`{key}` of {} {why}", draft.unique_id);
    let complaint = place_of(key, Diagnostic::error(Code::InvalidConfig, message), draft, patch, captured, context);
    let is_quoted = node.config.get(key).and_then(Json::as_str).is_some_and(|text| text.parse::<bool>().is_ok());
    Err(Box::new(if is_quoted {
        complaint.hint("remove the quotes, or add `| as_bool` to the expression")
    } else {
        complaint
    }))
}

/// Where the node gets the configuration `key` from: its own file, its property file, or dbt_project.yml.
fn place_of(
    key: &str,
    complaint: Diagnostic,
    draft: &Draft<'_>,
    patch: Option<&Patch<'_>>,
    captured: &JsonMap,
    context: &Context<'_>,
) -> Diagnostic {
    let path = context.shown(draft.package, &draft.original_file_path);
    let has_key = |line: &str| line.contains(&format!("{key}:")) || line.replace(' ', "").contains(&format!("{key}="));
    if captured.contains_key(key) {
        let above = draft.raw_code.lines().position(has_key).unwrap_or(0);
        let line = draft.first_line + u32::try_from(above).unwrap_or(0);
        let complaint = complaint.at(Location::line(path, line));
        return Diagnostic { excerpt: draft.raw_code.lines().nth(above).map(str::to_owned), ..complaint }.pointing();
    }
    if let Some(patch) = patch
        && patch.config.contains_key(key)
    {
        let entry = &patch.entry;
        let inner = entry.node.get("config").and_then(|config| config.get(key)).or_else(|| entry.node.get(key));
        let node = inner.unwrap_or(entry.node);
        return complaint.at(node.location(&entry.file.shown)).with_excerpt_of(&entry.file.source.contents);
    }
    let file = &draft.package.project_file;
    match file.contents.lines().position(has_key) {
        Some(above) => {
            let shown = context.shown(draft.package, &file.path);
            complaint.at(Location::line(shown, u32::try_from(above + 1).unwrap_or(0))).with_excerpt_of(&file.contents)
        }
        None => complaint.at(Location::file(path)),
    }
}

/// A snapshot needs to know which rows are the same, and how it sees that one has changed.
fn check_snapshot(
    node: &Node,
    draft: &Draft<'_>,
    patch: Option<&Patch<'_>>,
    context: &Context<'_>,
) -> Result<(), Box<Diagnostic>> {
    if draft.kind != ResourceType::Snapshot || node.config.get("enabled") == Some(&Json::Bool(false)) {
        return Ok(());
    }
    let lacks = |key: &str| node.config.get(key).is_none_or(Json::is_null);
    let strategy = node.config_str("strategy").unwrap_or_default();
    let (key, hint) = if lacks("unique_key") {
        ("unique_key", "add the column or columns that tell rows apart: `unique_key: id`")
    } else if lacks("strategy") {
        ("strategy", "add `strategy: timestamp` with `updated_at:`, or `strategy: check` with `check_cols:`")
    } else if strategy == "timestamp" && lacks("updated_at") {
        ("updated_at", "the strategy timestamp needs the column that says when a row changed")
    } else if strategy == "check" && lacks("check_cols") {
        ("check_cols", "the strategy check needs a list of columns, or `check_cols: all`")
    } else {
        return Ok(());
    };
    let message = format!("snapshot `{}` has no `{key}`", node.name);
    let complaint = Diagnostic::error(Code::InvalidConfig, message).hint(hint);
    Err(Box::new(match patch {
        Some(patch) => complaint.at(patch.entry.node.location(&patch.entry.file.shown)),
        None => complaint.at(Location::line(context.shown(draft.package, &draft.original_file_path), draft.first_line)),
    }))
}

/// The tags of the first configuration in order, then those that the property file adds; each once.
fn tags(own: &[String], first: &JsonMap, complete: &JsonMap) -> Vec<String> {
    let mut all: Vec<String> = own.to_vec();
    for tag in texts(first.get("tags")).into_iter().chain(texts(complete.get("tags"))) {
        if !all.contains(&tag) {
            all.push(tag);
        }
    }
    all
}

fn skeleton(draft: &Draft<'_>, config: SharedMap, context: &Context<'_>) -> Node {
    Node {
        name: draft.name.clone(),
        package_name: draft.package.name.clone(),
        path: draft.path.clone(),
        original_file_path: draft.original_file_path.clone(),
        fqn: draft.fqn.clone(),
        alias: draft.name.clone(),
        database: Some(context.options.database.clone()).filter(|name| !name.is_empty()),
        schema: context.options.schema.clone(),
        checksum: draft.checksum.clone(),
        language: draft.language.to_owned(),
        raw_code: draft.raw_code.clone(),
        first_line: draft.first_line,
        meta: config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default(),
        tags: texts(config.get("tags")),
        group: config.get("group").and_then(Json::as_str).map(str::to_owned),
        config,
        ..Node::new(draft.unique_id.as_str(), draft.kind, draft.detail.clone())
    }
}

/// What the node's template sees of itself while it is parsed.
pub(super) fn scope(node: Node, path: String, context: &Context<'_>) -> NodeScope {
    NodeScope {
        package: node.package_name.clone(),
        path,
        first_line: node.first_line,
        this: names::relation(&node, context.quoting),
        config: node.config.clone(),
        name: node.name.clone(),
        model: LazyJson::new(move || node_json(&node)),
        ..NodeScope::default()
    }
}

fn read_template(
    draft: &Draft<'_>,
    patch: Option<&Patch<'_>>,
    context: &Context<'_>,
) -> Result<Capture, Box<Diagnostic>> {
    if draft.kind == ResourceType::Seed {
        return Ok(Capture::default());
    }
    let file = context.shown(draft.package, &draft.original_file_path);
    if draft.language == "python" && draft.kind == ResourceType::Function {
        return Ok(Capture::default());
    }
    if draft.language == "python" {
        return python::read(&draft.raw_code, &file, draft.first_line);
    }
    let empty = JsonMap::new();
    let layers = sources(draft, context, patch.map(|patch| &patch.config), &empty);
    let config = context.completed(layers.merged(), draft.kind);
    let mut node = skeleton(draft, config, context);
    node.alias = names::default_alias(&node);
    let mut capture = context.renderer.parse(&draft.raw_code, &scope(node, file, context))?.capture;
    if draft.kind == ResourceType::Model && is_static(&draft.raw_code) {
        // Of models that it need not render, dbt keeps each source once.
        let mut unique: Vec<[String; 2]> = Vec::new();
        for source in std::mem::take(&mut capture.sources) {
            if !unique.contains(&source) {
                unique.push(source);
            }
        }
        capture.sources = unique;
    }
    Ok(capture)
}

/// Whether a model's template has nothing but calls of `ref`, `source` and `config`, which dbt reads without rendering.
fn is_static(source: &str) -> bool {
    if source.contains("{%") || source.contains("{#") {
        return false;
    }
    source.split("{{").skip(1).all(|rest| {
        let call = rest.split("}}").next().unwrap_or_default().trim_start_matches('-').trim_start();
        ["ref", "source", "config"]
            .iter()
            .any(|name| call.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('(')))
            && call.matches('(').count() == 1
    })
}

/// Moves what a render saw into the node.
pub(super) fn take(node: &mut Node, capture: Capture) {
    node.refs.extend(capture.refs);
    node.sources.extend(capture.sources);
    node.metrics.extend(capture.metrics);
    node.functions.extend(capture.functions);
    for id in capture.macros {
        if !node.depends_on.macros.contains(&id) {
            node.depends_on.macros.push(id);
        }
    }
}

/// Hooks are rendered for what they call and refer to.
fn read_hooks(node: &mut Node, draft: &Draft<'_>, context: &Context<'_>) -> Result<(), Box<Diagnostic>> {
    let hooks: Vec<String> = ["pre-hook", "post-hook"]
        .iter()
        .filter_map(|key| node.config.get(*key).and_then(Json::as_array))
        .flatten()
        .filter_map(|hook| hook.get("sql").and_then(Json::as_str))
        .filter(|sql| sql.contains("{{") || sql.contains("{%"))
        .map(str::to_owned)
        .collect();
    if hooks.is_empty() || node.config.get("enabled").and_then(Json::as_bool) == Some(false) {
        return Ok(());
    }
    let scope = scope(node.clone(), context.shown(draft.package, &draft.original_file_path), context);
    for hook in hooks {
        let capture = context.renderer.parse(&hook, &scope)?.capture;
        take(node, Capture { config: JsonMap::new(), ..capture });
    }
    Ok(())
}

fn describe(node: &mut Node, patch: &Patch<'_>, context: &Context<'_>) -> Result<(), Box<Diagnostic>> {
    node.patch_path = Some(patch.entry.file.patch_path());
    node.description = patch.text("description").unwrap_or_default();
    let docs = context.doc_ids(&patch.entry.file.package.name);
    node.columns = columns::read(&patch.json, &patch.written, docs);
    if let Detail::Function { arguments, returns } = &mut node.detail {
        (*arguments, *returns) = signature(&patch.json);
    }
    let Detail::Model(model) = &mut node.detail else { return Ok(()) };
    model.constraints = columns::constraints(&patch.json, true);
    model.deprecation_date = patch.text("deprecation_date").map(with_zone);
    model.time_spine = patch.json.get("time_spine").filter(|value| !value.is_null()).map(|written| {
        let mut full = written.clone();
        if let Some(map) = full.as_object_mut() {
            map.entry("custom_granularities").or_insert_with(|| Json::Array(Vec::new()));
        }
        full
    });
    let constraints = model.constraints.clone();
    let targets: Vec<String> = columns::constraint_targets(&node.columns, &constraints).map(str::to_owned).collect();
    for target in targets {
        let scope = scope(node.clone(), patch.entry.file.shown.clone(), context);
        let capture = context.renderer.parse(&format!("{{{{ {target} }}}}"), &scope)?.capture;
        take(node, Capture { config: JsonMap::new(), ..capture });
    }
    check_contract(node, patch)
}

/// What a function takes and gives, as dbt writes it.
fn signature(entry: &JsonMap) -> (Json, Json) {
    let shaped = |written: &Json, keys: &[&str]| {
        let field = |key: &&str| ((*key).to_owned(), written.get(*key).cloned().unwrap_or(Json::Null));
        Json::Object(keys.iter().map(field).collect())
    };
    let arguments = entry.get("arguments").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let argument = |written: &Json| shaped(written, &["name", "data_type", "description", "default_value"]);
    let returns = entry.get("returns").map_or(Json::Null, |written| shaped(written, &["data_type", "description"]));
    (Json::Array(arguments.iter().map(argument).collect()), returns)
}

/// Dates become moments in UTC, as dbt writes them.
fn with_zone(text: String) -> String {
    match text.len() {
        10 => format!("{text}T00:00:00+00:00"),
        19 => format!("{text}+00:00"),
        _ => text,
    }
}

/// An enforced contract wants columns. That each has a type is seen when the model is built, as in dbt.
fn check_contract(node: &Node, patch: &Patch<'_>) -> Result<(), Box<Diagnostic>> {
    if !enforced(node) {
        return Ok(());
    }
    let complaint = |message: String| {
        let complaint = patch.entry.complaint(Code::InvalidProperty, message);
        Err(Box::new(complaint.hint("an enforced contract needs `data_type:` for every column")))
    };
    if node.columns.is_empty() {
        return complaint(format!("the contract of model `{}` is enforced, but no columns are listed", node.name));
    }
    Ok(())
}

fn enforced(node: &Node) -> bool {
    node.config.get("contract").and_then(|contract| contract.get("enforced")).and_then(Json::as_bool) == Some(true)
}

/// What follows from the configuration for a model's own fields.
fn settle(node: &mut Node) {
    let enforced = enforced(node);
    let access = node.config_str("access").unwrap_or("protected").to_owned();
    let Detail::Model(model) = &node.detail else { return };
    let checksum = enforced.then(|| contract::checksum(node, &model.constraints));
    let alias_types = node.config.get("contract").and_then(|c| c.get("alias_types")).and_then(Json::as_bool);
    if let Detail::Model(model) = &mut node.detail {
        model.access = access;
        model.contract_enforced = enforced;
        model.contract_alias_types = alias_types.unwrap_or(true);
        model.contract_checksum = checksum;
    }
}

/// Lays what a render captured over a configuration that was known before it.
pub(super) fn with_captured(config: &JsonMap, captured: &JsonMap) -> JsonMap {
    let mut all = config.clone();
    if let Some(tags) = all.get_mut("tags") {
        *tags = Json::Array(super::config::listed(tags));
    }
    merge(&mut all, captured, Rules::Node);
    all
}
