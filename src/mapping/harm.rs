//! What a change in a system's schema does to a configuration: which mapping, rule or filter it breaks. Pure.

use super::config::{AutoPairs, Config, FieldMapping, ObjectMapping, ValueMap};
use super::lint::KEY;
use super::stages::is_called;
use crate::filter::{Condition, Expr, Literal, Test, parse};
use crate::model::{Changed, FieldName, ObjectKind, Schema, SchemaChange, System};

/// One part of a configuration that does not do its work any more, or soon won't.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Harm {
    /// Which part, as people write it: `contact mapping email~email`.
    pub part: String,
    /// What becomes of it, as a sentence.
    pub what: String,
    pub remedy: String,
}

/// Every part of `config` that a change of `object` in `system` hurts. `there` is the object in the other system, as far
/// as its fields were read: only with it can options have found each other by themselves.
#[must_use]
pub fn harm(
    config: &Config,
    system: System,
    object: ObjectKind,
    change: &SchemaChange,
    there: Option<&Schema>,
) -> Vec<Harm> {
    let Some(mapping) = config.object(object) else { return Vec::new() };
    let uses = Uses { mapping, system, field: &change.field, label: &change.label, there };
    let (field, label) = (&change.field, &change.label);
    match &change.what {
        Changed::Removed => uses.all(&format!("{system} has no {object} field `{field}` ({label}) any more.")),
        Changed::Retyped { from, to } => {
            uses.all(&format!("{field} ({label}) of {system} was {} and is {} now.", from.word(), to.word()))
        }
        Changed::ReadOnly { now: true } => uses.written(&format!("{system} does not let {field} be written any more.")),
        Changed::Length { from, to: Some(to) } if from.is_none_or(|from| *to < from) => {
            uses.written(&format!("{field} of {system} holds only {to} characters now; longer values are refused."))
        }
        Changed::Unique { now: true } => {
            uses.written(&format!("{field} of {system} must be unique now; a value that comes twice is refused."))
        }
        Changed::Unique { now: false } => uses.stamp(&format!("{field} of {system} does not keep its values unique.")),
        Changed::Added { required: true } | Changed::Required { now: true } => uses.unfed(),
        Changed::OptionRemoved { option, key } => {
            let mut harms = uses.option(key, option, "is gone");
            let named = |text: &str| folded(text) == folded(key) || folded(text) == folded(option);
            harms.extend(uses.option_of_filter(&format!("{option} of {field} in {system} is gone"), named));
            harms
        }
        Changed::OptionActive { option, key, now: false } => uses.option(key, option, "can't be chosen any more"),
        Changed::OptionRenamed { option, key, from } => {
            let mut harms = uses.renamed_option(key, from, option);
            let lost =
                |text: &str| folded(text) == folded(from) && ![key, option].map(|n| folded(n)).contains(&folded(text));
            let what = format!("{from} of {field} in {system} is called {option} now; it was found by its name");
            harms.extend(uses.option_of_filter(&what, lost));
            harms
        }
        Changed::Added { .. }
        | Changed::Renamed { .. }
        | Changed::ReadOnly { .. }
        | Changed::Required { .. }
        | Changed::Length { .. }
        | Changed::OptionAdded { .. }
        | Changed::OptionActive { .. }
        | Changed::OptionMoved { .. }
        | Changed::MoreOptions { .. } => Vec::new(),
    }
}

/// Where one field of one system occurs in an object mapping.
struct Uses<'a> {
    mapping: &'a ObjectMapping,
    system: System,
    field: &'a FieldName,
    label: &'a str,
    there: Option<&'a Schema>,
}

