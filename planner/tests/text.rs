//! Problems as text: what is read, what is written, and what is refused.

use cosma_planner::{Error, MemorySet, Problem, TensorId, Weights, greedy_plan};

fn parse(text: &str) -> Result<Problem, String> {
    text.parse::<Problem>().map_err(|error| error.to_string())
}

#[track_caller]
fn round_trips(text: &str) -> Problem {
    let problem = parse(text).expect("it parses");
    assert_eq!(problem.to_string(), text.trim_start());
    assert_eq!(parse(&problem.to_string()).as_ref(), Ok(&problem));
    problem
}

#[test]
fn one_line_says_where_all_weights_are_read() {
    let resident = round_trips(
        "
machine scratchpad 128 alignment 64 weights resident
argument x 64
weight w 10
op f: x w -> y 64
",
    );
    assert_eq!(resident.graph.ops()[0].reads[1].from, MemorySet::SCRATCHPAD);
    let streamed = round_trips(&resident.to_string().replace("resident", "streamed"));
    assert_eq!(streamed.graph.ops()[0].reads[1].from, MemorySet::HOME);
    assert_eq!(streamed.graph.readers(TensorId(1)), []);
    assert_eq!(streamed.graph, resident.graph.with_weights(Weights::Streamed));
    assert_eq!(streamed.graph.with_weights(Weights::Resident), resident.graph);
}

#[test]
fn a_use_may_say_where_it_reads() {
    let problem = round_trips(
        "
machine scratchpad 192 alignment 64 weights resident
argument x 64
weight w 10
op f: x w@host -> y 64
op g: y w -> z 64
op h: z x@host ->
",
    );
    // The weight comes in for f, and once more for g; x for f, and once more for h.
    assert_eq!((problem.compulsory().0, problem.restreamed().0), (74, 74));
    assert!(greedy_plan(&problem).is_ok());
}

const TIERS: &str = "
memory dram alignment 1
memory l1 128 alignment 64 reserved 0..64 100..128
memory l2 4096 alignment 16
link dram l1 price 4
link l1 dram price 4
link dram l2 price 3
argument x 64
op f: x@l1|l2 -> y 64
";

#[test]
fn machines_of_several_memories_are_read_and_refused_by_planners() {
    let problem = round_trips(TIERS);
    assert_eq!(problem.machine.memories().len(), 3);
    assert_eq!(problem.check(), Err(Error::NotPlanned("memories beside dram and the scratchpad: l2".into())));
    let refusal = |text: &str| parse(text).unwrap().check().map_err(|error| error.to_string()).unwrap_err();
    let two = "memory dram\nmemory l1 128 alignment 64\nlink dram l1\nlink l1 dram\nargument x 64\nop f: x -> y 64\n";
    assert_eq!(parse(two).unwrap().check(), Ok(()));
    // One byte leaves no room for both tensors.
    let reserved = two.replace("alignment 64", "alignment 64 reserved 0..1");
    let message = "operator needs 128 B at once, but the scratchpad has 64 B: 64 B too few (min_scratchpad = 128)";
    assert_eq!(refusal(&reserved), message);
    let apart = two.replace("128 alignment 64", "256 alignment 64 reserved 64..128 192..256 0..0");
    let message = "f needs 128 B at once, but between reserved addresses there are 64 B at most";
    assert_eq!(refusal(&apart), format!("this cannot be planned yet: {message}"));
    let of_home = two.replace("memory dram", "memory dram alignment 1 reserved 0..1");
    assert!(refusal(&of_home).ends_with("reserved addresses in dram, where none are decided"));
    let dear = two.replace("link dram l1", "link dram l1 price 2");
    assert!(refusal(&dear).ends_with("without a way to the scratchpad and back at one price"));
    assert!(refusal(&two.replace("x ->", "x@dram|l1 ->")).ends_with("a choice of memories: f reads x"));
    let product = format!("{two}op g: y@dram ->\n");
    assert!(refusal(&product).ends_with("g reads y in host memory, but an operator writes it"));
}

#[test]
fn what_is_no_machine_is_refused() {
    let complaint = |text: &str| parse(text).expect_err("it is no machine");
    assert_eq!(complaint("argument x 1"), "line 1: no machine");
    assert_eq!(complaint("memory dram"), "a machine has 2 to 64 memories, not 1");
    assert_eq!(complaint("memory dram\nmemory l1"), "the second memory, l1, is the scratchpad and needs a size");
    assert_eq!(complaint("memory a 1\nmemory b 1"), "the first memory, a, is home and cannot have a size");
    assert_eq!(complaint("memory a\nmemory a 1"), "two memories have the name a");
    assert_eq!(complaint("memory a\nmemory b@ 1"), "a memory cannot have the name 'b@'");
    assert_eq!(complaint("memory a\nmemory b 1\nlink a c"), "line 3: no memory c so far");
    assert_eq!(complaint("memory a\nmemory b 1\nlink a a"), "a link leads from one memory to another");
    assert_eq!(complaint("memory a\nmemory b 1\nlink a b\nlink a b"), "two links lead from a to b");
    assert_eq!(complaint("memory a\nmemory b 1 reserved 4"), "line 2: expected FROM..TO, not 4");
    let both = "memory a\nmemory b 1\nmachine scratchpad 1 alignment 1 weights resident";
    assert_eq!(complaint(both), "a machine is one line, or a line for each memory, not both");
    let tensor = |line: &str| complaint(&format!("machine scratchpad 1 alignment 1\n{line}"));
    assert_eq!(tensor("argument x@y 1"), "line 2: a tensor cannot have the name x@y: behind an @ is a memory");
    assert_eq!(tensor("argument x 1\nop f: x@moon ->"), "line 3: no memory moon");
}
