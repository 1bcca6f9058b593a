//! Why a tensor left: the step while it was away in which there was no room for it.

use super::{name_step, present};
use crate::units::{bytes_text, plain};
use crate::{Content, Exhibit, Link, Picture};
use cosma_planner::{Bytes, Step, TensorId};
use std::cmp::Reverse;
use std::fmt::{self, Write};

/// Tensors that are named in a step.
const MOST_NAMED: usize = 8;

/// What became of a tensor, and for each time that it was away, what forced it out.
/// `rooms` are those that are taken in each step; `told` is the step of which was last said who lies
/// there.
pub(super) fn write(
    exhibit: &Exhibit,
    picture: &Picture,
    rooms: &[Bytes],
    tensor: TensorId,
    told: &mut Option<Step>,
    f: &mut String,
) -> fmt::Result {
    let size = exhibit.size(tensor);
    let cost = picture.costs[tensor.index()];
    writeln!(
        f,
        "  {}, {}: {}, {}",
        plain(exhibit.tensor_name(tensor)),
        bytes_text(size),
        cost.times(),
        bytes_text(cost.non_compulsory(size))
    )?;
    if exhibit.problem.graph.readers(tensor).is_empty() {
        return writeln!(f, "    a streamed weight passes by for each operator that reads it");
    }
    let of_tensor = |it: &&Link| picture.blocks[it.from].content == Content::Tensor(tensor);
    for link in picture.links.iter().filter(of_tensor) {
        write_gap(exhibit, picture, rooms, link, told, f)?;
    }
    Ok(())
}

fn write_gap(
    exhibit: &Exhibit,
    picture: &Picture,
    rooms: &[Bytes],
    link: &Link,
    told: &mut Option<Step>,
    f: &mut String,
) -> fmt::Result {
    let (left, back) = (picture.blocks[link.from].steps.end, picture.blocks[link.to].steps.start);
    let how = if link.is_spilled { "spilled" } else { "dropped, as host memory has a copy," };
    let until = name_step(exhibit, picture, back.index());
    write!(f, "    {how} after step {}, back for step {until}", left.0 - 1)?;
    let problem = &exhibit.problem;
    let (capacity, room) = (problem.capacity(), picture.blocks[link.from].size.align_up(problem.machine.alignment()));
    let fullest = (left.0..back.0).map(Step).max_by_key(|it| (rooms[it.index()], Reverse(*it)));
    let Some(fullest) = fullest else {
        return writeln!(f, ": it moved to another address");
    };
    let taken = rooms[fullest.index()];
    let pressed = name_step(exhibit, picture, fullest.index());
    if taken + room <= capacity {
        return writeln!(
            f,
            "\n      in no step between was the sum of what lay there too large ({} of {} in step {pressed}): \
             what was free lay in pieces, or this program is not the best",
            bytes_text(taken + room),
            bytes_text(capacity)
        );
    }
    writeln!(
        f,
        "\n      no room in step {pressed}: {} lie there, and {} would make {} of {}",
        bytes_text(taken),
        bytes_text(room),
        bytes_text(taken + room),
        bytes_text(capacity)
    )?;
    if told.replace(fullest) == Some(fullest) {
        return writeln!(f, "      there: as said above");
    }
    let there = present(exhibit, picture, fullest);
    let named = there.iter().take(MOST_NAMED).map(|(it, next)| {
        let why = match next {
            Some(next) if *next == fullest => "in use".to_owned(),
            Some(next) => format!("for step {next}"),
            None => "not needed".to_owned(),
        };
        format!("{} {} ({why})", plain(exhibit.tensor_name(*it)), bytes_text(exhibit.size(*it)))
    });
    let mut named: Vec<String> = named.collect();
    let workspace = problem.graph.op(picture.order[fullest.index()]).workspace;
    if workspace != Bytes::ZERO {
        named.push(format!("workspace {}", bytes_text(workspace)));
    }
    let more = there.len().saturating_sub(MOST_NAMED);
    let more = if 0 < more { format!(" and {more} more") } else { String::new() };
    writeln!(f, "      there: {}{more}", named.join(", "))
}

/// The rooms of all that lies in the scratchpad, by step; what a result shares with operands in the step
/// that writes it counts once.
pub(super) fn rooms(exhibit: &Exhibit, picture: &Picture) -> Vec<Bytes> {
    let mut rooms = vec![Bytes::ZERO; picture.n_steps()];
    for block in &picture.blocks {
        let room = |size: Bytes| size.align_up(exhibit.problem.machine.alignment());
        let steps = block.steps.start.index()..block.steps.end.index();
        rooms[steps.clone()].iter_mut().for_each(|it| *it += room(block.size));
        rooms[steps.start] -= picture.shared(block).map(room).sum();
    }
    rooms
}
