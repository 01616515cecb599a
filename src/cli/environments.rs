//! `env list|drop|sweep`: the throw-away schemas as a user handles them.

use std::time::Duration;

use super::Exit;
use super::args::{EnvArgs, EnvCommand};
use super::invoke::Session;
use super::output::{Failure, draw, print};
use crate::environment::Found;
use crate::model::{Column, Table, Value};
use crate::pipeline;

/// Handles the throw-away schemas of the target's database.
pub(super) async fn env(session: &Session, args: &EnvArgs) -> Result<Exit, Failure> {
    let loaded = session.load()?;
    let now = session.invocation.started_at;
    match &args.command {
        EnvCommand::List => {
            let found = pipeline::list_environments(&loaded).await?;
            session.ui.finish();
            match found.as_slice() {
                [] => print(&format!("No schema of slimdiff's in {}.", loaded.target.place())),
                found => print(&draw(&table(found, now))),
            }
        }
        EnvCommand::Drop { schema } => {
            if !pipeline::drop_environment(&loaded, schema).await? {
                return Err(Failure::usage(
                    format!("there is no schema {schema} in {}", loaded.target.place()),
                    "`slimdiff env list` shows those that slimdiff made",
                ));
            }
            session.ui.finish();
            print(&format!("Dropped {schema}."));
        }
        EnvCommand::Sweep { older_than, dry_run } => {
            let age = age(older_than)?;
            let (due, kept) = if *dry_run {
                let mut found = pipeline::list_environments(&loaded).await?;
                found.retain(|found| (now - found.marker.created_at).to_std().unwrap_or_default() > age);
                (found, Vec::new())
            } else {
                let swept = pipeline::sweep_environments(&loaded, age, now).await?;
                (swept.dropped, swept.kept)
            };
            session.ui.finish();
            let verb = if *dry_run { "Would drop" } else { "Dropped" };
            for found in &due {
                print(&format!("{verb} {}.", found.schema));
            }
            if due.is_empty() && kept.is_empty() {
                print(&format!("Nothing older than {older_than}."));
            }
            for (found, error) in &kept {
                session.ui.error(&format!("{} stays: {error}", found.schema), error.hint());
            }
            if !kept.is_empty() {
                return Ok(Exit::Warehouse);
            }
        }
    }
    Ok(Exit::Clean)
}

fn table(found: &[Found], now: chrono::DateTime<chrono::Utc>) -> Table {
    let column = |name: &str| Column { name: name.to_owned(), data_type: "text".to_owned() };
    let text = |text: Option<String>| Value::Text(text.unwrap_or_else(|| "-".to_owned()));
    let row = |found: &Found| {
        vec![
            Value::Text(found.schema.clone()),
            text(Some(found.marker.project.clone())),
            text(found.marker.pull_request.map(|number| format!("#{number}"))),
            text(found.marker.head_sha.as_ref().map(|sha| sha.chars().take(9).collect())),
            Value::Int(found.relations as i128),
            text(Some(words(now - found.marker.created_at))),
        ]
    };
    Table {
        columns: ["schema", "project", "pull request", "commit", "relations", "age"].map(column).into(),
        rows: found.iter().map(row).collect(),
    }
}

fn words(age: chrono::TimeDelta) -> String {
    match (age.num_days(), age.num_hours(), age.num_minutes()) {
        (days @ 2.., _, _) => format!("{days} days"),
        (_, hours @ 2.., _) => format!("{hours} hours"),
        (_, _, minutes) => format!("{} min", minutes.max(0)),
    }
}

/// `90m`, `12h`, `7d`.
fn age(text: &str) -> Result<Duration, Failure> {
    let wrong =
        || Failure::usage(format!("`{text}` is not an age"), "write a number with m, h or d, e.g. `12h` or `7d`");
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number.checked_mul(seconds).ok_or_else(wrong)?))
}

#[cfg(test)]
mod tests {
    use super::age;

    #[test]
    fn ages_are_a_number_and_a_unit() {
        assert_eq!(age("90m").unwrap().as_secs(), 5_400);
        assert_eq!(age("7d").unwrap().as_secs(), 604_800);
        for wrong in ["", "d", "7", "7w", "-1d", "é", "99999999999999999999d"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
