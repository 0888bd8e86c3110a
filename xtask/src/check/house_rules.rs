//! Rules about the text of the sources. Each is simple on purpose: it catches slips, not ill will.

use crate::process::capture;
use crate::project::Project;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

/// Longest source file, in lines.
const LINE_LIMIT: usize = 800;

/// Crates without unsafe code.
const SAFE_CRATES: [&str; 8] = [
    "crates/nt",
    "crates/rxce",
    "crates/rdbss",
    "crates/ninep",
    "crates/minirdr",
    "crates/ioctl",
    "crates/harness",
    "xtask",
];

/// Folders of code that runs in the kernel.
const KERNEL_FOLDERS: [&str; 9] = [
    "src",
    "crates/nt/src",
    "crates/executive/src",
    "crates/rxce/src",
    "crates/rdbss/src",
    "crates/ninep/src",
    "crates/minirdr/src",
    "crates/ioctl/src",
    "crates/ddi/src",
];

/// What allocates without a way to fail, or panics.
const FORBIDDEN_IN_KERNEL: [&str; 18] = [
    "vec![",
    "format!(",
    "Box::new(",
    "Arc::new(",
    "Rc::new(",
    ".to_vec()",
    ".to_owned()",
    ".to_string()",
    "String::from(",
    "Vec::with_capacity(",
    "String::with_capacity(",
    ".unwrap()",
    ".expect(\"",
    " panic!(",
    "unreachable!(",
    "todo!(",
    "unimplemented!(",
    "std::collections",
];

/// Every rule with its outcome.
pub(crate) fn check(project: &Project) -> Result<Vec<(&'static str, Result<()>)>> {
    let files = Files::read(project)?;
    Ok(vec![
        ("files are short", outcome(files.long())),
        ("pure crates forbid unsafe code", outcome(files.without_forbid())),
        ("every crate has a README", outcome(files.without_readme())),
        (
            "nothing points out of the repository",
            outcome(files.leaving(project)),
        ),
        ("links in documents lead somewhere", outcome(files.broken_links())),
        (
            "kernel code allocates with a way to fail, and does not panic",
            outcome(files.infallible()),
        ),
    ])
}

fn outcome(problems: Vec<String>) -> Result<()> {
    if problems.is_empty() {
        Ok(())
    } else {
        bail!("  {}", problems.join("\n  "))
    }
}

/// The text files of the repository, by path below the root.
struct Files {
    root: PathBuf,
    texts: Vec<(String, String)>,
}

impl Files {
    fn read(project: &Project) -> Result<Self> {
        let list = capture(Command::new("git").current_dir(project.root()).args([
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
        ]))
        .context("the files of the repository are listed by git")?;
        let root = project.root().to_path_buf();
        let texts = list
            .lines()
            .filter_map(|path| Some((path.to_owned(), fs::read_to_string(root.join(path)).ok()?)))
            .collect();
        Ok(Self { root, texts })
    }

    fn sources(&self) -> impl Iterator<Item = (&str, &str)> {
        self.texts
            .iter()
            .filter(|(path, _)| path.ends_with(".rs"))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    fn long(&self) -> Vec<String> {
        self.sources()
            .filter(|(_, text)| text.lines().count() > LINE_LIMIT)
            .map(|(path, text)| format!("{path}: {} lines, more than {LINE_LIMIT}", text.lines().count()))
            .collect()
    }

    fn without_forbid(&self) -> Vec<String> {
        let missing = |folder: &&&str| {
            let roots = [format!("{folder}/src/lib.rs"), format!("{folder}/src/main.rs")];
            !self.sources().any(|(path, text)| {
                roots.iter().any(|root| root == path) && text.contains("#![forbid(unsafe_code)]")
            })
        };
        SAFE_CRATES
            .iter()
            .filter(missing)
            .map(|folder| format!("{folder} does not forbid unsafe code"))
            .collect()
    }

    fn without_readme(&self) -> Vec<String> {
        let manifests = self
            .texts
            .iter()
            .filter_map(|(path, _)| path.strip_suffix("/Cargo.toml"));
        manifests
            .filter(|folder| folder.starts_with("crates/"))
            .filter(|folder| !self.root.join(folder).join("README.md").is_file())
            .map(|folder| format!("{folder} has no README.md"))
            .collect()
    }

    /// Paths of this machine, and relative paths that lead out of the tree.
    fn leaving(&self, project: &Project) -> Vec<String> {
        let mut here = vec![project.root().display().to_string()];
        here.extend(
            std::env::var("HOME")
                .ok()
                .filter(|home| home.len() > 1)
                .map(|home| format!("{home}/")),
        );
        let mut problems = Vec::new();
        for (path, text) in &self.texts {
            for (number, line) in text.lines().enumerate() {
                let machine = here.iter().find(|place| line.contains(place.as_str()));
                if let Some(place) = machine {
                    problems.push(format!("{path}:{}: names {place}", number + 1));
                }
                let up = line.split(|c: char| !(c.is_ascii_alphanumeric() || "._/-".contains(c)));
                for word in up.filter(|word| word.starts_with("../") || word.contains("/../")) {
                    if !stays_inside(path, word) {
                        problems.push(format!(
                            "{path}:{}: {word} leads out of the repository",
                            number + 1
                        ));
                    }
                }
            }
        }
        problems
    }

    fn broken_links(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (path, text) in self.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
            for (number, line) in text.lines().enumerate() {
                for link in line
                    .split("](")
                    .skip(1)
                    .filter_map(|rest| rest.split([')', '#', ' ']).next())
                {
                    let outside = link.is_empty() || link.contains("://") || link.starts_with("mailto:");
                    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
                    if !outside && !self.root.join(folder).join(link).exists() {
                        problems.push(format!("{path}:{}: {link} is not there", number + 1));
                    }
                }
            }
        }
        problems
    }

