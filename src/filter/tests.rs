//! The language as tables: what a text means, what it says of a record, what is wrong with it and where.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::model::{
    ChoiceOption, FieldDef, FieldKind, FieldName, ObjectKind, Record, RecordId, RecordRef, Schema, System, Timestamp,
    Value,
};

fn option(key: &str, label: &str) -> ChoiceOption {
    ChoiceOption { key: key.into(), label: label.into(), inactive: false, ..ChoiceOption::default() }
}

fn field(name: &str, label: &str, kind: FieldKind, options: Vec<ChoiceOption>) -> FieldDef {
    FieldDef {
        name: name.into(),
        label: label.into(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options,
    }
}

fn schema() -> Schema {
    let person = ChoiceOption { email: Some("dana@msp.example".into()), ..option("77", "Dana Poe") };
    let mut fields = vec![
        field("name", "Company name", FieldKind::Text, vec![]),
        field("zip", "Postal code", FieldKind::Text, vec![]),
        field("domain", "Company domain name", FieldKind::Url, vec![]),
        field("numberofemployees", "Number of employees", FieldKind::Integer, vec![]),
        field("annualrevenue", "Annual revenue", FieldKind::Number, vec![]),
        field("is_public", "Is public", FieldKind::Bool, vec![]),
        field("founded", "Founded on", FieldKind::Date, vec![]),
        field("createdate", "Create date", FieldKind::DateTime, vec![]),
        field("type", "Type", FieldKind::Choice, vec![option("PROSPECT", "Prospect"), option("PARTNER", "Partner")]),
        field("status", "Status", FieldKind::Choice, vec![option("1", "Active"), option("9", "Active")]),
        field(
            "services",
            "Services",
            FieldKind::MultiChoice,
            vec![option("backup", "Backup"), option("voip", "Telephony")],
        ),
        field("hubspot_owner_id", "Company owner", FieldKind::Person, vec![person]),
        field("customFields/12", "Decision maker", FieldKind::Text, vec![]),
    ];
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { system: System::HubSpot, object: ObjectKind::Company, fields }
}

fn record(values: &[(&str, Value)]) -> Record {
    Record::new(
        RecordId(1),
        Timestamp::EPOCH,
        values.iter().map(|(name, value)| (FieldName::new(name), value.clone())).collect(),
    )
}

/// As HubSpot tells it: everything is text.
fn acme() -> Record {
    let fields = [
        ("name", "Acme Dental Group "),
        ("zip", "01234"),
        ("domain", "acme.example"),
        ("numberofemployees", "25"),
        ("annualrevenue", "1500000.50"),
        ("is_public", "false"),
        ("founded", "2001-05-17"),
        ("createdate", "2026-11-20T09:14:05.120Z"),
        ("type", "PROSPECT"),
        ("status", "9"),
        ("services", "backup;voip"),
        ("hubspot_owner_id", "77"),
    ];
    record(&fields.map(|(name, text)| (name, Value::text(text))))
}

fn bound(text: &str) -> Filter {
    bind(&parse(text).unwrap(), &schema()).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

#[test]
fn a_record_as_hubspot_tells_it_is_judged_by_the_kinds_of_its_fields() {
    let cases = [
        ("", true),
        ("  # nothing but a remark\n", true),
        ("name = \"acme dental GROUP\"", true),
        ("name != 'Acme'", true),
        ("name = 'Acme  Dental\\tGroup'", true),
        ("name contains 'dental' and name starts with \"ACME\" and name ends with 'group'", true),
        ("name contains 'dental' and name starts with \"ACME\" and domain ends with '.example'", true),
        ("zip = '01234'", true),
        ("zip = '1234'", false),
        ("numberofemployees > 9", true),
        ("numberofemployees < 100", true),
        ("numberofemployees >= 25.0", true),
        ("numberofemployees in (1, 25)", true),
        ("annualrevenue = 1500000.5", true),
        ("annualrevenue < -1", false),
        ("is_public", false),
        ("not is_public", true),
        ("is_public = false", true),
        ("founded < 2001-05-18", true),
        ("founded >= 2001-05-18", false),
        ("createdate = 2026-11-20", true),
        ("createdate > 2026-11-20T09:14:05Z", true),
        ("createdate > 2026-11-20T10:14:06+01:00", false),
        ("type = 'Prospect'", true),
        ("type = 'prospect'", true),
        ("type = \"PROSPECT\"", true),
        ("type in ('Partner', 'Prospect')", true),
        ("type not in ('Partner')", true),
        ("type contains 'pros'", true),
        ("status = 'Active'", true),
        ("status = 1", false),
        ("services = 'Telephony'", true),
        ("services != 'Backup'", false),
        ("services in ('Backup')", true),
        ("hubspot_owner_id = 'dana@msp.example'", true),
        ("hubspot_owner_id = 'Dana Poe'", true),
        ("`Decision maker` is empty", true),
        ("customFields/12 is not empty", false),
        ("`customFields/12` != 'yes'", true),
        ("customFields/12 not in ('yes')", true),
        ("customFields/12 contains 'y'", false),
        ("NAME = 'x' OR NOT (type = 'Partner')", true),
        ("name = 'x' and name = 'y' or zip = '01234'", true),
        ("name = 'x' and (name = 'y' or zip = '01234')", false),
    ];
    for (text, pass) in cases {
        let filter = bound(text);
        let verdict = filter.evaluate(&Subject::undated(&acme()));
        assert_eq!(verdict.answer, pass.into(), "{text}: {verdict:?}");
        assert_eq!(filter.passes(&Subject::undated(&acme())), pass, "{text}");
        assert_eq!(verdict.clauses.iter().all(|clause| clause.answer == Answer::Pass), pass, "{text}");
    }
}

#[test]
fn a_record_as_connectwise_tells_it_is_judged_alike() {
    let record = record(&[
        ("numberofemployees", Value::Number(Decimal::from(25))),
        ("is_public", Value::Bool(true)),
        ("status", Value::Choice("9".into())),
        ("founded", Value::text("2001-05-17T00:00:00Z")),
    ]);
    for text in ["numberofemployees = 25", "is_public", "status = 'active'", "founded = 2001-05-17"] {
        assert!(bound(text).passes(&Subject::undated(&record)), "{text}");
    }
}

#[test]
fn a_value_that_cannot_be_read_fails_every_comparison_and_says_so() {
    let record = record(&[("numberofemployees", Value::text("about 20")), ("founded", Value::text("spring"))]);
    for text in [
        "numberofemployees > 1",
        "numberofemployees != 1",
        "numberofemployees not in (1)",
        "numberofemployees <= 1",
        "founded != 2001-01-01",
    ] {
        let verdict = bound(text).evaluate(&Subject::undated(&record));
        assert_eq!(verdict.answer, Answer::Fail, "{text}");
        assert!(verdict.clauses[0].value.contains("can't be read as"), "{}", verdict.clauses[0].value);
    }
}

#[test]
fn a_verdict_shows_each_operand_of_the_outer_and_with_what_it_saw() {
    let text = "type = \"PROSPECT\"\n and (zip = '1' or numberofemployees > 10)";
    let verdict = bound(text).evaluate(&Subject::undated(&acme()));
    let seen: Vec<_> = verdict.clauses.iter().map(|c| (c.text.as_str(), c.answer, c.value.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("type = \"PROSPECT\"", Answer::Pass, "Prospect"),
            ("zip = \"1\" or numberofemployees > 10", Answer::Pass, "zip: 01234, numberofemployees: 25"),
        ]
    );
    assert_eq!(&text[verdict.clauses[0].span.clone()], "type = \"PROSPECT\"");
    assert_eq!(&text[verdict.clauses[1].span.clone()], "(zip = '1' or numberofemployees > 10)");
    assert_eq!(bound(text).fields(), ["numberofemployees", "type", "zip"].map(FieldName::new));
}

#[test]
fn what_asks_for_a_field_that_is_gone_or_retyped_has_no_answer_unless_the_rest_decides() {
    use Answer::{Fail, Pass, Undecided};
    let cases = [
        ("gone = 'x'", Undecided),
        ("gone is empty", Undecided),
        ("not gone is empty", Undecided),
        ("gone = 'x' and type = 'Prospect'", Undecided),
        ("gone = 'x' and type = 'Partner'", Fail),
        ("gone = 'x' or type = 'Prospect'", Pass),
        ("gone = 'x' or type = 'Partner'", Undecided),
        ("not (gone = 'x' or type = 'Prospect')", Fail),
        ("zip > 1000", Undecided),
        ("zip = 1234", Undecided),
        ("founded contains '2001'", Undecided),
        ("name = 2001-05-17", Undecided),
        ("type in ('Prospect', 'Ex-customer')", Undecided),
        ("type = 'Prospect'", Pass),
    ];
    for (text, expected) in cases {
        let filter = bind_as_far_as_it_fits(&parse(text).unwrap(), &schema());
        let verdict = filter.evaluate(&Subject::undated(&acme()));
        assert_eq!(verdict.answer, expected, "{text}: {verdict:?}");
        assert_eq!(filter.passes(&Subject::undated(&acme())), expected == Pass, "{text}");
    }
    let filter = bind_as_far_as_it_fits(&parse("gone > 1 and (zip > 1 or `Company name` = 3)").unwrap(), &schema());
    let seen: Vec<_> =
        filter.evaluate(&Subject::undated(&acme())).clauses.into_iter().map(|clause| clause.value).collect();
    assert_eq!(
        seen,
        [
            "HubSpot has no company field `gone`.",
            "`zip` is a text field: `>` needs a number or a date. `name` is a text field; 3 is not a text.",
        ]
    );
    assert_eq!(filter.fields(), ["gone", "name", "zip"].map(FieldName::new), "what is there is read all the same");
}

fn dated<'a>(record: &'a Record, today: &str) -> Subject<'a> {
    Subject { record, today: today.parse().unwrap(), company: Company::None }
}

