//! Why a tensor was evicted: the step during its absence in which there was no space for it.

use super::{name_step, present};
use crate::units::{bytes_text, plain};
use crate::{Content, Cost, Exhibit, Link, Picture};
use cosma_planner::{Bytes, Step, TensorId};
use std::cmp::Reverse;
use std::fmt::{self, Write};

/// The most tensors to name in a step.
const MOST_NAMED: usize = 8;

/// Why a tensor was out between two of its blocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Eviction {
    /// The kind of eviction, the step after which it happened, and the step for which the tensor was reloaded.
    pub how: String,
    /// Why there was no space; `None` if the tensor only changed its address, as [`Eviction::how`] says.
    pub why: Option<String>,
    /// The step that had no space for it; `None` if all steps had.
    pub full: Option<Step>,
}

/// Finds the reasons for evictions, and writes those of one tensor after another.
pub(crate) struct Reasons<'a> {
    exhibit: &'a Exhibit,
    picture: &'a Picture,
    /// The padded bytes in use, by step.
    in_use: Vec<Bytes>,
    /// The step whose tensors were listed last.
    listed: Option<Step>,
}

impl<'a> Reasons<'a> {
    pub fn new(exhibit: &'a Exhibit, picture: &'a Picture) -> Reasons<'a> {
        Reasons { exhibit, picture, in_use: in_use(exhibit, picture), listed: None }
    }

    /// Writes a tensor's non-compulsory transfers, and what forced it out each time.
    pub fn write(&mut self, tensor: TensorId, f: &mut String) -> fmt::Result {
        let size = self.exhibit.size(tensor);
        let cost = self.picture.costs[tensor.index()];
        writeln!(
            f,
            "  {}, {}: {}, {}",
            plain(self.exhibit.tensor_name(tensor)),
            bytes_text(size),
            cost.times(),
            bytes_text(cost.non_compulsory(size))
        )?;
        for note in self.notes(tensor) {
            writeln!(f, "    {note}")?;
        }
        let picture = self.picture;
        for link in picture.links.iter().filter(|it| picture.blocks[it.from].content == Content::Tensor(tensor)) {
            self.write_eviction(link, f)?;
        }
        Ok(())
    }

    /// Why a tensor has non-compulsory transfers whatever its address.
    pub fn notes(&self, tensor: TensorId) -> Vec<String> {
        let graph = &self.exhibit.problem.graph;
        let mut notes = Vec::new();
        if graph.is_part(tensor) && !graph.is_stored(tensor) {
            let note = "spilled right after it was written: others read regions of the tensor that it is a part of";
            notes.push(note.to_owned());
        }
        if !graph.parts(tensor).is_empty() {
            let parts = graph.parts(tensor).iter().take(MOST_NAMED).map(|it| plain(self.exhibit.tensor_name(*it)));
            let more = if MOST_NAMED < graph.parts(tensor).len() { ", ..." } else { "" };
            let parts = parts.collect::<Vec<_>>().join(", ");
            notes.push(format!("read from host memory, where it consists of {parts}{more}"));
        } else if graph.readers(tensor).is_empty() && graph.producer(tensor).is_none() {
            notes.push("streamed once for each operator that reads it".to_owned());
        }
        notes
    }

    /// Writes the non-compulsory transfers of a tensor's pieces together, and why the first piece with the highest
    /// cost was evicted.
    pub fn write_pieces(&mut self, pieces: &[TensorId], f: &mut String) -> fmt::Result {
        let (exhibit, picture) = (self.exhibit, self.picture);
        let cost = |it: &TensorId| picture.costs[it.index()].non_compulsory(exhibit.size(*it));
        let moved: Vec<TensorId> = pieces.iter().copied().filter(|it| Bytes::ZERO < cost(it)).collect();
        let size: Bytes = pieces.iter().map(|it| exhibit.size(*it)).sum();
        let times = moved.iter().map(|it| picture.costs[it.index()]).sum::<Cost>().times();
        let name = &exhibit.families.tensors[exhibit.tensor_family(pieces[0])];
        writeln!(
            f,
            "  {}, {} in {} pieces, of which {} moved: {times}, {}",
            plain(name),
            bytes_text(size),
            pieces.len(),
            moved.len(),
            bytes_text(moved.iter().map(cost).sum())
        )?;
        let Some(most) = moved.iter().max_by_key(|it| (cost(it), Reverse(**it))) else { return Ok(()) };
        let is_of_it = |it: &&Link| picture.blocks[it.from].content == Content::Tensor(*most);
        match picture.links.iter().find(is_of_it) {
            Some(link) => self.write_eviction(link, f),
            None => Ok(()),
        }
    }

    fn write_eviction(&mut self, link: &Link, f: &mut String) -> fmt::Result {
        let Eviction { how, why, full } = self.eviction(link);
        writeln!(f, "    {how}")?;
        if let Some(why) = why {
            writeln!(f, "      {why}")?;
        }
        match full {
            None => Ok(()),
            Some(_) if self.listed == full => writeln!(f, "      in use: the same as above"),
            Some(step) => {
                self.listed = full;
                writeln!(f, "      in use: {}", self.present(step))
            }
        }
    }

    /// Why a tensor was out.
    pub fn eviction(&self, link: &Link) -> Eviction {
        let (from, to) = (&self.picture.blocks[link.from], &self.picture.blocks[link.to]);
        let (left, back) = (from.steps.end, to.since());
        let how = if link.is_spilled { "spilled" } else { "evicted (host memory has a copy)" };
        let mut how = format!("{how} after step {}, reloaded for step {}", left.0 - 1, self.name(to.steps.start));
        if let Some(flight) = to.flights_in().next() {
            how += &format!(" from step {} on", flight.steps.start);
        }
        let fullest = (left.0..back.0).map(Step).max_by_key(|it| (self.in_use[it.index()], Reverse(*it)));
        let Some(fullest) = fullest else {
            return Eviction { how: how + ": it changed its address", why: None, full: None };
        };
        let capacity = self.exhibit.problem.capacity();
        let padded = from.size.align_up(self.exhibit.problem.machine.alignment());
        let in_use = self.in_use[fullest.index()];
        if in_use + padded <= capacity {
            let why = format!(
                "there was enough space in all steps between (at most {} of {} in step {}): it was fragmented, or the \
                 plan is not optimal",
                bytes_text(in_use + padded),
                bytes_text(capacity),
                self.name(fullest)
            );
            return Eviction { how, why: Some(why), full: None };
        }
        let why = format!(
            "no space in step {}: {} in use + {} = {} of {}",
            self.name(fullest),
            bytes_text(in_use),
            bytes_text(padded),
            bytes_text(in_use + padded),
            bytes_text(capacity)
        );
        Eviction { how, why: Some(why), full: Some(fullest) }
    }

    /// The tensors in the scratchpad in a step, and the step for which each is needed.
    pub fn present(&self, step: Step) -> String {
        let present = present(self.exhibit, self.picture, step);
        let mut named = Vec::new();
        for (tensor, next) in present.iter().take(MOST_NAMED) {
            let why = match next {
                Some(next) if *next == step => "now".to_owned(),
                Some(next) => format!("for step {next}"),
                None => "not needed".to_owned(),
            };
            let (name, size) = (plain(self.exhibit.tensor_name(*tensor)), self.exhibit.size(*tensor));
            named.push(format!("{name} {} ({why})", bytes_text(size)));
        }
        let workspace = self.exhibit.problem.graph.op(self.picture.order[step.index()]).workspace;
        if workspace != Bytes::ZERO {
            named.push(format!("workspace {}", bytes_text(workspace)));
        }
        let more = present.len().saturating_sub(MOST_NAMED);
        let more = if 0 < more { format!(" and {more} more") } else { String::new() };
        named.join(", ") + &more
    }

    fn name(&self, step: Step) -> String {
        name_step(self.exhibit, self.picture, step.index())
    }
}

/// The padded bytes in use, by step. Bytes that a result shares with operands in the step that writes it
/// count once.
fn in_use(exhibit: &Exhibit, picture: &Picture) -> Vec<Bytes> {
    let padded = |size: Bytes| size.align_up(exhibit.problem.machine.alignment());
    let mut in_use = vec![Bytes::ZERO; picture.n_steps()];
    for block in &picture.blocks {
        let steps = block.steps.start.index()..block.steps.end.index();
        for bytes in &mut in_use[steps.clone()] {
            *bytes += padded(block.size);
        }
        in_use[steps.start] -= picture.shared(block).map(padded).sum();
        for flight in block.flights_in() {
            let steps = flight.steps.start.index()..flight.steps.end.index();
            in_use[steps].iter_mut().for_each(|it| *it += padded(flight.size));
        }
    }
    in_use
}
