//! Optimal replacement in a fixed order.
//!
//! 1. The order gives gaps and rows ([`Cover`]): a gap that no row mentions is kept for free.
//! 2. Rows that share no tensor are problems of their own: one for each stretch of the order
//!    where the pressure exceeds the scratchpad and nothing that matters reaches over its end.
//! 3. Each part goes to the solver, in units of the greatest common divisor of its sizes and
//!    rooms, so that coefficients are small and whole.

use super::cover::Cover;
use super::gap;
use super::solver::Model;
use crate::{Bytes, Error, OpId, Outline, Problem};
use good_lp::{Expression, Variable, constraint};
use petgraph::unionfind::UnionFind;
use std::time::Instant;

/// How far an attempt came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The best that was found.
    pub outline: Outline,
    /// No outline within the question has less non-compulsory traffic
    /// ([`Outline::non_compulsory`]).
    pub lower_bound: Bytes,
    /// Whether the outline attains the bound.
    pub proven: bool,
}

/// The outline with the least traffic among those that run the operators in this order, which
/// must respect the dependences.
///
/// `start` is an outline to improve on; one of another order is of no use and ignored. At the
/// deadline the best outline so far is returned, and there is always one.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::Solver`].
pub fn replace(
    problem: &Problem,
    order: &[OpId],
    start: Option<&Outline>,
    deadline: Instant,
) -> Result<Outcome, Error> {
    problem.check()?;
    let cover = Cover::new(problem, order);
    let mut dropped = match start {
        Some(start) if start.order == order => gap::dropped(&cover.gaps, start),
        _ => vec![false; cover.gaps.len()],
    };
    cover.complete(&mut dropped);
    let mut lower_bound = problem.restreamed();
    for part in parts(&cover) {
        lower_bound += improve(&cover, &part, &mut dropped, deadline)?;
    }
    let outline = gap::outline(problem, order, &cover.gaps, &dropped);
    let proven = outline.non_compulsory(problem) == lower_bound;
    Ok(Outcome { outline, lower_bound, proven })
}

/// Rows and gaps that have nothing to do with any others.
#[derive(Default)]
struct Part {
    gaps: Vec<usize>,
    rows: Vec<usize>,
}

/// The independent parts of a covering problem, by first gap. Gaps in no row are in no part.
fn parts(cover: &Cover) -> Vec<Part> {
    let mut sets = UnionFind::<usize>::new(cover.gaps.len());
    for row in &cover.rows {
        for pair in row.terms.windows(2) {
            sets.union(pair[0].0, pair[1].0);
        }
    }
    for gap in 1..cover.gaps.len() {
        if cover.written[gap].is_some() && cover.written[gap] == cover.written[gap - 1] {
            sets.union(gap - 1, gap);
        }
    }
    let mut parts: Vec<Part> = cover.gaps.iter().map(|_| Part::default()).collect();
    let mut is_mentioned = vec![false; cover.gaps.len()];
    for (index, row) in cover.rows.iter().enumerate() {
        parts[sets.find(row.terms[0].0)].rows.push(index);
        row.terms.iter().for_each(|(gap, _)| is_mentioned[*gap] = true);
    }
    for gap in (0..cover.gaps.len()).filter(|it| is_mentioned[*it]) {
        parts[sets.find(gap)].gaps.push(gap);
    }
    parts.retain(|it| !it.rows.is_empty());
    parts
}

/// Solves one part, writes the better choice to `dropped`, and gives the part's lower bound.
fn improve(cover: &Cover, part: &Part, dropped: &mut [bool], deadline: Instant) -> Result<Bytes, Error> {
    let unit = part.gaps.iter().fold(0, |unit, &gap| gcd(unit, cover.sizes[gap].0)).max(1);
    let answer = model(cover, part, unit, dropped).minimise(deadline)?;
    if let Some(values) = answer.values {
        let mut better = dropped.to_vec();
        for (&gap, value) in part.gaps.iter().zip(values) {
            better[gap] = value;
        }
        cover.complete(&mut better);
        if cover.cost(&better) < cover.cost(dropped) {
            dropped.copy_from_slice(&better);
        }
    }
    Ok(Bytes(answer.bound * unit))
}

/// The formulas of [`Cover`] for one part, sizes in this unit. The first variables are
/// `dropped[g]`, in the order of the part's gaps; then come `written[t]`.
fn model(cover: &Cover, part: &Part, unit: u64, start: &[bool]) -> Model {
    let mut model = Model::default();
    let size = |gap: usize| cover.sizes[gap].0 / unit;
    let mut dropped: Vec<Option<Variable>> = vec![None; cover.gaps.len()];
    for &gap in &part.gaps {
        dropped[gap] = Some(model.binary(size(gap), start[gap]));
    }
    // A tensor that leaves anywhere has been written back.
    let mut last = None;
    for &gap in part.gaps.iter().filter(|it| cover.written[**it].is_some()) {
        let written = match last {
            Some((tensor, written)) if cover.written[gap] == Some(tensor) => written,
            _ => {
                let tensor = cover.gaps[gap].tensor;
                let leaves = part.gaps.iter().any(|it| cover.gaps[*it].tensor == tensor && start[*it]);
                model.binary(size(gap), leaves)
            }
        };
        last = Some((cover.gaps[gap].tensor, written));
        let dropped = dropped[gap].expect("the part's gaps have variables");
        model.constraints.push(constraint!(written >= dropped));
    }
    // At each step, what leaves makes the room that is needed.
    for row in part.rows.iter().map(|it| &cover.rows[*it]) {
        let unit = row.terms.iter().fold(0, |unit, (_, worth)| gcd(unit, worth.0));
        let mut made = Expression::with_capacity(row.terms.len());
        for &(gap, worth) in &row.terms {
            made += (worth.0 / unit) as f64 * dropped[gap].expect("a part has all the gaps of its rows");
        }
        model.constraints.push(made.geq(row.excess.0.div_ceil(unit) as f64));
    }
    model
}

/// The greatest common divisor; zero divides as if it were not there.
fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