#[test]
fn days_relative_to_today_are_compared_with_all_the_days_they_mean() {
    // the text, the value, the day, the answer, the day on which it turns
    let cases = [
        ("founded >= today - 30 days", "2026-10-29", "2026-11-28", true, Some("2026-11-29")),
        ("founded >= today - 30 days", "2026-10-29", "2026-11-29", false, None),
        ("founded < today - 30 days", "2026-10-29", "2026-11-28", false, Some("2026-11-29")),
        ("founded = today", "2026-11-29", "2026-11-28", false, Some("2026-11-29")),
        ("founded = today", "2026-11-29", "2026-11-29", true, Some("2026-11-30")),
        ("founded != today", "2026-11-29", "2026-11-30", true, None),
        ("founded = this month", "2026-11-01", "2026-11-30", true, Some("2026-12-01")),
        ("founded > last month", "2026-11-01", "2026-11-30", true, Some("2026-12-01")),
        ("founded <= last month", "2026-11-01", "2026-11-30", false, Some("2026-12-01")),
        ("founded in (today, next year)", "2027-01-01", "2026-11-28", true, Some("2027-01-02")),
        ("founded in (today, 2026-12-24)", "2026-12-24", "2026-11-28", true, None),
        ("founded not in (today, last week)", "2026-11-28", "2026-11-27", true, Some("2026-11-28")),
        ("not founded = today", "2026-11-29", "2026-11-28", true, Some("2026-11-29")),
        ("founded < today and founded > 2000-01-01", "2026-12-24", "2026-11-28", false, Some("2026-12-25")),
        ("founded = today or founded is empty", "", "2026-11-28", true, None),
        ("founded < today", "spring", "2026-11-28", false, None),
        ("createdate = today", "2026-11-28T23:59:59Z", "2026-11-28", true, Some("2026-11-29")),
    ];
    for (text, value, today, passes, turns) in cases {
        let record = record(&[("founded", Value::text(value)), ("createdate", Value::text(value))]);
        let (filter, subject) = (bound(text), dated(&record, today));
        assert_eq!(filter.passes(&subject), passes, "{text} of {value} on {today}");
        assert_eq!(filter.turns(&subject).map(|day| day.to_string()).as_deref(), turns, "{text} of {value} on {today}");
        let fixed = filter.on(subject.today);
        assert_eq!(fixed.passes(&Subject::undated(&record)), passes, "fixed: {text} of {value} on {today}");
        assert_eq!(fixed.turns(&subject), None);
    }
    let record = record(&[("founded", Value::text("2026-11-01"))]);
    let filter = bound("founded >= today - 30 days");
    let told = "2026-11-01; today - 30 days is 2026-10-29";
    assert_eq!(filter.evaluate(&dated(&record, "2026-11-28")).clauses[0].value, told);
    let fixed = filter.on("2026-11-28".parse().unwrap());
    assert_eq!(fixed.evaluate(&Subject::undated(&record)).clauses[0].value, told);
}