impl<'a> Uses<'a> {
    fn mappings(&self) -> impl Iterator<Item = &'a FieldMapping> {
        self.mapping.fields.iter().filter(|field| field.field(self.system) == self.field)
    }

    fn is_written(&self, field: &FieldMapping) -> bool {
        field.direction.restricted_by(self.mapping.direction).is_some_and(|direction| direction.writes(self.system))
    }

    fn part(&self, what: &str) -> String {
        format!("{} {what}", self.mapping.object)
    }

    fn of_mapping(&self, field: &FieldMapping, what: &str, remedy: &str) -> Harm {
        Harm { part: self.part(&format!("mapping {}", field.key())), what: what.to_owned(), remedy: remedy.to_owned() }
    }

    fn all(&self, what: &str) -> Vec<Harm> {
        let mut harms: Vec<Harm> = self
            .mappings()
            .map(|field| self.of_mapping(field, what, "Map another field, or remove the mapping."))
            .collect();
        let other = |part: String, remedy: &str| Harm { part, what: what.to_owned(), remedy: remedy.to_owned() };
        let rules = self.mapping.matching.iter().filter(|rule| rule.field(self.system) == self.field);
        harms.extend(rules.map(|rule| {
            let part = self.part(&format!("match rule {}~{}", rule.hubspot, rule.connectwise));
            other(part, "Match by another field, or remove the rule; whom it might know is not created until then.")
        }));
        // What goes to the other system is chosen by the fields of this one.
        if !self.tests().is_empty() {
            harms.push(self.of_filter(what));
        }
        harms.extend(self.stamp(what));
        harms
    }

    /// What the filter of what goes to the other system asks of the field. A text that does not parse asks nothing; linting
    /// tells of it.
    fn tests(&self) -> Vec<Test> {
        fn collect(expr: &Expr, found: &mut Vec<Test>) {
            match expr {
                Expr::Everything => {}
                Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| collect(&part.node, found)),
                Expr::Not(inner) => collect(&inner.node, found),
                Expr::Test(test) => found.push(test.clone()),
            }
        }
        let mut tests = Vec::new();
        if let Ok(expr) = parse(self.mapping.filters.toward(self.system.other())) {
            collect(&expr, &mut tests);
        }
        // a filter calls a field by its name or its label, in any case
        let called =
            |test: &Test| [self.field.as_str(), self.label].iter().any(|name| folded(name) == folded(&test.field.node));
        tests.retain(called);
        tests
    }

    fn of_filter(&self, what: &str) -> Harm {
        let part = self.part(&format!("filter of what goes to {}", self.system.other()));
        let remedy = "Mend it in the Filters tab; what it cannot decide is held until then.".to_owned();
        Harm { part, what: what.to_owned(), remedy }
    }

    fn stamp(&self, what: &str) -> Vec<Harm> {
        if self.mapping.stamp(self.system) != Some(self.field) {
            return Vec::new();
        }
        let remedy = format!("Connect {} again: that puts the field right or says why not.", self.system);
        vec![Harm { part: self.part(KEY), what: what.to_owned(), remedy }]
    }

    fn written(&self, what: &str) -> Vec<Harm> {
        let written = self.mappings().filter(|field| self.is_written(field));
        written
            .map(|field| self.of_mapping(field, what, "Turn the mapping's direction, or ask the administrator."))
            .collect()
    }

    /// The field must have a value now, and nothing gives it one.
    fn unfed(&self) -> Vec<Harm> {
        let creates = self.mapping.creates_in(self.system);
        let fed = self.mappings().any(|field| self.is_written(field) || field.default.of(self.system).is_some());
        if !creates || fed {
            return Vec::new();
        }
        let (system, field) = (self.system, self.field);
        vec![Harm {
            part: self.part("creates"),
            what: format!("{system} refuses a new record without {field}, and nothing fills it."),
            remedy: "Map a field to it, or give it a default.".to_owned(),
        }]
    }

    fn option(&self, key: &str, label: &str, what: &str) -> Vec<Harm> {
        self.with_values()
            .filter(|(field, values)| self.is_written(field) && self.leads_to(field, values, key, label))
            .map(|(field, _)| {
                let what = format!("The option {label} of {} in {} {what}.", self.field, self.system);
                self.of_mapping(field, &what, "Map its value to another option.")
            })
            .collect()
    }

    /// An option that is not there any more under the name by which the filter calls it.
    fn option_of_filter(&self, what: &str, is_named: impl Fn(&str) -> bool) -> Option<Harm> {
        let named = |test: &Test| options(&test.condition).any(&is_named);
        self.tests().iter().any(named).then(|| self.of_filter(&format!("The option {what}.")))
    }

    fn renamed_option(&self, key: &str, from: &str, to: &str) -> Vec<Harm> {
        self.with_values()
            .filter(|(field, values)| {
                let by_key = values.pairs.iter().any(|pair| self.end(pair) == key);
                let by_name = values.pairs.iter().any(|pair| named(self.end(pair), from));
                let by_itself = values.auto == Some(AutoPairs::Label) && folded(from) != folded(to);
                by_name || !by_key && by_itself && self.has_partner(field, from)
            })
            .map(|(field, _)| {
                let what = format!(
                    "The option {from} of {} in {} is called {to} now; it was found by its name.",
                    self.field, self.system
                );
                self.of_mapping(field, &what, "Map the value by the new name.")
            })
            .collect()
    }

    fn with_values(&self) -> impl Iterator<Item = (&'a FieldMapping, &'a ValueMap)> {
        self.mappings().filter_map(|field| Some((field, field.values.as_ref()?)))
    }

    /// Whether a value map leads to the option: it is listed, or found by itself.
    fn leads_to(&self, field: &FieldMapping, values: &ValueMap, key: &str, label: &str) -> bool {
        let listed = values.pairs.iter().any(|pair| self.end(pair) == key || named(self.end(pair), label));
        listed || values.auto.is_some() && self.has_partner(field, label)
    }

    /// Whether the other system has an option of that label. A change keeps no addresses: people go by their names too.
    fn has_partner(&self, field: &FieldMapping, label: &str) -> bool {
        let partner = self.there.and_then(|schema| schema.field(field.field(self.system.other()).as_str()));
        partner.is_some_and(|field| field.options.iter().any(|option| folded(&option.label) == folded(label)))
    }

    fn end<'p>(&self, pair: &'p super::config::ValuePair) -> &'p str {
        match self.system {
            System::HubSpot => &pair.hubspot,
            System::ConnectWise => &pair.connectwise,
        }
    }
}

