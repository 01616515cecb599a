//! The example shop, from nothing to the comment, on both engines.

use serde_json::Value as Json;

use crate::support::cli::{Said, Sandbox, fixture};
use crate::support::postgres;

/// The engine that a sandbox's shop lives in.
#[derive(Clone, Copy, PartialEq)]
enum Engine {
    DuckDb,
    Postgres,
}

struct Shop {
    sandbox: Sandbox,
    engine: Engine,
    database: Option<postgres::Database>,
}

impl Shop {
    /// The project with its raw data loaded.
    fn new(engine: Engine) -> Self {
        let mut sandbox = Sandbox::with_fixture("ecomm");
        let raw = sandbox.read("raw/generate.sql");
        let database = match engine {
            Engine::DuckDb => {
                let path = sandbox.join("shop.duckdb");
                duckdb::Connection::open(&path).unwrap().execute_batch(&raw).unwrap();
                sandbox.env("ECOMM_DUCKDB_PATH", &path.to_string_lossy());
                None
            }
            Engine::Postgres => {
                let cluster = postgres::cluster();
                let database = postgres::database();
                cluster.psql(&database.name, &raw);
                sandbox
                    .env("ECOMM_PG_HOST", &cluster.folder.to_string_lossy())
                    .env("ECOMM_PG_PORT", &cluster.port.to_string())
                    .env("ECOMM_PG_USER", "postgres")
                    .env("ECOMM_PG_DBNAME", &database.name);
                Some(database)
            }
        };
        Self { sandbox, engine, database }
    }

    fn run(&self, args: &[&str]) -> Said {
        let target = if self.engine == Engine::DuckDb { "duckdb" } else { "postgres" };
        self.sandbox.run(args.iter().copied().chain(["--target", target]))
    }

    /// One value of the database.
    fn scalar(&self, sql: &str) -> String {
        if let Some(database) = &self.database {
            postgres::cluster().psql(&database.name, sql).trim().to_owned()
        } else {
            let connection = duckdb::Connection::open(self.sandbox.join("shop.duckdb")).unwrap();
            let sql = format!("select cast(({sql}) as varchar)");
            connection.query_row(&sql, [], |row| row.get::<_, String>(0)).unwrap()
        }
    }

    fn report(&self) -> Json {
        serde_json::from_str(&self.sandbox.read("target/report.json")).unwrap()
    }
}

fn the_road(engine: Engine) {
    let shop = Shop::new(engine);
    let said = shop.run(&["build", "--target-path", "production"]);
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("ERROR=0 SKIP=0"), "{said}");
    assert_eq!(shop.scalar("select count(*) from analytics_ml.fct_customer_features"), "8000");

    // A second build takes the incremental path and changes nothing.
    let rows = || shop.scalar("select count(*) from analytics_ml.customer_rolling_features");
    assert_eq!(rows(), "55593");
    let said = shop.run(&["build", "--target-path", "production"]);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(rows(), "55593");

    // Without a change there is nothing to build, and nothing is made.
    let check: &[&str] = &["ci", "--baseline", "manifest:production", "--pull-request", "42"];
    let said = shop.run(check);
    assert_eq!(said.code, 0, "{said}");
    assert_eq!(shop.scalar("select count(*) from information_schema.schemata where schema_name = 'pr_42'"), "0");

    let audit = || shop.scalar("select count(*) from analytics.run_audit");
    let audited = audit();
    for file in ["staging/stg_app_sessions.sql", "marts/ml/customer_rolling_features.sql"] {
        let changed = std::fs::read_to_string(fixture("ecomm-change/models").join(file)).unwrap();
        shop.sandbox.write(&format!("models/{file}"), changed);
    }
    let said = shop.run(check);
    assert_eq!(said.code, 1, "{said}");
    assert_eq!(audit(), audited, "a check writes nothing into production, its hooks included");
    assert_eq!(
        shop.scalar("select count(*) from analytics_ml.fct_customer_features where sessions_30d is not null"),
        "7999"
    );
    assert_eq!(shop.scalar("select count(*) from pr_42.fct_customer_features where sessions_30d is not null"), "0");
    the_report(&shop.report(), &shop.sandbox.read("target/report.md"));

    let said = shop.run(&["env", "list"]);
    assert!(said.stdout.contains("pr_42"), "{said}");
    let said = shop.run(&["env", "drop", "pr_42"]);
    assert_eq!(said.code, 0, "{said}");
    let said = shop.run(&["env", "drop", "analytics"]);
    assert_eq!(said.code, 5, "what does not carry our marker stays: {said}");
    assert_eq!(rows(), "55593");
}

/// Figures measured with dbt-core and plain SQL: fixtures/ecomm-change/README.md.
fn the_report(report: &Json, comment: &str) {
    let model = |name: &str| {
        let id = format!("model.ecomm.{name}");
        let models = report["models"].as_array().unwrap();
        models.iter().find(|model| model["unique_id"] == id.as_str()).unwrap_or_else(|| panic!("no {id}")).clone()
    };
    let features = &model("fct_customer_features")["diff"];
    assert_eq!(features["rows"]["changed"], 7999);
    assert_eq!(features["rows"]["added"], 0);
    assert_eq!(features["rows"]["removed"], 0);
    assert_eq!(features["rows"]["unchanged"], 1);
    let column = |name: &str| {
        let columns = features["columns"].as_array().unwrap();
        columns.iter().find(|column| column["name"] == name).unwrap().clone()
    };
    assert_eq!(column("sessions_30d")["nulls"]["baseline"], 1);
    assert_eq!(column("sessions_30d")["nulls"]["current"], 8000);
    assert_eq!(column("sessions_30d")["changed"], 7999);
    assert_eq!(column("avg_session_minutes_30d")["changed"], 4896);
    assert_eq!(column("avg_order_value_30d")["changed"], 2162);
    let rolling = &model("customer_rolling_features")["diff"];
    assert_eq!(rolling["rows"]["changed"], 13055);
    assert_eq!(rolling["rows"]["unchanged"], 55593 - 13055);
    let sessions = &model("customer_session_features")["diff"];
    assert_eq!((&sessions["rows"]["added"], &sessions["rows"]["removed"]), (&7999.into(), &7999.into()));
    let traffic = &model("daily_traffic")["diff"];
    assert_eq!(traffic["rows"]["changed"], 0);
    assert_eq!(traffic["rows"]["unchanged"], 1642);

    for said in [
        "sessions_30d",
        "NULL",
        "not_null_fct_customer_features_sessions_30d",
        "assert_feature_coverage_of_active_customers",
        "7,999",
        "customer_id",
    ] {
        assert!(comment.contains(said), "the comment does not say `{said}`:\n{comment}");
    }
}

#[test]
fn the_road_from_a_change_to_its_comment_on_duckdb() {
    the_road(Engine::DuckDb);
}

#[test]
fn the_road_from_a_change_to_its_comment_on_postgresql() {
    the_road(Engine::Postgres);
}

#[test]
fn the_demo_ends_with_the_comment_and_exit_code_1() {
    let sandbox = Sandbox::new();
    let said = sandbox.run(["demo", "--dir", "demo"]);
    assert_eq!(said.code, 1, "{said}");
    for part in ["sessions_30d", "assert_feature_coverage_of_active_customers", "customer_rolling_features"] {
        assert!(said.stdout.contains(part), "`{part}` is missing:\n{said}");
    }
    assert!(said.stderr.contains("report.md"), "{said}");
    let again = sandbox.run(["demo", "--dir", "demo"]);
    assert_eq!(again.code, 2, "a folder that is not empty is left alone: {again}");
}
