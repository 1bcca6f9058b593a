//! The scratchpad sizes of a sweep.

use cosma::Bytes;
use cosma_commands::size::size;
use std::fmt;
use std::str::FromStr;

/// A size, in bytes or relative to the network's needs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Anchor {
    /// The minimum scratchpad of the network.
    Min,
    /// A size with only compulsory traffic.
    Peak,
    /// A multiple of the minimum, rounded down to bytes.
    Times(f64),
    /// A number of bytes.
    Size(Bytes),
}

/// One size or a range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sizes {
    /// One size.
    One(Anchor),
    /// A range, both ends included.
    Range(Anchor, Anchor),
}

/// The spacing of sizes in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Spacing {
    /// Equal factors.
    Geometric,
    /// Equal differences.
    Linear,
}

/// The needs of the network.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The minimum scratchpad.
    pub min: Bytes,
    /// A size with only compulsory traffic.
    pub peak: Bytes,
    /// Sizes inside a range are rounded up to multiples of it.
    pub alignment: Bytes,
}

impl Sizes {
    /// Whether it depends on [`Needs::peak`].
    pub fn needs_peak(self) -> bool {
        match self {
            Sizes::One(anchor) => anchor == Anchor::Peak,
            Sizes::Range(from, to) => from == Anchor::Peak || to == Anchor::Peak,
        }
    }
}

/// All requested sizes, ascending, without duplicates. A range that ends at a peak below its start is only
/// its start.
///
/// # Errors
/// A message about any other range that ends below its start.
pub fn sizes(asked: &[Sizes], n_steps: u32, spacing: Spacing, needs: &Needs) -> Result<Vec<Bytes>, String> {
    let mut sizes = Vec::new();
    for &asked in asked {
        match asked {
            Sizes::One(anchor) => sizes.push(anchor.bytes(needs)),
            Sizes::Range(from, to) => {
                let (start, end) = (from.bytes(needs), to.bytes(needs));
                if end < start && !asked.needs_peak() {
                    return Err(format!("the scratchpads {from}..{to} are in descending order: {start} B to {end} B"));
                }
                sizes.extend(steps(start, end.max(start), n_steps, spacing, needs.alignment));
            }
        }
    }
    sizes.sort();
    sizes.dedup();
    Ok(sizes)
}

fn steps(start: Bytes, end: Bytes, n_steps: u32, spacing: Spacing, alignment: Bytes) -> impl Iterator<Item = Bytes> {
    let (low, high) = (start.0 as f64, end.0 as f64);
    (0..n_steps).map(move |step| {
        let part = f64::from(step) / f64::from(n_steps - 1);
        let size = match spacing {
            _ if step == 0 => return start,
            _ if step == n_steps - 1 => return end,
            Spacing::Geometric => low * (high / low).powf(part),
            Spacing::Linear => low + (high - low) * part,
        };
        let alignment = alignment.0.max(1);
        let rounded = (size as u64).checked_next_multiple_of(alignment).unwrap_or(u64::MAX);
        Bytes(rounded).clamp(start, end)
    })
}

impl Anchor {
    fn bytes(self, needs: &Needs) -> Bytes {
        match self {
            Anchor::Min => needs.min,
            Anchor::Peak => needs.peak,
            Anchor::Times(factor) => Bytes((needs.min.0 as f64 * factor) as u64),
            Anchor::Size(bytes) => bytes,
        }
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anchor::Min => write!(f, "min"),
            Anchor::Peak => write!(f, "peak"),
            Anchor::Times(factor) => write!(f, "{factor}x"),
            Anchor::Size(bytes) => write!(f, "{bytes}"),
        }
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Sizes::One(anchor) => write!(f, "{anchor}"),
            Sizes::Range(from, to) => write!(f, "{from}..{to}"),
        }
    }
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Sizes, String> {
        match text.split_once("..") {
            Some((from, to)) => Ok(Sizes::Range(from.parse()?, to.parse()?)),
            None => Ok(Sizes::One(text.parse()?)),
        }
    }
}

impl FromStr for Anchor {
    type Err = String;

    fn from_str(text: &str) -> Result<Anchor, String> {
        match (text, text.strip_suffix('x')) {
            ("min", _) => Ok(Anchor::Min),
            ("peak", _) => Ok(Anchor::Peak),
            (_, Some(factor)) => match factor.parse::<f64>() {
                Ok(factor) if 0.0 < factor && factor <= 1e6 => Ok(Anchor::Times(factor)),
                _ => Err(format!("'{text}' is not a multiple of the minimum scratchpad such as 1.5x")),
            },
            _ => match size(text) {
                Ok(size) => Ok(Anchor::Size(size.0)),
                Err(error) => Err(format!("{error}; or a multiple of the minimum such as 1.5x, or min, or peak")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEEDS: Needs = Needs { min: Bytes(1000), peak: Bytes(4096), alignment: Bytes(64) };

    #[track_caller]
    fn check(text: &str, expected: &[u64]) {
        let asked: Vec<Sizes> = text.split(',').map(|it| it.parse().expect("it is well-formed")).collect();
        let found = sizes(&asked, 5, Spacing::Geometric, &NEEDS).expect("it runs forwards");
        assert_eq!(found, expected.iter().map(|it| Bytes(*it)).collect::<Vec<_>>());
        assert_eq!(
            asked.iter().map(ToString::to_string).collect::<Vec<_>>().join(",").parse::<Sizes>().is_ok(),
            asked.len() == 1
        );
    }

    #[test]
    fn one_by_one() {
        check("1.5x", &[1500]);
        check("4KiB,min,0.5x,1x", &[500, 1000, 4096]);
    }

    #[test]
    fn ranges_have_both_ends_and_multiples_of_the_alignment_between() {
        check("min..peak", &[1000, 1472, 2048, 2880, 4096]);
        check("2x..2x", &[2000]);
        // There is less room than for five sizes.
        check("64..128", &[64, 128]);
        // A peak below: a network that never needs more than its least scratchpad.
        check("8KiB..peak", &[8192]);
        let linear = sizes(&[Sizes::Range(Anchor::Min, Anchor::Size(Bytes(2024)))], 3, Spacing::Linear, &NEEDS);
        assert_eq!(linear, Ok(vec![Bytes(1000), Bytes(1536), Bytes(2024)]));
    }

    #[test]
    fn what_is_none_says_why() {
        let refuse = |text: &str, expected: &str| {
            let message = text.parse::<Sizes>().unwrap_err();
            assert!(message.contains(expected), "{message}");
        };
        refuse("-1x", "'-1x' is not a multiple of the minimum scratchpad");
        refuse("infx", "'infx' is not a multiple of the minimum scratchpad");
        refuse("1KB", "'1KB' has the unknown unit 'KB'");
        refuse("1KiB..", "'' is not a size");
        refuse("1..2..3", "'2..3' is not a size");
        let backwards = [Sizes::Range(Anchor::Times(2.0), Anchor::Size(Bytes(64)))];
        let message = sizes(&backwards, 5, Spacing::Geometric, &NEEDS).unwrap_err();
        assert_eq!(message, "the scratchpads 2x..64 are in descending order: 2000 B to 64 B");
    }
}
