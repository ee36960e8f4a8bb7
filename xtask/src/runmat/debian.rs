//! Debian's compiler for browsers, which knows wasm and comes with the source of its standard library.
//!
//! Its packages are unpacked into a folder beside the tools and never installed: they cannot be, where
//! another compiler is. apt checks what it downloads as it does for what it installs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::TARGET;
use crate::command::{output, run, say, succeeds};
use crate::packages;
use crate::tools::tools_folder;
use crate::workspace::Workspace;

const PACKAGE: &str = "rustc-web";

/// The oldest version that reads what the module is written in; the workspace names it too.
const OLDEST: (u32, u32) = (1, 95);

/// Returns the folder it is unpacked in; fetches it where it is not.
pub(super) fn ensure(workspace: &Workspace) -> Result<PathBuf> {
    let tools = tools_folder(workspace);
    if let Some(root) = unpacked(workspace, &tools)? {
        return Ok(root);
    }
    ensure!(
        succeeds(Command::new("apt-cache").arg("--version"))
            && succeeds(Command::new("dpkg-deb").arg("--version")),
        "this compiler knows nothing of wasm, and only on Debian another one can be fetched; with \
         rustup, type `rustup target add {TARGET}` and start again"
    );
    let version = candidate(workspace)?;
    let root = tools.join(folder(&version));
    say(&format!(
        "fetches {PACKAGE} {version} of Debian, which knows wasm, into {}, once: 150 MB, unpacked 1 GB; \
         nothing is installed",
        root.display()
    ));
    let half = tools.join(format!("{}.part", folder(&version)));
    unpack(workspace, &version, &half)?;
    // It is there as a whole or not at all.
    fs::rename(half.join("root"), &root)
        .with_context(|| format!("could not make {}", root.display()))?;
    fs::remove_dir_all(&half).with_context(|| format!("could not remove {}", half.display()))?;
    Ok(root)
}

/// Returns the compiler in an unpacked folder.
pub(super) fn rustc(root: &Path) -> PathBuf {
    root.join("usr/bin/rustc")
}

/// Returns the folder of the libraries that the compiler is linked to.
pub(super) fn libraries(root: &Path) -> PathBuf {
    root.join(format!("usr/lib/{}-linux-gnu", std::env::consts::ARCH))
}

/// Returns what the compiler calls itself.
pub(super) fn version(workspace: &Workspace, root: &Path) -> Result<String> {
    let mut rustc = workspace.command(rustc(root));
    let version = output(rustc.env("LD_LIBRARY_PATH", libraries(root)).arg("--version"))?;
    Ok(version.trim().to_owned())
}

