//! The two names that stock `mlir-opt` looks for in a plugin.

// C names are exported under an attribute that Rust counts as unsafe: nothing keeps another library
// from exporting the same. MLIR prescribes them.
#![allow(unsafe_code)]

use cosma_ir::plugin::{DialectPluginInfo, PassPluginInfo, dialect_plugin, pass_plugin};

#[unsafe(no_mangle)]
extern "C" fn mlirGetDialectPluginInfo() -> DialectPluginInfo {
    dialect_plugin()
}

#[unsafe(no_mangle)]
extern "C" fn mlirGetPassPluginInfo() -> PassPluginInfo {
    extern "C" fn register() {
        cosma_passes::register();
    }
    pass_plugin(register)
}
