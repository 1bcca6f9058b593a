//! Small programs, as people see them.

use cosma_planner::{Bytes, Options, Order, Problem, Solver, Step, plan};
use cosma_show::{
    Exhibit, Families, Moved, OperatorLabel, Picture, Proof, TensorLabel, dot, explain, larger_scratchpads, memory_map,
    page, trace,
};

/// Two branches, a weight, a workspace, a result in the place of an operand, and an argument that is
/// read at both ends.
const BRANCHES: &str = "\
machine scratchpad 256 alignment 64 weights resident
argument x 64
weight w 64
op Expand_0: x -> a 128
op Shift_1: x -> b 128
op Reduce_2: a -> c 64
op Conv_3: b w -> d 64
op Norm_4: d -> e 64 over d workspace 64
op Add_5: c e x -> s 64
return s
";

/// A result of the first operator is read by the last; the middle needs everything.
const AROUND: &str = "\
machine scratchpad 384 alignment 64 weights resident
argument x 64
op A_0: x -> a 128
op B_1: a -> b 192
op C_2: b -> c 192
op D_3: c -> d 64
op E_4: d a -> e 64
return e
";

/// A region that is read has bytes of what two operators write.
const STAGED: &str = "\
machine scratchpad 384 alignment 64 weights resident
argument x 64
op A_0: x -> a 128
op B_1: x -> b 64
staged s 96 from a b
op C_2: s b -> c 64
return c
";

/// The solver that is there with and without integer programming.
fn options(order: Order) -> Options {
    Options { order, solver: Solver::Search, ..Options::default() }
}

fn exhibit(text: &str, order: Order) -> Exhibit {
    let problem: Problem = text.parse().expect("it is a problem");
    let solution = plan(&problem, &options(order)).expect("there is a plan");
    let actions = solution.plan.actions(&problem);
    let proof =
        Proof { lower_bound: solution.lower_bound, fragmentation: solution.fragmentation, solver: solution.solver };
    Exhibit { proof: Some(proof), ..Exhibit::new("net", problem, actions) }
}

#[test]
fn a_map() {
    insta::assert_snapshot!(memory_map(&exhibit(BRANCHES, Order::Free)));
}

/// Weights of which two stay from run to run, under names of an exported model. Without what is kept, all would fit.
const KEPT: &str = "\
machine scratchpad 512 alignment 64 weights resident
argument x 64
weight model.a.w 64 keep auto
weight model.a.v 128 keep always
weight model.a.u 64
op /net/a/Conv_0: x model.a.w -> /net/a/Conv_0/out 128
op /net/a/Conv_1: /net/a/Conv_0/out model.a.v -> /net/a/Conv_1/out 192
op /net/b/Conv_2: /net/a/Conv_1/out model.a.u -> /net/b/Conv_2/out 64
op /net/b/Add_3: /net/b/Conv_2/out /net/a/Conv_0/out -> y 64
return y
";

fn kept() -> Exhibit {
    let problem: Problem = KEPT.parse().expect("it is a problem");
    let plan = plan(&problem, &options(Order::Free)).expect("there is a plan").plan;
    let prologue = plan.prologue(&problem);
    let n_prologue = prologue.len();
    assert_eq!(n_prologue, 2);
    let actions = prologue.into_iter().chain(plan.actions(&problem)).collect();
    Exhibit { n_prologue, ..Exhibit::new("net", problem, actions) }
}

#[test]
fn what_is_kept_is_marked_and_moves_once() {
    let exhibit = kept();
    let picture = Picture::new(&exhibit);
    let kept: Vec<_> = picture.blocks.iter().filter(|it| it.is_kept).map(|it| (it.size.0, it.steps.clone())).collect();
    assert_eq!(kept, [(64, Step(0)..Step(4)), (128, Step(0)..Step(4))]);
    // Loads before the first run are none of a run, and what is kept is live in each step.
    let moved = |it: &Moved| it.loaded + it.reloaded + it.stored + it.spilled;
    assert_eq!(picture.moved.iter().map(moved).sum::<Bytes>(), exhibit.traffic().total());
    let sizes = exhibit.problem.graph.tensors().iter().map(|it| it.size);
    let costs: Bytes = picture.costs.iter().zip(sizes).map(|(cost, size)| cost.total(size)).sum();
    assert_eq!(costs, exhibit.traffic().total());
    assert!(picture.occupied.iter().zip(&picture.live).all(|(occupied, live)| occupied <= live));
    insta::assert_snapshot!("kept_on_a_map", memory_map(&exhibit));
    let page = page(&[exhibit]);
    assert_eq!(page.matches("\"kept\":true").count(), 2);
    assert!(page.contains("\"notes\":[\"kept from run to run: loaded once, before the first run\"]"));
}

