//! Merges blocks of pieces of one tensor for display.
//!
//! A tensor in pieces has many blocks, often adjacent. Blocks that form a rectangle are merged into one area; areas
//! that touch form a patch, which needs only one name.

use crate::{Block, Content, Exhibit, Picture};
use cosma_planner::{Bytes, Step};
use std::ops::Range;

/// A rectangle of steps and addresses that pieces of one tensor fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Area {
    /// A block of it.
    pub block: usize,
    pub steps: Range<Step>,
    pub offset: Bytes,
    pub size: Bytes,
    pub n_blocks: usize,
}

/// Blocks with the same key may be merged: the family of the tensor, and whether it has non-compulsory transfers.
type Key = (usize, bool);

/// The areas of all blocks of tensors that have bytes, ordered by their first block.
pub(crate) fn areas(exhibit: &Exhibit, picture: &Picture) -> Vec<Area> {
    let mut areas: Vec<(Key, Area)> = Vec::new();
    for (index, block) in picture.blocks.iter().enumerate().filter(|it| it.1.size != Bytes::ZERO) {
        let Content::Tensor(tensor) = block.content else { continue };
        let Block { steps, offset, size, .. } = block.clone();
        let key = (exhibit.tensor_family(tensor), picture.is_moved(block));
        areas.push((key, Area { block: index, steps, offset, size, n_blocks: 1 }));
    }
    let alignment = exhibit.problem.machine.alignment();
    // Side by side for the same steps; padding between is no gap.
    areas.sort_by_key(|(key, it)| (*key, it.steps.start, it.steps.end, it.offset));
    areas = joined(areas, |it, next| {
        let is_same = it.steps == next.steps;
        (is_same && next.offset == (it.offset + it.size).align_up(alignment)).then(|| Area {
            size: next.offset.saturating_sub(it.offset) + next.size,
            n_blocks: it.n_blocks + next.n_blocks,
            ..it.clone()
        })
    });
    // One after the other at the same place.
    areas.sort_by_key(|(key, it)| (*key, it.offset, it.size, it.steps.start));
    areas = joined(areas, |it, next| {
        let is_same = (it.offset, it.size) == (next.offset, next.size);
        (is_same && it.steps.start <= next.steps.start && next.steps.start <= it.steps.end).then(|| Area {
            steps: it.steps.start..it.steps.end.max(next.steps.end),
            n_blocks: it.n_blocks + next.n_blocks,
            ..it.clone()
        })
    });
    let mut areas: Vec<Area> = areas.into_iter().map(|it| it.1).collect();
    areas.sort_by_key(|it| it.block);
    areas
}

/// Joins each with the next as long as they have the same key and can be joined.
fn joined(areas: Vec<(Key, Area)>, join: impl Fn(&Area, &Area) -> Option<Area>) -> Vec<(Key, Area)> {
    let mut all: Vec<(Key, Area)> = Vec::new();
    for (key, area) in areas {
        if let Some((last, known)) = all.last_mut()
            && *last == key
            && let Some(both) = join(known, &area)
        {
            *known = both;
            continue;
        }
        all.push((key, area));
    }
    all
}

/// By patch of touching areas of one family: the area with the most steps and bytes, which has room for a name.
pub(crate) fn largest_of_patches(exhibit: &Exhibit, picture: &Picture, areas: &[Area]) -> Vec<usize> {
    let family = |it: &Area| match picture.blocks[it.block].content {
        Content::Tensor(tensor) => exhibit.tensor_family(tensor),
        Content::Workspace(_) => usize::MAX,
    };
    let mut patch: Vec<usize> = (0..areas.len()).collect();
    let mut order: Vec<usize> = patch.clone();
    order.sort_by_key(|it| (family(&areas[*it]), areas[*it].steps.start, *it));
    for (at, &index) in order.iter().enumerate() {
        for &other in &order[at + 1..] {
            // Later ones begin later still.
            if family(&areas[index]) != family(&areas[other]) || areas[index].steps.end < areas[other].steps.start {
                break;
            }
            if touches(exhibit, &areas[index], &areas[other]) {
                let (one, two) = (root(&patch, index), root(&patch, other));
                patch[one.max(two)] = one.min(two);
            }
        }
    }
    let extent =
        |it: &usize| u128::from(areas[*it].size.0) * u128::from(areas[*it].steps.end.0 - areas[*it].steps.start.0);
    let mut largest: Vec<Option<usize>> = vec![None; areas.len()];
    for index in 0..areas.len() {
        let known = &mut largest[root(&patch, index)];
        if known.is_none_or(|it| extent(&it) < extent(&index)) {
            *known = Some(index);
        }
    }
    largest.into_iter().flatten().collect()
}

