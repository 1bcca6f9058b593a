//! A summary of the outcomes in sentences.

use crate::network::Kind;
use crate::run::Outcome;
use crate::statistics::spread;
use crate::tables::{Shown, percent, seconds};
use cosma_planner::baseline::DEFAULT_WIDTH;
use std::num::NonZeroUsize;

impl Shown<'_> {
    /// The command line, then the sentences of the summary.
    pub fn sentences(&self) -> Vec<String> {
        let Shown { networks, setting, outcomes, .. } = self;
        let n_networks = |kind| networks.iter().filter(|it| it.kind == kind).count();
        let kinds = Kind::ALL.map(|it| format!("{} {}", n_networks(it), it.name())).join(", ");
        let n_plans = outcomes.len() * (1 + setting.methods.len());
        let n_faults = outcomes.iter().flat_map(Outcome::faults).count();
        let mut sentences = vec![
            self.arguments.shown(),
            format!(
                "{} cases: {} networks ({kinds}), {} treatments of weights, {} scratchpad sizes; alignment {} B. \
                 {n_plans} plans by {} methods and COSMA were verified, {n_faults} of them failed.",
                outcomes.len(),
                networks.len(),
                setting.weights.len(),
                setting.factors.len(),
                cosma_passes::DEFAULT_ALIGNMENT,
                setting.methods.len(),
            ),
            format!("COSMA is proven optimal in {}.", self.shares()),
            "By method: the mean of 1 - COSMA / method, in non-compulsory bytes, over the cases in which the method moves \
             more than COSMA, and their number; the same for the sum over all cases; the number of cases in which the \
             method moves less. By network: 1 - COSMA / method over all its cases, median and minimum."
                .into(),
        ];
        let least_peaks: Vec<bool> = outcomes.iter().filter_map(|it| it.has_least_peak).collect();
        if !least_peaks.is_empty() {
            let n_exact = least_peaks.iter().filter(|it| **it).count();
            sentences.push(format!(
                "The order of least-peak is proven to have the lowest peak in {n_exact} of {} cases; otherwise it is the \
                 best of a beam search of width {DEFAULT_WIDTH}.",
                least_peaks.len()
            ));
        }
        if !self.arguments.no_times {
            if let Some(spread) = spread(outcomes.iter().map(|it| it.cosma.seconds)) {
                sentences.push(format!(
                    "Seconds of COSMA on {} cores: median {}, 90th percentile {}, maximum {}.",
                    std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
                    seconds(spread.median),
                    seconds(spread.p90),
                    seconds(spread.most)
                ));
            }
            if let Some(mebibytes) = peak_memory() {
                sentences.push(format!("Peak memory of this process: {mebibytes} MiB."));
            }
        }
        sentences
    }

    fn shares(&self) -> String {
        let share = |kind: Option<Kind>| {
            let meant = || self.outcomes.iter().filter(|it| kind.is_none_or(|kind| self.kind(it) == kind));
            let (n, n_optimal) = (meant().count(), meant().filter(|it| it.is_optimal()).count());
            (0 < n).then(|| format!("{n_optimal} of {n} ({})", percent(n_optimal as f64 / n as f64)))
        };
        let all = share(None).unwrap_or_default();
        let kinds = Kind::ALL.into_iter().filter_map(|it| Some(format!("{} {}", it.name(), share(Some(it))?)));
        format!("{all}: {}", kinds.collect::<Vec<_>>().join(", "))
    }
}

/// The peak resident memory of this process in MiB; `None` if the system does not report it.
pub fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes / 1024)
}
