//! Service tickets below their companies: where they stand, whose they are, and that nothing is made twice.

use lockstep::engine::core::plan::FieldNext;
use lockstep::mapping::ValuePair;
use lockstep::sim::{HELP_DESK, TICKET_KEY_FIELD};
use reqwest::Method;

use super::contacts::contact;
use super::*;

const fn ticket(system: System, id: u64) -> RecordRef {
    RecordRef::new(ObjectKind::Ticket, system, RecordId(id))
}

async fn bench() -> Bench {
    let add = |config: &mut Config| {
        config.objects.push(defaults::ticket(TICKET_KEY_FIELD.into(), &HELP_DESK.to_string()));
    };
    Bench::with(Data::Empty, add).await
}

impl Bench {
    /// A person makes a ticket of that company in HubSpot.
    fn hubspot_ticket(&self, company: u64, subject: &str, more: &[(&str, Json)]) -> u64 {
        let mut fields =
            map(&[("subject", json!(subject)), ("hs_pipeline", json!("0")), ("hs_pipeline_stage", json!("1"))]);
        fields.extend(map(more));
        let id = self.running.control.create(HUBSPOT, Object::Ticket, &fields, None).unwrap();
        self.running.control.associate(HUBSPOT, (Object::Ticket, id), (Object::Company, company), true, None).unwrap();
        id
    }

    fn service_ticket(&self, company: u64, summary: &str, more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[("summary", json!(summary)), ("company", json!({ "id": company }))]);
        fields.extend(map(more));
        self.running.control.create(CONNECTWISE, Object::Ticket, &fields, None).unwrap()
    }

    fn ticket_value(&self, side: Side, id: u64, field: &str) -> Json {
        self.running.control.record(side, Object::Ticket, id).unwrap()[field].clone()
    }

    fn edit_ticket(&self, side: Side, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(side, Object::Ticket, id, &map(fields), None).unwrap();
    }

    /// Board and status of a service ticket, by id.
    fn place(&self, id: u64) -> (u64, u64) {
        let part = |name| self.ticket_value(CONNECTWISE, id, name)["id"].as_u64().unwrap();
        (part("board"), part("status"))
    }

    fn stage(&self, id: u64) -> (String, String) {
        let part = |name| self.ticket_value(HUBSPOT, id, name).as_str().unwrap().to_owned();
        (part("hs_pipeline"), part("hs_pipeline_stage"))
    }

    fn partner_of(&self, of: RecordRef) -> u64 {
        let (there, state) = self.partner(of).unwrap();
        assert_eq!(state, LinkState::Active);
        there
    }

    /// The texts of a service ticket's notes.
    async fn notes(&self, id: u64) -> Vec<String> {
        let credentials = &self.running.credentials;
        let user = format!("{}+{}", credentials.connectwise_company, credentials.connectwise_public_key);
        let url = format!("{}/v4_6_release/apis/3.0/service/tickets/{id}/notes", self.running.connectwise_url);
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = client
            .get(url)
            .basic_auth(user, Some(&credentials.connectwise_private_key))
            .header("clientId", &credentials.connectwise_client_id);
        let notes: Vec<Json> = call.send().await.unwrap().json().await.unwrap();
        notes.iter().map(|note| note["text"].as_str().unwrap().to_owned()).collect()
    }

    fn tickets(&self, side: Side) -> usize {
        self.running.control.records(side, Object::Ticket, 0, 1000).len()
    }
}

