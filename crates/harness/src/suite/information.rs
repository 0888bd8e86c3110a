//! What is known of files and of the volume.

use nt::{FileInformationClass, FsInformationClass, Status};

use super::check::{done, equal, holds, refused_with_one_of};
use super::content::{create, pattern};
use super::environment::Environment;
use super::{Checked, tests};
use crate::failure::Failure;
use crate::files::write_file;
use crate::info::{self, Basic, NetworkOpen, Standard};
use crate::open::OpenRequest;
use crate::runner::Test;

pub(crate) fn tests() -> Vec<Test<Environment>> {
    tests![
        information_classes_agree,
        short_information_buffers_are_refused,
        times_can_be_set,
        the_volume_tells_its_size,
    ]
}

fn open(
    environment: &Environment,
    target: &crate::path::Target,
    request: &OpenRequest,
) -> nt::Result<(Box<dyn crate::files::OpenFile>, u32)> {
    environment.files.open(target, request)
}

fn information_classes_agree(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done(
        "writing",
        write_file(&*environment.files, &target, &pattern(12_345)),
    )?;
    let (mut file, _) = open(environment, &target, &OpenRequest::read())?;
    let query = |class, length| -> Result<Vec<u8>, Failure> { Ok(file.query(class, length)?.data()?) };
    let basic = Basic::parse(&query(FileInformationClass::BASIC, info::BASIC_BYTES)?)?;
    let standard = Standard::parse(&query(FileInformationClass::STANDARD, info::STANDARD_BYTES)?)?;
    let network = NetworkOpen::parse(&query(
        FileInformationClass::NETWORK_OPEN,
        info::NETWORK_OPEN_BYTES,
    )?)?;
    let position = query(FileInformationClass::POSITION, info::POSITION_BYTES)?;
    let all = file.query(FileInformationClass::ALL, 4_096)?.data()?;

    equal("size", standard.size, 12_345)?;
    holds("room is allotted", standard.allocation >= standard.size)?;
    holds(
        "an ordinary file",
        !standard.directory && !standard.delete_pending && standard.links == 1,
    )?;
    equal(
        "size by the network class",
        (network.size, network.allocation),
        (standard.size, standard.allocation),
    )?;
    equal("last write by the network class", network.written, basic.written)?;
    equal(
        "attributes by the network class",
        network.attributes,
        basic.attributes,
    )?;
    holds(
        "no directory bit",
        basic.attributes & info::ATTRIBUTE_DIRECTORY == 0,
    )?;
    equal("position", info::u64_at(&position, 0)?, 0)?;
    equal("basic in all", Basic::parse(&all)?, basic)?;
    equal(
        "standard in all",
        Standard::parse(all.get(info::BASIC_BYTES..).unwrap_or_default())?,
        standard,
    )?;
    equal(
        "position in all",
        info::u64_at(&all, info::ALL_POSITION_OFFSET)?,
        0,
    )?;
    holds("a name ends it", all.len() > info::ALL_FIXED_BYTES)?;
    done("closing", file.close())?;
    scratch.finish()
}

fn short_information_buffers_are_refused(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    done("writing", write_file(&*environment.files, &target, b"x"))?;
    let (mut file, _) = open(environment, &target, &OpenRequest::read())?;
    for (class, length) in [
        (FileInformationClass::BASIC, info::BASIC_BYTES),
        (FileInformationClass::STANDARD, info::STANDARD_BYTES),
        (FileInformationClass::NETWORK_OPEN, info::NETWORK_OPEN_BYTES),
        (FileInformationClass::ALL, info::ALL_FIXED_BYTES),
    ] {
        for short in [0, 1, length / 2] {
            let got = file.query(class, short).and_then(|reply| reply.status.ok());
            let allowed = [Status::INFO_LENGTH_MISMATCH, Status::BUFFER_TOO_SMALL];
            refused_with_one_of(&format!("{class:?} into {short} bytes"), got, &allowed)?;
        }
    }
    let unknown = file
        .query(FileInformationClass(9_999), 4_096)
        .and_then(|reply| reply.status.ok());
    let allowed = [
        Status::INVALID_PARAMETER,
        Status::INVALID_INFO_CLASS,
        Status::NOT_SUPPORTED,
    ];
    refused_with_one_of("an unknown class", unknown, &allowed)?;
    done("closing", file.close())?;
    scratch.finish()
}

fn times_can_be_set(environment: &Environment) -> Checked {
    let scratch = environment.scratch()?;
    let target = scratch.path("file")?;
    let mut file = create(environment, &target)?;
    let time = nt::FileTime::from_unix(1_000_000_000, 0);
    let mut record = vec![0_u8; info::BASIC_BYTES];
    for field in [8, 16] {
        record.splice(field..field + 8, time.0.to_le_bytes());
    }
    done(
        "setting the times",
        file.set(FileInformationClass::BASIC, &record),
    )?;
    let basic = Basic::parse(
        &file
            .query(FileInformationClass::BASIC, info::BASIC_BYTES)?
            .data()?,
    )?;
    equal("last write", basic.written, time)?;
    equal("last access", basic.accessed, time)?;
    done("closing", file.close())?;
    scratch.finish()
}

fn the_volume_tells_its_size(environment: &Environment) -> Checked {
    let mapped = environment.mapped()?;
    let (mut root, _) = open(environment, &mapped.root(), &OpenRequest::list())?;
    let size = root.query_volume(FsInformationClass::SIZE, 24)?.data()?;
    let (total, free) = (info::u64_at(&size, 0)?, info::u64_at(&size, 8)?);
    holds(
        "there is room, and not more free than there is",
        total > 0 && free <= total,
    )?;
    holds(
        "units have a size",
        info::u32_at(&size, 16)? > 0 && info::u32_at(&size, 20)? > 0,
    )?;
    let device = root.query_volume(FsInformationClass::DEVICE, 8)?.data()?;
    const FILE_REMOTE_DEVICE: u32 = 0x10;
    holds(
        "it is a remote device",
        info::u32_at(&device, 4)? & FILE_REMOTE_DEVICE != 0,
    )?;
    let attributes = root.query_volume(FsInformationClass::ATTRIBUTE, 512)?.data()?;
    holds("names of a useful length", info::u32_at(&attributes, 4)? >= 64)?;
    done("closing", root.close())?;
    mapped.finish()
}
