//! Taking the terminal over and giving it back, at every way out: the end, a panic, a signal, `$EDITOR`, Ctrl-Z.

use std::io::{self, Write};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use crossterm::{execute, queue};

/// The columns of the terminal; none where there is none, or where it does not know.
#[must_use]
pub fn columns() -> Option<usize> {
    crossterm::terminal::size().ok().map(|(columns, _)| usize::from(columns))
}

/// Whether the terminal is ours. One process has one terminal.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Has the terminal while it lives; gives it back when dropped.
pub struct Terminal;

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// When standard input or output is not a terminal.
    pub fn take() -> io::Result<Self> {
        enter()?;
        Ok(Self)
    }

    /// Takes the terminal over again after somebody else changed it, such as a shell that stopped this process.
    ///
    /// # Errors
    /// When it is gone.
    pub fn retake(&mut self) -> io::Result<()> {
        leave();
        enter()
    }

    /// Gives the terminal back for the time of `f`. Whoever reads keys must have stopped before.
    ///
    /// # Errors
    /// When it cannot be taken over again.
    pub fn lend<T>(&mut self, f: impl FnOnce() -> T) -> io::Result<T> {
        leave();
        let result = f();
        enter()?;
        Ok(result)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        leave();
    }
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::SeqCst);
    execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste, Hide)
}

/// Restores the terminal, if it is ours. Errors have nowhere to go: the terminal is what is gone.
fn leave() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    let mut out = io::stdout();
    let _ = queue!(out, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let _ = out.flush();
    let _ = disable_raw_mode();
}

/// Restores the screen when this thread panics, before the message is printed. A panic of another thread is logged
/// and leaves the screen alone, because the console goes on.
pub fn guard_against_panics() -> PanicGuard {
    let ui_thread = std::thread::current().id();
    let before = std::sync::Arc::new(std::panic::take_hook());
    let hook = std::sync::Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() == ui_thread {
            leave();
            hook(info);
        } else if TAKEN.load(Ordering::SeqCst) {
            tracing::error!(panic = %info, "a thread panicked");
        } else {
            hook(info);
        }
    }));
    PanicGuard { before }
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Send + Sync>;

/// Puts the panic hook of before back.
pub struct PanicGuard {
    before: std::sync::Arc<Hook>,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        // While panicking, the hook can't be changed, and need not be.
        if !std::thread::panicking() {
            let before = std::sync::Arc::clone(&self.before);
            std::panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Stops this process until the shell continues it.
///
/// # Errors
/// When the signal cannot be sent.
pub fn stop_process() -> io::Result<()> {
    signal_hook::low_level::raise(signal_hook::consts::SIGTSTP)
}

/// The bytes that put a text into the clipboard of the terminal a person sits at (OSC 52), also from within tmux.
#[must_use]
pub fn clipboard_bytes(text: &str, in_tmux: bool) -> Vec<u8> {
    let encoded = STANDARD.encode(text);
    let plain = format!("\u{1b}]52;c;{encoded}\u{7}");
    if in_tmux {
        // tmux passes on what it is told to, with every escape doubled.
        format!("\u{1b}Ptmux;{}\u{1b}\\", plain.replace('\u{1b}', "\u{1b}\u{1b}")).into_bytes()
    } else {
        plain.into_bytes()
    }
}

/// An editor could not be used; the text says why.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("neither $VISUAL nor $EDITOR names an editor")]
    NoEditor,
    #[error("{0} could not be started: {1}")]
    NotStarted(String, io::Error),
    #[error("{0} ended with an error; the text is unchanged")]
    Failed(String),
    #[error("the file to edit could not be written or read: {0}")]
    File(#[from] io::Error),
}

/// Lets the person edit `text` with the editor that `$VISUAL` or `$EDITOR` names, and gives back what they saved.
/// The terminal must have been lent.
///
/// # Errors
/// When there is no editor, it fails, or the file cannot be read back.
pub fn edit_with_editor(text: &str, suffix: &str) -> Result<String, EditError> {
    let editor = ["VISUAL", "EDITOR"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|value| !value.trim().is_empty())
        .ok_or(EditError::NoEditor)?;
    edit_text(&editor, text, suffix)
}

/// `editor` is a program and its arguments, separated by blanks.
fn edit_text(editor: &str, text: &str, suffix: &str) -> Result<String, EditError> {
    let mut words = editor.split_whitespace();
    let program = words.next().ok_or(EditError::NoEditor)?;
    let folder = PrivateFolder::create()?;
    let path = folder.0.join(format!("lockstep{suffix}"));
    std::fs::write(&path, text)?;
    let status = Command::new(program)
        .args(words)
        .arg(&path)
        .status()
        .map_err(|error| EditError::NotStarted(program.to_owned(), error))?;
    if !status.success() {
        return Err(EditError::Failed(program.to_owned()));
    }
    Ok(std::fs::read_to_string(&path)?)
}

/// A folder that only this user can look into; gone when dropped.
struct PrivateFolder(std::path::PathBuf);

impl PrivateFolder {
    fn create() -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let mut attempt = 0;
        loop {
            let path = std::env::temp_dir().join(format!("lockstep-{}-{attempt}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;

    #[test]
    fn a_copied_text_cannot_end_its_own_sequence() {
        let bytes = clipboard_bytes("a\u{7}b\u{1b}", false);
        assert_eq!(bytes, b"\x1b]52;c;YQdiGw==\x07");
        let in_tmux = clipboard_bytes("a", true);
        assert_eq!(in_tmux, b"\x1bPtmux;\x1b\x1b]52;c;YQ==\x07\x1b\\");
    }

    #[test]
    fn the_editor_gets_the_text_in_a_file_of_that_kind_and_what_it_saves_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("editor");
        std::fs::write(&script, "case $2 in *.toml) echo \"$1\" >> \"$2\";; *) exit 1;; esac").unwrap();
        let editor = format!("sh {} added", script.display());
        assert_eq!(edit_text(&editor, "first\n", ".toml").unwrap(), "first\nadded\n");
        assert!(matches!(edit_text(&editor, "first\n", ".txt"), Err(EditError::Failed(_))));
        assert!(matches!(edit_text("/nowhere/vi", "", ".txt"), Err(EditError::NotStarted(..))));
        assert!(matches!(edit_text(" ", "", ".txt"), Err(EditError::NoEditor)));
    }
}
