//! Making sessions, and the rules for what makes one.

use std::path::Path;
use std::sync::Arc;

use oriel_wire::gateway::{ErrorCode, Reply, SessionMeta, SessionState, Usage};

use crate::agent::StartsAgents;
use crate::asker::{Asker, Refusal};
use crate::folders::{Folders, create_private_dir, private, sync_folder};
use crate::hub::{Hub, Slot};
use crate::store::Base;
use crate::{journal, registry};

/// The longest name of a session.
const NAME_CHARS_MAX: usize = 200;

/// The longest path of a workspace.
const PATH_BYTES_MAX: usize = 4096;

/// Makes a session and answers. No agent is started.
pub(crate) async fn create(
    hub: Arc<Hub>,
    asker: Asker,
    agent_type: String,
    name: Option<String>,
    workspace: Option<String>,
) {
    match make(&hub, agent_type, name, workspace).await {
        Ok(session) => {
            let client = asker.client().number;
            asker.reply(Reply::SessionCreated { session: session.clone() });
            hub.announce(Reply::SessionCreated { session }, |number| number == client);
        }
        Err(refusal) => asker.refuse(refusal),
    }
}

async fn make(
    hub: &Arc<Hub>,
    agent_type: String,
    name: Option<String>,
    workspace: Option<String>,
) -> Result<SessionMeta, Refusal> {
    check_agent(&*hub.agents, &agent_type)?;
    if let Some(name) = &name {
        check_name(name)?;
    }
    if !hub.has_room() {
        return Err(too_many(hub));
    }
    let id = crate::token::fresh_id("session");
    let made_workspace = workspace.is_none();
    let folders = hub.folders.clone();
    let prepared = {
        let id = id.clone();
        tokio::task::spawn_blocking(move || prepare(&folders, &id, workspace.as_deref())).await
    };
    let workspace = prepared.unwrap_or_else(|error| Err(failed(&error)))?;
    let now = hub.clock.unix_ms();
    let meta = SessionMeta {
        name: name.unwrap_or_else(|| default_name(&workspace, made_workspace, &agent_type)),
        id: id.clone(),
        agent_type,
        workspace,
        state: SessionState::Inactive,
        archived: false,
        created_at: now,
        updated_at: now,
        last_seq: 0,
        turns: 0,
        pending: 0,
        usage: Usage::default(),
        problem: None,
        monitor_session: None,
    };
    // Its own database first: what the registry does not know of is found when the gateway is opened,
    // and what it knows of must be there.
    let row = meta.clone();
    let made = hub.store.write(Base::Session(id), move |c| journal::create(c, &row)).await;
    made.map_err(|error| failed(&error))?;
    let row = meta.clone();
    let add = move |c: &rusqlite::Connection| registry::add(c, &row, made_workspace);
    hub.store.write(Base::Registry, add).await.map_err(|error| failed(&error))?;
    hub.add(Slot::new(meta.clone(), made_workspace, 0));
    Ok(meta)
}

/// Makes a session's folder, and its workspace where none was named. Returns the workspace.
fn prepare(folders: &Folders, id: &str, workspace: Option<&str>) -> Result<String, Refusal> {
    let workspace = match workspace {
        Some(path) => check_workspace(folders, path)?,
        None => {
            let path = folders.workspace(id);
            create_private_dir(&path).map_err(|error| failed(&error))?;
            path.into_os_string().into_string().map_err(|_| {
                let message = "the data directory's path is no text, so no workspace can be made in it; \
                               name a workspace";
                Refusal::new(ErrorCode::PathRefused, message)
            })?
        }
    };
    let make = || {
        create_private_dir(&folders.session(id))?;
        private().create_new(true).open(folders.session_db(id))?;
        sync_folder(&folders.session(id))?;
        sync_folder(&folders.sessions())
    };
    make().map_err(|error| failed(&error))?;
    Ok(workspace)
}

/// Refuses an agent that is not known.
pub(crate) fn check_agent(agents: &dyn StartsAgents, agent_type: &str) -> Result<(), Refusal> {
    if agents.knows(agent_type) {
        return Ok(());
    }
    let mut names = agents.names();
    names.sort();
    let names = names.join(", ");
    let names = if names.is_empty() { "there are none".to_owned() } else { names };
    let message = format!("there is no agent of this name; known agents: {names}");
    Err(Refusal::new(ErrorCode::AgentUnavailable, message))
}

