//! Machines by name, as files, and from configuration files of Vela.

use cosma_planner::preset::{MachineFile, named, names, text, vela};
use cosma_planner::tiers::plan_in_tiers;
use cosma_planner::time::{Clock, Ratio};
use cosma_planner::{Bytes, Cycles, Error, Machine, Options, Problem, Weights, check, greedy_plan, time};
use proptest::prelude::*;

const FILE: &str = "\
# A machine.
machine scratchpad 4096 alignment 16 weights streamed  # All of it.

channel in
channel out
link scratchpad host rate 16 latency 250 on out
link host scratchpad rate 3.75 setup 16 latency 500 burst 128 on in
compute cycles_per_mac 1/512 bytes_per_cycle 64
";

fn refusal(text: &str) -> String {
    text.parse::<MachineFile>().expect_err("it is refused").to_string()
}

/// The error for [`FILE`] with one word replaced.
#[track_caller]
fn refusal_with(word: &str, other: &str) -> String {
    assert!(FILE.contains(word), "the word is there");
    refusal(&FILE.replacen(word, other, 1))
}

#[test]
fn a_file_states_size_weights_and_clock() {
    let file: MachineFile = FILE.parse().unwrap();
    assert_eq!((file.scratchpad, file.alignment), (Some(Bytes(4096)), Some(Bytes(16))));
    assert_eq!(file.weights, Some(Weights::Streamed));
    // Timings are in the order of the links of a machine with a host, in any order of the file.
    let clock = file.clock.clone().unwrap();
    let latencies: Vec<Cycles> = clock.timings.iter().map(|it| it.latency).collect();
    assert_eq!(latencies, [Cycles(500), Cycles(250)]);
    assert_eq!(clock.timings[0].rate, Ratio::new(15, 4).unwrap());
    assert_eq!(clock.channels[clock.timings[0].channel.index()].name, "in");
    // It is the machine of the same lines in a problem.
    let problem: Problem = FILE.replace("weights streamed", "").parse().unwrap();
    let machine = file.join(&Machine::with_host(Bytes(1), Bytes(1))).unwrap();
    assert_eq!((machine.scratchpad(), machine.alignment()), (problem.machine.scratchpad(), Bytes(16)));
    for (link, timing) in machine.links().iter().zip(&clock.timings) {
        assert_eq!(problem.machine.timing(link.from, link.to), Some(timing));
    }
}

#[test]
fn what_is_not_stated_stays() {
    let machine = Machine::with_host(Bytes(512), Bytes(32));
    let nothing: MachineFile = "# Nothing.\n".parse().unwrap();
    assert_eq!(nothing, MachineFile::default());
    assert_eq!(nothing.join(&machine).unwrap(), machine);
    let clock: MachineFile =
        "channel c\nlink host scratchpad rate 1 on c\nlink scratchpad host rate 1 on c".parse().unwrap();
    assert_eq!((clock.scratchpad, clock.alignment, clock.weights), (None, None, None));
    let joined = clock.join(&machine).unwrap();
    assert_eq!(joined.without_clock(), machine);
    assert_eq!(joined.clock(), clock.clock.as_ref());
    let size: MachineFile = "machine scratchpad 64 alignment 8".parse().unwrap();
    assert_eq!(size.join(&joined).unwrap(), {
        let mut machine = joined.with_scratchpad(Bytes(64));
        machine.set_alignment(Bytes(8));
        machine
    });
    // A clock is for two links.
    let problem: Problem = "memory host\nmemory l1 64\nlink host l1".parse().unwrap();
    assert!(clock.join(&problem.machine).is_err());
    assert!(size.join(&problem.machine).is_ok());
}

