//! The memory of a running program, and the functions that it calls to allocate, free, copy and transfer.
//!
//! Compiled code calls these functions without a context, so the memory of the current call is thread-local
//! ([`Memory::during`]). No state is kept between calls.

use super::descriptor::Layout;
use super::dma::{Dma, Flight, Mood};
use crate::Transfer;
use crate::ffi::{cosmaCall, cosmaLeave, guard};
use std::alloc;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::c_void;

/// The bytes that transfers moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Loads.
    pub load: u64,
    /// Reloads.
    pub reload: u64,
    /// Spills.
    pub spill: u64,
    /// Stores.
    pub store: u64,
    /// Copies between memories other than host memory.
    pub copy: u64,
}

impl Moved {
    /// The bytes from and to host memory.
    pub fn total(&self) -> u64 {
        self.compulsory() + self.non_compulsory()
    }

    /// Loads and stores.
    pub fn compulsory(&self) -> u64 {
        self.load + self.store
    }

    /// Reloads and spills.
    pub fn non_compulsory(&self) -> u64 {
        self.reload + self.spill
    }

    /// The bytes moved since an earlier count.
    pub(super) fn since(self, before: Moved) -> Moved {
        Moved {
            load: self.load - before.load,
            reload: self.reload - before.reload,
            spill: self.spill - before.spill,
            store: self.store - before.store,
            copy: self.copy - before.copy,
        }
    }

    fn count(&mut self, transfer: Transfer, bytes: u64) {
        *match transfer {
            Transfer::Load => &mut self.load,
            Transfer::Reload => &mut self.reload,
            Transfer::Spill => &mut self.spill,
            Transfer::Store => &mut self.store,
            Transfer::Copy => &mut self.copy,
        } += bytes;
    }
}

/// The source and destination of bytes: the index of an argument each, or `None`.
pub type Way = (Option<usize>, Option<usize>);

/// The transfers by the numbers that compiled code passes.
pub(super) const TRANSFERS: [Transfer; 5] =
    [Transfer::Load, Transfer::Reload, Transfer::Spill, Transfer::Store, Transfer::Copy];

/// The content of the guard zones around a block.
const GUARD: u8 = 0xC5;
const GUARD_SIZE: usize = 64;
/// The most bytes of freed blocks to keep, to detect uses after free.
const KEPT: usize = 64 << 20;
/// The most faults to report.
const MOST_FAULTS: usize = 16;

/// The blocks of memory of the caller and the program.
pub(super) struct Memory {
    poison: u64,
    /// By the address of the first byte.
    blocks: BTreeMap<usize, Block>,
    freed: VecDeque<(usize, Block)>,
    freed_size: usize,
    pub moved: Moved,
    /// Without streamed bytes.
    pub ways: BTreeMap<Way, u64>,
    /// By the address of the first byte of a caller's block: the number of blocks passed before it.
    given: BTreeMap<usize, usize>,
    pub faults: Vec<String>,
    dma: Dma,
    /// Why the program was aborted.
    pub end: Option<String>,
}

/// A block between its guards.
struct Block {
    base: *mut u8,
    layout: alloc::Layout,
    /// The size of the guard zone before it.
    before: usize,
    size: usize,
    /// Whether the caller passed it, so that the program must not free it.
    is_given: bool,
}

thread_local! {
    static CURRENT: RefCell<Option<Memory>> = const { RefCell::new(None) };
}

impl Memory {
    pub fn new(poison: u64, mood: Mood) -> Memory {
        Memory {
            poison,
            dma: Dma::new(mood),
            blocks: BTreeMap::new(),
            freed: VecDeque::new(),
            freed_size: 0,
            moved: Moved::default(),
            ways: BTreeMap::new(),
            given: BTreeMap::new(),
            faults: Vec::new(),
            end: None,
        }
    }

    /// Runs compiled code with this memory as that of the functions below. If one of them fails, the code is aborted,
    /// and [`end`](Memory::end) is the reason.
    ///
    /// # Safety
    /// The code takes these arguments, and accesses only its own memory and this one.
    pub unsafe fn during(self, code: unsafe extern "C" fn(*mut *mut c_void), arguments: *mut *mut c_void) -> Memory {
        let before = CURRENT.replace(Some(self));
        assert!(before.is_none(), "a program does not call the engine");
        // SAFETY: guaranteed by the caller; for aborts, see `serve`.
        let is_done = unsafe { cosmaCall(code, arguments) };
        let mut memory = CURRENT.take().expect("it was put there");
        if !is_done && memory.end.is_none() {
            memory.end = Some("it was aborted".into());
        }
        memory
    }

