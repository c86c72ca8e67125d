//! The fields of a ConnectWise company: names, kinds, lengths. The stored form of their values.

use serde_json::{Value, json};

use crate::sim::clock::{iso_seconds, parse_instant};

/// Index of a field in [`FIELDS`].
pub(crate) type FieldId = u16;

/// The tables that companies refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Status,
    Type,
    Country,
    Territory,
    Market,
    Ownership,
    Member,
    Company,
}

impl Table {
    /// How error messages call a row of the table.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Status => "Company Status",
            Self::Type => "Company Type",
            Self::Country => "Country",
            Self::Territory => "Location",
            Self::Market => "Market Description",
            Self::Ownership => "Ownership Type",
            Self::Member => "Member",
            Self::Company => "Company",
        }
    }

    /// The path under `apis/3.0` of the table's rows.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Status => "company/companies/statuses",
            Self::Type => "company/companies/types",
            Self::Country => "company/countries",
            Self::Territory => "system/locations",
            Self::Market => "company/marketDescriptions",
            Self::Ownership => "company/ownershipTypes",
            Self::Member => "system/members",
            Self::Company => "company/companies",
        }
    }

    /// Prefix of the `…_href` member of a reference.
    pub const fn href(self) -> &'static str {
        match self {
            Self::Status => "status_href",
            Self::Type => "type_href",
            Self::Country => "country_href",
            Self::Territory => "location_href",
            Self::Market => "market_href",
            Self::Ownership => "ownership_href",
            Self::Member => "member_href",
            Self::Company => "company_href",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text of at most so many characters; 0 for no limit.
    Text(usize),
    Whole,
    /// A year from 1900 to 9999.
    Year,
    Decimal,
    Flag,
    Time,
    Ref(Table),
    /// A reference into a table that is not simulated: kept as it is sent.
    Opaque,
}

#[derive(Debug)]
pub(crate) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub read_only: bool,
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, read_only: false }
}

const fn read_only(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, read_only: true }
}

pub(crate) const IDENTIFIER: FieldId = 0;
pub(crate) const NAME: FieldId = 1;
pub(crate) const STATUS: FieldId = 2;
pub(crate) const DELETED: FieldId = 3;
pub(crate) const DATE_DELETED: FieldId = 4;
pub(crate) const DELETED_BY: FieldId = 5;

/// In storage order; lengths as the 2025.1 model has them.
pub(crate) const FIELDS: [Field; 67] = [
    field("identifier", Kind::Text(30)),
    field("name", Kind::Text(50)),
    field("status", Kind::Ref(Table::Status)),
    field("deletedFlag", Kind::Flag),
    read_only("dateDeleted", Kind::Time),
    read_only("deletedBy", Kind::Text(0)),
    field("addressLine1", Kind::Text(50)),
    field("addressLine2", Kind::Text(50)),
    field("city", Kind::Text(50)),
    field("state", Kind::Text(50)),
    field("zip", Kind::Text(12)),
    field("country", Kind::Ref(Table::Country)),
    field("phoneNumber", Kind::Text(30)),
    field("faxNumber", Kind::Text(30)),
    field("website", Kind::Text(255)),
    field("territory", Kind::Ref(Table::Territory)),
    field("market", Kind::Ref(Table::Market)),
    field("accountNumber", Kind::Text(41)),
    field("defaultContact", Kind::Opaque),
    field("dateAcquired", Kind::Time),
    field("sicCode", Kind::Opaque),
    field("parentCompany", Kind::Ref(Table::Company)),
    field("annualRevenue", Kind::Decimal),
    field("creditLimit", Kind::Decimal),
    field("additionalDebt", Kind::Decimal),
    field("numberOfEmployees", Kind::Whole),
    field("yearEstablished", Kind::Year),
    field("revenueYear", Kind::Year),
    field("ownershipType", Kind::Ref(Table::Ownership)),
    field("timeZoneSetup", Kind::Opaque),
    field("leadSource", Kind::Text(50)),
    field("leadFlag", Kind::Flag),
    field("unsubscribeFlag", Kind::Flag),
    field("calendar", Kind::Opaque),
    field("userDefinedField1", Kind::Text(50)),
    field("userDefinedField2", Kind::Text(50)),
    field("userDefinedField3", Kind::Text(50)),
    field("userDefinedField4", Kind::Text(50)),
    field("userDefinedField5", Kind::Text(50)),
    field("userDefinedField6", Kind::Text(50)),
    field("userDefinedField7", Kind::Text(50)),
    field("userDefinedField8", Kind::Text(50)),
    field("userDefinedField9", Kind::Text(50)),
    field("userDefinedField10", Kind::Text(50)),
    field("vendorIdentifier", Kind::Text(0)),
    field("taxIdentifier", Kind::Text(0)),
    field("taxCode", Kind::Opaque),
    field("billingTerms", Kind::Opaque),
    field("invoiceTemplate", Kind::Opaque),
    field("pricingSchedule", Kind::Opaque),
    field("companyEntityType", Kind::Opaque),
    field("billToCompany", Kind::Ref(Table::Company)),
    field("billingSite", Kind::Opaque),
    field("billingContact", Kind::Opaque),
    field("invoiceDeliveryMethod", Kind::Opaque),
    field("invoiceToEmailAddress", Kind::Text(0)),
    field("invoiceCCEmailAddress", Kind::Text(0)),
    read_only("mobileGuid", Kind::Text(0)),
    field("facebookUrl", Kind::Text(0)),
    field("twitterUrl", Kind::Text(0)),
    field("linkedInUrl", Kind::Text(0)),
    field("currency", Kind::Opaque),
    field("territoryManager", Kind::Ref(Table::Member)),
    field("resellerIdentifier", Kind::Text(0)),
    field("isVendorFlag", Kind::Flag),
    field("site", Kind::Opaque),
    field("integratorTags", Kind::Opaque),
];

