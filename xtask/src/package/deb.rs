//! The deb, made with dpkg's own tools, which know the packages that libraries are in.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::tree::{LIBRARIES, Tree, indented};
use super::{About, DESCRIPTION, MAINTAINER, SUMMARY, empty, write};
use crate::command::{output, run};
use crate::desktop::{EXTENSION, PROGRAMS};
use crate::workspace::Workspace;

/// What the programs make use of where it is there: the tray, and what opens links.
const RECOMMENDS: &str = "bubblewrap, libayatana-appindicator3-1 | libappindicator3-1, xdg-utils";

/// Makes the deb of a tree and returns where it is.
pub(crate) fn make(
    workspace: &Workspace,
    tree: &Tree,
    about: &About,
    folder: &Path,
) -> Result<PathBuf> {
    // Even to ask about libraries, dpkg's tools want the folder that makes this a package.
    let debian = tree.root.join("DEBIAN");
    empty(&debian)?;
    let architecture = output(workspace.command("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let depends = depends(workspace, &folder.join("deb"))?;
    let sums = output(workspace.command("md5sum").current_dir(&tree.root).args(tree.files()?))?;
    let control = control(about, architecture, &depends, tree.kib()?);

    write(&debian.join("md5sums"), sums)?;
    write(&debian.join("control"), control)?;
    let deb = folder.join(format!("oriel_{}_{architecture}.deb", about.version));
    let mut dpkg_deb = workspace.command("dpkg-deb");
    let packing = if about.is_packed { "-Zxz" } else { "-Znone" };
    dpkg_deb.args(["--root-owner-group", packing, "--build"]).arg(&tree.root).arg(&deb);
    run(dpkg_deb.env("SOURCE_DATE_EPOCH", &about.seconds))?;
    Ok(deb)
}

/// Asks which packages the programs' libraries are in.
fn depends(workspace: &Workspace, folder: &Path) -> Result<String> {
    // The tool answers only where there is a source package, so it is shown one.
    write(&folder.join("debian/control"), "Source: oriel\n\nPackage: oriel\nArchitecture: any\n")?;
    let mut ask = workspace.command("dpkg-shlibdeps");
    ask.current_dir(folder).arg("-O");
    for (name, _) in PROGRAMS {
        ask.arg(format!("-edebian/oriel/usr/bin/{name}"));
    }
    ask.arg(format!("-edebian/oriel/{LIBRARIES}/lib{}.so", EXTENSION.0));
    // It takes functions from the process that loads it, which links what they are in.
    ask.arg("--warnings=0");
    read_depends(&output(&mut ask)?)
}

fn read_depends(answer: &str) -> Result<String> {
    let line = answer.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    Ok(line.context("`dpkg-shlibdeps` names no packages")?.trim().to_owned())
}

fn control(about: &About, architecture: &str, depends: &str, kib: u64) -> String {
    let description = indented(DESCRIPTION);
    format!(
        "\
Package: oriel
Version: {}
Architecture: {architecture}
Maintainer: {MAINTAINER}
Installed-Size: {kib}
Depends: {depends}
Recommends: {RECOMMENDS}
Section: devel
Priority: optional
Description: {SUMMARY}
{description}",
        about.version
    )
}

/// What Debian asks a package to say of its versions.
pub(crate) fn changelog(about: &About) -> String {
    format!(
        "oriel ({}) unstable; urgency=medium\n\n  * See NEWS.md.gz beside this file.\n\n \
         -- {MAINTAINER}  {}\n",
        about.version, about.dated
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_control_file_has_every_field_on_a_line_and_the_description_below() {
        let control = control(&about(), "amd64", "libc6 (>= 2.36)", 7);
        assert!(control.contains("\nVersion: 1.2.3~rc.1\nArchitecture: amd64\n"), "{control}");
        assert!(control.contains("\nInstalled-Size: 7\nDepends: libc6 (>= 2.36)\n"), "{control}");
        let (_, description) = control.split_once("Description: ").unwrap();
        assert!(description.lines().skip(1).all(|line| line.starts_with(' ')), "{control}");
        assert!(description.contains("\n .\n") && control.ends_with('\n'), "{control}");
    }

    #[test]
    fn the_packages_of_libraries_are_read_from_the_answer() {
        let answer = "shlibs:Depends=libc6 (>= 2.36), libgtk-3-0 (>= 3.23)\n";
        assert_eq!(read_depends(answer).unwrap(), "libc6 (>= 2.36), libgtk-3-0 (>= 3.23)");
        assert!(read_depends("").is_err());
    }

    #[test]
    fn the_changelog_is_dated_by_the_commit() {
        let text = changelog(&about());
        assert!(text.starts_with("oriel (1.2.3~rc.1) unstable; urgency=medium\n\n  * "), "{text}");
        assert!(text.ends_with(">  Thu, 1 Jan 2026 00:00:00 +0000\n"), "{text}");
    }

    fn about() -> About {
        About {
            version: "1.2.3~rc.1".to_owned(),
            seconds: "1767225600".to_owned(),
            day: "2026-01-01".to_owned(),
            is_packed: true,
            dated: "Thu, 1 Jan 2026 00:00:00 +0000".to_owned(),
        }
    }
}
