//! Listeners on real sockets: both families, ranges, leftovers, refusals.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use super::*;
use crate::connection_string::{ClientRole, PipeName, ServerRole};
use crate::{ConnectError, dial};

/// A directory of its own for one test, removed at the end.
pub(crate) struct TestDirectory(PathBuf);

impl TestDirectory {
    pub(crate) fn new() -> TestDirectory {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("farsight-transport-{}-{number}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        TestDirectory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const LONG: Duration = Duration::from_secs(20);

fn bind(text: &str) -> Result<Listener, ConnectError> {
    Listener::bind(&ServerTransport::parse(text, ServerRole::ProcessServer).unwrap())
}

fn name(text: &str) -> PipeName {
    let transport = ClientTransport::parse(&format!("npipe:server=.,pipe={text}"), ClientRole::SmartClient).unwrap();
    let crate::ClientEndpoint::Pipe { name, .. } = transport.endpoint else {
        panic!("no pipe")
    };
    name
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// Says a word in each direction between a dialled stream and what the listener accepts for it.
fn talk(listener: &Listener, client: &Stream) -> Peer {
    let (server, peer) = listener.accept().unwrap();
    for (mut from, mut to) in [(client, &server), (&server, client)] {
        from.write_all(b"word").unwrap();
        let mut word = [0; 4];
        to.set_read_timeout(Some(LONG)).unwrap();
        to.read_exact(&mut word).unwrap();
        assert_eq!(&word, b"word");
    }
    peer
}

#[test]
fn tcp_serves_both_loopback_addresses_on_one_free_port() {
    let listener = bind("tcp:port=0").unwrap();
    let addresses = listener.local_addresses();
    let port = addresses[0].port();
    assert!(
        port != 0
            && addresses
                .iter()
                .all(|address| address.port() == port && address.ip().is_loopback())
    );
    assert_eq!(addresses.len(), if has_ipv6() { 2 } else { 1 });
    assert_eq!(listener.transport().to_string(), format!("tcp:Port={port}"));
    for address in addresses {
        let text = format!("tcp:server={},port={port}", address.ip());
        let client = dial(&ClientTransport::parse(&text, ClientRole::SmartClient).unwrap(), LONG).unwrap();
        let Peer::Tcp(peer) = talk(&listener, &client) else {
            panic!("not tcp")
        };
        assert_eq!(peer.ip(), address.ip());
    }
    let client = listener.client_transport(&Host::this_machine()).unwrap();
    assert_eq!(client.to_string(), format!("tcp:Port={port},Server=localhost"));
    talk(&listener, &dial(&client, LONG).unwrap());
}

#[test]
fn no_socket_starves_the_other() {
    let listener = bind("tcp:port=0").unwrap();
    let addresses = listener.local_addresses();
    let clients: Vec<_> = [0, 0, addresses.len() - 1]
        .into_iter()
        .map(|index| std::net::TcpStream::connect(addresses[index]).unwrap())
        .collect();
    let first_two: Vec<IpAddr> = (0..2)
        .map(|_| match listener.accept().unwrap() {
            (_, Peer::Tcp(peer)) => peer.ip(),
            (_, other) => panic!("{other}"),
        })
        .collect();
    assert!(first_two.contains(&addresses[addresses.len() - 1].ip()));
    drop(clients);
}

#[test]
fn a_range_takes_the_first_port_that_both_families_have_free() {
    // Take a port in one family only; a range over it and its neighbours has to pass it by.
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let refused = bind(&format!("tcp:port={port}")).unwrap_err();
    assert!(matches!(refused, ConnectError::PortInUse { .. }), "{refused}");
    let last = port.saturating_add(50);
    let listener = bind(&format!("tcp:port={port}:{last}")).unwrap();
    let found = listener.local_addresses()[0].port();
    assert!(found > port && found <= last);
    assert!(listener.local_addresses().iter().all(|address| address.port() == found));
}

#[test]
fn a_port_of_a_listener_is_refused_and_free_again_after_it() {
    let listener = bind("tcp:port=0").unwrap();
    let text = listener.transport().to_string();
    assert!(matches!(bind(&text).unwrap_err(), ConnectError::PortInUse { .. }));
    drop(listener);
    bind(&text).unwrap();
}

#[test]
fn other_machines_are_served_only_when_the_string_says_so() {
    for text in [
        "tcp:port=0,server=*",
        "tcp:port=0,server=0.0.0.0",
        "tcp:port=0,server=::",
    ] {
        let refused = bind(text).unwrap_err();
        assert!(matches!(refused, ConnectError::Unprotected { .. }), "{refused}");
        assert!(refused.to_string().contains("insecure"));
    }
    let listener = bind("tcp:port=0,server=*,insecure").unwrap();
    assert!(
        listener
            .local_addresses()
            .iter()
            .all(|address| address.ip().is_unspecified())
    );
    bind("tcp:port=0,server=127.0.0.1").unwrap();
    // An address out of the documentation's range, which no machine has.
    let absent = bind("tcp:port=0,server=192.0.2.77,insecure").unwrap_err();
    assert!(matches!(absent, ConnectError::Listen { .. }), "{absent}");
}

#[test]
fn one_ip_version_can_be_asked_for() {
    if has_ipv6() {
        let listener = bind("tcp:port=0,ipversion=6").unwrap();
        assert!(listener.local_addresses().iter().all(SocketAddr::is_ipv6));
    }
    let listener = bind("tcp:port=0,server=127.0.0.1").unwrap();
    assert!(listener.local_addresses().iter().all(SocketAddr::is_ipv4));
}

#[test]
fn an_outer_poll_can_drive_a_listener() {
    let listener = bind("tcp:port=0").unwrap();
    assert!(listener.accept_ready().unwrap().is_none());
    let client = std::net::TcpStream::connect(listener.local_addresses()[0]).unwrap();
    let ready = sys::poll_readable(&listener.descriptors(), Some(LONG)).unwrap();
    assert_eq!(ready.iter().filter(|ready| **ready).count(), 1);
    assert!(listener.accept_ready().unwrap().is_some());
    assert!(listener.accept_ready().unwrap().is_none());
    drop(client);
}

#[test]
fn a_pipe_serves_its_user_and_goes_with_its_listener() {
    let listener = bind("npipe:pipe=farsight-test-%x-%d").unwrap();
    let client = listener.client_transport(&Host::localhost()).unwrap();
    let process = std::process::id();
    assert!(
        client
            .to_string()
            .starts_with(&format!("npipe:Pipe=farsight-test-{process:x}-")),
        "{client}"
    );
    let Peer::Pipe { process: peer, uid } = talk(&listener, &dial(&client, LONG).unwrap()) else {
        panic!("not a pipe")
    };
    assert_eq!((peer.0, uid), (process, sys::effective_uid()));
    drop(listener);
    let gone = dial(&client, LONG).unwrap_err();
    assert!(matches!(gone, ConnectError::NoSuchPipe { .. }), "{gone}");
}

#[test]
fn strangers_are_not_served_at_a_pipe() {
    assert!(may_connect(1000, 1000) && may_connect(0, 1000));
    assert!(!may_connect(1001, 1000) && !may_connect(1000, 0));
}

#[test]
fn a_live_pipe_name_is_refused_and_stays_unharmed() {
    let directory = TestDirectory::new();
    let pipe = pipe::PipeListener::bind(directory.path(), &name("rabbit")).unwrap();
    let refused = pipe::PipeListener::bind(directory.path(), &name("rabbit")).unwrap_err();
    assert!(matches!(refused, ConnectError::PipeInUse { .. }), "{refused}");
    UnixStream::connect(directory.path().join("rabbit.pipe")).unwrap();
    pipe::PipeListener::bind(directory.path(), &name("tiger")).unwrap();
    drop(pipe);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_leftovers_of_a_dead_server_give_way() {
    let directory = TestDirectory::new();
    let socket = directory.path().join("rabbit.pipe");
    drop(UnixListener::bind(&socket).unwrap());
    std::fs::write(directory.path().join("rabbit.lock"), "").unwrap();
    let _pipe = pipe::PipeListener::bind(directory.path(), &name("rabbit")).unwrap();
    UnixStream::connect(&socket).unwrap();
}

#[test]
fn a_new_server_clears_away_what_dead_ones_of_other_names_left() {
    let directory = TestDirectory::new();
    let path = |file: &str| directory.path().join(file);
    let living = pipe::PipeListener::bind(directory.path(), &name("living")).unwrap();
    for dead in ["dead", "de.ad", "no-socket"] {
        std::fs::write(path(&format!("{dead}.lock")), "").unwrap();
        if dead != "no-socket" {
            drop(UnixListener::bind(path(&format!("{dead}.pipe"))).unwrap());
        }
    }
    // What is no pipe of ours stays.
    for file in ["odd.lock", "odd.pipe", "lonely.pipe", "7.sock"] {
        std::fs::write(path(file), "").unwrap();
    }
    std::fs::create_dir(path("folder.lock")).unwrap();
    std::os::unix::fs::symlink(path("7.sock"), path("link.lock")).unwrap();
    let _new = pipe::PipeListener::bind(directory.path(), &name("new")).unwrap();
    let files = std::fs::read_dir(directory.path()).unwrap();
    let mut files: Vec<String> = files
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files.join(" "),
        "7.sock folder.lock link.lock living.lock living.pipe lonely.pipe new.lock new.pipe odd.lock odd.pipe"
    );
    drop(living);
}

#[test]
fn servers_that_begin_and_sweep_at_once_do_not_hinder_each_other() {
    let directory = TestDirectory::new();
    let path = directory.path();
    std::thread::scope(|scope| {
        for number in 0..4 {
            scope.spawn(move || {
                for _ in 0..50 {
                    // As a server leaves it that is killed.
                    let own = name(&format!("own-{number}"));
                    std::fs::write(path.join(format!("own-{number}.lock")), "").unwrap();
                    let bound = pipe::PipeListener::bind(path, &own);
                    drop(bound.unwrap_or_else(|error| panic!("{error}")));
                }
            });
        }
    });
}

#[test]
fn a_pipe_name_that_no_socket_can_have_is_refused_clearly() {
    let directory = TestDirectory::new();
    let refused = pipe::PipeListener::bind(directory.path(), &name(&"x".repeat(120))).unwrap_err();
    assert!(matches!(refused, ConnectError::PipeNameTooLong { .. }), "{refused}");
    let fits = sys::SOCKET_PATH_LIMIT - directory.path().as_os_str().len() - "/.pipe".len();
    pipe::PipeListener::bind(directory.path(), &name(&"x".repeat(fits))).unwrap();
    let refused = pipe::PipeListener::bind(directory.path(), &name(&"x".repeat(fits + 1))).unwrap_err();
    assert!(matches!(refused, ConnectError::PipeNameTooLong { .. }), "{refused}");
}

#[test]
fn what_this_build_lacks_is_refused_at_bind() {
    let refused = bind("tcp:port=0,IcfEnable");
    assert!(matches!(refused, Err(ConnectError::NotInThisBuild { .. })));
}
