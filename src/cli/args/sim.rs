//! What `lockstep sim` takes.

use clap::builder::TypedValueParser;
use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub struct Sim {
    /// The port of the simulated HubSpot; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = crate::sim::HUBSPOT_PORT)]
    pub hubspot_port: u16,
    /// The port of the simulated ConnectWise; 0 takes a free one
    #[arg(long, value_name = "PORT", default_value_t = crate::sim::CONNECTWISE_PORT)]
    pub connectwise_port: u16,
    /// What they hold: no records, the companies of the demo, or records made from the seed
    #[arg(long, value_enum, value_name = "WHAT")]
    pub data: Option<SimData>,
    /// The same number gives the same records and the same chances
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub numbers: SimNumbers,
}

/// So many generated records in each system.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Generated records: how many in each system, half of them in both")]
pub struct SimNumbers {
    /// Companies; what the others need, and 100 at least, where not said
    #[arg(long, value_name = "N", value_parser = size())]
    pub companies: Option<usize>,
    /// Contacts; also made where deals, tickets or activities need them
    #[arg(long, value_name = "N", value_parser = size())]
    pub contacts: Option<usize>,
    /// Deals; also made where line items need them
    #[arg(long, value_name = "N", value_parser = size())]
    pub deals: Option<usize>,
    /// Tickets
    #[arg(long, value_name = "N", value_parser = size())]
    pub tickets: Option<usize>,
    /// Products
    #[arg(long, value_name = "N", value_parser = size())]
    pub products: Option<usize>,
    /// Line items
    #[arg(long, value_name = "N", value_parser = size())]
    pub line_items: Option<usize>,
    /// Notes, tasks, calls and meetings
    #[arg(long, value_name = "N", value_parser = size())]
    pub activities: Option<usize>,
}

/// The simulators keep all they hold in memory.
const MOST_GENERATED: u64 = 1_000_000;

fn size() -> impl TypedValueParser<Value = usize> {
    clap::value_parser!(u64).range(..=MOST_GENERATED).try_map(usize::try_from)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SimData {
    Empty,
    Story,
    Generated,
}
