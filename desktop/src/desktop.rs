//! The desktop's one shared state: what its windows, its bridge, its tray and its commands have in common.
//! It holds no state of the services and decides nothing that these decide.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use oriel_bridge::policy::{self, External, How, Rules, Verdict};
use oriel_bridge::{Bridge, Surface};
use oriel_runtime::config::Clock;
use oriel_runtime::settings::DesktopSettings;
use tauri::AppHandle;
use tauri_plugin_dialog::{DialogExt as _, MessageDialogButtons, MessageDialogKind};

use crate::compute::Compute;
use crate::files::{self, Files};
use crate::notify::Notifier;
use crate::positions::Positions;
use crate::preview::{self, Preview};
use crate::pulse::Glance;
use crate::services::{Services, Standing};
use crate::trace::{Event, Traces};
use crate::tray::Tray;
use crate::windows;

/// Everything that the parts of the desktop share.
pub(crate) struct Desktop {
    pub(crate) services: Services,
    pub(crate) settings: DesktopSettings,
    pub(crate) traces: Traces,
    pub(crate) clock: Clock,
    pub(crate) data_dir: PathBuf,
    pub(crate) downloads: Option<PathBuf>,
    /// The umask of the user's own programs, for files that are the user's.
    pub(crate) umask: u32,
    /// Whether the console is shown from its own address.
    pub(crate) is_compat: bool,
    pub(crate) preview: Preview,
    pub(crate) files: Files,
    pub(crate) compute: Arc<Compute>,
    pub(crate) bridge: OnceLock<Arc<Bridge>>,
    app: OnceLock<AppHandle>,
    lacks: Mutex<Vec<(&'static str, String)>>,
    /// The path of the document that each window shows, as the engine loaded it.
    documents: Mutex<BTreeMap<String, String>>,
    /// Whether the desktop is on its way out.
    pub(crate) ends: std::sync::atomic::AtomicBool,
    /// How the agents stand, as it was seen last.
    pub(crate) glance: tokio::sync::watch::Sender<Glance>,
    pub(crate) notifier: Notifier,
    pub(crate) positions: Positions,
    pub(crate) tray: Tray,
    /// Whether it stays in the tray when its last window closes.
    pub(crate) stays: std::sync::atomic::AtomicBool,
    /// Whether a person is being asked what closing the last window is to mean.
    pub(crate) is_asking: std::sync::atomic::AtomicBool,
}

/// What a desktop is made of, before it has an application around it.
pub(crate) struct Parts {
    pub(crate) services: Services,
    pub(crate) settings: DesktopSettings,
    pub(crate) traces: Traces,
    pub(crate) clock: Clock,
    pub(crate) data_dir: PathBuf,
    pub(crate) downloads: Option<PathBuf>,
    /// The umask of the user's own programs, for files that are the user's.
    pub(crate) umask: u32,
    pub(crate) is_compat: bool,
    pub(crate) preview: Preview,
    pub(crate) files: Files,
    pub(crate) compute: Arc<Compute>,
}

impl Desktop {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts {
            services,
            settings,
            traces,
            clock,
            data_dir,
            downloads,
            umask,
            is_compat,
            preview,
            files,
            compute,
        } = parts;
        Self {
            positions: Positions::read(&data_dir),
            glance: tokio::sync::watch::Sender::new(Glance::Down(
                "The services are starting".to_owned(),
            )),
            notifier: Notifier::new(),
            tray: Tray::default(),
            stays: false.into(),
            is_asking: false.into(),
            services,
            settings,
            traces,
            clock,
            data_dir,
            downloads,
            umask,
            is_compat,
            preview,
            files,
            compute,
            bridge: OnceLock::new(),
            app: OnceLock::new(),
            lacks: Mutex::default(),
            documents: Mutex::default(),
            ends: false.into(),
        }
    }

    /// Gives it its application, once that is there.
    pub(crate) fn belongs_to(&self, app: AppHandle) {
        _ = self.app.set(app);
    }

    /// Returns the application.
    pub(crate) fn app(&self) -> &AppHandle {
        self.app.get().expect("the application is set before anything else runs")
    }

