//! ConnectWise's service tickets and the boards that they are on.

use lockstep::sim::{Object, Permit, Role, Side};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Bench, answer, behave, ids, patched};

const TICKETS: &str = "/service/tickets";

async fn ticket(bench: &Bench, more: Value) -> (u16, Value) {
    let company =
        match bench.cw_get("/company/companies", &[("conditions", "identifier = \"TICKETCO\"")]).await.1[0]["id"]
            .as_u64()
        {
            Some(id) => id,
            None => bench.new_connectwise("TICKETCO").await,
        };
    let mut body = json!({"summary": "Printer on fire", "company": {"id": company}});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    bench.cw(Method::POST, TICKETS, body).await
}

fn one(made: &Value) -> String {
    format!("{TICKETS}/{}", made["id"])
}

#[tokio::test]
async fn a_ticket_needs_a_summary_and_a_company() {
    let bench = Bench::empty().await;
    let (status, body) = bench.cw(Method::POST, TICKETS, json!({})).await;
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (400, vec!["summary", "company/id"]));
    let (_, body) = ticket(&bench, json!({"summary": "x".repeat(101)})).await;
    assert_eq!(body["errors"][0]["message"], "The field summary must be a string with a maximum length of 100.");
    let (status, made) = ticket(&bench, json!({})).await;
    assert_eq!(
        (status, &made["board"]["name"], &made["status"]["name"], &made["priority"]["id"], &made["recordType"]),
        (201, &json!("Help Desk"), &json!("New"), &json!(3), &json!("ServiceTicket"))
    );
    assert_eq!(
        (&made["closedFlag"], &made["severity"], &made["siteName"]),
        (&json!(false), &json!("Medium"), &json!("Main"))
    );
}

