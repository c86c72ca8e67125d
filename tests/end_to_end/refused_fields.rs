//! One field that a system refuses: it rests alone, and everything else of its record crosses, both ways.

use lockstep::engine::core::state::{IntentState, Issue, IssueClass};
use lockstep::engine::core::view::View;
use lockstep::model::System;
use lockstep::sim::{Data, Fault, FaultRule, Object, Side};
use serde_json::{Value as Json, json};

use super::bench::*;
use super::contacts::contact;

/// What each system says to values that it does not take, once.
fn refusal_of(side: Side, fields: &[&str]) -> FaultRule {
    let body = match side {
        Side::HubSpot => {
            let inner: Vec<_> = fields.iter().map(|field| json!({"message": "no", "name": field})).collect();
            let error =
                |field: &&str| json!({"message": "no", "code": "INVALID", "context": {"propertyName": [field]}});
            json!({
                "status": "error", "message": format!("Property values were not valid: {}", json!(inner)),
                "errors": fields.iter().map(error).collect::<Vec<_>>(), "category": "VALIDATION_ERROR"
            })
        }
        Side::ConnectWise => {
            let error =
                |field: &&str| json!({"code": "Invalid", "message": "no", "resource": "company", "field": field});
            json!({
                "code": "InvalidObject", "message": "company object is invalid",
                "errors": fields.iter().map(error).collect::<Vec<_>>()
            })
        }
    };
    let fault = Fault::Status { code: 400, body: Some(body.to_string()), retry_after: None };
    match side {
        Side::HubSpot => FaultRule::once(fault).on(side).path("batch/update"),
        Side::ConnectWise => FaultRule::once(fault).on(side).method("PATCH").path("company/companies"),
    }
}

fn refusal(side: Side, field: &str) -> FaultRule {
    refusal_of(side, &[field])
}

fn issues(bench: &Bench, hubspot: u64) -> Vec<Issue> {
    bench.workspace.reader().unwrap().issues_of(at(System::HubSpot, hubspot)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_field_holds_no_other_field_of_its_record() {
    for (to, refused, other) in [(CONNECTWISE, "city", "zip"), (HUBSPOT, "city", "state")] {
        let from = if to == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        let bench = Bench::new(Data::Empty).await;
        let (hubspot, connectwise) = bench.pair("Acme").await;
        let (source, target) = if to == HUBSPOT { (connectwise, hubspot) } else { (hubspot, connectwise) };
        bench.running.control.inject(refusal(to, refused));
        bench.edit(from, source, "city", "Bonn");
        bench.edit(from, source, other, "BY");
        let run = bench.run().await.run;
        assert_eq!(bench.running.control.faults_struck(), 1, "{run:?}");
        assert_eq!(bench.value(to, target, other), "BY", "the rest was sent again at once, in the same run");
        assert_eq!(bench.value(to, target, "city"), "Ulm");
        let held = issues(&bench, hubspot);
        let [issue] = held.as_slice() else { panic!("{held:?}") };
        assert_eq!(issue.class, IssueClass::Rejected);
        assert!(issue.field.as_ref().is_some_and(|key| key.to_string().contains("city")), "{issue:?}");
        assert!(issue.message.contains("refused city: no"), "{}", issue.message);
        let link = bench.workspace.reader().unwrap().link_of(at(System::HubSpot, hubspot)).unwrap().unwrap();
        let agreed = &link.baseline[issue.field.as_ref().unwrap()];
        assert_eq!((agreed.hubspot.to_plain(), agreed.connectwise.to_plain()), ("Ulm".into(), "Ulm".into()));

        // the other way round goes on too, and the field itself rests
        bench.edit(to, target, other, "NW");
        let before = bench.now();
        bench.settle().await;
        assert_eq!(bench.value(from, source, other), "NW");
        let written = bench.writes_since(before);
        assert!(written.iter().all(|write| !format!("{write:?}").contains("Bonn")), "{written:?}");
        assert_eq!(issues(&bench, hubspot).len(), 1);

        // until its source changes
        bench.edit(from, source, "city", "Köln");
        bench.settle().await;
        assert_eq!(bench.value(to, target, "city"), "Köln");
        assert!(issues(&bench, hubspot).is_empty());
        let open = bench.workspace.reader().unwrap().open_intents().unwrap();
        assert!(open.iter().all(|intent| intent.state != IntentState::Sent), "{open:?}");
    }
}

/// What one answer names rests at once: nothing is sent again to be refused for the next of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_fields_that_one_refusal_names_rest_together_and_the_others_cross() {
    for (to, [city, zip, other]) in [(CONNECTWISE, ["city", "zip", "state"]), (HUBSPOT, ["city", "zip", "state"])] {
        let from = if to == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        let bench = Bench::new(Data::Empty).await;
        let (hubspot, connectwise) = bench.pair("Acme").await;
        let (source, target) = if to == HUBSPOT { (connectwise, hubspot) } else { (hubspot, connectwise) };
        bench.running.control.inject(refusal_of(to, &[city, zip]));
        bench.edit(from, source, "city", "Bonn");
        bench.edit(from, source, "zip", "53111");
        bench.edit(from, source, other, "BY");
        let before = bench.now();
        let run = bench.run().await.run;
        assert_eq!(bench.running.control.faults_struck(), 1, "{run:?}");
        let written = bench.writes_since(before);
        let by_engine = written.iter().filter(|write| write.side == to).count();
        assert_eq!(by_engine, 1, "what is left is sent once: {written:?}");
        assert_eq!(bench.value(to, target, other), "BY");
        assert_ne!(bench.value(to, target, "city"), "Bonn");
        assert_ne!(bench.value(to, target, "zip"), "53111", "it was named as well");
        let held = issues(&bench, hubspot);
        let mut fields: Vec<String> = held.iter().map(|issue| issue.field.as_ref().unwrap().to_string()).collect();
        fields.sort();
        assert!(fields.len() == 2 && fields[0].contains("city") && fields[1].contains("zip"), "{held:?}");
        assert!(held.iter().all(|issue| issue.message.contains("refused city, zip: no")), "{held:?}");

        // each goes on by itself
        bench.edit(from, source, "zip", "53112");
        bench.settle().await;
        assert_eq!(bench.value(to, target, "zip"), "53112");
        assert_ne!(bench.value(to, target, "city"), "Bonn");
        assert_eq!(issues(&bench, hubspot).len(), 1);
    }
}

/// A person's push is not undone by one bad field either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_sends_what_is_left_when_one_field_is_refused() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.running.control.inject(refusal(CONNECTWISE, "city"));
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.edit(HUBSPOT, hubspot, "zip", "53111");
    let report = bench.push(at(System::HubSpot, hubspot), System::ConnectWise, false).await;
    assert_eq!(report.outcomes.len(), 2, "{:?}", report.outcomes);
    assert!(report.outcomes[0].1.as_ref().is_err_and(|said| said.contains("city was refused: no")), "{report:?}");
    assert_eq!(report.outcomes[1].1, Ok(()));
    assert_eq!(bench.value(CONNECTWISE, connectwise, "zip"), "53111");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Ulm");
}

