//! What a change between two versions of a model can be, as a table: one row each, the gravest first.

use serde::{Deserialize, Serialize};

/// How much a change weighs for those who read the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeSeverity {
    /// The same result.
    Neutral,
    /// More than before; what was there is as it was.
    Additive,
    /// The same columns and rows with other values.
    ChangedValues,
    /// It could not be told.
    Unknown,
    /// A reader may fail, or gets other rows.
    Breaking,
}

/// One kind of change.
#[derive(Debug)]
pub struct ChangeKind {
    /// Stable id.
    pub id: &'static str,
    /// A few words for people.
    pub title: &'static str,
    /// How much it weighs.
    pub severity: ChangeSeverity,
    /// The rule, in one or two sentences.
    pub doc: &'static str,
}

use ChangeSeverity::{Additive, Breaking, ChangedValues, Neutral, Unknown};

/// All kinds of changes.
pub const CHANGES: &[ChangeKind] = &[
    ChangeKind {
        id: "column_removed",
        title: "column removed",
        severity: Breaking,
        doc: "The model no longer returns the column, under any name.",
    },
    ChangeKind {
        id: "column_renamed",
        title: "column renamed",
        severity: Breaking,
        doc: "The same expression is returned under another name, and nothing else is under the old one.",
    },
    ChangeKind {
        id: "column_retyped",
        title: "column of another type",
        severity: Breaking,
        doc: "The same expression is cast to another type, or its upstream column is known to have another one.",
    },
    ChangeKind {
        id: "filter_changed",
        title: "filter changed",
        severity: Breaking,
        doc: "A condition of `where` or `having` was added, removed or changed, in the query or in what it reads from.",
    },
    ChangeKind {
        id: "join_changed",
        title: "join changed",
        severity: Breaking,
        doc: "A join was added or removed, is of another kind, or has other conditions.",
    },
    ChangeKind {
        id: "grain_changed",
        title: "grain changed",
        severity: Breaking,
        doc: "What one row stands for may differ: `group by`, `distinct`, `qualify`, a set operation, a limit, `unnest` or `pivot` changed.",
    },
    ChangeKind {
        id: "source_changed",
        title: "reads another relation",
        severity: Breaking,
        doc: "A relation is read that was not, or no longer read, without a join or union that says so.",
    },
    ChangeKind {
        id: "not_followed",
        title: "could not be followed",
        severity: Unknown,
        doc: "A part of one of the versions is not understood or its columns are not known, so nothing can be said of it.",
    },
    ChangeKind {
        id: "structure_changed",
        title: "rearranged",
        severity: Unknown,
        doc: "The same conditions over the same columns stand in other places; whether the rows are the same is not shown.",
    },
    ChangeKind {
        id: "expression_changed",
        title: "values changed",
        severity: ChangedValues,
        doc: "The column is computed by another expression, here or in a query it reads from.",
    },
    ChangeKind {
        id: "column_added_between",
        title: "column added between others",
        severity: Additive,
        doc: "A new column stands before one that was there: who reads by name sees no difference, who reads by place does.",
    },
    ChangeKind {
        id: "column_moved",
        title: "columns in another order",
        severity: Additive,
        doc: "The same columns in another order: who reads by name sees no difference, who reads by place does.",
    },
    ChangeKind {
        id: "column_added_last",
        title: "column added at the end",
        severity: Additive,
        doc: "A new column stands behind all that were there.",
    },
    ChangeKind {
        id: "order_changed",
        title: "sorted differently",
        severity: Neutral,
        doc: "`order by` without a limit at the end of the query differs: the rows are the same.",
    },
    ChangeKind {
        id: "equivalent",
        title: "written differently",
        severity: Neutral,
        doc: "The same expressions over the same rows: aliases, names and number of `with` queries, or the order of conditions differ.",
    },
    ChangeKind {
        id: "same_ast",
        title: "same syntax tree",
        severity: Neutral,
        doc: "Written differently, but the parser reads the same.",
    },
    ChangeKind {
        id: "same_tokens",
        title: "same tokens",
        severity: Neutral,
        doc: "Comments, white space, the case of keywords, trailing commas and semicolons aside, the same text.",
    },
];

/// What a change can be that is not told from two queries.
pub const OTHER_CHANGES: &[ChangeKind] = &[
    ChangeKind {
        id: "seed_data_changed",
        title: "seed data changed",
        severity: ChangedValues,
        doc: "The rows of a seed were edited.",
    },
    ChangeKind {
        id: "definition_changed",
        title: "definition changed",
        severity: ChangedValues,
        doc: "A function, semantic model, metric or saved query was edited.",
    },
    ChangeKind { id: "new_model", title: "new", severity: Additive, doc: "The baseline has no such model." },
    ChangeKind {
        id: "same_code",
        title: "same code",
        severity: Neutral,
        doc: "The code and the macros that it calls are as they were; what the baseline compiled them to is not known.",
    },
];

/// The kind with this id.
pub fn change_kind(id: &str) -> Option<&'static ChangeKind> {
    CHANGES.iter().chain(OTHER_CHANGES).find(|kind| kind.id == id)
}
