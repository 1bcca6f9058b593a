//! Tensors at fixed addresses, and tensors that start or end in the scratchpad.

mod common;

use common::*;
use cosma_planner::baseline::Baseline;
use cosma_planner::testing::{
    Answer, Choices, Shape, clocked, compute, interpret, interpret_with, joint_optimum_if_any, noise, parse_program,
    seeded_problem, with_pins,
};
use cosma_planner::time::{bound_of_plan, overlap_at_addresses, plan_in_time, simulate};
use cosma_planner::{
    Action, Bytes, Error, Fault, Options, Problem, Slot, Solution, Solver, TensorId, check, check_with_ends,
    greedy_plan, plan, plan_from, plan_in_order, program_text,
};
use std::ops::ControlFlow;

/// The number of random problems, unless `COSMA_PIN_CASES` gives another.
fn n_cases(usual: u64) -> u64 {
    std::env::var("COSMA_PIN_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(usual)
}

/// The first seed: `COSMA_PIN_FROM`.
fn first_case() -> u64 {
    std::env::var("COSMA_PIN_FROM").ok().and_then(|it| it.parse().ok()).unwrap_or(0)
}

fn random(shape: Shape, seed: u64) -> Problem {
    let problem = seeded_problem(shape, seed);
    with_pins(&problem, &mut Choices::new(&noise(seed ^ 0x5eed, 256)))
}

/// Checks a plan with the judge, and that it computes the right bytes.
#[track_caller]
fn expect_right(problem: &Problem, plan: &cosma_planner::Plan) -> cosma_planner::Bytes {
    let traffic = verdict(problem, plan).unwrap_or_else(|error| panic!("{problem}\n{error}"));
    assert_eq!(interpret(problem, &plan.actions(problem)), Ok(compute(problem)), "{problem}");
    traffic.non_compulsory
}

fn is_impossible(error: &Error) -> bool {
    matches!(error, Error::Pin { .. } | Error::NoPlace { .. } | Error::ScratchpadTooSmall { .. })
}

/// Each plan is correct, each bound is valid, and each "infeasible" is true, by trying every order and every address.
#[test]
fn as_trying_everything_says() {
    let (mut n_plans, mut n_proven, mut n_best, mut n_impossible, mut n_moving) = (0, 0, 0, 0, 0);
    for seed in (first_case()..).take(n_cases(600) as usize) {
        let shape = Shape { ops: 1 + seed % 4, units: 1 + seed % 3 };
        let problem = random(shape, seed);
        if 8 < problem.machine.scratchpad().0.div_ceil(problem.machine.alignment().0) {
            continue;
        }
        let optimum = match problem.check() {
            Err(Error::Pin { .. }) => None,
            _ => joint_optimum_if_any(&problem),
        };
        let text: Problem = problem.to_string().parse().expect("what is printed is read");
        assert_eq!(text, problem);
        let solvers = [Solver::Auto, Solver::Search, Solver::Greedy, Solver::Ilp];
        let is_asked = |it: &Solver| *it != Solver::Ilp || cfg!(feature = "ilp") && seed % 8 == 0;
        for solver in solvers.into_iter().filter(is_asked) {
            let options = Options { solver, state_limit: 500, ..Options::default() };
            match (plan(&problem, &options), optimum) {
                (Ok(solution), Some(optimum)) => {
                    let Solution { ref plan, non_compulsory, lower_bound, .. } = solution;
                    assert_eq!(expect_right(&problem, plan), non_compulsory, "{solver:?}\n{problem}");
                    let is_true = lower_bound <= optimum && optimum <= non_compulsory;
                    assert!(is_true, "{solver:?}: {lower_bound} {optimum} {non_compulsory}\n{problem}");
                    n_plans += 1;
                    n_proven += u32::from(solution.is_optimal());
                    n_best += u32::from(optimum == non_compulsory);
                    n_moving += u32::from(problem.restreamed() < optimum);
                }
                (Err(error), None) => {
                    assert!(is_impossible(&error), "{error}\n{problem}");
                    n_impossible += 1;
                }
                (Ok(solution), None) => {
                    expect_right(&problem, &solution.plan);
                    panic!("{solver:?}: there is a plan after all\n{problem}");
                }
                (Err(error), Some(_)) => panic!("{solver:?}: {error}\n{problem}"),
            }
        }
    }
    println!("{n_plans} plans, {n_proven} proven, {n_best} best, {n_moving} moving, {n_impossible} impossible");
    assert!(200 < n_plans && 100 < n_impossible && 30 < n_moving, "{n_plans} {n_impossible} {n_moving}");
}

/// Plans in source order, baselines and further steps are correct as well.
#[test]
fn every_planner_is_right() {
    let (mut n_plans, mut n_spilling) = (0, 0);
    for seed in 0..n_cases(150) {
        let problem = random(Shape::SMALL, seed);
        let Ok(greedy) = greedy_plan(&problem) else { continue };
        n_spilling += u32::from(problem.restreamed() < expect_right(&problem, &greedy));
        for (name, planner) in planners() {
            let plan = planner(&problem).unwrap_or_else(|error| panic!("{name}: {error}\n{problem}"));
            expect_right(&problem, &plan);
            n_plans += 1;
        }
        for baseline in Baseline::all() {
            let plan = baseline.plan(&problem).unwrap_or_else(|error| panic!("{baseline}: {error}\n{problem}"));
            expect_right(&problem, &plan);
        }
        let order: Vec<_> = problem.graph.op_ids().collect();
        let given = plan_in_order(&problem, &order, &Options { state_limit: 500, ..Options::default() });
        let given = given.expect("the order of the source has a plan");
        assert_eq!(expect_right(&problem, &given.plan), given.non_compulsory);
        // An existing plan is accepted again.
        let options = Options { state_limit: 500, ..Options::default() };
        let again = plan_from(&problem, &options, &given.plan, &|_| ControlFlow::Continue(())).expect("it is a plan");
        assert!(again.non_compulsory <= given.non_compulsory, "{problem}");
        expect_right(&problem, &again.plan);
    }
    println!("{n_plans} plans, {n_spilling} spilling");
    assert!(200 < n_plans && 5 < n_spilling, "{n_plans} {n_spilling}");
}

/// With a clock, transfers overlap with operators, and pins stay in place.
#[test]
fn with_a_clock() {
    let (mut n_plans, mut n_overlapped) = (0, 0);
    for seed in 0..n_cases(150) {
        let bytes = noise(seed ^ 0xc10c, 64);
        let mut problem = random(Shape::SMALL, seed);
        problem.machine = clocked(&problem.machine, &mut Choices::new(&bytes));
        let options = Options { state_limit: 500, ..Options::default() };
        let Ok(timed) = plan_in_time(&problem, &options, &|_| ControlFlow::Continue(())) else { continue };
        n_plans += 1;
        let actions = &timed.overlapped.actions;
        let traffic = check(&problem, actions).unwrap_or_else(|violations| {
            let violations: Vec<String> = violations.iter().map(|it| it.display(&problem).to_string()).collect();
            panic!("{problem}\n{}\n{}", program_text(&problem, actions).join("\n"), violations.join("\n"))
        });
        assert_eq!(traffic.non_compulsory, timed.solution.non_compulsory, "{problem}");
        for answer in [Answer::AtIssue, Answer::AtWait] {
            assert_eq!(interpret_with(&problem, actions, answer), Ok(compute(&problem)), "{problem}");
        }
        let makespan = simulate(&problem, actions).expect("it has a clock").makespan;
        assert_eq!(makespan, timed.overlapped.timeline.makespan);
        assert!(timed.bound.cycles <= makespan, "{problem}");
        let plan = &timed.overlapped.plan;
        let bound = bound_of_plan(&problem, plan).expect("it has a clock");
        assert!(bound <= makespan && timed.any_order.cycles <= makespan, "{problem}");
        let again = overlap_at_addresses(&problem, plan).expect("it has a clock");
        check(&problem, &again.actions).expect("the judge accepts it");
        let synchronous = simulate(&problem, &plan.actions(&problem)).expect("it has a clock").makespan;
        assert!(makespan <= synchronous, "{problem}");
        n_overlapped += u32::from(makespan < synchronous);
    }
    println!("{n_plans} plans, {n_overlapped} overlapped");
    assert!(50 < n_plans && 20 < n_overlapped, "{n_plans} {n_overlapped}");
}

/// The error for a problem.
fn error(text: &str) -> String {
    let problem: Problem = text.parse().expect("a problem");
    let error = plan(&problem, &Options::default()).expect_err("there is no plan");
    assert_eq!(problem.check(), Err(error.clone()));
    assert!(greedy_plan(&problem).is_err());
    error.to_string()
}

#[test]
fn what_cannot_be_says_why() {
    let head = "machine scratchpad 256 alignment 64 weights resident\nargument x 64\nargument z 100\n";
    let tail = "op f: x z -> y 64\nreturn y\n";
    let with = |pins: &str| error(&format!("{head}{tail}{pins}"));
    assert_eq!(with("pin x at 32"), "x cannot lie at 32: that is 32 B off the alignment of 64 B");
    assert_eq!(with("pin z at 192"), "z cannot lie at 192: it ends 36 B after the scratchpad of 256 B");
    let last = u64::MAX - 63;
    let beyond = with(&format!("pin z at {last}"));
    assert_eq!(
        beyond,
        format!("z cannot lie at {last}: it ends {} B after the scratchpad of 256 B", u128::from(last) + 100 - 256)
    );
    assert_eq!(with("pin x at 64\npin z at 0"), "f needs x@64 and z@0 at once, which overlap by 36 B");
    assert_eq!(
        with("pin x at 128\nstarts on-chip x z\npin z at 64"),
        "before the first operator runs, the scratchpad must hold x@128 and z@64 at once, which overlap by 36 B"
    );
    // The gaps around x have 64 and 192 bytes, and the larger one is a byte too small for both z and y.
    let wide = format!("{}op f: x z -> y 65\nreturn y\npin x at 64\n", head.replace("256", "320"));
    let gaps = "f needs x@64 of 64 B, z of 100 B, y of 65 B at once, 320 B in all, but no gaps are large enough";
    assert_eq!(error(&wide), gaps);
    let reserved = format!(
        "memory host\nmemory l1 256 alignment 64 reserved 64..80\nlink host l1\nlink l1 host\nargument x 64\nargument z 100\n{tail}"
    );
    assert_eq!(
        error(&format!("{reserved}pin z at 0")),
        "z cannot lie at 0: 16 B of it would be in 64..80, which is reserved"
    );
}

/// The gaps between reserved addresses have one and two units; f needs three at once.
#[test]
fn an_operator_has_room_in_several_stretches() {
    let text = "memory host\nmemory l1 256 alignment 64 reserved 64..128\nlink host l1\nlink l1 host\nargument x 64\n\
                argument z 128\nop f: x z -> \nop g: z -> y 64\nreturn y\n";
    let problem: Problem = text.parse().expect("a problem");
    assert_eq!(problem.check(), Ok(()));
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    expect_right(&problem, &solution.plan);
    assert_eq!(solution.non_compulsory, cosma_planner::Bytes::ZERO);
}

/// x starts where y must end, so one of them must wait for the other; nothing else moves.
#[test]
fn what_starts_and_what_ends_moves_nothing() {
    let text = "machine scratchpad 256 alignment 64 weights resident
argument x 64
op f: x -> t 64
op g: t -> y 64
pin x at 0
pin y at 0
starts on-chip x
ends on-chip y
";
    let problem: Problem = text.parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    expect_right(&problem, &solution.plan);
    assert!(solution.is_optimal());
    let actions = solution.plan.actions(&problem);
    assert_eq!(program_text(&problem, &actions), ["start x@0", "run f: x@0 -> t@64", "run g: t@64 -> y@0"]);
    assert_eq!(problem.compulsory(), cosma_planner::Bytes::ZERO);
    // A missing line, and a wrong line.
    let faults = |actions: &[Action]| {
        let violations = check(&problem, actions).expect_err("that is no program");
        violations.iter().map(|it| it.display(&problem).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(
        faults(&actions[1..]),
        [
            "line 1, step 0: x is needed at 0, but does not lie there intact",
            "at the end: x starts in the scratchpad, but not at any address"
        ]
    );
    assert_eq!(
        faults(&actions[..2]),
        ["at the end: g did not run", "at the end: y must be in the scratchpad at the end, but is not"]
    );
    let moved = parse_program(&problem, "start x@64\nrun f: x@64 -> t@0\nrun g: t@0 -> y@128").expect("a program");
    assert_eq!(faults(&moved), ["line 1, step 0: x@64 is pinned at 0", "line 3, step 1: y@128 is pinned at 0"]);
    let late = parse_program(&problem, "start x@0\nstart x@0\nrun f: x@0 -> t@64\nstart x@0\nrun g: t@64 -> y@0");
    let there = "x@0 is not there from the start";
    assert_eq!(
        faults(&late.expect("a program")),
        [format!("line 2, step 0: {there}"), format!("line 4, step 1: {there}")]
    );
}

/// A tensor that starts in the scratchpad has no copy in host memory: it is spilled before it is reloaded, and stored
/// as a result.
#[test]
fn what_starts_is_spilled_and_stored_as_results_are() {
    let text = "machine scratchpad 128 alignment 64 weights resident
argument x 64
argument a 128
op f: a ->
op g: x -> y 64
starts on-chip x
return x y
order f g
";
    let problem: Problem = text.parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    expect_right(&problem, &solution.plan);
    let lines = program_text(&problem, &solution.plan.actions(&problem));
    assert_eq!(lines[..3], ["start x@0", "store x@0", "load a at 0"]);
    // It is stored in any case, so it is reloaded once and not spilled.
    assert_eq!((solution.non_compulsory, solution.lower_bound), (cosma_planner::Bytes(64), cosma_planner::Bytes(64)));
}

/// Unsupported combinations are refused with the names of tensors.
#[test]
fn what_is_not_planned_together_is_refused() {
    let refusal = |head: &str, weight: &str, rest: &str| {
        let text = format!(
            "machine scratchpad 512 alignment 64{head}\nargument x 64\nweight w 64{weight}\nop f_0: x w -> y 64\n\
             op g_1: y w -> z 64\nreturn z\n{rest}\n"
        );
        let problem: Problem = text.parse().unwrap_or_else(|error| panic!("{text}{error}"));
        let planned = plan(&problem, &Options::default());
        match planned {
            Err(Error::NotPlanned(why)) => why,
            other => panic!("{text}{other:?}"),
        }
    };
    let beside = refusal("", " keep auto", "pin x at 0");
    assert_eq!(beside, "pins beside weights that may be kept from run to run: x, w");
    let at_an_end = refusal("", " keep always", "starts on-chip x");
    assert_eq!(
        at_an_end,
        "tensors that start or end in the scratchpad beside weights that may be kept from run to run: x, w"
    );
    assert_eq!(refusal(" weights auto", "", "pin x at 0"), "pins beside tensors that may be streamed: x, w");
}

/// If a weight may be streamed, tensors that start and end in the scratchpad can be planned, too.
#[test]
fn ends_on_chip_go_with_weights_that_may_pass_by() {
    let text = "machine scratchpad 256 alignment 64 weights auto\nargument x 64\nweight w 64\nop f_0: x w -> y 64\n\
                op g_1: y w -> z 64\nreturn z\nstarts on-chip x\nends on-chip y\n";
    let problem: Problem = text.parse().expect("it is well-formed");
    let solution = plan(&problem, &Options::default()).expect("there is room");
    assert_eq!(expect_right(&problem, &solution.plan), solution.non_compulsory);
    assert!(solution.is_optimal() && solution.non_compulsory == cosma_planner::Bytes::ZERO, "{solution:?}");
}

/// A tensor must lie at its declared end: not anywhere else, and not only at some time before.
#[test]
fn the_judge_knows_where_tensors_are_said_to_end() {
    let text = "machine scratchpad 256 alignment 64\nargument x 64\nop f: x -> y 64\nop g: x -> z 64\nreturn z\n\
                ends on-chip y\n";
    let problem: Problem = text.parse().expect("it is well-formed");
    let y = problem.graph.tensor_ids().find(|it| problem.graph.tensor(*it).name == "y").expect("it is there");
    let faults = |program: &str, end: Slot| {
        let actions = parse_program(&problem, program).expect("a program");
        let violations = check_with_ends(&problem, &[], &actions, &[end]).err().unwrap_or_default();
        violations.into_iter().map(|it| it.fault).collect::<Vec<_>>()
    };
    let at = |offset| Slot::on_chip(y, Bytes(offset));
    let right = "load x at 0\nrun f: x@0 -> y@64\nrun g: x@0 -> z@128\nstore z@128";
    assert_eq!(faults(right, at(64)), []);
    assert_eq!(faults(right, at(0)), [Fault::NotAtEnd(at(0))]);
    assert_eq!(faults(right, at(128)), [Fault::NotAtEnd(at(128))]);
    // It was there once, but is elsewhere at the end.
    let moved = "load x at 0\nrun f: x@0 -> y@64\nspill y@64\nreload y at 192\nrun g: x@0 -> z@64\nstore z@64";
    assert_eq!(faults(moved, at(192)), []);
    assert_eq!(faults(moved, at(64)), [Fault::NotAtEnd(at(64))]);
    // One cause is reported once.
    let lost = "load x at 0\nrun f: x@0 -> y@64\nrun g: x@0 -> z@64\nstore z@64";
    assert_eq!(faults(lost, at(64)), [Fault::NotLeft(y)]);
    let unknown = Slot::on_chip(TensorId(7), Bytes(0));
    assert_eq!(faults(right, unknown), [Fault::NotAtEnd(unknown)]);
}
