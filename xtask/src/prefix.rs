//! A Wine prefix of its own for every run: a small Windows installation that is thrown away afterwards.
//!
//! A pristine prefix is made once per Wine version and copied (hard links for what never changes), so a fresh one
//! takes a second. `wineserver -p` keeps it, and the drivers loaded in it, alive between commands.

use crate::crash;
use crate::guardian::Guardian;
use crate::pe::Image;
use crate::process::{self, Step, capture, find_program};
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Where the package is put inside a prefix: its Windows name.
pub(crate) const PACKAGE_FOLDER: &str = "C:\\mrx9p";

/// The load order group of our drivers. Wine runs drivers of one group in one process.
pub(crate) const DRIVER_GROUP: &str = "Network";

/// Set this variable to keep prefixes, for a look at what is in them.
const KEEP_VARIABLE: &str = "MRX9P_KEEP_PREFIX";

/// Wine on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Wine {
    loader: PathBuf,
    server: PathBuf,
}

impl Wine {
    /// Finds it. Debian's `wine` is a script that complains about missing 32-bit support, so `wine64` comes first.
    pub(crate) fn find() -> Result<Self> {
        let debian = Path::new("/usr/lib/wine/wine64");
        let loader = find_program("wine64")
            .or_else(|| debian.is_file().then(|| debian.to_path_buf()))
            .or_else(|| find_program("wine"))
            .context("wine is missing: run `cargo xtask setup`")?;
        let server = find_program("wineserver").context("wineserver is missing: run `cargo xtask setup`")?;
        Ok(Self { loader, server })
    }

    /// What `wine --version` says.
    pub(crate) fn version(&self) -> Result<String> {
        Ok(capture(Command::new(&self.loader).arg("--version"))?
            .trim()
            .to_owned())
    }

    /// Whether this Wine brings a DLL named `name`.
    pub(crate) fn has_library(&self, name: &str) -> bool {
        self.library(name).is_some()
    }

    /// Where this Wine has a DLL or driver named `name`.
    fn library(&self, name: &str) -> Option<PathBuf> {
        let folders = [
            "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
            "/usr/lib/wine/x86_64-windows",
            "/usr/lib64/wine/x86_64-windows",
            "/opt/wine-stable/lib64/wine/x86_64-windows",
        ];
        let beside = self
            .loader
            .parent()
            .map(|folder| folder.join("../lib/wine/x86_64-windows"));
        folders
            .iter()
            .map(PathBuf::from)
            .chain(beside)
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    }

    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .env("WINEPREFIX", folder)
            .env("WINEARCH", "win64")
            // No offers to download .NET and a browser engine.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe=")
            .env("WINEDEBUG", "-all")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }
}

/// How many prefixes are tried. Now and then one of the first programs in a fresh one ends with an error before it has
/// done anything, without a word; none of our drivers is loaded by then.
const ATTEMPTS: usize = 3;

/// A running prefix. Dropping it ends every process in it and removes it.
#[derive(Debug)]
pub(crate) struct Prefix {
    wine: Wine,
    folder: PathBuf,
    log: PathBuf,
    _guardian: Guardian,
}

