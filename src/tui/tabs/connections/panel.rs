//! What the tab Connections shows in place of the two columns: the doctor's findings, or what changed in the schemas.
//! A text that scrolls; broken at words for the width it has.

use std::cell::Cell as Slot;

use ratatui::layout::Rect;

use crate::model::Checked;
use crate::model::Timestamp;
use crate::tui::tab::Nav;
use crate::tui::widgets::Paint;
use crate::tui::widgets::paint::{row_of, split_top};
use crate::view::cell::{spread, wrapped};
use crate::view::checkup;
use crate::view::schema::{Reading, drift_lines, drift_summary};
use crate::view::{Cell, Line, format, plain_text};

/// As wide as what is copied: for a ticket or a mail.
const COPY_WIDTH: usize = 100;

/// A text in place of the two columns.
#[derive(Debug)]
pub struct Panel {
    content: Content,
    /// Clamped when drawn, where the height is known.
    top: Slot<usize>,
    page: Slot<usize>,
}

#[derive(Debug)]
enum Content {
    Doctor { items: Vec<Checked>, at: Timestamp },
    Drift(Vec<Reading>),
}

impl Panel {
    pub fn doctor(items: Vec<Checked>, at: Timestamp) -> Self {
        Self::of(Content::Doctor { items, at })
    }

    pub fn drift(readings: Vec<Reading>) -> Self {
        Self::of(Content::Drift(readings))
    }

    const fn of(content: Content) -> Self {
        Self { content, top: Slot::new(0), page: Slot::new(0) }
    }

    pub const fn is_doctor(&self) -> bool {
        matches!(self.content, Content::Doctor { .. })
    }

    pub fn scroll(&self, step: Nav) {
        let (top, page) = (self.top.get(), self.page.get().saturating_sub(1).max(1));
        self.top.set(match step {
            Nav::Up | Nav::Left => top.saturating_sub(1),
            Nav::Down | Nav::Right => top + 1,
            Nav::PageUp => top.saturating_sub(page),
            Nav::PageDown => top + page,
            Nav::Home => 0,
            Nav::End => usize::MAX / 2,
        });
    }

    pub fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
        let (head, body) = split_top(area, 2);
        let width = usize::from(area.width);
        let lines = self.lines(width.saturating_sub(2));
        let height = usize::from(body.height);
        self.page.set(height);
        let top = self.top.get().min(lines.len().saturating_sub(height));
        self.top.set(top);
        let left =
            vec![Cell::plain(" "), Cell::strong(self.title()), Cell::muted(format!("  {}", self.summary(paint)))];
        let below = lines.len().saturating_sub(top + height);
        let right = match (top, below) {
            (0, 0) => Vec::new(),
            (_, 0) => vec![Cell::muted("end ")],
            (_, below) => vec![Cell::muted(format!("{below} more lines ↓ "))],
        };
        paint.line(row_of(head, 0), &spread(&left, &right, width));
        let indented = |line: &Line| [vec![Cell::plain(" ")], line.clone()].concat();
        let shown: Vec<Line> = lines[top..].iter().take(height).map(indented).collect();
        paint.lines(body, &shown);
    }

    const fn title(&self) -> &'static str {
        match self.content {
            Content::Doctor { .. } => "Doctor",
            Content::Drift(_) => "Schema changes",
        }
    }

    fn summary(&self, paint: &mut Paint<'_>) -> String {
        match &self.content {
            Content::Doctor { items, at } => {
                paint.ages(*at);
                format!("{}, looked at {} ago", checkup::summary(items), format::age_at(*at, paint.world.now))
            }
            Content::Drift(readings) => drift_summary(readings.iter()).unwrap_or_default(),
        }
    }

    fn lines(&self, width: usize) -> Vec<Line> {
        match &self.content {
            Content::Doctor { items, .. } if items.is_empty() => {
                vec![vec![Cell::muted("There was nothing to look at.")]]
            }
            Content::Doctor { items, .. } => checkup::lines(items, width),
            Content::Drift(readings) if readings.is_empty() => {
                let text = "Nothing changed in the fields of either system since the configuration was made.";
                wrapped(text, width).into_iter().map(|text| vec![Cell::plain(text)]).collect()
            }
            Content::Drift(readings) => drift_lines(readings, width),
        }
    }

    /// The whole text, for the clipboard.
    pub fn text(&self) -> String {
        plain_text(&self.lines(COPY_WIDTH))
    }
}
