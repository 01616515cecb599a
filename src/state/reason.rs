//! The reasons why a node counts as changed, as a table: one row each. Order is the order in which they are told.

use super::macros::MacroChanges;
use super::semantic::SEMANTIC;
use super::severity::Severity;
use super::{Options, config, content, contract, resource};
use crate::model::{Change, Node, ResourceType};

/// One reason.
#[derive(Debug)]
pub struct Reason {
    /// Stable id.
    pub id: &'static str,
    /// A few words for people.
    pub title: &'static str,
    /// How grave it is, unless what differs says otherwise (a column removed from a contract is breaking).
    pub severity: Severity,
    /// What follows `state:modified.` in the selector that sees it; none for what only `modified` itself sees.
    pub sub_selector: Option<&'static str>,
    /// Whether dbt has nothing like it: never part of `state:modified`, asked for by its sub-selector alone.
    pub beyond_dbt: bool,
    /// Kinds of nodes that have it.
    pub applies_to: &'static [ResourceType],
    /// Whether it makes this node `modified`, or is seen by its sub-selector alone.
    pub(super) counts: fn(&Node) -> bool,
    /// What differs; empty when nothing does.
    pub(super) compare: fn(&Pair<'_>) -> Vec<Finding>,
    /// The rule, in one or two sentences.
    pub doc: &'static str,
}

/// A node on both sides, with what the comparison may look at beside it.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) nodes: Change<&'a Node>,
    pub(super) options: Options,
    pub(super) macros: &'a MacroChanges<'a>,
    pub(super) adapter_type: &'a str,
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Finding {
    pub(super) summary: String,
    pub(super) values: Option<Change<Option<String>>>,
    /// When it is not the reason's own.
    pub(super) severity: Option<Severity>,
    /// Whether the values are code, which is shown as a diff.
    pub(super) is_code: bool,
    /// Of a macro: the calls that reach it, from the one that the node itself makes.
    pub(super) path: Vec<String>,
    /// Of a macro: its unique id.
    pub(super) macro_id: Option<String>,
}

impl Finding {
    /// `what: baseline → current`.
    pub(super) fn of(what: &str, values: Change<Option<String>>) -> Self {
        let shown = |value: &Option<String>| value.as_deref().map_or_else(|| "not set".to_owned(), shorten);
        let summary = format!("{what}: {} → {}", shown(&values.baseline), shown(&values.current));
        Self { summary, values: Some(values), ..Self::default() }
    }

    /// A sentence alone.
    pub(super) fn said(summary: impl Into<String>) -> Self {
        Self { summary: summary.into(), ..Self::default() }
    }

    /// Two pieces of code.
    pub(super) fn code(summary: impl Into<String>, values: Change<Option<String>>) -> Self {
        Self { summary: summary.into(), values: Some(values), is_code: true, ..Self::default() }
    }

    /// The finding when the sides differ.
    pub(super) fn if_changed(what: &str, values: Change<Option<String>>) -> Option<Self> {
        values.is_changed().then(|| Self::of(what, values))
    }

    /// The same, as grave as said.
    pub(super) fn graded(self, severity: Severity) -> Self {
        Self { severity: Some(severity), ..self }
    }
}

/// Long values are in the hit's `values`; a summary is one line.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 60;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(std::iter::once('…')).collect()
}

use ResourceType::{
    Analysis, Exposure, Function, Metric, Model, Operation, SavedQuery, Seed, SemanticModel, Snapshot, Source, Test,
    UnitTest,
};

/// What dbt compiles or loads; everything that has the base rule.
const COMPILED: &[ResourceType] = &[Model, Seed, Snapshot, Test, Analysis, Operation, Function];

/// What most reasons have in common.
const BASE: Reason = Reason {
    id: "",
    title: "",
    severity: Severity::Behaviour,
    sub_selector: None,
    beyond_dbt: false,
    applies_to: &[],
    counts: always,
    compare: |_| Vec::new(),
    doc: "",
};

/// What is found by the room's `beyond`.
const BEYOND: Reason = Reason { beyond_dbt: true, applies_to: COMPILED, counts: never, ..BASE };

/// The one reason of a node that the baseline has not, so that there is nothing to compare.
pub(super) const NEW: Reason = Reason {
    id: "new",
    title: "new",
    doc: "The baseline has no node of its id. A new source, exposure, metric, semantic model or saved query is not modified, only new: so dbt has it.",
    ..BASE
};

