//! Networks whose operators are split into tiles, where they do not fit or tiles move less.

use crate::plan::explain;
use crate::{Error, Network, Planned, Request};
use cosma_planner::{
    Bytes, Deadline, Error as PlannerError, GraphBuilder, Machine, OpId, Options, Order, Origin, Problem, TensorId,
    Watcher, plan_watched,
};
use cosma_show::{Families, LeastReport, OperatorLabel, TensorLabel, TilingReport};
use cosma_tile::{Bounds, Operator, Piece, Region, Shape, TileError, TileProgram, bounds, tile};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The part of the time limit in which whole operators are planned, to compare with.
const SHARE_OF_WHOLE: f64 = 0.25;
/// The part of the time limit in which tiles are chosen.
const SHARE_OF_TILES: f64 = 0.25;

/// What came of splitting the operators of a network.
#[derive(Clone, Debug)]
pub struct Tiles {
    /// The network before.
    pub network: cosma_tile::Network,
    /// Its operators in tiles; `None` if they stay whole.
    pub program: Option<TileProgram>,
    /// What no tiling avoids; `None` if that is not known.
    pub bounds: Option<Bounds>,
    /// Why operators cannot be split, whatever their sizes; `None` if they could be.
    pub obstacle: Option<String>,
}

/// A tile: a part of an operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TileRecord {
    /// The step in which it runs.
    pub step: usize,
    /// Its name.
    pub name: String,
    /// The operator that it is of.
    pub operator: String,
    /// By loop of the operator: the first iteration that it runs; empty if it is the whole operator.
    pub offsets: Vec<u64>,
    /// By loop of the operator: how many iterations it runs.
    pub sizes: Vec<u64>,
}

/// A problem in tiles with names, or the one that was given.
pub(crate) struct Cut {
    pub problem: Problem,
    pub tiles: Tiles,
    /// The names of its operators and tensors; `None` if they are those of the network.
    pub names: Option<(Network, Families)>,
}

/// Splits the operators of a problem of a network, if they do not fit or if that moves less. It may take as much as half of
/// the time limit, and not much more than eight seconds once the watcher says to stop.
///
/// # Errors
/// [`Error::ScratchpadTooSmall`] at the operator whose smallest tile does not fit; those of [`plan`](crate::plan()).
pub(crate) fn cut(network: &Network, request: &Request, problem: Problem, watcher: &Watcher) -> Result<Cut, Error> {
    let (described, obstacle) = described(network, &problem);
    // Tiles are chosen for the scratchpad, whatever lies behind it, and for its traffic.
    let machine = match problem.machine.has_tiers() {
        true => problem.machine.without_tiers(),
        false => problem.machine.without_clock(),
    };
    let inner = Problem { graph: problem.graph.clone(), machine };
    let mut tiles = Tiles { network: described, program: None, bounds: None, obstacle };
    tiles.network.problem = inner;
    let whole = |tiles: Tiles, problem: Problem| Ok(Cut { problem, tiles, names: None });
    if tiles.obstacle.is_some() {
        return whole(tiles, problem);
    }
    let limit = request.options.time_limit;
    let is_stopped = AtomicBool::new(false);
    let watch = |progress: &_| {
        let answer = watcher(progress);
        is_stopped.fetch_or(answer.is_break(), Ordering::Relaxed);
        answer
    };
    let options = Options { time_limit: limit.mul_f64(SHARE_OF_WHOLE), ..request.options };
    let options = Options { objective: cosma_planner::Objective::Traffic, ..options };
    let moved_whole = match plan_watched(&tiles.network.problem, &options, &watch) {
        Ok(solution) => Some(problem.compulsory() + solution.non_compulsory),
        Err(PlannerError::ScratchpadTooSmall { .. }) => None,
        Err(error) => return Err(explain(network, &problem, error)),
    };
    tiles.bounds = Some(bounds(&tiles.network));
    let is_enough = moved_whole == Some(problem.compulsory());
    if is_enough || moved_whole.is_some() && is_stopped.load(Ordering::Relaxed) {
        return whole(tiles, problem);
    }
    let deadline = Deadline::after(limit.mul_f64(SHARE_OF_TILES));
    let tiled = match tile(&tiles.network, deadline.unless(&is_stopped)) {
        Ok(tiled) => tiled,
        Err(_) if moved_whole.is_some() => return whole(tiles, problem),
        Err(TileError::TooSmall { op, needed, scratchpad, .. }) => {
            let error = PlannerError::ScratchpadTooSmall { op, needed, scratchpad, min_scratchpad: needed };
            return Err(explain(network, &problem, error));
        }
        Err(error) => return Err(Error::Graph(error.to_string())),
    };
    // Pieces that no tile reads are not even compulsory.
    let moved = tiled.program.problem.compulsory() + tiled.non_compulsory;
    if moved_whole.is_some_and(|whole| whole <= moved) {
        return whole(tiles, problem);
    }
    let names = names(network, &tiles.network, &tiled.program);
    let problem = with_macs(&tiles.network, &tiled.program, &problem.machine);
    tiles.program = Some(tiled.program);
    Ok(Cut { problem: problem?, tiles, names: Some(names) })
}

