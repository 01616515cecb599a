//! `modules.itertools`. Endless iterators end after many.

use minijinja::value::Value;
use minijinja::{Error, State};

use super::arithmetic;
use crate::jinja::adapter::arguments::bind;
use crate::jinja::iterables;
use crate::jinja::values::{fail, items_of, list, record, split_args, tuple};

/// How far an endless iterator goes. Python's would never end either, so templates always cut them short.
const ENDLESS: usize = 100_000;

/// How many combinations are made: beyond, a template is at fault and memory would run out.
const MOST: usize = 1_000_000;

type Call = fn(&mut State<'_, '_>, &[Value]) -> Result<Value, Error>;
type Rows = Result<Vec<Vec<Value>>, Error>;

/// `modules.itertools`.
pub(super) fn module() -> Value {
    let functions: [(&str, Call); 14] = [
        ("accumulate", accumulate),
        ("chain", chain),
        ("combinations", |_, args| combinations("combinations", args)),
        ("combinations_with_replacement", |_, args| combinations("combinations_with_replacement", args)),
        ("compress", compress),
        ("count", count),
        ("cycle", cycle),
        ("islice", islice),
        ("permutations", permutations),
        ("product", product),
        ("repeat", repeat),
        ("starmap", starmap),
        ("tee", tee),
        ("zip_longest", zip_longest),
    ];
    record(functions.map(|(name, function)| (name, Value::from_object(Function { name, function }))))
}

struct Function {
    name: &'static str,
    function: Call,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<class 'itertools.{}'>", self.name)
    }
}

impl minijinja::value::Object for Function {
    fn repr(self: &std::sync::Arc<Self>) -> minijinja::value::ObjectRepr {
        minijinja::value::ObjectRepr::Plain
    }

    fn call(self: &std::sync::Arc<Self>, state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
        let made = (self.function)(state, args)?;
        Ok(iterables::once(format!("itertools.{} object", self.name), made))
    }
}

fn rows(rows: Vec<Vec<Value>>) -> Value {
    list(rows.into_iter().map(tuple).collect())
}

fn too_many(what: &str) -> Error {
    fail(format!("{what}() would give more than {MOST} results"))
}

fn chain(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let mut all = Vec::new();
    for arg in args {
        all.extend(items_of(arg)?);
    }
    Ok(list(all))
}

fn accumulate(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("accumulate", &["iterable", "func", "initial"], args)?;
    let mut so_far = args.optional("initial").cloned();
    let mut sums: Vec<Value> = so_far.iter().cloned().collect();
    for item in items_of(args.required("iterable")?)? {
        let next = match (so_far.take(), args.optional("func")) {
            (None, _) => item,
            (Some(before), Some(function)) => function.call(state, &[before, item])?,
            (Some(before), None) => sum(&before, &item)?,
        };
        sums.push(next.clone());
        so_far = Some(next);
    }
    Ok(list(sums))
}

fn sum(a: &Value, b: &Value) -> Result<Value, Error> {
    if let Some(result) = arithmetic::apply("+", a, b) {
        return result;
    }
    if let (Some(a), Some(b)) = (a.as_str(), b.as_str()) {
        return Ok(Value::from(format!("{a}{b}")));
    }
    if let (Some(a), Some(b)) = (a.as_i64().filter(|_| a.is_integer()), b.as_i64().filter(|_| b.is_integer())) {
        return a.checked_add(b).map(Value::from).ok_or_else(|| fail("accumulate() is out of range"));
    }
    match (f64::try_from(a.clone()), f64::try_from(b.clone())) {
        (Ok(a), Ok(b)) => Ok(Value::from(a + b)),
        _ => Err(fail(format!("unsupported operand types for +: {a:?} and {b:?}"))),
    }
}

/// Ways to choose `r` of `n` positions in ascending order, a position more than once when `repeated`.
fn choices(n: usize, r: usize, repeated: bool) -> Result<Vec<Vec<usize>>, Error> {
    let mut found = Vec::new();
    let mut stack = vec![Vec::new()];
    while let Some(chosen) = stack.pop() {
        if chosen.len() == r {
            if found.len() == MOST {
                return Err(too_many("combinations"));
            }
            found.push(chosen);
            continue;
        }
        let first = chosen.last().map_or(0, |last| if repeated { *last } else { last + 1 });
        // The stack gives back last what is pushed first.
        for next in (first..n).rev() {
            let mut longer = chosen.clone();
            longer.push(next);
            stack.push(longer);
        }
    }
    Ok(found)
}

fn pick(pool: &[Value], positions: &[usize]) -> Vec<Value> {
    positions.iter().map(|at| pool[*at].clone()).collect()
}

fn combinations(function: &str, args: &[Value]) -> Result<Value, Error> {
    let args = bind(function, &["iterable", "r"], args)?;
    let pool = items_of(args.required("iterable")?)?;
    let r = length(function, args.required("r")?)?;
    let chosen = choices(pool.len(), r, function != "combinations")?;
    Ok(rows(chosen.iter().map(|positions| pick(&pool, positions)).collect()))
}

