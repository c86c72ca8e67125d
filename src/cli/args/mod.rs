//! The command line as types: every command, option and help text. Knows nothing of what the commands do.

mod callbacks;
mod config;
mod connect;
mod pause;
mod sim;
mod undo;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::callbacks::{CallbacksAt, CallbacksCommand, CallbacksRemove, Hear};
pub use self::config::{ConfigCommand, ConfigText, Limit};
pub use self::connect::{Connect, ConnectConnectwise, ConnectHubspot};
pub use self::pause::{PauseArgs, Resume};
pub use self::sim::{Sim, SimData, SimNumbers};
pub use self::undo::{Runs, UndoCommand};
use crate::model::{ObjectKind, RecordId, RecordRef, System};

const EXAMPLES: &str = "\
Examples:
  lockstep demo                           look around, on simulated systems
  lockstep init acme                      a workspace for the customer acme
  lockstep connect hubspot --token-stdin  connect it; stdin holds the token
  lockstep plan                           what would be done now, and why
  lockstep sync --once                    do it
  lockstep explain company --hubspot 18273645
                                          why a record did or did not sync

Exit codes:
  0 done · 1 failed · 2 usage · 3 refused, nothing written ·
  4 connection or credentials · 5 issues need a person";

/// Keep HubSpot and ConnectWise PSA in step, both ways, field by field.
#[derive(Debug, Parser)]
#[command(
    name = "lockstep",
    version,
    override_usage = "lockstep [OPTIONS]            opens the console\n       lockstep <COMMAND> [OPTIONS]",
    after_help = EXAMPLES,
    max_term_width = 100
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(flatten)]
    pub hear: Hear,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Common options")]
pub struct Global {
    /// Answer with one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// The workspace (customer) to work on; not needed where there is only one
    #[arg(long, global = true, value_name = "NAME", env = "LOCKSTEP_WORKSPACE", hide_env_values = true)]
    pub workspace: Option<String>,
    /// The file that holds the workspace's key, if not the one in the home
    #[arg(long, global = true, value_name = "FILE", env = "LOCKSTEP_KEY_FILE", hide_env_values = true)]
    pub key_file: Option<PathBuf>,
    /// A passphrase opens the workspace: the first line of stdin; on a terminal it is asked for
    #[arg(long, global = true)]
    pub passphrase_stdin: bool,
    /// Who you are, where several people share an account; the history of the configuration and pauses say so
    #[arg(long, global = true, value_name = "NAME", env = "LOCKSTEP_AUTHOR", hide_env_values = true, value_parser = author)]
    pub author: Option<String>,
    /// Where workspaces, keys and logs live, if not in the system's own place for data
    #[arg(long, global = true, value_name = "DIR", env = "LOCKSTEP_HOME", hide_env_values = true)]
    pub home: Option<PathBuf>,
    #[command(flatten)]
    pub look: Look,
}

/// A name that fits into a line of a table.
fn author(text: &str) -> Result<String, String> {
    let name = text.trim();
    let fits = !name.is_empty() && name.chars().count() <= 60 && name.chars().all(|c| !c.is_control());
    if fits { Ok(name.to_owned()) } else { Err("a name has 1 to 60 characters, all of them printable".to_owned()) }
}

