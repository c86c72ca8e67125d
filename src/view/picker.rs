//! Fields to choose from: what each is called, of what kind it is, how much of it is filled, and what stands in it.

use super::cell::{Cell, Line, Role, wrapped};
use super::format::{self, grouped};
use super::table::Column;
use crate::mapping::compat::{Fit, fit};
use crate::mapping::{FieldMapping, ObjectMapping, suggest};
use crate::model::{BySystem, FieldDef, FieldName, Schema, System, Value};

/// The columns of the list.
pub const COLUMNS: [Column; 5] = [
    Column::flexible("label", 16, 3).at_most(34),
    Column::flexible("name", 14, 3).at_most(34),
    Column::fixed("type", 9),
    Column::fixed("filled", 6).right(),
    Column::flexible("holds, or why not", 14, 4),
];

/// What is known of the values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fill {
    pub filled: u64,
    /// Records looked at.
    pub of: u64,
    /// One of its values.
    pub sample: Option<Value>,
    /// Looked at just now, in a few records; otherwise in all that are cached.
    pub is_glance: bool,
}

impl Fill {
    /// `81 %`; a few are never none, and some missing are never all.
    #[must_use]
    pub fn percent(&self) -> String {
        match (self.filled * 100).checked_div(self.of) {
            None => format::NONE.to_owned(),
            Some(0) if self.filled > 0 => "<1 %".to_owned(),
            Some(share) => format!("{share} %"),
        }
    }

    /// `filled in 2,440 of 3,012`; of a glance, that it is one.
    #[must_use]
    pub fn in_words(&self) -> String {
        let seen = if self.is_glance { " looked at just now" } else { " that are read" };
        match self.of {
            0 => "no record was looked at".to_owned(),
            of => format!("filled in {} of {} records{seen}", grouped(self.filled), grouped(of)),
        }
    }
}

/// How a field stands to what it is chosen for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    Fits,
    /// Mapped to that field of the other system already; it can be chosen all the same.
    Mapped(String),
    /// Why it can't be chosen.
    Unfit(String),
}

/// One field to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub def: FieldDef,
    pub system: System,
    pub stand: Stand,
    /// None where nobody reads it, and nobody looked.
    pub fill: Option<Fill>,
}

/// The fields of `system` for a new mapping, those that fit first; `first` is the one of the other system, where that is
/// chosen.
#[must_use]
pub fn candidates(
    mapping: &ObjectMapping,
    schemas: &BySystem<Schema>,
    system: System,
    first: Option<&FieldDef>,
) -> Vec<Candidate> {
    let stand = |def: &FieldDef| match first {
        Some(other) => against(mapping, system, other, def),
        None => alone(mapping, schemas, system, def),
    };
    let mut all: Vec<Candidate> = schemas[system]
        .fields
        .iter()
        .map(|def| Candidate { def: def.clone(), system, stand: stand(def), fill: None })
        .collect();
    all.sort_by_key(|candidate| match candidate.stand {
        Stand::Fits => 0,
        Stand::Mapped(_) => 1,
        Stand::Unfit(_) => 2,
    });
    all
}

fn mapped<'a>(mapping: &'a ObjectMapping, system: System, name: &FieldName) -> Option<&'a FieldMapping> {
    mapping.fields.iter().find(|field| field.field(system) == name)
}

/// Whether anything of the other system goes with it.
fn alone(mapping: &ObjectMapping, schemas: &BySystem<Schema>, system: System, def: &FieldDef) -> Stand {
    if mapping.stamp(system) == Some(&def.name) {
        return Stand::Unfit("carries the key of the counterpart".to_owned());
    }
    if let Some(field) = mapped(mapping, system, &def.name) {
        return Stand::Mapped(field.field(system.other()).to_string());
    }
    let fits = |other: &FieldDef| match system {
        System::HubSpot => suggest(def, other).is_ok(),
        System::ConnectWise => suggest(other, def).is_ok(),
    };
    if schemas[system.other()].fields.iter().any(fits) {
        return Stand::Fits;
    }
    Stand::Unfit(format!("no {} field goes with a {}", system.other(), def.kind.word()))
}

