//! The exact search against trying everything.

use cosma_planner::search::{SearchOptions, Shortcuts, search};
use cosma_planner::testing::{Shape, outline_optimum, seeded_problem};
use cosma_planner::{Deadline, Outline, Problem};
use std::cell::Cell;

#[test]
fn search_finds_and_proves_the_least_traffic() {
    let mut n_moving = 0;
    for seed in 0..3_000 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("a small problem");
        // As it is, with groups of a few operators, and with beams that hardly find a plan.
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

/// Three operators with thirty results each, which are read together: two of the three run in a row without
/// difficulty, but after all of them more tensors are live than 64, which is where the search starts again with wider
/// states. And a choice that a beam of one gets wrong: to evict `q`, which is small, before `p` has to go anyway.
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

/// What was found, and told, before the search turned out to need wider states, is kept.
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

    // The first time that it is asked, it knows the best.
    let n_asked = Cell::new(0);
    let improve = |_: &Outline| (n_asked.replace(n_asked.get() + 1) == 0).then(|| best.clone());
    let outcome = search(&problem, problem.capacity(), None, &narrow, &improve, Deadline::NEVER);
    let found = outcome.outline.expect("there is no deadline");
    assert!(1 < n_asked.get(), "no wider search came after it");
    assert_eq!(found.non_compulsory(&problem), least);
}

/// As long as no time limit ends it, what is found and proven is the same on any number of threads, even where
/// the limit of states ends the search.
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
