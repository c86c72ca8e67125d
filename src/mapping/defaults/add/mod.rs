//! Another object for a configuration: its usual mapping, completed by what the tenant has and a person names.
//! Pure; what nobody can be sure of is asked, never guessed.

mod activity;

use super::{ActivitySetup, company, contact, deal, line_item, product, ticket};
use crate::mapping::compat::is_text;
use crate::mapping::config::{Config, ObjectMapping};
use crate::model::{ChoiceOption, FieldDef, FieldName, ObjectKind, Schema};

/// What a person names of the tenant's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The ConnectWise field that carries the key of the HubSpot record.
    pub key_field: Option<String>,
    /// The service board of new tickets, by name or id.
    pub board: Option<String>,
    /// The activity types of a kind, the one of new records first, by name or id.
    pub activity_types: Vec<String>,
    /// The member who gets what belongs to nobody, by login, e-mail address, name or id.
    pub assign_to: Option<String>,
}

/// What can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    KeyField,
    Board,
    ActivityTypes,
    AssignTo,
}

/// Something has to be named before the object can be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unnamed {
    pub part: Part,
    /// What is not known, without a capital and a full stop.
    pub what: String,
    pub why: String,
    /// What can be named; none where something must be done in ConnectWise first.
    pub choices: Vec<NameChoice>,
    /// What to do where nothing can be named, or beside it.
    pub remedy: Option<String>,
}

/// One thing that can be named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameChoice {
    /// What names it without doubt.
    pub name: String,
    pub label: String,
}

impl NameChoice {
    fn of(option: &ChoiceOption) -> Self {
        Self { name: option.key.clone(), label: option.label.clone() }
    }
}

/// Whether the mapping of an object names anything of the tenant's own, so that ConnectWise's fields must be known first.
#[must_use]
pub const fn asks(object: ObjectKind) -> bool {
    matches!(object, ObjectKind::Deal | ObjectKind::Ticket) || object.is_activity()
}

/// What the records of an object are made with, and the configuration lacks. Deals and tickets say so by `lint`.
#[must_use]
pub fn lacking_parent(config: &Config, object: ObjectKind) -> Option<ObjectKind> {
    let parents: &[ObjectKind] = match object {
        ObjectKind::LineItem => &[ObjectKind::Deal, ObjectKind::Product],
        activity if activity.is_activity() => &[ObjectKind::Company],
        _ => &[],
    };
    parents.iter().copied().find(|parent| config.object(*parent).is_none())
}

/// The mapping of an object that `config` lacks. `connectwise` are ConnectWise's fields of it, needed where the object
/// [`asks`]; `owners` are HubSpot's, as far as they are known.
///
/// # Errors
/// What has to be named first, or named otherwise.
pub fn mapping(
    config: &Config,
    object: ObjectKind,
    connectwise: &Schema,
    owners: &[ChoiceOption],
    named: &Named,
) -> Result<ObjectMapping, Box<Unnamed>> {
    let key = || match &named.key_field {
        Some(name) => Ok(FieldName::new(name)),
        None => key_of(connectwise),
    };
    let mut mapping = match object {
        ObjectKind::Company => company(),
        ObjectKind::Contact => contact(),
        ObjectKind::Product => product(),
        ObjectKind::LineItem => line_item(),
        ObjectKind::Deal => deal(key()?),
        ObjectKind::Ticket => ticket(key()?, board_of(connectwise, named.board.as_deref())?),
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => {
            let setup: ActivitySetup = activity::setup(connectwise, config, object, named, owners, key()?)?;
            super::activity(object, &setup)
        }
    };
    if let Some(name) = &named.key_field {
        mapping.connectwise_stamp = Some(FieldName::new(name));
    }
    Ok(mapping)
}

/// Who can be assigned what belongs to nobody; empty where that is not asked of the object.
#[must_use]
pub fn assignees(object: ObjectKind, connectwise: &Schema) -> Vec<NameChoice> {
    if !object.is_activity() {
        return Vec::new();
    }
    let active = activity::active(connectwise, "assignTo").into_iter();
    active.map(|member| NameChoice { name: member.key.clone(), label: activity::names(member) }).collect()
}

fn plural(object: ObjectKind) -> String {
    object.plural().to_lowercase()
}

const ASK_THE_DOCTOR: &str = "run `lockstep doctor`: it says what the API member's role lacks";

