//! Import libraries of the kernel's modules, and the linker that reads them.
//!
//! The names come from mingw-w64's own import libraries; llvm-dlltool writes them in the form of Microsoft's linker.

use crate::process::{capture, find_program};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian puts mingw-w64's import libraries.
const MINGW_LIBRARIES: &str = "/usr/x86_64-w64-mingw32/lib";

/// A module of the kernel whose exports drivers link to.
struct Module {
    /// Base name of the import library.
    library: &'static str,
    /// Name in the import table.
    file: &'static str,
    /// Exports that mingw-w64 does not list.
    more: &'static [&'static str],
}

const MODULES: [Module; 4] = [
    Module {
        library: "ntoskrnl",
        file: "ntoskrnl.exe",
        more: &[
            "__chkstk",
            "__C_specific_handler",
            "ExAllocatePool2",
            "FsRtlRegisterUncProviderEx",
        ],
    },
    Module {
        library: "hal",
        file: "hal.dll",
        more: &[],
    },
    Module {
        library: "wmilib",
        file: "wmilib.sys",
        more: &[],
    },
    Module {
        library: "netio",
        file: "netio.sys",
        more: &[],
    },
];

/// Bump when the way of making them changes.
const EDITION: &str = "1";

/// Makes the libraries that are missing.
pub(crate) fn prepare(project: &Project) -> Result<()> {
    let folder = project.kit_libraries();
    let stamp = folder.join("edition");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == EDITION) {
        return Ok(());
    }
    fs::create_dir_all(&folder)?;
    for module in &MODULES {
        make_import_library(module, &folder)
            .with_context(|| format!("cannot make {}.lib", module.library))?;
    }
    make_overflow_library(project, &folder).context("cannot make BufferOverflowFastFailK.lib")?;
    fs::write(stamp, EDITION)?;
    Ok(())
}

fn make_import_library(module: &Module, folder: &Path) -> Result<()> {
    let archive = Path::new(MINGW_LIBRARIES).join(format!("lib{}.a", module.library));
    let symbols = capture(Command::new(tool("llvm-nm")?).arg("--quiet").arg(&archive))?;
    let exports = Exports::read(&symbols, module.more);
    if exports.functions.is_empty() {
        bail!("{} lists no functions", archive.display());
    }
    let definition = folder.join(format!("{}.def", module.library));
    fs::write(&definition, exports.definition(module.file))?;
    capture(
        Command::new(tool("llvm-dlltool")?)
            .args(["-m", "i386:x86-64", "-d"])
            .arg(&definition)
            .arg("-l")
            .arg(folder.join(format!("{}.lib", module.library))),
    )?;
    Ok(())
}

/// What a module exports.
#[derive(Debug, Default, PartialEq, Eq)]
struct Exports {
    functions: BTreeSet<String>,
    variables: BTreeSet<String>,
}

impl Exports {
    /// Reads `nm`'s list of an import library: a function has a thunk (`T name`) and a slot (`I __imp_name`), a
    /// variable has a slot only.
    fn read(symbols: &str, more: &[&str]) -> Self {
        let mut functions: BTreeSet<String> = more.iter().map(|name| (*name).to_owned()).collect();
        let mut variables = BTreeSet::new();
        for line in symbols.lines() {
            let mut words = line.split_whitespace().rev();
            let (Some(name), Some(kind)) = (words.next(), words.next()) else {
                continue;
            };
            if let Some(slot) = name.strip_prefix("__imp_") {
                variables.insert(slot.to_owned());
            } else if kind == "T" {
                functions.insert(name.to_owned());
            }
        }
        variables.retain(|name| !functions.contains(name));
        Self { functions, variables }
    }

    /// A module definition file. Variables are CONSTANT: their plain name is then the import slot itself, which is
    /// how the kernel's headers declare them (`POBJECT_TYPE *IoFileObjectType`).
    fn definition(&self, file: &str) -> String {
        let mut text = format!("LIBRARY {file}\nEXPORTS\n");
        for name in &self.functions {
            let _ = writeln!(text, "    {name}");
        }
        for name in &self.variables {
            let _ = writeln!(text, "    {name} CONSTANT");
        }
        text
    }
}

fn make_overflow_library(project: &Project, folder: &Path) -> Result<()> {
    let object = folder.join("overflow.obj");
    capture(
        Command::new(tool("clang")?)
            .args([
                "--target=x86_64-pc-windows-msvc",
                "-O2",
                "-ffreestanding",
                "-c",
                "-o",
            ])
            .arg(&object)
            .arg(project.source("xtask/wdk/overflow.c")),
    )?;
    let library = folder.join("BufferOverflowFastFailK.lib");
    if library.exists() {
        fs::remove_file(&library)?;
    }
    capture(Command::new(tool("llvm-ar")?).arg("rcs").arg(library).arg(object))?;
    Ok(())
}

/// Makes the linker: a script named `lld-link` (rustc goes by the name) that leaves out options which LLVM's
/// linker does not know. What /RELEASE does, the checksum, xtask does afterwards.
pub(crate) fn prepare_linker(project: &Project) -> Result<PathBuf> {
    let real = tool("lld-link")?;
    let text = format!(
        "#!/bin/sh\n\
         # Made by xtask. Drops options of Microsoft's linker that LLVM's does not know.\n\
         count=$#\n\
         while [ \"$count\" -gt 0 ]; do\n\
         \targument=$1\n\
         \tshift\n\
         \tcount=$((count - 1))\n\
         \tcase \"$argument\" in\n\
         \t/KERNEL | /MAPINFO:EXPORTS | /RELEASE) ;;\n\
         \t*) set -- \"$@\" \"$argument\" ;;\n\
         \tesac\n\
         done\n\
         exec '{}' \"$@\"\n",
        real.display()
    );
    let script = project.generated("linker").join("lld-link");
    if fs::read_to_string(&script).is_ok_and(|found| found == text) {
        return Ok(script);
    }
    fs::create_dir_all(project.generated("linker"))?;
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

fn tool(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("{name} is missing: run `cargo xtask setup`"))
}

#[cfg(test)]
mod tests {
    use super::Exports;

    #[test]
    fn a_slot_without_a_thunk_is_a_variable() {
        let listing = "lib.o:\n0000000000000000 T KeWait\n0000000000000000 I __imp_KeWait\n\
                       0000000000000000 I __imp_IoFileObjectType\n                 U _head_lib\n";
        let exports = Exports::read(listing, &["__chkstk"]);
        assert_eq!(
            exports.functions.iter().collect::<Vec<_>>(),
            ["KeWait", "__chkstk"]
        );
        assert_eq!(exports.variables.iter().collect::<Vec<_>>(), ["IoFileObjectType"]);
        assert!(
            exports
                .definition("a.sys")
                .ends_with("    KeWait\n    __chkstk\n    IoFileObjectType CONSTANT\n")
        );
    }
}
