//! Two people at two consoles on one workspace: the real binary, in real terminals.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use lockstep::mapping::Direction;
use lockstep::model::ConfigVersion;
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use super::*;

struct Console {
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<vt100::Parser>>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Console {
    /// At the Mappings tab.
    async fn open(bench: &Bench, author: &str) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_lockstep"));
        command.args(["--home", bench.home.path().to_str().unwrap(), "--author", author]);
        for (name, value) in [("LC_ALL", "C.UTF-8"), ("TERM", "xterm-256color"), ("NO_COLOR", "1")] {
            command.env(name, value);
        }
        for name in ["LOCKSTEP_WORKSPACE", "LOCKSTEP_KEY_FILE"] {
            command.env_remove(name);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(24, 80, 0)));
        let sink = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                sink.lock().unwrap().process(&bytes[..count]);
            }
        });
        let writer = pair.master.take_writer().unwrap();
        let mut console = Self { writer, child, screen, _master: pair.master };
        console.expects("2 Mappings").await;
        console.types("2");
        console.expects("▶   Companies").await;
        console.types("\r");
        console.expects("Companies  HubSpot").await;
        console
    }

    fn types(&mut self, text: &str) {
        self.writer.write_all(text.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    fn shows(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    async fn expects(&self, text: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.shows().contains(text) {
            assert!(Instant::now() < deadline, "`{text}` never comes:\n{}", self.shows());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // it may have ended by itself
        drop(self.child.kill());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_consoles_on_one_workspace_keep_each_others_work_and_the_engine_of_one_uses_what_the_other_deploys() {
    let bench = Bench::new(Data::Empty).await;
    let mut dana = Console::open(&bench, "dana").await;
    dana.expects("deployed 1   0 changes").await;
    let mut mia = Console::open(&bench, "mia").await;
    mia.expects("deployed 1   0 changes").await;

    dana.types("jjd");
    dana.expects("draft 2 (deployed 1)   1 change").await;
    // whoever only looks on sees it too
    mia.expects("draft 2 (deployed 1)   1 change").await;
    for round in 0..3 {
        // at the same time, so that neither has seen what the other does
        dana.types("jd");
        mia.types(if round == 0 { "jjjjjjd" } else { "jd" });
    }
    let shown = |console: &Console| console.shows().contains("7 changes");
    until("both show all seven changes", || shown(&dana) && shown(&mia)).await;
    let settings = bench.workspace.settings().unwrap();
    let draft = toml::read(&settings.draft().unwrap().unwrap().body).unwrap();
    let turned = |config: &Config| {
        let usual = defaults::config();
        let pairs = config.objects[0].fields.iter().zip(&usual.objects[0].fields);
        pairs.filter(|(now, before)| now.direction != before.direction).count()
    };
    assert_eq!(turned(&draft), 7, "{}", dana.shows());

    mia.types("D");
    mia.expects("Not tested").await;
    mia.types("u");
    mia.expects("Version 2 is deployed").await;
    dana.expects("deployed 2   0 changes").await;
    let reader = bench.workspace.reader().unwrap();
    until("dana's engine goes by what mia deployed", || {
        reader.runs_page(None, 1).unwrap().first().is_some_and(|run| run.config == ConfigVersion(2))
    })
    .await;
    let info = settings.deployed().unwrap().unwrap().info;
    assert_eq!(info.deployed.unwrap().by, "mia");
    for console in [&mut dana, &mut mia] {
        console.types("q");
        let child = &mut console.child;
        until("it ends", || child.try_wait().unwrap().is_some()).await;
    }
    let named =
        |field: &str| draft.objects[0].fields.iter().find(|one| one.hubspot.as_str() == field).unwrap().direction;
    assert_eq!((named("phone"), named("state")), (Direction::ToConnectwise, Direction::ToConnectwise));
}
