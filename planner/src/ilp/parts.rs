//! Independent parts of a covering problem, which share neither a row nor a write-back: one for each range of the order
//! where more is live than fits and no relevant gap crosses its end.

use super::cover::{Cover, Row};
use petgraph::unionfind::UnionFind;

/// A covering problem of its own.
pub(super) struct Part {
    /// Its gaps, in the numbering of the whole, ascending.
    pub gaps: Vec<usize>,
    /// The rest, with the gaps renumbered.
    pub cover: Cover,
}

/// The independent parts, by a representative gap. Gaps without rows are in no part: they are kept.
pub(super) fn parts(cover: &Cover) -> Vec<Part> {
    let mut sets = UnionFind::<usize>::new(cover.choices.gaps.len());
    let mut is_in_row = vec![false; cover.choices.gaps.len()];
    for row in &cover.rows {
        row.terms.windows(2).for_each(|pair| _ = sets.union(pair[0].0, pair[1].0));
        row.terms.iter().for_each(|(gap, _)| is_in_row[*gap] = true);
    }
    for gap in 1..cover.choices.gaps.len() {
        if cover.choices.written[gap].is_some() && cover.choices.written[gap] == cover.choices.written[gap - 1] {
            sets.union(gap - 1, gap);
        }
    }
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); cover.choices.gaps.len()];
    let mut number: Vec<usize> = vec![0; cover.choices.gaps.len()];
    for gap in (0..cover.choices.gaps.len()).filter(|it| is_in_row[*it]) {
        let members = &mut members[sets.find(gap)];
        number[gap] = members.len();
        members.push(gap);
    }
    let mut rows: Vec<Vec<Row>> = vec![Vec::new(); cover.choices.gaps.len()];
    for row in &cover.rows {
        let terms = row.terms.iter().map(|&(gap, worth)| (number[gap], worth)).collect();
        rows[sets.find(row.terms[0].0)].push(Row { terms, ..*row });
    }
    let parts = members.into_iter().zip(rows).filter(|(gaps, _)| !gaps.is_empty());
    parts
        .map(|(gaps, rows)| Part {
            cover: Cover { choices: cover.choices.only(&gaps), rows, has_clashes: cover.has_clashes },
            gaps,
        })
        .collect()
}
