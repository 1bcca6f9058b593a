//! Which loops of an operator are cut into how many parts.

use super::moments::Moments;
use super::{Cut, Grid, Halos};
use crate::access::DimKind;
use crate::flow::{Flow, Node};
use crate::{Access, Region};

/// Loops of an operator that are cut, at most: those on which most bytes depend.
const MAX_LOOPS: usize = 3;
/// Those of them that are cut beside the loop over which the operator adds up.
const MAX_LOOPS_OF_SUMS: usize = 2;
/// How many quarters of the scratchpad grids leave to other tensors.
const LEFT: [u64; 4] = [0, 1, 2, 3];

/// The parallel loops on which most bytes depend, and the numbers of parts that are tried for each.
fn candidates(flow: &Flow, node: &Node, access: &Access) -> Vec<(usize, Vec<u64>)> {
    let maps = || {
        let operands = access.operands.iter().zip(&node.operands);
        operands.chain(access.results.iter().zip(&node.results))
    };
    let weight = |dim: usize| -> u64 {
        let depends = maps().filter(|(map, _)| map.0.iter().any(|it| it.terms.iter().any(|term| term.0 == dim)));
        depends.map(|(_, tensor)| flow.stream(*tensor).bytes).sum()
    };
    let may_be_cut = |dim: &usize| access.domain[*dim].kind == DimKind::Parallel && 1 < access.domain[*dim].size;
    let mut dims: Vec<usize> = (0..access.domain.len()).filter(may_be_cut).collect();
    dims.sort_by_key(|it| (std::cmp::Reverse(weight(*it)), *it));
    dims.truncate(MAX_LOOPS);
    dims.into_iter().map(|dim| (dim, part_counts(access.domain[dim].size))).collect()
}

/// Numbers of parts of a loop: small ones, then by a half more, and single iterations.
fn part_counts(size: u64) -> Vec<u64> {
    let mut counts = Vec::new();
    let mut count = 1;
    while count < size {
        counts.push(count);
        count = (count + 1).max(count * 3 / 2);
    }
    counts.push(size);
    counts
}

/// All orders of loops.
pub(super) fn orders(loops: &[(usize, u64)]) -> Vec<Loops> {
    let mut orders: Vec<Loops> = vec![Vec::new()];
    for cut in loops {
        let inserted = |order: &Loops| {
            let at = |place: usize| [&order[..place], &[*cut], &order[place..]].concat();
            (0..=order.len()).map(at).collect::<Vec<_>>()
        };
        orders = orders.iter().flat_map(inserted).collect();
    }
    orders
}

/// Pairs of a loop and a number of parts, the outermost first.
pub(crate) type Loops = Vec<(usize, u64)>;

/// The loops of an operator that may be cut.
pub(super) struct LoopNest<'a, 'b> {
    flow: &'b Flow<'a>,
    index: usize,
    node: &'b Node,
    pub access: &'b Access,
    /// The parallel loops on which most bytes depend, and the numbers of parts that are tried for each.
    candidates: Vec<(usize, Vec<u64>)>,
    moments: Moments,
}

impl<'a, 'b> LoopNest<'a, 'b> {
    /// None if nothing says how it reads its operands.
    pub fn new(flow: &'b Flow<'a>, index: usize) -> Option<LoopNest<'a, 'b>> {
        let node = &flow.nodes[index];
        let access = node.access.as_ref()?;
        let (candidates, moments) = (candidates(flow, node, access), Moments::new(flow, node, access));
        Some(LoopNest { flow, index, node, access, candidates, moments })
    }

