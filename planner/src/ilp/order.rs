//! The order of the operators.

use super::precedence::Precedence;
use super::solver::Model;
use crate::{OpId, Problem};
use good_lp::{Expression, Variable};
use std::ops::RangeInclusive;

/// `run[i][t]`: operator *i* runs in step *t*.
///
/// There are variables only for possible steps: from the number of *i*'s ancestors to as many steps before the end as
/// *i* has descendants. They are the first variables of the model.
pub(super) struct Order {
    run: Vec<Vec<Variable>>,
    windows: Vec<RangeInclusive<usize>>,
}

impl Order {
    pub(super) fn new(problem: &Problem, precedence: &Precedence, start: &[OpId], model: &mut Model) -> Order {
        let graph = &problem.graph;
        let windows: Vec<RangeInclusive<usize>> = graph.op_ids().map(|it| precedence.window(it)).collect();
        let mut starts = vec![0; start.len()];
        start.iter().enumerate().for_each(|(step, op)| starts[op.index()] = step);
        let mut run = Vec::with_capacity(windows.len());
        for (window, start) in windows.iter().zip(starts) {
            run.push(window.clone().map(|step| model.binary(0, step == start)).collect());
        }
        let order = Order { run, windows };

        // Every operator runs once.
        for op in graph.op_ids() {
            model.constraints.push(order.ran_within(op, 0, usize::MAX).eq(1));
        }
        // In every step one operator runs.
        for step in 0..graph.ops().len() {
            let runs: Expression = graph.op_ids().filter_map(|it| order.run(it, step)).sum();
            model.constraints.push(runs.eq(1));
        }
        // Before an operator runs, its predecessors have run.
        for (before, after) in precedence.reduced(problem) {
            for step in *order.windows[after.index()].start()..=*order.windows[before.index()].end() {
                let ran_after = order.ran_within(after, 0, step);
                let ran_before = order.ran_within(before, 0, step - 1);
                model.constraints.push(ran_after.leq(ran_before));
            }
        }
        order
    }

    /// The variable `run[op][step]`, if that step is possible.
    pub(super) fn run(&self, op: OpId, step: usize) -> Option<Variable> {
        let window = &self.windows[op.index()];
        window.contains(&step).then(|| self.run[op.index()][step - window.start()])
    }

    /// The steps in which an operator can run.
    pub(super) fn window(&self, op: OpId) -> RangeInclusive<usize> {
        self.windows[op.index()].clone()
    }

    /// One if the operator has run before a step.
    pub(super) fn ran_before(&self, op: OpId, step: usize) -> Expression {
        step.checked_sub(1).map_or(Expression::default(), |last| self.ran_within(op, 0, last))
    }

    /// One if the operator runs in one of these steps.
    fn ran_within(&self, op: OpId, first: usize, last: usize) -> Expression {
        let window = self.windows[op.index()].clone().zip(&self.run[op.index()]);
        window.filter(|(step, _)| first <= *step && *step <= last).map(|(_, it)| *it).sum()
    }

    /// The order of a solution. `values` are those of all variables, of which these are the first.
    pub(super) fn read(&self, values: &[u64]) -> Vec<OpId> {
        let mut order = vec![OpId(0); self.windows.len()];
        let mut values = values.iter();
        for (op, window) in self.windows.iter().enumerate() {
            for step in window.clone() {
                if values.next() == Some(&1) {
                    order[step] = OpId(op as u32);
                }
            }
        }
        order
    }

    /// The names of the variables, in their order.
    pub(super) fn names(&self, problem: &Problem) -> Vec<String> {
        let names = problem.graph.ops().iter().zip(&self.windows);
        names.flat_map(|(op, window)| window.clone().map(|step| format!("run_{}_{step}", op.name))).collect()
    }
}
