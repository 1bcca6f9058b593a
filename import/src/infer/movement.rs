//! Operators that only move elements.

use super::call::{Answer, Call, Failure, axes, axis, list, signed, size, wrong};
use super::elementwise::broadcast_shapes;
use crate::content::Content;
use crate::graph::{Type, n_elements};

/// `Transpose`.
pub fn transpose(call: &Call) -> Answer {
    let input = call.input(0)?;
    let order = permutation(call)?;
    Ok(vec![Type { element: input.element, shape: order.iter().map(|it| input.shape[*it]).collect() }])
}

/// For each dimension of the result, the dimension of the input.
pub fn permutation(call: &Call) -> Result<Vec<usize>, Failure> {
    let rank = call.input(0)?.shape.len();
    match call.attributes().ints("perm") {
        None => Ok((0..rank).rev().collect()),
        Some(order) if order.len() == rank => axes(order, rank),
        Some(order) => wrong(format!("{order:?} is not a permutation of {rank} dimensions")),
    }
}

/// `Concat`.
pub fn concat(call: &Call) -> Answer {
    concat_of(call, &(0..call.node.inputs.len()).collect::<Vec<_>>())
}

/// The concatenation of some of a node's inputs.
pub fn concat_of(call: &Call, operands: &[usize]) -> Answer {
    let Some((first, others)) = operands.split_first() else { return wrong("it has no operands") };
    let first = call.input(*first)?;
    let Some(given) = call.attributes().int("axis") else { return wrong("it has no axis") };
    let axis = axis(given, first.shape.len())?;
    let mut shape = first.shape.clone();
    for index in others {
        let other = &call.input(*index)?.shape;
        let fits = other.len() == shape.len() && (0..shape.len()).all(|it| it == axis || shape[it] == other[it]);
        if !fits {
            return wrong(format!("{:?} and {other:?} cannot be joined at dimension {axis}", first.shape));
        }
        shape[axis] = size(i128::from(shape[axis]) + i128::from(other[axis]))?;
    }
    Ok(vec![Type { element: first.element, shape }])
}

/// `Split`: in the given sizes, or in equal ones, the last of which may be smaller.
pub fn split(call: &Call) -> Answer {
    let input = call.input(0)?;
    let axis = axis(call.attributes().int("axis").unwrap_or(0), input.shape.len())?;
    let whole = input.shape[axis];
    let sizes = match call.ints_of("split", 1)? {
        Some(given) => given.iter().map(|it| size((*it).into())).collect::<Result<Vec<u64>, Failure>>()?,
        None => {
            let n = call.n_outputs() as u64;
            if n == 0 {
                return wrong("it has no results");
            }
            let part = whole.div_ceil(n);
            (0..n).map(|it| whole.saturating_sub(it.saturating_mul(part)).min(part)).collect()
        }
    };
    if sizes.iter().map(|it| u128::from(*it)).sum::<u128>() != u128::from(whole) {
        return wrong(format!("parts of {sizes:?} do not make up {whole}"));
    }
    let part = |size: u64| {
        let mut shape = input.shape.clone();
        shape[axis] = size;
        Type { element: input.element, shape }
    };
    Ok(sizes.into_iter().map(part).collect())
}

/// One dimension of a slice: the first index, the step, and the number of indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub start: i64,
    pub step: i64,
    pub n: u64,
}

/// `Slice`.
pub fn slice(call: &Call) -> Answer {
    let input = call.input(0)?;
    let shape = ranges(call)?.iter().map(|it| it.n).collect();
    Ok(vec![Type { element: input.element, shape }])
}

/// The range that a slice takes of each dimension.
pub fn ranges(call: &Call) -> Result<Vec<Range>, Failure> {
    let shape = &call.input(0)?.shape;
    let (Some(starts), Some(ends)) = (call.ints_of("starts", 1)?, call.ints_of("ends", 2)?) else {
        return wrong("it does not specify start and end");
    };
    let n = starts.len();
    let ends = list(Some(ends), n, 0, "ends")?;
    let steps = list(call.ints(4)?, n, 1, "steps")?;
    let axes = match call.ints_of("axes", 3)? {
        Some(given) => axes(given, shape.len())?,
        None => (0..n).collect(),
    };
    if axes.len() != n || axes.iter().any(|it| shape.len() <= *it) {
        return wrong(format!("{n} ranges do not fit {shape:?}"));
    }
    let mut ranges: Vec<Range> = shape.iter().map(|it| Range { start: 0, step: 1, n: *it }).collect();
    for (index, axis) in axes.into_iter().enumerate() {
        ranges[axis] = range(signed(shape[axis]), starts[index], ends[index], steps[index])?;
    }
    Ok(ranges)
}

