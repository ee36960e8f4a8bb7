//! How a desktop is to be started.

/// The arguments and variables of a start, on top of those that every test needs.
#[derive(Debug, Clone, Default)]
pub struct Options {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    place: Option<String>,
    pub(super) program: Option<std::path::PathBuf>,
}

impl Options {
    /// Begins with a daemon within the desktop, on a free port.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows a daemon that runs already.
    #[must_use]
    pub fn attach() -> Self {
        Self::default().flag("--mode", "attach")
    }

    /// Starts and stops a daemon beside it.
    #[must_use]
    pub fn supervise() -> Self {
        // The console of a daemon beside it has a port too.
        Self::default().flag("--mode", "supervise-local").flag("--console-port", "0")
    }

    /// Adds a flag with its value.
    #[must_use]
    pub fn flag(mut self, name: &str, value: &str) -> Self {
        self.arguments.extend([name.to_owned(), value.to_owned()]);
        self
    }

    /// Adds a flag that has no value.
    #[must_use]
    pub fn bare_flag(mut self, name: &str) -> Self {
        self.arguments.push(name.to_owned());
        self
    }

    /// Gives a setting a value.
    #[must_use]
    pub fn set(self, key: &str, value: &str) -> Self {
        self.flag("--set", &format!("{key}={value}"))
    }

    /// Adds a variable to the environment, in place of one of its name.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts another program than the desktop, to compare it with.
    #[must_use]
    pub fn program(mut self, path: &std::path::Path) -> Self {
        self.program = Some(path.to_owned());
        self
    }

    /// Opens this place.
    #[must_use]
    pub fn place(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = (&String, &String)> {
        self.variables.iter().map(|(name, value)| (name, value))
    }

    /// Returns the whole command line after the program.
    pub(super) fn arguments(&self, data_dir: &str) -> Vec<String> {
        let mut all = Vec::new();
        let mut unless_given = |name: &str, value: &str| {
            if !self.arguments.iter().any(|given| given == name) {
                all.extend([name.to_owned(), value.to_owned()]);
            }
        };
        unless_given("--data-dir", data_dir);
        unless_given("--port", "0");
        all.extend(self.arguments.iter().cloned());
        all.extend(self.place.iter().cloned());
        all
    }
}
