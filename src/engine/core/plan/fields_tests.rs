//! The three-way comparison as a table: what each side holds, what was agreed, what follows.

use std::time::Duration;

use super::super::FieldNext;
use super::{Comparison, Trouble, compare};
use crate::engine::core::state::{Agreed, Decision, IssueClass, RecentWrite};
use crate::filter::Answer;
use crate::mapping::references::Partners;
use crate::mapping::stages::STAGE_AND_STATUS;
use crate::mapping::transform::{Case as Letters, Join, Split, Step};
use crate::mapping::{
    ClearPolicy, ConflictTie, Direction, FieldMapping, FieldRule, Overflow, SystemOfRecord, Unmapped, ValueMap,
    ValuePair,
};
use crate::model::{
    BySystem, ChoiceOption, FieldDef, FieldKind, FieldName, Fields, LinkId, ObjectKind, Record, RecordId, Schema,
    System, Timestamp, Value,
};

const NOW: Timestamp = Timestamp(1_000_000_000);

fn field(kind: FieldKind) -> FieldMapping {
    FieldMapping {
        hubspot: FieldName::new("city"),
        connectwise: FieldName::new("town"),
        kind,
        direction: Direction::Both,
        wins: SystemOfRecord::HubSpot,
        empty: ClearPolicy::Fill,
        overflow: Overflow::Hold,
        max_length: BySystem::default(),
        default: crate::mapping::Defaults::default(),
        transform: crate::mapping::Transforms::default(),
        values: None,
    }
}

/// A record with other fields than the mapped one.
fn record(fields: &[(&str, &str)]) -> Record {
    Record::new(
        RecordId(1),
        NOW,
        fields.iter().map(|(name, text)| (FieldName::new(name), Value::text(*text))).collect(),
    )
}

/// The two fields, and no others.
fn schema() -> BySystem<Schema> {
    let field = |name: &str| FieldDef {
        name: FieldName::new(name),
        label: name.to_owned(),
        kind: FieldKind::Text,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: Vec::new(),
    };
    let of = |system, name| Schema { system, object: ObjectKind::Company, fields: vec![field(name)] };
    BySystem::new(of(System::HubSpot, "city"), of(System::ConnectWise, "town"))
}

/// One comparison with everything that a case may want to change.
struct Case {
    mapping: FieldMapping,
    hubspot: &'static str,
    connectwise: &'static str,
    /// None: never agreed.
    agreed: Option<(&'static str, &'static str)>,
    /// Whether one half of that was sent and never seen.
    supposed: bool,
    /// What the records hold beside the two fields, and what of that was noted at the agreement.
    records: BySystem<Record>,
    beside: BySystem<Fields>,
    modified: BySystem<Timestamp>,
    decision: Option<(System, &'static str, &'static str)>,
    recent: Vec<RecentWrite>,
    object_direction: Direction,
    in_scope: BySystem<Answer>,
    push_to: Option<System>,
}

impl Case {
    fn new(hubspot: &'static str, agreed: Option<(&'static str, &'static str)>, connectwise: &'static str) -> Self {
        Self {
            mapping: field(FieldKind::Text),
            hubspot,
            connectwise,
            agreed,
            supposed: false,
            records: BySystem::new(record(&[]), record(&[])),
            beside: BySystem::default(),
            modified: BySystem::new(NOW, NOW),
            decision: None,
            recent: Vec::new(),
            object_direction: Direction::Both,
            in_scope: BySystem::new(Answer::Pass, Answer::Pass),
            push_to: None,
        }
    }

    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn run(&self) -> (FieldNext, Option<IssueClass>) {
        let (next, trouble) = self.run_on(&schema());
        (next, trouble.map(|trouble| trouble.class))
    }