    /// Returns what decides where a page may lead.
    pub(crate) fn rules(&self) -> Rules {
        let external = if self.settings.previews_links && self.preview.is_there() {
            External::Preview
        } else {
            External::SystemBrowser
        };
        let up = self.services.up().filter(|_| self.is_compat);
        let compat_origin = up.and_then(|up| up.console_addr);
        Rules { external, compat_origin, ..Rules::default() }
    }

    /// Judges where a page of a surface is about to lead, and has it led there where that is not the page
    /// itself. Returns whether the page goes there.
    pub(crate) fn judge(self: &Arc<Self>, surface: Surface, url: &str, how: How) -> bool {
        let verdict = policy::decide(surface, url, how, &self.rules());
        if verdict.is_allowed() {
            return true;
        }
        self.lead(surface, url, verdict);
        false
    }

    /// Does with an address what was decided.
    pub(crate) fn lead(self: &Arc<Self>, surface: Surface, url: &str, verdict: Verdict) {
        let blocked = |why: &str| {
            let surface = surface.label();
            self.traces.tell(Event::NavigationBlocked { surface, to: url, why });
        };
        let Some(url) = policy::plain(url) else { return blocked("the address cannot be read") };
        match verdict {
            Verdict::Allow => {}
            Verdict::Deny(why) => blocked(&why.to_string()),
            Verdict::Preview { warn } => self.open_outside(url, warn, true, None),
            Verdict::SystemBrowser { warn } => self.open_outside(url, warn, false, None),
            Verdict::AskMail => self.open_outside(url, false, false, Some("Write a mail?")),
        }
    }

    /// Opens an address outside of our windows, after asking where that is due.
    fn open_outside(
        self: &Arc<Self>,
        url: String,
        warn: bool,
        in_preview: bool,
        ask: Option<&str>,
    ) {
        let host = preview::host_of(&url);
        let question = match ask {
            Some(question) => Some((question.to_owned(), url.clone())),
            None if warn => Some((
                format!("Open {host} without encryption?"),
                "Others on the way can read and change what this page shows.".to_owned(),
            )),
            None => None,
        };
        let desktop = Arc::clone(self);
        tauri::async_runtime::spawn(async move {
            if let Some((title, text)) = question
                && !desktop.confirm(&title, &text).await
            {
                return;
            }
            let how = if in_preview { "preview" } else { "browser" };
            desktop.traces.tell(Event::PreviewOpened { host: &host, how });
            let opened = if in_preview {
                desktop.preview.open(&url).map_err(|error| error.to_string())
            } else {
                browse(&url).await
            };
            if let Err(problem) = opened {
                desktop.say("The page was not opened", &problem);
            }
        });
    }

    /// Asks a question that is answered with yes or no.
    pub(crate) async fn confirm(&self, title: &str, text: &str) -> bool {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.app()
            .dialog()
            .message(text)
            .title(title)
            .kind(MessageDialogKind::Warning)
            .buttons(MessageDialogButtons::OkCancelCustom("Open".to_owned(), "Cancel".to_owned()))
            .show(move |yes| _ = answer.send(yes));
        answered.await.unwrap_or(false)
    }

    /// Says something that a person has to know.
    pub(crate) fn say(&self, title: &str, text: &str) {
        tracing::warn!("{title}: {text}");
        self.app()
            .dialog()
            .message(text)
            .title(title)
            .kind(MessageDialogKind::Warning)
            .show(|_| {});
    }

    /// Asks where to save a file.
    pub(crate) async fn ask_where(&self, folder: &std::path::Path, name: &str) -> Option<PathBuf> {
        let (answer, answered) = tokio::sync::oneshot::channel();
        self.app()
            .dialog()
            .file()
            .set_title("Save the file")
            .set_directory(folder)
            .set_file_name(name)
            .save_file(move |path| _ = answer.send(path));
        answered.await.ok().flatten()?.into_path().ok()
    }

    /// Returns the folder for files that pages give.
    pub(crate) fn downloads(&self) -> PathBuf {
        self.downloads.clone().unwrap_or_else(|| self.data_dir.join("desktop").join("downloads"))
    }

    /// Notes which document a window shows now. A page can write another address over its own, so what it
    /// says later does not count.
    pub(crate) fn shows(&self, label: &str, path: &str) {
        if label == files::LABEL {
            self.files.shows(path);
            // Sessions belong to the page that started them.
            self.compute.end();
        }
        let mut documents = self.documents.lock().unwrap_or_else(PoisonError::into_inner);
        documents.insert(label.to_owned(), path.to_owned());
    }

