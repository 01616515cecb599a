//! Texts that are the same query, and texts that only look like it.

use crate::lineage::{Dialect, Equality, same_query, same_template};
use crate::model::Change;

use Dialect::{BigQuery, Databricks, DuckDb, Generic, Postgres, Snowflake};

fn query(baseline: &str, current: &str, dialect: Dialect) -> Equality {
    same_query(&Change { baseline, current }, dialect)
}

fn template(baseline: &str, current: &str) -> Equality {
    same_template(&Change { baseline, current }, DuckDb)
}

#[test]
fn comments_layout_and_the_case_of_keywords_say_nothing() {
    let same = [
        (DuckDb, "select a from t", "-- x\nSELECT a\n  FROM t;\n"),
        (DuckDb, "select a, b from t", "select a , b /* c /* d */ e */ from t"),
        (DuckDb, "select a, from t", "select a from t"),
        (DuckDb, "select cast(a as INT), a::DATE", "select CAST(a AS int), a :: date"),
        (
            DuckDb,
            "select count(*) over (partition by a order by b rows between unbounded preceding and current row)",
            "select COUNT(*) OVER (PARTITION BY a ORDER BY b ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)",
        ),
        (DuckDb, "select * from a left join b using (k)", "SELECT * FROM a LEFT JOIN b USING (k)"),
        (
            DuckDb,
            "with x as materialized (select 1) select * from x",
            "WITH x AS MATERIALIZED (SELECT 1) SELECT * FROM x",
        ),
        (BigQuery, "select a from t # note\nwhere b", "select a from t where b"),
        (Snowflake, "select a from t // note\nwhere b", "select A from T where B"),
        (Postgres, "select Id from Orders", "SELECT id FROM orders"),
        (Databricks, "select `a b` from t", "select `a b`\nfrom t -- x"),
        (Postgres, "select $$ -- no comment $$", "select $$ -- no comment $$ -- one"),
        (DuckDb, "select 1 union all select 2", "select 1 UNION ALL\n\nselect 2"),
    ];
    for (dialect, baseline, current) in same {
        assert_eq!(query(baseline, current, dialect), Equality::SameTokens, "{baseline}\n{current}");
    }
}

#[test]
fn what_the_parser_reads_alike_is_the_same_tree() {
    assert_eq!(query("select a x from t", "select a as x from t", DuckDb), Equality::SameAst);
    assert_eq!(
        query("select a from t order by a nulls LAST", "select a from t order by a NULLS last", DuckDb),
        Equality::SameTokens
    );
}

#[test]
fn anything_else_is_different() {
    let different = [
        (DuckDb, "select 'a  b'", "select 'a b'"),
        (DuckDb, "select 'SELECT'", "select 'select'"),
        (DuckDb, "select \"Id\" from t", "select \"id\" from t"),
        (DuckDb, "select id from t", "select ID from t"),
        (DuckDb, "select 1 as Date", "select 1 as date"),
        (DuckDb, "select a - -1", "select a --1"),
        (DuckDb, "select 1 .a", "select 1.a"),
        (DuckDb, "select a < b", "select a <= b"),
        (DuckDb, "select a from t # b", "select a from t"),
        (Snowflake, "select 'it\\' -- x'", "select 'it\\' -- y'"),
        (BigQuery, "select '''a ' -- b''' from t", "select '''a ' -- c''' from t"),
        (BigQuery, "select \"a -- b\"", "select \"a -- c\""),
        (BigQuery, "select MyFn(a)", "select myfn(a)"),
        (BigQuery, "select a from `Orders`", "select a from `orders`"),
        (Generic, "select /*+ hash(a) */ a from t", "select /*+ merge(a) */ a from t"),
        (Snowflake, "select /*+ x */ a from t", "select a from t"),
        (Postgres, "select $a$ -- x $a$", "select $a$ -- y $a$"),
        (Postgres, "select E'\\' -- x'", "select E'\\' -- y'"),
        (Postgres, "select \"A\"", "select a"),
        (DuckDb, "select (a) from t", "select a from t where true"),
        (DuckDb, "select a from t; select b from t", "select a from t"),
        (DuckDb, "select a, b", "select b, a"),
        (DuckDb, "", "select 1"),
    ];
    for (dialect, baseline, current) in different {
        assert!(!query(baseline, current, dialect).is_same(), "{dialect:?}\n{baseline}\n{current}");
        assert!(query(baseline, baseline, dialect).is_same(), "{baseline}");
    }
}

