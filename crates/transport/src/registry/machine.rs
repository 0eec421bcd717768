//! Whether a name means this machine, whose servers can be listed.

use std::net::{IpAddr, ToSocketAddrs, UdpSocket};

use crate::connection_string::Host;
use crate::{dial, sys};

/// Whether a name or address is this machine's: its name, short or in full, `localhost`, or one of its addresses.
///
/// A resolver is asked only for a name that begins as this machine's own does and goes on with a domain.
pub fn is_this_machine(machine: &Host) -> bool {
    means(machine, sys::host_name().as_deref(), &|name| {
        let addresses = (name, 0).to_socket_addrs();
        addresses.into_iter().flatten().map(|address| address.ip()).collect()
    })
}

fn means(machine: &Host, own: Option<&str>, resolve: &dyn Fn(&str) -> Vec<IpAddr>) -> bool {
    if dial::is_this_machine(machine, own) {
        return true;
    }
    let name = machine.as_str();
    if let Ok(address) = name.parse() {
        return is_own_address(address);
    }
    let first = |name: &str| name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let begins_alike = own.is_some_and(|own| first(own) == first(name));
    begins_alike && resolve(name).into_iter().any(is_own_address)
}

/// Only an address of this machine's own can be bound.
fn is_own_address(address: IpAddr) -> bool {
    !address.is_unspecified() && !address.is_multicast() && UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known_by_its_names_and_addresses() {
        let resolve = |name: &str| -> Vec<IpAddr> {
            match name {
                "box17.lan" => vec!["127.0.1.1".parse().unwrap()],
                // An address out of the documentation's range, which no machine has.
                "box17.elsewhere" => vec!["192.0.2.77".parse().unwrap()],
                "box17.nowhere" => Vec::new(),
                other => panic!("a resolver was asked for {other}"),
            }
        };
        let is_ours = |name: &str| means(&Host::new(name).unwrap(), Some("box17"), &resolve);
        for name in [
            "box17",
            "BOX17",
            "\\\\box17",
            "box17.lan",
            "localhost",
            ".",
            "127.0.0.1",
            "::1",
            "127.9.9.9",
        ] {
            assert!(is_ours(name), "{name}");
        }
        for name in [
            "box18",
            "box18.lan",
            "box17.elsewhere",
            "box17.nowhere",
            "192.0.2.77",
            "0.0.0.0",
            "224.0.0.1",
            "box",
        ] {
            assert!(!is_ours(name), "{name}");
        }
    }
}
