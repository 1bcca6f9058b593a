//! The brute-force optima, on problems whose optimum is known by hand.

use cosma_planner::testing::{FRAGMENTED, joint_optimum, outline_optimum};
use cosma_planner::{Bytes, Error, Options, Problem, Solver, check, plan};

#[track_caller]
fn outline(text: &str) -> u64 {
    let problem: Problem = text.parse().expect("the problem parses");
    let outline = outline_optimum(&problem).expect("each operator fits");
    // Addresses cost traffic only where FRAGMENTED says so.
    assert_eq!(joint_optimum(&problem), Ok(outline));
    outline.0
}

#[test]
fn what_fits_costs_nothing() {
    let chain = "
machine scratchpad 3 alignment 1 weights resident
argument x 1
op f: x -> a 1
op g: a -> b 1
op h: b x -> c 1
return c
";
    assert_eq!(outline(chain), 0);
    // Evicting x is free, but it must be reloaded.
    assert_eq!(outline(&chain.replace("f: x -> a 1", "f: x -> a 2")), 1);
}

/// An edge can cost traffic: x must wait while y is present.
#[test]
fn operators_run_in_the_order_of_edges() {
    let free = "
machine scratchpad 2 alignment 1 weights resident
op a: -> x 1
op b: -> y 2
op d: y ->
op c: x ->
";
    for (edges, optimum) in [("", 0), ("order a b\n", 0), ("order d c\n", 0), ("order a b\norder d c\n", 2)] {
        let text = format!("{free}{edges}");
        assert_eq!(outline(&text), optimum, "{text}");
        let problem: Problem = text.parse().expect("the problem parses");
        let solvers = [Solver::Search, Solver::Auto, Solver::Ilp];
        for solver in solvers.into_iter().filter(|it| cfg!(feature = "ilp") || *it != Solver::Ilp) {
            let solution = plan(&problem, &Options { solver, ..Options::default() }).expect("there is a plan");
            assert_eq!((solution.non_compulsory.0, solution.lower_bound.0), (optimum, optimum), "{solver:?}\n{text}");
            check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
        }
    }
}

/// Two at a time: the third pair needs one that was evicted.
const PAIRS: &str = "
machine scratchpad 2 alignment 1 weights resident
argument a 1
argument b 1
argument c 1
op ab: a b ->
op bc: b c ->
op ca: c a ->
";

#[test]
fn an_argument_comes_again_for_one_transfer() {
    assert_eq!(outline(PAIRS), 1);
}

#[test]
fn a_product_goes_out_once_and_comes_again() {
    let products = "
machine scratchpad 2 alignment 1 weights resident
op a: -> a 1
op b: -> b 1
op c: -> c 1
op ab: a b ->
op bc: b c ->
op ca: c a ->
";
    // a and b, ab, spill one, c, pair, spill another, reload the first, pair. The second one that is evicted has no
    // further reader.
    assert_eq!(outline(products), 2);
    // A result has a host copy anyway.
    assert_eq!(outline(&format!("{products}return a b c")), 1);
}

#[test]
fn another_order_can_save_all_traffic() {
    // In source order a, b and c are five units at once; branch by branch it is never more than four.
    let branches = "
machine scratchpad 4 alignment 1 weights resident
op a: -> a 2
op b: -> b 2
op f: a -> c 1
op g: b -> d 1
op join: c d ->
";
    assert_eq!(outline(branches), 0);
    // g fills the scratchpad alone, so c must be spilled and reloaded.
    assert_eq!(outline(&branches.replace("c 1", "c 2").replace("d 1", "d 2")), 4);
}

#[test]
fn streamed_weights_cost_each_use_but_the_first_and_take_no_room() {
    let text = "
machine scratchpad 2 alignment 1 weights streamed
argument x 1
weight w 10
op f: x w -> a 1
op g: a w ->
op h: w ->
";
    assert_eq!(outline(text), 20);
}

