//! Whole projects with a file broken at random: loading and parsing answer, with diagnostics that name real places.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;

use proptest::prelude::*;

use super::check;
use super::mutate;
use crate::artifacts::manifest_json;
use crate::model::Diagnostic;
use crate::parse::{ParseOptions, parse};
use crate::project::{Error, LoadOptions, load};

const FILES: &[(&str, &str)] = &[
    (
        "dbt_project.yml",
        "name: shop\nversion: '1.0'\nconfig-version: 2\nprofile: shop\nmodel-paths: [models]\nvars: {days: 3, shop: {only: x}}\n\
         models:\n  shop:\n    +materialized: view\n    marts: {+tags: [a], +meta: {k: v}, +schema: s}\nseeds: {+column_types: {a: int}}\n\
         on-run-end: \"{{ stamp('x') }}\"\ndispatch: [{macro_namespace: dbt, search_order: [shop, dbt]}]\nquoting: {identifier: true}\n\
         query-comment: none\nflags: {require_resource_names_without_spaces: true}\nclean-targets: [target]\n",
    ),
    (
        "profiles.yml",
        "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: 'x.duckdb', schema: main, threads: 2}\n",
    ),
    (
        "models/p.yml",
        "version: 2\nsources:\n  - name: raw\n    schema: \"{{ target.schema }}\"\n    freshness: {warn_after: {count: 1, period: day}}\n    \
         tables: [{name: t, identifier: tt, columns: [{name: a, data_tests: [not_null]}]}]\nmodels:\n  - name: a\n    description: \"{{ doc('d') }}\"\n    \
         config: {contract: {enforced: true}}\n    constraints: [{type: primary_key, columns: [id]}]\n    latest_version: 2\n    \
         versions: [{v: 1, defined_in: a_v1}, {v: 2, columns: [{include: all, exclude: [x]}]}]\n    columns:\n      - {name: id, data_type: int, \
         data_tests: [unique, {accepted_values: {arguments: {values: [1, 2]}, config: {severity: warn, where: '1=1'}}}, {relationships: {to: \"ref('b')\", field: id}}]}\n",
    ),
    (
        "models/q.yml",
        "models:\n  - {name: b, access: protected, group: g, deprecation_date: 2030-01-01, docs: {show: true}, meta: {a: 1}}\n\
         groups: [{name: g, owner: {name: o, email: e@x.y}}]\nexposures:\n  - {name: e, type: dashboard, owner: {name: me}, depends_on: [\"ref('b')\", \"source('raw', 't')\"], url: u, maturity: high}\n\
         unit_tests:\n  - {name: u, model: b, given: [{input: \"ref('a')\", rows: [{id: 1}]}, {input: \"source('raw', 't')\", format: csv, rows: \"id\\n1\"}], expect: {rows: [{id: 1}]}, overrides: {vars: {days: 1}, macros: {is_incremental: false}}}\n\
         semantic_models:\n  - {name: s, model: \"ref('b')\", defaults: {agg_time_dimension: at}, entities: [{name: id, type: primary}], dimensions: [{name: at, type: time, type_params: {time_granularity: day}}], measures: [{name: n, agg: sum, expr: '1'}]}\n\
         metrics: [{name: m, label: M, type: simple, type_params: {measure: n}}, {name: r, label: R, type: ratio, type_params: {numerator: m, denominator: m}}]\n\
         saved_queries: [{name: sq, query_params: {metrics: [m], group_by: [\"TimeDimension('id__at', 'day')\"]}, exports: [{name: x, config: {export_as: table}}]}]\n\
         snapshots: [{name: y, relation: \"ref('b')\", config: {unique_key: id, strategy: timestamp, updated_at: at}}]\nmacros: [{name: stamp, arguments: [{name: x, type: string}]}]\n",
    ),
    ("models/a_v1.sql", "select 1 as id from {{ source('raw', 't') }}"),
    ("models/a_v2.sql", "{{ config(materialized='table', tags=['x']) }}\nselect 1 as id from {{ ref('a', v=1) }}"),
    (
        "models/marts/b.sql",
        "{{ config(materialized='incremental', unique_key='id', pre_hook=\"select 1\") }}\n{%- set days = var('days') %}\nselect * from {{ ref('a') }}\n\
         {% if is_incremental() %}where id > (select max(id) from {{ this }}){% endif %}\n{% for i in range(days) %}-- {{ i }} {{ loop.last }}\n{% endfor %}",
    ),
    ("models/docs.md", "{% docs d %}\nText of {{ d }}\n{% enddocs %}\n{% docs __overview__ %}o{% enddocs %}\n"),
    (
        "macros/m.sql",
        "{% macro stamp(x, y=1, z=none) -%}\n  {{ return(adapter.dispatch('stamp', 'shop')(x)) }}\n{%- endmacro %}\n{% macro default__stamp(x) %}select '{{ x }}'{% endmacro %}\n\
         {% test positive(model, column_name, least=0) %}select * from {{ model }} where {{ column_name }} < {{ least }}{% endtest %}\n\
         {% macro generate_alias_name(custom_alias_name=none, node=none) %}{{ custom_alias_name or node.name ~ ('_v' ~ node.version if node.version else '') }}{% endmacro %}\n",
    ),
    (
        "snapshots/s.sql",
        "{% snapshot s %}\n{{ config(unique_key='id', strategy='check', check_cols=['id'], target_schema='h') }}\nselect * from {{ ref('b') }}\n{% endsnapshot %}\n",
    ),
    ("seeds/c.csv", "a,b\n1,x\n2,\"y\nz\"\n"),
    ("tests/t.sql", "select * from {{ ref('b') }} where id < 0"),
    ("analyses/n.sql", "select * from {{ ref('b') }}"),
    (
        "models/p.py",
        "import os\n\ndef model(dbt, session):\n    dbt.config(materialized='table', tags=['p'])\n    a = dbt.ref('b')\n    return dbt.source('raw', 't')\n",
    ),
    (
        "selectors.yml",
        "selectors:\n  - {name: t, definition: 'path:models'}\n  - name: s\n    default: true\n    definition: {union: [{method: tag, value: x, parents: true}, 'a+', {exclude: [{method: selector, value: t}]}]}\n",
    ),
    ("packages.yml", "packages: []\n"),
    (".dbtignore", "*.txt\n"),
];

