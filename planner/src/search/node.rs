//! A set of executed operators, and the possible states of the scratchpad after them.

use super::bits::{Bits, has};
use super::executed::{Executed, Ready};
use super::instance::{Instance, Tracked};

/// All states with the same executed operators, which compete.
pub(super) struct Node<const W: usize> {
    pub executed: Executed,
    /// Operators that can run next.
    pub ready: Ready,
    /// Tensors that were touched and will be read again; ascending. The sets of a state contain indices into this list.
    pub live: Box<[Live]>,
    /// A lower bound on the remaining charge.
    pub to_go: u64,
    pub states: Vec<State<W>>,
}

#[derive(Clone, Copy)]
pub(super) struct Live {
    pub tensor: Tracked,
    /// The number of readers that have not run.
    pub remaining: u16,
}

/// The live tensors on-chip, and those of them with a host copy.
///
/// A live tensor that is not on-chip has been paid for: its eviction charged the write-back, if there was no host copy,
/// and the following reload.
#[derive(Clone)]
pub(super) struct State<const W: usize> {
    pub resident: Bits<W>,
    /// A subset of `resident`.
    pub host: Bits<W>,
    /// Bytes charged so far.
    pub cost: u64,
    /// The padded size of the resident tensors.
    pub used: u64,
    /// The most bytes in the scratchpad at once so far.
    pub peak: u64,
    /// The trace that it continues, the operator that ran last, and a bit for each operand that [may be
    /// streamed](super::instance::SearchOp::either_way), the lowest for the first: whether it was streamed.
    pub parent: u32,
    pub op: u16,
    pub passed: u16,
}

/// The requirements of an operator on the states of a node.
pub(super) struct Demand<const W: usize> {
    pub op: u16,
    /// Indices in the live list of its operands, except those that may be streamed.
    pub reads: Bits<W>,
    /// Its operands without further readers.
    pub dying: Bits<W>,
    /// Its operands that may be streamed, in the order of
    /// [`SearchOp::either_way`](super::instance::SearchOp::either_way), and the live ones of them as a set.
    pub either_way: Vec<EitherWay>,
    pub live_either_way: Bits<W>,
    /// The padded size of everything in the scratchpad only because this operator runs, without its live operands,
    /// minus the savings of shared bytes.
    pub needs: u64,
    /// The limit of the sum of padded sizes while it runs.
    pub capacity: u64,
    /// The padded size and eviction cost of its results that others read.
    pub written_room: u64,
    pub written_cost: u64,
    /// Whether it is the first to load an argument that others read later.
    pub loads_shared: bool,
    /// Indices in the live list of tensors that cannot be present while it runs.
    pub excluded: Bits<W>,
    /// Whether a pin of its tensors conflicts with any other tensor.
    pub is_in_the_way: bool,
}

/// The change of a state to one of the child when an operator has run.
pub(super) struct Transition<const W: usize> {
    /// From the parent's live list to the child's; `GONE` for dying tensors.
    pub map: Vec<u16>,
    /// In the child's live list: tensors that this operator wrote or loaded first, except those that may be streamed.
    pub added: Bits<W>,
    pub added_host: Bits<W>,
    pub added_room: u64,
    /// In the child's live list: tensors that may be streamed when this operator runs; `GONE` for dying ones.
    pub either_way: Vec<u16>,
    /// The index of the child in the next level.
    pub child: usize,
}

/// An operand that is read in the scratchpad or streamed.
pub(super) struct EitherWay {
    /// In the live list; `None` if nothing touched it before.
    pub before: Option<usize>,
    /// Whether it has no further readers.
    pub is_last: bool,
    pub room: u64,
    pub size: u64,
}

impl EitherWay {
    /// Whether a state has it on-chip.
    pub fn is_resident<const W: usize>(&self, state: &State<W>) -> bool {
        self.before.is_some_and(|it| state.resident.contains(it))
    }

    /// Whether it is streamed in any case: an absent tensor is not loaded for its last reader.
    pub fn must_pass<const W: usize>(&self, state: &State<W>) -> bool {
        self.is_last && !self.is_resident(state)
    }

