//! A session's workspace and a local folder that a daemon keeps equal, and what both hold.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::Daemon;
use crate::gateway::connect;
use crate::http::Answer;
use crate::wait::until;

/// A daemon that keeps two folders equal.
pub struct Synced {
    /// The daemon.
    pub daemon: Daemon,
    /// The session.
    pub session: String,
    /// Where the agent works.
    pub workspace: PathBuf,
    /// Where the person works.
    pub local: PathBuf,
    _folders: tempfile::TempDir,
}

/// What is in a tree: each path with what it is.
pub type Tree = BTreeMap<String, Thing>;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thing {
    /// A folder.
    Folder,
    /// A file, and whether it may be run.
    File(Vec<u8>, bool),
    /// A link.
    Link(PathBuf),
}

impl Synced {
    /// Starts a daemon with a session in a folder, and makes a local folder beside it. They are not synced
    /// yet.
    ///
    /// # Panics
    /// Where that cannot be done.
    #[must_use]
    pub fn apart() -> Self {
        Self::of(Daemon::start())
    }

    /// Does so with a daemon that runs.
    ///
    /// # Panics
    /// Where that cannot be done.
    #[must_use]
    pub fn of(daemon: Daemon) -> Self {
        let folders = tempfile::tempdir().expect("a folder can be made");
        let real = folders.path().canonicalize().expect("it has a name");
        let (workspace, local) = (real.join("workspace"), real.join("local"));
        fs::create_dir(&workspace).expect("a workspace can be made");
        fs::create_dir(&local).expect("a folder can be made");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let named = workspace.display().to_string();
        let session = runtime.expect("a runtime can be made").block_on(async {
            let (client, _events) = connect(daemon.home()).await;
            let made = client.create_session("echo", None, Some(named)).await;
            made.expect("a session is made").id
        });
        Self { daemon, session, workspace, local, _folders: folders }
    }

    /// Starts it, with what is in the folders already, and waits until both are equal.
    ///
    /// # Panics
    /// Where they do not become equal.
    #[must_use]
    pub fn start() -> Self {
        let synced = Self::apart();
        synced.begin();
        synced.settle();
        synced
    }

    /// Begins to sync, or goes on.
    ///
    /// # Panics
    /// Where that is refused.
    pub fn begin(&self) {
        let answer = self.ask_to_begin(&self.local, true);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Asks to begin with a folder.
    pub fn ask_to_begin(&self, local: &Path, confirm: bool) -> Answer {
        let body = json!({
            "sessionId": self.session, "localDir": local.display().to_string(), "confirmNonEmpty": confirm,
        });
        self.command("start", &body)
    }

    /// Gives a command.
    pub fn command(&self, name: &str, body: &Value) -> Answer {
        self.daemon.control_with("POST", &format!("/control/sync/{name}"), body)
    }

    /// Ends it.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn stop(&self) {
        let answer = self.command("stop", &json!({ "sessionId": self.session }));
        assert_eq!(answer.status, 200, "{}", answer.text());
    }

    /// Returns how it stands.
    pub fn status(&self) -> Value {
        let answer = self.daemon.control("GET", &format!("/control/sync/{}", self.session));
        answer.json()
    }

    /// Waits until its status is like this.
    ///
    /// # Panics
    /// Where it does not become so, with how it stands.
    pub fn until(&self, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let found = crate::wait::in_time(|| {
            last = self.status();
            is_so(&last).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("waited for {what}; it stands so: {last:#}"))
    }

    /// Waits until nothing is under way any more and both trees are equal.
    ///
    /// # Panics
    /// Where they do not become so, with what differs.
    pub fn settle(&self) {
        let mut last = String::new();
        let equal = crate::wait::in_time(|| {
            let status = self.status();
            let (here, there) = (tree(&self.local), tree(&self.workspace));
            let is_still = status["pending"] == 0 && status["phase"] == "watching";
            last = format!("{status:#}\n{:?}", differing(&here, &there));
            (is_still && here == there).then_some(())
        });
        assert!(equal.is_some(), "both folders do not become equal: {last}");
    }

    /// Waits until a path holds this in both trees.
    ///
    /// # Panics
    /// Where it does not.
    pub fn until_both_hold(&self, path: &str, content: &[u8]) {
        for root in [&self.local, &self.workspace] {
            until(&format!("{path} in {}", root.display()), || {
                fs::read(root.join(path)).ok().filter(|found| found == content)
            });
        }
    }
}

/// Returns what is in a folder, but for what is sync's own.
///
/// # Panics
/// Where it cannot be read.
#[must_use]
pub fn tree(root: &Path) -> Tree {
    let mut tree = Tree::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        // What goes away meanwhile was being changed.
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.strip_prefix(root).expect("it is in it").display().to_string();
            // What is sync's own, and repositories, which are nobody else's.
            if name == ".oriel" || name == ".git" {
                continue;
            }
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            let thing = if metadata.is_dir() {
                folders.push(path);
                Thing::Folder
            } else if metadata.is_symlink() {
                let Ok(target) = fs::read_link(&path) else { continue };
                Thing::Link(target)
            } else {
                let Ok(content) = fs::read(&path) else { continue };
                Thing::File(content, metadata.permissions().mode() & 0o100 != 0)
            };
            tree.insert(name, thing);
        }
    }
    tree
}

/// Returns the paths at which two trees differ.
#[must_use]
pub fn differing(one: &Tree, other: &Tree) -> Vec<String> {
    let paths = one.keys().chain(other.keys().filter(|path| !one.contains_key(*path)));
    paths.filter(|path| one.get(*path) != other.get(*path)).cloned().collect()
}
