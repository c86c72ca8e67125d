//! `lockstep callbacks` as types, and how the console is made to listen.

use std::net::SocketAddr;

use clap::{Args, Subcommand};

use super::HINTS;

/// For `lockstep` without a command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = HINTS)]
pub struct Hear {
    /// The console listens here for webhooks and call-backs: plain HTTP, for a proxy that speaks TLS
    #[arg(long, value_name = "ADDR:PORT")]
    pub listen: Option<SocketAddr>,
    /// The proxy's address, which leads there: https://host/path
    #[arg(long, value_name = "URL", requires = "listen")]
    pub public_url: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum CallbacksCommand {
    /// Show Lockstep's call-backs in ConnectWise, and how they stand
    #[command(after_help = "\
Examples:
  lockstep callbacks list
  lockstep callbacks list --json | jq '.callbacks[] | {type, inactive}'")]
    List(CallbacksAt),
    /// Remove Lockstep's call-backs from ConnectWise: before a workspace is given up
    #[command(after_help = "\
Only those that lead to this workspace's address and carry Lockstep's
description are removed. End an engine that listens first: it would make them
again.

Examples:
  lockstep callbacks remove
  lockstep callbacks remove --yes --json")]
    Remove(CallbacksRemove),
}

#[derive(Debug, Args)]
pub struct CallbacksAt {
    /// Also those that lead to this address, if the workspace does not know it any more
    #[arg(long, value_name = "URL")]
    pub public_url: Option<String>,
}

#[derive(Debug, Args)]
pub struct CallbacksRemove {
    #[command(flatten)]
    pub at: CallbacksAt,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
