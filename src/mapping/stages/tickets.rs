//! A ticket's stage in its HubSpot pipeline, a status of its service board in ConnectWise.
//!
//! A status exists on one board alone, as a stage does in one pipeline: `1/16` is the status 16 of board 1. Which of
//! several statuses of one name is meant is told by where the ticket is: it stays on its board, and in its pipeline. It
//! moves to another board only where somebody moved it to a pipeline of which no open stage stands for anything on its
//! board, and the other way.
//!
//! A tenant has statuses of its own that mean nothing to HubSpot. An open ticket with such a status stays at its open
//! HubSpot stage.

use std::collections::BTreeMap;

use super::super::ValueMap;
use super::{BETWEEN, MOST_OPTIONS, Pairs, Progress, bare, is_called, outcome};
use crate::model::{BySystem, ChoiceOption, StageOutcome, System};

/// Every board, and every status on its board.
pub(super) fn options(boards: &[ChoiceOption], statuses: &[ChoiceOption]) -> Vec<ChoiceOption> {
    let alone = boards.iter().map(|board| ChoiceOption {
        key: Progress { place: &board.key, status: "" }.key(),
        label: board.label.clone(),
        inactive: board.inactive,
        ..ChoiceOption::default()
    });
    let on_board = statuses.iter().filter_map(|status| {
        let board = boards.iter().find(|board| Some(&board.key) == status.parent.as_ref())?;
        Some(ChoiceOption {
            key: Progress { place: &board.key, status: &status.key }.key(),
            label: format!("{}{BETWEEN}{}", board.label, status.label),
            inactive: board.inactive || status.inactive,
            outcome: status.outcome,
            parent: Some(board.key.clone()),
            ..ChoiceOption::default()
        })
    });
    alone.chain(on_board).take(MOST_OPTIONS).collect()
}

/// A stage of a pipeline, or a status of a board.
#[derive(Debug, Clone)]
struct Spot {
    key: String,
    /// Its pipeline, or its board.
    place: String,
    /// Its own name, comparable.
    name: String,
    is_closed: bool,
    /// It is read, and never given to a ticket.
    inactive: bool,
}

/// Which stage of HubSpot stands for which status of which board.
#[derive(Debug, Clone)]
pub struct Tickets {
    /// A ConnectWise value is `1/16`.
    pairs: Pairs,
    spots: BySystem<Vec<Spot>>,
    /// By pipeline: the boards of which a status stands for one of its open stages.
    together: BTreeMap<String, Vec<String>>,
    /// The pipeline and the board of new tickets; empty where none is named.
    homes: BySystem<String>,
}

/// The options of what a record is in, and of where it stands there.
type Level<'a> = (&'a [ChoiceOption], &'a [ChoiceOption]);

impl Tickets {
    /// The pairs of a value map, and beside them, where it pairs by label: stages and statuses of the same name, and in
    /// each pipeline and on each board something closed for whatever is closed. `homes` are the defaults of new tickets.
    pub(super) fn new(
        values: &ValueMap,
        (pipelines, stages): Level<'_>,
        (boards, statuses): Level<'_>,
        homes: BySystem<String>,
    ) -> Self {
        let statuses = options(boards, statuses);
        let here: Vec<Spot> = stages.iter().filter_map(|one| spot(one, &one.label)).collect();
        let status = |one: &ChoiceOption| {
            spot(one, one.label.rsplit_once(BETWEEN).map_or(one.label.as_str(), |(_, status)| status))
        };
        let there: Vec<Spot> = statuses.iter().filter_map(status).collect();
        let mut made = Self {
            pairs: Pairs::default(),
            spots: BySystem::new(here, there),
            together: BTreeMap::new(),
            homes: BySystem::default(),
        };
        made.homes = BySystem::new(
            made.spot(System::HubSpot, &homes.hubspot).map(|spot| spot.place.clone()).unwrap_or_default(),
            Progress::of(&homes.connectwise).place.to_owned(),
        );
        made.listed(values, &statuses);
        if values.auto.is_some() {
            made.same_name(&paired_places(pipelines, boards));
        }
        made.join_places();
        if values.auto.is_some() {
            made.ends();
        }
        made
    }

    fn listed(&mut self, values: &ValueMap, statuses: &[ChoiceOption]) {
        for pair in &values.pairs {
            match pair.connectwise.strip_prefix("label:") {
                None => self.pairs.add(&pair.hubspot, &Progress::of(&pair.connectwise).key()),
                Some(label) => {
                    // A name alone is that of a status on every board that has one.
                    for one in statuses.iter().filter(|one| one.parent.is_some() && is_called(&one.label, label)) {
                        self.pair(&pair.hubspot, &one.key, one.inactive);
                    }
                }
            }
        }
    }