    fn run_on(&self, schema: &BySystem<Schema>) -> (FieldNext, Option<Trouble>) {
        let rule = FieldRule::new(&self.mapping, schema);
        let (h, c) = (Value::text(self.hubspot), Value::text(self.connectwise));
        let agreed = self.agreed.map(|(h, c)| Agreed {
            hubspot: Value::text(h),
            connectwise: Value::text(c),
            at: NOW,
            supposed: self.supposed,
            beside: self.beside.clone(),
        });
        let decision = self.decision.map(|(winner, h, c)| Decision {
            link: LinkId(1),
            field: rule.key.clone(),
            winner,
            hubspot: Value::text(h),
            connectwise: Value::text(c),
            at: NOW,
        });
        let (plan, trouble) = compare(&Comparison {
            partners: &Partners::default(),
            object: ObjectKind::Company,
            rule: &rule,
            raw: BySystem::new(&h, &c),
            records: BySystem::new(&self.records.hubspot, &self.records.connectwise),
            agreed: agreed.as_ref(),
            modified: self.modified,
            decision: decision.as_ref(),
            recent: &self.recent,
            object_direction: self.object_direction,
            tie: ConflictTie::ConnectWise,
            in_scope: self.in_scope,
            push_to: self.push_to,
            now: NOW,
        });
        (plan.next, trouble)
    }

    fn next(&self) -> FieldNext {
        self.run().0
    }
}

fn write(to: System, value: &str, loser: Option<&str>) -> FieldNext {
    FieldNext::Write { to, value: Value::text(value), loser: loser.map(Value::text) }
}

use System::{ConnectWise as C, HubSpot as H};

#[test]
fn two_way_the_changed_side_is_written_to_the_other() {
    let agreed = Some(("Dallas", "Dallas"));
    assert_eq!(Case::new("Dallas", agreed, "Dallas").next(), FieldNext::Same);
    assert_eq!(Case::new("Austin", agreed, "Dallas").next(), write(C, "Austin", None));
    assert_eq!(Case::new("Dallas", agreed, "Austin").next(), write(H, "Austin", None));
    assert_eq!(Case::new("Austin", agreed, "Austin").next(), FieldNext::Agree);
}

#[test]
fn each_side_is_compared_with_its_own_half_of_the_agreement() {
    // the far side stored it in its own way; that is no change
    assert_eq!(Case::new("dallas", Some(("dallas", "DALLAS")), "DALLAS").next(), FieldNext::Same);
}

#[test]
fn an_empty_value_is_filled_from_the_other_side_unless_emptiness_crosses() {
    let agreed = Some(("Dallas", "Dallas"));
    let clears = |case: Case| case.with(|c| c.mapping.empty = ClearPolicy::Clear);
    assert_eq!(Case::new("", agreed, "Dallas").next(), write(H, "Dallas", None));
    assert_eq!(clears(Case::new("", agreed, "Dallas")).next(), write(C, "", None));
    assert_eq!(Case::new("", agreed, "").next(), FieldNext::Agree);
    // at first contact there is nothing that could have been cleared
    assert_eq!(clears(Case::new("", None, "Dallas")).next(), write(H, "Dallas", None));
}

#[test]
fn a_conflict_is_decided_by_the_system_of_record_and_keeps_the_loser() {
    let agreed = Some(("Dallas", "Dallas"));
    let case = |wins| Case::new("Austin", agreed, "Tampa").with(|c| c.mapping.wins = wins);
    assert_eq!(case(SystemOfRecord::HubSpot).next(), write(C, "Austin", Some("Tampa")));
    assert_eq!(case(SystemOfRecord::ConnectWise).next(), write(H, "Tampa", Some("Austin")));
    assert_eq!(case(SystemOfRecord::Ask).run(), (FieldNext::Decide, Some(IssueClass::Conflict)));
    let later = case(SystemOfRecord::Latest).with(|c| c.modified.hubspot = NOW + Duration::from_secs(3));
    assert_eq!(later.next(), write(C, "Austin", Some("Tampa")));
    let tie = case(SystemOfRecord::Latest).with(|c| c.modified.hubspot = NOW + Duration::from_secs(2));
    assert_eq!(tie.next(), write(H, "Tampa", Some("Austin")), "the tie goes to ConnectWise here");
}

#[test]
fn a_decision_holds_for_exactly_the_values_it_was_made_on() {
    let case = |h, c| {
        Case::new(h, Some(("Dallas", "Dallas")), c).with(|case| {
            case.mapping.wins = SystemOfRecord::Ask;
            case.decision = Some((C, "Austin", "Tampa"));
        })
    };
    assert_eq!(case("Austin", "Tampa").next(), write(H, "Tampa", Some("Austin")));
    assert_eq!(case("Austin", "Miami").next(), FieldNext::Decide);
}

