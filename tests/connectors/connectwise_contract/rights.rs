//! The doctor: a right that is missing is named by its row and column, and nothing is written to find out.

use std::collections::BTreeSet;

use lockstep::connect::{Amount, Finding, Need, Severity};
use lockstep::model::Right;
use lockstep::sim::{Object, Side};

use super::lines::Office;
use super::*;

pub const fn all(object: ObjectKind) -> Need {
    let amount = if matches!(object, ObjectKind::Deal) { Amount::Written } else { Amount::Unmapped };
    Need { object, reads: true, creates: true, updates: true, amount }
}

/// A tenant with a little of everything, that refuses what `denied` says.
fn healthy(asked: &Asked) -> (u16, Json) {
    let path = asked.path.as_str();
    match (asked.method.as_str(), path) {
        ("GET", "/system/info") => (200, json!({"version": "v2025.1.1"})),
        ("GET", "/system/myCompany/crm") => (200, json!({"id": 1})),
        ("GET", _) if path.ends_with("/count") => (200, json!({"count": 3})),
        ("GET", "/sales/opportunities/0/forecast") => not_found(),
        ("GET", "/company/contacts" | "/sales/opportunities" | "/service/tickets") => {
            (200, json!([{"id": 1, "company": {"id": 5}, "contact": {"id": 1}, "opportunity": {"id": 1}}]))
        }
        ("GET", "/company/companies") => (200, json!([{"id": 5}])),
        ("GET", _) => (200, json!([{"id": 1, "name": "A"}])),
        ("POST", _) => invalid("The name field is required.", "name"),
        ("PATCH", _) => not_found(),
        _ => (405, json!({"message": "no"})),
    }
}

async fn tenant(denied: Option<(&'static str, &'static str)>) -> Tenant {
    Tenant::new(move |asked| match denied {
        Some((method, path)) if asked.method == method && asked.path == path => {
            (403, json!({"code": "Security", "message": "You do not have security permission to perform this action."}))
        }
        _ => healthy(asked),
    })
    .await
}

fn told(findings: &[Finding], severity: Severity) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.severity == severity).collect()
}

#[tokio::test]
async fn each_right_that_is_taken_away_is_named_and_nothing_is_written() {
    let needs = ObjectKind::ALL.map(all);
    let table = [
        ("GET", "/company/companies", "Companies / Company Maintenance / Inquire"),
        ("POST", "/company/companies", "Companies / Company Maintenance / Add"),
        ("PATCH", "/company/companies/0", "Companies / Company Maintenance / Edit"),
        ("GET", "/company/contacts", "Companies / Contacts / Inquire"),
        ("POST", "/company/contacts", "Companies / Contacts / Add"),
        ("PATCH", "/company/contacts/0", "Companies / Contacts / Edit"),
        ("GET", "/sales/opportunities", "Sales / Opportunity / Inquire"),
        ("POST", "/sales/opportunities", "Sales / Opportunity / Add"),
        ("PATCH", "/sales/opportunities/0", "Sales / Opportunity / Edit"),
        ("GET", "/sales/opportunities/0/forecast", "Sales / Opportunity Finance / Inquire"),
        ("POST", "/sales/opportunities/0/forecast/0", "Sales / Opportunity Finance / Add"),
        ("PATCH", "/sales/opportunities/0/forecast/0", "Sales / Opportunity Finance / Edit"),
        ("GET", "/service/tickets", "Service Desk / Service Tickets / Inquire"),
        ("POST", "/service/tickets", "Service Desk / Service Tickets / Add"),
        ("PATCH", "/service/tickets/0", "Service Desk / Service Tickets / Edit"),
        ("GET", "/procurement/catalog", "Procurement / Product Catalog / Inquire"),
        ("GET", "/sales/activities", "Companies / CRM/Sales Activities / Inquire"),
        ("POST", "/sales/activities", "Companies / CRM/Sales Activities / Add"),
        ("PATCH", "/sales/activities/0", "Companies / CRM/Sales Activities / Edit"),
        ("GET", "/system/members", "System / Member Maintenance / Inquire"),
        ("GET", "/system/myCompany/crm", "System / My Company / Inquire"),
        (
            "GET",
            "/company/companies/statuses",
            "System / Table Setup / Inquire to All (customise: allow Companies / Company Status)",
        ),
        (
            "GET",
            "/company/companies/types",
            "System / Table Setup / Inquire to All (customise: allow Companies / Company Type)",
        ),
        ("GET", "/company/countries", "System / Table Setup / Inquire to All (customise: allow Companies / Country)"),
        ("GET", "/finance/currencies", "System / Table Setup / Inquire to All (customise: allow Companies / Currency)"),
        (
            "GET",
            "/company/communicationTypes",
            "System / Table Setup / Inquire to All (customise: allow Contacts / Communication Type)",
        ),
        (
            "GET",
            "/sales/stages",
            "System / Table Setup / Inquire to All (customise: allow Opportunities / Sales Stage)",
        ),
        (
            "GET",
            "/sales/probabilities",
            "System / Table Setup / Inquire to All (customise: allow Opportunities / Sales Probability)",
        ),
        ("GET", "/service/boards", "System / Table Setup / Inquire to All (customise: allow Service / Service Board)"),
        (
            "GET",
            "/system/userDefinedFields",
            "System / Table Setup / Inquire to All (customise: allow General / Custom Fields)",
        ),
    ];
    for (method, path, row) in table {
        let tenant = tenant(Some((method, path))).await;
        let findings = tenant.psa.examine(&needs).await.unwrap().findings;
        let named = findings.iter().filter(|finding| finding.remedy.contains(row) && finding.what.contains("missing"));
        assert!(named.count() >= 1, "{method} {path}: {:?}", told(&findings, Severity::Problem));
        for call in tenant.calls() {
            let harmless = match call.method.as_str() {
                "GET" => true,
                "POST" => call.body.is_string(),
                "PATCH" => call.body == json!([]) && call.path.ends_with("/0"),
                _ => false,
            };
            assert!(harmless, "{}", call.line());
        }
    }
}

