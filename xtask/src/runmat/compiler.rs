//! A compiler that knows wasm: the workspace's own where it does, else one of Debian's.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::{TARGET, debian};
use crate::command::output;
use crate::workspace::Workspace;

/// What compiles the module.
pub(super) struct Compiler {
    /// What it calls itself.
    pub(super) version: String,
    /// What cargo is told by its environment.
    variables: Vec<(&'static str, OsString)>,
    /// What cargo is told besides.
    arguments: &'static [&'static str],
}

impl Compiler {
    /// The compiler that builds everything else. It has a standard library for pages.
    pub(super) fn of_workspace(version: String) -> Self {
        Self { version, variables: Vec::new(), arguments: &[] }
    }

    /// A compiler of Debian's, unpacked into a folder. It brings the source of a standard library for
    /// pages, and that is built first; and no linker for them, so it is given the workspace's.
    fn of_debian(root: &Path, version: String, linker: &Path) -> Self {
        Self {
            version,
            variables: vec![
                ("RUSTC", debian::rustc(root).into()),
                ("LD_LIBRARY_PATH", debian::libraries(root).into()),
                // Building the standard library takes an option that only this opens.
                ("RUSTC_BOOTSTRAP", "1".into()),
                ("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker.into()),
            ],
            arguments: &["-Zbuild-std=std,panic_abort"],
        }
    }

    /// Has a command of cargo use it.
    pub(super) fn apply(&self, cargo: &mut Command) {
        cargo.envs(self.variables.iter().map(|(name, value)| (name, value)));
        cargo.args(self.arguments);
    }
}

/// Finds a compiler, and fetches one where there is none.
pub(super) fn find(workspace: &Workspace) -> Result<Compiler> {
    let ask = |arguments: &[&str]| output(workspace.command("rustc").args(arguments));
    let library = ask(&["--print", "target-libdir", "--target", TARGET])?;
    if Path::new(library.trim()).is_dir() {
        return Ok(Compiler::of_workspace(ask(&["--version"])?.trim().to_owned()));
    }
    let linker = linker(&ask(&["--print", "sysroot"])?, &workspace.host()?);
    ensure!(
        linker.is_file(),
        "this compiler knows nothing of wasm, and has no linker for it ({} is not there); with rustup, \
         type `rustup target add {TARGET}` and start again",
        linker.display()
    );
    let root = debian::ensure(workspace)?;
    let version = debian::version(workspace, &root)?;
    Ok(Compiler::of_debian(&root, version, &linker))
}

fn linker(sysroot: &str, host: &str) -> PathBuf {
    let folder = Path::new(sysroot.trim()).join("lib/rustlib").join(host).join("bin");
    folder.join(format!("rust-lld{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_of_debian_is_started_with_its_libraries_and_builds_its_own() {
        let linker = linker("/rustup/stable\n", "x86_64-unknown-linux-gnu");
        let compiler = Compiler::of_debian(Path::new("/web"), String::new(), &linker);
        let mut cargo = Command::new("cargo");
        compiler.apply(&mut cargo);
        let of = |name: &str| {
            let mut variables = cargo.get_envs();
            variables.find(|(known, _)| *known == name).unwrap().1.unwrap().to_owned()
        };
        assert_eq!(of("RUSTC"), "/web/usr/bin/rustc");
        assert!(of("LD_LIBRARY_PATH").to_str().unwrap().starts_with("/web/usr/lib/"));
        assert!(
            of("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER")
                .to_str()
                .unwrap()
                .starts_with("/rustup/stable/lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-lld")
        );
        assert!(cargo.get_args().any(|argument| argument == "-Zbuild-std=std,panic_abort"));
    }
}
