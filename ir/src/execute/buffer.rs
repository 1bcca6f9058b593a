//! The arguments and results of a program: bytes with a type and a shape.

use std::fmt;

/// The representation of an element. Elements of less than a byte take one, as in MLIR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// An integer.
    Integer {
        /// The width in bits, 1 to 64.
        bits: u32,
    },
    /// A float in the format of IEEE 754: a sign, an exponent, a mantissa.
    Float {
        /// The width of the exponent in bits.
        exponent: u32,
        /// The width of the mantissa in bits.
        mantissa: u32,
    },
    /// An index, of 64 bits.
    Index,
}

impl Element {
    /// Parses the MLIR name of a type, such as `f32` or `i8`; `None` for unsupported types.
    pub fn parse(name: &str) -> Option<Element> {
        let float = |exponent, mantissa| Some(Element::Float { exponent, mantissa });
        match name {
            "index" => Some(Element::Index),
            "f64" => float(11, 52),
            "f32" => float(8, 23),
            "f16" => float(5, 10),
            "bf16" => float(8, 7),
            "f8E5M2" => float(5, 2),
            "f8E4M3" => float(4, 3),
            "f8E3M4" => float(3, 4),
            _ => {
                let bits = name.trim_start_matches(['s', 'u']).strip_prefix('i')?.parse().ok()?;
                (1..=64).contains(&bits).then_some(Element::Integer { bits })
            }
        }
    }

    /// The size of an element in memory, in bytes.
    pub fn size(self) -> usize {
        match self {
            Element::Integer { bits } => bits.div_ceil(8).next_power_of_two() as usize,
            Element::Float { exponent, mantissa } => (1 + exponent + mantissa).div_ceil(8) as usize,
            Element::Index => 8,
        }
    }

    /// Whether these bits are a NaN.
    pub fn is_nan(self, bits: u64) -> bool {
        let Element::Float { exponent, mantissa } = self else { return false };
        let all = (1 << exponent) - 1;
        (bits >> mantissa) & all == all && bits & ((1 << mantissa) - 1) != 0
    }

    /// Formats an element: its value, and its bits if the value is ambiguous.
    pub fn show(self, bits: u64) -> String {
        match self {
            Element::Integer { .. } | Element::Index => {
                let unused = 64 - 8 * self.size() as u32;
                format!("{}", ((bits << unused) as i64) >> unused)
            }
            Element::Float { .. } => {
                let digits = 2 * self.size();
                format!("{:e} (0x{bits:0digits$x})", self.value(bits))
            }
        }
    }

    /// The value of a float.
    fn value(self, bits: u64) -> f64 {
        let Element::Float { exponent, mantissa } = self else { return bits as f64 };
        let all = (1u64 << exponent) - 1;
        let fraction = bits & ((1 << mantissa) - 1);
        let power = (bits >> mantissa) & all;
        let sign = if (bits >> (exponent + mantissa)) & 1 == 1 { -1.0 } else { 1.0 };
        let bias = (all >> 1) as i32;
        let part = fraction as f64 / (1u64 << mantissa) as f64;
        match power {
            0 => sign * part * 2f64.powi(1 - bias),
            _ if power == all && fraction != 0 => f64::NAN,
            _ if power == all => sign * f64::INFINITY,
            _ => sign * (1.0 + part) * 2f64.powi(power as i32 - bias),
        }
    }
}

/// `f32`, `i8`.
impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Element::Integer { bits } => write!(f, "i{bits}"),
            Element::Index => f.write_str("index"),
            Element::Float { exponent: 8, mantissa: 7 } => f.write_str("bf16"),
            Element::Float { exponent, mantissa } if 8 < 1 + exponent + mantissa => {
                write!(f, "f{}", 1 + exponent + mantissa)
            }
            Element::Float { exponent, mantissa } => write!(f, "f8E{exponent}M{mantissa}"),
        }
    }
}

