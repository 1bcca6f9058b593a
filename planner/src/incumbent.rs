//! An incumbent: a plan that the caller already has. Planning starts from it and returns one that is no worse.

use crate::uses::Uses;
use crate::{
    BankConflicts, Bytes, Error, OpId, Order, Outline, Plan, Problem, Residency, Solution, Solver, Stay, Step,
    check_with_prologue,
};

/// A plan that the judge accepts, with derived data.
#[derive(Clone, Debug)]
pub(crate) struct Incumbent {
    pub plan: Plan,
    /// Order and residencies, each from its first use to its last.
    pub outline: Outline,
    pub non_compulsory: Bytes,
    /// The part of its cost that is due to addresses, if known.
    pub fragmentation: Bytes,
    /// The solver that made it, if known.
    pub solver: Solver,
}

impl Incumbent {
    /// Accepts a plan in an allowed order, if the judge accepts it.
    ///
    /// # Errors
    /// [`Error::Incumbent`] otherwise.
    pub fn new(problem: &Problem, order: Order, plan: &Plan) -> Result<Incumbent, Error> {
        let refuse = |why: String| Err(Error::Incumbent(why));
        if let Some(why) = out_of_range(problem, plan) {
            return refuse(why);
        }
        let is_source_order = plan.order.iter().copied().eq(problem.graph.op_ids());
        if order == Order::Source && !is_source_order {
            return refuse("its order is not that of the source".into());
        }
        match check_with_prologue(problem, &plan.prologue(problem), &plan.actions(problem)) {
            Ok(traffic) => Ok(Incumbent {
                plan: plan.clone(),
                outline: outline(problem, plan),
                non_compulsory: traffic.non_compulsory,
                fragmentation: Bytes::ZERO,
                solver: Solver::Greedy,
            }),
            Err(violations) => {
                let first = violations.first().map(|it| it.display(problem).to_string()).unwrap_or_default();
                let others = match violations.len() {
                    1 => String::new(),
                    n => format!(" (and {} more)", n - 1),
                };
                refuse(format!("{first}{others}"))
            }
        }
    }

    /// A plan of an earlier solution.
    pub fn of(problem: &Problem, solution: &Solution) -> Incumbent {
        let Solution { plan, non_compulsory, fragmentation, solver, .. } = solution;
        Incumbent {
            plan: plan.clone(),
            outline: outline(problem, plan),
            non_compulsory: *non_compulsory,
            fragmentation: *fragmentation,
            solver: *solver,
        }
    }

    /// The same for a problem that reads some of the tensors in host memory, without their residencies.
    pub fn without_needless(&self, problem: &Problem) -> Incumbent {
        let uses = Uses::new(problem, &self.plan.order);
        let mut plan = self.plan.clone();
        plan.residencies.retain(|it| !uses.within(it.tensor, &it.steps).is_empty());
        Incumbent {
            outline: outline(problem, &plan),
            non_compulsory: plan.non_compulsory(problem),
            plan,
            ..self.clone()
        }
    }

    /// The plan as a solution with a known bound.
    pub fn solution(&self, lower_bound: Bytes) -> Solution {
        Solution {
            plan: self.plan.clone(),
            non_compulsory: self.non_compulsory,
            lower_bound,
            fragmentation: self.fragmentation,
            bank_conflicts: BankConflicts::default(),
            solver: self.solver,
        }
    }
}

impl Solution {
    /// Replaces the solution by a better incumbent.
    pub(crate) fn offer_incumbent(&mut self, incumbent: Option<&Incumbent>) {
        if let Some(it) = incumbent {
            self.offer(Some((it.plan.clone(), it.non_compulsory)), it.solver);
        }
    }
}

/// The first operator, tensor or step in a plan that the problem does not have. Such a plan has no program for the
/// judge.
fn out_of_range(problem: &Problem, plan: &Plan) -> Option<String> {
    let (n_ops, n_tensors, n_steps) = (problem.graph.ops().len(), problem.graph.tensors().len(), plan.order.len());
    if let Some(OpId(op)) = plan.order.iter().find(|it| n_ops <= it.index()) {
        return Some(format!("it runs operator {op} of {n_ops}"));
    }
    if plan.workspaces.len() != n_steps {
        return Some(format!("it has {} offsets of workspaces for {n_steps} steps", plan.workspaces.len()));
    }
    let is_out_of_range = |it: &Residency| {
        let (start, end) = (it.steps.start.index(), it.steps.end.index());
        let tensor = problem.graph.tensor(it.tensor);
        let is_at_an_end = tensor.starts_on_chip && end == 0 || tensor.ends_on_chip && start == n_steps;
        n_steps < end || end < start || end == start && !is_at_an_end
    };
    plan.residencies.iter().find_map(|it| {
        if n_tensors <= it.tensor.index() {
            return Some(format!("it has a residency of tensor {} of {n_tensors}", it.tensor.0));
        }
        let name = &problem.graph.tensor(it.tensor).name;
        let (start, end) = (it.steps.start, it.steps.end);
        is_out_of_range(it).then(|| format!("{name} stays from step {start} to {end} of {n_steps}"))
    })
}

/// The stays of a valid plan, from first use to last. Stays without a use are omitted.
fn outline(problem: &Problem, plan: &Plan) -> Outline {
    let uses = Uses::new(problem, &plan.order);
    let mut residencies: Vec<_> = plan.residencies.iter().collect();
    residencies.sort_by_key(|it| (it.steps.start, it.tensor));
    let mut stays: Vec<Stay> = Vec::new();
    // By tensor: the step after the last use whose stay was added.
    let mut covered = vec![Step(0); problem.graph.tensors().len()];
    for residency in residencies {
        let tensor = residency.tensor;
        let start = residency.steps.start.max(covered[tensor.index()]);
        let steps = start..residency.steps.end.max(start);
        if let [first, .., last] | [first @ last] = uses.within(tensor, &steps) {
            covered[tensor.index()] = last.next();
            stays.push(Stay { tensor, steps: *first..last.next() });
        }
    }
    stays.sort_by_key(|it| (it.steps.start, it.tensor));
    Outline { order: plan.order.clone(), stays }
}
