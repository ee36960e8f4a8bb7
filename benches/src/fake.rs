//! A server small enough to be trusted, which misbehaves on request.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};

/// How the server misbehaves; by default not at all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manners {
    /// Every so many posts one is answered 503.
    pub(crate) refuse_every: Option<u64>,
    /// Every so many posts one is stored, and the connection ended without an answer.
    pub(crate) hang_up_every: Option<u64>,
    /// The last event of each batch is not taken.
    pub(crate) drop_last_of_batch: bool,
    /// Every so many events one is kept from the streams.
    pub(crate) unstreamed_every: Option<u64>,
    /// Every so many events one is streamed twice, unless it is kept back.
    pub(crate) streamed_twice_every: Option<u64>,
    /// Streams end after so many posts that were taken, each followed by a resync.
    pub(crate) end_streams_after_batches: Option<u64>,
}

/// A server on a free port, served by threads that end with their connections.
pub(crate) struct Fake {
    addr: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    manners: Manners,
    posts: u64,
    taken: u64,
    stored: BTreeSet<String>,
    streamed: u64,
    streams: Vec<TcpStream>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        Self::start_with(Manners::default())
    }

    pub(crate) fn start_with(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { manners, ..State::default() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&shared));
                // A client that goes away ends its thread.
                std::thread::spawn(move || drop(serve(&stream, &state)));
            }
        });
        Self { addr, state }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The `event_id`s that are stored.
    pub(crate) fn stored(&self) -> BTreeSet<String> {
        self.lock().stored.clone()
    }

    pub(crate) fn streams(&self) -> usize {
        self.lock().streams.len()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

fn serve(stream: &TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    while let Some((target, body)) = request(&mut reader)? {
        match target.as_str() {
            "/api/health" => answer(stream, 200, &json!({ "status": "ok" }))?,
            "/api/stream" => {
                let mut state = state.lock().unwrap();
                (&*stream).write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
                )?;
                chunk(stream, "data: {\"type\":\"connected\",\"timestamp\":\"now\"}\n\n")?;
                state.streams.push(stream.try_clone()?);
            }
            _ => {
                let (status, receipt) = take(&mut state.lock().unwrap(), &body);
                match status {
                    0 => return stream.shutdown(std::net::Shutdown::Both),
                    _ => answer(stream, status, &receipt)?,
                }
            }
        }
    }
    Ok(())
}

/// Takes posted events; status 0 means that the answer is withheld.
fn take(state: &mut State, body: &Value) -> (u16, Value) {
    let manners = state.manners;
    let mut events = match body["events"].as_array() {
        Some(events) => events.clone(),
        None => vec![body.clone()],
    };
    state.posts += 1;
    if is_due(manners.refuse_every, state.posts) {
        return (503, json!({ "error": "busy" }));
    }
    if manners.drop_last_of_batch {
        events.pop();
    }
    for event in &events {
        let new = state.stored.insert(event["event_id"].as_str().unwrap().to_owned());
        assert!(new, "{event} was sent twice");
        stream_event(state, event);
    }
    state.taken += 1;
    if manners.end_streams_after_batches.is_some() {
        to_streams(state, "data: {\"type\":\"resync\",\"after\":1}\n\n");
    }
    if manners.end_streams_after_batches == Some(state.taken) {
        for mut stream in state.streams.drain(..) {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
    }
    if is_due(manners.hang_up_every, state.posts) {
        return (0, Value::Null);
    }
    (201, json!({ "received": events.len(), "ids": [], "duplicates": 0, "rejected": [] }))
}

fn stream_event(state: &mut State, event: &Value) {
    state.streamed += 1;
    let id = state.streamed;
    if is_due(state.manners.unstreamed_every, id) {
        return;
    }
    let payload = format!("{{\"id\":{id},\"event_id\":{},\"source\":\"api\"}}", event["event_id"]);
    let frame = format!("id: {id}\ndata: {{\"type\":\"event\",\"payload\":{payload}}}\n\n");
    to_streams(state, &frame);
    if is_due(state.manners.streamed_twice_every, id) {
        to_streams(state, &frame);
    }
}

/// Sends a frame to every stream, cut into two chunks.
fn to_streams(state: &State, frame: &str) {
    let (start, end) = frame.split_at(frame.len() / 2);
    for stream in &state.streams {
        chunk(stream, start).and_then(|()| chunk(stream, end)).unwrap();
    }
}

fn is_due(every: Option<u64>, count: u64) -> bool {
    every.is_some_and(|every| count.is_multiple_of(every))
}

fn request(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<(String, Value)>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let target = line.split(' ').nth(1).unwrap().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        match line.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    Ok(Some((target, body)))
}

/// Answers in two pieces, the first of which ends within the head.
fn answer(mut stream: &TcpStream, status: u16, body: &Value) -> io::Result<()> {
    let body = body.to_string();
    let whole = format!(
        "HTTP/1.1 {status} Done\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let (start, end) = whole.split_at(30);
    stream.write_all(start.as_bytes())?;
    stream.write_all(end.as_bytes())
}

fn chunk(mut stream: &TcpStream, content: &str) -> io::Result<()> {
    stream.write_all(format!("{:x}\r\n{content}\r\n", content.len()).as_bytes())
}
