//! The key of a workspace file: from a key file, a passphrase, or thrown away at the end.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;

use ring::rand::{SecureRandom, SystemRandom};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use zeroize::Zeroizing;

use super::error::{StoreError, StoreResult};

const BYTES: usize = 32;
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What opens a workspace file. Cheap to clone; the secret exists once and is wiped with the last clone.
#[derive(Clone)]
pub struct Key(Arc<Kind>);

enum Kind {
    /// 256 bits, used as they are.
    Raw(SecretBox<[u8; BYTES]>),
    /// Stretched by SQLCipher (PBKDF2, 256,000 rounds): about a tenth of a second per opening.
    Passphrase(SecretString),
}

impl Key {
    /// Reads the key file at `path`, or makes one with a new random key, readable by its owner alone.
    ///
    /// # Errors
    /// When the file is open to group or world, is not 64 hexadecimal characters and a line break, or cannot be made.
    pub fn create_file(path: &Path) -> StoreResult<Self> {
        if path.exists() {
            return Self::read_file(path);
        }
        let made = random().and_then(|bytes| place(path, &hex(&*bytes)).map(|()| Self::raw(&bytes)));
        match made {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read_file(path),
            made => made.map_err(|error| StoreError::io("making the key file", path, &error)),
        }
    }

    /// Reads an existing key file.
    ///
    /// # Errors
    /// As for [`Key::create_file`], and when there is none.
    pub fn read_file(path: &Path) -> StoreResult<Self> {
        let failed = |error: &io::Error| StoreError::io("reading the key file", path, error);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(StoreError::Io {
                what: format!("reading the key file {}", path.display()),
                detail: "it is no file".to_owned(),
            });
        }
        refuse_shared(path, &metadata)?;
        let mut text = Zeroizing::new(Vec::with_capacity(2 * BYTES + 2));
        let longest = 2 * BYTES as u64 + 2;
        file.take(longest + 1).read_to_end(&mut text).map_err(|error| failed(&error))?;
        let bytes = parse(&text).ok_or_else(|| StoreError::KeyFile {
            file: path.to_owned(),
            why: "it does not hold exactly 64 hexadecimal characters".to_owned(),
        })?;
        Ok(Self::raw(&bytes))
    }

    /// A key that a person remembers.
    #[must_use]
    pub fn from_passphrase(passphrase: SecretString) -> Self {
        Self(Arc::new(Kind::Passphrase(passphrase)))
    }

    /// A random key that nobody keeps: what it locks is gone with the process.
    ///
    /// # Errors
    /// When the operating system has no randomness to give.
    pub fn throw_away() -> StoreResult<Self> {
        let bytes = random().map_err(|error| StoreError::Other(error.to_string()))?;
        Ok(Self::raw(&bytes))
    }

    fn raw(bytes: &[u8; BYTES]) -> Self {
        Self(Arc::new(Kind::Raw(SecretBox::new(Box::new(*bytes)))))
    }

    /// The argument of SQLCipher's `PRAGMA key`.
    pub(super) fn pragma(&self) -> Zeroizing<String> {
        match &*self.0 {
            Kind::Raw(bytes) => Zeroizing::new(format!("x'{}'", *hex(bytes.expose_secret()))),
            Kind::Passphrase(text) => Zeroizing::new(text.expose_secret().to_owned()),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &*self.0 {
            Kind::Raw(_) => "Key(raw, hidden)",
            Kind::Passphrase(_) => "Key(passphrase, hidden)",
        })
    }
}

fn random<const N: usize>() -> io::Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new()
        .fill(&mut *bytes)
        .map_err(|_| io::Error::other("the operating system gave no random numbers"))?;
    Ok(bytes)
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * bytes.len() + 1));
    for byte in bytes {
        text.push(HEX[usize::from(byte >> 4)].into());
        text.push(HEX[usize::from(byte & 15)].into());
    }
    text
}

fn parse(text: &[u8]) -> Option<Zeroizing<[u8; BYTES]>> {
    let digits = text.strip_suffix(b"\n").unwrap_or(text);
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    if digits.len() != 2 * BYTES {
        return None;
    }
    let mut bytes = Zeroizing::new([0; BYTES]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(c: u8) -> Option<u8> {
    char::from(c).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Writes a new key file whole: nobody finds it empty or cut short, not even after a crash. Of several that come at once
/// one wins; `AlreadyExists` for the others.
fn place(path: &Path, digits: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("draft-{}", *hex(&*random::<8>()?)));
    let written = create_private(&draft)
        .and_then(|mut file| {
            file.write_all(digits.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        })
        .and_then(|()| fs::hard_link(&draft, path));
    // A draft that was not made is not there to be removed; the first error is the one to report.
    drop(fs::remove_file(&draft));
    written.and_then(|()| sync_parent(path))
}

/// A new file that only its owner can read.
pub(super) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes the name of a new file as durable as its content.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn refuse_shared(path: &Path, metadata: &fs::Metadata) -> StoreResult<()> {
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let why = format!("others on this machine can use it (mode {mode:03o})");
    Err(StoreError::KeyFile { file: path.to_owned(), why })
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _metadata: &fs::Metadata) -> StoreResult<()> {
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_is_made_once_and_then_used_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let made = Key::create_file(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let again = Key::create_file(&path).unwrap();
        assert_eq!(*made.pragma(), *again.pragma());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!((text.len(), *made.pragma() == format!("x'{}'", text.trim())), (65, true));
    }

    #[test]
    fn of_many_that_make_one_key_file_at_once_all_get_the_same_whole_key() {
        for _ in 0..50 {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("acme.key");
            let start = std::sync::Barrier::new(8);
            let made = std::thread::scope(|scope| {
                let make = || {
                    start.wait();
                    Key::create_file(&path).map(|key| key.pragma().to_string())
                };
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            });
            let kept = Key::read_file(&path).unwrap().pragma().to_string();
            assert_eq!(made, vec![Ok(kept); 8]);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_belongs_to_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        Key::create_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Key::create_file(&path), Err(StoreError::KeyFile { .. })), "mode {mode:o} was accepted");
        }
    }

    #[test]
    fn a_malformed_key_file_is_refused_and_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in [("empty", String::new()), ("short", "ab".repeat(31)), ("odd", "zz".repeat(32))] {
            let path = dir.path().join(name);
            create_private(&path).unwrap().write_all(text.as_bytes()).unwrap();
            assert!(matches!(Key::create_file(&path), Err(StoreError::KeyFile { .. })), "{name} was accepted");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn debug_output_hides_the_key() {
        let key = Key::from_passphrase("correct horse".to_owned().into());
        assert_eq!(format!("{key:?}"), "Key(passphrase, hidden)");
        let key = Key::throw_away().unwrap();
        assert_eq!(format!("{key:?}"), "Key(raw, hidden)");
        assert_ne!(*key.pragma(), *Key::throw_away().unwrap().pragma());
    }
}
