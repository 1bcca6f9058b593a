//! A problem restricted to some of its orders by additional dependences; and planning in a given order, the extreme
//! case.
//!
//! To solvers it is an ordinary problem.

use crate::sub_problem::{SubProblem, SubProblemBuilder};
use crate::{Error, OpId, Options, Order, Origin, Plan, Problem, Residency, Solution, TensorId, plan};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The additional dependences of a restricted problem: the first operator runs before the second.
pub(crate) type Edges = Vec<(OpId, OpId)>;

/// Plans a problem as [`plan()`](crate::plan()) does, in a given order, for example that of another scheduler. Bounds
/// are for this order.
///
/// The option `order` is ignored.
///
/// # Errors
/// [`Error::Schedule`] if it is not an order of all operators that respects their dependences; otherwise those of
/// [`plan()`](crate::plan()).
pub fn plan_in_order(problem: &Problem, order: &[OpId], options: &Options) -> Result<Solution, Error> {
    let fixed = Restricted::in_order(problem, order)?;
    let solution = plan(fixed.problem(), &Options { order: Order::Source, ..*options })?;
    Ok(Solution { plan: fixed.expand(solution.plan), ..solution })
}

/// The order closest to source order that respects these additional dependences (Kahn 1962); `None` if there is a
/// cycle.
pub(crate) fn order_with(problem: &Problem, edges: &Edges) -> Option<Vec<OpId>> {
    let graph = &problem.graph;
    let mut n_missing: Vec<usize> = graph.op_ids().map(|op| graph.predecessors(op).len()).collect();
    edges.iter().for_each(|(_, op)| n_missing[op.index()] += 1);
    let mut edges = edges.clone();
    edges.sort_unstable();
    let more = |op: OpId| {
        let first = edges.partition_point(|edge| edge.0 < op);
        edges[first..].iter().take_while(move |edge| edge.0 == op).map(|edge| edge.1)
    };
    let mut ready: BinaryHeap<Reverse<OpId>> =
        graph.op_ids().filter(|op| n_missing[op.index()] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(n_missing.len());
    while let Some(Reverse(op)) = ready.pop() {
        order.push(op);
        for next in graph.successors(op).iter().copied().chain(more(op)) {
            n_missing[next.index()] -= 1;
            if n_missing[next.index()] == 0 {
                ready.push(Reverse(next));
            }
        }
    }
    (order.len() == n_missing.len()).then_some(order)
}

impl Problem {
    /// Checks that this is an order of all operators that respects their dependences.
    ///
    /// # Errors
    /// [`Error::Schedule`].
    pub(crate) fn check_order(&self, order: &[OpId]) -> Result<(), Error> {
        let refuse = |why: String| Err(Error::Schedule(why));
        let graph = &self.graph;
        let n_ops = graph.ops().len();
        let mut has_run = vec![false; n_ops];
        for &op in order {
            if n_ops <= op.index() {
                return refuse(format!("there is no operator {}", op.0));
            }
            let name = &graph.op(op).name;
            if let Some(before) = graph.predecessors(op).iter().find(|it| !has_run[it.index()]) {
                return refuse(format!("{name} comes before {}, on which it depends", graph.op(*before).name));
            }
            if std::mem::replace(&mut has_run[op.index()], true) {
                return refuse(format!("{name} is in it twice"));
            }
        }
        if let Some(missing) = graph.op_ids().find(|it| !has_run[it.index()]) {
            return refuse(format!("{} is missing", graph.op(missing).name));
        }
        Ok(())
    }
}

/// A problem with more dependences than another one, the *original*, and the way back to it.
pub(crate) struct Restricted {
    part: SubProblem,
    /// Whether all plans of the original are plans of this problem, so that its bounds hold for both.
    pub is_forced: bool,
}

impl Restricted {
    /// The problem restricted to the orders that respect these dependences, which have no cycle.
    pub fn new(original: &Problem, edges: &Edges, is_forced: bool) -> Restricted {
        let graph = &original.graph;
        let order = order_with(original, edges).expect("dependences that were chosen have no cycle");
        let mut befores: Vec<Vec<OpId>> = vec![Vec::new(); order.len()];
        edges.iter().for_each(|(before, op)| befores[op.index()].push(*before));
        let mut builder = SubProblemBuilder::new(original);
        let is_staged = |it: TensorId| graph.tensor(it).origin == Origin::Staged;
        let arguments = graph.tensor_ids().filter(|it| graph.producer(*it).is_none() && !is_staged(*it));
        arguments.for_each(|it| _ = builder.argument(it));
        // By operator of the original.
        let mut own = vec![OpId(0); order.len()];
        for &id in &order {
            let op = graph.op(id);
            op.reads.iter().filter(|it| is_staged(it.tensor)).for_each(|it| builder.staged(it.tensor));
            own[id.index()] = builder.op(&op.name, &[id], op.reads.iter().copied(), &op.writes, op.workspace);
            befores[id.index()].iter().for_each(|it| builder.order(own[it.index()], own[id.index()]));
            op.in_place.iter().for_each(|it| builder.in_place(it));
        }
        builder.results();
        builder.ends();
        Restricted { part: builder.build(original.machine.clone()), is_forced }
    }

    /// The problem restricted to this order, which becomes its source order.
    ///
    /// # Errors
    /// [`Error::Schedule`] if it is not an order of all operators that respects their dependences.
    pub fn in_order(original: &Problem, order: &[OpId]) -> Result<Restricted, Error> {
        original.check_order(order)?;
        let following = order.windows(2).map(|it| (it[0], it[1])).collect();
        Ok(Restricted::new(original, &following, true))
    }

    /// The restricted problem.
    pub fn problem(&self) -> &Problem {
        &self.part.problem
    }

    /// The plan of the original for a plan of this problem.
    pub fn expand(&self, plan: Plan) -> Plan {
        let original = |it: &Residency| Residency { tensor: self.part.tensor(it.tensor), ..it.clone() };
        let mut residencies: Vec<Residency> = plan.residencies.iter().map(original).collect();
        residencies.sort_by_key(|it| (it.steps.start, it.tensor));
        let order = plan.order.iter().flat_map(|op| self.part.members(*op)).copied().collect();
        Plan { order, residencies, workspaces: plan.workspaces }
    }
}

#[cfg(test)]
mod tests {
    use super::plan_in_order;
    use crate::baseline::OrderRule;
    use crate::testing::{Shape, seeded_problem};
    use crate::{Error, OpId, Options, Order, Problem, check, plan};

    #[test]
    fn a_given_order_is_kept_and_costs_what_it_costs_as_that_of_the_source() {
        let mut n_apart = 0;
        for seed in 0..400 {
            let problem = seeded_problem(Shape::SMALL, seed);
            let free = plan(&problem, &Options::default()).expect("there is a plan");
            for rule in OrderRule::ALL {
                let order = rule.order(&problem);
                let solution = plan_in_order(&problem, &order, &Options::default()).expect("there is a plan");
                assert_eq!(solution.plan.order, order, "{problem}");
                let traffic = check(&problem, &solution.plan.actions(&problem)).expect("the judge accepts it");
                assert_eq!(traffic.non_compulsory, solution.non_compulsory, "{problem}");
                // A free order is never worse than a simple one.
                assert!(free.non_compulsory <= solution.non_compulsory, "{problem}");
                if rule == OrderRule::Source {
                    let options = Options { order: Order::Source, ..Options::default() };
                    let source = plan(&problem, &options).expect("there is a plan");
                    let (of_source, given) = (source.non_compulsory, solution.non_compulsory);
                    assert_eq!((of_source, source.lower_bound), (given, solution.lower_bound), "{problem}");
                } else {
                    n_apart += usize::from(free.non_compulsory < solution.non_compulsory);
                }
            }
        }
        assert!(10 < n_apart, "{n_apart}");
    }

    #[test]
    fn what_is_no_order_is_refused() {
        let text = "machine scratchpad 64 alignment 1 weights resident
             argument x 1
             op a: x -> p 2
             op b: p -> q 3
             return q";
        let problem: Problem = text.parse().expect("a problem");
        let refused = |order: &[u32]| {
            let order: Vec<OpId> = order.iter().map(|it| OpId(*it)).collect();
            plan_in_order(&problem, &order, &Options::default()).map(|it| it.non_compulsory)
        };
        let because = |why: &str| Err(Error::Schedule(why.into()));
        assert_eq!(refused(&[1, 0]), because("b comes before a, on which it depends"));
        assert_eq!(refused(&[0]), because("b is missing"));
        assert_eq!(refused(&[0, 0, 1]), because("a is in it twice"));
        assert_eq!(refused(&[0, 1, 2]), because("there is no operator 2"));
        assert!(refused(&[0, 1]).is_ok());
    }
}