#[test]
fn the_last_block_needs_no_padding() {
    let text = "
machine scratchpad 65 alignment 64 weights resident
argument x 1
argument y 1
op f: x -> a 1
op g: a y ->
op h: x ->
";
    assert_eq!(outline(text), 0);
    let too_small: Problem = text.replace("scratchpad 65", "scratchpad 64").parse().unwrap();
    assert!(matches!(outline_optimum(&too_small), Err(Error::ScratchpadTooSmall { needed: Bytes(65), .. })));
}

#[test]
fn addresses_can_cost_traffic() {
    for example in FRAGMENTED {
        let problem: Problem = example.problem.parse().expect("the problem parses");
        assert_eq!(outline_optimum(&problem), Ok(Bytes(example.outline_optimum)), "{}", example.name);
        assert_eq!(joint_optimum(&problem), Ok(Bytes(example.joint_optimum)), "{}", example.name);
    }
}

/// The portfolio continues until the plan has addresses, reports their cost, and claims no false optimum. With integer
/// programming, it finds the optimum with addresses and proves it.
#[test]
fn what_cannot_be_packed_is_planned_all_the_same() {
    let solvers = [Solver::Search, Solver::Greedy, Solver::Auto, Solver::Ilp];
    let is_exact = |it: Solver| matches!(it, Solver::Auto | Solver::Ilp) && cfg!(feature = "ilp");
    for example in FRAGMENTED {
        let problem: Problem = example.problem.parse().expect("the problem parses");
        let (outline, joint) = (Bytes(example.outline_optimum), Bytes(example.joint_optimum));
        for solver in solvers.into_iter().filter(|it| cfg!(feature = "ilp") || *it != Solver::Ilp) {
            let solution = plan(&problem, &Options { solver, ..Options::default() }).expect("there is a plan");
            let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge agrees");
            assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{} {solver:?}", example.name);
            assert!(solution.lower_bound <= joint && joint <= solution.non_compulsory, "{} {solver:?}", example.name);
            if is_exact(solver) {
                assert!(solution.is_optimal(), "{} {solver:?}", example.name);
                assert_eq!(solution.fragmentation, joint - outline, "{} {solver:?}", example.name);
            }
        }
    }
}

#[test]
fn a_result_in_the_place_of_an_operand_needs_no_room() {
    let chain = "
machine scratchpad 2 alignment 1 weights resident
argument x 1
argument y 1
op f: x -> a 1 over x
op g: a y -> b 1 over a y
op h: b -> c 1 over b
return c
";
    assert_eq!(outline(chain), 0);
    let unsaid: Problem = chain.replace(" over a y", "").parse().expect("the problem parses");
    assert!(matches!(outline_optimum(&unsaid), Err(Error::ScratchpadTooSmall { needed: Bytes(3), .. })));
}

/// Of two readers of `a` the last one may write over it, so the order decides.
#[test]
fn who_comes_last_writes_in_place() {
    let text = "
machine scratchpad 4 alignment 1 weights resident
op a: -> a 2
op f: a -> b 2 over a
op g: a -> c 1
op h: b c -> d 1
";
    // f first: a, b and c are present at once, five. g first: a and c, then b over a, three.
    assert_eq!(outline(text), 0);
    assert_eq!(outline(&text.replace(" over a", "")), 2);
    let least: Problem = text.parse().expect("the problem parses");
    // In any order: f need not come last.
    assert_eq!(least.min_scratchpad(), Bytes(4));
}

/// Of three results two can share bytes, whichever pairs are tried first.
#[test]
fn as_many_results_as_possible_take_a_place() {
    let text = "
machine scratchpad 4 alignment 1 weights resident
argument x 1
argument y 1
argument z 1
op f: x y z -> r 1 over x y, s 1 over x, t 1 over y x
return r s t
";
    assert_eq!(outline(text), 0);
}