fn range(length: i64, start: i64, end: i64, step: i64) -> Result<Range, Failure> {
    let from_start = |it: i64| if it < 0 { it.saturating_add(length) } else { it };
    let (start, end) = (from_start(start), from_start(end));
    let (start, distance) = match step {
        0 => return wrong("a step is zero"),
        1.. => {
            let start = start.clamp(0, length);
            (start, end.clamp(0, length) - start)
        }
        // Down to before the first element.
        _ => {
            let start = start.clamp(-1, length - 1);
            (start, start - end.clamp(-1, length - 1))
        }
    };
    let n = if distance <= 0 { 0 } else { (distance as u64).div_ceil(step.unsigned_abs()) };
    Ok(Range { start, step, n })
}

/// `Pad`.
pub fn pad(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let Some(pads) = call.ints_of("pads", 1)? else { return wrong("the pads are missing or not a known constant") };
    let axes = match call.ints(3)? {
        Some(given) => axes(given, rank)?,
        None => (0..rank).collect(),
    };
    let n = axes.len();
    let pads = list(Some(pads), 2 * n, 0, "pads")?;
    let mut shape = input.shape.clone();
    for (index, axis) in axes.into_iter().enumerate() {
        shape[axis] = size(i128::from(shape[axis]) + i128::from(pads[index]) + i128::from(pads[index + n]))?;
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// `Tile`.
pub fn tile(call: &Call) -> Answer {
    let input = call.input(0)?;
    let repeats = list(call.ints(1)?, input.shape.len(), 1, "repeats")?;
    let times = |(size_of, n): (&u64, &i64)| size(i128::from(*size_of) * i128::from(*n));
    let shape = input.shape.iter().zip(&repeats).map(times).collect::<Result<Vec<u64>, Failure>>()?;
    Ok(vec![Type { element: input.element, shape }])
}

/// `Expand`.
pub fn expand(call: &Call) -> Answer {
    let input = call.input(0)?;
    let Some(given) = call.ints(1)? else { return wrong("it does not specify the shape") };
    let given = given.iter().map(|it| size((*it).into())).collect::<Result<Vec<u64>, Failure>>()?;
    Ok(vec![Type { element: input.element, shape: broadcast_shapes(&input.shape, &given)? }])
}

/// `Gather`: the indices replace a dimension.
pub fn gather(call: &Call) -> Answer {
    let (data, indices) = (call.input(0)?, call.input(1)?);
    let axis = axis(call.attributes().int("axis").unwrap_or(0), data.shape.len())?;
    let shape = [&data.shape[..axis], &indices.shape, &data.shape[axis + 1..]].concat();
    Ok(vec![Type { element: data.element, shape }])
}

/// `GatherElements`: one element for each index.
pub fn gather_elements(call: &Call) -> Answer {
    Ok(vec![Type { element: call.input(0)?.element, shape: call.input(1)?.shape.clone() }])
}

/// `GatherND`: the last dimension of the indices selects slices.
pub fn gather_nd(call: &Call) -> Answer {
    let (data, indices) = (call.input(0)?, call.input(1)?);
    let batch = call.attributes().int("batch_dims").unwrap_or(0);
    let batch = usize::try_from(batch).unwrap_or(usize::MAX);
    let Some((depth, outer)) = indices.shape.split_last() else { return wrong("it has no indices") };
    let inner = usize::try_from(*depth).ok().and_then(|it| it.checked_add(batch)).and_then(|it| data.shape.get(it..));
    let Some(inner) = inner else { return wrong(format!("indices {:?} do not fit {:?}", indices.shape, data.shape)) };
    Ok(vec![Type { element: data.element, shape: [outer, inner].concat() }])
}

/// The range of elements, half-open, that a `Gather` or `GatherND` with constant indices takes, if they are
/// contiguous in the data.
pub fn picked(call: &Call) -> Option<std::ops::Range<u64>> {
    let (data, indices) = (call.optional(0)?, call.optional(1)?);
    let ints = call.content(1)?.ints()?;
    let (outer, depth) = if call.node.kind == "Gather" {
        (axis(call.attributes().int("axis").unwrap_or(0), data.shape.len()).ok()?, 1)
    } else {
        if call.attributes().int("batch_dims").unwrap_or(0) != 0 {
            return None;
        }
        (0, usize::try_from(*indices.shape.last()?).ok().filter(|it| *it != 0)?)
    };
    if n_elements(&data.shape[..outer]) != Some(1) {
        return None;
    }
    let sizes = data.shape.get(outer..outer.checked_add(depth)?)?;
    let n_inner = n_elements(&data.shape[outer + depth..])?;
    // The row of inner elements that each index selects.
    let mut first = None;
    for (n, index) in ints.chunks(depth).enumerate() {
        let mut row = 0_u64;
        for (it, size) in index.iter().zip(sizes) {
            let from_start = if *it < 0 { it.checked_add(signed(*size))? } else { *it };
            let at = u64::try_from(from_start).ok().filter(|it| it < size)?;
            row = row.checked_mul(*size)?.checked_add(at)?;
        }
        let first = *first.get_or_insert(row);
        if row != first.checked_add(n as u64)? {
            return None;
        }
    }
    let start = first?.checked_mul(n_inner)?;
    let n = (ints.len() / depth) as u64;
    Some(start..start.checked_add(n.checked_mul(n_inner)?)?)
}

/// `DepthToSpace`.
pub fn depth_to_space(call: &Call) -> Answer {
    let (input, block) = blocks(call)?;
    let [n, channels, height, width] = input.shape[..] else { return wrong("it has no channels, height and width") };
    let Some(area) = block.checked_mul(block).filter(|it| channels % it == 0) else {
        return wrong(format!("{channels} channels cannot become blocks of {block}"));
    };
    let grow = |it: u64| size(i128::from(it) * i128::from(block));
    Ok(vec![Type { element: input.element, shape: vec![n, channels / area, grow(height)?, grow(width)?] }])
}

/// `SpaceToDepth`.
pub fn space_to_depth(call: &Call) -> Answer {
    let (input, block) = blocks(call)?;
    let [n, channels, height, width] = input.shape[..] else { return wrong("it has no channels, height and width") };
    if height % block != 0 || width % block != 0 {
        return wrong(format!("{height} by {width} cannot be cut into blocks of {block}"));
    }
    let channels = size(i128::from(channels) * i128::from(block) * i128::from(block))?;
    Ok(vec![Type { element: input.element, shape: vec![n, channels, height / block, width / block] }])
}

fn blocks<'a>(call: &Call<'a>) -> Result<(&'a Type, u64), Failure> {
    let block =
        call.attributes().int("blocksize").and_then(|it| u64::try_from(it).ok()).filter(|it| (1..1 << 20).contains(it));
    match block {
        Some(block) => Ok((call.input(0)?, block)),
        None => wrong("it has no usable blocksize"),
    }
}

/// `OneHot`.
pub fn one_hot(call: &Call) -> Answer {
    let (indices, values) = (call.input(0)?, call.input(2)?);
    // It may be a float.
    let depth = match call.content(1).map(Content::to_floats).as_deref() {
        Some([depth]) => *depth as i64,
        _ if call.optional(1).is_some() => {
            return Err(call.depends_on_data(1));
        }
        _ => return wrong("it does not specify the number of classes"),
    };
    let mut shape = indices.shape.clone();
    let axis = axis(call.attributes().int("axis").unwrap_or(-1), shape.len() + 1)?;
    shape.insert(axis, size(depth.into())?);
    Ok(vec![Type { element: values.element, shape }])
}

/// `CenterCropPad`: to sizes, of some dimensions.
pub fn center_crop_pad(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let Some(sizes) = call.ints(1)? else { return wrong("it does not specify the sizes") };
    let axes = match call.attributes().ints("axes") {
        Some(given) => axes(given, rank)?,
        None => (0..rank).collect(),
    };
    let mut shape = input.shape.clone();
    for (axis, it) in axes.iter().zip(list(Some(sizes), axes.len(), 0, "shape")?) {
        shape[*axis] = size(it.into())?;
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// `Col2Im`: columns of blocks become an image again.
pub fn col2im(call: &Call) -> Answer {
    let input = call.input(0)?;
    let (Some(image), Some(block)) = (call.ints(1)?, call.ints(2)?) else {
        return wrong("it does not specify the sizes of image and blocks");
    };
    let &[n, columns, _] = &input.shape[..] else { return wrong(format!("{:?} are no columns", input.shape)) };
    let area = block.iter().try_fold(1_u64, |area, it| area.checked_mul(u64::try_from(*it).ok()?));
    let Some(area) = area.filter(|it| *it != 0 && columns % it == 0) else {
        return wrong(format!("{columns} rows are no blocks of {block:?}"));
    };
    let mut shape = vec![n, columns / area];
    for it in image {
        shape.push(size((*it).into())?);
    }
    Ok(vec![Type { element: input.element, shape }])
}
