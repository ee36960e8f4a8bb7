//! Where the console is reached, told in the file `console/bind` of the data directory, so that the
//! desktop and `oriel open` find it on whatever port it has.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use oriel_link::Link;

use crate::sessions::write_private;

/// A console that does not answer within this is none.
const ANSWERS_WITHIN: Duration = Duration::from_millis(500);

/// The file, for as long as the console listens.
pub(crate) struct Bind {
    path: PathBuf,
    text: String,
}

impl Bind {
    pub(crate) fn tell(data_dir: &Path, addr: SocketAddr) -> io::Result<Self> {
        let (path, text) = (file(data_dir), format!("{addr}\n"));
        write_private(&path, text.as_bytes())?;
        Ok(Self { path, text })
    }

    /// Tells it only where no other console is told of that answers: the daemon's own comes first.
    pub(crate) async fn tell_unless_another(
        data_dir: &Path,
        addr: SocketAddr,
    ) -> io::Result<Option<Self>> {
        let told = std::fs::read_to_string(file(data_dir)).unwrap_or_default();
        if let Ok(other) = told.trim().parse::<SocketAddr>()
            && other.ip().is_loopback()
            && answers(other).await
        {
            return Ok(None);
        }
        Self::tell(data_dir, addr).map(Some)
    }
}

impl Drop for Bind {
    fn drop(&mut self) {
        // Another console may have told of itself since. Whoever reads a stale file finds nobody there.
        if std::fs::read_to_string(&self.path).is_ok_and(|told| told == self.text) {
            _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("console").join("bind")
}

async fn answers(addr: SocketAddr) -> bool {
    let request = Request::get("/desktop/ready").body(Body::empty());
    let request = request.expect("the path is plain");
    let answer = tokio::time::timeout(ANSWERS_WITHIN, Link::Tcp(addr).bytes(request)).await;
    matches!(answer, Ok(Ok((status, _))) if status.is_success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_console_beside_the_daemons_does_not_take_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let daemons = listener.local_addr().unwrap();
        let ready = axum::routing::get(|| async { "ready" });
        tokio::spawn(
            axum::serve(listener, axum::Router::new().route("/desktop/ready", ready)).into_future(),
        );
        let beside: SocketAddr = "127.0.0.1:1".parse().unwrap();

        let bind = Bind::tell(folder.path(), daemons).unwrap();
        assert!(Bind::tell_unless_another(folder.path(), beside).await.unwrap().is_none());
        drop(bind);
        let bind = Bind::tell_unless_another(folder.path(), beside).await.unwrap();
        assert_eq!(std::fs::read_to_string(file(folder.path())).unwrap(), "127.0.0.1:1\n");
        let later = Bind::tell(folder.path(), daemons).unwrap();
        drop(bind);
        assert!(file(folder.path()).exists(), "who came later is still told of");
        drop(later);
        assert!(!file(folder.path()).exists());
    }
}
