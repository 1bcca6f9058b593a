//! What tiles touch of several operands at once.
//!
//! The parts of a concatenation are operands of which a tile touches one or two, not all. So while a grid runs, there
//! are several *moments*, and of each operand a tile has no more indices than its moment says. Moments that are
//! covered by another one are left out, and of many, neighbours are one.

use crate::access::Expr;
use crate::expand::part;
use crate::flow::{Flow, Node};
use crate::{Access, Map, Region};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Moments that are told apart, at most; and where the loop is cut into single iterations, which are the smallest tiles.
const MAX_MOMENTS: usize = 12;
const MAX_MOMENTS_OF_SMALLEST: usize = 64;

/// By moment, by operand: the most indices along an axis that the loop moves along; without such an axis, any number.
pub(super) type Lengths = Rc<[Vec<u64>]>;

/// The moments of an operator's grids.
pub(super) struct Moments {
    /// The loop that runs through operands one after another, if there is one.
    pub dim: Option<usize>,
    /// By operand: the only axis along which it moves, and the size of that.
    axes: Vec<Option<(usize, u64)>>,
    /// By number of parts.
    known: RefCell<BTreeMap<u64, Lengths>>,
    one: Lengths,
}

impl Moments {
    pub fn new(flow: &Flow, node: &Node, access: &Access) -> Moments {
        let axes_of = |dim: usize| -> Vec<Option<(usize, u64)>> {
            let axis = |(map, tensor): (&Map, _)| {
                let mut axes = (0..map.0.len()).filter(|axis| depends(&map.0[*axis], dim));
                let axis = axes.next().filter(|_| axes.next().is_none())?;
                Some((axis, flow.network.shape(tensor).dims[axis]))
            };
            access.operands.iter().zip(node.operands.iter().copied()).map(axis).collect()
        };
        let n_partial = |axes: &[Option<(usize, u64)>]| {
            let is_partial = |(map, axis): (&Map, &Option<(usize, u64)>)| {
                axis.is_some_and(|(axis, size)| is_partial(access, &map.0[axis], size))
            };
            access.operands.iter().zip(axes).filter(|it| is_partial(*it)).count()
        };
        let dims = (0..access.domain.len()).map(|dim| (dim, axes_of(dim)));
        let best = dims
            .map(|it| (n_partial(&it.1), it))
            .filter(|it| 1 < it.0)
            .max_by_key(|it| (it.0, std::cmp::Reverse(it.1.0)));
        let (dim, axes) = best.map_or((None, Vec::new()), |(_, (dim, axes))| (Some(dim), axes));
        let one: Lengths = vec![vec![u64::MAX; access.operands.len()]].into();
        Moments { dim, axes, known: RefCell::default(), one }
    }

    /// Those of a grid in which these loops are cut.
    pub fn of(&self, access: &Access, loops: &[(usize, u64)]) -> Lengths {
        let Some((dim, n_parts)) = loops.iter().copied().find(|it| Some(it.0) == self.dim) else {
            return self.one.clone();
        };
        let mut known = self.known.borrow_mut();
        known.entry(n_parts).or_insert_with(|| self.find(access, dim, n_parts).into()).clone()
    }

    fn find(&self, access: &Access, dim: usize, n_parts: u64) -> Vec<Vec<u64>> {
        let mut moments: Vec<Vec<u64>> = Vec::new();
        for index in 0..n_parts {
            let domain = access.whole().with_range(dim, part(access.domain[dim].size, index, n_parts));
            let length = |(map, axis): (&Map, &Option<(usize, u64)>)| {
                axis.map_or(u64::MAX, |(axis, size)| n_within(&map.0[axis], &domain, size))
            };
            let moment: Vec<u64> = access.operands.iter().zip(&self.axes).map(length).collect();
            let covers = |one: &[u64], other: &[u64]| one.iter().zip(other).all(|it| it.1 <= it.0);
            // Parts that are side by side are most alike.
            if !moments.iter().rev().any(|it| covers(it, &moment)) {
                moments.retain(|it| !covers(&moment, it));
                moments.push(moment);
            }
        }
        let is_smallest = n_parts == access.domain[dim].size;
        let most = if is_smallest { MAX_MOMENTS_OF_SMALLEST } else { MAX_MOMENTS };
        let n_together = moments.len().div_ceil(most).max(1);
        moments.chunks(n_together).map(joined).collect()
    }
}

/// Whether at least a quarter of what an expression takes lies outside of an axis of this size.
fn is_partial(access: &Access, expr: &Expr, size: u64) -> bool {
    let range = expr.range(&access.whole());
    let within = i128::from(n_within(expr, &access.whole(), size));
    4 * within <= 3 * (range.end - range.start)
}

/// How many of the indices that an expression takes lie within an axis of this size.
fn n_within(expr: &Expr, domain: &Region, size: u64) -> u64 {
    let range = expr.range(domain);
    let clamp = |index: i128| index.clamp(0, i128::from(size)) as u64;
    clamp(range.end) - clamp(range.start)
}

fn depends(expr: &Expr, dim: usize) -> bool {
    expr.terms.iter().any(|it| it.0 == dim)
}

/// The most of each operand in any of these moments.
fn joined(moments: &[Vec<u64>]) -> Vec<u64> {
    let most = |so_far: Vec<u64>, it: &Vec<u64>| so_far.iter().zip(it).map(|it| *it.0.max(it.1)).collect();
    moments.iter().fold(vec![0; moments[0].len()], most)
}
