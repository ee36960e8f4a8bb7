//! A message bus that nothing is on but what a test starts.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;

use crate::Home;
use crate::home::create;
use crate::wait::PATIENCE;

/// Lets everyone on it do everything, and starts no service by itself.
const RULES: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=FOLDER</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A bus, which ends with it.
pub(super) struct Bus {
    child: Child,
    address: String,
}

impl Bus {
    /// Starts one with its socket in the home.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub(super) fn start(home: &Home) -> Self {
        let rules = home.path("bus.conf");
        let text = RULES.replace("FOLDER", &home.path("").display().to_string());
        std::fs::write(&rules, text).expect("the home is ours");
        let mut command = Command::new("dbus-daemon");
        command.arg("--config-file").arg(&rules).args(["--print-address=1", "--nofork"]);
        command.arg("--nopidfile").env_clear().stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(create(&home.scratch("bus-log")));
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!(
                "there is no bus, since `dbus-daemon` cannot be started ({error}); run \
                 `cargo xtask test`, which installs it"
            ),
        };
        let stdout = child.stdout.take().expect("its output is a pipe");
        // From here on a panic ends the process.
        let mut bus = Self { child, address: String::new() };
        bus.address = first_line(stdout, "the bus to say its address");
        bus
    }

    pub(super) fn address(&self) -> &str {
        &self.address
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// Reads what a program says first.
pub(super) fn first_line(output: impl Read + Send + 'static, what: &str) -> String {
    let (said, line) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let mut output = BufReader::new(output);
        if output.read_line(&mut line).is_ok() && !line.trim().is_empty() {
            // Whoever waited in vain is gone.
            _ = said.send(line.trim().to_owned());
        }
    });
    match line.recv_timeout(PATIENCE) {
        Ok(line) => line,
        Err(_) => panic!("waited {} s for {what}", PATIENCE.as_secs()),
    }
}
