//! The packing of a plan alone, for packers: MiniMalloc's CSV.

use crate::Planned;
use crate::block::{Blocks, Group, reserved};
use cosma_planner::pack::{Gap, Interval};
use cosma_planner::{Bytes, MemoryId, Problem};
use csv::Writer;
use std::collections::{HashMap, HashSet};

const HEADER: [&str; 7] = ["id", "lower", "upper", "size", "alignment", "gaps", "offset"];

/// The column that is omitted if it is empty.
const GAPS: usize = 5;

/// The contents of the scratchpad as a table of buffers with their offsets, in MiniMalloc's format, which
/// `cosma-pack` reads: `id,lower,upper,size,alignment,offset`, with `gaps` before `offset` if there are any. Steps
/// are half-open.
///
/// - A residency is a buffer with the name of its tensor; the second one of a tensor is `TENSOR#2`, and so on.
/// - A result that is written over its operand is one buffer with it over both lifetimes, `OPERAND+RESULT`: a packer
///   may move them only together. If such a buffer needs only some of its bytes for a while, for example because
///   parts of a concatenation are still missing, others may use the rest: the gaps say during which steps and which
///   bytes.
/// - Tensors without bytes are omitted. MiniMalloc has no quotes, so names have `;` instead of a comma and `'`
///   instead of quotes.
/// - A workspace is `OPERATOR:workspace`. Reserved addresses are buffers of all steps: `reserved`, `reserved#2` and
///   so on.
///
/// Without its offsets, the table is the packing problem that the plan's addresses solve, except for buffers of
/// transfers in slices, which have gaps until all of their bytes are in transit.
pub fn buffers(planned: &Planned<'_>) -> String {
    let Planned { problem, actions, .. } = *planned;
    let found = Blocks::of(problem, actions);
    let buffers = buffers_of(problem, &found);
    let has_gaps = buffers.iter().any(|it| !it.interval.gaps.is_empty());
    let mut writer = Writer::from_writer(Vec::new());
    let mut put = |fields: [String; 7]| {
        let fields = fields.iter().enumerate().filter(|(column, _)| has_gaps || *column != GAPS);
        writer.write_record(fields.map(|it| it.1)).expect("memory takes rows of one length");
    };
    put(HEADER.map(String::from));
    for Buffer { id, interval, offset } in buffers {
        let gaps: Vec<String> = interval.gaps.iter().map(gap_text).collect();
        put([
            id,
            interval.start.to_string(),
            interval.end.to_string(),
            interval.size.to_string(),
            interval.alignment.to_string(),
            gaps.join(" "),
            offset.to_string(),
        ]);
    }
    let bytes = writer.into_inner().expect("memory takes it");
    String::from_utf8(bytes).expect("all fields are text")
}

/// A row.
pub(crate) struct Buffer {
    pub id: String,
    pub interval: Interval,
    pub offset: Bytes,
}

/// The buffers in the scratchpad, by their first step.
pub(crate) fn buffers_of(problem: &Problem, found: &Blocks) -> Vec<Buffer> {
    let graph = &problem.graph;
    let alignment = problem.machine.alignment();
    let mut buffers = Vec::new();
    for Group { members, offset, interval } in found.groups(problem, MemoryId::SCRATCHPAD) {
        let names: Vec<&str> = members.iter().map(|it| graph.tensor(found.blocks[*it].tensor).name.as_str()).collect();
        buffers.push(Buffer { id: names.join("+"), interval: Interval { alignment, ..interval }, offset });
    }
    for workspace in &found.workspaces {
        let interval = Interval::new(workspace.step.0, workspace.step.next().0, workspace.size);
        let id = format!("{}:workspace", graph.op(workspace.op).name);
        buffers.push(Buffer { id, interval: Interval { alignment, ..interval }, offset: workspace.offset });
    }
    buffers.sort_by_key(|it| (it.interval.start, it.offset));
    for range in reserved(&problem.machine) {
        let interval = Interval::new(0, found.n_steps as u32, range.end - range.start);
        buffers.push(Buffer { id: "reserved".into(), interval, offset: range.start });
    }
    buffers.retain(|it| !it.interval.is_empty());
    buffers.iter_mut().for_each(|it| it.id = it.id.replace(',', ";").replace('"', "'"));
    make_unique(&mut buffers);
    buffers
}

/// Numbers each buffer whose name occurred before.
fn make_unique(buffers: &mut [Buffer]) {
    let mut taken: HashSet<String> = HashSet::new();
    let first: HashSet<String> = buffers.iter().map(|it| it.id.clone()).collect();
    let mut next: HashMap<String, u32> = HashMap::new();
    for buffer in buffers {
        if taken.insert(buffer.id.clone()) {
            continue;
        }
        let number = next.entry(buffer.id.clone()).or_insert(2);
        let mut id = format!("{}#{number}", buffer.id);
        // A tensor may have a name like that.
        while first.contains(&id) || taken.contains(&id) {
            *number += 1;
            id = format!("{}#{number}", buffer.id);
        }
        *number += 1;
        taken.insert(id.clone());
        buffer.id = id;
    }
}

fn gap_text(gap: &Gap) -> String {
    match gap.window {
        None => format!("{}-{}", gap.start, gap.end),
        Some((low, high)) => format!("{}-{}@{low}:{high}", gap.start, gap.end),
    }
}
