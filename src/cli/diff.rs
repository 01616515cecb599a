//! `slimdiff diff`: two relations compared on request, of a project's target or of any database.

use std::path::Path;

use super::Exit;
use super::args::{DiffArgs, DiffOutput, IgnoreText};
use super::invoke::Session;
use super::output::{Failure, print, terminal};
use crate::diff::{Alignment, Options, Tolerated};
use crate::model::Change;
use crate::pipeline::{self, CompareRequest, Place};
use crate::report;
use crate::warehouse::Target;
use crate::warehouse::compare::{TextRules, Tolerance};

/// Compares two relations. Equal is 0, different 1, not comparable 5.
pub(super) async fn diff(session: &Session, args: &DiffArgs) -> Result<Exit, Failure> {
    let request = CompareRequest {
        relations: Change { baseline: args.baseline.clone(), current: args.current.clone() },
        key: trimmed(&args.key),
        options: options(args)?,
    };
    let place = place(session, args)?;
    let diff = pipeline::compare(&place, &request, &*session.ui, &session.invocation.cancel).await?;
    session.ui.finish();
    let (width, color) = terminal();
    let text = match args.output {
        DiffOutput::Json => serde_json::to_string_pretty(&diff).unwrap_or_default(),
        DiffOutput::Markdown => report::table_markdown(&diff),
        DiffOutput::Table => report::table_terminal(&diff, width, color),
    };
    print(&session.ui.scrub(&text));
    Ok(match (diff.is_compared(), diff.is_equal()) {
        (true, true) => Exit::Clean,
        (true, false) => Exit::Findings,
        (false, _) => Exit::Warehouse,
    })
}

/// Where the two relations are: by URL, else in the target of the project's profile.
fn place(session: &Session, args: &DiffArgs) -> Result<Change<Place>, Failure> {
    let of_url = |url: &str| -> Result<Place, Failure> {
        let target = Target::from_url(url, Path::new(".")).map_err(|error| {
            Failure::usage(error.to_string(), "write duckdb:FILE or postgres://user:password@host/database")
        })?;
        Ok(hidden(session, target.for_reading()))
    };
    let [baseline, current] = [&args.baseline_url, &args.current_url].map(|url| url.as_ref().or(args.url.as_ref()));
    let of_project = || -> Result<Place, Failure> {
        let loaded = session.load()?;
        Ok(Place { target: loaded.target.clone(), policy: loaded.settings.policy.clone(), by_url: false })
    };
    let place = match (baseline, current) {
        (Some(baseline), Some(current)) => Change { baseline: of_url(baseline)?, current: of_url(current)? },
        (Some(baseline), None) => Change { baseline: of_url(baseline)?, current: of_project()? },
        (None, Some(current)) => Change { baseline: of_project()?, current: of_url(current)? },
        (None, None) => {
            let place = of_project()?;
            Change { baseline: place.clone(), current: place }
        }
    };
    Ok(place)
}

/// A target whose secrets are never printed.
fn hidden(session: &Session, target: Target) -> Place {
    for secret in target.secrets() {
        session.ui.hide(secret.expose_secret());
    }
    Place::of(target)
}

fn options(args: &DiffArgs) -> Result<Options, Failure> {
    let tolerance = args.tolerance.iter().map(|text| tolerance(text)).collect::<Result<Vec<_>, _>>()?;
    Ok(Options {
        samples: args.limit,
        show_values: true,
        mask: trimmed(&args.mask),
        tolerance,
        text: TextRules {
            trim: args.ignore.contains(&IgnoreText::TrailingBlanks),
            ignore_case: args.ignore.contains(&IgnoreText::Case),
            normalize: args.ignore.contains(&IgnoreText::NormalForm),
        },
        filter: args.r#where.clone(),
        align: args.align.as_ref().map(|column| Alignment { column: column.trim().to_owned(), window: false }),
        sample: args.sample.as_deref().map(sample).transpose()?,
        columns: trimmed(&args.columns),
        exclude: trimmed(&args.exclude),
        search_key: !args.no_key_search,
        profile: args.describe || args.drift,
        drift: args.drift,
        ..Options::default()
    })
}

