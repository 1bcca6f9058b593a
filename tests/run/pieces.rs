//! Operators in pieces: programs as one would write them by hand, in bands of rows and blocks of channels, compute
//! what the whole operators do, planned and lowered any way.

use crate::{CASES, QUICK, run};
use cosma::execute::{Comparison, Original};
use std::fmt::Write;
use std::ops::Range;

/// A program in bands of so many rows, or with whole operators.
struct Program {
    rows: Option<usize>,
    arguments: Vec<String>,
    body: String,
    n_values: usize,
}

/// An image, `1 × height × width × channels`, as the tensors that it consists of.
#[derive(Clone)]
struct Image {
    shape: [usize; 3],
    pieces: Vec<Piece>,
    /// The tensor in host memory that it is put together to, where others read rows of it.
    host: Option<String>,
}

#[derive(Clone)]
struct Piece {
    rows: Range<usize>,
    channels: Range<usize>,
    name: String,
}

/// How an operator walks over the rows of what it reads.
#[derive(Clone, Copy)]
struct Window {
    kernel: usize,
    stride: usize,
    dilation: usize,
    pad: usize,
}

const ROW: Window = Window { kernel: 1, stride: 1, dilation: 1, pad: 0 };
const SAME: Window = Window { kernel: 3, stride: 1, dilation: 1, pad: 1 };

impl Window {
    /// How far it reaches.
    fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    fn outputs(&self, size: usize) -> usize {
        (size + 2 * self.pad - self.extent()) / self.stride + 1
    }

    /// The rows that rows of the result need, and how many rows of padding come before and after them.
    fn needs(&self, rows: &Range<usize>, height: usize) -> (Range<usize>, [usize; 2]) {
        let (start, end) = (rows.start * self.stride, (rows.end - 1) * self.stride + self.extent());
        let (first, last) = (start.max(self.pad) - self.pad, (end.max(self.pad) - self.pad).min(height));
        (first..last, [self.pad.saturating_sub(start), end.saturating_sub(self.pad + height)])
    }
}

fn image_type(rows: usize, [_, width, channels]: [usize; 3]) -> String {
    format!("tensor<1x{rows}x{width}x{channels}xf32>")
}

impl Program {
    fn new(rows: Option<usize>) -> Program {
        Program { rows, arguments: Vec::new(), body: String::new(), n_values: 0 }
    }

    fn line(&mut self, operation: &str) -> String {
        let name = format!("%v{}", self.n_values);
        self.n_values += 1;
        writeln!(self.body, "  {name} = {operation}").expect("text takes any line");
        name
    }

    fn argument(&mut self, r#type: &str, mark: &str) -> String {
        let name = format!("%a{}", self.arguments.len());
        self.arguments.push(format!("{name}: {type}{mark}"));
        name
    }

    fn bands(&self, height: usize) -> Vec<Range<usize>> {
        let rows = self.rows.unwrap_or(height);
        (0..height).step_by(rows).map(|it| it..(it + rows).min(height)).collect()
    }

    fn input(&mut self, shape: [usize; 3]) -> Image {
        let whole = self.argument(&image_type(shape[0], shape), "");
        let mut pieces = Vec::new();
        for rows in self.bands(shape[0]) {
            let [height, width, channels] = shape;
            let (from, n) = (rows.start, rows.len());
            let name = match self.rows {
                None => whole.clone(),
                Some(_) => self.line(&format!(
                    "tensor.extract_slice {whole}[0, {from}, 0, 0] [1, {n}, {width}, {channels}] [1, 1, 1, 1] : {} to {}",
                    image_type(height, shape),
                    image_type(n, shape)
                )),
            };
            pieces.push(Piece { rows, channels: 0..channels, name });
        }
        Image { shape, pieces, host: None }
    }

