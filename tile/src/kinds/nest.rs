//! The loops of an operator while they are put together.

use super::Shapes;
use crate::{Access, Dim, DimKind, Expr, Map};

/// An access that grows.
#[derive(Default)]
pub(super) struct Nest {
    domain: Vec<Dim>,
    operands: Vec<Map>,
    results: Vec<Map>,
}

impl Nest {
    /// A loop.
    pub(super) fn dim(&mut self, size: u64, kind: DimKind) -> Expr {
        if size == 1 && kind != DimKind::Parallel {
            return Expr::constant(0);
        }
        self.domain.push(Dim { size, kind });
        Expr::dim(self.domain.len() - 1)
    }

    /// A loop whose iterations add up.
    pub(super) fn sum(&mut self, size: u64) -> Expr {
        self.dim(size, DimKind::Reduced { splittable: true })
    }

    /// A loop over indices that are all read at once.
    pub(super) fn all(&mut self, size: u64) -> Expr {
        self.dim(size, DimKind::Reduced { splittable: false })
    }

    /// A loop for each axis of a result; those along which it is not cut as said.
    pub(super) fn result(&mut self, dims: &[u64], is_whole: impl Fn(usize) -> bool) -> Vec<Expr> {
        let kind = |axis| if is_whole(axis) { DimKind::Whole } else { DimKind::Parallel };
        dims.iter().enumerate().map(|(axis, size)| self.axis(*size, kind(axis))).collect()
    }

    fn axis(&mut self, size: u64, kind: DimKind) -> Expr {
        self.domain.push(Dim { size, kind });
        Expr::dim(self.domain.len() - 1)
    }

    pub(super) fn read(&mut self, indices: Vec<Expr>) {
        self.operands.push(Map(indices));
    }

    pub(super) fn write(&mut self, indices: Vec<Expr>) {
        self.results.push(Map(indices));
    }

    /// Reads the operands from one on as what works element by element on the result does. A vector whose axis
    /// could be another one is read whole.
    pub(super) fn read_others(&mut self, shapes: &Shapes, from: usize, indices: &[Expr]) {
        for operand in &shapes.operands[from.min(shapes.operands.len())..] {
            let map = self.beside(indices, shapes.results[0], operand);
            self.read(map);
        }
    }

    pub(super) fn finish(self) -> Access {
        let Nest { domain, operands, results } = self;
        Access { domain, operands, results, sums: None }
    }

    /// All of a tensor.
    pub(super) fn whole(&mut self, dims: &[u64]) -> Vec<Expr> {
        dims.iter().map(|size| self.all(*size)).collect()
    }

    /// The indices in an operand that is spread over a tensor: axes aligned at the end, as NumPy does, or an
    /// operand that is another shape of the tensor, or of some axes of it; all of the operand otherwise. A vector
    /// that several axes are as long as is read whole, unless it lies along the last one.
    pub(super) fn spread(&mut self, indices: &[Expr], dims: &[u64], operand: &[u64]) -> Vec<Expr> {
        if let Some(map) = broadcast(indices, dims, operand) {
            return map;
        }
        let n_elements = |dims: &[u64]| dims.iter().try_fold(1u64, |product, it| product.checked_mul(*it));
        if n_elements(dims) == n_elements(operand)
            && let Some(map) = self.refold(indices, dims, operand)
        {
            return map;
        }
        match self.on_some_axes(indices, dims, operand) {
            Some(map) => map,
            None => self.whole(operand),
        }
    }

    /// Likewise for what joined an operator: of a vector it is not known whether it lies along the last axis.
    pub(super) fn beside(&mut self, indices: &[Expr], dims: &[u64], operand: &[u64]) -> Vec<Expr> {
        match without_ones(operand)[..] {
            [] => self.spread(indices, dims, operand),
            [_] if 1 < operand.len() && operand.len() == dims.len() => self.spread(indices, dims, operand),
            [size] if dims.iter().filter(|it| **it == size).count() == 1 => {
                let axis = dims.iter().position(|it| *it == size).expect("it is counted");
                operand.iter().map(|it| if *it == 1 { Expr::constant(0) } else { indices[axis].clone() }).collect()
            }
            [_] => self.whole(operand),
            _ => self.spread(indices, dims, operand),
        }
    }

