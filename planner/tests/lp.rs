//! Programs written for other solvers have the same meaning there.
#![cfg(feature = "ilp")]
// The safe bindings cannot read a model from a file. The solver is linked through the planner; as a direct dependency,
// it would be compiled for tests that do not need it.
#![allow(unsafe_code)]

use cosma_planner::ilp::{self, Decisions, Format};
use cosma_planner::testing::{FRAGMENTED, Shape, joint_optimum, outline_optimum, seeded_problem};
use cosma_planner::{Deadline, OpId, Order, Problem};
use std::ffi::{CString, c_char, c_int, c_void};
use std::path::PathBuf;

// As in HiGHS' C header, with C's integer types.
unsafe extern "C" {
    fn Highs_create() -> *mut c_void;
    fn Highs_destroy(highs: *mut c_void);
    fn Highs_setBoolOptionValue(highs: *mut c_void, option: *const c_char, value: c_int) -> c_int;
    fn Highs_setIntOptionValue(highs: *mut c_void, option: *const c_char, value: c_int) -> c_int;
    fn Highs_setStringOptionValue(highs: *mut c_void, option: *const c_char, value: *const c_char) -> c_int;
    fn Highs_readModel(highs: *mut c_void, file: *const c_char) -> c_int;
    fn Highs_run(highs: *mut c_void) -> c_int;
    fn Highs_getModelStatus(highs: *const c_void) -> c_int;
    fn Highs_getObjectiveValue(highs: *const c_void) -> f64;
}

const STATUS_OK: c_int = 0;
const MODEL_STATUS_OPTIMAL: c_int = 7;

/// The optimum of a model in a file.
fn solve_file(path: &str) -> f64 {
    let path = CString::new(path).expect("a path without zeros");
    // SAFETY: the handle is made, used and destroyed here, by one thread; all strings are NUL-terminated.
    unsafe {
        let highs = Highs_create();
        Highs_setBoolOptionValue(highs, c"output_flag".as_ptr(), 0);
        Highs_setIntOptionValue(highs, c"threads".as_ptr(), 1);
        // Its presolve solves one of these models completely, and fails in postsolve.
        Highs_setStringOptionValue(highs, c"presolve".as_ptr(), c"off".as_ptr());
        assert_eq!(Highs_readModel(highs, path.as_ptr()), STATUS_OK, "{path:?} can be read");
        assert_eq!(Highs_run(highs), STATUS_OK);
        assert_eq!(Highs_getModelStatus(highs), MODEL_STATUS_OPTIMAL);
        let objective = Highs_getObjectiveValue(highs);
        Highs_destroy(highs);
        objective
    }
}

/// Writes a program in both formats, solves both, and returns the optimum.
#[track_caller]
fn solve(problem: &Problem, order: Order, addresses: bool, name: &str) -> u64 {
    let optima = [(Format::Lp, "lp"), (Format::Mps, "mps")].map(|(format, suffix)| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{suffix}"));
        let text = ilp::write_program(problem, Decisions { order, addresses }, format).expect("fits");
        std::fs::write(&path, text).expect("a file can be written");
        solve_file(path.to_str().expect("a plain path"))
    });
    assert!((optima[0] - optima[1]).abs() < 0.5, "{optima:?}: {problem}");
    assert!((optima[0] - optima[0].round()).abs() < 1e-3, "{optima:?}: {problem}");
    optima[0].round() as u64
}

#[test]
fn the_optimum_is_the_same() {
    let mut moving = 0;
    for seed in 0..100 {
        let problem = seeded_problem(Shape::SMALL, seed);
        if problem.graph.ops().len() < 2 {
            continue;
        }
        let optimum = outline_optimum(&problem).expect("fits").0;
        assert_eq!(solve(&problem, Order::Free, false, "random"), optimum, "{problem}");
        moving += usize::from(0 < optimum);
    }
    assert!(10 < moving, "{moving} must move");
}

#[test]
fn in_source_order_it_is_that_of_replacement() {
    let mut moving = 0;
    for seed in 0..60 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let order: Vec<OpId> = problem.graph.op_ids().collect();
        let optimum = ilp::replace(&problem, &order, None, Deadline::NEVER).expect("it works").lower_bound.0;
        assert_eq!(solve(&problem, Order::Source, false, "source"), optimum, "{problem}");
        moving += usize::from(0 < optimum);
    }
    assert!(10 < moving, "{moving} must move");
}

#[test]
fn with_addresses_it_is_that_of_plans() {
    for it in FRAGMENTED {
        let problem: Problem = it.problem.parse().expect("a problem");
        assert_eq!(solve(&problem, Order::Free, true, "fragmented"), it.joint_optimum, "{}", it.name);
        assert_eq!(solve(&problem, Order::Free, false, "fragmented"), it.outline_optimum, "{}", it.name);
    }
    for seed in 0..25 {
        let problem = seeded_problem(Shape { ops: 4, ..Shape::TINY }, seed);
        if problem.graph.ops().len() < 2 || 8 < problem.machine.scratchpad().0.div_ceil(problem.machine.alignment().0) {
            continue;
        }
        let optimum = joint_optimum(&problem).expect("fits").0;
        assert_eq!(solve(&problem, Order::Free, true, "addresses"), optimum, "{problem}");
    }
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
    assert_eq!(solve(&problem, Order::Free, false, "names"), 2);
    assert_eq!(solve(&problem, Order::Free, true, "names"), 2);
}