impl Prefix {
    /// Makes a fresh prefix, starts its server, and has `prepare` put into it what it is for. One that fails at that is
    /// given up and told of, and another is made, at most [`ATTEMPTS`] in all.
    pub(crate) fn create(project: &Project, prepare: impl Fn(&Self) -> Result<()>) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let prefix = Self::new(project)?;
            match prefix
                .start()
                .and_then(|()| crash::arm(&prefix))
                .and_then(|()| prepare(&prefix))
            {
                Ok(()) => return Ok(prefix),
                Err(error) if attempt < ATTEMPTS => println!(
                    "\nA fresh Wine prefix does not come up: {error:#}\n{}Once more, in another.",
                    prefix.driver_log()
                ),
                Err(error) => return Err(error).context("no fresh Wine prefix comes up"),
            }
            attempt += 1;
        }
    }

    fn new(project: &Project) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let wine = Wine::find()?;
        let template = template(project, &wine)?;
        let prefixes = project.generated("prefixes");
        fs::create_dir_all(&prefixes)?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = prefixes.join(format!("{}-{number}", std::process::id()));
        let log = prefixes.join(format!("{}-{number}.log", std::process::id()));
        let guardian = guard(&wine, &folder, &log)?;
        copy_template(&template, &folder)?;
        Ok(Self {
            wine,
            folder,
            log,
            _guardian: guardian,
        })
    }

    /// Starts the server and the service manager, whose error output (the drivers' DbgPrint) goes to the log.
    fn start(&self) -> Result<()> {
        let step = Step::begin("starting a fresh Wine prefix");
        let (status, said) = self.finish(self.wine.command(&self.wine.server, &self.folder).arg("-p"))?;
        if !status.success() {
            bail!("wineserver: {status}\n{said}");
        }
        let log = File::create(&self.log).with_context(|| format!("cannot make {}", self.log.display()))?;
        let status = self
            .program("wineboot")
            .env("WINEDEBUG", "err-all,fixme-all,warn+debugstr")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .status()
            .context("cannot start wineboot")?;
        if !status.success() {
            bail!("wineboot: {status}");
        }
        step.done();
        Ok(())
    }

    /// A command for a Windows program in this prefix. Programs of the package and of Windows are found by name.
    pub(crate) fn program(&self, program: &str) -> Command {
        let mut command = self.runner();
        command.arg(self.locate(program).as_deref().unwrap_or(program));
        command
    }

    /// The command that runs a Windows program, without the program.
    pub(crate) fn runner(&self) -> Command {
        let mut command = self.wine.command(&self.wine.loader, &self.folder);
        command.env("WINEPATH", PACKAGE_FOLDER);
        command
    }

    /// The full path of a program: one that Wine has to look for is started by another, `start.exe`, which now and then
    /// fails at that.
    fn locate(&self, program: &str) -> Option<String> {
        let folders = [PACKAGE_FOLDER, r"C:\windows\system32"];
        let paths = folders.iter().flat_map(|folder| {
            let path = format!(r"{folder}\{program}");
            [format!("{path}.exe"), path]
        });
        paths.into_iter().find(|path| self.path(path).is_file())
    }

    /// Runs a Windows program to its end; an exit code other than 0 is an error with what it said.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let (status, said) = self.finish(self.program(program).args(arguments))?;
        if !status.success() {
            bail!("{program} {}: {status}\n{said}", arguments.join(" "));
        }
        Ok(said)
    }

    /// Runs a command to its end and gives all it said. That goes through a file, not a pipe: a program may leave
    /// others behind in the prefix, which would hold the pipe open.
    pub(crate) fn finish(&self, command: &mut Command) -> Result<(ExitStatus, String)> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let said = self
            .folder
            .join(format!("said-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
        let file = File::create(&said).with_context(|| format!("cannot make {}", said.display()))?;
        let status = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .status()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let text = String::from_utf8_lossy(&fs::read(&said)?).replace("\r\n", "\n");
        fs::remove_file(&said)?;
        Ok((status, text))
    }

    /// The Linux path of `C:\…`.
    pub(crate) fn path(&self, windows: &str) -> PathBuf {
        let below = windows.strip_prefix("C:\\").unwrap_or(windows);
        self.folder.join("drive_c").join(below.replace('\\', "/"))
    }

    /// Copies the package into the prefix and installs it as a user would: by its INF.
    pub(crate) fn install(&self, package: &Path) -> Result<()> {
        let folder = self.path(PACKAGE_FOLDER);
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(package).with_context(|| format!("cannot list {}", package.display()))? {
            let entry = entry?;
            fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        let inf = format!("{PACKAGE_FOLDER}\\mrx9p.inf");
        self.run(
            "rundll32",
            &["setupapi,InstallHinfSection", "DefaultInstall", "132", &inf],
        )?;
        // rundll32 has no exit code of the INF's.
        let driver = self.path("C:\\windows\\system32\\drivers\\mrx9p.sys");
        if !driver.is_file() {
            bail!("the INF did not install {}", driver.display());
        }
        Ok(())
    }

    /// Adds a DLL to the system folder.
    pub(crate) fn add_library(&self, library: &Path) -> Result<()> {
        let name = library.file_name().context("a DLL has a name")?;
        fs::copy(library, self.path("C:\\windows\\system32").join(name))
            .with_context(|| format!("cannot copy {}", library.display()))?;
        Ok(())
    }

    /// Sets a value of the registry. `kind` is REG_SZ, REG_DWORD …
    pub(crate) fn set_registry(&self, key: &str, name: &str, kind: &str, data: &str) -> Result<()> {
        self.run("reg", &["add", key, "/v", name, "/t", kind, "/d", data, "/f"])?;
        Ok(())
    }

    /// Makes a driver service for a .sys file of this machine, in the load order group of mrx9p.
    pub(crate) fn create_driver_service(&self, service: &str, image: &Path) -> Result<()> {
        let name = format!("{}.sys", service.to_lowercase());
        fs::copy(image, self.path("C:\\windows\\system32\\drivers").join(&name))
            .with_context(|| format!("cannot copy {}", image.display()))?;
        let path = format!("C:\\windows\\system32\\drivers\\{name}");
        self.run(
            "sc",
            &[
                "create",
                service,
                "type=",
                "kernel",
                "start=",
                "demand",
                "group=",
                DRIVER_GROUP,
                "binpath=",
                &path,
            ],
        )?;
        Ok(())
    }

    /// Starts a service.
    pub(crate) fn start_service(&self, service: &str) -> Result<()> {
        self.run("net", &["start", service]).with_context(|| {
            format!(
                "the service does not start; the driver said:\n{}",
                self.driver_log()
            )
        })?;
        Ok(())
    }

    /// Stops a service.
    pub(crate) fn stop_service(&self, service: &str) -> Result<()> {
        self.run("net", &["stop", service]).with_context(|| {
            format!(
                "the service does not stop; the driver said:\n{}",
                self.driver_log()
            )
        })?;
        Ok(())
    }

    /// Whether Wine's module `name` has `address`, where it is usually loaded.
    pub(crate) fn is_in(&self, name: &str, address: u64) -> bool {
        let content = self.wine.library(name).and_then(|file| fs::read(file).ok());
        content
            .and_then(|content| Image::parse(content).ok()?.addresses())
            .is_some_and(|image| image.contains(&address))
    }

    /// What the drivers printed so far (`DbgPrint`), one line each.
    pub(crate) fn driver_log(&self) -> String {
        let bytes = fs::read(&self.log).unwrap_or_default();
        driver_lines(&String::from_utf8_lossy(&bytes))
    }

    /// The first line with `words` that the drivers print, for which this waits a while.
    pub(crate) fn driver_says(&self, words: &str) -> Option<String> {
        const PATIENCE: Duration = Duration::from_secs(20);
        let start = Instant::now();
        loop {
            let log = self.driver_log();
            if let Some(line) = log.lines().find(|line| line.contains(words)) {
                return Some(line.trim().to_owned());
            }
            if start.elapsed() > PATIENCE {
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Picks what drivers printed out of Wine's log: `<thread>:warn:debugstr:vDbgPrintExWithPrefix <id>:<level>: <text>`.
fn driver_lines(log: &str) -> String {
    let mut text = String::new();
    for line in log.lines() {
        let printed = line
            .split_once(":debugstr:vDbgPrintExWithPrefix ")
            .and_then(|(_, rest)| rest.split_once(": "));
        text.push_str(printed.map_or(line, |(_, message)| message));
        text.push('\n');
    }
    text
}

/// Arranges the end of the prefix: its server is asked to go, then waited for, and the folder removed.
fn guard(wine: &Wine, folder: &Path, log: &Path) -> Result<Guardian> {
    let keep = if std::env::var_os(KEEP_VARIABLE).is_some() {
        "keep"
    } else {
        "remove"
    };
    Guardian::new(
        "export WINEPREFIX=\"$2\"\n\
         if [ -d \"$2\" ]; then \"$1\" -k; \"$1\" -w; fi\n\
         if [ \"$4\" = remove ]; then rm -rf -- \"$2\" \"$3\"; fi",
        &[
            wine.server.as_os_str(),
            folder.as_os_str(),
            log.as_os_str(),
            OsStr::new(keep),
        ],
    )
}

/// The pristine prefix of this Wine version, made if it is missing.
fn template(project: &Project, wine: &Wine) -> Result<PathBuf> {
    let version: String = wine
        .version()?
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' {
                c
            } else {
                '-'
            }
        })
        .collect();
    let template = project.generated("prefix-templates").join(version);
    if template.is_dir() {
        return Ok(template);
    }
    let step = Step::begin("making the first Wine prefix");
    let draft = template.with_extension(format!("draft{}", std::process::id()));
    fs::create_dir_all(&draft)?;
    let guardian = guard(wine, &draft, &draft.with_extension("log"))?;
    for command in [
        &mut wine.command(&wine.loader, &draft),
        &mut wine.command(&wine.server, &draft),
    ] {
        let boot: &[&str] = if command.get_program() == wine.loader.as_os_str() {
            &["wineboot", "-i"]
        } else {
            &["-w"]
        };
        let said = process::output(command.args(boot))?;
        if !said.status.success() {
            bail!(
                "cannot make a Wine prefix: {}\n{}",
                said.status,
                String::from_utf8_lossy(&said.stderr)
            );
        }
    }
    let made = fs::rename(&draft, &template);
    drop(guardian);
    if !template.is_dir() {
        made.with_context(|| format!("cannot make {}", template.display()))?;
    }
    step.done();
    Ok(template)
}

/// Copies the template: the registry and other small files by content, Wine's own programs as hard links.
fn copy_template(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            copy_template(&source, &target)?;
        } else if never_changes(&source) && fs::hard_link(&source, &target).is_ok() {
        } else {
            fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

fn never_changes(file: &Path) -> bool {
    let binary = [
        "dll", "exe", "sys", "drv", "ocx", "cpl", "nls", "ttf", "tlb", "acm", "ax",
    ];
    file.extension()
        .is_some_and(|extension| binary.iter().any(|known| extension == *known))
}

#[cfg(test)]
mod tests {
    use super::driver_lines;

    #[test]
    fn what_a_driver_printed_stands_alone() {
        let log = "016c:warn:debugstr:vDbgPrintExWithPrefix 00000000:00000001: mrx9p: loading\nsecond line\n";
        assert_eq!(driver_lines(log), "mrx9p: loading\nsecond line\n");
    }
}
