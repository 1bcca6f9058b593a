//! Stripe plans and their programs, on small networks.

mod small;

use cosma_planner::{Bytes, Deadline, OpId, Options, Order, Origin, Problem, Solution, TensorId, check, plan};
use cosma_tile::{
    Bounds, Group, Lanes, Network, Region, StripePlan, Tile, TileError, TileProgram, Tiling, bounds, cascades,
    choose_stripes, expand, layer_by_layer, tile,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use small::{Small, Window, on};
use std::time::Duration;

/// What a random network does next.
#[derive(Clone, Debug)]
enum Next {
    /// A convolution of an earlier tensor, along the rows or the columns as well.
    Conv(usize, u64, Window),
    Square(usize, u64, Window),
    /// The sum with an earlier tensor, if one has the same shape.
    Add(usize),
    Pool(usize),
    Concat(usize),
    Opaque(usize),
}

fn next() -> impl Strategy<Value = Next> {
    let window = (1..5u64, 1..3u64, 0..3u64);
    let window =
        window.prop_map(|(kernel, stride, padding)| Window { kernel, stride, padding: padding.min(kernel - 1) });
    prop_oneof![
        6 => (0..2usize, prop_oneof![1..5u64, 8..20u64], window).prop_map(|(of, channels, window)| Next::Conv(of, channels, window)),
        3 => (0..4usize).prop_map(Next::Add),
        1 => (0..2usize).prop_map(Next::Pool),
        1 => (0..3usize).prop_map(Next::Concat),
        1 => (0..2usize).prop_map(Next::Opaque),
    ]
}

/// A network of an input and these operators; where one does not fit what is there, none.
fn network((rows, channels, steps): &Recipe, alignment: u64) -> Network {
    image((*rows, 4, *channels), steps, alignment)
}

/// Likewise, of an input of so many rows, columns and channels.
fn image((rows, columns, channels): (u64, u64, u64), steps: &[Next], alignment: u64) -> Network {
    let mut small = Small::new();
    let mut tensors = vec![small.image(channels, rows, columns)];
    let mut read = vec![false];
    for step in steps {
        let back = |of: usize| tensors.len() - 1 - of.min(tensors.len() - 1);
        let last = tensors.len() - 1;
        let partner = |small: &Small, of: usize, same: &dyn Fn(&Small, TensorId, TensorId) -> bool| {
            let other = back(of + 1);
            (other != last && same(small, tensors[last], tensors[other])).then_some(other)
        };
        let (operands, made) = match *step {
            Next::Conv(of, channels, window) => (vec![back(of)], small.conv(tensors[back(of)], channels, window)),
            Next::Square(of, channels, window) => (vec![back(of)], small.square(tensors[back(of)], channels, window)),
            Next::Add(of) => {
                let dims = |small: &Small, it| (small.channels(it), small.rows(it), small.columns(it));
                let same = |it: &Small, a, b| dims(it, a) == dims(it, b);
                let other = partner(&small, of, &same);
                (vec![last, other.unwrap_or(last)], other.map(|it| small.add(tensors[last], tensors[it])))
            }
            Next::Concat(of) => {
                let other = partner(&small, of, &|it, a, b| (it.rows(a), it.columns(a)) == (it.rows(b), it.columns(b)));
                (vec![last, other.unwrap_or(last)], other.map(|it| small.concat(tensors[last], tensors[it])))
            }
            Next::Pool(of) => (vec![back(of)], Some(small.pool(tensors[back(of)]))),
            Next::Opaque(of) => (vec![back(of)], Some(small.opaque(tensors[back(of)]))),
        };
        if let Some(made) = made {
            operands.into_iter().for_each(|it| read[it] = true);
            tensors.push(made);
            read.push(false);
        }
    }
    let results: Vec<TensorId> = tensors.iter().zip(&read).skip(1).filter(|it| !it.1).map(|it| *it.0).collect();
    small.finish(&results, 1 << 20, alignment)
}

/// Rows and channels of the input, and operators.
type Recipe = (u64, u64, Vec<Next>);

fn recipes() -> impl Strategy<Value = Recipe> {
    (2..14u64, 1..4u64, prop::collection::vec(next(), 1..6))
}

/// All that lies on-chip if nothing is cut and nothing ever leaves.
fn total(problem: &Problem) -> u64 {
    problem.graph.tensors().iter().map(|it| it.size.0).sum()
}

fn in_source_order(problem: &Problem) -> Option<Solution> {
    let solution = plan(problem, &Options { order: Order::Source, ..Options::default() }).ok()?;
    check(problem, &solution.plan.actions(problem)).expect("the judge believes it");
    Some(solution)
}

fn are_disjoint(boxes: &[Region]) -> bool {
    let is_disjoint =
        |(index, left): (usize, &Region)| boxes[index + 1..].iter().all(|it| it.intersect(left).is_empty());
    boxes.iter().enumerate().all(is_disjoint)
}

/// Whether boxes have no element in common and hold all of another one.
fn partition(boxes: &[Region], whole: &Region) -> bool {
    are_disjoint(boxes)
        && boxes.iter().all(|it| whole.contains(it))
        && boxes.iter().map(Region::len).sum::<u64>() == whole.len()
}

/// Pieces are disjoint, tiles read what they need, and results are complete.
fn check_program(network: &Network, program: &TileProgram) {
    let graph = &program.problem.graph;
    for tensor in network.problem.graph.tensor_ids() {
        let is_staged = |it: &TensorId| graph.tensor(*it).origin == Origin::Staged;
        let pieces = graph.tensor_ids().filter(|it| !is_staged(it));
        let boxes: Vec<Region> =
            pieces.filter_map(|it| program.pieces[it.index()].region_of(tensor)).cloned().collect();
        // What nobody needs is not made.
        let is_in_host = |it: &TensorId| graph.producer(*it).is_none() || graph.is_stored(*it);
        let mut own = graph.tensor_ids().filter(|it| program.pieces[it.index()].region_of(tensor).is_some());
        assert!(are_disjoint(&boxes) || !own.any(|it| is_in_host(&it)), "{tensor:?}: {boxes:?}");
        if network.problem.graph.results().contains(&tensor) {
            let stored = graph.results().iter().filter(|it| program.pieces[it.index()].region_of(tensor).is_some());
            assert_eq!(stored.count(), boxes.len(), "{tensor:?}");
            assert!(partition(&boxes, &network.shape(tensor).whole()), "{tensor:?}: {boxes:?}");
        }
    }
    for (op, tile) in graph.ops().iter().zip(&program.tiles) {
        let operator = network.operator(tile.of);
        let is_last = check_sums(network, program, op, tile);
        let written = network.writes(tile.of, &tile.domain);
        for (tensor, region) in operator.results.iter().zip(written) {
            let pieces = op.writes.iter().filter_map(|it| program.pieces[it.index()].region_of(*tensor));
            let boxes: Vec<Region> = pieces.cloned().collect();
            assert!(if is_last { partition(&boxes, &region) } else { boxes.is_empty() }, "{}", op.name);
        }
        for (tensor, region) in operator.operands.iter().zip(network.reads(tile.of, &tile.domain)) {
            check_reads(network, program, op, *tensor, &region);
        }
    }
}

/// A tile that adds up a part reads all sums of the parts before, and writes all sums but with the last part; gives
/// whether it is that.
fn check_sums(network: &Network, program: &TileProgram, op: &cosma_planner::Op, tile: &Tile) -> bool {
    let sums = |ids: Vec<TensorId>| -> Vec<Region> {
        let sums = ids.iter().filter_map(|it| program.pieces[it.index()].sums());
        sums.map(|(of, added)| (of == tile.of).then(|| added.clone()).expect("sums of the operator")).collect()
    };
    let (read, written) = (sums(op.reads.iter().map(|it| it.tensor).collect()), sums(op.writes.clone()));
    let Some(access) = &network.operator(tile.of).access else { return read.is_empty() && written.is_empty() };
    for (boxes, due) in [(&read, access.summed_before(&tile.domain)), (&written, access.summed_after(&tile.domain))] {
        match due {
            Some(due) => {
                let dim = access.split_loop().expect("it adds up a part");
                assert!(boxes.iter().all(|it| it.range(dim) == due.range(dim)), "{}", op.name);
                assert!(partition(boxes, &due), "{}", op.name);
            }
            None => assert!(boxes.is_empty(), "{}", op.name),
        }
    }
    written.is_empty()
}

/// A tile reads pieces that hold a region, if need be through views.
fn check_reads(network: &Network, program: &TileProgram, op: &cosma_planner::Op, tensor: TensorId, region: &Region) {
    let view = network.problem.graph.producer(tensor).filter(|it| program.tiles.iter().all(|tile| tile.of != *it));
    if let Some(view) = view {
        let access = network.operator(view).access.as_ref().expect("views have one");
        let domain = access.domain_of(0, region);
        for (operand, region) in network.operator(view).operands.iter().zip(network.reads(view, &domain)) {
            check_reads(network, program, op, *operand, &region);
        }
        return;
    }
    let pieces = op.reads.iter().filter_map(|it| program.pieces[it.tensor.index()].region_of(tensor));
    let held: Vec<Region> = pieces.map(|it| it.intersect(region)).filter(|it| !it.is_empty()).collect();
    let n_held: u64 = held.iter().map(Region::len).sum();
    assert!(n_held == region.len() && are_disjoint(&held), "{} reads {tensor:?} {region}", op.name);
}

/// It should be all of them. In one of some thousand networks whose scratchpad is as small as can be, the one program that
/// there is comes of a search that goes on from other plans.
#[test]
fn what_fits_is_found_however_late_it_is() {
    let mut runner = TestRunner::deterministic();
    let (mut n_found, mut missed) = (0, Vec::new());
    for _ in 0..1000 {
        let (recipe, share) = (recipes(), 5..60_u64).new_tree(&mut runner).expect("there is a case").current();
        let network = network(&recipe, 16);
        let network = on(&network, total(&network.problem) * share / 100 / 16 * 16 + 64);
        if tile(&network, Deadline::after(Duration::from_millis(100))).is_err() {
            continue;
        }
        match tile(&network, Deadline::after(Duration::ZERO)) {
            Ok(tiled) => {
                check_program(&network, &tiled.program);
                n_found += 1;
            }
            Err(error) => missed.push((recipe, share, error.to_string())),
        }
    }
    assert!(300 < n_found && missed.len() <= 3, "{n_found} found, missed {missed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_program_moves_no_more_than_its_plan(recipe in recipes(), share in 5..100u64) {
        let network = network(&recipe, 1);
        let network = on(&network, total(&network.problem) * share / 100 + 1);
        match choose_stripes(&network, Deadline::NEVER) {
            Err(TileError::TooSmall { op, needed, scratchpad, .. }) => {
                prop_assert!(scratchpad < needed);
                let choose = |room: u64| choose_stripes(&on(&network, room), Deadline::NEVER);
                prop_assert!(choose(needed.0 - 1).is_err());
                let is_named = |it: &TileError| matches!(it, TileError::TooSmall { op: other, .. } if *other == op);
                prop_assert!(!choose(needed.0).is_err_and(|it| is_named(&it)), "{needed} B are too few as well");
            }
            Err(error) => prop_assert!(matches!(error, TileError::NoProgram { .. }), "{error}"),
            Ok(chosen) => {
                let program = expand(&network, &chosen);
                check_program(&network, &program);
                prop_assert_eq!(program.tiles.len() as u64, chosen.n_tiles);
                let solution = in_source_order(&program.problem);
                prop_assert!(solution.is_some(), "it does not fit: {chosen:?}\n{}", program.problem);
                let solution = solution.expect("it fits");
                let moved = solution.non_compulsory.saturating_sub(solution.fragmentation);
                prop_assert!(moved <= chosen.non_compulsory, "{moved} by {chosen:?}\n{}", program.problem);
            }
        }
    }

    #[test]
    fn more_room_never_costs_traffic(recipe in recipes(), share in 5..90u64) {
        let network = network(&recipe, 1);
        let all = total(&network.problem);
        let mut last: Option<Bytes> = None;
        for share in [share, share + 3, share + 10] {
            let chosen = choose_stripes(&on(&network, all * share / 100 + 1), Deadline::NEVER).ok();
            let cost = chosen.map(|it: StripePlan| it.non_compulsory);
            prop_assert!(last.is_none() || cost.is_some_and(|it| Some(it) <= last), "{cost:?} after {last:?}");
            last = cost;
        }
    }

    #[test]
    fn what_fits_whole_moves_only_the_compulsory(recipe in recipes()) {
        let network = network(&recipe, 64);
        let network = on(&network, 2 * total(&network.problem) + 64 * 64);
        let chosen = choose_stripes(&network, Deadline::NEVER).expect("it fits");
        prop_assert_eq!(chosen.non_compulsory, Bytes::ZERO);
    }

    #[test]
    fn tiles_are_planned_and_judged(recipe in recipes(), share in 20..100u64) {
        let network = network(&recipe, 16);
        let network = on(&network, total(&network.problem) * share / 100 / 16 * 16 + 64);
        if let Ok(tiled) = tile(&network, Deadline::after(Duration::from_millis(100))) {
            check_program(&network, &tiled.program);
            let solution = in_source_order(&tiled.program.problem).expect("it was planned");
            let total = tiled.program.problem.compulsory() + solution.non_compulsory;
            let Bounds { all_tilings, without_recomputation } = bounds(&network);
            prop_assert_eq!(tiled.bounds, bounds(&network));
            prop_assert!(all_tilings <= without_recomputation && without_recomputation <= total);
        }
    }
}

/// Two convolutions of three rows each.
fn pair(rows: u64) -> Network {
    let mut small = Small::new();
    let window = Window { kernel: 3, stride: 1, padding: 1 };
    let x = small.input(2, rows);
    let middle = small.conv(x, 8, window).expect("it fits");
    let last = small.conv(middle, 2, window).expect("it fits");
    small.finish(&[last], 1 << 20, 1)
}

/// The network of a recipe whose operators are convolutions or else a concatenation with what is before the last.
fn recipe(rows: u64, channels: u64, steps: &[Option<(u64, Window)>]) -> Network {
    let next =
        |it: &Option<(u64, Window)>| it.map_or(Next::Concat(0), |(channels, window)| Next::Conv(0, channels, window));
    network(&(rows, channels, steps.iter().map(next).collect()), 1)
}

/// What is put out to be read in columns lies nowhere in rows meanwhile.
#[test]
fn what_is_put_out_is_cut_for_its_reader() {
    let pointwise = Window { kernel: 1, stride: 1, padding: 0 };
    let window = Window { kernel: 4, stride: 1, padding: 0 };
    let network = on(&recipe(6, 3, &[Some((3, pointwise)), None, Some((11, window))]), 118);
    let chosen = choose_stripes(&network, Deadline::NEVER).expect("it fits");
    let program = expand(&network, &chosen);
    check_program(&network, &program);
    let solution = in_source_order(&program.problem).expect("it fits");
    assert!(solution.non_compulsory <= chosen.non_compulsory);
}

/// Blocks of channels that a later group makes of a sum lie over what is added, back to the first group of the chain.
#[test]
fn chains_in_place_are_cut_alike_through_groups() {
    let mut small = Small::new();
    let pointwise = Window { kernel: 1, stride: 1, padding: 0 };
    let x = small.input(4, 8);
    let conv = |small: &mut Small, of| small.conv(of, 4, pointwise).expect("it fits");
    let (left, right) = (conv(&mut small, x), conv(&mut small, x));
    let first = small.add(left, right);
    let other = conv(&mut small, first);
    let second = small.add(first, other);
    let network = small.finish(&[second], 1 << 20, 1);
    let ops: Vec<_> = network.problem.graph.op_ids().collect();
    let stripes = |channels: &[u64]| Tiling::Stripes { lanes: None, rows: 8, channels: channels.to_vec() };
    let axis = network.shape(second).dims.iter().position(|it| *it == 4).expect("it has four channels");
    let group = |ops: &[OpId], tiling| Group { ops: ops.to_vec(), tiling, keeps: vec![first] };
    let mut groups = vec![group(&ops[..3], stripes(&[4, 4, 1])), group(&ops[3..4], stripes(&[4]))];
    groups.push(Group { keeps: Vec::new(), ..group(&ops[4..], Tiling::Grid(vec![(axis, 4)])) });
    let program = expand(&network, &StripePlan { groups, non_compulsory: Bytes(0), n_tiles: 9 });
    check_program(&network, &program);
    let graph = &program.problem.graph;
    let mut n_sums = 0;
    for (op, tile) in graph.ops().iter().zip(&program.tiles).filter(|it| [ops[2], ops[4]].contains(&it.1.of)) {
        assert!(op.writes.iter().all(|result| op.in_place.iter().any(|it| it.result == *result)), "{tile:?}");
        n_sums += op.writes.len();
    }
    assert_eq!(n_sums, 8);
}

/// What is loaded once for several groups lies in the pieces of the first one: more of them would need more padding.
#[test]
fn what_stays_is_cut_for_the_group_that_loads_it() {
    let mut small = Small::new();
    let pointwise = Window { kernel: 1, stride: 1, padding: 0 };
    let x = small.input(3, 8);
    let conv = |small: &mut Small, of| small.conv(of, 3, pointwise).expect("it fits");
    let (early, between) = (conv(&mut small, x), conv(&mut small, x));
    let results = [between, conv(&mut small, early), conv(&mut small, early)];
    let network = small.finish(&results, 1 << 20, 64);
    let ops: Vec<_> = network.problem.graph.op_ids().collect();
    let columns = network.shape(early).dims.iter().position(|it| *it == 4).expect("it has four columns");
    let group = |op: usize, n_lanes: Option<u64>, keeps: &[TensorId]| {
        let lanes = n_lanes.map(|n| Lanes { n, loops: vec![columns] });
        Group {
            ops: vec![ops[op]],
            tiling: Tiling::Stripes { lanes, rows: 8, channels: vec![3] },
            keeps: keeps.to_vec(),
        }
    };
    let groups = vec![group(0, None, &[x]), group(1, None, &[]), group(2, Some(2), &[early]), group(3, Some(4), &[])];
    let program = expand(&network, &StripePlan { groups, non_compulsory: Bytes(0), n_tiles: 8 });
    check_program(&network, &program);
    let graph = &program.problem.graph;
    let staged: Vec<u64> =
        graph.tensors().iter().filter(|it| it.origin == Origin::Staged).map(|it| it.size.0).collect();
    assert_eq!(staged, [8 * 2 * 3; 2]);
}

/// One operator may fit in lanes only.
#[test]
fn layers_run_in_lanes() {
    let window = Window { kernel: 2, stride: 2, padding: 1 };
    let network = on(&recipe(2, 2, &[Some((1, window))]), 7);
    choose_stripes(&network, Deadline::NEVER).expect("it fits");
    layer_by_layer(&network).expect("it fits");
}

/// Rows that a window reads one at a time come in again for each row of the result.
#[test]
fn windows_in_parts_come_in_again() {
    let network = on(&recipe(8, 1, &[Some((1, Window { kernel: 3, stride: 1, padding: 2 }))]), 6);
    let planned = layer_by_layer(&network).expect("it fits");
    let program = expand(&network, &planned);
    let solution = in_source_order(&program.problem).expect("it fits");
    assert!(solution.non_compulsory.saturating_sub(solution.fragmentation) <= planned.non_compulsory);
}

#[test]
fn columns_that_do_not_mix_run_in_lanes() {
    // As below, but one of four columns at a time.
    let least = 48 + 48 + 3 * 2 + 3 * 8;
    let chosen = choose_stripes(&on(&pair(13), least), Deadline::NEVER).expect("it fits");
    assert_eq!(chosen.non_compulsory, Bytes::ZERO);
    assert!(matches!(&chosen.groups[0].tiling, Tiling::Stripes { lanes: Some(it), rows: 1, .. } if it.n == 4));
    check_program(&on(&pair(13), least), &expand(&on(&pair(13), least), &chosen));
    let less = choose_stripes(&on(&pair(13), least - 1), Deadline::NEVER).expect("it fits");
    assert!(Bytes::ZERO < less.non_compulsory);
}

/// Whether a plan has lanes with halos: then some operator runs more iterations than it has.
fn has_halos(network: &Network, program: &TileProgram) -> bool {
    network.problem.graph.op_ids().any(|op| {
        let run: u64 = program.tiles.iter().filter(|it| it.of == op).map(|it| it.domain.len()).sum();
        network.operator(op).access.as_ref().is_some_and(|it| it.whole().len() < run)
    })
}

#[test]
fn programs_with_halos_move_no_more_than_their_plans() {
    let window = (2..4u64, prop_oneof![4 => Just(1u64), 1 => Just(2u64)]);
    let window = window.prop_map(|(kernel, stride)| Window { kernel, stride, padding: kernel / 2 });
    let square = (0..2usize, 1..4u64, window).prop_map(|(of, channels, window)| Next::Square(of, channels, window));
    let steps = prop::collection::vec(prop_oneof![8 => square, 1 => (0..3usize).prop_map(Next::Add)], 2..5);
    let recipes = ((4..8u64, 16..40u64, 1..4u64), steps, 4..25u64);
    let mut runner = TestRunner::new_with_rng(
        ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let n_found = std::cell::Cell::new(0);
    let result = runner.run(&recipes, |(size, steps, share)| {
        let network = image(size, &steps, 1);
        let network = on(&network, total(&network.problem) * share / 100 + 1);
        let Ok(chosen) = choose_stripes(&network, Deadline::NEVER) else { return Ok(()) };
        let program = expand(&network, &chosen);
        check_program(&network, &program);
        if has_halos(&network, &program) {
            n_found.set(n_found.get() + 1);
        }
        prop_assert_eq!(program.tiles.len() as u64, chosen.n_tiles);
        // Most are solved at once, and what is not proven says nothing.
        let time_limit = Duration::from_secs(1);
        let options = Options { order: Order::Source, time_limit, ..Options::default() };
        let solution = plan(&program.problem, &options);
        prop_assert!(solution.is_ok(), "it does not fit: {chosen:?}\n{}", program.problem);
        let solution = solution.expect("it fits");
        check(&program.problem, &solution.plan.actions(&program.problem)).expect("the judge believes it");
        prop_assert!(
            solution.lower_bound <= chosen.non_compulsory,
            "{} B by {chosen:?}\n{}",
            solution.lower_bound,
            program.problem
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    println!("{} programs with halos", n_found.get());
    assert!(20 <= n_found.get(), "a property that meets few halos proves little: {}", n_found.get());
}

#[test]
fn two_convolutions_are_fused() {
    // Weights of 48 B each stay. Of the input three rows of 8 B lie there at a time, of the middle tensor, which has
    // 8 × 13 × 4 = 416 B, three of 32 B.
    let least = 48 + 48 + 3 * 8 + 3 * 32;
    let network = on(&pair(13), least);
    let chosen = choose_stripes(&network, Deadline::NEVER).expect("it fits");
    assert_eq!(chosen.non_compulsory, Bytes::ZERO);
    assert_eq!(chosen.groups.len(), 1);
    let program = expand(&network, &chosen);
    check_program(&network, &program);
    let solution = in_source_order(&program.problem).expect("it fits");
    assert_eq!(solution.non_compulsory, Bytes::ZERO);
    assert_eq!(program.problem.compulsory(), network.problem.compulsory());
}

#[test]
fn sums_are_added_up_in_parts() {
    // A product of 64 × 512 and 512 × 64 elements: half of its sums of 4 B take 8 KiB, and the weight comes twice.
    let mut small = Small::new();
    let x = small.input(512, 16);
    let y = small.conv(x, 64, Window { kernel: 1, stride: 1, padding: 0 }).expect("it fits");
    let network = on(&small.finish(&[y], 1 << 20, 1), 9 << 10);
    let chosen = choose_stripes(&network, Deadline::NEVER).expect("it fits");
    assert!(matches!(&chosen.groups[0].tiling, Tiling::Grid(loops) if loops.last().is_some_and(|it| it.0 == 3)));
    let program = expand(&network, &chosen);
    check_program(&network, &program);
    let graph = &program.problem.graph;
    let sums = graph.tensor_ids().filter(|it| program.pieces[it.index()].sums().is_some());
    // Each tile but the last one of each block makes sums, which only the next one reads.
    let sums: Vec<TensorId> = sums.collect();
    assert_eq!(sums.len(), program.tiles.len() - 2);
    assert!(sums.iter().all(|it| graph.readers(*it).len() == 1 && graph.tensor(*it).size == Bytes(4 * 32 * 64)));
    let over_sums = graph.ops().iter().flat_map(|op| &op.in_place).count();
    assert_eq!(over_sums, program.tiles.len() - 2);
    let solution = in_source_order(&program.problem).expect("it fits");
    assert_eq!((solution.non_compulsory, chosen.non_compulsory), (Bytes(64 * 512), Bytes(64 * 512)));
}

#[test]
fn the_smallest_tile_is_named() {
    let network = on(&pair(13), 9);
    let error = choose_stripes(&network, Deadline::NEVER).expect_err("it does not fit");
    // One sum, three rows of one column of one channel, and their weights.
    assert_eq!(error.to_string(), "op0 needs 10 B in its smallest tile, but the scratchpad has 9 B");
    let mut whole = on(&pair(13), 40);
    whole.operators.iter_mut().filter_map(|it| it.access.as_mut()).for_each(|it| it.sums = None);
    let error = choose_stripes(&whole, Deadline::NEVER).expect_err("it does not fit");
    // One element of the result, three rows of one column of eight channels, and their weights.
    assert_eq!(error.to_string(), "op1 needs 49 B in its smallest tile, but the scratchpad has 40 B");
}

#[test]
fn the_same_network_the_same_tiles() {
    let network = on(&pair(13), 200);
    let texts: Vec<String> = (0..2)
        .map(|_| expand(&network, &choose_stripes(&network, Deadline::NEVER).expect("it fits")).problem.to_string())
        .collect();
    assert_eq!(texts[0], texts[1]);
}

/// By rule: whether each operator runs by itself, and the plan.
fn by_rule(network: &Network) -> [(bool, Result<StripePlan, TileError>); 2] {
    [(true, layer_by_layer(network)), (false, cascades(network))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn plans_by_rule_are_programs(recipe in recipes(), share in 5..100u64) {
        let network = network(&recipe, 1);
        let network = on(&network, total(&network.problem) * share / 100 + 1);
        for (is_alone, planned) in by_rule(&network) {
            let Ok(planned) = planned else {
                prop_assert!(choose_stripes(&network, Deadline::NEVER).is_err(), "only a plan by rule does not fit");
                continue;
            };
            let mut seen: Vec<_> = planned.groups.iter().flat_map(|it| &it.ops).collect();
            prop_assert!(!is_alone || planned.groups.iter().all(|it| it.ops.len() == 1));
            let program = expand(&network, &planned);
            check_program(&network, &program);
            prop_assert_eq!(program.tiles.len() as u64, planned.n_tiles);
            seen.sort();
            seen.dedup();
            let run = program.tiles.iter().map(|it| it.of).collect::<std::collections::BTreeSet<_>>();
            prop_assert!(seen.into_iter().eq(&run));
            let solution = in_source_order(&program.problem);
            prop_assert!(solution.is_some(), "it does not fit: {planned:?}\n{}", program.problem);
            let solution = solution.expect("it fits");
            let moved = solution.non_compulsory.saturating_sub(solution.fragmentation);
            prop_assert!(moved <= planned.non_compulsory, "{moved} by {planned:?}\n{}", program.problem);
            let least = bounds(&network).without_recomputation;
            prop_assert!(least <= program.problem.compulsory() + solution.non_compulsory);
        }
    }

    #[test]
    fn no_plan_by_rule_moves_less_than_the_chosen_one_by_its_own_count(recipe in recipes(), share in 5..100u64) {
        let network = network(&recipe, 1);
        let network = on(&network, total(&network.problem) * share / 100 + 1);
        let Ok(chosen) = choose_stripes(&network, Deadline::NEVER) else { return Ok(()) };
        for (_, planned) in by_rule(&network) {
            let planned = planned.expect("it fits");
            prop_assert!(chosen.non_compulsory <= planned.non_compulsory, "{chosen:?}\n{planned:?}");
        }
    }
}

#[test]
fn layers_move_what_lies_between_and_cascades_do_not() {
    // As `two_convolutions_are_fused`: the middle tensor has 8 × 13 × 4 = 416 B, the input and the result 104 B each.
    let network = on(&pair(13), 400);
    let layers = layer_by_layer(&network).expect("it fits");
    assert_eq!((layers.groups.len(), layers.non_compulsory), (2, Bytes(2 * 416)));
    let cascade = cascades(&network).expect("it fits");
    assert_eq!((cascade.groups.len(), cascade.non_compulsory), (1, Bytes::ZERO));
    // Five rows of the result need seven of the middle, and those nine of the input: 2 · 48 + 7 · 32 + 9 · 8 = 392 B.
    // The next stripes, of seven rows, need 472 B.
    assert_eq!(cascade.groups[0].tiling, Tiling::Stripes { lanes: None, rows: 5, channels: vec![8, 2] });
    // With less room than weights and three rows each take there is no cascade.
    let tight = on(&network, 48 + 48 + 3 * 8 + 3 * 32 - 1);
    assert_eq!(cascades(&tight).expect("it fits").groups.len(), 2);
}

#[test]
fn a_residual_ends_a_cascade() {
    let mut small = Small::new();
    let window = Window { kernel: 3, stride: 1, padding: 1 };
    let x = small.input(2, 13);
    let conv = |small: &mut Small, of, channels| small.conv(of, channels, window).expect("it fits");
    let before = conv(&mut small, x, 2);
    let middle = conv(&mut small, before, 4);
    let last = conv(&mut small, middle, 2);
    let sum = small.add(last, before);
    let after = conv(&mut small, sum, 2);
    let end = conv(&mut small, after, 2);
    let network = small.finish(&[end], 1 << 12, 1);
    let sizes = |it: StripePlan| it.groups.iter().map(|it| it.ops.len()).collect::<Vec<_>>();
    // What the sum reads as well has two readers.
    assert_eq!(sizes(cascades(&network).expect("it fits")), [1, 3, 2]);
    assert_eq!(sizes(layer_by_layer(&network).expect("it fits")), [1; 6]);
}

/// A tensor of so many rows that is pooled, and added to a convolution of what the pool gives, spread over all rows:
/// it has to be there, or come back, when the pool has seen all of it.
fn squeeze(rows: u64) -> Network {
    let mut small = Small::new();
    let x = small.input(2, rows);
    let wide = small.conv(x, 4, Window { kernel: 1, stride: 1, padding: 0 }).expect("it fits");
    let pooled = small.pool(wide);
    let mixed = small.mix(pooled);
    let scaled = small.scale(wide, mixed);
    small.finish(&[scaled], 1 << 20, 1)
}

#[test]
fn a_barrier_is_written_and_read_again() {
    let network = squeeze(32);
    // The wide tensor has 4 × 32 × 4 = 512 B.
    // 256 B come in, weights of 8 B too, 512 B go out.
    let least = |all_tilings, once| Bounds { all_tilings: Bytes(all_tilings), without_recomputation: Bytes(once) };
    assert_eq!(bounds(&on(&network, 300)), least(776, 776 + 2 * 212));
    assert_eq!(bounds(&on(&network, 512)), least(776, 776));
    for scratchpad in [150, 200, 300, 400, 500, 600, 700] {
        let network = on(&network, scratchpad);
        let tiled = tile(&network, Deadline::NEVER).expect("it fits");
        let total = tiled.program.problem.compulsory() + tiled.non_compulsory;
        assert!(tiled.bounds.without_recomputation <= total, "{scratchpad}: {total} < {:?}", tiled.bounds);
    }
}
