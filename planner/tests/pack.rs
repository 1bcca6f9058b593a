//! The packer, compared with enumeration, and on published problems.

mod common;

use cosma_planner::pack::{
    Conflict, Gap, Interval, Lowest, LowestPacking, Overlap, Packing, Piece, check_packing, conflict, load, pack,
    pack_lowest,
};
use cosma_planner::{Bytes, Deadline};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn soon() -> Deadline<'static> {
    Deadline::after(Duration::from_secs(60))
}

/// The lowest packing of intervals without fixed offsets.
fn lowest(intervals: &[Interval], alignment: u64) -> LowestPacking {
    match pack_lowest(intervals, Bytes(alignment), soon()) {
        Lowest::Placed(packing) => packing,
        other => panic!("{other:?}: {intervals:#?}"),
    }
}

/// Deterministic numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % limit
    }
}

/// Whether there is a packing: step by step, over all ways to place the intervals of the step.
fn exists(intervals: &[Interval], capacity: u64, alignment: u64) -> bool {
    let pieces: Vec<Vec<Piece>> = intervals.iter().map(Interval::pieces).collect();
    let mut order: Vec<usize> = (0..intervals.len()).filter(|it| !intervals[*it].is_empty()).collect();
    order.sort_by_key(|it| intervals[*it].start);
    let mut ways: BTreeSet<Vec<(usize, u64)>> = BTreeSet::from([Vec::new()]);
    for next in order {
        let interval = &intervals[next];
        let may_lie_at = |offset: &u64| {
            offset.is_multiple_of(alignment)
                && offset.is_multiple_of(interval.alignment.0)
                && interval.fixed.is_none_or(|it| it.0 == *offset)
        };
        let shares = |offset: u64, (other, other_offset): &(usize, u64)| {
            pieces[next].iter().any(|mine| {
                pieces[*other].iter().any(|its| {
                    mine.start.max(its.start) < mine.end.min(its.end)
                        && (offset + mine.low.0).max(other_offset + its.low.0)
                            < (offset + mine.high.0).min(other_offset + its.high.0)
                })
            })
        };
        let mut longer = BTreeSet::new();
        for mut way in ways {
            way.retain(|(other, _)| interval.start < intervals[*other].end);
            let room = (capacity + 1).saturating_sub(interval.size.0);
            for offset in (0..room).filter(may_lie_at) {
                if !way.iter().any(|it| shares(offset, it)) {
                    let mut way = way.clone();
                    way.push((next, offset));
                    longer.insert(way);
                }
            }
        }
        ways = longer;
    }
    !ways.is_empty()
}

/// The features of intervals that are drawn.
#[derive(Clone, Copy)]
struct Draw {
    largest: u64,
    alignments: u64,
    fixed: bool,
    gaps: bool,
    windows: bool,
}

const PLAIN: Draw = Draw { largest: 5, alignments: 1, fixed: false, gaps: false, windows: false };

fn draw(random: &mut Random, count: usize, what: Draw) -> Vec<Interval> {
    let interval = |random: &mut Random| {
        let start = random.below(7) as u32;
        let end = start + random.below(5) as u32;
        let mut interval = Interval::new(start, end, Bytes(random.below(what.largest + 1)));
        interval.alignment = Bytes(1 << random.below(what.alignments));
        if what.fixed && random.below(4) == 0 {
            interval.fixed = Some(Bytes(random.below(4) * interval.alignment.0));
        }
        if what.gaps && start + 2 < end && random.below(2) == 0 {
            let window = (what.windows && random.below(2) == 0).then(|| {
                let low = random.below(interval.size.0 + 1);
                (Bytes(low), Bytes(low + random.below(3)))
            });
            interval.gaps.push(Gap { start: start + 1, end: start + 2, window });
            // Two windows at once.
            if window.is_some() && random.below(2) == 0 {
                let low = random.below(interval.size.0 + 1);
                let window = Some((Bytes(low), Bytes(low + random.below(3))));
                interval.gaps.push(Gap { start: start + 1, end: start + 2, window });
            }
        }
        interval
    };
    (0..count).map(|_| interval(random)).collect()
}

/// Intervals that fill a memory of this many units at each step: whenever some end, others take their space.
fn draw_full(random: &mut Random, capacity: u64, unit: u64, n_steps: u32) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::new();
    let mut free = capacity;
    for step in 0..n_steps {
        for interval in intervals.iter_mut().filter(|it| it.end == step) {
            if random.below(3) == 0 {
                free += interval.size.0.div_ceil(unit);
            } else {
                interval.end += 1;
            }
        }
        // Small ones would always find a place.
        while 1 < free {
            let room = 2 + random.below(5.min(free - 1));
            free -= room;
            intervals.push(Interval::new(step, step + 1, Bytes(room * unit - random.below(unit))));
        }
    }
    intervals
}

