//! Properties of every planner, and of the oracles, on random problems.

mod common;

use common::*;
use cosma_planner::testing::{
    Answer, Choices, Shape, compute, damage, interpret, interpret_with, joint_optimum, outline_optimum, overlap,
    parse_program,
};
use cosma_planner::{
    Action, Bytes, Copy, Error, GraphBuilder, MemoryId, OpId, Options, Order, Origin, Place, Problem, Slot, Solver,
    TensorId, Traffic, Use, check, greedy_plan, plan, program_text,
};
use proptest::prelude::*;

#[test]
fn every_plan_is_right() {
    let (spilling, exact, in_place) = (Tally::default(), Tally::default(), Tally::default());
    let (parts, edges, staged) = (Tally::default(), Tally::default(), Tally::default());
    for (shape, n_cases) in [(Shape::SMALL, 300), (Shape::LARGE, 25)] {
        hold(n_cases, shape, |Case { problem, .. }| {
            exact.count(problem.machine.scratchpad() == problem.min_scratchpad());
            edges.count(!problem.graph.edges().is_empty());
            staged.count(has_staged(problem));
            for (name, planner) in planners() {
                let plan = planner(problem).expect("there is a plan");
                let actions = plan.actions(problem);
                let traffic = match verdict(problem, &plan) {
                    Ok(traffic) => traffic,
                    Err(error) => return Err(TestCaseError::fail(format!("{name}: {error}"))),
                };
                // All counts of traffic agree.
                prop_assert_eq!(traffic, Traffic::of(problem, &actions), "{}", name);
                prop_assert_eq!(traffic.compulsory, problem.compulsory(), "{}", name);
                prop_assert_eq!(traffic.non_compulsory, outline_of(&plan).non_compulsory(problem), "{}", name);
                prop_assert!(plan.height(problem) <= problem.machine.scratchpad(), "{}", name);
                prop_assert!(plan.peak(problem) <= plan.height(problem), "{}", name);
                prop_assert!(outline_of(&plan).peak(problem) <= plan.peak(problem), "{}", name);
                // Same input, same output.
                prop_assert_eq!(&planner(problem).expect("as before"), &plan, "{}", name);
                // A program that the judge accepts computes the right bytes.
                prop_assert_eq!(interpret(problem, &actions), Ok(compute(problem)), "{}", name);
                spilling.count(problem.restreamed() < traffic.non_compulsory);
                in_place.count(shares_bytes(problem, &actions, false));
                parts.count(shares_bytes(problem, &actions, true));
            }
            Ok(())
        });
    }
    spilling.expect(200);
    exact.expect(150);
    in_place.expect(300);
    parts.expect(300);
    edges.expect(40);
    staged.expect(40);
}

/// Whether some tensor is staged.
fn has_staged(problem: &Problem) -> bool {
    problem.graph.tensors().iter().any(|it| it.origin == Origin::Staged)
}

#[test]
fn every_outline_is_right() {
    for (shape, n_cases) in [(Shape::SMALL, 300), (Shape::LARGE, 25)] {
        hold(n_cases, shape, |Case { problem, .. }| {
            for (name, outliner) in outliners() {
                let outline = outliner(problem);
                match outline_verdict(problem, &outline) {
                    Ok(traffic) => prop_assert_eq!(traffic.non_compulsory, outline.non_compulsory(problem)),
                    Err(error) => return Err(TestCaseError::fail(format!("{name}: {error}"))),
                }
            }
            Ok(())
        });
    }
}

#[test]
fn no_plan_beats_the_optimum() {
    let (spilling, reached) = (Tally::default(), Tally::default());
    hold(400, Shape::SMALL, |Case { problem, .. }| {
        let optimum = outline_optimum(problem).expect("each operator fits");
        spilling.count(problem.restreamed() < optimum);
        for (name, outliner) in outliners() {
            let outline = outliner(problem);
            prop_assert!(optimum <= outline.non_compulsory(problem), "{}", name);
            reached.count(problem.restreamed() < optimum && optimum == outline.non_compulsory(problem));
        }
        for (name, planner) in planners() {
            let plan = planner(problem).expect("there is a plan");
            prop_assert!(optimum <= outline_of(&plan).non_compulsory(problem), "{}", name);
        }
        Ok(())
    });
    spilling.expect(60);
    reached.expect(5);
}

