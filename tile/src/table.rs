//! In what groups and grids the nodes of a network can run, whatever is chosen for the others.

use crate::StripePlan;
use crate::baseline::{cascades, layer_by_layer};
use crate::flow::Flow;
use crate::grid::{Grid, grids, is_cut_alike};
use crate::stripes::Groups;
use std::cell::{OnceCell, RefCell};

/// Groups and grids, counted once as they are asked for.
pub(crate) struct Table<'a, 'b> {
    pub flow: &'b Flow<'a>,
    /// Of the whole scratchpad, though the flow may use less of it.
    pub groups: &'b Groups<'a, 'b>,
    /// By node.
    grids: Vec<OnceCell<Vec<Grid>>>,
    /// Nodes of different grids.
    distinct: RefCell<Vec<usize>>,
    by_rule: OnceCell<[Option<StripePlan>; 2]>,
}

impl<'a, 'b> Table<'a, 'b> {
    pub fn new(flow: &'b Flow<'a>, groups: &'b Groups<'a, 'b>) -> Table<'a, 'b> {
        let grids = flow.nodes.iter().map(|_| OnceCell::new()).collect();
        Table { flow, groups, grids, distinct: RefCell::default(), by_rule: OnceCell::new() }
    }

    /// The plans by rule, where all operators fit.
    pub fn by_rule(&self) -> impl Iterator<Item = &StripePlan> {
        self.by_rule.get_or_init(|| [cascades(self), layer_by_layer(self)]).iter().flatten()
    }

    /// The grids of a node that fit, none better in every way than another.
    pub fn grids(&self, node: usize) -> &[Grid] {
        self.grids[node].get_or_init(|| {
            let nodes = &self.flow.nodes;
            let known = self.distinct.borrow();
            let other = known.iter().copied().find(|it| is_cut_alike(self.flow, &nodes[*it], &nodes[node]));
            drop(known);
            let Some(other) = other else {
                self.distinct.borrow_mut().push(node);
                return grids(self.flow, node);
            };
            self.grids(other).iter().map(|it| it.of(&nodes[other], node, &nodes[node])).collect()
        })
    }
}
