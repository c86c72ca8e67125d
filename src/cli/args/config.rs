//! What `lockstep config` takes.

use std::path::PathBuf;

use clap::Subcommand;

use crate::model::ObjectKind;

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the draft, or what is deployed
    Show {
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
    },
    /// Write the draft to a TOML file
    #[command(after_help = "\
Examples:
  lockstep config export acme.toml
  lockstep config export - --deployed > deployed.toml")]
    Export {
        /// The file; `-` for stdout
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
    /// Take a TOML file as the new draft
    Import {
        /// The file; `-` for stdin
        #[arg(value_name = "FILE.toml")]
        file: PathBuf,
    },
    /// Add an object to the draft, with the fields that match by meaning
    #[command(after_help = "\
Examples:
  lockstep config add contact
  lockstep config add deal --key-field customFields/51
  lockstep config add ticket --board \"Help Desk\"
  lockstep config add call --activity-type \"Phone Call\" --assign-to mia")]
    Add {
        /// company, contact, deal, ticket, product, line_item, note, task, call or meeting
        object: ObjectKind,
        /// The ConnectWise field for the key of the HubSpot record, such as customFields/51
        #[arg(long, value_name = "FIELD")]
        key_field: Option<String>,
        /// The ConnectWise service board for new tickets, by its name or id
        #[arg(long, value_name = "NAME")]
        board: Option<String>,
        /// A ConnectWise activity type that is such a note, task, call or meeting, by its name or id; the first is given to new ones
        #[arg(long, value_name = "NAME")]
        activity_type: Vec<String>,
        /// The ConnectWise member who gets activities whose owner has no partner, by e-mail address, name or id
        #[arg(long, value_name = "MEMBER")]
        assign_to: Option<String>,
    },
    /// Check the draft; exit code 3 if it could not be deployed
    Lint,
    /// What the draft changes against what is deployed
    Diff,
    /// Every version that was deployed
    History,
    /// Let the draft drive the engine; exit code 3 while it has errors
    Deploy {
        /// A note for the history
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
    },
}
