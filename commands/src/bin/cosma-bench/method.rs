//! The methods that COSMA is compared with.

use cosma_planner::baseline::{Baseline, OrderRule};
use std::fmt;

/// A planning method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A combination of heuristics.
    Baseline(Baseline),
    /// The minimum traffic in the order that a rule gives, if it is found within the time limit.
    Optimal(OrderRule),
}

impl Method {
    /// The rule that gives the order.
    pub fn order(&self) -> OrderRule {
        match self {
            Method::Baseline(baseline) => baseline.order,
            Method::Optimal(order) => *order,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Baseline(baseline) => baseline.fmt(f),
            Method::Optimal(order) => write!(f, "{order}/optimal"),
        }
    }
}

/// The methods whose names match at least one pattern.
///
/// # Errors
/// A message about the first pattern that matches none.
pub fn select(patterns: &[String]) -> Result<Vec<Method>, String> {
    let baselines = Baseline::all().into_iter().map(Method::Baseline);
    let all: Vec<Method> = baselines.chain(OrderRule::ALL.map(Method::Optimal)).collect();
    let is_named = |pattern: &str, method: &Method| matches(pattern, &method.to_string());
    if let Some(pattern) = patterns.iter().find(|pattern| !all.iter().any(|it| is_named(pattern, it))) {
        return Err(format!("no method matches '{pattern}'; --help lists all"));
    }
    Ok(all.into_iter().filter(|method| patterns.iter().any(|it| is_named(it, method))).collect())
}

/// Whether a name matches a pattern, in which `*` matches any text.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).filter(|it| name.is_char_boundary(*it)).any(|it| matches(rest, &name[it..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{matches, select};

    #[test]
    fn a_star_is_anything() {
        assert!(matches("*", "source/lru/first-fit") && matches("source/*", "source/lru/first-fit"));
        assert!(matches("*/lru/*", "source/lru/first-fit") && !matches("*/lru", "source/lru/first-fit"));
        assert!(matches("source/optimal", "source/optimal") && !matches("source", "source/optimal"));
    }

    #[test]
    fn all_are_selected_once() {
        let select = |patterns: &[&str]| select(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(select(&["*"]).map(|it| it.len()), Ok(28));
        assert_eq!(select(&["source/*", "*/lru/*"]).map(|it| it.len()), Ok(16));
        assert_eq!(select(&["source/*", "belady"]), Err("no method matches 'belady'; --help lists all".into()));
    }
}
