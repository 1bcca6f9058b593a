//! The functions of `include/cosma.h`, for compilers in C and C++.
//!
//! Each converts and checks its arguments and calls the Rust library. No panic crosses the interface. Names,
//! argument order, numbers and fields must not change within an [`ABI_VERSION`].

// C names and raw pointers. The header states their requirements, and each use cites the one it relies on.
#![allow(unsafe_code)]

use crate::words::parse_words;
use crate::{Error, Options, Printer, Progress, Watcher, new_context, optimize, read_module};
use cosma_ir::melior::ir::Module;
use cosma_ir::melior::{Context, ContextRef};
use cosma_ir::{insert_dialect, load_dialect};
use cosma_planner::Cycles;
use mlir_sys::{
    MlirContext, MlirDialectRegistry, MlirModule, MlirStringRef, mlirModuleFromOperation, mlirModuleGetContext,
    mlirModuleGetOperation,
};
use std::ffi::{CString, c_void};
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

const ABI_VERSION: u32 = 1;

/// Upper limit on the length of the options in bytes; a greater length is taken for an uninitialised one.
const MAX_OPTIONS: usize = 1 << 16;

/// `enum CosmaStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
enum Status {
    Done = 0,
    Module = 1,
    Call = 2,
    Internal = 3,
}

/// `CosmaResult`: opaque in C.
pub struct CosmaResult {
    status: Status,
    module: CString,
    report: CString,
    messages: CString,
    printed: CString,
}

/// `CosmaProgress`.
#[repr(C)]
pub struct CosmaProgress {
    size: usize,
    function: MlirStringRef,
    phase: MlirStringRef,
    best: i64,
    planned: i64,
    lower_bound: i64,
    seconds: f64,
    time_limit: f64,
    cycles: i64,
    least_cycles: i64,
}

type Callback = unsafe extern "C" fn(*const CosmaProgress, *mut c_void) -> bool;

#[unsafe(no_mangle)]
extern "C" fn cosmaAbiVersion() -> u32 {
    ABI_VERSION
}

