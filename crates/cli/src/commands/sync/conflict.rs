//! `oriel sync resolve`: a conflict is shown with what each side changed, or it is ended.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context as _;
use oriel_wire::sync::{
    Conflict, ConflictTexts, Digest, RelPath, Resolution, ResolveConflict, SyncStatus,
    TEXT_BYTES_MAX, Version, VersionText,
};
use similar::TextDiff;

use super::reach::Daemon;
use super::{one_of, say, shown};
use crate::Exit;
use crate::address::{Address, encode};
use crate::args::{Side, SyncResolve};
use crate::output::{Output, Paint, Style};
use crate::text;

/// A difference takes no longer than this to find; what is found then is less exact.
const DIFF_WITHIN: std::time::Duration = std::time::Duration::from_secs(2);

/// Shows a conflict or ends it.
pub(super) async fn run(
    daemon: &Daemon,
    asked: &SyncResolve,
    working: &Path,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let has_conflict = |status: &SyncStatus| !status.conflicts.is_empty();
    let status = one_of(daemon, asked.session.as_deref(), has_conflict).await?;
    let path = path_in(&status, &asked.path, working)?;
    let resolution = match (asked.keep, &asked.merged) {
        (Some(Side::Local), _) => Some((Resolution::Local, None)),
        (Some(Side::Upstream), _) => Some((Resolution::Upstream, None)),
        (None, Some(file)) => Some((Resolution::Merged, Some(read(file, working)?))),
        (None, None) => None,
    };
    let place = format!("/control/sync/{}/conflict", encode(&status.session_id));
    let address = Address::new(&place).with("path", Some(path.as_str()));
    let texts: ConflictTexts = daemon.get(address.as_str()).await?;
    let seen = seen(&texts.conflict);
    if let Some(word) = &asked.seen
        && *word != seen
    {
        anyhow::bail!(
            "one of the versions of {path} is another since {word} was shown; look at it again with \
             `oriel sync resolve`"
        );
    }
    let Some((resolution, content)) = resolution else {
        if asked.form.json {
            output.json(&texts)?;
        } else {
            output.print(&as_text(&texts, &status.session_id, &seen, output.paint()))?;
        }
        return Ok(Exit::Done);
    };
    let digest = |version: &Option<Version>| version.as_ref().map(|version| version.digest);
    let command = ResolveConflict {
        session_id: status.session_id,
        path,
        resolution,
        content,
        expect_local: digest(&texts.conflict.local),
        expect_remote: digest(&texts.conflict.upstream),
    };
    let status: SyncStatus = daemon.post("/control/sync/resolve", &command).await?;
    say(&status, asked.form, output, || match resolution {
        Resolution::Local => format!("{} is the local version on both sides\n", command.path),
        Resolution::Upstream => format!(
            "{} is the version from upstream on both sides; the local one is kept for a day\n",
            command.path
        ),
        Resolution::Merged => format!("{} is your text on both sides\n", command.path),
    })
}

/// Returns the path that is meant: one in conflict that is called so, else what lies there in the folder.
fn path_in(status: &SyncStatus, asked: &str, working: &Path) -> anyhow::Result<RelPath> {
    let known = status.conflicts.iter().find(|conflict| conflict.path.as_str() == asked);
    if let Some(conflict) = known {
        return Ok(conflict.path.clone());
    }
    let whole = std::path::absolute(working.join(asked))?;
    let path = match whole.strip_prefix(&status.local_dir) {
        Ok(inside) => inside.to_str().context("the path is not valid UTF-8")?.to_owned(),
        Err(_) => asked.to_owned(),
    };
    RelPath::parse(&path).with_context(|| format!("{asked:?} is no path in {}", status.local_dir))
}

