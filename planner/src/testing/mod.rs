//! Shared code of tests, fuzz targets and benchmarks: random problems, programs as text, and oracles that are too slow
//! or too simple for anything else.

mod choices;
mod clocked;
mod damage;
mod executed_sets;
mod fragmented;
mod generate;
mod interpret;
mod joint_optimum;
mod least_cost;
mod orders;
mod outline_optimum;
pub mod overlapped;
mod pins;
mod placement;
mod program;
mod races;
mod tiers;

pub use choices::{Choices, noise};
pub use clocked::clocked;
pub use damage::{damage, overlap, slice};
pub use executed_sets::optimum_by_executed_sets;
pub use fragmented::{FRAGMENTED, Fragmented};
pub use generate::{Shape, random_problem, seeded_problem, with_choices, with_kept_weights};
pub use interpret::{Answer, compute, interpret, interpret_runs, interpret_with};
pub use joint_optimum::{joint_optimum, joint_optimum_if_any};
pub use orders::orders;
pub use outline_optimum::{kept_optimum, outline_optimum};
pub use pins::with_pins;
pub use placement::{placement_optimum, without_moves};
pub use program::parse_program;
pub use races::is_free_of_races;
pub use tiers::{in_tiers, least_tiered_cost};
