//! Which addresses are public: the rule that keeps pages away from this machine and its neighbours.
//!
//! The rule names what is refused in the terms of the registries of special addresses, and for IPv6 it
//! starts from the one block that is given out for the public network. What holds an IPv4 address inside
//! itself is judged by that one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is one of the public network, and so none of this machine, its network or a test.
pub(crate) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)            // this network, private, loopback
            | (100, 64..=127, _)      // shared by a provider's customers
            | (169, 254, _)           // link-local, where clouds keep their metadata
            | (172, 16..=31, _)       // private
            | (192, 0, 0 | 2)         // protocol assignments, documentation
            | (192, 88, 99)           // relays between IPv4 and IPv6
            | (192, 168, _)           // private
            | (198, 18 | 19, _)       // measurements between networks
            | (198, 51, 100)          // documentation
            | (203, 0, 113)           // documentation
            | (224..=255, ..) // many at once, reserved, everyone
    );
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inside) = address.to_ipv4_mapped() {
        return is_public_v4(inside);
    }
    match address.segments() {
        // Networks with IPv6 alone reach IPv4 addresses under this prefix.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Tunnels and protocol assignments, documentation, 6to4, documentation again.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => {
            false
        }
        [first, ..] => (0x2000..=0x3fff).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_public_network_are_public() {
        for address in
            ["1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.0.1"]
                .into_iter()
                .chain(["172.32.0.1", "192.0.1.1", "198.17.0.1", "198.20.0.1", "223.255.255.255"])
                .chain(["2606:4700::1111", "2001:4860:4860::8888", "2a00::1", "::ffff:1.1.1.1"])
                .chain(["64:ff9b::1.1.1.1", "2001:200::1"])
        {
            check(address, true);
        }
    }

    #[test]
    fn addresses_of_this_machine_and_its_neighbours_are_not_public() {
        for address in ["0.0.0.0", "0.1.2.3", "10.0.0.1", "127.0.0.1", "127.255.255.254"]
            .into_iter()
            .chain(["100.64.0.1", "100.127.255.255", "169.254.169.254", "172.16.0.1"])
            .chain(["172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1"])
            .chain(["198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1"])
            .chain(["240.0.0.1", "255.255.255.255", "::", "::1", "fc00::1", "fd12::1", "fe80::1"])
            .chain(["fec0::1", "ff02::1", "2001:db8::1", "2001::1", "2001:10::1", "2002:7f00:1::"])
            .chain(["3fff::1", "4000::1", "5f00::1", "100::1", "::127.0.0.1", "::ffff:127.0.0.1"])
            .chain(["::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::10.1.2.3", "64:ff9b:1::1"])
        {
            check(address, false);
        }
    }

    fn check(address: &str, public: bool) {
        assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
    }
}
