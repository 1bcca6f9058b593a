//! COSMA's vocabulary in MLIR: the dialect and the meaning of its attributes, tensor sizes, diagnostics, and passes
//! registered by name. It does not use the planner's solvers.
//!
//! ```
//! let context = cosma_ir::new_context();
//! let text = r#"func.func @f(%x: tensor<8xi8>) -> tensor<8xi8> {
//!   %0 = cosma.op "Relu"(%x) : (tensor<8xi8>) -> tensor<8xi8>
//!   return %0 : tensor<8xi8>
//! }"#;
//! assert!(cosma_ir::parse(&context, text.as_bytes(), "relu.mlir").is_some());
//! ```
//!
//! Here MLIR's C interface, and the few lines of C++ that it lacks (`dialect/cosma.cpp`), get Rust types.
//! These are handles, as melior's are, and any number of them may refer to one operation. So an operation that is
//! [erased](erase) lives until the handles are gone: to the end of the pass's run, or of [`edit`].

mod access;
mod border;
mod clock;
mod context;
mod diagnostic;
mod edit;
pub mod execute;
mod fact;
mod ffi;
mod function;
mod group;
mod interfaces;
mod machine;
mod maps;
mod memories;
mod operation;
mod pass;
mod place;
mod plan;
pub mod plugin;
mod region;
mod report;
mod structured;
mod tensor;
mod tile;
pub mod tool;
mod transfer;
mod transit;
mod verify;

pub use access::{OperatorAccess, access, set_access, sums_of_products, sums_type};
pub use border::{
    Border, InArena, OnChip, border_offset, fixed_offset, fixed_offsets, is_on_chip, set_border_offset,
    set_fixed_offsets,
};
pub use context::{ContextOf, bytecode, context_of, insert_dialect, load_dialect, new_context, parse};
pub use diagnostic::Diagnostic;
pub use edit::{
    Use, as_mut, edit, erase, erase_argument, move_regions, replace_uses, restore, set_location_name, set_type, uses,
};
pub use fact::{InPlace, Residency};
pub use function::{
    ARENA_OF, arenas, argument_residencies, clear_argument_residencies, is_always_kept, is_weight, set_arenas,
    set_argument_residencies, set_weight,
};
pub use group::{group, ungroup};
pub use interfaces::{
    decompose_pack, equivalence_hash, has_elementwise_trait, has_recursive_effects, is_call, is_equivalent,
    is_memory_effect_free, is_symbol_unused, splat_value,
};
pub use machine::{Keep, Machine, WeightComputation, Weights, clear_machine, machine, set_machine};
pub use maps::{IndexingMap, indexing_maps};
pub use melior;
pub use operation::{
    clear_offsets, clear_operator_facts, clear_residencies, clear_workspace_offset, cycles, in_place, is_abstract,
    is_group, key, kind, macs, name, offsets, operand_at, residencies, result_at, set_cycles, set_in_place, set_macs,
    set_offsets, set_residencies, set_workspace, set_workspace_offset, workspace, workspace_offset,
};
pub use pass::{OptionInfo, PassInfo, PassOptions, Run, register_pass, run_passes};
pub use place::{is_place, memories, place, set_memories};
pub use plan::{Cost, CyclesBound, PlanSummary, plan_summary, set_plan_summary};
pub use region::{TensorRegion, region, static_dimensions};
pub use report::{Report, Reports, Severity};
pub use structured::{shape_values, slice_result, structured_access};
pub use tensor::{SizeError, bits_of_element, bits_of_element_with, size_in_bytes, size_with};
pub use tile::{
    LeastTraffic, TileOf, TilingBound, is_tile, operator, set_tile, set_tiling_bound, tile_of, tiling_bound,
};
pub use transfer::{
    At, Ending, Piece, Transfer, copy, destination, is_async, is_kept, is_streamed, is_wait, keep, load, mark_transfer,
    marked_transfer, memory, reload, slice_of_transfer, spill, spill_into, store, store_into, tensor_type, transfer,
    wait,
};
