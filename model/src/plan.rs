//! Plans a network and has the plan judged.

use crate::{Error, Network};
use cosma_planner::time::{Clock, LatencyBound, bound_of_any_order, latency_bound, plan_in_time};
use cosma_planner::{
    Action, Bytes, Error as PlannerError, Keep, LeastScratchpad, Machine, Objective, Options, Problem, Solution,
    Watcher, Weights, check_with_prologue, plan_watched,
};
use cosma_show::{Exhibit, Proof, TimeProof};
use std::ops::Range;
use std::time::{Duration, Instant};

/// The machine and the options of planning.
#[derive(Clone, Debug)]
pub struct Request {
    /// The size of the scratchpad.
    pub scratchpad: Bytes,
    /// The alignment of all addresses.
    pub alignment: Bytes,
    /// How operators read weights.
    pub weights: Weights,
    /// Whether weights that do not specify it stay in the scratchpad from one run to the next: [`Keep::Never`] or
    /// [`Keep::Auto`].
    pub keep: Keep,
    /// Addresses of the scratchpad that plans must not use, half-open.
    pub reserved: Vec<Range<Bytes>>,
    /// The speed of the links of [`Machine::with_host`] and of operators; `None` if time does not count.
    pub clock: Option<Clock>,
    /// Whether transfers overlap with operators, if there is a clock.
    pub overlaps: bool,
    /// The options of the planner.
    pub options: Options,
}

impl Request {
    /// The default alignment.
    pub const ALIGNMENT: Bytes = Bytes(64);

    /// A scratchpad of this size, and defaults for all else.
    pub fn for_scratchpad(scratchpad: Bytes) -> Request {
        Request {
            scratchpad,
            alignment: Request::ALIGNMENT,
            weights: Weights::Resident,
            keep: Keep::Never,
            reserved: Vec::new(),
            clock: None,
            overlaps: true,
            options: Options::default(),
        }
    }

    /// The problem of planning a network for this request.
    ///
    /// # Errors
    /// [`Error::Graph`]; [`Error::Option`] for an invalid alignment, for reserved addresses beyond the scratchpad, and for
    /// options that exclude each other; [`Error::Planner`] for an invalid clock.
    pub fn problem(&self, network: &Network) -> Result<Problem, Error> {
        let refuse = |why: &str| Err(Error::Option(why.into()));
        if !(1..=1 << 32).contains(&self.alignment.0) {
            return Err(Error::Option(format!("alignment is {}: it is 1 to 2^32 B", self.alignment)));
        }
        if let Some(Range { start, end }) = self.reserved.iter().find(|it| it.is_empty()) {
            return Err(Error::Option(format!("the reserved range {start} to {end} is empty")));
        }
        if let Some(Range { start, end }) = self.reserved.iter().find(|it| self.scratchpad < it.end) {
            let why = format!("{start} to {end} are reserved, but the scratchpad ends at {}", self.scratchpad);
            return Err(Error::Option(why));
        }
        if self.options.objective == Objective::Latency && !self.is_timed() {
            let why = if self.clock.is_some() { "nothing overlaps" } else { "the machine has no clock" };
            return Err(Error::Option(format!("latency cannot be the objective where {why}")));
        }
        let graph = network.build()?;
        let must_stay = graph.tensors().iter().any(|it| it.keep == Keep::Always);
        match self.weights {
            Weights::Streamed if must_stay => {
                return refuse("weights that are streamed cannot be kept from run to run");
            }
            Weights::Auto if must_stay || self.keep != Keep::Never => {
                return refuse("weights 'auto' cannot keep weights from run to run: use 'resident'");
            }
            _ => {}
        }
        // Only where weights stream, or may, are they read elsewhere than the graph says.
        let graph = if self.weights == Weights::Resident { graph } else { graph.with_weights(self.weights) };
        let graph = match self.keep {
            Keep::Never => graph,
            keep => graph.with_keep(|it| match graph.tensor(it).keep {
                Keep::Always => Keep::Always,
                _ => keep,
            }),
        };
        let machine = Machine::with_host(self.scratchpad, self.alignment).with_reserved(self.reserved.clone());
        let machine = match &self.clock {
            None => machine,
            Some(clock) => machine.with_clock(clock.clone()).map_err(Error::Planner)?,
        };
        Ok(Problem { graph, machine })
    }

