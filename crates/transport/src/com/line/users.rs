//! The programs at a line process: those that have yet to say what they want, servers, callers, and the streams that
//! connections have become.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use super::is_later;
use crate::com::door::{Answer, REQUEST, Request, Wish};
use crate::com::link::{Closed, ConnectionId, Event, Heard, Link};
use crate::com::waiting;
use crate::sys::{self, Ready, Wanted};

/// Programs and streams at a time.
const MOST: usize = 600;

/// How long a program may take for its request.
const REQUEST_TIME: Duration = Duration::from_secs(5);

/// How long nothing whole may come before a caller is told what seems to be wrong.
const SILENCE: Duration = Duration::from_secs(4);

/// How much of a call's time is left to its answer.
const MARGIN: Duration = Duration::from_millis(300);

/// Read from a user at a time.
const READ: usize = 4096;

#[derive(Debug)]
enum Role {
    /// Has said that much of its request.
    New { said: Vec<u8>, since: Duration },
    /// Gets the connections to a channel.
    Serves { channel: u8, process: u32 },
    /// Keeps the line open.
    Holds,
    /// Waits for the other end to take its connection.
    Calls {
        id: ConnectionId,
        since: Duration,
        until: Duration,
        heard: Heard,
    },
    /// Is a connection.
    Stream(Stream),
    /// Is to be forgotten.
    Gone,
}

#[derive(Debug)]
struct Stream {
    id: ConnectionId,
    /// Nothing more comes from the user.
    has_finished: bool,
    /// The user has gone, and something it said may be left.
    is_gone: bool,
    /// Nothing more comes from the other end; or it is over there altogether.
    is_finished: bool,
    is_closed: bool,
    told_finish: bool,
}

impl Stream {
    fn new(id: ConnectionId) -> Stream {
        Stream {
            id,
            has_finished: false,
            is_gone: false,
            is_finished: false,
            is_closed: false,
            told_finish: false,
        }
    }
}

#[derive(Debug)]
struct User {
    socket: UnixStream,
    role: Role,
    /// What the last wait found.
    ready: Ready,
    polled: bool,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Users {
    all: Vec<User>,
    baud: u32,
}

impl Users {
    pub(super) fn new(baud: u32) -> Users {
        Users { all: Vec::new(), baud }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes those who wait at the door; strangers are sent away unheard.
    pub(super) fn accept(&mut self, door: &UnixListener) {
        while let Ok((socket, _)) = door.accept() {
            let uid = sys::peer_credentials(&socket).map(|who| who.uid);
            let is_known = uid.is_ok_and(|uid| uid == sys::effective_uid() || uid == 0);
            if is_known && self.all.len() < MOST && socket.set_nonblocking(true).is_ok() {
                self.add(
                    socket,
                    Role::New {
                        said: Vec::new(),
                        since: Duration::MAX,
                    },
                );
            }
        }
    }

    fn add(&mut self, socket: UnixStream, role: Role) {
        self.all.push(User {
            socket,
            role,
            ready: Ready {
                read: true,
                write: true,
                ended: false,
            },
            polled: false,
        });
    }

    /// Whom to wait for, and for what.
    pub(super) fn wanted(&mut self, link: &Link) -> Vec<Wanted<'_>> {
        let mut wanted = Vec::new();
        for user in &mut self.all {
            let (read, write, is_ended) = match &user.role {
                Role::Stream(stream) => (
                    !stream.has_finished && link.room(stream.id) > 0,
                    !link.incoming(stream.id).is_empty(),
                    stream.is_gone,
                ),
                _ => (true, false, false),
            };
            // The end of one is told by every wait: who has gone is not asked again.
            user.polled = !is_ended;
            if user.polled {
                wanted.push(Wanted {
                    fd: user.socket.as_fd(),
                    read,
                    write,
                });
            }
        }
        wanted
    }

    /// What a wait for [`Users::wanted`] found.
    pub(super) fn note(&mut self, ready: &[Ready]) {
        let polled = self.all.iter_mut().filter(|user| user.polled);
        for (user, ready) in polled.zip(ready) {
            user.ready = *ready;
        }
    }

    /// When to look at them even if none says anything.
    pub(super) fn deadline(&self, link: &Link) -> Option<Duration> {
        let times = self.all.iter().filter_map(|user| match &user.role {
            Role::New { since, .. } => since.checked_add(REQUEST_TIME),
            Role::Calls {
                since, until, heard, ..
            } => Some(match link.heard().frames == heard.frames {
                true => (*until).min(*since + self.silence()),
                false => *until,
            }),
            _ => None,
        });
        times.min()
    }