    /// Copies bytes of the caller into a new block, and returns its address.
    ///
    /// # Errors
    /// If the allocation fails.
    pub fn give(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let start = self.allocate(GUARD_SIZE, bytes.len(), true)?;
        self.given.insert(start, self.given.len());
        let block = &self.blocks[&start];
        // SAFETY: the block has their size.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), block.start(), bytes.len()) };
        Ok(start)
    }

    fn allocate(&mut self, alignment: usize, size: usize, is_given: bool) -> Result<usize, String> {
        let too_large = || format!("a block of {size} B, aligned to {alignment} B, cannot be allocated");
        // At least eight bytes and a power of two, so that the pattern begins anew with each block.
        let before = alignment.checked_next_power_of_two().ok_or_else(too_large)?.max(GUARD_SIZE);
        let total = before.checked_add(GUARD_SIZE).and_then(|it| size.checked_add(it));
        let layout = total.and_then(|it| alloc::Layout::from_size_align(it, before).ok()).ok_or_else(too_large)?;
        // SAFETY: the layout is not empty.
        let base = unsafe { alloc::alloc(layout) };
        if base.is_null() {
            return Err(too_large());
        }
        let block = Block { base, layout, before, size, is_given };
        // SAFETY: all of it was just allocated, and is not shared.
        let all = unsafe {
            base.write_bytes(GUARD, layout.size());
            std::slice::from_raw_parts_mut(base, layout.size())
        };
        fill(&mut all[before..before + size], self.poison);
        let start = block.start().addr();
        self.blocks.insert(start, block);
        Ok(start)
    }

    fn free(&mut self, start: usize) {
        match self.blocks.get(&start) {
            None => self.fault("a block is freed that was not allocated, or was freed before".into()),
            Some(block) if block.is_given => self.fault("an argument is freed".into()),
            Some(_) => {
                let block = self.blocks.remove(&start).expect("it is there");
                self.check_guards(&block);
                // SAFETY: the block is alive, and the program has freed it.
                let bytes = unsafe { std::slice::from_raw_parts_mut(block.start(), block.size) };
                fill(bytes, self.poison);
                self.freed_size += block.size;
                self.freed.push_back((start, block));
                while KEPT < self.freed_size {
                    let Some((_, block)) = self.freed.pop_front() else { break };
                    self.freed_size -= block.size;
                    self.check_freed(&block);
                }
            }
        }
    }

    /// Begins to copy rows of bytes.
    fn start_dma(&mut self, transfer: Transfer, flight: Flight) {
        for (place, address, pitch) in
            [("reads", flight.from, flight.from_pitch), ("writes", flight.to, flight.to_pitch)]
        {
            let layout = Layout {
                allocated: address,
                start: address,
                sizes: vec![flight.rows as i64, flight.bytes as i64],
                strides: vec![pitch as i64, 1],
                element: 1,
            };
            if let Some(wrong) = self.is_outside(&layout) {
                return self.fault(format!("{} {place} {wrong}", transfer.name()));
            }
        }
        self.moved.count(transfer, flight.n_bytes() as u64);
        self.count_way(flight.from, flight.to, flight.n_bytes() as u64);
        // SAFETY: as checked above, both are in blocks of this memory, or in constants of the program; what is freed
        // before they are copied is kept, and seen as a fault.
        unsafe { self.dma.start(flight) };
    }

    /// Counts bytes by the blocks that contain them, given the addresses of the first ones.
    fn count_way(&mut self, from: usize, to: usize, bytes: u64) {
        let argument = |address: usize| {
            let (start, block) = self.blocks.range(..=address).next_back()?;
            (address < start + block.size).then(|| self.given.get(start).copied()).flatten()
        };
        let way = (argument(from), argument(to));
        if bytes != 0 {
            *self.ways.entry(way).or_default() += bytes;
        }
    }

