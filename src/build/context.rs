//! What a build is given besides its plan, and what it asks of whoever runs tests.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::jinja::Renderer;
use crate::model::{Manifest, Node, NodeStatus, Observer, Relation};
use crate::plan::Plan;
use crate::warehouse::{Dialect, Warehouse};

use super::{CancelToken, Compiler, Connection, Failure};

/// Everything a build needs besides its plan. Cheap to clone.
#[derive(Clone)]
pub struct BuildContext {
    /// The parsed project.
    pub manifest: Arc<Manifest>,
    /// Its macros, compiled. `flags.FULL_REFRESH` of its set-up must agree with the plan's `full_refresh`.
    pub renderer: Arc<Renderer>,
    /// Where to build.
    pub warehouse: Arc<dyn Warehouse>,
    /// Who is told.
    pub observer: Arc<dyn Observer>,
    /// Who runs tests.
    pub tests: Arc<dyn TestRunner>,
    /// A node as dbt's manifest writes it: what `model` and `graph` show to templates.
    pub node_json: fn(&Node) -> Json,
    /// How many steps run at once, at least one.
    pub threads: usize,
    /// Start nothing more after the first failure.
    pub fail_fast: bool,
    /// Stops the build.
    pub cancel: CancelToken,
    /// The folder of artifacts; compiled code is written below it. None writes nothing.
    pub target_path: Option<PathBuf>,
}

/// One test to run: what it is, and the means.
pub struct TestJob<'a> {
    /// The test's node.
    pub node: &'a Node,
    /// Where its failures are stored, if they are.
    pub relation: Option<&'a Relation>,
    /// The plan it belongs to.
    pub plan: &'a Plan,
    /// Compiles its code.
    pub compiler: &'a Arc<Compiler>,
    /// Runs SQL.
    pub connection: &'a Connection,
    /// Writes SQL.
    pub dialect: &'a dyn Dialect,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// `Pass`, `Warn`, `Fail` or `Skipped`.
    pub status: NodeStatus,
    /// The result of its `fail_calc`.
    pub failures: Option<i64>,
    /// dbt's line on what was found.
    pub message: Option<String>,
    /// The test's query.
    pub compiled_code: Option<String>,
}

/// Runs tests for the scheduler.
#[async_trait]
pub trait TestRunner: Send + Sync {
    /// Runs one test.
    ///
    /// # Errors
    /// A [`Failure`] when the test could not be compiled or the database refused it; a test that finds rows is a
    /// [`Verdict`].
    async fn run(&self, job: TestJob<'_>) -> Result<Verdict, Failure>;
}
