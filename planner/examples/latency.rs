//! Programs optimised for time: `latency [SECONDS] MACHINE PROBLEM…`, where MACHINE is a preset, and each PROBLEM is a
//! file with a problem in text form, planned with 1, 1¼, 1½ and 2 times the least scratchpad.
//!
//! A line for each, and for each objective: cycles; the bound for any order, its name, and the larger one of B0 and B2;
//! non-compulsory bytes; milliseconds for the plan, and for the steps after it.

use cosma_planner::time::{bound_of_any_order, bound_of_plan, plan_in_time};
use cosma_planner::{Bytes, Objective, Options, Order, Phase, Problem, Progress, check, preset};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let level = std::env::var("RUST_LOG").ok().and_then(|it| it.parse().ok()).unwrap_or(tracing::Level::ERROR);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1).peekable();
    let seconds = arguments.next_if(|it| it.parse::<f64>().is_ok()).map_or(Ok(2.0), |it| it.parse())?;
    let name = arguments.next().ok_or("expected MACHINE")?;
    let clock = preset::named(&name)?.clock.ok_or("the machine has no clock")?;
    for path in arguments {
        let mut problem: Problem = std::fs::read_to_string(&path)?.parse()?;
        problem.machine = problem.machine.with_clock(clock.clone())?;
        let least = problem.least_scratchpad(Order::Free).size;
        for quarters in [4, 5, 6, 8] {
            problem.machine.set_scratchpad(Bytes(least.0 * quarters / 4));
            for objective in [Objective::Traffic, Objective::Latency] {
                let planned = Mutex::new(Duration::ZERO);
                let watch = |it: &Progress| {
                    if it.phase == Phase::Overlap {
                        let mut planned = planned.lock().expect("nobody panics");
                        *planned = if *planned == Duration::ZERO { it.elapsed } else { *planned };
                    }
                    ControlFlow::Continue(())
                };
                let start = Instant::now();
                let options = Options { objective, time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
                let timed = plan_in_time(&problem, &options, &watch)?;
                let all = start.elapsed();
                let planned = *planned.lock().expect("nobody panics");
                check(&problem, &timed.overlapped.actions).map_err(|it| it[0].display(&problem).to_string())?;
                let sums = bound_of_any_order(&problem, timed.solution.lower_bound)?.cycles;
                let of_plan = bound_of_plan(&problem, &timed.solution.plan)?;
                let network = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".txt");
                println!(
                    "{network} {name} {quarters} {objective:?} cycles={} any={}/{} quick={} B0B2={} bytes={} plan={} after={}",
                    timed.overlapped.timeline.makespan,
                    timed.any_order.cycles,
                    timed.any_order.rule,
                    sums,
                    sums.max(of_plan),
                    timed.solution.non_compulsory.0,
                    planned.as_millis(),
                    (all - planned).as_millis(),
                );
            }
        }
    }
    Ok(())
}
