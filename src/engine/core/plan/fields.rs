//! The three-way comparison of one field: what each side holds, what they last agreed on, and who may say what.

use std::borrow::Cow;
use std::time::Duration;

use super::{FieldNext, FieldPlan};
use crate::engine::core::state::{Agreed, Decision, IssueClass, RecentWrite};
use crate::filter::Answer;
use crate::mapping::convert::{Misfit, Said, arrives, convert, decided, holds, is_rewriting, same};
use crate::mapping::needs::given_once;
use crate::mapping::normalise::normalise;
use crate::mapping::references::{self, Partners};
use crate::mapping::{Absent, ClearPolicy, ConflictTie, Direction, FieldRule, SystemOfRecord};
use crate::model::{BySystem, FieldName, ObjectKind, Record, System, Timestamp, Value, no_such_field};

/// What the comparison of a field depends on.
pub struct Comparison<'a> {
    pub object: ObjectKind,
    pub rule: &'a FieldRule,
    /// Who stands for the records that a reference points to.
    pub partners: &'a Partners,
    /// As observed.
    pub raw: BySystem<&'a Value>,
    /// The records, for transforms that look at other fields of them.
    pub records: BySystem<&'a Record>,
    pub agreed: Option<&'a Agreed>,
    /// When somebody other than the engine last modified each record, by its system's clock.
    pub modified: BySystem<Timestamp>,
    pub decision: Option<&'a Decision>,
    pub recent: &'a [RecentWrite],
    pub object_direction: Direction,
    pub tie: ConflictTie,
    /// Whether filters let a side be written.
    pub in_scope: BySystem<Answer>,
    /// A person's push: that system takes the other's values.
    pub push_to: Option<System>,
    pub now: Timestamp,
}

/// A reason to tell somebody, beside the plan for the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub class: IssueClass,
    pub message: String,
    pub hint: String,
}

/// What a rule concluded, before values are converted and filters asked.
enum Verdict {
    Same(String),
    Agree(String),
    Write { to: System, loser: bool, why: String },
    Tolerate(String),
    Decide(String),
}

/// How far apart two modification times must be to tell which was later: ConnectWise knows whole seconds only.
const TELLABLE: Duration = Duration::from_secs(2);

/// How long the oscillation breaker looks back.
const OSCILLATION_WINDOW: Duration = Duration::from_secs(24 * 3600);

/// How often in a row one value is sent that nobody ever sees arrive.
const MOST_SENDS: usize = 3;

/// Compares and decides.
#[must_use]
pub fn compare(c: &Comparison<'_>) -> (FieldPlan, Option<Trouble>) {
    let values = BySystem::from_fn(|system| normalise(&c.rule.mapping, system, c.raw[system]));
    let changed = BySystem::from_fn(|system| {
        c.agreed.is_none_or(|agreed| {
            let was = agreed.of(system);
            (was != c.raw[system] && normalise(&c.rule.mapping, system, was) != values[system])
                || c.changed_beside(agreed, system).next().is_some()
        })
    });
    let verdict = if c.rule.absent.is_some() { Verdict::Same(String::new()) } else { c.verdict(&values, &changed) };
    let mut plan = FieldPlan {
        key: c.rule.key.clone(),
        names: BySystem::from_fn(|system| c.rule.name(system).clone()),
        values,
        agreed: c.agreed.cloned(),
        changed,
        next: FieldNext::Same,
        rule: String::new(),
    };
    let trouble = match &c.rule.absent {
        Some(absent) => {
            let trouble = absent_trouble(absent, c.object);
            set(&mut plan, FieldNext::Stuck, trouble.message.clone());
            Some(trouble)
        }
        None => c.conclude(verdict, &mut plan),
    };
    (plan, trouble)
}

