//! Groups the operators that are tiles of one operator and the tensors that are pieces of one tensor, and finds
//! operators that run together.
//!
//! If a program has many tiles, views show families: one colour, one name, one sum of bytes. Which operators run
//! together follows from the order of the program: an operator forms a chain with every operator whose tiles run
//! between its first and last tiles.

use crate::{Exhibit, Picture};
use cosma_planner::{Bytes, OpId, Origin, TensorId};
use std::ops::Range;

/// The families of a program's operators and tensors. Without tiles, each is a family by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Families {
    /// By family of operators: its name.
    pub operators: Vec<String>,
    /// By family of tensors: its name.
    pub tensors: Vec<String>,
    /// By [`OpId`]: its family.
    pub of_operator: Vec<usize>,
    /// By [`TensorId`]: its family.
    pub of_tensor: Vec<usize>,
}

/// Operators that run together, band by band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The families, in the order in which they begin.
    pub families: Vec<usize>,
    /// The steps, half-open.
    pub steps: Range<usize>,
    /// The number of bands: the largest number of times that the chain returns to one of its operators, plus one.
    pub n_bands: usize,
}

/// The chains of a program, in order, from the family of each step. A family is in one chain.
///
/// ```
/// // The first operator by itself; then two in three bands, of which the first makes more at a time.
/// let chains = cosma_show::chains(&[0, 0, 1, 1, 2, 1, 2, 1, 2]);
/// assert_eq!((chains[0].families.clone(), chains[0].n_bands), (vec![0], 1));
/// assert_eq!((chains[1].families.clone(), chains[1].n_bands), (vec![1, 2], 3));
/// assert_eq!(chains[1].steps, 2..9);
/// ```
pub fn chains(families: &[usize]) -> Vec<Chain> {
    let n_families = families.iter().max().map_or(0, |it| it + 1);
    let mut last = vec![0; n_families];
    families.iter().enumerate().for_each(|(step, family)| last[*family] = step);
    let mut n_runs = vec![0; n_families];
    let mut chains: Vec<Chain> = Vec::new();
    let mut end = 0;
    for (step, &family) in families.iter().enumerate() {
        if end <= step {
            chains.push(Chain { families: Vec::new(), steps: step..step, n_bands: 1 });
        }
        let chain = chains.last_mut().expect("the first step begins one");
        if n_runs[family] == 0 {
            chain.families.push(family);
        }
        if step == chain.steps.start || families[step - 1] != family {
            n_runs[family] += 1;
            chain.n_bands = chain.n_bands.max(n_runs[family]);
        }
        chain.steps.end = step + 1;
        end = end.max(last[family] + 1);
    }
    chains
}

/// How a chain treats its weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ChainWeights {
    /// Bytes of weights that several of its steps read and that are loaded once.
    pub staying: Bytes,
    /// Bytes that are loaded again.
    pub again: Bytes,
}

impl Families {
    /// Each operator and each tensor in its own family.
    pub(crate) fn of_each(operators: Vec<String>, tensors: Vec<String>) -> Families {
        let (of_operator, of_tensor) = ((0..operators.len()).collect(), (0..tensors.len()).collect());
        Families { operators, tensors, of_operator, of_tensor }
    }
}

impl Exhibit {
    /// Whether some operators are tiles of one operator.
    pub fn is_tiled(&self) -> bool {
        self.families.operators.len() < self.families.of_operator.len()
    }

    /// The chains of the program, in order.
    pub fn chains(&self) -> Vec<Chain> {
        let families: Vec<usize> = self.order().iter().map(|it| self.families.of_operator[it.index()]).collect();
        chains(&families)
    }

    /// Its operators: `12 operators`, or `98 tiles of 12 operators`.
    pub(crate) fn counted_operators(&self) -> String {
        let count = crate::units::counted;
        let operators = count(self.families.operators.len() as u64, "operator");
        if !self.is_tiled() {
            return operators;
        }
        format!("{} of {operators}", count(self.families.of_operator.len() as u64, "tile"))
    }

    pub(crate) fn family_of(&self, op: OpId) -> &str {
        &self.families.operators[self.families.of_operator[op.index()]]
    }

    pub(crate) fn tensor_family(&self, tensor: TensorId) -> usize {
        self.families.of_tensor[tensor.index()]
    }

    /// By family of operators: how many tiles it has.
    pub(crate) fn tile_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.families.operators.len()];
        self.families.of_operator.iter().for_each(|it| counts[*it] += 1);
        counts
    }

    /// By family of tensors: its members.
    pub(crate) fn pieces(&self) -> Vec<Vec<TensorId>> {
        let mut pieces = vec![Vec::new(); self.families.tensors.len()];
        self.problem.graph.tensor_ids().for_each(|it| pieces[self.tensor_family(it)].push(it));
        pieces
    }

    /// The name of a chain: its first operator, and its last.
    pub(crate) fn chain_name(&self, chain: &Chain) -> String {
        let name = |it: &usize| crate::units::plain(&self.families.operators[*it]);
        match &chain.families[..] {
            [] => String::new(),
            [only] => name(only),
            [first, .., last] => format!("{} to {}", name(first), name(last)),
        }
    }

    pub(crate) fn chain_weights(&self, picture: &Picture, chain: &Chain) -> ChainWeights {
        let graph = &self.problem.graph;
        let is_inside = |step: &cosma_planner::Step| chain.steps.contains(&step.index());
        let mut weights = ChainWeights::default();
        for tensor in graph.tensor_ids().filter(|it| graph.tensor(*it).origin == Origin::Weight) {
            let n_uses = picture.uses[tensor.index()].iter().filter(|it| is_inside(it)).count() as u64;
            let reloads = picture.costs[tensor.index()].reloads;
            match n_uses {
                0 => {}
                _ if 0 < reloads => weights.again += Bytes(self.size(tensor).0 * reloads.min(n_uses)),
                1 => {}
                _ => weights.staying += self.size(tensor),
            }
        }
        weights
    }
}
