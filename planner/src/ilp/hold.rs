//! An integer program for the contents of a memory between the scratchpad and home.

use super::solver::Model;
use crate::divisor::gcd;
use crate::tiers::program::{Charge, Condition, Program};
use crate::{Deadline, TensorId};
use good_lp::{Expression, Variable, constraint};

/// The node limit of the solver.
const MAX_NODES: i32 = 20_000;

/// The best columns to hold; if the solver finds nothing, those of a rule.
pub(crate) fn hold(program: &Program, deadline: Deadline) -> Vec<bool> {
    let by_rule = program.by_rule();
    if program.columns.is_empty() {
        return by_rule;
    }
    // The solver's choice must be checked.
    let is_better = |held: &Vec<bool>| {
        let is_valid = program.avoids_conflicts(held) && program.rows().iter().all(|it| program.fits(it, held));
        is_valid && program.cost(held) < program.cost(&by_rule)
    };
    solve(program, &by_rule, deadline).filter(is_better).unwrap_or(by_rule)
}

fn solve(program: &Program, start: &[bool], deadline: Deadline) -> Option<Vec<bool>> {
    let prices = program.columns.iter().map(|it| it.price.unsigned_abs());
    let unit = prices.chain(program.charges.iter().map(|it| it.price)).fold(0, gcd).max(1);
    let weight = |price: u128| u64::try_from(price / unit).ok().filter(|it| *it < 1 << 50);
    let mut model = Model::default();
    // A variable is one for the more expensive alternative: usually, not to hold the tensor.
    let mut variables: Vec<(Variable, bool)> = Vec::with_capacity(program.columns.len());
    for (column, held) in program.columns.iter().zip(start) {
        let counts_held = column.price < 0;
        let variable = model.binary(weight(column.price.unsigned_abs())?, *held == counts_held);
        variables.push((variable, counts_held));
    }
    let held = |column: usize| -> Expression {
        let (variable, counts_held) = variables[column];
        if counts_held { variable.into() } else { 1 - variable }
    };
    for charge in &program.charges {
        let Charge { price, when } = charge;
        let due = model.binary(weight(*price)?, charge.is_due(start));
        match when {
            Condition::SomeDropped(columns) => {
                columns.iter().for_each(|it| model.constraints.push(constraint!(due >= 1 - held(*it))));
            }
            Condition::Begins(before, after) => {
                let before = before.map_or(Expression::default(), held);
                model.constraints.push(constraint!(due >= held(*after) - before));
            }
        }
    }
    let room_unit = program.rooms.iter().map(|it| u128::from(it.0)).fold(0, gcd).max(1) as u64;
    for row in program.rows() {
        let mut sum = Expression::default();
        for (tensor, columns) in row {
            let room = (room_of(program, tensor) / room_unit) as f64;
            match columns.as_deref() {
                None => sum += room,
                Some([only]) => sum += held(*only) * room,
                Some(columns) => {
                    let is_there = model.binary(0, columns.iter().any(|it| start[*it]));
                    columns.iter().for_each(|it| model.constraints.push(constraint!(is_there >= held(*it))));
                    sum += is_there * room;
                }
            }
        }
        let capacity = (program.capacity.map_or(0, |it| it.0) / room_unit) as f64;
        model.constraints.push(constraint!(sum <= capacity));
    }
    for columns in &program.conflicts {
        let sum: Expression = columns.iter().map(|it| held(*it)).sum();
        model.constraints.push(constraint!(sum <= columns.len() as f64 - 1.0));
    }
    let values = model.minimise(MAX_NODES, deadline).ok()?.values?;
    let is_held = |(nth, value): (usize, &u64)| (*value == 1) == variables[nth].1;
    Some(values.iter().take(variables.len()).enumerate().map(is_held).collect())
}

fn room_of(program: &Program, tensor: TensorId) -> u64 {
    program.rooms[tensor.index()].0
}
