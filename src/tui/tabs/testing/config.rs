//! A configuration in memory.
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

use std::sync::{Arc, Mutex};

use crate::engine::driver::deploy::{DeployError, Deployed};
use crate::mapping::{Config, toml};
use crate::model::{ConfigVersion, ObjectKind, Record, Timestamp};
use crate::store::rows::{ConfigInfo, ConfigRow, ConfigState};
use crate::store::{Base, Saved, Stale};
use crate::tui::tabs::draft::deployer::Deployer;
use crate::tui::tabs::draft::source::{Book, ConfigSource, Current, NotSaved, Version};
use crate::tui::world::{BoxFuture, SourceError};

/// A configuration in memory.
#[derive(Default)]
pub struct FakeConfig {
    pub book: Mutex<Book>,
    pub records: Vec<Record>,
    /// Every save, oldest first.
    pub saved: Mutex<Vec<Config>>,
    /// What is in the history alone.
    pub aside: Mutex<Vec<Config>>,
    pub broken: bool,
}

/// A version that somebody else saved; its state has the same number.
#[must_use]
pub fn version(number: u32, config: &Config) -> Version {
    let (version, edit) = (ConfigVersion(number), u64::from(number) * 100);
    Version {
        version,
        edit,
        author: "dana".to_owned(),
        is_tested: false,
        tested: None,
        config: Arc::new(config.clone()),
    }
}

fn expect(book: &Book, base: Base) -> Result<(), NotSaved> {
    let current = book.newest();
    let fits = match base {
        Base::Any => true,
        Base::Nothing => current.is_none(),
        Base::Edit(edit) | Base::Instead(edit) => current.is_some_and(|version| version.edit == edit),
    };
    if fits {
        return Ok(());
    }
    Err(NotSaved::Stale(Box::new(Current { version: current.cloned(), is_draft: book.draft.is_some() })))
}

impl FakeConfig {
    /// Somebody else changes the draft.
    pub fn changed_by_another(&self, change: impl FnOnce(&mut Config)) {
        let mut book = self.book.lock().unwrap();
        let mut config = Config::clone(book.current().unwrap());
        change(&mut config);
        let edit = book.newest().map_or(0, |version| version.edit) + 1;
        book.draft = Some(Version { edit, ..version(7, &config) });
    }
}

/// Deploys what a [`FakeConfig`] has.
pub struct FakeDeployer(pub Arc<FakeConfig>);

impl Deployer for FakeDeployer {
    fn deploy(&self, edit: u64) -> BoxFuture<Result<Deployed, DeployError>> {
        let mut book = self.0.book.lock().unwrap();
        let deployed = match &book.draft {
            Some(draft) if draft.edit == edit => {
                book.deployed = book.draft.take();
                let version = book.deployed.as_ref().unwrap().version;
                Ok(Deployed { version, created: Vec::new(), warnings: Vec::new() })
            }
            other => {
                let current = other.as_ref().map(|draft| ConfigRow {
                    info: ConfigInfo {
                        version: draft.version,
                        state: ConfigState::Draft,
                        note: String::new(),
                        author: draft.author.clone(),
                        created: Timestamp::EPOCH,
                        edit: draft.edit,
                        deployed: None,
                        tested: None,
                    },
                    body: toml::write(&draft.config),
                });
                Err(DeployError::Stale(Box::new(Stale { current })))
            }
        };
        Box::pin(async move { deployed })
    }

    fn step(&self) -> Option<String> {
        Some("HubSpot: the company fields".to_owned())
    }
}

impl ConfigSource for FakeConfig {
    fn book(&self, object: ObjectKind) -> Result<Book, SourceError> {
        if self.broken {
            return Err(SourceError("disk I/O error".into()));
        }
        let book = self.book.lock().unwrap().clone();
        let all = book.schemas.iter().chain(&book.elsewhere).cloned();
        let (mut own, elsewhere): (Vec<_>, Vec<_>) = all.partition(|pair| pair.hubspot.object == object);
        Ok(Book { schemas: own.pop(), elsewhere, ..book })
    }

    fn save(&self, config: &Config, base: Base, _now: Timestamp) -> Result<Saved, NotSaved> {
        if self.broken {
            return Err(SourceError("disk is full".into()).into());
        }
        let mut book = self.book.lock().unwrap();
        expect(&book, base)?;
        self.saved.lock().unwrap().push(config.clone());
        let edit = book.newest().map_or(0, |version| version.edit) + 1;
        book.draft = Some(Version { edit, ..version(7, config) });
        Ok(Saved { version: ConfigVersion(7), edit })
    }

    fn set_aside(&self, config: &Config, _now: Timestamp) -> Result<(), SourceError> {
        self.aside.lock().unwrap().push(config.clone());
        Ok(())
    }

    fn revert(&self, edit: u64) -> Result<(), NotSaved> {
        let mut book = self.book.lock().unwrap();
        expect(&book, Base::Edit(edit))?;
        book.draft = None;
        Ok(())
    }
}
