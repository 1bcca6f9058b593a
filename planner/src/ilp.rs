//! The planner's integer programs.
//!
//! [`replace()`] decides replacement in a fixed order. It is strong where the search over orders is weak: if dozens of
//! tensors are live at once and many of them must be evicted. [`joint()`] decides the order as well, and
//! [`joint_with_addresses()`] the addresses too, for small problems. [`place()`] only decides addresses, and
//! [`write_program()`] writes programs for other solvers.

mod address;
mod addressed;
mod backbone;
#[cfg(test)]
mod backbone_tests;
pub(crate) mod banks;
mod bound;
mod choice;
mod cover;
mod cuts;
mod divide;
mod either_way;
mod exact;
mod exchange;
mod first;
mod forced;
mod formula;
mod gap;
mod glue;
mod hold;
mod interrupt;
mod joint;
#[cfg(test)]
mod joint_tests;
mod keep;
mod lp;
mod mps;
mod order;
mod part;
mod parts;
pub(crate) mod placement;
mod precedence;
mod program;
mod reduced;
mod relaxed;
mod replace;
mod residency;
mod segment;
mod sliding;
mod solver;
mod splice;
#[cfg(test)]
mod tests;
mod timed;
mod twins;
mod windows;

pub use address::place;
pub use addressed::{Addressed, joint_with_addresses, n_variables_with_addresses};
pub use backbone::backbone;
pub use divide::conquer;
pub(crate) use hold::hold;
pub use joint::{joint, joint_at_first};
pub use keep::{KeptOutline, keep_bound, keep_in_order};
pub use program::{Decisions, Format, write_program};
pub use replace::{Outcome, replace, replace_within};
pub use timed::{TimedOutcome, bound_of_cells, replace_in_time};

/// Reductions of the joint problem that preserve its optimum; each can be disabled.
#[derive(Clone, Copy, Debug)]
struct Reductions {
    /// Operators that can run one right after the other without loss are contracted.
    glue: bool,
    /// Interchangeable operators run in source order.
    twins: bool,
    /// The problem is solved segment by segment.
    cuts: bool,
    /// A segment with only one order is a replacement problem.
    forced: bool,
    /// Rows that cannot exceed the capacity are omitted.
    levels: bool,
}

impl Reductions {
    const ALL: Reductions = Reductions { glue: true, twins: true, cuts: true, forced: true, levels: true };
}
