//! Converts a network to the planner's graph, and maps its tensors.
//!
//! The graph equals the one that COSMA's passes make of the network's text (`passes/src/extract.rs`), with the same
//! names in the same order, so a model has one plan whichever way it goes:
//!
//! 1. Each argument is a tensor in host memory, `arg0`, `arg1`, …, and each operator is an operator, `Conv_0`, with
//!    its results.
//! 2. A view is the tensor that it looks at.
//! 3. But an argument that is read only by views, each a box of its elements and no two overlapping, is as many
//!    tensors, `arg0.0`, `arg0.1`, …, in the order of the boxes. Elements outside all boxes are never moved.
//! 4. A result may be written over an operand if the operator allows it and the operand is a whole tensor.
//!
//! `tests/extract.rs` compares it with problems printed by the passes.

use crate::network::{Network, Operator, Origin, TensorIndex};
use crate::region::{Region, region_of_piece};
use cosma_planner::{Bytes, GraphBuilder, OpId, TensorId};
use std::collections::HashMap;

/// A network as the planner's graph. The operators are those of the network, in its order.
#[derive(Clone, Debug)]
pub struct Extraction {
    /// The graph. Its weights are read in the scratchpad; see
    /// [`Graph::with_weights`](cosma_planner::Graph::with_weights).
    pub graph: GraphBuilder,
    /// By [`TensorId`]: its origin in the network.
    pub carriers: Vec<Carrier>,
}

/// The origin of a planner's tensor in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// An argument.
    Argument(TensorIndex),
    /// A piece of an argument: the argument, the first view that is this piece, and the piece's region.
    Piece(TensorIndex, TensorIndex, Region),
    /// A result of an operator.
    Result(TensorIndex, usize),
}

impl Network {
    /// The network as the planner's graph.
    pub fn extract(&self) -> Extraction {
        let mut reader = Reader {
            network: self,
            pieces: self.pieces(),
            graph: GraphBuilder::new(),
            carriers: Vec::new(),
            tensors: vec![None; self.tensors.len()],
            last_effect: None,
        };
        for (index, argument) in self.arguments.iter().enumerate() {
            reader.read_argument(index, *argument);
        }
        for (op, operator) in (0..).map(OpId).zip(&self.operators) {
            reader.read_operator(op, operator);
        }
        for result in &self.results {
            let tensor = reader.tensor(*result);
            tensor.into_iter().for_each(|it| reader.graph.result(it));
        }
        Extraction { graph: reader.graph, carriers: reader.carriers }
    }

    /// The pieces of each argument that is read in pieces, by region.
    fn pieces(&self) -> HashMap<TensorIndex, Vec<(Region, TensorIndex)>> {
        // Results are read, too.
        let mut is_read = vec![false; self.tensors.len()];
        let read = self.operators.iter().flat_map(|it| &it.reads).chain(&self.results);
        let is_view = |it: &TensorIndex| self.tensors[it.0].origin.is_view();
        let mut views: HashMap<TensorIndex, Vec<(Option<Region>, TensorIndex)>> = HashMap::new();
        let mut is_whole: Vec<bool> = vec![false; self.tensors.len()];
        for &tensor in read {
            if !is_view(&tensor) {
                is_whole[tensor.0] = true;
            }
            let mut next = tensor;
            while let Origin::View { of, at } = self.tensors[next.0].origin
                && !std::mem::replace(&mut is_read[next.0], true)
            {
                let source = &self.tensors[of.0];
                let region = region_of_piece(source, source.element_at(at), &self.tensors[next.0]);
                views.entry(of).or_default().push((region, next));
                next = of;
            }
        }
        let mut pieces = HashMap::new();
        for argument in self.arguments.iter().filter(|it| !is_whole[it.0]) {
            let Some(views) = views.remove(argument) else { continue };
            let regions = views.into_iter().map(|(region, view)| Some((region?, view))).collect::<Option<Vec<_>>>();
            let Some(mut regions) = regions else { continue };
            regions.sort_by(|one, other| one.0.cmp(&other.0));
            regions.dedup_by(|later, first| later.0 == first.0);
            let is_cut = regions.iter().all(|it| it.0.sizes != self.tensors[argument.0].shape);
            if is_cut && are_disjoint(&regions) {
                pieces.insert(*argument, regions);
            }
        }
        pieces
    }
}

