//! Random arguments.
//!
//! - Floats are ±1.m × 2^-e with e from 1 to 4 and a random mantissa m: finite, and such that long sums and
//!   products neither overflow nor vanish.
//! - Integers of 8 and 16 bits have any value; wider ones, which may be indices or counts, are 0 to 3; an
//!   `i1` is 0 or 1.
//!
//! A value depends only on the seed, the index of the argument and the position in it.

use cosma_ir::execute::{Buffer, BufferType, Element, ExecuteError};

/// Upper limit on the size of an argument, in bytes.
const LIMIT: u64 = 1 << 34;

/// Makes a random argument of a type.
///
/// # Errors
/// [`ExecuteError::Memory`] if it exceeds [`LIMIT`].
pub(super) fn argument(seed: u64, index: usize, r#type: &BufferType) -> Result<Buffer, ExecuteError> {
    let mut random = Random(mix(seed ^ mix(index as u64)));
    let (size, width) = (size(r#type)? as usize, r#type.element.size());
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        bytes.extend_from_slice(&element(&mut random, r#type.element).to_le_bytes()[..width]);
    }
    Ok(Buffer::new(r#type.element, &r#type.shape, bytes).expect("there are as many bytes"))
}

/// Makes a buffer filled with a pattern of eight bytes.
///
/// # Errors
/// [`ExecuteError::Memory`] if it exceeds [`LIMIT`].
pub(super) fn poisoned(r#type: &BufferType, poison: u64) -> Result<Buffer, ExecuteError> {
    let needed = size(r#type)?;
    Buffer::filled(r#type.element, &r#type.shape, poison).ok_or(ExecuteError::Memory { needed, limit: LIMIT })
}

/// The size of a buffer in bytes.
///
/// # Errors
/// [`ExecuteError::Memory`] if it exceeds [`LIMIT`].
fn size(r#type: &BufferType) -> Result<u64, ExecuteError> {
    let size = r#type.shape.iter().try_fold(r#type.element.size() as u64, |size, it| size.checked_mul(*it));
    let needed = size.unwrap_or(u64::MAX);
    if LIMIT < needed { Err(ExecuteError::Memory { needed, limit: LIMIT }) } else { Ok(needed) }
}

fn element(random: &mut Random, element: Element) -> u64 {
    let bits = random.next();
    match element {
        Element::Integer { bits: 1 } => bits & 1,
        Element::Integer { bits: 8 | 16 } => bits,
        Element::Integer { bits: width } => bits & 3 & ((1 << width.min(63)) - 1),
        Element::Index => bits & 3,
        Element::Float { exponent, mantissa } => {
            let bias = (1u64 << (exponent - 1)) - 1;
            let power = bias - 1 - ((bits >> 1) & 3).min(bias - 2);
            let fraction = (bits >> 8) & ((1 << mantissa) - 1);
            (bits & 1) << (exponent + mantissa) | power << mantissa | fraction
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }
}

fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, seed: u64) -> Buffer {
        let element = Element::parse(name).expect("it is known");
        argument(seed, 3, &BufferType { element, shape: vec![8, 64] }).expect("it is small")
    }

    #[test]
    fn floats_are_mild() {
        for value in of("f32", 1).bytes().chunks_exact(4) {
            let value = f32::from_le_bytes(value.try_into().expect("four"));
            assert!((0.0625..1.0).contains(&value.abs()), "{value}");
        }
        for name in ["f64", "f16", "bf16", "f8E5M2", "f8E4M3"] {
            let values = of(name, 1);
            let bits: Vec<u64> = (0..values.len()).map(|it| values.bits(it)).collect();
            assert!(bits.iter().all(|it| !values.element().is_nan(*it)), "{name}");
            assert!(bits.iter().any(|it| *it != bits[0]), "{name}");
        }
    }

    #[test]
    fn integers_are_safe() {
        assert!(of("i32", 1).bytes().chunks_exact(4).all(|it| it[0] < 4 && it[1..] == [0, 0, 0]));
        assert!(of("i1", 1).bytes().iter().all(|it| *it < 2));
        assert!(of("i8", 1).bytes().iter().any(|it| 127 < *it));
    }

    #[test]
    fn seeds_decide() {
        assert!(of("f32", 1) == of("f32", 1));
        assert!(of("f32", 1) != of("f32", 2));
    }
}
