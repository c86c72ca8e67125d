//! The command line as types: every command, option and help text. Knows nothing of what the commands do.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::model::{ObjectKind, RecordId, RecordRef, System};

const EXAMPLES: &str = "\
Examples:
  lockstep demo                                 look around, on simulated systems
  lockstep init acme                            a workspace for the customer acme
  lockstep connect hubspot --token-stdin        connect it; the token comes from stdin
  lockstep plan                                 what would be done now, and why
  lockstep sync --once                          do it
  lockstep explain company --hubspot 18273645   why a record did or did not sync

Exit codes:
  0 done · 1 failed · 2 usage · 3 refused by a guard (nothing written) ·
  4 connection or credentials · 5 issues need a person";

/// Keeps HubSpot and ConnectWise PSA in step, both ways, field by field.
///
/// Without a command: the console.
#[derive(Debug, Parser)]
#[command(name = "lockstep", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Where workspaces, keys and logs live
    ///
    /// Without it: the place the operating system has for an application's data.
    #[arg(long, global = true, value_name = "DIR", env = "LOCKSTEP_HOME")]
    pub home: Option<PathBuf>,
    /// The workspace (customer) to work on; may be left out where there is only one
    #[arg(long, global = true, value_name = "NAME", env = "LOCKSTEP_WORKSPACE")]
    pub workspace: Option<String>,
    /// The file that holds the workspace's key
    #[arg(long, global = true, value_name = "FILE", env = "LOCKSTEP_KEY_FILE")]
    pub key_file: Option<PathBuf>,
    /// The workspace is locked with a passphrase, read as one line from stdin (asked for on a terminal)
    #[arg(long, global = true)]
    pub passphrase_stdin: bool,
    /// Answer with one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    #[command(flatten)]
    pub look: Look,
}

/// How the console looks and what it lets a person do.
#[derive(Debug, Clone, Default, Args)]
pub struct Look {
    /// The console's colours: dark, light, high-contrast, or a file of your own in the folder of themes
    #[arg(long, global = true, value_name = "NAME", env = "LOCKSTEP_THEME")]
    pub theme: Option<String>,
    /// Nothing but ASCII in the console
    #[arg(long, global = true)]
    pub ascii: bool,
    /// No colour in the console; the variable `NO_COLOR` does the same
    #[arg(long, global = true)]
    pub no_color: bool,
    /// Nothing in the console that changes anything
    #[arg(long, global = true)]
    pub read_only: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a workspace: an encrypted file, its key, and the default configuration as its draft
    #[command(
        after_help = "Examples:\n  lockstep init acme\n  lockstep --key-file /etc/lockstep/acme.key init acme\n  \
        lockstep --passphrase-stdin init acme < passphrase.txt"
    )]
    Init(Init),
    /// Store how to reach a system, after trying it
    #[command(subcommand)]
    Connect(Connect),
    /// Whether both systems let the configuration do all it wants, and what to do where they don't
    #[command(
        after_help = "Exit codes: 0 all fine, or warnings only · 4 a connection or its credentials do not work · \
        5 problems that need a person"
    )]
    Doctor,
    /// The fields of both systems, and what changed in them since when
    #[command(
        after_help = "Examples:\n  lockstep schema company\n  lockstep schema --drift\n  lockstep schema --refresh --json"
    )]
    Schema(SchemaArgs),
    /// See, exchange, check and deploy the configuration
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Read both systems and show what would be written, and why; writes nothing
    Plan,
    /// Bring both systems in step
    #[command(after_help = "Examples:\n  lockstep sync --once --json\n  lockstep sync --watch --interval 60\n  \
        lockstep sync --once --approve 3f9c…   let the plan through that a guard held")]
    Sync(Sync),
    /// Why a record did, or did not, sync: every stage of the decision with its values
    #[command(
        after_help = "Examples:\n  lockstep explain company --connectwise 4021\n  lockstep explain contact --hubspot 30133"
    )]
    Explain(Explain),
    /// Take one record's values over to the other system, now
    #[command(after_help = "Example:\n  lockstep push company --hubspot 18273645 --to connectwise --dry-run")]
    Push(Push),
    /// The console on simulated systems; without a terminal the same job, headless
    Demo(Demo),
    /// Run both simulated systems until interrupted
    #[command(
        after_help = "Examples:\n  lockstep sim --hubspot-port 8701 --connectwise-port 8702\n  lockstep sim --contacts 100000 --seed 7\n\n\
        What people do, what goes wrong and what time it is, is asked for over HTTP: see --help.",
        after_long_help = super::sim::HELP
    )]
    Sim(Sim),
}

#[derive(Debug, Args)]
pub struct Init {
    /// The name of the workspace: lower-case letters, digits and hyphens
    #[arg(value_name = "NAME")]
    pub name: String,
}

