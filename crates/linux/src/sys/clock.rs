//! The machine's clocks.

/// Microseconds since 1970.
pub(crate) fn now() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// Microseconds since the machine was started, its sleep included.
pub(crate) fn uptime() -> u64 {
    read(libc::CLOCK_BOOTTIME)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` lives here and is written by the call; where that fails it stays zero.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}
