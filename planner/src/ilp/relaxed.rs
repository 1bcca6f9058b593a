//! A bound on replacement in a long order: the relaxation of its covering problem, in a form that stays small.
//!
//! A row of the covering problem has a term for each gap across a step, about a hundred in each of tens of thousands of
//! steps. But the gaps across a step differ from those across the previous one only by those that begin or end in
//! between. So with a variable for the surplus of each step, the difference of adjacent rows is equivalent:
//!
//! ```text
//! Σ over the gaps g that begin at s: room(g)·dropped[g]  −  Σ over those that end at s: room(g)·dropped[g]
//!     −  beyond[s]  +  beyond[s − 1]  =  excess(s)  −  excess(s − 1)                           each step s
//! ```
//!
//! where the excess is zero at a step that fits. Each variable is in two rows: a flow through the steps. Its relaxation
//! is solved as a whole, and with similar sizes it loses little.
//!
//! Very long orders are divided into windows without common steps. They are independent if the cost of a gap in each
//! window is proportional to its steps with excess there, and a write-back counts only if all gaps of the tensor lie
//! within one window.

use super::cover::LongCover;
use super::sliding::{steps_of, windows};
use super::solver::{self, Model};
use crate::divisor::gcd;
use crate::{Bytes, Deadline, Error};
use good_lp::{Expression, Variable};
use rayon::prelude::*;
use std::ops::Range;

/// Steps per window.
const WIDTH: u32 = 4096;

/// A lower bound on the cost of any choice, as far as the deadline allows.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn relaxed_bound(cover: &LongCover, deadline: Deadline) -> Result<Bytes, Error> {
    bound_in_windows(cover, WIDTH, deadline)
}

/// The same from windows of this many steps.
fn bound_in_windows(cover: &LongCover, width: u32, deadline: Deadline) -> Result<Bytes, Error> {
    let parts = parts(cover, &windows(&steps_of(cover), width, 0));
    let bounds: Result<Vec<Bytes>, Error> = parts.par_iter().map(|it| it.bound(deadline)).collect();
    Ok(bounds?.into_iter().sum())
}

/// The part of a covering problem within some steps.
struct Part {
    gaps: Vec<PartOfGap>,
    /// By step: the space that must be freed.
    excess: Vec<Bytes>,
}

/// The part of a gap within some steps.
struct PartOfGap {
    /// Relative to the first of these steps.
    inside: Range<usize>,
    room: Bytes,
    cost: Bytes,
    /// The cost of writing the tensor back, once for all its gaps. They are adjacent, and this is the number of the
    /// tensor's gaps from this one on.
    write: Option<(Bytes, usize)>,
}

/// The parts of a covering problem in windows without common steps.
fn parts(cover: &LongCover, windows: &[Range<u32>]) -> Vec<Part> {
    let n_rows = cover.n_rows();
    let n_rows = |steps: &Range<u32>| n_rows[steps.end as usize] - n_rows[steps.start as usize];
    let part =
        |it: &Range<u32>| Part { gaps: Vec::new(), excess: cover.excess[it.start as usize..it.end as usize].to_vec() };
    let mut parts: Vec<Part> = windows.iter().map(part).collect();
    let inside = |gap: usize| cover.choices.gaps[gap].inside.start.0..cover.choices.gaps[gap].inside.end.0;
    let of_tensor = cover.choices.gaps.chunk_by(|one, other| one.tensor == other.tensor);
    let mut first = 0;
    for gaps in of_tensor {
        let gaps = first..first + gaps.len();
        first = gaps.end;
        let steps = inside(gaps.start).start..inside(gaps.end - 1).end;
        let is_within = windows.iter().any(|it| it.start <= steps.start && steps.end <= it.end);
        let (size, n_gaps) = (cover.choices.sizes[gaps.start], gaps.len());
        let write = cover.choices.written[gaps.start].filter(|_| is_within).map(|_| (size, n_gaps));
        for gap in gaps {
            let steps = inside(gap);
            let first = windows.partition_point(|it| it.end <= steps.start);
            for (window, part) in windows.iter().zip(&mut parts).skip(first) {
                if steps.end <= window.start {
                    break;
                }
                let within = steps.start.max(window.start)..steps.end.min(window.end);
                let (rows, all) = (n_rows(&within) as u128, n_rows(&steps) as u128);
                let cost = (u128::from(size.0) * rows).checked_div(all).unwrap_or(0);
                part.gaps.push(PartOfGap {
                    inside: (within.start - window.start) as usize..(within.end - window.start) as usize,
                    room: cover.choices.rooms[gap],
                    cost: Bytes(cost as u64),
                    write,
                });
            }
        }
    }
    parts
}

