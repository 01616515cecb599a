//! Throw-away schemas on PostgreSQL.

use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use serde_json::json;
use slimdiff::{
    environment::{Error, Marker, Sweep, create, drop, list, sweep},
    warehouse::{Dialect, Postgres, Session, Warehouse, connect},
};

use crate::support::postgres::{Database, database};

const DIALECT: &dyn Dialect = &Postgres;

fn marker(pull_request: Option<u64>) -> Marker {
    Marker::new("shop", pull_request, None, at(1))
}

fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, day, 12, 0, 0).unwrap()
}

async fn session(database: &Database) -> Box<dyn Session> {
    let warehouse: std::sync::Arc<dyn Warehouse> = connect(&database.target()).await.unwrap();
    warehouse.session().await.unwrap()
}

#[tokio::test]
async fn a_schema_is_made_replaced_and_dropped_with_what_is_in_it() {
    let database = database();
    let mut session = session(&database).await;
    let session = session.as_mut();
    for name in ["pr_1", "PR \"2\" 🦆", "it's"] {
        create(session, DIALECT, Some(&database.name), name, &marker(Some(1))).await.unwrap();
        let quoted = name.replace('"', "\"\"");
        let sql =
            format!("create table \"{quoted}\".t (a int); create view \"{quoted}\".v as select * from \"{quoted}\".t");
        session.execute(&sql).await.unwrap();
        let found = list(session, DIALECT, None).await.unwrap();
        assert_eq!((found[0].schema.as_str(), found[0].relations), (name, 2));
        create(session, DIALECT, None, name, &marker(Some(2))).await.unwrap();
        let found = list(session, DIALECT, None).await.unwrap();
        assert_eq!((found[0].marker.pull_request, found[0].relations), (Some(2), 0));
        let sql = "select obj_description(oid, 'pg_namespace') from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema' and nspname <> 'public'";
        let comment = session.query(sql).await.unwrap();
        assert!(comment.scalar().unwrap().to_string().contains("pull request 2"), "{comment:?}");
        assert!(drop(session, DIALECT, None, name).await.unwrap());
        assert!(!drop(session, DIALECT, None, name).await.unwrap());
    }
}

#[tokio::test]
async fn what_does_not_carry_our_marker_is_never_dropped() {
    let database = database();
    let mut session = session(&database).await;
    let session = session.as_mut();
    let right = "created_by text, version text, project text, pull_request text, head_sha text, created_at text";
    for (schema, make) in [
        ("plain", String::new()),
        ("empty", format!("create table empty.slimdiff_marker ({right})")),
        ("columns", "create table columns.slimdiff_marker as select 'slimdiff'::text as created_by".to_owned()),
        (
            "forged",
            format!(
                "create table forged.slimdiff_marker ({right}); \
                 insert into forged.slimdiff_marker values ('dbt', '1', 'shop', null, null, '2026-01-01T12:00:00Z')"
            ),
        ),
        ("comment", "comment on schema comment is 'made by slimdiff 0.1.0 for project shop'".to_owned()),
    ] {
        session
            .execute(&format!("create schema {schema}; {make}; create table {schema}.precious (a int)"))
            .await
            .unwrap();
        for error in [
            drop(session, DIALECT, None, schema).await.unwrap_err(),
            create(session, DIALECT, None, schema, &marker(None)).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::NotOurs { .. }), "{schema}: {error:?}");
        }
        let relations = session.relations(None, schema).await.unwrap();
        assert!(relations.iter().any(|relation| relation.name() == "precious"), "{schema}");
    }
    // The same letters in another case are another schema here.
    create(session, DIALECT, None, "PLAIN", &marker(None)).await.unwrap();
    drop(session, DIALECT, None, "PLAIN").await.unwrap();
    assert_eq!(session.relations(None, "plain").await.unwrap().len(), 1);
    assert!(matches!(drop(session, DIALECT, None, "public").await, Err(Error::NotOurs { .. })));
}

#[tokio::test]
async fn a_role_without_the_right_is_told_and_leaves_nothing() {
    let database = database();
    let target = database.target_with(&json!({"user": "nobody_special"}));
    let warehouse = connect(&target).await.unwrap();
    let mut other = warehouse.session().await.unwrap();
    let error = create(other.as_mut(), DIALECT, None, "pr_1", &marker(None)).await.unwrap_err();
    let Error::Warehouse { source: slimdiff::warehouse::Error::Permission { .. }, .. } = &error else {
        panic!("{error:?}")
    };
    assert!(error.hint().is_some());
    assert_eq!(other.execute("select 1").await.unwrap(), Some(1), "the failed transaction was ended");
}

#[tokio::test]
async fn a_sweep_drops_what_it_may_and_names_what_it_may_not() {
    let database = database();
    let mut session = session(&database).await;
    create(session.as_mut(), DIALECT, None, "theirs", &marker(Some(1))).await.unwrap();
    database.cluster.psql(&database.name, &format!("grant create on database {} to nobody_special", database.name));
    database.cluster.psql(
        &database.name,
        "grant usage on schema theirs to nobody_special; grant select on theirs.slimdiff_marker to nobody_special",
    );
    create(session.as_mut(), DIALECT, None, "hidden", &marker(Some(1))).await.unwrap();
    let warehouse = connect(&database.target_with(&json!({"user": "nobody_special"}))).await.unwrap();
    let mut other = warehouse.session().await.unwrap();
    create(other.as_mut(), DIALECT, None, "own", &marker(Some(1))).await.unwrap();
    let due = Sweep { project: "shop", older_than: Duration::from_secs(86_400), closed: None, now: at(30) };
    let swept = sweep(other.as_mut(), DIALECT, None, due).await.unwrap();
    let dropped: Vec<&str> = swept.dropped.iter().map(|found| found.schema.as_str()).collect();
    let kept: Vec<&str> = swept.kept.iter().map(|(found, _)| found.schema.as_str()).collect();
    assert_eq!((dropped, kept), (vec!["own"], vec!["theirs"]));
}