/// The cases of a comparison.
#[derive(Debug, Default)]
struct Met {
    placed: u32,
    infeasible: u32,
    /// Infeasible, although the load fits at each step.
    fragmented: u32,
    undecided: u32,
}

fn compare(seed: u64, rounds: u32, alignment: u64, draw: impl Fn(&mut Random) -> Vec<Interval>) -> Met {
    let mut random = Random(seed);
    let mut met = Met::default();
    for round in 0..rounds {
        let intervals = draw(&mut random);
        let load = load(&intervals, Bytes(alignment));
        let capacity = match random.below(5) {
            0 => Bytes(load.0 + random.below(3)),
            1 => load.saturating_sub(Bytes(1)),
            _ => load,
        };
        let exists = exists(&intervals, capacity.0, alignment);
        let packing = pack(&intervals, capacity, Bytes(alignment), soon());
        let problem = format!("round {round}, capacity {capacity}, alignment {alignment}: {intervals:#?}");
        match &packing {
            Packing::Placed(offsets) => {
                assert_eq!(check_packing(&intervals, offsets, capacity, Bytes(alignment)), [], "{problem}");
                assert!(exists, "{problem}");
                met.placed += 1;
            }
            Packing::Infeasible => {
                assert!(!exists, "{problem}");
                met.infeasible += 1;
                met.fragmented += u32::from(load <= capacity);
            }
            Packing::Undecided => met.undecided += 1,
        }
        assert_eq!(packing, pack(&intervals, capacity, Bytes(alignment), soon()), "{problem}");
    }
    println!("{met:?}");
    met
}

#[test]
fn finds_a_packing_where_there_is_one() {
    let met = compare(1, 700, 1, |random| {
        let (capacity, n_steps) = (10 + random.below(4), 45 + random.below(8) as u32);
        draw_full(random, capacity, 1, n_steps)
    });
    assert!(200 < met.placed && 60 < met.fragmented && met.undecided == 0, "{met:?}");
}

#[test]
fn ends_within_the_capacity_whatever_the_alignment() {
    let met = compare(2, 700, 4, |random| {
        let (capacity, n_steps) = (10 + random.below(4), 14 + random.below(8) as u32);
        draw_full(random, capacity, 4, n_steps)
    });
    assert!(200 < met.placed && 60 < met.fragmented && met.undecided == 0, "{met:?}");
}

#[test]
fn intervals_come_in_all_kinds() {
    let met = compare(3, 2000, 1, |random| draw(random, 8, PLAIN));
    assert!(500 < met.placed && 100 < met.infeasible && met.undecided == 0, "{met:?}");
    let met = compare(4, 1000, 4, |random| draw(random, 7, Draw { largest: 11, ..PLAIN }));
    assert!(500 < met.placed && 100 < met.infeasible && met.undecided == 0, "{met:?}");
}

#[test]
fn intervals_have_alignments_of_their_own() {
    let met = compare(5, 2000, 1, |random| draw(random, 7, Draw { alignments: 3, ..PLAIN }));
    assert!(500 < met.placed && 50 < met.fragmented && met.undecided == 0, "{met:?}");
}

#[test]
fn fixed_offsets_are_kept() {
    let met = compare(6, 2000, 1, |random| draw(random, 7, Draw { alignments: 2, fixed: true, ..PLAIN }));
    assert!(300 < met.placed && 100 < met.fragmented && met.undecided == 0, "{met:?}");
}

#[test]
fn gaps_are_room_for_others() {
    let met = compare(7, 2000, 1, |random| draw(random, 8, Draw { gaps: true, ..PLAIN }));
    assert!(500 < met.placed && 5 < met.fragmented && met.undecided == 0, "{met:?}");
}

#[test]
fn windows_are_respected() {
    let met = compare(8, 1000, 1, |random| draw(random, 6, Draw { gaps: true, windows: true, alignments: 2, ..PLAIN }));
    assert!(300 < met.placed && met.undecided == 0, "{met:?}");
    let met = compare(9, 1000, 1, |random| draw(random, 7, Draw { gaps: true, windows: true, fixed: true, ..PLAIN }));
    assert!(300 < met.placed && met.undecided == 0, "{met:?}");
    // With windows in the padding of others.
    let met = compare(10, 1000, 4, |random| draw(random, 6, Draw { gaps: true, windows: true, ..PLAIN }));
    assert!(300 < met.placed && met.undecided == 0, "{met:?}");
}

