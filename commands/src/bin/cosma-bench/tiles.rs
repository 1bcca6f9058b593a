//! `--tiles`: networks in COSMA's tiles, compared with tilings by rule.
//!
//! A case is a function on a scratchpad. COSMA's plan is that of `cosma-opt --tile --allocate`. The tilings by rule
//! are also programs in tiles. Each is planned in its order with optimal and with greedy replacement, for the whole
//! scratchpad and, as COSMA does, for slightly less, since rules count sizes and programs need addresses.

mod report;

use crate::Failure;
use crate::arguments::Arguments;
use crate::network::{Kind, stem};
use cosma::{
    Error, FunctionReport, MachineOptions, ModelOptions, Options, SourceNetwork, Stages, networks, new_context,
    optimize, read_module,
};
use cosma_commands::judge::judge;
use cosma_planner::{Bytes, Deadline, Order, Problem, Solver, plan};
use cosma_tile::{Bounds, Network, StripePlan, TileError, bounds, cascades, expand, layer_by_layer};
use report::Report;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The part of the scratchpad, in 64ths, that tilings by rule leave free, until their program has addresses at its
/// cost.
const SLACK: [u64; 6] = [0, 1, 2, 4, 8, 16];

/// The share of the remaining time for each of them.
const SHARE_OF_SLACK: f64 = 0.5;

/// A rule, and the replacement of a program's tensors.
#[derive(Clone, Copy, Debug)]
pub struct Rival {
    pub name: &'static str,
    /// Which of [`RULES`].
    rule: usize,
    solver: Solver,
}

type Rule = fn(&Network) -> Result<StripePlan, TileError>;
const RULES: [Rule; 2] = [layer_by_layer, cascades];

/// The competitors of COSMA.
pub const RIVALS: [Rival; 4] = [
    Rival { name: "layers", rule: 0, solver: Solver::Auto },
    Rival { name: "layers, greedy", rule: 0, solver: Solver::Greedy },
    Rival { name: "cascades", rule: 1, solver: Solver::Auto },
    Rival { name: "cascades, greedy", rule: 1, solver: Solver::Greedy },
];

/// A function on a scratchpad.
pub struct Case {
    pub network: String,
    /// Whether it has a convolution and no softmax.
    pub is_cnn: bool,
    pub operators: usize,
    pub scratchpad: Bytes,
    /// The bytes that every tiling moves.
    pub bound: Bound,
    pub cosma: Outcome,
    /// By rival.
    pub rivals: Vec<Outcome>,
}

/// The outcome of a tiling.
pub enum Outcome {
    Planned(Planned),
    /// There is no plan, with the reason.
    None(String),
    /// The plan is wrong.
    Fault(String),
}

/// A plan that was verified.
pub struct Planned {
    pub n_tiles: u64,
    pub non_compulsory: Bytes,
    pub seconds: f64,
    /// Non-compulsory bytes caused by addresses.
    fragmentation: Bytes,
}

impl Outcome {
    pub fn planned(&self) -> Option<&Planned> {
        match self {
            Outcome::Planned(it) => Some(it),
            Outcome::None(_) | Outcome::Fault(_) => None,
        }
    }

    fn non_compulsory(&self) -> Option<u64> {
        self.planned().map(|it| it.non_compulsory.0)
    }
}

impl Case {
    /// The least that a rule moves, if any has a plan.
    pub fn better_rule(&self) -> Option<u64> {
        self.rivals.iter().filter_map(Outcome::non_compulsory).min()
    }

    /// All errors as messages: a wrong plan, or that COSMA has no plan where a rule has one.
    fn faults(&self) -> Vec<String> {
        let names = std::iter::once("cosma").chain(RIVALS.iter().map(|it| it.name));
        let outcomes = names.zip(std::iter::once(&self.cosma).chain(&self.rivals));
        let has_plan = self.better_rule().is_some();
        let fault = |(name, outcome): (&str, &Outcome)| match outcome {
            Outcome::Fault(text) => Some(format!("{}: {name}: {text}", self.place())),
            Outcome::None(why) if name == "cosma" && has_plan => Some(format!("{}: {name}: {why}", self.place())),
            Outcome::Planned(_) | Outcome::None(_) => None,
        };
        outcomes.filter_map(fault).collect()
    }

    fn place(&self) -> String {
        format!("{} on {} B", self.network, self.scratchpad)
    }
}

