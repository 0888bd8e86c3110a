//! How much memory is in use, and what reading it costs when it is cold.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// Counts what is allocated.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: hands everything to `System`, which keeps the contract.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        BLOCKS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: handed down.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        BLOCKS.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: handed down.
        unsafe { System.dealloc(block, layout) }
    }
}

pub(crate) fn live_bytes() -> usize {
    BYTES.load(Ordering::Relaxed)
}

pub(crate) fn live_blocks() -> usize {
    BLOCKS.load(Ordering::Relaxed)
}

const LINE: usize = 64;
const MOST: usize = 256 << 20;

/// Cache lines that lead from one to another in no order, over as much memory as something else has.
pub(crate) struct Chase(Vec<[usize; LINE / size_of::<usize>()]>);

impl Chase {
    pub(crate) fn over(bytes: usize) -> Self {
        // Beyond any cache more makes no difference.
        let lines = (bytes.min(MOST) / LINE).max(2);
        let mut order: Vec<usize> = (0..lines).collect();
        let mut random = 0x2545_F491_4F6C_DD1D_u64;
        for last in (1..lines).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            order.swap(last, random as usize % (last + 1));
        }
        let mut chain = vec![[0; LINE / size_of::<usize>()]; lines];
        for (&from, &to) in order.iter().zip(order.iter().cycle().skip(1)) {
            chain[from][0] = to;
        }
        Self(chain)
    }

    /// What one read costs that must wait for the one before.
    pub(crate) fn nanoseconds(&self) -> f64 {
        const READS: usize = 200_000;
        let mut at = 0;
        let start = Instant::now();
        for _ in 0..READS {
            at = self.0[at][0];
        }
        let spent = start.elapsed().as_nanos() as f64 / READS as f64;
        std::hint::black_box(at);
        spent
    }
}