#[test]
fn the_lowest_packing_is_lowest() {
    let mut random = Random(7);
    let mut above_load = 0;
    for alignment in [1, 1, 1, 4] {
        for _ in 0..200 {
            let n_intervals = 3 + random.below(5) as usize;
            let intervals = draw(&mut random, n_intervals, Draw { alignments: 2, ..PLAIN });
            let packing = lowest(&intervals, alignment);
            assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(alignment)), []);
            assert_eq!(packing.height, packing.lower_bound, "{intervals:#?}");
            let lower = packing.height.0.checked_sub(1);
            assert!(!lower.is_some_and(|it| exists(&intervals, it, alignment)), "{intervals:#?}");
            above_load += u32::from(load(&intervals, Bytes(alignment)) < packing.height);
        }
    }
    assert!(10 < above_load, "{above_load}");
}

/// The load fits at each step, but there is no packing: the two long-lived ones cannot be adjacent at both ends.
#[test]
fn room_is_not_enough() {
    let interval = |start, end, size| Interval::new(start, end, Bytes(size));
    // Capacity 2: each of the long ones is alone in the middle of its life with a short one.
    let intervals = [interval(0, 4, 1), interval(0, 1, 1), interval(1, 3, 1), interval(3, 4, 1), interval(4, 5, 2)];
    assert!(matches!(pack(&intervals, Bytes(2), Bytes(1), soon()), Packing::Placed(_)));
    assert_eq!(pack(&intervals, Bytes(1), Bytes(1), soon()), Packing::Infeasible);
}

#[test]
fn a_block_that_is_never_needed_ends_within_the_capacity_too() {
    let gaps = vec![Gap { start: 0, end: 2, window: None }];
    let intervals = [Interval { gaps, ..Interval::new(1, 2, Bytes(3)) }];
    assert_eq!(pack(&intervals, Bytes(2), Bytes(1), soon()), Packing::Infeasible);
    assert_eq!(pack(&intervals, Bytes(3), Bytes(1), soon()), Packing::Placed(vec![Bytes(0)]));
    let Some(Conflict { intervals: why, irreducible: true }) = conflict(&intervals, Bytes(2), Bytes(1), soon()) else {
        panic!("it is known why");
    };
    assert_eq!(why, [0]);
    let found = lowest(&intervals, 1);
    assert_eq!((found.height, found.lower_bound), (Bytes(3), Bytes(3)));
}

#[test]
fn a_window_may_lie_in_the_padding_of_another_block() {
    // Only byte 6 of one is in use beside the other, at byte 0.
    let gaps = vec![Gap { start: 0, end: 6, window: Some((Bytes(6), Bytes(7))) }];
    let intervals = [Interval { gaps, ..Interval::new(0, 6, Bytes(7)) }, Interval::new(0, 1, Bytes(1))];
    assert_eq!(load(&intervals, Bytes(12)), Bytes(2));
    assert_eq!(pack(&intervals, Bytes(7), Bytes(12), soon()), Packing::Placed(vec![Bytes(0); 2]));
    let found = lowest(&intervals, 12);
    assert_eq!((found.height, found.lower_bound), (Bytes(7), Bytes(7)));
}

#[test]
fn what_takes_no_room_is_placed() {
    let intervals = [
        Interval::new(0, 9, Bytes(4)),
        Interval::new(2, 2, Bytes(100)),
        Interval::new(5, 3, Bytes(100)),
        Interval::new(0, 9, Bytes(0)),
    ];
    let Packing::Placed(offsets) = pack(&intervals, Bytes(4), Bytes(64), soon()) else {
        panic!("they fit");
    };
    assert_eq!(check_packing(&intervals, &offsets, Bytes(4), Bytes(64)), []);
    assert_eq!(pack(&[], Bytes(0), Bytes(1), soon()), Packing::Placed(Vec::new()));
}

#[test]
fn no_number_is_too_large() {
    let most = Bytes(u64::MAX);
    let intervals = [Interval::new(0, u32::MAX, most), Interval::new(0, 1, most)];
    for alignment in [Bytes(0), Bytes(1), Bytes(64), most] {
        assert!(!matches!(pack(&intervals, most, alignment, soon()), Packing::Placed(_)));
        let _ = (load(&intervals, alignment), pack_lowest(&intervals, alignment, soon()));
    }
}

