//! Attention, of ONNX and of onnxruntime's optimiser.
//!
//! Keys and values of earlier steps (*past*) are inputs; together with those of this step (*present*) they are
//! results. ONNX's operator concatenates them; onnxruntime's may also write into a buffer of maximal length, so
//! that past and present have the same size. Shapes follow onnxruntime's `docs/ContribOperators.md`.

use super::call::{Answer, Call, Failure, size, wrong};
use crate::element::Element;
use crate::graph::Type;

/// ONNX's `Attention`: query, key, value, mask, past key, past value. Results are the attention output, present key,
/// present value, and scores.
pub fn attention(call: &Call) -> Answer {
    let (query, key, value) = (call.input(0)?, call.input(1)?, call.input(2)?);
    let split = |of: &Type, name: &str| match of.shape[..] {
        [batch, heads, n, width] => Ok((batch, heads, n, width)),
        [batch, n, width] => {
            let heads = heads(call, name)?;
            Ok((batch, heads, n, divide(width, heads)?))
        }
        _ => wrong(format!("{:?} has neither three dimensions nor four", of.shape)),
    };
    let (batch, query_heads, n, _) = split(query, "q_num_heads")?;
    let (_, key_heads, n_keys, key_width) = split(key, "kv_num_heads")?;
    let (_, _, n_values, value_width) = split(value, "kv_num_heads")?;
    if n_keys != n_values {
        return wrong(format!("there are {n_keys} keys, but {n_values} values"));
    }
    let n_past = past_length(call, 4)?;
    let n_total = add(n_past, n_keys)?;
    let shape = if query.shape.len() == 3 {
        vec![batch, n, multiply(query_heads, value_width)?]
    } else {
        vec![batch, query_heads, n, value_width]
    };
    Ok(vec![
        Type { element: query.element, shape },
        Type { element: key.element, shape: vec![batch, key_heads, n_total, key_width] },
        Type { element: value.element, shape: vec![batch, key_heads, n_total, value_width] },
        Type { element: query.element, shape: vec![batch, query_heads, n, n_total] },
    ])
}

/// onnxruntime's `GroupQueryAttention` and `SparseAttention`: query, key, value, past key, past value.
/// Without key and value, the query holds all three.
pub fn group_query(call: &Call) -> Answer {
    let query = call.input(0)?;
    let &[batch, n, hidden] = &query.shape[..] else { return wrong(format!("{:?} is not a query", query.shape)) };
    let (query_heads, key_heads) = (heads(call, "num_heads")?, heads(call, "kv_num_heads")?);
    let is_packed = call.optional(1).is_none();
    let n_parts = if is_packed { add(query_heads, multiply(2, key_heads)?)? } else { query_heads };
    let width = divide(hidden, n_parts)?;
    // The present length of the sequence: a constant of the model, or known only at run time.
    let n_total = match call.node.kind.as_str() {
        "GroupQueryAttention" => call.content(6).and_then(|it| it.ints()?.first().copied()),
        _ => None,
    };
    let n_total = n_total.and_then(|it| u64::try_from(it).ok());
    let n_present = match past_length(call, 3)? {
        0 => n_total.unwrap_or(n),
        n_past => n_past.max(n_total.or(declared_length(call, 1)).unwrap_or(0)),
    };
    let present = |past: usize, new: usize| {
        let element = call.optional(past).or(call.optional(new)).unwrap_or(query).element;
        let width = call.optional(past).and_then(|it| it.shape.last().copied()).unwrap_or(width);
        Type { element, shape: vec![batch, key_heads, n_present, width] }
    };
    Ok(vec![
        Type { element: query.element, shape: vec![batch, n, multiply(query_heads, width)?] },
        present(3, 1),
        present(4, 2),
        Type { element: query.element, shape: vec![batch, query_heads, n, n_present] },
    ])
}

