//! The two entry points of a plugin for stock `mlir-opt`.

// `no_mangle` counts as unsafe, since another library could export the same name. MLIR prescribes them.
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
