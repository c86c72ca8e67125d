//! The program's log while a test runs, to see what it says and what it must not say.

use std::sync::{Arc, Mutex};

use tracing_subscriber::layer::SubscriberExt as _;

/// Everything logged since [`listen`], as the lines of a log file.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Somebody listens on every thread, for ever. Without that, a line of code that a test without a listener meets first is
/// remembered as one that nobody listens to, at whatever moment that happens.
fn everybody_listens() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let levels = tracing_subscriber::filter::Targets::new().with_target("lockstep", tracing::Level::TRACE);
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(levels)).unwrap();
    });
}

/// Listens to the program's own rooms on this thread, until the guard goes.
pub fn listen(level: tracing::Level) -> (Lines, tracing::subscriber::DefaultGuard) {
    everybody_listens();
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).json().flatten_event(true);
    let levels = tracing_subscriber::filter::Targets::new().with_target("lockstep", level);
    let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(levels).with(layer));
    (lines, guard)
}
