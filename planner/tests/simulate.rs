//! The judge of time: by example, and compared with an independent computation.

mod common;

use common::{Case, hold};
use cosma_planner::testing::{Choices, Shape, clocked, overlap, parse_program, slice};
use cosma_planner::time::{Reason, Timeline, simulate};
use cosma_planner::{
    Action, Bytes, Copy, Cycles, Error, MemoryId, Origin, Problem, Slot, TensorId, check, greedy_plan, program_text,
};
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::HashMap;

/// A byte per cycle in, two out; 10 cycles of latency in.
const CHAIN: &str = "
machine scratchpad 256 alignment 64 weights resident
channel a
link host scratchpad rate 1 latency 10 on a
link scratchpad host rate 2 on a
argument x 64
weight w 64
op f: x -> y 64 cycles 50
op g: y w -> z 64 cycles 30
return z
";

/// The weight is loaded while the first operator runs.
const OVERLAPPED: &str = "
load x at 0
load w at 128 async
run f: x@0 -> y@64
wait w@128
run g: y@64 w@128 -> z@0
store z@0
";

fn timeline(problem: &str, program: &str) -> Timeline {
    let problem: Problem = problem.parse().expect("the problem parses");
    let actions = parse_program(&problem, program).expect("the program parses");
    check(&problem, &actions).expect("it is right");
    simulate(&problem, &actions).expect("the machine has a clock")
}

/// Lines, and then stalls, as text.
#[track_caller]
fn shows(problem: &str, program: &str, expected: &str) {
    let times = timeline(problem, program);
    let parsed: Problem = problem.parse().unwrap();
    let name = |it: TensorId| parsed.graph.tensor(it).name.as_str();
    let lines = program.trim().lines().zip(&times.lines).map(|(line, it)| format!("{}..{} {line}", it.start, it.end));
    let stalls = times.stalls.iter().map(|it| {
        format!(
            "{}..{} {} stalls line {} for {}",
            it.cycles.start,
            it.cycles.end,
            it.reason,
            it.line + 1,
            name(it.tensor)
        )
    });
    let text = lines.chain(stalls).collect::<Vec<_>>().join("\n");
    assert_eq!(text, expected.trim(), "\n{text}");
}

#[test]
fn a_synchronous_program_stands_still_for_each_transfer() {
    shows(
        CHAIN,
        "
load x at 0
run f: x@0 -> y@64
load w at 128
run g: y@64 w@128 -> z@0
store z@0
",
        "
0..74 load x at 0
74..124 run f: x@0 -> y@64
124..198 load w at 128
198..228 run g: y@64 w@128 -> z@0
228..260 store z@0
0..74 channel stalls line 1 for x
124..198 late stalls line 3 for w
228..260 channel stalls line 5 for z
",
    );
}

#[test]
fn a_transfer_goes_on_beside_operators_below_it() {
    shows(
        CHAIN,
        "
load x at 0 async
load w at 128 async
wait x@0
run f: x@0 -> y@64
wait w@128
run g: y@64 w@128 -> z@0
store z@0
",
        "
0..74 load x at 0 async
64..138 load w at 128 async
0..74 wait x@0
74..124 run f: x@0 -> y@64
124..138 wait w@128
138..168 run g: y@64 w@128 -> z@0
168..200 store z@0
0..74 channel stalls line 3 for x
124..138 channel stalls line 5 for w
168..200 channel stalls line 7 for z
",
    );
}

#[test]
fn each_stall_has_its_reason() {
    // The weight must wait for the place of x, which the first operator reads.
    let place = timeline(
        CHAIN,
        "
load x at 0
run f: x@0 -> y@64
load w at 0
run g: y@64 w@0 -> z@128
store z@128
",
    );
    assert_eq!((place.lost(Reason::Place), place.lost(Reason::Channel)), (Cycles(74), Cycles(74 + 32)));
    // Only the first load delayed the second one.
    let late = timeline(CHAIN, OVERLAPPED);
    assert_eq!((late.lost(Reason::Late), late.lost(Reason::Channel)), (Cycles(24), Cycles(74 + 32)));
    // Its channel is done with the weight at 96, but it takes another 60 cycles.
    let latency = timeline(
        &CHAIN
            .replace("latency 10", "latency 60")
            .replace("weight w 64", "weight w 32")
            .replace("cycles 50", "cycles 20"),
        "
load x at 0 async
load w at 128 async
wait x@0
run f: x@0 -> y@64
wait w@128
run g: y@64 w@128 -> z@0
store z@0
",
    );
    assert_eq!((latency.lost(Reason::Latency), latency.makespan), (Cycles(12), Cycles(156 + 30 + 32)));
}

