//! The table of errors, row by row, against rows that do not come from it: `errno_rows.txt`.

use nt::{Errno, Status, Win32Error};

struct Row<'a> {
    errno: u32,
    name: &'a str,
    status_name: &'a str,
    status: u32,
    win32: u32,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    let lines = include_str!("errno_rows.txt").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let [errno, name, status_name, status, win32] = columns[..] else {
            panic!("not a row: {line}");
        };
        Row {
            errno: errno.parse().unwrap(),
            name,
            status_name: status_name.strip_prefix("STATUS_").unwrap(),
            status: u32::from_str_radix(status.strip_prefix("0x").unwrap(), 16).unwrap(),
            win32: win32.parse().unwrap(),
        }
    })
}

#[test]
fn each_number_becomes_what_its_row_says() {
    let mut count = 0;
    for row in rows() {
        let (errno, name) = (Errno(row.errno), row.name);
        assert_eq!(errno.name(), Some(name));
        let status = Status::from(errno);
        assert_eq!(status.0, row.status, "{name} is {status}");
        assert_eq!(status.name(), Some(row.status_name), "{name}");
        assert_eq!(Win32Error::from(status).0, row.win32, "{name}");
        count += 1;
    }
    // 1 to 133 without 41 and 58, which Linux has left unused.
    assert_eq!(count, 131);
}

#[test]
fn no_other_number_has_a_row() {
    let listed: Vec<u32> = rows().map(|row| row.errno).collect();
    assert!(listed.is_sorted_by(|a, b| a < b), "each once, in order");
    for row in Errno::TABLE {
        assert!(listed.contains(&row.errno.0), "{}", row.name);
    }
    for number in (0..1000).filter(|number| !listed.contains(number)) {
        let expected = if number == 0 { 0xc000_00c3 } else { 0xc000_0001 };
        assert_eq!(Status::from(Errno(number)).0, expected, "{number}");
    }
}