#[test]
fn bad_files_are_refused_at_their_line() {
    let cases = [
        ("rate 3.75", "rate 0", "line 7: expected more than 0 bytes per cycle, not 0"),
        ("rate 3.75", "rate -1", "line 7: expected a ratio such as 15/4, 3.75 or 16, not -1"),
        ("rate 3.75", "rate fast", "line 7: expected a ratio such as 15/4, 3.75 or 16, not fast"),
        ("rate 3.75", "rate 1/0", "line 7: expected a ratio such as 15/4, 3.75 or 16, not 1/0"),
        ("rate 3.75 ", "", "line 7: `setup` needs a link with a rate"),
        ("rate 16 latency", "latency", "line 6: `latency` needs a link with a rate"),
        ("host scratchpad", "dram scratchpad", "line 7: no memory dram so far"),
        ("host scratchpad", "host host", "line 7: a link leads from one memory to another"),
        ("host scratchpad", "scratchpad host", "line 7: two links lead from scratchpad to host"),
        ("channel out", "channel in", "line 5: channel in is defined twice"),
        ("on out", "on dma", "line 6: no channel dma so far"),
        (
            "latency 250",
            "latency 18446744073709551616",
            "line 6: expected a number of cycles, not 18446744073709551616",
        ),
        ("burst 128", "burst 1e3", "line 7: expected a number of bytes, not 1e3"),
        ("4096", "18446744073709551616", "line 2: expected a number of bytes, not 18446744073709551616"),
        ("alignment 16", "alignment 0", "line 2: alignment must be at least 1 B"),
        ("weights streamed", "weights here", "line 2: weights are resident, streamed or auto, not here"),
        ("bytes_per_cycle 64", "bytes_per_cycle 0", "line 8: expected more than 0 bytes per cycle, not 0"),
        ("on in\n", "on in price 4\n", "line 7: links of a machine file with one scratchpad cannot have prices"),
        ("link scratchpad host rate 16 latency 250 on out", "", "line 7: the link from scratchpad to host has no rate"),
        ("channel out", "argument x 64", "line 5: expected machine, channel, link or compute, not argument"),
        ("channel out", "memory l2 64", "line 5: a machine file has one scratchpad, in a line `machine scratchpad`"),
        ("channel out", "machine scratchpad 1 alignment 1", "line 5: the machine is stated twice"),
    ];
    for (word, other, message) in cases {
        assert_eq!(refusal_with(word, other), message);
    }
    assert_eq!(refusal("\ncompute least_cycles 4"), "line 2: there is a clock, but no link has a rate");
    assert_eq!(refusal("channel c"), "line 1: there is a clock, but no link has a rate");
    assert_eq!(refusal("link host scratchpad"), "line 1: the link from host to scratchpad has no rate");
}

#[test]
fn presets_are_machines_that_plan() {
    let graph = "argument x 4096\nweight w 2048\nop f: x w -> y 4096 macs 65536\nop g: y -> z 1024\nreturn z\n";
    let mut sorted: Vec<&str> = names().collect();
    sorted.sort_unstable();
    assert_eq!(names().collect::<Vec<_>>(), sorted);
    for name in names() {
        let file = named(name).unwrap();
        let mut problem: Problem = format!("machine scratchpad 65536 alignment 64\n{graph}").parse().unwrap();
        problem.machine = file.join(&problem.machine).unwrap();
        if problem.machine.has_tiers() {
            let planned = plan_in_tiers(&problem, &Options::default()).unwrap();
            assert_eq!(check(&problem, &planned.actions), Ok(planned.traffic), "{name}");
            assert!(planned.is_optimal(), "{name}: all of it fits into the scratchpad");
            assert!(text(name).unwrap().contains("# Source:"), "{name}");
            continue;
        }
        let plan = greedy_plan(&problem).unwrap();
        let timeline = time::simulate(&problem, &plan.actions(&problem)).unwrap();
        assert!(Cycles::ZERO < timeline.compute && timeline.compute < timeline.makespan, "{name}");
        // Each names its source.
        assert!(text(name).unwrap().contains("# Source:"), "{name}");
    }
    assert_eq!(
        named("ethos-u65").unwrap_err().to_string(),
        "no machine ethos-u65: the machines are ethos-u55-high-end, ethos-u65-client-server, ethos-u65-dedicated-sram, \
         ethos-u65-embedded, ethos-u65-high-end, imx-rt1170, mcu-psram, siracusa-like, soma-edge"
    );
    assert_eq!(text("none"), None);
}

