//! Signals to this program, as messages.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGWINCH};
use signal_hook::iterator::{Handle, Signals};

use super::conversation::Signal;

/// Gives every signal to `take` from a thread of its own; until this is dropped.
pub(crate) struct SignalThread {
    handle: Handle,
    thread: Option<thread::JoinHandle<()>>,
}

impl SignalThread {
    /// Starts it. From now on these signals do not end the program.
    pub(crate) fn start(take: impl Fn(Signal) + Send + 'static) -> io::Result<SignalThread> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGWINCH])?;
        let handle = signals.handle();
        let thread = thread::Builder::new().name("signals".into()).spawn(move || {
            for signal in signals.forever() {
                take(match signal {
                    SIGINT => Signal::Interrupt,
                    SIGWINCH => Signal::Resized,
                    other => Signal::Leave(other as u8),
                });
            }
        })?;
        Ok(SignalThread {
            handle,
            thread: Some(thread),
        })
    }
}

impl Drop for SignalThread {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            // A panic of it has been logged; the program is ending.
            let _ = thread.join();
        }
    }
}
