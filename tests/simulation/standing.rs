//! Where deals and tickets stand: the stages of HubSpot's pipelines, and the stages, boards and statuses of ConnectWise,
//! with some on each side that mean nothing on the other.

use lockstep::model::{ChoiceOption, ObjectKind, StageOutcome, System, Value};

use StageOutcome::{Closed, Lost, Open, Won};

/// Key, label, what it means, the pipeline or board that it belongs to.
type Place = (&'static str, &'static str, StageOutcome, &'static str);

const DEAL_STAGES: [Place; 7] = [
    ("s1", "Prospect", Open, "one"),
    ("s2", "Quote", Open, "one"),
    ("won", "Closed won", Won, "one"),
    ("lost", "Closed lost", Lost, "one"),
    ("r2", "Quote", Open, "two"),
    ("rwon", "Renewed", Won, "two"),
    ("odd", "Legal", Open, "two"),
];
const COLUMNS: [Place; 3] = [("1", "1.Prospect", Open, ""), ("2", "2. Quote", Open, ""), ("3", "3.Verbal", Open, "")];
const DEAL_STATUSES: [Place; 6] = [
    ("10", "Open", Open, ""),
    ("11", "Open - hot", Open, ""),
    ("20", "Won", Won, ""),
    ("30", "Lost", Lost, ""),
    ("31", "No decision", Lost, ""),
    ("40", "Closed", Closed, ""),
];

const TICKET_STAGES: [Place; 5] = [
    ("n", "New", Open, "support"),
    ("w", "Waiting", Open, "support"),
    ("c", "Closed", Closed, "support"),
    ("pn", "New", Open, "projects"),
    ("pc", "Closed", Closed, "projects"),
];
const PIPELINES: [Place; 2] = [("support", "Support", Open, ""), ("projects", "Projects", Open, "")];
const BOARDS: [Place; 2] = [("1", "Help desk", Open, ""), ("2", "Alerts", Open, "")];
const TICKET_STATUSES: [Place; 7] = [
    ("11", "New", Open, "1"),
    ("12", "Waiting", Open, "1"),
    ("13", "Parked", Open, "1"),
    ("14", "Closed", Closed, "1"),
    ("15", "Resolved", Closed, "1"),
    ("21", "New", Open, "2"),
    ("24", "Closed", Closed, "2"),
];

const TASK_STATES: [Place; 5] = [
    ("NOT_STARTED", "Not started", Open, ""),
    ("IN_PROGRESS", "In progress", Open, ""),
    ("WAITING", "Waiting", Open, ""),
    ("COMPLETED", "Completed", Closed, ""),
    ("DEFERRED", "Deferred", Open, ""),
];
const ACTIVITY_STATUSES: [Place; 5] = [
    ("1", "Open", Open, ""),
    ("2", "Closed", Closed, ""),
    ("3", "Followed up", Closed, ""),
    ("4", "Planned", Open, ""),
    ("5", "Waiting", Open, ""),
];

const fn is_deal(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Deal)
}

fn stages(object: ObjectKind) -> &'static [Place] {
    match object {
        ObjectKind::Deal => &DEAL_STAGES,
        ObjectKind::Task => &TASK_STATES,
        _ => &TICKET_STAGES,
    }
}

fn statuses(object: ObjectKind) -> &'static [Place] {
    match object {
        ObjectKind::Deal => &DEAL_STATUSES,
        ObjectKind::Task => &ACTIVITY_STATUSES,
        _ => &TICKET_STATUSES,
    }
}

/// The fields of a schema whose options tell where a record stands, beside the mapped one itself.
pub fn fields(object: ObjectKind, system: System) -> Vec<(&'static str, Vec<ChoiceOption>)> {
    match (object, system) {
        (ObjectKind::Deal, System::ConnectWise) => vec![("stage", options(&COLUMNS)), ("status", all(object))],
        (ObjectKind::Ticket, System::ConnectWise) => vec![("board", options(&BOARDS)), ("status", all(object))],
        (ObjectKind::Ticket, System::HubSpot) => vec![("hs_pipeline", options(&PIPELINES))],
        _ => Vec::new(),
    }
}