/// A new node may reach a changed macro too.
pub(super) const MACRO: Reason = Reason {
    id: "macro",
    title: "macro",
    sub_selector: Some("macros"),
    applies_to: COMPILED,
    compare: |pair| pair.macros.reached_from(pair.nodes.current),
    doc: "A macro it calls, directly or through others, was edited, added or removed. Built-in macros never count: they are the program's.",
    ..BASE
};

pub(super) const VARS: Reason = Reason {
    id: "vars",
    title: "variable",
    sub_selector: Some("vars"),
    doc: "The value of a variable differs that the code, a hook or a macro it calls names. Needs both sides to be parsed: a baseline from git.",
    ..BEYOND
};

pub(super) const ENV_VARS: Reason = Reason {
    id: "env_vars",
    title: "environment variable",
    sub_selector: Some("env_vars"),
    doc: "An environment variable differs that the code, a hook or a macro it calls names; the values are not told. Needs both sides to be parsed.",
    ..BEYOND
};

pub(super) const MATERIALIZATION: Reason = Reason {
    id: "materialization",
    title: "materialization macro",
    sub_selector: Some("materialization"),
    applies_to: &[Model, Seed, Snapshot],
    doc: "The macro that materializes it, or one that it calls, changed.",
    ..BEYOND
};

pub(super) const NAMING: Reason = Reason {
    id: "naming",
    title: "name of the relation",
    sub_selector: Some("naming"),
    applies_to: &[Model, Seed, Snapshot, Test, Function],
    doc: "A macro that names relations changed (`generate_schema_name` and its like), and the relation is another.",
    ..BEYOND
};

pub(super) const VALUE_MACRO: Reason = Reason {
    id: "value_macro",
    title: "macro handed on as a value",
    sub_selector: Some("value_macros"),
    doc: "A changed macro is named in the code without being called there, as when it is handed to another macro.",
    ..BEYOND
};

pub(super) const SEED_CONTENT: Reason = Reason {
    id: "seed_content",
    title: "content of a large seed",
    sub_selector: Some("seed_content"),
    applies_to: &[Seed],
    doc: "The data of a seed over 1 MiB differs. Needs both sides to be parsed.",
    ..BEYOND
};

pub(super) const EPHEMERAL: Reason = Reason {
    id: "ephemeral",
    title: "ephemeral above",
    sub_selector: Some("ephemeral"),
    doc: "An ephemeral model that it reads was modified, so its compiled code is another.",
    ..BEYOND
};

