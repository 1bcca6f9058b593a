//! Small versions of real networks: their structure, with few channels on small images.

use super::build::Build;

/// A network.
#[derive(Clone, Copy)]
pub struct Network {
    pub name: &'static str,
    pub write: fn(Build) -> String,
}

/// A function that gives each network.
macro_rules! networks {
    ($($name:ident)*) => {
        $(pub fn $name() -> Network {
            Network { name: stringify!($name), write: write::$name }
        })*
    };
}

networks! {
    residual inception dense mobile squeeze_excite transformer nasnet darts randwire unet training recurrent
    mixer quantised
}

mod write {
    use super::super::build::{Build, Tensor};

    fn conv_relu(b: &mut Build, x: &Tensor, channels: usize, kernel: usize, stride: usize) -> Tensor {
        let y = b.conv(x, channels, kernel, stride);
        b.unary("relu", &y)
    }

    /// The mean of each channel, and a layer.
    fn head(b: &mut Build, x: &Tensor, classes: usize) -> Tensor {
        let mean = b.mean(x);
        let flat = b.reshape(&mean, &[1, 1, x.shape[3]]);
        b.dense(&flat, classes)
    }

    /// ResNet: two convolutions and what went around them, once with a change of shape.
    pub fn residual(mut b: Build) -> String {
        let x = b.input(&[1, 12, 12, 3], "f32");
        let x = conv_relu(&mut b, &x, 8, 3, 1);
        let mut x = b.pool(&x, true, 3, 1);
        for (channels, stride) in [(8, 1), (16, 2), (16, 1)] {
            let y = conv_relu(&mut b, &x, channels, 3, stride);
            let y = b.conv(&y, channels, 3, 1);
            let around = if stride == 1 { x.clone() } else { b.conv(&x, channels, 1, stride) };
            let sum = b.binary("add", &y, &around);
            x = b.unary("relu", &sum);
        }
        let y = head(&mut b, &x, 10);
        b.finish(&[&y])
    }

    /// GoogLeNet: four branches side by side.
    pub fn inception(mut b: Build) -> String {
        let x = b.input(&[1, 10, 10, 4], "f32");
        let mut x = conv_relu(&mut b, &x, 8, 3, 1);
        for _ in 0..2 {
            let one = conv_relu(&mut b, &x, 4, 1, 1);
            let three = conv_relu(&mut b, &x, 4, 1, 1);
            let three = conv_relu(&mut b, &three, 6, 3, 1);
            let five = conv_relu(&mut b, &x, 2, 1, 1);
            let five = conv_relu(&mut b, &five, 4, 5, 1);
            let pool = b.pool(&x, true, 3, 1);
            let pool = conv_relu(&mut b, &pool, 4, 1, 1);
            x = b.concat(&[&one, &three, &five, &pool], 3);
        }
        let y = b.pool(&x, false, 3, 2);
        b.finish(&[&y])
    }

    /// DenseNet: each layer reads all before it.
    pub fn dense(mut b: Build) -> String {
        let x = b.input(&[1, 8, 8, 4], "f32");
        let mut all = conv_relu(&mut b, &x, 6, 3, 1);
        for layer in 0..4 {
            let y = b.unary("relu", &all);
            let y = b.conv(&y, 8, 1, 1);
            let y = conv_relu(&mut b, &y, 4, 3, 1);
            all = b.concat(&[&all, &y], 3);
            if layer == 1 {
                let y = b.conv(&all, 6, 1, 1);
                all = b.pool(&y, false, 3, 2);
            }
        }
        let y = head(&mut b, &all, 5);
        b.finish(&[&y])
    }

    /// MobileNet-v2: wider, each channel on its own, narrower.
    pub fn mobile(mut b: Build) -> String {
        let x = b.input(&[1, 12, 12, 3], "f32");
        let mut x = conv_relu(&mut b, &x, 6, 3, 2);
        for (channels, stride) in [(6, 1), (8, 2), (8, 1)] {
            let wide = conv_relu(&mut b, &x, 3 * x.shape[3], 1, 1);
            let deep = b.depthwise(&wide, 3, stride);
            let deep = b.unary("relu", &deep);
            let narrow = b.conv(&deep, channels, 1, 1);
            x = if stride == 1 && channels == x.shape[3] { b.binary("add", &narrow, &x) } else { narrow };
        }
        let y = head(&mut b, &x, 10);
        b.finish(&[&y])
    }

