//! Bounds on the makespan, compared with enumeration.

mod common;

use common::{Case, byte_a_cycle, hold};
use cosma_planner::testing::{Choices, Shape, clocked, orders};
use cosma_planner::time::{
    Channel, ChannelId, Clock, Compute, Ratio, Timing, bound_of_any_order, bound_of_order, bound_of_plan, overlap,
    simulate,
};
use cosma_planner::{
    Action, Bytes, Cycles, Deadline, Error, MemoryId, OpId, Outline, Plan, Problem, TensorId, greedy_plan,
    greedy_plan_in_order,
};
use proptest::prelude::*;
use std::cell::Cell;

/// A byte per cycle in each direction, on separate channels, without setup or latency.
fn byte_by_byte(problem: &Problem, choices: &mut Choices) -> Problem {
    let mut machine = problem.machine.clone();
    machine.set_alignment(Bytes(1));
    let channels = ["in", "out"].map(|it| Channel { name: it.into() }).to_vec();
    let bytes_per_cycle = choices.one_of(&[Ratio::new(1, 1), Ratio::new(2, 1), Ratio::new(1, 2)]);
    let compute = Compute { bytes_per_cycle, ..Compute::default() };
    let machine = machine.with_clock(Clock { channels, timings: vec![byte_a_cycle(0), byte_a_cycle(1)], compute });
    Problem { machine: machine.expect("it has a clock"), ..problem.clone() }
}

/// The same problem without any stores at the end.
fn without_results(problem: &Problem) -> Problem {
    let text = problem.to_string();
    let left: Vec<&str> = text.lines().filter(|it| !it.starts_with("return")).collect();
    left.join("\n").parse().unwrap()
}

struct Step {
    cycles: u64,
    room: u64,
    due: u64,
}

/// The steps of a plan that only loads, without write-backs or streaming.
fn steps(problem: &Problem, plan: &Plan) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut due = 0;
    for action in plan.actions(problem) {
        match action {
            Action::Copy(copy) if copy.from.memory == MemoryId::HOME => due += problem.graph.tensor(copy.tensor).size.0,
            Action::Run { op, reads, .. } if reads.iter().all(|it| it.place.memory == MemoryId::SCRATCHPAD) => {
                let cycles = problem.cycles(op).unwrap().unwrap().0;
                steps.push(Step { cycles, room: problem.graph.op(op).workspace.0, due: std::mem::take(&mut due) });
            }
            _ => return None,
        }
    }
    for it in &plan.residencies {
        let during = &mut steps[it.steps.start.index()..it.steps.end.index()];
        during.iter_mut().for_each(|step| step.room += problem.graph.tensor(it.tensor).size.0);
    }
    for (step, pairs) in steps.iter_mut().zip(problem.in_place_by_step(&plan.order)) {
        step.room -= pairs.iter().map(|it| problem.graph.tensor(it.inner()).size.0).sum::<u64>();
    }
    Some(steps)
}

/// The time if in each cycle the next byte is loaded, in the order of use, as soon as there is space for it until it is
/// used.
fn byte_after_byte(steps: &[Step], scratchpad: u64) -> u64 {
    let mut cycle = 0;
    let (mut at, mut left) = (0, None);
    let mut to_come: Vec<u64> = steps.iter().map(|it| it.due).collect();
    let mut ahead = vec![0; steps.len()];
    while at < steps.len() {
        if left.is_none() && to_come[at] == 0 {
            ahead[at] = 0;
            left = Some(steps[at].cycles);
        }
        if left == Some(0) {
            (at, left) = (at + 1, None);
            continue;
        }
        let next = to_come.iter().position(|it| 0 < *it);
        let has_room = |due: usize| {
            let beyond = |step: usize| ahead[step + 1..].iter().sum::<u64>();
            (at..due).all(|step| steps[step].room + beyond(step) < scratchpad)
        };
        if let Some(due) = next.filter(|due| has_room(*due)) {
            to_come[due] -= 1;
            ahead[due] += 1;
        }
        left = left.map(|it| it - 1);
        cycle += 1;
    }
    cycle
}

