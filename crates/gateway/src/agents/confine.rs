//! What keeps an agent from harm: bubblewrap, where it is found and works.
//!
//! A confined agent sees the file system as it is and can change its workspace, its own files and the
//! caches of build tools, nothing else. Oriel's own folder is hidden from it, and so are the processes
//! beside it, so that it can never read what opens the gateway and answer its own questions. The
//! sockets that would have another program act outside for it are hidden too. The network is as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::catalog::{Confine, Known};
use super::environment;

/// How long bubblewrap may take to show that it works.
const PROBE_WITHIN: Duration = Duration::from_secs(10);

/// Caches of build tools below the person's home. Without them hardly a project can be built. What a
/// program of the person's would later run or obey by itself (`~/.cargo/bin`, `~/.config`,
/// `~/.local/share`) is not among them.
const CACHES: &[&str] = &[
    "~/.cache",
    "~/.npm",
    "~/.cargo/registry",
    "~/.cargo/git",
    "~/.bun/install/cache",
    "~/.deno",
    "~/.gradle/caches",
    "~/.local/share/pnpm",
    "~/.m2/repository",
    "~/.nuget/packages",
    "~/.yarn/berry/cache",
    "~/go/pkg",
];

/// Where services listen that would act for whoever asks, outside of every confinement.
const SERVICES: &[&str] = &[
    "/run/user",
    "/run/dbus",
    "/run/docker.sock",
    "/run/containerd",
    "/run/podman",
    "/run/libvirt",
    "/run/snapd.socket",
];

/// Folders for temporary files, of which an agent has its own.
const TEMPORARY: &[&str] = &["/tmp", "/var/tmp"];

/// What this machine can do to confine an agent.
#[derive(Debug, Clone)]
pub(crate) enum Ability {
    /// Bubblewrap works.
    Bubblewrap(PathBuf),
    /// Nothing does, for this reason.
    Nothing(String),
}

impl Ability {
    /// Finds out by trying.
    pub(crate) async fn probe(environment: &BTreeMap<String, String>) -> Self {
        let Some(program) = environment::find("bwrap", environment) else {
            let missing = "bubblewrap is not installed (install the package `bubblewrap`)";
            return Self::Nothing(missing.to_owned());
        };
        let mut command = Command::new(&program);
        command.args(base()).args([
            "--tmpfs",
            "/tmp",
            "--",
            "/bin/sh",
            "-c",
            "test -d /proc/self && : >/tmp/oriel",
        ]);
        command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        command.kill_on_drop(true);
        match tokio::time::timeout(PROBE_WITHIN, command.output()).await {
            Ok(Ok(output)) if output.status.success() => Self::Bubblewrap(program),
            Ok(Ok(output)) => {
                let said = String::from_utf8_lossy(&output.stderr);
                let line = said.lines().next().unwrap_or("it failed without a word");
                let line: String = line.chars().take(200).collect();
                Self::Nothing(format!("bubblewrap does not work here ({line})"))
            }
            Ok(Err(error)) => Self::Nothing(format!("bubblewrap cannot be started ({error})")),
            Err(_) => Self::Nothing("bubblewrap did not end within 10 s".to_owned()),
        }
    }
}

/// What an agent's programs run in.
#[derive(Debug, Clone)]
pub(super) struct Cage {
    /// The command that everything is run by, with its own arguments. Empty where nothing confines.
    prefix: Vec<OsString>,
    /// What confines, or why nothing does, for people.
    pub(super) told: String,
    environment: BTreeMap<String, String>,
    pub(super) workspace: PathBuf,
    memory_mib: Option<u64>,
}

/// What a cage is made of.
pub(super) struct Plan<'a> {
    pub(super) known: &'a Known,
    pub(super) ability: &'a Ability,
    /// The agent's program.
    pub(super) program: &'a Path,
    /// The environment of the agent.
    pub(super) environment: BTreeMap<String, String>,
    /// The folder that is hidden.
    pub(super) data_dir: &'a Path,
    pub(super) workspace: &'a Path,
}

impl Cage {
    /// Makes what an agent runs in, with the folders of its own that it may write.
    ///
    /// # Errors
    /// Where a folder cannot be looked at or made.
    pub(super) fn new(plan: Plan<'_>) -> io::Result<Self> {
        let workspace = plan.workspace.canonicalize()?;
        let memory_mib = plan.known.memory_mib;
        let mut environment = plan.environment;
        let (prefix, told) = match (plan.known.confine, plan.ability) {
            (Confine::Off, _) => (
                leash(&environment),
                "nothing: `confine = \"off\"` is set for this agent, so it may do what you may"
                    .to_owned(),
            ),
            (Confine::Workspace, Ability::Nothing(reason)) => (
                leash(&environment),
                format!("nothing: {reason}, so this agent may do what you may"),
            ),
            (Confine::Workspace, Ability::Bubblewrap(program)) => {
                if workspace.parent().is_none() {
                    let all = "the whole file system cannot be a confined agent's workspace";
                    return Err(io::Error::other(all));
                }
                let data_dir = plan.data_dir.canonicalize()?;
                let writes = writable(plan.known, &environment)?;
                let mut prefix = vec![program.clone().into_os_string()];
                let view = View {
                    workspace: &workspace,
                    data_dir: &data_dir,
                    writes: &writes,
                    shown: shown(plan.program, &environment),
                };
                prefix.extend(view.arguments(&environment));
                prefix.push("--".into());
                for gone in ["TMPDIR", "XDG_RUNTIME_DIR"] {
                    environment.remove(gone);
                }
                (prefix, "bubblewrap: it can change its workspace and its own files".to_owned())
            }
        };
        Ok(Self { prefix, told, environment, workspace, memory_mib })
    }

