//! Bounds on time for any order and any residencies, compared with enumeration.

mod common;

use common::{Case, Tally, hold};
use cosma_planner::search::{LabelOptions, Labelled, search_with_labels};
use cosma_planner::testing::{Choices, Shape, clocked, orders};
use cosma_planner::time::{bound_of_any_order, bound_of_plan, overlap};
use cosma_planner::{
    Bytes, Cycles, Deadline, MemoryId, OpId, Order, Outline, Problem, TensorId, address, greedy_plan_in_order,
};
use proptest::prelude::*;
use std::ops::Range;

fn with_clock(case: &Case) -> Problem {
    let machine = clocked(&case.problem.machine, &mut Choices::new(&case.bytes));
    Problem { machine, ..case.problem.clone() }
}

/// Everything, or everything below some time.
fn labelled(problem: &Problem, order: Order, below: Cycles) -> Labelled {
    let options = LabelOptions { order, below, width: usize::MAX, limit: usize::MAX };
    search_with_labels(problem, &options, Deadline::NEVER).unwrap().expect("it is small")
}

/// An order, and the gaps that may be dropped: each tensor, between two uses.
struct Line<'a> {
    problem: &'a Problem,
    order: &'a [OpId],
    /// Half-open; the next use is at the end.
    gaps: Vec<(TensorId, Range<usize>)>,
}

impl<'a> Line<'a> {
    fn new(problem: &'a Problem, order: &'a [OpId]) -> Line<'a> {
        let mut gaps = Vec::new();
        for tensor in problem.graph.tensor_ids().filter(|it| problem.graph.tensor(*it).size != Bytes::ZERO) {
            let is_use = |step: &usize| problem.operands(order[*step]).any(|it| it == tensor);
            let uses: Vec<usize> = (0..order.len()).filter(is_use).collect();
            let between = uses.windows(2).map(|it| it[0] + 1..it[1]).filter(|it| !it.is_empty());
            gaps.extend(between.map(|it| (tensor, it)));
        }
        Line { problem, order, gaps }
    }

    fn is_dropped(&self, chosen: usize, gap: usize) -> bool {
        chosen >> gap & 1 == 1
    }

    /// The padded sizes of everything in the scratchpad during each step, with the capacity of the step. `None` if it
    /// is exceeded.
    fn rooms(&self, chosen: usize) -> Option<Vec<(u64, u64)>> {
        let problem = self.problem;
        let alignment = problem.machine.alignment();
        let in_place = problem.in_place_by_step(self.order);
        let during = |step: usize| {
            let op = self.order[step];
            let mut operands: Vec<TensorId> = problem.operands(op).collect();
            operands.sort_unstable();
            operands.dedup();
            let own: Bytes = operands.iter().map(|it| problem.room(*it)).sum();
            let saved: Bytes = in_place[step].iter().map(|it| problem.room(it.inner())).sum();
            let own = own + problem.graph.op(op).workspace.align_up(alignment) - saved;
            let across = self.gaps.iter().enumerate().filter(|it| it.1.1.contains(&step));
            let kept: Bytes = across.filter(|it| !self.is_dropped(chosen, it.0)).map(|it| problem.room(it.1.0)).sum();
            ((own + kept).0, problem.capacity().max(own).0)
        };
        let rooms: Vec<(u64, u64)> = (0..self.order.len()).map(during).collect();
        rooms.iter().all(|(room, capacity)| room <= capacity).then_some(rooms)
    }

    fn outline(&self, chosen: usize) -> Outline {
        let mut kept: Vec<Vec<TensorId>> = vec![Vec::new(); self.order.len()];
        for tensor in self.problem.graph.tensor_ids() {
            let is_use = |step: &usize| self.problem.operands(self.order[*step]).any(|it| it == tensor);
            let uses: Vec<usize> = (0..self.order.len()).filter(is_use).collect();
            for pair in uses.windows(2) {
                let gap = self.gaps.iter().position(|it| *it == (tensor, pair[0] + 1..pair[1]));
                if gap.is_none_or(|it| !self.is_dropped(chosen, it)) {
                    kept[pair[0]..pair[1]].iter_mut().for_each(|it| it.push(tensor));
                }
            }
        }
        Outline::new(self.problem, self.order.to_vec(), &kept)
    }

    /// The recursion for divisible transfers, in cycles.
    fn divided(&self, chosen: usize) -> Option<u64> {
        let rooms = self.rooms(chosen)?;
        let problem = self.problem;
        let graph = &problem.graph;
        let timing = |from, to| problem.machine.timing(from, to).unwrap();
        let inward = timing(MemoryId::HOME, MemoryId::SCRATCHPAD);
        let outward = timing(MemoryId::SCRATCHPAD, MemoryId::HOME);
        let one = i128::from(inward.rate.numerator()) * i128::from(outward.rate.numerator());
        let takes = |timing: &cosma_planner::time::Timing, size: u64| {
            let of_byte = i128::from(timing.rate.denominator()) * one / i128::from(timing.rate.numerator());
            i128::from(size.max(timing.burst.0)) * of_byte + i128::from(timing.setup.0) * one
        };
        let size = |it: TensorId| graph.tensor(it).size.0;
        let is_one_channel = inward.channel == outward.channel;
        let of_byte = i128::from(inward.rate.denominator()) * one / i128::from(inward.rate.numerator());
        let mut sizes: Vec<u64> =
            graph.tensor_ids().filter(|it| !graph.readers(*it).is_empty()).map(size).filter(|it| *it != 0).collect();
        sizes.sort_unstable();
        let beyond = sizes.iter().map(|it| takes(inward, *it) - i128::from(*it) * of_byte).max().unwrap_or(0);
        let filling = |room: u64| {
            let sums = sizes.iter().scan(0, |sum, it| {
                *sum += it;
                Some(*sum)
            });
            let n_whole = sums.filter(|it| *it <= room).count() as i128 + 1;
            i128::from(room) * of_byte + n_whole * beyond
        };
        let (latency_in, latency_out) = (i128::from(inward.latency.0) * one, i128::from(outward.latency.0) * one);
        let (mut time, mut free, mut made) = (0, latency_in, 0);
        let mut is_touched = vec![false; graph.tensors().len()];
        let mut transfers = false;
        let mut ends = Vec::new();
        for (step, &op) in self.order.iter().enumerate() {
            let mut due = 0;
            let mut reads: Vec<TensorId> = graph.op(op).reads_on_chip().filter(|it| size(*it) != 0).collect();
            reads.sort_unstable();
            reads.dedup();
            for tensor in reads {
                let comes_back = |it: (usize, &(TensorId, Range<usize>))| {
                    it.1.0 == tensor && it.1.1.end == step && self.is_dropped(chosen, it.0)
                };
                let is_first = !is_touched[tensor.index()] && graph.producer(tensor).is_none();
                if is_first || self.gaps.iter().enumerate().any(comes_back) {
                    due += takes(inward, size(tensor));
                    transfers = true;
                }
            }
            problem.operands(op).for_each(|it| is_touched[it.index()] = true);
            let streamed: Vec<i128> = graph.op(op).reads_in(MemoryId::HOME).map(|it| takes(inward, size(it))).collect();
            let streams: i128 = streamed.iter().sum();
            transfers |= streams != 0;
            let streaming = if streamed.is_empty() { 0 } else { streams + latency_in };
            free += due;
            if due != 0 {
                time = time.max(free);
            }
            time += streaming.max(i128::from(problem.cycles(op).unwrap().unwrap().0) * one);
            free += streams;
            let (room, capacity) = rooms[step];
            free = free.max(time - filling(capacity - room) - if is_one_channel { made } else { 0 });
            let out = graph.op(op).writes.iter().filter(|it| graph.is_written_back(**it) && size(**it) != 0);
            let stores: i128 = out.map(|it| takes(outward, size(*it))).sum();
            transfers |= stores != 0;
            made += stores;
            ends.push((time, stores));
        }
        // After each operator, its own and later results must still be stored.
        let (mut out, mut end) = (0, time);
        for (time, stores) in ends.into_iter().rev() {
            out += stores;
            end = end.max(time + out + if out == 0 { 0 } else { latency_out });
        }
        if transfers {
            let out = if is_one_channel { made + latency_in.min(latency_out) } else { 0 };
            end = end.max(free + out - latency_in);
        }
        Some((end as u64).div_ceil(one as u64))
    }
}

