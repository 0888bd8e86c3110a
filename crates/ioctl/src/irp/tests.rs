use super::{DirectoryFlags, Handle, Live, MAX_TRANSFER, Open, Reply, Request, code};
use crate::{ControlCode, Encode, VERSION};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass,
    NameBuf, ShareAccess, Status,
};
use proptest::prelude::*;
use std::vec::Vec;

const CODES: [ControlCode; 12] = [
    code::OPEN,
    code::CLEANUP,
    code::CLOSE,
    code::READ,
    code::WRITE,
    code::QUERY_INFORMATION,
    code::SET_INFORMATION,
    code::QUERY_DIRECTORY,
    code::FLUSH,
    code::QUERY_VOLUME,
    code::CANCEL,
    code::COUNT,
];

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn requests() -> Vec<Request<'static>> {
    let (handle, class, length) = (Handle(7), FileInformationClass::BASIC, 40);
    [
        Request::Open(Open {
            path: name(r"\;X:\host\share\f"),
            related: Handle::NONE,
            access: AccessMask::GENERIC_READ,
            share: ShareAccess::READ,
            disposition: CreateDisposition::OPEN,
            options: CreateOptions::NON_DIRECTORY_FILE,
            attributes: FileAttributes::NORMAL,
        }),
        Request::Cleanup { handle },
        Request::Close { handle },
        Request::Read {
            handle,
            offset: u64::MAX,
            length,
        },
        Request::Write {
            handle,
            offset: 1 << 33,
            data: b"hello",
        },
        Request::QueryInformation {
            handle,
            class,
            length,
        },
        Request::SetInformation {
            handle,
            class,
            target: Handle(9),
            data: b"basic",
        },
        Request::QueryDirectory {
            handle,
            class: FileInformationClass::BOTH_DIRECTORY,
            flags: DirectoryFlags::RESTART_SCAN,
            pattern: name("*.t"),
            length,
        },
        Request::Flush { handle },
        Request::QueryVolume {
            handle,
            class: FsInformationClass::SIZE,
            length,
        },
        Request::Cancel { handle },
        Request::Count,
    ]
    .into()
}

#[test]
fn codes_are_distinct_and_match_their_requests() {
    let codes: Vec<_> = requests().iter().map(Request::code).collect();
    assert_eq!(codes, CODES);
    let distinct: std::collections::HashSet<_> = CODES.iter().collect();
    assert_eq!(distinct.len(), CODES.len());
}

#[test]
fn requests_round_trip() {
    for request in requests() {
        let bytes = request.build().unwrap();
        assert_eq!(
            Request::parse(request.code(), &bytes, request.output_len()).as_ref(),
            Ok(&request)
        );
        assert_eq!(
            Request::parse(request.code(), &bytes, request.output_len() - 1),
            Err(Status::BUFFER_TOO_SMALL),
            "{request:?}"
        );
    }
}

#[test]
fn short_and_long_requests_are_length_mismatches() {
    for request in requests() {
        let mut bytes = request.build().unwrap();
        for len in 0..bytes.len() {
            assert_eq!(
                Request::parse(request.code(), &bytes[..len], usize::MAX),
                Err(Status::INFO_LENGTH_MISMATCH)
            );
        }
        bytes.push(0);
        assert_eq!(
            Request::parse(request.code(), &bytes, usize::MAX),
            Err(Status::INFO_LENGTH_MISMATCH)
        );
    }
}

#[test]
fn transfers_are_bounded() {
    let request = Request::Read {
        handle: Handle(1),
        offset: 0,
        length: MAX_TRANSFER + 1,
    };
    let bytes = request.build().unwrap();
    assert_eq!(
        Request::parse(code::READ, &bytes, usize::MAX),
        Err(Status::INVALID_PARAMETER)
    );
}

#[test]
fn fields_a_request_does_not_use_must_be_zero() {
    let bytes = Request::Flush { handle: Handle(1) }.build().unwrap();
    for at in 12..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] = 1;
        let status = Request::parse(code::FLUSH, &changed, usize::MAX).unwrap_err();
        assert_eq!(status, Status::INVALID_PARAMETER, "byte {at}");
    }
}

#[test]
fn unknown_codes() {
    for code in [
        ControlCode(0),
        ControlCode(code::READ.0 | 3),
        ControlCode(code::COUNT.0 + 4),
    ] {
        assert_eq!(
            Request::parse(code, &[], usize::MAX),
            Err(Status::INVALID_DEVICE_REQUEST)
        );
    }
}

#[test]
fn replies_round_trip_and_can_be_written_around_their_data() {
    let reply = Reply {
        status: Status::END_OF_FILE,
        information: 3,
        handle: Handle(2),
        data: b"abc",
    };
    let bytes = reply.build().unwrap();
    assert_eq!(Reply::parse(&bytes), Ok(reply));

    let mut out = [0; Reply::FIXED_SIZE + 5];
    out[Reply::FIXED_SIZE..].copy_from_slice(b"abcde");
    let written = reply.write_around(&mut out, 3).unwrap();
    assert_eq!(out[..written], bytes);
    assert_eq!(reply.write_around(&mut out, 6), Err(Status::BUFFER_TOO_SMALL));
    assert_eq!(
        Reply::of(Status::PENDING, 9).build().unwrap().len(),
        Reply::FIXED_SIZE
    );
}

#[test]
fn live_counts_round_trip() {
    let live = Live {
        handles: 1,
        pending: 2,
        sent: u64::MAX,
    };
    assert_eq!(Live::parse(&live.to_bytes()), Ok(live));
    assert_eq!(Live::parse(&[0; 23]), Err(Status::INFO_LENGTH_MISMATCH));
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_rebuilt(
        code in prop::sample::select(&CODES[..]),
        mut bytes in prop::collection::vec(prop_oneof![3 => Just(0_u8), 1 => any::<u8>()], 0..70),
        plausible: bool,
    ) {
        if plausible && bytes.len() >= 8 {
            let size = u32::try_from(bytes.len()).unwrap();
            bytes[..4].copy_from_slice(&VERSION.to_le_bytes());
            bytes[4..8].copy_from_slice(&size.to_le_bytes());
        }
        if let Ok(request) = Request::parse(code, &bytes, usize::MAX) {
            prop_assert_eq!(request.build().unwrap(), bytes.clone());
        }
        if let Ok(reply) = Reply::parse(&bytes) {
            prop_assert_eq!(reply.build().unwrap(), bytes);
        }
    }
}
