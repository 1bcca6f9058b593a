//! What others wrote: the models that run in no time.

use super::case::{Case, run};
use super::{QUICK, common::shared};
use cosma::{Solver, Weights};

#[test]
fn upstream_models() {
    let Some(folder) = shared(&["upstream"]) else { return };
    for name in ["train_mlp.linalg", "train_mlp.tosa"] {
        let text = std::fs::read_to_string(folder.join(format!("upstream/{name}.mlir"))).expect("it is there");
        let case = |percent, group, weights| Case {
            percent,
            schedule: true,
            group,
            weights,
            solver: Solver::Auto,
            between: !group,
            overlap: group,
            keep: group,
            alignment: 64,
        };
        let cases = [case(100, false, Weights::Resident), case(100, true, Weights::Streamed)];
        let comparisons = run(name, &text, &cases, &QUICK).unwrap_or_else(|error| panic!("{error}"));
        println!("{name}: {} programs", comparisons.len());
    }
}
