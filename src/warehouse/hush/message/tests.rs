//! Messages as the engines write them.

use proptest::prelude::*;

use super::without_values;

const SQL: &str = "create table \"pr_7\".\"t\" as select email, amount::integer from raw";

/// Code, message, what is told of it; nothing where all is.
const CASES: &[(&str, &str, &str)] = &[
    (
        "22P02",
        "invalid input syntax for type integer: \"secret\"",
        "invalid input syntax for type integer: \"***\" [SQLSTATE 22P02]",
    ),
    (
        "23505",
        "duplicate key value violates unique constraint \"t_pkey\"\nDETAIL:  Key (email, amount)=(5, ann@x) already exists.",
        "duplicate key value violates unique constraint \"t_pkey\" [SQLSTATE 23505]\nDETAIL:  Key (email, amount)=(***",
    ),
    (
        "23502",
        "null value in column \"email\" of relation \"t\" violates not-null constraint\nDETAIL:  Failing row contains (1, null, 7).",
        "null value in column \"email\" of relation \"t\" violates not-null constraint [SQLSTATE 23502]\nDETAIL:  Failing row contains ***",
    ),
    (
        "22003",
        "value \"70000\" is out of range for type smallint",
        "value \"***\" is out of range for type smallint [SQLSTATE 22003]",
    ),
    ("22003", "integer out of range", ""),
    ("22012", "division by zero", ""),
    ("22001", "value too long for type character varying(5)", ""),
    (
        "22003",
        "numeric field overflow\nDETAIL:  A field with precision 3, scale 1 must round to an absolute value less than 10^2.",
        "numeric field overflow [SQLSTATE 22003]\nDETAIL:  A field with precision 3, scale 1 must round to an absolute value less than ***^***.",
    ),
    (
        "22P02",
        "invalid input syntax for type json\nDETAIL:  Token \"secret\" is invalid.\nCONTEXT:  JSON data, line 1: secret",
        "invalid input syntax for type json [SQLSTATE 22P02]\nDETAIL:  Token \"***\" is invalid.\nCONTEXT:  JSON data, line ***",
    ),
    (
        "22P02",
        "invalid input value for enum mood: \"bad\"",
        "invalid input value for enum ***: \"***\" [SQLSTATE 22P02]",
    ),
    ("42P01", "relation \"skrt1\" does not exist", "relation \"***\" does not exist [SQLSTATE 42P01]"),
    ("42P01", "relation \"raw\" does not exist", ""),
    ("42883", "function \"skrt1(integer)\" does not exist", "function \"***\" does not exist [SQLSTATE 42883]"),
    ("42704", "type skrt1 does not exist", "type *** does not exist [SQLSTATE 42704]"),
    ("3F000", "schema \"skrt1\" does not exist", "schema \"***\" does not exist [SQLSTATE 3F000]"),
    ("2202E", "index 48 out of valid range, 0..47", "index *** out of valid range, ***..*** [SQLSTATE 2202E]"),
    ("22008", "date field value out of range: 480-480-480", "date field value out of range: *** [SQLSTATE 22008]"),
    ("22023", "time zone \"skrt\" not recognized", "time zone \"***\" not recognized [SQLSTATE 22023]"),
    ("2201B", "invalid regular expression: quantifier operand invalid", ""),
    (
        "54000",
        "requested character too large for encoding: 480",
        "requested character too large for encoding: *** [SQLSTATE 54000]",
    ),
    (
        "2200M",
        "invalid XML content\nDETAIL:  line 1: x\n<a>secret",
        "invalid XML content [SQLSTATE 2200M]\nDETAIL:  line ***",
    ),
    ("P0001", "customer skrt1 has no email", "customer *** has no email"),
    (
        "",
        "Binder Error: Referenced column \"amout\" not found!\nCandidate bindings: \"skrt\"",
        "Binder Error: Referenced column \"***\" not found!\nCandidate bindings: \"***\"",
    ),
    (
        "",
        "Binder Error: Referenced column \"amout\" not found!\nCandidate bindings: \"skrt\"\n\nLINE 1: ...select email, amount::integer from raw\n             ^",
        "",
    ),
    (
        "",
        "Catalog Error: Sequence with name skrt1 does not exist!\n\nLINE 1: skrt1",
        "Catalog Error: Sequence with name *** does not exist!\n\n",
    ),
    (
        "",
        "Conversion Error: Could not convert string 'it's secret' to INT32\n\nLINE 1: ...select email, amount::integer\n     ^",
        "Conversion Error: Could not convert string '***' to INT32\n\nLINE 1: ...select email, amount::integer\n     ^",
    ),
    (
        "",
        "Conversion Error: Type INT64 with value 12345 can't be cast because the value is out of range for the destination type INT16",
        "Conversion Error: Type INT64 with value ***",
    ),
    (
        "",
        "Constraint Error: Duplicate key \"id: 5\" violates primary key constraint.",
        "Constraint Error: Duplicate key ***",
    ),
    ("", "Constraint Error: NOT NULL constraint failed: t.email", ""),
    (
        "",
        "Conversion Error: Could not cast value 48000005 to DECIMAL(3,1)",
        "Conversion Error: Could not cast value ***",
    ),
    (
        "",
        "Invalid Input Error: Could not parse string \"secret\"\nsecret\n^\nError: Literal does not match",
        "Invalid Input Error: Could not parse string ***",
    ),
    ("", "Conversion Error: Date out of range: 480-1-1", "Conversion Error: Date out of range: ***"),
    ("", "Invalid Input Error: Invalid UTF8 Codepoint 480", "Invalid Input Error: Invalid UTF8 Codepoint ***"),
    ("", "Out of Range Error: Left-shift value 480 is out of range", "Out of Range Error: Left-shift value ***"),
    ("", "Out of Range Error: Overflow in multiplication of INT32 (9 * 7)!", "Out of Range Error: Overflow in ***"),
];

