//! From a function to the planner's problem, and which value is which tensor.
//!
//! 1. Each ranked tensor among the arguments, and each constant, is a tensor in host memory. An
//!    argument marked `cosma.weight` and a constant are weights.
//! 2. Each operation that reads or writes a tensor is an operator. Shapes, `tensor.empty` and scalars
//!    that depend on no tensor are none: they can come before all operators.
//! 3. A scalar that an operator computes is a tensor of no bytes: a dependence, so that every order
//!    is legal SSA. What reads it is an operator too.
//! 4. Operators that may have effects besides their results keep their order: each of them writes a
//!    tensor of no bytes that the next one reads.
//! 5. A transfer is no operator. What it returns is the tensor that it moves, in another place.
//!
//! Nothing is changed.

use crate::form::{body, operations};
use crate::role::{Role, may_have_effects, nested_operands, role};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, BlockRef, OperationRef, Value, ValueLike};
use cosma_ir::{Diagnostic, in_place, is_weight, kind, name, size_in_bytes, workspace};
use cosma_planner::{Bytes, Error, GraphBuilder, Machine, OpId, Problem, TensorId};
use std::collections::HashMap;

/// A function with a body, as a problem. Ids follow the block: the order of operators is its order.
pub struct Extraction<'c, 'a> {
    /// The function.
    pub function: OperationRef<'c, 'a>,
    /// The return at its end.
    pub terminator: OperationRef<'c, 'a>,
    /// What is to be planned.
    pub problem: Problem,
    /// By [`OpId`].
    pub operators: Vec<OperationRef<'c, 'a>>,
    /// By [`TensorId`].
    pub carriers: Vec<Carrier<'c, 'a>>,
    /// The tensor of each value of the block; none for scalars and shapes that depend on no tensor.
    tensors: HashMap<usize, Option<TensorId>>,
}

/// What a tensor of the planner is in the function.
#[derive(Clone, Copy, Debug)]
pub enum Carrier<'c, 'a> {
    /// An argument, and which.
    Argument(Value<'c, 'a>, usize),
    /// The result of a constant.
    Constant(Value<'c, 'a>, OperationRef<'c, 'a>),
    /// A tensor that an operator writes, and which of its results.
    Result(Value<'c, 'a>, usize),
    /// A scalar that an operator computes. It has no bytes and no place.
    Scalar,
    /// No value: the order of two operators.
    Order,
}

impl<'c, 'a> Carrier<'c, 'a> {
    /// Where it lies in host memory from the start.
    pub fn source(&self) -> Option<Value<'c, 'a>> {
        match *self {
            Carrier::Argument(value, _) | Carrier::Constant(value, _) => Some(value),
            Carrier::Result(..) | Carrier::Scalar | Carrier::Order => None,
        }
    }

    /// Whether it is a tensor to MLIR as well, which lies somewhere, be it of no bytes.
    pub fn has_place(&self) -> bool {
        !matches!(self, Carrier::Scalar | Carrier::Order)
    }
}

impl<'c, 'a> Extraction<'c, 'a> {
    /// The tensor that a value of the block is; none for a scalar or a shape that depends on no
    /// tensor, and for values of regions in the block.
    pub fn tensor(&self, value: Value<'c, 'a>) -> Option<TensorId> {
        self.tensors.get(&key(value)).copied().flatten()
    }

    /// The tensor that a value of the block is, if it has a place.
    pub fn placed_tensor(&self, value: Value<'c, 'a>) -> Option<TensorId> {
        self.tensor(value).filter(|it| self.carriers[it.index()].has_place())
    }

    /// Whether nothing has to lie anywhere, so that all forms of the function are the same.
    pub fn is_trivial(&self) -> bool {
        let graph = &self.problem.graph;
        graph.ops().iter().all(|op| {
            let has_place = |it: &TensorId| self.carriers[it.index()].has_place();
            op.workspace == Bytes::ZERO && !op.reads.iter().chain(&op.writes).any(has_place)
        })
    }

