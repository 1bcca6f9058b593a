//! All orders of a small problem.

use crate::{OpId, Problem};

/// All orders in which the operators of a small problem can run, up to `most`.
pub fn orders(problem: &Problem, most: usize) -> Vec<Vec<OpId>> {
    fn extend(problem: &Problem, order: &mut Vec<OpId>, all: &mut Vec<Vec<OpId>>, most: usize) {
        if order.len() == problem.graph.ops().len() {
            all.push(order.clone());
        }
        for op in problem.graph.op_ids().filter(|it| !order.contains(it)).collect::<Vec<_>>() {
            if all.len() < most && problem.graph.predecessors(op).iter().all(|it| order.contains(it)) {
                order.push(op);
                extend(problem, order, all, most);
                order.pop();
            }
        }
    }
    let mut all = Vec::new();
    extend(problem, &mut Vec::new(), &mut all, most);
    all
}
