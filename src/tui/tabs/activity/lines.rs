//! What the Activity tab says about lag, engine, issues, runs and writes, line by line.

use crate::engine::core::state::{Intent, IntentKind, Run, Verdict};
use crate::engine::driver::snapshot::{Role as EngineRole, Snapshot};
use crate::model::{Hearing, PauseScope, System, Timestamp};
use crate::tui::widgets::Paint;
use crate::tui::world::World;
use crate::view::activity::IssueGroup;
use crate::view::cell::wrapped;
use crate::view::{Cell, Line, Role, callbacks, format, run};

/// Lag per direction, and what holds the engine.
pub(super) fn head(hearing: &Hearing, width: usize, paint: &mut Paint<'_>) -> Vec<Line> {
    let world = paint.world;
    let snapshot = &world.snapshot;
    let mut lines = Vec::new();
    for from in System::BOTH {
        let mut line = vec![
            Cell::muted(" lag "),
            Cell::new(format!("{:<11}", from.name()), Role::of(from)),
            Cell::plain(" → "),
            Cell::new(format!("{:<11}", from.other().name()), Role::of(from.other())),
            Cell::plain("  "),
        ];
        match snapshot.oldest_change[from] {
            Some(then) => {
                paint.ages(then);
                line.push(Cell::new(format::age_at(then, world.now), Role::Wait));
                line.push(Cell::muted(by_object(snapshot, from, world.now)));
            }
            None => line.push(Cell::new("none", Role::Ok)),
        }
        let to = PauseScope::new(None, Some(from.other()));
        if let Some(pause) = snapshot.pauses.covers(to) {
            line.push(Cell::new(format!("   {}", pause.reason()), Role::Warn));
        } else if let Some(pause) =
            snapshot.pauses.iter().find(|pause| pause.scope.to.is_none_or(|at| at == from.other()))
        {
            let rest = snapshot.pauses.len() - 1;
            let more = if rest == 0 { String::new() } else { format!(" and {rest} more") };
            line.push(Cell::new(format!("   {} paused{more}", pause.scope), Role::Warn));
        }
        lines.push(line);
    }
    lines.push(engine_line(paint));
    if let EngineRole::Stopped { hint, .. } = &world.snapshot.role
        && !hint.is_empty()
    {
        let indented = wrapped(hint, width.saturating_sub(2)).into_iter();
        lines.extend(indented.map(|text| vec![Cell::plain(" "), Cell::muted(text)]));
    }
    let is_here = world.snapshot.role == EngineRole::Holder;
    let listens = world.settings.listens.as_deref().filter(|_| is_here);
    let hints = callbacks::head(hearing, listens, world.now, width);
    if !hints.is_empty() {
        callbacks::moments(hearing).into_iter().for_each(|at| paint.ages(at));
        lines.extend(hints);
    }
    if let Some(held) = &snapshot.held {
        lines.push(vec![
            Cell::new(" plan held ", Role::Warn),
            Cell::new("a", Role::Key),
            Cell::plain(" approves: "),
            Cell::plain(&held.reason),
        ]);
    }
    lines.push(Line::new());
    lines
}