/// Looks for one that was unpacked earlier, the newest first. One that works stays, since another would
/// compile everything again.
fn unpacked(workspace: &Workspace, tools: &Path) -> Result<Option<PathBuf>> {
    let context = || format!("could not read {}", tools.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(tools).with_context(context)? {
        let name = entry.with_context(context)?.file_name().to_string_lossy().into_owned();
        let version = name.strip_prefix(PACKAGE).and_then(|rest| rest.strip_prefix('-'));
        let is_whole = !name.ends_with(".part");
        if let Some(number) = version.filter(|_| is_whole).and_then(number) {
            found.push((number, tools.join(name)));
        }
    }
    found.sort();
    let usable = |root: &PathBuf| version(workspace, root).is_ok();
    Ok(found.into_iter().rev().filter(|(it, _)| *it >= OLDEST).map(|(_, root)| root).find(usable))
}

/// Returns the version that apt would fetch; has it read its lists again where that is too old.
fn candidate(workspace: &Workspace) -> Result<String> {
    let known = || Ok::<_, anyhow::Error>(field(&shown(workspace, PACKAGE)?, "Version"));
    let is_new = |version: &String| number(version).is_some_and(|number| number >= OLDEST);
    if let Some(version) = known()?.filter(is_new) {
        return Ok(version);
    }
    packages::update_lists()?;
    match known()? {
        Some(version) if is_new(&version) => Ok(version),
        known => bail!(
            "Debian's {PACKAGE} is needed in version {}.{} or newer, and apt knows {}; it comes with the \
             security archive, so have that among apt's sources; or, with rustup, type `rustup target \
             add {TARGET}`",
            OLDEST.0,
            OLDEST.1,
            known.as_deref().unwrap_or("none")
        ),
    }
}

/// Downloads the packages and unpacks them into `root` of a folder.
fn unpack(workspace: &Workspace, version: &str, half: &Path) -> Result<()> {
    let context = || format!("could not write to {}", half.display());
    let (downloads, root) = (half.join("packages"), half.join("root"));
    // What is there may be half of another version. Downloading takes a minute, so it is all done again.
    if half.exists() {
        fs::remove_dir_all(half).with_context(context)?;
    }
    fs::create_dir_all(&downloads).and_then(|()| fs::create_dir(&root)).with_context(context)?;
    let library = library(version)?;
    let depends = field(&shown(workspace, &format!("{library}={version}"))?, "Depends");
    let mut apt = workspace.command("apt-get");
    // Its own user may not write there, and it would say so each time.
    apt.args(["-o", "APT::Sandbox::User=root", "-q", "download"]);
    apt.args(wanted(version, &library, &depends.unwrap_or_default()));
    run(apt.current_dir(&downloads))?;
    for file in fs::read_dir(&downloads).with_context(context)? {
        let file = file.with_context(context)?.path();
        if file.extension().is_some_and(|extension| extension == "deb") {
            run(workspace.command("dpkg-deb").arg("-x").arg(file).arg(&root))?;
        }
    }
    Ok(())
}

fn shown(workspace: &Workspace, package: &str) -> Result<String> {
    let mut apt = workspace.command("apt-cache");
    let output = apt.args(["show", "--no-all-versions", package]).output();
    // A package that apt does not know is one without fields.
    let output = output.context("could not start `apt-cache`")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The packages, each in its version.
fn wanted(version: &str, library: &str, depends: &str) -> Vec<String> {
    let same = [PACKAGE, "libstd-rust-web-dev", "rust-web-src", library];
    let mut wanted: Vec<String> = same.iter().map(|name| format!("{name}={version}")).collect();
    // The compiler's back end is a package that another version of the library would need in another.
    wanted.extend(
        depends
            .split(", ")
            .filter_map(|depends| depends.split(' ').next())
            .filter(|name| name.starts_with("libllvm"))
            .map(str::to_owned),
    );
    wanted
}

/// The package of the compiler's own library, which has the version in its name.
fn library(version: &str) -> Result<String> {
    let (major, minor) = number(version).with_context(|| format!("{version} is no version"))?;
    Ok(format!("libstd-rust-web-{major}.{minor}"))
}

fn folder(version: &str) -> String {
    let released = version.split(['+', '~', '-']).next().unwrap_or(version);
    format!("{PACKAGE}-{released}")
}

fn number(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

fn field(text: &str, name: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    value.map(|value| value.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "1.96.0+dfsg1-1~deb12u2";

    #[test]
    fn the_packages_are_of_one_version_and_bring_the_back_end() {
        let depends = "libc6 (>= 2.34), libgcc-s1 (>= 4.2), libllvm22, libstdc++6 (>= 11)";
        let library = library(VERSION).unwrap();
        assert_eq!(
            wanted(VERSION, &library, depends).join(" ").replace(VERSION, "V"),
            "rustc-web=V libstd-rust-web-dev=V rust-web-src=V libstd-rust-web-1.96=V libllvm22"
        );
        assert_eq!(wanted(VERSION, &library, "").len(), 4);
    }

    #[test]
    fn a_version_is_compared_by_its_numbers() {
        assert_eq!(number(VERSION), Some((1, 96)));
        assert!(number("1.100.0").unwrap() > number("1.96.0").unwrap());
        assert!(number("1.85.0+dfsg3").unwrap() < OLDEST);
        assert_eq!((number("1"), number("web.part")), (None, None));
        assert!(library("none").is_err());
    }

    #[test]
    fn the_oldest_version_is_the_workspace_s() {
        let manifest = include_str!("../../../Cargo.toml");
        let line = format!("rust-version = \"{}.{}\"", OLDEST.0, OLDEST.1);
        assert!(manifest.lines().any(|known| known == line), "{line}");
    }

    #[test]
    fn what_apt_shows_is_read_by_field() {
        let shown = "Package: rustc-web\nSource: rustc\nVersion: 1.96.0\n";
        assert_eq!(field(shown, "Version").as_deref(), Some("1.96.0"));
        assert_eq!(field("", "Version"), None);
    }

    #[test]
    fn a_folder_is_named_by_what_was_released() {
        assert_eq!(folder(VERSION), "rustc-web-1.96.0");
    }

    #[test]
    fn a_folder_that_is_not_whole_or_too_old_is_none() {
        let tools = tempfile::tempdir().unwrap();
        for name in ["rustc-web-1.96.part", "rustc-web-1.85.0", "rustc-web-1.97.0", "rustc-web"] {
            fs::create_dir(tools.path().join(name)).unwrap();
        }
        let workspace = Workspace {
            root: tools.path().to_owned(),
            cache: None,
            cargo: "cargo".into(),
            has_display: false,
            leftovers: Vec::new(),
        };
        // The one that is new enough has no compiler in it.
        assert_eq!(unpacked(&workspace, tools.path()).unwrap(), None);
    }
}
