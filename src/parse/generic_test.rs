//! Generic tests: from an entry under `data_tests:` to a test node.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::config::{Rules, Sources, complete, known_defaults, texts};
use super::config_types;
use super::context::Context;
use super::draft::folders;
use super::foreseen;
use super::names;
use super::node::{take, with_captured};
use super::properties::PropertyFile;
use super::python_text;
use super::test_name::{self, TestName};
use crate::artifacts::node_json;
use crate::jinja::{Capture, LazyJson, NodeScope, config_call, render_yaml};
use crate::model::node::{TestDetail, TestMetadata};
use crate::model::{
    Code, Detail, Diagnostic, JsonMap, Location, Macro, Node, NodeId, RefArgs, ResourceType, Severity, SharedMap,
    nearest,
};
use crate::yaml;

/// What a test is attached to.
#[derive(Clone)]
pub(super) struct Target<'f> {
    pub(super) file: &'f PropertyFile<'f>,
    /// `models`, `seeds`, `snapshots` or `sources`.
    pub(super) section: &'static str,
    /// The entry's name; of a source's table, the source's.
    pub(super) entry: &'f str,
    /// A source's table.
    pub(super) table: Option<&'f str>,
    /// A model's version.
    pub(super) version: Option<Json>,
    /// The node, if there is one; none for sources.
    pub(super) node: Option<NodeId>,
    /// The node's group.
    pub(super) group: Option<String>,
    /// Tags that the test inherits.
    pub(super) tags: Vec<String>,
}

impl Target<'_> {
    fn name(&self) -> String {
        match (&self.table, &self.version) {
            (Some(table), _) => format!("{}_{table}", self.entry),
            (None, Some(version)) => format!("{}_v{}", self.entry, python_text::str(version)),
            (None, None) => self.entry.to_owned(),
        }
    }

    /// The call that stands for the tested relation.
    fn call(&self) -> String {
        match (&self.table, &self.version) {
            (Some(table), _) => format!("source('{}', '{table}')", self.entry),
            (None, Some(version)) => format!("ref('{}', version='{}')", self.entry, python_text::str(version)),
            (None, None) => format!("ref('{}')", self.entry),
        }
    }
}

/// The column a test is on.
#[derive(Clone)]
pub(super) struct TestedColumn {
    /// Quoted, if the column asks for it.
    pub(super) name: String,
    pub(super) tags: Vec<String>,
}

/// One test to make a node of.
pub(super) struct TestCase<'f> {
    pub(super) target: Target<'f>,
    pub(super) column: Option<TestedColumn>,
    pub(super) test: &'f yaml::Node,
}

/// Keys that configure a test, in the order in which dbt writes them.
pub(super) const CONFIG_KEYS: [&str; 14] = [
    "severity",
    "tags",
    "enabled",
    "where",
    "limit",
    "warn_if",
    "error_if",
    "fail_calc",
    "store_failures",
    "store_failures_as",
    "meta",
    "database",
    "schema",
    "alias",
];

/// A test as its entry says it.
pub(super) struct Written {
    pub(super) name: String,
    pub(super) namespace: Option<String>,
    pub(super) custom_name: Option<String>,
    pub(super) description: String,
    pub(super) kwargs: JsonMap,
    pub(super) config: JsonMap,
}

