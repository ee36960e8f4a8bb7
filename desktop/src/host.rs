//! What the bridge needs of the desktop: the service of the moment, the host's own pages, a place for
//! files, and what to do with an address that leads elsewhere.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use axum::body::Body;
use axum::http::{Request, Response};
use http_body_util::BodyExt as _;
use oriel_bridge::policy::{Rules, Verdict};
use oriel_bridge::{BoxFuture, Download, Host, SaveError, Saved, ServiceNow, Surface, Trace};
use tokio::io::AsyncWriteExt as _;

use crate::desktop::Desktop;
use crate::pages;
use crate::trace::Event;

/// The desktop as the bridge sees it. The desktop owns the bridge, so this does not own the desktop.
pub(crate) struct BridgeHost(pub(crate) Weak<Desktop>);

impl Host for BridgeHost {
    fn service(&self) -> Option<ServiceNow> {
        let up = self.0.upgrade()?.services.up()?;
        Some(ServiceNow {
            link: up.console.clone(),
            authority: up.authority.clone(),
            generation: up.generation,
            cookies: up.cookies.clone(),
        })
    }

    fn rules(&self) -> Rules {
        self.0.upgrade().map(|desktop| desktop.rules()).unwrap_or_default()
    }

    fn page(&self, surface: Surface, request: Request<Body>) -> BoxFuture<'_, Response<Body>> {
        Box::pin(async move {
            match self.0.upgrade() {
                Some(desktop) => pages::answer(&desktop, surface, request).await,
                None => Response::new(Body::empty()),
            }
        })
    }

    fn save(&self, _: Surface, download: Download) -> BoxFuture<'_, Result<Saved, SaveError>> {
        Box::pin(async move {
            let Some(desktop) = self.0.upgrade() else { return Ok(Saved::Dismissed) };
            save(&desktop, download).await
        })
    }

    fn open(&self, surface: Surface, url: &str, verdict: Verdict) {
        if let Some(desktop) = self.0.upgrade() {
            desktop.lead(surface, url, verdict);
        }
    }

    fn trace(&self, trace: Trace) {
        if let Some(desktop) = self.0.upgrade() {
            desktop.traces.tell(Event::Bridge(&trace));
        }
    }

    fn now(&self) -> SystemTime {
        self.0.upgrade().map_or(SystemTime::UNIX_EPOCH, |desktop| desktop.clock.now())
    }
}

/// Asks where to save a file, or takes the folder for downloads, and writes it there.
async fn save(desktop: &Arc<Desktop>, download: Download) -> Result<Saved, SaveError> {
    let folder = desktop.downloads();
    let path = if desktop.settings.asks_where_to_save {
        match desktop.ask_where(&folder, &download.name).await {
            Some(path) => path,
            None => return Ok(Saved::Dismissed),
        }
    } else {
        folder.join(&download.name)
    };
    let (path, bytes) = write(&path, download, desktop.umask).await?;
    desktop.traces.tell(Event::Saved { bytes });
    Ok(Saved::As(path.display().to_string()))
}

/// Writes a file under a name that is free, and nothing at all where it does not come whole.
async fn write(wanted: &Path, download: Download, umask: u32) -> Result<(PathBuf, u64), SaveError> {
    let name = wanted.file_name().and_then(|name| name.to_str()).unwrap_or("download").to_owned();
    let folder = wanted.parent().unwrap_or(Path::new(".")).to_owned();
    let disk = |source| SaveError::Disk { name: name.clone(), source };
    tokio::fs::create_dir_all(&folder).await.map_err(disk)?;
    let mut draft = {
        let folder = folder.clone();
        tokio::task::spawn_blocking(move || {
            tempfile::Builder::new().prefix(".oriel-").suffix(".part").tempfile_in(folder)
        })
        .await
        .map_err(|error| disk(std::io::Error::other(error)))?
        .map_err(disk)?
    };
    let mut bytes = 0;
    {
        let mut file = tokio::fs::File::from_std(draft.as_file().try_clone().map_err(disk)?);
        let mut body = download.body;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| SaveError::Broken { name: name.clone() })?;
            if let Ok(data) = frame.into_data() {
                bytes += data.len() as u64;
                file.write_all(&data).await.map_err(disk)?;
            }
        }
        file.flush().await.map_err(disk)?;
        // It was private for as long as it was a draft. A file system without permissions keeps its own.
        _ = file.set_permissions(Permissions::from_mode(0o666 & !umask)).await;
        file.sync_all().await.map_err(disk)?;
    }
    // Another download may take the name that was free a moment ago, and then the next one is tried.
    for _ in 0..NAMES_MAX {
        let taken = |name: &str| folder.join(name).symlink_metadata().is_ok();
        let Some(free) = oriel_bridge::download::free_name(&name, taken) else { break };
        let path = folder.join(free);
        match draft.persist_noclobber(&path) {
            Ok(_) => return Ok((path, bytes)),
            Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
                draft = error.file;
            }
            Err(error) => return Err(disk(error.error)),
        }
    }
    Err(disk(std::io::ErrorKind::AlreadyExists.into()))
}

/// So many names are tried when others are saving too.
const NAMES_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_never_takes_another_ones_place() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = folder.path().join("report.csv");
        std::fs::write(&wanted, "theirs").unwrap();
        let (path, bytes) =
            write(&wanted, download("report.csv", Body::from("ours")), 0o027).await.unwrap();
        assert_eq!(std::fs::read_to_string(&wanted).unwrap(), "theirs");
        assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), bytes), ("ours", 4));
        assert_ne!(path, wanted);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "it is the user's, as a browser would make it");
    }

    #[tokio::test]
    async fn of_a_file_that_breaks_off_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let pieces = [Ok("half"), Err(std::io::Error::other("gone"))];
        let body = Body::from_stream(futures_util::stream::iter(pieces));
        let saved = write(&folder.path().join("x"), download("x", body), 0o022).await;
        assert!(matches!(saved, Err(SaveError::Broken { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    fn download(name: &str, body: Body) -> Download {
        Download { name: name.to_owned(), content_type: None, length: None, body }
    }
}
