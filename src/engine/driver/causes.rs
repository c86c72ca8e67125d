//! Findings as they come in, and what is told of them: one finding for each cause, with all that it hurts.
//!
//! One missing right is met by the doctor's probes and again by every list that is read; one missing field by the connector,
//! by the rules of the configuration and by what changed in the schema.

use crate::connect::{Cause, Finding, Root, Severity};
use crate::model::{ObjectKind, System};

use super::doctor::Item;

/// What was found so far, in the order in which it is to be believed: of one cause, the first words are kept.
#[derive(Debug, Default)]
pub struct Findings(Vec<(Item, Option<Root>)>);

impl Findings {
    pub fn add(&mut self, item: Item) {
        self.0.push((item, None));
    }

    pub(super) fn add_rooted(&mut self, item: Item, root: Option<Root>) {
        self.0.push((item, root));
    }

    /// What a connector found.
    pub fn of(&mut self, system: System, findings: impl IntoIterator<Item = Finding>) {
        for Finding { severity, object, what, remedy, root } in findings {
            self.add_rooted(Item { object, ..Item::new(severity, Some(system), what, remedy) }, root);
        }
    }

    /// One item for each cause; without a cause, one for each that says something new.
    #[must_use]
    pub fn told(self) -> Vec<Item> {
        let mut groups: Vec<Group> = Vec::new();
        for (item, root) in self.0 {
            match groups.iter_mut().find(|group| group.takes(&item, root.as_ref())) {
                Some(group) => group.add(item, root),
                None => groups.push(Group { first: item, roots: root.into_iter().collect(), objects: true }),
            }
        }
        groups.into_iter().map(Group::told).collect()
    }
}

/// All that comes of one cause.
struct Group {
    first: Item,
    roots: Vec<Root>,
    /// Whether all of it is about one object.
    objects: bool,
}

impl Group {
    fn takes(&self, item: &Item, root: Option<&Root>) -> bool {
        let same_system = self.first.system == item.system;
        match (self.roots.first().map(|root| &root.cause), root.map(|root| &root.cause)) {
            (None, None) => self.first == *item,
            (Some(Cause::Right { name, .. }), Some(Cause::Right { name: other, .. })) => same_system && name == other,
            (Some(Cause::Field(name)), Some(Cause::Field(other))) => {
                same_system && name == other && self.first.object == item.object
            }
            _ => false,
        }
    }

    fn add(&mut self, item: Item, root: Option<Root>) {
        self.objects &= self.first.object == item.object;
        self.first.severity = self.first.severity.max(item.severity);
        self.first.cut_off |= item.cut_off;
        if self.first.remedy.is_empty() {
            self.first.remedy = item.remedy;
        }
        self.roots.extend(root);
    }

    fn told(self) -> Item {
        let Self { first, roots, objects } = self;
        let hurts = distinct(roots.iter().map(|root| root.hurts.as_str()));
        let Some(Root { cause, .. }) = roots.first().filter(|_| hurts.len() > 1) else { return first };
        let object: Option<ObjectKind> = first.object.filter(|_| objects);
        let (what, remedy) = match cause {
            Cause::Right { name, part } => {
                let parts = distinct(roots.iter().filter_map(|root| match &root.cause {
                    Cause::Right { part, .. } => *part,
                    Cause::Field(_) => None,
                }));
                let remedy = part.map(|part| first.remedy.replacen(part, &parts.join(", "), 1));
                let only = match parts.as_slice() {
                    [part] => format!(" ({part})"),
                    _ => String::new(),
                };
                (format!("{name}{only} is missing."), remedy.unwrap_or_else(|| first.remedy.clone()))
            }
            Cause::Field(_) => (first.what.clone(), first.remedy.clone()),
        };
        Item { what, remedy, object, hurts: hurts.into_iter().map(str::to_owned).collect(), ..first }
    }
}

fn distinct<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = Vec::new();
    for text in texts {
        if !seen.contains(&text) {
            seen.push(text);
        }
    }
    seen
}

