//! `lockstep undo` and `lockstep runs` as types.

use clap::{Args, Subcommand};

use super::Which;

#[derive(Debug, Subcommand)]
pub enum UndoCommand {
    /// Take back one write, by its number
    #[command(after_help = "\
Examples:
  lockstep runs 7                       the writes of run 7, with their numbers
  lockstep undo write 4711 --dry-run
  lockstep undo write 4711")]
    Write(UndoWrite),
    /// Take back what the last run that wrote to a record wrote there
    #[command(
        override_usage = "lockstep undo record <OBJECT> <--hubspot <ID>|--connectwise <ID>>\n                            [OPTIONS]",
        after_help = "\
Examples:
  lockstep undo record contact --hubspot 30133 --dry-run
  lockstep undo record company --connectwise 4021"
    )]
    Record(UndoRecord),
    /// Take back all that a run wrote
    #[command(after_help = "\
Examples:
  lockstep undo run 7 --dry-run
  lockstep undo run 7
  lockstep undo run 8                   run 8 was that undo: do it all again")]
    Run(UndoRun),
}

#[derive(Debug, Args)]
pub struct UndoWrite {
    /// The write's number, as `lockstep runs N` shows it
    #[arg(value_name = "ID", value_parser = clap::value_parser!(u64).range(1..), allow_hyphen_values = true)]
    pub id: u64,
    #[command(flatten)]
    pub how: UndoHow,
}

#[derive(Debug, Args)]
pub struct UndoRecord {
    #[command(flatten)]
    pub which: Which,
    #[command(flatten)]
    pub how: UndoHow,
}

#[derive(Debug, Args)]
pub struct UndoRun {
    /// The run's number, as `lockstep runs` shows it
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_hyphen_values = true)]
    pub id: u64,
    #[command(flatten)]
    pub how: UndoHow,
}

#[derive(Debug, Args)]
pub struct UndoHow {
    /// Show what would be put back, and what not and why; send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Let this plan through the guard that held it
    #[arg(long, value_name = "HASH", conflicts_with = "dry_run")]
    pub approve: Option<String>,
}

#[derive(Debug, Args)]
pub struct Runs {
    /// Show the writes of this run
    #[arg(value_name = "N", value_parser = clap::value_parser!(u64).range(1..), allow_hyphen_values = true)]
    pub run: Option<u64>,
    /// How many runs, or writes, to show at most
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: u32,
}
