//! Time for the search: only the steps at which the most blocks meet.

use super::block::Block;
use super::budget::Budget;

/// Rows of a table, one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows<T> {
    starts: Vec<u32>,
    items: Vec<T>,
}

impl<T> Rows<T> {
    /// One row after the other.
    pub fn new(rows: impl IntoIterator<Item = impl IntoIterator<Item = T>>) -> Rows<T> {
        let mut table = Rows { starts: vec![0], items: Vec::new() };
        for row in rows {
            table.items.extend(row);
            table.starts.push(table.items.len() as u32);
        }
        table
    }

    /// Rows of these lengths, to be filled.
    fn of_lengths(lengths: &[usize]) -> Rows<T>
    where
        T: Clone + Default,
    {
        let mut starts = vec![0];
        let mut end = 0;
        for length in lengths {
            end += length;
            starts.push(end as u32);
        }
        Rows { starts, items: vec![T::default(); end] }
    }

    /// The rows without duplicate elements.
    fn without_repeats(mut self) -> Rows<T>
    where
        T: Copy + PartialEq,
    {
        let (mut read, mut written) = (0, 0);
        for row in 1..self.starts.len() {
            let start = written;
            let end = self.starts[row] as usize;
            for at in read..end {
                let item = self.items[at];
                if written == start || self.items[written - 1] != item {
                    self.items[written] = item;
                    written += 1;
                }
            }
            read = end;
            self.starts[row] = written as u32;
        }
        self.items.truncate(written);
        self
    }

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// The number of elements in all rows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The row with an index.
    pub fn row(&self, row: usize) -> &[T] {
        &self.items[self.range(row)]
    }

    /// The row with an index, mutable.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        let range = self.range(row);
        &mut self.items[range]
    }
}

/// The sections of time: a minimal set.
///
/// Blocks share a step if and only if they share a section. No section has all the blocks of a neighbouring one, which
/// could then never be the one that is too full. In other words, the sections are the maximal cliques of the interval
/// graph, in order.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    /// Number of sections.
    pub count: usize,
    /// By block: its sections, half-open and ascending.
    pub spans: Rows<(u32, u32)>,
    /// By section: its blocks.
    pub live: Rows<u32>,
}

impl Sections {
    /// The sections of these blocks.
    pub fn new(blocks: &[Block]) -> Sections {
        let mut events: Vec<(u32, bool)> =
            blocks.iter().flat_map(|it| &it.spans).flat_map(|(start, end)| [(*start, true), (*end, false)]).collect();
        // Ends come before starts: if one block ends where another starts, they do not meet.
        events.sort_unstable();
        let mut count = 0;
        let mut ended = true;
        // The section that each step with an event begins in or belongs to.
        let mut section_of: Vec<(u32, u32)> = Vec::new();
        for (step, starts) in events {
            if starts && ended {
                count += 1;
            }
            ended = !starts;
            match section_of.last_mut() {
                Some(last) if last.0 == step => last.1 = count,
                _ => section_of.push((step, count)),
            }
        }
        // A span ends in the section before the event of its end, whatever starts there.
        let at = |step: u32| section_of.partition_point(|it| it.0 < step);
        let spans = Rows::new(blocks.iter().map(|block| {
            let section = |(start, end): &(u32, u32)| (section_of[at(*start)].1 - 1, section_of[at(*end) - 1].1);
            block.spans.iter().map(section).collect::<Vec<_>>()
        }));
        let mut live = vec![Vec::new(); count as usize];
        for block in 0..blocks.len() {
            for (start, end) in spans.row(block) {
                for section in *start..*end {
                    live[section as usize].push(block as u32);
                }
            }
        }
        Sections { count: count as usize, spans, live: Rows::new(live) }
    }

    /// By block: the blocks that it meets, ascending; `None` if the budget is exhausted first.
    ///
    /// It takes a step for each pair that meets, and no more memory than the result.
    pub fn neighbours(&self, n_blocks: usize, budget: &mut Budget<'_>) -> Option<Rows<u32>> {
        let mut counts = vec![0; n_blocks];
        self.each_meeting(budget, |block, other| {
            counts[block as usize] += 1;
            counts[other as usize] += 1;
        })?;
        let mut rows = Rows::of_lengths(&counts);
        let mut ends = counts;
        ends.fill(0);
        self.each_meeting(budget, |block, other| {
            for (one, other) in [(block as usize, other), (other as usize, block)] {
                rows.row_mut(one)[ends[one]] = other;
                ends[one] += 1;
            }
        })?;
        (0..n_blocks).for_each(|block| rows.row_mut(block).sort_unstable());
        // With gaps, two blocks can meet more than once.
        let has_gaps = (0..n_blocks).any(|block| 1 < self.spans.row(block).len());
        Some(if has_gaps { rows.without_repeats() } else { rows })
    }

    /// Each pair of blocks that meet, once for each time that one of them begins while the other is live.
    fn each_meeting(&self, budget: &mut Budget<'_>, mut with: impl FnMut(u32, u32)) -> Option<()> {
        for section in 0..self.count {
            let live = self.live.row(section);
            let enters =
                |it: u32| self.spans.row(it as usize).binary_search_by_key(&(section as u32), |it| it.0).is_ok();
            let (new, old): (Vec<u32>, Vec<u32>) = live.iter().partition(|it| enters(**it));
            for (at, block) in new.iter().enumerate() {
                if budget.spend(old.len() + at) {
                    return None;
                }
                old.iter().chain(&new[..at]).for_each(|other| with(*block, *other));
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Deadline;

    #[test]
    fn neighbours_come_once_and_not_out_of_time() {
        let block = |owner, spans: &[(u32, u32)]| {
            let spans = spans.to_vec();
            Block { owner, spans, room: 1, lowest: 0, highest: 9, alignment: 1 }
        };
        let blocks = [block(0, &[(0, 2), (4, 6)]), block(1, &[(1, 5)]), block(2, &[(5, 7)]), block(3, &[(2, 4)])];
        let sections = Sections::new(&blocks);
        let rows = sections.neighbours(4, &mut Budget::new(Deadline::NEVER)).expect("there is time");
        let neighbours: Vec<&[u32]> = (0..4).map(|block| rows.row(block)).collect();
        assert_eq!(neighbours, [&[1, 2][..], &[0, 3], &[0], &[1]]);
        let many: Vec<Block> = (0..200).map(|owner| block(owner, &[(0, 1)])).collect();
        let sections = Sections::new(&many);
        let over = &mut Budget::new(Deadline::after(std::time::Duration::ZERO));
        assert!(sections.neighbours(200, over).is_none());
        assert!(sections.neighbours(200, &mut over.granting(1 << 20)).is_some());
    }
}
