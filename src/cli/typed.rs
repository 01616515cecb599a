//! What was typed, told apart from what the environment says: of two ways to name the baseline, the typed one counts.

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use super::args::{Cli, Command, StateCommandArgs};

impl Cli {
    /// Reads the process's arguments and environment.
    ///
    /// # Errors
    /// clap's: a mistake, or a request for help or the version.
    pub(super) fn read() -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Command::State(args), Some((_, matches))) = (&mut cli.command, matches.subcommand()) {
            one_baseline(args, matches)?;
        }
        Ok(cli)
    }
}

/// `--state` or `--baseline`, not both. Of two variables of the environment slimdiff's own counts, as for `ci`.
fn one_baseline(args: &mut StateCommandArgs, matches: &ArgMatches) -> Result<(), clap::Error> {
    let is_typed = |name: &str| matches.value_source(name) == Some(ValueSource::CommandLine);
    choose(args, is_typed("state"), is_typed("baseline"))
}

fn choose(args: &mut StateCommandArgs, state_is_typed: bool, baseline_is_typed: bool) -> Result<(), clap::Error> {
    match (state_is_typed, baseline_is_typed) {
        (true, true) => {
            let message = "the argument '--state <PATH>' cannot be used with '--baseline <BASELINE>'";
            let mut cli = Cli::command();
            cli.build();
            let mut command = cli.find_subcommand("state").cloned().unwrap_or(cli);
            return Err(command.error(ErrorKind::ArgumentConflict, message));
        }
        (true, false) => args.baseline = None,
        (false, _) if args.baseline.is_some() => args.state = None,
        (false, _) => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::{Cli, Command, choose};

    /// What is left of both, and with none typed both are the environment's.
    fn left(state_is_typed: bool, baseline_is_typed: bool) -> Option<(bool, bool)> {
        let cli = Cli::try_parse_from(["slimdiff", "state", "--state", "prod", "--baseline", "git:main"]).unwrap();
        let Command::State(mut args) = cli.command else { panic!("`state` was typed") };
        choose(&mut args, state_is_typed, baseline_is_typed).ok()?;
        Some((args.state.is_some(), args.baseline.is_some()))
    }

    #[test]
    fn what_was_typed_wins_over_the_environment() {
        assert_eq!(left(true, false), Some((true, false)));
        assert_eq!(left(false, true), Some((false, true)));
        assert_eq!(left(false, false), Some((false, true)));
        assert_eq!(left(true, true), None);
    }
}
