//! Scenarios as files: every choice of a run, typed and by name, so that a failure can be kept, sent and played again,
//! whatever becomes of the generator that once drew it.

use std::fs;
use std::path::{Path, PathBuf};

use lockstep::model::{BySystem, Schema};
use serde::{Deserialize, Serialize};

use crate::fields::SPECS;
use crate::scenario::Scenario;
use crate::shrink::shrink;
use crate::simulation::{Outcome, Trace};
use crate::twin::play_beside_twin;

/// A scenario with a word about it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tape {
    /// Where it comes from and what it broke then.
    pub about: String,
    pub scenario: Scenario,
}

impl Tape {
    /// Reads a tape; the error says which file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_str(&text).map_err(|error| format!("{}: not a tape: {error}", path.display()))
    }

    fn write(&self, path: &Path) -> Result<(), String> {
        let text = serde_json::to_string_pretty(self).map_err(|error| error.to_string())?;
        fs::write(path, text + "\n").map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// What was broken, a line for each.
pub fn broken(outcome: &Outcome) -> String {
    outcome.violations.iter().map(|violation| format!("{}: {}\n", violation.invariant, violation.text)).collect()
}

/// A failure for people, and as files below `target/simulation`: the whole tape, the smallest that breaks the same
/// invariant, and the story of that one.
pub fn keep_failure(name: &str, scenario: &Scenario, schemas: &[BySystem<Schema>], outcome: &Outcome) -> String {
    use std::fmt::Write as _;
    let broken = broken(outcome);
    let whole = scenario.with_faults(outcome.struck.clone());
    let smallest = shrink(scenario, schemas, outcome);
    let story = play_beside_twin(&smallest, schemas, Trace::Lines).log.join("\n");
    let kept = write_failure(name, &broken, whole, &smallest, &story);
    let mut text = broken;
    match kept {
        Ok(dir) => {
            let _ = writeln!(text, "kept in {}: tape.json, smallest.json, story.log", dir.display());
            let _ = writeln!(text, "again: cargo bench --bench simulate -- --tape {}/smallest.json", dir.display());
        }
        Err(why) => {
            let _ = writeln!(text, "could not be kept: {why}");
        }
    }
    let _ = writeln!(text, "smallest: {smallest:?}\n{story}");
    text
}

fn write_failure(
    name: &str,
    broken: &str,
    whole: Scenario,
    smallest: &Scenario,
    story: &str,
) -> Result<PathBuf, String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/simulation").join(name);
    fs::create_dir_all(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let about = format!("{name}. {}", broken.lines().next().unwrap_or_default());
    Tape { about: about.clone(), scenario: whole }.write(&dir.join("tape.json"))?;
    Tape { about, scenario: smallest.clone() }.write(&dir.join("smallest.json"))?;
    let log = dir.join("story.log");
    fs::write(&log, format!("{broken}\n{story}\n")).map_err(|error| format!("{}: {error}", log.display()))?;
    Ok(dir)
}

/// What a field is called on a tape: its place among all fields may change.
fn name_of(place: usize) -> String {
    SPECS.get(place).map_or_else(|| format!("field {place}"), |spec| format!("{}.{}", spec.object, spec.hubspot))
}

fn place_of(name: &str) -> Result<usize, String> {
    let place = (0..SPECS.len()).find(|place| name_of(*place) == name);
    place.ok_or_else(|| format!("there is no field `{name}` in the simulated mapping"))
}

/// One field, by its name.
pub mod field {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(place: &usize, to: S) -> Result<S::Ok, S::Error> {
        super::name_of(*place).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<usize, D::Error> {
        super::place_of(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// A set of fields, by their names.
pub mod fields {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
    pub fn serialize<S: Serializer>(mask: &u64, to: S) -> Result<S::Ok, S::Error> {
        let places = (0..super::SPECS.len()).filter(|place| mask & (1 << place) != 0);
        places.map(super::name_of).collect::<Vec<_>>().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        let names = Vec::<String>::deserialize(from)?;
        let mut mask = 0_u64;
        for name in names {
            mask |= 1 << super::place_of(&name).map_err(D::Error::custom)?;
        }
        Ok(mask)
    }
}
