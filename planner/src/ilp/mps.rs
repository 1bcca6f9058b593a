//! An integer program in free MPS, where names may be long.

use super::program::{CONSTANT, Program};
use std::fmt::Write;

/// A program in free MPS.
pub(super) fn text(program: &Program) -> String {
    let mut text = String::from("NAME cosma\nROWS\n N obj\n");
    let mut line = |words: std::fmt::Arguments| text.write_fmt(words).expect("a string takes all");
    for (index, row) in program.rows.iter().enumerate() {
        line(format_args!(" {} c{index}\n", if row.is_equality { 'E' } else { 'L' }));
    }
    // The format lists the rows of each column.
    let mut rows: Vec<Vec<(usize, i128)>> = vec![Vec::new(); program.columns.len()];
    for (index, row) in program.rows.iter().enumerate() {
        row.terms.iter().filter(|it| it.1 != 0).for_each(|&(column, it)| rows[column].push((index, it)));
    }
    line(format_args!("COLUMNS\n {CONSTANT} obj {}\n MARKER 'MARKER' 'INTORG'\n", program.constant));
    for (column, rows) in program.columns.iter().zip(&rows) {
        line(format_args!(" {} obj {}\n", column.name, column.weight));
        rows.iter().for_each(|(row, it)| line(format_args!(" {} c{row} {it}\n", column.name)));
    }
    line(format_args!(" MARKER 'MARKER' 'INTEND'\nRHS\n"));
    for (index, row) in program.rows.iter().enumerate().filter(|it| it.1.right != 0) {
        line(format_args!(" RHS c{index} {}\n", row.right));
    }
    line(format_args!("BOUNDS\n FX BOUND {CONSTANT} 1\n"));
    for column in &program.columns {
        line(format_args!(" UP BOUND {} {}\n", column.name, column.most));
    }
    line(format_args!("ENDATA\n"));
    text
}
