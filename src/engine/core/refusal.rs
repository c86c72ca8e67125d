//! Writes that a system refuses: what rests, for how long, and what a person does about it.

use std::time::Duration;

use super::command::Row;
use super::outcome::{anchor_of, finish};
use super::plan::field_fingerprint;
use super::plan::gather::MOST_IDENTIFIERS;
use super::pull::dirty;
use super::request::{Rejection, RejectionKind};
use super::state::{DirtyReason, FieldWrite, Intent, IntentKind, IntentState, Issue, IssueClass};
use super::step::{Engine, Step};
use super::view::ViewResult;
use crate::mapping::needs::{awaited, needs};
use crate::model::{IntentId, ObjectKind, RecordRef, System};

impl Engine {
    pub(super) fn rejected(&mut self, step: &mut Step<'_>, id: IntentId, rejection: Rejection) -> ViewResult<()> {
        let of_create = self.open.get(&id).map(|open| &open.intent).filter(|intent| intent.kind == IntentKind::Create);
        let is_duplicate = matches!(rejection.kind, RejectionKind::Duplicate { .. });
        if is_duplicate && of_create.is_some_and(|intent| !is_taken_identifier(intent, &rejection)) {
            // a copy that carries our key is there already: find it rather than believe it lost
            let why = format!("refused as a duplicate: {}", rejection.message);
            self.job_outcome(id, Err(why.clone()));
            self.leave_open(step, id, &why);
            if let Some(open) = self.open.get_mut(&id) {
                open.duplicate = Some(rejection);
            }
            return Ok(());
        }
        self.refuse(step, id, rejection)
    }

    /// The system's last word on a write: it waits for a change of the record or the mapping, or for the next free
    /// identifier.
    pub(super) fn refuse(&mut self, step: &mut Step<'_>, id: IntentId, rejection: Rejection) -> ViewResult<()> {
        let Some(intent) = self.close(id) else { return Ok(()) };
        self.progressed();
        match refused_alone(&intent, &rejection) {
            refused if refused.is_empty() => self.job_outcome(id, Err(in_words(&intent, &rejection))),
            refused => self.job_refused(id, &refused, &in_words(&intent, &rejection)),
        }
        let anchor = anchor_of(step, &intent)?;
        step.row(dirty(anchor, DirtyReason::Retry, step.now));
        if self.is_of_undo(step, intent.run)? {
            // whoever asked for it is told, and nobody tries it again
            if let (RejectionKind::NotFound, Some(target)) = (&rejection.kind, intent.target_record()) {
                self.expect_unread(step, target)?;
            }
            finish(step, intent, IntentState::Rejected, &rejection.message);
            return Ok(());
        }
        let refused = refused_alone(&intent, &rejection);
        if !refused.is_empty() {
            self.hold_fields(step, anchor, &intent, &refused, &rejection)?;
            finish(step, intent, IntentState::Rejected, &rejection.message);
            return Ok(());
        }
        let taken = if is_taken_identifier(&intent, &rejection) {
            let hint = "Nothing to do: the next free one is tried.";
            let message = format!("The company identifier is taken in {}.", intent.system);
            self.raise(step, anchor, IssueClass::IdentifierTaken, &intent, message, hint, step.now)?
        } else {
            0
        };
        if !(1..MOST_IDENTIFIERS).contains(&taken) {
            if let (RejectionKind::NotFound, Some(target)) = (&rejection.kind, intent.target_record()) {
                // it may be gone, or merged away: that is for a read to tell. Where the read shows it all the same, the
                // system contradicts itself, and the write rests like any other that was refused
                self.expect_unread(step, target)?;
            }
            let hint = way_out(&intent, &rejection);
            let said = in_words(&intent, &rejection);
            let message = format!("{} refused the write: {said}", intent.system);
            let next_try = step.now + self.slow_probe(step, anchor)?;
            self.raise(step, anchor, IssueClass::Rejected, &intent, message, &hint, next_try)?;
        }
        finish(step, intent, IntentState::Rejected, &rejection.message);
        Ok(())
    }

