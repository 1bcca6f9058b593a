//! A function as a network that can be cut: its problem, the shapes of its tensors, and how operators access them.

use crate::extract::{Carrier, Extraction};
use cosma_ir::melior::ir::ValueLike;
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::{Diagnostic, bits_of_element, static_dimensions};
use cosma_planner::TensorId;
use cosma_tile::{Network, Operator, Shape};

/// The network of a function.
pub(crate) fn network<'c>(extraction: &Extraction<'c, '_>) -> Result<Network, Diagnostic<'c>> {
    let graph = &extraction.problem.graph;
    let shapes: Vec<Shape> = graph.tensor_ids().map(|it| shape(extraction, it)).collect();
    let shapes_of = &shapes;
    let _ = shapes_of;
    let operators: Vec<Operator> = graph
        .op_ids()
        .map(|op| {
            let operation = extraction.operators[op.index()];
            let operands: Vec<TensorId> = operation.operands().filter_map(|it| extraction.tensor(it)).collect();
            let results = graph.op(op).writes.clone();
            let of = |it: &[TensorId]| it.iter().map(|it| shapes[it.index()].clone()).collect::<Vec<_>>();
            let kind = cosma_ir::kind(operation);
            let access = cosma_tile::kinds::infer(&kind, &of(&operands), &of(&results));
            let is_view = access.is_some()
                && matches!(kind.as_str(), "Concat" | "Split" | "Slice" | "Reshape" | "Flatten" | "Transpose");
            Operator { operands, results, access, is_view }
        })
        .collect();
    Ok(Network { problem: extraction.problem.clone(), shapes, operators })
}

fn shape(extraction: &Extraction, tensor: TensorId) -> Shape {
    let element_bytes = cosma_ir::machine(extraction.function).and_then(|it| it.element_bytes);
    let value = match extraction.carriers[tensor.index()] {
        Carrier::Argument(value, _)
        | Carrier::Constant(value, _)
        | Carrier::Piece(value, ..)
        | Carrier::Result(value, _) => value,
        Carrier::Scalar | Carrier::Order => return Shape { dims: vec![0], element_bits: 8 },
    };
    let r#type = value.r#type();
    let _ = element_bytes;
    Shape { dims: static_dimensions(r#type).unwrap_or_default(), element_bits: bits_of_element(r#type).unwrap_or(8) }
}
