//! Problems as text: for tests, for reproducing errors, and for reading.
//!
//! One statement per line, `#` starts a comment, sizes are in bytes:
//!
//! ```text
//! machine scratchpad 192 alignment 64
//! argument x 64
//! weight w 32
//! op conv: x w@host -> y 64, z 64 workspace 16
//! op add: y z -> s 64 over y z
//! op concatenate: s x -> t 128 over s x at 64
//! return t
//! ```
//!
//! `over` names the operands that a result may share bytes with: the smaller one lies within the larger one, at its
//! start or at the byte offset after `at`. A tensor that is read elsewhere than in the scratchpad has `@` and the
//! memories that it may lie in, separated by `|`. `weights streamed` at the end of the first line means `@host` for all
//! weights, and `weights auto` means `@host|scratchpad`.
//!
//! A weight that may stay in the scratchpad from one run of the network to the next is `weight NAME BYTES keep auto`,
//! or `keep always`.
//!
//! A tensor that is a region of a larger one in host memory is `staged NAME BYTES from PARTS`, after the operators that
//! write the parts.
//!
//! `pin TENSOR at BYTES` is the fixed address of a tensor whenever it is in the scratchpad. `starts on-chip TENSORS`
//! lists arguments that lie there, and not in host memory, before the first operator runs; `ends on-chip TENSORS` lists
//! tensors that must lie there after the last one has run.
//!
//! `order FIRST SECOND` is a dependence of operators without a tensor, and `again OPERATOR` allows an operator to run
//! more than once.
//!
//! A machine with other memories has one line for each, home and then the scratchpad first, and the links between them:
//!
//! ```text
//! memory host
//! memory l1 192 alignment 64 reserved 0..64
//! memory l2 4096 alignment 64
//! link host l2 price 4
//! ```
//!
//! `banks 4` after these gives a memory four equal banks, which no tensor lies across, and with `banks 4 apart` no two
//! operands of one operator lie in one bank; with `banks 4 apart price 64`, each two that do cost as much as 64 bytes of
//! traffic ([`Apart`](crate::Apart)). `banks of 1024` gives their size instead of their number; then the last
//! one may be smaller ([`Banks`](crate::Banks)).
//!
//! `moves none` means that nothing moves between the memories: a link is then for accesses of operators
//! ([`Moves`](crate::Moves)).
//!
//! A machine with a clock has channels, a rate in bytes per cycle for each link, and the speed of computing; `macs` and
//! `cycles` come at the end of an operator's line:
//!
//! ```text
//! machine scratchpad 192 alignment 64
//! channel dma0
//! link host scratchpad rate 15/4 setup 16 latency 500 burst 128 on dma0
//! link scratchpad host rate 3.75 latency 250 on dma0
//! compute cycles_per_mac 1/512 bytes_per_cycle 64 least_cycles 1
//! argument x 64
//! op conv: x -> y 64 workspace 16 macs 4096
//! op add: x y -> z 64 cycles 900
//! ```
//!
//! `macs` and `cycles` are keywords after a result or a workspace, unless a tensor has the same name: then only after a
//! workspace, of 0 bytes if necessary.

pub(crate) mod machine;

