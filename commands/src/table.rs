//! Tables as text and Markdown.

use std::fmt::Write;

/// A column's name, and whether it is right-aligned, as numbers are.
pub type Column = (String, bool);

/// A table.
pub struct Table {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, each with one cell per column.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The table as text with aligned columns.
    pub fn text(&self) -> String {
        let widths: Vec<usize> = self.widths();
        let mut text = String::new();
        let names = self.columns.iter().map(|it| it.0.clone()).collect();
        for row in std::iter::once(&names).chain(&self.rows) {
            text += &line(&self.columns, &widths, row);
        }
        text
    }

    /// The table in GitHub's Markdown.
    #[allow(dead_code)] // Only cosma-bench writes it.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        let names: Vec<&str> = self.columns.iter().map(|it| it.0.as_str()).collect();
        let rules: Vec<&str> = self.columns.iter().map(|it| if it.1 { "--:" } else { "---" }).collect();
        let _ = writeln!(text, "| {} |\n|{}|", names.join(" | "), rules.join("|"));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", row.join(" | "));
        }
        // In names of methods, `*` is not emphasis.
        text.replace('*', "\\*")
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|it| it[column].chars().count());
            cells.chain([self.columns[column].0.chars().count()]).max().unwrap_or(0)
        };
        (0..self.columns.len()).map(width).collect()
    }
}

/// A row of a table as text, with its line break, each cell at least as wide as its column.
pub fn line(columns: &[Column], widths: &[usize], row: &[String]) -> String {
    let cells = row.iter().zip(widths).zip(columns);
    let pad = |((cell, &width), column): ((&String, &usize), &Column)| {
        if column.1 { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
    };
    let cells: Vec<String> = cells.map(pad).collect();
    format!("{}\n", cells.join("  ").trim_end())
}
