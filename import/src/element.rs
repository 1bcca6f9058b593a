//! Element types of tensors.

use std::fmt;

/// An element type, of the model or after quantisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// `float16`, `float32` or `float64`, with its width in bits.
    Float(u16),
    /// `bfloat16`.
    BFloat16,
    /// A float of eight bits or less, with its MLIR name and its width in bits.
    SmallFloat(&'static str, u16),
    /// A signed integer, with its width in bits.
    Signed(u16),
    /// An unsigned integer, with its width in bits.
    Unsigned(u16),
    /// A boolean. It takes a byte, as in ONNX runtimes.
    Bool,
    /// A complex number, with the width of each of its two floats in bits.
    Complex(u16),
}

impl Element {
    /// The type with a number of ONNX's `DataType`; `None` for strings and unknown numbers.
    pub fn from_onnx(number: i32) -> Option<Element> {
        Some(match number {
            1 => Element::Float(32),
            2 => Element::Unsigned(8),
            3 => Element::Signed(8),
            4 => Element::Unsigned(16),
            5 => Element::Signed(16),
            6 => Element::Signed(32),
            7 => Element::Signed(64),
            9 => Element::Bool,
            10 => Element::Float(16),
            11 => Element::Float(64),
            12 => Element::Unsigned(32),
            13 => Element::Unsigned(64),
            14 => Element::Complex(32),
            15 => Element::Complex(64),
            16 => Element::BFloat16,
            17 => Element::SmallFloat("f8E4M3FN", 8),
            18 => Element::SmallFloat("f8E4M3FNUZ", 8),
            19 => Element::SmallFloat("f8E5M2", 8),
            20 => Element::SmallFloat("f8E5M2FNUZ", 8),
            21 => Element::Unsigned(4),
            22 => Element::Signed(4),
            23 => Element::SmallFloat("f4E2M1FN", 4),
            24 => Element::SmallFloat("f8E8M0FNU", 8),
            25 => Element::Unsigned(2),
            26 => Element::Signed(2),
            _ => return None,
        })
    }

    /// The width of an element in bits.
    pub fn bits(self) -> u64 {
        match self {
            Element::Float(bits) | Element::Signed(bits) | Element::Unsigned(bits) => bits.into(),
            Element::SmallFloat(_, bits) => bits.into(),
            Element::BFloat16 => 16,
            Element::Bool => 8,
            Element::Complex(bits) => 2 * u64::from(bits),
        }
    }

    /// Whether it is a float.
    pub fn is_float(self) -> bool {
        matches!(self, Element::Float(_) | Element::BFloat16 | Element::SmallFloat(..))
    }

    /// Whether quantisation would replace it. Floats of eight bits or less already are quantised.
    pub fn will_be_quantised(self) -> bool {
        matches!(self, Element::Float(_) | Element::BFloat16)
    }
}

/// As MLIR writes it.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Float(bits) => write!(f, "f{bits}"),
            Element::BFloat16 => f.write_str("bf16"),
            Element::SmallFloat(name, _) => f.write_str(name),
            Element::Signed(bits) => write!(f, "i{bits}"),
            Element::Unsigned(bits) => write!(f, "ui{bits}"),
            Element::Bool => f.write_str("i8"),
            Element::Complex(bits) => write!(f, "complex<f{bits}>"),
        }
    }
}
