//! The test of a draft: its numbers as a list, as text for a shell and as data; and what it changes for one record.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::cell::{Cell, Line, Role, clipped, wrapped};
use super::format;
use super::table::{Column, Table};
use crate::engine::core::plan::{FieldNext, FieldPlan, PairPlan, Scope};
use crate::engine::core::trial::Difference;
use crate::engine::core::trial::report::{
    FieldMeasure, FieldWhat, Measure, Number, ObjectTrial, Picks, TrialReport, Unread, UnreadWhat,
};
use crate::filter::Answer;
use crate::mapping::FieldKey;
use crate::mapping::called::Called;
use crate::model::{BySystem, ConfigVersion, ObjectKind, Schema, System, Value};

/// What a test is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Versions {
    pub draft: ConfigVersion,
    pub deployed: Option<ConfigVersion>,
}

/// One number of the list.
#[derive(Debug, Clone, Copy)]
pub struct TrialRow<'a> {
    pub object: ObjectKind,
    pub about: About<'a>,
    pub number: &'a Number,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum About<'a> {
    Records(Measure),
    Field(&'a FieldMeasure),
}

/// A column of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// What the draft does in all.
    Draft,
    New,
    Gone,
    Otherwise,
}

impl Count {
    pub const ALL: [Self; 4] = [Self::Draft, Self::New, Self::Gone, Self::Otherwise];

    #[must_use]
    pub const fn of(self, number: &Number) -> &Picks {
        match self {
            Self::Draft => &number.draft,
            Self::New => &number.more,
            Self::Gone => &number.less,
            Self::Otherwise => &number.otherwise,
        }
    }
}

/// The columns of the list, after the one that names what is counted.
pub const COLUMNS: [Column; 5] = [
    Column::flexible("", 30, 1).at_most(56),
    Column::fixed("in all", 9).right(),
    Column::fixed("new", 9).right(),
    Column::fixed("no longer", 11).right(),
    Column::fixed("otherwise", 11).right(),
];

/// The numbers of an object: what becomes of its records, then field by field.
#[must_use]
pub fn rows(object: ObjectKind, trial: &ObjectTrial) -> Vec<TrialRow<'_>> {
    let records = trial.numbers.iter().map(|(measure, number)| (About::Records(*measure), number));
    let fields = trial.fields.iter().map(|(field, number)| (About::Field(field), number));
    records.chain(fields).map(|(about, number)| TrialRow { object, about, number }).collect()
}

impl TrialRow<'_> {
    /// What is counted, as the rest of a sentence that begins with the records: `are created in ConnectWise`.
    #[must_use]
    pub fn label(&self) -> String {
        match self.about {
            About::Records(measure) => in_words(measure),
            About::Field(FieldMeasure { field, what }) => {
                let (hubspot, connectwise) = names(field);
                let arrow = |to: System| if to == System::ConnectWise { "→" } else { "←" };
                match *what {
                    FieldWhat::Write(to) => format!("{hubspot} {} {connectwise}", arrow(to)),
                    FieldWhat::Blank(to) => format!("{hubspot} {} {connectwise}, emptied", arrow(to)),
                    FieldWhat::Hold => format!("{hubspot} ~ {connectwise}, held"),
                }
            }
        }
    }

    /// What one number counts, as a noun: `companies that are created in ConnectWise`.
    #[must_use]
    pub fn title(&self, count: Count) -> String {
        let records = self.object.plural().to_lowercase();
        let what = match self.about {
            About::Records(measure) => in_words(measure),
            About::Field(FieldMeasure { field, what }) => {
                let (hubspot, connectwise) = names(field);
                let name = |to: System| if to == System::ConnectWise { connectwise } else { hubspot };
                match *what {
                    FieldWhat::Write(to) => format!("get another {} in {to}", name(to)),
                    FieldWhat::Blank(to) => format!("get an empty {} in {to}", name(to)),
                    FieldWhat::Hold => format!("are held for a person by {hubspot} ~ {connectwise}"),
                }
            }
        };
        match count {
            Count::Draft => format!("{records} that {what} with the draft"),
            Count::New => format!("{records} that {what} only with the draft"),
            Count::Gone => match what.strip_prefix("are ") {
                Some(what) => format!("{records} that are no longer {what} with the draft"),
                None => format!("{records} that no longer {what} with the draft"),
            },
            Count::Otherwise => format!("{records} that {what} with other values"),
        }
    }

    /// The cells, in the order of [`COLUMNS`]; a number that is 0 is a dash.
    #[must_use]
    pub fn cells(&self, is_first: bool) -> Vec<Cell> {
        let indent = if matches!(self.about, About::Field(_)) { "    " } else { "  " };
        let mut cells = vec![Cell::plain(format!("{indent}{}", self.label()))];
        let role = self.role();
        cells.extend(Count::ALL.into_iter().filter(|count| !is_first || *count == Count::Draft).map(|count| {
            match count.of(self.number).total {
                0 => Cell::muted(format::NONE),
                total if count == Count::Draft => Cell::plain(format::grouped(total)),
                // what does not happen any more is seldom bad news
                total if count == Count::Gone => Cell::new(format::grouped(total), Role::Wait),
                total => Cell::new(format::grouped(total), role),
            }
        }));
        cells
    }

    /// How much a person should look at a difference.
    const fn role(&self) -> Role {
        match self.about {
            About::Records(Measure::Blank(_) | Measure::Hold | Measure::Leave(_) | Measure::Unknown)
            | About::Field(FieldMeasure { what: FieldWhat::Blank(_) | FieldWhat::Hold, .. }) => Role::Warn,
            _ => Role::Wait,
        }
    }
}

