//! Which key opens a workspace: a passphrase, the key file named, or the one in the home. Never shows either.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use super::args::Global;
use super::home::{Home, WorkspaceName, make_private_dir};
use super::input;
use crate::error::{Outcome, Report};
use crate::store::Key;

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
pub fn find(global: &Global, home: &Home, name: &WorkspaceName) -> Outcome<Key> {
    if global.passphrase_stdin {
        return input::passphrase(false).map(Key::from_passphrase);
    }
    if let Some(file) = &global.key_file {
        return Ok(Key::read_file(file)?);
    }
    let file = home.default_key_file(name);
    if file.exists() {
        return Ok(Key::read_file(&file)?);
    }
    if io::stdin().is_terminal() {
        return input::passphrase(false).map(Key::from_passphrase);
    }
    Err(Report::connection(format!("the workspace `{name}` is locked"))
        .because(format!("there is no key file {}", file.display()))
        .hint("name its key with --key-file FILE, or give its passphrase with --passphrase-stdin"))
}

/// The key of a workspace to be made: the passphrase asked for, the key file named, or a new key file.
///
/// # Errors
/// A credentials report when a key file is there and cannot be used; a failure when none can be made.
pub fn make(global: &Global, home: &Home, name: &WorkspaceName) -> Outcome<(Key, KeyPlace)> {
    if global.passphrase_stdin {
        return Ok((Key::from_passphrase(input::passphrase(true)?), KeyPlace::Passphrase));
    }
    let file = global.key_file.clone().unwrap_or_else(|| home.default_key_file(name));
    if let Some(dir) = file.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        make_private_dir(dir)?;
    }
    let existed = file.exists();
    let key = Key::create_file(&file)?;
    Ok((key, if existed { KeyPlace::Given(file) } else { KeyPlace::Made(file) }))
}
