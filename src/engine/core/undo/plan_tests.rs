//! What an undo does to a field: what was written, what both sides hold now, what follows.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use super::super::chain::{Collector, Unit};
use super::super::{UndoEnd, UndoField};
use super::{UnitPlan, plan_unit};
use crate::engine::core::plan::{Facts, identity::Identity};
use crate::engine::core::state::{
    Agreed, FieldWrite, Intent, IntentKind, IntentState, Link, LinkOrigin, LinkState, Observation, OwnChange,
};
use crate::mapping::references::Partners;
use crate::mapping::{FieldKey, ObjectRules, Rules, defaults};
use crate::model::{
    BySystem, ConfigVersion, FieldDef, FieldKind, FieldName, IntentId, LinkId, ObjectKind, Record, RecordId, RecordRef,
    RunId, Schema, System, Timestamp, Value,
};

const NOW: Timestamp = Timestamp(1_795_170_000_000);
const RUN: RunId = RunId(7);
const HUBSPOT: u64 = 1;
const CONNECTWISE: u64 = 2;

pub(crate) fn company(system: System) -> RecordRef {
    let id = if system == System::HubSpot { HUBSPOT } else { CONNECTWISE };
    RecordRef::new(ObjectKind::Company, system, RecordId(id))
}

/// A field of ConnectWise that was written, from the HubSpot field of the same name.
pub(crate) fn write(field: &str, before: &str, after: &str) -> FieldWrite {
    let name = FieldName::new(field);
    FieldWrite {
        key: Some(FieldKey::new(&name, &name)),
        field: name,
        before: Value::text(before),
        after: Value::text(after),
        source: Value::text(after),
        beside: BySystem::default(),
        loser: None,
        why: "changed in HubSpot only".into(),
    }
}

/// An update of the ConnectWise company.
pub(crate) fn intent(id: u64, writes: Vec<FieldWrite>) -> Intent {
    Intent {
        id: IntentId(id),
        run: RUN,
        object: ObjectKind::Company,
        system: System::ConnectWise,
        kind: IntentKind::Update,
        source: RecordId(HUBSPOT),
        target: Some(RecordId(CONNECTWISE)),
        link: Some(LinkId(1)),
        writes,
        stamp: None,
        state: IntentState::Applied,
        attempt: 1,
        sent: NOW,
        touched: NOW,
        waits: false,
        seen_as: None,
        outcome: None,
        shown: BTreeMap::new(),
    }
}

fn schema(system: System, fields: &[(&str, FieldKind)]) -> Schema {
    let field = |(name, kind): &(&str, FieldKind)| FieldDef {
        name: FieldName::new(name),
        label: (*name).to_owned(),
        kind: *kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    };
    let mut fields: Vec<FieldDef> = fields.iter().map(field).collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { system, object: ObjectKind::Company, fields }
}

/// Companies whose `city` and `seats` are mapped, both ways unless told otherwise.
fn rules(change: impl FnOnce(&mut crate::mapping::Config)) -> ObjectRules {
    let mut config = defaults::config();
    config.objects.truncate(1);
    let mapping = &mut config.objects[0];
    mapping.fields.retain(|field| field.hubspot.as_str() == "city");
    let mut seats = mapping.fields[0].clone();
    (seats.hubspot, seats.connectwise, seats.kind) = ("seats".into(), "seats".into(), FieldKind::Number);
    mapping.fields.push(seats);
    change(&mut config);
    let mut fields = vec![("city", FieldKind::Text), ("seats", FieldKind::Number), ("segment", FieldKind::Text)];
    let mapping = &config.objects[0];
    let mapped = |field: &crate::mapping::FieldMapping| {
        [(field.hubspot.to_string(), field.kind), (field.connectwise.to_string(), field.kind)]
    };
    let of_mapping: Vec<(String, FieldKind)> = mapping.fields.iter().flat_map(mapped).collect();
    fields.extend(of_mapping.iter().map(|(name, kind)| (name.as_str(), *kind)));
    let stamps = [Some(&mapping.hubspot_stamp), mapping.connectwise_stamp.as_ref()];
    let names: Vec<String> = stamps.into_iter().flatten().map(ToString::to_string).collect();
    fields.extend(names.iter().map(|name| (name.as_str(), FieldKind::Text)));
    fields.extend(
        mapping
            .matching
            .iter()
            .flat_map(|rule| [rule.hubspot.as_str(), rule.connectwise.as_str()])
            .map(|name| (name, FieldKind::Text)),
    );
    fields.sort_by_key(|(name, _)| *name);
    fields.dedup_by_key(|(name, _)| *name);
    let schemas = BySystem::from_fn(|system| schema(system, &fields));
    let rules = Rules::compile(config, ConfigVersion(1), &[schemas]).unwrap();
    rules.object(ObjectKind::Company).unwrap().clone()
}