/// Only damage that is an error: a block is moved onto another that it meets, out of the capacity, or off its
/// alignment.
#[test]
fn the_check_finds_damage() {
    let mut random = Random(8);
    let mut found = [0; 3];
    for _ in 0..300 {
        let intervals = draw(&mut random, 6, Draw { largest: 4, ..PLAIN });
        let capacity = Bytes(40);
        let Packing::Placed(offsets) = pack(&intervals, capacity, Bytes(2), soon()) else {
            panic!("there is plenty of room");
        };
        let victim = random.below(6) as usize;
        let mut damaged = offsets.clone();
        damaged[victim].0 += 1;
        assert!(
            check_packing(&intervals, &damaged, capacity, Bytes(2))
                .iter()
                .any(|it| { matches!(it, Overlap::Unaligned { interval, .. } if *interval == victim) })
        );
        found[0] += 1;
        if intervals[victim].is_empty() {
            continue;
        }
        damaged[victim] = Bytes(40);
        assert!(
            check_packing(&intervals, &damaged, capacity, Bytes(2))
                .iter()
                .any(|it| { matches!(it, Overlap::TooHigh { interval, .. } if *interval == victim) })
        );
        found[1] += 1;
        let meets =
            |it: &Interval| !it.is_empty() && it.start < intervals[victim].end && intervals[victim].start < it.end;
        if let Some(other) = (0..6).find(|it| *it != victim && meets(&intervals[*it])) {
            damaged[victim] = offsets[other];
            let pair = (victim.min(other), victim.max(other));
            assert!(
                check_packing(&intervals, &damaged, capacity, Bytes(2))
                    .iter()
                    .any(|it| { matches!(it, Overlap::Shared { first, second, .. } if (*first, *second) == pair) })
            );
            found[2] += 1;
        }
    }
    assert!(found.iter().all(|it| 100 < *it), "{found:?}");
    assert_eq!(check_packing(&[], &[Bytes(0)], Bytes(1), Bytes(1)).len(), 1);
}

