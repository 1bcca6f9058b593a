//! The judge's verdicts on correct programs, and on each kind of fault.

use cosma_planner::testing::{Answer, compute, interpret_with, parse_program};
use cosma_planner::{Action, Bytes, Copy, MemoryId, OpId, Place, Problem, Slot, TensorId, check, program_text};

/// Two operators on three units: `x` must be evicted for `z`, and the result `y` stays.
const CHAIN: &str = "
machine scratchpad 192 alignment 64 weights resident
argument x 64
op f: x -> y 64, z 60
op g: y z -> s 64
return s
";

const CHAIN_PROGRAM: &str = "
load x at 0
run f: x@0 -> y@64 z@128
run g: y@64 z@128 -> s@0
store s@0
";

fn problem(text: &str) -> Problem {
    text.parse().expect("the problem parses")
}

/// The judge's messages, or the traffic.
#[track_caller]
fn verdict(problem_text: &str, program: &str) -> String {
    let problem = problem(problem_text);
    match parse_program(&problem, program) {
        Ok(actions) => judge(&problem, &actions),
        Err(error) => error.to_string(),
    }
}

fn judge(problem: &Problem, actions: &[Action]) -> String {
    match check(problem, actions) {
        Ok(traffic) => format!("right: {} + {} B", traffic.compulsory, traffic.non_compulsory),
        Err(violations) => violations.iter().map(|it| it.display(problem).to_string()).collect::<Vec<_>>().join("\n"),
    }
}

/// The judge's verdict after one line of [`CHAIN_PROGRAM`] was replaced by others.
#[track_caller]
fn verdict_with(line: &str, replacement: &str) -> String {
    assert!(CHAIN_PROGRAM.contains(line), "the line is there");
    verdict(CHAIN, &CHAIN_PROGRAM.replace(line, replacement))
}

#[test]
fn a_right_program_is_believed_and_its_bytes_are_counted() {
    assert_eq!(verdict(CHAIN, CHAIN_PROGRAM), "right: 128 + 0 B");
}

#[test]
fn programs_read_back_as_written() {
    let problem = problem(SPILL);
    let actions = parse_program(&problem, SPILL_PROGRAM).unwrap();
    assert_eq!(program_text(&problem, &actions).join("\n"), SPILL_PROGRAM.trim());
}

/// `a` and the streamed `w` must be loaded twice, and only `b` must be spilled for it.
const SPILL: &str = "
machine scratchpad 128 alignment 64 weights streamed
argument a 64
weight w 10
op f: a w -> b 64
op g: a -> c 64
op h: b w -> d 64 workspace 0
op i: c d -> # reads two units and has no result
return c
";

const SPILL_PROGRAM: &str = "
load a at 0
run f: a@0 w@host -> b@64
spill b@64
run g: a@0 -> c@64
store c@64
reload b at 0
run h: b@0 w@host -> d@64
reload c at 0
run i: c@0 d@64 ->
";

#[test]
fn spills_and_reloads_and_streams_are_counted() {
    // Compulsory: a, w, c. Non-compulsory: b out and in, w and c once more.
    assert_eq!(verdict(SPILL, SPILL_PROGRAM), "right: 138 + 202 B");
}

#[test]
fn what_was_overwritten_is_not_there() {
    let program = "
        load x at 0
        run f: x@0 -> y@64 z@128
        spill y@64
        reload y at 0
        run g: y@64 z@128 -> s@0
        store s@0";
    // y is still intact at its old place: the fault is the reload, not the read.
    assert_eq!(verdict(CHAIN, program), "line 4, step 1: y is copied to the scratchpad, but nothing reads it there");
    let overwritten = verdict(SPILL, &SPILL_PROGRAM.replace("reload c at 0\n", ""));
    assert_eq!(overwritten, "line 8, step 3: c is needed at 0, but does not lie there intact");
}

