//! Planned programs as text, in the format of [`program_text`](crate::program_text), for use in tests.

use crate::{Action, Bytes, Copy, Error, Kind, Kinds, MemoryId, OpId, Place, Problem, Slice, Slot, TensorId};

/// Parses a planned program, one action per line; `#` starts a comment.
///
/// # Errors
/// [`Error::Text`] for the first line that does not parse, or that names the wrong kind of copy.
pub fn parse_program(problem: &Problem, text: &str) -> Result<Vec<Action>, Error> {
    let mut actions = Vec::new();
    let mut reader = Reader { problem, kinds: Kinds::new(problem) };
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if !words.is_empty() {
            let action = reader.action(&words);
            actions.push(action.map_err(|message| Error::Text { line: index + 1, message })?);
        }
    }
    Ok(actions)
}

struct Reader<'a> {
    problem: &'a Problem,
    kinds: Kinds<'a>,
}

impl Reader<'_> {
    fn action(&mut self, words: &[&str]) -> Result<Action, String> {
        let problem = self.problem;
        match words {
            ["start", slot] => Ok(Action::Start(parse_slot(problem, slot)?)),
            ["wait", slot] => Ok(Action::Wait(parse_slot(problem, slot)?)),
            ["run", name, operands @ ..] => {
                let name = name.strip_suffix(':').ok_or("expected `run NAME: READS -> WRITES`")?;
                let op = problem.graph.ops().iter().position(|it| it.name == name);
                let op = OpId(op.ok_or_else(|| format!("no operator {name}"))? as u32);
                let (operands, workspace) = match operands {
                    [operands @ .., last] if last.starts_with("workspace@") => (operands, bytes(&last[10..])?),
                    _ => (operands, Bytes::ZERO),
                };
                let arrow = operands.iter().position(|it| *it == "->").ok_or("expected `->` after the operands")?;
                let slots =
                    |words: &[&str]| words.iter().map(|it| parse_slot(problem, it)).collect::<Result<Vec<_>, _>>();
                let (reads, writes) = (slots(&operands[..arrow])?, slots(&operands[arrow + 1..])?);
                for slot in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                    self.kinds.from_home(slot.tensor);
                }
                Ok(Action::Run { op, reads, writes, workspace })
            }
            [copy @ .., "slice", range, "async"] => {
                let (low, high) = range.split_once("..").ok_or_else(|| format!("expected FROM..TO, not {range}"))?;
                let slice = Slice { low: bytes(low)?, high: bytes(high)? };
                Ok(Action::IssueSlice(self.copy(copy, Some(slice))?, slice))
            }
            [copy @ .., "async"] => Ok(Action::Issue(self.copy(copy, None)?)),
            copy => Ok(Action::Copy(self.copy(copy, None)?)),
        }
    }

    fn copy(&mut self, words: &[&str], slice: Option<Slice>) -> Result<Copy, String> {
        let problem = self.problem;
        let (said, copy) = match words {
            [verb @ ("load" | "reload"), name, "at", place] => {
                let kind = if *verb == "load" { Kind::Load } else { Kind::Reload };
                let (tensor, to) = (tensor(problem, name)?, parse_place(problem, place)?);
                (kind, Copy { tensor, from: Place::HOME, to })
            }
            [verb @ ("store" | "spill"), slot] => {
                let kind = if *verb == "store" { Kind::Store } else { Kind::Spill };
                let Slot { tensor, place: from } = parse_slot(problem, slot)?;
                (kind, Copy { tensor, from, to: Place::HOME })
            }
            ["move", slot, "at", place] => {
                let Slot { tensor, place: from } = parse_slot(problem, slot)?;
                (Kind::Move, Copy { tensor, from, to: parse_place(problem, place)? })
            }
            other => {
                return Err(format!(
                    "expected load, reload, run, store, spill, move or wait, not `{}`",
                    other.join(" ")
                ));
            }
        };
        let found = match slice {
            Some(slice) => self.kinds.of_slice(&copy, slice),
            None => self.kinds.of(&copy),
        };
        match self.kinds.complain(copy.tensor, said, found) {
            Some(message) => Err(message),
            None => Ok(copy),
        }
    }
}

/// `OFFSET` in the scratchpad, `MEMORY:OFFSET`, or `MEMORY` for one without addresses.
fn parse_place(problem: &Problem, word: &str) -> Result<Place, String> {
    if let Ok(offset) = bytes(word) {
        return Ok(Place::on_chip(offset));
    }
    let (name, offset) = word.split_once(':').map_or((word, Ok(Bytes::ZERO)), |(name, offset)| (name, bytes(offset)));
    let memory = problem.machine.memories().iter().position(|it| it.name == name);
    let memory = memory.ok_or_else(|| format!("expected an offset or a memory, not {word}"))?;
    Ok(Place { memory: MemoryId(memory as u32), offset: offset? })
}

fn parse_slot(problem: &Problem, word: &str) -> Result<Slot, String> {
    let (name, place) = word.rsplit_once('@').ok_or_else(|| format!("expected `TENSOR@PLACE`, not `{word}`"))?;
    Ok(Slot { tensor: tensor(problem, name)?, place: parse_place(problem, place)? })
}

fn tensor(problem: &Problem, name: &str) -> Result<TensorId, String> {
    let found = problem.graph.tensor_ids().find(|it| problem.graph.tensor(*it).name == name);
    found.ok_or_else(|| format!("no tensor {name}"))
}

fn bytes(word: &str) -> Result<Bytes, String> {
    word.parse().map(Bytes).map_err(|_| format!("expected a number of bytes, not {word}"))
}
