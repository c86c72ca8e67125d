//! What `lint` finds, `suggest` proposes and `complete` fills in, on schemas as small tenants have them.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use super::config::*;
use super::lint::{Severity, check, check_all, is_deployable};
use super::transform::{Split, Step, Transforms};
use super::{complete, defaults, suggest};
use crate::model::{BySystem, ChoiceOption, FieldDef, FieldKind, ObjectKind, Schema, System};
use FieldKind::{Bool, Choice, Date, Integer, MultiChoice, Number, Person, Phone, Text};

fn field(name: &str, kind: FieldKind) -> FieldDef {
    FieldDef {
        name: name.into(),
        label: name.to_uppercase(),
        kind,
        read_only: false,
        required: false,
        unique: false,
        max_length: None,
        custom: false,
        options: vec![],
    }
}

fn choice(name: &str, options: &[(&str, &str)]) -> FieldDef {
    let option = |(key, label): &(&str, &str)| ChoiceOption {
        key: (*key).into(),
        label: (*label).into(),
        inactive: false,
        ..ChoiceOption::default()
    };
    FieldDef { options: options.iter().map(option).collect(), ..field(name, Choice) }
}

fn limited(name: &str, max: u32) -> FieldDef {
    FieldDef { max_length: Some(max), ..field(name, Text) }
}

fn schema(system: System, mut fields: Vec<FieldDef>) -> Schema {
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    Schema { system, object: ObjectKind::Company, fields }
}

fn schemas() -> BySystem<Schema> {
    let texts = ["name", "domain", "address", "address2", "city", "state", "zip", "country", "founded_year"];
    let mut hubspot: Vec<FieldDef> = texts.iter().map(|name| field(name, Text)).collect();
    hubspot.extend(["linkedin_company_page", "facebook_company_page"].map(|name| field(name, Text)));
    hubspot.extend([
        field("phone", Phone),
        field("numberofemployees", Number),
        field("annualrevenue", Number),
        field("hubspot_owner_id", Person),
        field("is_public", Bool),
        FieldDef { unique: true, ..field("lockstep_cw_key", Text) },
        FieldDef { read_only: true, ..field("num_notes", Number) },
        choice("industry", &[("LAW_PRACTICE", "Law Practice"), ("RETAIL", "Retail")]),
        choice("hs_lead_status", &[("CONNECTED", "Connected"), ("UNQUALIFIED", "Unqualified")]),
    ]);
    let connectwise = vec![
        FieldDef { required: true, ..limited("identifier", 30) },
        FieldDef { required: true, ..limited("name", 50) },
        limited("website", 255),
        limited("phoneNumber", 30),
        limited("addressLine1", 50),
        limited("addressLine2", 50),
        limited("city", 50),
        limited("state", 50),
        limited("zip", 12),
        limited("leadSource", 50),
        choice("country", &[("1", "United States"), ("2", "Germany")]),
        choice("market", &[("5", "Legal"), ("6", "Retail")]),
        choice("status", &[("1", "Active"), ("2", "Inactive")]),
        field("territoryManager", Person),
        field("numberOfEmployees", Integer),
        field("yearEstablished", Integer),
        field("annualRevenue", Number),
        field("dateAcquired", Date),
        field("linkedInUrl", Text),
        field("facebookUrl", Text),
        field("types", MultiChoice),
        limited("userDefinedField10", 50),
    ];
    BySystem::new(schema(System::HubSpot, hubspot), schema(System::ConnectWise, connectwise))
}

fn find<'a>(object: &'a mut ObjectMapping, hubspot: &str) -> &'a mut FieldMapping {
    object.fields.iter_mut().find(|field| field.hubspot.as_str() == hubspot).unwrap()
}

fn mapped(hubspot: &str, connectwise: &str, kind: FieldKind) -> FieldMapping {
    FieldMapping {
        hubspot: hubspot.into(),
        connectwise: connectwise.into(),
        values: None,
        kind,
        ..defaults::company().fields[3].clone()
    }
}

