//! Pins: names that go to an address that the command line gives, and to no other.
//!
//! A pin stands outside the rule on addresses, because whoever starts the program set it and no page can.
//! It is how tests reach pages without a public network.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// One name and port, and where they lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pin {
    /// In lower case, as a page's address has it.
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) address: SocketAddr,
}

/// What was given is no pin.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{given}` is no pin; write NAME:PORT:ADDRESS, where the address may end in a port of its own"
)]
pub(crate) struct PinError {
    given: String,
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(given: &str) -> Result<Self, PinError> {
        parse(given).ok_or_else(|| PinError { given: given.to_owned() })
    }
}

fn parse(given: &str) -> Option<Pin> {
    let (name, rest) = given.split_once(':')?;
    let (port, address) = rest.split_once(':')?;
    let port = port.parse().ok()?;
    let address = match address.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) => address.parse().ok()?,
    };
    (!name.is_empty()).then(|| Pin { name: name.to_ascii_lowercase(), port, address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_a_name_a_port_and_an_address() {
        let pin: Pin = "Page.Example:80:127.0.0.1:4000".parse().unwrap();
        assert_eq!((pin.name.as_str(), pin.port), ("page.example", 80));
        assert_eq!(pin.address, "127.0.0.1:4000".parse().unwrap());
        let same_port: Pin = "a:443:::1".parse().unwrap();
        assert_eq!(same_port.address, "[::1]:443".parse().unwrap());
    }

    #[test]
    fn what_is_no_pin_is_refused_with_the_form_of_one() {
        for given in ["", "a", "a:80", "a:x:127.0.0.1", ":80:127.0.0.1", "a:80:b", "a:99999:::1"] {
            let refused = given.parse::<Pin>().unwrap_err().to_string();
            assert!(refused.contains("NAME:PORT:ADDRESS"), "{given}: {refused}");
        }
    }
}
