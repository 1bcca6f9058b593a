//! Exact decomposition: operators that are ordered against all others cut the problem.
//!
//! Right after such a *pivot*, every plan has run the same operators. The rest depends only on where the tensors lie
//! that cross this point: the [`Boundary`]. So segments are solved separately for each pair of boundaries, and dynamic
//! programming finds the cheapest path. It is exact, and it needs few solutions:
//!
//! - A pair is skipped if its trivial bound cannot beat a known path to the same boundary.
//! - A boundary is dropped if another one can be turned into it, by write-backs and evictions, at no more than the
//!   bound of the paths to it. So if everything can stay, the boundary at which everything stays is the only one.
//! - A boundary that costs at least as much as a known plan cannot lead to a better one.
//!
//! After the deadline, unsolved segments have their trivial bounds.

use super::Reductions;
use super::exact::{Effort, Solved, solve};
use super::precedence::Precedence;
use super::segment::{Boundary, Lies, Part, Segment};
use crate::{Bytes, Deadline, Error, OpId, Problem, TensorId};
use std::time::Duration;

/// The maximum number of boundaries at a pivot; pivots with fewer boundaries are preferred.
const MAX_BOUNDARIES: [usize; 3] = [3, 9, 27];
/// A segment with at most this many steps for its operators to run in is not divided further.
const MAX_RUNS: usize = 400;

/// The result of the dynamic program.
pub(super) struct Joined {
    /// The order, and the tensors kept after each step, if a path was found.
    pub part: Option<Part>,
    /// A lower bound on the non-compulsory traffic of every plan, without repeated streaming of weights.
    pub lower_bound: Bytes,
}

/// A boundary, and the cheapest path to it.
struct Entry {
    boundary: Boundary,
    lower: Bytes,
    upper: Bytes,
    /// The previous entry, and the part of the segment in between.
    from: usize,
    part: Option<Part>,
}

/// Solves a problem segment by segment. `below` is the cost of the best known plan without repeated streaming, and
/// `order` is its order. `limit` is the time limit for each program.
///
/// # Errors
/// [`Error::Solver`].
pub(super) fn join(
    problem: &Problem,
    order: &[OpId],
    below: Bytes,
    reductions: Reductions,
    limit: Duration,
    deadline: Deadline,
) -> Result<Joined, Error> {
    let ends = if reductions.cuts { ends(problem, order, deadline) } else { vec![order.len()] };
    let mut levels: Vec<Vec<Entry>> =
        vec![vec![Entry { boundary: Boundary::new(), lower: Bytes::ZERO, upper: Bytes::ZERO, from: 0, part: None }]];
    let mut begin = 0;
    for end in ends {
        let ops = &order[begin..end];
        let entries = levels.last().expect("the start");
        let mut next: Vec<Entry> = Vec::new();
        for boundary in boundaries(problem, &crossing(problem, order, end)) {
            let mut reached = Entry { boundary, lower: below, upper: Bytes(u64::MAX), from: 0, part: None };
            let mut is_possible = false;
            // The cheapest pairs first, so that the others may be skipped.
            let mut pairs: Vec<(Bytes, usize, Segment)> = Vec::new();
            for (index, entry) in entries.iter().enumerate() {
                if let Some(segment) = Segment::new(problem, ops, &entry.boundary, &reached.boundary) {
                    is_possible = true;
                    pairs.push((entry.lower + segment.constant, index, segment));
                }
            }
            pairs.sort_by_key(|it| (it.0, it.1));
            let least = pairs.first().map_or(below, |it| it.0);
            let becomes = |it: &Entry| it.upper.0.checked_add(price(problem, &it.boundary, &reached.boundary));
            if !is_possible || next.iter().filter_map(becomes).any(|it| it <= least.0) {
                continue;
            }
            for (least, index, segment) in pairs {
                if reached.upper.min(below) <= least {
                    continue;
                }
                let entry = &entries[index];
                let start = segment.order(ops);
                let Solved { outline, lower_bound } =
                    solve(&segment.part.problem, &start, reductions, Effort::FULL, deadline.within(limit))?;
                let cost = outline.non_compulsory(&segment.part.problem);
                reached.lower = reached.lower.min(entry.lower + segment.constant + lower_bound);
                let upper = Bytes(entry.upper.0.saturating_add((segment.constant + cost).0));
                if upper < reached.upper {
                    reached = Entry { upper, from: index, part: Some(segment.part_of_whole(&outline)), ..reached };
                }
            }
            if reached.lower < below {
                next.push(reached);
            }
        }
        drop_dominated(problem, &mut next);
        if next.is_empty() {
            // Every path costs at least as much as the known plan.
            return Ok(Joined { part: None, lower_bound: below });
        }
        levels.push(next);
        begin = end;
    }
    let last = levels.last().expect("the end");
    let lower_bound = last[0].lower.min(below);
    Ok(Joined { part: (last[0].upper < below).then(|| way(&levels)).flatten(), lower_bound })
}

