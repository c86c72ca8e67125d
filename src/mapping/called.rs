//! What people call the options of a field: their labels, with the key behind those that several have.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{ChoiceOption, FieldDef};

/// Names by key.
#[derive(Debug, Clone, Default)]
pub struct Called {
    names: BTreeMap<String, String>,
}

impl Called {
    #[must_use]
    pub fn of(options: &[ChoiceOption]) -> Self {
        let mut alike: BTreeMap<String, usize> = BTreeMap::new();
        for option in options {
            *alike.entry(folded(&option.label)).or_default() += 1;
        }
        let named = options.iter().filter(|option| !option.label.trim().is_empty() && option.label != option.key);
        let name = |option: &ChoiceOption| {
            let (label, key) = (option.label.trim(), &option.key);
            let is_shared = alike.get(&folded(label)).is_some_and(|number| *number > 1);
            (key.clone(), if is_shared { format!("{label} ({key})") } else { label.to_owned() })
        };
        Self { names: named.map(name).collect() }
    }

    /// The names of a field's options; none where the field is not known.
    #[must_use]
    pub fn of_field(field: Option<&FieldDef>) -> Self {
        field.map(|def| Self::of(&def.options)).unwrap_or_default()
    }

    /// The name of one option; the key where it has none.
    #[must_use]
    pub fn name<'a>(&'a self, key: &'a str) -> &'a str {
        self.names.get(key).map_or(key, String::as_str)
    }

    /// The names of several options with `;` between.
    #[must_use]
    pub fn names<'a>(&'a self, keys: &'a str) -> Cow<'a, str> {
        if !keys.contains(';') || self.names.contains_key(keys) {
            return self.name(keys).into();
        }
        keys.split(';').map(|key| self.name(key.trim())).collect::<Vec<_>>().join(", ").into()
    }
}

fn folded(label: &str) -> String {
    label.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use super::*;

    fn option(key: &str, label: &str) -> ChoiceOption {
        ChoiceOption { key: key.into(), label: label.into(), ..ChoiceOption::default() }
    }

    #[test]
    fn an_option_is_called_by_its_label_and_one_of_two_namesakes_by_its_key_as_well() {
        let called = Called::of(&[
            option("10", "Technology"),
            option("11", "Health"),
            option("12", "health "),
            option("13", ""),
        ]);
        for (key, name) in
            [("10", "Technology"), ("11", "Health (11)"), ("12", "health (12)"), ("13", "13"), ("99", "99")]
        {
            assert_eq!(called.name(key), name);
        }
        assert_eq!(called.names("10;12"), "Technology, health (12)");
    }

    #[test]
    fn a_value_without_a_partner_is_told_by_its_label() {
        use crate::mapping::convert::{Misfit, Said, convert};
        use crate::mapping::references::Partners;
        use crate::mapping::{FieldMapping, FieldRule, ValueMap, defaults};
        use crate::model::{FieldKind, System, Value};
        let name = defaults::company().fields.into_iter().next().unwrap();
        let values = Some(ValueMap::default());
        let field = FieldMapping {
            hubspot: "type".into(),
            connectwise: "type".into(),
            kind: FieldKind::Choice,
            values,
            ..name
        };
        let rule = FieldRule::new(&field, &crate::view::testing::schemas());
        let told =
            convert(&rule, System::HubSpot, Said::alone(&Value::text("CUSTOMER")), &Value::Empty, &Partners::default());
        assert_eq!(told, Err(Misfit::Unmapped { value: "Customer".into() }));
    }
}
