//! Problems as text: what is read, written and refused.

use cosma_planner::testing::{Choices, Shape, noise, parse_program, seeded_problem, with_pins};
use cosma_planner::{Error, MemorySet, Problem, TensorId, Weights, check, greedy_plan, program_text};

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
    // The weight is loaded for f, and again for g; x for f, and again for h.
    assert_eq!((problem.compulsory().0, problem.restreamed().0), (74, 74));
    assert!(greedy_plan(&problem).is_ok());
}

#[test]
fn a_staged_tensor_names_its_parts() {
    let problem = round_trips(
        "
machine scratchpad 256 alignment 64 weights resident
argument x 64
op a: x -> p 64
op b: x -> q 64, r 32
staged s 48 from q p
op log: s ->
staged t 16 from r
op c: x s t@host -> u 64
staged unread 8 from u
order a b
return u q
",
    );
    // It waits for the writers of its parts, without explicit edges.
    let edges: Vec<(u32, u32)> = problem.graph.edges().iter().map(|it| (it.0.0, it.1.0)).collect();
    assert_eq!(edges, [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3)]);
    // q is stored, so p and r are spilled; s is loaded for two operators, and t is streamed.
    assert_eq!((problem.compulsory().0, problem.restreamed().0), (64 + 64 + 64, 64 + 32 + 48 + 16));
    assert_eq!(greedy_plan(&problem).map(|it| it.non_compulsory(&problem).0), Ok(64 + 32 + 48 + 16));
}

#[test]
fn what_cannot_be_staged_is_refused() {
    let text = |staged: &str| {
        parse(&format!("machine scratchpad 64 alignment 1\nargument x 8\nop a: x -> p 8\n{staged}")).err()
    };
    assert_eq!(text("staged s 8 from p"), None);
    assert_eq!(text("staged s 8 from"), Some("tensor 2 cannot be staged: it has no parts".into()));
    assert_eq!(text("staged s 8 from x"), Some("tensor 2 cannot be staged: a part is written by no operator".into()));
    assert_eq!(
        text("staged s 8 from p\nstaged t 8 from p s"),
        Some("tensor 3 cannot be staged: a part is written by no operator".into())
    );
    assert_eq!(
        text("staged s 8 from p\nreturn s"),
        Some("tensor 2 cannot be staged: it cannot be a result, but its parts can".into())
    );
    assert_eq!(text("staged s 8 from q"), Some("line 4: no tensor q so far".into()));
    assert_eq!(text("staged p 8 from p"), Some("line 4: tensor p is defined twice".into()));
}

/// A text with some words and characters removed, moved or replaced.
fn damaged(text: &str, choices: &mut Choices) -> String {
    const WORDS: [&str; 18] = [
        "->",
        ":",
        "@",
        "over",
        "at",
        "workspace",
        "return",
        "order",
        "staged",
        "from",
        "again",
        "memory",
        "link",
        "0",
        "#",
        "é",
        "18446744073709551615",
        "99999999999999999999",
    ];
    let mut lines: Vec<Vec<String>> =
        text.lines().map(|line| line.split_inclusive(' ').map(str::to_owned).collect()).collect();
    for _ in 0..1 + choices.below(4) {
        let line = choices.below(lines.len() as u64) as usize;
        if lines[line].is_empty() {
            continue;
        }
        let word = choices.below(lines[line].len() as u64) as usize;
        match choices.below(6) {
            0 => _ = lines[line].remove(word),
            1 => lines[line][word] = format!("{} ", choices.one_of(&WORDS)),
            2 => lines[line].insert(word, format!("{} ", choices.one_of(&WORDS))),
            3 => {
                let other = choices.below(lines.len() as u64) as usize;
                let taken = lines[line][word].clone();
                lines[other].push(taken);
            }
            4 => {
                let other = choices.below(lines.len() as u64) as usize;
                lines.swap(line, other);
            }
            _ => {
                let mut characters: Vec<char> = lines[line][word].chars().collect();
                characters
                    .insert(choices.below(characters.len() as u64 + 1) as usize, choices.one_of(&[':', '@', '9', '|']));
                lines[line][word] = characters.into_iter().collect();
            }
        }
    }
    lines.into_iter().map(|words| words.concat() + "\n").collect()
}

