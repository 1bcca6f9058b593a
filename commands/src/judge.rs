//! Verification of a plan with the planner's judge.

use cosma::Bytes;
use cosma_planner::{Plan, Problem, check};

/// Verifies a plan and returns the non-compulsory bytes that it moves.
///
/// # Errors
/// The first violation as a message.
pub fn judge(problem: &Problem, plan: &Plan) -> Result<Bytes, String> {
    match check(problem, &plan.actions(problem)) {
        Ok(traffic) if traffic.compulsory != problem.compulsory() => Err("wrong compulsory traffic".into()),
        Ok(traffic) => Ok(traffic.non_compulsory),
        Err(violations) => {
            let first = violations.first().map(|it| it.display(problem).to_string()).unwrap_or_default();
            Err(format!("{} violations, the first: {first}", violations.len()))
        }
    }
}