/// Plans all cases of the files, and prints each as soon as it is known.
///
/// # Errors
/// A file that cannot be read, a plan that is wrong, an output that cannot be written.
pub fn bench(arguments: &Arguments, files: &[PathBuf]) -> Result<(), Failure> {
    let is_inference = |it: &&PathBuf| Kind::of(&stem(it)) != Kind::Training;
    let files: Vec<&PathBuf> = files.iter().filter(is_inference).collect();
    let sources = files.iter().map(|it| Source::read(it)).collect::<Result<Vec<_>, _>>();
    let sources = sources.map_err(|message| Failure::Run(vec![message]))?;
    let jobs: Vec<(&Source, Bytes)> =
        arguments.scratchpad.iter().flat_map(|size| sources.iter().map(|it| (it, size.0))).collect();
    let names = sources.iter().flat_map(|it| it.functions.iter().map(|it| it.name.as_str()));
    let report = Mutex::new(Report::new(arguments, names, jobs.len()));
    crate::print(&report.lock().unwrap_or_else(PoisonError::into_inner).heading())?;
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..arguments.jobs.get().min(jobs.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&(source, scratchpad)) = jobs.get(index) else { break };
                    let cases = source.cases(scratchpad, arguments);
                    report.lock().unwrap_or_else(PoisonError::into_inner).add(index, cases);
                }
            });
        }
    });
    let report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    crate::print(&format!("\n{}\n", report.sentences().join("\n")))?;
    if let Some(path) = &arguments.markdown {
        crate::write(path, &report.markdown())?;
    }
    if let Some(path) = &arguments.json {
        crate::write(path, &report.json())?;
    }
    let faults: Vec<String> = report.cases().flat_map(Case::faults).collect();
    if faults.is_empty() { Ok(()) } else { Err(Failure::Run(faults)) }
}

/// A file and its functions.
struct Source {
    file: String,
    text: Vec<u8>,
    functions: Vec<Function>,
}

struct Function {
    /// The file's name without its extension, and the function's if there are several.
    name: String,
    source: SourceNetwork,
    is_cnn: bool,
}

impl Source {
    fn read(path: &Path) -> Result<Source, String> {
        let file = path.display().to_string();
        let text = std::fs::read(path).map_err(|error| format!("cannot read {file}: {error}"))?;
        let context = new_context();
        let module = read_module(&context, &text, &file).map_err(|error| error.to_string())?;
        model().write(module.as_operation());
        let found = networks(&module, &machine(Bytes(1))).map_err(|error| error.to_string())?;
        let is_alone = found.len() == 1;
        let stem = stem(path);
        let function = |source: SourceNetwork| Function {
            name: if is_alone { stem.clone() } else { format!("{stem}@{}", source.function) },
            is_cnn: is_cnn(&source.kinds),
            source,
        };
        let functions = found.into_iter().map(function).collect();
        Ok(Source { file, text, functions })
    }

    /// The cases of its functions on a scratchpad.
    fn cases(&self, scratchpad: Bytes, arguments: &Arguments) -> Vec<Case> {
        let time_limit = arguments.time_limit.0;
        let tiled = self.tiled(scratchpad, arguments);
        let case = |function: &Function| {
            let mut network = function.source.network.clone();
            network.problem.machine.set_scratchpad(scratchpad);
            let report = tiled.as_ref().map(|it| it.iter().find(|it| it.name == function.source.function));
            let recomputes = |it: &FunctionReport| it.tiling.as_ref().is_some_and(|it| it.recomputes);
            let bound = Bound::of(&network, report.ok().flatten().is_some_and(recomputes));
            let cosma = match report {
                Ok(report) => match report {
                    Some(report) => outcome_of(report, bound.bytes),
                    None => Outcome::None("it has no operators".into()),
                },
                Err(error) => Outcome::None(error.to_string()),
            };
            let mut rivals = Vec::new();
            for (index, rule) in RULES.iter().enumerate() {
                let solvers = RIVALS.iter().filter(|it| it.rule == index).map(|it| it.solver).collect::<Vec<_>>();
                rivals.extend(by_rule(&network, *rule, &solvers, time_limit));
            }
            Case {
                network: function.name.clone(),
                is_cnn: function.is_cnn,
                operators: network.problem.graph.ops().len(),
                scratchpad,
                bound,
                cosma,
                rivals,
            }
        };
        self.functions.iter().map(case).collect()
    }

    /// COSMA's tiling, whose plan is verified.
    fn tiled(&self, scratchpad: Bytes, arguments: &Arguments) -> Result<Vec<FunctionReport>, Error> {
        let context = new_context();
        let mut module = read_module(&context, &self.text, &self.file)?;
        let options = Options {
            machine: machine(scratchpad),
            model: model(),
            stages: Stages { tile: true, allocate: true, ..Stages::default() },
            solver: arguments.solver.0,
            time_limit: arguments.time_limit.0,
            ..Options::default()
        };
        Ok(optimize(&mut module, &options)?.functions)
    }
}

/// One byte for each float element, as after quantisation.
fn model() -> ModelOptions {
    ModelOptions { element_bytes: Some(1), ..ModelOptions::default() }
}

