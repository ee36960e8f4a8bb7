//! A witness: a server of this machine that nobody has a reason to ask, and that writes down who does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::wait;
use crate::wait::PATIENCE;

/// As much of a request as is kept.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A server that answers every request with one page. It listens until the tests end.
#[derive(Clone)]
pub struct Probe {
    addr: SocketAddr,
    visits: Arc<Mutex<Vec<String>>>,
}

impl Probe {
    /// Starts one whose page is empty.
    #[must_use]
    pub fn start() -> Self {
        Self::showing("<!doctype html><title>Probe</title><h1>Probe</h1>")
    }

    /// Starts one that answers with this page.
    ///
    /// # Panics
    /// Where there is no port.
    #[must_use]
    pub fn showing(page: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let addr = listener.local_addr().expect("a listener has an address");
        let visits = Arc::new(Mutex::new(Vec::new()));
        let (kept, page) = (Arc::clone(&visits), page.to_owned());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, page) = (Arc::clone(&kept), page.clone());
                std::thread::spawn(move || answer(stream, &page, &kept));
            }
        });
        Self { addr, visits }
    }

    /// Returns where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Returns an address at it.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    /// Returns the heads of all requests so far. A connection without a request is an empty one.
    ///
    /// # Panics
    /// Where one who kept them panicked.
    #[must_use]
    pub fn visits(&self) -> Vec<String> {
        self.visits.lock().expect("nobody panics with it").clone()
    }

    /// Waits until somebody has asked for a path, and returns the request's head.
    #[must_use]
    pub fn until_visit(&self, path: &str) -> String {
        wait::until(&format!("a visit to {path}"), || {
            self.visits()
                .into_iter()
                .find(|head| head.split(' ').nth(1).is_some_and(|target| target.starts_with(path)))
        })
    }
}

fn answer(mut stream: TcpStream, page: &str, visits: &Mutex<Vec<String>>) {
    // That somebody came is kept before anything else, since who came may say nothing.
    let place = {
        let mut visits = visits.lock().expect("nobody panics with it");
        visits.push(String::new());
        visits.len() - 1
    };
    if stream.set_read_timeout(Some(PATIENCE)).is_err() {
        return;
    }
    let (mut head, mut buffer) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|end| end == b"\r\n\r\n") && head.len() < HEAD_BYTES_MAX {
        match stream.read(&mut buffer) {
            Ok(read) if 0 < read => head.extend_from_slice(&buffer[..read]),
            _ => break,
        }
    }
    if let Some(visit) = visits.lock().expect("nobody panics with it").get_mut(place) {
        *visit = String::from_utf8_lossy(&head).into_owned();
    }
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\naccess-control-allow-origin: *\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{page}",
        page.len()
    );
    // Whoever asked may be gone.
    _ = stream.write_all(answer.as_bytes());
}
