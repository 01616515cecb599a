//! Comparing relations for real, on each engine.

mod across;
mod asked;
mod drift;
mod edges;
mod oracle;
mod profile;
mod traps;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use slimdiff::diff::{Options, TableDiff, diff};
use slimdiff::model::{Change, Relation};
use slimdiff::plan::{Comparison, Excluded, KeyCandidate, KeySource};
use slimdiff::warehouse::{Target, Warehouse, connect};
use tokio::runtime::Runtime;

use crate::support::postgres;

/// An empty database of one engine.
pub(super) struct Engine {
    pub(super) name: &'static str,
    pub(super) warehouse: Arc<dyn Warehouse>,
    /// The database is there as long as this is.
    _database: Option<postgres::Database>,
}

pub(super) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

impl Engine {
    pub(super) fn duckdb() -> Self {
        let output = serde_json::json!({});
        let target = Target::from_profile("duckdb", output.as_object().unwrap(), Path::new("/")).unwrap();
        let warehouse = runtime().block_on(connect(&target)).unwrap();
        Self { name: "duckdb", warehouse, _database: None }
    }

    pub(super) fn postgres() -> Self {
        let database = postgres::database();
        let warehouse = runtime().block_on(connect(&database.target())).unwrap();
        Self { name: "postgres", warehouse, _database: Some(database) }
    }

    /// A PostgreSQL database that keeps texts in another encoding than UTF-8.
    pub(super) fn postgres_encoded(encoding: &str) -> Self {
        let cluster = postgres::cluster();
        let name = format!("encoded_{}", encoding.to_lowercase());
        cluster.psql("postgres", &format!("create database {name} template template0 encoding '{encoding}'"));
        let database = postgres::Database { name, cluster };
        let warehouse = runtime().block_on(connect(&database.target())).unwrap();
        Self { name: "postgres", warehouse, _database: Some(database) }
    }

    /// Every engine there is.
    pub(super) fn all() -> [Self; 2] {
        [Self::duckdb(), Self::postgres()]
    }

    /// Runs statements.
    pub(super) fn run(&self, sql: &str) {
        runtime().block_on(async {
            let mut session = self.warehouse.session().await.unwrap();
            session
                .query(&format!("{sql}; select 1"))
                .await
                .unwrap_or_else(|error| panic!("{}: {error}\n{sql}", self.name));
        });
    }

    /// Compares `prod.t` with `pr.t` by `keys`, tried in order.
    pub(super) fn diff(&self, keys: &[&[&str]]) -> TableDiff {
        self.diff_with(keys, &[], &Options::default())
    }

    pub(super) fn diff_with(&self, keys: &[&[&str]], excluded: &[(&str, &str)], options: &Options) -> TableDiff {
        let comparison = Comparison {
            excluded: excluded
                .iter()
                .map(|(name, why)| Excluded { column: (*name).to_owned(), reason: (*why).to_owned(), is_noise: false })
                .collect(),
            ..comparison(keys)
        };
        runtime().block_on(async {
            let mut session = self.warehouse.session().await.unwrap();
            diff(&mut *session, self.warehouse.dialect(), &comparison, options).await.unwrap()
        })
    }
}

/// `prod.t` against `pr.t`.
pub(super) fn comparison(keys: &[&[&str]]) -> Comparison {
    Comparison {
        unique_id: "model.shop.t".into(),
        relation: Change {
            baseline: Some(Relation::new(None, "prod", "t")),
            current: Some(Relation::new(None, "pr", "t")),
        },
        keys: keys
            .iter()
            .map(|columns| KeyCandidate {
                columns: columns.iter().map(|&column| column.to_owned()).collect(),
                source: KeySource::UniqueKey,
            })
            .collect(),
        excluded: Vec::new(),
    }
}
