//! The command line of all tools: parsing, printing, manual pages and shell completions.
//!
//! `--generate` writes manual pages and completions from the same description as `--help`, so they are
//! complete and up to date.

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ErrorKind};
use clap::{Arg, Command, Parser, ValueEnum, value_parser};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::exit;

/// The headings in the text after the flags that become sections of the manual page. The rest becomes
/// notes.
const SECTIONS: [&str; 3] = ["Examples", "Exit status", "Environment"];

#[derive(Clone, Copy, ValueEnum)]
enum Generated {
    Man,
    Bash,
    Elvish,
    Fish,
    Powershell,
    Zsh,
}

/// Parses the command line. Exits on wrong flags and after `--help`, `--version` and `--generate`.
pub fn parse<Arguments: Parser>() -> Arguments {
    parse_from(std::env::args_os().collect())
}

/// Parses these words, the first of which is the name of the program. Exits in the same cases as [`parse`].
pub fn parse_from<Arguments: Parser>(words: Vec<OsString>) -> Arguments {
    let mut command = Arguments::command().arg(
        Arg::new("generate")
            .long("generate")
            .value_name("man|SHELL")
            .value_parser(value_parser!(Generated))
            .hide_possible_values(true)
            // Without the required arguments.
            .exclusive(true)
            .help(
                "Print the manual page, or completions for a shell (bash, elvish, fish, powershell or zsh), and do \
                 nothing else",
            ),
    );
    let mut matches = command.try_get_matches_from_mut(words).unwrap_or_else(|error| with_better_tip(error).exit());
    if let Some(&generated) = matches.get_one::<Generated>("generate") {
        exit(if print(&generate(command, generated)).is_ok() { 0 } else { 2 });
    }
    Arguments::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| error.format(&mut command).exit())
}

/// Removes the tip how to pass a value that begins with two dashes: no command takes one.
fn with_better_tip(mut error: clap::Error) -> clap::Error {
    if error.kind() == ErrorKind::UnknownArgument && error.get(ContextKind::SuggestedArg).is_none() {
        error.remove(ContextKind::Suggested);
    }
    error
}

/// Prints to standard output.
///
/// # Errors
/// If it cannot be written to. A closed pipe is not an error.
pub fn print(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Prints a line to standard error. Errors are ignored: it may be closed.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

fn generate(command: Command, generated: Generated) -> Vec<u8> {
    let shell = match generated {
        Generated::Man => return man(command),
        Generated::Bash => Shell::Bash,
        Generated::Elvish => Shell::Elvish,
        Generated::Fish => Shell::Fish,
        Generated::Powershell => Shell::PowerShell,
        Generated::Zsh => Shell::Zsh,
    };
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command.mut_args(with_alternatives), name, &mut text);
    text
}

/// Completes an argument whose value name lists alternatives, as `auto|search`, to these.
fn with_alternatives(argument: Arg) -> Arg {
    let name = argument.get_value_names().and_then(|it| it.first()).map(|it| it.trim_end_matches(",…").to_owned());
    let is_word = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_lowercase() || it == '-');
    match name {
        Some(name) if name.contains('|') && name.split('|').all(is_word) => {
            // Leaking is fine: the process ends once the completions are written.
            let words: Vec<&'static str> = name.leak().split('|').collect();
            // Only the generated completions use this parser.
            argument.value_parser(PossibleValuesParser::new(words))
        }
        _ => argument,
    }
}

fn man(command: Command) -> Vec<u8> {
    let after = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    let man = Man::new(command).manual("COSMA");
    let mut page = Vec::new();
    let parts = [Man::render_title, Man::render_name_section, Man::render_synopsis_section];
    let mut parts = parts.iter().chain(&[Man::render_description_section, Man::render_options_section]);
    let rendered = parts.try_for_each(|it| it(&man, &mut page));
    let rendered = rendered.and_then(|()| sections(&after).to_writer(&mut page));
    rendered.and_then(|()| man.render_version_section(&mut page)).expect("memory takes what is written");
    page
}

/// Formats the text after the flags verbatim: notes, then sections with their headings.
fn sections(text: &str) -> Roff {
    let mut notes: Vec<&str> = Vec::new();
    let mut named: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut is_named = false;
    for line in text.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|it| SECTIONS.contains(it)) {
            named.push((heading, Vec::new()));
            is_named = true;
            continue;
        }
        // A section ends at a line that is not indented.
        is_named &= line.is_empty() || line.starts_with(' ');
        match named.last_mut() {
            Some((_, lines)) if is_named => lines.push(line.strip_prefix("  ").unwrap_or(line)),
            _ => notes.push(line),
        }
    }
    let notes = notes.iter().any(|it| !it.is_empty()).then_some(("Notes", notes));
    let mut roff = Roff::new();
    for (heading, lines) in notes.into_iter().chain(named) {
        roff.control("SH", [heading.to_uppercase().as_str()]);
        roff.control("nf", []);
        let end = lines.iter().rposition(|it| !it.is_empty()).map_or(0, |it| it + 1);
        for line in &lines[..end] {
            roff.text([roman(*line)]);
        }
        roff.control("fi", []);
    }
    roff
}
