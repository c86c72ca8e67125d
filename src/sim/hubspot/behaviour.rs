//! What can be switched in the simulated HubSpot. The default is what the API facts say, limits and lag included; where
//! no source is sure, the default is the choice that is harder on a client.

use serde::{Deserialize, Serialize};

/// A workflow of the portal: after every write to a record of `object` it sets `property` to `value`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// Plural, such as `companies`.
    pub object: String,
    pub property: String,
    pub value: String,
}

/// How deliveries of webhooks are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WebhookSignature {
    /// Hex of SHA-256 over secret and body.
    V1,
    /// Hex of SHA-256 over secret, method, address and body.
    V2,
    /// HMAC over method, address, body and time, and the first kind beside it.
    V3,
}

/// By which member the body of a 429 says that it is about limits: both were seen, alone and together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitWord {
    /// `errorType: RATE_LIMIT`.
    ErrorType,
    /// `category: RATE_LIMITS`.
    Category,
    Both,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    // Limits
    /// Requests per ten seconds, search and associations excluded.
    pub burst: u32,
    /// Requests per ten seconds with a token from OAuth.
    pub oauth_burst: u32,
    /// Association requests per ten seconds: they have a bucket of their own.
    pub associations_burst: u32,
    /// Searches per second.
    pub search_per_second: u32,
    /// Requests per day of the account's time zone.
    pub daily: u32,
    /// Seconds in a `Retry-After` on 429; none, as documented.
    pub retry_after: Option<u32>,
    /// By which member the body of a 429 says that it is about limits: `error_type`, `category` or `both`.
    pub limit_word: LimitWord,
    /// More writes to one object within a second than this lock it for two seconds (423).
    pub writes_per_second_before_lock: Option<u32>,
    /// The account moves between data centres: every call answers 477 with this `Retry-After` (seconds).
    pub moving_for_s: Option<u32>,
    /// Error bodies lack `category`, `correlationId` and what is inside `errors`.
    pub errors_lack_members: bool,
    /// v1 to v4 are gone, as may be after September 2027.
    pub numbered_versions_are_off: bool,

    // Search
    /// Milliseconds until search shows a new record.
    pub create_lag_ms: i64,
    /// Milliseconds until search shows a change of a record.
    pub update_lag_ms: i64,
    /// Instead of the fixed lags: nine in ten writes within 5 s, all but one in a hundred within 60 s, that one within 10 min.
    pub lag_is_spread: bool,
    /// Search finds rows by what it knows, but shows them as they are by now.
    pub search_shows_newer: bool,
    /// Neighbouring rows of a search come in the wrong order.
    pub search_is_out_of_order: bool,
    /// Longest body of a search, in characters; none for no limit.
    pub search_body_limit: Option<usize>,

    // Records
    /// Batch results come back in another order than they were sent.
    pub shuffles_batches: bool,
    /// Share (0 to 1) of the items of a batch that fail by bad luck.
    pub batch_item_failures: f64,
    /// A merge keeps the primary record's id ("Primary ID Preservation") instead of giving a new one.
    pub merge_keeps_id: bool,
    /// An archived record still holds its unique values, its e-mail addresses among them: a new record with one is refused,
    /// and the holder that the refusal names is in the recycle bin.
    pub archived_holds_unique: bool,
    /// An e-mail address taken by a contact this young is refused as a race (400) instead of a conflict (409).
    pub race_window_ms: i64,
    /// Upserting by e-mail clears what the input does not name: "partial upserts are not supported".
    pub email_upsert_clears: bool,
    /// `domain` finds companies as `idProperty`.
    pub domain_is_id_property: bool,
    /// Life-cycle stage of a contact that is created without one.
    pub contact_lifecycle_default: Option<String>,
    /// Properties of which no source says whether clients may write them are read-only; people write them all the same.
    pub doubtful_is_read_only: bool,
    /// From 2026-09 on, a time in seconds is refused; otherwise it is taken for a moment of 1970.
    pub refuses_seconds: bool,
    /// What is no number is refused as `INVALID_LONG`, as it was seen, instead of `INVALID_INTEGER`, as it is documented.
    /// Neither is stricter: both refuse the request as a whole and name the property.
    pub bad_number_is_long: bool,
    /// A ticket cannot be created without naming its pipeline.
    pub tickets_need_pipeline: bool,
    /// A value that was cleared reads as an empty text instead of null. Neither is stricter: a client that knows only one of
    /// them fails at the other.
    pub cleared_reads_as_empty: bool,
    /// Entries of a property's history that are shown.
    pub history_shown: usize,
    /// From 2026-09 on, properties that a new record needs: `deals.amount`.
    pub admin_required: Vec<String>,
    /// From 2026-09 on, properties that are needed when another has a value: `tickets.hs_pipeline_stage=4.hs_resolution`.
    pub admin_conditional: Vec<String>,

    // What the server does with values
    /// Values lose the white space around them.
    pub trims_values: bool,
    /// Telephone numbers are stored in international format.
    pub formats_phones: bool,
    /// What the portal's own workflows do after every write.
    pub workflows: Vec<Workflow>,
    /// "Create and associate companies with contacts": a company is made from the domain of a new contact.
    pub auto_company: bool,
    /// A company with a domain gets its blank fields filled.
    pub enriches_companies: bool,
    /// Milliseconds between a write and what the portal does because of it.
    pub consequences_after_ms: i64,

    // Associations
    /// How many records of one kind a record may be associated with.
    pub association_cap: Option<usize>,
    /// A change of labels alone moves the last change of both records. Where it does not, a client that asks for changed
    /// records never learns of it.
    pub labels_move_modified: bool,
    /// Reading the associations of a record that has none is an error of the batch.
    pub no_associations_is_an_error: bool,

    // Owners
    /// Most owners on one page.
    pub owners_page_most: usize,

    // Credentials
    /// Scopes of the token; a call that needs another answers 403 MISSING_SCOPES. Of OAuth tokens, those they share.
    pub scopes: Vec<String>,
    /// The static token is a service key: it cannot be introspected, and history names `service_key_source_id`.
    pub token_is_service_key: bool,
    /// What history names as the source of a service key's writes.
    pub service_key_source_id: String,
    /// The app's id, with which it signs in.
    pub oauth_client_id: String,
    /// The app's secret, which signs in with the id.
    pub oauth_client_secret: String,
    /// Seconds that an access token lives.
    pub token_lifetime_s: i64,
    /// Milliseconds that an authorisation code lives.
    pub code_lifetime_ms: i64,
    /// A refresh token is replaced whenever it is used, and the old one dies.
    pub rotates_refresh_tokens: bool,
    /// The token endpoint speaks RFC 6749 (`error: invalid_grant`) instead of HubSpot's own words.
    pub oauth_errors_are_rfc: bool,

    // Webhooks
    /// How deliveries of webhooks are signed: `v1`, `v2` or `v3`.
    pub webhook_signature: WebhookSignature,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            burst: 190,
            oauth_burst: 110,
            associations_burst: 150,
            search_per_second: 5,
            daily: 650_000,
            retry_after: None,
            limit_word: LimitWord::ErrorType,
            writes_per_second_before_lock: None,
            moving_for_s: None,
            errors_lack_members: false,
            numbered_versions_are_off: false,
            create_lag_ms: 10_000,
            update_lag_ms: 20_000,
            lag_is_spread: false,
            search_shows_newer: false,
            search_is_out_of_order: false,
            search_body_limit: Some(3_000),
            shuffles_batches: true,
            batch_item_failures: 0.0,
            merge_keeps_id: false,
            archived_holds_unique: true,
            race_window_ms: 0,
            email_upsert_clears: true,
            domain_is_id_property: false,
            contact_lifecycle_default: Some("lead".to_owned()),
            doubtful_is_read_only: true,
            refuses_seconds: true,
            bad_number_is_long: false,
            tickets_need_pipeline: true,
            cleared_reads_as_empty: false,
            history_shown: 20,
            admin_required: Vec::new(),
            admin_conditional: Vec::new(),
            trims_values: false,
            formats_phones: false,
            workflows: Vec::new(),
            auto_company: false,
            enriches_companies: false,
            consequences_after_ms: 3_000,
            association_cap: None,
            labels_move_modified: false,
            no_associations_is_an_error: true,
            owners_page_most: 100,
            scopes: SCOPES.map(str::to_owned).to_vec(),
            token_is_service_key: false,
            service_key_source_id: String::new(),
            oauth_client_id: "6f1a2c3e-77aa-4c0d-9d11-000000000001".to_owned(),
            oauth_client_secret: "simulated-client-secret".to_owned(),
            token_lifetime_s: 1_800,
            code_lifetime_ms: 60_000,
            rotates_refresh_tokens: false,
            oauth_errors_are_rfc: false,
            webhook_signature: WebhookSignature::V3,
        }
    }
}

/// Everything that the served objects can ask for.
pub(super) const SCOPES: [&str; 22] = [
    "oauth",
    "crm.objects.companies.read",
    "crm.objects.companies.write",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.deals.read",
    "crm.objects.deals.write",
    "tickets",
    "crm.objects.products.read",
    "crm.objects.products.write",
    "crm.objects.line_items.read",
    "crm.objects.line_items.write",
    "crm.schemas.companies.read",
    "crm.schemas.companies.write",
    "crm.schemas.contacts.read",
    "crm.schemas.contacts.write",
    "crm.schemas.deals.read",
    "crm.schemas.deals.write",
    "crm.schemas.tickets.read",
    "crm.schemas.tickets.write",
    "crm.objects.owners.read",
    "crm.lists.read",
];

impl Behaviour {
    /// Without index lag.
    #[must_use]
    pub fn quick() -> Self {
        Self { create_lag_ms: 0, update_lag_ms: 0, ..Self::default() }
    }
}
