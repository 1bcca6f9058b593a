//! What all transfers of a program cost on a machine of several memories, and how far that is from the least.

use crate::CostReport;
use crate::units::{bytes_text, counted_off, plain};
use cosma_planner::{Bytes, Order};
use std::fmt::{self, Write};

/// Writes whether any program costs less. `order` is that of [`explain`](super::explain()).
pub(super) fn write_proof(cost: &CostReport, order: Option<Order>, f: &mut String) -> fmt::Result {
    let [total, least] = [cost.total, cost.lower_bound].map(counted_off);
    if cost.total <= cost.lower_bound {
        let alternatives = match order {
            Some(Order::Free) => "no order of the operators and no choice of copies",
            Some(Order::Source) => "in this order of the operators, no choice of copies",
            None => "no choice of copies",
        };
        return writeln!(f, "  Optimal: {alternatives} costs less than {total}.");
    }
    let gap = cost.total - cost.lower_bound;
    writeln!(
        f,
        "  Not proven optimal: its transfers cost {total}, and the lower bound is {least}.\n  \
         The gap is {} ({:.1} %).",
        counted_off(gap),
        100.0 * gap as f64 / cost.total as f64
    )
}

/// Writes what goes over each link that is used.
pub(super) fn write_links(cost: &CostReport, f: &mut String) -> fmt::Result {
    writeln!(f, "\nWhat the transfers cost: {}", counted_off(cost.total))?;
    for it in cost.links.iter().filter(|it| it.bytes != 0) {
        let (bytes, price, cost) = (bytes_text(Bytes(it.bytes)), counted_off(it.price), counted_off(it.cost));
        writeln!(f, "  {} to {}: {bytes} at {price} = {cost}", plain(&it.from), plain(&it.to))?;
    }
    Ok(())
}
