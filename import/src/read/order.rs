//! Topological order of nodes.

use crate::error::Error;
use crate::graph::{Node, Value};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Sorts nodes topologically. Among ready nodes, the first in the model is next, so a valid order is kept.
///
/// # Errors
/// At a node on a cycle.
pub fn order(nodes: Vec<Node>, values: &[Value]) -> Result<Vec<Node>, Error> {
    let mut producer = vec![None; values.len()];
    for (index, node) in nodes.iter().enumerate() {
        node.outputs.iter().flatten().for_each(|it| producer[*it] = Some(index));
    }
    let mut readers = vec![Vec::new(); nodes.len()];
    let mut n_missing = vec![0_usize; nodes.len()];
    for (index, node) in nodes.iter().enumerate() {
        for from in node.inputs.iter().flatten().chain(&node.captures).filter_map(|it| producer[*it]) {
            readers[from].push(index);
            n_missing[index] += 1;
        }
    }
    let mut ready: BinaryHeap<_> = (0..nodes.len()).filter(|it| n_missing[*it] == 0).map(Reverse).collect();
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(Reverse(index)) = ready.pop() {
        order.push(index);
        for reader in &readers[index] {
            n_missing[*reader] -= 1;
            if n_missing[*reader] == 0 {
                ready.push(Reverse(*reader));
            }
        }
    }
    if order.len() < nodes.len() {
        return Err(cycle(&nodes, &n_missing, &producer));
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|it| nodes[it].take()).collect())
}

/// The error at a node on a cycle. Some unordered nodes only follow a cycle: walking back from any of them, the
/// first node that is visited twice is on a cycle.
fn cycle(nodes: &[Node], n_missing: &[usize], producer: &[Option<usize>]) -> Error {
    let before = |index: usize| {
        let read = nodes[index].inputs.iter().flatten().chain(&nodes[index].captures);
        let mut producers = read.filter_map(|it| producer[*it]);
        producers.find(|it| n_missing[*it] != 0).expect("what could not be ordered waits for another one")
    };
    let first = n_missing.iter().position(|it| *it != 0).expect("one could not be ordered");
    let mut is_met = vec![false; nodes.len()];
    let mut at = first;
    while !is_met[at] {
        is_met[at] = true;
        at = before(at);
    }
    let from = before(at);
    let message = if from == at {
        "it reads its own result".into()
    } else {
        format!("it reads a result of node '{}', which depends on it: a cycle", nodes[from].name)
    };
    nodes[at].error(message)
}
