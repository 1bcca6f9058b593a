//! The cases on machines with a clock as tables, as Markdown and as JSON.

use super::{Case, Outcome, Target};
use crate::Failure;
use crate::arguments::Arguments;
use crate::network::{Kind, Network};
use crate::statistics::spread;
use crate::tables::{percent, seconds};
use cosma_commands::table::{Column, Table};
use cosma_planner::baseline::PrefetchRule;
use cosma_planner::time::Scope;
use serde::Serialize;

#[derive(Serialize)]
struct Json<'a> {
    command: String,
    cases: Vec<JsonCase<'a>>,
}

#[derive(Serialize)]
struct JsonCase<'a> {
    network: &'a str,
    kind: &'static str,
    machine: &'a str,
    weights: &'static str,
    factor: f64,
    scratchpad: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<JsonOutcome>,
}

/// Cycles, and bytes that are not compulsory.
#[derive(Serialize)]
struct JsonOutcome {
    cycles: u64,
    lower_bound: u64,
    bound: String,
    any_order_lower_bound: u64,
    any_order_bound: String,
    compute: u64,
    non_compulsory: u64,
    rules: Vec<(String, u64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds_without_clock: Option<f64>,
}

/// Prints tables of all cases, and writes the files that were asked for.
pub fn report(arguments: &Arguments, networks: &[Network], targets: &[Target], cases: &[Case]) -> Result<(), Failure> {
    let tables = [by_machine(networks, targets, cases), by_network(networks, cases)];
    let sentences = sentences(arguments, networks, cases).join("\n");
    crate::print(&format!("{}\n{}\n{sentences}\n", tables[0].text(), tables[1].text()))?;
    if let Some(path) = &arguments.markdown {
        let text = format!("{sentences}\n\n{}\n{}", tables[0].markdown(), tables[1].markdown());
        crate::write(path, &text)?;
    }
    if let Some(path) = &arguments.json {
        let mut written = Vec::new();
        for case in cases {
            written.push(json_case(arguments, networks, targets, case));
        }
        let json = Json { command: arguments.shown_latency(), cases: written };
        let text = serde_json::to_string_pretty(&json).expect("strings and finite numbers are JSON");
        crate::write(path, &(text + "\n"))?;
    }
    Ok(())
}

fn json_case<'a>(
    arguments: &Arguments,
    networks: &'a [Network],
    targets: &'a [Target],
    case: &'a Case,
) -> JsonCase<'a> {
    let timed = |it: f64| (!arguments.no_times).then_some(it);
    let outcome = case.outcome.as_ref().ok().map(|it| JsonOutcome {
        cycles: it.cycles.0,
        lower_bound: it.bound.cycles.0,
        bound: it.bound.rule.to_string(),
        any_order_lower_bound: it.any_order.cycles.0,
        any_order_bound: it.any_order.rule.to_string(),
        compute: it.compute.0,
        non_compulsory: it.non_compulsory.0,
        rules: PrefetchRule::ALL.iter().map(ToString::to_string).zip(it.rules.iter().map(|it| it.0)).collect(),
        seconds: timed(it.seconds),
        seconds_without_clock: timed(it.seconds_without),
    });
    JsonCase {
        network: &networks[case.network].name,
        kind: networks[case.network].kind.name(),
        machine: &targets[case.target].name,
        weights: cosma_passes::weights_name(case.weights),
        factor: case.factor,
        scratchpad: case.scratchpad.0,
        fault: case.outcome.as_ref().err().map(String::as_str),
        outcome,
    }
}

/// Multiples of the bound: the geometric mean.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let logarithms: Vec<f64> = values.map(f64::ln).collect();
    (!logarithms.is_empty()).then(|| (logarithms.iter().sum::<f64>() / logarithms.len() as f64).exp())
}

fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |it| format!("{it:.3}"))
}

