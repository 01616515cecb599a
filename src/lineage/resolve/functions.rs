//! What is known of functions by their names.

use crate::lineage::Dialect;

/// Functions of many rows.
const AGGREGATES: &[&str] = &[
    "any",
    "any_value",
    "approx_count_distinct",
    "approx_percentile",
    "approx_quantile",
    "approx_quantiles",
    "approx_top_count",
    "approx_top_k",
    "arbitrary",
    "arg_max",
    "arg_min",
    "argmax",
    "argmin",
    "array_agg",
    "array_concat_agg",
    "array_union_agg",
    "array_unique_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bitand_agg",
    "bitor_agg",
    "bool_and",
    "bool_or",
    "booland_agg",
    "boolor_agg",
    "collect_list",
    "collect_set",
    "corr",
    "count",
    "count_if",
    "count_star",
    "countif",
    "covar_pop",
    "covar_samp",
    "every",
    "favg",
    "first",
    "fsum",
    "geomean",
    "group_concat",
    "hll",
    "hll_count_init",
    "histogram",
    "json_agg",
    "json_arrayagg",
    "json_group_array",
    "json_object_agg",
    "jsonb_agg",
    "jsonb_object_agg",
    "kurtosis",
    "last",
    "list",
    "listagg",
    "logical_and",
    "logical_or",
    "mad",
    "map_agg",
    "max",
    "max_by",
    "mean",
    "median",
    "min",
    "min_by",
    "mode",
    "object_agg",
    "percentile",
    "percentile_approx",
    "percentile_cont",
    "percentile_disc",
    "product",
    "quantile",
    "quantile_cont",
    "quantile_disc",
    "regr_r2",
    "regr_slope",
    "regr_intercept",
    "regr_count",
    "skewness",
    "some",
    "st_union_agg",
    "std",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "sum_distinct",
    "total",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];

/// Functions that only window functions can be.
const WINDOWS: &[&str] = &[
    "row_number",
    "rank",
    "dense_rank",
    "percent_rank",
    "cume_dist",
    "ntile",
    "lag",
    "lead",
    "first_value",
    "last_value",
    "nth_value",
    "ratio_to_report",
    "conditional_true_event",
    "conditional_change_event",
];

/// Functions whose arguments may be functions of one element.
const HIGHER_ORDER: &[&str] = &[
    "aggregate",
    "all_match",
    "any_match",
    "apply",
    "array_apply",
    "array_filter",
    "array_reduce",
    "array_sort",
    "array_transform",
    "exists",
    "filter",
    "forall",
    "list_apply",
    "list_filter",
    "list_reduce",
    "list_transform",
    "map_filter",
    "map_zip_with",
    "none_match",
    "reduce",
    "transform",
    "transform_keys",
    "transform_values",
    "zip_with",
];

/// Functions that make rows of a list when they stand in a select list.
const EXPANDING: &[&str] = &[
    "unnest",
    "explode",
    "explode_outer",
    "posexplode",
    "posexplode_outer",
    "inline",
    "inline_outer",
    "stack",
    "generate_series",
    "generate_subscripts",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "json_array_elements",
    "json_array_elements_text",
    "jsonb_each",
    "json_each",
    "jsonb_object_keys",
    "json_object_keys",
    "regexp_split_to_table",
    "string_to_table",
    "flatten",
];

/// Names that stand for a value without being a column.
const VALUES: &[&str] = &[
    "current_catalog",
    "current_date",
    "current_role",
    "current_schema",
    "current_time",
    "current_timestamp",
    "current_user",
    "getdate",
    "localtime",
    "localtimestamp",
    "session_user",
    "sysdate",
    "systimestamp",
    "user",
    "rownum",
    "rowid",
    "rowscn",
    "ctid",
    "xmin",
    "oid",
    "tableoid",
    "default",
    "_partitiontime",
    "_partitiondate",
    "_table_suffix",
    "_file_name",
    "input_file_name",
    "_metadata",
    "level",
    "filename",
    "value_of_default",
    "metadata$filename",
    "metadata$file_row_number",
    "metadata$action",
    "metadata$isupdate",
    "metadata$row_id",
];

/// Functions that take a part of a date as a bare word, with the places of the arguments where it may stand.
const WITH_DATE_PARTS: &[(&str, &[usize])] = &[
    ("dateadd", &[0]),
    ("date_add", &[0, 2]),
    ("date_sub", &[0, 2]),
    ("timestampadd", &[0]),
    ("timestamp_add", &[0]),
    ("datediff", &[0, 2]),
    ("date_diff", &[0, 2]),
    ("timestampdiff", &[0]),
    ("timestamp_diff", &[2]),
    ("datetime_diff", &[2]),
    ("time_diff", &[2]),
    ("datetime_add", &[2]),
    ("datetime_sub", &[2]),
    ("date_part", &[0]),
    ("datepart", &[0]),
    ("date_trunc", &[0, 1]),
    ("datetime_trunc", &[1]),
    ("timestamp_trunc", &[1]),
    ("time_trunc", &[1]),
    ("trunc", &[1]),
    ("last_day", &[1]),
    ("time_slice", &[2]),
    ("next_day", &[1]),
    ("extract", &[0]),
    ("monthname", &[]),
    ("generate_date_array", &[3]),
    ("months_between", &[]),
];

