//! How much the simulated ConnectWise holds, and how fast it is read. Run with `--release -- --ignored --nocapture`.

use std::time::Instant;

use lockstep::sim::{Object, Side};
use serde_json::json;

use crate::{Bench, fields};

const CONTACTS: u32 = 100_000;
const READS: u32 = 20_000;

/// Resident memory of this process in megabytes, from the kernel.
fn resident_mb() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4 / 1024
}

#[tokio::test]
#[ignore = "fills a hundred thousand contacts; a measurement, for release builds"]
#[expect(clippy::disallowed_methods, reason = "a measurement measures time")]
async fn a_hundred_thousand_contacts_fit_and_are_read_fast() {
    let bench = Bench::empty().await;
    let control = &bench.running.control;
    let company = bench.new_connectwise("BIG").await;
    let before = resident_mb();
    let mut last = 0;
    for n in 0..CONTACTS {
        let values = fields(json!({"firstName": format!("First{n}"), "lastName": format!("Last{n}"),
            "company": {"id": company}, "title": "Head of everything", "city": "Salem", "addressLine1": "1 Pier Road",
            "communications/1": format!("person{n}@company.example"), "communications/2": format!("555-{n:07}")}));
        last = control.create(Side::ConnectWise, Object::Contact, &values, None).unwrap();
        if n % 1000 == 0 {
            // The ledger has a bound of its own; here the records are weighed.
            control.clear_ledger();
        }
    }
    let grown = resident_mb() - before;
    println!("{CONTACTS} contacts: {grown} MB");
    let start = Instant::now();
    for n in 0..READS {
        assert!(control.record(Side::ConnectWise, Object::Contact, last - u64::from(n)).is_some());
    }
    let per_second = f64::from(READS) / start.elapsed().as_secs_f64();
    println!("{per_second:.0} single reads per second");
    assert!(grown < 250, "{grown} MB");
    assert!(per_second > 5_000.0, "{per_second}");
}