/// The id of the board for new tickets: the one that is named, or the only one. Where there are several, nothing is guessed.
fn board_of<'a>(schema: &'a Schema, named: Option<&str>) -> Result<&'a str, Box<Unnamed>> {
    let all = schema.field("board").map_or(&[][..], |field| &field.options);
    let active: Vec<_> = all.iter().filter(|board| !board.inactive).collect();
    let fits = |board: &&ChoiceOption| match named {
        Some(name) => board.key == name || board.label.to_lowercase() == name.trim().to_lowercase(),
        None => active.len() == 1,
    };
    if let Some(board) = active.iter().copied().find(fits) {
        return Ok(board.key.as_str());
    }
    let (what, why) = match (named, active.len()) {
        (_, 0) => ("ConnectWise shows no service board".to_owned(), "none is active, or the API member may see none"),
        (Some(name), _) => {
            (format!("ConnectWise has no active service board `{name}`"), "new tickets need one to be on")
        }
        (None, _) => ("it is not known on which service board new tickets are to be".to_owned(), "there are several"),
    };
    Err(Box::new(Unnamed {
        part: Part::Board,
        what,
        why: why.to_owned(),
        remedy: active.is_empty().then(|| ASK_THE_DOCTOR.to_owned()),
        choices: active.into_iter().map(NameChoice::of).collect(),
    }))
}

