//! Memrefs in compiled code: descriptors of 64-bit words.
//!
//! `allocated, aligned, offset, size × rank, stride × rank`; sizes, strides and the offset count elements.

use super::BufferType;

/// The layout of a memref in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// The address of the allocation, to be freed.
    pub allocated: usize,
    /// The address of the first element.
    pub start: usize,
    pub sizes: Vec<i64>,
    /// The strides in bytes.
    pub strides: Vec<i64>,
    /// The size of an element in bytes.
    pub element: usize,
}

/// The number of words of a descriptor of a rank.
pub(super) fn n_words(rank: usize) -> usize {
    3 + 2 * rank
}

/// The descriptor of a contiguous memref.
pub(super) fn write(address: usize, r#type: &BufferType) -> Vec<u64> {
    let mut strides = vec![1u64; r#type.shape.len()];
    for index in (1..strides.len()).rev() {
        strides[index - 1] = strides[index].wrapping_mul(r#type.shape[index]);
    }
    [address as u64, address as u64, 0].into_iter().chain(r#type.shape.iter().copied()).chain(strides).collect()
}

impl Layout {
    /// Reads a descriptor. The number of its words determines its rank.
    pub fn read(words: &[u64], element: usize) -> Layout {
        let rank = (words.len() - 3) / 2;
        let signed = |it: &[u64]| it.iter().map(|it| *it as i64).collect::<Vec<i64>>();
        let start = words[1].wrapping_add(words[2].wrapping_mul(element as u64));
        let strides = words[3 + rank..].iter().map(|it| it.wrapping_mul(element as u64) as i64).collect();
        Layout {
            allocated: words[0] as usize,
            start: start as usize,
            sizes: signed(&words[3..3 + rank]),
            strides,
            element,
        }
    }

    /// A contiguous layout of elements of `element` bytes.
    pub fn contiguous(start: usize, sizes: &[i64], element: usize) -> Layout {
        let mut strides = vec![element as i64; sizes.len()];
        for at in (1..strides.len()).rev() {
            strides[at - 1] = strides[at].saturating_mul(sizes[at]);
        }
        Layout { allocated: start, start, sizes: sizes.to_vec(), strides, element }
    }

    /// The size of all elements in bytes.
    pub fn n_bytes(&self) -> usize {
        self.sizes.iter().map(|it| (*it).max(0) as usize).product::<usize>() * self.element
    }

    /// The addresses of the first byte and the one after the last; `None` if there are no elements.
    pub fn extent(&self) -> Option<(usize, usize)> {
        if self.n_bytes() == 0 {
            return None;
        }
        let reach = |keep: fn(i64) -> bool| -> i64 {
            let steps = self.sizes.iter().zip(&self.strides).filter(|it| keep(*it.1));
            steps.map(|(size, stride)| (size - 1).saturating_mul(*stride)).sum()
        };
        let low = self.start.wrapping_add_signed(reach(|it| it < 0) as isize);
        let high = self.start.wrapping_add_signed(reach(|it| 0 < it) as isize);
        Some((low, high.wrapping_add(self.element)))
    }

    /// The runs of elements that are contiguous in both layouts: their addresses in each, and their size in bytes.
    pub fn runs(&self, other: &Layout) -> Vec<(usize, usize, usize)> {
        // The inner dimensions that are contiguous in both.
        let mut length = self.element;
        let mut rank = self.sizes.len();
        let is_piece = |at: usize, length: usize| {
            self.sizes[at] == 1 || (self.strides[at] == length as i64 && other.strides[at] == length as i64)
        };
        while 0 < rank && is_piece(rank - 1, length) {
            rank -= 1;
            length *= self.sizes[rank].max(0) as usize;
        }
        let mut runs = vec![(self.start, other.start)];
        for at in 0..rank {
            let steps = 0..self.sizes[at].max(0) as isize;
            let step = |(a, b): (usize, usize), it: isize| {
                let (from, to) = (self.strides[at] as isize * it, other.strides[at] as isize * it);
                (a.wrapping_add_signed(from), b.wrapping_add_signed(to))
            };
            runs = runs.into_iter().flat_map(|it| steps.clone().map(move |at| step(it, at))).collect();
        }
        if length == 0 {
            runs.clear();
        }
        runs.into_iter().map(|(a, b)| (a, b, length)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of a matrix of 3 × 4 elements of two bytes at 100, of which only two columns count.
    #[test]
    fn strided() {
        let part = Layout::read(&[90, 96, 2, 3, 2, 4, 1], 2);
        assert_eq!((part.allocated, part.start, part.n_bytes()), (90, 100, 12));
        assert_eq!(part.extent(), Some((100, 120)));
        let whole = Layout::contiguous(200, &[3, 2], 2);
        assert_eq!(part.runs(&whole), [(100, 200, 4), (108, 204, 4), (116, 208, 4)]);
        assert_eq!(whole.runs(&whole), [(200, 200, 12)]);
    }

    #[test]
    fn nothing_and_one() {
        let none = Layout::contiguous(8, &[3, 0], 8);
        assert_eq!((none.extent(), none.runs(&none)), (None, vec![]));
        let scalar = Layout::contiguous(8, &[], 8);
        assert_eq!((scalar.extent(), scalar.runs(&scalar)), (Some((8, 16)), vec![(8, 8, 8)]));
    }
}
