//! What people do to the configuration while an engine runs, in this process or another.

use lockstep::engine::driver::deploy::{self, DeployError, Deployed, Order};
use lockstep::mapping::Direction;
use lockstep::model::ConfigVersion;

use super::*;

impl Bench {
    /// Deploys another configuration, as somebody beside the engine does it.
    fn deploys(&self, change: impl FnOnce(&mut Config)) -> ConfigVersion {
        let mut settings = self.workspace.settings().unwrap();
        let mut config = toml::read(&settings.deployed().unwrap().unwrap().body).unwrap();
        change(&mut config);
        settings.save_draft(&toml::write(&config), "test", "", Base::Any, Clock::start().now()).unwrap();
        settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap()
    }
}

fn of_city(config: &mut Config) -> &mut lockstep::mapping::FieldMapping {
    config.objects[0].fields.iter_mut().find(|field| field.hubspot.as_str() == "city").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_engine_goes_on_with_what_another_process_deployed() {
    let bench = Bench::new(Data::Empty).await;
    let (hubspot, connectwise) = bench.pair("Acme").await;
    let parts = setup::parts(&bench.workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
    let engine = driver::start(&bench.workspace, driver::Parts { poll: Some(1), ..parts }).unwrap();
    let mut seen = engine.snapshot();
    seen.wait_for(|seen| seen.config == Some(ConfigVersion(1)) && seen.next_poll.is_some()).await.unwrap();
    let version = bench.deploys(|config| of_city(config).direction = Direction::ToHubspot);
    let used = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.config == Some(version))).await;
    used.unwrap().unwrap();
    let mut engine = engine;
    finished(&mut engine).await;
    let run = finished(&mut engine).await.run;
    assert_eq!(run.config, version, "runs say which configuration they went by");
    bench.edit(HUBSPOT, hubspot, "city", "Bonn");
    bench.edit(HUBSPOT, hubspot, "zip", "53111");
    until("the change crosses", || bench.value(CONNECTWISE, connectwise, "zip") == "53111").await;
    assert_eq!(bench.value(CONNECTWISE, connectwise, "city"), "Ulm", "it went by the version before");
    let next = seen.borrow().next_poll.unwrap().0;
    let now = engine.now().0;
    assert!(next <= now + 1_000, "the poll that was asked for on the command line is kept: {next} {now}");
    engine.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deployed_version_that_cannot_be_used_is_told_and_the_engine_goes_on_with_the_one_before() {
    let bench = Bench::new(Data::Empty).await;
    let engine = bench.engine(Mode::Watch).await;
    let mut seen = engine.snapshot();
    // Nobody deploys that with Lockstep, but what is stored may be of another program, or an older one.
    let version = bench.deploys(|config| of_city(config).values = Some(lockstep::mapping::ValueMap::default()));
    let mut settings = bench.workspace.settings().unwrap();
    settings.save_draft("object = 1", "test", "", Base::Any, Clock::start().now()).unwrap();
    let broken = settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
    let told = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.unused.is_some())).await.unwrap().unwrap();
    assert_eq!(told.unused.as_ref().map(|(version, _)| *version), Some(broken), "{:?}", told.unused);
    assert!(told.config < Some(broken) && told.config <= Some(version), "{:?}", told.config);
    drop(told);
    bench.deploy_text(&toml::write(&defaults::config()));
    let good = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.unused.is_none())).await;
    good.unwrap().unwrap();
    engine.stop().await;
}

