//! What can be switched in the simulated ConnectWise. The default is what the API facts say, limits included; where no
//! public source speaks, it is the choice that is harder on a client.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use super::permits::{Level, Permit, Role};

/// What `replace` with null does to a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NullReference {
    Clears,
    /// A success that changes nothing.
    Ignored,
    Refused,
}

/// How a reference without a value is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EmptyReference {
    Absent,
    Braces,
    /// Nothing but an empty `_info`.
    InfoOnly,
}

/// What happens to an opportunity's `closedDate` when it closes and when it opens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClosedDate {
    SetAndCleared,
    /// It stays when the opportunity opens again.
    SetAndKept,
    Never,
}

/// What is left of a company that was merged into another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergedCompany {
    Binned,
    Gone,
}

/// What `isSelfSuppressedFlag` of a call-back holds back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfSuppression {
    /// Changes by the member who registered it.
    OwnChanges,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// Requests per minute.
    pub per_minute: u32,
    /// Code base in paths, with its slash, such as `v2025_1/`. Changing it is what an upgrade does.
    pub code_base: String,
    /// The release that serves, such as `2025.1`: it decides lengths and which fields exist.
    pub release: String,
    /// Status for a missing clientId header: 401 or 400.
    pub missing_client_id: u16,
    /// An installation on premises: it says that it is none of the cloud, and to wrong keys `UserNotAuthenticated`.
    pub on_premise: bool,
    /// The host is one that serves people, not programs: everything is refused with "SSL is required."
    pub wrong_host: bool,
    /// Longest path and query that is answered, in bytes; beyond it 414.
    pub uri_limit: usize,
    /// What the API member may do, by row of the security role.
    pub role: Role,
    /// Verbs that this API member may not use on anything: `add`, `edit`, `delete`, `inquire` (403).
    pub denied: Vec<String>,

    /// A PATCH of custom fields that does not carry the whole array is refused.
    pub custom_fields_whole: bool,
    /// A PATCH of a record with user-defined fields is refused unless it carries them. Off: live it was met now and then
    /// and nobody knows when, while the guide's own examples change a single member; so no stricter rule is defined,
    /// and refusing always would leave the ordinary way, a change in one call, untried.
    pub custom_fields_always: bool,
    /// User-defined fields, by id, without which nothing can be created.
    pub required_custom_fields: Vec<u32>,
    /// Fields that the tenant made mandatory, such as `opportunity/campaign`; they bind the API too.
    pub mandatory: Vec<String>,
    /// What `replace` with null does to a reference: `clears`, `ignored` or `refused`.
    pub null_reference: NullReference,
    /// A PUT may carry what a GET showed: types as they are, and communication items. Otherwise either fails it, as seen.
    pub put_takes_what_get_shows: bool,
    /// An empty text clears a field; otherwise it is stored, or refused where it is no text.
    pub empty_text_clears: bool,
    /// Texts lose the spaces around them.
    pub trims: bool,
    /// Telephone numbers keep nothing but digits.
    pub phone_digits: bool,
    /// A contact's texts are bounded as they were in 2021; later models state no bounds.
    pub contact_lengths: bool,
    /// A create lands on the default status whatever was asked.
    pub status_lands_elsewhere: bool,

    /// A change of a part (site, communication item, association, note, forecast item) moves its record's `lastUpdated`.
    pub child_touches_parent: bool,
    /// Changes become visible up to one second after their stamp, so that they commit out of order.
    pub commit_skew: bool,
    /// Timestamps with a numeric offset in conditions are read as if the offset were not there.
    pub offset_misread: bool,
    /// `closedFlag` as the only condition on tickets runs into the time-out.
    pub closed_flag_times_out: bool,
    /// Records, by path such as `company/contacts`, with a stored value that no page that holds them survives (500).
    pub poisoned: BTreeMap<String, Vec<u32>>,

    /// Fields without a value are shown as null; otherwise they are left out.
    pub explicit_nulls: bool,
    /// How a reference without a value is shown: `absent`, `braces` or `info_only`.
    pub empty_reference: EmptyReference,
    /// Texts end in a NUL character.
    pub nul_in_text: bool,
    /// Ids are shown as texts.
    pub ids_as_text: bool,
    /// Boards, by id, on which e-mail connectors make tickets of unknown senders' mail and open closed ones again.
    pub boards_open_to_mail: Vec<u32>,
    /// Members, by id, that were deleted for good: references to them dangle.
    pub deleted_members: Vec<u32>,

    /// Identifiers that differ in nothing but their case are the same.
    pub identifiers_fold_case: bool,
    /// A company's new identifier is of ASCII letters, digits and spaces alone, of which live ones are known; otherwise
    /// anything goes.
    pub identifiers_plain: bool,
    /// The tenant makes the identifier of a new company from its name, whatever was sent (`companyIdGenerationFlag`). A
    /// setting like `identifiers_without_spaces`: off, as it is found, and when it is on, the client's own word is lost.
    pub identifiers_generated: bool,
    /// Company identifiers have no spaces: none are generated, and one that is sent with some is refused
    /// (`excludeSpacesFlag`).
    pub identifiers_without_spaces: bool,
    /// The identifier of a company in the recycle bin stays taken.
    pub binned_identifier_taken: bool,
    /// The API refuses to delete what other records use (409).
    pub delete_refuses_used: bool,
    /// What is left of a company that was merged into another: it is `binned` or `gone`.
    pub merged_company: MergedCompany,
    /// An opportunity's probability follows its stage, and writes to it are lost.
    pub lock_probability: bool,
    /// The `closedDate` of an opportunity when it closes and opens again: `set_and_cleared`, `set_and_kept` or `never`.
    pub closed_date: ClosedDate,
    /// `GET …/forecast` answers an array, as its specification says; otherwise one object.
    pub forecast_is_array: bool,
    /// What `isSelfSuppressedFlag` of a call-back holds back: `own_changes` or `nothing`.
    pub self_suppression: SelfSuppression,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            per_minute: 1000,
            code_base: "v2025_1/".to_owned(),
            release: "2025.1".to_owned(),
            missing_client_id: 401,
            on_premise: false,
            wrong_host: false,
            uri_limit: 10_000,
            role: Role::all(),
            denied: Vec::new(),
            custom_fields_whole: true,
            custom_fields_always: false,
            required_custom_fields: Vec::new(),
            mandatory: Vec::new(),
            null_reference: NullReference::Refused,
            put_takes_what_get_shows: false,
            empty_text_clears: true,
            trims: true,
            phone_digits: true,
            contact_lengths: true,
            status_lands_elsewhere: false,
            child_touches_parent: false,
            commit_skew: false,
            offset_misread: true,
            closed_flag_times_out: true,
            poisoned: BTreeMap::new(),
            explicit_nulls: false,
            empty_reference: EmptyReference::Absent,
            nul_in_text: false,
            ids_as_text: false,
            boards_open_to_mail: Vec::new(),
            deleted_members: Vec::new(),
            identifiers_fold_case: true,
            identifiers_plain: true,
            identifiers_generated: false,
            identifiers_without_spaces: false,
            binned_identifier_taken: true,
            delete_refuses_used: true,
            merged_company: MergedCompany::Binned,
            lock_probability: false,
            closed_date: ClosedDate::SetAndCleared,
            forecast_is_array: false,
            self_suppression: SelfSuppression::Nothing,
        }
    }
}

impl Behaviour {
    /// Without what slows tests down; limits are switched for both systems at once.
    #[must_use]
    pub fn quick() -> Self {
        Self::default()
    }

    /// The release as a number: `2025.1` is 202501. A text that is none counts as the oldest.
    pub(crate) fn release_number(&self) -> u32 {
        release_number(&self.release).unwrap_or(0)
    }
}

/// `2025.1` as 202501.
pub(crate) fn release_number(text: &str) -> Option<u32> {
    let (year, number) = text.trim().split_once('.')?;
    let (year, number): (u32, u32) = (year.parse().ok()?, number.parse().ok()?);
    (number < 100 && year < 10_000).then_some(super::fields::release(year, number))
}
