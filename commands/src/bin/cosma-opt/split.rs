//! Splitting a file into modules.

/// Splits a text at lines that begin with [`MARKER`], as `mlir-opt` does. Each part is preceded by as many
/// empty lines as precede it in the file, so that locations stay correct.
pub fn split(text: &[u8]) -> Vec<Vec<u8>> {
    let mut parts = vec![Vec::new()];
    for (index, line) in text.split_inclusive(|it| *it == b'\n').enumerate() {
        if line.starts_with(MARKER.as_bytes()) {
            parts.push(vec![b'\n'; index + 1]);
        } else {
            parts.last_mut().expect("there is always one").extend_from_slice(line);
        }
    }
    parts
}

/// The beginning of a line that separates two modules.
pub const MARKER: &str = "// -----";

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let parts = split(text.as_bytes());
        let parts: Vec<&str> = parts.iter().map(|it| str::from_utf8(it).expect("it was UTF-8")).collect();
        assert_eq!(parts, expected);
    }

    #[test]
    fn parts_keep_their_lines() {
        check("", &[""]);
        check("a\nb", &["a\nb"]);
        check("a\n// -----\nb\n", &["a\n", "\n\nb\n"]);
        check("a\n// -----\n// ----- again\nb", &["a\n", "\n\n", "\n\n\nb"]);
        check("a // -----\nb", &["a // -----\nb"]);
    }
}