#[test]
fn one_byte_is_enough_to_destroy_a_tensor() {
    let text = "
machine scratchpad 9 alignment 1 weights resident
argument x 4
argument y 4
op f: x y -> z 1
";
    let program = "load x at 0\nload y at 3\nrun f: x@0 y@3 -> z@8";
    let expected = "line 1, step 0: x is copied to the scratchpad, but nothing reads it there
line 3, step 0: x is needed at 0, but does not lie there intact
line 3, step 0: x@0 and y@3 overlap while f runs";
    assert_eq!(verdict(text, program), expected);
    assert_eq!(verdict(text, &program.replace("y at 3", "y at 4").replace("y@3", "y@4")), "right: 8 + 0 B");
}

#[test]
fn blocks_of_one_operator_are_disjoint_even_if_nobody_reads_them() {
    let text = "
machine scratchpad 9 alignment 1 weights resident
argument x 4
op f: x -> y 2, z 2 workspace 1
";
    assert_eq!(verdict(text, "load x at 0\nrun f: x@0 -> y@4 z@6 workspace@8"), "right: 4 + 0 B");
    let overlaps = "line 2, step 0: x@0 and y@3 overlap while f runs
line 2, step 0: y@3 and z@4 overlap while f runs
line 2, step 0: x@0 and workspace@2 overlap while f runs";
    assert_eq!(verdict(text, "load x at 0\nrun f: x@0 -> y@3 z@4 workspace@2"), overlaps);
}

#[test]
fn a_workspace_destroys_what_it_covers() {
    let text = "
machine scratchpad 4 alignment 1 weights resident
argument x 1
op f: -> y 1 workspace 2
op g: x y ->
";
    let program = "load x at 3\nrun f: -> y@0 workspace@2\nrun g: x@3 y@0 ->";
    let expected = "line 1, step 0: x is copied to the scratchpad, but nothing reads it there
line 3, step 1: x is needed at 3, but does not lie there intact";
    assert_eq!(verdict(text, program), expected);
    assert_eq!(verdict(text, &program.replace("workspace@2", "workspace@1")), "right: 1 + 0 B");
}

#[test]
fn nothing_of_size_zero_is_ever_in_the_way() {
    let text = "
machine scratchpad 4 alignment 4 weights resident
argument x 4
op f: x -> done 0
op g: done x ->
op h: done ->
";
    let program = "
        load x at 0
        run f: x@0 -> done@0
        run g: done@0 x@0 ->
        run h: done@0 ->";
    assert_eq!(verdict(text, program), "right: 4 + 0 B");
    // It must still be written before it is read.
    let early = program.replace("        run h: done@0 ->", "");
    let early = format!("run h: done@0 ->\n{early}");
    assert_eq!(verdict(text, &early), "line 1, step 0: done is needed at 0, but does not lie there intact");
}

#[test]
fn addresses_are_aligned_and_end_within_the_scratchpad() {
    let moved = CHAIN_PROGRAM.replace("z@128", "z@130");
    let expected = "line 2, step 0: z@130 is not at a multiple of 64 B";
    assert_eq!(verdict(CHAIN, &moved), expected);
    let moved = CHAIN_PROGRAM.replace("z@128", "z@192");
    let expected = "line 2, step 0: z@192 of 60 B ends after the scratchpad of 192 B";
    assert_eq!(verdict(CHAIN, &moved), expected);
    // The last block needs no padding.
    assert_eq!(verdict(&CHAIN.replace("scratchpad 192", "scratchpad 188"), CHAIN_PROGRAM), "right: 128 + 0 B");
    let expected = "line 2, step 0: z@128 of 60 B ends after the scratchpad of 187 B";
    assert_eq!(verdict(&CHAIN.replace("scratchpad 192", "scratchpad 187"), CHAIN_PROGRAM), expected);
}

#[test]
fn operators_run_once() {
    let twice = verdict_with("run g:", "run f: x@0 -> y@64 z@128\nrun g:");
    assert_eq!(twice, "line 3, step 1: f runs a second time");
    let never = verdict(CHAIN, "");
    assert_eq!(
        never,
        "at the end: f did not run\nat the end: g did not run\nat the end: s is a result, but is not stored"
    );
}