    /// SE-ResNet, EfficientNet: channels are weighed by what is in all of them.
    pub fn squeeze_excite(mut b: Build) -> String {
        let x = b.input(&[1, 8, 8, 4], "f32");
        let mut x = conv_relu(&mut b, &x, 8, 3, 1);
        for _ in 0..2 {
            let y = b.depthwise(&x, 3, 1);
            let gate = b.unary("sigmoid", &y);
            let y = b.binary("mul", &y, &gate);
            let mean = b.mean(&y);
            let small = conv_relu(&mut b, &mean, 2, 1, 1);
            let large = b.conv(&small, 8, 1, 1);
            let factor = b.unary("sigmoid", &large);
            let y = b.binary("mul", &y, &factor);
            let y = b.conv(&y, 8, 1, 1);
            x = b.binary("add", &y, &x);
        }
        b.finish(&[&x])
    }

    /// BERT: attention by two heads, and a layer in the middle.
    pub fn transformer(mut b: Build) -> String {
        let (length, width, heads) = (6, 8, 2);
        let mut x = b.input(&[1, length, width], "f32");
        let split = |b: &mut Build, x: &Tensor| {
            let parts = b.reshape(x, &[length, heads, width / heads]);
            b.transpose(&parts, &[1, 0, 2])
        };
        for _ in 0..2 {
            let (q, k, v) = (b.dense(&x, width), b.dense(&x, width), b.dense(&x, width));
            let (q, k, v) = (split(&mut b, &q), split(&mut b, &k), split(&mut b, &v));
            let k = b.transpose(&k, &[0, 2, 1]);
            let scores = b.matmul(&q, &k);
            let scores = b.scale(&scores, "0.5");
            let parts = b.softmax(&scores);
            let sum = b.matmul(&parts, &v);
            let sum = b.transpose(&sum, &[1, 0, 2]);
            let sum = b.reshape(&sum, &[1, length, width]);
            let sum = b.dense(&sum, width);
            let y = b.binary("add", &sum, &x);
            let y = b.normalise(&y);
            let middle = b.dense(&y, 16);
            let gate = b.unary("tanh", &middle);
            let middle = b.binary("mul", &middle, &gate);
            let out = b.dense(&middle, width);
            let sum = b.binary("add", &out, &y);
            x = b.normalise(&sum);
        }
        b.finish(&[&x])
    }

    fn separable(b: &mut Build, x: &Tensor, kernel: usize) -> Tensor {
        let y = b.unary("relu", x);
        let y = b.depthwise(&y, kernel, 1);
        b.conv(&y, x.shape[3], 1, 1)
    }

    /// NASNet-A: five sums of two branches, from this cell's input and that of the one before.
    pub fn nasnet(mut b: Build) -> String {
        let x = b.input(&[1, 8, 8, 4], "f32");
        let mut before = x.clone();
        let mut x = b.conv(&x, 4, 3, 1);
        for _ in 0..2 {
            let (h, p) = (conv_relu(&mut b, &x, 4, 1, 1), conv_relu(&mut b, &before, 4, 1, 1));
            let sums = [
                (separable(&mut b, &h, 3), h.clone()),
                (separable(&mut b, &p, 3), separable(&mut b, &h, 5)),
                (b.pool(&h, false, 3, 1), p.clone()),
                (b.pool(&p, false, 3, 1), b.pool(&p, false, 3, 1)),
                (separable(&mut b, &p, 5), separable(&mut b, &p, 3)),
            ];
            let sums: Vec<Tensor> = sums.iter().map(|(x, y)| b.binary("add", x, y)).collect();
            let all: Vec<&Tensor> = [&p].into_iter().chain(&sums).collect();
            let cell = b.concat(&all, 3);
            before = x;
            x = cell;
        }
        b.finish(&[&x])
    }

