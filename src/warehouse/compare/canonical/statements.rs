//! The statements of a comparison across databases. Each is of one side only.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::ops::Range;

use super::super::kinds::Kind;
use super::super::search::{self, LOOK};
use super::encoding::{Field, Typed};
use crate::model::{Relation, Table};
use crate::warehouse::compare::{Side, rows_of};
use crate::warehouse::{Dialect, DuckDb};

/// `concat` takes at most a hundred arguments on PostgreSQL.
const ARGUMENTS: usize = 90;
/// The most bits of a segment's number: five hexadecimal digits of a hash.
const DIGITS: usize = 5;
/// Values of a page that a cursor gives.
const CURSOR_VALUES: usize = 60_000;
/// Values that `DuckDB`, which is in this process, is asked to bring in order at once; and into how many parts the rows
/// are divided for that at most, since each takes a scan.
const SORTED_VALUES: u64 = 3_000_000;
const PARTS: u64 = 8;
/// The cursor.
const ROWS: &str = "slimdiff_rows";

/// Statements with which a comparison begins: all queries after them see one state of the data, and the server writes
/// values in one way whatever it is set to. It only reads. There is memory for the sums of all segments, of which the
/// default would put a part on disk, with the rows they are made of.
pub fn begin(dialect: &dyn Dialect) -> &'static str {
    match dialect.name() {
        "postgres" => {
            "begin transaction isolation level repeatable read, read only;\n\
             set local datestyle to 'ISO, YMD'; set local intervalstyle to postgres; set local timezone to 'UTC';\n\
             set local extra_float_digits to 1; set local bytea_output to hex; set local lc_monetary to 'C';\n\
             select set_config('work_mem', '64MB', true) from pg_catalog.pg_settings\n\
             where name = 'work_mem' and cast(setting as bigint) < 65536"
        }
        _ => "begin transaction",
    }
}

/// A query for the encoding of texts, where it may be another than UTF-8. `SQL_ASCII` is of bytes that nobody knows.
pub fn server_encoding(dialect: &dyn Dialect) -> Option<&'static str> {
    (dialect.name() == "postgres").then_some("select pg_catalog.current_setting('server_encoding')")
}

/// A query for what the types are that their names do not tell: enums, domains, and texts of extensions. To be given
/// to [`with_resolved`]. None when all are known.
pub fn resolve_types(dialect: &dyn Dialect, types: &[Typed]) -> Option<String> {
    let mut names: Vec<&str> = types.iter().filter_map(unknown).collect();
    names.sort_unstable();
    names.dedup();
    if dialect.name() != "postgres" || names.is_empty() {
        return None;
    }
    let names: Vec<String> = names.iter().map(|name| dialect.literal(name)).collect();
    Some(format!(
        "with recursive known (name, oid, typmod) as (\n    \
         select name, cast(pg_catalog.to_regtype(name) as oid), -1 from unnest(array[{}]) as names (name)\n    \
         union all\n    select name, typbasetype, typtypmod from known\n    \
         join pg_catalog.pg_type on pg_type.oid = known.oid where typtype = 'd'\n)\n\
         select name, case when typtype = 'e' then 'enum' when typcategory = 'S' then 'text' \
         else pg_catalog.format_type(known.oid, typmod) end\n\
         from known join pg_catalog.pg_type on pg_type.oid = known.oid where typtype <> 'd'",
        names.join(", ")
    ))
}

/// The name of the type, or of its items, when the name does not tell what it is.
fn unknown(typed: &Typed) -> Option<&str> {
    match &typed.kind {
        Kind::Other => Some(&typed.name),
        Kind::List(item) if **item == Kind::Other => typed.name.strip_suffix("[]"),
        _ => None,
    }
}

/// The types with what the query of [`resolve_types`] found.
pub fn with_resolved(types: Vec<Typed>, found: &Table) -> Vec<Typed> {
    let text = |row: &[crate::model::Value], at: usize| row.get(at).and_then(|value| value.as_str().map(str::to_owned));
    let known: HashMap<String, String> =
        found.rows.iter().filter_map(|row| Some((text(row, 0)?, text(row, 1)?))).collect();
    let resolve = |typed: Typed| {
        let Some(name) = unknown(&typed).and_then(|name| known.get(name)) else { return typed };
        let kind = Kind::parse(name);
        let kind = if typed.name.ends_with("[]") { Kind::List(Box::new(kind)) } else { kind };
        Typed { kind, ..typed }
    };
    types.into_iter().map(resolve).collect()
}

