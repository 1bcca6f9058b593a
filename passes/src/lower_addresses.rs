//! `cosma-lower-addresses`: planned form → lowered form, for all functions of a module.
//!
//! - The scratchpad becomes an arena, `memref<Nxi8>` with N its size, allocated where the function
//!   begins; each tensor in it a `memref.view` at its offset.
//! - Arguments and results become memrefs in host memory. A result, and what was spilled, has a
//!   buffer of its own; `memref.copy` is the transfer. What is streamed is read where it lies.
//! - Constants become globals.
//! - A `cosma.op` becomes a call of an external kernel: what it reads, what it writes, its
//!   workspace. Kernels are named after kinds, one for each signature. An operation of linalg
//!   becomes the same on memrefs; what it is to start from is written where its result lies, unless it
//!   lies there. What is computed from weights before the run has a buffer in host memory. Reshapes
//!   become those of memrefs.
//!
//! Other operators have to be lowered to linalg before they are planned.

use crate::extract::extract;
use crate::form::{Form, body, expect, form, operations, symbol};
use crate::role::{Role, reads, role};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{
    DenseI32ArrayAttribute, FlatSymbolRefAttribute, IntegerAttribute, StringAttribute, TypeAttribute,
};
use cosma_ir::melior::ir::operation::{OperationBuilder, OperationLike, OperationMutLike, OperationResult};
use cosma_ir::melior::ir::r#type::{
    DimSize, FunctionType, IntegerType, MemRefType, RankedTensorType, ShapedTypeLike, TypeLike,
};
use cosma_ir::melior::ir::{
    Attribute, BlockLike, BlockRef, Identifier, Location, Operation, OperationRef, Region, Type, Value, ValueLike,
};
use cosma_ir::{
    Diagnostic, PassInfo, PassOptions, Transfer, as_mut, erase, is_abstract, is_group, is_streamed, kind, machine,
    name, offsets, set_type, size_in_bytes, take_regions, transfer, uses, workspace, workspace_offset,
};
use cosma_planner::{Bytes, Machine, Weights};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-lower-addresses",
    description: "turns tensors into views of an arena, and transfers into copies: from planned to lowered form",
    anchor: "builtin.module",
    options: &[],
};

pub(crate) fn run<'c>(
    context: &'c Context,
    module: OperationRef<'c, '_>,
    _: &PassOptions,
) -> Result<(), Diagnostic<'c>> {
    lower_addresses(context, module)
}

/// Brings every function of a module with a body from planned into lowered form.
///
/// # Errors
/// At a function in another form; at an operator that cannot be lowered, or a tensor that has no
/// memref. The module is in pieces then.
pub fn lower_addresses<'c>(context: &'c Context, module: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let block = body(module).expect("a module has a block");
    let functions: Vec<_> = operations(block).filter(|it| name(*it) == "func.func" && body(*it).is_some()).collect();
    let mut symbols =
        Symbols { context, block, names: operations(block).map(symbol).collect(), kernels: BTreeMap::new() };
    for function in functions {
        // What has nothing to plan has no transfer to be told by, and stays in source form.
        if form(function) != Form::Source || has_operators(function) {
            expect(function, INFO.name, Form::Planned)?;
        }
        Lowering::new(context, function, &mut symbols)?.function()?;
    }
    if module.has_attribute("cosma.machine") {
        as_mut(module).remove_attribute("cosma.machine").expect("it is there");
    }
    Ok(())
}

fn has_operators(function: OperationRef) -> bool {
    let machine = Machine { scratchpad: Bytes::ZERO, alignment: Bytes(1), weights: Weights::Resident };
    // What cannot be planned has something that should have been.
    extract(function, machine).map_or(true, |it| !it.operators.is_empty())
}

/// What the functions of a module share.
struct Symbols<'c, 'a> {
    context: &'c Context,
    block: BlockRef<'c, 'a>,
    names: BTreeSet<String>,
    /// By kind and signature.
    kernels: BTreeMap<(String, String), String>,
}