/// A published problem; `None` if it is missing and `COSMA_WITHOUT_SHARED=1` allows skipping it.
fn published(name: &str) -> Option<Vec<Interval>> {
    let path = format!("{}/../../shared/allocation/{name}.csv", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = std::fs::read_to_string(&path) else {
        let is_allowed = std::env::var_os("COSMA_WITHOUT_SHARED").is_some_and(|it| it == "1");
        assert!(is_allowed, "{path} is not there; COSMA_WITHOUT_SHARED=1 skips what needs it");
        eprintln!("skipped: {path} is not there");
        return None;
    };
    Some(table(&text))
}

/// The intervals of a table with the columns id, lower, upper, size and perhaps offset.
fn table(text: &str) -> Vec<Interval> {
    let interval = |line: &str| {
        let fields: Vec<Option<u64>> = line.split(',').skip(1).map(|it| it.parse().ok()).collect();
        let number = |at: usize| fields[at].expect("a number");
        let fixed = fields.get(3).copied().flatten().map(Bytes);
        Interval { fixed, ..Interval::new(number(0) as u32, number(1) as u32, Bytes(number(2))) }
    };
    text.lines().skip(1).map(interval).collect()
}

/// As published, and with time reversed, which a search explores in a different order.
fn packs(name: &str) {
    let Some(intervals) = published(name) else { return };
    let capacity = Bytes(name.rsplit('.').next().and_then(|it| it.parse().ok()).expect("the capacity is in the name"));
    let end = intervals.iter().map(|it| it.end).max().unwrap_or(0);
    let reversed = intervals.iter().map(|it| Interval::new(end - it.end, end - it.start, it.size)).collect();
    for intervals in [intervals, reversed] {
        let Packing::Placed(offsets) = pack(&intervals, capacity, Bytes(1), soon()) else {
            panic!("{name} can be packed");
        };
        assert_eq!(check_packing(&intervals, &offsets, capacity, Bytes(1)), []);
    }
}

#[test]
fn packs_published_problems() {
    ["A", "B", "C", "D", "E", "F"].iter().for_each(|it| packs(&format!("{it}.1048576")));
    packs("nas18.315392");
}

#[test]
fn packs_a_training_step_as_low_as_can_be() {
    let Some(intervals) = published("somas_resnet50") else { return };
    let packing = lowest(&intervals, 1);
    assert_eq!(packing.height, load(&intervals, Bytes(1)));
}

/// The rest of a conflict has no packing, and has one without any of its members.
fn is_irreducible(intervals: &[Interval], capacity: Bytes, alignment: u64, found: &Conflict) -> bool {
    let members = |without: Option<usize>| -> Vec<Interval> {
        let kept = found.intervals.iter().filter(|it| Some(**it) != without);
        kept.map(|it| intervals[*it].clone()).collect()
    };
    let exists = |it: &[Interval]| exists(it, capacity.0, alignment) && !has_misaligned(it, alignment);
    found.irreducible && !exists(&members(None)) && found.intervals.iter().all(|it| exists(&members(Some(*it))))
}

/// Brute force ignores intervals without bytes.
fn has_misaligned(intervals: &[Interval], alignment: u64) -> bool {
    let is_off = |it: &Interval, at: Bytes| !at.0.is_multiple_of(it.alignment.0) || !at.0.is_multiple_of(alignment);
    intervals.iter().any(|it| it.fixed.is_some_and(|at| is_off(it, at)))
}

#[test]
fn conflicts_are_irreducible() {
    let mut random = Random(10);
    let (mut found, mut fragmented, mut alone) = (0, 0, 0);
    for round in 0..3000 {
        let what = match round % 4 {
            0 => PLAIN,
            1 => Draw { alignments: 3, ..PLAIN },
            2 => Draw { fixed: true, gaps: true, ..PLAIN },
            _ => Draw { gaps: true, windows: true, ..PLAIN },
        };
        let alignment = 1 + random.below(2);
        let intervals = if round % 3 == 0 {
            let capacity = 8 + random.below(4);
            draw_full(&mut random, capacity, alignment, 20)
        } else {
            draw(&mut random, 8, what)
        };
        let load = load(&intervals, Bytes(alignment));
        let capacity = load.saturating_sub(Bytes(random.below(2)));
        let conflict = conflict(&intervals, capacity, Bytes(alignment), soon());
        let problem = format!("round {round}, capacity {capacity}, alignment {alignment}: {conflict:?} {intervals:#?}");
        let exists = exists(&intervals, capacity.0, alignment) && !has_misaligned(&intervals, alignment);
        assert_eq!(conflict.is_some(), !exists, "{problem}");
        let Some(conflict) = conflict else { continue };
        assert!(is_irreducible(&intervals, capacity, alignment, &conflict), "{problem}");
        found += 1;
        fragmented += u32::from(load <= capacity);
        alone += u32::from(conflict.intervals.len() == 1);
    }
    println!("{found} conflicts, {fragmented} with room for all, {alone} of one");
    assert!(800 < found && 100 < fragmented && 20 < alone, "{found} {fragmented} {alone}");
}

/// Sizes and lifetimes without common divisors, and far too many for an exact search.
#[test]
fn many_intervals_are_packed_close_to_the_load() {
    let mut random = Random(11);
    let interval = |random: &mut Random| {
        let start = random.below(20_000) as u32;
        Interval::new(start, start + 1 + random.below(200) as u32, Bytes(1 + random.below(1000)))
    };
    let intervals: Vec<Interval> = (0..20_000).map(|_| interval(&mut random)).collect();
    let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(1), Deadline::after(Duration::ZERO)) else {
        panic!("there always is one");
    };
    assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(1)), []);
    assert_eq!(packing.lower_bound, load(&intervals, Bytes(1)));
    assert!(packing.height.0 < packing.lower_bound.0 / 100 * 108, "{} {}", packing.height, packing.lower_bound);
}

#[test]
fn what_others_have_fixed_is_the_ground_for_many() {
    let mut random = Random(12);
    let interval = |random: &mut Random| {
        let start = random.below(5000) as u32;
        Interval::new(start, start + 1 + random.below(100) as u32, Bytes(1 + random.below(1000)))
    };
    let mut intervals: Vec<Interval> = (0..5000).map(|_| interval(&mut random)).collect();
    let soon = || Deadline::after(Duration::ZERO);
    let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(8), soon()) else { panic!("there always is one") };
    for (at, offset) in packing.offsets.iter().enumerate().filter(|it| it.0 % 3 != 0) {
        intervals[at].fixed = Some(*offset);
    }
    let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(8), soon()) else { panic!("there always is one") };
    assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(8)), []);
    // All offsets are fixed; or one is a byte off, and two share it.
    (0..intervals.len()).for_each(|it| intervals[it].fixed = Some(packing.offsets[it]));
    assert_eq!(pack(&intervals, packing.height, Bytes(8), self::soon()), Packing::Placed(packing.offsets.clone()));
    let lowest = pack_lowest(&intervals, Bytes(8), soon());
    assert!(matches!(lowest, Lowest::Placed(it) if it.offsets == packing.offsets));
    intervals[7].fixed = Some(packing.offsets[7] + Bytes(1));
    assert_eq!(pack_lowest(&intervals, Bytes(8), soon()), Lowest::Infeasible);
    let found = conflict(&intervals, packing.height, Bytes(8), self::soon());
    assert_eq!(found, Some(Conflict { intervals: vec![7], irreducible: true }));
}

