//! What every screen has: the state of the world, where you are, the rules, the hints.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::action::{Danger, Offer};
use super::app::App;
use super::glyphs;
use super::pausing;
use super::tab::TabId;
use super::widgets::Paint;
use super::widgets::paint::{row_of, split_top};
use crate::engine::driver::snapshot::{Health, Phase, Role as EngineRole, Side, Snapshot, Wait};
use crate::model::{PauseScope, System};
use crate::view::cell::{line_width, spread};
use crate::view::{Cell, Line, Role, format};

/// Below this the console asks for more room.
pub const SMALLEST: (u16, u16) = (60, 16);
/// Lines of "why" shown at most.
const DETAIL: usize = 7;

/// What a drawn frame tells the loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drawn {
    /// How soon an age on it may be out of date.
    pub ages: Option<Duration>,
    pub cursor: Option<Position>,
}

impl App {
    /// Draws everything into `buffer`, whatever its size.
    pub fn draw(&self, buffer: &mut Buffer) -> Drawn {
        let screen = buffer.area;
        let mut paint = Paint::new(buffer, &self.theme, &self.world);
        if screen.width < SMALLEST.0 || screen.height < SMALLEST.1 {
            let text =
                format!("Lockstep needs {}×{}; this is {}×{}.", SMALLEST.0, SMALLEST.1, screen.width, screen.height);
            paint.wrapped(screen, &text, Role::Text);
        } else {
            self.draw_frame(screen, &mut paint);
        }
        let drawn = Drawn { ages: paint.next_ageing(), cursor: paint.cursor };
        glyphs::make_safe(buffer, self.theme.ascii);
        drawn
    }

    fn draw_frame(&self, screen: Rect, paint: &mut Paint<'_>) {
        let width = usize::from(screen.width);
        let world = self.world_line(width, paint);
        paint.line_at(screen, 0, &world);
        paint.line_at(screen, 1, &self.tab_line(width));
        paint.rule(row_of(screen, 2));
        let (_, rest) = split_top(screen, 3);
        let (rest, hints) = split_top(rest, rest.height - 1);
        let tab = self.tabs.get(self.active);
        let detail = tab.map(|tab| tab.detail(width.saturating_sub(2), &self.world)).unwrap_or_default();
        let body = draw_detail(rest, &detail, paint);
        if let Some(tab) = tab {
            tab.draw(body, paint);
        }
        paint.line(hints, &self.hint_line(width));
        for overlay in &self.overlays {
            paint.cursor = None;
            overlay.draw(screen, &self.shell.reports, paint);
        }
    }

    /// Line 1: workspace, both connections, lag, engine.
    fn world_line(&self, width: usize, paint: &mut Paint<'_>) -> Line {
        let snapshot = &self.world.snapshot;
        let mut left = vec![Cell::plain(" "), Cell::strong(&self.world.workspace)];
        for system in System::BOTH {
            left.push(Cell::plain("  "));
            left.push(Cell::new(system.name(), Role::of(system)));
            left.push(Cell::plain(" "));
            left.push(health_cell(&snapshot.sides[system], is_paused(snapshot, system)));
        }
        let oldest = System::BOTH.into_iter().filter_map(|system| snapshot.oldest_change[system]).min();
        let lag = oldest.map_or_else(
            || Cell::muted("lag none"),
            |then| {
                paint.ages(then);
                Cell::new(format!("lag {}", format::age_at(then, self.world.now)), Role::Wait)
            },
        );
        let mut right = vec![lag, Cell::plain("   ")];
        right.push(self.engine_cell());
        if self.world.settings.read_only {
            right.push(Cell::plain("  "));
            right.push(Cell::new("read-only", Role::Warn));
        }
        right.push(Cell::plain(" "));
        let room = width.saturating_sub(line_width(&left) + line_width(&right) + 5);
        if let Some(banner) = pausing::banner(&snapshot.pauses, room) {
            right.splice(0..0, [banner, Cell::plain("   ")]);
        }
        spread(&left, &right, width)
    }

    fn engine_cell(&self) -> Cell {
        let snapshot = &self.world.snapshot;
        match (&snapshot.role, snapshot.phase) {
            (EngineRole::Starting { .. }, _) => Cell::new("starting", Role::Wait),
            (EngineRole::Idle, _) => Cell::new("no engine", Role::Warn),
            (EngineRole::Stopped { .. }, _) => Cell::new("engine stopped", Role::Error),
            (_, Phase::Held) => Cell::new("plan held", Role::Warn),
            (EngineRole::Viewer { .. }, phase) => Cell::new(format!("viewer, {}", phase.word()), Role::Wait),
            (EngineRole::Holder, Phase::Idle) if snapshot.queue > 0 => {
                Cell::new(format!("{} to do", format::grouped(snapshot.queue)), Role::Wait)
            }
            (EngineRole::Holder, Phase::Idle) => Cell::muted("idle"),
            (EngineRole::Holder, phase) => Cell::new(phase.word(), Role::Wait),
        }
    }