#[test]
fn bad_memories_are_refused_at_their_line() {
    let good =
        "memory dram\nmemory l1 256 alignment 64\nmemory l2 512\nlink dram l2\nlink l2 dram\nlink l2 l1\nlink l1 l2";
    let memories = good.parse::<MachineFile>().unwrap().memories.expect("several memories");
    assert_eq!(memories.memories().len(), 3);
    let cases = [
        ("memory l2 512", "memory l1 512", "line 3: two memories have the name l1"),
        ("alignment 64", "alignment 0", "line 2: alignment must be at least 1 B"),
        ("memory dram", "memory dram 64", "line 1: the first memory, dram, is home and cannot have a size"),
        (
            "memory l1 256 alignment 64",
            "memory l1",
            "line 2: the second memory, l1, is the scratchpad and needs a size",
        ),
        ("link l2 l1", "link l3 l1", "line 6: no memory l3 so far"),
        (
            "memory l2 512",
            "memory l2 9223372036854775807",
            "line 3: 9223372036854776063 B of memory in all are too many",
        ),
        ("\nlink l1 l2", "", "line 6: there are no links from l1 to dram, neither directly nor through other memories"),
        ("link l2 l1", "link l2 l1 price 0", "line 6: expected a price of at least 1, not 0"),
        (
            "memory l2 512",
            "machine scratchpad 1",
            "line 3: describe a machine in one line or in a line for each memory, not both",
        ),
        ("memory l2 512", "memory", "line 3: a memory needs a name: `memory NAME`"),
        ("link dram l2", "link dram", "line 4: a link needs two memories: `link FROM TO`"),
        ("link dram l2", "channel", "line 4: a channel has only a name: `channel NAME`"),
        ("link dram l2", "moves none", "line 4: a machine file cannot describe a machine on which nothing moves"),
        ("link dram l2", "argument x 64", "line 4: expected memory, channel, link or compute, not argument"),
    ];
    for (word, other, message) in cases {
        let error = good.replacen(word, other, 1).parse::<MachineFile>().expect_err(other);
        assert_eq!(error.to_string(), message);
    }
    let nameless = "memory".parse::<MachineFile>().expect_err("a memory without a name");
    assert_eq!(nameless.to_string(), "line 1: a memory needs a name: `memory NAME`");
}

const INI: &str = "\
; Two systems and four modes.
[System_Config.Fast]
core_clock=1e9
axi0_port=Sram
axi1_port=Dram
Sram_clock_scale=0.5
Sram_burst_length=16
Dram_clock_scale=0.234375
Dram_burst_length=96
Dram_read_latency=300
Dram_write_latency=150

[System_Config.Slow]
inherit=System_Config.Fast
Dram_clock_scale: 0.125

[System_Config.Flash]
axi0_port = Sram
axi1_port = OffChipFlash

[Memory_Mode.All]
const_mem_area=Axi0
arena_mem_area=Axi0
cache_mem_area=Axi0

[Memory_Mode.Shared]
const_mem_area=Axi1

[Memory_Mode.Own]
inherit=Memory_Mode.Shared
arena_mem_area=Axi1
arena_cache_size=300000

[Memory_Mode.Larger]
inherit=Memory_Mode.Own
arena_cache_size=400000
";

fn clock_of(system: &str, accelerator: &str) -> Clock {
    vela::read(INI, system, "Own", accelerator).unwrap().clock.unwrap()
}

#[test]
fn a_configuration_of_vela_is_a_machine() {
    let file = vela::read(INI, "Fast", "Own", "ethos-u65-512").unwrap();
    assert_eq!((file.scratchpad, file.alignment, file.weights), (Some(Bytes(300_000)), None, None));
    let clock = file.clock.clone().unwrap();
    // 0.234375 of 16 bytes, and half of 16 bytes.
    assert_eq!(clock.timings[0].rate, Ratio::new(15, 4).unwrap());
    assert_eq!(clock.timings.iter().map(|it| it.latency).collect::<Vec<_>>(), [Cycles(300), Cycles(150)]);
    assert_eq!(clock.timings.iter().map(|it| it.burst).collect::<Vec<_>>(), [Bytes(96), Bytes(96)]);
    assert_eq!(clock.compute.cycles_per_mac, Ratio::new(1, 512).unwrap());
    assert_eq!(clock.compute.bytes_per_cycle, Ratio::new(8, 1));
    assert_eq!(file.join(&Machine::with_host(Bytes(1), Bytes(16))).unwrap().scratchpad(), Bytes(300_000));
    // A section's own options override inherited ones.
    assert_eq!(clock_of("Slow", "ethos-u65-256").timings[0].rate, Ratio::new(2, 1).unwrap());
    assert_eq!(clock_of("Slow", "ethos-u65-256").timings[0].latency, Cycles(300));
    assert_eq!(vela::read(INI, "Slow", "Larger", "ethos-u65-256").unwrap().scratchpad, Some(Bytes(400_000)));
    assert_eq!(vela::read(INI, "Slow", "Shared", "ethos-u65-256").unwrap().scratchpad, None);
    // A narrower port; missing options.
    assert_eq!(clock_of("Fast", "Ethos-U55-64").compute.bytes_per_cycle, Ratio::new(4, 1));
    let flash = clock_of("Flash", "ethos-u55-32");
    assert_eq!((flash.timings[0].rate, flash.timings[0].latency), (Ratio::new(8, 1).unwrap(), Cycles::ZERO));
    let (systems, modes) = vela::sections(INI).unwrap();
    assert_eq!(systems, ["Fast", "Flash", "Slow"]);
    assert_eq!(modes, ["All", "Larger", "Own", "Shared"]);
}