fn company_schema() -> Schema {
    let fields = vec![
        field("name", "Company name", FieldKind::Text, vec![]),
        field("type", "Type", FieldKind::Choice, vec![option("PROSPECT", "Prospect"), option("PARTNER", "Partner")]),
        field("founded", "Founded on", FieldKind::Date, vec![]),
    ];
    Schema { system: System::HubSpot, object: ObjectKind::Company, fields }
}

fn contact_schema() -> Schema {
    let fields =
        vec![field("email", "E-mail", FieldKind::Email, vec![]), field("type", "Kind", FieldKind::Text, vec![])];
    Schema { system: System::HubSpot, object: ObjectKind::Contact, fields }
}

#[test]
fn fields_of_the_company_are_asked_of_the_company() {
    use Answer::{Fail, Pass, Undecided};
    let (own, companies) = (contact_schema(), company_schema());
    let mapping = crate::mapping::defaults::contact();
    let known = Askable::of(&mapping, System::HubSpot, &own, Some(&companies));
    let contact = record(&[("email", Value::text("dana@acme.example")), ("type", Value::text("buyer"))]);
    let acme = record(&[("type", Value::Choice("PARTNER".into())), ("founded", Value::text("2001-05-17"))]);
    let unread = RecordRef::new(ObjectKind::Company, System::HubSpot, RecordId(9));
    let subject = |company| Subject { company, ..dated(&contact, "2026-11-28") };
    // the text; with its company, without one, with one that was not read
    let cases = [
        ("company.type = 'Partner'", Pass, Fail, Undecided),
        ("COMPANY.Type != 'Partner'", Fail, Pass, Undecided),
        ("`company.Founded on` < today - 20 years", Pass, Fail, Undecided),
        ("company.founded is empty", Fail, Pass, Undecided),
        ("type = 'buyer'", Pass, Pass, Pass),
        ("type = 'buyer' or company.type = 'Prospect'", Pass, Pass, Pass),
        ("type = 'seller' and company.type = 'Partner'", Fail, Fail, Fail),
        ("not company.type = 'Prospect'", Pass, Pass, Undecided),
    ];
    for (text, with, without, unknown) in cases {
        let filter = bind(&parse(text).unwrap(), known).unwrap();
        let answers = [Company::Known(&acme), Company::None, Company::Unread(unread)];
        assert_eq!(
            answers.map(|company| filter.evaluate(&subject(company)).answer),
            [with, without, unknown],
            "{text}"
        );
    }
    let filter = bind(&parse("company.type = 'Partner' and type = 'buyer'").unwrap(), known).unwrap();
    assert_eq!((filter.fields(), filter.company_fields()), (vec!["type".into()], vec!["type".into()]));
    let clause = |company| filter.evaluate(&subject(company)).clauses[0].value.clone();
    assert_eq!(clause(Company::Known(&acme)), "Partner");
    assert!(clause(Company::Unread(unread)).starts_with("Nothing is known of"));
    let turning = bind(&parse("company.founded > today - 1 year").unwrap(), known).unwrap();
    assert_eq!(turning.turns(&subject(Company::Known(&acme))), None);
    assert!(
        turning.turns(&Subject { today: "2001-06-01".parse().unwrap(), ..subject(Company::Known(&acme)) }).is_some()
    );
}

