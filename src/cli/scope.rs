//! Which of the options that every command takes mean something to it; from the rest its help is free, and it refuses them.

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, CommandFactory};

use super::args::Cli;
use crate::error::{Outcome, Report};

/// Why an option means nothing to a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    /// It is for the console.
    Console,
    /// It says how a workspace is found or opened, and the command works on none.
    Workspace,
    /// It names a workspace that is there, and the command makes one.
    Name,
    /// It is for an answer, and the console gives none.
    Answer,
}

/// The command line, in which the help of each command shows only options that mean something to it.
#[must_use]
pub fn command() -> Command {
    let mut root = Cli::command();
    let options: Vec<_> = root.get_arguments().filter(|arg| arg.is_global_set()).cloned().collect();
    for sub in root.get_subcommands_mut() {
        let name = sub.get_name().to_owned();
        let hidden = options.iter().filter(|arg| foreign(arg.get_id().as_str(), Some(&name), true).is_some());
        *sub = hidden.fold(std::mem::take(sub), |sub, arg| sub.arg(arg.clone().hide(true)));
    }
    root
}

/// Refuses options that were given to a command to which they mean nothing: who gives them counts on what they do.
/// Those of the environment are for whichever command can use them.
///
/// # Errors
/// A usage report that says where the option belongs.
pub fn check(matches: &ArgMatches, has_console: bool) -> Outcome<()> {
    let is_given = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
    let sub = matches.subcommand_name();
    for arg in Cli::command().get_arguments().filter(|arg| arg.is_global_set() && is_given(arg.get_id().as_str())) {
        if let Some(why) = foreign(arg.get_id().as_str(), sub, has_console) {
            return Err(refusal(why, arg, &path(matches)));
        }
    }
    if is_given("key_file") && is_given("passphrase_stdin") {
        return Err(Report::usage("`--key-file` and `--passphrase-stdin` do not go together")
            .because("a workspace is opened by a key or by a passphrase")
            .hint("leave out the one that does not open it"));
    }
    Ok(())
}

/// Whether the option means nothing to the command; none is the console.
fn foreign(option: &str, command: Option<&str>, has_console: bool) -> Option<Foreign> {
    match (option, command) {
        ("theme" | "ascii" | "no_color" | "read_only", None) => None,
        ("theme" | "ascii" | "no_color" | "read_only", Some("demo")) if has_console => None,
        ("theme" | "ascii" | "no_color" | "read_only", _) => Some(Foreign::Console),
        ("workspace" | "key_file" | "passphrase_stdin", Some("demo" | "sim")) => Some(Foreign::Workspace),
        ("workspace", Some("init")) => Some(Foreign::Name),
        ("json", None) => Some(Foreign::Answer),
        _ => None,
    }
}

fn refusal(why: Foreign, arg: &clap::Arg, command: &str) -> Report {
    let option = format!("--{}", arg.get_long().unwrap_or_default());
    match why {
        Foreign::Console => Report::usage(format!("`{option}` is an option of the console"))
            .because(format!("`{command}` shows no console here, and would do the same without the option"))
            .hint(format!("leave it out, or open the console with it: `lockstep {}`", usage(arg, &option))),
        Foreign::Workspace => Report::usage(format!("`{option}` means nothing to `{command}`"))
            .because("it works on no workspace of yours")
            .hint("leave it out"),
        Foreign::Name => Report::usage(format!("`{option}` means nothing to `{command}`"))
            .because("it names a workspace that is there, and this command makes one")
            .hint("give the name of the new one alone: `lockstep init NAME`"),
        Foreign::Answer => Report::usage(format!("`{option}` means nothing to the console"))
            .because("it is for commands that answer; the console draws on the terminal")
            .hint("name a command, such as `lockstep --json plan`: `lockstep --help` lists them"),
    }
}

/// `--theme NAME`, or the option alone where it takes no value.
fn usage(arg: &clap::Arg, option: &str) -> String {
    let value = arg.get_action().takes_values().then(|| arg.get_value_names()?.first()).flatten();
    value.map_or_else(|| option.to_owned(), |value| format!("{option} {value}"))
}

/// `lockstep connect hubspot`.
fn path(matches: &ArgMatches) -> String {
    let mut words = vec!["lockstep"];
    let mut at = matches;
    while let Some((name, inner)) = at.subcommand() {
        words.push(name);
        at = inner;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test that cannot parse must stop")]

    use super::*;

    fn refused(line: &str, has_console: bool) -> Option<Report> {
        check(&command().try_get_matches_from(line.split(' ')).unwrap(), has_console).err()
    }

    #[test]
    fn the_options_of_the_console_are_for_the_console_and_the_demo_that_shows_it() {
        for option in ["--read-only", "--theme dark", "--ascii", "--no-color"] {
            for line in
                [format!("lockstep {option}"), format!("lockstep {option} demo"), format!("lockstep demo {option}")]
            {
                assert_eq!(refused(&line, true), None, "{line}");
            }
            let headless = refused(&format!("lockstep demo {option}"), false).unwrap();
            assert!(headless.hint.unwrap().contains("`lockstep --"), "{option}");
        }
        let theme = refused("lockstep connect hubspot --theme dark", true).unwrap();
        assert!(theme.cause.unwrap().contains("`lockstep connect hubspot` shows no console"));
        assert!(theme.hint.unwrap().contains("`lockstep --theme NAME`"));
    }

    #[test]
    fn every_command_that_answers_does_so_in_json() {
        for command in super::command().get_subcommands().map(clap::Command::get_name) {
            assert_eq!(foreign("json", Some(command), true), None, "{command}");
        }
        assert_eq!(foreign("json", None, true), Some(Foreign::Answer));
    }

    #[test]
    fn a_key_and_a_passphrase_do_not_go_together() {
        assert!(refused("lockstep --passphrase-stdin --key-file k plan", true).unwrap().what.contains("--key-file"));
    }
}
