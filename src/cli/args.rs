//! What can be typed: dbt's names and flags where dbt has them, so that hands and scripts carry over, and ours beside them.

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

/// The whole command line, as typed.
#[derive(Debug, Parser)]
#[command(
    name = "slimdiff",
    version,
    about = "What does merging this pull request do to the data?",
    long_about = "slimdiff parses a dbt project, compares it with production, builds only what changed into a throw-away \
                  schema, tests it, diffs it row by row and says all of it in one comment.",
    after_help = "Exit codes: 0 clean · 1 findings · 2 usage or configuration · 3 the project does not parse · \
                  4 baseline unusable · 5 warehouse · 6 publishing failed",
    propagate_version = true,
    arg_required_else_help = true
)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub global: Global,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(super) struct Global {
    /// Folder with dbt_project.yml; without it, this folder and its parents are searched.
    #[arg(long, global = true, env = "DBT_PROJECT_DIR", value_name = "DIR", hide_env_values = true)]
    pub project_dir: Option<PathBuf>,
    /// Folder with profiles.yml.
    #[arg(long, global = true, env = "DBT_PROFILES_DIR", value_name = "DIR", hide_env_values = true)]
    pub profiles_dir: Option<PathBuf>,
    /// Profile to use instead of the one dbt_project.yml names.
    #[arg(long, global = true, env = "DBT_PROFILE", value_name = "NAME", hide_env_values = true)]
    pub profile: Option<String>,
    /// Target (output of the profile) to use instead of its default.
    #[arg(long, short = 't', global = true, env = "DBT_TARGET", value_name = "NAME", hide_env_values = true)]
    pub target: Option<String>,
    /// Folder for manifest.json, compiled SQL and reports, instead of the project's target-path.
    #[arg(long, global = true, env = "DBT_TARGET_PATH", value_name = "DIR", hide_env_values = true)]
    pub target_path: Option<PathBuf>,
    /// Variables as YAML, e.g. '{start: 2024-01-01}'; they win over those of dbt_project.yml.
    #[arg(long, global = true, value_name = "YAML")]
    pub vars: Option<String>,
    /// How many nodes to work on at once; the profile's `threads` by default.
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Take projects and packages that require another dbt.
    #[arg(long, global = true)]
    pub no_version_check: bool,
    /// How to write to standard error: text or json (one object a line).
    #[arg(
        long,
        global = true,
        env = "DBT_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "default",
        hide_env_values = true
    )]
    pub log_format: LogFormat,
    /// Treat every warning about the project as an error.
    #[arg(long, global = true, env = "DBT_WARN_ERROR", hide_env_values = true, conflicts_with = "warn_error_options", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub warn_error: bool,
    /// Which warnings are errors or not told, by dbt's names, e.g. '{error: all, warn: [Deprecations]}'.
    #[arg(long, global = true, env = "DBT_WARN_ERROR_OPTIONS", value_name = "YAML", hide_env_values = true)]
    pub warn_error_options: Option<String>,
    /// Show every deprecation, not the first few of each kind.
    #[arg(long, global = true, env = "DBT_SHOW_ALL_DEPRECATIONS", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub show_all_deprecations: bool,
    /// Say only what failed.
    #[arg(long, short = 'q', global = true, env = "DBT_QUIET", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub quiet: bool,
    /// Say more; twice: every SQL statement.
    #[arg(long, short = 'v', global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

/// dbt's log formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// As `text`.
    Default,
    /// Lines for people.
    Text,
    /// As `text`.
    Debug,
    /// One JSON object a line.
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Install the packages that packages.yml declares.
    Deps(DepsArgs),
    /// Parse the project and write manifest.json.
    Parse,
    /// List nodes.
    #[command(visible_alias = "list")]
    Ls(LsArgs),
    /// Say which nodes changed since production, and why.
    State(StateCommandArgs),
    /// Show what columns are computed from, and what is computed from them.
    Lineage(super::lineage::LineageArgs),
    /// Compile nodes and write their SQL to the target folder.
    Compile(CompileArgs),
    /// Compile a query and show its first rows.
    Show(ShowArgs),
    /// Load seeds.
    Seed(BuildArgs),
    /// Take snapshots.
    Snapshot(BuildArgs),
    /// Build models.
    Run(BuildArgs),
    /// Run data tests.
    Test(BuildArgs),
    /// Build seeds, models and snapshots, and run their tests, in the order of their dependencies.
    Build(BuildArgs),
    /// Check a pull request: build what changed beside production, test it, diff it, and report.
    Ci(CiArgs),
    /// Compare two relations row by row.
    Diff(DiffArgs),
    /// List, drop and sweep the throw-away schemas of pull requests.
    Env(EnvArgs),
    /// See it all on an example shop, without a database server or a network.
    Demo(DemoArgs),
}

