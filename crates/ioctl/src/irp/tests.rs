use super::{
    ControlFlags, Handle, Live, LockFlags, LockFunction, MAX_TRANSFER, Open, OpenFlags, Operation, Reply,
    Request, ScanFlags, TransferFlags, WatchFlags, code,
};
use crate::{ControlCode, Encode, VERSION};
use nt::{
    AccessMask, CreateDisposition, CreateOptions, FileAttributes, FileInformationClass, FsInformationClass,
    NameBuf, ShareAccess, Status,
};
use proptest::prelude::*;
use std::vec::Vec;

const CODES: [ControlCode; 22] = [
    code::OPEN,
    code::COUNT,
    code::CLEANUP,
    code::CLOSE,
    code::READ,
    code::WRITE,
    code::QUERY_INFORMATION,
    code::SET_INFORMATION,
    code::QUERY_DIRECTORY,
    code::NOTIFY_CHANGE,
    code::FLUSH,
    code::QUERY_VOLUME,
    code::SET_VOLUME,
    code::LOCK,
    code::QUERY_EA,
    code::SET_EA,
    code::QUERY_SECURITY,
    code::SET_SECURITY,
    code::FS_CONTROL,
    code::DEVICE_CONTROL,
    code::QUERY_PATH,
    code::CANCEL,
];

fn name(text: &str) -> NameBuf {
    NameBuf::try_from_str(text).unwrap()
}

fn open(path: NameBuf, options: CreateOptions) -> Request<'static> {
    Request::Open(Open {
        path,
        related: Handle(3),
        access: AccessMask::GENERIC_READ,
        share: ShareAccess::READ,
        disposition: CreateDisposition::OPEN,
        options,
        attributes: FileAttributes::NORMAL,
        flags: OpenFlags::TARGET_DIRECTORY,
        allocation: 1 << 40,
        length: 100,
        ea: b"attributes",
    })
}

fn requests() -> Vec<Request<'static>> {
    let mut all = Vec::from([
        open(name(r"\;X:\host\share\f"), CreateOptions::NON_DIRECTORY_FILE),
        Request::Count,
    ]);
    let operations = data_operations().into_iter().chain(other_operations());
    all.extend(operations.map(|operation| Request::On(Handle(7), operation)));
    all
}

fn data_operations() -> [Operation<'static>; 11] {
    let (class, length) = (FileInformationClass::BASIC, 40);
    [
        Operation::Cleanup,
        Operation::Close,
        Operation::Read {
            offset: u64::MAX,
            length,
            key: 5,
            flags: TransferFlags::PAGING,
        },
        Operation::Write {
            offset: 1 << 33,
            data: b"hello",
            key: 6,
            flags: TransferFlags::NO_CACHE,
        },
        Operation::QueryInformation { class, length },
        Operation::SetInformation {
            class,
            target: Handle(9),
            data: b"basic",
        },
        Operation::QueryDirectory {
            class: FileInformationClass::BOTH_DIRECTORY,
            flags: ScanFlags::RESTART_SCAN,
            index: 8,
            pattern: name("*.t"),
            length,
        },
        Operation::NotifyChange {
            filter: 0x17,
            flags: WatchFlags::WATCH_TREE,
            length,
        },
        Operation::Flush,
        Operation::QueryVolume {
            class: FsInformationClass::SIZE,
            length,
        },
        Operation::SetVolume {
            class: FsInformationClass::SIZE,
            data: b"label",
        },
    ]
}

fn other_operations() -> [Operation<'static>; 9] {
    let (control, input, length) = (0x9_00a8, b"in", 64);
    [
        Operation::Lock {
            function: LockFunction::LOCK,
            offset: 1 << 34,
            span: u64::MAX,
            key: 4,
            flags: LockFlags::EXCLUSIVE,
        },
        Operation::QueryEa {
            flags: ScanFlags::INDEX_SPECIFIED,
            index: 2,
            list: b"names",
            length,
        },
        Operation::SetEa { data: b"attributes" },
        Operation::QuerySecurity {
            information: 7,
            length,
        },
        Operation::SetSecurity {
            information: 4,
            descriptor: b"descriptor",
        },
        Operation::FsControl {
            control,
            flags: ControlFlags::KERNEL_CALL,
            input,
            length,
        },
        Operation::DeviceControl {
            control,
            flags: ControlFlags::AS_USER,
            input,
            length,
        },
        Operation::QueryPath {
            flags: ControlFlags::EXTENDED,
            path: name(r"\host\share\file"),
        },
        Operation::Cancel,
    ]
}

#[test]
fn a_file_number_may_hold_what_no_name_does() {
    let number = NameBuf::try_from_units(&[1, 0, 0, 0x8000]).unwrap();
    let request = open(number, CreateOptions::OPEN_BY_FILE_ID);
    let bytes = request.build().unwrap();
    assert_eq!(Request::parse(code::OPEN, &bytes, usize::MAX), Ok(request));
    let number = NameBuf::try_from_units(&[1, 0, 0, 0x8000]).unwrap();
    let as_name = open(number, CreateOptions::NON_DIRECTORY_FILE).build().unwrap();
    assert_eq!(
        Request::parse(code::OPEN, &as_name, usize::MAX),
        Err(Status::INVALID_PARAMETER)
    );
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
    let request = Operation::Read {
        offset: 0,
        length: MAX_TRANSFER + 1,
        key: 0,
        flags: TransferFlags::empty(),
    };
    let request = Request::On(Handle(1), request);
    let bytes = request.build().unwrap();
    assert_eq!(
        Request::parse(code::READ, &bytes, usize::MAX),
        Err(Status::INVALID_PARAMETER)
    );
}

#[test]
fn fields_a_request_does_not_use_must_be_zero() {
    let bytes = Request::On(Handle(1), Operation::Flush).build().unwrap();
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
        ControlCode(code::CANCEL.0 + 4),
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
