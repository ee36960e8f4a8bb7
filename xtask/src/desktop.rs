//! `desktop`: the programs with which a person sees Oriel in windows.
//!
//! They find each other in one folder, so they are built in one go. That also compiles what they
//! have in common once: cargo gives dependencies the features of all that is built with them.

use anyhow::Result;

use crate::command::say;
use crate::workspace::{Programs, Workspace};
use crate::{clients, packages};

/// The program that has the windows.
pub(crate) const DESKTOP: &str = "oriel-desktop";

/// Each program, with the package that it is built from.
pub(crate) const PROGRAMS: [(&str, &str); 3] =
    [("oriel", "oriel-cli"), (DESKTOP, "oriel-desktop"), ("oriel-preview", "oriel-preview")];

/// The library that the workbench's own process loads, with the package that it is built from. The desktop
/// looks for it beside itself, and where it is installed.
pub(crate) const EXTENSION: (&str, &str) = ("oriel_files_extension", "oriel-files-extension");

/// Builds the programs and says where they are.
pub(crate) fn desktop(workspace: &Workspace) -> Result<()> {
    say("builds the release of `oriel`, `oriel-desktop` and `oriel-preview`");
    packages::ensure_for_desktop()?;
    let programs = build(workspace, Profile::Release)?;
    for (name, _) in PROGRAMS {
        say(&format!("{name:<13} {}", programs.path(name)?.display()));
    }
    Ok(())
}

/// How the programs are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Debug,
    Release,
}

/// Builds the programs.
pub(crate) fn build(workspace: &Workspace, profile: Profile) -> Result<Programs> {
    build_with(workspace, profile, &[])
}

/// Builds the programs and more, of the same dependencies.
pub(crate) fn build_with(
    workspace: &Workspace,
    profile: Profile,
    more: &[&str],
) -> Result<Programs> {
    clients::build(workspace)?;
    workspace.build(&[&arguments(profile)[..], more].concat())
}

fn arguments(profile: Profile) -> Vec<&'static str> {
    let profile = (profile == Profile::Release).then_some("--release");
    let packages = PROGRAMS.iter().chain([&EXTENSION]).flat_map(|(_, package)| ["-p", package]);
    profile.into_iter().chain(["--lib", "--bins"]).chain(packages).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_programs_are_built_in_one_go() {
        assert_eq!(
            arguments(Profile::Release).join(" "),
            "--release --lib --bins -p oriel-cli -p oriel-desktop -p oriel-preview \
             -p oriel-files-extension"
        );
        assert_eq!(arguments(Profile::Debug)[0], "--lib");
    }
}
