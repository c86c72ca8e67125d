//! The fields of companies, and of what hangs on them: sites and notes. From the 2026.4 model, lengths by release.

use super::{ADDRESS, Field, Kind, Lengths, NOTE, NUMBERED, SOCIAL, joined, record, release, table, total};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::tables::Table;

/// The guide's 2021 module, the 2025.1 model, and those from 2026.4 on.
const IDENTIFIER_LENGTHS: Lengths = &[(release(2021, 1), 25), (release(2025, 1), 30), (release(2026, 4), 156)];
const NAME_LENGTHS: Lengths = &[(release(2021, 1), 50), (release(2026, 4), 156)];
const WEBSITE_LENGTHS: Lengths = &[(release(2021, 1), 255), (release(2026, 11), 1024)];

const COMPANY_RUNS: &[&[Field]] = &[
    &[
        Field::new("identifier", Kind::Text(156)).required().lengths(IDENTIFIER_LENGTHS),
        Field::new("name", Kind::Text(156)).required().lengths(NAME_LENGTHS),
        Field::new("status", table(Table::Status)),
    ],
    ADDRESS,
    &[
        Field::new("phoneNumber", Kind::Text(30)),
        Field::new("faxNumber", Kind::Text(30)),
        Field::new("website", Kind::Text(1024)).lengths(WEBSITE_LENGTHS),
        Field::new("territory", table(Table::Location)),
        Field::new("market", table(Table::Market)),
        Field::new("accountNumber", Kind::Text(41)),
        Field::new("defaultContact", record(Entity::Contact)),
        Field::new("dateAcquired", Kind::Time),
        Field::new("sicCode", Kind::Opaque),
        Field::new("parentCompany", record(Entity::Company)),
        Field::new("annualRevenue", Kind::Decimal),
        Field::new("creditLimit", Kind::Decimal).since(release(2025, 2)),
        Field::new("additionalDebt", Kind::Decimal).since(release(2025, 2)),
        Field::new("numberOfEmployees", Kind::Whole),
        Field::new("yearEstablished", Kind::Year),
        Field::new("revenueYear", Kind::Year),
        Field::new("ownershipType", table(Table::Ownership)),
        Field::new("timeZoneSetup", Kind::Opaque),
        Field::new("leadSource", Kind::Text(50)),
        Field::new("leadFlag", Kind::Flag),
        Field::new("unsubscribeFlag", Kind::Flag),
        Field::new("calendar", Kind::Opaque),
    ],
    NUMBERED,
    &[
        Field::new("vendorIdentifier", Kind::Text(0)),
        Field::new("taxIdentifier", Kind::Text(0)),
        Field::new("taxCode", Kind::Opaque),
        Field::new("billingTerms", Kind::Opaque),
        Field::new("invoiceTemplate", Kind::Opaque),
        Field::new("pricingSchedule", Kind::Opaque),
        Field::new("companyEntityType", Kind::Opaque),
        Field::new("billToCompany", record(Entity::Company)),
        Field::new("billingSite", record(Entity::Site)),
        Field::new("billingContact", record(Entity::Contact)),
        Field::new("invoiceDeliveryMethod", Kind::Opaque),
        Field::new("emailTemplate", Kind::Opaque).since(release(2025, 2)),
        Field::new("invoiceToEmailAddress", Kind::Text(0)),
        Field::new("invoiceCCEmailAddress", Kind::Text(0)),
        Field::new("deletedFlag", Kind::Flag),
        Field::new("dateDeleted", Kind::Time).read_only(),
        Field::new("deletedBy", Kind::Text(0)).read_only(),
        Field::new("mobileGuid", Kind::Text(0)).read_only(),
    ],
    SOCIAL,
    &[
        Field::new("currency", table(Table::Currency)),
        Field::new("territoryManager", table(Table::Member)),
        Field::new("resellerIdentifier", Kind::Text(0)),
        Field::new("isVendorFlag", Kind::Flag),
        Field::new("types", Kind::Apart),
        Field::new("typeIds", Kind::Apart),
        Field::new("site", Kind::Apart),
        Field::new("integratorTags", Kind::Opaque),
        Field::new("customFields", Kind::Apart),
    ],
];
pub(crate) static COMPANY: &[Field] = &joined::<{ total(COMPANY_RUNS) }>(COMPANY_RUNS);

pub(crate) static SITE: &[Field] = &[
    Field::new("name", Kind::Text(156)).required().lengths(NAME_LENGTHS),
    Field::new("addressLine1", Kind::Text(50)),
    Field::new("addressLine2", Kind::Text(50)),
    Field::new("city", Kind::Text(50)),
    Field::new("stateReference", table(Table::State)),
    Field::new("zip", Kind::Text(12)),
    Field::new("country", table(Table::Country)),
    Field::new("addressFormat", Kind::Text(0)),
    Field::new("phoneNumber", Kind::Text(30)),
    Field::new("phoneNumberExt", Kind::Text(30)),
    Field::new("faxNumber", Kind::Text(30)),
    Field::new("taxCode", Kind::Opaque),
    Field::new("entityType", Kind::Opaque),
    Field::new("expenseReimbursement", Kind::Decimal),
    Field::new("primaryAddressFlag", Kind::Flag),
    Field::new("defaultShippingFlag", Kind::Flag),
    Field::new("defaultBillingFlag", Kind::Flag),
    Field::new("defaultMailingFlag", Kind::Flag),
    Field::new("inactiveFlag", Kind::Flag),
    Field::new("billSeparateFlag", Kind::Flag),
    Field::new("mobileGuid", Kind::Text(0)),
    Field::new("calendar", Kind::Opaque),
    Field::new("timeZone", Kind::Opaque),
    Field::new("company", record(Entity::Company)),
    Field::new("territory", table(Table::Location)),
    Field::new("invoiceTemplate", Kind::Opaque),
    Field::new("customFields", Kind::Apart),
];

const COMPANY_NOTE_RUNS: &[&[Field]] = &[NOTE, &[Field::new("company", record(Entity::Company))]];
pub(crate) static COMPANY_NOTE: &[Field] = &joined::<{ total(COMPANY_NOTE_RUNS) }>(COMPANY_NOTE_RUNS);
