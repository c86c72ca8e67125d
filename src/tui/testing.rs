//! Types keys and reads the screen, without a terminal: for the tests of the frame and of every tab.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::app::{App, Message, Outward};
use super::ctx::TerminalEffect;
use super::tab::{Input, Tab, TabId, Target};
use super::theme::Theme;
use super::widgets::Edge;
use super::world::{BoxFuture, Connected, Engine, Settings, Source, SourceError, World};
use crate::engine::core::command::{Ask, Reply};
use crate::engine::core::state::{Intent, Run};
use crate::engine::driver::glance::Glance;
use crate::engine::driver::snapshot::{Role, Snapshot};
use crate::model::{BySystem, Hearing, IntentId, RunId, Timestamp};
use crate::model::{Checked, Record};
use crate::view::activity::IssueGroup;
use crate::view::objects::Objects;
use crate::view::schema::Reading;

/// The time at which all tests begin.
pub const NOW: Timestamp = Timestamp(1_795_170_000_000);

/// An engine that does nothing but note what it was asked.
pub struct FakeEngine {
    pub asked: Mutex<Vec<Ask>>,
    pub reply: Mutex<Reply>,
    /// Every glance that was asked for, and what it sees.
    pub glances: Mutex<Vec<Glance>>,
    pub seen: Mutex<Result<Vec<Record>, String>>,
    pub now: Mutex<Timestamp>,
    sender: watch::Sender<Arc<Snapshot>>,
}

impl FakeEngine {
    #[must_use]
    pub fn new(snapshot: Snapshot) -> Arc<Self> {
        Arc::new(Self {
            asked: Mutex::default(),
            reply: Mutex::new(Reply::Accepted),
            glances: Mutex::default(),
            seen: Mutex::new(Err("No engine runs in this console.".to_owned())),
            now: Mutex::new(NOW),
            sender: watch::Sender::new(Arc::new(snapshot)),
        })
    }

    pub fn asked(&self) -> Vec<Ask> {
        self.asked.lock().unwrap().clone()
    }
}

impl Engine for FakeEngine {
    fn ask(&self, ask: Ask) -> BoxFuture<Reply> {
        self.asked.lock().unwrap().push(ask);
        let reply = self.reply.lock().unwrap().clone();
        Box::pin(async move { reply })
    }

    fn glance(&self, glance: Glance) -> BoxFuture<Result<Vec<Record>, String>> {
        self.glances.lock().unwrap().push(glance);
        let seen = self.seen.lock().unwrap().clone();
        Box::pin(async move { seen })
    }

    fn snapshot(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.sender.subscribe()
    }

    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }
}

/// Rows from memory, newest first.
#[derive(Default)]
pub struct FakeSource {
    /// How often the connections were asked for.
    pub looks: Arc<std::sync::atomic::AtomicUsize>,
    pub connected: BySystem<Option<Connected>>,
    pub runs: Vec<Run>,
    pub writes: Vec<Intent>,
    pub issues: Vec<IssueGroup>,
    pub drift: Vec<Reading>,
    pub findings: Vec<Checked>,
    pub objects: Objects,
    pub hearing: Hearing,
    pub broken: bool,
}

impl FakeSource {
    fn rows<T: Clone>(&self, rows: &[T]) -> Result<Vec<T>, SourceError> {
        if self.broken { Err(SourceError("disk I/O error".into())) } else { Ok(rows.to_vec()) }
    }
}

impl Source for FakeSource {
    fn connections(&self) -> Result<BySystem<Option<Connected>>, SourceError> {
        self.looks.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(self.connected.clone())
    }

    fn drift(&self) -> Result<Vec<Reading>, SourceError> {
        Ok(self.drift.clone())
    }

    fn objects(&self) -> Result<Objects, SourceError> {
        Ok(self.objects.clone())
    }

    fn examine(&self) -> BoxFuture<Result<Vec<Checked>, SourceError>> {
        let findings = self.rows(&self.findings);
        Box::pin(async move { findings })
    }

    fn runs(&self, from: &Edge<RunId>, limit: usize) -> Result<Vec<Run>, SourceError> {
        Ok(page(&self.rows(&self.runs)?, |run| run.id, from, limit))
    }

    fn writes(&self, of: Option<RunId>, from: &Edge<IntentId>, limit: usize) -> Result<Vec<Intent>, SourceError> {
        let all = self.rows(&self.writes)?;
        let writes: Vec<_> = all.into_iter().filter(|write| of.is_none_or(|run| write.run == run)).collect();
        Ok(page(&writes, |write| write.id, from, limit))
    }

    fn hearing(&self) -> Result<Hearing, SourceError> {
        Ok(self.hearing.clone())
    }

    fn issues(&self) -> Result<Vec<IssueGroup>, SourceError> {
        self.rows(&self.issues)
    }
}

