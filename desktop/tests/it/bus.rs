//! Those whom a desktop finds on the session bus: one who shows notifications, and one who shows trays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt as _;
use zbus::message::{Message, Type};
use zbus::{Connection, MessageStream, OwnedVariant, Variant};

const NOTIFICATIONS: &str = "org.freedesktop.Notifications";
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// A notification as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: u32,
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) actions: Vec<String>,
}

/// A daemon for notifications that remembers what it was to show.
pub(crate) struct Notifications {
    connection: Connection,
    pub(crate) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Notifications {
    pub(crate) async fn on(bus: &str) -> Self {
        let connection = connect(bus).await;
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (answering, kept) = (connection.clone(), Arc::clone(&seen));
        let mut calls = MessageStream::from(&connection);
        tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                if call.message_type() == Type::MethodCall {
                    answer_notification(&answering, &call, &kept).await;
                }
            }
        });
        connection.request_name(NOTIFICATIONS).await.expect("a name");
        Self { connection, seen }
    }

    pub(crate) async fn click(&self, id: u32) {
        let path = "/org/freedesktop/Notifications";
        let body = (id, "default");
        self.connection
            .emit_signal(None::<&str>, path, NOTIFICATIONS, "ActionInvoked", &body)
            .await
            .expect("a signal");
    }

    pub(crate) fn titles(&self) -> Vec<String> {
        self.seen.lock().expect("a lock").iter().map(|seen| seen.title.clone()).collect()
    }
}

async fn answer_notification(connection: &Connection, call: &Message, kept: &Mutex<Vec<Seen>>) {
    let header = call.header();
    let done = match header.member().map(zbus::names::MemberName::as_str) {
        Some("GetCapabilities") => {
            connection.reply(&header, &vec!["actions", "body", "body-markup"]).await
        }
        Some("Notify") => {
            type Arguments<'a> = (
                String,
                u32,
                String,
                String,
                String,
                Vec<String>,
                HashMap<String, Variant<'a>>,
                i32,
            );
            let body = call.body();
            let (_, _, _, title, text, actions, ..): Arguments<'_> =
                body.deserialize().expect("arguments as they are written down");
            let id = {
                let mut seen = kept.lock().expect("a lock");
                let id = u32::try_from(seen.len()).expect("few") + 1;
                seen.push(Seen { id, title, body: text, actions });
                id
            };
            connection.reply(&header, &id).await
        }
        _ => Ok(()),
    };
    done.expect("an answer");
}

/// Shows trays, or says that it does.
pub(crate) struct Trays {
    connection: Connection,
    items: Arc<Mutex<Vec<(String, String)>>>,
}

impl Trays {
    pub(crate) async fn on(bus: &str) -> Self {
        let connection = connect(bus).await;
        let items: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let (answering, kept) = (connection.clone(), Arc::clone(&items));
        let mut calls = MessageStream::from(&connection);
        tokio::spawn(async move {
            while let Some(Ok(call)) = calls.next().await {
                if call.message_type() == Type::MethodCall {
                    answer_item(&answering, &call, &kept).await;
                }
            }
        });
        connection.request_name(WATCHER).await.expect("a name");
        Self { connection, items }
    }

    /// Returns the tray's menu: what each item says and its number. What is below an item follows it.
    pub(crate) async fn menu(&self) -> Option<Vec<(String, i32)>> {
        let (sender, path) = self.items.lock().expect("a lock").last().cloned()?;
        let layout = self
            .connection
            .call_method(
                Some(sender.as_str()),
                format!("{path}/Menu"),
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0_i32, -1_i32, Vec::<&str>::new()),
            )
            .await
            .ok()?;
        type Item = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);
        let (_, root): (u32, Item) = layout.body().deserialize().ok()?;
        let mut items = Vec::new();
        let mut waiting = vec![root];
        while let Some((number, properties, below)) = waiting.pop() {
            if let Some(label) = properties.get("label") {
                items.push((String::try_from(label.clone()).ok()?, number));
            }
            for item in below.into_iter().rev() {
                waiting.push(Item::try_from(item).ok()?);
            }
        }
        Some(items)
    }

    /// Chooses from the menu.
    pub(crate) async fn choose(&self, number: i32) {
        let (sender, path) = self.items.lock().expect("a lock").last().cloned().expect("a tray");
        self.connection
            .call_method(
                Some(sender.as_str()),
                format!("{path}/Menu"),
                Some("com.canonical.dbusmenu"),
                "Event",
                &(number, "clicked", Variant::from(""), 0_u32),
            )
            .await
            .expect("it is chosen");
    }
}

async fn answer_item(connection: &Connection, call: &Message, kept: &Mutex<Vec<(String, String)>>) {
    let header = call.header();
    let is_shown = || Variant::from(true);
    let done = match header.member().map(zbus::names::MemberName::as_str) {
        Some("RegisterStatusNotifierItem") => {
            let path: String = call.body().deserialize().expect("a path");
            let sender = header.sender().expect("somebody").to_string();
            kept.lock().expect("a lock").push((sender, path));
            connection.reply(&header, &()).await
        }
        Some("Get") => connection.reply(&header, &is_shown()).await,
        Some("GetAll") => {
            let all = HashMap::from([("IsStatusNotifierHostRegistered", is_shown())]);
            connection.reply(&header, &all).await
        }
        _ => Ok(()),
    };
    done.expect("an answer");
}

async fn connect(bus: &str) -> Connection {
    zbus::connection::Builder::address(bus).build().await.expect("a bus of our own")
}
