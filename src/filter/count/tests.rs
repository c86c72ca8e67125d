//! Counts say what judging record by record would.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use proptest::prelude::*;

use super::*;
use jiff::civil::Date;

use crate::filter::{Answer, Subject, bind_as_far_as_it_fits, parse, standard};
use crate::mapping::defaults;
use crate::model::{FieldDef, FieldKind, Fields, ObjectKind, Record, Schema, System, Timestamp, Value};

fn schema() -> Schema {
    let field = |name: &str, kind| FieldDef {
        name: name.into(),
        label: name.into(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    };
    let fields = vec![field("city", FieldKind::Text), field("name", FieldKind::Text), field("size", FieldKind::Number)];
    Schema { system: System::HubSpot, object: ObjectKind::Company, fields }
}

fn criteria(text: &str) -> Arc<Criteria> {
    let mut mapping = defaults::company();
    mapping.exclude.hubspot = vec![3, 5];
    let filter = bind_as_far_as_it_fits(&parse(text).unwrap(), &schema());
    let standard = standard::all(&mapping, System::HubSpot, &standard::Gone::new());
    let unread = |field: &FieldName| (field.as_str() == "size").then(|| "`size` is not read yet.".to_owned());
    Arc::new(Criteria::new(standard, Some(filter), Date::MIN, &unread))
}

/// Record by record, without pages.
fn judged(record: &Record, linked: bool, criteria: &Criteria) -> (Vec<Answer>, Answer) {
    let answer = |clause: &Criterion| match clause.unless_linked && linked {
        true => Answer::Pass,
        false => clause.node.answer(&Subject::undated(record)),
    };
    let each: Vec<Answer> = criteria.clauses().iter().map(answer).collect();
    let whole = Answer::all(each.iter().copied());
    (each, whole)
}

fn expected(records: &[(Record, bool)], question: &Question) -> Tally {
    let mut tally = Tally { looked: records.len() as u64, against: Some(Against::default()), ..Tally::default() };
    tally.clauses = vec![ClauseTally::default(); question.criteria.clauses().len()];
    for (record, linked) in records {
        let (each, whole) = judged(record, *linked, &question.criteria);
        let before = judged(record, *linked, question.deployed.as_ref().unwrap()).1;
        let against = tally.against.as_mut().unwrap();
        match whole {
            Answer::Pass => tally.pass += 1,
            Answer::Fail => tally.fail += 1,
            Answer::Undecided => tally.undecided += 1,
        }
        match (before, whole) {
            (Answer::Pass, Answer::Fail) if *linked => against.freeze += 1,
            (Answer::Pass, Answer::Fail) => against.stay_out += 1,
            (Answer::Pass, Answer::Undecided) => against.unsettled += 1,
            (Answer::Fail | Answer::Undecided, Answer::Pass) => against.enter += 1,
            _ => {}
        }
        for (place, answer) in each.iter().enumerate() {
            let others = each.iter().enumerate().filter(|(other, _)| *other != place).map(|(_, answer)| *answer);
            if *answer == Answer::Fail {
                tally.clauses[place].removes += 1;
                tally.clauses[place].alone += u64::from(Answer::all(others) == Answer::Pass);
            }
        }
    }
    tally
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Empty),
        prop::sample::select(vec!["Austin", "AUSTIN ", "Dallas", "", "-", "12"])
            .prop_map(|text| Value::Text(text.into())),
        any::<bool>().prop_map(Value::Bool),
        (0i64..40).prop_map(|n| Value::Number(n.into())),
        prop::sample::select(vec!["Austin", "7"]).prop_map(|text| Value::Choice(text.into())),
        "[a-d]{1,3}".prop_map(Value::Text),
    ]
}

fn records() -> impl Strategy<Value = Vec<(Record, bool)>> {
    let record = (value(), value(), any::<bool>(), any::<bool>()).prop_map(|(city, name, archived, linked)| {
        let fields = Fields::from([("city".into(), city), ("name".into(), name)]);
        let modified = Timestamp::EPOCH;
        let (stamp, merged, modified_by) = (None, vec![], None);
        (Record { id: RecordId(0), modified, archived, fields, stamp, merged, modified_by, untouched: false }, linked)
    });
    prop::collection::vec(record, 0..200).prop_map(|mut records| {
        records.iter_mut().zip(1..).for_each(|((record, _), id)| record.id = RecordId(id));
        records
    })
}

fn text() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "",
        "city = 'austin'",
        "city != 'austin' and name contains '1'",
        "not (city is empty or name in ('12', 'dallas')) and name is not empty",
        "gone = 'x' or city = 'austin'",
        "size > 3 and city = 'austin'",
        "not (size > 3 and city = 'austin')",
        "city starts with 'a' and (name ends with 'd' or not city = 'abc')",
    ])
}

proptest! {
    #[test]
    fn counting_is_judging_record_by_record(
        records in records(),
        texts in prop::collection::vec((text(), text()), 1..4),
        cut in 0usize..200,
    ) {
        let fields = ["city", "domain", "name"].map(FieldName::new).to_vec();
        let mut pages = Pages::new(fields.clone());
        let cut = cut.min(records.len());
        for part in [&records[..cut], &records[cut..]] {
            let mut reading = Reading::new(&fields);
            for (record, linked) in part {
                let values = fields.iter().map(|field| record.value(field.as_str()).clone());
                reading.push(record.id, record.archived, *linked, values);
            }
            pages.add(reading.done());
        }
        // several in turn: what is kept of one must not show in the next
        for (text, before) in texts {
            let question = Question { criteria: criteria(text), deployed: Some(criteria(before)) };
            pages.prepare(&question, 2);
            let mut tally = Tally::default();
            (0..pages.len()).for_each(|place| pages.count(place, &question, &mut tally));
            prop_assert_eq!(&tally, &expected(&records, &question));
            for which in [Which::Pass, Which::Enter, Which::Freeze, Which::RemovedBy(1), Which::RemovedOnlyBy(2)] {
                let found: usize = (0..pages.len()).map(|place| pages.which(place, &question, which).len()).sum();
                prop_assert_eq!(found as u64, tally.of(which), "{:?}", which);
            }
        }
    }
}

#[test]
fn a_full_page_takes_no_more_records() {
    let mut reading = Reading::new(&[]);
    (0..=ROWS as u64).for_each(|id| reading.push(RecordId(id), false, false, std::iter::empty()));
    let page = reading.done();
    assert_eq!((page.records(), page.last()), (ROWS, Some(RecordId(ROWS as u64 - 1))));
}

#[test]
fn more_tests_than_there_is_room_for_are_counted_all_the_same() {
    let fields = ["city", "domain", "name"].map(FieldName::new).to_vec();
    let mut pages = Pages::new(fields.clone());
    let mut reading = Reading::new(&fields);
    (1..=9).for_each(|id| reading.push(RecordId(id), false, false, [Value::text(id.to_string())].into_iter().cycle()));
    pages.add(reading.done());
    let long = (1..=900).map(|n| format!("city != '{n}'")).collect::<Vec<_>>().join(" and ");
    for text in [long.as_str(), "city = '7'", long.as_str()] {
        let question = Question { criteria: criteria(text), deployed: None };
        // so many pages that there is room for one test
        pages.prepare(&question, 65_536);
        let mut tally = Tally::default();
        pages.count(0, &question, &mut tally);
        assert_eq!((tally.looked, tally.pass), (9, u64::from(text == "city = '7'")), "{text}");
    }
}
