//! The graph of a program with its schedule, for Graphviz.
//!
//! Operators are boxes from top to bottom in the order in which they run; tensors are edges with their
//! sizes. Inputs and results are ellipses. Weights are summed up in the box of the operator that reads them, unless
//! they have non-compulsory transfers. An edge is bold and red if the tensor was evicted between the operator that
//! writes it and the one that reads it.
//!
//! Labels are at the heads of edges: for labels in the middle, Graphviz adds a rank each, and takes
//! minutes for hundreds of operators.
//!
//! The tiles of an operator are one box and the pieces of a tensor one edge, with the sum of their bytes. A frame
//! surrounds operators that run together.

mod tiled;

use crate::units::{bytes_text, plain};
use crate::{Content, Exhibit, Picture};
use cosma_planner::{Bytes, Origin, Step, TensorId};
use std::fmt::Write;
use std::ops::Range;

/// Returns the graph of a program in the DOT language.
pub fn dot(exhibit: &Exhibit) -> String {
    let mut text = String::new();
    let written = if exhibit.is_tiled() { tiled::write(exhibit, &mut text) } else { write_graph(exhibit, &mut text) };
    written.expect("a string takes all");
    text
}

fn write_head(exhibit: &Exhibit, f: &mut String) -> std::fmt::Result {
    writeln!(f, "digraph {} {{", quoted(&exhibit.function))?;
    writeln!(f, "  label = {};", quoted(&crate::svg::all_facts(exhibit)))?;
    writeln!(f, "  labelloc = t; rankdir = TB; nslimit = 1; nslimit1 = 1; fontname = Helvetica;")?;
    writeln!(f, "  node [shape = box, style = filled, fillcolor = \"#eef3fa\", fontname = Helvetica, fontsize = 10];")?;
    writeln!(f, "  edge [fontname = Helvetica, labelfontsize = 8, color = \"#777777\"];")
}

fn write_graph(exhibit: &Exhibit, f: &mut String) -> std::fmt::Result {
    let picture = Picture::new(exhibit);
    let returns = returns(&picture);
    let graph = &exhibit.problem.graph;
    write_head(exhibit, f)?;
    for (index, op) in picture.order.iter().enumerate() {
        let label = &exhibit.operators[op.index()];
        let name =
            if label.kind == label.name { label.name.clone() } else { format!("{}\n{}", label.name, label.kind) };
        let weights =
            graph.op(*op).reads.iter().map(|it| it.tensor).filter(|it| is_plain_weight(exhibit, &picture, *it));
        let weights: Bytes = weights.map(|it| exhibit.size(it)).sum();
        let weights =
            if weights == Bytes::ZERO { String::new() } else { format!("\n{} of weights", bytes_text(weights)) };
        let text = quoted(&format!("{index}: {name}{weights}"));
        writeln!(f, "  step{index} [label = {text}];")?;
    }
    // Invisible edges put each step below the one before.
    let chain: Vec<String> = (0..picture.n_steps()).map(|it| format!("step{it}")).collect();
    if 1 < chain.len() {
        writeln!(f, "  {} [style = invis, weight = 100];", chain.join(" -> "))?;
    }
    let is_apart = |it: &TensorId| graph.producer(*it).is_none() && !is_plain_weight(exhibit, &picture, *it);
    for tensor in graph.tensor_ids().filter(is_apart) {
        let uses = &picture.uses[tensor.index()];
        let Some(first) = uses.first() else { continue };
        let label = format!("{}\n{}", exhibit.tensor_name(tensor), bytes_text(exhibit.size(tensor)));
        let moved = if picture.costs[tensor.index()].is_moved() { ", color = \"#d7301f\", penwidth = 2" } else { "" };
        let label = quoted(&label);
        writeln!(f, "  tensor{} [label = {label}, shape = ellipse, fillcolor = \"#eeeeee\"{moved}];", tensor.0)?;
        writeln!(f, "  {{ rank = same; tensor{}; step{first}; }}", tensor.0)?;
        for step in uses {
            write_edge(exhibit, &returns, tensor, &format!("tensor{}", tensor.0), (None, *step), f)?;
        }
        for writer in graph.parts(tensor).iter().filter_map(|it| picture.uses[it.index()].first()) {
            writeln!(f, "  step{writer} -> tensor{} [style = dashed];", tensor.0)?;
        }
    }
    for tensor in graph.tensor_ids().filter(|it| graph.producer(*it).is_some()) {
        let [writer, readers @ ..] = picture.uses[tensor.index()].as_slice() else { continue };
        for reader in readers {
            write_edge(exhibit, &returns, tensor, &format!("step{writer}"), (Some(*writer), *reader), f)?;
        }
        if graph.is_stored(tensor) {
            let label = quoted(&format!("{}\n{}", exhibit.tensor_name(tensor), bytes_text(exhibit.size(tensor))));
            writeln!(f, "  result{} [label = {label}, shape = ellipse, fillcolor = \"#dfeedd\"];", tensor.0)?;
            writeln!(f, "  step{writer} -> result{} [style = dashed];", tensor.0)?;
        }
    }
    writeln!(f, "}}")
}

fn write_edge(
    exhibit: &Exhibit,
    returns: &[Vec<Range<Step>>],
    tensor: TensorId,
    from: &str,
    steps: (Option<Step>, Step),
    f: &mut String,
) -> std::fmt::Result {
    let (writer, reader) = steps;
    let was_away = returns[tensor.index()].iter().any(|it| it.contains(&reader));
    let marks = if was_away { ", color = \"#d7301f\", labelfontcolor = \"#d7301f\", penwidth = 2" } else { "" };
    // An ellipse has its own label.
    let label = match writer {
        Some(_) => format!("{} {}", exhibit.tensor_name(tensor), bytes_text(exhibit.size(tensor))),
        None => String::new(),
    };
    let label = match (label.as_str(), was_away) {
        (_, false) => label,
        ("", true) => "reloaded".into(),
        (_, true) => format!("{label}, reloaded"),
    };
    writeln!(f, "  {from} -> step{reader} [headlabel = {}{marks}];", quoted(&label))
}

fn is_plain_weight(exhibit: &Exhibit, picture: &Picture, tensor: TensorId) -> bool {
    exhibit.problem.graph.tensor(tensor).origin == Origin::Weight && !picture.costs[tensor.index()].is_moved()
}

/// By tensor: the ranges of steps, half-open, during which it is in the scratchpad after an eviction.
fn returns(picture: &Picture) -> Vec<Vec<Range<Step>>> {
    let mut returns = vec![Vec::new(); picture.costs.len()];
    for block in picture.links.iter().map(|it| &picture.blocks[it.to]) {
        if let Content::Tensor(tensor) = block.content {
            returns[tensor.index()].push(block.steps.clone());
        }
    }
    returns
}

/// A quoted string of the DOT language.
fn quoted(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|it| plain(it).replace('\\', "\\\\").replace('"', "\\\"")).collect();
    format!("\"{}\"", lines.join("\\n"))
}
