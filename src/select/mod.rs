//! dbt's node selection: [`SelectorExpr`] (as written) → [`ResolvedSelector`] (what it means) → [`Selection`] (which
//! nodes).

mod definition;
mod error;
mod evaluate;
mod expr;
mod index;
mod matchers;
mod method;
mod request;
mod set;
mod wildcard;

pub use error::Error;
pub use expr::{Criterion, Reach, SelectorExpr};
pub use method::Method;
pub use request::{
    Earlier, Indirect, Request, ResolvedSelector, Selection, Wanted, dag, resolve, select, select_resolved,
};

#[cfg(test)]
mod tests;
