//! The versions of the configuration: one draft, one that is deployed, all that were; and every state of a draft that
//! something else took the place of, so that nobody's work is lost by somebody else's.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::code::{Code, code_at, int, time_at, u64_at};
use super::error::{StoreError, StoreResult};
use super::rows::{ConfigInfo, ConfigRow, ConfigState, Deployment, EditEnd, EditInfo, Tested};
use super::settings::Settings;
use crate::model::{ConfigVersion, Timestamp};

/// Which state of the configuration somebody has seen who changes it: the draft, or what is deployed where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// There was none.
    Nothing,
    Edit(u64),
    /// This one, which another text takes the place of as a whole.
    Instead(u64),
    /// Whatever is there: it is replaced as a whole.
    Any,
}

/// A draft that was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Saved {
    pub version: ConfigVersion,
    pub edit: u64,
}

/// Somebody else changed the configuration meanwhile: nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// The draft as it is now, or what is deployed where there is none.
    pub current: Option<ConfigRow>,
}

/// Why a draft was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    #[error("the configuration was changed meanwhile{}", .0.current.as_ref().map_or_else(String::new, |row| format!(" by {}", row.info.author)))]
    Stale(Box<Stale>),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<rusqlite::Error> for DraftError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

pub type DraftResult<T> = Result<T, DraftError>;

/// Ended states of drafts that are kept, the newest ones: by number, and by the length of their texts.
const EDITS_KEPT: i64 = 500;
const EDIT_BYTES_KEPT: i64 = 32 * 1024 * 1024;

const INFO: &str = "version, state, note, author, created, edit, deployed_at, deployed_by, tested_at, tested_by";

impl Code for ConfigState {
    fn code(&self) -> i64 {
        match self {
            Self::Draft => 0,
            Self::Tested => 1,
            Self::Deployed => 2,
            Self::Retired => 3,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        [Self::Draft, Self::Tested, Self::Deployed, Self::Retired].into_iter().find(|state| state.code() == code)
    }
}

impl Code for EditEnd {
    fn code(&self) -> i64 {
        match self {
            Self::Changed => 0,
            Self::Replaced => 1,
            Self::Discarded => 2,
            Self::SetAside => 3,
            Self::Imported => 4,
        }
    }

    fn from_code(code: i64) -> Option<Self> {
        let all = [Self::Changed, Self::Replaced, Self::Discarded, Self::SetAside, Self::Imported];
        all.into_iter().find(|end| end.code() == code)
    }
}

/// # Errors
/// When the store cannot be read or written; so for all methods. `Stale` where `base` is not what is there.
impl Settings {
    /// Keeps `text` as the draft: in place of the draft there is, else as a new version. A tested draft that is
    /// changed has to be tested again.
    pub fn save_draft(
        &mut self,
        text: &str,
        author: &str,
        note: &str,
        base: Base,
        now: Timestamp,
    ) -> DraftResult<Saved> {
        self.change(|db| {
            let draft = draft(db)?;
            let seen = if draft.is_some() { draft.clone() } else { deployed(db)? };
            expect(base, seen)?;
            if let Some(draft) = &draft {
                let end =
                    if matches!(base, Base::Any | Base::Instead(_)) { EditEnd::Replaced } else { EditEnd::Changed };
                keep(db, draft, end, author)?;
            }
            let next = "SELECT coalesce(max(version), 0) + 1 FROM config";
            let version: u32 = match draft {
                Some(draft) => draft.info.version.0,
                None => db.query_row(next, [], |row| row.get(0))?,
            };
            let edit = next_edit(db)?;
            db.execute(
                "INSERT OR REPLACE INTO config(version, state, body, note, author, created, edit)
                VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![version, ConfigState::Draft.code(), text, note, author, now.0, int(edit)],
            )?;
            Ok(Saved { version: ConfigVersion(version), edit })
        })
    }

    /// Keeps a text among the ended states of the draft without making it the draft.
    pub fn set_aside(&mut self, text: &str, author: &str, note: &str, now: Timestamp) -> StoreResult<u64> {
        self.aside(text, author, note, now, EditEnd::SetAside, None)
    }

    /// Keeps a file as it was imported, which was made of that state; the next import finds what was changed in it since.
    pub fn keep_import(
        &mut self,
        text: &str,
        author: &str,
        note: &str,
        made_of: u64,
        now: Timestamp,
    ) -> StoreResult<u64> {
        self.aside(text, author, note, now, EditEnd::Imported, Some(made_of))
    }

