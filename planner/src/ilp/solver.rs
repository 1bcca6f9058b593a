//! HiGHS: takes a model, returns a choice and a bound. All its peculiarities are handled here.
//!
//! - good_lp builds models well, but reports every limit as a time limit and any positive gap as a gap limit, and hides
//!   the dual bound. So its model is passed to `highs` directly, which loses good_lp's options and warm start; they are
//!   set here.
//! - A solver's one may be 0.9999. Integers are rounded to the nearest ones, and callers must check whether their rows
//!   hold.
//! - Its bound is a float as well. Objectives here have integer coefficients, so a bound is rounded up, after
//!   subtracting a margin of half a unit: more than all tolerances together.
//! - By default it would stop at a relative gap of 1e-4, or at an absolute one of 1e-6, which is invisible beside 1e10.
//!   Neither means less than one unit, which is required.
//! - From a start that presolve maps to a better solution of the presolved model, it returns the start with the better
//!   one's objective. Then it is called again, without a start.
//! - Once in a few hundred small models its presolve solves the model completely, and then fails in postsolve with an
//!   error. Then it is called again without presolve.
//! - It refuses an empty choice as a start.
//! - Its number of threads is per process; one thread and a fixed seed make it deterministic.

use super::interrupt;
use crate::{Deadline, Error};
use good_lp::solvers::highs::highs;
use good_lp::{Constraint, Expression, IntoAffineExpression, ProblemVariables, SolverModel, Variable, variable};
use highs::{HighsModelStatus, HighsSolutionStatus};
use std::collections::HashMap;
use std::time::Duration;

/// A minimisation over bounded integers, with integer coefficients in the objective.
#[derive(Clone, Default)]
pub(super) struct Model {
    variables: ProblemVariables,
    objective: Expression,
    weights: Vec<u64>,
    most: Vec<u64>,
    start: Vec<f64>,
    /// Whether variables may have fractional values.
    is_relaxed: bool,
    /// The constraints.
    pub constraints: Vec<Constraint>,
}

/// HiGHS is only called if at least this much time remains for each variable and each coefficient: handing the model
/// over takes part of it, and presolve ignores the time limit.
const TIME_PER_TERM: Duration = Duration::from_nanos(1500);

/// Whether a model with this many variables and coefficients can be built and handed over before the deadline.
pub(super) fn is_time_for(n_terms: usize, deadline: Deadline) -> bool {
    let needed = TIME_PER_TERM * u32::try_from(n_terms).unwrap_or(u32::MAX);
    deadline.left().is_none_or(|left| needed <= left)
}

/// The result when the solver stops.
pub(super) struct Answer {
    /// The best choice found, by variable, if there is one.
    pub values: Option<Vec<u64>>,
    /// A lower bound on the objective of every choice.
    pub bound: u64,
    /// Whether there is provably no choice.
    pub is_infeasible: bool,
}

/// A row for text formats: a sum of columns, and its equality or upper bound.
pub(super) struct Row {
    /// Columns, ascending, and their coefficients.
    pub terms: Vec<(usize, i128)>,
    pub is_equality: bool,
    pub right: i128,
}

impl Model {
    /// A model with continuous variables.
    pub(super) fn relaxed() -> Model {
        Model { is_relaxed: true, ..Model::default() }
    }

    /// Adds a variable, with its weight in the objective and its value in the start.
    pub(super) fn binary(&mut self, weight: u64, start: bool) -> Variable {
        self.integer(weight, 1, u64::from(start))
    }

    /// The same for a variable from zero to `most`.
    pub(super) fn integer(&mut self, weight: u64, most: u64, start: u64) -> Variable {
        let definition = variable().clamp(0.0, most as f64);
        let definition = if self.is_relaxed { definition } else { definition.integer() };
        let variable = self.variables.add(definition);
        self.objective += weight as f64 * variable;
        self.weights.push(weight);
        self.most.push(most);
        self.start.push(start as f64);
        variable
    }

    /// Limits the objective to this range, both ends included.
    pub(super) fn limit_objective(&mut self, least: u64, most: u64) {
        if 0 < least {
            self.constraints.push(self.objective.clone().geq(least as f64));
        }
        self.constraints.push(self.objective.clone().leq(most as f64));
    }

    /// The number of variables.
    pub(super) fn n_variables(&self) -> usize {
        self.weights.len()
    }

    /// The weight of each variable in the objective, and its largest value.
    pub(super) fn columns(&self) -> impl Iterator<Item = (u64, u64)> {
        self.weights.iter().copied().zip(self.most.iter().copied())
    }

