//! A network with one choice of all options but the scratchpad: one curve of the plot.

use crate::Failure;
use crate::arguments::Arguments;
use crate::network::Network;
use crate::sizes::{Needs, Sizes, sizes};
use cosma::{Bytes, Solver, Weights};
use cosma_passes::{order_name, solver_name, weights_name};
use cosma_planner::baseline::{AllocationRule, Baseline, OrderRule, ReplacementRule, least_peak};
use cosma_planner::{OpId, Order, Problem};

/// A network with one choice of options, and the scratchpads to plan it for.
pub struct Series {
    /// How weights travel.
    pub weights: Weights,
    /// Which orders are allowed.
    pub order: Order,
    /// Who decides.
    pub solver: Solver,
    /// The problem, for a scratchpad of no size.
    problem: Problem,
    /// The least scratchpad.
    pub min: Bytes,
    /// Where a plan is known that moves nothing but what has to; none if nobody asked.
    pub peak: Option<Bytes>,
    /// Rising.
    pub sizes: Vec<Bytes>,
}

impl Series {
    /// The problem on a machine with this scratchpad.
    pub fn at(&self, scratchpad: Bytes) -> Problem {
        let mut problem = self.problem.clone();
        problem.machine.set_scratchpad(scratchpad);
        problem
    }

    /// The problem, whatever the scratchpad.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// What every plan moves.
    pub fn compulsory(&self) -> Bytes {
        self.problem.compulsory()
    }

    /// The choices that are not the same in all of these series, in words.
    pub fn label(&self, all: &[Series]) -> String {
        let differs = |is_same: fn(&Series, &Series) -> bool| all.iter().any(|it| !is_same(it, self));
        let mut words: Vec<String> = Vec::new();
        if differs(|a, b| a.weights == b.weights) {
            words.push(format!("{} weights", weights_name(self.weights)));
        }
        if differs(|a, b| a.order == b.order) {
            words.push(format!("{} order", order_name(self.order)));
        }
        if differs(|a, b| a.solver == b.solver) {
            words.push(format!("by {}", solver_name(self.solver)));
        }
        words.join(", ")
    }
}

/// Each choice of options, in the order in which they were given.
pub fn all_series(network: &Network, arguments: &Arguments) -> Result<Vec<Series>, Failure> {
    let said = [network.problem.weights()];
    let asked: Vec<Weights> = arguments.weights.iter().map(|it| it.0).collect();
    let weights = once_each(if asked.is_empty() { &said } else { &asked });
    let orders = once_each(&arguments.order.iter().map(|it| it.0).collect::<Vec<_>>());
    let solvers = once_each(&arguments.solver.iter().map(|it| it.0).collect::<Vec<_>>());
    let mut all = Vec::new();
    for &weights in &weights {
        for &order in &orders {
            let mut problem = network.problem.clone();
            problem.graph = problem.graph.with_weights(weights);
            // Sizes and alignment are such that one can plan.
            let fits_in_every_order = problem.min_scratchpad();
            problem.machine.set_scratchpad(fits_in_every_order);
            problem.check().map_err(|error| Failure::Run(vec![error.to_string()]))?;
            let least = problem.least_scratchpad(order);
            let min = if least.is_exact { least.size } else { fits_in_every_order };
            let peak = arguments.scratchpad.iter().any(|it| it.needs_peak()).then(|| peak(&problem, order));
            problem.machine.set_scratchpad(Bytes::ZERO);
            let needs = Needs { min, peak: peak.unwrap_or(min), alignment: problem.machine.alignment() };
            let asked: &[Sizes] = &arguments.scratchpad;
            let sizes = sizes(asked, arguments.steps, arguments.spacing, &needs).map_err(Failure::Call)?;
            for &solver in &solvers {
                all.push(Series { weights, order, solver, problem: problem.clone(), min, peak, sizes: sizes.clone() });
            }
        }
    }
    Ok(all)
}

fn once_each<T: Copy + PartialEq>(values: &[T]) -> Vec<T> {
    let mut once: Vec<T> = Vec::new();
    for &value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}

/// Sets of operators a level from which the order with the least peak is chosen: enough to come close,
/// in next to no time.
const WIDTH: usize = 100;

/// What the lowest known plan needs that moves nothing but what has to: in the order of the source,
/// or the one with the least peak that is found.
fn peak(problem: &Problem, order: Order) -> Bytes {
    let mut problem = problem.clone();
    let rooms = problem.graph.tensors().iter().map(|it| it.size);
    let rooms = rooms.chain(problem.graph.op_ids().map(|it| problem.graph.op(it).workspace));
    let alignment = problem.machine.alignment().0;
    // Room for everything at once.
    let all = rooms.fold(0_u64, |sum, it| sum.saturating_add(it.0).saturating_add(alignment));
    problem.machine.set_scratchpad(Bytes(all.min(u64::MAX >> 1)));
    let mut orders = vec![problem.graph.op_ids().collect::<Vec<OpId>>()];
    if order == Order::Free {
        orders.push(least_peak(&problem, WIDTH).order);
    }
    let height = |order: &Vec<OpId>| {
        let (replacement, allocation) = (ReplacementRule::FarthestNextUse, AllocationRule::GreedyBySize);
        let plan = Baseline { order: OrderRule::Source, replacement, allocation }.plan_in_order(&problem, order);
        plan.map_or(problem.machine.scratchpad(), |it| it.height(&problem))
    };
    orders.iter().map(height).min().expect("there is one").max(problem.min_scratchpad())
}