    /// The indices in an operand that has the axes of a tensor but for some, if there is one way to see it so.
    fn on_some_axes(&mut self, indices: &[Expr], dims: &[u64], operand: &[u64]) -> Option<Vec<Expr>> {
        let axes = only_subsequence(dims, &without_ones(operand))?;
        let mut axes = axes.into_iter();
        let index = |size: &u64| if *size == 1 { Some(Expr::constant(0)) } else { Some(indices[axes.next()?].clone()) };
        operand.iter().map(index).collect()
    }

    /// The indices in an operand that has more axes than a result: along those, `dropped` of so many are read. None
    /// if it is not clear which they are.
    pub(super) fn drop_axes(
        &mut self,
        indices: &[Expr],
        (result, operand): (&[u64], &[u64]),
        dropped: fn(&mut Nest, u64) -> Expr,
    ) -> Option<Vec<Expr>> {
        let is_kept = |(own, new): (&u64, &u64)| own == new || *new == 1;
        if operand.len() == result.len() && operand.iter().zip(result).all(is_kept) {
            let index = |(axis, size): (usize, &u64)| match result[axis] == *size {
                true => indices[axis].clone(),
                false => dropped(self, *size),
            };
            return Some(operand.iter().enumerate().map(index).collect());
        }
        let kept: Vec<usize> = only_subsequence(operand, &without_ones(result))?;
        let mut sources = result.iter().enumerate().filter(|it| *it.1 != 1).map(|it| it.0);
        let mut map = Vec::new();
        for (axis, size) in operand.iter().enumerate() {
            map.push(match kept.contains(&axis) {
                true => indices[sources.next()?].clone(),
                false => dropped(self, *size),
            });
        }
        Some(map)
    }

    /// The indices of a tensor in another shape with the same elements in the same order. Where axes become several,
    /// the inner ones are taken whole, and of the outer one what the index in all of them falls into. None if the
    /// shapes have not as many elements, or leave the numbers of 64 bits.
    pub(super) fn reshape(&mut self, indices: &[Expr], from: &[u64], to: &[u64]) -> Option<Vec<Expr>> {
        let mut map = vec![Expr::constant(0); to.len()];
        for (from_axes, to_axes) in groups(from, to)? {
            self.regroup(&mut map, (indices, from, &from_axes), (to, &to_axes))?;
        }
        Some(map)
    }

    /// Likewise for what may also have been transposed on the way: where several axes become several, all are taken
    /// whole.
    pub(super) fn refold(&mut self, indices: &[Expr], from: &[u64], to: &[u64]) -> Option<Vec<Expr>> {
        let mut map = vec![Expr::constant(0); to.len()];
        for (from_axes, to_axes) in groups(from, to)? {
            if from_axes.len() == 1 || to_axes.len() == 1 {
                self.regroup(&mut map, (indices, from, &from_axes), (to, &to_axes))?;
            } else {
                to_axes.iter().for_each(|axis| map[*axis] = self.all(to[*axis]));
            }
        }
        Some(map)
    }

    /// The indices along some axes that hold the same elements as these ones.
    fn regroup(
        &mut self,
        map: &mut [Expr],
        (indices, from, from_axes): (&[Expr], &[u64], &[usize]),
        (to, to_axes): (&[u64], &[usize]),
    ) -> Option<()> {
        let [outer, inner @ ..] = to_axes else { return Some(()) };
        let n_inner = inner.iter().try_fold(1u64, |product, axis| product.checked_mul(to[*axis]))?;
        map[*outer] = match flatten(from_axes, indices, from) {
            Some(flat) => Expr { divisor: flat.divisor.checked_mul(n_inner)?, ..flat },
            None => self.all(to[*outer]),
        };
        inner.iter().for_each(|axis| map[*axis] = self.all(to[*axis]));
        Some(())
    }