const SPILL: &str = "
machine scratchpad 192 alignment 64 weights resident
channel a
channel b
link host scratchpad rate 1 on a
link scratchpad host rate 1 on b
op f: -> x 64 cycles 10
op g: -> y 64 cycles 10
op h: x y -> z 64 cycles 10
return z
";

#[test]
fn what_comes_back_waits_for_its_way_out() {
    let program = "
run f: -> x@0
spill x@0 async
run g: -> y@64
wait x@host
reload x at 128
run h: x@128 y@64 -> z@0
store z@0
";
    let times = timeline(SPILL, program);
    assert_eq!((times.lost(Reason::WriteBack), times.lost(Reason::Late)), (Cycles(54 + 64), Cycles(0)));
    // On one channel no wait is needed, but the reload waits.
    let one = SPILL.replace("host rate 1 on b", "host rate 1 latency 7 on a");
    let turned = program.replace("wait x@host\nreload x at 128\n", "reload x at 128 async\nwait x@host\nwait x@128\n");
    let times = timeline(&one, &turned);
    assert_eq!(times.lines[3], Cycles(81)..Cycles(145), "10 + 64 + 7");
    assert_eq!(times.makespan, Cycles(145 + 10 + 71));
}

#[test]
fn what_is_read_in_host_memory_goes_over_the_channel() {
    let problem = CHAIN.replace("y w ->", "y w@host ->");
    shows(
        &problem,
        "
load x at 0
run f: x@0 -> y@64
run g: y@64 w@host -> z@0
store z@0
",
        "
0..74 load x at 0
74..124 run f: x@0 -> y@64
124..198 run g: y@64 w@host -> z@0
198..230 store z@0
0..74 channel stalls line 1 for x
154..198 channel stalls line 3 for w
198..230 channel stalls line 4 for z
",
    );
}

#[test]
fn channels_are_counted() {
    let times = timeline(CHAIN, OVERLAPPED);
    let channel = times.channels[0];
    assert_eq!((channel.bytes, channel.busy, channel.hidden), (Bytes(192), Cycles(160), Cycles(50)));
    assert_eq!(times.hidden(), Some(50.0 / 160.0));
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let problem: Problem = CHAIN.parse().unwrap();
    let actions = greedy_plan(&problem).unwrap().actions(&problem);
    let plain = Problem { machine: problem.machine.without_clock(), ..problem.clone() };
    assert_eq!(simulate(&plain, &actions), Err(Error::NoClock));
    let endless: Problem = CHAIN.replace("cycles 50", "cycles 9223372036854775807").parse().unwrap();
    assert_eq!(simulate(&endless, &actions), Err(Error::TooManyCycles));
    let slow: Problem = CHAIN.replace("rate 1 ", "rate 1/18446744073709551615 ").parse().unwrap();
    assert_eq!(simulate(&slow, &actions), Err(Error::TooManyCycles));
}