    /// A tile: the rows of images that it needs are put together inside of it.
    fn tile(
        &mut self,
        kind: &str,
        images: &[(&Image, Range<usize>)],
        weights: &[(String, String)],
        result: &str,
        body: impl Fn(&[String]) -> String,
    ) -> String {
        let (mut operands, mut types, mut inside) = (Vec::new(), Vec::new(), String::new());
        let mut windows = Vec::new();
        for (index, (image, rows)) in images.iter().enumerate() {
            if let Some(host) = &image.host {
                let ([height, width, channels], from, n) = (image.shape, rows.start, rows.len());
                let part = image_type(n, image.shape);
                operands.push(self.line(&format!(
                    "tensor.extract_slice {host}[0, {from}, 0, 0] [1, {n}, {width}, {channels}] [1, 1, 1, 1] : {} to {part}",
                    image_type(height, image.shape)
                )));
                types.push((format!("%i{index}"), part));
                windows.push(format!("%i{index}"));
                continue;
            }
            let read: Vec<&Piece> =
                image.pieces.iter().filter(|it| it.rows.start < rows.end && rows.start < it.rows.end).collect();
            let held = read[0].rows.start..read[read.len() - 1].rows.end;
            let parts: Vec<String> = (0..read.len()).map(|it| format!("%i{index}_{it}")).collect();
            let of: Vec<String> = read.iter().map(|it| image_type(it.rows.len(), image.shape)).collect();
            operands.extend(read.iter().map(|it| it.name.clone()));
            types.extend(parts.iter().cloned().zip(of.iter().cloned()));
            let mut window = parts[0].clone();
            if 1 < parts.len() {
                let (parts, of) = (parts.join(", "), of.join(", "));
                window = format!("%in{index}");
                let r#type = image_type(held.len(), image.shape);
                writeln!(inside, "    {window} = tensor.concat dim(1) {parts} : ({of}) -> {type}").expect("it is text");
            }
            if held != *rows {
                let [_, width, channels] = image.shape;
                let (from, n) = (rows.start - held.start, rows.len());
                let (whole, part) = (image_type(held.len(), image.shape), image_type(n, image.shape));
                writeln!(
                    inside,
                    "    %cut{index} = tensor.extract_slice {window}[0, {from}, 0, 0] [1, {n}, {width}, {channels}] \
                     [1, 1, 1, 1] : {whole} to {part}"
                )
                .expect("it is text");
                window = format!("%cut{index}");
            }
            windows.push(window);
        }
        for (index, (name, r#type)) in weights.iter().enumerate() {
            operands.push(name.clone());
            types.push((format!("%w{index}"), r#type.clone()));
            windows.push(format!("%w{index}"));
        }
        let block: Vec<String> = types.iter().map(|(name, of)| format!("{name}: {of}")).collect();
        let of: Vec<String> = types.into_iter().map(|it| it.1).collect();
        self.line(&format!(
            "cosma.group \"{kind}\"({}) : ({}) -> {result} {{\n  ^bb0({}):\n{inside}{}\n    cosma.yield %y : {result}\n  }}",
            operands.join(", "),
            of.join(", "),
            block.join(", "),
            body(&windows)
        ))
    }

    /// An operator on each band of rows of its result.
    fn in_bands(&mut self, shape: [usize; 3], tile: impl Fn(&mut Program, &Range<usize>) -> String) -> Image {
        let mut pieces = Vec::new();
        for rows in self.bands(shape[0]) {
            let name = tile(self, &rows);
            pieces.push(Piece { rows, channels: 0..shape[2], name });
        }
        Image { shape, pieces, host: None }
    }

    /// A convolution with a bias, of which each block of output channels takes its own weights.
    fn convolution(&mut self, x: &Image, channels: usize, window: Window, block: usize) -> Image {
        let [height, width, depth] = x.shape;
        let kernel = window.kernel;
        let filter = |n: usize| format!("tensor<{n}x{kernel}x{kernel}x{depth}xf32>");
        let bias = |n: usize| format!("tensor<{n}xf32>");
        let w = self.argument(&filter(channels), " {cosma.weight}");
        let b = self.argument(&bias(channels), " {cosma.weight}");
        let shape = [window.outputs(height), window.outputs(width), channels];
        let block = if self.rows.is_none() { channels } else { block };
        let mut pieces = Vec::new();
        for from in (0..channels).step_by(block) {
            let n = block.min(channels - from);
            let mut weights = vec![(w.clone(), filter(n)), (b.clone(), bias(n))];
            if n < channels {
                weights[0].0 = self.line(&format!(
                    "tensor.extract_slice {w}[{from}, 0, 0, 0] [{n}, {kernel}, {kernel}, {depth}] [1, 1, 1, 1] : {} to {}",
                    filter(channels),
                    filter(n)
                ));
                weights[1].0 = self.line(&format!(
                    "tensor.extract_slice {b}[{from}] [{n}] [1] : {} to {}",
                    bias(channels),
                    bias(n)
                ));
            }
            let part = self.in_bands([shape[0], shape[1], n], |program, rows| {
                let (needed, [top, bottom]) = window.needs(rows, height);
                let (from, to) = (image_type(needed.len(), x.shape), image_type(rows.len(), [0, shape[1], n]));
                let (pad, Window { stride, dilation, .. }) = (window.pad, window);
                program.tile("tosa.conv2d", &[(x, needed)], &weights, &to, |it| {
                    format!(
                        "    %zero = \"tosa.const\"() <{{values = dense<0.0> : tensor<1xf32>}}> : () -> tensor<1xf32>\n    \
                         %y = tosa.conv2d {}, {}, {}, %zero, %zero {{acc_type = f32, dilation = array<i64: {dilation}, \
                         {dilation}>, pad = array<i64: {top}, {bottom}, {pad}, {pad}>, stride = array<i64: {stride}, \
                         {stride}>}} : ({from}, {}, {}, tensor<1xf32>, tensor<1xf32>) -> {to}",
                        it[0], it[1], it[2], filter(n), bias(n)
                    )
                })
            });
            pieces.extend(part.pieces.into_iter().map(|it| Piece { channels: from..from + n, ..it }));
        }
        Image { shape, pieces, host: None }
    }

    fn pool(&mut self, x: &Image, is_max: bool, window: Window) -> Image {
        let [height, width, channels] = x.shape;
        let shape = [window.outputs(height), window.outputs(width), channels];
        self.in_bands(shape, |program, rows| {
            let (needed, [top, bottom]) = window.needs(rows, height);
            let (from, to) = (image_type(needed.len(), x.shape), image_type(rows.len(), shape));
            let Window { kernel, stride, pad, .. } = window;
            let attributes = format!(
                "kernel = array<i64: {kernel}, {kernel}>, pad = array<i64: {top}, {bottom}, {pad}, {pad}>, stride = \
                 array<i64: {stride}, {stride}>"
            );
            program.tile("pool", &[(x, needed)], &[], &to, |it| match is_max {
                true => format!("    %y = tosa.max_pool2d {} {{{attributes}}} : ({from}) -> {to}", it[0]),
                false => format!(
                    "    %zero = \"tosa.const\"() <{{values = dense<0.0> : tensor<1xf32>}}> : () -> tensor<1xf32>\n    %y = \
                     tosa.avg_pool2d {}, %zero, %zero {{acc_type = f32, {attributes}}} : ({from}, tensor<1xf32>, \
                     tensor<1xf32>) -> {to}",
                    it[0]
                ),
            })
        })
    }

    fn add(&mut self, x: &Image, y: &Image) -> Image {
        self.in_bands(x.shape, |program, rows| {
            let of = image_type(rows.len(), x.shape);
            program.tile("tosa.add", &[(x, rows.clone()), (y, rows.clone())], &[], &of, |it| {
                format!("    %y = tosa.add {}, {} : ({of}, {of}) -> {of}", it[0], it[1])
            })
        })
    }

    /// Of channels.
    fn concat(&mut self, x: &Image, y: &Image) -> Image {
        let shape = [x.shape[0], x.shape[1], x.shape[2] + y.shape[2]];
        self.in_bands(shape, |program, rows| {
            let of = |it: &Image| image_type(rows.len(), it.shape);
            let to = image_type(rows.len(), shape);
            program.tile("tosa.concat", &[(x, rows.clone()), (y, rows.clone())], &[], &to, |it| {
                format!("    %y = tosa.concat {}, {} {{axis = 3 : i32}} : ({}, {}) -> {to}", it[0], it[1], of(x), of(y))
            })
        })
    }

    fn put_together(&mut self, image: &Image, r#type: &str) -> String {
        let mut name = self.line(&format!("tensor.empty() : {type}"));
        for piece in &image.pieces {
            let (row, n, width) = (piece.rows.start, piece.rows.len(), image.shape[1]);
            let (channel, depth) = (piece.channels.start, piece.channels.len());
            name = self.line(&format!(
                "tensor.insert_slice {} into {name}[0, {row}, 0, {channel}] [1, {n}, {width}, {depth}] [1, 1, 1, 1] : {} into \
                 {type}",
                piece.name,
                image_type(n, [0, width, depth])
            ));
        }
        name
    }

    /// An image that others read from host memory; from here on, bands have so many rows.
    fn through_host(&mut self, mut image: Image, rows: usize) -> Image {
        if self.rows.replace(rows).is_none() {
            self.rows = None;
            return image;
        }
        let r#type = image_type(image.shape[0], image.shape);
        image.host = Some(self.put_together(&image, &r#type));
        image
    }

    /// The module, with one function that gives these.
    fn finish(mut self, results: &[&Image]) -> String {
        let mut names = Vec::new();
        let types: Vec<String> = results.iter().map(|it| image_type(it.shape[0], it.shape)).collect();
        for (image, r#type) in results.iter().zip(&types) {
            let name = match (&image.host, self.rows) {
                (Some(host), _) => host.clone(),
                (None, Some(_)) => self.put_together(image, r#type),
                (None, None) => image.pieces[0].name.clone(),
            };
            names.push(name);
        }
        let (names, types) = (names.join(", "), types.join(", "));
        let arguments = self.arguments.join(", ");
        format!("func.func @main({arguments}) -> ({types}) {{\n{}  return {names} : {types}\n}}\n", self.body)
    }
}

/// What a program computes on arguments that depend only on its types.
fn results(text: &str) -> Vec<cosma::execute::Buffer> {
    let context = cosma::new_context();
    let module = cosma::parse(&context, text.as_bytes(), "pieces").unwrap_or_else(|| panic!("malformed:\n{text}"));
    let original = Original::new(&context, &module, &QUICK).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    original.results("main").expect("it ran").to_vec()
}

/// Writes a network with whole operators and in bands of so many rows, which compute the same, and plans the latter
/// in every way.
#[track_caller]
fn check(name: &str, rows: usize, network: impl Fn(&mut Program) -> Vec<Image>) -> Vec<Comparison> {
    let write = |rows| {
        let mut program = Program::new(rows);
        let results = network(&mut program);
        program.finish(&results.iter().collect::<Vec<_>>())
    };
    let (whole, tiled) = (write(None), write(Some(rows)));
    assert_eq!(results(&whole), results(&tiled), "{name}: whole and in bands of {rows} rows\n{tiled}");
    let comparisons = run(name, &tiled, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(comparisons.len(), CASES.len(), "each way to plan gives one program");
    let reloads = comparisons.iter().filter(|it| 0 < it.moved.reload).count();
    println!("{name}: {} programs, {reloads} of them reload", comparisons.len());
    comparisons
}

#[test]
fn a_convolution_in_bands_with_halo_and_padding() {
    check("bands", 3, |program| {
        let x = program.input([8, 5, 3]);
        vec![program.convolution(&x, 4, SAME, 4)]
    });
}

#[test]
fn blocks_of_output_channels() {
    check("blocks", 4, |program| {
        let x = program.input([7, 5, 3]);
        vec![program.convolution(&x, 7, SAME, 3)]
    });
}

#[test]
fn strides_and_dilation() {
    check("strides", 2, |program| {
        let x = program.input([13, 9, 3]);
        let y = program.convolution(&x, 4, Window { kernel: 3, stride: 2, dilation: 1, pad: 1 }, 4);
        vec![program.convolution(&y, 5, Window { kernel: 3, stride: 1, dilation: 2, pad: 2 }, 5)]
    });
}

#[test]
fn pools() {
    check("pools", 2, |program| {
        let x = program.input([11, 7, 3]);
        let max = program.pool(&x, true, Window { kernel: 3, stride: 2, dilation: 1, pad: 1 });
        vec![program.pool(&max, false, SAME)]
    });
}

#[test]
fn a_residual_and_a_concatenation() {
    check("residual", 3, |program| {
        let x = program.input([8, 4, 4]);
        let inner = program.convolution(&x, 4, SAME, 4);
        let outer = program.convolution(&inner, 4, SAME, 4);
        let sum = program.add(&x, &outer);
        let wide = program.concat(&sum, &inner);
        vec![program.convolution(&wide, 3, ROW, 3)]
    });
}

#[test]
fn constants_and_arguments_that_only_slices_read() {
    let part = "tensor<2x3xf32>";
    let text = format!(
        "func.func @main(%x: tensor<4x3xf32>) -> tensor<4x3xf32> {{
        %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]]> : tensor<4x3xf32>
        %e = tensor.empty() : tensor<4x3xf32>
        %x0 = tensor.extract_slice %x[0, 0] [2, 3] [1, 1] : tensor<4x3xf32> to {part}
        %x1 = tensor.extract_slice %x[2, 0] [2, 3] [1, 1] : tensor<4x3xf32> to {part}
        %w0 = tensor.extract_slice %w[0, 0] [2, 3] [1, 1] : tensor<4x3xf32> to {part}
        %w1 = tensor.extract_slice %w[2, 0] [2, 3] [1, 1] : tensor<4x3xf32> to {part}
        %0 = tosa.add %x0, %w0 : ({part}, {part}) -> {part}
        %1 = tosa.add %x1, %w1 : ({part}, {part}) -> {part}
        %2 = tosa.add %0, %1 : ({part}, {part}) -> {part}
        %r0 = tensor.insert_slice %2 into %e[2, 0] [2, 3] [1, 1] : {part} into tensor<4x3xf32>
        %3 = tosa.add %2, %w0 : ({part}, {part}) -> {part}
        %r1 = tensor.insert_slice %3 into %r0[0, 0] [2, 3] [1, 1] : {part} into tensor<4x3xf32>
        return %r1 : tensor<4x3xf32>
    }}"
    );
    let comparisons = run("constants", &text, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(comparisons.len(), CASES.len(), "each way to plan gives one program");
    // %x, %w and the result.
    assert_eq!(comparisons.iter().map(|it| it.moved.compulsory()).min(), Some(3 * 48));
}

#[test]
fn two_results_that_come_one_after_the_other() {
    check("two results", 1, |program| {
        let x = program.input([5, 4, 4]);
        let y = program.convolution(&x, 4, SAME, 2);
        let z = program.pool(&x, true, Window { kernel: 2, stride: 2, dilation: 1, pad: 1 });
        vec![y, z]
    });
}

/// Written in blocks of channels and bands of three rows, read in windows of two rows and their halo.
#[test]
fn what_passes_through_host_memory_in_other_pieces() {
    let comparisons = check("through host memory", 3, |program| {
        let x = program.input([8, 5, 3]);
        let y = program.convolution(&x, 5, SAME, 2);
        let y = program.through_host(y, 2);
        let z = program.convolution(&y, 4, SAME, 4);
        let pooled = program.pool(&y, true, Window { kernel: 3, stride: 2, dilation: 1, pad: 1 });
        vec![z, pooled]
    });
    // Once out, whatever else happens to it, and in with the halo of each window.
    let bytes = 8 * 5 * 5 * 4;
    assert!(comparisons.iter().all(|it| bytes <= it.moved.spill && 2 * bytes <= it.moved.reload));
}

/// What is returned is stored, and read from there.
#[test]
fn a_result_that_is_read_from_host_memory() {
    let comparisons = check("a result", 3, |program| {
        let x = program.input([7, 4, 4]);
        let y = program.convolution(&x, 4, SAME, 4);
        let y = program.through_host(y, 2);
        let z = program.convolution(&y, 3, SAME, 3);
        let sum = program.add(&y, &y);
        vec![y, z, sum]
    });
    assert!(comparisons.iter().any(|it| it.moved.spill == 0));
    assert!(comparisons.iter().all(|it| 0 < it.moved.reload));
}

/// Two bands of a product, of which the reader takes columns.
#[test]
fn linalg_through_host_memory() {
    let text = "func.func @main(%x: tensor<6x8xf32>, %w: tensor<8x8xf32>) -> tensor<6x5xf32> {
        %zero = arith.constant 0.0 : f32
        %e = tensor.empty() : tensor<6x8xf32>
        %e0 = tensor.empty() : tensor<4x8xf32>
        %f0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<4x8xf32>) -> tensor<4x8xf32>
        %x0 = tensor.extract_slice %x[0, 0] [4, 8] [1, 1] : tensor<6x8xf32> to tensor<4x8xf32>
        %a = linalg.matmul ins(%x0, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%f0 : tensor<4x8xf32>) -> tensor<4x8xf32>
        %h1 = tensor.insert_slice %a into %e[0, 0] [4, 8] [1, 1] : tensor<4x8xf32> into tensor<6x8xf32>
        %e1 = tensor.empty() : tensor<2x8xf32>
        %f1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x8xf32>) -> tensor<2x8xf32>
        %x1 = tensor.extract_slice %x[4, 0] [2, 8] [1, 1] : tensor<6x8xf32> to tensor<2x8xf32>
        %b = linalg.matmul ins(%x1, %w : tensor<2x8xf32>, tensor<8x8xf32>) outs(%f1 : tensor<2x8xf32>) -> tensor<2x8xf32>
        %h2 = tensor.insert_slice %b into %h1[4, 0] [2, 8] [1, 1] : tensor<2x8xf32> into tensor<6x8xf32>
        %s0 = tensor.extract_slice %h2[0, 0] [6, 5] [1, 1] : tensor<6x8xf32> to tensor<6x5xf32>
        %s1 = tensor.extract_slice %h2[0, 3] [6, 5] [1, 1] : tensor<6x8xf32> to tensor<6x5xf32>
        %e2 = tensor.empty() : tensor<6x5xf32>
        %c = linalg.sub ins(%s0, %s1 : tensor<6x5xf32>, tensor<6x5xf32>) outs(%e2 : tensor<6x5xf32>) -> tensor<6x5xf32>
        return %c : tensor<6x5xf32>
    }";
    let comparisons = run("linalg", text, &CASES, &QUICK).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(comparisons.len(), CASES.len(), "each way to plan gives one program");
    let moved = comparisons.iter().map(|it| (it.moved.spill, it.moved.reload)).min();
    assert_eq!(moved, Some((6 * 8 * 4, 2 * 6 * 5 * 4)));
}