    /// The fields that the system named rest, and keep no other from crossing: the pair is looked at again at once, and
    /// what else there is to write is sent without them.
    fn hold_fields(
        &self,
        step: &mut Step<'_>,
        anchor: RecordRef,
        intent: &Intent,
        refused: &[&FieldWrite],
        rejection: &Rejection,
    ) -> ViewResult<()> {
        let mut issues = step.view.issues_of(intent.source_record())?;
        if let Some(target) = intent.target_record() {
            issues.extend(step.view.issues_of(target)?);
        }
        let said = in_words(intent, rejection);
        // its words are about all of them
        let named: Vec<&str> = refused.iter().map(|write| write.field.as_str()).collect();
        for write in refused {
            let of_field = |issue: &&Issue| issue.class == IssueClass::Rejected && issue.field == write.key;
            let known = issues.iter().find(of_field);
            let fingerprint = field_fingerprint(intent.system, &write.field, &write.after);
            let before = known.filter(|issue| issue.fingerprint == fingerprint).map_or(0, |issue| issue.attempts);
            step.row(Row::Issue(Issue {
                record: known.map_or(anchor, |issue| issue.record),
                class: IssueClass::Rejected,
                field: write.key.clone(),
                link: intent.link,
                message: format!("{} refused {}: {said}", intent.system, named.join(", ")),
                hint: match way_past(intent, rejection) {
                    Some(way) => format!("{way} The other fields go on crossing."),
                    None => format!(
                        "Correct the value, or the mapping of {}; it is tried again when either changes. The other \
                         fields go on crossing.",
                        write.field
                    ),
                },
                fingerprint,
                attempts: before + 1,
                next_try: step.now + rest_after(before),
                first: known.map_or(step.now, |issue| issue.first),
                last: step.now,
            }));
        }
        Ok(())
    }

    /// How long a refused write rests when nothing about it changes.
    fn slow_probe(&self, step: &Step<'_>, record: RecordRef) -> ViewResult<Duration> {
        let issues = step.view.issues_of(record)?;
        let of_record = |issue: &&Issue| issue.class == IssueClass::Rejected && issue.field.is_none();
        Ok(rest_after(issues.iter().find(of_record).map_or(0, |issue| issue.attempts)))
    }
}

/// How long a write rests that was refused so often before: an hour, six hours, a day.
const fn rest_after(attempts: u32) -> Duration {
    let hours = match attempts {
        0 => 1,
        1 => 6,
        _ => 24,
    };
    Duration::from_secs(hours * 3600)
}

/// The fields of a write that its refusal is about, where the rest can be written without them. Of a create that is so
/// unless the system takes none without them; nor is one made again, without the value, that is said to be there already.
fn refused_alone<'a>(intent: &'a Intent, rejection: &Rejection) -> Vec<&'a FieldWrite> {
    let may_go_on = match intent.kind {
        IntentKind::Update => rejection.kind != RejectionKind::NotFound,
        IntentKind::Create => rejection.kind == RejectionKind::Invalid,
    };
    let mut refused: Vec<&FieldWrite> = Vec::new();
    for write in rejection.fields.iter().flat_map(|named| sent_as(intent, named)) {
        if !refused.iter().any(|one| one.field == write.field) {
            refused.push(write);
        }
    }
    let is_mapped = refused.iter().all(|write| write.key.is_some());
    let is_insisted_on = || {
        let left = intent.writes.iter().filter(|write| !refused.iter().any(|one| one.field == write.field));
        insists(intent.object, intent.system, left, &refused)
    };
    let is_needed = intent.kind == IntentKind::Create && is_insisted_on();
    if may_go_on && is_mapped && !is_needed { refused } else { Vec::new() }
}

