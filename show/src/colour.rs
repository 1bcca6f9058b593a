//! One colour for each tensor, the same in every picture of a program; pieces of one tensor have the colour of their
//! family.
//!
//! Successive ids have hues a golden angle apart, so that neighbours differ. Chroma and lightness
//! depend on the cost: tensors with non-compulsory transfers are strong, others pale, and weights nearly
//! grey. So the eye finds non-compulsory traffic first. Colour is not the only sign: pictures also hatch those
//! tensors, and the lightness in OKLCH distinguishes them for readers who see few hues.

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

/// A colour for light and for dark paper, each `#rrggbb`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tone {
    pub light: String,
    pub dark: String,
}

impl Tone {
    /// Lightness and chroma on light and on dark paper, and a hue in degrees.
    fn new(light: (f64, f64), dark: (f64, f64), hue: f64) -> Tone {
        Tone { light: hex(light.0, light.1, hue), dark: hex(dark.0, dark.1, hue) }
    }
}

/// The fill colour of a block.
pub(crate) fn fill(exhibit: &Exhibit, picture: &Picture, block: &Block) -> Tone {
    match block.content {
        Content::Tensor(tensor) => of_tensor(exhibit, tensor, picture.is_moved(block)),
        Content::Workspace(_) => example(Kind::Workspace, false),
    }
}

/// The fill colour of a tensor; `is_moved` if it has non-compulsory transfers.
pub(crate) fn of_tensor(exhibit: &Exhibit, tensor: TensorId, is_moved: bool) -> Tone {
    shade(Kind::of_tensor(exhibit, tensor), is_moved, hue(exhibit, tensor))
}

/// A colour for a legend.
pub(crate) fn example(kind: Kind, is_moved: bool) -> Tone {
    shade(kind, is_moved, if kind == Kind::Input { 145.0 } else { 255.0 })
}

/// All colours of one kind have the same lightness, whatever their hue, so the same ink is readable on each.
fn shade(kind: Kind, is_moved: bool, hue: f64) -> Tone {
    match (kind, is_moved) {
        (Kind::Workspace, _) => Tone::new((0.80, 0.0), (0.45, 0.0), hue),
        (Kind::Weight, false) => Tone::new((0.88, 0.015), (0.36, 0.015), hue),
        (Kind::Weight, true) => Tone::new((0.74, 0.07), (0.54, 0.06), hue),
        (_, false) => Tone::new((0.91, 0.055), (0.38, 0.055), hue),
        (_, true) => Tone::new((0.74, 0.15), (0.54, 0.14), hue),
    }
}

/// The colour of a tensor's lines, which contrasts with the paper.
pub(crate) fn line(exhibit: &Exhibit, tensor: TensorId) -> Tone {
    Tone::new((0.45, 0.17), (0.82, 0.13), hue(exhibit, tensor))
}

/// The hue in degrees; those of successive tensors are a golden angle apart.
fn hue(exhibit: &Exhibit, tensor: TensorId) -> f64 {
    exhibit.tensor_family(tensor) as f64 * 137.507_764 % 360.0
}

/// Converts lightness (0 to 1), chroma and hue (degrees) in OKLCH to `#rrggbb`. Outside of sRGB, it reduces the
/// chroma.
///
/// The matrices are those of Björn Ottosson, "A perceptual color space for image processing", 2020.
fn hex(lightness: f64, chroma: f64, hue: f64) -> String {
    let (sin, cos) = hue.to_radians().sin_cos();
    let linear = |chroma: f64| {
        let (a, b) = (chroma * cos, chroma * sin);
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ]
    };
    let is_shown = |rgb: &[f64; 3]| rgb.iter().all(|it| (-1e-4..=1.0 + 1e-4).contains(it));
    let tries = (0..=40).map(|less| linear(chroma * (1.0 - f64::from(less) / 40.0)));
    let rgb = tries.into_iter().find(is_shown).unwrap_or_else(|| linear(0.0));
    let [red, green, blue] = rgb.map(|it| {
        let it = it.clamp(0.0, 1.0);
        let value = if it <= 0.003_130_8 { 12.92 * it } else { 1.055 * it.powf(1.0 / 2.4) - 0.055 };
        (value * 255.0).round() as u8
    });
    format!("#{red:02x}{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primary_colours() {
        assert_eq!(hex(0.627_955, 0.257_683, 29.2339), "#ff0000");
        assert_eq!(hex(0.866_440, 0.294_827, 142.4953), "#00ff00");
        assert_eq!(hex(0.452_014, 0.313_214, 264.0520), "#0000ff");
        assert_eq!(hex(1.0, 0.0, 77.0), "#ffffff");
        assert_eq!(hex(0.0, 0.0, 77.0), "#000000");
    }

    /// The contrast of WCAG 2.2, from 1 to 21.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |it: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&it[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// Names are readable on every colour, and moved tensors are darker, or in the dark lighter, than the others.
    #[test]
    fn all_hues_are_readable() {
        for hue in (0..360).map(f64::from) {
            for kind in [Kind::Input, Kind::Weight, Kind::Activation, Kind::Workspace] {
                for is_moved in [false, true] {
                    let Tone { light, dark } = shade(kind, is_moved, hue);
                    assert!(7.0 < contrast(&light, "#111111"), "{light}");
                    assert!(4.5 < contrast(&dark, "#ffffff"), "{dark}");
                }
                let (pale, moved) = (shade(kind, false, hue), shade(kind, true, hue));
                if kind != Kind::Workspace {
                    assert!(1.4 < contrast(&pale.light, &moved.light), "{pale:?} {moved:?}");
                    assert!(1.4 < contrast(&pale.dark, &moved.dark), "{pale:?} {moved:?}");
                }
            }
        }
    }
}
