//! Whether Inquire hides records. Below All it does so without a word, so that it cannot be proved from below, only
//! suspected: of records that others refer to and that cannot be seen, of references that come blank, and of records that
//! are all the API member's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::super::ConnectWise;
use super::super::conditions::{Condition, IDS};
use super::super::fields::MEMBERS;
use super::super::objects::place;
use super::super::record;
use super::super::roles::{self, Column};
use super::{Examining, Probe, verdict};
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::redact::clip_message;
use crate::connect::{Need, Severity};
use crate::model::{ObjectKind, RecordId};

/// Records looked at, the newest ones.
const SAMPLE: usize = 100;
/// So many records of one kind in a row are no chance.
const NO_CHANCE: usize = 5;
/// From so many records on, half of them without a reference that nearly all have are no chance either.
const HALF_BLANK: usize = 10;
/// What the member of a login for programs has as its licence class.
const API_LICENCE: &str = "A";

impl ConnectWise {
    pub(super) async fn examine_sight(&self, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        // Activities of all kinds are one list.
        let mut seen = BTreeSet::new();
        let needs = exam.needs.iter().filter(|need| need.reads && need.object != ObjectKind::LineItem);
        for Need { object, .. } in needs.copied().filter(|need| seen.insert(place(need.object).path)) {
            let read = Call::get(format!("{}?pageSize=1&fields=id", place(object).path));
            if matches!(self.probe(&read, exam).await?, Probe::Allowed) {
                self.examine_list(object, exam).await?;
            }
        }
        Ok(())
    }

    async fn examine_list(&self, object: ObjectKind, exam: &mut Examining<'_>) -> Result<(), ConnectError> {
        exam.session.turn_to(Some(object));
        let count = self.call(&Call::get(format!("{}/count", place(object).path)), &mut exam.session).await;
        if count.ok().and_then(|body| body.get("count").and_then(Json::as_u64)) == Some(0) {
            let what = format!("no {} can be seen at all. If there are some, Inquire is below All.", many(object));
            suspect(object, &what, exam);
            return Ok(());
        }
        for referrer in referrers(object) {
            let list = place(referrer.from).path;
            let needed = exam.needs.iter().any(|need| need.reads && place(need.object).path == list);
            if needed || referrer.always_readable {
                self.examine_references(object, referrer, exam).await?;
            }
        }
        match holder(object) {
            Some(member) => self.examine_holders(object, member, exam).await,
            None => Ok(()),
        }
    }

    /// Other records refer to records of `object`: can these be seen?
    async fn examine_references(
        &self,
        object: ObjectKind,
        &Referrer { from, member, share, .. }: &Referrer,
        exam: &mut Examining<'_>,
    ) -> Result<(), ConnectError> {
        let Some(sample) = self.newest(from, member, exam).await? else { return Ok(()) };
        let mut ids: Vec<u64> = sample.iter().filter_map(|row| record::referred(row, member)).map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.truncate(IDS);
        let (children, parents) = (many(from), many(object));
        let blank = sample.iter().filter(|row| record::referred(row, member).is_none()).count();
        let half = sample.len() >= HALF_BLANK && blank * 2 >= sample.len();
        let too_many = match share {
            Share::All => blank > 0,
            Share::NearlyAll => half || (ids.is_empty() && blank >= NO_CHANCE),
            Share::Some => false,
        };
        if too_many {
            let what = format!(
                "{blank} of {} {children} show no {member}. References to what Inquire hides come blank: the API member may \
                 see only its own {parents} (level My or Mine).",
                sample.len()
            );
            suspect(object, &what, exam);
        }
        if ids.is_empty() {
            return Ok(());
        }
        let condition = Condition::ids("id", &ids).escaped();
        let list = format!("{}?fields=id&conditions={condition}", place(object).path);
        let Ok(seen) = self.rows(&list, &mut exam.session).await else { return Ok(()) };
        if seen.len() < ids.len() {
            let what = format!(
                "{} of {} {parents} that {children} refer to cannot be seen. Either they were deleted, or Inquire is below \
                 All.",
                ids.len() - seen.len(),
                ids.len()
            );
            suspect(object, &what, exam);
        }
        Ok(())
    }