#[tokio::test]
async fn an_amount_that_is_mapped_and_may_not_be_read_or_written_is_a_problem_of_deals() {
    let told_of = |method, column, amount| async move {
        let path =
            if method == "GET" { "/sales/opportunities/0/forecast" } else { "/sales/opportunities/0/forecast/0" };
        let tenant = tenant(Some((method, path))).await;
        let exam = tenant.psa.examine(&[Need { amount, ..all(ObjectKind::Deal) }]).await.unwrap();
        let remedy = format!("In the API member's security role, set Sales / Opportunity Finance / {column} to All.");
        let named = told(&exam.findings, Severity::Problem).iter().filter(|one| one.remedy == remedy).count();
        let readable = told(&exam.findings, Severity::Fine).iter().any(|one| one.what.contains("Deals can be read"));
        (named, readable, exam.access[&ObjectKind::Deal].read)
    };
    let (yes, no) = (Some(Right::Allowed), Some(Right::Denied));
    assert_eq!(told_of("GET", "Inquire", Amount::Written).await, (1, false, no));
    assert_eq!(told_of("GET", "Inquire", Amount::Read).await, (1, false, no));
    assert_eq!(told_of("GET", "Inquire", Amount::Unmapped).await, (0, true, yes));
    for (method, column) in [("POST", "Add"), ("PATCH", "Edit")] {
        assert_eq!(told_of(method, column, Amount::Written).await, (1, true, yes), "{column}");
        assert_eq!(told_of(method, column, Amount::Read).await, (0, true, yes), "{column}");
    }
}

/// A tenant that takes whatever could be a record, and makes one of nothing.
#[tokio::test]
async fn a_tenant_that_demands_nothing_is_given_nothing() {
    let tenant = Tenant::new(|asked| match asked.method.as_str() {
        "POST" if asked.body.is_object() || asked.body.is_array() => (201, stamped(json!({"id": 1}))),
        "POST" => (500, json!({"code": "ConnectWiseApi", "message": "Error converting value \"No record\" to type 'Company'. Path '', line 1, position 3."})),
        _ => healthy(asked),
    })
    .await;
    let findings = tenant.psa.examine(&ObjectKind::ALL.map(all)).await.unwrap().findings;
    assert_eq!(told(&findings, Severity::Problem), Vec::<&Finding>::new());
    let said = findings.iter().filter(|finding| finding.what.contains("can be read, created, changed"));
    assert!(said.count() >= 5, "{findings:?}");
}

