//! How a table of `BigQuery` is partitioned, as `adapter.parse_partition_by` tells it.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Object, ObjectRepr, Value};
use minijinja::{Error, ErrorKind, State};

use super::arguments::bind;
use crate::jinja::values::{fail, pairs_of};

/// `partition_by:` of a model, with what it leaves out filled in.
#[derive(Debug, Clone)]
struct Partition {
    field: String,
    data_type: String,
    granularity: String,
    /// `start`, `end` and `interval` of a partition by numbers.
    range: Value,
    time_ingestion_partitioning: bool,
    copy_partitions: bool,
}

/// Reads what a model says; none when it says nothing.
///
/// # Errors
/// It is no mapping, has no field, or a key that is not known.
pub(super) fn parse(raw: &Value) -> Result<Value, Error> {
    if raw.is_none() {
        return Ok(Value::from(()));
    }
    let mut partition = Partition {
        field: String::new(),
        data_type: "date".to_owned(),
        granularity: "day".to_owned(),
        range: Value::from(()),
        time_ingestion_partitioning: false,
        copy_partitions: false,
    };
    let pairs = pairs_of(raw).map_err(|_| fail(format!("partition_by is a mapping with a field, not {raw}")))?;
    for (key, value) in pairs {
        match key.as_str() {
            Some("field") => partition.field = value.to_string(),
            Some("data_type") => partition.data_type = value.to_string().to_lowercase(),
            Some("granularity") => partition.granularity = value.to_string(),
            Some("range") => partition.range = value,
            Some("time_ingestion_partitioning") => partition.time_ingestion_partitioning = value.is_true(),
            Some("copy_partitions") => partition.copy_partitions = value.is_true(),
            // The adapter ignores what it does not know.
            _ => {}
        }
    }
    if partition.field.is_empty() {
        return Err(fail("partition_by needs a field"));
    }
    Ok(Value::from_object(partition))
}

impl Partition {
    fn is_by_day(&self) -> bool {
        self.data_type == "date" && self.granularity == "day"
    }

    /// The expression that tells a row's partition.
    fn expression(&self, alias: Option<&str>) -> String {
        let column = alias.map_or_else(|| self.field.clone(), |alias| format!("{alias}.{}", self.field));
        if self.data_type == "int64" || self.is_by_day() {
            return column;
        }
        format!("{}_trunc({column}, {})", self.data_type, self.granularity)
    }

    /// The same for a value that may be of a finer type than the partition.
    fn wrapped(&self, alias: Option<&str>) -> String {
        let expression = self.expression(alias);
        if self.data_type == "int64" {
            let part = |key: &str| self.range.get_attr(key).unwrap_or_default();
            return format!("({expression} - MOD({expression} - {}, {}))", part("start"), part("interval"));
        }
        if self.is_by_day() && !self.time_ingestion_partitioning {
            return format!("date({expression})");
        }
        expression
    }
}

impl Object for Partition {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "field" => Value::from(self.field.as_str()),
            "data_type" => Value::from(self.data_type.as_str()),
            "granularity" => Value::from(self.granularity.as_str()),
            "range" => self.range.clone(),
            "time_ingestion_partitioning" => Value::from(self.time_ingestion_partitioning),
            "copy_partitions" => Value::from(self.copy_partitions),
            _ => return None,
        })
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartitionConfig(field={}, data_type={})", self.field, self.data_type)
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let alias = || Ok::<_, Error>(bind(method, &["alias"], args)?.text("alias"));
        Ok(match method {
            "render" => Value::from(self.expression(alias()?.as_deref())),
            "render_wrapped" => Value::from(self.wrapped(alias()?.as_deref())),
            "data_type_for_partition" => Value::from(self.data_type.as_str()),
            "data_type_should_be_truncated" => Value::from(self.data_type != "int64" && !self.is_by_day()),
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        })
    }
}
