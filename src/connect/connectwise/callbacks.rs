//! ConnectWise's call-backs that lead to Lockstep: listed, made, armed again, taken away. A call-back that failed on three
//! days is switched off by ConnectWise. What they say once they come is for `signing`.
//!
//! Ours is what leads to our address, carries our description and is about all records of a type. Nothing else is touched.

use reqwest::{Method, Url};
use serde_json::{Value as Json, json};

use super::ConnectWise;
use super::conditions::Condition;
use super::objects::place;
use super::record::id;
use super::roles::{self, Column};
use crate::connect::error::{ConnectError, ConnectErrorKind, Fault};
use crate::connect::http::{Call, Session};
use crate::engine::core::request::{Failure, Priority, RejectionKind};
use crate::model::{ObjectKind, RecordId, System};

/// What tells Lockstep's call-backs to people, and from those that others made.
pub(super) const DESCRIPTION: &str = "Lockstep";
/// Every record of the tenant.
const LEVEL: &str = "owner";
/// The server appends the id of the record and the action to the address.
const TAIL: &str = "recordId=";

/// A call-back that leads to Lockstep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Callback {
    pub id: RecordId,
    /// In ConnectWise's own word: `company`, `ticket`.
    pub kind: String,
    pub url: String,
    /// Switched off, by a person or after failures on three days.
    pub inactive: bool,
    /// Made by Lockstep, as far as it can be seen; others are left as they are.
    pub is_ours: bool,
}

impl Callback {
    fn is_about(&self, kind: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind)
    }
}

/// How the call-backs stand after they were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// The types that ConnectWise calls back for, in its own words, sorted.
    pub armed: Vec<String>,
    /// The types that it should call back for and does not, sorted.
    pub missing: Vec<String>,
    /// The first thing that could not be done.
    pub trouble: Option<ConnectError>,
}

/// What a look is about, and whether it changed anything.
struct Look<'a> {
    target: &'a Target,
    session: Session,
    changed: bool,
    /// What the member may not do is asked for once.
    refused: Vec<Method>,
    trouble: Option<ConnectError>,
}

impl ConnectWise {
    /// Lockstep's call-backs that lead to `url`, switched off or not.
    ///
    /// # Errors
    /// When `url` is no address, or they cannot be listed.
    pub async fn callbacks(&self, url: &str) -> Result<Vec<Callback>, ConnectError> {
        let mut there = self.leading_to(&target(url)?, &mut session()).await?;
        there.retain(|callback| callback.is_ours);
        Ok(there)
    }

    /// Makes sure that each of these objects calls back to `url`, once: adds what is missing, arms what is off, takes away
    /// what is Lockstep's and of no use. Objects without call-backs are left to the polls. Repeating it changes nothing.
    ///
    /// # Errors
    /// When `url` is no address, or the call-backs cannot be listed; what else goes wrong is told in the answer.
    pub async fn keep_callbacks(&self, url: &str, objects: &[ObjectKind]) -> Result<Kept, ConnectError> {
        let target = target(url)?;
        let mut kinds: Vec<&str> = objects.iter().filter_map(|object| place(*object).callback).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let mut look = Look { target: &target, session: session(), changed: false, refused: Vec::new(), trouble: None };
        let mut there = self.leading_to(&target, &mut look.session).await?;
        for kind in &kinds {
            self.keep_one(kind, &there, &mut look).await;
        }
        let is_idle = |callback: &&Callback| callback.is_ours && !kinds.iter().any(|kind| callback.is_about(kind));
        for callback in there.iter().filter(is_idle) {
            self.drop_spare(callback, &mut look).await;
        }
        if look.changed {
            // An answer that got lost leaves open what there is, and one that was given may be wrong.
            there = self.leading_to(&target, &mut look.session).await?;
        }
        let is_armed = |kind: &&str| there.iter().any(|callback| callback.is_about(kind) && !callback.inactive);
        let (armed, missing): (Vec<&str>, Vec<&str>) = kinds.iter().partition(|kind| is_armed(kind));
        // What an answer that got lost had done is no trouble.
        let trouble = missing.first().map(|kind| look.trouble.unwrap_or_else(|| unlisted(kind)));
        let words = |kinds: Vec<&str>| kinds.into_iter().map(str::to_owned).collect();
        Ok(Kept { armed: words(armed), missing: words(missing), trouble })
    }

