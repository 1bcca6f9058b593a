//! Problems with thousands of operators: all of them are planned, with any time limit.
//!
//! A limit of zero leaves only what is done in any case: reading the graph, a first plan, its addresses, its program,
//! and the judge. Anything quadratic or worse there, or in a solver before it checks the time, makes these tests take
//! minutes.

use cosma_planner::testing::{Choices, noise};
use cosma_planner::{Bytes, Dies, GraphBuilder, Machine, OpId, Options, Order, Problem, Solver, TensorId, check, plan};
use std::collections::BTreeSet;
use std::time::Duration;

const SIZE: Bytes = Bytes(256);

fn problem(graph: GraphBuilder, scratchpad: u64) -> Problem {
    Problem { graph: graph.build().expect("a graph"), machine: Machine::with_host(Bytes(scratchpad), Bytes(64)) }
}

/// Adds an operator with one result. Names do not matter here.
fn op(graph: &mut GraphBuilder, reads: &[TensorId]) -> TensorId {
    graph.op("op", reads, [("result", SIZE)], Bytes::ZERO)[0]
}

/// The same, and the result may take the place of any operand: elementwise.
fn op_in_place(graph: &mut GraphBuilder, reads: &[TensorId]) -> TensorId {
    let result = op(graph, reads);
    let distinct: BTreeSet<TensorId> = reads.iter().copied().collect();
    distinct.into_iter().for_each(|operand| graph.in_place(result, operand));
    result
}

/// As in training: a chain of operators, and as many back, each of which reads a result of the first half.
fn there_and_back(n_ops: usize, scratchpad: u64) -> Problem {
    let mut graph = GraphBuilder::new();
    let mut last = graph.argument("x", SIZE);
    let mut there = Vec::new();
    for _ in 0..n_ops / 2 {
        last = op_in_place(&mut graph, &[last]);
        there.push(last);
    }
    for activation in there.into_iter().rev() {
        last = op_in_place(&mut graph, &[last, activation]);
    }
    graph.result(last);
    problem(graph, scratchpad)
}

/// Each operator reads its two neighbours before it.
fn grid(width: usize, scratchpad: u64) -> Problem {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", SIZE);
    let mut above: Vec<TensorId> = Vec::new();
    for _ in 0..width {
        let mut row: Vec<TensorId> = Vec::new();
        for column in 0..width {
            let mut reads: Vec<TensorId> = above.get(column).into_iter().chain(row.last()).copied().collect();
            if reads.is_empty() {
                reads.push(x);
            }
            row.push(op_in_place(&mut graph, &reads));
        }
        above = row;
    }
    graph.result(above[width - 1]);
    problem(graph, scratchpad)
}

/// Each operator reads a few random earlier ones.
fn by_chance(n_ops: usize, scratchpad: u64) -> Problem {
    let mut graph = GraphBuilder::new();
    let bytes = noise(7, 8 * n_ops);
    let mut choices = Choices::new(&bytes);
    let mut tensors = vec![graph.argument("x", SIZE)];
    for _ in 0..n_ops {
        let reads: Vec<TensorId> = (0..1 + choices.below(3))
            .map(|_| tensors[tensors.len() - 1 - choices.below(tensors.len().min(100) as u64) as usize])
            .collect();
        tensors.push(op_in_place(&mut graph, &reads));
    }
    graph.result(tensors[n_ops]);
    problem(graph, scratchpad)
}

/// All leaves read one argument and come first; all others read two tensors each.
fn wide_tree(n_leaves: usize, scratchpad: u64) -> Problem {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", SIZE);
    let mut level: Vec<TensorId> = (0..n_leaves).map(|_| op(&mut graph, &[x])).collect();
    while 1 < level.len() {
        level = level.chunks(2).map(|pair| if pair.len() == 2 { op(&mut graph, pair) } else { pair[0] }).collect();
    }
    graph.result(level[0]);
    problem(graph, scratchpad)
}

