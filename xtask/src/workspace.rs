//! The workspace a chore works on, and how cargo is called in it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{describe, output, say, verdict};
use crate::graph::list;

/// Where chores are done, and with what.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// The folder for what outlives a clone; `None` where a user has no home.
    pub(crate) cache: Option<PathBuf>,
    pub(crate) cargo: OsString,
    /// Whether whoever started the chore sees windows.
    pub(crate) has_display: bool,
    /// Environment variables that belong to this run of xtask and to nothing it starts.
    pub(crate) leftovers: Vec<OsString>,
}

impl Workspace {
    /// A command that runs where the chore was started, so that paths among its arguments mean
    /// what they meant to whoever typed them.
    pub(crate) fn command_here(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        for name in &self.leftovers {
            command.env_remove(name);
        }
        command
    }

    /// A command that runs in the workspace's root.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.command_here(program);
        command.current_dir(&self.root);
        command
    }

    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.cargo);
        command.args(arguments);
        command
    }

    /// What cargo knows about the workspace's own packages.
    pub(crate) fn metadata(&self) -> Result<Value> {
        let text = output(&mut self.cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
        serde_json::from_str(&text).context("`cargo metadata` printed something that is not JSON")
    }

    /// What cargo knows about the workspace's packages and all that they depend on, on this system.
    /// Of what is built elsewhere cargo would have to fetch the source.
    pub(crate) fn metadata_with_dependencies(&self) -> Result<Value> {
        let mut metadata = self.cargo(&["metadata", "--format-version", "1"]);
        let text = output(metadata.args(["--filter-platform", &self.host()?]))?;
        serde_json::from_str(&text).context("`cargo metadata` printed something that is not JSON")
    }

    /// The system that programs are built for, as cargo names it.
    pub(crate) fn host(&self) -> Result<String> {
        host(&output(self.command("rustc").arg("-vV"))?)
    }

    /// Builds every program and test, as `cargo test --workspace` does, so that either finds done
    /// what the other did, and the library that the workbench's process loads. This program is running and must not be replaced under itself.
    pub(crate) fn build_all(&self) -> Result<Programs> {
        self.build(&["--workspace", "--exclude", "xtask", "--lib", "--bins", "--tests"])
    }

    /// Runs `cargo build` and returns the programs it made. Cargo says where they are, so no
    /// setting that moves them has to be known here.
    pub(crate) fn build(&self, arguments: &[&str]) -> Result<Programs> {
        let mut command = self.cargo(&["build"]);
        command.args(arguments);
        say(&describe(&command));
        command.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
        let mut child =
            command.spawn().with_context(|| format!("could not start `{}`", describe(&command)))?;
        let stdout = child.stdout.take().expect("the line above the spawn pipes it");
        let mut programs = Programs::default();
        for line in BufReader::new(stdout).lines() {
            programs.note(&line.context("could not read what `cargo build` printed")?);
        }
        verdict(&command, child.wait().context("could not wait for `cargo build`")?)?;
        Ok(programs)
    }
}

fn host(rustc: &str) -> Result<String> {
    let line = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(line.context("`rustc -vV` names no host")?.to_owned())
}

/// The programs that one build made, by name.
#[derive(Default)]
pub(crate) struct Programs(BTreeMap<String, PathBuf>);

impl Programs {
    pub(crate) fn path(&self, name: &str) -> Result<&Path> {
        self.0.get(name).map(PathBuf::as_path).with_context(|| {
            format!("cargo built no program named `{name}`; look for its `[[bin]]` in Cargo.toml")
        })
    }

    fn note(&mut self, line: &str) {
        // Programs that a build runs may print to the same stream; what is no message is theirs.
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        // The test build of a program carries the program's name and is not the program.
        if message["profile"]["test"] == true {
            return;
        }
        if let (Some(name), Some(path)) =
            (message["target"]["name"].as_str(), message["executable"].as_str())
        {
            self.0.insert(name.to_owned(), path.into());
        }
        // A library that a program of others loads is one that is found by its path, too.
        let is_loaded = list(&message["target"]["crate_types"]).any(|kind| kind == "cdylib");
        let file = list(&message["filenames"]).filter_map(Value::as_str).next();
        if let (true, Some(name), Some(file)) =
            (is_loaded, message["target"]["name"].as_str(), file)
        {
            self.0.insert(name.to_owned(), file.into());
        }
    }
}

/// Whether there is a display to show windows on. Where windows are the system's own, there always is.
pub(crate) fn has_display(is_x11_or_wayland: bool, variables: [Option<&OsStr>; 2]) -> bool {
    !is_x11_or_wayland || variables.into_iter().flatten().any(|value| !value.is_empty())
}

/// The folder for tools and build output that outlive a clone. `.ci/run` follows the same rule.
pub(crate) fn cache_folder(
    chosen: Option<PathBuf>,
    xdg_cache_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let cache_home = || xdg_cache_home.or(home.map(|home| home.join(".cache")));
    chosen.or_else(|| Some(cache_home()?.join("oriel-build")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_where_cargo_put_it_and_its_test_build_is_not_it() {
        let mut programs = Programs::default();
        for line in [
            "a build script's own words",
            r#"{"reason":"build-script-executed","out_dir":"/t/out"}"#,
            r#"{"target":{"name":"oriel"},"profile":{"test":false},"executable":"/t/oriel"}"#,
            r#"{"target":{"name":"oriel"},"profile":{"test":true},"executable":"/t/oriel-4f"}"#,
            r#"{"target":{"name":"oriel_store"},"profile":{"test":false},"executable":null}"#,
            r#"{"target":{"name":"loaded","crate_types":["cdylib"]},"profile":{"test":false},"filenames":["/t/libloaded.so"],"executable":null}"#,
        ] {
            programs.note(line);
        }
        assert_eq!(programs.path("oriel").unwrap(), Path::new("/t/oriel"));
        assert_eq!(programs.path("loaded").unwrap(), Path::new("/t/libloaded.so"));
        let message = programs.path("oriel_store").unwrap_err().to_string();
        assert!(message.contains("no program named `oriel_store`"), "{message}");
    }

    #[test]
    fn the_system_is_the_one_that_rustc_names() {
        let answer = "rustc 1.95.0\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1\n";
        assert_eq!(host(answer).unwrap(), "x86_64-unknown-linux-gnu");
        assert!(host("rustc 1.95.0").is_err());
    }

    #[test]
    fn a_display_is_one_that_the_environment_names_or_the_system_has() {
        let name = |name: &'static str| Some(OsStr::new(name));
        assert!(has_display(true, [name(":0"), None]));
        assert!(has_display(true, [None, name("wayland-0")]));
        assert!(!has_display(true, [None, None]));
        assert!(!has_display(true, [name(""), None]), "an empty name is none");
        assert!(has_display(false, [None, None]), "the system has its own windows");
    }

    #[test]
    fn the_cache_is_where_it_was_asked_for_then_where_caches_are() {
        let path = |path: &str| Some(PathBuf::from(path));
        assert_eq!(cache_folder(path("/a"), path("/b"), path("/c")), path("/a"));
        assert_eq!(cache_folder(None, path("/b"), path("/c")), path("/b/oriel-build"));
        assert_eq!(cache_folder(None, None, path("/c")), path("/c/.cache/oriel-build"));
        assert_eq!(cache_folder(None, None, None), None);
    }
}
