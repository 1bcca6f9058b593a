//! A program in words: what is moved and why, how far from optimal that is, which tensors cost most, and what a
//! larger scratchpad would save; with a clock, also how long it takes and why it stalls.

mod larger;
mod proof;
mod reason;
mod tiling;
mod time;

pub use larger::{Larger, larger_scratchpads};
pub(crate) use reason::{Eviction, Reasons};

use crate::timing::Timed;
use crate::units::{both_ways, bytes_text, counted, plain};
use crate::{Content, Cost, Exhibit, Picture};
use cosma_planner::{Bytes, Order, Step, TensorId};
use std::cmp::Reverse;
use std::fmt::{self, Write};

/// The most tensors whose evictions are explained.
const MOST_EXPLAINED: usize = 20;

/// The most tensors in the list of the most expensive ones.
const MOST_COSTLY: usize = 10;

/// Explains a program. `order` is the set of orders that the planner considered, if it made the program
/// in this run; `larger` has the results of planning for larger scratchpads.
pub fn explain(exhibit: &Exhibit, order: Option<Order>, larger: Option<&Larger>) -> String {
    let mut text = String::new();
    write(exhibit, &exhibit.seen_from_scratchpad(), order, larger, &mut text).expect("a string takes all");
    text
}

/// Writes about a program, and about the same one as seen from the scratchpad; only the time is that of the former.
fn write(
    all: &Exhibit,
    exhibit: &Exhibit,
    order: Option<Order>,
    larger: Option<&Larger>,
    f: &mut String,
) -> fmt::Result {
    let picture = Picture::new(exhibit);
    let traffic = exhibit.traffic();
    let machine = &exhibit.problem.machine;
    writeln!(
        f,
        "@{}: {} in a scratchpad of {}",
        plain(&exhibit.function),
        exhibit.counted_operators(),
        both_ways(machine.scratchpad())
    )?;
    writeln!(
        f,
        "  traffic {} = {} compulsory + {} non-compulsory",
        bytes_text(traffic.total()),
        bytes_text(traffic.compulsory),
        bytes_text(traffic.non_compulsory)
    )?;
    if let Some((step, most)) = picture.occupied.iter().enumerate().max_by_key(|it| (it.1, Reverse(it.0))) {
        let (live_step, live) =
            picture.live.iter().enumerate().max_by_key(|it| (it.1, Reverse(it.0))).expect("as many steps");
        writeln!(f, "  most in use: {} in step {}", bytes_text(*most), name_step(exhibit, &picture, step))?;
        let excess = if machine.scratchpad() < *live { ", more than the scratchpad holds" } else { "" };
        writeln!(f, "  most live: {} in step {}{excess}", bytes_text(*live), name_step(exhibit, &picture, live_step))?;
    }
    writeln!(f, "\nHow good the plan is")?;
    match all.problem.machine.has_tiers() {
        true => proof::write_cost(all, f)?,
        false => proof::write(exhibit, order, f)?,
    }
    if let Some(timed) = Timed::new(all) {
        writeln!(f, "\nHow long it takes")?;
        time::write(all, &timed, f)?;
    }
    if exhibit.is_tiled() {
        writeln!(f, "\nHow it is cut into tiles")?;
        tiling::write(exhibit, &picture, f)?;
    }
    write_moved(exhibit, &picture, f)?;
    write_costliest(exhibit, &picture, f)?;
    if let Some(larger) = larger {
        writeln!(f, "\nWhat a larger scratchpad would save")?;
        larger.write(traffic.non_compulsory, f)?;
    }
    Ok(())
}

