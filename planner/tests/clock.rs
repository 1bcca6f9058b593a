//! Machines with a clock as text: what is read, written and refused, and the resulting times.

use cosma_planner::time::{Channel, Clock, Compute, Timing};
use cosma_planner::{Cycles, Error, Machine, OpId, Problem};

const CLOCKED: &str = "
machine scratchpad 192 alignment 64 weights resident
channel dma0
channel dma1
link host scratchpad rate 15/4 setup 16 latency 500 burst 128 on dma0
link scratchpad host rate 16 setup 0 latency 250 burst 0 on dma1
compute cycles_per_mac 1/512 bytes_per_cycle 64 least_cycles 3
argument x 64
op conv: x -> y 64 workspace 16 macs 4096
op add: x y -> z 60 cycles 900
op log: z -> workspace 0 macs 5
";

fn parse(text: &str) -> Result<Problem, String> {
    text.parse::<Problem>().map_err(|error| error.to_string())
}

/// The parser's error for [`CLOCKED`] with one word replaced.
#[track_caller]
fn refusal(word: &str, other: &str) -> String {
    assert!(CLOCKED.contains(word), "the word is there");
    parse(&CLOCKED.replacen(word, other, 1)).expect_err("it is refused")
}

#[test]
fn a_clock_is_read_and_written() {
    let problem = parse(CLOCKED).unwrap();
    assert_eq!(problem.to_string(), CLOCKED.trim_start());
    assert_eq!(problem.graph.ops()[0].macs, Some(4096));
    assert_eq!(problem.graph.ops()[1].cycles, Some(Cycles(900)));
    // Defaults may be omitted.
    let short = CLOCKED.replace(" setup 0 latency 250 burst 0", " latency 250").replace("15/4", "3.75");
    assert_eq!(parse(&short).unwrap(), problem);
    // Without its clock, it is the original problem.
    let plain = Problem { machine: problem.machine.without_clock(), ..problem.clone() };
    assert!(plain.to_string().starts_with("machine scratchpad 192 alignment 64 weights resident\nargument x 64\n"));
    assert_eq!(plain.cycles(OpId(0)), Ok(None));
}

#[test]
fn a_machine_of_several_lines_has_a_clock_too() {
    let text = "
memory host alignment 1
memory l1 192 alignment 64 reserved 0..64
channel dma
link host l1 price 3 rate 8 setup 0 latency 0 burst 0 on dma
link l1 host price 3 rate 8 setup 0 latency 0 burst 0 on dma
compute cycles_per_mac 0 least_cycles 1
argument x 64
op f: x -> y 64
return y
";
    assert_eq!(parse(text).unwrap().to_string(), text.trim_start());
}

#[test]
fn tensors_may_have_the_names_of_times() {
    let text = "
machine scratchpad 192 alignment 64 weights resident
argument cycles 64
op f: cycles -> macs 64
op g: macs cycles -> a 64, b 64 over cycles macs workspace 0 macs 7 cycles 8
op h: a -> c 64 over a, macs2 5 workspace 0 cycles 9
";
    let problem = parse(text).unwrap();
    assert_eq!(problem.to_string(), text.trim_start());
    assert_eq!(problem.graph.ops()[0].writes.len(), 1);
    // If no tensor has such a name, a result comes first.
    let text = "machine scratchpad 64 alignment 64 weights resident\nop f: -> a 1, macs 64\n";
    assert_eq!(parse(text).unwrap().graph.ops()[0].writes.len(), 2);
}