    /// What is inactive leads to the other side, and nothing leads to it.
    fn pair(&mut self, stage: &str, status: &str, inactive: bool) {
        if inactive {
            self.pairs.lead(System::HubSpot, status, stage);
        } else {
            self.pairs.add(stage, status);
        }
    }

    /// Pairs what is called the same and is not listed. A pipeline and a board of one name keep to each other.
    fn same_name(&mut self, places: &[(String, String)]) {
        let is_listed = |to: System, spot: &Spot| self.pairs.toward(to, &spot.key).is_some();
        let fit = |stage: &Spot, status: &Spot| {
            stage.name == status.name
                && stage.is_closed == status.is_closed
                && keep_to(places, &stage.place, &status.place)
        };
        let mut found = Vec::new();
        for stage in self.spots.hubspot.iter().filter(|stage| !stage.inactive) {
            for status in self.spots.connectwise.iter().filter(|status| fit(stage, status)) {
                if !is_listed(System::ConnectWise, stage) && !is_listed(System::HubSpot, status) {
                    found.push((stage.key.clone(), status.key.clone(), status.inactive));
                }
            }
        }
        for (stage, status, inactive) in found {
            self.pair(&stage, &status, inactive);
        }
    }

    fn join_places(&mut self) {
        let mut together: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stage in self.spots.hubspot.iter().filter(|stage| !stage.is_closed) {
            for status in self.pairs.toward(System::ConnectWise, &stage.key).unwrap_or_default() {
                let Some(status) = self.spot(System::ConnectWise, status).filter(|status| !status.is_closed) else {
                    continue;
                };
                together.entry(stage.place.clone()).or_default().push(status.place.clone());
            }
        }
        self.together = together;
    }

    /// What is closed has a partner in every place of the other side that has anything closed.
    fn ends(&mut self) {
        for to in System::BOTH {
            let ends = |system: System| self.spots[system].iter().filter(|spot| spot.is_closed);
            let mut found = Vec::new();
            for spot in ends(to.other()) {
                let known = self.pairs.toward(to, &spot.key).unwrap_or_default();
                let mut served: Vec<&str> =
                    known.iter().filter_map(|one| Some(self.spot(to, one)?.place.as_str())).collect();
                for end in ends(to).filter(|end| !end.inactive) {
                    if !served.contains(&end.place.as_str()) {
                        served.push(&end.place);
                        found.push((spot.key.clone(), end.key.clone(), spot.inactive));
                    }
                }
            }
            for (key, end, inactive) in found {
                self.pairs.lead(to, &key, &end);
                if !inactive {
                    self.pairs.lead(to.other(), &end, &key);
                }
            }
        }
    }

    fn spot(&self, system: System, key: &str) -> Option<&Spot> {
        self.spots[system].iter().find(|spot| spot.key == key)
    }

    /// Where a ticket with that value is; the value may name a status that is not known.
    fn place<'a>(&'a self, system: System, key: &'a str) -> Option<&'a str> {
        let told = match system {
            System::HubSpot => self.spot(system, key).map(|spot| spot.place.as_str()),
            System::ConnectWise => Some(Progress::of(key).place),
        };
        told.filter(|place| !place.is_empty())
    }

    fn belong_together(&self, pipeline: &str, board: &str) -> bool {
        self.together.get(pipeline).is_some_and(|boards| boards.iter().any(|one| one == board))
    }

    pub(super) fn nearest<'a>(&'a self, to: System, raw: &str, current: &'a str) -> Option<&'a str> {
        let candidates = self.pairs.toward(to, raw).unwrap_or_default();
        let is_open = |system, key: &str| self.spot(system, key).is_some_and(|spot| !spot.is_closed);
        if let Some(kept) = candidates.iter().find(|one| *one == current) {
            return Some(kept);
        }
        let Some(place) = self.place(to, current) else { return self.of_new(to, raw, candidates) };
        if let Some(beside) = candidates.iter().find(|one| self.place(to, one) == Some(place)) {
            return Some(beside);
        }
        let from = self.place(to.other(), raw)?;
        let (pipeline, board) = if to == System::HubSpot { (place, from) } else { (from, place) };
        if !candidates.is_empty() && !self.belong_together(pipeline, board) {
            return candidates.first().map(String::as_str);
        }
        let says_nothing = to == System::HubSpot && is_open(to, current) && is_open(System::ConnectWise, raw);
        says_nothing.then_some(current)
    }

    /// The first value that may stand for one of the other system.
    pub(super) fn counterpart(&self, to: System, raw: &str) -> Option<&str> {
        self.pairs.toward(to, raw)?.first().map(String::as_str)
    }