    /// What the planner complains of, at the operation that causes it.
    pub fn diagnose(&self, error: &Error) -> Diagnostic<'c> {
        let operation = match error {
            Error::ScratchpadTooSmall { op, .. } => self.operators[op.index()],
            _ => self.function,
        };
        Diagnostic::at(operation, error.to_string())
    }
}

/// Reads a function.
///
/// # Errors
/// At what cannot be planned: a declaration, a second block, a tensor that is not ranked and
/// static, a region that reads a tensor from around it.
pub fn extract<'c, 'a>(function: OperationRef<'c, 'a>, machine: Machine) -> Result<Extraction<'c, 'a>, Diagnostic<'c>> {
    let block =
        body(function).ok_or_else(|| Diagnostic::at(function, "a function without a body cannot be planned"))?;
    let n_blocks = std::iter::successors(Some(block), |it| it.next_in_region()).count();
    if n_blocks != 1 {
        let message = format!("only a function of one block can be planned, but this one has {n_blocks}");
        return Err(Diagnostic::at(function, message));
    }
    let mut reader = Reader::default();
    reader.read_arguments(function, block)?;
    let mut terminator = None;
    for operation in operations(block) {
        if operation.next_in_block().is_none() {
            terminator = Some(operation);
            break;
        }
        reader.read(operation)?;
    }
    let terminator = terminator.filter(|it| name(*it) == "func.return");
    let terminator = terminator
        .ok_or_else(|| Diagnostic::at(function, "only a function that ends with func.return can be planned"))?;
    for value in terminator.operands() {
        let tensor = reader.tensors.get(&key(value)).copied().flatten();
        if let Some(tensor) = tensor.filter(|it| reader.carriers[it.index()].has_place()) {
            reader.graph.result(tensor);
        }
    }
    let Reader { graph, operators, carriers, tensors, .. } = reader;
    let graph = graph.build().map_err(|error| Diagnostic::at(function, error.to_string()))?;
    let problem = Problem { graph, machine };
    Ok(Extraction { function, terminator, problem, operators, carriers, tensors })
}

#[derive(Default)]
struct Reader<'c, 'a> {
    graph: GraphBuilder,
    operators: Vec<OperationRef<'c, 'a>>,
    carriers: Vec<Carrier<'c, 'a>>,
    tensors: HashMap<usize, Option<TensorId>>,
    n_constants: usize,
    /// What the last operator with effects wrote for the next one to read.
    last_effect: Option<TensorId>,
}