fn names(field: &FieldKey) -> (&str, &str) {
    field.as_str().split_once('~').unwrap_or((field.as_str(), field.as_str()))
}

fn in_words(measure: Measure) -> String {
    match measure {
        Measure::Create(to) => format!("are created in {to}"),
        Measure::Update(to) => format!("are updated in {to}"),
        Measure::Link => "are linked".to_owned(),
        Measure::Blank(to) => format!("lose values in {to}"),
        Measure::Hold => "are held for a person".to_owned(),
        Measure::Exclude => "are kept out".to_owned(),
        Measure::Enter(to) => format!("enter the filter towards {to}"),
        Measure::Leave(to) => format!("leave the filter towards {to}"),
        Measure::Unknown => "hinge on unread fields".to_owned(),
    }
}

/// `Test of draft 7 against the deployed version 6`.
#[must_use]
pub fn title(versions: Versions) -> String {
    match versions.deployed {
        Some(deployed) => format!("Test of draft {} against the deployed version {deployed}", versions.draft),
        None => format!("Test of draft {}; nothing is deployed yet", versions.draft),
    }
}

/// The same for a line that has little room: `Test of draft 7 against deployed 6`.
#[must_use]
pub fn short_title(versions: Versions) -> String {
    match versions.deployed {
        Some(deployed) => format!("Test of draft {} against deployed {deployed}", versions.draft),
        None => format!("Test of draft {}", versions.draft),
    }
}

/// What the reader must know besides the numbers, most urgent first.
#[must_use]
pub fn remarks(report: &TrialReport) -> Vec<(Role, String)> {
    let mut remarks = Vec::new();
    if let Some(guard) = &report.guard {
        remarks.push((Role::Error, held_in_words(guard)));
    }
    for (what, told) in [
        (UnreadWhat::Everything, "Not read yet, and not counted"),
        (UnreadWhat::UnderWay, "Still being read for what is deployed, so that numbers may change"),
    ] {
        let records = records_in_words(report.unread.iter().filter(|unread| unread.what == what));
        if !records.is_empty() {
            remarks.push((Role::Warn, format!("{told}: {records}.")));
        }
    }
    remarks.extend(report.unread.iter().filter_map(unread_in_words).map(|text| (Role::Warn, text)));
    if report.unlimited && report.looked_at() > 0 {
        remarks.push((Role::Muted, "The workspace is being filled: guards hold nothing yet.".to_owned()));
    }
    if report.paused {
        let text = "Something is paused: what that stops is counted here as if it went on.";
        remarks.push((Role::Muted, text.to_owned()));
    }
    remarks
}

/// What a guard says of the first run after the deploy.
#[must_use]
pub fn held_in_words(guard: &str) -> String {
    format!("The first run would be held: {guard}.")
}