#[test]
fn one_way_the_far_side_is_written_only_when_the_near_one_changed() {
    let one_way = |h, agreed, c| Case::new(h, agreed, c).with(|case| case.mapping.direction = Direction::ToConnectwise);
    let agreed = Some(("Dallas", "Dallas"));
    assert_eq!(one_way("Austin", agreed, "Dallas").next(), write(C, "Austin", None));
    assert_eq!(one_way("Dallas", agreed, "Tampa").next(), FieldNext::Tolerate);
    assert_eq!(one_way("Austin", agreed, "Tampa").next(), write(C, "Austin", Some("Tampa")));
    assert_eq!(one_way("", agreed, "Dallas").next(), FieldNext::Tolerate, "an empty value does not erase");
    assert_eq!(one_way("", None, "Dallas").next(), FieldNext::Tolerate);
}

#[test]
fn the_objects_direction_overrides_the_fields() {
    let case = |direction, object| {
        Case::new("Dallas", Some(("Dallas", "Dallas")), "Tampa").with(|case| {
            case.mapping.direction = direction;
            case.object_direction = object;
        })
    };
    assert_eq!(case(Direction::Both, Direction::ToConnectwise).next(), FieldNext::Tolerate);
    assert_eq!(case(Direction::ToHubspot, Direction::ToConnectwise).next(), FieldNext::Tolerate);
    assert_eq!(case(Direction::ToHubspot, Direction::Both).next(), write(H, "Tampa", None));
}

#[test]
fn a_filter_freezes_the_side_it_guards_and_only_that() {
    let case = |h, c| {
        Case::new(h, Some(("Dallas", "Dallas")), c)
            .with(|case| case.in_scope = BySystem::new(Answer::Pass, Answer::Fail))
    };
    assert_eq!(case("Austin", "Dallas").next(), FieldNext::Frozen);
    let undecided = |h, c| {
        let scope = BySystem::new(Answer::Pass, Answer::Undecided);
        Case::new(h, Some(("Dallas", "Dallas")), c).with(|case| case.in_scope = scope)
    };
    assert_eq!(undecided("Austin", "Dallas").next(), FieldNext::Undecided { to: System::ConnectWise });
    assert_eq!(undecided("Dallas", "Dallas").next(), FieldNext::Same, "nothing is held where nothing would be written");
    assert_eq!(case("Dallas", "Austin").next(), write(H, "Austin", None));
}

#[test]
fn a_push_takes_one_sides_values_as_far_as_directions_allow() {
    let push = |h, c, to| Case::new(h, Some(("Dallas", "Dallas")), c).with(|case| case.push_to = Some(to));
    assert_eq!(push("Dallas", "Tampa", C).next(), write(C, "Dallas", Some("Tampa")));
    assert_eq!(push("Dallas", "Dallas", C).next(), FieldNext::Agree);
    assert_eq!(push("", "Dallas", C).next(), FieldNext::Tolerate, "an empty value does not erase");
    let one_way = push("Dallas", "Tampa", C).with(|case| case.mapping.direction = Direction::ToHubspot);
    assert_eq!(one_way.next(), FieldNext::Tolerate);
}

#[test]
fn a_value_that_does_not_fit_holds_the_field_with_its_reason() {
    let long = Case::new("A very long town", Some(("Dallas", "Dallas")), "Dallas");
    let limit = |overflow| {
        move |case: &mut Case| {
            case.mapping.max_length.connectwise = Some(6);
            case.mapping.overflow = overflow;
        }
    };
    assert_eq!(long.with(limit(Overflow::Hold)).run(), (FieldNext::Stuck, Some(IssueClass::UnfitValue)));
    let cut = Case::new("A very long town", Some(("Dallas", "Dallas")), "Dallas").with(limit(Overflow::Cut));
    assert_eq!(cut.next(), write(C, "A very", None));
    let nothing_left =
        Case::new("https://acme.example", Some(("Dallas", "Dallas")), "Dallas").with(limit(Overflow::Cut));
    let nothing_left = nothing_left.with(|case| {
        case.mapping.kind = FieldKind::Url;
        case.mapping.max_length.connectwise = Some(8);
    });
    assert_eq!(nothing_left.run(), (FieldNext::Stuck, Some(IssueClass::UnfitValue)));
    let number = Case::new("many", Some(("3", "3")), "3").with(|case| case.mapping.kind = FieldKind::Number);
    assert_eq!(number.run(), (FieldNext::Stuck, Some(IssueClass::UnfitValue)));
}

