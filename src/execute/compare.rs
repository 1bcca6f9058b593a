//! The comparison of a planned program with its source.

use crate::FunctionReport;
use cosma_ir::execute::{Buffer, Moved};
use serde::Serialize;
use std::fmt;

/// The first difference between results.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The index of the result.
    pub output: usize,
    /// The index of the element, one number per dimension.
    pub index: Vec<u64>,
    /// The element in the result of the source.
    pub source: String,
    /// The element in the result of the planned program.
    pub planned: String,
    /// The number of elements of this result that differ.
    pub elements: usize,
}

/// The bytes that went from one memory to another, in one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LinkTraffic {
    /// The name of the memory from which they came.
    pub from: String,
    /// The name of the one to which they went.
    pub to: String,
    /// How many went there.
    pub moved: u64,
    /// How many the program says; none if it could not be read.
    pub planned: Option<u64>,
}

/// The comparison of one function.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The function's name, without `@`.
    pub function: String,
    /// The plan; `None` if there is nothing to plan.
    #[serde(skip)]
    pub report: Option<FunctionReport>,
    /// The number of results compared.
    pub outputs: usize,
    /// The number of elements of all results.
    pub elements: usize,
    /// The number of elements that are NaN. They prove little: anything computed from a NaN is one.
    pub nans: usize,
    /// The first difference; `None` if all results agree.
    pub difference: Option<Difference>,
    /// The bytes that the transfers moved, in one run.
    #[serde(serialize_with = "moved")]
    pub moved: Moved,
    /// The same by link, where there are several memories. One without a size counts as home.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<LinkTraffic>,
    /// The bytes that were moved once, before the first run; `None` if nothing is kept from run to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prologue: Option<u64>,
    /// The size of the scratchpad in bytes; `None` if the program has none.
    pub arena: Option<u64>,
    /// The end of the last byte of the scratchpad that was written.
    pub touched: Option<u64>,
    /// Other faults: misused memory, modified arguments.
    pub misuse: Vec<String>,
    /// The run time of the source in seconds.
    pub source_seconds: f64,
    /// The run time of the planned program in seconds.
    pub planned_seconds: f64,
}

fn moved<S: serde::Serializer>(moved: &Moved, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Kinds {
        load: u64,
        reload: u64,
        spill: u64,
        store: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        copy: Option<u64>,
    }
    let Moved { load, reload, spill, store, copy } = *moved;
    let copy = Some(copy).filter(|it| *it != 0);
    Kinds { load, reload, spill, store, copy }.serialize(serializer)
}

impl Comparison {
    /// All faults as messages: different results, bytes moved that differ from the plan, misuse of memory. Empty if
    /// the program is correct.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        faults.extend(self.difference.as_ref().map(ToString::to_string));
        if let Some(report) = &self.report {
            let traffic = &report.traffic;
            let counts = [
                ("in total", self.moved.total(), traffic.total),
                ("compulsory", self.moved.compulsory(), traffic.compulsory),
                ("non-compulsory", self.moved.non_compulsory(), traffic.non_compulsory),
            ];
            // Where weights may be kept, to load one that is not is no compulsory traffic any more, but is called a load.
            // Where nothing moves, that is what operators read and write in home.
            let counts = if report.moves_nothing() { counts.map(|(what, moved, _)| (what, moved, 0)) } else { counts };
            let n_counts = if report.keep.is_some() || traffic.prologue.is_some() { 1 } else { counts.len() };
            for (what, moved, planned) in counts.into_iter().take(n_counts) {
                if moved != planned {
                    faults.push(format!("moved {moved} B {what}, planned {planned} B"));
                }
            }
            let [moved, planned] = [self.prologue, traffic.prologue].map(Option::unwrap_or_default);
            if moved != planned {
                faults.push(format!("moved {moved} B before the first run, planned {planned} B"));
            }
            if let Some(arena) = self.arena.filter(|it| *it != report.scratchpad) {
                faults.push(format!("the arena has {arena} B, the scratchpad {} B", report.scratchpad));
            }
        } else if self.moved.total() != 0 && self.links.iter().all(|it| it.planned.is_none()) {
            faults.push(format!("moved {} B without a plan", self.moved.total()));
        }
        for LinkTraffic { from, to, moved, planned } in &self.links {
            if let Some(planned) = planned.filter(|it| it != moved) {
                faults.push(format!("moved {moved} B from {from} to {to}, planned {planned} B"));
            }
        }
        faults.extend(self.misuse.iter().cloned());
        faults
    }
}

/// The first difference between two lists of results.
pub(super) fn difference(source: &[Buffer], planned: &[Buffer]) -> Option<Difference> {
    source.iter().zip(planned).enumerate().find_map(|(output, (source, planned))| {
        if source == planned {
            return None;
        }
        let element = source.element();
        let differs: Vec<usize> = (0..source.len()).filter(|it| source.bits(*it) != planned.bits(*it)).collect();
        let first = *differs.first()?;
        let mut index = Vec::new();
        let mut rest = first as u64;
        for size in source.shape().iter().rev() {
            index.insert(0, rest % size);
            rest /= size;
        }
        Some(Difference {
            output,
            index,
            source: element.show(source.bits(first)),
            planned: element.show(planned.bits(first)),
            elements: differs.len(),
        })
    })
}

/// The number of elements that are NaN.
pub(super) fn nans(buffers: &[Buffer]) -> usize {
    let count = |it: &Buffer| (0..it.len()).filter(|at| it.element().is_nan(it.bits(*at))).count();
    buffers.iter().map(count).sum()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { output, index, source, planned, elements } = self;
        write!(f, "result {output} at {index:?} is {planned}, in the source {source}; {elements} elements differ")
    }
}
