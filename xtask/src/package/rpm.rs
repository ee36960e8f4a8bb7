//! The rpm, made with `rpmbuild`, which finds the libraries that it requires by their names.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::tree::Tree;
use super::{About, DESCRIPTION, SUMMARY, empty, write};
use crate::command::{output, run};
use crate::workspace::Workspace;

/// Folders that are the package's own and go with it.
const OWN: [&str; 3] = ["usr/lib/oriel", "usr/share/doc/oriel", "usr/share/licenses/oriel"];

/// Makes the rpm of a tree and returns where it is.
pub(crate) fn make(
    workspace: &Workspace,
    tree: &Tree,
    about: &About,
    folder: &Path,
) -> Result<PathBuf> {
    let work = folder.join("rpmbuild");
    empty(&work)?;
    let spec = work.join("oriel.spec");
    write(&spec, spec_text(about, &tree.root, &tree.files()?)?)?;
    let mut rpmbuild = workspace.command("rpmbuild");
    rpmbuild.args(["-bb", "--quiet", "--define"]).arg(format!("_topdir {}", work.display()));
    run(rpmbuild.arg(&spec).env("SOURCE_DATE_EPOCH", &about.seconds))?;

    let architecture = output(workspace.command("rpm").args(["--eval", "%{_target_cpu}"]))?;
    let architecture = architecture.trim();
    let name = format!("oriel-{}-1.{architecture}.rpm", about.version);
    let rpm = folder.join(&name);
    std::fs::rename(work.join("RPMS").join(architecture).join(&name), &rpm)
        .with_context(|| format!("`rpmbuild` made no {name}"))?;
    Ok(rpm)
}

fn spec_text(about: &About, root: &Path, files: &[PathBuf]) -> Result<String> {
    let version = &about.version;
    let Some(root) = root.to_str().filter(|root| !root.contains(['%', '\'', '\n'])) else {
        bail!("{} cannot be named in an rpm's spec; build in another folder", root.display());
    };
    let packing = if about.is_packed { "w6.xzdio" } else { "w0.gzdio" };
    let mut list = String::new();
    for folder in OWN {
        list.push_str(&format!("%dir \"/{folder}\"\n"));
    }
    for file in files {
        list.push_str(&format!("\"/{}\"\n", file.display()));
    }
    // The programs are built already: nothing is compiled, stripped or split here.
    Ok(format!(
        "\
%global debug_package %{{nil}}
%global __os_install_post %{{nil}}
%global _build_id_links none
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global _buildhost oriel
%global _binary_payload {packing}

Name: oriel
Version: {version}
Release: 1
Summary: {SUMMARY}
License: MIT OR Apache-2.0
Group: Development/Tools
Recommends: libayatana-appindicator3.so.1()(64bit)
Recommends: bubblewrap
Recommends: xdg-utils

%description
{DESCRIPTION}

%install
mkdir -p %{{buildroot}}
cp -a '{root}/usr' %{{buildroot}}/

%files
%defattr(-,root,root,-)
{list}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_lists_every_file_and_the_folders_that_are_its_own() {
        let files = ["usr/bin/oriel".into(), "usr/share/doc/oriel/a b".into()];
        let spec = spec_text(&about(), Path::new("/t/rpm"), &files).unwrap();
        let (_, list) = spec.split_once("%files\n").unwrap();
        assert!(list.contains("%dir \"/usr/share/doc/oriel\"\n"), "{list}");
        assert!(list.ends_with("\"/usr/bin/oriel\"\n\"/usr/share/doc/oriel/a b\"\n"), "{list}");
        assert!(spec.contains("\ncp -a '/t/rpm/usr' %{buildroot}/\n"), "{spec}");
    }

    #[test]
    fn a_folder_that_a_spec_would_misread_is_refused() {
        for root in ["/t/100%", "/t/it's"] {
            assert!(spec_text(&about(), Path::new(root), &[]).is_err(), "{root}");
        }
    }

    fn about() -> About {
        let text = String::new;
        About {
            version: "1.2.3".to_owned(),
            seconds: text(),
            day: text(),
            dated: text(),
            is_packed: true,
        }
    }
}
