//! Who may be connected to: the rule on ports and addresses, and the connection itself.
//!
//! Judging and connecting are one step over one address. There is no way to ask for a verdict alone, so
//! nothing can come between the two.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::pin::Pin;
use oriel_bridge::address::is_public;

/// The ports of the web. Others belong to services that a page has no business with.
const PORTS: [u16; 4] = [80, 443, 8080, 8443];

/// A name without an answer by then has none.
const RESOLVE_WAIT: Duration = Duration::from_secs(10);

/// An address that does not take the connection by then does not.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// So many addresses of a name are tried. What has more has enough that do not answer.
const ADDRESSES_MAX: usize = 4;

/// Names to addresses.
pub(crate) trait Resolve: Send + Sync + 'static {
    /// All addresses of a name.
    fn resolve(&self, name: &str) -> impl Future<Output = io::Result<Vec<IpAddr>>> + Send;
}

/// The system's own names, with whatever its files and servers say.
#[derive(Debug)]
pub(crate) struct SystemNames;

impl Resolve for SystemNames {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Why nobody is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// Every address of the name is one of this machine or its network.
    #[error("the address is of this machine or its network, and only public ones are opened")]
    NotPublic,
    /// The port is none of the web's.
    #[error("the port is none of 80, 443, 8080 and 8443")]
    Port,
    /// There is no such name.
    #[error("the name has no address")]
    NoName,
    /// Nobody took the connection.
    #[error("nobody answers at this address")]
    Unreachable,
}

impl Refusal {
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotPublic | Self::Port => StatusCode::FORBIDDEN,
            Self::NoName | Self::Unreachable => StatusCode::BAD_GATEWAY,
        }
    }

    /// Whether the rule refused, and not the network.
    pub(crate) fn by_rule(self) -> bool {
        matches!(self, Self::NotPublic | Self::Port)
    }
}

/// The rule, and what it needs to judge.
pub(crate) struct Rule<R> {
    pub(crate) pins: Vec<Pin>,
    pub(crate) names: R,
}

impl<R: Resolve> Rule<R> {
    /// Connects to a host and port, or says why not.
    pub(crate) async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, Refusal> {
        if let Some(pin) = self.pins.iter().find(|pin| pin.name == host && pin.port == port) {
            return dial(pin.address).await.ok_or(Refusal::Unreachable);
        }
        for address in self.judged(host, port).await? {
            let Some(stream) = dial(address).await else { continue };
            // A machine may have a public address itself. What it serves there may be meant for itself.
            if stream.local_addr().is_ok_and(|local| local.ip() == address.ip()) {
                return Err(Refusal::NotPublic);
            }
            return Ok(stream);
        }
        Err(Refusal::Unreachable)
    }

    /// The addresses of a host that may be connected to. There is at least one.
    async fn judged(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Refusal> {
        // Whoever wants something of this machine is told so, whatever the port.
        let known = host.parse::<IpAddr>().ok();
        if is_own_name(host) || known.is_some_and(|address| !is_public(address)) {
            return Err(Refusal::NotPublic);
        }
        if !PORTS.contains(&port) {
            return Err(Refusal::Port);
        }
        let found = match known {
            Some(address) => vec![address],
            None => match timeout(RESOLVE_WAIT, self.names.resolve(host)).await {
                Ok(Ok(found)) if !found.is_empty() => found,
                _ => return Err(Refusal::NoName),
            },
        };
        let public = found.into_iter().filter(|address| is_public(*address));
        let judged: Vec<_> =
            public.take(ADDRESSES_MAX).map(|address| SocketAddr::new(address, port)).collect();
        if judged.is_empty() { Err(Refusal::NotPublic) } else { Ok(judged) }
    }
}

/// Whether a name is set apart for this machine, whatever its own files say.
fn is_own_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost")
}

async fn dial(address: SocketAddr) -> Option<TcpStream> {
    let stream = timeout(CONNECT_WAIT, TcpStream::connect(address)).await.ok()?.ok()?;
    // A page's requests are small and wait for each other; where this fails they are a little slower.
    let _ = stream.set_nodelay(true);
    Some(stream)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Names(&'static [&'static str]);

    impl Resolve for Names {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            Ok(self.0.iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_or_its_network_is_refused() {
        for addresses in
            [&["127.0.0.1"][..], &["::1"], &["10.0.0.1", "fe80::1"], &["::ffff:127.0.0.1"]]
        {
            check(addresses, "rebound.example", 80, Err(Refusal::NotPublic)).await;
        }
        check(&[], "nobody.example", 80, Err(Refusal::NoName)).await;
    }

    #[tokio::test]
    async fn of_a_name_with_addresses_of_both_kinds_only_the_public_ones_are_tried() {
        let both = &["127.0.0.1", "1.1.1.1", "192.168.0.1", "2606:4700::1111"];
        check(both, "both.example", 443, Ok(&["1.1.1.1:443", "[2606:4700::1111]:443"])).await;
    }

    #[tokio::test]
    async fn an_address_is_judged_as_a_name_is() {
        for host in ["127.0.0.1", "::1", "169.254.169.254", "0.0.0.0", "::ffff:7f00:1"] {
            check(&["1.1.1.1"], host, 80, Err(Refusal::NotPublic)).await;
        }
        check(&["127.0.0.1"], "1.1.1.1", 8080, Ok(&["1.1.1.1:8080"])).await;
    }

    #[tokio::test]
    async fn ports_that_are_none_of_the_webs_are_refused() {
        for port in [0, 22, 25, 81, 631, 3142, 5432, 6379, 65535] {
            check(&["1.1.1.1"], "a.example", port, Err(Refusal::Port)).await;
        }
        for port in PORTS {
            let address: &'static str = format!("1.1.1.1:{port}").leak();
            check(&["1.1.1.1"], "a.example", port, Ok(&[address])).await;
        }
    }

    #[tokio::test]
    async fn the_systems_names_for_this_machine_are_refused_however_they_are_written() {
        let rule = Rule { pins: Vec::new(), names: SystemNames };
        for host in
            ["localhost", "localhost.", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0"]
        {
            let judged = rule.judged(host, 80).await;
            let refused = matches!(judged, Err(Refusal::NotPublic | Refusal::NoName));
            assert!(refused, "{host}: {judged:?}");
        }
    }

    #[tokio::test]
    async fn a_pin_leads_to_its_address_for_its_name_and_port_alone() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pin = Pin { name: "pinned.example".into(), port: 80, address };
        let rule = Rule { pins: vec![pin], names: Names(&["127.0.0.1"]) };
        assert_eq!(rule.connect("pinned.example", 80).await.unwrap().peer_addr().unwrap(), address);
        for (host, port) in [("pinned.example", 443), ("a.pinned.example", 80), ("127.0.0.1", 80)] {
            assert_eq!(rule.connect(host, port).await.unwrap_err(), Refusal::NotPublic, "{host}");
        }
    }

    async fn check(
        addresses: &'static [&'static str],
        host: &str,
        port: u16,
        expected: Result<&[&str], Refusal>,
    ) {
        let rule = Rule { pins: Vec::new(), names: Names(addresses) };
        let expected = expected.map(|expected| {
            expected.iter().map(|address| address.parse().unwrap()).collect::<Vec<SocketAddr>>()
        });
        assert_eq!(rule.judged(host, port).await, expected, "{host}:{port} of {addresses:?}");
    }
}