/// The parts along the path to the end.
fn way(levels: &[Vec<Entry>]) -> Option<Part> {
    let mut parts = Vec::new();
    let mut index = 0;
    for level in levels[1..].iter().rev() {
        parts.push(level[index].part.as_ref()?);
        index = level[index].from;
    }
    let mut whole = Part::default();
    for part in parts.into_iter().rev() {
        // At a cut, the next part keeps a subset of what this one leaves.
        if let Some(last) = whole.kept.last_mut() {
            last.clone_from(&part.kept_before);
        }
        whole.ops.extend(&part.ops);
        whole.kept.extend(part.kept.iter().cloned());
    }
    Some(whole)
}

/// The cuts, as numbers of steps; the last one is the end.
fn ends(problem: &Problem, order: &[OpId], deadline: Deadline) -> Vec<usize> {
    let Some(precedence) = Precedence::of(problem, deadline) else { return vec![order.len()] };
    let pivots: Vec<(usize, usize)> = (1..order.len())
        .filter(|it| precedence.is_pivot(order[*it - 1]))
        .map(|it| (it, n_boundaries(problem, &crossing(problem, order, it))))
        .collect();
    let mut ends = vec![order.len()];
    for most in MAX_BOUNDARIES {
        let mut finer = Vec::new();
        let mut begin = 0;
        for &end in &ends {
            let n_runs: usize = order[begin..end]
                .iter()
                .map(|it| {
                    let window = precedence.window(*it);
                    (*window.end()).min(end - 1) + 1 - (*window.start()).max(begin)
                })
                .sum();
            if most == MAX_BOUNDARIES[0] || MAX_RUNS < n_runs {
                let inside = pivots.iter().filter(|it| begin < it.0 && it.0 < end && it.1 <= most);
                finer.extend(inside.map(|it| it.0));
            }
            finer.push(end);
            begin = end;
        }
        ends = finer;
    }
    ends
}

/// The tensors that are touched before a boundary and read after it.
fn crossing(problem: &Problem, order: &[OpId], step: usize) -> Vec<TensorId> {
    let graph = &problem.graph;
    let mut has_run = vec![false; order.len()];
    order[..step].iter().for_each(|it| has_run[it.index()] = true);
    let crosses = |it: &TensorId| {
        let mut touching = graph.touches(*it);
        touching.any(|op| has_run[op.index()]) && graph.readers(*it).iter().any(|op| !has_run[op.index()])
    };
    graph.tensor_ids().filter(|it| problem.is_tracked(*it) && crosses(it)).collect()
}

fn n_boundaries(problem: &Problem, crossing: &[TensorId]) -> usize {
    let ways = crossing.iter().map(|it| if problem.graph.has_host_copy(*it) { 2_usize } else { 3 });
    ways.fold(1, |product, ways| product.saturating_mul(ways))
}

/// All boundaries at a cut, first the one at which everything stays.
fn boundaries(problem: &Problem, crossing: &[TensorId]) -> Vec<Boundary> {
    let mut boundaries = vec![Boundary::new()];
    for &tensor in crossing {
        let ways: &[Lies] = if problem.graph.has_host_copy(tensor) {
            &[Lies::Both, Lies::Host]
        } else {
            &[Lies::Here, Lies::Both, Lies::Host]
        };
        let with = |boundary: &Boundary, lies: Lies| boundary.iter().copied().chain([(tensor, lies)]).collect();
        boundaries = boundaries.iter().flat_map(|it| ways.iter().map(move |lies| with(it, *lies))).collect();
    }
    boundaries
}

/// The cost of turning one boundary into another by write-backs, evictions and loads.
fn price(problem: &Problem, from: &Boundary, to: &Boundary) -> u64 {
    let mut price = 0;
    for (&(tensor, from), &(_, to)) in from.iter().zip(to) {
        let size = problem.graph.tensor(tensor).size.0;
        price += match (from, to) {
            (Lies::Here, Lies::Both | Lies::Host) => size,
            (Lies::Host, Lies::Here | Lies::Both) => size,
            // A tensor in both memories can serve as one in the scratchpad.
            (Lies::Here | Lies::Both, Lies::Here)
            | (Lies::Both, Lies::Both | Lies::Host)
            | (Lies::Host, Lies::Host) => 0,
        };
    }
    price
}

/// Removes entries that others can be turned into for no more.
fn drop_dominated(problem: &Problem, entries: &mut Vec<Entry>) {
    let mut kept: Vec<Entry> = Vec::new();
    entries.sort_by_key(|it| it.lower);
    for entry in entries.drain(..) {
        let becomes = |it: &Entry| it.upper.0.checked_add(price(problem, &it.boundary, &entry.boundary));
        if !kept.iter().filter_map(becomes).any(|it| it <= entry.lower.0) {
            kept.push(entry);
        }
    }
    *entries = kept;
}
