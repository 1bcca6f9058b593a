//! The greatest common divisor.

use std::ops::Rem;

/// The greatest common divisor of two numbers; with zero, the other number.
pub(crate) fn gcd<T: Copy + Default + PartialEq + Rem<Output = T>>(a: T, b: T) -> T {
    if b == T::default() { a } else { gcd(b, a % b) }
}
