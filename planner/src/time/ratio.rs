//! Ratios of integers: exact speeds, so that a plan is the same on every machine.

use crate::divisor::gcd;
use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// A nonnegative ratio of two integers in lowest terms: 15/4.
///
/// It is read from `15/4`, `3.75` or `16`, and written as the first or the last of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ratio {
    numerator: u64,
    denominator: u64,
}

impl Ratio {
    /// Zero.
    pub const ZERO: Ratio = Ratio { numerator: 0, denominator: 1 };
    /// One.
    pub const ONE: Ratio = Ratio { numerator: 1, denominator: 1 };

    /// A ratio; `None` if the denominator is zero.
    pub fn new(numerator: u64, denominator: u64) -> Option<Ratio> {
        let divisor = gcd(numerator, denominator).max(1);
        (denominator != 0).then(|| Ratio { numerator: numerator / divisor, denominator: denominator / divisor })
    }

    /// The numerator in lowest terms.
    pub fn numerator(self) -> u64 {
        self.numerator
    }

    /// The denominator in lowest terms; at least 1.
    pub fn denominator(self) -> u64 {
        self.denominator
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.numerator == 0
    }

    /// This times a count, rounded up; `None` if that is 2⁶⁴ or more.
    pub fn times(self, count: u64) -> Option<u64> {
        let product = u128::from(count) * u128::from(self.numerator);
        u64::try_from(product.div_ceil(u128::from(self.denominator))).ok()
    }

    /// A count divided by this, rounded up; `None` if that is 2⁶⁴ or more, or this is zero.
    pub fn goes_into(self, count: u64) -> Option<u64> {
        if self.is_zero() {
            return None;
        }
        let product = u128::from(count) * u128::from(self.denominator);
        u64::try_from(product.div_ceil(u128::from(self.numerator))).ok()
    }
}

impl Ord for Ratio {
    fn cmp(&self, other: &Ratio) -> Ordering {
        let product = |one: u64, other: u64| u128::from(one) * u128::from(other);
        product(self.numerator, other.denominator).cmp(&product(other.numerator, self.denominator))
    }
}

impl PartialOrd for Ratio {
    fn partial_cmp(&self, other: &Ratio) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            denominator => write!(f, "{}/{denominator}", self.numerator),
        }
    }
}

/// A word that is not a ratio: negative, not finite, with denominator zero, not a number at all, or with too many
/// digits.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a ratio such as 15/4, 3.75 or 16, not {0}")]
pub struct NotARatio(String);

impl FromStr for Ratio {
    type Err = NotARatio;

    fn from_str(word: &str) -> Result<Ratio, NotARatio> {
        let number = |digits: &str| match digits.bytes().all(|it| it.is_ascii_digit()) {
            true => digits.parse::<u64>().ok(),
            false => None,
        };
        let parsed = match (word.split_once('/'), word.split_once('.')) {
            (Some((numerator, denominator)), _) => number(numerator).zip(number(denominator)),
            (None, Some((whole, digits))) => {
                let scale = u32::try_from(digits.len()).ok().and_then(|it| 10_u64.checked_pow(it));
                let parts = number(whole).zip(number(digits)).zip(scale);
                parts.and_then(|((whole, part), scale)| Some((whole.checked_mul(scale)?.checked_add(part)?, scale)))
            }
            (None, None) => number(word).map(|it| (it, 1)),
        };
        parsed.and_then(|it| Ratio::new(it.0, it.1)).ok_or_else(|| NotARatio(word.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::Ratio;

    fn ratio(word: &str) -> Result<Ratio, String> {
        word.parse().map_err(|error: super::NotARatio| error.to_string())
    }

    #[test]
    fn several_words_for_one_ratio() {
        for word in ["15/4", "3.75", "30/8", "3.7500"] {
            assert_eq!(ratio(word).map(|it| it.to_string()), Ok("15/4".into()), "{word}");
        }
        assert_eq!(ratio("16.0").map(|it| it.to_string()), Ok("16".into()));
        assert_eq!(ratio("0/7"), Ok(Ratio::ZERO));
    }

    #[test]
    fn what_is_no_ratio_is_refused() {
        for word in ["", "NaN", "inf", "-1", "+1", "1e3", "1/0", "/", "1/", ".5", "5.", "1/2/3", "1.2/3"] {
            let message = format!("expected a ratio such as 15/4, 3.75 or 16, not {word}");
            assert_eq!(ratio(word), Err(message));
        }
        assert!(ratio("18446744073709551616").is_err() && ratio("0.00000000000000000001").is_err());
    }

    #[test]
    fn results_are_rounded_up() {
        let rate = Ratio::new(15, 4).unwrap();
        assert_eq!((rate.goes_into(15), rate.goes_into(16), rate.goes_into(0)), (Some(4), Some(5), Some(0)));
        assert_eq!((rate.times(4), rate.times(5), rate.times(u64::MAX)), (Some(15), Some(19), None));
        assert_eq!(Ratio::ZERO.goes_into(1), None);
    }
}