#[test]
fn operands_are_the_operators_own_in_order() {
    let swapped = verdict_with("run g: y@64 z@128", "run g: z@128 y@64");
    assert_eq!(swapped, "line 3, step 1: g reads y z, but is given z y");
    let fewer = verdict_with("run f: x@0 -> y@64 z@128", "run f: -> y@64 z@128");
    let expected = "line 1, step 0: x is copied to the scratchpad, but nothing reads it there
line 2, step 0: f reads x, but is given nothing";
    assert_eq!(fewer, expected);
    let fewer = verdict_with("run f: x@0 -> y@64 z@128", "run f: x@0 -> z@128");
    let expected = "line 2, step 0: f writes y z, but is given z
line 3, step 1: y is needed at 64, but does not lie there intact";
    assert_eq!(fewer, expected);
}

#[test]
fn a_copy_is_called_what_it_is() {
    // The kind of a copy follows from earlier lines; readers of programs check the names.
    let load_twice = SPILL_PROGRAM.replace("reload c", "load c");
    assert_eq!(verdict(SPILL, &load_twice), "line 9: c is loaded, but is not an argument");
    let reload_first = verdict_with("load x", "reload x");
    assert_eq!(reload_first, "line 2: x is reloaded, but was not loaded before");
    let again = verdict_with("run f", "load x at 64\nrun f");
    assert_eq!(again, "line 3: x is loaded a second time, which is a reload");
    assert_eq!(verdict_with("store s@0", "store s@0\nstore s@0"), "line 6: s is stored a second time");
    let other = verdict_with("store s@0", "store s@0\nstore z@128");
    assert_eq!(other, "line 6: z is stored, but is not a result that an operator writes");
    let spilled = verdict_with("store s@0", "spill s@0");
    assert_eq!(spilled, "line 5: s is spilled, but is a result, so this is a store");
}

#[test]
fn only_what_host_memory_has_is_reloaded() {
    let no_spill = SPILL_PROGRAM.replace("spill b@64\n", "");
    assert_eq!(verdict(SPILL, &no_spill), "line 5, step 2: b is needed in host memory, but is not there");
}

#[test]
fn an_operand_lies_where_its_use_says() {
    let on_chip =
        SPILL_PROGRAM.replace("load a at 0", "load a at 0\nload w at 64").replace("f: a@0 w@host", "f: a@0 w@64");
    let expected = "line 3, step 0: f is given w in the scratchpad, where it cannot use it
line 3, step 0: w@64 and b@64 overlap while f runs";
    assert_eq!(verdict(SPILL, &on_chip), expected);
    let at_home = SPILL_PROGRAM.replace("run g: a@0", "run g: a@host");
    assert_eq!(verdict(SPILL, &at_home), "line 4, step 1: g is given a in host memory, where it cannot use it");
    let not_there = SPILL.replace("op i: c d ->", "op i: c@host d ->").replace("return c", "");
    let program = SPILL_PROGRAM.replace("store c@64\n", "").replace("reload c at 0\n", "").replace("c@0", "c@host");
    assert_eq!(verdict(&not_there, &program), "line 7, step 3: c is needed in host memory, but is not there");
}

#[test]
fn each_result_is_stored_and_nothing_else() {
    let gone = verdict_with("store s@0", "store s@64");
    assert_eq!(gone, "line 4, step 2: s is needed at 64, but does not lie there intact");
    let never = verdict_with("store s@0", "");
    assert_eq!(never, "at the end: s is a result, but is not stored");
    let other = verdict_with("store s@0", "store s@0\nspill z@128");
    assert_eq!(other, "line 5, step 2: z is spilled, but not reloaded afterwards");
    let twice = verdict_with("store s@0", "store s@0\nspill s@0");
    assert_eq!(twice, "line 5, step 2: s is spilled, but host memory has a copy of it already");
}

#[test]
fn an_argument_that_is_returned_is_in_host_memory_already() {
    let text = "machine scratchpad 4 alignment 1 weights resident\nargument x 4\nreturn x";
    assert_eq!(verdict(text, ""), "right: 0 + 0 B");
    // Its copy is read, but needlessly.
    let expected = "line 2, step 0: x is spilled, but host memory has a copy of it already";
    assert_eq!(verdict(text, "load x at 0\nspill x@0"), expected);
}

