//! Schemas on DuckDB; the same on PostgreSQL is an integration test.

use std::{path::Path, time::Duration};

use chrono::{DateTime, TimeZone, Utc};

use super::*;
use crate::warehouse::{DuckDb, Session, Target, connect};

async fn session() -> Box<dyn Session> {
    let target = Target::from_profile("duckdb", &crate::model::JsonMap::new(), Path::new("/")).unwrap();
    connect(&target).await.unwrap().session().await.unwrap()
}

fn at(day: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 1, day, 12, 0, 0).unwrap()
}

fn marker(pull_request: Option<u64>, day: u32) -> Marker {
    Marker::new("shop", pull_request, Some("abc"), at(day))
}

async fn count(session: &mut dyn Session, schema: &str) -> usize {
    session.relations(None, schema).await.unwrap().len()
}

#[tokio::test]
async fn a_schema_is_made_found_replaced_and_dropped() {
    let mut session = session().await;
    let session = session.as_mut();
    for name in ["pr_1", "PR \"2\" 🦆"] {
        let made = create(session, &DuckDb, None, name, &marker(Some(1), 1)).await.unwrap();
        assert_eq!(made, Environment { schema: name.into(), database: None });
        let quoted = name.replace('"', "\"\"");
        session.execute(&format!("create table \"{quoted}\".t as select 1 as a")).await.unwrap();
        let found = list(session, &DuckDb, None).await.unwrap();
        assert_eq!(found, [Found { schema: name.into(), marker: marker(Some(1), 1), relations: 1 }]);
        create(session, &DuckDb, None, name, &marker(None, 2)).await.unwrap();
        let found = list(session, &DuckDb, Some("memory")).await.unwrap();
        assert_eq!(found, [Found { schema: name.into(), marker: marker(None, 2), relations: 0 }]);
        assert!(drop(session, &DuckDb, None, name).await.unwrap());
        assert!(!drop(session, &DuckDb, None, name).await.unwrap());
        assert_eq!(list(session, &DuckDb, None).await.unwrap(), []);
    }
}

#[tokio::test]
async fn what_does_not_carry_our_marker_is_never_dropped() {
    let mut session = session().await;
    let session = session.as_mut();
    let right = "created_by text, version text, project text, pull_request text, head_sha text, created_at text";
    let row = "'slimdiff', '0.1.0', 'shop', null, null, '2026-01-01T12:00:00Z'";
    let cases = [
        ("plain", String::new()),
        ("empty", format!("create table empty.slimdiff_marker ({right})")),
        ("columns", "create table columns.slimdiff_marker as select 'slimdiff' as created_by".to_owned()),
        ("more", format!("create table more.slimdiff_marker ({right}, extra int)")),
        (
            "other",
            format!(
                "create table other.slimdiff_marker ({right}); insert into other.slimdiff_marker values ({})",
                row.replace("slimdiff", "somebody")
            ),
        ),
        (
            "twice",
            format!(
                "create table twice.slimdiff_marker ({right}); insert into twice.slimdiff_marker values ({row}), ({row})"
            ),
        ),
        (
            "dated",
            format!(
                "create table dated.slimdiff_marker ({right}); insert into dated.slimdiff_marker values ({})",
                row.replace("2026-01", "yesterday")
            ),
        ),
        (
            "viewed",
            "create view viewed.slimdiff_marker as select 'slimdiff' as created_by, '1' as version, 'shop' as project, \
             null as pull_request, null as head_sha, '2026-01-01T12:00:00Z' as created_at"
                .to_owned(),
        ),
    ];
    for (schema, make) in cases {
        session
            .execute(&format!("create schema {schema}; {make}; create table {schema}.precious (a int)"))
            .await
            .unwrap();
        let before = count(session, schema).await;
        for error in [
            drop(session, &DuckDb, None, schema).await.unwrap_err(),
            create(session, &DuckDb, None, schema, &marker(Some(1), 1)).await.unwrap_err(),
            create(session, &DuckDb, None, &schema.to_uppercase(), &marker(Some(1), 1)).await.unwrap_err(),
        ] {
            assert!(matches!(error, Error::NotOurs { .. }), "{schema}: {error:?}");
            assert!(error.hint().is_some());
        }
        assert_eq!(count(session, schema).await, before, "{schema}");
    }
    assert!(matches!(create(session, &DuckDb, None, "main", &marker(None, 1)).await, Err(Error::NotOurs { .. })));
    assert_eq!(list(session, &DuckDb, None).await.unwrap(), []);
    let all = Sweep { project: "shop", older_than: Duration::ZERO, closed: Some(&[1]), now: at(30) };
    assert!(sweep(session, &DuckDb, None, all).await.unwrap().dropped.is_empty());
}

