//! Where things are: the sources of the project and everything that is generated from them.

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Version of the kit that the generated, WDK-shaped tree claims to be (Windows 11 22H2). It only names folders.
pub(crate) const KIT_VERSION: &str = "10.0.22621.0";

/// The project's folders. Everything generated is below `target/`.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    root: PathBuf,
}

impl Project {
    /// Finds the workspace: from cargo's environment, else upwards from the working folder.
    pub(crate) fn locate() -> Result<Self> {
        if let Some(manifest) = std::env::var_os("CARGO_MANIFEST_DIR") {
            let root = PathBuf::from(manifest).parent().map(Path::to_path_buf);
            if let Some(root) = root.filter(|root| is_workspace(root)) {
                return Ok(Self { root });
            }
        }
        let here = std::env::current_dir().context("the working folder is not readable")?;
        here.ancestors()
            .find(|folder| is_workspace(folder))
            .map(|root| Self {
                root: root.to_path_buf(),
            })
            .context("run this inside the mrx9p workspace")
    }

    /// The workspace root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the sources.
    pub(crate) fn source(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file or folder below `target/windows`, where everything for Windows is generated.
    pub(crate) fn generated(&self, relative: &str) -> PathBuf {
        self.root.join("target").join("windows").join(relative)
    }

    /// Root of the WDK-shaped tree of headers and import libraries.
    pub(crate) fn kit(&self) -> PathBuf {
        self.generated("wdk")
    }

    /// The import libraries of the kit.
    pub(crate) fn kit_libraries(&self) -> PathBuf {
        self.kit().join("Lib").join(KIT_VERSION).join("km").join("x64")
    }

    /// The folder of finished binaries: .sys, .dll, .exe.
    pub(crate) fn binaries(&self) -> PathBuf {
        self.generated("bin")
    }

    /// The folder of the installable package.
    pub(crate) fn package(&self) -> PathBuf {
        self.root.join("target").join("package")
    }
}

fn is_workspace(folder: &Path) -> bool {
    folder.join("Cargo.lock").is_file() && folder.join("xtask").join("wdk").is_dir()
}
