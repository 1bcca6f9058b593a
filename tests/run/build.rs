//! Programs as text, operation by operation: each in TOSA, or in linalg and operations on tensors.
//!
//! Images are NHWC, sequences `batch × length × width`.

use std::fmt::Write;

/// In which dialect an operation is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    Tosa,
    Linalg,
    /// One after the other.
    Mixed,
}

/// A value of the program.
#[derive(Clone, Debug)]
pub struct Tensor {
    name: String,
    pub shape: Vec<usize>,
    pub element: &'static str,
}

impl Tensor {
    pub fn r#type(&self) -> String {
        of(&self.shape, self.element)
    }
}

fn of(shape: &[usize], element: &str) -> String {
    let dimensions: String = shape.iter().map(|it| format!("{it}x")).collect();
    format!("tensor<{dimensions}{element}>")
}

pub fn is_float(element: &str) -> bool {
    element.starts_with('f') || element == "bf16"
}

/// A function on its way.
pub struct Build {
    flavour: Flavour,
    arguments: Vec<String>,
    body: String,
    n_values: usize,
    /// Whether what may be is declared to be in place of an operand.
    in_place: bool,
}

impl Build {
    pub fn new(flavour: Flavour) -> Build {
        Build { flavour, arguments: Vec::new(), body: String::new(), n_values: 0, in_place: false }
    }

    pub fn in_place(mut self) -> Build {
        self.in_place = true;
        self
    }

