//! Regions of one tensor, indexed by position.
//!
//! Along each axis, the regions are sorted by their start. A region can overlap another only if it starts between that
//! one's start minus the longest region, and its end; the axis with the fewest candidates is used. In a grid of n
//! regions these are about √n.

use cosma_ir::TensorRegion;
use std::collections::BTreeMap;
use std::ops::Range;

/// Regions of one tensor.
#[derive(Clone, Debug, Default)]
pub(crate) struct Regions {
    all: Vec<TensorRegion>,
    axes: Vec<Axis>,
}

/// The regions along one axis.
#[derive(Clone, Debug, Default)]
struct Axis {
    /// By start.
    starts: BTreeMap<u64, Vec<usize>>,
    /// The size of the longest one.
    longest: u64,
}

impl Axis {
    fn add(&mut self, index: usize, start: u64, size: u64) {
        self.starts.entry(start).or_default().push(index);
        self.longest = self.longest.max(size);
    }

    /// The regions that may overlap a range.
    fn near(&self, range: Range<u64>) -> impl Iterator<Item = &Vec<usize>> {
        let first = range.start.saturating_sub(self.longest);
        self.starts.range(first..range.end.max(first)).map(|it| it.1)
    }

    /// The number of these; `None` if there are more than `most`.
    fn n_near(&self, range: Range<u64>, most: usize) -> Option<usize> {
        self.near(range).try_fold(0, |n, it| Some(n + it.len()).filter(|it| *it <= most))
    }
}

impl Regions {
    /// Adds a region of the same rank.
    pub(crate) fn push(&mut self, region: TensorRegion) {
        self.axes.resize_with(region.offsets.len(), Axis::default);
        for (axis, (start, size)) in self.axes.iter_mut().zip(region.offsets.iter().zip(&region.sizes)) {
            axis.add(self.all.len(), *start, *size);
        }
        self.all.push(region);
    }

    /// All regions, in the order in which they were added.
    pub(crate) fn as_slice(&self) -> &[TensorRegion] {
        &self.all
    }

    /// The number of elements that the regions, which must be disjoint, have in common with another one.
    pub(crate) fn n_common(&self, region: &TensorRegion) -> u128 {
        let found = self.near(region).into_iter();
        found.map(|it| self.all[it].n_common(region)).fold(0, u128::saturating_add)
    }

    /// The regions that overlap another one: their indices in the order in which they were added.
    pub(crate) fn overlapping(&self, region: &TensorRegion) -> Vec<usize> {
        let mut found = self.near(region);
        found.retain(|it| self.all[*it].overlaps(region));
        found.sort_unstable();
        found
    }

    /// The regions that may overlap another one.
    fn near(&self, region: &TensorRegion) -> Vec<usize> {
        let range = |axis: usize| region.offsets[axis]..region.offsets[axis].saturating_add(region.sizes[axis]);
        let (mut least, mut best) = (self.all.len(), None);
        for (axis, along) in self.axes.iter().enumerate() {
            if let Some(n) = along.n_near(range(axis), least) {
                (least, best) = (n, Some(axis));
            }
        }
        match best {
            Some(axis) => self.axes[axis].near(range(axis)).flatten().copied().collect(),
            None => (0..self.all.len()).collect(),
        }
    }
}

/// Whether the regions of a tensor are disjoint.
pub fn are_disjoint<'r>(regions: impl IntoIterator<Item = &'r TensorRegion>) -> bool {
    let mut known = Regions::default();
    regions.into_iter().all(|it| {
        let is_beside = known.overlapping(it).is_empty();
        known.push(it.clone());
        is_beside
    })
}

/// Whether regions of a tensor contain all its elements, each once.
pub(crate) fn is_partition(regions: &[TensorRegion], dimensions: &[u64]) -> bool {
    let n_elements = dimensions.iter().fold(1, |product: u128, it| product.saturating_mul(u128::from(*it)));
    let n_covered = regions.iter().fold(0, |sum: u128, it| sum.saturating_add(it.n_elements()));
    n_covered == n_elements && are_disjoint(regions)
}

#[cfg(test)]
mod tests {
    use super::{Regions, are_disjoint};
    use cosma_ir::TensorRegion;

    fn region(offsets: [u64; 2], sizes: [u64; 2]) -> TensorRegion {
        TensorRegion { offsets: offsets.to_vec(), sizes: sizes.to_vec() }
    }

    /// The result equals that of a linear search.
    #[test]
    fn regions_are_found_as_by_looking_at_all() {
        // A linear congruential generator, as in Numerical Recipes.
        let mut state = 1_u32;
        let mut below = |n: u64| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            u64::from(state >> 8) % n
        };
        let mut any = || region([below(40), below(40)], [1 + below(9), 1 + below(9)]);
        let mut regions = Regions::default();
        let (mut all, mut n_found) = (Vec::new(), 0);
        for _ in 0..300 {
            let (added, asked) = (any(), any());
            regions.push(added.clone());
            all.push(added);
            let expected: Vec<usize> = (0..all.len()).filter(|it| all[*it].overlaps(&asked)).collect();
            n_found += expected.len();
            assert_eq!(regions.overlapping(&asked), expected);
        }
        assert!(100 < n_found, "{n_found} overlaps");
    }

    /// In a grid, only a row or a column of regions and its neighbours is visited, whichever is shorter.
    #[test]
    fn few_regions_of_a_grid_are_looked_at() {
        let grid = |n: [u64; 2], sizes: [u64; 2]| {
            let at = |it: u64| region([it % n[0] * sizes[0], it / n[0] * sizes[1]], sizes);
            (0..n[0] * n[1]).map(at).collect::<Vec<_>>()
        };
        for (n, sizes) in [([40, 40], [3, 5]), ([1600, 1], [2, 7]), ([1, 1600], [7, 2])] {
            let all = grid(n, sizes);
            assert!(are_disjoint(&all));
            let mut regions = Regions::default();
            all.iter().cloned().for_each(|it| regions.push(it));
            let n_looked_at: usize = all.iter().map(|it| regions.near(it).len()).sum();
            assert!(n_looked_at <= 80 * all.len(), "{n_looked_at} of {n:?}");
            let halo = region([sizes[0] - 1, 0], [1, 1]);
            assert!(!are_disjoint(all.iter().chain([&halo])));
        }
    }

    #[test]
    fn a_scalar_has_one_region() {
        let whole = TensorRegion { offsets: Vec::new(), sizes: Vec::new() };
        assert!(are_disjoint([&whole]));
        assert!(!are_disjoint([&whole, &whole]));
    }
}
