//! A problem with a clock and a program with overlapping transfers, small enough to follow by hand.

/// A byte takes half a cycle in each direction; `w` is loaded during B, its second half only at the former place of
/// `a`.
pub const PROBLEM: &str = "\
machine scratchpad 384 alignment 64
channel in
channel out
link host scratchpad rate 2 setup 4 latency 10 burst 32 on in
link scratchpad host rate 2 latency 5 on out
argument x 64
weight w 128
op A_0: x -> a 128 cycles 60
op B_1: a -> b 128 cycles 50
op C_2: b w -> c 64 cycles 40
op D_3: c a -> d 64 cycles 30
return d
";

/// A program for it: `a` is spilled and reloaded, `w` is loaded in two slices.
pub const OVERLAPPED: &str = "\
load x at 0
run A_0: x@0 -> a@64
spill a@64 async
load w at 0 slice 0..64 async
run B_1: a@64 -> b@256
wait a@host
load w at 0 slice 64..128 async
wait w@0
run C_2: b@256 w@0 -> c@128
reload a at 192 async
wait a@192
run D_3: c@128 a@192 -> d@0
store d@0
";
