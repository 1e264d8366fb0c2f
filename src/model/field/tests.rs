//! Tests each type with the neighbouring JSON types that mean the same, and with those that do not.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Field, FieldReading, PathStep};
use crate::model::contact::{LastMessage, UnreadOf};

/// The value that is read, as JSON, and whether it was in doubt.
fn read<T: Field>(value: &Value) -> (Value, bool) {
    let mut reading = FieldReading::default();
    let read: T = reading.below(PathStep::Name("at"), value.clone());
    (read.json(), !reading.unreadable_fields.is_empty())
}

fn table<T: Field>(rows: &[(Value, Value)], doubted: &[Value]) {
    for (given, meant) in rows {
        assert_eq!(read::<T>(given), (meant.clone(), false), "{given}");
    }
    for given in doubted {
        assert_eq!(read::<T>(given), (T::kind().empty(), true), "{given}");
    }
}

#[test]
fn texts() {
    table::<String>(
        &[
            (json!("text"), json!("text")),
            (json!(" text "), json!(" text ")),
            (json!(null), json!("")),
            (json!(9_812_345_678_i64), json!("9812345678")),
            (json!(1.5), json!("1.5")),
            (json!(true), json!("true")),
            (json!({ "$oid": "6a2b" }), json!("6a2b")),
            (json!({ "$oid": null }), json!("")),
        ],
        &[json!([]), json!(["a"]), json!({}), json!({ "$oid": "a", "b": 1 }), json!({ "$oid": {} })],
    );
}

#[test]
fn numbers() {
    table::<i64>(
        &[
            (json!(3), json!(3)),
            (json!(-3), json!(-3)),
            (json!(3.0), json!(3)),
            (json!("3"), json!(3)),
            (json!(" 3 "), json!(3)),
            (json!("3.0"), json!(3)),
            (json!(true), json!(1)),
            (json!(null), json!(0)),
            (json!(""), json!(0)),
        ],
        &[json!("many"), json!("inf"), json!("NaN"), json!(1e300), json!(u64::MAX), json!([]), json!({}), json!([3])],
    );
}

#[test]
fn flags() {
    table::<bool>(
        &[
            (json!(true), json!(true)),
            (json!(1), json!(true)),
            (json!("true"), json!(true)),
            (json!("Yes"), json!(true)),
            (json!("1"), json!(true)),
            (json!(false), json!(false)),
            (json!(0), json!(false)),
            (json!("0"), json!(false)),
            (json!("FALSE"), json!(false)),
            (json!(""), json!(false)),
            (json!(null), json!(false)),
        ],
        &[json!("perhaps"), json!([]), json!([true]), json!({})],
    );
}

#[test]
fn times() {
    let time = json!("2026-06-12T08:13:52.369Z");
    table::<Option<Timestamp>>(
        &[
            (time.clone(), time.clone()),
            (json!("2026-06-12T08:13:52.369999Z"), time.clone()),
            (json!("2026-06-12T13:43:52.369+05:30"), time.clone()),
            (json!("2026-06-12T08:13:52.369"), time.clone()),
            (json!("2026-06-12 08:13:52.369"), time.clone()),
            (json!(1_781_252_032_369_i64), time.clone()),
            (json!("1781252032369"), time.clone()),
            (json!(1_781_252_032), json!("2026-06-12T08:13:52.000Z")),
            (json!("1781252032"), json!("2026-06-12T08:13:52.000Z")),
            (json!({ "$date": "2026-06-12T08:13:52.369Z" }), time.clone()),
            (json!({ "$date": 1_781_252_032_369_i64 }), time.clone()),
            (json!(null), json!("")),
            (json!(""), json!("")),
            (json!(0), json!("")),
            (json!({ "$date": null }), json!("")),
        ],
        &[json!("soon"), json!("12"), json!(true), json!([]), json!({}), json!(1e300), json!("99999999999999999999")],
    );
    let mut reading = FieldReading::default();
    let read: Option<Timestamp> = reading.below(PathStep::Name("at"), json!("2026-06-12T08:13:52.369999Z"));
    assert_eq!(read, "2026-06-12T08:13:52.369Z".parse().ok(), "kept and read again it must be the same");
}

#[test]
fn lists() {
    table::<Vec<String>>(
        &[
            (json!(["a", "b"]), json!(["a", "b"])),
            (json!([1, null, true]), json!(["1", "true"])),
            (json!("WEBSITE"), json!(["WEBSITE"])),
            (json!(7), json!(["7"])),
            (json!(""), json!([])),
            (json!(null), json!([])),
            (json!({}), json!([])),
        ],
        &[json!({ "a": 1 }), json!([{ "a": 1 }]), json!([["a"]])],
    );
    let one = json!({ "userId": "a1", "count": 2 });
    table::<Vec<UnreadOf>>(
        &[
            (json!([one]), json!([one])),
            (one.clone(), json!([one])),
            (json!([{}]), json!([{ "userId": "", "count": 0 }])),
        ],
        &[json!("a1"), json!(["a1", 3])],
    );
}

#[test]
fn objects() {
    let empty = LastMessage::kind().empty();
    table::<LastMessage>(
        &[
            (json!({}), empty.clone()),
            (json!(null), empty.clone()),
            (json!([]), empty.clone()),
            (json!(""), empty.clone()),
            (json!({ "by": "user" }), json!({ "at": "", "text": "", "by": "user" })),
        ],
        &[json!("hello"), json!(1), json!(false), json!([{ "by": "user" }])],
    );
}
