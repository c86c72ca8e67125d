//! A configuration made ready for work: value maps resolved against the schemas, filters parsed and bound.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::called::Called;
use super::compat;
use super::lacks::{self, Lack, Lacks};
use super::references::{NOTES, NOTES_OR_NAME, refers_to};
use super::stages::Stages;
use super::transform::Transform;
use super::{AutoPairs, Config, FieldKey, FieldMapping, MatchRule, ObjectMapping, Unmapped, ValueMap};
use crate::filter::standard::{self, Standard};
use crate::filter::{self, Askable, Filter};
use crate::model::{
    BySystem, ChoiceOption, ConfigVersion, FieldKind, FieldName, Fields, ObjectKind, Record, Schema, System,
};
use crate::script::Script;

/// A configuration as the engine uses it.
#[derive(Debug, Clone)]
pub struct Rules {
    pub config: Config,
    pub version: ConfigVersion,
    objects: BTreeMap<ObjectKind, ObjectRules>,
    /// By the object pointed to: the objects that have a reference to it.
    children: BTreeMap<ObjectKind, Vec<ObjectKind>>,
    onlookers: Vec<Onlooker>,
}

/// What in a configuration does not fit the schemas of the two systems.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {message}")]
pub struct RulesError {
    pub object: ObjectKind,
    pub message: String,
    pub hint: String,
}

impl Rules {
    /// Makes a configuration ready; `schemas` holds the fields of each object in both systems.
    ///
    /// # Errors
    /// All that does not fit: an object without a schema, a filter that does not parse. What names a field that is not
    /// there does not stand in the way: it rests, see [`Lacks`].
    pub fn compile(
        config: Config,
        version: ConfigVersion,
        schemas: &[BySystem<Schema>],
    ) -> Result<Self, Vec<RulesError>> {
        let mut objects = BTreeMap::new();
        let mut errors = Vec::new();
        for mapping in &config.objects {
            match ObjectRules::compile(&config, mapping, schemas) {
                Ok(rules) => {
                    objects.insert(mapping.object, rules);
                }
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let children = children_of(&objects);
        let onlookers = onlookers_of(&objects);
        if let Some(companies) = objects.get_mut(&ObjectKind::Company) {
            companies.watch(&onlookers);
        }
        Ok(Self { config, version, objects, children, onlookers })
    }

    #[must_use]
    pub fn object(&self, object: ObjectKind) -> Option<&ObjectRules> {
        self.objects.get(&object)
    }

    /// The objects whose records point to records of this one.
    #[must_use]
    pub fn children(&self, object: ObjectKind) -> &[ObjectKind] {
        self.children.get(&object).map_or(&[], Vec::as_slice)
    }

    /// The objects whose filters look at companies.
    #[must_use]
    pub fn onlookers(&self) -> &[Onlooker] {
        &self.onlookers
    }

    /// Parents before children.
    pub fn objects(&self) -> impl Iterator<Item = (ObjectKind, &ObjectRules)> {
        self.objects.iter().map(|(object, rules)| (*object, rules))
    }
}

fn children_of(objects: &BTreeMap<ObjectKind, ObjectRules>) -> BTreeMap<ObjectKind, Vec<ObjectKind>> {
    let mut children: BTreeMap<ObjectKind, Vec<ObjectKind>> = BTreeMap::new();
    for (object, rules) in objects {
        for parent in rules.mapping.fields.iter().filter_map(|field| refers_to(field.kind)) {
            let known = children.entry(parent).or_default();
            if !known.contains(object) {
                known.push(*object);
            }
        }
    }
    children
}

/// An object whose filter looks at fields of the company that a record belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Onlooker {
    pub object: ObjectKind,
    /// Whose companies it looks at.
    pub system: System,
    pub fields: Vec<FieldName>,
}

fn onlookers_of(objects: &BTreeMap<ObjectKind, ObjectRules>) -> Vec<Onlooker> {
    let mut onlookers = Vec::new();
    for (object, rules) in objects {
        for system in System::BOTH {
            let fields = rules.filters[system.other()].as_ref().map(Filter::company_fields).unwrap_or_default();
            if !fields.is_empty() {
                onlookers.push(Onlooker { object: *object, system, fields });
            }
        }
    }
    onlookers
}

/// The fields of companies, where they are mapped.
#[must_use]
pub fn company_of<'a>(config: &Config, schemas: &'a [BySystem<Schema>]) -> Option<&'a BySystem<Schema>> {
    config.object(ObjectKind::Company)?;
    schemas.iter().find(|pair| pair.hubspot.object == ObjectKind::Company)
}

