use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use super::*;

/// A driver and a set of letters that write down what is asked of them.
#[derive(Default)]
struct Fake {
    connections: RefCell<Vec<ConnectionName>>,
    links: RefCell<BTreeMap<DriveLetter, Vec<u16>>>,
    calls: RefCell<Vec<String>>,
    refuse_add: Cell<Option<Status>>,
    refuse_delete: Cell<Option<Status>>,
    refuse_define: Cell<Option<u32>>,
    absent: Cell<bool>,
}

impl Fake {
    fn log(&self, call: String) {
        self.calls.borrow_mut().push(call);
    }

    fn take_log(&self) -> String {
        self.calls.take().join(", ")
    }
}

impl Redirector for Fake {
    fn add(&self, name: &ConnectionName, user: Option<&[u16]>) -> Result<(), Status> {
        let user = user
            .map(|user| format!(" as {}", String::from_utf16_lossy(user)))
            .unwrap_or_default();
        self.log(format!(
            "add {}{user}",
            String::from_utf16_lossy(&name.to_units())
        ));
        if let Some(status) = self.refuse_add.get() {
            return Err(status);
        }
        self.connections.borrow_mut().push(name.clone());
        Ok(())
    }

    fn delete(&self, name: &ConnectionName, force: bool) -> Result<(), Status> {
        self.log(format!(
            "delete {} {force}",
            String::from_utf16_lossy(&name.to_units())
        ));
        match self.refuse_delete.get() {
            Some(status) if !force => Err(status),
            _ => {
                self.connections.borrow_mut().retain(|other| other != name);
                Ok(())
            }
        }
    }

    fn connections(&self) -> Result<Vec<ConnectionName>, Status> {
        if self.absent.get() {
            return Err(Status::OBJECT_NAME_NOT_FOUND);
        }
        Ok(self.connections.borrow().clone())
    }
}

impl Drives for Fake {
    fn query(&self, drive: DriveLetter) -> Result<Option<Vec<u16>>, u32> {
        Ok(self.links.borrow().get(&drive).cloned())
    }

    fn define(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
        self.log(format!("define {drive}"));
        if let Some(error) = self.refuse_define.get() {
            return Err(error);
        }
        self.links.borrow_mut().insert(drive, target.to_vec());
        Ok(())
    }

