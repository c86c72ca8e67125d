//! Issues by cause, and the writes of the journal and the history, as rows.

use std::collections::BTreeMap;

use super::cell::{Cell, Line, Role};
use super::format;
use super::run::hanging;
use super::table::Column;
use crate::engine::core::state::{HistoryEntry, Intent, IntentKind, IntentState, Issue, IssueClass};
use crate::model::{FieldDef, ObjectKind, System, Timestamp};

/// Issues of one object with the same cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueGroup {
    pub class: IssueClass,
    /// Whose records have it.
    pub object: ObjectKind,
    pub count: u64,
    /// The message of one of them.
    pub example: String,
    pub hint: String,
    /// When the oldest of them began.
    pub since: Timestamp,
    /// One of them at least.
    pub needs_person: bool,
}

/// The columns of the list of causes.
pub const ISSUE_COLUMNS: [Column; 6] = [
    Column::fixed("issues", 11),
    Column::fixed("object", 8),
    Column::fixed("n", 5).right(),
    Column::flexible("what is wrong", 20, 3),
    Column::flexible("what to do", 16, 2),
    Column::fixed("since", 7).right().from_width(90),
];

/// Groups issues by cause: those that need a person first, larger groups first.
#[must_use]
pub fn group<'a>(issues: impl IntoIterator<Item = &'a Issue>) -> Vec<IssueGroup> {
    let mut groups: BTreeMap<(IssueClass, ObjectKind), IssueGroup> = BTreeMap::new();
    for issue in issues {
        let group = groups.entry((issue.class, issue.record.object)).or_insert_with(|| IssueGroup {
            class: issue.class,
            object: issue.record.object,
            count: 0,
            example: issue.message.clone(),
            hint: issue.hint.clone(),
            since: issue.first,
            needs_person: false,
        });
        group.count += 1;
        group.needs_person |= issue.needs_person();
        group.since = group.since.min(issue.first);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|group| (!group.needs_person, std::cmp::Reverse(group.count), group.class, group.object));
    groups
}

/// One cause, in the order of [`ISSUE_COLUMNS`].
#[must_use]
pub fn issue_row(group: &IssueGroup, now: Timestamp) -> Vec<Cell> {
    let role = if group.needs_person { Role::Warn } else { Role::Wait };
    vec![
        Cell::new(group.class.key(), role),
        Cell::plain(group.object.key()),
        Cell::plain(format::grouped(group.count)),
        Cell::plain(&group.example),
        Cell::muted(&group.hint),
        Cell::muted(format::age_at(group.since, now)),
    ]
}

/// The columns of the list of writes.
pub const WRITE_COLUMNS: [Column; 7] = [
    Column::fixed("when", 8),
    Column::fixed("to", 11),
    Column::fixed("object", 7),
    Column::fixed("record", 12),
    Column::fixed("what", 6),
    Column::fixed("outcome", 11),
    Column::flexible("fields", 16, 1),
];

/// One write of the journal, in the order of [`WRITE_COLUMNS`].
#[must_use]
pub fn write_row(intent: &Intent, now: Timestamp) -> Vec<Cell> {
    let fields: Vec<_> = intent.writes.iter().map(|write| write.field.as_str()).collect();
    let (word, role) = outcome(intent.state);
    let said = match &intent.outcome {
        Some(text) if intent.state != IntentState::Applied => text.clone(),
        _ => fields.join(", "),
    };
    vec![
        Cell::muted(format::age_at(intent.touched, now)),
        Cell::new(intent.system.name(), Role::of(intent.system)),
        Cell::plain(intent.object.key()),
        Cell::plain(intent.target.map_or_else(|| "(new)".to_owned(), |id| id.to_string())),
        Cell::plain(match intent.kind {
            IntentKind::Create => "create",
            IntentKind::Update => "change",
        }),
        Cell::new(word, role),
        Cell::plain(said),
    ]
}

