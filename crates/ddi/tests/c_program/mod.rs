//! Compiles a C program of this folder with the C compiler of this machine, links it with the static library, and runs it.
//!
//! Elsewhere, by these variables:
//! - `DDI_CC`: the compiler. With MinGW's the program is one for Windows.
//! - `DDI_LIBRARY`: the static library for what the compiler compiles for.
//! - `DDI_UNDER`: what runs the program: `valgrind -q --error-exitcode=9`, say, or `wine`.
//! - `DDI_SANITIZER`: the run-time library of Rust's address sanitizer, with which the static library has been built; the
//!   program is, too.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The C compiler that is asked for, else the first that there is.
fn compiler() -> Option<String> {
    if let Ok(asked) = std::env::var("DDI_CC") {
        return Some(asked);
    }
    let found = ["cc", "gcc", "clang"].into_iter().find(|name| {
        Command::new(name)
            .arg("--version")
            .output()
            .is_ok_and(|output| output.status.success())
    });
    found.map(str::to_owned)
}

/// What the library needs of the system.
fn system_libraries(compiler: &str) -> &'static [&'static str] {
    if compiler.contains("mingw") {
        // Its threads come along.
        &["-static", "-lpthread", "-lws2_32", "-luserenv", "-lntdll"]
    } else {
        &["-lpthread", "-ldl", "-lm"]
    }
}

/// The static library: it lies beside the folder that this test runs from, or in it.
fn library() -> PathBuf {
    if let Some(asked) = std::env::var_os("DDI_LIBRARY") {
        return asked.into();
    }
    let here = std::env::current_exe().unwrap();
    let folders = here.ancestors().skip(1).take(2);
    let mut found: Vec<PathBuf> = folders
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.starts_with("libddihost") && name.ends_with(".a")
        })
        .collect();
    found.sort_by_key(|path| std::fs::metadata(path).unwrap().modified().unwrap());
    found.pop().expect("libddihost.a is built with this test")
}

/// The program, run by what `DDI_UNDER` says if it says anything.
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
    // Windows insists on the ending, others do not mind.
    let (object, program) = (into.join("program.o"), into.join("program.exe"));
    let sanitizer = std::env::var_os("DDI_SANITIZER");
    let mut compile = Command::new(compiler);
    compile
        .args(["-std=gnu11", "-g", "-Wall", "-Wextra", "-Werror", "-c", "-I"])
        .arg(crate_folder.join("../../include"))
        .arg(crate_folder.join("tests").join(source))
        .arg("-o")
        .arg(&object);
    let mut link = Command::new(compiler);
    link.arg(&object).arg(library());
    if let Some(runtime) = sanitizer {
        compile.args(["-fsanitize=address", "-fno-omit-frame-pointer"]);
        // One run-time library for both languages: Rust's.
        link.args(["-rdynamic", "-Wl,--whole-archive"])
            .arg(runtime)
            .args(["-Wl,--no-whole-archive", "-lrt"]);
    }
    link.args(system_libraries(compiler)).arg("-o").arg(&program);
    for mut command in [compile, link] {
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
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
    let program = compile(source, &compiler, &folder);
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