fn observed(system: System, values: &[(&str, &str)]) -> Observation {
    let record = Record {
        stamp: (system == System::HubSpot).then(|| format!("company:{CONNECTWISE}")),
        ..Record::new(
            company(system).id,
            NOW,
            values.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect(),
        )
    };
    Observation { of: company(system), record, seen: NOW, keys: Vec::new(), gone: false, merged_into: None }
}

/// One pair whose two `city` were last agreed to be `Bonn`, which the run had written to ConnectWise over `Ulm`.
struct Case {
    rules: ObjectRules,
    journal: Vec<Intent>,
    facts: Facts,
}

impl Case {
    fn new(hubspot: &str, connectwise: &str) -> Self {
        let agreed = |text: &str| Agreed {
            hubspot: Value::text(text),
            connectwise: Value::text(text),
            at: NOW,
            supposed: false,
            beside: BySystem::default(),
        };
        let link = Link {
            id: LinkId(1),
            object: ObjectKind::Company,
            hubspot: RecordId(HUBSPOT),
            connectwise: RecordId(CONNECTWISE),
            state: LinkState::Active,
            origin: LinkOrigin::Person,
            created: NOW,
            baseline: [(write("city", "", "").key.unwrap(), agreed("Bonn"))].into(),
            recent: BTreeMap::new(),
            own: BySystem::default(),
        };
        let records = BySystem::new(
            Some(observed(System::HubSpot, &[("city", hubspot), ("name", "Acme")])),
            Some(observed(System::ConnectWise, &[("city", connectwise)])),
        );
        let facts = Facts {
            asked: company(System::ConnectWise),
            records,
            link: Some(link),
            open: None,
            identity: Identity::Alone,
            decisions: Vec::new(),
            issues: Vec::new(),
            companies: BySystem::default(),
            partners: Partners::default(),
            identifier: None,
            merged: None,
            takes_over: None,
            rival: None,
        };
        Self { rules: rules(|_| ()), journal: vec![intent(1, vec![write("city", "Ulm", "Bonn")])], facts }
    }

    fn link(&mut self) -> &mut Link {
        self.facts.link.as_mut().unwrap()
    }

    fn unit(&self) -> Unit {
        let mut collector = Collector::default();
        self.journal.iter().for_each(|write| collector.add(write));
        collector.finish().units.remove(0)
    }

    fn plan(&self) -> UnitPlan {
        plan_unit(&self.facts, &self.rules, &self.unit(), RUN, NOW)
    }

    fn field(&self) -> UndoField {
        let UnitPlan { mut fields, write } = self.plan();
        let field = fields.remove(0);
        assert_eq!(write.is_some(), field.end == UndoEnd::Restore, "{field:?} {write:?}");
        field
    }
}

fn by(end: &UndoEnd) -> &str {
    let UndoEnd::Changed { by } = end else { panic!("{end:?}") };
    by
}

fn kept(end: &UndoEnd) -> &str {
    let UndoEnd::Kept { reason, .. } = end else { panic!("{end:?}") };
    reason
}

