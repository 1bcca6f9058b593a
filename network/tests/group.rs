//! Which nodes join, and what they write in place.

use cosma_network::{Alias, Class, Kind, Network, Node, Rules, Tensor, TensorIndex, group};

/// A network whose tensors are called by letters; elementwise nodes read each operand at the place that they
/// write, if it is as large.
#[derive(Default)]
struct Build {
    network: Network,
    names: Vec<&'static str>,
}

impl Build {
    fn tensor(mut self, name: &'static str, n_elements: u64, bits: u64) -> Build {
        self.names.push(name);
        self.network.tensors.push(Tensor { n_elements, bytes: (n_elements * bits).div_ceil(8), is_weight: false });
        self
    }

    fn weight(self, name: &'static str, n_elements: u64, bits: u64) -> Build {
        let mut build = self.tensor(name, n_elements, bits);
        build.network.tensors.last_mut().expect("it was added").is_weight = true;
        build
    }

    fn index(&self, name: &str) -> TensorIndex {
        TensorIndex(self.names.iter().position(|other| *other == name).expect("there is such a tensor"))
    }

    fn node(mut self, class: Class, reads: &[&str], writes: &[&str]) -> Build {
        let indices = |names: &[&str]| names.iter().map(|name| self.index(name)).collect::<Vec<_>>();
        let (reads, writes) = (indices(reads), indices(writes));
        let n_elements = |tensor: TensorIndex| self.network.tensors[tensor.0].n_elements;
        let is_alias = |operand: &&TensorIndex| n_elements(**operand) == n_elements(writes[0]);
        let aliases = match class {
            Class::Elementwise => {
                let operands = reads.iter().filter(is_alias);
                operands.map(|operand| Alias { result: writes[0], operand: *operand, at: None }).collect()
            }
            _ => Vec::new(),
        };
        self.network.nodes.push(Node { class, reads, writes, aliases });
        self
    }

    /// The last node joins its operands, one after the other.
    fn joined(mut self) -> Build {
        let node = self.network.nodes.last_mut().expect("there is one");
        let mut at = 0;
        for operand in &node.reads {
            node.aliases.push(Alias { result: node.writes[0], operand: *operand, at: Some(at) });
            at += self.network.tensors[operand.0].n_elements;
        }
        self
    }

    fn result(mut self, name: &str) -> Build {
        let index = self.index(name);
        self.network.results.push(index);
        self
    }

    /// A line for each group: its nodes, those that it runs as others do in brackets, what it reads and writes,
    /// and what it may lie over.
    #[track_caller]
    fn check(self, expected: &[&str]) {
        let name = |tensor: &TensorIndex| self.names[tensor.0];
        let list = |tensors: &[TensorIndex]| tensors.iter().map(name).collect::<Vec<_>>().join(" ");
        let mut lines = Vec::new();
        for it in group(&self.network, &Rules::ACCELERATOR) {
            let nodes: Vec<String> = it.members.iter().map(|node| node.0.to_string()).collect();
            let copies: Vec<String> = it.copies.iter().map(|node| format!("[{}]", node.0)).collect();
            let mut line = [nodes, copies].concat().join(" ");
            line += &format!(": {} -> {}", list(&it.reads), list(&it.writes));
            if !it.in_place.is_empty() {
                line += " over";
            }
            for pair in &it.in_place {
                line += &format!(" {}", name(&pair.operand));
                line += &pair.part.map_or(String::new(), |at| format!("@{at}"));
            }
            line += match it.kind {
                Kind::Head => "",
                Kind::Normalization => ", a normalisation",
                Kind::Softmax => ", a softmax",
            };
            lines.push(line);
        }
        assert_eq!(lines, expected);
    }
}

use Class::*;

