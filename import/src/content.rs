//! The elements of small constants, for the evaluation of shape computations.

use crate::element::Element;
use crate::proto::TensorProto;

/// The most elements of a constant to keep. A larger one is not a shape.
pub const MOST_ELEMENTS: u64 = 512;

/// The elements of a small constant, in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Integers and booleans.
    Ints(Vec<i64>),
    /// Floats.
    Floats(Vec<f64>),
}

impl Content {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Content::Ints(it) => it.len(),
            Content::Floats(it) => it.len(),
        }
    }

    /// The elements if they are integers.
    pub fn ints(&self) -> Option<&[i64]> {
        match self {
            Content::Ints(it) => Some(it),
            Content::Floats(_) => None,
        }
    }

    /// The elements as floats.
    pub fn to_floats(&self) -> Vec<f64> {
        match self {
            Content::Ints(it) => it.iter().map(|it| *it as f64).collect(),
            Content::Floats(it) => it.clone(),
        }
    }

    /// The elements at positions, which must be in range.
    pub fn pick(&self, positions: &[usize]) -> Content {
        match self {
            Content::Ints(it) => Content::Ints(positions.iter().map(|at| it[*at]).collect()),
            Content::Floats(it) => Content::Floats(positions.iter().map(|at| it[*at]).collect()),
        }
    }

    /// Reads the content of a tensor with `n_elements` elements. Returns `None` if it has more than
    /// [`MOST_ELEMENTS`], is in another file, or has an element type that shape computations do not use.
    pub fn read(tensor: &TensorProto, element: Element, n_elements: u64) -> Option<Content> {
        if n_elements > MOST_ELEMENTS || tensor.data_location == 1 {
            return None;
        }
        let n = n_elements as usize;
        let content = if tensor.raw_data.is_empty() {
            match element {
                Element::Signed(64) => Content::Ints(tensor.int64_data.clone()),
                Element::Signed(_) | Element::Bool => ints(tensor.int32_data.iter()),
                Element::Unsigned(8 | 16) => ints(tensor.int32_data.iter()),
                Element::Unsigned(_) => Content::Ints(tensor.uint64_data.iter().map(|it| *it as i64).collect()),
                Element::Float(32) => Content::Floats(tensor.float_data.iter().map(|it| f64::from(*it)).collect()),
                Element::Float(64) => Content::Floats(tensor.double_data.clone()),
                _ => return None,
            }
        } else {
            read_raw(&tensor.raw_data, element)?
        };
        (content.len() == n).then_some(content)
    }
}

fn ints<'a>(data: impl Iterator<Item = &'a i32>) -> Content {
    Content::Ints(data.map(|it| i64::from(*it)).collect())
}

/// Reads `raw_data`, which is little-endian.
fn read_raw(data: &[u8], element: Element) -> Option<Content> {
    macro_rules! read {
        ($type:ty, $as:ty, $variant:path) => {{
            let (chunks, rest) = data.as_chunks::<{ size_of::<$type>() }>();
            rest.is_empty().then(|| $variant(chunks.iter().map(|it| <$type>::from_le_bytes(*it) as $as).collect()))
        }};
    }
    match element {
        Element::Signed(64) => read!(i64, i64, Content::Ints),
        Element::Signed(32) => read!(i32, i64, Content::Ints),
        Element::Signed(16) => read!(i16, i64, Content::Ints),
        Element::Signed(8) => read!(i8, i64, Content::Ints),
        Element::Unsigned(64) => read!(u64, i64, Content::Ints),
        Element::Unsigned(32) => read!(u32, i64, Content::Ints),
        Element::Unsigned(16) => read!(u16, i64, Content::Ints),
        Element::Unsigned(8) | Element::Bool => read!(u8, i64, Content::Ints),
        Element::Float(32) => read!(f32, f64, Content::Floats),
        Element::Float(64) => read!(f64, f64, Content::Floats),
        _ => None,
    }
}
