//! The session bus, on which a Linux desktop has its notifications and its tray.

use std::time::Duration;

use zbus::Connection;

/// What takes longer is not there.
const WITHIN: Duration = Duration::from_secs(5);

/// Connects to the bus. Where there is none, it says so in words.
pub(crate) async fn session() -> Result<Connection, String> {
    let connecting =
        async { zbus::connection::Builder::session().method_timeout(WITHIN).build().await };
    match tokio::time::timeout(WITHIN, connecting).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(format!("there is no session bus: {error}")),
        Err(_) => Err(format!("the session bus does not answer within {} s", WITHIN.as_secs())),
    }
}

/// Returns whether somebody on the bus has a name.
pub(crate) async fn has_owner(connection: &Connection, name: &str) -> bool {
    let asked = connection.call_method(
        Some("org.freedesktop.DBus"),
        "/org/freedesktop/DBus",
        Some("org.freedesktop.DBus"),
        "NameHasOwner",
        &name,
    );
    // A bus that does not answer has nobody.
    asked.await.is_ok_and(|answer| answer.body().deserialize().unwrap_or(false))
}
