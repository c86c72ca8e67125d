//! What scripts give, what they cannot do, and that the same arguments give the same answer whatever was called before.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use proptest::prelude::*;

use super::*;

fn one(source: &str) -> Result<Value, ScriptError> {
    let (city, zip) = (Value::text("Austin"), Value::Empty);
    Script::compile(source)?.call(&Value::text(" Acme "), [("city", &city), ("zip", &zip)].into_iter())
}

fn told(source: &str) -> String {
    match one(source) {
        Ok(value) => panic!("`{source}` gives {value:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_expression_gives_a_value_of_its_type() {
    let text = |text: &str| Value::text(text);
    let number = |text: &str| Value::Number(text.parse().unwrap());
    let list = |keys: &[&str]| Value::Choices(keys.iter().map(|key| (*key).to_owned()).collect());
    let cases = [
        ("value.trim()", text("Acme")),
        ("record.city + ', TX'", text("Austin, TX")),
        ("record[\"city\"]", text("Austin")),
        ("record.zip ?? 'none'", text("none")),
        ("record?.city", text("Austin")),
        ("(value, record) => { const x = 3; return x * 2 }", number("6")),
        ("value // a comment", text(" Acme ")),
        ("0.1 + 0.2", number("0.3")),
        ("(12.345).toFixed(2)", text("12.35")),
        ("1 > 2", Value::Bool(false)),
        ("null", Value::Empty),
        ("undefined", Value::Empty),
        ("'  '", Value::Empty),
        ("[]", Value::Empty),
        ("['b', 'a', 'b']", list(&["a", "b"])),
        ("'a-b-c'.split('-').map(x => x.toUpperCase()).join(' ')", text("A B C")),
        ("'abc'.replace(/b/g, m => m + m)", text("abbc")),
        ("new (class { #a = 4; get a() { return this.#a } })().a", number("4")),
        ("[...(function* () { yield 1 })()].length", number("1")),
        ("JSON.stringify({a: value})", text("{\"a\":\" Acme \"}")),
        ("Object.keys(record).join()", text("city,zip")),
        ("typeof Date + typeof eval + typeof Promise + typeof require + typeof process", text(&"undefined".repeat(5))),
        ("typeof Math.random", text("undefined")),
        ("typeof globalThis.structuredClone", text("undefined")),
    ];
    for (source, expected) in cases {
        let expected = match expected {
            Value::Number(number) => Value::Number(number.normalize()),
            other => other,
        };
        let found = one(source).map(|value| match value {
            Value::Number(number) => Value::Number(number.round_dp(12).normalize()),
            other => other,
        });
        assert_eq!(found, Ok(expected), "{source}");
    }
}

#[test]
fn what_goes_wrong_is_told_with_its_place() {
    let cases = [
        ("", "there is no script"),
        ("value.\ntrim(", "line 2"),
        ("value.nope.x", "line 1, column"),
        ("record.nope", "the record has no field \"nope\""),
        ("1)},(2", "line 1"),
        ("1), (2", "line 1"),
        ("1; (2", "line 1"),
        ("class", "line 1, column 6"),
        ("throw 3", "line 1"),
        ("(() => { throw 'plain' })()", "plain"),
        ("(() => {\n throw new Error('mine') })()", "line 2, column"),
        ("10n ** 20n", "leave out the n"),
        ("({a:1})", "an object"),
        ("Symbol('x')", "a symbol"),
        ("NaN", "not finite"),
        ("1e400", "not finite"),
        ("[1, 2]", "something else than texts"),
        ("'\\ud800'", "half a character"),
        ("'x'.repeat(70000)", "more than 65536"),
        ("record.city = 'x'", "line 1"),
        ("globalThis.x = 1", "line 1"),
        ("Array.prototype.x = 1", "line 1"),
    ];
    for (source, words) in cases {
        let found = told(source);
        assert!(found.contains(words), "{source}: {found}");
    }
}

#[test]
fn nothing_takes_more_than_its_share_or_gets_out() {
    let cases = [
        "(() => { for(;;){} })()",
        "(() => { try { for(;;){} } catch (e) { return 1 } })()",
        "(() => { try { for(;;){} } finally { return 1 } })()",
        "'x'.repeat(1e9)",
        "(() => { let a = []; for (;;) a.push('xxxxxxxxxxxxxxxxxxxxxxxxx' + a.length) })()",
        "(function f(n) { return f(n + 1) + 1 })(0)",
        "/(a+)+$/.test('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab')",
        "[].includes.call({length: 2**53-1}, 1)",
        "new Array(4294967295).indexOf(1)",
        "'a'.repeat(4e6).includes('a'.repeat(2e6) + 'b')",
        "(() => { let a = []; for (let i = 0; i < 40; i++) a = [a, a]; return a.flat(Infinity).length })()",
        "(() => { throw {toString() { for(;;){} }} })()",
        "new Proxy({}, {get() { return 1 }})",
        "eval('1')",
        "Function('return 1')()",
        "(() => {}).constructor('return 1')()",
        "'a'.constructor.constructor('return 1')()",
        "(async () => 1)()",
        "import('fs')",
        "require('fs')",
        "new Date()",
        "Math.random()",
        "new WeakRef({})",
    ];
    for source in cases {
        assert!(one(source).is_err(), "{source}: {:?}", one(source));
        assert_eq!(one("value.trim()"), Ok(Value::text("Acme")), "after {source}");
    }
}

#[test]
fn a_loop_without_an_end_is_stopped_and_says_so() {
    assert!(told("(() => { for(;;){} })()").contains("it takes too long"));
    let greedy =
        told("(() => { const a = []; for (let i = 0; i < 9000; i++) a.push('x'.repeat(4000) + i); return 1 })()");
    assert!(greedy.contains("16 MB"), "{greedy}");
}

#[test]
fn fields_are_those_that_are_named_in_full() {
    let named = |source: &str| named(source).into_iter().collect::<Vec<_>>();
    assert_eq!(
        named("record.city + record[ 'customFields/12' ] + record?.[\"a b\"] + record . zip"),
        ["a b", "city", "customFields/12", "zip"]
    );
    assert_eq!(named("my.record.city + records.b + record[name] + (record) + 'record'"), Vec::<String>::new());
    assert_eq!(named("record.é_1$.length"), ["é_1$"]);
}

#[test]
fn a_number_that_javascript_cannot_count_with_is_refused() {
    let exact = Script::compile("value + 1").unwrap();
    let call = |text: &str| exact.call(&Value::Number(text.parse().unwrap()), [].into_iter());
    assert_eq!(call("12.5"), Ok(Value::Number("13.5".parse().unwrap())));
    assert!(call("12345678901234567890.123").is_err());
}

/// A thread of its own has an interpreter of its own, in which nothing was called before.
fn elsewhere(source: &str) -> Result<Value, ScriptError> {
    let source = source.to_owned();
    std::thread::spawn(move || one(&source)).join().unwrap()
}

#[test]
fn the_same_call_gives_the_same_answer_after_thousands_of_others() {
    let sources = [
        "value.trim() + record.city",
        "(() => { let s = ''; for (let i = 0; i < 20000; i++) s += 'x'; return s.length })()",
        "(() => { let s = 0; for (let i = 0; i < 200000; i++) s += i; return s })()",
        "(() => { const a = []; for (let i = 0; i < 20000; i++) a.push('' + i); return a.sort()[7] })()",
        "(() => { try { 'x'.repeat(1e8) } catch (e) { return e.message } return 'no' })()",
    ];
    let fresh: Vec<_> = sources.iter().map(|source| elsewhere(source)).collect();
    for round in 0..400 {
        let source = sources[round % sources.len()];
        assert_eq!(one(source), fresh[round % sources.len()], "{source} in round {round}");
        drop(one(&format!("value + {round}")));
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic_and_none_is_remembered(text in "\\PC{0,24}|[(){}\\[\\];,.'\"`/ a-z=>n0-9\n]{0,24}") {
        let first = one(&text);
        prop_assert_eq!(elsewhere(&text), first);
    }

    #[test]
    fn a_value_comes_back_as_it_went_in(text in "\\PC{0,24}", number in -1_000_000_000i64..1_000_000_000, scale in 0..4u32) {
        let same = Script::compile("value").unwrap();
        let back = |value: &Value| same.call(value, [].into_iter());
        let text = Value::text(text);
        prop_assert_eq!(back(&text), Ok(text.clone()));
        let number = Value::Number(rust_decimal::Decimal::new(number, scale).normalize());
        prop_assert_eq!(back(&number), Ok(number.clone()));
    }
}
