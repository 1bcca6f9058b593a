//! What is wrong with a program shows when it runs: an oracle needs an oracle.

use super::QUICK;
use cosma::execute::{Original, RunError};
use cosma::{MachineOptions, Options, Reports, Stages, optimize};

/// Two branches from one tensor, one of which has to wait.
const SOURCE: &str = r#"
func.func @f(%x: tensor<4x8xf32>, %w: tensor<8x8xf32> {cosma.weight}) -> tensor<4x8xf32> {
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<4x8xf32>
  %start = linalg.fill ins(%zero : f32) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %0 = linalg.exp ins(%x : tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.matmul ins(%0, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = linalg.matmul ins(%1, %w : tensor<4x8xf32>, tensor<8x8xf32>) outs(%start : tensor<4x8xf32>) -> tensor<4x8xf32>
  %3 = linalg.sub ins(%2, %0 : tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  %4 = linalg.mul ins(%3, %1 : tensor<4x8xf32>, tensor<4x8xf32>) outs(%empty : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %4 : tensor<4x8xf32>
}
"#;

fn options(verify: bool) -> Options {
    Options {
        machine: MachineOptions { scratchpad: Some(512.into()), ..MachineOptions::default() },
        stages: Stages { allocate: !verify, verify, ..Stages::default() },
        ..Options::default()
    }
}

/// Offsets in a text: where they begin and end.
fn offsets(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (at, mark) in text.match_indices(" at ") {
        let start = at + mark.len() + usize::from(text[at + mark.len()..].starts_with('['));
        let digits = text[start..].bytes().take_while(u8::is_ascii_digit).count();
        if 0 < digits {
            found.push((start, start + digits));
        }
    }
    found
}

#[test]
fn what_the_judge_refuses_shows() {
    let context = cosma::new_context();
    let source = cosma::parse(&context, SOURCE.as_bytes(), "source").expect("it is well-formed");
    let original = Original::new(&context, &source, &QUICK).expect("it runs");
    let mut planned = cosma::parse(&context, SOURCE.as_bytes(), "planned").expect("it is well-formed");
    optimize(&mut planned, &options(false)).expect("there is a plan");
    let text = planned.as_operation().to_string();
    assert!(original.compare_planned(&planned).expect("it runs")[0].faults().is_empty());
    let _reports = Reports::attach(&context);
    let (mut refused, mut found) = (0, 0);
    for (start, end) in offsets(&text) {
        for offset in ["0", "64", "128", "256", "384"] {
            let damaged = format!("{}{offset}{}", &text[..start], &text[end..]);
            let parse = || cosma::parse(&context, damaged.as_bytes(), "damaged");
            // What ends beyond the scratchpad is no module.
            let Some(mut judged) = parse() else { continue };
            let Err(judgement) = optimize(&mut judged, &options(true)) else { continue };
            let damaged_module = parse().expect("it was before");
            let lowered = original.compare_planned(&damaged_module);
            assert!(matches!(lowered, Err(RunError::Plan(_))), "what is judged to be wrong is lowered: {damaged}");
            let faults = match original.compare_unjudged(&damaged_module) {
                Ok(comparisons) => comparisons[0].faults(),
                Err(error) => vec![error.to_string()],
            };
            // A result on an operand of its own, which nobody said could be in place: lowering sees it, and
            // then it does no harm.
            let judgement = judgement.to_string();
            let is_harmless = judgement.lines().all(|it| {
                let (tensors, runs) = it.split_once(" overlap while ").unwrap_or_default();
                let operator = runs.trim_end_matches(" runs");
                !operator.is_empty() && tensors.contains(&format!(" and {operator}@"))
            });
            refused += usize::from(!is_harmless);
            found += usize::from(!is_harmless && !faults.is_empty());
            assert!(is_harmless || !faults.is_empty(), "nothing shows of this:\n{judgement}\n{damaged}");
        }
    }
    println!("{found} of {refused} damaged programs show it");
    assert!(8 < refused);
}

/// What a program does not say it does by accident: which shows in different memory.
#[test]
fn what_was_never_written_shows() {
    let context = cosma::new_context();
    let text = r#"
    #id = affine_map<(d0) -> (d0)>
    func.func @f(%x: tensor<8xf32>) -> tensor<8xf32> {
      %empty = tensor.empty() : tensor<8xf32>
      %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%x : tensor<8xf32>) outs(%empty : tensor<8xf32>) {
      ^bb0(%a: f32, %old: f32):
        %s = arith.addf %a, %old : f32
        linalg.yield %s : f32
      } -> tensor<8xf32>
      return %0 : tensor<8xf32>
    }"#;
    let module = cosma::parse(&context, text.as_bytes(), "undefined").expect("it is well-formed");
    let error = Original::new(&context, &module, &QUICK).err().expect("it is not defined");
    assert!(matches!(error, RunError::Undefined { .. }), "{error}");
}
