//! The kinds of object of the portal: how each is called in paths, bodies and scopes, and what it shows unasked.

use crate::sim::object::Object;

/// A kind of object by reference: there is one `Kind` per object for the whole run.
pub(crate) type KindRef = &'static Kind;

/// What is true of all records of one object.
#[derive(Debug)]
pub(crate) struct Kind {
    pub object: Object,
    /// Its place among all kinds.
    pub place: u8,
    /// Works in every path.
    pub type_id: &'static str,
    /// Names in paths; the first is the plural.
    pub names: &'static [&'static str],
    /// How messages of the old code call it.
    pub legacy: &'static str,
    /// The property that holds the time of the last change.
    pub modified: &'static str,
    /// The property that holds the time of creation.
    pub created: &'static str,
    /// Properties of a record that is read without naming any.
    pub defaults: &'static [&'static str],
    pub merges: bool,
    /// Any one of these lets records be read.
    pub read: &'static [&'static str],
    pub write: &'static [&'static str],
    /// Any one of these lets definitions of properties and pipelines be read.
    pub read_schema: &'static [&'static str],
    pub write_schema: &'static [&'static str],
    /// Property group that the standard properties belong to.
    pub group: (&'static str, &'static str),
    /// Properties in which a search's `query` looks.
    pub searched: &'static [&'static str],
    /// The properties of pipeline and stage, where there are any.
    pub pipeline: Option<(&'static str, &'static str)>,
}

/// Engagements have no scope of their own: HubSpot asks for that of contacts.
const CONTACT_READ: &[&str] = &["crm.objects.contacts.read"];
const CONTACT_WRITE: &[&str] = &["crm.objects.contacts.write"];
const CONTACT_SCHEMA: &[&str] = &["crm.schemas.contacts.read", "crm.objects.contacts.read"];
const CONTACT_SCHEMA_WRITE: &[&str] = &["crm.schemas.contacts.write"];

const fn engagement(
    (object, place): (Object, u8),
    type_id: &'static str,
    names: &'static [&'static str],
    legacy: &'static str,
    group: (&'static str, &'static str),
    searched: &'static [&'static str],
) -> Kind {
    Kind {
        object,
        place,
        type_id,
        names,
        legacy,
        modified: "hs_lastmodifieddate",
        created: "hs_createdate",
        defaults: &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
        merges: false,
        read: CONTACT_READ,
        write: CONTACT_WRITE,
        read_schema: CONTACT_SCHEMA,
        write_schema: CONTACT_SCHEMA_WRITE,
        group,
        searched,
        pipeline: None,
    }
}