/// The height if fixed blocks come first, and then the others by size, each as low as possible.
fn first_fit_by_size(intervals: &[Interval]) -> Bytes {
    let mut order: Vec<&Interval> = intervals.iter().collect();
    order.sort_by_key(|it| (it.fixed.is_none(), std::cmp::Reverse(it.size)));
    let mut placed: Vec<(&Interval, u64)> = Vec::new();
    for interval in order {
        let meets = |it: &&(&Interval, u64)| it.0.start < interval.end && interval.start < it.0.end;
        let mut taken: Vec<(u64, u64)> = placed.iter().filter(meets).map(|it| (it.1, it.1 + it.0.size.0)).collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (low, high) in taken {
            if offset + interval.size.0 <= low {
                break;
            }
            offset = offset.max(high);
        }
        placed.push((interval, interval.fixed.map_or(offset, |it| it.0)));
    }
    placed.iter().map(|it| Bytes(it.1) + it.0.size).max().unwrap_or_default()
}

/// The same for intervals with gaps and windows: no piece overlaps a placed one.
fn first_fit_of_pieces(intervals: &[Interval]) -> u64 {
    let mut order: Vec<&Interval> = intervals.iter().filter(|it| !it.is_empty()).collect();
    order.sort_by_key(|it| (it.fixed.is_none(), std::cmp::Reverse(it.size)));
    let mut placed: Vec<(Piece, u64)> = Vec::new();
    let mut height = 0;
    for interval in order {
        let pieces = interval.pieces();
        let is_free = |offset: u64| {
            placed.iter().all(|(its, its_offset)| {
                pieces.iter().all(|mine| {
                    mine.end.min(its.end) <= mine.start.max(its.start)
                        || (offset + mine.high.0).min(its_offset + its.high.0)
                            <= (offset + mine.low.0).max(its_offset + its.low.0)
                })
            })
        };
        let mut offset = interval.fixed.map_or(0, |it| it.0);
        while interval.fixed.is_none() && !is_free(offset) {
            offset += interval.alignment.0;
        }
        placed.extend(pieces.iter().map(|piece| (*piece, offset)));
        height = height.max(offset + interval.size.0);
    }
    height
}

/// With any deadline.
#[test]
fn no_packing_is_worse_than_first_fit_by_size() {
    let mut random = Random(15);
    let (mut n_placed, mut n_above_load) = (0, 0);
    for round in 0..1500 {
        let (has_windows, has_fixed) = (round % 3 == 0, round % 4 == 0);
        let what = Draw { largest: 12, alignments: 3, fixed: has_fixed, gaps: round % 2 == 0, windows: has_windows };
        let intervals = draw(&mut random, 3 + round % 30, what);
        let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(1), Deadline::after(Duration::ZERO)) else {
            assert!(has_fixed, "{intervals:#?}");
            continue;
        };
        assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(1)), [], "{intervals:#?}");
        let simple = first_fit_of_pieces(&intervals);
        assert!(packing.height.0 <= simple, "{} {simple}: {intervals:#?}", packing.height);
        n_placed += 1;
        n_above_load += u32::from(packing.lower_bound.0 < simple);
    }
    assert!(1000 < n_placed && 300 < n_above_load, "{n_placed} placed, {n_above_load} above the load");
}

/// Thousands of blocks that all meet, one in seven fixed; and blocks with a thousand windows each. Any step that visits
/// all of them, or all pieces, without checking the time would take minutes.
#[test]
fn tables_that_are_hard_are_packed_out_of_time() {
    let mut random = Random(16);
    let mut end = 0;
    let fixed = (0..4400_u32).map(|at| {
        let (start, size) = (random.below(2200) as u32, 1 + random.below(2000));
        let mut interval = Interval::new(start, 2300 + random.below(2000) as u32, Bytes(size));
        if at.is_multiple_of(7) {
            interval.fixed = Some(Bytes(end));
            end += size + random.below(9000);
        }
        interval
    });
    let fixed: Vec<Interval> = fixed.collect();
    let windows = (0..390).map(|_| {
        let (start, size) = (random.below(500) as u32, 1000 + random.below(100_000));
        let gap = |at: u32| {
            let low = random.below(size / 2);
            let window = Some((Bytes(low), Bytes(low + 1 + random.below(size - low))));
            Gap { start: start + 2 * at, end: start + 2 * at + 1, window }
        };
        Interval { gaps: (0..1000).map(gap).collect(), ..Interval::new(start, start + 2001, Bytes(size)) }
    });
    let windows: Vec<Interval> = windows.collect();
    for intervals in [fixed, windows] {
        let now = || Deadline::after(Duration::ZERO);
        let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(1), now()) else {
            panic!("there is a packing");
        };
        assert_eq!(packing.lower_bound, load(&intervals, Bytes(1)));
        let all: Bytes = intervals.iter().map(|it| it.size).sum();
        assert!(packing.lower_bound <= packing.height && packing.height <= all + Bytes(end));
        let less = packing.lower_bound.saturating_sub(Bytes(1));
        assert_eq!(pack(&intervals, less, Bytes(1), now()), Packing::Infeasible);
        assert_ne!(pack(&intervals, packing.height, Bytes(1), now()), Packing::Infeasible);
    }
}

