//! The exact search against trying everything.

use cosma_planner::search::{SearchOptions, search};
use cosma_planner::testing::{Shape, outline_optimum, seeded_problem};
use cosma_planner::Deadline;

#[test]
fn search_finds_and_proves_the_least_traffic() {
    let mut n_moving = 0;
    for seed in 0..3_000 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let optimum = outline_optimum(&problem).expect("a small problem");
        for beam in [1, 200] {
            let options = SearchOptions { beam, ..SearchOptions::default() };
            let outcome = search(&problem, &options, Deadline::NEVER);
            let outline = outcome.outline.expect("there is no deadline");
            assert_eq!(outline.non_compulsory(&problem), optimum, "seed {seed} beam {beam}\n{problem}");
            assert_eq!(outcome.lower_bound, optimum, "seed {seed} beam {beam}\n{problem}");
        }
        n_moving += u32::from(problem.restreamed() < optimum);
    }
    assert!(500 < n_moving, "only {n_moving} problems have anything to move");
}
