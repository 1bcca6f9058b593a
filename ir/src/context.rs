//! Contexts with the dialect, and parsing of modules.

use crate::ffi::{Text, append, cosmaInsertDialect, cosmaParse};
use melior::dialect::DialectRegistry;
use melior::ir::Module;
use melior::utility::{register_all_dialects, register_all_llvm_translations};
use melior::{Context, ContextRef};
use mlir_sys::{MlirDialectRegistry, mlirOperationWriteBytecode};
use std::ops::Deref;

/// Creates a context with COSMA's dialect and all of MLIR's, which are loaded on demand.
///
/// Multi-threading is off: `context.enable_multi_threading(true)` lets passes run on the functions of a module in
/// parallel.
pub fn new_context() -> Context {
    let registry = DialectRegistry::new();
    register_all_dialects(&registry);
    // SAFETY: the registry is alive.
    unsafe { cosmaInsertDialect(registry.to_raw()) }
    let context = Context::new_with_registry(&registry, false);
    // For JIT compilation and export of lowered modules; costs nothing until used.
    register_all_llvm_translations(&context);
    // Loaded now, since operations may be built before any text mentions the dialect.
    context.get_or_load_dialect("cosma");
    context
}

/// Loads COSMA's dialect into any context. Must not be called while passes run in the context.
pub fn load_dialect(context: &Context) {
    let registry = DialectRegistry::new();
    // SAFETY: the registry is alive.
    unsafe { cosmaInsertDialect(registry.to_raw()) }
    context.append_dialect_registry(&registry);
    context.get_or_load_dialect("cosma");
}

/// Adds COSMA's dialect to a registry.
///
/// # Safety
/// The registry is alive.
pub unsafe fn insert_dialect(registry: MlirDialectRegistry) {
    // SAFETY: guaranteed by the caller.
    unsafe { cosmaInsertDialect(registry) }
}

/// Parses and verifies a module from text or bytecode. `name` is the file name in locations.
///
/// Returns `None` if it is not well-formed; the errors go to the context's diagnostic handler (see
/// [`Reports`](crate::Reports)).
pub fn parse<'c>(context: &'c Context, text: &[u8], name: &str) -> Option<Module<'c>> {
    // SAFETY: MLIR copies the text; the module is owned, and does not outlive the context.
    unsafe { Module::from_option_raw(cosmaParse(context.to_raw(), Text::new(text).raw(), Text::new(name).raw())) }
}

/// A module in MLIR's bytecode.
pub fn bytecode(module: &Module) -> Vec<u8> {
    let mut bytes = Vec::<u8>::new();
    // SAFETY: the module is alive, and the callback appends to `bytes`.
    unsafe { mlirOperationWriteBytecode(module.as_operation().to_raw(), Some(append), (&raw mut bytes).cast()) }
    bytes
}

/// The context that a module lives in, which outlives it.
pub fn context_of<'c>(module: &Module<'c>) -> ContextOf<'c> {
    ContextOf(module.context())
}

/// A context that is owned elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct ContextOf<'c>(ContextRef<'c>);

impl Deref for ContextOf<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        // SAFETY: the context is alive; the reference refers to `self.0` and does not outlive it.
        unsafe { self.0.to_ref() }
    }
}