#[test]
fn a_field_of_a_company_that_cannot_be_asked_for_says_why() {
    let (own, companies) = (contact_schema(), company_schema());
    let mapping = crate::mapping::defaults::contact();
    let mut without = mapping.clone();
    without.fields.retain(|field| !matches!(field.kind, FieldKind::Reference(_)));
    let company = crate::mapping::defaults::company();
    let cases = [
        (Askable::of(&mapping, System::HubSpot, &own, Some(&companies)), "company.tpye = 'a'", "`type`"),
        (Askable::of(&mapping, System::HubSpot, &own, None), "company.type = 'a'", "not mapped"),
        (Askable::of(&without, System::HubSpot, &own, Some(&companies)), "company.type = 'a'", "does not name"),
        (Askable::of(&company, System::HubSpot, &companies, Some(&companies)), "company.type = 'a'", "no company"),
        (Askable::from(&own), "company.type = 'a'", "not known here"),
    ];
    for (known, text, word) in cases {
        let errors = bind(&parse(text).unwrap(), known).unwrap_err();
        assert!(
            errors[0].is_of_company && format!("{} {}", errors[0].message, errors[0].hint).contains(word),
            "{errors:?}"
        );
        assert_eq!(bind_as_far_as_it_fits(&parse(text).unwrap(), known).fields(), []);
    }
    let known = Askable::of(&mapping, System::HubSpot, &own, Some(&companies));
    let found = complete("company.ty", 10, known, &[]);
    assert_eq!(found.first().map(|found| found.insert.as_str()), Some("company.type"));
    let found = complete("company.type = ", 15, known, &[]);
    assert_eq!(found.first().map(|found| found.insert.as_str()), Some("\"Prospect\""));
}

