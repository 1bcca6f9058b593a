//! Operators that only change the shape.

use super::call::{Answer, Call, axes, axis, signed, size, wrong};
use super::reduce::required_axes;
use crate::graph::{Type, n_elements};

/// `Reshape`: 0 keeps a dimension, -1 is inferred from the rest.
pub fn reshape(call: &Call) -> Answer {
    let input = call.input(0)?;
    let Some(given) = call.ints_of("shape", 1)? else { return wrong("it does not specify the shape") };
    let keeps_zero = !call.attributes().flag("allowzero");
    let mut shape = Vec::new();
    let mut left = None;
    for (axis, it) in given.iter().enumerate() {
        shape.push(match *it {
            0 if keeps_zero => match input.shape.get(axis) {
                Some(size) => *size,
                None => return wrong(format!("there is no dimension {axis} to keep in {:?}", input.shape)),
            },
            -1 if left.is_none() => {
                left = Some(axis);
                1
            }
            it => size(it.into())?,
        });
    }
    let fail = || wrong(format!("{:?} cannot be reshaped to {given:?}", input.shape));
    let (Some(before), Some(after)) = (n_elements(&input.shape), n_elements(&shape)) else { return fail() };
    if let Some(axis) = left {
        if after == 0 || before % after != 0 {
            return fail();
        }
        shape[axis] = before / after;
    } else if before != after {
        return fail();
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// `Flatten`: a matrix.
pub fn flatten(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let given = call.attributes().int("axis").unwrap_or(1);
    let at = if given == signed(rank as u64) { rank } else { axis(given, rank)? };
    let (Some(rows), Some(columns)) = (n_elements(&input.shape[..at]), n_elements(&input.shape[at..])) else {
        return wrong("it is too large");
    };
    Ok(vec![Type { element: input.element, shape: vec![rows, columns] }])
}

/// `Squeeze`: removes the given dimensions of one, or all.
pub fn squeeze(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    let removed = match call.ints_of("axes", 1)? {
        Some(given) => axes(given, rank)?,
        None => (0..rank).filter(|it| input.shape[*it] == 1).collect(),
    };
    if let Some(axis) = removed.iter().find(|it| input.shape[**it] != 1) {
        return wrong(format!("dimension {axis} of {:?} is not one", input.shape));
    }
    let shape = (0..rank).filter(|it| !removed.contains(it)).map(|it| input.shape[it]).collect();
    Ok(vec![Type { element: input.element, shape }])
}

/// `Unsqueeze`.
pub fn unsqueeze(call: &Call) -> Answer {
    let input = call.input(0)?;
    let given = required_axes(call, 1)?;
    let rank = input.shape.len() + given.len();
    let added = axes(&given, rank)?;
    let mut old = input.shape.iter().copied();
    let shape = (0..rank).map(|it| if added.contains(&it) { 1 } else { old.next().unwrap_or(1) }).collect();
    Ok(vec![Type { element: input.element, shape }])
}
