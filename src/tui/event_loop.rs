//! One queue, one thread: wait for a message, take all that are ready, update, draw once.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{Event, EventStream};
use futures_util::StreamExt as _;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::app::{App, Message, Outward};
use super::ctx::TerminalEffect;
use super::report::Report;
use super::screen::Screen;
use super::tab::Input;
use super::terminal::{self, Terminal};
use crate::engine::driver::snapshot::Snapshot;
use crate::model::text::printable;

/// Messages that wait at most; who sends more waits too.
const QUEUE: usize = 256;
/// The shortest time between two snapshots on the screen.
const BETWEEN_SNAPSHOTS: Duration = Duration::from_millis(100);
/// How long a key is not drawn while what it set in motion is on its way. Rows of the store come sooner: then a tab is
/// drawn once and with them, not first without.
const GRACE: Duration = Duration::from_millis(20);
/// Draw after so many messages, however many more there are.
const MOST_AT_ONCE: usize = 1024;

/// Why the console ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the console needs a terminal for input and output: {0}")]
    Terminal(#[from] io::Error),
    #[error(transparent)]
    Theme(#[from] super::theme::ThemeError),
    #[error("the console's thread ended by a panic")]
    Panicked,
}

enum Flow {
    On,
    Quit,
}

/// The console with all that it is connected to.
pub(super) struct EventLoop {
    app: App,
    screen: Screen<io::Stdout>,
    terminal: Terminal,
    queue: Receiver<Message>,
    sender: Sender<Message>,
    keys: JoinHandle<()>,
    /// What the last key set in motion holds a copy of this until it has come to an end.
    turn: Arc<()>,
}

impl EventLoop {
    /// Takes the terminal. Must be called within the runtime.
    pub(super) fn new(app: App) -> Result<Self, Error> {
        let (columns, rows) = crossterm::terminal::size()?;
        let terminal = Terminal::take()?;
        let (sender, queue) = mpsc::channel(QUEUE);
        let keys = read_keys(&sender);
        let screen = Screen::new(io::stdout(), columns, rows);
        Ok(Self { app, screen, terminal, queue, sender, keys, turn: Arc::default() })
    }

    pub(super) async fn run(mut self) -> Result<(), Error> {
        let snapshots = self.app.world.engine.snapshot();
        forward_snapshots(snapshots, &self.sender);
        forward_signals(&self.sender)?;
        let outward = self.app.start();
        if matches!(self.perform(outward).await?, Flow::Quit) {
            return Ok(());
        }
        loop {
            let drawn = self.screen.draw(&self.app)?;
            let Some(message) = self.next(drawn.ages).await else { return Ok(()) };
            if matches!(self.turn(message).await?, Flow::Quit) {
                return Ok(());
            }
        }
    }

    /// A message and all that are ready; after a key also what it set in motion, if that comes soon. Another key ends
    /// the wait, so that no key waits for more than its own rows.
    async fn turn(&mut self, first: Message) -> Result<Flow, Error> {
        let mut waits = matches!(first, Message::Input(_));
        self.turn = Arc::default();
        let end = tokio::time::Instant::now() + GRACE;
        let mut flow = self.take_all(first).await?;
        while waits && matches!(flow, Flow::On) && Arc::strong_count(&self.turn) > 1 {
            let Ok(Some(next)) = tokio::time::timeout_at(end, self.queue.recv()).await else { break };
            waits = !matches!(next, Message::Input(_));
            flow = self.take_all(next).await?;
        }
        Ok(flow)
    }

    /// Sleeps until something happens. The only timer runs while an age is on the screen.
    async fn next(&mut self, ages: Option<Duration>) -> Option<Message> {
        match ages {
            None => self.queue.recv().await,
            Some(step) => tokio::time::timeout(step, self.queue.recv()).await.unwrap_or(Some(Message::Tick)),
        }
    }

    async fn take_all(&mut self, first: Message) -> Result<Flow, Error> {
        let mut next = Some(first);
        for _ in 0..MOST_AT_ONCE {
            let Some(message) = next else { break };
            if matches!(message, Message::Resumed) {
                self.terminal.retake()?;
            }
            if matches!(message, Message::Resized | Message::Resumed) {
                let (columns, rows) = crossterm::terminal::size()?;
                self.screen.resize(columns, rows);
            }
            let outward = self.app.update(message);
            if matches!(self.perform(outward).await?, Flow::Quit) {
                return Ok(Flow::Quit);
            }
            next = self.queue.try_recv().ok();
            if next.is_none() {
                // Lets whoever feeds the queue put in what is ready by now.
                tokio::task::yield_now().await;
                next = self.queue.try_recv().ok();
            }
        }
        Ok(Flow::On)
    }

    async fn perform(&mut self, outward: Vec<Outward>) -> Result<Flow, Error> {
        let mut outward = VecDeque::from(outward);
        while let Some(effect) = outward.pop_front() {
            match effect {
                Outward::Task(owner, work) => {
                    let (sender, turn) = (self.sender.clone(), Arc::clone(&self.turn));
                    tokio::spawn(async move {
                        // When the queue is closed, the console has ended.
                        let _ = sender.send(Message::Deliver(owner, work.await)).await;
                        drop(turn);
                    });
                }
                Outward::Terminal(TerminalEffect::Quit) => return Ok(Flow::Quit),
                Outward::Terminal(TerminalEffect::Redraw) => self.screen.forget(),
                Outward::Terminal(TerminalEffect::Suspend) => self.lend(terminal::stop_process).await??,
                Outward::Terminal(TerminalEffect::Copy(text)) => self.copy(&text)?,
                Outward::Terminal(TerminalEffect::Edit { owner, text, suffix, back }) => {
                    let message = match self.lend(|| terminal::edit_with_editor(&text, suffix)).await? {
                        Ok(text) => Message::Deliver(owner, back(text)),
                        Err(error) => Message::Report(not_edited(&error)),
                    };
                    outward.extend(self.app.update(message));
                }
            }
        }
        Ok(Flow::On)
    }

    fn copy(&mut self, text: &str) -> Result<(), Error> {
        let in_tmux = std::env::var_os("TMUX").is_some();
        self.screen.send(&terminal::clipboard_bytes(text, in_tmux))?;
        self.app.shell.said = Some("Copied, where the terminal allows it.".to_owned());
        Ok(())
    }

    /// The one door through which somebody else gets the terminal: nobody reads keys meanwhile.
    async fn lend<T>(&mut self, f: impl FnOnce() -> T) -> Result<T, Error> {
        self.keys.abort();
        // Only when the task is gone, its reader of the terminal is.
        let _ = (&mut self.keys).await;
        let result = self.terminal.lend(f)?;
        let (columns, rows) = crossterm::terminal::size()?;
        self.screen.resize(columns, rows);
        self.keys = read_keys(&self.sender);
        Ok(result)
    }
}

fn not_edited(error: &terminal::EditError) -> Report {
    Report::new("The text could not be edited.", "Set EDITOR, such as EDITOR=vi, and try again.")
        .because(error.to_string())
}

/// Turns what the terminal sends into messages, until stopped.
fn read_keys(sender: &Sender<Message>) -> JoinHandle<()> {
    let sender = sender.clone();
    tokio::spawn(async move {
        let mut events = EventStream::new();
        while let Some(event) = events.next().await {
            let message = match event {
                Ok(Event::Key(key)) => Message::Input(Input::Key(key)),
                Ok(Event::Paste(text)) => Message::Input(Input::Paste(clean(&text))),
                Ok(Event::Resize(..)) => Message::Resized,
                Ok(Event::FocusGained | Event::FocusLost | Event::Mouse(_)) => continue,
                // The terminal is gone; so are we.
                Err(_) => Message::Terminate,
            };
            let is_end = matches!(message, Message::Terminate);
            if sender.send(message).await.is_err() || is_end {
                return;
            }
        }
        // No more input will come; when nobody listens, the console has ended already.
        let _ = sender.send(Message::Terminate).await;
    })
}

/// Pasted text without control characters; its line breaks stay.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

fn forward_snapshots(mut snapshots: watch::Receiver<Arc<Snapshot>>, sender: &Sender<Message>) {
    let sender = sender.clone();
    tokio::spawn(async move {
        loop {
            let snapshot = Arc::clone(&snapshots.borrow_and_update());
            if sender.send(Message::Snapshot(snapshot)).await.is_err() {
                return;
            }
            // A busy engine commits hundreds of times a second; nobody reads so fast, and every frame has its price.
            tokio::time::sleep(BETWEEN_SNAPSHOTS).await;
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    });
}

/// Ending the process by a signal is an ordinary end: the terminal is given back. After a stop it is taken again.
fn forward_signals(sender: &Sender<Message>) -> io::Result<()> {
    let resume = SignalKind::from_raw(signal_hook::consts::SIGCONT);
    let signals: [(SignalKind, fn() -> Message); 3] = [
        (SignalKind::terminate(), || Message::Terminate),
        (SignalKind::hangup(), || Message::Terminate),
        (resume, || Message::Resumed),
    ];
    for (kind, message) in signals {
        let mut signals = signal(kind)?;
        let sender = sender.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if sender.send(message()).await.is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}
