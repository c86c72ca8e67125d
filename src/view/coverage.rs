//! How far a value map reaches, in a cell and in a sentence.

use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use crate::mapping::coverage::{Coverage, Side};
use crate::mapping::{FieldMapping, Unmapped};
use crate::model::System;

/// `37/41!` of the side that most records wait on; nothing where no record holds anything.
#[must_use]
pub fn cell(coverage: &Coverage) -> Option<Cell> {
    let side = coverage.worst()?;
    let share = format!("{}/{}", format::grouped(side.mapped() as u64), format::grouped(side.values.len() as u64));
    Some(if side.has_gap() { Cell::new(share + "!", Role::Warn) } else { Cell::plain(share) })
}

/// `4 of 41 values have no partner: 112 records hold one`, for each side with a gap, and how many of them wait for it;
/// where there is none, that all have.
#[must_use]
pub fn lines(field: &FieldMapping, coverage: &Coverage, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut push = |text: &str, role: Role| {
        lines.extend(wrapped(text, width).into_iter().map(|line| vec![Cell::new(line, role)]));
    };
    let gaps: Vec<_> = coverage.crossing().filter(|(_, side)| side.has_gap()).collect();
    for (system, side) in &gaps {
        let to = system.other();
        push(&gap(*system, side, coverage.unmapped[to], coverage.fallback[to].as_deref()), Role::Warn);
    }
    if let Some(records) = coverage.held_back.filter(|_| coverage.may_hold()) {
        let role = if records > 0 { Role::Warn } else { Role::Muted };
        push(&held_back(records), role);
    }
    let unread: Vec<_> = System::BOTH
        .into_iter()
        .filter(|system| coverage.sides[*system].is_none() && field.direction.writes(system.other()))
        .map(System::name)
        .collect();
    if !unread.is_empty() {
        let text = format!("The values of {} are counted once this is deployed and read.", unread.join(" and "));
        push(&text, Role::Muted);
    }
    if gaps.is_empty() && coverage.worst().is_some() {
        push("Every value that records hold has a partner.", Role::Ok);
    }
    lines
}

/// How many records hold a value without a partner.
#[must_use]
pub fn gap(system: System, side: &Side, unmapped: Unmapped, fallback: Option<&str>) -> String {
    let lacking = side.values.len() - side.mapped();
    let of = format::counted(side.values.len() as u64, "value", "values");
    let have = if lacking == 1 { "has" } else { "have" };
    let records = format::counted(side.without, "record", "records");
    let hold = match (unmapped, side.without) {
        (Unmapped::Hold, 1) => "holds one".to_owned(),
        (Unmapped::Hold, _) => "hold one".to_owned(),
        (Unmapped::Default, 1) => format!("gets {}", fallback.unwrap_or("the default")),
        (Unmapped::Default, _) => format!("get {}", fallback.unwrap_or("the default")),
        (Unmapped::Skip, _) => "left alone".to_owned(),
    };
    format!("{system}: {lacking} of {of} {have} no partner: {records} {hold}.")
}

/// What waits of them: who is in step as it is does not.
fn held_back(records: u64) -> String {
    match records {
        0 => "No record would be held back for it as things are: they are in step.".to_owned(),
        _ => format!("{} would be held back for it.", format::counted(records, "record", "records")),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]
    use std::collections::BTreeMap;

    use super::*;
    use crate::mapping::coverage::Used;
    use crate::mapping::{AutoPairs, Direction, ValueMap, defaults};
    use crate::model::{BySystem, FieldKind, Value};
    use crate::view::cell::plain_text;
    use crate::view::testing::schemas;

    fn field() -> FieldMapping {
        let name = defaults::company().fields.iter().find(|field| field.hubspot.as_str() == "name").unwrap().clone();
        let values = Some(ValueMap { auto: Some(AutoPairs::Label), ..ValueMap::default() });
        FieldMapping { hubspot: "type".into(), connectwise: "type".into(), kind: FieldKind::Choice, values, ..name }
    }

    fn used(values: &[(&str, u64)]) -> Used {
        let values: BTreeMap<Value, u64> =
            values.iter().map(|(key, records)| (Value::Choice((*key).to_owned()), *records)).collect();
        Used { records: 2000, values }
    }

    fn told(field: &FieldMapping, hubspot: Option<Used>, connectwise: Option<Used>) -> (String, String) {
        let used = BySystem::new(hubspot, connectwise);
        let coverage = Coverage::of(field, Direction::Both, &schemas(), &used).unwrap();
        let cell = cell(&coverage).map_or_else(String::new, |cell| cell.text().to_owned());
        (cell, plain_text(&lines(field, &coverage, 120)))
    }

    #[test]
    fn a_gap_is_told_with_the_records_that_it_holds_back() {
        let mut field = field();
        let gap = used(&[("CUSTOMER", 30), ("PARTNER", 1100), ("OTHER", 12)]);
        let (cell, lines) = told(&field, Some(gap.clone()), Some(used(&[("1", 5)])));
        assert_eq!(cell, "0/3!", "Customer and Client are two names");
        assert_eq!(
            lines,
            "HubSpot: 3 of 3 values have no partner: 1,142 records hold one.\n\
             ConnectWise: 1 of 1 value has no partner: 5 records hold one.\n"
        );
        field.direction = Direction::ToHubspot;
        field.values.as_mut().unwrap().unmapped = Unmapped::Skip;
        let (cell, lines) = told(&field, Some(gap), Some(used(&[("1", 1)])));
        assert_eq!(cell, "0/1!");
        assert_eq!(lines, "ConnectWise: 1 of 1 value has no partner: 1 record left alone.\n");
    }

    #[test]
    fn what_is_not_read_is_not_called_covered() {
        assert_eq!(told(&field(), Some(used(&[])), Some(used(&[]))), (String::new(), String::new()));
        let (cell, lines) = told(&field(), None, None);
        assert_eq!(
            (cell.as_str(), lines.as_str()),
            ("", "The values of HubSpot and ConnectWise are counted once this is deployed and read.\n")
        );
        let mut field = field();
        field.values.as_mut().unwrap().pairs =
            vec![crate::mapping::ValuePair { hubspot: "CUSTOMER".into(), connectwise: "label:client".into() }];
        let (cell, lines) = told(&field, Some(used(&[("CUSTOMER", 4)])), Some(used(&[("1", 4)])));
        assert_eq!((cell.as_str(), lines.as_str()), ("1/1", "Every value that records hold has a partner.\n"));
    }
}
