//! Cycles of plans: `time [SECONDS] MACHINE PROBLEM…`, where MACHINE is a file with the lines of a machine's clock, and
//! each PROBLEM is a file with a problem in text form, planned with 1, 1¼, 1½ and 2 times the least scratchpad.
//!
//! A line for each: its name, the scratchpad, the bound for any order with its name, and that for the plan (B2); cycles
//! as multiples of the larger one, by each baseline rule and by COSMA; seconds for the plan and for the overlap; and
//! the losses of COSMA's program by reason, likewise.

use cosma_planner::baseline::{PrefetchRule, prefetch};
use cosma_planner::time::{Reason, bound_of_any_order, latency_bound, overlap, simulate};
use cosma_planner::{Deadline, Options, Order, Problem, check, plan};
use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let level = std::env::var("RUST_LOG").ok().and_then(|it| it.parse().ok()).unwrap_or(tracing::Level::ERROR);
    tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr).init();
    let mut arguments = std::env::args().skip(1).peekable();
    let seconds = arguments.next_if(|it| it.parse::<f64>().is_ok()).map_or(Ok(2.0), |it| it.parse())?;
    let clock = std::fs::read_to_string(arguments.next().ok_or("expected MACHINE")?)?;
    for path in arguments {
        let text = std::fs::read_to_string(&path)?;
        // The clock comes after the machine's line.
        let at = text.find("machine").and_then(|it| text[it..].find('\n').map(|end| it + end + 1)).unwrap_or(0);
        let mut problem: Problem = format!("{}{clock}\n{}", &text[..at], &text[at..]).parse()?;
        let least = problem.least_scratchpad(Order::Free).size;
        for quarters in [4, 5, 6, 8] {
            problem.machine.set_scratchpad(cosma_planner::Bytes(least.0 * quarters / 4));
            let start = Instant::now();
            let options = Options { time_limit: Duration::from_secs_f64(seconds), ..Options::default() };
            let solution = plan(&problem, &options)?;
            let planned = start.elapsed().as_secs_f64();
            let start = Instant::now();
            let found = overlap(&problem, &solution.plan, Deadline::after(Duration::from_secs(1)))?;
            let overlapped = start.elapsed().as_secs_f64();
            let traffic = check(&problem, &found.actions).map_err(|it| it[0].display(&problem).to_string())?;
            assert_eq!(traffic.non_compulsory, solution.non_compulsory, "the traffic stays what it was");
            if tracing::enabled!(tracing::Level::TRACE) {
                for (line, time) in
                    cosma_planner::program_text(&problem, &found.actions).iter().zip(&found.timeline.lines)
                {
                    println!("{}..{} {line}", time.start, time.end);
                }
                for stall in &found.timeline.stalls {
                    println!("{}..{} {} line {}", stall.cycles.start, stall.cycles.end, stall.reason, stall.line + 1);
                }
            }
            let mut by_rule = String::new();
            let any = bound_of_any_order(&problem, solution.lower_bound)?;
            let bound = latency_bound(&problem, &solution.plan, solution.lower_bound)?.cycles.0;
            let ratio = |cycles: u64| cycles as f64 / bound as f64;
            for rule in PrefetchRule::ALL {
                let actions = prefetch(&problem, &solution.plan, rule, Deadline::after(Duration::from_millis(100)))?;
                check(&problem, &actions).map_err(|it| it[0].display(&problem).to_string())?;
                by_rule += &format!(" {rule}={:.4}", ratio(simulate(&problem, &actions)?.makespan.0));
            }
            let name = path.rsplit('/').next().unwrap_or(&path).trim_end_matches(".txt");
            let lost = Reason::ALL.map(|it| format!("{it}={:.4}", ratio(found.timeline.lost(it).0))).join(" ");
            println!(
                "{name} {quarters} {} any={}/{} B2={}{by_rule} ours={:.4} plan={planned:.3} overlap={overlapped:.3} {lost}",
                problem.machine.scratchpad(),
                any.cycles,
                any.rule,
                found.bound,
                ratio(found.timeline.makespan.0),
            );
        }
    }
    Ok(())
}
