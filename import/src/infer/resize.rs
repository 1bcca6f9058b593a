//! Resampling.

use super::call::{Answer, Call, Failure, axes, size, wrong};
use crate::graph::Type;

/// `Resize`: by factors or to sizes.
pub fn resize(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    if call.opset < 11 {
        return by_factors(input, &factors(call, 1)?, &(0..rank).collect::<Vec<_>>());
    }
    let axes = match call.attributes().ints("axes") {
        Some(given) => axes(given, rank)?,
        None => (0..rank).collect(),
    };
    let sizes = call.ints(3)?.filter(|it| !it.is_empty());
    let Some(sizes) = sizes else { return by_factors(input, &factors(call, 2)?, &axes) };
    if sizes.len() != axes.len() {
        return wrong(format!("{} sizes for {} dimensions", sizes.len(), axes.len()));
    }
    let policy = call.attributes().text("keep_aspect_ratio_policy");
    if !matches!(policy, "" | "stretch") {
        let ratio = |(axis, it): (&usize, &i64)| *it as f64 / input.shape[*axis] as f64;
        let ratios = axes.iter().zip(sizes).map(ratio);
        let factor =
            if policy == "not_larger" { ratios.fold(f64::INFINITY, f64::min) } else { ratios.fold(0.0, f64::max) };
        let mut shape = input.shape.clone();
        axes.iter().for_each(|it| shape[*it] = (input.shape[*it] as f64 * factor).round() as u64);
        return Ok(vec![Type { element: input.element, shape }]);
    }
    let mut shape = input.shape.clone();
    for (axis, it) in axes.into_iter().zip(sizes) {
        shape[axis] = size((*it).into())?;
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// `Upsample`, which `Resize` replaced.
pub fn upsample(call: &Call) -> Answer {
    let input = call.input(0)?;
    let scales = match call.attributes().floats("scales") {
        Some(scales) => scales.iter().map(|it| f64::from(*it)).collect(),
        None => factors(call, 1)?,
    };
    by_factors(input, &scales, &(0..input.shape.len()).collect::<Vec<_>>())
}

fn factors(call: &Call, index: usize) -> Result<Vec<f64>, Failure> {
    match (call.content(index), call.optional(index)) {
        (Some(content), _) => Ok(content.to_floats()),
        (None, Some(_)) => Err(call.depends_on_data(index)),
        (None, None) => wrong("it specifies neither factors nor sizes"),
    }
}

fn by_factors(input: &Type, factors: &[f64], axes: &[usize]) -> Answer {
    if factors.len() != axes.len() {
        return wrong(format!("{} factors for {} dimensions", factors.len(), axes.len()));
    }
    let mut shape = input.shape.clone();
    for (axis, factor) in axes.iter().zip(factors) {
        let scaled = (input.shape[*axis] as f64 * factor).floor();
        if !(0.0..9e18).contains(&scaled) {
            return wrong(format!("a dimension of its result would be {scaled}"));
        }
        shape[*axis] = scaled as u64;
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// `GridSample`: one sample for each point of the grid.
pub fn grid_sample(call: &Call) -> Answer {
    let (input, grid) = (call.input(0)?, call.input(1)?);
    let (Some(outer), Some((_, points))) = (input.shape.get(..2), grid.shape.split_last()) else {
        return wrong("it has no channels or no grid");
    };
    let points = points.get(1..).unwrap_or_default();
    Ok(vec![Type { element: input.element, shape: [outer, points].concat() }])
}
