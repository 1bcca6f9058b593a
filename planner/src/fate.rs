//! What an outline does with each tensor, for bounds that divide a plan into parts.

use crate::{Bytes, Outline, Problem, TensorId};
use std::cmp::Reverse;
use std::ops::Range;

/// The fate of a tensor.
pub(crate) struct Fate {
    /// The steps of its stays, ascending.
    #[cfg_attr(not(feature = "ilp"), expect(dead_code, reason = "integer programs alone read it"))]
    pub stays: Vec<Range<usize>>,
    /// The non-compulsory bytes that it costs.
    pub charge: Bytes,
    /// The step in which its fate is decided: the fullest step while it is absent for the first time, or else while it
    /// is present.
    pub decided: usize,
}

/// The fate of every tensor. A tensor that never stays decides nothing and costs nothing.
pub(crate) fn fates(problem: &Problem, outline: &Outline) -> Vec<Fate> {
    let mut stays: Vec<Vec<Range<usize>>> = vec![Vec::new(); problem.graph.tensors().len()];
    for stay in &outline.stays {
        stays[stay.tensor.index()].push(stay.steps.start.index()..stay.steps.end.index());
    }
    // Where it is streamed, it has a stay of one step.
    let mut visits = stays.clone();
    for (step, tensor) in outline.passing(problem) {
        visits[tensor.index()].push(step.index()..step.index() + 1);
    }
    let occupancy = outline.occupancy(problem);
    visits.iter_mut().for_each(|it| it.sort_by_key(|it| it.start));
    let fate = |(tensor, stays): (TensorId, Vec<Range<usize>>)| {
        let visits = &visits[tensor.index()];
        let life = match visits.as_slice() {
            [first, second, ..] => first.end..second.start,
            [only] => only.clone(),
            [] => 0..0,
        };
        let fullest = life.clone().max_by_key(|it| (occupancy[*it], Reverse(*it)));
        Fate { charge: charge(problem, tensor, visits.len()), decided: fullest.unwrap_or(life.start), stays }
    };
    problem.graph.tensor_ids().zip(stays).map(fate).collect()
}

/// The non-compulsory bytes of a tensor that stays or is streamed this many times: each time except the first is a
/// reload, and the first reload needs a copy in host memory.
pub(crate) fn charge(problem: &Problem, tensor: TensorId, n_visits: usize) -> Bytes {
    let returns = n_visits.saturating_sub(1) as u64;
    let is_spilled = 0 < returns && !problem.graph.has_host_copy(tensor);
    Bytes(problem.graph.tensor(tensor).size.0 * (returns + u64::from(is_spilled)))
}
