//! A planned program made by hand: what a pass does to a module, and reads back.

use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::{BlockLike, OperationRef, RegionLike};
use cosma_ir::{
    At, Ending, Keep, Machine, Residency, Transfer, WeightComputation, Weights, argument_residencies, as_mut,
    clear_argument_residencies, clear_machine, clear_offsets, erase, is_streamed, is_weight, kind, load, machine, macs,
    name, new_context, offsets, parse, replace_uses, residencies, set_argument_residencies, set_machine, set_offsets,
    set_residencies, set_workspace_offset, store, transfer, uses, workspace, workspace_offset,
};
use cosma_planner::time::{Clock, Ratio};
use cosma_planner::{Bytes, Cycles};

const SOURCE: &str = r#"func.func @f(%x: tensor<8xi8>, %w: tensor<8xi8> {cosma.weight}) -> tensor<8xi8> {
  %0 = cosma.op "Mul"(%x, %w) macs 8 workspace 16 : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
  %1 = tosa.abs %0 {cosma.workspace = 4 : i64} : (tensor<8xi8>) -> tensor<8xi8>
  return %1 : tensor<8xi8>
}
"#;

/// Runs on the source's function and its operations; gives the module after that.
fn edit(change: impl for<'c, 'a> FnOnce(OperationRef<'c, 'a>, &[OperationRef<'c, 'a>])) -> String {
    let context = new_context();
    let module = parse(&context, SOURCE.as_bytes(), "in.mlir").expect("the source is well-formed");
    let function = module.body().first_operation().expect("there is a function");
    let block = function.region(0).ok().and_then(|it| it.first_block()).expect("it has a body");
    let operations: Vec<OperationRef> =
        std::iter::successors(block.first_operation(), |it| it.next_in_block()).collect();
    change(function, &operations);
    assert!(module.as_operation().verify());
    module.as_operation().to_string()
}

#[test]
fn facts_are_the_same_on_any_operation() {
    edit(|function, operations| {
        let [multiply, absolute, ..] = *operations else { panic!() };
        assert_eq!([kind(multiply), kind(absolute)], ["Mul", "tosa.abs"]);
        assert_eq!([macs(multiply), macs(absolute)], [Some(8), None]);
        assert_eq!([workspace(multiply), workspace(absolute)], [16, 4]);
        for operation in [multiply, absolute] {
            assert_eq!(offsets(operation), None);
            set_offsets(operation, &[64]);
            assert_eq!(offsets(operation), Some(vec![64]));
            set_workspace_offset(operation, 128);
            assert_eq!(workspace_offset(operation), Some(128));
            let expected = vec![vec![
                Residency { memory: None, offset: 64, steps: 0..2 },
                Residency { memory: None, offset: 0, steps: 5..6 },
            ]];
            set_residencies(operation, &expected);
            assert_eq!(residencies(operation), Some(expected));
            clear_offsets(operation);
            assert_eq!(offsets(operation), None);
        }
        assert_eq!([is_weight(function, 0), is_weight(function, 1), is_weight(function, 2)], [false, true, false]);
        let expected = vec![Residency { memory: None, offset: 8, steps: 0..1 }];
        set_argument_residencies(function, 1, &expected);
        assert_eq!(argument_residencies(function, 1), Some(expected));
        assert_eq!(argument_residencies(function, 0), None);
        clear_argument_residencies(function, 1);
        assert_eq!(argument_residencies(function, 1), None);
    });
}

fn ratio(numerator: u64, denominator: u64) -> Ratio {
    Ratio::new(numerator, denominator).expect("it is a ratio")
}

#[test]
fn the_nearest_machine_counts() {
    edit(|function, operations| {
        assert_eq!(machine(function), None);
        let outer = Machine { scratchpad: Some(1024), ..Machine::default() };
        set_machine(function.parent_operation().expect("a module"), &outer);
        assert_eq!(machine(operations[0]), Some(outer.clone()));
        let mut clock = Clock::each_way(ratio(15, 4), ratio(1, 512));
        (clock.timings[0].setup, clock.timings[1].latency, clock.timings[1].burst) = (Cycles(3), Cycles(4), Bytes(5));
        clock.compute.bytes_per_cycle = Some(ratio(64, 1));
        let inner = Machine {
            scratchpad: Some(512),
            alignment: Some(64),
            weights: Some(Weights::Streamed),
            keep: Some(Keep::Auto),
            reserved: vec![0..64, 128..192],
            element_bytes: Some(1),
            weight_computation: Some(WeightComputation::Run),
            clock: Some(clock),
            memories: None,
        };
        set_machine(function, &inner);
        assert_eq!(machine(operations[0]), Some(inner));
        clear_machine(function);
        assert_eq!(machine(operations[0]), Some(outer));
    });
}

