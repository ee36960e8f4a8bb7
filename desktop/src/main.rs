//! The desktop: windows, tray and notifications around the services. It shows surfaces and owns windows;
//! what the services decide it does not decide again.

mod args;
mod bus;
mod client;
mod close;
mod commands;
mod compute;
mod desktop;
mod downloads;
mod files;
mod host;
mod instance;
mod menu;
mod notify;
mod pages;
mod place;
mod positions;
mod preview;
mod pulse;
mod scheme;
mod services;
#[cfg(feature = "local-sync")]
mod sync;
mod trace;
mod tray;
mod windows;
mod words;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use anyhow::Context as _;
use clap::Parser as _;
use oriel_bridge::{Bridge, Limits};
use oriel_daemon::{Surroundings, rfc3339, start_logs};
use oriel_hostfs::Grants;
use oriel_runtime::settings::DesktopMode;
use tauri::ipc::Invoke;
use tauri::{Manager as _, RunEvent, WindowEvent, Wry};
use tokio::signal::unix::{Signal, SignalKind, signal};

use args::Args;
use compute::Compute;
use desktop::{Desktop, Parts};
use files::Files;
use host::BridgeHost;
use instance::{Handover, Instance, Start};
use preview::Preview;
use services::{Plan, Services};
use trace::{Event, Traces};

/// For requests of pages and of hooks; the engine and the windows have threads of their own.
const WORKERS: usize = 4;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With standard error closed there is nobody left to tell.
            _ = writeln!(std::io::stderr(), "oriel-desktop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let program = beside("oriel");
    let told = program.as_ref().and_then(|path| path.to_str().map(str::to_owned));
    let mut surroundings = Surroundings::of_this_process(false, told)?;
    let flags = args.flags(&mut surroundings.environment);
    let resolved = surroundings.resolve(&flags)?;
    let data_dir = resolved.config.data_dir.clone();
    let place = match &args.place {
        Some(text) => Some(place::of(text).with_context(|| {
            format!(
                "{text:?} is no place; name a page of the console, as /sessions or oriel:sessions"
            )
        })?),
        None => None,
    };
    // What is ours is private, whoever of us makes it; what pages and scripts make is the user's.
    let umask = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077)).as_raw_mode();
    let instance = match Instance::take(&data_dir, &Handover { place: place.clone() })? {
        Start::First(instance) => instance,
        Start::HandedOver => return Ok(()),
    };
    require_display()?;
    let is_embedded = resolved.desktop.mode == DesktopMode::Embedded;
    // A daemon of another process has the data directory's own logs.
    let logs = if is_embedded { data_dir.clone() } else { data_dir.join("desktop") };
    let is_watched = std::io::IsTerminal::is_terminal(&std::io::stderr()).then_some(true);
    let _written_at_the_end = start_logs(&logs, resolved.log, is_watched)?;
    for warning in &resolved.warnings {
        tracing::warn!("{warning}");
    }

    let workers =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    let _entered = workers.enter();
    tauri::async_runtime::set(workers.handle().clone());
    let signals = Signals::listen().context("cannot listen for signals")?;

    let clock = surroundings.clock.clone();
    let now = clock.clone();
    let traces = Traces::open(&data_dir, move || rfc3339(now.now()));
    traces.tell(Event::Started { mode: resolved.desktop.mode.as_str() });
    let downloads = downloads(&surroundings);
    let home = surroundings.folders.home.clone();
    let environment = surroundings.environment.clone();
    let settings = resolved.desktop;
    let services = Services::start(Plan {
        mode: settings.mode,
        data_dir: data_dir.clone(),
        environment: environment.clone(),
        flags: flags.clone(),
        program,
        traces: traces.clone(),
        settings: Box::new(move || {
            let mut resolved = surroundings.resolve(&flags)?;
            resolved.config.setup.umask = Some(umask);
            Ok(resolved)
        }),
    });
    let (told, hears) = std::sync::mpsc::channel();
    let preview = Preview::new(
        beside("oriel-preview"),
        args.preview_resolve.clone(),
        &environment,
        traces.clone(),
        // Whoever does not hear any more is on the way out.
        Arc::new(move |shown| _ = told.send(shown)),
    );
    let (grants, no_grants) = grants(&data_dir, home, &environment);
    let sessions = data_dir.join("desktop").join("compute");
    let compute = Compute::new(beside(oriel_launcher::compute::PROGRAM), sessions, Some(umask));
    let parts = Parts {
        services,
        settings,
        traces,
        clock,
        data_dir,
        downloads,
        umask,
        is_compat: args.compat_origin,
        preview,
        files: Files::new(grants.umask(Some(umask))),
        compute,
    };
    let desktop = Arc::new(Desktop::new(parts));
    if let Some(why) = no_grants {
        desktop.lack("Granted folders", why);
    }
    let bridge = Bridge::new(Arc::new(BridgeHost(Arc::downgrade(&desktop))), Limits::default());
    _ = desktop.bridge.set(Arc::new(bridge));
    start(&desktop, instance, signals, hears, place, args.hidden)
}