    /// The constraints, with their integer coefficients.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row> {
        let variables = self.variables.iter_variables_with_def().map(|it| it.0);
        let columns: HashMap<Variable, usize> = variables.enumerate().map(|(index, it)| (it, index)).collect();
        self.constraints.iter().map(move |constraint| {
            let expression = constraint.expression();
            let terms = expression.linear_coefficients();
            let mut terms: Vec<(usize, i128)> =
                terms.map(|(it, coefficient)| (columns[&it], coefficient as i128)).collect();
            terms.sort_unstable();
            Row { terms, is_equality: constraint.is_equality(), right: -expression.constant() as i128 }
        })
    }

    /// Minimises until the optimum is proven, the node limit is reached, or the deadline passes.
    ///
    /// # Errors
    /// [`Error::Solver`] if HiGHS refuses the model, fails, or finds it infeasible.
    pub(super) fn minimise(&self, max_nodes: i32, deadline: Deadline) -> Result<Answer, Error> {
        if self.weights.is_empty() {
            return Ok(Answer { values: Some(Vec::new()), bound: 0, is_infeasible: false });
        }
        let (answer, objective) = self.run(Some(&self.start), max_nodes, 0.0, deadline)?;
        if answer.is_infeasible {
            return Err(Error::Solver("HiGHS finds no solution where there is one".to_owned()));
        }
        let is_another = |values: &Vec<u64>| objective + 0.5 < self.objective_of(values) as f64;
        if answer.values.as_ref().is_some_and(is_another) {
            let (again, _) = self.run(None, max_nodes, 0.0, deadline)?;
            return Ok(Answer { bound: again.bound.max(answer.bound), ..again });
        }
        Ok(answer)
    }

    /// The same without a start: there may be no solution.
    ///
    /// # Errors
    /// [`Error::Solver`] if HiGHS refuses the model, or fails.
    pub(super) fn minimise_cold(&self, max_nodes: i32, deadline: Deadline) -> Result<Answer, Error> {
        self.approach(0.0, max_nodes, deadline)
    }

    /// The same until the relative gap is at most `gap`.
    ///
    /// # Errors
    /// [`Error::Solver`] if HiGHS refuses the model, or fails.
    pub(super) fn approach(&self, gap: f64, max_nodes: i32, deadline: Deadline) -> Result<Answer, Error> {
        if self.weights.is_empty() {
            return Ok(Answer { values: Some(Vec::new()), bound: 0, is_infeasible: false });
        }
        Ok(self.run(None, max_nodes, gap, deadline)?.0)
    }

    /// A lower bound on the objective of a relaxed model; zero if the deadline passed first.
    ///
    /// # Errors
    /// [`Error::Solver`] if HiGHS refuses the model, or fails.
    pub(super) fn relaxation(&self, deadline: Deadline) -> Result<u64, Error> {
        Ok(self.run(None, i32::MAX, 0.0, deadline)?.0.bound)
    }

    /// The number of variables, and of coefficients of all constraints.
    fn n_terms(&self) -> usize {
        let n_terms = self.constraints.iter().map(|it| it.expression().linear_coefficients().count());
        self.weights.len() + n_terms.sum::<usize>()
    }

    fn objective_of(&self, values: &[u64]) -> u64 {
        self.weights.iter().zip(values).map(|(weight, value)| weight * value).sum()
    }

    /// The answer, and the objective that HiGHS reports for it.
    fn run(&self, start: Option<&[f64]>, max_nodes: i32, gap: f64, deadline: Deadline) -> Result<(Answer, f64), Error> {
        self.run_with("choose", start, max_nodes, gap, deadline)
            .or_else(|_| self.run_with("off", start, max_nodes, gap, deadline))
    }

    /// The same with or without presolve.
    fn run_with(
        &self,
        presolve: &str,
        start: Option<&[f64]>,
        max_nodes: i32,
        gap: f64,
        deadline: Deadline,
    ) -> Result<(Answer, f64), Error> {
        let failed = |what: &str| Error::Solver(what.to_owned());
        // An unsolved model has only its start.
        let unsolved = || {
            let values: Option<Vec<u64>> = start.map(|it| it.iter().map(|it| *it as u64).collect());
            let objective = values.as_ref().map_or(0, |it| self.objective_of(it));
            (Answer { values, bound: 0, is_infeasible: false }, objective as f64)
        };
        if !is_time_for(self.n_terms(), deadline) {
            return Ok(unsolved());
        }
        let mut problem = self.variables.clone().minimise(&self.objective).using(highs);
        for constraint in &self.constraints {
            problem.add_constraint(constraint.clone());
        }
        let mut model = problem.try_into_inner().map_err(|error| Error::Solver(error.to_string()))?;
        set_options(&mut model, presolve, max_nodes, gap, deadline);
        // Together with the margin of `whole`, less than one unit.
        model.set_option("mip_abs_gap", 0.4);
        if start.is_some() {
            model.try_set_solution(start, None, None, None).map_err(|_| failed("HiGHS refuses the start"))?;
        }
        let is_relaxed = self.is_relaxed;
        let finished = interrupt::solve(model, deadline, move |model| {
            let solved = model.try_solve().map_err(|_| failed("HiGHS fails"))?;
            let is_infeasible =
                matches!(solved.status(), HighsModelStatus::Infeasible | HighsModelStatus::UnboundedOrInfeasible);
            let values = (solved.primal_solution_status() == HighsSolutionStatus::Feasible)
                .then(|| solved.get_solution().columns().iter().map(|it| it.round() as u64).collect());
            let bound = match (is_relaxed, solved.status()) {
                (false, _) => solved.double_info_value(c"mip_dual_bound").unwrap_or(f64::NEG_INFINITY),
                (true, HighsModelStatus::Optimal) => solved.objective_value(),
                (true, _) => f64::NEG_INFINITY,
            };
            Ok((Answer { values, bound: whole(bound), is_infeasible }, solved.objective_value()))
        })?;
        Ok(finished.unwrap_or_else(unsolved))
    }
}

