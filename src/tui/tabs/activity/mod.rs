//! Activity: lag, what is wrong and what to do about it, runs, and the writes they made.

mod lines;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::{Reading, steady};
use crate::engine::core::command::Ask;
use crate::engine::core::state::{Intent, IssueClass, Run};
use crate::engine::driver::snapshot::HeldPlan;
use crate::model::{Hearing, IntentId, ObjectKind, RunId};
use crate::tui::action::{Action, Actor, Enabled, Info, Key, Reason, always};
use crate::tui::ctx::Ctx;
use crate::tui::overlay::Confirm;
use crate::tui::report::Report;
use crate::tui::shell::engine_listens;
use crate::tui::tab::{Handled, Nav, Page, TabId, Target};
use crate::tui::widgets::paint::split_top;
use crate::tui::widgets::{Keyed, List, Paint, Want};
use crate::tui::world::{SourceError, World};
use crate::view::activity::{self, IssueGroup};
use crate::view::cell::wrapped;
use crate::view::{Cell, Line, Role, run};

/// Which list is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Pane {
    #[default]
    Issues,
    Runs,
    Writes,
}

impl Pane {
    const ALL: [Self; 3] = [Self::Issues, Self::Runs, Self::Writes];

    const fn title(self) -> &'static str {
        match self {
            Self::Issues => "Issues",
            Self::Runs => "Runs",
            Self::Writes => "Writes",
        }
    }

    /// What most of its rows need to say what they are about.
    const fn lines(self) -> usize {
        match self {
            Self::Issues => 5,
            Self::Runs => 4,
            Self::Writes => 3,
        }
    }
}

/// The tab.
#[derive(Debug, Default)]
pub struct Activity {
    pane: Pane,
    issues: List<IssueGroup>,
    runs: List<Run>,
    writes: List<Intent>,
    /// Only the writes of this run.
    of_run: Option<RunId>,
    /// The revision that the lists were fetched for.
    revision: u64,
    reading_issues: Reading,
    /// How Lockstep is told of changes.
    hearing: Hearing,
    reading_hearing: Reading,
}

/// What comes back.
#[derive(Debug)]
pub enum Message {
    Issues(Result<Vec<IssueGroup>, SourceError>),
    Hearing(Result<Hearing, SourceError>),
    Runs(u64, Result<Vec<Run>, SourceError>),
    Writes(u64, Result<Vec<Intent>, SourceError>),
    Approve(String),
}

impl Keyed for IssueGroup {
    type Key = (IssueClass, ObjectKind);
    fn key(&self) -> Self::Key {
        (self.class, self.object)
    }
}

impl Keyed for Run {
    type Key = RunId;
    fn key(&self) -> RunId {
        self.id
    }
}

impl Keyed for Intent {
    type Key = IntentId;
    fn key(&self) -> IntentId {
        self.id
    }
}

impl Actor for Activity {
    type Message = Message;
}

type Context<'a> = Ctx<'a, Message>;

impl Activity {
    fn fetch_issues(&mut self, ctx: &mut Context<'_>) {
        if !self.reading_issues.begins() {
            return;
        }
        let source = Arc::clone(&ctx.world.source);
        ctx.fetch(move || Message::Issues(source.issues()), |why| Message::Issues(Err(SourceError(why))));
    }

    fn fetch_hearing(&mut self, ctx: &mut Context<'_>) {
        if !self.reading_hearing.begins() {
            return;
        }
        let source = Arc::clone(&ctx.world.source);
        ctx.fetch(move || Message::Hearing(source.hearing()), |why| Message::Hearing(Err(SourceError(why))));
    }

    fn fetch_runs(want: Option<Want<RunId>>, ctx: &mut Context<'_>) {
        let Some(want) = want else { return };
        let source = Arc::clone(&ctx.world.source);
        let ticket = want.ticket;
        ctx.fetch(
            move || Message::Runs(ticket, source.runs(&want.edge, want.limit)),
            move |why| Message::Runs(ticket, Err(SourceError(why))),
        );
    }

    fn fetch_writes(&self, want: Option<Want<IntentId>>, ctx: &mut Context<'_>) {
        let Some(want) = want else { return };
        let source = Arc::clone(&ctx.world.source);
        let (of_run, ticket) = (self.of_run, want.ticket);
        ctx.fetch(
            move || Message::Writes(ticket, source.writes(of_run, &want.edge, want.limit)),
            move |why| Message::Writes(ticket, Err(SourceError(why))),
        );
    }

    /// Fetches again what is on the screen.
    fn refresh(&mut self, ctx: &mut Context<'_>) {
        self.revision = ctx.world.snapshot.revision;
        self.fetch_hearing(ctx);
        match self.pane {
            Pane::Issues => self.fetch_issues(ctx),
            Pane::Runs => {
                let want = self.runs.reload();
                Self::fetch_runs(want, ctx);
            }
            Pane::Writes => {
                let want = self.writes.reload();
                self.fetch_writes(want, ctx);
            }
        }
    }

    fn go(&mut self, pane: Pane, ctx: &mut Context<'_>) {
        self.pane = pane;
        self.refresh(ctx);
    }

