//! `runmat-wasm`: RunMat's module for pages, so that the workbench runs scripts in the page itself.
//!
//! It is made when somebody wants it and is in no commit and no check: it takes half an hour, and the
//! workbench does without. `compute/wasm` is its source.

mod compiler;
mod debian;
mod published;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{run, say};
use crate::packages;
use crate::tools::tools_folder;
use crate::workspace::Workspace;

use self::compiler::Compiler;

/// The version of RunMat's crates that the module is made of.
const RUNMAT: &str = "0.5.6";

const MANIFEST: &str = "compute/wasm/Cargo.toml";
const TRIAL: &str = "compute/wasm/trial/trial.mjs";
const MODULE: &str = "oriel-runmat-wasm";
const BINDGEN: &str = "oriel-bindgen";
const TARGET: &str = "wasm32-unknown-unknown";

/// Where the pages' build takes it from. Git ignores it.
const FOLDER: &str = "clients/app/public/runmat";

/// The build script of RunMat's runtime compares files that a registry hands out with each other, and
/// looks for its neighbour in a folder of another name. Cargo is told its answer, which is none.
const NO_BUILD_SCRIPT: &str = "target.wasm32-unknown-unknown.runmat_runtime_native.rustc-cfg=[]";

/// Makes the module and puts it where the pages' build finds it. `arguments` are for the build of it.
/// Where it `is_tried`, scripts are run in it, and what they took is printed.
pub(crate) fn runmat_wasm(
    workspace: &Workspace,
    is_tried: bool,
    arguments: &[OsString],
) -> Result<()> {
    let built = tools_folder(workspace).join(format!("runmat-wasm-{RUNMAT}"));
    say(&format!(
        "builds RunMat {RUNMAT} for pages; the first time takes about 30 minutes of one core and 3 GB \
         in {}, and a build that is stopped goes on where it was",
        built.display()
    ));
    packages::ensure()?;
    let compiler = compiler::find(workspace)?;
    say(&format!("the module is compiled by {}", compiler.version));
    run(&mut build(workspace, &compiler, &built, arguments))?;
    let beside = built.join("programs");
    let beside =
        beside.to_str().context("the folder of the tools has a name that is not Unicode")?;
    let programs =
        ["--release", "--manifest-path", MANIFEST, "-p", BINDGEN, "--target-dir", beside];
    let programs = workspace.build(&programs)?;

    let module = built.join(TARGET).join("release").join(module_file());
    ensure!(module.is_file(), "cargo built the module, and yet there is no {}", module.display());
    let made = empty(built.join("bindgen"))?;
    run(workspace.command(programs.path(BINDGEN)?).arg(&module).arg(&made))?;
    let folder = workspace.root.join(FOLDER);
    let bytes = published::publish(&made, &folder, &compiler.version)?;
    say(&format!(
        "{} MB for pages are in {}; `cargo xtask desktop` builds them into the workbench",
        bytes / 1_000_000,
        folder.display()
    ));
    if is_tried {
        say(
            "runs scripts in it, on files of up to 1 GiB in the system's folder for temporary ones",
        );
        packages::ensure_for_npm()?;
        run(workspace.command("node").args([OsStr::new(TRIAL), folder.as_os_str()]))?;
    }
    Ok(())
}

fn build(
    workspace: &Workspace,
    compiler: &Compiler,
    built: &Path,
    arguments: &[OsString],
) -> Command {
    let mut cargo = workspace.cargo(&["build", "--release", "--manifest-path", MANIFEST]);
    cargo.args(["-p", MODULE, "--target", TARGET, "--config", NO_BUILD_SCRIPT]);
    cargo.arg("--target-dir").arg(built);
    compiler.apply(&mut cargo);
    cargo.args(arguments);
    cargo
}

fn module_file() -> String {
    format!("{}.wasm", MODULE.replace('-', "_"))
}

/// Makes a folder, and takes out what was in it.
fn empty(folder: PathBuf) -> Result<PathBuf> {
    let context = || format!("could not empty the folder {}", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(context)?;
    }
    fs::create_dir_all(&folder).with_context(context)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::describe;

    const ITS_MANIFEST: &str = include_str!("../../compute/wasm/Cargo.toml");

    #[test]
    fn the_version_is_the_one_that_the_module_is_made_of() {
        for package in ["runmat-filesystem", "runmat-wasm"] {
            let line = ITS_MANIFEST.lines().find(|line| line.starts_with(package)).unwrap();
            assert!(line.contains(&format!("\"={RUNMAT}\"")), "{line}");
        }
        assert!(ITS_MANIFEST.contains(&format!("name = \"{MODULE}\"")));
        assert_eq!(module_file(), "oriel_runmat_wasm.wasm");
    }

    #[test]
    fn the_program_that_makes_its_javascript_has_the_version_of_what_the_module_has() {
        let version = |text: &'static str, package: &str| {
            let line = text.lines().find(|line| line.starts_with(&format!("{package} = ")));
            line.unwrap().split('"').nth(1).unwrap()
        };
        let of_bindgen = include_str!("../../compute/wasm/bindgen/Cargo.toml");
        let wanted = version(ITS_MANIFEST, "wasm-bindgen");
        assert_eq!(version(of_bindgen, "wasm-bindgen-cli-support"), wanted);
        assert!(wanted.starts_with('='), "{wanted}");
    }

    #[test]
    fn git_ignores_what_is_made() {
        let ignored = include_str!("../../.gitignore");
        assert!(ignored.lines().any(|line| line == format!("/{FOLDER}")));
    }

    #[test]
    fn the_module_is_built_beside_the_tools_with_what_its_builder_asks_for() {
        let workspace = Workspace {
            root: "/oriel".into(),
            cache: None,
            cargo: "cargo".into(),
            has_display: false,
            leftovers: Vec::new(),
        };
        let compiler = Compiler::of_workspace("rustc 1.95.0".to_owned());
        let command = build(&workspace, &compiler, Path::new("/tools/it"), &["-j1".into()]);
        assert_eq!(
            describe(&command),
            "cargo build --release --manifest-path compute/wasm/Cargo.toml -p oriel-runmat-wasm \
             --target wasm32-unknown-unknown --config \
             target.wasm32-unknown-unknown.runmat_runtime_native.rustc-cfg=[] --target-dir /tools/it -j1"
        );
    }
}
