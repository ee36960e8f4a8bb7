//! The proxy as a client meets it: over real connections, with names that a test makes up.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// Names that say that they are of this machine.
struct Loopback;

impl Resolve for Loopback {
    async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)])
    }
}

#[tokio::test]
async fn a_request_reaches_a_server_as_if_there_were_no_proxy() {
    let server = Server::start(
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: x-own\r\nx-own: 1\r\n\r\nhi",
    )
    .await;
    let proxy = Started::new(&[("a.example", 80, server.address)]).await;
    let answer = proxy
        .ask("GET http://me@a.example/x?y HTTP/1.1\r\nhost: wrong\r\nproxy-connection: keep-alive\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\n\r\nhi"), "{answer}");
    assert!(!answer.contains("x-own"), "{answer}");
    let asked = server.asked();
    assert!(asked.starts_with("GET /x?y HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("host: a.example\r\n") && !asked.contains("proxy-"), "{asked}");
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways() {
    let server = Server::start("pong").await;
    let proxy = Started::new(&[("a.example", 443, server.address)]).await;
    let answer = proxy.ask_then("CONNECT a.example:443 HTTP/1.1\r\n", b"ping\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("pong"), "{answer}");
    assert_eq!(server.asked(), "ping\r\n\r\n");
}

#[tokio::test]
async fn a_websocket_over_a_plain_request_is_joined() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\nframes";
    let server = Server::start(switch).await;
    let proxy = Started::new(&[("a.example", 80, server.address)]).await;
    let answer = proxy
        .ask("GET http://a.example/ws HTTP/1.1\r\nupgrade: websocket\r\nconnection: upgrade\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 101") && answer.ends_with("frames"), "{answer}");
    assert!(server.asked().contains("upgrade: websocket"), "{}", server.asked());
}

#[tokio::test]
async fn nobody_is_connected_to_what_is_not_public() {
    let witness = Server::start("").await;
    let port = witness.address.port();
    let proxy = Started::new(&[]).await;
    for (request, status) in [
        (format!("GET http://127.0.0.1:{port}/ HTTP/1.1\r\n"), ""),
        (format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n"), "403"),
        ("GET http://127.0.0.1/ HTTP/1.1\r\n".into(), ""),
        ("GET http://[::1]:8080/ HTTP/1.1\r\n".into(), ""),
        ("CONNECT [::1]:443 HTTP/1.1\r\n".into(), "403"),
        ("CONNECT rebound.example:443 HTTP/1.1\r\n".into(), "403"),
        ("GET http://rebound.example/ HTTP/1.1\r\n".into(), ""),
        ("GET ftp://rebound.example/ HTTP/1.1\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\nhost: rebound.example\r\n".into(), "400"),
    ] {
        let answer = proxy.ask(&request).await;
        assert_eq!(answer.split(' ').nth(1).unwrap_or_default(), status, "{request}: {answer}");
    }
    assert_eq!(witness.asked(), "", "nobody came");
    let refused = proxy.refused.lock().unwrap();
    assert_eq!(refused.len(), 7, "{refused:?}");
    assert!(refused.contains(&"https rebound.example:443 NotPublic".to_owned()), "{refused:?}");
}

#[tokio::test]
async fn who_has_no_credential_gets_nowhere() {
    let server = Server::start("HTTP/1.1 200 OK\r\n\r\n").await;
    let proxy = Started::new(&[("a.example", 80, server.address)]).await;
    for credential in ["", "Proxy-Authorization: Basic b3JpZWw6\r\n", "Authorization: Basic x\r\n"]
    {
        for request in ["GET http://a.example/", "CONNECT a.example:80", "CONNECT 127.0.0.1:80"] {
            let answer = proxy
                .send(&format!("{request} HTTP/1.1\r\nconnection: close\r\n{credential}\r\n"), b"")
                .await;
            assert!(answer.starts_with("HTTP/1.1 407"), "{request} {credential}: {answer}");
        }
    }
    assert_eq!(server.asked(), "");
}

#[tokio::test]
async fn a_head_without_end_is_refused() {
    let proxy = Started::new(&[]).await;
    let long =
        format!("GET http://a.example/ HTTP/1.1\r\nx: {}\r\n", "x".repeat(HEAD_BYTES_MAX * 2));
    let answer = proxy.ask(&long).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[tokio::test]
async fn what_hangs_up_or_talks_nonsense_is_answered_for() {
    for nonsense in ["", "nonsense\r\n\r\n", "HTTP/1.1 999"] {
        let server = Server::start(nonsense).await;
        let proxy = Started::new(&[("a.example", 80, server.address)]).await;
        let answer = proxy.ask("GET http://a.example/ HTTP/1.1\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 502"), "{nonsense:?}: {answer}");
    }
}

#[tokio::test]
async fn the_engines_first_request_is_answered_with_nothing_and_only_the_first() {
    let proxy = Started::new(&[]).await;
    let own = format!("GET http://{}/ HTTP/1.1\r\n", proxy.address);
    let unasked = proxy.send(&format!("{own}connection: close\r\n\r\n"), b"").await;
    assert!(unasked.starts_with("HTTP/1.1 407"), "{unasked}");
    for status in ["204", "", ""] {
        let answer = proxy.ask(&own).await;
        assert_eq!(answer.split(' ').nth(1).unwrap_or_default(), status, "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_poses_as_a_proxy_is_not_believed() {
    let says =
        "HTTP/1.1 407 Who\r\nproxy-authenticate: Basic realm=\"a\"\r\ncontent-length: 0\r\n\r\n";
    let server = Server::start(says).await;
    let proxy = Started::new(&[("a.example", 80, server.address)]).await;
    let answer = proxy.ask("GET http://a.example/ HTTP/1.1\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502") && !answer.contains("authenticate"), "{answer}");
}

/// A proxy that runs.
struct Started {
    address: SocketAddr,
    authorization: String,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Started {
    async fn new(pins: &[(&str, u16, SocketAddr)]) -> Self {
        let pins = pins
            .iter()
            .map(|&(name, port, address)| Pin { name: name.into(), port, address })
            .collect();
        let refused = Arc::new(Mutex::new(Vec::new()));
        let list = Arc::clone(&refused);
        let on_refused = Box::new(move |refused: Refused| {
            let Refused { scheme, host, port, why } = refused;
            list.lock().unwrap().push(format!("{scheme} {host}:{port} {why:?}"));
        });
        let proxy = Proxy::bind(pins, Loopback, on_refused, Box::new(|| ())).await.unwrap();
        let (address, authorization) = (proxy.address, proxy.shared.authorization.clone());
        assert_eq!(proxy.uri(), format!("http://oriel:{}@{address}", proxy.credential));
        tokio::spawn(proxy.serve());
        Self { address, authorization, refused }
    }

    async fn ask(&self, head: &str) -> String {
        self.ask_then(head, b"").await
    }

    async fn ask_then(&self, head: &str, then: &[u8]) -> String {
        let authorization = &self.authorization;
        let close = if head.contains("upgrade") { "" } else { "connection: close\r\n" };
        self.send(&format!("{head}{close}proxy-authorization: {authorization}\r\n\r\n"), then).await
    }

    /// Sends a head, and something else once it is answered, and returns all that came back.
    async fn send(&self, head: &str, then: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        // Who is refused half-way through does not read the rest.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        if !then.is_empty() {
            answer.resize(1024, 0);
            let read = stream.read(&mut answer).await.unwrap();
            answer.truncate(read);
            stream.write_all(then).await.unwrap();
        }
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }
}

/// A server that says one thing to all who ask, and keeps what it was asked.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<String>>,
}

impl Server {
    async fn start(says: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(String::new()));
        let list = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut heard = vec![];
                while !heard.ends_with(b"\r\n\r\n")
                    && stream.read_buf(&mut heard).await.unwrap() > 0
                {}
                list.lock().unwrap().push_str(str::from_utf8(&heard).unwrap());
                stream.write_all(says.as_bytes()).await.unwrap();
            }
        });
        Self { address, asked }
    }

    fn asked(&self) -> String {
        self.asked.lock().unwrap().clone()
    }
}