    /// The module, with one function that gives these.
    pub fn finish(self, results: &[&Tensor]) -> String {
        let names: Vec<&str> = results.iter().map(|it| it.name.as_str()).collect();
        let types: Vec<String> = results.iter().map(|it| it.r#type()).collect();
        let (names, types) = (names.join(", "), types.join(", "));
        let arguments = self.arguments.join(", ");
        format!("func.func @main({arguments}) -> ({types}) {{\n{}  return {names} : {types}\n}}\n", self.body)
    }

    fn is_tosa(&mut self) -> bool {
        match self.flavour {
            Flavour::Tosa => true,
            Flavour::Linalg => false,
            Flavour::Mixed => self.n_values.is_multiple_of(2),
        }
    }

    fn name(&mut self) -> String {
        self.n_values += 1;
        format!("%v{}", self.n_values)
    }

    fn push(&mut self, operation: &str, shape: &[usize], element: &'static str) -> Tensor {
        let name = self.name();
        writeln!(self.body, "  {name} = {operation}").expect("text takes any line");
        Tensor { name, shape: shape.to_vec(), element }
    }

    //---- Arguments and constants -----------------------------------------------------------------

    pub fn input(&mut self, shape: &[usize], element: &'static str) -> Tensor {
        let name = format!("%x{}", self.arguments.len());
        self.arguments.push(format!("{name}: {}", of(shape, element)));
        Tensor { name, shape: shape.to_vec(), element }
    }

    pub fn weight(&mut self, shape: &[usize], element: &'static str) -> Tensor {
        let name = format!("%w{}", self.arguments.len());
        self.arguments.push(format!("{name}: {} {{cosma.weight}}", of(shape, element)));
        Tensor { name, shape: shape.to_vec(), element }
    }

    /// A constant that is the same everywhere.
    pub fn splat(&mut self, value: &str, shape: &[usize], element: &'static str) -> Tensor {
        let r#type = of(shape, element);
        self.push(&format!("\"tosa.const\"() <{{values = dense<{value}> : {type}}}> : () -> {type}"), shape, element)
    }

    fn zero(&mut self, element: &'static str) -> Tensor {
        let value = if is_float(element) { "0.0" } else { "0" };
        self.splat(value, &[1], element)
    }

    fn scalar(&mut self, value: &str, element: &str) -> String {
        let name = self.name();
        writeln!(self.body, "  {name} = arith.constant {value} : {element}").expect("text takes any line");
        name
    }

    fn shape_of(&mut self, values: &[usize]) -> String {
        let name = self.name();
        let n = values.len();
        writeln!(
            self.body,
            "  {name} = tosa.const_shape {{values = dense<{values:?}> : tensor<{n}xindex>}} : () -> !tosa.shape<{n}>"
        )
        .expect("text takes any line");
        name
    }

    fn empty(&mut self, shape: &[usize], element: &'static str) -> Tensor {
        let operation = format!("tensor.empty() : {}", of(shape, element));
        self.push(&operation, shape, element)
    }

    fn filled(&mut self, value: &str, shape: &[usize], element: &'static str) -> Tensor {
        let value = self.scalar(value, element);
        let empty = self.empty(shape, element);
        let r#type = empty.r#type();
        self.push(
            &format!("linalg.fill ins({value} : {element}) outs({} : {type}) -> {type}", empty.name),
            shape,
            element,
        )
    }

    //---- Elementwise -----------------------------------------------------------------------------

    /// `linalg.generic` on operands of the same rank; where one has a dimension of one, it is spread.
    fn generic(&mut self, inputs: &[&Tensor], shape: &[usize], element: &'static str, body: &str) -> Tensor {
        let empty = self.empty(shape, element);
        let rank = shape.len();
        let names: Vec<String> = (0..rank).map(|it| format!("d{it}")).collect();
        let domain = names.join(", ");
        let map = |it: &[usize]| {
            let parts: Vec<&str> =
                (0..rank).map(|at| if it[at] == 1 && shape[at] != 1 { "0" } else { names[at].as_str() }).collect();
            format!("affine_map<({domain}) -> ({})>", parts.join(", "))
        };
        let maps: Vec<String> = inputs.iter().map(|it| map(&it.shape)).chain([map(shape)]).collect();
        let iterators = vec!["\"parallel\""; rank].join(", ");
        let values: Vec<&str> = inputs.iter().map(|it| it.name.as_str()).collect();
        let types: Vec<String> = inputs.iter().map(|it| it.r#type()).collect();
        let arguments: Vec<String> =
            inputs.iter().enumerate().map(|(at, it)| format!("%i{at}: {}", it.element)).collect();
        let r#type = of(shape, element);
        let in_place = match inputs.iter().position(|it| it.r#type() == r#type) {
            Some(at) if self.in_place => format!(" attrs = {{cosma.in_place = [[0, {at}]]}}"),
            _ => String::new(),
        };
        let operation = format!(
            "linalg.generic {{indexing_maps = [{}], iterator_types = [{iterators}]}} ins({} : {}) outs({} : {type}){in_place} {{\n  \
             ^bb0({}, %out: {element}):\n    {body}\n    linalg.yield %r : {element}\n  }} -> {type}",
            maps.join(", "),
            values.join(", "),
            types.join(", "),
            empty.name,
            arguments.join(", "),
        );
        self.push(&operation, shape, element)
    }

    fn attribute(&self, fits: bool) -> &'static str {
        if self.in_place && fits { " {cosma.in_place = [[0, 0]]}" } else { "" }
    }

    pub fn unary(&mut self, kind: &str, x: &Tensor) -> Tensor {
        let r#type = x.r#type();
        let element = x.element;
        if self.is_tosa() {
            let attribute = self.attribute(true);
            let name = &x.name;
            let operation = match kind {
                "relu" => {
                    let more = if self.in_place { "cosma.in_place = [[0, 0]], " } else { "" };
                    format!(
                        "tosa.clamp {name} {{{more}max_val = 3.4e+38 : f32, min_val = 0.0 : f32}} : ({type}) -> {type}"
                    )
                }
                "neg" => {
                    let zero = self.zero(element).name;
                    let zero_type = of(&[1], element);
                    format!(
                        "tosa.negate {name}, {zero}, {zero}{attribute} : ({type}, {zero_type}, {zero_type}) -> {type}"
                    )
                }
                _ => format!("tosa.{kind} {name}{attribute} : ({type}) -> {type}"),
            };
            return self.push(&operation, &x.shape, element);
        }
        let body = match kind {
            "relu" => {
                let zero = self.scalar("0.0", element);
                format!("%r = arith.maximumf %i0, {zero} : {element}")
            }
            "sigmoid" => {
                let one = self.scalar("1.0", element);
                format!(
                    "%n = arith.negf %i0 : {element}\n    %e = math.exp %n : {element}\n    \
                     %s = arith.addf %e, {one} : {element}\n    %r = arith.divf {one}, %s : {element}"
                )
            }
            "abs" => format!("%r = math.absf %i0 : {element}"),
            "neg" => format!("%r = arith.negf %i0 : {element}"),
            _ => format!("%r = math.{kind} %i0 : {element}"),
        };
        self.generic(&[x], &x.shape.clone(), element, &body)
    }

    /// Both of the same rank; dimensions of one are spread.
    pub fn binary(&mut self, kind: &str, x: &Tensor, y: &Tensor) -> Tensor {
        let shape: Vec<usize> = x.shape.iter().zip(&y.shape).map(|it| *it.0.max(it.1)).collect();
        let element = x.element;
        let r#type = of(&shape, element);
        let types = format!("{}, {}", x.r#type(), y.r#type());
        if self.is_tosa() {
            let attribute = self.attribute(x.shape == shape);
            let operation = match kind {
                "mul" => {
                    let shift = self.zero("i8").name;
                    format!("tosa.mul {}, {}, {shift}{attribute} : ({types}, tensor<1xi8>) -> {type}", x.name, y.name)
                }
                "max" => format!("tosa.maximum {}, {}{attribute} : ({types}) -> {type}", x.name, y.name),
                "min" => format!("tosa.minimum {}, {}{attribute} : ({types}) -> {type}", x.name, y.name),
                "sub" => format!("tosa.sub {}, {}{attribute} : ({types}) -> {type}", x.name, y.name),
                _ => format!("tosa.add {}, {}{attribute} : ({types}) -> {type}", x.name, y.name),
            };
            return self.push(&operation, &shape, element);
        }
        let operation = match (kind, is_float(element)) {
            ("mul", true) => "mulf",
            ("max", true) => "maximumf",
            ("min", true) => "minimumf",
            ("sub", true) => "subf",
            (_, true) => "addf",
            ("mul", false) => "muli",
            ("max", false) => "maxsi",
            ("min", false) => "minsi",
            ("sub", false) => "subi",
            (_, false) => "addi",
        };
        self.generic(&[x, y], &shape, element, &format!("%r = arith.{operation} %i0, %i1 : {element}"))
    }

    /// Where one is greater, the first of the others, and the second elsewhere.
    pub fn choose(&mut self, x: &Tensor, y: &Tensor, a: &Tensor, b: &Tensor) -> Tensor {
        let (r#type, truth) = (x.r#type(), of(&x.shape, "i1"));
        let operation = format!("tosa.greater {}, {} : ({type}, {type}) -> {truth}", x.name, y.name);
        let greater = self.push(&operation, &x.shape, "i1");
        let operation =
            format!("tosa.select {}, {}, {} : ({truth}, {type}, {type}) -> {type}", greater.name, a.name, b.name);
        self.push(&operation, &x.shape, x.element)
    }

    pub fn scale(&mut self, x: &Tensor, factor: &str) -> Tensor {
        let factor = self.splat(factor, &vec![1; x.shape.len()], x.element);
        self.binary("mul", x, &factor)
    }

    /// Two results of one operation: the sum and the difference.
    pub fn both(&mut self, x: &Tensor, y: &Tensor) -> (Tensor, Tensor) {
        let (a, b) = (self.empty(&x.shape, x.element), self.empty(&x.shape, x.element));
        let names: Vec<String> = (0..x.shape.len()).map(|it| format!("d{it}")).collect();
        let map = format!("affine_map<({0}) -> ({0})>", names.join(", "));
        let iterators = vec!["\"parallel\""; names.len()].join(", ");
        let (t, e) = (x.r#type(), x.element);
        let name = self.name();
        writeln!(
            self.body,
            "  {name}:2 = linalg.generic {{indexing_maps = [{map}, {map}, {map}, {map}], iterator_types = [{iterators}]}} \
             ins({}, {} : {t}, {t}) outs({}, {} : {t}, {t}) {{\n  ^bb0(%i0: {e}, %i1: {e}, %o0: {e}, %o1: {e}):\n    \
             %s = arith.addf %i0, %i1 : {e}\n    %d = arith.subf %i0, %i1 : {e}\n    linalg.yield %s, %d : {e}, {e}\n  }} -> ({t}, {t})",
            x.name, y.name, a.name, b.name
        )
        .expect("text takes any line");
        let result = |index| Tensor { name: format!("{name}#{index}"), ..x.clone() };
        (result(0), result(1))
    }

    //---- Windows ---------------------------------------------------------------------------------

    /// The image, smaller where its last rows or columns would be in no window; what is added behind
    /// so that windows end where the image does; and how many windows there are.
    fn windows(&mut self, x: &Tensor, kernel: usize, stride: usize, pad: usize) -> (Tensor, [usize; 2], [usize; 2]) {
        let mut x = x.clone();
        let (mut after, mut sizes) = ([0; 2], [0; 2]);
        for axis in 0..2 {
            let size = x.shape[axis + 1];
            let over = (size + 2 * pad - kernel) % stride;
            after[axis] = pad.saturating_sub(over);
            if pad < over {
                x = self.slice(&x, axis + 1, 0, size - (over - pad));
            }
            sizes[axis] = (size + 2 * pad - kernel) / stride + 1;
        }
        (x, after, sizes)
    }

    fn pad(&mut self, x: &Tensor, before: usize, after: [usize; 2], value: &str) -> Tensor {
        if before == 0 && after == [0, 0] {
            return x.clone();
        }
        let value = self.scalar(value, x.element);
        let mut shape = x.shape.clone();
        shape[1] += before + after[0];
        shape[2] += before + after[1];
        let operation = format!(
            "tensor.pad {} low[0, {before}, {before}, 0] high[0, {}, {}, 0] {{\n  \
             ^bb0(%p0: index, %p1: index, %p2: index, %p3: index):\n    tensor.yield {value} : {}\n  }} : {} to {}",
            x.name,
            after[0],
            after[1],
            x.element,
            x.r#type(),
            of(&shape, x.element)
        );
        self.push(&operation, &shape, x.element)
    }

    pub fn conv(&mut self, x: &Tensor, channels: usize, kernel: usize, stride: usize) -> Tensor {
        let pad = kernel / 2;
        let w = self.weight(&[channels, kernel, kernel, x.shape[3]], "f32");
        let b = self.weight(&[channels], "f32");
        let (x, after, size) = &self.windows(x, kernel, stride, pad);
        let shape = [x.shape[0], size[0], size[1], channels];
        let r#type = of(&shape, "f32");
        if self.is_tosa() {
            let zero = self.zero("f32").name;
            let operation = format!(
                "tosa.conv2d {}, {}, {}, {zero}, {zero} {{acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: {pad}, {}, {pad}, {}>, \
                 stride = array<i64: {stride}, {stride}>}} : ({}, {}, {}, tensor<1xf32>, tensor<1xf32>) -> {type}",
                x.name,
                w.name,
                b.name,
                after[0],
                after[1],
                x.r#type(),
                w.r#type(),
                b.r#type()
            );
            return self.push(&operation, &shape, "f32");
        }
        let padded = self.pad(x, pad, *after, "0.0");
        let empty = self.empty(&shape, "f32");
        let start = format!(
            "linalg.broadcast ins({} : {}) outs({} : {type}) dimensions = [0, 1, 2]",
            b.name,
            b.r#type(),
            empty.name
        );
        let start = self.push(&start, &shape, "f32");
        let operation = format!(
            "linalg.conv_2d_nhwc_fhwc {{dilations = dense<1> : vector<2xi64>, strides = dense<{stride}> : vector<2xi64>}} \
             ins({}, {} : {}, {}) outs({} : {type}) -> {type}",
            padded.name,
            w.name,
            padded.r#type(),
            w.r#type(),
            start.name
        );
        self.push(&operation, &shape, "f32")
    }

    /// Each channel on its own.
    pub fn depthwise(&mut self, x: &Tensor, kernel: usize, stride: usize) -> Tensor {
        let pad = kernel / 2;
        let channels = x.shape[3];
        let (x, after, size) = &self.windows(x, kernel, stride, pad);
        let shape = [x.shape[0], size[0], size[1], channels];
        let r#type = of(&shape, "f32");
        if self.is_tosa() {
            let w = self.weight(&[kernel, kernel, channels, 1], "f32");
            let b = self.weight(&[channels], "f32");
            let zero = self.zero("f32").name;
            let operation = format!(
                "tosa.depthwise_conv2d {}, {}, {}, {zero}, {zero} {{acc_type = f32, dilation = array<i64: 1, 1>, \
                 pad = array<i64: {pad}, {}, {pad}, {}>, stride = array<i64: {stride}, {stride}>}} : ({}, {}, {}, tensor<1xf32>, tensor<1xf32>) -> {type}",
                x.name,
                w.name,
                b.name,
                after[0],
                after[1],
                x.r#type(),
                w.r#type(),
                b.r#type()
            );
            return self.push(&operation, &shape, "f32");
        }
        let w = self.weight(&[kernel, kernel, channels], "f32");
        let padded = self.pad(x, pad, *after, "0.0");
        let start = self.filled("0.0", &shape, "f32");
        let operation = format!(
            "linalg.depthwise_conv_2d_nhwc_hwc {{dilations = dense<1> : vector<2xi64>, strides = dense<{stride}> : vector<2xi64>}} \
             ins({}, {} : {}, {}) outs({} : {type}) -> {type}",
            padded.name,
            w.name,
            padded.r#type(),
            w.r#type(),
            start.name
        );
        self.push(&operation, &shape, "f32")
    }

    /// The largest of windows; or their mean, which linalg says as a sum.
    pub fn pool(&mut self, x: &Tensor, is_max: bool, kernel: usize, stride: usize) -> Tensor {
        let pad = kernel / 2;
        let pad = if kernel == 2 { 0 } else { pad };
        let (x, after, size) = &self.windows(x, kernel, stride, pad);
        let shape = [x.shape[0], size[0], size[1], x.shape[3]];
        let r#type = of(&shape, "f32");
        if self.is_tosa() {
            let attributes = format!(
                "kernel = array<i64: {kernel}, {kernel}>, pad = array<i64: {pad}, {}, {pad}, {}>, stride = array<i64: {stride}, {stride}>",
                after[0], after[1]
            );
            let operation = if is_max {
                format!("tosa.max_pool2d {} {{{attributes}}} : ({}) -> {type}", x.name, x.r#type())
            } else {
                let zero = self.zero("f32").name;
                format!(
                    "tosa.avg_pool2d {}, {zero}, {zero} {{acc_type = f32, {attributes}}} : ({}, tensor<1xf32>, tensor<1xf32>) -> {type}",
                    x.name,
                    x.r#type()
                )
            };
            return self.push(&operation, &shape, "f32");
        }
        let (name, value) = if is_max { ("max", "0xFF800000") } else { ("sum", "0.0") };
        let padded = self.pad(x, pad, *after, value);
        let window = self.empty(&[kernel, kernel], "f32");
        let start = self.filled(value, &shape, "f32");
        let operation = format!(
            "linalg.pooling_nhwc_{name} {{dilations = dense<1> : vector<2xi64>, strides = dense<{stride}> : vector<2xi64>}} \
             ins({}, {} : {}, {}) outs({} : {type}) -> {type}",
            padded.name,
            window.name,
            padded.r#type(),
            window.r#type(),
            start.name
        );
        let pooled = self.push(&operation, &shape, "f32");
        if is_max { pooled } else { self.scale(&pooled, "0.111111") }
    }

    /// Twice as high and as wide.
    pub fn upsample(&mut self, x: &Tensor) -> Tensor {
        let shape = [x.shape[0], 2 * x.shape[1], 2 * x.shape[2], x.shape[3]];
        let (scale, offset, border) = (self.shape_of(&[2, 1, 2, 1]), self.shape_of(&[0, 0]), self.shape_of(&[1, 1]));
        let operation = format!(
            "tosa.resize {}, {scale}, {offset}, {border} {{mode = NEAREST_NEIGHBOR}} : ({}, !tosa.shape<4>, !tosa.shape<2>, !tosa.shape<2>) -> {}",
            x.name,
            x.r#type(),
            of(&shape, x.element)
        );
        self.push(&operation, &shape, x.element)
    }

    //---- Reductions and products -----------------------------------------------------------------

    /// Along one dimension, which stays, with a size of one.
    pub fn reduce(&mut self, is_max: bool, x: &Tensor, axis: usize) -> Tensor {
        let mut shape = x.shape.clone();
        shape[axis] = 1;
        if self.is_tosa() {
            let name = if is_max { "reduce_max" } else { "reduce_sum" };
            let operation = format!(
                "tosa.{name} {} {{axis = {axis} : i32}} : ({}) -> {}",
                x.name,
                x.r#type(),
                of(&shape, x.element)
            );
            return self.push(&operation, &shape, x.element);
        }
        let mut less = x.shape.clone();
        less.remove(axis);
        let (value, operation) = if is_max { ("0xFF800000", "arith.maximumf") } else { ("0.0", "arith.addf") };
        let start = self.filled(value, &less, x.element);
        let r#type = start.r#type();
        let operation = format!(
            "linalg.reduce {{ {operation} }} ins({} : {}) outs({} : {type}) dimensions = [{axis}]",
            x.name,
            x.r#type(),
            start.name
        );
        let reduced = self.push(&operation, &less, x.element);
        self.reshape(&reduced, &shape)
    }

    pub fn mean(&mut self, x: &Tensor) -> Tensor {
        let rows = self.reduce(false, x, 1);
        let sum = self.reduce(false, &rows, 2);
        let factor = format!("{:.6}", 1.0 / (x.shape[1] * x.shape[2]) as f64);
        self.scale(&sum, &factor)
    }

    /// Of matrices in batches.
    pub fn matmul(&mut self, x: &Tensor, y: &Tensor) -> Tensor {
        let shape = [x.shape[0], x.shape[1], y.shape[2]];
        let r#type = of(&shape, "f32");
        if self.is_tosa() {
            let zero = self.zero("f32").name;
            let operation = format!(
                "tosa.matmul {}, {}, {zero}, {zero} : ({}, {}, tensor<1xf32>, tensor<1xf32>) -> {type}",
                x.name,
                y.name,
                x.r#type(),
                y.r#type()
            );
            return self.push(&operation, &shape, "f32");
        }
        let start = self.filled("0.0", &shape, "f32");
        let operation = format!(
            "linalg.batch_matmul ins({}, {} : {}, {}) outs({} : {type}) -> {type}",
            x.name,
            y.name,
            x.r#type(),
            y.r#type(),
            start.name
        );
        self.push(&operation, &shape, "f32")
    }

    /// With a bias.
    pub fn dense(&mut self, x: &Tensor, width: usize) -> Tensor {
        let w = self.weight(&[1, x.shape[2], width], "f32");
        let b = self.weight(&[1, 1, width], "f32");
        let w = if 1 < x.shape[0] {
            let all = vec![w.clone(); x.shape[0]];
            self.concat(&all.iter().collect::<Vec<_>>(), 0)
        } else {
            w
        };
        let product = self.matmul(x, &w);
        self.binary("add", &product, &b)
    }

    pub fn softmax(&mut self, x: &Tensor) -> Tensor {
        let axis = x.shape.len() - 1;
        let most = self.reduce(true, x, axis);
        let less = self.binary("sub", x, &most);
        let power = self.unary("exp", &less);
        let sum = self.reduce(false, &power, axis);
        let operation = format!("tosa.reciprocal {} : ({}) -> {}", sum.name, sum.r#type(), sum.r#type());
        let part = self.push(&operation, &sum.shape, "f32");
        self.binary("mul", &power, &part)
    }

    pub fn normalise(&mut self, x: &Tensor) -> Tensor {
        let axis = x.shape.len() - 1;
        let factor = format!("{:.6}", 1.0 / x.shape[axis] as f64);
        let sum = self.reduce(false, x, axis);
        let mean = self.scale(&sum, &factor);
        let less = self.binary("sub", x, &mean);
        let square = self.binary("mul", &less, &less);
        let sum = self.reduce(false, &square, axis);
        let variance = self.scale(&sum, &factor);
        let little = self.splat("1.0e-5", &vec![1; x.shape.len()], "f32");
        let variance = self.binary("add", &variance, &little);
        let root = self.unary("rsqrt", &variance);
        self.binary("mul", &less, &root)
    }

    //---- Moving elements -------------------------------------------------------------------------

    pub fn concat(&mut self, parts: &[&Tensor], axis: usize) -> Tensor {
        let mut shape = parts[0].shape.clone();
        shape[axis] = parts.iter().map(|it| it.shape[axis]).sum();
        let names: Vec<&str> = parts.iter().map(|it| it.name.as_str()).collect();
        let types: Vec<String> = parts.iter().map(|it| it.r#type()).collect();
        let (names, types) = (names.join(", "), types.join(", "));
        let r#type = of(&shape, parts[0].element);
        let operation = if self.is_tosa() {
            format!("tosa.concat {names} {{axis = {axis} : i32}} : ({types}) -> {type}")
        } else {
            format!("tensor.concat dim({axis}) {names} : ({types}) -> {type}")
        };
        self.push(&operation, &shape, parts[0].element)
    }

    pub fn slice(&mut self, x: &Tensor, axis: usize, from: usize, size: usize) -> Tensor {
        let mut shape = x.shape.clone();
        shape[axis] = size;
        let mut start = vec![0; shape.len()];
        start[axis] = from;
        let r#type = of(&shape, x.element);
        let operation = if self.is_tosa() {
            let (from, size, n) = (self.shape_of(&start), self.shape_of(&shape), shape.len());
            format!(
                "tosa.slice {}, {from}, {size} : ({}, !tosa.shape<{n}>, !tosa.shape<{n}>) -> {type}",
                x.name,
                x.r#type()
            )
        } else {
            let ones = vec![1; shape.len()];
            format!("tensor.extract_slice {}{start:?} {shape:?} {ones:?} : {} to {type}", x.name, x.r#type())
        };
        self.push(&operation, &shape, x.element)
    }

    pub fn reshape(&mut self, x: &Tensor, shape: &[usize]) -> Tensor {
        let target = of(shape, x.element);
        let flat = shape.len() == 1 && 1 < x.shape.len();
        if flat && !self.is_tosa() {
            let all: Vec<String> = (0..x.shape.len()).map(|it| it.to_string()).collect();
            let operation =
                format!("tensor.collapse_shape {} [[{}]] : {} into {target}", x.name, all.join(", "), x.r#type());
            return self.push(&operation, shape, x.element);
        }
        let n = shape.len();
        let to = self.shape_of(shape);
        let operation = format!("tosa.reshape {}, {to} : ({}, !tosa.shape<{n}>) -> {target}", x.name, x.r#type());
        self.push(&operation, shape, x.element)
    }

    pub fn transpose(&mut self, x: &Tensor, order: &[usize]) -> Tensor {
        let shape: Vec<usize> = order.iter().map(|it| x.shape[*it]).collect();
        let target = of(&shape, x.element);
        let list: Vec<String> = order.iter().map(usize::to_string).collect();
        let list = list.join(", ");
        if self.is_tosa() {
            let operation =
                format!("tosa.transpose {} {{perms = array<i32: {list}>}} : ({}) -> {target}", x.name, x.r#type());
            return self.push(&operation, &shape, x.element);
        }
        let empty = self.empty(&shape, x.element);
        let operation = format!(
            "linalg.transpose ins({} : {}) outs({} : {target}) permutation = [{list}]",
            x.name,
            x.r#type(),
            empty.name
        );
        self.push(&operation, &shape, x.element)
    }

    pub fn cast(&mut self, x: &Tensor, element: &'static str) -> Tensor {
        let operation = format!("tosa.cast {} : ({}) -> {}", x.name, x.r#type(), of(&x.shape, element));
        self.push(&operation, &x.shape, element)
    }
}
