//! What is wrong with a configuration, as far as the schemas of both systems can tell, before anything is deployed.
//! Pure; looks at no record.

mod activities;
mod creates;

use std::collections::BTreeMap;

use super::FieldRule;
use super::compat::{self, Fit};
use super::config::{
    AutoPairs, Config, Direction, FieldKey, FieldMapping, MatchRule, ObjectMapping, Unmapped, ValueMap,
};
use super::lacks;
use super::needs::only_read;
use super::references::refers_to;
use super::stability;
use super::stages::{Stages, is_called};
use super::transform::MAX_STEPS;
use crate::filter::nearest::did_you_mean;
use crate::filter::{self, Askable};
use crate::model::{BySystem, FieldDef, FieldKind, FieldName, ObjectKind, Schema, System};
use crate::script::{self, Script};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Can't be deployed.
    Error,
    /// Can be, but some records or values would not cross.
    Warning,
}

/// One thing to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    /// None for the configuration as a whole.
    pub object: Option<ObjectKind>,
    /// The field mapping it is about; none for the object as a whole.
    pub field: Option<FieldKey>,
    pub message: String,
    pub hint: String,
    /// The field whose absence it is about.
    pub missing: Option<Missing>,
}

/// A field that the configuration names and a system does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    pub system: System,
    pub field: FieldName,
    /// The part of the configuration that names it: `contact mapping email~email`.
    pub part: String,
}

/// What the fields are that carry the key of the counterpart.
pub(super) const KEY: &str = "key of created records";

/// Seconds between two polls that no allowance bears for long.
const LEAST_POLL: u64 = 10;

/// HubSpot's limit for every text: nothing that comes from a ConnectWise field is as long.
pub const NO_LIMIT: u32 = 65_536;

/// Checks the whole configuration: what is about no object comes first and once, then object by object.
#[must_use]
pub fn check_all<'s>(config: &Config, schemas: impl IntoIterator<Item = &'s BySystem<Schema>>) -> Vec<Finding> {
    let mut findings = general(config);
    let schemas: Vec<_> = schemas.into_iter().collect();
    let company = schemas.iter().copied().find(|pair| pair.hubspot.object == ObjectKind::Company);
    let company = company.filter(|_| config.object(ObjectKind::Company).is_some());
    findings.extend(schemas.iter().flat_map(|schemas| check_with(config, schemas, Some(company))));
    findings
}

/// What is wrong with the configuration as a whole, whatever the systems have.
#[must_use]
pub fn general(config: &Config) -> Vec<Finding> {
    if config.timing.poll >= LEAST_POLL {
        return Vec::new();
    }
    vec![Finding {
        severity: Severity::Warning,
        object: None,
        field: None,
        message: format!("Polling every {} s uses up the systems' allowances.", config.timing.poll),
        hint: "Poll every 30 s or more; 60 is usual.".to_owned(),
        missing: None,
    }]
}

/// Checks the object mapping of the schemas' object; other objects of the configuration are left alone.
/// Findings about the object come first, then those of its fields in their order. What filters ask of companies is not
/// looked at.
#[must_use]
pub fn check(config: &Config, schemas: &BySystem<Schema>) -> Vec<Finding> {
    check_with(config, schemas, None)
}

/// `company`: the fields of companies, and whether they are mapped at all; none where that is not known.
fn check_with(config: &Config, schemas: &BySystem<Schema>, company: Option<Option<&BySystem<Schema>>>) -> Vec<Finding> {
    let Some(object) = config.object(schemas.hubspot.object) else { return Vec::new() };
    let mut lint = Lint { object, schemas, company, findings: Vec::new() };
    lint.only_read();
    lint.stamps();
    lint.activities(config);
    lint.filters();
    lint.filter_scripts();
    lint.match_rules();
    lint.creates();
    lint.references(config);
    lint.targets_written_twice();
    for field in &object.fields {
        lint.field(field);
    }
    lint.findings
}

/// Whether what crosses is made by a transform, each way.
fn is_made(field: &FieldMapping) -> bool {
    System::BOTH.into_iter().all(|to| !field.direction.writes(to) || !field.transform.toward(to).is_empty())
}

