//! Tenants that do what no public source settles, one way and the other: what the connector makes of each.

use std::time::Duration;

use lockstep::engine::core::request::RejectionKind;
use lockstep::sim::{Object, Side};

use super::lines::Office;
use super::objects::switch;
use super::*;

async fn office(switched: &Json) -> Office {
    let office = Office::new(Data::Empty).await;
    switch(&office.running, switched);
    office
}

fn company(identifier: &str, more: &[(&str, Value)]) -> RequestBody {
    let mut written = vec![("name", text("Acme")), ("identifier", text(identifier))];
    written.extend(more.iter().cloned());
    create(ObjectKind::Company, &written)
}

async fn made(office: &Office, identifier: &str, more: &[(&str, Value)]) -> ItemOutcome {
    outcome(ask(&office.psa, company(identifier, more)).await)
}

#[tokio::test]
async fn a_reference_is_emptied_whatever_null_does() {
    for rule in ["clears", "ignored", "refused"] {
        let office = office(&json!({"null_reference": rule})).await;
        let id = office.create(
            Object::Company,
            &json!({"name": "Acme", "identifier": "ACME", "market": {"id": 1}, "territoryManager": {"id": 151}}),
        );
        let after = office
            .update(ObjectKind::Company, id, &[("market", Value::Empty), ("territoryManager", Value::Empty)])
            .await;
        assert_eq!((after.value("market"), after.value("territoryManager")), (&Value::Empty, &Value::Empty), "{rule}");
    }
}

#[tokio::test]
async fn a_status_that_lands_elsewhere_is_told_as_it_landed() {
    for elsewhere in [false, true] {
        let office = office(&json!({"status_lands_elsewhere": elsewhere})).await;
        let ItemOutcome::Applied(record) = made(&office, "ACME", &[("status", Value::Choice("2".into()))]).await else {
            panic!("not made")
        };
        assert_eq!(record.value("status").to_plain() == "2", !elsewhere, "{record:?}");
    }
}

#[tokio::test]
async fn what_the_tenant_made_mandatory_is_named() {
    for (switched, said) in [
        (json!({"mandatory": ["company/market"]}), "market"),
        (json!({"required_custom_fields": [32]}), "Support Tier"),
    ] {
        let office = office(&switched).await;
        let ItemOutcome::Rejected(why) = made(&office, "ACME", &[]).await else { panic!("{switched}: made") };
        let words = format!("{} {}", why.message, why.fields.join(" "));
        assert!(why.kind == RejectionKind::Invalid && words.contains(said), "{switched}: {words}");
        switch(&office.running, &json!({"mandatory": [], "required_custom_fields": []}));
        assert!(matches!(made(&office, "ACME", &[]).await, ItemOutcome::Applied(_)), "{switched}");
    }
}

