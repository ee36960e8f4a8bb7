//! The system's daemon for notifications: one connection to it, made when something is to be shown and made
//! anew when it broke, and what a click on each notification opens.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use zbus::{Connection, MatchRule, MessageStream, Variant};

use super::{Target, Toast, open};
use crate::bus;
use crate::desktop::Desktop;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// The name of our entry among the system's programs, by which it groups what we show.
const ENTRY: &str = "dev.oriel";

/// Notifications whose click is waited for. A click on an older one does nothing.
const WAITING_MAX: usize = 64;

/// What is shown, by the number that the daemon gave it; greater ones are newer.
type Shown = Arc<Mutex<BTreeMap<u32, Target>>>;

/// The way to the daemon.
#[derive(Default)]
pub(super) struct Daemon(Mutex<Option<Line>>);

/// A connection, and what the daemon behind it can do.
struct Line {
    connection: Connection,
    has_markup: bool,
    has_actions: bool,
    shown: Shown,
    listening: JoinHandle<()>,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Daemon {
    /// Connects, unless that is done.
    pub(super) async fn connect(&self, desktop: &Arc<Desktop>) -> Result<(), String> {
        let mut line = self.0.lock().await;
        if line.is_none() {
            *line = Some(Line::open(desktop).await?);
        }
        Ok(())
    }

    /// Shows a notification. A line that broke since the last one is tried anew once.
    pub(super) async fn show(&self, desktop: &Arc<Desktop>, toast: Toast) -> Result<(), String> {
        let mut line = self.0.lock().await;
        if let Some(known) = &*line
            && known.show(&toast).await.is_ok()
        {
            return Ok(());
        }
        *line = None;
        let fresh = Line::open(desktop).await?;
        fresh.show(&toast).await.map_err(|error| in_words(&error))?;
        *line = Some(fresh);
        Ok(())
    }
}

impl Line {
    async fn open(desktop: &Arc<Desktop>) -> Result<Self, String> {
        let connection = bus::session().await?;
        let answer =
            connection.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &()).await;
        let can: Vec<String> = match &answer {
            // A daemon that does not say what it can is taken to do the least.
            Ok(answer) => answer.body().deserialize().unwrap_or_default(),
            Err(error) => return Err(in_words(error)),
        };
        let rule = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface(NAME)
            .path(PATH)
            .build()
            .map_err(|error| in_words(&error))?;
        // It listens before anything is shown, so no click is missed.
        let signals = MessageStream::for_match_rule(rule, &connection, None)
            .await
            .map_err(|error| in_words(&error))?;
        let shown = Shown::default();
        Ok(Self {
            has_markup: can.iter().any(|can| can == "body-markup"),
            has_actions: can.iter().any(|can| can == "actions"),
            listening: tokio::spawn(listen(signals, Arc::clone(&shown), Arc::downgrade(desktop))),
            connection,
            shown,
        })
    }

    async fn show(&self, toast: &Toast) -> zbus::Result<()> {
        let body = if self.has_markup { escaped(&toast.body) } else { toast.body.clone() };
        let actions: &[&str] = if self.has_actions { &["default", "Open"] } else { &[] };
        let urgency: u8 = if toast.is_urgent { 2 } else { 1 };
        let hints = HashMap::from([
            ("urgency", Variant::from(urgency)),
            ("desktop-entry", Variant::from(ENTRY)),
        ]);
        let arguments = ("Oriel", 0_u32, "", &toast.title, body, actions, hints, -1_i32);
        // Held until the number is known: whoever hears of a click waits for that.
        let mut shown = self.shown.lock().await;
        let answer =
            self.connection.call_method(Some(NAME), PATH, Some(NAME), "Notify", &arguments);
        let id: u32 = answer.await?.body().deserialize()?;
        if WAITING_MAX <= shown.len() {
            shown.pop_first();
        }
        shown.insert(id, toast.target.clone());
        Ok(())
    }
}

/// Hears what becomes of what is shown.
async fn listen(mut signals: MessageStream, shown: Shown, desktop: std::sync::Weak<Desktop>) {
    while let Some(Ok(signal)) = signals.next().await {
        let header = signal.header();
        let body = signal.body();
        let (id, is_click) = match header.member().map(zbus::names::MemberName::as_str) {
            Some("ActionInvoked") => match body.deserialize::<(u32, String)>() {
                Ok((id, _)) => (id, true),
                Err(_) => continue,
            },
            Some("NotificationClosed") => match body.deserialize::<(u32, u32)>() {
                Ok((id, _)) => (id, false),
                Err(_) => continue,
            },
            _ => continue,
        };
        // Every program on the bus hears of every notification: others' have other numbers.
        let target = shown.lock().await.remove(&id);
        let Some(desktop) = desktop.upgrade() else { return };
        if let Some(target) = target.filter(|_| is_click) {
            open(&desktop, target);
        }
    }
}

/// Returns a text without what would be read as markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn in_words(error: &zbus::Error) -> String {
    match error {
        zbus::Error::FDO(error) if matches!(**error, zbus::fdo::Error::ServiceUnknown(_)) => {
            "nothing on this system shows notifications".to_owned()
        }
        error => format!("the system's notifications do not answer: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_read_as_markup() {
        assert_eq!(escaped("<a href='x'>&amp;"), "&lt;a href='x'&gt;&amp;amp;");
    }
}
