//! How many records the engine would hold back for want of a partner in a value map: those that lack one are planned, with
//! the draft's rules. Most of them are in step, and wait for nothing. Asks no system, writes nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::clock::Clock;
use super::trial::TrialError;
use crate::engine::core::state::IssueClass;
use crate::engine::core::trial::Trial;
use crate::engine::core::trial::report::{Unread, UnreadWhat};
use crate::engine::core::trial::unread::as_read;
use crate::engine::core::view::ViewResult;
use crate::mapping::coverage::keys;
use crate::mapping::normalise::normalise;
use crate::mapping::{Config, FieldKey, FieldRule, Guards, ObjectMapping, Rules, Timing, Unmapped};
use crate::model::{BySystem, ConfigVersion, FieldName, Record, RecordId, RecordRef, Schema, System};
use crate::store::Reader;

/// Records that are looked at in one state of the file.
const PAGE: usize = 500;

/// By field mapping that holds what has no partner: the pairs and single records that would wait for one. `cached` names
/// the fields that records were read with. None where it is no longer wanted.
///
/// # Errors
/// When the mapping does not fit the two systems, or the workspace cannot be read.
pub fn held_back(
    reader: &Reader,
    mapping: &ObjectMapping,
    schemas: &BySystem<Schema>,
    cached: &BySystem<Vec<FieldName>>,
    wanted: &dyn Fn() -> bool,
) -> Result<Option<BTreeMap<FieldKey, u64>>, TrialError> {
    let (trial, rules) = ready(reader, mapping, schemas, cached)?;
    let holding = |field: &&FieldRule| {
        let held = |to: System| field.unmapped(to) == Unmapped::Hold;
        field.mapping.values.is_some() && System::BOTH.into_iter().any(held)
    };
    let fields: Vec<&FieldRule> =
        rules.object(mapping.object).into_iter().flat_map(|o| &o.fields).filter(holding).collect();
    let mut found: BTreeMap<FieldKey, u64> = fields.iter().map(|field| (field.key.clone(), 0)).collect();
    // a pair of which both records lack a partner is planned once
    let mut known: BTreeSet<RecordId> = BTreeSet::new();
    for system in System::BOTH {
        let mut after = None;
        loop {
            if !wanted() {
                return Ok(None);
            }
            let page = reader.observations_after(mapping.object, system, after, PAGE)?;
            after = page.last().map(|one| one.of.id);
            let lacking = page.iter().filter(|one| one.is_live() && lacks_one(&fields, system, &one.record));
            let records: Vec<RecordRef> = lacking.map(|one| one.of).collect();
            let plans = reader.at_once(|reader| {
                let plan = |record: &RecordRef| Ok(trial.difference(reader, *record)?.draft);
                records.iter().map(plan).collect::<ViewResult<Vec<_>>>()
            })??;
            for plan in plans.into_iter().flatten() {
                let is_news = plan.hubspot.is_none_or(|id| known.insert(id));
                let waits = plan.issues.iter().filter(|issue| is_news && issue.class == IssueClass::UnmappedValue);
                for field in waits.filter_map(|issue| issue.field.as_ref()) {
                    found.entry(field.clone()).and_modify(|number| *number += 1);
                }
            }
            if page.len() < PAGE {
                break;
            }
        }
    }
    Ok(Some(found))
}

/// Whether a value of the record may have no partner. Where a record stands hinges on the other one, and what a transform makes
/// of a value on more than that value: only the plan knows.
fn lacks_one(fields: &[&FieldRule], system: System, record: &Record) -> bool {
    fields.iter().any(|field| {
        let value = normalise(&field.mapping, system, record.value(field.name(system).as_str()));
        let is_open = field.stages.is_some() || !field.transform(system.other()).is_empty();
        is_open || keys(&value).iter().any(|key| field.partner(system, key).is_none())
    })
}

/// The one object with the draft's rules, as far as it is read.
fn ready(
    reader: &Reader,
    mapping: &ObjectMapping,
    schemas: &BySystem<Schema>,
    cached: &BySystem<Vec<FieldName>>,
) -> Result<(Trial, Rules), TrialError> {
    let config = || Config { guards: Guards::default(), timing: Timing::default(), objects: vec![mapping.clone()] };
    let compile =
        |schemas: &[BySystem<Schema>]| Rules::compile(config(), ConfigVersion(0), schemas).map_err(TrialError::Unfit);
    let all = std::slice::from_ref(schemas);
    let whole = compile(all)?;
    let lacking = |system: System| -> BTreeSet<FieldName> {
        let watched = whole.object(mapping.object).into_iter().flat_map(|rules| &rules.watched[system]);
        watched.filter(|name| !cached[system].contains(name)).cloned().collect()
    };
    let unread: Vec<Unread> = System::BOTH
        .into_iter()
        .map(|system| Unread {
            object: mapping.object,
            system,
            what: UnreadWhat::Fields(lacking(system).into_iter().collect()),
        })
        .collect();
    let rules = compile(&as_read(all, &unread))?;
    let trial = Trial::new(reader, None, rules.clone(), unread, Clock::start().now())?;
    Ok((trial, rules))
}
