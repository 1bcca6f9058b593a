//! A function in source form as a network that can be tiled: its problem, the shapes of its tensors, and the accesses
//! of its operators.
//!
//! An operator that reads a view reads the source of the view: their accesses are composed. Parameters are not tensors,
//! and are not read. Operands of an operator's regions are read whole. An operator with effects, or one that computes
//! or waits for a scalar, stays whole.

use crate::cut;
use crate::extract::Extraction;
use crate::role::{is_view, may_have_effects};
use cosma_ir::melior::ir::attribute::{ArrayAttribute, DenseI64ArrayAttribute};
use cosma_ir::melior::ir::operation::{OperationLike, OperationResult};
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{
    OperatorAccess, access, bits_of_element_with, is_abstract, kind, name, operand_at, result_at, static_dimensions,
    sums_of_products,
};
use cosma_planner::{OpId, TensorId};
use cosma_tile::{
    Access, Composed, Dim, DimKind, Expr, Map, Member, Network, Operator, Shape, Source, Sums, compose, kinds,
};

/// The treatment of operators without a declared access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsaid {
    /// They stay whole.
    Whole,
    /// Their access is inferred from their kind and the shapes of their tensors ([`kinds`]); only for `cosma.op`.
    Inferred,
}

/// The network of a function.
pub fn network(extraction: &Extraction, unsaid: Unsaid) -> Network {
    let graph = &extraction.problem.graph;
    let element_bytes = cosma_ir::machine(extraction.function).and_then(|it| it.element_bytes);
    let shapes =
        extraction.carriers.iter().map(|it| shape(it.value(), element_bytes).expect("it was extracted")).collect();
    let operators = graph.op_ids().map(|op| operator(extraction, op, unsaid)).collect();
    Network { problem: extraction.problem.clone(), shapes, operators }
}

