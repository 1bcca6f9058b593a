//! An integer program as text, in the LP format that every solver reads.

use super::exact::keep_all;
use super::formula::{Formula, mended};
use super::precedence::Precedence;
use crate::{Error, OpId, Problem};
use std::fmt::Write;

/// The joint problem as an integer program in LP format, for another solver.
///
/// Columns are named by what they mean: `run_conv1_3` is one if operator `conv1` runs in step 3,
/// `on_x_4` if tensor `x` lies in the scratchpad in step 4, `reload_x_4` if it came in just before,
/// and `spill_x` if it is ever written back. What is not a letter or a digit in a name becomes `_`;
/// where two names become one, the later ones get a number.
///
/// The objective is the non-compulsory traffic in bytes: the column `constant`, which is fixed at
/// one, adds what each plan has alike. Nothing is reduced but what no solver need see: tensors that
/// one operator alone touches, steps in which an operator cannot run.
///
/// # Errors
/// Those of [`Problem::check`].
pub fn write_lp(problem: &Problem) -> Result<String, Error> {
    problem.check()?;
    let order: Vec<OpId> = problem.graph.op_ids().collect();
    let start = mended(problem, order.clone(), &keep_all(problem, &order));
    let formula = Formula::new(problem, &Precedence::of(problem), &start, true);
    let (model, unit) = formula.model();
    let names = unique(formula.names());
    let constant = i128::from(problem.restreamed().0) - i128::from(formula.compulsory().0);

    let mut text = String::from("\\ The joint problem of order and residency, in bytes of non-compulsory traffic.\n");
    let mut line = |words: String| text.push_str(&wrapped(&words));
    line("Minimize".into());
    let weights = model.weights().iter().map(|it| i128::from(*it) * i128::from(unit));
    let objective = weights.zip(&names).map(|(weight, name)| (weight, name.as_str()));
    line(format!("obj: {}", sum(objective.chain([(constant, CONSTANT)]))));
    line("Subject To".into());
    for (index, row) in model.rows().enumerate() {
        let left = sum(row.terms.iter().map(|&(column, coefficient)| (coefficient, names[column].as_str())));
        let relation = if row.is_equality { "=" } else { "<=" };
        line(format!("c{index}: {left} {relation} {}", row.right));
    }
    line("Bounds".into());
    line(format!("{CONSTANT} = 1"));
    line("Binary".into());
    for name in &names {
        line(name.clone());
    }
    line("End".into());
    Ok(text)
}

const CONSTANT: &str = "constant";

/// `3 x - 2 y + z`; what has no weight is left out, unless there is nothing else.
fn sum<'a>(terms: impl Iterator<Item = (i128, &'a str)>) -> String {
    let mut text = String::new();
    for (coefficient, name) in terms.filter(|it| it.0 != 0) {
        let sign = if coefficient < 0 { "-" } else { "+" };
        let separator = if text.is_empty() { "" } else { " " };
        match coefficient.unsigned_abs() {
            1 => _ = write!(text, "{separator}{sign} {name}"),
            size => _ = write!(text, "{separator}{sign} {size} {name}"),
        }
    }
    if text.is_empty() { format!("0 {CONSTANT}") } else { text }
}

/// A line of text, broken between words: readers of the format limit the length of lines.
fn wrapped(words: &str) -> String {
    const WIDTH: usize = 100;
    let mut text = String::new();
    let mut width = 0;
    for word in words.split(' ') {
        if 0 < width && WIDTH < width + 1 + word.len() {
            text.push_str("\n ");
            width = 1;
        } else if 0 < width {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += word.len();
    }
    text.push('\n');
    text
}

/// The names, in letters, digits and `_` only, each once.
fn unique(names: Vec<String>) -> Vec<String> {
    let mut taken = std::collections::HashSet::from([CONSTANT.to_owned()]);
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
    fn lines_are_broken_and_names_are_unique() {
        let names = vec!["on_%a_1".to_owned(), "on_#a_1".to_owned(), "constant".to_owned()];
        assert_eq!(unique(names), ["on__a_1", "on__a_1__2", "constant__2"]);
        assert_eq!(sum([(1, "a"), (0, "b"), (-2, "c")].into_iter()), "+ a - 2 c");
        assert!(wrapped(&"word ".repeat(100)).lines().all(|it| it.len() <= 100));
    }

    #[test]
    fn a_problem_reads_as_one() {
        let problem: Problem = "machine scratchpad 2 alignment 1 weights streamed
             weight w 3
             op a: w -> x 1
             op b: x w -> y 1
             return y"
            .parse()
            .expect("a problem");
        let text = write_lp(&problem).expect("fits");
        let expected = "\\ The joint problem of order and residency, in bytes of non-compulsory traffic.
Minimize
obj: + reload_x_0 + reload_x_1 + spill_x + 3 constant
Subject To
c0: + run_a_0 = 1
c1: + run_b_1 = 1
c2: + run_a_0 = 1
c3: + run_b_1 = 1
c4: + run_a_0 - on_x_0 <= 0
c5: - run_a_0 + on_x_0 - reload_x_0 <= 0
c6: + reload_x_0 <= 0
c7: + reload_x_0 - spill_x <= 0
c8: + run_b_1 - on_x_1 <= 0
c9: - on_x_0 + on_x_1 - reload_x_1 <= 0
c10: - run_b_1 + reload_x_1 <= 0
c11: + reload_x_1 - spill_x <= 0
c12: + reload_x_0 + reload_x_1 - spill_x <= 0
c13: + on_x_0 <= 2
c14: + run_b_1 + on_x_1 <= 2
Bounds
constant = 1
Binary
run_a_0
run_b_1
on_x_0
on_x_1
reload_x_0
reload_x_1
spill_x
End
";
        assert_eq!(text, expected);
        assert_eq!(problem.restreamed(), crate::Bytes(3));
    }
}
