//! Time as the search sees it: only the steps at which the most blocks meet.

use super::block::Block;

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

    fn range(&self, row: usize) -> std::ops::Range<usize> {
        self.starts[row] as usize..self.starts[row + 1] as usize
    }

    /// The number of items in all rows.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The row of a number.
    pub fn row(&self, row: usize) -> &[T] {
        &self.items[self.range(row)]
    }

    /// The row of a number, to be changed.
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        let range = self.range(row);
        &mut self.items[range]
    }
}

/// The sections of time, as few as will do.
///
/// Blocks that share a step share a section and the other way round. Of neighbouring sections none
/// has all the blocks of the other: such a section could never be the one that is too full. In
/// other words, the sections are the maximal cliques of the interval graph, in order.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    /// Number of sections.
    pub count: usize,
    /// Per block its sections: half-open, in order.
    pub spans: Rows<(u32, u32)>,
    /// Per section its blocks.
    pub live: Rows<u32>,
}

impl Sections {
    /// The sections of these blocks.
    pub fn new(blocks: &[Block]) -> Sections {
        let mut events: Vec<(u32, bool)> =
            blocks.iter().flat_map(|it| &it.spans).flat_map(|(start, end)| [(*start, true), (*end, false)]).collect();
        // Ends before starts: where one block ends and another starts, they do not meet.
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

    /// Per block the blocks that it meets.
    pub fn neighbours(&self, n_blocks: usize) -> Rows<u32> {
        let mut rows = vec![Vec::new(); n_blocks];
        for section in 0..self.count {
            let live = self.live.row(section);
            let enters =
                |it: u32| self.spans.row(it as usize).binary_search_by_key(&(section as u32), |it| it.0).is_ok();
            let (new, old): (Vec<u32>, Vec<u32>) = live.iter().partition(|it| enters(**it));
            for (at, block) in new.iter().enumerate() {
                for other in old.iter().chain(&new[..at]) {
                    rows[*block as usize].push(*other);
                    rows[*other as usize].push(*block);
                }
            }
        }
        // With gaps, two blocks can meet more than once.
        for row in &mut rows {
            row.sort_unstable();
            row.dedup();
        }
        Rows::new(rows)
    }
}