#[test]
fn an_option_without_a_partner_holds_or_skips_the_field() {
    let case = |unmapped| {
        Case::new("BANKING", Some(("RETAIL", "7")), "7").with(|case| {
            case.mapping.kind = FieldKind::Choice;
            let pairs = vec![ValuePair { hubspot: "RETAIL".to_owned(), connectwise: "7".to_owned() }];
            case.mapping.values = Some(ValueMap { auto: None, unmapped, pairs, priority: Vec::new() });
        })
    };
    assert_eq!(case(Unmapped::Hold).run(), (FieldNext::Stuck, Some(IssueClass::UnmappedValue)));
    assert_eq!(case(Unmapped::Skip).run(), (FieldNext::Tolerate, None));
}

#[test]
fn a_skipped_option_and_its_other_half_are_agreed_on_so_that_only_a_change_of_the_field_crosses() {
    let case = |h: &'static str, agreed, c| {
        Case::new(h, agreed, c).with(|case| {
            case.mapping.kind = FieldKind::Choice;
            let pairs = vec![ValuePair { hubspot: "RETAIL".to_owned(), connectwise: "7".to_owned() }];
            case.mapping.values = Some(ValueMap { auto: None, unmapped: Unmapped::Skip, pairs, priority: Vec::new() });
            case.mapping.wins = SystemOfRecord::HubSpot;
        })
    };
    assert_eq!(case("BANKING", None, "7").run(), (FieldNext::Agree, None));
    let agreed = Some(("BANKING", "7"));
    assert_eq!(case("BANKING", agreed, "7").run(), (FieldNext::Same, None));
    assert_eq!(case("RETAIL", agreed, "7").run(), (FieldNext::Agree, None));
    assert_eq!(
        case("BANKING", Some(("BANKING", "8")), "7").next(),
        FieldNext::Write { to: H, value: Value::Choice("RETAIL".into()), loser: None }
    );
    assert_eq!(case("BANKING", None, "").run(), (FieldNext::Tolerate, None), "an empty side is still filled later");
}

/// Deals of one pipeline, opportunities of two stages and one status.
fn schema_of_deals() -> BySystem<Schema> {
    let field = |name: &str, options: &[(&str, &str)]| FieldDef {
        name: FieldName::new(name),
        options: options
            .iter()
            .map(|(key, label)| ChoiceOption {
                key: (*key).to_owned(),
                label: (*label).to_owned(),
                ..ChoiceOption::default()
            })
            .collect(),
        ..schema().hubspot.fields[0].clone()
    };
    let of = |system, fields| Schema { system, object: ObjectKind::Deal, fields };
    let here = field("dealstage", &[("a", "Qualified"), ("b", "Quote sent"), ("odd", "Legal")]);
    let there = vec![
        field("stage", &[("1", "Prospect"), ("3", "Quote")]),
        field(STAGE_AND_STATUS, &[]),
        field("status", &[("10", "Open")]),
    ];
    BySystem::new(of(H, vec![here]), of(C, there))
}

