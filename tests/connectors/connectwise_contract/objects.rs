//! Every object against the simulated tenant: made, found by its stamp, changed, listed, read.

use lockstep::engine::driver::setup;
use lockstep::model::{FieldKind, Schema};

use super::*;

/// The simulated tenant, with a connector whose stamps lie in fields that the tenant has.
struct World {
    running: Running,
    psa: ConnectWise,
    schemas: BTreeMap<ObjectKind, Schema>,
}

const KINDS: [ObjectKind; 6] = [
    ObjectKind::Company,
    ObjectKind::Contact,
    ObjectKind::Deal,
    ObjectKind::Ticket,
    ObjectKind::Product,
    ObjectKind::Task,
];

impl World {
    /// With a part of the simulated tenant's behaviour switched.
    async fn new(switched: &Json) -> Self {
        let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
        switch(&running, switched);
        let looking = every_object(&running.connectwise_url, &running.credentials);
        let (mut schemas, mut stamps) = (BTreeMap::new(), BTreeMap::new());
        for object in KINDS {
            let live = looking.schema(object).await.unwrap();
            assert_eq!(live.warnings, Vec::new(), "{object}");
            let is_text =
                |field: &&lockstep::model::FieldDef| field.custom && field.kind == FieldKind::Text && !field.read_only;
            let own = live.schema.fields.iter().filter(is_text).map(|field| field.name.clone()).next();
            let stamp = match object {
                ObjectKind::Company | ObjectKind::Contact => Some("userDefinedField10".into()),
                _ => own,
            };
            stamps.extend(stamp.map(|stamp| (object, stamp)));
            schemas.insert(object, live.schema);
        }
        let c = &running.credentials;
        let credentials = connectwise::Credentials {
            site: "na.myconnectwise.net".into(),
            company: c.connectwise_company.clone(),
            public_key: c.connectwise_public_key.clone().into(),
            private_key: c.connectwise_private_key.clone().into(),
            client_id: c.connectwise_client_id.clone(),
        };
        let psa = ConnectWise::new(&credentials, stamps, &options(&running.connectwise_url)).unwrap();
        Self { running, psa, schemas }
    }

    /// The key of the first option of a field that is in use.
    fn option(&self, object: ObjectKind, field: &str) -> Value {
        let field = self.schemas[&object].field(field).unwrap();
        let option =
            field.options.iter().find(|option| !option.inactive).unwrap_or_else(|| panic!("{object} {}", field.name));
        Value::Choice(option.key.clone())
    }

    /// The communication field of that kind.
    fn communication(&self, kind: FieldKind) -> String {
        let is = |name: &str| name.starts_with("communications/") && !name.ends_with("extension");
        let fields = &self.schemas[&ObjectKind::Contact].fields;
        fields.iter().find(|field| is(field.name.as_str()) && field.kind == kind).unwrap().name.to_string()
    }

    async fn make(&self, object: ObjectKind, written: &[(&str, Value)]) -> Record {
        let made = applied(ask_of(&self.psa, object, create(object, written)).await);
        for (name, value) in written {
            assert_eq!(made.value(name).to_plain(), expected(value), "{object} {name}");
        }
        assert_eq!(made.stamp, Some(format!("{}:42", object.key())), "{object}");
        made
    }

    async fn change(&self, object: ObjectKind, id: RecordId, written: &[(&str, Value)]) -> Record {
        let fields = written.iter().map(|(name, _)| FieldName::new(name)).collect();
        let item = UpdateItem { intent: IntentId(8), id, values: values(written), stamp: None };
        let after = applied(ask_of(&self.psa, object, RequestBody::Update { fields, items: vec![item] }).await);
        for (name, value) in written {
            assert_eq!(after.value(name).to_plain(), expected(value), "{object} {name}");
        }
        after
    }

