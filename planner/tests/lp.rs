//! What is written in LP format means to a solver what it meant to us.
#![cfg(feature = "ilp")]
// The safe bindings cannot read a model from a file.
#![allow(unsafe_code)]

use cosma_planner::testing::{Shape, outline_optimum, seeded_problem};
use cosma_planner::{Problem, ilp};
use highs_sys::{
    Highs_create, Highs_destroy, Highs_getModelStatus, Highs_getObjectiveValue, Highs_readModel, Highs_run,
    Highs_setBoolOptionValue, Highs_setIntOptionValue, Highs_setStringOptionValue, MODEL_STATUS_OPTIMAL, STATUS_OK,
};
use std::ffi::CString;
use std::path::PathBuf;

/// The optimum of a model in a file.
fn solve_file(path: &str) -> f64 {
    let path = CString::new(path).expect("a path without zeros");
    // SAFETY: the handle is made, used and destroyed here, by one thread; all strings end in zero.
    unsafe {
        let highs = Highs_create();
        Highs_setBoolOptionValue(highs, c"output_flag".as_ptr(), 0);
        Highs_setIntOptionValue(highs, c"threads".as_ptr(), 1);
        // Its presolve solves one of these models away, and cannot find the way back.
        Highs_setStringOptionValue(highs, c"presolve".as_ptr(), c"off".as_ptr());
        assert_eq!(Highs_readModel(highs, path.as_ptr()), STATUS_OK, "{path:?} can be read");
        assert_eq!(Highs_run(highs), STATUS_OK);
        assert_eq!(Highs_getModelStatus(highs), MODEL_STATUS_OPTIMAL);
        let objective = Highs_getObjectiveValue(highs);
        Highs_destroy(highs);
        objective
    }
}

#[track_caller]
fn check_lp(problem: &Problem, name: &str) -> u64 {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, ilp::write_lp(problem).expect("fits")).expect("a file can be written");
    let optimum = outline_optimum(problem).expect("fits").0;
    let found = solve_file(path.to_str().expect("a plain path"));
    assert!((found - optimum as f64).abs() < 0.5, "{found} is not {optimum}: {problem}");
    optimum
}

#[test]
fn the_optimum_is_the_same() {
    let mut moving = 0;
    for seed in 0..120 {
        let problem = seeded_problem(Shape::SMALL, seed);
        if problem.graph.ops().len() < 2 {
            continue;
        }
        moving += usize::from(0 < check_lp(&problem, "random.lp"));
    }
    assert!(10 < moving, "{moving} must move");
}

#[test]
fn names_may_be_anything() {
    let problem: Problem = "machine scratchpad 2 alignment 1 weights resident
         op %1<conv>: -> st 1
         op !1<conv>: -> %x 1
         op free: -> !x 1
         op e1: st %x ->
         op 2e: %x !x ->
         op -+: !x st ->"
        .parse()
        .expect("a problem");
    assert_eq!(check_lp(&problem, "names.lp"), 2);
}