#[test]
fn answers_are_joined_as_far_as_they_are_known() {
    use Answer::{Fail, Pass, Undecided};
    let table = [
        (vec![], Pass, Fail),
        (vec![Pass, Undecided], Undecided, Pass),
        (vec![Fail, Undecided], Fail, Undecided),
        (vec![Pass, Fail, Undecided], Fail, Pass),
    ];
    for (answers, all, any) in table {
        assert_eq!((Answer::all(answers.clone()), Answer::any(answers.clone())), (all, any), "{answers:?}");
    }
}

#[test]
fn a_standard_filter_does_not_take_a_field_that_is_gone_for_an_empty_one() {
    let mapping = crate::mapping::defaults::company();
    let judge = |record: &Record, gone: &[&str]| {
        let gone = gone.iter().map(|name| FieldName::new(name)).collect();
        standard::all(&mapping, System::HubSpot, &gone).pop().unwrap().judge(record)
    };
    let nameless = record(&[("city", Value::text("Ulm"))]);
    assert_eq!(judge(&nameless, &[]).1, Answer::Fail);
    let (_, answer, why) = judge(&nameless, &["domain"]);
    assert_eq!((answer, why.as_str()), (Answer::Undecided, "HubSpot has no company field `domain`."));
    assert_eq!(judge(&acme(), &["domain"]).1, Answer::Pass, "the name is there to match by");
}

#[test]
fn what_cannot_be_understood_is_shown_where_it_stands() {
    // the text, what is underlined, a word of the message or the hint
    let cases = [
        ("name =", "", "value is missing"),
        ("name = Acme", "Acme", "quotes"),
        ("name = 'Acme", "'Acme", "not closed"),
        ("name 'Acme'", "'Acme'", "operator is missing"),
        ("name = 'a' zip = 'b'", "zip", "and"),
        ("(name = 'a'", "", "`)` is missing"),
        ("name = 'a')", ")", "Drop it"),
        ("and name = 'a'", "and", "field is missing"),
        ("name is 'a'", "'a'", "`empty` is missing"),
        ("name not contains 'a'", "contains", "in front of the field"),
        ("name starts 'a'", "'a'", "`with` is missing"),
        ("type in 'a'", "'a'", "parentheses"),
        ("type in ('a' 'b')", "'b'", "commas"),
        ("type in ()", ")", "value is missing"),
        ("name = 'a' && zip = 'b'", "&", "`and`"),
        ("founded = 2026-13-01", "2026-13-01", "neither"),
        ("numberofemployees = 1,000,000", ",", "goes on"),
        ("name = 'a\\x'", "\\", "backslash"),
        ("founded > today - days", "days", "whole number"),
        ("founded > today - 1.5 days", "1.5", "whole number"),
        ("founded > today - 10001 days", "10001", "10000"),
        ("founded > today - -3 days", "-3", "whole number"),
        ("founded > today - 3", "", "unit of time"),
        ("founded > today + 3 moons", "moons", "unit of time"),
        ("founded = this day", "day", "this month"),
        ("founded = this", "", "unit of time"),
        ("numberofemployees = 99999999999999999999999999999999", "99999999999999999999999999999999", "neither"),
    ];
    for (text, underlined, word) in cases {
        let error = parse(text).unwrap_err();
        assert_eq!(&text[error.span.clone()], underlined, "{text}: {error}");
        assert!(format!("{} {}", error.message, error.hint).contains(word), "{text}: {error:?}");
    }
    let error = parse("name = 'ü'\n  and zip ~ 'x'").unwrap_err();
    assert_eq!((error.line, error.column), (2, 11));
}

#[test]
fn what_does_not_fit_the_schema_is_named_with_what_was_meant() {
    let cases = [
        ("nam = 'a'", "nam", "`name`"),
        ("type = 'Prospct'", "'Prospct'", "`Prospect`"),
        ("name > 'a'", "name", "needs a number or a date"),
        ("zip = 1234", "1234", "quotes"),
        ("numberofemployees = '25'", "'25'", "without quotes"),
        ("numberofemployees contains '2'", "numberofemployees", "needs text"),
        ("is_public = 'yes'", "'yes'", "true or false"),
        ("founded > 5", "5", "2026-11-23"),
        ("founded > 2026-11-23T00:00:00Z", "2026-11-23T00:00:00Z", "date"),
        ("numberofemployees > today", "today", "number without quotes"),
        ("name = this month", "this month", "quotes"),
        ("name", "name", "stand alone"),
    ];
    for (text, underlined, word) in cases {
        let errors = bind(&parse(text).unwrap(), &schema()).unwrap_err();
        assert_eq!(errors.len(), 1, "{text}");
        assert_eq!(&text[errors[0].span.clone()], underlined, "{text}: {errors:?}");
        assert!(format!("{} {}", errors[0].message, errors[0].hint).contains(word), "{text}: {errors:?}");
    }
    let errors = bind(&parse("nix = 1 and type in ('A', 'Partner', 'B') or zap is empty").unwrap(), &schema());
    assert_eq!(errors.unwrap_err().len(), 4);
}

