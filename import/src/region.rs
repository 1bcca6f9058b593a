//! The part of its source that a view is, as a box of the source's own elements.
//!
//! Both the text (`emit.rs`) and the problem (`extract.rs`) depend on it: a tensor in host memory that is read only
//! in disjoint boxes is loaded piece by piece.

use crate::network::Tensor;

/// A box of a tensor's elements: a range along each dimension.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Region {
    /// The first element along each dimension.
    pub offsets: Vec<u64>,
    /// The number of elements along each dimension.
    pub sizes: Vec<u64>,
}

impl Region {
    /// Whether two regions of one tensor have an element in common.
    pub fn overlaps(&self, other: &Region) -> bool {
        let ends = |it: &Region, axis: usize| it.offsets[axis].saturating_add(it.sizes[axis]);
        (0..self.offsets.len()).all(|it| self.offsets[it] < ends(other, it) && other.offsets[it] < ends(self, it))
    }

    /// Whether each run of contiguous elements begins and ends at a byte boundary, in a tensor of packed elements.
    fn is_in_whole_bytes(&self, tensor: &Tensor) -> bool {
        let bits = tensor.element.bits();
        let is_whole = |it: Option<&u64>| it.is_none_or(|it| it.wrapping_mul(bits).is_multiple_of(8));
        bits.is_multiple_of(8)
            || is_whole(self.offsets.last()) && is_whole(self.sizes.last()) && is_whole(tensor.shape.last())
    }
}

/// The region of its source that a view is, if it is a box of the source's own dimensions. `at` is the element at
/// which it begins. The view may lack dimensions of one.
pub(crate) fn region_of_view(source: &Tensor, at: u64, view: &Tensor) -> Option<Region> {
    let region = slice(&source.shape, at, view.n_elements())?;
    drops_only_ones(&region.sizes, &view.shape).then_some(region)
}

/// The region of the source that the text takes with a slice; `None` if the view lacks dimensions of one, or if the
/// source is flattened first.
pub(crate) fn region_of_piece(source: &Tensor, at: u64, view: &Tensor) -> Option<Region> {
    let region = match region_of_view(source, at, view) {
        Some(region) => (region.sizes == view.shape).then_some(region),
        None if source.shape.len() == 1 => Some(Region { offsets: vec![at], sizes: vec![view.n_elements()] }),
        None => None,
    };
    region.filter(|it| !it.sizes.contains(&0) && it.is_in_whole_bytes(source))
}

/// A run of elements as a box, if it is one: one index of each outer dimension, a range of one dimension, and all of
/// the inner dimensions.
fn slice(shape: &[u64], at: u64, n: u64) -> Option<Region> {
    let (mut offsets, mut sizes) = (vec![0; shape.len()], vec![1; shape.len()]);
    let (mut at, mut n) = (at, n);
    let mut is_inner = true;
    for (axis, size) in shape.iter().enumerate().rev() {
        if *size == 0 || n == 0 {
            return None;
        }
        offsets[axis] = at % size;
        at /= size;
        if is_inner && offsets[axis] == 0 && n.is_multiple_of(*size) {
            sizes[axis] = *size;
            n /= size;
        } else if is_inner && offsets[axis] + n <= *size {
            (sizes[axis], n, is_inner) = (n, 1, false);
        } else if n != 1 {
            return None;
        }
    }
    (n == 1 && at == 0).then_some(Region { offsets, sizes })
}

/// Whether a shape is another shape without some dimensions of one.
fn drops_only_ones(whole: &[u64], shape: &[u64]) -> bool {
    let mut rest = shape.iter().peekable();
    whole.iter().all(|it| rest.next_if_eq(&it).is_some() || *it == 1) && rest.next().is_none()
}
