//! How long search does not know of a write.

use super::Behaviour;
use crate::sim::random::Random;

const SOON: usize = 5_000;
const LATER: usize = 60_000;
const LATE: usize = 600_000;

/// Milliseconds until search shows a new record.
pub(crate) fn of_create(random: &mut Random, behaviour: &Behaviour) -> i64 {
    if behaviour.lag_is_spread { spread(random) } else { behaviour.create_lag_ms }
}

/// Milliseconds until search shows a change of a record.
pub(crate) fn of_update(random: &mut Random, behaviour: &Behaviour) -> i64 {
    if behaviour.lag_is_spread { spread(random) } else { behaviour.update_lag_ms }
}

/// Nine in ten within five seconds, all but one in a hundred within a minute, that one within ten minutes.
fn spread(random: &mut Random) -> i64 {
    let most = match random.below(100) {
        0..90 => SOON,
        90..99 => LATER,
        _ => LATE,
    };
    i64::try_from(random.below(most + 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_writes_are_found_within_seconds_and_a_few_after_minutes() {
        let mut random = Random::new(7);
        let lags: Vec<i64> = (0..10_000).map(|_| spread(&mut random)).collect();
        let within = |ms: i64| lags.iter().filter(|lag| **lag <= ms).count();
        assert!((8_900..9_400).contains(&within(5_000)), "{}", within(5_000));
        assert!((9_850..10_000).contains(&within(60_000)), "{}", within(60_000));
        assert_eq!(within(600_000), 10_000);
    }
}