#[derive(Debug, Subcommand)]
pub enum Connect {
    /// Connect HubSpot with a service key, the token of a private app, or an app by OAuth
    #[command(after_help = "Examples:\n  lockstep connect hubspot --token-stdin < token.txt\n  \
        lockstep connect hubspot --oauth --client-id 0123-abcd --client-secret-stdin < secret.txt\n  \
        lockstep connect hubspot --oauth --client-id 0123-abcd --paste     over SSH")]
    Hubspot(ConnectHubspot),
    /// Connect ConnectWise PSA with the API keys of a member
    #[command(
        after_help = "Example:\n  lockstep connect connectwise --site na.myconnectwise.net --company acme \\\n    \
        --public-key AbCd --client-id 01234567-89ab-cdef-0123-456789abcdef --private-key-stdin < key.txt"
    )]
    Connectwise(ConnectConnectwise),
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
pub struct ConnectHubspot {
    /// Another address than HubSpot's own, such as a simulator's
    #[arg(long, value_name = "URL", default_value = "https://api.hubapi.com")]
    pub base_url: String,
    /// Read the token as one line from stdin
    #[arg(long, conflicts_with = "oauth")]
    pub token_stdin: bool,
    /// Sign in by OAuth, as an app that the portal lets in
    #[arg(long, requires = "client_id", conflicts_with = "offline")]
    pub oauth: bool,
    /// The app's client id
    #[arg(long, value_name = "ID", requires = "oauth")]
    pub client_id: Option<String>,
    /// Read the app's client secret as one line from stdin
    #[arg(long, requires = "oauth")]
    pub client_secret_stdin: bool,
    /// Where the browser runs on another machine: paste the address it ends at, instead of waiting for it here
    #[arg(long, requires = "oauth")]
    pub paste: bool,
    /// The port of the app's redirect address http://localhost:PORT/oauth/callback
    #[arg(long, value_name = "PORT", requires = "oauth", default_value_t = 8710)]
    pub port: u16,
    /// Store it without trying it
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Args)]
pub struct ConnectConnectwise {
    /// The host you sign in at, such as na.myconnectwise.net, or a whole address
    #[arg(long, value_name = "URL")]
    pub site: String,
    /// The company id of the sign-in page
    #[arg(long, value_name = "ID")]
    pub company: String,
    /// The public key of the API member
    #[arg(long, value_name = "KEY")]
    pub public_key: String,
    /// The client id that ConnectWise gave your integration
    #[arg(long, value_name = "GUID")]
    pub client_id: String,
    /// Read the private key as one line from stdin
    #[arg(long)]
    pub private_key_stdin: bool,
    /// Store it without trying it
    #[arg(long)]
    pub offline: bool,
}

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the draft, or what is deployed
    Show {
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
    },
    /// Write the draft to a TOML file (`-` for stdout)
    Export {
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Take a TOML file (`-` for stdin) as the new draft
    Import {
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
    /// Add an object to the draft, with the fields that belong together by meaning
    Add {
        /// company, contact or deal
        object: ObjectKind,
        /// The ConnectWise field that carries the key of the HubSpot record, such as customFields/51
        #[arg(long, value_name = "FIELD")]
        key_field: Option<String>,
    },
    /// Check the draft; exit code 3 when it could not be deployed
    Lint,
    /// What the draft changes against what is deployed
    Diff,
    /// Every version that was deployed
    History,
    /// Make the draft drive the engine; refused (exit code 3) while it has errors
    Deploy {
        /// A note for the history
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
}

#[derive(Debug, Args)]
pub struct Sync {
    #[command(flatten)]
    pub how: SyncHow,
    /// Seconds between two looks at both systems; the configuration's, where it is not given
    #[arg(long, value_name = "SECONDS", conflicts_with = "once", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub interval: Option<u64>,
    /// Let this plan through the guard that held it
    #[arg(long, value_name = "HASH", conflicts_with = "watch")]
    pub approve: Option<String>,
}

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
    #[arg(long, value_name = "ID")]
    pub hubspot: Option<u64>,
    /// Its number in ConnectWise
    #[arg(long, value_name = "ID")]
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
    /// Without the console: do the job, print what was done
    #[arg(long)]
    pub headless: bool,
    /// What the simulated systems' dice begin with
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

#[derive(Debug, Args)]
pub struct Sim {
    /// The port of the simulated HubSpot; 0 takes a free one
    #[arg(long, value_name = "P", default_value_t = crate::sim::HUBSPOT_PORT)]
    pub hubspot_port: u16,
    /// The port of the simulated ConnectWise; 0 takes a free one
    #[arg(long, value_name = "P", default_value_t = crate::sim::CONNECTWISE_PORT)]
    pub connectwise_port: u16,
    /// What generated data and dice begin with
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// What the systems hold; `generated` unless said otherwise where a number below is given
    #[arg(long, value_enum, value_name = "WHAT")]
    pub data: Option<SimData>,
    /// So many generated companies in each system, half of them in both; the same for what follows
    #[arg(long, value_name = "N")]
    pub companies: Option<usize>,
    #[arg(long, value_name = "N")]
    pub contacts: Option<usize>,
    #[arg(long, value_name = "N")]
    pub deals: Option<usize>,
    #[arg(long, value_name = "N")]
    pub tickets: Option<usize>,
    #[arg(long, value_name = "N")]
    pub products: Option<usize>,
    #[arg(long, value_name = "N")]
    pub line_items: Option<usize>,
    #[arg(long, value_name = "N")]
    pub activities: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimData {
    /// No records, only what every portal and tenant has
    Empty,
    /// The forty companies of the demo and what hangs on them
    Story,
    /// Made from the seed
    Generated,
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
            "lockstep config show",
            "lockstep plan --json",
            "lockstep sync --once --json",
            "lockstep sync --once --approve abc",
            "lockstep sync --watch",
            "lockstep sync --watch --interval 30",
            "lockstep explain company --hubspot 1",
            "lockstep explain company --connectwise 1",
            "lockstep explain contact --hubspot 1",
            "lockstep push company --hubspot 1 --to connectwise --dry-run",
            "lockstep push company --connectwise 1 --to hubspot",
            "lockstep push contact --connectwise 1 --to hubspot --dry-run",
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
            "lockstep explain company",
            "lockstep explain company --hubspot 1 --connectwise 2",
            "lockstep explain company --hubspot abc",
            "lockstep explain unicorn --hubspot 1",
            "lockstep push company --hubspot 1",
            "lockstep push company --hubspot 1 --to nowhere",
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