    /// Returns the path of the document that a window shows.
    pub(crate) fn shown(&self, label: &str) -> Option<String> {
        self.documents.lock().unwrap_or_else(PoisonError::into_inner).get(label).cloned()
    }

    /// Notes that the system lacks something, for the page for diagnostics.
    pub(crate) fn lack(&self, what: &'static str, why: String) {
        self.traces.tell(Event::Lacking { what, why: &why });
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner);
        lacks.retain(|(known, _)| *known != what);
        lacks.push((what, why));
    }

    /// Notes that the system has by now what it lacked.
    pub(crate) fn lacks_no_more(&self, what: &str) {
        self.lacks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|(known, _)| *known != what);
    }

    /// Returns what the system lacks.
    pub(crate) fn lacks(&self) -> Vec<(&'static str, String)> {
        let mut lacks = self.lacks.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if !self.preview.is_there() {
            let why = "oriel-preview is not here; links open in the system's browser".to_owned();
            lacks.push(("Preview", why));
        }
        lacks
    }

    /// Returns what is known of the desktop, for people: name, value, and whether that is for machines.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String, bool)> {
        let mut facts = vec![
            ("Version", env!("CARGO_PKG_VERSION").to_owned(), true),
            ("Mode", self.settings.mode.as_str().to_owned(), true),
            ("Data directory", self.data_dir.display().to_string(), true),
            ("Process", std::process::id().to_string(), true),
        ];
        match self.services.standing() {
            Standing::Starting { step } => facts.push(("Services", step.to_owned(), false)),
            Standing::Up(up) => {
                let whose = if up.is_own { "of this process" } else { "of another process" };
                facts.push(("Services", format!("up, {whose}, process {}", up.pid), false));
                facts.push(("Daemon", up.base_url.clone(), true));
                facts.push(("Console", up.console.to_string(), true));
            }
            Standing::Failed(_) => facts.push(("Services", "not up".to_owned(), false)),
            Standing::Stopped => facts.push(("Services", "stopped".to_owned(), false)),
        }
        facts.extend(
            self.files.steps.says().into_iter().map(|says| ("Files went slower", says, false)),
        );
        facts.push((
            "Engine",
            tauri::webview_version().unwrap_or_else(|error| error.to_string()),
            true,
        ));
        facts
    }

    /// Brings a window to the front: the workbench where that is the place, else the console, at the place
    /// if there is one.
    pub(crate) fn open_place(self: &Arc<Self>, place: Option<&str>) {
        let path = |place: &str| place.split('?').next().is_some_and(policy::is_workbench);
        match place.filter(|place| path(place)) {
            Some(place) => {
                // Its page asks for no service, and a person who goes on to the console finds it up.
                self.services.begin();
                windows::open_workbench(self, place);
            }
            None => windows::open_console(self, place),
        }
    }

    /// Ends the desktop: what is ours of the services stops first.
    pub(crate) fn quit(self: &Arc<Self>) {
        if self.ends.swap(true, std::sync::atomic::Ordering::SeqCst) {
            return;
        }
        let desktop = Arc::clone(self);
        tauri::async_runtime::spawn(async move {
            desktop.preview.close();
            desktop.positions.write();
            let files = Arc::clone(&desktop);
            if tokio::task::spawn_blocking(move || files.files.shutdown()).await.is_err() {
                tracing::error!("what pages wrote last may not be in their files");
            }
            desktop.compute.shutdown().await;
            if tokio::time::timeout(STOP_WITHIN, desktop.services.stop()).await.is_err() {
                tracing::error!("the services did not stop within {} s", STOP_WITHIN.as_secs());
            }
            desktop.traces.tell(Event::Ended);
            desktop.traces.flush().await;
            desktop.app().exit(0);
        });
    }
}

/// What takes longer to end is cut off; every answered event is on disk by then.
const STOP_WITHIN: std::time::Duration = std::time::Duration::from_secs(15);

/// Opens an address with whatever the system has for it.
async fn browse(url: &str) -> Result<(), String> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let ended = tokio::process::Command::new(opener)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .await;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{opener} could not open it ({status})")),
        Err(error) => Err(format!("{opener} cannot be run: {error}")),
    }
}
