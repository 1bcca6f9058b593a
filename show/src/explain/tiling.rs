//! How a program is split into tiles: which operators run together, in how many bands, and how their weights are
//! treated.

use crate::units::{bytes_text, counted};
use crate::{Chain, Exhibit, Picture};
use cosma_planner::Bytes;
use std::cmp::Reverse;
use std::fmt::{self, Write};

/// The most chains and single operators to name.
const MOST_NAMED: usize = 20;

/// Writes the chains of a program in tiles: those with the most tiles, in the order in which they run.
pub(super) fn write(exhibit: &Exhibit, picture: &Picture, f: &mut String) -> fmt::Result {
    let counts = exhibit.tile_counts();
    let n_whole = counts.iter().filter(|it| **it == 1).count();
    let n_tiles: usize = counts.iter().filter(|it| 1 < **it).sum();
    writeln!(
        f,
        "  {} in {}; {}",
        counted((counts.len() - n_whole) as u64, "operator"),
        counted(n_tiles as u64, "tile"),
        match n_whole {
            0 => "none runs whole".into(),
            1 => "1 runs whole".into(),
            _ => format!("{n_whole} run whole"),
        }
    )?;
    let size = |chain: &Chain| chain.families.iter().map(|it| counts[*it]).sum::<usize>();
    let mut cut: Vec<Chain> = exhibit.chains().into_iter().filter(|it| it.families.len() < size(it)).collect();
    cut.sort_by_key(|it| (Reverse(size(it)), it.steps.start));
    let more = cut.split_off(cut.len().min(MOST_NAMED));
    cut.sort_by_key(|it| it.steps.start);
    for chain in &cut {
        write_chain(exhibit, picture, chain, size(chain), f)?;
    }
    if !more.is_empty() {
        writeln!(f, "  and {} more, in {}", more.len(), counted(more.iter().map(size).sum::<usize>() as u64, "tile"))?;
    }
    Ok(())
}

fn write_chain(exhibit: &Exhibit, picture: &Picture, chain: &Chain, n_tiles: usize, f: &mut String) -> fmt::Result {
    let name = exhibit.chain_name(chain);
    let tiles = counted(n_tiles as u64, "tile");
    match chain.families.len() {
        1 => write!(f, "  {name} runs in {tiles}")?,
        n => write!(
            f,
            "  {name} run in {} ({}, {tiles})",
            counted(chain.n_bands as u64, "band"),
            counted(n as u64, "operator")
        )?,
    }
    let weights = exhibit.chain_weights(picture, chain);
    if weights.staying != Bytes::ZERO {
        write!(f, "; {} of weights stay", bytes_text(weights.staying))?;
    }
    if weights.again != Bytes::ZERO {
        write!(f, "; {} of weights come in again", bytes_text(weights.again))?;
    }
    writeln!(f)
}
