//! `lockstep config test`: what the draft would do to every record that was read, against what the deployed version does.

use std::sync::Arc;
use std::time::Duration;

use super::newest;
use crate::cli::args::Limit;
use crate::cli::output::{paragraph, width};
use crate::cli::progress::Progress as Line;
use crate::cli::runtime;
use crate::cli::session::Session;
use crate::engine::core::trial::report::{Measure, TrialReport};
use crate::engine::driver::Clock;
use crate::engine::driver::trial::{self, Extent, Progress, Tested, TrialError};
use crate::error::{Exit, Kind, Outcome, Report};
use crate::mapping::toml;
use crate::model::ObjectKind;
use crate::store::{Settings, Workspace};
use crate::view::format;
use crate::view::plain_text;
use crate::view::trial::{TrialAnswer, Versions, lines, objects, unread, unread_records, word};

/// Between two looks at how far it is.
const APART: Duration = Duration::from_millis(200);

/// # Errors
/// When there is no draft, it does not fit the two systems, or the workspace cannot be read.
pub fn test(
    session: &Session,
    workspace: &Workspace,
    settings: &Settings,
    only: Option<ObjectKind>,
    limits: &[Limit],
) -> Outcome {
    if let Some(object) = only {
        is_mapped(settings, object)?;
    }
    let tested = attended(workspace, only, &session.author())?;
    if !limits.is_empty() {
        can_judge(&tested.report)?;
    }
    let exceeded: Vec<String> = limits.iter().filter_map(|limit| exceeded(limit, &tested)).collect();
    let refused = tested.report.guard.is_some() || !exceeded.is_empty();
    let report = &tested.report;
    let answer = TrialAnswer {
        version: tested.version,
        edit: tested.edit,
        deployed: tested.deployed,
        tested: tested.is_marked,
        looked_at: report.looked_at(),
        differs: report.differs(),
        guard: report.guard.clone(),
        exceeded,
        objects: objects(report),
        unread: unread(report),
        paused: report.paused,
    };
    session.output.result(&answer, |answer| text(&tested, only, &answer.exceeded))?;
    Ok(if refused { Exit::Failed(Kind::Refused) } else { Exit::Done })
}

/// Whether what was read says enough for a limit: of records that nobody read, none exceeds any.
fn can_judge(report: &TrialReport) -> Outcome<()> {
    let hint = "read them first, with `lockstep plan` or a sync; or leave out --fail-on";
    if report.looked_at() == 0 {
        return Err(Report::refused("no record was read yet, so no limit can be judged").hint(hint));
    }
    match unread_records(report) {
        records if records.is_empty() => Ok(()),
        records => Err(Report::refused(format!("{records} were not read yet, so no limit can be judged")).hint(hint)),
    }
}

fn is_mapped(settings: &Settings, object: ObjectKind) -> Outcome<()> {
    let draft = toml::read(&newest(settings)?.body).ok();
    if draft.is_some_and(|draft| draft.object(object).is_none()) {
        return Err(Report::usage(format!("the draft does not map the object {}", object.key()))
            .hint("`lockstep config show` lists what it maps"));
    }
    Ok(())
}

fn text(tested: &Tested, only: Option<ObjectKind>, exceeded: &[String]) -> String {
    let width = width();
    let versions = Versions { draft: tested.version, deployed: tested.deployed };
    let mut text = plain_text(&lines(versions, &tested.report, tested.took, width));
    let mut add = |line: &str| text.push_str(&format!("\n{}", paragraph(line, width)));
    add("");
    exceeded.iter().for_each(|line| add(&format!("limit exceeded: {line}")));
    add(&next(tested, only, exceeded));
    text
}

