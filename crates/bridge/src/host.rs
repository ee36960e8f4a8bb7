//! What the bridge needs of the program around it. A test is such a program too.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::SystemTime;

use axum::body::Body;
use axum::http::{Request, Response};
use oriel_link::Link;

use crate::policy::{Rules, Verdict};
use crate::surface::Surface;
use crate::trace::Trace;

/// A future that was put on the heap.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The program around the bridge.
///
/// Whatever it does, it does it soon: the bridge waits for nothing of it but pages and saved files.
pub trait Host: Send + Sync {
    /// The service that stands behind the console, if it is up.
    fn service(&self) -> Option<ServiceNow>;

    /// What the operator set.
    fn rules(&self) -> Rules;

    /// Answers for the host's own pages, which are below `/__oriel/`, and for the workbench's below
    /// `/client/`. The request's headers are those
    /// that a service would hear, and its address is path and query alone.
    fn page(&self, surface: Surface, request: Request<Body>) -> BoxFuture<'_, Response<Body>>;

    /// Saves a file where a person says, and never over another one.
    fn save(&self, surface: Surface, download: Download)
    -> BoxFuture<'_, Result<Saved, SaveError>>;

    /// Opens an address elsewhere, as the verdict says; it is never `Allow` or `Deny`.
    fn open(&self, surface: Surface, url: &str, verdict: Verdict);

    /// Keeps a line for the log.
    fn trace(&self, trace: Trace);

    /// The time.
    fn now(&self) -> SystemTime;
}

/// A service, as it is now.
#[derive(Clone)]
pub struct ServiceNow {
    /// How it is reached.
    pub link: Link,
    /// The host that it wants to be called, such as `localhost` or `127.0.0.1:3143`.
    pub authority: String,
    /// A number that is another one once the service was started anew.
    pub generation: u64,
    /// The names and values of the cookies that the host was granted.
    pub cookies: Vec<(String, String)>,
}

impl std::fmt::Debug for ServiceNow {
    /// Tells all but the cookies' values, which are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.cookies.iter().map(|(name, _)| name).collect();
        f.debug_struct("ServiceNow")
            .field("link", &self.link.to_string())
            .field("authority", &self.authority)
            .field("generation", &self.generation)
            .field("cookies", &names)
            .finish()
    }
}

/// A file that a service hands out.
#[derive(Debug)]
pub struct Download {
    /// Its name, harmless already.
    pub name: String,
    /// Its type, as the service says.
    pub content_type: Option<String>,
    /// How long it is, if that is known.
    pub length: Option<u64>,
    /// What it holds. It ends with an error where the service breaks off, or where it is too long.
    pub body: Body,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    /// It is there, under this name.
    As(String),
    /// Nobody wanted it.
    Dismissed,
}

/// A file was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The disk does not take it.
    #[error("{name} could not be written: {source}; choose another folder and save it again")]
    Disk {
        /// Its name.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// It did not come whole.
    #[error("{name} did not arrive whole, and nothing of it was kept; save it again")]
    Broken {
        /// Its name.
        name: String,
    },
}