    /// Found by its stamp, by its id, in the list and among the changes.
    async fn find(&self, object: ObjectKind, id: RecordId) {
        let stamps = vec![format!("{}:42", object.key()), format!("{}:1", object.key())];
        let body = RequestBody::FindStamped { fields: Vec::new(), stamps };
        let AnswerBody::Stamped { found } = ask_of(&self.psa, object, body).await else {
            panic!("{object}: not looked up")
        };
        let told: Vec<_> = found.iter().map(|(_, records)| ids(records)).collect();
        assert_eq!(told, [vec![id.0], vec![]], "{object}");
        let answer = ask_of(&self.psa, object, read(&[], &[id.0, 99_999_999])).await;
        let AnswerBody::Records { found } = answer else { panic!("{object}: {answer:?}") };
        assert_eq!((found[0].1.as_ref().map(|record| record.id), &found[1].1), (Some(id), &None), "{object}");
        let (records, ..) = page(ask_of(&self.psa, object, list(&[], Some(id.0 - 1), 1)).await);
        assert_eq!(ids(&records), [id.0], "{object}");
        let now = Timestamp(self.running.control.now_ms());
        let from = now - std::time::Duration::from_secs(60);
        let body = RequestBody::Changes { fields: Vec::new(), from, until: Timestamp::MAX, after: None, limit: 1000 };
        let (records, ..) = page(ask_of(&self.psa, object, body).await);
        assert!(ids(&records).contains(&id.0), "{object}");
    }
}

/// Switches a part of the simulated tenant's behaviour.
pub fn switch(running: &Running, switched: &Json) {
    let mut behaviour = running.control.behaviour();
    let mut all = serde_json::to_value(&behaviour.connectwise).unwrap();
    for (name, value) in switched.as_object().unwrap() {
        all[name] = value.clone();
    }
    behaviour.connectwise = serde_json::from_value(all).unwrap();
    running.control.set_behaviour(behaviour);
}

/// Dates are answered as midnight.
fn expected(value: &Value) -> String {
    match value {
        Value::Date(date) => format!("{date}T00:00:00Z"),
        value => value.to_plain(),
    }
}

fn id_of(record: &Record) -> Value {
    Value::Choice(record.id.to_string())
}

#[tokio::test]
async fn every_object_is_made_found_changed_listed_and_read() {
    round(&World::new(&json!({})).await).await;
}

/// Whatever of the unverified is true: the same records, the same words.
#[tokio::test]
async fn every_object_lives_through_whatever_the_tenant_does() {
    for switched in [
        json!({"nul_in_text": true}),
        json!({"ids_as_text": true}),
        json!({"explicit_nulls": true, "empty_reference": "braces"}),
        json!({"empty_reference": "info_only"}),
        json!({"forecast_is_array": false}),
        json!({"forecast_is_array": true}),
        json!({"custom_fields_always": true}),
        json!({"custom_fields_whole": true, "child_touches_parent": false}),
        json!({"custom_fields_whole": false, "child_touches_parent": true}),
        json!({"empty_text_clears": false}),
        json!({"trims": true, "phone_digits": false, "contact_lengths": true}),
        json!({"release": "2026.11"}),
        json!({"release": "2021.1"}),
        json!({"on_premise": true, "uri_limit": 2000}),
    ] {
        println!("{switched}");
        round(&World::new(&switched).await).await;
    }
}

