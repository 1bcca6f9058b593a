//! The greatest common divisor.

use std::ops::Rem;

/// The greatest common divisor; zero divides as if it were not there.
pub(crate) fn gcd<T: Copy + Default + PartialEq + Rem<Output = T>>(a: T, b: T) -> T {
    if b == T::default() { a } else { gcd(b, a % b) }
}
