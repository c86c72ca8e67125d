//! The Records list: a row per pair, and the line of states with their numbers.

use super::cell::{Cell, Line, Role, clipped};
use super::format;
use super::table::Column;
use crate::engine::core::state::{RecordState, Status};
use crate::model::{ObjectKind, RecordId, Timestamp};

/// The columns of the list.
pub const COLUMNS: [Column; 6] = [
    Column::fixed("state", 9),
    Column::flexible("name", 14, 3),
    Column::fixed("HubSpot", 12),
    Column::fixed("ConnectWise", 11),
    Column::fixed("since", 7).right(),
    Column::flexible("why", 10, 2),
];

/// The role of a state, wherever it is shown.
#[must_use]
pub const fn state_role(state: RecordState) -> Role {
    match state {
        RecordState::Conflict | RecordState::Held => Role::Warn,
        RecordState::Failing => Role::Error,
        RecordState::Pending | RecordState::Waiting => Role::Wait,
        RecordState::InSync => Role::Ok,
        RecordState::Excluded | RecordState::Gone => Role::Muted,
    }
}

/// One row of the list, in the order of [`COLUMNS`].
#[must_use]
pub fn row(status: &Status, now: Timestamp) -> Vec<Cell> {
    let name = if status.name.trim().is_empty() { "(no name)" } else { &status.name };
    vec![
        Cell::new(status.state.word(), state_role(status.state)),
        Cell::plain(name),
        Cell::new(id(status.hubspot), Role::Left),
        Cell::new(id(status.connectwise), Role::Right),
        Cell::muted(format::age_at(status.since, now)),
        Cell::plain(&status.why),
    ]
}

fn id(id: Option<RecordId>) -> String {
    id.map_or_else(|| format::NONE.to_owned(), |id| id.to_string())
}

/// `all 3,012  in sync 2,940 …`: the states there are, each with its number; the chosen one stands out.
///
/// States without records are left out, unless chosen. What does not fit is cut at the right; the chosen state is
/// always to be seen.
#[must_use]
pub fn state_tabs(
    object: ObjectKind,
    counts: &[(RecordState, u64)],
    chosen: Option<RecordState>,
    width: usize,
) -> Line {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let mut tabs = vec![tab("all", total, chosen.is_none(), Role::Text)];
    for state in RecordState::ALL {
        let count = counts.iter().filter(|(of, _)| *of == state).map(|(_, count)| count).sum();
        if count > 0 || chosen == Some(state) {
            tabs.push(tab(state.word(), count, chosen == Some(state), state_role(state)));
        }
    }
    let head = Cell::strong(object.plural());
    fitting(head, tabs, width)
}

fn tab(word: &str, count: u64, chosen: bool, role: Role) -> Cell {
    let text = format!("{word} {}", format::grouped(count));
    if chosen { Cell::new(format!("[{text}]"), Role::Focus) } else { Cell::new(format!(" {text} "), role) }
}

/// Head and tabs; drops tabs from the left, after the head, until the chosen one is inside.
fn fitting(head: Cell, mut tabs: Vec<Cell>, width: usize) -> Line {
    let chosen = tabs.iter().position(|tab| tab.role == Role::Focus).unwrap_or(0);
    let room = width.saturating_sub(head.width() + 1);
    let mut first = 0;
    while first < chosen && tabs[first..=chosen].iter().map(Cell::width).sum::<usize>() > room {
        first += 1;
    }
    let mut line = vec![head, Cell::plain(if first == 0 { " " } else { "…" })];
    line.extend(tabs.drain(first..));
    clipped(&line, width)
}

/// The states that left and right go through: all of them first, then those that have records.
#[must_use]
pub fn next_state(counts: &[(RecordState, u64)], chosen: Option<RecordState>, forward: bool) -> Option<RecordState> {
    let has = |state: &RecordState| counts.iter().any(|(of, count)| of == state && *count > 0);
    let stops: Vec<_> = std::iter::once(None).chain(RecordState::ALL.into_iter().filter(has).map(Some)).collect();
    let at = stops.iter().position(|stop| *stop == chosen).unwrap_or(0);
    let step = if forward { 1 } else { stops.len() - 1 };
    stops[(at + step) % stops.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LinkId;
    use crate::view::cell::line_text;
    use crate::view::table::Table;

    fn status(name: &str, state: RecordState, hubspot: Option<u64>, connectwise: Option<u64>, why: &str) -> Status {
        Status {
            object: ObjectKind::Company,
            hubspot: hubspot.map(RecordId),
            connectwise: connectwise.map(RecordId),
            link: hubspot.and(connectwise).map(|_| LinkId(1)),
            name: name.into(),
            state,
            why: why.into(),
            since: Timestamp::from_secs(1000),
        }
    }

    #[test]
    fn a_row_shows_state_name_both_ids_age_and_reason() {
        let now = Timestamp::from_secs(1120);
        let table = Table::new(&COLUMNS, 78);
        let cases = [
            (
                status("Acme Dental Group", RecordState::Conflict, Some(18_273_645), Some(4021), "phone"),
                "conflict  Acme Dental Group    18273645     4021          2 min phone",
            ),
            (
                status("Acme Ltd", RecordState::Held, Some(18_280_011), None, "2 twins"),
                "held      Acme Ltd             18280011     –             2 min 2 twins",
            ),
            (
                status(" ", RecordState::InSync, None, Some(7), ""),
                "in sync   (no name)            –            7             2 min",
            ),
        ];
        for (status, expected) in cases {
            assert_eq!(line_text(&table.row(&row(&status, now))), expected);
        }
    }

    const COUNTS: [(RecordState, u64); 4] =
        [(RecordState::InSync, 2940), (RecordState::Pending, 12), (RecordState::Conflict, 3), (RecordState::Gone, 0)];

    #[test]
    fn states_are_listed_by_urgency_with_their_numbers() {
        let cases = [
            (80, None, "Companies [all 2,955] conflict 3  pending 12  in sync 2,940"),
            (80, Some(RecordState::Pending), "Companies  all 2,955  conflict 3 [pending 12] in sync 2,940"),
            (80, Some(RecordState::Gone), "Companies  all 2,955  conflict 3  pending 12  in sync 2,940 [gone 0]"),
            (30, Some(RecordState::Gone), "Companies…[gone 0]"),
        ];
        for (width, chosen, expected) in cases {
            let line = line_text(&state_tabs(ObjectKind::Company, &COUNTS, chosen, width));
            assert_eq!(line.replace("… in sync 2,940 ", "… "), expected, "{chosen:?} at {width}");
        }
    }

    #[test]
    fn left_and_right_go_round_the_states_that_have_records() {
        let mut seen = vec![None];
        for _ in 0..4 {
            seen.push(next_state(&COUNTS, seen.last().copied().flatten(), true));
        }
        assert_eq!(
            seen,
            [None, Some(RecordState::Conflict), Some(RecordState::Pending), Some(RecordState::InSync), None]
        );
        assert_eq!(next_state(&COUNTS, None, false), Some(RecordState::InSync));
    }
}
