//! One script, from its beginning to its end.

use std::io::{IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use oriel_daemon::Surroundings;
use oriel_wire::compute::{SCRIPT_BYTES_MAX, Source};

use super::follow::{View, follow};
use super::lines::Lines;
use super::signals::Signals;
use super::start;
use crate::Exit;
use crate::args::ComputeRun;
use crate::commands::wait;
use crate::output::Output;

/// Runs a script.
pub(super) fn run(
    form: &ComputeRun,
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let (workspace, source) = choose(form, &surroundings.folders.working)?;
    wait(async {
        let mut signals = Signals::listen()?;
        let mut started = start(workspace, &form.place, surroundings)?;
        let is_terminal = std::io::stdout().is_terminal();
        let mut view = View { output, is_json: form.json, is_terminal, goes_on: false };
        let mut lines = Lines::new();
        let exit = follow(&mut started, source, &mut view, &mut lines, &mut signals).await;
        started.session.stop().await;
        exit
    })
}

/// Which folder a script may use, and which script it is.
fn choose(form: &ComputeRun, working: &Path) -> anyhow::Result<(PathBuf, Source)> {
    let named = form.place.workspace.as_ref().map(|folder| working.join(folder));
    if form.script == Path::new("-") {
        let text = text_of(std::io::stdin().lock())?;
        let name = Some("<stdin>".to_owned());
        return Ok((named.unwrap_or(working.to_owned()), Source::Text { name, text }));
    }
    let real = |path: &Path| {
        path.canonicalize().with_context(|| format!("cannot find {}", path.display()))
    };
    let script = real(&working.join(&form.script))?;
    if !script.is_file() {
        bail!("{} is no file; name a script, or give its text to `-`", script.display());
    }
    let workspace = real(&named.unwrap_or(working.to_owned()))?;
    let workspace = match script.strip_prefix(&workspace) {
        Err(_) if form.place.workspace.is_some() => {
            bail!("{} does not lie in {}", script.display(), workspace.display())
        }
        Err(_) => script.parent().unwrap_or(&workspace).to_owned(),
        Ok(_) => workspace,
    };
    let path = script.strip_prefix(&workspace).context("the script lies in its workspace")?;
    let path = path.to_str().context("the script's path is no text; give it another name")?;
    Ok((workspace.clone(), Source::File { path: path.to_owned() }))
}

/// Reads the text of a script.
fn text_of(from: impl Read) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let at_most = SCRIPT_BYTES_MAX as u64;
    from.take(at_most + 1).read_to_end(&mut bytes).context("cannot read the script")?;
    if SCRIPT_BYTES_MAX < bytes.len() {
        bail!("a script of more than {at_most} bytes is run as a file; save it and name the file");
    }
    String::from_utf8(bytes).ok().context("the script is no text; save it as UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_from_a_pipe_is_text_and_not_endless() {
        assert_eq!(text_of(&b"x = 1"[..]).unwrap(), "x = 1");
        let endless = text_of(std::io::repeat(b'x')).unwrap_err().to_string();
        assert!(endless.contains("save it and name the file"), "{endless}");
        assert!(text_of(&b"\xff\xfe"[..]).unwrap_err().to_string().contains("UTF-8"));
    }
}
