//! Passes of MLIR between planning and lowering leave programs that compute what the source does, or are
//! refused.

use super::QUICK;
use super::case::{BETWEEN, plan_and_pass};
use cosma::execute::Original;
use cosma::{MachineOptions, Options, Stages, optimize, run_pipeline};

/// What reads `x` first and last is the same: between the two, its place is overwritten.
fn twice(exp: &str, abs: &str, sigmoid: &str, tanh: &str, add: &str) -> String {
    let unary = |operator: &str, operand: &str| operator.replace('$', operand);
    format!(
        "func.func @f(%x: tensor<16xf32>) -> tensor<16xf32> {{
  %empty = tensor.empty() : tensor<16xf32>
  %e1 = {}
  %a = {}
  %s = {}
  %t = {}
  %e2 = {}
  %r = {add}
  return %r : tensor<16xf32>
}}
",
        unary(exp, "%x"),
        unary(abs, "%e1"),
        unary(sigmoid, "%a"),
        unary(tanh, "%s"),
        unary(exp, "%x")
    )
}

fn tosa() -> String {
    let unary = |name: &str| format!("tosa.{name} $ {{cosma.in_place = []}} : (tensor<16xf32>) -> tensor<16xf32>");
    let add = "tosa.add %t, %e2 {cosma.in_place = []} : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>";
    twice(&unary("exp"), &unary("abs"), &unary("sigmoid"), &unary("tanh"), add)
}

fn linalg() -> String {
    let unary = |name: &str| {
        format!(
            "linalg.{name} {{cosma.in_place = []}} ins($ : tensor<16xf32>) outs(%empty : tensor<16xf32>) -> tensor<16xf32>"
        )
    };
    let add = "linalg.add {cosma.in_place = []} ins(%t, %e2 : tensor<16xf32>, tensor<16xf32>) \
               outs(%empty : tensor<16xf32>) -> tensor<16xf32>";
    twice(&unary("exp"), &unary("abs"), &unary("negf"), &unary("tanh"), add)
}

fn groups() -> String {
    let unary = |name: &str| {
        format!(
            "cosma.group \"{name}\"($) : (tensor<16xf32>) -> tensor<16xf32> {{
  ^bb0(%p: tensor<16xf32>):
    %i = tosa.{name} %p : (tensor<16xf32>) -> tensor<16xf32>
    %j = tosa.negate %i, %zero, %zero : (tensor<16xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<16xf32>
    cosma.yield %j : tensor<16xf32>
  }}"
        )
        .replace(
            "    %j",
            "    %zero = \"tosa.const\"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>\n    %j",
        )
    };
    let add = "cosma.group \"add\"(%t, %e2) : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32> {
  ^bb0(%p: tensor<16xf32>, %q: tensor<16xf32>):
    %i = tosa.add %p, %q : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
    cosma.yield %i : tensor<16xf32>
  }";
    twice(&unary("exp"), &unary("abs"), &unary("sigmoid"), &unary("tanh"), add)
}

fn options(scratchpad: u64, schedule: bool) -> Options {
    Options {
        machine: MachineOptions { scratchpad: Some(scratchpad.into()), ..MachineOptions::default() },
        stages: Stages { schedule, ..Stages::default() },
        ..Options::default()
    }
}

#[test]
fn equal_operators_are_not_merged() {
    for text in [tosa(), linalg(), groups()] {
        let context = cosma::new_context();
        let source = cosma::parse(&context, text.as_bytes(), "source").expect("it is well-formed");
        // The groups read and write, as the source runs without them.
        let original = Original::new(&context, &source, &QUICK).expect("it runs");
        for scratchpad in [192, 256] {
            for schedule in [false, true] {
                let planned = plan_and_pass(&context, &text, &options(scratchpad, schedule)).expect("it plans");
                let planned_text = planned.as_operation().to_string();
                assert_eq!(planned_text.matches(" = cosma.group ").count(), 6, "{planned_text}");
                let comparison = original.compare_planned(&planned).expect("it runs").remove(0);
                assert_eq!(comparison.faults(), Vec::<String>::new(), "{planned_text}");
            }
        }
    }
}

