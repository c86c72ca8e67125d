//! The options of a choice: rows of ConnectWise's tables, each named by whichever of its members holds the name.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::ConnectWise;
use super::fields::{BOARDS, MEMBERS, Options};
use super::read::{PAGE, odd};
use super::record;
use crate::connect::error::Fault;
use crate::connect::http::{Call, Session};
use crate::model::{ChoiceOption, RecordId, StageOutcome};

/// More rows than any table of choices has, and the pages they are read in, should a server give few at a time.
const MOST_ROWS: usize = 100_000;
const MOST_PAGES: usize = 500;
/// More boards than any tenant has: each is asked for its own types and statuses.
const MOST_BOARDS: usize = 1000;

/// Options already read, or why they could not be.
pub(super) type Known = BTreeMap<Options, Result<Vec<ChoiceOption>, Fault>>;

impl ConnectWise {
    /// All rows of a list that is short as a rule: of a table, or of the few records that meet a condition. A numbered page
    /// says without another call whether it was all; where it was not, the list is read anew by key.
    pub(super) async fn rows(&self, list: &str, session: &mut Session) -> Result<Vec<Json>, Fault> {
        let joint = if list.contains('?') { '&' } else { '?' };
        let head = format!("{list}{joint}pageSize={PAGE}");
        let (rows, more) = self.table_page(&Call::get(head.as_str()), session).await?;
        if more { self.rows_by_key(&head, session).await } else { Ok(rows) }
    }

    /// `head`: the address up to what names the page.
    async fn rows_by_key(&self, head: &str, session: &mut Session) -> Result<Vec<Json>, Fault> {
        let mut rows: Vec<Json> = Vec::new();
        let mut after: Option<RecordId> = None;
        for _ in 0..MOST_PAGES {
            let from = after.map(|after| format!("&pageId={after}")).unwrap_or_default();
            let call = Call { forward_only: true, ..Call::get(format!("{head}{from}")) };
            let (page, more) = self.table_page(&call, session).await?;
            let last = page.iter().filter_map(|row| row.get("id").and_then(record::id)).max();
            rows.extend(page);
            if !more {
                return Ok(rows);
            }
            if last <= after {
                return Err(odd(&format!("{} repeats itself", bare(head))));
            }
            if rows.len() > MOST_ROWS {
                break;
            }
            after = last;
        }
        Err(odd(&format!("{} has no end: after {} rows there are said to be more", bare(head), rows.len())))
    }

    /// A page, and whether another may follow.
    async fn table_page(&self, call: &Call, session: &mut Session) -> Result<(Vec<Json>, bool), Fault> {
        let reply = self.reply(call, session).await?;
        let Json::Array(page) = self.classified(call, &reply)? else { return Err(odd("there is no list")) };
        let more = !page.is_empty() && (reply.next || page.len() >= PAGE as usize);
        Ok((page, more))
    }

    /// The options of a field, read once for all fields that share them.
    pub(super) async fn options(
        &self,
        source: Options,
        known: &mut Known,
        session: &mut Session,
    ) -> Result<Vec<ChoiceOption>, Fault> {
        if let Some(found) = known.get(&source) {
            return found.clone();
        }
        let found = match source {
            Options::None => Ok(Vec::new()),
            Options::Words(words) => {
                Ok(words.iter().map(|word| named((*word).to_owned(), (*word).to_owned())).collect())
            }
            Options::Table(MEMBERS) => self.members(session).await,
            Options::Table(list) => self.rows(list, session).await.map(|mut rows| {
                rows.sort_by_key(consequence);
                rows.iter().filter_map(option).collect()
            }),
            Options::PerBoard(list) => self.per_board(list, session).await,
        };
        let found = found.map(apart);
        known.insert(source, found.clone());
        found
    }

    async fn members(&self, session: &mut Session) -> Result<Vec<ChoiceOption>, Fault> {
        // Nothing of a member but what tells who it is.
        let fields = "id,identifier,firstName,lastName,inactiveFlag,officeEmail,defaultEmail,primaryEmail";
        let rows = self.rows(&format!("{MEMBERS}?fields={fields}"), session).await?;
        Ok(rows.iter().filter_map(member).collect())
    }

    async fn per_board(&self, list: &str, session: &mut Session) -> Result<Vec<ChoiceOption>, Fault> {
        let mut options = Vec::new();
        let boards = self.rows(BOARDS, session).await?;
        if boards.len() > MOST_BOARDS {
            return Err(odd(&format!("{BOARDS} has more than {MOST_BOARDS} boards")));
        }
        for board in boards {
            let Some(id) = board.get("id").and_then(record::id) else { continue };
            let of_board = |row: &Json| Some(ChoiceOption { parent: Some(id.to_string()), ..option(row)? });
            options.extend(self.rows(&format!("{BOARDS}/{id}/{list}"), session).await?.iter().filter_map(of_board));
        }
        Ok(options)
    }
}

/// An address without its query, for people.
fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

fn named(key: String, label: String) -> ChoiceOption {
    ChoiceOption { key, label, ..ChoiceOption::default() }
}