    /// Where a new ticket begins: in the place that is named for new ones. What has nothing to do with that place begins
    /// in its own; which of several boards is meant is not guessed.
    fn of_new<'a>(&'a self, to: System, raw: &str, candidates: &'a [String]) -> Option<&'a str> {
        let place = |one: &'a String| self.place(to, one);
        let home = self.homes[to].as_str();
        if let Some(at_home) = candidates.iter().find(|one| place(one) == Some(home)) {
            return Some(at_home);
        }
        let from = self.place(to.other(), raw)?;
        let (pipeline, board) = if to == System::HubSpot { (home, from) } else { (from, home) };
        let first = candidates.first()?;
        let is_clear = to == System::HubSpot || candidates.iter().all(|one| place(one) == place(first));
        (is_clear && !self.belong_together(pipeline, board)).then_some(first)
    }
}

/// None for what is in no place.
fn spot(option: &ChoiceOption, name: &str) -> Option<Spot> {
    Some(Spot {
        key: option.key.clone(),
        place: option.parent.clone()?,
        name: bare(name),
        is_closed: outcome(option) != StageOutcome::Open,
        inactive: option.inactive,
    })
}

/// The pipelines and boards that are called the same.
fn paired_places(pipelines: &[ChoiceOption], boards: &[ChoiceOption]) -> Vec<(String, String)> {
    let of = |pipeline: &ChoiceOption| {
        let alike = boards.iter().filter(|board| bare(&board.label) == bare(&pipeline.label));
        alike.map(|board| (pipeline.key.clone(), board.key.clone())).collect::<Vec<_>>()
    };
    pipelines.iter().flat_map(of).collect()
}

/// Whether a pipeline and a board may stand for each other: neither has one of its own name, or they are such a pair.
fn keep_to(places: &[(String, String)], pipeline: &str, board: &str) -> bool {
    let concerned = || places.iter().filter(|(one, other)| one == pipeline || other == board);
    concerned().next().is_none() || concerned().any(|(one, other)| one == pipeline && other == board)
}

#[cfg(test)]
mod tests {
    use super::super::option;
    use super::*;
    use crate::mapping::{AutoPairs, Unmapped, ValuePair};
    use StageOutcome::{Closed, Open};

    fn pair(hubspot: &str, connectwise: &str) -> ValuePair {
        ValuePair { hubspot: hubspot.into(), connectwise: connectwise.into() }
    }

    /// The support pipeline and one for projects; a help desk, a board for alerts, and one for projects.
    fn tickets(pairs: Vec<ValuePair>, home: &str) -> Tickets {
        let pipelines = [option("0", "Support Pipeline", None, None), option("9", "Projects", None, None)];
        let stages = [
            option("1", "New", Some(Open), Some("0")),
            option("2", "Waiting on contact", Some(Open), Some("0")),
            option("3", "Waiting on us", Some(Open), Some("0")),
            option("4", "Closed", Some(Closed), Some("0")),
            option("91", "New", Some(Open), Some("9")),
            option("94", "Done", Some(Closed), Some("9")),
        ];
        let boards = [
            option("5", "Help Desk", None, None),
            option("6", "Alerts", None, None),
            option("7", "Projects", None, None),
            ChoiceOption { inactive: true, ..option("8", "Old Board", None, None) },
        ];
        let statuses = [
            option("50", "New", Some(Open), Some("5")),
            option("51", "In Progress", Some(Open), Some("5")),
            option("52", "Waiting Customer", Some(Open), Some("5")),
            option("53", "Escalated", Some(Open), Some("5")),
            option("54", ">Closed", Some(Closed), Some("5")),
            option("55", "Cancelled", Some(Closed), Some("5")),
            ChoiceOption { inactive: true, ..option("56", "Old", Some(Closed), Some("5")) },
            option("60", "New", Some(Open), Some("6")),
            option("61", "Closed", Some(Closed), Some("6")),
            option("70", "New", Some(Open), Some("7")),
            option("71", "Finished", Some(Closed), Some("7")),
            option("80", "New", Some(Open), Some("8")),
        ];
        let values = ValueMap { auto: Some(AutoPairs::Label), unmapped: Unmapped::Hold, pairs, priority: Vec::new() };
        let homes = BySystem::new(String::new(), home.to_owned());
        Tickets::new(&values, (&pipelines, &stages), (&boards, &statuses), homes)
    }

    fn usual() -> Tickets {
        tickets(vec![pair("2", "label:Waiting Customer"), pair("3", "label:Help Desk · In Progress")], "5/")
    }

    fn check(tickets: &Tickets, to: System, table: &[(&str, &str, Option<&str>)]) {
        for (raw, current, expected) in table {
            assert_eq!(tickets.nearest(to, raw, current), *expected, "{raw} onto {current}");
        }
    }