/// In the order of `Object::ALL`.
const KINDS: [Kind; 10] = [
    Kind {
        object: Object::Company,
        place: 0,
        type_id: "0-2",
        names: &["companies", "company"],
        legacy: "COMPANY",
        modified: "hs_lastmodifieddate",
        created: "createdate",
        defaults: &["name", "domain", "createdate", "hs_lastmodifieddate", "hs_object_id"],
        merges: true,
        read: &["crm.objects.companies.read"],
        write: &["crm.objects.companies.write"],
        read_schema: &["crm.schemas.companies.read", "crm.objects.companies.read"],
        write_schema: &["crm.schemas.companies.write"],
        group: ("companyinformation", "Company information"),
        searched: &["website", "phone", "name", "domain"],
        pipeline: None,
    },
    Kind {
        object: Object::Contact,
        place: 1,
        type_id: "0-1",
        names: &["contacts", "contact"],
        legacy: "CONTACT",
        modified: "lastmodifieddate",
        created: "createdate",
        defaults: &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"],
        merges: true,
        read: CONTACT_READ,
        write: CONTACT_WRITE,
        read_schema: CONTACT_SCHEMA,
        write_schema: CONTACT_SCHEMA_WRITE,
        group: ("contactinformation", "Contact information"),
        searched: &["firstname", "lastname", "email", "phone", "hs_additional_emails", "fax", "mobilephone", "company"],
        pipeline: None,
    },
    Kind {
        object: Object::Deal,
        place: 2,
        type_id: "0-3",
        names: &["deals", "deal"],
        legacy: "DEAL",
        modified: "hs_lastmodifieddate",
        created: "createdate",
        defaults: &[
            "dealname",
            "amount",
            "closedate",
            "pipeline",
            "dealstage",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
        ],
        merges: true,
        read: &["crm.objects.deals.read"],
        write: &["crm.objects.deals.write"],
        read_schema: &["crm.schemas.deals.read", "crm.objects.deals.read"],
        write_schema: &["crm.schemas.deals.write"],
        group: ("dealinformation", "Deal information"),
        searched: &["dealname", "description", "dealtype"],
        pipeline: Some(("pipeline", "dealstage")),
    },
    Kind {
        object: Object::Ticket,
        place: 3,
        type_id: "0-5",
        names: &["tickets", "ticket"],
        legacy: "TICKET",
        modified: "hs_lastmodifieddate",
        created: "createdate",
        defaults: &[
            "content",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_category",
            "hs_ticket_priority",
            "subject",
            "createdate",
            "hs_lastmodifieddate",
            "hs_object_id",
        ],
        merges: true,
        read: &["tickets", "crm.objects.tickets.read"],
        write: &["tickets", "crm.objects.tickets.write"],
        read_schema: &["crm.schemas.tickets.read", "tickets", "crm.objects.tickets.read"],
        write_schema: &["crm.schemas.tickets.write"],
        group: ("ticketinformation", "Ticket information"),
        searched: &["subject", "content", "hs_ticket_category"],
        pipeline: Some(("hs_pipeline", "hs_pipeline_stage")),
    },
    Kind {
        object: Object::Product,
        place: 4,
        type_id: "0-7",
        names: &["products", "product"],
        legacy: "PRODUCT",
        modified: "hs_lastmodifieddate",
        created: "createdate",
        defaults: &["name", "description", "price", "createdate", "hs_lastmodifieddate", "hs_object_id"],
        merges: false,
        read: &["crm.objects.products.read", "e-commerce"],
        write: &["crm.objects.products.write", "e-commerce"],
        read_schema: &["crm.objects.products.read", "e-commerce"],
        write_schema: &["crm.objects.products.write", "e-commerce"],
        group: ("productinformation", "Product information"),
        searched: &["name", "description", "price", "hs_sku"],
        pipeline: None,
    },
    Kind {
        object: Object::LineItem,
        place: 5,
        type_id: "0-8",
        names: &["line_items", "line_item"],
        legacy: "LINE_ITEM",
        modified: "hs_lastmodifieddate",
        created: "createdate",
        defaults: &["quantity", "amount", "price", "createdate", "hs_lastmodifieddate", "hs_object_id"],
        merges: false,
        read: &["crm.objects.line_items.read", "e-commerce"],
        write: &["crm.objects.line_items.write", "e-commerce"],
        read_schema: &["crm.objects.line_items.read", "e-commerce"],
        write_schema: &["crm.objects.line_items.write", "e-commerce"],
        group: ("lineiteminformation", "Line item information"),
        searched: &["name", "description", "hs_sku"],
        pipeline: None,
    },
    engagement(
        (Object::Note, 6),
        "0-46",
        &["notes", "note"],
        "NOTE",
        ("engagementinformation", "Note information"),
        &["hs_note_body"],
    ),
    engagement(
        (Object::Task, 7),
        "0-27",
        &["tasks", "task"],
        "TASK",
        ("engagementinformation", "Task information"),
        &["hs_task_body", "hs_task_subject"],
    ),
    engagement(
        (Object::Call, 8),
        "0-48",
        &["calls", "call"],
        "CALL",
        ("engagementinformation", "Call information"),
        &["hs_call_title", "hs_call_body"],
    ),
    engagement(
        (Object::Meeting, 9),
        "0-47",
        &["meetings", "meeting"],
        "MEETING_EVENT",
        ("engagementinformation", "Meeting information"),
        &["hs_meeting_title", "hs_meeting_body"],
    ),
];

/// All kinds, in the order in which the portal keeps their records.
pub(crate) const ALL: &[Kind; 10] = &KINDS;

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Kind {}

impl Kind {
    /// None for an object that HubSpot does not have.
    pub fn of(object: Object) -> Option<KindRef> {
        ALL.iter().find(|kind| kind.object == object)
    }

    pub fn at(place: u8) -> Option<KindRef> {
        ALL.get(usize::from(place))
    }

    /// By a name in a path, or by the type id.
    pub fn named(name: &str) -> Option<KindRef> {
        ALL.iter().find(|kind| kind.type_id == name || kind.names.contains(&name))
    }

    pub fn plural(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }

    pub fn singular(&self) -> &'static str {
        self.names.last().copied().unwrap_or_default()
    }

    pub const fn is_engagement(&self) -> bool {
        matches!(self.object, Object::Note | Object::Task | Object::Call | Object::Meeting)
    }
}

/// Objects that HubSpot knows and this portal does not hold: a scope is asked for before anything else is said.
pub(crate) const FOREIGN: [(&str, &str); 12] = [
    ("quotes", "crm.objects.quotes"),
    ("0-14", "crm.objects.quotes"),
    ("emails", "sales-email-read"),
    ("0-49", "sales-email-read"),
    ("leads", "crm.objects.leads"),
    ("0-136", "crm.objects.leads"),
    ("invoices", "crm.objects.invoices"),
    ("0-53", "crm.objects.invoices"),
    ("users", "crm.objects.users"),
    ("0-115", "crm.objects.users"),
    ("orders", "crm.objects.orders"),
    ("0-123", "crm.objects.orders"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_object_is_found_under_all_its_names() {
        for (place, kind) in ALL.iter().enumerate() {
            assert_eq!(usize::from(kind.place), place);
            assert_eq!(Kind::of(kind.object).map(|k| k.place), Some(kind.place));
            for name in kind.names.iter().chain([&kind.type_id]) {
                assert_eq!(Kind::named(name).map(|k| k.object), Some(kind.object));
            }
        }
    }
}
