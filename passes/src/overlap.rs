//! Whether transfers go on beside operators.

use cosma_ir::{OptionInfo, PassOptions};
use std::str::FromStr;

pub(crate) const OVERLAP: OptionInfo = OptionInfo {
    name: "overlap",
    description: "auto: transfers overlap with operators on a machine with a clock; none: no overlap",
    default: "auto",
};

/// Whether transfers go on beside operators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overlap {
    /// On machines with a clock.
    #[default]
    Auto,
    /// Nowhere: what stands in the program is done before what stands below it begins.
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

/// The name by which options know it.
pub fn overlap_name(overlap: Overlap) -> &'static str {
    match overlap {
        Overlap::Auto => "auto",
        Overlap::None => "none",
    }
}

pub(crate) fn parse_overlap(options: &PassOptions) -> Result<Overlap, String> {
    options.get(OVERLAP.name).parse().map_err(|error| format!("option {}: {error}", OVERLAP.name))
}