/// Whether it goes with the field that is chosen already.
fn against(mapping: &ObjectMapping, system: System, other: &FieldDef, def: &FieldDef) -> Stand {
    if mapping.stamp(system) == Some(&def.name) {
        return Stand::Unfit("carries the key of the counterpart".to_owned());
    }
    let (hubspot, connectwise) = match system {
        System::HubSpot => (def, other),
        System::ConnectWise => (other, def),
    };
    match (suggest(hubspot, connectwise), mapped(mapping, system, &def.name)) {
        (_, Some(field)) if *field.field(system.other()) == other.name => {
            Stand::Unfit("is mapped to it already".to_owned())
        }
        (Err(unfit), _) => Stand::Unfit(match fit(other.kind, def.kind) {
            Fit::Never(why) => why.to_owned(),
            _ => unfit.reason,
        }),
        (Ok(_), Some(field)) => Stand::Mapped(field.field(system.other()).to_string()),
        (Ok(_), None) => Stand::Fits,
    }
}

impl Candidate {
    #[must_use]
    pub const fn can_be_chosen(&self) -> bool {
        !matches!(self.stand, Stand::Unfit(_))
    }

    /// What letters are looked for in: label, name, kind.
    #[must_use]
    pub fn words(&self) -> String {
        let custom = if self.def.custom { " custom" } else { "" };
        format!("{} {} {}{custom}", self.def.label, self.def.name, self.def.kind.word())
    }

