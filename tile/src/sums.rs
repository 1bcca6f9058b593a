//! Reductions in parts.
//!
//! If the operands of a block of results do not fit, the reduction loop is split, as the innermost loop: each part
//! reads its part of the operands and adds to the sums of the previous parts, in place. The last part computes the
//! results from the sums. So sums never move, and an operand along the loop is loaded once for each block.
//!
//! Integer sums are the same in any order. Float sums are not, so the outermost reduction loop is split, and its
//! parts run in the order of the loop: an operator that adds in the order of its loops gives the same bits in parts
//! as whole.

use crate::access::{Dim, DimKind};
use crate::{Access, Region, Shape};

impl Access {
    /// The loop that is split if a sum is computed in parts; `None` if no loop may be.
    pub fn split_loop(&self) -> Option<usize> {
        let may_be_cut = |it: &Dim| it.kind == DimKind::Reduced { splittable: true } && 1 < it.size;
        let sums = self.sums.filter(|_| !self.results.is_empty());
        sums.and(self.domain.iter().position(may_be_cut))
    }

    /// The iterations summed before a tile that runs a part of the domain, whose sums it reads. `None` for the first
    /// or only part.
    pub fn summed_before(&self, domain: &Region) -> Option<Region> {
        let dim = self.split_loop()?;
        let start = domain.range(dim).start;
        (0 < start).then(|| domain.clone().with_range(dim, 0..start))
    }

    /// The iterations summed after a tile that runs a part of the domain, whose sums it writes. `None` for the last
    /// or only part, which writes results.
    pub fn summed_after(&self, domain: &Region) -> Option<Region> {
        let dim = self.split_loop()?;
        let end = domain.range(dim).end;
        (end < self.domain[dim].size).then(|| domain.clone().with_range(dim, 0..end))
    }

    /// The shape of the sums of a part of the domain: one for each iteration of the loops that are not reduced.
    /// `None` if the type of the sums is unknown.
    pub fn shape_of_sums(&self, domain: &Region) -> Option<Shape> {
        let is_kept = |dim: &usize| !matches!(self.domain[*dim].kind, DimKind::Reduced { .. });
        let dims = (0..self.domain.len()).filter(is_kept).map(|dim| domain.range(dim)).map(|it| it.end - it.start);
        Some(Shape { dims: dims.collect(), element_bits: self.sums?.bits() })
    }

    /// Whether the result may share the first bytes of its sums: it is the only result, no element is wider than its
    /// sum, and each element needs only its own sum and earlier ones in row-major order. Then the last part reads
    /// each sum before it overwrites it.
    pub(crate) fn may_lie_over_sums(&self, results: &[Shape]) -> bool {
        let ([map], [shape], Some(sums)) = (&self.results[..], results, self.sums) else { return false };
        let written: Option<Vec<(Option<usize>, i64)>> = map.0.iter().map(|it| it.projection()).collect();
        let Some(written) = written else { return false };
        let is_whole = written
            .iter()
            .zip(&shape.dims)
            .all(|((dim, constant), size)| *constant == 0 && dim.map_or(1, |dim| self.domain[dim].size) == *size);
        let long = |dim: &usize| 1 < self.domain[*dim].size;
        let order: Vec<usize> = written.iter().filter_map(|it| it.0).filter(long).collect();
        let is_parallel = order.iter().all(|dim| self.domain[*dim].kind == DimKind::Parallel);
        let n_kept = (0..self.domain.len())
            .filter(long)
            .filter(|dim| !matches!(self.domain[*dim].kind, DimKind::Reduced { .. }));
        let is_ordered = order.iter().copied().eq(n_kept);
        is_whole && is_parallel && is_ordered && shape.element_bits <= sums.bits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expr, Map, Sums};

    /// A convolution of one column: `[4, 5]` results, 6 input channels, a window of 3.
    fn convolution() -> Access {
        let dim = |size, kind| Dim { size, kind };
        let (parallel, reduced) = (DimKind::Parallel, DimKind::Reduced { splittable: true });
        let row = Expr { terms: vec![(1, 1), (3, 1)], constant: 0, divisor: 1 };
        Access {
            domain: vec![dim(4, parallel), dim(5, parallel), dim(6, reduced), dim(3, reduced)],
            operands: vec![Map(vec![Expr::dim(2), row]), Map(vec![Expr::dim(0), Expr::dim(2), Expr::dim(3)])],
            results: vec![Map(vec![Expr::dim(0), Expr::dim(1)])],
            sums: Some(Sums::Integer(32)),
        }
    }

    fn bytes(dims: &[u64], element_bits: u64) -> Shape {
        Shape { dims: dims.to_vec(), element_bits }
    }

    #[test]
    fn parts_add_up() {
        let access = convolution();
        let part = |range| Region::new([0..4, 2..4, range, 0..3]);
        assert_eq!(access.split_loop(), Some(2));
        assert_eq!((access.summed_before(&part(0..6)), access.summed_after(&part(0..6))), (None, None));
        assert_eq!((access.summed_before(&part(0..2)), access.summed_after(&part(0..2))), (None, Some(part(0..2))));
        let (before, after) = (access.summed_before(&part(2..3)), access.summed_after(&part(2..3)));
        assert_eq!((before, after), (Some(part(0..2)), Some(part(0..3))));
        assert_eq!((access.summed_before(&part(3..6)), access.summed_after(&part(3..6))), (Some(part(0..3)), None));
        assert_eq!(access.shape_of_sums(&part(0..2)), Some(bytes(&[4, 2], 32)));
    }

    #[test]
    fn what_is_not_said_to_be_a_sum_is_not_split() {
        let access = Access { sums: None, ..convolution() };
        assert_eq!((access.split_loop(), access.shape_of_sums(&access.whole())), (None, None));
        assert_eq!(access.summed_after(&access.whole().with_range(2, 0..1)), None);
    }

    #[test]
    fn results_over_sums() {
        let over = |access: &Access, results: &[Shape]| access.may_lie_over_sums(results);
        let access = convolution();
        assert!(over(&access, &[bytes(&[4, 5], 8)]) && over(&access, &[bytes(&[4, 5], 32)]));
        assert!(!over(&access, &[bytes(&[4, 5], 64)]), "a result that is wider than its sums");
        assert!(!over(&access, &[bytes(&[4, 4], 8)]), "sums without a result");
        let transposed = Access { results: vec![Map(vec![Expr::dim(1), Expr::dim(0)])], ..access.clone() };
        assert!(!over(&transposed, &[bytes(&[5, 4], 8)]), "another order");
        let twice = Access { results: [&access.results[..]; 2].concat(), ..access.clone() };
        assert!(!over(&twice, &[bytes(&[4, 5], 8), bytes(&[4, 5], 8)]), "two results");
        let mut normalised = access;
        normalised.domain[1].kind = DimKind::Whole;
        assert!(!over(&normalised, &[bytes(&[4, 5], 8)]), "results that need sums behind them");
    }
}