/// Makes the test's node; the warning is of a test whose macro does not exist.
pub(super) fn build(
    case: &TestCase<'_>,
    context: &Context<'_>,
) -> Result<(Node, Option<Box<Diagnostic>>), Box<Diagnostic>> {
    let mut written = read(case, context)?;
    let (macro_id, warning) = match find_macro(case, &written, context) {
        Ok(id) => (id, None),
        Err(warning) => (String::new(), Some(warning)),
    };
    written
        .kwargs
        .insert("model".to_owned(), Json::String(format!("{{{{ get_where_subquery({}) }}}}", case.target.call())));
    let name = name_of(case, &written);
    if name.short != name.full && !written.config.contains_key("alias") {
        written.config.insert("alias".to_owned(), Json::String(name.short.clone()));
    }
    let mut node = skeleton(case, &written, &name);
    let called = macro_id.clone();
    let capture = if is_plain(&written, &macro_id) {
        plain_capture(case, macro_id)
    } else if warning.is_some() {
        let where_subquery = context.renderer.find_macro("get_where_subquery", "dbt").map(str::to_owned);
        Capture { macros: where_subquery.into_iter().collect(), ..plain_capture(case, macro_id) }
    } else {
        match foreseen::capture(case, &written, &macro_id, context) {
            Some(capture) => capture,
            None => rendered_capture(case, &node, &written, &called, context)?,
        }
    };
    let macros = Noted::of(&called, case, &written, context).macros(capture.macros);
    let capture = Capture { macros, ..capture };
    let in_file = if is_plain(&written, &called) {
        written.config.clone()
    } else {
        with_captured(&written.config, &capture.config)
    };
    let sources = Sources {
        tree: "data_tests",
        own: case.target.file.package,
        root: context.root(),
        fqn: &node.fqn,
        patch: None,
        in_file: &in_file,
        rules: Rules::Node,
    };
    let merged = sources.merged();
    // What nobody set is of its type.
    let may_be_wrong = config_types::wrong(&merged, ResourceType::Test).is_some();
    let config = completed(merged, context);
    let code = context.project.more_unrendered().then(|| config_call(&node.raw_code)).flatten();
    node.unrendered_config = Sources { in_file: code.as_ref().unwrap_or(&in_file), ..sources }.unrendered();
    for tag in texts(config.get("tags")) {
        if !node.tags.contains(&tag) {
            node.tags.push(tag);
        }
    }
    node.meta = config.get("meta").and_then(Json::as_object).cloned().unwrap_or_default();
    let wrong = may_be_wrong.then(|| config_types::wrong(&config, ResourceType::Test)).flatten();
    if let Some((key, why)) = wrong {
        let message = format!("`{key}` of test `{}` of `{}` {why}", written.name, case.target.entry);
        let body = case.test.get(&written.name).unwrap_or(case.test);
        let place =
            body.get("config").and_then(|config| config.get(key)).or_else(|| body.get(key)).unwrap_or(case.test);
        return Err(Box::new(case.target.file.complaint(place, Code::InvalidConfig, message)));
    }
    node.config = config;
    take(&mut node, capture);
    names::assign(&mut node, context)?;
    Ok((node, warning))
}

/// What a render of the test's code sees.
fn rendered_capture(
    case: &TestCase<'_>,
    node: &Node,
    written: &Written,
    called: &str,
    context: &Context<'_>,
) -> Result<Capture, Box<Diagnostic>> {
    let scope = scope(case, node, written, context);
    let known = Noted::of(called, case, written, context).knows(called);
    let name = if known { macro_name(written) } else { String::new() };
    let failed = |diagnostic: Box<Diagnostic>| at_entry(*diagnostic, case);
    if foreseen::is_itself(&written.config) {
        // Many tests make the same call, which is compiled once; what they configure differs.
        let capture = context.renderer.parse_test(&call_code(&name), &scope).map_err(failed)?.capture;
        if capture.config.is_empty() {
            return Ok(Capture { config: written.config.clone(), ..capture });
        }
        // The test's macro configures it too, and how the two are merged is the renderer's to say.
    }
    Ok(context.renderer.parse(&raw_code(written, &name), &scope).map_err(failed)?.capture)
}

/// An error without a better place is at the test's entry.
fn at_entry(diagnostic: Diagnostic, case: &TestCase<'_>) -> Box<Diagnostic> {
    let place = case.test.location(&case.target.file.shown);
    let in_file = diagnostic.location.as_ref().is_some_and(|location| location.path != place.path);
    if in_file {
        return Box::new(diagnostic);
    }
    Box::new(Diagnostic { excerpt: None, ..diagnostic }.at(place).with_excerpt_of(&case.target.file.source.contents))
}

fn complaint(case: &TestCase<'_>, code: Code, message: String) -> Box<Diagnostic> {
    Box::new(case.target.file.complaint(case.test, code, message))
}

