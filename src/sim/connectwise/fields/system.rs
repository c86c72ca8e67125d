//! The fields of call-back entries.

use super::{Field, Kind};

pub(crate) static CALLBACK: &[Field] = &[
    Field::new("description", Kind::Text(100)),
    Field::new("url", Kind::Text(0)).required(),
    Field::new("objectId", Kind::Whole).required(),
    Field::new("type", Kind::Text(0)).required(),
    Field::new("level", Kind::Text(0)).required(),
    Field::new("memberId", Kind::Whole).read_only(),
    Field::new("payloadVersion", Kind::Text(0)),
    Field::new("inactiveFlag", Kind::Flag),
    Field::new("isSoapCallbackFlag", Kind::Flag),
    Field::new("isSelfSuppressedFlag", Kind::Flag),
    Field::new("connectWiseID", Kind::Text(0)).read_only(),
];