/// Operators with regions that capture tensors, constants and scalars; results that are scalars; and an
/// operator whose operands are the same tensor, once as it is and once as a view.
const CAPTURES: &str = r#"
func.func @f(%x: tensor<16xf32>, %n: tensor<16xf32>) -> (tensor<4x4xf32>, tensor<16xf32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %four = arith.constant 4 : index
  %scale = arith.constant dense<2.0> : tensor<16xf32>
  %e = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
  %first = tensor.extract %e[%zero] : tensor<16xf32>
  %limit = arith.constant 1.0 : f32
  %c = arith.cmpf olt, %first, %limit : f32
  %loop = scf.for %i = %zero to %four step %one iter_args(%sum = %n) -> tensor<16xf32> {
    %more = linalg.add ins(%sum, %e : tensor<16xf32>, tensor<16xf32>) outs(%sum : tensor<16xf32>) -> tensor<16xf32>
    %much = linalg.mul ins(%more, %scale : tensor<16xf32>, tensor<16xf32>) outs(%more : tensor<16xf32>) -> tensor<16xf32>
    scf.yield %much : tensor<16xf32>
  }
  %chosen = scf.if %c -> tensor<16xf32> {
    %other = tensor.insert %first into %loop[%one] : tensor<16xf32>
    scf.yield %other : tensor<16xf32>
  } else {
    scf.yield %e : tensor<16xf32>
  }
  %again = tosa.exp %x : (tensor<16xf32>) -> tensor<16xf32>
  %square = tensor.expand_shape %chosen [[0, 1]] output_shape [4, 4] : tensor<16xf32> into tensor<4x4xf32>
  %empty = tensor.empty() : tensor<4x4xf32>
  %turned = linalg.transpose ins(%square : tensor<4x4xf32>) outs(%empty : tensor<4x4xf32>) permutation = [1, 0]
  %sum = tosa.add %again, %chosen : (tensor<16xf32>, tensor<16xf32>) -> tensor<16xf32>
  return %turned, %sum : tensor<4x4xf32>, tensor<16xf32>
}
"#;

#[test]
fn what_regions_read_is_read_in_place() {
    let context = cosma::new_context();
    let source = cosma::parse(&context, CAPTURES.as_bytes(), "source").expect("it is well-formed");
    let original = Original::new(&context, &source, &QUICK).expect("it runs");
    for scratchpad in [320, 512, 1024] {
        let planned = plan_and_pass(&context, CAPTURES, &options(scratchpad, true)).expect("it plans");
        let comparison = original.compare_planned(&planned).expect("it runs").remove(0);
        assert_eq!(comparison.faults(), Vec::<String>::new(), "{}", planned.as_operation());
    }
}

/// Constants that are equal, and what is computed from a weight twice: each read twice by one operator.
fn equal_constants() -> String {
    let values: Vec<String> = (0..16).map(|it| format!("{it}.5")).collect();
    let constant =
        format!("\"tosa.const\"() {{values = dense<[{}]> : tensor<16xf32>}} : () -> tensor<16xf32>", values.join(", "));
    let turned = "linalg.transpose ins(%w : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]";
    format!(
        "func.func @f(%x: tensor<16xf32>, %y: tensor<4x4xf32>, %w: tensor<4x4xf32> {{cosma.weight}})
    -> (tensor<16xf32>, tensor<4x4xf32>) {{
  %c = {constant}
  %d = {constant}
  %e0 = tensor.empty() : tensor<4x4xf32>
  %t = {}
  %e1 = tensor.empty() : tensor<4x4xf32>
  %u = {}
  {} = cosma.group \"first\"(%x, %c, %d) {}
  {} = cosma.group \"second\"(%y, %t, %u) {}
  {} = cosma.group \"third\"(%0, %d, %c) {}
  return %2, %1 : tensor<16xf32>, tensor<4x4xf32>
}}
",
        turned.replace("%e", "%e0"),
        turned.replace("%e", "%e1"),
        "%0",
        sum_of_three("tensor<16xf32>"),
        "%1",
        sum_of_three("tensor<4x4xf32>"),
        "%2",
        sum_of_three("tensor<16xf32>"),
    )
}

fn sum_of_three(tensor: &str) -> String {
    format!(
        ": ({tensor}, {tensor}, {tensor}) -> {tensor} {{
  ^bb0(%p: {tensor}, %q: {tensor}, %r: {tensor}):
    %s = tosa.add %p, %q : ({tensor}, {tensor}) -> {tensor}
    %m = tosa.mul %s, %r, %zero : ({tensor}, {tensor}, tensor<1xi8>) -> {tensor}
    cosma.yield %m : {tensor}
  }}"
    )
    .replace("    %s", "    %zero = \"tosa.const\"() {values = dense<0> : tensor<1xi8>} : () -> tensor<1xi8>\n    %s")
}

