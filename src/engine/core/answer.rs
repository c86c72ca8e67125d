//! Where every answer arrives and is sent on to the part that asked.

use std::collections::BTreeSet;
use std::time::Duration;

use super::command::Row;
use super::recover::{SOON, UNTELLABLE};
use super::request::{Answer, AnswerBody, Failure};
use super::state::{Counts, Verdict};
use super::step::{Engine, Mode, Pending, Step};
use super::untold::makes_no_sense;
use super::view::ViewResult;
use crate::model::{ObjectKind, System, Timestamp};

impl Engine {
    pub(super) fn take_answer(&mut self, step: &mut Step<'_>, pending: Pending, answer: Answer) -> ViewResult<()> {
        let system = pending.system();
        if let Some(server_time) = answer.server_time {
            self.sides[system].heard(step.now, server_time);
        }
        self.sides[system].calls += u64::from(answer.calls);
        if let Some(run) = &mut self.run {
            run.row.counts.rest.sides[system].calls += u64::from(answer.calls);
        }
        let server_now = answer.server_time.unwrap_or_else(|| self.sides[system].server_now(step.now));
        match pending {
            Pending::Write { system, intents, records } => {
                self.sides[system].writes = self.sides[system].writes.saturating_sub(1);
                self.take_written(step, system, &intents, &records, answer.body)
            }
            _ if matches!(answer.body, AnswerBody::Failed(_)) => {
                let AnswerBody::Failed(failure) = answer.body else { return Ok(()) };
                self.take_read_failure(step, pending, failure)
            }
            Pending::Identify(system) => self.take_identity(step, system, answer.body),
            Pending::Page { key, pass } => {
                self.sides[system].succeeded();
                self.take_page(step, key, pass, answer.request, answer.body, answer.server_time)
            }
            Pending::Count(key) => {
                self.sides[system].succeeded();
                let AnswerBody::Counted { records } = answer.body else {
                    return self.stop(step, format!("{system} answered a count with something else"));
                };
                self.take_count(step, key, records)
            }
            Pending::Fresh { queue, object, pairs, .. } => {
                self.sides[system].succeeded();
                self.take_fresh(step, system, queue, pairs, &answer.body)?;
                self.absorb_read(step, system, object, answer.request, answer.body)
            }
            Pending::LookUp { system, intents } => {
                self.sides[system].succeeded();
                self.take_look_up(step, system, &intents, answer.request, answer.body, server_now)
            }
            Pending::Undo { ticket, system, object, units } => {
                self.sides[system].succeeded();
                self.undo_read(step, ticket, &units, &answer.body)?;
                self.absorb_read(step, system, object, answer.request, answer.body)
            }
            Pending::Hints { system, object, records } => {
                self.sides[system].succeeded();
                self.take_hinted(step, (system, object), records, answer.request, answer.body)
            }
            Pending::Job { ticket, system, object } => {
                self.sides[system].succeeded();
                if matches!(&answer.body, AnswerBody::Records { found } if found.is_empty()) {
                    self.job_read_failed(ticket, &Failure::Unknown(makes_no_sense(system)));
                    return Ok(());
                }
                self.absorb_read(step, system, object, answer.request, answer.body)?;
                self.job_read_done(ticket);
                Ok(())
            }
        }
    }

    /// Counts something of one object in the run under way.
    pub(super) fn count(&mut self, object: ObjectKind, change: impl FnOnce(&mut Counts)) {
        if let Some(run) = &mut self.run {
            change(run.row.counts.of(object));
        }
    }

    fn take_identity(&mut self, step: &mut Step<'_>, system: System, body: AnswerBody) -> ViewResult<()> {
        let AnswerBody::Identity { tenant, .. } = body else {
            let hint = "Check the address of the connection, and any proxy before it.";
            return self.give_up(step, system, format!("{system} answered something else than who it is"), hint);
        };
        match step.view.tenant(system)? {
            Some(known) if !is_same_tenant(&known, &tenant) => {
                let message = format!(
                    "{system} answers as tenant {tenant}, but this workspace belongs to {known}. Nothing was written."
                );
                let hint = "Check the address and credentials of the connection, or make a workspace for this tenant.";
                self.sides[system].denied(step.now, message.clone(), hint.to_owned());
                self.stop(step, message)
            }
            known => {
                if known.as_ref() != Some(&tenant) {
                    step.row(Row::Tenant { system, tenant: tenant.clone() });
                }
                let side = &mut self.sides[system];
                side.succeeded();
                side.broken = None;
                side.identified = Some(step.now);
                side.tenant = Some(tenant);
                Ok(())
            }
        }
    }