    /// Copies elements, and returns the number of bytes.
    fn copy(&mut self, from: &Layout, to: &Layout, what: &str) -> u64 {
        if from.sizes != to.sizes {
            self.fault(format!("{what} from {:?} elements to {:?}", from.sizes, to.sizes));
            return 0;
        }
        for (place, layout) in [("reads", from), ("writes", to)] {
            if let Some(wrong) = self.is_outside(layout) {
                self.fault(format!("{what} {place} {wrong}"));
                return 0;
            }
        }
        for (from, to, length) in from.runs(to) {
            // SAFETY: as checked above, both are in blocks of this memory, or in constants of the program.
            unsafe { std::ptr::copy(from as *const u8, to as *mut u8, length) };
        }
        from.n_bytes() as u64
    }

    /// The elements of a layout as contiguous bytes.
    pub fn read(&mut self, layout: &Layout, what: &str) -> Vec<u8> {
        let mut bytes = vec![0; layout.n_bytes()];
        if let Some(wrong) = self.is_outside(layout) {
            self.fault(format!("{what} lies {wrong}"));
            return bytes;
        }
        let to = Layout::contiguous(bytes.as_mut_ptr().addr(), &layout.sizes, layout.element);
        let base = to.start;
        for (from, to, length) in layout.runs(&to) {
            let part = &mut bytes[to - base..][..length];
            // SAFETY: as checked above, it is in a block of this memory, or in a constant of the program.
            unsafe { std::ptr::copy_nonoverlapping(from as *const u8, part.as_mut_ptr(), length) };
        }
        bytes
    }

    /// The error if elements are not in one block, or outside all blocks, as constants are.
    fn is_outside(&self, layout: &Layout) -> Option<&'static str> {
        let (low, high) = layout.extent()?;
        let touches = |it: &Block| it.base.addr() < high && low < it.base.addr() + it.layout.size();
        if self.freed.iter().any(|it| touches(&it.1)) {
            return Some("in memory that was freed");
        }
        let touched = self.blocks.range(..high.saturating_add(GUARD_SIZE)).next_back().map(|it| it.1);
        let block = touched.filter(|it| touches(it))?;
        let start = block.start().addr();
        (low < start || start + block.size < high).then_some("beyond its block")
    }

    /// Frees the blocks of results, checks all others, and returns the contents of the caller's blocks.
    pub fn finish(&mut self, results: &[usize], given: &[usize]) -> Vec<Vec<u8>> {
        let mut owned: Vec<usize> = results.to_vec();
        owned.sort_unstable();
        owned.dedup();
        for start in owned {
            // Results may be arguments or constants.
            if self.blocks.get(&start).is_some_and(|it| !it.is_given) {
                self.free(start);
            }
        }
        let left = self.blocks.values().filter(|it| !it.is_given);
        let (count, bytes) = left.fold((0, 0), |(count, bytes), it| (count + 1, bytes + it.size));
        if 0 < count {
            self.fault(format!("{count} blocks of {bytes} B in all are never freed"));
        }
        if let Some(fault) = self.dma.never_waited_for() {
            self.fault(fault);
        }
        for block in std::mem::take(&mut self.freed) {
            self.check_freed(&block.1);
        }
        let blocks = std::mem::take(&mut self.blocks);
        blocks.values().for_each(|it| self.check_guards(it));
        // SAFETY: the blocks are alive until this returns.
        let bytes = |it: &Block| unsafe { std::slice::from_raw_parts(it.start(), it.size) }.to_vec();
        given.iter().map(|it| blocks.get(it).map(bytes).unwrap_or_default()).collect()
    }

    fn check_guards(&mut self, block: &Block) {
        // SAFETY: the block is alive.
        let all = unsafe { std::slice::from_raw_parts(block.base, block.layout.size()) };
        let is_guard = |it: &[u8]| it.iter().all(|it| *it == GUARD);
        if !is_guard(&all[..block.before]) {
            self.fault(format!("a write before a block of {} B", block.size));
        }
        if !is_guard(&all[block.before + block.size..]) {
            self.fault(format!("a write after a block of {} B", block.size));
        }
    }

    fn check_freed(&mut self, block: &Block) {
        // SAFETY: the block is alive.
        let bytes = unsafe { std::slice::from_raw_parts(block.start(), block.size) };
        let pattern = self.poison.to_le_bytes();
        if bytes.iter().zip(pattern.iter().cycle()).any(|it| it.0 != it.1) {
            self.fault(format!("a write in a block of {} B after it was freed", block.size));
        }
    }

    fn fault(&mut self, what: String) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(what);
        }
    }
}