    /// Whether all that can be seen is in the hands of one API member, or was entered by it: then the others are hidden.
    /// Where it entered all of them, a sync may have made them.
    async fn examine_holders(
        &self,
        object: ObjectKind,
        member: &'static str,
        exam: &mut Examining<'_>,
    ) -> Result<(), ConnectError> {
        let Some(sample) = self.newest(object, member, exam).await? else { return Ok(()) };
        if sample.len() < NO_CHANCE {
            return Ok(());
        }
        let mut held: BTreeMap<RecordId, usize> = BTreeMap::new();
        for row in sample.iter().filter(|row| !is_entered_by(row, login(row, member))) {
            if let Some(id) = record::referred(row, member) {
                *held.entry(id).or_default() += 1;
            }
        }
        let Some(most) = held.into_iter().max_by_key(|(_, records)| *records).map(|(id, _)| id) else { return Ok(()) };
        let is_held = |row: &&Json| record::referred(row, member) == Some(most);
        let name = sample.iter().find(is_held).and_then(|row| login(row, member));
        if !sample.iter().all(|row| is_held(&row) || is_entered_by(row, name)) {
            return Ok(());
        }
        let call = Call::get(format!("{MEMBERS}/{most}?fields=id,licenseClass")).single();
        let known = match self.call(&call, &mut exam.session).await {
            Ok(known) => known,
            Err(fault) => return verdict(fault).map(drop),
        };
        if known.get("licenseClass").and_then(Json::as_str) == Some(API_LICENCE) {
            let what = format!(
                "all {} {} that were looked at belong to the API member {}, by {member} or because it entered them. That is \
                 what Inquire shows at the level My or Mine.",
                sample.len(),
                many(object),
                name.map_or_else(|| most.to_string(), clip_message),
            );
            suspect(object, &what, exam);
        }
        Ok(())
    }

    /// The newest records with one of their members; none where they cannot be read, which is told elsewhere.
    async fn newest(
        &self,
        object: ObjectKind,
        member: &str,
        exam: &mut Examining<'_>,
    ) -> Result<Option<Vec<Json>>, ConnectError> {
        let fields = format!("fields=id,{member},_info/enteredBy");
        let list = format!("{}?pageSize={SAMPLE}&{fields}&orderBy=id%20desc", place(object).path);
        match self.call(&Call::get(list), &mut exam.session).await {
            Ok(Json::Array(sample)) => Ok(Some(sample)),
            Ok(_) => Ok(None),
            Err(fault) => verdict(fault).map(|_| None),
        }
    }
}

fn suspect(object: ObjectKind, what: &str, exam: &mut Examining<'_>) {
    let remedy = roles::row(place(object).path).map(|row| row.remedy(Column::Inquire)).unwrap_or_default();
    exam.add(Severity::Warning, Some(object), format!("Suspicion: {what}"), remedy);
}

fn many(object: ObjectKind) -> String {
    if object.is_activity() { "activities".to_owned() } else { object.plural().to_lowercase() }
}

/// The name by which the member of that reference logs in.
fn login<'a>(row: &'a Json, member: &str) -> Option<&'a str> {
    row.get(member)?.get("identifier")?.as_str()
}

fn is_entered_by(row: &Json, login: Option<&str>) -> bool {
    let by = row.get("_info").and_then(|info| info.get("enteredBy")).and_then(Json::as_str);
    by.zip(login).is_some_and(|(by, login)| by.eq_ignore_ascii_case(login))
}

/// The member who says whose a record is.
const fn holder(object: ObjectKind) -> Option<&'static str> {
    match object {
        ObjectKind::Company => Some("territoryManager"),
        ObjectKind::Deal => Some("primarySalesRep"),
        ObjectKind::Ticket => Some("owner"),
        kind if kind.is_activity() => Some("assignTo"),
        _ => None,
    }
}

/// How many records of a kind have a reference.
#[derive(Debug, Clone, Copy)]
enum Share {
    /// ConnectWise takes none without it.
    All,
    NearlyAll,
    Some,
}

/// Who refers to records of an object.
struct Referrer {
    from: ObjectKind,
    member: &'static str,
    share: Share,
    /// It is among what every sync may read, whether it is mapped or not.
    always_readable: bool,
}

const fn referrers(object: ObjectKind) -> &'static [Referrer] {
    const fn of(from: ObjectKind, member: &'static str, share: Share) -> Referrer {
        Referrer { from, member, share, always_readable: matches!(from, ObjectKind::Contact) }
    }
    match object {
        ObjectKind::Company => {
            const {
                &[
                    of(ObjectKind::Contact, "company", Share::NearlyAll),
                    of(ObjectKind::Deal, "company", Share::All),
                    of(ObjectKind::Ticket, "company", Share::All),
                ]
            }
        }
        ObjectKind::Contact => {
            const {
                &[
                    of(ObjectKind::Deal, "contact", Share::NearlyAll),
                    of(ObjectKind::Ticket, "contact", Share::Some),
                    of(ObjectKind::Company, "defaultContact", Share::Some),
                ]
            }
        }
        ObjectKind::Deal => {
            const { &[of(ObjectKind::Ticket, "opportunity", Share::Some), of(ObjectKind::Task, "opportunity", Share::Some)] }
        }
        _ => &[],
    }
}
