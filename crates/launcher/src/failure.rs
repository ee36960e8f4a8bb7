//! The ways in which Oriel's processes fail each other, told apart before anything is shown.
//!
//! What keeps a process from starting, from being reached and from being ready are three different
//! things, and each is mended elsewhere.

/// What failed. Each has one word, by which screens and logs know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The daemon could not be started, or nobody can tell whether it runs.
    DaemonLauncherUnreachable,
    /// The daemon runs, and its health cannot be read or its control API not be reached.
    DaemonControlUnreachable,
    /// The console could not be started.
    ConsoleLauncherUnreachable,
    /// The console has not said where it listens.
    ConsoleBindMissing,
    /// The console has said where it listens, and is not reached there.
    ConsoleHttpUnreachable,
    /// Another program listens where the daemon is to listen.
    PortInUse,
    /// The daemon runs and waits for the operator to remove what blocks it.
    LocalReadinessGate,
}

impl Failure {
    /// Every failure.
    pub const ALL: [Self; 7] = [
        Self::DaemonLauncherUnreachable,
        Self::DaemonControlUnreachable,
        Self::ConsoleLauncherUnreachable,
        Self::ConsoleBindMissing,
        Self::ConsoleHttpUnreachable,
        Self::PortInUse,
        Self::LocalReadinessGate,
    ];

    /// Returns the word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DaemonLauncherUnreachable => "daemon-launcher-unreachable",
            Self::DaemonControlUnreachable => "daemon-control-unreachable",
            Self::ConsoleLauncherUnreachable => "console-launcher-unreachable",
            Self::ConsoleBindMissing => "console-bind-missing",
            Self::ConsoleHttpUnreachable => "console-http-unreachable",
            Self::PortInUse => "port-in-use",
            Self::LocalReadinessGate => "local-readiness-gate",
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_a_word_of_its_own() {
        let mut words = Failure::ALL.map(Failure::as_str);
        words.sort_unstable();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{words:?}");
        assert!(words.iter().all(|word| word.bytes().all(|b| b == b'-' || b.is_ascii_lowercase())));
    }
}
