//! Plans as packings.

mod common;

use common::{Case, cases};
use cosma_export::{Planned, buffers, table};
use cosma_planner::pack::{Gap, Interval, check_packing};
use cosma_planner::testing::parse_program;
use cosma_planner::{Bytes, Problem, check, program_text};
use std::collections::HashSet;

/// Reads MiniMalloc's CSV, as simply as can be.
fn read(text: &str) -> (Vec<String>, Vec<Interval>, Vec<Bytes>) {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let (mut ids, mut intervals, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields.len(), header.len(), "{line}");
        let field = |name: &str| header.iter().position(|it| *it == name).map(|it| fields[it]);
        let number = |name: &str| field(name).unwrap().parse::<u64>().unwrap();
        let pair = |text: &str, mark: char| {
            let (low, high) = text.split_once(mark).unwrap();
            (low.parse::<u64>().unwrap(), high.parse::<u64>().unwrap())
        };
        let gap = |text: &str| {
            let (steps, window) = text.split_once('@').map_or((text, None), |it| (it.0, Some(it.1)));
            let (start, end) = pair(steps, '-');
            let window = window.map(|it| pair(it, ':')).map(|it| (Bytes(it.0), Bytes(it.1)));
            Gap { start: start as u32, end: end as u32, window }
        };
        intervals.push(Interval {
            alignment: Bytes(number("alignment")),
            gaps: field("gaps").unwrap_or("").split_whitespace().map(gap).collect(),
            ..Interval::new(number("lower") as u32, number("upper") as u32, Bytes(number("size")))
        });
        ids.push(field("id").unwrap().into());
        offsets.push(Bytes(number("offset")));
    }
    (ids, intervals, offsets)
}

#[test]
fn every_program_is_a_valid_packing_of_all_that_lies_there() {
    // Buffers over several lifetimes, with gaps, workspaces, second residencies.
    let mut met = [0; 4];
    for seed in 0..60 {
        for Case { problem, actions, plan } in cases(seed) {
            let text = buffers(&Planned::new("net", &problem, &actions));
            let (ids, intervals, offsets) = read(&text);
            let scratchpad = problem.machine.scratchpad();
            let errors = check_packing(&intervals, &offsets, scratchpad, problem.machine.alignment());
            let program = || program_text(&problem, &actions).join("\n");
            assert!(errors.is_empty(), "{errors:?}\n{text}\n{problem}\n{}", program());
            assert_eq!(ids.iter().collect::<HashSet<_>>().len(), ids.len(), "{text}");
            met[0] += usize::from(ids.iter().any(|it| it.contains('+')));
            met[1] += usize::from(intervals.iter().any(|it| !it.gaps.is_empty()));
            met[2] += usize::from(ids.iter().any(|it| it.ends_with(":workspace")));
            met[3] += usize::from(ids.iter().any(|it| it.ends_with("#2")));
            // As many bytes as the plan counts, which does so by other means.
            let Some(plan) = plan else { continue };
            let used = |step: u32| {
                let pieces = intervals.iter().flat_map(Interval::pieces);
                pieces.filter(|it| (it.start..it.end).contains(&step)).map(|it| (it.high - it.low).0).sum::<u64>()
            };
            let peak = (0..plan.order.len() as u32).map(used).max().unwrap_or(0);
            assert_eq!(Bytes(peak), plan.peak(&problem), "{text}\n{problem}");
            let ends = intervals.iter().zip(&offsets).map(|it| it.0.size + *it.1);
            // What has no bytes may lie higher.
            assert!(ends.max().unwrap_or(Bytes::ZERO) <= plan.height(&problem));
        }
    }
    assert!(met.iter().all(|it| 8 <= *it), "{met:?}");
}

/// t is put together of s and u in place; r is in place of t.
const PROBLEM: &str = "\
machine scratchpad 256 alignment 64
argument x 64
op make: x -> s 64 workspace 16
op other: x -> u 64
op concatenate: s u -> t 128 over s u at 64
op square: t -> r 128 over t
return r
";

const PROGRAM: &str = "\
load x at 0
run make: x@0 -> s@64 workspace@192
run other: x@0 -> u@128
run concatenate: s@64 u@128 -> t@64
run square: t@64 -> r@64
store r@64
";

fn example() -> (Problem, Vec<cosma_planner::Action>) {
    let problem: Problem = PROBLEM.parse().unwrap();
    let actions = parse_program(&problem, PROGRAM).unwrap();
    check(&problem, &actions).expect("the judge believes it");
    (problem, actions)
}

#[test]
fn what_shares_bytes_is_one_buffer() {
    let (problem, actions) = example();
    // During step 0 only s lies there.
    assert_eq!(
        buffers(&Planned::new("net", &problem, &actions)),
        "\
id,lower,upper,size,alignment,gaps,offset
x,0,2,64,64,,0
s+u+t+r,0,4,128,64,0-1@0:64,64
make:workspace,0,1,16,64,,192
"
    );
}

#[test]
fn tables_have_a_row_for_each_residency() {
    let (problem, actions) = example();
    assert_eq!(
        table(&Planned::new("net", &problem, &actions)),
        "\
tensor,bytes,first,end,memory,offset,came,left
x,64,0,2,scratchpad,0,load,
s,64,0,3,scratchpad,64,run make,
u,64,1,3,scratchpad,128,run other,
t,128,2,4,scratchpad,64,run concatenate,
r,128,3,4,scratchpad,64,run square,store
"
    );
}

#[test]
fn names_are_unique() {
    let problem: Problem = "machine scratchpad 256 alignment 64
argument x 64
argument y 64
op f: x -> a 64
op g: y -> c 64
op h: x a -> d 64
op i: d c -> e 64
return e
"
    .parse()
    .unwrap();
    let program = "\
load x at 0
run f: x@0 -> a@64
load y at 0
run g: y@0 -> c@128
reload x at 0
run h: x@0 a@64 -> d@192
run i: d@192 c@128 -> e@0
store e@0
";
    let actions = parse_program(&problem, program).unwrap();
    check(&problem, &actions).expect("the judge believes it");
    let (ids, ..) = read(&buffers(&Planned::new("net", &problem, &actions)));
    assert_eq!(ids, ["x", "a", "y", "c", "x#2", "d", "e"]);
}

#[test]
fn reserved_addresses_are_buffers() {
    let problem: Problem = "memory host
memory l1 256 alignment 64 reserved 0..60 200..300
link host l1
link l1 host
argument x 64
op f: x -> y 64
return y
"
    .parse()
    .unwrap();
    let actions = parse_program(&problem, "load x at 64\nrun f: x@64 -> y@128\nstore y@128\n").unwrap();
    let text = buffers(&Planned::new("net", &problem, &actions));
    assert!(text.ends_with("reserved,0,1,64,1,0\nreserved#2,0,1,56,1,200\n"), "{text}");
}