    fn infallible(&self) -> Vec<String> {
        let hosted: Vec<String> = self
            .sources()
            .flat_map(|(path, text)| host_modules(path, text))
            .collect();
        let mut problems = Vec::new();
        for (path, text) in self.sources() {
            let kernel = KERNEL_FOLDERS
                .iter()
                .any(|folder| Path::new(path).starts_with(folder));
            let stem = path.trim_end_matches(".rs");
            let host = hosted.iter().any(|module| Path::new(stem).starts_with(module));
            if !kernel || host || is_test_file(path) {
                continue;
            }
            let mut constant = false;
            for (number, line) in without_tests(text) {
                let code = line.split("//").next().unwrap_or_default();
                if code.contains("fn ") {
                    // What a constant function does wrong is an error of the compiler.
                    constant = code.contains("const fn ");
                }
                if constant {
                    continue;
                }
                if let Some(word) = FORBIDDEN_IN_KERNEL.iter().find(|word| code.contains(**word)) {
                    problems.push(format!("{path}:{number}: {}", word.trim()));
                }
            }
        }
        problems
    }
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("_tests.rs")
}

/// Numbered lines of a source outside the item that follows a `#[cfg(test)]` or the like.
fn without_tests(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut depth: Option<usize> = None;
    let mut waiting = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let trimmed = line.trim();
        let opens = line.matches('{').count();
        let closes = line.matches('}').count();
        match depth {
            Some(open) => {
                let open = (open + opens).saturating_sub(closes);
                depth = (open > 0).then_some(open);
                None
            }
            None if trimmed.starts_with("#[cfg(") && gates_tests(trimmed) => {
                waiting = true;
                None
            }
            None if waiting => {
                if opens > closes {
                    waiting = false;
                    depth = Some(opens - closes);
                } else if trimmed.ends_with([';', '}', ',']) {
                    waiting = false;
                }
                None
            }
            None => Some((index + 1, line)),
        }
    })
}

/// The modules that `text` declares for tests or hosts alone, as paths without `.rs`.
fn host_modules(path: &str, text: &str) -> Vec<String> {
    let file = Path::new(path);
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or_default();
    let folder = match stem {
        "lib" | "main" | "mod" => file.parent().map(Path::to_path_buf),
        _ => Some(file.with_extension("")),
    };
    let Some(folder) = folder else { return Vec::new() };
    let mut modules = Vec::new();
    let mut gated = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") {
            gated = gated || (line.starts_with("#[cfg(") && gates_tests(line));
            continue;
        }
        let declared = line
            .strip_suffix(';')
            .and_then(|line| line.rsplit_once("mod "))
            .map(|(_, name)| name);
        if let Some(name) = declared.filter(|_| gated) {
            modules.push(folder.join(name).display().to_string());
        }
        gated = false;
    }
    modules
}

/// Whether an attribute keeps the next item out of the kernel build.
fn gates_tests(attribute: &str) -> bool {
    if attribute.contains("feature = \"kernel\"") {
        return attribute.contains("not(feature = \"kernel\")");
    }
    let words = [
        "test",
        "loom",
        "feature = \"std\"",
        "feature = \"conformance\"",
        "feature = \"memory\"",
        "feature = \"host\"",
    ];
    words
        .iter()
        .any(|word| attribute.contains(word) && !attribute.contains(&format!("not({word})")))
}

/// Whether a relative path, seen from the folder of `file`, stays below the root.
fn stays_inside(file: &str, word: &str) -> bool {
    let mut depth = Path::new(file).components().count().saturating_sub(1);
    // A path with something before the first `..` (a variable, a crate's folder) is not relative to the file.
    let relative = word.starts_with("../");
    if !relative {
        return true;
    }
    for component in Path::new(word).components() {
        match component {
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{host_modules, stays_inside, without_tests};

    #[test]
    fn tests_are_left_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { vec![1]; }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}";
        let kept: Vec<usize> = without_tests(text).map(|(number, _)| number).collect();
        assert_eq!(kept, [1, 6, 9]);
    }

    #[test]
    fn code_of_the_kernel_stays_in() {
        let text = "#[cfg(not(test))]\nextern crate a;\n#[cfg(feature = \"kernel\")]\nmod kernel;";
        assert_eq!(without_tests(text).count(), 4);
    }

    #[test]
    fn modules_of_hosts_are_known_by_their_attributes() {
        let text = "#[cfg(loom)]\nmod model;\n#[cfg(not(loom))]\nmod real;\n#[cfg(feature = \"std\")]\npub mod sockets;\n\
                    #[cfg(all(not(feature = \"kernel\"), not(loom)))]\nmod host;\n#[cfg(feature = \"kernel\")]\nmod kernel;";
        assert_eq!(
            host_modules("a/src/b.rs", text),
            ["a/src/b/model", "a/src/b/sockets", "a/src/b/host"]
        );
        assert_eq!(host_modules("a/src/lib.rs", "#[cfg(test)]\nmod c;"), ["a/src/c"]);
    }

    #[test]
    fn upward_paths_may_not_leave() {
        assert!(stays_inside("docs/adr/a.md", "../../README.md"));
        assert!(!stays_inside("docs/a.md", "../../elsewhere"));
        assert!(!stays_inside("README.md", "../elsewhere"));
        assert!(stays_inside("xtask/src/a.rs", "$x/../lib"));
    }
}