#[tokio::test]
async fn the_simulated_tenant_tells_a_probe_rights_first_and_makes_no_record() {
    let running = Simulators::start(sim::Options::quick(Data::Story)).await.unwrap();
    let psa = every_object(&running.connectwise_url, &running.credentials);
    let before = running.control.ledger(0).len();
    let denied = |findings: &[Finding]| findings.iter().filter(|one| one.what.contains("cannot be created")).count();
    let findings = psa.examine(&ObjectKind::ALL.map(all)).await.unwrap().findings;
    assert_eq!(denied(&findings), 0, "{findings:?}");
    let mut behaviour = running.control.behaviour();
    behaviour.connectwise.denied = vec!["add".to_owned()];
    running.control.set_behaviour(behaviour);
    let findings = psa.examine(&ObjectKind::ALL.map(all)).await.unwrap().findings;
    assert_eq!(denied(&findings), ObjectKind::ALL.len() - 1, "all but line items: {findings:?}");
    assert_eq!(running.control.ledger(0).len(), before, "nothing was made");
}

#[tokio::test]
async fn a_healthy_tenant_has_no_problems_and_every_finding_has_a_next_step() {
    let tenant = tenant(None).await;
    let findings = tenant.psa.examine(&ObjectKind::ALL.map(all)).await.unwrap().findings;
    assert_eq!(told(&findings, Severity::Problem), Vec::<&Finding>::new());
    assert!(
        findings.iter().all(|finding| finding.severity == Severity::Fine || !finding.remedy.is_empty()),
        "{findings:?}"
    );
    let objects: BTreeSet<_> = told(&findings, Severity::Fine).iter().filter_map(|finding| finding.object).collect();
    assert_eq!(objects.len(), ObjectKind::ALL.len());
    let closed: Vec<_> = findings
        .iter()
        .filter(|finding| finding.what.contains("closed"))
        .map(|finding| finding.what.as_str())
        .collect();
    assert!(
        closed[0].contains("Sales / Closed Opportunity / Edit")
            && closed[1].contains("Service Desk / Close Service Tickets / Edit"),
        "{closed:?}"
    );
}

#[tokio::test]
async fn only_what_is_needed_is_asked() {
    let tenant = tenant(None).await;
    let need =
        Need { object: ObjectKind::Contact, reads: true, creates: false, updates: false, amount: Amount::Unmapped };
    tenant.psa.examine(&[need]).await.unwrap();
    let calls = tenant.calls();
    assert!(calls.iter().all(|call| call.method == "GET"), "a read needs no probe of a write");
    assert!(calls.iter().all(|call| !call.path.starts_with("/sales") && !call.path.starts_with("/service")));
}

#[tokio::test]
async fn what_inquire_may_hide_is_told_as_a_suspicion() {
    let needs = [all(ObjectKind::Company), all(ObjectKind::Contact)];
    let cases: [(&str, Exception); 4] = [
        ("no companies can be seen at all", |asked| {
            asked.path.ends_with("/companies/count").then(|| (200, json!({"count": 0})))
        }),
        ("1 of 1 companies that contacts refer to cannot be seen", |asked| {
            (asked.path == "/company/companies" && !asked.parameter("conditions").is_empty()).then(|| (200, json!([])))
        }),
        ("6 of 6 contacts show no company", |asked| {
            (asked.path == "/company/contacts")
                .then(|| (200, (1..=6).map(|id| json!({"id": id, "company": {}})).collect()))
        }),
        ("6 of 12 contacts show no company", |asked| {
            (asked.path == "/company/contacts").then(|| (200, companies_of(12, 6)))
        }),
    ];
    for (expected, hidden) in cases {
        let tenant = Tenant::new(move |asked| hidden(asked).unwrap_or_else(|| healthy(asked))).await;
        let findings = tenant.psa.examine(&needs).await.unwrap().findings;
        let suspicion = findings.iter().find(|finding| finding.what.contains(expected));
        let suspicion = suspicion.unwrap_or_else(|| panic!("{expected}: {findings:?}"));
        assert_eq!(suspicion.severity, Severity::Warning);
        assert!(
            suspicion.what.starts_with("Suspicion") && suspicion.remedy.contains("Company Maintenance / Inquire"),
            "{suspicion:?}"
        );
    }
}

