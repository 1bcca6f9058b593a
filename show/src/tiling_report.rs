//! How the operators of a program are split into tiles, in numbers, as reports have it in JSON.

use crate::{Chain, chains};
use serde::Serialize;

/// How the operators of a network are split into tiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TilingReport {
    /// The number of operators before the split.
    pub operators: u64,
    /// How many of them are split.
    pub tiled_operators: u64,
    /// The number of tiles, including operators that are not split.
    pub tiles: u64,
    /// Whether tiles of an operator overlap, so that some elements are computed more than once.
    pub recomputes: bool,
    /// Operators that run together, in order. Those that run alone are omitted.
    pub groups: Vec<GroupReport>,
    /// The operators that are split, in the order in which they begin.
    pub tiles_of: Vec<TilesReport>,
}

/// Operators with interleaved tiles.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GroupReport {
    /// Their names, in the order in which they begin.
    pub operators: Vec<String>,
    /// The most turns that one of the operators takes.
    pub bands: u64,
    /// The number of their tiles.
    pub tiles: u64,
}

/// An operator that is split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TilesReport {
    /// Its name before the split.
    pub operator: String,
    /// The number of its tiles.
    pub tiles: u64,
}

/// Lower bounds on the bytes that programs in tiles move, including compulsory ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct LeastReport {
    /// For every program.
    pub all_tilings: u64,
    /// For every program that computes each element once.
    pub without_recomputation: u64,
}

impl TilingReport {
    /// Counts tiles. By operator before the split, in the order in which they begin: its name, and whether it is split. By tile,
    /// in the order of the program: of which operator it is. `None` if no operator is split.
    pub fn new(names: &[String], is_split: &[bool], of_tile: &[usize], recomputes: bool) -> Option<TilingReport> {
        let mut counts = vec![0; names.len()];
        of_tile.iter().for_each(|it| counts[*it] += 1);
        let group = |it: Chain| GroupReport {
            operators: it.families.iter().map(|it| names[*it].clone()).collect(),
            bands: it.n_bands as u64,
            tiles: it.families.iter().map(|it| counts[*it]).sum(),
        };
        let groups = chains(of_tile).into_iter().filter(|it| 1 < it.families.len()).map(group).collect();
        let split = (0..names.len()).filter(|it| is_split[*it]);
        let tiles_of: Vec<TilesReport> =
            split.map(|it| TilesReport { operator: names[it].clone(), tiles: counts[it] }).collect();
        (!tiles_of.is_empty()).then_some(TilingReport {
            operators: names.len() as u64,
            tiled_operators: tiles_of.len() as u64,
            tiles: of_tile.len() as u64,
            recomputes,
            groups,
            tiles_of,
        })
    }
}