/// One object mapping, ready for work.
#[derive(Debug, Clone)]
pub struct ObjectRules {
    pub mapping: ObjectMapping,
    pub fields: Vec<FieldRule>,
    /// The person's criteria for writes to a system; they look at the record of the other one.
    pub filters: BySystem<Option<Filter>>,
    /// Their JavaScript predicates.
    pub scripts: BySystem<Option<Script>>,
    /// What always applies to the records of a system.
    pub standard: BySystem<Vec<Standard>>,
    /// What in the mapping names fields that are not there any more, or have another type.
    pub lacks: Lacks,
    /// What is asked of each system: every field that a mapping, transform, match rule or filter looks at and that is there.
    pub watched: BySystem<Vec<FieldName>>,
    /// A hash of the watched fields, of which of them transforms look at, the match rules and all that they lack: records read with another one must be read
    /// again.
    pub shape: u64,
}

impl ObjectRules {
    fn compile(
        config: &Config,
        mapping: &ObjectMapping,
        schemas: &[BySystem<Schema>],
    ) -> Result<Self, Vec<RulesError>> {
        let error = |message: String, hint: &str| RulesError { object: mapping.object, message, hint: hint.to_owned() };
        let Some(schema) = schemas.iter().find(|pair| pair.hubspot.object == mapping.object) else {
            return Err(vec![error(
                "its fields are not known".to_owned(),
                "read them from both systems first: lockstep connect",
            )]);
        };
        let mut errors = Vec::new();
        let filters = BySystem::from_fn(|to| {
            let from = to.other();
            let company = company_of(config, schemas).map(|pair| &pair[from]);
            let known = Askable::of(mapping, from, &schema[from], company);
            compile_filter(mapping.filters.toward(to), known).unwrap_or_else(|message| {
                errors.push(error(
                    format!("the filter towards {to}: {message}"),
                    "mend it in the Filters tab or the file",
                ));
                None
            })
        });
        let scripts = BySystem::from_fn(|to| {
            let compiled = mapping.filters.script.toward(to).map(Script::compile)?;
            let told = |why| error(format!("the script of the filter towards {to}: {why}"), "mend it in the file");
            compiled.map_err(|why| errors.push(told(why))).ok()
        });
        if !errors.is_empty() {
            return Err(errors);
        }
        let fields: Vec<FieldRule> = mapping.fields.iter().map(|field| FieldRule::new(field, schema)).collect();
        let lacks = Lacks::of(mapping, &filters, schema);
        let watched = BySystem::from_fn(|system| {
            let mut names = lacks::named(mapping, &filters, system);
            if names.contains(&FieldName::new(NOTES_OR_NAME)) {
                // whether the name stands in for the notes
                names.insert(NOTES.into());
            }
            names.into_iter().filter(|name| !lacks.fields[system].contains(name)).collect()
        });
        let shape = shape_of(&watched, mapping, &filters, &lacks);
        let standard = BySystem::from_fn(|system| standard::all(mapping, system, &lacks.fields[system]));
        Ok(Self { mapping: mapping.clone(), fields, filters, scripts, standard, lacks, watched, shape })
    }

    /// Reads of companies what the filters of other objects look at as well.
    fn watch(&mut self, onlookers: &[Onlooker]) {
        for onlooker in onlookers {
            let watched = &mut self.watched[onlooker.system];
            watched.extend(onlooker.fields.iter().cloned());
            watched.sort_unstable();
            watched.dedup();
        }
        if !onlookers.is_empty() {
            self.shape = shape_of(&self.watched, &self.mapping, &self.filters, &self.lacks);
        }
    }

    /// The match rules that cannot be asked, and why.
    pub fn unasked(&self) -> impl Iterator<Item = (&MatchRule, &Lack)> {
        self.mapping.matching.iter().zip(&self.lacks.matching).filter_map(|(rule, lack)| Some((rule, lack.as_ref()?)))
    }

    #[must_use]
    pub fn field(&self, key: &FieldKey) -> Option<&FieldRule> {
        self.fields.iter().find(|field| field.key == *key)
    }

    /// Whether the HubSpot field of a match rule holds text with markup.
    #[must_use]
    pub fn is_rich_text(&self, rule: &MatchRule) -> bool {
        let is_one = |field: &FieldMapping| field.kind == FieldKind::RichText && field.hubspot == rule.hubspot;
        self.mapping.fields.iter().any(is_one)
    }

    /// Whether a value of this field may be written to `system`: field, object and both together allow it.
    #[must_use]
    pub fn may_write(&self, field: &FieldRule, system: System) -> bool {
        self.mapping.direction.writes(system) && field.mapping.direction.writes(system)
    }
}

fn compile_filter(text: &str, fields: Askable<'_>) -> Result<Option<Filter>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let expr = filter::parse(text).map_err(|error| error.to_string())?;
    Ok(Some(filter::bind_as_far_as_it_fits(&expr, fields)))
}

