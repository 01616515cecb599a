//! The command line: the only room that reads the environment and writes to standard output and standard error.

mod args;
mod ci;
mod commands;
mod demo;
mod deps;
mod diff;
mod environments;
mod exit;
mod invoke;
mod lineage;
mod ls;
mod output;
mod state;
mod typed;
mod ui;

use std::process::ExitCode;
use std::sync::Arc;

pub use exit::Exit;

use args::{Cli, Command};
use invoke::Session;
use output::Failure;

/// Runs slimdiff with the process's arguments and environment.
pub fn main() -> ExitCode {
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(error) => {
            // clap prints help and version to standard output, mistakes to standard error.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Clean.into() };
        }
    };
    let ui = Arc::new(ui::Ui::new(cli.global.log_format, cli.global.quiet, std::env::var_os("NO_COLOR").is_some()));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&format!("cannot start: {error}"), None);
            return Exit::Usage.into();
        }
    };
    let done = runtime.block_on(run(&cli, &ui));
    ui.finish();
    let exit = done.unwrap_or_else(|failure| {
        ui.error(&failure.message, failure.hint.as_deref());
        failure.exit
    });
    // A statement that does not end when cancelled must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit.into()
}

async fn run(cli: &Cli, ui: &Arc<ui::Ui>) -> Result<Exit, Failure> {
    invoke::log_to_stderr(cli.global.verbose);
    let session = |which: &'static str, full_refresh: bool| Session::new(&cli.global, ui, which, full_refresh);
    match &cli.command {
        Command::Deps(args) => deps::deps(&session("deps", false)?, args),
        Command::Parse => commands::parse(&session("parse", false)?),
        Command::Ls(args) => ls::ls(&session("list", false)?, args),
        Command::State(args) => state::state(&session("list", false)?.comparing(), args).await,
        Command::Lineage(args) => lineage::lineage(&session("lineage", false)?, args).await,
        Command::Compile(args) => commands::compile(&session("compile", args.full_refresh)?, args).await,
        Command::Show(args) => commands::show(&session("show", false)?, args).await,
        Command::Seed(args) => commands::build(&session("seed", args.full_refresh)?, args).await,
        Command::Snapshot(args) => commands::build(&session("snapshot", args.full_refresh)?, args).await,
        Command::Run(args) => commands::build(&session("run", args.full_refresh)?, args).await,
        Command::Test(args) => commands::build(&session("test", args.full_refresh)?, args).await,
        Command::Build(args) => commands::build(&session("build", args.full_refresh)?, args).await,
        Command::Ci(args) => ci::ci(&session("build", true)?.comparing(), args).await,
        Command::Diff(args) => diff::diff(&session("diff", false)?, args).await,
        Command::Env(args) => environments::env(&session("env", false)?, args).await,
        Command::Demo(args) => demo::demo(&cli.global, ui, args).await,
    }
}
