//! A property that HubSpot lacks, as it is made there for a field of ConnectWise. ConnectWise's own fields are made by a person.

use super::called::Called;
use crate::model::{FieldDef, FieldKind, FieldName, ObjectKind, Schema};

/// Where a person makes a field of ConnectWise.
pub const BY_HAND: &str = "ConnectWise's API makes no fields: a person does, under System > Setup Tables > Custom Fields \
     (category General), and `lockstep schema --refresh` reads it then.";
/// The group of properties that are made, unless another one is named.
pub const GROUP: &str = "lockstep";
/// What it is called.
pub const GROUP_LABEL: &str = "Lockstep";
/// What a name may have, in characters.
const MOST_NAME: usize = 100;

/// A property to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewField {
    pub object: ObjectKind,
    pub name: FieldName,
    pub label: String,
    pub kind: FieldKind,
    /// The internal name of its group; one that is not there is made.
    pub group: String,
    /// The internal value and the label of each, in order.
    pub options: Vec<(String, String)>,
}

impl NewField {
    /// What suits a field of ConnectWise: its label, its kind, its active options.
    #[must_use]
    pub fn like(object: ObjectKind, field: &FieldDef) -> Self {
        let kind = kinds(field.kind).first().copied().unwrap_or(FieldKind::Text);
        let mut new = Self {
            object,
            name: name_of(&field.label),
            label: field.label.trim().to_owned(),
            kind,
            group: GROUP.to_owned(),
            options: Vec::new(),
        };
        new.copy_options(field);
        new
    }

    /// Takes the options of the field, where the kind has any: active ones, each with a name of its own.
    pub fn copy_options(&mut self, field: &FieldDef) {
        self.options.clear();
        if self.kind == FieldKind::Bool {
            self.options = [("true", "Yes"), ("false", "No")].map(|(key, label)| (key.into(), label.into())).into();
        }
        if !matches!(self.kind, FieldKind::Choice | FieldKind::MultiChoice) {
            return;
        }
        let called = Called::of(&field.options);
        for option in field.options.iter().filter(|option| !option.inactive) {
            let label = called.name(&option.key).to_owned();
            let slug = slug(&label);
            let taken = slug.is_empty() || self.options.iter().any(|(value, _)| *value == slug);
            let value = if taken { format!("{slug}_{}", self::slug(&option.key)) } else { slug };
            self.options.push((value.trim_start_matches('_').to_owned(), label));
        }
    }

    /// HubSpot's type and field type; none for what can't be made.
    #[must_use]
    pub const fn types(&self) -> Option<(&'static str, &'static str)> {
        Some(match self.kind {
            FieldKind::Text | FieldKind::Url | FieldKind::Domain | FieldKind::Email => ("string", "text"),
            FieldKind::LongText => ("string", "textarea"),
            FieldKind::RichText => ("string", "html"),
            FieldKind::Phone => ("string", "phonenumber"),
            FieldKind::Number | FieldKind::Integer => ("number", "number"),
            FieldKind::Bool => ("bool", "booleancheckbox"),
            FieldKind::Date => ("date", "date"),
            FieldKind::DateTime => ("datetime", "date"),
            FieldKind::Choice => ("enumeration", "select"),
            FieldKind::MultiChoice => ("enumeration", "checkbox"),
            FieldKind::Person | FieldKind::Reference(_) => return None,
        })
    }

    /// Why HubSpot would not take it.
    #[must_use]
    pub fn trouble(&self, schema: &Schema) -> Option<String> {
        let name = self.name.as_str();
        if !is_name(name) {
            return Some(format!(
                "`{name}` is no name of a property: it begins with a letter and has lower-case letters, digits and \
                 underscores, {MOST_NAME} at most."
            ));
        }
        if let Some(known) = schema.field(name) {
            return Some(format!("HubSpot has a property `{name}` already: {}.", known.label));
        }
        if self.label.trim().is_empty() {
            return Some("A property needs a label.".to_owned());
        }
        if let Some(known) = schema.fields.iter().find(|field| field.label.trim() == self.label.trim()) {
            return Some(format!(
                "The property `{}` has the label {} already: people could not tell them apart.",
                known.name, known.label
            ));
        }
        if !is_name(&self.group) {
            return Some(format!(
                "`{}` is no name of a group: lower-case letters, digits and underscores.",
                self.group
            ));
        }
        let has_options = matches!(self.kind, FieldKind::Choice | FieldKind::MultiChoice);
        (has_options && self.options.is_empty()).then(|| {
            "A choice without options can't be made; the field of ConnectWise has none that is active.".to_owned()
        })
    }
}

