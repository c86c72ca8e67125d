//! Notes, tasks, calls and meetings below their companies and contacts: what crosses, what waits, and that nothing is made
//! twice.

use lockstep::engine::core::undo::Undo;
use lockstep::mapping::defaults::ActivitySetup;
use lockstep::sim::ACTIVITY_KEY_FIELD;

use super::contacts::contact;
use super::*;

/// One kind of activity, as both simulated systems have it.
struct Kind {
    object: ObjectKind,
    there: Object,
    /// Its ConnectWise type.
    of_type: u64,
    title: Option<&'static str>,
    body: &'static str,
    time: &'static str,
    /// The property that tells whether it is done, an open value and a done one.
    state: Option<[&'static str; 3]>,
}

const KINDS: [Kind; 4] = [
    Kind {
        object: ObjectKind::Task,
        there: Object::Task,
        of_type: 1,
        title: Some("hs_task_subject"),
        body: "hs_task_body",
        time: "hs_timestamp",
        state: Some(["hs_task_status", "IN_PROGRESS", "COMPLETED"]),
    },
    Kind {
        object: ObjectKind::Call,
        there: Object::Call,
        of_type: 2,
        title: Some("hs_call_title"),
        body: "hs_call_body",
        time: "hs_timestamp",
        state: Some(["hs_call_status", "QUEUED", "NO_ANSWER"]),
    },
    Kind {
        object: ObjectKind::Meeting,
        there: Object::Meeting,
        of_type: 3,
        title: Some("hs_meeting_title"),
        body: "hs_meeting_body",
        time: "hs_meeting_start_time",
        state: Some(["hs_meeting_outcome", "RESCHEDULED", "COMPLETED"]),
    },
    Kind {
        object: ObjectKind::Note,
        there: Object::Note,
        of_type: 4,
        title: None,
        body: "hs_note_body",
        time: "hs_timestamp",
        state: None,
    },
];

/// Marta Vance, who is a HubSpot owner and a ConnectWise member.
const OWNER: &str = "70100011";
const MEMBER: &str = "mvance";
/// An owner whom ConnectWise does not know.
const NO_MEMBER: &str = "70100015";
const DAY: &str = "2026-01-06T09:00:00Z";
const OPEN: u64 = 1;
const CLOSED: u64 = 2;

const fn of(kind: &Kind, system: System, id: u64) -> RecordRef {
    RecordRef::new(kind.object, system, RecordId(id))
}

async fn bench() -> Bench {
    bench_with(None).await
}

async fn bench_with(assign_to: Option<u64>) -> Bench {
    let add = |config: &mut Config| {
        // HubSpot has no unique properties for activities: the index tells of a new one.
        config.timing.index_lag = 1;
        config.objects.extend(KINDS.iter().map(|kind| {
            let is_over = matches!(kind.object, ObjectKind::Note | ObjectKind::Call);
            let setup = ActivitySetup {
                types: vec![kind.of_type],
                status: is_over.then_some(CLOSED),
                assign_to,
                beside: vec![ObjectKind::Contact],
                ..ActivitySetup::new(ACTIVITY_KEY_FIELD.into())
            };
            defaults::activity(kind.object, &setup)
        }));
    };
    Bench::with(Data::Empty, add).await
}

impl Bench {
    /// A person makes one in HubSpot and associates it with these.
    fn hubspot_activity(&self, kind: &Kind, title: &str, about: &[(Object, u64)], more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[(kind.body, json!("<p>Bring <b>both</b> &amp; wait.</p>")), (kind.time, json!(DAY))]);
        fields.insert("hubspot_owner_id".to_owned(), json!(OWNER));
        fields.insert("hs_timestamp".to_owned(), json!(DAY));
        fields.extend(kind.title.map(|name| (name.to_owned(), json!(title))));
        fields.extend(map(more));
        let id = self.running.control.create(HUBSPOT, kind.there, &fields, None).unwrap();
        for to in about {
            self.running.control.associate(HUBSPOT, (kind.there, id), *to, false, None).unwrap();
        }
        id
    }

    fn connectwise_activity(&self, kind: &Kind, name: &str, company: u64, more: &[(&str, Json)]) -> u64 {
        let mut fields = map(&[
            ("name", json!(name)),
            ("type", json!({ "id": kind.of_type })),
            ("company", json!({ "id": company })),
            ("assignTo", json!({ "identifier": MEMBER })),
            ("dateStart", json!(DAY)),
            ("notes", json!("Only if a < b.")),
        ]);
        fields.extend(map(more));
        self.running.control.create(CONNECTWISE, Object::Activity, &fields, None).unwrap()
    }

