//! `cosma.plan`: what is known about the plan of a function, as an attribute of the function.
//!
//! It says nothing that differs from run to run, such as times.

use crate::effort::solver_name;
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::attribute::{DictionaryAttribute, IntegerAttribute, StringAttribute};
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::IntegerType;
use cosma_ir::melior::ir::{Attribute, Identifier, OperationRef};
use cosma_ir::{as_mut, melior};
use cosma_planner::{Bytes, Order, Problem, Solution};

const PLAN: &str = "cosma.plan";

/// What is known about a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Operators, each of which runs in one step.
    pub operators: u64,
    /// `optimal`, which is proven, or `feasible`.
    pub status: String,
    /// Bytes moved.
    pub total: Bytes,
    /// Bytes that every plan moves.
    pub compulsory: Bytes,
    /// The rest.
    pub non_compulsory: Bytes,
    /// Proven: no plan has less non-compulsory traffic.
    pub lower_bound: Bytes,
    /// The non-compulsory bytes that are owed to addresses: what they are more than if only the sum
    /// of what lies in the scratchpad counted.
    pub fragmentation: Bytes,
    /// The most bytes that lie in the scratchpad at once, without padding.
    pub peak: Bytes,
    /// The least scratchpad with which the function can run at all, in the orders that are allowed.
    pub min_scratchpad: Bytes,
    /// Whether it can run with that. If not, it may take more, and no less.
    pub is_min_exact: bool,
    /// Who made the plan.
    pub solver: String,
}

/// What `min_scratchpad` is where it is not known that the function runs with it.
pub const LOWER_BOUND: &str = "lower_bound";

impl Facts {
    /// What is known about the solution of a problem, where these orders were allowed.
    pub fn new(problem: &Problem, order: Order, solution: &Solution) -> Facts {
        let compulsory = problem.compulsory();
        let least = problem.least_scratchpad(order);
        Facts {
            operators: problem.graph.ops().len() as u64,
            status: if solution.is_optimal() { "optimal" } else { "feasible" }.into(),
            total: compulsory + solution.non_compulsory,
            compulsory,
            non_compulsory: solution.non_compulsory,
            lower_bound: solution.lower_bound,
            fragmentation: solution.fragmentation,
            peak: solution.plan.peak(problem),
            min_scratchpad: least.size,
            is_min_exact: least.is_exact,
            solver: solver_name(solution.solver).into(),
        }
    }

    /// Notes them on a function.
    pub fn write<'c>(&self, context: &'c Context, function: OperationRef<'c, '_>) {
        let i64 = IntegerType::new(context, 64).into();
        let integer = |value: u64| IntegerAttribute::new(i64, value.cast_signed()).into();
        let string = |value: &str| StringAttribute::new(context, value).into();
        let mut entries: Vec<(&str, Attribute)> = vec![
            ("operators", integer(self.operators)),
            ("status", string(&self.status)),
            ("total", integer(self.total.0)),
            ("compulsory", integer(self.compulsory.0)),
            ("non_compulsory", integer(self.non_compulsory.0)),
            ("lower_bound", integer(self.lower_bound.0)),
            ("peak", integer(self.peak.0)),
            ("min_scratchpad", integer(self.min_scratchpad.0)),
            ("solver", string(&self.solver)),
        ];
        if self.fragmentation != Bytes::ZERO {
            entries.push(("fragmentation", integer(self.fragmentation.0)));
        }
        if !self.is_min_exact {
            entries.push(("min_scratchpad_is", string(LOWER_BOUND)));
        }
        let entries: Vec<_> =
            entries.into_iter().map(|(name, value)| (Identifier::new(context, name), value)).collect();
        as_mut(function).set_attribute(PLAN, DictionaryAttribute::new(context, &entries).into());
    }

    /// Reads what a function says; none if it says nothing, or not all.
    pub fn read(function: OperationRef) -> Option<Facts> {
        let dictionary = DictionaryAttribute::try_from(function.attribute(PLAN).ok()?).ok()?;
        let integer = |name| natural(dictionary.element_by_name(name)?);
        let bytes = |name| Some(Bytes(integer(name)?));
        // As it prints: what is no UTF-8 must not matter.
        let string = |name| Some(dictionary.element_by_name(name)?.to_string().trim_matches('"').to_owned());
        Some(Facts {
            operators: integer("operators")?,
            status: string("status")?,
            total: bytes("total")?,
            compulsory: bytes("compulsory")?,
            non_compulsory: bytes("non_compulsory")?,
            lower_bound: bytes("lower_bound")?,
            fragmentation: bytes("fragmentation").unwrap_or(Bytes::ZERO),
            peak: bytes("peak")?,
            min_scratchpad: bytes("min_scratchpad")?,
            is_min_exact: string("min_scratchpad_is").is_none(),
            solver: string("solver")?,
        })
    }
}

fn natural(attribute: melior::ir::Attribute) -> Option<u64> {
    u64::try_from(IntegerAttribute::try_from(attribute).ok()?.value()).ok()
}
