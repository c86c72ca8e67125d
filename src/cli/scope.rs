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
    // A variable that is set to nothing is not set, as elsewhere in a shell.
    let mut root = Cli::command().mut_args(|arg| match arg.get_env() {
        Some(name) if std::env::var_os(name).is_some_and(|value| value.is_empty()) => arg.env(None::<&'static str>),
        _ => arg,
    });
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
    if let Some(sub) = sub
        && is_given("listen")
    {
        return Err(Report::usage(format!("`--listen` means nothing to `lockstep {sub}` where it stands"))
            .because("before a command it is for the console")
            .hint("write it after `sync --watch`, or leave the command out"));
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

    /// The help of every command, by its name.
    fn helps(width: usize) -> Vec<(String, Command)> {
        fn collect(command: &Command, into: &mut Vec<(String, Command)>) {
            into.push((command.get_bin_name().unwrap_or("lockstep").to_owned(), command.clone()));
            command.get_subcommands().filter(|sub| sub.get_name() != "help").for_each(|sub| collect(sub, into));
        }
        let (mut root, mut found) = (command(), Vec::new());
        root.build();
        collect(&root, &mut found);
        found.into_iter().map(|(name, command)| (name, command.term_width(width))).collect()
    }

    #[test]
    fn every_help_fits_80_columns_with_its_examples_whole() {
        let helps = helps(80);
        assert!(helps.len() > 15, "{}", helps.len());
        for (name, mut command) in helps {
            let help = command.render_help().to_string();
            assert!(!help.contains("see more"), "{name}: -h and --help say the same");
            let too_long = help.lines().find(|line| line.chars().count() > 80);
            assert_eq!(too_long, None, "{name}");
            let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&examples), "{name}: the examples are broken:\n{help}");
        }
    }

    #[test]
    fn the_help_of_a_command_shows_its_own_options_first_and_none_that_it_refuses() {
        for (name, mut command) in helps(80).into_iter().skip(1) {
            let help = command.render_help().to_string();
            let common = help.find("Common options:").unwrap_or_else(|| panic!("{name}: {help}"));
            assert!(help.find("\nOptions:").is_some_and(|own| own < common), "{name}: {help}");
            let has_console = name == "lockstep demo";
            assert_eq!(help.contains("--read-only"), has_console, "{name}");
            assert_eq!(
                help.contains("--workspace"),
                !["lockstep demo", "lockstep sim", "lockstep init"].contains(&&*name)
            );
        }
    }

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
    fn the_console_listens_and_a_command_before_which_it_is_asked_to_does_not() {
        assert_eq!(refused("lockstep --listen 127.0.0.1:8711", true), None);
        assert_eq!(refused("lockstep sync --watch --listen 127.0.0.1:8711", false), None);
        let told = refused("lockstep --listen 127.0.0.1:8711 sync --watch", false).unwrap();
        assert!(told.what.contains("`lockstep sync`") && told.hint.unwrap().contains("after `sync --watch`"));
    }

    #[test]
    fn a_key_and_a_passphrase_do_not_go_together() {
        assert!(refused("lockstep --passphrase-stdin --key-file k plan", true).unwrap().what.contains("--key-file"));
    }
}
