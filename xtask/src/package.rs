//! The installable package: the binaries and the INF in `target/package`.

use crate::driver::place;
use crate::project::Project;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;

/// What a package consists of, beside the INF. The tests' own driver is not part of it.
pub(crate) const FILES: [&str; 4] = ["mrx9p.sys", "mrx9pnp.dll", "mrx9p-harness.exe", "mrx9pctl.exe"];

/// Collects the files that were built.
pub(crate) fn assemble(project: &Project) -> Result<PathBuf> {
    let package = project.package();
    fs::create_dir_all(&package)?;
    for name in FILES {
        let built = project.binaries().join(name);
        let content = fs::read(&built).with_context(|| format!("{} is not built", built.display()))?;
        place(&content, &package.join(name))?;
    }
    let inf = project.source("inf/mrx9p.inf");
    let content = fs::read(&inf).with_context(|| format!("cannot read {}", inf.display()))?;
    place(&content, &package.join("mrx9p.inf"))?;
    Ok(package)
}
