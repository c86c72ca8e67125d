//! What it costs to look at two systems in which nothing happens.

use std::collections::BTreeMap;

use super::*;

/// Calls by endpoint, whatever was answered.
fn calls(bench: &Bench) -> BTreeMap<String, u64> {
    let calls = bench.running.control.calls();
    calls.into_iter().map(|(call, by_status)| (call, by_status.values().sum())).collect()
}

/// One question for each object and system, and no other: neither for records nor for forecasts or associations.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_at_quiet_systems_costs_one_call_for_each_object_and_system() {
    const LOOKS: u64 = 3;
    let deals = |config: &mut Config| {
        config.objects.push(defaults::deal(lockstep::sim::DEAL_KEY_FIELD.into()));
        config.timing.poll = 2;
    };
    let bench = Bench::with(Data::Empty, deals).await;
    let customer = bench.customer("Acme").await;
    bench.hubspot_deal(&customer, "Renewal", &[("amount", json!("4000"))]);
    bench.settle().await;
    bench.running.control.advance(Duration::from_secs(900));

    let mut engine = bench.engine(Mode::Watch).await;
    // the first looks read once more what changed within the lag of the index, and learn how late it is
    for _ in 0..2 {
        finished(&mut engine).await;
    }
    let last_run = || bench.workspace.reader().unwrap().latest_runs(1).unwrap()[0].id.0;
    let before = last_run();
    bench.running.control.clear_calls();
    for _ in 0..LOOKS {
        finished(&mut engine).await;
    }
    let told = calls(&bench);
    assert_eq!(last_run() - before, LOOKS);
    engine.stop().await;
    let lists = [
        "/crm/objects/2026-09/companies/search",
        "/crm/objects/2026-09/contacts/search",
        "/crm/objects/2026-09/deals/search",
        "/company/companies",
        "/company/contacts",
        "/sales/opportunities",
    ];
    let each: Vec<_> = lists
        .iter()
        .map(|list| told.iter().filter(|(call, _)| call.ends_with(list)).map(|(_, n)| n).sum::<u64>())
        .collect();
    assert_eq!(each, [LOOKS; 6], "{told:?}");
    assert_eq!(told.values().sum::<u64>(), 6 * LOOKS, "{told:?}");
}
