//! `oriel opinions`: what you think of sessions and other things, signed and kept.

mod verify;

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use oriel_runtime::config::Config;
use oriel_runtime::settings::Flag;
use oriel_wire::{OpinionDetail, OpinionForm, OpinionList, OpinionPreview, OpinionRow};
use serde_json::Value;

use crate::Exit;
use crate::args::{Json, Opinions, OpinionsList, Said};
use crate::output::{Output, Paint, Style};
use crate::query::Query;
use crate::service::Service;
use crate::table::{self, Cell};
use crate::text;
use oriel_daemon::Surroundings;

/// So many opinions are asked for at once.
const PAGE: usize = 500;

/// What begins the id of every record.
const ID_PREFIX: &str = "sha256:";

/// Does one of the things that can be done with opinions.
pub(super) fn run(
    opinions: &Opinions,
    flags: &[Flag],
    surroundings: &Surroundings,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    // Whoever checks records needs nothing of ours, and no setting may keep them from it.
    if let Opinions::Verify { files, form } = opinions {
        return verify::run(files, *form, &surroundings.folders.working, output);
    }
    let config = surroundings.resolve(flags)?.config;
    super::wait(with_service(config, opinions, &surroundings.folders.working, output))
}

async fn with_service(
    config: Config,
    opinions: &Opinions,
    working: &Path,
    output: &mut Output<'_>,
) -> anyhow::Result<Exit> {
    let service = Service::reach(config).await?;
    let done = match opinions {
        Opinions::List(asked) => list(&service, asked, output).await,
        Opinions::Show { id, form } => show(&service, id, *form, output).await,
        Opinions::Compose { kind, id, said } => {
            let about = OpinionForm {
                resource_kind: kind.clone(),
                resource_id: id.clone(),
                ..OpinionForm::default()
            };
            sign(&service, &filled(about, said), said, output).await
        }
        Opinions::Revise { id, said } => revise(&service, id, said, output).await,
        Opinions::Export { output: file } => {
            let file = file.as_ref().map(|file| working.join(file));
            export(&service, file.as_deref(), output).await
        }
        Opinions::Verify { .. } => Ok(()),
    };
    service.close().await;
    done.map(|()| Exit::Done)
}

async fn list(
    service: &Service,
    asked: &OpinionsList,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let path = Query::to("/api/opinions")
        .with("resource_kind", asked.kind.as_ref())
        .with("resource_id", asked.id.as_ref())
        .with("author", asked.author.as_ref())
        .with("q", asked.find.as_ref())
        .with("state", asked.all.then_some("all"))
        .with("limit", Some(asked.limit));
    let page: OpinionList = service.get(path.as_str()).await?;
    if asked.form.json {
        return Ok(output.json(&page)?);
    }
    let rows: Vec<_> = page.opinions.iter().map(row).collect();
    let summary = match page.opinions.len() {
        0 => "there are no opinions\n".to_owned(),
        count if page.next.is_some() => format!("the latest {count} opinions\n"),
        count => format!("{}\n", text::counted(count as i64, "opinion", "opinions")),
    };
    Ok(output.print(&(table::render(&rows, output.paint()) + &summary))?)
}

async fn show(
    service: &Service,
    id: &str,
    form: Json,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let detail = find(service, id).await?;
    if form.json {
        return Ok(output.json(&detail)?);
    }
    Ok(output.print(&told(&detail, output.paint()))?)
}

async fn revise(
    service: &Service,
    id: &str,
    said: &Said,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let OpinionRow { id, resource_kind, resource_id, text, rating, lang, tags, .. } =
        find(service, id).await?.opinion;
    let before = OpinionForm {
        resource_kind,
        resource_id,
        text,
        rating: rating.map(|rating| rating.to_string()),
        lang,
        tags: Some(tags),
        supersedes: Some(id),
    };
    sign(service, &filled(before, said), said, output).await
}

/// Puts what is said now in the place of what was.
fn filled(before: OpinionForm, said: &Said) -> OpinionForm {
    OpinionForm {
        text: said.text.clone().or(before.text),
        rating: said.rating.clone().or(before.rating),
        lang: said.lang.clone().or(before.lang),
        tags: if said.tags.is_empty() { before.tags } else { Some(said.tags.clone()) },
        ..before
    }
}

async fn sign(
    service: &Service,
    opinion: &OpinionForm,
    said: &Said,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    if said.preview {
        let preview: OpinionPreview = service.post("/control/opinions/preview", opinion).await?;
        return Ok(output.json(&preview)?);
    }
    let record: Value = service.post("/control/opinions", opinion).await?;
    if said.form.json {
        return Ok(output.json(&record)?);
    }
    let id = text::clean(record["record/id"].as_str().unwrap_or_default());
    Ok(output.print(&format!("signed and kept as {id}\n"))?)
}