/// A new record is made without the field, where the system takes one without it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_made_without_a_field_that_is_refused() {
    for to in [CONNECTWISE, HUBSPOT] {
        let from = if to == HUBSPOT { CONNECTWISE } else { HUBSPOT };
        let bench = Bench::new(Data::Empty).await;
        let rule = FaultRule { path: None, method: None, ..refusal(to, "city") };
        bench.running.control.inject(FaultRule { count: Some(1), ..on_create(to, rule.fault) });
        bench.create(from, "Acme");
        bench.settle().await;
        bench.assert_pairs(&["Acme".to_owned()]);
        let (hubspot, there) = (bench.only(HUBSPOT, "Acme"), bench.only(to, "Acme"));
        assert!(bench.value(to, there, "city").as_str().unwrap_or_default().is_empty());
        let reader = bench.workspace.reader().unwrap();
        let link = reader.link_of(at(System::HubSpot, hubspot)).unwrap().unwrap();
        let both = [link.record(System::HubSpot), link.record(System::ConnectWise)];
        let held: Vec<Issue> = both.into_iter().flat_map(|record| reader.issues_of(record).unwrap()).collect();
        assert_eq!(held.len(), 1, "{held:?}");
        assert!(held[0].field.is_some(), "{held:?}");
        let source = bench.only(from, "Acme");
        bench.edit(from, source, "city", "Bonn");
        bench.settle().await;
        assert_eq!(bench.value(to, there, "city"), "Bonn");
        let left: Vec<Issue> = both.into_iter().flat_map(|record| reader.issues_of(record).unwrap()).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// What the system insists on is not left out: the create rests as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_made_without_a_field_that_is_required() {
    let bench = Bench::new(Data::Empty).await;
    let rule = refusal(CONNECTWISE, "name");
    bench.running.control.inject(FaultRule { count: None, ..on_create(CONNECTWISE, rule.fault) });
    let hubspot = bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let held = issues(&bench, hubspot);
    assert!(held.iter().any(|issue| issue.class == IssueClass::Rejected && issue.field.is_none()), "{held:?}");
    assert!(bench.named(CONNECTWISE, "Acme").is_empty());
}