/// One write for a shell: its number, the record, and each field before and after.
#[must_use]
pub fn write_lines(intent: &Intent, width: usize) -> Vec<Line> {
    let (word, role) = outcome(intent.state);
    let what = match (intent.kind, intent.target_record()) {
        (IntentKind::Create, Some(made)) => format!("made {made}"),
        (IntentKind::Create, None) => format!("a new {} in {}", intent.object, intent.system),
        (IntentKind::Update, Some(target)) => format!("changed {target}"),
        (IntentKind::Update, None) => format!("a change in {}", intent.system),
    };
    let said = match &intent.outcome {
        Some(text) if intent.state != IntentState::Applied => format!(": {text}"),
        _ => String::new(),
    };
    let head = vec![
        Cell::strong(format!("write {}", intent.id)),
        Cell::plain("  "),
        Cell::new(what, Role::of(intent.system)),
        Cell::plain("  "),
        Cell::new(format!("{word}{said}"), role),
    ];
    let mut lines = hanging(head, width);
    for write in &intent.writes {
        let change = format!("{} → {}", format::value(&write.before, None), format::value(&write.after, None));
        let line = vec![Cell::plain("  "), Cell::plain(format::fit(write.field.as_str(), 20)), Cell::plain(" ")];
        lines.extend(hanging([line, vec![Cell::plain(change)]].concat(), width));
    }
    if intent.writes.is_empty() {
        lines.push(vec![Cell::muted("  the key of its partner alone")]);
    }
    lines
}

/// Where a write stands, in a word.
#[must_use]
pub const fn outcome(state: IntentState) -> (&'static str, Role) {
    match state {
        IntentState::Sent => ("sent", Role::Wait),
        IntentState::Unknown => ("unknown", Role::Warn),
        IntentState::Applied => ("done", Role::Ok),
        IntentState::Rejected => ("refused", Role::Error),
        IntentState::NotApplied => ("not done", Role::Muted),
        IntentState::Abandoned => ("given up", Role::Muted),
    }
}

/// The columns of a record's history.
pub const HISTORY_COLUMNS: [Column; 7] = [
    Column::fixed("when", 16),
    Column::fixed("to", 3),
    Column::flexible("field", 10, 2).at_most(28),
    Column::flexible("before", 10, 3),
    Column::fixed("", 1),
    Column::flexible("after", 10, 3),
    Column::flexible("why", 10, 3).from_width(100),
];

/// One value that was written, in the order of [`HISTORY_COLUMNS`].
#[must_use]
pub fn history_row(entry: &HistoryEntry, definition: Option<&FieldDef>) -> Vec<Cell> {
    let label = definition.map_or(entry.field.as_str(), |def| &def.label);
    let lost = entry.loser.as_ref().map(|value| format!(" (lost: {})", format::value(value, definition)));
    vec![
        Cell::muted(format::moment(entry.at)),
        Cell::new(short(entry.system), Role::of(entry.system)),
        Cell::plain(label),
        Cell::muted(format::value(&entry.before, definition)),
        Cell::muted("→"),
        Cell::new(format::value(&entry.after, definition), Role::of(entry.system)),
        Cell::muted(format!("{}{}", entry.why, lost.unwrap_or_default())),
    ]
}

