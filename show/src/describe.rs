//! The description of a block in a tooltip.

use crate::colour::Kind;
use crate::units::{bytes_text, exactly};
use crate::{Block, Content, Exhibit, Picture};

/// Name, kind, size, steps, addresses, and non-compulsory transfers, on two or three lines. A block that is larger than
/// its tensor stands for several pieces side by side.
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
            return format!("workspace of {}: {}\n{place}", exhibit.operator_name(op), bytes_text(block.size));
        }
        Content::Tensor(tensor) => tensor,
    };
    let is_merged = block.size != exhibit.size(tensor);
    let name =
        if is_merged { &exhibit.families.tensors[exhibit.tensor_family(tensor)] } else { exhibit.tensor_name(tensor) };
    let mut lines =
        vec![format!("{}: {}, {}", name, Kind::of_tensor(exhibit, tensor).name(), bytes_text(block.size)), place];
    if is_merged {
        return lines.join("\n");
    }
    let cost = picture.costs[tensor.index()];
    let moved = cost.non_compulsory(block.size);
    if 0 < moved.0 {
        lines.push(format!("{}: {}", cost.times(), bytes_text(moved)));
    }
    lines.extend(flights(block));
    lines.join("\n")
}

/// In which steps a tensor of a block is on its way in, and in which out, each if there are such steps.
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
