//! Where the daemon is, and what it makes of a message.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use oriel_link::Link;
use oriel_runtime::settings::Flag;

use super::Message;
use super::http::{self, Place, Post};
use crate::{daemon, platform};
use oriel_daemon::Surroundings;

/// The daemon's default port.
const PORT: u16 = 3142;

/// Whom to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    place: Place,
    /// What comes before every path.
    prefix: String,
    /// The token, where the daemon asks hooks for it.
    token: Option<String>,
}

/// What became of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    /// The daemon has it.
    Taken,
    /// It is at fault itself, and would be refused again.
    Refused(String),
    /// Nobody took it; it is to be told again later.
    Unanswered(String),
}

impl Target {
    /// Finds the daemon: where a flag or the environment says, else where it last said it is, else
    /// where the settings put it.
    pub(super) fn find(
        url: Option<&str>,
        flags: &[Flag],
        surroundings: &Surroundings,
    ) -> Result<Self, String> {
        let variable = |name: &str| surroundings.environment.get(name).map(String::as_str);
        let given = url.or_else(|| variable("ORIEL_URL")).or_else(|| variable("AGENTMONITOR_URL"));
        if let Some(url) = given.map(str::trim).filter(|url| !url.is_empty()) {
            return Self::read(url);
        }
        let data_dir = surroundings.locate(flags).map_err(|error| error.to_string())?.data_dir;
        if let Ok(Some(health)) = daemon::health::read(&data_dir) {
            let addr = health.addr.as_deref().and_then(|addr| addr.parse::<SocketAddr>().ok());
            let socket = health.socket.as_deref();
            if let Some(target) = Self::told(addr, socket, &data_dir) {
                return Ok(target);
            }
        }
        let Ok(resolved) = surroundings.resolve(flags) else {
            return Ok(Self::plain(Place::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)))));
        };
        let listen = resolved.config.listen;
        let addr = Some(SocketAddr::from((listen.host, listen.port)))
            // The system chose the port, and nobody says which.
            .filter(|addr| addr.port() != 0);
        let socket = listen.socket.and_then(|path| path.to_str().map(str::to_owned));
        Self::told(addr, socket.as_deref(), &data_dir)
            .ok_or_else(|| "nothing says where the daemon listens".to_owned())
    }

    /// Returns a daemon that listens there. One that other machines reach asks hooks for the token,
    /// which only the owner of the data directory is shown.
    fn told(addr: Option<SocketAddr>, socket: Option<&str>, data_dir: &Path) -> Option<Self> {
        match (addr, socket) {
            (Some(addr), _) if addr.ip().to_canonical().is_loopback() => {
                Some(Self::plain(Place::Tcp(addr)))
            }
            (_, Some(socket)) => {
                let place = Place::Unix(socket.into());
                let token = addr.and_then(|_| token(&Link::Unix(socket.into()), data_dir));
                Some(Self { token, ..Self::plain(place) })
            }
            (Some(addr), None) if addr.ip().is_unspecified() => {
                let loopback: IpAddr = match addr {
                    SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
                };
                let addr = SocketAddr::from((loopback, addr.port()));
                let token = token(&Link::Tcp(addr), data_dir);
                Some(Self { token, ..Self::plain(Place::Tcp(addr)) })
            }
            _ => None,
        }
    }

    fn plain(place: Place) -> Self {
        Self { place, prefix: String::new(), token: None }
    }

    /// Reads an address as people write it: `http://host:port`, `host:port` or `unix:/path`.
    fn read(url: &str) -> Result<Self, String> {
        let refuse = || format!("cannot use {url:?}; an address is http://HOST:PORT or unix:PATH");
        if let Some(path) = url.strip_prefix("unix:") {
            return Ok(Self::plain(Place::Unix(path.trim_start_matches("//").into())));
        }
        let rest = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(refuse()),
            None => url,
        };
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = path.trim_end_matches('/');
        let prefix = if prefix.is_empty() { String::new() } else { format!("/{prefix}") };
        let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_graphic());
        if host.is_empty() || !is_plain(host) || !is_plain(&prefix) || host.contains('@') {
            return Err(refuse());
        }
        let place = match host.parse::<SocketAddr>() {
            Ok(addr) => Place::Tcp(addr),
            Err(_) => {
                match (host.rsplit_once(':'), host.trim_matches(['[', ']']).parse::<IpAddr>()) {
                    (_, Ok(ip)) => Place::Tcp(SocketAddr::from((ip, 80))),
                    (Some((name, port)), _) => {
                        Place::Name(name.to_owned(), port.parse().map_err(|_| refuse())?)
                    }
                    (None, _) => Place::Name(host.to_owned(), 80),
                }
            }
        };
        Ok(Self { prefix, ..Self::plain(place) })
    }
}