impl Comparison<'_> {
    fn verdict(&self, values: &BySystem<Value>, changed: &BySystem<bool>) -> Verdict {
        for system in System::BOTH {
            let Some(why) = given_once(self.object, system, self.rule.name(system).as_str()) else { continue };
            let none = values[system.other()].is_empty();
            return if none { Verdict::Same(why.to_owned()) } else { Verdict::Tolerate(why.to_owned()) };
        }
        let Some(direction) = self.rule.mapping.direction.restricted_by(self.object_direction) else {
            return Verdict::Tolerate("the directions of field and object leave no way".to_owned());
        };
        if let Some(to) = self.push_to {
            return self.pushed(to, direction, values, changed);
        }
        match direction {
            Direction::Both => self.two_way(values, changed),
            Direction::ToConnectwise => self.one_way(System::HubSpot, values, changed),
            Direction::ToHubspot => self.one_way(System::ConnectWise, values, changed),
        }
    }

    fn same(&self) -> bool {
        same(self.rule, BySystem::from_fn(|system| self.said(system)), self.partners)
    }

    fn said(&self, system: System) -> Said<'_> {
        Said::of(self.raw[system], self.records[system])
    }

    /// The fields of a record that transforms look at beside the mapped one, and that hold something else than when both sides
    /// agreed. What was not noted then did not change.
    fn changed_beside<'s>(&'s self, agreed: &'s Agreed, system: System) -> impl Iterator<Item = &'s FieldName> {
        self.rule.transform(system.other()).reads().iter().filter(move |name| {
            agreed.beside[system].get(*name).is_some_and(|was| was != self.records[system].value(name.as_str()))
        })
    }

    /// Whether a side has something to say: a value, or what a transform makes of none.
    fn says(&self, from: System, values: &BySystem<Value>) -> bool {
        if self.rule.transform(from.other()).is_empty() {
            return !values[from].is_empty();
        }
        let made = convert(self.rule, from, self.said(from), self.raw[from.other()], self.partners);
        !matches!(made, Ok(Value::Empty))
    }

    /// Whether what `from` holds is there already. A stage that stays as it is because the other side says nothing of it
    /// still says something to the other side: whoever moved it is heard. And what a transform makes of a value is the value
    /// that is to be there.
    fn has_come_from(&self, from: System) -> bool {
        if self.rule.stages.is_some() || !self.rule.transform(from.other()).is_empty() {
            arrives(self.rule, from, self.said(from), self.raw[from.other()], self.partners)
        } else {
            self.same()
        }
    }

    fn fills(&self) -> bool {
        self.rule.mapping.empty == ClearPolicy::Fill
    }

    fn two_way(&self, values: &BySystem<Value>, changed: &BySystem<bool>) -> Verdict {
        let agreed_once = self.agreed.is_some();
        if agreed_once && !changed.hubspot && !changed.connectwise {
            return Verdict::Same("neither side changed it".to_owned());
        }
        let is_same = match (agreed_once, changed.hubspot, changed.connectwise) {
            (true, true, false) => self.has_come_from(System::HubSpot),
            (true, false, true) => self.has_come_from(System::ConnectWise),
            _ => self.same(),
        };
        if is_same {
            return Verdict::Agree("both sides hold the same".to_owned());
        }
        // one is empty and emptiness is no message: the full side fills it
        if self.fills() || !agreed_once {
            for empty in System::BOTH {
                if values[empty].is_empty() && self.says(empty.other(), values) {
                    let why = format!("empty in {empty}: filled from {}", empty.other());
                    return Verdict::Write { to: empty, loser: false, why };
                }
            }
        }
        match (agreed_once, changed.hubspot, changed.connectwise) {
            (true, true, false) => self.changed_only_in(System::HubSpot),
            (true, false, true) => self.changed_only_in(System::ConnectWise),
            _ => self.conflict(values, agreed_once),
        }
    }

    fn changed_only_in(&self, system: System) -> Verdict {
        let to = system.other();
        if self.agreed.is_some_and(|agreed| agreed.supposed) {
            let why =
                format!("changed in {system} when {to}'s value was sent there: {system}'s counts as the newer one");
            return Verdict::Write { to, loser: true, why };
        }
        Verdict::Write { to, loser: false, why: format!("{} in {system} only", self.what_changed(system)) }
    }

    /// `changed`, or which of the fields did that a transform looks at.
    fn what_changed(&self, system: System) -> String {
        let is_own = self.agreed.is_none_or(|agreed| {
            let is = |value: &Value| normalise(&self.rule.mapping, system, value);
            is(agreed.of(system)) != is(self.raw[system])
        });
        let beside = self.agreed.filter(|_| !is_own).and_then(|agreed| self.changed_beside(agreed, system).next());
        beside.map_or_else(|| "changed".to_owned(), |name| format!("{name}, which its transform looks at, changed"))
    }

    fn conflict(&self, values: &BySystem<Value>, agreed_once: bool) -> Verdict {
        let what = if agreed_once { "both sides changed it" } else { "both sides hold a value and they differ" };
        let wins = |winner: System, rule: &str| Verdict::Write {
            to: winner.other(),
            loser: true,
            why: format!("{what}: {winner} wins, {rule}"),
        };
        if let Some(decision) = self.decision
            && decision.hubspot == values.hubspot
            && decision.connectwise == values.connectwise
        {
            return wins(decision.winner, "as a person decided");
        }
        match self.rule.mapping.wins {
            SystemOfRecord::HubSpot => wins(System::HubSpot, "the system of record"),
            SystemOfRecord::ConnectWise => wins(System::ConnectWise, "the system of record"),
            SystemOfRecord::Latest => self.latest(&wins),
            SystemOfRecord::Ask => Verdict::Decide(format!("{what}: the rule is to ask")),
        }
    }

    fn latest(&self, wins: &dyn Fn(System, &str) -> Verdict) -> Verdict {
        let (h, c) = (self.modified.hubspot, self.modified.connectwise);
        let apart = h.since(c).max(c.since(h));
        if apart <= TELLABLE {
            return wins(self.tie.system(), "both changed within two seconds of each other");
        }
        let later = if h > c { System::HubSpot } else { System::ConnectWise };
        wins(later, "most recently modified")
    }

    fn one_way(&self, from: System, values: &BySystem<Value>, changed: &BySystem<bool>) -> Verdict {
        let to = from.other();
        let is_supposed = self.agreed.is_some_and(|agreed| agreed.supposed);
        if self.agreed.is_some() && !changed[from] {
            match (changed[to], is_supposed) {
                (false, false) => return Verdict::Same("neither side changed it".to_owned()),
                // now it was seen there: what comes after it stays
                (false, true) => return Verdict::Agree("both sides hold the same".to_owned()),
                (true, false) => {
                    let why = format!("one way from {from}: what {to} changed stays until {from} changes");
                    return Verdict::Tolerate(why);
                }
                (true, true) => {}
            }
        }
        if self.has_come_from(from) {
            return Verdict::Agree("both sides hold the same".to_owned());
        }
        if (self.fills() || self.agreed.is_none()) && !self.says(from, values) {
            return Verdict::Tolerate(format!("empty in {from}: an empty value does not erase"));
        }
        let why = match is_supposed && !changed[from] {
            true => format!("one way from {from}: whether its value got there before {to} changed it is not known"),
            false => format!("one way from {from}"),
        };
        Verdict::Write { to, loser: changed[to] && !values[to].is_empty(), why }
    }

    fn pushed(&self, to: System, direction: Direction, values: &BySystem<Value>, changed: &BySystem<bool>) -> Verdict {
        let from = to.other();
        let has_come = if changed[from] { self.has_come_from(from) } else { self.same() };
        if has_come {
            return Verdict::Agree("both sides hold the same".to_owned());
        }
        if !changed.hubspot && !changed.connectwise && self.is_kept_differently(to, values) {
            return Verdict::Same("as agreed: one side is how that system keeps the other's value".to_owned());
        }
        if !direction.writes(to) {
            return Verdict::Tolerate(format!("the mapping never writes it to {to}"));
        }
        if self.fills() && !self.says(from, values) {
            return Verdict::Tolerate(format!("empty in {from}: an empty value does not erase"));
        }
        Verdict::Write { to, loser: !values[to].is_empty(), why: format!("pushed from {from} by a person") }
    }

    /// Whether the two differ only by what one of the systems made of the other's value when it was written there.
    fn is_kept_differently(&self, to: System, values: &BySystem<Value>) -> bool {
        convert(self.rule, to.other(), self.said(to.other()), self.raw[to], self.partners).is_ok_and(|value| {
            let sent = normalise(&self.rule.mapping, to, &value);
            is_rewriting(&sent, &values[to]) || is_rewriting(&values[to], &sent)
        })
    }

    fn conclude(&self, verdict: Verdict, plan: &mut FieldPlan) -> Option<Trouble> {
        match verdict {
            Verdict::Same(why) => set(plan, FieldNext::Same, why),
            Verdict::Agree(why) => set(plan, FieldNext::Agree, why),
            Verdict::Tolerate(why) => set(plan, FieldNext::Tolerate, why),
            Verdict::Decide(why) => {
                let trouble = self.conflict_trouble(plan);
                set(plan, FieldNext::Decide, why);
                return Some(trouble);
            }
            Verdict::Write { to, loser, why } => return self.conclude_write(plan, to, loser, why),
        }
        None
    }

    fn conclude_write(&self, plan: &mut FieldPlan, to: System, loser: bool, why: String) -> Option<Trouble> {
        let from = to.other();
        let value = match convert(self.rule, from, self.said(from), self.raw[to], self.partners) {
            Ok(Value::Empty) if self.fills() => {
                set(plan, FieldNext::Tolerate, format!("nothing comes of it for {to}: an empty value does not erase"));
                return None;
            }
            Ok(value) => value,
            Err(Misfit::Skipped { value }) => {
                // Two values met that never agreed: from here on only a change of this very field is news. Without
                // that, any later edit of the other record would make its value "the newer one".
                let met = self.agreed.is_none() && self.push_to.is_none() && !plan.values[to].is_empty();
                let next = if met { FieldNext::Agree } else { FieldNext::Tolerate };
                set(plan, next, format!("\"{value}\" has no partner in the value map: left alone"));
                return None;
            }
            Err(Misfit::NoPartner { reason, awaited }) => {
                // What has no partner and gets none as things are is nothing to wait for.
                let next = if awaited { FieldNext::Wait } else { FieldNext::Tolerate };
                set(plan, next, reason);
                return None;
            }
            Err(misfit) => {
                let trouble = self.misfit_trouble(to, &misfit);
                set(plan, FieldNext::Stuck, trouble.message.clone());
                return Some(trouble);
            }
        };
        if holds(self.rule, to, &plan.values[to], &normalise(&self.rule.mapping, to, &value)) {
            set(plan, FieldNext::Agree, "both sides hold the same".to_owned());
            return None;
        }
        match self.in_scope[to] {
            Answer::Pass => {}
            Answer::Fail => {
                set(plan, FieldNext::Frozen, format!("a filter keeps it from {to}; {why}"));
                return None;
            }
            Answer::Undecided => {
                set(plan, FieldNext::Undecided { to }, format!("whether it may go to {to} cannot be decided; {why}"));
                return None;
            }
        }
        let is_undone = self.is_replaced_each_time(to, &value);
        if self.push_to.is_none() && self.decision.is_none() && (is_undone || self.oscillates(to, &value)) {
            let trouble =
                if is_undone { self.replaced_trouble(to, &value) } else { self.oscillation_trouble(to, &value) };
            set(plan, FieldNext::Stuck, trouble.message.clone());
            return Some(trouble);
        }
        let loser = (loser && !plan.values[to].is_empty()).then(|| self.raw[to].clone());
        let why = match decided(self.rule, from, self.said(from)) {
            Some(how) => format!("{why}; {how}"),
            None => why,
        };
        set(plan, FieldNext::Write { to, value, loser }, why);
        None
    }

    fn latest_writes(&self) -> Vec<&RecentWrite> {
        self.recent.iter().filter(|write| self.now.since(write.at) < OSCILLATION_WINDOW).collect()
    }

    /// It was sent three times in a row, and each time nobody knows whether it arrived: another value was there. That is no
    /// chance any more.
    fn is_replaced_each_time(&self, to: System, value: &Value) -> bool {
        let recent = self.latest_writes();
        let same = recent.iter().rev().take_while(|write| write.to == to && write.value == *value).count();
        same >= MOST_SENDS && self.agreed.is_some_and(|agreed| agreed.supposed)
    }

    /// The value returns to where it was before, and the last writes went to and fro.
    fn oscillates(&self, to: System, value: &Value) -> bool {
        let recent = self.latest_writes();
        let turns = recent.windows(2).filter(|pair| pair[0].to != pair[1].to).count()
            + usize::from(recent.last().is_some_and(|last| last.to != to));
        turns >= 3 && recent.iter().any(|write| write.to == to && write.value == *value)
    }

    fn conflict_trouble(&self, plan: &FieldPlan) -> Trouble {
        let held = BySystem::from_fn(|system| self.rule.called(system, &plan.values[system].to_plain()));
        Trouble {
            class: IssueClass::Conflict,
            message: format!(
                "{} differs: HubSpot has \"{}\", ConnectWise has \"{}\", and the rule is to ask.",
                self.rule.mapping.hubspot, held.hubspot, held.connectwise
            ),
            hint: "Open the record and take one side: h HubSpot, c ConnectWise.".to_owned(),
        }
    }

    fn misfit_trouble(&self, to: System, misfit: &Misfit) -> Trouble {
        let field = self.rule.name(to);
        let (class, message, hint): (_, _, Cow<'static, str>) = match misfit {
            Misfit::Unmapped { value } | Misfit::Skipped { value } => (
                IssueClass::UnmappedValue,
                format!("\"{value}\" has no partner in the value map of {field} in {to}."),
                "Map it in the Mappings tab, or choose to skip values without a partner.".into(),
            ),
            Misfit::Unordered { values } => (
                IssueClass::UnmappedValue,
                format!("{field} in {to} takes one option; of {values} none is in the order of the value map."),
                "Put them in order in the value map: v on the mapping, then [ and ].".into(),
            ),
            Misfit::TooLong { length, limit } => (
                IssueClass::UnfitValue,
                format!("{field} in {to} takes {limit} characters; this value has {length}."),
                "Shorten it, or let the mapping cut it.".into(),
            ),
            Misfit::NoPartner { reason, .. } => (
                IssueClass::MissingRequired,
                format!("{field} in {to} cannot be set: {reason}."),
                "Nothing to do: it crosses when that record has its partner.".into(),
            ),
            Misfit::Several { count } => (
                IssueClass::AmbiguousReference,
                format!("{field} in {to} takes one record; {} is associated with {count}.", self.rule.mapping.hubspot),
                several_hint(self.object, self.rule).into(),
            ),
            Misfit::Transform { step, name, why } => (
                IssueClass::Transform,
                format!("The transform of what goes to {field} in {to} stops at step {step}, \"{name}\": {why}."),
                format!("Correct the value in {}, or the transform in the mapping of the field.", to.other()).into(),
            ),
            Misfit::NotA { what, value } => (
                IssueClass::UnfitValue,
                format!("{field} in {to} takes a {what}; this is \"{value}\"."),
                "Correct the value, or map the field as text.".into(),
            ),
        };
        Trouble { class, message, hint: hint.into_owned() }
    }

    fn oscillation_trouble(&self, to: System, value: &Value) -> Trouble {
        Trouble {
            class: IssueClass::Oscillation,
            message: format!(
                "{} keeps changing back to \"{}\": something in one of the systems undoes what Lockstep writes.",
                self.rule.mapping.hubspot,
                self.rule.called(to, &value.to_plain())
            ),
            hint: "Find the workflow that rewrites it, or map the field one way; then push the record once.".to_owned(),
        }
    }

    fn replaced_trouble(&self, to: System, value: &Value) -> Trouble {
        let field = self.rule.name(to);
        Trouble {
            class: IssueClass::Oscillation,
            message: format!(
                "{field} of {to} was sent \"{}\" {MOST_SENDS} times without a clear answer, and held another value each time it \
                 was looked up.",
                self.rule.called(to, &value.to_plain())
            ),
            hint: format!("Find what sets {field} in {to}; then push the record once."),
        }
    }
}