/// The makespan as the longest path: a number for each line, raised until all waits are satisfied.
fn longest_path(problem: &Problem, actions: &[Action]) -> u64 {
    let clock = problem.machine.clock().unwrap();
    let timing = |copy: &Copy| {
        let links = problem.machine.links();
        clock.timings[links.iter().position(|it| (it.from, it.to) == (copy.from.memory, copy.to.memory)).unwrap()]
    };
    // By line: its transfers as (channel, cycles, latency, tensor, whether home).
    let (mut begin, mut end) = (vec![0; actions.len()], vec![0; actions.len()]);
    let mut arrive = vec![0; actions.len()];
    loop {
        let before = (begin.clone(), end.clone(), arrive.clone());
        let mut free: HashMap<usize, u64> = HashMap::new();
        let mut now = 0;
        for (line, action) in actions.iter().enumerate() {
            let home = |tensor: TensorId, arrive: &[u64]| {
                let parts = problem.graph.parts(tensor);
                let is_of = |copy: &Copy| {
                    copy.to.memory == MemoryId::HOME
                        && (copy.tensor == tensor
                            || problem.graph.tensor(tensor).origin == Origin::Staged && parts.contains(&copy.tensor))
                };
                let goes_home = |it: &usize| match &actions[*it] {
                    Action::Copy(copy) | Action::Issue(copy) | Action::IssueSlice(copy, _) => is_of(copy),
                    _ => false,
                };
                (0..line).filter(goes_home).map(|it| arrive[it]).max().unwrap_or(0)
            };
            let (copy, size) = match action {
                Action::Copy(copy) | Action::Issue(copy) => (Some(copy), problem.graph.tensor(copy.tensor).size),
                Action::IssueSlice(copy, slice) => (Some(copy), slice.high - slice.low),
                _ => (None, Bytes::ZERO),
            };
            begin[line] = now;
            if let Some(copy) = copy {
                let timing = timing(copy);
                let channel = free.entry(timing.channel.index()).or_default();
                let data = if copy.from.memory == MemoryId::HOME { home(copy.tensor, &arrive) } else { 0 };
                begin[line] = now.max(*channel).max(data);
                *channel = begin[line] + timing.busy(size).unwrap().0;
                arrive[line] = *channel + timing.latency.0;
                end[line] = if matches!(action, Action::Copy(_)) { arrive[line] } else { now };
            }
            if let Action::Wait(slot) = action {
                // The transfers to this slot since the last wait for it.
                let is_to = |it: &usize| match &actions[*it] {
                    Action::Issue(copy) | Action::IssueSlice(copy, _) => {
                        (copy.tensor, copy.to) == (slot.tensor, slot.place)
                    }
                    _ => false,
                };
                let last = (0..line).rev().find(|it| actions[*it] == Action::Wait(*slot)).unwrap_or(0);
                end[line] = (last..line).filter(is_to).map(|it| arrive[it]).max().unwrap_or(0).max(now);
            }
            if let Action::Run { op, reads, .. } = action {
                let streamed: Vec<&Slot> = reads.iter().filter(|it| it.place.memory == MemoryId::HOME).collect();
                let mut last = 0;
                for (index, slot) in streamed.iter().enumerate() {
                    let copy =
                        Copy { tensor: slot.tensor, from: slot.place, to: cosma_planner::Place::on_chip(Bytes(0)) };
                    let timing = timing(&copy);
                    let channel = free.entry(timing.channel.index()).or_default();
                    let start = begin[line].max(*channel).max(home(slot.tensor, &arrive));
                    if index == 0 {
                        begin[line] = start;
                    }
                    *channel = start + timing.busy(problem.graph.tensor(slot.tensor).size).unwrap().0;
                    last = last.max(*channel + timing.latency.0);
                }
                end[line] = last.max(begin[line] + problem.cycles(*op).unwrap().unwrap().0);
            }
            now = now.max(end[line]);
        }
        if before == (begin.clone(), end.clone(), arrive.clone()) {
            return now;
        }
    }
}

#[test]
fn a_second_count_agrees_and_stalls_add_up() {
    let right = Cell::new(0);
    hold(1500, Shape::SMALL, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let problem = Problem { machine: clocked(&problem.machine, &mut choices), ..problem.clone() };
        let mut actions = greedy_plan(&problem).expect("there is a plan").actions(&problem);
        let synchronous = simulate(&problem, &actions).unwrap();
        for late in [false, true] {
            if late {
                overlap(&mut actions, &mut choices);
                slice(&problem, &mut actions, &mut choices);
            }
            let times = simulate(&problem, &actions).unwrap();
            if check(&problem, &actions).is_err() {
                return Ok(());
            }
            right.set(right.get() + 1);
            let lost: u64 = times.stalls.iter().map(|it| it.cycles.end.0 - it.cycles.start.0).sum();
            let text = program_text(&problem, &actions).join("\n");
            prop_assert_eq!(times.compute.0 + lost, times.makespan.0, "{}", text);
            prop_assert_eq!(Reason::ALL.map(|it| times.lost(it).0).iter().sum::<u64>(), lost);
            prop_assert!(times.stalls.iter().all(|it| it.cycles.start < it.cycles.end));
            prop_assert!(times.stalls.is_sorted_by(|a, b| a.cycles.end <= b.cycles.start));
            prop_assert_eq!(times.makespan.0, longest_path(&problem, &actions), "{}", text);
            prop_assert_eq!(times.compute, synchronous.compute);
            for channel in &times.channels {
                prop_assert!(channel.hidden <= channel.busy && channel.busy <= times.makespan);
            }
        }
        Ok(())
    });
    assert!(1700 < right.get(), "{right:?}");
}
