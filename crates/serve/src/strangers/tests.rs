//! Who is served when many come at once.

use std::net::TcpStream;

use farsight_transport::sys::poll_readable;
use farsight_transport::{ServerRole, ServerTransport};
use farsight_wire::handshake::{Role, VERSIONS, opening_frame};

use super::*;

const KIND: ServerKind = ServerKind::DebuggingServer;

/// Connections that a listener's queue in the system surely holds.
const QUEUE: usize = 120;

fn hello(name: &str) -> Vec<u8> {
    let hello = Hello {
        versions: VERSIONS,
        role: Role::DebuggingClient,
        product: "test".into(),
        identity: name.into(),
        resume: None,
    };
    [&PREAMBLE[..], &opening_frame(FrameKind::Hello, &hello).encode()].concat()
}

struct Door {
    listener: Listener,
    locks: Arc<Locks>,
    strangers: Strangers,
    /// Who was met, by name.
    met: Vec<String>,
    /// Kept open, as a server would.
    kept: Vec<Stream>,
}

impl Door {
    fn new() -> Door {
        Door::at("tcp:port=0")
    }

    fn at(transport: &str) -> Door {
        let transport = ServerTransport::parse(transport, ServerRole::DebuggingServer).unwrap();
        Door {
            listener: Listener::bind(&transport).unwrap(),
            locks: Arc::default(),
            strangers: Strangers::default(),
            met: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn knock(&self) -> TcpStream {
        TcpStream::connect(self.listener.local_addresses()[0]).unwrap()
    }

    /// As many as there may be, who say nothing.
    fn fill(&mut self) -> Vec<TcpStream> {
        let fill = |_| {
            let silent = self.knock();
            self.accept();
            silent
        };
        (0..MOST_STRANGERS).map(fill).collect()
    }

    fn accept(&mut self) {
        let accepted = self.strangers.accept(&self.listener, &self.locks, 0, KIND);
        assert!(accepted.rest_until.is_none() && self.strangers.waiting.len() <= MOST_STRANGERS);
        self.meet(accepted.met);
    }

    fn meet(&mut self, met: Vec<Met>) {
        for met in met {
            self.met.push(met.hello.identity);
            self.kept.push(met.stream);
        }
    }

    /// Does what servers do until so many were met.
    fn serve_until(&mut self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.met.len() < count {
            let full = self.strangers.full_until(Instant::now());
            let mut descriptors = self.listener.descriptors();
            if full.is_some() {
                descriptors.clear();
            }
            let listening = descriptors.len();
            descriptors.extend(self.strangers.descriptors());
            let until = full.into_iter().chain([deadline]).min().unwrap();
            let left = until.saturating_duration_since(Instant::now());
            let ready = poll_readable(&descriptors, Some(left)).unwrap();
            assert!(Instant::now() < deadline, "{} of {count} were met", self.met.len());
            let met = self.strangers.read(&ready[listening..], KIND);
            self.meet(met);
            if ready[..listening].contains(&true) {
                self.accept();
            }
        }
    }
}

#[test]
fn whoever_has_said_who_he_is_is_met_however_many_come_at_once() {
    let mut door = Door::new();
    let newcomers: Vec<TcpStream> = (0..QUEUE)
        .map(|number| {
            let mut stream = door.knock();
            stream.write_all(&hello(&number.to_string())).unwrap();
            stream
        })
        .collect();
    // Not all in one turn, for others wait as well.
    door.accept();
    assert_eq!(door.met.len(), AT_ONCE);
    door.serve_until(newcomers.len());
    let expected: Vec<String> = (0..newcomers.len()).map(|number| number.to_string()).collect();
    assert_eq!(door.met, expected);
}

#[test]
fn whoever_takes_a_moment_to_say_it_is_waited_for() {
    let mut door = Door::new();
    let mut silent = door.fill();
    let first = door.strangers.waiting[0].since;
    let mut late = door.knock();
    late.write_all(&hello("late")).unwrap();
    assert_eq!(door.strangers.full_until(first), Some(first + GRACE));
    assert_eq!(door.strangers.full_until(first + GRACE), None);
    // It is the oldest, which makes room for the next, and it has said it since anybody looked.
    silent[0].write_all(&hello("first")).unwrap();
    poll_readable(&[door.strangers.waiting[0].stream.as_fd()], None).unwrap();
    door.strangers.waiting[0].since = first.checked_sub(GRACE).unwrap();
    door.accept();
    assert_eq!(door.met, ["first", "late"]);
}

#[test]
fn those_who_stay_silent_make_room() {
    let mut door = Door::new();
    let mut silent = door.fill();
    silent.extend((1..QUEUE).map(|_| door.knock()));
    let mut late = door.knock();
    late.write_all(&hello("late")).unwrap();
    door.serve_until(1);
    assert_eq!(door.met, ["late"]);
    drop(silent);
}

/// A repeater may hold it until a client is there.
#[test]
fn who_was_called_may_be_silent_and_speaks_in_time_once_he_has_begun() {
    let client = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut door = Door::at(&format!(
        "tcp:port={},clicon=127.0.0.1",
        client.local_addr().unwrap().port()
    ));
    let (mut called, _) = client.accept().unwrap();
    poll_readable(&door.listener.descriptors(), None).unwrap();
    door.accept();
    assert_eq!((door.strangers.waiting.len(), door.strangers.deadline()), (1, None));
    let opening = hello("late");
    called.write_all(&opening[..1]).unwrap();
    poll_readable(&door.strangers.descriptors().collect::<Vec<_>>(), None).unwrap();
    assert!(door.strangers.read(&[true], KIND).is_empty());
    let left = door.strangers.deadline().unwrap().duration_since(Instant::now());
    assert!(left <= FIRST_FRAME_TIME && left > FIRST_FRAME_TIME / 2);
    called.write_all(&opening[1..]).unwrap();
    door.serve_until(1);
    assert_eq!(door.met, ["late"]);
}

/// An opening that wants to guess a password.
fn guess() -> Vec<u8> {
    let mut opening = [&SECURE[..], b"\x52\x00\x02A", &[0; 0x50]].concat();
    opening[SECURE.len() + 3] = b'A';
    opening
}

/// Who waits for a try is polled for its end, and is gone with it, or when it says anything before it is answered.
#[test]
fn who_waits_for_a_try_is_there_and_silent() {
    let mut door = Door::at("tcp:port=0,password=x");
    door.locks = Arc::new(door.listener.locks(false));
    let knock = |door: &mut Door| {
        let mut guessing = door.knock();
        guessing.write_all(&guess()).unwrap();
        poll_readable(&door.listener.descriptors(), None).unwrap();
        door.accept();
        guessing
    };
    let hear = |door: &mut Door| {
        let ready = poll_readable(&door.strangers.descriptors().collect::<Vec<_>>(), Some(GRACE)).unwrap();
        let met = door.strangers.read(&ready, KIND);
        door.meet(met);
        ready
    };
    let place = Place::of(&farsight_transport::Peer::Tcp("127.0.0.1:1".parse().unwrap()));
    // No try is earned before then, however long this takes.
    let later = Instant::now() + Duration::from_secs(3600);
    while door.strangers.attempts.take(&place, later).is_ok() {}
    let (silent, gone, mut early) = (knock(&mut door), knock(&mut door), knock(&mut door));
    while door
        .strangers
        .waiting
        .iter()
        .filter(|stranger| stranger.is_held())
        .count()
        < 3
    {
        hear(&mut door);
    }
    drop(gone);
    early.write_all(b"x").unwrap();
    while door.strangers.waiting.len() > 1 {
        assert!(hear(&mut door).contains(&true));
    }
    // And there is nothing to do until there is a try, which is when it is answered.
    assert_eq!(hear(&mut door), [false]);
    for _ in 0..8 {
        door.strangers.attempts.give_back(&place, Instant::now());
    }
    assert!(door.strangers.deadline().unwrap() <= Instant::now());
    assert!(door.strangers.read(&[false], KIND).is_empty());
    poll_readable(&[silent.as_fd()], None).unwrap();
    assert_eq!((&silent).read(&mut [0; 8]).unwrap(), 8);
}