#[test]
fn limits_are_errors_and_never_overflow_the_stack() {
    let nested = |depth: usize| format!("{}name = 'a'{}", "(".repeat(depth), ")".repeat(depth));
    assert!(parse(&nested(MAX_NESTING)).is_ok());
    assert!(parse(&nested(MAX_NESTING + 1)).unwrap_err().message.contains("nested"));
    assert!(parse(&nested(30_000)).unwrap_err().message.contains("nested"));
    let negated = format!("{}is_public", "not ".repeat(MAX_NESTING));
    assert!(!bound(&negated).passes(&Subject::undated(&acme())));
    assert!(parse(&format!("not {negated}")).unwrap_err().message.contains("nested"));
    let many = |count: usize| vec!["zip = '1'"; count].join(" or ");
    assert!(parse(&many(MAX_COMPARISONS)).is_ok());
    assert!(parse(&many(MAX_COMPARISONS + 1)).unwrap_err().message.contains("comparisons"));
    assert!(parse(&"#".repeat(MAX_BYTES + 1)).unwrap_err().message.contains("bytes"));
}

#[test]
fn the_canonical_form_has_the_parentheses_it_needs() {
    let cases = [
        ("(((name='a')))", "name = \"a\""),
        ("name<>'a'", "name != \"a\""),
        ("a and (b and c)", "a and (b and c)"),
        ("(a and b) or c", "a and b or c"),
        ("a and (b or not (c or d))", "a and (b or not (c or d))"),
        ("not not a", "not not a"),
        ("`a b` IN (1,'x\"y',TRUE, 2026-11-23)", "`a b` in (1, \"x\\\"y\", true, 2026-11-23)"),
        (
            "d > TODAY-30 days and d<=today  +1 week or d = Last Month",
            "d > today - 30 days and d <= today + 1 week or d = last month",
        ),
        ("d in (today - 0 years, this quarter)", "d in (today, this quarter)"),
        ("`and` is not empty # why\n or a", "`and` is not empty or a"),
    ];
    for (text, canonical) in cases {
        let expr = parse(text).unwrap();
        assert_eq!(print(&expr), canonical);
        assert_eq!(parse(canonical).unwrap(), expr);
    }
}

#[test]
fn completion_proposes_what_can_stand_there() {
    // the text up to the cursor, one proposal that must be there (or none at all), what it replaces
    let cases = [
        ("", Some("name"), ""),
        ("na", Some("name"), "na"),
        ("decision", Some("customFields/12"), "decision"),
        ("type ", Some("in ("), ""),
        ("type = ", Some("\"Prospect\""), ""),
        ("type = \"pa", Some("\"Partner\""), "\"pa"),
        ("type in (\"Partner\", ", Some("\"Prospect\""), ""),
        ("type = 'Partner' ", Some("and"), ""),
        ("type = 'Partner'", Some(" and"), ""),
        ("type = 'Partner' and is_", Some("is_public"), "is_"),
        ("is_public = t", Some("true"), "t"),
        ("founded > ", Some("today - 30 days"), ""),
        ("founded in (today - 1 day ", Some(","), ""),
        ("name starts ", Some("with"), ""),
        ("name is ", Some("not empty"), ""),
        ("name = 'x' # ty", None, ""),
        ("name = ", None, ""),
    ];
    for (text, expected, replaced) in cases {
        let found = complete(text, text.len(), &schema(), &[]);
        match expected {
            None => assert_eq!(found, [], "{text}"),
            Some(insert) => {
                let proposal = found.iter().find(|c| c.insert == insert).unwrap_or_else(|| panic!("{text}: {found:?}"));
                assert_eq!(&text[proposal.replace.clone()], replaced, "{text}");
            }
        }
    }
}

