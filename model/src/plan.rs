//! Plans a network and has the plan judged.

use crate::{Error, Network};
use cosma_planner::{
    Bytes, Error as PlannerError, LeastScratchpad, Machine, Options, Problem, Solution, Watcher, Weights, check,
    plan_watched,
};
use cosma_show::{Exhibit, Proof};
use std::time::{Duration, Instant};

/// The machine and the options of planning.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// The size of the scratchpad.
    pub scratchpad: Bytes,
    /// The alignment of all addresses.
    pub alignment: Bytes,
    /// How operators read weights.
    pub weights: Weights,
    /// The options of the planner.
    pub options: Options,
}

impl Request {
    /// The default alignment.
    pub const ALIGNMENT: Bytes = Bytes(64);

    /// A scratchpad of this size, and defaults for all else.
    pub fn for_scratchpad(scratchpad: Bytes) -> Request {
        Request { scratchpad, alignment: Request::ALIGNMENT, weights: Weights::Resident, options: Options::default() }
    }

    /// The problem of planning a network for this request.
    ///
    /// # Errors
    /// [`Error::Graph`]; [`Error::Option`] for an invalid alignment.
    pub fn problem(&self, network: &Network) -> Result<Problem, Error> {
        if !(1..=1 << 32).contains(&self.alignment.0) {
            return Err(Error::Option(format!("alignment is {}: it is 1 to 2^32 B", self.alignment)));
        }
        let graph = network.build()?;
        // Only where weights stream, or may, are they read elsewhere than the graph says.
        let graph = if self.weights == Weights::Resident { graph } else { graph.with_weights(self.weights) };
        Ok(Problem { graph, machine: Machine::with_host(self.scratchpad, self.alignment) })
    }
}

/// A network with a plan that the judge has accepted.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The request.
    pub request: Request,
    /// The plan and its proof.
    pub solution: Solution,
    /// The planned program with names, for display.
    pub exhibit: Exhibit,
    /// The smallest scratchpad with which the network can run.
    pub least: LeastScratchpad,
    /// How long planning took.
    pub duration: Duration,
}

/// Plans a network. The watcher receives progress and may stop planning; then the plan is the best found so far.
///
/// # Errors
/// [`Error::Graph`]; [`Error::ScratchpadTooSmall`]; [`Error::Planner`]; [`Error::Judge`], which is a bug in COSMA.
pub fn plan(network: &Network, request: &Request, watcher: &Watcher) -> Result<Planned, Error> {
    let problem = request.problem(network)?;
    let start = Instant::now();
    let solution =
        plan_watched(&problem, &request.options, watcher).map_err(|error| explain(network, &problem, error))?;
    let duration = start.elapsed();
    judged(network, request, problem, solution, duration)
}

/// A plan with its exhibit, if the judge accepts it.
fn judged(
    network: &Network,
    request: &Request,
    problem: Problem,
    solution: Solution,
    duration: Duration,
) -> Result<Planned, Error> {
    let actions = solution.plan.actions(&problem);
    let traffic = check(&problem, &actions).map_err(|violations| {
        let first = violations.first().map(|it| it.display(&problem).to_string()).unwrap_or_default();
        Error::Judge(format!("{} violations, the first: {first}", violations.len()))
    })?;
    if traffic.non_compulsory != solution.non_compulsory || traffic.compulsory != problem.compulsory() {
        return Err(Error::Judge("it moves different bytes than it reports".into()));
    }
    let least = problem.least_scratchpad(request.options.order);
    let mut exhibit = Exhibit::new(network.name.clone(), problem, actions);
    for (label, known) in exhibit.operators.iter_mut().zip(&network.operators) {
        label.clone_from(known);
    }
    for (label, known) in exhibit.tensors.iter_mut().zip(&network.tensors) {
        label.clone_from(known);
    }
    exhibit.families.operators = exhibit.operators.iter().map(|it| it.name.clone()).collect();
    exhibit.families.tensors = exhibit.tensors.iter().map(|it| it.name.clone()).collect();
    let Solution { lower_bound, fragmentation, solver, .. } = solution;
    exhibit.proof = Some(Proof { lower_bound, fragmentation, solver });
    Ok(Planned { request: *request, solution, exhibit, least, duration })
}

/// An error of the planner, with the names of the network.
pub(crate) fn explain(network: &Network, problem: &Problem, error: PlannerError) -> Error {
    match error {
        PlannerError::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad } => {
            let known = network.operators.get(op.index()).map(|it| it.name.clone());
            let operator = known.unwrap_or_else(|| problem.graph.op(op).name.clone());
            Error::ScratchpadTooSmall { operator, needed, scratchpad, min_scratchpad }
        }
        error => Error::Planner(error),
    }
}