/// onnxruntime's `MultiHeadAttention`: query, key, value; past key and value are inputs 6 and 7, and of
/// the one that decodes 5 and 6. Query, key and value may also be in one tensor, or key and value in one.
pub fn multi_head(call: &Call) -> Answer {
    let query = call.input(0)?;
    let heads = heads(call, "num_heads")?;
    let (past, length) = if call.node.kind == "MultiHeadAttention" { (6, 8) } else { (5, 7) };
    let (batch, n, hidden) = match query.shape[..] {
        [batch, n, hidden] => (batch, n, hidden),
        [batch, n, heads, _, width] => (batch, n, multiply(heads, width)?),
        _ => return wrong(format!("{:?} is not a query", query.shape)),
    };
    let value_hidden = match call.optional(2).map(|it| &it.shape[..]) {
        Some(&[_, _, hidden]) => hidden,
        Some(&[_, heads, _, width]) => multiply(heads, width)?,
        _ => hidden,
    };
    let n_keys = match call.optional(1).map(|it| &it.shape[..]) {
        None => n,
        Some(&[_, _, n, _]) => n,
        Some(&[_, n, ..]) => n,
        Some(_) => return wrong("its key has too few dimensions"),
    };
    let n_past = past_length(call, past)?;
    let is_shared = call.optional(length).is_some() || call.attributes().flag("past_present_share_buffer");
    let n_total = if is_shared && n_past != 0 { n_past } else { add(n_past, n_keys)? };
    let present = |hidden| -> Result<Type, Failure> {
        Ok(Type { element: query.element, shape: vec![batch, heads, n_total, divide(hidden, heads)?] })
    };
    Ok(vec![
        Type { element: query.element, shape: vec![batch, n, value_hidden] },
        present(hidden)?,
        present(value_hidden)?,
        Type { element: query.element, shape: vec![batch, heads, n, n_total] },
    ])
}

/// onnxruntime's `Attention` and `QAttention`, which hold the projection as well: data and weights, and
/// keys and values of the past in one tensor.
pub fn with_projection(call: &Call) -> Answer {
    let (input, weights) = (call.input(0)?, call.input(1)?);
    let (&[batch, n, _], &[_, projected]) = (&input.shape[..], &weights.shape[..]) else {
        return wrong(format!("{:?} and {:?} are no data and weights", input.shape, weights.shape));
    };
    let heads = heads(call, "num_heads")?;
    let is_quantised = call.node.kind == "QAttention";
    let (key_hidden, value_hidden) = match call.attributes().ints("qkv_hidden_sizes") {
        Some(&[_, key, value]) => (size(key.into())?, size(value.into())?),
        _ => (divide(projected, 3)?, divide(projected, 3)?),
    };
    let element = if is_quantised { call.input(3)?.element } else { input.element };
    let past = call.optional(if is_quantised { 8 } else { 4 });
    let n_past = match past.map(|it| &it.shape[..]) {
        None => 0,
        Some(&[_, _, _, n, _]) => n,
        Some(shape) => return wrong(format!("{shape:?} is not a past")),
    };
    let is_shared = n_past != 0 && call.attributes().flag("past_present_share_buffer");
    let n_total = if is_shared { n_past } else { add(n_past, n)? };
    Ok(vec![
        Type { element, shape: vec![batch, n, value_hidden] },
        Type { element, shape: vec![2, batch, heads, n_total, divide(key_hidden, heads)?] },
    ])
}

/// The number of past keys: the dimension before the last one; zero without a past.
fn past_length(call: &Call, index: usize) -> Result<u64, Failure> {
    match call.optional(index).map(|it| &it.shape[..]) {
        None => Ok(0),
        Some(&[_, _, n, _]) => Ok(n),
        Some(shape) => wrong(format!("its past is {shape:?}, but has four dimensions")),
    }
}

/// The number of keys in the declared type of a result.
fn declared_length(call: &Call, output: usize) -> Option<u64> {
    let output = call.node.outputs.get(output).copied().flatten()?;
    call.values[output].declared.as_ref()?.shape.get(2).copied()
}

fn heads(call: &Call, name: &str) -> Result<u64, Failure> {
    let heads = call.attributes().int(name).and_then(|it| u64::try_from(it).ok()).filter(|it| *it != 0);
    heads.map_or_else(|| wrong(format!("it does not specify the number of heads: attribute '{name}'")), Ok)
}

fn divide(width: u64, n: u64) -> Result<u64, Failure> {
    if width.is_multiple_of(n) { Ok(width / n) } else { wrong(format!("{width} elements are not {n} heads")) }
}

fn multiply(left: u64, right: u64) -> Result<u64, Failure> {
    size(i128::from(left) * i128::from(right))
}

fn add(left: u64, right: u64) -> Result<u64, Failure> {
    size(i128::from(left) + i128::from(right))
}

/// onnxruntime's `EmbedLayerNormalization`: numbers of words, numbers of segments, and a table of words.
pub fn embed(call: &Call) -> Answer {
    let (words, table) = (call.input(0)?, call.input(2)?);
    let (&[batch, n], &[_, hidden]) = (&words.shape[..], &table.shape[..]) else {
        return wrong(format!("{:?} and {:?} are no words and table", words.shape, table.shape));
    };
    let embedded = Type { element: table.element, shape: vec![batch, n, hidden] };
    Ok(vec![embedded.clone(), Type { element: Element::Signed(32), shape: vec![batch] }, embedded])
}
