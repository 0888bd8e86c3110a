//! The drivers: `mrx9p.sys` and the test driver `irpdrv.sys`.

use crate::pe::{self, Image};
use crate::process::{self, Step};
use crate::project::Project;
use crate::toolchain::{KitState, MSVC, Toolchain};
use crate::{import_libs, patch, wdk_tree};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};

/// A driver package of the workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// The mini-redirector.
    Mrx9p,
    /// The driver that builds IRPs for tests.
    Irpdrv,
    /// The mini-redirector with its self tests.
    Selftest,
}

impl Driver {
    /// What an ordinary build makes.
    pub(crate) const ALL: [Self; 2] = [Self::Mrx9p, Self::Irpdrv];
    /// Every driver of the workspace.
    pub(crate) const EVERY: [Self; 3] = [Self::Mrx9p, Self::Irpdrv, Self::Selftest];

    /// The cargo package, which is also the base name of the binary.
    pub(crate) fn package(self) -> &'static str {
        match self {
            Self::Mrx9p => "mrx9p",
            Self::Irpdrv => "irpdrv",
            Self::Selftest => "mrx9p-selftest",
        }
    }

    /// The file that cargo makes of it.
    fn library(self) -> String {
        self.package().replace('-', "_")
    }
}

/// Makes everything a driver build stands on; quick when it is there already.
pub(crate) fn prepare(project: &Project) -> Result<KitState> {
    // Several builds may begin at once; the lock ends with the file.
    fs::create_dir_all(project.generated("msvc"))?;
    let turn = fs::File::create(project.generated("prepare.lock"))?;
    turn.lock()?;
    Ok(KitState {
        fingerprint: wdk_tree::prepare(project)?,
        patched: patch::prepare(project)?,
        linker: {
            import_libs::prepare(project)?;
            import_libs::prepare_linker(project)?
        },
    })
}

/// Builds `drivers` and gives the folder of the .sys files. They are built with the feature `downlevel`, so that
/// one binary serves every Windows 10 and 11 (and the older Wine).
pub(crate) fn build(project: &Project, toolchain: Toolchain, drivers: &[Driver]) -> Result<PathBuf> {
    let kit = prepare(project)?;
    let binaries = project.binaries();
    fs::create_dir_all(&binaries)?;
    for driver in drivers {
        let name = driver.package();
        let step = Step::begin(format!("building {name}.sys"));
        let mut cargo = toolchain.msvc(project, "build", &kit)?;
        cargo.args(["-p", name, "--features", "downlevel"]);
        process::run(&step, &mut cargo)?;
        let made = project.generated("msvc").join(MSVC).join("release");
        let library = driver.library();
        let image = made.join(format!("{library}.dll"));
        let image = fs::read(&image).with_context(|| format!("cannot read {}", image.display()))?;
        let image = Image::parse(image).with_context(|| format!("{name}.sys is not an image"))?;
        verify(*driver, &image)?;
        place(&image.with_checksum(), &binaries.join(format!("{name}.sys")))?;
        let symbols = made.join(format!("{library}.pdb"));
        if let Ok(content) = fs::read(&symbols) {
            place(&content, &binaries.join(format!("{name}.pdb")))?;
        }
        step.done();
    }
    Ok(binaries)
}

/// Modules that a driver of ours may import from.
pub(crate) const ALLOWED_IMPORTS: [&str; 2] = ["ntoskrnl.exe", "netio.sys"];

/// Refuses an image that Windows would not load, or that needs more of the kernel than it should.
fn verify(driver: Driver, image: &Image) -> Result<()> {
    let name = driver.package();
    if image.subsystem() != Some(pe::SUBSYSTEM_NATIVE) {
        bail!("{name}.sys is not of the native subsystem");
    }
    for module in image.imported_modules()? {
        if !ALLOWED_IMPORTS.contains(&module.as_str()) {
            bail!("{name}.sys imports from {module}");
        }
    }
    match (driver, has_self_tests(image)) {
        (Driver::Selftest, false) => bail!("{name}.sys was built without its self tests"),
        (Driver::Mrx9p | Driver::Irpdrv, true) => bail!("{name}.sys was built with self tests"),
        _ => Ok(()),
    }
}

/// Whether the image is of a driver that answers the self-test control. Such a one is never shipped.
pub(crate) fn has_self_tests(image: &Image) -> bool {
    image.contains(ioctl::selftest::MARKER.as_bytes())
}

/// Writes a finished file, only if it differs: the time of an unchanged binary stays.
pub(crate) fn place(content: &[u8], to: &Path) -> Result<()> {
    if fs::read(to).is_ok_and(|found| found == content) {
        return Ok(());
    }
    // In one go: another run may be reading it.
    let draft = to.with_extension(format!("draft{}", std::process::id()));
    fs::write(&draft, content)
        .and_then(|()| fs::rename(&draft, to))
        .with_context(|| format!("cannot write {}", to.display()))
}
