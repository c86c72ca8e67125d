//! A single run of one engine against a world that answers at once: no faults, no crashes, no users.

#![expect(clippy::unwrap_used, reason = "in tests a surprise is a failure")]

use lockstep::engine::core::command::{Command, Event, Notice};
use lockstep::engine::core::request::{Answer, AnswerBody, Request};
use lockstep::engine::core::state::Run;
use lockstep::engine::core::{Engine, Mode};
use lockstep::mapping::Rules;
use lockstep::model::{BySystem, Timestamp};

use crate::clocks::Clocks;
use crate::scenario::Scenario;
use crate::server::{Arrival, EPOCH, Mutation, Server};
use crate::store::MemoryStore;

/// Two systems and a workspace, in virtual time.
pub struct Single {
    pub store: MemoryStore,
    pub servers: BySystem<Server>,
    pub now: i64,
}

/// A world around them: what it answers, and how long it lets a run live.
pub trait World {
    fn single(&mut self) -> &mut Single;
    fn answer(&mut self, request: &Request) -> AnswerBody;
    fn has_seen_enough(&self) -> bool {
        false
    }
}

impl Single {
    pub fn new() -> Self {
        let temper = Scenario::draw(1).server;
        Self {
            store: MemoryStore::default(),
            servers: BySystem::from_fn(|system| Server::new(system, &temper, &Clocks::default(), 1)),
            now: 0,
        }
    }

    /// What the servers answer.
    pub fn serve(&mut self, request: &Request, written: &mut Vec<Mutation>) -> AnswerBody {
        let arrival =
            Arrival { now: self.now, request, attempts: &[], pretend: false, denies: false, stop_after: usize::MAX };
        self.servers[request.system].handle(&arrival, written)
    }
}

/// One run, as far as the world lets it live. After `most` steps the test is lost.
pub fn run(world: &mut dyn World, rules: Rules, most: u32) -> Option<Run> {
    let mut engine = Engine::new(rules, Mode::Once, &world.single().store).unwrap();
    let (mut events, mut ended) = (vec![Event::Tick], None);
    for _ in 0..most {
        let Single { store, now, .. } = world.single();
        *now += 1;
        let commands = engine.step(Timestamp(EPOCH + *now), store, std::mem::take(&mut events)).unwrap();
        for command in commands {
            match command {
                Command::Commit(batch) => world.single().store.apply(batch),
                Command::Send(request, body) => {
                    let body = world.answer(&body);
                    events.push(Event::Answer(Answer { request, server_time: None, calls: 1, body }));
                }
                Command::WakeAt(at) => world.single().now = world.single().now.max(at.0 - EPOCH),
                Command::Notify(Notice::RunEnded(run)) => ended = Some(*run),
                Command::Notify(Notice::Answered { .. }) => {}
            }
        }
        if engine.is_idle() || world.has_seen_enough() {
            return ended;
        }
    }
    panic!("no end after {most} steps");
}