impl Bench {
    fn deploy_text(&self, text: &str) {
        let mut settings = self.workspace.settings().unwrap();
        settings.save_draft(text, "test", "", Base::Any, Clock::start().now()).unwrap();
        settings.deploy_draft(Base::Any, "test", None, Clock::start().now()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_engine_shows_what_another_process_changed_and_nothing_else() {
    let bench = Bench::new(Data::Empty).await;
    let parts = setup::parts(&bench.workspace, Mode::Watch, Clock::start(), &Steps::default()).await.unwrap();
    let mut engine = driver::start(&bench.workspace, driver::Parts { poll: Some(3_600), ..parts }).unwrap();
    finished(&mut engine).await;
    let mut seen = engine.snapshot();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let rests = seen.borrow_and_update().phase == lockstep::engine::driver::snapshot::Phase::Idle;
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        if rests && !seen.has_changed().unwrap() {
            break;
        }
        assert!(Instant::now() < deadline, "the engine does not come to rest");
    }
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    assert!(!seen.has_changed().unwrap(), "nothing happened, and the console was told to draw");
    let before = seen.borrow_and_update().revision;
    let mut settings = bench.workspace.settings().unwrap();
    settings.save_draft(&toml::write(&defaults::config()), "dana", "", Base::Any, Clock::start().now()).unwrap();
    let told = tokio::time::timeout(PATIENCE, seen.wait_for(|seen| seen.revision > before)).await;
    told.unwrap().unwrap();
    engine.stop().await;
}

/// Saves a draft, as dana.
fn drafted(bench: &Bench, change: impl FnOnce(&mut Config)) -> (Order, Config) {
    let mut settings = bench.workspace.settings().unwrap();
    let mut config = toml::read(&settings.deployed().unwrap().unwrap().body).unwrap();
    change(&mut config);
    let saved = settings.save_draft(&toml::write(&config), "dana", "", Base::Any, Clock::start().now()).unwrap();
    (Order { edit: saved.edit, by: "mia".to_owned(), note: Some("as agreed".to_owned()) }, config)
}

async fn deployed(bench: &Bench, order: &Order) -> Result<Deployed, DeployError> {
    deploy::deploy(&bench.workspace, order, Clock::start(), &Steps::default()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_makes_the_fields_for_keys_and_is_signed_by_whoever_did_it() {
    let bench = Bench::new(Data::Empty).await;
    let (order, _) = drafted(&bench, |config| config.objects[0].hubspot_stamp = "another_key".into());
    let done = deployed(&bench, &order).await.unwrap();
    assert!(done.created.iter().any(|made| made.contains("another_key")), "{:?}", done.created);
    let info = bench.workspace.settings().unwrap().deployed().unwrap().unwrap().info;
    assert_eq!((info.version, info.author.as_str(), info.note.as_str()), (done.version, "dana", "as agreed"));
    assert_eq!(info.deployed.unwrap().by, "mia");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_is_not_the_one_that_was_asked_about_or_does_not_fit_is_not_deployed() {
    let bench = Bench::new(Data::Empty).await;
    let before = bench.workspace.settings().unwrap().deployed_version().unwrap();
    let (asked, _) = drafted(&bench, |config| of_city(config).direction = Direction::ToHubspot);
    let (newer, _) = drafted(&bench, |config| of_city(config).hubspot = "zz_gone".into());
    let Err(DeployError::Stale(stale)) = deployed(&bench, &asked).await else { panic!("another draft was deployed") };
    assert_eq!(stale.current.unwrap().info.edit, newer.edit);
    let Err(DeployError::Unfit { errors, .. }) = deployed(&bench, &newer).await else { panic!("it was deployed") };
    assert!(errors.iter().any(|error| error.contains("zz_gone")), "{errors:?}");
    assert_eq!(bench.workspace.settings().unwrap().deployed_version().unwrap(), before);
}

/// Somebody saves while the systems are asked: the slow part of a deploy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_draft_that_comes_while_a_deploy_asks_the_systems_is_not_deployed_with_it() {
    let bench = Bench::new(Data::Empty).await;
    let before = bench.workspace.settings().unwrap().deployed_version().unwrap();
    let (asked, _) = drafted(&bench, |config| of_city(config).direction = Direction::ToHubspot);
    bench.running.control.inject(FaultRule::once(Fault::Delay { ms: 1_000 }).on(HUBSPOT).path("/properties/"));
    let (done, newer) = tokio::join!(deployed(&bench, &asked), async {
        until("the fields are asked for", || bench.running.control.faults().is_empty()).await;
        drafted(&bench, |config| config.timing.poll = 90).0
    });
    let Err(DeployError::Stale(stale)) = done else { panic!("{done:?}") };
    assert_eq!(stale.current.unwrap().info.edit, newer.edit);
    assert_eq!(bench.workspace.settings().unwrap().deployed_version().unwrap(), before);
}
