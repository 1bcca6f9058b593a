//! Names of operators by the framework's modules, as people know the network: `layers.0/self_attn/MatMul`.
//!
//! Exporters call nodes after the operations of the framework and number them, as in `node_linear_4`. Where they also
//! note which module a node is of, that and the kind of the operator say more. Several in one module are numbered.

use crate::network::Operator;
use std::collections::{HashMap, HashSet};

/// Names operators by the framework's modules, where those are known. No two get one name.
pub fn name_by_module(operators: &mut [Operator]) {
    let is_nameless = |it: &&Operator| it.module.is_none();
    let mut taken: HashSet<String> = operators.iter().filter(is_nameless).map(|it| it.name.clone()).collect();
    let mut n_numbered: HashMap<String, usize> = HashMap::new();
    for operator in operators {
        let Some(module) = &operator.module else { continue };
        let base = if module.is_empty() { operator.kind.clone() } else { format!("{module}/{}", operator.kind) };
        let n = n_numbered.entry(base.clone()).or_default();
        let mut name = if *n == 0 { base.clone() } else { format!("{base}_{n}") };
        while !taken.insert(name.clone()) {
            *n += 1;
            name = format!("{base}_{n}");
        }
        *n += 1;
        operator.name = name;
    }
}
