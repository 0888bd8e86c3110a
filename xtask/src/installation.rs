//! A fresh prefix with the package installed by its INF and both drivers running: what tests, the demo and the shell
//! start from.

use crate::driver::Driver;
use crate::prefix::Prefix;
use crate::programs;
use crate::project::Project;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// The service of the mini-redirector.
pub(crate) const SERVICE: &str = "Mrx9p";
/// The service of the test driver.
pub(crate) const TEST_SERVICE: &str = "Mrx9pIrp";

const PARAMETERS: &str = r"HKLM\System\CurrentControlSet\Services\Mrx9p\Parameters";

/// Installs `package` in a fresh prefix, with the test driver at its side; nothing is started yet.
pub(crate) fn install(project: &Project, package: &Path) -> Result<Prefix> {
    Prefix::create(project, |prefix| prepare(prefix, project, package))
}

fn prepare(prefix: &Prefix, project: &Project, package: &Path) -> Result<()> {
    prefix.install(package)?;
    if let Some(shim) = programs::build_shim(project)? {
        prefix.add_library(&shim)?;
    }
    // An INF cannot add to a list.
    prefix.run("mrx9pctl.exe", &["register"])?;
    // Wine's kernel has no logon ids to tell users apart by.
    prefix.set_registry(PARAMETERS, "GlobalMappings", "REG_DWORD", "1")?;
    prefix.create_driver_service(TEST_SERVICE, &project.binaries().join("irpdrv.sys"))
}

/// Puts the driver with self tests in the place of the shipped one; to be called before it is started.
pub(crate) fn replace_driver(project: &Project, prefix: &Prefix) -> Result<()> {
    let image = project
        .binaries()
        .join(format!("{}.sys", Driver::Selftest.package()));
    let place = prefix.path(r"C:\windows\system32\drivers\mrx9p.sys");
    fs::copy(&image, &place).with_context(|| format!("cannot copy {}", image.display()))?;
    Ok(())
}

/// Deadline of one request in tests, in milliseconds: short, as they wait for it.
pub(crate) const TEST_REQUEST_TIMEOUT_MS: u32 = 3_000;

/// Has requests fail after [`TEST_REQUEST_TIMEOUT_MS`]; to be called before the driver is started.
pub(crate) fn shorten_deadlines(prefix: &Prefix) -> Result<()> {
    let value = TEST_REQUEST_TIMEOUT_MS.to_string();
    prefix.set_registry(PARAMETERS, "RequestTimeoutMs", "REG_DWORD", &value)
}

/// Starts both drivers.
pub(crate) fn start(prefix: &Prefix) -> Result<()> {
    prefix.start_service(SERVICE)?;
    prefix.start_service(TEST_SERVICE)
}

/// Stops both drivers, which unloads them. Gives what the mini-redirector said at its end: nothing may be left in the pool.
pub(crate) fn unload(prefix: &Prefix) -> Result<String> {
    prefix.stop_service(TEST_SERVICE)?;
    prefix.stop_service(SERVICE)?;
    // Wine may say that a driver has stopped before it has come to its end.
    let line = prefix.driver_says("mrx9p: unloaded").with_context(|| {
        format!(
            "the driver did not say that it unloaded:\n{}",
            prefix.driver_log()
        )
    })?;
    ensure!(line.contains("pool allocations outstanding: 0 "), "{line}");
    Ok(line)
}