#[test]
fn transfers_that_serve_nothing_are_waste() {
    let spill_argument = verdict_with("run f", "spill x@0\nrun f");
    assert_eq!(spill_argument, "line 2, step 0: x is spilled, but host memory has a copy of it already");
    let spill_only = verdict_with("run g", "spill y@64\nrun g");
    assert_eq!(spill_only, "line 3, step 1: y is spilled, but not reloaded afterwards");
    let reload_in_place = verdict_with("run f", "reload x at 0\nrun f");
    assert_eq!(reload_in_place, "line 1, step 0: x is copied to the scratchpad, but nothing reads it there");
}

/// Two tiles write a tensor in host memory, and a third one reads a region of it that overlaps both.
const STAGED: &str = "
machine scratchpad 192 alignment 64 weights resident
argument x 64
op a: x -> p 64
op b: x -> q 64
staged s 48 from p q
op c: s p -> r 64
return r
";

const STAGED_PROGRAM: &str = "
load x at 0
run a: x@0 -> p@64
spill p@64
run b: x@0 -> q@128
spill q@128
reload s at 0
run c: s@0 p@64 -> r@128
store r@128
";

#[test]
fn a_staged_tensor_is_there_as_soon_as_its_parts_are() {
    assert_eq!(verdict(STAGED, STAGED_PROGRAM), "right: 128 + 176 B");
    let with = |line: &str, replacement: &str| verdict(STAGED, &STAGED_PROGRAM.replace(line, replacement));
    let expected = "line 5, step 2: s is needed in host memory, but its part q is not there";
    assert_eq!(with("spill q@128\n", ""), expected);
    assert_eq!(
        with("reload s at 0", "reload s at 0\nspill s@0"),
        "line 7, step 2: s is spilled, but host memory has a copy of it already"
    );
    assert_eq!(
        with("reload s at 0", "reload s at 0\nreload s at 0"),
        "line 6, step 2: s is copied to the scratchpad, but nothing reads it there"
    );
    // A part need not be reloaded.
    let unread = STAGED.replace("op c: s p ->", "op c: p q ->");
    let program =
        STAGED_PROGRAM.replace("reload s at 0\n", "").replace("s@0 p@64", "p@64 q@128").replace("r@128", "r@0");
    let expected = "line 3, step 1: p is spilled, but not reloaded afterwards\nline 5, step 2: q is spilled, but not reloaded afterwards";
    assert_eq!(verdict(&unread, &program), expected);
    // Read in host memory, it is streamed.
    let streamed = STAGED.replace("c: s p", "c: s@host p");
    let program = STAGED_PROGRAM.replace("reload s at 0\n", "").replace("c: s@0", "c: s@host");
    assert_eq!(verdict(&streamed, &program), "right: 128 + 176 B");
    let expected = "line 5, step 2: s is needed in host memory, but its part q is not there";
    assert_eq!(verdict(&streamed, &program.replace("spill q@128\n", "")), expected);
}

/// A part that is a result is stored once.
#[test]
fn a_part_that_is_a_result_goes_out_once() {
    let result = STAGED.replace("return r", "return r p");
    let program = STAGED_PROGRAM.replace("spill p", "store p");
    assert_eq!(verdict(&result, &program), "right: 192 + 112 B");
    let twice = program.replace("store p@64", "store p@64\nspill p@64");
    assert_eq!(verdict(&result, &twice), "line 4, step 1: p is spilled, but host memory has a copy of it already");
}