    fn show_writes(&mut self, of_run: Option<RunId>, ctx: &mut Context<'_>) {
        self.pane = Pane::Writes;
        if self.of_run != of_run || !self.writes.is_loaded() {
            self.of_run = of_run;
            let want = self.writes.restart();
            self.fetch_writes(Some(want), ctx);
        }
    }

    fn failed(error: SourceError, ctx: &mut Context<'_>) {
        let report = Report::new("The activity could not be read.", "It is read again with the next change.");
        ctx.report(report.because(error.0));
    }
}

fn can_open(tab: &Activity, _: &World) -> Enabled {
    let nothing = |what| Err(Reason::new(what));
    match tab.pane {
        Pane::Issues if tab.issues.selected().is_none() => nothing("There is no issue to open."),
        Pane::Runs if tab.runs.selected().is_none() => nothing("There was no run yet."),
        Pane::Writes if tab.writes.selected().is_none() => nothing("There is no write to open."),
        _ => Ok(()),
    }
}

fn open(tab: &mut Activity, ctx: &mut Context<'_>) {
    match tab.pane {
        Pane::Issues => {
            if let Some(group) = tab.issues.selected() {
                ctx.goto(TabId::Records, Some(Target::Issue(group.class, group.object)));
            }
        }
        Pane::Runs => {
            if let Some(run) = tab.runs.selected().map(|run| run.id) {
                tab.show_writes(Some(run), ctx);
            }
        }
        Pane::Writes => {
            if let Some(write) = tab.writes.selected() {
                let record = write.target_record().unwrap_or_else(|| write.source_record());
                ctx.goto(TabId::Records, Some(Target::Record(record)));
            }
        }
    }
}

fn can_approve(_: &Activity, world: &World) -> Enabled {
    engine_listens(&(), world)?;
    match world.snapshot.held {
        Some(_) => Ok(()),
        None => Err(Reason::new("No plan is held back.")),
    }
}

fn approve(_: &mut Activity, ctx: &mut Context<'_>) {
    let Some(HeldPlan { reason, hash }) = ctx.world.snapshot.held.clone() else { return };
    let lines = [
        reason.as_str(),
        "Approving lets exactly this plan through, once.",
        "A plan that changed meanwhile is held again.",
        "Each write is in the journal with the value it replaced.",
    ];
    let lines = lines.iter().flat_map(|text| wrapped(text, 64)).map(|line| vec![Cell::plain(" "), Cell::plain(line)]);
    ctx.confirm(Confirm::new("Approve the held plan", lines.collect(), "approve"), Message::Approve(hash));
}

