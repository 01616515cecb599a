//! Snapshots: how rows that changed are closed and opened again. The rows are those dbt writes, column by column; how
//! the statements get there is our own: the query runs once into a temporary table, what closes and what opens is
//! worked out before the target is touched, and then one update and one insert apply it.
//! What the rows must be: <https://docs.getdbt.com/docs/build/snapshots>.

use crate::model::{Column, Relation};

use super::{Dialect, SnapshotSpec, named, quoted_list};

const SOURCE: &str = "slimdiff_snapshot_source";
const CLOSED: &str = "slimdiff_snapshot_closed";
const OPENED: &str = "slimdiff_snapshot_opened";

/// The snapshot's own columns by name.
struct Meta<'a> {
    valid_from: &'a str,
    valid_to: &'a str,
    scd_id: &'a str,
    updated_at: &'a str,
    is_deleted: &'a str,
}

impl<'a> Meta<'a> {
    fn of(spec: &'a SnapshotSpec) -> Self {
        let [valid_from, valid_to, scd_id, updated_at, is_deleted] = &spec.meta_columns;
        Self { valid_from, valid_to, scd_id, updated_at, is_deleted }
    }
}

/// Whether deleted rows get a row of their own that says so.
fn records_deletions(spec: &SnapshotSpec) -> bool {
    spec.hard_deletes == "new_record"
}

/// See [`Dialect::snapshot_initial`].
pub(super) fn initial<D: Dialect + ?Sized>(dialect: &D, sql: &str, spec: &SnapshotSpec) -> String {
    let meta = Meta::of(spec);
    let updated_at = updated_at(dialect, spec);
    let deleted =
        if records_deletions(spec) { format!(",\n    'False' as {}", meta.is_deleted) } else { String::new() };
    format!(
        "select *,\n    {} as {},\n    {updated_at} as {},\n    {updated_at} as {},\n    {} as {}{deleted}\n\
         from (\n{sql}\n) as slimdiff_query",
        scd_id(dialect, spec),
        meta.scd_id,
        meta.updated_at,
        meta.valid_from,
        open_end(spec, &updated_at),
        meta.valid_to,
    )
}

/// See [`Dialect::snapshot_update`].
pub(super) fn update<D: Dialect + ?Sized>(
    dialect: &D,
    target: &Relation,
    sql: &str,
    columns: &[Column],
    spec: &SnapshotSpec,
) -> Vec<String> {
    let meta = Meta::of(spec);
    let columns: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let mut own = vec![meta.scd_id, meta.updated_at, meta.valid_from, meta.valid_to];
    if records_deletions(spec) {
        own.push(meta.is_deleted);
    }
    let all = format!("{}, {}", quoted_list(dialect, &columns), own.join(", "));
    let (closed, opened) = (dialect.quote(CLOSED), dialect.quote(OPENED));

    let mut statements = dialect.replace_temporary(SOURCE, &source(dialect, sql, spec));
    statements.extend(dialect.replace_temporary(CLOSED, &closed_rows(dialect, target, &columns, spec)));
    statements.extend(dialect.replace_temporary(OPENED, &opened_rows(dialect, target, &columns, spec)));
    statements.push(format!(
        "update {target} as kept\nset {valid_to} = closed.valid_to\nfrom {closed} as closed\n\
         where kept.{scd_id} = closed.scd_id and {current}",
        valid_to = meta.valid_to,
        scd_id = meta.scd_id,
        current = is_current(spec, "kept."),
    ));
    statements.push(format!("insert into {target} ({all})\nselect {all}\nfrom {opened}"));
    statements.extend([SOURCE, CLOSED, OPENED].map(|name| format!("drop table {}", dialect.quote(name))));
    statements
}

/// The query's rows with their keys, time and id.
fn source<D: Dialect + ?Sized>(dialect: &D, sql: &str, spec: &SnapshotSpec) -> String {
    format!(
        "select *,\n    {},\n    {} as slimdiff_updated_at,\n    {} as slimdiff_scd_id\n\
         from (\n{sql}\n) as slimdiff_query",
        keys(spec),
        updated_at(dialect, spec),
        scd_id(dialect, spec),
    )
}

/// Ids of the target's current rows that end now: changed ones, and deleted ones where those count.
fn closed_rows<D: Dialect + ?Sized>(dialect: &D, target: &Relation, columns: &[String], spec: &SnapshotSpec) -> String {
    let meta = Meta::of(spec);
    let (source, current, on) = (dialect.quote(SOURCE), current_rows(target, spec), same_key(spec));
    let changed = format!(
        "select snapshotted.{} as scd_id, source.slimdiff_updated_at as valid_to, false as is_deleted\n\
         from {source} as source\njoin {current} as snapshotted on {on}\nwhere {}",
        meta.scd_id,
        is_changed(dialect, columns, spec),
    );
    if spec.hard_deletes == "ignore" {
        return changed;
    }
    // A row that says it is deleted does not end because it is still deleted.
    let known = if records_deletions(spec) {
        format!("\nand snapshotted.{} is distinct from 'True'", meta.is_deleted)
    } else {
        String::new()
    };
    format!(
        "{changed}\nunion all\nselect snapshotted.{}, {}, true\nfrom {current} as snapshotted\n\
         left join {source} as source on {on}\nwhere source.slimdiff_key_1 is null{known}",
        meta.scd_id,
        dialect.current_timestamp(),
    )
}

