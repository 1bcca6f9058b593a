//! Plans every case with every method, and verifies each plan.

use crate::method::Method;
use crate::network::Network;
use cosma_commands::judge::judge;
use cosma_planner::baseline::{DEFAULT_WIDTH, OrderRule, least_peak};
use cosma_planner::{Bytes, Error, OpId, Options, Plan, Problem, Solver, Weights, plan, plan_in_order};
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The cases of each network, and how to plan them.
pub struct Setting {
    /// Treatments of weights.
    pub weights: Vec<Weights>,
    /// Scratchpad sizes, as multiples of the minimum.
    pub factors: Vec<f64>,
    /// The methods that COSMA is compared with.
    pub methods: Vec<Method>,
    /// The solver that COSMA uses.
    pub solver: Solver,
    /// The time limit of COSMA and of [`Method::Optimal`].
    pub time_limit: Duration,
    /// The number of cases to run in parallel.
    pub jobs: usize,
}

/// The outcome of a case.
pub struct Outcome {
    /// The index of the network.
    pub network: usize,
    /// The network's name.
    pub name: String,
    /// Whether weights are resident, streamed, or either way.
    pub weights: Weights,
    /// The size of the scratchpad, as a multiple of the minimum.
    pub factor: f64,
    /// The size of the scratchpad.
    pub scratchpad: Bytes,
    /// The bytes that every plan moves.
    pub compulsory: Bytes,
    /// COSMA's plan.
    pub cosma: Planned,
    /// A proven lower bound on the non-compulsory bytes of any plan.
    pub lower_bound: Bytes,
    /// The solver that made COSMA's plan.
    pub solver: Solver,
    /// The plans of the methods, by method.
    pub others: Vec<Planned>,
    /// Whether the least-peak order is proven to have the lowest peak, if it was requested.
    pub has_least_peak: Option<bool>,
}

/// The outcome of planning with one method.
pub struct Planned {
    /// Non-compulsory bytes of the plan; zero if there is a fault.
    pub non_compulsory: Bytes,
    /// The planning time.
    pub seconds: f64,
    /// Why planning or verification failed.
    pub fault: Option<String>,
}

impl Outcome {
    /// Whether COSMA's plan is proven optimal.
    pub fn is_optimal(&self) -> bool {
        self.cosma.fault.is_none() && self.cosma.non_compulsory == self.lower_bound
    }

    /// All faults as messages.
    pub fn faults(&self) -> impl Iterator<Item = String> {
        let plans = std::iter::once(&self.cosma).chain(&self.others);
        plans.filter_map(|it| it.fault.as_ref()).map(|fault| {
            let weights = cosma_passes::weights_name(self.weights);
            format!("{} at {} times the minimum scratchpad, weights {weights}: {fault}", self.name, self.factor)
        })
    }
}

/// Plans all cases. Outcomes are ordered by network, weights and factor.
pub fn run(networks: &[Network], setting: &Setting) -> Vec<Outcome> {
    // A job is a network with one treatment of weights, since orders do not depend on the scratchpad.
    let jobs: Vec<(usize, Weights)> =
        (0..networks.len()).flat_map(|network| setting.weights.iter().map(move |it| (network, *it))).collect();
    let bar = ProgressBar::new((jobs.len() * setting.factors.len()) as u64);
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} ({elapsed}, {eta} left)");
    bar.set_style(style.expect("the template is well-formed"));
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<(usize, Vec<Outcome>)>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..setting.jobs.min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(network, weights)) = jobs.get(index) else { break };
                    let done = run_network(&networks[network], network, weights, setting, &bar);
                    outcomes.lock().unwrap_or_else(PoisonError::into_inner).push((index, done));
                }
            });
        }
    });
    bar.finish_and_clear();
    let mut outcomes = outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
    outcomes.sort_by_key(|it| it.0);
    outcomes.into_iter().flat_map(|it| it.1).collect()
}

/// The order that a rule gives, and the seconds that it took to find.
struct Ordered {
    rule: OrderRule,
    order: Vec<OpId>,
    /// False if the rule is least-peak and the peak is not proven lowest.
    is_exact: bool,
    seconds: f64,
}

