//! A planned program with names for display.

use crate::{Families, TimeProof};
use cosma_planner::{Action, Bytes, OpId, Problem, Slot, Solver, TensorId, Traffic, tiers};

/// A planned function. The program must be correct: callers verify it first.
#[derive(Clone, Debug)]
pub struct Exhibit {
    /// The function's name, without `@`.
    pub function: String,
    /// The problem that the program solves.
    pub problem: Problem,
    /// The program. Every operator runs exactly once.
    pub actions: Vec<Action>,
    /// Labels by [`OpId`].
    pub operators: Vec<OperatorLabel>,
    /// Labels by [`TensorId`].
    pub tensors: Vec<TensorLabel>,
    /// The families of tiles of an operator and of pieces of a tensor.
    pub families: Families,
    /// The number of leading actions that run only once, before the first run: they load kept weights.
    pub n_prologue: usize,
    /// The proof of the program; `None` if there is none, or it belongs to another program.
    pub proof: Option<Proof>,
    /// A lower bound on the time of the program; `None` if none was computed.
    pub time: Option<TimeProof>,
    /// For a machine of several memories: a proven lower bound on what all transfers of any program cost; `None` if none was
    /// computed.
    pub least_cost: Option<u64>,
}

/// An operator as displayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperatorLabel {
    /// Its name in the model or source, or otherwise in the problem.
    pub name: String,
    /// For example `Conv` or `tosa.add`.
    pub kind: String,
    /// The number of multiply-accumulates, if declared.
    pub macs: Option<u64>,
    /// Its location in the source, `file:line:column`; empty if unknown.
    pub location: String,
    /// For a tile: the part of its operator's loops that it runs, as `[offsets] [sizes]`.
    pub part: Option<String>,
}

/// A tensor as displayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TensorLabel {
    /// Its name in the model or source, or otherwise in the problem.
    pub name: String,
    /// Shape and element type, as `64x3x7x7xi8`; empty if unknown.
    pub shape: String,
}

/// The proof of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// A proven lower bound on the non-compulsory bytes of any program.
    pub lower_bound: Bytes,
    /// The non-compulsory bytes caused by addresses: those beyond a plan that counts only sums of sizes.
    pub fragmentation: Bytes,
    /// The solver that made the plan; never [`Solver::Auto`].
    pub solver: Solver,
}

impl Exhibit {
    /// Makes an exhibit with the problem's names and without a proof.
    pub fn new(function: impl Into<String>, problem: Problem, actions: Vec<Action>) -> Exhibit {
        let kind = |name: &str| name.rsplit_once('_').map_or(name, |it| it.0).to_owned();
        let operator = |name: &String| OperatorLabel { name: name.clone(), kind: kind(name), ..Default::default() };
        let operators = problem.graph.ops().iter().map(|it| operator(&it.name)).collect();
        let tensor = |name: &String| TensorLabel { name: name.clone(), shape: String::new() };
        let tensors = problem.graph.tensors().iter().map(|it| tensor(&it.name)).collect();
        let operator_names = problem.graph.ops().iter().map(|it| it.name.clone()).collect();
        let tensor_names = problem.graph.tensors().iter().map(|it| it.name.clone()).collect();
        let families = Families::of_each(operator_names, tensor_names);
        let (proof, time, least_cost) = (None, None, None);
        Exhibit {
            function: function.into(),
            problem,
            actions,
            operators,
            tensors,
            families,
            n_prologue: 0,
            proof,
            time,
            least_cost,
        }
    }

    /// The operators in the order in which they run: the operator of each step.
    pub fn order(&self) -> Vec<OpId> {
        let run = |action: &Action| match action {
            Action::Run { op, .. } => Some(*op),
            _ => None,
        };
        self.actions.iter().filter_map(run).collect()
    }

    /// The bytes that each run of the program moves.
    pub fn traffic(&self) -> Traffic {
        Traffic::of(&self.problem, &self.actions[self.n_prologue..])
    }

    /// The same program as it looks from the scratchpad, on a machine of several memories: pictures and explanations know
    /// one beside home. What goes to another memory is spilled there, and nothing is proven.
    pub fn seen_from_scratchpad(&self) -> Exhibit {
        if !self.problem.machine.has_tiers() {
            return self.clone();
        }
        let (problem, actions) = tiers::seen_from_scratchpad(&self.problem, &self.actions);
        Exhibit { problem, actions, proof: None, time: None, ..self.clone() }
    }

    /// The tensors that stay in the scratchpad from one run to the next.
    pub fn kept(&self) -> impl Iterator<Item = Slot> {
        self.actions[..self.n_prologue].iter().filter_map(|action| match action {
            Action::Copy(copy) => Some(Slot { tensor: copy.tensor, place: copy.to }),
            _ => None,
        })
    }

    /// `optimal`, `feasible`, or `nothing proven`.
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
