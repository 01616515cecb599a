//! The SQL of comparing two relations that are in different databases, even of different engines.
//!
//! No database sees the rows of the other, so each writes a row as a text such that equal values have equal texts on
//! both ([`Field`]), and what is compared are hashes (MD5) of these texts: first sums of them over segments of rows
//! ([`Source::segments`]), then the rows of the segments whose sums differ ([`Source::pages`]).

mod encoding;
mod nearness;
mod reading;
mod scalars;
mod statements;
mod texts;

pub use encoding::{Field, Typed};
pub(in crate::warehouse::compare) use scalars::postgres_digits;
pub(in crate::warehouse) use scalars::{double_bits, double_digits, float_digits, json};
pub use statements::{
    EVIDENCE, Pages, Segments, Source, begin, parse_sums, resolve_types, server_encoding, spans, with_resolved,
};
