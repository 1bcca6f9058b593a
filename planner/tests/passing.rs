//! Weights that are streamed or loaded, use by use: compared with enumeration.

use cosma_planner::search::{SearchOptions, search};
use cosma_planner::testing::{
    Choices, Shape, clocked, joint_optimum, noise, optimum_by_executed_sets, outline_optimum, seeded_problem,
    with_choices,
};
use cosma_planner::time::{plan_in_time, simulate};
use cosma_planner::{
    Bytes, Deadline, Graph, MemoryId, Options, Order, Problem, Solver, Weights, check, greedy, greedy_plan, plan,
    plan_from,
};

/// The random problem of a seed, with choices.
fn problem_with_choices(shape: Shape, seed: u64) -> Problem {
    let bytes = noise(!seed, 512);
    with_choices(&seeded_problem(shape, seed), &mut Choices::new(&bytes))
}

/// Random problems with a real choice: a tensor with a choice that several operators read.
fn problems(shape: Shape, seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Problem)> {
    with_and_without_places(shape, seeds).filter(|it| !gives_places(&it.1.graph))
}

/// The same, also with results in the place of tensors that may be streamed, which planning does not count on.
fn with_and_without_places(shape: Shape, seeds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, Problem)> {
    let has_something =
        |it: &Graph| it.tensor_ids().any(|tensor| it.may_pass_by(tensor) && 1 < it.readers(tensor).len());
    seeds.map(move |seed| (seed, problem_with_choices(shape, seed))).filter(move |it| has_something(&it.1.graph))
}

fn gives_places(graph: &Graph) -> bool {
    graph.ops().iter().flat_map(|it| &it.in_place).any(|it| graph.may_pass_by(it.operand))
}

#[test]
fn the_oracles_agree() {
    for (seed, problem) in problems(Shape::SMALL, 0..1_500) {
        let optimum = outline_optimum(&problem).expect("a small problem");
        assert_eq!(optimum_by_executed_sets(&problem), Ok(optimum), "seed {seed}\n{problem}");
    }
}

#[test]
fn the_search_finds_and_proves_the_optimum() {
    let (mut n_problems, mut n_moving, mut n_better) = (0, 0, 0);
    for (seed, problem) in problems(Shape::SMALL, 0..4_000) {
        let optimum = optimum_by_executed_sets(&problem).expect("a small problem");
        for options in
            [SearchOptions::default(), SearchOptions { beam: 1, proof_width: 2, leaf: 2, ..SearchOptions::default() }]
        {
            let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
            let outline = outcome.outline.expect("there is no deadline");
            assert_eq!(outline.non_compulsory(&problem), optimum, "seed {seed} {options:?}\n{problem}");
            assert_eq!(outcome.lower_bound, optimum, "seed {seed} {options:?}\n{problem}");
        }
        n_problems += 1;
        n_moving += u32::from(problem.restreamed() < optimum);
        let fixed = |weights| optimum_by_executed_sets(&read_like(&problem, weights)).ok();
        let of_both = fixed(Weights::Resident).into_iter().chain(fixed(Weights::Streamed)).min();
        assert!(of_both.is_none_or(|it| optimum <= it), "seed {seed}\n{problem}");
        n_better += u32::from(of_both.is_some_and(|it| optimum < it));
    }
    println!("{n_problems} problems, {n_moving} moving, {n_better} better than both");
    assert!(1_000 < n_problems && 200 < n_moving && 20 < n_better, "{n_problems} {n_moving} {n_better}");
}

/// The same problem in source order.
fn in_source_order(problem: &Problem) -> Problem {
    let names: Vec<&str> = problem.graph.ops().iter().map(|it| it.name.as_str()).collect();
    let edges: String = names.windows(2).map(|pair| format!("order {} {}\n", pair[0], pair[1])).collect();
    format!("{problem}{edges}").parse().expect("a problem")
}

/// Replacement in a given order: by integer programming and by the search.
#[test]
fn replacement_in_an_order_is_optimal() {
    let mut n_moving = 0;
    for (seed, problem) in problems(Shape { ops: 12, units: 6 }, 0..1_000) {
        let optimum = optimum_by_executed_sets(&in_source_order(&problem)).expect("a small problem");
        #[cfg(feature = "ilp")]
        {
            let order: Vec<_> = problem.graph.op_ids().collect();
            let outcome = cosma_planner::ilp::replace(&problem, &order, None, Deadline::NEVER).expect("it is solved");
            assert_eq!(outcome.outline.non_compulsory(&problem), optimum, "seed {seed}\n{problem}");
            assert_eq!(outcome.lower_bound, optimum, "seed {seed}\n{problem}");
        }
        let options = SearchOptions { order: Order::Source, ..SearchOptions::default() };
        let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
        assert_eq!(outcome.lower_bound, optimum, "seed {seed}\n{problem}");
        n_moving += u32::from(problem.restreamed() < optimum);
    }
    assert!(100 < n_moving, "{n_moving}");
}

