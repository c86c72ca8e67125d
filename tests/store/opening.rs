//! The first openings of a process: several threads may come at once, and each finds the cipher ready.

use std::process::Command;
use std::sync::Barrier;
use std::thread;

use lockstep::store::{Key, StoreError, Workspace};

const THREADS: usize = 8;
/// A process has one first opening only, so that many are needed to meet a bad moment.
const PROCESSES: usize = 20;

#[test]
fn threads_that_open_the_first_files_of_a_process_all_find_the_cipher_ready() {
    for _ in 0..PROCESSES {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "opening::eight_first_openings", "--ignored"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }
}

#[test]
#[ignore = "needs a process of its own; the test above runs it in many"]
fn eight_first_openings() {
    let dir = tempfile::tempdir().unwrap();
    let start = Barrier::new(THREADS);
    let made = thread::scope(|scope| {
        let make = |number: usize| {
            let (start, dir) = (&start, dir.path());
            scope.spawn(move || {
                let key = Key::throw_away().unwrap();
                start.wait();
                Workspace::create(dir, &format!("w{number}"), &key).map(drop)
            })
        };
        let threads: Vec<_> = (0..THREADS).map(make).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<Result<(), StoreError>>>()
    });
    assert_eq!(made, vec![Ok(()); THREADS]);
}
