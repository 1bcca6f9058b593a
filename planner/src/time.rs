//! Time: how long a planned program takes on a machine with a [`Clock`], and programs that take less.
//!
//! [`simulate()`] is the judge of time, as [`check`](crate::check) is that of races. It shares nothing with what plans
//! transfers. [`overlap()`] makes a program of a plan whose transfers go on beside its operators, and
//! [`bound_of_plan`] says how fast one can be at most.

mod arrange;
mod bound;
mod by_rule;
mod clock;
mod earliest;
mod emit;
mod improve;
mod latest;
mod overlap;
mod place;
mod ratio;
mod simulate;
mod slices;
mod stall;
mod touched;
mod transfers;

pub use bound::{LatencyBound, Scope, bound_of_any_order, bound_of_plan};
pub(crate) use by_rule::{by_rule, earliest_steps};
pub use clock::{Channel, ChannelId, Clock, Compute, Timing};
pub use overlap::{Overlapped, overlap};
pub use ratio::{NotARatio, Ratio};
pub use simulate::{ChannelUse, Timeline, simulate};
pub use stall::{Reason, Stall};
pub(crate) use transfers::Transfers;
