//! What the usual field mappings of an object would be, beside those it has: what a person took away, added or changed.

use super::{ActivitySetup, CONNECTWISE_STAMP, activity, company, contact, deal, line_item, product, ticket};
use crate::mapping::config::{Config, FieldKey, FieldMapping, ObjectMapping};
use crate::mapping::lint::NO_LIMIT;
use crate::mapping::suggest::complete;
use crate::model::{BySystem, FieldName, ObjectKind, Schema, System};

/// How a field mapping stands to the usual ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusual {
    /// A usual one that is not there.
    Missing(FieldMapping),
    /// One of the tenant's own.
    Own(FieldMapping),
    /// A usual one that is set otherwise.
    Changed { usual: FieldMapping, now: Box<FieldMapping> },
}

impl Unusual {
    #[must_use]
    pub fn key(&self) -> FieldKey {
        match self {
            Self::Missing(field) | Self::Own(field) | Self::Changed { usual: field, .. } => field.key(),
        }
    }
}

/// The usual field mappings of an object of `config`, with the limits that the systems tell. What names something of the
/// tenant's own, such as a board, is as the mapping has it.
#[must_use]
pub fn usual(mapping: &ObjectMapping, config: &Config, schemas: Option<&BySystem<Schema>>) -> Vec<FieldMapping> {
    let key = mapping.connectwise_stamp.clone().unwrap_or_else(|| FieldName::new(CONNECTWISE_STAMP));
    let usual = match mapping.object {
        ObjectKind::Company => company(),
        ObjectKind::Contact => contact(),
        ObjectKind::Product => product(),
        ObjectKind::LineItem => line_item(),
        ObjectKind::Deal => deal(key),
        ObjectKind::Ticket => ticket(key, ""),
        kind @ (ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting) => {
            let beside = config.objects.iter().map(|other| other.object).collect();
            activity(kind, &ActivitySetup { beside, ..ActivitySetup::new(key) })
        }
    };
    let mut alone = Config { objects: vec![usual], ..config.clone() };
    if let Some(schemas) = schemas {
        complete(&mut alone, schemas);
    }
    let mut fields = alone.objects.pop().map(|usual| usual.fields).unwrap_or_default();
    let names_its_own = mapping.object == ObjectKind::Ticket || mapping.object.is_activity();
    for field in fields.iter_mut().filter(|field| field.kind.has_options() && names_its_own) {
        if let Some(now) = mapping.fields.iter().find(|now| now.key() == field.key()) {
            field.default = now.default.clone();
        }
    }
    fields
}

/// Where a mapping is not the usual one: what is missing first, then in its own order.
#[must_use]
pub fn unusual(mapping: &ObjectMapping, usual: &[FieldMapping]) -> Vec<Unusual> {
    let has = |fields: &[FieldMapping], key: &FieldKey| fields.iter().find(|field| field.key() == *key).cloned();
    let missing = usual.iter().filter(|field| has(&mapping.fields, &field.key()).is_none());
    let mut all: Vec<Unusual> = missing.cloned().map(Unusual::Missing).collect();
    for now in &mapping.fields {
        match has(usual, &now.key()) {
            None => all.push(Unusual::Own(now.clone())),
            Some(usual) if !is_as_usual(&usual, now) => {
                all.push(Unusual::Changed { usual, now: Box::new(now.clone()) })
            }
            Some(_) => {}
        }
    }
    all
}

/// Whether both mean the same. Where no limit is given, that of the system holds anyway: a limit that only repeats it makes no
/// difference.
fn is_as_usual(usual: &FieldMapping, now: &FieldMapping) -> bool {
    let mut like = usual.clone();
    for system in System::BOTH.into_iter().filter(|system| now.max_length[*system].is_none()) {
        like.max_length[system] = like.max_length[system].filter(|limit| *limit < NO_LIMIT);
    }
    like == *now
}

/// Makes one field mapping the usual one again: put where it belongs, set back, or taken away.
pub fn restore(mapping: &mut ObjectMapping, usual: &[FieldMapping], key: &FieldKey) {
    let at = |fields: &[FieldMapping], key: &FieldKey| fields.iter().position(|field| field.key() == *key);
    match (at(usual, key), at(&mapping.fields, key)) {
        (Some(from), Some(to)) => mapping.fields[to] = usual[from].clone(),
        (Some(from), None) => {
            // behind the usual one before it that is still there
            let before = usual[..from].iter().rev().find_map(|field| at(&mapping.fields, &field.key()));
            mapping.fields.insert(before.map_or(0, |before| before + 1), usual[from].clone());
        }
        (None, Some(to)) => drop(mapping.fields.remove(to)),
        (None, None) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::config::{Direction, Overflow};
    use crate::mapping::defaults::config;

    #[test]
    fn the_usual_mappings_differ_from_themselves_in_nothing_whatever_they_name_of_a_tenant() {
        let mut all = config();
        all.objects.extend([
            deal("customFields/5".into()),
            ticket("customFields/6".into(), "4"),
            product(),
            line_item(),
        ]);
        let setup = ActivitySetup {
            types: vec![3],
            assign_to: Some(150),
            beside: all.objects.iter().map(|mapping| mapping.object).collect(),
            ..ActivitySetup::new("customFields/7".into())
        };
        all.objects.extend([activity(ObjectKind::Call, &setup), activity(ObjectKind::Task, &setup)]);
        for mapping in &all.objects {
            assert_eq!(unusual(mapping, &usual(mapping, &all, None)), [], "{}", mapping.object);
        }
    }

    #[test]
    fn a_limit_that_only_repeats_what_the_system_takes_is_nothing_unusual() {
        let (all, mapping) = (config(), company());
        let mut usual = usual(&mapping, &all, None);
        usual[0].max_length.hubspot = Some(NO_LIMIT);
        assert_eq!(unusual(&mapping, &usual), []);
        usual[0].max_length.hubspot = Some(100);
        assert_eq!(unusual(&mapping, &usual).len(), 1);
    }

    #[test]
    fn what_was_taken_away_added_and_changed_is_told_and_can_be_restored_one_by_one() {
        let all = config();
        let mut mapping = company();
        let usual = usual(&mapping, &all, None);
        let gone = mapping.fields.remove(2).key();
        mapping.fields[0].overflow = Overflow::Cut;
        let changed = mapping.fields[0].key();
        let own =
            FieldMapping { hubspot: "motto".into(), direction: Direction::ToConnectwise, ..mapping.fields[1].clone() };
        mapping.fields.push(own.clone());
        let told: Vec<FieldKey> = unusual(&mapping, &usual).iter().map(Unusual::key).collect();
        assert_eq!(told, [gone.clone(), changed.clone(), own.key()]);
        for key in [gone, changed, own.key()] {
            restore(&mut mapping, &usual, &key);
        }
        assert_eq!(mapping, company(), "in the old order, too");
    }
}