/// Which segments of rows are looked at. A row is in a segment by the first bits of its key's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segments {
    bits: u32,
    chosen: Vec<bool>,
}

impl Segments {
    /// The most bits there can be.
    pub const MOST_BITS: u32 = 18;

    /// The segments of which the two sides have different sums, `bits` being the bits of a segment's number.
    pub fn differing(bits: u32, baseline: &[u128], current: &[u128]) -> Self {
        let chosen = baseline.iter().zip(current).map(|(baseline, current)| baseline != current).collect();
        Self { bits, chosen }
    }

    /// How many are looked at.
    pub fn count(&self) -> usize {
        self.chosen.iter().filter(|chosen| **chosen).count()
    }

    /// The segments in parts that have at most so many rows, as far as can be told from the number of all rows; but in
    /// no more than [`PARTS`].
    fn parts(&self, total: u64, at_most: u64) -> Vec<Range<usize>> {
        let chosen: Vec<usize> = (0..self.chosen.len()).filter(|&number| self.chosen[number]).collect();
        let rows = ((total >> self.bits) + 1).saturating_mul(chosen.len() as u64);
        let parts = usize::try_from(rows.div_ceil(at_most).clamp(1, PARTS)).unwrap_or(1);
        let most = chosen.len().div_ceil(parts).max(1);
        chosen.chunks(most).filter_map(|part| Some(*part.first()?..*part.last()? + 1)).collect()
    }

    /// `DuckDB`'s condition on the hash of the key, for the chosen segments of a range. By the first digits of the hash as
    /// a text, which for most rows is all that is looked at.
    fn within(&self, key: &str, range: Range<usize>) -> String {
        let shift = 4 * DIGITS - self.bits as usize;
        let (first, last) = (range.start << shift, (range.end << shift) - 1);
        let within = format!("{key} between '{first:0DIGITS$x}' and '{last:0DIGITS$x}~'");
        let chosen = &self.chosen[range.clone()];
        if !chosen.contains(&false) {
            return within;
        }
        let bits: String = chosen.iter().map(|&chosen| if chosen { '1' } else { '0' }).collect();
        let number = segment(&DuckDb, key, self.bits);
        format!("case when {within} then get_bit('{bits}'::bit, {number} - {}) = 1 else false end", range.start)
    }

    /// PostgreSQL's condition on the hash of the key, if there is one to make.
    fn condition(&self, dialect: &dyn Dialect, hash: &str) -> Option<String> {
        if self.chosen.iter().all(|chosen| *chosen) {
            return None;
        }
        // The lowest bit of a byte comes first.
        let mut digits = String::new();
        for eight in self.chosen.chunks(8) {
            let byte = eight.iter().rev().fold(0_u8, |byte, &chosen| (byte << 1) | u8::from(chosen));
            // Writing to a String cannot fail.
            let _ = write!(digits, "{byte:02x}");
        }
        let number = segment(dialect, hash, self.bits);
        Some(format!("pg_catalog.get_bit(decode('{digits}', 'hex'), {number}) = 1"))
    }
}

/// The number of the segment of a hash.
fn segment(dialect: &dyn Dialect, hash: &str, bits: u32) -> String {
    let shift = 4 * DIGITS - bits as usize;
    if dialect.name() == "duckdb" {
        format!("(cast('0x' || substr({hash}, 1, {DIGITS}) as integer) >> {shift})")
    } else {
        format!("(cast(cast('x' || substr({hash}, 1, {DIGITS}) as bit(20)) as integer) >> {shift})")
    }
}

/// Sixty bits of a hash that say nothing of its segment.
fn addend(dialect: &dyn Dialect, hash: &str) -> String {
    if dialect.name() == "duckdb" {
        format!("cast('0x' || substr({hash}, 18, 15) as bigint)")
    } else {
        format!("cast(cast('x' || substr({hash}, 18, 15) as bit(60)) as bigint)")
    }
}