#[test]
fn what_is_mapped_is_proposed_first_then_what_begins_so_then_what_has_the_letters() {
    let field = |name: &str, label: &str| field(name, label, FieldKind::Text, vec![]);
    let mut schema = schema();
    schema.fields = vec![
        field("hs_num_child_companies", "Number of child companies"),
        field("num_notes", "Notes, their number"),
        field("hs_headcount", "Numbers at work"),
        field("numberofemployees", "Number of Employees"),
        field("account_number", "Account"),
        field("nickname_umber", "Nickname"),
    ];
    let mapped = [&FieldName::new("account_number"), &FieldName::new("numberofemployees")];
    let found = |typed: &str| -> Vec<String> {
        let found = complete(typed, typed.len(), &schema, &mapped).into_iter();
        found.map(|c| format!("{}{}", c.insert, if c.is_mapped { " mapped" } else { "" })).collect()
    };
    assert_eq!(
        found("numb"),
        [
            "numberofemployees mapped",
            "hs_num_child_companies",
            "hs_headcount",
            "num_notes",
            "account_number mapped",
            "nickname_umber",
        ]
    );
    assert_eq!(found("")[..2], ["account_number mapped", "numberofemployees mapped"]);
    assert_eq!(found("nmb")[0], "numberofemployees mapped");
    assert_eq!(found("zzz"), [""; 0]);
}

#[test]
fn the_standard_filters_of_companies_look_at_deletion_exclusion_and_match_keys() {
    let mut mapping = crate::mapping::defaults::company();
    mapping.exclude.hubspot = vec![7];
    let judge = |record: &Record| {
        let standard = standard::all(&mapping, System::HubSpot, &standard::Gone::new());
        standard.iter().map(|standard| standard.judge(record).1 == Answer::Pass).collect::<Vec<_>>()
    };
    assert_eq!(judge(&acme()), [true, true, true]);
    assert_eq!(judge(&Record { archived: true, ..acme() }), [false, true, true]);
    assert_eq!(judge(&Record { id: RecordId(7), ..acme() }), [true, false, true]);
    assert_eq!(judge(&record(&[("domain", Value::text("acme.example"))])), [true, true, true]);
    assert_eq!(judge(&record(&[("name", Value::text(" - "))])), [true, true, false]);
}

#[test]
fn an_inactive_catalog_item_is_kept_out_and_one_that_does_not_tell_is_none() {
    let mapping = crate::mapping::defaults::product();
    let gone = standard::Gone::from([FieldName::new("inactiveFlag")]);
    let judge = |flag: Value, gone: &standard::Gone| {
        let record = record(&[("identifier", Value::text("A-1")), ("inactiveFlag", flag)]);
        let standard = standard::all(&mapping, System::ConnectWise, gone);
        let active = standard.iter().find(|standard| standard.text == "is active").unwrap();
        assert!(!active.unless_linked, "what was linked before rests");
        active.judge(&record).1
    };
    let known = standard::Gone::new();
    assert_eq!(judge(Value::Bool(true), &known), Answer::Fail);
    assert_eq!(judge(Value::Bool(false), &known), Answer::Pass);
    assert_eq!(judge(Value::Empty, &known), Answer::Pass);
    assert_eq!(judge(Value::Empty, &gone), Answer::Undecided);
}

fn literal() -> impl Strategy<Value = Literal> {
    prop_oneof![
        any::<String>().prop_map(Literal::Text),
        (any::<i64>(), 0u32..10).prop_map(|(n, scale)| Literal::Number(Decimal::new(n, scale))),
        any::<bool>().prop_map(Literal::Bool),
        (1i16..9999, 1i8..13, 1i8..29).prop_map(|(y, m, d)| Literal::Date(jiff::civil::date(y, m, d))),
        (0i64..4_000_000_000_000).prop_map(|ms| Literal::DateTime(Timestamp(ms))),
        (-10_000i32..=10_000, prop::sample::select(Unit::ALL.to_vec())).prop_map(|(steps, unit)| {
            Literal::Relative(if steps == 0 { Relative::TODAY } else { Relative::Day { steps, unit } })
        }),
        (-1i32..=1, prop::sample::select(Unit::ALL[1..].to_vec()))
            .prop_map(|(steps, unit)| Literal::Relative(Relative::Period { steps, unit })),
    ]
}