use crate::{
    Bytes, Error, Graph, GraphBuilder, InPlace, Keep, MemoryId, MemorySet, Op, OpId, Origin, Problem, Tensor, TensorId,
    Use, Weights,
};
use machine::{MachineParser, cycles, has_usual_form, write_machine};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weights = if has_usual_form(&self.machine) { self.weights() } else { Weights::Resident };
        write_machine(f, &self.machine, weights)?;
        for tensor in self.graph.tensors() {
            match tensor.origin {
                Origin::Argument => writeln!(f, "argument {} {}", tensor.name, tensor.size)?,
                Origin::Weight => {
                    write!(f, "weight {} {}", tensor.name, tensor.size)?;
                    match tensor.keep {
                        Keep::Never => writeln!(f)?,
                        keep => writeln!(f, " {KEEP} {}", keep.name())?,
                    }
                }
                Origin::Staged | Origin::Op(_) => {}
            }
        }
        let name = |tensor: &TensorId| self.graph.tensor(*tensor).name.as_str();
        let mut staged = self.graph.tensor_ids().filter(|it| !self.graph.parts(*it).is_empty()).peekable();
        for op in self.graph.op_ids().map(|it| self.graph.op(it)) {
            // Tensors are numbered in the order of reading: this one comes before those that this and later operators
            // write.
            let last = op.reads.iter().map(|it| it.tensor).filter(|it| !self.graph.parts(*it).is_empty()).max();
            let is_next = |it: &TensorId| op.writes.first().is_some_and(|write| it < write) || Some(*it) <= last;
            while let Some(tensor) = staged.next_if(is_next) {
                write_staged(f, &self.graph, tensor)?;
            }
            write!(f, "op {}:", op.name)?;
            for read in &op.reads {
                write!(f, " {}", name(&read.tensor))?;
                if read.from != place_of_bare(self.graph.tensor(read.tensor).origin, weights) {
                    let memory = |it: MemoryId| self.machine.memories()[it.index()].name.as_str();
                    write!(f, "@{}", read.from.iter().map(memory).collect::<Vec<_>>().join("|"))?;
                }
            }
            write!(f, " ->")?;
            for (index, tensor) in op.writes.iter().enumerate() {
                let comma = if index == 0 { "" } else { "," };
                write!(f, "{comma} {} {}", name(tensor), self.graph.tensor(*tensor).size)?;
                let pairs: Vec<&InPlace> = op.in_place.iter().filter(|it| it.result == *tensor).collect();
                for (index, pair) in pairs.iter().enumerate() {
                    write!(f, "{} {}", if index == 0 { " over" } else { "" }, name(&pair.operand))?;
                    // A tensor may have the name `at`.
                    let is_ambiguous = pairs.get(index + 1).is_some_and(|it| name(&it.operand) == AT);
                    if pair.at() != Bytes::ZERO || is_ambiguous {
                        write!(f, " {AT} {}", pair.at())?;
                    }
                }
            }
            let is_timed = op.macs.is_some() || op.cycles.is_some();
            if op.workspace != Bytes::ZERO || is_timed && (op.writes.is_empty() || self.has_tensor_named_like_a_time())
            {
                write!(f, " workspace {}", op.workspace)?;
            }
            write_time(f, op)?;
            writeln!(f)?;
        }
        staged.try_for_each(|it| write_staged(f, &self.graph, it))?;
        let op_name = |op: OpId| self.graph.op(op).name.as_str();
        let is_told = |it: &&(OpId, OpId)| {
            let parts = self.graph.op(it.1).reads.iter().flat_map(|read| self.graph.parts(read.tensor));
            parts.into_iter().any(|part| self.graph.producer(*part) == Some(it.0))
        };
        for (before, after) in self.graph.edges().iter().filter(|it| !is_told(it)) {
            writeln!(f, "order {} {}", op_name(*before), op_name(*after))?;
        }
        for op in self.graph.ops().iter().filter(|it| it.may_rerun) {
            writeln!(f, "again {}", op.name)?;
        }
        for tensor in self.graph.tensors() {
            if let Some(at) = tensor.pin {
                writeln!(f, "pin {} {AT} {at}", tensor.name)?;
            }
        }
        let tensors = self.graph.tensors();
        let starts = tensors.iter().filter(|it| it.starts_on_chip).map(|it| it.name.as_str()).collect();
        let ends = tensors.iter().filter(|it| it.ends_on_chip).map(|it| it.name.as_str()).collect();
        let words: [(&str, Vec<&str>); 2] = [("starts", starts), ("ends", ends)];
        for (word, names) in words.into_iter().filter(|it| !it.1.is_empty()) {
            writeln!(f, "{word} {ON_CHIP} {}", names.join(" "))?;
        }
        if !self.graph.results().is_empty() {
            let names: Vec<&str> = self.graph.results().iter().map(name).collect();
            writeln!(f, "return {}", names.join(" "))?;
        }
        Ok(())
    }
}

