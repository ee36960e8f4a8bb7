//! One agent that says as much as it can: words a second from its pipe to a client's hands, beside a bare
//! WebSocket that sends as many frames of the same length.

use std::time::Instant;

use oriel_gateway_client::Incoming;
use oriel_wire::gateway::EventBody;
use tokio::runtime::Runtime;

use super::{GatewayPlan, bare, connect, said, wait};
use crate::bench::{Bench, BenchError, Durability};
use crate::report::{Place, Report, progress};

pub(super) fn run(
    bench: &Bench,
    plan: &GatewayPlan,
    workers: &Runtime,
    report: &mut Report,
) -> Result<(), BenchError> {
    for run in 0..bench.runs {
        progress(&format!("gateway, flood, run {}", run + 1));
        let through = wait(workers, gateway(bench, plan))?;
        let place = |work| Place { section: "gateway", work, durability: "full" };
        let work = "one agent, one client";
        report.record(place(work), "words/s", through.words as f64 / through.seconds, None);
        let frames = through.frames as f64;
        report.record(place(work), "frames/s", frames / through.seconds, None);
        let took = wait(workers, bare::send(plan.words, &through.sample))?;
        let rate = plan.words as f64 / took.as_secs_f64();
        report.record(place("bare WebSocket"), "frames/s", rate, None);
    }
    Ok(())
}

struct Through {
    words: usize,
    frames: usize,
    seconds: f64,
    sample: String,
}

async fn gateway(bench: &Bench, plan: &GatewayPlan) -> Result<Through, BenchError> {
    let running = bench.start_fresh(Durability::Full, &[])?;
    let (client, mut events) = connect(running.server.data_dir()).await?;
    let session = client.create_session("echo", None, None).await.map_err(said)?;
    client.join_session(&session.id, None).await.map_err(said)?;
    // The agent is started by the first turn, and that is not what is measured.
    client.run_turn(&session.id, "hello", None).await.map_err(said)?;
    until_done(&mut events, |_| {}).await;
    let asked = format!("[[stream {}]]", plan.words);
    client.run_turn(&session.id, &asked, None).await.map_err(said)?;
    let (mut frames, mut words, mut sample, mut began) = (0, 0, String::new(), None);
    until_done(&mut events, |text| {
        began.get_or_insert_with(Instant::now);
        frames += 1;
        words += text.split_whitespace().count();
        if sample.is_empty() {
            text.clone_into(&mut sample);
        }
    })
    .await;
    let seconds = began.map_or(f64::INFINITY, |began| began.elapsed().as_secs_f64());
    client.close().await;
    running.stop()?;
    // A frame as it is on the wire, with a session and a turn of the usual length.
    let sample = format!(
        r#"{{"sessionId":"{}","turnId":"{}","seq":123456,"ts":1767225600000,"type":"text_delta","text":{sample:?}}}"#,
        session.id, session.id
    );
    Ok(Through { words, frames, seconds, sample })
}

/// Reads until a turn is over, and gives what the agent says to somebody.
async fn until_done(events: &mut oriel_gateway_client::EventStream, mut hears: impl FnMut(&str)) {
    while let Some(incoming) = events.next().await {
        let Incoming::Event(event) = incoming else { continue };
        match &event.body {
            EventBody::TextDelta { text } => hears(text),
            body if body.ends_turn() => return,
            _ => {}
        }
    }
}