#[tokio::test]
async fn a_put_of_a_ticket_must_carry_severity_and_impact() {
    let bench = Bench::empty().await;
    let (_, made) = ticket(&bench, json!({})).await;
    let mut whole = json!({"summary": "Smoke", "company": made["company"]});
    let (status, body) = bench.cw(Method::PUT, &one(&made), whole.clone()).await;
    let fields: Vec<&str> = body["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!((status, fields), (400, vec!["severity", "impact"]));
    (whole["severity"], whole["impact"]) = (json!("High"), json!("Low"));
    let (status, body) = bench.cw(Method::PUT, &one(&made), whole).await;
    assert_eq!((status, &body["summary"], &body["severity"]), (200, &json!("Smoke"), &json!("High")));
}

#[tokio::test]
async fn a_status_must_belong_to_the_board() {
    let bench = Bench::empty().await;
    let (status, body) = ticket(&bench, json!({"board": {"id": 21}, "status": {"id": 17}})).await;
    let error = &body["errors"][0];
    assert_eq!(
        (status, &error["code"], &error["message"], &error["resource"], &error["field"]),
        (
            400,
            &json!("NotFound"),
            &json!("Service Status 17 not found for Service Board 21"),
            &json!("ticket"),
            &json!("status/id")
        )
    );
    let (_, made) = ticket(&bench, json!({})).await;
    let (status, moved) =
        patched(&bench, &one(&made), json!([{"op": "replace", "path": "board", "value": {"name": "Alerts"}}])).await;
    assert_eq!((status, &moved["status"]["id"]), (200, &json!(31)), "a new board brings its own status");
    let (_, statuses) = bench.cw_get("/service/boards/21/statuses", &[]).await;
    assert_eq!(ids(&statuses), ["31", "32"]);
    assert_eq!(ids(&bench.cw_get("/service/boards/1/types", &[]).await.1), ["1", "2"]);
    assert_eq!(bench.cw_get("/service/boards/99/statuses", &[]).await.0, 404);
}

#[tokio::test]
async fn closing_a_ticket_sets_its_flag_and_needs_a_row_of_its_own_to_go_on() {
    let bench = Bench::empty().await;
    let (_, made) = ticket(&bench, json!({})).await;
    let set = |id: u32| json!([{"op": "replace", "path": "status", "value": {"id": id}}]);
    let (_, closed) = patched(&bench, &one(&made), set(19)).await;
    assert_eq!(
        (&closed["closedFlag"], &closed["closedBy"], closed["closedDate"].is_string()),
        (&json!(true), &json!("Lockstep"), true)
    );
    let role = Role::all().with("Service Desk/Close Service Tickets", Permit::NONE);
    bench.running.control.set_behaviour(behave(|b| b.role = role));
    assert_eq!(patched(&bench, &one(&made), set(16)).await.0, 403);
    bench.running.control.set_behaviour(behave(|_| {}));
    let (_, open) = patched(&bench, &one(&made), set(16)).await;
    assert_eq!((&open["closedFlag"], open.get("closedDate")), (&json!(false), None));
}

#[tokio::test]
async fn the_first_description_becomes_a_note_and_is_not_on_the_ticket() {
    let bench = Bench::empty().await;
    let (_, made) =
        ticket(&bench, json!({"initialDescription": "It\nburns", "initialInternalAnalysis": "Old model"})).await;
    assert!(made.get("initialDescription").is_none());
    let path = format!("{}/notes", one(&made));
    let (_, notes) = bench.cw_get(&path, &[("orderBy", "id asc")]).await;
    assert_eq!((&notes[0]["text"], &notes[0]["detailDescriptionFlag"]), (&json!("It\nburns"), &json!(true)));
    assert_eq!((&notes[1]["internalAnalysisFlag"], &notes[1]["ticketId"]), (&json!(true), &made["id"]));
    let late = json!([{"op": "replace", "path": "initialDescription", "value": "Later"}]);
    assert_eq!(patched(&bench, &one(&made), late).await.0, 200);
    assert_eq!(bench.cw_get(&format!("{path}/count"), &[]).await.1["count"], 2, "only a POST makes notes of it");
    let (status, note) = bench.cw(Method::POST, &path, json!({"text": "Replaced", "resolutionFlag": true})).await;
    assert_eq!((status, &note["createdBy"], &note["detailDescriptionFlag"]), (201, &json!("Lockstep"), &json!(false)));
}

#[tokio::test]
async fn an_address_finds_the_contact_of_a_ticket() {
    let bench = Bench::empty().await;
    let contact = json!({"firstName": "Ann", "lastName": "Vale", "communicationItems": [
        {"type": {"id": 1}, "value": "ann@t.example"}, {"type": {"id": 2}, "value": "5550101"}]});
    let (_, contact) = bench.cw(Method::POST, "/company/contacts", contact).await;
    let (_, made) = ticket(&bench, json!({"contactEmailLookup": "ANN@t.example"})).await;
    assert_eq!((&made["contact"]["id"], &made["contactName"]), (&contact["id"], &json!("Ann Vale")));
    assert_eq!(
        (&made["contactPhoneNumber"], &made["contactEmailAddress"]),
        (&json!("5550101"), &json!("ann@t.example"))
    );
}

#[tokio::test]
async fn only_tickets_have_a_search_and_its_body_holds_filters_alone() {
    let bench = Bench::empty().await;
    let (_, made) = ticket(&bench, json!({})).await;
    ticket(&bench, json!({"summary": "Other"})).await;
    let search = format!("{TICKETS}/search");
    let (status, found) = bench.cw(Method::POST, &search, json!({"conditions": "summary contains 'fire'"})).await;
    assert_eq!((status, ids(&found)), (200, vec![made["id"].to_string()]));
    let (_, found) =
        bench.cw(Method::POST, &format!("{search}?pageSize=1&fields=id"), json!({"orderBy": "id desc"})).await;
    assert_eq!((ids(&found).len(), found[0].as_object().unwrap().len()), (1, 1));
    let body = r#"{"conditions":"summary contains 'fire'", "page":1}"#;
    let position = body.find("\"page\":").unwrap() + "\"page\":".len();
    let (status, refused) =
        answer(bench.connectwise(Method::POST, &search).body(body).header("content-type", "application/json")).await;
    assert_eq!(status, 400);
    assert_eq!(
        refused["message"],
        format!(
            "Could not find member 'page' on object of type 'FilterValues'. Path 'page', line 1, position {position}.Check your accept header to make sure you are using the correct version."
        )
    );
    for path in ["/company/companies/search", "/company/contacts/search", "/sales/opportunities/search"] {
        assert_eq!(bench.cw(Method::POST, path, json!({})).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn asking_for_open_tickets_alone_runs_into_the_time_out() {
    let bench = Bench::empty().await;
    let (_, made) = ticket(&bench, json!({})).await;
    let found = async |conditions: &str| bench.cw_get(TICKETS, &[("conditions", conditions)]).await;
    let (status, body) = found("closedFlag = False").await;
    assert_eq!((status, &body["message"]), (500, &json!("A timeout has occured. Please try again.")));
    assert_eq!(ids(&found("closedFlag = False and board/id in (1,21)").await.1), [made["id"].to_string()]);
    bench.running.control.set_behaviour(behave(|b| b.closed_flag_times_out = false));
    assert_eq!(found("closedFlag = False").await.0, 200);
}

#[tokio::test]
async fn a_merged_ticket_names_its_parent() {
    let bench = Bench::empty().await;
    let ((_, parent), (_, child)) = (ticket(&bench, json!({})).await, ticket(&bench, json!({})).await);
    let id = |made: &Value| made["id"].as_u64().unwrap();
    bench.running.control.merge(Side::ConnectWise, Object::Ticket, id(&parent), id(&child), None).unwrap();
    let (_, merged) = bench.cw_get(&one(&child), &[]).await;
    assert_eq!((&merged["mergedParentTicket"]["id"], &merged["closedFlag"]), (&parent["id"], &json!(true)));
    assert_eq!(bench.cw_get(&one(&parent), &[]).await.1["hasMergedChildTicketFlag"], true);
    let (_, listed) = bench.cw_get("/service/tickets", &[("conditions", &format!("id = {}", id(&child)))]).await;
    assert_eq!(listed[0]["mergedParentTicket"]["id"], parent["id"], "it stays in the list");
    let (_, third) = ticket(&bench, json!({})).await;
    let merge = |into: &Value, from: &Value| {
        bench.running.control.merge(Side::ConnectWise, Object::Ticket, id(into), id(from), None)
    };
    assert!(merge(&third, &child).is_err() && merge(&child, &third).is_err(), "there is no way back");
    assert!(merge(&third, &parent).is_ok(), "the one that it went into goes on");
}

#[tokio::test]
async fn boards_priorities_and_e_mail_connectors_can_be_read() {
    let bench = Bench::empty().await;
    let (_, boards) =
        bench.cw_get("/service/boards", &[("conditions", "inactiveFlag = false and projectFlag = false")]).await;
    assert_eq!(ids(&boards), ["1", "21"]);
    let (_, connectors) = bench.cw_get("/system/emailConnectors", &[]).await;
    assert_eq!(connectors[0]["serviceBoard"]["id"], 1);
    assert_eq!(bench.cw_get("/service/emailConnectors", &[]).await.0, 404);
    assert_eq!(bench.cw_get("/service/priorities", &[]).await.1[0]["level"], "Critical");
}

#[tokio::test]
async fn what_tickets_and_roles_are_chosen_from_has_lists_in_the_words_of_its_model() {
    let bench = Bench::empty().await;
    let table = [
        ("/service/impacts", "description"),
        ("/service/severities", "description"),
        ("/system/securityroles", "adminFlag"),
        ("/company/teamRoles", "techFlag"),
        ("/service/boards/1/subtypes", "typeAssociationIds"),
        ("/service/boards/1/teams", "boardId"),
        ("/sales/roles", "name"),
        ("/marketing/campaigns", "startDate"),
    ];
    for (path, member) in table {
        let (status, rows) = bench.cw_get(path, &[]).await;
        let all = rows.as_array().unwrap();
        assert!(status == 200 && !all.is_empty(), "{path}: {rows}");
        assert!(all.iter().all(|row| row["name"].is_string() && !row[member].is_null()), "{path}: {rows}");
        assert_eq!(bench.cw_get(&format!("{path}/count"), &[]).await.1["count"], all.len(), "{path}");
        assert_eq!(bench.cw(Method::POST, path, json!({})).await.0, 405, "{path}");
    }
    let (_, other) = bench.cw_get("/service/boards/21/subtypes", &[]).await;
    assert_eq!(ids(&other), ["3"], "each board has its own");
    let known = ["InventoryPart", "NonInventoryPart", "OtherCharge", "Service"];
    let (_, types) = bench.cw_get("/procurement/types", &[]).await;
    assert!(types.as_array().unwrap().iter().all(|row| known.contains(&row["typeXref"].as_str().unwrap())), "{types}");
}

#[tokio::test]
async fn mail_opens_tickets_on_the_boards_that_are_switched_to_it() {
    let bench = Bench::empty().await;
    let open = async |path: &str| bench.cw_get(path, &[]).await.1["emailConnectorNewTicketNoMatchFlag"].clone();
    assert_eq!(open("/service/boards/21").await, Value::Null);
    bench.running.control.set_behaviour(crate::behave(|b| b.boards_open_to_mail = vec![21]));
    assert_eq!((open("/service/boards/21").await, open("/service/boards/1").await), (json!(true), Value::Null));
    assert_eq!(bench.cw_get("/service/boards/21", &[]).await.1["emailConnectorAllowReopenClosedFlag"], true);
}