fn def<'a>(schemas: &'a mut BySystem<Schema>, system: System, name: &str) -> &'a mut FieldDef {
    schemas[system].fields.iter_mut().find(|field| field.name.as_str() == name).unwrap()
}

#[test]
fn the_default_configuration_can_be_deployed_on_an_ordinary_tenant() {
    let findings = check(&defaults::config(), &schemas());
    assert!(is_deployable(&findings), "{findings:#?}");
    // Options that this tenant does not have, and HubSpot's fractions of an employee.
    assert!(
        findings.iter().all(|f| f.message.contains("never applies") || f.message.contains("read as")),
        "{findings:#?}"
    );
}

type Edit = fn(&mut ObjectMapping, &mut BySystem<Schema>);

/// What a transform makes is judged value by value: neither the kinds of the fields nor a value map stand in its way.
#[test]
fn a_transform_bridges_kinds_that_do_not_fit_and_is_no_way_to_change_a_reference() {
    let mut config = defaults::config();
    config.objects[0].fields.push(FieldMapping {
        direction: Direction::ToConnectwise,
        transform: Transforms { to_connectwise: vec![Step::Date("DD.MM.YYYY".into())], ..Transforms::default() },
        ..mapped("num_notes", "dateAcquired", FieldKind::Date)
    });
    assert!(is_deployable(&check(&config, &schemas())), "{:#?}", check(&config, &schemas()));
    config.objects[0].fields.last_mut().unwrap().kind = FieldKind::Reference(ObjectKind::Company);
    assert!(check(&config, &schemas()).iter().any(|finding| finding.message.contains("no value that a transform")));
}