impl<'c> Symbols<'c, '_> {
    /// A name like this one that nobody has.
    fn unique(&mut self, like: &str) -> String {
        let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == '.';
        let plain: String = like.chars().map(|it| if is_plain(it) { it } else { '_' }).collect();
        let numbered = (1..).map(|it| format!("{plain}_{it}"));
        let name = std::iter::once(plain.clone()).chain(numbered).find(|it| !self.names.contains(it));
        let name = name.expect("numbers do not end");
        self.names.insert(name.clone());
        name
    }

    /// The external function for operators of a kind with a signature.
    fn kernel(&mut self, kind: &str, r#type: FunctionType<'c>, location: Location<'c>) -> String {
        let key = (kind.to_owned(), r#type.to_string());
        if let Some(name) = self.kernels.get(&key) {
            return name.clone();
        }
        let name = self.unique(kind);
        let context = self.context;
        let declaration = OperationBuilder::new("func.func", location)
            .add_attributes(&[
                (Identifier::new(context, "sym_name"), StringAttribute::new(context, &name).into()),
                (Identifier::new(context, "function_type"), TypeAttribute::new(r#type.into()).into()),
                (Identifier::new(context, "sym_visibility"), StringAttribute::new(context, "private").into()),
            ])
            .add_regions([Region::new()]);
        self.prepend(declaration);
        self.kernels.insert(key, name.clone());
        name
    }

    fn global(&mut self, r#type: Type<'c>, value: Attribute<'c>, location: Location<'c>) -> String {
        let name = self.unique("constant");
        let context = self.context;
        let global = OperationBuilder::new("memref.global", location).add_attributes(&[
            (Identifier::new(context, "sym_name"), StringAttribute::new(context, &name).into()),
            (Identifier::new(context, "type"), TypeAttribute::new(r#type).into()),
            (Identifier::new(context, "sym_visibility"), StringAttribute::new(context, "private").into()),
            (Identifier::new(context, "initial_value"), value),
            (Identifier::new(context, "constant"), Attribute::unit(context)),
        ]);
        self.prepend(global);
        name
    }

    fn prepend(&self, builder: OperationBuilder<'c>) {
        self.block.insert_operation(0, builder.build().expect("nothing is inferred"));
    }
}

/// One function on its way.
struct Lowering<'s, 'c, 'a, 'm> {
    context: &'c Context,
    function: OperationRef<'c, 'a>,
    block: BlockRef<'c, 'a>,
    symbols: &'s mut Symbols<'c, 'm>,
    scratchpad: u64,
    alignment: u64,
    /// The first operation of the source: constants and the arena go before it.
    first: OperationRef<'c, 'a>,
    arena: Option<Value<'c, 'a>>,
    offsets: BTreeMap<u64, Value<'c, 'a>>,
    /// What has become of each tensor, by how it was known.
    memrefs: Vec<(Value<'c, 'a>, Value<'c, 'a>)>,
    /// Where views lie in the arena.
    places: Vec<(Value<'c, 'a>, u64)>,
    /// Buffers of spilled tensors.
    spilled: Vec<Value<'c, 'a>>,
}

impl<'s, 'c, 'a, 'm> Lowering<'s, 'c, 'a, 'm> {
    fn new(
        context: &'c Context,
        function: OperationRef<'c, 'a>,
        symbols: &'s mut Symbols<'c, 'm>,
    ) -> Result<Self, Diagnostic<'c>> {
        let block = body(function).expect("declarations are left alone");
        let machine = machine(function);
        if machine.as_ref().is_some_and(|it| it.element_bytes.is_some()) {
            let message = format!(
                "{} takes tensors as they are, but this function was planned with element_bytes for other types",
                INFO.name
            );
            return Err(Diagnostic::at(function, message));
        }
        Ok(Lowering {
            context,
            function,
            block,
            symbols,
            scratchpad: machine.as_ref().and_then(|it| it.scratchpad).unwrap_or(0),
            alignment: machine.and_then(|it| it.alignment).unwrap_or(crate::DEFAULT_ALIGNMENT.0),
            first: block.first_operation().expect("a block has a terminator"),
            arena: None,
            offsets: BTreeMap::new(),
            memrefs: Vec::new(),
            places: Vec::new(),
            spilled: Vec::new(),
        })
    }

    fn function(mut self) -> Result<(), Diagnostic<'c>> {
        let source: Vec<OperationRef> = operations(self.block).collect();
        let (terminator, source) = source.split_last().expect("a block has a terminator");
        for index in 0..self.block.argument_count() {
            let argument: Value = self.block.argument(index).expect("it is counted").into();
            if argument.r#type().is_tensor() {
                set_type(argument, self.memref_of(argument.r#type(), self.function)?);
                self.memrefs.push((argument, argument));
            }
        }
        let mut done = Vec::new();
        for &operation in source {
            if self.operation(operation)? {
                done.push(operation);
            }
        }
        for (index, value) in terminator.operands().enumerate().collect::<Vec<_>>() {
            match self.memref(value) {
                Some(memref) => as_mut(*terminator).set_operand(index, memref),
                None if value.r#type().is_tensor() => {
                    let message = format!("{} finds no bytes for result {index}", INFO.name);
                    return Err(Diagnostic::at(*terminator, message));
                }
                None => {}
            }
        }
        for &memref in self.spilled.iter().chain(&self.arena) {
            let free = OperationBuilder::new("memref.dealloc", terminator.location()).add_operands(&[memref]);
            self.place(*terminator, free);
        }
        // Readers come after what they read.
        done.into_iter().rev().for_each(erase);

        let arguments: Vec<Type> = (0..self.block.argument_count())
            .map(|it| self.block.argument(it).expect("it is counted").r#type())
            .collect();
        let results: Vec<Type> = terminator.operands().map(|it| it.r#type()).collect();
        let r#type = TypeAttribute::new(FunctionType::new(self.context, &arguments, &results).into());
        let mut function = as_mut(self.function);
        function.set_attribute("function_type", r#type.into());
        for name in ["cosma.machine", "cosma.plan", "arg_attrs", "res_attrs"] {
            if self.function.has_attribute(name) {
                function.remove_attribute(name).expect("it is there");
            }
        }
        Ok(())
    }

    /// Lowers one operation; gives whether it is to go.
    fn operation(&mut self, operation: OperationRef<'c, 'a>) -> Result<bool, Diagnostic<'c>> {
        if let Some(transfer) = transfer(operation) {
            self.transfer(operation, transfer)?;
            return Ok(true);
        }
        match role(operation, |_| false) {
            Role::Transfer => unreachable!("transfers were dealt with"),
            Role::Constant => {
                self.constant(operation)?;
                Ok(true)
            }
            Role::Preamble => Ok(matches!(name(operation).as_str(), "tensor.empty" | "linalg.fill")),
            Role::View => {
                self.look(operation)?;
                Ok(true)
            }
            Role::Operator => {
                if is_abstract(operation) {
                    self.call(operation)?;
                } else if name(operation).starts_with("linalg.") {
                    self.structured(operation)?;
                } else {
                    let touches = operation.operands().any(|it| it.r#type().is_tensor())
                        || operation.results().any(|it| it.r#type().is_tensor());
                    if !touches {
                        return Ok(false);
                    }
                    let name = name(operation);
                    if is_group(operation) {
                        let message = format!(
                            "{} does not lower cosma.group: lower what is in it, or plan without groups",
                            INFO.name
                        );
                        return Err(Diagnostic::at(operation, message));
                    }
                    let message = format!(
                        "{} knows cosma.op and linalg, not {name}: turn it into linalg before it is planned",
                        INFO.name
                    );
                    return Err(Diagnostic::at(operation, message));
                }
                Ok(true)
            }
        }
    }

    fn transfer(&mut self, operation: OperationRef<'c, 'a>, transfer: Transfer) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("a transfer has an operand");
        let result: Value = operation.result(0).expect("and a result").into();
        let from = self
            .memref(source)
            .ok_or_else(|| Diagnostic::at(operation, format!("{} finds nothing that this moves", INFO.name)))?;
        let to = if transfer.is_inward() {
            if is_streamed(operation) {
                self.memrefs.push((result, from));
                return Ok(());
            }
            let offset = offsets(operation).and_then(|it| it.first().copied()).unwrap_or(0);
            self.view(result.r#type(), offset, operation)?
        } else {
            let buffer = self.alloc(result.r#type(), operation)?;
            if transfer == Transfer::Spill {
                self.spilled.push(buffer);
            }
            buffer
        };
        self.copy(from, to, operation);
        self.memrefs.push((result, to));
        Ok(())
    }

    /// A view: the same of a memref.
    fn look(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let source = operation.operand(0).expect("a view has a source");
        let result: Value = operation.result(0).expect("a view has a result").into();
        let Some(from) = self.memref(source) else {
            let message = format!("{} finds no bytes for what this looks at", INFO.name);
            return Err(Diagnostic::at(operation, message));
        };
        let name = name(operation);
        if matches!(name.as_str(), "tensor.cast" | "tosa.identity") {
            self.memrefs.push((result, from));
            return Ok(());
        }
        let lowered = match name.as_str() {
            "tensor.expand_shape" => "memref.expand_shape",
            "tensor.collapse_shape" => "memref.collapse_shape",
            _ => {
                let message = format!("{} knows reshapes of dialect tensor, not {name}", INFO.name);
                return Err(Diagnostic::at(operation, message));
            }
        };
        let attributes: Vec<(Identifier, Attribute)> = operation.attributes().collect();
        let view = OperationBuilder::new(lowered, operation.location())
            .add_operands(&[from])
            .add_attributes(&attributes)
            .add_results(&[self.memref_of(result.r#type(), operation)?]);
        let view = self.insert(operation, view);
        self.memrefs.push((result, view));
        Ok(())
    }

    fn constant(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let result: Value = operation.result(0).expect("a constant has a result").into();
        let value = ["value", "values"].into_iter().find_map(|it| operation.attribute(it).ok());
        let Some(value) = value else {
            let message = format!("{} does not know the value of {}", INFO.name, name(operation));
            return Err(Diagnostic::at(operation, message));
        };
        let r#type = self.memref_of(result.r#type(), operation)?;
        let global = self.symbols.global(r#type, value, operation.location());
        let get = OperationBuilder::new("memref.get_global", operation.location())
            .add_attributes(&[(self.id("name"), FlatSymbolRefAttribute::new(self.context, &global).into())])
            .add_results(&[r#type]);
        let memref = self.insert(operation, get);
        self.memrefs.push((result, memref));
        Ok(())
    }

    /// An abstract operator: a call.
    fn call(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let mut operands: Vec<Value> = operation.operands().map(|it| self.memref(it).unwrap_or(it)).collect();
        operands.extend(self.results(operation)?);
        let workspace = workspace(operation);
        if workspace != 0 {
            let offset = workspace_offset(operation).unwrap_or(0);
            let r#type = self.bytes(workspace);
            operands.push(self.view_as(r#type, offset, operation));
        }
        let inputs: Vec<Type> = operands.iter().map(|it| it.r#type()).collect();
        let scalars: Vec<Value> = operation.results().map(Value::from).filter(|it| !it.r#type().is_tensor()).collect();
        let outputs: Vec<Type> = scalars.iter().map(|it| it.r#type()).collect();
        let r#type = FunctionType::new(self.context, &inputs, &outputs);
        let kernel = self.symbols.kernel(&kind(operation), r#type, operation.location());
        let call = OperationBuilder::new("func.call", operation.location())
            .add_attributes(&[(self.id("callee"), FlatSymbolRefAttribute::new(self.context, &kernel).into())])
            .add_operands(&operands)
            .add_results(&outputs);
        let call = self.place(operation, call);
        for (scalar, result) in scalars.into_iter().zip(call.results()) {
            cosma_ir::replace_uses(scalar, result.into());
        }
        Ok(())
    }

    /// An operation of linalg: the same on memrefs, which writes where its results lie.
    fn structured(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        if reads(operation).iter().any(|it| it.operation != operation && self.memref(it.value).is_some()) {
            let message = format!("{} cannot lower a region that reads a tensor from around it", INFO.name);
            return Err(Diagnostic::at(operation, message));
        }
        // What was computed before the run has no place in the scratchpad.
        let is_planned = offsets(operation).is_some();
        let results = if is_planned { self.results(operation)? } else { self.buffers(operation)? };
        let n_inputs = operation.operand_count() - results.len();
        let mut operands: Vec<Value> = Vec::new();
        for operand in operation.operands().take(n_inputs) {
            operands.push(self.memref(operand).unwrap_or(operand));
        }
        for (index, &result) in (n_inputs..).zip(&results) {
            let start = operation.operand(index).expect("one for each result");
            let fill = OperationResult::try_from(start).ok().map(|it| it.owner());
            if let Some(fill) = fill.filter(|it| name(*it) == "linalg.fill" && self.memref(start).is_none()) {
                self.fill(fill, result, operation);
            }
            // `tensor.empty` is nothing to start from.
            let tensor = operation.operand(index).expect("one for each result");
            let start = self.memref(tensor);
            if let Some(start) = start.filter(|it| *it != result && !self.are_at_one_place(*it, result)) {
                let others = operation.operands().enumerate().filter(|it| it.0 != index);
                let mut others = others.filter_map(|it| self.memref(it.1));
                let is_empty = size_in_bytes(tensor.r#type()) == Ok(0);
                if !is_empty && others.any(|it| self.are_at_one_place(it, result)) {
                    let message = "a result in the place of an operand cannot start from another tensor";
                    return Err(Diagnostic::at(operation, message));
                }
                self.copy(start, result, operation);
            }
            operands.push(result);
        }
        let attributes: Vec<(Identifier, Attribute)> = operation
            .attributes()
            .filter(|(id, _)| !id.as_string_ref().as_str().is_ok_and(|it| it.starts_with("cosma.")))
            .collect();
        // The builder only borrows the name, whatever its signature says.
        let name = name(operation);
        let lowered = OperationBuilder::new(&name, operation.location())
            .add_operands(&operands)
            .add_attributes(&attributes)
            .add_regions_vec(take_regions(operation));
        self.place(operation, lowered);
        Ok(())
    }

    /// Writes what a `linalg.fill` says where a result will lie.
    fn fill(&self, fill: OperationRef<'c, 'a>, result: Value<'c, 'a>, before: OperationRef<'c, 'a>) {
        let filled = self.block.insert_operation_before(before, Operation::clone(&fill));
        // Without a result, as on memrefs.
        let attributes: Vec<(Identifier, Attribute)> = fill.attributes().collect();
        let builder = OperationBuilder::new("linalg.fill", fill.location())
            .add_operands(&[fill.operand(0).expect("a fill has a value"), result])
            .add_attributes(&attributes)
            .add_regions_vec(take_regions(filled));
        erase(filled);
        self.place(before, builder);
    }

    /// Buffers in host memory for the tensors that an operation writes.
    fn buffers(&mut self, operation: OperationRef<'c, 'a>) -> Result<Vec<Value<'c, 'a>>, Diagnostic<'c>> {
        let mut buffers = Vec::new();
        for result in operation.results() {
            let result: Value = result.into();
            if result.r#type().is_tensor() {
                let buffer = self.alloc(result.r#type(), operation)?;
                self.memrefs.push((result, buffer));
                // What the function returns is its caller's.
                if uses(result).iter().all(|it| name(it.operation) != "func.return") {
                    self.spilled.push(buffer);
                }
                buffers.push(buffer);
            }
        }
        Ok(buffers)
    }

    /// Views for the tensors that an operator writes.
    fn results(&mut self, operation: OperationRef<'c, 'a>) -> Result<Vec<Value<'c, 'a>>, Diagnostic<'c>> {
        let offsets = offsets(operation).unwrap_or_default();
        let mut views = Vec::new();
        for (index, result) in operation.results().enumerate() {
            let result: Value = result.into();
            if result.r#type().is_tensor() {
                let view = self.view(result.r#type(), offsets.get(index).copied().unwrap_or(0), operation)?;
                self.memrefs.push((result, view));
                views.push(view);
            }
        }
        Ok(views)
    }

    fn view(
        &mut self,
        tensor: Type<'c>,
        offset: u64,
        before: OperationRef<'c, 'a>,
    ) -> Result<Value<'c, 'a>, Diagnostic<'c>> {
        let r#type = self.memref_of(tensor, before)?;
        Ok(self.view_as(r#type, offset, before))
    }

    fn view_as(&mut self, r#type: Type<'c>, offset: u64, before: OperationRef<'c, 'a>) -> Value<'c, 'a> {
        let arena = self.arena();
        let place = offset;
        let offset = self.offset(offset);
        let view = OperationBuilder::new("memref.view", before.location())
            .add_operands(&[arena, offset])
            .add_results(&[r#type]);
        let view = self.insert(before, view);
        self.places.push((view, place));
        view
    }

    /// Whether two memrefs are views at one offset.
    fn are_at_one_place(&self, a: Value<'c, 'a>, b: Value<'c, 'a>) -> bool {
        let place = |of| self.places.iter().rev().find(|it| it.0 == of).map(|it| it.1);
        place(a).is_some_and(|it| place(b) == Some(it))
    }

    fn arena(&mut self) -> Value<'c, 'a> {
        if let Some(arena) = self.arena {
            return arena;
        }
        let r#type = self.bytes(self.scratchpad);
        let alignment = IntegerAttribute::new(self.i64(), self.alignment as i64);
        let alloc = self.alloc_of(r#type, self.function.location());
        // MLIR knows no other alignments than powers of two.
        let alignment = Some((self.id("alignment"), alignment.into())).filter(|_| self.alignment.is_power_of_two());
        let alloc = alloc.add_attributes(alignment.as_slice());
        let arena = self.insert(self.first, alloc);
        self.arena = Some(arena);
        arena
    }

    fn offset(&mut self, offset: u64) -> Value<'c, 'a> {
        if let Some(&value) = self.offsets.get(&offset) {
            return value;
        }
        let r#type = Type::index(self.context);
        let constant = OperationBuilder::new("arith.constant", self.function.location())
            .add_attributes(&[(self.id("value"), IntegerAttribute::new(r#type, offset as i64).into())])
            .add_results(&[r#type]);
        let value = self.insert(self.first, constant);
        self.offsets.insert(offset, value);
        value
    }

    fn alloc(&self, tensor: Type<'c>, before: OperationRef<'c, 'a>) -> Result<Value<'c, 'a>, Diagnostic<'c>> {
        let r#type = self.memref_of(tensor, before)?;
        Ok(self.insert(before, self.alloc_of(r#type, before.location())))
    }

    fn alloc_of(&self, r#type: Type<'c>, location: Location<'c>) -> OperationBuilder<'c> {
        let segments = DenseI32ArrayAttribute::new(self.context, &[0, 0]);
        OperationBuilder::new("memref.alloc", location)
            .add_attributes(&[(self.id("operandSegmentSizes"), segments.into())])
            .add_results(&[r#type])
    }

    fn copy(&self, from: Value<'c, 'a>, to: Value<'c, 'a>, before: OperationRef<'c, 'a>) {
        self.place(before, OperationBuilder::new("memref.copy", before.location()).add_operands(&[from, to]));
    }

    fn memref(&self, tensor: Value<'c, 'a>) -> Option<Value<'c, 'a>> {
        self.memrefs.iter().rev().find(|it| it.0 == tensor).map(|it| it.1)
    }

    /// The memref of a tensor's shape and element type.
    fn memref_of(&self, tensor: Type<'c>, at: OperationRef<'c, 'a>) -> Result<Type<'c>, Diagnostic<'c>> {
        let refuse = || Diagnostic::at(at, format!("{} has no memref for {tensor}", INFO.name));
        let ranked = RankedTensorType::try_from(tensor).map_err(|_| refuse())?;
        // MLIR would give each element a byte of its own, where the plan packs them.
        if IntegerType::try_from(ranked.element()).is_ok_and(|it| it.width() % 8 != 0) {
            return Err(refuse());
        }
        let mut dimensions = Vec::new();
        for index in 0..ranked.rank() {
            match ranked.dim_size(index) {
                Ok(DimSize::Static(size)) => dimensions.push(size as i64),
                Ok(DimSize::Dynamic) | Err(_) => return Err(refuse()),
            }
        }
        Ok(MemRefType::new(ranked.element(), &dimensions, None, None).into())
    }

    fn bytes(&self, size: u64) -> Type<'c> {
        MemRefType::new(IntegerType::new(self.context, 8).into(), &[size as i64], None, None).into()
    }

    fn i64(&self) -> Type<'c> {
        IntegerType::new(self.context, 64).into()
    }

    fn id(&self, name: &str) -> Identifier<'c> {
        Identifier::new(self.context, name)
    }

    fn insert(&self, before: OperationRef<'c, 'a>, builder: OperationBuilder<'c>) -> Value<'c, 'a> {
        self.place(before, builder).result(0).expect("it has a result").into()
    }

    fn place(&self, before: OperationRef<'c, 'a>, builder: OperationBuilder<'c>) -> OperationRef<'c, 'a> {
        self.block.insert_operation_before(before, builder.build().expect("nothing is inferred"))
    }
}
