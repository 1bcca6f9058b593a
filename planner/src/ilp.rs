//! The planner's integer programs: what a solver decides, and proves.
//!
//! [`replace()`] decides replacement in a fixed order, the order's residencies being all that is
//! left to choose. It is strong where the search over orders is weak: where dozens of tensors are
//! live at once and many of them must go. [`joint()`] decides the order as well, and
//! [`joint_with_addresses()`] the addresses, too, for small problems. [`place()`] decides addresses
//! alone, and [`write_program()`] is for users with another solver.

mod address;
mod addressed;
mod backbone;
#[cfg(test)]
mod backbone_tests;
pub(crate) mod banks;
mod bound;
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

/// What makes the joint problem smaller without changing its optimum; each can be left out.
#[derive(Clone, Copy, Debug)]
struct Reductions {
    /// Operators that may as well run one right after the other become one.
    glue: bool,
    /// Operators that could change places run in source order.
    twins: bool,
    /// The problem is solved segment by segment.
    cuts: bool,
    /// What has one order only is a problem of replacement.
    forced: bool,
    /// No row where nothing can exceed the capacity.
    levels: bool,
}

impl Reductions {
    const ALL: Reductions = Reductions { glue: true, twins: true, cuts: true, forced: true, levels: true };
}
