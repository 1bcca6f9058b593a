//! A network as text in COSMA's source form.
//!
//! ```mlir
//! func.func @net(%x: tensor<1x8xi8> loc("x"), %w: tensor<8x8xi8> {cosma.weight} loc("w")) -> tensor<1x8xi8> {
//!   %y = cosma.op "Gemm"(%x, %w) macs 64 {nodes = ["fc", "relu"]} : (…) -> tensor<1x8xi8> loc("fc"("net.onnx":1:1))
//!   return %y : tensor<1x8xi8>
//! }
//! ```
//!
//! Values have their names in the model, as far as MLIR's syntax allows. Locations have the original names: for an
//! operator, the framework's module and its kind if the model names one, else its first node, with the file and the
//! node's number as the line. A view is one of the view operations of MLIR's dialect `tensor`, right before its first use.
//! `nodes` lists all nodes that an operator represents; it also distinguishes operators that differ only in attributes that
//! are not written.

mod access;
mod view;

use self::access::AccessOf;
use crate::element::Element;
use crate::network::{InPlace, Network, Operator, Origin, Tensor, TensorIndex};
use std::collections::HashSet;
use std::fmt::{self, Write};

/// As MLIR text in source form.
impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Names::of(&self.tensors);
        let of_tensor = names.of_tensor.clone();
        let name = |it: &TensorIndex| of_tensor[it.0].as_str();
        let r#type = |it: &TensorIndex| TypeOf(&self.tensors[it.0].shape, self.tensors[it.0].element);
        write!(f, "func.func @{}(", Quoted(if self.name.is_empty() { "main" } else { &self.name }))?;
        for (index, it) in self.arguments.iter().enumerate() {
            let tensor = &self.tensors[it.0];
            f.write_str(if index == 0 { "\n" } else { ",\n" })?;
            write!(f, "    %{}: {}", name(it), r#type(it))?;
            if tensor.origin == Origin::Weight {
                f.write_str(" {cosma.weight}")?;
            }
            write!(f, " loc({})", Quoted(&tensor.name))?;
        }
        let shapes = self.results.iter().zip(&self.result_shapes);
        let returned = shapes.map(|(it, shape)| TypeOf(shape, self.tensors[it.0].element));
        writeln!(f, ") -> ({}) {{", List(returned.clone()))?;
        let mut is_there: Vec<bool> = self.tensors.iter().map(|it| !it.origin.is_view()).collect();
        for operator in &self.operators {
            let Operator { name: name_of_op, kind, nodes, position, reads, writes, in_place, access, .. } = operator;
            for read in reads {
                self.write_views(f, &mut names, *read, &mut is_there)?;
            }
            f.write_str("  ")?;
            if !writes.is_empty() {
                write!(f, "{} = ", List(writes.iter().map(|it| format!("%{}", name(it)))))?;
            }
            write!(f, "cosma.op {}({})", Quoted(kind), List(reads.iter().map(|it| format!("%{}", name(it)))))?;
            if let Some(access) = access {
                write!(f, " access {}", AccessOf(access, reads.len()))?;
            }
            if let Some(macs) = operator.countable_macs() {
                write!(f, " macs {macs}")?;
            }
            if !in_place.is_empty() {
                write!(f, " in_place [{}]", List(in_place.iter().map(|it| Overlay(operator, it))))?;
            }
            write!(f, " {{nodes = [{}]}}", List(nodes.iter().map(|it| Quoted(it))))?;
            write!(f, " : ({}) -> ", List(reads.iter().map(r#type)))?;
            match &writes[..] {
                [one] => write!(f, "{}", r#type(one))?,
                many => write!(f, "({})", List(many.iter().map(r#type)))?,
            }
            writeln!(f, " loc({}({}:{position}:1))", Quoted(name_of_op), Quoted(&self.file))?;
        }
        if self.results.is_empty() {
            return writeln!(f, "  return\n}}");
        }
        let mut values = Vec::new();
        for (index, shape) in self.results.iter().zip(&self.result_shapes) {
            let tensor = &self.tensors[index.0];
            if tensor.shape == *shape {
                values.push(name(index).to_owned());
                continue;
            }
            let value = names.fresh(name(index));
            view::reshape(f, &mut names, (tensor, name(index)), (shape, &value))?;
            values.push(value);
        }
        let values = List(values.iter().map(|it| format!("%{it}")));
        writeln!(f, "  return {values} : {}\n}}", List(returned))
    }
}

impl Network {
    /// Writes the source of a view, and then the view itself, if they are not written yet.
    fn write_views(
        &self,
        f: &mut fmt::Formatter<'_>,
        names: &mut Names,
        tensor: TensorIndex,
        is_there: &mut [bool],
    ) -> fmt::Result {
        // From the tensor that is there to the one that is wanted.
        let mut missing = Vec::new();
        let mut next = tensor;
        while !std::mem::replace(&mut is_there[next.0], true)
            && let Origin::View { of, at } = self.tensors[next.0].origin
        {
            missing.push((next, of, at));
            next = of;
        }
        for (tensor, of, at) in missing.into_iter().rev() {
            let (result, source) = (&self.tensors[tensor.0], &self.tensors[of.0]);
            let (name, of) = (names.of_tensor[tensor.0].clone(), names.of_tensor[of.0].clone());
            let at = source.element_at(at);
            view::piece(f, names, (source, &of), at, (result, &name))?;
        }
        Ok(())
    }
}

/// Names that MLIR can read.
struct Names {
    of_tensor: Vec<String>,
    taken: HashSet<String>,
}

impl Names {
    /// A name that no other value has, made from another name.
    fn fresh(&mut self, from: &str) -> String {
        let mut name = format!("{from}.view");
        let mut n = 0;
        while !self.taken.insert(name.clone()) {
            n += 1;
            name = format!("{from}.view{n}");
        }
        name
    }

    /// A name for each tensor that MLIR can read, as close to the model's as possible.
    fn of(tensors: &[Tensor]) -> Names {
        let mut taken = HashSet::new();
        let mut of_tensor = Vec::with_capacity(tensors.len());
        for (index, tensor) in tensors.iter().enumerate() {
            let allowed =
                |it: char| if it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-' | '$') { it } else { '_' };
            let mut name: String = tensor.name.trim_start_matches('/').chars().map(allowed).collect();
            if !name.starts_with(|it: char| it.is_ascii_alphabetic() || it == '_') {
                name.insert(0, '_');
            }
            if !taken.insert(name.clone()) {
                // The index is another one for each tensor; a name that looks like that gets another one still.
                name = format!("{name}_{index}");
                while !taken.insert(name.clone()) {
                    name.push('_');
                }
            }
            of_tensor.push(name);
        }
        Names { of_tensor, taken }
    }
}

/// A type by shape and element.
#[derive(Clone, Copy)]
struct TypeOf<'a>(&'a [u64], Element);

impl fmt::Display for TypeOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensor<")?;
        for size in self.0 {
            write!(f, "{size}x")?;
        }
        write!(f, "{}>", self.1)
    }
}

/// A result and an operand by their indices, and the offset of one in the other.
struct Overlay<'a>(&'a Operator, &'a InPlace);

impl fmt::Display for Overlay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overlay(operator, InPlace { result, operand, part }) = self;
        let index = |tensors: &[TensorIndex], it| tensors.iter().position(|other| *other == it).unwrap_or_default();
        write!(f, "[{}, {}", index(&operator.writes, *result), index(&operator.reads, *operand))?;
        if let Some(at) = part.filter(|it| *it != 0) {
            write!(f, ", {at}")?;
        }
        f.write_char(']')
    }
}

/// A text as MLIR reads it.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('"')?;
        for byte in self.0.bytes() {
            match byte {
                b'"' | b'\\' | ..0x20 | 0x7f.. => write!(f, "\\{byte:02X}")?,
                _ => f.write_char(byte.into())?,
            }
        }
        f.write_char('"')
    }
}

/// With commas between.
struct List<I>(I);

impl<I: Iterator<Item: fmt::Display> + Clone> fmt::Display for List<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, it) in self.0.clone().enumerate() {
            write!(f, "{}{it}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
