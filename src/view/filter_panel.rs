//! The Filters tab: what a filter does to the cached records, number by number.

use std::sync::Arc;

use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use super::table::Column;
use crate::filter::count::{Criteria, Tally, Which};
use crate::model::{ConfigVersion, ObjectKind, System};

/// Numbers, and what they are of.
#[derive(Debug, Clone)]
pub struct Numbers {
    pub criteria: Arc<Criteria>,
    pub tally: Tally,
    pub state: State,
}

/// How much numbers are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Whole,
    /// Of the records looked at so far; there are about so many.
    SoFar {
        of: u64,
    },
    /// Of the text before this one.
    Before,
}

/// What is known of the numbers at the moment.
#[derive(Debug, Clone, Default)]
pub enum Counting {
    /// Nothing to count with: the text is not a filter yet.
    #[default]
    Impossible,
    Begun,
    Known(Numbers),
    /// The records could not be read.
    Failed(String),
}

/// The columns of the numbers.
pub const COLUMNS: [Column; 3] =
    [Column::flexible("", 24, 1), Column::fixed("records", 11).right(), Column::fixed("", 9).right()];

/// Why no clause is left to a system to decide.
const DECIDED_HERE: &str =
    "Decided here, not asked of the system: there a record that leaves would be hidden, not told.";

/// One row of the numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountRow {
    pub key: RowKey,
    /// In the order of [`COLUMNS`].
    pub cells: Vec<Cell>,
}

/// A row that opens records, or one that says what those below it are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKey {
    Records(Which),
    Own,
    Standard,
}

/// `Companies   HubSpot → ConnectWise`.
#[must_use]
pub fn heading(object: ObjectKind, to: System) -> Line {
    let from = to.other();
    vec![
        Cell::strong(object.plural()),
        Cell::plain("   "),
        Cell::new(from.name(), Role::of(from)),
        Cell::plain(" → "),
        Cell::new(to.name(), Role::of(to)),
    ]
}

/// The filters that always apply, as they fit beside each other.
#[must_use]
pub fn standard_lines(criteria: &Criteria, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(8).max(20);
    let texts = criteria.clauses().iter().filter(|clause| clause.why.is_some()).map(|clause| clause.text.as_str());
    let lines = wrapped(&texts.collect::<Vec<_>>().join(" · "), room).into_iter().enumerate();
    lines
        .map(|(at, text)| vec![Cell::muted(if at == 0 { "always  " } else { "        " }), Cell::plain(text)])
        .collect()
}

/// What becomes of such records, as a noun: the title of their list.
#[must_use]
pub fn title(which: Which, criteria: &Criteria, object: ObjectKind) -> String {
    let many = object.plural().to_lowercase();
    let clause = |place: usize| criteria.clauses().get(place).map_or("", |clause| clause.text.as_str());
    match which {
        Which::Pass => format!("{many} that pass the filter"),
        Which::Fail => format!("{many} that fail the filter"),
        Which::Undecided => format!("{many} about which the filter has no answer"),
        Which::Enter => format!("{many} that enter the filter"),
        Which::Freeze => format!("{many} that leave the filter and freeze"),
        Which::StayOut => format!("{many} that leave the filter and stay out"),
        Which::Unsettled => format!("{many} about which the filter would have no answer"),
        Which::RemovedBy(place) => format!("{many} that fail: {}", clause(place)),
        Which::RemovedOnlyBy(place) => format!("{many} kept out only by: {}", clause(place)),
    }
}

impl Numbers {
    /// All rows: the verdict, how it stands to what is deployed, then clause by clause.
    #[must_use]
    pub fn rows(&self, deployed: Option<ConfigVersion>) -> Vec<CountRow> {
        let tally = &self.tally;
        let mut rows =
            vec![row(Which::Pass, "pass", tally.pass, Role::Ok), row(Which::Fail, "fail", tally.fail, Role::Warn)];
        if tally.undecided > 0 {
            rows.push(row(Which::Undecided, "no answer", tally.undecided, Role::Warn));
        }
        if let (Some(against), Some(version)) = (tally.against, deployed) {
            let enter = format!("enter, against deployed {version}");
            rows.push(row(Which::Enter, &enter, against.enter, Role::Ok));
            rows.push(row(Which::Freeze, "leave, linked: they freeze", against.freeze, Role::Warn));
            rows.push(row(Which::StayOut, "leave, not linked: they stay out", against.stay_out, Role::Warn));
            if against.unsettled > 0 {
                rows.push(row(Which::Unsettled, "passed, and now no answer", against.unsettled, Role::Warn));
            }
        }
        let standard = self.criteria.clauses().iter().filter(|clause| clause.why.is_some()).count();
        let own = standard..self.criteria.clauses().len();
        rows.push(divider(RowKey::Own, !own.is_empty()));
        rows.extend(own.clone().map(|place| self.clause(place, Some(place - own.start + 1))));
        rows.push(divider(RowKey::Standard, true));
        rows.extend((0..standard).map(|place| self.clause(place, None)));
        rows
    }