#[test]
fn what_holds_the_written_value_gets_back_what_the_write_replaced_and_both_sides_agree_to_differ() {
    let case = Case::new("Bonn", "Bonn");
    let plan = case.plan();
    assert_eq!((&plan.fields[0].end, plan.fields[0].before.to_plain()), (&UndoEnd::Restore, "Ulm".to_owned()));
    let planned = plan.write.unwrap();
    assert_eq!((planned.target, planned.source, planned.stamp), (Some(RecordId(CONNECTWISE)), RecordId(HUBSPOT), None));
    let [field] = planned.fields.as_slice() else { panic!("{:?}", planned.fields) };
    assert_eq!([&field.before, &field.after, &field.source].map(Value::to_plain), ["Bonn", "Ulm", "Bonn"]);
    assert_eq!(field.why, "undo of run 7");
}

#[test]
fn what_somebody_changed_since_is_left_alone_and_told() {
    let mut case = Case::new("Bonn", "Kiel");
    assert_eq!(by(&case.field().end), "in ConnectWise");
    case.facts.records.connectwise.as_mut().unwrap().record.modified_by = Some("jlind".into());
    assert_eq!(by(&case.field().end), "in ConnectWise, where jlind changed the record last");
    let own = OwnChange { modified: NOW, before: NOW };
    case.link().own.connectwise = Some(own);
    assert_eq!(by(&case.field().end), "in ConnectWise", "the last one was Lockstep itself");
}

#[test]
fn what_holds_what_it_held_before_needs_no_write() {
    assert_eq!(Case::new("Bonn", "Ulm").field().end, UndoEnd::AsBefore);
}

#[test]
fn a_value_that_its_system_keeps_in_its_own_way_is_known_by_what_it_showed() {
    let mut case = Case::new("12.50", "12");
    let seats = |before: &str, after: &str| FieldWrite {
        key: Some(FieldKey::new(&"seats".into(), &"seats".into())),
        ..write("seats", before, after)
    };
    case.journal = vec![intent(1, vec![seats("3", "12.50")])];
    for side in System::BOTH {
        let record = &mut case.facts.records[side].as_mut().unwrap().record;
        let city = record.fields.remove("city").unwrap();
        record.fields.insert("seats".into(), city);
    }
    assert_eq!(by(&case.field().end), "in ConnectWise", "nothing tells that 12 is what became of it");
    case.journal[0].shown = [("seats".into(), Value::text("12.0"))].into();
    let agreed = Agreed::seen_from(System::HubSpot, Value::text("12.50"), Value::text("12"), NOW);
    case.link().baseline.insert(FieldKey::new(&"seats".into(), &"seats".into()), agreed);
    assert_eq!((case.field().end, case.field().before.to_plain()), (UndoEnd::Restore, "3".to_owned()));
}

#[test]
fn several_writes_of_one_run_are_taken_back_as_far_as_each_still_stands() {
    let mut case = Case::new("Kiel", "Kiel");
    let agreed = Agreed::seen_from(System::HubSpot, Value::text("Kiel"), Value::text("Kiel"), NOW);
    case.link().baseline.values_mut().for_each(|one| *one = agreed.clone());
    case.journal.push(intent(2, vec![write("city", "Bonn", "Kiel")]));
    assert_eq!((case.field().end, case.field().before.to_plain()), (UndoEnd::Restore, "Ulm".to_owned()));
    // somebody came between the two
    case.journal[1] = intent(2, vec![write("city", "Trier", "Kiel")]);
    assert_eq!((case.field().end, case.field().before.to_plain()), (UndoEnd::Restore, "Trier".to_owned()));
    // the newer one is taken back already
    case.journal[1] = intent(2, vec![write("city", "Bonn", "Mainz")]);
    case.facts.records.connectwise = Some(observed(System::ConnectWise, &[("city", "Bonn")]));
    assert_eq!((case.field().end, case.field().before.to_plain()), (UndoEnd::Restore, "Ulm".to_owned()));
}

