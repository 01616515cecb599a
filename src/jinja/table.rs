//! Query results as templates see them: columns and rows, by position or by name.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ObjectRepr, Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

use super::repr;
use super::values::{dict, fail, from_database, list, tuple};
use crate::model;

/// A query's result.
#[derive(Debug)]
pub(super) struct TableValue {
    names: Arc<Vec<String>>,
    types: Vec<String>,
    rows: Vec<Vec<Value>>,
}

/// A query's result as a template sees it.
pub(super) fn table_value(table: &model::Table) -> Value {
    Value::from_object(TableValue {
        names: Arc::new(table.columns.iter().map(|column| column.name.clone()).collect()),
        types: table.columns.iter().map(|column| column.data_type.clone()).collect(),
        rows: table.rows.iter().map(|row| row.iter().map(from_database).collect()).collect(),
    })
}

/// A result without columns.
pub(super) fn empty() -> Value {
    table_value(&model::Table::default())
}

/// What `load_result(name).data` is: the rows as a list.
pub(super) fn data_of(table: &Value) -> Value {
    match table.downcast_object_ref::<TableValue>() {
        Some(table) => list(table.rows.iter().map(|row| tuple(row.clone())).collect()),
        None => list(Vec::new()),
    }
}

impl TableValue {
    fn row(&self, at: usize) -> Value {
        Value::from_object(Row { names: Arc::clone(&self.names), cells: self.rows[at].clone() })
    }

    fn rows(&self) -> Vec<Value> {
        (0..self.rows.len()).map(|at| self.row(at)).collect()
    }

    fn column(&self, at: usize) -> Value {
        let cells = self.rows.iter().map(|row| row[at].clone()).collect();
        let data_type = self.types.get(at).cloned().unwrap_or_default();
        Value::from_object(ColumnValue { index: at, name: self.names[at].clone(), data_type, cells })
    }

    fn name_tuple(&self) -> Value {
        tuple(self.names.iter().map(|name| Value::from(name.as_str())).collect())
    }

    /// The table with other rows.
    fn with_rows(&self, rows: Vec<Vec<Value>>) -> Value {
        Value::from_object(Self { names: Arc::clone(&self.names), types: self.types.clone(), rows })
    }
}

impl Object for TableValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        true
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.rows())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.rows.len())
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        Some(match key.as_str()? {
            "column_names" => self.name_tuple(),
            "columns" => {
                let columns = (0..self.names.len()).map(|at| self.column(at)).collect();
                Value::from_object(Mapped { names: Some(Arc::clone(&self.names)), items: columns })
            }
            "column_types" => tuple(self.types.iter().map(|name| Value::from(name.as_str())).collect()),
            "rows" => Value::from_object(Mapped { names: None, items: self.rows() }),
            _ => return None,
        })
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        match (method, args) {
            ("print_table" | "print_csv" | "print_json", _) => Ok(Value::from(())),
            ("limit", [most]) => {
                let most = most.as_usize().ok_or_else(|| fail("limit() takes a number of rows"))?;
                Ok(self.with_rows(self.rows.iter().take(most).cloned().collect()))
            }
            ("select", [names]) => {
                let wanted: Vec<String> = match names.as_str() {
                    Some(name) => vec![name.to_owned()],
                    None => super::values::items_of(names)?.iter().map(ToString::to_string).collect(),
                };
                let at: Vec<usize> = (0..self.names.len()).filter(|at| wanted.contains(&self.names[*at])).collect();
                Ok(Value::from_object(Self {
                    names: Arc::new(at.iter().map(|at| self.names[*at].clone()).collect()),
                    types: at.iter().map(|at| self.types[*at].clone()).collect(),
                    rows: self.rows.iter().map(|row| at.iter().map(|at| row[*at].clone()).collect()).collect(),
                }))
            }
            ("rename", [names]) => {
                // A dict renames some columns, a list gives all of them new names.
                let renamed: Vec<String> = if names.kind() == ValueKind::Map {
                    let pairs = super::values::pairs_of(names)?;
                    let rename = |name: &String| {
                        let found = pairs.iter().find(|(from, _)| from.as_str() == Some(name));
                        found.map_or_else(|| name.clone(), |(_, to)| to.to_string())
                    };
                    self.names.iter().map(rename).collect()
                } else {
                    super::values::items_of(names)?.iter().map(ToString::to_string).collect()
                };
                if renamed.len() != self.names.len() {
                    return Err(fail("rename() needs a name for every column"));
                }
                Ok(Value::from_object(Self {
                    names: Arc::new(renamed),
                    types: self.types.clone(),
                    rows: self.rows.clone(),
                }))
            }
            _ => Err(Error::from(ErrorKind::UnknownMethod)),
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| {} |", self.names.join(" | "))?;
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(repr::to_str).collect();
            writeln!(f, "| {} |", cells.join(" | "))?;
        }
        Ok(())
    }
}