#[test]
fn transfers_are_built_and_found() {
    let module = edit(|function, operations| {
        let [multiply, absolute, back, ..] = *operations else { panic!() };
        let block = multiply.block().expect("it is in a block");
        let location = multiply.location();
        for (argument, offset) in [(0, Some(64)), (1, None)] {
            let value = block.argument(argument).expect("it has two").into();
            let readers = uses(value);
            assert_eq!(readers.len(), 1);
            assert_eq!((readers[0].operation, readers[0].operand), (multiply, argument));
            let at = offset.map(|offset| At { offset, memory: None });
            let new = block.insert_operation_before(multiply, load(value, None, at, &Ending::AtOnce, location));
            as_mut(multiply).set_operand(argument, new.result(0).expect("it has one").into());
            assert_eq!(transfer(new), Some(Transfer::Load));
            assert_eq!(is_streamed(new), offset.is_none());
            assert_eq!(offsets(new), offset.map(|it| vec![it]));
        }
        set_offsets(multiply, &[0]);
        let product = multiply.result(0).expect("it has one").into();
        replace_uses(absolute.result(0).expect("it has one").into(), product);
        erase(absolute);
        let stored = block.insert_operation_before(back, store(product, &Ending::AtOnce, location));
        as_mut(back).set_operand(0, stored.result(0).expect("it has one").into());
        assert_eq!(transfer(function), None);
    });
    let expected = r#"
    %0 = cosma.load %arg0 at 64 : tensor<8xi8>
    %1 = cosma.load %arg1 streamed : tensor<8xi8>
    %2 = cosma.op "Mul"(%0, %1) at [0] macs 8 workspace 16 : (tensor<8xi8>, tensor<8xi8>) -> tensor<8xi8>
    %3 = cosma.store %2 : tensor<8xi8>
    return %3 : tensor<8xi8>
"#;
    assert!(module.contains(expected), "{module}");
}

/// What is erased has no operands any more, so that nothing is read by it; handles to it stay good meanwhile.
#[test]
fn handles_outlive_what_is_erased() {
    let context = new_context();
    let mut module = parse(&context, SOURCE.as_bytes(), "in.mlir").expect("the source is well-formed");
    cosma_ir::edit(&mut module, |module| {
        let operations = body(module);
        let [multiply, absolute, back, ..] = *operations else { panic!() };
        let product = multiply.result(0).expect("it has one").into();
        let result = absolute.result(0).expect("it has one").into();
        replace_uses(result, product);
        // Once more is as good.
        erase(absolute);
        erase(absolute);
        assert_eq!((name(absolute).as_str(), absolute.operand_count(), absolute.block()), ("tosa.abs", 0, None));
        assert_eq!(uses(product).iter().map(|it| it.operation).collect::<Vec<_>>(), [back]);
        assert_eq!(body(module), [multiply, back]);
    });
    assert!(module.as_operation().verify());

    // What is read again is not destroyed, wrong as it is.
    let mut module = parse(&context, SOURCE.as_bytes(), "in.mlir").expect("the source is well-formed");
    cosma_ir::edit(&mut module, |module| {
        let [multiply, absolute, back, ..] = *body(module) else { panic!() };
        let result = absolute.result(0).expect("it has one").into();
        replace_uses(result, multiply.result(0).expect("it has one").into());
        erase(absolute);
        as_mut(back).set_operand(0, result);
    });
    let _reports = cosma_ir::Reports::attach(&context);
    assert!(!module.as_operation().verify());
}

fn body<'c, 'a>(module: OperationRef<'c, 'a>) -> Vec<OperationRef<'c, 'a>> {
    let first = |operation: OperationRef<'c, 'a>| {
        operation.region(0).ok().and_then(|it| it.first_block()).and_then(|it| it.first_operation())
    };
    let function = first(module).expect("there is a function");
    std::iter::successors(first(function), |it| it.next_in_block()).collect()
}
