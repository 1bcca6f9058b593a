//! Evaluates small constants for shape computations.
//!
//! Only the operators that exporters put between a shape and its use are supported. Other constants are weights,
//! of which only the size matters.

use super::call::Call;
use super::elementwise::broadcast_shapes;
use super::movement::{permutation, ranges};
use super::shape::{constant_content, sizes};
use crate::content::{Content, MOST_ELEMENTS};
use crate::element::Element;
use crate::graph::{Type, n_elements};

/// The elements of a node's first result, if they can be evaluated and are few.
pub fn fold(call: &Call, r#type: Option<&Type>) -> Option<Content> {
    let r#type = r#type?;
    let n = n_elements(&r#type.shape).filter(|it| *it <= MOST_ELEMENTS)? as usize;
    if !call.node.domain.is_empty() {
        return None;
    }
    let content = fold_kind(call, r#type, n)?;
    (content.len() == n).then_some(content)
}

fn fold_kind(call: &Call, r#type: &Type, n: usize) -> Option<Content> {
    let shape = &r#type.shape;
    match call.node.kind.as_str() {
        "Constant" => constant_content(call, r#type),
        "Shape" => sizes(call).ok().map(Content::Ints),
        "Size" => Some(Content::Ints(vec![i64::try_from(n_elements(&call.input(0).ok()?.shape)?).ok()?])),
        "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => call.content(0).cloned(),
        "Cast" | "CastLike" => Some(cast(call.content(0)?, r#type.element)),
        "ConstantOfShape" => fill(call, r#type.element, n),
        "Range" => range(call, n),
        "Concat" => concat(call, shape),
        "Gather" => gather(call),
        "Slice" => {
            let source = &call.input(0).ok()?.shape;
            let ranges = ranges(call).ok()?;
            pick(call, n, shape, |index| {
                let at = |(it, range): (u64, &super::movement::Range)| it as i64 * range.step + range.start;
                let index: Vec<u64> = index.iter().copied().zip(&ranges).map(|it| at(it) as u64).collect();
                position(&index, source)
            })
        }
        "Transpose" => {
            let source = &call.input(0).ok()?.shape;
            let order = permutation(call).ok()?;
            pick(call, n, shape, |index| {
                let mut from = vec![0; index.len()];
                order.iter().zip(index).for_each(|(axis, it)| from[*axis] = *it);
                position(&from, source)
            })
        }
        "Expand" => {
            let source = &call.input(0).ok()?.shape;
            pick(call, n, shape, |index| stretched(index, source))
        }
        "Neg" | "Abs" | "Floor" | "Ceil" | "Sqrt" | "Not" | "Round" => unary(call),
        "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Pow" | "Equal" | "Less" | "Greater" | "LessOrEqual"
        | "GreaterOrEqual" | "And" | "Or" => binary(call, shape, n),
        "Max" | "Min" if call.node.inputs.len() == 2 => binary(call, shape, n),
        "Clip" => clip(call),
        "Where" => select(call, shape, n),
        "ReduceProd" | "ReduceSum" | "ReduceMax" | "ReduceMin" if n == 1 => reduce(call),
        _ => None,
    }
}

fn cast(content: &Content, element: Element) -> Content {
    match (content, element.is_float()) {
        (Content::Ints(it), true) => Content::Floats(it.iter().map(|it| *it as f64).collect()),
        (Content::Floats(it), false) => Content::Ints(it.iter().map(|it| *it as i64).collect()),
        _ => content.clone(),
    }
}

fn fill(call: &Call, element: Element, n: usize) -> Option<Content> {
    let value = match call.attributes().tensor("value") {
        Some(tensor) => Content::read(tensor, element, 1)?,
        None => Content::Floats(vec![0.0]),
    };
    Some(value.pick(&vec![0; n]))
}

fn range(call: &Call, n: usize) -> Option<Content> {
    match (call.content(0)?, call.content(2)?) {
        (Content::Ints(start), Content::Ints(step)) => {
            let (start, step) = (*start.first()?, *step.first()?);
            let at = |it: i64| step.checked_mul(it)?.checked_add(start);
            Some(Content::Ints((0..n as i64).map(at).collect::<Option<Vec<i64>>>()?))
        }
        (start, step) => {
            let (start, step) = (*start.to_floats().first()?, *step.to_floats().first()?);
            Some(Content::Floats((0..n).map(|it| start + step * it as f64).collect()))
        }
    }
}

fn concat(call: &Call, shape: &[u64]) -> Option<Content> {
    // Shapes are vectors, so higher ranks are not needed.
    if shape.len() != 1 {
        return None;
    }
    let parts = (0..call.node.inputs.len()).map(|it| call.content(it)).collect::<Option<Vec<_>>>()?;
    if let Some(ints) = parts.iter().map(|it| it.ints()).collect::<Option<Vec<_>>>() {
        return Some(Content::Ints(ints.concat()));
    }
    Some(Content::Floats(parts.iter().flat_map(|it| it.to_floats()).collect()))
}

fn gather(call: &Call) -> Option<Content> {
    let (data, indices) = (call.content(0)?, call.content(1)?.ints()?);
    let &[length] = &call.input(0).ok()?.shape[..] else { return None };
    let at = |it: &i64| {
        let index = if *it < 0 { it.checked_add(length as i64)? } else { *it };
        usize::try_from(index).ok().filter(|it| *it < data.len())
    };
    Some(data.pick(&indices.iter().map(at).collect::<Option<Vec<usize>>>()?))
}

fn unary(call: &Call) -> Option<Content> {
    let kind = call.node.kind.as_str();
    match call.content(0)? {
        Content::Ints(it) => {
            let apply = |it: &i64| match kind {
                "Neg" => it.checked_neg(),
                "Abs" => it.checked_abs(),
                "Not" => Some(i64::from(*it == 0)),
                _ => None,
            };
            it.iter().map(apply).collect::<Option<_>>().map(Content::Ints)
        }
        Content::Floats(it) => {
            let apply = |it: &f64| match kind {
                "Neg" => Some(-it),
                "Abs" => Some(it.abs()),
                "Floor" => Some(it.floor()),
                "Ceil" => Some(it.ceil()),
                "Round" => Some(it.round_ties_even()),
                "Sqrt" => Some(it.sqrt()),
                _ => None,
            };
            it.iter().map(apply).collect::<Option<_>>().map(Content::Floats)
        }
    }
}

fn binary(call: &Call, shape: &[u64], n: usize) -> Option<Content> {
    let (left, right) = (call.content(0)?, call.content(1)?);
    let (left_shape, right_shape) = (&call.input(0).ok()?.shape, &call.input(1).ok()?.shape);
    let pairs = (0..n).map(|it| {
        let index = index(it, shape);
        (stretched(&index, left_shape), stretched(&index, right_shape))
    });
    let kind = call.node.kind.as_str();
    if let (Some(left), Some(right)) = (left.ints(), right.ints()) {
        return pairs
            .map(|(l, r)| of_ints(kind, *left.get(l)?, *right.get(r)?))
            .collect::<Option<_>>()
            .map(Content::Ints);
    }
    let (left, right) = (left.to_floats(), right.to_floats());
    let pairs: Vec<(f64, f64)> = pairs.map(|(l, r)| Some((*left.get(l)?, *right.get(r)?))).collect::<Option<_>>()?;
    let compare: Option<fn(&f64, &f64) -> bool> = match kind {
        "Equal" => Some(f64::eq),
        "Less" => Some(f64::lt),
        "Greater" => Some(f64::gt),
        "LessOrEqual" => Some(f64::le),
        "GreaterOrEqual" => Some(f64::ge),
        _ => None,
    };
    if let Some(compare) = compare {
        return Some(Content::Ints(pairs.iter().map(|(l, r)| compare(l, r).into()).collect()));
    }
    pairs.into_iter().map(|(l, r)| of_floats(kind, l, r)).collect::<Option<_>>().map(Content::Floats)
}

fn of_ints(kind: &str, left: i64, right: i64) -> Option<i64> {
    Some(match kind {
        "Add" => left.checked_add(right)?,
        "Sub" => left.checked_sub(right)?,
        "Mul" => left.checked_mul(right)?,
        "Div" => left.checked_div(right)?,
        "Mod" => {
            let rest = left.checked_rem(right)?;
            // As in Python, the sign is that of the divisor.
            if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
        }
        "Pow" => left.checked_pow(u32::try_from(right).ok()?)?,
        "Max" => left.max(right),
        "Min" => left.min(right),
        "Equal" => (left == right).into(),
        "Less" => (left < right).into(),
        "Greater" => (left > right).into(),
        "LessOrEqual" => (left <= right).into(),
        "GreaterOrEqual" => (left >= right).into(),
        "And" => (left != 0 && right != 0).into(),
        "Or" => (left != 0 || right != 0).into(),
        _ => return None,
    })
}

fn of_floats(kind: &str, left: f64, right: f64) -> Option<f64> {
    Some(match kind {
        "Add" => left + right,
        "Sub" => left - right,
        "Mul" => left * right,
        "Div" => left / right,
        "Pow" => left.powf(right),
        "Max" => left.max(right),
        "Min" => left.min(right),
        _ => return None,
    })
}

/// `Clip` with its limits as optional inputs. The old form with attributes does not occur in shape computations.
fn clip(call: &Call) -> Option<Content> {
    if ["min", "max"].iter().any(|it| call.attributes().float(it).is_some()) {
        return None;
    }
    let limit = |index| match call.node.inputs.get(index).copied().flatten() {
        Some(_) => call.content(index).map(Some),
        None => Some(None),
    };
    let (low, high) = (limit(1)?, limit(2)?);
    if let Content::Ints(values) = call.content(0)? {
        let low = low.map_or(Some(i64::MIN), |it| it.ints()?.first().copied())?;
        let high = high.map_or(Some(i64::MAX), |it| it.ints()?.first().copied())?;
        return Some(Content::Ints(values.iter().map(|it| (*it).max(low).min(high)).collect()));
    }
    let low = low.map_or(Some(f64::NEG_INFINITY), |it| it.to_floats().first().copied())?;
    let high = high.map_or(Some(f64::INFINITY), |it| it.to_floats().first().copied())?;
    Some(Content::Floats(call.content(0)?.to_floats().iter().map(|it| it.max(low).min(high)).collect()))
}

fn select(call: &Call, shape: &[u64], n: usize) -> Option<Content> {
    let condition = call.content(0)?.ints()?;
    let (yes, no) = (call.content(1)?.ints()?, call.content(2)?.ints()?);
    let shapes = (0..3).map(|it| call.input(it).map(|it| &it.shape)).collect::<Result<Vec<_>, _>>().ok()?;
    let at = |it: usize| {
        let index = index(it, shape);
        let is_true = *condition.get(stretched(&index, shapes[0]))? != 0;
        if is_true { yes.get(stretched(&index, shapes[1])) } else { no.get(stretched(&index, shapes[2])) }.copied()
    };
    (0..n).map(at).collect::<Option<_>>().map(Content::Ints)
}

fn reduce(call: &Call) -> Option<Content> {
    let content = call.content(0)?.ints()?;
    let reduced = match call.node.kind.as_str() {
        "ReduceProd" => content.iter().try_fold(1_i64, |product, it| product.checked_mul(*it))?,
        "ReduceSum" => content.iter().try_fold(0_i64, |sum, it| sum.checked_add(*it))?,
        "ReduceMax" => *content.iter().max()?,
        _ => *content.iter().min()?,
    };
    Some(Content::Ints(vec![reduced]))
}

/// Elements of the first input, selected by a function of the index in the result.
fn pick(call: &Call, n: usize, shape: &[u64], from: impl Fn(&[u64]) -> usize) -> Option<Content> {
    let content = call.content(0)?;
    let positions: Vec<usize> = (0..n).map(|it| from(&index(it, shape))).collect();
    positions.iter().all(|it| *it < content.len()).then(|| content.pick(&positions))
}

/// The index of the element at a row-major position.
fn index(mut position: usize, shape: &[u64]) -> Vec<u64> {
    let mut index = vec![0; shape.len()];
    for (it, size) in index.iter_mut().zip(shape).rev() {
        *it = position as u64 % size;
        position /= *size as usize;
    }
    index
}

/// The row-major position of an index; out of range if the index is.
fn position(index: &[u64], shape: &[u64]) -> usize {
    index.iter().zip(shape).fold(0_u64, |at, (it, size)| at.saturating_mul(*size).saturating_add(*it)) as usize
}

/// The position of an index in a tensor that is broadcast.
fn stretched(index: &[u64], shape: &[u64]) -> usize {
    debug_assert!(broadcast_shapes(shape, shape).is_ok());
    let skipped = index.len().saturating_sub(shape.len());
    let inner: Vec<u64> =
        index[skipped..].iter().zip(shape).map(|(it, size)| if *size == 1 { 0 } else { *it }).collect();
    position(&inner, shape)
}