/// The time that is left of a limit, of which some has to remain.
pub(crate) fn left(request: &Request, start: Instant) -> Options {
    let limit = request.options.time_limit;
    let time_limit = limit.saturating_sub(start.elapsed()).max(limit.mul_f64(1.0 - SHARE_OF_WHOLE - SHARE_OF_TILES));
    Options { time_limit, ..request.options }
}

/// The shapes and accesses of a problem's tensors and operators: what was added by hand to a model stays whole.
fn described(network: &Network, problem: &Problem) -> (cosma_tile::Network, Option<String>) {
    let graph = &problem.graph;
    let cosma_import::Cuts { mut shapes, mut operators, obstacle } = network.cuts.clone();
    if obstacle.is_some() {
        (shapes, operators) = (Vec::new(), Vec::new());
    }
    let bytes = |it: TensorId| Shape { dims: vec![graph.tensor(it).size.0], element_bits: 8 };
    shapes.extend(graph.tensor_ids().skip(shapes.len()).map(bytes));
    let whole = |op: OpId| Operator {
        operands: graph.op(op).reads.iter().map(|it| it.tensor).collect(),
        results: graph.op(op).writes.clone(),
        access: None,
        is_view: false,
    };
    operators.extend(graph.op_ids().skip(operators.len()).map(whole));
    let is_else = graph
        .tensors()
        .iter()
        .any(|it| it.origin == Origin::Staged || it.pin.is_some() || it.starts_on_chip || it.ends_on_chip);
    let obstacle = obstacle.or(is_else.then(|| "it has tensors in pieces or with places of their own".into()));
    (cosma_tile::Network { problem: problem.clone(), shapes, operators }, obstacle)
}

/// The problem of a program, in which each tile computes its share of its operator, on a machine.
fn with_macs(network: &cosma_tile::Network, program: &TileProgram, machine: &Machine) -> Result<Problem, Error> {
    let mut graph: GraphBuilder = program.problem.graph.to_builder();
    for (op, tile) in (0..).map(OpId).zip(&program.tiles) {
        let of = network.problem.graph.op(tile.of);
        let whole = network.operator(tile.of).access.as_ref().map_or(1, |it| it.whole().len().max(1));
        let share = |all: u64| u64::try_from(u128::from(all) * u128::from(tile.domain.len()) / u128::from(whole)).ok();
        if let Some(macs) = of.macs.and_then(share) {
            graph.macs(op, macs);
        }
        if let Some(cycles) = of.cycles.and_then(|it| share(it.0)) {
            graph.cycles(op, cosma_planner::Cycles(cycles));
        }
    }
    let graph = graph.build().map_err(|error| Error::Graph(error.to_string()))?;
    Ok(Problem { graph, machine: machine.clone() })
}

/// Which part of its operator a tile is; `None` if it is all of it.
fn part<'a>(network: &cosma_tile::Network, of: OpId, domain: &'a Region) -> Option<&'a Region> {
    let access = network.operator(of).access.as_ref();
    access.is_some_and(|it| it.whole() != *domain).then_some(domain)
}

/// `[offsets] [sizes]`, as the dialect writes regions.
fn region_text(region: &Region) -> String {
    format!("{:?} {:?}", region.offsets(), region.shape())
}

