//! Requests of agents that somebody captured: a folder with a list of them, each body a file.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

use oriel_sources::Parsed;
use oriel_sources::otlp::{self, Encoding, Metered};
use oriel_wire::inspect::Inspected;
use serde::Deserialize;
use serde_json::Value;

use super::purpose::purpose_of_name;
use super::purpose::{GEMINI, Purpose, agent_of, agent_of_path, purpose, purpose_of_body};
use super::{taken, told_of};
use crate::api::{read_hook, unpacked};

/// The list, a line for each request.
pub(super) const INDEX: &str = "index.jsonl";

/// A longer list is not taken for one.
const INDEX_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A longer body is not read; none that Oriel takes is as long.
const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A request that was captured.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    /// The name of the file that has its body.
    pub file: String,
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
    /// When it arrived, in Unix seconds.
    #[serde(default)]
    t: Option<f64>,
}

/// What a list holds.
pub(super) struct Listed {
    pub requests: Vec<Request>,
    /// The lines that are no entries.
    pub bad: Vec<usize>,
}

/// Returns what a list holds, if it is one of requests.
pub(super) fn listed(index: &Path) -> Option<Listed> {
    let metadata = fs::metadata(index).ok().filter(fs::Metadata::is_file)?;
    if metadata.len() > INDEX_BYTES_MAX {
        return None;
    }
    let bytes = fs::read(index).ok()?;
    let mut listed = Listed { requests: Vec::new(), bad: Vec::new() };
    for (nth, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        match serde_json::from_slice::<Request>(line) {
            // A name that leads elsewhere is none of a file beside the list.
            Ok(request) if !request.file.contains(['/', '\\']) => listed.requests.push(request),
            _ => listed.bad.push(nth + 1),
        }
    }
    Some(listed).filter(|listed| !listed.requests.is_empty())
}

/// A file, and why it could not be read.
type Told = (Inspected, Option<String>);

/// What is known across requests.
#[derive(Debug, Default)]
pub(super) struct Captures {
    /// The last whole of each meter.
    wholes: HashMap<String, f64>,
}

impl Captures {
    /// Tells what would be made of a request whose body is in this folder.
    pub(super) fn request(&mut self, folder: &Path, request: &Request) -> Told {
        let path = folder.join(&request.file);
        let purpose = purpose(&request.path);
        if purpose == Purpose::Model {
            return not_read(
                &path,
                "not ours: a request to a model; its agent tells of the answer",
            );
        }
        if !path.exists() {
            return not_read(&path, "not there: the list names it, and its body was not kept");
        }
        let body = match body(&path) {
            Ok(body) => body,
            Err(problem) => return (told_of(&path, None), Some(problem)),
        };
        let at_ms = request.t.map_or(0, |seconds| (seconds * 1000.0) as i64);
        match purpose {
            Purpose::Hook | Purpose::Other => {
                let told = self.document(&path, body, at_ms, Some(&request.path));
                told.unwrap_or_else(|| not_read(&path, "not ours: a request that tells of no work"))
            }
            purpose => {
                let is_protobuf = is_packed(&path) || says_protobuf(&request.headers);
                self.export(&path, &body, purpose, is_protobuf)
            }
        }
    }

    /// Tells what would be made of a file that is the body of a request, if it is one.
    pub(super) fn alone(&mut self, path: &Path) -> Option<Told> {
        let purpose = purpose_of_name(path);
        let body = body(path).ok()?;
        if is_packed(path) && purpose != Purpose::Other {
            return Some(self.export(path, &body, purpose, true));
        }
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
        let since = modified.and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let at_ms = since.and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0);
        self.document(path, body, at_ms, None)
    }

    /// Reads a body that is JSON by what it says, and by where it was sent.
    fn document(
        &mut self,
        path: &Path,
        mut body: Vec<u8>,
        at_ms: i64,
        sent_to: Option<&str>,
    ) -> Option<Told> {
        oriel_wire::json::mend_lone_surrogates(&mut body);
        let value: Option<Value> =
            serde_json::from_slice(&body).ok().filter(|value: &Value| value.is_object());
        if let Some(purpose) = value.as_ref().and_then(purpose_of_body) {
            return Some(self.export(path, &body, purpose, false));
        }
        let is_hook = || sent_to.map(purpose) == Some(Purpose::Hook);
        let agent = sent_to
            .and_then(agent_of_path)
            .or_else(|| value.as_ref().and_then(agent_of))
            .or_else(|| is_hook().then_some("claude-code"))?;
        let read_as = match agent {
            GEMINI => {
                let what = "not ours: a hook of Gemini CLI; its histories and exports tell of it";
                return Some(not_read(path, what));
            }
            "claude-code-statusline" => "status line of claude-code".to_owned(),
            "codex-notify" => "notify of codex".to_owned(),
            agent => format!("hook of {agent}"),
        };
        let read = read_hook(agent, &mut body, at_ms).map_err(|error| error.to_string());
        Some(told(path, read_as, read))
    }

    fn export(&mut self, path: &Path, body: &[u8], purpose: Purpose, is_protobuf: bool) -> Told {
        let encoding = if is_protobuf { Encoding::Protobuf } else { Encoding::Json };
        let (read_as, read) = match purpose {
            Purpose::Traces => ("export of traces", otlp::traces(body, encoding)),
            Purpose::Metrics => {
                let metered = otlp::metrics(body, encoding);
                ("export of metrics", metered.map(|metered| self.stepped(metered)))
            }
            _ => ("export of logs", otlp::logs(body, encoding)),
        };
        told(path, read_as.to_owned(), read.map_err(|error| error.to_string()))
    }

    /// Makes events of what meters grew by since the requests before.
    fn stepped(&mut self, metered: Metered) -> Parsed {
        let Metered { mut parsed, running } = metered;
        for meter in running {
            let last = self.wholes.insert(meter.series.clone(), meter.total);
            parsed.events.extend(meter.step(last));
        }
        parsed
    }
}

fn told(path: &Path, read_as: String, read: Result<Parsed, String>) -> Told {
    match read {
        Ok(Parsed { events, notes, tally }) => {
            (taken(path, read_as, &tally, events.len(), notes.len()), None)
        }
        Err(problem) => (told_of(path, Some(read_as)), Some(problem)),
    }
}

fn not_read(path: &Path, what: &str) -> Told {
    (Inspected { not_read: Some(what.to_owned()), ..told_of(path, None) }, None)
}

fn says_protobuf(headers: &BTreeMap<String, Value>) -> bool {
    headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("content-type")
            && value.as_str().is_some_and(|value| value.contains("protobuf"))
    })
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == "pb")
}

/// Reads a body, unpacked.
fn body(path: &Path) -> Result<Vec<u8>, String> {
    const GZIP: &[u8] = &[0x1f, 0x8b];
    let cannot = |error: std::io::Error| format!("it cannot be read: {error}");
    let bytes = fs::metadata(path).map_err(cannot)?.len();
    if bytes > BODY_BYTES_MAX {
        return Err(format!("it has {bytes} bytes, and at most {BODY_BYTES_MAX} are read"));
    }
    let body = fs::read(path).map_err(cannot)?;
    if body.starts_with(GZIP) {
        return unpacked(&body).map_err(|error| error.to_string());
    }
    Ok(body)
}