#[test]
fn every_mistake_is_found_where_it_is() {
    use Severity::{Error, Warning};
    // an edit, the field it should be found at (empty: the object), how bad it is, words of message and hint
    let cases: &[(&str, Edit, &str, Severity, &str)] = &[
        ("unknown field", |o, _| find(o, "city").hubspot = "ciity".into(), "ciity~city", Error, "`city`"),
        (
            "read-only, both ways",
            |_, s| def(s, System::ConnectWise, "city").read_only = true,
            "city~city",
            Error,
            "(←)",
        ),
        (
            "read-only, one way",
            |o, _| {
                o.fields.push(FieldMapping {
                    direction: Direction::ToHubspot,
                    ..mapped("num_notes", "annualRevenue", Number)
                })
            },
            "num_notes~annualRevenue",
            Error,
            "No direction",
        ),
        (
            "date to number",
            |o, _| o.fields.push(mapped("num_notes", "dateAcquired", Date)),
            "num_notes~dateAcquired",
            Error,
            "not a number",
        ),
        (
            "a step of a transform",
            |o, _| find(o, "city").transform.to_hubspot = vec![Step::Trim, Step::Template("{city".into())],
            "city~city",
            Error,
            "Step 2 of what goes to HubSpot, `template`",
        ),
        (
            "a script that cannot be read",
            |o, _| find(o, "city").transform.to_hubspot = vec![Step::Script("value +\n(".into())],
            "city~city",
            Error,
            "line 2",
        ),
        (
            "a transform that never comes to rest",
            |o, _| find(o, "city").transform.to_hubspot = vec![Step::Script("'x' + value".into())],
            "city~city",
            Error,
            "never come to rest: HubSpot \"Ada Lovelace\" → ConnectWise \"Ada Lovelace\" → HubSpot \"xAda Lovelace\"",
        ),
        (
            "a transform that loses something",
            |o, _| find(o, "city").transform.to_connectwise = vec![Step::Split(Split { at: " ".into(), part: 1 })],
            "city~city",
            Warning,
            "not what went",
        ),
        (
            "a field that a transform looks at",
            |o, _| find(o, "city").transform.to_connectwise = vec![Step::Template("{value}, {stat}".into())],
            "city~city",
            Error,
            "`stat`",
        ),
        (
            "a transform that is never used",
            |o, _| {
                find(o, "city").direction = Direction::ToHubspot;
                find(o, "city").transform.to_connectwise = vec![Step::Trim];
            },
            "city~city",
            Warning,
            "never written there",
        ),
        ("text to choice", |o, _| find(o, "country").values = None, "country~country", Error, "needs a value map"),
        (
            "empty value map",
            |o, _| find(o, "country").values = Some(ValueMap::default()),
            "country~country",
            Error,
            "empty",
        ),
        (
            "e-mail of things",
            |o, _| find(o, "industry").values.as_mut().unwrap().auto = Some(AutoPairs::Email),
            "industry~market",
            Error,
            "people",
        ),
        ("wrong kind", |o, _| find(o, "city").kind = Date, "city~city", Error, "kind = \"text\""),
        (
            "longer than any",
            |o, _| find(o, "zip").max_length.hubspot = Some(65_537),
            "zip~zip",
            Error,
            "65536 characters",
        ),
        ("too long", |o, _| find(o, "zip").max_length.connectwise = Some(13), "zip~zip", Error, "12 characters"),
        ("no limit", |o, _| find(o, "zip").max_length.connectwise = None, "zip~zip", Warning, "connectwise = 12"),
        ("required", |o, _| o.fields.retain(|f| f.hubspot.as_str() != "name"), "", Error, "`name`"),
        (
            "required, one way",
            |o, _| find(o, "name").direction = Direction::ToHubspot,
            "",
            Error,
            "No company is created in ConnectWise without a name",
        ),
        (
            "required by the tenant",
            |_, s| def(s, System::ConnectWise, "userDefinedField10").required = true,
            "",
            Error,
            "refuses a new record without `userDefinedField10`",
        ),
        (
            "written twice",
            |o, _| o.fields.push(mapped("state", "leadSource", Text)),
            "state~leadSource",
            Error,
            "written by `state~state` already",
        ),
        (
            "nothing crosses",
            |o, _| o.direction = Direction::ToConnectwise,
            "founded_year~yearEstablished",
            Warning,
            "nothing crosses",
        ),
        ("filter", |o, _| o.filters.to_connectwise = "city = ".into(), "", Error, "value is missing"),
        ("filter field", |o, _| o.filters.to_hubspot = "marke = 'Legal'".into(), "", Error, "`market`"),
        ("match field", |o, _| o.matching[0].connectwise = "webste".into(), "", Error, "`website`"),
        ("match kind", |o, _| o.matching[0].connectwise = "market".into(), "", Error, "can't be matched"),
        ("no match rule", |o, _| o.matching.clear(), "", Warning, "no match rule"),
        (
            "stamp mapped",
            |o, _| o.fields.push(mapped("is_public", "userDefinedField10", Text)),
            "is_public~userDefinedField10",
            Error,
            "carries the key",
        ),
        ("stamp not unique", |_, s| def(s, System::HubSpot, "lockstep_cw_key").unique = false, "", Error, "unique"),
        ("stamp missing", |o, _| o.hubspot_stamp = "other".into(), "", Warning, "no company field `other`"),
        (
            "stamp missing",
            |o, _| o.connectwise_stamp = Some("userDefinedField11".into()),
            "",
            Error,
            "`userDefinedField10`",
        ),
        ("no stamp", |o, _| o.connectwise_stamp = None, "", Error, "without it, none is made there"),
        ("stamp no text", |o, _| o.connectwise_stamp = Some("market".into()), "", Error, "can't carry a key"),
        (
            "pair of no option",
            |o, _| find(o, "industry").values.as_mut().unwrap().pairs[0].connectwise = "label:Legall".into(),
            "industry~market",
            Warning,
            "`Legal`",
        ),
        (
            "inactive option",
            |_, s| def(s, System::ConnectWise, "market").options[0].inactive = true,
            "industry~market",
            Warning,
            "inactive",
        ),
        (
            "default of no option",
            |o, _| find(o, "industry").default.connectwise = Some("77".into()),
            "industry~market",
            Error,
            "not an option",
        ),
        (
            "readable",
            |o, _| find(o, "founded_year").direction = Direction::Both,
            "founded_year~yearEstablished",
            Warning,
            "can't be read",
        ),
    ];
    let untouched = check(&defaults::config(), &schemas());
    for (name, edit, at, severity, words) in cases {
        let (mut config, mut schemas) = (defaults::config(), schemas());
        edit(&mut config.objects[0], &mut schemas);
        let findings = check(&config, &schemas);
        let found = findings.iter().filter(|f| !untouched.contains(f)).any(|f| {
            let place = f.field.as_ref().map_or("", FieldKey::as_str);
            place == *at && f.severity == *severity && format!("{} {}", f.message, f.hint).contains(words)
        });
        assert!(found, "{name}: {findings:#?}");
    }
}

