//! Replaces an `If` by the branch taken. Exporters write an `If` for decisions that depend only on sizes.

use super::{Reader, inline, order, scope};
use crate::error::Error;
use crate::graph::{Node, Value};
use crate::proto::GraphProto;
use std::collections::HashMap;

/// Whether a node chooses between branches.
pub fn is_choice(node: &Node) -> bool {
    node.domain.is_empty() && node.kind == "If"
}

/// The nodes of the branch that an `If` takes, in order, followed by identities for its results.
///
/// # Errors
/// If its condition is not known before the run, or the branch is invalid.
pub fn take(reader: &mut Reader, values: &mut Vec<Value>, node: &Node) -> Result<Vec<Node>, Error> {
    let is_true = condition(values, node)?;
    let name = if is_true { "then_branch" } else { "else_branch" };
    let Some(branch) = node.attributes.graph(name) else {
        return Err(node.error(format!("it needs its {name}, but has none")));
    };
    let branch = with_names_of_its_own(branch.clone(), reader, node);
    let GraphProto { node: nodes, initializer, output, value_info, sparse_initializer, .. } = branch;
    if !sparse_initializer.is_empty() {
        return Err(node.error("sparse initialisers are not supported: make them dense"));
    }
    for tensor in initializer {
        reader.read_initializer(values, tensor)?;
    }
    let declared = reader.declared(value_info.iter())?;
    let nodes = inline::inline(nodes, &reader.functions, &mut reader.n_seen)?;
    let nodes = reader.read_nodes(values, nodes, &declared, Some(node.position))?;
    let mut nodes = order::order(nodes, values)?;
    for (index, result) in node.outputs.iter().enumerate() {
        let Some(result) = *result else { continue };
        let Some(inner) = output.get(index) else {
            return Err(node.error(format!("it has {} results, but its {name} {}", node.outputs.len(), output.len())));
        };
        let Some(source) = reader.names.get(&inner.name) else {
            return Err(node.error(format!("its {name} returns '{}', which nothing computes", inner.name)));
        };
        nodes.push(Node {
            kind: "Identity".into(),
            inputs: vec![Some(*source)],
            outputs: vec![Some(result)],
            attributes: Default::default(),
            captures: vec![],
            ..node.clone()
        });
    }
    Ok(nodes)
}

fn condition(values: &[Value], node: &Node) -> Result<bool, Error> {
    let Some(Some(condition)) = node.inputs.first() else { return Err(node.error("input 0 is missing")) };
    let value = &values[*condition];
    let name = &value.name;
    match value.content.as_ref().map(|it| it.to_floats()).as_deref() {
        Some(&[it]) => Ok(it != 0.0),
        Some(_) => Err(node.error(format!("its condition '{name}' is not a single boolean"))),
        None if value.is_constant => {
            let why = value.absent.as_ref().map_or(String::new(), |it| format!(", since {it}"));
            Err(node.error(format!(
                "its condition '{name}' is a constant that is not evaluated{why}: fold the model's constants first, \
                 with onnxruntime or onnxsim"
            )))
        }
        None => Err(node.error(format!(
            "the branch taken depends on the data of '{name}', and only one can be planned: export the model with \
             only that one"
        ))),
    }
}

/// Renames the values of a branch that have names of others: the two branches may use the same names.
fn with_names_of_its_own(mut branch: GraphProto, reader: &Reader, node: &Node) -> GraphProto {
    let mut other = HashMap::new();
    for name in scope::defined(&branch) {
        if reader.names.contains_key(&name) {
            let mut new = format!("{}/{name}", node.name);
            while reader.names.contains_key(&new) {
                new.push('\'');
            }
            other.insert(name, new);
        }
    }
    scope::rename_defined(&mut branch, &|name| other.get(name).cloned());
    branch
}