/// Intervals that fill a memory completely, made by repeated cuts; one of this many is fixed.
fn draw_perfect(random: &mut Random, count: usize, height: u64, n_steps: u64, fixed: u64) -> Vec<Interval> {
    let mut boxes = vec![(0, n_steps, 0, height)];
    while boxes.len() < count {
        // The largest is cut next, so that none is tiny.
        let (at, _) = boxes.iter().enumerate().max_by_key(|it| (it.1.1 - it.1.0) * (it.1.3 - it.1.2)).expect("one");
        let (start, end, low, high) = boxes.swap_remove(at);
        let mut between = |from: u64, to: u64| from + 1 + (to - from) / 4 + random.below((to - from) / 2 - 1);
        if 4 <= end - start && (high - low) / height.div_ceil(n_steps) <= end - start {
            let step = between(start, end);
            boxes.extend([(start, step, low, high), (step, end, low, high)]);
        } else {
            let byte = between(low, high);
            boxes.extend([(start, end, low, byte), (start, end, byte, high)]);
        }
    }
    let mut interval = |(start, end, low, high): (u64, u64, u64, u64)| Interval {
        fixed: (random.below(fixed) == 0).then_some(Bytes(low)),
        ..Interval::new(start as u32, end as u32, Bytes(high - low))
    };
    boxes.into_iter().map(&mut interval).collect()
}

#[test]
fn what_is_fixed_never_makes_it_worse_than_first_fit() {
    let mut random = Random(14);
    for (count, fixed) in [(30, 3), (100, 5), (300, 5), (300, 2), (1000, 20), (1000, 3)] {
        let intervals = draw_perfect(&mut random, count, 1_000_000, 400, fixed);
        let simple = first_fit_by_size(&intervals);
        let Lowest::Placed(packing) = pack_lowest(&intervals, Bytes(1), Deadline::after(Duration::ZERO)) else {
            panic!("there is a packing");
        };
        assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(1)), []);
        assert_eq!(packing.lower_bound, Bytes(1_000_000));
        println!("{count} intervals, one of {fixed} fixed: {} instead of {simple}", packing.height);
        assert!(packing.height <= simple, "{count} {fixed}: {} {simple}", packing.height);
    }
}

/// A perfect packing of 1,000,000 bytes exists, and a fifth of its offsets are fixed.
#[test]
fn a_perfect_packing_is_found_where_a_fifth_is_fixed() {
    let intervals = table(include_str!("data/fixed_offsets_300.csv"));
    assert_eq!(first_fit_by_size(&intervals), Bytes(1_472_087));
    let packing = lowest(&intervals, 1);
    assert_eq!(check_packing(&intervals, &packing.offsets, packing.height, Bytes(1)), []);
    assert_eq!((packing.height, packing.lower_bound), (Bytes(1_000_000), Bytes(1_000_000)));
    let Packing::Placed(offsets) = pack(&intervals, Bytes(1_200_000), Bytes(1), soon()) else {
        panic!("less would do");
    };
    assert_eq!(check_packing(&intervals, &offsets, Bytes(1_200_000), Bytes(1)), []);
}