/// So many contacts, of which the first ones have no company.
fn companies_of(many: u64, blank: u64) -> Json {
    (1..=many).map(|id| json!({"id": id, "company": if id > blank { json!({"id": 5}) } else { json!({}) }})).collect()
}

#[tokio::test]
async fn a_few_references_that_are_blank_are_no_suspicion() {
    let needs = [all(ObjectKind::Company), all(ObjectKind::Contact), all(ObjectKind::Deal), all(ObjectKind::Ticket)];
    for (many, blank) in [(12, 5), (9, 8), (4, 4), (1, 0)] {
        let tenant = Tenant::new(move |asked| match asked.path.as_str() {
            "/company/contacts" => (200, companies_of(many, blank)),
            // Most tickets come of no opportunity.
            "/service/tickets" => {
                let of = |id| if id == 1 { json!({"id": 1}) } else { json!({}) };
                let row = |id| json!({"id": id, "company": {"id": 5}, "contact": of(id), "opportunity": of(id)});
                (200, (1..=20).map(row).collect())
            }
            _ => healthy(asked),
        })
        .await;
        let findings = tenant.psa.examine(&needs).await.unwrap().findings;
        let suspicions: Vec<_> = findings.iter().filter(|finding| finding.what.contains("Suspicion")).collect();
        assert_eq!(suspicions, Vec::<&Finding>::new(), "{blank} of {many}");
    }
}

/// A tenant of 60 companies, each with a contact, a deal, a ticket and an activity. Of each, the first `own` are the API
/// member's, who entered none of them.
async fn sixty(own: u64) -> Office {
    let office = Office::new(Data::Empty).await;
    let api = json!({"id": 156});
    for n in 0..60 {
        let member = if n < own { api.clone() } else { json!({"id": 151}) };
        let (name, identifier) = (format!("Acme {n}"), format!("ACME{n}"));
        let company = json!({"name": name, "identifier": identifier, "territoryManager": member});
        let company = json!({"id": office.create(Object::Company, &company)});
        let contact = office.create(Object::Contact, &json!({"firstName": name, "company": company}));
        let contact = json!({"id": contact});
        let deal = json!({"name": name, "company": company, "contact": contact, "primarySalesRep": member});
        let deal = json!({"id": office.create(Object::Deal, &deal)});
        let ticket =
            json!({"summary": name, "company": company, "contact": contact, "opportunity": deal, "owner": member});
        office.create(Object::Ticket, &ticket);
        let activity = json!({"name": name, "company": company, "opportunity": deal, "assignTo": member});
        office.create(Object::Activity, &activity);
    }
    office
}

/// What the doctor suspects at one level of one row, as sentences and remedies.
async fn suspected(office: &Office, row: &str, inquire: sim::Level, needs: &[Need]) -> Vec<(String, String)> {
    let mut behaviour = office.running.control.behaviour();
    behaviour.connectwise.role = sim::Role::all().with(row, sim::Permit { inquire, ..sim::Permit::ALL });
    office.running.control.set_behaviour(behaviour);
    let findings = office.psa.examine(needs).await.unwrap().findings;
    assert_eq!(told(&findings, Severity::Problem), Vec::<&Finding>::new(), "nothing is refused at {inquire:?}");
    let suspicions = findings.into_iter().filter(|one| one.what.starts_with("Suspicion"));
    suspicions.map(|one| (one.what, one.remedy)).collect()
}

