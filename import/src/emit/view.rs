//! Views in MLIR: `tensor.extract_slice` if a piece is a slice of the tensor's own dimensions; otherwise the tensor
//! is flattened first and the piece reshaped afterwards.

use super::{Names, Quoted, TypeOf};
use crate::element::Element;
use crate::network::Tensor;
use crate::region::{Region, region_of_view};
use std::fmt;

/// `[a, b]`, the form of lists of sizes and of dimensions.
fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(|it| it.to_string()).collect();
    format!("[{}]", items.join(", "))
}

/// A piece of a tensor that begins at an element of it, by the name `name`.
pub(super) fn piece(
    f: &mut fmt::Formatter<'_>,
    names: &mut Names,
    (source, source_name): (&Tensor, &str),
    at: u64,
    (result, name): (&Tensor, &str),
) -> fmt::Result {
    if let Some(Region { offsets, sizes }) = region_of_view(source, at, result) {
        return extract(f, (source, source_name), (&offsets, &sizes), (result, name));
    }
    let flat = |tensor: &Tensor| Tensor { shape: vec![tensor.n_elements()], ..tensor.clone() };
    let (flat_source, flat_result) = (flat(source), flat(result));
    let mut from = source_name.to_owned();
    if source.shape.len() != 1 {
        from = names.fresh(source_name);
        fold(f, source.element, (&source.shape, source_name), (&flat_source.shape, &from), &result.name)?;
    }
    let is_flat = result.shape.len() == 1;
    let to = if is_flat { name.to_owned() } else { names.fresh(name) };
    extract(f, (&flat_source, &from), (&[at], &flat_result.shape), (&flat_result, &to))?;
    if is_flat {
        return Ok(());
    }
    fold(f, result.element, (&flat_result.shape, &to), (&result.shape, name), &result.name)
}

/// All of a tensor in another shape, by the name `name`.
pub(super) fn reshape(
    f: &mut fmt::Formatter<'_>,
    names: &mut Names,
    (source, source_name): (&Tensor, &str),
    (shape, name): (&[u64], &str),
) -> fmt::Result {
    // From or to a scalar there is one step, as there is from or to a vector.
    if source.shape.len() <= 1 || shape.len() <= 1 {
        return fold(f, source.element, (&source.shape, source_name), (shape, name), &source.name);
    }
    let flat = names.fresh(source_name);
    let n_elements = [source.n_elements()];
    fold(f, source.element, (&source.shape, source_name), (&n_elements, &flat), &source.name)?;
    fold(f, source.element, (&n_elements, &flat), (shape, name), &source.name)
}

/// Expands or collapses: one of the two shapes has at most one dimension.
fn fold(
    f: &mut fmt::Formatter<'_>,
    element: Element,
    (from, from_name): (&[u64], &str),
    (to, name): (&[u64], &str),
    called: &str,
) -> fmt::Result {
    let all = |rank: usize| if rank == 0 { String::new() } else { list(0..rank) };
    let is_scalar = from.is_empty() || to.is_empty();
    let groups = format!("[{}]", if is_scalar { String::new() } else { all(from.len().max(to.len())) });
    let (from_type, to_type) = (TypeOf(from, element), TypeOf(to, element));
    if from.len() < to.len() {
        let sizes = list(to);
        write!(f, "  %{name} = tensor.expand_shape %{from_name} {groups} output_shape {sizes}")?;
    } else {
        write!(f, "  %{name} = tensor.collapse_shape %{from_name} {groups}")?;
    }
    writeln!(f, " : {from_type} into {to_type} loc({})", Quoted(called))
}

fn extract(
    f: &mut fmt::Formatter<'_>,
    (source, source_name): (&Tensor, &str),
    (offsets, sizes): (&[u64], &[u64]),
    (result, name): (&Tensor, &str),
) -> fmt::Result {
    let ones = list(sizes.iter().map(|_| 1));
    let (offsets, sizes) = (list(offsets), list(sizes));
    let (from, to) = (TypeOf(&source.shape, source.element), TypeOf(&result.shape, result.element));
    let called = Quoted(&result.name);
    writeln!(
        f,
        "  %{name} = tensor.extract_slice %{source_name}{offsets} {sizes} {ones} : {from} to {to} loc({called})"
    )
}
