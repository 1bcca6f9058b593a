//! COSMA's passes, which connect MLIR and the planner.
//!
//! Each pass takes a function in one [`Form`] and leaves it in one. It is also a Rust function that can be called
//! without MLIR's pass manager. Passes communicate only through the module.
#![forbid(unsafe_code)]

mod allocate;
mod allocated;
mod class;
mod cut;
mod effort;
mod equal;
mod extract;
mod facts;
mod form;
mod group;
mod help;
mod infer_access;
mod inline;
mod insert_transfers;
mod inside;
mod liveness;
mod lower_addresses;
mod machine;
mod macs;
mod model;
mod network;
mod overlap;
mod piece;
mod pins;
mod placed;
mod planned;
mod print;
#[cfg(feature = "ilp")]
mod program;
mod regions;
mod role;
mod schedule;
mod session;
mod sharing;
mod slice;
mod tile;
mod variable;
mod verify;
mod weave;
mod wrap;
mod written;

pub use allocate::allocate;
pub use cosma_planner::{Size, SizeError};
pub use effort::{ObjectiveName, OrderName, Seconds, SolverName, objective_name, order_name, solver_name};
pub use extract::{Carrier, Extraction, extract};
pub use facts::{Facts, LOWER_BOUND};
pub use form::{Form, form, symbol};
pub use group::{group, ungroup};
pub use infer_access::infer_access;
pub use inline::inline;
pub use insert_transfers::insert_transfers;
pub use liveness::{Lifetime, LiveStep, Liveness, liveness};
pub use lower_addresses::{
    ArenaName, LowerOptions, MEMREFS_TO_LLVM, SOURCE_TO_MEMREFS, TransfersName, lower_addresses, lower_unjudged,
    prologue_name,
};
pub use machine::{
    DEFAULT_ALIGNMENT, KeepName, MachineOptions, ReservedRange, Target, WeightsName, keep_name, states_machine,
    weights_name,
};
pub use model::ModelOptions;
pub use network::{Unsaid, network};
pub use overlap::{Overlap, overlap_name};
pub use piece::Assembly;
pub use placed::handed;
pub use planned::{Program, read_program};
pub use print::{plan_text, problem_text};
#[cfg(feature = "ilp")]
pub use program::program_text;
pub use regions::are_disjoint;
pub use schedule::schedule;
pub use session::{Printer, Session, Watcher};
pub use tile::tile;
pub use verify::{judge, verify};

use cosma_ir::register_pass;

/// Registers all passes with MLIR by name. May be called repeatedly.
pub fn register() {
    register_pass(inline::INFO, inline::run);
    register_pass(group::INFO, group::run);
    register_pass(group::UNGROUP, group::run_ungroup);
    register_pass(infer_access::INFO, infer_access::run);
    register_pass(liveness::INFO, liveness::run);
    register_pass(print::PROBLEM, print::run_problem);
    register_pass(tile::INFO, tile::run);
    register_pass(schedule::INFO, schedule::run);
    register_pass(allocate::INFO, allocate::run);
    register_pass(insert_transfers::INFO, insert_transfers::run);
    register_pass(print::PLAN, print::run_plan);
    register_pass(verify::INFO, verify::run);
    register_pass(lower_addresses::prepare::INFO, lower_addresses::prepare::run);
    register_pass(lower_addresses::INFO, lower_addresses::run);
}