#[test]
fn values_go_and_names_stay() {
    for &(code, message, told) in CASES {
        let line = message.contains("\nLINE ").then_some(1);
        let code = Some(code).filter(|code| !code.is_empty());
        let told = if told.is_empty() { message } else { told };
        let found = without_values(message, code, line, SQL);
        if code == Some("P0001") {
            assert!(!found.contains("skrt1"), "{found}");
        } else if told.ends_with("\n\n") {
            assert!(found.starts_with(told.trim_end()) && !found.contains("skrt1"), "{found}");
        } else {
            assert_eq!(found, told);
        }
    }
}

#[test]
fn what_the_database_says_of_the_code_is_told_with_its_place() {
    let message = "column \"amout\" does not exist\nHINT:  Perhaps you meant to reference the column \"t.amount\".";
    assert_eq!(without_values(message, Some("42703"), Some(3), SQL), message);
    let message = "syntax error at or near \"selct\"";
    assert_eq!(without_values(message, Some("42601"), Some(1), SQL), message);
    // Without a place it may be raised by a row: `s::regclass`.
    assert!(!without_values(message, Some("42601"), None, SQL).contains("selct"));
}

proptest! {
    #[test]
    fn whatever_the_value_holds_it_is_gone(value in "[a-z\"' \n():=]{0,20}") {
        let value = format!("Zx{value}xZ");
        for (code, message) in [
            (Some("22P02"), format!("invalid input syntax for type integer: \"{value}\"")),
            (Some("23505"), format!("duplicate key\nDETAIL:  Key (id)=({value}) already exists.")),
            (Some("42P01"), format!("relation \"{value}\" does not exist")),
            (None, format!("Conversion Error: Could not convert string '{value}' to INT32")),
            (None, format!("Unheard Error: of {value} nobody knew")),
        ] {
            let told = without_values(&message, code, None, SQL);
            prop_assert!(!told.contains("Zx") && !told.contains("xZ"), "{told}");
        }
    }
}