/// The value of the search is that of the best order and residencies.
#[test]
fn the_search_with_labels_finds_the_best_of_all_paths() {
    let (met, spilling, several) = (Tally::default(), Tally::default(), Tally::default());
    hold(1500, Shape::TINY, |case| {
        let problem = with_clock(case);
        let mut best = None;
        let mut is_all = true;
        let orders = orders(&problem, 121);
        let mut of_source = None;
        for order in &orders {
            let line = Line::new(&problem, order);
            is_all &= line.gaps.len() <= 8;
            let found = (0..1_usize << line.gaps.len().min(8)).filter_map(|it| Some((line.divided(it)?, it))).min();
            best = best.into_iter().chain(found).min();
            if order.iter().copied().eq(problem.graph.op_ids()) {
                of_source = found;
            }
        }
        let Some((cycles, chosen)) = best.filter(|_| is_all && orders.len() <= 120) else { return Ok(()) };
        let found = labelled(&problem, Order::Free, Cycles(u64::MAX));
        prop_assert_eq!(found.bound, Cycles(cycles), "{}", problem);
        prop_assert!(found.is_complete);
        let (of_best, outline) = found.best.expect("there is a path");
        prop_assert_eq!(of_best, found.bound);
        // The path has this value.
        let line = Line::new(&problem, &outline.order);
        let dropped: Vec<usize> = (0..1 << line.gaps.len()).filter(|it| line.outline(*it) == outline).collect();
        prop_assert_eq!(dropped.iter().filter_map(|it| line.divided(*it)).min(), Some(cycles), "{}", problem);
        if let Some((cycles, _)) = of_source {
            prop_assert_eq!(labelled(&problem, Order::Source, Cycles(u64::MAX)).bound, Cycles(cycles), "{}", problem);
        }
        // Nothing is below the optimum, and a limit above it does not change the result.
        prop_assert_eq!(labelled(&problem, Order::Free, Cycles(cycles)).bound, Cycles(cycles), "{}", problem);
        prop_assert!(labelled(&problem, Order::Free, Cycles(cycles)).best.is_none());
        met.count(true);
        spilling.count(chosen != 0);
        several.count(1 < orders.len());
        Ok(())
    });
    let met = [met, spilling, several].map(|it| it.0.get());
    assert!(700 < met[0] && 30 < met[1] && 200 < met[2], "{met:?}");
}

