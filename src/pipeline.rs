//! The order of the passes, with reasons.
//!
//! On the module, unless it is planned already:
//!
//! 0. `cosma-inline`: a function is planned together with the functions that it calls.
//!
//! On each function:
//!
//! 1. `cosma-group`: all later passes work on the grouped operators.
//! 2. `cosma-infer-access`: it adds to operators what later passes may ask.
//! 3. `cosma-liveness`, `cosma-print-problem`: they show the source, so they run before it changes.
//! 4. `cosma-tile`: all later passes decide about the tiles.
//! 5. `cosma-allocate` with `order=free` decides order and addresses jointly, with `order=source`
//!    addresses only. Without it, `cosma-schedule` solves the joint problem and keeps only the order.
//! 6. `cosma-insert-transfers` immediately after `cosma-allocate`: the steps in the residencies refer to
//!    the present order of the block.
//! 7. `cosma-verify`, before anything uses the planned program.
//! 8. `cosma-print-plan`, which needs a correct program.
//!
//! Then, on the module:
//!
//! 9. `cosma-lower-addresses`: it adds symbols to the module and takes only verified functions.

use crate::{Error, Options, Stages};
use cosma_passes::{LowerOptions, keep_name, objective_name, order_name, overlap_name, solver_name, weights_name};
use cosma_planner::Order;
use std::time::Duration;

/// Refuses stages that cannot follow each other.
pub(crate) fn check(stages: &Stages) -> Result<(), Error> {
    let Stages {
        group,
        infer_access,
        liveness,
        print_problem,
        tile,
        schedule,
        allocate,
        print_plan,
        verify,
        lower_addresses,
    } = *stages;
    // The first stage that needs source form, unless planned form follows.
    let needs_source = [
        (schedule, "--schedule"),
        (tile, "--tile"),
        (liveness, "--liveness"),
        (print_problem, "--print-problem"),
        (infer_access, "--infer-access"),
        (group, "--group"),
    ];
    let source_only = match needs_source.iter().find(|it| it.0) {
        Some((_, source_only)) if !allocate => source_only,
        _ => return Ok(()),
    };
    let planned = [(print_plan, "--print-plan"), (verify, "--verify"), (lower_addresses, "--lower-addresses")];
    match planned.iter().find(|it| it.0) {
        Some((_, planned)) => Err(Error::Conflict(format!(
            "{planned} takes planned form and {source_only} source form: add --allocate, which plans the function"
        ))),
        None => Ok(()),
    }
}

/// The passes on the module before those on its functions; `None` if no stage takes source form.
pub(crate) fn source_pipeline(options: &Options) -> Option<&'static str> {
    let Stages { group, infer_access, liveness, print_problem, tile, schedule, allocate, .. } = options.stages;
    (group || infer_access || liveness || print_problem || tile || schedule || allocate)
        .then_some("builtin.module(cosma-inline)")
}

/// The passes on each function; `None` if there are none.
pub(crate) fn function_pipeline(options: &Options) -> Option<String> {
    let stages = &options.stages;
    let machine = machine(options);
    // As floating-point numbers, the longest durations would round up beyond `Duration::MAX`.
    let time_limit = options.time_limit.min(Duration::from_secs(u32::MAX.into()));
    let effort = format!("solver={} time-limit={}", solver_name(options.solver), time_limit.as_secs_f64());
    let mut passes = Vec::new();
    if stages.group {
        passes.push("cosma-group".into());
    }
    if stages.infer_access {
        passes.push("cosma-infer-access".into());
    }
    if stages.liveness {
        passes.push(format!("cosma-liveness{{{machine}}}"));
    }
    if stages.print_problem {
        passes.push(format!("cosma-print-problem{{{machine}}}"));
    }
    let order = order_name(if stages.schedule { Order::Free } else { Order::Source });
    if stages.tile {
        passes.push(format!("cosma-tile{{{machine} order={order} {effort}}}"));
    }
    if stages.allocate {
        let overlap = format!("overlap={}", overlap_name(options.overlap));
        let objective = format!("objective={}", objective_name(options.objective));
        passes.push(format!("cosma-allocate{{{machine} order={order} {effort} {overlap} {objective}}}"));
        let limit = time_limit.as_secs_f64();
        passes.push(format!("cosma-insert-transfers{{{overlap} time-limit={limit} {objective}}}"));
    } else if stages.schedule {
        passes.push(format!("cosma-schedule{{{machine} {effort}}}"));
    }
    if stages.allocate || stages.verify || stages.lower_addresses {
        passes.push(format!("cosma-verify{{{machine}}}"));
    }
    if stages.print_plan {
        passes.push("cosma-print-plan".into());
    }
    (!passes.is_empty()).then(|| format!("func.func({})", passes.join(",")))
}

/// The passes on the module after those on its functions; `None` if there are none.
pub(crate) fn module_pipeline(options: &Options) -> Option<String> {
    let LowerOptions { arena, memory_space, transfers } = options.lower;
    let space = memory_space.map(|it| format!(" memory-space={it}")).unwrap_or_default();
    let lower = || format!("builtin.module(cosma-lower-addresses{{arena={arena}{space} transfers={transfers}}})");
    options.stages.lower_addresses.then(lower)
}

/// The machine as pass options; absent values are omitted.
fn machine(options: &Options) -> String {
    let machine = &options.machine;
    let given = [
        machine.scratchpad.map(|it| format!("scratchpad={it}")),
        machine.alignment.map(|it| format!("alignment={it}")),
        machine.weights.map(|it| format!("weights={}", weights_name(it))),
        machine.keep.map(|it| format!("keep={}", keep_name(it))),
    ];
    given.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
