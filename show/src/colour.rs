//! One colour for each tensor, the same in every picture of a program; pieces of one tensor have that of their family.
//!
//! Successive ids have hues a golden angle apart, so that neighbours differ. Saturation and lightness
//! depend on the cost: tensors with non-compulsory transfers are strong, others pale, and weights nearly
//! grey. So the eye finds non-compulsory traffic first.

use crate::{Block, Content, Exhibit, Picture};
use cosma_planner::{Origin, TensorId};

/// The kinds of content of a block that legends distinguish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Input,
    Weight,
    Activation,
    Workspace,
}

impl Kind {
    pub fn of(exhibit: &Exhibit, content: Content) -> Kind {
        match content {
            Content::Workspace(_) => Kind::Workspace,
            Content::Tensor(it) => Kind::of_tensor(exhibit, it),
        }
    }

    pub fn of_tensor(exhibit: &Exhibit, tensor: TensorId) -> Kind {
        match exhibit.problem.graph.tensor(tensor).origin {
            Origin::Argument => Kind::Input,
            Origin::Weight => Kind::Weight,
            Origin::Staged | Origin::Op(_) => Kind::Activation,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Kind::Input => "input",
            Kind::Weight => "weight",
            Kind::Activation => "activation",
            Kind::Workspace => "workspace",
        }
    }
}

/// The fill colour of a block, `#rrggbb`.
pub(crate) fn fill(exhibit: &Exhibit, picture: &Picture, block: &Block) -> String {
    let Content::Tensor(tensor) = block.content else { return "#bdbdbd".into() };
    of_tensor(exhibit, tensor, picture.is_moved(block))
}

/// The fill colour of a tensor, `#rrggbb`; `is_moved` if it has non-compulsory transfers.
pub(crate) fn of_tensor(exhibit: &Exhibit, tensor: TensorId, is_moved: bool) -> String {
    let (saturation, lightness) = match (Kind::of_tensor(exhibit, tensor), is_moved) {
        (Kind::Weight, false) => (0.12, 0.82),
        (Kind::Weight, true) => (0.45, 0.62),
        (_, false) => (0.55, 0.84),
        (_, true) => (0.80, 0.58),
    };
    hex(hue(exhibit, tensor), saturation, lightness)
}

/// The colour of a tensor's lines, `#rrggbb`, dark enough for a white background.
pub(crate) fn line(exhibit: &Exhibit, tensor: TensorId) -> String {
    hex(hue(exhibit, tensor), 0.85, 0.36)
}

/// The hue in degrees; those of successive tensors are a golden angle apart.
fn hue(exhibit: &Exhibit, tensor: TensorId) -> f64 {
    exhibit.tensor_family(tensor) as f64 * 137.507_764 % 360.0
}

/// Converts hue (degrees), saturation and lightness (0 to 1) to `#rrggbb`.
fn hex(hue: f64, saturation: f64, lightness: f64) -> String {
    let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
    let channel = |shift: f64| {
        let position = (shift + hue / 30.0) % 12.0;
        let value = lightness - chroma / 2.0 * (position - 3.0).min(9.0 - position).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    };
    format!("#{:02x}{:02x}{:02x}", channel(0.0), channel(8.0), channel(4.0))
}

#[cfg(test)]
mod tests {
    use super::hex;

    #[test]
    fn primary_colours() {
        assert_eq!(hex(0.0, 1.0, 0.5), "#ff0000");
        assert_eq!(hex(120.0, 1.0, 0.5), "#00ff00");
        assert_eq!(hex(240.0, 1.0, 0.5), "#0000ff");
        assert_eq!(hex(77.0, 0.0, 1.0), "#ffffff");
    }
}