/// The user-defined text whose caption says that it is meant for HubSpot's record; nothing is guessed between two.
fn key_of(schema: &Schema) -> Result<FieldName, Box<Unnamed>> {
    let can_carry = |field: &&FieldDef| field.custom && !field.read_only && is_text(field.kind);
    let meant = |field: &&FieldDef| {
        let caption = field.label.to_lowercase();
        ["hubspot", "lockstep"].iter().any(|word| caption.contains(word))
    };
    let able: Vec<&FieldDef> = schema.fields.iter().filter(can_carry).collect();
    let found: Vec<&FieldDef> = able.iter().copied().filter(|field| meant(field)).collect();
    if let [one] = found.as_slice() {
        return Ok(one.name.clone());
    }
    let list = |fields: &[&FieldDef]| {
        fields.iter().map(|field| format!("{} \"{}\"", field.name, field.label)).collect::<Vec<_>>().join(", ")
    };
    let (why, choices) = match (found.is_empty(), able.is_empty()) {
        (true, true) => ("there is no user-defined text that can be written".to_owned(), &able),
        (true, false) => (format!("these can: {}", list(&able)), &able),
        (false, _) => (format!("several are named for it: {}", list(&found)), &found),
    };
    let make = "make one in ConnectWise (Setup Tables, Custom Fields: one line of text, caption `HubSpot`), then add \
                it again";
    Err(Box::new(Unnamed {
        part: Part::KeyField,
        what: format!("no field of ConnectWise's {} is sure to carry the HubSpot record's key", plural(schema.object)),
        why,
        remedy: choices.is_empty().then(|| make.to_owned()),
        choices: choices
            .iter()
            .map(|field| NameChoice { name: field.name.to_string(), label: field.label.clone() })
            .collect(),
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

    use super::*;
    use crate::mapping::defaults;
    use crate::model::{FieldKind, System};

    fn field(name: &str, label: &str, kind: FieldKind, options: &[(&str, &str)]) -> FieldDef {
        let options = options.iter().map(|(key, label)| ChoiceOption {
            key: (*key).into(),
            label: (*label).into(),
            ..ChoiceOption::default()
        });
        FieldDef {
            name: name.into(),
            label: label.into(),
            kind,
            read_only: false,
            required: false,
            unique: false,
            max_length: None,
            custom: name.starts_with("customFields"),
            options: options.collect(),
        }
    }

    fn schema(object: ObjectKind, fields: Vec<FieldDef>) -> Schema {
        Schema { system: System::ConnectWise, object, fields }
    }

    fn add(object: ObjectKind, schema: &Schema, named: &Named) -> Result<ObjectMapping, Box<Unnamed>> {
        mapping(&defaults::config(), object, schema, &[], named)
    }

    fn names(unnamed: &Unnamed) -> Vec<&str> {
        unnamed.choices.iter().map(|choice| choice.name.as_str()).collect()
    }

    #[test]
    fn a_key_field_is_taken_where_one_caption_says_so_and_asked_for_where_none_or_two_do() {
        let text = |name: &str, label: &str| field(name, label, FieldKind::Text, &[]);
        let other = || text("customFields/1", "Region");
        let table = [
            (vec![other(), text("customFields/2", "HubSpot key")], Ok("customFields/2")),
            (vec![other()], Err((vec!["customFields/1"], false))),
            (
                vec![other(), text("customFields/2", "HubSpot key"), text("customFields/3", "Lockstep")],
                Err((vec!["customFields/2", "customFields/3"], false)),
            ),
            (vec![text("name", "HubSpot")], Err((vec![], true))),
        ];
        for (fields, expected) in table {
            let told = add(ObjectKind::Deal, &schema(ObjectKind::Deal, fields), &Named::default());
            match (told, expected) {
                (Ok(mapping), Ok(name)) => assert_eq!(mapping.connectwise_stamp.unwrap().as_str(), name),
                (Err(unnamed), Err((choices, has_remedy))) => {
                    assert_eq!((unnamed.part, names(&unnamed)), (Part::KeyField, choices));
                    assert_eq!(unnamed.remedy.is_some(), has_remedy);
                }
                (told, expected) => panic!("{told:?} in place of {expected:?}"),
            }
        }
        let named = Named { key_field: Some("customFields/1".into()), ..Named::default() };
        let added = add(ObjectKind::Deal, &schema(ObjectKind::Deal, vec![other()]), &named).unwrap();
        assert_eq!(added.connectwise_stamp.unwrap().as_str(), "customFields/1");
    }

    #[test]
    fn a_board_and_activity_types_are_asked_for_where_nothing_is_sure() {
        let key = field("customFields/2", "HubSpot key", FieldKind::Text, &[]);
        let boards = |options: &[(&str, &str)]| {
            schema(ObjectKind::Ticket, vec![key.clone(), field("board", "Board", FieldKind::Choice, options)])
        };
        let unnamed =
            add(ObjectKind::Ticket, &boards(&[("1", "Desk"), ("2", "Alerts")]), &Named::default()).unwrap_err();
        assert_eq!((unnamed.part, names(&unnamed)), (Part::Board, vec!["1", "2"]));
        let named = Named { board: Some("2".into()), ..Named::default() };
        assert!(add(ObjectKind::Ticket, &boards(&[("1", "Desk"), ("2", "Alerts")]), &named).is_ok());
        assert!(add(ObjectKind::Ticket, &boards(&[("1", "Desk")]), &Named::default()).is_ok());
        let types = |options: &[(&str, &str)]| {
            schema(ObjectKind::Call, vec![key.clone(), field("type", "Type", FieldKind::Choice, options)])
        };
        let unnamed = add(ObjectKind::Call, &types(&[("7", "Ring")]), &Named::default()).unwrap_err();
        assert_eq!((unnamed.part, names(&unnamed)), (Part::ActivityTypes, vec!["7"]));
        let named = Named { activity_types: vec!["7".into()], ..Named::default() };
        assert_eq!(add(ObjectKind::Call, &types(&[("7", "Ring")]), &named).unwrap().activity_types, [7]);
        assert_eq!(add(ObjectKind::Call, &types(&[("8", "Call")]), &Named::default()).unwrap().activity_types, [8]);
    }

    #[test]
    fn an_activity_type_belongs_to_one_kind() {
        let key = field("customFields/2", "HubSpot key", FieldKind::Text, &[]);
        let types = field("type", "Type", FieldKind::Choice, &[("7", "Ring"), ("8", "Visit")]);
        let schema = schema(ObjectKind::Meeting, vec![key, types]);
        let mut config = defaults::config();
        let named = Named { activity_types: vec!["7".into()], ..Named::default() };
        config.objects.push(mapping(&config, ObjectKind::Call, &schema, &[], &named).unwrap());
        let taken = mapping(&config, ObjectKind::Meeting, &schema, &[], &named).unwrap_err();
        assert!(taken.what.contains("taken for calls already"), "{}", taken.what);
        assert_eq!(names(&taken), ["8"], "what is free");
    }

    #[test]
    fn an_object_whose_parent_is_not_mapped_waits_for_it() {
        let mut config = defaults::config();
        assert_eq!(lacking_parent(&config, ObjectKind::LineItem), Some(ObjectKind::Deal));
        assert_eq!(lacking_parent(&config, ObjectKind::Call), None);
        config.objects.clear();
        assert_eq!(lacking_parent(&config, ObjectKind::Call), Some(ObjectKind::Company));
    }
}
