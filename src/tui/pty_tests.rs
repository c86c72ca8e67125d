//! The console in a real terminal: this test program starts itself in a pseudo-terminal and looks at the screen.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
#![expect(clippy::disallowed_methods, reason = "a real terminal answers in real time; every wait has a deadline")]

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

struct Session {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    seen: Arc<Mutex<(vt100::Parser, usize)>>,
}

impl Session {
    fn start(test: &str) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("LC_ALL", "C.UTF-8");
        command.env("TERM", "xterm-256color");
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let seen = Arc::new(Mutex::new((vt100::Parser::new(24, 80, 0), 0)));
        let sink = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let mut seen = sink.lock().unwrap();
                seen.0.process(&bytes[..count]);
                seen.1 += count;
            }
        });
        let writer = pair.master.take_writer().unwrap();
        Self { master: pair.master, writer, child, seen }
    }

    fn types(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn screen(&self) -> String {
        self.seen.lock().unwrap().0.screen().contents()
    }

    fn is_alternate(&self) -> bool {
        self.seen.lock().unwrap().0.screen().alternate_screen()
    }

    fn bytes(&self) -> usize {
        self.seen.lock().unwrap().1
    }

    #[track_caller]
    fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < PATIENCE, "never: {what}\n{}", self.screen());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    #[track_caller]
    fn expects(&self, text: &str) {
        self.until(text, |session| session.screen().contains(text));
    }

    fn signal(&self, name: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

const BY_HAND: &str = "tui::tests::by_hand";

#[test]
fn the_console_lives_in_a_real_terminal_and_gives_it_back() {
    let mut session = Session::start(BY_HAND);
    session.expects("acme-msp");
    assert!(session.is_alternate());
    session.types("5");
    session.expects("[5 Activity]");
    session.types("\u{1b}[200~qqq\u{1b}[201~");
    session.expects("Pasted text goes where text is written");
    session.seen.lock().unwrap().0.screen_mut().set_size(30, 100);
    session.master.resize(PtySize { rows: 30, cols: 100, pixel_width: 0, pixel_height: 0 }).unwrap();
    session.until("30 rows are used", |session| session.screen().lines().count() == 30);
    session.types("?");
    session.expects("Keys");
    // Followed at once by a letter, Esc would be Alt and that letter.
    session.types("\u{1b}");
    session.until("Esc alone closes the help", |session| !session.screen().contains("┌─ Keys"));
    session.types("q");
    session.until("the terminal is given back", |session| !session.is_alternate());
    assert!(session.child.wait().unwrap().success());
}

#[test]
fn an_idle_console_writes_nothing() {
    let mut session = Session::start(BY_HAND);
    session.expects("acme-msp");
    session.types("5");
    session.expects("Managed IT");
    std::thread::sleep(Duration::from_millis(300));
    let before = session.bytes();
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(session.bytes(), before);
    session.types("q");
    session.until("the terminal is given back", |session| !session.is_alternate());
}

#[test]
fn being_told_to_end_gives_the_terminal_back() {
    for signal in ["-TERM", "-HUP"] {
        let session = Session::start(BY_HAND);
        session.expects("acme-msp");
        session.signal(signal);
        session.until("the terminal is given back", |session| !session.is_alternate());
    }
}

#[test]
fn a_panic_of_the_console_gives_the_terminal_back_and_one_elsewhere_leaves_it_alone() {
    let mut session = Session::start("tui::pty_tests::a_console_that_panics");
    session.expects("fine so far");
    session.types("w");
    session.expects("a worker was lost");
    assert!(session.is_alternate());
    session.types("u");
    session.until("the terminal is given back", |session| !session.is_alternate());
    session.expects("on purpose");
}

mod panicking {
    use ratatui::layout::Rect;

    use crate::tui::action::{Action, Actor, Info, Key, always};
    use crate::tui::tab::{Page, TabId};
    use crate::tui::widgets::Paint;
    use crate::tui::*;
    use crate::view::Cell;

    #[derive(Default)]
    pub struct Panicking {
        lost: bool,
    }

    impl Actor for Panicking {
        type Message = bool;
    }

    impl Page for Panicking {
        const ID: TabId = TabId::Records;
        const ACTIONS: &'static [Action<Self>] = &[
            Action {
                info: Info::new("worker", "worker", &[Key::char('w')], "Panic elsewhere"),
                enabled: always,
                run: |_, ctx| ctx.fetch(|| panic!("in a worker, on purpose"), |_| true),
            },
            Action {
                info: Info::new("ui", "ui", &[Key::char('u')], "Panic here"),
                enabled: always,
                run: |_, _| panic!("in the console, on purpose"),
            },
        ];

        fn receive(&mut self, lost: bool, _: &mut Ctx<'_, bool>) {
            self.lost = lost;
        }

        fn draw(&self, area: Rect, paint: &mut Paint<'_>) {
            paint.line(area, &[Cell::plain(if self.lost { "a worker was lost" } else { "fine so far" })]);
        }
    }
}

#[test]
#[ignore = "started by another test, in a terminal"]
fn a_console_that_panics() {
    let context = super::Context {
        workspace: "acme-msp".into(),
        settings: super::Settings::default(),
        engine: super::testing::FakeEngine::new(super::testing::running()),
        source: Arc::new(super::testing::FakeSource::default()),
        demo: None,
        desk: super::tabs::testing::desk(),
    };
    let outcome = super::run_with(context, || vec![Box::new(panicking::Panicking::default())]);
    assert!(matches!(outcome, Err(super::Error::Panicked)));
}