impl Page for Activity {
    const ID: TabId = TabId::Activity;
    const ACTIONS: &'static [Action<Self>] = &[
        Action {
            info: Info::new(
                "activity.open",
                "open",
                &[Key::ENTER],
                "Open what is selected: records, or a run's writes",
            ),
            enabled: can_open,
            run: open,
        },
        Action {
            info: Info::new("activity.approve", "approve plan", &[Key::char('a')], "Let the held plan through, once")
                .changes(),
            enabled: can_approve,
            run: approve,
        },
        Action {
            info: Info::new("activity.issues", "issues", &[Key::char('i')], "Show what is wrong, by cause"),
            enabled: always,
            run: |tab, ctx| tab.go(Pane::Issues, ctx),
        },
        Action {
            info: Info::new("activity.runs", "runs", &[Key::char('r')], "Show the runs, newest first"),
            enabled: always,
            run: |tab, ctx| tab.go(Pane::Runs, ctx),
        },
        Action {
            info: Info::new("activity.writes", "writes", &[Key::char('w')], "Show all writes, newest first"),
            enabled: always,
            run: |tab, ctx| tab.show_writes(None, ctx),
        },
    ];

    fn receive(&mut self, message: Message, ctx: &mut Context<'_>) {
        match message {
            Message::Issues(answer) => {
                let again = self.reading_issues.ends();
                match answer {
                    Ok(groups) => self.issues.set(groups),
                    Err(error) => return Self::failed(error, ctx),
                }
                if again {
                    self.fetch_issues(ctx);
                }
            }
            Message::Hearing(answer) => {
                let again = self.reading_hearing.ends();
                match answer {
                    Ok(hearing) => self.hearing = hearing,
                    Err(error) => return Self::failed(error, ctx),
                }
                if again {
                    self.fetch_hearing(ctx);
                }
            }
            Message::Runs(ticket, Ok(rows)) => {
                if self.runs.receive(ticket, rows) {
                    Self::fetch_runs(self.runs.more(), ctx);
                }
            }
            Message::Runs(ticket, Err(error)) => {
                self.runs.failed(ticket);
                Self::failed(error, ctx);
            }
            Message::Writes(ticket, Ok(rows)) => {
                if self.writes.receive(ticket, rows) {
                    let want = self.writes.more();
                    self.fetch_writes(want, ctx);
                }
            }
            Message::Writes(ticket, Err(error)) => {
                self.writes.failed(ticket);
                Self::failed(error, ctx);
            }
            Message::Approve(plan) => {
                ctx.ask_plainly(Ask::Approve { plan }, "The plan is approved; the next run carries it out.");
            }
        }
    }

    fn shown(&mut self, ctx: &mut Context<'_>) {
        self.refresh(ctx);
    }

    fn world_changed(&mut self, ctx: &mut Context<'_>) {
        if ctx.world.snapshot.revision != self.revision {
            self.refresh(ctx);
        }
    }

    fn navigate(&mut self, step: Nav, ctx: &mut Context<'_>) {
        let place = Pane::ALL.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        match (step, self.pane) {
            (Nav::Left, _) if place > 0 => self.go(Pane::ALL[place - 1], ctx),
            (Nav::Right, _) if place + 1 < Pane::ALL.len() => self.go(Pane::ALL[place + 1], ctx),
            (Nav::Left | Nav::Right, _) => {}
            (step, Pane::Issues) => drop(self.issues.navigate(step)),
            (step, Pane::Runs) => {
                let want = self.runs.navigate(step);
                Self::fetch_runs(want, ctx);
            }
            (step, Pane::Writes) => {
                let want = self.writes.navigate(step);
                self.fetch_writes(want, ctx);
            }
        }
    }

    fn show(&mut self, target: Target, ctx: &mut Context<'_>) {
        match target {
            Target::Run(run) => self.show_writes(Some(run), ctx),
            Target::Issue(..) => self.go(Pane::Issues, ctx),
            Target::Record(_) | Target::State(_) | Target::Object(_) | Target::These(..) | Target::Versions => {}
        }
    }

    fn back(&mut self, ctx: &mut Context<'_>) -> Handled {
        if self.pane == Pane::Writes && self.of_run.is_some() {
            self.go(Pane::Runs, ctx);
            return Handled::Yes;
        }
        Handled::No
    }

    fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        let head = lines::head(&self.hearing, usize::from(area.width), paint);
        let (top, rest) = split_top(area, u16::try_from(head.len()).unwrap_or(0));
        paint.lines(top, &head);
        let (titles, body) = split_top(rest, 1);
        paint.line(titles, &self.pane_line());
        match self.pane {
            Pane::Issues => self.draw_issues(body, paint),
            Pane::Runs => self.draw_runs(body, paint),
            Pane::Writes => self.draw_writes(body, paint),
        }
    }

    fn detail(&self, width: usize, world: &World) -> Vec<Line> {
        let detail = match self.pane {
            Pane::Issues => self.issues.selected().map(|group| lines::issue_detail(group, width)),
            Pane::Runs => self.runs.selected().map(|run| lines::run_detail(run, world, width)),
            Pane::Writes => self.writes.selected().map(|write| lines::write_detail(write, world, width)),
        };
        steady(detail.unwrap_or_default(), self.pane.lines())
    }
}

impl Activity {
    fn pane_line(&self) -> Line {
        let mut line = vec![Cell::plain(" ")];
        for pane in Pane::ALL {
            let is_shown = pane == self.pane;
            let mut title = pane.title().to_owned();
            if let (Pane::Writes, Some(run)) = (pane, self.of_run) {
                title = format!("Writes of run {run}");
            }
            if is_shown {
                line.push(Cell::new(format!("[{title}]"), Role::Strong));
            } else {
                line.push(Cell::muted(format!(" {title} ")));
            }
        }
        line
    }

    fn draw_issues(&self, area: Rect, paint: &mut Paint<'_>) {
        if self.issues.is_empty() {
            return teach(
                area,
                paint,
                self.issues.is_loaded(),
                "Nothing needs a person.",
                "s looks at both systems now.",
            );
        }
        self.issues.draw(area, paint, &activity::ISSUE_COLUMNS, 0, |group, paint| {
            paint.ages(group.since);
            activity::issue_row(group, paint.world.now)
        });
    }

    fn draw_runs(&self, area: Rect, paint: &mut Paint<'_>) {
        if self.runs.is_empty() {
            return teach(area, paint, self.runs.is_loaded(), "There was no run yet.", "s starts one now.");
        }
        self.runs.draw(area, paint, &run::COLUMNS, 0, |run, paint| {
            paint.ages(run.started);
            run::row(run, paint.world.now)
        });
    }

    fn draw_writes(&self, area: Rect, paint: &mut Paint<'_>) {
        if self.writes.is_empty() {
            let what = if self.of_run.is_some() { "This run wrote nothing." } else { "Nothing was written yet." };
            return teach(area, paint, self.writes.is_loaded(), what, "r shows the runs.");
        }
        self.writes.draw(area, paint, &activity::WRITE_COLUMNS, 0, |write, paint| {
            paint.ages(write.touched);
            activity::write_row(write, paint.world.now)
        });
    }
}

/// An empty list says why it is empty and what comes next.
fn teach(area: Rect, paint: &mut Paint<'_>, is_loaded: bool, what: &str, next: &str) {
    if is_loaded {
        paint.lines(
            area,
            &[Line::new(), vec![Cell::plain(format!("  {what}"))], vec![Cell::muted(format!("  {next}"))]],
        );
    } else {
        paint.lines(area, &[Line::new(), vec![Cell::muted("  Reading …")]]);
    }
}
