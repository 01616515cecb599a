//! What templates see of Python's modules, against what Python prints.

use minijinja::Environment;
use minijinja::value::Value;

use super::modules;
use crate::jinja::repr::to_str;

fn show(expression: &str) -> String {
    let environment = Environment::new();
    let context = Value::from_pairs([("modules", modules())]);
    let value = environment.compile_expression(expression).and_then(|expression| expression.eval(context));
    value.map_or_else(|error| format!("error: {error}"), |value| to_str(&value))
}

#[track_caller]
fn same(cases: &[(&str, &str)]) {
    for (expression, expected) in cases {
        assert_eq!(show(expression), *expected, "{expression}");
    }
}

#[test]
fn datetimes_print_as_python_prints_them() {
    same(&[
        ("modules.datetime.datetime(2020,1,2,3,4,5)", "2020-01-02 03:04:05"),
        ("modules.datetime.datetime(2020,1,2,3,4,5,6).isoformat()", "2020-01-02T03:04:05.000006"),
        ("modules.datetime.datetime(2020,1,2,3,4,5,123456).isoformat(timespec='seconds')", "2020-01-02T03:04:05"),
        ("modules.datetime.date(2020,1,2)", "2020-01-02"),
        ("modules.datetime.timedelta(hours=-1)", "-1 day, 23:00:00"),
        ("modules.datetime.timedelta(weeks=1, minutes=3, seconds=1.5)", "7 days, 0:03:01.500000"),
        ("modules.datetime.timedelta(hours=-1).days", "-1"),
        ("modules.datetime.timedelta(days=1).total_seconds()", "86400.0"),
        ("modules.datetime.datetime.fromisoformat('2020-01-02T03:04:05+00:00')", "2020-01-02 03:04:05+00:00"),
        ("modules.datetime.datetime(2020,1,31,5,6,7).replace(day=1, hour=0)", "2020-01-01 00:06:07"),
        ("modules.datetime.datetime(2020,1,31,5,6,7).timestamp()", "1580447167.0"),
        ("modules.datetime.datetime(2020,1,31).toordinal()", "737455"),
        (
            "modules.datetime.datetime.combine(modules.datetime.date(2020,1,2), modules.datetime.time(3,4))",
            "2020-01-02 03:04:00",
        ),
    ]);
}

#[test]
fn strftime_knows_the_directives_of_c() {
    let format =
        "%Y%m%d %H:%M:%S %p %I %y %B %b %A %a %d %j %U %W %w %u %V %G %e %-d %-m %f %% %Z %z %c %x %X %D %F %T";
    let expected = "20200131 00:00:00 AM 12 20 January Jan Friday Fri 31 031 04 04 5 5 05 2020 31 31 1 000000 %   \
                    Fri Jan 31 00:00:00 2020 01/31/20 00:00:00 01/31/20 2020-01-31 00:00:00";
    same(&[(&format!("modules.datetime.datetime(2020,1,31).strftime('{format}')"), expected)]);
}

#[test]
fn strptime_fills_in_what_the_format_does_not_name() {
    same(&[
        ("modules.datetime.datetime.strptime('2020-01-02','%Y-%m-%d')", "2020-01-02 00:00:00"),
        (
            "modules.datetime.datetime.strptime('2020-01-02 03:04:05.123','%Y-%m-%d %H:%M:%S.%f')",
            "2020-01-02 03:04:05.123000",
        ),
        (
            "modules.datetime.datetime.strptime('Jan 5 2020 01:02 PM +0100','%b %d %Y %I:%M %p %z')",
            "2020-01-05 13:02:00+01:00",
        ),
        ("modules.datetime.datetime.strptime('2020-W01-1','%G-W%V-%u')", "2019-12-30 00:00:00"),
        ("modules.datetime.datetime.strptime('2020-01','%Y-%m')", "2020-01-01 00:00:00"),
        ("modules.datetime.datetime.strptime('5/1/20','%d/%m/%y')", "2020-01-05 00:00:00"),
    ]);
    assert!(show("modules.datetime.datetime.strptime('x','%Y')").contains("does not match format"));
    assert!(show("modules.datetime.datetime(2020,13,1)").contains("month must be in 1..12"));
}

#[test]
fn zones_follow_summer_time() {
    same(&[
        (
            "modules.pytz.timezone('America/New_York').localize(modules.datetime.datetime(2020,7,1,12))",
            "2020-07-01 12:00:00-04:00",
        ),
        (
            "modules.pytz.timezone('America/New_York').localize(modules.datetime.datetime(2020,7,1,12))\
             .astimezone(modules.pytz.utc)",
            "2020-07-01 16:00:00+00:00",
        ),
        (
            "modules.pytz.utc.localize(modules.datetime.datetime(2020,7,1,12))\
             .astimezone(modules.pytz.timezone('Asia/Kolkata')).isoformat()",
            "2020-07-01T17:30:00+05:30",
        ),
        (
            "modules.pytz.timezone('America/New_York').localize(modules.datetime.datetime(2020,7,1,12))\
             .strftime('%Z %z')",
            "EDT -0400",
        ),
        ("modules.pytz.timezone('America/New_York').zone", "America/New_York"),
        ("modules.datetime.datetime.now(modules.pytz.utc).tzinfo", "UTC"),
    ]);
}

