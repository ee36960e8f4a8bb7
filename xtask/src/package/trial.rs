//! A package as its users meet it: installed, looked at, started, removed.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::empty;
use crate::command::{output, run, say, succeeds};
use crate::packages;
use crate::workspace::Workspace;

/// The package's name.
const NAME: &str = "oriel";

/// A program that has not started or ended by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long the desktop is left alone once it shows a window, to see that it stays.
const STAYS: Duration = Duration::from_secs(5);

/// Refuses where the trial would touch what is not its own.
pub(crate) fn may_begin() -> Result<()> {
    let is = |test: &str| succeeds(Command::new("sh").args(["-c", test]));
    ensure!(
        is("command -v apt-get && command -v dpkg"),
        "a package is tried where there is apt-get, as on Debian; without --try it is only made"
    );
    ensure!(
        is("test $(id -u) = 0"),
        "trying a package installs it, which takes root; without --try it is only made"
    );
    ensure!(
        !is("dpkg -s oriel || test -e /usr/bin/oriel -o -e /usr/bin/oriel-desktop"),
        "oriel is installed here already, and trying a package would remove it; try it elsewhere"
    );
    Ok(())
}

/// Installs the deb, looks at it, starts the desktop, removes it again, and looks at the rpm.
pub(crate) fn try_out(workspace: &Workspace, deb: &Path, rpm: &Path) -> Result<()> {
    packages::ensure_for_trial()?;
    let home = deb.with_file_name("trial-home");
    empty(&home)?;
    run(apt_get(workspace, "install").arg(deb))?;
    let installed: Vec<PathBuf> = output(workspace.command("dpkg").args(["-L", NAME]))?
        .lines()
        .filter(|line| *line != "/.")
        .map(PathBuf::from)
        .collect();
    let looked = look(workspace, &home)
        .and_then(|()| look_at_rpm(workspace, rpm, &installed))
        .and_then(|()| start(workspace, &home));
    let data = home.join(".local/share/oriel");
    let kept = looked.and_then(|()| sums(workspace, &data));
    // Whatever was found, nothing is left installed.
    run(apt_get(workspace, "purge").arg(NAME))?;
    let kept = kept?;

    let left: Vec<_> = installed.iter().filter(|path| is_left(path)).collect();
    ensure!(left.is_empty(), "the package is removed, and these are left of it: {left:?}");
    say(&format!("removed: nothing is left of {} files and folders", installed.len()));
    ensure!(sums(workspace, &data)? == kept, "removing the package changed {}", data.display());
    say(&format!("removed: the {} files of data are as they were", kept.lines().count()));
    empty(&home)?;
    say("the package passed its trial");
    Ok(())
}

fn apt_get(workspace: &Workspace, what: &str) -> Command {
    let mut apt_get = workspace.command("apt-get");
    apt_get.args([what, "-y", "--no-install-recommends"]).env("DEBIAN_FRONTEND", "noninteractive");
    apt_get
}

/// A file must be gone. A folder may be shared, unless it is named after the package.
fn is_left(path: &Path) -> bool {
    let is_ours = path.file_name().is_some_and(|name| name.to_string_lossy().contains(NAME));
    path.symlink_metadata().is_ok_and(|metadata| !metadata.is_dir() || is_ours)
}

fn look(workspace: &Workspace, home: &Path) -> Result<()> {
    let looks: &[&[&str]] = &[
        &["/usr/bin/oriel", "--version"],
        &["/usr/bin/oriel-desktop", "--version"],
        &["test", "-f", "/usr/lib/oriel/liboriel_files_extension.so"],
        &["man", "-w", "oriel"],
        &["man", "-w", "oriel-desktop"],
        &["desktop-file-validate", "/usr/share/applications/dev.oriel.desktop"],
        &[
            "appstreamcli",
            "validate",
            "--no-net",
            "/usr/share/metainfo/dev.oriel.desktop.metainfo.xml",
        ],
        &["bash", "-n", "/usr/share/bash-completion/completions/oriel"],
    ];
    for words in looks {
        run(workspace.command(words[0]).args(&words[1..]))?;
    }
    // Not every machine has systemd. Where it has, nobody need be logged in.
    if succeeds(workspace.command("systemd-analyze").arg("--version")) {
        let mut verify = workspace.command("systemd-analyze");
        verify.args(["verify", "--user", "/usr/lib/systemd/user/oriel.service"]);
        run(verify.env("XDG_RUNTIME_DIR", home))?;
    } else {
        say("there is no systemd-analyze here, so nobody looked at the unit");
    }
    for program in ["oriel", "oriel-desktop", "oriel-preview"] {
        let libraries = output(workspace.command("ldd").arg(Path::new("/usr/bin").join(program)))?;
        ensure!(!libraries.contains("not found"), "{program} misses a library:\n{libraries}");
    }
    Ok(())
}