async fn round(world: &World) {
    let company = world
        .make(
            ObjectKind::Company,
            &[
                ("name", text("Acme Dental")),
                ("identifier", text("ACMEDENTAL")),
                ("types", Value::Choices(vec![world.option(ObjectKind::Company, "types").to_plain()])),
            ],
        )
        .await;
    world.find(ObjectKind::Company, company.id).await;
    let types = world.schemas[&ObjectKind::Company].field("types").unwrap();
    let last = types.options.last().unwrap().key.clone();
    world
        .change(ObjectKind::Company, company.id, &[("types", Value::Choices(vec![last])), ("city", text("Ulm"))])
        .await;

    let (mail, phone) = (world.communication(FieldKind::Email), world.communication(FieldKind::Phone));
    let contact = world
        .make(
            ObjectKind::Contact,
            &[("firstName", text("Ada")), ("company", id_of(&company)), (&mail, text("ada@acme.example"))],
        )
        .await;
    world.find(ObjectKind::Contact, contact.id).await;
    let extension = format!("{phone}/extension");
    world
        .change(
            ObjectKind::Contact,
            contact.id,
            &[
                (&mail, text("a.l@acme.example")),
                (&phone, text("5550100")),
                (&extension, text("12")),
                ("title", text("CEO")),
            ],
        )
        .await;
    world.change(ObjectKind::Contact, contact.id, &[(&phone, Value::Empty)]).await;

    let day = Value::Date(jiff_date());
    let deal = world
        .make(
            ObjectKind::Deal,
            &[
                ("name", text("Firewall")),
                ("company", id_of(&company)),
                ("contact", id_of(&contact)),
                ("primarySalesRep", world.option(ObjectKind::Deal, "primarySalesRep")),
                ("expectedCloseDate", day),
                ("amount", Value::Number(500.into())),
            ],
        )
        .await;
    world.find(ObjectKind::Deal, deal.id).await;
    world
        .change(ObjectKind::Deal, deal.id, &[("amount", Value::Number(750.into())), ("name", text("Firewalls"))])
        .await;
    let (lines, ..) = page(ask_of(&world.psa, ObjectKind::LineItem, list(&["revenue"], Some(deal.id.0 - 1), 1)).await);
    assert_eq!(lines, [], "the amount is no line item");

    let board = world.option(ObjectKind::Ticket, "board");
    let statuses = &world.schemas[&ObjectKind::Ticket].field("status").unwrap().options;
    let fitting = |option: &&lockstep::model::ChoiceOption| {
        option.parent.as_deref() == Some(&board.to_plain()) && !option.inactive
    };
    let status = Value::Choice(statuses.iter().find(fitting).unwrap().key.clone());
    let ticket = world
        .make(
            ObjectKind::Ticket,
            &[("summary", text("No mail")), ("company", id_of(&company)), ("board", board.clone()), ("status", status)],
        )
        .await;
    world.find(ObjectKind::Ticket, ticket.id).await;
    let closed =
        statuses.iter().filter(fitting).find(|option| option.outcome == Some(lockstep::model::StageOutcome::Closed));
    world.change(ObjectKind::Ticket, ticket.id, &[("status", Value::Choice(closed.unwrap().key.clone()))]).await;

    let product = world
        .make(
            ObjectKind::Product,
            &[
                ("identifier", text("SWITCH-48")),
                ("description", text("Switch, 48 ports")),
                ("customerDescription", text("A switch")),
                ("subcategory", world.option(ObjectKind::Product, "subcategory")),
                ("type", world.option(ObjectKind::Product, "type")),
                ("price", Value::Number(900.into())),
                ("taxableFlag", Value::Bool(true)),
            ],
        )
        .await;
    world.find(ObjectKind::Product, product.id).await;
    world
        .change(
            ObjectKind::Product,
            product.id,
            &[("price", Value::Number(950.into())), ("inactiveFlag", Value::Bool(true))],
        )
        .await;

    let task = world
        .make(
            ObjectKind::Task,
            &[
                ("name", text("Call back")),
                ("assignTo", world.option(ObjectKind::Task, "assignTo")),
                ("contact", id_of(&contact)),
                ("dateStart", Value::DateTime(Timestamp::from_secs(1_767_312_000))),
            ],
        )
        .await;
    world.find(ObjectKind::Task, task.id).await;
    world.change(ObjectKind::Task, task.id, &[("name", text("Called back"))]).await;
}

