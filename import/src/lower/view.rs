//! Views: operators whose result has the bytes of their first input, in the same order.

use crate::graph::{Type, n_elements};
use crate::infer::{Call, permutation, picked, ranges};

/// Whether the first result of a node is a view of its first input.
pub fn is_view(call: &Call) -> bool {
    if !call.node.domain.is_empty() {
        return false;
    }
    let Some(input) = call.optional(0) else { return false };
    let keeps_shape = || output(call).is_some_and(|it| it.shape == input.shape);
    match call.node.kind.as_str() {
        "Identity" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" | "Dropout" => true,
        // The caller has checked that the type does not change.
        "Cast" | "CastLike" => true,
        "Transpose" => permutation(call).is_ok_and(|order| moves_only_ones(&order, &input.shape)),
        "Expand" | "Tile" => keeps_shape(),
        "Concat" | "Max" | "Min" | "Sum" | "Mean" => call.node.inputs.len() == 1,
        "Split" => call.node.outputs.len() == 1,
        "Gather" | "GatherND" => {
            picked(call).is_some_and(|it| it.start == 0 && n_elements(&input.shape) == Some(it.end) && it.end != 0)
        }
        "Slice" => keeps_shape() && ranges(call).is_ok_and(|it| it.iter().all(|it| it.step == 1)),
        "Pad" => matches!(call.ints_of("pads", 1), Ok(Some(pads)) if pads.iter().all(|it| *it == 0)),
        _ => false,
    }
}

fn output<'a>(call: &Call<'a>) -> Option<&'a Type> {
    call.values[call.node.outputs.first().copied().flatten()?].r#type.as_ref()
}

/// Whether a permutation moves only dimensions of one.
fn moves_only_ones(order: &[usize], shape: &[u64]) -> bool {
    order.iter().filter(|it| shape[**it] != 1).is_sorted()
}
