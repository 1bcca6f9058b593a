//! Planned functions with display names, for the views of [`cosma_show`].

use crate::Error;
use crate::optimize::{functions, has_body};
use cosma_ir::melior::ir::operation::OperationLike;
use cosma_ir::melior::ir::{Location, Module, OperationRef, ValueLike};
use cosma_ir::{Reports, TensorRegion, TileOf, context_of, kind, macs, tensor_type, tile_of};
use cosma_passes::{
    Carrier, Extraction, Facts, Form, MachineOptions, Program, SolverName, extract, form, judge, symbol,
};
use cosma_planner::time::{BoundRule, LatencyBound};
use cosma_planner::{Cycles, OpId, TensorId};
use cosma_show::{Exhibit, Families, OperatorLabel, Proof, TensorLabel, TimeProof};
use std::collections::HashMap;

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
            if !machine.says_scratchpad(function) {
                return Err(Error::NoScratchpad);
            }
            match machine.resolve(function).and_then(|it| extract(function, it)) {
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
    let (Program { extraction, actions, n_prologue, .. }, _) = judge(function, target)?;
    let mut operators = operators(&extraction);
    let mut tensors = tensors(&extraction, &operators);
    let families = families(&extraction, &operators, &tensors);
    number(&families.operators, &families.of_operator, operators.iter_mut().map(|it| &mut it.name));
    number(&families.tensors, &families.of_tensor, tensors.iter_mut().map(|it| &mut it.name));
    let exhibit = Exhibit { n_prologue, ..Exhibit::new(symbol(function), extraction.problem, actions) };
    // If the program was changed after planning, its record is no longer valid.
    let non_compulsory = exhibit.traffic().non_compulsory;
    let facts = Facts::read(function).filter(|it| it.non_compulsory == non_compulsory);
    let bound = facts.as_ref().and_then(|it| it.cycles_bound.as_ref());
    let least_cost = facts.as_ref().and_then(|facts| facts.cost).map(|cost| cost.lower_bound);
    let time = bound.and_then(|bound| {
        let rule = BoundRule::ALL.into_iter().find(|it| it.to_string() == bound.rule)?;
        Some(TimeProof::from(LatencyBound { cycles: Cycles(bound.cycles), rule }))
    });
    let proof = facts.and_then(|it| {
        let solver = it.solver.parse::<SolverName>().ok()?.0;
        Some(Proof { lower_bound: it.lower_bound, fragmentation: it.fragmentation, solver })
    });
    Ok(Exhibit { operators, tensors, families, proof, time, least_cost, ..exhibit })
}

fn operators(extraction: &Extraction) -> Vec<OperatorLabel> {
    let label = |(operation, op): (&OperationRef, &cosma_planner::Op)| {
        let location = operation.location();
        OperatorLabel {
            name: name_of(location).unwrap_or_else(|| op.name.clone()),
            kind: kind(*operation),
            macs: macs(*operation),
            location: place_of(location),
            part: tile_of(*operation).map(|TileOf { offsets, sizes, .. }| TensorRegion { offsets, sizes }.to_string()),
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
        let r#type = tensor_type(carrier.value().r#type()).to_string();
        let shape = r#type.strip_prefix("tensor<").and_then(|it| it.strip_suffix('>')).unwrap_or(&r#type);
        TensorLabel { name: own.unwrap_or_else(|| tensor.name.clone()), shape: shape.into() }
    };
    graph.tensor_ids().zip(&extraction.carriers).map(label).collect()
}

/// Groups operators that are tiles of one operator, and tensors that are pieces of one tensor. In a program with
/// tiles, an operator that is not split may still write a tensor in pieces, so all results of an operator are one
/// family there.
fn families(extraction: &Extraction, operators: &[OperatorLabel], tensors: &[TensorLabel]) -> Families {
    let graph = &extraction.problem.graph;
    let tiles: Vec<Option<TileOf>> = extraction.operators.iter().map(|it| tile_of(*it)).collect();
    let mut families = Families::default();
    let mut known: HashMap<&str, usize> = HashMap::new();
    for op in graph.op_ids() {
        let next = families.operators.len();
        let (label, tile) = (&operators[op.index()], &tiles[op.index()]);
        let family = tile.as_ref().map_or(next, |it| *known.entry(&it.operator).or_insert(next));
        if family == next {
            let is_named = label.name != graph.op(op).name;
            let own = tile.as_ref().filter(|_| !is_named).map(|it| &it.operator);
            families.operators.push(own.unwrap_or(&label.name).clone());
        }
        families.of_operator.push(family);
    }
    let is_tiled = !known.is_empty();
    let mut known: HashMap<Whole, usize> = HashMap::new();
    for tensor in graph.tensor_ids() {
        let next = families.tensors.len();
        let whole = if is_tiled { whole(extraction, &families, tensor) } else { Whole::Tensor(tensor) };
        let family = *known.entry(whole).or_insert(next);
        if family == next {
            let name = match (whole, &extraction.carriers[tensor.index()]) {
                (Whole::Operator(family), _) => families.operators[family].clone(),
                (_, Carrier::Piece(_, value, _)) => {
                    name_of(value.location()).unwrap_or_else(|| without_index(&graph.tensor(tensor).name))
                }
                _ => tensors[tensor.index()].name.clone(),
            };
            families.tensors.push(name);
        }
        families.of_tensor.push(family);
    }
    families
}

/// The whole that tensors are pieces of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Whole {
    /// An argument or a constant, by its value's address.
    Value(usize),
    /// The results of a family of operators.
    Operator(usize),
    /// The tensor is not a piece.
    Tensor(TensorId),
}

fn whole(extraction: &Extraction, families: &Families, tensor: TensorId) -> Whole {
    let graph = &extraction.problem.graph;
    let written = |part: TensorId| {
        let writer: Option<OpId> = graph.producer(part);
        writer.map_or(Whole::Tensor(tensor), |it| Whole::Operator(families.of_operator[it.index()]))
    };
    match &extraction.carriers[tensor.index()] {
        Carrier::Piece(_, value, _) => Whole::Value(value.to_raw().ptr.addr()),
        Carrier::Result(..) => written(tensor),
        Carrier::Staged(..) => written(graph.parts(tensor)[0]),
        Carrier::Argument(..) | Carrier::Constant(..) => Whole::Tensor(tensor),
    }
}

/// The name of the tensor that an unnamed piece belongs to.
fn without_index(name: &str) -> String {
    name.rsplit_once('.').map_or(name, |it| it.0).to_owned()
}

/// Numbers the unnamed members of families with several members.
fn number<'a>(families: &[String], of: &[usize], names: impl Iterator<Item = &'a mut String>) {
    let mut sizes = vec![0; families.len()];
    of.iter().for_each(|it| sizes[*it] += 1);
    let mut n_named = vec![0; families.len()];
    for (name, &family) in names.zip(of).filter(|it| 1 < sizes[*it.1]) {
        if !name.ends_with(']') {
            *name = format!("{}/{}", families[family], n_named[family]);
        }
        n_named[family] += 1;
    }
}

/// The name in a location, as importers write it: `loc("conv1"("net.onnx":1:1))`.
pub(crate) fn name_of(location: Location) -> Option<String> {
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