    #[test]
    fn a_ticket_stays_on_its_board() {
        let table = [
            ("1", "", Some("5/50")),
            ("3", "", Some("5/51")),
            ("1", "6/61", Some("6/60")),
            ("4", "5/51", Some("5/54")),
            ("4", "6/60", Some("6/61")),
            // A closed status that was chosen by hand stays, and so does one that nobody can choose any more.
            ("4", "5/55", Some("5/55")),
            // Nothing on that board says "waiting on us", and it is no reason to move.
            ("3", "6/60", None),
            ("91", "", Some("7/70")),
            ("94", "7/70", Some("7/71")),
            ("nobody's", "5/50", None),
        ];
        check(&usual(), System::ConnectWise, &table);
    }

    #[test]
    fn a_ticket_stays_in_its_pipeline() {
        let table = [
            ("5/50", "", Some("1")),
            ("5/52", "1", Some("2")),
            ("6/60", "4", Some("1")),
            ("5/55", "2", Some("4")),
            ("5/56", "2", Some("4")),
            ("7/71", "91", Some("94")),
            // A status of the tenant's own leaves an open ticket where it is, and opens none.
            ("5/53", "2", Some("2")),
            ("5/53", "4", None),
            ("5/53", "", None),
            ("5/99", "1", None),
            ("", "1", None),
        ];
        check(&usual(), System::HubSpot, &table);
    }

    /// By hand, a ticket goes from a board to one that has a pipeline of its own, and back.
    #[test]
    fn a_ticket_moves_where_its_board_or_pipeline_has_nothing_to_do_with_the_other_side() {
        check(&usual(), System::HubSpot, &[("7/70", "2", Some("91")), ("5/51", "91", Some("3"))]);
        check(&usual(), System::ConnectWise, &[("91", "5/50", Some("7/70")), ("3", "7/70", Some("5/51"))]);
        let listed = tickets(vec![pair("91", "6/60")], "5/");
        check(&listed, System::HubSpot, &[("6/60", "1", Some("91"))]);
        check(&listed, System::ConnectWise, &[("91", "5/50", Some("6/60")), ("91", "", Some("6/60"))]);
    }

    #[test]
    fn a_new_ticket_needs_a_board_where_several_would_do() {
        let homeless = tickets(Vec::new(), "");
        check(&homeless, System::ConnectWise, &[("1", "", None), ("91", "", Some("7/70"))]);
        check(&tickets(Vec::new(), "6/60"), System::ConnectWise, &[("1", "", Some("6/60")), ("4", "", Some("6/61"))]);
        // No other board stands in for the named one that is in use no more.
        check(&tickets(Vec::new(), "8/"), System::ConnectWise, &[("1", "", None), ("91", "", Some("7/70"))]);
    }

    #[test]
    fn what_is_listed_is_paired_with_nothing_else() {
        let listed = tickets(vec![pair("1", "label:Escalated"), pair("4", "5/55")], "5/");
        let table = [("1", "", Some("5/53")), ("1", "5/51", Some("5/53")), ("4", "5/50", Some("5/55"))];
        check(&listed, System::ConnectWise, &table);
        check(&listed, System::HubSpot, &[("5/53", "3", Some("1")), ("5/50", "3", Some("3"))]);
    }

    /// What was written one way leads back to where it came from, whatever stood there before.
    #[test]
    fn there_and_back_is_where_it_was() {
        let tickets = usual();
        let mut crossed = 0;
        for stage in ["1", "2", "3", "4", "91", "94"] {
            for current in ["", "5/50", "5/53", "5/55", "6/60", "6/61", "7/70"] {
                let Some(there) = tickets.nearest(System::ConnectWise, stage, current) else { continue };
                crossed += 1;
                assert_eq!(tickets.nearest(System::HubSpot, there, stage), Some(stage), "{stage} onto {current}");
                assert_eq!(tickets.nearest(System::ConnectWise, stage, there), Some(there), "{stage} again");
            }
        }
        assert!(crossed > 30, "{crossed}");
    }

    #[test]
    fn options_are_boards_and_their_statuses() {
        let boards = [option("5", "Help Desk", None, None)];
        let statuses = [option("50", "New", Some(Open), Some("5")), option("60", "New", Some(Open), Some("6"))];
        let told: Vec<(String, String)> =
            options(&boards, &statuses).into_iter().map(|one| (one.key, one.label)).collect();
        let text = |key: &str, label: &str| (key.to_owned(), label.to_owned());
        assert_eq!(told, [text("5/", "Help Desk"), text("5/50", "Help Desk · New")]);
    }
}