    fn remove(&self, drive: DriveLetter, target: &[u16]) -> Result<(), u32> {
        self.log(format!("remove {drive}"));
        let mut links = self.links.borrow_mut();
        match links.get(&drive) {
            Some(found) if found == target => {
                links.remove(&drive);
                Ok(())
            }
            _ => Err(2),
        }
    }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn map(fake: &Fake, local: Option<&str>, remote: &str) -> Result<(), Wn> {
    map_as(fake, local, remote, None, false)
}

fn map_as(
    fake: &Fake,
    local: Option<&str>,
    remote: &str,
    user: Option<&str>,
    for_us: bool,
) -> Result<(), Wn> {
    let local = local.map(wide);
    let remote = wide(remote);
    let user = user.map(wide);
    let request = AddRequest {
        resource_type: TYPE_DISK,
        local: local.as_deref(),
        remote: Some(&remote),
        user: user.as_deref(),
        for_us,
    };
    add(fake, fake, &request)
}

fn letter(text: &str) -> DriveLetter {
    DriveLetter::parse_str(text).unwrap()
}

#[test]
fn maps_in_the_driver_first_and_in_the_namespace_second() {
    let fake = Fake::default();
    assert_eq!(
        map_as(&fake, Some("x:"), r"\\h@1\a\b", Some("bob"), false),
        Ok(())
    );
    assert_eq!(fake.take_log(), r"add \;X:\h@1\a\b as bob, define X:");
    let target = fake.links.borrow()[&letter("X:")].clone();
    assert_eq!(String::from_utf16_lossy(&target), r"\Device\Mrx9p\;X:\h@1\a\b");
}

#[test]
fn null_and_empty_local_names_are_deviceless() {
    let fake = Fake::default();
    assert_eq!(map(&fake, None, r"\\h\a"), Ok(()));
    assert_eq!(map(&fake, Some(""), r"\\h\b"), Ok(()));
    assert_eq!(fake.take_log(), r"add \h\a, add \h\b");
}

#[test]
fn foreign_names_are_refused_before_anything_is_asked() {
    let fake = Fake::default();
    for remote in [
        r"\\host",
        r"\\host\..",
        r"host\share",
        "",
        r"\\host@SSL\dav",
        r"\\h\a\\b",
    ] {
        assert_eq!(map(&fake, Some("X:"), remote), Err(Wn::BAD_NETNAME), "{remote}");
    }
    for local in ["LPT1:", "XY", "X", "X:\\"] {
        assert_eq!(
            map(&fake, Some(local), r"\\h\a"),
            Err(Wn::BAD_LOCALNAME),
            "{local}"
        );
    }
    let printer = AddRequest {
        resource_type: 2,
        local: None,
        remote: Some(&wide(r"\\h\p")),
        user: None,
        for_us: false,
    };
    assert_eq!(add(&fake, &fake, &printer), Err(Wn::BAD_NETNAME));
    let user = "u".repeat(MAX_USER_UNITS + 1);
    assert_eq!(
        map_as(&fake, None, r"\\h\a", Some(&user), false),
        Err(Wn::BAD_USER)
    );
    assert_eq!(fake.take_log(), "");
}

#[test]
fn a_taken_letter_is_refused_before_the_driver_is_asked() {
    let fake = Fake::default();
    fake.links
        .borrow_mut()
        .insert(letter("C:"), wide(r"\Device\HarddiskVolume1"));
    assert_eq!(map(&fake, Some("c:"), r"\\h\a"), Err(Wn::ALREADY_CONNECTED));
    map(&fake, Some("X:"), r"\\h\a").unwrap();
    fake.take_log();
    assert_eq!(map(&fake, Some("x:"), r"\\h\b"), Err(Wn::ALREADY_CONNECTED));
    assert_eq!(fake.take_log(), "");
}

#[test]
fn a_letter_left_over_from_an_unloaded_driver_is_cleared() {
    let fake = Fake::default();
    fake.links
        .borrow_mut()
        .insert(letter("X:"), wide(r"\Device\Mrx9p\;X:\old\share"));
    assert_eq!(map(&fake, Some("X:"), r"\\h\a"), Ok(()));
    assert_eq!(fake.take_log(), r"remove X:, add \;X:\h\a, define X:");

    fake.links
        .borrow_mut()
        .insert(letter("Y:"), wide(r"\Device\Mrx9p\;Y:\old\share"));
    assert_eq!(cancel(&fake, &fake, &wide("Y:"), false), Ok(()));
    assert!(!fake.links.borrow().contains_key(&letter("Y:")));
}

#[test]
fn the_driver_part_is_undone_when_the_letter_cannot_be_made() {
    let fake = Fake::default();
    fake.refuse_define.set(Some(5));
    assert_eq!(map(&fake, Some("X:"), r"\\h\a"), Err(Wn(5)));
    assert_eq!(fake.take_log(), r"add \;X:\h\a, define X:, delete \;X:\h\a true");
    assert!(fake.connections.borrow().is_empty());
}

#[test]
fn a_refused_connect_makes_no_letter() {
    let fake = Fake::default();
    let cases = [
        (Status::BAD_NETWORK_NAME, true, Wn::BAD_NETNAME),
        (Status::BAD_NETWORK_PATH, true, Wn(53)),
        (Status::BAD_NETWORK_PATH, false, Wn::BAD_NETNAME),
        (Status::OBJECT_NAME_COLLISION, true, Wn::ALREADY_CONNECTED),
        (Status::CONNECTION_ACTIVE, true, Wn::ALREADY_CONNECTED),
        (Status::ACCESS_DENIED, true, Wn(5)),
        (Status::REDIRECTOR_NOT_STARTED, true, Wn::NO_NETWORK),
        (Status::OBJECT_NAME_NOT_FOUND, true, Wn::NO_NETWORK),
        (Status::INSUFFICIENT_RESOURCES, true, Wn::OUT_OF_MEMORY),
    ];
    for (status, for_us, expected) in cases {
        fake.refuse_add.set(Some(status));
        assert_eq!(
            map_as(&fake, Some("X:"), r"\\h\a", None, for_us),
            Err(expected),
            "{status}"
        );
        assert!(fake.links.borrow().is_empty());
    }
    fake.refuse_add.set(Some(Status::BAD_NETWORK_PATH));
    assert_eq!(
        map(&fake, Some("X:"), r"\\h@5640\a"),
        Err(Wn(53)),
        "a name with a port is surely ours"
    );
}

#[test]
fn cancel_lets_the_driver_go_first_and_any_case_of_the_letter_will_do() {
    let fake = Fake::default();
    map(&fake, Some("X:"), r"\\h\a").unwrap();
    fake.take_log();
    assert_eq!(cancel(&fake, &fake, &wide("x:"), false), Ok(()));
    assert_eq!(fake.take_log(), r"delete \;X:\h\a false, remove X:");
    assert_eq!(cancel(&fake, &fake, &wide("x:"), false), Err(Wn::NOT_CONNECTED));
}

#[test]
fn open_files_keep_the_letter_until_force() {
    let fake = Fake::default();
    map(&fake, Some("X:"), r"\\h\a").unwrap();
    fake.refuse_delete.set(Some(Status::FILES_OPEN));
    fake.take_log();
    assert_eq!(cancel(&fake, &fake, &wide("X:"), false), Err(Wn::OPEN_FILES));
    assert_eq!(fake.take_log(), r"delete \;X:\h\a false");
    assert!(fake.links.borrow().contains_key(&letter("X:")));
    assert_eq!(cancel(&fake, &fake, &wide("X:"), true), Ok(()));
    assert!(fake.links.borrow().is_empty());
}

#[test]
fn a_remote_name_cancels_the_deviceless_connection_alone() {
    let fake = Fake::default();
    map(&fake, Some("X:"), r"\\h\a").unwrap();
    assert_eq!(
        cancel(&fake, &fake, &wide(r"\\h\a"), true),
        Err(Wn::NOT_CONNECTED)
    );
    map(&fake, None, r"\\h\a").unwrap();
    fake.take_log();
    assert_eq!(cancel(&fake, &fake, &wide(r"\\H\A"), false), Ok(()));
    assert_eq!(fake.take_log(), r"delete \h\a false");
    assert_eq!(
        remote_of(&fake, &fake, &wide("x:")).unwrap().to_string(),
        r"\\h\a"
    );
}

#[test]
fn without_the_driver_nothing_is_connected() {
    let fake = Fake::default();
    fake.absent.set(true);
    assert_eq!(cancel(&fake, &fake, &wide("X:"), false), Err(Wn::NOT_CONNECTED));
    assert_eq!(
        cancel(&fake, &fake, &wide(r"\\h\a"), false),
        Err(Wn::NOT_CONNECTED)
    );
    for local in ["X:", "LPT1:", "", r"\\h\a"] {
        assert_eq!(
            remote_of(&fake, &fake, &wide(local)).unwrap_err(),
            Wn::NOT_CONNECTED
        );
    }
}
