//! Contiguous slices, splits and gathers as views of a tensor that is live anyway.
//!
//! A node that takes a contiguous piece is an operator. If it is the last reader of its operand, the piece can be
//! in place, and the rest of the operand is freed (`in_place.rs`). Otherwise the piece would be a second copy,
//! and it is better a view: its readers read the tensor.
//!
//! But a view keeps the whole tensor live until the piece is read. So pieces become views if that costs no more
//! than it saves, in the order of the model:
//!
//! - a piece that is not read after the last use of the tensor itself costs nothing;
//! - otherwise, all pieces except the largest, which may be in place, would be copies while the tensor is live.
//!   As views, they keep the part of the tensor that is not in the piece that is read last.
//!
//! A piece of a view is a view. A result of the model is not, since the whole tensor would be stored.

use crate::network::{Network, Operator, Origin, TensorIndex};

/// An operator that only takes contiguous pieces: its operand, and for each result the byte at which it begins.
struct Pieces {
    operand: TensorIndex,
    starts: Vec<(TensorIndex, u64)>,
}

/// Turns pieces of a grouped network into views where that is better.
pub fn make_views(network: &mut Network) {
    let mut pieces: Vec<Option<Pieces>> = network.operators.iter().map(|it| read(network, it)).collect();
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); network.tensors.len()];
    for (index, operator) in network.operators.iter().enumerate() {
        operator.reads.iter().for_each(|it| readers[it.0].push(index));
    }
    let mut is_gone = vec![false; network.operators.len()];
    for index in 0..network.operators.len() {
        let Some(Pieces { operand, .. }) = &pieces[index] else { continue };
        if !is_view(network, &pieces, &readers, index, *operand) {
            // It remains an operator, which reads the tensor itself.
            pieces[index] = None;
            continue;
        }
        is_gone[index] = true;
        let Some(Pieces { operand, starts }) = &pieces[index] else { continue };
        for (result, at) in starts {
            network.tensors[result.0].origin = Origin::View { of: *operand, at: *at };
        }
    }
    let mut is_gone = is_gone.into_iter();
    network.operators.retain(|_| !is_gone.next().unwrap_or_default());
    // A view has no buffer to share.
    let is_view: Vec<bool> = network.tensors.iter().map(|it| it.origin.is_view()).collect();
    network.operators.iter_mut().for_each(|it| it.in_place.retain(|pair| !is_view[pair.operand.0]));
}

fn read(network: &Network, operator: &Operator) -> Option<Pieces> {
    let takes_pieces = matches!(operator.kind.as_str(), "Slice" | "Split" | "Gather" | "GatherND");
    let (&[operand], [_]) = (&operator.reads[..], &operator.nodes[..]) else { return None };
    let start = |result: &TensorIndex| {
        let pair = operator.in_place.iter().find(|it| it.result == *result && it.operand == operand)?;
        (!network.results.contains(result)).then_some((*result, pair.part.unwrap_or(0)))
    };
    let starts = operator.writes.iter().map(start).collect::<Option<Vec<_>>>()?;
    takes_pieces.then_some(Pieces { operand, starts })
}

fn is_view(
    network: &Network,
    pieces: &[Option<Pieces>],
    readers: &[Vec<usize>],
    index: usize,
    operand: TensorIndex,
) -> bool {
    // A view has no buffer that the piece could be in place of.
    if network.tensors[operand.0].origin.is_view() {
        return true;
    }
    let is_returned = network.results.contains(&operand);
    if readers[operand.0].len() == 1 && !is_returned {
        return false;
    }
    let bytes = |it: TensorIndex| {
        let tensor = &network.tensors[it.0];
        tensor.bytes(tensor.n_elements()).unwrap_or(u64::MAX)
    };
    let starts = |it: &usize| pieces[*it].iter().flat_map(|it| &it.starts);
    let last_read = |it: TensorIndex| readers[it.0].iter().max();
    let last_of_piece = starts(&index).map(|it| last_read(it.0)).max().flatten();
    let last_direct = readers[operand.0].iter().filter(|it| pieces[**it].is_none()).max();
    if is_returned || last_of_piece <= last_direct {
        return true;
    }
    let all: Vec<TensorIndex> = readers[operand.0].iter().flat_map(starts).map(|it| it.0).collect();
    let sum =
        |pieces: &mut dyn Iterator<Item = TensorIndex>| pieces.fold(0_u64, |sum, it| sum.saturating_add(bytes(it)));
    let last = all.iter().map(|it| last_read(*it)).max().flatten();
    let of_last = sum(&mut all.iter().copied().filter(|it| last_read(*it) == last));
    let largest = all.iter().map(|it| bytes(*it)).max().unwrap_or_default();
    let copied = sum(&mut all.iter().copied()).saturating_sub(largest);
    bytes(operand).saturating_sub(of_last) <= copied
}