fn length(function: &str, value: &Value) -> Result<usize, Error> {
    value.as_usize().ok_or_else(|| fail(format!("{function}() needs a non-negative integer, not {value:?}")))
}

fn permutations(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("permutations", &["iterable", "r"], args)?;
    let pool = items_of(args.required("iterable")?)?;
    let r = args.optional("r").map_or(Ok(pool.len()), |r| length("permutations", r))?;
    let mut found = Vec::new();
    let mut stack: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(chosen) = stack.pop() {
        if chosen.len() == r {
            if found.len() == MOST {
                return Err(too_many("permutations"));
            }
            found.push(pick(&pool, &chosen));
            continue;
        }
        for next in (0..pool.len()).rev().filter(|at| !chosen.contains(at)) {
            let mut longer = chosen.clone();
            longer.push(next);
            stack.push(longer);
        }
    }
    Ok(rows(found))
}

fn product(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, keywords) = split_args(args);
    let repeat = match keywords.as_slice() {
        [] => 1,
        [(name, times)] if name == "repeat" => length("product", times)?,
        [(name, _), ..] => return Err(fail(format!("product() got an unexpected keyword argument '{name}'"))),
    };
    let pools: Rows = positional.iter().map(items_of).collect();
    let pools = pools?;
    let mut found: Vec<Vec<Value>> = vec![Vec::new()];
    for pool in pools.iter().cycle().take(pools.len() * repeat) {
        if found.len().saturating_mul(pool.len()) > MOST {
            return Err(too_many("product"));
        }
        let longer = |row: &Vec<Value>| {
            let row = row.clone();
            pool.iter().map(move |item| row.iter().cloned().chain([item.clone()]).collect())
        };
        found = found.iter().flat_map(longer).collect();
    }
    Ok(rows(found))
}

fn zip_longest(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, keywords) = split_args(args);
    let fill =
        keywords.into_iter().find(|(name, _)| name == "fillvalue").map_or_else(|| Value::from(()), |(_, fill)| fill);
    let pools: Rows = positional.iter().map(items_of).collect();
    let pools = pools?;
    let longest = pools.iter().map(Vec::len).max().unwrap_or(0);
    let row = |at: usize| pools.iter().map(|pool| pool.get(at).unwrap_or(&fill).clone()).collect();
    Ok(rows((0..longest).map(row).collect()))
}

/// `islice(iterable, stop)` or `islice(iterable, start, stop, step=1)`.
fn islice(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let (positional, _) = split_args(args);
    let bound = |value: &Value, default: usize| if value.is_none() { Ok(default) } else { length("islice", value) };
    let (iterable, from, to, every) = match positional.as_slice() {
        [iterable, to] => (iterable, 0, bound(to, usize::MAX)?, 1),
        [iterable, from, to] => (iterable, bound(from, 0)?, bound(to, usize::MAX)?, 1),
        [iterable, from, to, every] => (iterable, bound(from, 0)?, bound(to, usize::MAX)?, bound(every, 1)?),
        _ => return Err(fail("islice() takes an iterable and one to three numbers")),
    };
    if every == 0 {
        return Err(fail("islice() needs a step of at least 1"));
    }
    let items = items_of(iterable)?;
    Ok(list(items.into_iter().take(to).skip(from).step_by(every).collect()))
}

fn count(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("count", &["start", "step"], args)?;
    let (start, step) = (args.integer("start")?.unwrap_or(0), args.integer("step")?.unwrap_or(1));
    let numbers = std::iter::successors(Some(start), move |last| last.checked_add(step));
    Ok(list(numbers.take(ENDLESS).map(Value::from).collect()))
}

fn cycle(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let items = items_of(bind("cycle", &["iterable"], args)?.required("iterable")?)?;
    Ok(list(items.into_iter().cycle().take(ENDLESS).collect()))
}

fn repeat(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("repeat", &["object", "times"], args)?;
    let times = args.optional("times").map_or(Ok(ENDLESS), |times| length("repeat", times))?;
    if times > MOST {
        return Err(too_many("repeat"));
    }
    Ok(list(vec![args.required("object")?.clone(); times]))
}

fn compress(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("compress", &["data", "selectors"], args)?;
    let (data, selectors) = (items_of(args.required("data")?)?, items_of(args.required("selectors")?)?);
    Ok(list(data.into_iter().zip(selectors).filter(|(_, keep)| keep.is_true()).map(|(item, _)| item).collect()))
}

fn starmap(state: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("starmap", &["function", "iterable"], args)?;
    let function = args.required("function")?;
    let mut results = Vec::new();
    for row in items_of(args.required("iterable")?)? {
        results.push(function.call(state, &items_of(&row)?)?);
    }
    Ok(list(results))
}

fn tee(_: &mut State<'_, '_>, args: &[Value]) -> Result<Value, Error> {
    let args = bind("tee", &["iterable", "n"], args)?;
    let items = items_of(args.required("iterable")?)?;
    let copies = args.optional("n").map_or(Ok(2), |n| length("tee", n))?;
    Ok(tuple((0..copies).map(|_| iterables::once("itertools._tee object", list(items.clone()))).collect()))
}