#[test]
fn bad_configurations_are_refused_by_section_and_option() {
    let read = |text: &str, system: &str, mode: &str, accelerator: &str| {
        vela::read(text, system, mode, accelerator).expect_err("it is refused").to_string()
    };
    assert_eq!(
        read(INI, "Fast", "Own", "ethos-u85"),
        "no accelerator ethos-u85: the accelerators are ethos-u55-32, ethos-u55-64, ethos-u55-128, ethos-u55-256, ethos-u65-256, \
         ethos-u65-512"
    );
    let with = |text: &str| read(text, "Slow", "Larger", "ethos-u65-256");
    assert_eq!(
        read(INI, "Fats", "Own", "ethos-u65-256"),
        "no section [System_Config.Fats]: the sections are Fast, Flash, Slow"
    );
    assert_eq!(read("", "Fast", "Own", "ethos-u65-256"), "no section [System_Config.Fast]: there are none");
    let one = read(INI, "Fast", "All", "ethos-u65-256");
    assert!(
        one.starts_with("[Memory_Mode.All] keeps everything in one memory, so nothing is moved: take a mode"),
        "{one}"
    );
    let two_of_one = INI.replace("axi1_port=Dram", "axi1_port=Sram");
    assert!(with(&two_of_one).contains("keeps everything in one memory"), "{}", with(&two_of_one));
    let cases = [
        ("Dram_clock_scale: 0.125", "Dram_clock_scale=0", "[System_Config.Slow]: Dram_clock_scale is more than 0"),
        (
            "Dram_clock_scale: 0.125",
            "Dram_clock_scale=-1",
            "[System_Config.Slow]: Dram_clock_scale is a number such as 0.75, not `-1`",
        ),
        (
            "Dram_clock_scale: 0.125",
            "Dram_clock_scale=9999999999999999999",
            "[System_Config.Slow]: Dram_clock_scale has too many digits",
        ),
        (
            "Dram_read_latency=300",
            "Dram_read_latency=soon",
            "[System_Config.Slow]: Dram_read_latency is a whole number that is not negative, not `soon`",
        ),
        (
            "arena_cache_size=400000",
            "arena_cache_size=-4",
            "[Memory_Mode.Larger]: arena_cache_size is a whole number that is not negative, not `-4`",
        ),
        (
            "inherit=System_Config.Fast",
            "inherit=System_Config.Slow",
            "[System_Config.Slow]: inherit leads back to a section that inherits it",
        ),
        (
            "[Memory_Mode.Shared]\n",
            "[Memory_Mode.Shared]\ninherit=Memory_Mode.Larger\n",
            "[Memory_Mode.Larger]: inherit leads back to a section that inherits it",
        ),
        (
            "inherit=Memory_Mode.Own",
            "inherit=Memory_Mode.Mine",
            "[Memory_Mode.Larger]: inherit names [Memory_Mode.Mine], which does not exist",
        ),
        ("axi1_port=Dram\n", "", "[System_Config.Slow]: axi1_port is missing"),
        (
            "axi1_port=Dram",
            "axi1_port=Tape",
            "[System_Config.Slow]: axi1_port is one of Sram, Dram, OnChipFlash, OffChipFlash, not `Tape`",
        ),
        (
            "axi0_port=Sram\naxi1_port=Dram",
            "axi0_port=Dram\naxi1_port=Sram",
            "[Memory_Mode.Larger]: cache_mem_area is behind Dram, but must be behind Sram",
        ),
        (
            "arena_mem_area=Axi1",
            "arena_mem_area=Axi2",
            "[Memory_Mode.Larger]: arena_mem_area is Axi0 or Axi1, not `Axi2`",
        ),
    ];
    for (word, other, message) in cases {
        assert!(INI.contains(word), "{word}");
        assert_eq!(with(&INI.replacen(word, other, 1)), message);
    }
    assert!(matches!(vela::sections("[open"), Err(Error::Machine(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// Any text is read or refused with an error.
    #[test]
    fn any_text_is_read_or_refused(at in 0..600_usize, length in 0..30_usize, junk in "[\\[\\]=:;#\n a-z0-9.\\-/é]{0,12}") {
        for text in [INI, FILE] {
            let start = (0..=at.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0);
            let end = (start + length).min(text.len());
            let text = format!("{}{junk}{}", &text[..start], &text[end..]);
            let _ = text.parse::<MachineFile>();
            let _ = vela::read(&text, "Slow", "Larger", "ethos-u65-512");
            let _ = vela::sections(&text);
        }
    }
}
