//! Many sessions, many connections and many turns at once: how late a word is, what the gateway's process
//! holds, and what one client that stops reading costs the others.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::SinkExt;
use oriel_gateway_client::{EventStream, GatewayClient, Incoming};
use oriel_wire::gateway::{ClientFrame, ClientMessage, EventBody};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::{GatewayPlan, connect, said, wait};
use crate::bench::{Bench, BenchError, Durability, failed};
use crate::latency::Latency;
use crate::proc;
use crate::report::{Place, Report, progress};
use crate::server::Server;

/// So many connections send at once while all is made ready; a gateway limits each of them.
const AT_ONCE: usize = 20;

pub(super) fn run(
    bench: &Bench,
    plan: &GatewayPlan,
    workers: &Runtime,
    report: &mut Report,
) -> Result<(), BenchError> {
    for run in 0..bench.runs {
        progress(&format!("gateway, crowd, run {}", run + 1));
        let running = bench.start_fresh(Durability::Full, &[])?;
        wait(workers, measure(&running.server, plan, report))?;
        running.stop()?;
    }
    Ok(())
}

async fn measure(
    server: &Server,
    plan: &GatewayPlan,
    report: &mut Report,
) -> Result<(), BenchError> {
    let data_dir = server.data_dir();
    let work = format!("{} sessions, {} connections", plan.sessions, plan.connections);
    let place = Place { section: "gateway", work: &work, durability: "full" };
    let held = || proc::held_bytes(server.pid()).unwrap_or_default() as f64 / 1e6;
    report.record(place, "MB at start", held(), None);
    let sessions = make_sessions(data_dir, plan.sessions).await?;
    report.record(place, "MB with sessions", held(), None);
    let mut clients = Vec::new();
    for _ in 0..plan.connections {
        clients.push(connect(data_dir).await?);
    }
    report.record(place, "MB with connections", held(), None);

    let busy: Vec<String> = sessions.iter().take(plan.turns).cloned().collect();
    warm_up(data_dir, &busy).await?;
    let work = format!("{} turns at once", plan.turns);
    let place = Place { section: "gateway", work: &work, durability: "full" };
    let (clients, latency) = stream(clients, &busy, plan).await?;
    record(report, place, &latency);
    report.record(place, "MB", held(), None);

    let work = format!("{} turns at once, one client that does not read", plan.turns);
    let place = Place { section: "gateway", work: &work, durability: "full" };
    let deaf = join_and_read_no_more(data_dir, &busy).await?;
    let (clients, latency) = stream(clients, &busy, plan).await?;
    record(report, place, &latency);
    report.record(place, "MB", held(), None);
    drop((deaf, clients));
    Ok(())
}

fn record(report: &mut Report, place: Place<'_>, latency: &Latency) {
    report.record(place, "p50 ms", latency.quantile_ms(0.5), None);
    report.record(place, "p99 ms", latency.quantile_ms(0.99), None);
    report.record(place, "max ms", latency.max_ms(), None);
}

/// Makes sessions over several connections, each of which says only so much in a while.
async fn make_sessions(data_dir: &Path, count: usize) -> Result<Vec<String>, BenchError> {
    let mut made = Vec::new();
    while made.len() < count {
        let mut together = JoinSet::new();
        for _ in 0..AT_ONCE {
            let share = 50.min(count.saturating_sub(made.len()).div_ceil(AT_ONCE));
            let (client, _events) = connect(data_dir).await?;
            together.spawn(async move {
                let mut ids = Vec::new();
                for _ in 0..share {
                    ids.push(client.create_session("echo", None, None).await.map_err(said)?.id);
                }
                client.close().await;
                Ok::<_, BenchError>(ids)
            });
        }
        while let Some(ids) = together.join_next().await {
            made.extend(ids.map_err(|error| failed("make sessions", error.into()))??);
        }
    }
    Ok(made)
}

