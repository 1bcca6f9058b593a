//! An integer program in the LP format.

use super::program::{CONSTANT, Program};
use std::fmt::Write;

/// A program in LP format.
pub(super) fn text(program: &Program) -> String {
    let columns = &program.columns;
    let mut text = format!("\\ The joint problem of {}, in bytes of non-compulsory traffic.\n", program.what);
    let mut line = |words: String| text.push_str(&wrapped(&words));
    line("Minimize".into());
    let objective = columns.iter().map(|it| (it.weight, it.name.as_str()));
    line(format!("obj: {}", sum(objective.chain([(program.constant, CONSTANT)]))));
    line("Subject To".into());
    for (index, row) in program.rows.iter().enumerate() {
        let left = sum(row.terms.iter().map(|&(column, coefficient)| (coefficient, columns[column].name.as_str())));
        let relation = if row.is_equality { "=" } else { "<=" };
        line(format!("c{index}: {left} {relation} {}", row.right));
    }
    line("Bounds".into());
    line(format!("{CONSTANT} = 1"));
    let (binary, general): (Vec<_>, Vec<_>) = columns.iter().partition(|it| it.most == 1);
    for column in &general {
        line(format!("0 <= {} <= {}", column.name, column.most));
    }
    for (section, columns) in [("General", general), ("Binary", binary)] {
        if !columns.is_empty() {
            line(section.into());
            columns.into_iter().for_each(|it| line(it.name.clone()));
        }
    }
    line("End".into());
    text
}

/// `3 x - 2 y + z`; terms with coefficient zero are omitted, unless there are no others.
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

/// A line of text, broken between words, because the format limits the length of lines.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ilp::{Decisions, Format, write_program};
    use crate::{Order, Problem};

    #[test]
    fn lines_are_broken() {
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
        let text =
            write_program(&problem, Decisions { order: Order::Free, addresses: false }, Format::Lp).expect("fits");
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
