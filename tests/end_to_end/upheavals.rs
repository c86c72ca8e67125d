//! What turns a whole workspace or a whole system over at once: a file of an older Lockstep, a filter that lets nobody pass,
//! a list that shows nothing, a company that goes up in another one while its contacts are written.

use lockstep::store::{Key, Workspace};

use super::contacts::contact;
use super::*;

impl Bench {
    fn links(&self, state: LinkState) -> usize {
        let reader = self.workspace.reader().unwrap();
        let companies = self.running.control.records(HUBSPOT, Object::Company, 0, 1000);
        let linked = companies
            .iter()
            .filter_map(|record| reader.link_of(at(System::HubSpot, record["id"].as_u64().unwrap())).unwrap());
        linked.filter(|link| link.state == state).count()
    }

    async fn assert_nothing_written_by_another_run(&self) {
        let before = self.now();
        assert_eq!(self.run().await.run.verdict, Verdict::Done);
        assert_eq!(self.writes_since(before), []);
    }
}

/// What each step of the tables added, taken away again: the file as the version before it left it.
const TAKEN_BACK: [&str; 10] = [
    "DROP INDEX link_partners",
    "ALTER TABLE config DROP COLUMN tested_at; ALTER TABLE config DROP COLUMN tested_by",
    "DROP TABLE cover",
    "DROP INDEX link_pairs",
    "DROP TABLE callbacks; DROP TABLE told",
    "DROP TABLE config_edit; DELETE FROM meta WHERE key = 'edit'; ALTER TABLE config DROP COLUMN edit; \
     ALTER TABLE config DROP COLUMN deployed_at; ALTER TABLE config DROP COLUMN deployed_by",
    "DROP TABLE inbox; DROP TABLE webhook",
    "DROP TABLE pause",
    "DROP TABLE checkup",
    "DROP TABLE drift",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_of_an_older_lockstep_is_taken_over_and_writes_nothing_anew() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let key_file = bench.home.path().join("keys/acme.key");
    let hex = std::fs::read_to_string(&key_file).unwrap();
    let open = || {
        let file = rusqlite::Connection::open(bench.workspace.file()).unwrap();
        file.pragma_update(None, "key", format!("x'{}'", hex.trim())).unwrap();
        file
    };
    let newest: i64 = open().query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    assert_eq!(newest, 1 + TAKEN_BACK.len() as i64, "take the newest step back here, too");
    for back in 1..newest {
        let file = open();
        for step in TAKEN_BACK.iter().take(back as usize) {
            file.execute_batch(step).unwrap();
        }
        file.pragma_update(None, "user_version", newest - back).unwrap();
        drop(file);
        Workspace::open(&bench.home.path().join("workspaces"), "acme", &Key::read_file(&key_file).unwrap()).unwrap();
        bench.assert_nothing_written_by_another_run().await;
        let before = bench.now();
        bench.edit(HUBSPOT, hubspot, "city", &format!("Bonn {back}"));
        bench.settle().await;
        assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), format!("Bonn {back}"), "from {}", newest - back);
        assert_eq!(bench.writes_since(before).len(), 1);
    }
    open().pragma_update(None, "user_version", newest + 1).unwrap();
    let (code, _) = bench.exit_code("sync --once").await;
    assert_eq!(code, 3, "a newer one is refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_lets_nobody_pass_freezes_all_and_lifted_lets_them_go_on() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let nobody = |config: &mut Config| {
        let filters = &mut config.objects[0].filters;
        filters.to_connectwise = "name = 'Nobody is called so'".to_owned();
        filters.to_hubspot = filters.to_connectwise.clone();
    };
    bench.deploy(nobody);
    let before = bench.now();
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.edit(CONNECTWISE, connectwise, "zip", "89073");
    let new = bench.create(HUBSPOT, "New");
    bench.settle().await;
    assert_eq!(bench.writes_since(before), [], "nobody passes");
    assert_eq!(bench.links(LinkState::Active), 1, "the link stays");
    assert_eq!(bench.status(at(System::HubSpot, new)).state, RecordState::Excluded);
    assert_eq!(bench.status(at(System::HubSpot, hubspot)).state, RecordState::Excluded);
    bench.deploy(|config| config.objects[0].filters = lockstep::mapping::Filters::default());
    bench.settle().await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Bonn");
    assert_eq!(bench.value(HUBSPOT, hubspot, "zip"), "89073");
    bench.assert_pairs(&["Acme".to_owned(), "New".to_owned()]);
    bench.assert_nothing_written_by_another_run().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_shows_nothing_where_many_are_known_holds_the_run_on_either_side() {
    const MANY: usize = 30;
    for side in [HUBSPOT, CONNECTWISE] {
        let bench = Bench::with(Data::Empty, |config| config.timing.sweep = 1).await;
        bench.create_many(HUBSPOT, MANY);
        bench.settle().await;
        let pointer = if side == HUBSPOT { "/results" } else { "" };
        let nothing = Fault::Mangle { pointer: pointer.to_owned(), value: Some(json!([])) };
        let is_list = |path: &&str| path.contains("/objects/") && path.ends_with("/companies");
        let seen = bench.running.control.requests(0).into_iter().map(|request| request.path).collect::<Vec<_>>();
        let path = match side {
            HUBSPOT => seen.iter().map(String::as_str).find(is_list).unwrap(),
            CONNECTWISE => "company/companies",
        };
        bench.running.control.inject(FaultRule::once(nothing).on(side).method("GET").path(path).with_probability(1.0));
        let before = bench.now();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let Verdict::Held { reason, .. } = bench.run().await.run.verdict else { panic!("{}: not held", side.name()) };
        assert!(reason.contains("30"), "{reason}");
        assert_eq!((bench.writes_since(before), bench.links(LinkState::Active)), (Vec::new(), MANY), "{}", side.name());
        bench.running.control.clear_faults();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        bench.settle().await;
        assert_eq!((bench.writes_since(before), bench.links(LinkState::Active)), (Vec::new(), MANY), "{}", side.name());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_company_merged_while_its_contacts_are_written_takes_none_twice() {
    const CONTACTS: usize = 12;
    for side in [HUBSPOT, CONNECTWISE] {
        let bench = Bench::new(Data::Empty).await;
        let (stays, stays_there) = bench.pair("Stays").await;
        let (goes, goes_there) = bench.pair("Goes").await;
        let people: Vec<u64> =
            (0..CONTACTS).map(|n| bench.hubspot_contact(&format!("pat{n}@goes.example.com"), Some(goes))).collect();
        let before = bench.now();
        let mut engine = bench.engine(Mode::Once).await;
        until("the first contacts are made", || !bench.writes_since(before).is_empty()).await;
        let (first, second) = if side == HUBSPOT { (stays, goes) } else { (stays_there, goes_there) };
        bench.running.control.merge(side, Object::Company, first, second, None).unwrap();
        finished(&mut engine).await;
        engine.stop().await;
        bench.settle().await;
        bench.settle().await;
        let there = bench.running.control.records(CONNECTWISE, Object::Contact, 0, 1000);
        assert!(there.len() <= CONTACTS, "{}: {} contacts", side.name(), there.len());
        let mut partners: Vec<u64> =
            people.iter().filter_map(|id| bench.partner(contact(System::HubSpot, *id))).map(|(id, _)| id).collect();
        assert_eq!(partners.len(), there.len(), "{}: none was made that is nobody's partner", side.name());
        partners.sort_unstable();
        partners.dedup();
        assert_eq!(partners.len(), there.len(), "{}: each has a partner of its own", side.name());
        bench.assert_nothing_written_by_another_run().await;
    }
}