#[tokio::test]
async fn a_sweep_takes_the_old_and_the_closed_of_its_own_project() {
    let mut session = session().await;
    let session = session.as_mut();
    let mut foreign = marker(Some(3), 1);
    foreign.project = "else".to_owned();
    for (name, marker) in [
        ("old", marker(Some(1), 1)),
        ("young", marker(Some(2), 9)),
        ("closed", marker(Some(3), 9)),
        ("no_request", marker(None, 9)),
        ("tomorrow", marker(None, 20)),
        ("foreign", foreign),
    ] {
        create(session, &DuckDb, None, name, &marker).await.unwrap();
    }
    let due = Sweep { project: "shop", older_than: Duration::from_secs(7 * 86_400), closed: Some(&[3]), now: at(10) };
    let swept = sweep(session, &DuckDb, None, due).await.unwrap();
    let names: Vec<&str> = swept.dropped.iter().map(|found| found.schema.as_str()).collect();
    assert_eq!(names, ["closed", "old"]);
    assert!(swept.kept.is_empty());
    assert_eq!(list(session, &DuckDb, None).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_failure_half_way_leaves_no_schema() {
    struct Breaks(Box<dyn Session>);
    #[async_trait::async_trait]
    impl Session for Breaks {
        async fn execute(&mut self, sql: &str) -> Result<Option<u64>, crate::warehouse::Error> {
            if sql.starts_with("insert") {
                return Err(crate::warehouse::Error::Cancelled);
            }
            self.0.execute(sql).await
        }
        async fn query(&mut self, sql: &str) -> Result<crate::model::Table, crate::warehouse::Error> {
            self.0.query(sql).await
        }
        async fn load(
            &mut self,
            relation: &crate::model::Relation,
            columns: &[crate::model::Column],
            rows: &[Vec<Option<String>>],
        ) -> Result<(), crate::warehouse::Error> {
            self.0.load(relation, columns, rows).await
        }
        async fn relations(
            &mut self,
            database: Option<&str>,
            schema: &str,
        ) -> Result<Vec<crate::model::Relation>, crate::warehouse::Error> {
            self.0.relations(database, schema).await
        }
        async fn columns(
            &mut self,
            relation: &crate::model::Relation,
        ) -> Result<Vec<crate::model::Column>, crate::warehouse::Error> {
            self.0.columns(relation).await
        }
        async fn schemas(&mut self, database: Option<&str>) -> Result<Vec<String>, crate::warehouse::Error> {
            self.0.schemas(database).await
        }
    }
    let mut session = Breaks(session().await);
    let error = create(&mut session, &DuckDb, None, "half", &marker(None, 1)).await.unwrap_err();
    assert!(matches!(error, Error::Warehouse { doing: "create", .. }), "{error:?}");
    assert_eq!(session.schemas(None).await.unwrap(), ["main"]);
    session.0.execute("begin; rollback").await.unwrap();
}

#[tokio::test]
async fn a_name_that_the_engine_would_cut_is_refused() {
    let mut session = session().await;
    let long = "ü".repeat(40);
    let error = create(session.as_mut(), &crate::warehouse::Postgres, None, &long, &marker(None, 1)).await.unwrap_err();
    assert!(error.to_string().contains("80 bytes"), "{error}");
    assert!(create(session.as_mut(), &DuckDb, None, " ", &marker(None, 1)).await.is_err());
}