    fn clause(&self, place: usize, number: Option<usize>) -> CountRow {
        let tally = self.tally.clauses.get(place).copied().unwrap_or_default();
        let clause = self.criteria.clauses().get(place);
        let text = clause.map_or("", |clause| clause.text.as_str());
        let text = number.map_or_else(|| format!("   {text}"), |number| format!("{number:>2} {text}"));
        let unfit = clause.is_some_and(|clause| !clause.unfit.is_empty());
        let role = if unfit { Role::Warn } else { Role::Text };
        CountRow {
            key: RowKey::Records(Which::RemovedBy(place)),
            cells: vec![Cell::new(text, role), count(tally.removes, Role::Text), count(tally.alone, Role::Text)],
        }
    }

    /// Numbers of passing and failing records, and which of them take another way than with what is deployed.
    #[must_use]
    pub fn summary(&self, deployed: Option<ConfigVersion>, object: ObjectKind) -> Vec<Line> {
        if self.tally.looked == 0 && self.state == State::Whole {
            let text = format!("No {} are cached yet: a sync reads them.", object.plural().to_lowercase());
            return vec![vec![Cell::muted(text)]];
        }
        let mut first = vec![
            number("pass", self.tally.pass, Role::Ok),
            Cell::plain("   "),
            number("fail", self.tally.fail, Role::Warn),
        ];
        if self.tally.undecided > 0 {
            first.push(Cell::plain("   "));
            first.push(number("no answer", self.tally.undecided, Role::Warn));
        }
        first.extend(self.progress());
        let mut lines = vec![first];
        lines.extend(deployed.and_then(|version| self.against(version)));
        lines
    }

    /// `   so far, 4,096 of 27,360`; nothing for whole numbers.
    #[must_use]
    pub fn progress(&self) -> Option<Cell> {
        match self.state {
            State::Whole => None,
            State::Before => Some(Cell::new("   counting …", Role::Wait)),
            State::SoFar { of } => {
                let text = format!("   so far, {} of {}", format::grouped(self.tally.looked), format::grouped(of));
                Some(Cell::new(text, Role::Wait))
            }
        }
    }

    fn against(&self, version: ConfigVersion) -> Option<Line> {
        let against = self.tally.against?;
        let leave = against.freeze + against.stay_out;
        let mut line = vec![Cell::muted(format!("against deployed {version}: "))];
        if against.enter + leave + against.unsettled == 0 {
            line.push(Cell::muted("the same records"));
            return Some(line);
        }
        line.push(number("enter", against.enter, Role::Ok));
        line.push(Cell::plain("   "));
        line.push(number("leave", leave, Role::Warn));
        if leave > 0 {
            let (freeze, stay) = (format::grouped(against.freeze), format::grouped(against.stay_out));
            line.push(Cell::muted(format!(": {freeze} linked freeze, {stay} stay out")));
        }
        if against.unsettled > 0 {
            line.push(Cell::plain("   "));
            line.push(number("then no answer", against.unsettled, Role::Warn));
        }
        Some(line)
    }

    /// What a row says, and why: the lines under the table.
    #[must_use]
    pub fn explain(&self, key: RowKey, width: usize) -> Vec<Line> {
        let lines = |text: &str, role| -> Vec<Line> {
            wrapped(text, width).into_iter().map(|text| vec![Cell::new(text, role)]).collect()
        };
        match key {
            RowKey::Own => {
                lines("What your own filter keeps out, clause by clause; joined by `and`, all must pass.", Role::Muted)
            }
            RowKey::Standard => {
                lines("What is kept out whatever your filter says. These can't be switched off.", Role::Muted)
            }
            RowKey::Records(which) => {
                let mut found = lines(self.meaning(which), Role::Text);
                let (whys, role) = self.whys(which);
                whys.iter().for_each(|why| found.extend(lines(why, role)));
                found
            }
        }
    }

    fn meaning(&self, which: Which) -> &str {
        match which {
            Which::Pass => "They take part: standard filters and your own let them through.",
            Which::Fail => "At least one clause keeps them out.",
            Which::Undecided => "What is asked of them is not there to be asked. They rest as they are until it is.",
            Which::Enter => "With this they take part; with what is deployed they do not.",
            Which::Freeze => "They take part now and would not with this. Their link stays, and they are not updated.",
            Which::StayOut => "They would take part now and not with this. They have no partner, and get none.",
            Which::Unsettled => "They take part now; with this nothing would be decided about them.",
            Which::RemovedBy(place) | Which::RemovedOnlyBy(place) => {
                self.criteria.clauses().get(place).map_or("", |clause| clause.text.as_str())
            }
        }
    }

