//! Plans for machines of several memories, and for those on which nothing moves.

use crate::plan::{exhibit, explain};
use crate::{Error, Network, Planned, Request};
use cosma_planner::tiers::{self, TieredPlan, plan_in_tiers_watched};
use cosma_planner::{
    Action, BankConflicts, Bytes, Deadline, LeastScratchpad, MemoryId, Objective, Place, Placement, PlacementOptions,
    PlacementSolution, Plan, Problem, Residency, Solution, Solver, Step, TensorId, Traffic, Watcher, Weights, check,
    place_watched,
};
use cosma_show::{CostReport, Exhibit, LinkReport};
use std::ops::Range;
use std::time::Instant;

/// The part of the time limit for a program without overlap, once there is a plan.
const SHARE_OF_TURNS: f64 = 0.2;

/// Plans a network for a machine of several memories.
///
/// # Errors
/// Those of [`plan`](crate::plan()).
pub(crate) fn plan_tiers(
    network: &Network,
    request: &Request,
    problem: Problem,
    watcher: &Watcher,
) -> Result<Planned, Error> {
    let start = Instant::now();
    let planned = plan_in_tiers_watched(&problem, &request.options, watcher);
    let planned = planned.map_err(|error| explain(network, &problem, error))?;
    let TieredPlan { plan, mut actions, mut traffic, lower_bound, least_bytes, solver, least_cycles, .. } = planned;
    if problem.machine.clock().is_some() && !request.overlaps {
        // Programs for a machine without a clock do one thing after the other.
        let in_turn = Problem { machine: problem.machine.without_clock(), graph: problem.graph.clone() };
        let deadline = Deadline::after(request.options.time_limit.mul_f64(SHARE_OF_TURNS));
        actions = tiers::actions(&in_turn, &plan, deadline).map_err(|error| explain(network, &problem, error))?;
        traffic = Traffic::of(&problem, &actions);
    }
    let duration = start.elapsed();
    judge(&problem, &actions, traffic)?;
    let inner = Problem { machine: problem.machine.without_tiers(), graph: problem.graph.clone() };
    let least = inner.least_scratchpad(request.options.order);
    let at_home = least_bytes.last().copied().unwrap_or(Bytes::ZERO);
    let solution = Solution {
        plan,
        non_compulsory: traffic.non_compulsory,
        lower_bound: at_home.saturating_sub(inner.compulsory()),
        fragmentation: Bytes::ZERO,
        bank_conflicts: BankConflicts::default(),
        solver,
    };
    let bounds = least_cycles.map(|bound| [bound; 2]);
    let cost = cost(&problem, &actions, traffic.cost, lower_bound)?;
    let least_cost = Some(cost.lower_bound);
    let exhibit = Exhibit { least_cost, ..exhibit(network, problem, &solution, actions, bounds) };
    Ok(Planned {
        request: request.clone(),
        solution,
        placement: None,
        cost: Some(cost),
        exhibit,
        least,
        bounds,
        tiles: None,
        duration,
    })
}

/// Places the tensors of a network, for good, on a machine on which nothing moves.
///
/// # Errors
/// Those of [`plan`](crate::plan()).
pub(crate) fn place(
    network: &Network,
    request: &Request,
    problem: Problem,
    watcher: &Watcher,
) -> Result<Planned, Error> {
    let refuse = |why: &str| Err(Error::Option(format!("on a machine on which nothing moves, {why}")));
    if request.options.objective == Objective::Latency {
        return refuse("latency cannot be the objective");
    }
    if request.options.solver != Solver::Auto {
        return refuse("there is no choice of solvers");
    }
    if request.weights != Weights::Resident {
        return refuse("weights are read where they lie: they neither stream nor pass by");
    }
    if problem.graph.keepable().next().is_some() {
        return refuse("all weights stay where they lie: there is nothing to keep");
    }
    let start = Instant::now();
    let options = PlacementOptions { order: request.options.order, time_limit: request.options.time_limit };
    let solution = place_watched(&problem, &options, watcher).map_err(|error| explain(network, &problem, error))?;
    let duration = start.elapsed();
    let PlacementSolution { placement, cost: total, lower_bound, .. } = solution;
    let actions = placement.actions(&problem);
    let traffic = Traffic { cost: total, ..Traffic::of(&problem, &actions) };
    judge(&problem, &actions, traffic)?;
    let workspace = problem.graph.ops().iter().map(|it| it.workspace).max().unwrap_or(Bytes::ZERO);
    let solution = Solution {
        plan: in_scratchpad(&problem, &placement),
        non_compulsory: traffic.non_compulsory,
        lower_bound: Bytes::ZERO,
        fragmentation: Bytes::ZERO,
        bank_conflicts: BankConflicts::default(),
        solver: Solver::Auto,
    };
    let cost = cost(&problem, &actions, total, lower_bound)?;
    let exhibit = Exhibit { proof: None, ..exhibit(network, problem, &solution, actions, None) };
    Ok(Planned {
        request: request.clone(),
        solution,
        placement: Some(placement),
        cost: Some(cost),
        exhibit,
        least: LeastScratchpad { size: workspace, is_exact: false },
        bounds: None,
        tiles: None,
        duration,
    })
}

/// What of a placement lies in the scratchpad.
fn in_scratchpad(problem: &Problem, placement: &Placement) -> Plan {
    let residency = |((tensor, place), steps): ((TensorId, &Option<Place>), Range<Step>)| {
        let place = place.filter(|it| it.memory == MemoryId::SCRATCHPAD)?;
        Some(Residency { tensor, steps, offset: place.offset })
    };
    let places = problem.graph.tensor_ids().zip(&placement.places);
    let mut residencies: Vec<Residency> = places.zip(placement.lifetimes(problem)).filter_map(residency).collect();
    residencies.sort_by_key(|it| (it.steps.start, it.tensor));
    Plan { order: placement.order.clone(), residencies, workspaces: placement.workspaces.clone() }
}

/// Verifies that the judge accepts a program and counts the bytes and the cost that its plan reports.
fn judge(problem: &Problem, actions: &[Action], traffic: Traffic) -> Result<(), Error> {
    match check(problem, actions) {
        Ok(counted) if counted == traffic => Ok(()),
        Ok(_) => Err(Error::Judge("it moves different bytes than it reports".into())),
        Err(violations) => Err(Error::violated(problem, &violations)),
    }
}

/// What a program costs, link by link.
fn cost(problem: &Problem, actions: &[Action], total: u128, lower_bound: u128) -> Result<CostReport, Error> {
    let total = u64::try_from(total).map_err(|_| {
        Error::Option(format!("the transfers cost {total} in all, which is more than can be counted: lower the prices"))
    })?;
    let lower_bound = u64::try_from(lower_bound).unwrap_or(u64::MAX);
    Ok(CostReport { total, lower_bound, links: LinkReport::of_each(problem, actions) })
}
