//! The pace, on a clock that stands still unless everybody waits.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::*;

const SLOW: Pace = Pace { start: 10.0, ceiling: 10.0, burst: 5.0 };

/// Turns of 51 that each one gets while all want more.
const WEIGHTS: [(Priority, f64); 4] =
    [(Priority::Pull, 9.0), (Priority::Write, 36.0), (Priority::Settled, 4.0), (Priority::Bulk, 2.0)];

fn budget(pace: Pace) -> Arc<Budget> {
    Arc::new(Budget::new(pace, Pace { start: 2.0, ceiling: 2.0, burst: 1.0 }, false))
}

async fn take(budget: &Budget, lane: Lane, calls: usize) -> Duration {
    let began = Instant::now();
    for _ in 0..calls {
        assert_eq!(budget.turn(lane, Priority::Pull, None).await, Ok(()));
    }
    began.elapsed()
}

fn is_about(took: Duration, seconds: f64) -> bool {
    (took.as_secs_f64() - seconds).abs() <= 0.1 * seconds + 0.02
}

/// Callers that report their name when it is their turn.
struct Queue {
    budget: Arc<Budget>,
    turns: mpsc::UnboundedReceiver<(Priority, Duration)>,
    report: mpsc::UnboundedSender<(Priority, Duration)>,
    began: Instant,
}

impl Queue {
    fn new(budget: &Arc<Budget>) -> Self {
        let (report, turns) = mpsc::unbounded_channel();
        Self { budget: Arc::clone(budget), turns, report, began: Instant::now() }
    }

    fn callers(&self, priority: Priority, number: usize) -> Vec<JoinHandle<()>> {
        let one = |_| {
            let (budget, report, began) = (Arc::clone(&self.budget), self.report.clone(), self.began);
            tokio::spawn(async move {
                assert_eq!(budget.turn(Lane::General, priority, None).await, Ok(()));
                assert!(report.send((priority, began.elapsed())).is_ok());
            })
        };
        (0..number).map(one).collect()
    }

    async fn next(&mut self, number: usize) -> Vec<(Priority, Duration)> {
        let mut turns = Vec::new();
        while turns.len() < number
            && let Some(turn) = self.turns.recv().await
        {
            turns.push(turn);
        }
        turns
    }
}

