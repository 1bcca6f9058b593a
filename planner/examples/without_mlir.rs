//! Planning without MLIR: a graph in, a plan out, checked by the judge.
//!
//! A compiler with its own representation converts its graph to a [`Problem`], plans it, and reads the [`Action`]s: the
//! program that its code generator emits.

use cosma_planner::{
    Action, Bytes, GraphBuilder, Machine, Options, Problem, Progress, check, plan_watched, program_text,
};
use std::error::Error;
use std::io::{self, Write};
use std::ops::ControlFlow;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// Two branches that widen and reduce a tensor, in 256 bytes.
pub fn run(out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    // ANCHOR: graph
    let mut graph = GraphBuilder::new();
    let x = graph.argument("x", Bytes(64));
    let mut halves = Vec::new();
    for branch in ["left", "right"] {
        let wide = graph.op(format!("{branch}.expand"), &[x], [(format!("{branch}.wide"), Bytes(128))], Bytes::ZERO);
        let half = graph.op(format!("{branch}.reduce"), &wide, [(format!("{branch}.half"), Bytes(64))], Bytes::ZERO);
        halves.extend(half);
    }
    let sum = graph.op("add", &[halves[0], halves[1], x], [("sum", Bytes(64))], Bytes::ZERO);
    graph.result(sum[0]);
    let machine = Machine::with_host(Bytes(256), Bytes(64));
    let problem = Problem { graph: graph.build()?, machine };
    // ANCHOR_END: graph
    // The text form can be saved to a file and read again, for example to reproduce an error.
    writeln!(out, "{problem}")?;

    // ANCHOR: plan
    // A watcher may stop planning; this one does not.
    let watcher = |progress: &Progress| {
        let _ = progress.gap();
        ControlFlow::Continue(())
    };
    let solution = plan_watched(&problem, &Options::default(), &watcher)?;
    let actions: Vec<Action> = solution.plan.actions(&problem);
    for line in program_text(&problem, &actions) {
        writeln!(out, "{line}")?;
    }
    // ANCHOR_END: plan

    // ANCHOR: judge
    // The judge shares no code with the planner. Code that changes the actions should call it again.
    let traffic = check(&problem, &actions).map_err(|violations| {
        violations.iter().map(|it| it.display(&problem).to_string()).collect::<Vec<_>>().join("\n")
    })?;
    // ANCHOR_END: judge
    writeln!(
        out,
        "\n{} B moved, {} B of it non-compulsory; no plan moves less than {} B of that",
        traffic.total(),
        traffic.non_compulsory,
        solution.lower_bound
    )?;
    Ok(())
}
