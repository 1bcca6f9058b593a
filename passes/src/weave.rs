//! Tensors that are assembled in host memory and read in slices, while operators are reordered.
//!
//! Each insertion comes right after the operator whose result it inserts, into the current state of the tensor. Each
//! slice, with its views, comes right before the first operator that reads it, and reads the current state of the
//! tensor: all elements that it needs were inserted, since their operators run first.

use crate::extract::{Extraction, key};
use crate::form::address;
use crate::role::reads;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{OperationRef, Value};
use cosma_ir::{as_mut, operand_at, result_at};
use cosma_planner::{OpId, TensorId};
use std::collections::{BTreeMap, HashMap};

/// The insertions and slices that are still to be placed.
pub(crate) struct Weave<'e, 'c, 'a> {
    extraction: &'e Extraction<'c, 'a>,
    /// The current states of the tensors; those that are read in slices, in the order of the block.
    wholes: Vec<Value<'c, 'a>>,
    /// The index of each of them among the operands of the return.
    returned: Vec<Option<usize>>,
    /// By inserted tensor: the insertion, and the index of the tensor that it inserts into.
    inserts: HashMap<TensorId, (OperationRef<'c, 'a>, usize)>,
    /// By extracted tensor: the slices in the order of the block, with the index of the tensor that they read.
    slices: BTreeMap<TensorId, Vec<(OperationRef<'c, 'a>, usize)>>,
    /// By slice: its views, in the order of the block.
    views: HashMap<usize, Vec<OperationRef<'c, 'a>>>,
}

impl<'e, 'c, 'a> Weave<'e, 'c, 'a> {
    pub(crate) fn new(extraction: &'e Extraction<'c, 'a>) -> Self {
        let mut weave = Weave {
            extraction,
            wholes: Vec::new(),
            returned: Vec::new(),
            inserts: HashMap::new(),
            slices: BTreeMap::new(),
            views: HashMap::new(),
        };
        // By slice: the index of its tensor.
        let mut owners = HashMap::new();
        for assembly in extraction.assemblies.iter().filter(|it| !it.slices.is_empty()) {
            let index = weave.wholes.len();
            weave.wholes.extend(assembly.inserts.first().and_then(|it| operand_at(*it, 1)));
            weave.returned.push(extraction.terminator.operands().position(|it| it == assembly.result()));
            for (insert, tensor) in assembly.inserts.iter().filter_map(|it| Some((*it, tensor(extraction, *it)?))) {
                weave.inserts.insert(tensor, (insert, index));
            }
            owners.extend(assembly.slices.iter().map(|it| (address(*it), index)));
        }
        // In the order of the block, since the first of equal slices has the recorded views.
        for (slice, index) in extraction.slices.iter().filter_map(|it| Some((*it, *owners.get(&address(*it))?))) {
            let value = result_at(slice, 0).expect("a slice has a result");
            weave.views.insert(key(value), Vec::new());
            let tensor = extraction.tensor(value).expect("it was extracted");
            weave.slices.entry(tensor).or_default().push((slice, index));
        }
        for view in &extraction.views {
            let root = result_at(*view, 0).and_then(|it| extraction.root(it));
            if let Some(views) = root.and_then(|it| weave.views.get_mut(&key(it))) {
                views.push(*view);
            }
        }
        weave
    }

    /// Whether a view is a view of a slice, and is placed with it.
    pub(crate) fn has(&self, view: OperationRef<'c, 'a>) -> bool {
        let root = result_at(view, 0).and_then(|it| self.extraction.root(it));
        root.is_some_and(|it| self.views.contains_key(&key(it)))
    }

    /// Inserts the slices that an operator is the first to read before an operation.
    pub(crate) fn slices(&mut self, op: OpId, end: OperationRef<'c, 'a>) {
        if self.slices.is_empty() {
            return;
        }
        for read in reads(self.extraction.operators[op.index()]) {
            let slices = self.extraction.tensor(read.value).and_then(|it| self.slices.remove(&it));
            self.place(slices.unwrap_or_default(), end);
        }
    }

    /// Inserts the insertions of an operator's results before an operation.
    pub(crate) fn inserts(&mut self, op: OpId, end: OperationRef<'c, 'a>) {
        for tensor in &self.extraction.problem.graph.op(op).writes {
            if let Some((insert, index)) = self.inserts.remove(tensor) {
                as_mut(insert).move_before(end);
                as_mut(insert).set_operand(1, self.wholes[index]);
                self.wholes[index] = result_at(insert, 0).expect("an insertion has a result");
            }
        }
    }

    /// Inserts everything that no operator reads before an operation, and returns the final tensors.
    pub(crate) fn finish(mut self, end: OperationRef<'c, 'a>) {
        for slices in std::mem::take(&mut self.slices).into_values() {
            self.place(slices, end);
        }
        for (whole, operand) in self.wholes.iter().zip(&self.returned) {
            if let Some(operand) = operand {
                as_mut(self.extraction.terminator).set_operand(*operand, *whole);
            }
        }
    }

    fn place(&mut self, slices: Vec<(OperationRef<'c, 'a>, usize)>, end: OperationRef<'c, 'a>) {
        for (slice, index) in slices {
            as_mut(slice).move_before(end);
            as_mut(slice).set_operand(0, self.wholes[index]);
            let views = result_at(slice, 0).and_then(|it| self.views.get(&key(it)));
            views.into_iter().flatten().for_each(|it| as_mut(*it).move_before(end));
        }
    }
}

/// The tensor that an insertion inserts.
fn tensor<'c, 'a>(extraction: &Extraction<'c, 'a>, insert: OperationRef<'c, 'a>) -> Option<TensorId> {
    operand_at(insert, 0).and_then(|it| extraction.tensor(it))
}
