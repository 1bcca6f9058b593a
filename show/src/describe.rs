//! Tooltips of blocks, of evictions, and of steps in which more is live than fits.

use crate::colour::Kind;
use crate::explain::{Eviction, Reasons};
use crate::units::{bytes_text, exactly, plain};
use crate::{Block, Content, Cost, Exhibit, Link, Picture};
use cosma_planner::{Bytes, Step};
use std::ops::Range;

/// The tip of a block that is kept from run to run.
pub(crate) const KEPT: &str = "kept from run to run: loaded once, before the first run";

/// The tips of one program.
pub(crate) struct Tips<'a> {
    pub exhibit: &'a Exhibit,
    pub picture: &'a Picture,
    reasons: Reasons<'a>,
    /// By block: the eviction after it, and the one before it.
    around: Vec<[Option<usize>; 2]>,
}

impl<'a> Tips<'a> {
    pub fn new(exhibit: &'a Exhibit, picture: &'a Picture) -> Tips<'a> {
        let mut around = vec![[None; 2]; picture.blocks.len()];
        for (index, link) in picture.links.iter().enumerate() {
            around[link.from][0] = Some(index);
            around[link.to][1] = Some(index);
        }
        Tips { exhibit, picture, reasons: Reasons::new(exhibit, picture), around }
    }

    /// Describes a block, and why its tensor was reloaded before it and evicted after it.
    pub fn block(&self, index: usize) -> String {
        let block = &self.picture.blocks[index];
        let mut lines = vec![describe_block(self.exhibit, self.picture, block)];
        lines.extend(self.notes(block));
        let [behind, before] = self.around[index];
        for eviction in before.into_iter().chain(behind).map(|it| self.eviction(&self.picture.links[it])) {
            lines.push(eviction.how);
            lines.extend(eviction.why);
        }
        lines.join("\n")
    }

    /// Why the tensor of a link was out, and which tensors were in its way.
    pub fn link(&self, link: &Link) -> String {
        let Content::Tensor(tensor) = self.picture.blocks[link.from].content else { return String::new() };
        let Eviction { how, why, full } = self.eviction(link);
        let mut lines = vec![format!("{}: {how}", plain(self.exhibit.tensor_name(tensor)))];
        lines.extend(why);
        lines.extend(full.map(|it| format!("in use: {}", self.present(it))));
        lines.join("\n")
    }

    /// Why the tensor of a link was out. Tiles have many links, and a list of the tensors in the way for each would
    /// be far longer than the rest, so it is omitted there.
    pub fn eviction(&self, link: &Link) -> Eviction {
        let eviction = self.reasons.eviction(link);
        Eviction { full: eviction.full.filter(|_| !self.exhibit.is_tiled()), ..eviction }
    }

    /// Why a tensor is moved whatever its address.
    pub fn notes(&self, block: &Block) -> Vec<String> {
        match block.content {
            Content::Tensor(tensor) if self.picture.is_moved(block) => self.reasons.notes(tensor),
            _ => Vec::new(),
        }
    }

    /// The tensors in the scratchpad in a step, and the step for which each is needed.
    pub fn present(&self, step: Step) -> String {
        self.reasons.present(step)
    }

    /// By how much the live bytes exceed the scratchpad.
    pub fn oversubscribed(&self, steps: &Range<Step>) -> String {
        let scratchpad = self.exhibit.problem.machine.scratchpad();
        let live = |it: &u32| self.picture.live[*it as usize];
        let most = (steps.start.0..steps.end.0).rev().max_by_key(live).expect("there is a step");
        let name =
            |step: u32| format!("{step} ({})", plain(self.exhibit.operator_name(self.picture.order[step as usize])));
        let which = if steps.start.next() == steps.end {
            format!("step {}", name(most))
        } else {
            format!("steps {} to {}, most in {}", steps.start, steps.end.0 - 1, name(most))
        };
        let excess = live(&most).saturating_sub(scratchpad);
        format!("{which}: {} live, {} more than the scratchpad holds", bytes_text(live(&most)), bytes_text(excess))
    }
}

/// Name, kind, size, steps, addresses, and non-compulsory transfers, on two or three lines. A block that is larger
/// than its tensor represents several adjacent pieces.
pub(crate) fn describe_block(exhibit: &Exhibit, picture: &Picture, block: &Block) -> String {
    let place = format!(
        "steps {} to {}, bytes {} to {}",
        block.steps.start,
        block.steps.end.0 - 1,
        exactly(block.offset),
        exactly(block.offset + block.size)
    );
    let tensor = match block.content {
        Content::Workspace(op) => {
            return format!("workspace of {}: {}\n{place}", plain(exhibit.operator_name(op)), bytes_text(block.size));
        }
        Content::Tensor(tensor) => tensor,
    };
    let is_merged = block.size != exhibit.size(tensor);
    let name =
        if is_merged { &exhibit.families.tensors[exhibit.tensor_family(tensor)] } else { exhibit.tensor_name(tensor) };
    let mut lines = vec![
        format!("{}: {}, {}", plain(name), Kind::of_tensor(exhibit, tensor).name(), bytes_text(block.size)),
        place,
    ];
    if is_merged && picture.is_moved(block) {
        let family = exhibit.tensor_family(tensor);
        let pieces = exhibit.problem.graph.tensor_ids().filter(|it| exhibit.tensor_family(*it) == family);
        let costs: Vec<_> = pieces.map(|it| (picture.costs[it.index()], exhibit.size(it))).collect();
        let moved: Bytes = costs.iter().map(|(cost, size)| cost.non_compulsory(*size)).sum();
        let times = costs.iter().map(|it| it.0).sum::<Cost>().times();
        lines.push(format!("{times}, of all its pieces: {}", bytes_text(moved)));
    }
    if is_merged {
        return lines.join("\n");
    }
    if block.is_kept {
        lines.push(KEPT.to_owned());
    }
    let cost = picture.costs[tensor.index()];
    let moved = cost.non_compulsory(block.size);
    if 0 < moved.0 {
        lines.push(format!("{}: {}", cost.times(), bytes_text(moved)));
    }
    lines.extend(flights(block));
    lines.join("\n")
}

/// The steps in which a tensor of a block is in transit into and out of the scratchpad, if any.
pub(crate) fn flights(block: &Block) -> Vec<String> {
    let mut lines = Vec::new();
    for (is_inward, way) in [(true, "in"), (false, "out")] {
        let flights = || block.flights.iter().filter(|it| it.is_inward == is_inward);
        let steps = flights().map(|it| it.steps.start).min().zip(flights().map(|it| it.steps.end).max());
        let slices = if 1 < flights().count() { format!(", in {} slices", flights().count()) } else { String::new() };
        lines.extend(steps.map(|it| format!("on its way {way}: steps {} to {}{slices}", it.0, it.1.0 - 1)));
    }
    lines
}
