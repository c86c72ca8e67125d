//! The command line: one file per command. Arguments in, an exit code out.

pub mod args;
mod callbacks;
mod check;
mod config;
mod config_add;
mod connect;
mod console;
mod console_rows;
mod demo;
mod desk;
mod doctor;
mod engine;
mod home;
mod init;
mod input;
mod issues;
mod key;
mod listen;
mod oauth;
mod output;
mod pair;
mod pause;
mod plan;
mod progress;
mod record;
mod runs;
mod runtime;
mod scenes;
mod schema;
mod scope;
mod session;
mod sim;
mod summary;
mod sync;
mod trouble;
mod undo;

use std::ffi::OsString;

use clap::FromArgMatches;
use clap::error::ErrorKind;

use self::args::{Cli, Command};
use self::output::Output;
use self::session::Session;
use crate::error::{Exit, Kind, Outcome, Report};
use crate::model::text::printable;
use crate::telemetry::{self, Telemetry};

/// Runs one command line and gives the exit code.
#[must_use]
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = scope::command()
        .try_get_matches_from(&args)
        .and_then(|matches| Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    match parsed {
        Ok((cli, matches)) => {
            let output = Output { json: cli.global.json };
            output.finish(scope::check(&matches, has_console(&cli)).and_then(|()| start(cli)))
        }
        Err(error) => refuse(&error, args.iter().any(|arg| arg == "--json")),
    }
}

fn has_console(cli: &Cli) -> bool {
    match &cli.command {
        None => true,
        Some(Command::Demo(args)) => !demo::is_headless(args, cli.global.json),
        Some(_) => false,
    }
}

fn start(cli: Cli) -> Outcome {
    let session = Session::new(cli.global)?;
    let _log = log(&session);
    match cli.command {
        Some(Command::Init(args)) => init::run(&session, &args),
        Some(Command::Config(command)) => config::run(&session, &command),
        Some(Command::Sim(args)) => sim::run(&session, &args),
        Some(Command::Connect(command)) => connect::run(&session, &command),
        Some(Command::Doctor) => doctor::run(&session),
        Some(Command::Schema(args)) => schema::run(&session, &args),
        Some(Command::Plan) => plan::run(&session),
        Some(Command::Issues) => issues::run(&session),
        Some(Command::Sync(args)) => sync::run(&session, &args),
        Some(Command::Explain(args)) => record::explain(&session, &args),
        Some(Command::Push(args)) => record::push(&session, &args),
        Some(Command::Runs(args)) => runs::run(&session, &args),
        Some(Command::Pause(args)) => pause::pause(&session, &args),
        Some(Command::Resume(args)) => pause::resume(&session, &args),
        Some(Command::Undo(command)) => undo::run(&session, &command),
        Some(Command::Callbacks(command)) => callbacks::run(&session, &command),
        Some(Command::Demo(args)) => demo::run(&session, &args),
        None => console::run(&session, &cli.hear),
    }
}

/// The log is a service, not a condition: without it the command goes on, and says so.
fn log(session: &Session) -> Option<Telemetry> {
    let dir = session.home.logs_dir();
    let level = std::env::var("LOCKSTEP_LOG").ok();
    let started = home::make_private_dir(&dir)
        .map_err(|report| report.cause.map_or(report.what.clone(), |cause| format!("{}: {cause}", report.what)))
        .and_then(|()| telemetry::start(&dir, level.as_deref()).map_err(|error| error.to_string()));
    started.inspect_err(|cause| session.output.note(&format!("note: this command is not logged: {cause}"))).ok()
}

/// What clap has to say: help and version on stdout, usage errors on stderr.
fn refuse(error: &clap::Error, json: bool) -> u8 {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Output { json: false }.finish(output::taken(error.print()).map(|()| Exit::Done));
    }
    // It quotes the arguments, which may hold what a terminal takes for commands.
    let text = error.to_string();
    output::say(&text.trim_end().lines().map(printable).collect::<Vec<_>>().join("\n"));
    if json {
        let report = Report::usage(error.to_string()).to_json();
        drop(output::print(&report.to_string()));
    }
    Kind::Usage.exit_code()
}