#[tokio::test]
async fn a_role_that_shows_its_own_records_alone_is_suspected_by_row_column_and_level() {
    let rows = [
        (ObjectKind::Company, "Companies/Company Maintenance", "Companies / Company Maintenance"),
        (ObjectKind::Contact, "Companies/Contacts", "Companies / Contacts"),
        (ObjectKind::Deal, "Sales/Opportunity", "Sales / Opportunity"),
        (ObjectKind::Ticket, "Service Desk/Service Tickets", "Service Desk / Service Tickets"),
        (ObjectKind::Task, "Companies/CRM/Sales Activities", "Companies / CRM/Sales Activities"),
    ];
    let every = rows.map(|(object, ..)| all(object));
    for own in [0, 9, 50, 59] {
        let office = sixty(own).await;
        for (object, row, named) in rows {
            for needs in [&[all(object)][..], &every] {
                let fine = suspected(&office, row, sim::Level::All, needs).await;
                assert_eq!(fine, [], "{own} of 60, {row} at All");
                for level in [sim::Level::My, sim::Level::Mine] {
                    let what = format!("{own} of 60, {row} at {level:?}, {} needed", needs.len());
                    let told = suspected(&office, row, level, needs).await;
                    assert!(!told.is_empty(), "{what}: nothing is suspected");
                    for (said, remedy) in told {
                        let expected = format!("In the API member's security role, set {named} / Inquire to All.");
                        assert_eq!(remedy, expected, "{what}: {said}");
                        assert!(said.contains("My or Mine") || said.contains("below All"), "{what}: {said}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn records_in_the_hands_of_one_person_or_made_by_a_sync_are_no_suspicion() {
    let needs = [all(ObjectKind::Company)];
    let company = |n: u64, member: u64| json!({"name": format!("C{n}"), "identifier": format!("C{n}"), "territoryManager": {"id": member}});
    let office = Office::new(Data::Empty).await;
    for n in 0..8 {
        office.create(Object::Company, &company(n, 151));
    }
    assert_eq!(suspected(&office, "Companies/Contacts", sim::Level::All, &needs).await, [], "all are a person's");
    let office = Office::new(Data::Empty).await;
    for n in 0..8 {
        let fields = company(n, 156);
        let fields = fields.as_object().unwrap();
        office.running.control.create(Side::ConnectWise, Object::Company, fields, Some("Lockstep")).unwrap();
    }
    assert_eq!(suspected(&office, "Companies/Contacts", sim::Level::All, &needs).await, [], "all are the sync's own");
    for n in 8..12 {
        office.create(Object::Company, &company(n, 156));
    }
    let told = suspected(&office, "Companies/Contacts", sim::Level::All, &needs).await;
    assert!(matches!(&told[..], [(said, _)] if said.contains("all 12 companies")), "{told:?}");
}

#[tokio::test]
async fn what_is_set_up_in_the_tenant_is_told() {
    let cases: [(&str, &str, Json); 8] = [
        ("/system/myCompany/crm", "makes company IDs from the names", json!({"companyIdGenerationFlag": true})),
        ("/system/myCompany/crm", "leaves spaces out", json!({"excludeSpacesFlag": true})),
        ("/system/myCompany/crm", "follows its stage", json!({"lockProbabilityFlag": true})),
        (
            "/company/companies/statuses",
            "cannot be saved: Locked",
            json!([{"id": 1, "name": "Locked", "disallowSavingFlag": true}]),
        ),
        (
            "/service/boards",
            "unknown senders: Help",
            json!([{"id": 1, "name": "Help", "emailConnectorNewTicketNoMatchFlag": true}]),
        ),
        (
            "/system/userDefinedFields",
            "New contacts need these user-defined fields: Tier (customFields/4)",
            json!([{"id": 4, "caption": "Tier", "podDescription": "Contact Overview", "fieldTypeIdentifier": "Text", "requiredFlag": true}]),
        ),
        (
            "/system/members",
            "inactive and cannot be given records: jdoe",
            json!([{"id": 4, "identifier": "jdoe", "inactiveFlag": true}]),
        ),
        (
            "/system/callbacks",
            "switched off for: contact",
            json!([{"id": 4, "type": "contact", "url": "https://x/", "description": "Lockstep", "inactiveFlag": true},
                {"id": 5, "type": "company", "url": "https://y/", "description": "other", "inactiveFlag": true}]),
        ),
    ];
    for (path, expected, body) in cases {
        let tenant =
            Tenant::new(
                move |asked| {
                    if asked.path == path && asked.method == "GET" { (200, body.clone()) } else { healthy(asked) }
                },
            )
            .await;
        let findings = tenant.psa.examine(&ObjectKind::ALL.map(all)).await.unwrap().findings;
        let found = findings.iter().find(|finding| finding.what.contains(expected));
        assert!(found.is_some_and(|finding| !finding.remedy.is_empty()), "{expected}: {findings:?}");
    }
}

#[tokio::test]
async fn a_probe_that_wrote_is_owned_up_to() {
    let tenant =
        Tenant::new(|asked| if asked.method == "POST" { (201, stamped(json!({"id": 9}))) } else { healthy(asked) })
            .await;
    let findings = tenant.psa.examine(&[all(ObjectKind::Contact)]).await.unwrap().findings;
    let problems = told(&findings, Severity::Problem);
    assert!(problems.iter().any(|finding| finding.what.contains("A text was accepted as a record")), "{problems:?}");
}

#[tokio::test]
async fn a_missing_right_of_a_request_names_its_row() {
    let tenant = Tenant::new(|_| {
        (403, json!({"code": "Security", "message": "You do not have security permission to perform this action."}))
    })
    .await;
    for (request, row) in [
        (list(&[], None, 50), "Companies / Contacts / Inquire"),
        (update(&[("title", text("x"))]), "Companies / Contacts / Edit"),
        (create(ObjectKind::Contact, &[("firstName", text("x"))]), "Companies / Contacts / Add"),
    ] {
        let answer = tenant.ask(ObjectKind::Contact, request).await;
        let AnswerBody::Failed(Failure::Forbidden { hint, .. }) = &answer else { panic!("{answer:?}") };
        assert!(hint.contains(row), "{hint}");
    }
}

#[tokio::test]
async fn a_pause_asked_for_on_the_way_keeps_what_was_found() {
    let tenant = Tenant::with_header("retry-after: 60", |asked| match asked.line().as_str() {
        "PATCH /company/contacts/0 []" => (429, json!({"message": "Too many requests."})),
        _ => healthy(asked),
    })
    .await;
    let exam = tenant.psa.examine(&[all(ObjectKind::Company), all(ObjectKind::Contact)]).await.unwrap();
    let said = |what: &str| exam.findings.iter().any(|finding| finding.what.contains(what));
    assert!(said("Companies can be read, created, changed.") && said("answers at"), "{:?}", exam.findings);
    let ended = exam.ended.unwrap();
    assert_eq!(ended.kind, ConnectErrorKind::Limited);
    assert!(ended.message.contains("asks for a pause") && ended.hint.contains("60 seconds"), "{ended:?}");
    assert_eq!(exam.access[&ObjectKind::Contact].create, Some(Right::Allowed));
}

#[tokio::test]
async fn a_short_pause_is_waited_out() {
    let asked_before = std::sync::atomic::AtomicBool::new(false);
    let tenant = Tenant::with_header("retry-after: 1", move |asked| {
        let is_first = asked.method == "PATCH" && !asked_before.swap(true, std::sync::atomic::Ordering::Relaxed);
        if is_first { (429, json!({"message": "Too many requests."})) } else { healthy(asked) }
    })
    .await;
    let exam = tenant.psa.examine(&[all(ObjectKind::Contact)]).await.unwrap();
    assert_eq!((exam.ended, exam.access[&ObjectKind::Contact].update), (None, Some(Right::Allowed)));
}

#[tokio::test]
async fn what_the_doctor_provokes_is_traced_and_no_trouble() {
    let (lines, _guard) = crate::log::listen(tracing::Level::DEBUG);
    let tenant = Tenant::new(|asked| match asked.method.as_str() {
        "POST" => (500, json!({"message": "Error converting value \"No record\" to type 'Company'."})),
        "PATCH" => (403, json!({"code": "Security", "message": "No."})),
        _ => healthy(asked),
    })
    .await;
    tenant.psa.examine(&[all(ObjectKind::Contact)]).await.unwrap();
    let text = lines.text();
    assert!(!text.contains("call in trouble"), "{text}");
    let calls: Vec<Json> = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()).collect();
    let calls: Vec<&Json> = calls.iter().filter(|line| line["message"] == "call").collect();
    assert!(
        calls.len() > 5 && calls.iter().all(|call| call["system"] == "connectwise" && call["task"] == "doctor"),
        "{text}"
    );
    let of_contacts = calls.iter().filter(|call| call["object"] == "contact" && call["method"] != "GET").count();
    assert_eq!(of_contacts, 2, "{text}");
}
