//! Arguments of calls that templates make, bound to names as Python binds them.

use minijinja::Error;
use minijinja::value::Value;

use crate::jinja::values::{fail, split_args};

/// The arguments of one call, in the order of the names they were bound to; none where nothing was passed.
#[derive(Debug)]
pub(in crate::jinja) struct Bound<'n> {
    function: &'n str,
    names: &'n [&'n str],
    values: Vec<Option<Value>>,
}

/// Binds `args` to `names`: positional ones from the left, keyword ones by name.
///
/// # Errors
/// What Python says when there are too many, twice the same, or one that nobody knows.
pub(in crate::jinja) fn bind<'n>(function: &'n str, names: &'n [&'n str], args: &[Value]) -> Result<Bound<'n>, Error> {
    let (positional, keywords) = split_args(args);
    if positional.len() > names.len() {
        let (most, given) = (names.len(), positional.len());
        return Err(fail(format!("{function}() takes {most} positional arguments but {given} were given")));
    }
    let mut values: Vec<Option<Value>> = positional.into_iter().map(Some).collect();
    values.resize(names.len(), None);
    for (name, value) in keywords {
        let Some(at) = names.iter().position(|known| *known == name) else {
            return Err(fail(format!("{function}() got an unexpected keyword argument '{name}'")));
        };
        if values[at].replace(value).is_some() {
            return Err(fail(format!("{function}() got multiple values for argument '{name}'")));
        }
    }
    Ok(Bound { function, names, values })
}

impl Bound<'_> {
    fn at(&self, name: &str) -> Option<&Value> {
        let at = self.names.iter().position(|known| *known == name)?;
        self.values[at].as_ref()
    }

    /// What was passed for `name`, `none` included.
    pub(in crate::jinja) fn passed(&self, name: &str) -> Option<&Value> {
        self.at(name)
    }

    /// What was passed for `name`, unless it is `none` or undefined.
    pub(in crate::jinja) fn optional(&self, name: &str) -> Option<&Value> {
        self.at(name).filter(|value| !value.is_none() && !value.is_undefined())
    }

    /// What was passed for `name`.
    pub(in crate::jinja) fn required(&self, name: &str) -> Result<&Value, Error> {
        let function = self.function;
        self.at(name).ok_or_else(|| fail(format!("{function}() missing 1 required positional argument: '{name}'")))
    }

    /// The text passed for `name`; none when it is missing or `none`.
    pub(in crate::jinja) fn text(&self, name: &str) -> Option<String> {
        self.optional(name).map(crate::jinja::repr::to_str)
    }

    /// The truth of what was passed for `name`; none when it is missing or `none`.
    pub(in crate::jinja) fn flag(&self, name: &str) -> Option<bool> {
        self.optional(name).map(Value::is_true)
    }

    /// The integer passed for `name`; none when it is missing or `none`.
    pub(in crate::jinja) fn integer(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.optional(name) else { return Ok(None) };
        let function = self.function;
        let number = value.as_i64().filter(|_| value.is_integer());
        number.map(Some).ok_or_else(|| fail(format!("{function}() needs an integer for '{name}', not {value:?}")))
    }
}

#[cfg(test)]
mod tests {
    use minijinja::value::{Kwargs, Value};

    use super::bind;

    #[test]
    fn keywords_fill_what_positions_left_open() {
        let kwargs: Kwargs = [("c", Value::from(3))].into_iter().collect();
        let bound = bind("f", &["a", "b", "c"], &[Value::from(1), Value::from(kwargs)]).expect("binds");
        assert_eq!(bound.integer("a").expect("is an integer"), Some(1));
        assert_eq!(bound.integer("b").expect("is missing"), None);
        assert_eq!(bound.integer("c").expect("is an integer"), Some(3));
        assert!(bound.required("b").is_err());
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let twice: Kwargs = [("a", Value::from(3))].into_iter().collect();
        assert!(bind("f", &["a"], &[Value::from(1), Value::from(twice)]).is_err());
        let unknown: Kwargs = [("z", Value::from(3))].into_iter().collect();
        assert!(bind("f", &["a"], &[Value::from(unknown)]).is_err());
        assert!(bind("f", &["a"], &[Value::from(1), Value::from(2)]).is_err());
    }
}
