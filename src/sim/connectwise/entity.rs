//! The kinds of records that the tenant stores, and how each is called in paths, messages, links and the ledger.

use super::fields::{self, Field, FieldId};
use crate::sim::object::Object;

/// A kind of stored record. Rows that only describe others (statuses, members …) are not records but tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Entity {
    Company,
    Contact,
    Opportunity,
    Ticket,
    Activity,
    Catalog,
    Site,
    CompanyNote,
    ContactNote,
    OpportunityNote,
    TicketNote,
    ForecastItem,
    OpportunityContact,
    TeamMember,
    Callback,
}

/// What there is to know about a kind before any record of it exists.
#[derive(Debug)]
pub(crate) struct About {
    /// In messages: `Contact 57919 not found`.
    pub title: &'static str,
    /// In messages about its JSON, and as the inner `resource` in lower case.
    pub model: &'static str,
    pub resource: &'static str,
    /// Under `apis/3.0`; of a child, the part after its parent.
    pub path: &'static str,
    /// The member of `_info` that leads to it.
    pub href: &'static str,
    pub fields: &'static [Field],
    /// The field that names the record it belongs to, and what that is.
    pub owner: Option<(&'static str, Entity)>,
    /// The field that no two records share, whatever its case.
    pub key: Option<&'static str>,
    /// The screen whose user-defined fields it shows.
    pub screen: Option<&'static str>,
    pub first_id: u32,
    /// How the ledger calls it; a child without a word is told as a change of its owner.
    pub object: Option<Object>,
}

impl Entity {
    pub const COUNT: usize = 15;
    pub const ALL: [Self; Self::COUNT] = [
        Self::Company,
        Self::Contact,
        Self::Opportunity,
        Self::Ticket,
        Self::Activity,
        Self::Catalog,
        Self::Site,
        Self::CompanyNote,
        Self::ContactNote,
        Self::OpportunityNote,
        Self::TicketNote,
        Self::ForecastItem,
        Self::OpportunityContact,
        Self::TeamMember,
        Self::Callback,
    ];

    pub const fn about(self) -> &'static About {
        match self {
            Self::Company => &COMPANY,
            Self::Contact => &CONTACT,
            Self::Opportunity => &OPPORTUNITY,
            Self::Ticket => &TICKET,
            Self::Activity => &ACTIVITY,
            Self::Catalog => &CATALOG,
            Self::Site => &SITE,
            Self::CompanyNote => &COMPANY_NOTE,
            Self::ContactNote => &CONTACT_NOTE,
            Self::OpportunityNote => &OPPORTUNITY_NOTE,
            Self::TicketNote => &TICKET_NOTE,
            Self::ForecastItem => &FORECAST_ITEM,
            Self::OpportunityContact => &OPPORTUNITY_CONTACT,
            Self::TeamMember => &TEAM_MEMBER,
            Self::Callback => &CALLBACK,
        }
    }

    pub const fn title(self) -> &'static str {
        self.about().title
    }

    pub fn fields(self) -> &'static [Field] {
        self.about().fields
    }

    /// The field of that very name.
    pub fn field(self, name: &str) -> Option<(FieldId, &'static Field)> {
        fields::find(self.fields(), name)
    }

    pub fn field_by_id(self, id: FieldId) -> Option<&'static Field> {
        self.fields().get(usize::from(id))
    }

    pub fn owner(self) -> Option<(FieldId, Self)> {
        let (name, entity) = self.about().owner?;
        self.field(name).map(|(id, _)| (id, entity))
    }

    pub fn key(self) -> Option<FieldId> {
        self.about().key.and_then(|name| self.field(name)).map(|(id, _)| id)
    }

    /// The record kind that an object of the control API is.
    pub fn of(object: Object) -> Option<Self> {
        Self::ALL.into_iter().find(|entity| entity.about().object == Some(object))
    }
}

const COMPANY: About = About {
    title: "Company",
    model: "Company",
    resource: "company",
    path: "company/companies",
    href: "company_href",
    fields: fields::COMPANY,
    owner: Some(("parentCompany", Entity::Company)),
    key: Some("identifier"),
    screen: Some("co300"),
    first_id: 19_301,
    object: Some(Object::Company),
};

const CONTACT: About = About {
    title: "Contact",
    model: "Contact",
    resource: "contact",
    path: "company/contacts",
    href: "contact_href",
    fields: fields::CONTACT,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: Some("ct300"),
    first_id: 57_901,
    object: Some(Object::Contact),
};

