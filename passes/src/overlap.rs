//! Whether transfers overlap with operators.

use cosma_ir::{OptionInfo, PassOptions};
use std::str::FromStr;

pub(crate) const OVERLAP: OptionInfo = OptionInfo {
    name: "overlap",
    description: "auto: transfers overlap with operators on a machine with a clock; none: no overlap",
    default: "auto",
};

/// Whether transfers overlap with operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// On machines with a clock.
    #[default]
    Auto,
    /// Never: each operation of the program is complete before the next one begins.
    None,
}

impl FromStr for Overlap {
    type Err = String;

    fn from_str(text: &str) -> Result<Overlap, String> {
        match text {
            "auto" => Ok(Overlap::Auto),
            "none" => Ok(Overlap::None),
            _ => Err(format!("overlap is auto or none, not '{text}'")),
        }
    }
}

/// Its name in options.
pub fn overlap_name(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Auto => "auto",
        Overlap::None => "none",
    }
}

pub(crate) fn parse_overlap(options: &PassOptions) -> Result<Overlap, String> {
    options.get(OVERLAP.name).parse().map_err(|error| format!("option {}: {error}", OVERLAP.name))
}
