//! Series: a network with all options fixed but the scratchpad, which is one curve of the plot.

use crate::Failure;
use crate::arguments::Arguments;
use crate::network::Network;
use crate::sizes::{Anchor, Needs, Sizes, sizes};
use cosma::{Bytes, Solver, Weights};
use cosma_passes::{order_name, solver_name, weights_name};
use cosma_planner::baseline::size_without_spills;
use cosma_planner::{Order, Problem};
use cosma_tile::Network as TileNetwork;

/// A network with its options, and the scratchpad sizes to plan it for.
pub struct Series {
    /// The network's name, unique among those that are planned.
    pub name: String,
    /// Whether weights are resident, streamed, or either way.
    pub weights: Weights,
    /// The allowed orders.
    pub order: Order,
    /// The solver.
    pub solver: Solver,
    /// The problem, for a scratchpad of 0 bytes.
    problem: Problem,
    /// With `--tile`: how its operators may be cut.
    pub network: Option<TileNetwork>,
    /// The minimum scratchpad of whole operators.
    pub min: Bytes,
    /// A size for which a plan with only compulsory traffic is known; `None` if it was not requested.
    pub peak: Option<Bytes>,
    /// The sizes to plan, ascending.
    pub sizes: Vec<Bytes>,
}

impl Series {
    /// The problem with a scratchpad size.
    pub fn at(&self, scratchpad: Bytes) -> Problem {
        let mut problem = self.problem.clone();
        problem.machine.set_scratchpad(scratchpad);
        problem
    }

    /// The size below which there is no plan for sure.
    pub fn least(&self) -> Bytes {
        if self.network.is_some() { Bytes::ZERO } else { self.min }
    }

    /// The problem; its scratchpad has 0 bytes.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// The number of operators of the network.
    pub fn n_operators(&self) -> usize {
        self.problem.graph.ops().len()
    }

    /// The bytes that every plan moves.
    pub fn compulsory(&self) -> Bytes {
        self.problem.compulsory()
    }

    /// The networks and options in which these series differ, in words; empty if they do not.
    pub fn label(&self, all: &[Series]) -> String {
        let differs = |is_same: fn(&Series, &Series) -> bool| all.iter().any(|it| !is_same(it, self));
        let mut words: Vec<String> = Vec::new();
        if differs(|a, b| a.name == b.name) {
            words.push(self.name.clone());
        }
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

/// One series for each combination of options, in the order in which they were given.
///
/// # Errors
/// If the network cannot be planned, or the sizes are invalid.
pub fn all_series(network: &Network, arguments: &Arguments) -> Result<Vec<Series>, Failure> {
    let declared = [network.problem.weights()];
    let requested: Vec<Weights> = arguments.weights.iter().map(|it| it.0).collect();
    let weights = once_each(if requested.is_empty() { &declared } else { &requested });
    let requested: Vec<Order> = arguments.order.iter().map(|it| it.0).collect();
    // Tiles are chosen together with their order.
    let usual = [if arguments.tile { Order::Source } else { Order::Free }];
    let orders = once_each(if requested.is_empty() { &usual } else { &requested });
    let asked: Vec<Sizes> =
        if arguments.scratchpad.is_empty() { usual_sizes(arguments.tile) } else { arguments.scratchpad.clone() };
    let solvers = once_each(&arguments.solver.iter().map(|it| it.0).collect::<Vec<_>>());
    let mut all = Vec::new();
    for &weights in &weights {
        for &order in &orders {
            let mut problem = network.problem.clone();
            problem.graph = problem.graph.with_weights(weights);
            // Check sizes and alignment with a scratchpad that is large enough.
            let fits_in_every_order = problem.min_scratchpad();
            problem.machine.set_scratchpad(fits_in_every_order);
            problem.check().map_err(|error| Failure::Run(vec![error.to_string()]))?;
            let least = problem.least_scratchpad(order);
            let min = if least.is_exact { least.size } else { fits_in_every_order };
            let peak = asked.iter().any(|it| it.needs_peak()).then(|| size_without_spills(&problem, order));
            problem.machine.set_scratchpad(Bytes::ZERO);
            let needs = Needs { min, peak: peak.unwrap_or(min), alignment: problem.machine.alignment() };
            let sizes = sizes(&asked, arguments.steps, arguments.spacing, &needs).map_err(Failure::Call)?;
            for &solver in &solvers {
                all.push(Series {
                    name: network.name.clone(),
                    weights,
                    order,
                    solver,
                    problem: problem.clone(),
                    network: arguments.tile.then(|| network.cuttable.clone()),
                    min,
                    peak,
                    sizes: sizes.clone(),
                });
            }
        }
    }
    Ok(all)
}

/// The sizes if none are given: from the minimum to the peak, or in tiles 32 KiB to 4 MiB, powers of two and halves
/// between.
fn usual_sizes(is_tiled: bool) -> Vec<Sizes> {
    if !is_tiled {
        return vec![Sizes::Range(Anchor::Min, Anchor::Peak)];
    }
    let powers = (15..=22).map(|it| 1u64 << it);
    let sizes = powers.flat_map(|it| [it, it + it / 2]).filter(|it| *it <= 4 << 20);
    sizes.map(|it| Sizes::One(Anchor::Size(Bytes(it)))).collect()
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
