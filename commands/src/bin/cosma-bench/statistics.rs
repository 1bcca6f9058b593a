//! Statistics over cases.

/// The traffic that COSMA saves against a competitor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reduction {
    /// The number of cases in which the competitor moves more than COSMA.
    pub n_above: usize,
    /// The number of cases in which it moves less.
    pub n_below: usize,
    /// The mean of 1 - COSMA / competitor over the cases in which the competitor moves more; `None` if there
    /// are none.
    pub mean: Option<f64>,
    /// 1 - COSMA's sum / the competitor's sum over all cases; `None` if the competitor moves nothing.
    pub of_sum: Option<f64>,
}

/// Compares pairs of non-compulsory bytes: COSMA's and the competitor's in the same case.
pub fn reduction(pairs: &[(u64, u64)]) -> Reduction {
    let above: Vec<f64> = pairs.iter().filter(|it| it.0 < it.1).map(|it| reduction_of_case(*it)).collect();
    let (cosma, rival) = pairs.iter().fold((0.0, 0.0), |sum, it| (sum.0 + it.0 as f64, sum.1 + it.1 as f64));
    Reduction {
        n_above: above.len(),
        n_below: pairs.iter().filter(|it| it.1 < it.0).count(),
        mean: (!above.is_empty()).then(|| above.iter().sum::<f64>() / above.len() as f64),
        of_sum: (0.0 < rival).then_some(1.0 - cosma / rival),
    }
}

/// 1 - COSMA / competitor; zero if they are equal, even if both are zero.
pub fn reduction_of_case((cosma, rival): (u64, u64)) -> f64 {
    if cosma == rival { 0.0 } else { 1.0 - cosma as f64 / rival as f64 }
}

/// Minimum, median, 90th percentile and maximum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub least: f64,
    pub median: f64,
    /// The 90th percentile.
    pub p90: f64,
    pub most: f64,
}

/// The spread of values; `None` if there are none.
pub fn spread(values: impl Iterator<Item = f64>) -> Option<Spread> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let median = (values[last / 2] + values[last.div_ceil(2)]) / 2.0;
    // The smallest value that 90 % of the values do not exceed.
    let p90 = values[(9 * values.len()).div_ceil(10) - 1];
    Some(Spread { least: values[0], median, p90, most: values[last] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_cases_above_count_for_the_mean() {
        let found = reduction(&[(0, 10), (5, 10), (7, 7), (0, 0), (4, 2)]);
        assert_eq!(found.n_above, 2);
        assert_eq!(found.n_below, 1);
        assert_eq!(found.mean, Some(0.75));
        assert_eq!(found.of_sum, Some(1.0 - 16.0 / 29.0));
        assert_eq!(reduction(&[(0, 0)]), Reduction { n_above: 0, n_below: 0, mean: None, of_sum: None });
    }

    #[test]
    fn spreads_are_of_sorted_values() {
        let values = [5.0, 1.0, 3.0, 2.0];
        let expected = Spread { least: 1.0, median: 2.5, p90: 5.0, most: 5.0 };
        assert_eq!(spread(values.into_iter()), Some(expected));
        let ten = spread((1..=10).map(f64::from)).expect("there are values");
        assert_eq!((ten.median, ten.p90), (5.5, 9.0));
        assert_eq!(spread(std::iter::empty()), None);
    }
}