fn shape_of(
    watched: &BySystem<Vec<FieldName>>,
    mapping: &ObjectMapping,
    filters: &BySystem<Option<Filter>>,
    lacks: &Lacks,
) -> u64 {
    // `DefaultHasher::new()` has fixed keys: the same configuration gives the same number in every process
    let mut hasher = DefaultHasher::new();
    for system in System::BOTH {
        watched[system].hash(&mut hasher);
    }
    for rule in &mapping.matching {
        (rule.hubspot.as_str(), rule.connectwise.as_str(), rule.by as u8).hash(&mut hasher);
    }
    // the keys by which the children of a record are found depend on which fields are references
    for field in mapping.fields.iter().filter(|field| refers_to(field.kind).is_some()) {
        (field.key().as_str(), field.kind).hash(&mut hasher);
    }
    // what a field depends on besides itself is noted for every pair before a change of it can be seen
    for field in &mapping.fields {
        for system in System::BOTH {
            let mut reads = field.transform.reads(system).peekable();
            if reads.peek().is_some() {
                (field.key().as_str(), system, reads.collect::<Vec<_>>()).hash(&mut hasher);
            }
        }
    }
    // what rests for want of a field is looked at once more when that changes
    for system in System::BOTH {
        filters[system].iter().flat_map(Filter::unfit).for_each(|why| why.hash(&mut hasher));
    }
    for to in System::BOTH {
        mapping.filters.script.toward(to).hash(&mut hasher);
    }
    lacks.matching.iter().enumerate().filter(|(_, lack)| lack.is_some()).for_each(|lack| lack.hash(&mut hasher));
    lacks.key.iter().for_each(|lack| lack.hash(&mut hasher));
    hasher.finish()
}

/// One field mapping with its value map in both directions.
#[derive(Debug, Clone)]
pub struct FieldRule {
    pub mapping: FieldMapping,
    pub key: FieldKey,
    /// A field that its system does not have, mapped or looked at by a transform: nothing is read of it, and nothing crosses.
    pub absent: Option<Absent>,
    /// For the field that tells where a deal or a ticket stands.
    pub stages: Option<Stages>,
    /// By the system written to.
    transforms: BySystem<Transform>,
    /// What the fields themselves are; none where nothing is known of them.
    kinds: BySystem<Option<FieldKind>>,
    /// What people call the options of each system.
    called: BySystem<Called>,
    /// By the system written to: from the other side's key to the one written.
    partners: BySystem<BTreeMap<String, String>>,
}

/// A field that is named and not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Absent {
    pub system: System,
    pub field: FieldName,
}

impl Absent {
    fn of(mapping: &FieldMapping, schema: &BySystem<Schema>) -> Option<Self> {
        let looked_at = |system: System| mapping.transform.reads(system).map(move |field| (system, field));
        let mapped = System::BOTH.map(|system| (system, mapping.field(system).clone()));
        let mut named = mapped.into_iter().chain(System::BOTH.into_iter().flat_map(looked_at));
        let (system, field) = named.find(|(system, field)| schema[*system].lacks(field.as_str()))?;
        Some(Self { system, field })
    }
}

impl FieldRule {
    #[must_use]
    pub fn new(mapping: &FieldMapping, schema: &BySystem<Schema>) -> Self {
        let mut rule = Self {
            mapping: mapping.clone(),
            key: mapping.key(),
            absent: Absent::of(mapping, schema),
            stages: Stages::of(mapping, schema),
            transforms: BySystem::from_fn(|to| Transform::new(mapping.transform.toward(to))),
            kinds: BySystem::from_fn(|system| Some(schema[system].field(mapping.field(system).as_str())?.kind)),
            called: BySystem::from_fn(|system| {
                let named = mapping.kind.has_options() && mapping.values.is_some();
                let def = schema[system].field(mapping.field(system).as_str());
                Called::of_field(def.filter(|_| named))
            }),
            partners: BySystem::default(),
        };
        match &mapping.values {
            Some(values) if rule.stages.is_none() => {
                rule.add_listed(values, schema);
                rule.add_found(values, schema);
            }
            _ => {}
        }
        rule
    }

    #[must_use]
    pub fn name(&self, system: System) -> &FieldName {
        self.mapping.field(system)
    }

    /// What becomes of a value that is written to `to`, before its value map.
    #[must_use]
    pub const fn transform(&self, to: System) -> &Transform {
        match to {
            System::HubSpot => &self.transforms.hubspot,
            System::ConnectWise => &self.transforms.connectwise,
        }
    }

    /// Whether the field of `system` itself takes any text, whatever it is compared as.
    #[must_use]
    pub fn takes_text(&self, system: System) -> bool {
        self.kinds[system].is_some_and(compat::is_text)
    }