fn machine(scratchpad: Bytes) -> MachineOptions {
    MachineOptions {
        scratchpad: Some(scratchpad),
        alignment: Some(cosma_passes::DEFAULT_ALIGNMENT),
        weights: Some(cosma::Weights::Resident),
        keep: None,
        reserved: Vec::new(),
        clock: None,
        memories: None,
    }
}

fn is_cnn(kinds: &[String]) -> bool {
    let has = |part: &str| kinds.iter().any(|it| it.to_lowercase().contains(part));
    has("conv") && !has("softmax")
}

/// Non-compulsory bytes that every tiling moves, or every tiling without recomputation if COSMA's recomputes nothing.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub bytes: Bytes,
    pub of_all_tilings: bool,
}

impl Bound {
    fn of(network: &Network, recomputes: bool) -> Bound {
        let Bounds { all_tilings, without_recomputation } = bounds(network);
        let compulsory = network.problem.compulsory();
        let bytes = if recomputes { all_tilings } else { without_recomputation }.saturating_sub(compulsory);
        Bound { bytes, of_all_tilings: bytes == all_tilings.saturating_sub(compulsory) }
    }
}

fn outcome_of(report: &FunctionReport, bound: Bytes) -> Outcome {
    let moved = Bytes(report.traffic.non_compulsory);
    if moved < bound {
        return Outcome::Fault(format!("moves {moved} B, less than the proven {bound} B"));
    }
    Outcome::Planned(Planned {
        n_tiles: report.operators,
        non_compulsory: moved,
        seconds: report.seconds,
        fragmentation: Bytes(report.traffic.fragmentation),
    })
}

/// A tiling by rule, planned by several solvers: the best over all slacks.
fn by_rule(network: &Network, rule: Rule, solvers: &[Solver], time_limit: Duration) -> Vec<Outcome> {
    let scratchpad = network.problem.machine.scratchpad();
    let bound = Bound::of(network, false).bytes;
    let mut best: Vec<Option<Outcome>> = solvers.iter().map(|_| None).collect();
    let mut error = String::new();
    let deadline = Deadline::after(time_limit);
    for slack in SLACK {
        if deadline.has_passed() && best.iter().all(|it| matches!(it, Some(Outcome::Planned(_)))) {
            break;
        }
        let time_limit = deadline.part(SHARE_OF_SLACK).left().unwrap_or(time_limit);
        let start = Instant::now();
        let mut less = network.clone();
        less.problem.machine.set_scratchpad(Bytes(scratchpad.0 - scratchpad.0 / 64 * slack));
        let stripes = match rule(&less) {
            Ok(it) => it,
            Err(it) => {
                error = it.to_string();
                break;
            }
        };
        let mut problem = expand(&less, &stripes).problem;
        problem.machine.set_scratchpad(scratchpad);
        let made = start.elapsed();
        for (best, solver) in best.iter_mut().zip(solvers) {
            let outcome = planned(&problem, *solver, time_limit, bound, made);
            if is_better(&outcome, best.as_ref()) {
                *best = Some(outcome);
            }
        }
        let has_settled = |it: &Option<Outcome>| match it {
            Some(Outcome::Planned(it)) => it.fragmentation == Bytes::ZERO,
            Some(Outcome::Fault(_)) => true,
            Some(Outcome::None(_)) | None => false,
        };
        if best.first().is_some_and(has_settled) {
            break;
        }
    }
    best.into_iter().map(|it| it.unwrap_or_else(|| Outcome::None(error.clone()))).collect()
}

/// Orders faults first, so that none is lost; then the plan that moves less.
fn is_better(outcome: &Outcome, best: Option<&Outcome>) -> bool {
    match (outcome, best) {
        (_, Some(Outcome::Fault(_))) => false,
        (Outcome::Fault(_), _) | (_, None) => true,
        (Outcome::Planned(it), Some(Outcome::Planned(best))) => it.non_compulsory < best.non_compulsory,
        (Outcome::Planned(_), Some(Outcome::None(_))) => true,
        (Outcome::None(_), Some(_)) => false,
    }
}

fn planned(problem: &Problem, solver: Solver, time_limit: Duration, bound: Bytes, made: Duration) -> Outcome {
    let start = Instant::now();
    let options = cosma_planner::Options { solver, order: Order::Source, time_limit, ..Default::default() };
    let solution = match plan(problem, &options) {
        Ok(it) => it,
        Err(error) => return Outcome::None(error.to_string()),
    };
    let seconds = (made + start.elapsed()).as_secs_f64();
    match judge(problem, &solution.plan) {
        Ok(moved) if moved < bound => Outcome::Fault(format!("moves {moved} B, less than the proven {bound} B")),
        Ok(non_compulsory) => Outcome::Planned(Planned {
            n_tiles: problem.graph.ops().len() as u64,
            non_compulsory,
            seconds,
            fragmentation: solution.fragmentation,
        }),
        Err(text) => Outcome::Fault(text),
    }
}