    /// DARTS: nodes that add two edges each, from any node before.
    pub fn darts(mut b: Build) -> String {
        let x = b.input(&[1, 6, 6, 6], "f32");
        let (mut before, mut x) = (b.conv(&x, 6, 1, 1), b.conv(&x, 6, 3, 1));
        for _ in 0..2 {
            let (s0, s1) = (conv_relu(&mut b, &before, 4, 1, 1), conv_relu(&mut b, &x, 4, 1, 1));
            let (a, c) = (separable(&mut b, &s0, 3), separable(&mut b, &s1, 3));
            let n0 = b.binary("add", &a, &c);
            let (a, c) = (separable(&mut b, &s0, 3), b.pool(&s1, true, 3, 1));
            let n1 = b.binary("add", &a, &c);
            let (a, c) = (separable(&mut b, &s1, 3), s0.clone());
            let n2 = b.binary("add", &a, &c);
            let (a, c) = (separable(&mut b, &n0, 3), s0.clone());
            let n3 = b.binary("add", &a, &c);
            let cell = b.concat(&[&n0, &n1, &n2, &n3], 3);
            before = x;
            x = cell;
        }
        let y = head(&mut b, &x, 10);
        b.finish(&[&y])
    }

    /// RandWire: a graph drawn by lot, whose nodes weigh what they add.
    pub fn randwire(mut b: Build) -> String {
        const EDGES: [&[usize]; 9] = [&[], &[0], &[0], &[0, 1], &[1, 2], &[0, 3], &[2, 3, 4], &[1, 5], &[4, 6]];
        let x = b.input(&[1, 6, 6, 4], "f32");
        let mut nodes: Vec<Tensor> = Vec::new();
        let mut ends = Vec::new();
        for (index, edges) in EDGES.iter().enumerate() {
            let mut sum: Option<Tensor> = None;
            for edge in *edges {
                let factor = b.weight(&[1, 1, 1, 1], "f32");
                let part = b.binary("mul", &nodes[*edge], &factor);
                sum = Some(match sum {
                    Some(sum) => b.binary("add", &sum, &part),
                    None => part,
                });
            }
            let input = sum.unwrap_or_else(|| x.clone());
            nodes.push(separable(&mut b, &input, 3));
            if !EDGES.iter().any(|it| it.contains(&index)) {
                ends.push(index);
            }
        }
        let (first, rest) = ends.split_first().expect("a graph has an end");
        let mut sum = nodes[*first].clone();
        for end in rest {
            sum = b.binary("add", &sum, &nodes[*end]);
        }
        b.finish(&[&sum, &nodes[3]])
    }

    /// U-Net: down and up again, with what was there on the way down.
    pub fn unet(mut b: Build) -> String {
        let x = b.input(&[1, 16, 16, 3], "f32");
        let mut x = conv_relu(&mut b, &x, 4, 3, 1);
        let mut left = Vec::new();
        for channels in [12, 32] {
            left.push(x.clone());
            let down = b.pool(&x, true, 2, 2);
            let y = conv_relu(&mut b, &down, channels, 3, 1);
            x = conv_relu(&mut b, &y, channels, 3, 1);
        }
        for around in left.iter().rev() {
            let up = b.upsample(&x);
            let both = b.concat(&[&up, around], 3);
            let y = conv_relu(&mut b, &both, around.shape[3], 3, 1);
            x = conv_relu(&mut b, &y, around.shape[3], 3, 1);
        }
        let y = b.conv(&x, 2, 1, 1);
        b.finish(&[&y])
    }

    /// A step of training: forward, backward, and weights that give way to new ones.
    pub fn training(mut b: Build) -> String {
        let (batch, widths) = (4, [6, 8, 8, 3]);
        let x = b.input(&[1, batch, widths[0]], "f32");
        let target = b.input(&[1, batch, widths[3]], "f32");
        let weights: Vec<Tensor> = (0..3).map(|it| b.weight(&[1, widths[it], widths[it + 1]], "f32")).collect();
        let mut activations = vec![x];
        let mut sums: Vec<Tensor> = Vec::new();
        for (layer, weight) in weights.iter().enumerate() {
            let sum = b.matmul(&activations[layer], weight);
            activations.push(if layer < 2 { b.unary("relu", &sum) } else { b.softmax(&sum) });
            sums.push(sum);
        }
        let mut gradient = b.binary("sub", &activations[3], &target);
        let mut updated = Vec::new();
        for layer in (0..3).rev() {
            let input = b.transpose(&activations[layer], &[0, 2, 1]);
            let change = b.matmul(&input, &gradient);
            let step = b.scale(&change, "0.1");
            updated.push(b.binary("sub", &weights[layer], &step));
            if 0 < layer {
                let weight = b.transpose(&weights[layer], &[0, 2, 1]);
                let back = b.matmul(&gradient, &weight);
                let zero = b.splat("0.0", &back.shape.clone(), "f32");
                gradient = b.choose(&sums[layer - 1], &zero, &back, &zero);
            }
        }
        let results: Vec<&Tensor> = updated.iter().chain([&activations[3]]).collect();
        b.finish(&results)
    }

