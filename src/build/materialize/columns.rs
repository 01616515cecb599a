//! Columns of two relations side by side: what was added, what is gone, what changed its type.

use crate::model::Column;

/// How the columns of a query differ from those of the table it goes into.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ColumnChanges {
    /// In the query only.
    pub(super) added: Vec<Column>,
    /// In the table only.
    pub(super) removed: Vec<Column>,
    /// In both with another type: the query's column, and the table's type.
    pub(super) retyped: Vec<(Column, String)>,
}

impl ColumnChanges {
    /// What changes when `source`'s rows are to go into `target`. Names are compared as the database keeps them.
    pub(super) fn between(source: &[Column], target: &[Column]) -> Self {
        let lacks = |list: &[Column], name: &str| !list.iter().any(|column| column.name == name);
        let mut changes = Self {
            added: source.iter().filter(|column| lacks(target, &column.name)).cloned().collect(),
            removed: target.iter().filter(|column| lacks(source, &column.name)).cloned().collect(),
            retyped: Vec::new(),
        };
        for column in source {
            let same = target.iter().find(|other| other.name == column.name);
            if let Some(other) = same.filter(|other| !other.data_type.eq_ignore_ascii_case(&column.data_type)) {
                changes.retyped.push((column.clone(), other.data_type.clone()));
            }
        }
        changes
    }

    /// Whether nothing differs.
    pub(super) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.retyped.is_empty()
    }

    /// One line that names every difference.
    pub(super) fn summary(&self) -> String {
        let list =
            |columns: &[Column]| columns.iter().map(|c| format!("{} {}", c.name, c.data_type)).collect::<Vec<_>>();
        let retyped =
            self.retyped.iter().map(|(new, old)| format!("{} {old} -> {}", new.name, new.data_type)).collect();
        [("added", list(&self.added)), ("removed", list(&self.removed)), ("type changed", retyped)]
            .into_iter()
            .filter(|(_, columns): &(_, Vec<String>)| !columns.is_empty())
            .map(|(what, columns)| format!("{what}: {}", columns.join(", ")))
            .collect::<Vec<_>>()
            .join("; ")
    }
}

/// The columns' names.
pub(super) fn names(columns: &[Column]) -> Vec<String> {
    columns.iter().map(|column| column.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::ColumnChanges;
    use crate::model::Column;

    fn columns(list: &[(&str, &str)]) -> Vec<Column> {
        list.iter().map(|(name, kind)| Column { name: (*name).into(), data_type: (*kind).into() }).collect()
    }

    #[test]
    fn changes_tell_added_removed_and_retyped_columns_apart() {
        let changes = ColumnChanges::between(
            &columns(&[("id", "BIGINT"), ("new", "DATE"), ("same", "varchar")]),
            &columns(&[("same", "VARCHAR"), ("id", "INTEGER"), ("gone", "TEXT")]),
        );
        assert_eq!(changes.summary(), "added: new DATE; removed: gone TEXT; type changed: id INTEGER -> BIGINT");
        assert!(ColumnChanges::between(&columns(&[("a", "x")]), &columns(&[("a", "X")])).is_empty());
    }
}
