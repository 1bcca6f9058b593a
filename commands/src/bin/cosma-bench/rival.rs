//! The competitors in the tables: a method, or several together.

use crate::method::Method;
use crate::run::{Outcome, Planned};
use cosma_planner::baseline::OrderRule;

/// A method, or several together.
pub struct Rival {
    /// The name in tables.
    pub name: String,
    /// Indices of the methods; at least one.
    methods: Vec<usize>,
    taken: Taken,
}

/// Which plans of several methods count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// The plans of all methods, each as a case of its own.
    Each,
    /// The best plan of each case.
    Best,
}

/// Each method alone, then all baselines in source order together, then all baselines together, then the best
/// replacements in all orders together.
pub fn rivals(methods: &[Method]) -> Vec<Rival> {
    let alone = methods.iter().enumerate();
    let alone = alone.map(|(index, it)| Rival { name: it.to_string(), methods: vec![index], taken: Taken::Best });
    alone.chain(rivals_together(methods)).collect()
}

/// The competitors that consist of several methods, without duplicates.
fn rivals_together(methods: &[Method]) -> Vec<Rival> {
    let by_rule = |is_meant: &dyn Fn(OrderRule) -> bool| -> Vec<usize> {
        let is_meant = |it: &Method| matches!(it, Method::Baseline(baseline) if is_meant(baseline.order));
        methods.iter().enumerate().filter(|it| is_meant(it.1)).map(|it| it.0).collect()
    };
    let (source, all) = (by_rule(&|it| it == OrderRule::Source), by_rule(&|_| true));
    let is_optimal = |it: &usize| matches!(methods[*it], Method::Optimal(_));
    let optimal = (0..methods.len()).filter(is_optimal).collect();
    let mut groups = vec![("source/*/*", source), ("*/*/*", all), ("*/optimal", optimal)];
    groups.dedup_by(|later, earlier| later.1 == earlier.1);
    let groups = groups.into_iter().filter(|it| 1 < it.1.len());
    let rival = |name: &str, methods: &Vec<usize>, taken| {
        let name = if taken == Taken::Each { format!("each of {name}") } else { format!("best of {name}") };
        Rival { name, methods: methods.clone(), taken }
    };
    groups.flat_map(|(name, methods)| [Taken::Each, Taken::Best].map(|taken| rival(name, &methods, taken))).collect()
}

/// The competitors in the table of networks: the best of several methods, or else the first method.
pub fn main_rivals(methods: &[Method]) -> Vec<Rival> {
    let best: Vec<Rival> = rivals_together(methods).into_iter().filter(|it| it.taken == Taken::Best).collect();
    if best.is_empty() { rivals(methods).into_iter().take(1).collect() } else { best }
}

impl Rival {
    /// The non-compulsory bytes of COSMA and of the competitor in each case without faults.
    pub fn pairs<'a>(&self, outcomes: impl Iterator<Item = &'a Outcome>) -> Vec<(u64, u64)> {
        let planned = outcomes.filter(|it| it.cosma.fault.is_none());
        planned.flat_map(|it| self.non_compulsory(it).into_iter().map(|own| (it.cosma.non_compulsory.0, own))).collect()
    }

    fn non_compulsory(&self, outcome: &Outcome) -> Vec<u64> {
        let plans = self.plans(outcome).filter(|it| it.fault.is_none()).map(|it| it.non_compulsory.0);
        match self.taken {
            Taken::Each => plans.collect(),
            Taken::Best => plans.min().into_iter().collect(),
        }
    }

    /// Its planning time in a case, in seconds: the sum over all methods for the best, otherwise the mean.
    pub fn seconds(&self, outcome: &Outcome) -> f64 {
        let seconds: f64 = self.plans(outcome).map(|it| it.seconds).sum();
        match self.taken {
            Taken::Each => seconds / self.methods.len() as f64,
            Taken::Best => seconds,
        }
    }

    fn plans<'a>(&self, outcome: &'a Outcome) -> impl Iterator<Item = &'a Planned> {
        self.methods.iter().map(|it| &outcome.others[*it])
    }
}

#[cfg(test)]
mod tests {
    use super::{main_rivals, rivals};
    use crate::method::select;

    fn names(patterns: &[&str]) -> (Vec<String>, Vec<String>) {
        let methods = select(&patterns.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("they exist");
        let names = |rivals: Vec<super::Rival>| rivals.into_iter().map(|it| it.name).collect();
        (names(rivals(&methods)), names(main_rivals(&methods)))
    }

    #[test]
    fn several_methods_are_rivals_together() {
        let (all, main) = names(&["*/farthest/best-fit", "source/lru/best-fit"]);
        let together = ["each of source/*/*", "best of source/*/*", "each of */*/*", "best of */*/*"];
        assert_eq!(all[5..], together);
        assert_eq!(main, [together[1], together[3]]);
        let (all, main) = names(&["*/optimal"]);
        assert_eq!(all[4..], ["each of */optimal", "best of */optimal"]);
        assert_eq!(main, all[5..]);
    }

    #[test]
    fn one_method_is_no_group() {
        assert_eq!(names(&["source/optimal"]), (vec!["source/optimal".into()], vec!["source/optimal".into()]));
        let (all, main) = names(&["source/farthest/*"]);
        assert_eq!(all.len(), 5);
        assert_eq!(main, ["best of source/*/*"]);
    }
}
