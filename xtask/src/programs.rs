//! The user-mode side: the network provider, the harness and the control program.

use crate::driver::place;
use crate::prefix::Wine;
use crate::process::{self, Step};
use crate::project::Project;
use crate::toolchain::{GNU, Toolchain};
use anyhow::{Context, Result};
use std::fs;

/// Cargo packages of the user-mode binaries, with the files they make.
pub(crate) const PROGRAMS: [(&str, &str); 3] = [
    ("provider", "mrx9pnp.dll"),
    ("harness", "mrx9p-harness.exe"),
    ("ctl", "mrx9pctl.exe"),
];

/// Builds them all.
pub(crate) fn build(project: &Project, toolchain: Toolchain) -> Result<()> {
    let step = Step::begin("building the provider and the programs");
    let mut cargo = toolchain.gnu(project, "build")?;
    for (package, _) in PROGRAMS {
        cargo.args(["-p", package]);
    }
    process::run(&step, &mut cargo)?;
    let binaries = project.binaries();
    fs::create_dir_all(&binaries)?;
    for (_, file) in PROGRAMS {
        let made = project.generated("gnu").join(GNU).join("release").join(file);
        let content = fs::read(&made).with_context(|| format!("cannot read {}", made.display()))?;
        place(&content, &binaries.join(file))?;
    }
    step.done();
    Ok(())
}

/// Rust's standard library asks `bcryptprimitives.dll` for random numbers, which Wine before 9 lacks. Where it is
/// missing, a tiny library of ours is made for the test prefix, and never for the package.
pub(crate) fn build_shim(project: &Project) -> Result<Option<std::path::PathBuf>> {
    if Wine::find()?.has_library("bcryptprimitives.dll") {
        return Ok(None);
    }
    let source = project.source("xtask/wdk/bcryptprimitives.c");
    let made = project.generated("shim").join("bcryptprimitives.dll");
    let modified = |file: &std::path::Path| file.metadata().and_then(|meta| meta.modified()).ok();
    if modified(&made).is_some_and(|made| Some(made) > modified(&source)) {
        return Ok(Some(made));
    }
    fs::create_dir_all(project.generated("shim"))?;
    process::capture(
        std::process::Command::new("x86_64-w64-mingw32-gcc")
            .args(["-shared", "-O2", "-nostdlib", "-Wl,--entry=0", "-o"])
            .arg(&made)
            .arg(&source)
            .arg("-ladvapi32"),
    )?;
    Ok(Some(made))
}
