//! Compiles a module on memrefs to machine code, and calls its functions.

use super::descriptor::{self, Layout};
use super::dma::Mood;
use super::memory::{self, Memory, Moved, Way};
use super::signature::{Signature, functions, symbol};
use super::{Buffer, BufferType, ExecuteError};
use crate::edit::as_mut;
use crate::ffi::Text;
use crate::{name, run_passes};
use melior::Context;
use melior::ir::operation::{OperationLike, OperationMutLike};
use melior::ir::{Attribute, BlockLike, Module, OperationRef, RegionLike};
use melior::pass::PassManager;
use melior::utility::{parse_pass_pipeline, register_all_passes};
use mlir_sys::{
    MlirExecutionEngine, MlirStringRef, mlirExecutionEngineCreate, mlirExecutionEngineDestroy,
    mlirExecutionEngineLookupPacked, mlirExecutionEngineRegisterSymbol,
};
use std::collections::BTreeMap;
use std::ffi::{CString, c_void};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Lowers linalg, loops and memrefs to LLVM. No pass fuses or reorders floating-point operations.
///
/// Allocations become calls of functions that [`memory`] provides.
const PIPELINE: &str = "builtin.module(\
    func.func(convert-linalg-to-loops),\
    expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-math-to-llvm,convert-math-to-libm,\
    finalize-memref-to-llvm{use-generic-functions=true use-aligned-alloc=true},\
    convert-to-llvm,reconcile-unrealized-casts)";

/// A compiled module.
pub struct Program {
    engine: MlirExecutionEngine,
    functions: Vec<Function>,
}

struct Function {
    name: String,
    signature: Result<Signature, ExecuteError>,
    code: Option<unsafe extern "C" fn(*mut *mut c_void)>,
}

/// The outcome of a call.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The results of the function.
    pub results: Vec<Buffer>,
    /// The arguments after the call.
    pub arguments: Vec<Buffer>,
    /// The bytes that its transfers moved.
    pub moved: Moved,
    /// The same by source and destination: the index of an argument, or `None` for memory that the function allocated
    /// or that is constant. Streamed bytes have no destination, and are not included.
    pub ways: BTreeMap<Way, u64>,
    /// The memory errors, as messages.
    pub faults: Vec<String>,
    /// The run time.
    pub duration: Duration,
}