    /// Whether a program whose transfers go on beside operators is looked for.
    pub(crate) fn is_timed(&self) -> bool {
        self.clock.is_some() && self.overlaps
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
    /// How fast programs of this plan can be at most, and those in any order; none without a clock.
    pub bounds: Option<[LatencyBound; 2]>,
    /// How long planning took.
    pub duration: Duration,
}

/// Plans a network. The watcher receives progress and may stop planning; then the plan is the best found so far.
///
/// # Errors
/// [`Error::Graph`]; [`Error::Option`]; [`Error::ScratchpadTooSmall`]; [`Error::Planner`]; [`Error::Judge`], which is a
/// bug in COSMA.
pub fn plan(network: &Network, request: &Request, watcher: &Watcher) -> Result<Planned, Error> {
    let problem = request.problem(network)?;
    let complain = |error| explain(network, &problem, error);
    let start = Instant::now();
    let (solution, actions, bounds) = if request.is_timed() {
        let timed = plan_in_time(&problem, &request.options, watcher).map_err(complain)?;
        let solution = Solution { plan: timed.overlapped.plan, ..timed.solution };
        (solution, timed.overlapped.actions, Some([timed.bound, timed.any_order]))
    } else {
        let solution = plan_watched(&problem, &request.options, watcher).map_err(complain)?;
        let actions = solution.plan.actions(&problem);
        let bounds = |solution: &Solution| {
            let bound = latency_bound(&problem, &solution.plan, solution.lower_bound)?;
            Ok([bound, bound_of_any_order(&problem, solution.lower_bound)?])
        };
        let bounds = request.clock.as_ref().map(|_| bounds(&solution)).transpose().map_err(complain)?;
        (solution, actions, bounds)
    };
    let duration = start.elapsed();
    judge(&problem, &solution, &actions)?;
    let least = problem.least_scratchpad(request.options.order);
    let exhibit = exhibit(network, problem, &solution, actions, bounds);
    Ok(Planned { request: request.clone(), solution, exhibit, least, bounds, duration })
}

/// Verifies that the judge accepts a program and counts the bytes that its plan reports.
///
/// # Errors
/// [`Error::Judge`].
pub(crate) fn judge(problem: &Problem, solution: &Solution, actions: &[Action]) -> Result<(), Error> {
    match check_with_prologue(problem, &solution.plan.prologue(problem), actions) {
        Ok(it) if it.non_compulsory == solution.non_compulsory && it.compulsory == problem.compulsory() => Ok(()),
        Ok(_) => Err(Error::Judge("it moves different bytes than it reports".into())),
        Err(violations) => {
            let first = violations.first().map(|it| it.display(problem).to_string()).unwrap_or_default();
            Err(Error::Judge(format!("{} violations, the first: {first}", violations.len())))
        }
    }
}

/// A program with the names of its network.
fn exhibit(
    network: &Network,
    problem: Problem,
    solution: &Solution,
    actions: Vec<Action>,
    bounds: Option<[LatencyBound; 2]>,
) -> Exhibit {
    let prologue = solution.plan.prologue(&problem);
    let n_prologue = prologue.len();
    let lines = prologue.into_iter().chain(actions).collect();
    let mut exhibit = Exhibit { n_prologue, ..Exhibit::new(network.name.clone(), problem, lines) };
    for (label, known) in exhibit.operators.iter_mut().zip(&network.operators) {
        label.clone_from(known);
    }
    for (label, known) in exhibit.tensors.iter_mut().zip(&network.tensors) {
        label.clone_from(known);
    }
    exhibit.families.operators = exhibit.operators.iter().map(|it| it.name.clone()).collect();
    exhibit.families.tensors = exhibit.tensors.iter().map(|it| it.name.clone()).collect();
    let Solution { lower_bound, fragmentation, solver, .. } = *solution;
    exhibit.proof = Some(Proof { lower_bound, fragmentation, solver });
    exhibit.time = bounds.map(|[of_plan, _]| TimeProof::from(of_plan));
    exhibit
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
