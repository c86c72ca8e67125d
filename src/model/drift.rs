//! What changed between two readings of the same schema. Pure: two schemas in, changes out.
//!
//! A renamed field or option keeps its name or key and has another label: mappings go by names and keys, and survive it.
//! Stages, boards, types and people are options like any other, so that their changes are found in the same way.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{ChoiceOption, FieldDef, FieldKind, FieldName, Schema};

/// One difference, always about one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemaChange {
    pub field: FieldName,
    /// As people know the field now, or knew it last.
    pub label: String,
    #[serde(flatten)]
    pub what: Changed,
}

/// What happened to a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Changed {
    Added {
        required: bool,
    },
    Removed,
    Retyped {
        from: FieldKind,
        to: FieldKind,
    },
    Renamed {
        from: String,
    },
    ReadOnly {
        now: bool,
    },
    Required {
        now: bool,
    },
    Unique {
        now: bool,
    },
    /// In characters; none where there is no limit.
    Length {
        from: Option<u32>,
        to: Option<u32>,
    },
    OptionAdded {
        option: String,
        key: String,
    },
    OptionRemoved {
        option: String,
        key: String,
    },
    OptionRenamed {
        option: String,
        key: String,
        from: String,
    },
    OptionActive {
        option: String,
        key: String,
        now: bool,
    },
    /// It belongs to another pipeline or board now, or means another outcome.
    OptionMoved {
        option: String,
        key: String,
    },
    /// More options changed than anybody reads; so many are not listed.
    MoreOptions {
        count: usize,
    },
}

impl Changed {
    /// Two words at most, for lists and logs.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Added { .. } => "added",
            Self::Removed => "removed",
            Self::Retyped { .. } => "other type",
            Self::Renamed { .. } => "renamed",
            Self::ReadOnly { now: true } => "read-only",
            Self::ReadOnly { now: false } => "writable",
            Self::Required { now: true } => "required",
            Self::Required { now: false } => "not required",
            Self::Unique { now: true } => "unique",
            Self::Unique { now: false } => "not unique",
            Self::Length { .. } => "length",
            Self::OptionAdded { .. } => "option added",
            Self::OptionRemoved { .. } => "option removed",
            Self::OptionRenamed { .. } => "option renamed",
            Self::OptionActive { now: false, .. } => "option off",
            Self::OptionActive { now: true, .. } => "option on",
            Self::OptionMoved { .. } => "option moved",
            Self::MoreOptions { .. } => "more options",
        }
    }

    /// What was before and what is now, as far as the word does not say it.
    #[must_use]
    pub fn details(&self) -> String {
        let length = |length: &Option<u32>| length.map_or_else(|| "no limit".to_owned(), |length| length.to_string());
        match self {
            Self::Added { required: true } => "required".to_owned(),
            Self::Retyped { from, to } => format!("{} → {}", from.word(), to.word()),
            Self::Renamed { from } => format!("was {from}"),
            Self::Length { from, to } => format!("{} → {}", length(from), length(to)),
            Self::OptionAdded { option, key }
            | Self::OptionRemoved { option, key }
            | Self::OptionActive { option, key, .. }
            | Self::OptionMoved { option, key } => format!("{option} ({key})"),
            Self::OptionRenamed { option, key, from } => format!("{from} → {option} ({key})"),
            Self::MoreOptions { count } => format!("{count} more changed"),
            Self::Added { required: false }
            | Self::Removed
            | Self::ReadOnly { .. }
            | Self::Required { .. }
            | Self::Unique { .. } => String::new(),
        }
    }
}

impl SchemaChange {
    /// Whether it is still so: a later reading may have undone it.
    #[must_use]
    pub fn still_holds(&self, schema: &Schema) -> bool {
        let Some(field) = schema.fields.iter().find(|field| field.name == self.field) else {
            return matches!(self.what, Changed::Removed);
        };
        let option = |key: &str| field.options.iter().find(|option| option.key == *key);
        match &self.what {
            Changed::Removed => false,
            Changed::Added { .. } | Changed::MoreOptions { .. } => true,
            Changed::Retyped { to, .. } => field.kind == *to,
            Changed::Renamed { .. } => field.label == self.label,
            Changed::ReadOnly { now } => field.read_only == *now,
            Changed::Required { now } => field.required == *now,
            Changed::Unique { now } => field.unique == *now,
            Changed::Length { to, .. } => field.max_length == *to,
            Changed::OptionRemoved { key, .. } => option(key).is_none(),
            Changed::OptionAdded { key, .. } | Changed::OptionMoved { key, .. } => option(key).is_some(),
            Changed::OptionRenamed { key, option: label, .. } => option(key).is_some_and(|now| now.label == *label),
            Changed::OptionActive { key, now, .. } => option(key).is_some_and(|option| option.inactive != *now),
        }
    }
}