#[tokio::test]
async fn an_activity_is_found_by_its_stamp_also_after_a_person_changed_its_type() {
    let World { running, psa, schemas } = World::new(&json!({})).await;
    let types = &schemas[&ObjectKind::Task].field("type").unwrap().options;
    let [task, call] = [0, 1].map(|at| RecordId(types[at].key.parse().unwrap()));
    let kinds = BTreeMap::from([(ObjectKind::Task, vec![task]), (ObjectKind::Call, vec![call])]);
    let world = World { running, psa: psa.with_activity_types(ActivityTypes::new(kinds)), schemas };
    let member = world.option(ObjectKind::Task, "assignTo");
    let made = world.make(ObjectKind::Task, &[("name", text("Call back")), ("assignTo", member)]).await;
    world.find(ObjectKind::Task, made.id).await;
    let by_hand = json!({"type": {"id": call.0}});
    let edited = world.running.control.edit(
        sim::Side::ConnectWise,
        sim::Object::Activity,
        made.id.0,
        by_hand.as_object().unwrap(),
        None,
    );
    edited.unwrap();
    let listed = page(ask_of(&world.psa, ObjectKind::Task, list(&[], Some(made.id.0 - 1), 1)).await).0;
    assert_eq!(ids(&listed), Vec::<u64>::new(), "it is a call now");
    let body = RequestBody::FindStamped { fields: Vec::new(), stamps: vec!["task:42".into()] };
    let AnswerBody::Stamped { found } = ask_of(&world.psa, ObjectKind::Task, body).await else {
        panic!("not answered")
    };
    assert_eq!(ids(&found[0].1), [made.id.0]);
}

#[tokio::test]
async fn the_configuration_says_which_types_are_which_activity() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let c = &running.credentials;
    let connection = setup::ConnectWiseConnection {
        site: running.connectwise_url.clone(),
        company: c.connectwise_company.clone(),
        public_key: c.connectwise_public_key.clone(),
        client_id: c.connectwise_client_id.clone(),
    };
    let connection = setup::Connection::ConnectWise(connection, c.connectwise_private_key.clone().into());
    let looking = every_object(&running.connectwise_url, c);
    let (all, ..) = page(ask_of(&looking, ObjectKind::Task, list(&["type"], None, 1000)).await);
    let held: std::collections::BTreeSet<String> = all.iter().map(|one| one.value("type").to_plain()).collect();
    let types: Vec<&String> = held.iter().filter(|kind| !kind.is_empty()).collect();
    assert!(types.len() >= 2, "the story has activities of two types: {held:?}");
    let mapping = |object: &str, kind: &str| {
        format!(
            "[[object]]\nobject = '{object}'\nhubspot_stamp = 'a'\nconnectwise_stamp = 'customFields/90'\nactivity_types = [{kind}]\n"
        )
    };
    let config = lockstep::mapping::toml::read(&(mapping("call", types[0]) + &mapping("meeting", types[1]))).unwrap();
    let psa = connection.connector(&config, lockstep::engine::driver::Clock::start(), Arc::new(|_: &_| ())).unwrap();
    for (object, kind) in [(ObjectKind::Call, types[0]), (ObjectKind::Meeting, types[1])] {
        let (records, ..) = page(ask_of(&*psa, object, list(&["type"], None, 1000)).await);
        let of_kind: Vec<u64> =
            all.iter().filter(|one| one.value("type").to_plain() == **kind).map(|one| one.id.0).collect();
        assert_eq!(ids(&records), of_kind, "{object}");
    }
    let (tasks, ..) = page(ask_of(&*psa, ObjectKind::Task, list(&[], None, 1000)).await);
    assert_eq!(ids(&tasks), Vec::<u64>::new(), "no type is a task's");
}

