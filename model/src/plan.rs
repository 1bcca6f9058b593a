//! Plans a network and has the plan judged.

use crate::memories::{place, plan_tiers};
use crate::tiles::{Cut, Tiles, cut, left};
use crate::{Error, Network};
use cosma_planner::time::{Clock, LatencyBound, bound_of_any_order, latency_bound, plan_in_time};
use cosma_planner::{
    Action, Bytes, Error as PlannerError, Keep, LeastScratchpad, Machine, MemoryId, Moves, Objective, Options,
    Placement, Problem, Solution, Watcher, Weights, check_with_prologue, plan_watched,
};
use cosma_show::{CostReport, Exhibit, Proof, TimeProof};
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
    /// The speed of the machine's links and of operators; `None` if time does not count.
    pub clock: Option<Clock>,
    /// The machine, if it is another than [`Machine::with_host`]: one of several memories, or one on which nothing moves. Size
    /// and alignment of its scratchpad, and its clock, are those above; what is reserved above is reserved besides.
    pub machine: Option<Machine>,
    /// Whether transfers overlap with operators, if there is a clock.
    pub overlaps: bool,
    /// Whether operators of a model are split into tiles if they do not fit, or if tiles move less.
    pub tiles: bool,
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
            machine: None,
            overlaps: true,
            tiles: false,
            options: Options::default(),
        }
    }

    /// A machine as it is, and defaults for all else.
    pub fn for_machine(machine: Machine) -> Request {
        Request {
            alignment: machine.alignment(),
            clock: machine.clock().cloned(),
            machine: Some(machine.clone()),
            ..Request::for_scratchpad(machine.scratchpad())
        }
    }

    /// The problem of planning a network for this request.
    ///
    /// # Errors
    /// [`Error::Graph`]; [`Error::Option`] for an invalid alignment, for reserved addresses beyond the scratchpad, and for
    /// options that exclude each other or the machine; [`Error::Planner`] for an invalid clock.
    pub fn problem(&self, network: &Network) -> Result<Problem, Error> {
        let refuse = |why: &str| Err(Error::Option(why.into()));
        if !(1..=1 << 32).contains(&self.alignment.0) {
            return Err(Error::Option(format!("alignment is {}: it is 1 to 2^32 B", self.alignment)));
        }
        let machine = self.machine()?;
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
        Ok(Problem { graph, machine })
    }

    /// The machine to plan for.
    fn machine(&self) -> Result<Machine, Error> {
        if let Some(Range { start, end }) = self.reserved.iter().find(|it| it.is_empty()) {
            return Err(Error::Option(format!("the reserved range {start} to {end} is empty")));
        }
        let mut machine = match &self.machine {
            None => Machine::with_host(self.scratchpad, self.alignment),
            Some(machine) => machine.with_scratchpad(self.scratchpad),
        };
        machine.set_alignment(self.alignment);
        let machine = machine.with_reserved(self.reserved.clone());
        let reserved = &machine.memories()[MemoryId::SCRATCHPAD.index()].reserved;
        if let Some(Range { start, end }) = reserved.iter().find(|it| self.scratchpad < it.end) {
            let why = format!("{start} to {end} are reserved, but the scratchpad ends at {}", self.scratchpad);
            return Err(Error::Option(why));
        }
        match &self.clock {
            None => Ok(machine.without_clock()),
            Some(clock) => machine.with_clock(clock.clone()).map_err(Error::Planner),
        }
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
    /// The plan and its proof. On a machine of several memories, the plan is what lies in the scratchpad, and the proof is about
    /// the border of home.
    pub solution: Solution,
    /// Where everything lies, if nothing moves on the machine. Then the plan above has of it what lies in the scratchpad.
    pub placement: Option<Placement>,
    /// What the program costs by the prices of links, on a machine of several memories or on which nothing moves. This is then
    /// minimised, and proven.
    pub cost: Option<CostReport>,
    /// The planned program with names, for display.
    pub exhibit: Exhibit,
    /// The smallest scratchpad with which the network can run; if nothing moves, a lower bound.
    pub least: LeastScratchpad,
    /// How fast programs of this plan can be at most, and those in any order; none without a clock.
    pub bounds: Option<[LatencyBound; 2]>,
    /// What came of splitting operators; `None` if that was not asked.
    pub tiles: Option<Tiles>,
    /// How long planning took.
    pub duration: Duration,
}

/// Plans a network. The watcher receives progress and may stop planning; then the plan is the best found so far. Where
/// operators are split into tiles, that may take eight seconds more.
///
/// # Errors
/// [`Error::Graph`]; [`Error::Option`]; [`Error::ScratchpadTooSmall`]; [`Error::Planner`]; [`Error::Judge`], which is a
/// bug in COSMA.
pub fn plan(network: &Network, request: &Request, watcher: &Watcher) -> Result<Planned, Error> {
    let start = Instant::now();
    let problem = request.problem(network)?;
    if !request.tiles {
        return plan_problem(network, request, problem, watcher);
    }
    if problem.machine.moves() == Moves::None {
        return Err(Error::Option("operators are not split on a machine on which nothing moves".into()));
    }
    let Cut { problem, tiles, names } = cut(network, request, problem, watcher)?;
    let rest = Request { options: left(request, start), ..request.clone() };
    let mut planned = match names {
        None => plan_problem(network, &rest, problem, watcher)?,
        Some((network, families)) => {
            let mut planned = plan_problem(&network, &rest, problem, watcher)?;
            planned.exhibit.families = families;
            planned
        }
    };
    planned.request.options = request.options;
    Ok(Planned { tiles: Some(tiles), duration: start.elapsed(), ..planned })
}

/// Plans a problem with the names of a network.
fn plan_problem(network: &Network, request: &Request, problem: Problem, watcher: &Watcher) -> Result<Planned, Error> {
    if problem.machine.moves() == Moves::None {
        return place(network, request, problem, watcher);
    }
    if problem.machine.has_tiers() {
        return plan_tiers(network, request, problem, watcher);
    }
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
    Ok(Planned {
        request: request.clone(),
        solution,
        placement: None,
        cost: None,
        exhibit,
        least,
        bounds,
        tiles: None,
        duration,
    })
}

/// Verifies that the judge accepts a program and counts the bytes that its plan reports.
///
/// # Errors
/// [`Error::Judge`].
pub(crate) fn judge(problem: &Problem, solution: &Solution, actions: &[Action]) -> Result<(), Error> {
    match check_with_prologue(problem, &solution.plan.prologue(problem), actions) {
        Ok(it) if it.non_compulsory == solution.non_compulsory && it.compulsory == problem.compulsory() => Ok(()),
        Ok(_) => Err(Error::Judge("it moves different bytes than it reports".into())),
        Err(violations) => Err(Error::violated(problem, &violations)),
    }
}

/// A program with the names of its network.
pub(crate) fn exhibit(
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
