//! Which stripe plans are tried: the best ones in two orders, and for several shares of the scratchpad.
//!
//! - *Orders*: as the network is written; of the least peak of whole tensors, which leaves most room at cuts and is
//!   much better where cells have many branches. The order in which the least is moved is taken.
//! - *Shares*: plans count rooms, and addresses may need a little more. And where less is left, there are more and
//!   smaller pieces, of which replacement can keep some: an eighth to a quarter less is often better than nothing.
//! - *Rules*: where a plan by rule moves about as little, replacement may make more of it.

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

/// What stripe plans leave of the scratchpad, in 64ths, in the order in which they are tried.
const SLACK: [u64; 13] = [1, 12, 4, 2, 8, 16, 6, 3, 20, 10, 24, 5, 14];
/// The shares of the time left in which longer groups are counted, and that a choice may take.
const SHARE_OF_GROUPS: f64 = 0.75;
const SHARE_OF_CHOICE: f64 = 0.5;
/// To plan a program of more tiles takes so long that a better stripe plan is waited for, for a share of the time left.
const MANY_TILES: u64 = 4096;
const SHARE_OF_MANY: f64 = 0.15;
/// How many times as much as the chosen plan another one may move so that its program is tried, too.
const WORTH_A_TRIAL: f64 = 1.1;
/// Sets of operators that the search for the order of the least peak keeps side by side.
const WIDTH: usize = 32;

/// Chooses plans and hands them over, until nobody takes them any more, or there is no time for another one. However
/// late it gets, that is not before one of them has a program with addresses, which is what verdicts say.
///
/// # Errors
/// That a share of the scratchpad is too small.
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

/// A first plan for each table. Beside one that moves only the compulsory the others may be worse than need be.
///
/// # Errors
/// That the scratchpad is too small.
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
    /// In the same order: whether its program has addresses.
    verdicts: &'a Receiver<bool>,
    offered: Vec<StripePlan>,
    /// How many verdicts there were, and whether one of them was yes.
    n_judged: usize,
    has_program: bool,
    /// Whether nobody takes them any more.
    is_over: bool,
}

impl Offers<'_> {
    /// Hands over a plan that is new.
    fn offer(&mut self, plan: &StripePlan) {
        if !self.is_over && !self.offered.contains(plan) {
            self.offered.push(plan.clone());
            self.is_over = self.plans.send(plan.clone()).is_err();
        }
    }

    /// Waits for the verdicts on all of them, or for a yes.
    fn has_program(&mut self) -> bool {
        while !self.has_program && self.n_judged < self.offered.len() {
            let Ok(verdict) = self.verdicts.recv() else { break };
            self.has_program = verdict;
            self.n_judged += 1;
        }
        self.has_program
    }

    /// Hands over those of which the programs may move less than the program of the best one.
    fn offer_likely<'a>(&mut self, best: &StripePlan, others: impl Iterator<Item = &'a StripePlan>) {
        let most = Bytes((best.non_compulsory.0 as f64 * WORTH_A_TRIAL) as u64);
        if best.non_compulsory != Bytes::ZERO {
            others.filter(|it| it.non_compulsory <= most).for_each(|it| self.offer(it));
        }
    }
}
