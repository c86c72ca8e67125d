//! What a person asks of one record: read afresh, planned like everything else, sent ahead of all other work.

use std::collections::BTreeSet;

use super::command::{Reply, Row, Ticket};
use super::plan::{Facts, FieldNext, PairDecision, PairPlan, PushReport, explain_pair};
use super::pull::dirty;
use super::request::{Failure, Priority, RequestBody};
use super::state::{Decision, DirtyReason, FieldWrite, IssueClass, Run, RunKind, Verdict};
use super::step::{Engine, Pending, Stage, Step, rules_of};
use super::view::ViewResult;
use crate::mapping::FieldKey;
use crate::model::{FieldName, IntentId, LinkId, Pause, RecordRef, System, Timestamp};

/// A write may lead to another one, such as the key that follows a create; never to many.
const MOST_ROUNDS: u32 = 3;

/// One ask about one record.
#[derive(Debug)]
pub(super) struct Job {
    ticket: Ticket,
    record: RecordRef,
    push_to: Option<System>,
    dry_run: bool,
    state: JobState,
    rounds: u32,
    /// The first plan that had something to say: what the report shows.
    plan: Option<PairPlan>,
    outcomes: Vec<(System, Result<(), String>)>,
    /// Fields of its push that were refused: the others are pushed without them.
    refused: BTreeSet<FieldName>,
    run: Option<Run>,
}

#[derive(Debug)]
enum JobState {
    Begin,
    /// How many reads are still to be answered.
    Reading(usize),
    Plan,
    Writing(BTreeSet<IntentId>, System),
    Failed(String),
    /// Somebody paused it while it was read.
    Paused(Pause),
}

impl Job {
    pub fn push(ticket: Ticket, record: RecordRef, to: System, dry_run: bool) -> Self {
        Self { push_to: Some(to), dry_run, ..Self::look(ticket, record) }
    }

    const fn look(ticket: Ticket, record: RecordRef) -> Self {
        Self {
            ticket,
            record,
            push_to: None,
            dry_run: false,
            state: JobState::Begin,
            rounds: 0,
            plan: None,
            outcomes: Vec::new(),
            refused: BTreeSet::new(),
            run: None,
        }
    }
}

impl Engine {
    /// A push that is paused is refused before anything is read; its preview never is.
    pub(super) fn ask_push(
        &mut self,
        step: &mut Step<'_>,
        ticket: Ticket,
        record: RecordRef,
        to: System,
        dry_run: bool,
    ) {
        match self.paused(record.object, to).filter(|_| !dry_run) {
            Some(pause) => step.reply(ticket, refusal(pause)),
            None => self.jobs.push_back(Job::push(ticket, record, to, dry_run)),
        }
    }

    /// Back-off and refusals of this record are forgotten, and it is looked at.
    pub(super) fn ask_retry(&mut self, step: &mut Step<'_>, ticket: Ticket, record: RecordRef) -> ViewResult<()> {
        let link = step.view.link_of(record)?;
        let anchor = link.as_ref().map_or(record, |link| link.record(System::HubSpot));
        let partner = link.map(|link| link.record(System::ConnectWise));
        for record in std::iter::once(anchor).chain(partner) {
            for issue in step.view.issues_of(record)? {
                if matches!(issue.class, IssueClass::Transient | IssueClass::Rejected | IssueClass::FalseSuccess) {
                    step.row(Row::ClearIssue { record, class: issue.class, field: issue.field });
                }
            }
        }
        // should this try fail on the way, the next look makes up for it
        if step.view.observation(anchor)?.is_some() {
            step.row(dirty(anchor, DirtyReason::Person, step.now));
        }
        self.jobs.push_back(Job::look(ticket, record));
        Ok(())
    }

