//! Improves plans by local search over residencies and addresses together, in a fixed order.
//!
//! If an outline cannot be packed, some tensors must be evicted that need not be if only sums counted. A layout decides
//! both at once: each tensor lies in *pieces*, from one of its uses to another, each at one address, and every two
//! consecutive pieces of a tensor cost a reload.
//!
//! 1. A layout is built from each outline: its stays, the largest first, go to the lowest hole where they fit. One that
//!    fits nowhere goes to the cheapest address: it is split where it conflicts with another one, or others that are
//!    idle are cut. Operands needed at the same time are moved.
//! 2. Then layouts are changed repeatedly: two pieces are joined at some address, usually where the outline has one,
//!    and conflicting pieces are inserted elsewhere; or everything in some steps is removed and inserted again in
//!    another order. A layout that costs no more is kept, and sometimes one that costs a little more: ruin and recreate
//!    (Schrimpf et al. 2000) with the acceptance of threshold accepting (Dueck and Scheuer 1990).
//! 3. Two layouts are changed concurrently, and after some rounds the worse one is replaced by a copy of the better
//!    one.
//!
//! All limits are counted in steps of this procedure, which do not depend on the time limit: a longer limit finds
//! nothing worse. It ends when there is no improvement for long, or at the deadline.
//!
//! A result that can take the place of an operand always does so here: both are one item, with the uses of both, and
//! the length of each while it is present. Tensors that begin in the middle of another one, as in concatenations, are
//! not supported; see [`is_polished`].

mod insert;
mod items;
mod layout;
mod moves;
mod occupied;
mod sweep;

use crate::pack::random::Random;
use crate::{Bytes, Deadline, Op, Outline, Plan, Problem};
use insert::{First, Insertion};
use items::Items;
use layout::{Fit, Layout, Piece};
use rayon::prelude::*;
use tracing::debug;

/// The number of concurrent layouts.
const LANES: usize = 2;

/// The number of changes of each layout in a round.
const CHANGES_PER_ROUND: usize = 256;

/// The number of rounds after which the worst layout becomes a copy of the best.
const ROUNDS_ALONE: usize = 16;

/// It ends after this many changes of each layout for each piece of the best one without an improvement, and after this
/// many in any case.
const PATIENCE_PER_PIECE: usize = 64;
const LEAST_PATIENCE: usize = 1024;

/// The most that the cost of a layout may rise in one change, as a fraction of the median of the reloads in the initial
/// layout.
const SHARE_OF_SLACK: u64 = 3;

/// A way to build a layout from an outline.
#[derive(Clone, Copy)]
struct Way {
    /// The index of the outline.
    outline: usize,
    first: First,
}

/// The ways that are tried with each outline; on average the first one gives the best layout.
const WAYS: [Way; 4] = [
    Way { outline: 0, first: First::LongestForLongest },
    Way { outline: 0, first: First::Longest },
    Way { outline: 0, first: First::Largest },
    Way { outline: 0, first: First::LastingForLongest },
];

/// The number of times that operands may be moved for others of the same operator while a layout is built.
const MOVES_TO_BUILD: u32 = 20_000;

/// Whether [`polish`] supports everything that a plan can do: a result and an operand that may share bytes begin at the
/// same one, offsets are in range, nothing is pinned, and each operator fits in one stretch. Parts of one tensor are
/// disjoint, so at most one of them begins at its start.
pub(crate) fn is_polished(problem: &Problem) -> bool {
    let is_known = |op: &Op| op.in_place.iter().all(|it| it.at() == Bytes::ZERO);
    let stretch = problem.machine.largest_stretch();
    let is_one = problem.machine.stretches().len() <= 1 || problem.min_scratchpad() <= stretch.end - stretch.start;
    problem.graph.ops().iter().all(is_known) && items::can_count(problem) && is_one && !problem.graph.has_pins()
}

