//! The graph of a program in tiles: a box for each operator, not for each tile.

use super::{is_plain_weight, quoted, write_head};
use crate::units::{bytes_text, counted};
use crate::{Chain, Exhibit, Picture};
use cosma_planner::{Bytes, Origin, TensorId};
use std::collections::BTreeSet;
use std::fmt::Write;

pub(super) fn write(exhibit: &Exhibit, f: &mut String) -> std::fmt::Result {
    let picture = Picture::new(exhibit);
    let counts = exhibit.tile_counts();
    write_head(exhibit, f)?;
    for (index, chain) in exhibit.chains().iter().enumerate() {
        if 1 < chain.families.len() {
            writeln!(f, "  subgraph cluster{index} {{")?;
            let label = format!("{} run in {}", exhibit.chain_name(chain), counted(chain.n_bands as u64, "band"));
            writeln!(f, "    label = {}; fontsize = 9; color = \"#9db8d6\";", quoted(&label))?;
        }
        write_boxes(exhibit, &picture, chain, &counts, f)?;
        if 1 < chain.families.len() {
            writeln!(f, "  }}")?;
        }
    }
    write_tensors(exhibit, &picture, f)?;
    writeln!(f, "}}")
}

fn write_boxes(
    exhibit: &Exhibit,
    picture: &Picture,
    chain: &Chain,
    counts: &[usize],
    f: &mut String,
) -> std::fmt::Result {
    let graph = &exhibit.problem.graph;
    for &family in &chain.families {
        let members = graph.op_ids().filter(|it| exhibit.families.of_operator[it.index()] == family);
        let (mut weights, mut kind) = (BTreeSet::new(), "");
        for op in members {
            kind = &exhibit.operators[op.index()].kind;
            let read = graph.op(op).reads.iter().map(|it| it.tensor);
            weights.extend(read.filter(|it| is_plain_weight(exhibit, picture, *it)));
        }
        let name = &exhibit.families.operators[family];
        let mut label = if name == kind { name.clone() } else { format!("{name}\n{kind}") };
        if 1 < counts[family] {
            label += &format!("\n{}", counted(counts[family] as u64, "tile"));
        }
        let weights: Bytes = weights.into_iter().map(|it| exhibit.size(it)).sum();
        if weights != Bytes::ZERO {
            label += &format!("\n{} of weights", bytes_text(weights));
        }
        writeln!(f, "    op{family} [label = {}];", quoted(&label))?;
    }
    Ok(())
}

/// Writes an edge from each tensor's writer to each of its readers, and ellipses for inputs and results.
fn write_tensors(exhibit: &Exhibit, picture: &Picture, f: &mut String) -> std::fmt::Result {
    let graph = &exhibit.problem.graph;
    let family_of = |it: cosma_planner::OpId| exhibit.families.of_operator[it.index()];
    for (family, pieces) in exhibit.pieces().iter().enumerate() {
        let Some(&first) = pieces.first() else { continue };
        let size: Bytes = pieces.iter().map(|it| exhibit.size(*it)).sum();
        let moved: Bytes = pieces.iter().map(|it| picture.costs[it.index()].non_compulsory(exhibit.size(*it))).sum();
        let label = format!("{} {}", exhibit.families.tensors[family], bytes_text(size));
        let marks = match moved {
            Bytes::ZERO => String::new(),
            _ => ", color = \"#d7301f\", labelfontcolor = \"#d7301f\", penwidth = 2".to_owned(),
        };
        if graph.tensor(first).origin == Origin::Weight && moved == Bytes::ZERO {
            continue;
        }
        let again = if moved == Bytes::ZERO { String::new() } else { format!("{} moved again", bytes_text(moved)) };
        let readers_of = |it: &TensorId| graph.readers(*it);
        let readers: BTreeSet<usize> = pieces.iter().flat_map(readers_of).map(|it| family_of(*it)).collect();
        // An ellipse has its own label.
        let (from, text) = match graph.producer(first) {
            Some(op) if again.is_empty() => (format!("op{}", family_of(op)), label.clone()),
            Some(op) => (format!("op{}", family_of(op)), format!("{label}, {again}")),
            None => {
                writeln!(
                    f,
                    "  tensor{family} [label = {}, shape = ellipse, fillcolor = \"#eeeeee\"];",
                    quoted(&label)
                )?;
                (format!("tensor{family}"), again)
            }
        };
        for reader in readers.into_iter().filter(|it| from != format!("op{it}")) {
            writeln!(f, "  {from} -> op{reader} [headlabel = {}{marks}];", quoted(&text))?;
        }
        if pieces.iter().any(|it| graph.is_stored(*it)) {
            writeln!(f, "  result{family} [label = {}, shape = ellipse, fillcolor = \"#dfeedd\"];", quoted(&label))?;
            writeln!(f, "  {from} -> result{family} [style = dashed];")?;
        }
    }
    Ok(())
}