#[unsafe(no_mangle)]
extern "C" fn cosmaRelease() -> MlirStringRef {
    string_ref(env!("CARGO_PKG_VERSION"))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaRegisterDialect(registry: MlirDialectRegistry) {
    if !registry.ptr.is_null() {
        // SAFETY: the caller's registry is alive.
        unsafe { insert_dialect(registry) };
    }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaLoadDialect(context: MlirContext) {
    if !context.ptr.is_null() {
        // SAFETY: the caller's context is alive.
        unsafe { with_context(context, load_dialect) };
    }
}

#[unsafe(no_mangle)]
extern "C" fn cosmaRegisterPasses() {
    let _ = catch_unwind(crate::register_passes);
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaOptimize(
    abi_version: u32,
    module: MlirModule,
    options: MlirStringRef,
    progress: Option<Callback>,
    user_data: *mut c_void,
) -> *mut CosmaResult {
    // SAFETY: the caller's texts are alive during the call; the module is too, and not used by others.
    unsafe { call(abi_version, options, progress, user_data, |options| plan(module, options)) }
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaOptimizeText(
    abi_version: u32,
    text: MlirStringRef,
    name: MlirStringRef,
    options: MlirStringRef,
    progress: Option<Callback>,
    user_data: *mut c_void,
) -> *mut CosmaResult {
    // SAFETY: the caller's texts are alive during the call.
    unsafe {
        call(abi_version, options, progress, user_data, |options| {
            let text = bytes(text).ok_or((Status::Call, "the module is null".into()))?;
            let name = read(name).map_err(|it| (Status::Call, format!("the name is {it}")))?;
            plan_text(text, &name, options)
        })
    }
}

/// The outcome of a call, or its status and a message.
type Outcome = Result<Planned, (Status, String)>;

/// A planned module.
#[derive(Default)]
struct Planned {
    /// Its text, if the module was given as text.
    module: String,
    /// The report as JSON.
    report: String,
    /// The warnings, one per line.
    warnings: String,
}

/// Calls a planner with options as words, and makes a result from its outcome.
///
/// # Safety
/// The text of the options is alive.
unsafe fn call(
    abi_version: u32,
    options: MlirStringRef,
    progress: Option<Callback>,
    user_data: *mut c_void,
    plan: impl FnOnce(&Options) -> Outcome,
) -> *mut CosmaResult {
    let printed = Arc::new(Mutex::new(String::new()));
    let text = Arc::clone(&printed);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        if abi_version != ABI_VERSION {
            let message = format!("the call has ABI version {abi_version}, the library {ABI_VERSION}");
            return Err((Status::Call, message));
        }
        // SAFETY: guaranteed by the caller.
        let words = unsafe { read(options) }.map_err(|it| (Status::Call, format!("the options are {it}")))?;
        let options = parse_words(&words).map_err(|it| (Status::Call, it))?;
        let printer = Printer::new(move |it| text.lock().unwrap_or_else(PoisonError::into_inner).push_str(it));
        let watcher = progress.map(|it| watcher(it, user_data));
        plan(&Options { printer: Some(printer), watcher, ..options })
    }));
    let outcome = outcome.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        Err((Status::Internal, format!("internal error: {}", text.unwrap_or_else(|| "no message".into()))))
    });
    let printed = std::mem::take(&mut *printed.lock().unwrap_or_else(PoisonError::into_inner));
    let (status, planned, messages) = match outcome {
        Ok(mut planned) => {
            let warnings = std::mem::take(&mut planned.warnings);
            (Status::Done, planned, warnings)
        }
        // Errors in the module already have a location and a severity.
        Err((status @ Status::Module, message)) => (status, Planned::default(), format!("{message}\n")),
        Err((status, message)) => (status, Planned::default(), format!("error: {message}\n")),
    };
    Box::into_raw(Box::new(CosmaResult {
        status,
        module: c_string(planned.module),
        report: c_string(planned.report),
        messages: c_string(messages),
        printed: c_string(printed),
    }))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultStatus(result: *const CosmaResult) -> i32 {
    // SAFETY: null, or a result that was not destroyed; so below.
    unsafe { result.as_ref() }.map_or(Status::Call, |it| it.status) as i32
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultModule(result: *const CosmaResult) -> MlirStringRef {
    // SAFETY: see above.
    text_of(unsafe { result.as_ref() }.map(|it| &it.module))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultReport(result: *const CosmaResult) -> MlirStringRef {
    // SAFETY: see above.
    text_of(unsafe { result.as_ref() }.map(|it| &it.report))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultMessages(result: *const CosmaResult) -> MlirStringRef {
    // SAFETY: see above.
    text_of(unsafe { result.as_ref() }.map(|it| &it.messages))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultPrinted(result: *const CosmaResult) -> MlirStringRef {
    // SAFETY: see above.
    text_of(unsafe { result.as_ref() }.map(|it| &it.printed))
}

#[unsafe(no_mangle)]
unsafe extern "C" fn cosmaResultDestroy(result: *mut CosmaResult) {
    if !result.is_null() {
        // SAFETY: it came from `call`, and is destroyed once.
        drop(unsafe { Box::from_raw(result) });
    }
}

/// Plans a module in place.
///
/// # Safety
/// The module is null, or alive and not used elsewhere during the call.
unsafe fn plan(module: MlirModule, options: &Options) -> Outcome {
    if module.ptr.is_null() {
        return Err((Status::Call, "the module is null".into()));
    }
    // SAFETY: the module is alive, and `ManuallyDrop` leaves its ownership with the caller.
    let mut own = unsafe {
        // The kind of an operation is an address in the libMLIR.so that created it.
        if mlirModuleFromOperation(mlirModuleGetOperation(module)).ptr.is_null() {
            let message = "this is not a builtin.module of the libMLIR.so that COSMA is linked with";
            return Err((Status::Call, message.into()));
        }
        with_context(mlirModuleGetContext(module), load_dialect);
        ManuallyDrop::new(Module::from_raw(module))
    };
    plan_module(&mut own, options)
}

/// Plans a module of text or bytecode in a context of its own.
fn plan_text(text: &[u8], name: &str, options: &Options) -> Outcome {
    let context = new_context();
    let mut module = read_module(&context, text, name).map_err(failure)?;
    let planned = plan_module(&mut module, options)?;
    Ok(Planned { module: format!("{}\n", module.as_operation()), ..planned })
}

fn plan_module(module: &mut Module, options: &Options) -> Outcome {
    let report = optimize(module, options).map_err(failure)?;
    let warnings = report.warnings.iter().map(|it| format!("{it}\n")).collect();
    Ok(Planned { module: String::new(), report: report.to_json(), warnings })
}

fn failure(error: Error) -> (Status, String) {
    let status = if matches!(error, Error::Module(_)) { Status::Module } else { Status::Call };
    (status, error.to_string())
}

/// Calls a function with a context, and discards its panics.
///
/// # Safety
/// The context is alive.
unsafe fn with_context(context: MlirContext, call: impl FnOnce(&Context)) {
    // SAFETY: the context is alive, and melior's reference does not outlive this variable.
    let context = unsafe { ContextRef::from_raw(context) };
    let _ = catch_unwind(AssertUnwindSafe(|| call(unsafe { context.to_ref() })));
}

/// The pointer that the caller passed for the callback.
struct UserData(*mut c_void);

// SAFETY: the header states that the callback may be called on any thread. Calls are sequential, since
// functions are planned one after the other.
unsafe impl Send for UserData {}
unsafe impl Sync for UserData {}

impl UserData {
    fn get(&self) -> *mut c_void {
        self.0
    }
}

fn watcher(callback: Callback, user_data: *mut c_void) -> Watcher {
    let user_data = UserData(user_data);
    Watcher::new(move |function, progress: &Progress| {
        let phase = progress.phase.to_string();
        let bytes = |it: Option<crate::Bytes>| it.map_or(-1, |it| i64::try_from(it.0).unwrap_or(i64::MAX));
        let cycles = |it: Option<Cycles>| it.map_or(-1, |it| i64::try_from(it.0).unwrap_or(i64::MAX));
        let progress = CosmaProgress {
            size: size_of::<CosmaProgress>(),
            function: string_ref(function),
            phase: string_ref(&phase),
            best: bytes(progress.best),
            planned: bytes(progress.planned),
            lower_bound: bytes(Some(progress.lower_bound)),
            seconds: progress.elapsed.as_secs_f64(),
            time_limit: progress.time_limit.as_secs_f64(),
            cycles: cycles(progress.cycles),
            least_cycles: cycles(progress.least_cycles),
        };
        // SAFETY: the caller's function, with valid progress and the caller's pointer.
        let continues = unsafe { callback(&raw const progress, user_data.get()) };
        if continues { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })
}

/// The caller's bytes; `None` if the address is null or the length is not initialised.
///
/// # Safety
/// They are alive unless their address is null.
unsafe fn bytes<'a>(text: MlirStringRef) -> Option<&'a [u8]> {
    let is_text = !text.data.is_null() && isize::try_from(text.length).is_ok();
    // SAFETY: guaranteed by the caller.
    is_text.then(|| unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.length) })
}

/// Copies the caller's text.
///
/// # Safety
/// The text is alive unless its address is null.
unsafe fn read(text: MlirStringRef) -> Result<String, &'static str> {
    match (text.data.is_null(), text.length) {
        (_, 0) => Ok(String::new()),
        (true, _) => Err("null"),
        (_, length) if MAX_OPTIONS < length => Err("too long"),
        (_, length) => {
            // SAFETY: the text is alive.
            let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), length) };
            String::from_utf8(bytes.to_vec()).map_err(|_| "not UTF-8")
        }
    }
}

fn string_ref(text: &str) -> MlirStringRef {
    MlirStringRef { data: text.as_ptr().cast(), length: text.len() }
}

fn text_of(text: Option<&CString>) -> MlirStringRef {
    let text = text.map_or(c"", |it| it.as_c_str());
    MlirStringRef { data: text.as_ptr(), length: text.count_bytes() }
}

/// A C string without the NUL characters in the text.
fn c_string(mut text: String) -> CString {
    text.retain(|it| it != '\0');
    CString::new(text).unwrap_or_default()
}
