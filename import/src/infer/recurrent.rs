//! Recurrent networks.

use super::call::{Answer, Call, wrong};
use crate::graph::Type;

/// `LSTM`, `GRU`, `RNN`: all outputs, the last output, and of `LSTM` the last cell.
pub fn recurrent(call: &Call) -> Answer {
    // Of the weights of the state, the last dimension is the hidden size.
    recurrent_of(call, call.input(2)?.shape.last().copied())
}

/// `DynamicQuantizeLSTM` of onnxruntime: its weights are transposed.
pub fn dynamic_quantize(call: &Call) -> Answer {
    recurrent_of(call, call.input(2)?.shape.get(1).copied())
}

fn recurrent_of(call: &Call, hidden: Option<u64>) -> Answer {
    let input = call.input(0)?;
    let attributes = call.attributes();
    let (Some(hidden), &[first, second, _]) = (hidden, &input.shape[..]) else {
        return wrong(format!("{:?} is not a batched sequence", input.shape));
    };
    let n_directions = if attributes.text("direction") == "bidirectional" { 2 } else { 1 };
    let element = input.element;
    let batch_first = attributes.int("layout") == Some(1);
    let (all, last) = if batch_first {
        (vec![first, second, n_directions, hidden], vec![first, n_directions, hidden])
    } else {
        (vec![first, n_directions, second, hidden], vec![n_directions, second, hidden])
    };
    let last = Type { element, shape: last };
    Ok(vec![Type { element, shape: all }, last.clone(), last])
}
