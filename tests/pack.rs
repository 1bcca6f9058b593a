//! `cosma-pack` from the outside: all that it can say, and its output judged anew.

mod common;

use common::{Run, shared};
use cosma_planner::Bytes;
use cosma_planner::pack::{Interval, check_packing};
use std::io::Write;
use std::process::{Command, Stdio};

/// What comes of a run of cosma-pack on a table.
fn pack(table: impl AsRef<[u8]>, flags: &[&str]) -> Run {
    Run::new(env!("CARGO_BIN_EXE_cosma-pack"), "csv", table, flags)
}

/// The example of MiniMalloc's README.
const EXAMPLE: &str = "id,lower,upper,size\nb1,0,3,4\nb2,3,9,4\nb3,0,9,4\nb4,9,21,4\nb5,0,21,4\n";

/// Intervals and offsets of a table with the columns id, lower, upper, size and offset.
fn read(table: &str) -> (Vec<Interval>, Vec<Bytes>) {
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("id,lower,upper,size,offset"));
    let row = |line: &str| {
        let fields: Vec<u64> = line.split(',').skip(1).map(|it| it.parse().expect("a number")).collect();
        (Interval::new(fields[0] as u32, fields[1] as u32, Bytes(fields[2])), Bytes(fields[3]))
    };
    lines.map(row).unzip()
}

#[test]
fn places_within_a_capacity() {
    let table = pack(EXAMPLE, &["--capacity=12"]).succeeds_saying("in.csv: placed: 5 intervals, height 12 B of 12 B");
    let (intervals, offsets) = read(&table);
    assert_eq!(check_packing(&intervals, &offsets, Bytes(12), Bytes(1)), []);
    // What was written is read again: all offsets are fixed, and the rows the same.
    assert_eq!(pack(&table, &["--capacity=12"]).succeeds_saying("placed"), table);
    let aligned = pack(EXAMPLE, &["--capacity=1KiB", "--alignment=16"]).succeeds_saying("placed: 5 intervals");
    assert!(read(&aligned).1.iter().all(|it| it.0.is_multiple_of(16)));
}

#[test]
fn finds_the_least_height_without_a_capacity() {
    let table = pack(EXAMPLE, &[]).succeeds_saying("height 12 B, lower bound 12 B: proven minimal");
    assert_eq!(read(&table).1.len(), 5);
    let fits = pack("id,lower,upper,size\n", &[]).succeeds_saying("placed: 0 intervals, height 0 B");
    assert_eq!(fits, "id,lower,upper,size,offset\n");
}

#[test]
fn says_why_there_is_no_packing() {
    let run = pack(EXAMPLE, &["--capacity=11"]);
    let says = run.says();
    run.fails(1, "in.csv: infeasible: there is no packing within 11 B: 3 of 5 intervals cannot be packed together");
    let named = |it: &str| says.contains(&format!("\n  {it} (line "));
    assert!(named("b5") && named("b3") && (named("b1") || named("b2")) && !named("b4"), "{says}");
    pack(EXAMPLE, &["--capacity=3"]).fails(1, "1 of 5 intervals does not fit even alone:\n  b1 (line 2): 0 to 3, 4 B");
    let clash = "id,lower,upper,size,offset\na,0,5,4,0\nb,4,9,4,3\nc,0,9,4,\n";
    pack(clash, &[]).fails(1, "infeasible: there is no packing at any height: 2 of 3 intervals");
    pack(clash, &["--capacity=100"]).fails(1, "  b (line 3): 4 to 9, 4 B, offset 3");
    let off = "id,lower,upper,size,offset\na,0,5,4,2\n";
    pack(off, &["--alignment=4"]).fails(1, "infeasible: there is no packing at any height: 1 of 1 intervals");
}

#[test]
fn says_that_time_was_over() {
    let mut table = String::from("id,lower,upper,size\n");
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % limit
    };
    for id in 0..400 {
        let lower = below(300);
        table += &format!("{id},{lower},{},{}\n", lower + 1 + below(300), 1000 + below(100_000));
    }
    let best = pack(&table, &["--time-limit=0"]).succeeds_saying("not proven minimal");
    let (intervals, offsets) = read(&best);
    let load = cosma_planner::pack::load(&intervals, Bytes(1));
    assert_eq!(check_packing(&intervals, &offsets, Bytes(u64::MAX), Bytes(1)), []);
    let run = pack(&table, &[&format!("--capacity={load}"), "--time-limit=0"]);
    assert!(run.says().contains(&format!("the capacity is {load} B")), "{}", run.says());
    run.fails(3, "in.csv: not decided in time: the best packing found needs ");
}

