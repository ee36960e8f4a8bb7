//! The files of a package, laid out as they will be installed.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use super::{About, empty, notices, write};
use crate::command::output;
use crate::desktop::{EXTENSION, PROGRAMS};
use crate::workspace::{Programs, Workspace};

/// The kinds of package, which differ in where a few files belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Deb,
    Rpm,
}

/// Files below a folder that stands for `/`.
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
}

/// What the project has for packages, below its root.
const FOLDER: &str = "packaging";

/// The files of [`FOLDER`] that are installed as they are, but for what [`filled`] fills in.
const FILES: [(&str, &str); 5] = [
    ("dev.oriel.desktop", "usr/share/applications"),
    ("dev.oriel.desktop.metainfo.xml", "usr/share/metainfo"),
    ("oriel.service", "usr/lib/systemd/user"),
    ("oriel-desktop.1", MAN),
    ("oriel-preview.1", MAN),
];

const MAN: &str = "usr/share/man/man1";
/// Where the desktop looks for what it has others load.
pub(crate) const LIBRARIES: &str = "usr/lib/oriel";
const DOC: &str = "usr/share/doc/oriel";

/// The icons of `desktop/icons/`, with the folder of the theme that they belong to.
const ICONS: [(&str, &str); 5] = [
    ("icon.svg", "scalable"),
    ("32x32.png", "32x32"),
    ("128x128.png", "128x128"),
    ("128x128@2x.png", "256x256"),
    ("icon.png", "512x512"),
];

/// Lays out the files of a package.
pub(crate) fn lay(
    workspace: &Workspace,
    programs: &Programs,
    about: &About,
    form: Form,
    folder: &Path,
) -> Result<Tree> {
    let tree = Tree {
        root: folder.join(match form {
            // Where dpkg's tools expect the files of the package `oriel`.
            Form::Deb => "deb/debian/oriel",
            Form::Rpm => "rpm",
        }),
    };
    empty(&tree.root)?;
    for (name, _) in PROGRAMS {
        tree.copy(programs.path(name)?, &format!("usr/bin/{name}"))?;
    }
    let extension = programs.path(EXTENSION.0)?;
    tree.copy(extension, &format!("{LIBRARIES}/lib{}.so", EXTENSION.0))?;
    for (name, place) in FILES {
        let text = read(&workspace.root.join(FOLDER).join(name))?;
        tree.put(&format!("{place}/{name}"), filled(&text, about))?;
    }
    for (name, size) in ICONS {
        let icon = workspace.root.join("desktop/icons").join(name);
        let kind = if size == "scalable" { "svg" } else { "png" };
        tree.copy(&icon, &format!("usr/share/icons/hicolor/{size}/apps/oriel.{kind}"))?;
    }
    say_of_programs(workspace, programs, form, &tree)?;
    documents(workspace, about, form, &tree)?;
    tree.settle()?;
    Ok(tree)
}

/// What the programs say of themselves: manual pages and completions.
fn say_of_programs(
    workspace: &Workspace,
    programs: &Programs,
    form: Form,
    tree: &Tree,
) -> Result<()> {
    let oriel = programs.path("oriel")?;
    let help = output(workspace.command(programs.path("oriel-desktop")?).arg("--help"))?;
    let page = read(&workspace.root.join(FOLDER).join("oriel-desktop.1"))?;
    let missing = undescribed(&help, &page);
    ensure!(
        missing.is_empty(),
        "{FOLDER}/oriel-desktop.1 says nothing of {}, which `oriel-desktop --help` names",
        missing.join(", ")
    );
    output(workspace.command(oriel).arg("man").arg(tree.root.join(MAN)))?;
    let zsh = match form {
        Form::Deb => "usr/share/zsh/vendor-completions/_oriel",
        Form::Rpm => "usr/share/zsh/site-functions/_oriel",
    };
    for (shell, place) in [
        ("bash", "usr/share/bash-completion/completions/oriel"),
        ("fish", "usr/share/fish/vendor_completions.d/oriel.fish"),
        ("zsh", zsh),
    ] {
        tree.put(place, output(workspace.command(oriel).args(["completions", shell]))?)?;
    }
    Ok(())
}

/// Licences, what changed, and an example of the settings.
fn documents(workspace: &Workspace, about: &About, form: Form, tree: &Tree) -> Result<()> {
    let root = &workspace.root;
    tree.copy(&root.join("config.example.toml"), &format!("{DOC}/examples/config.toml"))?;
    tree.put(&format!("{DOC}/third-party"), notices::collect(workspace)?)?;
    match form {
        Form::Deb => {
            let licence = indented(&read(&root.join("LICENSE-MIT"))?);
            let text = read(&root.join(FOLDER).join("copyright"))?.replace("@MIT@\n", &licence);
            tree.put(&format!("{DOC}/copyright"), text)?;
            tree.put(&format!("{DOC}/changelog"), super::deb::changelog(about))?;
            tree.copy(&root.join("CHANGELOG.md"), &format!("{DOC}/NEWS.md"))?;
        }
        Form::Rpm => {
            for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
                tree.copy(&root.join(name), &format!("usr/share/licenses/oriel/{name}"))?;
            }
            tree.copy(&root.join("CHANGELOG.md"), &format!("{DOC}/CHANGELOG.md"))?;
        }
    }
    Ok(())
}

