//! What the judge says of a plan that was just made.

use cosma::Bytes;
use cosma_planner::{Plan, Problem, check};

/// The non-compulsory bytes that a plan moves, or why the judge refuses it.
pub fn judge(problem: &Problem, plan: &Plan) -> Result<Bytes, String> {
    match check(problem, &plan.actions(problem)) {
        Ok(traffic) if traffic.compulsory != problem.compulsory() => Err("compulsory traffic is another".into()),
        Ok(traffic) => Ok(traffic.non_compulsory),
        Err(violations) => {
            let first = violations.first().map(|it| it.display(problem).to_string()).unwrap_or_default();
            Err(format!("{} violations, the first: {first}", violations.len()))
        }
    }
}