/// Whether a system takes no new record with just the fields that are left.
fn insists<'a>(
    object: ObjectKind,
    system: System,
    left: impl Iterator<Item = &'a FieldWrite> + Clone,
    dropped: &[&FieldWrite],
) -> bool {
    let has = |name: &&str| left.clone().any(|write| write.field.as_str() == *name && !write.after.is_empty());
    let lacks = needs(object, system).iter().any(|need| !need.any_of.iter().any(has));
    lacks || dropped.iter().any(|write| awaited(object, system).contains(&write.field.as_str()))
}

/// The writes of a field that a system names in its own spelling: the very one, else all that are part of it.
fn sent_as<'a>(intent: &'a Intent, named: &str) -> Vec<&'a FieldWrite> {
    let exact: Vec<_> = intent.writes.iter().filter(|write| write.field.as_str().eq_ignore_ascii_case(named)).collect();
    if !exact.is_empty() {
        return exact;
    }
    // ConnectWise names `company/id` where we say `company`, and one half of what is a status on a board
    let member = named.split('/').next().unwrap_or(named);
    let is_part = |write: &&FieldWrite| write.field.as_str().split('/').any(|part| part.eq_ignore_ascii_case(member));
    intent.writes.iter().filter(is_part).collect()
}

/// What a person does about a refused write.
fn way_out(intent: &Intent, rejection: &Rejection) -> String {
    if let Some(way) = way_past(intent, rejection) {
        return way;
    }
    let fields = rejection.fields.as_slice();
    if fields.is_empty() {
        return "Correct the record, or the mapping; it is tried again when either changes.".to_owned();
    }
    let unsent: Vec<&str> =
        fields.iter().filter(|field| sent_as(intent, field).is_empty()).map(String::as_str).collect();
    if intent.kind == IntentKind::Create && !unsent.is_empty() {
        // ConnectWise names the id of a reference; the configuration, the reference
        let named: Vec<&str> = unsent.iter().map(|field| field.strip_suffix("/id").unwrap_or(field)).collect();
        let (it, they) = if named.len() == 1 { ("it", "it") } else { ("them", "each") };
        return format!(
            "{} wants {} for a new {}, which the configuration does not fill: map {it}, or give {they} a default. It is \
             tried again then.",
            intent.system,
            named.join(" and "),
            intent.object
        );
    }
    let its = if fields.len() == 1 { "its" } else { "their" };
    format!("Correct {}, or {its} mapping; it is tried again when either changes.", fields.join(" and "))
}

/// Whether a create was refused because another company has its identifier.
fn is_taken_identifier(intent: &Intent, rejection: &Rejection) -> bool {
    intent.kind == IntentKind::Create
        && matches!(rejection.kind, RejectionKind::Duplicate { .. })
        && rejection.names("identifier")
}

/// Why a write was refused: in our words where another record is in the way, with those of the system as a detail.
fn in_words(intent: &Intent, rejection: &Rejection) -> String {
    let raw = rejection.message.trim();
    match holder(intent, rejection) {
        Some(holder) => format!("{holder} has {} already ({}: \"{raw}\")", taken(rejection), intent.system),
        None if raw.is_empty() => "it gave no reason".to_owned(),
        None => raw.to_owned(),
    }
}

/// The record that has a value which no two may have.
fn holder(intent: &Intent, rejection: &Rejection) -> Option<RecordRef> {
    match rejection.kind {
        RejectionKind::Duplicate { existing: Some(id) } => Some(RecordRef::new(intent.object, intent.system, id)),
        _ => None,
    }
}

/// `this email`.
fn taken(rejection: &Rejection) -> String {
    if rejection.fields.is_empty() {
        "this value".to_owned()
    } else {
        format!("this {}", rejection.fields.join(" and "))
    }
}

/// What a person does about a record that is in the way.
fn way_past(intent: &Intent, rejection: &Rejection) -> Option<String> {
    let holder = holder(intent, rejection)?;
    let (object, system, value) = (intent.object, intent.system, taken(rejection).replacen("this ", "the ", 1));
    Some(format!(
        "Look for {holder} in {system}, also among what is deleted. If it is the same {object}, restore it, or make that the \
         value it goes by, and the two are linked; if not, change {value} of one of the two. It is tried again then."
    ))
}
