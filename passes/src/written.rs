//! Tensors in host memory that are put together: which pieces were written into what they are at some place.

use crate::extract::key;
use cosma_ir::TensorRegion;
use cosma_ir::melior::ir::Value;
use cosma_planner::TensorId;
use std::collections::HashMap;

/// How a tensor in host memory became what it is: a piece was written into what it was before.
#[derive(Clone, Debug)]
pub struct Written<'c, 'a> {
    /// What it was before.
    pub before: Value<'c, 'a>,
    /// Where the piece was written.
    pub region: TensorRegion,
    /// Which tensor the piece is.
    pub tensor: Option<TensorId>,
}

/// Which chain of pieces a value is, and how many of them it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    chain: usize,
    n_pieces: usize,
}

/// The pieces of all tensors that are put together.
#[derive(Debug, Default)]
pub(crate) struct AllWritten<'c, 'a> {
    chains: Vec<Vec<Written<'c, 'a>>>,
    /// By value; only looked up, never iterated over.
    links: HashMap<usize, Link>,
}

impl<'c, 'a> AllWritten<'c, 'a> {
    /// A piece is written into what a tensor was before, which gives another value.
    pub(crate) fn write(&mut self, written: Written<'c, 'a>, after: Value<'c, 'a>) {
        let link = self.links.get(&key(written.before)).copied();
        let chain = match link {
            Some(Link { chain, n_pieces }) if n_pieces == self.chains[chain].len() => chain,
            // Something else was written into that already.
            _ => {
                let pieces = link.map_or(Vec::new(), |it| self.chains[it.chain][..it.n_pieces].to_vec());
                self.chains.push(pieces);
                self.chains.len() - 1
            }
        };
        self.chains[chain].push(written);
        self.links.insert(key(after), Link { chain, n_pieces: self.chains[chain].len() });
    }

    /// The pieces that a value has, in the order in which they were written; none of a value that is not put together.
    pub(crate) fn pieces(&self, value: Value) -> &[Written<'c, 'a>] {
        self.links.get(&key(value)).map_or(&[], |it| &self.chains[it.chain][..it.n_pieces])
    }

    /// What values of one tensor that is put together have in common.
    pub(crate) fn chain(&self, value: Value) -> Option<usize> {
        self.links.get(&key(value)).map(|it| it.chain)
    }

    /// Whether nothing is put together.
    pub(crate) fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }
}
