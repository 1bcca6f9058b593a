//! The judge: whether a planned program does what its problem asks, and what it moves.
//!
//! The program runs on a machine whose scratchpad holds names instead of data. What comes in or is
//! written puts a tensor's name over its bytes, and whatever had a byte there is gone; what is
//! read, stored or spilled must still lie whole under its name. Beside that the machine remembers
//! which tensors have a host copy, which operators ran, and counts the bytes that it moves.
//!
//! Nothing here is shared with any planner, nor with what derives a program from a plan, and
//! nothing is clever: it is the definition of a right program, to be read in one sitting. It does
//! not judge how good a program is, except that each transfer must serve something. After a fault
//! it goes on as if the line had been meant well, so that one mistake is not reported many times.

use crate::{
    Action, Block, Bytes, Fault, InPlace, MemoryId, Moment, OpId, Place, Problem, Slot, Step, TensorId, Traffic,
    Violation,
};

/// Runs a planned program on a machine of names, and counts what it moves.
///
/// Takes any program at all, unknown ids and absurd offsets included.
///
/// # Errors
/// Everything that is wrong, in the order of the lines at fault; last what the program lacks.
pub fn check(problem: &Problem, actions: &[Action]) -> Result<Traffic, Vec<Violation>> {
    let n_tensors = problem.graph.tensors().len();
    let mut judge = Judge {
        problem,
        moment: Moment { line: 0, step: Step(0) },
        present: Vec::new(),
        passing: Vec::new(),
        ran: vec![false; problem.graph.ops().len()],
        has_host_copy: problem.graph.tensor_ids().map(|it| problem.graph.producer(it).is_none()).collect(),
        was_loaded: vec![false; n_tensors],
        was_stored: vec![false; n_tensors],
        spilled: vec![None; n_tensors],
        traffic: Traffic::default(),
        violations: Vec::new(),
    };
    for action in actions {
        judge.moment.line += 1;
        judge.act(action);
    }
    judge.finish();
    if judge.violations.is_empty() { Ok(judge.traffic) } else { Err(judge.violations) }
}

struct Judge<'a> {
    problem: &'a Problem,
    moment: Moment,
    /// What lies intact in the scratchpad.
    present: Vec<Present>,
    /// What was streamed since the previous operator.
    passing: Vec<(TensorId, Moment)>,
    ran: Vec<bool>,
    has_host_copy: Vec<bool>,
    was_loaded: Vec<bool>,
    was_stored: Vec<bool>,
    /// The spill of a tensor that was not reloaded since.
    spilled: Vec<Option<Moment>>,
    traffic: Traffic,
    violations: Vec<Violation>,
}

struct Present {
    slot: Slot,
    /// The transfer that brought it in, as long as nothing has read it.
    unread: Option<Moment>,
}