fn shape(value: Value, element_bytes: Option<u64>) -> Option<Shape> {
    let dims = static_dimensions(value.r#type())?;
    Some(Shape { dims, element_bits: bits_of_element_with(value.r#type(), element_bytes)? })
}

fn operator(extraction: &Extraction, op: OpId, unsaid: Unsaid) -> Operator {
    let (operation, known) = (extraction.operators[op.index()], extraction.problem.graph.op(op));
    let read: Vec<TensorId> = known.reads.iter().map(|it| it.tensor).collect();
    let described = describe(extraction, operation, &known.writes, unsaid);
    let (mut operands, access, is_view) = match described {
        Some((operands, mut access)) => {
            let element_bytes = cosma_ir::machine(extraction.function).and_then(|it| it.element_bytes);
            // Operations with a body are not split along sums.
            let sums = access.sums.filter(|_| is_abstract(operation));
            access.sums = sums.map(|it| deployed_sums(it, element_bytes));
            keep_bytes_whole(extraction, &mut access, (&operands, &known.writes), element_bytes);
            let is_view = (only_moves(operation) || cut::only_moves(operation)) && is_exact(&access);
            (operands, Some(access), is_view)
        }
        None => (Vec::new(), None, false),
    };
    let others: Vec<TensorId> = read.into_iter().filter(|it| !operands.contains(it)).collect();
    operands.extend(others);
    Operator { operands, results: known.writes.clone(), access, is_view }
}

/// Keeps loops whole that would split a tensor within a byte: those along its last axis if its elements are smaller,
/// and all of them if its rows are not whole bytes.
fn keep_bytes_whole(
    extraction: &Extraction,
    access: &mut Access,
    (operands, results): (&[TensorId], &[TensorId]),
    element_bytes: Option<u64>,
) {
    let Access { domain, operands: read, results: written, .. } = access;
    for (map, tensor) in read.iter().zip(operands).chain(written.iter().zip(results)) {
        let shape = shape(extraction.carriers[tensor.index()].value(), element_bytes).expect("it was extracted");
        let [.., last] = shape.dims[..] else { continue };
        let n_kept =
            match (shape.element_bits.is_multiple_of(8), last.wrapping_mul(shape.element_bits).is_multiple_of(8)) {
                (true, _) => 0,
                (false, true) => 1,
                (false, false) => map.0.len(),
            };
        for (dim, _) in map.0.iter().rev().take(n_kept).flat_map(|it| &it.terms) {
            domain[*dim].kind = match domain[*dim].kind {
                DimKind::Parallel | DimKind::Whole => DimKind::Whole,
                DimKind::Reduced { .. } => DimKind::Reduced { splittable: false },
            };
        }
    }
    access.sums = access.sums.filter(|_| access.may_split_a_sum());
}

/// Sums if each element of a float tensor takes this many bytes, as after quantisation: then they are integers.
fn deployed_sums(sums: Sums, element_bytes: Option<u64>) -> Sums {
    match (sums, element_bytes) {
        (Sums::Float(_), Some(bytes)) => Sums::of_integers(bytes.saturating_mul(8)),
        _ => sums,
    }
}

/// The tensors that an operator reads, in the numbering of its access, and the access.
fn describe(
    extraction: &Extraction,
    operation: OperationRef,
    written: &[TensorId],
    unsaid: Unsaid,
) -> Option<(Vec<TensorId>, Access)> {
    let waits = operation.operands().any(|it| extraction.is_scalar(it));
    if may_have_effects(operation) || waits || written.len() != operation.result_count() {
        return None;
    }
    let OperatorAccess { access: own, operands: ways } = match (access(operation), unsaid) {
        _ if !is_abstract(operation) => cut::access_of(operation).ok()?,
        (Some(said), _) => said,
        (None, Unsaid::Inferred) => inferred(operation)?,
        (None, Unsaid::Whole) => return None,
    };
    let mut members = Vec::new();
    let mut tensors = Vec::new();
    let (mut maps, mut sources) = (Vec::new(), Vec::new());
    for (map, operand) in own.operands.into_iter().zip(ways) {
        let value = operand_at(operation, operand)?;
        if let Some(tensor) = extraction.tensor(value) {
            maps.push(map);
            sources.push(source(extraction, value, tensor, &mut tensors, &mut members)?);
        }
    }
    let member = Member { access: Access { operands: maps, ..own }, operands: sources };
    if members.is_empty() && member.operands.len() == tensors.len() {
        return Some((tensors, member.access));
    }
    members.push(member);
    let results: Vec<Source> = (0..written.len()).map(|it| Source::Result(members.len() - 1, it)).collect();
    let Composed { access, operands } = compose(&members, &results)?;
    let mut reads: Vec<(usize, Map)> = operands.into_iter().zip(access.operands).collect();
    reads.sort_by_key(|it| it.0);
    let (operands, maps): (Vec<usize>, Vec<Map>) = reads.into_iter().unzip();
    Some((operands.into_iter().map(|it| tensors[it]).collect(), Access { operands: maps, ..access }))
}

/// The access of an operator, inferred from its kind and its shapes.
pub(crate) fn inferred(operation: OperationRef) -> Option<OperatorAccess> {
    let shapes = |values: Vec<Value>| values.into_iter().map(|it| shape(it, None)).collect::<Option<Vec<_>>>();
    let operands = shapes(operation.operands().collect())?;
    let results = shapes(operation.results().map(Value::from).collect())?;
    let mut access = kinds::infer(&kind(operation), &operands, &results)?;
    if kinds::adds_up(&kind(operation)) && access.may_split_a_sum() {
        access.sums = operand_at(operation, 0).and_then(|it| sums_of_products(it.r#type()));
    }
    Some(OperatorAccess { access, operands: (0..operands.len()).collect() })
}

/// The tensor of a value, with the views in between as members; `None` if the access of one of them is unknown.
fn source(
    extraction: &Extraction,
    value: Value,
    tensor: TensorId,
    tensors: &mut Vec<TensorId>,
    members: &mut Vec<Member>,
) -> Option<Source> {
    let carried = extraction.carriers[tensor.index()].value();
    let mut views = Vec::new();
    let mut value = value;
    while value.to_raw().ptr != carried.to_raw().ptr
        && let Some(operation) = OperationResult::try_from(value).ok().map(|it| it.owner()).filter(|it| is_view(*it))
    {
        views.push(view(operation)?);
        value = operand_at(operation, 0)?;
    }
    // It may be another value that is equal.
    if static_dimensions(value.r#type()) != static_dimensions(carried.r#type()) {
        return None;
    }
    let index = tensors.iter().position(|it| *it == tensor).unwrap_or(tensors.len());
    if index == tensors.len() {
        tensors.push(tensor);
    }
    let mut source = Source::Operand(index);
    for access in views.into_iter().rev() {
        members.push(Member { access, operands: vec![source] });
        source = Source::Result(members.len() - 1, 0);
    }
    Some(source)
}

/// The access of a view to its source: a slice, or the same elements in another shape.
fn view(operation: OperationRef) -> Option<Access> {
    let (from, to) = (operand_at(operation, 0)?, result_at(operation, 0)?);
    if name(operation) != "tensor.extract_slice" {
        return kinds::infer("Reshape", &[shape(from, None)?], &[shape(to, None)?]);
    }
    let natural = |name: &str| -> Option<Vec<u64>> {
        let array = DenseI64ArrayAttribute::try_from(operation.attribute(name).ok()?).ok()?;
        (0..array.len()).map(|it| u64::try_from(array.element(it).ok()?).ok()).collect()
    };
    // The elements of a view are contiguous, so only an axis of size one can have a stride.
    let (offsets, sizes) = (natural("static_offsets")?, natural("static_sizes")?);
    let dims = static_dimensions(to.r#type())?;
    let mut axes = dims.iter().enumerate().peekable();
    let mut map = Vec::new();
    for (offset, size) in offsets.iter().zip(&sizes) {
        let offset = i64::try_from(*offset).ok()?;
        // An axis of size one may be omitted.
        map.push(match axes.next_if(|it| it.1 == size) {
            Some((axis, _)) => Expr { constant: offset, ..Expr::dim(axis) },
            None if *size == 1 => Expr::constant(offset),
            None => return None,
        });
    }
    let domain = dims.iter().map(|size| Dim { size: *size, kind: DimKind::Parallel }).collect();
    let results = vec![Map((0..dims.len()).map(Expr::dim).collect())];
    axes.next().is_none().then_some(Access { domain, operands: vec![Map(map)], results, sums: None })
}

/// Whether an operator only moves elements, by its kind, and contains no other nodes of a model.
fn only_moves(operation: OperationRef) -> bool {
    let nodes = operation.attribute("nodes").ok().and_then(|it| ArrayAttribute::try_from(it).ok());
    is_abstract(operation) && kinds::only_moves(&kind(operation)) && nodes.is_none_or(|it| it.len() <= 1)
}

/// Whether each point of the results is one point of each operand.
fn is_exact(access: &Access) -> bool {
    let is_parallel = |(dim, _): &(usize, i64)| access.domain[*dim].kind == DimKind::Parallel;
    access.operands.iter().flat_map(|map| &map.0).all(|expr| expr.terms.iter().all(is_parallel))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::extract;
    use crate::form::operations;
    use crate::machine::MachineOptions;
    use cosma_ir::{new_context, parse};
    use cosma_planner::Bytes;
    use cosma_tile::Region;
    use std::path::Path;

    /// Applies a function to the network of the single function in a module.
    fn with_network<T>(text: &str, look: impl FnOnce(&Network) -> T) -> T {
        let context = new_context();
        let module = parse(&context, text.as_bytes(), "net.mlir").expect("it is valid");
        let function = operations(module.body()).next().expect("it has a function");
        let machine = MachineOptions { scratchpad: Some(Bytes(1 << 40)), ..MachineOptions::default() };
        let target = machine.resolve(function).unwrap_or_else(|_| panic!("it has a machine"));
        let extraction = extract(function, target).unwrap_or_else(|_| panic!("it can be planned"));
        let network = network(&extraction, Unsaid::Inferred);
        assert_eq!(network.check(), Ok(()));
        look(&network)
    }

    /// The regions of an operator's operands that a region of its first result needs, with the operands' names.
    fn needs(network: &Network, op: u32, region: Region) -> Vec<(String, Region)> {
        let operator = network.operator(OpId(op));
        let access = operator.access.as_ref().expect("it has an access");
        let shapes = network.shapes_of(&operator.operands[..access.operands.len()]);
        let name = |it: &TensorId| network.problem.graph.tensor(*it).name.clone();
        operator.operands.iter().map(name).zip(access.needs(&shapes, 0, &region)).collect()
    }

    #[test]
    fn operators_read_through_views() {
        let text = r#"
            module attributes {cosma.machine = {scratchpad = 4096, element_bytes = 1}} {
            func.func @f(%x: tensor<1x6x8x4xf32>, %w: tensor<4x8xi8> {cosma.weight}) -> tensor<8x8xf32> {
              %0 = cosma.op "Relu"(%x) : (tensor<1x6x8x4xf32>) -> tensor<1x6x8x4xf32>
              %1 = tensor.extract_slice %0[0, 2, 0, 0] [1, 1, 8, 4] [1, 1, 1, 1] : tensor<1x6x8x4xf32> to tensor<8x4xf32>
              %2 = cosma.op "MatMul"(%1, %w) : (tensor<8x4xf32>, tensor<4x8xi8>) -> tensor<8x8xf32>
              %3 = tensor.collapse_shape %2 [[0, 1]] : tensor<8x8xf32> into tensor<64xf32>
              %4 = tensor.expand_shape %3 [[0, 1, 2]] output_shape [2, 4, 8] : tensor<64xf32> into tensor<2x4x8xf32>
              %5 = cosma.op "Add"(%2, %4) : (tensor<8x8xf32>, tensor<2x4x8xf32>) -> tensor<8x8xf32>
              %6 = cosma.op "Sort"(%5) : (tensor<8x8xf32>) -> tensor<8x8xf32>
              return %6 : tensor<8x8xf32>
            }}"#;
        with_network(text, |network| {
            let name = |it: &str| it.to_owned();
            let region = Region::new([2..4, 0..3]);
            let expected =
                [(name("Relu_0"), Region::new([0..1, 2..3, 2..4, 0..4])), (name("arg1"), Region::new([0..4, 0..3]))];
            assert_eq!(needs(network, 1, region.clone()), expected);
            // Read twice, once through a view. Rows 2 to 3 are within row 0 of the larger shape, which is all that is
            // known.
            let read = needs(network, 2, region.clone());
            assert_eq!(read[0], (name("MatMul_1"), region.clone()));
            assert!(read[1].0 == "MatMul_1" && read[1].1.contains(&region), "{read:?}");
            assert_eq!((&network.operator(OpId(3)).access, network.operator(OpId(3)).operands.len()), (&None, 1));
            assert_eq!(network.shape(network.operator(OpId(0)).results[0]).element_bits, 8);
            // Floats of one byte are integers, and so are their sums.
            let product = network.operator(OpId(1)).access.as_ref().expect("a product has an access");
            assert_eq!(product.sums, Some(Sums::Integer(32)));
        });
    }

    #[test]
    fn what_only_moves_is_known() {
        let text = r#"
            func.func @f(%x: tensor<4x8xi8>, %y: tensor<2x8xi8>) -> (tensor<6x8xi8>, tensor<6x8xi8>) {
              %0 = cosma.op "Concat"(%x, %y) : (tensor<4x8xi8>, tensor<2x8xi8>) -> tensor<6x8xi8>
              %1 = cosma.op "Concat"(%x, %y) {nodes = ["a", "b"]} : (tensor<4x8xi8>, tensor<2x8xi8>) -> tensor<6x8xi8>
              return %0, %1 : tensor<6x8xi8>, tensor<6x8xi8>
            }"#;
        with_network(text, |network| {
            assert_eq!(network.operators.iter().map(|it| it.is_view).collect::<Vec<_>>(), [true, false]);
        });
    }

    #[test]
    fn networks_fit_their_problems() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/networks");
        let Ok(entries) = std::fs::read_dir(&folder) else {
            let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
            assert!(is_allowed, "there is no {}", folder.display());
            println!("skipped: there is no {}", folder.display());
            return;
        };
        let (mut n_networks, mut n_whole) = (0, 0);
        for path in entries.map(|it| it.expect("an entry").path()) {
            let is_network = path.extension().is_some_and(|it| it == "mlir");
            let is_training = path.file_name().is_some_and(|it| it.to_string_lossy().starts_with("train_"));
            if is_network && !is_training {
                let text = std::fs::read_to_string(&path).expect("a network");
                n_whole += with_network(&text, |it| it.operators.iter().filter(|it| it.access.is_none()).count());
                n_networks += 1;
            }
        }
        assert_eq!((n_networks, n_whole), (75, 0));
    }
}
