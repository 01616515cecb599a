//! `deps`: what is installed, as a user reads it.

use super::Exit;
use super::args::{DepsArgs, DepsSource};
use super::invoke::Session;
use super::output::{Failure, draw, print};
use crate::model::{Column, Table, Value};
use crate::pipeline;
use crate::project::deps::{AddFrom, Addition, Installed, Request};

/// Installs packages, and says which.
pub(super) fn deps(session: &Session, args: &DepsArgs) -> Result<Exit, Failure> {
    let from = match args.source {
        DepsSource::Hub => AddFrom::Hub,
        DepsSource::Git => AddFrom::Git,
        DepsSource::Local => AddFrom::Local,
    };
    let add = args.add_package.as_deref().map(|text| Addition::parse(text, from)).transpose();
    let add = add.map_err(pipeline::Error::from)?;
    let request = Request { lock_only: args.lock, upgrade: args.upgrade, add, within: None };
    let outcome = pipeline::deps(&session.invocation, &request)?;
    session.ui.finish();
    if let Some(lock) = &outcome.lock {
        session.wrote(lock);
    }
    if session.quiet {
        return Ok(Exit::Clean);
    }
    if outcome.packages.is_empty() {
        print("The project declares no packages.");
    } else {
        print(&session.ui.scrub(&draw(&table(&outcome.packages))));
    }
    if outcome.packages.iter().any(|package| package.newer.is_some()) {
        print("To take newer versions, allow them in packages.yml, then run `slimdiff deps --upgrade`.");
    }
    Ok(Exit::Clean)
}

fn table(packages: &[Installed]) -> Table {
    let column = |name: &str| Column { name: name.to_owned(), data_type: "text".to_owned() };
    let has_newer = packages.iter().any(|package| package.newer.is_some());
    let row = |package: &Installed| {
        let mut row = vec![package.name.clone(), package.version.clone(), package.from.clone()];
        row.extend(has_newer.then(|| package.newer.clone().unwrap_or_default()));
        row.into_iter().map(Value::Text).collect()
    };
    let names: &[&str] =
        if has_newer { &["package", "version", "from", "newer"] } else { &["package", "version", "from"] };
    Table { columns: names.iter().map(|name| column(name)).collect(), rows: packages.iter().map(row).collect() }
}