/// A text that is read is a problem that can be written, checked and planned, with a program that can be judged.
#[test]
fn no_text_makes_it_panic() {
    let (mut n_problems, mut n_planned, mut n_programs) = (0, 0, 0);
    for seed in 0..4_000 {
        let bytes = noise(seed, 200);
        let mut choices = Choices::new(&bytes);
        let whole = seeded_problem(Shape::SMALL, seed);
        let text = match seed % 8 {
            0 => TIERS.trim_start().to_owned(),
            1 => with_pins(&whole, &mut Choices::new(&noise(seed, 256))).to_string(),
            _ => whole.to_string(),
        };
        if let Ok(problem) = parse(&damaged(&text, &mut choices)) {
            // Arguments come first there, wherever they were.
            let text = problem.to_string();
            assert_eq!(parse(&text).map(|again| again.to_string()), Ok(text));
            n_problems += 1;
            n_planned += u32::from(problem.check().is_ok() && greedy_plan(&problem).is_ok());
            let _ = check(&problem, &[]);
        }
        let actions = greedy_plan(&whole).expect("it fits").actions(&whole);
        let program = program_text(&whole, &actions).join("\n");
        if let Ok(actions) = parse_program(&whole, &damaged(&program, &mut choices)) {
            n_programs += 1;
            let _ = check(&whole, &actions);
        }
    }
    assert!(150 < n_problems && 100 < n_planned && 200 < n_programs, "{n_problems} {n_planned} {n_programs}");
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
    // One reserved byte leaves too little space for both tensors.
    let reserved = two.replace("alignment 64", "alignment 64 reserved 0..1");
    let message = "operator needs 128 B at once, but the scratchpad has 64 B: 64 B too few (min_scratchpad = 128)";
    assert_eq!(refusal(&reserved), message);
    let apart = two.replace("128 alignment 64", "256 alignment 64 reserved 64..128 192..256 0..0");
    // But for one in each of two stretches.
    assert_eq!(parse(&apart).unwrap().check(), Ok(()));
    let message = "f needs y of 66 B at once, 128 B in all, but no gaps are large enough";
    assert_eq!(refusal(&apart.replace("y 64", "y 66").replace("64..128 192..256", "64..128 193..256")), message);
    let of_home = two.replace("memory dram", "memory dram alignment 1 reserved 0..1");
    assert!(refusal(&of_home).ends_with("reserved addresses in dram, which has no addresses"));
    let dear = two.replace("link dram l1", "link dram l1 price 2");
    assert!(refusal(&dear).ends_with("without links to the scratchpad and back at the same price"));
    assert_eq!(parse(&two.replace("x ->", "x@dram|l1 ->")).unwrap().check(), Ok(()));
    let product = format!("{two}op g: y@dram|l1 ->\n");
    assert!(refusal(&product).ends_with("g reads y in host memory, but an operator writes it"));
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
    assert_eq!(complaint("memory a\nmemory b 1\nlink a a"), "line 3: a link leads from one memory to another");
    assert_eq!(complaint("memory a\nmemory b 1\nlink a b\nlink a b"), "line 4: two links lead from a to b");
    assert_eq!(complaint("memory a\nmemory b 1 reserved 4"), "line 2: expected FROM..TO, not 4");
    let both = "memory a\nmemory b 1\nmachine scratchpad 1 alignment 1 weights resident";
    assert_eq!(complaint(both), "describe a machine in one line or in a line for each memory, not both");
    let tensor = |line: &str| complaint(&format!("machine scratchpad 1 alignment 1\n{line}"));
    assert_eq!(tensor("argument x@y 1"), "line 2: a tensor cannot have the name x@y: a memory follows an @");
    assert_eq!(tensor("argument x 1\nop f: x@moon ->"), "line 3: no memory moon");
}
