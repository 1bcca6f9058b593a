//! The savings of larger scratchpads, found by planning for them.
//!
//! 1. The smallest size without avoidable traffic, by bisection between the present size and one that
//!    holds all tensors.
//! 2. The next sizes at which traffic falls, by bisection between a size and the smallest one known to
//!    move less, while time is left.
//!
//! Each plan gets the same share of the time limit. So a reported saving is real, but a smaller size may
//! reach it too.

use crate::units::{both_ways, bytes_text};
use cosma_planner::{Bytes, Options, Problem, Progress, plan_watched};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// The resolution of bisection: sizes closer than a 512th of the larger one are not distinguished.
const FINENESS: u64 = 512;

/// The most sizes to find in the second step.
const N_SIZES: usize = 4;

/// The expected number of plans, which share the time limit.
const N_PLANS: u32 = 50;

/// The results of planning for larger scratchpads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Larger {
    /// Sizes, ascending, each of which moves less than the one before; with its non-compulsory bytes,
    /// and whether these are proven minimal.
    pub sizes: Vec<(Bytes, Bytes, bool)>,
    /// The non-compulsory bytes that no scratchpad size saves: streamed weights that several operators read.
    pub floor: Bytes,
    /// Whether the time limit or `is_stopped` ended planning before all sizes were tried.
    pub is_cut_short: bool,
}

/// Plans for larger scratchpads than the problem's, whose plan moves `non_compulsory` bytes. The time
/// limit applies to all plans together. Planning ends soon after `is_stopped` returns true; it is called
/// on any thread.
pub fn larger_scratchpads(
    problem: &Problem,
    non_compulsory: Bytes,
    options: &Options,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Larger {
    let floor = problem.restreamed();
    let mut larger = Larger { floor, ..Larger::default() };
    if non_compulsory <= floor {
        return larger;
    }
    let mut trials = Trials {
        problem,
        is_stopped,
        options: Options { time_limit: options.time_limit / N_PLANS, ..*options },
        until: Instant::now().checked_add(options.time_limit),
        known: BTreeMap::from([(problem.machine.scratchpad(), (non_compulsory, true))]),
    };
    // Enough for all tensors at once.
    let rooms: Bytes = problem.graph.tensor_ids().map(|it| problem.room(it)).sum();
    let spaces = problem.graph.ops().iter().map(|it| it.workspace.align_up(problem.machine.alignment())).max();
    let most = (rooms + spaces.unwrap_or_default()).max(problem.machine.scratchpad() + Bytes(1));
    let _ = trials.halve(problem.machine.scratchpad(), most, floor);
    let mut size = problem.machine.scratchpad();
    for _ in 0..N_SIZES {
        let here = trials.known[&size].0;
        let Some((&less, _)) = trials.known.range(size..).find(|it| it.1.0 < here) else { break };
        size = trials.halve(size, less, Bytes(here.0 - 1));
        if trials.known[&size].0 <= floor {
            break;
        }
    }
    larger.is_cut_short = trials.is_late();
    let mut least = non_compulsory;
    for (size, (bytes, is_proven)) in trials.known {
        if bytes < least {
            least = bytes;
            larger.sizes.push((size, bytes, is_proven));
        }
    }
    larger
}

struct Trials<'a> {
    problem: &'a Problem,
    is_stopped: &'a (dyn Fn() -> bool + Sync),
    options: Options,
    until: Option<Instant>,
    /// By size: non-compulsory bytes, and whether they are proven minimal.
    known: BTreeMap<Bytes, (Bytes, bool)>,
}

impl Trials<'_> {
    /// Bisects for the smallest size that moves at most `at_most` bytes: `too_small` moves more,
    /// `enough` does not.
    fn halve(&mut self, too_small: Bytes, enough: Bytes, at_most: Bytes) -> Bytes {
        let (mut too_small, mut enough) = (too_small, enough);
        self.moves(enough);
        let alignment = self.problem.machine.alignment();
        loop {
            let fine = Bytes(enough.0 / FINENESS).align_up(alignment).max(alignment);
            let between = Bytes(too_small.0 + (enough.0 - too_small.0) / 2).align_up(alignment);
            if enough.saturating_sub(too_small) <= fine || enough <= between || self.is_late() {
                return enough;
            }
            if self.moves(between) <= at_most { enough = between } else { too_small = between }
        }
    }

    /// The non-compulsory bytes that the best known plan for a scratchpad moves.
    fn moves(&mut self, scratchpad: Bytes) -> Bytes {
        if let Some(known) = self.known.get(&scratchpad) {
            return known.0;
        }
        let machine = self.problem.machine.with_scratchpad(scratchpad);
        let problem = Problem { graph: self.problem.graph.clone(), machine };
        let watcher =
            |_: &Progress| if (self.is_stopped)() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let solution = plan_watched(&problem, &self.options, &watcher);
        // A larger scratchpad is always feasible; if a solver fails, no saving is known.
        let found = solution.map_or((Bytes(u64::MAX), false), |it| (it.non_compulsory, it.is_optimal()));
        // A plan for a smaller scratchpad is valid here.
        let below = self.known.range(..scratchpad).map(|it| it.1.0).min().unwrap_or(Bytes(u64::MAX));
        let found = if below < found.0 { (below, false) } else { found };
        self.known.insert(scratchpad, found);
        found.0
    }

    fn is_late(&self) -> bool {
        (self.is_stopped)()
            || self.until.is_some_and(|it| it.saturating_duration_since(Instant::now()) == Duration::ZERO)
    }
}

impl Larger {
    pub(super) fn write(&self, non_compulsory: Bytes, f: &mut String) -> fmt::Result {
        if self.sizes.is_empty() {
            let rest = if self.is_cut_short && self.floor < non_compulsory {
                "no saving was found within the time limit"
            } else {
                "nothing: no scratchpad size moves less"
            };
            return writeln!(f, "  {rest}");
        }
        for (size, bytes, is_proven) in &self.sizes {
            let saved = non_compulsory.saturating_sub(*bytes);
            let all = if *bytes <= self.floor { ", the most possible" } else { "" };
            let not_proven = if *is_proven { "" } else { " or less" };
            writeln!(
                f,
                "  with {}: {} less, {} left{not_proven}{all}",
                both_ways(*size),
                bytes_text(saved),
                bytes_text(*bytes)
            )?;
        }
        if self.is_cut_short {
            writeln!(f, "  Planning ended before all sizes were tried.")?;
        }
        Ok(())
    }
}