#[test]
fn issues_about_a_stage_call_it_by_its_label_and_by_its_id_where_it_has_none() {
    let told = |h, agreed, c, recent: Vec<RecentWrite>| {
        let pair = |hubspot: &str, connectwise: &str| ValuePair {
            hubspot: hubspot.to_owned(),
            connectwise: connectwise.to_owned(),
        };
        let case = Case::new(h, agreed, c).with(|case| {
            case.mapping.hubspot = FieldName::new("dealstage");
            case.mapping.connectwise = FieldName::new(STAGE_AND_STATUS);
            case.mapping.kind = FieldKind::Choice;
            case.mapping.wins = SystemOfRecord::Ask;
            let pairs = vec![pair("a", "1/10"), pair("b", "3/10")];
            case.mapping.values = Some(ValueMap { auto: None, unmapped: Unmapped::Hold, pairs, priority: Vec::new() });
            case.recent = recent;
        });
        case.run_on(&schema_of_deals()).1.map(|trouble| trouble.message).unwrap_or_default()
    };
    let agreed = Some(("a", "1/10"));
    assert_eq!(
        told("a", None, "3/10", Vec::new()),
        "dealstage differs: HubSpot has \"Qualified\", ConnectWise has \"Quote · Open\", and the rule is to ask."
    );
    let unpaired = "has no partner in the value map of";
    assert_eq!(told("odd", agreed, "1/10", Vec::new()), format!("\"Legal\" {unpaired} stage/status in ConnectWise."));
    assert_eq!(told("new", agreed, "1/10", Vec::new()), format!("\"new\" {unpaired} stage/status in ConnectWise."));
    assert_eq!(told("a", agreed, "7/10", Vec::new()), format!("\"7 · Open\" {unpaired} dealstage in HubSpot."));
    let turns = [(C, "1/10"), (H, "b"), (C, "1/10")];
    let turns = turns.map(|(to, key)| RecentWrite { to, value: Value::Choice(key.to_owned()), at: NOW });
    let back = told("a", agreed, "3/10", turns.to_vec());
    assert!(back.starts_with("dealstage keeps changing back to \"Quote sent\":"), "{back}");
}

#[test]
fn a_field_that_flips_to_and_fro_is_held_after_three_turns() {
    let recent = |n: usize| -> Vec<RecentWrite> {
        let turns = [(C, "Austin"), (H, "Dallas"), (C, "Austin")];
        turns[..n].iter().map(|(to, value)| RecentWrite { to: *to, value: Value::text(*value), at: NOW }).collect()
    };
    let case = |n| Case::new("Austin", Some(("Austin", "Austin")), "Dallas").with(|case| case.recent = recent(n));
    assert_eq!(case(2).next(), write(H, "Dallas", None));
    assert_eq!(case(3).run(), (FieldNext::Stuck, Some(IssueClass::Oscillation)));
    let long_ago = case(3).with(|case| {
        for write in &mut case.recent {
            write.at = Timestamp(NOW.0 - 25 * 3600 * 1000);
        }
    });
    assert_eq!(long_ago.next(), write(H, "Dallas", None));
}

/// A write of unknown fate whose field somebody changed meanwhile: theirs counts as the newer value, and ours, which they
/// may never have seen, is kept.
#[test]
fn what_was_sent_and_never_seen_is_kept_when_what_was_there_instead_replaces_it() {
    let case = Case::new("Boston", Some(("Boston", "Boston")), "Chicago");
    assert_eq!(case.next(), write(H, "Chicago", None), "it was seen there: somebody replaced it knowingly");
    let supposed = case.with(|case| case.supposed = true);
    assert_eq!(supposed.next(), write(H, "Chicago", Some("Boston")));
}

/// A one-way write of unknown fate in whose field something else was found: it is sent again, and kept from going on for ever.
#[test]
fn one_way_what_was_sent_and_never_seen_is_sent_again_until_it_is_seen_or_three_times() {
    let one_way = |h, c| {
        Case::new(h, Some(("Boston", "Boston")), c).with(|case| {
            case.mapping.direction = Direction::ToHubspot;
            case.supposed = true;
        })
    };
    assert_eq!(one_way("Chicago", "Boston").next(), write(H, "Boston", Some("Chicago")));
    assert_eq!(one_way("Chicago", "Dallas").next(), write(H, "Dallas", Some("Chicago")), "by now it is another one");
    assert_eq!(one_way("Boston", "Boston").next(), FieldNext::Agree, "from here on what HubSpot changes stays");
    let sent = |value| RecentWrite { to: H, value: Value::text(value), at: NOW };
    let after = |recent: &[&'static str]| {
        let recent = recent.iter().map(|value| sent(*value)).collect();
        one_way("Chicago", "Boston").with(|case| case.recent = recent)
    };
    assert_eq!(after(&["Boston", "Boston"]).next(), write(H, "Boston", Some("Chicago")));
    assert_eq!(after(&["Boston", "Dallas", "Boston", "Boston"]).next(), write(H, "Boston", Some("Chicago")));
    let held = after(&["Dallas", "Boston", "Boston", "Boston"]);
    assert_eq!(held.run(), (FieldNext::Stuck, Some(IssueClass::Oscillation)));
    assert_eq!(
        held.with(|case| case.push_to = Some(H)).next(),
        write(H, "Boston", Some("Chicago")),
        "a person says so"
    );
}