/// `companies, contacts of HubSpot`.
fn records_in_words<'a>(unread: impl Iterator<Item = &'a Unread>) -> String {
    let mut systems: BTreeMap<ObjectKind, Vec<System>> = BTreeMap::new();
    for unread in unread {
        systems.entry(unread.object).or_default().push(unread.system);
    }
    let named = systems.into_iter().map(|(object, systems)| {
        let records = object.plural().to_lowercase();
        match systems.as_slice() {
            [system] => format!("{records} of {system}"),
            _ => records,
        }
    });
    named.collect::<Vec<_>>().join(", ")
}

/// Records of which none was read yet, in words; empty where there are none such.
#[must_use]
pub fn unread_records(report: &TrialReport) -> String {
    records_in_words(report.unread.iter().filter(|unread| unread.what == UnreadWhat::Everything))
}

/// Fields that are not read.
fn unread_in_words(Unread { object, system, what }: &Unread) -> Option<String> {
    let UnreadWhat::Fields(fields) = what else { return None };
    let names: Vec<String> = fields.iter().take(MOST_NAMES).map(ToString::to_string).collect();
    let more = if fields.len() > MOST_NAMES { " …" } else { "" };
    let (names, are) = (names.join(", "), if fields.len() == 1 { "is" } else { "are" });
    let records = object.plural();
    Some(format!(
        "{records} of {system}: {names}{more} {are} read once this is deployed; what hinges on that is not counted."
    ))
}

/// Fields that one sentence names.
const MOST_NAMES: usize = 6;

/// For a shell.
#[must_use]
pub fn lines(versions: Versions, report: &TrialReport, took: Duration, width: usize) -> Vec<Line> {
    let is_first = versions.deployed.is_none();
    let looked = format::counted(report.looked_at(), "pair or single record", "pairs and single records");
    let seconds = format!("{}.{} s", took.as_secs(), took.subsec_millis() / 100);
    let mut lines = vec![
        vec![Cell::strong(title(versions))],
        vec![Cell::plain(format!("{looked} in {seconds}; nothing was written."))],
    ];
    for (role, text) in remarks(report) {
        lines.extend(wrapped(&text, width).into_iter().map(|text| vec![Cell::new(text, role)]));
    }
    let columns = if is_first { &COLUMNS[..2] } else { &COLUMNS[..] };
    let table = Table::new(columns, width);
    for (object, trial) in &report.objects {
        lines.push(Line::new());
        let mut head = table.header();
        head[0] = Cell::strong(object.plural()).fitted(head[0].width(), super::cell::Align::Left);
        lines.push(head);
        let rows = rows(*object, trial);
        if rows.is_empty() {
            lines.push(vec![Cell::muted(format!("  {NOTHING}"))]);
        }
        lines.extend(rows.iter().map(|row| table.row(&row.cells(is_first))));
    }
    lines
}

/// What there is to say of an object without numbers.
pub const NOTHING: &str = "nothing to do";

/// The most important numbers, for a question: `ConnectWise: 3 created, 40 updated (38 new)`.
#[must_use]
pub fn summary(report: &TrialReport, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    for (object, trial) in &report.objects {
        let told: Vec<String> = trial.numbers.iter().filter(|(_, number)| number.differs()).map(differing).collect();
        if told.is_empty() {
            continue;
        }
        let head = format::fit(object.plural(), 12);
        let texts = wrapped(&told.join(", "), width.saturating_sub(head.len()).max(20));
        lines.extend(texts.into_iter().enumerate().map(|(at, text)| {
            let lead = if at == 0 { head.clone() } else { " ".repeat(head.len()) };
            vec![Cell::muted(lead), Cell::plain(text)]
        }));
    }
    lines
}