/// Whether nothing stands against deploying.
#[must_use]
pub fn is_deployable(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Error)
}

struct Lint<'a> {
    object: &'a ObjectMapping,
    schemas: &'a BySystem<Schema>,
    company: Option<Option<&'a BySystem<Schema>>>,
    findings: Vec<Finding>,
}

impl<'a> Lint<'a> {
    fn note(
        &mut self,
        severity: Severity,
        field: Option<&FieldMapping>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.findings.push(Finding {
            severity,
            object: Some(self.object.object),
            field: field.map(FieldMapping::key),
            message: message.into(),
            hint: hint.into(),
            missing: None,
        });
    }

    /// The last finding comes of a field that is not there.
    fn comes_of(&mut self, system: System, name: &FieldName, part: &str) {
        let part = format!("{} {part}", self.object.object);
        if let Some(finding) = self.findings.last_mut() {
            finding.missing = Some(Missing { system, field: name.clone(), part });
        }
    }

    fn error(&mut self, field: Option<&FieldMapping>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Error, field, message, hint);
    }

    fn warning(&mut self, field: Option<&FieldMapping>, message: impl Into<String>, hint: impl Into<String>) {
        self.note(Severity::Warning, field, message, hint);
    }

    fn def(&self, system: System, name: &FieldName) -> Option<&'a FieldDef> {
        self.schemas[system].field(name.as_str())
    }

    /// The systems that a field mapping writes to, under the direction of its object.
    fn written(&self, field: &FieldMapping) -> Vec<System> {
        let direction = field.direction.restricted_by(self.object.direction);
        System::BOTH.into_iter().filter(|system| direction.is_some_and(|d| d.writes(*system))).collect()
    }

    fn unknown(&mut self, field: Option<&FieldMapping>, system: System, name: &FieldName, part: &str) {
        let names = self.schemas[system].fields.iter().map(|def| def.name.as_str());
        let hint = did_you_mean(name.as_str(), names, "Read the schema again if the field is new.");
        self.error(field, self.schemas[system].lack(name.as_str()), hint);
        self.comes_of(system, name, part);
    }

    /// What belongs to one system alone is never written there, whatever a mapping says.
    fn only_read(&mut self) {
        for system in System::BOTH.into_iter().filter(|system| self.object.direction.writes(*system)) {
            let Some(why) = only_read(self.object.object, system) else { continue };
            let objects = self.object.object.plural();
            let hint = format!("Write `direction = \"to_{}\"` below its `[[object]]`.", system.other().key());
            self.error(None, format!("{objects} are never written to {system}: {why}."), hint);
        }
    }

    fn stamps(&mut self) {
        for system in System::BOTH {
            let Some(name) = self.object.stamp(system) else {
                if self.object.creates_in(system) {
                    let message =
                        format!("No field of {system} is named for the {KEY}: without it, none is made there.");
                    self.error(
                        None,
                        message,
                        "Write `connectwise_stamp = \"FIELD\"`, or create nothing in ConnectWise.",
                    );
                }
                continue;
            };
            match (self.def(system, name), system) {
                (None, System::HubSpot) => {
                    let absence = self.schemas[system].lack(name.as_str());
                    let message =
                        format!("{absence} It keeps a create from happening twice: without it, none happens.");
                    self.warning(
                        None,
                        message,
                        "Connect HubSpot again, which makes it; or make it yourself: one line of text, unique values.",
                    );
                    self.comes_of(system, name, KEY);
                }
                (None, System::ConnectWise) => self.unknown(None, system, name, KEY),
                (Some(def), _) => self.stamp(system, def),
            }
        }
    }

    fn stamp(&mut self, system: System, def: &FieldDef) {
        if let Some(message) = lacks::no_writable_text(&self.schemas[system], def) {
            self.error(None, message, "Choose another field for the key of the counterpart.");
        }
        if let Some(message) = lacks::not_unique(&self.schemas[system], def) {
            self.error(None, message, "Uniqueness can't be added later: create a new property that has it.");
        }
        let twice = self.object.fields.iter().find(|field| *field.field(system) == def.name);
        if let Some(field) = twice {
            let message = format!("`{}` carries the key of the counterpart and can't be mapped as well.", def.name);
            self.error(Some(field), message, "Remove this field mapping, or choose another field for the key.");
        }
    }

    fn filters(&mut self) {
        for target in System::BOTH {
            let from = target.other();
            let company = self.company.flatten().map(|company| &company[from]);
            let known = Askable::of(self.object, from, &self.schemas[from], company);
            let errors = match filter::parse(self.object.filters.toward(target)) {
                Ok(expr) => filter::bind(&expr, known).err().unwrap_or_default(),
                Err(error) => vec![error],
            };
            let knows_companies = self.company.is_some();
            for error in errors.into_iter().filter(|error| knows_companies || !error.is_of_company) {
                let message = format!("Filter of what goes to {target}, {error}");
                self.error(None, message, error.hint);
                if let Some(name) = error.missing {
                    self.comes_of(target.other(), &name, &format!("filter of what goes to {target}"));
                }
            }
        }
    }

    fn filter_scripts(&mut self) {
        for target in System::BOTH {
            let Some(source) = self.object.filters.script.toward(target) else { continue };
            if let Err(error) = Script::compile(source) {
                let message = format!("The script of the filter of what goes to {target} can't be read: {error}.");
                self.error(None, message, "Mend it in the file.");
            }
            for name in script::fields(source).map(FieldName::from) {
                if self.def(target.other(), &name).is_none() {
                    self.unknown(None, target.other(), &name, &format!("script of what goes to {target}"));
                }
            }
        }
    }

    fn match_rules(&mut self) {
        if self.object.matching.is_empty() {
            let message = "There is no match rule: a record without a partner can only be created.";
            self.warning(None, message, "Add one, for companies by domain and website.");
        }
        for rule in &self.object.matching {
            for system in System::BOTH {
                match self.def(system, rule.field(system)) {
                    None => {
                        let part = format!("match rule {}~{}", rule.hubspot, rule.connectwise);
                        self.unknown(None, system, rule.field(system), &part);
                    }
                    Some(def) => self.match_field(system, rule, def),
                }
            }
        }
    }

    fn match_field(&mut self, system: System, rule: &MatchRule, def: &FieldDef) {
        if let Some(message) = lacks::no_match_field(system, rule.by, def) {
            self.error(None, message, "Match by texts: a web address, a name, a phone number.");
        }
    }

    fn targets_written_twice(&mut self) {
        for system in System::BOTH {
            let mut first: BTreeMap<&FieldName, FieldKey> = BTreeMap::new();
            for field in &self.object.fields {
                if !self.written(field).contains(&system) {
                    continue;
                }
                if let Some(earlier) = first.get(field.field(system)) {
                    let message = format!("`{}` of {system} is written by `{earlier}` already.", field.field(system));
                    self.error(Some(field), message, "Let one of the two mappings go the other way only.");
                } else {
                    first.insert(field.field(system), field.key());
                }
            }
        }
    }

    fn field(&mut self, field: &FieldMapping) {
        let defs = BySystem::from_fn(|system| self.def(system, field.field(system)));
        for system in System::BOTH {
            if defs[system].is_none() {
                self.unknown(Some(field), system, field.field(system), &format!("mapping {}", field.key()));
            }
        }
        let written = self.written(field);
        if written.is_empty() {
            let message = format!(
                "The field goes {} and the object {}: nothing crosses.",
                field.direction.arrow(),
                self.object.direction.arrow()
            );
            self.warning(Some(field), message, "Fine for a while; otherwise change one of the two directions.");
        }
        let (Some(hubspot), Some(connectwise)) = (defs.hubspot, defs.connectwise) else { return };
        let defs = BySystem::new(hubspot, connectwise);
        self.transforms(field, &written);
        for target in written {
            self.writable(field, target, defs[target]);
            if field.transform.toward(target).is_empty() {
                self.kinds(field, target, defs);
            }
            self.length(field, target, defs[target]);
            self.uniqueness(field, target, defs);
        }
        self.compared_as(field, defs);
        self.defaults(field, defs);
        match &field.values {
            Some(values) => self.values(field, values, defs),
            // what a transform makes is an option of the other system already
            None if field.kind.has_options() && !is_made(field) => {
                let message =
                    format!("A {} field needs a value map: the systems name options differently.", field.kind.word());
                self.error(Some(field), message, "Add `values` with `auto = \"label\"`, or with pairs.");
            }
            None => {}
        }
    }

    fn writable(&mut self, field: &FieldMapping, target: System, def: &FieldDef) {
        if !def.read_only {
            return;
        }
        let message = format!("`{}` of {target} is read-only.", def.name);
        let hint = match (field.direction, target) {
            (Direction::Both, System::HubSpot) => "Let the field go to ConnectWise only (→).",
            (Direction::Both, System::ConnectWise) => "Let the field go to HubSpot only (←).",
            _ => "No direction can satisfy this: map another field, or remove the mapping.",
        };
        self.error(Some(field), message, hint);
    }

    fn kinds(&mut self, field: &FieldMapping, target: System, defs: BySystem<&FieldDef>) {
        let (from, to) = (defs[target.other()], defs[target]);
        let pair = format!("`{}` ({}) to `{}` ({})", from.name, from.kind.word(), to.name, to.kind.word());
        match compat::fit(from.kind, to.kind) {
            Fit::Always => {}
            Fit::WhenReadable => {
                let message = format!("{pair}: what can't be read as {} waits for a person.", to.kind.word());
                self.warning(Some(field), message, "");
            }
            Fit::WithValueMap if field.values.is_some() => {}
            Fit::WithValueMap => {
                self.error(
                    Some(field),
                    format!("{pair} needs a value map."),
                    "Add `values` with the options that belong together.",
                );
            }
            Fit::Never(_) if compat::is_one_of_several(from.kind, to.kind) => {
                if field.kind != FieldKind::Choice
                    || field.values.as_ref().is_none_or(|values| values.priority.is_empty())
                {
                    let message = format!("{pair}: several options go into one only where it is said which counts.");
                    let hint =
                        "Give the value map a `priority` and the field the kind choice; v, then [ and ] do both.";
                    self.error(Some(field), message, hint);
                }
            }
            Fit::Never(why) => self.error(Some(field), format!("{pair} can't be mapped: {why}."), "Map another field."),
        }
    }

    fn transforms(&mut self, field: &FieldMapping, written: &[System]) {
        for to in System::BOTH {
            let steps = field.transform.toward(to);
            if steps.is_empty() {
                continue;
            }
            if refers_to(field.kind).is_some() || Stages::of(field, self.schemas).is_some() {
                let message = "Where a record belongs and where it stands is no value that a transform could change.";
                self.error(Some(field), message, "Remove `transform`.");
                continue;
            }
            if !written.contains(&to) {
                let message =
                    format!("The transform of what goes to {to} does nothing: the field is never written there.");
                self.warning(Some(field), message, "Remove it, or change the direction.");
            }
            for (at, step) in steps.iter().enumerate() {
                if let Err(why) = step.check() {
                    let message = format!("Step {} of what goes to {to}, `{}`: {why}", at + 1, step.word());
                    self.error(Some(field), message, "Change the step, or remove it.");
                }
            }
            if steps.len() > MAX_STEPS {
                let message = format!("The transform has {} steps; {MAX_STEPS} are allowed.", steps.len());
                self.error(Some(field), message, "");
            }
        }
        for system in System::BOTH {
            for name in field.transform.reads(system) {
                if self.def(system, &name).is_none() {
                    self.unknown(Some(field), system, &name, &format!("transform {}", field.key()));
                }
            }
        }
        let is_sound =
            System::BOTH.into_iter().flat_map(|to| field.transform.toward(to)).all(|step| step.check().is_ok());
        if written.len() == 2 && is_sound && !field.transform.is_empty() {
            self.comes_to_rest(field);
        }
    }

    /// What goes both ways and changes on its way must be the same again after it went there and back.
    fn comes_to_rest(&mut self, field: &FieldMapping) {
        let rule = FieldRule::new(field, self.schemas);
        let options: Vec<(System, String)> = System::BOTH
            .into_iter()
            .filter_map(|system| Some((system, self.def(system, field.field(system))?)))
            .flat_map(|(system, def)| def.options.iter().map(move |option| (system, option.key.clone())))
            .collect();
        if let Some(way) = stability::restless(&rule, &options, &[]) {
            let message = format!("Its transforms never come to rest: {}.", way.in_words());
            self.error(
                Some(field),
                message,
                "Let the field go one way, or let one direction take back what the other one does.",
            );
        } else if let Some(way) = stability::lossy(&rule, &options, &[]) {
            let message = format!("What comes back is not what went: {}.", way.in_words());
            self.warning(
                Some(field),
                message,
                "Fine where that form is wanted on both sides; otherwise let the field go one way.",
            );
        }
    }

    /// What may repeat on one side is refused on the other, the second time it comes; unless records are matched by it, for
    /// then the second one is told from the first by a person.
    fn uniqueness(&mut self, field: &FieldMapping, target: System, defs: BySystem<&FieldDef>) {
        let (from, to) = (defs[target.other()], defs[target]);
        let rules = &self.object.matching;
        let is_matched =
            rules.iter().any(|rule| rule.hubspot == field.hubspot && rule.connectwise == field.connectwise);
        if !to.unique || from.unique || is_matched {
            return;
        }
        let message = format!(
            "`{}` of {target} takes each value once, and `{}` of {} may repeat: of records with the same value only one crosses.",
            to.name,
            from.name,
            target.other()
        );
        let hint = match field.direction {
            Direction::Both => format!("Let the field go to {} only, or map one that is unique.", target.other()),
            _ => "Map a field whose values are unique, or one that takes a value twice.".to_owned(),
        };
        self.warning(Some(field), message, hint);
    }

    fn compared_as(&mut self, field: &FieldMapping, defs: BySystem<&FieldDef>) {
        let (a, b) = (defs.hubspot.kind, defs.connectwise.kind);
        if matches!(compat::fit(a, b), Fit::Never(_)) || compat::compares_as(field.kind, a, b) {
            return;
        }
        let message = format!("{} and {} can't be compared as {}.", a.word(), b.word(), field.kind.word());
        let wanted = serde_json::to_string(&compat::common(a, b)).unwrap_or_default();
        self.error(Some(field), message, format!("Write `kind = {wanted}`."));
    }

    fn length(&mut self, field: &FieldMapping, target: System, def: &FieldDef) {
        let beyond = field.max_length[target].filter(|limit| target == System::HubSpot && *limit > NO_LIMIT);
        if let Some(limit) = beyond {
            let message = format!(
                "HubSpot takes {NO_LIMIT} characters of any text, the mapping of `{}` allows {limit}.",
                def.name
            );
            let hint = format!("Write `max_length = {{ hubspot = {NO_LIMIT} }}`, or leave it out.");
            self.error(Some(field), message, hint);
            return;
        }
        let limited = def.max_length.filter(|room| *room < NO_LIMIT);
        let (Some(room), true) = (limited, compat::is_text(field.kind)) else { return };
        let message = match field.max_length[target] {
            Some(limit) if limit <= room => return,
            Some(limit) => format!("`{}` of {target} takes {room} characters, the mapping allows {limit}.", def.name),
            None => format!("`{}` of {target} takes {room} characters, the mapping has no limit.", def.name),
        };
        let hint = format!("Write `max_length = {{ {} = {room} }}`.", target.key());
        if field.max_length[target].is_some() {
            self.error(Some(field), message, hint)
        } else {
            self.warning(Some(field), message, hint)
        }
    }

    fn defaults(&mut self, field: &FieldMapping, defs: BySystem<&FieldDef>) {
        for system in System::BOTH {
            let (Some(value), def) = (field.default.of(system), defs[system]) else { continue };
            if def.kind.has_options() && !def.options.is_empty() && def.option_label(value).is_none() {
                let keys = def.options.iter().map(|option| option.key.as_str());
                let hint = did_you_mean(value, keys, "Write the internal value (HubSpot) or the id (ConnectWise).");
                let message = format!("The default \"{value}\" is not an option of `{}` of {system}.", def.name);
                self.error(Some(field), message, hint);
            }
        }
    }

    fn values(&mut self, field: &FieldMapping, values: &ValueMap, defs: BySystem<&FieldDef>) {
        if !field.kind.has_options() {
            let message = format!("A value map does nothing for a {} field.", field.kind.word());
            self.warning(Some(field), message, "Remove `values`, or set the kind to choice.");
            return;
        }
        if values.auto.is_none() && values.pairs.is_empty() {
            self.error(Some(field), "The value map is empty: no value could cross.", "Add pairs or `auto`.");
        }
        if values.auto == Some(AutoPairs::Email) && field.kind != FieldKind::Person {
            self.error(Some(field), "Only people are paired by e-mail address.", "Write `auto = \"label\"`.");
        }
        if values.auto == Some(AutoPairs::Label) && values.pairs.is_empty() && defs.connectwise.options.is_empty() {
            let message = format!("The options of `{}` are not known: `auto` finds no pair.", defs.connectwise.name);
            self.warning(Some(field), message, "List the pairs, or read the schema again.");
        }
        self.priority(field, values, defs);
        self.fallback(field, values);
        for pair in &values.pairs {
            for (system, value) in [(System::HubSpot, &pair.hubspot), (System::ConnectWise, &pair.connectwise)] {
                self.pair_value(field, system, defs[system], value);
            }
        }
    }

    /// The order of several options, of which one crosses.
    fn priority(&mut self, field: &FieldMapping, values: &ValueMap, defs: BySystem<&FieldDef>) {
        if values.priority.is_empty() {
            return;
        }
        let several = |system: System| defs[system].kind == FieldKind::MultiChoice;
        let written = self.written(field);
        if let Some(to) = written.iter().copied().find(|to| several(*to)) {
            let message = format!(
                "`{}` of {to} holds several options: one that comes back would replace them all.",
                defs[to].name
            );
            self.error(Some(field), message, "Let the field go the other way only, or remove `priority`.");
            return;
        }
        let Some(from) = written.iter().map(|to| to.other()).find(|from| several(*from)) else {
            self.warning(Some(field), "`priority` does nothing: neither field holds several options.", "Remove it.");
            return;
        };
        for key in values.priority.iter().filter(|key| defs[from].option_label(key).is_none()) {
            let message = format!("`{}` of {from} has no option \"{key}\": it never comes first.", defs[from].name);
            self.warning(Some(field), message, "Remove it from `priority`.");
        }
    }

    /// The default for values without a partner.
    fn fallback(&mut self, field: &FieldMapping, values: &ValueMap) {
        if values.unmapped != Unmapped::Default {
            return;
        }
        if Stages::of(field, self.schemas).is_some() {
            let message =
                "Where a record stands has no default: a stage without a partner can only be held or left alone.";
            return self.error(Some(field), message, "Write `unmapped = \"hold\"` or `\"skip\"`.");
        }
        for to in self.written(field) {
            if field.default.of(to).is_none() {
                let message = format!(
                    "Values without a partner are to get the default, and none is named for {to}: they are held."
                );
                let hint = format!("Write `default = {{ {} = … }}`, or another `unmapped`.", to.key());
                self.warning(Some(field), message, hint);
            }
        }
    }

    /// A pair with an option that does not exist never applies; tenants rename options, so this is not an error.
    fn pair_value(&mut self, field: &FieldMapping, system: System, def: &FieldDef, value: &str) {
        if def.options.is_empty() {
            return;
        }
        let label = if system == System::ConnectWise { value.strip_prefix("label:") } else { None };
        let found = def.options.iter().find(|option| match label {
            Some(label) => is_called(&option.label, label),
            None => option.key == value,
        });
        match found {
            None => {
                let known = def.options.iter().map(|option| if label.is_some() { &option.label } else { &option.key });
                let wanted = label.unwrap_or(value);
                let message = format!("`{}` of {system} has no option \"{wanted}\": its pair never applies.", def.name);
                let hint = did_you_mean(wanted, known.map(String::as_str), "Remove the pair, or add the option.");
                self.warning(Some(field), message, hint);
            }
            Some(option) if option.inactive && self.written(field).contains(&system) => {
                let message = format!("The option \"{}\" of `{}` of {system} is inactive.", option.label, def.name);
                self.warning(Some(field), message, "Pair the value with an active option.");
            }
            Some(_) => {}
        }
    }
}
