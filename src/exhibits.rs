//! Planned functions with display names, for the views of [`cosma_show`].

use crate::Error;
use crate::optimize::{functions, has_body};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{Location, Module, OperationRef, ValueLike};
use cosma_ir::{Reports, context_of, kind, macs};
use cosma_passes::{
    Carrier, Extraction, Facts, Form, MachineOptions, Program, SolverName, extract, form, judge, symbol,
};
use cosma_show::{Exhibit, OperatorLabel, Proof, TensorLabel};

/// Returns an exhibit for each function of a module with operators, in order, including nested modules.
/// All of them must be in planned form; they are verified.
///
/// # Errors
/// [`Error::Conflict`] if a function has no plan, or no function has operators;
/// [`Error::NoScratchpad`]; [`Error::Module`] with all errors in the functions.
pub fn exhibits(module: &Module, machine: &MachineOptions) -> Result<Vec<Exhibit>, Error> {
    let context = context_of(module);
    let reports = Reports::attach(&context);
    let mut exhibits = Vec::new();
    let mut is_right = true;
    for function in functions(module.as_operation()).into_iter().filter(|it| has_body(*it)) {
        let found = form(function);
        if found == Form::Source {
            let target = machine.resolve_if_said(function).ok_or(Error::NoScratchpad)?;
            match extract(function, target) {
                Ok(it) if it.is_trivial() => continue,
                Err(diagnostic) => {
                    diagnostic.emit_error();
                    is_right = false;
                    continue;
                }
                Ok(_) => {}
            }
        }
        if found != Form::Planned {
            let message =
                format!("@{} has no plan to show: add --allocate, or pass a planned module", symbol(function));
            return Err(Error::Conflict(message));
        }
        match exhibit(function, machine) {
            Ok(exhibit) => exhibits.push(exhibit),
            Err(diagnostics) => {
                diagnostics.iter().for_each(|it| it.emit_error());
                is_right = false;
            }
        }
    }
    if !is_right {
        return Err(Error::Module(reports.take()));
    }
    if exhibits.is_empty() {
        return Err(Error::Conflict("there is no plan to show: no function has operators".into()));
    }
    Ok(exhibits)
}

fn exhibit<'c>(
    function: OperationRef<'c, '_>,
    machine: &MachineOptions,
) -> Result<Exhibit, Vec<cosma_ir::Diagnostic<'c>>> {
    let target = machine.resolve(function).map_err(|it| vec![it])?;
    let (Program { extraction, actions, .. }, _) = judge(function, target)?;
    let operators = operators(&extraction);
    let tensors = tensors(&extraction, &operators);
    let exhibit = Exhibit::new(symbol(function), extraction.problem, actions);
    // If the program was changed after planning, its record is no longer valid.
    let non_compulsory = exhibit.traffic().non_compulsory;
    let facts = Facts::read(function).filter(|it| it.non_compulsory == non_compulsory);
    let proof = facts.and_then(|it| {
        let solver = it.solver.parse::<SolverName>().ok()?.0;
        Some(Proof { lower_bound: it.lower_bound, fragmentation: it.fragmentation, solver })
    });
    Ok(Exhibit { operators, tensors, proof, ..exhibit })
}

fn operators(extraction: &Extraction) -> Vec<OperatorLabel> {
    let label = |(operation, op): (&OperationRef, &cosma_planner::Op)| {
        let location = operation.location();
        OperatorLabel {
            name: name_of(location).unwrap_or_else(|| op.name.clone()),
            kind: kind(*operation),
            macs: macs(*operation),
            location: place_of(location),
        }
    };
    extraction.operators.iter().zip(extraction.problem.graph.ops()).map(label).collect()
}

/// Labels tensors by their own location, or by the operator that writes them.
fn tensors(extraction: &Extraction, operators: &[OperatorLabel]) -> Vec<TensorLabel> {
    let graph = &extraction.problem.graph;
    let label = |(id, carrier): (cosma_planner::TensorId, &Carrier)| {
        let tensor = graph.tensor(id);
        let own = match carrier {
            Carrier::Argument(value, _) => name_of(value.location()),
            Carrier::Piece(_, whole, operation) => {
                let region = cosma_ir::region(*operation);
                name_of(whole.location()).zip(region).map(|(name, region)| format!("{name}{region}"))
            }
            Carrier::Constant(_, operation) | Carrier::Staged(_, operation) => name_of(operation.location()),
            Carrier::Result(_, index) => graph.producer(id).and_then(|op| {
                let (operator, label) = (graph.op(op), &operators[op.index()]);
                let is_named = label.name != operator.name;
                let suffix = if operator.writes.len() == 1 { String::new() } else { format!(".{index}") };
                is_named.then(|| format!("{}{suffix}", label.name))
            }),
        };
        let r#type = carrier.value().r#type().to_string();
        let shape = r#type.strip_prefix("tensor<").and_then(|it| it.strip_suffix('>')).unwrap_or(&r#type);
        TensorLabel { name: own.unwrap_or_else(|| tensor.name.clone()), shape: shape.into() }
    };
    graph.tensor_ids().zip(&extraction.carriers).map(label).collect()
}

/// The name in a location, as importers write it: `loc("conv1"("net.onnx":1:1))`.
fn name_of(location: Location) -> Option<String> {
    let text = location.to_string();
    let rest = text.strip_prefix("loc(\"")?;
    let (name, rest) = rest.split_once('"')?;
    // A `:` follows the name of a file. Names with escapes are not supported.
    let is_name = !rest.starts_with(':') && !name.contains('\\') && !name.is_empty();
    is_name.then(|| name.to_owned())
}

/// The file, line and column of a location, or an empty string.
fn place_of(location: Location) -> String {
    let text = location.to_string();
    // The innermost location is the last.
    let start = text.rfind(['(', '[']).map_or(0, |it| it + 1);
    let place = text[start..].trim_end_matches([')', ']']);
    let is_place = place.starts_with('"') && place.contains("\":");
    if is_place { place.replacen('"', "", 2) } else { String::new() }
}
