//! One world: two systems, their people, and a binary that dies.

use std::process::Child;

use lockstep::mapping::ObjectMapping;
use lockstep::mapping::defaults::ActivitySetup;
use lockstep::sim::ACTIVITY_KEY_FIELD;

use super::kinds::{ACTIVITIES, COMPANY, CONTACT, DEAL, ITEMS, Kind};
use super::people::People;
use super::*;

pub struct World {
    pub bench: Bench,
    people: People,
    pub kinds: Vec<&'static Kind>,
    pub seen: Seen,
}

/// How long one run of the binary is given to reach a point before it counts as not reached.
const REACH: Duration = Duration::from_secs(20);
/// The longest life of a request, in seconds: what is not there by then never comes.
const FLIGHT: u64 = 2;
/// How long HubSpot's index may trail, in seconds: it alone tells of a new record without a unique key.
const INDEX_LAG: u64 = 1;
/// Milliseconds after which it shows a record that was made when the binary died.
const SHOWN_AFTER: i64 = 900;
/// Milliseconds that a request hangs in a system; well within its life, however busy the machine.
const HANG: u64 = 400;

impl World {
    /// Everything that happens under a seed, and what was wrong at its end.
    pub async fn run(seed: u64, kills: usize) -> Result<Seen, Vec<String>> {
        // Not all in one world: each of its runs reads everything.
        let others = if seed.is_multiple_of(2) { ACTIVITIES.to_vec() } else { ITEMS.to_vec() };
        let bench = Bench::with(Data::Empty, |config| {
            config.objects.push(defaults::deal(lockstep::sim::DEAL_KEY_FIELD.into()));
            config.objects.extend(others.iter().map(|kind| mapping(kind)));
            config.timing.flight = FLIGHT;
            config.timing.index_lag = INDEX_LAG;
            // What is deleted in ConnectWise without a trace is looked for in every run.
            config.timing.sweep = 0;
        })
        .await;
        let kinds = [&COMPANY, &CONTACT, &DEAL].into_iter().chain(others.iter().copied()).collect();
        let mut world = Self { bench, people: People::new(seed, others), kinds, seen: Seen::default() };
        world.people.begin(&world.bench);
        // A run may be over before it gets to its point.
        for _ in 0..3 * kills {
            world.round().await;
            if world.seen.kills() >= kills {
                break;
            }
        }
        world.calm().await;
        world.verdict()
    }

    /// People at work, a run that is killed, and sometimes faults on top.
    async fn round(&mut self) {
        for _ in 0..2 + self.people.random.below(4) {
            self.people.act(&self.bench);
        }
        if self.people.random.below(3) == 0 {
            self.trouble();
        }
        let point = self.choose();
        let before = self.bench.now();
        let armed = self.arm(point);
        let mut child = self.bench.binary("sync --once").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        if self.reach(point, armed, before, &mut child).await {
            // What nobody waits for any more may still be on its way, and people go on meanwhile.
            if self.people.random.below(2) == 0 {
                self.people.act(&self.bench);
            }
            // On unix: SIGKILL.
            child.kill().unwrap();
            self.hide_new_ones(before);
            *self.seen.kills.entry(point).or_default() += 1;
        }
        child.wait().unwrap();
        self.bench.running.control.clear_faults();
    }

    /// What was just made without a unique key is not in HubSpot's index yet.
    fn hide_new_ones(&self, before: u64) {
        let writes = self.bench.writes_since(before);
        for made in writes.iter().filter(|write| write.side == HUBSPOT && write.verb == Verb::Create) {
            let is_keyed = self.kinds.iter().any(|kind| kind.has(made) && kind.is_keyed());
            if !is_keyed {
                let shown = made.at_ms + SHOWN_AFTER;
                self.bench.running.control.show_in_search_from(made.object, made.id, shown).unwrap();
            }
        }
    }

    /// No 429 is among it: a system that did the work and then says so is what the README names as a limit of objects
    /// without unique keys. All others are made once, these included.
    fn trouble(&mut self) {
        let faults = [
            Fault::DropBefore,
            Fault::DropAfterCommit,
            Fault::Status { code: 503, body: None, retry_after: None },
            Fault::StatusAfterCommit { code: 500, body: None },
            Fault::LateLanding { ms: HANG },
            Fault::Truncate,
        ];
        let fault = self.people.random.pick(&faults).unwrap();
        self.bench.running.control.inject(FaultRule { count: Some(4), ..FaultRule::once(fault).with_probability(0.1) });
    }