#[test]
fn sums_of_dates_are_pythons() {
    let at = |text: &str| {
        let environment = Environment::new();
        let context = Value::from_pairs([("modules", modules())]);
        environment.compile_expression(text).and_then(|expression| expression.eval(context)).expect("evaluates")
    };
    let apply = |operator: &str, a: &str, b: &str| {
        super::date_arithmetic(operator, &at(a), &at(b))
            .map(|result| result.map_or_else(|e| e.to_string(), |v| to_str(&v)))
    };
    let (january, december) = ("modules.datetime.datetime(2020,1,31)", "modules.datetime.datetime(2019,12,1)");
    let (date, day) = ("modules.datetime.date(2020,1,31)", "modules.datetime.timedelta(1)");
    assert_eq!(apply("-", january, december).as_deref(), Some("61 days, 0:00:00"));
    assert_eq!(apply("+", date, day).as_deref(), Some("2020-02-01"));
    assert_eq!(apply("-", date, "modules.datetime.timedelta(hours=1)").as_deref(), Some("2020-01-30"));
    assert_eq!(apply("+", day, day).as_deref(), Some("2 days, 0:00:00"));
    assert_eq!(apply("+", "1", "2"), None);
    assert!(apply("+", date, "1").is_some_and(|text| text.contains("unsupported operand")));
}

#[test]
fn regular_expressions_are_pythons() {
    same(&[
        ("modules.re.match('a(b)?(?P<n>c)', 'acd').group()", "ac"),
        ("modules.re.match('a(b)?(?P<n>c)', 'acd').groups()", "(None, 'c')"),
        ("modules.re.match('a(b)?(?P<n>c)', 'acd').group('n')", "c"),
        ("modules.re.match('b', 'ab')", "None"),
        ("modules.re.search('b', 'ab').span()", "(1, 2)"),
        ("modules.re.search('b', 'ab')", "<re.Match object; span=(1, 2), match='b'>"),
        ("modules.re.fullmatch('a+', 'aaa')[0]", "aaa"),
        ("modules.re.fullmatch('a|ab', 'ab')[0]", "ab"),
        ("modules.re.sub('[^a-z]+', '_', 'a B c')", "a_c"),
        (r"modules.re.sub('(a)(b)', '\\2\\1', 'abab')", "baba"),
        (r"modules.re.sub('(?P<z>a)', '\\g<z>\\g<1>!', 'ab')", "aa!b"),
        ("modules.re.sub('a', 'x', 'aaa', 2)", "xxa"),
        ("modules.re.subn('a', 'x', 'aaa')", "('xxx', 3)"),
        (r"modules.re.split(',\\s*', 'a, b,c')", "['a', 'b', 'c']"),
        ("modules.re.split('(,)', 'a,b,c', 1)", "['a', ',', 'b,c']"),
        ("modules.re.findall('(a)(.)', 'abac')", "[('a', 'b'), ('a', 'c')]"),
        ("modules.re.findall('a.', 'abac')", "['ab', 'ac']"),
        ("modules.re.escape('a.b c-d_e')", r"a\.b\ c\-d_e"),
        ("modules.re.compile('A', modules.re.IGNORECASE).sub('x', 'aA')", "xx"),
        ("modules.re.sub('{{(.)}}', 'x', 'a{{b}}')", "ax"),
        ("modules.re.sub('[[&]', 'x', 'a[b&')", "axbx"),
        ("modules.re.findall('a{,2}b', 'aaab')", "['aab']"),
    ]);
}

#[test]
fn itertools_give_tuples_in_pythons_order() {
    same(&[
        ("modules.itertools.chain([1],[2,3]) | list", "[1, 2, 3]"),
        ("modules.itertools.combinations([1,2,3], 2) | list", "[(1, 2), (1, 3), (2, 3)]"),
        ("modules.itertools.permutations([1,2,3], 2) | list", "[(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)]"),
        ("modules.itertools.product([1,2],['a','b']) | list", "[(1, 'a'), (1, 'b'), (2, 'a'), (2, 'b')]"),
        ("modules.itertools.product([0,1], repeat=2) | list", "[(0, 0), (0, 1), (1, 0), (1, 1)]"),
        ("modules.itertools.zip_longest([1,2],[3], fillvalue='x') | list", "[(1, 3), (2, 'x')]"),
        ("modules.itertools.islice(modules.itertools.count(5), 3) | list", "[5, 6, 7]"),
        ("modules.itertools.islice([1,2,3,4], 1, 3) | list", "[2, 3]"),
        ("modules.itertools.accumulate([1,2,3]) | list", "[1, 3, 6]"),
        ("modules.itertools.combinations_with_replacement([1,2],2) | list", "[(1, 1), (1, 2), (2, 2)]"),
        ("modules.itertools.compress([1,2,3],[1,0,1]) | list", "[1, 3]"),
    ]);
}
