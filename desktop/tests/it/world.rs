//! A desktop session for one test: a screen that nobody sees, a bus of its own, and folders that vanish.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use oriel_launcher::daemon::{self, Peer, Reached};

/// The machine may be busy with much else.
const WITHIN: Duration = Duration::from_secs(60);

/// A session. What was started in it ends with it.
pub(crate) struct World {
    folder: tempfile::TempDir,
    pub(crate) display: String,
    pub(crate) bus: String,
    _screen: Ends,
    _bus: Ends,
}

/// A process that ends with its test.
pub(crate) struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        // It may have ended by itself.
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

impl Ends {
    /// Returns whether it runs still.
    pub(crate) fn runs(&mut self) -> bool {
        self.0.try_wait().expect("a process can be asked after").is_none()
    }
}

impl World {
    /// Starts one; nothing where the system has no programs for that.
    pub(crate) fn start() -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["home", "run", "tmp"] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).expect("a folder");
            let mode = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(&path, mode).expect("a mode");
        }
        // No program of the machine's own may be started by the bus.
        let config = folder.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><listen>unix:dir={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            folder.path().join("run").display()
        );
        std::fs::write(&config, text).expect("a file");
        let mut xvfb = Command::new("Xvfb");
        xvfb.args(["-displayfd", "1", "-screen", "0", "1280x900x24", "-nolisten", "tcp"]);
        let mut dbus = Command::new("dbus-daemon");
        dbus.args(["--nofork", "--print-address=1"])
            .arg(format!("--config-file={}", config.display()));
        let ((screen, display), (daemon, bus)) = (said(&mut xvfb)?, said(&mut dbus)?);
        Some(Self { folder, display: format!(":{display}"), bus, _screen: screen, _bus: daemon })
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Starts the desktop, without a window unless these arguments say otherwise.
    pub(crate) fn desktop(&self, args: &[&str]) -> Ends {
        let within = |name: &str| self.folder.path().join(name);
        let child = Command::new(env!("CARGO_BIN_EXE_oriel-desktop"))
            .args(["--data-dir", path(&self.data_dir()), "--port", "0"])
            .args(["--set", "import.auto=false"])
            .args(args)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("HOME", within("home"))
            .env("TMPDIR", within("tmp"))
            .env("XDG_RUNTIME_DIR", within("run"))
            .env("DISPLAY", &self.display)
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            // Of two tests at once only one could have the usual port.
            .env("ORIEL_GATEWAY_PORT", "0")
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the desktop starts");
        Ends(child)
    }

    /// Waits for the desktop's daemon.
    pub(crate) async fn runtime(&self) -> Peer {
        eventually("the daemon answers", async || match daemon::find(&self.data_dir()).await {
            Ok(Reached::Live(live)) => Some(live.peer),
            _ => None,
        })
        .await
    }

    /// Returns the titles of the windows that can be seen.
    pub(crate) fn windows(&self) -> Vec<String> {
        let found = Command::new("xdotool")
            .args(["search", "--onlyvisible", "--name", ".", "getwindowname", "%@"])
            .env("DISPLAY", &self.display)
            .output()
            .expect("xdotool runs");
        String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
    }

    /// Presses keys in the window.
    pub(crate) fn press(&self, keys: &str) {
        // It says that it failed where the window is gone before the keys are released.
        _ = Command::new("xdotool")
            .args(["search", "--onlyvisible", "--name", "Oriel", "windowfocus", "key", keys])
            .env("DISPLAY", &self.display)
            .status()
            .expect("xdotool runs");
    }

    /// Returns what the desktop told of itself.
    pub(crate) fn log(&self) -> String {
        let path = self.data_dir().join("desktop/control/desktop.log");
        std::fs::read_to_string(path).unwrap_or_default()
    }
}

/// Starts a program and returns the first line that it says.
fn said(command: &mut Command) -> Option<(Ends, String)> {
    let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = started.ok()?;
    let stdout = child.stdout.take().expect("it is piped");
    let ends = Ends(child);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).ok()?;
    let line = line.trim().to_owned();
    (!line.is_empty()).then_some((ends, line))
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a folder of a test has a plain name")
}

/// Waits until there is something.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let until = Instant::now() + WITHIN;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < until, "not within {} s: {what}", WITHIN.as_secs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
