//! Lowers operators on tensors to memrefs with MLIR's passes, in a scratch module.
//!
//! 1. Each operator is outlined into a function of the scratch module with memref arguments (`outline.rs`), and
//!    replaced by a call.
//! 2. MLIR's own passes lower that module to memrefs: [`TENSORS_TO_MEMREFS`]. They see each operator separately, so
//!    that nothing moves between operators, and none of the user's functions.
//! 3. The calls are replaced by the lowered bodies, and constants that the passes created move to the user's module.
//!    Copies in the bodies are not transfers, and become `linalg.copy`.

use super::INFO;
use super::build::{Builder, dimensions, place};
use super::llvm::TENSORS_TO_MEMREFS;
use super::symbols::Symbols;
use crate::form::{body, operations, symbol};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{FlatSymbolRefAttribute, StringAttribute, TypeAttribute};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::{FunctionType, MemRefType, ShapedTypeLike, TypeLike};
use cosma_ir::melior::ir::{
    Block, BlockLike, BlockRef, Location, Module, OperationRef, Region, RegionLike, Type, Value, ValueLike,
};
use cosma_ir::melior::pass::PassManager;
use cosma_ir::melior::utility::{parse_pass_pipeline, register_all_passes};
use cosma_ir::{Diagnostic, as_mut, erase, name, operand_at, replace_uses, result_at, run_passes, set_type};
use std::collections::BTreeMap;

/// The scratch module.
pub(super) struct Workshop<'c, 'a> {
    build: Builder<'c>,
    module: &'a Module<'c>,
    jobs: Vec<Job<'c, 'a>>,
}

/// A function of the scratch module, and the call that its body replaces.
struct Job<'c, 'a> {
    function: OperationRef<'c, 'a>,
    call: OperationRef<'c, 'a>,
}

impl<'c, 'a> Workshop<'c, 'a> {
    /// Wraps an empty module.
    pub(super) fn new(context: &'c Context, module: &'a Module<'c>) -> Self {
        Workshop { build: Builder(context), module, jobs: Vec::new() }
    }

