//! What a memory between the scratchpad and home holds, as a program of binary choices.
//!
//! The copies over home's border are a sequence of *moments*, each about one tensor. From one moment of a tensor to its
//! next one, the memory holds it or does not: a *gap*, with a column. What a choice costs is linear, but for two kinds of
//! charges ([`Condition`]).

use crate::{Bytes, TensorId};
use std::ops::RangeInclusive;

/// A gap between two moments of a tensor.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Which tensor.
    pub tensor: TensorId,
    /// The moments at which the tensor has a place in the memory, if it is held.
    pub moments: RangeInclusive<usize>,
    /// The cost if it is not held, less the cost if it is.
    pub price: i128,
}

/// A cost that is due under a condition.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    /// How much.
    pub price: u128,
    /// When.
    pub when: Condition,
}

/// When a charge is due, in terms of columns.
#[derive(Clone, Debug)]
pub(crate) enum Condition {
    /// At least one of these columns is not held.
    SomeDropped(Vec<usize>),
    /// The second column is held, and the first is not, if there is one.
    Begins(Option<usize>, usize),
}

/// What to choose, and what it costs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// What may be held.
    pub columns: Vec<Column>,
    /// What is paid under conditions.
    pub charges: Vec<Charge>,
    /// Moments at which a tensor has a place in the memory in any case.
    pub forced: Vec<(usize, TensorId)>,
    /// What is paid in any case.
    pub constant: i128,
    /// Room of each tensor in this memory.
    pub rooms: Vec<Bytes>,
    /// How much room there is; none if there is no end to it.
    pub capacity: Option<Bytes>,
    /// Sets of columns that cannot be held all at once, though their sums fit: they have no addresses.
    pub conflicts: Vec<Vec<usize>>,
    /// How many moments there are.
    pub n_moments: usize,
}

/// What lies in the memory at a moment, if all is held that may be: each tensor with the columns that ask for it, or none
/// if it is there in any case.
pub(crate) type Row = Vec<(TensorId, Option<Vec<usize>>)>;

impl Charge {
    pub fn is_due(&self, held: &[bool]) -> bool {
        match &self.when {
            Condition::SomeDropped(columns) => columns.iter().any(|it| !held[*it]),
            Condition::Begins(before, after) => before.is_none_or(|it| !held[it]) && held[*after],
        }
    }
}

impl Program {
    /// What a choice costs.
    pub fn cost(&self, held: &[bool]) -> i128 {
        let dropped = self.columns.iter().zip(held).filter(|it| !it.1).map(|it| it.0.price);
        let charged = self.charges.iter().filter(|it| it.is_due(held)).map(|it| it.price as i128);
        self.constant + dropped.sum::<i128>() + charged.sum::<i128>()
    }

