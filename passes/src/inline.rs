//! `cosma-inline`: inlines calls of functions on tensors. Takes and leaves source form.
//!
//! The plan of a function uses the whole scratchpad, from address 0 on. So a callee that uses the scratchpad is
//! planned together with its caller, and its operations are inlined for that.
//!
//! 1. Callees come first: all calls in a function are inlined before calls of it.
//! 2. A call is replaced by a copy of the callee's block. MLIR's inliner is not used, since it requires an
//!    interface of each dialect, and fails on unregistered ones.
//! 3. A private function that was inlined and has no other uses is erased.
//!
//! Functions without tensors are not changed.

use crate::extract::key;
use crate::form::{Form, body, form, operations, symbol};
use crate::role::{nested, reads};
use cosma_ir::melior::Context;
use cosma_ir::melior::ir::operation::{OperationLike, OperationMutLike};
use cosma_ir::melior::ir::r#type::TypeLike;
use cosma_ir::melior::ir::{BlockLike, Operation, OperationRef, Value, ValueLike};
use cosma_ir::{
    Border, Diagnostic, PassInfo, PassOptions, as_mut, erase, fixed_offset, fixed_offsets, is_on_chip,
    is_symbol_unused, name, replace_uses,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

pub(crate) const INFO: PassInfo = PassInfo {
    name: "cosma-inline",
    description: "inlines calls of functions on tensors, to plan them together, in source form",
    anchor: "builtin.module",
    options: &[],
};

/// The most operations to copy: nested calls could multiply without limit.
const MAX_COPIES: usize = 1_000_000;

pub(crate) fn run<'c>(_: &'c Context, module: OperationRef<'c, '_>, _: &PassOptions) -> Result<(), Diagnostic<'c>> {
    inline(module)
}

/// Inlines calls of functions on tensors in a module and its nested modules.
///
/// # Errors
/// At a call of a function on tensors that is recursive, has more than one block, or is not in source form.
/// Calls of functions without a body remain, and planning refuses them.
pub fn inline<'c>(module: OperationRef<'c, '_>) -> Result<(), Diagnostic<'c>> {
    let Some(block) = body(module) else { return Ok(()) };
    let all: Vec<OperationRef> = operations(block).collect();
    for inner in all.iter().filter(|it| name(**it) == "builtin.module") {
        inline(*inner)?;
    }
    let functions: Vec<OperationRef> = all.into_iter().filter(|it| name(*it) == "func.func").collect();
    let by_symbol = functions.iter().enumerate().map(|(index, it)| (symbol(*it), index)).collect();
    let mut inliner = Inliner { functions: &functions, by_symbol, n_copies: 0, called: BTreeSet::new() };
    for index in inliner.callees_first()? {
        inliner.inline_into(index)?;
    }
    for index in inliner.called {
        let function = functions[index];
        let is_private = function.attribute("sym_visibility").is_ok_and(|it| it.to_string() == "\"private\"");
        if is_private && is_symbol_unused(function, module) {
            erase(function);
        }
    }
    Ok(())
}

struct Inliner<'f, 'c, 'a> {
    functions: &'f [OperationRef<'c, 'a>],
    by_symbol: BTreeMap<String, usize>,
    /// The number of operations copied so far.
    n_copies: usize,
    /// The functions that were inlined.
    called: BTreeSet<usize>,
}