fn write_time(f: &mut fmt::Formatter<'_>, op: &Op) -> fmt::Result {
    if let Some(macs) = op.macs {
        write!(f, " {MACS} {macs}")?;
    }
    if let Some(cycles) = op.cycles {
        write!(f, " {CYCLES} {cycles}")?;
    }
    Ok(())
}

fn write_staged(f: &mut fmt::Formatter<'_>, graph: &Graph, tensor: TensorId) -> fmt::Result {
    let Tensor { name, size, .. } = graph.tensor(tensor);
    let parts: Vec<&str> = graph.parts(tensor).iter().map(|it| graph.tensor(*it).name.as_str()).collect();
    writeln!(f, "staged {name} {size} from {}", parts.join(" "))
}

impl Problem {
    /// Whether a tensor has the name of one of the keywords at the end of an operator's line.
    fn has_tensor_named_like_a_time(&self) -> bool {
        self.graph.tensors().iter().any(|it| TIMES.contains(&it.name.as_str()))
    }

    /// The way its operators read weights, in one word: streamed if there are weights and all are read in host memory,
    /// auto if all have the choice; otherwise each operand that is read elsewhere than in the scratchpad has its own
    /// memories.
    pub fn weights(&self) -> Weights {
        let reads = self.graph.ops().iter().flat_map(|it| &it.reads);
        let mut of_weights = reads.filter(|it| self.graph.tensor(it.tensor).origin == Origin::Weight).map(|it| it.from);
        let first = of_weights.next();
        let is_alike = of_weights.all(|it| Some(it) == first);
        let alike = [Weights::Streamed, Weights::Auto].into_iter().find(|it| is_alike && first == Some(it.memories()));
        alike.unwrap_or(Weights::Resident)
    }
}

/// The memories of an operand without `@`.
fn place_of_bare(origin: Origin, weights: Weights) -> MemorySet {
    if origin == Origin::Weight { weights.memories() } else { MemorySet::SCRATCHPAD }
}

impl FromStr for Problem {
    type Err = Error;

    /// # Errors
    /// [`Error::Text`] for the first line that does not parse; those of [`Machine::new`](crate::Machine::new),
    /// [`Machine::with_clock`](crate::Machine::with_clock) and [`GraphBuilder::build`].
    fn from_str(text: &str) -> Result<Problem, Error> {
        let statements =
            || text.lines().enumerate().map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default()));
        let mut machine = MachineParser::default();
        let mut others = Vec::new();
        for (line, statement) in statements() {
            match machine.statement(statement) {
                Ok(true) => {}
                Ok(false) => others.push((line, statement)),
                Err(message) => return Err(Error::Text { line, message }),
            }
        }
        let weights = machine.weights.unwrap_or_default();
        let no_machine = Error::Text { line: text.lines().count().max(1), message: "no machine".into() };
        let machine = machine.finish()?.ok_or(no_machine);
        // Errors in operators are reported first.
        let memories =
            machine.as_ref().map_or(Vec::new(), |it| it.memories().iter().map(|it| it.name.clone()).collect());
        let mut parser =
            Parser { graph: GraphBuilder::new(), tensors: HashMap::new(), ops: HashMap::new(), memories, weights };
        for (line, statement) in others {
            parser.statement(statement).map_err(|message| Error::Text { line, message })?;
        }
        Ok(Problem { graph: parser.graph.build()?, machine: machine? })
    }
}

/// Precedes the byte offset of the smaller tensor in the larger one.
const AT: &str = "at";

/// Precedes the way a weight is kept from one run to the next.
const KEEP: &str = "keep";

/// Follows `starts` and `ends`.
const ON_CHIP: &str = "on-chip";

/// Precede the multiply-accumulates and the cycles of an operator.
const MACS: &str = "macs";
const CYCLES: &str = "cycles";
const TIMES: [&str; 2] = [MACS, CYCLES];

struct Parser {
    graph: GraphBuilder,
    tensors: HashMap<String, TensorId>,
    ops: HashMap<String, OpId>,
    /// Names of memories, by id.
    memories: Vec<String>,
    weights: Weights,
}

