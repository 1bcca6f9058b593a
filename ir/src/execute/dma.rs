//! Asynchronous transfers that complete at the moments at which a missing wait is most likely to show.
//!
//! A program is correct if its results do not depend on when its transfers complete, between their beginning and
//! their wait. So it runs with transfers that complete as soon as they begin, as late as possible, and byte by byte
//! at random moments in between; each channel performs them in order.

use std::collections::VecDeque;

/// When transfers complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// When they begin.
    AtOnce,
    /// When they are waited for.
    AtWait,
    /// In parts, whenever another transfer begins or is waited for; with a seed.
    AtRandom(u64),
}

/// Rows of bytes to copy; the addresses advance by a pitch from row to row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    pub channel: usize,
    pub to: usize,
    pub from: usize,
    pub bytes: usize,
    pub rows: usize,
    pub to_pitch: usize,
    pub from_pitch: usize,
    pub tag: usize,
}

impl Flight {
    pub fn n_bytes(&self) -> usize {
        self.bytes * self.rows
    }
}

/// The channels and their pending transfers.
pub(super) struct Dma {
    mood: Mood,
    /// By channel: transfers in order, and the number of bytes of each that are copied.
    queues: Vec<VecDeque<(Flight, usize)>>,
    /// Tags of transfers that have not been waited for.
    tags: Vec<usize>,
    random: u64,
}

impl Dma {
    pub fn new(mood: Mood) -> Dma {
        let random = if let Mood::AtRandom(seed) = mood { seed.wrapping_mul(2).wrapping_add(1) } else { 1 };
        Dma { mood, queues: Vec::new(), tags: Vec::new(), random }
    }

    /// # Safety
    /// The memory at its addresses stays allocated.
    pub unsafe fn start(&mut self, flight: Flight) {
        if self.queues.len() <= flight.channel {
            self.queues.resize_with(flight.channel + 1, VecDeque::new);
        }
        self.queues[flight.channel].push_back((flight, 0));
        self.tags.push(flight.tag);
        // SAFETY: guaranteed by the caller.
        unsafe { self.go_on() };
    }

    /// Completes all transfers with a tag, and those before them in their channels.
    ///
    /// # Safety
    /// The memory of all begun transfers is still allocated.
    pub unsafe fn wait(&mut self, tag: usize) {
        // SAFETY: guaranteed by the caller.
        unsafe { self.go_on() };
        self.tags.retain(|it| *it != tag);
        for queue in &mut self.queues {
            while queue.iter().any(|it| it.0.tag == tag) {
                let Some((flight, done)) = queue.pop_front() else { break };
                // SAFETY: guaranteed by the caller.
                unsafe { copy(&flight, done..flight.n_bytes()) };
            }
        }
    }

    /// The fault of a program that ends before it has waited for all transfers.
    pub fn never_waited_for(&self) -> Option<String> {
        let n_tags = self.tags.len();
        (n_tags != 0).then(|| format!("{n_tags} transfers are never waited for"))
    }

    /// # Safety
    /// The memory of all begun transfers is still allocated.
    unsafe fn go_on(&mut self) {
        for index in 0..self.queues.len() {
            match self.mood {
                Mood::AtWait => {}
                Mood::AtOnce => {
                    for (flight, done) in self.queues[index].drain(..) {
                        // SAFETY: guaranteed by the caller.
                        unsafe { copy(&flight, done..flight.n_bytes()) };
                    }
                }
                Mood::AtRandom(_) => {
                    // Nothing at all as often as something.
                    while self.draw(2) == 1 {
                        let Some((flight, done)) = self.queues[index].front().copied() else { break };
                        let left = flight.n_bytes() - done;
                        let next = done + self.draw(left as u64 + 1) as usize;
                        // SAFETY: guaranteed by the caller.
                        unsafe { copy(&flight, done..next) };
                        match next == flight.n_bytes() {
                            true => drop(self.queues[index].pop_front()),
                            false => self.queues[index][0].1 = next,
                        }
                    }
                }
            }
        }
    }

    /// A random number below another number: xorshift, by Marsaglia (2003).
    fn draw(&mut self, below: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random % below
    }
}

/// # Safety
/// The bytes are allocated.
unsafe fn copy(flight: &Flight, bytes: std::ops::Range<usize>) {
    let mut at = bytes.start;
    while at < bytes.end {
        let (row, column) = (at / flight.bytes, at % flight.bytes);
        let length = (flight.bytes - column).min(bytes.end - at);
        let (from, to) = (flight.from + row * flight.from_pitch + column, flight.to + row * flight.to_pitch + column);
        // SAFETY: guaranteed by the caller.
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, length) };
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two rows of two bytes from a matrix with rows of three, and the bytes copied after each moment.
    fn moments(mood: Mood) -> [[u8; 4]; 3] {
        let from = [1, 2, 3, 4, 5, 6_u8];
        let mut to = [0_u8; 4];
        let target = to.as_mut_ptr();
        let mut dma = Dma::new(mood);
        let flight = Flight {
            channel: 1,
            to: target.addr(),
            from: from.as_ptr().addr(),
            bytes: 2,
            rows: 2,
            to_pitch: 2,
            from_pitch: 3,
            tag: 7,
        };
        // SAFETY: both arrays are there until the end, and are read only between the calls.
        let read = || unsafe { target.cast::<[u8; 4]>().read() };
        let mut moments = [[0; 4]; 3];
        // SAFETY: as above.
        unsafe { dma.start(flight) };
        moments[0] = read();
        assert!(dma.never_waited_for().is_some());
        // SAFETY: as above. No transfer has this tag.
        unsafe { dma.wait(8) };
        moments[1] = read();
        // SAFETY: as above.
        unsafe { dma.wait(7) };
        moments[2] = read();
        assert_eq!(dma.never_waited_for(), None);
        moments
    }

    #[test]
    fn transfers_are_done_by_their_waits() {
        let done = [1, 2, 4, 5];
        assert_eq!(moments(Mood::AtOnce), [done; 3]);
        assert_eq!(moments(Mood::AtWait), [[0; 4], [0; 4], done]);
        let at_random: Vec<_> = (1..20).map(|it| moments(Mood::AtRandom(it))).collect();
        assert!(at_random.iter().all(|it| it[2] == done));
        // Sometimes only a part is there.
        assert!(at_random.iter().flatten().any(|it| *it != done && *it != [0; 4]));
    }
}