#[test]
fn absurd_programs_are_refused_and_nothing_more() {
    let problem = problem(CHAIN);
    let (tensor, op) = (TensorId(u32::MAX), OpId(17));
    let far = Place::on_chip(Bytes(u64::MAX));
    let nowhere = Place { memory: MemoryId(u32::MAX), offset: Bytes(1) };
    let slot = |tensor| Slot { tensor, place: far };
    let actions = [
        Action::Copy(Copy { tensor, from: Place::HOME, to: far }),
        Action::Issue(Copy { tensor: TensorId(3), from: nowhere, to: far }),
        Action::Copy(Copy { tensor: TensorId(3), from: Place::HOME, to: far }),
        Action::Wait(slot(tensor)),
        Action::Run { op, reads: vec![], writes: vec![], workspace: far.offset },
        Action::Run { op: OpId(0), reads: vec![slot(tensor)], writes: vec![slot(TensorId(1))], workspace: far.offset },
    ];
    let expected = "line 1, step 0: there is no tensor 4294967295
line 2, step 0: there is no memory 4294967295
line 3, step 0: s is needed in host memory, but is not there
line 3, step 0: s@18446744073709551615 is not at a multiple of 64 B
line 3, step 0: s@18446744073709551615 of 64 B ends after the scratchpad of 192 B
line 3, step 0: s is copied to the scratchpad, but nothing reads it there
line 4, step 0: tensor 4294967295@18446744073709551615 is waited for, but is not being copied
line 5, step 0: there is no operator 17
line 6, step 1: f reads x, but is given tensor 4294967295
line 6, step 1: f writes y z, but is given y
line 6, step 1: y@18446744073709551615 is not at a multiple of 64 B
line 6, step 1: y@18446744073709551615 of 64 B ends after the scratchpad of 192 B
at the end: g did not run
at the end: s is a result, but is not stored";
    assert_eq!(judge(&problem, &actions), expected);
}

/// Two element-wise operators on two units.
const IN_PLACE: &str = "
machine scratchpad 128 alignment 64 weights resident
argument x 60
argument y 60
op f: x -> r 60 over x
op g: r y -> s 60 over r y
return s
";

#[test]
fn a_result_may_lie_where_an_operand_lies_that_nobody_is_still_to_read() {
    let program = "
load x at 0
run f: x@0 -> r@0
load y at 64
run g: r@0 y@64 -> s@64
store s@64
";
    assert_eq!(verdict(IN_PLACE, program), "right: 180 + 0 B");
    let of_the_other = program.replace("s@64", "s@0");
    assert_eq!(verdict(IN_PLACE, &of_the_other), "right: 180 + 0 B");
    // It must be declared.
    let unsaid = IN_PLACE.replace(" over x", "");
    assert_eq!(verdict(&unsaid, program), "line 2, step 0: x@0 and r@0 overlap while f runs");
    // A part at the wrong offset.
    let shifted = program.replace("r@0", "r@32");
    assert!(verdict(IN_PLACE, &shifted).contains("x@0 and r@32 overlap while f runs"));
}

#[test]
fn an_operand_is_gone_where_a_result_took_its_place() {
    let again = IN_PLACE.replace("r y ->", "r x y ->").replace("scratchpad 128", "scratchpad 192");
    let program = "
load x at 0
run f: x@0 -> r@0
load y at 64
run g: r@0 x@0 y@64 -> s@64
store s@64
";
    assert_eq!(
        verdict(&again, program),
        "line 4, step 1: x is needed at 0, but does not lie there intact\n\
         line 4, step 1: r@0 and x@0 overlap while g runs"
    );
}

#[test]
fn two_results_cannot_take_one_place() {
    let text = "
machine scratchpad 128 alignment 64 weights resident
argument x 60
op f: x -> r 60 over x, s 60 over x
return r s
";
    let program = "
load x at 0
run f: x@0 -> r@0 s@0
store r@0
store s@0
";
    let verdict = verdict(text, program);
    assert!(verdict.starts_with("line 2, step 0: r@0 and s@0 overlap while f runs"), "{verdict}");
}

/// A concatenation and a split, with parts smaller than their padded sizes.
const PARTS: &str = "
machine scratchpad 192 alignment 64 weights resident
argument x 60
argument y 60
op join: x y -> z 124 over x y at 64
op part: z -> a 64 over z, b 50 over z at 64
return a b
";