/// The value of a tensor: its elements in row-major order.
#[derive(Clone, PartialEq, Eq)]
pub struct Buffer {
    element: Element,
    shape: Vec<u64>,
    bytes: Vec<u8>,
}

impl Buffer {
    /// A buffer of a type with these bytes; `None` if their number is wrong.
    pub fn new(element: Element, shape: &[u64], bytes: Vec<u8>) -> Option<Buffer> {
        let size = shape.iter().try_fold(element.size() as u64, |size, it| size.checked_mul(*it));
        (size == Some(bytes.len() as u64)).then(|| Buffer { element, shape: shape.to_vec(), bytes })
    }

    /// A buffer filled with a pattern of eight bytes; `None` if it is too large to allocate.
    pub fn filled(element: Element, shape: &[u64], pattern: u64) -> Option<Buffer> {
        let size = shape.iter().try_fold(element.size() as u64, |size, it| size.checked_mul(*it))?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(usize::try_from(size).ok()?).ok()?;
        bytes.extend(pattern.to_le_bytes().iter().cycle().take(size as usize));
        Some(Buffer { element, shape: shape.to_vec(), bytes })
    }

    /// The type of the elements.
    pub fn element(&self) -> Element {
        self.element
    }

    /// The dimensions.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// The elements in little-endian order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.element.size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The bits of the element at a position in memory.
    pub fn bits(&self, index: usize) -> u64 {
        let size = self.element.size();
        let mut bits = [0; 8];
        bits[..size].copy_from_slice(&self.bytes[index * size..][..size]);
        u64::from_le_bytes(bits)
    }
}

/// `memref<2x3xf32>`: the type, not the bytes.
impl fmt::Display for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_type(f, self.element, &self.shape)
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(super) fn write_type(f: &mut fmt::Formatter<'_>, element: Element, shape: &[u64]) -> fmt::Result {
    f.write_str("memref<")?;
    shape.iter().try_for_each(|it| write!(f, "{it}x"))?;
    write!(f, "{element}>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sizes() {
        let all = [("f64", 8), ("f32", 4), ("f16", 2), ("bf16", 2), ("f8E5M2", 1), ("i1", 1), ("i8", 1), ("i64", 8)];
        for (name, size) in all.into_iter().chain([("i48", 8), ("index", 8)]) {
            let element = Element::parse(name).expect("it is known");
            assert_eq!((element.to_string().as_str(), element.size()), (name, size));
        }
        assert_eq!(Element::parse("ui8"), Element::parse("i8"));
        for name in ["i0", "i65", "complex<f32>", "f8E8M0FNU", "none", ""] {
            assert_eq!(Element::parse(name), None, "{name}");
        }
    }

    #[test]
    fn values() {
        let float = Element::parse("f32").expect("it is known");
        for value in [0.0, -1.5, 1e-40, f32::INFINITY, 3.0e38] {
            assert_eq!(float.value(value.to_bits().into()), f64::from(value));
        }
        assert_eq!(float.show(0x3fc0_0000), "1.5e0 (0x3fc00000)");
        assert!(float.is_nan(0x7fb4_7da5) && !float.is_nan(0x7f80_0000));
        assert_eq!(Element::Integer { bits: 8 }.show(0xff), "-1");
    }

    #[test]
    fn bytes_fit_the_shape() {
        let element = Element::Integer { bits: 16 };
        assert!(Buffer::new(element, &[2, 3], vec![0; 12]).is_some());
        assert!(Buffer::new(element, &[2, 3], vec![0; 11]).is_none());
        assert!(Buffer::filled(element, &[u64::MAX, 3], 0).is_none());
        let buffer = Buffer::filled(element, &[3], 0x0004_0003_0002_0001).expect("it is small");
        assert_eq!((buffer.bits(2), buffer.len(), buffer.to_string()), (3, 3, "memref<3xi16>".into()));
    }
}
