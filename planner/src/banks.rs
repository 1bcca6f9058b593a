//! Banks of the scratchpad for solvers without banks: a longer scratchpad with reserved addresses between the banks.
//!
//! One reserved unit of the alignment is inserted between each two banks. A block lies between such units exactly if it
//! lies in one bank, so each plan of one problem is a plan of the other, with the same traffic at other addresses, and
//! bounds and proofs carry over. A bank that does not begin at a multiple of the alignment begins at the next one.

mod alone;
mod apart;
mod blocks;
mod choose;
mod cut;
mod reads;

pub use apart::BankConflicts;
pub(crate) use apart::{apart, in_other_banks, unavoidable, wish};
#[cfg(feature = "ilp")]
pub(crate) use blocks::Blocks;
#[cfg(feature = "ilp")]
pub(crate) use choose::Chosen;
#[cfg(feature = "ilp")]
pub(crate) use reads::Together;

use crate::{Bytes, Error, Memory, MemoryId, Plan, Problem, TensorId, When};
use std::ops::Range;

/// The problem without banks that replaces one with banks.
pub(crate) struct Banked<'a> {
    original: &'a Problem,
    problem: Problem,
    ways: Vec<Way>,
}

/// The position of a bank in both scratchpads.
#[derive(Clone, Debug)]
struct Way {
    /// The addresses at which blocks may begin and end, half-open.
    original: Range<Bytes>,
    /// Its start in the longer scratchpad.
    start: Bytes,
}

impl Problem {
    /// The same problem without banks in its scratchpad; `None` if it has no banks. It allows operands in one bank.
    ///
    /// # Errors
    /// [`Error::ZeroAlignment`], [`Error::AlignmentTooLarge`]; [`Error::Pin`] if a pin lies across banks;
    /// [`Error::TooLarge`].
    pub(crate) fn without_banks(&self) -> Result<Option<Banked<'_>>, Error> {
        let Memory { banks, alignment, .. } = &self.machine.memories()[MemoryId::SCRATCHPAD.index()];
        if banks.is_none() {
            return Ok(None);
        }
        self.check_sizes()?;
        self.check_pins()?;
        let memory = &self.machine.memories()[MemoryId::SCRATCHPAD.index()];
        let mut ways: Vec<Way> = Vec::new();
        let mut reserved: Vec<Range<Bytes>> = Vec::new();
        let mut end = 0_u128;
        for original in memory.bank_ranges() {
            let mut start = end;
            if !ways.is_empty() {
                start = end.next_multiple_of(alignment.0.into()) + u128::from(alignment.0);
                reserved.push(bytes(end)?..bytes(start)?);
            }
            end = start + u128::from((original.end - original.start).0);
            ways.push(Way { original, start: bytes(start)? });
        }
        let size = bytes(end)?;
        for range in &memory.reserved {
            for Way { original, start } in &ways {
                let (low, high) = (range.start.max(original.start), range.end.min(original.end));
                if low < high {
                    reserved.push(low - original.start + *start..high - original.start + *start);
                }
            }
        }
        let mut builder = self.graph.to_builder();
        for tensor in self.graph.tensor_ids() {
            let of = self.graph.tensor(tensor);
            if let Some(pin) = of.pin.filter(|_| of.size != Bytes::ZERO) {
                builder.pin(tensor, there(&ways, pin, of.size).ok_or_else(|| self.across(tensor, pin))?);
            }
        }
        let graph = builder.build().expect("the graph was built before");
        let machine = self.machine.with_stretch(&(Bytes::ZERO..size)).with_reserved(reserved);
        Ok(Some(Banked { original: self, problem: Problem { graph, machine }, ways }))
    }

    fn across(&self, tensor: TensorId, pin: Bytes) -> Error {
        let name = &self.graph.tensor(tensor).name;
        Error::Pin { tensor, why: format!("{name} cannot lie at {pin}: that is across two banks") }
    }
}

fn bytes(count: u128) -> Result<Bytes, Error> {
    u64::try_from(count).map(Bytes).map_err(|_| Error::TooLarge)
}

/// The address of a block in the longer scratchpad; `None` if it is not within one bank.
fn there(ways: &[Way], at: Bytes, size: Bytes) -> Option<Bytes> {
    let is_in = |it: &&Way| it.original.start <= at && at <= it.original.end && size <= it.original.end - at;
    ways.iter().find(is_in).map(|it| at - it.original.start + it.start)
}

impl Banked<'_> {
    /// The problem with banks.
    pub fn original(&self) -> &Problem {
        self.original
    }

    /// The problem without banks.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Converts a plan of the problem without banks into one with addresses in the banks.
    pub fn back(&self, mut plan: Plan) -> Plan {
        let back = |at: &mut Bytes| {
            let way = self.ways[..self.ways.partition_point(|it| it.start <= *at)].last();
            *at = way.map_or(Bytes::ZERO, |it| it.original.start + (*at - it.start));
        };
        plan.residencies.iter_mut().for_each(|it| back(&mut it.offset));
        plan.workspaces.iter_mut().for_each(back);
        plan
    }

    /// Converts a plan of the problem with banks into one without; a block across banks keeps its address.
    pub fn forth(&self, mut plan: Plan) -> Plan {
        let graph = &self.original.graph;
        let forth = |at: &mut Bytes, size: Bytes| *at = there(&self.ways, *at, size).unwrap_or(*at);
        for it in &mut plan.residencies {
            let size = graph.tensors().get(it.tensor.index()).map_or(Bytes::ZERO, |it| it.size);
            forth(&mut it.offset, size);
        }
        for (op, at) in plan.order.iter().zip(&mut plan.workspaces) {
            forth(at, graph.ops().get(op.index()).map_or(Bytes::ZERO, |it| it.workspace));
        }
        plan
    }

    /// Converts an error of the problem without banks into one of the problem with banks.
    pub fn error(&self, error: Error) -> Error {
        let Error::NoPlace { when: When::Run(op), tensors, .. } = error else { return error };
        let Problem { graph, machine } = self.original;
        let said = |it: &TensorId| format!("{} of {} B", graph.tensor(*it).name, graph.tensor(*it).size);
        let mut all: Vec<String> = tensors.iter().map(said).collect();
        let workspace = graph.op(op).workspace;
        if tensors.is_empty() || workspace != Bytes::ZERO {
            all.push(format!("its workspace of {workspace} B"));
        }
        let memory = &machine.memories()[MemoryId::SCRATCHPAD.index()];
        let bank = memory.banks.as_ref().map_or(Bytes::ZERO, |it| it.size);
        let (name, all) = (&graph.op(op).name, all.join(", "));
        let why = format!("{name} has no room for {all} in banks of {bank} B of {}", memory.name);
        Error::NoPlace { when: When::Run(op), tensors, why }
    }
}