fn text<'a>(row: &'a Json, name: &str) -> Option<&'a str> {
    row.get(name).and_then(Json::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn flag(row: &Json, name: &str) -> bool {
    row.get(name).and_then(crate::connect::flag::flag) == Some(true)
}

/// Tables name their rows by `name`, `description`, `identifier` or, for probabilities, a number.
pub(super) fn option(row: &Json) -> Option<ChoiceOption> {
    let key = row.get("id").and_then(record::id)?.to_string();
    let number = || row.get("probability").and_then(Json::as_u64).map(|percent| format!("{percent} %"));
    let name = ["name", "description", "currencyIdentifier", "identifier"].into_iter().find_map(|name| text(row, name));
    let label = name.map(str::to_owned).or_else(number).unwrap_or_else(|| key.clone());
    let parent = record::referred(row, "category").map(|id| id.to_string());
    Some(ChoiceOption {
        inactive: flag(row, "inactiveFlag") || flag(row, "inactive"),
        outcome: outcome(row),
        parent,
        ..named(key, label)
    })
}

/// Activity statuses come in the order in which they may be chosen without being asked for: the tenant's default first, one
/// that makes ConnectWise ask for a follow-up last. Other rows stay in their order.
fn consequence(row: &Json) -> u8 {
    match row.get("spawnFollowupFlag") {
        None => 0,
        Some(_) if flag(row, "spawnFollowupFlag") => 2,
        Some(_) => u8::from(!flag(row, "defaultFlag")),
    }
}

/// What a status of an opportunity, a ticket or an activity means.
fn outcome(row: &Json) -> Option<StageOutcome> {
    let ended = ["wonFlag", "lostFlag", "closedFlag", "closedStatus"];
    if ended.iter().all(|name| row.get(name).is_none()) {
        return None;
    }
    Some(match () {
        () if flag(row, "wonFlag") => StageOutcome::Won,
        () if flag(row, "lostFlag") => StageOutcome::Lost,
        () if flag(row, "closedFlag") || flag(row, "closedStatus") => StageOutcome::Closed,
        () => StageOutcome::Open,
    })
}

fn member(row: &Json) -> Option<ChoiceOption> {
    let key = row.get("id").and_then(record::id)?.to_string();
    let full = format!("{} {}", text(row, "firstName").unwrap_or_default(), text(row, "lastName").unwrap_or_default());
    let label = Some(full.trim())
        .filter(|name| !name.is_empty())
        .or_else(|| text(row, "identifier"))
        .unwrap_or(&key)
        .to_owned();
    let email = ["officeEmail", "defaultEmail", "primaryEmail"].into_iter().find_map(|name| text(row, name));
    Some(ChoiceOption {
        inactive: flag(row, "inactiveFlag"),
        email: email.map(str::to_lowercase),
        login: text(row, "identifier").map(str::to_owned),
        ..named(key, label)
    })
}

/// Rows named alike are told apart by their ids. Alike under different parents is no clash.
fn apart(mut options: Vec<ChoiceOption>) -> Vec<ChoiceOption> {
    let mut seen: BTreeMap<(Option<String>, String), usize> = BTreeMap::new();
    for option in &options {
        *seen.entry((option.parent.clone(), option.label.clone())).or_default() += 1;
    }
    for option in &mut options {
        if seen.get(&(option.parent.clone(), option.label.clone())).is_some_and(|count| *count > 1) {
            option.label = format!("{} ({})", option.label, option.key);
        }
    }
    options
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a row that is no option is a failing test")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_named_by_whatever_names_it() {
        let table = [
            (json!({"id": 1, "name": "Active", "description": "x"}), "Active"),
            (json!({"id": 1, "description": "Decision maker"}), "Decision maker"),
            (json!({"id": 1, "currencyIdentifier": "USD", "symbol": "$"}), "USD"),
            (json!({"id": "1", "probability": 50}), "50 %"),
            (json!({"id": 1, "name": "  "}), "1"),
        ];
        for (row, label) in table {
            let option = option(&row).unwrap();
            assert_eq!((option.key.as_str(), option.label.as_str(), option.outcome), ("1", label, None), "{row}");
        }
        assert_eq!(option(&json!({"name": "no id"})), None);
    }

    #[test]
    fn a_status_says_what_it_means() {
        let table = [
            (json!({"id": 1, "wonFlag": false, "lostFlag": false, "closedFlag": false}), Some(StageOutcome::Open)),
            (json!({"id": 1, "wonFlag": true, "closedFlag": true}), Some(StageOutcome::Won)),
            (json!({"id": 1, "lostFlag": true, "closedFlag": true}), Some(StageOutcome::Lost)),
            (json!({"id": 1, "closedFlag": true}), Some(StageOutcome::Closed)),
            (json!({"id": 1, "closedStatus": true}), Some(StageOutcome::Closed)),
            (json!({"id": 1, "closedStatus": false}), Some(StageOutcome::Open)),
            (json!({"id": 1, "defaultFlag": true}), None),
        ];
        for (row, expected) in table {
            assert_eq!(option(&row).unwrap().outcome, expected, "{row}");
        }
    }

    #[test]
    fn rows_named_alike_are_told_apart_by_id_unless_their_parents_differ() {
        let make = |key: &str, parent: Option<&str>| ChoiceOption {
            parent: parent.map(str::to_owned),
            ..named(key.to_owned(), "New".to_owned())
        };
        let labels = |options: Vec<ChoiceOption>| apart(options).into_iter().map(|one| one.label).collect::<Vec<_>>();
        assert_eq!(labels(vec![make("1", None), make("2", None)]), ["New (1)", "New (2)"]);
        assert_eq!(labels(vec![make("1", Some("7")), make("2", Some("8"))]), ["New", "New"]);
    }

    #[test]
    fn a_member_is_a_name_with_an_address() {
        let row = json!({"id": 5, "identifier": "jdoe", "firstName": "Jane", "lastName": "Doe", "officeEmail": "Jane@X.example",
            "inactiveFlag": true});
        let option = member(&row).unwrap();
        assert_eq!(
            (option.label.as_str(), option.email.as_deref(), option.inactive),
            ("Jane Doe", Some("jane@x.example"), true)
        );
        assert_eq!(member(&json!({"id": 5, "identifier": "api"})).unwrap().label, "api");
    }
}