/// A configuration with these activities and their types, against a tenant with four types.
fn activity_findings(objects: &[(ObjectKind, &[u64])], of: ObjectKind) -> Vec<(Severity, String)> {
    let mut config = defaults::config();
    let mapping = |(object, types): &(ObjectKind, &[u64])| ObjectMapping {
        object: *object,
        activity_types: types.to_vec(),
        ..defaults::company()
    };
    config.objects = objects.iter().map(mapping).collect();
    let mut kinds = choice("type", &[("1", "Call"), ("2", "Meeting"), ("3", "Visit"), ("4", "Old call")]);
    kinds.options[3].inactive = true;
    let schemas = BySystem::new(System::HubSpot, System::ConnectWise).map(|_, system| Schema {
        system,
        object: of,
        fields: vec![kinds.clone()],
    });
    let findings = check(&config, &schemas);
    let about = |finding: &&super::lint::Finding| finding.message.contains("activity type");
    findings
        .iter()
        .filter(about)
        .map(|finding| (finding.severity, format!("{} {}", finding.message, finding.hint)))
        .collect()
}

/// Activities with their types, the one that is looked at, and what is found.
type ActivityCase = (&'static [(ObjectKind, &'static [u64])], ObjectKind, Option<(Severity, &'static str)>);

#[test]
fn activity_types_must_be_there_and_of_one_kind() {
    use ObjectKind::{Call, Meeting, Note, Task};
    let table: &[ActivityCase] = &[
        (&[(Task, &[])], Task, None),
        (&[(Call, &[1, 3]), (Meeting, &[2])], Call, None),
        (&[(Call, &[1]), (Task, &[])], Task, Some((Severity::Error, "No ConnectWise activity is a task"))),
        (&[(Note, &[])], Note, Some((Severity::Error, "activity_types = [id"))),
        (&[(Call, &[1, 9])], Call, Some((Severity::Error, "no activity type 9. It has: 1 Call, 2 Meeting"))),
        (&[(Call, &[1, 4])], Call, Some((Severity::Warning, "4 (Old call) is inactive"))),
        (&[(Call, &[1]), (Meeting, &[2, 1])], Call, Some((Severity::Error, "named for a call and for a meeting"))),
    ];
    for (objects, of, expected) in table {
        let found = activity_findings(objects, *of);
        match expected {
            None => assert_eq!(found, [], "{objects:?}"),
            Some((severity, words)) => {
                assert_eq!(found.len(), 1, "{objects:?}: {found:?}");
                assert!(found[0].0 == *severity && found[0].1.contains(words), "{objects:?}: {found:?}");
            }
        }
    }
}

#[test]
fn a_suggested_mapping_passes_lint() {
    let schemas = schemas();
    let cases = [
        ("is_public", "leadSource", Ok((Text, Direction::Both))),
        ("num_notes", "numberOfEmployees", Ok((Integer, Direction::ToConnectwise))),
        ("country", "market", Ok((Choice, Direction::Both))),
        ("hubspot_owner_id", "territoryManager", Ok((Person, Direction::Both))),
        ("annualrevenue", "dateAcquired", Err("a number is not a date")),
        ("city", "types", Err("several options")),
        // ConnectWise's many go nowhere, but one option of HubSpot can become one of many.
        ("industry", "types", Ok((MultiChoice, Direction::ToConnectwise))),
    ];
    for (hubspot, connectwise, expected) in cases {
        let pair = (schemas.hubspot.field(hubspot).unwrap(), schemas.connectwise.field(connectwise).unwrap());
        match (suggest(pair.0, pair.1), expected) {
            (Ok(field), Ok((kind, direction))) => {
                assert_eq!((field.direction, field.kind.has_options()), (direction, kind.has_options()), "{hubspot}");
                let mut config = defaults::config();
                config.objects[0].fields.retain(|f| f.hubspot != field.hubspot && f.connectwise != field.connectwise);
                let key = field.key();
                config.objects[0].fields.push(field);
                let errors: Vec<_> = check(&config, &schemas)
                    .into_iter()
                    .filter(|f| f.severity == Severity::Error && f.field.as_ref() == Some(&key))
                    .collect();
                assert!(errors.is_empty(), "{hubspot}: {errors:#?}");
            }
            (Err(error), Err(words)) => assert!(error.reason.contains(words), "{hubspot}: {error}"),
            (found, _) => panic!("{hubspot}: {found:?}"),
        }
    }
}

#[test]
fn limits_are_filled_in_from_the_schemas_and_kept_where_given() {
    let mut config = defaults::config();
    find(&mut config.objects[0], "zip").max_length.connectwise = None;
    find(&mut config.objects[0], "city").max_length.connectwise = Some(20);
    assert_eq!(complete(&mut config, &schemas()), 1);
    assert_eq!(find(&mut config.objects[0], "zip").max_length.connectwise, Some(12));
    assert_eq!(find(&mut config.objects[0], "city").max_length.connectwise, Some(20));
}

fn contact_schemas() -> BySystem<Schema> {
    let object = defaults::contact();
    BySystem::from_fn(|system| {
        let mut fields: Vec<FieldDef> =
            object.fields.iter().map(|mapping| field(mapping.field(system).as_str(), mapping.kind)).collect();
        fields.push(FieldDef { unique: true, ..field("lockstep_cw_key", Text) });
        fields.extend(object.stamp(system).map(|stamp| field(stamp.as_str(), Text)));
        fields.sort_by(|a, b| a.name.cmp(&b.name));
        fields.dedup_by(|a, b| a.name == b.name);
        Schema { system, object: ObjectKind::Contact, fields }
    })
}

fn contact_errors(change: impl FnOnce(&mut Config)) -> Vec<String> {
    let mut config = defaults::config();
    change(&mut config);
    let findings = check(&config, &contact_schemas());
    findings.into_iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.message).collect()
}