#[test]
fn parts_lie_where_the_whole_has_them() {
    let program = "
load x at 64
load y at 128
run join: x@64 y@128 -> z@64
run part: z@64 -> a@64 b@128
store a@64
store b@128
";
    assert_eq!(verdict(PARTS, program), "right: 234 + 0 B");
    // Only one of them, and only a part of the operand of the split.
    let one = program.replace("b@128", "b@0");
    assert_eq!(verdict(PARTS, &one), "right: 234 + 0 B");
    // At another offset.
    let swapped = program.replace("b@128", "b@64").replace("a@64", "a@0");
    assert!(verdict(PARTS, &swapped).starts_with("line 4, step 1: z@64 and b@64 overlap while part runs"));
    // It must be declared.
    let unsaid = PARTS.replace(" y at 64", "");
    assert!(verdict(&unsaid, program).starts_with("line 3, step 0: y@128 and z@64 overlap while join runs"));
    // A tensor that is read later was overwritten there.
    let again = PARTS.replace("part: z", "part: z y");
    let gone = "line 4, step 1: y is needed at 128, but does not lie there intact";
    assert!(verdict(&again, &program.replace("part: z@64", "part: z@64 y@128")).starts_with(gone));
}

/// Two memories besides host memory, reserved addresses, an edge without a tensor, and an operator that may run again.
const TIERS: &str = "
memory host
memory l1 192 alignment 64 reserved 0..32
memory l2 256 alignment 16 reserved 240..256
link host l1
link l1 host
link l1 l2
link l2 l1
argument x 60
argument k 16
op f: x -> y 60
op g: y k@l2|host -> z 60
op h: y z -> s 60
order f g
again f
return s
";

/// `y` is recomputed, `x` is kept in `l2` for that, and `z` is copied there while `f` runs.
const TIERS_PROGRAM: &str = "
load x at 64
move x@64 at l2:0 async
run f: x@64 -> y@128
wait x@l2:0
run g: y@128 k@host -> z@64
move z@64 at l2:64 async
move x@l2:0 at 128
wait z@l2:64
run f: x@128 -> y@64
move z@l2:64 at 128
run h: y@64 z@128 -> s@64
";

#[track_caller]
fn tiers_with(line: &str, replacement: &str) -> String {
    let program = format!("{TIERS_PROGRAM}store s@64\n");
    assert!(program.contains(line), "the line is there");
    verdict(TIERS, &program.replace(line, replacement))
}