/// Options of one field whose changes are listed one by one.
const MOST_OPTIONS: usize = 50;

/// Everything in which `new` differs from `old`, by field.
#[must_use]
pub fn compare(old: &Schema, new: &Schema) -> Vec<SchemaChange> {
    let by_name = |schema: &Schema| -> BTreeMap<FieldName, usize> {
        schema.fields.iter().enumerate().map(|(at, field)| (field.name.clone(), at)).collect()
    };
    let (before, after) = (by_name(old), by_name(new));
    let mut changes = Vec::new();
    for (name, at) in &after {
        let field = &new.fields[*at];
        match before.get(name) {
            Some(earlier) => compare_field(&old.fields[*earlier], field, &mut changes),
            None => changes.push(change(field, Changed::Added { required: field.required })),
        }
    }
    let gone = before.iter().filter(|(name, _)| !after.contains_key(*name));
    changes.extend(gone.map(|(_, at)| change(&old.fields[*at], Changed::Removed)));
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    changes
}

fn change(field: &FieldDef, what: Changed) -> SchemaChange {
    SchemaChange { field: field.name.clone(), label: field.label.clone(), what }
}

fn compare_field(old: &FieldDef, new: &FieldDef, changes: &mut Vec<SchemaChange>) {
    let mut note = |differs: bool, what: Changed| {
        if differs {
            changes.push(change(new, what));
        }
    };
    note(old.kind != new.kind, Changed::Retyped { from: old.kind, to: new.kind });
    note(old.label != new.label, Changed::Renamed { from: old.label.clone() });
    note(old.read_only != new.read_only, Changed::ReadOnly { now: new.read_only });
    note(old.required != new.required, Changed::Required { now: new.required });
    note(old.unique != new.unique, Changed::Unique { now: new.unique });
    note(old.max_length != new.max_length, Changed::Length { from: old.max_length, to: new.max_length });
    let mut options = compare_options(&old.options, &new.options);
    let rest = options.split_off(options.len().min(MOST_OPTIONS));
    changes.extend(options.into_iter().map(|what| change(new, what)));
    if !rest.is_empty() {
        changes.push(change(new, Changed::MoreOptions { count: rest.len() }));
    }
}

fn compare_options(old: &[ChoiceOption], new: &[ChoiceOption]) -> Vec<Changed> {
    let by_key = |options: &[ChoiceOption]| -> BTreeMap<String, usize> {
        options.iter().enumerate().map(|(at, option)| (option.key.clone(), at)).collect()
    };
    let (before, after) = (by_key(old), by_key(new));
    let mut changes = Vec::new();
    // What is gone first: it is what breaks.
    for (key, at) in before.iter().filter(|(key, _)| !after.contains_key(*key)) {
        changes.push(Changed::OptionRemoved { option: old[*at].label.clone(), key: key.clone() });
    }
    for (key, at) in after {
        let now = &new[at];
        let option = now.label.clone();
        let Some(was) = before.get(&key).map(|at| &old[*at]) else {
            changes.push(Changed::OptionAdded { option, key });
            continue;
        };
        if was.inactive != now.inactive {
            changes.push(Changed::OptionActive { option: option.clone(), key: key.clone(), now: !now.inactive });
        }
        if was.label != now.label {
            changes.push(Changed::OptionRenamed { option: option.clone(), key: key.clone(), from: was.label.clone() });
        }
        if was.parent != now.parent || was.outcome != now.outcome {
            changes.push(Changed::OptionMoved { option, key });
        }
    }
    changes
}

