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

/// What the desktop and its preview are built with. The library of the tray is none of it: the desktop
/// looks for that when it starts, and does without.
const OF_DESKTOP: &[Package] = &[
    Package {
        name: "pkg-config",
        reason: "it tells the build where the system's libraries are",
        probe: &["pkg-config", "--version"],
    },
    Package {
        name: "libwebkit2gtk-4.1-dev",
        reason: "the desktop shows its pages with WebKitGTK",
        probe: &["pkg-config", "--exists", "webkit2gtk-4.1", "gtk+-3.0"],
    },
    Package {
        name: "libdbus-1-dev",
        reason: "the desktop asks the session's bus which colours windows have",
        probe: &["pkg-config", "--exists", "dbus-1"],
    },
];

/// What the tests of the desktop need beyond that.
const OF_DESKTOP_TESTS: &[Package] = &[
    Package {
        name: "bubblewrap",
        reason: "the gateway confines agents with it, and the tests look whether that holds",
        probe: &["bwrap", "--version"],
    },
    Package {
        name: "xvfb",
        reason: "the tests of the desktop have a display of their own",
        probe: &["sh", "-c", "command -v Xvfb"],
    },
    Package {
        name: "webkit2gtk-driver",
        reason: "tests steer the desktop's pages through it",
        probe: &["sh", "-c", "command -v WebKitWebDriver"],
    },
    Package {
        name: "dbus",
        reason: "tests give the desktop a session's bus of its own",
        probe: &["dbus-run-session", "--version"],
    },
    Package {
        name: "xdotool",
        reason: "tests press the keys and buttons of windows",
        probe: &["sh", "-c", "command -v xdotool"],
    },
    Package {
        name: "imagemagick",
        reason: "tests take pictures of the display",
        probe: &["sh", "-c", "command -v import"],
    },
];

/// What pictures of the desktop are taken with, besides what its tests need.
const OF_PICTURES: &[Package] = &[Package {
    name: "trayer",
    reason: "pictures show the tray's menu, which needs somebody to show the tray",
    probe: &["sh", "-c", "command -v trayer"],
}];

/// What packages are made with.
const OF_PACKAGING: &[Package] = &[
    Package {
        name: "dpkg-dev",
        reason: "it tells which packages the programs' libraries are in",
        probe: &["dpkg-shlibdeps", "--version"],
    },
    Package { name: "rpm", reason: "it makes the rpm", probe: &["rpmbuild", "--version"] },
    Package { name: "gzip", reason: "manual pages are packed", probe: &["gzip", "--version"] },
];

/// What looks at an installed package, and gives the desktop a display.
const OF_TRIAL: &[Package] = &[
    Package {
        name: "desktop-file-utils",
        reason: "it checks the desktop entry",
        probe: &["sh", "-c", "command -v desktop-file-validate"],
    },
    Package {
        name: "appstream",
        reason: "it checks what software centres are told",
        probe: &["appstreamcli", "--version"],
    },
    Package { name: "man-db", reason: "it finds the manual pages", probe: &["man", "--version"] },
];

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

/// What builds the client's pages, and fetches axe-core, by which pages are judged.
const OF_NPM: &[Package] = &[Package {
    name: "npm",
    reason: "the client's pages are built with it, and axe-core and a real agent for tests are packages of it",
    probe: &["npm", "--version"],
}];

/// What folders that are kept equal are measured beside.
const OF_SYNC_BENCH: &[Package] = &[
    Package {
        name: "unison",
        reason: "sync is measured beside it",
        probe: &["unison", "-version"],
    },
    Package {
        name: "syncthing",
        reason: "sync is measured beside it",
        probe: &["syncthing", "--version"],
    },
    Package {
        name: "rsync",
        reason: "a first sync is measured beside it",
        probe: &["rsync", "--version"],
    },
];

/// What works on a machine that has not what the desktop needs.
const DO_WITHOUT_DESKTOP: &str = "; all but the desktop works without: `cargo xtask run --daemon` runs Oriel with \
     its console in a browser, and `cargo test` tests what that is made of";

/// Who may install packages here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Installer {
    Root,
    Sudo,
    Nobody,
}

/// Installs what is missing, or fails with the command that somebody must type.
///
/// The table speaks Debian, so other systems are left to their own compilers.
pub(crate) fn ensure() -> Result<()> {
    ensure_all(PACKAGES, "")
}

/// As [`ensure`], and what the fuzzer needs.
pub(crate) fn ensure_for_fuzzer() -> Result<()> {
    ensure_all(&[PACKAGES, OF_FUZZER].concat(), "")
}

/// Installs what the tests of pages need, or fails as [`ensure`] does.
pub(crate) fn ensure_for_browser() -> Result<()> {
    ensure_all(OF_BROWSER, "")
}

