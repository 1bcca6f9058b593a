//! Graphs in attributes of nodes: their free names, and renaming.

use crate::proto::{AttributeProto, GraphProto, NodeProto};
use std::collections::HashSet;

/// The graphs in the attributes of a node.
pub fn graphs(node: &NodeProto) -> impl Iterator<Item = &GraphProto> {
    node.attribute.iter().flat_map(|it| it.g.iter().chain(&it.graphs))
}

fn graphs_mut(attributes: &mut [AttributeProto]) -> impl Iterator<Item = &mut GraphProto> {
    attributes.iter_mut().flat_map(|it| it.g.iter_mut().chain(&mut it.graphs))
}

/// All names that a graph defines.
pub fn defined(graph: &GraphProto) -> HashSet<String> {
    let results = graph.node.iter().flat_map(|it| &it.output);
    let others = graph.initializer.iter().map(|it| &it.name).chain(graph.input.iter().map(|it| &it.name));
    results.chain(others).filter(|it| !it.is_empty()).cloned().collect()
}

/// The names that a graph, or a nested one, reads but does not define; possibly with duplicates.
pub fn free(graph: &GraphProto) -> Vec<String> {
    let own = defined(graph);
    let inner = graph.node.iter().flat_map(|it| graphs(it).flat_map(free));
    let read = graph.node.iter().flat_map(|it| &it.input).chain(graph.output.iter().map(|it| &it.name)).cloned();
    read.chain(inner).filter(|it| !it.is_empty() && !own.contains(it)).collect()
}

/// Gives other names to what the graphs in a node's attributes read from around them. `to` says which; none
/// leaves a name as it is.
pub fn rename_around(attributes: &mut [AttributeProto], to: &dyn Fn(&str) -> Option<String>) {
    for graph in graphs_mut(attributes) {
        let own = defined(graph);
        rename_read(graph, &|name| if own.contains(name) { None } else { to(name) });
    }
}

/// Gives other names to what a graph reads, wherever it comes from.
fn rename_read(graph: &mut GraphProto, to: &dyn Fn(&str) -> Option<String>) {
    let rename = |name: &mut String| {
        if let Some(other) = to(name) {
            *name = other;
        }
    };
    for node in &mut graph.node {
        node.input.iter_mut().filter(|it| !it.is_empty()).for_each(rename);
        rename_around(&mut node.attribute, to);
    }
    graph.output.iter_mut().for_each(|it| rename(&mut it.name));
}

/// Gives other names to what a graph defines, and to what reads it.
pub fn rename_defined(graph: &mut GraphProto, to: &dyn Fn(&str) -> Option<String>) {
    let own = defined(graph);
    let to = |name: &str| if own.contains(name) { to(name) } else { None };
    rename_read(graph, &to);
    let results = graph.node.iter_mut().flat_map(|it| &mut it.output);
    let names = results.chain(graph.initializer.iter_mut().map(|it| &mut it.name));
    for name in names.chain(graph.value_info.iter_mut().map(|it| &mut it.name)) {
        if let Some(other) = to(name) {
            *name = other;
        }
    }
}

/// Fills in attributes of nodes within a function that stand for those of its call, also in graphs in them.
/// One that the call does not have is left out.
pub fn fill_attributes(attributes: &mut Vec<AttributeProto>, given: &[AttributeProto]) {
    attributes.retain_mut(|attribute| {
        if attribute.ref_attr_name.is_empty() {
            return true;
        }
        let Some(of_call) = given.iter().find(|it| it.name == attribute.ref_attr_name) else { return false };
        let name = std::mem::take(&mut attribute.name);
        *attribute = AttributeProto { name, ..of_call.clone() };
        true
    });
    for graph in graphs_mut(attributes) {
        graph.node.iter_mut().for_each(|it| fill_attributes(&mut it.attribute, given));
    }
}
