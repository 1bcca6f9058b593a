//! Tensors in host memory that are put together: which pieces were written into what they are at some place.

use crate::extract::key;
use crate::regions::Regions;
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

/// Pieces that were written one after the other.
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

/// Which chain of pieces a value is, and how many of them it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Link {
    chain: usize,
    n_pieces: usize,
}

/// The pieces of all tensors that are put together.
#[derive(Debug, Default)]
pub(crate) struct AllWritten<'c, 'a> {
    chains: Vec<Chain<'c, 'a>>,
    /// By value; only looked up, never iterated over.
    links: HashMap<usize, Link>,
}

impl<'c, 'a> AllWritten<'c, 'a> {
    /// A piece is written into what a tensor was before, which gives another value.
    pub(crate) fn write(&mut self, written: Written<'c, 'a>, after: Value<'c, 'a>) {
        let link = self.links.get(&key(written.before)).copied();
        let chain = match link {
            Some(Link { chain, n_pieces }) if n_pieces == self.chains[chain].pieces.len() => chain,
            // Something else was written into that already.
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

    /// Another value has the same pieces.
    pub(crate) fn is_also(&mut self, value: Value, other: Value) {
        if let Some(link) = self.links.get(&key(value)).copied() {
            self.links.insert(key(other), link);
        }
    }

    /// The pieces that a value has, in the order in which they were written; none of a value that is not put together.
    pub(crate) fn pieces(&self, value: Value) -> &[Written<'c, 'a>] {
        self.links.get(&key(value)).map_or(&[], |it| &self.chains[it.chain].pieces[..it.n_pieces])
    }

    /// Those of the pieces that a value has that have an element in a region, in the order in which they were written.
    pub(crate) fn pieces_in(&self, value: Value, region: &TensorRegion) -> Vec<&Written<'c, 'a>> {
        let Some(Link { chain, n_pieces }) = self.links.get(&key(value)) else { return Vec::new() };
        let Chain { pieces, regions } = &self.chains[*chain];
        regions.overlapping(region).into_iter().take_while(|it| it < n_pieces).map(|it| &pieces[it]).collect()
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