impl Block {
    fn start(&self) -> *mut u8 {
        // SAFETY: the allocation holds the guard and what follows.
        unsafe { self.base.add(self.before) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout, and ends here.
        unsafe { alloc::dealloc(self.base, self.layout) }
    }
}

/// Fills bytes with a pattern of eight.
fn fill(bytes: &mut [u8], pattern: u64) {
    let pattern = pattern.to_le_bytes();
    let mut done = bytes.len().min(8);
    bytes[..done].copy_from_slice(&pattern[..done]);
    while done < bytes.len() {
        let more = done.min(bytes.len() - done);
        bytes.copy_within(..more, done);
        done += more;
    }
}

fn with<T>(call: impl FnOnce(&mut Memory) -> T) -> T {
    CURRENT.with_borrow_mut(|it| call(it.as_mut().expect("programs run on the thread that called them")))
}

/// Serves a request of compiled code. If it fails, the call of the program is aborted.
fn serve<T: Copy>(call: impl FnOnce(&mut Memory) -> Result<T, String>) -> T {
    let served = guard(|| with(call)).unwrap_or_else(|panic| Err(format!("internal error: {panic}")));
    let why = match served {
        Ok(value) => return value,
        Err(why) => why,
    };
    with(|it| it.end = Some(why));
    // SAFETY: the frames between here and the call are compiled code and one of the functions below. None of them, nor
    // this one, holds anything to drop.
    unsafe { cosmaLeave() }
}

// The functions that compiled code calls.

extern "C" fn allocate(size: usize) -> *mut c_void {
    serve(|it| it.allocate(GUARD_SIZE, size, false)) as *mut c_void
}

extern "C" fn allocate_aligned(alignment: usize, size: usize) -> *mut c_void {
    serve(|it| it.allocate(alignment, size, false)) as *mut c_void
}

extern "C" fn release(start: *mut c_void) {
    if !start.is_null() {
        serve(|it| {
            it.free(start.addr());
            Ok(())
        });
    }
}

/// An unranked memref.
#[repr(C)]
struct Unranked {
    rank: i64,
    descriptor: *const u64,
}

/// A copy of non-contiguous memrefs.
extern "C" fn copy(element: i64, from: *const Unranked, to: *const Unranked) {
    serve(|it| {
        // SAFETY: compiled code passes two that are alive.
        let (from, to) = unsafe { (&*from, &*to) };
        // SAFETY: their descriptors are alive as well.
        let (from, to) =
            unsafe { (layout(element, from.rank, from.descriptor), layout(element, to.rank, to.descriptor)) };
        it.copy(&from, &to, "a copy");
        Ok(())
    });
}

/// A transfer.
extern "C" fn transfer(kind: i64, element: i64, from_rank: i64, from: *const u64, to_rank: i64, to: *const u64) {
    serve(|it| {
        let transfer = TRANSFERS[kind as usize];
        // SAFETY: compiled code passes descriptors that are alive, of these ranks.
        let (from, to) = unsafe { (layout(element, from_rank, from), layout(element, to_rank, to)) };
        let moved = it.copy(&from, &to, transfer.name());
        it.moved.count(transfer, moved);
        it.count_way(from.start, to.start, moved);
        Ok(())
    });
}

/// The function that begins a transfer, with its kind; see `cosma-lower-addresses` for the other arguments.
#[allow(clippy::too_many_arguments)] // As compiled code calls it.
extern "C" fn start_dma(
    kind: i64,
    channel: usize,
    to: usize,
    from: usize,
    bytes: usize,
    rows: usize,
    to_pitch: usize,
    from_pitch: usize,
    tag: usize,
) {
    serve(|it| {
        it.start_dma(TRANSFERS[kind as usize], Flight { channel, to, from, bytes, rows, to_pitch, from_pitch, tag });
        Ok(())
    });
}

/// The function that waits for all transfers with a tag.
extern "C" fn wait_for_dma(tag: usize) {
    serve(|it| {
        // SAFETY: what was begun was in memory that is kept.
        unsafe { it.dma.wait(tag) };
        Ok(())
    });
}

/// A streamed transfer, which is only counted: the operator reads host memory.
extern "C" fn passing(kind: i64, element: i64, rank: i64, descriptor: *const u64) {
    serve(|it| {
        // SAFETY: compiled code passes a descriptor that is alive, of this rank.
        let layout = unsafe { layout(element, rank, descriptor) };
        match it.is_outside(&layout) {
            Some(wrong) => it.fault(format!("a streamed tensor lies {wrong}")),
            None => it.moved.count(TRANSFERS[kind as usize], layout.n_bytes() as u64),
        }
        Ok(())
    });
}

/// # Safety
/// The descriptor is alive and has this rank.
unsafe fn layout(element: i64, rank: i64, descriptor: *const u64) -> Layout {
    // SAFETY: guaranteed by the caller.
    let words = unsafe { std::slice::from_raw_parts(descriptor, super::descriptor::n_words(rank as usize)) };
    Layout::read(words, element as usize)
}

/// The prefix of the names of functions for transfers.
pub(super) const TRANSFER: &str = "cosma_transfer";
/// The prefix of the names of functions for streamed transfers.
pub(super) const PASSING: &str = "cosma_passing";
/// The prefix of the names of functions that begin a transfer.
pub(super) const BEGINNING: &str = "cosma_beginning";

/// The functions that compiled code calls, by their names in MLIR.
pub(super) fn symbols() -> [(&'static str, *mut c_void); 5] {
    [
        ("_mlir_memref_to_llvm_alloc", allocate as *mut c_void),
        ("_mlir_memref_to_llvm_aligned_alloc", allocate_aligned as *mut c_void),
        ("_mlir_memref_to_llvm_free", release as *mut c_void),
        ("memrefCopy", copy as *mut c_void),
        ("cosma_dma_wait", wait_for_dma as *mut c_void),
    ]
}

/// The function for a name with one of these prefixes.
pub(super) fn transfer_symbol(name: &str) -> Option<*mut c_void> {
    if name.starts_with(TRANSFER) {
        Some(transfer as *mut c_void)
    } else if name.starts_with(PASSING) {
        Some(passing as *mut c_void)
    } else if name.starts_with(BEGINNING) {
        Some(start_dma as *mut c_void)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POISON: u64 = 0x7FF4_7DA5_7FB4_7DA5;

    #[test]
    fn faults_are_found() {
        let mut memory = Memory::new(POISON, Mood::AtOnce);
        let given = memory.give(&[1, 2, 3]).unwrap();
        let block = memory.allocate(16, 8, false).unwrap();
        let (from, to) = (Layout::contiguous(given, &[3], 1), Layout::contiguous(block, &[3], 1));
        assert_eq!(memory.copy(&from, &to, "a copy"), 3);
        // What was not written is poison.
        assert_eq!(memory.read(&Layout::contiguous(block, &[4], 1), "it"), [1, 2, 3, 0x7F]);
        assert!(memory.faults.is_empty());
        memory.copy(&Layout::contiguous(given, &[4], 1), &Layout::contiguous(block, &[4], 1), "a copy");
        memory.free(given);
        memory.free(block);
        memory.free(block);
        memory.copy(&from, &to, "a copy");
        memory.allocate(64, 5, false).unwrap();
        assert_eq!(memory.finish(&[], &[given]), [[1, 2, 3]]);
        assert_eq!(
            memory.faults,
            [
                "a copy reads beyond its block",
                "an argument is freed",
                "a block is freed that was not allocated, or was freed before",
                "a copy writes in memory that was freed",
                "1 blocks of 5 B in all are never freed",
            ]
        );
    }

    #[test]
    fn writes_beside_a_block_are_found() {
        let mut memory = Memory::new(POISON, Mood::AtOnce);
        let start = memory.allocate(64, 8, false).unwrap();
        // SAFETY: there is a guard of 64 bytes on both sides.
        unsafe {
            *(start as *mut u8).offset(-1) = 0;
            *(start as *mut u8).offset(8) = 0;
        }
        memory.finish(&[start], &[]);
        assert_eq!(memory.faults, ["a write before a block of 8 B", "a write after a block of 8 B"]);
    }

    #[test]
    fn what_cannot_be_had_ends_the_call() {
        unsafe extern "C" fn greedy(_: *mut *mut c_void) {
            let block = allocate(8);
            allocate_aligned(64, usize::MAX / 2);
            release(block);
            panic!("the call goes on");
        }
        for _ in 0..2 {
            // SAFETY: it takes nothing, and has nothing to drop.
            let mut memory = unsafe { Memory::new(POISON, Mood::AtOnce).during(greedy, std::ptr::null_mut()) };
            let end = memory.end.take().expect("it was left");
            assert_eq!(end, format!("a block of {} B, aligned to 64 B, cannot be allocated", usize::MAX / 2));
            assert_eq!(memory.blocks.len(), 1);
        }
    }
}
