//! Products of matrices.

use super::call::{Answer, Call, Failure, wrong};
use super::elementwise::broadcast_shapes;
use crate::element::Element;
use crate::graph::Type;
use std::collections::BTreeMap;

/// `Gemm`.
pub fn gemm(call: &Call) -> Answer {
    gemm_of(call, 0, 1, call.input(0)?.element)
}

fn gemm_of(call: &Call, left: usize, right: usize, element: Element) -> Answer {
    let (a, b) = (call.input(left)?, call.input(right)?);
    let matrix = |it: &Type, is_transposed: bool| match it.shape[..] {
        [rows, columns] => Ok(if is_transposed { (columns, rows) } else { (rows, columns) }),
        _ => wrong(format!("{:?} is not a matrix", it.shape)),
    };
    let (m, k) = matrix(a, call.attributes().flag("transA"))?;
    let (k_too, n) = matrix(b, call.attributes().flag("transB"))?;
    if k != k_too {
        return wrong(format!("matrices {:?} and {:?} cannot be multiplied", a.shape, b.shape));
    }
    Ok(vec![Type { element, shape: vec![m, n] }])
}

/// `MatMul`.
pub fn matmul(call: &Call) -> Answer {
    multiply(call, 0, 1, call.input(0)?.element)
}

/// `MatMulInteger`: integers of 32 bits.
pub fn matmul_integer(call: &Call) -> Answer {
    multiply(call, 0, 1, Element::Signed(32))
}

/// `QLinearMatMul`: each matrix is followed by a scale and a zero point.
pub fn qlinear_matmul(call: &Call) -> Answer {
    multiply(call, 0, 3, call.input(7)?.element)
}

fn multiply(call: &Call, left: usize, right: usize, element: Element) -> Answer {
    let shape = multiply_shapes(&call.input(left)?.shape, &call.input(right)?.shape)?;
    Ok(vec![Type { element, shape }])
}

/// `QGemm` of onnxruntime: A and B are each followed by a scale and a zero point, and C by those of the result.
/// Without a zero point, the result has floats.
pub fn qlinear_gemm(call: &Call) -> Answer {
    let element = call.optional(8).map_or(Element::Float(32), |it| it.element);
    gemm_of(call, 0, 3, element)
}

/// `DynamicQuantizeMatMul` of onnxruntime: quantises A as it runs.
pub fn dynamic_quantize(call: &Call) -> Answer {
    matmul(call)
}

/// `MatMulIntegerToFloat` of onnxruntime: of the type of its scales.
pub fn integer_to_float(call: &Call) -> Answer {
    multiply(call, 0, 1, call.input(2)?.element)
}

/// `FusedMatMul` of onnxruntime: either matrix may be transposed.
pub fn fused(call: &Call) -> Answer {
    if call.attributes().flag("transBatchA") || call.attributes().flag("transBatchB") {
        return Err(Failure::Unknown("transposed batches are not supported".into()));
    }
    let shape = |index: usize, name: &str| -> Result<Vec<u64>, Failure> {
        let mut shape = call.input(index)?.shape.clone();
        if let [.., rows, columns] = &mut shape[..]
            && call.attributes().flag(name)
        {
            std::mem::swap(rows, columns);
        }
        Ok(shape)
    };
    let shape = multiply_shapes(&shape(0, "transA")?, &shape(1, "transB")?)?;
    Ok(vec![Type { element: call.input(0)?.element, shape }])
}

/// `MatMulNBits` and `MatMulBnb4` of onnxruntime: the weight is K by N in blocks of few bits, and comes as
/// the bytes that it is packed into.
pub fn few_bits(call: &Call) -> Answer {
    let input = call.input(0)?;
    let attribute = |name| call.attributes().int(name).and_then(|it| u64::try_from(it).ok());
    let (Some(k), Some(n)) = (attribute("K"), attribute("N")) else {
        return wrong("it does not specify the size of its weight: attributes 'K' and 'N'");
    };
    match input.shape.split_last() {
        Some((last, outer)) if *last == k => Ok(vec![Type { element: input.element, shape: [outer, &[n]].concat() }]),
        _ => wrong(format!("{:?} and a weight of {k} by {n} cannot be multiplied", input.shape)),
    }
}

/// The shape of a product, as in NumPy: a vector is a row on the left and a column on the right, and its
/// dimension is dropped in the result; dimensions before the last two are broadcast.
fn multiply_shapes(left: &[u64], right: &[u64]) -> Result<Vec<u64>, Failure> {
    let fail = || wrong(format!("{left:?} and {right:?} cannot be multiplied"));
    let (left_batch, m, k) = match left {
        [k] => (&[][..], None, *k),
        [batch @ .., m, k] => (batch, Some(*m), *k),
        [] => return fail(),
    };
    let (right_batch, k_too, n) = match right {
        [k] => (&[][..], *k, None),
        [batch @ .., k, n] => (batch, *k, Some(*n)),
        [] => return fail(),
    };
    if k != k_too {
        return fail();
    }
    let mut shape = broadcast_shapes(left_batch, right_batch)?;
    shape.extend(m);
    shape.extend(n);
    Ok(shape)
}

/// `Einsum`.
pub fn einsum(call: &Call) -> Answer {
    let equation: String = call.attributes().text("equation").chars().filter(|it| !it.is_whitespace()).collect();
    let (inputs, output) = match equation.split_once("->") {
        Some((inputs, output)) => (inputs, Some(output)),
        None => (equation.as_str(), None),
    };
    let inputs: Vec<&str> = inputs.split(',').collect();
    if inputs.len() != call.node.inputs.len() {
        return wrong(format!("the equation '{equation}' has {} terms", inputs.len()));
    }
    if equation.contains('.') {
        return Err(Failure::Unknown("an ellipsis in an equation is not supported".into()));
    }
    let mut sizes: BTreeMap<char, u64> = BTreeMap::new();
    let mut counts: BTreeMap<char, usize> = BTreeMap::new();
    for (index, term) in inputs.iter().enumerate() {
        let shape = &call.input(index)?.shape;
        if term.chars().count() != shape.len() {
            return wrong(format!("the term '{term}' does not fit {shape:?}"));
        }
        for (letter, size) in term.chars().zip(shape) {
            *counts.entry(letter).or_default() += 1;
            let known = sizes.entry(letter).or_insert(*size);
            if *known == 1 {
                *known = *size;
            }
            if *size != 1 && known != size {
                return wrong(format!("'{letter}' is {known} and {size}"));
            }
        }
    }
    let output: String = match output {
        Some(output) => output.into(),
        None => counts.iter().filter(|(_, n)| **n == 1).map(|(letter, _)| *letter).collect(),
    };
    let size = |letter: char| match sizes.get(&letter) {
        Some(size) => Ok(*size),
        None => wrong(format!("'{letter}' is in no term of the equation")),
    };
    let shape = output.chars().map(size).collect::<Result<Vec<u64>, Failure>>()?;
    Ok(vec![Type { element: call.input(0)?.element, shape }])
}
