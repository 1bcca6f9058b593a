//! The JSON data for the page's script. Steps are indices, sizes and offsets are bytes, and lists are
//! indexed by id.

use crate::colour::{self, Kind, Tone};
use crate::describe::{KEPT, Tips, flights};
use crate::explain::Eviction;
use crate::names::Names;
use crate::units::plain;
use crate::{Content, Exhibit, Picture};
use cosma_planner::Step;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Serialize)]
pub(super) struct Function {
    name: String,
    facts: String,
    scratchpad: u64,
    /// The upper end of the address axis before zooming.
    top: u64,
    /// By step.
    operators: Vec<Operator>,
    tensors: Vec<Tensor>,
    blocks: Vec<Block>,
    links: Vec<Link>,
    /// By step without space for some tensor: the tensors that were there.
    present: BTreeMap<u32, String>,
    /// Runs of steps in which more is live than fits: from, to, and a description.
    oversubscribed: Vec<(u32, u32, String)>,
    /// The prefixes that labels omit.
    prefixes: Vec<String>,
    /// By step: loaded, reloaded, stored, spilled.
    moved: Vec<[u64; 4]>,
    occupied: Vec<u64>,
    live: Vec<u64>,
}

#[derive(Serialize)]
struct Operator {
    name: String,
    id: String,
    kind: String,
    macs: Option<u64>,
    location: String,
}

#[derive(Serialize)]
struct Tensor {
    name: String,
    /// The name in a box, if it differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    id: String,
    kind: &'static str,
    shape: String,
    size: u64,
    /// For light and for dark paper.
    colour: [String; 2],
    line: [String; 2],
    moved: bool,
    /// The step that writes it.
    producer: Option<u32>,
    /// The steps that read it.
    readers: Vec<u32>,
    /// Loads, reloads, spills, stores.
    cost: [u64; 4],
}

/// An eviction.
#[derive(Serialize)]
struct Link {
    /// The blocks before and after it.
    from: usize,
    to: usize,
    spilled: bool,
    how: String,
    why: Option<String>,
    /// The step that had no space.
    full: Option<u32>,
}

#[derive(Serialize)]
struct Block {
    /// `None` for a workspace.
    tensor: Option<u32>,
    from: u32,
    to: u32,
    offset: u64,
    size: u64,
    /// The blocks that it shares bytes with in its first step.
    over: Vec<usize>,
    /// Why it is moved whatever its address, and whether it is kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    kept: bool,
    /// Asynchronous transfers in progress.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    flights: Vec<Flight>,
    /// A description.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ways: Vec<String>,
}

#[derive(Serialize)]
struct Flight {
    from: u32,
    to: u32,
    offset: u64,
    size: u64,
    inward: bool,
}

impl Function {
    pub fn new(exhibit: &Exhibit) -> Function {
        let picture = Picture::new(exhibit);
        let scratchpad = exhibit.problem.machine.scratchpad();
        let top = picture.top(scratchpad);
        let (tips, names) = (Tips::new(exhibit, &picture), crate::svg::names(exhibit));
        let links: Vec<Link> = picture.links.iter().map(|it| link(&tips, it)).collect();
        let full: BTreeSet<u32> = links.iter().filter_map(|it| it.full).collect();
        let operator = |op: &cosma_planner::OpId| {
            let label = &exhibit.operators[op.index()];
            Operator {
                name: plain(&label.name),
                id: exhibit.problem.graph.op(*op).name.clone(),
                kind: plain(&label.kind),
                macs: label.macs,
                location: plain(&label.location),
            }
        };
        let flight = |it: &crate::Flight| Flight {
            from: it.steps.start.0,
            to: it.steps.end.0,
            offset: it.offset.0,
            size: it.size.0,
            inward: it.is_inward,
        };
        let block = |block: &crate::Block| Block {
            tensor: match block.content {
                Content::Tensor(it) => Some(it.0),
                Content::Workspace(_) => None,
            },
            from: block.steps.start.0,
            to: block.steps.end.0,
            offset: block.offset.0,
            size: block.size.0,
            over: block.in_place_of.clone(),
            notes: block.is_kept.then(|| KEPT.to_owned()).into_iter().chain(tips.notes(block)).collect(),
            kept: block.is_kept,
            flights: block.flights.iter().map(flight).collect(),
            ways: flights(block),
        };
        Function {
            name: plain(&exhibit.function),
            facts: crate::svg::all_facts(exhibit),
            scratchpad: scratchpad.0,
            top: top.0.max(1),
            operators: picture.order.iter().map(operator).collect(),
            tensors: exhibit.problem.graph.tensor_ids().map(|it| tensor(exhibit, &picture, &names, it)).collect(),
            blocks: picture.blocks.iter().map(block).collect(),
            links,
            present: full.into_iter().map(|it| (it, tips.present(Step(it)))).collect(),
            oversubscribed: {
                let runs = picture.oversubscribed(scratchpad);
                runs.iter().map(|it| (it.start.0, it.end.0, tips.oversubscribed(it))).collect()
            },
            prefixes: names.prefixes().iter().map(|it| plain(it)).collect(),
            moved: picture.moved.iter().map(|it| [it.loaded.0, it.reloaded.0, it.stored.0, it.spilled.0]).collect(),
            occupied: picture.occupied.iter().map(|it| it.0).collect(),
            live: picture.live.iter().map(|it| it.0).collect(),
        }
    }
}

fn link(tips: &Tips, link: &crate::Link) -> Link {
    let Eviction { how, why, full } = tips.eviction(link);
    Link { from: link.from, to: link.to, spilled: link.is_spilled, how, why, full: full.map(|it| it.0) }
}

fn both(tone: Tone) -> [String; 2] {
    [tone.light, tone.dark]
}

fn tensor(exhibit: &Exhibit, picture: &Picture, names: &Names, id: cosma_planner::TensorId) -> Tensor {
    let graph = &exhibit.problem.graph;
    let label = &exhibit.tensors[id.index()];
    let cost = picture.costs[id.index()];
    let moved = cost.is_moved();
    let uses = &picture.uses[id.index()];
    let is_written = graph.producer(id).is_some();
    let short = names.short(&label.name);
    Tensor {
        name: plain(&label.name),
        label: (short != label.name).then(|| plain(short)),
        id: graph.tensor(id).name.clone(),
        kind: Kind::of_tensor(exhibit, id).name(),
        shape: plain(&label.shape),
        size: graph.tensor(id).size.0,
        colour: both(colour::of_tensor(exhibit, id, moved)),
        line: both(colour::line(exhibit, id)),
        moved,
        producer: uses.first().filter(|_| is_written).map(|it| it.0),
        readers: uses.iter().skip(usize::from(is_written)).map(|it| it.0).collect(),
        cost: [cost.loads, cost.reloads, cost.spills, cost.stores],
    }
}
