//! Everything stays on this machine: with all that the daemon does going on, it has no connection to
//! anything but the loopback device.

use std::collections::HashSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use oriel_tests::history;
use oriel_tests::script::{Agent, Script, Way};
use oriel_tests::{Daemon, Launch};

#[test]
fn with_everything_on_there_is_no_connection_but_to_loopback() {
    let daemon = Launch::new().set("archive.enabled", "true").start();
    let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let found = std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut elsewhere = HashSet::new();
            while !done.load(Ordering::Relaxed) {
                elsewhere.extend(sockets(daemon.pid()).into_iter().filter(|end| !end.is_here()));
                looks.fetch_add(1, Ordering::Relaxed);
            }
            elsewhere
        });
        work(&daemon);
        done.store(true, Ordering::Relaxed);
        watching.join().unwrap()
    });
    assert!(found.is_empty(), "{found:?}");
    assert!(looks.into_inner() > 10, "it was looked at again and again");
}

#[test]
fn a_connection_is_seen_where_there_is_one() {
    let daemon = Daemon::start();
    let connection = daemon.connect();
    oriel_tests::wait::until("the connection to be seen", || {
        let ends = sockets(daemon.pid());
        ends.iter().any(|end| end.port != 0 && end.is_here()).then_some(())
    });
    drop(connection);
    let far = End { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), port: 443 };
    assert!(!far.is_here());
    assert_eq!(end("0100007F:1F90"), Some(End { address: Ipv4Addr::LOCALHOST.into(), port: 8080 }));
    let six = end("00000000000000000000000001000000:0050").unwrap();
    assert_eq!((six.address, six.port), (Ipv6Addr::LOCALHOST.into(), 80));
}

/// Has the daemon do all that it can: import, watch, archive, take hooks and exports, answer.
fn work(daemon: &Daemon) {
    let claude = Script::of(Agent::Claude);
    let codex = Script::of(Agent::Codex);
    let made = history::write(&daemon.home().path(".claude/projects"), 4, 100_000);
    for script in [&claude, &codex] {
        assert!(script.write_history(daemon, script.histories()).exists());
        script.tell(daemon, Way::Hooks);
        script.tell(daemon, Way::Export);
        script.tell(daemon, Way::History);
    }
    let mut stream = daemon.stream("/api/stream");
    oriel_tests::wait::until("all of the histories to be read", || {
        let totals = daemon.get("/api/reports?by=day&tz=UTC").json()["totals"].clone();
        let asked = claude.requests().count() + codex.requests().count();
        (totals["requests"] == made.requests + asked as u64).then_some(())
    });
    daemon.store(&oriel_tests::events::event("one more"));
    assert!(stream.next().is_some());
    for target in ["/api/prices", "/api/budgets", "/api/search?q=marmots", "/metrics"] {
        let _answer = daemon.get(target);
    }
    daemon.verify();
}

/// The other end of a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct End {
    address: IpAddr,
    port: u16,
}

impl End {
    /// Returns whether it is on this machine, or nowhere since the socket only listens.
    fn is_here(self) -> bool {
        let is_loopback = match self.address {
            IpAddr::V6(six) => six.to_canonical().is_loopback(),
            IpAddr::V4(four) => four.is_loopback(),
        };
        is_loopback || (self.address.is_unspecified() && self.port == 0)
    }
}

/// Returns the other ends of the TCP and UDP sockets that a process has.
fn sockets(pid: u32) -> Vec<End> {
    let process = Path::new("/proc").join(pid.to_string());
    let Ok(open) = fs::read_dir(process.join("fd")) else { return Vec::new() };
    let own: HashSet<String> = open
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .filter_map(|target| {
            let target = target.to_str()?.to_owned();
            Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
        })
        .collect();
    let mut ends = Vec::new();
    for table in ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"] {
        // A kernel without IPv6 has no table of it.
        let text = fs::read_to_string(process.join("net").join(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            if words.get(9).is_some_and(|inode| own.contains(*inode)) {
                ends.extend(end(words[2]));
            }
        }
    }
    ends
}

/// Reads an address as the kernel writes it: words of four bytes in the machine's order.
fn end(text: &str) -> Option<End> {
    let (address, port) = text.split_once(':')?;
    let mut bytes = Vec::new();
    for word in 0..address.len() / 8 {
        let word = u32::from_str_radix(address.get(8 * word..8 * word + 8)?, 16).ok()?;
        bytes.extend(word.to_ne_bytes());
    }
    let address = match <[u8; 16]>::try_from(bytes.as_slice()) {
        Ok(six) => IpAddr::from(six),
        Err(_) => IpAddr::from(<[u8; 4]>::try_from(bytes.as_slice()).ok()?),
    };
    Some(End { address, port: u16::from_str_radix(port, 16).ok()? })
}