impl<'c, 'a> Reader<'c, 'a> {
    fn read_arguments(
        &mut self,
        function: OperationRef<'c, 'a>,
        block: BlockRef<'c, 'a>,
    ) -> Result<(), Diagnostic<'c>> {
        for index in 0..block.argument_count() {
            let argument: Value = block.argument(index).expect("it is below the count").into();
            let size = size(argument).map_err(|message| {
                Diagnostic::new(argument.location(), format!("argument {index} cannot be planned: {message}"))
            })?;
            let name = format!("arg{index}");
            let tensor = match size {
                Some(size) if is_weight(function, index) => Some(self.graph.weight(name, size)),
                Some(size) => Some(self.graph.argument(name, size)),
                None => None,
            };
            self.carriers.extend(tensor.map(|_| Carrier::Argument(argument, index)));
            self.tensors.insert(key(argument), tensor);
        }
        Ok(())
    }

    fn read(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let depends = |it| {
            let tensor = self.tensors.get(&key(it)).copied().flatten();
            tensor.is_some_and(|it| matches!(self.carriers[it.index()], Carrier::Scalar))
        };
        match role(operation, depends) {
            Role::Operator => self.read_operator(operation),
            Role::Constant => {
                let value: Value = operation.result(0).expect("a constant has one").into();
                let size = size(value).map_err(|message| cannot(operation, "result 0", &message))?;
                let tensor = self.graph.weight(format!("const{}", self.n_constants), size.expect("it is a tensor"));
                self.n_constants += 1;
                self.carriers.push(Carrier::Constant(value, operation));
                self.tensors.insert(key(value), Some(tensor));
                Ok(())
            }
            Role::Transfer => {
                let source = operation.operand(0).expect("a transfer has one");
                let tensor = self.tensors.get(&key(source)).copied().flatten();
                self.tensors.insert(key(operation.result(0).expect("a transfer has one").into()), tensor);
                Ok(())
            }
            Role::Preamble => {
                for (index, value) in operation.results().enumerate() {
                    size(value.into()).map_err(|message| cannot(operation, &format!("result {index}"), &message))?;
                    self.tensors.insert(key(value.into()), None);
                }
                Ok(())
            }
        }
    }

    fn read_operator(&mut self, operation: OperationRef<'c, 'a>) -> Result<(), Diagnostic<'c>> {
        let index = self.operators.len();
        let op = OpId(index as u32);
        let mut reads: Vec<TensorId> =
            operation.operands().filter_map(|it| self.tensors.get(&key(it)).copied().flatten()).collect();
        for value in nested_operands(operation) {
            let Some(tensor) = self.tensors.get(&key(value)) else { continue };
            if value.r#type().is_tensor() {
                let message = format!(
                    "only operators that read their tensors as operands can be planned, but a region of this one \
                     reads a {} from around it",
                    value.r#type()
                );
                return Err(Diagnostic::at(operation, message));
            }
            reads.extend(tensor);
        }
        let has_effects = may_have_effects(operation);
        reads.extend(self.last_effect.filter(|_| has_effects));

        let name = format!("{}_{}", identifier(&kind(operation)), op.0);
        let n_results = operation.result_count();
        let mut writes = Vec::new();
        for (index, value) in operation.results().enumerate() {
            let size = size(value.into()).map_err(|message| cannot(operation, &format!("result {index}"), &message))?;
            let name = if n_results == 1 { name.clone() } else { format!("{name}.{index}") };
            writes.push((name, size.unwrap_or(Bytes::ZERO)));
            self.carriers.push(match size {
                Some(_) => Carrier::Result(value.into(), index),
                None => Carrier::Scalar,
            });
        }
        if has_effects {
            writes.push((format!("order{}", op.0), Bytes::ZERO));
            self.carriers.push(Carrier::Order);
        }
        let written = self.graph.op(name, &reads, writes, Bytes(workspace(operation)));
        for (value, tensor) in operation.results().zip(&written) {
            self.tensors.insert(key(value.into()), Some(*tensor));
        }
        for (result, operand) in in_place(operation) {
            let operand = operation.operand(operand).ok();
            let operand = operand.and_then(|it| self.tensors.get(&key(it)).copied().flatten());
            if let (Some(&result), Some(operand)) = (written.get(result), operand) {
                self.graph.in_place(result, operand);
            }
        }
        if has_effects {
            self.last_effect = written.last().copied();
        }
        self.operators.push(operation);
        Ok(())
    }
}

/// The bytes of a value; none if it is no tensor.
fn size(value: Value) -> Result<Option<Bytes>, String> {
    if !value.r#type().is_tensor() {
        return Ok(None);
    }
    size_in_bytes(value.r#type()).map(|it| Some(Bytes(it))).map_err(|error| error.to_string())
}

fn cannot<'c>(operation: OperationRef<'c, '_>, what: &str, why: &str) -> Diagnostic<'c> {
    Diagnostic::at(operation, format!("{what} cannot be planned: {why}"))
}

/// What tells values apart while the function is not changed. Only looked up, never iterated over.
fn key(value: Value) -> usize {
    value.to_raw().ptr.addr()
}

/// A kind as part of a name in the planner's text form.
fn identifier(kind: &str) -> String {
    kind.chars().map(|it| if it.is_ascii_alphanumeric() || matches!(it, '.' | '-') { it } else { '_' }).collect()
}