fn differing((measure, number): (&Measure, &Number)) -> String {
    let what = in_words(*measure);
    let what = what.strip_prefix("are ").unwrap_or(&what);
    let part = |sign: &str, picks: &Picks| (picks.total > 0).then(|| format!("{sign}{}", format::grouped(picks.total)));
    let parts = [part("+", &number.more), part("−", &number.less), part("≠", &number.otherwise)];
    format!("{} {what}", parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}

/// What the two versions would do to one record, field by field.
#[must_use]
pub fn difference(
    versions: Versions,
    difference: &Difference,
    schemas: Option<&BySystem<Schema>>,
    width: usize,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let named = |version: Option<ConfigVersion>, what: &str| {
        version.map_or_else(|| what.to_owned(), |version| format!("{what} {version}"))
    };
    let sides = [
        (named(versions.deployed, "deployed"), difference.deployed.as_ref()),
        (named(Some(versions.draft), "draft"), difference.draft.as_ref()),
    ];
    let lead = sides.iter().map(|(name, _)| name.len()).max().unwrap_or(0) + 2;
    for (name, plan) in &sides {
        let text = plan.map_or_else(|| "the object is not mapped".to_owned(), super::why::verdict);
        let texts = wrapped(&text, width.saturating_sub(lead).max(20)).into_iter().enumerate();
        lines.extend(texts.map(|(at, text)| {
            vec![Cell::muted(format::fit(if at == 0 { name } else { "" }, lead)), Cell::plain(text)]
        }));
    }
    lines.extend(differing_filters(difference, &sides, lead, width));
    let fields = differing_fields(difference);
    lines.push(Line::new());
    if fields.is_empty() {
        lines.push(vec![Cell::muted("No field is treated differently.")]);
        return lines;
    }
    for (key, deployed, draft) in fields {
        let (hubspot, connectwise) = names(key);
        lines.push(clipped(&[Cell::strong(format!("{hubspot} ~ {connectwise}"))], width));
        let names = BySystem::from_fn(|system| {
            let field = draft.or(deployed).map(|field| field.names[system].as_str());
            Called::of_field(schemas.zip(field).and_then(|(schemas, field)| schemas[system].field(field)))
        });
        let held = draft.or(deployed).map(|field| &field.values);
        if let Some(values) = held {
            let shown = |system: System| shown(&values[system], &names[system]);
            let text = format!("  HubSpot {}   ConnectWise {}", shown(System::HubSpot), shown(System::ConnectWise));
            lines.push(clipped(&[Cell::muted(text)], width));
        }
        for ((name, _), field) in sides.iter().zip([deployed, draft]) {
            let text = field.map_or_else(|| "not mapped".to_owned(), |field| next_in_words(field, &names));
            let role = if field.is_some_and(|field| matches!(field.next, FieldNext::Write { .. })) {
                Role::Wait
            } else {
                Role::Text
            };
            let texts = wrapped(&text, width.saturating_sub(lead + 2).max(20)).into_iter().enumerate();
            lines.extend(texts.map(|(at, text)| {
                let lead = format::fit(if at == 0 { name } else { "" }, lead);
                vec![Cell::muted(format!("  {lead}")), Cell::new(text, role)]
            }));
        }
    }
    lines
}

/// The filters that let the record through with one of the two versions alone: who leaves one stands still, whatever its
/// fields say.
fn differing_filters(
    difference: &Difference,
    sides: &[(String, Option<&PairPlan>); 2],
    lead: usize,
    width: usize,
) -> Vec<Line> {
    let (Some(deployed), Some(draft)) = (&difference.deployed, &difference.draft) else { return Vec::new() };
    let mut lines = Vec::new();
    for to in System::BOTH.into_iter().filter(|to| deployed.scope[*to].answer != draft.scope[*to].answer) {
        lines.push(Line::new());
        lines.push(vec![Cell::strong(format!("filter {} → {to}", to.other()))]);
        for ((name, _), scope) in sides.iter().zip([&deployed.scope[to], &draft.scope[to]]) {
            let (text, role) = standing(scope, draft.link.is_some());
            lines.extend(wrapped(&text, width.saturating_sub(lead + 2).max(20)).into_iter().enumerate().map(
                |(at, text)| {
                    let lead = format::fit(if at == 0 { name } else { "" }, lead);
                    vec![Cell::muted(format!("  {lead}")), Cell::new(text, role)]
                },
            ));
        }
    }
    lines
}

/// What a filter says of a record, with the clause that decides.
fn standing(scope: &Scope, is_linked: bool) -> (String, Role) {
    let deciding = scope.clauses.iter().find(|clause| clause.answer == scope.answer);
    let at = deciding.map_or_else(String::new, |clause| {
        let value = if clause.value.is_empty() { "empty" } else { &clause.value };
        format!(" at \"{}\" ({value})", clause.text)
    });
    match scope.answer {
        Answer::Pass => ("passes".to_owned(), Role::Text),
        Answer::Fail if is_linked => (format!("fails{at}: it freezes"), Role::Warn),
        Answer::Fail => (format!("fails{at}: it stays out"), Role::Warn),
        Answer::Undecided => (format!("cannot be decided{at}: it is held"), Role::Error),
    }
}

type Differing<'a> = (&'a FieldKey, Option<&'a FieldPlan>, Option<&'a FieldPlan>);

