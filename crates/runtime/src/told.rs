//! What agents tell by hooks and exporters: read by its format, admitted, and stored with what is
//! known beside it, all or none.

use std::collections::HashMap;

use oriel_model::{About, NewEvent, Note};
use oriel_sources::otlp::{Metered, Running};
use oriel_sources::{Parsed, Tally};
use oriel_store::Appended;
use tokio::sync::Mutex;

use crate::api::ApiError;
use crate::app::App;
use crate::ingest::admit_told;

/// The wholes of so many meters are remembered; beyond that all are read from the store again.
const METERS_MAX: usize = 16_384;

/// The last whole of each meter that tells wholes. Who reads one holds all of them until the step is
/// stored, so that two exports never count the same step.
pub(crate) type Meters = Mutex<HashMap<String, f64>>;

/// What became of what was told.
pub(crate) struct Taken {
    /// The numbers of the events that are new or have learnt something.
    pub numbers: Vec<i64>,
    /// How many of the events were there before.
    pub duplicates: usize,
}

/// Takes what a format made of some input that arrived at `at_ms`.
pub(crate) async fn take(app: &App, parsed: Parsed, at_ms: i64) -> Result<Taken, ApiError> {
    count(app, &parsed.tally);
    store(app, parsed.events, parsed.notes, at_ms).await
}

/// Takes what meters tell.
pub(crate) async fn take_metered(
    app: &App,
    metered: Metered,
    now_ms: i64,
) -> Result<Taken, ApiError> {
    let Metered { parsed: Parsed { mut events, mut notes, tally }, running } = metered;
    count(app, &tally);
    if running.is_empty() {
        return store(app, events, notes, now_ms).await;
    }
    let mut wholes = app.meters.lock().await;
    if wholes.len() > METERS_MAX {
        wholes.clear();
    }
    let mut reached: HashMap<String, f64> = HashMap::new();
    for meter in running {
        // Steps of one body follow one another.
        let last = match reached.get(&meter.series) {
            Some(last) => Some(*last),
            None => last_whole(app, &wholes, &meter).await?,
        };
        notes.push(whole(&meter, now_ms));
        reached.insert(meter.series.clone(), meter.total);
        events.extend(meter.step(last));
    }
    // Whoever asks may go away before it is stored. What is remembered then is what the store has.
    for series in reached.keys() {
        wholes.remove(series);
    }
    let taken = store(app, events, notes, now_ms).await?;
    wholes.extend(reached);
    Ok(taken)
}

async fn store(
    app: &App,
    events: Vec<NewEvent>,
    mut notes: Vec<Note>,
    at_ms: i64,
) -> Result<Taken, ApiError> {
    let now_ms = app.now_ms();
    let events: Vec<NewEvent> =
        events.into_iter().map(|event| admitted(app, event, at_ms, now_ms)).collect();
    for note in &mut notes {
        app.config.privacy.apply_to_note(note);
    }
    let appended = app.append(events, notes).await?;
    let numbers: Vec<i64> = appended
        .iter()
        .filter_map(|one| match one {
            Appended::New(number) | Appended::Joined(number) => Some(number.0),
            Appended::Duplicate => None,
        })
        .collect();
    let duplicates = appended.len() - numbers.len();
    Ok(Taken { numbers, duplicates })
}

fn admitted(app: &App, event: NewEvent, at_ms: i64, now_ms: i64) -> NewEvent {
    let mut event = admit_told(app, event, now_ms);
    // What waited long to be told says nothing about whether its session lives.
    event.historical |= app.admission(now_ms).is_history(Some(at_ms));
    let place = &mut event.place;
    if let (None, Some(project), Some(branches)) = (&place.branch, &place.project, &app.branches) {
        place.branch = branches.of(project, now_ms);
    }
    event
}

/// Returns the last whole that a meter told, from memory or from the store.
async fn last_whole(
    app: &App,
    wholes: &HashMap<String, f64>,
    meter: &Running,
) -> Result<Option<f64>, ApiError> {
    if let Some(last) = wholes.get(&meter.series) {
        return Ok(Some(*last));
    }
    let notes = app.store()?.notes(About::Session(meter.event.session_id.clone())).await?;
    let name = note_name(&meter.series);
    let note = notes.into_iter().find(|note| note.name == name);
    Ok(note.and_then(|note| serde_json::from_str(&note.value).ok()))
}

/// Returns the note of the whole that a meter told.
fn whole(meter: &Running, now_ms: i64) -> Note {
    Note {
        about: About::Session(meter.event.session_id.clone()),
        name: note_name(&meter.series),
        value: serde_json::Value::from(meter.total).to_string(),
        at_ms: now_ms,
    }
}

fn note_name(series: &str) -> String {
    format!("meter:{series}")
}

fn count(app: &App, tally: &Tally) {
    app.metrics.records.inc_by(tally.records);
    app.metrics.records_left_out.inc_by(tally.left_out.values().sum());
    app.metrics.records_bad.inc_by(tally.bad);
    if let Some(bad) = tally.bad_records.first() {
        tracing::warn!(
            records = tally.bad,
            first = bad.nth,
            problem = bad.problem,
            "records that an agent sent could not be read"
        );
    }
}