fn named(pipeline: &str, stage: &str) -> (String, String) {
    (pipeline.to_owned(), stage.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hubspot_ticket_crosses_with_its_company_contact_board_priority_and_owner_and_comes_to_rest() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let person = bench.hubspot_contact("pat@acme.example.com", Some(company));
    let more = [
        ("content", json!("Since today.")),
        ("hs_ticket_priority", json!("HIGH")),
        ("hubspot_owner_id", json!("70100011")),
    ];
    let here = bench.hubspot_ticket(company, "No mail", &more);
    let to = (Object::Contact, person);
    bench.running.control.associate(HUBSPOT, (Object::Ticket, here), to, false, None).unwrap();
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    let there = bench.partner_of(ticket(System::HubSpot, here));
    let value = |field| bench.ticket_value(CONNECTWISE, there, field);
    assert_eq!(value("summary"), "No mail");
    assert_eq!(bench.place(there), (HELP_DESK, 16), "all three in one run");
    assert_eq!(value("company")["id"], bench.only(CONNECTWISE, "Acme"));
    assert_eq!(value("contact")["id"], bench.partner_of(contact(System::HubSpot, person)));
    assert_eq!((&value("priority")["id"], &value("owner")["identifier"]), (&json!(2), &json!("mvance")));
    let custom = value("customFields");
    let key = custom.as_array().unwrap().iter().find(|field| field["id"] == 61).unwrap()["value"].clone();
    assert_eq!(key, format!("ticket:{here}"), "a repeat of the create would be recognised");
    assert_eq!(bench.notes(there).await, ["Since today."]);
    bench.settle().await;
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    // The description went with the new ticket alone: ConnectWise made a note of it.
    bench.edit_ticket(HUBSPOT, here, &[("content", json!("Since yesterday."))]);
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    assert_eq!(bench.status(ticket(System::HubSpot, here)).state, RecordState::InSync);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_ticket_crosses_and_is_edited_from_both_sides() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let of = bench.partner(at(System::HubSpot, company)).unwrap().0;
    let there = bench.service_ticket(of, "No mail", &[("status", json!({"id": 17})), ("priority", json!({"id": 1}))]);
    bench.settle().await;
    let here = bench.partner_of(ticket(System::ConnectWise, there));
    assert_eq!(bench.stage(here), named("0", "3"));
    assert_eq!(bench.ticket_value(HUBSPOT, here, "hs_ticket_priority"), "URGENT");
    assert_eq!(bench.ticket_value(HUBSPOT, here, "hs_primary_company_id"), company.to_string());
    bench.edit_ticket(HUBSPOT, here, &[("subject", json!("No mail at all")), ("hs_ticket_priority", json!("LOW"))]);
    bench.edit_ticket(CONNECTWISE, there, &[("status", json!({"id": 18}))]);
    bench.settle().await;
    assert_eq!(bench.ticket_value(CONNECTWISE, there, "summary"), "No mail at all");
    assert_eq!(bench.ticket_value(CONNECTWISE, there, "priority")["id"], 4);
    assert_eq!(bench.stage(here), named("0", "2"));
    assert_eq!((bench.tickets(HUBSPOT), bench.tickets(CONNECTWISE)), (1, 1));
    let plan = bench.push(ticket(System::HubSpot, here), System::ConnectWise, true).await.plan;
    let described = plan.fields.iter().find(|field| field.names.hubspot.as_str() == "content").unwrap();
    assert_eq!(described.next, FieldNext::Same, "nobody described it: no difference to show");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closed_and_reopened_cross_both_ways_on_the_board_where_the_ticket_is() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let of = bench.partner(at(System::HubSpot, company)).unwrap().0;
    let there = bench.service_ticket(of, "Disk full", &[("board", json!({"id": 21})), ("status", json!({"id": 31}))]);
    bench.settle().await;
    let here = bench.partner_of(ticket(System::ConnectWise, there));
    bench.edit_ticket(HUBSPOT, here, &[("hs_pipeline_stage", json!("4"))]);
    bench.settle().await;
    assert_eq!(bench.place(there), (21, 32));
    assert_eq!(bench.ticket_value(CONNECTWISE, there, "closedFlag"), true);
    bench.edit_ticket(CONNECTWISE, there, &[("status", json!({"id": 31}))]);
    bench.settle().await;
    assert_eq!(bench.stage(here), named("0", "1"), "reopened");
    // That board has nothing for "waiting on us": the ticket stays on it, and a person is asked.
    bench.edit_ticket(HUBSPOT, here, &[("hs_pipeline_stage", json!("3"))]);
    bench.settle().await;
    assert_eq!(bench.place(there), (21, 31));
    let status = bench.status(ticket(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Held, "{}", status.why);
    let issues = bench.workspace.reader().unwrap().issues_of(ticket(System::HubSpot, here)).unwrap();
    assert!(issues.iter().any(|issue| issue.message.contains("board/status")), "{issues:?}");
    // Somebody moves it by hand to the board that has.
    bench.edit_ticket(CONNECTWISE, there, &[("board", json!({"id": 1})), ("status", json!({"id": 17}))]);
    bench.settle().await;
    assert_eq!((bench.stage(here), bench.place(there)), (named("0", "3"), (1, 17)));
    assert_eq!(bench.status(ticket(System::HubSpot, here)).state, RecordState::InSync);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_board_with_a_pipeline_of_its_own_takes_its_tickets_there_and_back() {
    let bench = bench().await;
    let stages = json!([{"label": "Raised", "metadata": {"ticketState": "OPEN"}},
        {"label": "Gone", "metadata": {"ticketState": "CLOSED"}}]);
    let body = json!({"label": "Machines", "displayOrder": 1, "stages": stages});
    let made = bench.hubspot_call(Method::POST, "/crm/v3/pipelines/tickets", Some(body)).await;
    let made: Json = made.json().await.unwrap();
    let id = |json: &Json| json["id"].as_str().unwrap().to_owned();
    let (pipeline, open, done) = (id(&made), id(&made["stages"][0]), id(&made["stages"][1]));
    bench.deploy(|config| {
        let mapping = config.object_mut(ObjectKind::Ticket).unwrap();
        let field = mapping.fields.iter_mut().find(|field| field.connectwise.as_str() == "board/status").unwrap();
        let pair = ValuePair { hubspot: open.clone(), connectwise: "label:Alerts · New".to_owned() };
        field.values.as_mut().unwrap().pairs.push(pair);
    });
    bench.examine().await;
    let company = bench.create(HUBSPOT, "Acme");
    let here = bench.hubspot_ticket(company, "Disk full", &[]);
    bench.settle().await;
    let there = bench.partner_of(ticket(System::HubSpot, here));
    assert_eq!(bench.place(there), (HELP_DESK, 16));
    bench.edit_ticket(CONNECTWISE, there, &[("board", json!({"id": 21})), ("status", json!({"id": 31}))]);
    bench.settle().await;
    assert_eq!(bench.stage(here), (pipeline.clone(), open));
    bench.edit_ticket(CONNECTWISE, there, &[("status", json!({"id": 32}))]);
    bench.settle().await;
    assert_eq!(bench.stage(here), (pipeline, done));
    bench.edit_ticket(HUBSPOT, here, &[("hs_pipeline", json!("0")), ("hs_pipeline_stage", json!("2"))]);
    bench.settle().await;
    assert_eq!(bench.place(there), (HELP_DESK, 18), "and back to the help desk");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_waits_for_its_company_and_needs_no_contact() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    bench.edit(HUBSPOT, company, "domain", "acme.example.com");
    // ConnectWise takes no company without a name.
    bench.edit(HUBSPOT, company, "name", "");
    let here = bench.hubspot_ticket(company, "No mail", &[]);
    bench.settle().await;
    assert_eq!((bench.tickets(CONNECTWISE), bench.partner(ticket(System::HubSpot, here))), (0, None));
    let status = bench.status(ticket(System::HubSpot, here));
    assert_eq!(status.state, RecordState::Waiting, "{}", status.why);
    bench.edit(HUBSPOT, company, "name", "Acme");
    bench.settle().await;
    let there = bench.partner_of(ticket(System::HubSpot, here));
    assert_eq!(bench.ticket_value(CONNECTWISE, there, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    assert_eq!(bench.ticket_value(CONNECTWISE, there, "contact"), Json::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_under_faults_are_made_once_each() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    bench.settle().await;
    let of = bench.partner(at(System::HubSpot, company)).unwrap().0;
    let here: Vec<u64> = (0..8).map(|n| bench.hubspot_ticket(company, &format!("Ours {n}"), &[])).collect();
    let there: Vec<u64> = (0..8).map(|n| bench.service_ticket(of, &format!("Theirs {n}"), &[])).collect();
    let lost = |side, path: &str| {
        let rule = FaultRule::once(Fault::DropAfterCommit).on(side).method("POST").path(path);
        FaultRule { count: Some(4), ..rule.with_probability(0.5) }
    };
    bench.running.control.inject(lost(CONNECTWISE, "service/tickets"));
    bench.running.control.inject(lost(HUBSPOT, "batch/create"));
    bench.settle().await;
    for (system, ids) in [(System::HubSpot, here), (System::ConnectWise, there)] {
        for id in ids {
            bench.partner_of(ticket(system, id));
        }
    }
    assert_eq!((bench.tickets(HUBSPOT), bench.tickets(CONNECTWISE)), (16, 16));
}

/// People in ConnectWise merge tickets: the HubSpot ticket of the one that went is the partner of the one that stays, and what
/// changes there crosses. Of two partners one waits for a person, who merges it as advised.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merge_of_service_tickets_is_followed() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let [one, other] = ["No mail", "No net"].map(|subject| bench.hubspot_ticket(company, subject, &[]));
    bench.settle().await;
    let [first, second] = [one, other].map(|id| bench.partner_of(ticket(System::HubSpot, id)));
    let at = bench.only(CONNECTWISE, "Acme");
    let new = bench.service_ticket(at, "No mail and no net", &[("board", json!({"name": "Help Desk"}))]);
    let merge = |into, from| bench.running.control.merge(CONNECTWISE, Object::Ticket, into, from, None).unwrap();
    merge(new, first);
    bench.settle().await;
    assert_eq!(bench.partner_of(ticket(System::HubSpot, one)), new);
    assert_eq!(bench.ticket_value(HUBSPOT, one, "lockstep_cw_key"), format!("ticket:{new}"));
    assert_eq!(bench.tickets(HUBSPOT), 2, "the new one has no copy of its own");
    bench.edit_ticket(CONNECTWISE, new, &[("summary", json!("No mail"))]);
    bench.settle().await;
    assert_eq!(bench.ticket_value(HUBSPOT, one, "subject"), "No mail");
    merge(new, second);
    bench.settle().await;
    let held = bench.status(ticket(System::HubSpot, other));
    assert_eq!(held.state, RecordState::Held);
    assert!(held.why.contains(&format!("is linked with HubSpot ticket {one}")), "{}", held.why);
    let survivor = bench.running.control.merge(HUBSPOT, Object::Ticket, one, other, None).unwrap();
    bench.settle().await;
    assert_eq!(bench.partner_of(ticket(System::HubSpot, survivor)), new);
    let status = bench.status(ticket(System::HubSpot, survivor));
    assert_eq!(status.state, RecordState::InSync, "{}", status.why);
}
