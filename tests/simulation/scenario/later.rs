//! Line items and activities, drawn from a stream of their own: what was drawn before there were any is drawn as it was.

use lockstep::model::{ObjectKind, System};

use super::{Newborn, Op, Users, What, When, side};
use crate::fields::{ACTIVITIES, DEALS, FIRST_COUNT, SPECS, Shape, complete, fields_of};
use crate::random::Random;

/// Adds them to what users have and do, where the seed has any. Says which fields are in play.
pub(super) fn add(seed: u64, users: &mut Users, setup: &mut Vec<Newborn>, ops: &mut Vec<Op>, length: i64) -> u64 {
    let mut random = Random::stream(seed, 30);
    let kinds = kinds(&mut random, users.fields);
    if kinds.is_empty() {
        return users.fields;
    }
    let mine = kinds.iter().fold(0, |mask, kind| mask | fields_of(*kind));
    let word = random.next() | random.next();
    let fields = complete(users.fields | mine & word | mine & must_have());
    users.fields = fields;
    let mine = fields & mine;
    while setup.len() < 20 && random.chance(800) {
        let side = side(&mut random);
        let one = newborn(users, &mut random, &kinds, side);
        if random.chance(350) {
            setup.push(Newborn { side: side.other(), value: users.value(), ..one.clone() });
        }
        setup.push(one);
    }
    let most = ops.len() + 12;
    while ops.len() < most && random.chance(900) {
        let when = match random.chance(450) {
            true => When::Arrival(random.below(160) as u32),
            false => When::At(random.between(0, length - 1)),
        };
        for what in acts(users, &mut random, &kinds, mine) {
            ops.push(Op { when, what });
        }
    }
    fields
}

/// Line items in some of the worlds that have deals, activities of one kind or more in one of five.
fn kinds(random: &mut Random, fields: u64) -> Vec<ObjectKind> {
    let mut kinds = Vec::new();
    if random.chance(500) && fields & DEALS != 0 {
        kinds.push(ObjectKind::LineItem);
    }
    if random.chance(200) {
        let first = random.below(ACTIVITIES.len() as u64) as usize;
        let more = random.chance(600);
        kinds.extend(
            ACTIVITIES
                .into_iter()
                .enumerate()
                .filter(|(at, _)| *at == first || more && random.chance(400))
                .map(|(_, kind)| kind),
        );
    }
    kinds
}

/// Whatever else is left out.
fn must_have() -> u64 {
    let must = (FIRST_COUNT..SPECS.len()).filter(|at| matches!(SPECS[*at].shape, Shape::Title | Shape::Moment));
    must.fold(0, |mask, at| mask | 1 << at)
}

fn newborn(users: &mut Users, random: &mut Random, kinds: &[ObjectKind], side: System) -> Newborn {
    let object = kinds[random.below(kinds.len() as u64) as usize];
    let key = random.chance(800).then(|| random.below(4) as u32);
    let parent = random.chance(930).then(|| random.below(64) as u32);
    Newborn { object, side, key, parent, fields: random.next() & users.fields, value: users.value() }
}

fn acts(users: &mut Users, random: &mut Random, kinds: &[ObjectKind], mine: u64) -> Vec<What> {
    let side = side(random);
    let pick = random.below(64) as u32;
    let places: Vec<usize> = (FIRST_COUNT..SPECS.len()).filter(|at| mine & (1 << at) != 0).collect();
    let field = places[random.below(places.len() as u64) as usize];
    match random.below(100) {
        0..35 => vec![What::Edit { side, pick, field, value: users.value() }],
        35..47 => {
            let one = What::Edit { side, pick, field, value: users.value() };
            vec![one, What::Edit { side: side.other(), pick, field, value: users.value() }]
        }
        47..52 => vec![What::Clear { side, pick, field }],
        52..66 => vec![What::Create(newborn(users, random, kinds, side))],
        66..72 => {
            let one = newborn(users, random, kinds, side);
            let other = Newborn { side: side.other(), value: users.value(), ..one.clone() };
            vec![What::Create(one), What::Create(other)]
        }
        72..76 => vec![What::Delete { side, pick }],
        76..80 => vec![What::Restore { side, pick }],
        80..82 => vec![What::Purge { side, pick }],
        82..84 => vec![What::Poison { side, pick, field, value: users.value() }],
        84..94 => vec![What::Retype { pick, to: ACTIVITIES[random.below(4) as usize] }],
        94..96 => vec![What::Merge { side, pick, other: users.value() }],
        96..98 => vec![What::Push { side, pick }],
        _ => vec![What::Decide { pick, winner: side }],
    }
}