/// Two that lie above each other's middle: one byte too many. This once climbed byte by byte.
#[test]
fn large_windows_are_decided_at_once() {
    let table = "id,lower,upper,size,gaps\n\
                 a,0,10,4000000000000,0-5@0:2000000000005 5-10@2000000000004:4000000000000\n\
                 b,0,10,4000000000000,0-5@2000000000000:4000000000000 5-10@0:2000000000000\n";
    pack(table, &["--capacity=5000000000000"])
        .fails(1, "infeasible: there is no packing within 5000000000000 B: 2 of 2");
    pack(table, &[]).succeeds_saying("height 8000000000000 B, lower bound 8000000000000 B: proven minimal");
}

/// Numbers at the edge of what can be counted: packed, or an error at their place.
#[test]
fn the_largest_numbers_are_counted_or_refused() {
    let most = (1_u64 << 61) - 1;
    let two = format!("id,lower,upper,size\na,0,3,{most}\nb,0,3,{}\n", most - 1);
    pack(&two, &[]).succeeds_saying(&format!("height {} B, lower bound", 2 * most - 1));
    pack(&two, &[&format!("--capacity={}", 2 * most - 1)]).succeeds_saying("placed");
    pack(&two, &[&format!("--capacity={}", 2 * most - 2)]).fails(1, "infeasible");
    let refused = "add up to 2^62 B or more, which is too large";
    for rows in [
        format!("a,0,3,{},,", (1_u64 << 62) - 1),
        format!("a,0,3,4,{},", (1_u64 << 62) - 1),
        format!("a,0,3,4,,{}", (1_u64 << 62) - 1),
        format!("a,0,3,{most},,\nb,0,3,{},,", most + 2),
    ] {
        let table = format!("id,lower,upper,size,alignment,offset\n{rows}\n");
        pack(&table, &[]).fails(1, refused);
        pack(&table, &["--capacity=1KiB"]).fails(1, refused);
    }
    pack("id,lower,upper,size\na,0,3,4\n", &["--alignment=4194304TiB"]).fails(1, refused);
    let windows = format!(
        "id,lower,upper,size,gaps\na,0,9,{most},0-4@0:{} 5-9@1:{most}\nb,0,9,{},0-4@1:{} 5-9@0:7\n",
        most - 1,
        most - 1,
        most - 1
    );
    pack(&windows, &["--time-limit=5"]).succeeds_saying("proven minimal");
    let steps = format!("id,lower,upper,size\na,{},{},4\n", i64::MIN, i64::MAX);
    pack(steps, &[]).succeeds_saying("height 4 B");
}

#[test]
fn columns_come_in_any_order_and_others_are_passed_on() {
    let table = "offset,note,size,upper,lower,gaps,id,alignment\n\
                 ,\"x, y\",4,9,0,2-4 6-8,a,1\n8,,4,9,0,,b,8\n,z,4,4,2,,c,\n,,4,8,6,,d,\n,,2,9,0,3-5@0:1,e,2\n";
    let run = pack(table, &["--capacity=12"]);
    assert!(run.says().contains("in.csv:1:2: warning: column 'note' is unknown and copied unchanged"));
    let written = run.succeeds_saying("placed: 5 intervals");
    let lines: Vec<&str> = written.lines().collect();
    assert_eq!(lines[0], "offset,note,size,upper,lower,gaps,id,alignment");
    assert!(lines[1].ends_with(",\"x, y\",4,9,0,2-4 6-8,a,1"), "{written}");
    assert_eq!(lines[2], "8,,4,9,0,,b,8");
    pack(&written, &["--capacity=12"]).succeeds_saying("placed");
    // Without the gaps there is no room for c and d.
    pack(table.replace("2-4 6-8", "").replace("3-5@0:1", ""), &["--capacity=12"]).fails(1, "infeasible: ");
}

/// Names of columns as they were, where the end is the last step.
#[test]
fn an_end_is_the_last_step() {
    pack("buffer_id,start,end,size\na,0,3,4\nb,4,5,4\n", &["--capacity=4"]).succeeds_saying("placed");
    pack("buffer_id,start,end,size\na,0,3,4\nb,3,5,4\n", &["--capacity=4"]).fails(1, "infeasible: ");
    pack("buffer,begin,upper,size\na,-9,3,4\nb,3,5,4\n", &["--capacity=4"]).succeeds_saying("placed");
}