/// For each machine and both groups: what programs take by each rule and by COSMA, as multiples of the bound.
fn by_machine(networks: &[Network], targets: &[Target], cases: &[Case]) -> Table {
    let mut columns: Vec<Column> = vec![("machine".into(), false), ("networks".into(), false), ("cases".into(), true)];
    columns.extend(PrefetchRule::ALL.map(|it| (it.to_string(), true)));
    columns.extend(["COSMA", "worst", "within 1 % of any order"].map(|it| (it.into(), true)));
    let mut rows = Vec::new();
    for (name, is_training) in [("inference", false), ("training", true)] {
        let of_group = |it: &&Case| (networks[it.network].kind == Kind::Training) == is_training;
        let group: Vec<&Case> = cases.iter().filter(of_group).collect();
        let machines = targets.iter().enumerate().map(|it| (Some(it.0), it.1.name.as_str()));
        let all = (1 < targets.len()).then_some((None, "all"));
        for (target, machine) in machines.chain(all) {
            let is_on = |it: &&&Case| target.is_none_or(|target| it.target == target);
            let outcomes: Vec<&Outcome> =
                group.iter().filter(is_on).filter_map(|it| it.outcome.as_ref().ok()).collect();
            if outcomes.is_empty() {
                continue;
            }
            let mut row = vec![machine.to_owned(), name.to_owned(), outcomes.len().to_string()];
            let of_rule = |rule: usize| ratio(mean(outcomes.iter().map(|it| it.over(it.rules[rule]))));
            row.extend((0..PrefetchRule::ALL.len()).map(of_rule));
            let own = || outcomes.iter().map(|it| it.over(it.cycles));
            row.extend([ratio(mean(own())), ratio(own().reduce(f64::max)), percent(proven(&outcomes))]);
            rows.push(row);
        }
    }
    Table { columns, rows }
}

/// The share of programs that are within 1 % of a bound for any order.
fn proven(outcomes: &[&Outcome]) -> f64 {
    let is_near = |it: &&&Outcome| it.cycles.0 as f64 <= 1.01 * it.any_order.cycles.0 as f64;
    outcomes.iter().filter(is_near).count() as f64 / outcomes.len().max(1) as f64
}

/// For each network: what its programs take, as multiples of the bound.
fn by_network(networks: &[Network], cases: &[Case]) -> Table {
    let mut columns: Vec<Column> = vec![("network".into(), false)];
    columns
        .extend(["cases", "without overlap", "COSMA", "worst", "within 1 % of any order"].map(|it| (it.into(), true)));
    let row = |(index, network): (usize, &Network)| {
        let of_network = cases.iter().filter(|it| it.network == index);
        let outcomes: Vec<&Outcome> = of_network.filter_map(|it| it.outcome.as_ref().ok()).collect();
        let own = || outcomes.iter().map(|it| it.over(it.cycles));
        vec![
            network.name.clone(),
            outcomes.len().to_string(),
            ratio(mean(outcomes.iter().map(|it| it.over(it.rules[0])))),
            ratio(mean(own())),
            ratio(own().reduce(f64::max)),
            percent(proven(&outcomes)),
        ]
    };
    Table { columns, rows: networks.iter().enumerate().map(row).collect() }
}

fn sentences(arguments: &Arguments, networks: &[Network], cases: &[Case]) -> Vec<String> {
    let outcomes: Vec<&Outcome> = cases.iter().filter_map(|it| it.outcome.as_ref().ok()).collect();
    let n_faults = cases.len() - outcomes.len();
    let n_programs = outcomes.len() * (PrefetchRule::ALL.len() + 1);
    let is_inference = |it: &&Case| networks[it.network].kind != Kind::Training;
    let inference: Vec<&Outcome> =
        cases.iter().filter(is_inference).filter_map(|it| it.outcome.as_ref().ok()).collect();
    let faster =
        |rule: usize| ratio(mean(inference.iter().map(|it| it.rules[rule].0 as f64 / it.cycles.0.max(1) as f64)));
    let any_order = inference.iter().filter(|it| it.bound.rule.scope() == Scope::AnyOrder).count();
    let mut sentences = vec![
        arguments.shown_latency(),
        format!(
            "{} cases; {n_programs} programs were judged for races and for time, {n_faults} of the cases have a fault. \
             Cycles as multiples of the largest bound known for the order and the residencies of the plan, or for any order; \
             geometric means.",
            cases.len()
        ),
        format!(
            "Inference: {} times as fast as without overlap, {} times as one operator ahead, {} times as the greedy rule, \
             {} times as soon as possible; the largest bound holds for any order in {any_order} of {} cases.",
            faster(0),
            faster(1),
            faster(2),
            faster(3),
            inference.len()
        ),
    ];
    let more = spread(outcomes.iter().map(|it| it.seconds - it.seconds_without));
    if let Some(more) = more.filter(|_| !arguments.no_times) {
        sentences.push(format!(
            "Seconds of planning more than without a clock: median {}, 90th percentile {}, maximum {}.",
            seconds(more.median),
            seconds(more.p90),
            seconds(more.most)
        ));
    }
    sentences
}
