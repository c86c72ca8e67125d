//! The doctor: whether both systems let the configuration do all it wants, and what stands in its way. Writes nothing to
//! either; what it reads of the schemas is kept.

use std::sync::Arc;
use std::time::Duration;

use super::causes::Findings;
use super::clock::Clock;
use super::setup::{Connection, SetupError, keep_renewals, read_config, refresh_schema};
use super::steps::Steps;
use crate::connect::{Amount, Cause, ConnectError, ConnectErrorKind, Connector, Need, Root, ServerClock, Severity};
use crate::engine::core::state::IssueClass;
use crate::mapping::lint::{self, Missing};
use crate::mapping::{Config, ObjectMapping, defaults, harm};
use crate::model::{BySystem, Changed, Checked, Checkup, Grade, ObjectAccess, ObjectKind, Schema, System, Timestamp};
use crate::store::rows::IssueQuery;
use crate::store::{Reader, Settings, Workspace};

/// A schema that could not be read again and is older than this is told of.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// A pause is waited out up to this.
const LONG_PAUSE: Duration = Duration::from_secs(10);
/// A clock that is off by more than this is told of; HubSpot and ConnectWise keep theirs by network time.
const SKEW_WARNS: Duration = Duration::from_secs(30);
/// Causes of refused writes that are told.
const REFUSALS: usize = 5;
/// Beyond this, times of changes cannot be trusted to order anything.
const SKEW_HURTS: Duration = Duration::from_secs(300);

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub severity: Severity,
    /// None: about the configuration or this machine.
    pub system: Option<System>,
    pub object: Option<ObjectKind>,
    pub what: String,
    /// What comes of it, where that is more than `what` says.
    pub hurts: Vec<String>,
    /// The next step; empty where nothing is wrong.
    pub remedy: String,
    /// The connection itself does not work: nothing else of that system could be looked at.
    pub cut_off: bool,
}

impl Item {
    pub(super) fn new(
        severity: Severity,
        system: Option<System>,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (what, remedy) = (what.into(), remedy.into());
        Self { severity, system, object: None, what, hurts: Vec::new(), remedy, cut_off: false }
    }

    fn about(self, object: ObjectKind) -> Self {
        Self { object: Some(object), ..self }
    }

    /// For people, who need no rules about exit codes.
    #[must_use]
    pub fn checked(&self) -> Checked {
        let grade = match self.severity {
            Severity::Fine => Grade::Fine,
            Severity::Warning => Grade::Warning,
            Severity::Problem => Grade::Problem,
        };
        let Self { system, object, .. } = *self;
        Checked {
            grade,
            system,
            object,
            what: self.what.clone(),
            hurts: self.hurts.clone(),
            remedy: self.remedy.clone(),
        }
    }

    fn cut_off(system: System, error: ConnectError) -> Self {
        Self { cut_off: true, ..Self::new(Severity::Problem, Some(system), error.message, error.hint) }
    }
}

/// Looks at everything, and keeps in the workspace what it saw. The items are in the order in which people want them: what
/// cuts off first, then by severity.
///
/// # Errors
/// When the workspace cannot be read or written. A system that does not answer is an item.
pub async fn examine(workspace: &Workspace, clock: Clock, steps: &Steps) -> Result<Vec<Item>, SetupError> {
    let mut settings = workspace.settings()?;
    let mut found = Findings::default();
    let config = configuration(&settings, &mut found)?;
    let mut schemas: Vec<Schema> = Vec::new();
    let mut access = Vec::new();
    for system in System::BOTH {
        match connector(workspace, &settings, &config, system, clock)? {
            Ok(connector) => {
                let asked = Arc::clone(&connector);
                let (settings, items, access) = (&mut settings, &mut found, &mut access);
                let mut side = Side { connector, settings, clock, found: items, access, steps };
                let ended = match steps.within(&asked, side.examine(system, &config, &mut schemas)).await {
                    Err(SetupError::Connect(error)) => Some(paused(asked.as_ref()).unwrap_or(*error)),
                    done => done?,
                };
                found.of_connection(asked.as_ref(), ended);
            }
            Err(item) => found.add(item),
        }
    }
    drifted(&settings, &config, &schemas, &mut found)?;
    misfits(&config, &schemas, &mut found);
    refused(&workspace.reader()?, &mut found)?;
    let mut items = found.told();
    items.sort_by_key(|item| (!item.cut_off, std::cmp::Reverse(item.severity), item.system, item.object));
    let findings = items.iter().map(Item::checked).collect();
    settings.put_checkup(&Checkup { at: clock.now(), findings, access })?;
    Ok(items)
}