/// The texts that a test compares its field with.
fn options(condition: &Condition) -> impl Iterator<Item = &str> {
    let values = match condition {
        Condition::Is(_, value) => std::slice::from_ref(value),
        Condition::In { values, .. } => values,
        Condition::IsTrue | Condition::Text(..) | Condition::Empty { .. } => &[],
    };
    values.iter().filter_map(|value| match &value.node {
        Literal::Text(text) => Some(text.as_str()),
        _ => None,
    })
}

fn folded(label: &str) -> String {
    label.trim().to_lowercase()
}

fn named(end: &str, label: &str) -> bool {
    end.strip_prefix("label:").is_some_and(|name| is_called(label, name))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::mapping::defaults;
    use crate::model::{ChoiceOption, FieldDef, FieldKind};

    /// HubSpot's side of `industry~market`, with one option.
    fn industries(label: &str) -> Schema {
        let option = ChoiceOption { key: "HEALTH".into(), label: label.into(), ..ChoiceOption::default() };
        let field = FieldDef {
            name: "industry".into(),
            label: "Industry".into(),
            kind: FieldKind::Choice,
            read_only: false,
            required: false,
            unique: false,
            max_length: None,
            custom: false,
            options: vec![option],
        };
        Schema { system: System::HubSpot, object: ObjectKind::Company, fields: vec![field] }
    }

    fn parts(system: System, field: &str, what: Changed) -> Vec<String> {
        parts_beside(None, system, field, what)
    }

    fn parts_beside(there: Option<&Schema>, system: System, field: &str, what: Changed) -> Vec<String> {
        let mut config = defaults::config();
        config.object_mut(ObjectKind::Company).unwrap().filters.to_hubspot =
            "not (status = \"x\" or CITY is empty or Segment in ('A'))".into();
        let label = if field == "customFields/3" { "Segment" } else { "Label" };
        let change = SchemaChange { field: field.into(), label: label.into(), what };
        let harms = harm(&config, system, ObjectKind::Company, &change, there);
        assert!(harms.iter().all(|harm| !harm.what.is_empty() && !harm.remedy.is_empty()), "{harms:?}");
        harms.into_iter().map(|harm| harm.part).collect()
    }

    #[test]
    fn a_change_names_the_part_that_it_breaks() {
        use System::{ConnectWise, HubSpot};
        let number = Changed::Retyped { from: FieldKind::Text, to: FieldKind::Number };
        let table = [
            (HubSpot, "phone", Changed::Removed, vec!["company mapping phone~phoneNumber"]),
            (HubSpot, "unheard_of", Changed::Removed, vec![]),
            (
                ConnectWise,
                "city",
                Changed::Removed,
                vec!["company mapping city~city", "company filter of what goes to HubSpot"],
            ),
            (HubSpot, "city", number.clone(), vec!["company mapping city~city"]),
            (ConnectWise, "customFields/3", Changed::Removed, vec!["company filter of what goes to HubSpot"]),
            (ConnectWise, "customFields/3", number.clone(), vec!["company filter of what goes to HubSpot"]),
            (HubSpot, "customFields/3", number.clone(), vec![]),
            (
                HubSpot,
                "domain",
                Changed::Removed,
                vec!["company mapping domain~website", "company match rule domain~website"],
            ),
            (
                ConnectWise,
                "website",
                number,
                vec!["company mapping domain~website", "company match rule domain~website"],
            ),
            (HubSpot, "lockstep_cw_key", Changed::Removed, vec!["company key of created records"]),
            (HubSpot, "lockstep_cw_key", Changed::Unique { now: false }, vec!["company key of created records"]),
            (ConnectWise, "phoneNumber", Changed::ReadOnly { now: true }, vec!["company mapping phone~phoneNumber"]),
            (ConnectWise, "yearEstablished", Changed::ReadOnly { now: true }, vec![]),
            (ConnectWise, "zip", Changed::Length { from: Some(12), to: Some(5) }, vec!["company mapping zip~zip"]),
            (ConnectWise, "zip", Changed::Length { from: Some(12), to: None }, vec![]),
            (ConnectWise, "customFields/7", Changed::Added { required: true }, vec!["company creates"]),
            (ConnectWise, "customFields/7", Changed::Added { required: false }, vec![]),
            (ConnectWise, "name", Changed::Required { now: true }, vec![]),
            (HubSpot, "city", Changed::Renamed { from: "Town".into() }, vec![]),
        ];
        for (system, field, what, expected) in table {
            assert_eq!(parts(system, field, what.clone()), expected, "{system} {field} {what:?}");
        }
    }

    #[test]
    fn an_option_breaks_the_value_map_that_leads_to_it() {
        // A name that the usual configuration does not list.
        let option = || "Falconry".to_owned();
        let removed = |key: &str| Changed::OptionRemoved { option: option(), key: key.into() };
        let of_market = |label: &str, what| parts_beside(Some(&industries(label)), System::ConnectWise, "market", what);
        assert_eq!(of_market("falconry ", removed("12")), ["company mapping industry~market"]);
        assert_eq!(of_market("Mining", removed("12")), [""; 0], "it never had a partner");
        assert_eq!(parts(System::ConnectWise, "market", removed("12")), [""; 0], "nothing is known of a partner");
        assert_eq!(parts(System::ConnectWise, "status", removed("1")), [""; 0], "nothing is written to status");
        let renamed = |to: &str| Changed::OptionRenamed { option: to.into(), key: "12".into(), from: option() };
        assert_eq!(of_market("Falconry", renamed("Hawking")), ["company mapping industry~market"]);
        assert_eq!(of_market("Falconry", renamed("FALCONRY")), [""; 0], "case tells no options apart");
        assert_eq!(of_market("Mining", renamed("Hawking")), [""; 0], "it never had a partner");
        let gone = |key: &str, label: &str| Changed::OptionRemoved { option: label.into(), key: key.into() };
        let of_filter = vec!["company filter of what goes to HubSpot"];
        assert_eq!(parts(System::ConnectWise, "customFields/3", gone("7", "A")), of_filter);
        assert_eq!(parts(System::ConnectWise, "customFields/3", gone("a", "Alpha")), of_filter);
        assert_eq!(parts(System::ConnectWise, "customFields/3", gone("7", "B")), [""; 0]);
        let called = |key: &str| Changed::OptionRenamed { option: "Alpha".into(), key: key.into(), from: "A".into() };
        assert_eq!(parts(System::ConnectWise, "customFields/3", called("7")), of_filter);
        assert_eq!(parts(System::ConnectWise, "customFields/3", called("A")), [""; 0], "it is found by its key");
        let added = Changed::OptionAdded { option: option(), key: "13".into() };
        assert_eq!(parts(System::ConnectWise, "market", added), [""; 0]);
    }
}