#[test]
fn no_plan_beats_the_optimum_with_addresses() {
    let (fragmented, proven) = (Tally::default(), Tally::default());
    hold(600, Shape::TINY, |Case { problem, .. }| {
        // Otherwise there are too many addresses to try them all.
        if 8 < problem.machine.scratchpad().0.div_ceil(problem.machine.alignment().0) {
            return Ok(());
        }
        let (outline, joint) = (outline_optimum(problem).unwrap(), joint_optimum(problem).unwrap());
        prop_assert!(outline <= joint);
        fragmented.count(outline < joint);
        for (name, planner) in planners() {
            let plan = planner(problem).expect("there is a plan");
            prop_assert!(joint <= outline_of(&plan).non_compulsory(problem), "{}", name);
        }
        for solver in [Solver::Auto, Solver::Search] {
            let solution = plan(problem, &Options { solver, ..Options::default() }).expect("there is a plan");
            prop_assert!(solution.lower_bound <= joint, "{:?}", solver);
            prop_assert!(joint <= solution.non_compulsory, "{:?}", solver);
            prop_assert!(!solution.is_optimal() || solution.non_compulsory == joint, "{:?}", solver);
            // Solvers that decide everything at once do so where it matters.
            if solver == Solver::Auto && cfg!(feature = "ilp") {
                prop_assert!(solution.is_optimal());
            }
            proven.count(solution.is_optimal());
        }
        Ok(())
    });
    fragmented.expect(5);
    proven.expect(200);
}

/// Whether a result and an operand share bytes: entirely, or as a part of one another.
fn shares_bytes(problem: &Problem, actions: &[Action], as_part: bool) -> bool {
    let size = |it: &Slot| problem.graph.tensor(it.tensor).size;
    let overlap = |a: &Slot, b: &Slot| a.offset().max(b.offset()) < (a.offset() + size(a)).min(b.offset() + size(b));
    actions.iter().any(|action| match action {
        Action::Run { reads, writes, .. } => writes.iter().any(|write| {
            let mut over = reads.iter().filter(|it| it.place.memory == write.place.memory && overlap(write, it));
            over.any(|it| (size(it) != size(write)) == as_part)
        }),
        _ => false,
    })
}

/// A result that may share bytes need not: without sharing, nothing costs less, and sometimes there is no plan at all.
#[test]
fn places_to_share_never_cost_anything() {
    let (cheaper, smaller) = (Tally::default(), Tally::default());
    hold(600, Shape::SMALL, |Case { problem, .. }| {
        let apart = rebuilt(problem, false, false);
        prop_assert!(problem.min_scratchpad() <= apart.min_scratchpad());
        let optimum = outline_optimum(problem).expect("each operator fits");
        match outline_optimum(&apart) {
            Ok(without) => {
                prop_assert!(optimum <= without);
                cheaper.count(optimum < without);
            }
            Err(_) => smaller.count(true),
        }
        Ok(())
    });
    cheaper.expect(8);
    smaller.expect(20);
}

/// The same problem in source order, by edges.
fn in_source_order(problem: &Problem) -> Problem {
    rebuilt(problem, true, true)
}

/// The same problem, with or without edges from each operator to the next, and with or without sharing of bytes.
fn rebuilt(problem: &Problem, in_order: bool, in_place: bool) -> Problem {
    let graph = &problem.graph;
    let mut builder = GraphBuilder::new();
    let mut new: Vec<Option<TensorId>> = vec![None; graph.tensors().len()];
    let is_argument = |it: TensorId| matches!(graph.tensor(it).origin, Origin::Argument | Origin::Weight);
    for id in graph.tensor_ids().filter(|it| is_argument(*it)) {
        let tensor = graph.tensor(id);
        new[id.index()] = Some(match tensor.origin {
            Origin::Weight => builder.weight(&tensor.name, tensor.size),
            _ => builder.argument(&tensor.name, tensor.size),
        });
    }
    for op in graph.ops() {
        for staged in op.reads.iter().map(|it| it.tensor).filter(|it| !graph.parts(*it).is_empty()) {
            let parts: Vec<TensorId> = graph.parts(staged).iter().filter_map(|it| new[it.index()]).collect();
            let tensor = graph.tensor(staged);
            new[staged.index()].get_or_insert_with(|| builder.staged(&tensor.name, tensor.size, &parts));
        }
        let here = |it: &Use| Some(Use { tensor: new[it.tensor.index()]?, from: it.from });
        let reads: Vec<Use> = op.reads.iter().filter_map(here).collect();
        let writes = op.writes.iter().map(|it| (graph.tensor(*it).name.clone(), graph.tensor(*it).size));
        let written = builder.op_with_uses(&op.name, &reads, writes, op.workspace);
        op.writes.iter().zip(&written).for_each(|(old, id)| new[old.index()] = Some(*id));
        for pair in op.in_place.iter().filter(|_| in_place) {
            let (result, operand) = (new[pair.result.index()], new[pair.operand.index()]);
            builder.in_place_at(result.expect("written"), operand.expect("read"), pair.at());
        }
    }
    graph.edges().iter().for_each(|(before, after)| builder.order(*before, *after));
    if in_order {
        graph.op_ids().zip(graph.op_ids().skip(1)).for_each(|(before, after)| builder.order(before, after));
    }
    graph.results().iter().filter_map(|it| new[it.index()]).for_each(|it| builder.result(it));
    Problem { graph: builder.build().expect("no larger"), machine: problem.machine.clone() }
}

