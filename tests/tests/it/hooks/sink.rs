//! A daemon that is none: it takes requests, answers them all alike or never, and shows them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};

use oriel_tests::wait::PATIENCE;
use serde_json::Value;

/// A server for tests; it goes on until the tests end.
pub(super) struct Sink {
    url: String,
    requests: Receiver<Received>,
    /// Keeps the port taken for as long as the test needs it.
    _stop: Sender<()>,
}

/// A request that came.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) path: String,
    head: String,
    pub(super) body: Vec<u8>,
}

impl Received {
    /// Returns the value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// Returns the body as JSON.
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Sink {
    /// Starts one that gives every request this answer. Dropping it frees its port.
    pub(super) fn answering(status: u16) -> Self {
        Self::start(Some(status))
    }

    /// Starts one that takes requests and never answers.
    pub(super) fn hanging() -> Self {
        Self::start(None)
    }

    pub(super) fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the address of one that goes on until all tests end.
    pub(super) fn url_kept(self) -> String {
        let url = self.url();
        std::mem::forget(self);
        url
    }

    /// Waits for the next request.
    pub(super) fn next(&self) -> Received {
        self.requests.recv_timeout(PATIENCE).expect("a request comes")
    }

    fn start(status: Option<u16>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let (told, requests) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            let mut held = Vec::new();
            for stream in listener.incoming() {
                if stopped.try_recv() == Err(mpsc::TryRecvError::Disconnected) {
                    return;
                }
                let mut stream = stream.unwrap();
                let Some(status) = status else {
                    held.push(stream);
                    continue;
                };
                let Some(received) = receive(&mut stream) else { continue };
                let answer = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}"
                );
                _ = stream.write_all(answer.as_bytes());
                _ = told.send(received);
            }
        });
        Self { url: format!("http://{addr}"), requests, _stop: stop }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // The thread looks up when somebody comes, and frees the port where nobody listens to it.
        let (stop, _) = mpsc::channel();
        self._stop = stop;
        _ = TcpStream::connect(self.url.trim_start_matches("http://"));
    }
}

fn receive(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let path = head.split(' ').nth(1)?.to_owned();
            let mut received = Received { path, head, body: bytes[end + 4..].to_vec() };
            let length = received.header("content-length")?.parse().ok()?;
            if length <= received.body.len() {
                received.body.truncate(length);
                return Some(received);
            }
        }
        let count = stream.read(&mut buffer).ok().filter(|count| *count != 0)?;
        bytes.extend_from_slice(&buffer[..count]);
    }
}
