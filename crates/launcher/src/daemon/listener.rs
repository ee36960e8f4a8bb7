//! Whose program listens: after a crash somebody else on this machine may have taken the port, and
//! must not be shown the token.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use oriel_link::Link;

use crate::platform;

const SUPERUSER: u32 = 0;

/// Refuses, with the reason, what somebody other than the owner of the data directory listens on.
///
/// # Errors
/// The reason, in words.
pub fn belongs_to_owner(link: &Link, data_dir: &Path) -> Result<(), String> {
    let Ok(expected) = platform::owner(data_dir) else { return Ok(()) };
    let (place, owners) = match link {
        Link::Tcp(addr) => (addr.to_string(), tcp_owners(*addr)),
        Link::Unix(path) => {
            (path.display().to_string(), platform::owner(path).into_iter().collect())
        }
        Link::InProcess(_) => return Ok(()),
    };
    match owners.into_iter().find(|&owner| owner != expected && owner != SUPERUSER) {
        Some(stranger) => Err(format!("user {stranger} listens on {place}, who is not its owner")),
        None => Ok(()),
    }
}

/// Returns the users that listen where a connection to `addr` may arrive. Only Linux tells; where
/// nothing is told the answer is empty.
fn tcp_owners(addr: SocketAddr) -> Vec<u32> {
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| owners_in(&table, addr))
        .collect()
}

/// Reads the kernel's table of sockets: number, local address, remote address, state (`0A` listens),
/// queues, timers, retransmits, user.
fn owners_in(table: &str, addr: SocketAddr) -> Vec<u32> {
    let listens = |line: &str| {
        let mut fields = line.split_whitespace().skip(1);
        let (ip, port) = fields.next()?.split_once(':')?;
        let state = fields.nth(1)?;
        let owner = fields.nth(3)?.parse().ok()?;
        let here =
            ip.bytes().all(|digit| digit == b'0') || hex(addr.ip()).iter().any(|own| own == ip);
        (state == "0A" && port == format!("{:04X}", addr.port()) && here).then_some(owner)
    };
    table.lines().filter_map(listens).collect()
}

/// Returns the forms that an address has in the tables: words of 32 bits in the machine's order.
fn hex(ip: IpAddr) -> Vec<String> {
    let words = |octets: &[u8]| -> String {
        let word = |four: &[u8]| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(four);
            format!("{:08X}", u32::from_ne_bytes(bytes))
        };
        octets.chunks_exact(4).map(word).collect()
    };
    match ip {
        IpAddr::V4(v4) => vec![words(&v4.octets()), words(&v4.to_ipv6_mapped().octets())],
        IpAddr::V6(v6) => vec![words(&v6.octets())],
    }
}

#[cfg(all(test, target_endian = "little"))]
mod tests {
    use super::*;

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:0C46 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000    33        0 2 1
   2: 0100007F:0C46 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1001        0 3 1
   3: 0200007F:0C46 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1002        0 4 1
";
    const TABLE_6: &str = "\
   0: 00000000000000000000000001000000:0C46 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1003 0 5 1
   1: 0000000000000000FFFF00000100007F:0C46 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1004 0 6 1
";

    #[test]
    fn only_listeners_at_the_address_count() {
        for (table, addr, owners) in [
            (TABLE, "127.0.0.1:3142", vec![1000]),
            (TABLE, "127.0.0.2:3142", vec![1002]),
            (TABLE, "127.0.0.1:80", vec![33]),
            (TABLE, "127.0.0.1:81", vec![]),
            (TABLE_6, "[::1]:3142", vec![1003]),
            (TABLE_6, "127.0.0.1:3142", vec![1004]),
            ("garbage\n\u{0}: : :", "127.0.0.1:1", vec![]),
        ] {
            assert_eq!(owners_in(table, addr.parse().unwrap()), owners, "{addr}");
        }
    }

    #[test]
    fn our_own_listener_is_no_stranger() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let link = Link::Tcp(listener.local_addr().unwrap());
        assert_eq!(belongs_to_owner(&link, folder.path()), Ok(()));
    }
}