/// A convolution, the sum of its result and another tensor, and a convolution: all of eight bits between.
#[test]
fn what_widens_joins_each_reader_and_what_narrows_the_writer() {
    Build::default()
        .tensor("x", 64, 8)
        .weight("w", 16, 8)
        .tensor("sums", 64, 32)
        .tensor("a", 64, 8)
        .tensor("wide a", 64, 32)
        .tensor("wide x", 64, 32)
        .tensor("b", 64, 32)
        .tensor("c", 64, 8)
        .tensor("sums of c", 64, 32)
        .tensor("y", 64, 8)
        .node(Window, &["x", "w"], &["sums"])
        .node(Elementwise, &["sums"], &["a"])
        .node(Elementwise, &["a"], &["wide a"])
        .node(Elementwise, &["x"], &["wide x"])
        .node(Elementwise, &["wide a", "wide x"], &["b"])
        .node(Elementwise, &["b"], &["c"])
        .node(Window, &["c", "w"], &["sums of c"])
        .node(Elementwise, &["sums of c"], &["y"])
        .result("y")
        .check(&["0 1: x w -> a", "2 3 4 5: a x -> c over a x", "6 7: c w -> y"]);
}

#[test]
fn several_readers_each_widen_for_themselves() {
    Build::default()
        .tensor("x", 64, 8)
        .weight("w", 16, 8)
        .tensor("wide", 64, 32)
        .tensor("a", 64, 32)
        .tensor("b", 64, 32)
        .tensor("c", 64, 8)
        .node(Elementwise, &["x"], &["wide"])
        .node(Window, &["wide", "w"], &["a"])
        .node(Lookup, &["wide"], &["b"])
        .node(Elementwise, &["b"], &["c"])
        .result("a")
        .result("c")
        .check(&["1 [0]: x w -> a", "2 3 [0]: x -> c"]);
}

/// A result, and what nothing is known of, need the wide tensor; other readers do not.
#[test]
fn what_widens_stays_for_what_needs_the_wide_tensor() {
    let build = |class: Class| {
        Build::default()
            .tensor("x", 64, 8)
            .weight("w", 16, 8)
            .tensor("wide", 64, 32)
            .tensor("a", 64, 8)
            .tensor("b", 64, 8)
            .node(Elementwise, &["x"], &["wide"])
            .node(Window, &["wide", "w"], &["a"])
            .node(class, &["wide"], &["b"])
            .result("a")
            .result("b")
    };
    build(Opaque).check(&["0: x -> wide", "1 [0]: x w -> a", "2: wide -> b"]);
    build(Window).result("wide").check(&["0: x -> wide", "1 [0]: x w -> a", "2 [0]: x -> b"]);
}

/// Up to the narrow tensor behind an activation, but not to the wide one before the next reader.
#[test]
fn epilogues_end_where_elements_are_narrow() {
    let build = || {
        Build::default()
            .tensor("x", 64, 8)
            .weight("w", 16, 8)
            .tensor("sums", 64, 32)
            .tensor("a", 64, 8)
            .tensor("wide", 64, 32)
            .tensor("positive", 64, 32)
            .tensor("b", 64, 8)
            .tensor("y", 64, 32)
            .node(Window, &["x", "w"], &["sums"])
            .node(Elementwise, &["sums"], &["a"])
            .node(Elementwise, &["a"], &["wide"])
            .node(Elementwise, &["wide"], &["positive"])
    };
    build()
        .node(Elementwise, &["positive"], &["b"])
        .node(Window, &["b", "w"], &["y"])
        .result("y")
        .check(&["0 1 2 3 4: x w -> b", "5: b w -> y"]);
    build().node(Window, &["positive", "w"], &["y"]).result("y").check(&["0 1: x w -> a", "2 3 4: a w -> y"]);
    // The model asks for the wide one.
    build().result("positive").check(&["0 1 2 3: x w -> positive"]);
}

/// Windows and products read elements many times.
#[test]
fn what_narrows_an_input_runs_alone_before_windows() {
    let build = |class: Class| {
        Build::default()
            .tensor("x", 64, 32)
            .tensor("narrow", 64, 8)
            .tensor("y", 64, 8)
            .node(Elementwise, &["x"], &["narrow"])
            .node(class, &["narrow"], &["y"])
            .result("y")
    };
    build(Window).check(&["0: x -> narrow", "1: narrow -> y"]);
    build(Movement).check(&["0 1: x -> y"]);
}

