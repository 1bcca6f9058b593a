//! Quantised networks as converters from TFLite write them: sums of 32 bits within operators, bytes between.

use crate::{CASES, QUICK, run};
use cosma::{MachineOptions, Options, Solver, Stages, optimize};
use std::fmt::Write;

/// A function of `tosa` on images of eight bits, `side` by `side`.
struct Network {
    side: usize,
    arguments: Vec<String>,
    body: String,
    n_values: usize,
}

impl Network {
    fn push(&mut self, operation: &str) -> String {
        self.n_values += 1;
        let name = format!("%v{}", self.n_values);
        writeln!(self.body, "  {name} = {operation}").expect("text takes any line");
        name
    }

    fn weight(&mut self, r#type: &str) -> String {
        let name = format!("%w{}", self.arguments.len());
        self.arguments.push(format!("{name}: {type} {{cosma.weight}}"));
        name
    }

    fn constant(&mut self, value: i64, r#type: &str) -> String {
        self.push(&format!("\"tosa.const\"() <{{values = dense<{value}> : {type}}}> : () -> {type}"))
    }

    fn image(&self, channels: usize, element: &str) -> String {
        format!("tensor<1x{0}x{0}x{channels}x{element}>", self.side)
    }

    /// To another width, by a factor for all channels or for each.
    fn rescale(&mut self, x: &str, types: [&str; 2], multiplier: i64, shift: i64, each: Option<usize>) -> String {
        let element =
            |r#type: &str| r#type.rsplit('x').next().expect("it has elements").trim_end_matches('>').to_owned();
        let n = each.unwrap_or(1);
        let (factors, shifts) = (format!("tensor<{n}xi32>"), format!("tensor<{n}xi8>"));
        let zeros = types.map(|r#type| format!("tensor<1x{}>", element(r#type)));
        let zero = |r#type: &str, value: i64| if r#type == "tensor<1xi8>" { value } else { 0 };
        let multiplier = self.constant(multiplier, &factors);
        let shift = self.constant(shift, &shifts);
        let (before, after) = (zero(&zeros[0], 3), zero(&zeros[1], -5));
        let (before, after) = (self.constant(before, &zeros[0]), self.constant(after, &zeros[1]));
        let [from, to] = types;
        self.push(&format!(
            "tosa.rescale {x}, {multiplier}, {shift}, {before}, {after} {{input_unsigned = false, output_unsigned = false, \
             per_channel = {}, rounding_mode = DOUBLE_ROUND, scale32 = true}} : ({from}, {factors}, {shifts}, {}, {}) -> {to}",
            each.is_some(),
            zeros[0],
            zeros[1]
        ))
    }

    /// With a kernel of one, or of three for each channel by itself.
    fn conv(&mut self, x: &str, from: usize, to: Option<usize>) -> String {
        let (kind, weights, pad) = match to {
            Some(to) => ("conv2d", format!("tensor<{to}x1x1x{from}xi8>"), "0, 0, 0, 0"),
            None => ("depthwise_conv2d", format!("tensor<3x3x{from}x1xi8>"), "1, 1, 1, 1"),
        };
        let to = to.unwrap_or(from);
        let (source, sums, result) = (self.image(from, "i8"), self.image(to, "i32"), self.image(to, "i8"));
        let (w, b) = (self.weight(&weights), self.weight(&format!("tensor<{to}xi32>")));
        let zeros = [self.constant(3, "tensor<1xi8>"), self.constant(0, "tensor<1xi8>")];
        let y = self.push(&format!(
            "tosa.{kind} {x}, {w}, {b}, {}, {} {{acc_type = i32, dilation = array<i64: 1, 1>, pad = array<i64: {pad}>, \
             stride = array<i64: 1, 1>}} : ({source}, {weights}, tensor<{to}xi32>, tensor<1xi8>, tensor<1xi8>) -> {sums}",
            zeros[0], zeros[1]
        ));
        let y = self.rescale(&y, [&sums, &result], 1_140_768_826, 38, (kind == "conv2d").then_some(to));
        self.push(&format!("tosa.clamp {y} {{max_val = 100 : i8, min_val = -5 : i8}} : ({result}) -> {result}"))
    }

    fn add(&mut self, x: &str, y: &str, channels: usize) -> String {
        let (narrow, wide) = (self.image(channels, "i8"), self.image(channels, "i32"));
        let x = self.rescale(x, [&narrow, &wide], 1 << 30, 20, None);
        let y = self.rescale(y, [&narrow, &wide], 1_273_741_824, 20, None);
        let sum = self.push(&format!("tosa.add {x}, {y} : ({wide}, {wide}) -> {wide}"));
        self.rescale(&sum, [&wide, &narrow], 1_523_741_824, 42, None)
    }
}

/// MobileNet-v2's blocks: to many channels, each by itself, and back again, with what went around.
fn residual(side: usize, channels: usize, inner: usize, n_blocks: usize) -> String {
    let mut network = Network { side, arguments: Vec::new(), body: String::new(), n_values: 0 };
    let r#type = network.image(channels, "i8");
    let mut x = "%x".to_owned();
    for _ in 0..n_blocks {
        let y = network.conv(&x, channels, Some(inner));
        let y = network.conv(&y, inner, None);
        let y = network.conv(&y, inner, Some(channels));
        x = network.add(&x, &y, channels);
    }
    let arguments = network.arguments.join(", ");
    format!("func.func @main(%x: {type}, {arguments}) -> {type} {{\n{}  return {x} : {type}\n}}\n", network.body)
}

#[test]
fn residual_networks_of_bytes() {
    let text = residual(6, 4, 10, 3);
    let comparisons = run("quantised residual", &text, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(comparisons.len(), CASES.len(), "each way to plan gives one program");
}

/// Of each block, the operator that needs the most is the one for each channel by itself: two images of bytes,
/// and what went around the block, which waits in bytes as well.
#[test]
fn nothing_wide_lies_between_operators() {
    let (side, channels, inner) = (16, 8, 32);
    let text = residual(side, channels, inner, 2);
    let context = cosma::new_context();
    let mut module = cosma::parse(&context, text.as_bytes(), "network.mlir").expect("it is well-formed");
    let options = Options {
        machine: MachineOptions {
            scratchpad: Some((1 << 20).into()),
            alignment: Some(1_u64.into()),
            ..MachineOptions::default()
        },
        stages: Stages { group: true, schedule: true, allocate: true, ..Stages::default() },
        solver: Solver::Search,
        ..Options::default()
    };
    let report = optimize(&mut module, &options).expect("there is a plan").functions.remove(0);
    let image = (side * side) as u64;
    let (channels, inner) = (channels as u64, inner as u64);
    assert_eq!(report.operators, 8);
    // Two images of bytes; weights of a byte, sums to begin with of four, and factors and shifts for each channel.
    assert_eq!(report.min_scratchpad, 2 * image * inner + 9 * inner + 4 * inner);
    // The factors and shifts of both blocks are equal: a constant that stays for the second one.
    assert_eq!(report.peak, report.min_scratchpad + image * channels + 5 * inner);
}