/// Refuses to start where there is no screen for a window, before anything else was started.
#[cfg(target_os = "linux")]
fn require_display() -> anyhow::Result<()> {
    gtk::init().ok().context(
        "there is no display for a window (DISPLAY, WAYLAND_DISPLAY); start the daemon with \
         `oriel serve`, and open its console in a browser with `oriel open`",
    )
}

#[cfg(not(target_os = "linux"))]
fn require_display() -> anyhow::Result<()> {
    Ok(())
}

/// Runs the application until it ends.
fn start(
    desktop: &Arc<Desktop>,
    instance: Instance,
    signals: Signals,
    hears: std::sync::mpsc::Receiver<preview::Shown>,
    place: Option<String>,
    is_hidden: bool,
) -> anyhow::Result<()> {
    let (asked, setting_up, chosen) =
        (Arc::clone(desktop), Arc::clone(desktop), Arc::clone(desktop));
    let files = Arc::clone(desktop);
    let traces = desktop.traces.clone();
    let app = tauri::Builder::default()
        .plugin(tauri_plugin_dialog::init())
        .manage(Arc::clone(desktop))
        .register_asynchronous_uri_scheme_protocol(
            windows::SCHEME,
            move |context, request, responder| {
                scheme::answer(&asked, context.webview_label(), request, responder);
            },
        )
        .register_asynchronous_uri_scheme_protocol(
            files::SCHEME,
            move |context, request, responder| {
                files::answer(&files, context.webview_label(), request, responder);
            },
        )
        .on_menu_event(move |_, event| menu::chosen(&chosen, event.id().as_ref()))
        .invoke_handler(told_of_fallbacks(
            traces,
            tauri::generate_handler![
                commands::desktop_runtime_status,
                commands::desktop_health,
                commands::preview_open,
                commands::preview_url,
                commands::pick_file,
                commands::notify_test,
                commands::window_new,
                commands::window_zoom,
                commands::window_title_bar,
                commands::retry_start,
                files::commands::files_call,
                files::commands::files_call_text,
                files::commands::files_grant,
                files::commands::files_open_settings,
                files::commands::files_stepped_down,
                compute::commands::compute_start,
                compute::commands::compute_ask,
                compute::commands::compute_interrupt,
                compute::commands::compute_stop,
                #[cfg(feature = "local-sync")]
                sync::commands::start_sync,
                #[cfg(feature = "local-sync")]
                sync::commands::stop_sync,
                #[cfg(feature = "local-sync")]
                sync::commands::sync_status,
                #[cfg(feature = "local-sync")]
                sync::commands::confirm_sync,
                #[cfg(feature = "local-sync")]
                sync::commands::resolve_conflict,
                #[cfg(feature = "local-sync")]
                sync::commands::conflict_versions,
            ],
        ))
        .setup(move |app| {
            setting_up.belongs_to(app.handle().clone());
            setting_up.tray.make(&setting_up);
            files::heed_revocations(&setting_up);
            if is_hidden {
                setting_up.stays.store(true, SeqCst);
                setting_up.services.begin();
                tauri::async_runtime::spawn(tray::show_or_open(Arc::clone(&setting_up), place));
            } else {
                setting_up.open_place(place.as_deref());
            }
            let desktop = Arc::clone(&setting_up);
            tauri::async_runtime::spawn(async move { desktop.notifier.look(&desktop).await });
            tauri::async_runtime::spawn(pulse::run(Arc::clone(&setting_up)));
            #[cfg(feature = "local-sync")]
            tauri::async_runtime::spawn(sync::run(Arc::clone(&setting_up)));
            tauri::async_runtime::spawn(tray::run(Arc::clone(&setting_up)));
            tauri::async_runtime::spawn(positions::run(Arc::clone(&setting_up)));
            let desktop = Arc::clone(&setting_up);
            instance.answer(move |handover| {
                // It came from another process, which may have checked nothing.
                let place = handover.place.as_deref().and_then(place::of);
                on_main(&desktop, move |desktop| desktop.open_place(place.as_deref()));
            });
            let desktop = Arc::clone(&setting_up);
            std::thread::spawn(move || {
                for shown in hears {
                    let at = rfc3339(desktop.clock.now());
                    let form = preview::form_of(&preview::handoff(&shown, &at));
                    on_main(&desktop, move |desktop| desktop.open_place(Some(&form)));
                }
            });
            tauri::async_runtime::spawn(signals.end(Arc::clone(&setting_up)));
            Ok(())
        })
        .build(tauri::generate_context!())
        .context("the desktop cannot start; is there a display?")?;
    let desktop = Arc::clone(desktop);
    app.run(move |app, event| match event {
        RunEvent::ExitRequested { api, code: None, .. } => {
            // The last window is gone: what is ours of the services stops in good order first.
            api.prevent_exit();
            if !desktop.stays.load(SeqCst) {
                desktop.quit();
            }
        }
        RunEvent::WindowEvent { label, event, .. } => {
            if matches!(event, WindowEvent::Destroyed) && label == files::LABEL {
                // It is no window of the application's any more.
                desktop.files.end();
                desktop.compute.end();
            }
            let Some(window) = app.get_webview_window(&label) else { return };
            match event {
                WindowEvent::CloseRequested { api, .. } if !close::asked(&desktop, &window) => {
                    api.prevent_close();
                }
                WindowEvent::Moved(_) | WindowEvent::Resized(_) => {
                    desktop.positions.keep_window(&window);
                }
                _ => {}
            }
        }
        _ => {}
    });
    Ok(())
}

