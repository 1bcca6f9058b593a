//! Time: how long a planned program takes on a machine with a [`Clock`].

mod clock;
mod ratio;

pub use clock::{Channel, ChannelId, Clock, Compute, Timing};
pub use ratio::{NotARatio, Ratio};
