//! Transfers that go on beside operators: what the judge of races lets through is right whenever they are done, and what it
//! refuses shows.

use super::QUICK;
use crate::build::{Build, Flavour};
use crate::case::clock;
use crate::networks;
use cosma::execute::Original;
use cosma::{ArenaName, MachineOptions, Options, Overlap, Reports, Solver, Stages, TransfersName, optimize};
use std::time::Duration;

fn options(scratchpad: u64, stages: Stages) -> Options {
    Options {
        machine: MachineOptions {
            scratchpad: Some(scratchpad.into()),
            clock: Some(clock(1)),
            ..MachineOptions::default()
        },
        stages,
        solver: Solver::Auto,
        time_limit: Duration::from_millis(500),
        ..Options::default()
    }
}

/// The name that a line defines, `%12`.
fn defined(line: &str) -> Option<&str> {
    line.trim_start().strip_prefix('%').and_then(|it| it.split(' ').next())
}

fn reads(line: &str, name: &str) -> bool {
    let uses = line.split_once('=').map_or(line, |it| it.1).split(|it: char| !it.is_alphanumeric() && it != '%');
    uses.into_iter().any(|it| it.strip_prefix('%') == Some(name))
}

/// The lines with one of them moved elsewhere.
fn moved(lines: &[&str], from: usize, to: usize) -> String {
    let mut lines = lines.to_vec();
    let line = lines.remove(from);
    lines.insert(if from < to { to - 1 } else { to }, line);
    lines.join("\n")
}

/// Other programs of the same operations: transfers that begin earlier, and waits for what goes out that stand later.
fn others(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut others = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.contains("load async") {
            let source = line.split('%').nth(2).and_then(|it| it.split(|it: char| !it.is_alphanumeric()).next());
            let defines = |it: &str| it.contains("func.func") || defined(it).is_some_and(|it| Some(it) == source);
            let first = lines[..index].iter().rposition(|it| defines(it)).map_or(index, |it| it + 1);
            others.extend((first..index).step_by(3).map(|it| moved(&lines, index, it)));
        }
        if line.contains("cosma.wait") {
            let Some(result) = defined(line) else { continue };
            let last = lines[index + 1..].iter().position(|it| reads(it, result) || it.contains("return"));
            let last = last.map_or(index, |it| index + 1 + it);
            others.extend((index + 2..=last).step_by(3).map(|it| moved(&lines, index, it)));
        }
    }
    others
}

#[test]
fn the_judge_of_races_agrees() {
    let (mut right, mut refused, mut shown) = (0, 0, 0);
    for (network, percent) in [(networks::residual(), 100), (networks::unet(), 110), (networks::transformer(), 105)] {
        let text = (network.write)(Build::new(Flavour::Linalg).in_place());
        let context = cosma::new_context();
        let module = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
        let original = Original::new(&context, &module, &QUICK).expect("it runs");
        let plan = |scratchpad| {
            let mut planned = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
            let stages = Stages { allocate: true, ..Stages::default() };
            let report = optimize(&mut planned, &options(scratchpad, stages)).expect("there is a plan");
            (planned, report.functions[0].min_scratchpad)
        };
        let least = plan(1 << 30).1;
        let (planned, _) = plan(least * percent / 100);
        let program = planned.as_operation().to_string();
        assert!(program.contains("async"), "{program}");
        assert!(original.compare_planned(&planned).expect("it runs")[0].faults().is_empty());
        let _reports = Reports::attach(&context);
        for other in others(&program).into_iter().step_by(11) {
            let parse = || cosma::parse(&context, other.as_bytes(), "other");
            let (Some(mut judged), Some(run)) = (parse(), parse()) else { continue };
            let verify = Stages { verify: true, ..Stages::default() };
            let verdict = optimize(&mut judged, &Options { stages: verify, ..Options::default() });
            let Ok(compared) = original.compare_unjudged(&run) else { continue };
            let faults = compared[0].faults();
            match verdict {
                Ok(_) => {
                    right += 1;
                    assert!(faults.is_empty(), "{}: {faults:?}\n{other}", network.name);
                }
                Err(_) => {
                    refused += 1;
                    shown += usize::from(!faults.is_empty());
                }
            }
        }
    }
    println!("{right} programs are right, {refused} are refused, of which {shown} show it");
    assert!(3 < right && 10 < refused && 9 * refused <= 10 * shown, "{right} right, {refused} refused, {shown} shown");
}

/// Of a lowered program, each wait in turn is taken out.
#[test]
fn a_missing_wait_shows() {
    let network = networks::residual();
    let text = (network.write)(Build::new(Flavour::Linalg).in_place());
    let context = cosma::new_context();
    let module = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
    let original = Original::new(&context, &module, &QUICK).expect("it runs");
    let lowered = |scratchpad| {
        let mut lowered = cosma::parse(&context, text.as_bytes(), network.name).expect("it is well-formed");
        let stages = Stages { allocate: true, lower_addresses: true, ..Stages::default() };
        let mut options = options(scratchpad, stages);
        (options.lower.arena, options.lower.transfers) = (ArenaName::Argument, TransfersName::Call);
        let report = optimize(&mut lowered, &options).expect("there is a plan");
        (lowered.as_operation().to_string(), report.functions[0].min_scratchpad)
    };
    let least = lowered(1 << 30).1;
    let program = lowered(least).0;
    // What is wrong with it beside that it has no plan to compare with.
    let run = |text: &str| {
        let module = cosma::parse(&context, text.as_bytes(), "lowered").expect("it is well-formed");
        let compared = original.compare_lowered(&module).expect("it runs").remove(0);
        (compared.difference.is_some(), compared.misuse)
    };
    assert_eq!(run(&program), (false, Vec::new()));
    let lines: Vec<&str> = program.lines().collect();
    let is_wait = |it: &str| it.contains("call @cosma_dma_wait(");
    let waits: Vec<usize> = (0..lines.len()).filter(|it| is_wait(lines[*it])).collect();
    let mut wrong = 0;
    for wait in waits.iter().step_by(5) {
        let mut others = lines.clone();
        others.remove(*wait);
        let (differs, misuse) = run(&others.join("\n"));
        let said = misuse.join("; ");
        assert!(said.contains("1 transfers are never waited for"), "{said}");
        // A later wait in the same channel may be in time.
        wrong += usize::from(differs || said.contains("depends on when transfers complete"));
    }
    println!("{wrong} of {} programs without a wait compute something else", waits.len().div_ceil(5));
    assert!(0 < wrong);
}

#[test]
fn without_overlap_it_is_the_program_of_a_machine_without_a_clock() {
    let text = (networks::inception().write)(Build::new(Flavour::Tosa));
    let context = cosma::new_context();
    let plan = |has_clock: bool| {
        let mut module = cosma::parse(&context, text.as_bytes(), "inception").expect("it is well-formed");
        let mut options = options(1 << 14, Stages { allocate: true, ..Stages::default() });
        options.overlap = Overlap::None;
        options.machine.clock = options.machine.clock.filter(|_| has_clock);
        optimize(&mut module, &options).expect("there is a plan");
        let text = module.as_operation().to_string();
        text.lines().filter(|it| !it.contains("cosma.plan")).map(|it| format!("{it}\n")).collect::<String>()
    };
    let planned = plan(true);
    assert!(!planned.contains("async"));
    let without_machine = |it: String| it.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(without_machine(planned), without_machine(plan(false)));
}