/// All operators read one argument, and each may overwrite it.
fn all_in_place(n_ops: usize, scratchpad: u64) -> Problem {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", SIZE);
    for _ in 0..n_ops {
        let result = op(&mut graph, &[x]);
        graph.in_place(result, x);
        graph.result(result);
    }
    problem(graph, scratchpad)
}

#[track_caller]
fn expect_plan(problem: &Problem, solver: Solver, order: Order) -> Bytes {
    let options = Options { solver, order, time_limit: Duration::ZERO, ..Options::default() };
    let solution = plan(problem, &options).expect("there is a plan");
    let traffic = check(problem, &solution.plan.actions(problem)).expect("the judge accepts it");
    assert_eq!(traffic.non_compulsory, solution.non_compulsory);
    solution.non_compulsory
}

#[test]
fn ten_thousand_operators_out_of_time() {
    // With many evictions, and with none.
    for scratchpad in [32 << 10, 1 << 30] {
        let problems = [there_and_back(10_000, scratchpad), grid(100, scratchpad), by_chance(10_000, scratchpad)];
        for problem in problems {
            for (solver, order) in [
                (Solver::Greedy, Order::Source),
                (Solver::Auto, Order::Free),
                (Solver::Auto, Order::Source),
                (Solver::Search, Order::Free),
            ] {
                let moved = expect_plan(&problem, solver, order);
                assert!(scratchpad < 1 << 30 || moved == Bytes::ZERO, "{moved}");
            }
        }
    }
}

#[cfg(feature = "ilp")]
#[test]
fn ten_thousand_operators_for_integer_programming() {
    for problem in [there_and_back(10_000, 32 << 10), grid(100, 32 << 10)] {
        expect_plan(&problem, Solver::Ilp, Order::Free);
        expect_plan(&problem, Solver::Ilp, Order::Source);
    }
}

/// No operand dies with two operators, so there are many choices of operators that overwrite operands, and most of them
/// have no order.
#[test]
fn the_least_scratchpad_of_ten_thousand_operators() {
    for problem in [there_and_back(10_000, 1 << 30), grid(100, 1 << 30), by_chance(10_000, 1 << 30)] {
        let of_source = problem.least_scratchpad(Order::Source);
        assert!(of_source.is_exact && SIZE <= of_source.size);
        assert!(problem.least_scratchpad(Order::Free).size <= of_source.size);
    }
}

/// A depth-first order needs one leaf, and one partial sum for each level.
#[test]
fn a_wide_tree_moves_only_what_it_must() {
    for n_leaves in [1000, 5000] {
        let problem = wide_tree(n_leaves, 4096);
        for solver in [Solver::Auto, Solver::Search] {
            assert_eq!(expect_plan(&problem, solver, Order::Free), Bytes::ZERO);
        }
        assert!(Bytes::ZERO < expect_plan(&problem, Solver::Auto, Order::Source));
    }
}

#[test]
fn thousands_of_operators_that_may_overwrite_one_tensor() {
    let problem = all_in_place(6000, 4096);
    let dies = |op: OpId| problem.graph.op(op).in_place[0].dies;
    assert!(problem.graph.op_ids().all(|op| dies(op) == Dies::Sometimes), "no operator comes before another");
    assert_eq!(expect_plan(&problem, Solver::Auto, Order::Free), Bytes::ZERO);
}

/// In a chain, only the last one can overwrite the tensor that all of them read.
#[test]
fn thousands_of_operators_in_a_row_that_read_one_tensor() {
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", SIZE);
    let mut last = graph.argument("y", SIZE);
    for _ in 0..6000 {
        last = op(&mut graph, &[last, x]);
        graph.in_place(last, x);
    }
    graph.result(last);
    let problem = problem(graph, 4096);
    let dies: Vec<Dies> = problem.graph.ops().iter().map(|op| op.in_place[0].dies).collect();
    assert!(dies[..5999].iter().all(|dies| *dies == Dies::Never));
    assert_eq!(dies[5999], Dies::Always);
    expect_plan(&problem, Solver::Auto, Order::Free);
}
