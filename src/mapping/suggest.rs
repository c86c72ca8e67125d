//! What a person who adds a field would otherwise have to look up: its kind, direction, limits and value map.

use super::compat::{Fit, common, fit, is_one_of_several, is_text};
use super::config::{
    AutoPairs, ClearPolicy, Config, Defaults, Direction, FieldMapping, Overflow, SystemOfRecord, Unmapped, ValueMap,
};
use crate::model::{BySystem, FieldDef, FieldKind, Schema, System};

/// The two fields can't be mapped to each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Incompatible {
    pub reason: String,
}

/// A mapping of the two fields that passes `lint`.
///
/// # Errors
/// Why there is none: kinds that don't go together, or two fields that can't be written.
pub fn suggest(hubspot: &FieldDef, connectwise: &FieldDef) -> Result<FieldMapping, Incompatible> {
    let direction = direction(hubspot, connectwise)?;
    let several = match direction {
        Direction::ToConnectwise => is_one_of_several(hubspot.kind, connectwise.kind),
        Direction::ToHubspot => is_one_of_several(connectwise.kind, hubspot.kind),
        Direction::Both => false,
    };
    // in which order they count is for a person to say
    let kind = if several { FieldKind::Choice } else { common(hubspot.kind, connectwise.kind) };
    Ok(FieldMapping {
        hubspot: hubspot.name.clone(),
        connectwise: connectwise.name.clone(),
        kind,
        direction,
        wins: match direction {
            Direction::Both => SystemOfRecord::Latest,
            Direction::ToConnectwise => SystemOfRecord::HubSpot,
            Direction::ToHubspot => SystemOfRecord::ConnectWise,
        },
        empty: ClearPolicy::Fill,
        overflow: Overflow::Hold,
        max_length: limits(kind, hubspot, connectwise),
        default: Defaults::default(),
        transform: crate::mapping::Transforms::default(),
        values: kind.has_options().then(|| value_map(kind)),
    })
}

/// Every way that kinds and permissions leave open.
fn direction(hubspot: &FieldDef, connectwise: &FieldDef) -> Result<Direction, Incompatible> {
    let ways = (obstacle(connectwise, hubspot), obstacle(hubspot, connectwise));
    // of several and one, values go one way: into the several, which hold every single one, where that is open
    let into = |several: &FieldDef, one: &FieldDef| is_one_of_several(several.kind, one.kind);
    match ways {
        (None, None) if into(hubspot, connectwise) => Ok(Direction::ToHubspot),
        (None, None) if into(connectwise, hubspot) => Ok(Direction::ToConnectwise),
        (None, None) => Ok(Direction::Both),
        (Some(_), None) => Ok(Direction::ToConnectwise),
        (None, Some(_)) => Ok(Direction::ToHubspot),
        (Some(left), Some(right)) => Err(Incompatible { reason: format!("{left}, and {right}.") }),
    }
}

/// Why nothing can be written `from` one field `to` another.
fn obstacle(from: &FieldDef, to: &FieldDef) -> Option<String> {
    if to.read_only {
        return Some(format!("`{}` is read-only", to.name));
    }
    match fit(from.kind, to.kind) {
        Fit::Never(_) if is_one_of_several(from.kind, to.kind) => None,
        Fit::Never(why) => {
            let (here, there) = (from.kind.word(), to.kind.word());
            Some(format!("`{}` ({here}) can't be written to `{}` ({there}): {why}", from.name, to.name))
        }
        _ => None,
    }
}

fn limits(kind: FieldKind, hubspot: &FieldDef, connectwise: &FieldDef) -> BySystem<Option<u32>> {
    if !is_text(kind) {
        return BySystem::default();
    }
    BySystem::new(hubspot.max_length, connectwise.max_length)
}

fn value_map(kind: FieldKind) -> ValueMap {
    let auto = if kind == FieldKind::Person { AutoPairs::Email } else { AutoPairs::Label };
    ValueMap { auto: Some(auto), unmapped: Unmapped::Hold, pairs: Vec::new(), priority: Vec::new() }
}

/// Fills in the limits of text fields where the mapping of the schemas' object says nothing; returns how many.
pub fn complete(config: &mut Config, schemas: &BySystem<Schema>) -> usize {
    let mut filled = 0;
    let Some(object) = config.object_mut(schemas.hubspot.object) else { return filled };
    for field in object.fields.iter_mut().filter(|field| is_text(field.kind)) {
        for system in System::BOTH {
            let known = schemas[system].field(field.field(system).as_str()).and_then(|def| def.max_length);
            let limit = &mut field.max_length[system];
            if limit.is_none() && known.is_some() {
                *limit = known;
                filled += 1;
            }
        }
    }
    filled
}
