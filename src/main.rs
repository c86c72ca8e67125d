//! The door: hands the command line over and gives its exit code back.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(lockstep::cli::run(std::env::args_os()))
}
