//! Time: how long a planned program takes on a machine with a [`Clock`], and programs that take less.
//!
//! # The model
//!
//! - There is one compute engine. It runs one operator at a time.
//! - A *channel* is a queue of transfers, first in, first out, one at a time. Each link has one; several links may
//!   share one. A transfer of *b* bytes keeps its channel busy for `setup + ⌈max(b, burst) / rate⌉` cycles and is
//!   complete `latency` cycles after that, while the next one is under way already.
//! - What an operator reads in host memory goes over the channel of its link while the operator runs.
//!
//! Left out on purpose: pages of DRAM, arbitration between channels, preemption, fetches of instructions. What they cost
//! is part of rates and setups.
//!
//! All is counted in integers, and what cannot be counted is an error.
//!
//! # What there is
//!
//! [`simulate()`] is the judge of time, as [`check`](crate::check) is that of races. It shares nothing with what plans
//! transfers. [`overlap()`] makes a program of a plan whose transfers go on beside its operators, and
//! [`latency_bound`] says how fast one can be at most. [`plan_in_time()`] does it all: the plan, its program, and the bounds.
//!
//! ```
//! use cosma_planner::time::{latency_bound, overlap, simulate};
//! use cosma_planner::{Bytes, Cycles, Deadline, Problem, greedy_plan, program_text};
//!
//! // A byte a cycle; g and its weight have room while f runs.
//! let problem: Problem = "machine scratchpad 256 alignment 64
//! channel dma
//! link host scratchpad rate 1 on dma
//! link scratchpad host rate 1 on dma
//! argument x 64
//! weight w 64
//! op f: x -> y 64 cycles 50
//! op g: y w -> z 64 cycles 30
//! return z
//! ".parse()?;
//! let plan = greedy_plan(&problem)?;
//! assert_eq!(simulate(&problem, &plan.actions(&problem))?.makespan, Cycles(64 + 50 + 64 + 30 + 64));
//!
//! let found = overlap(&problem, &plan, Deadline::NEVER)?;
//! let lines = program_text(&problem, &found.actions);
//! assert!(lines[1].starts_with("load w") && lines[1].ends_with("async"), "{lines:?}");
//! assert_eq!(found.timeline.makespan, Cycles(64 + 64 + 30 + 64));
//! assert_eq!(latency_bound(&problem, &plan, Bytes::ZERO)?.cycles, found.timeline.makespan);
//! # Ok::<(), cosma_planner::Error>(())
//! ```

mod arrange;
mod bound;
mod by_rule;
mod clock;
mod earliest;
mod effort;
mod emit;
mod improve;
mod integer;
mod kept;
mod latest;
mod order;
mod overlap;
mod place;
mod plan;
mod ratio;
mod reorder;
mod simulate;
mod slices;
mod stall;
mod synchronous;
mod touched;
mod transfers;

pub use bound::{BoundRule, LatencyBound, Scope, bound_of_any_order, bound_of_order, bound_of_plan, latency_bound};
pub(crate) use bound::{Filling, Remaining, Units, remaining};
pub(crate) use by_rule::{by_rule, earliest_steps};
pub use clock::{Channel, ChannelId, Clock, Compute, Timing};
pub use overlap::{Overlapped, overlap, overlap_at_addresses};
pub use plan::{Timed, plan_in_time, plan_in_time_from};
pub use ratio::{NotARatio, Ratio};
pub use simulate::{ChannelUse, Timeline, simulate};
pub use stall::{Reason, Stall};
pub use synchronous::without_overlap;
pub(crate) use transfers::Transfers;