/// What a system has no field for was not emptied there: nothing crosses, however the mapping is set.
#[test]
fn a_field_that_a_system_does_not_have_is_told_and_never_taken_for_empty() {
    for lacking in System::BOTH {
        let mut less = schema();
        less[lacking].fields[0].name = "another".into();
        let mapping = FieldMapping { empty: ClearPolicy::Clear, ..field(FieldKind::Text) };
        let rule = FieldRule::new(&mapping, &less);
        let mut raw = BySystem::new(Value::text("Austin"), Value::text("Austin"));
        raw[lacking] = Value::Empty;
        let agreed = Agreed {
            hubspot: Value::text("Austin"),
            connectwise: Value::text("Austin"),
            at: NOW,
            supposed: false,
            beside: BySystem::default(),
        };
        let (plan, trouble) = compare(&Comparison {
            object: ObjectKind::Company,
            rule: &rule,
            partners: &Partners::default(),
            raw: BySystem::new(&raw.hubspot, &raw.connectwise),
            records: BySystem::new(&record(&[]), &record(&[])),
            agreed: Some(&agreed),
            modified: BySystem::new(NOW, NOW),
            decision: None,
            recent: &[],
            object_direction: Direction::Both,
            tie: ConflictTie::HubSpot,
            in_scope: BySystem::new(Answer::Pass, Answer::Pass),
            push_to: None,
            now: NOW,
        });
        assert_eq!(plan.next, FieldNext::Stuck, "{lacking}");
        assert!(trouble.is_some_and(|trouble| trouble.message.contains(&format!("{lacking} has no company field"))));
    }
}

/// `city` and `state` of HubSpot in one field of ConnectWise.
fn joined(case: &mut Case) {
    let fields = vec!["city".into(), "state".into()];
    case.mapping.direction = Direction::ToConnectwise;
    case.mapping.transform.to_connectwise = vec![Step::Join(Join { with: ", ".into(), fields })];
}

fn with_state(schema: BySystem<Schema>) -> BySystem<Schema> {
    let mut schema = schema;
    let state = FieldDef { name: "state".into(), ..schema.hubspot.fields[0].clone() };
    schema.hubspot.fields.push(state);
    schema
}

#[test]
fn a_value_crosses_as_its_transform_makes_it_and_the_agreement_keeps_it_as_it_is() {
    let shout = |case: &mut Case| case.mapping.transform.to_connectwise = vec![Step::Case(Letters::Upper)];
    let case = |h, agreed, c| Case::new(h, agreed, c).with(shout);
    assert_eq!(case("Ulm", None, "").next(), write(C, "ULM", None));
    assert_eq!(case("Ulm", None, "ULM").next(), FieldNext::Agree, "it is there already");
    assert_eq!(case("Ulm", Some(("Ulm", "Ulm")), "Ulm").next(), FieldNext::Same, "a new transform is no change");
    assert_eq!(
        case("Ulm", Some(("Bonn", "Ulm")), "Ulm").next(),
        write(C, "ULM", None),
        "as it was typed is not as it is made"
    );
    let one_way = case("Ulm", None, "Ulm").with(|case| case.mapping.direction = Direction::ToConnectwise);
    assert_eq!(one_way.next(), write(C, "ULM", Some("Ulm")));
    assert_eq!(case("Bonn", Some(("Ulm", "ULM")), "ULM").next(), write(C, "BONN", None));
    assert_eq!(case("Ulm", Some(("Ulm", "ULM")), "Bonn").next(), write(H, "Bonn", None), "the other way as it is");
}

