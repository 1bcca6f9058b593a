//! Exact decomposition: operators that are ordered against all others cut the problem.
//!
//! Right after such a *pivot*, every plan has run the same operators. All that the rest depends on
//! is where the tensors lie that cross this boundary: the [`Boundary`]. So segments are solved one
//! after the other, for each pair of boundaries, and dynamic programming finds the cheapest way
//! through. It is exact, and it needs few solutions:
//!
//! - A pair is skipped if its trivial bound cannot beat what leads to the same boundary already.
//! - A boundary is dropped if another one can become it, by writing back and by putting out, at no
//!   more than the bound of what leads there. So where everything can stay, the boundary where
//!   everything stays is the only one.
//! - One that costs no less than a plan that is known cannot lead to a better one.
//!
//! Where the deadline interferes, the bounds of what was not solved are the trivial ones.

use super::Reductions;
use super::exact::{Effort, Solved, solve};
use super::precedence::Precedence;
use super::segment::{Boundary, Lies, Part, Segment};
use crate::{Bytes, Deadline, Error, OpId, Problem, TensorId};
use std::time::Duration;

/// Boundaries at a pivot: as many as these at most, the fewer the better.
const MAX_BOUNDARIES: [usize; 3] = [3, 9, 27];
/// A segment with no more places for its operators to run than this is not cut further.
const MAX_RUNS: usize = 400;

/// What dynamic programming found.
pub(super) struct Joined {
    /// Order, and what is kept after each step, if a way through was found.
    pub part: Option<Part>,
    /// No plan has less non-compulsory traffic, further uses of streamed weights left aside.
    pub lower_bound: Bytes,
}

/// A boundary, and the cheapest way to it.
struct Entry {
    boundary: Boundary,
    lower: Bytes,
    upper: Bytes,
    /// The entry that it comes from, and the segment's part.
    from: usize,
    part: Option<Part>,
}

/// Solves a problem cut by cut. `below` is what the best known plan costs, streamed weights left
/// aside, and `order` is its order. Each program may take so long.
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
            // Cheapest first, so that the others need not be looked at.
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
            // Every way costs as much as the known plan.
            return Ok(Joined { part: None, lower_bound: below });
        }
        levels.push(next);
        begin = end;
    }
    let last = levels.last().expect("the end");
    let lower_bound = last[0].lower.min(below);
    Ok(Joined { part: (last[0].upper < below).then(|| way(&levels)).flatten(), lower_bound })
}

/// The parts of the way to the end, one after the other.
fn way(levels: &[Vec<Entry>]) -> Option<Part> {
    let mut parts = Vec::new();
    let mut index = 0;
    for level in levels[1..].iter().rev() {
        parts.push(level[index].part.as_ref()?);
        index = level[index].from;
    }
    let mut whole = Part::default();
    for part in parts.into_iter().rev() {
        // At a cut, what the next part keeps is among what this one leaves.
        if let Some(last) = whole.kept.last_mut() {
            last.clone_from(&part.kept_before);
        }
        whole.ops.extend(&part.ops);
        whole.kept.extend(part.kept.iter().cloned());
    }
    Some(whole)
}

/// Where to cut: after so many steps each, the last one being the end.
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

/// All boundaries at a cut, the one where everything stays first.
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

/// What it costs to turn one boundary into another by writing back, putting out and bringing in.
fn price(problem: &Problem, from: &Boundary, to: &Boundary) -> u64 {
    let mut price = 0;
    for (&(tensor, from), &(_, to)) in from.iter().zip(to) {
        let size = problem.graph.tensor(tensor).size.0;
        price += match (from, to) {
            (Lies::Here, Lies::Both | Lies::Host) => size,
            (Lies::Host, Lies::Here | Lies::Both) => size,
            // Who has it in both places has all that one has who has it here.
            (Lies::Here | Lies::Both, Lies::Here)
            | (Lies::Both, Lies::Both | Lies::Host)
            | (Lies::Host, Lies::Host) => 0,
        };
    }
    price
}

/// Drops what another entry can become for no more.
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
