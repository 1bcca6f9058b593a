//! Random programs of operations on small tensors.
//!
//! A program is made from a list of numbers, each of which decides something; so a list that is shorter
//! or smaller makes a simpler program. All values stay finite: how large they can be is kept for each
//! tensor, and what would grow too large passes through tanh.

use super::build::{Build, Flavour, Tensor, is_float};

/// A tensor, and a bound on its elements.
#[derive(Clone)]
struct Value {
    tensor: Tensor,
    bound: f64,
    is_read: bool,
}

struct Random<'a> {
    b: Build,
    choices: std::slice::Iter<'a, u16>,
    values: Vec<Value>,
}

const TAME: f64 = 1e3;

/// The program that these numbers make.
pub fn program(choices: &[u16], flavour: Flavour, in_place: bool) -> String {
    let b = Build::new(flavour);
    let b = if in_place { b.in_place() } else { b };
    let mut random = Random { b, choices: choices.iter(), values: Vec::new() };
    let image = [1, 3 + random.choose(4), 3 + random.choose(4), 1 + random.choose(5)];
    let sequence = [1 + random.choose(2), 2 + random.choose(4), 2 + random.choose(5)];
    for shape in [&image[..], &sequence] {
        let tensor = random.b.input(shape, "f32");
        random.keep(tensor, 1.0);
    }
    while !random.choices.as_slice().is_empty() {
        random.step();
    }
    // What nobody reads is a result, and now and then something that somebody does.
    let results: Vec<Tensor> = random
        .values
        .iter()
        .enumerate()
        .filter(|(at, it)| 2 <= *at && (!it.is_read || at % 7 == 0) || *at + 1 == random.values.len())
        .map(|it| it.1.tensor.clone())
        .collect();
    random.b.finish(&results.iter().collect::<Vec<_>>())
}

