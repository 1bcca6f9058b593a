//! Machines of several memories: every program is right, none costs less than the bound, and what memories without room or
//! without end come to.

use cosma_planner::testing::{
    Choices, Shape, clocked, compute, in_tiers, interpret, least_tiered_cost, random_problem,
};
use cosma_planner::tiers::{TieredPlan, first_come, plan_in_tiers, seen_from_scratchpad};
use cosma_planner::time::{simulate, without_overlap};
use cosma_planner::{
    Bytes, Link, Machine, Memory, MemoryId, Objective, Options, Problem, Traffic, check, plan, program_text,
};
use std::time::Duration;

/// More of them: `COSMA_TIERS=5000`.
fn n_cases() -> u64 {
    std::env::var("COSMA_TIERS").ok().and_then(|it| it.parse().ok()).unwrap_or(120)
}

fn options() -> Options {
    Options { time_limit: Duration::from_secs(20), ..Options::default() }
}

fn random(shape: Shape, seed: u64) -> Problem {
    let bytes: Vec<u8> =
        (0..1024_u64).flat_map(|it| (seed * 7919 + it).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect();
    let problem = random_problem(shape, &mut Choices::new(&bytes));
    let bytes: Vec<u8> = bytes.into_iter().rev().collect();
    in_tiers(&problem, &mut Choices::new(&bytes))
}

/// What is shown of a program is one, too.
fn expect_right_from_scratchpad(problem: &Problem, planned: &TieredPlan) {
    let (inner, actions) = seen_from_scratchpad(problem, &planned.actions);
    let text = || program_text(&inner, &actions).join("\n");
    check(&inner, &actions).unwrap_or_else(|faults| panic!("{faults:?}\n{problem}\n{}", text()));
}

/// The plan is right, and costs what it says.
fn expect_right(problem: &Problem, planned: &TieredPlan) {
    let text = || format!("{problem}\n{}", program_text(problem, &planned.actions).join("\n"));
    let traffic = check(problem, &planned.actions).unwrap_or_else(|faults| panic!("{faults:?}\n{}", text()));
    assert_eq!(traffic, planned.traffic, "{}", text());
    assert_eq!(interpret(problem, &planned.actions), Ok(compute(problem)), "{}", text());
    assert!(planned.lower_bound <= traffic.cost, "{} < {}\n{}", traffic.cost, planned.lower_bound, text());
}

#[test]
fn programs_are_right_whatever_lies_between() {
    for seed in 0..n_cases() {
        for shape in [Shape::SMALL, Shape::LARGE] {
            let problem = random(shape, seed);
            let planned = plan_in_tiers(&problem, &options()).unwrap_or_else(|error| panic!("{error}\n{problem}"));
            expect_right(&problem, &planned);
            expect_right_from_scratchpad(&problem, &planned);
        }
    }
}

#[test]
fn copies_go_on_beside_operators() {
    let (mut n_faster, mut n_slower_than_bound, mut n_faster_at_a_cost) = (0, 0, 0);
    for seed in 0..n_cases() {
        for shape in [Shape::SMALL, Shape::LARGE] {
            let problem = random(shape, seed);
            let machine = clocked(&problem.machine, &mut Choices::new(&seed.to_le_bytes().repeat(30)));
            let clocked = Problem { graph: problem.graph.clone(), machine };
            let planned = plan_in_tiers(&clocked, &options()).unwrap_or_else(|error| panic!("{error}\n{clocked}"));
            expect_right(&clocked, &planned);
            let text = || format!("{clocked}\n{}", program_text(&clocked, &planned.actions).join("\n"));
            let makespan = simulate(&clocked, &planned.actions).expect("it can be counted").makespan;
            assert_eq!(planned.timeline.as_ref().map(|it| it.makespan), Some(makespan), "{}", text());
            let one_by_one =
                simulate(&clocked, &without_overlap(&planned.actions)).expect("it can be counted").makespan;
            let least = planned.least_cycles.expect("there is a clock").cycles;
            assert!(least <= makespan && makespan <= one_by_one, "{least} {makespan} {one_by_one}\n{}", text());
            n_faster += u32::from(makespan < one_by_one);
            n_slower_than_bound += u32::from(least < makespan);
            let fast = Options { objective: Objective::Latency, ..options() };
            let fast = plan_in_tiers(&clocked, &fast).expect("there is a plan");
            expect_right(&clocked, &fast);
            let fastest = fast.timeline.expect("there is a clock").makespan;
            assert!(least <= fastest && fastest <= makespan, "{least} {fastest} {makespan}\n{}", text());
            assert!(fast.cheapest <= fast.traffic.cost && planned.cheapest == planned.traffic.cost, "{}", text());
            n_faster_at_a_cost += u32::from(fastest < makespan);
        }
    }
    println!(
        "{n_faster} faster than without overlap, {n_slower_than_bound} slower than the bound, {n_faster_at_a_cost} faster at \
         a cost"
    );
    assert!(n_cases() < n_faster.into(), "{n_faster}");
}

/// A slow way past the l2, which is free while the scratchpad is full: the weight comes there during `wide`.
const PAST: &str = "\
memory dram
memory l1 512 alignment 64
memory l2 256 alignment 16
channel far
channel near
link dram l1 price 8 rate 1 on far
link l1 dram price 8 rate 1 on far
link dram l2 price 8 rate 1 on far
link l2 dram price 8 rate 1 on far
link l2 l1 price 1 rate 8 on near
link l1 l2 price 1 rate 8 on near
argument x 64
weight w 128
op wide: x -> a 448 cycles 200
op narrow: a -> b 64 cycles 200
op join: b w -> c 64 cycles 100
return c
";

#[test]
fn what_is_needed_later_comes_to_a_memory_halfway() {
    let problem: Problem = PAST.parse().expect("a problem");
    let time = |planned: &TieredPlan| planned.timeline.as_ref().map(|timeline| timeline.makespan.0);
    let cheap = plan_in_tiers(&problem, &options()).expect("there is a plan");
    expect_right(&problem, &cheap);
    // 64 for x, 500 for the operators, 128 for w after `narrow`'s operand is gone, 64 for c.
    assert_eq!((cheap.traffic.cost, time(&cheap)), (8 * 256, Some(756)), "{:?}", cheap.actions);
    let fast = plan_in_tiers(&problem, &Options { objective: Objective::Latency, ..options() }).expect("a plan");
    expect_right(&problem, &fast);
    // Now only the 16 from the l2.
    let costs = (fast.cheapest, fast.traffic.cost);
    assert_eq!((costs, time(&fast)), ((8 * 256, 8 * 256 + 128), Some(644)), "{:?}", fast.actions);
}

#[test]
fn no_program_of_any_kind_costs_less_than_the_bound() {
    let (mut n_compared, mut n_best, mut n_proven) = (0, 0, 0);
    for seed in 0..4 * n_cases() {
        let problem = random(Shape { ops: 4, units: 3 }, seed);
        let Some(least) = least_tiered_cost(&problem) else { continue };
        let planned = plan_in_tiers(&problem, &options()).unwrap_or_else(|error| panic!("{error}\n{problem}"));
        expect_right(&problem, &planned);
        let text = || format!("{problem}\n{}", program_text(&problem, &planned.actions).join("\n"));
        assert!(planned.lower_bound <= least, "{} > {least}\n{}", planned.lower_bound, text());
        assert!(least <= planned.traffic.cost, "{least} > {}\n{}", planned.traffic.cost, text());
        n_compared += 1;
        n_best += u32::from(planned.traffic.cost == least);
        n_proven += u32::from(planned.is_optimal());
    }
    println!("{n_compared} compared, {n_best} of least cost, {n_proven} proven");
    // Memories of random sizes at random prices are harder than those of machines.
    assert!(n_compared < 2 * n_best && 2 * n_compared < 5 * n_proven, "{n_compared} {n_best} {n_proven}");
}

/// A problem on a machine with a memory of this size between the scratchpad and home.
fn with_l2(problem: &Problem, size: Option<u64>) -> Problem {
    let [home, scratchpad] = [0, 1].map(|it: usize| problem.machine.memories()[it].clone());
    let l2 =
        Memory { name: "l2".into(), size: size.map(Bytes), alignment: Bytes(1), reserved: Vec::new(), banks: None };
    let links = [(0, 1, 10), (1, 0, 10), (0, 2, 10), (2, 0, 10), (1, 2, 1), (2, 1, 1)];
    let links = links.map(|(from, to, price)| Link { from: MemoryId(from), to: MemoryId(to), price });
    let machine = Machine::new(vec![home, scratchpad, l2], links.to_vec()).expect("a machine");
    Problem { graph: problem.graph.clone(), machine }
}

fn plain(seed: u64) -> Problem {
    let bytes: Vec<u8> =
        (0..1024_u64).flat_map(|it| (seed * 104_729 + it).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_le_bytes()).collect();
    random_problem(Shape::SMALL, &mut Choices::new(&bytes))
}

#[test]
fn a_memory_without_room_changes_nothing() {
    for seed in 0..n_cases() {
        let problem = plain(seed);
        let solution = plan(&problem, &options()).expect("a plan");
        let planned = plan_in_tiers(&with_l2(&problem, Some(0)), &options()).expect("a plan");
        assert_eq!(planned.actions, solution.plan.actions(&problem), "{problem}");
        assert_eq!(planned.is_optimal(), solution.is_optimal(), "{problem}");
    }
}

#[test]
fn a_memory_without_end_leaves_only_what_is_compulsory() {
    for seed in 0..n_cases() {
        let problem = with_l2(&plain(seed), None);
        // Parts of a staged tensor are in host memory at once, and come from there again.
        if problem.graph.tensor_ids().any(|tensor| problem.graph.is_part(tensor)) {
            continue;
        }
        let planned = plan_in_tiers(&problem, &options()).expect("a plan");
        expect_right(&problem, &planned);
        let inner = Problem { graph: problem.graph.clone(), machine: Machine::with_host(Bytes(0), Bytes(1)) };
        assert_eq!(planned.traffic.non_compulsory, inner.restreamed(), "{problem}");
    }
}

#[test]
fn foresight_never_costs_more() {
    for seed in 0..n_cases() {
        let problem = random(Shape::SMALL, seed);
        let planned = plan_in_tiers(&problem, &options()).expect("a plan");
        let greedy = first_come(&problem, &planned.plan).expect("a program");
        check(&problem, &greedy).unwrap_or_else(|faults| panic!("{faults:?}\n{problem}"));
        assert!(planned.traffic.cost <= Traffic::of(&problem, &greedy).cost, "{problem}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let text = |links: &str| {
        format!(
            "memory dram alignment 1\nmemory l1 256 alignment 64\nmemory l2 100 alignment 1\n{links}\
             argument x 128\nop f: x -> y 64\nreturn y\n"
        )
    };
    let error = |links: &str| {
        let problem: Problem = text(links).parse().expect("a problem");
        plan_in_tiers(&problem, &options()).expect_err("it cannot be planned").to_string()
    };
    let no_way = error("link l1 dram price 1\nlink l2 l1 price 1\n");
    assert!(no_way.contains("no links lead from dram to l1"), "{no_way}");
    let too_small = error("link dram l2 price 1\nlink l2 l1 price 1\nlink l1 l2 price 1\nlink l2 dram price 1\n");
    assert!(too_small.contains("x of 128 B") && too_small.contains("28 B too few"), "{too_small}");
}