/// The system in two letters, where a column has no more room.
#[must_use]
pub const fn short(system: System) -> &'static str {
    match system {
        System::HubSpot => "HS",
        System::ConnectWise => "CW",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::engine::core::state::{FieldWrite, UNREADABLE_FOR_GOOD};
    use crate::model::{IntentId, LinkId, RecordId, RecordRef, RunId, Value};
    use crate::view::cell::line_text;
    use crate::view::table::Table;
    use crate::view::testing::{NOW, NOW_AGREED, choice_field, company, conflict};

    #[test]
    fn issues_are_grouped_by_cause_with_those_for_people_first() {
        let issue = |class, first: i64| Issue { class, first: Timestamp(first), ..conflict() };
        let issues = [
            issue(IssueClass::Transient, 5),
            issue(IssueClass::Transient, 5),
            issue(IssueClass::Transient, 5),
            issue(IssueClass::Conflict, 9),
            issue(IssueClass::UnmappedValue, 7),
            issue(IssueClass::UnmappedValue, 3),
        ];
        let groups: Vec<_> =
            group(&issues).iter().map(|group| (group.class.key(), group.count, group.since.0)).collect();
        assert_eq!(groups, [("option", 2, 3), ("conflict", 1, 9), ("retrying", 3, 5)]);
    }

    #[test]
    fn what_cannot_be_read_needs_a_person_when_it_lasts() {
        let unreadable = |after| Issue { class: IssueClass::Unreadable, last: NOW_AGREED + after, ..conflict() };
        let (fresh, lasting) = (unreadable(Duration::from_secs(900)), unreadable(UNREADABLE_FOR_GOOD));
        let role = |issues: &[Issue]| issue_row(&group(issues)[0], NOW)[0].role;
        assert_eq!(role(&[fresh.clone(), fresh.clone()]), Role::Wait);
        assert_eq!(role(&[fresh, lasting]), Role::Warn);
    }

    #[test]
    fn the_issues_of_each_object_are_a_group_of_their_own() {
        let contact = RecordRef::new(ObjectKind::Contact, System::HubSpot, RecordId(7));
        let issues = [conflict(), Issue { record: contact, ..conflict() }, Issue { record: contact, ..conflict() }];
        let groups: Vec<_> = group(&issues).iter().map(|group| (group.object, group.count)).collect();
        assert_eq!(groups, [(ObjectKind::Contact, 2), (ObjectKind::Company, 1)]);
    }

    #[test]
    fn a_cause_is_a_row_with_its_remedy() {
        let groups = group([&conflict()]);
        let table = Table::new(&ISSUE_COLUMNS, 78);
        assert_eq!(
            line_text(&table.row(&issue_row(&groups[0], NOW))),
            "conflict    company      1 Both sides changed Phone.      Take one of the two…"
        );
    }

    fn intent(state: IntentState, said: Option<&str>) -> Intent {
        let write = |field: &str| FieldWrite {
            key: None,
            field: field.into(),
            before: Value::Empty,
            after: Value::text("x"),
            source: Value::text("x"),
            beside: crate::model::BySystem::default(),
            loser: None,
            why: String::new(),
        };
        Intent {
            id: IntentId(1),
            run: RunId(1),
            object: ObjectKind::Company,
            system: System::ConnectWise,
            kind: IntentKind::Update,
            source: RecordId(5),
            target: Some(RecordId(4021)),
            link: Some(LinkId(1)),
            writes: vec![write("city"), write("zip")],
            stamp: None,
            state,
            attempt: 1,
            sent: NOW,
            touched: Timestamp(NOW.0 - 4000),
            waits: false,
            seen_as: None,
            outcome: said.map(str::to_owned),
            shown: std::collections::BTreeMap::new(),
        }
    }

    #[test]
    fn a_write_tells_its_fields_or_why_it_was_refused() {
        let table = Table::new(&WRITE_COLUMNS, 78);
        let cases = [
            (intent(IntentState::Applied, Some("confirmed")), "4 s ConnectWise company 4021 change done city, zip"),
            (
                intent(IntentState::Rejected, Some("zip is too long")),
                "4 s ConnectWise company 4021 change refused zip is too long",
            ),
            (intent(IntentState::Sent, None), "4 s ConnectWise company 4021 change sent city, zip"),
        ];
        for (intent, expected) in cases {
            let line = line_text(&table.row(&write_row(&intent, NOW)));
            assert_eq!(line.split_whitespace().collect::<Vec<_>>().join(" "), expected);
        }
    }

    #[test]
    fn history_shows_labels_and_what_was_lost() {
        let entry = HistoryEntry {
            run: RunId(3),
            intent: IntentId(1),
            link: None,
            record: company(System::HubSpot, 5),
            system: System::HubSpot,
            field: "industry".into(),
            before: Value::Empty,
            after: Value::Choice("IT".into()),
            loser: Some(Value::text("old")),
            why: "ConnectWise wins".into(),
            at: NOW,
        };
        let field = choice_field("industry", &[("IT", "Managed IT")]);
        let row = history_row(&entry, Some(&field));
        let text: Vec<_> = row.iter().map(Cell::text).collect();
        assert_eq!(
            text,
            ["2026-11-20 10:20", "HS", "industry", "–", "→", "Managed IT", "ConnectWise wins (lost: old)"]
        );
    }
}
