//! Two engines on one workspace, and two copies of one workspace on the same systems.

use std::path::PathBuf;
use std::process::Child;

use lockstep::store::{Key, Workspace};

use super::*;

/// How long the systems hold an answer back for a test to do something meanwhile.
const HELD_UP: Fault = Fault::Delay { ms: 1_500 };

/// The real binary in the middle of a run, which can be stopped and set going again as a terminal or a laptop does it.
struct Sync(Child);

impl Sync {
    fn start(bench: &Bench) -> Self {
        Self(bench.binary("sync --once").spawn().unwrap())
    }

    fn signal(&self, name: &str) {
        let done = std::process::Command::new("kill").args([name, &self.0.id().to_string()]).status().unwrap();
        assert!(done.success(), "kill {name}");
    }

    async fn end(self) -> (i32, String) {
        let output = tokio::task::spawn_blocking(move || self.0.wait_with_output().unwrap()).await.unwrap();
        (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

impl Bench {
    async fn sync(&self) -> (i32, String) {
        Sync::start(self).end().await
    }

    /// Waits until a fault has struck, so many of them left.
    async fn struck(&self, left: usize) {
        until("the request comes", || self.running.control.faults().len() == left).await;
    }

    fn lock(&self) -> PathBuf {
        self.workspace.file().with_extension("db.lock")
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_over_from_a_process_that_stands_still_in_the_middle_of_a_write() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    let before = bench.now();
    bench.running.control.inject(FaultRule::once(HELD_UP).on(CONNECTWISE).method("PATCH").path("/"));
    let first = Sync::start(&bench);
    bench.struck(0).await;
    first.signal("-STOP");
    let pid = first.0.id();
    // Longer than a write can be on its way here: whoever took over now would take it for lost.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let (code, said) = bench.sync().await;
    assert_eq!(code, 3, "{said}");
    assert!(said.contains(&format!("process {pid} on ")), "who holds it: {said}");
    assert!(said.contains("end the other engine first"), "what to do: {said}");
    first.signal("-CONT");
    let (code, said) = first.end().await;
    assert_eq!(code, 0, "{said}");
    let writes = bench.writes_since(before);
    assert_eq!(writes.len(), 1, "{writes:?}");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn");
    assert_eq!(bench.sync().await.0, 0, "and the next one may");
    assert_eq!(bench.writes_since(before).len(), 1);
}

/// Somebody removes the file that is locked, or it is on a disk that knows no locks: then only the row tells.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_taken_over_while_it_stood_still_writes_nothing_more() {
    let bench = Bench::new(Data::Empty).await;
    bench.pair("Acme").await;
    bench.create(HUBSPOT, "Birch");
    let before = bench.now();
    bench.running.control.inject(FaultRule::once(HELD_UP).on(HUBSPOT).method("GET").path("objects/"));
    let first = Sync::start(&bench);
    bench.struck(0).await;
    first.signal("-STOP");
    std::fs::remove_file(bench.lock()).unwrap();
    let (code, said) = loop {
        let (code, said) = bench.sync().await;
        if !said.contains("another process is writing") {
            break (code, said);
        }
        // it was stopped in the middle of a commit: that one may end
        first.signal("-CONT");
        tokio::time::sleep(Duration::from_millis(20)).await;
        first.signal("-STOP");
    };
    assert_eq!(code, 0, "{said}");
    let made = bench.only(CONNECTWISE, "Birch");
    let writes = bench.writes_since(before);
    // What the second has brought across changes once more, so that the first would have something to write.
    bench.edit(HUBSPOT, bench.only(HUBSPOT, "Birch"), "city", "Bonn");
    first.signal("-CONT");
    let (code, said) = first.end().await;
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("took the workspace over"), "{said}");
    assert_eq!(bench.writes_since(before), writes, "it wrote though another engine had taken over");
    bench.settle().await;
    assert_eq!(bench.only(CONNECTWISE, "Birch"), made);
    assert_eq!(bench.value(CONNECTWISE, made, "city"), "Bonn");
}

/// A copy of a workspace, as a backup or another machine has it.
struct Twin {
    workspace: Workspace,
    _home: tempfile::TempDir,
}

impl Twin {
    fn of(bench: &Bench) -> Self {
        let home = tempfile::tempdir().unwrap();
        let from = bench.workspace.file();
        for entry in std::fs::read_dir(from.parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, home.path().join(path.file_name().unwrap())).unwrap();
        }
        let key = Key::read_file(&bench.home.path().join("keys/acme.key")).unwrap();
        Self { workspace: Workspace::open(home.path(), "acme", &key).unwrap(), _home: home }
    }

    async fn run(&self) -> Verdict {
        let parts = setup::parts(&self.workspace, Mode::Once, Clock::start(), &Steps::default()).await.unwrap();
        let mut engine = driver::start(&self.workspace, parts).unwrap();
        let finished = finished(&mut engine).await;
        engine.stop().await;
        finished.run.verdict
    }
}

/// How often each e-mail address is there.
fn addresses(bench: &Bench, side: Side) -> std::collections::BTreeMap<String, usize> {
    let field = if side == HUBSPOT { "email" } else { "communications/1" };
    let mut all = std::collections::BTreeMap::new();
    for record in bench.running.control.records(side, Object::Contact, 0, 10_000) {
        let address = record[field].as_str().unwrap_or_default().to_owned();
        *all.entry(address).or_default() += usize::from(record["deleted"] != true);
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_of_a_workspace_in_turns_make_nothing_twice_and_lose_nothing() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    // Copied in the middle: the answer to a create is lost, and both copies have it among the writes of unknown fate.
    bench
        .running
        .control
        .inject(FaultRule::once(Fault::DropAfterCommit).on(CONNECTWISE).method("POST").path("company/contacts"));
    bench.hubspot_contact("open@acme.example.com", Some(hubspot));
    bench.run().await;
    let twin = Twin::of(&bench);
    for round in 0..3 {
        let ours = format!("h{round}@acme.example.com");
        let theirs = format!("c{round}@acme.example.com");
        bench.hubspot_contact(&ours, Some(hubspot));
        bench.connectwise_contact(&theirs, connectwise);
        bench.edit(HUBSPOT, hubspot, "city", &format!("Bonn {round}"));
        bench.edit(CONNECTWISE, connectwise, "zip", &format!("5311{round}"));
        // Whoever comes first, the other finds what was done.
        if round % 2 == 0 {
            twin.run().await;
        }
        bench.settle().await;
        for _ in 0..3 {
            twin.run().await;
        }
        let before = bench.now();
        bench.settle().await;
        assert_eq!(twin.run().await, Verdict::Done);
        assert_eq!(bench.writes_since(before), [], "round {round}: they undo each other's work");
        assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), format!("Bonn {round}"));
        assert_eq!(bench.value(HUBSPOT, hubspot, "zip"), format!("5311{round}"));
    }
    for side in [HUBSPOT, CONNECTWISE] {
        let all = addresses(&bench, side);
        assert_eq!(all.len(), 7, "{all:?}");
        assert!(all.values().all(|times| *times == 1), "{}: {all:?}", side.name());
    }
}

