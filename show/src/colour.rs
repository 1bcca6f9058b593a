//! One colour for each tensor, the same in every picture of a program.
//!
//! The hue is the tensor's own: successive ids are a golden angle apart, so that neighbours differ.
//! How strong it is says what the tensor is: what is moved more often than it must be is vivid,
//! what stays is pale, and weights are nearly grey. So what costs traffic is what one sees first.

use crate::{Block, Content, Exhibit, Picture};
use cosma_planner::{Origin, TensorId};

/// What kind of content a block has, as legends tell them apart.
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
            Origin::Op(_) => Kind::Activation,
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

/// What a block is filled with, `#rrggbb`.
pub(crate) fn fill(exhibit: &Exhibit, picture: &Picture, block: &Block) -> String {
    let Content::Tensor(tensor) = block.content else { return "#bdbdbd".into() };
    of_tensor(exhibit, tensor, picture.is_moved(block))
}

/// The colour of a tensor.
pub(crate) fn of_tensor(exhibit: &Exhibit, tensor: TensorId, is_moved: bool) -> String {
    let (saturation, lightness) = match (Kind::of_tensor(exhibit, tensor), is_moved) {
        (Kind::Weight, false) => (0.12, 0.82),
        (Kind::Weight, true) => (0.45, 0.62),
        (_, false) => (0.55, 0.84),
        (_, true) => (0.80, 0.58),
    };
    hex(hue(tensor), saturation, lightness)
}

/// A colour in which lines and letters are seen on white.
pub(crate) fn line(tensor: TensorId) -> String {
    hex(hue(tensor), 0.85, 0.36)
}

/// In degrees: the next tensor's is a golden angle away.
fn hue(tensor: TensorId) -> f64 {
    f64::from(tensor.0) * 137.507_764 % 360.0
}

/// From hue (degrees), saturation and lightness.
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
