//! The fields that a filter may ask for: the record's own, and those of the company it belongs to.

use super::bind::resolve;
use crate::mapping::ObjectMapping;
use crate::mapping::references::{company_field, refers_to};
use crate::model::{FieldDef, FieldName, ObjectKind, Schema, System};

/// What a field of the company is written with: `company.type`.
pub const COMPANY: &str = "company.";

/// The fields of one object in one system.
#[derive(Debug, Clone, Copy)]
pub struct Askable<'a> {
    pub own: &'a Schema,
    /// Those of its company; or why there are none.
    pub company: Result<&'a Schema, &'static str>,
}

/// A field that was found.
pub(super) struct Found<'a> {
    pub def: &'a FieldDef,
    pub is_of_company: bool,
}

impl<'a> From<&'a Schema> for Askable<'a> {
    fn from(own: &'a Schema) -> Self {
        Self { own, company: Err("The fields of companies are not known here.") }
    }
}

impl<'a> Askable<'a> {
    /// Those that a filter of this mapping may ask for, of records of `system`. `company` has the fields of companies, where
    /// companies are mapped as well.
    #[must_use]
    pub fn of(mapping: &ObjectMapping, system: System, own: &'a Schema, company: Option<&'a Schema>) -> Self {
        let name = company_field(mapping.object, system);
        let refers = |name: &str| {
            let mut fields = mapping.fields.iter();
            fields.any(|f| refers_to(f.kind) == Some(ObjectKind::Company) && f.field(system).as_str() == name)
        };
        let company = match (name, company) {
            (None, _) => Err("Such a record belongs to no company."),
            (Some(_), None) => Err("Companies are not mapped, so that nothing is known of them."),
            (Some(name), Some(_)) if !refers(name) => {
                Err("The mapping does not name the company of a record, so that nothing is known of it.")
            }
            (Some(_), Some(company)) => Ok(company),
        };
        Self { own, company }
    }

    /// A field by what it is called. One of the record itself comes before one of its company.
    pub(super) fn find(&self, name: &str) -> Option<Found<'a>> {
        if let Some(def) = resolve(self.own, name) {
            return Some(Found { def, is_of_company: false });
        }
        let def = resolve(self.company.ok()?, of_company(name)?)?;
        Some(Found { def, is_of_company: true })
    }
}

impl Found<'_> {
    /// As the filter calls it.
    pub fn name(&self) -> FieldName {
        if self.is_of_company { FieldName::new(&format!("{COMPANY}{}", self.def.name)) } else { self.def.name.clone() }
    }
}

/// The name in the company, where somebody writes of a field of it.
pub fn of_company(name: &str) -> Option<&str> {
    let (start, rest) = name.split_at_checked(COMPANY.len())?;
    (start.eq_ignore_ascii_case(COMPANY) && !rest.is_empty()).then_some(rest)
}