/// As many operands of operators as there are different values among them, by operator.
fn n_different_operands(planned: &str) -> Vec<usize> {
    let groups =
        planned.lines().filter_map(|line| line.split_once("cosma.group ")?.1.split_once('(')?.1.split_once(')'));
    let distinct = |operands: &str| operands.split(", ").collect::<std::collections::BTreeSet<_>>().len();
    groups.map(|(operands, _)| distinct(operands)).collect()
}

#[test]
fn equal_constants_are_one() {
    let context = cosma::new_context();
    let text = equal_constants();
    let source = cosma::parse(&context, text.as_bytes(), "source").expect("it is well-formed");
    let original = Original::new(&context, &source, &QUICK).expect("it runs");
    for scratchpad in [192, 256, 1024] {
        let planned = plan_and_pass(&context, &text, &options(scratchpad, true)).expect("it plans");
        let planned_text = planned.as_operation().to_string();
        // One tensor from the host, and one constant: 192 bytes have room for these and a result.
        assert_eq!(n_different_operands(&planned_text), [2, 2, 2], "{planned_text}");
        let comparison = original.compare_planned(&planned).expect("it runs").remove(0);
        assert_eq!(comparison.faults(), Vec::<String>::new(), "{planned_text}");

        // What is one constant in a planned program may be two again, with the same bytes.
        let constant = planned_text.lines().find(|line| line.contains("tosa.const") && line.contains("16xf32"));
        let (name, value) = constant.and_then(|line| line.split_once(" = ")).expect("there is one");
        let (before, after) = planned_text.split_once(constant.expect("there is one")).expect("it is there");
        let (first, rest) = after.split_once(&format!("load {} ", name.trim())).expect("it is loaded");
        let rest = rest.replace(&format!("load {} ", name.trim()), "load %again ");
        let apart = format!("{before}{name} = {value}\n%again = {value}{first}load {} {rest}", name.trim());
        let apart = cosma::parse(&context, apart.as_bytes(), "apart").expect("it is well-formed");
        let comparison = original.compare_planned(&apart).expect("it runs").remove(0);
        assert_eq!(comparison.faults(), Vec::<String>::new(), "{}", apart.as_operation());
    }
}

/// Between the two passes that plan, operators of other dialects are still bare: what passes make of
/// them then is right, or refused.
#[test]
fn allocated_form_is_right_or_refused() {
    let context = cosma::new_context();
    let (mut planned, mut refused) = (0, 0);
    let unused = tosa().replace("return", "%unused = tosa.exp %t : (tensor<16xf32>) -> tensor<16xf32>\n  return");
    for text in [tosa(), linalg(), groups(), unused] {
        let source = cosma::parse(&context, text.as_bytes(), "source").expect("it is well-formed");
        let original = Original::new(&context, &source, &QUICK).expect("it runs");
        for passes in ["cse", "canonicalize", "cse,canonicalize,sccp"] {
            let mut module = cosma::parse(&context, text.as_bytes(), "allocated").expect("it is well-formed");
            let pipeline =
                format!("builtin.module(func.func(cosma-allocate{{scratchpad=192}},{passes},cosma-insert-transfers))");
            let _reports = cosma::Reports::attach(&context);
            if run_pipeline(&mut module, &pipeline, &Options::default()).is_err() {
                refused += 1;
                continue;
            }
            planned += 1;
            run_pipeline(&mut module, BETWEEN, &Options::default()).expect("passes run");
            let faults = original.compare_planned(&module).expect("it runs").remove(0).faults();
            assert_eq!(faults, Vec::<String>::new(), "{}", module.as_operation());
        }
    }
    println!("{planned} planned, {refused} refused");
    assert!(6 <= planned && 1 <= refused);
}

/// A module that was planned and not passed through anything is what `optimize` verifies, too.
#[test]
fn the_judge_agrees() {
    let context = cosma::new_context();
    let mut planned = plan_and_pass(&context, CAPTURES, &options(512, true)).expect("it plans");
    let stages = Stages { verify: true, ..Stages::default() };
    optimize(&mut planned, &Options { stages, ..Options::default() }).expect("it is right");
}
