//! Registration of passes with MLIR, for its pipelines, help and error messages.

use crate::Diagnostic;
use crate::edit::Scope;
use crate::ffi::{CosmaOption, CosmaPass, Text, cosmaRegisterPass, guard, string};
use melior::ir::OperationRef;
use melior::pass::PassManager;
use melior::{Context, ContextRef};
use mlir_sys::{MlirOperation, MlirStringRef, mlirOperationGetContext, mlirPassManagerRunOnOp};
use std::collections::BTreeSet;
use std::ffi::c_void;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

/// An option of a pass, as in `cosma-allocate{alignment=64}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionInfo {
    /// The name, for example `alignment`.
    pub name: &'static str,
    /// One line of help.
    pub description: &'static str,
    /// The default value.
    pub default: &'static str,
}

/// The description of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassInfo {
    /// The name, for example `cosma-allocate`.
    pub name: &'static str,
    /// One line of help.
    pub description: &'static str,
    /// The operation that it runs on: `func.func` or `builtin.module`.
    pub anchor: &'static str,
    /// The options, in the order of the help.
    pub options: &'static [OptionInfo],
}

/// The values of a pass's options in one pipeline.
#[derive(Clone, Debug)]
pub struct PassOptions {
    values: Vec<(&'static str, String)>,
}

impl PassOptions {
    /// The value of an option.
    ///
    /// # Panics
    /// If the pass has no such option.
    pub fn get(&self, name: &str) -> &str {
        let found = self.values.iter().find(|it| it.0 == name);
        &found.expect("a pass asks for the options that it declares").1
    }

    /// The value of an option as another type.
    ///
    /// # Errors
    /// A message with the option's name and value, if it does not parse.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, String> {
        let value = self.get(name);
        value.parse().map_err(|_| format!("option {name} cannot be '{value}'"))
    }
}

/// The function of a pass. If it returns an error, the error is emitted and the pass fails. A panic becomes an error at
/// the operation.
pub type Run = for<'c, 'a> fn(&'c Context, OperationRef<'c, 'a>, &PassOptions) -> Result<(), Diagnostic<'c>>;

/// Runs the passes of a manager on one operation, such as a function, instead of a whole module. Returns whether all
/// succeeded; errors are emitted through MLIR.
///
/// The manager's pipeline must be anchored at operations of this name: `func.func(…)`.
pub fn run_passes(manager: &PassManager, operation: OperationRef) -> bool {
    // SAFETY: both are alive, and what a pass changes in the operation it may change.
    unsafe { mlirPassManagerRunOnOp(manager.to_raw(), operation.to_raw()).value != 0 }
}

struct Registered {
    info: PassInfo,
    run: Run,
}

/// Registers a pass with MLIR. Further registrations of the same name are ignored.
///
/// MLIR may run it on several functions at once. It may create operations of the dialects `cosma`,
/// `arith`, `func` and `memref`; one on modules also of `affine`, `bufferization`, `index`, `linalg`,
/// `math`, `scf`, `tensor` and `tosa`.
pub fn register_pass(info: PassInfo, run: Run) {
    let options: Vec<CosmaOption> = info
        .options
        .iter()
        .map(|it| CosmaOption {
            name: Text::new(it.name).raw(),
            description: Text::new(it.description).raw(),
            initial: Text::new(it.default).raw(),
        })
        .collect();
    static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    // A pass is registered once, and never unregistered.
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if !names.insert(info.name) {
        return;
    }
    let registered: &'static Registered = Box::leak(Box::new(Registered { info, run }));
    let pass = CosmaPass {
        name: Text::new(info.name).raw(),
        description: Text::new(info.description).raw(),
        anchor: Text::new(info.anchor).raw(),
        options: options.as_ptr(),
        n_options: options.len() as isize,
        user: (&raw const *registered).cast(),
        run: call,
    };
    // SAFETY: the texts are copied; `user` lives forever and is shared between threads as `&`.
    unsafe { cosmaRegisterPass(&pass) }
}

unsafe extern "C" fn call(
    operation: MlirOperation,
    user: *const c_void,
    values: *const MlirStringRef,
    n_values: isize,
) -> bool {
    // SAFETY: `user` is what `register_pass` gave; MLIR keeps the operation and the values meanwhile.
    let (registered, operation, values) = unsafe {
        // Of no values MLIR has no address.
        let values = if n_values == 0 { &[][..] } else { std::slice::from_raw_parts(values, n_values as usize) };
        (&*user.cast::<Registered>(), OperationRef::from_raw(operation), values)
    };
    // SAFETY: the context is MLIR's and outlives the run, which only borrows it; melior's reference
    // into `context` is good for as long as that variable.
    let context = unsafe { ContextRef::from_raw(mlirOperationGetContext(operation.to_raw())) };
    let names = registered.info.options.iter().map(|it| it.name);
    // SAFETY: as above.
    let values = values.iter().map(|it| unsafe { string(*it) });
    let options = PassOptions { values: names.zip(values).collect() };
    let result = guard(|| {
        // The handles of a run are gone when it ends: their lifetime is any to it.
        let _scope = Scope::begin();
        // SAFETY: as above.
        (registered.run)(unsafe { context.to_ref() }, operation, &options)
    });
    let result = result.unwrap_or_else(|panic| Err(Diagnostic::at(operation, format!("internal error: {panic}"))));
    result.inspect_err(Diagnostic::emit_error).is_ok()
}
