//! The rewriter and the renderer on arbitrary, mutated and grammatical templates.

use std::sync::LazyLock;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{renderer, scope};
use crate::jinja::lexer::{Lexer, Piece};
use crate::jinja::{Renderer, blocks, render, rewrite};
use crate::tests::fuzz::{check, mutate};

const WORDS: &[&str] = &[
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{{-",
    "-}}",
    "{%-",
    "-%}",
    "{%+",
    "+%}",
    "{% raw %}",
    "{% endraw %}",
    "{% if x %}",
    "{% elif y %}",
    "{% else %}",
    "{% endif %}",
    "{% for i in x %}",
    "{% endfor %}",
    "{% for a, b in c.items() if a recursive %}",
    "{% set x = 1 %}",
    "{% set x %}",
    "{% endset %}",
    "{% set a, b = 1, 2 %}",
    "{% set ns.x = 2 %}",
    "{% macro m(a, b=[1]) %}",
    "{% endmacro %}",
    "{% call(x) m() %}",
    "{% endcall %}",
    "{% filter upper %}",
    "{% endfilter %}",
    "{% do x.append(1) %}",
    "{% test t(model) %}",
    "{% endtest %}",
    "{% docs d %}",
    "{% enddocs %}",
    "{% snapshot s %}",
    "{% endsnapshot %}",
    "{% materialization x, adapter='y' %}",
    "{% endmaterialization %}",
    "{% with a = 1 %}",
    "{% endwith %}",
    "{% block b %}",
    "{% include 'x' %}",
    "{% extends x %}",
    "{% import 'x' as y %}",
    "{% break %}",
    "{% continue %}",
    "{% autoescape true %}",
    "x",
    "loop.index",
    "ref('a')",
    "source('a', 'b')",
    "config(a=1)",
    "varargs",
    "kwargs",
    "caller()",
    "none",
    "True",
    "is",
    "is not none",
    "not",
    "and",
    "or",
    "in",
    "not in",
    "if",
    "else",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ".",
    "|",
    "~",
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "==",
    "!=",
    "<=",
    "=",
    "'",
    "\"",
    "'a'",
    "\"b\"",
    "'}}'",
    "'%}'",
    "\\",
    "\\'",
    "1",
    "1.5",
    "1e9",
    "0x1F",
    "0b2",
    "1_000",
    "99999999999999999999999",
    "\n",
    "\r\n",
    " ",
    "\t",
    "\u{feff}",
    "\0",
    "é",
    "🦆",
    "\u{2028}",
    "\u{a0}",
    "$",
    "!",
    "&",
    ";",
    "@",
    "?",
    "`",
    "_",
    "__add",
    "self",
    "super()",
    "*args",
    "**kw",
    "loop",
];

fn bases() -> Vec<String> {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut bases = Vec::new();
    for folder in
        ["fixtures/jinja", "fixtures/ecomm", "fixtures/zoo", "src/jinja/macros/dbt", "src/jinja/macros/duckdb"]
    {
        for entry in walkdir::WalkDir::new(format!("{root}/{folder}")).sort_by_file_name() {
            let entry = entry.unwrap();
            if entry.path().extension().is_some_and(|extension| extension == "sql") {
                bases.push(std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }
    assert!(bases.len() > 30, "the templates were found");
    bases
}

fn texts(source: &str) -> Option<Vec<String>> {
    let mut lexer = Lexer::new(source);
    let mut texts = Vec::new();
    while let Some(piece) = lexer.next_piece().ok()? {
        if let Piece::Verbatim(text) = piece {
            texts.push(text.to_owned());
        }
    }
    Some(texts)
}

/// What holds of every template that the rewriter takes: same lines, same text outside of tags.
fn rewrites(source: &str) -> Option<String> {
    let lines = source.matches('\n').count() + 1;
    match blocks(source, "f.sql") {
        Ok(found) => found.iter().for_each(|block| {
            assert!(source.contains(&block.full) && block.full.contains(&block.contents), "{block:?}");
            assert!((1..=lines).contains(&(block.line as usize)), "{block:?}");
        }),
        Err(error) => assert!((1..=lines).contains(&(error.location.as_ref().unwrap().line as usize)), "{error:?}"),
    }
    match rewrite::rewrite(source) {
        Ok(rewritten) => {
            assert_eq!(rewritten.text.matches('\n').count() + 1, lines, "{}", rewritten.text);
            assert_eq!(texts(&rewritten.text), texts(source), "{}", rewritten.text);
            Some(rewritten.text)
        }
        Err(error) => {
            assert!(!error.message.is_empty() && (1..=lines).contains(&(error.line as usize)), "{error:?}");
            None
        }
    }
}

/// Compiles what the rewriter made; the engine's refusal, if it refuses.
fn compiles(rewritten: &str) -> Result<(), String> {
    let env = render::environment();
    let compiled = env.template_from_str(rewritten);
    compiled.map(|_| ()).map_err(|error| error.to_string())
}

static RENDERER: LazyLock<Renderer> = LazyLock::new(|| {
    renderer(
        "{% macro m(a, b=[1]) %}{{ a }}{{ caller() if caller }}{{ varargs }}{% endmacro %}{% macro r(a) %}{{ return([a]) }}{% endmacro %}",
    )
});

fn renders(source: &str) {
    if let Err(error) = RENDERER.parse(source, &scope()) {
        assert!(!error.message.is_empty() && error.location.is_some(), "{error:?}");
    }
}

#[test]
fn arbitrary_templates_are_rewritten_or_refused() {
    let any = prop_oneof![
        any::<String>(),
        "\\PC{0,80}",
        mutate::soup(WORDS),
        "(\\{\\{|\\}\\}|\\{%|%\\}|[a-z( )\\['\"|.,0-9]){0,60}"
    ];
    check("jinja, arbitrary text", 400, &any, |source| {
        if let Some(rewritten) = rewrites(source) {
            let _ = compiles(&rewritten);
        }
    });
}

#[test]
fn mutated_templates_are_rewritten_or_refused() {
    check("jinja, mutated files", 200, &mutate::texts(&bases(), WORDS), |source| {
        if let Some(rewritten) = rewrites(source) {
            let _ = compiles(&rewritten);
        }
    });
}

#[test]
fn text_without_tags_is_passed_on_as_it_is() {
    let plain =
        any::<String>().prop_filter("has no tag", |text| !["{{", "{%", "{#"].iter().any(|tag| text.contains(tag)));
    check("jinja, plain text", 200, &plain, |source| {
        assert_eq!(rewrite::rewrite(source).unwrap().text, *source);
        assert_eq!(RENDERER.parse(source, &scope()).unwrap().text, *source);
    });
}

/// An expression with how tightly it binds: 0 a conditional, 1 `or`, 2 `and`, 3 `not`, 4 a comparison, 5 `+`, 6 `~`,
/// 7 `*`, 8 `**`, 9 a sign, 10 the rest.
type Expression = (String, u8);

fn at_least(least: u8) -> impl Fn(&Expression) -> String {
    move |(text, level)| if *level >= least { text.clone() } else { format!("({text})") }
}

fn leaf() -> impl Strategy<Value = Expression> {
    let words = select(
        &[
            "x",
            "y",
            "loop",
            "none",
            "None",
            "true",
            "False",
            "1",
            "2.5",
            "0x1f",
            "1_0",
            "'a'",
            "\"it's\"",
            "'{{'",
            "'}}'",
            "'%}'",
            "'\\n\\''",
            "'two\nlines'",
            "this",
            "target",
            "var('n')",
            "ref('a')",
            "ref('p', 'a', v=1)",
            "env_var('FOO')",
            "[]",
            "{}",
            "()",
            "namespace(a=1)",
            "x.y.z",
            "caller",
            "r(1)",
            "'a' 'b'",
        ][..],
    );
    words.prop_map(|word| (word.to_owned(), 10))
}

fn expression() -> impl Strategy<Value = Expression> {
    leaf().prop_recursive(4, 24, 3, |inner| {
        let two = || (inner.clone(), inner.clone());
        let infix = |ops: &'static [&'static str], level: u8| {
            (two(), select(ops)).prop_map(move |((a, b), op)| (format!("{} {op} {}", at_least(level)(&a), at_least(level + 1)(&b)), level))
        };
        let listed = || vec(inner.clone().prop_map(|e| e.0), 0..4);
        prop_oneof![
            infix(&["or"], 1),
            infix(&["and"], 2),
            inner.clone().prop_map(|e| (format!("not {}", at_least(4)(&e)), 3)),
            infix(&["==", "!=", "<", "<=", ">", ">=", "in", "not in"], 4),
            infix(&["+", "-"], 5),
            infix(&["~"], 6),
            infix(&["*", "/", "//", "%"], 7),
            infix(&["**"], 8),
            inner.clone().prop_map(|e| (format!("-{}", at_least(10)(&e)), 9)),
            (two(), inner.clone()).prop_map(|((a, b), c)| (format!("{} if {} else {}", at_least(1)(&a), at_least(1)(&b), c.0), 0)),
            listed().prop_map(|items| (format!("[{}]", items.join(", ")), 10)),
            listed().prop_map(|items| (format!("({},)", items.join(",\n")).replace("(,)", "()"), 10)),
            (listed(), inner.clone()).prop_map(|(keys, v)| {
                let entries: Vec<String> = keys.iter().map(|key| format!("{key}: {}", v.0)).collect();
                (format!("{{{}}}", entries.join(", ")), 10)
            }),
            (listed(), inner.clone()).prop_map(|(args, kw)| {
                let args: Vec<String> = args.into_iter().chain([format!("k={}", kw.0)]).collect();
                (format!("m({})", args.join(", ")), 10)
            }),
            inner.clone().prop_map(|e| (format!("{}.attr", at_least(10)(&e)), 10)),
            two().prop_map(|(a, b)| (format!("{}[{}]", at_least(10)(&a), b.0), 10)),
            two().prop_map(|(a, b)| (format!("{}[{}:]", at_least(10)(&a), b.0), 10)),
            (inner.clone(), select(&["upper", "list", "default('d', true)", "join(', ')", "map('upper') | list", "length", "tojson"][..]))
                .prop_map(|(e, filter)| (format!("{} | {filter}", at_least(10)(&e)), 9)),
            (inner.clone(), select(&["none", "not none", "defined", "string", "mapping", "divisibleby(2)", "not iterable"][..]))
                .prop_map(|(e, test)| (format!("{} is {test}", at_least(10)(&e)), 9)),
        ]
    })
}

fn marked(prints: bool) -> impl Strategy<Value = (&'static str, &'static str)> {
    if prints {
        select(&[("{{ ", " }}"), ("{{- ", " -}}"), ("{{", "}}"), ("{{\n", "\n}}")][..])
    } else {
        select(&[("{% ", " %}"), ("{%- ", " -%}"), ("{%\n", "\n-%}")][..])
    }
}

fn statement() -> impl Strategy<Value = String> {
    let text = select(
        &[
            "select 1",
            "\n",
            "  ",
            "} }",
            "{ x }",
            "é🦆\r\n",
            "{# {{ c #}",
            "{% raw %}{{ x {% endraw %}",
            "--",
            "'",
            "%",
        ][..],
    );
    let simple = prop_oneof![
        text.prop_map(str::to_owned),
        (expression(), marked(true))
            .prop_filter("a dict at the very start reads as a closing brace in Jinja too", |(e, _)| !e
                .0
                .starts_with('{')
                && !e.0.ends_with('}'))
            .prop_map(|(e, (open, close))| format!("{open}{}{close}", e.0)),
        (expression(), marked(false)).prop_map(|(e, (open, close))| format!("{open}set v = {}{close}", e.0)),
        (expression(), marked(false)).prop_map(|(e, (open, close))| format!("{open}do {}{close}", e.0)),
    ];
    simple.prop_recursive(3, 16, 4, |inner| {
        let body = vec(inner, 0..3).prop_map(|parts| parts.concat());
        let body = || body.clone();
        prop_oneof![
            (expression(), body(), body(), marked(false)).prop_map(|(e, a, b, (open, close))| {
                format!("{open}if {}{close}{a}{open}elif y{close}z{open}else{close}{b}{open}endif{close}", e.0)
            }),
            (expression(), body(), select(&["i", "a, b", "(a, b)", "i, (a, b)"][..]), marked(false)).prop_map(
                |(e, a, target, (open, close))| {
                    format!(
                        "{open}for {target} in {} if true{close}{a}{open}else{close}-{open}endfor{close}",
                        at_least(1)(&e)
                    )
                }
            ),
            body().prop_map(|a| format!("{{% set w %}}{a}{{% endset %}}")),
            body().prop_map(|a| format!("{{% filter upper %}}{a}{{% endfilter %}}")),
            body().prop_map(|a| format!("{{% call m(1) %}}{a}{{% endcall %}}")),
            (expression(), body()).prop_map(|(e, a)| format!("{{% with q = {} %}}{a}{{% endwith %}}", e.0)),
        ]
    })
}

#[test]
fn grammatical_templates_compile_and_render_or_fail_with_a_place() {
    let template = vec(statement(), 0..6).prop_map(|parts| parts.concat());
    check("jinja, grammatical templates", 300, &template, |source| {
        let rewritten =
            rewrites(source).unwrap_or_else(|| panic!("refused: {:?}", rewrite::rewrite(source).map(|_| ())));
        if let Err(error) = compiles(&rewritten) {
            panic!("{error}\n{rewritten}");
        }
        renders(source);
    });
}