/// How the console looks and what it lets a person do.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of the console")]
pub struct Look {
    /// Let nothing be changed
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Colours: dark, light, high-contrast, or a file in your folder of themes
    #[arg(long, global = true, value_name = "NAME", env = "LOCKSTEP_THEME", hide_env_values = true)]
    pub theme: Option<String>,
    /// No colours; NO_COLOR in the environment does the same
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Nothing but ASCII
    #[arg(long, global = true)]
    pub ascii: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace: its encrypted file, its key and a first draft
    #[command(after_help = "\
Examples:
  lockstep init acme
  lockstep init acme --key-file /etc/lockstep/acme.key
  lockstep init acme --passphrase-stdin < passphrase.txt")]
    Init(Init),
    /// Store how to reach a system, after trying it
    #[command(subcommand)]
    Connect(Connect),
    /// Check that both systems allow what the configuration needs
    #[command(after_help = "\
Exit codes:
  0 all fine, or warnings only · 4 a connection or its credentials do not work ·
  5 problems that need a person")]
    Doctor,
    /// Show the fields of both systems, and what changed in them
    #[command(after_help = "\
Examples:
  lockstep schema company
  lockstep schema --drift             what changed, and what it hurts
  lockstep schema --refresh --json")]
    Schema(SchemaArgs),
    /// See, exchange, check and deploy the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Show what would be written now, and why; write nothing
    #[command(after_help = "\
Examples:
  lockstep plan
  lockstep plan --json | jq '.objects.contact'")]
    Plan,
    /// Bring both systems in step
    #[command(after_help = "\
Examples:
  lockstep sync --once --json
  lockstep sync --watch --interval 60
  lockstep sync --watch --listen 127.0.0.1:8711 \\
    --public-url https://hooks.example.com/acme
  lockstep sync --once --approve 3f9c…   let through the plan that a guard held

Exit codes:
  0 done · 3 a guard held the run (nothing written) ·
  4 a system cannot be used · 5 done, and some records need a person")]
    Sync(Sync),
    /// Show what keeps records from being in sync, by cause, with the next step
    #[command(after_help = "\
Examples:
  lockstep issues
  lockstep issues --json | jq '.causes[] | {class, object, count}'

Exit codes:
  0 nothing needs a person · 5 some records do")]
    Issues,
    /// Show why a record did, or did not, sync, stage by stage
    #[command(
        override_usage = "lockstep explain <OBJECT> <--hubspot <ID>|--connectwise <ID>> [OPTIONS]",
        after_help = "\
Examples:
  lockstep explain company --connectwise 4021
  lockstep explain contact --hubspot 30133"
    )]
    Explain(Explain),
    /// Take one record's values over to the other system, now
    #[command(
        override_usage = "lockstep push <OBJECT> <--hubspot <ID>|--connectwise <ID>>\n                     --to <SYSTEM> [OPTIONS]",
        after_help = "\
Examples:
  lockstep push company --hubspot 18273645 --to connectwise --dry-run
  lockstep push company --hubspot 18273645 --to connectwise"
    )]
    Push(Push),
    /// List what ran, or what one run wrote
    #[command(after_help = "\
Examples:
  lockstep runs
  lockstep runs 7                        the writes of run 7, with their numbers
  lockstep runs 7 --json | jq '.writes[].fields'")]
    Runs(Runs),
    /// Take back what was written, where nobody changed it since
    #[command(
        subcommand,
        after_help = "\
Exit codes:
  0 done, or nothing to undo · 1 it ended early; what is back stays so ·
  2 no such run or write · 3 a guard held it (nothing written) ·
  5 something could not be undone: it is told with what a person can do"
    )]
    Undo(UndoCommand),
    /// Write nothing, or nothing of an object or to a system, until somebody resumes it
    #[command(after_help = "\
Both systems are read on: what changes is pending, and crosses after
`lockstep resume`.

Examples:
  lockstep pause --note \"month-end\"      everything
  lockstep pause contact --to hubspot    one object, in one direction
  lockstep pause --list")]
    Pause(PauseArgs),
    /// Let go on what was paused: all of it, or what lies within an object or a direction
    #[command(after_help = "\
Examples:
  lockstep resume                        everything, whoever paused it
  lockstep resume contact

Exit codes:
  0 it goes on, or was not paused · 3 a wider pause still stops it; it is named")]
    Resume(Resume),
    /// See and remove the call-backs that Lockstep made in ConnectWise
    #[command(subcommand)]
    Callbacks(CallbacksCommand),
    /// Open the console on simulated systems, or sync them without it
    #[command(after_help = "\
Examples:
  lockstep demo
  lockstep demo --headless --json")]
    Demo(Demo),
    /// Run both simulated systems until interrupted
    #[command(after_help = crate::cli::sim::HELP)]
    Sim(Sim),
}

#[derive(Debug, Args)]
pub struct Init {
    /// Its name: letters, digits, `-` and `_`, 63 at most
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Only this kind of record; without it, those that the configuration syncs
    #[arg(value_name = "OBJECT", value_parser = object_parser())]
    pub object: Option<ObjectKind>,
    /// Read the fields again from both systems
    #[arg(long)]
    pub refresh: bool,
    /// Only what changed
    #[arg(long)]
    pub drift: bool,
}