/// Rows that begin now: new and changed ones, and records of deletions where those are kept.
fn opened_rows<D: Dialect + ?Sized>(dialect: &D, target: &Relation, columns: &[String], spec: &SnapshotSpec) -> String {
    let meta = Meta::of(spec);
    let (source, current, on) = (dialect.quote(SOURCE), current_rows(target, spec), same_key(spec));
    let of = |side: &str| columns.iter().map(|name| format!("{side}.{}", dialect.quote(name))).collect::<Vec<_>>();
    let deleted = |value: &str| {
        if records_deletions(spec) { format!(", '{value}' as {}", meta.is_deleted) } else { String::new() }
    };
    let opened = format!(
        "select {columns}, source.slimdiff_scd_id as {scd_id}, source.slimdiff_updated_at as {updated_at}, \
         source.slimdiff_updated_at as {valid_from}, {end} as {valid_to}{deleted}\n\
         from {source} as source\nleft join {current} as snapshotted on {on}\n\
         where snapshotted.slimdiff_key_1 is null or ({changed})",
        columns = of("source").join(", "),
        scd_id = meta.scd_id,
        updated_at = meta.updated_at,
        valid_from = meta.valid_from,
        end = open_end(spec, "source.slimdiff_updated_at"),
        valid_to = meta.valid_to,
        deleted = deleted("False"),
        changed = is_changed(dialect, columns, spec),
    );
    if !records_deletions(spec) {
        return opened;
    }
    let id = hash(&[format!("snapshotted.{}", meta.scd_id), "closed.valid_to".to_owned()]);
    format!(
        "{opened}\nunion all\nselect {columns}, {id}, closed.valid_to, closed.valid_to, \
         snapshotted.{valid_to}{deleted}\nfrom {current} as snapshotted\n\
         join {closed} as closed on closed.scd_id = snapshotted.{scd_id}\nwhere closed.is_deleted",
        columns = of("snapshotted").join(", "),
        valid_to = meta.valid_to,
        deleted = deleted("True"),
        closed = dialect.quote(CLOSED),
        scd_id = meta.scd_id,
    )
}

/// The target's current rows with their keys.
fn current_rows(target: &Relation, spec: &SnapshotSpec) -> String {
    format!("(select *, {} from {target} where {})", keys(spec), is_current(spec, ""))
}

fn is_current(spec: &SnapshotSpec, side: &str) -> String {
    let valid_to = Meta::of(spec).valid_to;
    match &spec.valid_to_current {
        Some(current) => format!("({side}{valid_to} = {current} or {side}{valid_to} is null)"),
        None => format!("{side}{valid_to} is null"),
    }
}

/// The key as columns `slimdiff_key_1` and so on.
fn keys(spec: &SnapshotSpec) -> String {
    let keys = spec.unique_key.iter().enumerate();
    keys.map(|(i, key)| format!("{key} as slimdiff_key_{}", i + 1)).collect::<Vec<_>>().join(", ")
}

fn same_key(spec: &SnapshotSpec) -> String {
    let keys = 1..=spec.unique_key.len();
    keys.map(|i| format!("source.slimdiff_key_{i} = snapshotted.slimdiff_key_{i}")).collect::<Vec<_>>().join(" and ")
}

/// Whether a row of the query differs from the snapshot's current one.
fn is_changed<D: Dialect + ?Sized>(dialect: &D, columns: &[String], spec: &SnapshotSpec) -> String {
    let meta = Meta::of(spec);
    let changed = if spec.check_cols_added {
        "true".to_owned()
    } else if spec.check_cols.is_empty() {
        format!("snapshotted.{} < source.slimdiff_updated_at", meta.valid_from)
    } else {
        let differs = |column: &String| {
            let column = named(dialect, column, columns);
            format!("snapshotted.{column} is distinct from source.{column}")
        };
        spec.check_cols.iter().map(differs).collect::<Vec<_>>().join(" or ")
    };
    if records_deletions(spec) {
        // A row that comes back opens again, whatever it holds.
        return format!("{changed} or snapshotted.{} = 'True'", meta.is_deleted);
    }
    changed
}

/// The time a row counts from.
fn updated_at<D: Dialect + ?Sized>(dialect: &D, spec: &SnapshotSpec) -> String {
    spec.updated_at.clone().unwrap_or_else(|| dialect.current_timestamp().to_owned())
}

/// `dbt_valid_to` of a current row, of the type of its time.
fn open_end(spec: &SnapshotSpec, updated_at: &str) -> String {
    let null = format!("nullif({updated_at}, {updated_at})");
    match &spec.valid_to_current {
        Some(current) => format!("coalesce({null}, {current})"),
        None => null,
    }
}

/// The id of a row: its key and time.
fn scd_id<D: Dialect + ?Sized>(dialect: &D, spec: &SnapshotSpec) -> String {
    let mut parts = spec.unique_key.clone();
    parts.push(updated_at(dialect, spec));
    hash(&parts)
}

/// dbt's hash of values: MD5 of their texts with bars between, NULL being the empty text.
fn hash(parts: &[String]) -> String {
    let parts: Vec<String> = parts.iter().map(|part| format!("coalesce(cast({part} as varchar), '')")).collect();
    format!("md5({})", parts.join(" || '|' || "))
}