/// The company that a contact is moved to is refused: the contact stays where it is, and its title crosses.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_company_of_a_contact_holds_nothing_else_of_it() {
    for gone in [false, true] {
        let bench = Bench::new(Data::Empty).await;
        let (_, one) = bench.pair("One").await;
        let (two_here, two) = bench.pair("Two").await;
        let there = bench.connectwise_contact("pat@one.example.com", one);
        bench.settle().await;
        let (here, _) = bench.partner(contact(System::ConnectWise, there)).unwrap();
        let before =
            bench.running.control.record(HUBSPOT, Object::Contact, here).unwrap()["associatedcompanyid"].clone();

        let error = match gone {
            false => {
                json!({"status": "error", "category": "VALIDATION_ERROR", "message": "One or more associations are invalid"})
            }
            true => json!({"status": "error", "category": "OBJECT_NOT_FOUND", "message": "resource not found"}),
        };
        let code = if gone { 404 } else { 400 };
        let fault = Fault::Status { code, body: Some(error.to_string()), retry_after: None };
        bench.running.control.inject(FaultRule::once(fault).on(HUBSPOT).path("associate/default"));
        let fields = map(&[("company", json!(two)), ("title", json!("Director"))]);
        bench.running.control.edit(CONNECTWISE, Object::Contact, there, &fields, None).unwrap();
        bench.settle().await;
        assert_eq!(bench.running.control.faults_struck(), 1);
        let shown = bench.running.control.record(HUBSPOT, Object::Contact, here).unwrap();
        assert_eq!(shown["jobtitle"], "Director", "{shown}");
        assert_eq!(shown["associatedcompanyid"], before, "it rests");
        let held = bench.workspace.reader().unwrap().issues_of(contact(System::HubSpot, here)).unwrap();
        let [issue] = held.as_slice() else { panic!("{held:?}") };
        assert!(issue.class == IssueClass::Rejected && issue.field.is_some(), "{issue:?}");
        assert!(issue.message.starts_with("HubSpot refused associatedcompanyid: "), "{}", issue.message);

        // and goes on when its source changes
        for company in [one, two] {
            let fields = map(&[("company", json!(company))]);
            bench.running.control.edit(CONNECTWISE, Object::Contact, there, &fields, None).unwrap();
            bench.settle().await;
        }
        let shown = bench.running.control.record(HUBSPOT, Object::Contact, here).unwrap();
        assert_eq!(shown["associatedcompanyid"], two_here.to_string());
    }
}

/// A phone or an address that ConnectWise does not take keeps nothing else of the contact from crossing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_communication_item_holds_nothing_else_of_its_contact() {
    let bench = Bench::new(Data::Empty).await;
    let (company, _) = bench.pair("Acme").await;
    let refused = |field: &str| {
        let error = json!({"code": "Invalid", "message": "no", "resource": "contactCommunication", "field": field});
        let body = json!({"code": "InvalidObject", "message": "object is invalid", "errors": [error]});
        Fault::Status { code: 400, body: Some(body.to_string()), retry_after: None }
    };
    let issues_of = |here| bench.workspace.reader().unwrap().issues_of(contact(System::HubSpot, here)).unwrap();
    let at_connectwise = |id: u64| bench.running.control.record(CONNECTWISE, Object::Contact, id).unwrap();

    // of a new contact the whole array is named: it is made without
    let rule = FaultRule::once(refused("communicationItems")).on(CONNECTWISE).method("POST").path("company/contacts");
    bench.running.control.inject(rule);
    let here = bench.hubspot_contact("pat@acme.example.com", Some(company));
    bench.settle().await;
    let (there, _) = bench.partner(contact(System::HubSpot, here)).unwrap();
    assert_eq!(at_connectwise(there)["firstName"], "Pat");
    assert!(at_connectwise(there)["communications/1"].as_str().is_none_or(str::is_empty), "{}", at_connectwise(there));
    let held = bench.workspace.reader().unwrap().issues_of(contact(System::HubSpot, here)).unwrap();
    assert!(held.iter().all(|issue| issue.field.is_some()) && held.len() == 1, "{held:?}");

    // an item that is changed is refused for itself, whatever the answer calls it
    let edit = |fields: &[(&str, Json)]| {
        bench.running.control.edit(HUBSPOT, Object::Contact, here, &map(fields), None).unwrap();
    };
    edit(&[("email", json!("poe@acme.example.com"))]);
    bench.settle().await;
    assert_eq!(at_connectwise(there)["communications/1"], "poe@acme.example.com");
    assert!(issues_of(here).is_empty(), "{:?}", issues_of(here));
    bench.running.control.inject(FaultRule {
        count: Some(2),
        ..FaultRule::once(refused("value")).on(CONNECTWISE).path("/communications")
    });
    edit(&[("email", json!("zoe@acme.example.com")), ("jobtitle", json!("Director"))]);
    bench.settle().await;
    assert_eq!(at_connectwise(there)["title"], "Director");
    assert_eq!(at_connectwise(there)["communications/1"], "poe@acme.example.com");
    let held = issues_of(here);
    let [issue] = held.as_slice() else { panic!("{held:?}") };
    assert!(issue.class == IssueClass::Rejected && issue.field.is_some(), "{issue:?}");
    assert!(issue.message.starts_with("ConnectWise refused communications/1: "), "{}", issue.message);
    edit(&[("jobtitle", json!("Chair"))]);
    bench.settle().await;
    assert_eq!(at_connectwise(there)["title"], "Chair", "what changes later crosses too");
}