/// A sequence whose items may also be found by name, as `table.columns` and `table.rows` are.
#[derive(Debug)]
struct Mapped {
    names: Option<Arc<Vec<String>>>,
    items: Vec<Value>,
}

impl Mapped {
    fn find(&self, key: &Value) -> Option<Value> {
        if let Some(at) = key.as_i64() {
            let at = if at < 0 { at + i64::try_from(self.items.len()).ok()? } else { at };
            return self.items.get(usize::try_from(at).ok()?).cloned();
        }
        let at = self.names.as_ref()?.iter().position(|name| Some(name.as_str()) == key.as_str())?;
        self.items.get(at).cloned()
    }

    fn keys(&self) -> Vec<Value> {
        self.names.iter().flat_map(|names| names.iter()).map(|name| Value::from(name.as_str())).collect()
    }

    fn pairs(&self) -> Vec<(Value, Value)> {
        self.keys().into_iter().zip(self.items.iter().cloned()).collect()
    }
}

impl Object for Mapped {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.items.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.items.len())
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        mapped_method(method, args, &self.items, &self.pairs(), |key| self.find(key))
    }
}

/// The methods of agate's named sequences.
fn mapped_method(
    method: &str,
    args: &[Value],
    items: &[Value],
    pairs: &[(Value, Value)],
    find: impl Fn(&Value) -> Option<Value>,
) -> Result<Value, Error> {
    match (method, args) {
        ("values", []) => Ok(tuple(items.to_vec())),
        ("keys", []) => Ok(tuple(pairs.iter().map(|(key, _)| key.clone()).collect())),
        ("items", []) => Ok(list(pairs.iter().map(|(key, value)| tuple(vec![key.clone(), value.clone()])).collect())),
        ("dict", []) => Ok(dict(pairs.iter().cloned())),
        ("get", [key]) => Ok(find(key).unwrap_or_else(|| Value::from(()))),
        ("get", [key, default]) => Ok(find(key).unwrap_or_else(|| default.clone())),
        _ => Err(Error::from(ErrorKind::UnknownMethod)),
    }
}

/// A row.
#[derive(Debug)]
struct Row {
    names: Arc<Vec<String>>,
    cells: Vec<Value>,
}

impl Row {
    fn find(&self, key: &Value) -> Option<Value> {
        if let Some(at) = key.as_i64() {
            let at = if at < 0 { at + i64::try_from(self.cells.len()).ok()? } else { at };
            return self.cells.get(usize::try_from(at).ok()?).cloned();
        }
        let at = self.names.iter().position(|name| Some(name.as_str()) == key.as_str())?;
        self.cells.get(at).cloned()
    }
}

impl Object for Row {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.find(key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.cells.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.cells.len())
    }

    fn call_method(self: &Arc<Self>, _state: &mut State<'_, '_>, method: &str, args: &[Value]) -> Result<Value, Error> {
        let names = self.names.iter().map(|name| Value::from(name.as_str()));
        let pairs: Vec<(Value, Value)> = names.zip(self.cells.iter().cloned()).collect();
        mapped_method(method, args, &self.cells, &pairs, |key| self.find(key))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        repr::sequence(f, "<agate.Row: (", &self.cells, ")>")
    }
}

/// A column.
#[derive(Debug)]
struct ColumnValue {
    index: usize,
    name: String,
    data_type: String,
    cells: Vec<Value>,
}

impl Object for ColumnValue {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Seq
    }

    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str() {
            Some("name") => Some(Value::from(self.name.as_str())),
            Some("index") => Some(Value::from(self.index)),
            Some("data_type") => Some(Value::from(self.data_type.as_str())),
            Some(_) => None,
            None => self.cells.get(key.as_usize()?).cloned(),
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.cells.clone())
    }

    fn enumerator_len(self: &Arc<Self>) -> Option<usize> {
        Some(self.cells.len())
    }

    fn call_method(
        self: &Arc<Self>,
        _state: &mut State<'_, '_>,
        method: &str,
        _args: &[Value],
    ) -> Result<Value, Error> {
        let mut cells = self.cells.clone();
        match method {
            "values" => {}
            "values_distinct" => {
                let mut seen = Vec::new();
                cells.retain(|cell| {
                    let new = !seen.contains(cell);
                    seen.push(cell.clone());
                    new
                });
            }
            "values_without_nulls" => cells.retain(|cell| !cell.is_none()),
            "values_sorted" => cells.sort(),
            "values_without_nulls_sorted" => {
                cells.retain(|cell| !cell.is_none());
                cells.sort();
            }
            _ => return Err(Error::from(ErrorKind::UnknownMethod)),
        }
        Ok(tuple(cells))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<agate.Column: {}>", self.name)
    }
}
