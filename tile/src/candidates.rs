//! The stripe plans to try: the best ones in two orders, and for several shares of the scratchpad.
//!
//! - *Orders*: source order, and the order with the lowest peak of whole tensors. The latter leaves the most room at
//!   cuts and is much better if cells have many branches. The order that moves less is taken.
//! - *Shares*: plans count sizes, and addresses may need slightly more. If a plan leaves more of the scratchpad free,
//!   there are more and smaller pieces, of which replacement can keep some: leaving an eighth to a quarter free is
//!   often better than nothing.
//! - *Rules*: if a plan by rule moves about as little, replacement may improve it.

use crate::choose::{choose, choose_first, compulsory, improve};
use crate::flow::Flow;
use crate::stripes::Groups;
use crate::table::Table;
use crate::{Network, StripePlan, TileError};
use cosma_planner::{Bytes, Deadline, OpId, baseline};
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};
use std::thread;
use std::time::Instant;

/// The part of the scratchpad, in 64ths, that stripe plans leave free, in the order of trial.
const SLACK: [u64; 13] = [1, 12, 4, 2, 8, 16, 6, 3, 20, 10, 24, 5, 14];
/// The shares of the remaining time in which longer groups are counted, and that a choice may take.
const SHARE_OF_GROUPS: f64 = 0.75;
const SHARE_OF_CHOICE: f64 = 0.5;
/// Planning a program of more tiles takes so long that it waits for a better stripe plan, for a share of the
/// remaining time.
const MANY_TILES: u64 = 4096;
const SHARE_OF_MANY: f64 = 0.15;
/// The program of a plan is tried if it moves at most this many times as much as the chosen plan.
const WORTH_A_TRIAL: f64 = 1.1;
/// The number of states that the search for the order with the lowest peak keeps.
const WIDTH: usize = 32;

/// Chooses plans and hands them over, until nobody takes them any more or there is no time for another one. It does
/// not end before one of them has a program with addresses, according to the verdicts, even after the deadline.
///
/// # Errors
/// A share of the scratchpad is too small.
pub(crate) fn candidates(
    network: &Network,
    deadline: Deadline,
    plans: &SyncSender<StripePlan>,
    verdicts: &Receiver<bool>,
) -> Result<(), TileError> {
    let start = Instant::now();
    let flows: Vec<Flow> = orders(network).iter().map(|it| Flow::in_order(network, it)).collect();
    let of_groups = deadline.part(SHARE_OF_GROUPS);
    let groups: Vec<Groups> = flows.iter().map(|it| Groups::new(it, of_groups)).collect();
    let tables: Vec<Table> = flows.iter().zip(&groups).map(|(flow, groups)| Table::new(flow, groups)).collect();
    let of_choice = deadline.part(SHARE_OF_CHOICE);
    let firsts = at_the_same_time(&tables, of_choice)?;
    let mut longest = start.elapsed();
    let by_cost = |it: &usize| (firsts[*it].non_compulsory, firsts[*it].n_tiles);
    let order = (0..tables.len()).min_by_key(by_cost).expect("source order is one");
    let mut offers = Offers { plans, verdicts, offered: Vec::new(), n_judged: 0, has_program: false, is_over: false };
    let start = Instant::now();
    let mut plan = firsts[order].clone();
    if MANY_TILES < plan.n_tiles {
        plan = improve(&tables[order], plan, deadline.part(SHARE_OF_MANY));
    }
    offers.offer(&plan);
    let plan = improve(&tables[order], plan, of_choice);
    longest = longest.max(start.elapsed());
    offers.offer(&plan);
    offers.offer_likely(&plan, firsts.iter().chain(tables[order].by_rule()));
    for slack in SLACK {
        let is_late = deadline.left().is_some_and(|it| it <= longest);
        if offers.is_over || is_late && offers.has_program() {
            break;
        }
        let start = Instant::now();
        let flow = flows[order].within(flows[order].scratchpad - flows[order].scratchpad / 64 * slack);
        let table = Table::new(&flow, &groups[order]);
        let plan = choose(&table, deadline.part(SHARE_OF_CHOICE))?;
        longest = start.elapsed();
        offers.offer(&plan);
        offers.offer_likely(&plan, table.by_rule());
    }
    Ok(())
}

/// The orders in which a network may run, source order first.
fn orders(network: &Network) -> Vec<Vec<OpId>> {
    let graph = &network.problem.graph;
    let least_peak = baseline::least_peak(&network.problem, WIDTH).order;
    let mut orders: Vec<Vec<OpId>> = vec![graph.op_ids().collect(), least_peak];
    orders.dedup();
    orders
}

/// A first plan for each table. If one moves only the compulsory traffic, the others may be worse than necessary.
///
/// # Errors
/// The scratchpad is too small.
fn at_the_same_time(tables: &[Table], deadline: Deadline) -> Result<Vec<StripePlan>, TileError> {
    // Whether some table, and whether an earlier one than this, has a plan that moves only the compulsory.
    let in_any = AtomicBool::new(false);
    let in_earlier: Vec<AtomicBool> = tables.iter().map(|_| AtomicBool::new(false)).collect();
    let first = &|index: usize| {
        let Some(plan) = compulsory(&tables[index], deadline.unless(&in_earlier[index])) else {
            return choose_first(&tables[index], deadline.unless(&in_any));
        };
        in_earlier[index + 1..].iter().for_each(|it| it.store(true, Ordering::Relaxed));
        in_any.store(true, Ordering::Relaxed);
        Ok(plan)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..tables.len()).map(|index| scope.spawn(move || first(index))).collect();
        threads.into_iter().map(|it| it.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    })
}

/// Plans that were handed over.
struct Offers<'a> {
    plans: &'a SyncSender<StripePlan>,
    /// In the same order: whether the plan's program has addresses.
    verdicts: &'a Receiver<bool>,
    offered: Vec<StripePlan>,
    /// The number of verdicts, and whether one of them was yes.
    n_judged: usize,
    has_program: bool,
    /// Whether nobody takes plans any more.
    is_over: bool,
}

impl Offers<'_> {
    /// Hands over a plan if it is new.
    fn offer(&mut self, plan: &StripePlan) {
        if !self.is_over && !self.offered.contains(plan) {
            self.offered.push(plan.clone());
            self.is_over = self.plans.send(plan.clone()).is_err();
        }
    }

    /// Waits for the verdicts on all plans, or for a yes.
    fn has_program(&mut self) -> bool {
        while !self.has_program && self.n_judged < self.offered.len() {
            let Ok(verdict) = self.verdicts.recv() else { break };
            self.has_program = verdict;
            self.n_judged += 1;
        }
        self.has_program
    }

    /// Hands over the plans whose programs may move less than the best plan's program.
    fn offer_likely<'a>(&mut self, best: &StripePlan, others: impl Iterator<Item = &'a StripePlan>) {
        let most = Bytes((best.non_compulsory.0 as f64 * WORTH_A_TRIAL) as u64);
        if best.non_compulsory != Bytes::ZERO {
            others.filter(|it| it.non_compulsory <= most).for_each(|it| self.offer(it));
        }
    }
}