/// No program is faster than the bound for any order, with any choice for weights.
#[test]
fn bounds_on_time_hold_for_both_ways() {
    for (seed, problem) in problems(Shape::SMALL, 0..150) {
        let machine = clocked(&problem.machine, &mut Choices::new(&noise(seed, 64)));
        let problem = Problem { graph: problem.graph, machine };
        let options = Options::default();
        let watcher = |_: &cosma_planner::Progress| std::ops::ControlFlow::Continue(());
        let timed = plan_in_time(&problem, &options, &watcher).expect("there is a plan");
        check(&problem, &timed.overlapped.actions).expect("the judge accepts it");
        let timeline = simulate(&problem, &timed.overlapped.actions).expect("it can be counted");
        assert_eq!(timeline.makespan, timed.overlapped.timeline.makespan, "seed {seed}\n{problem}");
        assert!(timed.any_order.cycles <= timed.overlapped.timeline.makespan, "seed {seed}\n{problem}");
        for weights in [Weights::Resident, Weights::Streamed] {
            let Ok(fixed) = plan_in_time(&read_like(&problem, weights), &options, &watcher) else { continue };
            assert!(timed.any_order.cycles <= fixed.overlapped.timeline.makespan, "seed {seed}\n{problem}");
        }
    }
}

/// Planning can start from a plan, and keeps its residencies.
#[test]
fn an_incumbent_is_not_made_worse() {
    let watcher = |_: &cosma_planner::Progress| std::ops::ControlFlow::Continue(());
    for (seed, problem) in problems(Shape::SMALL, 0..200) {
        let fixed = read_like(&problem, Weights::Resident);
        let options = Options { solver: Solver::Greedy, ..Options::default() };
        let known = plan(&fixed, &options).map(|it| it.plan).or_else(|_| greedy_plan(&problem)).expect("it fits");
        let before = check(&problem, &known.actions(&problem)).expect("the judge accepts it").non_compulsory;
        let options = Options { solver: Solver::Search, ..Options::default() };
        let solution = plan_from(&problem, &options, &known, &watcher).expect("there is a plan");
        let after = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it").non_compulsory;
        assert!(after <= before && after == solution.non_compulsory, "seed {seed}\n{problem}");
    }
}

/// The same problem with all choices decided in one way, through text and back.
fn read_like(problem: &Problem, weights: Weights) -> Problem {
    let text = problem.to_string().replace("weights auto", "weights resident");
    let text: Vec<String> = text
        .lines()
        .map(|line| {
            if !line.starts_with("op ") {
                return line.to_owned();
            }
            match weights {
                Weights::Resident => line.replace("@host|scratchpad", ""),
                _ => line.replace("@host|scratchpad", "@host"),
            }
        })
        .collect();
    let mut fixed: Problem = text.join("\n").parse().expect("a problem");
    if problem.to_string().contains("weights auto") {
        fixed.graph = fixed.graph.with_weights(weights);
    }
    fixed
}

#[test]
fn every_solver_keeps_to_the_optimum() {
    let mut n_proven = 0;
    for (seed, problem) in problems(Shape::SMALL, 0..400) {
        let optimum = optimum_by_executed_sets(&problem).expect("a small problem");
        for solver in [Solver::Greedy, Solver::Search, Solver::Ilp, Solver::Auto] {
            if solver == Solver::Ilp && !cfg!(feature = "ilp") {
                continue;
            }
            for order in [Order::Free, Order::Source] {
                let options = Options { solver, order, ..Options::default() };
                let solution = plan(&problem, &options).expect("there is a plan");
                let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
                assert_eq!(
                    traffic.non_compulsory, solution.non_compulsory,
                    "seed {seed} {solver:?} {order:?}\n{problem}"
                );
                assert!(solution.lower_bound <= solution.non_compulsory);
                assert!(optimum <= solution.non_compulsory, "seed {seed} {solver:?} {order:?}\n{problem}");
                if order == Order::Free {
                    let is_exact = matches!(solver, Solver::Search | Solver::Auto);
                    let is_packed = solution.fragmentation == Bytes::ZERO;
                    // A bound with addresses may be better than the optimum without.
                    let is_sound = solution.lower_bound <= optimum || !is_exact || !is_packed;
                    assert!(is_sound, "seed {seed} {solver:?}\n{problem}");
                    assert!(!is_exact || !is_packed || solution.is_optimal(), "seed {seed} {solver:?}\n{problem}");
                }
                n_proven += u32::from(solution.is_optimal());
            }
        }
    }
    let least = if cfg!(feature = "ilp") { 900 } else { 700 };
    assert!(least < n_proven, "{n_proven}");
}