/// The words of the explanation are those of the tips.
#[test]
fn tips_say_why() {
    for (text, tail) in [(BRANCHES, 0), (AROUND, 0), (AROUND, 120)] {
        let mut exhibit = exhibit(text, Order::Free);
        exhibit.tensors.iter_mut().for_each(|it| it.name += &"_".repeat(tail));
        let (map, page) = (memory_map(&exhibit), page(std::slice::from_ref(&exhibit)));
        let words = explain(&exhibit, None, None);
        let (_, moved) = words.split_once("What was moved and why\n").expect("something is moved");
        let reasons: Vec<_> = moved.lines().take_while(|it| !it.is_empty()).map(str::trim).collect();
        let said = |start: &str| reasons.iter().filter(move |it| it.starts_with(start)).copied().collect::<Vec<_>>();
        let hows = [said("evicted"), said("spilled")].concat();
        assert!(!hows.is_empty() && !said("no space").is_empty(), "{words}");
        for reason in hows.into_iter().chain(said("no space")) {
            // In the tips of the box before, of the one after, and of the line between them.
            assert!(3 <= map.matches(reason).count(), "{reason}: {map}");
            assert!(page.contains(reason), "{reason}");
        }
        for present in said("in use: ").into_iter().filter(|it| !it.contains("as above")) {
            assert!(map.contains(present), "{present}: {map}");
            assert!(page.contains(&present["in use: ".len()..]), "{present}");
        }
    }
}

/// Steps in which more is live than fits are those whose live bytes are more than the scratchpad, and no others.
#[test]
fn steps_with_too_much_are_marked() {
    let exhibit = exhibit(BRANCHES, Order::Source);
    let picture = Picture::new(&exhibit);
    let scratchpad = exhibit.problem.machine.scratchpad();
    let runs = picture.oversubscribed(scratchpad);
    let is_marked = |step: u32| runs.iter().any(|it| it.contains(&Step(step)));
    for (step, live) in (0..).zip(&picture.live) {
        assert_eq!(is_marked(step), scratchpad < *live, "{step}");
    }
    assert!(!runs.is_empty() && runs.windows(2).all(|it| it[0].end < it[1].start));
    let map = memory_map(&exhibit);
    // Below the map, and behind the curves; and in the legend.
    assert_eq!(map.matches("class=\"over\"").count(), runs.len() + 1);
    assert_eq!(map.matches("class=\"over-band\"").count(), runs.len());
    assert!(map.contains(" live, ") && map.contains(" more than the scratchpad holds"), "{map}");
}

/// Two layers in two bands each, and a third one that is not cut. A weight of 64 B too many for all to stay.
const TILES: &str = "\
machine scratchpad 256 alignment 64 weights resident
argument x0 64
argument x1 64
weight w 64
weight v 64
op Conv_0: x0 w -> a0 64
op Relu_1: a0 v -> b0 64
op Conv_2: x1 w -> a1 64
op Relu_3: a1 v -> b1 64
op Add_4: b0 b1 -> y 128
return y
";

fn tiles() -> Exhibit {
    let exhibit = exhibit(TILES, Order::Source);
    let names = |it: &[&str]| it.iter().map(ToString::to_string).collect::<Vec<_>>();
    let families = Families {
        operators: names(&["conv", "relu", "Add_4"]),
        tensors: names(&["x", "w", "v", "conv", "relu", "Add_4"]),
        of_operator: vec![0, 1, 0, 1, 2],
        of_tensor: vec![0, 0, 1, 2, 3, 4, 3, 4, 5],
    };
    let operator = |(name, part): (&str, Option<&str>)| OperatorLabel {
        name: name.into(),
        kind: name.split('/').next().unwrap_or_default().into(),
        part: part.map(Into::into),
        ..OperatorLabel::default()
    };
    let parts = [("conv/0", "[0] [4]"), ("relu/0", "[0] [4]"), ("conv/1", "[4] [4]"), ("relu/1", "[4] [4]")];
    let parts = parts.map(|it| (it.0, Some(it.1))).into_iter().chain([("Add_4", None)]);
    let tensor = |name: &str| TensorLabel { name: name.into(), shape: String::new() };
    let tensors = ["x[0] [4]", "x[4] [4]", "w", "v", "conv/0", "relu/0", "conv/1", "relu/1", "Add_4"];
    Exhibit { operators: parts.map(operator).collect(), tensors: tensors.map(tensor).into(), families, ..exhibit }
}