fn read(case: &TestCase<'_>, context: &Context<'_>) -> Result<Written, Box<Diagnostic>> {
    let (name, mut args) = name_and_arguments(case)?;
    if context.root().flags.get("require_generic_test_arguments_property") != Some(&Json::Bool(false))
        && args.get("arguments").is_some_and(Json::is_object)
        && let Some(Json::Object(arguments)) = args.remove("arguments")
    {
        args.extend(arguments);
    }
    let take_text =
        |args: &mut JsonMap, key: &str| args.remove(key).filter(|v| !v.is_null()).map(|v| python_text::str(&v));
    let custom_name = take_text(&mut args, "name");
    let description = take_text(&mut args, "description").unwrap_or_default();
    let description = if description.contains("{{") {
        python_text::str(&rendered(Json::String(description), case, context)?)
    } else {
        description
    };
    let config = take_config(&mut args, case, context)?;
    let mut kwargs = args;
    if let Some(column) = &case.column {
        kwargs.insert("column_name".to_owned(), Json::String(column.name.clone()));
    }
    let (namespace, name) = match name.split_once('.') {
        Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
        None => (None, name),
    };
    Ok(Written { name, namespace, custom_name, description, kwargs, config })
}

/// `unique`, `{unique: {…}}`, or `{test_name: unique, …}`.
fn name_and_arguments(case: &TestCase<'_>) -> Result<(String, JsonMap), Box<Diagnostic>> {
    let mut map = match case.test.to_json() {
        Json::String(name) => return Ok((name, JsonMap::new())),
        Json::Object(map) => map,
        _ => {
            let message =
                format!("a test of `{}` is {}, not a name or a mapping", case.target.entry, case.test.value.kind());
            return Err(complaint(case, Code::InvalidProperty, message));
        }
    };
    if let Some(Json::String(name)) = map.remove("test_name") {
        return Ok((name, map));
    }
    if map.len() != 1 {
        let keys: Vec<String> = map.keys().map(|key| format!("`{key}`")).collect();
        let message = format!(
            "a test of `{}` has several keys where one name is expected: {}",
            case.target.entry,
            keys.join(", ")
        );
        let hint = "begin each test with `- `, and indent its arguments below its name";
        return Err(Box::new(complaint(case, Code::InvalidProperty, message).hint(hint)));
    }
    match map.into_iter().next() {
        Some((name, Json::Object(args))) => Ok((name, args)),
        Some((name, Json::Null)) => Ok((name, JsonMap::new())),
        other => {
            let name = other.map(|(name, _)| name).unwrap_or_default();
            let message = format!("the arguments of test `{name}` of `{}` are no mapping", case.target.entry);
            Err(complaint(case, Code::InvalidProperty, message))
        }
    }
}