#[test]
fn a_contact_needs_its_company_towards_each_system_that_it_is_created_in() {
    let company = |config: &mut Config, change: fn(&mut FieldMapping)| {
        let contact = config.object_mut(ObjectKind::Contact).unwrap();
        change(contact.fields.iter_mut().find(|field| field.connectwise.as_str() == "company").unwrap());
    };
    let lacking =
        |system: &str| format!("No contact is created in {system} without a company, and no mapping gives it.");
    assert_eq!(contact_errors(|_| {}), [""; 0]);
    assert_eq!(
        contact_errors(|config| company(config, |field| field.direction = Direction::ToConnectwise)),
        [lacking("HubSpot")]
    );
    let without = |config: &mut Config| {
        let contact = config.object_mut(ObjectKind::Contact).unwrap();
        contact.fields.retain(|field| field.connectwise.as_str() != "company");
    };
    assert_eq!(contact_errors(without), [lacking("HubSpot"), lacking("ConnectWise")]);
    let one_way = |config: &mut Config| {
        without(config);
        config.object_mut(ObjectKind::Contact).unwrap().create = CreatePolicy { hubspot: false, connectwise: true };
    };
    assert_eq!(contact_errors(one_way), [lacking("ConnectWise")]);
    let nameless = |config: &mut Config| {
        let contact = config.object_mut(ObjectKind::Contact).unwrap();
        contact.fields.retain(|field| field.connectwise.as_str() != "firstName");
    };
    assert_eq!(
        contact_errors(nameless),
        ["No contact is created in ConnectWise without a first name, and no mapping gives it."],
        "HubSpot makes do with an address"
    );
    assert_eq!(
        contact_errors(|config| company(config, |field| field.empty = ClearPolicy::Clear)),
        ["`associatedcompanyid~company` points to a company: Lockstep takes no record from its company."]
    );
}

