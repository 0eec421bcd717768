//! Programs that run for the length of a test and never longer.

mod console;
mod dbgsrv;
mod debuggee;
mod repeater;
mod scratch;
mod sharing;
mod sshd;
mod way;

pub use console::Console;
pub use dbgsrv::DbgSrv;
pub use debuggee::Debuggee;
pub use debuggee::parse_address;
pub use repeater::Repeater;
pub use scratch::Scratch;
pub use sharing::DebuggingServer;
pub use sshd::Sshd;
pub use way::Way;

use std::process::{Child, ExitStatus};

use crate::{Deadline, deadline};

/// A child process that is killed and waited for when it goes out of scope.
#[derive(Debug)]
struct Owned(Child);

impl Owned {
    fn pid(&self) -> u32 {
        self.0.id()
    }

    fn wait(&mut self, deadline: Deadline) -> Option<ExitStatus> {
        deadline::poll(deadline, || self.0.try_wait().expect("waiting for a child"))
    }

    fn kill(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.kill();
        // Bounded: a child that a hung debugger holds is not reaped, and the test must still end with its message.
        let _ = self.wait(Deadline::seconds(5));
    }
}