/// Results may take the place of weights that are read for the last time: then no bound is above the cost of resident
/// weights, or of streamed ones, and no plan is worse.
#[test]
fn places_that_are_given_are_not_missed() {
    let mut n_given = 0;
    for (seed, problem) in with_and_without_places(Shape::SMALL, 0..600).filter(|it| gives_places(&it.1.graph)) {
        let solution = plan(&problem, &Options::default()).expect("there is a plan");
        check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
        for weights in [Weights::Resident, Weights::Streamed] {
            let Ok(fixed) = plan(&read_like(&problem, weights), &Options::default()) else { continue };
            let (own, other) = (solution.non_compulsory, fixed.non_compulsory);
            assert!(solution.lower_bound <= other, "seed {seed} {weights:?}\n{problem}");
            assert!(own <= other, "seed {seed} {weights:?}: {own} B, not {other} B\n{problem}");
        }
        n_given += 1;
    }
    assert!(50 < n_given, "{n_given}");
}

/// No plan is worse than the better one of both ways, and sometimes one is better.
#[test]
fn no_plan_is_worse_than_all_weights_one_way() {
    let mut n_better = 0;
    for (seed, problem) in problems(Shape { ops: 14, units: 6 }, 0..200) {
        let solution = plan(&problem, &Options::default()).expect("there is a plan");
        let fixed = |weights| Some(plan(&read_like(&problem, weights), &Options::default()).ok()?.non_compulsory);
        let both = [fixed(Weights::Resident), fixed(Weights::Streamed)];
        let best = both.into_iter().flatten().min().expect("with all weights streamed it fits");
        assert!(solution.non_compulsory <= best, "seed {seed}: {} B, not {best} B\n{problem}", solution.non_compulsory);
        n_better += u32::from(solution.non_compulsory < best);
    }
    assert!(5 < n_better, "{n_better}");
}

/// With addresses, too: no plan is better than the best with any addresses, and no bound is above it.
#[test]
fn no_plan_is_better_than_trying_every_address() {
    for (seed, problem) in problems(Shape::TINY, 0..200) {
        let optimum = joint_optimum(&problem).expect("a small problem");
        for solver in [Solver::Search, Solver::Ilp, Solver::Auto] {
            if solver == Solver::Ilp && !cfg!(feature = "ilp") {
                continue;
            }
            let solution = plan(&problem, &Options { solver, ..Options::default() }).expect("there is a plan");
            let is_sound = optimum <= solution.non_compulsory && solution.lower_bound <= optimum;
            assert!(is_sound, "seed {seed} {solver:?}\n{problem}");
        }
    }
}

#[test]
fn greedy_plans_are_plans() {
    for (seed, problem) in problems(Shape::LARGE, 0..200) {
        let plan = greedy_plan(&problem).expect("it fits");
        check(&problem, &plan.actions(&problem)).unwrap_or_else(|it| panic!("seed {seed} {it:?}\n{problem}"));
        let order: Vec<_> = problem.graph.op_ids().collect();
        let outline = greedy(&problem, &order);
        let plan = cosma_planner::address(&problem, &outline, Deadline::NEVER);
        if let Some(plan) = plan {
            let traffic = check(&problem, &plan.actions(&problem)).expect("the judge accepts it");
            assert_eq!(traffic.non_compulsory, outline.non_compulsory(&problem), "seed {seed}\n{problem}");
        }
    }
}

const TWICE: &str = "
machine scratchpad 6 alignment 1 weights auto
argument x 1
weight w 4
weight v 4
weight once 4
op f: x w -> a 1
op g: a v -> b 1
op h: b w once -> c 5
op i: c v -> d 1
return d
";

/// Without space, weights are streamed; with space for one of the two, one of them is.
#[test]
fn each_use_has_its_place() {
    let problem: Problem = TWICE.parse().expect("a problem");
    assert_eq!(problem.weights(), Weights::Auto);
    assert_eq!(problem.to_string().parse::<Problem>().as_ref(), Ok(&problem));
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    assert_eq!((solution.non_compulsory, solution.lower_bound), (Bytes(8), Bytes(8)));
    let fixed = problem.as_read_by(&solution.plan);
    assert!(!fixed.graph.has_choices());
    assert_eq!(fixed.compulsory() + solution.non_compulsory, problem.compulsory() + Bytes(8));
    let traffic = check(&fixed, &solution.plan.actions(&fixed)).expect("the judge accepts it");
    assert_eq!(traffic.non_compulsory, solution.non_compulsory);

    // There is space for one of the two.
    let problem: Problem = TWICE.replace("scratchpad 6", "scratchpad 10").parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    assert_eq!((solution.non_compulsory, solution.lower_bound), (Bytes(4), Bytes(4)));

    let problem: Problem = TWICE.replace("scratchpad 6", "scratchpad 14").parse().expect("a problem");
    let solution = plan(&problem, &Options::default()).expect("there is a plan");
    assert_eq!((solution.non_compulsory, solution.lower_bound), (Bytes(0), Bytes(0)));
    let fixed = problem.as_read_by(&solution.plan);
    let from_home = |it: &str| {
        let reads = fixed.graph.ops().iter().flat_map(|op| op.reads_in(MemoryId::HOME));
        reads.filter(|tensor| fixed.graph.tensor(*tensor).name == it).count()
    };
    assert_eq!((from_home("once"), from_home("w"), from_home("v")), (1, 0, 0));
}
