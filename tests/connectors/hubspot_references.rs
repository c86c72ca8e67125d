//! The company that a record belongs to, under the name of the property that mirrors it.

use lockstep::model::{Record, RecordId};
use lockstep::sim::{Fault, FaultRule, Side};
use serde_json::json;

use super::hubspot_records::{applied, calls_to, change, create, made, names, outcomes, portal, tell};
use super::*;

const COMPANY: &str = "associatedcompanyid";

async fn read(hub: &HubSpot, fields: &[&str], id: RecordId) -> Record {
    let body = RequestBody::Read { fields: names(fields), ids: vec![id] };
    match tell(hub, ObjectKind::Contact, body).await {
        AnswerBody::Records { found } => found[0].1.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Two companies and a contact of the first, made together with it.
async fn contact_of_the_first() -> (Running, HubSpot, [RecordId; 3]) {
    let (running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact]).await;
    let one = made(&hub, ObjectKind::Company, 1, &[("name", "One")]).await.id;
    let two = made(&hub, ObjectKind::Company, 2, &[("name", "Two")]).await.id;
    let item = create(ObjectKind::Contact, 3, &[("email", "a@x.example.com"), (COMPANY, &one.to_string())]);
    let body = RequestBody::Create { fields: names(&["email", COMPANY]), items: vec![item] };
    let told = outcomes(&hub, ObjectKind::Contact, body).await;
    let record = applied(&told[&3]);
    assert_eq!(record.value(COMPANY).to_plain(), one.to_string(), "the answer to the create shows it");
    let contact = record.id;
    (running, hub, [one, two, contact])
}

async fn update(hub: &HubSpot, intent: u64, id: RecordId, pairs: &[(&str, &str)]) -> ItemOutcome {
    let body = RequestBody::Update { fields: names(&["city", COMPANY]), items: vec![change(intent, id, pairs)] };
    outcomes(hub, ObjectKind::Contact, body).await.remove(&intent).unwrap()
}

#[tokio::test]
async fn a_company_is_written_as_an_association_and_read_back_as_one() {
    let (running, hub, [one, two, contact]) = contact_of_the_first().await;
    assert_eq!(read(&hub, &[COMPANY], contact).await.value(COMPANY).to_plain(), one.to_string());
    let before = calls_to(&running, "/batch/update");
    let told = update(&hub, 4, contact, &[(COMPANY, &two.to_string())]).await;
    assert_eq!(applied(&told).value(COMPANY).to_plain(), two.to_string());
    assert_eq!(calls_to(&running, "/batch/update"), before, "there was no property to write");
    let told = update(&hub, 5, contact, &[(COMPANY, &one.to_string()), ("city", "Ulm")]).await;
    let record = applied(&told);
    assert_eq!((record.value(COMPANY).to_plain(), record.value("city").to_plain()), (one.to_string(), "Ulm".into()));
    // Both stay associated: nothing is taken apart.
    let body = RequestBody::Associations { to: ObjectKind::Company, ids: vec![contact] };
    let AnswerBody::Associated { found } = tell(&hub, ObjectKind::Contact, body).await else { panic!("no answer") };
    assert_eq!(found[0].1.iter().map(|tie| (tie.to, tie.primary)).collect::<Vec<_>>(), [(one, true), (two, false)]);
}

#[tokio::test]
async fn associations_are_read_only_for_those_who_ask_and_once_for_all_records() {
    let (running, hub, [one, _, contact]) = contact_of_the_first().await;
    for nth in 4..9 {
        made(&hub, ObjectKind::Contact, nth, &[("email", &format!("{nth}@x.example.com"))]).await;
    }
    let before = calls_to(&running, "/associations/");
    read(&hub, &["email"], contact).await;
    assert_eq!(calls_to(&running, "/associations/"), before);
    let list = RequestBody::List { fields: names(&["email", COMPANY]), after: None, archived: false, limit: 100 };
    let AnswerBody::Page { records, .. } = tell(&hub, ObjectKind::Contact, list).await else { panic!("no page") };
    assert_eq!(records.iter().filter(|record| record.value(COMPANY).is_empty()).count(), 5);
    let record = records.iter().find(|record| record.id == contact).unwrap();
    assert_eq!(record.value(COMPANY).to_plain(), one.to_string());
    assert_eq!(calls_to(&running, "/associations/"), before + 1);
}

#[tokio::test]
async fn a_company_that_is_none_is_refused_by_name_and_nothing_else_is_written() {
    let (running, hub, [one, _, contact]) = contact_of_the_first().await;
    let before = calls_to(&running, "/batch/update");
    for wrong in ["", "Acme", "999999999"] {
        let told = update(&hub, 6, contact, &[(COMPANY, wrong), ("city", "Bonn")]).await;
        let ItemOutcome::Rejected(rejection) = &told else { panic!("{wrong}: {told:?}") };
        if wrong != "999999999" {
            assert_eq!(rejection.fields, [COMPANY], "{wrong}");
        }
    }
    assert_eq!(calls_to(&running, "/batch/update"), before);
    // Nor is a record made without the company that it was to have.
    let creates = calls_to(&running, "/batch/create");
    let item = create(ObjectKind::Contact, 9, &[("email", "b@x.example.com"), (COMPANY, "Acme")]);
    let body = RequestBody::Create { fields: names(&["email", COMPANY]), items: vec![item] };
    let told = outcomes(&hub, ObjectKind::Contact, body).await;
    assert!(matches!(&told[&9], ItemOutcome::Rejected(why) if why.fields == [COMPANY]), "{told:?}");
    assert_eq!(calls_to(&running, "/batch/create"), creates);
    let record = read(&hub, &["city", COMPANY], contact).await;
    assert_eq!((record.value("city").to_plain(), record.value(COMPANY).to_plain()), (String::new(), one.to_string()));
}

#[tokio::test]
async fn an_answer_without_a_word_of_a_record_is_no_word_that_it_has_no_company() {
    let (running, hub, [.., contact]) = contact_of_the_first().await;
    let alone = made(&hub, ObjectKind::Contact, 4, &[("email", "b@x.example.com")]).await.id;
    let silent = || {
        let emptied = Fault::Mangle { pointer: "/results".to_owned(), value: Some(json!([])) };
        FaultRule::once(emptied).on(Side::HubSpot).path("/associations/")
    };
    let list = || RequestBody::List { fields: names(&["email", COMPANY]), after: None, archived: false, limit: 100 };
    running.control.inject(silent());
    let AnswerBody::Page { records, unread, .. } = tell(&hub, ObjectKind::Contact, list()).await else {
        panic!("no page")
    };
    assert_eq!((records.len(), unread.len()), (2, 0), "it is asked once more");
    assert!(records.iter().any(|record| record.id == contact && !record.value(COMPANY).is_empty()));

    running.control.inject(FaultRule { count: None, ..silent() });
    let AnswerBody::Page { records, unread, .. } = tell(&hub, ObjectKind::Contact, list()).await else {
        panic!("no page")
    };
    assert_eq!(unread, [contact], "its own property names a company");
    assert_eq!(records.iter().map(|record| record.id).collect::<Vec<_>>(), [alone], "nothing speaks against none");
}

#[tokio::test]
async fn what_cannot_be_read_back_is_unknown_and_a_read_without_companies_fails_as_a_whole() {
    let (running, hub, [one, two, contact]) = contact_of_the_first().await;
    let down = || FaultRule::once(Fault::Status { code: 503, body: None, retry_after: None }).on(Side::HubSpot);
    running.control.inject(down().path("batch/associate/default"));
    let body = RequestBody::Update {
        fields: names(&["city", COMPANY]),
        items: vec![change(7, contact, &[(COMPANY, &two.to_string()), ("city", "Linz")])],
    };
    let told = tell(&hub, ObjectKind::Contact, body).await;
    assert!(matches!(told, AnswerBody::Failed(Failure::Unknown(_))), "{told:?}");
    running.control.clear_faults();
    let record = read(&hub, &["city", COMPANY], contact).await;
    assert_eq!((record.value("city").to_plain(), record.value(COMPANY).to_plain()), (String::new(), one.to_string()));
    running.control.inject(FaultRule { count: None, ..down().path("/companies/batch/read") });
    running.control.inject(FaultRule { count: None, ..down().path("0-2/batch/read") });
    let told = update(&hub, 8, contact, &[("city", "Linz")]).await;
    assert!(matches!(told, ItemOutcome::Unknown(_)), "{told:?}");
    let body = RequestBody::Read { fields: names(&[COMPANY]), ids: vec![contact] };
    let told = tell(&hub, ObjectKind::Contact, body).await;
    assert!(matches!(told, AnswerBody::Failed(Failure::Unknown(_))), "{told:?}");
}

/// The company is set before the properties are sent: where these are put off, it is too late for "nothing was done".
#[tokio::test]
async fn a_record_whose_company_was_set_before_the_rest_was_put_off_is_unknown() {
    for fault in [Fault::Limited { retry_after: None }, Fault::Expired] {
        let (running, hub, [one, two, contact]) = contact_of_the_first().await;
        let body = |company: RecordId, city: &str| RequestBody::Update {
            fields: names(&["city", COMPANY]),
            items: vec![change(7, contact, &[(COMPANY, &company.to_string()), ("city", city)])],
        };
        let late = || FaultRule::once(fault.clone()).on(Side::HubSpot);
        running.control.inject(late().path("/batch/update"));
        let told = tell(&hub, ObjectKind::Contact, body(two, "Linz")).await;
        let AnswerBody::Written { items } = &told else { panic!("{fault:?}: {told:?}") };
        assert!(matches!(&items[..], [(IntentId(7), ItemOutcome::Unknown(_))]), "{fault:?}: {items:?}");
        let record = read(&hub, &["city", COMPANY], contact).await;
        assert_eq!((record.value("city"), record.value(COMPANY).to_plain()), (&Value::Empty, two.to_string()));
        // Where the company itself was put off, nothing was done.
        running.control.inject(late().path("batch/associate/default"));
        let told = tell(&hub, ObjectKind::Contact, body(one, "Linz")).await;
        let nothing = matches!(&told, AnswerBody::Failed(Failure::Throttled { .. } | Failure::Denied { .. }));
        assert!(nothing, "{fault:?}: {told:?}");
        assert_eq!(read(&hub, &[COMPANY], contact).await.value(COMPANY).to_plain(), two.to_string());
    }
}

/// All contacts of a deal, by the name that stands for them: read, made with the deal, added to it, never taken away.
#[tokio::test]
async fn the_contacts_of_a_deal_are_associations_by_a_name_of_their_own() {
    const CONTACTS: &str = "associations/contacts";
    const OF_COMPANY: &str = "hs_primary_associated_company";
    let (running, hub) = portal(&[ObjectKind::Company, ObjectKind::Contact, ObjectKind::Deal]).await;
    let company = made(&hub, ObjectKind::Company, 1, &[("name", "One")]).await.id;
    let one = made(&hub, ObjectKind::Contact, 2, &[("email", "a@x.example.com")]).await.id;
    let two = made(&hub, ObjectKind::Contact, 3, &[("email", "b@x.example.com")]).await.id;
    let fields = ["dealname", CONTACTS, OF_COMPANY];
    let item = create(
        ObjectKind::Deal,
        4,
        &[
            ("dealname", "D"),
            ("dealstage", "qualifiedtobuy"),
            (OF_COMPANY, &company.to_string()),
            (CONTACTS, &one.to_string()),
        ],
    );
    let body = RequestBody::Create { fields: names(&fields), items: vec![item] };
    let told = outcomes(&hub, ObjectKind::Deal, body).await;
    let deal = applied(&told[&4]);
    let shown = |record: &Record| (record.value(CONTACTS).to_plain(), record.value(OF_COMPANY).to_plain());
    assert_eq!(shown(deal), (one.to_string(), company.to_string()));
    let update = |intent, pairs: &[(&str, &str)]| RequestBody::Update {
        fields: names(&fields),
        items: vec![change(intent, deal.id, pairs)],
    };
    let told = outcomes(&hub, ObjectKind::Deal, update(5, &[(CONTACTS, &two.to_string()), ("dealname", "E")])).await;
    let both = format!("{one};{two}");
    assert_eq!(shown(applied(&told[&5])), (both.clone(), company.to_string()));
    assert_eq!(applied(&told[&5]).value("dealname").to_plain(), "E");
    let told = outcomes(&hub, ObjectKind::Deal, update(6, &[(CONTACTS, "")])).await;
    assert!(matches!(&told[&6], ItemOutcome::Rejected(why) if why.fields == [CONTACTS]));
    let list = RequestBody::List { fields: names(&fields), after: None, archived: false, limit: 100 };
    let AnswerBody::Page { records, .. } = tell(&hub, ObjectKind::Deal, list).await else { panic!("no page") };
    assert_eq!(shown(&records[0]), (both, company.to_string()));
    assert_eq!(calls_to(&running, "associations%2Fcontacts"), 0, "it is no property to be asked for");
}