#[derive(Debug, Args)]
pub(super) struct DepsArgs {
    /// Write package-lock.yml and install nothing.
    #[arg(long)]
    pub lock: bool,
    /// Take the newest versions that packages.yml allows, instead of those of package-lock.yml.
    #[arg(long)]
    pub upgrade: bool,
    /// Add a package to packages.yml first: NAMESPACE/NAME@VERSION, or with --source URL@REVISION or a folder.
    #[arg(long, value_name = "PACKAGE")]
    pub add_package: Option<String>,
    /// Where the package to add comes from.
    #[arg(long, value_name = "SOURCE", default_value = "hub", requires = "add_package")]
    pub source: DepsSource,
}

/// dbt's sources of packages to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DepsSource {
    /// The hub.
    Hub,
    /// A git repository.
    Git,
    /// A folder.
    Local,
}

/// Which nodes, in dbt's words.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct SelectArgs {
    /// Nodes to include, e.g. `state:modified+`, `tag:nightly`, `+orders`.
    #[arg(long, short = 's', value_name = "SELECTOR", num_args = 1.., action = ArgAction::Append)]
    pub select: Vec<String>,
    /// The older name of --select; `ls` lists models alone with it.
    #[arg(long, short = 'm', visible_alias = "model", value_name = "SELECTOR", num_args = 1.., action = ArgAction::Append)]
    pub models: Vec<String>,
    /// Nodes to leave out.
    #[arg(long, value_name = "SELECTOR", num_args = 1.., action = ArgAction::Append)]
    pub exclude: Vec<String>,
    /// A selector of selectors.yml, which is taken instead of what --select and --exclude say.
    #[arg(long, value_name = "NAME")]
    pub selector: Option<String>,
    /// Only these resource types; `all`, `default` (all but analyses).
    #[arg(long, visible_alias = "resource-types", value_name = "TYPE", num_args = 1.., env = "DBT_RESOURCE_TYPES", value_delimiter = ' ', hide_env_values = true)]
    pub resource_type: Vec<String>,
    /// Not these resource types.
    #[arg(long, visible_alias = "exclude-resource-types", value_name = "TYPE", num_args = 1.., env = "DBT_EXCLUDE_RESOURCE_TYPES", value_delimiter = ' ', hide_env_values = true)]
    pub exclude_resource_type: Vec<String>,
    /// Which tests come with the nodes they test: eager, cautious, buildable or empty.
    #[arg(long, value_name = "MODE", env = "DBT_INDIRECT_SELECTION", hide_env_values = true)]
    pub indirect_selection: Option<String>,
}

/// Where production's manifest is, and what is read from there.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct StateArgs {
    /// Folder with (or path of) the manifest.json to compare with.
    #[arg(long, value_name = "PATH", env = "DBT_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// Read unselected nodes from where the state's manifest has them, unless they exist here.
    #[arg(long, env = "DBT_DEFER", hide_env_values = true, overrides_with = "no_defer", value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub defer: bool,
    /// The opposite of --defer.
    #[arg(long, hide = true)]
    pub no_defer: bool,
    /// With --defer, read unselected nodes from the state's relations even when they exist here.
    #[arg(long, env = "DBT_FAVOR_STATE", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub favor_state: bool,
    /// The state to defer to, when it is not that of --state.
    #[arg(long, value_name = "PATH", env = "DBT_DEFER_STATE", hide_env_values = true)]
    pub defer_state: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(super) struct LsArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// What to print of each node.
    #[arg(long, value_name = "FORMAT", default_value = "selector")]
    pub output: LsOutput,
    /// With --output json, which keys.
    #[arg(long, value_name = "KEY", num_args = 1.., value_delimiter = ' ')]
    pub output_keys: Vec<String>,
}

