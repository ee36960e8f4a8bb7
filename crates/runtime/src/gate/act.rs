//! Doing what a person decided about a blocker: one thing at a time, and only what is offered.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use oriel_wire::control::{Blocker, BlockerKind};
use oriel_wire::readiness::{ActionOutcome, ActionReport, ActionRequest, Inspection};
use oriel_wire::time::rfc3339;

use super::{disk, modules, permissions, store, word};
use crate::api::ApiError;
use crate::app::{App, Gate};

/// What came of an action.
enum Did {
    /// It blocks no more.
    Mended(String),
    /// There is a key now.
    Keyed(String),
    /// Nothing changed.
    Shown(String, Inspection),
}

/// Does something about a blocker and tells what is left.
pub(crate) async fn act(
    app: &Arc<App>,
    id: &str,
    action: &str,
    request: ActionRequest,
) -> Result<ActionReport, ApiError> {
    let none = || {
        ApiError::NotFound(
            format!("nothing of the name {id:?} blocks; GET /control/readiness lists what does")
                .into(),
        )
    };
    let Gate::Blocked(blocked) = &app.gate else { return Err(none()) };
    let turn = blocked.acting.acquire().await;
    let _turn = turn.map_err(|_| ApiError::Busy("the runtime stops".into()))?;
    let blocker = blocked.find(id).ok_or_else(none)?;
    if !blocker.actions.iter().any(|offered| offered == action) {
        let offered = blocker.actions.join(", ");
        let problem = format!("{action:?} is nothing to do about {id}; choose one of {offered}");
        return Err(ApiError::Conflict(problem.into()));
    }
    if action == word::RESTART {
        app.restart()?;
        let message = "the daemon starts again".to_owned();
        return Ok(report(app, ActionOutcome::Restarting, message, None));
    }
    let (worker, what) = (Arc::clone(app), action.to_owned());
    let done = tokio::task::spawn_blocking(move || perform(&worker, &blocker, &what, &request));
    // It fails only where it panics, which is told of where it does.
    let done = done.await.map_err(|_| ApiError::Conflict("it could not be done".into()))??;
    Ok(match done {
        Did::Shown(message, inspection) => {
            report(app, ActionOutcome::Shown, message, Some(inspection))
        }
        Did::Keyed(message) => {
            blocked.remove(BlockerKind::SigningKeyMissing.as_str());
            blocked.withdraw(word::CREATE_KEY);
            tracing::info!(id, action, "{message}");
            report(app, ActionOutcome::Done, message, None)
        }
        Did::Mended(mut message) => {
            blocked.remove(id);
            tracing::info!(id, action, "{message}");
            if blocked.count() == 0 {
                message.push_str("; nothing blocks any more, so restart the daemon to go on");
            }
            report(app, ActionOutcome::Done, message, None)
        }
    })
}

fn report(
    app: &App,
    outcome: ActionOutcome,
    message: String,
    inspection: Option<Inspection>,
) -> ActionReport {
    let (blockers, restartable) = (app.blockers(), app.restartable());
    ActionReport { outcome, message, blockers, restartable, inspection }
}

fn perform(
    app: &App,
    blocker: &Blocker,
    action: &str,
    request: &ActionRequest,
) -> Result<Did, ApiError> {
    let home = &app.home;
    let conflict = |problem: String| ApiError::Conflict(problem.into());
    let now = rfc3339(app.now());
    let artifact = blocker.artifact_id.as_str();
    let mended =
        match action {
            word::INSPECT => return inspect(app, blocker),
            word::RESTRICT => permissions::restrict(Path::new(artifact)).map_err(conflict)?,
            word::CREATE_KEY => {
                return modules::create_key(home).map(Did::Keyed).map_err(conflict);
            }
            word::DENY => modules::deny(home, artifact, &now).map_err(conflict)?,
            word::SIGN => modules::sign(home, artifact, request.digest.as_deref(), &now).map_err(
                |refusal| match refusal {
                    modules::Refusal::NoKey(problem) => ApiError::Locked(problem.into()),
                    modules::Refusal::Conflict(problem) => conflict(problem),
                },
            )?,
            word::BACK_UP => back_up(app, request)?,
            word::RESTORE_BACKUP => match &request.path {
                None => return inspect(app, blocker),
                Some(path) => restore(app, path)?,
            },
            other => return Err(conflict(format!("{other:?} is nothing that can be done"))),
        };
    Ok(Did::Mended(mended))
}

