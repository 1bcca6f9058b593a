//! A network before it is cut: a problem, and how its operators read and write.

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

/// What an operator reads and writes, and how.
#[derive(Clone, Debug)]
pub struct Operator {
    /// As the access counts them; a tensor may occur twice. Operands that the access does not speak of may
    /// follow: those are read whole.
    pub operands: Vec<TensorId>,
    /// As the access counts them.
    pub results: Vec<TensorId>,
    /// None: it cannot be cut.
    pub access: Option<Access>,
    /// Whether it only moves elements, as a concatenation, split, slice, reshape or transposition does: each
    /// element of its results is one of an operand's. Then what reads its results may read its operands instead,
    /// and no tile runs it.
    pub is_view: bool,
}

/// What is wrong with a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Shapes or operators are not as many as the problem has.
    #[error("the problem has {expected} {what}, but {found} are described")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many the problem has.
        expected: usize,
        /// How many are described.
        found: usize,
    },
    /// A tensor's shape has other bytes than the tensor.
    #[error("{name} has {size} B, but its shape has {shape} B")]
    Size {
        /// The tensor's name.
        name: String,
        /// Its bytes in the problem.
        size: Bytes,
        /// Those of its shape.
        shape: Bytes,
    },
    /// An operator is described with other tensors than it reads or writes.
    #[error("{name} is described with other {what} than it has")]
    Tensors {
        /// The operator's name.
        name: String,
        /// Operands or results.
        what: &'static str,
    },
    /// An access does not fit its operator.
    #[error("{name}: {error}")]
    Access {
        /// The operator.
        op: OpId,
        /// Its name.
        name: String,
        /// What is wrong with its access.
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

    /// By operand: the region that a tile reads which runs a part of an operator's domain. An operator without an
    /// access reads all of its operands, and so does one of those that its access does not speak of.
    pub fn reads(&self, op: OpId, domain: &Region) -> Vec<Region> {
        let Operator { operands, access, .. } = self.operator(op);
        let whole = |it: &TensorId| self.shape(*it).whole();
        let Some(access) = access else { return operands.iter().map(whole).collect() };
        let mapped = access.operands.iter().zip(operands).map(|(map, it)| map.region(domain, self.shape(*it)));
        mapped.chain(operands[access.operands.len()..].iter().map(whole)).collect()
    }

    /// By result: the region that a tile writes which runs a part of an operator's domain.
    pub fn writes(&self, op: OpId, domain: &Region) -> Vec<Region> {
        let Operator { results, access, .. } = self.operator(op);
        let Some(access) = access else { return results.iter().map(|it| self.shape(*it).whole()).collect() };
        access.results.iter().zip(results).map(|(map, it)| map.region(domain, self.shape(*it))).collect()
    }

    /// Whether shapes and accesses fit the problem.
    ///
    /// # Errors
    /// What does not fit first.
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