fn run_network(
    network: &Network,
    index: usize,
    weights: Weights,
    setting: &Setting,
    bar: &ProgressBar,
) -> Vec<Outcome> {
    let mut orders: Vec<Ordered> = Vec::new();
    for rule in OrderRule::ALL {
        if setting.methods.iter().any(|it| it.order() == rule) {
            let start = Instant::now();
            let problem = network.at(weights, 1.0);
            let (order, is_exact) = match rule {
                OrderRule::LeastPeak => {
                    let found = least_peak(&problem, DEFAULT_WIDTH);
                    (found.order, found.is_exact)
                }
                _ => (rule.order(&problem), true),
            };
            orders.push(Ordered { rule, order, is_exact, seconds: start.elapsed().as_secs_f64() });
        }
    }
    let mut outcomes = Vec::new();
    for &factor in &setting.factors {
        bar.set_message(network.name.clone());
        let problem = network.at(weights, factor);
        let outcome = run_case(network, index, &problem, factor, &orders, setting);
        outcomes.push(Outcome { weights, ..outcome });
        bar.inc(1);
    }
    outcomes
}

fn run_case(
    network: &Network,
    index: usize,
    problem: &Problem,
    factor: f64,
    orders: &[Ordered],
    setting: &Setting,
) -> Outcome {
    let options = Options { solver: setting.solver, time_limit: setting.time_limit, ..Options::default() };
    let mut lower_bound = Bytes::ZERO;
    let mut solver = setting.solver;
    let mut claimed = Bytes::ZERO;
    let mut cosma = judged("cosma", problem, Bytes::ZERO, || {
        let solution = plan(problem, &options)?;
        (lower_bound, solver, claimed) = (solution.lower_bound, solution.solver, solution.non_compulsory);
        Ok(solution.plan)
    });
    if cosma.fault.is_none() && (cosma.non_compulsory != claimed || claimed < lower_bound) {
        let Planned { non_compulsory, .. } = cosma;
        let text = format!("cosma: moves {non_compulsory} B and claims {claimed} B, at least {lower_bound} B");
        cosma.fault = Some(text);
    }
    let other = |method: &Method| {
        let Ordered { order, seconds, .. } =
            orders.iter().find(|it| it.rule == method.order()).expect("orders of all methods were made");
        let mut planned = judged(&method.to_string(), problem, lower_bound, || match method {
            Method::Optimal(_) => {
                let options = Options { solver: Solver::Auto, ..options };
                Ok(plan_in_order(problem, order, &options)?.plan)
            }
            Method::Baseline(baseline) => baseline.plan_in_order(problem, order),
        });
        planned.seconds += seconds;
        planned
    };
    let others = setting.methods.iter().map(other).collect();
    Outcome {
        network: index,
        name: network.name.clone(),
        weights: problem.weights(),
        factor,
        scratchpad: problem.machine.scratchpad(),
        compulsory: problem.compulsory(),
        cosma,
        lower_bound,
        solver,
        others,
        has_least_peak: orders.iter().find(|it| it.rule == OrderRule::LeastPeak).map(|it| it.is_exact),
    }
}

/// Plans and verifies, and measures the time. `bound` is a lower bound on the bytes that the plan may move.
fn judged(name: &str, problem: &Problem, bound: Bytes, plan: impl FnOnce() -> Result<Plan, Error>) -> Planned {
    let start = Instant::now();
    let plan = plan();
    let seconds = start.elapsed().as_secs_f64();
    let fault = |text: String| Planned { non_compulsory: Bytes::ZERO, seconds, fault: Some(format!("{name}: {text}")) };
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => return fault(error.to_string()),
    };
    match judge(problem, &plan) {
        Ok(moved) if moved < bound => fault(format!("moves {moved} B, less than the proven {bound} B")),
        Ok(moved) => Planned { non_compulsory: moved, seconds, fault: None },
        Err(text) => fault(text),
    }
}
