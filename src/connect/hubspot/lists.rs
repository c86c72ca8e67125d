//! HubSpot's lists (it also calls them segments): finding one by its name, and reading its members.
//!
//! Members come by record id, but the place to go on is a word of HubSpot's own. It is remembered for the page that was
//! read last; without it (after a restart) the pages before are read again.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value as Json, json};

use super::paths::{self, Route};
use super::told::{next_page, odd, results};
use super::{HubCall, HubSpot, record};
use crate::connect::address::{path_segment, query_value};
use crate::connect::error::{ConnectError, Fault};
use crate::connect::http::Session;
use crate::connect::redact::clip_message;
use crate::engine::core::request::{AnswerBody, Priority};
use crate::model::{ObjectKind, RecordId};

const MEMBER_PAGE: u32 = 250;
/// Pages that are read again to find a place: two and a half million members.
const PAGES: u32 = 10_000;
/// Places kept; the lists of all filters of a workspace are far fewer.
const PLACES: usize = 64;
/// Lists that a search by name shows.
const SHOWN: u32 = 100;

/// One list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListInfo {
    /// What [`crate::engine::core::request::RequestBody::Members`] takes.
    pub id: String,
    pub name: String,
    /// `DYNAMIC` ones follow their own criteria, with a delay; `MANUAL` and `SNAPSHOT` ones change by hand.
    pub processing: String,
    pub size: Option<u64>,
}

/// Per list and last member: the word to go on with.
#[derive(Debug, Default)]
pub(super) struct Places(Mutex<BTreeMap<(String, RecordId), String>>);

impl Places {
    fn find(&self, list: &str, after: RecordId) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(list.to_owned(), after)).cloned()
    }

    fn keep(&self, list: &str, last: RecordId, next: String) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES {
            places.pop_first();
        }
        places.insert((list.to_owned(), last), next);
    }
}

/// One page of members.
struct MemberPage {
    ids: Vec<RecordId>,
    /// How many have no id that can be used.
    unread: usize,
    next: Option<String>,
}

impl MemberPage {
    /// # Errors
    /// None of several members has a usable id.
    fn of(body: &Json) -> Result<Self, Fault> {
        let rows = results(body)?;
        let ids: Vec<RecordId> = rows.iter().filter_map(|one| one.get("recordId").and_then(record::id)).collect();
        let unread = rows.len() - ids.len();
        if ids.is_empty() && unread > 1 {
            return Err(odd("no member of a list has a usable id".to_owned()));
        }
        Ok(Self { ids, unread, next: next_page(body)? })
    }
}

impl HubSpot {
    /// The lists of an object whose names contain `name`, at most 100. Needs the scope `crm.lists.read`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn lists(&self, object: ObjectKind, name: &str) -> Result<Vec<ListInfo>, ConnectError> {
        let mut session = Session::new(Priority::Interactive).for_task(crate::model::System::HubSpot, "lists");
        session.turn_to(Some(object));
        let body = json!({ "query": name, "objectTypeId": paths::type_id(object), "count": SHOWN, "offset": 0 });
        let answer = self.call(&HubCall::post(Route::Lists, "/search".to_owned(), body), &mut session).await?;
        let lists = answer.get("lists").and_then(Json::as_array).ok_or_else(|| odd("there are no lists".to_owned()))?;
        Ok(lists.iter().filter_map(list).collect())
    }

    pub(super) async fn members(
        &self,
        list: &str,
        after: Option<RecordId>,
        limit: u32,
        session: &mut Session,
    ) -> Result<AnswerBody, Fault> {
        let limit = limit.clamp(1, MEMBER_PAGE);
        let mut place = after.and_then(|after| self.places.find(list, after));
        let mut highest = after.filter(|_| place.is_some());
        let mut unread = 0;
        for _ in 0..PAGES {
            let mut page = self.member_page(list, place.as_deref(), limit, session).await?;
            // Ascending, or the search for a place would never end and members would be lost.
            if !page.ids.is_sorted() || page.ids.first().is_some_and(|first| highest.is_some_and(|last| *first <= last))
            {
                return Err(odd("the members of a list are not in order, or repeat".to_owned()));
            }
            page.ids.dedup();
            unread += page.unread;
            highest = page.ids.last().copied().or(highest);
            page.ids.retain(|id| after.is_none_or(|after| *id > after));
            let last = page.ids.last().copied();
            match (page.next, last) {
                (Some(next), Some(last)) => {
                    self.places.keep(list, last, next);
                    return Ok(members(page.ids, unread, true));
                }
                (Some(next), None) if place.as_ref() != Some(&next) => place = Some(next),
                (Some(_), None) => return Err(odd("the pages of a list repeat".to_owned())),
                (None, _) => return Ok(members(page.ids, unread, false)),
            }
        }
        Err(odd("the pages of a list do not end".to_owned()))
    }

    async fn member_page(
        &self,
        list: &str,
        place: Option<&str>,
        limit: u32,
        session: &mut Session,
    ) -> Result<MemberPage, Fault> {
        let mut rest = format!("/{}/memberships?limit={limit}", path_segment(list));
        if let Some(place) = place {
            rest.push_str(&format!("&after={}", query_value(place)));
        }
        let body = self.call(&HubCall::get(Route::Lists, rest), session).await?;
        MemberPage::of(&body)
    }
}

fn members(ids: Vec<RecordId>, unread: usize, more: bool) -> AnswerBody {
    if unread > 0 {
        tracing::warn!(members = unread, "HubSpot shows members of a list without a usable id; they are left out");
    }
    AnswerBody::Members { ids, unread, more }
}

fn list(json: &Json) -> Option<ListInfo> {
    let word = |name: &str| json.get(name).and_then(record::plain);
    let id = word("listId")?;
    let name = word("name").map_or_else(|| id.clone(), |name| clip_message(&name));
    let size = json.pointer("/additionalProperties/hs_list_size").or_else(|| json.get("size"));
    let processing = word("processingType").map(|kind| clip_message(&kind)).unwrap_or_default();
    Some(ListInfo { id, name, processing, size: size.and_then(record::number) })
}
