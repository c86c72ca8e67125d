//! Records whose values a workbook shows beside the fields.

use super::parse;
use crate::engine::core::view::View;
use crate::error::Outcome;
use crate::model::{BySystem, ObjectKind, RecordRef, System};
use crate::store::rows::ConfigRow;
use crate::store::{Reader, Workspace};
use crate::workbook::{Sample, Samples};

/// Records that are looked at for those that have a partner.
const MOST_LOOKED_AT: usize = 2_000;
const PAGE: usize = 200;

/// `wanted` of each object: pairs before records that have no partner.
///
/// # Errors
/// When the workspace cannot be read.
pub fn of(workspace: &Workspace, row: &ConfigRow, wanted: usize, is_masked: bool) -> Outcome<Samples> {
    let mut samples = Samples { is_masked, ..Samples::default() };
    if wanted == 0 {
        return Ok(samples);
    }
    let config = parse(&row.body, &format!("version {}", row.info.version))?;
    let reader = workspace.reader()?;
    for mapping in &config.objects {
        let found = of_object(&reader, mapping.object, wanted)?;
        samples.records.insert(mapping.object, found);
    }
    Ok(samples)
}

fn of_object(reader: &Reader, object: ObjectKind, wanted: usize) -> Outcome<Vec<Sample>> {
    let live = |record: RecordRef| -> Outcome<_> {
        let seen = reader.observation(record)?;
        Ok(seen.filter(|seen| seen.is_live()).map(|seen| seen.record))
    };
    let (mut pairs, mut singles, mut looked) = (Vec::new(), Vec::new(), 0);
    for system in System::BOTH {
        let mut after = None;
        loop {
            let (anchors, next) = reader.anchors_after(object, system, after, PAGE)?;
            for anchor in anchors {
                looked += 1;
                let Some(own) = live(anchor)? else { continue };
                let link = reader.link_of(anchor)?;
                let partner = link.map(|link| match system {
                    System::HubSpot => RecordRef::new(object, System::ConnectWise, link.connectwise),
                    System::ConnectWise => RecordRef::new(object, System::HubSpot, link.hubspot),
                });
                let other = partner.map(live).transpose()?.flatten();
                let list = if other.is_some() { &mut pairs } else { &mut singles };
                if list.len() < wanted {
                    let (own, other) = (Some(own), other);
                    list.push(match system {
                        System::HubSpot => BySystem::new(own, other),
                        System::ConnectWise => BySystem::new(other, own),
                    });
                }
            }
            after = next;
            if after.is_none() || pairs.len() >= wanted || looked >= MOST_LOOKED_AT {
                break;
            }
        }
    }
    pairs.extend(singles);
    pairs.truncate(wanted);
    Ok(pairs)
}
