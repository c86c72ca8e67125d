//! The Filters tab: what always applies, the person's own text, and how many records pass.

use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use crate::model::{ObjectKind, System};

/// How many cached records a filter lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PassCounts {
    pub pass: u64,
    pub fail: u64,
}

impl PassCounts {
    #[must_use]
    pub const fn total(self) -> u64 {
        self.pass + self.fail
    }
}

/// What the count of passing records knows at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Counting {
    /// Nothing to count with: the text is not a filter yet.
    #[default]
    Impossible,
    /// Under way; the numbers before this text, where there are some.
    Running {
        before: Option<PassCounts>,
    },
    Done(PassCounts),
    /// The records could not be read.
    Failed(String),
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
pub fn standard_lines(standard: &[String], width: usize) -> Vec<Line> {
    let room = width.saturating_sub(8).max(20);
    let text = if standard.is_empty() { "nothing".to_owned() } else { standard.join(" · ") };
    let lines = wrapped(&text, room).into_iter().enumerate();
    lines
        .map(|(at, text)| vec![Cell::muted(if at == 0 { "always  " } else { "        " }), Cell::plain(text)])
        .collect()
}

/// Numbers of passing and failing records, and how they stand to those of the deployed filter.
#[must_use]
pub fn count_line(counting: &Counting, deployed: Option<PassCounts>, object: ObjectKind) -> Line {
    match counting {
        Counting::Impossible => vec![Cell::muted("No numbers while the text is not a filter.")],
        Counting::Failed(why) => vec![Cell::new(format!("Could not count: {why}"), Role::Error)],
        Counting::Running { before: None } => vec![Cell::new("counting …", Role::Wait)],
        Counting::Running { before: Some(counts) } => {
            let mut line = numbers(*counts);
            line.push(Cell::new("   counting …", Role::Wait));
            line
        }
        Counting::Done(counts) if counts.total() == 0 => {
            let text = format!("No {} are cached yet: a sync reads them.", object.plural().to_lowercase());
            vec![Cell::muted(text)]
        }
        Counting::Done(counts) => {
            let mut line = numbers(*counts);
            if let Some(text) = deployed.and_then(|old| against(*counts, old)) {
                line.push(Cell::muted(text));
            }
            line
        }
    }
}

fn numbers(counts: PassCounts) -> Line {
    vec![
        Cell::new(format!("pass {}", format::grouped(counts.pass)), Role::Ok),
        Cell::plain("   "),
        Cell::new(
            format!("fail {}", format::grouped(counts.fail)),
            if counts.fail > 0 { Role::Warn } else { Role::Muted },
        ),
    ]
}

/// How many more or fewer pass than with the deployed filter.
fn against(counts: PassCounts, deployed: PassCounts) -> Option<String> {
    if counts.pass >= deployed.pass {
        let more = counts.pass - deployed.pass;
        (more > 0).then(|| format!("   {} more than deployed", format::grouped(more)))
    } else {
        let fewer = format::grouped(deployed.pass - counts.pass);
        Some(format!("   {fewer} fewer than deployed (those leave and freeze)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::cell::{line_text, plain_text};

    #[test]
    fn numbers_say_how_they_stand_to_what_is_deployed() {
        let counts = |pass, fail| PassCounts { pass, fail };
        let cases = [
            (Counting::Impossible, None, "No numbers while the text is not a filter."),
            (Counting::Running { before: None }, None, "counting …"),
            (Counting::Running { before: Some(counts(5, 0)) }, None, "pass 5   fail 0   counting …"),
            (Counting::Done(counts(0, 0)), None, "No companies are cached yet: a sync reads them."),
            (Counting::Done(counts(4377, 53_471)), None, "pass 4,377   fail 53,471"),
            (Counting::Done(counts(10, 2)), Some(counts(10, 2)), "pass 10   fail 2"),
            (Counting::Done(counts(12, 0)), Some(counts(10, 2)), "pass 12   fail 0   2 more than deployed"),
            (
                Counting::Done(counts(9, 3)),
                Some(counts(10, 2)),
                "pass 9   fail 3   1 fewer than deployed (those leave and freeze)",
            ),
            (Counting::Failed("disk".into()), None, "Could not count: disk"),
        ];
        for (counting, deployed, expected) in cases {
            assert_eq!(line_text(&count_line(&counting, deployed, ObjectKind::Company)), expected, "{counting:?}");
        }
    }

    #[test]
    fn standard_filters_stand_in_front() {
        let standard = ["not deleted".to_owned(), "not the own company".to_owned(), "has a name".to_owned()];
        assert_eq!(
            plain_text(&standard_lines(&standard, 48)),
            "always  not deleted · not the own company · has\n        a name\n"
        );
        assert_eq!(plain_text(&standard_lines(&[], 48)), "always  nothing\n");
        assert_eq!(line_text(&heading(ObjectKind::Company, System::ConnectWise)), "Companies   HubSpot → ConnectWise");
    }
}
