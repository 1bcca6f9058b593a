//! The best of the intervals within another one, with removal.

/// A tree over intervals as points in the plane, split alternately by start and by end (k-d tree, Bentley 1975). Each
/// node has the best key below it and the bounds of its points.
pub(super) struct Contained {
    points: Vec<Point>,
    nodes: Vec<Node>,
    /// By interval: the index of its point.
    places: Vec<u32>,
    /// The depth, which limits the number of points of a leaf.
    depth: u32,
}

#[derive(Clone, Copy)]
struct Point {
    start: u32,
    end: u32,
    /// Zero if removed.
    key: u64,
    id: u32,
}

#[derive(Clone, Copy)]
struct Node {
    latest_start: u32,
    earliest_end: u32,
    key: u64,
}

/// The best point so far.
struct Best<F> {
    key: u64,
    id: Option<u32>,
    /// The number of visited nodes and points.
    visited: usize,
    may_take: F,
}

const LEAF: usize = 8;

impl Contained {
    /// A tree of intervals with their keys, which are positive and distinct.
    pub fn new(intervals: &[(u32, u32)], keys: &[u64]) -> Contained {
        let point = |(id, ((start, end), key)): (usize, (&(u32, u32), &u64))| Point {
            start: *start,
            end: *end,
            key: *key,
            id: id as u32,
        };
        let mut points: Vec<Point> = intervals.iter().zip(keys).enumerate().map(point).collect();
        let depth = points.len().div_ceil(LEAF).next_power_of_two().trailing_zeros();
        let empty = Node { latest_start: 0, earliest_end: u32::MAX, key: 0 };
        let mut tree = Contained {
            nodes: vec![empty; (2 << depth) - 1],
            places: vec![0; points.len()],
            points: Vec::new(),
            depth,
        };
        sort(&mut points, depth, 0);
        for (place, point) in points.iter().enumerate() {
            tree.places[point.id as usize] = place as u32;
        }
        tree.points = points;
        for node in (0..tree.nodes.len()).rev() {
            tree.measure(node);
        }
        tree
    }

    /// The interval with the greatest key among those that start at `start` or later, end at `end` or earlier, and
    /// satisfy `may_take`; and the number of visited nodes and points.
    pub fn best(&self, start: u32, end: u32, may_take: impl FnMut(u32) -> bool) -> (Option<u32>, usize) {
        let mut best = Best { key: 0, id: None, visited: 0, may_take };
        self.descend(0, 0..self.points.len(), (start, end), &mut best);
        (best.id, best.visited)
    }

    /// Removes an interval.
    pub fn take(&mut self, id: u32) {
        let place = self.places[id as usize] as usize;
        self.points[place].key = 0;
        let (mut range, mut node) = (0..self.points.len(), 0);
        while !self.is_leaf(node) {
            let middle = middle(&range);
            (node, range) =
                if place < middle { (2 * node + 1, range.start..middle) } else { (2 * node + 2, middle..range.end) };
        }
        self.measure_leaf(node, range);
        while node != 0 {
            node = (node - 1) / 2;
            self.measure_inner(node);
        }
    }

    fn is_leaf(&self, node: usize) -> bool {
        self.nodes.len() / 2 <= node
    }

    fn descend<F: FnMut(u32) -> bool>(
        &self,
        node: usize,
        range: std::ops::Range<usize>,
        (start, end): (u32, u32),
        best: &mut Best<F>,
    ) {
        best.visited += 1;
        let is_hopeful = |it: &Node, best: u64| best < it.key && start <= it.latest_start && it.earliest_end <= end;
        if !is_hopeful(&self.nodes[node], best.key) {
            return;
        }
        if self.is_leaf(node) {
            best.visited += range.len();
            for point in &self.points[range] {
                let is_better = best.key < point.key && start <= point.start && point.end <= end;
                if is_better && (best.may_take)(point.id) {
                    (best.key, best.id) = (point.key, Some(point.id));
                }
            }
            return;
        }
        let middle = middle(&range);
        let children = [(2 * node + 1, range.start..middle), (2 * node + 2, middle..range.end)];
        let [left, right] = children;
        let (first, second) =
            if self.nodes[left.0].key < self.nodes[right.0].key { (right, left) } else { (left, right) };
        self.descend(first.0, first.1, (start, end), best);
        self.descend(second.0, second.1, (start, end), best);
    }

    fn measure(&mut self, node: usize) {
        if !self.is_leaf(node) {
            return self.measure_inner(node);
        }
        // The bits of the index give the turns of the path to it.
        let mut range = 0..self.points.len();
        let path = node + 1;
        for level in (0..self.depth).rev() {
            let middle = middle(&range);
            range = if path >> level & 1 == 0 { range.start..middle } else { middle..range.end };
        }
        self.measure_leaf(node, range);
    }

    fn measure_leaf(&mut self, node: usize, range: std::ops::Range<usize>) {
        let mut found = Node { latest_start: 0, earliest_end: u32::MAX, key: 0 };
        for point in self.points[range].iter().filter(|it| it.key != 0) {
            found.latest_start = found.latest_start.max(point.start);
            found.earliest_end = found.earliest_end.min(point.end);
            found.key = found.key.max(point.key);
        }
        self.nodes[node] = found;
    }

    fn measure_inner(&mut self, node: usize) {
        let (left, right) = (self.nodes[2 * node + 1], self.nodes[2 * node + 2]);
        self.nodes[node] = Node {
            latest_start: left.latest_start.max(right.latest_start),
            earliest_end: left.earliest_end.min(right.earliest_end),
            key: left.key.max(right.key),
        };
    }
}

fn middle(range: &std::ops::Range<usize>) -> usize {
    usize::midpoint(range.start, range.end)
}

/// Sorts points as far as the tree needs it.
fn sort(points: &mut [Point], depth: u32, axis: u32) {
    if depth == 0 || points.len() < 2 {
        return;
    }
    let middle = points.len() / 2;
    if axis == 0 {
        points.select_nth_unstable_by_key(middle, |it| (it.start, it.id));
    } else {
        points.select_nth_unstable_by_key(middle, |it| (it.end, it.id));
    }
    let (left, right) = points.split_at_mut(middle);
    sort(left, depth - 1, 1 - axis);
    sort(right, depth - 1, 1 - axis);
}