impl Program {
    /// Compiles a module of functions on memrefs, which may contain linalg and loops. `effort` is LLVM's
    /// optimisation level, 0 to 3.
    ///
    /// # Errors
    /// [`ExecuteError::Compile`] if MLIR fails; its diagnostics go to the context's handler.
    pub fn compile<'c>(context: &'c Context, module: Module<'c>, effort: u8) -> Result<Program, ExecuteError> {
        let mut found = Vec::new();
        for function in functions(module.as_operation()) {
            found.push(Function { name: symbol(function), signature: Signature::read(function), code: None });
            as_mut(function).set_attribute("llvm.emit_c_interface", Attribute::unit(context));
            // LLVM fails on attributes of arguments that it does not know.
            for attributes in ["arg_attrs", "res_attrs"] {
                let _ = as_mut(function).remove_attribute(attributes);
            }
        }
        let symbols = declarations(module.as_operation());
        register_all_passes();
        let manager = PassManager::new(context);
        parse_pass_pipeline(manager.as_operation_pass_manager(), PIPELINE)
            .map_err(|error| ExecuteError::Compile(error.to_string()))?;
        if !run_passes(&manager, module.as_operation()) {
            return Err(ExecuteError::Compile("it could not be lowered to LLVM".into()));
        }
        let mut program = Program::new(&module, effort, &symbols)?;
        for mut function in found {
            if function.signature.is_ok() {
                function.code = Some(program.code(&function.name)?);
            }
            program.functions.push(function);
        }
        Ok(program)
    }

    fn new(module: &Module, effort: u8, symbols: &[String]) -> Result<Program, ExecuteError> {
        // The paths must be NUL-terminated in spite of their lengths.
        let libraries: Vec<CString> = libraries()
            .into_iter()
            .filter_map(|it| CString::new(it.into_os_string().into_encoded_bytes()).ok())
            .collect();
        let paths: Vec<MlirStringRef> = libraries.iter().map(|it| Text::new(it.as_bytes()).raw()).collect();
        // SAFETY: the module is alive, and the engine translates it and copies the paths.
        let engine = unsafe {
            mlirExecutionEngineCreate(
                module.to_raw(),
                effort.min(3).into(),
                paths.len() as i32,
                paths.as_ptr(),
                false,
                false,
            )
        };
        if engine.ptr.is_null() {
            return Err(ExecuteError::Compile("LLVM could not make an engine for it".into()));
        }
        let program = Program { engine, functions: Vec::new() };
        let known = memory::symbols();
        let transfers = symbols.iter().filter_map(|it| Some((it.as_str(), memory::transfer_symbol(it)?)));
        for (name, address) in known.into_iter().chain(transfers) {
            // SAFETY: the engine is alive; the functions live as long as the process, and have the types with which
            // compiled code calls them.
            unsafe { mlirExecutionEngineRegisterSymbol(program.engine, Text::new(name).raw(), address) };
        }
        Ok(program)
    }

    fn code(&self, function: &str) -> Result<unsafe extern "C" fn(*mut *mut c_void), ExecuteError> {
        // SAFETY: the engine is alive.
        let code = unsafe { mlirExecutionEngineLookupPacked(self.engine, Text::new(&ciface(function)).raw()) };
        if code.is_null() {
            return Err(ExecuteError::Compile(format!("@{function} calls something that is not there")));
        }
        // SAFETY: the function with this name takes a list of its arguments' addresses.
        Ok(unsafe { std::mem::transmute::<*mut c_void, unsafe extern "C" fn(*mut *mut c_void)>(code) })
    }

    /// The types of a function's arguments.
    ///
    /// # Errors
    /// If there is no such function, or a type is not supported.
    pub fn arguments(&self, function: &str) -> Result<&[BufferType], ExecuteError> {
        Ok(&self.signature(function)?.1.arguments)
    }

    fn signature(&self, function: &str) -> Result<(&Function, &Signature), ExecuteError> {
        let found = self.functions.iter().find(|it| it.name == function);
        let found = found.ok_or_else(|| ExecuteError::NoFunction(function.into()))?;
        Ok((found, found.signature.as_ref().map_err(Clone::clone)?))
    }

    /// Calls a function on copies of buffers. Memory that it allocates is filled with `poison`, and its transfers
    /// complete when the mood says.
    ///
    /// # Errors
    /// If there is no such function, if the arguments have other types, or if an allocation fails. Other errors in the
    /// function are [faults](Outcome::faults).
    ///
    /// # Safety
    /// The function's loads and stores must stay within the buffers that are passed or allocated, or the guard zones
    /// around them. Code that was lowered from operations on tensors does.
    pub unsafe fn call(
        &self,
        function: &str,
        arguments: &[Buffer],
        poison: u64,
        mood: Mood,
    ) -> Result<Outcome, ExecuteError> {
        // SAFETY: guaranteed by the caller.
        let outcomes = unsafe { self.call_in_turn(&[function], arguments, poison, mood) }?;
        Ok(outcomes.into_iter().next_back().expect("it was called"))
    }

    /// Calls functions in turn on the same copies of buffers, so that each sees what the previous one left in them.
    /// The last outcome has the buffers and the faults of all.
    ///
    /// # Errors
    /// Those of [`Program::call`].
    ///
    /// # Safety
    /// That of [`Program::call`].
    pub unsafe fn call_in_turn(
        &self,
        functions: &[&str],
        arguments: &[Buffer],
        poison: u64,
        mood: Mood,
    ) -> Result<Vec<Outcome>, ExecuteError> {
        for function in functions {
            self.signature(function)?.1.check(arguments)?;
        }
        let mut memory = Memory::new(poison, mood);
        let ended = |why| ExecuteError::Ended { function: functions[0].into(), why };
        let given = arguments.iter().map(|it| memory.give(it.bytes())).collect::<Result<Vec<usize>, String>>();
        let given = given.map_err(ended)?;
        let mut outcomes = Vec::new();
        let mut owned = Vec::new();
        for function in functions {
            let before = memory.moved;
            // SAFETY: guaranteed by the caller.
            let (rest, results, duration) = unsafe { self.run(function, memory, &given, &mut owned) }?;
            memory = rest;
            let moved = memory.moved.since(before);
            let ways = std::mem::take(&mut memory.ways);
            outcomes.push(Outcome { results, arguments: Vec::new(), moved, ways, faults: Vec::new(), duration });
        }
        let after = memory.finish(&owned, &given);
        let arguments = arguments.iter().zip(after);
        let arguments = arguments.filter_map(|(it, bytes)| Buffer::new(it.element(), it.shape(), bytes)).collect();
        if let Some(last) = outcomes.last_mut() {
            (last.arguments, last.faults) = (arguments, std::mem::take(&mut memory.faults));
        }
        Ok(outcomes)
    }

    /// One call on existing memory; `owned` receives the buffers that it returns.
    unsafe fn run(
        &self,
        function: &str,
        memory: Memory,
        given: &[usize],
        owned: &mut Vec<usize>,
    ) -> Result<(Memory, Vec<Buffer>, Duration), ExecuteError> {
        let (found, signature) = self.signature(function)?;
        let code = found.code.ok_or_else(|| ExecuteError::NoFunction(function.into()))?;
        let ended = |why| ExecuteError::Ended { function: function.into(), why };
        let mut results: Vec<u64> = vec![0; signature.results.iter().map(|it| words(it.shape.len())).sum()];
        let mut descriptors: Vec<Vec<u64>> =
            given.iter().zip(&signature.arguments).map(|(address, it)| descriptor::write(*address, it)).collect();
        // The function takes addresses of descriptors, results first; its packed form the addresses of these.
        let mut addresses: Vec<*mut u64> = Vec::new();
        if !signature.results.is_empty() {
            addresses.push(results.as_mut_ptr());
        }
        addresses.extend(descriptors.iter_mut().map(|it| it.as_mut_ptr()));
        let mut packed: Vec<*mut c_void> = addresses.iter_mut().map(|it| (&raw mut *it).cast()).collect();
        let start = Instant::now();
        // SAFETY: the code was compiled from a function of this signature, the descriptors match it, and their memory is
        // alive. The caller guarantees that other accesses are in bounds.
        let mut memory = unsafe { memory.during(code, packed.as_mut_ptr()) };
        let duration = start.elapsed();
        if let Some(why) = memory.end.take() {
            return Err(ended(why));
        }

        let mut outcome = Vec::new();
        let mut rest = results.as_slice();
        for (index, r#type) in signature.results.iter().enumerate() {
            let (own, others) = rest.split_at(words(r#type.shape.len()));
            rest = others;
            let layout = Layout::read(own, r#type.element.size());
            let bytes = memory.read(&layout, &format!("result {index}"));
            owned.push(layout.allocated);
            outcome.push(Buffer::new(r#type.element, &r#type.shape, bytes));
        }
        let results = outcome.into_iter().collect::<Option<Vec<Buffer>>>();
        Ok((memory, results.ok_or_else(|| ExecuteError::Call(function.into()))?, duration))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the engine is owned, and its code cannot be called afterwards.
        unsafe { mlirExecutionEngineDestroy(self.engine) }
    }
}

fn words(rank: usize) -> usize {
    descriptor::n_words(rank)
}

/// The engine's name for the C interface of a function.
fn ciface(function: &str) -> String {
    format!("_mlir_ciface_{function}")
}

/// The names of a module's functions, including the external ones that transfers call.
fn declarations(module: OperationRef) -> Vec<String> {
    let block = module.region(0).ok().and_then(|it| it.first_block());
    let operations = std::iter::successors(block.and_then(|it| it.first_operation()), |it| it.next_in_block());
    operations.filter(|it| name(*it) == "func.func").map(symbol).collect()
}

/// The libraries with the functions that LLVM calls to convert small floats, in the folder of MLIR's own library. If
/// they are not found, the process must have these functions.
fn libraries() -> Vec<PathBuf> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let paths = maps.lines().filter_map(|it| it.find('/').map(|at| &it[at..]));
    let mut paths = paths.filter(|it| it.rsplit('/').next().is_some_and(|it| it.starts_with("libMLIR.so")));
    let Some(path) = paths.next().map(PathBuf::from) else { return Vec::new() };
    let beside = path.with_file_name("libmlir_float16_utils.so");
    beside.exists().then_some(beside).into_iter().collect()
}
