//! The loop: keys, the gateway and time go to the model, what it wants is done, and what it knows is drawn.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use oriel_gateway_client::{EventStream, GatewayClient};
use oriel_wire::gateway::Answer;
use ratatui::crossterm::event::{self, Event};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::model::{Done, Effect, Model, Msg};
use super::screen::Screen;
use super::theme::Theme;
use super::view::{self, Drawn};

/// How many keys wait to be taken. At the bound the terminal keeps them.
const KEYS_MAX: usize = 256;

/// How many answers wait to be taken. At the bound whoever brings one waits.
const DONE_MAX: usize = 64;

/// How many past events are asked for at once.
const PAST_MAX: u32 = 1_000;

/// How many older messages are asked for at once.
const OLDER_MAX: u32 = 100;

/// The screen is drawn at most this often.
const FRAME: Duration = Duration::from_millis(33);

/// How often time passes for the model.
const TICK: Duration = Duration::from_millis(100);

/// How long the thread that reads keys waits before it looks whether it is still wanted.
const KEY_WAIT: Duration = Duration::from_millis(100);

/// Runs until it is left.
pub(crate) async fn run(
    client: &GatewayClient,
    mut events: EventStream,
    mut model: Model,
    has_color: bool,
) -> anyhow::Result<()> {
    let theme = Theme::new(has_color);
    let mut screen = Screen::take()?;
    let (keys, mut pressed) = mpsc::channel(KEYS_MAX);
    let _reader = KeyReader::start(keys);
    let (done, mut dones) = mpsc::channel(DONE_MAX);
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let began = Instant::now();
    let (mut is_stale, mut drawn_at, mut has_stream) = (true, began, true);
    let mut todo = vec![Effect::List];
    loop {
        for effect in std::mem::take(&mut todo) {
            if effect == Effect::Quit {
                return Ok(());
            }
            tokio::spawn(perform(client.clone(), effect, done.clone()));
        }
        let msg = tokio::select! {
            key = pressed.recv() => match key {
                Some(Event::Key(key)) => Msg::Key(key),
                Some(Event::Paste(text)) => Msg::Paste(text),
                Some(_) => {
                    is_stale = true;
                    continue;
                }
                // The terminal is gone.
                None => return Ok(()),
            },
            incoming = events.next(), if has_stream => match incoming {
                Some(incoming) => Msg::Incoming(incoming),
                None => {
                    has_stream = false;
                    continue;
                }
            },
            Some(done) = dones.recv() => Msg::Done(done),
            _ = terminated.recv() => return Ok(()),
            _ = hung_up.recv() => return Ok(()),
            _ = ticks.tick() => {
                is_stale |= model.changes_with_time();
                Msg::Tick
            }
            () = sleep_until(drawn_at + FRAME), if is_stale => {
                let drawn = draw(&mut screen, &model, theme)?;
                (is_stale, drawn_at) = (false, Instant::now());
                todo = model.was_drawn(drawn);
                continue;
            }
        };
        is_stale |= !matches!(msg, Msg::Tick);
        let now = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        todo = model.on(msg, now);
    }
}

fn draw(screen: &mut Screen, model: &Model, theme: Theme) -> io::Result<Drawn> {
    let mut drawn = Drawn { page: model.page, scroll: model.scroll, is_at_top: false };
    screen.terminal.draw(|frame| drawn = view::draw(frame, model, theme))?;
    Ok(drawn)
}

/// Does what the model wants, and brings what came of it.
async fn perform(client: GatewayClient, effect: Effect, done: mpsc::Sender<Done>) {
    let came = match effect {
        Effect::List => Done::Listed(client.list_sessions(true).await),
        Effect::Create { agent, workspace } => {
            Done::Created(client.create_session(agent, None, Some(workspace)).await)
        }
        Effect::Rename { id, name } => Done::Changed(client.rename_session(id, name).await),
        Effect::Archive { id, archived: true } => Done::Changed(client.archive_session(id).await),
        Effect::Archive { id, archived: false } => {
            Done::Changed(client.unarchive_session(id).await)
        }
        Effect::Delete { id } => {
            let result = client.delete_session(&id).await;
            Done::Deleted { id, result }
        }
        Effect::Join { id } => {
            let result = Box::new(client.join_session(&id, None).await);
            Done::Joined { id, result }
        }
        Effect::Leave { id } => {
            // A session that cannot be left is left with the link.
            let _ = client.leave_session(id).await;
            return;
        }
        Effect::Past { id, after } => {
            let result = client.get_events(&id, Some(after), Some(PAST_MAX)).await;
            Done::Past { id, result }
        }
        Effect::Older { id, before } => {
            let result = client.get_history(&id, Some(before), Some(OLDER_MAX)).await;
            Done::Older { id, result }
        }
        Effect::Run { id, text, client_turn_id } => {
            let result = client.run_turn(&id, &text, Some(client_turn_id)).await.map(drop);
            Done::Sent { id, text, result }
        }
        Effect::Steer { id, text } => {
            let result = client.steer(&id, &text).await;
            Done::Sent { id, text, result }
        }
        Effect::Stop { id } => Done::Told(client.stop_turn(id).await),
        Effect::Answer { id, question_id, answer, is_typed } => {
            let text = match &answer {
                Answer::Text(text) if is_typed => text.clone(),
                _ => String::new(),
            };
            let result = client.answer_question(&id, question_id, answer).await;
            Done::Sent { id, text, result }
        }
        Effect::Quit => return,
    };
    // Whoever left waits for no answer.
    let _ = done.send(came).await;
}

/// A thread that reads keys. It ends when this is dropped.
struct KeyReader {
    is_wanted: Arc<AtomicBool>,
}

impl KeyReader {
    fn start(keys: mpsc::Sender<Event>) -> Self {
        let is_wanted = Arc::new(AtomicBool::new(true));
        let wanted = Arc::clone(&is_wanted);
        std::thread::spawn(move || {
            while wanted.load(Ordering::Relaxed) {
                let read = match event::poll(KEY_WAIT) {
                    Ok(false) => continue,
                    Ok(true) => event::read(),
                    Err(error) => Err(error),
                };
                // Without a terminal, or anybody who wants its keys, there is nothing to read.
                let Ok(event) = read else { return };
                if keys.blocking_send(event).is_err() {
                    return;
                }
            }
        });
        Self { is_wanted }
    }
}

impl Drop for KeyReader {
    fn drop(&mut self) {
        self.is_wanted.store(false, Ordering::Relaxed);
    }
}