/// Has it told when a page's command does not come by the engine's own scheme: something keeps it from
/// that, and the way it comes instead is slower.
fn told_of_fallbacks(
    traces: Traces,
    handler: impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static,
) -> impl Fn(Invoke<Wry>) -> bool + Send + Sync + 'static {
    move |invoke| {
        let message = &invoke.message;
        if !message.headers().contains_key("tauri-callback") {
            let (surface, command) = (message.webview_ref().label(), message.command());
            traces.tell(Event::IpcFallback { surface, command });
        }
        handler(invoke)
    }
}

/// Does something on the thread that windows belong to.
fn on_main(desktop: &Arc<Desktop>, work: impl FnOnce(&Arc<Desktop>) + Send + 'static) {
    let own = Arc::clone(desktop);
    if let Err(error) = desktop.app().run_on_main_thread(move || work(&own)) {
        tracing::debug!(%error, "the application is ending");
    }
}

/// The signals that end the desktop in good order. They are heard from before anything is started, and
/// answered once there is something to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn end(mut self, desktop: Arc<Desktop>) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
        desktop.quit();
    }
}

/// Returns a program of ours: beside this one, else where programs are looked for.
#[expect(clippy::disallowed_methods, reason = "this is where the world is read")]
fn beside(name: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let beside = own.parent()?.join(name);
    if beside.is_file() {
        return Some(beside);
    }
    let paths = std::env::var_os("PATH")?;
    std::env::split_paths(&paths).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Returns what pages were granted. Where that cannot be read nothing is granted, and the reason is
/// returned too.
fn grants(
    data_dir: &std::path::Path,
    home: Option<PathBuf>,
    environment: &std::collections::BTreeMap<String, String>,
) -> (Grants, Option<String>) {
    let data = environment.get("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.filter(|path| path.is_absolute());
    let data = data.or_else(|| Some(home.as_ref()?.join(".local").join("share")));
    match Grants::of_data_dir(data_dir) {
        Ok(grants) => (grants.home(home).trash(data.map(|data| data.join("Trash"))), None),
        Err(error) => (Grants::fixed(Vec::new()), Some(error.to_string())),
    }
}

/// Returns the folder for downloads, as the desktop's user set it.
fn downloads(surroundings: &Surroundings) -> Option<PathBuf> {
    let home = surroundings.folders.home.clone()?;
    if let Some(folder) = surroundings.environment.get("XDG_DOWNLOAD_DIR") {
        let folder = PathBuf::from(folder);
        return folder.is_absolute().then_some(folder);
    }
    let config = surroundings.environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
    let config = config.filter(|path| path.is_absolute()).unwrap_or_else(|| home.join(".config"));
    // A file that is not there or says nothing of downloads leaves the usual folder.
    let text = std::fs::read_to_string(config.join("user-dirs.dirs")).unwrap_or_default();
    let said = text.lines().find_map(|line| {
        let value = line.trim().strip_prefix("XDG_DOWNLOAD_DIR=")?.trim().trim_matches('"');
        Some(match value.strip_prefix("$HOME") {
            Some(rest) => home.join(rest.trim_start_matches('/')),
            None => PathBuf::from(value),
        })
    });
    Some(said.filter(|path| path.is_absolute()).unwrap_or_else(|| home.join("Downloads")))
}
