//! Converts the operators of a function to a network for grouping.

use crate::class::{Class, class, n_elements};
use crate::extract::Extraction;
use crate::role::{may_have_effects, reads as reads_of};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{OperationRef, Value, ValueLike};
use cosma_ir::{IndexingMap, indexing_maps, name, operand_at, result_at};
use cosma_network::{Alias, Network, Node, Tensor, TensorIndex};
use cosma_planner::{Op, OpId, Origin, TensorId};
use std::collections::HashSet;

/// A network whose nodes are the operators, and whose tensors are those of the problem.
pub(super) fn network(extraction: &Extraction) -> Network {
    let graph = &extraction.problem.graph;
    let mut tensors = Vec::new();
    for tensor in graph.tensor_ids() {
        let of = graph.tensor(tensor);
        let n_elements = n_elements(extraction.carriers[tensor.index()].value()).unwrap_or_default();
        tensors.push(Tensor { n_elements, bytes: of.size.0, is_weight: of.origin == Origin::Weight });
    }
    // What goes into host memory as a piece of something is no part of a group either.
    let pieces = extraction.assemblies.iter().flat_map(|it| extraction.written(it.result())).filter_map(|it| it.tensor);
    let mut results: Vec<TensorIndex> = graph.results().iter().map(|tensor| index(*tensor)).collect();
    results.extend(pieces.filter(|it| !graph.results().contains(it)).map(index));
    // What has a place of its own is what a group computes, and not something within one.
    for tensor in extraction.said.iter().map(|it| index(it.tensor)) {
        if !results.contains(&tensor) && graph.producer(TensorId(tensor.0 as u32)).is_some() {
            results.push(tensor);
        }
    }
    let is_result: HashSet<TensorIndex> = results.iter().copied().collect();
    let mut nodes: Vec<Node> = graph.op_ids().map(|op| node(extraction, op, &tensors, &is_result)).collect();
    // A network knows dependences by tensors.
    for (before, after) in graph.edges() {
        let edge = TensorIndex(tensors.len());
        tensors.push(Tensor { n_elements: 0, bytes: 0, is_weight: false });
        nodes[before.index()].writes.push(edge);
        nodes[after.index()].reads.push(edge);
    }
    Network { tensors, nodes, results }
}

pub(super) fn index(tensor: TensorId) -> TensorIndex {
    TensorIndex(tensor.index())
}

fn node(extraction: &Extraction, op: OpId, tensors: &[Tensor], is_result: &HashSet<TensorIndex>) -> Node {
    let graph = &extraction.problem.graph;
    let (operation, of) = (extraction.operators[op.index()], graph.op(op));
    let is_live = |tensor: &TensorId| !graph.readers(*tensor).is_empty() || is_result.contains(&index(*tensor));
    let mut reads: Vec<TensorIndex> = Vec::new();
    for tensor in of.reads.iter().map(|read| index(read.tensor)) {
        if !reads.contains(&tensor) {
            reads.push(tensor);
        }
    }
    let writes: Vec<TensorIndex> = of.writes.iter().copied().filter(is_live).map(index).collect();
    // Only operators on tensors are grouped.
    let has_scalars = reads_of(operation).iter().any(|it| extraction.is_scalar(it.value))
        || operation.results().any(|it| extraction.is_scalar(it.into()));
    let is_plain = !has_scalars && !may_have_effects(operation) && writes.len() == 1;
    let class = if is_plain { class(operation) } else { Class::Opaque };
    Node { class, reads, writes, aliases: aliases(extraction, operation, of, tensors) }
}

/// The aliases of an operator: all operands of an elementwise operator, whatever their types; for others, the
/// pairs that may be in place.
fn aliases(extraction: &Extraction, operation: OperationRef, of: &Op, tensors: &[Tensor]) -> Vec<Alias> {
    let mut aliases: Vec<Alias> = Vec::new();
    if cosma_ir::in_place(operation).is_none() && class(operation) == Class::Elementwise {
        for operand in elementwise_operands(operation) {
            let value = operand_at(operation, operand).and_then(|value| extraction.tensor(value));
            let (Some(operand), Some(result)) = (value.map(index), of.writes.first().copied().map(index)) else {
                continue;
            };
            // A view of a part does not have all elements of its source.
            let is_whole = tensors[operand.0].n_elements == tensors[result.0].n_elements;
            // A tensor that is read twice must be read elementwise each time.
            let n_reads = operation.operands().filter(|it| extraction.tensor(*it).map(index) == Some(operand)).count();
            let at_place = elementwise_operands(operation).into_iter();
            let at_place = at_place.filter_map(|it| operand_at(operation, it).and_then(|it| extraction.tensor(it)));
            if is_whole && n_reads == at_place.filter(|it| index(*it) == operand).count() {
                aliases.push(Alias { result, operand, at: None });
            }
        }
    }
    for pair in &of.in_place {
        let (result, operand) = (index(pair.result), index(pair.operand));
        let (read, written) = (tensors[operand.0], tensors[result.0]);
        let outer = if read.bytes < written.bytes { written } else { read };
        let at = u128::from(pair.at().0) * u128::from(outer.n_elements);
        let is_whole = read.n_elements == written.n_elements && read.bytes == written.bytes;
        let at = match u128::from(outer.bytes) {
            _ if is_whole => None,
            0 => continue,
            bytes if at.is_multiple_of(bytes) => u64::try_from(at / bytes).ok(),
            _ => continue,
        };
        let alias = Alias { result, operand, at };
        if (is_whole || at.is_some()) && !aliases.contains(&alias) {
            aliases.push(alias);
        }
    }
    aliases
}

/// The operands that an elementwise operation reads element by element and that have as many elements as its
/// result.
fn elementwise_operands(operation: OperationRef) -> Vec<usize> {
    // The table is looked up at arbitrary elements.
    if name(operation) == "tosa.table" {
        return vec![0];
    }
    let n_operands = operation.operand_count();
    let maps = indexing_maps(operation);
    let keeps_place =
        |operand: usize| maps.as_ref().is_none_or(|maps| maps.get(operand) == Some(&IndexingMap::Identity));
    // Operations of linalg have indexing maps.
    let is_linalg = name(operation).starts_with("linalg.");
    if is_linalg && !keeps_place(n_operands.saturating_sub(1)) {
        return Vec::new();
    }
    let elements = |value: Option<Value>| value.filter(|value| value.r#type().is_tensor()).and_then(n_elements);
    let written = elements(result_at(operation, 0));
    (0..n_operands).filter(|it| keeps_place(*it) && elements(operand_at(operation, *it)) == written).collect()
}
