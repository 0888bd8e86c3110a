//! The installable package: binaries, INF and the test certificate in `target/package`.
//!
//! Binaries are signed with a self-signed certificate that is made here and thrown away with target/: enough for a
//! Windows in test-signing mode that trusts it.

use crate::driver::place;
use crate::pe::{self, Image};
use crate::process::{Step, capture};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a package consists of, beside the INF. The tests' own driver is not part of it.
pub(crate) const BINARIES: [&str; 4] = ["mrx9p.sys", "mrx9pnp.dll", "mrx9p-harness.exe", "mrx9pctl.exe"];

/// The certificate in the package, for import into a test machine.
const CERTIFICATE: &str = "mrx9p-test.cer";

/// Collects and signs what was built, and gives the package's folder. Quick when nothing changed.
pub(crate) fn assemble(project: &Project) -> Result<PathBuf> {
    let package = project.package();
    fs::create_dir_all(&package)?;
    // Several may want the package at once; the lock ends with the file.
    let turn = fs::File::create(package.with_extension("lock"))?;
    turn.lock()?;
    refuse_self_tests(&project.binaries().join("mrx9p.sys"))?;
    let signer = Signer::prepare(project)?;
    for name in BINARIES {
        signer.sign(&project.binaries().join(name), &package.join(name))?;
    }
    for (source, name) in [
        (project.source("inf/mrx9p.inf"), "mrx9p.inf"),
        (signer.public(), CERTIFICATE),
    ] {
        let content = fs::read(&source).with_context(|| format!("cannot read {}", source.display()))?;
        place(&content, &package.join(name))?;
    }
    Ok(package)
}

/// Refuses a driver that answers the self-test control.
pub(crate) fn refuse_self_tests(driver: &Path) -> Result<()> {
    let content = fs::read(driver).with_context(|| format!("{} is not built", driver.display()))?;
    if crate::driver::has_self_tests(&Image::parse(content)?) {
        bail!(
            "{} was built with self tests and is not for release",
            driver.display()
        );
    }
    Ok(())
}

/// What Windows asks of a driver image, as named checks of the packaged one.
pub(crate) fn driver_checks(project: &Project, package: &Path) -> Vec<(&'static str, Result<()>)> {
    let image = || -> Result<Image> {
        let file = package.join("mrx9p.sys");
        Image::parse(fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?)
    };
    let subsystem = || match image()?.subsystem() {
        Some(pe::SUBSYSTEM_NATIVE) => Ok(()),
        other => bail!("subsystem {other:?}"),
    };
    let imports = || {
        let foreign: Vec<String> = image()?
            .imported_modules()?
            .into_iter()
            .filter(|module| !crate::driver::ALLOWED_IMPORTS.contains(&module.as_str()))
            .collect();
        if foreign.is_empty() {
            Ok(())
        } else {
            bail!("imports from {}", foreign.join(", "))
        }
    };
    let checksum = || {
        let image = image()?;
        let (found, computed) = (image.checksum(), image.computed_checksum());
        if found == Some(computed) {
            Ok(())
        } else {
            bail!("checksum {found:x?} instead of {computed:#x}")
        }
    };
    let signature = || {
        if !image()?.is_signed() {
            bail!("no signature");
        }
        let certificate = Signer::at(project).certificate();
        let mut verify = Command::new("osslsigncode");
        verify
            .arg("verify")
            .arg("-CAfile")
            .arg(certificate)
            .arg("-in")
            .arg(package.join("mrx9p.sys"));
        capture(&mut verify).map(|_| ())
    };
    vec![
        ("package::driver_is_of_the_native_subsystem", subsystem()),
        (
            "package::driver_imports_only_from_the_kernel_and_netio",
            imports(),
        ),
        ("package::driver_checksum_is_right", checksum()),
        ("package::driver_is_signed_with_the_test_certificate", signature()),
        (
            "package::driver_has_no_self_tests",
            refuse_self_tests(&package.join("mrx9p.sys")),
        ),
    ]
}

/// A throw-away certificate with its key.
struct Signer {
    folder: PathBuf,
}

impl Signer {
    /// The certificate in its place, made or not.
    fn at(project: &Project) -> Self {
        Self {
            folder: project.generated("signing"),
        }
    }

    fn prepare(project: &Project) -> Result<Self> {
        let signer = Self::at(project);
        if signer.public().is_file() {
            return Ok(signer);
        }
        fs::create_dir_all(&signer.folder)?;
        capture(
            Command::new("openssl")
                .args([
                    "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha256", "-days", "3650",
                ])
                .args(["-subj", "/CN=mrx9p test certificate"])
                .args(["-addext", "keyUsage=critical,digitalSignature"])
                .args(["-addext", "extendedKeyUsage=codeSigning"])
                .arg("-keyout")
                .arg(signer.key())
                .arg("-out")
                .arg(signer.certificate()),
        )?;
        capture(
            Command::new("openssl")
                .args(["x509", "-outform", "DER", "-in"])
                .arg(signer.certificate())
                .arg("-out")
                .arg(signer.public()),
        )?;
        Ok(signer)
    }

    fn key(&self) -> PathBuf {
        self.folder.join("key.pem")
    }

    fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    fn public(&self) -> PathBuf {
        self.folder.join(CERTIFICATE)
    }

    /// Signs `from` into `to`, unless `to` was made from just that.
    fn sign(&self, from: &Path, to: &Path) -> Result<()> {
        let content = fs::read(from).with_context(|| format!("{} is not built", from.display()))?;
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        fs::read(self.public())?.hash(&mut hasher);
        let fingerprint = format!("{:016x}", hasher.finish());
        let name = to.file_name().context("a binary has a name")?;
        let stamp = self.folder.join(name).with_extension("source");
        if to.is_file() && fs::read_to_string(&stamp).is_ok_and(|found| found == fingerprint) {
            return Ok(());
        }
        let step = Step::begin(format!("signing {}", name.display()));
        let draft = self.folder.join(name);
        for old in [&draft, &stamp] {
            if old.exists() {
                fs::remove_file(old)?;
            }
        }
        capture(
            Command::new("osslsigncode")
                .args(["sign", "-h", "sha256", "-n", "mrx9p", "-certs"])
                .arg(self.certificate())
                .arg("-key")
                .arg(self.key())
                .arg("-in")
                .arg(from)
                .arg("-out")
                .arg(&draft),
        )?;
        place(&fs::read(&draft)?, to)?;
        fs::write(stamp, fingerprint)?;
        step.done();
        Ok(())
    }
}