/// Quiet, deterministic, and ending at the deadline.
fn set_options(model: &mut ::highs::Model, presolve: &str, max_nodes: i32, gap: f64, deadline: Deadline) {
    model.make_quiet();
    model.set_option("threads", 1);
    model.set_option("parallel", "off");
    model.set_option("random_seed", 0);
    model.set_option("presolve", presolve);
    if let Some(left) = deadline.left() {
        model.set_option("time_limit", left.as_secs_f64());
    }
    model.set_option("mip_max_nodes", max_nodes);
    model.set_option("mip_rel_gap", gap);
}

/// A minimisation over nonnegative numbers, some of them binary.
#[derive(Clone, Default)]
pub(super) struct Numbers {
    variables: ProblemVariables,
    n_variables: usize,
    /// Whether some are binary.
    has_binaries: bool,
    /// The objective to minimise.
    pub objective: Expression,
    /// The constraints.
    pub constraints: Vec<Constraint>,
}

/// The result for [`Numbers`] when the solver stops. Tolerances of the solver are the caller's concern.
pub(super) struct NumbersAnswer {
    /// The best values that were found, if any.
    pub values: Option<Vec<f64>>,
    /// A lower bound on the objective; minus infinity if none is known.
    pub bound: f64,
}

impl Numbers {
    /// Adds a number from zero to `most`.
    pub(super) fn number(&mut self, most: f64) -> Variable {
        self.n_variables += 1;
        self.variables.add(variable().min(0.0).max(most))
    }

    /// Adds a binary variable.
    pub(super) fn binary(&mut self) -> Variable {
        self.n_variables += 1;
        self.has_binaries = true;
        self.variables.add(variable().binary())
    }

    /// The number of variables.
    pub(super) fn n_variables(&self) -> usize {
        self.n_variables
    }

    /// Minimises until the relative gap is at most `gap`, the node limit is reached, or the deadline passes. `None` if
    /// there was no time to begin.
    ///
    /// # Errors
    /// [`Error::Solver`] if HiGHS refuses the model, or fails.
    pub(super) fn minimise(
        &self,
        start: Option<&[f64]>,
        gap: f64,
        max_nodes: i32,
        deadline: Deadline,
    ) -> Result<Option<NumbersAnswer>, Error> {
        self.minimise_with("choose", start, gap, max_nodes, deadline)
            .or_else(|_| self.minimise_with("off", start, gap, max_nodes, deadline))
    }

    fn minimise_with(
        &self,
        presolve: &str,
        start: Option<&[f64]>,
        gap: f64,
        max_nodes: i32,
        deadline: Deadline,
    ) -> Result<Option<NumbersAnswer>, Error> {
        let n_terms = self.constraints.iter().map(|it| it.expression().linear_coefficients().count());
        if !is_time_for(self.n_variables + n_terms.sum::<usize>(), deadline) {
            return Ok(None);
        }
        let mut problem = self.variables.clone().minimise(&self.objective).using(highs);
        for constraint in &self.constraints {
            problem.add_constraint(constraint.clone());
        }
        let mut model = problem.try_into_inner().map_err(|error| Error::Solver(error.to_string()))?;
        set_options(&mut model, presolve, max_nodes, gap, deadline);
        let is_whole = self.has_binaries;
        if start.is_some() {
            let refused = |_| Error::Solver("HiGHS refuses the start".to_owned());
            model.try_set_solution(start, None, None, None).map_err(refused)?;
        }
        interrupt::solve(model, deadline, move |model| {
            let solved = model.try_solve().map_err(|_| Error::Solver("HiGHS fails".to_owned()))?;
            let is_found = solved.primal_solution_status() == HighsSolutionStatus::Feasible;
            let values = is_found.then(|| solved.get_solution().columns().to_vec());
            let is_optimal = solved.status() == HighsModelStatus::Optimal;
            // A program without integers has no bound of nodes.
            let of_nodes = solved.double_info_value(c"mip_dual_bound").ok().filter(|it| it.is_finite());
            let bound = match (of_nodes, is_optimal) {
                (Some(bound), _) if is_whole => bound,
                (_, true) => solved.objective_value(),
                _ => f64::NEG_INFINITY,
            };
            Ok(NumbersAnswer { values, bound })
        })
    }
}

/// The least integer that a bound within the solver's tolerances proves.
fn whole(bound: f64) -> u64 {
    let margin = 0.5 + 1e-10 * bound.abs();
    // Without a bound, the solver returns minus infinity. The cast saturates at zero.
    if bound.is_finite() { (bound - margin).ceil() as u64 } else { 0 }
}
