//! Compiles a C program of this folder with the C compiler of this machine, links it with the static library, and runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The first C compiler that there is.
fn compiler() -> Option<&'static str> {
    ["cc", "gcc", "clang"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    })
}

/// The static library: it lies beside the folder that this test runs from, or in it.
fn library() -> PathBuf {
    let here = std::env::current_exe().unwrap();
    let folders = here.ancestors().skip(1).take(2);
    let mut found: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("libddi") && name.ends_with(".a")
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.pop().expect("libddi.a is built with this test")
}

/// The program, run by what `DDI_UNDER` says if it says anything: `valgrind -q --error-exitcode=9`, say.
fn under(program: &Path) -> Command {
    let wrapper = std::env::var("DDI_UNDER").unwrap_or_default();
    let mut words = wrapper.split_whitespace();
    match words.next() {
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
        None => Command::new(program),
    }
}

fn compile(source: &str, compiler: &str, into: &Path) -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = into.join("program");
    let output = Command::new(compiler)
        .args(["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-I"])
        .arg(crate_folder.join("../../include"))
        .arg(crate_folder.join("tests").join(source))
        .arg(library())
        .args(["-lpthread", "-ldl", "-lm", "-o"])
        .arg(&program)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    program
}

/// Compiles `source` and runs it with `arguments`; says how many checks have passed. `None`: this machine has no C compiler.
pub(crate) fn run(source: &str, arguments: &[String]) -> Option<usize> {
    let Some(compiler) = compiler() else {
        println!("ignored: this machine has no C compiler");
        return None;
    };
    let folder = std::env::temp_dir().join(format!("ddi-{source}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let program = compile(source, compiler, &folder);
    let output = under(&program).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    let _left_behind = std::fs::remove_dir_all(&folder);
    let wrong: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("not ok") || line.starts_with('#'))
        .collect();
    let last = said.lines().last().unwrap_or_default();
    assert!(
        output.status.success() && !said.contains("\nnot ok"),
        "{:?}: {last}\n{}\n{complained}",
        output.status,
        wrong.join("\n")
    );
    println!("{last}");
    Some(
        last.split(' ')
            .next()
            .and_then(|count| count.parse().ok())
            .unwrap(),
    )
}
