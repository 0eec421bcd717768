//! The repeater `dbengprx`: passes bytes between clients and a server that cannot reach each other, and understands none
//! of them.
//!
//! One thread and one wait for everything; each client gets a connection to the server of its own. What is silent costs
//! nothing but its descriptors. The one thing that is asked of the bytes is how many there are: a connection that ends
//! in its opening exchange, as those of strangers and refused clients do, was no session, and ends no repeater.
//! Read [`Repeater::run`] first, then `pair.rs`.

mod clients;
pub mod options;
mod pair;
mod servers;

use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

use farsight_transport::sys::{EndSignals, Epoll, Event, Report};
use farsight_transport::{ConnectError, Stream};

use self::clients::Clients;
use self::options::Hops;
use self::pair::{End, Pair};
use self::servers::{Called, Servers};

/// Clients at a time; others wait in the system's queue. Two descriptors each stay below what a process usually has.
const MOST_CLIENTS: usize = 400;

/// Servers that have called and wait for clients, at a time.
const MOST_SERVERS: usize = 16;

/// How long nothing is accepted after accepting failed.
const REST: Duration = Duration::from_millis(100);

/// How long a client whose server has ended may be silent and not end as well, before it is cut off.
const LINGERING: Duration = Duration::from_secs(5);

/// Bytes that are read at once.
const PIECE: usize = 128 << 10;

/// What an event is about; connections have the numbers behind these, two for each place.
const SIGNAL: u64 = 0;
const CLIENTS: u64 = 1;
const SERVERS: u64 = 2;
const PLACES: u64 = 16;

/// A repeater that is bound.
pub struct Repeater {
    hops: Hops,
    clients: Clients,
    servers: Servers,
    set: Epoll,
    places: Vec<Place>,
    /// Places of pairs that have something to do.
    busy: VecDeque<usize>,
    /// Whether new connections are waited for: clients', servers'.
    listens: [bool; 2],
    /// Nothing is accepted until then, for accepting has failed.
    rests_until: Option<Instant>,
    /// A session went through it.
    had_session: bool,
    /// A client that was called has come.
    had_called_client: bool,
    buffer: Vec<u8>,
    /// What was told last of failures.
    told: String,
}

/// A connection, or two.
enum Place {
    Free,
    /// A client whose server is being called.
    Calling(Stream),
    /// One side that waits for the other to come.
    Waiting(End, Stream),
    Pair {
        pair: Box<Pair>,
        is_busy: bool,
        /// Its server has ended and its client has not: it is cut off then.
        lingers_until: Option<Instant>,
    },
}

impl Place {
    fn lingers_until(&self) -> Option<Instant> {
        match self {
            Place::Pair { lingers_until, .. } => *lingers_until,
            _ => None,
        }
    }
}

impl Repeater {
    /// Binds both hops; nothing passes before [`Repeater::run`].
    pub fn bind(hops: Hops) -> Result<Repeater, ConnectError> {
        let text = hops.clients.to_string();
        let servers = Servers::bind(&hops.server)?;
        let clients = Clients::bind(&hops.clients)?;
        Ok(Repeater {
            hops,
            clients,
            servers,
            set: Epoll::new().map_err(|source| ConnectError::NoMeans { text, source })?,
            places: Vec::new(),
            busy: VecDeque::new(),
            listens: [false; 2],
            rests_until: None,
            had_session: false,
            had_called_client: false,
            buffer: vec![0; PIECE],
            told: String::new(),
        })
    }

    /// The one line for the people who use it.
    pub fn greeting(&self) -> String {
        let server = match &self.servers {
            Servers::Awaited(awaiting) => format!("  Its server calls port {}.", awaiting.port()),
            Servers::Called(_) => String::new(),
        };
        let does = match self.clients.are_called {
            true => "are called when they wait with this",
            false => "connect with this",
        };
        let string = self.clients.client_string();
        format!("Repeater started.{server}  Clients {does} behind -remote or -premote: {string}")
    }

    /// Whether what it calls is itself.
    pub fn leads_to_itself(&self) -> bool {
        self.clients
            .listener()
            .is_some_and(|listener| options::leads_back(&self.hops.server, listener))
    }

    /// Passes bytes until it shall end: by a signal, or when all connections of its session have. Failures to reach
    /// somebody are told, each once in a row.
    pub fn run(mut self, signals: &EndSignals, tell: &mut dyn FnMut(&str)) -> io::Result<()> {
        self.set.add(signals, SIGNAL, Report::WhileReadable)?;
        let mut events = Vec::new();
        while !self.is_over() {
            self.call_client(tell);
            self.listen()?;
            self.set.wait(&mut events, self.time_to_wait())?;
            for event in &events {
                match event.token {
                    SIGNAL => return Ok(()),
                    CLIENTS => self.take_clients(tell),
                    SERVERS => self.take_servers(tell),
                    place => self.note(place - PLACES, *event),
                }
            }
            self.pass();
        }
        Ok(())
    }