    /// What may lie in the memory at each moment at which it could be too much; of moments that follow one another, and of
    /// which the one asks for all that the other does, only one.
    pub fn rows(&self) -> Vec<Row> {
        let Some(capacity) = self.capacity else { return Vec::new() };
        let mut starts: Vec<Vec<usize>> = vec![Vec::new(); self.n_moments];
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); self.n_moments];
        for (index, column) in self.columns.iter().enumerate() {
            starts[*column.moments.start()].push(index);
            ends[*column.moments.end()].push(index);
        }
        let mut forced: Vec<Option<TensorId>> = vec![None; self.n_moments];
        self.forced.iter().for_each(|(moment, tensor)| forced[*moment] = Some(*tensor));
        let mut open: Vec<usize> = Vec::new();
        let mut rows: Vec<Row> = Vec::new();
        // Whether anything came since the last row.
        let mut is_new = false;
        for moment in 0..self.n_moments {
            open.extend(&starts[moment]);
            is_new |= !starts[moment].is_empty();
            if (is_new && !ends[moment].is_empty()) || forced[moment].is_some() {
                let row = self.row(&open, forced[moment]);
                let most: u128 = row.iter().map(|it| u128::from(self.rooms[it.0.index()].0)).sum();
                if u128::from(capacity.0) < most {
                    rows.push(row);
                }
                is_new = false;
            }
            open.retain(|it| *self.columns[*it].moments.end() != moment);
        }
        rows
    }

    fn row(&self, open: &[usize], forced: Option<TensorId>) -> Row {
        let mut pairs: Vec<(TensorId, usize)> = open.iter().map(|it| (self.columns[*it].tensor, *it)).collect();
        pairs.sort_unstable();
        let mut row: Row = forced.map(|it| (it, None)).into_iter().collect();
        for (tensor, column) in pairs.into_iter().filter(|it| forced != Some(it.0)) {
            match row.last_mut() {
                Some((last, Some(columns))) if *last == tensor => columns.push(column),
                _ => row.push((tensor, Some(vec![column]))),
            }
        }
        row
    }

    /// Whether what is held at once fits, as a sum, in one of the [rows](Program::rows).
    pub fn fits(&self, row: &Row, held: &[bool]) -> bool {
        let is_there = |columns: &Option<Vec<usize>>| columns.as_ref().is_none_or(|it| it.iter().any(|it| held[*it]));
        let there = row.iter().filter(|it| is_there(&it.1)).map(|it| u128::from(self.rooms[it.0.index()].0));
        self.capacity.is_none_or(|it| there.sum::<u128>() <= u128::from(it.0))
    }

    /// Whether a choice holds no set that has no addresses.
    pub fn avoids_conflicts(&self, held: &[bool]) -> bool {
        !self.conflicts.iter().any(|it| it.iter().all(|it| held[*it]))
    }

    /// A choice without foresight: each gap in turn, in the order of their starts, is held if that fits.
    pub fn first_come(&self) -> Vec<bool> {
        let mut columns: Vec<usize> = (0..self.columns.len()).collect();
        columns.sort_by_key(|it| *self.columns[*it].moments.start());
        let rows = self.rows();
        let rows_of = self.rows_of(&rows);
        let mut held = vec![false; columns.len()];
        for column in columns {
            held[column] = true;
            held[column] =
                self.avoids_conflicts(&held) && rows_of[column].iter().all(|it| self.fits(&rows[*it], &held));
        }
        held
    }

    /// By column: the rows that it is part of.
    fn rows_of(&self, rows: &[Row]) -> Vec<Vec<usize>> {
        let mut rows_of: Vec<Vec<usize>> = vec![Vec::new(); self.columns.len()];
        for (index, row) in rows.iter().enumerate() {
            row.iter().flat_map(|it| it.1.iter().flatten()).for_each(|it| rows_of[*it].push(index));
        }
        rows_of
    }

    /// A choice that is made one by one: what saves the most for its room and its time is held first, as long as it fits
    /// and saves anything.
    pub fn by_rule(&self) -> Vec<bool> {
        let rows = self.rows();
        let rows_of = self.rows_of(&rows);
        let density = |it: &usize| {
            let column = &self.columns[*it];
            let time = column.moments.end() - column.moments.start() + 1;
            let room = self.rooms[column.tensor.index()].0.max(1) as f64;
            column.price as f64 / (room * time as f64)
        };
        let mut columns: Vec<usize> = (0..self.columns.len()).collect();
        columns.sort_by(|a, b| density(b).total_cmp(&density(a)).then(a.cmp(b)));
        let mut held = vec![false; columns.len()];
        let mut cost = self.cost(&held);
        // A column may pay only together with those before and after it.
        for attempt in [true, false] {
            for &column in &columns {
                if held[column] {
                    continue;
                }
                held[column] = true;
                let fits =
                    self.avoids_conflicts(&held) && rows_of[column].iter().all(|it| self.fits(&rows[*it], &held));
                let with_it = if fits { self.cost(&held) } else { i128::MAX };
                if with_it < cost || attempt && fits && with_it == cost {
                    cost = with_it;
                } else {
                    held[column] = false;
                }
            }
        }
        held
    }
}