/// dbt's formats of `ls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LsOutput {
    /// One JSON object a line.
    Json,
    /// The name.
    Name,
    /// The file.
    Path,
    /// What selects it.
    Selector,
}

#[derive(Debug, Args)]
pub(super) struct StateCommandArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    /// Folder with (or path of) the manifest.json to compare with; not beside `--baseline`.
    #[arg(long, value_name = "PATH", env = "DBT_STATE", hide_env_values = true)]
    pub state: Option<PathBuf>,
    /// Where production is: `manifest:PATH`, `manifest:URL`, `artifact:NAME` or `git:REV`; without it, the merge base with
    /// the default branch.
    #[arg(long, value_name = "BASELINE", env = "SLIMDIFF_BASELINE", hide_env_values = true)]
    pub baseline: Option<String>,
    /// The commit that changes are counted from when production is a manifest; without it, the merge base with the default
    /// branch; `none` counts them from the manifest.
    #[arg(long, value_name = "REVISION", env = "SLIMDIFF_MERGE_BASE", hide_env_values = true)]
    pub merge_base: Option<String>,
    /// How to print the result.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: DiffOutput,
    /// Show what was edited, as unified diffs.
    #[arg(long)]
    pub diff: bool,
}

#[derive(Debug, Args)]
pub(super) struct CompileArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// Compile this query instead of nodes.
    #[arg(long, value_name = "SQL", conflicts_with = "select")]
    pub inline: Option<String>,
    /// Treat incremental models as if built for the first time.
    #[arg(long, short = 'f', env = "DBT_FULL_REFRESH", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub full_refresh: bool,
    /// How to print the SQL of the selected nodes: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output: ShowOutput,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// Show this query instead of a node.
    #[arg(long, value_name = "SQL", conflicts_with = "select")]
    pub inline: Option<String>,
    /// How many rows; -1 for all.
    #[arg(long, value_name = "N", default_value_t = 5, allow_negative_numbers = true)]
    pub limit: i64,
    /// text (a table) or json.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub output: ShowOutput,
}

/// Formats of `compile` and `show`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ShowOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub state: StateArgs,
    /// Build incremental models and seeds from nothing.
    #[arg(long, short = 'f', env = "DBT_FULL_REFRESH", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub full_refresh: bool,
    /// Stop at the first failure.
    #[arg(long, short = 'x', env = "DBT_FAIL_FAST", hide_env_values = true, value_parser = clap::builder::BoolishValueParser::new(), num_args = 0..=1, default_missing_value = "true", default_value = "false", require_equals = true, action = ArgAction::Set)]
    pub fail_fast: bool,
    /// Print the plan and stop.
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct CiArgs {
    /// Where production is: `manifest:PATH`, `manifest:URL` (https, s3, gs, az), `artifact:NAME` of GitHub Actions, or
    /// `git:REV`; without it, the merge base with the default branch.
    #[arg(long, value_name = "BASELINE", env = "SLIMDIFF_BASELINE", hide_env_values = true)]
    pub baseline: Option<String>,
    /// The commit that the pull request's changes are counted from when production is a manifest; without it, the merge
    /// base with the default branch; `none` counts them from the manifest.
    #[arg(long, value_name = "REVISION", env = "SLIMDIFF_MERGE_BASE", hide_env_values = true)]
    pub merge_base: Option<String>,
    /// Nodes to check, instead of `state:modified+`.
    #[arg(long, short = 's', value_name = "SELECTOR", num_args = 1.., action = ArgAction::Append)]
    pub select: Vec<String>,
    /// Nodes to leave out.
    #[arg(long, value_name = "SELECTOR", num_args = 1.., action = ArgAction::Append)]
    pub exclude: Vec<String>,
    /// Name of the throw-away schema, instead of the template in slimdiff.yml.
    #[arg(long, value_name = "NAME", env = "SLIMDIFF_SCHEMA", hide_env_values = true)]
    pub schema: Option<String>,
    /// Number of the pull request; read from the Actions event when there is one.
    #[arg(long, value_name = "N", env = "SLIMDIFF_PULL_REQUEST", hide_env_values = true)]
    pub pull_request: Option<u64>,
    /// Where to publish the comment.
    #[arg(long, value_name = "WHERE")]
    pub publish: Option<PublishTo>,
    /// Drop the throw-away schema at the end instead of leaving it for reviewers to query.
    #[arg(long)]
    pub drop: bool,
    /// Print the plan and stop: nothing is created or built.
    #[arg(long)]
    pub dry_run: bool,
    /// Stop building at the first failure.
    #[arg(long, short = 'x')]
    pub fail_fast: bool,
}