/// A part of a schema that could not be read, for want of a right or of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The options of one field.
    Options(FieldName),
    /// Every field whose name begins so.
    Fields(&'static str),
    /// What the customer calls the fields whose names begin so.
    Labels(&'static str),
    /// The customer's own limits of length.
    Lengths,
}

/// Puts back what could not be read this time: a missing right or a lost answer is no news about the fields themselves.
pub fn keep_unread(old: &Schema, new: &mut Schema, unread: &[Unread]) {
    let known: BTreeMap<&FieldName, &FieldDef> = old.fields.iter().map(|field| (&field.name, field)).collect();
    for field in &mut new.fields {
        if let Some(known) = known.get(&field.name) {
            keep_parts(known, field, unread);
        }
    }
    let present: BTreeSet<FieldName> = new.fields.iter().map(|field| field.name.clone()).collect();
    let lost = known.values().filter(|field| {
        let of = |part: &Unread| matches!(part, Unread::Fields(prefix) if field.name.as_str().starts_with(prefix));
        !present.contains(&field.name) && unread.iter().any(of)
    });
    new.fields.extend(lost.map(|field| (*field).clone()));
    new.fields.sort_by(|a, b| a.name.cmp(&b.name));
}

fn keep_parts(known: &FieldDef, field: &mut FieldDef, unread: &[Unread]) {
    for part in unread {
        match part {
            Unread::Options(name) if *name == field.name && known.kind == field.kind => {
                field.options.clone_from(&known.options);
            }
            Unread::Labels(prefix) if field.name.as_str().starts_with(prefix) => field.label.clone_from(&known.label),
            // A label carries the field's name only beside another field of the same label, and that one may be unread.
            Unread::Labels(_) | Unread::Fields(_) if bare_label(known) == bare_label(field) => {
                field.label.clone_from(&known.label);
            }
            Unread::Lengths if known.kind == field.kind => field.max_length = known.max_length,
            Unread::Options(_) | Unread::Labels(_) | Unread::Fields(_) | Unread::Lengths => {}
        }
    }
}

/// The label without the name that tells fields of the same label apart.
fn bare_label(field: &FieldDef) -> &str {
    field.label.strip_suffix(&format!(" ({})", field.name)).unwrap_or(&field.label)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::model::{ObjectKind, StageOutcome, System};

    fn option(key: &str, label: &str) -> ChoiceOption {
        ChoiceOption { key: key.into(), label: label.into(), ..ChoiceOption::default() }
    }

    fn field(name: &str) -> FieldDef {
        FieldDef {
            name: name.into(),
            label: name.to_uppercase(),
            kind: FieldKind::Choice,
            read_only: false,
            required: false,
            unique: false,
            max_length: Some(50),
            custom: false,
            options: vec![option("1", "One"), option("2", "Two")],
        }
    }

    fn schema(fields: Vec<FieldDef>) -> Schema {
        Schema { system: System::HubSpot, object: ObjectKind::Deal, fields }
    }

    fn found(edit: impl FnOnce(&mut FieldDef)) -> Vec<Changed> {
        let mut edited = field("stage");
        edit(&mut edited);
        compare(&schema(vec![field("stage")]), &schema(vec![edited])).into_iter().map(|change| change.what).collect()
    }

    #[test]
    fn each_edit_of_a_field_is_one_change() {
        assert_eq!(found(|_| ()), []);
        let to = FieldKind::Number;
        assert_eq!(found(|f| f.kind = to), [Changed::Retyped { from: FieldKind::Choice, to }]);
        assert_eq!(found(|f| f.label = "Phase".into()), [Changed::Renamed { from: "STAGE".into() }]);
        assert_eq!(found(|f| f.read_only = true), [Changed::ReadOnly { now: true }]);
        assert_eq!(found(|f| f.required = true), [Changed::Required { now: true }]);
        assert_eq!(found(|f| f.unique = true), [Changed::Unique { now: true }]);
        assert_eq!(found(|f| f.max_length = Some(30)), [Changed::Length { from: Some(50), to: Some(30) }]);
        assert_eq!(found(|f| f.custom = true), [], "where a field comes from changes nothing for a mapping");
    }

    #[test]
    fn each_edit_of_an_option_is_one_change() {
        let (two, key) = ("Two".to_owned(), "2".to_owned());
        let removed = Changed::OptionRemoved { option: two.clone(), key: key.clone() };
        assert_eq!(found(|f| drop(f.options.pop())), [removed]);
        let added = Changed::OptionAdded { option: "Three".into(), key: "3".into() };
        assert_eq!(found(|f| f.options.push(option("3", "Three"))), [added]);
        let renamed = Changed::OptionRenamed { option: "Deux".into(), key: key.clone(), from: two.clone() };
        assert_eq!(found(|f| f.options[1].label = "Deux".into()), [renamed]);
        let stopped = Changed::OptionActive { option: two.clone(), key: key.clone(), now: false };
        assert_eq!(found(|f| f.options[1].inactive = true), [stopped]);
        let moved = Changed::OptionMoved { option: two, key };
        for change in [
            found(|f| f.options[1].parent = Some("sales".into())),
            found(|f| f.options[1].outcome = Some(StageOutcome::Won)),
        ] {
            assert_eq!(change, std::slice::from_ref(&moved));
        }
        assert_eq!(found(|f| f.options.reverse()), [], "order is no change");
    }

    #[test]
    fn a_change_that_was_undone_does_not_hold_any_more() {
        let old = schema(vec![field("stage")]);
        let mut edited = field("stage");
        edited.options.pop();
        edited.required = true;
        edited.label = "Phase".into();
        let new = schema(vec![edited, field("added")]);
        for (before, after) in [(&old, &new), (&new, &old)] {
            for change in compare(before, after) {
                assert!(change.still_holds(after), "{change:?}");
                let undone = !change.still_holds(before);
                assert!(undone || matches!(change.what, Changed::Added { .. }), "{change:?}");
            }
        }
    }

    #[test]
    fn fields_come_and_go() {
        let (old, new) = (schema(vec![field("a"), field("b")]), schema(vec![field("b"), field("c")]));
        let changes: Vec<_> = compare(&old, &new).into_iter().map(|c| (c.field.to_string(), c.what)).collect();
        assert_eq!(changes, [("a".into(), Changed::Removed), ("c".into(), Changed::Added { required: false })]);
        assert_eq!(compare(&old, &old), []);
    }

    #[test]
    fn a_flood_of_options_is_counted_and_not_listed() {
        let many = found(|f| f.options.extend((0..10_000).map(|n| option(&format!("x{n}"), "X"))));
        assert_eq!(many.len(), MOST_OPTIONS + 1);
        assert_eq!(many.last(), Some(&Changed::MoreOptions { count: 10_000 - MOST_OPTIONS }));
    }

    #[test]
    fn options_that_could_not_be_read_are_no_news() {
        let old = schema(vec![field("stage")]);
        let mut new = old.clone();
        new.fields[0].options.clear();
        keep_unread(&old, &mut new, &[Unread::Options("stage".into())]);
        assert_eq!(compare(&old, &new), []);
    }

    #[test]
    fn fields_labels_and_lengths_that_could_not_be_read_are_no_news() {
        let labelled = |name: &str, label: &str| FieldDef { label: label.into(), ..field(name) };
        let old = schema(vec![
            labelled("custom/31", "Tier (custom/31)"),
            labelled("free1", "Account Code"),
            labelled("tier", "Tier (tier)"),
        ]);
        let mut new = schema(vec![labelled("free1", "Free field 1"), labelled("tier", "Tier")]);
        new.fields[0].max_length = None;
        let unread = [Unread::Fields("custom/"), Unread::Labels("free"), Unread::Lengths];
        keep_unread(&old, &mut new, &unread);
        assert_eq!(new, old);
    }

    #[test]
    fn what_was_read_is_news_whatever_else_was_not() {
        let old = schema(vec![field("custom/31"), field("stage"), field("zone")]);
        let mut new = schema(vec![field("custom/32"), field("stage")]);
        new.fields[1].label = "Phase".into();
        new.fields[1].options.clear();
        let told = |unread: &[Unread]| {
            let mut new = new.clone();
            keep_unread(&old, &mut new, unread);
            compare(&old, &new)
        };
        assert_eq!(told(&[]), compare(&old, &new));
        assert_eq!(told(&[Unread::Options("zone".into()), Unread::Labels("custom/")]), compare(&old, &new));
        let words: Vec<_> = told(&[Unread::Fields("custom/"), Unread::Options("stage".into())])
            .iter()
            .map(|change| (change.field.to_string(), change.what.word()))
            .collect();
        let told = |name: &str, word| (name.to_owned(), word);
        assert_eq!(words, [told("custom/32", "added"), told("stage", "renamed"), told("zone", "removed")]);
    }

    #[test]
    fn names_that_come_twice_or_unsorted_do_no_harm() {
        let twice = schema(vec![field("b"), field("a"), field("b")]);
        assert_eq!(compare(&twice, &schema(vec![field("a"), field("b")])), []);
    }

    #[test]
    fn a_change_survives_its_stored_form() {
        let changes = compare(&schema(vec![field("a")]), &schema(vec![]));
        let text = serde_json::to_string(&changes).unwrap();
        assert!(text.contains(r#""change":"removed""#), "{text}");
        assert_eq!(serde_json::from_str::<Vec<SchemaChange>>(&text).unwrap(), changes);
    }
}