    /// The charge of streaming it: this use, unless that was paid for, and the one after it.
    pub fn passing<const W: usize>(&self, state: &State<W>) -> u64 {
        self.size * (u64::from(self.is_resident(state)) + u64::from(!self.is_last))
    }
}

pub(super) const GONE: u16 = u16::MAX;

/// The error that more tensors are live at once than a state of this width can represent.
#[derive(Debug)]
pub(super) struct TooWide;

impl<const W: usize> State<W> {
    /// Nothing is on-chip, and nothing has been charged.
    pub fn empty() -> State<W> {
        State {
            resident: Bits::EMPTY,
            host: Bits::EMPTY,
            cost: 0,
            used: 0,
            peak: 0,
            parent: u32::MAX,
            op: 0,
            passed: 0,
        }
    }
}

impl<const W: usize> Node<W> {
    /// The node in which nothing has run.
    pub fn root(instance: &Instance) -> Node<W> {
        Node::after(instance, vec![0; instance.n_words].into()).expect("nothing is live before the first operator")
    }

    /// The node in which exactly these operators have run.
    pub fn after(instance: &Instance, executed: Box<[u64]>) -> Result<Node<W>, TooWide> {
        let is_ready = |op: &u16| {
            let predecessors = &instance.ops[usize::from(*op)].predecessors;
            !has(&executed, *op) && predecessors.iter().all(|it| has(&executed, *it))
        };
        let ready = (0..instance.ops.len() as u16).filter(is_ready).collect();
        let mut live = Vec::new();
        for (index, tensor) in instance.tracked.iter().enumerate() {
            let remaining = tensor.readers.iter().filter(|it| !has(&executed, **it)).count();
            let touched = match tensor.producer {
                Some(op) => has(&executed, op),
                None => remaining < tensor.readers.len(),
            };
            if touched && 0 < remaining {
                live.push(Live { tensor: index as Tracked, remaining: remaining as u16 });
            }
        }
        if Bits::<W>::LIMIT < live.len() {
            return Err(TooWide);
        }
        let (executed, ready, live) = (Executed::new(executed), Ready::new(ready), live.into());
        Ok(Node { executed, ready, live, to_go: 0, states: Vec::new() })
    }

    /// The node after `op` has run too, without states. `executed` has `op`.
    pub fn child(&self, instance: &Instance, op: u16, executed: Executed) -> Result<Node<W>, TooWide> {
        let operator = &instance.ops[usize::from(op)];
        let has_all = |next: &u16| instance.ops[usize::from(*next)].predecessors.iter().all(|it| executed.has(*it));
        let ready = self.ready.after(op, operator.successors.iter().copied().filter(has_all).collect());
        let mut live = self.live.to_vec();
        for it in live.iter_mut().filter(|it| operator.reads.binary_search(&it.tensor).is_ok()) {
            it.remaining -= 1;
        }
        let fresh = operator.reads.iter().filter(|it| self.index_of(**it).is_none());
        for &tensor in fresh {
            live.push(Live { tensor, remaining: instance.tracked[usize::from(tensor)].readers.len() as u16 - 1 });
        }
        for &tensor in &operator.writes {
            live.push(Live { tensor, remaining: instance.tracked[usize::from(tensor)].readers.len() as u16 });
        }
        live.retain(|it| 0 < it.remaining);
        live.sort_unstable_by_key(|it| it.tensor);
        if Bits::<W>::LIMIT < live.len() {
            return Err(TooWide);
        }
        Ok(Node { executed, ready, live: live.into(), to_go: 0, states: Vec::new() })
    }

    /// Adds a state. Most nodes of a wide level have only one.
    pub fn push(&mut self, state: State<W>) {
        if self.states.is_empty() {
            self.states.reserve_exact(1);
        }
        self.states.push(state);
    }

    /// Prepares for running operators: copies what it shares with its parent.
    pub fn unfold(&mut self) {
        self.executed.unfold();
        self.ready.unfold();
    }

