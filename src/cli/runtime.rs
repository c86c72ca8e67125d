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

/// Waits for Ctrl-C, or for the signal by which service managers end a process.
///
/// # Errors
/// When signals cannot be listened for.
pub async fn interrupted() -> Outcome<()> {
    let failed = |error: std::io::Error| Report::failed("signals cannot be listened for").because(error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        tokio::select! {
            done = tokio::signal::ctrl_c() => done.map_err(failed),
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(failed)
}
