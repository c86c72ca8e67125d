//! What one whole run costs: every customer new on one side, both simulated systems over real HTTP, a real workspace.
//!
//! `cargo bench --bench sync -- [--companies N] [--contacts N] [--deals N] [--direction to-hubspot|to-connectwise]`

#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

#[path = "parts/customers.rs"]
mod customers;
mod parts;

use std::process::ExitCode;

use customers::Customers;
use lockstep::model::{ObjectKind, System};
use lockstep::sim::{Data, Options, Side, Simulators};
use parts::Measured;

const USAGE: &str = "sync [--companies N] [--contacts N] [--deals N] [--direction to-hubspot|to-connectwise]";

/// Calls beyond the lower bound that a run may make, in hundredths of the bound.
const MOST_CALLS: u64 = 110;

/// Calls of a run that do not grow with the number of records: who both systems are (three), and per object the recycle
/// bin and the empty page after a last one that was full.
const FIXED_CALLS: u64 = 3 + 2 * 3;

struct Orders {
    customers: Customers,
    /// Where the records are to go.
    to: System,
}

fn orders() -> Option<Orders> {
    let customers = Customers { companies: 1000, contacts: 5000, deals: 1000 };
    let mut orders = Orders { customers, to: System::HubSpot };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        let value = words.next()?;
        match (word.as_str(), value.as_str()) {
            ("--companies", number) => orders.customers.companies = number.parse().ok().filter(|n| *n > 0)?,
            ("--contacts", number) => orders.customers.contacts = number.parse().ok()?,
            ("--deals", number) => orders.customers.deals = number.parse().ok()?,
            ("--direction", "to-hubspot") => orders.to = System::HubSpot,
            ("--direction", "to-connectwise") => orders.to = System::ConnectWise,
            _ => return None,
        }
    }
    // every deal has a contact of its company
    let Customers { companies, contacts, deals } = orders.customers;
    (deals == 0 || contacts >= companies.min(deals)).then_some(orders)
}

fn main() -> ExitCode {
    let Some(orders) = orders() else {
        eprintln!("usage: {USAGE}");
        return ExitCode::from(2);
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).thread_name("sim").enable_all().build().unwrap();
    if runtime.block_on(bench(&orders)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

async fn bench(orders: &Orders) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let simulators = Simulators::start(Options::quick(Data::Empty)).await.unwrap();
    let workspace = parts::workspace(folder.path(), &simulators, &customers::config()).await;
    let from = match orders.to {
        System::HubSpot => Side::ConnectWise,
        System::ConnectWise => Side::HubSpot,
    };
    orders.customers.enter(&simulators.control, from);
    let Customers { companies, contacts, deals } = orders.customers;
    println!("{companies} companies, {contacts} contacts, {deals} deals to {}", orders.to);

    let first = parts::run(&workspace, &simulators).await;
    let bound = bound(orders);
    let calls = first.calls.values().sum::<u64>();
    first.print("first run", orders.customers.all());
    let few = calls <= bound + FIXED_CALLS || calls * 100 <= bound * MOST_CALLS;
    println!("  calls ÷ bound   {calls} ÷ {bound} = {:.3}", ratio(calls, bound));

    let second = parts::run(&workspace, &simulators).await;
    second.print("second run", orders.customers.all());
    let all = created(&first, orders);
    let quiet = second.writes() == 0;
    for (holds, what) in [
        (all, "the first run created every record"),
        (quiet, "the second run wrote nothing"),
        (few, "the first run made hardly more calls than the bound"),
    ] {
        println!("{} {what}", if holds { "yes" } else { "NO " });
    }
    all && quiet && few
}

/// The calls without which it cannot be done: reading both systems to their ends in the largest pages, writing in the
/// largest batches, and reading back what the answer to a write does not show.
fn bound(orders: &Orders) -> u64 {
    let Customers { companies, contacts, deals } = orders.customers;
    let batches = |n: usize| (n as u64).div_ceil(100);
    let n = [companies, contacts, deals].map(|n| n as u64);
    let records = n.into_iter().filter(|n| *n > 0).map(|n| match orders.to {
        // creates; pages of ConnectWise; one empty page of HubSpot
        System::HubSpot => n.div_ceil(100) + n.div_ceil(1000) + 1,
        // creates; pages of HubSpot; the keys that go back to HubSpot; one empty page of ConnectWise
        System::ConnectWise => n + n.div_ceil(100) + n.div_ceil(100) + 1,
    });
    let beside = match orders.to {
        // the forecast of each opportunity, where its amount is; the company of each contact, company and contacts of each
        // deal
        System::HubSpot => deals as u64 + batches(contacts) + 2 * batches(deals),
        // the amount: what its item is added to, the item, and what became of opportunity and forecast
        System::ConnectWise => 4 * deals as u64,
    };
    records.sum::<u64>() + beside
}

fn created(measured: &Measured, orders: &Orders) -> bool {
    let Customers { companies, contacts, deals } = orders.customers;
    [(ObjectKind::Company, companies), (ObjectKind::Contact, contacts), (ObjectKind::Deal, deals)].into_iter().all(
        |(object, n)| {
            let of = measured.row.counts.objects.get(&object).map_or(0, |counts| counts.sides[orders.to].created);
            println!("  {of:>6} {} created", object.plural().to_lowercase());
            of == n as u64
        },
    )
}

fn ratio(calls: u64, bound: u64) -> f64 {
    calls as f64 / bound as f64
}
