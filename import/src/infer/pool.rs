//! Pooling, and the arithmetic of sliding windows.

use super::call::{Answer, Call, Failure, list, size, wrong};
use crate::element::Element;
use crate::graph::Type;

/// A window that slides over the spatial dimensions.
pub struct Window {
    pub kernel: Vec<i64>,
    pub strides: Vec<i64>,
    pub dilations: Vec<i64>,
    /// The padding of each dimension, at its begin and end.
    pub pads: Vec<(i64, i64)>,
    pub auto_pad: AutoPad,
    /// Whether a window that begins within the data may extend beyond its end.
    pub is_ceil: bool,
}

/// How padding is determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutoPad {
    Explicit,
    Same,
    Valid,
}

impl Window {
    /// The window with this kernel, from the attributes of a node.
    pub fn read(call: &Call, kernel: &[i64]) -> Result<Window, Failure> {
        let attributes = call.attributes();
        let n = kernel.len();
        let positive = |list: Vec<i64>, name: &str| {
            if list.iter().all(|it| 0 < *it) { Ok(list) } else { wrong(format!("{name} must be positive: {list:?}")) }
        };
        let pads = list(attributes.ints("pads"), 2 * n, 0, "pads")?;
        let auto_pad = match attributes.text("auto_pad") {
            "" | "NOTSET" => AutoPad::Explicit,
            "SAME_UPPER" | "SAME_LOWER" => AutoPad::Same,
            "VALID" => AutoPad::Valid,
            other => return wrong(format!("there is no auto_pad '{other}'")),
        };
        Ok(Window {
            kernel: positive(kernel.to_vec(), "the kernel")?,
            strides: positive(list(attributes.ints("strides"), n, 1, "strides")?, "strides")?,
            dilations: positive(list(attributes.ints("dilations"), n, 1, "dilations")?, "dilations")?,
            pads: (0..n).map(|it| (pads[it], pads[it + n])).collect(),
            auto_pad,
            is_ceil: attributes.flag("ceil_mode"),
        })
    }

    /// The size of the result in one dimension, from the size of the input.
    pub fn slide(&self, dimension: usize, input: u64) -> Result<u64, Failure> {
        let input = i128::from(input);
        let stride = i128::from(self.strides[dimension]);
        let span = self.span(dimension);
        let (begin, end) = match self.auto_pad {
            AutoPad::Explicit => self.pads[dimension],
            AutoPad::Valid => (0, 0),
            AutoPad::Same => return size((input + stride - 1) / stride),
        };
        let (begin, end) = (i128::from(begin), i128::from(end));
        let rest = input + begin + end - span;
        if rest < 0 {
            return wrong(format!(
                "a window of {span} does not fit into {input} elements and padding {begin} and {end}"
            ));
        }
        let is_ceil = self.is_ceil && self.auto_pad == AutoPad::Explicit;
        let mut n = if is_ceil { (rest + stride - 1) / stride } else { rest / stride } + 1;
        // A window that would begin in the padding at the end does not count.
        if is_ceil && input + begin <= (n - 1) * stride {
            n -= 1;
        }
        size(n)
    }

    /// The extent of the dilated window, in elements.
    pub fn span(&self, dimension: usize) -> i128 {
        i128::from(self.dilations[dimension]) * (i128::from(self.kernel[dimension]) - 1) + 1
    }
}

/// Pooling over windows; `MaxPool` has the indices as second result.
pub fn pool(call: &Call) -> Answer {
    let input = call.input(0)?;
    let Some(kernel) = call.attributes().ints("kernel_shape") else { return wrong("it has no kernel_shape") };
    if input.shape.len() != kernel.len() + 2 {
        return wrong(format!("a kernel of {} dimensions does not slide over {:?}", kernel.len(), input.shape));
    }
    let window = Window::read(call, kernel)?;
    let is_last = call.attributes().flag("channels_last") || call.node.kind == "NhwcMaxPool";
    let mut shape = input.shape.clone();
    for (dimension, size) in shape[if is_last { 1 } else { 2 }..].iter_mut().take(kernel.len()).enumerate() {
        *size = window.slide(dimension, *size)?;
    }
    let indices = Type { element: Element::Signed(64), shape: shape.clone() };
    Ok(vec![Type { element: input.element, shape }, indices])
}

/// `MaxUnpool`: to the size that is given, or from which the windows would lead to this one.
pub fn unpool(call: &Call) -> Answer {
    let input = call.input(0)?;
    if let Some(given) = call.ints(2)? {
        let shape = given.iter().map(|it| size((*it).into())).collect::<Result<Vec<u64>, Failure>>()?;
        return Ok(vec![Type { element: input.element, shape }]);
    }
    let Some(kernel) = call.attributes().ints("kernel_shape") else { return wrong("it has no kernel_shape") };
    if input.shape.len() != kernel.len() + 2 {
        return wrong(format!("a kernel of {} dimensions does not slide over {:?}", kernel.len(), input.shape));
    }
    let window = Window::read(call, kernel)?;
    let mut shape = input.shape.clone();
    for (dimension, it) in shape[2..].iter_mut().enumerate() {
        let (begin, end) = window.pads[dimension];
        let moved = (i128::from(*it) - 1) * i128::from(window.strides[dimension]);
        *it = size(moved + i128::from(kernel[dimension]) - i128::from(begin) - i128::from(end))?;
    }
    Ok(vec![Type { element: input.element, shape }])
}

/// Pooling over everything.
pub fn global(call: &Call) -> Answer {
    let input = call.input(0)?;
    let rank = input.shape.len();
    if rank < 2 {
        return wrong(format!("there are no channels in {:?}", input.shape));
    }
    let mut shape = input.shape.clone();
    let is_last = call.attributes().flag("channels_last");
    shape[if is_last { 1..rank - 1 } else { 2..rank }].fill(1);
    Ok(vec![Type { element: input.element, shape }])
}

/// Pooling over regions that the second input lists.
pub fn regions(call: &Call) -> Answer {
    let (input, regions) = (call.input(0)?, call.input(1)?);
    let attributes = call.attributes();
    let output = |name| attributes.int(name).unwrap_or(1);
    let size_of = match attributes.ints("pooled_shape") {
        Some(shape) => shape.to_vec(),
        None => vec![output("output_height"), output("output_width")],
    };
    let (Some(n), Some(channels)) = (regions.shape.first(), input.shape.get(1)) else {
        return wrong("there are no regions or channels");
    };
    let mut shape = vec![*n, *channels];
    for it in size_of {
        shape.push(size(it.into())?);
    }
    Ok(vec![Type { element: input.element, shape }])
}