impl Judge<'_> {
    fn act(&mut self, action: &Action) {
        match *action {
            Action::Load { tensor, place } if self.is_known(tensor) => {
                if self.problem.graph.producer(tensor).is_some() {
                    self.report(Fault::LoadOfProduct(tensor));
                }
                if std::mem::replace(&mut self.was_loaded[tensor.index()], true) {
                    self.report(Fault::LoadedBefore(tensor));
                }
                let size = self.size(tensor);
                count(&mut self.traffic.compulsory, size);
                self.bring_in(tensor, place);
            }
            Action::Reload { tensor, place } if self.is_known(tensor) => {
                if !self.has_host_copy[tensor.index()] {
                    self.report(Fault::NoHostCopy(tensor));
                } else if self.problem.graph.producer(tensor).is_none() && !self.was_loaded[tensor.index()] {
                    self.report(Fault::ReloadBeforeLoad(tensor));
                }
                self.spilled[tensor.index()] = None;
                let size = self.size(tensor);
                count(&mut self.traffic.non_compulsory, size);
                self.bring_in(tensor, place);
            }
            Action::Store(slot) if self.is_known(slot.tensor) => {
                let tensor = slot.tensor;
                self.expect_there(slot);
                if !self.problem.graph.is_stored(tensor) {
                    self.report(Fault::StoreOfNonResult(tensor));
                }
                if std::mem::replace(&mut self.was_stored[tensor.index()], true) {
                    self.report(Fault::StoredBefore(tensor));
                }
                self.has_host_copy[tensor.index()] = true;
                let size = self.size(tensor);
                count(&mut self.traffic.compulsory, size);
            }
            Action::Spill(slot) if self.is_known(slot.tensor) => {
                let tensor = slot.tensor;
                self.expect_there(slot);
                if std::mem::replace(&mut self.has_host_copy[tensor.index()], true) {
                    self.report(Fault::SpillWithHostCopy(tensor));
                } else if self.problem.graph.is_stored(tensor) {
                    self.report(Fault::SpillOfResult(tensor));
                } else {
                    self.spilled[tensor.index()] = Some(self.moment);
                }
                let size = self.size(tensor);
                count(&mut self.traffic.non_compulsory, size);
            }
            Action::Run { op, ref reads, ref writes, workspace } => {
                if op.index() < self.ran.len() {
                    self.run(op, reads, writes, workspace);
                } else {
                    self.report(Fault::UnknownOp(op));
                }
                self.moment.step = self.moment.step.next();
            }
            Action::Load { tensor, .. }
            | Action::Reload { tensor, .. }
            | Action::Store(Slot { tensor, .. })
            | Action::Spill(Slot { tensor, .. }) => self.report(Fault::UnknownTensor(tensor)),
        }
    }

    fn bring_in(&mut self, tensor: TensorId, place: Place) {
        match place {
            Place::Stream => self.passing.push((tensor, self.moment)),
            Place::Scratchpad(offset) => {
                let slot = Slot { tensor, offset };
                self.occupy(self.block(slot));
                self.present.push(Present { slot, unread: Some(self.moment) });
            }
        }
    }

    fn run(&mut self, op: OpId, reads: &[Slot], writes: &[Slot], workspace: Bytes) {
        let problem = self.problem;
        if std::mem::replace(&mut self.ran[op.index()], true) {
            self.report(Fault::RunsAgain(op));
        }
        let operator = problem.graph.op(op);
        let streamed: Vec<TensorId> = operator.reads_in(MemoryId::HOME).collect();
        let resident: Vec<TensorId> = operator.reads_on_chip().collect();
        let found: Vec<TensorId> = reads.iter().map(|it| it.tensor).collect();
        if found != resident {
            self.report(Fault::WrongReads { op, found });
        }
        let found: Vec<TensorId> = writes.iter().map(|it| it.tensor).collect();
        if found != operator.writes {
            self.report(Fault::WrongWrites { op, found });
        }

        let mut passing = std::mem::take(&mut self.passing);
        for tensor in streamed {
            match passing.iter().position(|(it, _)| *it == tensor) {
                Some(found) => drop(passing.remove(found)),
                None => self.report(Fault::NotPassing { op, tensor }),
            }
        }
        for (tensor, moment) in passing {
            self.violations.push(Violation { moment: Some(moment), fault: Fault::NeverRead(tensor) });
        }

        // A slot of an unknown tensor was reported as a wrong operand.
        let known = |it: &&Slot| self.is_known(it.tensor);
        let reads: Vec<Slot> = reads.iter().filter(known).copied().collect();
        let writes: Vec<Slot> = writes.iter().filter(known).copied().collect();
        for &slot in &reads {
            self.expect_there(slot);
            for present in self.present.iter_mut().filter(|it| it.slot == slot) {
                present.unread = None;
            }
        }
        // While it runs, an operator may touch all of its blocks at any time, so they must all be
        // disjoint, also those that nobody reads after: but for a result and an operand that may share
        // bytes.
        let workspace = Block { tensor: None, offset: workspace, size: operator.workspace };
        let blocks: Vec<Block> = reads.iter().chain(&writes).map(|it| self.block(*it)).chain([workspace]).collect();
        for (index, &block) in blocks.iter().enumerate() {
            for &other in &blocks[..index] {
                if overlap(block, other) {
                    self.report_overlap(op, other, block);
                }
            }
        }
        if workspace.size != Bytes::ZERO {
            self.occupy(workspace);
        }
        for slot in writes {
            self.occupy(self.block(slot));
            self.present.push(Present { slot, unread: None });
        }
    }

    /// Two blocks of an operator overlap. That is right for a result and an operand that nobody is still
    /// to read, where the operator says that they may share bytes, and they lie as it says: at the same
    /// offset, or the smaller one so many bytes from the start of the larger one. The operand is gone from
    /// there then, as from any place where something is put.
    fn report_overlap(&mut self, op: OpId, a: Block, b: Block) {
        let graph = &self.problem.graph;
        let lies_over = |it: &&InPlace| {
            let (result, operand) = (Some(it.result), Some(it.operand));
            (a.tensor, b.tensor) == (operand, result) && it.fits(b.offset, a.offset)
                || (a.tensor, b.tensor) == (result, operand) && it.fits(a.offset, b.offset)
        };
        match graph.op(op).in_place.iter().find(lies_over) {
            Some(pair) => {
                if let Some(&reader) = graph.readers(pair.operand).iter().find(|it| !self.ran[it.index()]) {
                    self.report(Fault::StillRead { op, operand: pair.operand, reader });
                }
            }
            None => self.report(Fault::Overlap(op, a, b)),
        }
    }

    fn finish(&mut self) {
        for Present { slot, unread } in std::mem::take(&mut self.present) {
            let fault = Fault::NeverRead(slot.tensor);
            self.violations.extend(unread.map(|it| Violation { moment: Some(it), fault }));
        }
        for (tensor, moment) in std::mem::take(&mut self.passing) {
            self.violations.push(Violation { moment: Some(moment), fault: Fault::NeverRead(tensor) });
        }
        let graph = &self.problem.graph;
        for tensor in graph.tensor_ids() {
            let fault = Fault::NeverReloaded(tensor);
            self.violations.extend(self.spilled[tensor.index()].map(|it| Violation { moment: Some(it), fault }));
        }
        self.violations.sort_by_key(|it| it.moment);
        let not_run = graph.op_ids().filter(|it| !self.ran[it.index()]).map(Fault::NeverRuns);
        let not_stored = graph.tensor_ids().filter(|it| graph.is_stored(*it) && !self.was_stored[it.index()]);
        let lacks = not_run.chain(not_stored.map(Fault::NeverStored));
        self.violations.extend(lacks.map(|fault| Violation { moment: None, fault }));
    }

    /// Takes the bytes of a block for what is put there now: whatever had one of them is gone.
    fn occupy(&mut self, block: Block) {
        if !block.offset.0.is_multiple_of(self.problem.machine.alignment().0) {
            self.report(Fault::Misaligned(block));
        }
        if u128::from(self.problem.machine.scratchpad().0) < end(block) {
            self.report(Fault::OutOfScratchpad(block));
        }
        let (gone, present) =
            std::mem::take(&mut self.present).into_iter().partition(|it| overlap(self.block(it.slot), block));
        self.present = present;
        for Present { slot, unread } in gone {
            let fault = Fault::NeverRead(slot.tensor);
            self.violations.extend(unread.map(|it| Violation { moment: Some(it), fault }));
        }
    }

    fn expect_there(&mut self, slot: Slot) {
        if !self.present.iter().any(|it| it.slot == slot) {
            self.report(Fault::NotThere(slot));
        }
    }

    fn report(&mut self, fault: Fault) {
        self.violations.push(Violation { moment: Some(self.moment), fault });
    }

    fn is_known(&self, tensor: TensorId) -> bool {
        tensor.index() < self.problem.graph.tensors().len()
    }

    fn size(&self, tensor: TensorId) -> Bytes {
        self.problem.graph.tensor(tensor).size
    }

    fn block(&self, slot: Slot) -> Block {
        Block { tensor: Some(slot.tensor), offset: slot.offset, size: self.size(slot.tensor) }
    }
}

/// Whether two blocks have a byte in common.
fn overlap(a: Block, b: Block) -> bool {
    let start = a.offset.max(b.offset);
    u128::from(start.0) < end(a).min(end(b))
}

fn end(block: Block) -> u128 {
    u128::from(block.offset.0) + u128::from(block.size.0)
}

/// An absurd program may move more than can be counted; a right one cannot.
fn count(bytes: &mut Bytes, more: Bytes) {
    bytes.0 = bytes.0.saturating_add(more.0);
}
