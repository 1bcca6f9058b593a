//! What is shown: a planned program, and what people call the things in it.

use cosma_planner::{Action, Bytes, OpId, Problem, Solver, TensorId, Traffic};

/// A planned function. Its program is taken to be right: the judge has seen it.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// The function's name, without `@`.
    pub function: String,
    /// What was planned.
    pub problem: Problem,
    /// The program. Every operator runs once.
    pub actions: Vec<Action>,
    /// By [`OpId`].
    pub operators: Vec<OperatorLabel>,
    /// By [`TensorId`].
    pub tensors: Vec<TensorLabel>,
    /// How good the program is, if that is known.
    pub proof: Option<Proof>,
}

/// What people know of an operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorLabel {
    /// What the model or the source calls it; as a rule its name in the problem.
    pub name: String,
    /// `Conv`, `tosa.add`.
    pub kind: String,
    /// Multiplications with addition, if it says how many.
    pub macs: Option<u64>,
    /// Where it stands in the source; empty if that is not known.
    pub location: String,
}

/// What people know of a tensor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorLabel {
    /// What the model or the source calls it; as a rule its name in the problem.
    pub name: String,
    /// Shape and element type, as `64x3x7x7xi8`; empty if that is not known.
    pub shape: String,
}

/// What is proven of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// No program moves fewer non-compulsory bytes.
    pub lower_bound: Bytes,
    /// The non-compulsory bytes that are owed to addresses.
    pub fragmentation: Bytes,
    /// Who made the plan; never [`Solver::Auto`].
    pub solver: Solver,
}

impl Exhibit {
    /// A program whose operators and tensors are called what the problem calls them.
    pub fn new(function: impl Into<String>, problem: Problem, actions: Vec<Action>) -> Exhibit {
        let kind = |name: &str| name.rsplit_once('_').map_or(name, |it| it.0).to_owned();
        let operator = |name: &String| OperatorLabel { name: name.clone(), kind: kind(name), ..Default::default() };
        let operators = problem.graph.ops().iter().map(|it| operator(&it.name)).collect();
        let tensor = |name: &String| TensorLabel { name: name.clone(), shape: String::new() };
        let tensors = problem.graph.tensors().iter().map(|it| tensor(&it.name)).collect();
        Exhibit { function: function.into(), problem, actions, operators, tensors, proof: None }
    }

    /// Operator by step.
    pub fn order(&self) -> Vec<OpId> {
        let run = |action: &Action| match action {
            Action::Run { op, .. } => Some(*op),
            _ => None,
        };
        self.actions.iter().filter_map(run).collect()
    }

    /// What the program moves.
    pub fn traffic(&self) -> Traffic {
        Traffic::of(&self.problem, &self.actions)
    }

    /// `optimal`, `feasible`, or that nothing is known.
    pub fn status(&self) -> &'static str {
        match self.proof {
            Some(proof) if proof.lower_bound == self.traffic().non_compulsory => "optimal",
            Some(_) => "feasible",
            None => "nothing proven",
        }
    }

    pub(crate) fn size(&self, tensor: TensorId) -> Bytes {
        self.problem.graph.tensor(tensor).size
    }

    pub(crate) fn tensor_name(&self, tensor: TensorId) -> &str {
        &self.tensors[tensor.index()].name
    }

    pub(crate) fn operator_name(&self, op: OpId) -> &str {
        &self.operators[op.index()].name
    }
}
