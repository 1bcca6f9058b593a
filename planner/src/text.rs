//! Problems as text: for tests, for replaying what went wrong, and for people.
//!
//! One statement a line, `#` starts a comment, sizes are bytes:
//!
//! ```text
//! machine scratchpad 192 alignment 64 weights resident
//! argument x 64
//! weight w 32
//! op conv: x w -> y 64, z 64 workspace 16
//! op add: y z -> s 64 over y z
//! op concatenate: s x -> t 128 over s x at 64
//! return t
//! ```
//!
//! `over` names the operands that a result may share bytes with: the smaller one lies within the
//! larger one, from its start or from the byte that `at` says.

use crate::{Bytes, Error, GraphBuilder, InPlace, Machine, OpId, Origin, Problem, TensorId, Weights};
use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { scratchpad, alignment, weights } = &self.machine;
        let weights = match weights {
            Weights::Resident => "resident",
            Weights::Streamed => "streamed",
        };
        writeln!(f, "machine scratchpad {scratchpad} alignment {alignment} weights {weights}")?;
        for tensor in self.graph.tensors() {
            match tensor.origin {
                Origin::Argument => writeln!(f, "argument {} {}", tensor.name, tensor.size)?,
                Origin::Weight => writeln!(f, "weight {} {}", tensor.name, tensor.size)?,
                Origin::Op(_) => {}
            }
        }
        let name = |tensor: &TensorId| self.graph.tensor(*tensor).name.as_str();
        for op in self.graph.op_ids().map(|it: OpId| self.graph.op(it)) {
            write!(f, "op {}:", op.name)?;
            for tensor in &op.reads {
                write!(f, " {}", name(tensor))?;
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
        if !self.graph.results().is_empty() {
            let names: Vec<&str> = self.graph.results().iter().map(name).collect();
            writeln!(f, "return {}", names.join(" "))?;
        }
        Ok(())
    }
}

impl FromStr for Problem {
    type Err = Error;

    /// # Errors
    /// [`Error::Text`] at the first line that does not parse; those of [`GraphBuilder::build`].
    fn from_str(text: &str) -> Result<Problem, Error> {
        let mut parser = Parser { graph: GraphBuilder::new(), machine: None, tensors: HashMap::new() };
        for (index, line) in text.lines().enumerate() {
            let statement = line.split('#').next().unwrap_or_default();
            parser.statement(statement).map_err(|message| Error::Text { line: index + 1, message })?;
        }
        let line = text.lines().count().max(1);
        let machine = parser.machine.ok_or(Error::Text { line, message: "no machine".into() })?;
        Ok(Problem { graph: parser.graph.build()?, machine })
    }
}

/// Before the bytes from the start of the larger one of two tensors to that of the smaller one.
const AT: &str = "at";

struct Parser {
    graph: GraphBuilder,
    machine: Option<Machine>,
    tensors: HashMap<String, TensorId>,
}

impl Parser {
    fn statement(&mut self, statement: &str) -> Result<(), String> {
        let words: Vec<&str> = statement.split_whitespace().collect();
        match words.as_slice() {
            [] => Ok(()),
            ["machine", "scratchpad", scratchpad, "alignment", alignment, "weights", weights] => {
                let weights = match *weights {
                    "resident" => Weights::Resident,
                    "streamed" => Weights::Streamed,
                    other => return Err(format!("weights are resident or streamed, not {other}")),
                };
                self.machine = Some(Machine { scratchpad: bytes(scratchpad)?, alignment: bytes(alignment)?, weights });
                Ok(())
            }
            ["argument", name, size] => {
                let tensor = self.graph.argument(*name, bytes(size)?);
                self.define(name, tensor)
            }
            ["weight", name, size] => {
                let tensor = self.graph.weight(*name, bytes(size)?);
                self.define(name, tensor)
            }
            ["op", ..] => self.op(statement),
            ["return", names @ ..] => {
                for name in names {
                    let tensor = self.lookup(name)?;
                    self.graph.result(tensor);
                }
                Ok(())
            }
            [other, ..] => Err(format!("expected machine, argument, weight, op or return, not {other}")),
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
        let reads = reads.split_whitespace().map(|it| self.lookup(it)).collect::<Result<Vec<_>, _>>()?;
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
        let tensors = self.graph.op(name.trim(), &reads, names.clone(), workspace);
        over.into_iter().for_each(|(index, operand, at)| self.graph.in_place_at(tensors[index], operand, at));
        names.iter().zip(tensors).try_for_each(|((name, _), tensor)| self.define(name, tensor))
    }

    fn define(&mut self, name: &str, tensor: TensorId) -> Result<(), String> {
        match self.tensors.insert(name.to_owned(), tensor) {
            None => Ok(()),
            Some(_) => Err(format!("tensor {name} is defined twice")),
        }
    }

    fn lookup(&self, name: &str) -> Result<TensorId, String> {
        self.tensors.get(name).copied().ok_or_else(|| format!("no tensor {name} so far"))
    }
}

fn bytes(word: &str) -> Result<Bytes, String> {
    word.parse().map(Bytes).map_err(|_| format!("expected a number of bytes, not {word}"))
}
