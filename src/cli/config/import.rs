//! `lockstep config import`: a file becomes the draft, together with what others changed since it was exported.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde_json::{Value as Json, json};

use super::diff::{change_json, change_line};
use super::text::{self, label};
use super::{HOW_TO_GET_ONE, is_workbook, newest, parse};
use crate::cli::check::{self, Findings};
use crate::cli::output::{count, paragraph, width};
use crate::cli::session::Session;
use crate::engine::driver::Clock;
use crate::error::{Exit, Kind, Outcome, Report};
use crate::mapping::merge::{Side, three_way};
use crate::mapping::{Change, Config, diff, toml};
use crate::store::rows::{ConfigRow, ConfigState};
use crate::store::{Base, Settings};
use crate::view::format;
use crate::workbook::{self, CellError, Workbook};

/// A larger file is no configuration. In bytes.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Merged settings that are named.
const NAMED: usize = 5;

/// What a person asked for beside the file.
#[derive(Debug, Clone, Copy)]
pub struct How {
    pub dry_run: bool,
    pub strict: bool,
    pub replace: bool,
}

/// A configuration, and the text that says it.
struct Mine {
    text: String,
    config: Config,
}

/// What a file holds.
enum Content {
    Text(String),
    Book(Workbook),
}

/// What would become the draft.
struct Taken {
    text: String,
    config: Config,
    base: Base,
    /// What is there now.
    current: Option<ConfigRow>,
    /// Against what is there now.
    changes: Vec<Change>,
    /// What others changed since the file was exported; it stays.
    merged: Vec<Change>,
    /// A draft that the file takes the place of without having been made of it.
    replaces: bool,
    /// The file is what it was when it was imported or exported last, and what was changed since stays: nothing of it
    /// is taken.
    is_old: bool,
    /// Sheets of a workbook that nothing was read of.
    ignored: Vec<String>,
}

