//! Formatting of sizes, counts and names.

use cosma_planner::Bytes;

/// Formats a size with the largest unit that it reaches and at most three digits: `1.5 MiB`, `640 B`.
pub fn bytes_text(bytes: Bytes) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes.0 as f64;
    let mut unit = 0;
    while 1023.5 <= value && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 {
        return format!("{} B", bytes.0);
    }
    let digits = if value < 9.995 {
        2
    } else if value < 99.95 {
        1
    } else {
        0
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {}", units[unit])
}

/// Formats a number of bytes in groups of three digits: `1,234,567`.
pub(crate) fn exactly(bytes: Bytes) -> String {
    counted_off(bytes.0)
}

/// Formats a number in groups of three digits: `1,234,567`.
pub(crate) fn counted_off(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Formats a size rounded and, from 1 KiB on, exactly: `1.5 KiB (1,537 B)`.
pub(crate) fn both_ways(bytes: Bytes) -> String {
    if bytes.0 < 1024 { bytes_text(bytes) } else { format!("{} ({} B)", bytes_text(bytes), exactly(bytes)) }
}

/// `1 spill`, `2 spills`.
pub(crate) fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The unit for an axis from 0 to `most`, and the bytes in one.
pub(crate) fn unit_of(most: Bytes) -> (&'static str, u64) {
    match most.0 {
        0..4096 => ("B", 1),
        4096..16_777_216 => ("KiB", 1 << 10),
        16_777_216..17_179_869_184 => ("MiB", 1 << 20),
        _ => ("GiB", 1 << 30),
    }
}

/// Multiples, from zero to `most`, of the smallest round number that gives at most about `at_most`
/// intervals. Round numbers are 1, 2 or 5 times a power of ten, or powers of two if `is_binary`.
pub(crate) fn ticks(most: u64, at_most: u64, is_binary: bool) -> Vec<u64> {
    let at_most = at_most.max(1);
    let mut step = 1_u64;
    if is_binary {
        while at_most < most / step {
            step *= 2;
        }
    } else {
        let mut decade = 1_u64;
        'found: loop {
            for factor in [1, 2, 5] {
                step = decade.saturating_mul(factor);
                if most / step <= at_most || step == u64::MAX {
                    break 'found;
                }
            }
            decade = decade.saturating_mul(10);
        }
    }
    (0..=most / step).map(|it| it * step).collect()
}

/// Shortens a text to at most `room` characters, keeping its start and end around `…`. Returns `None` if
/// it does not fit and `room` is less than `least` or 5.
pub(crate) fn shortened(text: &str, room: usize, least: usize) -> Option<String> {
    let n = text.chars().count();
    if n <= room {
        return Some(text.to_owned());
    }
    if room < least.max(5) {
        return None;
    }
    // The end of a name tells more: `features.denseblock3.conv1`, `Conv_123`.
    let tail = ((room - 1) * 3 / 4).max(3);
    let head = room - 1 - tail;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(n - tail).collect();
    Some(format!("{start}…{end}"))
}

/// Makes a name safe for all output formats: at most 200 characters, none of them control characters.
pub(crate) fn plain(name: &str) -> String {
    name.chars().take(200).map(printable).collect()
}

/// Makes a text of any length safe for all output formats: there are no control characters but ends of lines.
pub(crate) fn plain_lines(text: &str) -> String {
    text.chars().map(|it| if it == '\n' { it } else { printable(it) }).collect()
}

fn printable(letter: char) -> char {
    if letter.is_control() || letter == '\u{fffe}' || letter == '\u{ffff}' { '\u{fffd}' } else { letter }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_three_digits() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1 KiB"),
            (1536, "1.5 KiB"),
            (2_485_248, "2.37 MiB"),
            (1_048_575, "1 MiB"),
            (102_400, "100 KiB"),
            (u64::MAX, "16 EiB"),
        ] {
            assert_eq!(bytes_text(Bytes(bytes)), text);
        }
        assert_eq!(exactly(Bytes(1_234_567)), "1,234,567");
        assert_eq!(exactly(Bytes(12)), "12");
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(ticks(10, 5, false), [0, 2, 4, 6, 8, 10]);
        assert_eq!(ticks(546, 12, false), (0..=10).map(|it| it * 50).collect::<Vec<_>>());
        assert_eq!(ticks(2427, 8, true), [0, 512, 1024, 1536, 2048]);
        assert_eq!(ticks(0, 5, false), [0]);
        assert!(ticks(u64::MAX, 10, false).len() <= 11);
        assert!(ticks(u64::MAX, 10, true).len() <= 11);
    }

    #[test]
    fn names_keep_their_ends() {
        assert_eq!(shortened("conv", 4, 5), Some("conv".into()));
        assert_eq!(shortened("features.conv1", 9, 5), Some("fe….conv1".into()));
        assert_eq!(shortened("features.conv1", 6, 7), None);
    }
}
