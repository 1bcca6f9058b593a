//! Planned programs as text, the way [`Action::display`] writes them: so that tests can show one.

use crate::{Action, Bytes, Error, OpId, Place, Problem, Slot, TensorId};

/// Reads a planned program, one action a line; `#` starts a comment.
///
/// # Errors
/// [`Error::Text`] at the first line that does not parse.
pub fn parse_program(problem: &Problem, text: &str) -> Result<Vec<Action>, Error> {
    let mut actions = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split('#').next().unwrap_or_default().split_whitespace().collect();
        if !words.is_empty() {
            let action = parse_action(problem, &words);
            actions.push(action.map_err(|message| Error::Text { line: index + 1, message })?);
        }
    }
    Ok(actions)
}

fn parse_action(problem: &Problem, words: &[&str]) -> Result<Action, String> {
    match words {
        ["load", name, place @ ..] => Ok(Action::Load { tensor: tensor(problem, name)?, place: parse_place(place)? }),
        ["reload", name, place @ ..] => {
            Ok(Action::Reload { tensor: tensor(problem, name)?, place: parse_place(place)? })
        }
        ["store", slot] => Ok(Action::Store(parse_slot(problem, slot)?)),
        ["spill", slot] => Ok(Action::Spill(parse_slot(problem, slot)?)),
        ["run", name, operands @ ..] => {
            let name = name.strip_suffix(':').ok_or("expected `run NAME: READS -> WRITES`")?;
            let op = problem.graph.ops().iter().position(|it| it.name == name);
            let op = OpId(op.ok_or_else(|| format!("no operator {name}"))? as u32);
            let (operands, workspace) = match operands {
                [operands @ .., last] if last.starts_with("workspace@") => (operands, bytes(&last[10..])?),
                _ => (operands, Bytes::ZERO),
            };
            let arrow = operands.iter().position(|it| *it == "->").ok_or("expected `->` after what is read")?;
            let slots = |words: &[&str]| words.iter().map(|it| parse_slot(problem, it)).collect::<Result<_, _>>();
            Ok(Action::Run { op, reads: slots(&operands[..arrow])?, writes: slots(&operands[arrow + 1..])?, workspace })
        }
        other => Err(format!("expected load, reload, run, store or spill, not `{}`", other.join(" "))),
    }
}

fn parse_place(words: &[&str]) -> Result<Place, String> {
    match words {
        ["streamed"] => Ok(Place::Stream),
        ["at", offset] => Ok(Place::Scratchpad(bytes(offset)?)),
        other => Err(format!("expected `streamed` or `at OFFSET`, not `{}`", other.join(" "))),
    }
}

fn parse_slot(problem: &Problem, word: &str) -> Result<Slot, String> {
    let (name, offset) = word.rsplit_once('@').ok_or_else(|| format!("expected `TENSOR@OFFSET`, not `{word}`"))?;
    Ok(Slot { tensor: tensor(problem, name)?, offset: bytes(offset)? })
}

fn tensor(problem: &Problem, name: &str) -> Result<TensorId, String> {
    let found = problem.graph.tensor_ids().find(|it| problem.graph.tensor(*it).name == name);
    found.ok_or_else(|| format!("no tensor {name}"))
}

fn bytes(word: &str) -> Result<Bytes, String> {
    word.parse().map(Bytes).map_err(|_| format!("expected a number of bytes, not {word}"))
}
