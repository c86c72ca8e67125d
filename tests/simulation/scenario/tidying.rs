//! What people do to tidy up, drawn from a stream of its own: what was drawn before they did is drawn as it was.

use lockstep::model::{ObjectKind, System};

use super::{Newborn, Op, Users, What, When};
use crate::fields::TICKETS;
use crate::random::Random;

/// Adds it to what users do.
pub(super) fn add(seed: u64, users: &mut Users, ops: &mut Vec<Op>, length: i64) {
    let mut random = Random::stream(seed, 32);
    if users.fields & TICKETS != 0 {
        merge_tickets(users, &mut random, ops, length);
    }
}

/// Some go up in one that was made a moment ago.
fn merge_tickets(users: &mut Users, random: &mut Random, ops: &mut Vec<Op>, length: i64) {
    for _ in 0..random.below(3) {
        let into_newest = random.chance(500);
        let at = random.between(0, length - 1);
        if into_newest {
            let key = random.chance(600).then(|| random.below(4) as u32);
            let parent = Some(random.below(64) as u32);
            let (side, object) = (System::ConnectWise, ObjectKind::Ticket);
            let one = Newborn { object, side, key, parent, fields: random.next() & users.fields, value: users.value() };
            ops.push(Op { when: When::At(at), what: What::Create(one) });
        }
        let when = When::At(at + random.between(0, 90_000));
        let (pick, other) = (random.below(64) as u32, random.below(64) as u32);
        ops.push(Op { when, what: What::MergeTickets { pick, other, into_newest } });
    }
}