/// No program is faster than the bound of the search, with any number of labels.
#[test]
fn no_program_is_faster_than_the_bound_of_the_search() {
    let (met, reached, better) = (Tally::default(), Tally::default(), Tally::default());
    hold(150, Shape::TINY, |case| {
        let problem = with_clock(case);
        let found = labelled(&problem, Order::Free, Cycles(u64::MAX));
        let mut best = Cycles(u64::MAX);
        for order in &orders(&problem, 40) {
            let line = Line::new(&problem, order);
            let chosen = (0..1_usize << line.gaps.len().min(4)).filter(|it| line.rooms(*it).is_some());
            let mut plans: Vec<_> =
                chosen.filter_map(|it| address(&problem, &line.outline(it), Deadline::NEVER)).collect();
            plans.extend(greedy_plan_in_order(&problem, order).ok());
            for plan in plans {
                let makespan = overlap(&problem, &plan, Deadline::NEVER).unwrap().timeline.makespan;
                prop_assert!(found.bound <= makespan, "{} < {}\n{}", makespan, found.bound, problem);
                let of_plan = bound_of_plan(&problem, &plan).unwrap();
                prop_assert!(of_plan <= makespan, "{} < {}\n{}", makespan, of_plan, problem);
                best = best.min(makespan);
            }
        }
        let any = bound_of_any_order(&problem, problem.restreamed()).unwrap().cycles;
        for limit in [1, 4, 20] {
            let options = LabelOptions { order: Order::Free, below: best, width: limit, limit: 10 * limit };
            let few = search_with_labels(&problem, &options, Deadline::NEVER).unwrap().expect("it is small");
            prop_assert!(few.bound <= best, "{} < {}\n{}", best, few.bound, problem);
        }
        met.count(true);
        reached.count(found.bound == best);
        better.count(any < found.bound);
        Ok(())
    });
    let met = [met, reached, better].map(|it| it.0.get());
    assert!(20 < met[1] && 5 < met[2], "{met:?}");
}

/// No program is faster than the bounds of integer programs: for its order, and for any.
#[cfg(feature = "ilp")]
#[test]
fn no_program_is_faster_than_what_integer_programs_prove() {
    use cosma_planner::ilp::{bound_of_cells, replace_in_time};
    use cosma_planner::time::bound_of_order;
    let (met, reached, better, cells_better, dropping) =
        (Tally::default(), Tally::default(), Tally::default(), Tally::default(), Tally::default());
    hold(100, Shape::TINY, |case| {
        let problem = with_clock(case);
        let cells = bound_of_cells(&problem, Deadline::NEVER).unwrap();
        let mut best = Cycles(u64::MAX);
        for order in &orders(&problem, 10) {
            let line = Line::new(&problem, order);
            let found = replace_in_time(&problem, order, None, i32::MAX, Deadline::NEVER).unwrap();
            let outline = found.outline.expect("there is time");
            let all = (0..1_usize << line.gaps.len()).take(64).filter(|it| line.rooms(*it).is_some());
            let outlines: Vec<Outline> = all.map(|it| line.outline(it)).chain([outline.clone()]).collect();
            let plans = outlines.iter().filter_map(|it| address(&problem, it, Deadline::NEVER));
            let mut of_order = Cycles(u64::MAX);
            for plan in plans {
                let makespan = overlap(&problem, &plan, Deadline::NEVER).unwrap().timeline.makespan;
                prop_assert!(found.bound <= makespan, "{} < {} of it\n{}", makespan, found.bound, problem);
                of_order = of_order.min(makespan);
            }
            let rooms = common::outline_verdict(&problem, &outline);
            prop_assert!(rooms.is_ok(), "{:?}\n{}", rooms, problem);
            met.count(true);
            reached.count(found.bound.0 + 1 >= of_order.0);
            better.count(bound_of_order(&problem, order).unwrap() < found.bound);
            dropping.count(!problem.restreamed().eq(&outline.non_compulsory(&problem)));
            best = best.min(of_order);
        }
        prop_assert!(cells <= best, "{} < {}\n{}", best, cells, problem);
        cells_better.count(bound_of_any_order(&problem, problem.restreamed()).unwrap().cycles < cells);
        Ok(())
    });
    let met = [met, reached, better, cells_better, dropping].map(|it| it.0.get());
    assert!(30 < met[1] && 5 < met[2] && 0 < met[3] && 3 < met[4], "{met:?}");
}