/// Refuses a name that no list could show.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    let has_length = (1..=NAME_CHARS_MAX).contains(&name.chars().count());
    if has_length && !name.trim().is_empty() && !name.chars().any(char::is_control) {
        return Ok(());
    }
    let message = format!(
        "a session's name must have 1 to {NAME_CHARS_MAX} characters, not only spaces and no control \
         characters"
    );
    Err(Refusal::invalid(message))
}

/// Refuses a workspace that is no folder of the user's, and returns it as the file system calls it.
fn check_workspace(folders: &Folders, path: &str) -> Result<String, Refusal> {
    let refuse = |message: &str| Refusal::new(ErrorCode::PathRefused, message);
    if path.len() > PATH_BYTES_MAX || !Path::new(path).is_absolute() {
        return Err(refuse("a workspace must be named by its absolute path"));
    }
    let real = Path::new(path).canonicalize().map_err(|_| {
        let message = "there is no such workspace; make the folder first, or name none and the \
                       gateway makes one";
        Refusal::new(ErrorCode::FileNotFound, message)
    })?;
    if !real.is_dir() {
        return Err(refuse("a workspace must be a folder"));
    }
    if real.starts_with(folders.data_dir()) {
        return Err(refuse(
            "a workspace cannot lie in Oriel's own data directory; name another folder",
        ));
    }
    real.into_os_string()
        .into_string()
        .map_err(|_| refuse("the workspace leads to a path that is no text; name another folder"))
}

fn default_name(workspace: &str, made_workspace: bool, agent_type: &str) -> String {
    let folder = Path::new(workspace).file_name().and_then(|name| name.to_str());
    let name = match folder.filter(|_| !made_workspace) {
        Some(folder) => folder.to_owned(),
        None => format!("{agent_type} session"),
    };
    let name: String = name.chars().filter(|it| !it.is_control()).take(NAME_CHARS_MAX).collect();
    if check_name(&name).is_ok() { name } else { "session".to_owned() }
}

fn too_many(hub: &Hub) -> Refusal {
    let message = format!(
        "there are {} sessions, and no more are kept; delete one first",
        hub.limits.sessions
    );
    Refusal::new(ErrorCode::Unsupported, message)
}

/// What could not be made is the gateway's fault: it is logged with its reason, and the client is told
/// that it is.
fn failed(error: &dyn std::fmt::Display) -> Refusal {
    tracing::error!(%error, "a session could not be made");
    let message = "the session could not be made; the gateway's log says why";
    Refusal::new(ErrorCode::Internal, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_a_folder_of_the_users() {
        let data = tempfile::tempdir().unwrap();
        let folders = Folders::make(&data.path().join("data")).unwrap();
        let work = data.path().join("work");
        std::fs::create_dir(&work).unwrap();
        std::fs::write(work.join("file"), "").unwrap();
        let check = |path: &Path| {
            let path = path.to_str().unwrap();
            check_workspace(&folders, path).map_err(|refusal| refusal.code)
        };
        assert!(check(&work).is_ok());
        assert_eq!(check(Path::new("work")), Err(ErrorCode::PathRefused));
        assert_eq!(check(&work.join("gone")), Err(ErrorCode::FileNotFound));
        assert_eq!(check(&work.join("file")), Err(ErrorCode::PathRefused));
        assert_eq!(check(&folders.sessions()), Err(ErrorCode::PathRefused));
        assert_eq!(check(&work.join("../data/gateway")), Err(ErrorCode::PathRefused));
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(folders.sessions(), work.join("link")).unwrap();
            assert_eq!(check(&work.join("link")), Err(ErrorCode::PathRefused));
        }
    }

    #[test]
    fn a_name_can_be_shown() {
        for name in ["a", "Größe 😀", &"x".repeat(NAME_CHARS_MAX)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "  ", "a\nb", &"x".repeat(NAME_CHARS_MAX + 1)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        assert_eq!(default_name("/home/me/app", false, "echo"), "app");
        assert_eq!(default_name("/home/me/app", true, "echo"), "echo session");
        assert_eq!(default_name("/", false, "echo"), "echo session");
    }
}