/// Blocks that all end up at the bottom, or that all have space in any case: comparing each with all others would take
/// minutes.
#[test]
fn a_hundred_thousand_easy_blocks_are_not_compared_with_each_other() {
    let n = 100_000;
    let nested: Vec<Interval> = (0..n).map(|it| Interval::new(it, 2 * n - it, Bytes(1 + u64::from(it % 7)))).collect();
    let alike: Vec<Interval> = (0..n).map(|it| Interval::new(0, 9, Bytes(1 + u64::from(it % 7)))).collect();
    let short = (0..n).map(|it| Interval::new(it, it + 1, Bytes(1 + u64::from(it % 7))));
    let long = [Interval::new(0, n - 1, Bytes(5)), Interval::new(1, n, Bytes(5))];
    let beside: Vec<Interval> = short.chain(long).collect();
    for intervals in [nested, alike, beside] {
        let load = load(&intervals, Bytes(1));
        let Packing::Placed(offsets) = pack(&intervals, load + Bytes(9), Bytes(1), soon()) else {
            panic!("it is easy");
        };
        assert!(intervals.iter().zip(offsets).all(|it| it.0.size + it.1 <= load + Bytes(9)));
    }
}

#[test]
fn the_outcome_does_not_depend_on_the_number_of_cores() {
    let mut random = Random(13);
    let cores = |count| rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("there are threads");
    let (one, three) = (cores(1), cores(3));
    for _ in 0..40 {
        let intervals = draw_full(&mut random, 14, 1, 60);
        let run = || pack(&intervals, Bytes(14), Bytes(1), soon());
        assert_eq!(one.install(run), three.install(run), "{intervals:#?}");
    }
}

/// Numbers of any size, all of them valid input.
fn any_interval() -> impl Strategy<Value = Interval> {
    let number = || prop_oneof![0..9_u64, any::<u64>(), (0..64_u32).prop_map(|it| 1 << it)];
    let step = || prop_oneof![4 => 0..9_u32, 1 => any::<u32>()];
    let bytes = move || number().prop_map(Bytes);
    let window = proptest::option::of((bytes(), bytes()));
    let gap = (step(), step(), window).prop_map(|(start, end, window)| Gap { start, end, window });
    let gaps = proptest::collection::vec(gap, 0..3);
    (step(), step(), bytes(), bytes(), proptest::option::weighted(0.3, bytes()), gaps)
        .prop_map(|(start, end, size, alignment, fixed, gaps)| Interval { start, end, size, alignment, fixed, gaps })
}

proptest! {
    #![proptest_config(common::config(200))]

    #[test]
    fn nothing_makes_it_panic(
        intervals in proptest::collection::vec(any_interval(), 0..7),
        capacity in prop_oneof![0..20_u64, any::<u64>()],
        alignment in prop_oneof![0..9_u64, any::<u64>()],
    ) {
        let (capacity, alignment) = (Bytes(capacity), Bytes(alignment));
        let soon = || Deadline::after(Duration::from_millis(20));
        // An alignment of zero counts as one.
        let checked: Vec<Interval> = intervals
            .iter()
            .map(|it| Interval { alignment: it.alignment.max(Bytes(1)), ..it.clone() })
            .collect();
        let one = alignment.max(Bytes(1));
        if let Packing::Placed(offsets) = pack(&intervals, capacity, alignment, soon()) {
            prop_assert_eq!(check_packing(&checked, &offsets, capacity, one), []);
        }
        if let Lowest::Placed(packing) = pack_lowest(&intervals, alignment, soon()) {
            prop_assert_eq!(check_packing(&checked, &packing.offsets, packing.height, one), []);
            prop_assert!(packing.lower_bound <= packing.height);
        }
        let _ = conflict(&intervals, capacity, alignment, soon());
    }
}

/// A growing block, as in a chain of concatenations, and two simultaneous parts.
#[test]
fn a_block_of_parts() {
    let part = |start, end, low, high| Piece { start, end, low: Bytes(low), high: Bytes(high) };
    let parts = vec![part(0, 2, 0, 2), part(1, 3, 4, 5), part(2, 3, 0, 4), part(3, 4, 0, 6), part(3, 3, 0, 9)];
    let interval = Interval::of_parts(Bytes(6), parts);
    let expected = [part(0, 1, 0, 2), part(1, 2, 0, 2), part(1, 2, 4, 5), part(2, 3, 0, 5), part(3, 4, 0, 6)];
    assert_eq!(interval.pieces(), expected);
    // Between the two parts of step 1 there is space for two bytes.
    let other = Interval::new(1, 2, Bytes(2));
    let Packing::Placed(offsets) = pack(&[interval.clone(), other.clone()], Bytes(6), Bytes(1), soon()) else {
        panic!("it fits");
    };
    assert_eq!(offsets, [Bytes(0), Bytes(2)]);
    let larger = Interval::new(1, 2, Bytes(3));
    assert_eq!(pack(&[interval, larger], Bytes(6), Bytes(1), soon()), Packing::Infeasible);
    assert_eq!(Interval::of_parts(Bytes(6), Vec::new()).pieces(), []);
}