/// The kinds of property that hold the values of such a field, the best first; none where Lockstep makes none for it.
#[must_use]
pub const fn kinds(of: FieldKind) -> &'static [FieldKind] {
    use FieldKind::{
        Bool, Choice, Date, DateTime, Email, Integer, LongText, MultiChoice, Number, Phone, RichText, Text, Url,
    };
    match of {
        Text => &[Text, LongText],
        LongText => &[LongText, Text],
        RichText => &[LongText, RichText],
        Phone => &[Phone, Text],
        Url | FieldKind::Domain => &[Url],
        Email => &[Email],
        Number => &[Number, Text],
        Integer => &[Integer, Text],
        Bool => &[Bool, Text],
        Date => &[Date, Text],
        DateTime => &[DateTime, Date, Text],
        Choice => &[Choice, MultiChoice, Text],
        MultiChoice => &[MultiChoice],
        FieldKind::Person | FieldKind::Reference(_) => &[],
    }
}

/// The name that HubSpot itself would make of a label.
#[must_use]
pub fn name_of(label: &str) -> FieldName {
    let name = slug(label);
    let name = if name.starts_with(|c: char| c.is_ascii_lowercase()) { name } else { format!("cw_{name}") };
    name.chars().take(MOST_NAME).collect::<String>().trim_end_matches('_').into()
}

fn slug(text: &str) -> String {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("_")
}

fn is_name(name: &str) -> bool {
    name.len() <= MOST_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ChoiceOption, System};
    use crate::view::testing::choice_field;

    fn market() -> FieldDef {
        let mut field = choice_field(
            "customFields/9",
            &[("10", "Health & Care"), ("11", "Health Care"), ("12", "Law"), ("13", "Law"), ("14", "Old")],
        );
        field.options.push(ChoiceOption {
            key: "15".into(),
            label: "Gone".into(),
            inactive: true,
            ..ChoiceOption::default()
        });
        field.label = "2nd Market?".into();
        field
    }

    #[test]
    fn a_property_is_proposed_with_the_label_kind_and_active_options_of_the_field() {
        let new = NewField::like(ObjectKind::Company, &market());
        assert_eq!(
            (new.name.as_str(), new.label.as_str(), new.kind),
            ("cw_2nd_market", "2nd Market?", FieldKind::Choice)
        );
        let options: Vec<_> = new.options.iter().map(|(key, label)| format!("{key}={label}")).collect();
        // neither two values nor two labels of one name: HubSpot takes neither
        assert_eq!(
            options,
            [
                "health_care=Health & Care",
                "health_care_11=Health Care",
                "law_12=Law (12)",
                "law_13=Law (13)",
                "old=Old"
            ]
        );
    }

    #[test]
    fn what_hubspot_would_refuse_is_said_before_it_is_asked() {
        let known = FieldDef { label: "Market".into(), ..choice_field("market", &[("a", "A")]) };
        let schema = Schema { system: System::HubSpot, object: ObjectKind::Company, fields: vec![known] };
        let new = NewField::like(ObjectKind::Company, &market());
        assert_eq!(new.trouble(&schema), None);
        let with = |change: fn(&mut NewField)| {
            let mut new = new.clone();
            change(&mut new);
            new.trouble(&schema).unwrap_or_default()
        };
        assert!(with(|new| new.name = "Market".into()).contains("no name of a property"));
        assert!(with(|new| new.name = "market".into()).contains("has a property `market` already: Market"));
        assert!(with(|new| new.label = "Market".into()).contains("has the label Market already"));
        assert!(with(|new| new.group = "My Group".into()).contains("no name of a group"));
        assert!(with(|new| new.options.clear()).contains("without options"));
    }

    #[test]
    fn every_kind_that_is_offered_has_a_type_and_holds_the_values() {
        use crate::mapping::compat::{Fit, fit};
        for kind in [
            FieldKind::Text,
            FieldKind::RichText,
            FieldKind::Bool,
            FieldKind::DateTime,
            FieldKind::Choice,
            FieldKind::MultiChoice,
        ] {
            for offered in kinds(kind) {
                let new = NewField { kind: *offered, ..NewField::like(ObjectKind::Company, &market()) };
                assert!(new.types().is_some());
                assert!(!matches!(fit(kind, *offered), Fit::Never(_)), "{kind:?} {offered:?}");
            }
        }
        assert!(kinds(FieldKind::Person).is_empty());
    }
}