    /// A slow line is given the time of some frames.
    fn silence(&self) -> Duration {
        SILENCE + Duration::from_secs(1_000) / self.baud.max(1)
    }

    /// Does what there is to do for everybody.
    pub(super) fn work(&mut self, link: &mut Link, now: Duration) {
        while let Some(event) = link.next_event() {
            self.hear(event, link);
        }
        let silence = self.silence();
        let baud = self.baud;
        for index in 0..self.all.len() {
            let servers: Vec<(u8, u32)> = self.servers().collect();
            let Some(user) = self.all.get_mut(index) else { continue };
            user.work(link, now, silence, baud, &servers);
        }
        self.all.retain(|user| !matches!(user.role, Role::Gone));
    }

    fn servers(&self) -> impl Iterator<Item = (u8, u32)> {
        self.all.iter().filter_map(|user| match user.role {
            Role::Serves { channel, process } => Some((channel, process)),
            _ => None,
        })
    }

    fn hear(&mut self, event: Event, link: &mut Link) {
        let (id, what) = match event {
            Event::Incoming { id, channel } => return self.pass_on(id, channel, link),
            Event::Accepted { id } => (id, Ok(())),
            Event::Finished { id } => (id, Err(None)),
            Event::Closed { id, why } => (id, Err(Some(why))),
        };
        let is_its = |user: &&mut User| match &user.role {
            Role::Calls { id: its, .. } => *its == id,
            Role::Stream(stream) => stream.id == id,
            _ => false,
        };
        let Some(user) = self.all.iter_mut().find(is_its) else {
            return link.abandon(id);
        };
        match (&mut user.role, what) {
            (Role::Calls { .. }, Ok(())) => {
                user.role = Role::Stream(Stream::new(id));
                // Who does not take the answer is seen to be gone at the next look.
                let _ = (&user.socket).write_all(&Answer::Done.encode());
            }
            (Role::Calls { .. }, Err(Some(why))) => {
                let answer = match why {
                    Closed::NobodyServes => Answer::NobodyServes,
                    Closed::Full => Answer::Full,
                    _ => Answer::TimedOut,
                };
                link.abandon(id);
                user.end_with(answer);
            }
            (Role::Stream(stream), Err(None)) => stream.is_finished = true,
            (Role::Stream(stream), Err(Some(_))) => stream.is_closed = true,
            _ => {}
        }
    }

    /// A connection has come: its server gets one end of a pair.
    fn pass_on(&mut self, id: ConnectionId, channel: u8, link: &mut Link) {
        let serves = |user: &&User| matches!(user.role, Role::Serves { channel: its, .. } if its == channel);
        let passed = self
            .all
            .iter()
            .find(serves)
            .filter(|_| self.all.len() < MOST)
            .map(|server| {
                let (ours, theirs) = UnixStream::pair()?;
                ours.set_nonblocking(true)?;
                sys::limit_sending(&theirs, waiting(self.baud))?;
                sys::send_with_fd(&server.socket, &Answer::Done.encode(), Some(theirs.as_fd()))?;
                io::Result::Ok(ours)
            });
        match passed {
            Some(Ok(ours)) => self.add(ours, Role::Stream(Stream::new(id))),
            // A server that takes nothing is as good as none.
            _ => link.abandon(id),
        }
    }
}

impl User {
    fn work(&mut self, link: &mut Link, now: Duration, silence: Duration, baud: u32, servers: &[(u8, u32)]) {
        match &mut self.role {
            Role::New { said, since } => {
                *since = now.min(*since);
                let is_late = now >= *since + REQUEST_TIME;
                let mut more = vec![0; REQUEST - said.len()];
                match (&self.socket).read(&mut more) {
                    Ok(0) => self.role = Role::Gone,
                    Ok(length) => {
                        said.extend(more.iter().take(length));
                        if let Ok(whole) = <[u8; REQUEST]>::try_from(&said[..]) {
                            self.begin(Request::read(whole), link, now, baud, servers);
                        }
                    }
                    Err(error) if is_later(&error) && !is_late => {}
                    Err(_) => self.role = Role::Gone,
                }
            }
            Role::Calls {
                id,
                since,
                until,
                heard,
            } => {
                let more = link.heard();
                let is_silent = more.frames == heard.frames && now >= *since + silence;
                if self.ready.ended {
                    link.abandon(*id);
                    self.role = Role::Gone;
                } else if is_silent || now >= *until {
                    let answer = what_is_wrong(*heard, more);
                    link.abandon(*id);
                    self.end_with(answer);
                }
            }
            Role::Serves { channel, .. } if self.ready.ended || self.ready.read => {
                // It says nothing; so this is its end.
                link.stop_listening(*channel);
                self.role = Role::Gone;
            }
            Role::Holds if self.ready.ended || self.ready.read => self.role = Role::Gone,
            Role::Stream(stream) => {
                let is_over = stream.work(&self.socket, self.ready, link);
                if is_over {
                    self.role = Role::Gone;
                }
            }
            _ => {}
        }
        self.ready = Ready::default();
    }