impl Tree {
    /// Returns every file, as a path below the root, in order.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let (_, files) = self.walk()?;
        Ok(files.into_iter().map(|file| self.below(&file)).collect())
    }

    /// Returns how many KiB the files have.
    pub(crate) fn kib(&self) -> Result<u64> {
        let mut bytes = 0;
        for file in self.walk()?.1 {
            bytes += file.metadata().context("a file that was just laid is gone")?.len();
        }
        Ok(bytes.div_ceil(1024))
    }

    fn put(&self, place: &str, text: impl AsRef<[u8]>) -> Result<()> {
        write(&self.place(place)?, text)
    }

    fn copy(&self, from: &Path, place: &str) -> Result<()> {
        let to = self.place(place)?;
        fs::copy(from, &to)
            .with_context(|| format!("could not copy {} to {}", from.display(), to.display()))?;
        Ok(())
    }

    fn place(&self, place: &str) -> Result<PathBuf> {
        let path = self.root.join(place);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make {}", folder.display()))?;
        Ok(path)
    }

    fn below(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// Packs what is packed, and gives every file the permissions that it is installed with,
    /// whatever those of this user's files are.
    fn settle(&self) -> Result<()> {
        for file in self.walk()?.1 {
            if is_packed(&self.below(&file)) {
                pack(&file)?;
            }
        }
        let (folders, files) = self.walk()?;
        for folder in folders {
            set_mode(&folder, 0o755)?;
        }
        for file in files {
            set_mode(&file, if self.below(&file).starts_with("usr/bin") { 0o755 } else { 0o644 })?;
        }
        Ok(())
    }

    fn walk(&self) -> Result<(Vec<PathBuf>, Vec<PathBuf>)> {
        let (mut folders, mut files) = (vec![self.root.clone()], Vec::new());
        let mut next = 0;
        while let Some(folder) = folders.get(next).cloned() {
            next += 1;
            let cannot = || format!("could not read {}", folder.display());
            for entry in fs::read_dir(&folder).with_context(cannot)? {
                let path = entry.with_context(cannot)?.path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        folders.sort();
        files.sort();
        Ok((folders, files))
    }
}

/// Manual pages and long documents are installed packed.
fn is_packed(place: &Path) -> bool {
    let is_long = |name: &str| matches!(name, "changelog" | "third-party" | "NEWS.md");
    place.starts_with(MAN) || place.file_name().and_then(|name| name.to_str()).is_some_and(is_long)
}

fn pack(file: &Path) -> Result<()> {
    // Without the name and time of the file, so that the same text packs to the same bytes.
    output(std::process::Command::new("gzip").args(["-9", "-n", "-f"]).arg(file)).map(drop)
}

fn filled(text: &str, about: &About) -> String {
    text.replace("@VERSION@", &about.version).replace("@DATE@", &about.day)
}

/// A text as a field of several lines: each one space in, an empty one a full stop.
pub(crate) fn indented(text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| match line.trim_end() {
        "" => " .\n".to_owned(),
        line => format!(" {line}\n"),
    });
    lines.collect()
}

/// The flags that a program's help names and its manual page does not.
fn undescribed<'a>(help: &'a str, page: &str) -> Vec<&'a str> {
    let page = page.replace('\\', "");
    let words = help.split(|letter: char| letter.is_whitespace() || letter == ',');
    let mut flags: Vec<&str> = words.filter(|word| word.starts_with("--")).collect();
    flags.retain(|flag| !page.split(|c: char| c.is_whitespace() || c == '"').any(|w| w == *flag));
    flags
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;

    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .with_context(|| format!("could not set the permissions of {}", path.display()))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_of_the_help_is_in_the_manual_page() {
        let help = "Options:\n      --port <PORT>  a\n  -V, --version      b";
        assert_eq!(
            undescribed(help, ".BI \\-\\-port \" PORT\"\n\\-V\", \" \\-\\-version"),
            [""; 0]
        );
        assert_eq!(undescribed(help, ".BI \\-\\-port\\-of\n"), ["--port", "--version"]);
    }

    #[test]
    fn a_text_in_a_field_keeps_its_paragraphs() {
        assert_eq!(indented("a\n\nb  \n\n"), " a\n .\n b\n");
    }

    #[test]
    fn manual_pages_are_packed_and_programs_are_not() {
        for (place, expected) in [
            ("usr/share/man/man1/oriel.1", true),
            ("usr/share/doc/oriel/changelog", true),
            ("usr/share/doc/oriel/copyright", false),
            ("usr/bin/oriel", false),
        ] {
            assert_eq!(is_packed(Path::new(place)), expected, "{place}");
        }
    }

    #[test]
    fn the_packaged_unit_runs_what_the_launcher_writes() {
        let packaged = include_str!("../../../packaging/oriel.service");
        let written = include_str!("../../../crates/launcher/src/systemd.rs");
        let lines = packaged.lines().filter(|line| !line.starts_with("#"));
        for line in lines.filter(|line| !line.starts_with("ExecStart=")) {
            assert!(
                written.lines().any(|other| other == line),
                "the launcher has no line `{line}`"
            );
        }
    }
}