    /// The requirements of a ready operator.
    pub fn demand(&self, instance: &Instance, op: u16) -> Demand<W> {
        let operator = &instance.ops[usize::from(op)];
        let mut demand = Demand {
            op,
            reads: Bits::EMPTY,
            dying: Bits::EMPTY,
            either_way: Vec::new(),
            live_either_way: Bits::EMPTY,
            needs: operator.need,
            capacity: operator.capacity,
            written_room: 0,
            written_cost: 0,
            loads_shared: false,
            excluded: Bits::EMPTY,
            is_in_the_way: operator.is_in_the_way,
        };
        let excluded = operator.excluded.iter().filter_map(|it| self.index_of(*it));
        excluded.for_each(|it| demand.excluded.insert(it));
        for &tensor in &operator.reads {
            let before = self.index_of(tensor);
            let is_last = before.is_some_and(|it| self.live[it].remaining == 1);
            if let Some(index) = before.filter(|_| is_last) {
                demand.dying.insert(index);
            }
            if operator.either_way.binary_search(&tensor).is_ok() {
                let it = &instance.tracked[usize::from(tensor)];
                demand.either_way.push(EitherWay { before, is_last, room: it.room, size: it.size });
                before.iter().for_each(|it| demand.live_either_way.insert(*it));
                continue;
            }
            match before {
                Some(index) => demand.reads.insert(index),
                None => {
                    let it = &instance.tracked[usize::from(tensor)];
                    demand.needs += it.room;
                    demand.loads_shared |= 1 < it.readers.len();
                }
            }
        }
        for &tensor in &operator.writes {
            let it = &instance.tracked[usize::from(tensor)];
            demand.needs += it.room;
            demand.written_room += it.room;
            demand.written_cost += if it.has_host_copy { it.size } else { 2 * it.size };
        }
        // The needs include the size of every result, and no more than that is saved.
        demand.needs -= operator.saved(|it| self.index_of(it).is_some_and(|it| demand.dying.contains(it)));
        demand
    }

    /// The change of states when `op` runs; `child` is the resulting node, at index `place` in its level.
    pub fn transition(&self, instance: &Instance, op: u16, child: &Node<W>, place: usize) -> Transition<W> {
        let operator = &instance.ops[usize::from(op)];
        let mut transition = Transition {
            map: self.live.iter().map(|it| child.index_of(it.tensor).map_or(GONE, |it| it as u16)).collect(),
            added: Bits::EMPTY,
            added_host: Bits::EMPTY,
            added_room: 0,
            either_way: operator.either_way.iter().map(|it| child.index_of(*it).map_or(GONE, |it| it as u16)).collect(),
            child: place,
        };
        let must_come =
            |it: &&Tracked| self.index_of(**it).is_none() && operator.either_way.binary_search(*it).is_err();
        for &tensor in operator.reads.iter().filter(must_come).chain(&operator.writes) {
            let it = &instance.tracked[usize::from(tensor)];
            if let Some(index) = child.index_of(tensor) {
                transition.added.insert(index);
                transition.added_room += it.room;
                if it.has_host_copy {
                    transition.added_host.insert(index);
                }
            }
        }
        transition
    }

    /// The index of a tensor in the live list.
    pub fn index_of(&self, tensor: Tracked) -> Option<usize> {
        self.live.binary_search_by_key(&tensor, |it| it.tensor).ok()
    }
}

/// The sizes of live tensors, beside the live list so that the inner loops are fast.
pub(super) struct Sizes {
    /// Padded sizes.
    pub room: Vec<u64>,
    /// Bytes of one transfer.
    pub size: Vec<u64>,
}

impl Sizes {
    pub fn of<const W: usize>(instance: &Instance, node: &Node<W>) -> Sizes {
        let tensors = || node.live.iter().map(|it| &instance.tracked[usize::from(it.tensor)]);
        Sizes { room: tensors().map(|it| it.room).collect(), size: tensors().map(|it| it.size).collect() }
    }

    /// The charge of evicting a resident tensor: the write-back if there is no host copy, and the reload.
    pub fn eviction<const W: usize>(&self, host: &Bits<W>, index: usize) -> u64 {
        if host.contains(index) { self.size[index] } else { 2 * self.size[index] }
    }

    pub fn room_of<const W: usize>(&self, set: &Bits<W>) -> u64 {
        set.iter().map(|it| self.room[it]).sum()
    }
}