    fn begin(&mut self, request: Option<Request>, link: &mut Link, now: Duration, baud: u32, servers: &[(u8, u32)]) {
        let answer = match request {
            None => Answer::Unknown,
            Some(request) if request.baud != baud => Answer::OtherBaud(baud),
            Some(Request {
                wish: Wish::Serve { channel },
                ..
            }) => match servers.iter().find(|(taken, _)| *taken == channel) {
                Some((_, process)) => Answer::ChannelTaken(*process),
                None => {
                    let process = sys::peer_credentials(&self.socket).map_or(0, |who| who.process);
                    link.listen(channel);
                    self.role = Role::Serves { channel, process };
                    Answer::Done
                }
            },
            Some(Request { wish: Wish::Hold, .. }) => {
                self.role = Role::Holds;
                Answer::Done
            }
            Some(Request {
                wish: Wish::Call { channel, within },
                ..
            }) => match link.open(channel, now) {
                None => Answer::Full,
                Some(id) => {
                    self.role = Role::Calls {
                        id,
                        since: now,
                        until: now + within.saturating_sub(MARGIN),
                        heard: link.heard(),
                    };
                    return;
                }
            },
        };
        match answer {
            // Who does not take it is seen to be gone at the next look.
            Answer::Done => drop((&self.socket).write_all(&answer.encode())),
            _ => self.end_with(answer),
        }
    }

    fn end_with(&mut self, answer: Answer) {
        let _ = (&self.socket).write_all(&answer.encode());
        self.role = Role::Gone;
    }
}

/// Why nobody has taken a call, from what has come over the line since.
fn what_is_wrong(before: Heard, after: Heard) -> Answer {
    let bytes = after.bytes - before.bytes;
    let of_text = after.of_text - before.of_text;
    if let Some(version) = after.other_version {
        Answer::OtherRelease(version.into())
    } else if after.echoes > before.echoes {
        Answer::Echo
    } else if after.frames > before.frames {
        Answer::TimedOut
    } else if bytes == 0 {
        Answer::Nothing
    } else if of_text * 100 >= bytes * 95 {
        Answer::Text
    } else {
        Answer::Noise
    }
}

impl Stream {
    /// Carries both ways; true when there is nothing more to do for it.
    fn work(&mut self, socket: &UnixStream, ready: Ready, link: &mut Link) -> bool {
        self.is_gone |= ready.ended;
        if !self.give(socket, link) {
            link.abandon(self.id);
            return true;
        }
        if !self.is_closed && !self.take(socket, ready, link) {
            link.abandon(self.id);
            return true;
        }
        let is_all_given = link.incoming(self.id).is_empty();
        if self.is_finished && is_all_given && !std::mem::replace(&mut self.told_finish, true) {
            let _ = socket.shutdown(Shutdown::Write);
        }
        // Over: at the other end and given here, or here and taken.
        let is_over = (self.is_closed && is_all_given) || (self.is_gone && (self.has_finished || self.is_closed));
        if is_over {
            link.release(self.id);
        }
        is_over
    }

    /// Gives the user what has come; false where it takes nothing any more.
    fn give(&mut self, mut socket: &UnixStream, link: &mut Link) -> bool {
        loop {
            let bytes = link.incoming(self.id);
            if bytes.is_empty() || self.is_gone {
                return true;
            }
            match socket.write(bytes) {
                Ok(length) => link.consume(self.id, length),
                Err(error) if is_later(&error) => return true,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                    // It may have said something before it went.
                    self.is_gone = true;
                    return true;
                }
                Err(_) => return false,
            }
        }
    }

    /// Takes what the user says, as much as there is room for; false where that fails.
    fn take(&mut self, mut socket: &UnixStream, ready: Ready, link: &mut Link) -> bool {
        let mut buffer = [0; READ];
        let may_have_more = ready.read || ready.ended || self.is_gone;
        while may_have_more && !self.has_finished {
            let room = link.room(self.id).min(READ);
            let Some(buffer) = buffer.get_mut(..room).filter(|buffer| !buffer.is_empty()) else {
                return true;
            };
            match socket.read(buffer) {
                Ok(0) => {
                    self.has_finished = true;
                    link.finish(self.id);
                }
                Ok(length) => drop(link.send(self.id, buffer.get(..length).unwrap_or(&[]))),
                Err(error) if is_later(&error) => return true,
                Err(_) => return false,
            }
        }
        true
    }
}