/// The sums by segment out of the answer to [`Source::segments`]; 0 of a segment without rows.
pub fn parse_sums(bits: u32, table: &Table) -> Option<Vec<u128>> {
    let mut sums = vec![0_u128; 1 << bits];
    for row in &table.rows {
        let text = row.first()?.as_str()?;
        for pair in text.split(',') {
            let (number, sum) = pair.split_once(':')?;
            *sums.get_mut(number.parse::<usize>().ok()?)? = sum.parse().ok()?;
        }
    }
    Some(sums)
}

/// Where the texts of a page's row are in it, in bytes; none of a NULL. None at all when it cannot be read. Each text is
/// behind its length in characters, as the items of a list are.
pub fn spans(texts: &str) -> Option<Vec<Option<Range<usize>>>> {
    let mut spans = Vec::new();
    let mut at = 0;
    while at < texts.len() {
        if texts[at..].starts_with('N') {
            spans.push(None);
            at += 1;
            continue;
        }
        let (length, rest) = texts[at..].split_once(':')?;
        at += length.len() + 1;
        let length: usize = length.parse().ok()?;
        let bytes = match rest.as_bytes().get(..length) {
            Some(bytes) if bytes.is_ascii() => length,
            _ => rest.char_indices().map(|(at, _)| at).chain([rest.len()]).nth(length)?,
        };
        spans.push(Some(at..at + bytes));
        at += bytes;
    }
    Some(spans)
}

/// How the rows of some segments are read: each row the hash of its key, that of all of it, then the texts of the key and
/// of the values in one, as [`spans`] takes them apart; in the order of the two hashes.
#[derive(Debug, Clone)]
pub enum Pages {
    /// Page by page from a cursor, which keeps its place on the server.
    Cursor {
        /// What is to be run first.
        open: String,
        /// The query of a page; the last has fewer rows than the others, or none.
        next: String,
        /// Rows of a page.
        rows: usize,
        /// What is to be run in the end.
        close: String,
    },
    /// From one query after the other, each of some neighboring segments, whose rows are to be taken as they come.
    Streams(Vec<String>),
}

/// The digits of the hashes in [`Source::evidence`].
pub const EVIDENCE: usize = 16;

/// One side of the comparison.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// How its engine writes SQL.
    pub dialect: &'a dyn Dialect,
    /// Which side it is.
    pub side: Side,
    /// The relation.
    pub relation: &'a Relation,
    /// The condition on its rows, if only some are compared.
    pub filter: Option<&'a str>,
    /// The share of keys that is compared, 0 to 1, and the columns that are the key for this purpose.
    pub sample: Option<(f64, &'a [Field])>,
    /// Whether its server keeps texts in another encoding than UTF-8.
    pub recodes: bool,
}

