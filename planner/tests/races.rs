//! Asynchronous copies: the judge's verdicts, by example, and compared with every reachable state.

mod common;

use common::{Tally, byte_a_cycle, hold};
use cosma_planner::testing::{
    Answer, Choices, Shape, compute, interpret_with, is_free_of_races, overlap, parse_program, slice,
};
use cosma_planner::time::{Channel, Clock, Compute};
use cosma_planner::{Action, Bytes, Fault, Machine, Problem, check, greedy_plan, program_text};
use proptest::prelude::*;

/// `x` is stored while `w` is loaded, on one channel or on two.
const PROBLEM: &str = "
machine scratchpad 192 alignment 64 weights resident
channel a
channel b
link host scratchpad rate 1 on a
link scratchpad host rate 1 on a
argument w 128
op f: -> x 128
op g: -> y 64
op h: y w -> z 64
op k: x ->
return z
";

#[track_caller]
fn verdict(problem: &str, program: &str) -> String {
    let problem: Problem = problem.parse().expect("the problem parses");
    let actions = match parse_program(&problem, program) {
        Ok(actions) => actions,
        Err(error) => return error.to_string(),
    };
    assert_eq!(program_text(&problem, &actions).join("\n"), program.trim(), "programs read back as written");
    match check(&problem, &actions) {
        Ok(traffic) => format!("right: {} + {} B", traffic.compulsory, traffic.non_compulsory),
        Err(violations) => violations.iter().map(|it| it.display(&problem).to_string()).collect::<Vec<_>>().join("\n"),
    }
}

const PROGRAM: &str = "
run f: -> x@0
spill x@0 async
load w at 0 slice 0..64 async
run g: -> y@128
load w at 0 slice 64..128 async
wait w@0
wait x@host
run h: y@128 w@0 -> z@NEW
reload x at 0 async
store z@128
wait x@0
run k: x@0 ->
";

#[test]
fn what_comes_in_may_follow_what_goes_out_in_one_channel() {
    let problem = PROBLEM.replace("z 64\nop k", "z 64 over y\nop k");
    let program = PROGRAM.replace("NEW", "128");
    assert_eq!(verdict(&problem, &program), "right: 192 + 256 B");
    // On two channels, nothing orders them.
    let apart = problem.replace("scratchpad host rate 1 on a", "scratchpad host rate 1 on b");
    let message = "line 3, step 1: w@0 is written where x is still being copied from or to";
    assert_eq!(verdict(&apart, &program), message);
    // Nor without a clock.
    let plain = problem.lines().filter(|it| !it.starts_with("link") && !it.starts_with("channel"));
    assert_eq!(verdict(&plain.collect::<Vec<_>>().join("\n"), &program), message);
    // A reload on the channel of its spill finds the tensor there.
    let late = program.replace("wait x@host\n", "").replace("wait x@0\n", "wait x@host\nwait x@0\n");
    assert_eq!(verdict(&problem, &late), "right: 192 + 256 B");
    // An operator does not wait for a channel.
    let late = program.replace("wait w@0\n", "").replace("store z", "wait w@0\nstore z");
    assert_eq!(
        verdict(&problem, &late),
        "line 3, step 1: w is copied to the scratchpad, but nothing reads it there\n\
         line 7, step 2: w is needed at 0, but does not lie there intact\n\
         line 8, step 3: x@0 is written where w is still being copied from or to"
    );
}

#[test]
fn what_was_waited_for_comes_after_all_before_it() {
    let problem = "
machine scratchpad 192 alignment 64 weights resident
channel a
link host scratchpad rate 1 on a
link scratchpad host rate 1 on a
argument w 64
op f: -> x 64
op g: w -> y 64
return x y
";
    // When w is complete, x has been read.
    let program = "
run f: -> x@0
store x@0 async
load w at 64 async
wait w@64
run g: w@64 -> y@0
store y@0
wait x@host
";
    assert_eq!(verdict(problem, program), "right: 192 + 0 B");
    let turned = program.replace("store x@0 async\nload w at 64 async", "load w at 64 async\nstore x@0 async");
    assert_eq!(verdict(problem, &turned), "line 5, step 1: y@0 is written where x is still being copied from or to");
}

