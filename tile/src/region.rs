//! Boxes of elements, and shapes of tensors.

use cosma_planner::Bytes;
use std::fmt;
use std::ops::Range;

/// A box of elements: a half-open range of indices in each dimension. One without dimensions is a scalar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    starts: Vec<u64>,
    ends: Vec<u64>,
}

impl Region {
    /// The box of these ranges. A range that ends before it starts is empty.
    pub fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Region {
        let (starts, ends) = ranges.into_iter().map(|it| (it.start, it.end.max(it.start))).unzip();
        Region { starts, ends }
    }

    /// All elements of a tensor with these dimensions.
    pub fn whole(dims: &[u64]) -> Region {
        Region::new(dims.iter().map(|size| 0..*size))
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.starts.len()
    }

    /// Its range in a dimension.
    pub fn range(&self, dim: usize) -> Range<u64> {
        self.starts[dim]..self.ends[dim]
    }

    /// Its ranges, by dimension.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = Range<u64>> {
        self.starts.iter().zip(&self.ends).map(|(start, end)| *start..*end)
    }

    /// Its first index in each dimension.
    pub fn offsets(&self) -> &[u64] {
        &self.starts
    }

    /// The number of indices in each dimension.
    pub fn shape(&self) -> Vec<u64> {
        self.ranges().map(|it| it.end - it.start).collect()
    }

    /// The number of elements; `u64::MAX` on overflow.
    pub fn len(&self) -> u64 {
        if self.is_empty() { 0 } else { self.shape().iter().fold(1, |product, size| product.saturating_mul(*size)) }
    }

    /// Whether it has no element.
    pub fn is_empty(&self) -> bool {
        self.ranges().any(|it| it.is_empty())
    }

    /// The same box with another range in one dimension.
    pub fn with_range(mut self, dim: usize, range: Range<u64>) -> Region {
        (self.starts[dim], self.ends[dim]) = (range.start, range.end.max(range.start));
        self
    }

    /// The intersection of two boxes of the same rank.
    pub fn intersect(&self, other: &Region) -> Region {
        debug_assert_eq!(self.rank(), other.rank(), "regions of one tensor");
        let pairs = self.ranges().zip(other.ranges());
        Region::new(pairs.map(|(own, new)| own.start.max(new.start)..own.end.min(new.end)))
    }

    /// The smallest box that contains both, which have the same rank; an empty box adds nothing.
    pub fn hull(&self, other: &Region) -> Region {
        debug_assert_eq!(self.rank(), other.rank(), "regions of one tensor");
        if other.is_empty() {
            return self.clone();
        }
        if self.is_empty() {
            return other.clone();
        }
        let pairs = self.ranges().zip(other.ranges());
        Region::new(pairs.map(|(own, new)| own.start.min(new.start)..own.end.max(new.end)))
    }

    /// Whether another box is contained in this one.
    pub fn contains(&self, other: &Region) -> bool {
        let is_within = |(own, new): (Range<u64>, Range<u64>)| own.start <= new.start && new.end <= own.end;
        other.is_empty() || self.ranges().zip(other.ranges()).all(is_within)
    }
}

impl fmt::Display for Region {
    /// As `[0..1, 8..16]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<String> = self.ranges().map(|it| format!("{}..{}", it.start, it.end)).collect();
        write!(f, "[{}]", ranges.join(", "))
    }
}

/// The dimensions of a tensor and the width of its elements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The number of elements in each dimension, the outermost first.
    pub dims: Vec<u64>,
    /// The bits of an element.
    pub element_bits: u64,
}

impl Shape {
    /// The region of all elements.
    pub fn whole(&self) -> Region {
        Region::whole(&self.dims)
    }

    /// The bytes of this many elements, packed and rounded up; `u64::MAX` on overflow.
    pub fn bytes_of(&self, n_elements: u64) -> Bytes {
        let bytes = (u128::from(n_elements) * u128::from(self.element_bits)).div_ceil(8);
        Bytes(u64::try_from(bytes).unwrap_or(u64::MAX))
    }

    /// The bytes of a region stored separately.
    pub fn region_bytes(&self, region: &Region) -> Bytes {
        self.bytes_of(region.len())
    }

    /// The bytes of the tensor.
    pub fn bytes(&self) -> Bytes {
        self.region_bytes(&self.whole())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes() {
        let left = Region::new([0..4, 2..6]);
        let right = Region::new([3..8, 0..3]);
        assert_eq!(left.intersect(&right), Region::new([3..4, 2..3]));
        assert_eq!(left.hull(&right), Region::new([0..8, 0..6]));
        assert_eq!((left.len(), left.shape(), left.offsets()), (16, vec![4, 4], &[0, 2][..]));
        let empty = Region::new([3..3, 0..9]);
        assert_eq!((empty.is_empty(), empty.len()), (true, 0));
        assert_eq!(left.hull(&empty), left);
        assert!(left.contains(&empty) && left.contains(&Region::new([1..2, 2..6])) && !left.contains(&right));
        assert_eq!(left.to_string(), "[0..4, 2..6]");
    }

    #[test]
    fn a_scalar_has_one_element() {
        let scalar = Region::whole(&[]);
        assert!(!scalar.is_empty() && scalar.len() == 1);
    }

    #[test]
    fn bytes_are_packed_and_rounded_up() {
        let shape = Shape { dims: vec![3, 3], element_bits: 4 };
        assert_eq!(shape.bytes(), Bytes(5));
        assert_eq!(shape.region_bytes(&Region::new([0..1, 0..3])), Bytes(2));
        assert_eq!(Shape { dims: vec![u64::MAX, 2], element_bits: 8 }.bytes(), Bytes(u64::MAX));
    }
}
