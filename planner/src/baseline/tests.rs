//! The rules on small graphs with known answers, compared with all orders.

use super::{LeastPeak, breadth_first, depth_first, least_peak, order::peak};
use crate::testing::{Shape, seeded_problem};
use crate::{OpId, Problem};

/// Two chains that widen and narrow, and their sum.
const CHAINS: &str = "\
machine scratchpad 3 alignment 1 weights resident
argument x 1
op widen0: x -> a0 4
op widen1: x -> a1 4
op narrow0: a0 -> b0 1
op narrow1: a1 -> b1 1
op add: b0 b1 -> y 1
return y
";

fn names(problem: &Problem, order: &[OpId]) -> String {
    order.iter().map(|it| problem.graph.op(*it).name.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn depth_first_finishes_a_branch_and_breadth_first_starts_all() {
    let problem: Problem = CHAINS.parse().expect("it is a problem");
    assert_eq!(names(&problem, &depth_first(&problem.graph)), "widen0 narrow0 widen1 narrow1 add");
    assert_eq!(names(&problem, &breadth_first(&problem.graph)), "widen0 widen1 narrow0 narrow1 add");
    let LeastPeak { order, peak, is_exact } = least_peak(&problem, 100);
    assert_eq!(names(&problem, &order), "widen0 narrow0 widen1 narrow1 add");
    assert_eq!((peak.0, is_exact), (6, true));
}

#[test]
fn least_peak_is_that_of_all_orders() {
    let (mut n_better, mut n_narrow) = (0, 0);
    for seed in 0..300 {
        let problem = seeded_problem(Shape::SMALL, seed);
        let found = least_peak(&problem, usize::MAX);
        assert!(found.is_exact);
        assert_eq!(found.peak.0, peak(&problem, &found.order), "{problem}");
        let least = least_of_all(&problem, &mut Vec::new());
        assert_eq!(found.peak.0, least, "{problem}");
        let source: Vec<OpId> = problem.graph.op_ids().collect();
        n_better += usize::from(least < peak(&problem, &source));
        // With one set per level the result is still an order.
        let narrow = least_peak(&problem, 1);
        assert_eq!(narrow.peak.0, peak(&problem, &narrow.order));
        assert!(least == narrow.peak.0 || !narrow.is_exact, "{problem}");
        n_narrow += usize::from(!narrow.is_exact);
    }
    assert!(30 < n_better && 30 < n_narrow, "{n_better} {n_narrow}");
}

/// The least peak of all orders with this prefix.
fn least_of_all(problem: &Problem, begun: &mut Vec<OpId>) -> u64 {
    let graph = &problem.graph;
    if begun.len() == graph.ops().len() {
        return peak(problem, begun);
    }
    let mut least = u64::MAX;
    for op in graph.op_ids().filter(|it| !begun.contains(it)).collect::<Vec<_>>() {
        if graph.predecessors(op).iter().all(|it| begun.contains(it)) {
            begun.push(op);
            least = least.min(least_of_all(problem, begun));
            begun.pop();
        }
    }
    least
}