    /// A read that failed is asked again later by whoever still needs it; what it held is let go.
    fn take_read_failure(&mut self, step: &mut Step<'_>, pending: Pending, failure: Failure) -> ViewResult<()> {
        let system = pending.system();
        let is_spare = matches!(pending, Pending::Count(_) | Pending::Hints { .. });
        let object = self.object_of(&pending);
        self.let_go(step.now, pending, &failure);
        match failure {
            // the list may be read all the same, and finds what a hint was about
            Failure::Denied { .. } | Failure::Forbidden { .. } | Failure::Rejected(_) if is_spare => Ok(()),
            Failure::Throttled { retry_after, message } => self.put_off(step, system, retry_after, &message),
            Failure::Forbidden { message, hint } if let Some(object) = object => {
                self.forbid_reading(step, system, object, (&message, &hint));
                Ok(())
            }
            // who may not even ask who it is may do nothing
            Failure::Denied { message, hint } | Failure::Forbidden { message, hint } => {
                self.sides[system].denied(step.now, message.clone(), hint);
                self.refuse_jobs(step, &message);
                self.refuse_undos(step, &message);
                self.stop(step, message)
            }
            Failure::Rejected(rejection) => {
                let hint = format!(
                    "Run `lockstep doctor`: it tries every endpoint of {system} and names what is missing or closed. What \
                     was done stays done; it is read again with the next run."
                );
                self.give_up(step, system, format!("{system} refused a read: {}", rejection.message), &hint)
            }
            Failure::NotSent(message) | Failure::Unknown(message) => {
                let patience_ends = self.sides[system].failed(step.now, &message);
                step.wake_at(self.sides[system].not_before);
                if patience_ends {
                    let hint = if self.mode == Mode::Watch {
                        "Check the network and the system's status; Lockstep tries again by itself."
                    } else {
                        "Check the network and the system's status, then run it again; what was done stays done."
                    };
                    return self.give_up(step, system, format!("{system} cannot be read: {message}"), hint);
                }
                Ok(())
            }
        }
    }

    /// The system asks for a pause. Whoever looks again and again waits it out; a single run ends when it gets too long.
    pub(super) fn put_off(
        &mut self,
        step: &mut Step<'_>,
        system: System,
        retry_after: Duration,
        message: &str,
    ) -> ViewResult<()> {
        let too_long = self.sides[system].throttled(step.now, retry_after, message);
        let until = self.sides[system].not_before;
        step.wake_at(until);
        if too_long && self.mode != Mode::Watch {
            let hint = format!("Try again after {until}; what was done stays done.");
            // most say who it is already
            let who =
                if message.starts_with(system.name()) { String::new() } else { format!("{system} asks for a pause: ") };
            return self.give_up(step, system, format!("{who}{message}"), &hint);
        }
        Ok(())
    }

    /// Whose records are read; none where it is about no object.
    fn object_of(&self, pending: &Pending) -> Option<ObjectKind> {
        match pending {
            Pending::Page { key, .. } | Pending::Count(key) => Some(key.object),
            Pending::Fresh { object, .. }
            | Pending::Job { object, .. }
            | Pending::Hints { object, .. }
            | Pending::Undo { object, .. } => Some(*object),
            Pending::LookUp { intents, .. } | Pending::Write { intents, .. } => {
                intents.iter().find_map(|id| self.open.get(id)).map(|open| open.intent.object)
            }
            Pending::Identify(_) => None,
        }
    }

    fn let_go(&mut self, now: Timestamp, pending: Pending, failure: &Failure) {
        match pending {
            Pending::Page { key, .. } | Pending::Count(key) => self.page_failed(key),
            Pending::Fresh { pairs, .. } => {
                for pair in pairs {
                    self.release(&pair.members);
                }
                // the marks stay: the pairs come back with the next evaluation
                self.progressed();
            }
            Pending::LookUp { intents, .. } => {
                let forbidden = matches!(failure, Failure::Forbidden { .. });
                self.look_up_failed(now, &intents, if forbidden { UNTELLABLE } else { SOON });
            }
            Pending::Job { ticket, .. } => self.job_read_failed(ticket, failure),
            Pending::Undo { ticket, units, .. } => self.undo_read_ended(ticket, &units, &BTreeSet::new()),
            Pending::Hints { records, .. } => self.hints_unread(records, failure),
            Pending::Identify(_) | Pending::Write { .. } => {}
        }
    }

    /// The connection is of no use for now: the run ends, the next one tries again.
    fn give_up(&mut self, step: &mut Step<'_>, system: System, message: String, hint: &str) -> ViewResult<()> {
        let side = &mut self.sides[system];
        side.last_error = Some((step.now, message.clone()));
        side.broken = Some((message.clone(), hint.to_owned()));
        side.identified = None;
        side.failures = 0;
        self.refuse_jobs(step, &message);
        self.refuse_undos(step, &message);
        self.stop(step, message)
    }

    /// Ends the run early. Writes on their way are still taken in when they are answered.
    pub(super) fn stop(&mut self, step: &mut Step<'_>, reason: String) -> ViewResult<()> {
        self.stage = super::step::Stage::Idle;
        self.end_run(step, Verdict::Stopped(reason))
    }
}

impl Pending {
    pub(super) const fn system(&self) -> System {
        match self {
            Self::Identify(system)
            | Self::Fresh { system, .. }
            | Self::Write { system, .. }
            | Self::LookUp { system, .. }
            | Self::Job { system, .. }
            | Self::Hints { system, .. }
            | Self::Undo { system, .. } => *system,
            Self::Page { key, .. } | Self::Count(key) => key.system,
        }
    }
}

/// Whether a system that answers as `tenant` is the one that the workspace belongs to. Workspaces from before the host
/// was part of the name know the part before the `@` alone.
#[must_use]
pub fn is_same_tenant(known: &str, tenant: &str) -> bool {
    let bare = tenant.split_once('@').map_or(tenant, |(company, _)| company);
    known == tenant || known.eq_ignore_ascii_case(bare)
}
