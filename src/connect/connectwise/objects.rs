//! Which ConnectWise object each kind of record is, and where it lives. Pure tables, no HTTP.

use super::fields::{self, BuiltIn};
use crate::model::ObjectKind;

/// One ConnectWise object.
pub(super) struct Place {
    /// Its list below `apis/3.0`. A forecast item has none of its own: this is the list of its opportunities.
    pub path: &'static str,
    /// What ConnectWise calls one.
    pub word: &'static str,
    pub fields: &'static [BuiltIn],
    /// What the descriptions of its screens begin with, in lower case: they tell whose a user-defined field is.
    pub screens: &'static [&'static str],
    /// Whether a deleted record stays readable with `deletedFlag`.
    pub recycles: bool,
    /// Whether it has `userDefinedField1` to `userDefinedField10`.
    pub numbered: bool,
    /// The type of its call-backs, where there are any.
    pub callback: Option<&'static str>,
}

const COMPANY: Place = Place {
    path: "/company/companies",
    word: "company",
    fields: fields::COMPANY,
    screens: &["company"],
    recycles: true,
    numbered: true,
    callback: Some("company"),
};

const CONTACT: Place = Place {
    path: "/company/contacts",
    word: "contact",
    fields: fields::CONTACT,
    screens: &["contact"],
    recycles: false,
    numbered: true,
    callback: Some("contact"),
};

const OPPORTUNITY: Place = Place {
    path: "/sales/opportunities",
    word: "opportunity",
    fields: fields::OPPORTUNITY,
    screens: &["opportunity"],
    recycles: false,
    numbered: false,
    callback: Some("opportunity"),
};

const TICKET: Place = Place {
    path: "/service/tickets",
    word: "service ticket",
    fields: fields::TICKET,
    screens: &["service ticket", "ticket", "service"],
    recycles: false,
    numbered: false,
    callback: Some("ticket"),
};

const CATALOG_ITEM: Place = Place {
    path: "/procurement/catalog",
    word: "catalog item",
    fields: fields::CATALOG_ITEM,
    screens: &["product", "catalog"],
    recycles: false,
    numbered: false,
    callback: Some("productcatalog"),
};

const FORECAST_ITEM: Place = Place {
    path: "/sales/opportunities",
    word: "forecast item",
    fields: fields::FORECAST_ITEM,
    screens: &[],
    recycles: false,
    numbered: false,
    callback: None,
};

const ACTIVITY: Place = Place {
    path: "/sales/activities",
    word: "activity",
    fields: fields::ACTIVITY,
    screens: &["activity"],
    recycles: false,
    numbered: false,
    callback: Some("activity"),
};

/// Where records of this kind live.
pub(super) const fn place(object: ObjectKind) -> &'static Place {
    match object {
        ObjectKind::Company => &COMPANY,
        ObjectKind::Contact => &CONTACT,
        ObjectKind::Deal => &OPPORTUNITY,
        ObjectKind::Ticket => &TICKET,
        ObjectKind::Product => &CATALOG_ITEM,
        ObjectKind::LineItem => &FORECAST_ITEM,
        ObjectKind::Note | ObjectKind::Task | ObjectKind::Call | ObjectKind::Meeting => &ACTIVITY,
    }
}
