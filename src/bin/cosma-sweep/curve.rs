//! What the sizes of a series say about each other.
//!
//! Traffic does not rise with the scratchpad. So plans are handed on to larger sizes and bounds to
//! smaller ones, and none may contradict another.

use crate::run::{Found, Outcome};
use crate::series::Series;
use cosma::{Bytes, Solver};
use cosma_planner::Order;

/// A size, and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// The scratchpad's size.
    pub scratchpad: Bytes,
    /// What became of it.
    pub verdict: Verdict,
}

/// What became of a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// An operator alone needs more.
    TooSmall,
    /// The judge refuses the plan, or there is none.
    Fault(String),
    /// There is a plan.
    Planned(Known),
}

/// The best that is known of a size.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// Bytes besides what every plan moves.
    pub non_compulsory: Bytes,
    /// No plan moves less besides; proven.
    pub lower_bound: Bytes,
    /// Who made the plan, unless it is of another size.
    pub solver: Option<Solver>,
    /// The smaller size that the plan was made for.
    pub plan_from: Option<Bytes>,
    /// The larger size that the bound was proven for.
    pub bound_from: Option<Bytes>,
    /// What planning took; none if it was not needed.
    pub seconds: Option<f64>,
}

impl Known {
    /// Whether no plan is better.
    pub fn is_optimal(&self) -> bool {
        self.non_compulsory == self.lower_bound
    }

    /// How far it may be from the best, as a part of what it moves besides the compulsory.
    pub fn gap(&self) -> f64 {
        if self.is_optimal() { 0.0 } else { 1.0 - self.lower_bound.0 as f64 / self.non_compulsory.0 as f64 }
    }
}

/// Points by rising size.
pub fn curve(series: &Series, outcomes: &[Outcome]) -> Vec<Point> {
    let verdict = |outcome: &Outcome| match outcome {
        Outcome::TooSmall => Verdict::TooSmall,
        Outcome::Fault(text) => Verdict::Fault(text.clone()),
        Outcome::Found(Found { non_compulsory, lower_bound, solver, seconds }) => Verdict::Planned(Known {
            non_compulsory: *non_compulsory,
            lower_bound: *lower_bound,
            solver: Some(*solver),
            plan_from: None,
            bound_from: None,
            seconds: Some(*seconds),
        }),
        Outcome::Between { plan_from, bound_from, non_compulsory } => Verdict::Planned(Known {
            non_compulsory: *non_compulsory,
            lower_bound: *non_compulsory,
            solver: None,
            plan_from: Some(series.sizes[*plan_from]),
            bound_from: Some(series.sizes[*bound_from]),
            seconds: None,
        }),
    };
    let points = series.sizes.iter().zip(outcomes);
    let mut points: Vec<Point> =
        points.map(|(&scratchpad, outcome)| Point { scratchpad, verdict: verdict(outcome) }).collect();
    hand_on(&mut points);
    points
}

/// Plans to larger sizes, bounds to smaller ones, where they are better.
fn hand_on(points: &mut [Point]) {
    let mut best: Option<(Bytes, Bytes)> = None;
    for point in points.iter_mut() {
        let Verdict::Planned(known) = &mut point.verdict else { continue };
        match best {
            Some((size, bytes)) if bytes < known.non_compulsory => {
                known.non_compulsory = bytes;
                known.plan_from = Some(size);
                known.solver = None;
            }
            // What was taken over is of that size, too.
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

/// All that is wrong, as sentences: plans that the judge refuses, and those that move less than was
/// proven for a larger scratchpad, or for a freer order.
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
            let holds =
                proven.weights == planned.weights && (proven.order == Order::Free || proven.order == planned.order);
            let contradiction = || {
                let bounds = bounds.iter().filter_map(|it| Some((it.scratchpad, it.known()?.lower_bound)));
                let plans = || plans.iter().filter_map(|it| Some((it.scratchpad, it.known()?.non_compulsory)));
                bounds
                    .flat_map(|bound| plans().map(move |plan| (bound, plan)))
                    .find(|(bound, plan)| plan.0 <= bound.0 && plan.1 < bound.1)
            };
            if let Some(((larger, bound), (smaller, bytes))) = holds.then(contradiction).flatten() {
                faults.push(format!(
                    "the plan for {smaller} B{} moves {bytes} B besides the compulsory, and it was proven that none for \
                     {larger} B{} moves less than {bound} B",
                    name(planned),
                    name(proven)
                ));
            }
        }
    }
    faults
}

impl Point {
    /// What is known, if there is a plan.
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