    /// The fields that transforms look at beside the mapped ones, as the records hold them.
    #[must_use]
    pub fn beside(&self, records: BySystem<Option<&Record>>) -> BySystem<Fields> {
        records.map(|system, record| {
            let reads = self.transform(system.other()).reads();
            let held =
                record.map(|record| reads.iter().map(|name| (name.clone(), record.value(name.as_str()).clone())));
            held.into_iter().flatten().collect()
        })
    }

    /// The option of the other system that stands for `key`, which `from` holds. Without a value map a key stands for itself.
    #[must_use]
    pub fn partner<'a>(&'a self, from: System, key: &'a str) -> Option<&'a str> {
        if self.mapping.values.is_none() {
            return Some(key);
        }
        let map = &self.partners[from.other()];
        map.get(key).or_else(|| map.get(&folded(key))).map(String::as_str)
    }

    /// The same, for where a record stands as well: the value that leads there whatever the other record holds now.
    #[must_use]
    pub fn counterpart(&self, from: System, key: &str) -> Option<String> {
        match &self.stages {
            Some(stages) => stages.counterpart(from.other(), key),
            None => self.partner(from, key).map(str::to_owned),
        }
    }

    /// What people call a value that `system` holds: the label of an option, of a stage or a status, with its key where
    /// several have that label; what is no option as it is.
    #[must_use]
    pub fn called(&self, system: System, value: &str) -> String {
        match &self.stages {
            Some(stages) => stages.called(system, value),
            None => self.called[system].names(value).into_owned(),
        }
    }

    /// What becomes of a value without a partner that would go to `to`.
    #[must_use]
    pub fn unmapped(&self, to: System) -> Unmapped {
        match self.mapping.values.as_ref().map_or(Unmapped::Hold, |values| values.unmapped) {
            Unmapped::Default if self.fallback(to).is_none() => Unmapped::Hold,
            policy => policy,
        }
    }

    /// What stands for a value without a partner, where the policy is the default. Where a record stands, nothing does.
    #[must_use]
    pub fn fallback(&self, to: System) -> Option<&str> {
        self.mapping.default.of(to).filter(|_| self.stages.is_none())
    }

    fn add(&mut self, hubspot: &str, connectwise: &str) {
        for (to, here, there) in [(System::ConnectWise, hubspot, connectwise), (System::HubSpot, connectwise, hubspot)]
        {
            for key in [here.to_owned(), folded(here)] {
                self.partners[to].entry(key).or_insert_with(|| there.to_owned());
            }
        }
    }

    fn add_listed(&mut self, values: &ValueMap, schema: &BySystem<Schema>) {
        let options = options_of(schema, System::ConnectWise, &self.mapping);
        for pair in &values.pairs {
            match pair.connectwise.strip_prefix("label:") {
                None => self.add(&pair.hubspot, &pair.connectwise),
                Some(label) => {
                    if let Some(option) = options.iter().find(|option| folded(&option.label) == folded(label)) {
                        self.add(&pair.hubspot, &option.key);
                    }
                }
            }
        }
    }

    fn add_found(&mut self, values: &ValueMap, schema: &BySystem<Schema>) {
        let here = options_of(schema, System::HubSpot, &self.mapping);
        let there = options_of(schema, System::ConnectWise, &self.mapping);
        match values.auto {
            None => {}
            Some(AutoPairs::Label) if here.is_empty() => {
                for option in there {
                    self.add(&option.label, &option.key);
                }
            }
            Some(AutoPairs::Label) => self.add_equal(here, there, |option| Some(folded(&option.label))),
            Some(AutoPairs::Email) => self.add_equal(here, there, |option| option.email.as_deref().map(folded)),
        }
    }

    fn add_equal(
        &mut self,
        here: &[ChoiceOption],
        there: &[ChoiceOption],
        by: impl Fn(&ChoiceOption) -> Option<String>,
    ) {
        let mut found = BTreeMap::new();
        // active options first: an inactive one of the same name is read, and written only when there is no other
        for inactive in [false, true] {
            for option in there.iter().filter(|option| option.inactive == inactive) {
                if let Some(value) = by(option) {
                    found.entry(value).or_insert(&option.key);
                }
            }
        }
        for option in here {
            if let Some(key) = by(option).and_then(|value| found.get(&value)) {
                self.add(&option.key, key);
            }
        }
    }
}

fn options_of<'a>(schema: &'a BySystem<Schema>, system: System, mapping: &FieldMapping) -> &'a [ChoiceOption] {
    schema[system].field(mapping.field(system).as_str()).map_or(&[], |field| &field.options)
}

fn folded(key: &str) -> String {
    key.trim().to_lowercase()
}