/// Tells the daemon, and waits for its answer no longer than the deadline.
pub(super) fn within(deadline: Instant, target: &Target, message: &Message) -> Delivery {
    let path = match message.agent.as_str() {
        "events" => "/api/events".to_owned(),
        agent => format!("/api/hooks/{agent}"),
    };
    let mut headers = format!("x-oriel-at: {}\r\n", message.at);
    if let Some(token) = &target.token {
        headers.push_str(&format!("{}: {token}\r\n", oriel_wire::control::AUTHTOK_HEADER));
    }
    let place = target.place.clone();
    let path = format!("{}{path}", target.prefix);
    let post = Post { path, headers, body: message.body.clone() };
    let (told, heard) = mpsc::channel();
    // A thread of its own: looking up a name, and connecting to a socket whose owner is busy, know
    // no deadline.
    std::thread::spawn(move || {
        // Nobody listens any more where it took too long.
        _ = told.send(http::post(&place, &post, deadline));
    });
    match heard.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(Ok((status, answer))) => judge(status, &answer),
        Ok(Err(error)) => Delivery::Unanswered(error.to_string()),
        Err(_) => Delivery::Unanswered("the daemon did not answer in time".to_owned()),
    }
}

/// Tells from the answer whether the message is at fault. What is said of the request and not of
/// the body, such as that there is no such address, is no fault of the message.
fn judge(status: u16, answer: &str) -> Delivery {
    match status {
        200..=299 => Delivery::Taken,
        400 | 413 | 415 | 422 => Delivery::Refused(format!("status {status} {answer}")),
        _ => Delivery::Unanswered(format!("status {status}")),
    }
}

fn token(link: &Link, data_dir: &Path) -> Option<String> {
    daemon::listener::belongs_to_owner(link, data_dir).ok()?;
    let text = platform::read_private(&data_dir.join("authtok"), data_dir).ok()?;
    let token = text.trim().to_owned();
    (!token.is_empty() && token.chars().all(|c| c.is_ascii_alphanumeric())).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_write_it() {
        let tcp = |text: &str| Place::Tcp(text.parse().unwrap());
        for (url, place, prefix) in [
            ("http://127.0.0.1:3142", tcp("127.0.0.1:3142"), ""),
            ("http://127.0.0.1:3142/", tcp("127.0.0.1:3142"), ""),
            ("HTTP://[::1]:9/x/y/", tcp("[::1]:9"), "/x/y"),
            ("127.0.0.1:1", tcp("127.0.0.1:1"), ""),
            ("http://localhost:3142", Place::Name("localhost".to_owned(), 3142), ""),
            ("http://box", Place::Name("box".to_owned(), 80), ""),
            ("unix:/run/oriel.sock", Place::Unix("/run/oriel.sock".into()), ""),
        ] {
            let target = Target::read(url).unwrap();
            assert_eq!((target.place, target.prefix.as_str()), (place, prefix), "{url}");
        }
        for url in [
            "https://box:1",
            "http://",
            "http://a b:1",
            "http://a:port",
            "http://u@h:1",
            "x\r\ny:1",
        ] {
            assert!(Target::read(url).is_err(), "{url:?}");
        }
    }

    #[test]
    fn only_a_fault_of_the_body_drops_it() {
        assert_eq!(judge(201, ""), Delivery::Taken);
        assert!(matches!(judge(400, "{}"), Delivery::Refused(_)));
        for status in [301, 401, 403, 404, 408, 429, 500, 503, 507] {
            assert!(matches!(judge(status, ""), Delivery::Unanswered(_)), "{status}");
        }
    }

    #[test]
    fn what_other_machines_reach_is_asked_on_this_one() {
        let folder = tempfile::tempdir().unwrap();
        let told = |addr: &str, socket| {
            Target::told(Some(addr.parse().unwrap()), socket, folder.path()).map(|to| to.place)
        };
        assert_eq!(told("0.0.0.0:5", None), Some(Place::Tcp("127.0.0.1:5".parse().unwrap())));
        assert_eq!(told("[::]:5", None), Some(Place::Tcp("[::1]:5".parse().unwrap())));
        assert_eq!(told("10.0.0.1:5", Some("/s")), Some(Place::Unix("/s".into())));
        assert_eq!(told("10.0.0.1:5", None), None);
    }
}
