//! What an agent sees of the gateway's environment: the usual variables of a person's session, and
//! those that it names itself. A key for one agent is not shown to another.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::catalog::Known;

/// Variables that every program needs or expects.
const PASSED_ON: &[&str] = &[
    "ALL_PROXY",
    "CARGO_HOME",
    "COLORTERM",
    "GOPATH",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LC_*",
    "LOGNAME",
    "NODE_EXTRA_CA_CERTS",
    "NO_PROXY",
    "NVM_DIR",
    "PATH",
    "PYENV_ROOT",
    "RUSTUP_HOME",
    "SHELL",
    "SSH_AUTH_SOCK",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TERM",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_*",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];

/// Returns the environment of an agent.
pub(super) fn of(
    known: &Known,
    environment: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let named = known.env_pass.iter().map(String::as_str);
    let patterns: Vec<&str> = PASSED_ON.iter().copied().chain(named).collect();
    let passed = environment.iter().filter(|(name, _)| {
        // What begins so is the gateway's own, among it what opens it.
        !name.starts_with("ORIEL_") && patterns.iter().any(|pattern| fits(pattern, name))
    });
    let mut passed: BTreeMap<String, String> =
        passed.map(|(name, value)| (name.clone(), value.clone())).collect();
    passed.extend(known.env.clone());
    passed
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}

/// Finds a program: an absolute path, or a name on the PATH.
pub(super) fn find(command: &str, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let named = Path::new(command);
    if named.is_absolute() {
        return is_program(named).then(|| named.to_owned());
    }
    // A relative path would mean another program in each folder.
    if command.is_empty() || command.contains('/') {
        return None;
    }
    let path = environment.get("PATH")?;
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    folders.map(|folder| folder.join(command)).find(|it| is_program(it))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Returns a path whose `~` is the person's home. None where there is no home, or where it is not
/// absolute.
pub(super) fn expand(path: &str, environment: &BTreeMap<String, String>) -> Option<PathBuf> {
    let path = match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            let home = environment.get("HOME").filter(|home| !home.is_empty())?;
            Path::new(home).join(rest.trim_start_matches('/'))
        }
        _ => PathBuf::from(path),
    };
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::super::catalog::Catalog;
    use super::*;

    #[test]
    fn an_agent_sees_its_own_keys_and_nobody_elses() {
        let catalog = Catalog::load(Path::new("/nowhere"));
        let all = map(&[
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
            ("ANTHROPIC_API_KEY", "a"),
            ("OPENAI_API_KEY", "o"),
            ("ORIEL_TOKEN", "t"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("LD_PRELOAD", "l"),
        ]);
        let seen = |name: &str| of(&catalog.agents[name], &all).into_keys().collect::<Vec<_>>();
        assert_eq!(seen("claude"), ["ANTHROPIC_API_KEY", "LC_ALL", "PATH"]);
        assert_eq!(seen("codex"), ["INITIAL_AGENT_MODE", "LC_ALL", "OPENAI_API_KEY", "PATH"]);
        assert_eq!(seen("echo"), ["LC_ALL", "PATH"]);
    }

    #[test]
    fn nothing_of_the_gateways_own_is_passed_on_whatever_a_catalogue_says() {
        let catalog = Catalog::load(Path::new("/nowhere"));
        let greedy = Known { env_pass: vec!["*".to_owned()], ..catalog.agents["claude"].clone() };
        let seen = of(&greedy, &map(&[("ORIEL_GATEWAY_TOKEN", "t"), ("A", "b")]));
        assert_eq!(seen.into_keys().collect::<Vec<_>>(), ["A"]);
    }

    #[test]
    fn a_program_is_found_on_the_path_and_never_in_the_folder_at_hand() {
        let path = map(&[("PATH", "relative:/nowhere:/usr/bin:/bin")]);
        assert!(find("sh", &path).unwrap().is_absolute());
        assert!(find("/bin/sh", &path).is_some());
        assert_eq!(find("./sh", &path), None);
        assert_eq!(find("../bin/sh", &path), None);
        assert_eq!(find("", &path), None);
        assert_eq!(find("/etc/passwd", &path), None, "it is no program");
        assert_eq!(find("sh", &map(&[])), None);
    }

    #[test]
    fn a_tilde_is_the_persons_home() {
        let home = map(&[("HOME", "/home/p")]);
        assert_eq!(expand("~/.claude/", &home), Some(PathBuf::from("/home/p/.claude/")));
        assert_eq!(expand("/var/x", &home), Some(PathBuf::from("/var/x")));
        assert_eq!(expand("relative", &home), None);
        assert_eq!(expand("~other/x", &home), None);
        assert_eq!(expand("~/x", &map(&[])), None);
    }

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}