const DATE_PARTS: &[&str] = &[
    "microsecond",
    "microseconds",
    "millisecond",
    "milliseconds",
    "nanosecond",
    "nanoseconds",
    "second",
    "seconds",
    "minute",
    "minutes",
    "hour",
    "hours",
    "day",
    "days",
    "dayofweek",
    "dayofyear",
    "week",
    "weeks",
    "isoweek",
    "weekiso",
    "month",
    "months",
    "quarter",
    "quarters",
    "year",
    "years",
    "isoyear",
    "yy",
    "yyyy",
    "mm",
    "mon",
    "dd",
    "d",
    "hh",
    "h",
    "mi",
    "n",
    "ss",
    "s",
    "ms",
    "us",
    "ns",
    "dow",
    "doy",
    "epoch",
    "epoch_second",
    "decade",
    "century",
    "millennium",
    "dw",
    "wk",
    "ww",
    "qtr",
    "qq",
    "y",
    "q",
    "m",
    "w",
    "p",
    "date",
    "time",
    "dayofweekiso",
    "yearofweek",
];

fn is_in(list: &[&str], name: &str) -> bool {
    list.contains(&name)
}

/// Whether it makes one value of many rows; `name` is in lower case.
pub(super) fn is_aggregate(name: &str) -> bool {
    is_in(AGGREGATES, name)
}

/// Whether it is a window function by its name.
pub(super) fn is_window(name: &str) -> bool {
    is_in(WINDOWS, name)
}

/// Whether an arrow in its arguments makes a function.
pub(super) fn takes_functions(name: &str) -> bool {
    is_in(HIGHER_ORDER, name)
}

/// Whether it makes rows in a select list.
pub(super) fn expands(name: &str) -> bool {
    is_in(EXPANDING, name)
}

/// Whether the name is a value when no column has it.
pub(super) fn is_value(name: &str) -> bool {
    is_in(VALUES, name)
}

/// Whether the argument at this place of the function is a part of a date when it is a bare `word`.
pub(super) fn is_date_part(function: &str, place: usize, word: &str, dialect: Dialect) -> bool {
    let Some((_, places)) = WITH_DATE_PARTS.iter().find(|(name, _)| *name == function) else { return false };
    // BigQuery has the part behind the dates, the others in front where they have it there at all.
    let takes = match (places, dialect) {
        ([_, last], Dialect::BigQuery) => place == *last,
        ([first, _], _) => place == *first,
        (places, _) => places.contains(&place),
    };
    takes && is_in(DATE_PARTS, &word.to_ascii_lowercase())
}

/// The columns of a function that makes a table, where they are the same whatever its arguments are.
pub(super) fn columns_of(function: &str) -> Option<&'static [&'static str]> {
    Some(match function {
        "flatten" => &["seq", "key", "path", "index", "value", "this"],
        "split_to_table" => &["seq", "index", "value"],
        "jsonb_each" | "json_each" | "jsonb_each_text" | "json_each_text" => &["key", "value"],
        "jsonb_array_elements" | "json_array_elements" | "jsonb_array_elements_text" | "json_array_elements_text" => {
            &["value"]
        }
        "posexplode" | "posexplode_outer" => &["pos", "col"],
        "explode" | "explode_outer" => &["col"],
        _ => return None,
    })
}

/// Whether it makes a table of one column with its own name.
pub(super) fn makes_one_column(function: &str) -> bool {
    matches!(
        function,
        "unnest"
            | "generate_series"
            | "range"
            | "generate_subscripts"
            | "regexp_split_to_table"
            | "string_to_table"
            | "jsonb_object_keys"
            | "json_object_keys"
            | "glob"
    )
}

/// Functions and words whose value is another one each time a query runs, on at least one engine.
const UNSTABLE: &[&str] = &[
    "clock_timestamp",
    "current_date",
    "current_datetime",
    "current_localtime",
    "current_localtimestamp",
    "current_time",
    "current_timestamp",
    "gen_random_uuid",
    "generate_uuid",
    "get_current_time",
    "get_current_timestamp",
    "getdate",
    "localtime",
    "localtimestamp",
    "nextval",
    "now",
    "rand",
    "random",
    "randn",
    "sysdate",
    "sysdatetime",
    "sysutcdatetime",
    "systimestamp",
    "timeofday",
    "today",
    "transaction_timestamp",
    "statement_timestamp",
    "txid_current",
    "unix_timestamp",
    "uuid",
    "uuid_generate_v1",
    "uuid_generate_v4",
    "uuid_string",
    "uuidv4",
    "uuidv7",
];

/// Window functions whose value depends on the order of the rows.
const ORDERED: &[&str] = &["row_number", "lag", "lead", "first_value", "last_value", "nth_value", "ntile"];

/// Whether a function or word has another value each time a query runs.
pub(super) fn is_unstable(name: &str) -> bool {
    UNSTABLE.contains(&name)
}

/// Whether a window function needs an order to give the same each time.
pub(super) fn needs_order(name: &str) -> bool {
    ORDERED.contains(&name)
}
