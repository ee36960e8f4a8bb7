//! Which network addresses are the public web, and which are somebody's own machines.
//!
//! A page that may ask one of the latter can attack what listens there in the name of whoever looks at
//! it. So an address is public only if nothing speaks against it, also where it hides inside another one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Returns whether an address belongs to the public web.
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, d] = ip.octets();
    let is_special = match a {
        // This network, private networks, loopback.
        0 | 10 | 127 => true,
        // Addresses that a provider shares among customers (RFC 6598).
        100 => (64..128).contains(&b),
        169 => b == 254,
        172 => (16..32).contains(&b),
        // Protocol assignments, documentation, the old 6to4 relays, private networks. The two
        // addresses that are reachable within 192.0.0.0/24 are anycast and show no pages.
        192 => matches!((b, c), (0, 0 | 2) | (88, 99) | (168, _)),
        // Benchmarks and documentation.
        198 => matches!((b, c), (18 | 19, _) | (51, 100)),
        203 => (b, c) == (0, 113),
        // Multicast, reserved, broadcast.
        224.. => true,
        _ => false,
    };
    // What a cloud tells its own machines, outside of the link-local range.
    let is_metadata = (a, b, c, d) == (168, 63, 129, 16);
    !is_special && !is_metadata
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // Only 2000::/3 is given out for the web. Besides it there are the ways to say an IPv4 address.
    match segments {
        // NAT64: the last four bytes are the address that is reached.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        // 6to4: the address is in front.
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Protocol assignments: Teredo (which hides an address too), benchmarks, ORCHID.
        [0x2001, second, ..] if second < 0x200 => false,
        // Documentation.
        [0x2001, 0xdb8, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Addresses made of an IPv4 address by ISATAP, which end in it.
        [first, _, _, _, 0 | 0x200, 0x5efe, high, low] => {
            is_given_out(first) && is_public_v4(embedded(high, low))
        }
        // All else, with IPv4-mapped and -compatible addresses, loopback, NAT64 within a network
        // (64:ff9b:1::/48), discard, segment routing, unique local, link-local and multicast.
        [first, ..] => is_given_out(first),
    }
}

const fn is_given_out(first: u16) -> bool {
    first & 0xe000 == 0x2000
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    Ipv4Addr::new(a, b, c, d)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_web_is_public() {
        for ip in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "169.253.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "203.0.112.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "2001:4860:4860::8888",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
            "2001:200::1",
        ] {
            check(ip, true);
        }
    }

    #[test]
    fn what_is_somebodys_own_is_not_however_it_is_written() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "::127.0.0.1",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.1.2.3",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
            "2606:4700::5efe:7f00:1",
            "2606:4700::200:5efe:a00:1",
        ] {
            check(ip, false);
        }
    }

    proptest! {
        #[test]
        fn an_address_that_hides_one_of_ours_is_not_public(
            private in prop_oneof![
                (127u8..=127, any::<[u8; 3]>()), (10u8..=10, any::<[u8; 3]>()),
                (0u8..=0, any::<[u8; 3]>()), (224u8..=255, any::<[u8; 3]>()),
            ],
        ) {
            let (a, [b, c, d]) = private;
            let v4 = Ipv4Addr::new(a, b, c, d);
            let [high, low] = [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])];
            prop_assert!(!is_public(v4.into()));
            prop_assert!(!is_public(v4.to_ipv6_mapped().into()));
            prop_assert!(!is_public(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low).into()));
            prop_assert!(!is_public(Ipv6Addr::new(0x2002, high, low, 1, 2, 3, 4, 5).into()));
        }

        #[test]
        fn what_the_standard_library_calls_special_is_not_public(bits in any::<u32>()) {
            let ip = Ipv4Addr::from(bits);
            let special = ip.is_private() || ip.is_loopback() || ip.is_link_local()
                || ip.is_multicast() || ip.is_broadcast() || ip.is_documentation()
                || ip.is_unspecified();
            prop_assert!(!(special && is_public(ip.into())));
        }
    }

    fn check(ip: &str, expected: bool) {
        assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
    }
}