#[test]
fn the_bound_of_a_plan_is_reached_where_loads_can_be_divided() {
    let (met, stalls, waits) = (Cell::new(0), Cell::new(0), Cell::new(0));
    hold(6000, Shape::SMALL, |Case { problem, bytes }| {
        let problem = byte_by_byte(&without_results(problem), &mut Choices::new(bytes));
        let plan = greedy_plan(&problem).expect("there is a plan");
        let Some(steps) = steps(&problem, &plan) else { return Ok(()) };
        let makespan = byte_after_byte(&steps, problem.machine.scratchpad().0);
        let bound = bound_of_plan(&problem, &plan).unwrap();
        prop_assert_eq!(bound.0, makespan, "{}", problem);
        met.set(met.get() + 1);
        let compute: u64 = steps.iter().map(|it| it.cycles).sum();
        let loads: u64 = steps.iter().map(|it| it.due).sum();
        stalls.set(stalls.get() + u32::from(compute < makespan));
        // Neither computing nor the channel dominates.
        waits.set(waits.get() + u32::from(compute + steps[0].due < makespan && loads < makespan));
        Ok(())
    });
    assert!(800 < met.get() && 300 < stalls.get() && 100 < waits.get(), "{:?}", (met, stalls, waits));
}

#[test]
fn no_order_is_faster_than_the_bound_for_any() {
    let (reached, several) = (Cell::new(0), Cell::new(0));
    hold(250, Shape::TINY, |Case { problem, bytes }| {
        let machine = clocked(&problem.machine, &mut Choices::new(bytes));
        let problem = Problem { machine, ..problem.clone() };
        let bound = bound_of_any_order(&problem, problem.restreamed()).unwrap().cycles;
        let mut best = Cycles(u64::MAX);
        let orders = orders(&problem, 60);
        for order in &orders {
            let Ok(plan) = greedy_plan_in_order(&problem, order) else { continue };
            let found = overlap(&problem, &plan, Deadline::NEVER).unwrap();
            let makespan = found.timeline.makespan;
            let lines = || cosma_planner::program_text(&problem, &found.actions).join("\n");
            prop_assert!(bound <= makespan, "{} < {}\n{}{}", makespan, bound, problem, lines());
            prop_assert!(found.bound <= makespan, "{} < {} of it\n{}{}", makespan, found.bound, problem, lines());
            best = best.min(found.timeline.makespan);
        }
        reached.set(reached.get() + u32::from(bound == best));
        several.set(several.get() + u32::from(1 < orders.len()));
        Ok(())
    });
    assert!(30 < reached.get() && 100 < several.get(), "{:?}", (reached, several));
}

