//! What opens a workspace: a key file that only its owner can read, or a passphrase. Never shows either.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use zeroize::Zeroizing;

use super::args::Global;
use super::home::{Home, WorkspaceName, make_private_dir};
use super::input;
use crate::error::{Outcome, Report};

/// In bytes: AES-256.
const KEY_BYTES: usize = 32;

/// What unlocks a workspace.
#[derive(Debug)]
pub enum Unlock {
    /// A raw key of 32 bytes.
    Key(SecretSlice<u8>),
    Passphrase(SecretString),
}

/// Where the key of a new workspace is, for the message that tells to keep it.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyPlace {
    Made(PathBuf),
    Given(PathBuf),
    Passphrase,
}

/// The key of a workspace that exists.
///
/// # Errors
/// A credentials report when there is none, or it cannot be used.
pub fn find(global: &Global, home: &Home, name: &WorkspaceName) -> Outcome<Unlock> {
    if global.passphrase_stdin {
        return input::passphrase(false).map(Unlock::Passphrase);
    }
    if let Some(file) = &global.key_file {
        return read(file).map(Unlock::Key);
    }
    let file = home.default_key_file(name);
    if file.exists() {
        return read(&file).map(Unlock::Key);
    }
    if io::IsTerminal::is_terminal(&io::stdin()) {
        return input::passphrase(false).map(Unlock::Passphrase);
    }
    Err(Report::connection(format!("the workspace `{name}` is locked"))
        .because(format!("there is no key file {}", file.display()))
        .hint("name its key with --key-file FILE, or give its passphrase with --passphrase-stdin"))
}

/// The key of a workspace to be made: the passphrase asked for, the key file named, or a new key file.
///
/// # Errors
/// A credentials report when a key file is there and cannot be used; a failure when none can be made.
pub fn make(global: &Global, home: &Home, name: &WorkspaceName) -> Outcome<(Unlock, KeyPlace)> {
    if global.passphrase_stdin {
        return Ok((Unlock::Passphrase(input::passphrase(true)?), KeyPlace::Passphrase));
    }
    let file = global.key_file.clone().unwrap_or_else(|| home.default_key_file(name));
    if file.exists() {
        return Ok((Unlock::Key(read(&file)?), KeyPlace::Given(file)));
    }
    let key = write_new(&file)?;
    Ok((Unlock::Key(key), KeyPlace::Made(file)))
}

/// Reads a key file: 64 hexadecimal digits.
fn read(file: &Path) -> Outcome<SecretSlice<u8>> {
    let unusable =
        |cause: String| Report::connection(format!("the key file {} cannot be used", file.display())).because(cause);
    let handle = File::open(file).map_err(|error| {
        unusable(error.to_string()).hint("name the workspace's key with --key-file, or mount the disk it is on")
    })?;
    refuse_open_mode(file, &handle)?;
    let mut text = Zeroizing::new(String::new());
    handle.take(1024).read_to_string(&mut text).map_err(|error| unusable(error.to_string()))?;
    from_hex(text.trim()).map(SecretSlice::from).ok_or_else(|| {
        unusable(format!("it does not hold {} hexadecimal digits", KEY_BYTES * 2))
            .hint("restore it from where you keep a copy; without it the workspace cannot be read")
    })
}

/// A key that others can read is no key.
#[cfg(unix)]
fn refuse_open_mode(file: &Path, handle: &File) -> Outcome<()> {
    use std::os::unix::fs::PermissionsExt;
    let report = || Report::connection(format!("the key file {} cannot be used", file.display()));
    let mode = handle.metadata().map_err(|error| report().because(error))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(report()
        .because(format!("other accounts can read it (mode {mode:04o})"))
        .hint(format!("run `chmod 600 {}`", file.display())))
}

#[cfg(not(unix))]
fn refuse_open_mode(_file: &Path, _handle: &File) -> Outcome<()> {
    Ok(())
}

/// Makes a key file, which must not exist, and gives the key in it.
fn write_new(file: &Path) -> Outcome<SecretSlice<u8>> {
    let failed =
        |cause: String| Report::failed(format!("the key file {} cannot be made", file.display())).because(cause);
    if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        make_private_dir(dir)?;
    }
    let mut bytes = Zeroizing::new(vec![0; KEY_BYTES]);
    SystemRandom::new().fill(&mut bytes).map_err(|_| failed("the system gives no random numbers".to_owned()))?;
    let mut text = to_hex(&bytes);
    text.push('\n');
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut handle = options.open(file).map_err(|error| failed(error.to_string()))?;
    let written = handle.write_all(text.as_bytes()).and_then(|()| handle.sync_all());
    if let Err(error) = written {
        // Half a key must not be taken for one later.
        let cleaned = fs::remove_file(file);
        return Err(failed(format!("{error}{}", if cleaned.is_err() { "; remove the file" } else { "" })));
    }
    Ok(SecretSlice::from(bytes.to_vec()))
}

fn to_hex(bytes: &[u8]) -> Zeroizing<String> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    Zeroizing::new(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != KEY_BYTES * 2 {
        return None;
    }
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

impl Unlock {
    /// The raw key as hexadecimal digits, where it is one.
    #[must_use]
    pub fn raw_hex(&self) -> Option<Zeroizing<String>> {
        match self {
            Self::Key(key) => Some(to_hex(key.expose_secret())),
            Self::Passphrase(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test without its file must stop")]

    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_new_key_file_is_private_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("deep/down/acme.key");
        let made = write_new(&file).unwrap();
        let read = read(&file).unwrap();
        assert_eq!(made.expose_secret(), read.expose_secret());
        assert_eq!(read.expose_secret().len(), KEY_BYTES);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(write_new(&file).is_err(), "an existing key is never overwritten");
    }

    #[test]
    fn two_keys_are_never_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let one = write_new(&dir.path().join("a")).unwrap();
        let two = write_new(&dir.path().join("b")).unwrap();
        assert_ne!(one.expose_secret(), two.expose_secret());
    }

    #[test]
    fn what_is_not_a_key_is_refused_and_not_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("k");
        for text in [String::new(), "abc".to_owned(), "zz".repeat(32), "ab".repeat(33), "é".repeat(32)] {
            private_file(&file, &text);
            let report = read(&file).unwrap_err();
            assert_eq!(report.kind, Kind::Connection);
            assert!(text.is_empty() || !report.to_string().contains(&text));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("k");
        private_file(&file, &"ab".repeat(32));
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        let report = read(&file).unwrap_err();
        assert!(report.hint.unwrap().contains("chmod 600"));
    }

    fn private_file(file: &Path, text: &str) {
        fs::write(file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        }
    }
}