#[test]
fn a_change_of_another_field_that_a_transform_looks_at_is_a_change_of_the_value() {
    let schema = with_state(schema());
    let next = |case: Case| case.run_on(&schema).0;
    let noted: Fields = [("city".into(), Value::text("Austin")), ("state".into(), Value::text("TX"))].into();
    let case = |state: &str, there| {
        Case::new("Austin", Some(("Austin", "Austin, TX")), there).with(|case| {
            joined(case);
            case.records.hubspot = record(&[("city", "Austin"), ("state", state)]);
            case.beside.hubspot = noted.clone();
        })
    };
    assert_eq!(next(case("TX", "Austin, TX")), FieldNext::Same);
    assert_eq!(next(case("MN", "Austin, TX")), write(C, "Austin, MN", None));
    assert_eq!(next(case("MN", "Austin, MN")), FieldNext::Agree, "somebody wrote it there already");
    let unnoted = case("MN", "Austin, TX").with(|case| case.beside = BySystem::default());
    assert_eq!(next(unnoted), FieldNext::Same, "what was not noted did not change");
    let back = case("", "Austin, TX").with(|case| case.records.hubspot = record(&[("city", "Austin")]));
    assert_eq!(next(back), write(C, "Austin", None), "emptied is changed");
}

#[test]
fn a_transform_may_make_something_of_an_empty_field_and_nothing_of_a_full_one() {
    let usual = |case: &mut Case| case.mapping.transform.to_connectwise = vec![Step::Default("n/a".into())];
    assert_eq!(Case::new("", None, "").with(usual).next(), write(C, "n/a", None));
    assert_eq!(Case::new("", None, "Ulm").with(usual).next(), write(H, "Ulm", None), "a value fills first");
    assert_eq!(Case::new("", Some(("", "n/a")), "n/a").with(usual).next(), FieldNext::Same);
    let third = |case: &mut Case| {
        case.mapping.transform.to_connectwise = vec![Step::Split(Split { at: ",".into(), part: 3 })];
    };
    let nothing = Case::new("a,b", Some(("a,b,c", "c")), "c").with(third);
    assert_eq!(nothing.next(), FieldNext::Tolerate, "what is there stays");
    let clears = Case::new("a,b", Some(("a,b,c", "c")), "c").with(third).with(|case| {
        case.mapping.empty = ClearPolicy::Clear;
    });
    assert_eq!(clears.next(), FieldNext::Write { to: C, value: Value::Empty, loser: None });
}

#[test]
fn a_transform_that_fails_holds_its_field_and_says_at_which_step() {
    let dated = |case: &mut Case| {
        case.mapping.transform.to_connectwise = vec![Step::Trim, Step::Date("DD.MM.YYYY".into())];
    };
    let (next, trouble) = Case::new("soon", None, "").with(dated).run_on(&schema());
    let Some(trouble) = trouble else { panic!("nobody is told") };
    assert_eq!((next, trouble.class), (FieldNext::Stuck, IssueClass::Transform));
    assert_eq!(
        trouble.message,
        "The transform of what goes to town in ConnectWise stops at step 2, \"date DD.MM.YYYY\": \"soon\" is not a date in this form."
    );
}

#[test]
fn a_field_that_a_transform_looks_at_and_that_is_gone_is_told_like_a_mapped_one() {
    let (next, trouble) =
        Case::new("Austin", Some(("Austin", "Austin, TX")), "Austin, TX").with(joined).run_on(&schema());
    assert_eq!(next, FieldNext::Stuck);
    let Some(trouble) = trouble else { panic!("nobody is told") };
    assert!(trouble.class == IssueClass::MissingField && trouble.message.contains("`state`"), "{trouble:?}");
}

