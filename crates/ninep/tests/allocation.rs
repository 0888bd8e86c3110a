//! Decoding takes no memory, whatever the bytes are; and a session takes none in proportion to what a frame only claims.
//!
//! Counted is what the thread of the test allocates: the test harness has threads of its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ninep::session::{Config, Session};
use ninep::wire::*;

/// Counts allocations, and notes the largest.
struct Counting;

std::thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is handed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        LARGEST.set(LARGEST.get().max(layout.size()));
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: `block` came from `alloc` above, with this layout, by the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

macro_rules! decode_as_each {
    ($body:expr; $($message:ident)*) => {{
        let mut accepted = 0_u32;
        $(accepted += u32::from($message::decode_body($body).is_ok());)*
        accepted
    }};
}

/// A SplitMix64 generator.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn decoding_takes_no_memory() {
    let mut state = 7;
    let mut accepted = 0;
    let mut buffer = [0_u8; 256];
    let before = COUNT.get();
    for round in 0..20_000_u64 {
        let length = (random(&mut state) % 256) as usize;
        for byte in &mut buffer {
            // Small numbers make plausible counts and lengths.
            *byte = random(&mut state) as u8 % if round % 2 == 0 { 3 } else { 255 };
        }
        let body = &buffer[..length];
        accepted += decode_as_each! { body;
            Rlerror Tversion Rversion Tauth Rauth Tattach Rattach Tflush Rflush Twalk Rwalk Tread Rread Twrite Rwrite
            Tclunk Rclunk Tremove Rremove Tstatfs Rstatfs Tlopen Rlopen Tlcreate Rlcreate Tsymlink Rsymlink Tmknod
            Rmknod Trename Rrename Treadlink Rreadlink Tgetattr Rgetattr Tsetattr Rsetattr Txattrwalk Rxattrwalk
            Txattrcreate Rxattrcreate Treaddir Rreaddir Tfsync Rfsync Tlock Rlock Tgetlock Rgetlock Tlink Rlink Tmkdir
            Rmkdir Trenameat Rrenameat Tunlinkat Runlinkat
        };
    }
    assert_eq!(COUNT.get(), before, "decoding allocates");
    assert!(
        accepted > 1000,
        "only {accepted} bodies were accepted: the others say little"
    );

    // A session takes a frame's word for its size only within msize.
    const MSIZE: u32 = 8192;
    let config = Config {
        msize: MSIZE,
        max_outstanding: 4,
        max_fids: 16,
        ..Config::default()
    };
    for _ in 0..2000 {
        let mut session = Session::new(config).unwrap();
        session.start_version(None).unwrap();
        let mut input = [0_u8; 64];
        for byte in &mut input {
            *byte = random(&mut state) as u8;
        }
        // A size up to 4 GiB, the type and tag of the version's reply.
        input[4] = MessageType::RVERSION.0;
        input[5..7].fill(0xFF);
        LARGEST.set(0);
        let _ = session.handle_input(&input, &mut |_| {});
        let largest = LARGEST.get();
        assert!(
            largest <= MSIZE as usize,
            "{largest} bytes for a frame of at most {MSIZE}"
        );
    }
}