#[test]
fn several_memories_copies_that_take_time_runs_again_and_reserved_addresses() {
    // h has three blocks, and there is space for two.
    let crowded = tiers_with("store", "store");
    assert_eq!(crowded, "line 11, step 3: y@64 and s@64 overlap while h runs");
    let over = TIERS.replace("-> s 60", "-> s 60 over y");
    let program = format!("{TIERS_PROGRAM}store s@64\n");
    // x and s, and k once. Copies between l1 and l2 do not count.
    assert_eq!(verdict(&over, &program), "right: 136 + 0 B");
    let actions = parse_program(&problem(&over), &program).unwrap();
    assert_eq!(program_text(&problem(&over), &actions).join("\n"), program.trim());
    for answer in [Answer::AtIssue, Answer::AtWait] {
        assert_eq!(interpret_with(&problem(&over), &actions, answer), Ok(compute(&problem(&over))));
    }

    let verdict_with = |line: &str, replacement: &str| {
        assert!(program.contains(line), "the line is there");
        verdict(&over, &program.replace(line, replacement))
    };
    // A copy is complete only after its wait, and holds both places until then.
    let early = verdict_with("wait x@l2:0\n", "");
    let expected = "line 2, step 0: x@l2:0 is copied, but not waited for
line 4, step 1: z@64 is written where x is still being copied from or to
line 6, step 2: x is needed at 0 in l2, but does not lie there intact";
    assert_eq!(early, expected);
    let twice = verdict_with("wait x@l2:0\n", "wait x@l2:0\nwait x@l2:0\n");
    assert_eq!(twice, "line 5, step 1: x@l2:0 is waited for, but is not being copied");
    let over_source = verdict_with("wait z@l2:64\nrun f: x@128 -> y@64\n", "run f: x@128 -> y@64\nwait z@l2:64\n");
    assert_eq!(over_source, "line 8, step 2: y@64 is written where z is still being copied from or to");
    let over_target = verdict_with("move x@l2:0 at 128", "move x@l2:0 at 128\nmove x@128 at l2:64");
    let expected = "line 8, step 2: x@l2:64 is written where z is still being copied from or to
line 8, step 2: x is copied to l2, but nothing reads it there";
    assert_eq!(over_target, expected);

    // Only declared operators may run again, and their results must be read.
    assert_eq!(verdict(&over.replace("again f\n", ""), &program), "line 9, step 2: f runs a second time");
    let for_nothing = verdict_with("store", "load x at 128\nrun f: x@128 -> y@64\nstore");
    assert!(for_nothing.contains("x is loaded a second time"), "{for_nothing}");
    let for_nothing = verdict_with("store s@64", "store s@64\nmove x@l2:0 at 128\nrun f: x@128 -> y@64");
    assert_eq!(for_nothing, "line 14, step 4: f runs again, but nothing reads its results afterwards");

    // Reserved, missing and misaligned.
    let reserved = verdict_with("load x at 64\nmove x@64", "load x at 0\nmove x@0").replace("x@64 ->", "x@0 ->");
    assert!(reserved.starts_with("line 1, step 0: x@0 overlaps reserved addresses"), "{reserved}");
    let reserved = verdict(&over, &program.replace("l2:64", "l2:192"));
    assert_eq!(reserved, "line 6, step 2: z@l2:192 overlaps reserved addresses");
    let far = verdict(&over, &program.replace("l2:64", "l2:208"));
    let expected = "line 6, step 2: z@l2:208 of 60 B ends after l2 of 256 B
line 6, step 2: z@l2:208 overlaps reserved addresses";
    assert_eq!(far, expected);
    assert_eq!(
        verdict(&over, &program.replace("l2:64", "l2:72")),
        "line 6, step 2: z@l2:72 is not at a multiple of 16 B"
    );
    let unlinked = over.replace("link l2 l1\n", "");
    assert!(verdict(&unlinked, &program).starts_with("line 7, step 2: there is no link from l2 to the scratchpad"));

    // An operand may lie in one of the memories of its use, edges are respected, and an unread copy is waste.
    let direct = format!("load k at l2:128\n{program}").replace("k@host", "k@l2:128");
    assert!(verdict(&over, &direct).starts_with("line 1, step 0: there is no link from host memory to l2"));
    let on_chip = verdict_with("run g: y@128 k@host", "load k at 64\nrun g: y@128 k@64");
    assert!(on_chip.contains("g is given k in the scratchpad, where it cannot use it"), "{on_chip}");
    let waste = verdict_with("run g:", "move y@128 at l2:128\nrun g:");
    assert_eq!(waste, "line 5, step 1: y is copied to l2, but nothing reads it there");
    let order = "machine scratchpad 64 alignment 1\nop f: -> a 1\nop g: -> b 1\norder f g\nreturn a b\n";
    let reordered = "run g: -> b@0\nstore b@0\nrun f: -> a@0\nstore a@0\n";
    assert_eq!(verdict(order, reordered), "line 1, step 0: g runs before f, which has to run first");
    assert_eq!(verdict(&order.replace("order f g\n", ""), reordered), "right: 2 + 0 B");
}

/// The judge only visits what a line accesses: a hundred times as many tensors in memory do not make a line slower.
#[test]
fn many_tensors_at_once_are_judged() {
    let n_tensors = 30_000;
    let mut text = format!("machine scratchpad {} alignment 1\n", n_tensors + 1);
    for index in 0..n_tensors {
        text += &format!("op f{index}: -> t{index} 1\n");
    }
    let names: Vec<String> = (0..n_tensors).map(|it| format!("t{it}")).collect();
    text += &format!("op end: {} -> s 1\nreturn s\n", names.join(" "));
    let problem = problem(&text);
    let mut actions = Vec::new();
    for op in problem.graph.op_ids() {
        let operator = problem.graph.op(op);
        let reads = operator.reads.iter().map(|it| Slot::on_chip(it.tensor, Bytes(it.tensor.0.into()))).collect();
        let writes = operator.writes.iter().map(|it| Slot::on_chip(*it, Bytes(it.0.into()))).collect();
        actions.push(Action::Run { op, reads, writes, workspace: Bytes::ZERO });
    }
    let last = problem.graph.results()[0];
    actions.push(Action::Copy(Copy { tensor: last, from: Place::on_chip(Bytes(n_tensors)), to: Place::HOME }));
    assert_eq!(judge(&problem, &actions), "right: 1 + 0 B");
}
