//! Inference of the types of all values and the elements of small constants.
//!
//! A rule for each ONNX operator computes the types of its results. If there is no rule, or the shape depends
//! on data, the types that the model declares are used. Otherwise they are ignored: exporters leave outdated
//! sizes there.

mod attention;
mod call;
mod convolution;
mod elementwise;
mod fold;
mod matrix;
mod movement;
mod normalize;
mod pool;
mod quantize;
mod recurrent;
mod reduce;
mod reshape;
mod resize;
mod rule;
mod shape;
mod signal;
mod uniform;

use crate::error::Error;
use crate::graph::{Graph, Node, Type};
use crate::read::{self, Reader, check_size};
use call::Failure;

pub use call::{Call, axes, axis};
pub use movement::{Range, permutation, picked, ranges};
pub use pool::{AutoPad, Window};

/// The types of all results of a `Split`, including absent ones.
pub fn split_types(call: &Call) -> Option<Vec<Type>> {
    movement::split(call).ok()
}

/// Infers types and contents, and replaces each `If` by the branch taken.
pub fn infer(graph: &mut Graph, reader: &mut Reader) -> Result<(), Error> {
    let Graph { opset, nodes, values, .. } = graph;
    // The next one last.
    let mut pending: Vec<Node> = std::mem::take(nodes).into_iter().rev().collect();
    while let Some(node) = pending.pop() {
        if let Some(taken) = read::take(reader, values, &node)? {
            pending.extend(taken.into_iter().rev());
            continue;
        }
        let call = Call { node: &node, values, opset: *opset };
        let types = infer_node(&call)?;
        let is_constant = call.is_constant();
        let is_uniform = is_constant && uniform::is_uniform(&call, types.first().and_then(Option::as_ref));
        let content = fold::fold(&call, types.first().and_then(Option::as_ref));
        let inputs = node.inputs.iter().flatten();
        let absent = inputs.filter(|_| is_constant).find_map(|it| values[*it].absent.clone());
        for (output, r#type) in node.outputs.iter().zip(types) {
            if let Some(output) = output {
                values[*output].r#type = r#type;
                values[*output].is_constant = is_constant;
                values[*output].is_uniform = is_uniform;
                values[*output].absent = values[*output].absent.take().or_else(|| absent.clone());
            }
        }
        if let (Some(Some(first)), Some(content)) = (node.outputs.first(), content) {
            values[*first].content = Some(content);
        }
        nodes.push(node);
    }
    Ok(())
}

/// The type of each result that is present.
fn infer_node(call: &Call) -> Result<Vec<Option<Type>>, Error> {
    let node = call.node;
    let inferred = match rule::rule(&node.domain, &node.kind) {
        Some(rule) => rule(call),
        None => Err(Failure::Unknown(unknown(&node.domain))),
    };
    let inferred = match inferred {
        Ok(types) => types,
        Err(Failure::Wrong(message)) => return Err(node.error(message)),
        Err(Failure::Unknown(why)) => return declared(call, &why),
    };
    let mut types = Vec::new();
    for (index, output) in node.outputs.iter().enumerate() {
        if output.is_none() {
            types.push(None);
            continue;
        }
        let Some(r#type) = inferred.get(index) else {
            return Err(node.error(format!("it has {} results, but there are {}", node.outputs.len(), inferred.len())));
        };
        check_size(&r#type.shape, r#type.element)
            .map_err(|message| node.error(format!("result {index}: {message}")))?;
        types.push(Some(r#type.clone()));
    }
    Ok(types)
}

/// Why there is no rule for an operator of a domain.
fn unknown(domain: &str) -> String {
    match domain {
        "" => "this operator is unknown".into(),
        "com.microsoft.nchwc" => "this operator keeps data as onnxruntime does on one kind of processor alone: let it \
                                  optimise no further than ORT_ENABLE_EXTENDED"
            .into(),
        domain => format!("this operator of '{domain}' is not known"),
    }
}

fn declared(call: &Call, why: &str) -> Result<Vec<Option<Type>>, Error> {
    let Node { outputs, .. } = call.node;
    let declared = |it: &Option<usize>| {
        match it {
        None => Ok(None),
        Some(it) => call.values[*it].declared.clone().map(Some).ok_or_else(|| {
            let name = &call.values[*it].name;
            call.node.error(format!("{why}, and the model does not declare the shape of its result '{name}'; onnx.shape_inference may be able to, \
                 or add it to value_info"))
        }),
    }
    };
    outputs.iter().map(declared).collect()
}
