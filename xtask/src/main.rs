//! Build, test, package and demonstrate mrx9p.

fn main() {}
