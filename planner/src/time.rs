//! Time: the duration of a planned program on a machine with a [`Clock`], and faster programs.
//!
//! # The model
//!
//! - There is one compute engine. It runs one operator at a time.
//! - A *channel* is a queue of transfers, first in, first out, one at a time. Each link has one; several links may
//!   share one. A transfer of *b* bytes keeps its channel busy for `setup + ⌈max(b, burst) / rate⌉` cycles and is
//!   complete `latency` cycles after that, while the next one has already begun.
//! - Operands in host memory go over the channel of their link while the operator runs.
//!
//! Pages of DRAM, arbitration between channels, preemption and instruction fetches are not modelled. Their cost is part
//! of rates and setups.
//!
//! All times are integers, and overflow is an error.
//!
//! # Functions
//!
//! [`simulate()`] is the judge of time, as [`check`](crate::check) is that of races. It shares no code with the
//! planners of transfers. [`overlap()`] makes a program of a plan whose transfers run in parallel with its operators,
//! and [`latency_bound`] is a lower bound on the time of any such program. [`plan_in_time()`] does everything: the
//! plan, its program, and the bounds.
//!
//! ```
//! use cosma_planner::time::{latency_bound, overlap, simulate};
//! use cosma_planner::{Bytes, Cycles, Deadline, Problem, greedy_plan, program_text};
//!
//! // A byte per cycle; there is space for g's operands while f runs.
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
