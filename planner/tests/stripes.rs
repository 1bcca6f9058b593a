//! Programs of tiles in a fixed order, whose pieces fill the scratchpad in almost every step: the cost of addresses.

mod common;

use common::verdict;
use cosma_planner::testing::{Choices, noise};
use cosma_planner::{Bytes, GraphBuilder, Machine, Options, Order, Problem, Solver, TensorId, plan};

/// Layers that run row by row, depth first: a row of a layer reads its weight and up to three rows of the previous
/// layer. The scratchpad has this percentage of the size of all weights and three rows of each layer.
fn stripes(noise: &[u8], n_layers: usize, n_rows: usize, per_cent: u64) -> Problem {
    let mut choices = Choices::new(noise);
    let mut units = |least: u64, limit: u64| Bytes(64 * (least + choices.below(limit)));
    let rows: Vec<Bytes> = (0..=n_layers).map(|_| units(1, 12)).collect();
    let weights: Vec<Bytes> = (0..n_layers).map(|_| units(4, 40)).collect();
    let all: u64 = weights.iter().map(|it| it.0).sum::<u64>() + 3 * rows.iter().map(|it| it.0).sum::<u64>();
    let scratchpad = Bytes(all * per_cent / 100 / 64 * 64);

    let mut graph = GraphBuilder::new();
    let mut made: Vec<Vec<TensorId>> = vec![Vec::new(); n_layers + 1];
    made[0] = (0..n_rows).map(|row| graph.argument(format!("x{row}"), rows[0])).collect();
    let weights: Vec<TensorId> =
        weights.iter().enumerate().map(|(layer, size)| graph.weight(format!("w{layer}"), *size)).collect();
    for time in 0..n_rows + n_layers {
        for layer in 0..n_layers {
            let Some(row) = time.checked_sub(layer).filter(|row| *row < n_rows) else { continue };
            let mut reads = made[layer][row.saturating_sub(2)..=row].to_vec();
            reads.push(weights[layer]);
            let name = format!("f{layer}.{row}");
            let result = graph.op(&name, &reads, [(format!("y{layer}.{row}"), rows[layer + 1])], Bytes::ZERO)[0];
            made[layer + 1].push(result);
        }
    }
    made[n_layers].iter().for_each(|it| graph.result(*it));
    Problem { graph: graph.build().expect("a graph"), machine: Machine::with_host(scratchpad, Bytes(64)) }
}

/// Repair alone resulted in 27 840 B here, 7 232 B of it for addresses.
#[test]
fn pieces_that_fill_the_scratchpad_find_addresses() {
    let problem = stripes(&noise(2, 64), 5, 10, 72);
    let options = Options { solver: Solver::Search, order: Order::Source, state_limit: 500, ..Options::default() };
    let solution = plan(&problem, &options).expect("there is a plan");
    let traffic = verdict(&problem, &solution.plan).expect("the judge accepts it");
    assert_eq!(traffic.non_compulsory, solution.non_compulsory);
    let (moved, of_addresses) = (solution.non_compulsory, solution.fragmentation);
    assert!(moved <= Bytes(25_500) && of_addresses <= Bytes(5_000), "{moved} B, {of_addresses} B for addresses");
}