/// Starts the installed desktop for a user with an empty home, on a display of its own, and ends it.
fn start(workspace: &Workspace, home: &Path) -> Result<()> {
    let (_screen, display) = screen(workspace)?;
    let as_user = |program: &str| {
        let mut command = workspace.command(program);
        command.env_clear().env("PATH", "/usr/bin:/bin").env("LANG", "C.UTF-8");
        command.env("HOME", home).env("DISPLAY", &display).stdin(Stdio::null());
        command.current_dir(home);
        command
    };
    let mut desktop = as_user("/usr/bin/oriel-desktop");
    desktop.args(["--port", "0"]);
    say(&format!("starts the installed desktop on display {display}"));
    let since = Instant::now();
    let child = desktop.spawn().context("could not start /usr/bin/oriel-desktop")?;
    let mut desktop = Running { child, name: "oriel-desktop" };

    desktop.wait_until("its daemon answers", || succeeds(as_user("oriel").arg("status")))?;
    say(&format!("its daemon answers after {} ms", since.elapsed().as_millis()));
    let search = ["search", "--onlyvisible", "--class", "oriel-desktop"];
    desktop.wait_until("it shows a window", || succeeds(as_user("xdotool").args(search)))?;
    say(&format!("it shows a window after {} ms", since.elapsed().as_millis()));
    let shown = Instant::now();
    desktop.wait_until("it stayed", || STAYS <= shown.elapsed())?;
    desktop.ask_to_end(workspace)?;
    ensure!(!succeeds(as_user("oriel").arg("status")), "the desktop ended and its daemon did not");
    say("it ended when it was asked to, and its daemon with it");
    Ok(())
}

/// A display that nobody sees. It says its number once it is ready.
fn screen(workspace: &Workspace) -> Result<(Running, String)> {
    let mut xvfb = workspace.command("Xvfb");
    xvfb.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
    let mut child = xvfb
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("could not start Xvfb")?;
    let stdout = child.stdout.take().context("the output of Xvfb is piped")?;
    let running = Running { child, name: "Xvfb" };
    let mut number = String::new();
    BufReader::new(stdout).read_line(&mut number).context("Xvfb did not say its display")?;
    ensure!(!number.trim().is_empty(), "Xvfb ended before it had a display");
    Ok((running, format!(":{}", number.trim())))
}

/// A program that is ended with what started it.
struct Running {
    child: Child,
    name: &'static str,
}

impl Running {
    fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) -> Result<()> {
        let since = Instant::now();
        while !is_so() {
            if let Some(status) = self.child.try_wait()? {
                bail!("{} ended with {status} before {what}; its words stand above", self.name);
            }
            ensure!(since.elapsed() < PATIENCE, "{} runs, but not so that {what}", self.name);
            pause();
        }
        Ok(())
    }

    fn ask_to_end(&mut self, workspace: &Workspace) -> Result<()> {
        run(workspace.command("kill").args(["-TERM", &self.child.id().to_string()]))?;
        let since = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "{} was asked to end, and did with {status}", self.name);
                return Ok(());
            }
            ensure!(since.elapsed() < PATIENCE, "{} was asked to end and runs on", self.name);
            pause();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What has ended cannot be ended, and that is all that can fail here.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Whether a file lies in the same place in every kind of package.
fn has_one_place(path: &Path) -> bool {
    !["/usr/share/doc", "/usr/share/zsh"].iter().any(|folder| path.starts_with(folder))
}

#[expect(
    clippy::disallowed_methods,
    reason = "another program's state is asked for again and again"
)]
fn pause() {
    thread::sleep(Duration::from_millis(100));
}

/// The digest of every file below a folder.
fn sums(workspace: &Workspace, folder: &Path) -> Result<String> {
    ensure!(folder.is_dir(), "the desktop left no data in {}", folder.display());
    let mut find = workspace.command("find");
    output(find.arg(folder).args(["-type", "f", "-exec", "sha256sum", "{}", "+"]))
}

/// The rpm is not installed on a Debian machine. It must hold what the deb does, and be able to say
/// what it needs.
fn look_at_rpm(workspace: &Workspace, rpm: &Path, installed: &[PathBuf]) -> Result<()> {
    let ask = |what: &str| output(workspace.command("rpm").args(["-qp", what]).arg(rpm));
    let files = ask("--list")?;
    let is_in_rpm = |path: &&PathBuf| files.lines().any(|line| Path::new(line) == path.as_path());
    let missing: Vec<_> = installed
        .iter()
        .filter(|path| !path.is_dir() && has_one_place(path))
        .filter(|path| !is_in_rpm(path))
        .collect();
    ensure!(missing.is_empty(), "the rpm lacks {missing:?}");
    let requires = ask("--requires")?;
    ensure!(
        requires.contains("libwebkit2gtk-4.1.so.0"),
        "the rpm does not require the library that shows pages:\n{requires}"
    );
    say(&format!(
        "the rpm holds {} files and requires {} things",
        files.lines().count(),
        requires.lines().count()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_stays_is_left_and_a_shared_folder_is_not() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert!(is_left(&folder.join("Cargo.toml")));
        assert!(!is_left(folder), "a folder that others use too");
        assert!(!is_left(&folder.join("no-such-file")));
    }
}
