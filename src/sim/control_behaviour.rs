//! `PATCH /_sim/behaviour`: lays changes over the behaviour in force, and refuses what they name if it is not there.
//!
//! Objects change member by member, everything else as a whole; a list changes also by `{"add": […], "remove": […]}`. A row
//! of the role that had no entry starts from what such rows may do, and null takes its entry away.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Role;
use super::nearest::nearest;
use super::options::Behaviour;
use super::world::World;

const ROLE: &str = "/connectwise/role";

/// The behaviour in force with these changes.
///
/// # Errors
/// What is no behaviour, or names what the world does not have.
pub(crate) fn changed(world: &World, mut changes: Value) -> Result<Behaviour, String> {
    let mut whole = json!(world.behaviour);
    changed_rows(&mut whole, &mut changes)?;
    lay_over(&mut whole, changes)?;
    let behaviour: Behaviour = serde_json::from_value(whole).map_err(|e| format!("This is not a behaviour: {e}"))?;
    check(&behaviour, world)?;
    Ok(behaviour)
}

/// Rows go by their own names, so that they take the places of those that are there.
fn changed_rows(whole: &mut Value, changes: &mut Value) -> Result<(), String> {
    let Some(role) = changes.pointer_mut(ROLE) else { return Ok(()) };
    let mut other = whole.pointer(&format!("{ROLE}/other")).cloned().unwrap_or_default();
    lay_over(&mut other, role.get("other").cloned().unwrap_or_else(|| json!({})))?;
    let Some(Value::Object(rows)) = role.get_mut("rows") else { return Ok(()) };
    let Some(Value::Object(known)) = whole.pointer_mut(&format!("{ROLE}/rows")) else { return Ok(()) };
    for (name, permit) in std::mem::take(rows) {
        let row = Role::row_named(&name)?;
        if permit.is_null() {
            known.remove(row);
            continue;
        }
        known.entry(row).or_insert_with(|| other.clone());
        rows.insert(row.to_owned(), permit);
    }
    Ok(())
}

fn lay_over(whole: &mut Value, changes: Value) -> Result<(), String> {
    match (whole, changes) {
        (Value::Object(whole), Value::Object(changes)) => {
            for (name, change) in changes {
                lay_over(whole.entry(name).or_insert(Value::Null), change)?;
            }
        }
        (Value::Array(list), Value::Object(edits)) => edit(list, edits)?,
        (whole, changes) => *whole = changes,
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Edits {
    #[serde(default)]
    add: Vec<Value>,
    #[serde(default)]
    remove: Vec<Value>,
}

fn edit(list: &mut Vec<Value>, edits: Map<String, Value>) -> Result<(), String> {
    let Edits { add, remove } = serde_json::from_value(Value::Object(edits))
        .map_err(|e| format!("A list is changed by {{\"add\": […], \"remove\": […]}}: {e}"))?;
    for gone in remove {
        let place = list.iter().position(|one| *one == gone).ok_or_else(|| {
            let texts = list.iter().filter_map(Value::as_str);
            match gone.as_str().map(|slip| nearest(slip, texts)).filter(|near| !near.is_empty()) {
                Some(near) => format!("{gone} is not in the list; the nearest is {near:?}"),
                None => format!("{gone} is not in the list"),
            }
        })?;
        list.remove(place);
    }
    for new in add {
        if !list.contains(&new) {
            list.push(new);
        }
    }
    Ok(())
}

fn check(behaviour: &Behaviour, world: &World) -> Result<(), String> {
    at_least_one("page_cap", behaviour.page_cap.unwrap_or(1))?;
    share("delivery.losses", behaviour.delivery.losses)?;
    share("delivery.duplicates", behaviour.delivery.duplicates)?;
    behaviour.hubspot.check(&world.hubspot)?;
    behaviour.connectwise.check(&world.connectwise)
}

/// A probability.
pub(crate) fn share(name: &str, of: f64) -> Result<(), String> {
    if (0.0..=1.0).contains(&of) { Ok(()) } else { Err(format!("{name:?} must be from 0 to 1; it is {of}")) }
}

/// A limit of nothing would let nothing through, and `"limits": false` lets everything.
pub(crate) fn at_least_one(name: &str, of: usize) -> Result<(), String> {
    if of > 0 { Ok(()) } else { Err(format!("{name:?} must be at least 1")) }
}

/// A name of which `switch` must know.
pub(crate) fn known<'a>(switch: &str, name: &str, all: impl IntoIterator<Item = &'a str>) -> Result<(), String> {
    let all: Vec<&str> = all.into_iter().collect();
    if all.contains(&name) {
        return Ok(());
    }
    Err(format!("{switch:?} cannot name {name:?}; the nearest is {:?}", nearest(name, all)))
}

/// An id that `switch` must know.
pub(crate) fn known_ids(switch: &str, ids: &[u32], all: &[u32]) -> Result<(), String> {
    match ids.iter().find(|id| !all.contains(id)) {
        None => Ok(()),
        Some(id) => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            Err(format!("{switch:?} cannot name {id}; there are {}", all.join(", ")))
        }
    }
}