impl Random<'_> {
    /// A number below `n`; zero where no more was decided.
    fn choose(&mut self, n: usize) -> usize {
        self.choices.next().map_or(0, |it| usize::from(*it) % n)
    }

    fn keep(&mut self, tensor: Tensor, bound: f64) {
        self.values.push(Value { tensor, bound, is_read: false });
    }

    /// One of the tensors that fit; the newest come first.
    fn pick(&mut self, fits: impl Fn(&Tensor) -> bool) -> Option<(Tensor, f64)> {
        let fitting: Vec<usize> = (0..self.values.len()).rev().filter(|it| fits(&self.values[*it].tensor)).collect();
        if fitting.is_empty() {
            return None;
        }
        let at = fitting[self.choose(fitting.len())];
        self.values[at].is_read = true;
        let value = self.values[at].clone();
        if value.bound <= TAME || !is_float(value.tensor.element) {
            return Some((value.tensor, value.bound));
        }
        Some((self.b.unary("tanh", &value.tensor), 1.0))
    }

    fn step(&mut self) {
        let kind = self.choose(18);
        let is_f32 = |it: &Tensor| it.element == "f32";
        let is_image = |it: &Tensor| it.shape.len() == 4 && it.element == "f32";
        let is_sequence = |it: &Tensor| it.shape.len() == 3 && it.element == "f32";
        match kind {
            0 => {
                let Some((x, bound)) = self.pick(is_f32) else { return };
                let name = ["relu", "sigmoid", "tanh", "abs", "neg", "exp"][self.choose(6)];
                // An exponential is one of something small.
                let (x, bound) =
                    if name == "exp" && 3.0 < bound { (self.b.unary("tanh", &x), 1.0) } else { (x, bound) };
                let bound = match name {
                    "sigmoid" | "tanh" => 1.0,
                    "exp" => f64::exp(bound),
                    _ => bound,
                };
                let y = self.b.unary(name, &x);
                self.keep(y, bound);
            }
            1..=3 => {
                let Some((x, a)) = self.pick(|_| true) else { return };
                let (shape, element) = (x.shape.clone(), x.element);
                let Some((y, c)) = self.pick(|it| it.shape == shape && it.element == element) else { return };
                let name = ["add", "sub", "mul", "max", "min"][self.choose(5)];
                // What has few bits overflows soon.
                let is_small = !is_float(element) || element == "f16";
                let name = if name == "mul" && is_small { "max" } else { name };
                let bound = if name == "mul" { a * c } else { a + c };
                let z = self.b.binary(name, &x, &y);
                self.keep(z, bound);
            }
            4 => {
                let Some((x, bound)) = self.pick(is_f32) else { return };
                let mut shape = x.shape.clone();
                let last = shape.len() - 1;
                shape[..last].fill(1);
                let w = self.b.weight(&shape, "f32");
                let y = self.b.binary("mul", &x, &w);
                self.keep(y, bound);
            }
            5 | 6 => {
                let Some((x, bound)) = self.pick(is_image) else { return };
                let (channels, kernel, stride) = (1 + self.choose(6), [1, 3][self.choose(2)], 1 + self.choose(2));
                if x.shape[1] < 2 || x.shape[2] < 2 {
                    return;
                }
                let reach = (kernel * kernel * x.shape[3]) as f64;
                let y =
                    if kind == 5 { self.b.conv(&x, channels, kernel, stride) } else { self.b.depthwise(&x, 3, stride) };
                self.keep(y, bound * reach.max(9.0) + 1.0);
            }
            7 => {
                let Some((x, bound)) = self.pick(is_image) else { return };
                let (is_max, kernel, stride) = (self.choose(2) == 0, 2 + self.choose(2), 1 + self.choose(2));
                if x.shape[1] < 3 || x.shape[2] < 3 {
                    return;
                }
                let y = self.b.pool(&x, is_max, kernel, stride);
                self.keep(y, bound);
            }
            8 => {
                let Some((x, bound)) = self.pick(is_f32) else { return };
                let (axis, is_max) = (self.choose(x.shape.len()), self.choose(2) == 0);
                let y = self.b.reduce(is_max, &x, axis);
                self.keep(y, bound * x.shape[axis] as f64);
            }
            9 => {
                let Some((x, bound)) = self.pick(is_sequence) else { return };
                let width = 1 + self.choose(6);
                let y = self.b.dense(&x, width);
                self.keep(y, bound * x.shape[2] as f64 + 1.0);
            }
            10 => {
                let Some((x, a)) = self.pick(|it| it.shape.iter().product::<usize>() < 400) else { return };
                let axis = self.choose(x.shape.len());
                let (shape, element) = (x.shape.clone(), x.element);
                let same = |it: &Tensor| {
                    let others = it.shape.iter().zip(&shape).enumerate().all(|(at, it)| at == axis || it.0 == it.1);
                    it.element == element && it.shape.len() == shape.len() && others
                };
                let Some((y, c)) = self.pick(same) else { return };
                let z = self.b.concat(&[&x, &y], axis);
                self.keep(z, a.max(c));
            }
            11 => {
                let Some((x, bound)) = self.pick(|_| true) else { return };
                let axis = self.choose(x.shape.len());
                let size = 1 + self.choose(x.shape[axis]);
                let from = self.choose(x.shape[axis] - size + 1);
                let y = self.b.slice(&x, axis, from, size);
                self.keep(y, bound);
            }
            12 => {
                let Some((x, bound)) = self.pick(|_| true) else { return };
                let s = &x.shape;
                let all: usize = s.iter().product();
                let shape = match (self.choose(3), s.len()) {
                    (0, _) => vec![all],
                    (1, 4) => vec![s[0], s[1] * s[2], s[3]],
                    (1, 3) => vec![1, s[0], s[1], s[2]],
                    _ => vec![1, all, 1],
                };
                let y = self.b.reshape(&x, &shape);
                self.keep(y, bound);
            }
            13 => {
                let Some((x, bound)) = self.pick(|it| 2 <= it.shape.len()) else { return };
                let mut order: Vec<usize> = (0..x.shape.len()).collect();
                let (a, c) = (self.choose(order.len()), self.choose(order.len()));
                order.swap(a, c);
                let y = self.b.transpose(&x, &order);
                self.keep(y, bound);
            }
            14 => {
                let Some((x, _)) = self.pick(|it| is_f32(it) && 2 <= it.shape.len()) else { return };
                let is_softmax = self.choose(2) == 0;
                let y = if is_softmax { self.b.softmax(&x) } else { self.b.normalise(&x) };
                self.keep(y, x.shape.iter().max().map_or(1.0, |it| *it as f64));
            }
            15 => {
                let Some((x, a)) = self.pick(is_f32) else { return };
                let shape = x.shape.clone();
                let Some((y, c)) = self.pick(|it| is_f32(it) && it.shape == shape) else { return };
                if self.choose(2) == 0 {
                    let z = self.b.choose(&x, &y, &y, &x);
                    self.keep(z, a.max(c));
                } else {
                    let (sum, difference) = self.b.both(&x, &y);
                    self.keep(sum, a + c);
                    self.keep(difference, a + c);
                }
            }
            16 => {
                let Some((x, bound)) = self.pick(|_| true) else { return };
                let to = ["f32", "i8", "i32", "f16"][self.choose(4)];
                if to == x.element || !is_float(to) && !is_float(x.element) {
                    return;
                }
                let y = self.b.cast(&x, to);
                // Back to a float, it is as large as it was, or as all that a byte can say.
                self.keep(y, if x.element == "i8" { 128.0 } else { bound });
            }
            _ => {
                let Some((x, bound)) = self.pick(|it| is_image(it) && it.shape.iter().product::<usize>() < 150) else {
                    return;
                };
                let y = self.b.upsample(&x);
                self.keep(y, bound);
            }
        }
    }
}
