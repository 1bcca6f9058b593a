//! What COSMA is compared with.

use cosma_planner::baseline::Baseline;
use std::fmt;

/// A way to plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// By rules.
    Baseline(Baseline),
    /// The least traffic in the order of the source, as far as it is found in time.
    SourceOptimal,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Method::Baseline(baseline) => baseline.fmt(f),
            Method::SourceOptimal => f.write_str("source/optimal"),
        }
    }
}

/// The methods whose names match one of these patterns.
///
/// # Errors
/// A sentence about the first pattern that matches none.
pub fn select(patterns: &[String]) -> Result<Vec<Method>, String> {
    let all: Vec<Method> = Baseline::all().into_iter().map(Method::Baseline).chain([Method::SourceOptimal]).collect();
    let is_named = |pattern: &str, method: &Method| matches(pattern, &method.to_string());
    if let Some(pattern) = patterns.iter().find(|pattern| !all.iter().any(|it| is_named(pattern, it))) {
        return Err(format!("no method is called '{pattern}'; --help says which there are"));
    }
    Ok(all.into_iter().filter(|method| patterns.iter().any(|it| is_named(it, method))).collect())
}

/// Whether a name is like a pattern, where `*` stands for anything.
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
        assert_eq!(select(&["*"]).map(|it| it.len()), Ok(25));
        assert_eq!(select(&["source/*", "*/lru/*"]).map(|it| it.len()), Ok(16));
        assert_eq!(
            select(&["source/*", "belady"]),
            Err("no method is called 'belady'; --help says which there are".into())
        );
    }
}