    fn aside(
        &mut self,
        text: &str,
        author: &str,
        note: &str,
        now: Timestamp,
        ended: EditEnd,
        made_of: Option<u64>,
    ) -> StoreResult<u64> {
        self.change(|db| {
            let version: u32 = db.query_row("SELECT coalesce(max(version), 0) FROM config", [], |row| row.get(0))?;
            let edit = next_edit(db)?;
            let info = ConfigInfo {
                version: ConfigVersion(version),
                state: ConfigState::Draft,
                note: note.to_owned(),
                author: author.to_owned(),
                created: now,
                edit,
                deployed: None,
                tested: None,
            };
            keep(db, &ConfigRow { info, body: text.to_owned() }, ended, author)?;
            if let Some(made_of) = made_of {
                db.execute("UPDATE config_edit SET made_of = ?2 WHERE edit = ?1", [int(edit), int(made_of)])?;
            }
            Ok(edit)
        })
    }

    /// The file that this author imported last under that note, of those that were made of that state.
    pub fn imported(&self, made_of: u64, author: &str, note: &str) -> StoreResult<Option<String>> {
        let sql = "SELECT body FROM config_edit WHERE made_of = ?1 AND author = ?2 AND note = ?3
            ORDER BY edit DESC LIMIT 1";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_row(params![int(made_of), author, note], |row| row.get(0)).optional()?)
    }

    /// Marks that state of the draft as tested, by whom and when. Any change of it takes the mark away.
    pub fn mark_tested(&mut self, base: Base, by: &str, now: Timestamp) -> DraftResult<()> {
        self.change(|db| {
            let found = draft(db)?;
            if found.is_none() && base == Base::Any {
                return Err(StoreError::NoDraft.into());
            }
            expect_draft(db, base, found)?;
            let sql = "UPDATE config SET state = 1, tested_at = ?1, tested_by = ?2 WHERE state IN (0, 1)";
            db.execute(sql, params![now.0, by])?;
            Ok(())
        })
    }

    /// Makes the draft the version that drives the engine; the one before it retires. A `note` takes the place of its note.
    ///
    /// # Errors
    /// `NoDraft` when there is none.
    pub fn deploy_draft(
        &mut self,
        base: Base,
        by: &str,
        note: Option<&str>,
        now: Timestamp,
    ) -> DraftResult<ConfigVersion> {
        self.change(|db| {
            let found = draft(db)?;
            if found.is_none() && base == Base::Any {
                return Err(StoreError::NoDraft.into());
            }
            let version = found.as_ref().map_or(0, |row| row.info.version.0);
            expect_draft(db, base, found)?;
            db.execute("UPDATE config SET state = 3 WHERE state = 2", [])?;
            db.execute(
                "UPDATE config SET state = 2, deployed_at = ?2, deployed_by = ?3, note = coalesce(?4, note)
                WHERE version = ?1",
                params![version, now.0, by, note],
            )?;
            Ok(ConfigVersion(version))
        })
    }

    /// Throws the draft away, which is kept among the ended ones; whether there was one.
    pub fn discard_draft(&mut self, base: Base, by: &str) -> DraftResult<bool> {
        self.change(|db| {
            let found = draft(db)?;
            if found.is_none() && base == Base::Any {
                return Ok(false);
            }
            if let Some(draft) = &found {
                expect_draft(db, base, Some(draft.clone()))?;
                keep(db, draft, EditEnd::Discarded, by)?;
            } else {
                expect_draft(db, base, None)?;
            }
            Ok(db.execute("DELETE FROM config WHERE state IN (0, 1)", [])? > 0)
        })
    }

    /// The draft, tested or not.
    pub fn draft(&self) -> StoreResult<Option<ConfigRow>> {
        draft(&self.db)
    }

    /// The version that drives the engine.
    pub fn deployed(&self) -> StoreResult<Option<ConfigRow>> {
        deployed(&self.db)
    }

    /// Which version drives the engine, without its text.
    pub fn deployed_version(&self) -> StoreResult<Option<ConfigVersion>> {
        let sql = "SELECT version FROM config WHERE state = 2";
        let read = |row: &Row<'_>| row.get(0).map(ConfigVersion);
        Ok(self.db.prepare_cached(sql)?.query_row([], read).optional()?)
    }

    pub fn version(&self, version: ConfigVersion) -> StoreResult<Option<ConfigRow>> {
        config(&self.db, "version = ?1", [version.0])
    }

    /// The text of one state of a draft, or of the version that it became.
    pub fn edit(&self, edit: u64) -> StoreResult<Option<(ConfigVersion, String)>> {
        let sql = "SELECT version, body FROM config WHERE edit = ?1
            UNION ALL SELECT version, body FROM config_edit WHERE edit = ?1 LIMIT 1";
        let read = |row: &Row<'_>| Ok((ConfigVersion(row.get(0)?), row.get(1)?));
        Ok(self.db.prepare_cached(sql)?.query_row([int(edit)], read).optional()?)
    }