    /// A person's choice, valid for exactly the values in conflict now.
    pub(super) fn ask_decide(
        &mut self,
        step: &mut Step<'_>,
        ticket: Ticket,
        link: LinkId,
        field: Option<FieldKey>,
        winner: System,
    ) -> ViewResult<()> {
        let refuse = |step: &mut Step<'_>, reason: &str| {
            let hint = "Look at the record again: it may have changed.".to_owned();
            step.reply(ticket, Reply::Refused { reason: reason.to_owned(), hint });
        };
        let Some(known) = step.view.link(link)? else {
            refuse(step, "This pair is not linked any more.");
            return Ok(());
        };
        let anchor = known.record(System::HubSpot);
        let Some(handle) = self.object_rules(known.object) else { return Ok(()) };
        let Some(rules) = rules_of(&handle) else { return Ok(()) };
        let plan = explain_pair(&Facts::gather(step.view, rules, anchor, &[])?, rules, step.now, None);
        let mut any = false;
        for f in plan.fields.iter().filter(|f| f.next == FieldNext::Decide) {
            if field.as_ref().is_some_and(|wanted| *wanted != f.key) {
                continue;
            }
            any = true;
            step.row(Row::Decision(Decision {
                link,
                field: f.key.clone(),
                winner,
                hubspot: f.values.hubspot.clone(),
                connectwise: f.values.connectwise.clone(),
                at: step.now,
            }));
        }
        if !any {
            refuse(step, "Nothing of this pair waits for a decision.");
            return Ok(());
        }
        step.row(dirty(anchor, DirtyReason::Person, step.now));
        self.jobs.push_back(Job::look(ticket, anchor));
        Ok(())
    }

    /// Takes every job as far as it goes now.
    pub(super) fn advance_jobs(&mut self, step: &mut Step<'_>) -> ViewResult<()> {
        if !self.is_identified() || matches!(self.stage, Stage::Identify | Stage::Recover) {
            return Ok(());
        }
        let mut later = std::collections::VecDeque::new();
        while let Some(mut job) = self.jobs.pop_front() {
            if !step.rows.is_empty() {
                later.push_back(job);
                continue;
            }
            if self.advance_job(step, &mut job)? {
                self.end_job(step, job);
            } else {
                later.push_back(job);
            }
        }
        self.jobs.append(&mut later);
        Ok(())
    }

    /// One stretch of a job. True when it is done.
    fn advance_job(&mut self, step: &mut Step<'_>, job: &mut Job) -> ViewResult<bool> {
        match &job.state {
            JobState::Begin => {
                let reads = self.read_pair(step, job)?;
                job.state = JobState::Reading(reads);
                Ok(false)
            }
            JobState::Reading(0) => {
                job.state = JobState::Plan;
                self.plan_job(step, job)
            }
            JobState::Plan => self.plan_job(step, job),
            JobState::Writing(open, _) if open.is_empty() => {
                job.state = JobState::Plan;
                job.rounds += 1;
                self.plan_job(step, job)
            }
            JobState::Failed(_) | JobState::Paused(_) => Ok(true),
            JobState::Reading(_) | JobState::Writing(..) => Ok(false),
        }
    }

    fn read_pair(&mut self, step: &mut Step<'_>, job: &Job) -> ViewResult<usize> {
        let link = step.view.link_of(job.record)?;
        let mut sent = 0;
        for system in System::BOTH {
            let id = match &link {
                Some(link) => link.id_in(system),
                None if system == job.record.system => job.record.id,
                None => continue,
            };
            let object = job.record.object;
            let Some(rules) = self.rules.object(object) else { continue };
            let body = RequestBody::Read { fields: rules.watched[system].clone(), ids: vec![id] };
            let pending = Pending::Job { ticket: job.ticket, system, object };
            self.send(step, system, object, Priority::Interactive, body, pending);
            sent += 1;
        }
        Ok(sent)
    }

    fn plan_job(&mut self, step: &mut Step<'_>, job: &mut Job) -> ViewResult<bool> {
        let Some(handle) = self.object_rules(job.record.object) else { return Ok(true) };
        let Some(rules) = rules_of(&handle) else { return Ok(true) };
        let open: Vec<_> = self.open.values().map(|open| open.intent.clone()).collect();
        let facts = Facts::gather(step.view, rules, job.record, &open)?;
        // after the first write the rest, such as the key, follows the ordinary rules
        let push_to = if job.rounds == 0 { job.push_to } else { None };
        let mut plan = explain_pair(&facts, rules, step.now, push_to);
        // a right to write that was missing is tried for a person; without reading nothing can be decided
        let mut is_held = false;
        if self.unreadable(job.record.object).is_some() {
            (plan, is_held) = self.restrict(&facts, plan, step.now);
        } else if !job.dry_run {
            plan = self.without_paused(plan);
            is_held = matches!(plan.decision, PairDecision::Paused { .. });
        }
        if job.dry_run {
            plan = self.shown_linked(step, rules, &facts, plan)?;
        }
        job.plan.get_or_insert_with(|| plan.clone());
        if job.dry_run || job.rounds >= MOST_ROUNDS {
            return Ok(true);
        }
        let ids = facts.ids();
        let members: Vec<RecordRef> = [ids.hubspot, ids.connectwise].into_iter().flatten().collect();
        if facts.open.is_none() && members.iter().any(|record| self.busy.contains(record)) {
            // the regular run is reading or writing it this moment
            step.wake_at(step.now + std::time::Duration::from_millis(50));
            return Ok(false);
        }
        match &plan.decision {
            PairDecision::Link { hubspot, connectwise, origin } => {
                self.make_link(step, &facts, *hubspot, *connectwise, origin.clone())?;
                job.plan = None;
                job.state = JobState::Begin;
                job.rounds += 1;
                Ok(false)
            }
            PairDecision::Write(writes) => {
                let Some(write) = writes
                    .iter()
                    .find(|write| job.push_to.is_none_or(|to| write.system == to) || write.fields.is_empty())
                else {
                    return Ok(true);
                };
                let mut write = write.clone();
                write.fields.retain(|field| !job.refused.contains(&field.field));
                if write.fields.is_empty() && write.stamp.is_none() {
                    return Ok(true);
                }
                self.write_job(step, job, write);
                Ok(false)
            }
            _ if let Some(to) = push_to
                && let Some(pause) = self.paused(job.record.object, to) =>
            {
                job.state = JobState::Paused(pause.clone());
                Ok(true)
            }
            // nothing to take over is not nothing to do: what the ordinary rules make of the pair is for the next look
            _ if push_to.is_some() => Ok(true),
            _ if is_held => {
                self.settle_held(step, &facts, &plan)?;
                Ok(true)
            }
            _ => {
                self.settle(step, rules, &facts, &plan)?;
                Ok(true)
            }
        }
    }

    fn write_job(&mut self, step: &mut Step<'_>, job: &mut Job, write: super::plan::PlannedWrite) {
        let system = write.system;
        if !self.sides[system].takes_writes(step.now) {
            job.state = JobState::Failed(format!("Writes to {system} are not possible now."));
            step.wake_at(step.now);
            return;
        }
        if job.run.is_none() {
            let run = self.new_run(step.now, RunKind::Push);
            step.row(Row::Run(run.clone()));
            job.run = Some(run);
        }
        let run = job.run.as_mut();
        if let Some(run) = run {
            run.counts.of(write.object).sides[system].add(write.kind, &write.fields);
            let id = run.id;
            let intents = self.commit_and_send(step, system, id, Priority::Interactive, vec![write]);
            job.state = JobState::Writing(intents.into_iter().collect(), system);
        }
    }

    fn end_job(&mut self, step: &mut Step<'_>, job: Job) {
        if let Some(mut run) = job.run {
            run.ended = Some(step.now);
            run.verdict = Verdict::Done;
            step.row(Row::Run(run));
        }
        if let JobState::Failed(reason) = job.state {
            let hint = "Nothing was written. Try again later; `lockstep doctor` tells what is wrong with a connection."
                .to_owned();
            step.reply(job.ticket, Reply::Refused { reason, hint });
            return;
        }
        if let JobState::Paused(pause) = job.state {
            step.reply(job.ticket, refusal(&pause));
            return;
        }
        let Some(plan) = job.plan else {
            let reason = format!("{} is not part of what Lockstep syncs.", job.record);
            step.reply(job.ticket, Reply::Refused { reason, hint: "Check the id.".to_owned() });
            return;
        };
        let report = PushReport { record: job.record, plan, sent: !job.outcomes.is_empty(), outcomes: job.outcomes };
        step.reply(job.ticket, Reply::Pushed(Box::new(report)));
    }

    pub(super) fn job_read_done(&mut self, ticket: Ticket) {
        for job in self.jobs.iter_mut().filter(|job| job.ticket == ticket) {
            if let JobState::Reading(left) = &mut job.state {
                *left = left.saturating_sub(1);
            }
        }
    }

    pub(super) fn job_read_failed(&mut self, ticket: Ticket, failure: &Failure) {
        for job in self.jobs.iter_mut().filter(|job| job.ticket == ticket) {
            job.state = JobState::Failed(format!("The record could not be read: {}", in_words(failure)));
        }
    }

    /// A write of a job was answered.
    pub(super) fn job_outcome(&mut self, id: IntentId, outcome: Result<(), String>) {
        for job in &mut self.jobs {
            if let JobState::Writing(open, system) = &mut job.state
                && open.remove(&id)
            {
                job.outcomes.push((*system, outcome.clone()));
                if outcome.is_err() {
                    job.rounds = MOST_ROUNDS;
                }
            }
        }
    }

    /// Some fields of a job's write were refused: what is left of it is sent without them.
    pub(super) fn job_refused(&mut self, id: IntentId, fields: &[&FieldWrite], message: &str) {
        for job in &mut self.jobs {
            if let JobState::Writing(open, system) = &mut job.state
                && open.remove(&id)
            {
                let names: Vec<&str> = fields.iter().map(|write| write.field.as_str()).collect();
                job.outcomes.push((*system, Err(format!("{} was refused: {message}", names.join(", ")))));
                job.refused.extend(fields.iter().map(|write| write.field.clone()));
                job.state = JobState::Plan;
            }
        }
    }

    /// A connection failed for good: nobody waits for what cannot come.
    pub(super) fn refuse_jobs(&mut self, step: &mut Step<'_>, message: &str) {
        for job in &mut self.jobs {
            if !matches!(job.state, JobState::Writing(..)) {
                job.state = JobState::Failed(message.to_owned());
            }
        }
        let jobs = std::mem::take(&mut self.jobs);
        for job in jobs {
            if matches!(job.state, JobState::Failed(_)) {
                self.end_job(step, job);
            } else {
                self.jobs.push_back(job);
            }
        }
        step.wake_at(Timestamp::EPOCH);
    }
}

/// Why nothing is written for a person, and how it goes on.
pub(super) fn refusal(pause: &Pause) -> Reply {
    let hint = format!("Nothing was written. `{}` lets writes go on; then ask once more.", pause.way_out());
    Reply::Refused { reason: format!("{}.", pause.sentence()), hint }
}

fn in_words(failure: &Failure) -> String {
    match failure {
        Failure::NotSent(message) | Failure::Unknown(message) => message.clone(),
        Failure::Throttled { message, .. } | Failure::Denied { message, .. } | Failure::Forbidden { message, .. } => {
            message.clone()
        }
        Failure::Rejected(rejection) => rejection.message.clone(),
    }
}
