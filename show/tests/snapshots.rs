//! Small programs, as people see them.

use cosma_planner::{Options, Order, Problem, Solver, plan};
use cosma_show::{Exhibit, Proof, Speed, dot, explain, larger_scratchpads, memory_map, page, trace};

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
    insta::assert_snapshot!(events(&trace(&exhibits, None)));
    // No operator says how many multiplications it has, so each takes a cycle.
    let speed = Speed { dma_bytes_per_cycle: 32.0, cycles_per_mac: 1.0 };
    insta::assert_snapshot!(events(&trace(&exhibits, Some(&speed))));
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
    serde_json::from_str::<serde_json::Value>(&trace(&[exhibit], None)).expect("it is JSON");
}

/// What is staged says where it comes from; parts are spilled for that, and lead there.
#[test]
fn what_passes_through_host_memory() {
    let staged = exhibit(STAGED, Order::Free);
    let text = explain(&staged, Some(Order::Free), None);
    for line in [
        "Optimal: beyond the compulsory traffic, only what these operators pass on through host memory is",
        "a, 128 B: 1 spill, 128 B",
        "spilled as soon as it was written, for others to read a region of what it is a part of",
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
    let trace = trace(&[staged], None);
    assert_eq!(trace.matches("\"ph\":\"s\"").count(), 2, "{trace}");
    assert_eq!(trace.matches("\"ph\":\"f\"").count(), 2, "{trace}");
}