    /// Whether all connections have ended that there will be.
    fn is_over(&self) -> bool {
        let came = self.had_session || self.had_called_client;
        !self.hops.persists && came && self.connections() == 0
    }

    fn connections(&self) -> usize {
        self.places.iter().filter(|place| !matches!(place, Place::Free)).count()
    }

    /// Waiting connections of one side.
    fn waiting(&self, side: End) -> impl Iterator<Item = usize> {
        let places = self.places.iter().enumerate();
        let is_it = move |place: &Place| matches!(place, Place::Waiting(end, _) if *end == side);
        places.filter(move |(_, place)| is_it(place)).map(|(index, _)| index)
    }

    fn time_to_wait(&self) -> Option<Duration> {
        if !self.busy.is_empty() {
            return Some(Duration::ZERO);
        }
        let lingering = self.places.iter().filter_map(Place::lingers_until);
        let resting = self.rests_until.into_iter().chain(self.clients.rests_until());
        let until = lingering.chain(resting).min()?;
        Some(until.saturating_duration_since(Instant::now()))
    }

    /// Calls a client where that is what it takes: at the beginning, and when another may come. Where the server calls as
    /// well, it comes first, for clients do not wait long for an answer.
    fn call_client(&mut self, tell: &mut dyn FnMut(&str)) {
        if !self.clients.are_called {
            return;
        }
        self.clients.get_up();
        let has_server = match self.servers {
            Servers::Called(_) => self.connections() == 0,
            Servers::Awaited(_) => self.waiting(End::Server).next().is_some(),
        };
        if !has_server || (self.had_called_client && !self.hops.persists) {
            return self.stop_calling();
        }
        match self.clients.call() {
            Ok(true) => self.listens[0] = false,
            Ok(false) => {}
            Err(error) => self.tell(tell, &error),
        }
    }

    fn stop_calling(&mut self) {
        if self.clients.is_calling() {
            self.clients.hang_up();
            self.listens[0] = false;
        }
    }

    /// Waits for new connections as long as there is room for them.
    fn listen(&mut self) -> io::Result<()> {
        self.rests_until = self.rests_until.filter(|until| *until > Instant::now());
        let has_room = self.rests_until.is_none() && self.connections() < MOST_CLIENTS;
        let takes_servers = match self.servers {
            Servers::Called(_) => true,
            Servers::Awaited(_) => self.rests_until.is_none() && self.waiting(End::Server).count() < MOST_SERVERS,
        };
        let sides = [
            (CLIENTS, has_room, self.clients.descriptors()),
            (SERVERS, takes_servers, self.servers.descriptors()),
        ];
        for ((token, wanted, descriptors), listens) in sides.into_iter().zip(&mut self.listens) {
            if *listens == wanted || descriptors.is_empty() {
                continue;
            }
            for descriptor in descriptors {
                match wanted {
                    true => self.set.add(descriptor, token, Report::WhileReadable)?,
                    false => self.set.remove(descriptor)?,
                }
            }
            *listens = wanted;
        }
        Ok(())
    }

    fn take_clients(&mut self, tell: &mut dyn FnMut(&str)) {
        while self.connections() < MOST_CLIENTS {
            match self.clients.take() {
                Ok(Some(stream)) => self.meet_client(stream, tell),
                Ok(None) => return,
                Err(_) => {
                    self.rests_until = Some(Instant::now() + REST);
                    return;
                }
            }
        }
    }

    fn meet_client(&mut self, client: Stream, tell: &mut dyn FnMut(&str)) {
        if self.clients.are_called {
            self.had_called_client = true;
            self.listens[0] = false;
        }
        match &self.servers {
            Servers::Called(caller) => {
                let place = free_place(&mut self.places);
                match caller.call(place, self.clients.are_called) {
                    Ok(()) => self.put(place, Place::Calling(client)),
                    Err(error) => self.tell(tell, &error),
                }
            }
            Servers::Awaited(_) => self.meet(End::Client, client),
        }
    }

    fn take_servers(&mut self, tell: &mut dyn FnMut(&str)) {
        loop {
            match &self.servers {
                Servers::Called(caller) => match caller.take() {
                    Some(called) => self.meet_called(called, tell),
                    None => return,
                },
                Servers::Awaited(awaiting) => match awaiting.accept_ready() {
                    Ok(Some(stream)) => self.meet(End::Server, stream),
                    Ok(None) => return,
                    Err(_) => {
                        self.rests_until = Some(Instant::now() + REST);
                        return;
                    }
                },
            }
        }
    }

