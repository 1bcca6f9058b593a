//! Diagnostics with the line of the source that they are about.

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use cosma::{Message, Severity};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints diagnostics to standard error, with the line of the source and a caret below its column, as MLIR's tools do,
/// once for each place; in colour where standard error is a terminal that has some, unless `NO_COLOR` is set. `source` is the text
/// of the file `name`.
pub fn print_all<'a>(messages: impl IntoIterator<Item = &'a Message>, name: &str, source: &[u8]) {
    let mut text = String::new();
    let mut last = None;
    for message in messages {
        let place = (&message.file, message.line, message.column);
        show(message, name, if last == Some(place) { b"" } else { source }, &mut text);
        last = Some(place);
    }
    // It may be closed.
    let _ = AutoStream::auto(io::stderr()).write_all(text.as_bytes());
}

fn show(message: &Message, name: &str, source: &[u8], text: &mut String) {
    let Message { severity, file, line, column, message: what, notes } = message;
    let bold = Style::new().bold();
    let colour = bold.fg_color(Some(colour(*severity).into()));
    let _ = writeln!(text, "{bold}{file}:{line}:{column}: {colour}{severity}:{colour:#}{bold} {what}{bold:#}");
    if file == name
        && let Some(source) = line_of(source, *line)
    {
        let green = Style::new().bold().fg_color(Some(AnsiColor::Green.into()));
        let indent = indent(source, *column);
        if indent.chars().count() < LONGEST_LINE {
            let end = source.char_indices().nth(LONGEST_LINE);
            let shown = end.map_or(source.to_owned(), |(end, _)| format!("{}…", &source[..end]));
            let _ = writeln!(text, "{shown}\n{indent}{green}^{green:#}");
        }
    }
    for note in notes {
        let is_elsewhere = (&note.file, note.line, note.column) != (file, *line, *column);
        show(note, name, if is_elsewhere { source } else { b"" }, text);
    }
}

fn colour(severity: Severity) -> AnsiColor {
    match severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Magenta,
        Severity::Remark => AnsiColor::Blue,
        Severity::Note => AnsiColor::Cyan,
    }
}

/// The line of this number, from 1, if the source has it and is text.
fn line_of(source: &[u8], number: usize) -> Option<&str> {
    let line = source.split(|it| *it == b'\n').nth(number.checked_sub(1)?)?;
    let line = str::from_utf8(line).ok()?.trim_end_matches('\r');
    // Bytecode has no lines.
    let is_text = !line.chars().any(|it| it.is_control() && it != '\t');
    is_text.then_some(line).filter(|it| !it.trim().is_empty())
}

/// In characters: what follows is types, attributes or weights.
const LONGEST_LINE: usize = 120;

/// White space as wide as the line up to a column, which counts bytes from 1: tabs stay tabs.
fn indent(line: &str, column: usize) -> String {
    let before = line.char_indices().take_while(|(at, _)| at + 1 < column);
    before.map(|(_, it)| if it == '\t' { '\t' } else { ' ' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str, line: usize, column: usize) -> String {
        let severity = Severity::Error;
        let message =
            Message { severity, file: "a.mlir".into(), line, column, message: "no".into(), notes: Vec::new() };
        let mut text = String::new();
        show(&message, "a.mlir", source.as_bytes(), &mut text);
        anstream::adapter::strip_str(&text).to_string()
    }

    #[test]
    fn the_caret_is_below_its_column() {
        assert_eq!(shown("one\n  two\n", 2, 3), "a.mlir:2:3: error: no\n  two\n  ^\n");
        assert_eq!(shown("\tü two", 1, 5), "a.mlir:1:5: error: no\n\tü two\n\t  ^\n");
    }

    #[test]
    fn without_a_line_there_is_none() {
        for (line, column) in [(0, 0), (2, 1), (9, 1)] {
            assert_eq!(shown("one\n", line, column), format!("a.mlir:{line}:{column}: error: no\n"));
        }
        assert_eq!(shown("ML\u{1}R", 1, 1), "a.mlir:1:1: error: no\n");
    }
}
