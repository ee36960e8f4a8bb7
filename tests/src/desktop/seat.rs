//! What a person sits at: a display, a bus and a home, which several starts may share.

use std::os::unix::fs::DirBuilderExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::bus::Bus;
use super::{Display, Files, Options};
use crate::{Home, program};

/// Folders that programs look for, and where they are in the home.
const FOLDERS: [(&str, &str); 6] = [
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_DATA_HOME", "share"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_RUNTIME_DIR", "run"),
    ("TMPDIR", "tmp"),
];

/// The folder for what is downloaded, in the home.
const DOWNLOADS: &str = "Downloads";

/// A place for one person.
#[derive(Clone)]
pub struct Seat(Arc<Parts>);

struct Parts {
    display: Display,
    bus: Bus,
    home: Home,
}

impl Default for Seat {
    fn default() -> Self {
        Self::of(&Home::new())
    }
}

impl Seat {
    /// Makes one with a home of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes one with this home.
    ///
    /// # Panics
    /// Where there is no display or no bus.
    #[must_use]
    pub fn of(home: &Home) -> Self {
        for name in FOLDERS.iter().map(|(_, name)| *name).chain([DOWNLOADS]) {
            let made =
                std::fs::DirBuilder::new().recursive(true).mode(0o700).create(home.path(name));
            made.expect("the home is ours");
        }
        let folders = format!("XDG_DOWNLOAD_DIR=\"$HOME/{DOWNLOADS}\"\n");
        std::fs::write(home.path("config/user-dirs.dirs"), folders).expect("the home is ours");
        let parts =
            Parts { display: Display::start(home), bus: Bus::start(home), home: home.clone() };
        Self(Arc::new(parts))
    }

    /// Returns its display.
    #[must_use]
    pub fn display(&self) -> &Display {
        &self.0.display
    }

    /// Returns its home.
    #[must_use]
    pub fn home(&self) -> &Home {
        &self.0.home
    }

    /// Returns what a desktop writes there.
    #[must_use]
    pub fn files(&self) -> Files {
        Files::of(self.home())
    }

    /// Returns the names of the files that were downloaded.
    ///
    /// # Panics
    /// Where the folder is gone.
    #[must_use]
    pub fn downloads(&self) -> Vec<String> {
        let folder = std::fs::read_dir(self.home().path(DOWNLOADS)).expect("the folder is there");
        let mut names: Vec<String> =
            folder.flatten().map(|one| one.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }

    /// Returns what a downloaded file holds.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn download(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.home().path(DOWNLOADS).join(name)).expect("the file was downloaded")
    }

    /// Makes a file where downloads go, as a person has one there.
    ///
    /// # Panics
    /// Where it cannot be made.
    pub fn has_download(&self, name: &str, text: &str) {
        std::fs::write(self.home().path(DOWNLOADS).join(name), text).expect("the home is ours");
    }

    /// Returns the command that starts a desktop here.
    pub(super) fn command(&self, options: &Options) -> Command {
        let mut command = Command::new(program::desktop());
        command.args(self.arguments(options));
        self.dress(&mut command, options);
        command
    }

    pub(super) fn arguments(&self, options: &Options) -> Vec<String> {
        options.arguments(&self.home().data_dir().display().to_string())
    }

    /// Gives a program the surroundings of this place and nothing of whoever runs the tests.
    pub(super) fn dress(&self, command: &mut Command, options: &Options) {
        command.env_clear().current_dir(self.home().path("")).stdin(Stdio::null());
        command.env("HOME", self.home().path("")).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        command.env("LANG", "C.UTF-8").env("USER", "operator");
        // Of two tests at once only one could have the usual port.
        command.env("ORIEL_GATEWAY_PORT", "0");
        command.envs(FOLDERS.map(|(name, folder)| (name, self.home().path(folder))));
        command.env("XDG_DOWNLOAD_DIR", self.home().path(DOWNLOADS));
        command.env("DISPLAY", self.display().name()).env("GDK_BACKEND", "x11");
        command.env("DBUS_SESSION_BUS_ADDRESS", self.0.bus.address());
        // Nobody reads the window aloud, and there is no graphics card to draw it.
        command.env("NO_AT_BRIDGE", "1").env("LIBGL_ALWAYS_SOFTWARE", "1");
        command.env("WEBKIT_DISABLE_COMPOSITING_MODE", "1");
        command.env("GSETTINGS_BACKEND", "memory");
        command.envs(options.variables());
    }
}
