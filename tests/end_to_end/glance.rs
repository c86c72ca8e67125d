//! A look at fields that nobody reads yet, by the running engine.

use lockstep::engine::driver::glance::Glance;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_glance_sees_what_nobody_reads_and_nothing_of_it_is_kept() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    bench.edit(HUBSPOT, hubspot, "description", "Never read before");
    let engine = bench.engine(Mode::Watch).await;
    let glance = |system, field: &str, ids: Vec<u64>| Glance {
        object: ObjectKind::Company,
        system,
        fields: vec![field.into()],
        ids: ids.into_iter().map(RecordId).collect(),
    };
    let seen = engine.glance(glance(System::HubSpot, "description", vec![hubspot])).await.unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].value("description").to_plain(), "Never read before");
    let listed = engine.glance(glance(System::HubSpot, "description", Vec::new())).await.unwrap();
    assert!(listed.iter().any(|record| record.id == RecordId(hubspot)), "the first that the system lists");
    let there = engine.glance(glance(System::ConnectWise, "accountNumber", vec![connectwise])).await.unwrap();
    assert_eq!(there.first().map(|record| record.id), Some(RecordId(connectwise)));
    engine.stop().await;
    let kept = bench.workspace.reader().unwrap().observation(at(System::HubSpot, hubspot)).unwrap().unwrap();
    assert!(kept.record.value("description").is_empty(), "only what is mapped and filtered is kept");
    let gone = engine.glance(glance(System::HubSpot, "description", vec![hubspot])).await.unwrap_err();
    assert!(!gone.is_empty());
}