impl Part {
    /// A lower bound on the cost of any choice; zero if there is no time to solve the relaxation.
    fn bound(&self, deadline: Deadline) -> Result<Bytes, Error> {
        let n_steps = self.excess.len();
        if !solver::is_time_for(4 * (self.gaps.len() + n_steps), deadline) {
            return Ok(Bytes::ZERO);
        }
        let rooms = || self.gaps.iter().map(|it| it.room);
        let unit = rooms().chain(self.excess.iter().copied()).fold(0, |unit, it| gcd(unit, it.0)).max(1);
        let unit_of_costs = self.gaps.iter().map(|it| it.cost.0).fold(0, gcd).max(1);
        let mut model = Model::relaxed();
        let mut rows: Vec<Expression> = vec![Expression::default(); n_steps + 1];
        // The last tensor that may be written back, and the number of its remaining gaps.
        let mut written: Option<(Variable, usize)> = None;
        for gap in &self.gaps {
            let cost = gap.cost.0 / unit_of_costs;
            let is_only = gap.write.is_some_and(|it| it.1 == 1);
            let dropped = model.integer(if is_only { 2 * cost } else { cost }, 1, 0);
            if let Some((size, n_gaps)) = gap.write.filter(|_| !is_only) {
                let (variable, left) =
                    written.take().unwrap_or_else(|| (model.integer(size.0 / unit_of_costs, 1, 0), n_gaps));
                model.constraints.push((variable - dropped).geq(0.0));
                written = (1 < left).then_some((variable, left - 1));
            }
            let room = (gap.room.0 / unit) as f64;
            rows[gap.inside.start] += room * dropped;
            rows[gap.inside.end] -= room * dropped;
        }
        let most: u64 = rooms().map(|it| it.0 / unit).sum();
        let mut before = 0.0;
        for (step, excess) in self.excess.iter().enumerate() {
            let beyond = model.integer(0, most, 0);
            rows[step] -= beyond;
            rows[step + 1] += beyond;
            let excess = (excess.0 / unit) as f64;
            model.constraints.push(std::mem::take(&mut rows[step]).eq(excess - before));
            before = excess;
        }
        Ok(Bytes(model.relaxation(deadline)?.saturating_mul(unit_of_costs)))
    }
}

#[cfg(test)]
mod tests {
    use super::{bound_in_windows, parts};
    use crate::ilp::cover::LongCover;
    use crate::ilp::replace::replace;
    use crate::testing::{Shape, seeded_problem};
    use crate::{Bytes, Deadline, OpId};

    /// No bound is above the optimum, in one window or in several, and that of one window is close to it.
    #[test]
    fn bounds_are_no_more_than_the_optimum() {
        let (mut of_all, mut of_one, mut of_several) = (Bytes::ZERO, Bytes::ZERO, Bytes::ZERO);
        for seed in 0..40 {
            let problem = seeded_problem(Shape { ops: 60, ..Shape::LARGE }, seed);
            let order: Vec<OpId> = problem.graph.op_ids().collect();
            let outcome = replace(&problem, &order, None, Deadline::NEVER).expect("the solver answers");
            assert!(outcome.proven);
            let optimum = outcome.lower_bound - problem.restreamed();
            let cover = LongCover::new(&problem, &order, problem.capacity());
            let bound = |width| bound_in_windows(&cover, width, Deadline::NEVER).expect("the solver answers");
            let (one, several) = (bound(60), bound(15));
            assert!(one <= optimum && several <= optimum, "seed {seed}: {one} B and {several} B of {optimum} B");
            (of_all, of_one, of_several) = (of_all + optimum, of_one + one, of_several + several);
        }
        assert!(of_all.0 * 3 / 4 < of_one.0, "{of_one} of {of_all}");
        assert!(of_all.0 / 3 < of_several.0, "{of_several} of {of_all}");
    }

    /// The costs of the parts of a gap add up to at most the cost of the gap.
    #[test]
    fn parts_of_gaps_cost_no_more_than_gaps() {
        for seed in 0..20 {
            let problem = seeded_problem(Shape { ops: 60, ..Shape::LARGE }, seed);
            let order: Vec<OpId> = problem.graph.op_ids().collect();
            let cover = LongCover::new(&problem, &order, problem.capacity());
            let steps = super::steps_of(&cover);
            let parts = parts(&cover, &super::windows(&steps, 7, 0));
            let of_parts: Bytes = parts.iter().flat_map(|it| &it.gaps).map(|it| it.cost).sum();
            assert!(of_parts <= cover.choices.sizes.iter().copied().sum());
        }
    }
}