impl<'c, 'a> Inliner<'_, 'c, 'a> {
    /// The functions, each after those that it calls.
    fn callees_first(&self) -> Result<Vec<usize>, Diagnostic<'c>> {
        #[derive(Clone, Copy, PartialEq)]
        enum State {
            New,
            Open,
            Done,
        }
        let mut states = vec![State::New; self.functions.len()];
        let mut order = Vec::new();
        for first in 0..self.functions.len() {
            if states[first] != State::New {
                continue;
            }
            states[first] = State::Open;
            // The path of a depth-first search: functions, each with its calls still to visit.
            let mut path = vec![(first, self.calls(first))];
            while let Some((caller, calls)) = path.last_mut() {
                let Some((call, callee)) = calls.pop() else {
                    states[*caller] = State::Done;
                    order.push(*caller);
                    path.pop();
                    continue;
                };
                match states[callee] {
                    State::Done => {}
                    State::New => {
                        states[callee] = State::Open;
                        path.push((callee, self.calls(callee)));
                    }
                    State::Open => {
                        let start = path.iter().position(|it| it.0 == callee).expect("it is open");
                        if path[start..].iter().any(|it| has_tensor(self.functions[it.0])) {
                            let message = format!(
                                "calls @{}, which is recursive: recursion on tensors cannot be planned",
                                symbol(self.functions[callee])
                            );
                            return Err(Diagnostic::at(call, message));
                        }
                    }
                }
            }
        }
        Ok(order)
    }

    /// The calls in a function of functions with a body, last one first.
    fn calls(&self, function: usize) -> Vec<(OperationRef<'c, 'a>, usize)> {
        let mut calls = Vec::new();
        let mut pending = nested(self.functions[function]);
        while let Some(operation) = pending.pop() {
            pending.extend(nested(operation));
            if name(operation) != "func.call" {
                continue;
            }
            let Ok(callee) = operation.attribute("callee").map(|it| it.to_string()) else { continue };
            let callee = callee.trim_start_matches('@').trim_matches('"');
            if let Some(index) = self.by_symbol.get(callee).filter(|it| body(self.functions[**it]).is_some()) {
                calls.push((operation, *index));
            }
        }
        calls
    }

    fn inline_into(&mut self, caller: usize) -> Result<(), Diagnostic<'c>> {
        if body(self.functions[caller]).is_none() || form(self.functions[caller]) != Form::Source {
            return Ok(());
        }
        for (call, index) in self.calls(caller) {
            let callee = self.functions[index];
            if !has_tensor(callee) || index == caller {
                continue;
            }
            let refuse = |why: &str| {
                let message =
                    format!("calls @{}, which cannot be planned together with its caller: {why}", symbol(callee));
                Err(Diagnostic::at(call, message))
            };
            let block = body(callee).expect("calls are of functions with one");
            if block.next_in_region().is_some() {
                return refuse("it has several blocks");
            }
            if form(callee) != Form::Source {
                return refuse("it is no longer in source form");
            }
            if let Some(border) = border_with_place(callee) {
                return refuse(&format!("its {border} has a declared place (cosma.at, cosma.on_chip)"));
            }
            if !fixed_offsets(call).is_empty() {
                return refuse("its results have fixed offsets here (cosma.at), which its operators can have instead");
            }
            let members: Vec<OperationRef> = operations(block).collect();
            let n_members = members.iter().map(|it| 1 + n_nested(*it)).sum::<usize>();
            self.n_copies += n_members;
            if MAX_COPIES < self.n_copies {
                return refuse(&format!("the inlined calls have more than {MAX_COPIES} operations"));
            }
            replace(call, callee, &members);
            self.called.insert(index);
        }
        Ok(())
    }
}

/// Replaces a call by copies of the callee's operations, the last of which is the return.
fn replace<'c, 'a>(call: OperationRef<'c, 'a>, callee: OperationRef<'c, 'a>, members: &[OperationRef<'c, 'a>]) {
    let block = body(callee).expect("it has one");
    let mut copies: HashMap<usize, Value> = HashMap::new();
    for (index, operand) in call.operands().enumerate() {
        let argument: Value = block.argument(index).expect("the verifier has seen as many").into();
        copies.insert(key(argument), operand);
    }
    let copied = |value: Value<'c, 'a>, copies: &HashMap<usize, Value<'c, 'a>>| copies.get(&key(value)).copied();
    let (end, members) = members.split_last().expect("a block has a terminator");
    let outer = call.block().expect("a call is in a block");
    for member in members {
        let copy = outer.insert_operation_before(call, Operation::clone(member));
        // Original and copy have their operands in the same order.
        for (from, to) in reads(*member).into_iter().zip(reads(copy)) {
            if let Some(value) = copied(from.value, &copies) {
                as_mut(to.operation).set_operand(to.operand, value);
            }
        }
        for (from, to) in member.results().zip(copy.results()) {
            copies.insert(key(from.into()), to.into());
        }
    }
    for (result, returned) in call.results().zip(end.operands()) {
        let value = copied(returned, &copies).expect("a function returns what is its own");
        replace_uses(result.into(), value);
    }
    erase(call);
}

/// Whether a function has a tensor as argument, result or intermediate value.
fn has_tensor(function: OperationRef) -> bool {
    let takes = body(function).is_some_and(|block| {
        (0..block.argument_count()).any(|it| block.argument(it).is_ok_and(|it| it.r#type().is_tensor()))
    });
    let mut pending = nested(function);
    let mut found = takes;
    while let Some(operation) = pending.pop().filter(|_| !found) {
        pending.extend(nested(operation));
        found = operation.results().any(|it| it.r#type().is_tensor());
    }
    found
}

/// An argument or a result of a function that has a place in the scratchpad.
fn border_with_place(function: OperationRef) -> Option<Border> {
    let block = body(function)?;
    let n_results = operations(block).last().map_or(0, |it| it.operand_count());
    let arguments = (0..block.argument_count()).map(Border::Argument);
    let mut all = arguments.chain((0..n_results).map(Border::Result));
    all.find(|it| is_on_chip(function, *it) || fixed_offset(function, *it).is_some())
}

fn n_nested(operation: OperationRef) -> usize {
    nested(operation).into_iter().map(|it| 1 + n_nested(it)).sum()
}
