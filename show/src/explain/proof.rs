//! What is known about the optimum: that the program is optimal, or how large the gap is.

use crate::Exhibit;
use crate::units::bytes_text;
use cosma_planner::{Bytes, Order, Origin, Solver, Tensor};
use std::fmt::{self, Write};

/// Writes whether the program is optimal and why. `order` is that of [`explain`](super::explain()).
pub(super) fn write(exhibit: &Exhibit, order: Option<Order>, f: &mut String) -> fmt::Result {
    let non_compulsory = exhibit.traffic().non_compulsory;
    if non_compulsory == Bytes::ZERO {
        return writeln!(
            f,
            "  Optimal: each argument is loaded once, each result is stored once, and nothing else is moved.\n  \
             No program moves less."
        );
    }
    if non_compulsory == exhibit.problem.restreamed() {
        let is_staged = |it: &Tensor| it.origin == Origin::Staged;
        if exhibit.problem.graph.tensors().iter().any(is_staged) {
            return writeln!(
                f,
                "  Optimal: beyond the compulsory traffic, only what these operators pass on through host memory is\n  \
                 moved, and streamed weights once for each further operator that reads them. No plan avoids that."
            );
        }
        return writeln!(
            f,
            "  Optimal: beyond the compulsory traffic, only streamed weights are moved again, once for each\n  \
             further operator that reads them. No plan avoids that."
        );
    }
    let Some(proof) = exhibit.proof else {
        return writeln!(f, "  Nothing is proven: the program has no valid record of how it was planned.");
    };
    if proof.lower_bound == non_compulsory {
        write_optimal(non_compulsory, proof.solver, order, f)?;
    } else {
        write_gap(non_compulsory, proof.lower_bound, f)?;
    }
    if proof.fragmentation != Bytes::ZERO {
        writeln!(
            f,
            "  {} of it is fragmentation: if free space were contiguous, it would not be moved.",
            bytes_text(proof.fragmentation)
        )?;
    }
    Ok(())
}

/// Writes what the transfers of a program for several memories cost, and whether that is the least.
pub(super) fn write_cost(exhibit: &Exhibit, f: &mut String) -> fmt::Result {
    let cost = exhibit.traffic().cost;
    match exhibit.least_cost.map(u128::from) {
        Some(least) if cost <= least => {
            writeln!(f, "  Optimal: all transfers together cost {cost}; no program costs less.")
        }
        Some(least) => writeln!(f, "  All transfers together cost {cost}; the proven lower bound is {least}."),
        None => writeln!(f, "  All transfers together cost {cost}; nothing is proven about that."),
    }
}

fn write_optimal(non_compulsory: Bytes, solver: Solver, order: Option<Order>, f: &mut String) -> fmt::Result {
    let alternatives = match order {
        Some(Order::Free) => "no order of the operators and no choice of evictions",
        Some(Order::Source) => "in this order of the operators, no choice of evictions",
        None => "no choice of evictions",
    };
    let bytes = bytes_text(non_compulsory);
    writeln!(f, "  Optimal: {alternatives} moves less than {bytes} beyond the compulsory traffic.")?;
    let method = match (solver, order) {
        (Solver::Ilp, Some(Order::Source)) => {
            "The integer program over the gaps between uses, with a constraint for each step that exceeds the\n  \
             capacity, has no better solution."
        }
        (Solver::Ilp, _) => "Integer programming found the plan; it or the search ruled out anything better.",
        (Solver::Search, _) => {
            "The search found the plan. It pruned all other states: they cost as much, were dominated, or were\n  \
             excluded by a lower bound from a smaller, relaxed problem."
        }
        _ => "A heuristic found the plan, and its cost equals a lower bound.",
    };
    writeln!(f, "  {method}")
}

fn write_gap(non_compulsory: Bytes, lower_bound: Bytes, f: &mut String) -> fmt::Result {
    let gap = non_compulsory.saturating_sub(lower_bound);
    writeln!(
        f,
        "  Not proven optimal: it moves {} beyond the compulsory traffic, and the lower bound is {}.\n  \
         The gap is {} ({:.1} %); a longer time limit may close it.",
        bytes_text(non_compulsory),
        bytes_text(lower_bound),
        bytes_text(gap),
        100.0 * gap.0 as f64 / non_compulsory.0 as f64
    )
}