    fn here(&self, kind: &Kind, id: u64, field: &str) -> Json {
        self.running.control.record(HUBSPOT, kind.there, id).unwrap()[field].clone()
    }

    fn there(&self, id: u64, field: &str) -> Json {
        self.running.control.record(CONNECTWISE, Object::Activity, id).unwrap()[field].clone()
    }

    fn edit_here(&self, kind: &Kind, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(HUBSPOT, kind.there, id, &map(fields), None).unwrap();
    }

    fn edit_there(&self, id: u64, fields: &[(&str, Json)]) {
        self.running.control.edit(CONNECTWISE, Object::Activity, id, &map(fields), None).unwrap();
    }

    fn partner_in(&self, record: RecordRef) -> u64 {
        let (there, state) = self.partner(record).unwrap_or_else(|| panic!("{record} has no partner"));
        assert_eq!(state, LinkState::Active, "{record}");
        there
    }

    /// How many of a kind are in HubSpot, and how many activities are in ConnectWise.
    fn counted(&self, kind: &Kind) -> (usize, usize) {
        let all = |side, object| self.running.control.records(side, object, 0, 1000).len();
        (all(HUBSPOT, kind.there), all(CONNECTWISE, Object::Activity))
    }

    async fn assert_quiet(&self) {
        self.settle().await;
        let before = self.now();
        self.settle().await;
        assert_eq!(self.writes_since(before), [], "a second pass finds nothing to do");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_crosses_from_hubspot_with_whom_it_is_about_and_comes_to_rest() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let person = bench.hubspot_contact("pat@acme.example.com", Some(company));
    let about = [(Object::Company, company), (Object::Contact, person)];
    let made: Vec<u64> = KINDS.iter().map(|kind| bench.hubspot_activity(kind, "See Pat", &about, &[])).collect();
    assert_eq!(bench.run().await.run.verdict, Verdict::Done);
    for (kind, id) in KINDS.iter().zip(&made) {
        let there = bench.partner_in(of(kind, System::HubSpot, *id));
        let value = |field| bench.there(there, field);
        let name = if kind.title.is_some() { "See Pat" } else { "Bring both & wait." };
        assert_eq!((value("name"), value("notes")), (json!(name), json!("Bring both & wait.")), "{}", kind.object);
        assert_eq!(value("type")["id"], kind.of_type);
        assert_eq!(value("company")["id"], bench.only(CONNECTWISE, "Acme"), "in the same run");
        assert_eq!(value("contact")["id"], bench.partner_in(contact(System::HubSpot, person)));
        assert_eq!((&value("assignTo")["identifier"], value("dateStart")), (&json!(MEMBER), json!(DAY)));
        let is_over = matches!(kind.object, ObjectKind::Note | ObjectKind::Call);
        assert_eq!(value("status")["id"], if is_over { CLOSED } else { OPEN }, "{}", kind.object);
        let custom = value("customFields");
        let key = custom.as_array().unwrap().iter().find(|field| field["id"] == 71).unwrap()["value"].clone();
        assert_eq!(key, format!("{}:{id}", kind.object), "a repeat of the create would be recognised");
    }
    bench.assert_quiet().await;
    for (kind, id) in KINDS.iter().zip(&made) {
        assert_eq!(bench.here(kind, *id, kind.body), "<p>Bring <b>both</b> &amp; wait.</p>", "markup is left alone");
        assert_eq!(bench.status(of(kind, System::HubSpot, *id)).state, RecordState::InSync);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_crosses_from_connectwise_and_is_edited_from_both_sides() {
    let bench = bench().await;
    let (company, of_company) = bench.pair("Acme").await;
    let made: Vec<u64> =
        KINDS.iter().map(|kind| bench.connectwise_activity(kind, "See Pat", of_company, &[])).collect();
    bench.settle().await;
    let mut pairs = Vec::new();
    for (kind, there) in KINDS.iter().zip(made) {
        let here = bench.partner_in(of(kind, System::ConnectWise, there));
        assert_eq!(bench.counted(kind).0, 1, "{}", kind.object);
        assert_eq!(bench.here(kind, here, kind.body), "Only if a &lt; b.", "shown as it was typed");
        let time = bench.here(kind, here, kind.time);
        assert!(time.as_str().unwrap().starts_with("2026-01-06T09:00:00"), "{time}");
        assert_eq!(bench.here(kind, here, "hubspot_owner_id"), OWNER);
        assert_eq!(kind.title.map(|title| bench.here(kind, here, title)), kind.title.map(|_| json!("See Pat")));
        pairs.push((kind, here, there));
    }
    let before = bench.now();
    for (kind, here, there) in &pairs {
        bench.edit_here(kind, *here, &[(kind.body, json!("<div>Only if <i>c</i> &lt; d.</div>"))]);
        bench.edit_there(*there, &[("dateStart", json!("2026-01-07T10:30:00Z"))]);
        if let Some([state, _, done]) = kind.state {
            bench.edit_here(kind, *here, &[(state, json!(done))]);
        }
    }
    bench.settle().await;
    for (kind, here, there) in &pairs {
        assert_eq!(bench.there(*there, "notes"), "Only if c < d.", "{}", kind.object);
        assert_eq!(bench.there(*there, "name"), "See Pat", "{}: a note names its activity once", kind.object);
        let time = bench.here(kind, *here, kind.time);
        assert!(time.as_str().unwrap().starts_with("2026-01-07T10:30:00"), "{}: {time}", kind.object);
        assert!(bench.here(kind, *here, "hs_timestamp").as_str().unwrap().starts_with("2026-01-07T10:30:00"));
        if kind.state.is_some() {
            assert_eq!(bench.there(*there, "status")["id"], CLOSED, "{}", kind.object);
        }
    }
    // Other markup around the same words is no change.
    for (kind, here, _) in &pairs {
        bench.edit_here(kind, *here, &[(kind.body, json!("<p>Only if c<br>&lt; <u>d</u>.</p>"))]);
    }
    assert!(!bench.writes_since(before).is_empty());
    bench.assert_quiet().await;
    let company_link = bench.partner_in(at(System::HubSpot, company));
    assert_eq!(company_link, of_company);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_open_and_done_crosses_and_nobody_loses_what_more_is_said() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    for kind in KINDS.iter().filter(|kind| kind.state.is_some()) {
        let [state, open, done] = kind.state.unwrap();
        let about = [(Object::Company, company)];
        let here = bench.hubspot_activity(kind, "See Pat", &about, &[(state, json!(open))]);
        bench.settle().await;
        let there = bench.partner_in(of(kind, System::HubSpot, here));
        assert_eq!(bench.there(there, "status")["id"], OPEN, "{}", kind.object);
        assert_eq!(bench.here(kind, here, state), open, "it stays as it was");
        bench.edit_here(kind, here, &[(state, json!(done))]);
        bench.settle().await;
        assert_eq!(bench.there(there, "status")["id"], CLOSED);
        bench.edit_there(there, &[("status", json!({ "id": 3 }))]);
        bench.settle().await;
        assert_eq!(
            (bench.here(kind, here, state), bench.there(there, "status")["id"].as_u64()),
            (json!(done), Some(3))
        );
        bench.edit_there(there, &[("status", json!({ "id": OPEN }))]);
        bench.settle().await;
        assert_ne!(bench.here(kind, here, state), done, "taken up again");
    }
    bench.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_waits_for_its_company_and_takes_its_contact_along_later() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    bench.edit(HUBSPOT, company, "domain", "acme.example.com");
    // ConnectWise takes no company without a name, and no contact without a first name.
    bench.edit(HUBSPOT, company, "name", "");
    let person = bench.hubspot_contact("pat@acme.example.com", Some(company));
    bench.running.control.edit(HUBSPOT, Object::Contact, person, &map(&[("firstname", json!(""))]), None).unwrap();
    let kind = &KINDS[0];
    let about = [(Object::Company, company), (Object::Contact, person)];
    let here = bench.hubspot_activity(kind, "See Pat", &about, &[]);
    let lonely = bench.hubspot_activity(kind, "See nobody", &[], &[]);
    let elsewhere = bench.create(HUBSPOT, "Elsewhere");
    let linked = bench.hubspot_contact("bo@elsewhere.example.com", Some(elsewhere));
    let about = [(Object::Company, company), (Object::Contact, linked)];
    let mixed = bench.hubspot_activity(kind, "See Bo", &about, &[]);
    bench.settle().await;
    let status = bench.status(of(kind, System::HubSpot, mixed));
    assert_eq!(status.state, RecordState::Waiting, "its contact alone would do, and is not what it is about");
    let status = bench.status(of(kind, System::HubSpot, here));
    assert_eq!(status.state, RecordState::Waiting, "{}", status.why);
    assert!(status.why.contains("waits for its company"), "{}", status.why);
    let excluded = bench.status(of(kind, System::HubSpot, lonely));
    assert_eq!(excluded.state, RecordState::Excluded, "{}", excluded.why);
    assert_eq!(bench.counted(kind).1, 0);
    bench.edit(HUBSPOT, company, "name", "Acme");
    bench.settle().await;
    let there = bench.partner_in(of(kind, System::HubSpot, here));
    assert_eq!(bench.there(there, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    assert_eq!(bench.there(there, "contact"), Json::Null, "its contact is held");
    let there_too = bench.partner_in(of(kind, System::HubSpot, mixed));
    assert_eq!(bench.there(there_too, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    bench.running.control.edit(HUBSPOT, Object::Contact, person, &map(&[("firstname", json!("Pat"))]), None).unwrap();
    bench.settle().await;
    assert_eq!(bench.there(there, "contact")["id"], bench.partner_in(contact(System::HubSpot, person)));
    bench.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_companies_the_one_of_its_contact_counts_or_a_person_decides() {
    let bench = bench().await;
    let (acme, rival) = (bench.create(HUBSPOT, "Acme"), bench.create(HUBSPOT, "Rival"));
    let person = bench.hubspot_contact("pat@acme.example.com", Some(acme));
    let kind = &KINDS[0];
    let both = [(Object::Company, rival), (Object::Company, acme)];
    let clear = bench.hubspot_activity(kind, "Clear", &[both[0], both[1], (Object::Contact, person)], &[]);
    let open = bench.hubspot_activity(kind, "Open", &both, &[]);
    bench.settle().await;
    let there = bench.partner_in(of(kind, System::HubSpot, clear));
    assert_eq!(bench.there(there, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    let issues = bench.workspace.reader().unwrap().issues_of(of(kind, System::HubSpot, open)).unwrap();
    assert!(issues.iter().any(|issue| issue.class == IssueClass::AmbiguousReference), "{issues:?}");
    assert!(issues.iter().any(|issue| issue.hint.contains("associate a contact")), "{issues:?}");
    let to = (Object::Contact, person);
    bench.running.control.associate(HUBSPOT, (kind.there, open), to, false, None).unwrap();
    bench.edit_here(kind, open, &[("hs_task_subject", json!("Not open"))]);
    bench.settle().await;
    let there = bench.partner_in(of(kind, System::HubSpot, open));
    assert_eq!(bench.there(there, "company")["id"], bench.only(CONNECTWISE, "Acme"));
    bench.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_nobody_owns_goes_to_the_named_member_or_waits_for_a_person() {
    let kind = &KINDS[0];
    let nobody = [("hubspot_owner_id", json!(""))];
    let held = bench().await;
    let company = held.create(HUBSPOT, "Acme");
    let here = held.hubspot_activity(kind, "See Pat", &[(Object::Company, company)], &nobody);
    held.settle().await;
    let issues = held.workspace.reader().unwrap().issues_of(of(kind, System::HubSpot, here)).unwrap();
    let told = |issue: &lockstep::engine::core::state::Issue| {
        issue.message.contains("a member whom it is assigned to") && issue.hint.contains("hubspot_owner_id~assignTo")
    };
    assert!(issues.iter().any(told), "{issues:?}");
    held.edit_here(kind, here, &[("hubspot_owner_id", json!(OWNER))]);
    held.settle().await;
    let there = held.partner_in(of(kind, System::HubSpot, here));
    let member = held.there(there, "assignTo");
    assert_eq!(member["identifier"], MEMBER);

    let bench = bench_with(member["id"].as_u64()).await;
    let company = bench.create(HUBSPOT, "Acme");
    let here = bench.hubspot_activity(kind, "See Pat", &[(Object::Company, company)], &nobody);
    bench.settle().await;
    let there = bench.partner_in(of(kind, System::HubSpot, here));
    assert_eq!(bench.there(there, "assignTo")["identifier"], MEMBER);
    bench.assert_quiet().await;
    let owner = bench.here(kind, here, "hubspot_owner_id");
    assert_eq!(owner.as_str().unwrap_or_default(), "", "nobody is made its owner");
    // An owner without a partner stays the owner, and the work goes to the same member.
    let strange = [("hubspot_owner_id", json!(NO_MEMBER))];
    let here = bench.hubspot_activity(kind, "See Bo", &[(Object::Company, company)], &strange);
    bench.assert_quiet().await;
    let there = bench.partner_in(of(kind, System::HubSpot, here));
    assert_eq!(bench.there(there, "assignTo")["identifier"], MEMBER);
    assert_eq!(bench.here(kind, here, "hubspot_owner_id"), NO_MEMBER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_both_systems_have_is_recognised_by_name_company_and_day() {
    let bench = bench().await;
    let (company, of_company) = bench.pair("Acme").await;
    let about = [(Object::Company, company)];
    for kind in &KINDS {
        let later = json!("2026-01-09T09:00:00Z");
        let text = json!("Only if a < b.");
        let same = bench.hubspot_activity(kind, "See Pat", &about, &[(kind.body, text.clone())]);
        let other = bench.hubspot_activity(kind, "See Pat", &about, &[(kind.body, text), (kind.time, later)]);
        let there = bench.connectwise_activity(kind, "See Pat", of_company, &[]);
        bench.settle().await;
        assert_eq!(bench.partner_in(of(kind, System::HubSpot, same)), there, "{}", kind.object);
        assert_ne!(bench.partner_in(of(kind, System::HubSpot, other)), there, "{}: another day", kind.object);
        assert_eq!(bench.counted(kind).0, 2, "{}", kind.object);
    }
    assert_eq!(bench.counted(&KINDS[0]).1, 8);
    bench.assert_quiet().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_one_rests_and_is_not_made_again() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    for kind in &KINDS {
        let here = bench.hubspot_activity(kind, "See Pat", &[(Object::Company, company)], &[]);
        bench.settle().await;
        let there = bench.partner_in(of(kind, System::HubSpot, here));
        bench.running.control.delete(HUBSPOT, kind.there, here).unwrap();
        let before = bench.now();
        bench.settle().await;
        assert_eq!(bench.writes_since(before), [], "{}", kind.object);
        assert_eq!(bench.there(there, "type")["id"], kind.of_type, "nothing is deleted");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn activities_under_faults_are_made_once_each() {
    let bench = bench().await;
    let (company, of_company) = bench.pair("Acme").await;
    let kinds = [&KINDS[0], &KINDS[3]];
    let mut made = Vec::new();
    for (n, kind) in (0..4).flat_map(|n| kinds.map(|kind| (n, kind))) {
        let body = [(kind.body, json!(format!("Ours {n}")))];
        let here = bench.hubspot_activity(kind, &format!("Ours {n}"), &[(Object::Company, company)], &body);
        let notes = [("notes", json!(format!("Theirs {n}")))];
        let there = bench.connectwise_activity(kind, &format!("Theirs {n}"), of_company, &notes);
        made.extend([of(kind, System::HubSpot, here), of(kind, System::ConnectWise, there)]);
    }
    let lost = |side, path: &str| {
        let rule = FaultRule::once(Fault::DropAfterCommit).on(side).method("POST").path(path);
        FaultRule { count: Some(4), ..rule.with_probability(0.6) }
    };
    bench.running.control.inject(lost(CONNECTWISE, "sales/activities"));
    bench.running.control.inject(lost(HUBSPOT, "tasks/batch/create"));
    bench.run().await;
    assert!(bench.running.control.faults_struck() > 0, "no answer was lost");
    bench.settle().await;
    for record in made {
        bench.partner_in(record);
    }
    assert_eq!((bench.counted(kinds[0]), bench.counted(kinds[1]).0), ((8, 16), 8));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_brings_back_the_markup_that_an_edit_in_connectwise_replaced() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let kind = &KINDS[3];
    let here = bench.hubspot_activity(kind, "", &[(Object::Company, company)], &[]);
    bench.settle().await;
    let there = bench.partner_in(of(kind, System::HubSpot, here));
    bench.edit_there(there, &[("notes", json!("Bring one & go."))]);
    bench.settle().await;
    assert_eq!(bench.here(kind, here, kind.body), "Bring one &amp; go.");
    let record = of(kind, System::HubSpot, here);
    let writes = bench.workspace.reader().unwrap().intents_to(record, None, 10).unwrap();
    let write = writes.iter().find(|write| !write.writes.is_empty()).unwrap().id;
    let Reply::Undone(report) = bench.ask(Ask::Undo { what: Undo::Write(write), dry_run: false }).await else {
        panic!("it was not undone")
    };
    assert!(!report.needs_person(), "{report:?}");
    assert_eq!(bench.here(kind, here, kind.body), "<p>Bring <b>both</b> &amp; wait.</p>");
    bench.assert_quiet().await;
    assert_eq!(bench.there(there, "notes"), "Bring one & go.", "the source stays");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_activity_that_becomes_another_kind_has_one_partner_and_keeps_its_text() {
    let bench = bench().await;
    let (_, company) = bench.pair("Acme").await;
    let [task, call, ..] = &KINDS;
    // e-mails, which are no record of Lockstep's
    const EMAIL: u64 = 5;
    for of_type in [call.of_type, EMAIL] {
        let there = bench.connectwise_activity(task, "Swap", company, &[]);
        bench.settle().await;
        let (old, _) = bench.partner(of(task, System::ConnectWise, there)).unwrap();
        bench.edit_there(there, &[("type", json!({ "id": of_type }))]);
        bench.settle().await;
        let (_, state) = bench.partner(of(task, System::ConnectWise, there)).unwrap();
        assert_eq!(state, LinkState::Tomb, "it is a task no more");
        bench.edit_there(there, &[("notes", json!("Said there"))]);
        bench.edit_here(task, old, &[(task.body, json!("Said in the old task"))]);
        bench.settle().await;
        assert_eq!(bench.there(there, "notes"), "Said there", "nobody but its own partner writes to it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_name_stands_in_for_the_text_of_a_new_note_and_for_no_text_that_was_emptied() {
    let bench = bench().await;
    let (_, company) = bench.pair("Acme").await;
    let note = &KINDS[3];
    let bare = bench.connectwise_activity(note, "Asked for a quote", company, &[("notes", json!(""))]);
    let full = bench.connectwise_activity(note, "Call", company, &[("notes", json!("Wants to cancel"))]);
    bench.settle().await;
    let partner = |id| bench.partner(of(note, System::ConnectWise, id)).unwrap().0;
    assert_eq!(bench.here(note, partner(bare), note.body), "Asked for a quote");
    let before = bench.now();
    bench.settle().await;
    assert_eq!(bench.writes_since(before), []);
    bench.edit_there(full, &[("name", json!("Summary")), ("notes", json!(""))]);
    bench.settle().await;
    assert_eq!(bench.here(note, partner(full), note.body), "Wants to cancel", "an empty value does not erase");
    assert_eq!(bench.there(full, "notes"), "Wants to cancel", "and is filled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_a_text_stay_lines_there_and_back() {
    let bench = bench().await;
    let company = bench.create(HUBSPOT, "Acme");
    let task = &KINDS[0];
    let body = "<p>Minutes</p><ul><li>first</li><li>second</li></ul>a<br>b";
    let here = bench.hubspot_activity(task, "Minutes", &[(Object::Company, company)], &[(task.body, json!(body))]);
    bench.settle().await;
    let there = bench.partner(of(task, System::HubSpot, here)).unwrap().0;
    assert_eq!(bench.there(there, "notes"), "Minutes\nfirst\nsecond\na\nb");
    bench.edit_there(there, &[("notes", json!("Minutes\nfirst\nthird\na\nb"))]);
    bench.settle().await;
    assert_eq!(bench.here(task, here, task.body), "Minutes<br>first<br>third<br>a<br>b");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_names_the_activity_of_another_kind_is_not_believed() {
    let bench = bench().await;
    let (company, there) = bench.pair("Acme").await;
    let [task, .., note] = &KINDS;
    let noted = bench.connectwise_activity(note, "Noted", there, &[]);
    bench.settle().await;
    let wrong = Fault::Mangle { pointer: "/id".to_owned(), value: Some(json!(noted)) };
    bench.running.control.inject(FaultRule::once(wrong).on(CONNECTWISE).method("POST").path("sales/activities"));
    let here = bench.hubspot_activity(task, "To do", &[(Object::Company, company)], &[]);
    bench.settle().await;
    assert!(bench.running.control.faults_struck() > 0);
    let (partner, _) = bench.partner(of(task, System::HubSpot, here)).unwrap();
    assert_ne!(partner, noted, "the note's own");
    assert_eq!(bench.there(partner, "name"), "To do");
    let before = bench.there(noted, "notes");
    bench.edit_here(task, here, &[(task.body, json!("Of the task"))]);
    bench.settle().await;
    assert_eq!(bench.there(noted, "notes"), before);
}