    /// A server has been called for a client.
    fn meet_called(&mut self, called: Called, tell: &mut dyn FnMut(&str)) {
        let client = match self.take_out(called.client) {
            Place::Calling(client) => client,
            other => return self.put(called.client, other),
        };
        match called.result {
            Ok(server) => {
                self.told.clear();
                self.pair(called.client, client, server);
            }
            // No word to the client: whatever it was would be taken for the server's.
            Err(error) => {
                self.tell(tell, &error);
                self.clients.rest();
            }
        }
    }

    /// A side has come by itself: it finds its other, or waits for it.
    fn meet(&mut self, side: End, stream: Stream) {
        let other = self.waiting(side.other()).next();
        let Some((place, other)) = other.map(|place| (place, self.take_out(place))) else {
            let place = free_place(&mut self.places);
            let token = token(place, side);
            // One whose end cannot be noticed is not kept.
            if self.set.add(&stream, token, Report::Ends).is_ok() {
                self.put(place, Place::Waiting(side, stream));
            }
            return;
        };
        if let Place::Waiting(_, other) = other {
            let (client, server) = match side {
                End::Client => (stream, other),
                End::Server => (other, stream),
            };
            // It was waited with in another way.
            let _ = self.set.remove(if side == End::Client { &server } else { &client });
            self.pair(place, client, server);
        }
    }

    fn pair(&mut self, place: usize, client: Stream, server: Stream) {
        let joined = client
            .set_nonblocking(true)
            .and_then(|()| server.set_nonblocking(true))
            .and_then(|()| self.set.add(&client, token(place, End::Client), Report::Changes))
            .and_then(|()| self.set.add(&server, token(place, End::Server), Report::Changes));
        if joined.is_ok() {
            let pair = Box::new(Pair::new(client, server));
            let pair = Place::Pair {
                pair,
                is_busy: true,
                lingers_until: None,
            };
            self.put(place, pair);
            self.busy.push_back(place);
        }
    }

    /// Notes what has happened to a connection.
    fn note(&mut self, number: u64, event: Event) {
        let place = usize::try_from(number / 2).unwrap_or(usize::MAX);
        let end = if number.is_multiple_of(2) {
            End::Client
        } else {
            End::Server
        };
        match self.places.get_mut(place) {
            Some(Place::Pair { pair, is_busy, .. }) => {
                pair.note(end, event);
                if !std::mem::replace(is_busy, true) {
                    self.busy.push_back(place);
                }
            }
            // It went away before its other came.
            Some(waiting @ Place::Waiting(..)) => *waiting = Place::Free,
            Some(Place::Free | Place::Calling(_)) | None => {}
        }
    }

    /// Gives every pair that has something to do its turn, and those that linger their end.
    fn pass(&mut self) {
        let now = Instant::now();
        for index in 0..self.places.len() {
            let late = self.places.get(index).and_then(Place::lingers_until);
            if late.is_some_and(|until| until <= now) {
                self.part(index);
            }
        }
        for _ in 0..self.busy.len() {
            let Some(index) = self.busy.pop_front() else { return };
            let Some(Place::Pair {
                pair,
                is_busy,
                lingers_until,
            }) = self.places.get_mut(index)
            else {
                continue;
            };
            *is_busy = pair.pass(&mut self.buffer);
            *lingers_until = pair.server_has_ended().then(|| now + LINGERING);
            if pair.is_over() {
                self.part(index);
            } else if *is_busy {
                self.busy.push_back(index);
            }
        }
    }

    /// Ends a pair.
    fn part(&mut self, place: usize) {
        if let Place::Pair { pair, .. } = self.take_out(place) {
            self.had_session |= pair.was_session();
            if !pair.was_session() {
                self.clients.rest();
            }
        }
    }

    fn take_out(&mut self, place: usize) -> Place {
        match self.places.get_mut(place) {
            Some(place) => std::mem::replace(place, Place::Free),
            None => Place::Free,
        }
    }

    fn put(&mut self, place: usize, what: Place) {
        if let Some(place) = self.places.get_mut(place) {
            *place = what;
        }
    }

    /// Tells a failure, but not the same again and again.
    fn tell(&mut self, tell: &mut dyn FnMut(&str), error: &ConnectError) {
        let words = error.to_string();
        if words != self.told {
            tell(&words);
            self.told = words;
        }
    }
}

/// A place for one more.
fn free_place(places: &mut Vec<Place>) -> usize {
    let free = places.iter().position(|place| matches!(place, Place::Free));
    free.unwrap_or_else(|| {
        places.push(Place::Free);
        places.len() - 1
    })
}

fn token(place: usize, end: End) -> u64 {
    PLACES + 2 * place as u64 + u64::from(end == End::Server)
}
