//! The ways to a server: each transport, with a secret or without, and repeaters between.

use std::any::Any;
use std::process::Command;

use super::scratch::unique;
use super::{Repeater, Scratch};
use crate::{Cable, CablePlan, programs};

/// How clients come to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// TCP in clear.
    Tcp,
    /// A Unix pipe.
    Pipe,
    /// TCP with a key that the server has drawn.
    Key,
    /// A Unix pipe with a password.
    Password,
    /// TLS over TCP, the server known by its certificate.
    Tls,
    /// TLS over a Unix pipe, with a password inside.
    SecurePipe,
    /// A serial cable.
    Serial,
    /// A repeater that changes the transport.
    Repeater,
    /// Two repeaters in a row, with a key from end to end.
    Repeaters,
}

/// What stands between a client and a server; it goes with the server.
#[derive(Debug)]
pub(super) struct Between(
    #[expect(dead_code, reason = "dropping it ends what stands between")] Vec<Box<dyn Any + Send>>,
);

const PASSWORD: &str = "password=Swordfish";

impl Way {
    /// All of them.
    pub const ALL: [Way; 9] = [
        Way::Tcp,
        Way::Pipe,
        Way::Key,
        Way::Password,
        Way::Tls,
        Way::SecurePipe,
        Way::Serial,
        Way::Repeater,
        Way::Repeaters,
    ];

    /// As a word.
    pub fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }

    /// Whether a server needs a program that has TLS.
    pub(super) fn is_tls(self) -> bool {
        matches!(self, Way::Tls | Way::SecurePipe)
    }

    /// Starts a server that `start` starts at a transport and that prints a connection string, and what stands between; the
    /// server, and what a client gives.
    pub(super) fn serve<S>(self, start: impl FnOnce(&str) -> (S, String)) -> (S, String, Between) {
        let pipe = || format!("npipe:pipe={}", unique("farsight-test"));
        let with_password = |printed: &str| printed.replace("Password=*", PASSWORD);
        match self {
            Way::Tcp => plain(start("tcp:port=0")),
            Way::Pipe => plain(start(&pipe())),
            Way::Key => plain(start("tcp:port=0,key=new")),
            Way::Password => {
                let (server, printed) = start(&format!("{},{PASSWORD}", pipe()));
                plain((server, with_password(&printed)))
            }
            Way::Tls | Way::SecurePipe => {
                let home = Scratch::new();
                let certificate = certificate(&home);
                let transport = match self {
                    Way::Tls => format!("ssl:certuser={certificate},port=0"),
                    _ => format!("s{},certuser={certificate},{PASSWORD}", pipe().trim_start_matches('n')),
                };
                let (server, printed) = start(&transport);
                let string = with_password(&printed);
                (server, string, Between(vec![Box::new(home)]))
            }
            Way::Serial => {
                let cable = Cable::new(CablePlan::default());
                let (server, _) = start(&cable.transport(0, 4_000_000, 3));
                let string = cable.transport(1, 4_000_000, 3);
                (server, string, Between(vec![Box::new(cable)]))
            }
            Way::Repeater => {
                let (server, printed) = start(&pipe());
                let repeater = Repeater::start_persistent(&printed, "tcp:port=0");
                let string = repeater.connection().to_owned();
                (server, string, Between(vec![Box::new(repeater)]))
            }
            Way::Repeaters => {
                let (server, printed) = start("tcp:port=0,key=new");
                let (hop, key) = printed.rsplit_once(",Key=").expect("a key");
                let near = Repeater::start_persistent(hop, &pipe());
                let far = Repeater::start_persistent(near.connection(), "tcp:port=0");
                let string = format!("{},key={key}", far.connection());
                (server, string, Between(vec![Box::new(far), Box::new(near)]))
            }
        }
    }
}

fn plain<S>((server, printed): (S, String)) -> (S, String, Between) {
    (server, printed, Between(Vec::new()))
}

/// The path of a certificate of its own.
fn certificate(home: &Scratch) -> String {
    let made = Command::new(programs::farsight())
        .args(["-makecert", "box"])
        .env("XDG_CONFIG_HOME", home.path())
        .output()
        .expect("farsight");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    home.path().join("farsight/certs/box.pem").display().to_string()
}