/// Takes what configures the test out of its arguments, rendered, in dbt's order.
fn take_config(args: &mut JsonMap, case: &TestCase<'_>, context: &Context<'_>) -> Result<JsonMap, Box<Diagnostic>> {
    let mut inner = match args.remove("config") {
        Some(Json::Object(map)) => map,
        _ => JsonMap::new(),
    };
    let mut config = JsonMap::new();
    for key in CONFIG_KEYS {
        let value = match (args.shift_remove(key), inner.shift_remove(key)) {
            (Some(_), Some(_)) => {
                let message =
                    format!("a test of `{}` has `{key}` both beside and inside of `config:`", case.target.entry);
                return Err(complaint(case, Code::InvalidProperty, message));
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => continue,
        };
        if !value.is_null() {
            config.insert(key.to_owned(), rendered(value, case, context)?);
        }
    }
    for (key, value) in inner {
        config.insert(key, rendered(value, case, context)?);
    }
    Ok(config)
}

fn rendered(value: Json, case: &TestCase<'_>, context: &Context<'_>) -> Result<Json, Box<Diagnostic>> {
    let scope = context.scope(&case.target.file.package.name);
    match value {
        Json::String(text) if text.contains("{{") || text.contains("{%") => {
            render_yaml(&text, scope).map_err(|diagnostic| at_entry(diagnostic, case))
        }
        Json::String(text) => Ok(Json::String(text.strip_suffix('\n').unwrap_or(&text).to_owned())),
        other => Ok(other),
    }
}

/// The macro's name as the test's code calls it.
fn macro_name(written: &Written) -> String {
    match &written.namespace {
        Some(namespace) => format!("{namespace}.test_{}", written.name),
        None => format!("test_{}", written.name),
    }
}

/// The macro of the test; none, with a warning, when there is no such macro: as in dbt, the test is then an error only
/// when it runs.
fn find_macro(case: &TestCase<'_>, written: &Written, context: &Context<'_>) -> Result<String, Box<Diagnostic>> {
    let name = macro_name(written);
    if let Some(id) = context.renderer.find_macro(&name, &case.target.file.package.name) {
        return Ok(id.to_owned());
    }
    let shown = written.namespace.as_ref().map_or_else(|| written.name.clone(), |ns| format!("{ns}.{}", written.name));
    let message = format!("there is no generic test `{shown}`, which {} uses", case.target.name());
    let hint = match &written.namespace {
        Some(namespace) if context.project.package(namespace).is_none() => {
            format!("package `{namespace}` is not installed: run `slimdiff deps`")
        }
        _ => match nearest(&written.name, context.renderer.test_names()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "tests are found in tests/generic and macros as `{% test … %}`".to_owned(),
        },
    };
    let complaint = case.target.file.complaint(case.test, Code::UnknownMacro, message).hint(hint);
    Err(Box::new(Diagnostic { severity: Severity::Warning, ..complaint }))
}

fn name_of(case: &TestCase<'_>, written: &Written) -> TestName {
    if let Some(name) = &written.custom_name {
        return TestName { full: name.clone(), short: name.clone() };
    }
    let mut kind = written.name.clone();
    if case.target.table.is_some() {
        kind = format!("source_{kind}");
    }
    if let Some(namespace) = &written.namespace {
        kind = format!("{namespace}_{kind}");
    }
    test_name::synthesize(&kind, &case.target.name(), &written.kwargs)
}

/// The call of the macro.
fn call_code(macro_name: &str) -> String {
    let macro_name = if macro_name.is_empty() { UNKNOWN_MACRO } else { macro_name };
    format!("{{{{ {macro_name}(**_dbt_generic_test_kwargs) }}}}")
}

/// The call of the macro, and of `config` with what the entry sets.
fn raw_code(written: &Written, macro_name: &str) -> String {
    let call = call_code(macro_name);
    if written.config.is_empty() {
        return call;
    }
    let settings: Vec<String> = written
        .config
        .iter()
        .map(|(key, value)| match value {
            Json::String(text) => format!("{key}=\"{}\"", text.replace('"', "\\\"")),
            other => format!("{key}={}", python_text::repr(other)),
        })
        .collect();
    format!("{call}{{{{ config({}) }}}}", settings.join(","))
}

/// A test's whole configuration; most tests have none of their own.
fn completed(config: JsonMap, context: &Context<'_>) -> SharedMap {
    if config.is_empty() {
        return known_defaults(ResourceType::Test);
    }
    if config.contains_key("alias") {
        // No other test has the same.
        return complete(config, ResourceType::Test).into();
    }
    context.completed(config, ResourceType::Test)
}

fn skeleton(case: &TestCase<'_>, written: &Written, name: &TestName) -> Node {
    let target = &case.target;
    let package = &target.file.package.name;
    let hash = test_name::hash(&name.full, written.namespace.as_deref(), &written.name, &written.kwargs);
    let mut fqn = folders(package, target.file.source.relative_path());
    fqn.push(name.full.clone());
    let mut tags: Vec<String> = case.column.iter().flat_map(|column| column.tags.clone()).collect();
    tags.extend(target.tags.iter().cloned());
    tags.extend(texts(written.config.get("tags")));
    tags.sort();
    tags.dedup();
    let unique_id = format!("test.{package}.{}.{hash}", name.full);
    let detail = Detail::Test(Box::new(TestDetail {
        metadata: Some(TestMetadata {
            name: written.name.clone(),
            kwargs: written.kwargs.clone(),
            namespace: written.namespace.clone(),
        }),
        column_name: case.column.as_ref().map(|column| column.name.clone()),
        attached_node: target.node.clone(),
        file_key_name: Some(format!("{}.{}", target.section, target.entry)),
    }));
    Node {
        name: name.full.clone(),
        package_name: package.clone(),
        path: format!("{}.sql", name.short),
        original_file_path: target.file.source.path.clone(),
        fqn,
        alias: name.short.clone(),
        raw_code: raw_code(written, &macro_name(written)),
        first_line: case.test.line,
        config: known_defaults(ResourceType::Test),
        description: written.description.clone(),
        tags,
        group: target.group.clone(),
        ..Node::new(unique_id, ResourceType::Test, detail)
    }
}

/// dbt does not render its own `unique` and `not_null`.
fn is_plain(written: &Written, macro_id: &str) -> bool {
    matches!(written.name.as_str(), "unique" | "not_null") && macro_id == format!("macro.dbt.test_{}", written.name)
}

/// A name that nothing has. While a project is parsed, calling it does nothing.
const UNKNOWN_MACRO: &str = "no_such_generic_test";

/// What dbt notes of the macros that a test calls.
///
/// A macro of the test's package, or of the root project, stands for one of the same name in another package, even
/// where the test names that package. Only macros are known that the noted one itself depends on, the named one
/// included: else the call does nothing.
struct Noted<'c> {
    id: String,
    macros: &'c IndexMap<String, Macro>,
}

