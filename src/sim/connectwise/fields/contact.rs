//! The fields of contacts and their notes. Lengths are those of 2021: later models state none.

use super::{ADDRESS, Field, Kind, NOTE, NUMBERED, SOCIAL, Target, joined, record, table, total};
use crate::sim::connectwise::entity::Entity;
use crate::sim::connectwise::tables::Table;

const CONTACT_RUNS: &[&[Field]] = &[
    &[
        Field::new("firstName", Kind::Text(30)).required(),
        Field::new("lastName", Kind::Text(30)),
        Field::new("company", record(Entity::Company)),
        Field::new("site", record(Entity::Site)),
    ],
    ADDRESS,
    &[
        Field::new("relationship", table(Table::Relationship)),
        Field::new("relationshipOverride", Kind::Text(0)),
        Field::new("department", table(Table::ContactDepartment)),
        Field::new("inactiveFlag", Kind::Flag),
        Field::new("defaultMergeContactId", Kind::Whole),
        Field::new("securityIdentifier", Kind::Text(184)),
        Field::new("managerContact", record(Entity::Contact)),
        Field::new("assistantContact", record(Entity::Contact)),
        Field::new("title", Kind::Text(100)),
        Field::new("school", Kind::Text(0)),
        Field::new("nickName", Kind::Text(30)),
        Field::new("marriedFlag", Kind::Flag),
        Field::new("childrenFlag", Kind::Flag),
        Field::new("children", Kind::Text(0)),
        Field::new("significantOther", Kind::Text(30)),
        Field::new("portalPassword", Kind::Text(15)),
        Field::new("portalSecurityLevel", Kind::Whole),
        Field::new("disablePortalLoginFlag", Kind::Flag),
        Field::new("unsubscribeFlag", Kind::Flag),
        Field::new("gender", Kind::Choice(&["Female", "Male"])),
        Field::new("birthDay", Kind::Text(0)),
        Field::new("anniversary", Kind::Text(0)),
        Field::new("presence", Kind::Choice(&["NoAgent", "Online", "DoNotDisturb", "Away", "Offline"])).read_only(),
        Field::new("mobileGuid", Kind::Text(0)).read_only(),
    ],
    SOCIAL,
    &[
        Field::new("defaultPhoneType", Kind::Text(0)).read_only(),
        Field::new("defaultPhoneNbr", Kind::Text(0)).read_only(),
        Field::new("defaultPhoneExtension", Kind::Text(0)).read_only(),
        Field::new("defaultBillingFlag", Kind::Flag),
        Field::new("defaultFlag", Kind::Flag),
    ],
    NUMBERED,
    &[
        Field::new("companyLocation", table(Table::Location)),
        Field::new("communicationItems", Kind::Apart),
        Field::new("types", Kind::Apart),
        Field::new("integratorTags", Kind::Opaque),
        Field::new("customFields", Kind::Apart),
        Field::new("photo", Kind::Opaque).read_only(),
        Field::new("ignoreDuplicates", Kind::Apart),
        Field::new("typeIds", Kind::Apart),
    ],
];
pub(crate) static CONTACT: &[Field] = &joined::<{ total(CONTACT_RUNS) }>(CONTACT_RUNS);

const CONTACT_NOTE_RUNS: &[&[Field]] = &[&[Field::new("contactId", Kind::Id(Target::Record(Entity::Contact)))], NOTE];
pub(crate) static CONTACT_NOTE: &[Field] = &joined::<{ total(CONTACT_NOTE_RUNS) }>(CONTACT_NOTE_RUNS);