pub fn import(session: &Session, settings: &mut Settings, file: &Path, how: How) -> Outcome {
    let content = if is_workbook(file)? { Content::Book(book(file)?) } else { Content::Text(read(file)?) };
    let place = if file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let (author, note, now) = (session.author(), format!("imported from {place}"), Clock::start().now());
    let (seen, bare) = match &content {
        Content::Text(text) => text::head(text),
        Content::Book(book) => (book.made_of, ""),
    };
    let made_of = match seen {
        Some(seen) if !how.replace => made_of(settings, seen, &author, &note)?,
        _ => None,
    };
    let mine = match &content {
        Content::Text(_) => Mine { text: bare.to_owned(), config: parse(bare, &place)? },
        Content::Book(book) => of_book(settings, book, made_of.as_ref(), &place)?,
    };
    let text = &mine.text.clone();
    let made_of = made_of.map(|made_of| made_of.config);
    let mut taken = take(settings, mine, &place, seen, made_of)?;
    if let Content::Book(book) = &content {
        taken.ignored.clone_from(&book.ignored);
        // a workbook has no comments: those of the text that it changes stay
        if let Some(row) = &taken.current {
            taken.text = toml::update(&row.body, &taken.config);
        }
    }
    let findings = check::findings(&taken.config, settings)?;
    if let Some(row) = taken.current.as_ref().filter(|_| taken.is_old) {
        return nothing_new(session, &taken, row, &findings, &place, how);
    }
    if how.dry_run {
        return show(session, &taken, &findings, &place);
    }
    if how.strict && !findings.errors.is_empty() {
        return Err(Report::refused(format!("{place} does not fit the two systems; nothing was changed"))
            .because(findings.errors.join("\n"))
            .hint("put that right, then import it again"));
    }
    let saved = settings.save_draft(&taken.text, &author, &note, taken.base, now)?;
    if let Some(seen) = seen {
        settings.keep_import(text, &author, &note, seen, now)?;
    }
    let mut answer = taken.json(&findings);
    answer["version"] = json!(saved.version);
    answer["edit"] = json!(saved.edit);
    answer["taken"] = json!(true);
    session.output.result(&answer, |_| {
        let mut lines = vec![format!("{place} is the draft now, as version {}.", saved.version)];
        lines.extend(taken.told());
        lines.push(check::text(&findings, "Next: lockstep config test, then lockstep config deploy"));
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}

/// What the file was when it was imported last, or else exported: against that, it has its own changes.
fn made_of(settings: &Settings, seen: u64, author: &str, note: &str) -> Outcome<Option<Mine>> {
    let imported = settings.imported(seen, author, note)?;
    let text = match imported {
        Some(text) => Some(text),
        None => settings.edit(seen)?.map(|(_, text)| text),
    };
    // what cannot be read any more is no base for a comparison
    Ok(text.and_then(|text| toml::read(&text).ok().map(|config| Mine { text, config })))
}

/// What the file comes to beside what is there now.
fn take(settings: &Settings, mine: Mine, place: &str, seen: Option<u64>, made_of: Option<Config>) -> Outcome<Taken> {
    let Mine { text, config: mine } = mine;
    let current = match settings.draft()? {
        Some(draft) => Some(draft),
        None => settings.deployed()?,
    };
    let Some(row) = &current else {
        let changes = Vec::new();
        return Ok(Taken {
            text,
            config: mine,
            base: Base::Nothing,
            current,
            changes,
            merged: Vec::new(),
            replaces: false,
            is_old: false,
            ignored: Vec::new(),
        });
    };
    let edit = row.info.edit;
    // what is there may be of another program: then only the whole can take its place
    let now = toml::read(&row.body).ok();
    let changes = |config: &Config| now.as_ref().map_or_else(Vec::new, |now| diff(now, config));
    if let (Some(made_of), Some(theirs)) = (made_of, &now) {
        let merged = three_way(&made_of, &mine, theirs, |_| Side::Theirs)
            .map_err(|error| Report::failed("the file can't be merged with what others changed").because(error))?;
        if !merged.clashes.is_empty() {
            return Err(contradicts(place, row, &merged.clashes));
        }
        let others = diff(&made_of, theirs);
        let text = toml::update(&text, &merged.config);
        let changes = changes(&merged.config);
        let (config, base) = (merged.config, Base::Edit(edit));
        let is_old = mine == made_of && !others.is_empty();
        return Ok(Taken {
            text,
            config,
            base,
            changes,
            merged: others,
            replaces: false,
            is_old,
            ignored: Vec::new(),
            current,
        });
    }
    let changes = changes(&mine);
    let is_draft = matches!(row.info.state, ConfigState::Draft | ConfigState::Tested);
    let replaces = is_draft && seen != Some(edit) && (now.is_none() || !changes.is_empty());
    let base = if seen == Some(edit) { Base::Edit(edit) } else { Base::Instead(edit) };
    Ok(Taken {
        text,
        config: mine,
        base,
        changes,
        merged: Vec::new(),
        replaces,
        is_old: false,
        ignored: Vec::new(),
        current,
    })
}

/// What a workbook makes of the configuration that it was written of, or else of what is there now.
fn of_book(settings: &Settings, book: &Workbook, made_of: Option<&Mine>, place: &str) -> Outcome<Mine> {
    let onto = |text: &str, config: &Config| {
        let config = book.onto(config).map_err(|mistakes| unfit_cells(place, &mistakes))?;
        Ok(Mine { text: toml::update(text, &config), config })
    };
    match made_of {
        Some(Mine { text, config }) => onto(text, config),
        None => {
            let row = newest(settings)?;
            onto(&row.body, &parse(&row.body, &text::name(&row.info))?)
        }
    }
}

fn unfit_cells(place: &str, mistakes: &[CellError]) -> Report {
    let lines = mistakes.iter().map(|mistake| format!("{mistake} {}", mistake.hint).trim_end().to_owned());
    Report::refused(format!("{place} is not a configuration; nothing was changed"))
        .because(lines.collect::<Vec<_>>().join("\n"))
        .hint("put these cells right, then import it again")
}

fn contradicts(place: &str, row: &ConfigRow, clashes: &[crate::mapping::merge::Clash]) -> Report {
    let shown = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let lines = clashes
        .iter()
        .map(|clash| format!("{}: {} in the file, {} by now", clash.path, shown(&clash.mine), shown(&clash.theirs)));
    let who = &row.info.author;
    Report::refused(format!("{place} contradicts what was changed meanwhile, last by {who}; nothing was changed"))
        .because(lines.collect::<Vec<_>>().join("\n"))
        .hint("put the file right, or take it as it is with --replace: the history keeps what it takes the place of")
}

impl Taken {
    fn json(&self, findings: &Findings) -> Json {
        let replaces = self
            .current
            .as_ref()
            .filter(|_| self.replaces)
            .map(|row| json!({ "version": row.info.version, "edit": row.info.edit, "author": row.info.author }));
        json!({
            "changes": self.changes.iter().map(change_json).collect::<Vec<_>>(),
            "merged": self.merged.iter().map(change_json).collect::<Vec<_>>(),
            "replaces": replaces,
            "ignored": self.ignored,
            "errors": findings.errors,
            "warnings": findings.warnings,
        })
    }

    /// What became of other people's work.
    fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.ignored.is_empty() {
            lines.push(format!("Sheets that are nothing of the configuration: {}.", self.ignored.join(", ")));
        }
        if let Some(row) = self.current.as_ref().filter(|_| self.replaces) {
            let (label, author) = (label(&row.info), &row.info.author);
            let differ = count(self.changes.len() as u64, "setting differs", "settings differ");
            lines.push(format!(
                "It takes the place of the draft {label} by {author}, which the history keeps: {differ} \
                 (`lockstep config diff {label} draft`)."
            ));
        }
        if !self.merged.is_empty() {
            let paths: Vec<&str> = self.merged.iter().take(NAMED).map(|change| change.path.as_str()).collect();
            let more = self.merged.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            lines.push(format!("Changed meanwhile, and kept: {}{more}.", paths.join(", ")));
        }
        lines
    }
}

/// Since the file was imported or exported last, only others changed something: whoever means the file as it is says so.
fn nothing_new(
    session: &Session,
    taken: &Taken,
    row: &ConfigRow,
    findings: &Findings,
    place: &str,
    how: How,
) -> Outcome {
    let now = text::name(&row.info);
    let what = format!("nothing of {place} was taken");
    let why = format!("It was not changed since it was imported or exported last; {now} by {} was.", row.info.author);
    let take = format!("`lockstep config import {place} --replace` takes it as it is; the history keeps the other.");
    if how.strict {
        return Err(Report::refused(what).because(why).hint(take));
    }
    let mut answer = taken.json(findings);
    answer["taken"] = json!(false);
    session.output.result(&answer, |_| {
        let width = width();
        let what = format!("{}: {now} stays. {why}", format::capitalised(&what));
        let mut lines = vec![paragraph(&what, width)];
        lines.extend(taken.told());
        lines.push(paragraph(&take, width));
        lines.join("\n")
    })?;
    Ok(Exit::Done)
}

/// What it would do; nothing is done.
fn show(session: &Session, taken: &Taken, findings: &Findings, place: &str) -> Outcome {
    session.output.result(&taken.json(findings), |_| {
        let mut lines = match (&taken.current, taken.changes.len()) {
            (None, _) => vec![format!("{place} would be the first configuration.")],
            (Some(_), 0) => vec![format!("{place} changes nothing.")],
            (Some(row), _) => {
                let head = format!("Against {} {}:", row.info.state.word(), label(&row.info));
                std::iter::once(head).chain(taken.changes.iter().map(change_line)).collect()
            }
        };
        lines.extend(taken.told());
        lines.push(check::text(findings, "Nothing was changed; it could be deployed."));
        lines.join("\n")
    })?;
    Ok(if findings.errors.is_empty() { Exit::Done } else { Exit::Failed(Kind::Refused) })
}

/// The rows of a workbook.
fn book(file: &Path) -> Outcome<Workbook> {
    let mut bytes = Vec::new();
    let limit = workbook::MAX_BYTES as u64 + 1;
    fs::File::open(file).and_then(|f| f.take(limit).read_to_end(&mut bytes)).map_err(|error| {
        Report::failed(format!("{} cannot be read", file.display()))
            .because(error)
            .hint("name a workbook that you can read")
    })?;
    workbook::read(&bytes).map_err(|mistakes| unfit_cells(&file.display().to_string(), &mistakes))
}

fn read(file: &Path) -> Outcome<String> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::InvalidData => {
            Report::refused(format!("{} is not a configuration; nothing was changed", file.display()))
                .because("it is not UTF-8 text")
                .hint(HOW_TO_GET_ONE)
        }
        _ => Report::failed(format!("{} cannot be read", file.display()))
            .because(error)
            .hint("name a TOML file that you can read, or `-` for stdin"),
    };
    let mut text = String::new();
    let read = if file == Path::new("-") {
        io::stdin().lock().take(MAX_FILE + 1).read_to_string(&mut text)
    } else {
        fs::File::open(file).and_then(|f| f.take(MAX_FILE + 1).read_to_string(&mut text))
    };
    if read.map_err(failed)? as u64 > MAX_FILE {
        return Err(Report::refused(format!("{} is not a configuration; nothing was changed", file.display()))
            .because(format!("it is larger than {} MiB", MAX_FILE / (1024 * 1024)))
            .hint(HOW_TO_GET_ONE));
    }
    Ok(text)
}
