//! Problems in which addresses cost traffic: the best outline cannot be packed, in any order.
//!
//! They are rare if the scratchpad is a multiple of the alignment: none among 25 716 random problems of
//! [`Shape::TINY`](super::Shape::TINY) with at most nine units. The first two below were found by a search among
//! problems with a forced order and exactly the scratchpad that the padded sizes require. If it is not a multiple, 994
//! of 20 361 had this property: the last block need not be padded, so the scratchpad counts as rounded up, but only
//! some blocks are small enough to be the last, and the last block of one step may conflict with that of the next.

/// A problem whose optimum with addresses is worse than without.
#[derive(Clone, Copy, Debug)]
pub struct Fragmented {
    /// Its name.
    pub name: &'static str,
    /// Its text.
    pub problem: &'static str,
    /// The least non-compulsory bytes of any outline.
    pub outline_optimum: u64,
    /// The least non-compulsory bytes of any plan.
    pub joint_optimum: u64,
}

/// Examples.
pub const FRAGMENTED: &[Fragmented] = &[
    // Of b, c and d in six units, one lies in the middle. Not b, since a left three adjacent units for it; not c, since
    // g needs three adjacent units and h the other three. So d does, c is at an end, and e, which is written while both
    // are present, is at the other end, where g should lie.
    Fragmented {
        name: "halves",
        problem: "
machine scratchpad 6 alignment 1 weights resident
op a: -> a 3
op b: a -> b 2
op c: b -> c 2, d 2
op e: d -> e 1
op g: c e -> g 3
op h: g -> h 3
return h
",
        outline_optimum: 0,
        joint_optimum: 2,
    },
    // b must stay from the first step to the last, while blocks of three, two and one units alternate around it; z is a
    // pure dependence that forces the order.
    Fragmented {
        name: "turns",
        problem: "
machine scratchpad 7 alignment 1 weights resident
op f0: -> z0 0, a 3, b 2
op f1: z0 -> z1 0, c 2
op f2: z1 c -> z2 0
op f3: z2 a -> d 1, e 1
op f4: d -> f 1
op f5: e f -> g 3
op f6: g -> h 2
op f7: h b ->
",
        outline_optimum: 0,
        joint_optimum: 2,
    },
    // Four units of four bytes, the last one byte short. Beside a, x must be the last block, and beside c, b must be:
    // but x and b are present together.
    Fragmented {
        name: "last block",
        problem: "
machine scratchpad 15 alignment 4 weights streamed
argument x 3
op f: x -> a 12
op g: x -> b 5
op h: b -> c 8
return a c
",
        outline_optimum: 0,
        joint_optimum: 3,
    },
];