/// The names of tiles and pieces: those of one operator, and of one tensor, are a family.
fn names(network: &Network, whole: &cosma_tile::Network, program: &TileProgram) -> (Network, Families) {
    let graph = &whole.problem.graph;
    let mut families = Families::default();
    let operator_name = |of: OpId| {
        let known = network.operators.get(of.index()).map(|it| it.name.clone());
        known.unwrap_or_else(|| graph.op(of).name.clone())
    };
    let mut of_operator: HashMap<OpId, usize> = HashMap::new();
    let mut operators = Vec::new();
    for (op, tile) in (0..).map(OpId).zip(&program.tiles) {
        let family = *of_operator.entry(tile.of).or_insert(families.operators.len());
        if family == families.operators.len() {
            families.operators.push(operator_name(tile.of));
        }
        families.of_operator.push(family);
        let known = network.operators.get(tile.of.index()).cloned().unwrap_or_default();
        operators.push(OperatorLabel {
            name: operator_name(tile.of),
            macs: program.problem.graph.op(op).macs.or(known.macs),
            part: part(whole, tile.of, &tile.domain).map(region_text),
            ..known
        });
    }
    // All that an operator writes is a family, and all pieces of a tensor in host memory.
    let mut known: HashMap<(bool, u32), usize> = HashMap::new();
    let mut tensors = Vec::new();
    for piece in &program.pieces {
        let (key, name, label) = match piece {
            Piece::Sums { of, .. } => ((true, of.0), operator_name(*of), TensorLabel::default()),
            Piece::Region { of, region } => {
                let label = network.tensors.get(of.index()).cloned();
                let label =
                    label.unwrap_or_else(|| TensorLabel { name: graph.tensor(*of).name.clone(), ..Default::default() });
                let is_whole = *region == whole.shape(*of).whole();
                let element = label.shape.rsplit('x').next().unwrap_or_default();
                let dims: String = region.shape().iter().map(|it| format!("{it}x")).collect();
                let shape = if label.shape.is_empty() { String::new() } else { format!("{dims}{element}") };
                let key = graph.producer(*of).map_or((false, of.0), |it| (true, it.0));
                let family = if key.0 { operator_name(OpId(key.1)) } else { label.name.clone() };
                let name =
                    if is_whole || key.0 { label.name } else { format!("{}{}", label.name, region_text(region)) };
                (key, family, TensorLabel { name, shape })
            }
        };
        let family = *known.entry(key).or_insert(families.tensors.len());
        if family == families.tensors.len() {
            families.tensors.push(name.clone());
        }
        families.of_tensor.push(family);
        tensors.push(if label.name.is_empty() { TensorLabel { name, ..label } } else { label });
    }
    number(&families.of_operator, operators.iter_mut().map(|it| &mut it.name));
    number(&families.of_tensor, tensors.iter_mut().map(|it| &mut it.name));
    let mut named = Network::default();
    named.name.clone_from(&network.name);
    (named.operators, named.tensors) = (operators, tensors);
    (named, families)
}

/// Numbers the members of families of several that have no region in their name.
fn number<'a>(of: &[usize], names: impl Iterator<Item = &'a mut String>) {
    let mut sizes = vec![0; of.iter().max().map_or(0, |it| it + 1)];
    of.iter().for_each(|it| sizes[*it] += 1);
    let mut n_named = vec![0; sizes.len()];
    for (name, &family) in names.zip(of).filter(|it| 1 < sizes[*it.1]) {
        if !name.ends_with(']') {
            *name = format!("{name}/{}", n_named[family]);
        }
        n_named[family] += 1;
    }
}

impl Planned {
    /// The operators in the order in which they run, with the part of an operator that each one is.
    pub fn tiles(&self) -> Vec<TileRecord> {
        let record = |(step, op): (usize, OpId)| {
            let tile = self.tiles.as_ref().and_then(|it| Some((it, it.program.as_ref()?.tiles.get(op.index())?)));
            let part = tile.and_then(|(tiles, tile)| part(&tiles.network, tile.of, &tile.domain));
            let Families { operators, of_operator, .. } = &self.exhibit.families;
            TileRecord {
                step,
                name: self.exhibit.operators[op.index()].name.clone(),
                operator: operators[of_operator[op.index()]].clone(),
                offsets: part.map_or(Vec::new(), |it| it.offsets().to_vec()),
                sizes: part.map_or(Vec::new(), Region::shape),
            }
        };
        self.exhibit.order().into_iter().enumerate().map(record).collect()
    }

    /// How its operators are split; `None` if none is.
    pub(crate) fn tiling_report(&self) -> Option<TilingReport> {
        let tiles = self.tiles.as_ref()?;
        let program = tiles.program.as_ref()?;
        let families = &self.exhibit.families;
        let mut index: HashMap<usize, usize> = HashMap::new();
        let (mut names, mut is_split, mut of_tile) = (Vec::new(), Vec::new(), Vec::new());
        let mut domains: Vec<Vec<&Region>> = Vec::new();
        for op in self.exhibit.order() {
            let (tile, family) = (&program.tiles[op.index()], families.of_operator[op.index()]);
            let at = *index.entry(family).or_insert(names.len());
            if at == names.len() {
                names.push(families.operators[family].clone());
                is_split.push(false);
                domains.push(Vec::new());
            }
            if let Some(domain) = part(&tiles.network, tile.of, &tile.domain) {
                is_split[at] = true;
                domains[at].push(domain);
            }
            of_tile.push(at);
        }
        let overlaps = |it: &Vec<&Region>| {
            let rest = |at: usize| it[at + 1..].iter();
            (0..it.len()).any(|at| rest(at).any(|other| !it[at].intersect(other).is_empty()))
        };
        TilingReport::new(&names, &is_split, &of_tile, domains.iter().any(overlaps))
    }

    /// Among which programs none moves less, if that was asked.
    pub(crate) fn scope(&self, moved: Bytes, order: Order) -> Option<String> {
        self.tiles.as_ref().map(|it| Bounds::scope(it.bounds, moved, order).into())
    }

    /// The bytes that every tiling moves.
    pub(crate) fn least_report(&self) -> Option<LeastReport> {
        let Bounds { all_tilings, without_recomputation } = self.tiles.as_ref()?.bounds?;
        Some(LeastReport { all_tilings: all_tilings.0, without_recomputation: without_recomputation.0 })
    }
}