/// What cannot be prevented: both look before either has written. Whatever is there twice then is told to a person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_of_a_workspace_at_the_same_time_tell_of_every_record_that_both_made() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let twin = Twin::of(&bench);
    for n in 0..4 {
        bench.hubspot_contact(&format!("h{n}@acme.example.com"), Some(hubspot));
        bench.connectwise_contact(&format!("c{n}@acme.example.com"), connectwise);
    }
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    let slow = FaultRule { count: Some(8), ..FaultRule::once(Fault::Delay { ms: 200 }).on(CONNECTWISE).method("POST") };
    bench.running.control.inject(slow);
    tokio::join!(bench.run(), twin.run());
    bench.running.control.clear_faults();
    for _ in 0..4 {
        bench.run().await;
        twin.run().await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let before = bench.now();
    bench.run().await;
    twin.run().await;
    assert_eq!(bench.writes_since(before), [], "they undo each other's work");
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn");
    let unique = addresses(&bench, HUBSPOT);
    assert!(unique.len() == 8 && unique.values().all(|times| *times == 1), "HubSpot refuses a second one: {unique:?}");
    let twice = addresses(&bench, CONNECTWISE).values().filter(|times| **times > 1).count();
    let told = |workspace: &Workspace| {
        let groups = workspace.reader().unwrap().issue_groups().unwrap();
        let of = groups.iter().filter(|group| group.class == IssueClass::SuspectedDuplicate);
        of.map(|group| usize::try_from(group.count).unwrap()).sum::<usize>()
    };
    let (here, there) = (told(&bench.workspace), told(&twin.workspace));
    println!("{twice} twins, told of {here} and {there}");
    assert!(here >= twice && there >= twice, "{twice} twins in ConnectWise, and only {here} and {there} are told of");
}