    /// All indices of the group of so many that an index lies in, and up to as many around it.
    pub(super) fn group_of(&mut self, index: &Expr, size: u64) -> Expr {
        if size == 1 {
            return index.clone();
        }
        let (Ok(back), Some(window)) = (i64::try_from(size - 1), size.checked_mul(2)) else { return index.clone() };
        let around = self.all(window - 1);
        let terms = [&index.terms[..], &around.terms].concat();
        Expr { terms, constant: index.constant - back, divisor: 1 }
    }
}

/// The indices in an operand that is spread over a tensor as NumPy does it: axes aligned at the end, those of one
/// index at that. `indices` are those in the tensor, of size `dims`. None if the sizes do not fit.
pub fn broadcast(indices: &[Expr], dims: &[u64], operand: &[u64]) -> Option<Vec<Expr>> {
    let first = dims.len().checked_sub(operand.len())?;
    let index = |(axis, size): (usize, &u64)| match *size {
        size if size == dims[first + axis] => Some(indices[first + axis].clone()),
        1 => Some(Expr::constant(0)),
        _ => None,
    };
    operand.iter().enumerate().map(index).collect()
}

/// The index in one axis that several make up.
fn flatten(axes: &[usize], indices: &[Expr], dims: &[u64]) -> Option<Expr> {
    if let [axis] = axes {
        return Some(indices[*axis].clone());
    }
    let (mut terms, mut constant, mut stride) = (Vec::new(), 0i64, 1i64);
    for axis in axes.iter().rev() {
        let Expr { terms: own, constant: added, divisor: 1 } = &indices[*axis] else { return None };
        for (dim, coefficient) in own {
            terms.push((*dim, coefficient.checked_mul(stride)?));
        }
        constant = constant.checked_add(added.checked_mul(stride)?)?;
        stride = stride.checked_mul(i64::try_from(dims[*axis]).ok()?)?;
    }
    terms.reverse();
    let mut seen: Vec<usize> = terms.iter().map(|it| it.0).collect();
    seen.sort_unstable();
    let is_once = seen.windows(2).all(|it| it[0] != it[1]);
    is_once.then_some(Expr { terms, constant, divisor: 1 })
}

/// Axes of two shapes that hold the same elements, in groups as small as can be; axes of one index are in none.
/// None if the shapes have not as many elements, or too many to count.
pub(super) fn groups(from: &[u64], to: &[u64]) -> Option<Vec<(Vec<usize>, Vec<usize>)>> {
    let axes = |dims: &[u64]| (0..dims.len()).filter(|it| dims[*it] != 1).collect::<Vec<usize>>();
    let (from_axes, to_axes) = (axes(from), axes(to));
    let (mut from_axes, mut to_axes) = (from_axes.into_iter(), to_axes.into_iter());
    let mut groups = Vec::new();
    while let Some(first) = from_axes.next() {
        let other = to_axes.next()?;
        let (mut group, mut products) = ((vec![first], vec![other]), (from[first], to[other]));
        while products.0 != products.1 {
            if products.0 < products.1 {
                let axis = from_axes.next()?;
                products.0 = products.0.checked_mul(from[axis])?;
                group.0.push(axis);
            } else {
                let axis = to_axes.next()?;
                products.1 = products.1.checked_mul(to[axis])?;
                group.1.push(axis);
            }
        }
        groups.push(group);
    }
    to_axes.next().is_none().then_some(groups)
}

/// The sizes other than one.
pub(super) fn without_ones(dims: &[u64]) -> Vec<u64> {
    dims.iter().copied().filter(|it| *it != 1).collect()
}

/// The axes that have these sizes in this order, if there is one way to choose them.
pub(super) fn only_subsequence(dims: &[u64], sizes: &[u64]) -> Option<Vec<usize>> {
    // The first way from the left and from the right: the same if there is no other.
    let mut axes = 0..dims.len();
    let leftmost = sizes.iter().map(|size| axes.find(|axis| dims[*axis] == *size)).collect::<Option<Vec<_>>>()?;
    let mut axes = (0..dims.len()).rev();
    let rightmost =
        sizes.iter().rev().map(|size| axes.find(|axis| dims[*axis] == *size)).collect::<Option<Vec<_>>>()?;
    leftmost.iter().eq(rightmost.iter().rev()).then_some(leftmost)
}