const OPPORTUNITY: About = About {
    title: "Opportunity",
    model: "Opportunity",
    resource: "opportunity",
    path: "sales/opportunities",
    href: "opportunity_href",
    fields: fields::OPPORTUNITY,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: Some("so300"),
    first_id: 4_101,
    object: Some(Object::Deal),
};

const TICKET: About = About {
    title: "Ticket",
    model: "Ticket",
    resource: "ticket",
    path: "service/tickets",
    href: "ticket_href",
    fields: fields::TICKET,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: Some("sr300"),
    first_id: 71_001,
    object: Some(Object::Ticket),
};

const ACTIVITY: About = About {
    title: "Activity",
    model: "Activity",
    resource: "activity",
    path: "sales/activities",
    href: "activity_href",
    fields: fields::ACTIVITY,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: Some("ac300"),
    first_id: 8_801,
    object: Some(Object::Activity),
};

const CATALOG: About = About {
    title: "Catalog Item",
    model: "CatalogItem",
    resource: "catalogItem",
    path: "procurement/catalog",
    href: "catalog_href",
    fields: fields::CATALOG,
    owner: None,
    key: Some("identifier"),
    screen: Some("iv300"),
    first_id: 601,
    object: Some(Object::Product),
};

const SITE: About = About {
    title: "Site",
    model: "CompanySite",
    resource: "companySite",
    path: "sites",
    href: "site_href",
    fields: fields::SITE,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: None,
    first_id: 2_301,
    object: None,
};

const COMPANY_NOTE: About = About {
    title: "Company Note",
    model: "CompanyNote",
    resource: "companyNote",
    path: "notes",
    href: "note_href",
    fields: fields::COMPANY_NOTE,
    owner: Some(("company", Entity::Company)),
    key: None,
    screen: None,
    first_id: 301,
    object: None,
};

const CONTACT_NOTE: About = About {
    title: "Contact Note",
    model: "ContactNote",
    resource: "contactNote",
    path: "notes",
    href: "note_href",
    fields: fields::CONTACT_NOTE,
    owner: Some(("contactId", Entity::Contact)),
    key: None,
    screen: None,
    first_id: 401,
    object: None,
};

const OPPORTUNITY_NOTE: About = About {
    title: "Opportunity Note",
    model: "OpportunityNote",
    resource: "opportunityNote",
    path: "notes",
    href: "note_href",
    fields: fields::OPPORTUNITY_NOTE,
    owner: Some(("opportunityId", Entity::Opportunity)),
    key: None,
    screen: None,
    first_id: 501,
    object: None,
};

const TICKET_NOTE: About = About {
    title: "Ticket Note",
    model: "ServiceNote",
    resource: "serviceNote",
    path: "notes",
    href: "note_href",
    fields: fields::TICKET_NOTE,
    owner: Some(("ticketId", Entity::Ticket)),
    key: None,
    screen: None,
    first_id: 9_001,
    object: None,
};

const FORECAST_ITEM: About = About {
    title: "Forecast Item",
    model: "ForecastItem",
    resource: "forecastItem",
    path: "forecast",
    href: "forecast_href",
    fields: fields::FORECAST_ITEM,
    owner: Some(("opportunity", Entity::Opportunity)),
    key: None,
    screen: None,
    first_id: 12_001,
    object: Some(Object::LineItem),
};

const OPPORTUNITY_CONTACT: About = About {
    title: "Opportunity Contact",
    model: "OpportunityContact",
    resource: "opportunityContact",
    path: "contacts",
    href: "contact_href",
    fields: fields::OPPORTUNITY_CONTACT,
    owner: Some(("opportunityId", Entity::Opportunity)),
    key: None,
    screen: None,
    first_id: 701,
    object: None,
};

const TEAM_MEMBER: About = About {
    title: "Team",
    model: "Team",
    resource: "team",
    path: "team",
    href: "team_href",
    fields: fields::TEAM_MEMBER,
    owner: Some(("opportunityId", Entity::Opportunity)),
    key: None,
    screen: None,
    first_id: 801,
    object: None,
};

const CALLBACK: About = About {
    title: "Callback Entry",
    model: "CallbackEntry",
    resource: "callbackEntry",
    path: "system/callbacks",
    href: "callback_href",
    fields: fields::CALLBACK,
    owner: None,
    key: None,
    screen: None,
    first_id: 91,
    object: None,
};
