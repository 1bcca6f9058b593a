//! The exact search against trying everything.

use cosma_planner::Deadline;
use cosma_planner::search::{SearchOptions, Shortcuts, search};
use cosma_planner::testing::{Shape, outline_optimum, seeded_problem};

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
