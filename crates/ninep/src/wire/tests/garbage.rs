//! Bytes from a liar: any answer but a panic, and what is accepted is consistent.

use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use crate::wire::*;

/// Decodes `body` as `M`; what decodes must encode to the same bytes again.
macro_rules! decode_as_each {
    ($($message:ident)*) => {
        fn decode_as_each(body: &[u8]) -> usize {
            let mut accepted = 0;
            $(
                if let Ok(message) = $message::decode_body(body) {
                    accepted += 1;
                    let _ = message.count();
                    let mut again = vec![0; body.len()];
                    let mut writer = Writer::new(&mut again);
                    message.encode_body(&mut writer).expect("no longer than it came");
                    assert_eq!(writer.written(), body.len());
                    assert_eq!(again, body, "{message:?}");
                }
            )*
            accepted
        }
    };
}
decode_as_each! {
    Rlerror Tversion Rversion Tauth Rauth Tattach Rattach Tflush Rflush Twalk Rwalk Tread Rread Twrite Rwrite Tclunk
    Rclunk Tremove Rremove Tstatfs Rstatfs Tlopen Rlopen Tlcreate Rlcreate Tsymlink Rsymlink Tmknod Rmknod Trename
    Rrename Treadlink Rreadlink Tgetattr Rgetattr Tsetattr Rsetattr Txattrwalk Rxattrwalk Txattrcreate Rxattrcreate
    Treaddir Rreaddir Tfsync Rfsync Tlock Rlock Tgetlock Rgetlock Tlink Rlink Tmkdir Rmkdir Trenameat Rrenameat
    Tunlinkat Runlinkat
}

#[test]
fn any_bytes_decode_or_fail_and_never_panic() {
    const CASES: u32 = 2000;
    let decoded = core::cell::Cell::new(0);
    let config = ProptestConfig::with_cases(CASES);
    proptest!(config, |(body in proptest::collection::vec(any::<u8>(), 0..300))| {
        decoded.set(decoded.get() + decode_as_each(&body));
    });
    std::println!(
        "sweep: {CASES} random bodies as each message, {} decoded, no panic",
        decoded.get()
    );
}

testserver::properties! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Small numbers make plausible counts and lengths, so that more of the decoder is reached.
    #[test]
    fn any_small_numbers_decode_or_fail(body in proptest::collection::vec(0_u8..4, 0..120)) {
        decode_as_each(&body);
    }

    #[test]
    fn packed_entries_are_all_seen(names in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..20), 0..20)) {
        let mut packed = vec![0; 4096];
        let mut writer = Writer::new(&mut packed);
        for (index, name) in names.iter().enumerate() {
            let qid = Qid { kind: QidType::empty(), version: 0, path: index as u64 };
            DirEntry { qid, offset: index as u64, kind: EntryType::UNKNOWN, name }.encode(&mut writer).expect("room");
        }
        let written = writer.written();
        let entries = Entries::new(&packed[..written]).expect("whole");
        let seen: Vec<&[u8]> = entries.iter().map(|entry| entry.name).collect();
        prop_assert_eq!(seen, names);
    }
}

#[test]
fn an_empty_body_is_only_the_empty_messages() {
    // Rflush, Rfsync, Rclunk, Rremove, Rlink, Rrename, Rrenameat, Runlinkat, Rsetattr, Rxattrcreate.
    assert_eq!(decode_as_each(&[]), 10);
}

#[test]
fn a_count_that_points_past_the_end_is_truncated() {
    assert_eq!(
        Rread::decode_body(&[0xff, 0xff, 0xff, 0xff, 1]),
        Err(DecodeError::Truncated)
    );
    assert_eq!(
        Rread::decode_body(&[1, 0, 0, 0, 1, 2]),
        Err(DecodeError::TrailingBytes)
    );
    assert_eq!(Rreadlink::decode_body(&[0xff, 0xff]), Err(DecodeError::Truncated));
}
