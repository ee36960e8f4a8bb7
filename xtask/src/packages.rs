//! System packages that a build needs beyond Rust, and how a bare Debian machine gets them.

use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{run, say, succeeds};

/// A Debian package, why it is needed, and a command that succeeds once it is there.
#[derive(Clone, Copy)]
struct Package {
    name: &'static str,
    reason: &'static str,
    probe: &'static [&'static str],
}

const PACKAGES: &[Package] = &[
    Package {
        name: "gcc",
        reason: "SQLite is compiled from its C source",
        probe: &["cc", "--version"],
    },
    Package {
        name: "libc6-dev",
        reason: "C source includes the C library's headers",
        probe: &["cc", "-fsyntax-only", "-include", "stdio.h", "-x", "c", "/dev/null"],
    },
    Package {
        name: "git",
        reason: "the check of the tree asks which files are tracked",
        probe: &["git", "--version"],
    },
];

/// What the fuzzer needs beyond that.
const OF_FUZZER: &[Package] = &[Package {
    name: "g++",
    reason: "libFuzzer is compiled from its C++ source",
    probe: &["c++", "--version"],
}];

/// What the tests of pages need beyond that.
const OF_BROWSER: &[Package] = &[
    Package {
        name: "chromium",
        reason: "pages are tested in a real browser",
        probe: &["chromium", "--version"],
    },
    Package {
        name: "chromium-driver",
        reason: "tests steer the browser through it",
        probe: &["chromedriver", "--version"],
    },
    Package {
        name: "fonts-dejavu-core",
        reason: "a browser without a font shows boxes",
        probe: &["test", "-f", "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"],
    },
];

/// What fetches axe-core, by which pages are judged.
const OF_NPM: &[Package] = &[Package {
    name: "npm",
    reason: "axe-core, which tells whether everyone can use a page, is a package of npm",
    probe: &["npm", "--version"],
}];

/// Who may install packages here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Installer {
    Root,
    Sudo,
    Nobody,
}

/// Installs what is missing, or fails with the names of what somebody must install.
///
/// The table speaks Debian, so other systems are left to their own compilers.
pub(crate) fn ensure() -> Result<()> {
    ensure_all(PACKAGES)
}

/// As [`ensure`], and what the fuzzer needs.
pub(crate) fn ensure_for_fuzzer() -> Result<()> {
    ensure_all(&[PACKAGES, OF_FUZZER].concat())
}

/// Installs what the tests of pages need, or fails as [`ensure`] does.
pub(crate) fn ensure_for_browser() -> Result<()> {
    ensure_all(OF_BROWSER)
}

/// Installs what fetches axe-core, or fails as [`ensure`] does.
pub(crate) fn ensure_for_npm() -> Result<()> {
    ensure_all(OF_NPM)
}

fn ensure_all(packages: &[Package]) -> Result<()> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let missing = missing(packages);
    if missing.is_empty() {
        return Ok(());
    }
    for package in &missing {
        say(&format!("the package {} is missing: {}", package.name, package.reason));
    }
    for mut command in installation(&missing, installer())? {
        run(&mut command)?;
    }
    let missing = self::missing(packages);
    if !missing.is_empty() {
        bail!("apt-get installed {}, and yet its probe fails", names(&missing));
    }
    Ok(())
}

fn missing(packages: &[Package]) -> Vec<Package> {
    packages.iter().copied().filter(|package| !succeeds(&mut words(package.probe))).collect()
}

fn installer() -> Installer {
    if !succeeds(&mut words(&["apt-get", "--version"])) {
        Installer::Nobody
    } else if succeeds(&mut words(&["sh", "-c", "test $(id -u) = 0"])) {
        Installer::Root
    } else if succeeds(&mut words(&["sudo", "--version"])) {
        Installer::Sudo
    } else {
        Installer::Nobody
    }
}

fn installation(missing: &[Package], installer: Installer) -> Result<[Command; 2]> {
    let apt_get: &[&str] = match installer {
        Installer::Root => &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        Installer::Sudo => &["sudo", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        Installer::Nobody => bail!(
            "could not install what is missing, since that takes apt-get and root or sudo; \
             install {} (Debian's names) and start again",
            names(missing)
        ),
    };
    let mut update = words(apt_get);
    update.arg("update");
    let mut install = words(apt_get);
    install.args(["install", "-y", "--no-install-recommends"]);
    install.args(missing.iter().map(|package| package.name));
    Ok([update, install])
}

fn names(packages: &[Package]) -> String {
    packages.iter().map(|package| package.name).collect::<Vec<_>>().join(" ")
}

fn words(words: &[&str]) -> Command {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::describe;

    #[test]
    fn what_is_missing_is_installed_in_one_go() {
        let commands = installation(&PACKAGES[..2], Installer::Root).unwrap();
        assert_eq!(
            commands.map(|command| describe(&command)),
            [
                "env DEBIAN_FRONTEND=noninteractive apt-get update",
                "env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
                 gcc libc6-dev",
            ]
        );
    }

    #[test]
    fn who_is_not_root_asks_sudo() {
        let commands = installation(&PACKAGES[..1], Installer::Sudo).unwrap();
        assert!(commands.iter().all(|command| command.get_program() == "sudo"));
    }

    #[test]
    fn who_may_not_install_is_told_what_to_install() {
        let message = installation(&PACKAGES[..2], Installer::Nobody).unwrap_err().to_string();
        assert!(message.contains("install gcc libc6-dev"), "{message}");
    }
}