/// Records that a system refused to make or change: what it wants of them is told nowhere else, such as a field that the
/// tenant made mandatory.
fn refused(reader: &Reader, found: &mut Findings) -> Result<(), SetupError> {
    for group in reader.issue_groups()?.into_iter().filter(|group| group.class == IssueClass::Rejected).take(REFUSALS) {
        let query = IssueQuery { class: Some(group.class), template: Some(group.template) };
        let Some(issue) = reader.issues_page(&query, None, 1)?.pop() else { continue };
        let records =
            if group.count == 1 { "One record waits".to_owned() } else { format!("{} records wait", group.count) };
        let what = format!("{records}: {}", issue.message);
        let remedy = format!("{} `lockstep issues` lists the records.", issue.hint);
        found.add(Item::new(Severity::Warning, None, what, remedy).about(issue.record.object));
    }
    Ok(())
}

/// What is to be examined: what is deployed, else the draft, else the default.
fn configuration(settings: &Settings, found: &mut Findings) -> Result<Config, SetupError> {
    if let Some(row) = settings.deployed()? {
        return read_config(&row.body);
    }
    let (which, config) = match settings.draft()? {
        Some(row) => ("the draft", read_config(&row.body)?),
        None => ("the default configuration", defaults::config()),
    };
    let what = format!("Nothing is deployed yet; {which} was looked at instead.");
    found.add(Item::new(Severity::Warning, None, what, "Run `lockstep config lint`, then `lockstep config deploy`."));
    Ok(config)
}

fn connector(
    workspace: &Workspace,
    settings: &Settings,
    config: &Config,
    system: System,
    clock: Clock,
) -> Result<Result<Arc<dyn Connector>, Item>, SetupError> {
    let connection = match Connection::load(settings, system) {
        Ok(connection) => connection,
        Err(SetupError::NotConnected(_)) => {
            let remedy = format!("Run `{}`.", connect_command(system));
            let what = format!("{system} is not connected.");
            return Ok(Err(Item { cut_off: true, ..Item::new(Severity::Problem, Some(system), what, remedy) }));
        }
        Err(error) => return Err(error),
    };
    let renewed = keep_renewals(workspace, &connection)?;
    Ok(connection.connector(config, clock, renewed).map_err(|error| Item::cut_off(system, error)))
}

/// The command that connects a system, with what it cannot do without.
#[must_use]
pub const fn connect_command(system: System) -> &'static str {
    match system {
        System::HubSpot => "lockstep connect hubspot",
        System::ConnectWise => "lockstep connect connectwise --site URL --company ID --public-key KEY --client-id GUID",
    }
}

/// What a configuration wants of one system.
#[must_use]
pub fn needs(config: &Config, system: System) -> Vec<Need> {
    let need = |mapping: &ObjectMapping| {
        let writes = mapping.direction.writes(system);
        let updates = writes
            && mapping.fields.iter().any(|field| {
                field.direction.restricted_by(mapping.direction).is_some_and(|direction| direction.writes(system))
            });
        let creates = writes && mapping.create.allows(system);
        Need { object: mapping.object, reads: true, creates, updates, amount: amount(mapping, system) }
    };
    config.objects.iter().map(need).collect()
}

fn amount(mapping: &ObjectMapping, system: System) -> Amount {
    let mut fields = mapping.fields.iter();
    match fields.find(|field| mapping.object == ObjectKind::Deal && field.connectwise.as_str() == "amount") {
        Some(field) => match field.direction.restricted_by(mapping.direction) {
            Some(direction) if direction.writes(system) => Amount::Written,
            _ => Amount::Read,
        },
        None => Amount::Unmapped,
    }
}

