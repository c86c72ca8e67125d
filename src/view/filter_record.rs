//! One record before a filter: each clause with its answer and the values it looked at, nested ones below the one they belong
//! to.

use super::cell::{Cell, Line, Role};
use super::table::Column;
use crate::filter::count::Judged;
use crate::filter::{Answer, Clause};

/// The columns of the clauses.
pub const COLUMNS: [Column; 3] =
    [Column::fixed("", 9), Column::flexible("   clause", 20, 3), Column::flexible("the record has", 14, 2)];

/// One clause, or a part of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeRow {
    pub place: usize,
    pub answer: Answer,
    /// A clause, not a part of one.
    pub is_whole: bool,
    /// In the order of [`COLUMNS`].
    pub cells: Vec<Cell>,
    /// What it says, without anything cut off.
    pub whole: String,
}

/// A row for each clause, its parts below it.
#[must_use]
pub fn rows(judged: &[Judged]) -> Vec<TreeRow> {
    let mut rows = Vec::new();
    let mut own = 0;
    for clause in judged {
        let number = match clause.why {
            Some(_) => "   ".to_owned(),
            None => {
                own += 1;
                format!("{own:>2} ")
            }
        };
        let first = rows.len();
        add(&mut rows, &clause.clause, &number, 0);
        if let (Some(why), Some(row)) = (clause.why, rows.get_mut(first)) {
            row.whole = format!("{}. {why}", row.whole);
        }
    }
    rows
}

fn add(rows: &mut Vec<TreeRow>, clause: &Clause, number: &str, depth: usize) {
    let (word, role) = match clause.answer {
        Answer::Pass => ("pass", Role::Ok),
        Answer::Fail => ("fail", Role::Warn),
        Answer::Undecided => ("no answer", Role::Warn),
    };
    // the parts tell what a joining clause looked at
    let is_joined = !clause.parts.is_empty();
    let text = if is_joined && depth == 0 { joint(clause) } else { clause.text.as_str() };
    let value = if is_joined { "" } else { clause.value.as_str() };
    let cells = vec![
        Cell::new(word, role),
        Cell::plain(format!("{number}{}{text}", "  ".repeat(depth))),
        Cell::new(value, if clause.answer == Answer::Undecided { Role::Warn } else { Role::Text }),
    ];
    let whole = format!("{}: {}", clause.text, if value.is_empty() { word } else { value });
    rows.push(TreeRow { place: rows.len(), answer: clause.answer, is_whole: depth == 0, cells, whole });
    clause.parts.iter().for_each(|part| add(rows, part, "   ", depth + 1));
}

/// How a clause joins its parts.
fn joint(clause: &Clause) -> &'static str {
    match clause.parts.as_slice() {
        [_] => "not",
        _ => "any of",
    }
}

/// The row that ends it for the record: the first that fails, else the first without an answer.
#[must_use]
pub fn decisive(rows: &[TreeRow]) -> Option<usize> {
    // what fails within a clause that passes decides nothing
    let first = |answer| rows.iter().find(|row| row.is_whole && row.answer == answer).map(|row| row.place);
    first(Answer::Fail).or_else(|| first(Answer::Undecided))
}

/// `Acme   fails at city = "Austin" (Dallas)`: what becomes of the record, and where it ends.
#[must_use]
pub fn summary(name: &str, judged: &[Judged]) -> Line {
    let find = |answer| judged.iter().map(|judged| &judged.clause).find(|clause| clause.answer == answer);
    let (text, role) = match (find(Answer::Fail), find(Answer::Undecided)) {
        (Some(clause), _) => (format!("fails at {} ({})", clause.text, clause.value), Role::Warn),
        (None, Some(clause)) => (format!("no answer at {}: {}", clause.text, clause.value), Role::Warn),
        (None, None) => ("passes".to_owned(), Role::Ok),
    };
    vec![Cell::strong(name), Cell::plain("   "), Cell::new(text, role)]
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::view::cell::line_text;

    fn clause(text: &str, answer: Answer, value: &str, parts: Vec<Clause>) -> Clause {
        Clause { text: text.into(), answer, value: value.into(), span: 0..0, parts }
    }

    #[test]
    fn nested_clauses_stand_below_the_one_they_belong_to_each_with_its_answer() {
        let leaf = |text, answer, value| clause(text, answer, value, vec![]);
        let not = clause("not", Answer::Pass, "", vec![leaf("zip is empty", Answer::Fail, "75001")]);
        let any = clause(
            "city = \"Ulm\" or not zip is empty",
            Answer::Pass,
            "city: Austin, zip: 75001",
            vec![leaf("city = \"Ulm\"", Answer::Fail, "Austin"), not],
        );
        let judged = [
            Judged { why: Some("Because."), clause: leaf("not deleted", Answer::Pass, "present in HubSpot") },
            Judged { why: None, clause: any },
        ];
        let shown: Vec<String> =
            rows(&judged).iter().map(|row| row.cells.iter().map(Cell::text).collect::<Vec<_>>().join("|")).collect();
        assert_eq!(
            shown,
            [
                "pass|   not deleted|present in HubSpot",
                "pass| 1 any of|",
                "fail|     city = \"Ulm\"|Austin",
                "pass|     not|",
                "fail|       zip is empty|75001",
            ]
        );
        assert_eq!(rows(&judged)[0].whole, "not deleted: present in HubSpot. Because.");
        assert_eq!(line_text(&summary("Acme", &judged)), "Acme   passes");
        assert_eq!(decisive(&rows(&judged)), None, "what fails is within a clause that passes");
        let failing = [Judged { why: None, clause: leaf("city = \"Ulm\"", Answer::Fail, "Austin") }];
        assert_eq!(line_text(&summary("Acme", &failing)), "Acme   fails at city = \"Ulm\" (Austin)");
        let both = [judged[0].clone(), failing[0].clone()];
        assert_eq!(decisive(&rows(&both)), Some(1));
        assert_eq!(rows(&failing).first().unwrap().whole, "city = \"Ulm\": Austin");
    }
}
