//! What the kernel says of a process, read without disturbing it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;

use farsight_types::{Address, AddressRange};

use crate::{Deadline, deadline};

const SIGTRAP: u32 = 5;
const SIGSTOP: u32 = 19;

fn status(pid: u32, thread: Option<u32>) -> Option<String> {
    let path = match thread {
        None => format!("/proc/{pid}/status"),
        Some(tid) => format!("/proc/{pid}/task/{tid}/status"),
    };
    fs::read_to_string(path).ok()
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split_once(':').map(|(_, value)| value.trim())
}

/// Whether there is such a process that has not ended.
pub fn alive(pid: u32) -> bool {
    !matches!(state(pid), None | Some('Z' | 'X'))
}

/// The state letter, such as `S`, or `t` under a debugger; none for a process that is gone.
pub fn state(pid: u32) -> Option<char> {
    field(&status(pid, None)?, "State")?.chars().next()
}

/// What a process is called; none for one that is gone.
pub fn name(pid: u32) -> Option<String> {
    field(&status(pid, None)?, "Name").map(str::to_owned)
}

/// Who traces a process; 0 for nobody.
pub fn tracer(pid: u32) -> u32 {
    let status = status(pid, None).unwrap_or_default();
    field(&status, "TracerPid")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The process's threads, ascending.
pub fn threads(pid: u32) -> Vec<u32> {
    numbers_in(&format!("/proc/{pid}/task"))
}

/// The process's threads that are not on their way out, ascending.
pub fn living_threads(pid: u32) -> Vec<u32> {
    threads(pid).into_iter().filter(|tid| !is_exiting(pid, *tid)).collect()
}

/// Whether a thread has begun to end, or has ended.
fn is_exiting(pid: u32, tid: u32) -> bool {
    /// `PF_EXITING` among the kernel's flags of a task.
    const EXITING: u64 = 4;
    let stat = fs::read_to_string(format!("/proc/{pid}/task/{tid}/stat")).unwrap_or_default();
    // The fields behind the name, which may hold anything but ends at the last parenthesis; the flags are the seventh.
    let flags = stat.rsplit_once(") ").and_then(|(_, fields)| fields.split(' ').nth(6));
    flags
        .and_then(|flags| flags.parse::<u64>().ok())
        .is_none_or(|flags| flags & EXITING != 0)
}

/// All processes, ascending.
pub fn processes() -> Vec<u32> {
    numbers_in("/proc")
}

fn numbers_in(folder: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The process's parent.
pub fn parent(pid: u32) -> Option<u32> {
    field(&status(pid, None)?, "PPid")?.parse().ok()
}

/// Processes whose parent this is, ascending.
pub fn children(pid: u32) -> Vec<u32> {
    processes()
        .into_iter()
        .filter(|other| parent(*other) == Some(pid))
        .collect()
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Option<u64> {
    field(&status(pid, None)?, "VmRSS")?.split(' ').next()?.parse().ok()
}

/// How many descriptors a process has open.
pub fn descriptors(pid: u32) -> usize {
    numbers_in(&format!("/proc/{pid}/fd")).len()
}

/// How often a thread of that name gave up its processor by itself: how often it went to sleep.
pub fn sleeps(pid: u32, name: &str) -> u64 {
    let of_thread = |tid: u32| {
        let status = status(pid, Some(tid))?;
        let count = field(&status, "voluntary_ctxt_switches")?.parse::<u64>().ok()?;
        (field(&status, "Name")? == name).then_some(count)
    };
    threads(pid).into_iter().filter_map(of_thread).sum()
}

/// Signals that wait for the process or one of its threads: bit `n - 1` is signal `n`.
pub fn pending_signals(pid: u32) -> u64 {
    let mask = |status: &str, name: &str| {
        field(status, name)
            .and_then(|text| u64::from_str_radix(text, 16).ok())
            .unwrap_or(0)
    };
    threads(pid)
        .into_iter()
        .filter_map(|tid| status(pid, Some(tid)))
        .fold(0, |set, status| set | mask(&status, "SigPnd") | mask(&status, "ShdPnd"))
}

/// Memory of a process as it is, trap bytes included; short or empty where it cannot be read.
pub fn read_memory(pid: u32, address: Address, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let read = File::open(format!("/proc/{pid}/mem")).and_then(|memory| memory.read_at(&mut bytes, address.0));
    bytes.truncate(read.unwrap_or(0));
    bytes
}

/// A 64-bit number in a process's memory.
///
/// # Panics
/// When it cannot be read.
#[track_caller]
pub fn read_u64(pid: u32, address: Address) -> u64 {
    let bytes = read_memory(pid, address, 8);
    u64::from_le_bytes(
        bytes
            .try_into()
            .unwrap_or_else(|_| panic!("no memory at {address} of {pid}")),
    )
}

/// One line of `/proc/PID/maps`.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where.
    pub range: AddressRange,
    /// Such as `r-xp`.
    pub rights: String,
    /// Place in the file.
    pub offset: u64,
    /// The file, or a name in brackets, or nothing.
    pub path: String,
}

/// The process's mappings, ascending.
pub fn mappings(pid: u32) -> Vec<Mapping> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    maps.lines().filter_map(parse_mapping).collect()
}

fn parse_mapping(line: &str) -> Option<Mapping> {
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let (start, end) = (u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
    let rights = words.next()?.to_owned();
    let offset = u64::from_str_radix(words.next()?, 16).ok()?;
    Some(Mapping {
        range: AddressRange::new(Address(start), end - start),
        rights,
        offset,
        path: words.nth(2).unwrap_or_default().to_owned(),
    })
}

/// Compares every executable mapping of a file with that file: a planted trap that was left behind shows here.
pub fn text_equals_file(pid: u32) -> Result<(), String> {
    let mut compared = 0;
    for mapping in mappings(pid) {
        if !mapping.rights.contains('x') || !mapping.path.starts_with('/') {
            continue;
        }
        let length = mapping.range.length as usize;
        let in_memory = read_memory(pid, mapping.range.start, length);
        let mut in_file = vec![0; length];
        let file = File::open(&mapping.path).map_err(|error| format!("{}: {error}", mapping.path))?;
        let got = file
            .read_at(&mut in_file, mapping.offset)
            .map_err(|error| error.to_string())?;
        let different = in_memory
            .iter()
            .zip(&in_file[..got])
            .position(|(memory, file)| memory != file);
        if let Some(at) = different {
            let (is, was) = (in_memory[at], in_file[at]);
            return Err(format!(
                "{} at {at:#x} of its text is {is:02x}, in the file {was:02x}",
                mapping.path
            ));
        }
        compared += in_memory.len().min(got);
    }
    if compared == 0 {
        return Err(format!("no text of process {pid} can be read"));
    }
    Ok(())
}

/// What of a debugger is left on a process: nothing, when it was let go of properly.
pub fn traces_of_a_debugger(pid: u32) -> Result<(), String> {
    if !alive(pid) {
        return Err(format!("process {pid} is gone"));
    }
    let tracer = tracer(pid);
    if tracer != 0 {
        return Err(format!("process {pid} is traced by {tracer}"));
    }
    if let Some('t' | 'T') = state(pid) {
        return Err(format!("process {pid} is stopped"));
    }
    let pending = pending_signals(pid);
    if pending & (1 << (SIGTRAP - 1) | 1 << (SIGSTOP - 1)) != 0 {
        return Err(format!("process {pid} has SIGTRAP or SIGSTOP pending: {pending:#x}"));
    }
    text_equals_file(pid)
}

/// Waits until nothing of a debugger is left on a process.
///
/// # Panics
/// When something still is at the deadline.
#[track_caller]
pub fn assert_clean(pid: u32, deadline: Deadline) {
    let mut last = Ok(());
    let clean = deadline::poll(deadline, || {
        last = traces_of_a_debugger(pid);
        last.is_ok().then_some(())
    });
    assert!(
        clean.is_some(),
        "a debugger left something behind: {}",
        last.unwrap_err()
    );
}

/// Waits until a number in a process's memory changes: it runs.
///
/// # Panics
/// When it does not within the deadline.
#[track_caller]
pub fn assert_advances(pid: u32, counter: Address, deadline: Deadline) {
    let before = read_u64(pid, counter);
    let went_on = deadline::poll(deadline, || (read_u64(pid, counter) != before).then_some(()));
    assert!(
        went_on.is_some(),
        "process {pid} does not go on; its state is {:?}",
        state(pid)
    );
}

/// Sends a signal by name, such as `TERM`. Through the shell: the standard library only knows how to kill.
pub fn signal(pid: u32, name: &str) {
    let order = format!("kill -{name} {pid}");
    let status = Command::new("sh").args(["-c", &order]).status().expect("a shell");
    assert!(status.success(), "`{order}` failed");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_its_text_is_clean() {
        let pid = std::process::id();
        assert!(alive(pid));
        assert!(living_threads(pid).contains(&pid));
        assert_eq!(text_equals_file(pid), Ok(()));
        assert!(!alive(0x3fff_fff0));
    }

    #[test]
    fn a_mapping_line_is_read_with_and_without_a_path() {
        let line = "7f0000001000-7f0000003000 r-xp 00002000 fe:01 1234                       /usr/lib/libc.so.6";
        let mapping = parse_mapping(line).unwrap();
        assert_eq!(mapping.range, AddressRange::new(Address(0x7f00_0000_1000), 0x2000));
        assert_eq!((mapping.offset, mapping.path.as_str()), (0x2000, "/usr/lib/libc.so.6"));
        assert_eq!(parse_mapping("1000-2000 rw-p 00000000 00:00 0").unwrap().path, "");
    }
}