#[test]
fn tiles_are_families() {
    let exhibit = tiles();
    insta::assert_snapshot!("tiles_explained", explain(&exhibit, Some(Order::Source), None));
    insta::assert_snapshot!("tiles_as_a_graph", dot(&exhibit));
    let map = memory_map(&exhibit);
    insta::assert_snapshot!("tiles_on_a_map", map);
    // Pieces have the colour of their tensor, and what they are is told as of one.
    assert!(map.contains("conv to relu ×2") && map.contains("5 tiles of 3 operators"), "{map}");
    let trace: serde_json::Value = serde_json::from_str(&trace(&[exhibit])).expect("it is JSON");
    let events = trace["traceEvents"].as_array().expect("a list");
    let of =
        |name: &str| events.iter().filter(|it| it["name"] == name).map(|it| it["args"].clone()).collect::<Vec<_>>();
    let tiles: Vec<_> = of("conv").iter().map(|it| (it["tile"].to_string(), it["part"].to_string())).collect();
    let expected = [("\"conv/0\"", "\"[0] [4]\""), ("\"conv/1\"", "\"[4] [4]\"")];
    assert_eq!(tiles, expected.map(|it| (it.0.to_owned(), it.1.to_owned())));
    assert_eq!(of("load x").iter().map(|it| it["piece"].clone()).collect::<Vec<_>>(), ["x[0] [4]", "x[4] [4]"]);
    assert!(of("Add_4")[0]["tile"].is_null());
}

#[test]
fn a_graph() {
    insta::assert_snapshot!(dot(&exhibit(AROUND, Order::Free)));
}

#[test]
fn traces() {
    let exhibits = [exhibit(AROUND, Order::Free)];
    let events = |text: &str| {
        let trace: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        let events = trace["traceEvents"].as_array().expect("a list").clone();
        events.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(events(&trace(&exhibits)));
}

#[test]
fn explanations() {
    for (text, order) in [(BRANCHES, Order::Free), (AROUND, Order::Free), (BRANCHES, Order::Source)] {
        let exhibit = exhibit(text, order);
        let larger = larger_scratchpads(&exhibit.problem, exhibit.traffic().non_compulsory, &options(order), &|| false);
        insta::assert_snapshot!(explain(&exhibit, Some(order), Some(&larger)));
    }
    let unknown = Exhibit { proof: None, ..exhibit(AROUND, Order::Free) };
    insta::assert_snapshot!(explain(&unknown, None, None));
}

#[test]
fn names_cannot_break_out() {
    let mut exhibit = exhibit(AROUND, Order::Free);
    exhibit.function = "a\"<b>&{{data}}".into();
    exhibit.tensors[1].name = "</script><script>alert(1)</script>\u{0}\"\\".into();
    exhibit.operators[0].name = "\"]; evil -> node [label=\"<x>\n".into();
    let page = page(std::slice::from_ref(&exhibit));
    assert_eq!(page.matches("<script").count(), 2);
    assert_eq!(page.matches("</script").count(), 2);
    assert!(page.contains("Memory map: @a\"&lt;b>&amp;{{data}}"));
    let map = memory_map(&exhibit);
    assert!(!map.contains("<script") && !map.contains('\u{0}'));
    let graph = dot(&exhibit);
    assert!(!graph.contains("evil -> node [label=\"<"), "{graph}");
    serde_json::from_str::<serde_json::Value>(&trace(&[exhibit])).expect("it is JSON");
}

/// What is staged says where it comes from; parts are spilled for that, and lead there.
#[test]
fn what_passes_through_host_memory() {
    let staged = exhibit(STAGED, Order::Free);
    let text = explain(&staged, Some(Order::Free), None);
    for line in [
        "Optimal: beyond the compulsory traffic, only what these operators pass on through host memory is",
        "a, 128 B: 1 spill, 128 B",
        "spilled right after it was written: others read regions of the tensor that it is a part of",
        "s, 96 B: 1 reload, 96 B",
        "read from host memory, where it consists of a, b",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let graph = dot(&staged);
    for writer in ["step0", "step1"] {
        assert!(graph.contains(&format!("{writer} -> tensor3 [style = dashed];")), "{graph}");
    }
    // An arrow from each spill to the reload.
    let trace = trace(&[staged]);
    assert_eq!(trace.matches("\"ph\":\"s\"").count(), 2, "{trace}");
    assert_eq!(trace.matches("\"ph\":\"f\"").count(), 2, "{trace}");
}
