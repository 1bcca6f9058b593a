//! The input of all exports.

use cosma_planner::time::LatencyBound;
use cosma_planner::{Action, Bytes, OpId, Problem, Solution, Solver, TensorId};

/// A planned network. The program must be correct: callers verify it first.
#[derive(Clone, Debug)]
pub struct Planned<'a> {
    /// The network's name.
    pub name: &'a str,
    /// The problem that the program solves.
    pub problem: &'a Problem,
    /// The program.
    pub actions: &'a [Action],
    /// The names of operators and tensors in the model.
    pub names: Names,
    /// The proof of the program; `None` if nothing was proven.
    pub proof: Option<Proof>,
    /// A lower bound on the time of the program; `None` if none was computed.
    pub latency_bound: Option<LatencyBound>,
}

/// Names of operators and tensors in the model. They need not be unique, unlike those of the problem.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// By operator. A missing or empty name stands for that of the problem.
    pub operators: Vec<String>,
    /// By tensor. A missing or empty name stands for that of the problem.
    pub tensors: Vec<String>,
}

/// The proof of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// A proven lower bound on the non-compulsory bytes of any program.
    pub lower_bound: Bytes,
    /// The non-compulsory bytes caused by addresses: those beyond a plan that counts only sums of sizes.
    pub fragmentation: Bytes,
    /// The solver that made the plan.
    pub solver: Solver,
}

impl From<&Solution> for Proof {
    fn from(solution: &Solution) -> Proof {
        let Solution { lower_bound, fragmentation, solver, .. } = *solution;
        Proof { lower_bound, fragmentation, solver }
    }
}

impl<'a> Planned<'a> {
    /// A program with the names of its problem and without a proof.
    pub fn new(name: &'a str, problem: &'a Problem, actions: &'a [Action]) -> Planned<'a> {
        Planned { name, problem, actions, names: Names::default(), proof: None, latency_bound: None }
    }

    /// The name of an operator in the model.
    pub(crate) fn operator_name(&self, op: OpId) -> &str {
        named(&self.names.operators, op.index(), &self.problem.graph.op(op).name)
    }

    /// The name of a tensor in the model.
    pub(crate) fn tensor_name(&self, tensor: TensorId) -> &str {
        named(&self.names.tensors, tensor.index(), &self.problem.graph.tensor(tensor).name)
    }

    /// The operators in the order in which they run.
    pub(crate) fn order(&self) -> Vec<OpId> {
        let run = |action: &Action| match action {
            Action::Run { op, .. } => Some(*op),
            _ => None,
        };
        self.actions.iter().filter_map(run).collect()
    }
}

fn named<'b>(names: &'b [String], index: usize, otherwise: &'b str) -> &'b str {
    names.get(index).map(String::as_str).filter(|it| !it.is_empty()).unwrap_or(otherwise)
}
