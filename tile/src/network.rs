//! A network before it is split: a problem with the accesses of its operators.

use crate::{Access, AccessError, Region, Shape};
use cosma_planner::{Bytes, OpId, Problem, TensorId};

/// A problem, the shapes of its tensors, and how its operators access them.
#[derive(Clone, Debug)]
pub struct Network {
    /// The operators, whole, and the machine.
    pub problem: Problem,
    /// By [`TensorId`] of the problem.
    pub shapes: Vec<Shape>,
    /// By [`OpId`] of the problem.
    pub operators: Vec<Operator>,
}

/// The operands, the results and the access of an operator.
#[derive(Clone, Debug)]
pub struct Operator {
    /// In the order of the access; a tensor may occur twice. Operands without a map may follow: they are read whole.
    pub operands: Vec<TensorId>,
    /// In the order of the access.
    pub results: Vec<TensorId>,
    /// `None`: it cannot be split.
    pub access: Option<Access>,
    /// Whether it only moves elements, like a concatenation, split, slice, reshape or transposition: each element of
    /// its results is an element of an operand. Then readers of its results may read its operands instead, and no
    /// tile runs it.
    pub is_view: bool,
}

/// An error in a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// The numbers of shapes or operators differ from the problem's.
    #[error("the problem has {expected} {what}, but {found} are described")]
    Count {
        /// `shapes` or `operators`.
        what: &'static str,
        /// The number in the problem.
        expected: usize,
        /// The number described.
        found: usize,
    },
    /// The size of a tensor's shape differs from the tensor's size.
    #[error("{name} has {size} B, but its shape has {shape} B")]
    Size {
        /// The tensor's name.
        name: String,
        /// Its size in the problem in bytes.
        size: Bytes,
        /// The size of its shape in bytes.
        shape: Bytes,
    },
    /// An operator is described with tensors that it does not read or write.
    #[error("{name} is described with other {what} than it has")]
    Tensors {
        /// The operator's name.
        name: String,
        /// `operands` or `results`.
        what: &'static str,
    },
    /// An access does not match its operator.
    #[error("{name}: {error}")]
    Access {
        /// The operator.
        op: OpId,
        /// Its name.
        name: String,
        /// The error in its access.
        error: AccessError,
    },
}

impl Network {
    /// The shape of a tensor.
    pub fn shape(&self, tensor: TensorId) -> &Shape {
        &self.shapes[tensor.index()]
    }

    /// The shapes of tensors.
    pub fn shapes_of(&self, tensors: &[TensorId]) -> Vec<Shape> {
        tensors.iter().map(|it| self.shape(*it).clone()).collect()
    }

    /// The description of an operator.
    pub fn operator(&self, op: OpId) -> &Operator {
        &self.operators[op.index()]
    }

    /// By operand: the region that a tile reads that runs this part of an operator's domain. Operands without a map,
    /// and all operands of an operator without an access, are read whole.
    pub fn reads(&self, op: OpId, domain: &Region) -> Vec<Region> {
        let Operator { operands, access, .. } = self.operator(op);
        let whole = |it: &TensorId| self.shape(*it).whole();
        let Some(access) = access else { return operands.iter().map(whole).collect() };
        let mapped = access.operands.iter().zip(operands).map(|(map, it)| map.region(domain, self.shape(*it)));
        mapped.chain(operands[access.operands.len()..].iter().map(whole)).collect()
    }

    /// By result: the region that a tile writes that runs this part of an operator's domain.
    pub fn writes(&self, op: OpId, domain: &Region) -> Vec<Region> {
        let Operator { results, access, .. } = self.operator(op);
        let Some(access) = access else { return results.iter().map(|it| self.shape(*it).whole()).collect() };
        access.results.iter().zip(results).map(|(map, it)| map.region(domain, self.shape(*it))).collect()
    }

    /// Checks that shapes and accesses match the problem.
    ///
    /// # Errors
    /// The first mismatch.
    pub fn check(&self) -> Result<(), NetworkError> {
        let graph = &self.problem.graph;
        let count = |what, expected, found| {
            if expected == found { Ok(()) } else { Err(NetworkError::Count { what, expected, found }) }
        };
        count("tensors", graph.tensors().len(), self.shapes.len())?;
        count("operators", graph.ops().len(), self.operators.len())?;
        for (tensor, shape) in graph.tensors().iter().zip(&self.shapes) {
            let (name, size, shape) = (tensor.name.clone(), tensor.size, shape.bytes());
            if size != shape {
                return Err(NetworkError::Size { name, size, shape });
            }
        }
        graph.op_ids().try_for_each(|op| self.check_operator(op))
    }

    fn check_operator(&self, id: OpId) -> Result<(), NetworkError> {
        let (op, operator) = (self.problem.graph.op(id), self.operator(id));
        let differ = |what| Err(NetworkError::Tensors { name: op.name.clone(), what });
        let mut described = operator.operands.clone();
        let mut read: Vec<TensorId> = op.reads.iter().map(|it| it.tensor).collect();
        described.sort_unstable();
        described.dedup();
        read.sort_unstable();
        if described != read {
            return differ("operands");
        }
        if operator.results != op.writes {
            return differ("results");
        }
        let Some(access) = &operator.access else { return Ok(()) };
        let n_mapped = access.operands.len().min(operator.operands.len());
        let operands = self.shapes_of(&operator.operands[..n_mapped]);
        let checked = access.check(&operands, &self.shapes_of(&operator.results));
        checked.map_err(|error| NetworkError::Access { op: id, name: op.name.clone(), error })
    }
}
