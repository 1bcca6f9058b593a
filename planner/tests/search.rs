//! The exact search, compared with enumeration.

use cosma_planner::search::{SearchOptions, Shortcuts, Thresholds, search};
use cosma_planner::testing::{Shape, optimum_by_executed_sets, outline_optimum, seeded_problem};
use cosma_planner::{Bytes, Deadline};
use cosma_planner::{Options, Order, Outline, Problem, Solver, check, plan};
use std::cell::Cell;
use std::time::Duration;

/// The search finds and proves the optimum.
#[track_caller]
fn expect_optimum(problem: &Problem, optimum: Bytes, options: &SearchOptions) {
    let outcome = search(problem, problem.capacity(), None, options, &|_| None, Deadline::NEVER);
    let outline = outcome.outline.expect("there is no deadline");
    assert_eq!(outline.non_compulsory(problem), optimum, "{options:?}\n{problem}");
    assert_eq!(outcome.lower_bound, optimum, "{options:?}\n{problem}");
}

/// Two independent oracles.
#[test]
fn the_oracles_agree() {
    for seed in 0..3_000 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("a small problem");
        assert_eq!(optimum_by_executed_sets(&problem), Ok(optimum), "seed {seed}\n{problem}");
    }
}

/// Including the strategies that are otherwise only used for large problems.
#[test]
fn every_way_that_the_search_has_leads_to_the_optimum() {
    let usual = Thresholds::default();
    let ways = [
        Thresholds { tiny: 2, ..usual },
        Thresholds { tiny: 1, rivals: 1, eager_inputs: 1, ..usual },
        Thresholds { rivals: 2, eager_inputs: 0, ..usual },
        Thresholds { rivals: 3, least_words: 4, ..usual },
        Thresholds { tiny: 3, least_words: 16, ..usual },
    ];
    for seed in 0..600 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = optimum_by_executed_sets(&problem).expect("a small problem");
        for (way, thresholds) in ways.into_iter().enumerate() {
            let narrow = SearchOptions { beam: 1, proof_width: 1 + way, leaf: 1 + way, ..SearchOptions::default() };
            let options = SearchOptions { thresholds, ..narrow };
            if thresholds.least_words == 1 {
                expect_optimum(&problem, optimum, &options);
                continue;
            }
            // If so much can be live at once, it may leave the proof to others.
            let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
            let cost = outcome.outline.expect("there is no deadline").non_compulsory(&problem);
            assert!(outcome.lower_bound <= optimum && optimum <= cost, "seed {seed} {options:?}\n{problem}");
        }
    }
}

const MEDIUM: Shape = Shape { ops: 14, units: 6 };

#[test]
fn problems_of_fourteen_operators() {
    let (mut n_large, mut n_moving) = (0, 0);
    for seed in 0..500 {
        let problem = seeded_problem(MEDIUM, seed);
        if problem.graph.ops().len() < 10 {
            continue;
        }
        let optimum = optimum_by_executed_sets(&problem).expect("a small problem");
        expect_optimum(&problem, optimum, &SearchOptions { leaf: 4, ..SearchOptions::default() });
        n_large += u32::from(12 < problem.graph.ops().len());
        n_moving += u32::from(problem.restreamed() < optimum);
    }
    assert!(60 < n_large && 60 < n_moving, "{n_large} large, {n_moving} with anything to move");
}

/// Every solver, with addresses: no plan is better than the optimum without, and no bound is above it.
#[test]
fn no_solver_beats_the_optimum_of_fourteen_operators() {
    let mut n_proven = 0;
    for seed in 0..8 {
        let problem = seeded_problem(MEDIUM, seed);
        let optimum = optimum_by_executed_sets(&problem).expect("a small problem");
        for solver in [Solver::Greedy, Solver::Search, Solver::Ilp, Solver::Auto] {
            if solver == Solver::Ilp && !cfg!(feature = "ilp") {
                continue;
            }
            let options = Options { solver, state_limit: 20_000, ..Options::default() };
            let solution = plan(&problem, &options).expect("there is a plan");
            let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
            assert_eq!(traffic.non_compulsory, solution.non_compulsory, "seed {seed} {solver:?}\n{problem}");
            assert!(optimum <= solution.non_compulsory, "seed {seed} {solver:?}\n{problem}");
            // Addresses can raise a bound above the optimum without addresses.
            let bound = solution.lower_bound.min(solution.non_compulsory.saturating_sub(solution.fragmentation));
            assert!(bound <= optimum || solution.fragmentation != Bytes::ZERO, "seed {seed} {solver:?}\n{problem}");
            n_proven += u32::from(solution.is_optimal());
        }
    }
    assert!(12 < n_proven, "{n_proven} proven");
}

/// A thousand and more operators of all kinds, without any time and with almost none.
#[test]
fn problems_of_thousands_of_operators_are_planned_right() {
    let shape = Shape { ops: 2_000, units: 9 };
    let problems = (0..40).map(|seed| seeded_problem(shape, seed)).filter(|it| 1_000 < it.graph.ops().len());
    let problems: Vec<Problem> = problems.take(3).collect();
    assert_eq!(problems.len(), 3);
    for problem in problems {
        for solver in [Solver::Greedy, Solver::Search, Solver::Ilp, Solver::Auto] {
            if solver == Solver::Ilp && !cfg!(feature = "ilp") {
                continue;
            }
            for (order, limit) in [(Order::Free, 0), (Order::Source, 0), (Order::Free, 300), (Order::Source, 300)] {
                let time_limit = Duration::from_millis(limit);
                let options = Options { solver, order, time_limit, state_limit: 20_000, ..Options::default() };
                let solution = plan(&problem, &options).expect("there is a plan");
                let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
                assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{solver:?} {order:?}");
                assert!(solution.lower_bound <= solution.non_compulsory, "{solver:?} {order:?}");
            }
        }
    }
}