fn test() -> impl Strategy<Value = Expr> {
    let placed = || literal().prop_map(|literal| Spanned::new(literal, Span::default()));
    let compare =
        prop::sample::select(vec![Compare::Eq, Compare::Ne, Compare::Lt, Compare::Le, Compare::Gt, Compare::Ge]);
    let wanted = prop::sample::select(vec![TextMatch::Contains, TextMatch::StartsWith, TextMatch::EndsWith]);
    let condition = prop_oneof![
        Just(Condition::IsTrue),
        (compare, placed()).prop_map(|(compare, value)| Condition::Is(compare, value)),
        (any::<bool>(), prop::collection::vec(placed(), 1..4))
            .prop_map(|(negated, values)| Condition::In { negated, values }),
        (wanted, placed()).prop_map(|(wanted, value)| Condition::Text(wanted, value)),
        any::<bool>().prop_map(|negated| Condition::Empty { negated }),
    ];
    let name = prop_oneof!["[a-z_]{1,8}", "[a-zA-Z]{2,5}/[0-9]{1,3}", Just("not".to_owned()), any::<String>()];
    (name, condition)
        .prop_map(|(name, condition)| Expr::Test(Test { field: Spanned::new(name, Span::default()), condition }))
}

fn expr() -> impl Strategy<Value = Expr> {
    let placed = |expr| Spanned::new(expr, Span::default());
    test().prop_recursive(6, 40, 4, move |inner| {
        let several = prop::collection::vec(inner.clone().prop_map(placed), 2..4);
        prop_oneof![
            several.clone().prop_map(Expr::All),
            several.prop_map(Expr::Any),
            inner.prop_map(move |operand| Expr::Not(Box::new(placed(operand)))),
        ]
    })
}

#[test]
fn a_filter_is_laid_out_an_operand_a_line() {
    let text = "type='Prospect' # first\n and (zip is empty or name in ('a','b')) and not (name contains 'x' # why\n or zip = '1')";
    let laid_out = "type = \"Prospect\"  # first\nand (zip is empty or name in (\"a\", \"b\"))\nand not (\n  name contains \"x\"  # why\n  \
                    or zip = \"1\"\n)";
    assert_eq!(pretty(text).unwrap(), laid_out);
    assert_eq!(pretty("# only this\n\n  # and that").unwrap(), "# only this\n# and that");
    let long = format!("name in ({})", (0..30).map(|n| format!("'value {n}'")).collect::<Vec<_>>().join(","));
    let laid_out = pretty(&long).unwrap();
    assert!(laid_out.lines().count() > 4 && laid_out.lines().all(|line| line.len() <= 76), "{laid_out}");
}

proptest! {
    #[test]
    fn parse_reads_back_what_print_wrote(expr in expr()) {
        let text = print(&expr);
        prop_assert_eq!(parse(&text), Ok(expr), "{}", text);
    }

    #[test]
    fn laying_out_changes_neither_the_meaning_nor_what_is_laid_out_and_keeps_comments(
        expr in expr(),
        between in prop::collection::vec(prop::sample::select(vec![" ", " ", "\n", " # c\n", "\n # d\n", " # e\n# f\n"]), 1..40),
    ) {
        let plain = print(&expr);
        let mut text = String::new();
        for (placed, between) in super::lex::lex(&plain).unwrap().iter().zip(between.iter().cycle()) {
            text.push_str(&plain[placed.span.range()]);
            text.push_str(between);
        }
        let laid_out = pretty(&text).unwrap();
        prop_assert_eq!(parse(&laid_out), Ok(expr), "{}", laid_out);
        prop_assert_eq!(pretty(&laid_out).unwrap(), laid_out.clone(), "{}", text);
        let comments = |text: &str| {
            let ends = text.lines().filter_map(|line| ["# c", "# d", "# e", "# f"].into_iter().find(|c| line.ends_with(c)));
            let mut ends: Vec<_> = ends.collect();
            ends.sort_unstable();
            ends
        };
        prop_assert_eq!(comments(&laid_out), comments(&text), "{}", laid_out);
    }

    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), cursor in 0usize..100) {
        if let Ok(expr) = parse(&text) {
            prop_assert_eq!(parse(&print(&expr)), Ok(expr));
        }
        drop(pretty(&text));
        drop(complete(&text, cursor, &schema(), &[]));
    }

    #[test]
    fn no_mixture_of_words_makes_it_panic(words in prop::collection::vec(prop::sample::select(vec![
        "name", "type", "(", ")", ",", "and", "or", "not", "in", "is", "empty", "=", "<=", "'x'", "\"", "`", "1", "-2.5",
        "2026-11-23", "today", "+", "-", "days", "this", "month", "contains", "starts", "with", "true", "#", "\n", "ü",
    ]), 0..30)) {
        let text = words.join(" ");
        match parse(&text) {
            Ok(expr) => drop(bind(&expr, &schema()).map(|filter| filter.evaluate(&Subject::undated(&acme())))),
            Err(error) => prop_assert!(text.get(error.span).is_some()),
        }
        drop(complete(&text, text.len(), &schema(), &[]));
    }
}