/// Writes the tensors with non-compulsory transfers, largest cost first; pieces of one tensor together.
fn write_moved(exhibit: &Exhibit, picture: &Picture, f: &mut String) -> fmt::Result {
    let cost = |it: &TensorId| picture.costs[it.index()].non_compulsory(exhibit.size(*it));
    let all = |it: &Vec<TensorId>| it.iter().map(cost).sum::<Bytes>();
    let mut moved: Vec<Vec<TensorId>> = exhibit.pieces();
    moved.retain(|it| Bytes::ZERO < all(it));
    moved.sort_by_key(|it| (Reverse(all(it)), it[0]));
    if moved.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nWhat was moved and why")?;
    let mut reasons = Reasons::new(exhibit, picture);
    for pieces in moved.iter().take(MOST_EXPLAINED) {
        match pieces[..] {
            [tensor] => reasons.write(tensor, f)?,
            _ => reasons.write_pieces(pieces, f)?,
        }
    }
    if let Some(rest) = moved.get(MOST_EXPLAINED..).filter(|it| !it.is_empty()) {
        let bytes: Bytes = rest.iter().map(all).sum();
        writeln!(f, "  and {} more tensors, {} in total", rest.len(), bytes_text(bytes))?;
    }
    Ok(())
}

fn write_costliest(exhibit: &Exhibit, picture: &Picture, f: &mut String) -> fmt::Result {
    let total = |it: &TensorId| picture.costs[it.index()].total(exhibit.size(*it));
    let total = |it: &Vec<TensorId>| it.iter().map(total).sum::<Bytes>();
    let mut tensors: Vec<Vec<TensorId>> = exhibit.pieces();
    tensors.retain(|it| Bytes::ZERO < total(it));
    tensors.sort_by_key(|it| (Reverse(total(it)), it[0]));
    tensors.truncate(MOST_COSTLY);
    if tensors.is_empty() {
        return Ok(());
    }
    writeln!(f, "\nMost expensive tensors, by all traffic")?;
    let name = |it: &Vec<TensorId>| plain(&exhibit.families.tensors[exhibit.tensor_family(it[0])]);
    let width = tensors.iter().map(|it| name(it).chars().count()).max().unwrap_or(0).min(40);
    let all = exhibit.traffic().total().0.max(1) as f64;
    for tensor in tensors {
        let cost = tensor.iter().map(|it| picture.costs[it.index()]).sum::<Cost>();
        let size: Bytes = tensor.iter().map(|it| exhibit.size(*it)).sum();
        let pieces = if tensor.len() == 1 { String::new() } else { format!(" in {} pieces", tensor.len()) };
        let times = [(cost.loads, "load"), (cost.stores, "store"), (cost.spills, "spill"), (cost.reloads, "reload")];
        let times = times.into_iter().filter(|it| 0 < it.0).map(|it| counted(it.0, it.1)).collect::<Vec<_>>();
        writeln!(
            f,
            "  {:width$}  {:>9}  {:4.1} %  {} of {}{pieces}",
            name(&tensor),
            bytes_text(total(&tensor)),
            100.0 * total(&tensor).0 as f64 / all,
            times.join(", "),
            bytes_text(size),
        )?;
    }
    Ok(())
}

/// A step with its operator: `23 (Conv_23)`.
fn name_step(exhibit: &Exhibit, picture: &Picture, step: usize) -> String {
    format!("{step} ({})", plain(exhibit.operator_name(picture.order[step])))
}

/// The tensors in the scratchpad in a step, largest first, each with the next step that uses it, which
/// may be this step.
fn present(exhibit: &Exhibit, picture: &Picture, step: Step) -> Vec<(TensorId, Option<Step>)> {
    let here = picture.blocks.iter().filter(|it| it.steps.contains(&step) && it.size != Bytes::ZERO);
    let tensors = here.filter_map(|it| match it.content {
        Content::Tensor(tensor) => Some(tensor),
        Content::Workspace(_) => None,
    });
    let next = |it: TensorId| picture.uses[it.index()].iter().find(|it| step <= **it).copied();
    let mut tensors: Vec<_> = tensors.map(|it| (it, next(it))).collect();
    tensors.sort_by_key(|it| (Reverse(exhibit.size(it.0)), it.0));
    tensors
}