#[test]
fn a_newer_value_of_the_source_that_has_not_crossed_is_neither_forgotten_nor_overtaken() {
    let case = Case::new("Mainz", "Bonn");
    assert_eq!(by(&case.field().end), "in HubSpot, and that has not crossed to ConnectWise yet");
    // an emptied source says nothing, and fills nothing from what is put back
    let emptied = Case::new("", "Bonn");
    let plan = emptied.plan();
    assert_eq!(plan.fields[0].end, UndoEnd::Restore);
    assert_eq!(plan.write.unwrap().fields[0].source, Value::Empty);
}

#[test]
fn directions_and_filters_do_not_stand_in_the_way() {
    let mut case = Case::new("Bonn", "Bonn");
    case.rules = rules(|config| config.objects[0].fields[0].direction = crate::mapping::Direction::ToHubspot);
    assert_eq!(case.field().end, UndoEnd::Restore);
    case.rules = rules(|config| config.objects[0].filters.to_connectwise = "segment = 'A'".into());
    assert_eq!(case.field().end, UndoEnd::Restore);
}

#[test]
fn a_field_that_is_not_mapped_any_more_is_told_with_what_it_held() {
    let mut case = Case::new("Bonn", "Bonn");
    case.rules = rules(|config| drop(config.objects[0].fields.remove(0)));
    let field = case.field();
    assert!(kept(&field.end).contains("city is not mapped any more"), "{field:?}");
    assert_eq!(field.before.to_plain(), "Ulm");
}

#[test]
fn nothing_is_put_back_into_a_record_that_is_gone_or_in_doubt() {
    let mut deleted = Case::new("Bonn", "Bonn");
    deleted.facts.records.connectwise.as_mut().unwrap().record.archived = true;
    assert_eq!(kept(&deleted.field().end), "ConnectWise company 2 was deleted.");
    let mut unread = Case::new("Bonn", "Bonn");
    unread.facts.records.hubspot = None;
    assert_eq!(unread.field().end, UndoEnd::NotDone("HubSpot company 1 could not be read".into()));
    let mut open = Case::new("Bonn", "Bonn");
    open.facts.open = Some(Intent { state: IntentState::Unknown, ..intent(9, Vec::new()) });
    assert!(matches!(open.field().end, UndoEnd::NotDone(_)));
    let mut merged = Case::new("Bonn", "Bonn");
    merged.facts.link = None;
    assert!(kept(&merged.field().end).contains("merged"));
}

#[test]
fn a_deleted_partner_is_no_reason_to_keep_what_came_from_it() {
    let mut case = Case::new("Bonn", "Bonn");
    case.facts.records.hubspot.as_mut().unwrap().gone = true;
    case.link().state = LinkState::Tomb;
    assert_eq!(case.field().end, UndoEnd::Restore);
}

#[test]
fn nobody_is_taken_away_from_a_company_or_a_deal() {
    let reference = |name: &str, before: &str, after: &str| {
        let mut case = Case::new("", "");
        case.rules = rules(|config| {
            let field = &mut config.objects[0].fields[0];
            (field.hubspot, field.kind) = (name.into(), FieldKind::Reference(ObjectKind::Contact));
        });
        let key = FieldKey::new(&name.into(), &"city".into());
        let to_hubspot = Intent {
            system: System::HubSpot,
            source: RecordId(CONNECTWISE),
            target: Some(RecordId(HUBSPOT)),
            ..intent(1, vec![FieldWrite { key: Some(key), ..write(name, before, after) }])
        };
        case.journal = vec![to_hubspot];
        case.facts.records.hubspot = Some(observed(System::HubSpot, &[(name, after)]));
        let agreed = Agreed::seen_from(System::HubSpot, Value::text(after), Value::Empty, NOW);
        case.link().baseline.insert(FieldKey::new(&name.into(), &"city".into()), agreed);
        case.field().end
    };
    assert!(kept(&reference("associatedcompanyid", "", "5")).contains("takes no company away from its contact"));
    assert!(kept(&reference("associations/contacts", "5", "5;8")).contains("away from its contact"));
    assert_eq!(reference("associatedcompanyid", "5", "8"), UndoEnd::Restore);
}
