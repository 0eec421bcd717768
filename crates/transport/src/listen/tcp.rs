//! Binding TCP: both families on one port, ranges in order, any free port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use crate::connection_string::{BindAddress, Ports};
use crate::error::ConnectError;
use crate::sys;

/// How often another free port is asked for when the other family has the first one taken.
const ATTEMPTS: usize = 32;

/// What is to be bound.
pub(crate) struct Plan {
    pub(crate) ports: Ports,
    pub(crate) bind: BindAddress,
    pub(crate) only_ipv6: bool,
}

impl Plan {
    /// Whether only this machine can connect.
    pub(crate) fn is_loopback(&self) -> bool {
        self.addresses()
            .iter()
            .all(|address| address.to_canonical().is_loopback())
    }

    /// Binds every address on the first port that all of them have free.
    pub(crate) fn bind(&self) -> Result<(Vec<TcpListener>, u16), ConnectError> {
        let attempts = if self.ports.first() == 0 { ATTEMPTS } else { 1 };
        let tries = self.ports.iter().flat_map(|port| std::iter::repeat_n(port, attempts));
        let mut taken = None;
        for port in tries {
            match self.bind_all(port) {
                Ok(bound) => return Ok(bound),
                Err((address, source)) if source.kind() == io::ErrorKind::AddrInUse => {
                    taken = Some(ConnectError::PortInUse {
                        address: address.ip(),
                        ports: self.ports,
                        source,
                    });
                }
                Err((address, source)) => return Err(ConnectError::Listen { address, source }),
            }
        }
        // The iterator gives at least one port, so an answer exists; the fallback keeps this free of panics.
        Err(taken.unwrap_or_else(|| ConnectError::PortInUse {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: self.ports,
            source: io::ErrorKind::AddrInUse.into(),
        }))
    }

    fn bind_all(&self, wanted: u16) -> Result<(Vec<TcpListener>, u16), (SocketAddr, io::Error)> {
        let mut port = wanted;
        let mut bound = Vec::new();
        let mut absent = None;
        let addresses = self.addresses();
        for ip in addresses {
            let address = SocketAddr::new(ip, port);
            match sys::listen_tcp(address).map(TcpListener::from) {
                Ok(listener) => {
                    port = listener.local_addr().map_err(|error| (address, error))?.port();
                    bound.push(listener);
                }
                Err(error) if family_is_absent(&error) => absent = Some((address, error)),
                Err(error) => return Err((address, error)),
            }
        }
        match absent {
            // A machine without IPv6 (or without IPv4) is served by what it has.
            Some(error) if bound.is_empty() => Err(error),
            _ => Ok((bound, port)),
        }
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let both = match self.bind {
            BindAddress::Loopback => [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            BindAddress::All => [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
            BindAddress::Address(address) => return vec![address],
        };
        both.into_iter()
            .filter(|address| address.is_ipv6() || !self.only_ipv6)
            .collect()
    }
}

fn family_is_absent(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(libc::EAFNOSUPPORT | libc::EADDRNOTAVAIL | libc::EPROTONOSUPPORT)
    )
}