impl Parser {
    fn statement(&mut self, statement: &str) -> Result<(), String> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            ["argument", name, size] => {
                let tensor = self.graph.argument(*name, bytes(size)?);
                self.define(name, tensor)
            }
            ["weight", name, size] => {
                let tensor = self.graph.weight(*name, bytes(size)?);
                self.define(name, tensor)
            }
            ["weight", name, size, KEEP, keep] => {
                let tensor = self.graph.weight(*name, bytes(size)?);
                let found = [Keep::Never, Keep::Auto, Keep::Always].into_iter().find(|it| it.name() == *keep);
                self.graph.keep(tensor, found.ok_or(format!("expected never, auto or always, not {keep}"))?);
                self.define(name, tensor)
            }
            ["staged", name, size, "from", parts @ ..] => {
                let size = bytes(size)?;
                let parts = parts.iter().map(|it| self.lookup(it)).collect::<Result<Vec<_>, _>>()?;
                let tensor = self.graph.staged(*name, size, &parts);
                self.define(name, tensor)
            }
            ["op", ..] => self.op(statement),
            ["order", before, after] => {
                let (before, after) = (self.lookup_op(before)?, self.lookup_op(after)?);
                self.graph.order(before, after);
                Ok(())
            }
            ["again", op] => {
                let op = self.lookup_op(op)?;
                self.graph.may_rerun(op);
                Ok(())
            }
            ["pin", name, AT, at] => {
                let tensor = self.lookup(name)?;
                self.graph.pin(tensor, bytes(at)?);
                Ok(())
            }
            ["starts", ON_CHIP, names @ ..] => {
                for name in names {
                    let tensor = self.lookup(name)?;
                    self.graph.starts_on_chip(tensor);
                }
                Ok(())
            }
            ["ends", ON_CHIP, names @ ..] => {
                for name in names {
                    let tensor = self.lookup(name)?;
                    self.graph.ends_on_chip(tensor);
                }
                Ok(())
            }
            ["return", names @ ..] => {
                for name in names {
                    let tensor = self.lookup(name)?;
                    self.graph.result(tensor);
                }
                Ok(())
            }
            [other, ..] => Err(format!(
                "expected machine, memory, channel, link, compute, moves, argument, weight, staged, op, order, again, pin, starts, ends or return, not {other}"
            )),
        }
    }

    fn op(&mut self, statement: &str) -> Result<(), String> {
        let rest = statement.trim().strip_prefix("op").unwrap_or_default();
        let (name, rest) = rest.split_once(':').ok_or("expected `op NAME: READS -> WRITES`")?;
        let (reads, writes) = rest.split_once("->").ok_or("expected `->` after the operands")?;
        let (writes, workspace, times) = self.split_writes(writes)?;
        let reads = reads.split_whitespace().map(|it| self.read(it)).collect::<Result<Vec<_>, _>>()?;
        let mut names = Vec::new();
        let mut over = Vec::new();
        for write in writes.split(',').filter(|it| !it.trim().is_empty()) {
            match write.split_whitespace().collect::<Vec<_>>()[..] {
                [name, size] => names.push((name.to_owned(), bytes(size)?)),
                [name, size, "over", ref operands @ ..] if !operands.is_empty() => {
                    let mut operands = operands;
                    while let [operand, rest @ ..] = operands {
                        let (at, rest) = match rest {
                            [AT, at, rest @ ..] if at.parse::<u64>().is_ok() => (bytes(at)?, rest),
                            _ => (Bytes::ZERO, rest),
                        };
                        over.push((names.len(), self.lookup(operand)?, at));
                        operands = rest;
                    }
                    names.push((name.to_owned(), bytes(size)?));
                }
                _ => {
                    let forms = "`NAME SIZE` or `NAME SIZE over NAMES`, each perhaps with `at BYTES`";
                    return Err(format!("expected {forms}, not `{}`", write.trim()));
                }
            }
        }
        let op = OpId(self.ops.len() as u32);
        if self.ops.insert(name.trim().to_owned(), op).is_some() {
            return Err(format!("operator {} is defined twice", name.trim()));
        }
        let tensors = self.graph.op_with_uses(name.trim(), &reads, names.clone(), workspace);
        for (index, time) in times.iter().enumerate() {
            if times[..index].iter().any(|it| it.0 == time.0) {
                return Err(format!("`{}` is given twice", time.0));
            }
            match *time {
                (MACS, macs) => {
                    let macs = macs.parse().map_err(|_| format!("expected a number of macs, not {macs}"))?;
                    self.graph.macs(op, macs);
                }
                (_, count) => self.graph.cycles(op, cycles(count)?),
            }
        }
        over.into_iter().for_each(|(index, operand, at)| self.graph.in_place_at(tensors[index], operand, at));
        names.iter().zip(tensors).try_for_each(|((name, _), tensor)| self.define(name, tensor))
    }

    /// The results, the workspace, and the keywords after both.
    #[expect(clippy::type_complexity, reason = "taken apart where it is called")]
    fn split_writes<'a>(&self, text: &'a str) -> Result<(&'a str, Bytes, Vec<(&'a str, &'a str)>), String> {
        if let Some((writes, rest)) = text.split_once(" workspace ") {
            let words: Vec<&str> = rest.split_whitespace().collect();
            let [workspace, times @ ..] = words.as_slice() else { return Err("nothing after `workspace`".into()) };
            let times = times.chunks(2).map(|it| match *it {
                [word, value] if TIMES.contains(&word) => Ok((word, value)),
                _ => Err(format!("expected `macs NUMBER` or `cycles NUMBER`, not `{}`", it.join(" "))),
            });
            return Ok((writes, bytes(workspace)?, times.collect::<Result<_, _>>()?));
        }
        let mut writes = text.trim_end();
        let mut times = Vec::new();
        while let Some((before, value)) = writes.rsplit_once(char::is_whitespace) {
            let Some((before, word)) = before.trim_end().rsplit_once(char::is_whitespace) else { break };
            let before = before.trim_end();
            let is_time = TIMES.contains(&word) && !self.tensors.contains_key(word);
            if !is_time || before.is_empty() || before.ends_with(',') {
                break;
            }
            times.push((word, value));
            writes = before;
        }
        times.reverse();
        Ok((writes, Bytes::ZERO, times))
    }

    /// `TENSOR` or `TENSOR@MEMORY|MEMORY`.
    fn read(&self, word: &str) -> Result<Use, String> {
        let Some((name, memories)) = word.split_once('@') else {
            let tensor = self.lookup(word)?;
            return Ok(Use { tensor, from: place_of_bare(self.graph.origin(tensor), self.weights) });
        };
        let memory = |name: &str| {
            let found = self.memories.iter().position(|it| it == name);
            found.map(|it| MemoryId(it as u32)).ok_or_else(|| format!("no memory {name}"))
        };
        let memories: Vec<MemoryId> = memories.split('|').map(memory).collect::<Result<_, _>>()?;
        Ok(Use { tensor: self.lookup(name)?, from: MemorySet::of(memories) })
    }

    fn define(&mut self, name: &str, tensor: TensorId) -> Result<(), String> {
        if name.contains('@') {
            return Err(format!("a tensor cannot have the name {name}: a memory follows an @"));
        }
        match self.tensors.insert(name.to_owned(), tensor) {
            None => Ok(()),
            Some(_) => Err(format!("tensor {name} is defined twice")),
        }
    }

    fn lookup_op(&self, name: &str) -> Result<OpId, String> {
        self.ops.get(name).copied().ok_or_else(|| format!("no operator {name} so far"))
    }

    fn lookup(&self, name: &str) -> Result<TensorId, String> {
        self.tensors.get(name).copied().ok_or_else(|| format!("no tensor {name} so far"))
    }
}

fn bytes(word: &str) -> Result<Bytes, String> {
    word.parse().map(Bytes).map_err(|_| format!("expected a number of bytes, not {word}"))
}