/// Installs what fetches packages of npm, or fails as [`ensure`] does.
pub(crate) fn ensure_for_npm() -> Result<()> {
    ensure_all(OF_NPM, "")
}

/// Installs what sync is measured beside, or fails as [`ensure`] does.
pub(crate) fn ensure_for_sync_bench() -> Result<()> {
    ensure_all(OF_SYNC_BENCH, "")
}

/// As [`ensure`], and what the desktop is built with.
pub(crate) fn ensure_for_desktop() -> Result<()> {
    ensure_all(&[PACKAGES, OF_DESKTOP].concat(), DO_WITHOUT_DESKTOP)
}

/// Installs all that any test needs, in one go.
pub(crate) fn ensure_for_tests() -> Result<()> {
    let packages = [PACKAGES, OF_DESKTOP, OF_DESKTOP_TESTS, OF_BROWSER].concat();
    ensure_all(&packages, DO_WITHOUT_DESKTOP)
}

/// As [`ensure_for_tests`], and what pictures are taken with.
pub(crate) fn ensure_for_pictures() -> Result<()> {
    ensure_for_tests()?;
    ensure_all(OF_PICTURES, "")
}

/// Installs what the desktop is built and packages are made with.
pub(crate) fn ensure_for_packaging() -> Result<()> {
    ensure_all(&[PACKAGES, OF_DESKTOP, OF_PACKAGING].concat(), "")
}

/// Installs what a package is tried with.
pub(crate) fn ensure_for_trial() -> Result<()> {
    ensure_all(&[&OF_DESKTOP_TESTS[..1], OF_TRIAL].concat(), "")
}

/// Has apt read its lists of packages again, or fails with the command that somebody must type.
pub(crate) fn update_lists() -> Result<()> {
    say("apt reads its lists of packages again");
    let words: &[&str] = match installer() {
        Installer::Root => &["apt-get", "update"],
        Installer::Sudo => &["sudo", "apt-get", "update"],
        Installer::Nobody => bail!(
            "could not have apt read its lists, since that takes root or sudo; have somebody type \
             `apt-get update` as root and start again"
        ),
    };
    run(&mut self::words(words))
}

/// Installs what is missing of `packages`. Where nobody can, `without` says what works all the same.
fn ensure_all(packages: &[Package], without: &str) -> Result<()> {
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
    for mut command in installation(&missing, installer(), without)? {
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

fn installation(missing: &[Package], installer: Installer, without: &str) -> Result<[Command; 2]> {
    let apt_get: &[&str] = match installer {
        Installer::Root => &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        Installer::Sudo => &["sudo", "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"],
        Installer::Nobody => bail!(
            "could not install what is missing, since that takes apt-get and root or sudo; have \
             somebody type `apt-get install --no-install-recommends {}` as root (elsewhere than on \
             Debian the packages have other names) and start again{without}",
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
        let commands = installation(&PACKAGES[..2], Installer::Root, "").unwrap();
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
        let commands = installation(&PACKAGES[..1], Installer::Sudo, "").unwrap();
        assert!(commands.iter().all(|command| command.get_program() == "sudo"));
    }

    #[test]
    fn who_may_not_install_is_told_what_to_type_and_what_works_without() {
        let refused = |without| {
            let packages = installation(OF_DESKTOP, Installer::Nobody, without);
            packages.unwrap_err().to_string()
        };
        let typed = "`apt-get install --no-install-recommends pkg-config libwebkit2gtk-4.1-dev \
                     libdbus-1-dev` as root";
        assert!(refused("").contains(typed), "{}", refused(""));
        assert!(refused("").ends_with("start again"), "{}", refused(""));
        let advice = refused(DO_WITHOUT_DESKTOP);
        assert!(advice.contains("again; all but the desktop"), "{advice}");
        assert!(advice.contains("`cargo xtask run --daemon`"), "{advice}");
    }

    #[test]
    fn every_package_is_named_once_and_has_a_probe() {
        let lists = [
            PACKAGES,
            OF_FUZZER,
            OF_DESKTOP,
            OF_DESKTOP_TESTS,
            OF_PACKAGING,
            OF_TRIAL,
            OF_BROWSER,
            OF_NPM,
        ];
        let mut known = std::collections::BTreeSet::new();
        for package in lists.concat() {
            assert!(known.insert(package.name), "{} stands in two lists", package.name);
            assert!(!package.probe.is_empty() && !package.reason.is_empty(), "{}", package.name);
        }
    }

    #[test]
    fn what_is_built_without_the_desktop_asks_for_nothing_of_it() {
        let desktop = |name: &str| OF_DESKTOP.iter().any(|package| package.name == name);
        assert!(!PACKAGES.iter().any(|package| desktop(package.name)));
    }
}