impl Source<'_> {
    /// One row: how many of the rows were looked at, then for each set of columns, given by their places, how many
    /// different values they have in them. NULLs are not counted.
    pub fn look(&self, fields: &[Field], candidates: &[Vec<usize>]) -> String {
        let columns: Vec<String> = fields.iter().map(|field| field.group(self.dialect, self.side)).collect();
        search::look(&self.rows(), &columns, candidates)
    }

    /// One row: rows beyond the first of each key, NULL being a value, and rows with NULL in the key.
    pub fn key_facts(&self, key: &[Field]) -> String {
        let groups: Vec<String> = key.iter().map(|field| field.group(self.dialect, self.side)).collect();
        let nulls =
            key.iter().map(|field| format!("{} is null", self.dialect.quote(self.side.of(&field.name).as_str())));
        format!(
            "select cast(coalesce(sum(n - 1), 0) as bigint), cast(coalesce(sum(nulls), 0) as bigint) from (\n    \
             select count(*) as n, count(case when {} then 1 end) as nulls from {}\n    group by {}\n) as keys",
            nulls.collect::<Vec<_>>().join(" or "),
            self.rows(),
            groups.join(", "),
        )
    }

    /// The keys that may be equal to another one of this side whose formed texts are not the same: the hash of each, and
    /// the texts of its columns, in the order of the hashes. `key` has rules for texts.
    pub fn similar_keys(&self, key: &[Field]) -> String {
        let coarse = self.hash(key, Field::coarse);
        let groups: Vec<String> = key.iter().map(|field| field.group(self.dialect, self.side)).collect();
        let texts = key.iter().enumerate();
        let texts = texts.map(|(at, field)| format!("min({}) as t{at}", field.text(self.dialect, self.side)));
        let names: Vec<String> = (0..key.len()).map(|at| format!("t{at}")).collect();
        format!(
            "select k, {names} from (\n    select {coarse} as k, {texts}, count(*) over (partition by {coarse}) as n from \
             {rows}\n    group by {coarse}, {groups}\n) as keys\nwhere n > 1 order by k",
            names = names.join(", "),
            texts = texts.collect::<Vec<_>>().join(", "),
            rows = self.rows(),
            groups = groups.join(", "),
        )
    }

    /// The sums of the rows' hashes by segment, for [`parse_sums`]. Without a key a row is its own key.
    pub fn segments(&self, key: &[Field], values: &[Field], bits: u32) -> String {
        let (k, r) = self.hashes(key, values);
        // The planner takes every hash for a segment of its own, and would sort whole rows by it.
        let hints = if self.dialect.name() == "duckdb" { "" } else { "set local enable_sort to off;\n" };
        // In some hundred pieces of text, which take less room than a row for each segment.
        format!(
            "{hints}select string_agg(cast(segment as {text}) || ':' || cast(total as {text}), ',') from (\n    \
             select segment, sum(addend) as total from (\n        \
             select {segment} as segment, {addend} as addend from (\n            \
             select {k} as k, {r} as r from {rows}\n        ) as hashed\n    ) as placed\n    group by segment\n\
             ) as summed\ngroup by segment >> 10",
            text = if self.dialect.name() == "duckdb" { "varchar" } else { "text" },
            segment = segment(self.dialect, "k", bits),
            addend = addend(self.dialect, "r"),
            rows = self.rows(),
        )
    }

    /// For columns that may have been renamed: the hash of the key, and 16 digits of the hash of each candidate's value
    /// behind each other, `N` for a NULL. They are of keys without NULL, and where there are many rows, of a share of
    /// keys that is the same on both sides; `total` is the number of rows of the larger one.
    pub fn evidence(&self, key: &[Field], candidates: &[Field], total: u64) -> String {
        let k = self.hash(key, Field::formed);
        let values = candidates.iter().enumerate();
        let values =
            values.map(|(at, field)| format!(", {} as v{at}", self.md5(&field.formed(self.dialect, self.side))));
        let parts = (0..candidates.len()).map(|at| format!("coalesce(substr(v{at}, 1, {EVIDENCE}), 'N')")).collect();
        let present = key.iter().map(|field| self.dialect.quote(self.side.of(&field.name).as_str()) + " is not null");
        // Digits that say nothing of a segment or a sample.
        let digits = format!("substr(k, 13, 7){}", if self.dialect.name() == "duckdb" { "" } else { " collate \"C\"" });
        let share = u128::from(LOOK) * 0x1000_0000 / u128::from(total.max(LOOK)) - 1;
        format!(
            "select k, {} from (\n    select {k} as k{} from {} where {}\n) as hashed where {digits} <= '{share:07x}' \
             limit {}",
            concat(parts),
            values.collect::<String>(),
            self.rows(),
            present.collect::<Vec<_>>().join(" and "),
            2 * LOOK,
        )
    }

    /// How many rows have which value of these columns, which are given with a number each: the number, the value as
    /// text, the rows.
    pub fn by_value(&self, fields: &[(usize, &Field)]) -> String {
        let parts = fields.iter().map(|(at, field)| {
            let value = field.text(self.dialect, self.side);
            format!("select {at} as at, {value} as value, count(*) as n from {} group by {value}", self.rows())
        });
        parts.collect::<Vec<_>>().join("\nunion all\n")
    }

    /// The rows of these segments; `total` is the number of all rows.
    pub fn pages(&self, key: &[Field], values: &[Field], segments: &Segments, total: u64) -> Pages {
        let (k, r) = self.hashes(key, values);
        let texts = key.iter().chain(values).enumerate();
        let texts = texts.map(|(at, field)| format!("{} as t{at}", field.text(self.dialect, self.side)));
        let texts: Vec<String> = texts.collect();
        let (texts, width, rows) = (texts.join(", "), texts.len() + 2, self.rows());
        let hashed = format!("select {k} as k, {r} as r, {texts} from {rows}");
        let packed = (0..width - 2).map(|at| format!("coalesce(length(t{at}) || ':' || t{at}, 'N')")).collect();
        let packed = format!("select k, r, {} as texts", concat(packed));
        if self.dialect.name() == "postgres" {
            let chosen = segments.condition(self.dialect, &k);
            let chosen = chosen.map(|condition| format!("\n    where {condition}")).unwrap_or_default();
            // Behind `offset` nothing is put off until the rows are sorted, which would then have to be sorted with
            // all that it takes.
            let open = format!(
                "set local enable_sort to default;\ndeclare {ROWS} no scroll cursor for\n{packed} from (\n    \
                 {hashed}{chosen}\n    offset 0\n) as hashed\norder by k collate \"C\", r collate \"C\""
            );
            let rows = (CURSOR_VALUES / width).clamp(20, 5_000);
            let next = format!("fetch forward {rows} from {ROWS}");
            return Pages::Cursor { open, next, rows, close: format!("close {ROWS}") };
        }
        let at_once = (SORTED_VALUES / width as u64).max(10_000);
        let ordered = |range: Range<usize>| {
            let chosen = segments.within(&k, range);
            format!("{packed} from (\n    {hashed}\n    where {chosen}\n) as hashed\norder by k, r")
        };
        Pages::Streams(segments.parts(total, at_once).into_iter().map(ordered).collect())
    }

    /// The rows that are compared, as what follows `from`.
    pub fn rows(&self) -> String {
        let rows = rows_of(self.relation, self.filter);
        let Some((share, key)) = self.sample else { return rows };
        // Digits of the hash that say nothing of its segment.
        let hash = format!("substr({}, 6, 7)", self.hash(key, Field::coarse));
        let hash = if self.dialect.name() == "duckdb" { hash } else { format!("{hash} collate \"C\"") };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share is at most 1")]
        let limit = (share.clamp(0.0, 1.0) * f64::from(0x0fff_ffff_u32)).round() as u32;
        format!("(select * from {rows} where {hash} < '{limit:07x}') as t")
    }

    /// The hashes of the key and of the whole row.
    fn hashes(&self, key: &[Field], values: &[Field]) -> (String, String) {
        let whole: Vec<Field> = key.iter().chain(values).cloned().collect();
        let key = if key.is_empty() { &whole } else { key };
        (self.hash(key, Field::coarse), self.hash(&whole, Field::formed))
    }

    fn hash(&self, fields: &[Field], text: impl Fn(&Field, &dyn Dialect, Side) -> String) -> String {
        let parts = fields.iter().flat_map(|field| {
            let text = text(field, self.dialect, self.side);
            field.parts(&text, |text| self.md5(text))
        });
        self.md5(&concat(parts.collect()))
    }

    fn md5(&self, text: &str) -> String {
        if self.recodes { format!("md5(convert_to({text}, 'UTF8'))") } else { format!("md5({text})") }
    }
}

/// All of these texts behind each other, NULL being no text.
fn concat(mut parts: Vec<String>) -> String {
    while parts.len() > ARGUMENTS {
        parts = parts.chunks(ARGUMENTS).map(|some| format!("concat({})", some.join(", "))).collect();
    }
    format!("concat({})", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn texts_of_a_row_are_taken_apart_by_their_characters() {
        let texts = |row: &'static str| {
            let spans = spans(row)?;
            Some(spans.into_iter().map(|span| span.map(|span| &row[span])).collect::<Vec<_>>())
        };
        assert_eq!(texts("1:aN0:3:N:ä2:🦆x"), Some(vec![Some("a"), None, Some(""), Some("N:ä"), Some("🦆x")]));
        assert_eq!(texts(""), Some(vec![]));
        for wrong in ["2:a", "x", "1:aN:", "9"] {
            assert_eq!(texts(wrong), None, "{wrong}");
        }
    }
}