    pub fn cut<'c>(&'c self, loops: &'c [(usize, u64)]) -> Cut<'a, 'c> {
        let part = |it: Region, &(dim, n_parts): &(usize, u64)| {
            it.with_range(dim, 0..self.access.domain[dim].size.div_ceil(n_parts))
        };
        let domain = loops.iter().fold(self.access.whole(), part);
        let moments = self.moments.of(self.access, loops);
        let moving = self.moments.dim;
        Cut { flow: self.flow, node: self.node, access: self.access, loops, domain, moving, moments }
    }

    pub fn grid(&self, loops: Loops, halos: &mut Halos) -> Grid {
        Grid::new(&self.cut(&loops), self.index, halos)
    }

    /// Numbers of parts of the loops but for the first: of one of them all, of the others fewer.
    pub fn parts_of_others(&self) -> Vec<Loops> {
        let mut found: Vec<Loops> = vec![Vec::new()];
        for (dim, counts) in self.candidates.iter().skip(1) {
            let with = |others: &Loops| {
                let is_tried = |at: usize| others.is_empty() || at % 2 == 1 || at + 1 == counts.len();
                let longer = |at: usize| [&others[..], &[(*dim, counts[at])]].concat();
                (1..counts.len()).filter(|at| is_tried(*at)).map(longer).collect::<Vec<_>>()
            };
            let longer: Vec<Loops> = found.iter().flat_map(with).collect();
            found.extend(longer);
        }
        found
    }

    /// All numbers of parts of the first loop beside those of the others, ascending.
    pub fn blocks_beside(&self, others: &Loops) -> Vec<Loops> {
        let Some((dim, counts)) = self.candidates.first() else { return vec![others.clone()] };
        let cut = |count: &u64| Some((*dim, *count)).filter(|it| it.1 != 1);
        counts.iter().map(|count| cut(count).into_iter().chain(others.iter().copied()).collect()).collect()
    }

    /// Numbers of parts of parallel loops: of the first of them the fewest that fit so much of the scratchpad.
    pub fn blocks_that_fit(&self) -> Vec<Loops> {
        let mut found = Vec::new();
        for others in self.parts_of_others() {
            let blocks = self.blocks_beside(&others).into_iter();
            let mut blocks = blocks.map(|it| (self.cut(&it).room(), it));
            let mut least = u64::MAX;
            for room in self.rooms() {
                if room < least {
                    let Some((needed, loops)) = blocks.find(|it| it.0 <= room) else { break };
                    found.push(loops);
                    least = needed;
                }
            }
        }
        found
    }

    /// How much of the scratchpad grids may take.
    fn rooms(&self) -> impl Iterator<Item = u64> {
        let all = self.flow.scratchpad;
        LEFT.into_iter().map(move |it| all - all / 4 * it)
    }

    /// Numbers of parts of as many loops as are cut beside sums, and single results for what fits in nothing else.
    pub fn blocks_of_sums(&self) -> Vec<Loops> {
        let others = self.parts_of_others();
        let mut blocks: Vec<Loops> = others.iter().flat_map(|it| self.blocks_beside(it)).collect();
        blocks.retain(|it| it.len() <= MAX_LOOPS_OF_SUMS);
        if MAX_LOOPS_OF_SUMS < self.candidates.len() {
            blocks.push(self.finest());
        }
        blocks
    }

    /// Single iterations of all loops.
    pub fn finest(&self) -> Loops {
        self.candidates.iter().map(|it| (it.0, self.access.domain[it.0].size)).collect()
    }

    /// Blocks cut into parts of their sums: in the fewest parts that fit so much of the scratchpad, where the whole
    /// sums do not.
    pub fn in_parts(&self, loops: &Loops, dim: usize) -> Vec<Loops> {
        let size = self.access.domain[dim].size;
        let of = |n_parts: u64| -> Loops {
            let parts = (1 < n_parts).then_some((dim, n_parts));
            loops.iter().copied().chain(parts).collect()
        };
        let room_of = |n_parts: u64| self.cut(&of(n_parts)).room();
        let mut found: Vec<Loops> = Vec::new();
        let least = room_of(size);
        if self.flow.scratchpad < least {
            return found;
        }
        let counts = part_counts(size);
        let (whole, halves) = (room_of(1), room_of(2));
        let mut last = u64::MAX;
        for room in self.rooms() {
            if room < least || whole <= room || last <= room {
                continue;
            }
            // What comes in parts takes the less, the more they are; then some more, as they are rounded up.
            let about = 2 * halves.saturating_sub(least) / (room - least + 1);
            let more = counts.iter().filter(|it| about.max(2).min(size) <= **it).map(|it| (room_of(*it), *it));
            if let Some((needed, n_parts)) = more.into_iter().find(|it| it.0 <= room) {
                found.push(of(n_parts));
                last = needed;
            }
        }
        found
    }
}
