//! The tokio runtime of one command, and the wish to stop it.

use crate::error::{Outcome, Report};

/// # Errors
/// When the operating system gives no threads.
pub fn start() -> Outcome<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Report::failed("the program cannot start its threads").because(error))
}

/// Waits for Ctrl-C, or for the signal by which service managers end a process. Both are listened for from the call on, not
/// only once it is awaited: what begins in the meantime ends in good order, too.
///
/// # Errors
/// When signals cannot be listened for.
#[cfg(unix)]
pub fn interrupted() -> impl Future<Output = Outcome<()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listening = signal(SignalKind::interrupt()).and_then(|stop| Ok((stop, signal(SignalKind::terminate())?)));
    async move {
        let (mut interrupt, mut terminate) = listening.map_err(failed)?;
        tokio::select! {
            _ = interrupt.recv() => Ok(()),
            _ = terminate.recv() => Ok(()),
        }
    }
}

/// Waits for Ctrl-C.
///
/// # Errors
/// When signals cannot be listened for.
#[cfg(not(unix))]
pub async fn interrupted() -> Outcome<()> {
    tokio::signal::ctrl_c().await.map_err(failed)
}

fn failed(error: std::io::Error) -> Report {
    Report::failed("signals cannot be listened for").because(error)
}