    /// A recurrent layer with gates (GRU), step after step with the same weights.
    pub fn recurrent(mut b: Build) -> String {
        let (steps, width, state) = (4, 4, 6);
        let x = b.input(&[1, steps, width], "f32");
        let mut h = b.input(&[1, 1, state], "f32");
        let gates: Vec<(Tensor, Tensor)> =
            (0..3).map(|_| (b.weight(&[1, width, state], "f32"), b.weight(&[1, state, state], "f32"))).collect();
        let mut outputs = Vec::new();
        for step in 0..steps {
            let now = b.slice(&x, 1, step, 1);
            let gate = |b: &mut Build, at: usize, h: &Tensor| {
                let (new, old) = (b.matmul(&now, &gates[at].0), b.matmul(h, &gates[at].1));
                b.binary("add", &new, &old)
            };
            let reset = gate(&mut b, 0, &h);
            let reset = b.unary("sigmoid", &reset);
            let update = gate(&mut b, 1, &h);
            let update = b.unary("sigmoid", &update);
            let kept = b.binary("mul", &reset, &h);
            let new = gate(&mut b, 2, &kept);
            let new = b.unary("tanh", &new);
            let change = b.binary("sub", &new, &h);
            let change = b.binary("mul", &update, &change);
            h = b.binary("add", &h, &change);
            outputs.push(h.clone());
        }
        let all: Vec<&Tensor> = outputs.iter().collect();
        let all = b.concat(&all, 1);
        b.finish(&[&all, &h])
    }

    /// MLP-Mixer: layers along positions, then along channels.
    pub fn mixer(mut b: Build) -> String {
        let (length, width) = (6, 8);
        let mut x = b.input(&[1, length, width], "f32");
        for _ in 0..2 {
            let y = b.normalise(&x);
            let turned = b.transpose(&y, &[0, 2, 1]);
            let wide = b.dense(&turned, 8);
            let wide = b.unary("relu", &wide);
            let narrow = b.dense(&wide, length);
            let back = b.transpose(&narrow, &[0, 2, 1]);
            x = b.binary("add", &x, &back);
            let (sum, difference) = b.both(&x, &y);
            let product = b.binary("mul", &sum, &difference);
            let wide = b.dense(&product, 12);
            let narrow = b.dense(&wide, width);
            x = b.binary("add", &x, &narrow);
        }
        b.finish(&[&x])
    }

    /// Bytes in, bytes out: what is computed on whole numbers, between floats.
    pub fn quantised(mut b: Build) -> String {
        let x = b.input(&[1, 8, 8, 4], "i8");
        let wide = b.cast(&x, "i32");
        let w = b.weight(&[1, 8, 8, 4], "i8");
        let w = b.cast(&w, "i32");
        let product = b.binary("mul", &wide, &w);
        let sum = b.binary("add", &product, &wide);
        let (most, least) = (b.splat("127", &[1, 1, 1, 1], "i32"), b.splat("-128", &[1, 1, 1, 1], "i32"));
        let clipped = b.binary("min", &sum, &most);
        let clipped = b.binary("max", &clipped, &least);
        let byte = b.cast(&clipped, "i8");
        let other = b.binary("add", &byte, &x);
        let float = b.cast(&other, "f32");
        let y = b.conv(&float, 4, 3, 1);
        let y = b.unary("tanh", &y);
        let y = b.scale(&y, "100.0");
        let y = b.cast(&y, "i8");
        let y = b.concat(&[&y, &other], 3);
        b.finish(&[&y, &byte])
    }
}