/// Reads the text that somebody made of both.
fn read(file: &Path, working: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let most = TEXT_BYTES_MAX as u64 + 1;
    let cannot = || format!("cannot read the text from {}", file.display());
    if file == Path::new("-") {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes).with_context(cannot)?;
    } else {
        let file = std::fs::File::open(working.join(file)).with_context(cannot)?;
        file.take(most).read_to_end(&mut bytes).with_context(cannot)?;
    }
    anyhow::ensure!(
        bytes.len() <= TEXT_BYTES_MAX,
        "the text is longer than {TEXT_BYTES_MAX} bytes; put the file in its place and keep the local \
         version"
    );
    String::from_utf8(bytes).map_err(|_| {
        anyhow::anyhow!(
            "the text is not valid UTF-8; put the file in its place and keep the local version"
        )
    })
}

/// Returns a word for both versions, which is another as soon as one of them is.
fn seen(conflict: &Conflict) -> String {
    let part = |version: &Option<Version>| match version {
        Some(Version { digest: Digest([a, b, c, d, ..]), .. }) => {
            format!("{a:02x}{b:02x}{c:02x}{d:02x}")
        }
        None => "none".to_owned(),
    };
    format!("{}-{}", part(&conflict.local), part(&conflict.upstream))
}

fn as_text(texts: &ConflictTexts, session: &str, seen: &str, paint: Paint) -> String {
    let path = texts.conflict.path.as_str();
    let mut text = format!(
        "{}: {}\n",
        paint.apply(Style::Strong, &text::clean(path)),
        shown::kind(texts.conflict.kind)
    );
    // Where both made it there is nothing to compare them with but each other.
    if as_lines(&texts.base).is_none()
        && let (Some(_), Some(_)) = (as_lines(&texts.local), as_lines(&texts.upstream))
    {
        text += &changed("from here to upstream", &texts.local, &texts.upstream, paint);
    } else {
        for (side, version) in [("here", &texts.local), ("upstream", &texts.upstream)] {
            text += &changed(side, &texts.base, version, paint);
        }
    }
    let common = format!(
        "oriel sync resolve {} --session {} --seen {seen}",
        quoted(&text::clean(path)),
        quoted(&text::clean(session))
    );
    _ = writeln!(text, "\n{common} --keep local\n{common} --keep upstream");
    if let Some(merged) = &texts.merged {
        let found = match merged.conflicts {
            0 => "they do not touch each other".to_owned(),
            1 => "they touch each other in 1 place".to_owned(),
            many => format!("they touch each other in {many} places"),
        };
        _ = writeln!(text, "{common} --merged FILE\nboth changes in one text: {found}");
    }
    text
}

/// Says what one side did to what both had.
fn changed(side: &str, base: &VersionText, now: &VersionText, paint: Paint) -> String {
    let (old, new) = match (as_lines(base), as_lines(now)) {
        (Some(old), Some(new)) => (old, new),
        _ => return format!("\n{side}: {}\n", in_words(now)),
    };
    if old == new {
        return format!("\n{side}: it is as it was\n");
    }
    let diff = TextDiff::configure().timeout(DIFF_WITHIN).diff_lines(old, new);
    let mut text = format!("\n{side}:\n");
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        for line in hunk.to_string().lines() {
            let style = match line.as_bytes().first() {
                Some(b'+') => Style::Good,
                Some(b'-') => Style::Bad,
                Some(b'@') => Style::Faint,
                _ => Style::Plain,
            };
            _ = writeln!(text, "{}", paint.apply(style, &text::plain(line)));
        }
    }
    text
}

/// Returns a version as lines, where nothing is no line.
fn as_lines(version: &VersionText) -> Option<&str> {
    match version {
        VersionText::Text { text } => Some(text),
        _ => None,
    }
}

fn in_words(version: &VersionText) -> String {
    match version {
        VersionText::Absent => "it is not there".to_owned(),
        VersionText::Folder => "it is a folder".to_owned(),
        VersionText::Link { target } => format!("it is a link to {}", text::clean(target)),
        VersionText::Text { text } => text::plain(text),
        VersionText::NoText => "it is no text, or too long to be shown".to_owned(),
        VersionText::NotHere => "its content is not on this machine yet".to_owned(),
    }
}

/// Returns a word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