#[test]
fn what_a_reference_points_to_must_be_mapped() {
    let errors = contact_errors(|config| config.objects.retain(|object| object.object == ObjectKind::Contact));
    assert_eq!(errors, ["`associatedcompanyid~company` points to a company, and companies are not mapped."]);
}

#[test]
fn a_new_ticket_needs_a_named_board_where_there_are_several() {
    let found = |boards: &[(&str, &str)], change: fn(&mut ObjectMapping)| {
        let mut config = defaults::config();
        config.objects.push(defaults::ticket("customFields/61".into(), "1"));
        change(config.object_mut(ObjectKind::Ticket).unwrap());
        let of = |system, fields| Schema { object: ObjectKind::Ticket, ..schema(system, fields) };
        let there =
            of(System::ConnectWise, vec![choice("board", boards), choice("board/status", &[("1/", "Help Desk")])]);
        let findings = check(&config, &BySystem::new(of(System::HubSpot, vec![]), there));
        findings.into_iter().find(|finding| finding.message.contains("board is named")).map(|finding| finding.hint)
    };
    let homeless = |mapping: &mut ObjectMapping| {
        for field in &mut mapping.fields {
            field.default = Defaults::default();
        }
    };
    let two = [("1", "Help Desk"), ("21", "Alerts")];
    assert_eq!(found(&two, |_| {}), None);
    let hint = found(&two, homeless).unwrap();
    assert!(hint.contains("\"21/\" is Alerts"), "{hint}");
    assert_eq!(found(&two[..1], homeless), None);
    let one_way = |mapping: &mut ObjectMapping| {
        mapping.direction = Direction::ToHubspot;
        for field in &mut mapping.fields {
            field.default = Defaults::default();
        }
    };
    assert_eq!(found(&two, one_way), None);
}

#[test]
fn what_is_about_the_configuration_as_a_whole_is_told_once_however_many_objects_it_has() {
    let mut config = defaults::config();
    assert!(config.objects.len() > 1);
    config.timing.poll = 3;
    let pairs: Vec<_> = config
        .objects
        .iter()
        .map(|object| schemas().map(|_, schema| Schema { object: object.object, ..schema.clone() }))
        .collect();
    let findings = check_all(&config, &pairs);
    let polling: Vec<_> = findings.iter().filter(|finding| finding.message.contains("Polling every 3 s")).collect();
    assert_eq!((polling.len(), polling[0].object), (1, None));
    config.timing.poll = 10;
    assert!(check_all(&config, &pairs).iter().all(|finding| finding.object.is_some()));
}

