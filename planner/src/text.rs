//! Problems as text: for tests, for replaying what went wrong, and for people.
//!
//! One statement a line, `#` starts a comment, sizes are bytes:
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
//! `over` names the operands that a result may share bytes with: the smaller one lies within the
//! larger one, from its start or from the byte that `at` says. What is read elsewhere than in the
//! scratchpad has the memories where it may lie behind an `@`, with `|` between them; `weights streamed`
//! at the end of the first line says `@host` of all weights.
//!
//! A tensor that is a region of a larger one in host memory is `staged NAME BYTES from PARTS`, behind the operators that
//! write the parts.
//!
//! An order of operators that no tensor tells is `order FIRST SECOND`, and `again OPERATOR` says that one may
//! run more than once.
//!
//! Machines of other memories are told one by one, home and then the scratchpad first, and the links
//! between them:
//!
//! ```text
//! memory host
//! memory l1 192 alignment 64 reserved 0..64
//! memory l2 4096 alignment 64
//! link host l2 price 4
//! ```

use crate::{
    Bytes, Error, Graph, GraphBuilder, InPlace, Link, Machine, Memory, MemoryId, MemorySet, OpId, Origin, Problem,
    Tensor, TensorId, Use, Weights,
};
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_streamed = has_usual_form(&self.machine) && self.weights() == Weights::Streamed;
        let weights = if is_streamed { Weights::Streamed } else { Weights::Resident };
        write_machine(f, &self.machine, weights)?;
        for tensor in self.graph.tensors() {
            match tensor.origin {
                Origin::Argument => writeln!(f, "argument {} {}", tensor.name, tensor.size)?,
                Origin::Weight => writeln!(f, "weight {} {}", tensor.name, tensor.size)?,
                Origin::Staged | Origin::Op(_) => {}
            }
        }
        let name = |tensor: &TensorId| self.graph.tensor(*tensor).name.as_str();
        let mut staged = self.graph.tensor_ids().filter(|it| !self.graph.parts(*it).is_empty()).peekable();
        for op in self.graph.op_ids().map(|it| self.graph.op(it)) {
            // Tensors are numbered as they are read again: this one before what the operator and others write.
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
            if op.workspace != Bytes::ZERO {
                write!(f, " workspace {}", op.workspace)?;
            }
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
        if !self.graph.results().is_empty() {
            let names: Vec<&str> = self.graph.results().iter().map(name).collect();
            writeln!(f, "return {}", names.join(" "))?;
        }
        Ok(())
    }
}

fn write_staged(f: &mut fmt::Formatter<'_>, graph: &Graph, tensor: TensorId) -> fmt::Result {
    let Tensor { name, size, .. } = graph.tensor(tensor);
    let parts: Vec<&str> = graph.parts(tensor).iter().map(|it| graph.tensor(*it).name.as_str()).collect();
    writeln!(f, "staged {name} {size} from {}", parts.join(" "))
}

impl Problem {
    /// How its weights reach their operators, in one word: streamed if there are some and all are read in host
    /// memory; else what is read there says so for itself.
    pub fn weights(&self) -> Weights {
        let reads = self.graph.ops().iter().flat_map(|it| &it.reads);
        let mut of_weights = reads.filter(|it| self.graph.tensor(it.tensor).origin == Origin::Weight).peekable();
        let is_streamed = of_weights.peek().is_some() && of_weights.all(|it| it.from == MemorySet::HOME);
        if is_streamed { Weights::Streamed } else { Weights::Resident }
    }
}

/// Where a tensor is read of which nothing is said.
fn place_of_bare(origin: Origin, weights: Weights) -> MemorySet {
    match (origin, weights) {
        (Origin::Weight, Weights::Streamed) => MemorySet::HOME,
        _ => MemorySet::SCRATCHPAD,
    }
}

/// Whether one line says all of a machine.
fn has_usual_form(machine: &Machine) -> bool {
    *machine == Machine::with_host(machine.scratchpad(), machine.alignment())
}

fn write_machine(f: &mut fmt::Formatter<'_>, machine: &Machine, weights: Weights) -> fmt::Result {
    let (scratchpad, alignment) = (machine.scratchpad(), machine.alignment());
    if has_usual_form(machine) {
        let weights = match weights {
            Weights::Resident => "resident",
            Weights::Streamed => "streamed",
        };
        return writeln!(f, "machine scratchpad {scratchpad} alignment {alignment} weights {weights}");
    }
    for Memory { name, size, alignment, reserved } in machine.memories() {
        write!(f, "memory {name}")?;
        if let Some(size) = size {
            write!(f, " {size}")?;
        }
        write!(f, " alignment {alignment}")?;
        for (index, range) in reserved.iter().enumerate() {
            write!(f, "{} {}..{}", if index == 0 { " reserved" } else { "" }, range.start, range.end)?;
        }
        writeln!(f)?;
    }
    let name = |it: MemoryId| &machine.memories()[it.index()].name;
    for link in machine.links() {
        writeln!(f, "link {} {} price {}", name(link.from), name(link.to), link.price)?;
    }
    Ok(())
}