/// What a person does about a reference to several records of which none is the one that counts.
pub(super) fn several_hint(object: ObjectKind, rule: &FieldRule) -> String {
    const THEN: &str = "it goes on by itself then.";
    let parent = references::refers_to(rule.mapping.kind);
    let name = rule.name(System::HubSpot);
    match parent.filter(|_| references::holds_all(name.as_str())) {
        Some(ObjectKind::Company) => {
            format!("Leave one company on it, or associate a contact, deal or ticket of the one that counts; {THEN}")
        }
        Some(parent) => format!(
            "Of several {} the one counts that belongs to the company of the {object}, the oldest where several do; here \
             none does, or only such as get no partner. Associate a {parent} of that company, set the company of the \
             {object} right, or leave one {parent} alone on it; {THEN}",
            parent.plural().to_lowercase()
        ),
        None => format!("Make one of them the primary one in its own system; {THEN}"),
    }
}

/// A mapped field that a system does not have (any more): what is not there is not empty.
fn absent_trouble(Absent { system, field }: &Absent, object: ObjectKind) -> Trouble {
    let absence = no_such_field(*system, object, field.as_str());
    Trouble {
        class: IssueClass::MissingField,
        message: format!("{absence} It is neither read nor written."),
        hint: format!("Make it again in {system}, or map another field and deploy; it goes on by itself then."),
    }
}

fn set(plan: &mut FieldPlan, next: FieldNext, rule: String) {
    plan.next = next;
    plan.rule = rule;
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "values_tests.rs"]
mod values_tests;