#[test]
fn bad_tables_are_refused_at_their_place() {
    let cases: &[(&str, &str)] = &[
        ("", "in.csv:1:1: error: there is no header"),
        ("\n\n", "in.csv:1:1: error: there is no header"),
        ("id,lower,size\n", "in.csv:1:1: error: there is no column 'upper'"),
        ("id,lower,upper,size,id\n", "in.csv:1:5: error: there are two columns 'id'"),
        ("id,lower,upper,size,end\n", "in.csv:1:5: error: there are two columns 'upper'"),
        ("id,lower,upper,size\na,0,3\n", "in.csv:2:3: error: 3 fields instead of 4"),
        ("id,lower,upper,size\n\n\na,0,3,4,5\n", "in.csv:4:4: error: 5 fields instead of 4"),
        ("id,lower,upper,size\na,0,3,4\na,0,3,4\n", "in.csv:3:1: error: 'a' is not unique: it is in line 2, too"),
        ("id,lower,upper,size\na,x,3,4\n", "in.csv:2:2: error: lower is 'x', which is not an integer"),
        ("id,lower,upper,size\na,,3,4\n", "in.csv:2:2: error: lower is '', which is not an integer"),
        ("id,lower,upper,size\na,0,1.5,4\n", "in.csv:2:3: error: upper is '1.5', which is not an integer"),
        ("id,lower,upper,size\na,5,3,4\n", "in.csv:2:3: error: it ends at 3, before it starts at 5"),
        ("id,lower,upper,size\na,0,3,-4\n", "in.csv:2:4: error: size is -4, and cannot be negative"),
        ("id,lower,upper,size\na,0,3,4611686018427387904\n", "which is too large: it is less than 2^62"),
        ("id,lower,upper,size\na,0,3,99999999999999999999999999999999999999999999\n", "2:4: error: size is '9999"),
        ("id,lower,upper,size\na,0,9223372036854775808,4\n", "in.csv:2:3: error: upper is 9223372036854775808"),
        (
            "id,lower,upper,size\na,0,3,4611686018427387000\nb,0,3,4611686018427387000\n",
            "in.csv:3:4: error: sizes, alignments and offsets add up to 2^62 B or more",
        ),
        ("id,lower,upper,size,alignment\na,0,3,4,0\n", "in.csv:2:5: error: alignment is 0, but must be at least 1"),
        ("id,lower,upper,size,offset\na,0,3,4,-1\n", "in.csv:2:5: error: offset is -1, and cannot be negative"),
        ("id,lower,upper,size,gaps\na,0,9,4,3\n", "in.csv:2:5: error: '3' is not a gap"),
        ("id,lower,upper,size,gaps\na,0,9,4,3-5@1\n", "in.csv:2:5: error: '3-5@1' is not a gap"),
        ("id,lower,upper,size,gaps\na,0,9,4,5-3\n", "in.csv:2:5: error: gap '5-3' ends before it starts"),
        ("id,lower,upper,size,gaps\na,0,9,4,8-10\n", "in.csv:2:5: error: gap '8-10' is not within the interval"),
        ("id,lower,upper,size,gaps\na,0,9,4,1-4 3-5\n", "in.csv:2:5: error: gap '3-5' overlaps another"),
        ("id,lower,upper,size,gaps\na,0,9,4,1-4@0:5\n", "error: the bytes of gap '1-4@0:5' are not within the 4 B"),
        ("id,lower,upper,size,gaps\na,0,9,4,é-\n", "in.csv:2:5: error: gap is 'é', which is not an integer"),
    ];
    for (table, text) in cases {
        pack(table, &["--capacity=100"]).fails(1, text);
        pack(table, &[]).fails(1, text);
    }
    pack(b"id,lower,upper,size\n\xff,0,1,2\n", &[]).fails(1, "in.csv:2:1: error: the field is not UTF-8");
}

#[test]
fn wrong_calls_are_refused() {
    for flags in [
        &["--capacity=0"][..],
        &["--capacity=12KB"],
        &["--capacity=-1"],
        &["--alignment=0"],
        &["--time-limit=soon"],
        &["--height=5"],
        &["second.csv"],
    ] {
        pack(EXAMPLE, flags).fails(2, "error: ");
    }
    let run = |arguments: &[&str]| Command::new(env!("CARGO_BIN_EXE_cosma-pack")).args(arguments).output().unwrap();
    assert_eq!(run(&[]).status.code(), Some(2));
    let missing = run(&["there-is-no-such-file.csv"]);
    assert_eq!(missing.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("error: cannot read there-is-no-such-file.csv: "));
}

#[test]
fn reads_and_writes_streams() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cosma-pack"))
        .args(["-", "--capacity=12"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let text = format!("\u{feff}{}", EXAMPLE.replace('\n', "\r\n"));
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(read(&String::from_utf8(output.stdout).expect("text")).1.len(), 5);
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("<stdin>: placed"));
}

#[test]
fn packs_published_tables() {
    let Some(shared) = shared(&["allocation"]) else { return };
    for (name, capacity) in [("A.1048576", "1MiB"), ("C.1048576", "1048576"), ("nas18.315392", "308KiB")] {
        let table = std::fs::read_to_string(shared.join(format!("allocation/{name}.csv"))).expect("it is there");
        let written = pack(table, &[&format!("--capacity={capacity}"), "--time-limit=60"]).succeeds_saying("placed");
        let (intervals, offsets) = read(&written);
        let limit = if name.starts_with('n') { 315_392 } else { 1_048_576 };
        assert_eq!(check_packing(&intervals, &offsets, Bytes(limit), Bytes(1)), []);
    }
}
