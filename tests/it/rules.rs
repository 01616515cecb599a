//! What holds for single models: which rows are compared, and thresholds of their own. On both engines.

use crate::noise::{Shop, counts, diff};
use crate::support::cli::Sandbox;

/// Shops whose production was built from 100 hourly rows of a table that the project only reads, and one of unknown age;
/// 20 newer ones have come since.
fn shops(kind: &str, model: &str) -> Vec<Shop> {
    let of = |engine: usize| {
        let schema = ["main", "public"][engine];
        let model = model.replace("{{ raw }}", &format!("{schema}.raw"));
        let rows = |from: u32, to: u32| {
            let hours = "timestamp '2026-03-01 00:00:00' + g.id * interval '1 hour'";
            let numbers = [format!("range({from}, {}) g(id)", to + 1), format!("generate_series({from}, {to}) g(id)")]
                [engine]
                .clone();
            format!(
                "select cast(g.id as integer) as id, g.id * 10 as amount, cast({hours} as {kind}) as placed_at from {numbers}"
            )
        };
        let none = format!("select 0, 0, cast(null as {kind})");
        // The source is made by the hook of the first run, and stays as it is.
        let hook =
            format!("on-run-start: \"create table if not exists {schema}.raw as {} union all {none}\"\n", rows(1, 100));
        let project = format!("name: shop\nversion: '1.0'\nprofile: shop\nmodels:\n  +materialized: table\n{hook}");
        let database = (engine == 1).then(crate::support::postgres::database);
        let shop = Shop::with(database, &[("dbt_project.yml", &project), ("models/orders.sql", &model)]);
        shop.run(&format!("insert into {schema}.raw {}", rows(101, 120)));
        shop.sandbox.write(
            "models/orders.sql",
            model.replace("amount,", "amount + case when id = 7 then 1 else 0 end as amount,"),
        );
        shop
    };
    vec![of(0), of(1)]
}

const MODEL: &str = "{{ config(event_time='placed_at', meta={'slimdiff': {'key': 'id'}}) }} select id, amount, placed_at from {{ raw }}";

#[test]
fn rows_that_production_cannot_have_yet_are_left_out_and_counted() {
    for kind in ["timestamp", "timestamp with time zone"] {
        for shop in shops(kind, MODEL) {
            let (_, report) = shop.check(0);
            assert_eq!(counts(diff(&report, "orders")), [20, 0, 1, 100], "not asked for");

            shop.sandbox.write("slimdiff.yml", "policy:\n  align: event_time\n");
            let (said, report) = shop.check(0);
            let found = diff(&report, "orders");
            assert_eq!(counts(found), [0, 0, 1, 100], "{said}");
            let aligned = serde_json::json!({"column": "placed_at", "left_out": {"baseline": 0, "current": 20}});
            assert_eq!(found["aligned"], aligned);
            assert_eq!(found["rows"]["total"]["current"], 101, "the row of unknown age stays in");
            let note = "only rows up to the newest time of placed_at that both sides have are compared; this leaves out 0 rows of \
                        production's and 20 of the pull request's";
            assert!(found["notes"].to_string().contains(note), "{found:#}");
            for text in [&said.stdout, &shop.sandbox.read("target/report.md"), &shop.sandbox.read("target/report.json")]
            {
                let text = text.replace("\\_", "_");
                assert!(text.contains(note) && !text.contains("2026-03"), "no value is shown: {text}");
                assert!(!text.contains("all rows of both tables"), "{text}");
            }

            shop.sandbox
                .write("slimdiff.yml", "policy:\n  align: event_time\n  show_values: [placed_at]\n  min_count: 30\n");
            let (said, report) = shop.check(0);
            let notes = diff(&report, "orders")["notes"].to_string();
            assert!(
                notes.contains("(at most 2026-03-05 04:00:00") && notes.contains("in production, 2026-03-06 00:00:00")
            );
            assert!(notes.contains("leaves out 0 rows of production's and fewer than 30 of"), "{notes}");
            assert!(!said.stdout.contains("cast("), "{said}");

            shop.sandbox
                .write("slimdiff.yml", "policy:\n  align: event_time\n  show_values: all\n  mask: [placed_at]\n");
            let (said, _) = shop.check(0);
            assert!(said.stdout.contains(note) && !said.stdout.contains("2026-03"), "{said}");
        }
    }
}

