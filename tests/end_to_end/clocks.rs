//! Clocks of the two systems that somebody sets forward or back between two runs.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_cross_whatever_somebody_does_to_the_clock_of_a_system() {
    const HOUR: i64 = 3_600_000;
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    // From one to the next: forward, back by more than change feeds look back, back behind where it began, and right again.
    for (round, skew) in [HOUR, HOUR - 300_000, -HOUR, 0, -1_000, 0].into_iter().enumerate() {
        for side in [HUBSPOT, CONNECTWISE] {
            bench.running.control.set_skew(side, skew);
            let (city, zip) = (format!("Bonn {round} {}", side.name()), format!("{round}{}", side.name().len()));
            bench.edit(HUBSPOT, hubspot, "city", &city);
            bench.edit(CONNECTWISE, connectwise, "zip", &zip);
            let before = bench.now();
            bench.settle().await;
            let held = (bench.value(CONNECTWISE, connectwise, "city"), bench.value(HUBSPOT, hubspot, "zip"));
            assert_eq!(held, (json!(city), json!(zip)), "the clock of {} is {skew} ms ahead", side.name());
            assert_eq!(bench.writes_since(before).len(), 2);
        }
    }
}