/// In every order, with every residency that costs nothing, and each byte as soon as there is space for it: nothing is
/// faster than the bounds for any order and for this one, and they are usually reached.
#[test]
fn no_order_and_no_residency_is_faster_than_the_bounds() {
    let (met, any_reached, order_reached, with_gaps) = (Cell::new(0), Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |it: &Cell<u32>, is_it: bool| it.set(it.get() + u32::from(is_it));
    hold(1500, Shape::TINY, |Case { problem, bytes }| {
        let problem = byte_by_byte(&without_results(problem), &mut Choices::new(bytes));
        let any = bound_of_any_order(&problem, problem.restreamed()).unwrap().cycles;
        let mut best = u64::MAX;
        for order in orders(&problem, 60) {
            let of_order = bound_of_order(&problem, &order).unwrap();
            prop_assert!(any <= of_order, "{} > {}\n{}", any, of_order, problem);
            let Some((least, n_gaps)) = least_of_residencies(&problem, &order) else { continue };
            prop_assert!(of_order.0 <= least, "{} > {} in {:?}\n{}", of_order, least, order, problem);
            best = best.min(least);
            count(&order_reached, of_order.0 == least);
            count(&with_gaps, 0 < n_gaps);
            count(&met, true);
        }
        prop_assert!(any.0 <= best, "{} > {}\n{}", any, best, problem);
        count(&any_reached, any.0 == best);
        Ok(())
    });
    let met = [met, order_reached, any_reached, with_gaps].map(|it| it.get());
    assert!(1000 < met[0] && met[0] / 2 < met[1] && 300 < met[2] && 100 < met[3], "{met:?}");
}

/// The least time over all residencies in an order in which only arguments are evicted and reloaded; and the number of
/// those that can be.
fn least_of_residencies(problem: &Problem, order: &[OpId]) -> Option<(u64, usize)> {
    let graph = &problem.graph;
    let uses = |tensor| -> Vec<usize> {
        (0..order.len()).filter(|step| problem.operands(order[*step]).any(|it| it == tensor)).collect()
    };
    // Between two uses: kept in any case, or an argument that may be evicted.
    let mut kept: Vec<Vec<TensorId>> = vec![Vec::new(); order.len()];
    let mut gaps: Vec<(TensorId, std::ops::Range<usize>)> = Vec::new();
    for tensor in graph.tensor_ids() {
        for pair in uses(tensor).windows(2) {
            match graph.producer(tensor) {
                Some(_) => kept[pair[0]..pair[1]].iter_mut().for_each(|it| it.push(tensor)),
                None => gaps.push((tensor, pair[0]..pair[1])),
            }
        }
    }
    if 6 < gaps.len() {
        return None;
    }
    let scratchpad = problem.machine.scratchpad().0;
    let times = (0..1_usize << gaps.len()).filter_map(|chosen| {
        let mut kept = kept.clone();
        for (_, (tensor, steps)) in gaps.iter().enumerate().filter(|(gap, _)| chosen >> gap & 1 == 1) {
            kept[steps.clone()].iter_mut().for_each(|it| it.push(*tensor));
        }
        let outline = Outline::new(problem, order.to_vec(), &kept);
        let offsets = vec![Bytes::ZERO; outline.stays.len()];
        let steps = steps(problem, &outline.at(&offsets, vec![Bytes::ZERO; order.len()]))?;
        steps.iter().all(|it| it.room <= scratchpad).then(|| byte_after_byte(&steps, scratchpad))
    });
    times.min().map(|it| (it, gaps.len()))
}

/// Whole loads in every order, each as soon as there is space for it: no queue is faster than the bound, and the
/// program found is usually as fast as the best queue, which ignores addresses.
#[test]
fn no_queue_is_faster_than_the_bound() {
    let (met, as_fast) = (Cell::new(0), Cell::new(0));
    hold(1500, Shape::TINY, |Case { problem, bytes }| {
        let problem = byte_by_byte(&without_results(problem), &mut Choices::new(bytes));
        let plan = greedy_plan(&problem).expect("there is a plan");
        let Some(steps) = steps(&problem, &plan) else { return Ok(()) };
        let mut loads: Vec<(usize, u64)> = Vec::new();
        let mut step = 0;
        for action in plan.actions(&problem) {
            match action {
                Action::Copy(copy) => loads.push((step, problem.graph.tensor(copy.tensor).size.0)),
                _ => step += 1,
            }
        }
        loads.retain(|it| it.1 != 0);
        if 5 < loads.len() {
            return Ok(());
        }
        let scratchpad = problem.machine.scratchpad().0;
        let best = queues(loads.len()).iter().filter_map(|it| of_queue(&steps, &loads, it, scratchpad)).min();
        let found = overlap(&problem, &plan, Deadline::NEVER).unwrap();
        let synchronous = simulate(&problem, &plan.actions(&problem)).unwrap().makespan;
        let best = best.expect("there is a queue");
        prop_assert!(found.bound.0 <= best && best <= synchronous.0, "{}", problem);
        met.set(met.get() + 1);
        as_fast.set(as_fast.get() + u32::from(found.timeline.makespan.0 <= best));
        Ok(())
    });
    assert!(400 < met.get() && met.get() * 9 / 10 < as_fast.get(), "{:?}", (met, as_fast));
}

fn queues(n: usize) -> Vec<Vec<usize>> {
    if n == 0 {
        return vec![Vec::new()];
    }
    let shorter = queues(n - 1);
    let insert = |queue: &Vec<usize>, at: usize| {
        let mut queue = queue.clone();
        queue.insert(at, n - 1);
        queue
    };
    shorter.iter().flat_map(|queue| (0..n).map(move |at| insert(queue, at))).collect()
}

/// The makespan of a queue of whole loads, each as early as the sum of sizes allows; `None` if one of them would be too
/// late for its step.
fn of_queue(steps: &[Step], loads: &[(usize, u64)], queue: &[usize], scratchpad: u64) -> Option<u64> {
    let mut rooms: Vec<u64> = steps.iter().map(|it| it.room).collect();
    let mut since = Vec::new();
    for &load in queue {
        let (due, size) = loads[load];
        let first = since.last().map_or(0, |it: &usize| *it);
        let fits = |step: &usize| (*step..due).all(|it| rooms[it] + size <= scratchpad);
        let step = (first..=due).find(fits)?;
        rooms[step..due].iter_mut().for_each(|it| *it += size);
        since.push(step);
    }
    let (mut now, mut free, mut next) = (0, 0, 0);
    let mut there = vec![0; loads.len()];
    for (step, it) in steps.iter().enumerate() {
        while next < queue.len() && since[next] <= step {
            free = now.max(free) + loads[queue[next]].1;
            there[queue[next]] = free;
            next += 1;
        }
        let due = (0..loads.len()).filter(|load| loads[*load].0 == step).map(|load| there[load]);
        now = due.max().unwrap_or(0).max(now) + it.cycles;
    }
    Some(now)
}

/// The problem with a modified clock.
fn with_timing(problem: &Problem, change: impl Fn(&mut Timing)) -> Problem {
    let mut clock = problem.machine.clock().expect("there is one").clone();
    clock.timings.iter_mut().for_each(change);
    Problem { machine: problem.machine.clone().with_clock(clock).expect("it is one"), ..problem.clone() }
}

#[test]
fn faster_and_larger_machines_do_not_raise_a_bound() {
    hold(500, Shape::SMALL, |Case { problem, bytes }| {
        let machine = clocked(&problem.machine, &mut Choices::new(bytes));
        let problem = Problem { machine, ..problem.clone() };
        let plan = greedy_plan(&problem).expect("there is a plan");
        let bounds = |problem: &Problem| {
            let any = bound_of_any_order(problem, problem.restreamed()).unwrap().cycles;
            (any, bound_of_plan(problem, &plan).unwrap())
        };
        let (any, of_plan) = bounds(&problem);
        // The bound of a plan counts the latency of the last transfer only if the channel certainly works after the
        // last operator, so it may miss it on the slower machine.
        let latency = |from, to| problem.machine.timing(from, to).map_or(Cycles::ZERO, |it| it.latency);
        let (home, chip) = (MemoryId::HOME, MemoryId::SCRATCHPAD);
        let of_plan = of_plan + latency(home, chip).max(latency(chip, home));
        let twice = |it: &mut Timing| it.rate = Ratio::new(2 * it.rate.numerator(), it.rate.denominator()).unwrap();
        let twice = bounds(&with_timing(&problem, twice));
        prop_assert!(twice.0 <= any && twice.1 <= of_plan, "{}", problem);
        let (mut wide, scratchpad) = (problem.clone(), problem.machine.scratchpad());
        wide.machine.set_scratchpad(Bytes(2 * scratchpad.0 + 64));
        let wide = bounds(&wide);
        prop_assert!(wide.0 <= any && wide.1 <= of_plan, "{}", problem);
        // If transfers take no time, only operators count.
        let at_once = with_timing(&problem, |it| {
            *it = Timing { rate: Ratio::new(u64::MAX, 1).unwrap(), channel: it.channel, ..byte_at_once() };
        });
        let found = overlap(&at_once, &plan, Deadline::NEVER).unwrap();
        let n_transfers = plan.actions(&at_once).len() as u64 + 2 * problem.graph.tensors().len() as u64;
        let compute = found.timeline.compute.0;
        prop_assert!((compute..=compute + n_transfers).contains(&found.timeline.makespan.0), "{}", problem);
        Ok(())
    });
}

fn byte_at_once() -> Timing {
    let (setup, latency, burst) = (Cycles::ZERO, Cycles::ZERO, Bytes::ZERO);
    Timing { channel: ChannelId(0), rate: Ratio::ONE, setup, latency, burst }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let text = "machine scratchpad 128 alignment 64
channel a
link host scratchpad rate RATE latency LATENCY on a
link scratchpad host rate 1/18446744073709551615 on a
argument x 64
op f: x -> y 64 cycles 9223372036854775000
return y
";
    for (rate, latency) in [("1", "0"), ("1/18446744073709551615", "0"), ("1", "18446744073709551615")] {
        let problem: Problem = text.replace("RATE", rate).replace("LATENCY", latency).parse().unwrap();
        let plan = greedy_plan(&problem).unwrap();
        assert_eq!(bound_of_plan(&problem, &plan), Err(Error::TooManyCycles), "{rate} {latency}");
        assert_eq!(bound_of_any_order(&problem, Bytes(1)), Err(Error::TooManyCycles));
        assert_eq!(overlap(&problem, &plan, Deadline::NEVER), Err(Error::TooManyCycles));
        let plain = Problem { machine: problem.machine.without_clock(), ..problem };
        assert_eq!(bound_of_plan(&plain, &plan), Err(Error::NoClock));
        assert_eq!(overlap(&plain, &plan, Deadline::NEVER), Err(Error::NoClock));
    }
}
