//! Frames to bytes: only what changed, in one write, and nothing when nothing did.

use std::io::{self, Write};

use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::queue;
use crossterm::terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::{Position, Rect};

use super::app::App;
use super::frame::Drawn;

/// Collects a frame, and hands it over with one write.
struct Gather<W> {
    bytes: Vec<u8>,
    out: W,
}

impl<W: Write> Write for Gather<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.bytes.is_empty() {
            self.out.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        self.out.flush()
    }
}

/// A terminal of which we know what it shows.
pub struct Screen<W: Write> {
    backend: CrosstermBackend<Gather<W>>,
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
        let backend = CrosstermBackend::new(Gather { bytes: Vec::new(), out });
        Self { backend, shown: Buffer::empty(area), next: Buffer::empty(area), cursor: None, is_stale: true }
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
        if self.is_stale {
            self.shown.reset();
            queue!(self.backend, Hide, Clear(ClearType::All))?;
            self.cursor = None;
        }
        let changes: Vec<(u16, u16, &Cell)> = self.shown.diff_iter(&self.next).collect();
        let moves_cursor = drawn.cursor != self.cursor;
        if changes.is_empty() && !moves_cursor && !self.is_stale {
            return Ok(drawn);
        }
        let is_tall = changes.first().map(|change| change.1) != changes.last().map(|change| change.1);
        if is_tall {
            queue!(self.backend, BeginSynchronizedUpdate)?;
        }
        // A visible cursor would be seen jumping through the frame.
        if self.cursor.is_some() && !changes.is_empty() {
            queue!(self.backend, Hide)?;
        }
        if !changes.is_empty() {
            self.backend.draw(changes.into_iter())?;
        }
        match drawn.cursor {
            Some(at) => queue!(self.backend, MoveTo(at.x, at.y), Show)?,
            None if moves_cursor => queue!(self.backend, Hide)?,
            None => {}
        }
        if is_tall {
            queue!(self.backend, EndSynchronizedUpdate)?;
        }
        Write::flush(&mut self.backend)?;
        std::mem::swap(&mut self.shown, &mut self.next);
        self.cursor = drawn.cursor;
        self.is_stale = false;
        Ok(drawn)
    }

    /// Sends bytes that draw nothing, such as a text for the clipboard.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.backend.write_all(bytes)?;
        Write::flush(&mut self.backend)
    }
}
