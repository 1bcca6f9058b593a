//! Operators that only move elements.

use super::Shapes;
use super::nest::{Nest, groups, only_subsequence, without_ones};
use crate::{Access, Expr};

/// The first operands lie side by side along one axis; the others joined.
pub(super) fn concatenation(shapes: &Shapes) -> Option<Access> {
    let result = shapes.result()?;
    let (axis, pieces) = joined(&shapes.operands, result)?;
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let mut at = 0u64;
    for (piece, operand) in pieces.iter().zip(&shapes.operands) {
        let mut map = indices.clone();
        map[axis].constant = i64::try_from(at).ok()?.checked_neg()?;
        let mut dims = result.to_vec();
        dims[axis] = *piece;
        let map = nest.refold(&map, &dims, operand)?;
        nest.read(map);
        at = at.checked_add(*piece)?;
    }
    nest.read_others(shapes, pieces.len(), &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The axis along which operands are joined, and how long each of them is along it: as many operands as possible,
/// of the result's other dimensions where one axis has such, or else as many elements.
fn joined(operands: &[&[u64]], result: &[u64]) -> Option<(usize, Vec<u64>)> {
    let n_elements = |dims: &[u64]| dims.iter().try_fold(1u64, |product, it| product.checked_mul(*it));
    let total = n_elements(result)?;
    let pieces = |axis: usize, n: usize| {
        let across = total / result[axis];
        let piece = |dims: &&[u64]| n_elements(dims).filter(|it| it.is_multiple_of(across)).map(|it| it / across);
        let pieces = operands[..n].iter().map(piece).collect::<Option<Vec<u64>>>()?;
        let sum = pieces.iter().try_fold(0u64, |sum, it| sum.checked_add(*it));
        (sum == Some(result[axis])).then_some(pieces)
    };
    for n in (1..=operands.len()).rev() {
        let fitting: Vec<(usize, Vec<u64>)> =
            (0..result.len()).filter_map(|axis| Some((axis, pieces(axis, n)?))).collect();
        let is_exact = |(axis, pieces): &&(usize, Vec<u64>)| {
            let is_piece = |(dims, piece): (&&[u64], &u64)| {
                let mut whole = result.to_vec();
                whole[*axis] = *piece;
                without_ones(dims) == without_ones(&whole)
            };
            operands.iter().zip(pieces).any(is_piece)
        };
        let exact: Vec<&(usize, Vec<u64>)> = fitting.iter().filter(is_exact).collect();
        match (&exact[..], &fitting[..]) {
            ([one], _) => return Some((*one).clone()),
            ([], [one]) => return Some(one.clone()),
            ([], []) => {}
            _ => return None,
        }
    }
    None
}

/// The results lie side by side in the operand along one axis.
pub(super) fn split(shapes: &Shapes) -> Option<Access> {
    let [whole] = shapes.operands[..] else { return None };
    let (axis, pieces) = joined(&shapes.results, whole)?;
    if pieces.len() != shapes.results.len() {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(whole, |_| false);
    nest.read(indices.clone());
    let mut at = 0u64;
    for (piece, result) in pieces.iter().zip(&shapes.results) {
        let mut map = indices.clone();
        map[axis].constant = i64::try_from(at).ok()?.checked_neg()?;
        let mut dims = whole.to_vec();
        dims[axis] = *piece;
        if dims != *result {
            return None;
        }
        nest.write(map);
        at = at.checked_add(*piece)?;
    }
    Some(nest.finish())
}

/// A part of the operand, of which it is not known where it begins nor whether it skips indices: at each index as
/// many are left before and after it as in the operand.
pub(super) fn slice(shapes: &Shapes) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    if without_ones(operand) == without_ones(result) {
        return None;
    }
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let is_part = operand.len() == result.len() && operand.iter().zip(result).all(|(own, new)| new <= own);
    let map = if is_part {
        let mut map = Vec::new();
        for ((size, result), index) in operand.iter().zip(result).zip(&indices) {
            let around = nest.all(size - result + 1);
            let terms = [&index.terms[..], &around.terms].concat();
            map.push(Expr { terms, constant: 0, divisor: 1 });
        }
        map
    } else {
        match nest.drop_axes(&indices, (result, operand), Nest::all) {
            Some(map) => map,
            None => nest.whole(operand),
        }
    };
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// Where the operand lies in the result is not known, nor what surrounds it: along axes that are padded it is read
/// whole. If none is longer, it was padded at one end and cropped at the other: an image along its rows and columns,
/// any other tensor along all axes.
pub(super) fn padding(shapes: &Shapes) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    if operand.len() != result.len() {
        return None;
    }
    let is_shifted = operand == result;
    let n_in_place = if is_shifted && operand.len() < 4 { 0 } else { 2 };
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let mut map = Vec::new();
    for (axis, index) in indices.iter().enumerate() {
        let is_in_place = operand[axis] == result[axis] && (!is_shifted || axis < n_in_place);
        map.push(if is_in_place { index.clone() } else { nest.all(operand[axis]) });
    }
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The same elements in the same order.
pub(super) fn reshape(shapes: &Shapes) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let map = nest.reshape(&indices, result, operand)?;
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The axes in another order, of which several may be one in the operand, or one several. If the shapes leave more
/// than one order that swaps as few pairs of axes, the operand is read whole. Along axes that may be taken for each
/// other, as heads and a batch of one size, all is read.
pub(super) fn transposition(shapes: &Shapes) -> Option<Access> {
    let (operand, result) = (shapes.operand(0)?, shapes.result()?);
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let map = match order(operand, result) {
        Some(order) => {
            let from: Vec<u64> = order.iter().map(|axis| result[*axis]).collect();
            let untold = untold(&order, result);
            let turn = |axis: &usize| match untold.contains(axis) {
                true => nest.all(result[*axis]),
                false => indices[*axis].clone(),
            };
            let turned: Vec<Expr> = order.iter().map(turn).collect();
            nest.reshape(&turned, &from, operand)?
        }
        None => nest.whole(operand),
    };
    nest.read(map);
    nest.read_others(shapes, 1, &indices);
    nest.write(indices);
    Some(nest.finish())
}

/// The most axes of which all orders are tried.
const MOST_AXES: usize = 6;

/// The axes of the result in the order in which the operand has them.
fn order(operand: &[u64], result: &[u64]) -> Option<Vec<usize>> {
    let axes: Vec<usize> = (0..result.len()).filter(|axis| result[*axis] != 1).collect();
    if MOST_AXES < axes.len() {
        return None;
    }
    let groups_of = |order: &[usize]| {
        let dims: Vec<u64> = order.iter().map(|axis| result[*axis]).collect();
        groups(&dims, operand)
    };
    let fits = |order: &Vec<usize>| {
        let is_told = |(from, to): &(Vec<usize>, Vec<usize>)| from.len() == 1 || to.len() == 1;
        groups_of(order).is_some_and(|it| it.iter().all(is_told))
    };
    let n_swapped = |order: &[usize]| {
        (0..order.len()).map(|at| order[at..].iter().filter(|it| **it < order[at]).count()).sum::<usize>()
    };
    if let Some(order) = shuffled(operand, result) {
        return Some(order);
    }
    let orders = orders(&axes);
    let mut fitting: Vec<(usize, &Vec<usize>)> =
        orders.iter().filter(|it| fits(it)).map(|it| (n_swapped(it), it)).collect();
    if fitting.is_empty() {
        // Axes that were swapped and split otherwise as well: where as many as can be are still apart.
        let n_groups = |order: &Vec<usize>| groups_of(order).map_or(0, |it| it.len());
        let moved = || orders.iter().filter(|it| 0 < n_swapped(it));
        let most = moved().map(n_groups).max().filter(|it| 1 < *it)?;
        fitting = moved().filter(|it| n_groups(it) == most).map(|it| (n_swapped(it), it)).collect();
    }
    fitting.sort();
    match fitting[..] {
        // In the same order nothing would have to be moved.
        [(0, _), ..] | [] => None,
        [(least, _), (next, _), ..] if least == next => None,
        [(_, order), ..] => {
            let mixes = |(from, to): &(Vec<usize>, Vec<usize>)| {
                1 < from.len().min(to.len()) && from.windows(2).all(|it| order[it[0]] < order[it[1]])
            };
            // Axes that become others without a swap may be in any order.
            let is_mixed = groups_of(order).is_none_or(|it| it.iter().any(mixes));
            Some(order.clone()).filter(|_| !is_mixed)
        }
    }
}

/// The order if one axis has become two and no other has changed: the two were swapped, as nothing else moves.
fn shuffled(operand: &[u64], result: &[u64]) -> Option<Vec<usize>> {
    let split = operand.iter().zip(result).position(|(own, new)| own != new)?;
    let (outer, inner) = (*result.get(split)?, *result.get(split + 1)?);
    let is_split = outer.checked_mul(inner) == Some(operand[split]) && result[split + 2..] == operand[split + 1..];
    if !is_split || outer == 1 || inner == 1 {
        return None;
    }
    let mut order: Vec<usize> = (0..result.len()).filter(|axis| result[*axis] != 1).collect();
    let at = order.iter().position(|axis| *axis == split)?;
    order.swap(at, at + 1);
    Some(order)
}

/// The axes that can be taken for others of their size: they do not stay side by side, as those of an image do.
fn untold(order: &[usize], result: &[u64]) -> Vec<usize> {
    let are_told = |first: usize, second: usize| {
        let is_next = |(at, axis): (usize, &usize)| *axis == first && order.get(at + 1) == Some(&second);
        let is_beside = result[first + 1..second].iter().all(|size| *size == 1);
        is_beside && order.iter().enumerate().any(is_next)
    };
    let alike = |axis: usize| order.iter().copied().filter(move |it| result[*it] == result[axis]);
    let is_untold = |axis: &usize| {
        let mut pairs = alike(*axis).flat_map(|first| alike(*axis).map(move |second| (first, second)));
        pairs.any(|(first, second)| first < second && !are_told(first, second))
    };
    order.iter().copied().filter(is_untold).collect()
}

/// All orders of axes.
fn orders(axes: &[usize]) -> Vec<Vec<usize>> {
    if axes.is_empty() {
        return vec![Vec::new()];
    }
    let with_first = |at: usize| {
        let mut rest = axes.to_vec();
        let first = rest.remove(at);
        orders(&rest).into_iter().map(move |order| [&[first][..], &order].concat())
    };
    (0..axes.len()).flat_map(with_first).collect()
}

/// Rows of a table, of which all are read, by indices; or one row, if the indices are not an operand.
pub(super) fn gather(shapes: &Shapes) -> Option<Access> {
    let (table, result) = (shapes.operand(0)?, shapes.result()?);
    let mut nest = Nest::default();
    let indices = nest.result(result, |_| false);
    let picked = shapes.operand(1).unwrap_or_default();
    let fits = |axis: &usize| [&table[..*axis], picked, &table[axis + 1..]].concat() == result;
    let axes: Vec<usize> = (0..table.len()).filter(fits).collect();
    match axes[..] {
        [axis] if shapes.operands.len() == 2 => {
            let row = nest.all(table[axis]);
            let rest = &indices[axis + picked.len()..];
            nest.read([&indices[..axis], &[row], rest].concat());
            nest.read(indices[axis..axis + picked.len()].to_vec());
        }
        _ => {
            let is_row = shapes.operands.len() == 1 && only_subsequence(table, &without_ones(result)).is_some();
            let map = if is_row { nest.drop_axes(&indices, (result, table), Nest::all)? } else { nest.whole(table) };
            nest.read(map);
            for operand in shapes.operands.iter().skip(1) {
                let map = nest.whole(operand);
                nest.read(map);
            }
        }
    }
    nest.write(indices);
    Some(nest.finish())
}