#[test]
fn what_contradicts_itself_is_refused() {
    assert_eq!(refusal("15/4", "0"), "line 5: expected more than 0 bytes per cycle, not 0");
    assert_eq!(refusal("15/4", "NaN"), "line 5: expected a ratio such as 15/4, 3.75 or 16, not NaN");
    assert_eq!(refusal("15/4", "-1"), "line 5: expected a ratio such as 15/4, 3.75 or 16, not -1");
    assert_eq!(refusal("on dma0", "on dma7"), "line 5: no channel dma7 so far");
    assert_eq!(refusal("channel dma1", "channel dma0"), "line 4: channel dma0 is defined twice");
    assert_eq!(refusal(" rate 15/4", ""), "line 5: `setup` needs a link with a rate");
    assert_eq!(refusal(" on dma0", ""), "line 5: a link with a rate needs `on CHANNEL`");
    assert_eq!(refusal("rate 16 setup 0 latency 250 burst 0 on dma1", ""), "either each link has a rate or none");
    assert_eq!(refusal("latency 500", "latency 5 latency 6"), "line 5: `latency` is given twice");
    assert_eq!(refusal("latency 500", "latency many"), "line 5: expected a number of cycles, not many");
    assert_eq!(
        refusal("bytes_per_cycle 64", "bytes_per_cycle 0"),
        "line 7: expected more than 0 bytes per cycle, not 0"
    );
    assert_eq!(refusal("least_cycles 3", "least_cycles"), "line 7: nothing after `least_cycles`");
    assert_eq!(refusal("link host", "link mars"), "line 5: no memory mars so far");
    assert_eq!(refusal("macs 4096", "macs many"), "line 9: expected a number of macs, not many");
    assert_eq!(refusal("macs 4096", "macs 1 macs 2"), "line 9: `macs` is given twice");
    let without_rates = "machine scratchpad 64 alignment 64\nchannel dma\n";
    assert_eq!(parse(without_rates), Err("there is channel dma, but no link has a rate".into()));
}

#[test]
fn a_clock_is_one_of_its_machine() {
    let machine = || Machine::with_host(cosma_planner::Bytes(64), cosma_planner::Bytes(64));
    let timing = |text: &str| *parse(text).unwrap().machine.clock().unwrap().timings.first().unwrap();
    let timing = timing(CLOCKED);
    let channel = |name: &str| Channel { name: name.into() };
    let clock = |channels: &[&str], timings: &[Timing]| Clock {
        channels: channels.iter().map(|it| channel(it)).collect(),
        timings: timings.to_vec(),
        compute: Compute::default(),
    };
    let refusal = |clock: Clock| match machine().with_clock(clock) {
        Err(Error::Machine(why)) => why,
        other => panic!("{other:?}"),
    };
    assert_eq!(refusal(clock(&["a"], &[timing])), "either each link has a rate or none");
    assert_eq!(refusal(clock(&["a", "a"], &[timing; 2])), "two channels have the name a");
    assert_eq!(refusal(clock(&["a b"], &[timing; 2])), "a channel cannot have the name 'a b'");
    assert_eq!(
        refusal(clock(&[], &[timing; 2])),
        "the link from host to scratchpad is on a channel that does not exist"
    );
    assert!(machine().with_clock(clock(&["a"], &[timing; 2])).is_ok());
}

#[test]
fn times_follow_from_the_numbers() {
    let problem = parse(CLOCKED).unwrap();
    let timing = problem.machine.clock().unwrap().timings[0];
    let busy = |bytes| timing.busy(cosma_planner::Bytes(bytes)).map(|it| it.0);
    // 128 B at 15/4 B per cycle take 34.1 cycles.
    assert_eq!((busy(0), busy(128), busy(150)), (Ok(16 + 35), Ok(16 + 35), Ok(16 + 40)));
    assert_eq!(busy(u64::MAX / 2), Ok(16 + (u128::from(u64::MAX / 2) * 4).div_ceil(15) as u64));
    let of = |op| problem.cycles(OpId(op)).unwrap().unwrap().0;
    // 4096 / 512 macs; its own cycles; 60 B at 64 B per cycle, but at least 3 cycles.
    assert_eq!((of(0), of(1), of(2)), (8, 900, 3));
    let slow = CLOCKED.replace("cycles_per_mac 1/512", "cycles_per_mac 18446744073709551615");
    assert_eq!(parse(&slow).unwrap().cycles(OpId(0)), Err(Error::TooManyCycles));
    assert_eq!(problem.ops_without_cycles(), 0);
}
