//! The groups and grids in which the nodes of a network can run, independent of the choice for others.

use crate::StripePlan;
use crate::baseline::{cascades, layer_by_layer};
use crate::flow::Flow;
use crate::grid::{Grid, grids, is_cut_alike};
use crate::stripes::Groups;
use std::sync::OnceLock;

/// Groups and grids, computed once on demand.
pub(crate) struct Table<'a, 'b> {
    pub flow: &'b Flow<'a>,
    /// For the whole scratchpad, although the flow may use less of it.
    pub groups: &'b Groups<'a, 'b>,
    /// By node.
    grids: Vec<OnceLock<Vec<Grid>>>,
    /// By node: the first one that has the same grids.
    alike: OnceLock<Vec<usize>>,
    by_rule: OnceLock<[Option<StripePlan>; 2]>,
}

impl<'a, 'b> Table<'a, 'b> {
    pub fn new(flow: &'b Flow<'a>, groups: &'b Groups<'a, 'b>) -> Table<'a, 'b> {
        let grids = flow.nodes.iter().map(|_| OnceLock::new()).collect();
        Table { flow, groups, grids, alike: OnceLock::new(), by_rule: OnceLock::new() }
    }

    /// The plans by rule, where all operators fit.
    pub fn by_rule(&self) -> impl Iterator<Item = &StripePlan> {
        self.by_rule.get_or_init(|| [cascades(self), layer_by_layer(self)]).iter().flatten()
    }

    /// The grids of a node that fit and are not dominated.
    pub fn grids(&self, node: usize) -> &[Grid] {
        let first = self.alike.get_or_init(|| self.first_alike())[node];
        self.grids[node].get_or_init(|| match first {
            _ if first == node => grids(self.flow, node),
            first => {
                let nodes = &self.flow.nodes;
                self.grids(first).iter().map(|it| it.of(&nodes[first], node, &nodes[node])).collect()
            }
        })
    }

    /// By node: the first node that is split alike.
    fn first_alike(&self) -> Vec<usize> {
        let nodes = &self.flow.nodes;
        let mut distinct: Vec<usize> = Vec::new();
        let mut first = |node: usize| {
            let known = distinct.iter().copied().find(|it| is_cut_alike(self.flow, &nodes[*it], &nodes[node]));
            known.unwrap_or_else(|| {
                distinct.push(node);
                node
            })
        };
        (0..nodes.len()).map(&mut first).collect()
    }
}
