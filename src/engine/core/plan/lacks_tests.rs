//! What becomes of a pair when a field that a filter, a match rule or the key counts on is not there any more.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::identity::Identity;
use super::{Facts, FieldNext, PairDecision, PairPlan, explain_pair, plan_pair};
use crate::engine::core::state::{IntentKind, IssueClass, Link, LinkOrigin, LinkState, Observation, RecordState};
use crate::mapping::keys::{match_key, stamp_of};
use crate::mapping::references::Partners;
use crate::mapping::{ObjectRules, Rules, defaults};
use crate::model::{
    BySystem, ConfigVersion, FieldDef, FieldKind, FieldName, LinkId, ObjectKind, Record, RecordId, RecordRef, Schema,
    System, Timestamp, Value,
};

const NOW: Timestamp = Timestamp(1_795_170_000_000);
const FILTER: &str = "segment = 'A'";

/// Both systems as the usual configuration wants them, with a `segment` in HubSpot.
fn schemas() -> BySystem<Schema> {
    let mapping = defaults::company();
    BySystem::from_fn(|system| {
        let mapped = mapping.fields.iter().map(|field| (field.field(system).as_str(), field.kind));
        let mut fields: Vec<FieldDef> = mapped.map(|(name, kind)| field(name, kind)).collect();
        fields.push(field("segment", FieldKind::Text));
        let stamp = mapping.stamp(system).unwrap();
        fields.push(FieldDef { unique: true, ..field(stamp.as_str(), FieldKind::Text) });
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Schema { system, object: ObjectKind::Company, fields }
    })
}

