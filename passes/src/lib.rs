//! COSMA's passes: where MLIR meets the planner.
#![forbid(unsafe_code)]

/// Makes every pass known to MLIR by its name. Calling it again does no harm.
pub fn register() {}