proptest::proptest! {
    /// Whatever the values and rules: nothing is ever written to a side that the direction forbids (I7), nothing is
    /// invented (I3), and what is written ends the difference (I21).
    #[test]
    fn i3_i7_i21_no_comparison_invents_misdirects_or_goes_on_for_ever(
        h in "[ab]{0,2}", c in "[ab]{0,2}", bh in "[ab]{0,2}", bc in "[ab]{0,2}", known in proptest::bool::ANY,
        direction in 0..3usize, wins in 0..4usize, clears in proptest::bool::ANY,
    ) {
        let mut mapping = field(FieldKind::Text);
        mapping.direction = [Direction::Both, Direction::ToConnectwise, Direction::ToHubspot][direction];
        mapping.wins = [SystemOfRecord::HubSpot, SystemOfRecord::ConnectWise, SystemOfRecord::Latest, SystemOfRecord::Ask][wins];
        mapping.empty = if clears { ClearPolicy::Clear } else { ClearPolicy::Fill };
        let rule = FieldRule::new(&mapping, &schema());
        let mut values = BySystem::new(Value::text(&*h), Value::text(&*c));
        let before = values.clone();
        let mut agreed = known.then(|| Agreed { hubspot: Value::text(&*bh), connectwise: Value::text(&*bc), at: NOW, supposed: false, beside: BySystem::default() });
        for round in 0..3 {
            let (plan, _) = compare(&Comparison {
                partners: &Partners::default(),
                object: ObjectKind::Company,
                rule: &rule, raw: BySystem::new(&values.hubspot, &values.connectwise), agreed: agreed.as_ref(),
                records: BySystem::new(&record(&[]), &record(&[])),
                modified: BySystem::new(NOW, NOW), decision: None, recent: &[], object_direction: Direction::Both,
                tie: ConflictTie::HubSpot, in_scope: BySystem::new(Answer::Pass, Answer::Pass), push_to: None, now: NOW,
            });
            match plan.next {
                FieldNext::Write { to, value, .. } => {
                    proptest::prop_assert!(mapping.direction.writes(to));
                    proptest::prop_assert_eq!(&value, &before[to.other()]);
                    proptest::prop_assert!(round == 0, "one write settles a field");
                    values[to] = value;
                    agreed = Some(Agreed { hubspot: values.hubspot.clone(), connectwise: values.connectwise.clone(), at: NOW, supposed: false, beside: BySystem::default() });
                }
                FieldNext::Agree => {
                    proptest::prop_assert_eq!(&values.hubspot, &values.connectwise);
                    agreed = Some(Agreed { hubspot: values.hubspot.clone(), connectwise: values.connectwise.clone(), at: NOW, supposed: false, beside: BySystem::default() });
                }
                _ => {}
            }
        }
    }
}

#[test]
fn a_text_longer_than_hubspot_holds_rests_before_it_is_sent() {
    let long: &'static str = Box::leak("x".repeat(65_537).into_boxed_str());
    let just: &'static str = &long[..65_536];
    assert_eq!(Case::new("", None, just).next(), write(H, just, None));
    assert_eq!(Case::new("", None, long).run(), (FieldNext::Stuck, Some(IssueClass::UnfitValue)));
}

/// What a person is to do where several records are associated and the other system takes one.
#[test]
fn the_way_out_of_several_names_what_there_is_and_what_decides() {
    let hint = |object, to, name: &str| {
        let mapping = FieldMapping { hubspot: FieldName::new(name), ..field(FieldKind::Reference(to)) };
        super::several_hint(object, &FieldRule::new(&mapping, &schema()))
    };
    for (object, to, name, parts) in [
        (
            ObjectKind::Task,
            ObjectKind::Deal,
            "associations/deals",
            ["Of several deals", "company of the task", "a deal"],
        ),
        (
            ObjectKind::Call,
            ObjectKind::Ticket,
            "associations/tickets",
            ["Of several tickets", "company of the call", "a ticket"],
        ),
        (
            ObjectKind::Note,
            ObjectKind::Contact,
            "associations/contacts",
            ["Of several contacts", "company of the note", "a contact"],
        ),
        (
            ObjectKind::Deal,
            ObjectKind::Contact,
            "associations/contacts",
            ["Of several contacts", "company of the deal", "a contact"],
        ),
        (
            ObjectKind::Meeting,
            ObjectKind::Company,
            "associations/companies",
            ["Leave one company", "a contact, deal or ticket", "by itself"],
        ),
        (
            ObjectKind::Contact,
            ObjectKind::Company,
            "associatedcompanyid",
            ["Make one of them", "the primary one", "by itself"],
        ),
    ] {
        let told = hint(object, to, name);
        assert!(parts.iter().all(|part| told.contains(part)), "{object} {name}: {told}");
        assert!(told.ends_with("; it goes on by itself then."), "{told}");
    }
}