    /// Removes Lockstep's call-backs that lead to `url`, and no others. Answers how many there were.
    ///
    /// # Errors
    /// When `url` is no address, or ConnectWise refuses.
    pub async fn drop_callbacks(&self, url: &str) -> Result<usize, ConnectError> {
        let own = self.callbacks(url).await?;
        let mut session = session();
        for callback in &own {
            self.drop_callback(callback, &mut session).await?;
        }
        Ok(own.len())
    }

    async fn keep_one(&self, kind: &str, there: &[Callback], look: &mut Look<'_>) {
        let (own, others): (Vec<&Callback>, Vec<&Callback>) =
            there.iter().filter(|callback| callback.is_about(kind)).partition(|callback| callback.is_ours);
        let best = own.iter().find(|callback| !callback.inactive).or(own.first());
        match (best, others.iter().find(|callback| !callback.inactive), others.first()) {
            (Some(best), ..) if !best.inactive => {}
            (Some(best), ..) => self.arm(best, kind, look).await,
            (None, Some(_), _) => {}
            (None, None, Some(_)) => {
                let what = format!(
                    "A call-back for {kind} that Lockstep did not make leads to {} and is switched off.",
                    look.target.prefix
                );
                let hint = "Switch it on or remove it in ConnectWise; where it is removed, Lockstep makes its own.";
                look.fail(&Method::GET, ConnectError::new(ConnectErrorKind::Setup, what, hint));
            }
            (None, None, None) => self.add(kind, look).await,
        }
        for spare in own.iter().filter(|callback| best.is_some_and(|best| best.id != callback.id)) {
            self.drop_spare(spare, look).await;
        }
    }

    async fn add(&self, kind: &str, look: &mut Look<'_>) {
        if look.refused.contains(&Method::POST) {
            return;
        }
        look.changed = true;
        let body = json!({
            "url": look.target.full(), "objectId": 1, "type": kind, "level": LEVEL, "description": DESCRIPTION,
            "payloadVersion": "3.0.0", "inactiveFlag": false, "isSelfSuppressedFlag": true,
        });
        match self.call(&Call::send(Method::POST, "/system/callbacks", body), &mut look.session).await {
            // Somebody was faster, or an earlier answer was lost.
            Err(Fault { failure: Failure::Rejected(why), .. })
                if matches!(why.kind, RejectionKind::Duplicate { .. }) => {}
            Err(fault) => look.fail(&Method::POST, fault.into()),
            Ok(_) => {}
        }
    }

    /// Switches one on again; where ConnectWise says yes and does not do it, another takes its place.
    async fn arm(&self, callback: &Callback, kind: &str, look: &mut Look<'_>) {
        if look.refused.contains(&Method::PATCH) {
            return;
        }
        look.changed = true;
        let body = json!([{ "op": "replace", "path": "inactiveFlag", "value": false }]);
        let call = Call::send(Method::PATCH, path(callback), body);
        match self.call(&call, &mut look.session).await {
            Ok(now) if read(&now, look.target).is_none_or(|now| !now.inactive) => {}
            Ok(_) => match self.drop_callback(callback, &mut look.session).await {
                Ok(()) => self.add(kind, look).await,
                Err(fault) => look.fail(&Method::DELETE, fault.into()),
            },
            Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => {
                self.add(kind, look).await;
            }
            Err(fault) => look.fail(&Method::PATCH, fault.into()),
        }
    }

    /// One that does no harm where it stays.
    async fn drop_spare(&self, callback: &Callback, look: &mut Look<'_>) {
        look.changed = true;
        if let Err(fault) = self.drop_callback(callback, &mut look.session).await {
            let error = ConnectError::from(fault);
            tracing::info!(%error, id = %callback.id, "a call-back of no use stays in ConnectWise");
        }
    }