/// What comes next.
fn next(tested: &Tested, only: Option<ObjectKind>, exceeded: &[String]) -> String {
    if tested.report.looked_at() == 0 {
        return "No record was read yet, so there is nothing to test on. \
            Next: lockstep config deploy, then lockstep plan shows what would be written"
            .to_owned();
    }
    if let Some(object) = only {
        let records = object.plural().to_lowercase();
        return format!("Only {records} were looked at: the draft does not count as tested.");
    }
    if !tested.is_marked {
        return "The draft was changed meanwhile: it does not count as tested. Run it again.".to_owned();
    }
    if tested.report.guard.is_some() {
        return "The draft is tested. Next: lockstep config deploy, then lockstep plan names the \
            plan to approve."
            .to_owned();
    }
    if !exceeded.is_empty() {
        return "The draft is tested, and does more than the limits allow.".to_owned();
    }
    format!("Draft {} is tested. Next: lockstep config deploy", tested.version)
}

/// The test, with a moving line; the draft counts as tested by `author` then.
///
/// # Errors
/// As [`test`]; also where it was interrupted.
pub fn attended(workspace: &Workspace, only: Option<ObjectKind>, author: &str) -> Outcome<Tested> {
    let progress = Arc::new(Progress::default());
    let line = Line::start();
    let done = runtime::start()?.block_on(async {
        let (workspace, shared, by) = (workspace.clone(), Arc::clone(&progress), author.to_owned());
        let work = tokio::task::spawn_blocking(move || {
            trial::test(&workspace, Extent { only, marks: Some(&by) }, Clock::start(), &shared)
        });
        let (interrupted, mut ticks) = (runtime::interrupted(), tokio::time::interval(APART));
        tokio::pin!(work, interrupted);
        loop {
            tokio::select! {
                biased;
                done = &mut work => {
                    let ended = |error| Report::failed("the test came to no end").because(error);
                    return done.map_err(ended);
                }
                stopped = &mut interrupted, if !progress.is_cancelled() => {
                    stopped?;
                    progress.cancel();
                }
                _ = ticks.tick() => {
                    let (done, of) = progress.so_far();
                    line.show(&format!("{} of {} records looked at", format::grouped(done), format::grouped(of)));
                }
            }
        }
    });
    line.finish();
    let done: Outcome<Result<Option<Tested>, TrialError>> = done;
    done??.ok_or_else(|| Report::failed("interrupted").hint("nothing was changed; run it again"))
}

/// What the deploy of the draft would do more than the limit says, in words.
fn exceeded(limit: &Limit, tested: &Tested) -> Option<String> {
    let n = new(&tested.report, limit.what, tested.deployed.is_none());
    let fits = n <= limit.most;
    (!fits).then(|| format!("{limit}: it is {}", format::grouped(n)))
}

/// What is new with the draft: other records, or other values. Where nothing is deployed, all of it is.
fn new(report: &TrialReport, what: &str, is_first: bool) -> u64 {
    let numbers = report.objects.values().flat_map(|object| &object.numbers);
    let counted = numbers
        .filter(|(measure, _)| named(**measure) == what)
        .map(|(_, number)| if is_first { number.draft.total } else { number.more.total + number.otherwise.total });
    counted.sum()
}

/// The name of what is counted, as `--fail-on` takes it.
fn named(measure: Measure) -> String {
    format!("{}s", word(measure))
}

impl From<TrialError> for Report {
    fn from(error: TrialError) -> Self {
        match error {
            TrialError::NoDraft => Self::refused(error.to_string())
                .hint("change something first: in the console, or with `lockstep config export` and `config import`"),
            TrialError::Unfit(errors) => {
                let lines: Vec<_> = errors
                    .iter()
                    .map(|error| format!("{}. {}", error.to_string().trim_end_matches('.'), error.hint))
                    .collect();
                Self::refused("the draft does not fit the two systems; nothing was tested")
                    .because(lines.join("\n"))
                    .hint("put that right first: `lockstep config lint` names all of it")
            }
            TrialError::Broken => Self::failed(error.to_string()).hint("nothing was changed; run it again"),
            TrialError::Setup(error) => error.into(),
            TrialError::View(error) => error.into(),
        }
    }
}