impl FromStr for Problem {
    type Err = Error;

    /// # Errors
    /// [`Error::Text`] at the first line that does not parse; those of [`Machine::new`] and [`GraphBuilder::build`].
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
        let weights = machine.weights;
        let no_machine = Error::Text { line: text.lines().count().max(1), message: "no machine".into() };
        let machine = machine.finish()?.ok_or(no_machine);
        // What is wrong with an operator is said first.
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

/// Before the bytes from the start of the larger one of two tensors to that of the smaller one.
const AT: &str = "at";

/// Reads what is said of the machine.
#[derive(Default)]
struct MachineParser {
    /// In one line, with the host.
    usual: Option<Machine>,
    weights: Weights,
    memories: Vec<Memory>,
    links: Vec<Link>,
}

impl MachineParser {
    /// Takes a statement about the machine; false for any other.
    fn statement(&mut self, statement: &str) -> Result<bool, String> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            ["machine", "scratchpad", scratchpad, "alignment", alignment, weights @ ..] => {
                self.weights = match weights {
                    [] | ["weights", "resident"] => Weights::Resident,
                    ["weights", "streamed"] => Weights::Streamed,
                    other => {
                        return Err(format!("weights are resident or streamed, not {}", other.last().unwrap_or(&"")));
                    }
                };
                self.usual = Some(Machine::with_host(bytes(scratchpad)?, bytes(alignment)?));
            }
            ["memory", name, rest @ ..] => {
                let memory = parse_memory(name, rest)?;
                self.memories.push(memory);
            }
            ["link", from, to, price @ ..] => {
                let find = |name: &str| {
                    let found = self.memories.iter().position(|it| it.name == name);
                    found.map(|it| MemoryId(it as u32)).ok_or_else(|| format!("no memory {name} so far"))
                };
                let price = match price {
                    [] => 1,
                    ["price", price] => price.parse().map_err(|_| format!("expected a price, not {price}"))?,
                    other => return Err(format!("expected `price NUMBER`, not `{}`", other.join(" "))),
                };
                let link = Link { from: find(from)?, to: find(to)?, price };
                self.links.push(link);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The machine, if anything was said.
    fn finish(self) -> Result<Option<Machine>, Error> {
        match self.usual {
            Some(_) if !self.memories.is_empty() => {
                Err(Error::Machine("a machine is one line, or a line for each memory, not both".into()))
            }
            None if !self.memories.is_empty() => Machine::new(self.memories, self.links).map(Some),
            usual => Ok(usual),
        }
    }
}

/// `memory NAME [SIZE] [alignment BYTES] [reserved FROM..TO …]`, from behind the name.
fn parse_memory(name: &str, words: &[&str]) -> Result<Memory, String> {
    let (size, words) = match words {
        [size, rest @ ..] if size.parse::<u64>().is_ok() => (Some(bytes(size)?), rest),
        words => (None, words),
    };
    let (alignment, words) = match words {
        ["alignment", alignment, rest @ ..] => (bytes(alignment)?, rest),
        words => (Bytes(1), words),
    };
    let ranges = match words {
        ["reserved", ranges @ ..] => ranges,
        [] => &[],
        other => return Err(format!("expected `alignment BYTES` or `reserved FROM..TO`, not `{}`", other.join(" "))),
    };
    let range = |word: &&str| {
        let (start, end) = word.split_once("..").ok_or_else(|| format!("expected FROM..TO, not {word}"))?;
        Ok::<Range<Bytes>, String>(bytes(start)?..bytes(end)?)
    };
    let reserved = ranges.iter().map(range).collect::<Result<_, _>>()?;
    Ok(Memory { name: name.into(), size, alignment, reserved })
}

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
            ["return", names @ ..] => {
                for name in names {
                    let tensor = self.lookup(name)?;
                    self.graph.result(tensor);
                }
                Ok(())
            }
            [other, ..] => Err(format!(
                "expected machine, memory, link, argument, weight, staged, op, order, again or return, not {other}"
            )),
        }
    }

    fn op(&mut self, statement: &str) -> Result<(), String> {
        let rest = statement.trim().strip_prefix("op").unwrap_or_default();
        let (name, rest) = rest.split_once(':').ok_or("expected `op NAME: READS -> WRITES`")?;
        let (reads, writes) = rest.split_once("->").ok_or("expected `->` after what is read")?;
        let (writes, workspace) = match writes.split_once(" workspace ") {
            Some((writes, workspace)) => (writes, bytes(workspace.trim())?),
            None => (writes, Bytes::ZERO),
        };
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
        over.into_iter().for_each(|(index, operand, at)| self.graph.in_place_at(tensors[index], operand, at));
        names.iter().zip(tensors).try_for_each(|((name, _), tensor)| self.define(name, tensor))
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
            return Err(format!("a tensor cannot have the name {name}: behind an @ is a memory"));
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
