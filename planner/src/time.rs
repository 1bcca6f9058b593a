//! Time: how long a planned program takes on a machine with a [`Clock`].
//!
//! [`simulate()`] is the judge of time. It shares nothing with what plans transfers.

mod clock;
mod ratio;
mod simulate;
mod stall;
mod touched;

pub use clock::{Channel, ChannelId, Clock, Compute, Timing};
pub use ratio::{NotARatio, Ratio};
pub use simulate::{ChannelUse, Timeline, simulate};
pub use stall::{Reason, Stall};
