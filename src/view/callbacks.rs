//! How Lockstep is told of changes: a line for the console, and the same in full for a shell.

use super::cell::{Cell, Line, Role, wrapped};
use super::format;
use super::run::hanging;
use crate::model::{Callbacks, Hearing, System, Timestamp};

/// Lines of what is wrong: a refusal with its next step has room in them.
const TOLD: usize = 3;

/// One line: where this console listens, when the last hint came, how ConnectWise's call-backs stand; below it what is
/// wrong with them, with the next step. Empty where there is nothing to say.
#[must_use]
pub fn head(hearing: &Hearing, listens: Option<&str>, now: Timestamp, width: usize) -> Vec<Line> {
    if listens.is_none() && hearing.callbacks.is_none() {
        return Vec::new();
    }
    let mut line = vec![Cell::muted(" hints ")];
    line.extend(listens.map(|address| Cell::plain(format!("listens on {address}   "))));
    line.push(last_hint(hearing, now));
    if let Some(callbacks) = &hearing.callbacks {
        line.push(Cell::plain("   "));
        line.extend(armed(callbacks, now));
    }
    let trouble = hearing.callbacks.as_ref().and_then(|callbacks| callbacks.trouble.as_ref());
    let told = trouble.map(|trouble| wrapped(&format!("{} {}", trouble.what, trouble.remedy), width.saturating_sub(2)));
    let told =
        told.unwrap_or_default().into_iter().take(TOLD).map(|line| vec![Cell::new(format!(" {line}"), Role::Warn)]);
    std::iter::once(line).chain(told).collect()
}

/// The moments of which the line tells the age.
#[must_use]
pub fn moments(hearing: &Hearing) -> Vec<Timestamp> {
    let looked = hearing.callbacks.as_ref().and_then(|callbacks| callbacks.looked);
    System::BOTH.into_iter().filter_map(|system| hearing.last[system]).max().into_iter().chain(looked).collect()
}

fn last_hint(hearing: &Hearing, now: Timestamp) -> Cell {
    match System::BOTH.into_iter().filter_map(|system| hearing.last[system]).max() {
        Some(at) => Cell::plain(format!("last {} ago", format::age_at(at, now))),
        None => Cell::muted("none yet"),
    }
}

/// `5 call-backs seen 12 min ago`, or `2 of 5 call-backs on`.
fn armed(callbacks: &Callbacks, now: Timestamp) -> Vec<Cell> {
    let (on, off) = (callbacks.armed.len() as u64, callbacks.missing.len() as u64);
    if off > 0 {
        return vec![Cell::new(
            format!("{on} of {} on", format::counted(on + off, "call-back", "call-backs")),
            Role::Warn,
        )];
    }
    let role = if callbacks.trouble.is_some() { Role::Warn } else { Role::Text };
    let Some(at) = callbacks.looked else { return vec![Cell::new("call-backs not looked at yet", role)] };
    let seen = format!(" seen {} ago", format::age_at(at, now));
    vec![Cell::new(format::counted(on, "call-back", "call-backs"), role), Cell::muted(seen)]
}

/// All of it, for a shell.
#[must_use]
pub fn lines(hearing: &Hearing, now: Timestamp, width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    match &hearing.callbacks {
        None => lines.push(vec![Cell::muted("Lockstep made no call-backs for this workspace.")]),
        Some(callbacks) => {
            lines.extend(hanging(vec![Cell::muted("lead to    "), Cell::plain(&callbacks.address)], width));
            for former in &callbacks.former {
                lines.extend(hanging(vec![Cell::muted("led to     "), Cell::plain(former)], width));
            }
            let looked = callbacks.looked.map_or_else(
                || "never".to_owned(),
                |at| format!("{} ({} ago)", format::moment(at), format::age_at(at, now)),
            );
            lines.push(vec![Cell::muted("looked     "), Cell::plain(looked)]);
            for (name, kinds, role) in
                [("on         ", &callbacks.armed, Role::Ok), ("missing    ", &callbacks.missing, Role::Warn)]
            {
                if !kinds.is_empty() {
                    lines.extend(hanging(vec![Cell::muted(name), Cell::new(kinds.join(", "), role)], width));
                }
            }
            if let Some(trouble) = &callbacks.trouble {
                let told = format!("Since {}: {}", format::moment(trouble.since), trouble.what);
                lines.extend(wrapped(&told, width).into_iter().map(|line| vec![Cell::new(line, Role::Warn)]));
                lines.extend(wrapped(&trouble.remedy, width).into_iter().map(|line| vec![Cell::plain(line)]));
            }
        }
    }
    for system in System::BOTH {
        let told = hearing.last[system].map_or_else(
            || Cell::muted("nothing yet"),
            |at| Cell::plain(format!("{} ({} ago)", format::moment(at), format::age_at(at, now))),
        );
        lines.push(vec![
            Cell::muted("last told  "),
            Cell::new(format!("{:<12}", system.name()), Role::of(system)),
            told,
        ]);
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{BySystem, CallbackTrouble};
    use crate::view::cell::line_text;
    use crate::view::testing::NOW;

    fn hearing() -> Hearing {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let callbacks = Callbacks {
            address: "https://hooks.example.com/acme/connectwise".into(),
            armed: words(&["company", "contact"]),
            looked: Some(NOW - Duration::from_secs(720)),
            ..Callbacks::default()
        };
        let last = BySystem::new(None, Some(NOW - Duration::from_secs(180)));
        Hearing { callbacks: Some(callbacks), last }
    }

    #[test]
    fn a_line_tells_where_it_listens_and_when_the_last_hint_came() {
        let told = |hearing: &Hearing, listens| head(hearing, listens, NOW, 80).first().map(|line| line_text(line));
        assert_eq!(told(&Hearing::default(), None), None, "nobody who polls is told of hints");
        assert_eq!(
            told(&Hearing::default(), Some("127.0.0.1:8711")).as_deref(),
            Some(" hints listens on 127.0.0.1:8711   none yet")
        );
        assert_eq!(told(&hearing(), None).as_deref(), Some(" hints last 3 min ago   2 call-backs seen 12 min ago"));
    }

    #[test]
    fn before_the_first_look_nothing_is_said_of_how_many_there_are() {
        let new = Hearing { callbacks: Some(Callbacks::default()), ..Hearing::default() };
        let told: Vec<String> = head(&new, None, NOW, 80).iter().map(|line| line_text(line)).collect();
        assert_eq!(told, [" hints none yet   call-backs not looked at yet"]);
    }

    #[test]
    fn what_is_missing_is_told_with_the_next_step() {
        let mut hearing = hearing();
        let Some(callbacks) = &mut hearing.callbacks else { panic!("there are some") };
        callbacks.missing = vec!["ticket".to_owned()];
        callbacks.trouble = Some(CallbackTrouble { since: NOW, what: "Refused.".into(), remedy: "Ask.".into() });
        let told: Vec<String> = head(&hearing, None, NOW, 80).iter().map(|line| line_text(line)).collect();
        assert_eq!(told, [" hints last 3 min ago   2 of 3 call-backs on", " Refused. Ask."]);
        let all: Vec<String> = lines(&hearing, NOW, 80).iter().map(|line| line_text(line)).collect();
        for part in
            ["missing    ticket", "Since 2026-11-20 10:20: Refused.", "Ask.", "HubSpot     nothing yet", "(3 min ago)"]
        {
            assert!(all.iter().any(|line| line.contains(part)), "{part}: {all:#?}");
        }
    }
}