/// Returns the opinion whose id begins so.
async fn find(service: &Service, id: &str) -> anyhow::Result<OpinionDetail> {
    /// A whole id has so many characters.
    const ID_CHARS: usize = 50;
    let id = if id.starts_with(ID_PREFIX) { id.to_owned() } else { format!("{ID_PREFIX}{id}") };
    let id = if id.len() >= ID_CHARS { id } else { complete(service, &id).await? };
    Ok(service.get(Query::to("/api/opinions").part(&id).as_str()).await?)
}

async fn complete(service: &Service, beginning: &str) -> anyhow::Result<String> {
    let ids = every_id(service).await?;
    let mut found = ids.into_iter().filter(|id| id.starts_with(beginning));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => bail!("there is no opinion {beginning}; `oriel opinions list` shows them"),
        (Some(_), Some(_)) => bail!("several opinions begin with {beginning}; give more of the id"),
    }
}

/// Returns the ids of all records, the newest first.
async fn every_id(service: &Service) -> anyhow::Result<Vec<String>> {
    let (mut ids, mut before) = (Vec::new(), None);
    loop {
        let query = Query::to("/api/opinions").with("state", Some("all"));
        let query = query.with("limit", Some(PAGE)).with("before", before);
        let page: OpinionList = service.get(query.as_str()).await?;
        ids.extend(page.opinions.into_iter().map(|opinion| opinion.id));
        before = page.next;
        if before.is_none() {
            return Ok(ids);
        }
    }
}

async fn export(
    service: &Service,
    file: Option<&Path>,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    let mut lines = String::new();
    let mut count = 0;
    for id in every_id(service).await?.iter().rev() {
        let detail: OpinionDetail =
            service.get(Query::to("/api/opinions").part(id).as_str()).await?;
        let line = String::from_utf8(oriel_sign::canonical(&detail.record))?;
        count += 1;
        match file {
            // They are what people wrote by hand, so all of them are held at once.
            Some(_) => lines = lines + &line + "\n",
            None => output.print(&(line + "\n"))?,
        }
    }
    if let Some(file) = file {
        super::export::write_whole(file, lines.as_bytes())
            .with_context(|| format!("cannot write {}", file.display()))?;
        output.print(&format!("wrote {}\n", text::counted(count, "record", "records")))?;
    }
    Ok(())
}

fn row(opinion: &OpinionRow) -> [Cell; 6] {
    let style = if opinion.active { Style::Strong } else { Style::Faint };
    let beginning: String =
        opinion.id.strip_prefix(ID_PREFIX).unwrap_or(&opinion.id).chars().take(10).collect();
    [
        Cell::new(style, beginning),
        Cell::new(Style::Faint, &opinion.authored_at),
        Cell::new(Style::Faint, if opinion.own { "you" } else { "another" }),
        Cell::plain(format!("{} {}", opinion.resource_kind, short(&opinion.resource_id, 40))),
        Cell::plain(stars(opinion.rating)),
        Cell::plain(short(opinion.text.as_deref().unwrap_or_default(), 80)),
    ]
}

fn told(detail: &OpinionDetail, paint: Paint) -> String {
    let OpinionDetail { opinion, verification, history, .. } = detail;
    let line = |name: &str, value: &str| [Cell::new(Style::Faint, name), Cell::plain(value)];
    let mut rows = vec![
        line("id", &opinion.id),
        line("about", &format!("{} {}", opinion.resource_kind, opinion.resource_id)),
        line("author", &opinion.author),
        line("said", &opinion.authored_at),
    ];
    if opinion.rating.is_some() {
        rows.push(line("rating", &stars(opinion.rating)));
    }
    if !opinion.tags.is_empty() {
        rows.push(line("tags", &opinion.tags.join(", ")));
    }
    let verifies = match &verification.reason {
        None => Cell::new(Style::Good, "yes"),
        Some(reason) => Cell::new(Style::Bad, format!("no, {reason}")),
    };
    rows.push([Cell::new(Style::Faint, "verifies"), verifies]);
    let mut lines = table::render(&rows, paint);
    if let Some(said) = &opinion.text {
        lines.push('\n');
        for part in said.lines() {
            // Writing to text cannot fail.
            _ = writeln!(lines, "{}", text::clean(part));
        }
    }
    if history.len() > 1 {
        lines.push_str("\nrevisions, the newest first\n");
        let rows: Vec<_> = history.iter().map(row).collect();
        lines.push_str(&table::render(&rows, paint));
    }
    lines
}

fn stars(rating: Option<u8>) -> String {
    rating.map(|rating| format!("{rating}/5")).unwrap_or_default()
}

/// Returns the beginning of a text, for a table.
fn short(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