    fn whys(&self, which: Which) -> (Vec<String>, Role) {
        let clauses = self.criteria.clauses();
        match which {
            Which::Undecided | Which::Unsettled => {
                let mut whys: Vec<String> = clauses.iter().flat_map(|clause| clause.unfit.clone()).collect();
                whys.dedup();
                (whys, Role::Warn)
            }
            Which::RemovedBy(place) | Which::RemovedOnlyBy(place) => match clauses.get(place) {
                Some(clause) if !clause.unfit.is_empty() => (clause.unfit.clone(), Role::Warn),
                Some(clause) => {
                    let whys = clause.why.into_iter().chain([DECIDED_HERE]);
                    (whys.map(str::to_owned).collect(), Role::Muted)
                }
                None => (Vec::new(), Role::Muted),
            },
            _ => (Vec::new(), Role::Muted),
        }
    }
}

fn number(what: &str, count: u64, role: Role) -> Cell {
    Cell::new(format!("{what} {}", format::grouped(count)), if count > 0 { role } else { Role::Muted })
}

fn count(count: u64, role: Role) -> Cell {
    Cell::new(format::grouped(count), if count > 0 { role } else { Role::Muted })
}

fn row(which: Which, what: &str, records: u64, role: Role) -> CountRow {
    let cells = vec![Cell::plain(what), count(records, role), Cell::empty()];
    CountRow { key: RowKey::Records(which), cells }
}

/// What the rows below it are; where there are none, that there are none.
fn divider(key: RowKey, has_rows: bool) -> CountRow {
    let what = if key == RowKey::Standard { "always" } else { "your filter" };
    let [what, removes, alone] =
        if has_rows { [what, "removes", "it alone"] } else { ["no filter of your own", "", ""] };
    CountRow { key, cells: [what, removes, alone].map(Cell::muted).to_vec() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::count::{Against, ClauseTally};
    use crate::filter::standard;
    use crate::mapping::defaults;
    use crate::view::cell::{line_text, plain_text};

    fn numbers(tally: Tally, state: State) -> Numbers {
        let standard = standard::all(&defaults::company(), System::HubSpot, &standard::Gone::new());
        Numbers { criteria: Arc::new(Criteria::new(standard, None, jiff::civil::Date::MIN, &|_| None)), tally, state }
    }

    #[test]
    fn numbers_say_how_they_stand_to_what_is_deployed() {
        let tally = |pass, fail, against| Tally { looked: pass + fail, pass, fail, against, ..Tally::default() };
        let against = |enter, freeze, stay_out| Some(Against { enter, freeze, stay_out, unsettled: 0 });
        let cases = [
            (tally(0, 0, None), State::Whole, "No companies are cached yet: a sync reads them."),
            (tally(4377, 53_471, None), State::Whole, "pass 4,377   fail 53,471"),
            (tally(5, 0, None), State::Before, "pass 5   fail 0   counting …"),
            (tally(4000, 96, None), State::SoFar { of: 27_360 }, "pass 4,000   fail 96   so far, 4,096 of 27,360"),
            (tally(10, 2, against(0, 0, 0)), State::Whole, "pass 10   fail 2 / against deployed 6: the same records"),
            (
                tally(10, 2, against(2, 1, 1)),
                State::Whole,
                "pass 10   fail 2 / against deployed 6: enter 2   leave 2: 1 linked freeze, 1 stay out",
            ),
        ];
        for (tally, state, expected) in cases {
            let lines = numbers(tally, state).summary(Some(ConfigVersion(6)), ObjectKind::Company);
            assert_eq!(lines.iter().map(|line| line_text(line)).collect::<Vec<_>>().join(" / "), expected);
        }
    }

    #[test]
    fn every_clause_has_its_row_and_its_reason() {
        let clauses = vec![ClauseTally { removes: 3, alone: 1 }, ClauseTally::default(), ClauseTally::default()];
        let numbers = numbers(Tally { looked: 5, pass: 2, fail: 3, clauses, ..Tally::default() }, State::Whole);
        let rows: Vec<String> = numbers.rows(None).iter().map(|row| line_text(&row.cells)).collect();
        assert_eq!(rows[0..3], ["pass2", "fail3", "no filter of your own"].map(str::to_owned));
        assert_eq!(rows[4], "   not deleted31");
        let why = plain_text(&numbers.explain(RowKey::Records(Which::RemovedBy(0)), 200));
        assert!(why.contains("What was deleted on one side is never written"), "{why}");
        assert!(why.contains("Decided here, not asked of the system"), "{why}");
    }

    #[test]
    fn standard_filters_stand_in_front() {
        let criteria = numbers(Tally::default(), State::Whole).criteria;
        assert_eq!(
            plain_text(&standard_lines(&criteria, 48)),
            "always  not deleted · not on the exclusion list\n        · has a value to match by: domain or\n        name\n"
        );
        assert_eq!(line_text(&heading(ObjectKind::Company, System::ConnectWise)), "Companies   HubSpot → ConnectWise");
    }
}
