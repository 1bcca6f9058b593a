//! The pass options for solver and time limit.

use cosma_ir::{OptionInfo, PassOptions};
use cosma_planner::{Objective, Options, Order, Solver};
use std::str::FromStr;
use std::time::Duration;

pub(crate) const SOLVER: OptionInfo = OptionInfo {
    name: "solver",
    description: "solver: auto combines all of them; search, ilp or greedy uses one",
    default: "auto",
};
pub(crate) const TIME_LIMIT: OptionInfo =
    OptionInfo { name: "time-limit", description: "seconds after which the best plan found is taken", default: "60" };

/// Parses the solver and the time limit.
///
/// # Errors
/// A message about the first option that does not parse.
pub(crate) fn parse_effort(options: &PassOptions, order: Order) -> Result<Options, String> {
    let solver = options.get(SOLVER.name).parse::<SolverName>();
    let time_limit = options.get(TIME_LIMIT.name).parse::<Seconds>();
    Ok(Options {
        solver: solver.map_err(|error| format!("option {}: {error}", SOLVER.name))?.0,
        order,
        time_limit: time_limit.map_err(|error| format!("option {}: {error}", TIME_LIMIT.name))?.0,
        ..Options::default()
    })
}

pub(crate) const OBJECTIVE: OptionInfo = OptionInfo {
    name: "objective",
    description: "what to minimise on a machine with a clock: traffic first and then latency, or latency",
    default: "traffic",
};

/// Parses the objective.
///
/// # Errors
/// A message if it does not parse.
pub(crate) fn parse_objective(options: &PassOptions) -> Result<Objective, String> {
    let objective = options.get(OBJECTIVE.name).parse::<ObjectiveName>();
    objective.map(|name| name.0).map_err(|error| format!("option {}: {error}", OBJECTIVE.name))
}

/// The objective of planning on a machine with a clock, parsed from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectiveName(pub Objective);

impl FromStr for ObjectiveName {
    type Err = String;

    fn from_str(text: &str) -> Result<ObjectiveName, String> {
        let found = [Objective::Traffic, Objective::Latency].into_iter().find(|it| objective_name(*it) == text);
        found.map(ObjectiveName).ok_or_else(|| format!("the objective is traffic or latency, not '{text}'"))
    }
}

/// Its name in options.
pub fn objective_name(objective: Objective) -> &'static str {
    match objective {
        Objective::Traffic => "traffic",
        Objective::Latency => "latency",
    }
}

/// A solver, parsed from its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SolverName(pub Solver);

impl FromStr for SolverName {
    type Err = String;

    fn from_str(text: &str) -> Result<SolverName, String> {
        let all = [Solver::Auto, Solver::Search, Solver::Ilp, Solver::Greedy];
        let found = all.into_iter().find(|it| solver_name(*it) == text);
        found.map(SolverName).ok_or_else(|| format!("a solver is auto, search, ilp or greedy, not '{text}'"))
    }
}

/// Its name in options and reports.
pub fn solver_name(solver: Solver) -> &'static str {
    solver.name()
}

/// The allowed orders, parsed from their name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderName(pub Order);

impl FromStr for OrderName {
    type Err = String;

    fn from_str(text: &str) -> Result<OrderName, String> {
        let found = [Order::Free, Order::Source].into_iter().find(|it| order_name(*it) == text);
        found.map(OrderName).ok_or_else(|| format!("the order is free or source, not '{text}'"))
    }
}

/// Its name in options and reports.
pub fn order_name(order: Order) -> &'static str {
    match order {
        Order::Free => "free",
        Order::Source => "source",
    }
}

/// A duration, parsed from seconds such as `60` or `0.5`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub Duration);

impl FromStr for Seconds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seconds, String> {
        let seconds = text.parse::<f64>().ok().filter(|it| it.is_finite() && 0.0 <= *it);
        let duration = seconds.and_then(|it| Duration::try_from_secs_f64(it).ok());
        duration.map(Seconds).ok_or_else(|| format!("'{text}' is not a number of seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_not_negative_and_end() {
        assert_eq!("60".parse(), Ok(Seconds(Duration::from_secs(60))));
        assert_eq!("0.5".parse(), Ok(Seconds(Duration::from_millis(500))));
        assert_eq!("0".parse(), Ok(Seconds(Duration::ZERO)));
        for text in ["", "-1", "nan", "inf", "1e300", "1s", "soon"] {
            assert_eq!(text.parse::<Seconds>(), Err(format!("'{text}' is not a number of seconds")));
        }
    }
}
