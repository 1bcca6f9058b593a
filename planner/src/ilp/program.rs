//! An integer program as text, for other solvers, and the names of its columns.
//!
//! Names of columns are mnemonic: `run_conv1_3` is one if operator `conv1` runs in step 3, `on_x_4` if tensor `x` is in
//! the scratchpad in step 4, `reload_x_4` if it was loaded or reloaded just before, and `spill_x` if it is ever written
//! back. If addresses are decided, `at_x_4` is the offset of `x` in step 4, `at_workspace_conv1_3` that of a workspace,
//! both in units of the alignment, and `below_x_y_4` says which of the two is lower. `in_place_y_x_4` is one if the
//! result `y` shares bytes with `x` in step 4, if that is a decision. Characters other than letters and digits become
//! `_`; duplicate names get a number.
//!
//! The objective is the non-compulsory traffic in bytes: the column `constant`, which is fixed at one, adds the part
//! that all plans have in common. The only reductions are those that no solver should have to do: tensors that only one
//! operator touches, and steps in which an operator cannot run.

use super::addressed::{AddressedFormula, check_all_is_free};
use super::exact::keep_all;
use super::formula::{Formula, mended};
use super::precedence::Precedence;
use super::solver::{Model, Row};
use super::{lp, mps};
use crate::{Bytes, Deadline, Error, OpId, Order, Problem};
use std::collections::HashSet;

/// The file format of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The LP format, which is also readable.
    Lp,
    /// Free MPS.
    Mps,
}

/// The decisions of a program besides residency and replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decisions {
    /// The allowed orders. With source order, each operator has one step.
    pub order: Order,
    /// Whether addresses are decided as well, for small problems. Otherwise only sums of sizes are limited.
    pub addresses: bool,
}

/// A problem as an integer program for another solver. Its optimum is the least non-compulsory
/// traffic.
///
/// # Errors
/// Those of [`Problem::check`]; [`Error::NotPlanned`] for addresses if there are reserved ones.
pub fn write_program(problem: &Problem, decisions: Decisions, format: Format) -> Result<String, Error> {
    let program = Program::new(problem, decisions)?;
    Ok(match format {
        Format::Lp => lp::text(&program),
        Format::Mps => mps::text(&program),
    })
}

/// An integer from zero to `most`.
pub(super) struct Column {
    pub name: String,
    pub weight: i128,
    pub most: u64,
}

/// Minimise the weighted sum, `constant` included, subject to the rows.
pub(super) struct Program {
    pub what: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
    /// The weight of the constant column.
    pub constant: i128,
}

/// The name of the constant column.
pub(super) const CONSTANT: &str = "constant";

impl Program {
    fn new(problem: &Problem, decisions: Decisions) -> Result<Program, Error> {
        problem.check_is_settled()?;
        let precedence = match decisions.order {
            Order::Free => Precedence::of(problem, Deadline::NEVER),
            Order::Source => Precedence::of_source(problem, Deadline::NEVER),
        };
        let precedence =
            precedence.ok_or_else(|| Error::Solver("the problem is too large for one program".to_owned()))?;
        let what = match (decisions.order, decisions.addresses) {
            (Order::Free, false) => "order and residency",
            (Order::Free, true) => "order, residency and addresses",
            (Order::Source, false) => "residency in the order of the source",
            (Order::Source, true) => "residency and addresses in the order of the source",
        };
        if decisions.addresses {
            check_all_is_free(problem)?;
        }
        Ok(if decisions.addresses {
            let formula = AddressedFormula::new(problem, &precedence);
            Program::of(problem, what, &formula.model, formula.unit, formula.names(), formula.compulsory())
        } else {
            let order: Vec<OpId> = problem.graph.op_ids().collect();
            let start = mended(problem, order.clone(), &keep_all(problem, &order));
            let formula = Formula::new(problem, &precedence, &start, true);
            let (model, unit) = formula.model();
            Program::of(problem, what, model, unit, formula.names(), formula.compulsory())
        })
    }

    fn of(
        problem: &Problem,
        what: &'static str,
        model: &Model,
        unit: u64,
        names: Vec<String>,
        compulsory: Bytes,
    ) -> Program {
        let columns = model.columns().zip(unique(names));
        let column = |((weight, most), name)| Column { name, weight: i128::from(weight) * i128::from(unit), most };
        Program {
            what,
            columns: columns.map(column).collect(),
            rows: model.rows().collect(),
            constant: i128::from(problem.restreamed().0) - i128::from(compulsory.0),
        }
    }
}

/// The names with only letters, digits and `_`, without duplicates.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken = HashSet::from([CONSTANT.to_owned()]);
    let plain =
        |name: String| -> String { name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect() };
    let mut unique = Vec::with_capacity(names.len());
    for name in names.into_iter().map(plain) {
        let numbered = (2..).map(|number| format!("{name}__{number}"));
        let name = std::iter::once(name.clone()).chain(numbered).find(|it| !taken.contains(it));
        let name = name.expect("there is always another number");
        taken.insert(name.clone());
        unique.push(name);
    }
    unique
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let names = vec!["on_%a_1".to_owned(), "on_#a_1".to_owned(), "constant".to_owned()];
        assert_eq!(unique(names), ["on__a_1", "on__a_1__2", "constant__2"]);
    }
}
