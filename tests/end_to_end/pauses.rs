//! A pause that another process commits while the engine writes: what the journal gets after it is not sent.

use lockstep::engine::core::Mode;
use lockstep::engine::core::command::{Batch, Durability, Row};
use lockstep::engine::core::state::{IntentState, RecordState};
use lockstep::engine::core::view::View;
use lockstep::model::{IntentId, ObjectKind, Pause, PauseScope, System, Timestamp};
use lockstep::sim::Data;
use tokio::time::Instant;

use super::bench::{Bench, CONNECTWISE, HUBSPOT, PATIENCE, finished};

const COMPANIES: usize = 150;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_that_is_journaled_after_a_pause_and_all_of_it_crosses_after_the_resume() {
    let bench = Bench::new(Data::Empty).await;
    let names = bench.create_many(HUBSPOT, COMPANIES);
    let mut engine = bench.engine(Mode::Once).await;
    let deadline = Instant::now() + PATIENCE;
    while bench.live(CONNECTWISE).len() < 5 {
        assert!(Instant::now() < deadline, "nothing is written");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let (writer, reader) = (bench.workspace.writer().unwrap(), bench.workspace.reader().unwrap());
    let scope = PauseScope::new(Some(ObjectKind::Company), Some(System::ConnectWise));
    let pause = Pause { scope, by: "ann".into(), since: Timestamp(1_795_813_443_000), note: None };
    writer.commit(Batch { durability: Durability::Power, rows: vec![Row::Pause(pause)] }).await.unwrap();
    let last = reader.high_water().unwrap().intent;
    finished(&mut engine).await;
    engine.stop().await;
    let mut after = 0;
    while let Some(intent) = reader.intent(IntentId(last + after + 1)).unwrap() {
        after += 1;
        if intent.system == System::HubSpot {
            continue;
        }
        let told = (intent.state, intent.outcome.as_deref().unwrap_or_default());
        assert!(told.0 == IntentState::NotApplied && told.1.starts_with("not sent: paused by ann"), "{intent:?}");
    }
    let written = bench.live(CONNECTWISE).len();
    assert!(written < COMPANIES, "the pause came too late to be one");
    let pending = reader.state_count(ObjectKind::Company, RecordState::Pending).unwrap();
    assert_eq!(pending as usize + written, COMPANIES, "what is not there waits");

    // a second engine finds the pause in the workspace
    bench.run().await;
    assert_eq!(bench.live(CONNECTWISE).len(), written);
    let rows = vec![Row::ClearPauses(PauseScope::EVERYTHING)];
    writer.commit(Batch { durability: Durability::Power, rows }).await.unwrap();
    bench.settle().await;
    bench.assert_pairs(&names);
}