fn inspect(app: &App, blocker: &Blocker) -> Result<Did, ApiError> {
    let home = &app.home;
    let facts = match blocker.kind {
        BlockerKind::ConfigInvalid => fault_facts(app),
        BlockerKind::DataDirPermissions => permissions::facts(Path::new(&blocker.artifact_id)),
        BlockerKind::SigningKeyMissing => modules::key_facts(home),
        BlockerKind::DiskNearlyFull => disk::facts(&app.config, home),
        BlockerKind::StoreNewerThanProgram | BlockerKind::StoreNeedsMigrationBackup => {
            store::facts(home)
        }
        BlockerKind::UnsignedModuleConfig | BlockerKind::StaleModuleSignature => {
            let shown = modules::inspect(home, &blocker.artifact_id);
            let shown = shown.map_err(|problem| ApiError::Conflict(problem.into()))?;
            return Ok(Did::Shown(blocker.reason.clone(), shown));
        }
    };
    let mut shown = Inspection {
        facts: facts.into_iter().map(modules::fact).collect(),
        ..Inspection::default()
    };
    if blocker.kind == BlockerKind::StoreNewerThanProgram {
        shown.backups = store::backups(home);
    }
    Ok(Did::Shown(blocker.reason.clone(), shown))
}

fn fault_facts(app: &App) -> Vec<(&'static str, String)> {
    let Some(fault) = &app.config.fault else { return Vec::new() };
    let mut facts = vec![("file", fault.path.display().to_string())];
    facts.extend(fault.line.map(|line| ("line", line.to_string())));
    facts.push(("problem", fault.problem.clone()));
    facts
}

fn back_up(app: &App, request: &ActionRequest) -> Result<String, ApiError> {
    let home = &app.home;
    let to = request.path.as_deref().map(absolute).transpose()?;
    let version = store::older(home).ok_or_else(|| {
        ApiError::Conflict("the store is not of an earlier version any more; restart".into())
    })?;
    let copy = store::back_up(home, version, to.as_deref(), &stamp(app.now()))
        .map_err(|problem| ApiError::Conflict(problem.into()))?;
    Ok(format!("copied the store to {}", copy.display()))
}

fn restore(app: &App, path: &str) -> Result<String, ApiError> {
    let home = &app.home;
    let path = absolute(path)?;
    // Only a name in the folder of the backups is taken, and no way out of it.
    let is_plain = path.components().all(|part| !matches!(part, Component::ParentDir));
    if !is_plain || path.parent() != Some(&home.backups()) {
        return Err(ApiError::Bad(
            format!("`path` must be a file in {}", home.backups().display()).into(),
        ));
    }
    let aside = oriel_store::restore(&home.store(), &path, &home.backups(), &stamp(app.now()))
        .map_err(|error| ApiError::Conflict(error.to_string().into()))?;
    Ok(format!("restored {}; the store that was there is in {}", path.display(), aside.display()))
}

fn absolute(path: &str) -> Result<PathBuf, ApiError> {
    let path = PathBuf::from(path);
    if path.is_absolute() {
        return Ok(path);
    }
    Err(ApiError::Bad("`path` must be absolute: the daemon has its own folder".into()))
}

/// Returns a moment as the part of a file's name.
pub(crate) fn stamp(now: i64) -> String {
    rfc3339(now).replace([':', '-'], "")
}