/// Where a comment can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PublishTo {
    /// One sticky comment on the pull request, and the job summary.
    Github,
}

#[derive(Debug, Args)]
pub(super) struct DiffArgs {
    /// Production's relation: `schema.table` or `database.schema.table`; parts may be quoted with `"`.
    pub baseline: String,
    /// The relation to compare with it.
    pub current: String,
    /// Where both relations are, instead of the profile's target: `postgres://user:password@host/database` or
    /// `duckdb:FILE`. No project is needed.
    #[arg(long, value_name = "URL", conflicts_with_all = ["baseline_url", "current_url"])]
    pub url: Option<String>,
    /// Where production's relation is, when it is in another database than the other.
    #[arg(long, value_name = "URL")]
    pub baseline_url: Option<String>,
    /// Where the other relation is.
    #[arg(long, value_name = "URL")]
    pub current_url: Option<String>,
    /// Columns of the primary key, separated by commas; without it, one is searched for in the data, and where there is
    /// none, whole rows are compared.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub key: Vec<String>,
    /// Compare whole rows when no key is given, without a search for one.
    #[arg(long)]
    pub no_key_search: bool,
    /// Compare these columns only (and the key), separated by commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Do not compare these columns, separated by commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "columns")]
    pub exclude: Vec<String>,
    /// Compare only rows of both relations that meet this condition, in SQL.
    #[arg(long, value_name = "SQL")]
    pub r#where: Option<String>,
    /// Compare only rows up to the newest time in this column that both relations have: one of them is older.
    #[arg(long, value_name = "COLUMN")]
    pub align: Option<String>,
    /// How far numbers may be apart and still count as equal: `0.01`, `1%`, or for one column `amount=0.01`; for all
    /// floating-point numbers `float=1e-9`; for dates and times in seconds `time=1s` or `created_at=1s`. May be
    /// repeated.
    #[arg(long, value_name = "[COLUMN=]LIMIT")]
    pub tolerance: Vec<String>,
    /// What of texts does not count, separated by commas.
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    pub ignore: Vec<IgnoreText>,
    /// Compare only a share of the keys, e.g. `10%`. Both sides choose the same keys, by a hash.
    #[arg(long, value_name = "SHARE")]
    pub sample: Option<String>,
    /// How many rows to show as examples.
    #[arg(long, alias = "samples", value_name = "N", default_value_t = 5)]
    pub limit: usize,
    /// Columns whose values are never shown, separated by commas.
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub mask: Vec<String>,
    /// Describe each column on both sides as well: NULLs, smallest, largest, mean, distinct values.
    #[arg(long)]
    pub describe: bool,
    /// Measure as well how far each column's distribution moved. Describes the columns, too. Within one database only.
    #[arg(long)]
    pub drift: bool,
    /// How to print the result.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub output: DiffOutput,
}

/// What of a text may not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum IgnoreText {
    /// Upper and lower case.
    Case,
    /// Blanks at the end.
    TrailingBlanks,
    /// How Unicode encodes an accent.
    NormalForm,
}

/// Formats of `diff` and `state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DiffOutput {
    /// For people.
    Table,
    /// For programs.
    Json,
    /// For a comment.
    Markdown,
}

#[derive(Debug, Args)]
pub(super) struct EnvArgs {
    #[command(subcommand)]
    pub command: EnvCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum EnvCommand {
    /// List the schemas that slimdiff made.
    List,
    /// Drop one schema that slimdiff made.
    Drop {
        /// Its name.
        schema: String,
    },
    /// Drop the schemas that slimdiff made and nobody needs any more.
    Sweep {
        /// Drop those made longer ago than this, e.g. `12h`, `7d`.
        #[arg(long, value_name = "AGE", default_value = "7d")]
        older_than: String,
        /// Say what would be dropped, and drop nothing.
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Folder to work in, instead of a new temporary one; it must not exist or be empty.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
