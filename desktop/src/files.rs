//! Files for the workbench: the engine, and which load of the page uses it now.
//!
//! Each load of the page has a [`Surface`] of its own, whatever way its messages come: by a socket of the
//! page's own process, as native commands, or as requests of a scheme. When the page is loaded again,
//! leaves or dies, what it had open is closed.

#[cfg(target_os = "linux")]
mod context;
mod kinds;
mod line;
mod loads;
mod range;
mod scheme;
mod steps;

pub(crate) mod commands;

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use oriel_bridge::policy::is_workbench;
use oriel_hostfs::{Config, Grants, Limits, Surface};
use tokio::sync::Semaphore;

use crate::desktop::Desktop;
use crate::trace::Event;

pub(crate) use scheme::{SCHEME, answer};
pub(crate) use steps::Steps;

use loads::Loads;

/// The label of the window whose page may use files.
pub(crate) const LABEL: &str = "workbench";

/// So many messages are answered at once beside those of the socket, each on a thread of its own. One more
/// is refused, and may be sent again.
const MESSAGES_MAX: usize = 64;

/// What diagnostics call the extension where it is missing.
const EXTENSION: &str = "Files extension";

/// The engine, and who uses it.
pub(crate) struct Files {
    engine: Arc<oriel_hostfs::Files>,
    loads: Mutex<Loads>,
    pub(crate) steps: Steps,
    /// Taken by each message that came as a command or a request, until it is answered.
    places: Arc<Semaphore>,
    /// Whether a person is being asked for a folder. One question at a time is enough.
    is_choosing: AtomicBool,
    #[cfg(target_os = "linux")]
    context: context::Context,
}

impl Files {
    /// Makes the engine with what was granted.
    pub(crate) fn new(grants: Grants) -> Self {
        let engine = oriel_hostfs::Files::new(Config { grants, limits: Limits::default() });
        Self {
            engine,
            loads: Mutex::default(),
            steps: Steps::default(),
            places: Arc::new(Semaphore::new(MESSAGES_MAX)),
            is_choosing: false.into(),
            #[cfg(target_os = "linux")]
            context: context::Context::default(),
        }
    }

    /// Returns who may use which folder.
    pub(crate) fn grants(&self) -> &Grants {
        self.engine.grants()
    }

    /// Returns the surface of the page that is shown now.
    fn surface(&self) -> Option<Arc<Surface>> {
        self.locked().surface()
    }

    /// The window shows another document now. What the one before had open is closed.
    pub(crate) fn shows(&self, path: &str) {
        let is_ours = is_workbench(path);
        let mut loads = self.locked();
        if is_ours {
            loads.committed(|| self.engine.surface(LABEL));
        } else {
            loads.end();
        }
    }

    /// The page is gone, with its window or with its process.
    pub(crate) fn end(&self) {
        self.locked().end();
    }

    /// Hands what was written to the system, since the desktop ends.
    pub(crate) fn shutdown(&self) {
        self.end();
        self.engine.shutdown();
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Loads> {
        self.loads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has a page that had files open of a folder that is taken back end with its process: a descriptor that
/// the process got works on, whatever is closed here. The page is loaded again.
pub(crate) fn heed_revocations(desktop: &Arc<Desktop>) {
    let heeds = Arc::downgrade(desktop);
    desktop.files.engine.on_revoked(move |_| {
        let Some(desktop) = heeds.upgrade() else { return };
        crate::on_main(&desktop, |desktop| {
            desktop.files.end();
            end_process(desktop);
            desktop.traces.tell(Event::PageEnded { surface: LABEL, how: "a grant was taken back" });
            desktop.say(
                "The workbench was loaded again",
                "A folder of which it had files open is not granted to it any more. What it had saved there \
                 is kept.",
            );
        });
    });
}

/// Has the windows that are made from now on find the extension, where it is there.
#[cfg(target_os = "linux")]
pub(crate) fn prepare(desktop: &Arc<Desktop>) {
    if let Err(why) = context::prepare(desktop) {
        desktop.lack(EXTENSION, why);
    }
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn prepare(desktop: &Arc<Desktop>) {
    desktop
        .lack(EXTENSION, "this system's engine takes none; files go by native commands".to_owned());
}

/// Has the window's page and its process watched.
#[cfg(target_os = "linux")]
pub(crate) fn watch(desktop: &Arc<Desktop>, window: &tauri::WebviewWindow) {
    context::watch(desktop, window);
}

#[cfg(target_os = "linux")]
fn end_process(desktop: &Arc<Desktop>) {
    context::end_process(desktop);
}

/// Elsewhere a page's process gets no descriptors, so there is nothing that works on.
#[cfg(not(target_os = "linux"))]
fn end_process(_: &Arc<Desktop>) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn watch(_: &Arc<Desktop>, _: &tauri::WebviewWindow) {}