/// Every solver proves the optimum of enumeration, in every order; if addresses cost traffic, no solver claims too
/// much.
#[test]
fn every_solver_finds_the_optimum() {
    let (spilling, optimal, staged) = (Tally::default(), Tally::default(), Tally::default());
    let solvers = [Solver::Search, Solver::Auto, Solver::Ilp];
    hold(40, Shape::SMALL, |Case { problem, .. }| {
        staged.count(has_staged(problem));
        for order in [Order::Free, Order::Source] {
            let optimum = match order {
                Order::Free => outline_optimum(problem).expect("each operator fits"),
                Order::Source => outline_optimum(&in_source_order(problem)).expect("each operator fits"),
            };
            spilling.count(problem.restreamed() < optimum);
            for solver in solvers.into_iter().filter(|it| cfg!(feature = "ilp") || *it != Solver::Ilp) {
                let solution = plan(problem, &Options { solver, order, ..Options::default() });
                let solution = solution.expect("there is a plan");
                if let Err(error) = verdict(problem, &solution.plan) {
                    return Err(TestCaseError::fail(format!("{solver:?} {order:?}: {error}")));
                }
                let outline = solution.non_compulsory.saturating_sub(solution.fragmentation);
                prop_assert_eq!(outline, optimum, "{:?} {:?}", solver, order);
                prop_assert!(optimum <= solution.lower_bound, "{:?} {:?}", solver, order);
                prop_assert!(solution.lower_bound <= solution.non_compulsory, "{:?} {:?}", solver, order);
                prop_assert!(order == Order::Free || is_in_source_order(&solution.plan.order));
                optimal.count(solution.is_optimal());
            }
        }
        Ok(())
    });
    spilling.expect(10);
    optimal.expect(150);
    staged.expect(4);
}

fn is_in_source_order(order: &[OpId]) -> bool {
    order.is_sorted()
}

#[test]
fn more_memory_never_costs_the_optimum() {
    let cheaper = Tally::default();
    hold(300, Shape::SMALL, |Case { problem, bytes }| {
        let optimum = outline_optimum(problem).unwrap();
        let mut more = problem.clone();
        let spare = Bytes(Choices::new(bytes).below(4 * problem.machine.alignment().0));
        more.machine.set_scratchpad(problem.machine.scratchpad() + spare);
        let optimum_with_more = outline_optimum(&more).unwrap();
        prop_assert!(optimum_with_more <= optimum);
        cheaper.count(optimum_with_more < optimum);
        more.machine.set_scratchpad(Bytes(1 << 40));
        prop_assert_eq!(outline_optimum(&more), Ok(problem.restreamed()));
        Ok(())
    });
    cheaper.expect(20);
}

#[test]
fn less_than_the_least_scratchpad_is_refused() {
    let below = Tally::default();
    hold(100, Shape::SMALL, |Case { problem, .. }| {
        let least = problem.least_scratchpad(Order::Free);
        prop_assert!(least.size <= problem.least_scratchpad(Order::Source).size);
        prop_assert!(problem.least_scratchpad(Order::Source).size <= problem.min_scratchpad());
        if least.size == Bytes::ZERO {
            return Ok(());
        }
        let mut tight = problem.clone();
        tight.machine.set_scratchpad(least.size - Bytes(1));
        for (name, planner) in planners() {
            let refusal = planner(&tight).expect_err("no order fits");
            let Error::ScratchpadTooSmall { op, needed, scratchpad, .. } = refusal else {
                return Err(TestCaseError::fail(format!("{name}: {refusal}")));
            };
            prop_assert_eq!(scratchpad, tight.machine.scratchpad());
            prop_assert!(scratchpad < needed && needed <= problem.working_set(op));
        }
        below.count(least.size < problem.min_scratchpad());
        if least.is_exact {
            tight.machine.set_scratchpad(least.size);
            let plan = plan(&tight, &Options { state_limit: 500, ..Options::default() }).expect("some order fits").plan;
            prop_assert!(check(&tight, &plan.actions(&tight)).is_ok());
        }
        Ok(())
    });
    below.expect(5);
}