/// The fields of which something else becomes, those of the draft first.
fn differing_fields(difference: &Difference) -> Vec<Differing<'_>> {
    let draft = difference.draft.as_ref().map_or(&[][..], |plan| &plan.fields);
    let deployed = difference.deployed.as_ref().map_or(&[][..], |plan| &plan.fields);
    let find = |fields: &[FieldPlan], key: &FieldKey| fields.iter().position(|field| field.key == *key);
    let mut found: Vec<Differing<'_>> = Vec::new();
    for new in draft {
        let old = find(deployed, &new.key).map(|at| &deployed[at]);
        if old.is_none_or(|old| old.next != new.next) {
            found.push((&new.key, old, Some(new)));
        }
    }
    let only_old = deployed.iter().filter(|old| find(draft, &old.key).is_none());
    found.extend(only_old.map(|old| (&old.key, Some(old), None)));
    found
}

fn next_in_words(field: &FieldPlan, names: &BySystem<Called>) -> String {
    let what = match &field.next {
        FieldNext::Same | FieldNext::Agree => "stays as it is".to_owned(),
        FieldNext::Write { to, value, .. } => format!("{} is written to {to}", shown(value, &names[*to])),
        FieldNext::Tolerate => "is left different".to_owned(),
        FieldNext::Decide => "a person decides".to_owned(),
        FieldNext::Stuck => "cannot cross".to_owned(),
        FieldNext::Wait => "waits".to_owned(),
        FieldNext::Frozen => "is frozen by a filter".to_owned(),
        FieldNext::Undecided { to } => format!("whether it may go to {to} cannot be decided"),
    };
    if field.rule.is_empty() { what } else { format!("{what}: {}", field.rule) }
}

/// `“Technology”`, as people call it.
fn shown(value: &Value, names: &Called) -> String {
    let plain = value.to_plain();
    if plain.is_empty() { format::NONE.to_owned() } else { format!("“{}”", names.names(&plain)) }
}

