//! Files that hold secrets, told by their names.

/// Returns what a file is likely to hold that others must not see.
#[must_use]
pub fn sensitive(path: &str) -> Option<&'static str> {
    let path = path.trim().replace('\\', "/").to_ascii_lowercase();
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty() && *part != ".");
    let (name, folder) = (parts.next()?, parts.next().unwrap_or_default());
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    let begins = |beginnings: &[&str]| beginnings.iter().any(|text| name.starts_with(text));
    if ends(&[".pub", ".example", ".sample", ".template", ".dist"]) {
        return None;
    }
    match (folder, name) {
        (".aws", "credentials") => Some("keys of a cloud account"),
        (".ssh", _)
            if !begins(&["known_hosts", "config", "authorized_keys", "environment", "rc"]) =>
        {
            Some("a private key")
        }
        _ if begins(&["id_rsa", "id_ed25519", "id_ecdsa", "id_dsa"]) => Some("a private key"),
        _ if ends(&[".pem", ".key"]) => Some("a key or certificate"),
        _ if ends(&[".env"]) || begins(&[".env."]) => Some("settings with secrets"),
        _ if begins(&[".credentials", ".git-credentials"]) || ends(&[".credentials"]) => {
            Some("credentials")
        }
        _ if ends(&[".secret"]) => Some("a secret"),
        (_, ".netrc" | "_netrc") => Some("names and passwords of servers"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_secrets_are_told_from_others() {
        for path in [
            ".env",
            "/app/.env",
            "/app/.env.local",
            "prod.env",
            "./.env.production",
            "C:\\app\\.env",
            "cert.pem",
            "/etc/ssl/server.key",
            "/home/ada/.ssh/id_rsa",
            "id_ed25519",
            "~/.netrc",
            "/home/ada/.ssh/work",
            ".credentials.json",
            ".credentials",
            "team.credentials",
            "x.secret",
            "/home/ada/.aws/credentials",
            "/home/ada/.git-credentials",
            "SERVER.KEY",
        ] {
            assert!(sensitive(path).is_some(), "{path}");
        }
        for path in [
            "",
            "/",
            ".env.example",
            ".env.sample",
            "environment.ts",
            "src/env.rs",
            ".envrc",
            "id_rsa.pub",
            "/home/ada/.ssh/known_hosts",
            "/home/ada/.ssh/config",
            "keys.rs",
            "credentials.rs",
            "secret.md",
            "monkey",
            "/home/ada/.aws/config",
            "pem.txt",
        ] {
            assert_eq!(sensitive(path), None, "{path}");
        }
    }
}
