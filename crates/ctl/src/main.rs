//! mrx9pctl.exe: map, unmap and list drives through the WNet API.

fn main() {}