async fn let_them_queue() {
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_goes_at_once_and_the_rest_at_the_rate() {
    let budget = budget(SLOW);
    assert_eq!(take(&budget, Lane::General, 5).await, Duration::ZERO);
    let took = take(&budget, Lane::General, 50).await;
    assert!(is_about(took, 5.0), "{took:?}");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(take(&budget, Lane::General, 5).await, Duration::ZERO, "quiet time earns one burst");
    assert!(is_about(take(&budget, Lane::General, 10).await, 1.0), "and no more");
}

#[tokio::test(start_paused = true)]
async fn an_unlimited_budget_never_waits() {
    let budget = Budget::new(SLOW, SLOW, true);
    assert_eq!(take(&budget, Lane::General, 10_000).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_unlimited_budget_paces_searches_once_one_was_refused() {
    let budget = Budget::new(SLOW, Pace { start: 2.0, ceiling: 2.0, burst: 1.0 }, true);
    assert_eq!(take(&budget, Lane::Search, 50).await, Duration::ZERO);
    budget.throttled(Lane::Search, Duration::from_secs(1));
    let took = take(&budget, Lane::Search, 9).await;
    assert!(is_about(took, 1.0 + 9.0 / 2.0), "{took:?}");
    assert_eq!(take(&budget, Lane::General, 50).await, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_person_overtakes_waiting_bulk_within_one_request() {
    let budget = budget(SLOW);
    take(&budget, Lane::General, 5).await;
    let mut queue = Queue::new(&budget);
    queue.callers(Priority::Bulk, 200);
    queue.callers(Priority::Write, 200);
    let_them_queue().await;
    queue.next(20).await;
    for _ in 0..5 {
        queue.callers(Priority::Interactive, 1);
        let_them_queue().await;
        let turns = queue.next(2).await;
        assert!(turns.iter().any(|(priority, _)| *priority == Priority::Interactive), "{turns:?}");
    }
    queue.callers(Priority::Recovery, 1);
    queue.callers(Priority::Interactive, 1);
    let_them_queue().await;
    let turns: Vec<Priority> = queue.next(3).await.into_iter().map(|(priority, _)| priority).collect();
    let position = |wanted| turns.iter().position(|priority| *priority == wanted);
    assert!(position(Priority::Interactive) < position(Priority::Recovery), "{turns:?}");
    assert!(position(Priority::Interactive).is_some(), "{turns:?}");
}

#[tokio::test(start_paused = true)]
async fn nobody_starves_and_writes_get_four_times_what_pulls_get() {
    let budget = budget(SLOW);
    take(&budget, Lane::General, 5).await;
    let mut queue = Queue::new(&budget);
    for (priority, _) in WEIGHTS {
        queue.callers(priority, 400);
    }
    let_them_queue().await;
    let turns = queue.next(510).await;
    for (priority, weight) in WEIGHTS {
        let got = turns.iter().filter(|(turn, _)| *turn == priority).count();
        #[expect(clippy::cast_precision_loss, reason = "a few hundred turns")]
        let off = (got as f64 - weight * 10.0).abs();
        assert!(off <= 3.0, "{priority:?} got {got} of 510");
    }
}

#[tokio::test(start_paused = true)]
async fn having_been_idle_is_no_claim_on_the_future() {
    let budget = budget(SLOW);
    let mut queue = Queue::new(&budget);
    queue.callers(Priority::Bulk, 300);
    let_them_queue().await;
    queue.next(200).await;
    queue.callers(Priority::Pull, 300);
    let_them_queue().await;
    let turns = queue.next(40).await;
    let bulk = turns.iter().filter(|(priority, _)| *priority == Priority::Bulk).count();
    assert!((13..=19).contains(&bulk), "two fifths of the turns, not none: {bulk}");
}

#[tokio::test(start_paused = true)]
async fn the_rate_halves_on_a_refusal_and_grows_back_with_answers() {
    let budget = budget(SLOW);
    let rate = || budget.snapshot().rate_milli;
    assert_eq!(rate(), 10_000);
    budget.throttled(Lane::General, Duration::from_millis(100));
    budget.throttled(Lane::General, Duration::from_millis(100));
    assert_eq!(rate(), 5_000, "one burst of refusals is one event");
    tokio::time::sleep(Duration::from_secs(2)).await;
    budget.throttled(Lane::General, Duration::from_millis(100));
    assert_eq!(rate(), 2_500);
    for _ in 0..20 {
        tokio::time::sleep(Duration::from_secs(2)).await;
        budget.throttled(Lane::General, Duration::ZERO);
    }
    assert_eq!(rate(), 500, "it never comes to a stop");
    (0..100).for_each(|_| budget.answered(Lane::General));
    assert!((5_400..=5_600).contains(&rate()), "{}", rate());
    (0..200).for_each(|_| budget.answered(Lane::General));
    assert_eq!(rate(), 10_000);
}

#[tokio::test(start_paused = true)]
async fn a_pause_asked_for_holds_everybody_and_is_not_made_up_for_afterwards() {
    let budget = budget(SLOW);
    let mut queue = Queue::new(&budget);
    budget.throttled(Lane::General, Duration::from_secs(30));
    assert_eq!(budget.snapshot().blocked, Some(Duration::from_secs(30)));
    queue.callers(Priority::Bulk, 20);
    queue.callers(Priority::Interactive, 1);
    let_them_queue().await;
    assert_eq!(budget.snapshot().waiting, 21);
    let turns = queue.next(11).await;
    assert!(turns.iter().all(|(_, at)| *at >= Duration::from_secs(30)), "{turns:?}");
    assert_eq!(turns[0].0, Priority::Interactive);
    // The rate is halved to five a second: ten more calls take two seconds.
    assert!(is_about(turns[10].1 - turns[0].1, 2.0), "{turns:?}");
}

#[tokio::test(start_paused = true)]
async fn search_has_a_lane_of_its_own() {
    let budget = budget(SLOW);
    budget.throttled(Lane::General, Duration::from_secs(60));
    let took = take(&budget, Lane::Search, 5).await;
    assert!(is_about(took, 2.0), "{took:?}");
    budget.throttled(Lane::Search, Duration::from_secs(600));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(take(&budget, Lane::General, 5).await < Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_cannot_have_its_turn_in_time_is_given_back() {
    let budget = budget(SLOW);
    let latest = || Some(Instant::now() + Duration::from_secs(30));
    take(&budget, Lane::General, 5).await;
    let mut queue = Queue::new(&budget);
    queue.callers(Priority::Interactive, 500);
    let_them_queue().await;
    let began = Instant::now();
    let late = budget.turn(Lane::General, Priority::Write, latest()).await;
    assert_eq!(late, Err(Late { again: Duration::from_secs(1), spent: false }));
    assert_eq!(began.elapsed(), Duration::from_secs(30));
    let all = queue.next(500).await;
    assert_eq!(all.len(), 500);
    assert_eq!(budget.snapshot().waiting, 0, "its place is free again");

    budget.throttled(Lane::General, Duration::from_secs(90));
    let began = Instant::now();
    let late = budget.turn(Lane::General, Priority::Write, latest()).await;
    assert_eq!((late, began.elapsed()), (Err(Late { again: Duration::from_secs(90), spent: false }), Duration::ZERO));
    budget.throttled(Lane::Search, Duration::from_secs(20));
    assert_eq!(budget.turn(Lane::Search, Priority::Write, latest()).await, Ok(()), "twenty seconds are in time");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_away_takes_no_turn() {
    let budget = budget(SLOW);
    take(&budget, Lane::General, 5).await;
    let mut queue = Queue::new(&budget);
    let gone = queue.callers(Priority::Write, 100);
    let_them_queue().await;
    gone.iter().for_each(JoinHandle::abort);
    let_them_queue().await;
    queue.callers(Priority::Bulk, 1);
    let turns = queue.next(1).await;
    assert!(turns[0].1 <= Duration::from_millis(150), "{turns:?}");
}

async fn shares(busy: &[Priority], turns: usize) -> Vec<usize> {
    let budget = budget(SLOW);
    take(&budget, Lane::General, 5).await;
    let mut queue = Queue::new(&budget);
    for priority in busy {
        queue.callers(*priority, turns);
    }
    let_them_queue().await;
    let got = queue.next(turns).await;
    busy.iter().map(|priority| got.iter().filter(|(turn, _)| turn == priority).count()).collect()
}

#[tokio::test(start_paused = true)]
async fn background_work_gets_a_tenth_at_least_and_two_fifths_at_most_while_writes_wait() {
    use Priority::{Bulk, Pull, Settled, Write};
    for busy in [
        vec![Write, Bulk],
        vec![Write, Settled],
        vec![Write, Settled, Bulk],
        vec![Pull, Write, Bulk],
        vec![Pull, Write, Settled, Bulk],
    ] {
        let got = shares(&busy, 300).await;
        let pairs = busy.iter().zip(&got).filter(|(priority, _)| matches!(priority, Settled | Bulk));
        let background: usize = pairs.map(|(_, got)| got).sum();
        assert!((30..=120).contains(&background), "{busy:?}: {got:?}");
        assert!(got.iter().all(|got| *got > 0), "{busy:?}: {got:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn as_the_day_runs_out_the_least_urgent_work_stops_first() {
    use Priority::{Bulk, Interactive, Pull, Recovery, Settled, Write};
    let table: [(u64, Option<Priority>); 6] =
        [(69, None), (70, Some(Bulk)), (85, Some(Settled)), (94, Some(Settled)), (95, Some(Pull)), (100, Some(Pull))];
    for (used, held_from) in table {
        let budget = budget(SLOW);
        budget.daily(used * 6250, 625_000);
        assert_eq!(budget.snapshot().held_from, held_from, "{used} %");
        // The one call that asks whether the day has turned is out of the way.
        budget.lock().probe = Instant::now() + PROBE;
        for priority in [Interactive, Recovery, Pull, Write, Settled, Bulk] {
            let waits = held_from.is_some_and(|from| priority >= from);
            let turn = budget.turn(Lane::General, priority, Some(Instant::now() + Duration::from_secs(30))).await;
            assert_eq!(turn.is_err_and(|late| late.spent), waits, "{priority:?} at {used} %");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_waits_for_the_next_day_asks_now_and_then_and_goes_on_when_it_has_come() {
    let budget = budget(SLOW);
    budget.daily(990, 1000);
    let mut queue = Queue::new(&budget);
    queue.callers(Priority::Pull, 3);
    queue.callers(Priority::Bulk, 3);
    let_them_queue().await;
    let asked = queue.next(3).await;
    let at: Vec<u64> = asked.iter().map(|(_, at)| at.as_secs() / 600).collect();
    assert_eq!(at, [0, 1, 2], "{asked:?}");
    assert!(asked.iter().all(|(priority, _)| *priority == Priority::Pull), "what matters most asks: {asked:?}");
    let began = queue.began.elapsed();
    budget.daily(1, 1000);
    let rest = queue.next(3).await;
    assert!(rest.iter().all(|(_, at)| *at < began + Duration::from_secs(2)), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn calls_of_other_apps_count_against_us() {
    let budget = budget(SLOW);
    budget.only(2);
    let took = take(&budget, Lane::General, 5).await;
    assert!(is_about(took, 0.3), "{took:?}");
    budget.only(0);
    assert_eq!(budget.snapshot().blocked, Some(Duration::from_secs(1)));
}

#[tokio::test(start_paused = true)]
async fn when_the_day_turns_the_first_call_goes_at_once_and_the_others_wait_for_its_answer() {
    let budget = budget(SLOW);
    budget.daily(990, 1000);
    budget.day_ends(Duration::from_secs(1000));
    let mut queue = Queue::new(&budget);
    queue.callers(Priority::Pull, 6);
    let asked = queue.next(4).await;
    let at: Vec<u64> = asked.iter().map(|(_, at)| at.as_secs()).collect();
    assert_eq!(at, [0, 600, 1000, 1600], "where it did not turn then, it is asked for as before");
    // The next turn becomes known while they wait.
    budget.day_ends(Duration::from_secs(60));
    assert_eq!(queue.next(1).await[0].1.as_secs(), 1660);
    budget.daily(1, 1000);
    assert_eq!(queue.next(1).await[0].1.as_secs(), 1660);
}

#[tokio::test(start_paused = true)]
async fn a_turn_of_the_day_that_nobody_waited_for_is_not_forgotten() {
    for known_anew in [false, true] {
        let budget = budget(SLOW);
        budget.daily(990, 1000);
        budget.day_ends(Duration::from_secs(100));
        let now = || Some(Instant::now());
        assert_eq!(budget.turn(Lane::General, Priority::Pull, now()).await, Ok(()), "the first one asks");
        tokio::time::sleep(Duration::from_secs(40)).await;
        let late = budget.turn(Lane::General, Priority::Pull, now()).await;
        assert_eq!(late, Err(Late { again: Duration::from_secs(60), spent: true }));
        tokio::time::sleep(Duration::from_secs(61)).await;
        if known_anew {
            budget.day_ends(Duration::from_secs(86_399));
        }
        assert_eq!(budget.turn(Lane::General, Priority::Pull, now()).await, Ok(()), "{known_anew}");
        let late = budget.turn(Lane::General, Priority::Pull, now()).await;
        assert_eq!(late, Err(Late { again: PROBE, spent: true }), "{known_anew}: one is enough");
    }
}

/// What a random afternoon looks like: who calls when, and what the system says meanwhile.
#[derive(Debug, Clone)]
enum Happening {
    Calls(Priority, u8),
    Refusal(u8),
    Answers(u8),
    Left(u8),
    Pause(u16),
}

fn happenings() -> impl proptest::strategy::Strategy<Value = Vec<Happening>> {
    use proptest::prelude::*;
    let priority = prop::sample::select(vec![
        Priority::Interactive,
        Priority::Recovery,
        Priority::Pull,
        Priority::Write,
        Priority::Settled,
        Priority::Bulk,
    ]);
    let one = prop_oneof![
        4 => (priority, 1_u8..40).prop_map(|(priority, calls)| Happening::Calls(priority, calls)),
        1 => (0_u8..15).prop_map(Happening::Refusal),
        1 => any::<u8>().prop_map(Happening::Answers),
        1 => any::<u8>().prop_map(Happening::Left),
        2 => (1_u16..8000).prop_map(Happening::Pause),
    ];
    prop::collection::vec(one, 1..40)
}

/// Lives through it; gives every turn with the moment it was asked for and the moment it came.
async fn live_through(happenings: &[Happening]) -> Vec<(Priority, Duration, Duration)> {
    let budget = budget(Pace { start: 18.0, ceiling: 18.0, burst: 10.0 });
    let (report, mut turns) = mpsc::unbounded_channel();
    let began = Instant::now();
    for happening in happenings {
        match happening {
            Happening::Calls(priority, calls) => {
                for _ in 0..*calls {
                    let (budget, report, priority) = (Arc::clone(&budget), report.clone(), *priority);
                    let asked = began.elapsed();
                    tokio::spawn(async move {
                        if budget.turn(Lane::General, priority, None).await.is_ok() {
                            assert!(report.send((priority, asked, began.elapsed())).is_ok());
                        }
                    });
                }
            }
            Happening::Refusal(seconds) => {
                budget.throttled(Lane::General, Duration::from_secs(u64::from(*seconds)));
            }
            Happening::Answers(answers) => (0..*answers).for_each(|_| budget.answered(Lane::General)),
            Happening::Left(left) => budget.only(u64::from(*left)),
            Happening::Pause(millis) => tokio::time::sleep(Duration::from_millis(u64::from(*millis))).await,
        }
    }
    drop(report);
    let mut all = Vec::new();
    while let Some(turn) = turns.recv().await {
        all.push(turn);
    }
    all
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(24))]

    #[test]
    fn no_window_ever_holds_more_than_the_limit_and_everybody_has_their_turn(plan in happenings()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let turns = runtime.map(|runtime| runtime.block_on(live_through(&plan)));
        let Ok(turns) = turns else { panic!("no runtime") };
        let asked: usize = plan.iter().map(|one| if let Happening::Calls(_, calls) = one { usize::from(*calls) } else { 0 }).sum();
        proptest::prop_assert_eq!(turns.len(), asked, "nobody starves");
        let times: Vec<Duration> = turns.iter().map(|(.., at)| *at).collect();
        for (first, at) in times.iter().enumerate() {
            let in_window = times[first..].iter().take_while(|later| **later < *at + Duration::from_secs(10)).count();
            proptest::prop_assert!(in_window <= 190, "{} calls within ten seconds from {:?}", in_window, at);
        }
        // Nobody less urgent has a turn while a person waits, whatever else happens.
        for (priority, asked, at) in turns.iter().filter(|(priority, ..)| *priority == Priority::Interactive) {
            let between = turns.iter().filter(|(other, _, when)| other > priority && when > asked && when < at).count();
            proptest::prop_assert_eq!(between, 0, "overtaken");
        }
    }
}