#[test]
fn a_condition_on_a_model_holds_for_both_sides_and_goes_with_its_alignment() {
    let settings = |condition| {
        format!("policy:\n  models:\n    orders:\n      where: {condition} -- some\n      align: event_time\n")
    };
    for shop in shops("timestamp", MODEL) {
        shop.sandbox.write("slimdiff.yml", settings("id % 3 = 1"));
        let (said, report) = shop.check(0);
        let found = diff(&report, "orders");
        assert_eq!(counts(found), [0, 0, 1, 33], "{said}");
        assert!(found["notes"].to_string().contains("leaves out 0 rows of production's and 6 of"), "{found:#}");
        assert_eq!(found["filter"], "id % 3 = 1 -- some");
        assert!(shop.sandbox.read("target/report.md").contains("Only rows where id % 3 = 1"), "{said}");
    }
    for shop in shops("date", MODEL) {
        // What came later on production's last day cannot be told from what production lacks.
        shop.sandbox.write("slimdiff.yml", settings("id % 3 = 0"));
        let (said, report) = shop.check(0);
        let found = diff(&report, "orders");
        assert_eq!(counts(found), [6, 0, 0, 34], "{said}");
        assert!(found["notes"].to_string().contains("leaves out 0 rows of production's and 1 of"), "{found:#}");
    }
}

#[test]
fn a_build_of_a_few_days_is_compared_with_these_days() {
    for shop in shops("timestamp", MODEL) {
        let text = shop.sandbox.read("models/orders.sql") + " where id > 40";
        shop.sandbox.write("models/orders.sql", text);
        shop.sandbox.write("slimdiff.yml", "policy:\n  align: event_time\n");
        let (_, report) = shop.check(0);
        assert_eq!(counts(diff(&report, "orders")), [0, 41, 0, 60], "older rows are missing, and that is said");
        shop.sandbox.write("slimdiff.yml", "policy:\n  align: event_time_window\n  show_values: all\n");
        let (_, report) = shop.check(0);
        let found = diff(&report, "orders");
        assert_eq!(counts(found), [0, 1, 0, 60], "all but the row of unknown age: {found:#}");
        let notes = found["notes"].to_string();
        assert!(
            notes.contains("within the time of placed_at")
                && notes.contains("leaves out 40 rows of production's and 20 of")
        );
        assert!(notes.contains("from 2026-03-01 01:00:00 to 2026-03-05 04:00:00 in production"), "{notes}");
    }
}

#[test]
fn what_cannot_be_aligned_is_compared_as_it_is_and_says_why() {
    let cases = [
        ("now() as placed_at", "its values are not compared"),
        ("amount as placed_at", "it holds no dates and times on both sides"),
        ("placed_at as at", "not both sides have that column"),
        ("placed_at + interval '1 year' as placed_at", "the two sides have no time in common"),
        ("cast(null as timestamp) as placed_at", "one side has no value in it"),
    ];
    for shop in shops("timestamp", MODEL) {
        shop.sandbox.write("slimdiff.yml", "policy:\n  align: event_time\n");
        let model = shop.sandbox.read("models/orders.sql");
        for (expression, why) in cases {
            shop.sandbox.write("models/orders.sql", model.replace(" placed_at from", &format!(" {expression} from")));
            // A column that became NULL is a finding of its own.
            let (said, report) = shop.check(i32::from(why.ends_with("no value in it")));
            let found = diff(&report, "orders");
            let note =
                format!("rows are compared whatever their placed_at, although it is to align the two sides: {why}");
            assert!(found["notes"].to_string().contains(&note), "{expression}: {said}");
            assert_eq!(found["rows"]["total"]["current"], 121);
        }
        // The column is named in any case.
        let other = model.replace("event_time='placed_at'", "event_time='Placed_At'");
        let expression = "placed_at + (now() - now()) as placed_at";
        shop.sandbox.write("models/orders.sql", other.replace(" placed_at from", &format!(" {expression} from")));
        let notes = diff(&shop.check(0).1, "orders")["notes"].to_string();
        assert!(
            notes.contains("whatever their Placed_At, although it is to align the two sides: its values are not"),
            "{notes}"
        );
        // A date on one side and a time on the other are in order.
        shop.sandbox
            .write("models/orders.sql", model.replace(" placed_at from", " cast(placed_at as date) as placed_at from"));
        let (said, report) = shop.check(0);
        let notes = diff(&report, "orders")["notes"].to_string();
        assert!(notes.contains("leaves out 0 rows of production's and 1 of"), "{said}");
    }
}

#[test]
fn thresholds_of_a_model_and_of_a_column_win_over_the_policy() {
    let rows = |shift: u32| {
        format!(
            "select id, (id + {shift}) % 1000 + {shift} as score, (id + {shift}) % 1000 + {shift} as other from {{{{ numbers(1000) }}}}"
        )
    };
    let schema = "models:\n  - name: orders\n    config:\n      meta: {slimdiff: {key: id, ks: 0.35}}\n    columns:\n      - name: score\n        meta: {slimdiff: {ks: 0.2}}\n";
    for shop in Shop::both(&[("models/orders.sql", &rows(0)), ("models/plain.sql", &rows(0))]) {
        shop.sandbox.write("models/schema.yml", schema);
        shop.sandbox.write("models/orders.sql", rows(300));
        let (said, report) = shop.check(1);
        let found: Vec<_> =
            report["findings"].as_array().unwrap().iter().map(|f| f["subject"].as_str().unwrap()).collect();
        assert_eq!(found, ["orders.score"], "{said}");
        assert!(said.stdout.contains("Kolmogorov–Smirnov statistic 0.300 (allowed: 0.2)"), "{said}");
        // slimdiff.yml has the last word; a threshold of a column that is not there is no silence.
        let settings = "policy:\n  ks: 0.1\n  models:\n    orders:\n      columns:\n        score: {ks: null}\n        scroe: {ks: 0.1}\n";
        shop.sandbox.write("slimdiff.yml", settings);
        let (_, report) = shop.check(0);
        let notes = diff(&report, "orders")["notes"].to_string();
        assert!(notes.contains("thresholds are set of columns that neither side has: scroe"), "{notes}");
        shop.sandbox.write("slimdiff.yml", "policy:\n  models:\n    model.shop.orders: {ks: 0.1}\n");
        let (_, report) = shop.check(1);
        assert_eq!(report["findings"].as_array().unwrap().len(), 2, "its own and the other column");
    }
}