/// All reasons.
pub const REASONS: &[Reason] = &[
    Reason {
        id: "body",
        title: "code",
        sub_selector: Some("body"),
        applies_to: &[Model, Snapshot, Test, Analysis, Operation, Function],
        counts: not_a_generic_test,
        compare: content::body,
        doc: "The code as written differs, comments and whitespace inside included. Of a generic test only `modified.body` sees it.",
        ..BASE
    },
    Reason {
        id: "seed",
        title: "seed data",
        sub_selector: Some("body"),
        applies_to: &[Seed],
        compare: content::seed,
        doc: "The file's checksum differs. A seed over 1 MiB has its path for a checksum, so a change of its rows is not seen.",
        ..BASE
    },
    Reason {
        id: "config",
        title: "configuration",
        sub_selector: Some("configs"),
        applies_to: &[
            Model,
            Seed,
            Snapshot,
            Test,
            Analysis,
            Operation,
            Function,
            Source,
            Exposure,
            Metric,
            SemanticModel,
            SavedQuery,
        ],
        compare: config::config,
        doc: "A configuration as written differs; a default written out differs from one left out. Tags, group, alias, schema and database do not count here. Of a test, only what decides how it runs counts.",
        ..BASE
    },
    Reason {
        id: "relation",
        title: "relation",
        sub_selector: Some("relation"),
        applies_to: COMPILED,
        counts: not_a_generic_test,
        compare: config::relation,
        doc: "The configured alias, schema or database differs as written. What they render to does not count.",
        ..BASE
    },
    Reason {
        id: "source_relation",
        title: "source table",
        sub_selector: Some("relation"),
        applies_to: &[Source],
        compare: resource::source_relation,
        doc: "The source's database, schema or identifier differs: rendered, or as written with state_modified_compare_more_unrendered_values.",
        ..BASE
    },
    Reason {
        id: "persisted_description",
        title: "persisted description",
        severity: Severity::Metadata,
        sub_selector: Some("persisted_descriptions"),
        applies_to: COMPILED,
        counts: not_a_generic_test,
        compare: content::persisted_description,
        doc: "A description differs that persist_docs writes to the database.",
        ..BASE
    },
    Reason {
        id: "contract",
        title: "contract",
        sub_selector: Some("contract"),
        applies_to: COMPILED,
        compare: contract::contract,
        doc: "The contract was turned on or off, or its columns, types or constraints differ. What a consumer could notice is breaking.",
        ..BASE
    },
    Reason {
        id: "fqn",
        title: "place in the project",
        severity: Severity::Metadata,
        applies_to: &[Model, Seed, Snapshot, Test, Analysis, Operation, Function, Source, Exposure],
        compare: content::fqn,
        doc: "The file moved to another folder, so other configuration may reach it.",
        ..BASE
    },
    Reason {
        id: "ref_representation",
        title: "how it may be referred to",
        applies_to: &[Model],
        compare: contract::ref_representation,
        doc: "Access, latest version or deprecation date differ.",
        ..BASE
    },
    Reason {
        id: "source",
        title: "source properties",
        applies_to: &[Source],
        compare: resource::source,
        doc: "Quoting, freshness, loaded_at_field or external differ. Descriptions, columns and tags do not count.",
        ..BASE
    },
    Reason {
        id: "exposure",
        title: "exposure properties",
        severity: Severity::Metadata,
        applies_to: &[Exposure],
        compare: resource::exposure,
        doc: "Type, owner, maturity, url, description, label or what it depends on differ.",
        ..BASE
    },
    Reason {
        id: "metric",
        title: "metric properties",
        applies_to: &[Metric],
        compare: resource::metric,
        doc: "Type, description or label differ. What the metric computes does not count in dbt.",
        ..BASE
    },
    Reason {
        id: "semantic_model",
        title: "semantic model properties",
        applies_to: &[SemanticModel],
        compare: resource::semantic_model,
        doc: "Model, description, defaults, entities, dimensions, measures, primary entity or group differ.",
        ..BASE
    },
    Reason {
        id: "saved_query",
        title: "saved query properties",
        applies_to: &[SavedQuery],
        compare: resource::saved_query,
        doc: "What it queries, its description, label, group, tags or exports differ.",
        ..BASE
    },
    Reason {
        id: "unit_test",
        title: "unit test",
        applies_to: &[UnitTest],
        compare: resource::unit_test,
        doc: "Its model, inputs, expectation or overrides differ. The description does not count.",
        ..BASE
    },
    Reason {
        id: "function",
        title: "signature of the function",
        applies_to: &[Function],
        compare: resource::function,
        doc: "What a function takes or returns differs, descriptions apart.",
        ..BASE
    },
    MACRO,
    VARS,
    ENV_VARS,
    MATERIALIZATION,
    NAMING,
    VALUE_MACRO,
    SEED_CONTENT,
    EPHEMERAL,
];

/// All reasons, that of a new node first.
#[cfg(test)]
pub(super) fn all_reasons() -> impl Iterator<Item = &'static Reason> {
    std::iter::once(&NEW).chain(REASONS)
}

/// What may follow `state:modified.`, each once: the reasons' own, and what leaves formatting out.
pub fn sub_selectors() -> impl Iterator<Item = &'static str> {
    let own = REASONS.iter().enumerate().filter_map(|(i, reason)| {
        let sub = reason.sub_selector?;
        (!REASONS[..i].iter().any(|earlier| earlier.sub_selector == Some(sub))).then_some(sub)
    });
    own.chain([SEMANTIC])
}

/// Whether a sub-selector selects a new node of this kind: when it has a comparison for it, which there is nothing to
/// make with. Macros are compared apart from the node, so being new is no reason there.
pub(super) fn sees_new(sub_selector: &str, kind: ResourceType) -> bool {
    sub_selector != "macros"
        && REASONS.iter().any(|reason| {
            !reason.beyond_dbt && reason.sub_selector == Some(sub_selector) && reason.applies_to.contains(&kind)
        })
}

/// Whether dbt counts a new node of this kind as modified.
pub(super) fn is_modified_when_new(kind: ResourceType) -> bool {
    !matches!(kind, Source | Exposure | Metric | SemanticModel | SavedQuery)
}

/// What dbt does not see is no part of its `modified`.
fn never(_: &Node) -> bool {
    false
}

fn always(_: &Node) -> bool {
    true
}

/// Of a generic test, dbt's `modified` looks at configuration and place alone.
fn not_a_generic_test(node: &Node) -> bool {
    node.as_test().is_none_or(|test| test.metadata.is_none())
}
