//! What of an object's field mappings is not as Lockstep proposes them.

use super::cell::{Cell, Line, Role, wrapped};
use super::mapping_table::{Change, differences};
use super::table::Column;
use crate::mapping::FieldMapping;
use crate::mapping::defaults::usual::Unusual;

/// The columns of the list.
pub const COLUMNS: [Column; 5] = [
    Column::fixed("", 1),
    Column::flexible("HubSpot", 12, 2).at_most(30),
    Column::fixed("dir", 3),
    Column::flexible("ConnectWise", 14, 2).at_most(30),
    Column::flexible("differs", 20, 4),
];

fn mapping(unusual: &Unusual) -> &FieldMapping {
    match unusual {
        Unusual::Missing(field) | Unusual::Own(field) => field,
        Unusual::Changed { now, .. } => now,
    }
}

const fn change(unusual: &Unusual) -> Change {
    match unusual {
        Unusual::Missing(_) => Change::Removed,
        Unusual::Own(_) => Change::Added,
        Unusual::Changed { .. } => Change::Changed,
    }
}

/// The cells, in the order of [`COLUMNS`].
#[must_use]
pub fn cells(unusual: &Unusual) -> Vec<Cell> {
    let (field, change) = (mapping(unusual), change(unusual));
    vec![
        Cell::new(change.mark(), change.role()),
        Cell::new(field.hubspot.as_str(), Role::Left),
        Cell::plain(format!(" {}", field.direction.arrow())),
        Cell::new(field.connectwise.as_str(), Role::Right),
        Cell::plain(text(unusual)),
    ]
}

fn text(unusual: &Unusual) -> String {
    match unusual {
        Unusual::Missing(_) => "usual, and not mapped here".to_owned(),
        Unusual::Own(_) => "mapped here, not usual".to_owned(),
        Unusual::Changed { usual, now } => format!("usually: {}", differences(usual, now).join(", ")),
    }
}

/// The same in full, with what restoring does.
#[must_use]
pub fn detail(unusual: &Unusual, width: usize) -> Vec<Line> {
    let restored = match unusual {
        Unusual::Missing(_) => "Enter maps it.",
        Unusual::Own(_) => "Enter takes it out of the draft.",
        Unusual::Changed { .. } => "Enter sets it back.",
    };
    let told = format!("{}.", super::format::capitalised(&text(unusual)));
    let mut lines: Vec<Line> = wrapped(&told, width).into_iter().map(|text| vec![Cell::plain(text)]).collect();
    lines.push(vec![Cell::muted(restored)]);
    lines
}