fn root(patch: &[usize], mut index: usize) -> usize {
    while patch[index] != index {
        index = patch[index];
    }
    index
}

/// Whether two areas have a common border; padding is not a gap.
fn touches(exhibit: &Exhibit, one: &Area, two: &Area) -> bool {
    let alignment = exhibit.problem.machine.alignment();
    let end = |it: &Area| (it.offset + it.size).align_up(alignment);
    let at_once = one.steps.start <= two.steps.end && two.steps.start <= one.steps.end;
    at_once && one.offset <= end(two) && two.offset <= end(one)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cosma_planner::testing::{Shape, seeded_problem};
    use cosma_planner::{Problem, greedy_plan};

    /// A greedy plan of a random problem whose tensors are pieces of three.
    fn exhibit(problem: &Problem) -> Exhibit {
        let actions = greedy_plan(problem).expect("there is a plan").actions(problem);
        let mut exhibit = Exhibit::new("net", problem.clone(), actions);
        exhibit.families.of_tensor.iter_mut().for_each(|it| *it %= 3);
        exhibit
    }

    #[test]
    fn areas_hold_their_blocks_and_no_others() {
        let mut n_merged = 0;
        for seed in 0..60 {
            let exhibit = exhibit(&seeded_problem(Shape::SMALL, seed));
            let picture = Picture::new(&exhibit);
            let areas = areas(&exhibit, &picture);
            let tensor = |block: &Block| match block.content {
                Content::Tensor(tensor) => Some(tensor),
                Content::Workspace(_) => None,
            };
            let of_block = |it: &Block| tensor(it).map(|tensor| (exhibit.tensor_family(tensor), picture.is_moved(it)));
            let overlaps = |area: &Area, it: &Block| {
                area.steps.start < it.steps.end
                    && it.steps.start < area.steps.end
                    && area.offset < it.offset + it.size
                    && it.offset < area.offset + area.size
            };
            let shown = || picture.blocks.iter().filter(|it| it.size != Bytes::ZERO && tensor(it).is_some());
            assert_eq!(areas.iter().map(|it| it.n_blocks).sum::<usize>(), shown().count(), "{seed}");
            for block in shown() {
                let holds = |it: &&Area| {
                    it.steps.start <= block.steps.start
                        && block.steps.end <= it.steps.end
                        && it.offset <= block.offset
                        && block.offset + block.size <= it.offset + it.size
                        && of_block(&picture.blocks[it.block]) == of_block(block)
                };
                assert!(areas.iter().any(|it| holds(&it)), "{seed}: {block:?}");
                let is_in_place = !block.in_place_of.is_empty()
                    || picture.blocks.iter().any(|it| it.in_place_of.iter().any(|it| picture.blocks[*it] == *block));
                let foreign = areas.iter().filter(|it| of_block(&picture.blocks[it.block]) != of_block(block));
                assert!(is_in_place || foreign.clone().all(|it| !overlaps(it, block)), "{seed}: {block:?}");
            }
            n_merged += areas.iter().filter(|it| 1 < it.n_blocks).count();
            let patches = largest_of_patches(&exhibit, &picture, &areas);
            assert!(patches.len() <= areas.len() && (areas.is_empty() || !patches.is_empty()));
        }
        assert!(10 <= n_merged, "{n_merged}");
    }
}
