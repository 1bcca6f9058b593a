//! Tensors assembled in host memory: the pieces that were written into each state of them.

use crate::extract::key;
use crate::regions::Regions;
use cosma_ir::TensorRegion;
use cosma_ir::melior::ir::Value;
use cosma_planner::TensorId;
use std::collections::HashMap;

/// The last write into a tensor in host memory.
#[derive(Clone, Debug)]
pub struct Written<'c, 'a> {
    /// The state before it.
    pub before: Value<'c, 'a>,
    /// The region of the piece.
    pub region: TensorRegion,
    /// The tensor of the piece.
    pub tensor: Option<TensorId>,
}

/// Pieces that were written in sequence.
#[derive(Debug, Default)]
struct Chain<'c, 'a> {
    pieces: Vec<Written<'c, 'a>>,
    /// By piece.
    regions: Regions,
}

impl<'c, 'a> Chain<'c, 'a> {
    fn write(&mut self, written: Written<'c, 'a>) {
        self.regions.push(written.region.clone());
        self.pieces.push(written);
    }
}

/// The chain of a value, and the number of its pieces that the value has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    chain: usize,
    n_pieces: usize,
}

/// The pieces of all assembled tensors.
#[derive(Debug, Default)]
pub(crate) struct AllWritten<'c, 'a> {
    chains: Vec<Chain<'c, 'a>>,
    /// By value; only looked up, never iterated over.
    links: HashMap<usize, Link>,
}

impl<'c, 'a> AllWritten<'c, 'a> {
    /// Records that a piece is written into the state `before`, with the result `after`.
    pub(crate) fn write(&mut self, written: Written<'c, 'a>, after: Value<'c, 'a>) {
        let link = self.links.get(&key(written.before)).copied();
        let chain = match link {
            Some(Link { chain, n_pieces }) if n_pieces == self.chains[chain].pieces.len() => chain,
            // Another piece was written into that already.
            _ => {
                let mut copy = Chain::default();
                let known = link.map_or(&[][..], |it| &self.chains[it.chain].pieces[..it.n_pieces]);
                known.iter().cloned().for_each(|it| copy.write(it));
                self.chains.push(copy);
                self.chains.len() - 1
            }
        };
        self.chains[chain].write(written);
        self.links.insert(key(after), Link { chain, n_pieces: self.chains[chain].pieces.len() });
    }

    /// Records that another value has the same pieces.
    pub(crate) fn is_also(&mut self, value: Value, other: Value) {
        if let Some(link) = self.links.get(&key(value)).copied() {
            self.links.insert(key(other), link);
        }
    }

    /// The pieces of a value, in the order in which they were written; empty for a value that is not assembled.
    pub(crate) fn pieces(&self, value: Value) -> &[Written<'c, 'a>] {
        self.links.get(&key(value)).map_or(&[], |it| &self.chains[it.chain].pieces[..it.n_pieces])
    }

    /// The pieces of a value that overlap a region, in the order in which they were written.
    pub(crate) fn pieces_in(&self, value: Value, region: &TensorRegion) -> Vec<&Written<'c, 'a>> {
        let Some(Link { chain, n_pieces }) = self.links.get(&key(value)) else { return Vec::new() };
        let Chain { pieces, regions } = &self.chains[*chain];
        regions.overlapping(region).into_iter().take_while(|it| it < n_pieces).map(|it| &pieces[it]).collect()
    }

    /// The chain that the values of one assembled tensor have in common.
    pub(crate) fn chain(&self, value: Value) -> Option<usize> {
        self.links.get(&key(value)).map(|it| it.chain)
    }

    /// Whether no tensor is assembled.
    pub(crate) fn is_empty(&self) -> bool {
        self.chains.is_empty()
    }
}
