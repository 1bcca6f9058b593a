//! A plan as CSV with a row per residency.

use crate::Planned;
use crate::block::Blocks;
use cosma_planner::{Action, Kind, Kinds, MemoryId};
use csv::Writer;

/// The columns of a [`table()`].
const HEADER: [&str; 8] = ["tensor", "bytes", "first", "end", "memory", "offset", "came", "left"];

/// A row for each residency in a memory with addresses, in the order in which they begin.
///
/// | column | |
/// |---|---|
/// | `tensor` | its name in the problem |
/// | `bytes` | its size, without padding |
/// | `first` | the first step during which it occupies its bytes, even if a transfer is still bringing it in |
/// | `end` | the first step after that during which it does not |
/// | `memory`, `offset` | where its first byte is |
/// | `came` | `load`, `reload` or `move`, or `run` and the operator that writes it |
/// | `left` | `store`, `spill` or `move`, the last copy from there; empty if it is overwritten without a copy |
///
/// Steps count operators from 0. Workspaces and tensors that operators read from host memory are not included.
pub fn table(planned: &Planned<'_>) -> String {
    let Planned { problem, actions, .. } = *planned;
    let verbs = verbs(planned);
    let mut writer = Writer::from_writer(Vec::new());
    writer.write_record(HEADER).expect("memory takes it");
    for block in Blocks::of(problem, actions).blocks {
        let tensor = problem.graph.tensor(block.tensor);
        let record = [
            tensor.name.clone(),
            tensor.size.to_string(),
            block.steps.start.to_string(),
            block.steps.end.to_string(),
            problem.machine.memories()[block.place.memory.index()].name.clone(),
            block.place.offset.to_string(),
            verbs[block.came].clone(),
            block.left.map_or(String::new(), |it| verbs[it].clone()),
        ];
        writer.write_record(record).expect("memory takes rows of one length");
    }
    let bytes = writer.into_inner().expect("memory takes it");
    String::from_utf8(bytes).expect("all fields are text")
}

/// By line: its effect, in a word or two; the first slice of a copy stands for all of its slices.
fn verbs(planned: &Planned<'_>) -> Vec<String> {
    let Planned { problem, actions, .. } = *planned;
    let mut kinds = Kinds::new(problem);
    let name = |it: Kind| it.name().to_owned();
    let verb = |action: &Action| match action {
        Action::Copy(copy) | Action::Issue(copy) => name(kinds.of(copy)),
        Action::IssueSlice(copy, slice) => name(kinds.of_slice(copy, *slice)),
        Action::Start(_) => "start".into(),
        Action::Wait(_) => "wait".into(),
        Action::Run { op, reads, .. } => {
            for read in reads.iter().filter(|it| it.place.memory == MemoryId::HOME) {
                kinds.from_home(read.tensor);
            }
            format!("run {}", problem.graph.op(*op).name)
        }
    };
    actions.iter().map(verb).collect()
}
