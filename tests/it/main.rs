//! One binary of integration tests: what needs a server, a process or the file system.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod action;
mod broken;
mod broken_corpus;
mod ci;
mod compile;
mod crossing;
mod deps;
mod diff;
mod ecomm;
mod environment;
mod impact;
mod lineage;
mod ls;
mod meadow;
mod noise;
mod publish;
mod rules;
mod signals;
mod support;
mod tidy;
mod warehouse;