    /// Line 2: the tabs there are, the one in front standing out. Where there is no room, the others are cut short.
    fn tab_line(&self, width: usize) -> Line {
        let whole = self.tab_titles(usize::MAX);
        if line_width(&whole) <= width { whole } else { self.tab_titles(3) }
    }

    fn tab_titles(&self, letters: usize) -> Line {
        let mut line = vec![Cell::plain(" ")];
        for (at, tab) in self.tabs.iter().enumerate() {
            let id: TabId = tab.id();
            if at == self.active {
                line.push(Cell::new(format!("[{} {}]", id.digit(), id.title()), Role::Focus));
            } else {
                let title: String = id.title().chars().take(letters).collect();
                line.push(Cell::plain(format!(" {} {title} ", id.digit())));
            }
        }
        line
    }

    /// The last line: what can be done here, or what was just said; the number of errors at its right end.
    fn hint_line(&self, width: usize) -> Line {
        let count = self.shell.reports.len();
        let mut right = if count == 0 { Line::new() } else { vec![Cell::new(format!("{count}!"), Role::Error)] };
        right.push(Cell::plain(" "));
        if let Some(said) = &self.shell.said {
            return spread(&[Cell::plain(" "), Cell::strong(said)], &right, width);
        }
        if let Some(overlay) = self.overlays.last() {
            return spread(&overlay.hints(), &right, width);
        }
        let room = width.saturating_sub(line_width(&right) + 2);
        spread(&self.hints(room), &right, width)
    }

    /// As many whole hints as there is room for; what is left out is in the help.
    fn hints(&self, room: usize) -> Line {
        let mut line = Line::new();
        let mut listed = self.listed();
        let read_only = self.world.settings.read_only;
        listed.retain(|listed| listed.offer.info.in_footer && is_hinted(&listed.offer, read_only));
        // while text is written, letters are letters
        if self.tabs.get(self.active).is_some_and(|tab| tab.editing()) {
            listed.retain(|listed| listed.offer.info.keys.first().is_some_and(|key| key.is_ctrl()));
        }
        // Help comes last on the line and is never left out.
        let help = listed.iter().position(|listed| listed.offer.info.id == "help").map(|at| listed.remove(at));
        let help = help.map(|help| hint(&help.offer)).unwrap_or_default();
        for entry in &listed {
            let hint = hint(&entry.offer);
            if line_width(&line) + line_width(&hint) + line_width(&help) <= room {
                line.extend(hint);
            }
        }
        line.extend(help);
        line
    }
}

/// What can never be done in this console takes no room from what can.
fn is_hinted(offer: &Offer, read_only: bool) -> bool {
    let never = read_only && offer.info.danger == Danger::Changes;
    offer.enabled.is_ok() || offer.info.keeps_place && !never
}

fn hint(offer: &Offer) -> Line {
    let key = offer.info.keys.first().map(ToString::to_string).unwrap_or_default();
    let name = format!(" {} ", offer.info.name);
    match offer.enabled {
        Ok(()) => vec![Cell::plain(" "), Cell::new(key, Role::Key), Cell::plain(name)],
        Err(_) => vec![Cell::plain(" "), Cell::muted(key), Cell::muted(name)],
    }
}

/// Whether nothing at all is written to a system, because people paused that.
#[must_use]
pub fn is_paused(snapshot: &Snapshot, system: System) -> bool {
    snapshot.pauses.covers(PauseScope::new(None, Some(system))).is_some()
}

/// One word for a connection.
#[must_use]
pub fn health_cell(side: &Side, is_paused: bool) -> Cell {
    match (&side.health, side.wait) {
        (Health::Broken { .. }, _) => Cell::new("broken", Role::Error),
        (_, Some(Wait { asked: true, .. })) => Cell::new("limited", Role::Wait),
        (_, Some(_)) => Cell::new("failing", Role::Warn),
        _ if is_paused => Cell::new("paused", Role::Warn),
        (Health::Ok, None) => Cell::new("ok", Role::Ok),
        // It was asked, and no answer yet said whether it works.
        (Health::Unknown, None) if side.last_error.is_some() => Cell::new("failing", Role::Warn),
        (Health::Unknown, None) => Cell::muted("not tried"),
    }
}

/// Draws the detail with its rules at the bottom of `area`; gives the rest.
fn draw_detail(area: Rect, detail: &[Line], paint: &mut Paint<'_>) -> Rect {
    let rows = u16::try_from(detail.len().min(DETAIL)).unwrap_or(0).min(area.height / 2);
    let (body, below) = split_top(area, area.height - rows.saturating_add(if rows == 0 { 1 } else { 2 }));
    paint.rule(row_of(below, 0));
    if rows > 0 {
        let (_, text) = split_top(below, 1);
        for (row, line) in (0..rows).zip(detail) {
            let mut line = line.clone();
            line.insert(0, Cell::plain(" "));
            paint.line_at(text, row, &line);
        }
        paint.rule(row_of(text, rows));
    }
    body
}