#[test]
fn search_finds_and_proves_the_least_traffic() {
    let mut n_moving = 0;
    for seed in 0..3_000 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("a small problem");
        // The default, groups of a few operators, and beams that hardly find a plan.
        let small_groups = SearchOptions { leaf: 2, ..SearchOptions::default() };
        let narrow = SearchOptions { beam: 1, proof_width: 1, leaf: 3, ..SearchOptions::default() };
        for options in [SearchOptions::default(), small_groups, narrow] {
            let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
            let outline = outcome.outline.expect("there is no deadline");
            assert_eq!(outline.non_compulsory(&problem), optimum, "seed {seed} {options:?}\n{problem}");
            assert_eq!(outcome.lower_bound, optimum, "seed {seed} {options:?}\n{problem}");
        }
        n_moving += u32::from(problem.restreamed() < optimum);
    }
    assert!(500 < n_moving, "only {n_moving} problems have anything to move");
}

#[test]
fn without_any_one_shortcut_the_optimum_is_the_same() {
    let all = Shortcuts::ALL;
    let shortcuts = [
        Shortcuts { eager: false, ..all },
        Shortcuts { dominance: false, ..all },
        Shortcuts { groups: false, ..all },
        Shortcuts { coarse: false, ..all },
        Shortcuts { eager: false, dominance: false, groups: false, coarse: false },
    ];
    for seed in 0..600 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("a small problem");
        for shortcuts in shortcuts {
            let options = SearchOptions { leaf: 2, shortcuts, ..SearchOptions::default() };
            let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
            let outline = outcome.outline.expect("there is no deadline");
            assert_eq!(outline.non_compulsory(&problem), optimum, "seed {seed} {shortcuts:?}\n{problem}");
            assert_eq!(outcome.lower_bound, optimum, "seed {seed} {shortcuts:?}\n{problem}");
        }
    }
}

/// Three operators with thirty results each, which are read together: two of the three run in a row easily, but after
/// all of them more than 64 tensors are live, where the search restarts with wider states. And a choice that a beam of
/// one gets wrong: to evict `q`, which is small, before `p` must be evicted anyway.
fn too_wide_in_some_orders() -> Problem {
    let mut text = String::from(
        "machine scratchpad 6100 alignment 1
argument x 1
op a: x -> p 3000, i 1
op b: i -> q 2000, j 1
op c: j -> d 1 workspace 3000
op e: q d -> f 1 workspace 4000
op g: p f -> r 1
",
    );
    for name in ["u", "v", "w"] {
        let results: Vec<String> = (0..30).map(|index| format!("{name}{index} 1")).collect();
        let operands: Vec<String> = (0..30).map(|index| format!("{name}{index}")).collect();
        text += &format!("op {name}: x -> {}\n", results.join(", "));
        text += &format!("op {name}s: {} -> {name}r 40\n", operands.join(" "));
    }
    text += "return r\n";
    text.parse().expect("it is well-formed")
}

/// Results that were found and reported before the search needed wider states are kept.
#[test]
fn an_incumbent_outlives_a_search_that_is_too_wide() {
    let problem = too_wide_in_some_orders();
    let narrow = SearchOptions {
        beam: 1,
        proof_width: 1,
        shortcuts: Shortcuts { eager: false, groups: false, coarse: false, ..Shortcuts::ALL },
        ..SearchOptions::default()
    };
    let alone = search(&problem, problem.capacity(), None, &narrow, &|_| None, Deadline::NEVER);
    let without = alone.outline.expect("there is no deadline").non_compulsory(&problem);
    let best = search(&problem, problem.capacity(), None, &SearchOptions::default(), &|_| None, Deadline::NEVER);
    let best = best.outline.expect("there is no deadline");
    let least = best.non_compulsory(&problem);
    assert!(least < without, "a beam of one finds it as well");

    // At the first call, it knows the best.
    let n_asked = Cell::new(0);
    let improve = |_: &Outline| (n_asked.replace(n_asked.get() + 1) == 0).then(|| best.clone());
    let outcome = search(&problem, problem.capacity(), None, &narrow, &improve, Deadline::NEVER);
    let found = outcome.outline.expect("there is no deadline");
    assert!(1 < n_asked.get(), "no wider search came after it");
    assert_eq!(found.non_compulsory(&problem), least);
}

/// Without a time limit, the results are the same on any number of threads, even if the limit of states ends the
/// search.
#[test]
fn threads_do_not_change_what_is_found() {
    let pool = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().expect("there are threads");
    let pools = [pool(1), pool(3)];
    let mut n_unproven = 0;
    for seed in 0..6 {
        let problem = seeded_problem(Shape { ops: 60, ..Shape::LARGE }, seed);
        for state_limit in [2_000, 10_000] {
            let options = SearchOptions { state_limit, proof_width: 1_500, ..SearchOptions::default() };
            let run = |pool: &rayon::ThreadPool| {
                pool.install(|| {
                    let outcome = search(&problem, problem.capacity(), None, &options, &|_| None, Deadline::NEVER);
                    (outcome.outline, outcome.lower_bound, outcome.can_go_on)
                })
            };
            let [one, three] = [run(&pools[0]), run(&pools[1])];
            assert_eq!(one, three, "seed {seed}, {state_limit} states\n{problem}");
            let cost = one.0.expect("there is no deadline").non_compulsory(&problem);
            n_unproven += u32::from(one.1 < cost);
        }
    }
    assert!(2 <= n_unproven, "only {n_unproven} searches met the limit");
}