fn trimmed(names: &[String]) -> Vec<String> {
    names.iter().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// `0.01`, `1%`, `1s`, each with `column=` before it where it is about one.
fn tolerance(text: &str) -> Result<(Tolerated, Tolerance), Failure> {
    let wrong = || {
        Failure::usage(
            format!("`--tolerance {text}` is no limit"),
            "write a number that is not negative (`0.01`), a share (`1%`) or seconds (`1s`), for one column `amount=0.01`",
        )
    };
    let (column, limit) = text.rsplit_once('=').map_or((None, text), |(column, limit)| (Some(column.trim()), limit));
    let limit = limit.trim();
    let number = |text: &str| -> Result<f64, Failure> {
        text.trim().parse().ok().filter(|limit: &f64| limit.is_finite() && *limit >= 0.0).ok_or_else(wrong)
    };
    let tolerance = if let Some(share) = limit.strip_suffix('%') {
        Tolerance::Relative(number(share)? / 100.0)
    } else if let Some(seconds) = limit.strip_suffix('s') {
        Tolerance::Seconds(number(seconds)?)
    } else {
        Tolerance::Absolute(number(limit)?)
    };
    let about = match column {
        None if matches!(tolerance, Tolerance::Seconds(_)) => Tolerated::Instants,
        None => Tolerated::Numbers,
        Some("float") => Tolerated::Floats,
        Some("time") => Tolerated::Instants,
        Some("") => return Err(wrong()),
        Some(column) => Tolerated::Column(column.to_owned()),
    };
    match (&about, tolerance) {
        (Tolerated::Instants, Tolerance::Relative(_)) | (Tolerated::Floats, Tolerance::Seconds(_)) => Err(wrong()),
        _ => Ok((about, tolerance)),
    }
}

/// `10%` or `0.1`.
fn sample(text: &str) -> Result<f64, Failure> {
    let (number, unit) = text.trim().strip_suffix('%').map_or((text.trim(), 1.0), |number| (number, 100.0));
    let share = number.trim().parse::<f64>().ok().map(|number| number / unit);
    share.filter(|share| *share > 0.0 && *share <= 1.0).ok_or_else(|| {
        Failure::usage(
            format!("`--sample {text}` is no share"),
            "write a share of the keys above 0, e.g. `10%` or `0.1`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::{Tolerance, Tolerated, sample, tolerance};

    #[test]
    fn a_tolerance_is_a_number_a_share_or_seconds() {
        for (text, about, limit) in [
            ("0.01", Tolerated::Numbers, Tolerance::Absolute(0.01)),
            ("1%", Tolerated::Numbers, Tolerance::Relative(0.01)),
            ("2s", Tolerated::Instants, Tolerance::Seconds(2.0)),
            ("float=1e-9", Tolerated::Floats, Tolerance::Absolute(1e-9)),
            ("time=1", Tolerated::Instants, Tolerance::Absolute(1.0)),
            ("a=b = 5", Tolerated::Column("a=b".to_owned()), Tolerance::Absolute(5.0)),
        ] {
            assert_eq!(tolerance(text).unwrap(), (about, limit), "{text}");
        }
        for text in ["", "-1", "x", "=1", "nan", "inf%", "a=", "time=1%", "float=1s"] {
            assert!(tolerance(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_sample_is_a_share_of_the_keys() {
        assert!((sample("10%").unwrap() - 0.1).abs() < 1e-12);
        assert!((sample("0.5").unwrap() - 0.5).abs() < 1e-12);
        for text in ["0", "101%", "-1", "all"] {
            assert!(sample(text).is_err(), "{text}");
        }
    }
}