/// The best plan found from outlines and a plan, and its non-compulsory bytes; `None` if none is better than the plan.
/// All must have one order; if [`is_polished`] is false, nothing is found.
///
/// It ends as soon as a plan costs at most `enough`.
pub(crate) fn polish(
    problem: &Problem,
    outlines: &[&Outline],
    plan: &Plan,
    enough: Bytes,
    deadline: Deadline,
) -> Option<(Plan, Bytes)> {
    polish_from(problem, outlines, outlines, plan, enough, deadline)
}

/// The same from a plan that was polished before; the outline says where stays should begin.
pub(crate) fn polish_on(
    problem: &Problem,
    outline: &Outline,
    plan: &Plan,
    enough: Bytes,
    deadline: Deadline,
) -> Option<(Plan, Bytes)> {
    polish_from(problem, &[outline], &[], plan, enough, deadline)
}

/// From the layouts of some outlines and of the plan; the first of the `noted` ones says where stays should begin.
fn polish_from(
    problem: &Problem,
    noted: &[&Outline],
    outlines: &[&Outline],
    plan: &Plan,
    enough: Bytes,
    deadline: Deadline,
) -> Option<(Plan, Bytes)> {
    if !is_polished(problem) || deadline.has_passed() {
        return None;
    }
    let mut items = Items::new(problem, &plan.order);
    noted.first().into_iter().for_each(|it| items.note_starts(it));
    let known = plan.non_compulsory(problem);
    let enough = enough.saturating_sub(problem.restreamed()).0;
    let mut lanes = lanes(&items, outlines, plan, deadline)?;
    let mut best = lanes[0].best.clone();
    debug!(known = %known, built = best.cost, "layouts");
    let (mut idle, mut rounds) = (0, 0);
    while enough < best.cost && idle < patience(&best) && !deadline.has_passed() {
        lanes.par_iter_mut().for_each(|it| it.round(enough, deadline));
        (idle, rounds) = (idle + CHANGES_PER_ROUND, rounds + 1);
        let found = lanes.iter().map(|it| &it.best).min_by_key(|it| it.cost).expect("there are lanes");
        if found.cost < best.cost {
            (best, idle) = (found.clone(), 0);
        }
        if rounds % ROUNDS_ALONE == 0 {
            share(&mut lanes);
        }
    }
    debug!(cost = best.cost, rounds, "polished");
    let plan = items.plan(&plan.order, &best.pieces);
    let cost = plan.non_compulsory(problem);
    (cost < known).then_some((plan, cost))
}

fn patience(best: &Found) -> usize {
    LEAST_PATIENCE.max(PATIENCE_PER_PIECE * best.pieces.len())
}

/// All pieces of a layout, and their cost.
#[derive(Clone)]
struct Found {
    pieces: Vec<Piece>,
    cost: u64,
}

/// A layout under change, and its best state.
#[derive(Clone)]
struct Lane<'a> {
    layout: Layout<'a>,
    best: Found,
    random: Random,
    /// The most that its cost may rise in one change.
    slack: u64,
}

impl Lane<'_> {
    fn new(layout: Layout<'_>, number: usize) -> Lane<'_> {
        let best = Found { pieces: layout.all(), cost: layout.cost };
        let slack = layout.median_split() / SHARE_OF_SLACK;
        Lane { layout, best, random: Random::sequence(number as u64), slack }
    }

    fn round(&mut self, enough: u64, deadline: Deadline) {
        for _ in 0..CHANGES_PER_ROUND {
            if deadline.has_passed() || self.layout.cost <= enough {
                return;
            }
            // Between zero and that, with a preference for small values.
            let noise = self.random.below(1 << 10);
            let slack = ((u128::from(self.slack) * u128::from(noise * noise)) >> 20) as u64;
            if !self.layout.change(self.layout.cost + slack, &mut self.random, deadline) {
                self.layout.take_back();
                continue;
            }
            self.layout.keep();
            if self.layout.cost < self.best.cost {
                self.best = Found { pieces: self.layout.all(), cost: self.layout.cost };
            }
        }
    }
}