fn all(object: ObjectKind) -> Vec<ChoiceOption> {
    options(statuses(object))
}

/// The options of HubSpot's stage property.
pub fn stage_options(object: ObjectKind) -> Vec<ChoiceOption> {
    options(stages(object))
}

/// The statuses of activities.
pub fn status_options(object: ObjectKind) -> Vec<ChoiceOption> {
    all(object)
}

fn options(places: &[Place]) -> Vec<ChoiceOption> {
    let option = |(key, label, outcome, parent): &Place| ChoiceOption {
        key: (*key).to_owned(),
        label: (*label).to_owned(),
        outcome: Some(*outcome),
        parent: (!parent.is_empty()).then(|| (*parent).to_owned()),
        ..ChoiceOption::default()
    };
    places.iter().map(option).collect()
}

/// The value number `n` as a user of that system writes it.
pub fn value(object: ObjectKind, system: System, n: u32) -> Value {
    let n = n as usize;
    match system {
        System::HubSpot => Value::Text(stages(object)[n % stages(object).len()].0.to_owned()),
        System::ConnectWise => {
            if object == ObjectKind::Task {
                return Value::Choice(statuses(object)[n % statuses(object).len()].0.to_owned());
            }
            let (status, _, _, board) = statuses(object)[n % statuses(object).len()];
            let place = if is_deal(object) { COLUMNS[n / 7 % COLUMNS.len()].0 } else { board };
            Value::Choice(format!("{place}/{status}"))
        }
    }
}

/// The value as ConnectWise keeps it: what was not said stays, or is what new records have.
pub fn kept(object: ObjectKind, said: &str, before: &str) -> String {
    if object == ObjectKind::Task {
        return said.to_owned();
    }
    let parts = |text: &str| {
        let (place, status) = text.split_once('/').unwrap_or((text, ""));
        (place.to_owned(), status.to_owned())
    };
    let ((place, status), (old_place, old_status)) = (parts(said), parts(before));
    let or = |first: String, second: String, third: &str| {
        [first, second].into_iter().find(|one| !one.is_empty()).unwrap_or_else(|| third.to_owned())
    };
    if is_deal(object) {
        return format!("{}/{}", or(place, old_place, "1"), or(status, old_status, "10"));
    }
    let place = or(place, old_place, "1");
    // a status belongs to its board
    let fits = |status: &String| TICKET_STATUSES.iter().any(|one| one.0 == status.as_str() && one.3 == place);
    let first = if place == "1" { "11" } else { "21" };
    let status = [status, old_status].into_iter().find(fits).unwrap_or_else(|| first.to_owned());
    format!("{place}/{status}")
}

/// What a value means, in words that are the same for both systems.
pub fn meaning(object: ObjectKind, system: System, text: &str) -> String {
    let named = |places: &[Place], key: &str| places.iter().find(|one| one.0 == key).copied();
    let (place, status) = text.split_once('/').unwrap_or(("", text));
    let found = match system {
        System::HubSpot => named(stages(object), text),
        System::ConnectWise => named(statuses(object), status),
    };
    let Some((_, label, outcome, _)) = found else { return text.to_owned() };
    match outcome {
        // whatever is not the same by name is open or done
        Open if object == ObjectKind::Task => if label == "Waiting" { "waiting" } else { "open" }.to_owned(),
        Won => "won".to_owned(),
        Lost | Closed => "over".to_owned(),
        Open if is_deal(object) && system == System::ConnectWise => {
            let column = named(&COLUMNS, place).map_or(place, |column| column.1);
            column.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ' ').to_owned()
        }
        Open => label.to_owned(),
    }
}

/// Whether a meaning of ConnectWise's is none that the pipeline of a HubSpot stage has: an open ticket stays at its open
/// stage then.
pub fn says_nothing_of(object: ObjectKind, stage: &str, meaning: &str) -> bool {
    let Some((_, _, outcome, pipeline)) = stages(object).iter().find(|one| one.0 == stage) else { return false };
    let is_in_it = |one: &&Place| one.3 == *pipeline && one.1 == meaning;
    object == ObjectKind::Ticket
        && *outcome == Open
        && meaning != "over"
        && !stages(object).iter().any(|one| is_in_it(&one))
}
