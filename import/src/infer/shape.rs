//! Constants and shapes.

use super::call::{Answer, Call, Failure, signed, wrong};
use super::elementwise::element;
use crate::content::Content;
use crate::element::Element;
use crate::graph::{Type, n_elements};
use crate::read::tensor_type;

/// `Constant`.
pub fn constant(call: &Call) -> Answer {
    let attributes = call.attributes();
    let int = Element::Signed(64);
    let float = Element::Float(32);
    let r#type = if let Some(tensor) = attributes.tensor("value") {
        tensor_type(tensor).map_err(Failure::Wrong)?
    } else if let Some(ints) = attributes.ints("value_ints") {
        Type { element: int, shape: vec![ints.len() as u64] }
    } else if let Some(floats) = attributes.floats("value_floats") {
        Type { element: float, shape: vec![floats.len() as u64] }
    } else if attributes.int("value_int").is_some() {
        Type { element: int, shape: vec![] }
    } else if attributes.float("value_float").is_some() {
        Type { element: float, shape: vec![] }
    } else {
        return wrong("constants must be numbers");
    };
    Ok(vec![r#type])
}

/// The elements of a `Constant`.
pub fn constant_content(call: &Call, r#type: &Type) -> Option<Content> {
    let attributes = call.attributes();
    if let Some(tensor) = attributes.tensor("value") {
        return Content::read(tensor, r#type.element, n_elements(&r#type.shape)?);
    }
    if let Some(ints) = attributes.ints("value_ints") {
        return Some(Content::Ints(ints.to_vec()));
    }
    if let Some(floats) = attributes.floats("value_floats") {
        return Some(Content::Floats(floats.iter().map(|it| f64::from(*it)).collect()));
    }
    if let Some(int) = attributes.int("value_int") {
        return Some(Content::Ints(vec![int]));
    }
    attributes.float("value_float").map(|it| Content::Floats(vec![it.into()]))
}

/// `ConstantOfShape`.
pub fn constant_of_shape(call: &Call) -> Answer {
    let Some(given) = call.ints(0)? else { return wrong("it does not specify the shape") };
    let size = |it: &i64| super::call::size((*it).into());
    let shape = given.iter().map(size).collect::<Result<Vec<u64>, Failure>>()?;
    let element = match call.attributes().tensor("value") {
        Some(value) => tensor_type(value).map_err(Failure::Wrong)?.element,
        None => Element::Float(32),
    };
    Ok(vec![Type { element, shape }])
}

/// `RandomNormal`, `RandomUniform`.
pub fn random(call: &Call) -> Answer {
    let Some(given) = call.attributes().ints("shape") else { return wrong("it does not specify the shape") };
    let size = |it: &i64| super::call::size((*it).into());
    let shape = given.iter().map(size).collect::<Result<Vec<u64>, Failure>>()?;
    Ok(vec![Type { element: element(call.attributes().int("dtype").unwrap_or(1))?, shape }])
}

/// `Shape`: of all dimensions, or a range of them.
pub fn shape(call: &Call) -> Answer {
    let sizes = sizes(call)?;
    Ok(vec![Type { element: Element::Signed(64), shape: vec![sizes.len() as u64] }])
}

/// The elements of a `Shape`.
pub fn sizes(call: &Call) -> Result<Vec<i64>, Failure> {
    let shape = &call.input(0)?.shape;
    let rank = shape.len() as i64;
    let bound = |name, default: i64| {
        let given = call.attributes().int(name).unwrap_or(default);
        (if given < 0 { given.saturating_add(rank) } else { given }).clamp(0, rank) as usize
    };
    let (start, end) = (bound("start", 0), bound("end", rank));
    Ok(shape.get(start..end).unwrap_or_default().iter().map(|it| signed(*it)).collect())
}

/// `Size`.
pub fn size(call: &Call) -> Answer {
    call.input(0)?;
    Ok(vec![Type { element: Element::Signed(64), shape: vec![] }])
}

/// `Range`.
pub fn range(call: &Call) -> Answer {
    let mut bounds = Vec::new();
    for index in 0..3 {
        call.input(index)?;
        let bound = call.content(index).map(Content::to_floats);
        match bound.as_deref() {
            Some([bound]) => bounds.push(*bound),
            _ => return Err(call.depends_on_data(index)),
        }
    }
    let n = ((bounds[1] - bounds[0]) / bounds[2]).ceil().max(0.0);
    if !(0.0..9e18).contains(&n) {
        return wrong("its range has no end");
    }
    Ok(vec![Type { element: call.input(0)?.element, shape: vec![n as u64] }])
}
