//! The command line: one file per command.

pub mod args;
pub mod home;
pub mod input;
pub mod key;
pub mod output;
pub mod pair;
pub mod summary;

use std::ffi::OsString;

use clap::Parser;

use self::args::Cli;

/// Runs one command line and gives the exit code.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    match Cli::try_parse_from(&args) {
        Ok(_cli) => 0,
        Err(_error) => 2,
    }
}