impl<'c> Noted<'c> {
    fn of(called: &str, case: &TestCase<'_>, written: &Written, context: &Context<'c>) -> Self {
        let own = context.renderer.find_macro(&format!("test_{}", written.name), &case.target.file.package.name);
        let id = own.filter(|_| written.namespace.is_some()).unwrap_or(called).to_owned();
        Self { id, macros: context.renderer.macros() }
    }

    fn below(&self, id: &str) -> &[String] {
        self.macros.get(id).map(|found| found.depends_on.as_slice()).unwrap_or_default()
    }

    fn knows(&self, id: &str) -> bool {
        self.id.is_empty()
            || self.id == id
            || id.ends_with(".get_where_subquery")
            || self.below(&self.id).iter().any(|child| child == id || self.below(child).iter().any(|grand| grand == id))
    }

    fn macros(&self, captured: Vec<String>) -> Vec<String> {
        let mut all = if self.id.is_empty() { Vec::new() } else { vec![self.id.clone()] };
        all.extend(captured.into_iter().filter(|id| *id != self.id && !self.id.is_empty() && self.knows(id)));
        all
    }
}

pub(super) fn plain_capture(case: &TestCase<'_>, macro_id: String) -> Capture {
    let mut capture = Capture { macros: vec![macro_id], ..Capture::default() };
    match case.target.table {
        Some(table) => capture.sources.push([case.target.entry.to_owned(), table.to_owned()]),
        None => capture.refs.push(RefArgs {
            name: case.target.entry.to_owned(),
            package: None,
            version: case.target.version.clone(),
        }),
    }
    capture
}

fn scope(case: &TestCase<'_>, node: &Node, written: &Written, context: &Context<'_>) -> NodeScope {
    let Location { path, line, .. } = case.test.location(&case.target.file.shown);
    let mut model = node.clone();
    model.database = Some(context.options.database.clone());
    model.schema.clone_from(&context.options.schema);
    model.config = completed(written.config.clone(), context);
    NodeScope {
        package: node.package_name.clone(),
        path,
        first_line: line,
        this: names::relation(&model, context.quoting),
        name: node.name.clone(),
        config: model.config.clone(),
        model: LazyJson::new(move || node_json(&model)),
        test_kwargs: Some(written.kwargs.clone()),
        ..NodeScope::default()
    }
}