#[tokio::test]
async fn a_probability_that_follows_the_stage_is_accepted_and_ignored() {
    let world = World::new(&json!({"lock_probability": true})).await;
    round(&world).await;
    let (deals, ..) = page(ask_of(&world.psa, ObjectKind::Deal, list(&["probability"], None, 1)).await);
    let held = deals[0].value("probability").to_plain();
    let options = &world.schemas[&ObjectKind::Deal].field("probability").unwrap().options;
    let other = options.iter().find(|option| option.key != held).unwrap();
    let item = UpdateItem {
        intent: IntentId(8),
        id: deals[0].id,
        values: values(&[("probability", Value::Choice(other.key.clone()))]),
        stamp: None,
    };
    let answer = ask_of(
        &world.psa,
        ObjectKind::Deal,
        RequestBody::Update { fields: names(&["probability"]), items: vec![item] },
    )
    .await;
    match outcome(answer) {
        ItemOutcome::Rejected(refusal) => {
            assert!(refusal.message.contains("accepted the change of probability and ignored it"), "{refusal:?}")
        }
        // Where ConnectWise says that it changed something just now, the record as it is tells the engine.
        ItemOutcome::Applied(record) => assert_eq!(record.value("probability").to_plain(), held),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn poisoned_records_are_left_out_of_every_list_and_told_by_the_doctor() {
    let world = World::new(&json!({})).await;
    round(&world).await;
    let paths = [
        (ObjectKind::Company, "company/companies"),
        (ObjectKind::Contact, "company/contacts"),
        (ObjectKind::Deal, "sales/opportunities"),
        (ObjectKind::Ticket, "service/tickets"),
        (ObjectKind::Task, "sales/activities"),
    ];
    for (object, path) in paths {
        let (records, ..) = page(ask_of(&world.psa, object, list(&[], None, 1000)).await);
        let bad = records[records.len() / 2].id.0;
        switch(&world.running, &json!({"poisoned": {path: [bad]}}));
        let (left, last, more) = page(ask_of(&world.psa, object, list(&[], None, 1000)).await);
        let expected: Vec<u64> = ids(&records).into_iter().filter(|id| *id != bad).collect();
        assert_eq!((ids(&left), more), (expected, false), "{object}");
        assert_eq!(last, records.last().map(|record| record.id), "{object}");
        switch(&world.running, &json!({"poisoned": {}}));
        let need = lockstep::connect::Need {
            object,
            reads: true,
            creates: false,
            updates: false,
            amount: lockstep::connect::Amount::Unmapped,
        };
        let findings = world.psa.examine(&[need]).await.unwrap().findings;
        assert!(
            findings.iter().any(|finding| finding.what.contains(&format!(" {bad} itself"))),
            "{object}: {findings:?}"
        );
    }
}

/// Rows of the role that the published list asks for and no request of this connector needs, or that only a change of
/// a closed record would show.
const UNUSED: [&str; 11] = [
    "Companies/Company/Contact Group Maintenance",
    "Companies/Notes",
    "Companies/Reports",
    "Companies/Team Members",
    "Marketing/ConnectWise Campaign",
    "Marketing/Marketing Reports",
    "Procurement/Product Billable Option",
    "Procurement/Products",
    "Sales/Reports",
    "System/API Reports",
    "System/Member Maintenance - Finance",
];

#[tokio::test]
async fn each_row_of_the_published_role_that_is_taken_away_is_named() {
    let world = World::new(&json!({})).await;
    let role = serde_json::to_value(sim::Role::published()).unwrap();
    let all = |object| lockstep::connect::Need {
        object,
        reads: true,
        creates: true,
        updates: true,
        amount: lockstep::connect::Amount::Written,
    };
    let needs = ObjectKind::ALL.map(all);
    let mut unnamed = Vec::new();
    for (row, permit) in role["rows"].as_object().unwrap() {
        for (column, level) in permit.as_object().unwrap() {
            // Of call-backs, which are a matter of choice, only the list is looked at.
            let only_listed = row == "System/Manage Hosted API" && column != "inquire";
            if level == "NONE" || only_listed || UNUSED.contains(&row.as_str()) {
                continue;
            }
            let mut less = role.clone();
            less["rows"][row][column] = json!("NONE");
            switch(&world.running, &json!({"role": less}));
            let findings = world.psa.examine(&needs).await.unwrap_or_default().findings;
            let (module, permission) = row.split_once('/').unwrap();
            let wanted = format!("{module} / {permission} / {}", column.to_uppercase());
            // What only a change of a closed record would show is told as what cannot be seen.
            let unseen = matches!(row.as_str(), "Sales/Closed Opportunity" | "Service Desk/Close Service Tickets");
            let names = |finding: &lockstep::connect::Finding| {
                let told = if unseen { &finding.what } else { &finding.remedy };
                told.to_uppercase().contains(&wanted.to_uppercase())
            };
            if !findings.iter().any(names) {
                unnamed.push(wanted);
            }
        }
    }
    assert_eq!(unnamed, Vec::<String>::new());
}

fn jiff_date() -> jiff::civil::Date {
    jiff::civil::date(2026, 3, 29)
}
