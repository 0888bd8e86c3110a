use super::*;

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn a_drive_letter_is_upper_cased_and_nothing_else_is_accepted() {
    assert_eq!(DriveLetter::parse_str("x:").unwrap().to_string(), "X:");
    assert_eq!(
        DriveLetter::parse_str("X:").unwrap(),
        DriveLetter::parse_str("x:").unwrap()
    );
    for bad in ["", "x", ":", "xy:", "x:\\", "1:", "é:", "LPT1:", " x:"] {
        assert_eq!(
            DriveLetter::parse_str(bad),
            Err(NameError::BadLocalName),
            "{bad:?}"
        );
    }
}

#[test]
fn a_unc_name_splits_into_host_port_and_share() {
    let unc = Unc::parse_str(r"\\127.0.0.1@5640\tmp\export\").unwrap();
    assert_eq!(String::from_utf16_lossy(unc.host()), "127.0.0.1@5640");
    assert_eq!(String::from_utf16_lossy(unc.share()), r"\tmp\export");
    assert_eq!(unc.port(), Some(5640));
    assert_eq!(unc.to_string(), r"\\127.0.0.1@5640\tmp\export");
    assert_eq!(Unc::parse_str("//host/a/b").unwrap().to_string(), r"\\host\a\b");
    assert_eq!(Unc::parse_str(r"\\host\a").unwrap().port(), None);
}

#[test]
fn foreign_and_malformed_names_are_refused_by_syntax() {
    let cases = [
        ("", NameError::NotUnc),
        (r"\host\share", NameError::NotUnc),
        (r"X:\share", NameError::NotUnc),
        (r"\\", NameError::BadHost),
        (r"\\host", NameError::NoShare),
        (r"\\host\", NameError::NoShare),
        (r"\\\share", NameError::BadHost),
        (r"\\\\host\share", NameError::BadHost),
        (r"\\host\\share", NameError::BadComponent),
        (r"\\host\share\\", NameError::BadComponent),
        (r"\\host\..\etc", NameError::BadComponent),
        (r"\\host\a\.\b", NameError::BadComponent),
        (r"\\host\a*b", NameError::BadComponent),
        (r"\\host\;X:", NameError::BadComponent),
        ("\\\\host\\a\0b", NameError::BadComponent),
        (r"\\host@\share", NameError::BadHost),
        (r"\\host@0\share", NameError::BadHost),
        (r"\\host@65536\share", NameError::BadHost),
        (r"\\host@SSL\share", NameError::BadHost),
        (r"\\host@SSL@443\share", NameError::BadHost),
        (r"\\@564\share", NameError::BadHost),
        (r"\\..\share", NameError::BadHost),
        (r"\\ho st\share", NameError::BadHost),
        (r"\\?\C:\file", NameError::BadHost),
        (r"\\.\Mrx9p", NameError::BadHost),
    ];
    for (name, reason) in cases {
        assert_eq!(Unc::parse_str(name), Err(reason), "{name:?}");
    }
    let long = format!(r"\\host\{}", "a".repeat(MAX_CONNECTION_UNITS));
    assert_eq!(Unc::parse_str(&long), Err(NameError::TooLong));
    let host = format!(r"\\{}\a", "h".repeat(MAX_HOST_UNITS + 1));
    assert_eq!(Unc::parse_str(&host), Err(NameError::TooLong));
}

#[test]
fn connection_names_survive_the_round_trip() {
    for drive in [None, Some(DriveLetter::parse_str("q:").unwrap())] {
        let name = ConnectionName {
            drive,
            remote: Unc::parse_str(r"\\h@1\a\b").unwrap(),
        };
        assert_eq!(ConnectionName::parse(&name.to_units()), Ok(name.clone()));
        assert_eq!(
            ConnectionName::from_device_target(&name.device_target()),
            Some(name)
        );
    }
}

#[test]
fn a_session_qualified_link_is_understood_and_a_foreign_one_is_not() {
    let name =
        ConnectionName::from_device_target(&wide(r"\Device\Mrx9p\;X:0000000000001234\srv\sh")).unwrap();
    assert_eq!(name.drive.unwrap().to_string(), "X:");
    assert_eq!(name.remote.to_string(), r"\\srv\sh");
    for foreign in [
        r"\Device\HarddiskVolume1",
        r"\Device\Mrx9p",
        r"\Device\Mrx9pIrp\srv\sh",
        r"\??\C:\dir",
        "",
    ] {
        assert_eq!(
            ConnectionName::from_device_target(&wide(foreign)),
            None,
            "{foreign}"
        );
    }
    assert_eq!(ConnectionName::parse(&wide(r"\;X:")), Err(NameError::NoShare));
    assert_eq!(ConnectionName::parse(&wide(r"\;")), Err(NameError::BadLocalName));
}

#[test]
fn parents_stop_at_the_share_and_below_goes_by_whole_components() {
    let path = Unc::parse_str(r"\\h\a\b\c").unwrap();
    let parent = path.parent().unwrap();
    assert_eq!(parent.to_string(), r"\\h\a\b");
    let share = parent.parent().unwrap();
    assert_eq!(share.to_string(), r"\\h\a");
    assert_eq!(share.parent(), None);
    assert_eq!(path.below(&share), Some(wide(r"\b\c").as_slice()));
    assert_eq!(path.below(&path), Some([].as_slice()));
    assert_eq!(Unc::parse_str(r"\\H\Ab").unwrap().below(&share), None);
    assert_eq!(
        Unc::parse_str(r"\\H\A\x").unwrap().below(&share),
        Some(wide(r"\x").as_slice())
    );
}
