//! Frames to bytes: only what changed, in one write, and nothing when nothing did.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::app::App;
use super::frame::Drawn;
use super::pen;

/// A terminal of which we know what it shows.
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    next: Buffer,
    cursor: Option<Position>,
    /// What the terminal shows is unknown.
    is_stale: bool,
}

impl<W: Write> Screen<W> {
    #[must_use]
    pub fn new(out: W, columns: u16, rows: u16) -> Self {
        let area = Rect::new(0, 0, columns, rows);
        Self { out, shown: Buffer::empty(area), next: Buffer::empty(area), cursor: None, is_stale: true }
    }

    /// The window has another size: the next frame is drawn whole.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        let area = Rect::new(0, 0, columns, rows);
        self.shown = Buffer::empty(area);
        self.next = Buffer::empty(area);
        self.is_stale = true;
    }

    /// What the terminal shows is unknown: the next frame is drawn whole.
    pub const fn forget(&mut self) {
        self.is_stale = true;
    }

    /// Draws the app; writes nothing when that looks the same as before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, app: &App) -> io::Result<Drawn> {
        self.next.reset();
        let drawn = app.draw(&mut self.next);
        let mut bytes = Vec::new();
        if self.is_stale {
            self.shown.reset();
            queue!(bytes, Hide, Clear(ClearType::All))?;
            self.cursor = None;
        }
        let changes = pen::changes(&self.shown, &self.next);
        let moves_cursor = drawn.cursor != self.cursor;
        if changes.is_empty() && !moves_cursor && !self.is_stale {
            return Ok(drawn);
        }
        let is_tall = changes.first().map(|change| change.1) != changes.last().map(|change| change.1);
        if is_tall {
            queue!(bytes, BeginSynchronizedUpdate)?;
        }
        // A visible cursor would be seen jumping through the frame.
        if self.cursor.is_some() && !changes.is_empty() {
            queue!(bytes, Hide)?;
        }
        bytes.extend(pen::bytes(&changes, &self.next));
        match drawn.cursor {
            Some(at) => queue!(bytes, MoveTo(at.x, at.y), Show)?,
            None if moves_cursor => queue!(bytes, Hide)?,
            None => {}
        }
        if is_tall {
            queue!(bytes, EndSynchronizedUpdate)?;
        }
        self.send(&bytes)?;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = drawn.cursor;
        self.is_stale = false;
        Ok(drawn)
    }

    /// Sends bytes at once. By itself for what draws nothing, such as a text for the clipboard.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.out.flush()
    }
}
