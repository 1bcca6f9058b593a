//! Ways to plan a program, and what has to hold for each.

use cosma::execute::{Comparison, Original, RunError, RunOptions};
use cosma::time::{Clock, Ratio};
use cosma::{Bytes, Keep, MachineOptions, Options, Solver, Stages, Weights, optimize, run_pipeline};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::Module;
use cosma_planner::Cycles;
use std::time::Duration;

/// A way to plan.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// The scratchpad, in percent of the least.
    pub percent: u64,
    pub schedule: bool,
    pub group: bool,
    pub weights: Weights,
    pub solver: Solver,
    pub alignment: u64,
    /// Whether passes of MLIR run on what is planned before it is lowered.
    pub between: bool,
    /// Whether transfers go on beside operators.
    pub overlap: bool,
    /// Whether weights may stay from run to run: then three runs in a row have to be right.
    pub keep: bool,
}

/// That of a machine on which transfers take about as long as operators, over one channel or one each way.
pub fn clock(n_channels: u32) -> Clock {
    let ratio = |numerator, denominator| Ratio::new(numerator, denominator).expect("it is a ratio");
    let mut clock = Clock::each_way(ratio(3, 2), ratio(1, 16));
    for timing in &mut clock.timings {
        (timing.setup, timing.latency, timing.burst) = (Cycles(2), Cycles(7), Bytes(16));
        timing.channel.0 %= n_channels;
    }
    clock.channels.truncate(n_channels as usize);
    clock
}

/// What users run on modules, and what may do harm there: what merges, drops, moves or folds operations.
pub const BETWEEN: &str = "builtin.module(cse,canonicalize,sccp,loop-invariant-code-motion,control-flow-sink,\
                           symbol-dce,inline,remove-dead-values,cse)";

impl Case {
    fn options(&self, scratchpad: u64) -> Options {
        Options {
            machine: MachineOptions {
                scratchpad: Some(scratchpad.into()),
                alignment: Some(self.alignment.into()),
                weights: Some(self.weights),
                keep: self.keep.then_some(Keep::Auto),
                reserved: Vec::new(),
                clock: self.overlap.then(|| clock(if self.schedule { 1 } else { 2 })),
                memories: None,
            },
            stages: Stages { schedule: self.schedule, group: self.group, ..Stages::default() },
            solver: self.solver,
            // A plan is asked for, not a proof.
            time_limit: Duration::from_millis(500),
            ..Options::default()
        }
    }

    /// The least scratchpad of a module.
    pub fn least(&self, text: &str) -> Result<u64, RunError> {
        let context = cosma::new_context();
        let mut module = cosma::parse(&context, text.as_bytes(), "least").expect("it is well-formed");
        let mut options = self.options(1 << 40);
        options.stages.allocate = true;
        options.machine.keep = None;
        options.solver = Solver::Greedy;
        let report = optimize(&mut module, &options)?;
        Ok(report.functions.first().map_or(1024, |it| it.min_scratchpad))
    }
}

/// A planned module that passes of MLIR ran on.
pub fn plan_and_pass<'c>(context: &'c Context, text: &str, options: &Options) -> Result<Module<'c>, RunError> {
    let mut module = cosma::parse(context, text.as_bytes(), "between").expect("it is well-formed");
    let stages = Stages { allocate: true, ..options.stages };
    optimize(&mut module, &Options { stages, ..options.clone() })?;
    run_pipeline(&mut module, BETWEEN, &Options::default())?;
    Ok(module)
}

/// Plans a program in these ways, and runs each beside the source: every fault, and what came of all.
pub fn run(name: &str, text: &str, cases: &[Case], options: &RunOptions) -> Result<Vec<Comparison>, String> {
    let context = cosma::new_context();
    let reports = cosma::Reports::attach(&context);
    let module = cosma::parse(&context, text.as_bytes(), name);
    let said: Vec<String> = reports.take().iter().map(ToString::to_string).collect();
    drop(reports);
    let module = module.ok_or_else(|| format!("{said:?}\n{text}"))?;
    let explain = |case: Option<&Case>, error: &RunError| format!("{name} {case:?}: {error}\n{text}");
    let original = Original::new(&context, &module, options).map_err(|it| explain(None, &it))?;
    let mut comparisons = Vec::new();
    for case in cases {
        let least = case.least(text).map_err(|it| explain(Some(case), &it))?;
        let scratchpad = least * case.percent / 100;
        let options = case.options(scratchpad);
        let compared = if case.between {
            plan_and_pass(&context, text, &options).and_then(|it| original.compare_planned(&it))
        } else {
            original.compare(&options)
        };
        let compared = compared.map_err(|it| explain(Some(case), &it))?;
        for comparison in compared {
            let faults = comparison.faults();
            if !faults.is_empty() || 0 < comparison.nans {
                let nans = comparison.nans;
                return Err(format!("{name} {case:?}, {scratchpad} B: {} NaN, {}\n{text}", nans, faults.join("\n")));
            }
            comparisons.push(comparison);
        }
    }
    Ok(comparisons)
}
