//! The planner's integer programs: what a solver decides, and proves.
//!
//! [`replace()`] decides replacement in a fixed order, the order's residencies being all that is
//! left to choose. It is strong where the search over orders is weak: where dozens of tensors are
//! live at once and many of them must go.

mod cover;
mod exchange;
mod gap;
mod parts;
mod replace;
mod solver;
#[cfg(test)]
mod tests;

pub use replace::{Outcome, replace};