#[derive(Debug, Args)]
pub struct Sync {
    #[command(flatten)]
    pub how: SyncHow,
    /// Seconds between two looks at both systems, if not the configuration's
    #[arg(long, value_name = "SECONDS", conflicts_with = "once", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub interval: Option<u64>,
    /// Let this plan through the guard that held it
    #[arg(long, value_name = "HASH", conflicts_with = "watch")]
    pub approve: Option<String>,
    /// Listen here for webhooks and call-backs: plain HTTP, for a proxy that speaks TLS
    #[arg(long, help_heading = HINTS, value_name = "ADDR:PORT", conflicts_with = "once")]
    pub listen: Option<SocketAddr>,
    /// The proxy's address, which leads there: https://host/path
    #[arg(long, help_heading = HINTS, value_name = "URL", requires = "listen")]
    pub public_url: Option<String>,
}

const HINTS: &str = "Changes cross sooner";

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct SyncHow {
    /// One run, until nothing is left to do now
    #[arg(long)]
    pub once: bool,
    /// Again and again, until interrupted
    #[arg(long)]
    pub watch: bool,
}

/// Names one record by its number in one of the two systems.
#[derive(Debug, Args)]
pub struct Which {
    /// The kind of record, one that the configuration maps
    #[arg(value_name = "OBJECT", value_parser = object_parser())]
    pub object: ObjectKind,
    #[command(flatten)]
    pub id: WhichId,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct WhichId {
    /// Its number in HubSpot
    #[arg(long, value_name = "ID", value_parser = record_number, allow_hyphen_values = true)]
    pub hubspot: Option<u64>,
    /// Its number in ConnectWise
    #[arg(long, value_name = "ID", value_parser = record_number, allow_hyphen_values = true)]
    pub connectwise: Option<u64>,
}

impl Which {
    /// The record; none only if the parser let neither number through.
    #[must_use]
    pub const fn record(&self) -> Option<RecordRef> {
        match (self.id.hubspot, self.id.connectwise) {
            (Some(id), _) => Some(RecordRef::new(self.object, System::HubSpot, RecordId(id))),
            (None, Some(id)) => Some(RecordRef::new(self.object, System::ConnectWise, RecordId(id))),
            (None, None) => None,
        }
    }
}

/// Both systems number their records from 1.
fn record_number(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("the number of a record is a whole number above 0, as in its address".to_owned()),
        Ok(number) => Ok(number),
    }
}

/// What goes into an address or a header as it is.
fn word(text: &str) -> Result<String, String> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    Err("it is one word of ASCII letters, digits and signs; copy it again".to_owned())
}

/// Every object that Lockstep knows. Which of them are mapped is for the configuration to say.
fn object_parser() -> impl TypedValueParser<Value = ObjectKind> {
    PossibleValuesParser::new(ObjectKind::ALL.map(ObjectKind::key)).try_map(|word| word.parse::<ObjectKind>())
}

#[derive(Debug, Args)]
pub struct Explain {
    #[command(flatten)]
    pub which: Which,
}

#[derive(Debug, Args)]
pub struct Push {
    #[command(flatten)]
    pub which: Which,
    /// The system to write to
    #[arg(long, value_name = "SYSTEM")]
    pub to: Side,
    /// Show the exact write and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Side {
    Hubspot,
    Connectwise,
}

