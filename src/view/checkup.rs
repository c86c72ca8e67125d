//! What the doctor found, as text: the word first, then what it is about, then what to do.

use super::cell::{Cell, Line, Role, wrapped};
use super::format::counted;
use crate::model::{Checked, Grade};

/// How a grade is shown, beside its word.
#[must_use]
pub const fn grade_role(grade: Grade) -> Role {
    match grade {
        Grade::Problem => Role::Error,
        Grade::Warning => Role::Warn,
        Grade::Fine => Role::Ok,
    }
}

/// The columns of the word, with the blank behind it.
const WORD: usize = 9;

/// `2 problems, 1 warning, 9 fine`.
#[must_use]
pub fn summary(items: &[Checked]) -> String {
    let count = |grade| items.iter().filter(|item| item.grade == grade).count() as u64;
    format!(
        "{}, {}, {} fine",
        counted(count(Grade::Problem), "problem", "problems"),
        counted(count(Grade::Warning), "warning", "warnings"),
        count(Grade::Fine)
    )
}

/// All findings, gravest first as given; what is fine comes last and without a remedy.
#[must_use]
pub fn lines(items: &[Checked], width: usize) -> Vec<Line> {
    let mut sorted: Vec<&Checked> = items.iter().collect();
    sorted.sort_by_key(|item| item.grade);
    sorted.into_iter().flat_map(|item| item_lines(item, width)).collect()
}

fn item_lines(item: &Checked, width: usize) -> Vec<Line> {
    let room = width.saturating_sub(WORD).max(20);
    let place = match (item.system, item.object) {
        (Some(system), Some(object)) => format!("{system}, {object}: "),
        (Some(system), None) => format!("{system}: "),
        (None, Some(object)) => format!("{object}: "),
        (None, None) => String::new(),
    };
    let mut lines = Vec::new();
    for (at, text) in wrapped(&format!("{place}{}", item.what), room).into_iter().enumerate() {
        let word = if at == 0 { item.grade.word() } else { "" };
        let role = if item.grade == Grade::Fine { Role::Muted } else { Role::Text };
        lines.push(vec![Cell::new(format!("{word:<WORD$}"), grade_role(item.grade)), Cell::new(text, role)]);
    }
    if item.grade != Grade::Fine {
        lines.extend(led("hurts: ", &item.hurts.join(", "), Role::Text, room));
        lines.extend(led("next: ", &item.remedy, Role::Strong, room));
    }
    lines
}

/// A text behind a word that its further lines are indented by.
fn led(word: &'static str, text: &str, role: Role, room: usize) -> Vec<Line> {
    let texts = if text.is_empty() { Vec::new() } else { wrapped(text, room.saturating_sub(word.len())) };
    let lead = |at| if at == 0 { Cell::muted(word) } else { Cell::plain(" ".repeat(word.len())) };
    let line = |(at, text)| vec![Cell::plain(" ".repeat(WORD)), lead(at), Cell::new(text, role)];
    texts.into_iter().enumerate().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ObjectKind, System};
    use crate::view::plain_text;

    #[test]
    fn a_finding_says_how_bad_what_and_what_next_and_breaks_at_words() {
        let items = [
            Checked {
                grade: Grade::Fine,
                system: Some(System::HubSpot),
                object: None,
                what: "The clock agrees.".into(),
                hurts: vec!["never shown".into()],
                remedy: "never shown".into(),
            },
            Checked {
                grade: Grade::Problem,
                system: Some(System::HubSpot),
                object: Some(ObjectKind::Contact),
                what: "Creating is not allowed:\u{1b}[2J the connection lacks a scope.".into(),
                hurts: vec!["creating contacts".into(), "updating contacts and their companies".into()],
                remedy: "Add the scope crm.objects.contacts.write.".into(),
            },
        ];
        let text = plain_text(&lines(&items, 50));
        let expected = "\
problem  HubSpot, contact: Creating is not
         allowed:\u{fffd}[2J the connection lacks a
         scope.
         hurts: creating contacts, updating
                contacts and their companies
         next: Add the scope
               crm.objects.contacts.write.
fine     HubSpot: The clock agrees.";
        let trimmed: Vec<&str> = text.lines().map(str::trim_end).collect();
        assert_eq!(trimmed.join("\n"), expected);
        assert_eq!(summary(&items), "1 problem, 0 warnings, 1 fine");
    }

    #[test]
    fn no_width_is_too_small() {
        let item = Checked {
            grade: Grade::Warning,
            system: None,
            object: None,
            what: "x".repeat(300),
            hurts: vec!["z".repeat(70)],
            remedy: "y".repeat(90),
        };
        for width in 0..40 {
            assert!(!lines(std::slice::from_ref(&item), width).is_empty());
        }
    }
}