    /// Returns the command that runs a program in it.
    pub(super) fn command(&self, program: &Path, arguments: &[OsString]) -> Command {
        let mut words = self.prefix.clone();
        if let Some(mib) = self.memory_mib {
            // The shell sets the limit on itself and becomes the program, so that there is no moment
            // in which a child escapes it. What is only reserved does not count towards it.
            let kib = mib.saturating_mul(1024);
            let script = format!("ulimit -d {kib} && exec \"$0\" \"$@\"");
            words.extend(["/bin/sh".into(), "-c".into(), script.into()]);
        }
        words.push(program.into());
        words.extend_from_slice(arguments);
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).env_clear().envs(&self.environment).current_dir(&self.workspace);
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// Without a cage, a program that ends with the gateway however that ends, where there is one for it.
fn leash(environment: &BTreeMap<String, String>) -> Vec<OsString> {
    match environment::find("setpriv", environment) {
        Some(program) => {
            vec![program.into(), "--pdeathsig".into(), "KILL".into(), "--".into()]
        }
        None => Vec::new(),
    }
}

/// What holds in every cage.
fn base() -> Vec<OsString> {
    let words = [
        "--ro-bind",
        "/",
        "/",
        "--dev",
        "/dev",
        "--proc",
        "/proc",
        "--unshare-pid",
        "--unshare-ipc",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
    ];
    words.map(OsString::from).into()
}

/// What a confined agent sees and may change.
struct View<'a> {
    workspace: &'a Path,
    data_dir: &'a Path,
    writes: &'a [PathBuf],
    /// What lies where everything else is hidden, and must be seen.
    shown: BTreeSet<PathBuf>,
}

impl View<'_> {
    /// Returns the arguments of bubblewrap. What comes later lies over what came earlier.
    fn arguments(&self, environment: &BTreeMap<String, String>) -> Vec<OsString> {
        let mut words = base();
        for folder in TEMPORARY.iter().map(Path::new).filter(|folder| folder.is_dir()) {
            words.extend(["--tmpfs".into(), folder.into()]);
        }
        let mut bind = |flag: &str, path: &Path| {
            words.extend([flag.into(), path.into(), path.into()]);
        };
        for path in &self.shown {
            bind("--ro-bind", path);
        }
        let caches = CACHES.iter().filter_map(|cache| environment::expand(cache, environment));
        for path in caches.chain(self.writes.iter().cloned()) {
            // Nothing can be laid over a link, only over what it leads to. What is not there is left out.
            if let Ok(path) = path.canonicalize() {
                bind("--bind", &path);
            }
        }
        bind("--bind", self.workspace);
        for service in SERVICES.iter().map(Path::new) {
            match service.symlink_metadata() {
                Ok(found) if found.is_dir() => words.extend(["--tmpfs".into(), service.into()]),
                Ok(_) => words.extend(["--ro-bind".into(), "/dev/null".into(), service.into()]),
                Err(_) => {}
            }
        }
        // The way to the person's keys for other machines, without which hardly anything can be fetched.
        if let Some(socket) = environment.get("SSH_AUTH_SOCK").map(Path::new)
            && socket.is_absolute()
            && socket.exists()
        {
            words.extend(["--ro-bind".into(), socket.into(), socket.into()]);
        }
        words.extend(["--tmpfs".into(), self.data_dir.into()]);
        if self.workspace.starts_with(self.data_dir) {
            words.extend(["--bind".into(), self.workspace.into(), self.workspace.into()]);
        }
        words.extend(["--chdir".into(), self.workspace.into()]);
        words
    }
}

/// Returns what must be seen below the folders for temporary files: where programs and the person's home
/// lie there, as on machines that are themselves temporary.
fn shown(program: &Path, environment: &BTreeMap<String, String>) -> BTreeSet<PathBuf> {
    let home = environment.get("HOME").map(PathBuf::from);
    let folders = environment.get("PATH").map(|path| std::env::split_paths(path).collect());
    let folders: Vec<PathBuf> = folders.unwrap_or_default();
    let real = program.canonicalize().ok();
    let paths = folders.into_iter().chain(home).chain(real).chain([program.to_owned()]);
    let tops = paths.filter_map(|path| {
        TEMPORARY.iter().find_map(|top| {
            let below = path.strip_prefix(top).ok()?.components().next()?;
            let shown = Path::new(top).join(below);
            shown.exists().then_some(shown)
        })
    });
    tops.collect()
}

/// Returns what an agent may write beside its workspace, as it is on disk.
fn writable(known: &Known, environment: &BTreeMap<String, String>) -> io::Result<Vec<PathBuf>> {
    let mut writes = Vec::new();
    for named in &known.writes {
        let Some(path) = environment::expand(named, environment) else { continue };
        if named.ends_with('/') {
            make_folder(&path)?;
        }
        writes.push(path);
    }
    Ok(writes)
}

fn make_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
