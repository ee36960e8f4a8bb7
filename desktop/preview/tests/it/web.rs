//! The web of a test: one server of pages, and a witness on every address of this machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::wait::PATIENCE;

/// A server that answers with whatever a function makes of a path.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    /// The paths that were asked for.
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
    reports: Receiver<Value>,
}

/// A page with a title.
pub(crate) fn page(title: &str, body: &str) -> String {
    let content = format!("<!doctype html><meta charset=utf-8><title>{title}</title><body>{body}");
    answer("200 OK", "content-type: text/html\r\n", &content)
}

/// An answer, with more headers.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

impl Site {
    pub(crate) fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it has an address");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (report, reports) = channel();
        let (list, answer) = (Arc::clone(&asked), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (list, report, answer) =
                    (Arc::clone(&list), report.clone(), Arc::clone(&answer));
                // A page that hangs up early has nothing to be told.
                thread::spawn(move || serve(stream, &list, &report, &*answer));
            }
        });
        Self { address, asked, reports }
    }

    /// What the page found, once it has tried everything.
    pub(crate) fn report(&self) -> Value {
        self.reports.recv_timeout(PATIENCE).expect("the page reports")
    }
}

fn serve(
    stream: TcpStream,
    asked: &Mutex<Vec<String>>,
    reports: &Sender<Value>,
    answers: &dyn Fn(&str) -> String,
) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    asked.lock().expect("no test has failed").push(path.clone());
    let said = if path == "/report" {
        let _ = reports.send(serde_json::from_slice(&body).ok()?);
        answer("204 No Content", "", "")
    } else {
        answers(&path)
    };
    reader.get_mut().write_all(said.as_bytes()).ok()
}

/// Listens on every address of this machine at one port, and keeps who came.
pub(crate) struct Witness {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    pub(crate) fn start() -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let first = TcpListener::bind("0.0.0.0:0").expect("there is a port");
        let port = first.local_addr().expect("it has an address").port();
        // A machine without IPv6 has no such address that anybody could reach.
        let second = TcpListener::bind((Ipv6Addr::LOCALHOST, port)).ok();
        for listener in [Some(first), second].into_iter().flatten() {
            let seen = Arc::clone(&seen);
            thread::spawn(move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    let mut heard = [0; 64];
                    let count = stream.read(&mut heard).unwrap_or(0);
                    let said = String::from_utf8_lossy(heard.get(..count).unwrap_or_default());
                    seen.lock().expect("no test has failed").push(said.into_owned());
                    let open = "access-control-allow-origin: *\r\n";
                    let _ = stream.write_all(answer("200 OK", open, "got through").as_bytes());
                }
            });
        }
        let datagrams = UdpSocket::bind(("0.0.0.0", port)).expect("the port is free for datagrams");
        let list = Arc::clone(&seen);
        thread::spawn(move || {
            while datagrams.recv_from(&mut [0; 64]).is_ok() {
                list.lock().expect("no test has failed").push("a datagram".to_owned());
            }
        });
        Self { port, seen }
    }

    /// Who came, after somebody came who may: so the witness was awake all the time.
    pub(crate) fn seen(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(b"the test itself").expect("it reads");
        let mut said = Vec::new();
        stream.read_to_end(&mut said).expect("it answers");
        let mut seen = self.seen.lock().expect("no test has failed").clone();
        assert_eq!(seen.pop().as_deref(), Some("the test itself"));
        seen
    }
}