#[test]
fn the_first_difference_has_its_lines() {
    let Equality::Different { first } = query("select a,\n b\nfrom t", "select a,\n\n\n c\nfrom t", DuckDb) else {
        panic!()
    };
    assert_eq!((first.baseline.line, first.baseline.text.as_str()), (2, "b"));
    assert_eq!((first.current.line, first.current.text.as_str()), (4, "c"));
}

#[test]
fn layout_inside_of_jinja_says_nothing() {
    let same = [
        ("{{ config(materialized='table') }}\nselect 1", "{{config( materialized = 'table' )}}\n\nselect 1 -- x"),
        ("select * from {{ ref('a') }}", "select *\nfrom {{ref( 'a' )}}"),
        ("{% if x == 1 %} a {% endif %}", "{%if x==1%}\n  a\n{%endif%}"),
        ("{# note #} select 1", "select 1 {# another #}"),
        ("select {{ x | upper }} as a", "select {{x|upper}} AS a"),
        ("{% set a = [1,\n 2] %} select 1", "{% set a = [1, 2] %}\nselect 1"),
        ("select '{{ var('x') }}' from t", "SELECT '{{ var('x') }}' FROM t"),
    ];
    for (baseline, current) in same {
        assert_eq!(template(baseline, current), Equality::SameTokens, "{baseline}\n{current}");
    }
}

#[test]
fn what_jinja_may_make_of_white_space_counts() {
    let different = [
        ("select '{{ var(\"x\") }}'", "select '{{ var(\"y\") }}'"),
        ("-- {{ ref('a') }}\nselect 1", "select 1"),
        ("-- {{ ref('a') }}\nselect 1", "-- {{ ref('b') }}\nselect 1"),
        ("/* {% set x = 1 %} */ select 1", "/* {% set x = 2 %} */ select 1"),
        ("select a{{ x }} from t", "select a {{ x }} from t"),
        ("select {{ 'a  b' }}", "select {{ 'a b' }}"),
        ("{% set x %}a b{% endset %} select '{{ x }}'", "{% set x %}a  b{% endset %} select '{{ x }}'"),
        ("{% set x %}a -- b\n{% endset %}", "{% set x %}a\n{% endset %}"),
        ("{% raw %}{{ a }}{% endraw %}", "{% raw %}{{ b }}{% endraw %}"),
        ("a {#- x -#} b", "a {# x #} b"),
        ("a{# x #}b", "a b"),
        ("{%- if a %} b {% endif %}", "{% if a %} b {% endif %}"),
        ("{{ a b }}", "{{ ab }}"),
        ("{{ not x }}", "{{ notx }}"),
        ("{{ ref('A') }}", "{{ ref('a') }}"),
        ("{{ x }} -- {{ y }} z", "{{ x }} -- {{ y }} w"),
        ("{{ '}}' }} select 1", "{{ '}}' }} select 2"),
    ];
    for (baseline, current) in different {
        assert!(!template(baseline, current).is_same(), "{baseline}\n{current}");
        assert_eq!(template(baseline, baseline), Equality::SameTokens, "{baseline}");
    }
}

#[test]
fn broken_texts_are_compared_and_do_not_panic() {
    for text in [
        "'",
        "\"",
        "`",
        "/*",
        "--",
        "{{",
        "{%",
        "{#",
        "{% set x %}",
        "$$",
        "$a$",
        "e'\\",
        "r'",
        "'''",
        "é'ü",
        "1e",
        ".",
        "{{ '",
        "/*+",
        "{% set",
    ] {
        for dialect in [DuckDb, Postgres, Snowflake, BigQuery, Databricks] {
            assert!(query(text, text, dialect).is_same(), "{text}");
            assert!(same_template(&Change { baseline: text, current: text }, dialect).is_same(), "{text}");
            assert!(!same_template(&Change { baseline: text, current: "select 1" }, dialect).is_same(), "{text}");
        }
    }
}
