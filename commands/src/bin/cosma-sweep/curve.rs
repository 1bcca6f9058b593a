//! The curve of a series: the best plan and bound for each size.
//!
//! A plan is valid for all larger sizes, and a bound holds for all smaller ones. So plans propagate to
//! larger sizes and bounds to smaller ones, and no plan may move less than a bound.

use crate::run::{Found, Outcome};
use crate::series::Series;
use cosma::{Bytes, Solver};
use cosma_planner::Order;

/// A size of the scratchpad with its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The size of the scratchpad.
    pub scratchpad: Bytes,
    /// The result.
    pub verdict: Verdict,
}

/// The result for a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Too small for an operator.
    TooSmall,
    /// Planning or verification failed.
    Fault(String),
    /// There is a plan.
    Planned(Known),
}

/// The best known plan and bound for a size.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Non-compulsory bytes of the plan.
    pub non_compulsory: Bytes,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub lower_bound: Bytes,
    /// The solver that made the plan; `None` if the plan is from another size.
    pub solver: Option<Solver>,
    /// Into how many tiles the plan cuts the network; `None` if it is whole, or from another size.
    pub n_tiles: Option<u64>,
    /// The smaller size that the plan was made for, if any.
    pub plan_from: Option<Bytes>,
    /// The larger size that the bound was proven for, if any.
    pub bound_from: Option<Bytes>,
    /// The planning time; `None` if this size was not planned.
    pub seconds: Option<f64>,
}

impl Known {
    /// Whether the plan is proven optimal.
    pub fn is_optimal(&self) -> bool {
        self.non_compulsory == self.lower_bound
    }

    /// The relative gap between plan and bound, 0 to 1.
    pub fn gap(&self) -> f64 {
        if self.is_optimal() { 0.0 } else { 1.0 - self.lower_bound.0 as f64 / self.non_compulsory.0 as f64 }
    }
}

/// The points of a series, by ascending size, from the outcomes for its sizes. Those that a stop left open have none.
pub fn curve(series: &Series, outcomes: &[Outcome]) -> Vec<Point> {
    let verdict = |outcome: &Outcome| match outcome {
        Outcome::Open => None,
        Outcome::TooSmall => Some(Verdict::TooSmall),
        Outcome::Fault(text) => Some(Verdict::Fault(text.clone())),
        Outcome::Found(Found { non_compulsory, lower_bound, solver, n_tiles, seconds }) => {
            Some(Verdict::Planned(Known {
                non_compulsory: *non_compulsory,
                lower_bound: *lower_bound,
                solver: Some(*solver),
                n_tiles: *n_tiles,
                plan_from: None,
                bound_from: None,
                seconds: Some(*seconds),
            }))
        }
        Outcome::Between { plan_from, bound_from, non_compulsory } => Some(Verdict::Planned(Known {
            non_compulsory: *non_compulsory,
            lower_bound: *non_compulsory,
            solver: None,
            n_tiles: None,
            plan_from: Some(series.sizes[*plan_from]),
            bound_from: Some(series.sizes[*bound_from]),
            seconds: None,
        })),
    };
    let points = series.sizes.iter().zip(outcomes);
    let point = |(&scratchpad, outcome)| Some(Point { scratchpad, verdict: verdict(outcome)? });
    let mut points: Vec<Point> = points.filter_map(point).collect();
    hand_on(&mut points);
    points
}

/// Propagates plans to larger sizes and bounds to smaller ones where they are better.
fn hand_on(points: &mut [Point]) {
    let mut best: Option<(Bytes, Bytes)> = None;
    for point in points.iter_mut() {
        let Verdict::Planned(known) = &mut point.verdict else { continue };
        match best {
            Some((size, bytes)) if bytes < known.non_compulsory => {
                known.non_compulsory = bytes;
                known.plan_from = Some(size);
                (known.solver, known.n_tiles) = (None, None);
            }
            // The same traffic: still from the smallest size with it.
            Some((_, bytes)) if bytes == known.non_compulsory => {}
            _ => best = Some((known.plan_from.unwrap_or(point.scratchpad), known.non_compulsory)),
        }
    }
    let mut best: Option<(Bytes, Bytes)> = None;
    for point in points.iter_mut().rev() {
        let Verdict::Planned(known) = &mut point.verdict else { continue };
        match best {
            Some((size, bytes)) if known.lower_bound < bytes => {
                known.lower_bound = bytes;
                known.bound_from = Some(size);
            }
            Some((_, bytes)) if bytes == known.lower_bound => {}
            _ => best = Some((known.bound_from.unwrap_or(point.scratchpad), known.lower_bound)),
        }
    }
}

