//! Sizes with units.

use crate::Bytes;
use std::str::FromStr;

/// A size with an optional binary unit: `524288`, `512KiB`, `1.5MiB`.
///
/// The units are `B`, `KiB`, `MiB`, `GiB` and `TiB`. Decimal units are refused, since `KB` is ambiguous: it may mean
/// 1000 or 1024 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub Bytes);

/// The reason why a text is not a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SizeError {
    /// Neither a number nor a number with a unit.
    #[error("'{0}' is not a size: write a number of bytes, or one with a unit, as in 524288, 512KiB or 1.5MiB")]
    NotASize(String),
    /// An unknown or ambiguous unit.
    #[error("'{0}' has the unknown unit '{1}': the units are B, KiB, MiB, GiB and TiB{meant}", meant = meant(.0, .1))]
    Unit(String, String),
    /// Zero.
    #[error("'{0}' is zero: a size must be at least 1 B")]
    Zero(String),
    /// Not an integer number of bytes, such as `0.3KiB`; with the number rounded down.
    #[error("'{0}' is not a whole number of bytes")]
    Fraction(String, Bytes),
    /// Too large for MLIR attributes.
    #[error("'{0}' is too large: a size must be less than 2^63 B")]
    TooLarge(String),
}

/// A suggestion for a unit without its `i`.
fn meant(text: &str, unit: &str) -> String {
    let letters = unit.to_ascii_uppercase();
    let prefix = letters.chars().next().unwrap_or_default();
    let rest = letters.get(1..).unwrap_or_default();
    if !"KMGT".contains(prefix) || !["", "B", "I", "IB"].contains(&rest) {
        return String::new();
    }
    format!("; did you mean {}{prefix}iB?", text.trim_end_matches(unit).trim_end())
}

impl FromStr for Size {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<Size, SizeError> {
        let digits_end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let is_number = !whole.is_empty() && (number.len() == whole.len() || !fraction.is_empty());
        if !is_number || fraction.contains('.') {
            return Err(SizeError::NotASize(text.into()));
        }
        let shift = match unit.trim_start_matches(' ') {
            "" | "B" => 0,
            "KiB" => 10,
            "MiB" => 20,
            "GiB" => 30,
            "TiB" => 40,
            other => return Err(SizeError::Unit(text.into(), other.into())),
        };
        let too_large = || SizeError::TooLarge(text.into());
        let fraction = fraction.trim_end_matches('0');
        // A multiple of 2⁻ⁿ has at most n decimals; more decimals never belong to an integer, and are too small to
        // matter.
        let (fraction, is_cut) = match fraction.get(..shift) {
            Some(counted) if counted.len() < fraction.len() => (counted, true),
            _ => (fraction, false),
        };
        let digits = format!("{whole}{fraction}");
        let digits = match digits.trim_start_matches('0') {
            "" if is_cut => return Err(SizeError::Fraction(text.into(), Bytes::ZERO)),
            "" => return Err(SizeError::Zero(text.into())),
            digits => digits.parse::<u128>().map_err(|_| too_large())?,
        };
        let scaled = digits.checked_mul(1 << shift).ok_or_else(too_large)?;
        let scale = 10_u128.checked_pow(fraction.len() as u32).ok_or_else(too_large)?;
        let bytes = i64::try_from(scaled / scale).map_err(|_| too_large())?;
        let bytes = Bytes(bytes.unsigned_abs());
        if is_cut || !scaled.is_multiple_of(scale) {
            return Err(SizeError::Fraction(text.into(), bytes));
        }
        Ok(Size(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: u64) {
        assert_eq!(text.parse(), Ok(Size(Bytes(expected))), "{text}");
    }

    #[track_caller]
    fn refuse(text: &str, expected: &str) {
        assert_eq!(text.parse::<Size>().unwrap_err().to_string(), expected);
    }

    #[test]
    fn bytes_and_binary_units() {
        check("524288", 524288);
        check("64B", 64);
        check("512KiB", 524288);
        check("512 KiB", 524288);
        check("1.5MiB", 1572864);
        check("0.5KiB", 512);
        check("1.50GiB", 3 << 29);
        check("0007", 7);
        check("3.0", 3);
        check("9223372036854775807", u64::MAX >> 1);
        // 2⁻¹⁰ KiB.
        check("0.0009765625KiB", 1);
    }

    #[test]
    fn what_is_no_size_says_why() {
        for text in ["", "KiB", "-1", "+1", " 1", "1.", ".5KiB", "1..5KiB", "1.2.3", "0x10", "1e3", "ten", "1_000"] {
            let message = text.parse::<Size>().unwrap_err().to_string();
            assert!(message.contains(&format!("'{text}'")), "{message}");
        }
        refuse("12XiB", "'12XiB' has the unknown unit 'XiB': the units are B, KiB, MiB, GiB and TiB");
        refuse("12KB", "'12KB' has the unknown unit 'KB': the units are B, KiB, MiB, GiB and TiB; did you mean 12KiB?");
        refuse(
            "1.5 m",
            "'1.5 m' has the unknown unit 'm': the units are B, KiB, MiB, GiB and TiB; did you mean 1.5MiB?",
        );
        refuse("0", "'0' is zero: a size must be at least 1 B");
        refuse("0.0MiB", "'0.0MiB' is zero: a size must be at least 1 B");
        refuse("0.3KiB", "'0.3KiB' is not a whole number of bytes");
        refuse("0.5", "'0.5' is not a whole number of bytes");
        let rounded = |text: &str, bytes| {
            assert_eq!(text.parse::<Size>(), Err(SizeError::Fraction(text.into(), Bytes(bytes))));
        };
        rounded("1.1MiB", 1153433);
        rounded("0.99", 0);
        rounded("1.00000000001KiB", 1024);
        refuse("9223372036854775808", "'9223372036854775808' is too large: a size must be less than 2^63 B");
        let absurd = "9".repeat(60);
        refuse(&absurd, &format!("'{absurd}' is too large: a size must be less than 2^63 B"));
        refuse("8388608TiB", "'8388608TiB' is too large: a size must be less than 2^63 B");
        let long = format!("0.{}1KiB", "0".repeat(80));
        refuse(&long, &format!("'{long}' is not a whole number of bytes"));
    }
}