    async fn drop_callback(&self, callback: &Callback, session: &mut Session) -> Result<(), Fault> {
        let call = Call { method: Method::DELETE, ..Call::get(path(callback)) };
        match self.call(&call, session).await {
            Err(Fault { failure: Failure::Rejected(why), .. }) if why.kind == RejectionKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// All that lead there, whoever made them.
    async fn leading_to(&self, target: &Target, session: &mut Session) -> Result<Vec<Callback>, ConnectError> {
        let condition = Condition::contains("url", &target.host);
        let condition = condition.map(|one| format!("?conditions={}", one.escaped())).unwrap_or_default();
        let rows = self.rows(&format!("/system/callbacks{condition}"), session).await?;
        Ok(rows.iter().filter_map(|row| read(row, target)).collect())
    }
}

impl Look<'_> {
    fn fail(&mut self, doing: &Method, error: ConnectError) {
        if error.kind == ConnectErrorKind::Permission {
            self.refused.push(doing.clone());
        }
        self.trouble.get_or_insert(error);
    }
}

/// Made, or said to be there, and not to be seen.
fn unlisted(kind: &str) -> ConnectError {
    let what =
        format!("ConnectWise has a call-back for {kind} by its own word, and does not list it as one that is on.");
    let hint = roles::row("/system/callbacks").map(|row| row.remedy(Column::Inquire)).unwrap_or_default();
    ConnectError::new(ConnectErrorKind::Setup, what, hint)
}

fn session() -> Session {
    Session::new(Priority::Settled).for_task(System::ConnectWise, "call-backs")
}

fn path(callback: &Callback) -> String {
    format!("/system/callbacks/{}", callback.id)
}

/// Where call-backs are to lead.
struct Target {
    host: String,
    /// Up to where the server appends.
    prefix: String,
}

impl Target {
    fn full(&self) -> String {
        format!("{}{TAIL}", self.prefix)
    }
}

fn target(url: &str) -> Result<Target, ConnectError> {
    let parsed =
        Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.fragment().is_none());
    let host = parsed.as_ref().and_then(|url| url.host_str()).map(str::to_owned);
    let (Some(parsed), Some(host)) = (parsed, host) else {
        return Err(ConnectError::new(
            ConnectErrorKind::Address,
            "The address for call-backs cannot be read.",
            "Write it as https://host/path.",
        ));
    };
    let text = String::from(parsed.clone());
    let prefix = match (text.strip_suffix(TAIL), parsed.query()) {
        (Some(prefix), Some(_)) => prefix.to_owned(),
        (_, None) => format!("{text}?"),
        (_, Some("")) => text,
        (_, Some(_)) => format!("{text}&"),
    };
    Ok(Target { host, prefix })
}

/// A call-back, where it leads there. Of one type with one address there are more than one only where their levels differ.
fn read(row: &Json, target: &Target) -> Option<Callback> {
    let word = |name: &str| row.get(name).and_then(Json::as_str);
    let url = word("url").filter(|url| url.starts_with(&target.prefix))?.to_owned();
    word("level").filter(|level| level.eq_ignore_ascii_case(LEVEL))?;
    Some(Callback {
        id: row.get("id").and_then(id)?,
        kind: word("type")?.to_owned(),
        url,
        inactive: row.get("inactiveFlag").and_then(crate::connect::flag::flag).unwrap_or(false),
        is_ours: word("description").is_some_and(|description| description.trim() == DESCRIPTION),
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "an address that cannot be read is a failing test")]
    use super::*;

    #[test]
    fn the_address_ends_where_the_server_appends_the_id() {
        let table = [
            ("https://hook.example/cw", "https://hook.example/cw?recordId="),
            ("https://hook.example", "https://hook.example/?recordId="),
            ("https://hook.example/cw?", "https://hook.example/cw?recordId="),
            ("https://hook.example/cw?a=1", "https://hook.example/cw?a=1&recordId="),
            ("https://hook.example/cw?recordId=", "https://hook.example/cw?recordId="),
            ("https://hook.example/cw?a=1&recordId=", "https://hook.example/cw?a=1&recordId="),
        ];
        for (url, expected) in table {
            assert_eq!(target(url).unwrap().full(), expected, "{url}");
        }
        for bad in ["", "hook.example", "ftp://x/", "https://x/#y"] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }
}