/// The best initial layouts, the best one first: those built from outlines in some ways, and the plan's own. `None` if
/// there is none.
fn lanes<'a>(items: &'a Items, outlines: &[&Outline], plan: &Plan, deadline: Deadline) -> Option<Vec<Lane<'a>>> {
    let mut layouts: Vec<Layout> = items.pieces(plan).map(|it| of_pieces(items, it)).into_iter().collect();
    let build = |way: &Way| build(items, outlines, way, deadline);
    // One is built first, in case time is short.
    layouts.extend(outlines.first().and_then(|_| build(&WAYS[0])));
    let others = (0..outlines.len()).flat_map(|outline| WAYS.map(|way| Way { outline, ..way })).skip(1);
    let others: Vec<Way> = others.collect();
    layouts.par_extend(others.par_iter().filter_map(build));
    layouts.sort_by_key(|it| it.cost);
    layouts.truncate(LANES);
    let first = layouts.first()?.clone();
    layouts.resize_with(LANES, || first.clone());
    Some(layouts.into_iter().enumerate().map(|(number, layout)| Lane::new(layout, number)).collect())
}

/// A layout of an outline; `None` if it takes too long.
fn build<'a>(items: &'a Items, outlines: &[&Outline], way: &Way, deadline: Deadline) -> Option<Layout<'a>> {
    let mut layout = Layout::new(items);
    let mut random = Random::new();
    let mut with = Insertion { random: &mut random, fit: Fit::Lowest, moves: MOVES_TO_BUILD, most: u64::MAX, deadline };
    if !layout.insert_all(items.runs(outlines[way.outline]), way.first, false, &mut with) {
        return None;
    }
    (0..items.list.len() as u32).take_while(|_| !deadline.has_passed()).for_each(|item| layout.join(item));
    layout.keep();
    Some(layout)
}

fn of_pieces(items: &Items, pieces: Vec<Piece>) -> Layout<'_> {
    let mut layout = Layout::new(items);
    pieces.into_iter().for_each(|it| layout.add(it));
    layout.keep();
    layout
}

/// Replaces the worst layout by a copy of the best one.
fn share(lanes: &mut [Lane]) {
    let cost = |it: &usize| (lanes[*it].layout.cost, *it);
    let best = (0..lanes.len()).min_by_key(cost).expect("there are lanes");
    let worst = (0..lanes.len()).max_by_key(cost).expect("there are lanes");
    if lanes[best].layout.cost < lanes[worst].layout.cost {
        lanes[worst].layout = lanes[best].layout.clone();
    }
}

#[cfg(test)]
mod tests {
    use super::items::Items;
    use super::layout::{Fit, Layout, Piece};
    use super::{build, of_pieces, polish};
    use crate::pack::random::Random;
    use crate::testing::{Shape, seeded_problem};
    use crate::{Bytes, Deadline, Problem, check, greedy, greedy_plan};

    fn problems() -> impl Iterator<Item = Problem> {
        let problems = (0..60).map(|seed| seeded_problem(Shape { ops: 40, ..Shape::LARGE }, seed));
        problems.filter(super::is_polished)
    }

    /// Each use lies in one piece, no two pieces overlap, and the cost is that of the plan.
    #[track_caller]
    fn expect_sound(problem: &Problem, items: &Items, layout: &Layout) {
        let order: Vec<_> = problem.graph.op_ids().collect();
        let plan = items.plan(&order, &layout.all());
        let traffic = check(problem, &plan.actions(problem)).expect("the judge accepts it");
        assert_eq!(traffic.non_compulsory, problem.restreamed() + Bytes(layout.cost));
    }