/// Each operand and the result are narrow; the parts are counted in bytes of these. Four bits are half a byte.
#[test]
fn joined_tensors_lie_side_by_side_in_narrow_elements() {
    let build = |bits: u64| {
        Build::default()
            .tensor("x", 64, bits)
            .tensor("y", 32, bits)
            .tensor("wide x", 64, 32)
            .tensor("wide y", 32, 32)
            .tensor("wide", 96, 32)
            .tensor("z", 96, bits)
            .node(Elementwise, &["x"], &["wide x"])
            .node(Elementwise, &["y"], &["wide y"])
            .node(Movement, &["wide x", "wide y"], &["wide"])
            .joined()
            .node(Elementwise, &["wide"], &["z"])
            .result("z")
    };
    build(8).check(&["0 1 2 3: x y -> z over x@0 y@64"]);
    build(4).check(&["0 1 2 3: x y -> z over x@0 y@32"]);
}

/// An addition of a wide and a narrow tensor lies over none that is as wide as its result.
#[test]
fn what_is_not_equally_wide_shares_nothing() {
    Build::default()
        .tensor("x", 64, 8)
        .tensor("y", 64, 16)
        .tensor("z", 64, 16)
        .node(Elementwise, &["x", "y"], &["z"])
        .result("z")
        .check(&["0: x y -> z over y"]);
}

#[test]
fn pieces_are_narrowed_one_by_one() {
    Build::default()
        .tensor("x", 64, 8)
        .tensor("wide", 64, 32)
        .tensor("wide a", 32, 32)
        .tensor("wide b", 32, 32)
        .tensor("a", 32, 8)
        .tensor("b", 32, 8)
        .node(Elementwise, &["x"], &["wide"])
        .node(Movement, &["wide"], &["wide a", "wide b"])
        .node(Elementwise, &["wide a"], &["a"])
        .node(Elementwise, &["wide b"], &["b"])
        .result("a")
        .result("b")
        .check(&["0 1 2 3: x -> a b"]);
}

/// Whole rows of one tensor are at hand to what keeps them, but not to a product, and not those of two tensors.
#[test]
fn rows_are_reduced_where_they_are_at_hand() {
    let build = |class: Class, reads: &[&str], reduction: Class| {
        Build::default()
            .tensor("x", 64, 32)
            .tensor("y", 64, 32)
            .tensor("a", 64, 32)
            .tensor("sums", 8, 32)
            .tensor("b", 64, 32)
            .node(class, reads, &["a"])
            .node(reduction, &["a"], &["sums"])
            .node(Elementwise, &["a", "sums"], &["b"])
            .result("b")
    };
    build(Elementwise, &["x"], Reduction).check(&["0 1 2: x -> b over x, a normalisation"]);
    build(Elementwise, &["x"], Comparison).check(&["0 1 2: x -> b over x, a softmax"]);
    build(Compute, &["x"], Reduction).check(&["0: x -> a", "1 2: a -> b over a, a normalisation"]);
    let two = build(Elementwise, &["x", "y"], Reduction);
    two.check(&["0: x y -> a over x y", "1 2: a -> b over a, a normalisation"]);
}

/// Cropping one row is free to a window; to keep all of a tensor for a quarter of it is not.
#[test]
fn windows_crop_what_they_read() {
    let build = |n_elements: u64| {
        Build::default()
            .tensor("x", 64, 8)
            .tensor("cropped", n_elements, 8)
            .tensor("a", 16, 8)
            .tensor("b", 16, 8)
            .node(Padding, &["x"], &["cropped"])
            .node(Window, &["cropped"], &["a"])
            .node(Window, &["cropped"], &["b"])
            .result("a")
            .result("b")
    };
    build(49).check(&["1 [0]: x -> a", "2 [0]: x -> b"]);
    build(16).check(&["0: x -> cropped", "1: cropped -> a", "2: cropped -> b"]);
}
