//! What is to be known of a network to split its operators into tiles: the shapes of its tensors, and how operators access
//! them.
//!
//! It is said of the graph of `extract.rs` and, as there, is what COSMA's passes make of the network's text
//! (`passes/src/network.rs`): an operator that reads a view reads the tensor that it looks at, and the view's access and
//! the operator's make one.

use crate::extract::{Carrier, Extraction};
use crate::network::{Network, Operator, OperatorAccess, Origin, Tensor, TensorIndex};
use crate::region::region_of_view;
use cosma_planner::TensorId;
use cosma_tile::{Access, Composed, Map, Member, Shape, Source, compose, kinds};
use std::collections::HashMap;

/// The shapes and accesses of a network's graph.
#[derive(Clone, Debug, Default)]
pub struct Cuts {
    /// By tensor of the graph.
    pub shapes: Vec<Shape>,
    /// By operator of the graph.
    pub operators: Vec<cosma_tile::Operator>,
    /// Why the network is not split, if it is not; then nothing is said above.
    pub obstacle: Option<String>,
}

impl Network {
    /// What is to be known of the network to split its operators. The extraction is that of this network.
    pub fn cuts(&self, extraction: &Extraction) -> Cuts {
        let refuse = |why: &str| Cuts { obstacle: Some(why.into()), ..Cuts::default() };
        if self.operators.iter().any(|it| it.writes.is_empty()) {
            return refuse("it has operators without results");
        }
        let mut ids = HashMap::new();
        let mut shapes = Vec::new();
        for (id, carrier) in (0..).map(TensorId).zip(&extraction.carriers) {
            let (Carrier::Argument(tensor) | Carrier::Result(tensor, _)) = carrier else {
                return refuse("it already works on pieces of tensors");
            };
            ids.insert(*tensor, id);
            shapes.push(shape(&self.tensors[tensor.0]));
        }
        let described = self.operators.iter().map(|it| self.describe(it, &ids, &shapes));
        let Some(mut operators) = described.collect::<Option<Vec<cosma_tile::Operator>>>() else {
            return refuse("it reads what nothing makes");
        };
        // Pieces of a view need not be regions.
        for (result, shape) in self.results.iter().zip(&self.result_shapes) {
            let (root, tensor) = (self.root(*result), &self.tensors[result.0]);
            if root != *result || tensor.shape != *shape {
                let producer = self.operators.iter().position(|it| it.writes.contains(&root));
                producer.into_iter().for_each(|it| (operators[it].access, operators[it].is_view) = (None, false));
            }
        }
        Cuts { shapes, operators, obstacle: None }
    }

    /// The tensor that a tensor is, or is a view of.
    fn root(&self, of: TensorIndex) -> TensorIndex {
        let mut next = of;
        while let Origin::View { of, .. } = self.tensors[next.0].origin {
            next = of;
        }
        next
    }

    fn describe(
        &self,
        operator: &Operator,
        ids: &HashMap<TensorIndex, TensorId>,
        shapes: &[Shape],
    ) -> Option<cosma_tile::Operator> {
        let id = |it: &TensorIndex| ids.get(&self.root(*it)).copied();
        let read = operator.reads.iter().map(id).collect::<Option<Vec<_>>>()?;
        let results = operator.writes.iter().map(id).collect::<Option<Vec<_>>>()?;
        let known = operator.access.as_ref().and_then(|it| self.through_views(operator, it));
        let (mut operands, access) = match known {
            Some((tensors, mut access)) => {
                let operands: Vec<TensorId> = tensors.iter().map(id).collect::<Option<_>>()?;
                let of = |ids: &[TensorId]| ids.iter().map(|it| shapes[it.index()].clone()).collect::<Vec<_>>();
                access.keep_bytes_whole(&of(&operands), &of(&results));
                (operands, Some(access))
            }
            None => (Vec::new(), None),
        };
        let only_moves = kinds::only_moves(&operator.kind) && operator.nodes.len() <= 1;
        let is_view = only_moves && access.as_ref().is_some_and(Access::is_exact);
        for tensor in read {
            if !operands.contains(&tensor) {
                operands.push(tensor);
            }
        }
        Some(cosma_tile::Operator { operands, results, access, is_view })
    }

    /// Which tensors an operator reads, none of them a view, and how.
    fn through_views(&self, operator: &Operator, own: &OperatorAccess) -> Option<(Vec<TensorIndex>, Access)> {
        let (mut members, mut tensors, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for operand in &own.operands {
            sources.push(self.source(operator.reads[*operand], &mut tensors, &mut members)?);
        }
        if members.is_empty() && sources.len() == tensors.len() {
            return Some((tensors, own.access.clone()));
        }
        members.push(Member { access: own.access.clone(), operands: sources });
        let results: Vec<Source> = (0..operator.writes.len()).map(|it| Source::Result(members.len() - 1, it)).collect();
        let Composed { access, operands } = compose(&members, &results)?;
        let mut reads: Vec<(usize, Map)> = operands.into_iter().zip(access.operands).collect();
        reads.sort_by_key(|it| it.0);
        let (operands, maps): (Vec<usize>, Vec<Map>) = reads.into_iter().unzip();
        Some((operands.into_iter().map(|it| tensors[it]).collect(), Access { operands: maps, ..access }))
    }

    /// Where a tensor comes from, with the views through which it shows another one as members.
    fn source(&self, tensor: TensorIndex, tensors: &mut Vec<TensorIndex>, members: &mut Vec<Member>) -> Option<Source> {
        let Origin::View { of, at } = self.tensors[tensor.0].origin else {
            let index = tensors.iter().position(|it| *it == tensor).unwrap_or(tensors.len());
            if index == tensors.len() {
                tensors.push(tensor);
            }
            return Some(Source::Operand(index));
        };
        let mut source = self.source(of, tensors, members)?;
        for access in looks(&self.tensors[of.0], at, &self.tensors[tensor.0])? {
            members.push(Member { access, operands: vec![source] });
            source = Source::Result(members.len() - 1, 0);
        }
        Some(source)
    }
}

/// How a view that begins at a byte of its source accesses it, one step after the other.
fn looks(source: &Tensor, at: u64, view: &Tensor) -> Option<Vec<Access>> {
    let flat = |it: &Tensor| Shape { dims: vec![it.n_elements()], element_bits: it.element.bits() };
    let reshape =
        |from: &Shape, to: &Shape| kinds::infer("Reshape", std::slice::from_ref(from), std::slice::from_ref(to));
    if at == 0 && source.n_elements() == view.n_elements() {
        return Some(vec![reshape(&shape(source), &shape(view))?]);
    }
    let at = source.element_at(at);
    if let Some(region) = region_of_view(source, at, view) {
        return Some(vec![Access::of_slice(&region.offsets, &region.sizes, &view.shape)?]);
    }
    let slice = Access::of_slice(&[at], &[view.n_elements()], &[view.n_elements()])?;
    Some(vec![reshape(&shape(source), &flat(source))?, slice, reshape(&flat(view), &shape(view))?])
}

fn shape(tensor: &Tensor) -> Shape {
    Shape { dims: tensor.shape.clone(), element_bits: tensor.element.bits() }
}
