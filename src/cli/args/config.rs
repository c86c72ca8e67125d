//! What `lockstep config` takes.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;

use crate::model::{ConfigVersion, ObjectKind};

#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print the draft, or what is deployed
    Show {
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
    },
    /// Write the draft to a TOML file, or to a workbook (.xlsx) for people
    #[command(after_help = "\
A workbook has a sheet for each object, with its field mappings, one for the
values that stand for each other, and the filters. It can be changed in Excel or
LibreOffice and imported again. The samples in it are masked: X, x and 0 in
place of letters and digits.

Examples:
  lockstep config export acme.toml
  lockstep config export acme.xlsx --samples 3
  lockstep config export - --deployed > deployed.toml")]
    Export {
        /// The file, which ends in .xlsx for a workbook; `-` for stdout
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The deployed version instead of the draft
        #[arg(long)]
        deployed: bool,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
        /// Show in a workbook what so many records hold
        #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true,
            value_parser = clap::value_parser!(u8).range(0..=20))]
        samples: u8,
        /// Show the samples as they are: data of people
        #[arg(long, requires = "samples")]
        unmasked: bool,
    },
    /// Take a TOML file or a workbook as the draft; what others changed since it was exported is kept
    #[command(after_help = "\
Of a workbook a row goes only by the mark in its column `remove`: what is
missing stays as it is. What is wrong is told by sheet, row and column.

Examples:
  lockstep config import acme.toml --dry-run
  lockstep config import acme.xlsx --dry-run
  lockstep config import acme.toml --strict

Exit codes:
  0 it is the draft now; or nothing of it was taken, since only others changed
    something after it was imported or exported last: --replace takes it
  3 the file is no configuration, or contradicts what others changed since it
    was exported; with --strict and --dry-run also: it could not be deployed;
    with --strict also: nothing of it was taken")]
    Import {
        /// The file, which ends in .xlsx where it is a workbook; `-` for stdin
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Show what it would change, and change nothing
        #[arg(long)]
        dry_run: bool,
        /// Refuse a file that could not be deployed
        #[arg(long)]
        strict: bool,
        /// Take the file as it is, whatever others changed since it was exported
        #[arg(long)]
        replace: bool,
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
    /// What the draft changes against what is deployed, or what one version changes against another
    #[command(after_help = "\
Examples:
  lockstep config diff              the draft against what is deployed
  lockstep config diff 5            the draft, else what is deployed, against 5
  lockstep config diff 5 deployed   what is deployed against version 5
  lockstep config diff 7.12 draft   the draft against one that it replaced")]
    Diff {
        /// A version such as 5, a replaced draft such as 7.12, draft, or deployed
        #[arg(value_name = "FROM")]
        from: Option<ConfigText>,
        /// The same; without it the draft, or what is deployed where there is none
        #[arg(value_name = "TO")]
        to: Option<ConfigText>,
        /// Exit with 3 where they differ
        #[arg(long)]
        exit_code: bool,
    },
    /// Every version: who saved and who deployed it, and the drafts that others took the place of
    History {
        /// Also the drafts that their own authors went on from
        #[arg(long)]
        all: bool,
    },
    /// Make the text of an old version the draft again, or let it drive the engine at once
    #[command(after_help = "\
--deploy tests the old text first, on what was read, and says what it would do
and whether a guard would hold the first run; it is deployed all the same.

Examples:
  lockstep config rollback 5
  lockstep config rollback 5 --deploy --note \"too much came through\"")]
    Rollback {
        /// A version such as 5, or a replaced draft such as 7.12
        version: ConfigText,
        /// A note for the history
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
        /// Check it, test it and deploy it; exit code 3 while it does not fit
        #[arg(long)]
        deploy: bool,
        /// Deploy it at once, without the test
        #[arg(long, requires = "deploy")]
        untested: bool,
    },
    /// Show what the draft would do to every record that was read, against what the deployed version does
    #[command(after_help = "\
Nothing is written, and nothing is asked of the systems: run `lockstep sync` or
the console before, so that what was read is fresh. A change of the draft makes
it untested.

--fail-on counts what is new with the draft: creates, updates, links, blanks,
holds, excludes, enters and leaves.

Examples:
  lockstep config test
  lockstep config test --object contact --json
  lockstep config test --fail-on creates>50,holds>0 && lockstep config deploy

Exit codes:
  0 tested
  3 a guard would hold the first run, or a limit of --fail-on is exceeded;
    there is no draft, or it does not fit the two systems")]
    Test {
        /// Only this object, with the ones that it points to; the draft does not count as tested then
        #[arg(long)]
        object: Option<ObjectKind>,
        /// Exit with 3 where more than so many are new: creates>50
        #[arg(long, value_name = "LIMIT", value_delimiter = ',')]
        fail_on: Vec<Limit>,
    },
    /// Let the tested draft drive the engine; exit code 3 while it has errors, or is not tested
    #[command(after_help = "\
A workspace of which no record was read yet needs no test: there is nothing to
test on.

Examples:
  lockstep config test && lockstep config deploy
  lockstep config deploy --untested --note \"only a label\"")]
    Deploy {
        /// A note for the history
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        note: String,
        /// Deploy a draft that was not tested
        #[arg(long)]
        untested: bool,
    },
}

/// A limit to what a draft may do more than the deployed version: `creates>50`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What is counted, by its plural: `creates`.
    pub what: &'static str,
    pub most: u64,
}

impl Limit {
    const NAMES: [&str; 8] = ["creates", "updates", "links", "blanks", "holds", "excludes", "enters", "leaves"];
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || {
            format!("`{text}` is no limit: write one of {} with a number, such as creates>50", Self::NAMES.join(", "))
        };
        let (what, most) = text.split_once('>').ok_or_else(wrong)?;
        let what = Self::NAMES.into_iter().find(|name| *name == what.trim()).ok_or_else(wrong)?;
        let most = most.trim().parse().map_err(|_| wrong())?;
        Ok(Self { what, most })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}", self.what, self.most)
    }
}

/// One text of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConfigText {
    Draft,
    Deployed,
    Version(ConfigVersion),
    /// A state of a draft, with the version that it was to be: `7.12`.
    Edit(ConfigVersion, u64),
}

impl FromStr for ConfigText {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("`{text}` is no version: write a number such as 5 or 7.12, draft, or deployed");
        match text {
            "draft" => return Ok(Self::Draft),
            "deployed" => return Ok(Self::Deployed),
            _ => {}
        }
        let (version, edit) = text.split_once('.').map_or((text, None), |(version, edit)| (version, Some(edit)));
        let version = version.parse().map(ConfigVersion).map_err(|_| wrong())?;
        match edit.map(str::parse) {
            None => Ok(Self::Version(version)),
            Some(Ok(edit)) => Ok(Self::Edit(version, edit)),
            Some(Err(_)) => Err(wrong()),
        }
    }
}