/// All faults as messages: failed plans, and plans that move less than a bound that was proven for a larger
/// scratchpad or a freer order.
pub fn faults(all: &[Series], curves: &[Vec<Point>]) -> Vec<String> {
    let mut faults = Vec::new();
    let name = |series: &Series| {
        let label = series.label(all);
        if label.is_empty() { label } else { format!(" ({label})") }
    };
    for (series, points) in all.iter().zip(curves) {
        for point in points {
            if let Verdict::Fault(text) = &point.verdict {
                faults.push(format!("at {} B{}: {text}", point.scratchpad, name(series)));
            }
        }
    }
    for (proven, bounds) in all.iter().zip(curves) {
        for (planned, plans) in all.iter().zip(curves) {
            let holds = proven.name == planned.name
                && proven.weights == planned.weights
                && (proven.order == Order::Free || proven.order == planned.order);
            let contradiction = || {
                let bounds = bounds.iter().filter_map(|it| Some((it.scratchpad, it.known()?.lower_bound)));
                let plans = || plans.iter().filter_map(|it| Some((it.scratchpad, it.known()?.non_compulsory)));
                bounds
                    .flat_map(|bound| plans().map(move |plan| (bound, plan)))
                    .find(|(bound, plan)| plan.0 <= bound.0 && plan.1 < bound.1)
            };
            if let Some(((larger, bound), (smaller, bytes))) = holds.then(contradiction).flatten() {
                faults.push(format!(
                    "the plan for {smaller} B{} moves {bytes} non-compulsory bytes, less than the lower bound for \
                     {larger} B{}, {bound} B",
                    name(planned),
                    name(proven)
                ));
            }
        }
    }
    faults
}

impl Point {
    /// The best known plan and bound, if there is a plan.
    pub fn known(&self) -> Option<&Known> {
        match &self.verdict {
            Verdict::Planned(known) => Some(known),
            Verdict::TooSmall | Verdict::Fault(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(scratchpad: u64, non_compulsory: u64, lower_bound: u64) -> Point {
        let known = Known {
            non_compulsory: Bytes(non_compulsory),
            lower_bound: Bytes(lower_bound),
            solver: Some(Solver::Search),
            n_tiles: None,
            plan_from: None,
            bound_from: None,
            seconds: Some(1.0),
        };
        Point { scratchpad: Bytes(scratchpad), verdict: Verdict::Planned(known) }
    }

    #[test]
    fn plans_go_up_and_bounds_go_down() {
        let too_small = Point { scratchpad: Bytes(1), verdict: Verdict::TooSmall };
        let mut points = vec![too_small, point(2, 90, 10), point(3, 95, 50), point(4, 50, 20), point(5, 60, 20)];
        hand_on(&mut points);
        let found: Vec<_> = points.iter().filter_map(Point::known).collect();
        let numbers = |it: &Known| (it.non_compulsory.0, it.lower_bound.0);
        assert_eq!(found.iter().map(|it| numbers(it)).collect::<Vec<_>>(), [(90, 50), (90, 50), (50, 20), (50, 20)]);
        let from = |it: &Known| (it.plan_from.map(|it| it.0), it.bound_from.map(|it| it.0));
        assert_eq!(
            found.iter().map(|it| from(it)).collect::<Vec<_>>(),
            [(None, Some(3)), (Some(2), None), (None, None), (Some(4), None)]
        );
    }
}
