//! Secrets from stdin or a prompt: read once, never echoed, never from arguments.

use std::io::{self, BufRead, IsTerminal};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::output::say;
use crate::error::{Outcome, Report};

/// More than any token or key has, and little enough to hold.
const MAX_SECRET: usize = 16 * 1024;

/// A token or key: one line without white space around it.
///
/// `from_stdin` says that the person asked for stdin; otherwise it is prompted for on a terminal.
///
/// # Errors
/// A usage report when nothing, or nothing usable, came.
pub fn token(what: &str, flag: &str, from_stdin: bool) -> Outcome<SecretString> {
    check_token(what, &read(what, flag, from_stdin)?, io::stdin().is_terminal())
}

/// One line that a person pastes, without white space around it; from a terminal it is not echoed.
///
/// # Errors
/// A usage report when nothing, or nothing usable, came.
pub fn pasted(what: &str) -> Outcome<SecretString> {
    check_token(what, &read(what, "", true)?, io::stdin().is_terminal())
}

/// Asks yes or no on a terminal; anything but a yes is a no.
///
/// # Errors
/// A usage report that names `flag` where nobody can be asked.
pub fn agrees(question: &str, flag: &str) -> Outcome<bool> {
    if !io::stdin().is_terminal() {
        return Err(Report::usage("nobody can be asked here, because stdin is no terminal")
            .hint(format!("give {flag} to do it without being asked")));
    }
    say(&format!("{question} [y/N]"));
    Ok(matches!(line_of(&mut io::stdin().lock(), "answer")?.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// A passphrase: one line, white space inside and around it included. A new one is asked for twice on a terminal.
///
/// # Errors
/// A usage report when it is empty or the two differ.
pub fn passphrase(new: bool) -> Outcome<SecretString> {
    const WHAT: &str = "passphrase";
    let first = read(WHAT, "--passphrase-stdin", true)?;
    if first.is_empty() {
        return Err(Report::usage("the passphrase is empty").hint("give at least one character"));
    }
    if new && io::stdin().is_terminal() && *prompt("passphrase again")? != *first {
        return Err(Report::usage("the two passphrases differ").hint("try again"));
    }
    Ok(SecretString::from(first.as_str().to_owned()))
}

fn read(what: &str, flag: &str, from_stdin: bool) -> Outcome<Zeroizing<String>> {
    if io::stdin().is_terminal() {
        return prompt(what);
    }
    if !from_stdin {
        return Err(Report::usage(format!("the {what} is missing"))
            .hint(format!("give it as one line on stdin, with {flag}; it is never taken from an argument")));
    }
    line_of(&mut io::stdin().lock(), what)
}

fn prompt(what: &str) -> Outcome<Zeroizing<String>> {
    rpassword::prompt_password(format!("{what}: "))
        .map(Zeroizing::new)
        .map_err(|error| Report::failed(format!("the {what} cannot be read from the terminal")).because(error))
}

/// One line, without its end. The reader keeps what follows: a second secret may come after the first.
fn line_of(reader: &mut impl BufRead, what: &str) -> Outcome<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET));
    io::Read::take(reader, MAX_SECRET as u64)
        .read_until(b'\n', &mut bytes)
        .map_err(|error| Report::failed(format!("the {what} cannot be read from stdin")).because(error))?;
    if bytes.len() == MAX_SECRET {
        return Err(Report::usage(format!("the {what} is longer than {MAX_SECRET} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Report::usage(format!("the {what} is not UTF-8 text")))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// A token goes into a header: no control characters, no white space, not empty. The text itself is never shown.
fn check_token(what: &str, text: &str, typed: bool) -> Outcome<SecretString> {
    let text = text.trim();
    if text.is_empty() {
        let hint = if typed {
            "paste it at the prompt and press Enter; nothing is shown while you do"
        } else {
            "the first line of stdin must hold it"
        };
        return Err(Report::usage(format!("the {what} is empty")).hint(hint));
    }
    if !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Report::usage(format!("the {what} holds characters that no {what} has"))
            .hint("copy it again, without line breaks, blanks or quotes of another alphabet"));
    }
    Ok(SecretString::from(text.to_owned()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests of what must be there")]

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_loses_the_white_space_around_it() {
        assert_eq!(check_token("token", "  pat-na1-x \r\n", false).unwrap().expose_secret(), "pat-na1-x");
    }

    #[test]
    fn a_token_that_could_break_a_header_is_refused_and_not_shown() {
        for text in ["", "   ", "a b", "a\u{7}b", "tökén"] {
            let report = check_token("token", text, false).unwrap_err();
            assert_eq!(report.kind, crate::error::Kind::Usage);
            assert!(text.trim().is_empty() || !report.to_string().contains(text), "{report}");
        }
    }

    #[test]
    fn an_empty_secret_is_asked_for_where_it_was_missed() {
        let hint = |typed| check_token("token", " \n", typed).unwrap_err().hint.unwrap();
        assert!(hint(true).contains("at the prompt") && hint(false).contains("stdin"));
    }

    #[test]
    fn two_secrets_are_two_lines_in_order() {
        let mut stdin = io::Cursor::new(b"correct horse \r\ntoken\nrest");
        assert_eq!(*line_of(&mut stdin, "passphrase").unwrap(), "correct horse ");
        assert_eq!(*line_of(&mut stdin, "token").unwrap(), "token");
    }

    #[test]
    fn an_endless_line_is_refused() {
        let long = vec![b'x'; MAX_SECRET * 2];
        assert!(line_of(&mut io::Cursor::new(long), "token").is_err());
    }
}
