//! What the console asks of its terminal beside bytes.

use std::io;
use std::mem::MaybeUninit;

/// The terminal's settings as they were, to be put back however the program ends.
#[derive(Clone, Copy)]
pub(crate) struct SavedTerminal(libc::termios);

impl SavedTerminal {
    /// The settings of the terminal on standard input; none where it is no terminal.
    pub(crate) fn of_input() -> Option<SavedTerminal> {
        let mut settings = MaybeUninit::<libc::termios>::uninit();
        // SAFETY: the pointer is to a termios that the call fills in when it answers 0.
        match unsafe { libc::tcgetattr(libc::STDIN_FILENO, settings.as_mut_ptr()) } {
            // SAFETY: the call answered 0, so it has filled the value in.
            0 => Some(SavedTerminal(unsafe { settings.assume_init() })),
            _ => None,
        }
    }

    /// Puts them back.
    pub(crate) fn restore(&self) -> io::Result<()> {
        set(&self.0)
    }

    /// Lets every key through at once and unseen, except the one that interrupts (CTRL+C).
    pub(crate) fn set_for_keys(&self) -> io::Result<()> {
        let mut settings = self.0;
        settings.c_lflag &= !(libc::ICANON | libc::ECHO | libc::IEXTEN);
        settings.c_iflag &= !(libc::ICRNL | libc::INLCR | libc::IXON | libc::ISTRIP);
        settings.c_cc[libc::VMIN] = 1;
        settings.c_cc[libc::VTIME] = 0;
        // These keys are for the program; here they would leave the user's shell with a terminal set up like this.
        settings.c_cc[libc::VSUSP] = libc::_POSIX_VDISABLE;
        settings.c_cc[libc::VQUIT] = libc::_POSIX_VDISABLE;
        set(&settings)
    }
}

fn set(settings: &libc::termios) -> io::Result<()> {
    // SAFETY: the pointer is to a whole termios that lives across the call.
    match unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSADRAIN, settings) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

impl std::fmt::Debug for SavedTerminal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SavedTerminal")
    }
}

/// How wide the terminal on standard output is, in characters; none where it is no terminal or does not know.
pub(crate) fn columns() -> Option<u16> {
    let mut size = libc::winsize {
        ws_row: 0,
        ws_col: 0,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: TIOCGWINSZ fills in one winsize, which lives across the call.
    let answer = unsafe { libc::ioctl(libc::STDOUT_FILENO, libc::TIOCGWINSZ, &mut size) };
    (answer == 0 && size.ws_col > 0).then_some(size.ws_col)
}
