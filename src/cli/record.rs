//! `lockstep explain` and `lockstep push`: one record, seen through and taken over.

use super::args::{Explain, Push, Which};
use super::engine::ready;
use super::output::width;
use super::session::Session;
use super::{desk, pair, runtime};
use crate::engine::core::Mode;
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::plan::{PairDecision, PairPlan, PushReport, plan_record};
use crate::engine::core::state::{Link, Observation};
use crate::engine::core::view::View;
use crate::engine::driver::{self, Clock, setup};
use crate::error::{Exit, Outcome, Report};
use crate::mapping::{Config, Rules};
use crate::model::{BySystem, ObjectKind, RecordRef, Schema, System};
use crate::store::{Reader, Workspace};
use crate::view::diff::RecordPanel;
use crate::view::relatives::Relatives;
use crate::view::{explain as explain_view, plain_text, push as push_view};

/// # Errors
/// When the record was never read, or the workspace is not ready.
pub fn explain(session: &Session, args: &Explain) -> Outcome {
    let record = named(&args.which)?;
    let workspace = session.workspace()?;
    let settings = workspace.settings()?;
    let (rules, schemas) = (setup::rules(&settings)?, setup::schemas(&settings)?);
    is_mapped(record, &rules.config)?;
    let reader = workspace.reader()?;
    let now = Clock::start().now();
    if reader.observation(record)?.is_none() && reader.status(record)?.is_none() {
        return Err(Report::failed(format!("{record} was never read"))
            .because("either it does not exist, or the workspace has not looked since it was made")
            .hint("read both systems with `lockstep plan`, then ask again"));
    }
    let plan = plan_record(&reader, &rules, record, now)?
        .ok_or_else(|| Report::failed(format!("{record} is of a kind that the configuration leaves out")))?;
    let facts = Facts::read(&reader, &rules, &plan)?;
    session.output.result(&pair::json(&plan), |_| {
        plain_text(&explain_view::lines(&facts.panel(&plan, &schemas, now), width()))
    })?;
    Ok(Exit::Done)
}

/// # Errors
/// When the engine refuses, or the system refuses the write.
pub fn push(session: &Session, args: &Push) -> Outcome {
    let record = named(&args.which)?;
    let ask = Ask::Push { record, to: args.to.into(), dry_run: args.dry_run };
    let workspace = session.workspace()?;
    is_mapped(record, &setup::rules(&workspace.settings()?)?.config)?;
    let reply = runtime::start()?.block_on(ask_once(&workspace, ask))?;
    match reply {
        Reply::Pushed(report) => tell_push(session, &workspace, record, &report),
        Reply::Accepted | Reply::Undone(_) => Ok(Exit::Done),
        Reply::Refused { reason, hint } => {
            Err(Report::refused(format!("{record} was not pushed")).because(reason).hint(hint))
        }
    }
}

/// Asks an engine that does nothing else.
///
/// # Errors
/// When it cannot start, or is interrupted.
pub async fn ask_once(workspace: &Workspace, ask: Ask) -> Outcome<Reply> {
    let parts = ready(workspace, Mode::Asks).await?;
    let handle = driver::start(workspace, parts)?;
    let reply = tokio::select! {
        reply = handle.ask(ask) => Ok(reply),
        stopped = runtime::interrupted() => {
            stopped?;
            Err(Report::failed("interrupted").hint("what was sent is in the journal, and is looked up at the next start"))
        }
    };
    handle.stop().await;
    reply
}

fn tell_push(session: &Session, workspace: &Workspace, record: RecordRef, report: &PushReport) -> Outcome {
    let settings = workspace.settings()?;
    let (schemas, now) = (setup::schemas(&settings)?, Clock::start().now());
    let reader = workspace.reader()?;
    if reader.observation(record)?.is_none() {
        return Err(Report::failed(format!("there is no {record}"))
            .because(format!("{} was asked and does not know it", record.system))
            .hint("check the id"));
    }
    let facts = Facts::read(&reader, &setup::rules(&settings)?, &report.plan)?;
    let connectors = setup::connectors(workspace, Clock::start())?;
    if !report.sent {
        super::pause::remind(session, &reader)?;
    }
    let exit = push_exit(report);
    if exit.is_err() && session.output.json {
        // One object on stdout: the refusal.
        return exit;
    }
    let calls: Vec<_> = report.plan.writes().iter().flat_map(|write| desk::describe(write, &connectors)).collect();
    session.output.result(&pair::push_json(report), |_| {
        let mut lines = push_view::preview(&facts.panel(&report.plan, &schemas, now), &calls, width());
        if report.sent {
            lines.extend(push_view::outcome(report));
        }
        plain_text(&lines)
    })?;
    exit
}

fn push_exit(report: &PushReport) -> Outcome {
    if let Some((system, Err(message))) = report.outcomes.iter().find(|(_, outcome)| outcome.is_err()) {
        return Err(Report::failed(format!("{system} refused the write"))
            .because(message)
            .hint("mend the value or the mapping, then push again"));
    }
    match report.plan.decision {
        PairDecision::Hold { .. } => Ok(Exit::NeedsPerson),
        _ => Ok(Exit::Done),
    }
}

/// The record named on the command line.
///
/// # Errors
/// None is.
pub fn named(which: &Which) -> Outcome<RecordRef> {
    which.record().ok_or_else(|| Report::usage("name the record with --hubspot ID or --connectwise ID"))
}

/// Refuses a record of an object that the configuration does not map: nothing was or will be read of it.
///
/// # Errors
/// Which objects are mapped.
pub fn is_mapped(record: RecordRef, config: &Config) -> Outcome<()> {
    if config.object(record.object).is_some() {
        return Ok(());
    }
    let plural = |object: ObjectKind| object.plural().to_lowercase();
    let mapped: Vec<String> = config.objects.iter().map(|mapping| plural(mapping.object)).collect();
    Err(Report::usage(format!("{} are not mapped", record.object.plural()))
        .because(format!("the deployed configuration maps {}", mapped.join(", ")))
        .hint("name a record of one of these, or map the object and deploy that"))
}

/// The rows behind a pair, for its panel.
struct Facts {
    link: Option<Link>,
    observations: BySystem<Option<Observation>>,
    relatives: Relatives,
}

impl Facts {
    fn read(reader: &Reader, rules: &Rules, plan: &PairPlan) -> Outcome<Self> {
        let observation = |system, id: Option<_>| match id {
            Some(id) => reader.observation(RecordRef::new(plan.object, system, id)),
            None => Ok(None),
        };
        let link = match plan.link {
            Some(id) => reader.link(id)?,
            None => None,
        };
        let hubspot = observation(System::HubSpot, plan.hubspot)?;
        let connectwise = observation(System::ConnectWise, plan.connectwise)?;
        let relatives = Relatives::of(reader, rules, plan)?;
        Ok(Self { link, observations: BySystem::new(hubspot, connectwise), relatives })
    }

    fn panel<'a>(
        &'a self,
        plan: &'a PairPlan,
        schemas: &'a [BySystem<Schema>],
        now: crate::model::Timestamp,
    ) -> RecordPanel<'a> {
        RecordPanel {
            plan,
            link: self.link.as_ref(),
            observations: BySystem::from_fn(|system| self.observations[system].as_ref()),
            schemas: schemas.iter().find(|pair| pair.hubspot.object == plan.object),
            relatives: Some(&self.relatives),
            now,
        }
    }
}
