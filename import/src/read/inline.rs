//! Inlines calls of a model's own functions.
//!
//! A name inside a function becomes `call/name`, and its nodes are of the module that the call is of. References to attributes of the call are resolved.

use super::module::keep_only_module;
use super::scope;
use crate::error::Error;
use crate::proto::{FunctionProto, NodeProto};
use std::collections::HashMap;

/// The deepest nesting of calls, which stops at recursion.
const MOST_CALLS_DEEP: usize = 32;
/// The most nodes and calls: nested calls could multiply without limit.
const MOST_NODES: usize = 1_000_000;

/// Inlines all calls in the nodes of a graph. `n_seen` counts the nodes and calls of all graphs of a model.
///
/// # Errors
/// At recursive calls, calls with too many inputs or results, and beyond [`MOST_NODES`].
pub fn inline(nodes: Vec<NodeProto>, functions: &[FunctionProto], n_seen: &mut usize) -> Result<Vec<NodeProto>, Error> {
    let functions = functions.iter().map(|it| ((it.domain.as_str(), it.name.as_str()), it)).collect();
    let mut inlined = Inlined { nodes: Vec::with_capacity(nodes.len()), n_seen };
    for node in nodes {
        add(node, &functions, 0, &mut inlined)?;
    }
    Ok(inlined.nodes)
}

struct Inlined<'a> {
    nodes: Vec<NodeProto>,
    /// The number of nodes and calls; calls count since a function may be empty.
    n_seen: &'a mut usize,
}

type Functions<'a> = HashMap<(&'a str, &'a str), &'a FunctionProto>;

fn add(mut node: NodeProto, functions: &Functions, depth: usize, inlined: &mut Inlined) -> Result<(), Error> {
    let position = inlined.nodes.len() + 1;
    keep_only_module(&mut node);
    let fail = |message: &str| {
        let name =
            if node.name.is_empty() { node.output.first().cloned().unwrap_or_default() } else { node.name.clone() };
        Error::Node { node: name, kind: node.op_type.clone(), position, message: message.into() }
    };
    *inlined.n_seen += 1;
    if MOST_NODES < *inlined.n_seen {
        return Err(fail("the model has too many nodes"));
    }
    let Some(function) = functions.get(&(node.domain.as_str(), node.op_type.as_str())) else {
        inlined.nodes.push(node);
        return Ok(());
    };
    if depth == MOST_CALLS_DEEP {
        return Err(fail("functions of the model call each other recursively"));
    }
    if function.input.len() < node.input.len() || function.output.len() < node.output.len() {
        return Err(fail("it has more inputs or results than the function that it calls"));
    }
    let call = if node.name.is_empty() { format!("{}#{}", node.op_type, inlined.n_seen) } else { node.name.clone() };
    let mut names: HashMap<&str, String> = HashMap::new();
    // An input that is absent in the call is absent inside as well.
    let given = node.input.iter().cloned().chain(std::iter::repeat(String::new()));
    names.extend(function.input.iter().map(String::as_str).zip(given));
    for (inside, outside) in function.output.iter().zip(&node.output) {
        if !outside.is_empty() {
            names.insert(inside, outside.clone());
        }
    }
    let outside = |name: &str| match names.get(name) {
        _ if name.is_empty() => String::new(),
        Some(outside) => outside.clone(),
        None => format!("{call}/{name}"),
    };
    for inner in &function.node {
        let mut inner = inner.clone();
        inner.input = inner.input.iter().map(|it| outside(it)).collect();
        inner.output = inner.output.iter().map(|it| outside(it)).collect();
        if !inner.name.is_empty() {
            inner.name = format!("{call}/{}", inner.name);
        }
        // Bodies are of the library, calls of the network.
        if !node.metadata_props.is_empty() {
            inner.metadata_props.clone_from(&node.metadata_props);
        }
        scope::fill_attributes(&mut inner.attribute, &node.attribute);
        scope::rename_around(&mut inner.attribute, &|name| Some(outside(name)));
        add(inner, functions, depth + 1, inlined)?;
    }
    Ok(())
}