#[test]
fn text_round_trips() {
    hold(200, Shape::LARGE, |Case { problem, .. }| {
        prop_assert_eq!(&problem.to_string().parse::<Problem>().expect("it parses"), problem);
        let actions = greedy_plan(problem).expect("there is a plan").actions(problem);
        let lines = program_text(problem, &actions);
        let mut read = parse_program(problem, &lines.join("\n")).expect("it parses");
        // The offset of an absent workspace is meaningless and not printed.
        for (read, action) in read.iter_mut().zip(&actions) {
            if let (Action::Run { op, workspace, .. }, Action::Run { workspace: own, .. }) = (read, action)
                && problem.graph.op(*op).workspace == Bytes::ZERO
            {
                *workspace = *own;
            }
        }
        prop_assert_eq!(read, actions);
        Ok(())
    });
}

/// The judge finds all mutations that change the bytes. It may or may not find others: a needless transfer, or an
/// overlap with an unread tensor.
#[test]
fn the_judge_finds_what_shows() {
    let (shown, found, believed) = (Tally::default(), Tally::default(), Tally::default());
    for (shape, n_cases) in [(Shape::SMALL, 4000), (Shape::LARGE, 1000)] {
        hold(n_cases, shape, |Case { problem, bytes }| {
            for (name, planner) in quick_planners() {
                let mut actions = planner(problem).expect("there is a plan").actions(problem);
                damage(problem, &mut actions, &mut Choices::new(bytes));
                let shows = interpret(problem, &actions) != Ok(compute(problem));
                let is_found = check(problem, &actions).is_err();
                if shows && !is_found {
                    let lines = program_text(problem, &actions);
                    return Err(TestCaseError::fail(format!("{name}: believed\n{}", lines.join("\n"))));
                }
                shown.count(shows);
                found.count(is_found);
                believed.count(!is_found);
            }
            Ok(())
        });
    }
    shown.expect(1500);
    found.expect(shown.0.get() + 500);
    believed.expect(100);
}

/// Asynchronous copies: a program that the judge accepts is correct whether copies are performed at once or at the last
/// moment, and many programs that are only accidentally correct, or wrong, are found.
#[test]
fn what_is_right_is_right_however_long_copies_take() {
    let (believed, shown, found) = (Tally::default(), Tally::default(), Tally::default());
    for (shape, n_cases) in [(Shape::SMALL, 2000), (Shape::LARGE, 500)] {
        hold(n_cases, shape, |Case { problem, bytes }| {
            let mut choices = Choices::new(bytes);
            let mut actions = greedy_plan(problem).expect("there is a plan").actions(problem);
            overlap(&mut actions, &mut choices);
            if choices.chance(30) {
                damage(problem, &mut actions, &mut choices);
            }
            let is_right = |answer| interpret_with(problem, &actions, answer) == Ok(compute(problem));
            let is_shown = !is_right(Answer::AtIssue) || !is_right(Answer::AtWait);
            let is_found = check(problem, &actions).is_err();
            prop_assert!(is_found || !is_shown, "believed\n{}", program_text(problem, &actions).join("\n"));
            let takes_time = actions.iter().any(|it| matches!(it, Action::Issue(_)));
            believed.count(takes_time && !is_found);
            shown.count(is_shown);
            found.count(is_found);
            let text = program_text(problem, &actions).join("\n");
            let read = parse_program(problem, &text).map(|it| program_text(problem, &it).join("\n"));
            prop_assert_eq!(read, Ok(text));
            Ok(())
        });
    }
    believed.expect(150);
    shown.expect(100);
    found.expect(300);
}

/// Any program gets a verdict.
#[test]
fn the_judge_never_panics() {
    hold(500, Shape::SMALL, |Case { problem, bytes }| {
        let mut choices = Choices::new(bytes);
        let mut actions = Vec::new();
        while !choices.is_at_end() {
            let n_tensors = problem.graph.tensors().len() as u64;
            let tensor = TensorId(choices.below(n_tensors + 1) as u32);
            let offset = Bytes(choices.one_of(&[0, 1, 64, u64::MAX]));
            let memory = |choices: &mut Choices| MemoryId(choices.below(3) as u32);
            let place = |choices: &mut Choices| Place { memory: memory(choices), offset };
            let slots = vec![Slot { tensor, place: place(&mut choices) }; choices.below(3) as usize];
            let op = OpId(choices.below(problem.graph.ops().len() as u64 + 1) as u32);
            let copy = Copy { tensor, from: place(&mut choices), to: place(&mut choices) };
            actions.push(match choices.below(5) {
                0 => Action::Copy(copy),
                1 => Action::Issue(copy),
                2 => Action::Wait(Slot { tensor, place: copy.to }),
                _ => Action::Run { op, reads: slots.clone(), writes: slots, workspace: offset },
            });
        }
        if let Err(violations) = check(problem, &actions) {
            prop_assert!(violations.iter().all(|it| !it.display(problem).to_string().is_empty()));
        }
        Ok(())
    });
}