/// Has the agents of these sessions started.
async fn warm_up(data_dir: &Path, sessions: &[String]) -> Result<(), BenchError> {
    for some in sessions.chunks(10) {
        let (client, mut events) = connect(data_dir).await?;
        for id in some {
            client.join_session(id, None).await.map_err(said)?;
            client.run_turn(id, "hello", None).await.map_err(said)?;
        }
        let mut open = some.len();
        while 0 < open {
            match events.next().await {
                Some(Incoming::Event(event)) if event.body.ends_turn() => open -= 1,
                Some(_) => {}
                None => break,
            }
        }
        client.close().await;
    }
    Ok(())
}

type Clients = Vec<(GatewayClient, EventStream)>;

/// Has every session stream at once, each to the clients whose turn it is, and returns how late each
/// word was.
async fn stream(
    clients: Clients,
    busy: &[String],
    plan: &GatewayPlan,
) -> Result<(Clients, Latency), BenchError> {
    for (index, (client, _)) in clients.iter().enumerate() {
        client.join_session(&busy[index % busy.len()], None).await.map_err(said)?;
    }
    let asked = format!("[[stamp {} {}]]", plan.turn_words, plan.pace_ms);
    let mut hearing = JoinSet::new();
    for (index, (client, mut events)) in clients.into_iter().enumerate() {
        // The first who hears a session is the one who speaks there.
        let speaks = busy.get(index).cloned();
        let asked = asked.clone();
        hearing.spawn(async move {
            if let Some(id) = speaks {
                client.run_turn(&id, &asked, None).await.map_err(said)?;
            }
            let mut late = Vec::new();
            while let Some(incoming) = events.next().await {
                let Incoming::Event(event) = incoming else { continue };
                match &event.body {
                    EventBody::TextDelta { text } => late.extend(how_late(text)),
                    body if body.ends_turn() => break,
                    _ => {}
                }
            }
            Ok::<_, BenchError>(((client, events), late))
        });
    }
    let (mut clients, mut latency) = (Vec::new(), Latency::new());
    while let Some(heard) = hearing.join_next().await {
        let (client, late) = heard.map_err(|error| failed("hear a session", error.into()))??;
        clients.push(client);
        late.into_iter().for_each(|late| latency.record(late));
    }
    Ok((clients, latency))
}

/// Reads off each word how long ago the agent wrote it.
#[expect(clippy::disallowed_methods, reason = "the agent writes what the same clock says")]
fn how_late(text: &str) -> Vec<Duration> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let written = text.split_whitespace().filter_map(|word| word.parse().ok());
    written.map(|nanos| now.saturating_sub(Duration::from_nanos(nanos))).collect()
}

/// Joins these sessions and never looks at what comes.
async fn join_and_read_no_more(
    data_dir: &Path,
    sessions: &[String],
) -> Result<WebSocketStream<TcpStream>, BenchError> {
    let cannot = |error: std::io::Error| failed("open a WebSocket", error);
    let other = |error| cannot(std::io::Error::other(error));
    let read = |name: &str| std::fs::read_to_string(data_dir.join("gateway").join(name));
    let (bind, token) = (read("bind").map_err(cannot)?, read("token").map_err(cannot)?);
    let stream = TcpStream::connect(bind.trim()).await.map_err(cannot)?;
    let url = format!("ws://{}/ws", bind.trim());
    let (mut socket, _) = tokio_tungstenite::client_async(url, stream).await.map_err(other)?;
    let token = ClientMessage::Authenticate { token: token.trim().to_owned() };
    let joins = sessions
        .iter()
        .map(|id| ClientMessage::JoinSession { session_id: id.clone(), after_seq: Some(0) });
    for message in std::iter::once(token).chain(joins) {
        let frame = ClientFrame { request_id: None, message };
        let text = serde_json::to_string(&frame).map_err(|error| cannot(error.into()))?;
        socket.send(Message::text(text)).await.map_err(other)?;
    }
    Ok(socket)
}