#[test]
fn slices_are_disjoint_and_whole() {
    let problem = PROBLEM.replace("z 64\nop k", "z 64 over y\nop k");
    let program = PROGRAM.replace("NEW", "128");
    let turned = program.replace("0..64", "64..128").replacen("64..128", "TURNED", 2).replacen("TURNED", "64..128", 1);
    assert_eq!(verdict(&problem, &turned.replace("TURNED", "0..64")), "right: 192 + 256 B");
    for (slice, bytes) in [("63..128", "63 to 128"), ("64..64", "64 to 64"), ("64..129", "64 to 129")] {
        let said = verdict(&problem, &program.replace("64..128", slice));
        let message =
            format!("line 5, step 2: bytes {bytes} of w@0 are not a slice of it, or overlap an earlier slice");
        let not_whole = "line 6, step 2: w@0 is waited for, but not all of it is being copied";
        assert!(said.starts_with(&format!("{message}\n{not_whole}")), "{said}");
    }
    let said = verdict(&problem, &program.replace("64..128", "65..128"));
    assert!(said.starts_with("line 6, step 2: w@0 is waited for, but not all of it is being copied"), "{said}");
    // Only the first one counts as the load, and bytes add up.
    let whole = program
        .replace("load w at 0 slice 0..64 async\n", "")
        .replace("load w at 0 slice 64..128 async", "load w at 0");
    assert_eq!(verdict(&problem, &whole.replace("wait w@0\n", "")), "right: 192 + 256 B");
    // A place is taken slice by slice.
    let early = program.replace("run g: -> y@128\n", "").replace("wait w@0\n", "wait w@0\nrun g: -> y@128\n");
    assert_eq!(verdict(&problem, &early), "right: 192 + 256 B");
}

/// The machine with a clock with one or two channels, or with none.
fn with_channels(machine: &Machine, choices: &mut Choices) -> Machine {
    let n_channels = choices.one_of(&[1, 2, 0]);
    if n_channels == 0 {
        return machine.clone();
    }
    let channels = (0..n_channels).map(|it| Channel { name: format!("c{it}") }).collect();
    let timings = vec![byte_a_cycle(0), byte_a_cycle(n_channels - 1)];
    machine.clone().with_clock(Clock { channels, timings, compute: Compute::default() }).expect("it is one")
}

/// A problem in which every byte that an operator reads affects some result: every tensor that is written is a result.
/// `None` if a tensor has no bytes, or an operator no results.
fn where_all_is_seen(problem: &Problem) -> Option<Problem> {
    let graph = &problem.graph;
    let has_all = graph.tensors().iter().all(|it| it.size != Bytes::ZERO);
    if !has_all || graph.ops().iter().any(|it| it.writes.is_empty()) {
        return None;
    }
    let text = problem.to_string();
    let written = graph.ops().iter().flat_map(|it| &it.writes).map(|it| graph.tensor(*it).name.as_str());
    let result = format!("return {}", written.collect::<Vec<_>>().join(" "));
    let lines = text.lines().filter(|it| !it.starts_with("return")).chain([result.as_str()]);
    lines.collect::<Vec<_>>().join("\n").parse().ok()
}

/// If only the timing of copies can be wrong, the judge finds a fault exactly if some speed of the memories shows one,
/// or if the result is wrong at all speeds.
#[test]
fn the_judge_of_races_agrees_with_all_interleavings() {
    let (right, racing, sliced) = (Tally::default(), Tally::default(), Tally::default());
    hold(10_000, Shape::TINY, |common::Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let Some(mut problem) = where_all_is_seen(problem) else { return Ok(()) };
        problem.machine = with_channels(&problem.machine, &mut choices);
        let mut actions = greedy_plan(&problem).expect("there is a plan").actions(&problem);
        overlap(&mut actions, &mut choices);
        if choices.chance(50) {
            slice(&problem, &mut actions, &mut choices);
        }
        let is_waste =
            |it: &Fault| matches!(it, Fault::NeverRead(_) | Fault::ThereAlready(_) | Fault::RunsForNothing(_));
        let verdict = check(&problem, &actions);
        let faults = verdict.err().unwrap_or_default();
        let is_believed = faults.iter().all(|it| is_waste(&it.fault));
        let is_free = is_free_of_races(&problem, &actions);
        let answers = [Answer::AtIssue, Answer::AtWait];
        let is_right = answers.map(|it| interpret_with(&problem, &actions, it) == Ok(compute(&problem)));
        let text = || {
            let said = faults.iter().map(|it| it.display(&problem).to_string());
            program_text(&problem, &actions).into_iter().chain(said).collect::<Vec<_>>().join("\n")
        };
        prop_assert_eq!(is_believed, is_free && is_right == [true; 2], "free: {}\n{}\n{}", is_free, problem, text());
        right.count(is_believed && actions.iter().any(|it| matches!(it, Action::Wait(_))));
        racing.count(!is_free);
        sliced.count(is_believed && actions.iter().any(|it| matches!(it, Action::IssueSlice(..))));
        Ok(())
    });
    assert!(300 < right.0.get() && 300 < racing.0.get() && 100 < sliced.0.get(), "{:?}", (right.0, racing.0, sliced.0));
}