/// A page of rows that are ordered by `key`, highest first, as a store would give it.
pub fn page<T: Clone, K: Ord + Copy>(rows: &[T], key: impl Fn(&T) -> K, from: &Edge<K>, limit: usize) -> Vec<T> {
    let fits = |row: &&T| match from {
        Edge::Start | Edge::End => true,
        Edge::After(edge) => key(row) < *edge,
        Edge::From(edge) => key(row) <= *edge,
        Edge::Before(edge) => key(row) > *edge,
    };
    let fitting: Vec<T> = rows.iter().filter(fits).cloned().collect();
    match from {
        Edge::End | Edge::Before(_) => fitting[fitting.len().saturating_sub(limit)..].to_vec(),
        _ => fitting.into_iter().take(limit).collect(),
    }
}

/// A console with a person at it.
pub struct Person {
    pub app: App,
    pub engine: Arc<FakeEngine>,
    pub size: (u16, u16),
    /// What went to the clipboard.
    pub copied: Vec<String>,
    pub has_quit: bool,
    /// What `$EDITOR` would save.
    pub editor: Box<dyn Fn(String) -> String>,
    runtime: Runtime,
}

/// A snapshot of an engine that runs and has nothing to do.
#[must_use]
pub fn running() -> Snapshot {
    Snapshot { role: Role::Holder, ..Snapshot::default() }
}

impl Person {
    /// At 80×24, with all tabs.
    #[must_use]
    pub fn with(snapshot: Snapshot, source: FakeSource) -> Self {
        Self::at(snapshot, source, Settings::default(), super::tabs::all(&super::tabs::testing::desk()))
    }

    #[must_use]
    pub fn at(snapshot: Snapshot, source: FakeSource, settings: Settings, tabs: Vec<Box<dyn Tab>>) -> Self {
        let engine = FakeEngine::new(snapshot.clone());
        let theme = Theme::plain(settings.ascii);
        let world = World {
            workspace: "acme-msp".into(),
            settings,
            snapshot: Arc::new(snapshot),
            now: NOW,
            engine: Arc::clone(&engine) as Arc<dyn Engine>,
            source: Arc::new(source),
            demo: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut person = Self {
            app: App::new(world, theme, tabs),
            engine,
            size: (80, 24),
            copied: Vec::new(),
            has_quit: false,
            editor: Box::new(|text| text),
            runtime,
        };
        let outward = person.app.start();
        person.perform(outward);
        person
    }

    /// Everything that the update set in motion, to its end.
    fn perform(&mut self, outward: Vec<Outward>) {
        for effect in outward {
            let message = match effect {
                Outward::Task(owner, work) => Message::Deliver(owner, self.runtime.block_on(work)),
                Outward::Terminal(TerminalEffect::Edit { owner, text, back, .. }) => {
                    Message::Deliver(owner, back((self.editor)(text)))
                }
                Outward::Terminal(TerminalEffect::Copy(text)) => {
                    self.copied.push(text);
                    continue;
                }
                Outward::Terminal(TerminalEffect::Quit) => {
                    self.has_quit = true;
                    continue;
                }
                Outward::Terminal(TerminalEffect::Redraw | TerminalEffect::Suspend) => continue,
            };
            self.tell(message);
        }
    }

    pub fn tell(&mut self, message: Message) {
        let outward = self.app.update(message);
        self.perform(outward);
    }

    pub fn press(&mut self, code: KeyCode) {
        self.tell(Message::Input(Input::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }

    pub fn press_ctrl(&mut self, c: char) {
        self.tell(Message::Input(Input::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))));
    }

    /// Key by key.
    pub fn types(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    pub fn pastes(&mut self, text: &str) {
        self.tell(Message::Input(Input::Paste(text.to_owned())));
    }

    /// Another tab sends the person there.
    pub fn is_sent(&mut self, tab: TabId, target: Target) {
        let outward = self.app.send(tab, target);
        self.perform(outward);
    }

    /// The engine has news.
    pub fn sees(&mut self, snapshot: Snapshot) {
        self.tell(Message::Snapshot(Arc::new(snapshot)));
    }

    #[must_use]
    pub fn buffer(&self) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, self.size.0, self.size.1));
        self.app.draw(&mut buffer);
        buffer
    }

    /// The rows of the screen, without blanks at their ends.
    #[must_use]
    pub fn rows(&self) -> Vec<String> {
        let buffer = self.buffer();
        let row = |y: u16| {
            let text: String = (0..self.size.0).map(|x| buffer[(x, y)].symbol().to_owned()).collect();
            text.trim_end().to_owned()
        };
        (0..self.size.1).map(row).collect()
    }

    #[must_use]
    pub fn screen(&self) -> String {
        self.rows().join("\n")
    }

    #[track_caller]
    pub fn expects(&self, text: &str) {
        assert!(self.screen().contains(text), "`{text}` is not on the screen:\n{}", self.screen());
    }

    #[track_caller]
    pub fn expects_not(&self, text: &str) {
        assert!(!self.screen().contains(text), "`{text}` is on the screen:\n{}", self.screen());
    }
}