    /// Holes are the same whether computed from bits or from the pieces.
    #[track_caller]
    fn expect_same_holes(layout: &mut Layout) {
        for piece in layout.all() {
            for fit in [Fit::Lowest, Fit::Highest, Fit::Tightest] {
                let mut taken = layout.taken(&piece.run());
                let among = layout.hole_among(piece.item, &taken, fit);
                assert_eq!(layout.hole(&piece.run(), &[], fit), among);
                let id = taken.iter().map(|it| it.id).find(|id| layout.piece(*id).run() == piece.run());
                let id = id.expect("it is in its own way");
                taken.retain(|it| it.id != id);
                let among = layout.hole_among(piece.item, &taken, fit);
                assert_eq!(layout.hole(&piece.run(), &[id], fit), among);
                assert!(among.is_some(), "it lies there");
            }
        }
    }

    fn sorted(layout: &Layout) -> Vec<(u32, u32, u32, u32)> {
        let mut pieces: Vec<_> =
            layout.all().iter().map(|it: &Piece| (it.item, it.first, it.last, it.offset)).collect();
        pieces.sort_unstable();
        pieces
    }

    /// Every change leaves a plan, or can be undone.
    #[test]
    fn changes_are_sound_and_can_be_taken_back() {
        let (mut n_problems, mut in_place, mut kept, mut taken_back) = (0, 0, 0, 0);
        for problem in problems() {
            let plan = greedy_plan(&problem).expect("there is a plan");
            let items = Items::new(&problem, &plan.order);
            let mut layout = of_pieces(&items, items.pieces(&plan).expect("it lies in one stretch"));
            expect_sound(&problem, &items, &layout);
            let mut random = Random::new();
            n_problems += u32::from(0 < layout.cost);
            in_place += u32::from(items.list.iter().any(|it| 1 < it.parts.len()));
            for number in 0..60 {
                let before = (layout.cost, sorted(&layout));
                let is_changed = layout.change(u64::MAX, &mut random, Deadline::NEVER);
                if is_changed && number % 3 != 0 {
                    expect_sound(&problem, &items, &layout);
                    expect_same_holes(&mut layout);
                    layout.keep();
                    kept += 1;
                } else {
                    layout.take_back();
                    assert_eq!((layout.cost, sorted(&layout)), before);
                    taken_back += 1;
                }
            }
        }
        assert!(10 < n_problems && 5 < in_place, "{n_problems} {in_place}");
        assert!(100 < kept && 100 < taken_back, "{kept} {taken_back}");
    }

    /// Sums grow in place, and their results take less space, so that others fit beside them.
    #[test]
    fn results_take_the_places_of_operands() {
        let text = "machine scratchpad 192 alignment 64
            argument x 64
            weight w 64
            op a: x -> s 128
            op b: x s -> t 128 over s
            op c: w t -> y 64 over t
            op d: x y -> z 64
            return z";
        let problem: Problem = text.parse().expect("it is a problem");
        let order: Vec<_> = problem.graph.op_ids().collect();
        let items = Items::new(&problem, &order);
        let outline = greedy(&problem, &order);
        for way in super::WAYS {
            let layout = build(&items, &[&outline], &way, Deadline::NEVER).expect("it takes no time");
            expect_sound(&problem, &items, &layout);
            assert_eq!(layout.cost, 64, "x makes way for w");
            let plan = items.plan(&order, &layout.all());
            assert_eq!(
                sorted(&of_pieces(&items, items.pieces(&plan).expect("it lies in one stretch"))),
                sorted(&layout)
            );
        }
    }

    /// The result is better than the plan, and deterministic.
    #[test]
    fn polishing_repeats_itself() {
        let mut better = 0;
        for problem in problems().take(6) {
            let plan = greedy_plan(&problem).expect("there is a plan");
            let polished = || polish(&problem, &[], &plan, Bytes::ZERO, Deadline::NEVER);
            let first = polished();
            assert_eq!(first, polished());
            if let Some((found, cost)) = first {
                assert!(cost < plan.non_compulsory(&problem));
                let traffic = check(&problem, &found.actions(&problem)).expect("the judge accepts it");
                assert_eq!(traffic.non_compulsory, cost);
                better += 1;
            }
        }
        assert!(2 < better, "{better} plans became better");
    }
}
