//! The plugin interface of stock `mlir-opt`.
//!
//! The shared library exports `mlirGetDialectPluginInfo` and `mlirGetPassPluginInfo`, which return these.

use crate::ffi::cosmaInsertDialect;
use mlir_sys::MlirDialectRegistry;
use std::ffi::c_char;

/// MLIR's `MLIR_PLUGIN_API_VERSION`.
const API_VERSION: u32 = 1;
const NAME: *const c_char = c"cosma".as_ptr();
const VERSION: *const c_char = concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast();

/// MLIR's `DialectPluginLibraryInfo`.
#[repr(C)]
pub struct DialectPluginInfo {
    api_version: u32,
    name: *const c_char,
    version: *const c_char,
    register: extern "C" fn(MlirDialectRegistry),
}

/// MLIR's `PassPluginLibraryInfo`.
#[repr(C)]
pub struct PassPluginInfo {
    api_version: u32,
    name: *const c_char,
    version: *const c_char,
    register: extern "C" fn(),
}

/// The description of the plugin with COSMA's dialect.
pub fn dialect_plugin() -> DialectPluginInfo {
    DialectPluginInfo { api_version: API_VERSION, name: NAME, version: VERSION, register: register_dialect }
}

/// The description of the plugin with passes. `register` registers them and must not panic.
pub fn pass_plugin(register: extern "C" fn()) -> PassPluginInfo {
    PassPluginInfo { api_version: API_VERSION, name: NAME, version: VERSION, register }
}

// MLIR passes a pointer to its registry, which has the layout of the C interface's struct.
extern "C" fn register_dialect(registry: MlirDialectRegistry) {
    // SAFETY: the registry is MLIR's and alive.
    unsafe { cosmaInsertDialect(registry) }
}