const WORDS: &[&str] = &[
    "\n",
    "\n  ",
    "\n    ",
    "\n- ",
    "\t",
    "\r\n",
    " ",
    ": ",
    ":",
    "- ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "'",
    "\"",
    "|",
    "#",
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "-%}",
    "{%-",
    "{{ ref('b') }}",
    "{{ ref('a', v=9) }}",
    "{{ source('raw', 't') }}",
    "ref",
    "source",
    "config",
    "name",
    "columns",
    "null",
    "true",
    "no",
    "1",
    "-1",
    "99999999999999999999",
    "1e400",
    "[]",
    "{}",
    "''",
    "~",
    "&x ",
    "*x",
    "<<: *x",
    "!!int ",
    "models",
    "+enabled: false",
    "enabled: false",
    "versions",
    "v",
    "g",
    "a",
    "b",
    "shop",
    "return(1)",
    "this",
    "execute",
    "loop",
    "none",
    "is not",
    "in",
    "for x in y",
    "if",
    "endif",
    "endfor",
    "set x = 1",
    "macro a()",
    "endmacro",
    "\u{feff}",
    "\0",
    "é",
    "🦆",
    "\u{2028}",
    "\\",
    "%",
    "@",
    "--",
    "/",
    "..",
    "*",
    "+",
    "2+",
    "1+",
    "stamp('x')",
    "doc('d')",
    "env_var('NOT_SET')",
    "var('no')",
    "def model(dbt, session):",
    "dbt.ref(",
    "\"\"\"",
    "f'{x}'",
];

/// Which file, and what becomes of it.
fn broken() -> impl Strategy<Value = (usize, String)> {
    let bases: Vec<String> = FILES.iter().map(|(_, text)| (*text).to_owned()).collect();
    let each = (0..FILES.len()).map(|at| {
        let mut own = bases.clone();
        own.swap(0, at);
        // Most cases begin with the file's own text; the rest with another's.
        prop_oneof![9 => mutate::texts(&own[..1], WORDS), 1 => mutate::texts(&own, WORDS)]
            .prop_map(move |text| (at, text))
            .boxed()
    });
    proptest::strategy::Union::new(each)
}

fn well_said(diagnostic: &Diagnostic, lines: &HashMap<String, usize>) {
    assert!(!diagnostic.message.trim().is_empty(), "{diagnostic:?}");
    let Some(location) = &diagnostic.location else { return };
    assert!(!location.path.is_empty(), "{diagnostic:?}");
    if let Some(lines) = lines.get(&location.path) {
        assert!(location.line as usize <= *lines, "of {lines} lines: {diagnostic:?}");
    }
}

struct Sandbox {
    dir: tempfile::TempDir,
    /// The file that the last case broke.
    last: RefCell<Option<usize>>,
}

impl Sandbox {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (path, contents) in FILES {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        Self { dir, last: RefCell::new(None) }
    }

    fn put(&self, at: usize, contents: &str) {
        let write = |at: usize, contents: &str| fs::write(self.dir.path().join(FILES[at].0), contents).unwrap();
        if let Some(last) = self.last.replace(Some(at)) {
            write(last, FILES[last].1);
        }
        write(at, contents);
    }

    fn parse(&self) -> Vec<Diagnostic> {
        let options = LoadOptions {
            project_dir: self.dir.path().to_owned(),
            profiles_dir: Some(self.dir.path().to_owned()),
            require_profile: true,
            ..LoadOptions::default()
        };
        let loaded = match load(&options) {
            Ok(loaded) => loaded,
            Err(Error::Invalid(diagnostic)) => return vec![*diagnostic],
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return Vec::new();
            }
        };
        let options = ParseOptions { large_seeds: true, ..ParseOptions::of(&loaded.project) };
        let parsed = parse(&loaded.project, options);
        assert!(manifest_json(&parsed.manifest).is_object());
        loaded.diagnostics.into_iter().chain(parsed.diagnostics).collect()
    }
}

#[test]
fn a_project_with_a_broken_file_is_parsed_or_refused() {
    let sandbox = Sandbox::new();
    let errors: Vec<_> = sandbox.parse().into_iter().filter(Diagnostic::is_error).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    check("project, a broken file", 60, &broken(), |(at, text)| {
        sandbox.put(*at, text);
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count() + 1;
        let lines = HashMap::from([(FILES[*at].0.to_owned(), lines)]);
        sandbox.parse().iter().for_each(|diagnostic| well_said(diagnostic, &lines));
    });
}