    /// Opens a new function, and returns its terminator and its block. Operations are inserted before the
    /// terminator.
    pub(super) fn open(&mut self, location: Location<'c>) -> (OperationRef<'c, 'a>, BlockRef<'c, 'a>) {
        let region = Region::new();
        region.append_block(Block::new(&[]));
        let r#type = TypeAttribute::new(FunctionType::new(self.build.0, &[], &[]).into());
        let symbol = StringAttribute::new(self.build.0, &format!("operator_{}", self.jobs.len()));
        let function = OperationBuilder::new("func.func", location)
            .add_attributes(&[
                (self.build.id("sym_name"), symbol.into()),
                (self.build.id("function_type"), r#type.into()),
            ])
            .add_regions([region]);
        let function = self.module.body().append_operation(function.build().expect("nothing is inferred"));
        let block = body(function).expect("it has one");
        block.append_operation(OperationBuilder::new("func.return", location).build().expect("it is whole"));
        (function, block)
    }

    /// Closes a function that returns scalars, and records that its body goes before an operation. Returns the values
    /// that stand for the scalars.
    pub(super) fn close(
        &mut self,
        function: OperationRef<'c, 'a>,
        operands: &[Value<'c, 'a>],
        scalars: &[Value<'c, 'a>],
        before: OperationRef<'c, 'a>,
    ) -> Vec<Value<'c, 'a>> {
        let block = body(function).expect("it has one");
        let end = block.terminator().expect("it has one");
        place(end, OperationBuilder::new("func.return", end.location()).add_operands(scalars));
        erase(end);
        let arguments: Vec<Type> =
            (0..block.argument_count()).map(|it| block.argument(it).expect("it is counted").r#type()).collect();
        let results: Vec<Type> = scalars.iter().map(|it| it.r#type()).collect();
        let r#type = TypeAttribute::new(FunctionType::new(self.build.0, &arguments, &results).into());
        as_mut(function).set_attribute("function_type", r#type.into());
        let call = place(before, self.build.call(&symbol(function), operands, &results, before.location()));
        self.jobs.push(Job { function, call });
        call.results().map(Value::from).collect()
    }

    /// Lowers all bodies to memrefs and replaces the calls by them.
    pub(super) fn finish(self, symbols: &mut Symbols<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if self.jobs.is_empty() {
            return Ok(());
        }
        register_all_passes();
        let manager = PassManager::new(self.build.0);
        let parsed = parse_pass_pipeline(manager.as_operation_pass_manager(), TENSORS_TO_MEMREFS);
        let module = self.module.as_operation();
        parsed.map_err(|error| Diagnostic::at(module, format!("{} needs MLIR's passes: {error}", INFO.name)))?;
        if !run_passes(&manager, module) {
            // MLIR has reported the operator.
            let message = format!("{} cannot lower the operators of this module to memrefs", INFO.name);
            return Err(Diagnostic::at(module, message));
        }
        let mut globals = BTreeMap::new();
        for global in operations(self.module.body()).filter(|it| name(*it) == "memref.global") {
            let (Ok(r#type), Ok(value)) = (global.attribute("type"), global.attribute("initial_value")) else {
                continue;
            };
            let Ok(r#type) = TypeAttribute::try_from(r#type) else { continue };
            globals.insert(symbol(global), symbols.global(r#type.value(), value, global.location()));
        }
        for job in &self.jobs {
            self.splice(job, &globals)?;
        }
        Ok(())
    }

    fn splice(&self, job: &Job<'c, 'a>, globals: &BTreeMap<String, String>) -> Result<(), Diagnostic<'c>> {
        let block = body(job.function).expect("it has one");
        for operation in all(job.function) {
            self.finish_operation(operation, globals)?;
        }
        if block.next_in_region().is_some() {
            return Err(Diagnostic::at(job.call, format!("{} cannot lower branches", INFO.name)));
        }
        for (index, operand) in job.call.operands().enumerate() {
            replace_uses(block.argument(index).expect("it has as many").into(), operand);
        }
        for operation in all(job.function) {
            self.move_to_space(operation);
        }
        for operation in operations(block).collect::<Vec<_>>() {
            if operation.next_in_block().is_some() {
                as_mut(operation).move_before(job.call);
                continue;
            }
            for (result, value) in job.call.results().zip(operation.operands()) {
                replace_uses(result.into(), value);
            }
        }
        erase(job.call);
        Ok(())
    }

    /// Propagates the memory space of a memref to a view of it. The bodies are created without memory spaces, so that
    /// buffers that MLIR's passes allocate are in host memory.
    fn move_to_space(&self, operation: OperationRef<'c, 'a>) {
        let name = name(operation);
        let views = ["cast", "collapse_shape", "expand_shape", "reinterpret_cast", "subview", "transpose"];
        if !name.strip_prefix("memref.").is_some_and(|it| views.contains(&it)) {
            return;
        }
        let (Some(source), Some(result)) = (operand_at(operation, 0), result_at(operation, 0)) else { return };
        let types = (MemRefType::try_from(source.r#type()), MemRefType::try_from(result.r#type()));
        let (Ok(from), Ok(to)) = types else { return };
        if let Some(dimensions) = dimensions(&to).filter(|_| from.memory_space() != to.memory_space()) {
            let moved = MemRefType::new(to.element(), &dimensions, Some(to.layout()), from.memory_space());
            set_type(result, moved.into());
        }
    }

    fn finish_operation(
        &self,
        operation: OperationRef<'c, 'a>,
        globals: &BTreeMap<String, String>,
    ) -> Result<(), Diagnostic<'c>> {
        let name = name(operation);
        let dialect = name.split('.').next().unwrap_or_default();
        let is_tensor = |it: Value| it.r#type().is_tensor();
        if matches!(dialect, "tosa" | "tensor" | "bufferization" | "cosma")
            || operation.operands().any(is_tensor)
            || operation.results().any(|it| is_tensor(it.into()))
        {
            let message = format!("{} cannot lower {name} to memrefs", INFO.name);
            return Err(Diagnostic::at(operation, message));
        }
        match name.as_str() {
            "memref.get_global" => {
                let old = operation.attribute("name").map(|it| it.to_string()).unwrap_or_default();
                if let Some(new) = globals.get(old.trim_start_matches('@').trim_matches('"')) {
                    as_mut(operation).set_attribute("name", FlatSymbolRefAttribute::new(self.build.0, new).into());
                }
            }
            "memref.copy" => {
                let operands: Vec<Value> = operation.operands().collect();
                let Ok(r#type) = MemRefType::try_from(operands[0].r#type()) else { return Ok(()) };
                self.build.copy(operands[0], operands[1], r#type.element(), operation);
                erase(operation);
            }
            _ => {}
        }
        Ok(())
    }
}

/// All operations in the regions of an operation.
fn all<'c, 'a>(operation: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let mut found = Vec::new();
    for region in operation.regions() {
        for block in std::iter::successors(region.first_block(), |it| it.next_in_region()) {
            for inner in operations(block) {
                found.push(inner);
                found.extend(all(inner));
            }
        }
    }
    found
}
