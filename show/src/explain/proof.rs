//! How it is known that no program is better, or how far from that it is.

use crate::Exhibit;
use crate::units::bytes_text;
use cosma_planner::{Bytes, Order, Solver};
use std::fmt::{self, Write};

pub(super) fn write(exhibit: &Exhibit, order: Option<Order>, f: &mut String) -> fmt::Result {
    let non_compulsory = exhibit.traffic().non_compulsory;
    let restreamed = exhibit.problem.restreamed();
    let among = match order {
        Some(Order::Free) => "no order of the operators and no choice of what stays",
        Some(Order::Source) => "in this order of the operators, no choice of what stays",
        None => "no choice of what stays",
    };
    if non_compulsory == Bytes::ZERO {
        return writeln!(
            f,
            "  Optimal: each argument comes in once, each result goes out once, and nothing else moves.\n  \
             No program can do with less."
        );
    }
    if non_compulsory == restreamed {
        return writeln!(
            f,
            "  Optimal: beside what every program must move, only streamed weights come more than once,\n  \
             and they pass by for each operator that reads them, whatever the plan."
        );
    }
    let Some(proof) = exhibit.proof else {
        return writeln!(f, "  Nothing is proven: the program does not say who planned it.");
    };
    let bound = proof.lower_bound;
    if bound == non_compulsory {
        writeln!(f, "  Optimal: {among} moves less than {} beside the compulsory.", bytes_text(bound))?;
        let who = match (proof.solver, order) {
            (Solver::Ilp, Some(Order::Source)) => {
                "The integer program over the gaps between uses, with a row for each step that would overflow,\n  \
                 has no solution below."
            }
            (Solver::Ilp, _) => {
                "Integer programming found the plan; it or the search showed that nothing is open below."
            }
            (Solver::Search, _) => {
                "The search found the plan. What could lead below was followed until it cost as much, or was\n  \
                 shown to be no better than something else, or was ruled out by a relaxed, smaller problem."
            }
            _ => "A simple rule found the plan, and a lower bound meets it: nothing is open below.",
        };
        writeln!(f, "  {who}")?;
    } else {
        let gap = non_compulsory.saturating_sub(bound);
        writeln!(
            f,
            "  Not proven best: it moves {} beside the compulsory, and what is proven is at least {}.\n  \
             The gap is {} ({:.1} %); a longer time limit may close it.",
            bytes_text(non_compulsory),
            bytes_text(bound),
            bytes_text(gap),
            100.0 * gap.0 as f64 / non_compulsory.0 as f64
        )?;
    }
    if proof.fragmentation != Bytes::ZERO {
        writeln!(
            f,
            "  {} of it are owed to addresses: with what is free in one piece they need not be moved.",
            bytes_text(proof.fragmentation)
        )?;
    }
    Ok(())
}
