//! Contexts that know the dialect, and text that becomes a module in them.

use crate::ffi::{Text, cosmaInsertDialect, cosmaParse};
use melior::dialect::DialectRegistry;
use melior::ir::Module;
use melior::utility::{register_all_dialects, register_all_llvm_translations};
use melior::{Context, ContextRef};
use mlir_sys::MlirDialectRegistry;
use std::ops::Deref;

/// A context with COSMA's dialect and all of MLIR's, each loaded when text or a pass asks for it.
///
/// MLIR's threads are off: `context.enable_multi_threading(true)` lets passes run on the functions
/// of a module side by side.
pub fn new_context() -> Context {
    let registry = DialectRegistry::new();
    register_all_dialects(&registry);
    // SAFETY: the registry is alive.
    unsafe { cosmaInsertDialect(registry.to_raw()) }
    let context = Context::new_with_registry(&registry, false);
    // What JIT and export of lowered modules need; costs nothing before.
    register_all_llvm_translations(&context);
    // Built by hand before any text names it.
    context.get_or_load_dialect("cosma");
    context
}

/// Makes a context of any make know COSMA's dialect. Not while passes run in the context.
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
    // SAFETY: the caller's.
    unsafe { cosmaInsertDialect(registry) }
}

/// A module from its text or bytecode; locations in it say `name` and the line.
///
/// It is verified. Where it is not well-formed there is `None`, and the reasons have gone to the
/// context's diagnostic handler (see [`Reports`](crate::Reports)).
pub fn parse<'c>(context: &'c Context, text: &[u8], name: &str) -> Option<Module<'c>> {
    // SAFETY: MLIR copies the text; the module is ours, and lives no longer than the context.
    unsafe { Module::from_option_raw(cosmaParse(context.to_raw(), Text::new(text).raw(), Text::new(name).raw())) }
}

/// The context that a module lives in, which outlives it.
pub fn context_of<'c>(module: &Module<'c>) -> ContextOf<'c> {
    ContextOf(module.context())
}

/// A context that belongs to somebody else.
#[derive(Clone, Copy, Debug)]
pub struct ContextOf<'c>(ContextRef<'c>);

impl Deref for ContextOf<'_> {
    type Target = Context;

    fn deref(&self) -> &Context {
        // SAFETY: the context is alive; what melior gives refers to `self.0`, and lives no longer here.
        unsafe { self.0.to_ref() }
    }
}