pub(crate) fn find(name: &str) -> Option<(FieldId, &'static Field)> {
    let at = FIELDS.iter().position(|f| f.name == name)?;
    Some((FieldId::try_from(at).ok()?, FIELDS.get(at)?))
}

/// As `find`, ignoring case, as conditions do.
pub(crate) fn find_any_case(name: &str) -> Option<(FieldId, &'static Field)> {
    let at = FIELDS.iter().position(|f| f.name.eq_ignore_ascii_case(name))?;
    Some((FieldId::try_from(at).ok()?, FIELDS.get(at)?))
}

pub(crate) fn get(id: FieldId) -> Option<&'static Field> {
    FIELDS.get(usize::from(id))
}

/// A stored value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stored {
    Text(Box<str>),
    Whole(i64),
    Decimal(f64),
    Flag(bool),
    /// Seconds since 1970.
    Time(i64),
    /// The id of a row of the field's table.
    Ref(u32),
    Opaque(Box<Value>),
}

impl Stored {
    /// For the ledger: the bare value.
    pub fn plain(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Whole(n) => json!(n),
            Self::Decimal(n) => json!(n),
            Self::Flag(flag) => json!(flag),
            Self::Time(seconds) => json!(iso_seconds(*seconds)),
            Self::Ref(id) => json!(id),
            Self::Opaque(value) => (**value).clone(),
        }
    }
}

/// One entry of `errors` in the body of a 400.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub code: &'static str,
    pub message: String,
    pub field: String,
}

impl Problem {
    pub fn new(code: &'static str, field: &str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), field: field.to_owned() }
    }
}

/// Why a value of the wrong kind could not be read; ConnectWise answers 500 to most of these.
#[derive(Debug, Clone)]
pub(crate) enum Misfit {
    Problem(Problem),
    /// "Error converting value": a client error that wears a 500.
    Conversion(String),
}

/// The stored form of a scalar as sent; none is nothing (null, or an empty text).
///
/// Line breaks become spaces. Numbers are also taken as text.
pub(crate) fn scalar(field: &Field, value: &Value) -> Result<Option<Stored>, Misfit> {
    if value.is_null() || value.as_str().is_some_and(str::is_empty) {
        return Ok(None);
    }
    let wrong = || {
        Misfit::Conversion(format!(
            "Error converting value {value} to type 'System.{}'. Path '{}', line 1, position 1.",
            type_name(field.kind),
            field.name
        ))
    };
    let stored = match field.kind {
        Kind::Text(_) => match value {
            Value::String(text) => Stored::Text(flat(text).into()),
            Value::Number(_) | Value::Bool(_) => Stored::Text(value.to_string().into()),
            _ => return Err(wrong()),
        },
        Kind::Whole | Kind::Year => match value {
            Value::Number(n) => Stored::Whole(n.as_i64().ok_or_else(wrong)?),
            Value::String(text) => Stored::Whole(text.trim().parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        },
        Kind::Decimal => match value {
            Value::Number(n) => Stored::Decimal(n.as_f64().ok_or_else(wrong)?),
            Value::String(text) => Stored::Decimal(text.trim().parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        },
        Kind::Flag => match value {
            Value::Bool(flag) => Stored::Flag(*flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Stored::Flag(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Stored::Flag(false),
            _ => return Err(wrong()),
        },
        Kind::Time => Stored::Time(time(field, value.as_str().ok_or_else(wrong)?)?),
        Kind::Opaque => Stored::Opaque(Box::new(value.clone())),
        Kind::Ref(_) => return Err(wrong()),
    };
    Ok(Some(stored))
}

/// `yyyy-MM-ddTHH:mm:ssZ` and nothing else.
fn time(field: &Field, text: &str) -> Result<i64, Misfit> {
    let exact = text.len() == 20 && text.ends_with('Z');
    match parse_instant(text).filter(|_| exact) {
        Some(ms) => Ok(ms.div_euclid(1000)),
        None => Err(Misfit::Problem(Problem::new(
            "UnsupportedFormat",
            field.name,
            format!("Unsupported format applied to {}", field.name),
        ))),
    }
}

const fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Whole | Kind::Year => "Int32",
        Kind::Decimal => "Double",
        Kind::Flag => "Boolean",
        Kind::Time => "DateTime",
        Kind::Text(_) | Kind::Ref(_) | Kind::Opaque => "String",
    }
}

/// Ordinary text keeps no line breaks: each becomes a space.
pub(crate) fn flat(text: &str) -> String {
    text.replace("\r\n", " ").replace(['\n', '\r', '\u{8}', '\u{c}'], " ")
}

/// What is wrong with a stored value by the rules of today, if anything.
pub(crate) fn complaint(field: &Field, value: &Stored) -> Option<Problem> {
    let name = field.name;
    match (field.kind, value) {
        (Kind::Text(most), Stored::Text(text)) if most > 0 && text.chars().count() > most => Some(Problem::new(
            "MaxLengthField",
            name,
            format!("The field {name} must be a string with a maximum length of {most}."),
        )),
        (Kind::Year, Stored::Whole(year)) if !(1900..=9999).contains(year) => {
            Some(Problem::new("OutOfRange", name, format!("The field {name} must be between 1900 and 9999.")))
        }
        (Kind::Whole, Stored::Whole(n)) if i32::try_from(*n).is_err() => {
            Some(Problem::new("OutOfRange", name, format!("The field {name} must be between 0 and {}.", i32::MAX)))
        }
        _ => None,
    }
}