    /// All versions, newest first.
    pub fn history(&self) -> StoreResult<Vec<ConfigInfo>> {
        let mut statement = self.db.prepare_cached(&format!("SELECT {INFO} FROM config ORDER BY version DESC"))?;
        Ok(statement.query_map([], info_at)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The ended states of drafts, newest first.
    pub fn edits(&self) -> StoreResult<Vec<EditInfo>> {
        let sql = "SELECT edit, version, note, author, created, ended, ended_by FROM config_edit ORDER BY edit DESC";
        let read = |row: &Row<'_>| {
            Ok(EditInfo {
                edit: u64_at(row, 0)?,
                version: ConfigVersion(row.get(1)?),
                note: row.get(2)?,
                author: row.get(3)?,
                created: time_at(row, 4)?,
                ended: code_at(row, 5)?,
                ended_by: row.get(6)?,
            })
        };
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([], read)?.collect::<rusqlite::Result<_>>()?)
    }
}

/// Whether what is there is what somebody has seen.
fn expect(base: Base, current: Option<ConfigRow>) -> DraftResult<()> {
    let fits = match base {
        Base::Any => true,
        Base::Nothing => current.is_none(),
        Base::Edit(edit) | Base::Instead(edit) => current.as_ref().is_some_and(|row| row.info.edit == edit),
    };
    if fits { Ok(()) } else { Err(DraftError::Stale(Box::new(Stale { current }))) }
}

/// As [`expect`], where only a draft will do.
fn expect_draft(db: &Connection, base: Base, draft: Option<ConfigRow>) -> DraftResult<()> {
    if draft.is_none() {
        return Err(DraftError::Stale(Box::new(Stale { current: deployed(db)? })));
    }
    expect(base, draft)
}

/// Keeps a state of a draft that comes to its end, and forgets the oldest ones.
fn keep(db: &Connection, row: &ConfigRow, ended: EditEnd, by: &str) -> StoreResult<()> {
    let ConfigInfo { version, note, author, created, edit, .. } = &row.info;
    db.execute(
        "INSERT INTO config_edit(edit, version, body, note, author, created, ended, ended_by)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![int(*edit), version.0, row.body, note, author, created.0, ended.code(), by],
    )?;
    db.execute(
        "DELETE FROM config_edit WHERE edit IN (SELECT edit FROM (SELECT edit,
            row_number() OVER (ORDER BY edit DESC) AS place,
            sum(length(body)) OVER (ORDER BY edit DESC) AS bytes FROM config_edit)
        WHERE place > 1 AND (place > ?1 OR bytes > ?2))",
        [EDITS_KEPT, EDIT_BYTES_KEPT],
    )?;
    Ok(())
}

fn next_edit(db: &Connection) -> StoreResult<u64> {
    let sql = "UPDATE meta SET value = value + 1 WHERE key = 'edit' RETURNING value";
    Ok(db.query_row(sql, [], |row| u64_at(row, 0))?)
}

fn draft(db: &Connection) -> StoreResult<Option<ConfigRow>> {
    config(db, "state IN (0, 1)", [])
}

fn deployed(db: &Connection) -> StoreResult<Option<ConfigRow>> {
    config(db, "state = 2", [])
}

fn config(db: &Connection, condition: &str, params: impl rusqlite::Params) -> StoreResult<Option<ConfigRow>> {
    let sql = format!("SELECT {INFO}, body FROM config WHERE {condition}");
    let read = |row: &Row<'_>| Ok(ConfigRow { info: info_at(row)?, body: row.get(10)? });
    Ok(db.prepare_cached(&sql)?.query_row(params, read).optional()?)
}

fn info_at(row: &Row<'_>) -> rusqlite::Result<ConfigInfo> {
    let at = row.get::<_, Option<i64>>(6)?;
    let by = row.get::<_, Option<String>>(7)?;
    let tested = row.get::<_, Option<i64>>(8)?.zip(row.get::<_, Option<String>>(9)?);
    Ok(ConfigInfo {
        version: ConfigVersion(row.get(0)?),
        state: code_at(row, 1)?,
        note: row.get(2)?,
        author: row.get(3)?,
        created: time_at(row, 4)?,
        edit: u64_at(row, 5)?,
        deployed: at.zip(by).map(|(at, by)| Deployment { at: Timestamp(at), by }),
        tested: tested.map(|(at, by)| Tested { at: Timestamp(at), by }),
    })
}