impl From<Side> for System {
    fn from(side: Side) -> Self {
        match side {
            Side::Hubspot => Self::HubSpot,
            Side::Connectwise => Self::ConnectWise,
        }
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Sync them until nothing is left to do, and print what was done
    #[arg(long)]
    pub headless: bool,
    /// The same number gives the same chances
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot parse must stop")]

    use clap::CommandFactory;

    use super::*;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split(' '))
    }

    #[test]
    fn the_whole_tree_of_commands_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_commands_that_advice_names_lack_nothing() {
        for system in crate::model::System::BOTH {
            let line = crate::engine::driver::doctor::connect_command(system);
            assert!(parse(line).is_ok(), "{line}");
        }
    }

    #[test]
    fn every_line_of_the_contract_parses() {
        let lines = [
            "lockstep",
            "lockstep --home /tmp/x --workspace acme --key-file k --json plan",
            "lockstep init acme",
            "lockstep connect hubspot --base-url http://127.0.0.1:1 --token-stdin",
            "lockstep connect connectwise --site http://127.0.0.1:1 --company c --public-key p --client-id g --private-key-stdin",
            "lockstep connect hubspot --oauth --client-id a --client-secret-stdin --port 9000",
            "lockstep connect hubspot --oauth --client-id a --paste",
            "lockstep doctor --json",
            "lockstep schema",
            "lockstep schema line_item --refresh --drift --json",
            "lockstep config export f.toml",
            "lockstep config import f.toml",
            "lockstep config deploy",
            "lockstep config deploy --untested --note x",
            "lockstep config test --json",
            "lockstep config test --object contact --fail-on creates>50,holds>0",
            "lockstep config show",
            "lockstep plan --json",
            "lockstep sync --once --json",
            "lockstep sync --once --approve abc",
            "lockstep sync --watch",
            "lockstep sync --watch --interval 30",
            "lockstep sync --watch --listen 127.0.0.1:8711 --public-url https://hooks.example.com/acme",
            "lockstep --listen 127.0.0.1:8711 --public-url https://hooks.example.com/acme",
            "lockstep callbacks list --json",
            "lockstep callbacks list --public-url https://hooks.example.com/acme",
            "lockstep callbacks remove --yes",
            "lockstep connect hubspot --webhook-secret-stdin",
            "lockstep explain company --hubspot 1",
            "lockstep explain company --connectwise 1",
            "lockstep explain contact --hubspot 1",
            "lockstep push company --hubspot 1 --to connectwise --dry-run",
            "lockstep push company --connectwise 1 --to hubspot",
            "lockstep push contact --connectwise 1 --to hubspot --dry-run",
            "lockstep runs",
            "lockstep runs 7 --limit 5 --json",
            "lockstep undo write 4711 --dry-run",
            "lockstep undo record contact --hubspot 1",
            "lockstep undo run 7 --approve abc --json",
            "lockstep pause",
            "lockstep pause contact --to hubspot --note why --json",
            "lockstep pause --list",
            "lockstep resume",
            "lockstep resume deal --to connectwise",
            "lockstep demo",
            "lockstep demo --headless",
            "lockstep sim --hubspot-port 1 --connectwise-port 2 --seed 3",
        ];
        for line in lines {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_together_is_a_usage_error() {
        let lines = [
            "lockstep sync",
            "lockstep sync --once --watch",
            "lockstep sync --once --interval 5",
            "lockstep sync --watch --approve abc",
            "lockstep sync --watch --interval 0",
            "lockstep sync --once --listen 127.0.0.1:1",
            "lockstep sync --watch --listen 8711",
            "lockstep sync --watch --public-url https://hooks.example.com",
            "lockstep --public-url https://hooks.example.com",
            "lockstep --listen 8711",
            "lockstep callbacks",
            "lockstep connect hubspot --webhook-secret-stdin --token-stdin",
            "lockstep explain company",
            "lockstep explain company --hubspot 1 --connectwise 2",
            "lockstep explain company --hubspot abc",
            "lockstep explain company --hubspot -1",
            "lockstep explain company --hubspot 0",
            "lockstep explain company --hubspot ",
            "lockstep connect hubspot --oauth --client-id ",
            "lockstep explain unicorn --hubspot 1",
            "lockstep push company --hubspot 1",
            "lockstep push company --hubspot 1 --to nowhere",
            "lockstep undo",
            "lockstep undo run",
            "lockstep undo run 0",
            "lockstep undo write -1",
            "lockstep undo record company",
            "lockstep undo run 7 --dry-run --approve abc",
            "lockstep runs 7 --limit 0",
            "lockstep pause unicorn",
            "lockstep pause --to nowhere",
            "lockstep pause contact --list",
            "lockstep pause --note ",
            "lockstep resume --note x",
            "lockstep init",
            "lockstep connect hubspot --token secret",
            "lockstep connect hubspot --oauth",
            "lockstep connect hubspot --oauth --client-id a --client-secret b",
            "lockstep connect hubspot --oauth --client-id a --token-stdin",
            "lockstep connect hubspot --paste",
            "lockstep schema unicorn",
        ];
        for line in lines {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn a_record_is_named_by_its_system_and_number() {
        let Some(Command::Explain(explain)) = parse("lockstep explain company --connectwise 4021").unwrap().command
        else {
            panic!("not explain")
        };
        let expected = RecordRef::new(ObjectKind::Company, System::ConnectWise, RecordId(4021));
        assert_eq!(explain.which.record(), Some(expected));
    }
}