#[test]
fn several_options_go_into_one_where_the_value_map_says_which_counts() {
    let mut schemas = schemas();
    let types = schemas.connectwise.fields.iter_mut().find(|field| field.name.as_str() == "types").unwrap();
    types.options = vec![ChoiceOption { key: "1".into(), label: "Client".into(), ..ChoiceOption::default() }];
    let schemas = schemas;
    let found = |change: &dyn Fn(&mut crate::mapping::FieldMapping)| {
        let pair = (schemas.hubspot.field("industry").unwrap(), schemas.connectwise.field("types").unwrap());
        let mut field = suggest(pair.0, pair.1).unwrap();
        (field.direction, field.kind) = (Direction::ToHubspot, Choice);
        change(&mut field);
        let mut config = defaults::config();
        config.objects[0].fields.retain(|f| f.hubspot != field.hubspot && f.connectwise != field.connectwise);
        let key = field.key();
        config.objects[0].fields.push(field);
        let all = check(&config, &schemas).into_iter().filter(|f| f.field.as_ref() == Some(&key));
        all.map(|f| (f.severity, f.message)).collect::<Vec<_>>()
    };
    let with = |keys: &[&str]| {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        move |field: &mut crate::mapping::FieldMapping| {
            field.values.as_mut().unwrap().priority.clone_from(&keys);
        }
    };
    let key = "1";
    let told = found(&|_| {});
    assert!(
        told.iter().any(|(severity, text)| *severity == Severity::Error && text.contains("said which counts")),
        "{told:?}"
    );
    assert_eq!(found(&with(&[key])), []);
    let told = found(&with(&[key, "999"]));
    assert!(told.iter().any(|(_, text)| text.contains("no option \"999\": it never comes first")), "{told:?}");
    let told = found(&|field| {
        with(&[key])(field);
        field.direction = Direction::Both;
    });
    assert!(
        told.iter().any(|(severity, text)| *severity == Severity::Error && text.contains("replace them all")),
        "{told:?}"
    );
}

#[test]
fn a_default_for_what_has_no_partner_must_be_named_where_it_is_written() {
    use crate::mapping::Unmapped;
    let schemas = schemas();
    let mut config = defaults::config();
    let field = find(&mut config.objects[0], "country");
    field.values.as_mut().unwrap().unmapped = Unmapped::Default;
    let key = field.key();
    let told = |config: &Config| {
        let found = check(config, &schemas).into_iter().filter(|f| f.field.as_ref() == Some(&key));
        found.map(|f| f.message).filter(|text| text.contains("none is named for")).count()
    };
    assert_eq!(told(&config), 2, "for neither system");
    let there = schemas.connectwise.field("country").unwrap().options[0].key.clone();
    find(&mut config.objects[0], "country").default.connectwise = Some(there);
    assert_eq!(told(&config), 1);
}

#[test]
fn a_value_that_may_repeat_is_told_where_the_other_side_takes_each_once() {
    let mut schemas = schemas();
    let phone = schemas.hubspot.fields.iter_mut().find(|field| field.name.as_str() == "phone").unwrap();
    phone.unique = true;
    let told = |config: &Config, schemas: &BySystem<Schema>| {
        let found = check(config, schemas);
        found.into_iter().filter(|finding| finding.message.contains("takes each value once")).collect::<Vec<_>>()
    };
    let mut config = defaults::config();
    let found = told(&config, &schemas);
    assert_eq!((found.len(), found[0].severity), (1, Severity::Warning), "{found:?}");
    assert!(found[0].message.contains("`phoneNumber` of ConnectWise may repeat"), "{found:?}");
    let phone = config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "phone").unwrap();
    phone.direction = Direction::ToConnectwise;
    assert_eq!(told(&config, &schemas), [], "nothing is written to it");
    let mut config = defaults::config();
    let rule = MatchRule { hubspot: "phone".into(), connectwise: "phoneNumber".into(), by: MatchBy::Digits };
    config.objects[0].matching.push(rule);
    assert_eq!(told(&config, &schemas), [], "the second one is found to be the first");
}