/// One system that can be spoken to.
struct Side<'a> {
    connector: Arc<dyn Connector>,
    settings: &'a mut Settings,
    clock: Clock,
    found: &'a mut Findings,
    access: &'a mut Vec<ObjectAccess>,
    steps: &'a Steps,
}

impl Side<'_> {
    /// What keeps the rest from being looked at, if anything.
    async fn examine(
        &mut self,
        system: System,
        config: &Config,
        schemas: &mut Vec<Schema>,
    ) -> Result<Option<ConnectError>, SetupError> {
        self.steps.begin(&self.connector, "rights and settings");
        let exam = match self.connector.examine(&needs(config, system)).await {
            Ok(exam) => exam,
            Err(error) => return Ok(Some(error)),
        };
        self.found.of(system, exam.findings);
        let seen = exam.access.into_iter();
        self.access.extend(seen.map(|(object, access)| ObjectAccess { system, object, access }));
        if exam.ended.is_some() {
            return Ok(exam.ended);
        }
        for mapping in &config.objects {
            self.schema(system, mapping.object, schemas).await?;
            if let Some(pause) = paused(self.connector.as_ref()) {
                return Ok(Some(pause));
            }
        }
        Ok(None)
    }

    async fn schema(
        &mut self,
        system: System,
        object: ObjectKind,
        schemas: &mut Vec<Schema>,
    ) -> Result<(), SetupError> {
        let known = self.settings.schema(system, object)?;
        self.steps.begin(&self.connector, format!("the {object} fields"));
        match refresh_schema(self.settings, self.connector.as_ref(), object, self.clock).await {
            Ok(read) => {
                self.found.of(system, read.warnings);
                schemas.push(read.schema);
            }
            Err(SetupError::Connect(error)) => {
                self.found.add(unread(system, object, &error, known.as_ref().map(|(_, at)| *at), self.clock.now()));
                schemas.extend(known.map(|(schema, _)| schema));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl Findings {
    /// How the look at one system ended, and what its answers said of its clock and of the day's calls.
    fn of_connection(&mut self, connector: &dyn Connector, ended: Option<ConnectError>) {
        let system = connector.system();
        let is_over = ended.as_ref().is_some_and(|error| error.kind != ConnectErrorKind::Limited);
        ended.into_iter().for_each(|error| self.add(broken_off(system, error)));
        if is_over {
            return;
        }
        let clock = connector.clock().map(|clock| skew(system, clock));
        let day = connector.budget().daily.map(|(used, of)| day(system, used, of));
        clock.into_iter().chain(day).for_each(|item| self.add(item));
    }
}

/// A pause is no fault of the connection.
fn broken_off(system: System, error: ConnectError) -> Item {
    if error.kind != ConnectErrorKind::Limited {
        return Item::cut_off(system, error);
    }
    let what = format!("Not everything of {system} was looked at: {}", error.message);
    Item::new(Severity::Warning, Some(system), what, error.hint)
}

/// The pause that a system has asked for, where it is too long to be waited out.
fn paused(connector: &dyn Connector) -> Option<ConnectError> {
    let left = connector.budget().blocked.filter(|left| *left > LONG_PAUSE)?;
    let what = format!("{} asks for a pause.", connector.system());
    Some(ConnectError::new(ConnectErrorKind::Limited, what, format!("Run the doctor again in {} s.", left.as_secs())))
}

fn unread(system: System, object: ObjectKind, error: &ConnectError, known: Option<Timestamp>, now: Timestamp) -> Item {
    let old = match known {
        None => " They were never read.".to_owned(),
        Some(at) if now.since(at) > STALE => format!(" What is known of them is from {}.", at.to_rfc3339()),
        Some(_) => String::new(),
    };
    let what = format!("The {object} fields of {system} could not be read: {}{old}", error.message);
    let severity = if matches!(error.kind, ConnectErrorKind::Limited) { Severity::Warning } else { Severity::Problem };
    let cut_off = matches!(error.kind, ConnectErrorKind::Credentials | ConnectErrorKind::Unreachable);
    Item { cut_off, ..Item::new(severity, Some(system), what, error.hint.clone()).about(object) }
}

fn skew(system: System, clock: ServerClock) -> Item {
    let off = Duration::from_millis(clock.offset_ms.unsigned_abs());
    let surely = off.saturating_sub(clock.uncertainty);
    let severity = match surely {
        off if off > SKEW_HURTS => Severity::Problem,
        off if off > SKEW_WARNS => Severity::Warning,
        _ => Severity::Fine,
    };
    if severity == Severity::Fine {
        return Item::new(severity, Some(system), format!("This machine's clock agrees with that of {system}."), "");
    }
    let way = if clock.offset_ms > 0 { "behind" } else { "ahead of" };
    let what = format!("This machine's clock is {} {way} that of {system}.", plainly(off.as_secs()));
    Item::new(severity, Some(system), what, "Set this machine's clock by network time (NTP).")
}

/// `42 s`, `4 min 12 s`, `3 h 5 min`, `2 d 7 h`: the two greatest units that say something.
fn plainly(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds % 60, "s")];
    let first = units.iter().position(|(n, _)| *n > 0).unwrap_or(units.len() - 1);
    let told: Vec<String> = units[first..]
        .iter()
        .take(2)
        .enumerate()
        .filter(|(at, (n, _))| *at == 0 || *n > 0)
        .map(|(_, (n, unit))| format!("{n} {unit}"))
        .collect();
    told.join(" ")
}

fn day(system: System, used: u64, of: u64) -> Item {
    let percent = used.saturating_mul(100).checked_div(of).unwrap_or(100);
    let left = of.saturating_sub(used);
    let what = format!(
        "{left} of {of} calls are left of today's allowance of {system}, which all its private apps and keys share \
         ({percent} % used)."
    );
    let (severity, remedy) = match percent {
        95.. => (
            Severity::Problem,
            "Sync waits for the next day. See in HubSpot which other apps use them up, or buy the API limit increase.",
        ),
        70.. => (
            Severity::Warning,
            "Sweeps and back-fill wait for the next day; changes still cross. See in HubSpot which other apps use them up.",
        ),
        _ => (Severity::Fine, ""),
    };
    Item::new(severity, Some(system), what, remedy)
}

const fn severity_of(severity: lint::Severity) -> Severity {
    match severity {
        lint::Severity::Error => Severity::Problem,
        lint::Severity::Warning => Severity::Warning,
    }
}

/// What does not fit between the configuration and the fields as they are now: above all, fields that a create needs and
/// that nothing fills.
fn misfits(config: &Config, schemas: &[Schema], found: &mut Findings) {
    for finding in lint::general(config) {
        found.add(Item::new(severity_of(finding.severity), None, finding.message, finding.hint));
    }
    let of = |system, object| schemas.iter().find(|schema| schema.system == system && schema.object == object);
    for object in config.objects.iter().map(|mapping| mapping.object) {
        let (Some(hubspot), Some(connectwise)) = (of(System::HubSpot, object), of(System::ConnectWise, object)) else {
            continue;
        };
        for finding in lint::check(config, &BySystem::new(hubspot.clone(), connectwise.clone())) {
            let severity = severity_of(finding.severity);
            let field = finding.field.map_or_else(String::new, |field| format!("{field}: "));
            let item = Item::new(severity, None, format!("{field}{}", finding.message), finding.hint).about(object);
            match finding.missing {
                Some(Missing { system, field, part }) => {
                    let root = Root { cause: Cause::Field(field), hurts: part };
                    found.add_rooted(Item { system: Some(system), ..item }, Some(root));
                }
                None => found.add(item),
            }
        }
    }
}

/// What changed in the systems since the configuration was made, and hurts it still.
fn drifted(settings: &Settings, config: &Config, schemas: &[Schema], found: &mut Findings) -> Result<(), SetupError> {
    for row in settings.drift(made(settings)?)? {
        let Some(now) = schemas.iter().find(|schema| schema.system == row.system && schema.object == row.object) else {
            continue;
        };
        let there = schemas.iter().find(|one| one.system == row.system.other() && one.object == row.object);
        for change in row.changes.iter().filter(|change| change.still_holds(now)) {
            for harm in harm(config, row.system, row.object, change, there) {
                let what = format!("A change hurts the {}: {}", harm.part, harm.what);
                let item = Item::new(Severity::Problem, Some(row.system), what, harm.remedy).about(row.object);
                let gone = matches!(change.what, Changed::Removed);
                let root = gone.then(|| Root { cause: Cause::Field(change.field.clone()), hurts: harm.part });
                found.add_rooted(item, root);
            }
        }
    }
    Ok(())
}

/// When the deployed configuration was made; drift before it was known to whoever made it.
///
/// # Errors
/// When the workspace cannot be read.
pub fn made(settings: &Settings) -> Result<Timestamp, SetupError> {
    Ok(settings.deployed()?.map_or(Timestamp::EPOCH, |row| row.info.created))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Direction;

    #[test]
    fn needs_follow_the_directions_of_the_configuration() {
        let mut config = defaults::config();
        config.objects.truncate(1);
        let (object, amount) = (ObjectKind::Company, Amount::Unmapped);
        let all = |reads, creates, updates| Need { object, reads, creates, updates, amount };
        assert_eq!(needs(&config, System::HubSpot), [all(true, true, true)]);
        config.objects[0].direction = Direction::ToConnectwise;
        assert_eq!(needs(&config, System::HubSpot), [all(true, false, false)]);
        assert_eq!(needs(&config, System::ConnectWise), [all(true, true, true)]);
        config.objects[0].create.connectwise = false;
        for field in &mut config.objects[0].fields {
            field.direction = Direction::ToHubspot;
        }
        assert_eq!(needs(&config, System::ConnectWise), [all(true, false, false)]);
    }

    #[test]
    fn an_amount_needs_its_own_rights_where_it_is_mapped() {
        let mut config = defaults::config();
        assert_eq!(needs(&config, System::ConnectWise)[0].amount, Amount::Unmapped, "companies have none");
        config.objects = vec![defaults::deal("customFields/51".into())];
        let of = |config: &Config, system| needs(config, system)[0].amount;
        assert_eq!(of(&config, System::ConnectWise), Amount::Written);
        config.objects[0].direction = Direction::ToHubspot;
        assert_eq!(of(&config, System::ConnectWise), Amount::Read);
        config.objects[0].fields.retain(|field| field.connectwise.as_str() != "amount");
        assert_eq!(of(&config, System::ConnectWise), Amount::Unmapped);
    }

    #[test]
    fn a_clock_warns_beyond_half_a_minute_and_hurts_beyond_five() {
        let at = |seconds: i64, uncertainty| {
            let uncertainty = Duration::from_millis(uncertainty);
            skew(System::HubSpot, ServerClock { offset_ms: seconds * 1000, uncertainty, samples: 9 }).severity
        };
        let table = [
            (0, Severity::Fine),
            (30, Severity::Fine),
            (32, Severity::Warning),
            (-32, Severity::Warning),
            (299, Severity::Warning),
            (302, Severity::Problem),
            (-4000, Severity::Problem),
        ];
        for (seconds, severity) in table {
            assert_eq!(at(seconds, 600), severity, "{seconds}");
        }
        assert_eq!(at(40, 20_000), Severity::Fine, "a slow line proves nothing");
        let ahead = skew(System::HubSpot, ServerClock { offset_ms: -40_000, uncertainty: Duration::ZERO, samples: 1 });
        assert!(ahead.what.contains("40 s ahead of"), "{ahead:?}");
    }

    #[test]
    fn a_span_is_told_in_its_two_greatest_units() {
        let table = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (252, "4 min 12 s"), (3600, "1 h"), (3661, "1 h 1 min")];
        for (seconds, expected) in table.into_iter().chain([(200_000, "2 d 7 h"), (86_401, "1 d")]) {
            assert_eq!(plainly(seconds), expected);
        }
    }

    #[test]
    fn a_day_that_runs_out_is_told_before_it_hurts() {
        let at = |used| day(System::HubSpot, used, 1000).severity;
        assert_eq!(
            [0, 699, 700, 949, 950, 2000].map(at),
            [
                Severity::Fine,
                Severity::Fine,
                Severity::Warning,
                Severity::Warning,
                Severity::Problem,
                Severity::Problem
            ]
        );
    }
}
