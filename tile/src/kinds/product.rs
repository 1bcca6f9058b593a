//! Products of matrices.

use super::Shapes;
use super::nest::{Nest, groups};
use crate::{Access, Expr};

/// `[.., M, K] · [.., K, N]`, or with the second one transposed; `prefers_rows` says which one it is where both
/// could be. Batches of the second operand may be fewer than those of the first.
pub(super) fn product(shapes: &Shapes, prefers_rows: bool) -> Option<Access> {
    let (first, second, result) = (shapes.operand(0)?, shapes.operand(1)?, shapes.result()?);
    let [outer @ .., n_columns] = result else { return None };
    let n_rows = n_elements(outer)?;
    let n_first = n_elements(first)?;
    if !n_first.is_multiple_of(n_rows) {
        return None;
    }
    let depth = n_first / n_rows;
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let inner = nest.sum(depth);
    let logical = [outer, &[depth]].concat();
    let rows = [&indices[..outer.len()], std::slice::from_ref(&inner)].concat();
    // Several axes in place of several others would lose the rows.
    groups(&logical, first)?;
    let map = nest.refold(&rows, &logical, first)?;
    nest.read(map);
    let column = &indices[outer.len()];
    let map = match second_operand(second, (depth, *n_columns), prefers_rows) {
        Some((batch, is_transposed)) => {
            let matrix = if is_transposed { [column.clone(), inner] } else { [inner, column.clone()] };
            let n_batches = outer.len().saturating_sub(1);
            match batch_of(&mut nest, &indices[..n_batches], &outer[..n_batches], batch) {
                Some(batch) => [&batch[..], &matrix].concat(),
                None => nest.whole(second),
            }
        }
        None => nest.whole(second),
    };
    nest.read(map);
    let others = &shapes.operands[2..];
    for operand in others {
        // The third operand of a `Gemm`, alone, is the bias; along which axis another vector lies is not clear
        // where both are as long.
        let is_bias = prefers_rows && others.len() == 1 && **operand == [*n_columns];
        let map = match **operand {
            [_] if is_bias => vec![column.clone()],
            [size] if size == depth => nest.whole(operand),
            _ => nest.beside(&indices, result, operand),
        };
        nest.read(map);
    }
    nest.write(indices);
    Some(nest.finish())
}

/// The batches of the second operand, and whether its matrices are transposed; none if that is not clear.
fn second_operand(dims: &[u64], (depth, n_columns): (u64, u64), prefers_rows: bool) -> Option<(&[u64], bool)> {
    let [batch @ .., before, last] = dims else { return None };
    let (is_plain, is_transposed) = ([*before, *last] == [depth, n_columns], [*before, *last] == [n_columns, depth]);
    match (is_plain, is_transposed) {
        (true, false) => Some((batch, false)),
        (false, true) => Some((batch, true)),
        (true, true) if depth == 1 || n_columns == 1 || batch.is_empty() => Some((batch, prefers_rows)),
        _ => None,
    }
}

/// The batch of the second operand for one of the result.
fn batch_of(nest: &mut Nest, indices: &[Expr], dims: &[u64], batch: &[u64]) -> Option<Vec<Expr>> {
    let map = nest.spread(indices, dims, batch);
    let is_told = batch.iter().zip(&map).all(|(size, index)| {
        let is_of_result = |(dim, _): &(usize, i64)| indices.iter().any(|it| it.terms.iter().any(|it| it.0 == *dim));
        *size == 1 || index.terms.iter().all(is_of_result)
    });
    is_told.then_some(map)
}

fn n_elements(dims: &[u64]) -> Option<u64> {
    dims.iter().try_fold(1u64, |product, it| product.checked_mul(*it))
}
