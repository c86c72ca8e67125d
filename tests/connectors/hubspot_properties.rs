//! Properties that a person has made in HubSpot: made once whatever happens on the way, and told for what they are.

use lockstep::connect::{ConnectErrorKind, FieldStanding, MadeField};
use lockstep::mapping::new_field::NewField;
use lockstep::model::FieldKind;
use lockstep::sim::{Fault, FaultRule, Side};

use super::hubspot_access::browser;
use super::hubspot_records::{calls_to, hub_at};
use super::*;

fn market() -> NewField {
    NewField {
        object: ObjectKind::Company,
        name: "cw_market".into(),
        label: "ConnectWise market".into(),
        kind: FieldKind::Choice,
        group: "lockstep".into(),
        options: [("health", "Health & Care"), ("law", "Law")].map(|(key, label)| (key.into(), label.into())).into(),
    }
}

async fn portal() -> (Running, HubSpot) {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let hub = hub_at(&running.hubspot_url, &running.credentials.hubspot_token);
    (running, hub)
}

async fn options(hub: &HubSpot) -> Option<Vec<(String, String)>> {
    let schema = hub.schema(ObjectKind::Company).await.unwrap().schema;
    let field = schema.field("cw_market")?.clone();
    Some(field.options.into_iter().map(|option| (option.key, option.label)).collect())
}

/// Takes the property away, as somebody in HubSpot does.
async fn archive(running: &Running) {
    let url = format!("{}/crm/properties/2026-09/companies/cw_market", running.hubspot_url);
    let answer = browser().delete(url).bearer_auth(&running.credentials.hubspot_token).send().await.unwrap();
    assert_eq!(answer.status(), 204);
}

#[tokio::test]
async fn a_property_is_made_with_its_group_and_options_by_exactly_the_requests_that_were_shown() {
    let (running, hub) = portal().await;
    let plan = hub.plan_field(&market()).await.unwrap();
    assert_eq!(plan.standing, FieldStanding::New);
    let paths: Vec<_> = plan.calls.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
    assert_eq!(paths, ["POST /crm/properties/2026-09/companies/groups", "POST /crm/properties/2026-09/companies"]);
    assert!(plan.calls[1].body.contains("\"fieldType\": \"select\"") && plan.calls[1].body.contains("Health & Care"));
    assert_eq!(options(&hub).await, None, "a plan makes nothing");
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Created));
    let made = [("health", "Health & Care"), ("law", "Law")].map(|(key, label)| (key.into(), label.into()));
    assert_eq!(options(&hub).await, Some(made.into()));
    // the group is there now
    let other = NewField { name: "cw_other".into(), label: "Other".into(), ..market() };
    assert_eq!(hub.plan_field(&other).await.unwrap().calls.len(), 1);
    drop(running);
}

#[tokio::test]
async fn one_that_is_there_is_told_with_its_type_and_not_made_again() {
    let (running, hub) = portal().await;
    running.control.define_property(lockstep::sim::Object::Company, "cw_market", "Theirs", false).unwrap();
    let there = "string (text)".to_owned();
    let plan = hub.plan_field(&market()).await.unwrap();
    assert_eq!((plan.standing, plan.calls.len()), (FieldStanding::There(there.clone()), 0));
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::There(there)));
    // somebody makes it between the look and the request: HubSpot's 409 is as good
    let (running, hub) = portal().await;
    let hidden = Fault::Status {
        code: 404,
        body: Some(
            r#"{"status":"error","category":"OBJECT_NOT_FOUND","message":"Property cw_market does not exist"}"#.into(),
        ),
        retry_after: None,
    };
    running.control.define_property(lockstep::sim::Object::Company, "cw_market", "Theirs", false).unwrap();
    let rule = FaultRule { count: Some(2), ..FaultRule::once(hidden).on(Side::HubSpot).path("/companies/cw_market") };
    running.control.inject(rule);
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::There("string (text)".into())));
}

#[tokio::test]
async fn an_archived_one_is_told_before_it_comes_back_as_it_was() {
    let (running, hub) = portal().await;
    running.control.define_property(lockstep::sim::Object::Company, "cw_market", "Old", false).unwrap();
    archive(&running).await;
    let plan = hub.plan_field(&market()).await.unwrap();
    assert_eq!(plan.standing, FieldStanding::Archived("string (text)".into()));
    assert!(!plan.calls.is_empty());
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Restored("string (text)".into())));
    // one of the wanted type comes back as what it is
    let (running, hub) = portal().await;
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Created));
    archive(&running).await;
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Created));
}

#[tokio::test]
async fn a_missing_scope_is_named_in_the_words_of_the_doctor() {
    let (running, hub) = portal().await;
    let mut behaviour = running.control.behaviour();
    behaviour.hubspot.scopes.retain(|scope| scope != "crm.schemas.companies.write");
    running.control.set_behaviour(behaviour);
    let error = hub.make_field(&market()).await.unwrap_err();
    assert_eq!(error.kind, ConnectErrorKind::Permission);
    assert_eq!(
        error.hint,
        "Add the scope crm.schemas.companies.write to the service key, private app or app in HubSpot."
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_and_nothing_is_made_twice() {
    // it was made, and the answer was lost
    let (running, hub) = portal().await;
    running.control.inject(lost(Fault::DropAfterCommit));
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Created));
    assert_eq!(made(&running), 1, "sent once");
    assert!(options(&hub).await.is_some());
    // it never arrived
    let (running, hub) = portal().await;
    running.control.inject(lost(Fault::DropBefore));
    let error = hub.make_field(&market()).await.unwrap_err();
    assert!(error.message.contains("was not made") && error.hint.contains("try again"), "{error:?}");
    assert_eq!(options(&hub).await, None);
    assert_eq!(hub.make_field(&market()).await, Ok(MadeField::Created));
    drop(running);
}

/// Meets the request that makes the property, and not the one for its group before it.
fn lost(fault: Fault) -> FaultRule {
    FaultRule { skip: 1, ..FaultRule::once(fault).on(Side::HubSpot).method("POST").path("/crm/properties/") }
}

fn made(running: &Running) -> u64 {
    let groups = calls_to(running, "POST /crm/properties/2026-09/companies/groups");
    calls_to(running, "POST /crm/properties/2026-09/companies") - groups
}

#[tokio::test]
async fn connectwise_lets_nobody_make_a_field_and_says_who_does() {
    let running = Simulators::start(sim::Options::quick(Data::Empty)).await.unwrap();
    let psa = psa(&running, &running.credentials.connectwise_company);
    let error = psa.make_field(&market()).await.unwrap_err();
    assert!(error.message.contains("Setup Tables"), "{error:?}");
    assert!(psa.plan_field(&market()).await.is_err());
}