/// `   companies 42 s, contacts 3 s`: where the oldest changes are.
fn by_object(snapshot: &Snapshot, from: System, now: Timestamp) -> String {
    let told = snapshot.oldest_by_object.iter().filter_map(|(object, oldest)| {
        oldest[from].map(|then| format!("{} {}", object.plural().to_lowercase(), format::age_at(then, now)))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { String::new() } else { format!("   {}", told.join(", ")) }
}

fn engine_line(paint: &mut Paint<'_>) -> Line {
    let world = paint.world;
    let snapshot = &world.snapshot;
    let mut line = vec![Cell::muted(" engine "), Cell::strong(snapshot.phase.word())];
    match &snapshot.role {
        EngineRole::Holder => {}
        EngineRole::Starting { .. } => line.push(Cell::new("   starting", Role::Wait)),
        EngineRole::Idle => line.push(Cell::new("   not running", Role::Warn)),
        EngineRole::Viewer { holder } => line.push(Cell::muted(format!("   runs in {holder}"))),
        EngineRole::Stopped { reason, .. } => line.push(Cell::new(format!("   stopped: {reason}"), Role::Error)),
    }
    if let Some(run) = &snapshot.run {
        line.push(Cell::plain(format!("   run {}  ", run.id)));
        line.push(Cell::plain(run::so_far(&run.counts)));
    }
    line.push(Cell::muted(format!("   {} to do", format::grouped(snapshot.queue))));
    if let Some(next) = snapshot.next_poll.filter(|next| *next > world.now) {
        paint.ages(next);
        line.push(Cell::muted(format!("   next look {}", format::age_at(next, world.now))));
    }
    line
}

fn texts(texts: impl IntoIterator<Item = (String, Role)>, width: usize) -> Vec<Line> {
    let lines =
        |(text, role): (String, Role)| wrapped(&text, width).into_iter().map(move |line| vec![Cell::new(line, role)]);
    texts.into_iter().flat_map(lines).collect()
}

/// What is wrong, whose turn it is, what to do.
pub(super) fn issue_detail(group: &IssueGroup, width: usize) -> Vec<Line> {
    let whose = if group.needs_person { "needs a person" } else { "is tried again by itself" };
    let head = format!(
        "{}: {}, {whose}; the oldest since {}.",
        group.class.key(),
        format::counted(group.count, &group.object.to_string(), &group.object.plural().to_lowercase()),
        format::moment(group.since)
    );
    texts([(head, Role::Strong), (group.example.clone(), Role::Text), (group.hint.clone(), Role::Muted)], width)
}

/// When a run was, and what it did where.
pub(super) fn run_detail(run: &Run, world: &World, width: usize) -> Vec<Line> {
    let sides = run.counts.total().sides;
    let calls = sides.hubspot.calls + sides.connectwise.calls;
    let took = run.ended.map_or_else(String::new, |ended| format!(", took {}", took(ended.since(run.started))));
    let head = format!(
        "Run {}{}, {}, configuration {}{took}, {}",
        run.id,
        run::what(run.kind),
        format::moment_near(run.started, world.now),
        run.config,
        format::counted(calls, "call", "calls")
    );
    let mut lines = texts([(head, Role::Strong)], width);
    lines.extend(run::object_lines(run, width));
    match &run.verdict {
        Verdict::Stopped(reason) => lines.extend(texts([(format!("Stopped: {reason}"), Role::Error)], width)),
        Verdict::Held { reason, .. } => lines.extend(texts([(format!("Held: {reason}"), Role::Warn)], width)),
        Verdict::Running | Verdict::Done => {}
    }
    lines
}

/// `2.1 s` below a minute, an age beyond.
fn took(duration: std::time::Duration) -> String {
    let millis = duration.as_millis();
    if millis < 60_000 { format!("{}.{} s", millis / 1000, millis % 1000 / 100) } else { format::age(duration) }
}

/// What a write changed, and why.
pub(super) fn write_detail(write: &Intent, world: &World, width: usize) -> Vec<Line> {
    let what = match write.kind {
        IntentKind::Create => "create",
        IntentKind::Update => "update",
    };
    let mut out = vec![(
        format!(
            "write {}, {what} in {}, run {}, attempt {}, {}",
            write.id,
            write.system,
            write.run,
            write.attempt,
            format::moment_near(write.touched, world.now)
        ),
        Role::Strong,
    )];
    for field in write.writes.iter().take(3) {
        let (before, after) = (format::value(&field.before, None), format::value(&field.after, None));
        out.push((format!("{}: {before} → {after}, {}", field.field, field.why), Role::Text));
    }
    if let Some(more) = write.writes.len().checked_sub(4) {
        out.push((format!("and {}", format::counted(more as u64 + 1, "more field", "more fields")), Role::Muted));
    }
    if let Some(outcome) = &write.outcome {
        out.push((outcome.clone(), Role::Muted));
    }
    texts(out, width)
}