    /// The cells, in the order of [`COLUMNS`].
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let is_muted = !self.can_be_chosen();
        let role = |role| if is_muted { Role::Muted } else { role };
        let last = match (&self.stand, self.sample()) {
            (Stand::Unfit(why), _) => Cell::muted(why),
            (Stand::Mapped(to), _) => Cell::new(format!("mapped to {to}"), Role::Warn),
            (Stand::Fits, Some(sample)) => Cell::plain(sample),
            (Stand::Fits, None) => Cell::muted(if self.fill.is_some() { "empty" } else { "" }),
        };
        vec![
            Cell::new(&self.def.label, role(Role::Text)),
            Cell::new(self.def.name.as_str(), role(Role::of(self.system))),
            Cell::muted(self.def.kind.word()),
            self.filled(),
            last,
        ]
    }

    fn filled(&self) -> Cell {
        match &self.fill {
            None => Cell::muted("?"),
            Some(fill) if fill.filled == 0 || !self.can_be_chosen() => Cell::muted(fill.percent()),
            Some(fill) => Cell::plain(fill.percent()),
        }
    }

    fn sample(&self) -> Option<String> {
        let value = self.fill.as_ref()?.sample.as_ref()?;
        Some(format::value(value, Some(&self.def)))
    }

    /// All that is known of it.
    #[must_use]
    pub fn detail(&self, width: usize) -> Vec<Line> {
        let def = &self.def;
        let custom = if def.custom { "custom " } else { "" };
        let mut more = Vec::new();
        more.extend(def.read_only.then(|| "read-only".to_owned()));
        more.extend(def.required.then(|| "required".to_owned()));
        more.extend(def.unique.then(|| "each value once".to_owned()));
        more.extend(def.max_length.map(|limit| format!("{} characters", grouped(u64::from(limit)))));
        more.extend((!def.options.is_empty()).then(|| format!("{} options", def.options.len())));
        let more = if more.is_empty() { String::new() } else { format!(", {}", more.join(", ")) };
        let mut lines = vec![vec![
            Cell::strong(&def.label),
            Cell::plain("  "),
            Cell::new(def.name.as_str(), Role::of(self.system)),
            Cell::muted(format!("  {custom}{}{more}", def.kind.word())),
        ]];
        let known = match (&self.fill, self.sample()) {
            (None, _) => "How much of it is filled is not known: nobody reads it yet.".to_owned(),
            (Some(fill), None) => format!("{}.", format::capitalised(&fill.in_words())),
            (Some(fill), Some(sample)) => format!("{}; for one: {sample}", format::capitalised(&fill.in_words())),
        };
        lines.push(vec![Cell::plain(known)]);
        let (why, role) = match &self.stand {
            Stand::Fits => return lines,
            Stand::Mapped(to) => {
                (format!("It is mapped to {to} already; two mappings may not write the same field."), Role::Warn)
            }
            Stand::Unfit(why) => (format!("It can't be chosen: {why}"), Role::Warn),
        };
        lines.extend(wrapped(&why, width).into_iter().map(|text| vec![Cell::new(text, role)]));
        lines
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot be set up should stop")]

    use super::*;
    use crate::mapping::defaults;
    use crate::model::{FieldKind, ObjectKind};
    use crate::view::cell::line_text;
    use crate::view::table::Table;
    use crate::view::testing::text_field;

    fn world() -> (ObjectMapping, BySystem<Schema>) {
        let field = |name: &str, kind| FieldDef { kind, ..text_field(name) };
        let schema = |system, mut fields: Vec<FieldDef>| {
            fields.sort_by(|one, other| one.name.cmp(&other.name));
            Schema { system, object: ObjectKind::Company, fields }
        };
        let here = vec![
            field("city", FieldKind::Text),
            field("founded", FieldKind::Date),
            field("motto", FieldKind::Text),
            field("lockstep_cw_key", FieldKind::Text),
        ];
        let there =
            vec![field("city", FieldKind::Text), field("heads", FieldKind::Number), field("slogan", FieldKind::Text)];
        let mut mapping = defaults::company();
        mapping.fields.retain(|field| field.hubspot.as_str() == "city");
        (mapping, BySystem::new(schema(System::HubSpot, here), schema(System::ConnectWise, there)))
    }

    fn stands(candidates: &[Candidate]) -> Vec<(&str, &Stand)> {
        candidates.iter().map(|candidate| (candidate.def.name.as_str(), &candidate.stand)).collect()
    }

    #[test]
    fn what_fits_comes_first_and_what_does_not_says_why() {
        let (mapping, schemas) = world();
        let first = candidates(&mapping, &schemas, System::HubSpot, None);
        let names: Vec<_> = stands(&first).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["founded", "motto", "city", "lockstep_cw_key"], "a date goes with a text");
        assert_eq!(first[2].stand, Stand::Mapped("city".into()));
        assert!(!first[3].can_be_chosen());
        let founded = schemas.hubspot.field("founded").unwrap();
        let second = candidates(&mapping, &schemas, System::ConnectWise, Some(founded));
        let told = stands(&second);
        assert_eq!((told[0].0, told[1].0), ("slogan", "city"));
        assert!(matches!(told[2], ("heads", Stand::Unfit(why)) if why.contains("a date is not a number")), "{told:?}");
        let city = schemas.hubspot.field("city").unwrap();
        let second = candidates(&mapping, &schemas, System::ConnectWise, Some(city));
        let own = second.iter().find(|candidate| candidate.def.name.as_str() == "city").unwrap();
        assert_eq!(own.stand, Stand::Unfit("is mapped to it already".into()));
    }

    #[test]
    fn a_row_shows_how_much_is_filled_and_of_what() {
        let (mapping, schemas) = world();
        let mut motto = candidates(&mapping, &schemas, System::HubSpot, None).swap_remove(1);
        let table = Table::new(&COLUMNS, 78);
        assert!(line_text(&table.row(&motto.cells())).ends_with("text           ?"));
        motto.fill = Some(Fill { filled: 3, of: 100, sample: Some(Value::text("Onward")), is_glance: true });
        assert!(line_text(&table.row(&motto.cells())).contains("3 % Onward"));
        let detail: Vec<String> = motto.detail(78).iter().map(|line| line_text(line)).collect();
        assert_eq!(detail[1], "Filled in 3 of 100 records looked at just now; for one: Onward");
        let percent = |filled, of| Fill { filled, of, ..Fill::default() }.percent();
        assert_eq!(
            [percent(0, 0), percent(1, 3000), percent(2999, 3000), percent(7, 7)],
            ["–", "<1 %", "99 %", "100 %"]
        );
    }
}