fn field(name: &str, kind: FieldKind) -> FieldDef {
    FieldDef {
        name: name.into(),
        label: name.into(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    }
}

fn without(system: System, name: &str) -> BySystem<Schema> {
    let mut schemas = schemas();
    schemas[system].fields.retain(|field| field.name.as_str() != name);
    schemas
}

fn retyped(system: System, name: &str, kind: FieldKind) -> BySystem<Schema> {
    let mut schemas = schemas();
    schemas[system].fields.iter_mut().find(|field| field.name.as_str() == name).unwrap().kind = kind;
    schemas
}

fn rules(filter: &str, schemas: BySystem<Schema>) -> ObjectRules {
    let mut config = defaults::config();
    config.objects.truncate(1);
    config.objects[0].filters.to_connectwise = filter.to_owned();
    let rules = Rules::compile(config, ConfigVersion(1), &[schemas]).unwrap();
    rules.object(ObjectKind::Company).unwrap().clone()
}

fn observed(system: System, id: u64, values: &[(&str, &str)]) -> Observation {
    let record = Record::new(
        RecordId(id),
        NOW,
        values.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect(),
    );
    Observation {
        of: RecordRef::new(ObjectKind::Company, system, RecordId(id)),
        record,
        seen: NOW,
        keys: Vec::new(),
        gone: false,
        merged_into: None,
    }
}

fn facts(records: BySystem<Option<Observation>>, link: Option<Link>) -> Facts {
    let asked = records.hubspot.as_ref().or(records.connectwise.as_ref()).unwrap().of;
    Facts {
        asked,
        records,
        link,
        open: None,
        identity: Identity::Alone,
        decisions: Vec::new(),
        issues: Vec::new(),
        companies: BySystem::default(),
        partners: Partners::default(),
        merged: None,
        takes_over: None,
        rival: None,
        identifier: Some("ACME".to_owned()),
    }
}

/// A company that is in one system alone.
fn single(rules: &ObjectRules, system: System, values: &[(&str, &str)]) -> PairPlan {
    let observed = Some(observed(system, 1, values));
    let records = match system {
        System::HubSpot => BySystem::new(observed, None),
        System::ConnectWise => BySystem::new(None, observed),
    };
    plan_pair(&facts(records, None), rules, NOW, None)
}

fn linked(rules: &ObjectRules, hubspot: &[(&str, &str)], connectwise: &[(&str, &str)]) -> PairPlan {
    let (mut h, c) = (observed(System::HubSpot, 1, hubspot), observed(System::ConnectWise, 2, connectwise));
    h.record.stamp = Some(stamp_of(ObjectKind::Company, RecordId(2)));
    plan_pair(&facts(BySystem::new(Some(h), Some(c)), Some(link())), rules, NOW, None)
}

fn link() -> Link {
    Link {
        id: LinkId(1),
        object: ObjectKind::Company,
        hubspot: RecordId(1),
        connectwise: RecordId(2),
        state: LinkState::Active,
        origin: LinkOrigin::Person,
        created: NOW,
        baseline: std::collections::BTreeMap::new(),
        recent: std::collections::BTreeMap::new(),
        own: crate::model::BySystem::default(),
    }
}

fn is_create(plan: &PairPlan) -> bool {
    plan.writes().iter().any(|write| write.kind == IntentKind::Create)
}

/// What is held, in words, with the next step.
fn held(plan: &PairPlan) -> (String, String) {
    assert_eq!(plan.state(), RecordState::Held, "{:?}", plan.decision);
    let issue = plan.issues.iter().find(|issue| issue.class == IssueClass::MissingField).unwrap();
    (issue.message.clone(), issue.hint.clone())
}

const ACME: [(&str, &str); 3] = [("name", "Acme"), ("domain", "acme.example"), ("segment", "A")];

#[test]
fn what_a_filter_without_its_field_guards_is_held_and_neither_made_nor_excluded() {
    let whole = rules(FILTER, schemas());
    assert!(is_create(&single(&whole, System::HubSpot, &ACME)));
    let other = single(&whole, System::HubSpot, &[("name", "Acme"), ("segment", "B")]);
    assert_eq!(other.state(), RecordState::Excluded);

    let gone = rules(FILTER, without(System::HubSpot, "segment"));
    // what was read of it before says nothing any more
    for values in [&ACME[..], &ACME[..2]] {
        let plan = single(&gone, System::HubSpot, values);
        assert!(matches!(plan.decision, PairDecision::Hold { .. }), "{:?}", plan.decision);
        assert_eq!(
            held(&plan),
            (
                "The filter of what goes to ConnectWise cannot be decided, at \"segment = \"A\"\": HubSpot has no \
                 company field `segment`."
                    .to_owned(),
                "Put the field right in HubSpot, or mend the filter in the Filters tab and deploy; it goes on by \
                 itself then."
                    .to_owned()
            )
        );
    }
    assert!(is_create(&single(&gone, System::ConnectWise, &[("name", "Acme")])), "the other way asks no filter");
}

#[test]
fn a_record_that_the_rest_of_the_filter_decides_is_not_held() {
    let rules = rules("segment = 'A' and name != 'Acme'", without(System::HubSpot, "segment"));
    assert_eq!(single(&rules, System::HubSpot, &ACME).state(), RecordState::Excluded);
    assert_eq!(single(&rules, System::HubSpot, &[("name", "Beta")]).state(), RecordState::Held);
}

#[test]
fn a_filter_whose_field_was_given_another_type_holds() {
    for kind in [FieldKind::Number, FieldKind::Date, FieldKind::Bool] {
        let rules = rules(FILTER, retyped(System::HubSpot, "segment", kind));
        let (message, _) = held(&single(&rules, System::HubSpot, &ACME));
        assert!(message.contains(&format!("`segment` is a {} field", kind.word())), "{message}");
    }
    for (filter, kind) in [("segment > 10", FieldKind::Text), ("segment > 2026-01-01", FieldKind::Text)] {
        let rules = rules(filter, retyped(System::HubSpot, "segment", kind));
        held(&single(&rules, System::HubSpot, &ACME));
        assert!(rules.watched.hubspot.contains(&"segment".into()), "it is there to be read all the same");
    }
}

#[test]
fn a_linked_pair_is_held_in_the_one_direction_and_only_where_something_would_cross() {
    let gone = rules(FILTER, without(System::HubSpot, "segment"));
    let plan = linked(&gone, &[("name", "Acme"), ("city", "Ulm")], &[("name", "Acme"), ("zip", "89073")]);
    let next =
        |plan: &PairPlan, key: &str| plan.fields.iter().find(|field| field.key.as_str() == key).unwrap().next.clone();
    assert_eq!(next(&plan, "city~city"), FieldNext::Undecided { to: System::ConnectWise });
    assert!(matches!(next(&plan, "zip~zip"), FieldNext::Write { to: System::HubSpot, .. }));
    assert!(plan.writes().iter().all(|write| write.system == System::HubSpot), "{:?}", plan.decision);
    assert!(plan.issues.iter().any(|issue| issue.message.contains("no company field `segment`")), "{:?}", plan.issues);

    let after = linked(&gone, &[("name", "Acme"), ("city", "Ulm")], &[("name", "Acme")]);
    assert!(held(&after).0.starts_with("The filter of what goes to ConnectWise"));
    let same = linked(&gone, &[("name", "Acme")], &[("name", "Acme")]);
    assert_eq!((same.state(), same.issues), (RecordState::InSync, Vec::new()));
}

#[test]
fn no_field_is_asked_for_that_is_known_to_be_gone() {
    let whole = rules(FILTER, schemas());
    for name in ["segment", "domain", "phone"] {
        let field = FieldName::new(name);
        assert!(whole.watched.hubspot.contains(&field), "{name}");
        let gone = rules(FILTER, without(System::HubSpot, name));
        assert!(!gone.watched.hubspot.contains(&field), "{name}");
        assert_ne!(gone.shape, whole.shape, "the records are read again: {name}");
    }
    let gone = rules(FILTER, without(System::ConnectWise, "website"));
    assert!(!gone.watched.connectwise.contains(&"website".into()));

    let mut never = schemas();
    never.hubspot.fields.clear();
    let unread = rules(FILTER, never);
    assert_eq!(unread.watched, whole.watched, "of a schema that was never read nothing is known to be gone");
    assert!(unread.fields.iter().all(|field| field.absent.is_none()) && unread.lacks.key.is_none());
}

#[test]
fn a_match_rule_without_its_field_recognises_nobody_and_the_others_go_on() {
    for (system, name) in [(System::HubSpot, "domain"), (System::ConnectWise, "website")] {
        let rules = rules("", without(system, name));
        for side in
            [observed(System::HubSpot, 1, &ACME), observed(System::ConnectWise, 2, &[("website", "acme.example")])]
        {
            assert_eq!(match_key(&rules, 0, side.of.system, &side.record), None, "{system}");
        }
        let by_name = match_key(&rules, 1, System::HubSpot, &observed(System::HubSpot, 1, &ACME).record);
        assert_eq!(by_name.as_deref(), Some("name~name:acme"));
    }
}

#[test]
fn nothing_is_made_while_a_rule_that_might_know_its_twin_cannot_be_asked() {
    let there = rules("", without(System::ConnectWise, "website"));
    let (message, hint) = held(&single(&there, System::HubSpot, &ACME));
    assert_eq!(
        message,
        "Nothing is created in ConnectWise while the match rule domain = website cannot tell whether it is there \
         already: ConnectWise has no company field `website`."
    );
    assert!(hint.starts_with("Put the field right in ConnectWise"), "{hint}");
    assert!(is_create(&single(&there, System::HubSpot, &[("name", "Acme")])), "the rule would know nobody by nothing");
    held(&single(&there, System::ConnectWise, &[("name", "Acme")]));

    let here = rules("", without(System::HubSpot, "domain"));
    held(&single(&here, System::HubSpot, &[("name", "Acme")]));

    let mut both = without(System::HubSpot, "domain");
    both.connectwise = without(System::ConnectWise, "website").connectwise;
    let both = rules("", both);
    for system in System::BOTH {
        held(&single(&both, system, &[("name", "Acme")]));
    }
    let choice = rules("", retyped(System::ConnectWise, "website", FieldKind::Choice));
    assert!(held(&single(&choice, System::HubSpot, &ACME)).0.contains("records can't be matched by it"));

    let link = linked(&there, &[("name", "Acme"), ("city", "Ulm")], &[("name", "Acme")]);
    assert_eq!(link.writes().len(), 1, "a linked pair needs no rule: {:?}", link.decision);
}

#[test]
fn a_record_that_has_nothing_else_to_be_matched_by_is_not_excluded_for_a_field_that_is_gone() {
    let gone = rules("", without(System::HubSpot, "domain"));
    let (message, _) = held(&single(&gone, System::HubSpot, &[("city", "Ulm")]));
    assert!(message.starts_with("What always applies to what goes to ConnectWise cannot be decided"), "{message}");
}

#[test]
fn without_the_field_of_the_key_nothing_is_made_and_pairs_go_on_without_it() {
    for system in System::BOTH {
        let key = defaults::company().stamp(system).unwrap().clone();
        for schemas in [without(system, key.as_str()), retyped(system, key.as_str(), FieldKind::Number)] {
            let rules = rules("", schemas);
            for from in System::BOTH {
                let (message, _) = held(&single(&rules, from, &[("name", "Acme")]));
                let begins = format!("Nothing is created in {} while no key can tell that it was: ", from.other());
                assert!(message.starts_with(&begins) && message.contains(&format!("`{key}`")), "{message}");
            }
        }
    }
    let key = defaults::company().hubspot_stamp;
    let mut plain = schemas();
    plain.hubspot.fields.iter_mut().find(|field| field.name == key).unwrap().unique = false;
    let (message, _) = held(&single(&rules("", plain), System::HubSpot, &[("name", "Acme")]));
    assert!(message.ends_with("does not have unique values."), "{message}");
    let rules = rules("", without(System::HubSpot, key.as_str()));
    let records = BySystem::new(
        Some(observed(System::HubSpot, 1, &[("name", "Acme"), ("city", "Ulm")])),
        Some(observed(System::ConnectWise, 2, &[("name", "Acme")])),
    );
    let plan = plan_pair(&facts(records, Some(link())), &rules, NOW, None);
    assert_eq!(plan.writes().len(), 1, "{:?}", plan.decision);
    assert!(plan.writes().iter().all(|write| write.system == System::ConnectWise && write.stamp.is_none()));
}

#[test]
fn an_explanation_names_the_rules_that_are_not_asked() {
    let rules = rules("", without(System::ConnectWise, "website"));
    let records = BySystem::new(Some(observed(System::HubSpot, 1, &ACME)), None);
    let plan = explain_pair(&facts(records, None), &rules, NOW, None);
    let told = "domain = website is not asked: ConnectWise has no company field `website`.";
    assert!(plan.trace.iter().any(|line| line.text == told), "{:?}", plan.trace);
}

/// The same with a script beside the filter.
fn scripted(source: &str, schemas: BySystem<Schema>) -> ObjectRules {
    let mut config = defaults::config();
    config.objects.truncate(1);
    config.objects[0].filters.script.to_connectwise = source.to_owned();
    let rules = Rules::compile(config, ConfigVersion(1), &[schemas]).unwrap();
    rules.object(ObjectKind::Company).unwrap().clone()
}

#[test]
fn a_script_decides_like_a_filter_and_holds_the_record_where_it_cannot() {
    let by_segment = scripted("record.segment === 'A'", schemas());
    assert!(by_segment.watched.hubspot.contains(&"segment".into()), "what it names is read");
    let company = |segment: &str| single(&by_segment, System::HubSpot, &[("name", "Acme"), ("segment", segment)]);
    assert!(matches!(company("A").decision, PairDecision::Write(_)), "{:?}", company("A").decision);
    let kept = company("B").decision;
    let PairDecision::Exclude { reason } = &kept else { panic!("{kept:?}") };
    assert!(reason.contains("the script"), "{reason}");
    for source in ["record.segment.no.such", "record.segment", "null", "(() => { for (;;) {} })()"] {
        let plan = single(&scripted(source, schemas()), System::HubSpot, &[("name", "Acme"), ("segment", "A")]);
        assert!(matches!(plan.decision, PairDecision::Hold { .. }), "{source}: {:?}", plan.decision);
        let issue = plan.issues.first().unwrap();
        assert!(issue.class == IssueClass::Transform && issue.message.contains("cannot decide"), "{issue:?}");
    }
    let gone = scripted("record.segment !== 'B'", without(System::HubSpot, "segment"));
    let plan = single(&gone, System::HubSpot, &[("name", "Acme")]);
    assert!(matches!(plan.decision, PairDecision::Hold { .. }), "what is not there is not empty: {:?}", plan.decision);
}

#[test]
fn a_script_that_cannot_be_read_is_no_configuration() {
    let mut config = defaults::config();
    config.objects.truncate(1);
    config.objects[0].filters.script.to_hubspot = "record.".to_owned();
    let errors = Rules::compile(config, ConfigVersion(1), &[schemas()]).unwrap_err();
    assert!(errors[0].message.contains("line 1"), "{errors:?}");
}