    fn choose(&mut self) -> Point {
        let system = if self.people.random.below(2) == 0 { System::HubSpot } else { System::ConnectWise };
        let target = match self.people.random.below(6) {
            0 | 1 => Target::Create(system),
            2 | 3 => Target::Update(system),
            4 => Target::CreateWithoutKey,
            _ => Target::Read(system),
        };
        match self.people.random.below(6) {
            0 | 1 => Point::Moment,
            2 => Point::Answered,
            3 => Point::BeforeLanding(target),
            _ => Point::Unanswered(target),
        }
    }

    /// Sets a trap for the request that the point waits for; how many faults have struck before it.
    fn arm(&mut self, point: Point) -> u64 {
        let (fault, target) = match point {
            Point::BeforeLanding(target) => (Fault::LateLanding { ms: HANG }, target),
            Point::Unanswered(target) => (Fault::Delay { ms: HANG }, target),
            Point::Moment | Point::Answered => return 0,
        };
        let unkeyed = match target {
            Target::CreateWithoutKey => self.people.new_without_key(&self.bench),
            _ => None,
        };
        let of_unkeyed = unkeyed.map_or_else(|| "batch/create".to_owned(), |object| format!("{object}/batch/create"));
        let (side, method, path) = match target {
            Target::CreateWithoutKey => (HUBSPOT, "POST", &*of_unkeyed),
            Target::Create(System::HubSpot) => (HUBSPOT, "POST", "batch/create"),
            Target::Update(System::HubSpot) => (HUBSPOT, "POST", "batch/update"),
            Target::Read(System::HubSpot) => (HUBSPOT, "POST", "batch/read"),
            Target::Create(System::ConnectWise) => (CONNECTWISE, "POST", "/"),
            Target::Update(System::ConnectWise) => (CONNECTWISE, "PATCH", "/"),
            Target::Read(System::ConnectWise) => (CONNECTWISE, "GET", "/"),
        };
        let rule = FaultRule::once(fault).on(side).method(method).path(path);
        let skip = match target {
            Target::Read(System::ConnectWise) => self.people.random.below(30),
            Target::Read(System::HubSpot) => self.people.random.below(6),
            Target::CreateWithoutKey => 0,
            _ => self.people.random.below(2),
        };
        self.bench.running.control.inject(FaultRule { skip: u32::try_from(skip).unwrap(), ..rule });
        self.armed()
    }

    /// How many traps are set.
    fn armed(&self) -> u64 {
        self.bench.running.control.faults().iter().filter(|rule| rule.probability >= 1.0).count() as u64
    }

    /// Waits for the point; false when the run was over before.
    async fn reach(&mut self, point: Point, armed: u64, before: u64, child: &mut Child) -> bool {
        let moment = Duration::from_millis(self.people.random.below(800));
        let (start, patience) = (Instant::now(), Duration::from_millis(self.people.random.below(20)));
        loop {
            if child.try_wait().unwrap().is_some() {
                return false;
            }
            let reached = match point {
                Point::Moment => start.elapsed() >= moment,
                Point::Answered => !self.bench.writes_since(before).is_empty(),
                Point::BeforeLanding(_) | Point::Unanswered(_) => self.armed() < armed,
            };
            if reached {
                tokio::time::sleep(if point == Point::Answered { patience } else { Duration::ZERO }).await;
                return child.try_wait().unwrap().is_none();
            }
            assert!(start.elapsed() < REACH, "the binary neither ends nor gets to {point}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Nobody dies any more, nothing goes wrong, nobody edits: the binary until nothing is left to do.
    async fn calm(&self) {
        // What is on its way lands.
        tokio::time::sleep(Duration::from_millis(HANG)).await;
        let (code, said) = self.bench.exit_code("sync --once").await;
        assert!(code == 0 || code == 5, "{code}: {said}");
        self.bench.settle().await;
    }
}

/// As its mapping comes, with the types and members that the simulated tenant has.
fn mapping(kind: &Kind) -> ObjectMapping {
    match kind.known_as {
        ObjectKind::Product => defaults::product(),
        ObjectKind::LineItem => defaults::line_item(),
        activity => {
            let setup = ActivitySetup {
                types: kind.of_type.into_iter().collect(),
                beside: vec![ObjectKind::Contact, ObjectKind::Deal],
                ..ActivitySetup::new(ACTIVITY_KEY_FIELD.into())
            };
            defaults::activity(activity, &setup)
        }
    }
}
