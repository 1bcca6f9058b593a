//! Accesses of what only looks at a tensor, and what keeps a tensor's bytes whole.

use crate::{Access, Dim, DimKind, Expr, Map, Shape};

impl Access {
    /// The access of a slice with steps of one, whose result has these dimensions: those of the slice, of which some of size
    /// one may be left out. `None` if they are others.
    pub fn of_slice(offsets: &[u64], sizes: &[u64], dims: &[u64]) -> Option<Access> {
        let mut axes = dims.iter().enumerate().peekable();
        let mut map = Vec::new();
        for (offset, size) in offsets.iter().zip(sizes) {
            let offset = i64::try_from(*offset).ok()?;
            map.push(match axes.next_if(|it| it.1 == size) {
                Some((axis, _)) => Expr { constant: offset, ..Expr::dim(axis) },
                None if *size == 1 => Expr::constant(offset),
                None => return None,
            });
        }
        let domain = dims.iter().map(|size| Dim { size: *size, kind: DimKind::Parallel }).collect();
        let results = vec![Map((0..dims.len()).map(Expr::dim).collect())];
        axes.next().is_none().then_some(Access { domain, operands: vec![Map(map)], results, sums: None })
    }

    /// Whether each point of the results is one of each operand.
    pub fn is_exact(&self) -> bool {
        let is_parallel = |(dim, _): &(usize, i64)| self.domain[*dim].kind == DimKind::Parallel;
        self.operands.iter().flat_map(|map| &map.0).all(|expr| expr.terms.iter().all(is_parallel))
    }

    /// Keeps loops whole that would cut a tensor within a byte: those along its last axis, where its elements are smaller,
    /// and all of them where its rows are no whole bytes.
    pub fn keep_bytes_whole(&mut self, operands: &[Shape], results: &[Shape]) {
        let Access { domain, operands: read, results: written, .. } = self;
        for (map, shape) in read.iter().zip(operands).chain(written.iter().zip(results)) {
            let [.., last] = shape.dims[..] else { continue };
            let n_kept =
                match (shape.element_bits.is_multiple_of(8), last.wrapping_mul(shape.element_bits).is_multiple_of(8)) {
                    (true, _) => 0,
                    (false, true) => 1,
                    (false, false) => map.0.len(),
                };
            for (dim, _) in map.0.iter().rev().take(n_kept).flat_map(|it| &it.terms) {
                domain[*dim].kind = match domain[*dim].kind {
                    DimKind::Parallel | DimKind::Whole => DimKind::Whole,
                    DimKind::Reduced { .. } => DimKind::Reduced { splittable: false },
                };
            }
        }
        self.sums = self.sums.filter(|_| self.may_split_a_sum());
    }
}