/// The whole test as `lockstep config test --json` prints it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrialAnswer {
    pub version: ConfigVersion,
    pub edit: u64,
    pub deployed: Option<ConfigVersion>,
    /// Whether the draft counts as tested from now on.
    pub tested: bool,
    pub looked_at: u64,
    /// Whether the draft means anything to any record that was looked at.
    pub differs: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guard: Option<String>,
    /// Limits of `--fail-on` that are exceeded.
    pub exceeded: Vec<String>,
    pub objects: BTreeMap<&'static str, ObjectAnswer>,
    pub unread: Vec<UnreadAnswer>,
    pub paused: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ObjectAnswer {
    pub looked_at: u64,
    pub numbers: Vec<NumberAnswer>,
    pub fields: Vec<NumberAnswer>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NumberAnswer {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// `create`, `update`, `link`, `blank`, `hold`, `exclude`, `enter`, `leave` or `unread`.
    pub what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
    /// With the draft.
    pub draft: u64,
    /// With the deployed version.
    pub deployed: u64,
    pub new: PicksAnswer,
    pub no_longer: PicksAnswer,
    pub otherwise: PicksAnswer,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PicksAnswer {
    pub total: u64,
    /// The first ones: `hubspot 18273645`.
    pub records: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UnreadAnswer {
    pub object: &'static str,
    pub system: System,
    /// `fields`, `everything` or `under_way`.
    pub what: &'static str,
    pub fields: Vec<String>,
}

impl From<&Picks> for PicksAnswer {
    fn from(picks: &Picks) -> Self {
        let name = |record: &crate::model::RecordRef| format!("{} {}", record.system.key(), record.id);
        Self { total: picks.total, records: picks.records.iter().map(name).collect() }
    }
}

impl From<&TrialRow<'_>> for NumberAnswer {
    fn from(row: &TrialRow<'_>) -> Self {
        let (field, what, system) = match row.about {
            About::Records(measure) => (None, word(measure), system_of(measure)),
            About::Field(FieldMeasure { field, what }) => {
                let (what, system) = match *what {
                    FieldWhat::Write(to) => ("update", Some(to)),
                    FieldWhat::Blank(to) => ("blank", Some(to)),
                    FieldWhat::Hold => ("hold", None),
                };
                (Some(field.to_string()), what, system)
            }
        };
        let number = row.number;
        Self {
            field,
            what,
            system,
            draft: number.draft.total,
            deployed: number.deployed(),
            new: (&number.more).into(),
            no_longer: (&number.less).into(),
            otherwise: (&number.otherwise).into(),
        }
    }
}

/// A word for scripts.
#[must_use]
pub const fn word(measure: Measure) -> &'static str {
    match measure {
        Measure::Create(_) => "create",
        Measure::Update(_) => "update",
        Measure::Link => "link",
        Measure::Blank(_) => "blank",
        Measure::Hold => "hold",
        Measure::Exclude => "exclude",
        Measure::Enter(_) => "enter",
        Measure::Leave(_) => "leave",
        Measure::Unknown => "unread",
    }
}

const fn system_of(measure: Measure) -> Option<System> {
    match measure {
        Measure::Create(to) | Measure::Update(to) | Measure::Blank(to) | Measure::Enter(to) | Measure::Leave(to) => {
            Some(to)
        }
        Measure::Link | Measure::Hold | Measure::Exclude | Measure::Unknown => None,
    }
}

/// The numbers as data.
#[must_use]
pub fn objects(report: &TrialReport) -> BTreeMap<&'static str, ObjectAnswer> {
    let answer = |(object, trial): (&ObjectKind, &ObjectTrial)| {
        let rows = rows(*object, trial);
        let of = |is_field: bool| {
            let some = rows.iter().filter(|row| matches!(row.about, About::Field(_)) == is_field);
            some.map(NumberAnswer::from).collect()
        };
        (object.key(), ObjectAnswer { looked_at: trial.looked_at, numbers: of(false), fields: of(true) })
    };
    report.objects.iter().map(answer).collect()
}

/// What was not read, as data.
#[must_use]
pub fn unread(report: &TrialReport) -> Vec<UnreadAnswer> {
    let answer = |unread: &Unread| {
        let (what, fields) = match &unread.what {
            UnreadWhat::Fields(fields) => ("fields", fields.iter().map(ToString::to_string).collect()),
            UnreadWhat::Everything => ("everything", Vec::new()),
            UnreadWhat::UnderWay => ("under_way", Vec::new()),
        };
        UnreadAnswer { object: unread.object.key(), system: unread.system, what, fields }
    };
    report.unread.iter().map(answer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::core::plan::ScopeClause;
    use crate::view::plain_text;
    use crate::view::testing::acme;

    #[test]
    fn a_record_that_leaves_a_filter_is_told_from_one_of_which_nothing_becomes() {
        let (deployed, mut draft) = (acme(), acme());
        let same = Difference { deployed: Some(deployed.clone()), draft: Some(draft.clone()) };
        let versions = Versions { draft: ConfigVersion(7), deployed: Some(ConfigVersion(6)) };
        assert!(!plain_text(&difference(versions, &same, None, 76)).contains("filter"));
        draft.scope.connectwise.answer = Answer::Fail;
        let text = "city = \"Austin\"".to_owned();
        let clause = ScopeClause { standard: false, text, answer: Answer::Fail, value: "Portland".to_owned() };
        draft.scope.connectwise.clauses.push(clause);
        let told =
            plain_text(&difference(versions, &Difference { deployed: Some(deployed), draft: Some(draft) }, None, 76));
        let freezes = "filter HubSpot → ConnectWise\n  deployed 6  passes\n  draft 7     fails at \"city = \"Austin\"\" \
                       (Portland): it freezes\n";
        assert!(told.contains(freezes), "{told}");
    }
}