/// What is wrong, as lines for people.
#[must_use]
pub fn sentences(items: &[Item]) -> Vec<String> {
    let wrong = items.iter().filter(|item| item.severity > Severity::Fine);
    wrong
        .map(|item| {
            let hurts = match item.hurts.as_slice() {
                [] => String::new(),
                hurts => format!(" It hurts: {}.", hurts.join(", ")),
            };
            format!("{}{hurts} {}", item.what, item.remedy).trim_end().to_owned()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity, what: &str, cause: Option<Cause>, hurts: &str, remedy: &str) -> Finding {
        let root = cause.map(|cause| Root { cause, hurts: hurts.to_owned() });
        Finding { severity, object: Some(ObjectKind::Company), what: what.into(), remedy: remedy.into(), root }
    }

    fn table(part: &'static str) -> Option<Cause> {
        Some(Cause::Right { name: "System / Table Setup / Inquire".into(), part: Some(part) })
    }

    #[test]
    fn a_right_that_is_missing_is_told_once_with_all_that_it_hurts_and_lets_in_all_parts() {
        let mut findings = Findings::default();
        let remedy = |part: &str| format!("Set it to All (customise: allow {part}).");
        let status = finding(Severity::Problem, "No status.", table("Status"), "options of Status", &remedy("Status"));
        let again = finding(Severity::Warning, "Status unread.", table("Status"), "options of Status", "");
        let market = finding(Severity::Warning, "No market.", table("Market"), "options of Market", &remedy("Market"));
        findings.of(System::ConnectWise, [status.clone(), again.clone(), market.clone()]);
        let told = findings.told();
        assert_eq!(told.len(), 1, "{told:?}");
        assert_eq!(told[0].what, "System / Table Setup / Inquire is missing.");
        assert_eq!(told[0].hurts, ["options of Status", "options of Market"]);
        assert_eq!(told[0].remedy, "Set it to All (customise: allow Status, Market).");
        assert_eq!((told[0].severity, told[0].object), (Severity::Problem, Some(ObjectKind::Company)));
        assert_eq!(
            sentences(&told),
            ["System / Table Setup / Inquire is missing. It hurts: options of Status, options of Market. \
              Set it to All (customise: allow Status, Market)."]
        );

        let mut two = Findings::default();
        two.of(System::ConnectWise, [status.clone(), again]);
        let told = two.told();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].what.as_str(), told[0].hurts.len()), ("No status.", 0), "one harm keeps its own words");

        let mut one = Findings::default();
        one.of(System::ConnectWise, [status.clone(), finding(Severity::Problem, "", table("Status"), "stages", "")]);
        assert_eq!(
            one.told()[0].what,
            "System / Table Setup / Inquire (Status) is missing.",
            "the only table is named"
        );

        let mut objects = Findings::default();
        objects.of(System::ConnectWise, [status, Finding { object: Some(ObjectKind::Deal), ..market }]);
        assert_eq!(objects.told()[0].object, None, "it is about no object alone");
    }

    #[test]
    fn a_field_is_a_cause_of_its_object_and_system_alone() {
        let field = |name: &str, hurts: &str| {
            finding(Severity::Warning, "It is gone.", Some(Cause::Field(name.into())), hurts, "Map another.")
        };
        let mut findings = Findings::default();
        findings.of(System::HubSpot, [field("city", "mapping city~city"), field("zip", "mapping zip~zip")]);
        findings
            .of(System::HubSpot, [Finding { severity: Severity::Problem, ..field("city", "match rule city~city") }]);
        findings.of(System::HubSpot, [Finding { object: Some(ObjectKind::Contact), ..field("city", "x") }]);
        findings.of(System::ConnectWise, [field("city", "y")]);
        let told = findings.told();
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!((told[0].severity, told[0].hurts.len()), (Severity::Problem, 2));
        assert!(told[1..].iter().all(|item| item.hurts.is_empty()));
    }

    #[test]
    fn what_has_no_cause_is_dropped_only_where_it_says_nothing_new() {
        let plain = |what: &str| finding(Severity::Warning, what, None, "", "");
        let mut findings = Findings::default();
        findings.of(System::HubSpot, [plain("a"), plain("b"), plain("a")]);
        findings.of(System::ConnectWise, [plain("a")]);
        assert_eq!(findings.told().iter().map(|item| item.what.as_str()).collect::<Vec<_>>(), ["a", "b", "a"]);
    }
}