#[track_caller]
fn refused(sandbox: &Sandbox, what: &[&str]) {
    let said = sandbox.run(["ci", "--pull-request", "7"]);
    assert_eq!(said.code, 2, "{said}");
    for what in what {
        assert!(said.stderr.contains(what), "no {what} in {said}");
    }
}

#[test]
fn rules_that_make_no_sense_are_errors_with_their_line() {
    let shop = Shop::on(None, &[("models/orders.sql", "select 1 as id")]);
    let sandbox = &shop.sandbox;
    for (settings, what) in [
        ("policy:\n  noise: twice\n", &["slimdiff.yml:2: ", "unknown word `twice`"][..]),
        ("policy:\n  psi: 0.2\n  models:\n    orders:\n      pssi: 1\n", &["slimdiff.yml:5: ", "unknown key `pssi`"]),
        (
            "policy:\n  models:\n    orders:\n      columns:\n        id: {ks: 3}\n",
            &["slimdiff.yml:5: ", "ks is a number between 0 and 1"],
        ),
        ("policy:\n  models:\n    ordesr:\n      psi: 1\n", &["slimdiff.yml:3: ", "did you mean orders?"]),
        ("policy:\n  min_count: 2\n", &["slimdiff.yml:2: ", "at least 3, not 2"]),
        ("policy:\n  models:\n    orders: 5\n", &["slimdiff.yml:3: ", "expected keys with values below it"]),
        ("policy:\n  models:\n    orders: {}\n    model.shop.orders: {}\n", &["are the same model"]),
        (
            "policy:\n  models:\n    orders:\n      where: true)or(id=1\n",
            &["slimdiff.yml:4: ", "is no condition of its own"],
        ),
        ("policy:\n  align: now\n", &["slimdiff.yml:2: ", "event_time_window"]),
    ] {
        sandbox.write("slimdiff.yml", settings);
        refused(sandbox, what);
    }
    sandbox.write("slimdiff.yml", "");
    let schema = "models:\n  - name: orders\n    config:\n      meta:\n        slimdiff:\n          key: id\n          psii: 1\n";
    sandbox.write("models/schema.yml", schema);
    refused(sandbox, &["models/schema.yml:7: meta.slimdiff of orders: unknown key `psii`"]);
    let schema =
        "models:\n  - name: orders\n    columns:\n      - name: id\n        meta:\n          slimdiff: {where: x}\n";
    sandbox.write("models/schema.yml", schema);
    refused(sandbox, &["models/schema.yml:6: meta.slimdiff of orders.id: unknown key `where`"]);
    std::fs::remove_file(sandbox.join("models/schema.yml")).unwrap();
    sandbox.write("models/orders.sql", "{{ config(meta={'slimdiff': {'psi': -1}}) }} select 1 as id");
    refused(sandbox, &["models/orders.sql: meta.slimdiff of orders: psi is a number of 0 or more"]);
}

#[test]
fn two_relations_of_different_age_are_aligned_on_request() {
    let sandbox = Sandbox::new();
    let sql =
        "create table a as select i as id, timestamp '2026-03-01' + i * interval 1 hour as at from range(100) s(i);
        create table b as select i as id, timestamp '2026-03-01' + i * interval 1 hour as at from range(120) s(i)";
    duckdb::Connection::open(sandbox.join("a.duckdb")).unwrap().execute_batch(sql).unwrap();
    let diff = ["diff", "--url", "duckdb:a.duckdb", "a", "b"];
    assert_eq!(sandbox.run(diff).code, 1);
    let said = sandbox.run([&diff[..], &["--align", "AT"]].concat());
    assert_eq!(said.code, 0, "{said}");
    assert!(said.stdout.contains("leaves out 0 rows of production's and 20"), "{said}");
    let said = sandbox.run([
        "diff",
        "--baseline-url",
        "duckdb:a.duckdb",
        "--current-url",
        "duckdb::memory:",
        "a",
        "b",
        "--align",
        "at",
    ]);
    assert_eq!(said.code, 5, "{said}");
}
