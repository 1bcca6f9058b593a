//! What operators say of how they access their operands, against what their kinds and shapes tell.

use cosma_import::{Network, Operator, Options, Splitting, import};
use cosma_tile::{Shape, kinds};
use std::collections::BTreeMap;
use std::path::Path;

fn shapes(network: &Network, tensors: &[cosma_import::TensorIndex]) -> Vec<Shape> {
    tensors.iter().map(|it| Shape { dims: network.tensors[it.0].shape.clone(), element_bits: 8 }).collect()
}

/// Whether, for slices of the first result, what kind and shapes tell has all that the operator says; none if one of
/// them does not tell anything.
fn covers(network: &Network, operator: &Operator) -> Option<bool> {
    let said = operator.access.as_ref()?;
    let (reads, writes) = (shapes(network, &operator.reads), shapes(network, &operator.writes));
    let inferred = kinds::infer(&operator.kind, &reads, &writes)?;
    let ways: Vec<Shape> = said.operands.iter().map(|it| reads[*it].clone()).collect();
    let whole = writes[0].whole();
    let mut is_covered = true;
    for (axis, size) in writes[0].dims.iter().enumerate() {
        for start in [0, size / 3, size / 2, size - 1] {
            let region = whole.clone().with_range(axis, start..start + 1);
            let needs = inferred.needs(&reads, 0, &region);
            let needed = said.access.needs(&ways, 0, &region);
            is_covered &= needed.iter().zip(&said.operands).all(|(it, operand)| needs[*operand].contains(it));
        }
    }
    Some(is_covered)
}

#[test]
fn networks_say_how_they_may_be_split() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/onnx");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "there is no {}", folder.display());
        println!("skipped: there is no {}", folder.display());
        return;
    };
    let (mut n_operators, mut n_said, mut n_inferred) = (0, 0, 0);
    let mut less: BTreeMap<String, u32> = BTreeMap::new();
    for path in entries.map(|it| it.expect("an entry").path()) {
        let options = Options { element_bytes: Some(1), access: Splitting::Operators, ..Options::default() };
        let network = import(std::fs::read(&path).expect("a model"), &options).expect("it can be imported");
        for operator in &network.operators {
            n_operators += 1;
            n_said += u32::from(operator.access.is_some());
            let covers = covers(&network, operator);
            n_inferred += u32::from(covers.is_some());
            if covers == Some(false) {
                *less.entry(operator.kind.clone()).or_default() += 1;
            }
        }
    }
    let less: Vec<String> = less.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    // Dilations, large pools and padding cannot be inferred. What is composed of reshaped nodes may say more than
    // there is to read: the others.
    assert_eq!((n_operators, n_said, n_inferred), (15023, 14922, 14860));
    assert_eq!(less.join(", "), "AveragePool 3, Conv 92, Gemm 27, InstanceNormalization 61, MatMul 14, MaxPool 6");
}