/// Whether regions of one tensor, each of consecutive elements and in order, are disjoint.
fn are_disjoint(regions: &[(Region, TensorIndex)]) -> bool {
    // A region begins where it lies in memory, so what overlaps another one overlaps its neighbour.
    regions.windows(2).all(|it| !it[0].0.overlaps(&it[1].0))
}

struct Reader<'a> {
    network: &'a Network,
    pieces: HashMap<TensorIndex, Vec<(Region, TensorIndex)>>,
    graph: GraphBuilder,
    carriers: Vec<Carrier>,
    /// By tensor of the network, ignoring views; `None` for an argument that is read in pieces.
    tensors: Vec<Option<TensorId>>,
    /// The last operator without a result: such operators keep their order.
    last_effect: Option<OpId>,
}

impl Reader<'_> {
    fn read_argument(&mut self, index: usize, argument: TensorIndex) {
        let is_weight = self.network.tensors[argument.0].origin == Origin::Weight;
        let name = format!("arg{index}");
        let Some(pieces) = self.pieces.remove(&argument) else {
            self.tensors[argument.0] = Some(self.add(name, argument, is_weight));
            self.carriers.push(Carrier::Argument(argument));
            return;
        };
        for (index, (region, view)) in pieces.iter().enumerate() {
            let tensor = self.add(format!("{name}.{index}"), *view, is_weight);
            self.carriers.push(Carrier::Piece(argument, *view, region.clone()));
            self.tensors[view.0] = Some(tensor);
        }
        self.pieces.insert(argument, pieces);
    }

    /// Adds a tensor in host memory of the size of a tensor of the network.
    fn add(&mut self, name: String, of: TensorIndex, is_weight: bool) -> TensorId {
        let size = Bytes(self.network.tensors[of.0].size());
        if is_weight { self.graph.weight(name, size) } else { self.graph.argument(name, size) }
    }

    /// The tensor that a tensor of the network is, or is a view of.
    fn tensor(&self, of: TensorIndex) -> Option<TensorId> {
        let mut next = of;
        loop {
            if let Some(tensor) = self.tensors[next.0] {
                return Some(tensor);
            }
            let Origin::View { of, at } = self.network.tensors[next.0].origin else { return None };
            if let Some(pieces) = self.pieces.get(&of) {
                // Another view of the same region.
                let source = &self.network.tensors[of.0];
                let region = region_of_piece(source, source.element_at(at), &self.network.tensors[next.0])?;
                let at = pieces.binary_search_by(|it| it.0.cmp(&region)).ok()?;
                return self.tensors[pieces[at].1.0];
            }
            next = of;
        }
    }

    fn read_operator(&mut self, op: OpId, operator: &Operator) {
        let name = format!("{}_{}", identifier(&operator.kind), op.0);
        let reads: Vec<TensorId> = operator.reads.iter().filter_map(|it| self.tensor(*it)).collect();
        let mut writes = Vec::new();
        for (index, result) in operator.writes.iter().enumerate() {
            let name = if operator.writes.len() == 1 { name.clone() } else { format!("{name}.{index}") };
            writes.push((name, Bytes(self.network.tensors[result.0].size())));
            self.carriers.push(Carrier::Result(*result, index));
        }
        let written = self.graph.op(name, &reads, writes, Bytes::ZERO);
        for (result, tensor) in operator.writes.iter().zip(&written) {
            self.tensors[result.0] = Some(*tensor);
        }
        if let Some(macs) = operator.countable_macs() {
            self.graph.macs(op, macs);
        }
        if operator.writes.is_empty() {
            self.last_effect.into_iter().for_each(|it| self.graph.order(it, op));
            self.last_effect = Some(op);
        }
        let mut shared: Vec<(TensorIndex, TensorId)> = Vec::new();
        for pair in &operator.in_place {
            let result = self.tensors[pair.result.0];
            let (Some(result), Some(operand)) = (result, self.tensor(pair.operand)) else { continue };
            if shared.contains(&(pair.result, operand)) {
                continue;
            }
            shared.push((pair.result, operand));
            // What looks at a part of a tensor has not all of its place.
            if self.graph.size(operand) == Bytes(self.network.tensors[pair.operand.0].size()) {
                self.graph.in_place_at(result, operand, Bytes(pair.part.unwrap_or(0)));
            }
        }
    }
}

/// A kind of operator as part of a name in the planner's text form.
fn identifier(kind: &str) -> String {
    kind.chars().map(|it| if it.is_ascii_alphanumeric() || matches!(it, '.' | '-') { it } else { '_' }).collect()
}