#[tokio::test]
async fn an_identifier_in_the_recycle_bin_is_taken_or_free() {
    for taken in [true, false] {
        let office = office(&json!({"binned_identifier_taken": taken})).await;
        let id = office.create(Object::Company, &json!({"name": "Old", "identifier": "ACME"}));
        office.running.control.delete(Side::ConnectWise, Object::Company, id).unwrap();
        match made(&office, "ACME", &[]).await {
            ItemOutcome::Rejected(why) => {
                let told =
                    (matches!(why.kind, RejectionKind::Duplicate { .. }), why.fields.first().map(String::as_str));
                assert_eq!((taken, told), (true, (true, Some("identifier"))));
            }
            other => assert!(!taken && matches!(other, ItemOutcome::Applied(_)), "{taken}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_identifier_that_the_tenant_makes_itself_is_told_as_it_was_made() {
    let office = office(&json!({"identifiers_generated": true, "identifiers_without_spaces": true})).await;
    for expected in ["Acme", "Acme2"] {
        let ItemOutcome::Applied(record) = made(&office, "MINE", &[]).await else { panic!("{expected}: not made") };
        assert_eq!(record.value("identifier"), &text(expected));
    }
}

#[tokio::test]
async fn a_company_that_was_merged_away_is_in_the_bin_or_gone() {
    for (rule, there) in [("binned", true), ("gone", false)] {
        let office = office(&json!({"merged_company": rule})).await;
        let [kept, lost] =
            ["A", "B"].map(|name| office.create(Object::Company, &json!({"name": name, "identifier": name})));
        office.running.control.merge(Side::ConnectWise, Object::Company, kept, lost, Some("jlind")).unwrap();
        let answer = ask(&office.psa, read(&["name", "deletedFlag"], &[kept, lost])).await;
        let AnswerBody::Records { found } = answer else { panic!("{rule}: {answer:?}") };
        let deleted = found[1].1.as_ref().map(|record| record.archived);
        assert_eq!((found[0].1.is_some(), deleted), (true, there.then_some(true)), "{rule}");
    }
}

#[tokio::test]
async fn a_member_who_was_deleted_for_good_spoils_no_record() {
    let office = office(&json!({})).await;
    let fields = json!({"name": "Acme", "identifier": "ACME", "territoryManager": {"id": 151}});
    let id = office.create(Object::Company, &fields);
    let known = async || {
        let answer = ask(&office.psa, read(&["name", "territoryManager"], &[id])).await;
        let AnswerBody::Records { found } = answer else { panic!("{answer:?}") };
        let record = found[0].1.clone().unwrap();
        (record.value("name").to_plain(), record.value("territoryManager").to_plain())
    };
    assert_eq!(known().await, ("Acme".to_owned(), "151".to_owned()));
    switch(&office.running, &json!({"deleted_members": [151]}));
    assert_eq!(known().await.0, "Acme");
    let listed = page(ask(&office.psa, list(&["name", "territoryManager"], None, 50)).await).0;
    assert!(ids(&listed).contains(&id));
}

/// Times go out as UTC without an offset, so that nobody can misread one.
#[tokio::test]
async fn a_window_of_changes_holds_what_changed_in_it_whether_or_not_offsets_are_misread() {
    for misread in [false, true] {
        let office = office(&json!({"offset_misread": misread})).await;
        let id = office.create(Object::Company, &json!({"name": "Acme", "identifier": "ACME"}));
        office.running.control.advance(Duration::from_secs(7200));
        let from = office.now();
        office.edit(Object::Company, id, &json!({"city": "Ulm"}));
        let seen = office.changed(ObjectKind::Company, &["name"], from - Duration::from_secs(1)).await;
        assert_eq!(ids(&seen), [id], "{misread}");
        office.running.control.advance(Duration::from_secs(7200));
        assert_eq!(office.changed(ObjectKind::Company, &["name"], office.now()).await, [], "{misread}");
    }
}

#[tokio::test]
async fn a_change_that_is_committed_late_lies_a_second_before_its_moment() {
    let standing = Some(1_780_000_000_000);
    let office = Office::with(sim::Options { standing_at_ms: standing, ..sim::Options::quick(Data::Empty) }).await;
    switch(&office.running, &json!({"commit_skew": true}));
    let from = office.now();
    let made = ["A", "B"].map(|name| office.create(Object::Company, &json!({"name": name, "identifier": name})));
    let seen = async |from| ids(&office.changed(ObjectKind::Company, &["name"], from).await);
    assert_eq!(seen(from).await, made[..1], "a window that begins where the last one ended would miss it");
    assert_eq!(seen(from - Duration::from_secs(1)).await, made);
}

#[tokio::test]
async fn a_host_that_serves_people_is_told_as_the_wrong_one() {
    let office = office(&json!({"wrong_host": true})).await;
    let answer = ask(&office.psa, list(&["name"], None, 50)).await;
    let AnswerBody::Failed(Failure::Denied { hint, .. }) = &answer else { panic!("{answer:?}") };
    assert!(hint.contains("API host"), "{hint}");
}

#[tokio::test]
async fn a_minute_that_is_used_up_is_a_pause() {
    let office = office(&json!({"per_minute": 2})).await;
    let id = office.create(Object::Company, &json!({"name": "Acme", "identifier": "ACME"}));
    let mut behaviour = office.running.control.behaviour();
    behaviour.limits = true;
    office.running.control.set_behaviour(behaviour);
    let mut words = Vec::new();
    for _ in 0..3 {
        words.push(crate::faults::word(&ask(&office.psa, read(&["name"], &[id])).await));
    }
    assert_eq!(words, ["read", "read", "throttled 60"]);
}

/// The keys of the connection may do what no row of a role says: then everything that it denies is denied, by its verb.
#[tokio::test]
async fn a_verb_that_is_denied_is_denied_of_every_request_that_takes_it() {
    let office = office(&json!({})).await;
    let id = office.create(Object::Company, &json!({"name": "Acme", "identifier": "ACME"}));
    let item =
        UpdateItem { intent: IntentId(8), id: RecordId(id), values: values(&[("city", text("Ulm"))]), stamp: None };
    let update = RequestBody::Update { fields: names(&["city"]), items: vec![item] };
    for (verb, body) in [("inquire", list(&["name"], None, 50)), ("add", company("NEW", &[])), ("edit", update)] {
        switch(&office.running, &json!({"denied": [verb]}));
        assert_eq!(crate::faults::word(&ask(&office.psa, body.clone()).await), "forbidden", "{verb}");
        switch(&office.running, &json!({"denied": []}));
        let answer = ask(&office.psa, body).await;
        assert!(!matches!(answer, AnswerBody::Failed(_)), "{verb}: {answer:?}");
    }
}

#[tokio::test]
async fn boards_that_are_open_to_the_mail_of_unknown_senders_are_named() {
    let needs = [super::rights::all(ObjectKind::Ticket)];
    for (boards, named) in [(json!([]), false), (json!([21]), true)] {
        let office = office(&json!({ "boards_open_to_mail": boards })).await;
        let findings = office.psa.examine(&needs).await.unwrap().findings;
        let told = findings.iter().any(|one| one.what.contains("unknown senders: Alerts"));
        assert_eq!(told, named, "{boards}: {findings:?}");
    }
}
