//! Reads `/proc`. The parsers take text and never panic, whatever is in it.

mod maps;
mod stat;
mod status;

use std::fs;
use std::io;

use farsight_types::{Address, OsPid, OsTid};

pub use maps::{Mapping, parse_maps};
pub use stat::{Stat, parse_stat};
pub use status::{Status, parse_status};

/// The mappings of a process, ascending.
pub fn mappings(pid: OsPid) -> io::Result<Vec<Mapping>> {
    fs::read(format!("/proc/{pid}/maps")).map(|text| parse_maps(&text))
}

/// `/proc/PID/status`, or of one thread, for their ids are looked up alike.
pub fn status(id: u32) -> io::Result<Status> {
    fs::read(format!("/proc/{id}/status")).map(|text| parse_status(&text))
}

/// The process that a thread belongs to: a tracer is told by its thread, and people know the process.
pub fn process_of(thread: OsPid) -> OsPid {
    status(thread.0).map_or(thread, |status| status.process)
}

/// Thread ids of a process, ascending.
pub fn threads(pid: OsPid) -> io::Result<Vec<OsTid>> {
    let mut threads: Vec<OsTid> = numbers(&format!("/proc/{pid}/task"))?.map(OsTid).collect();
    threads.sort_unstable();
    Ok(threads)
}

/// Process ids of the machine, ascending.
pub fn processes() -> io::Result<Vec<OsPid>> {
    let mut processes: Vec<OsPid> = numbers("/proc")?.map(OsPid).collect();
    processes.sort_unstable();
    Ok(processes)
}

fn numbers(directory: &str) -> io::Result<impl Iterator<Item = u32>> {
    Ok(fs::read_dir(directory)?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()))
}

/// The path of a process's executable, as the process's own file system names it.
pub fn executable(pid: OsPid) -> io::Result<String> {
    let path = fs::read_link(format!("/proc/{pid}/exe"))?;
    Ok(path.to_string_lossy().trim_end_matches(" (deleted)").to_owned())
}

/// The name that a thread gave itself, at most 15 bytes.
pub fn thread_name(pid: OsPid, tid: OsTid) -> String {
    fs::read(format!("/proc/{pid}/task/{tid}/comm"))
        .map(|name| String::from_utf8_lossy(&name).trim_end().to_owned())
        .unwrap_or_default()
}

/// Stack pointer and program counter of a thread that sleeps or is stopped; none of one that runs.
pub fn sleeping_place(pid: OsPid, tid: OsTid) -> Option<(Address, Address)> {
    let line = fs::read_to_string(format!("/proc/{pid}/task/{tid}/syscall")).ok()?;
    parse_place(&line)
}

/// Reads the line of `/proc/PID/task/TID/syscall`: behind the call's number, or -1, and its arguments come stack pointer
/// and program counter.
pub fn parse_place(line: &str) -> Option<(Address, Address)> {
    let mut words = line.split_ascii_whitespace().rev();
    let number = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok().map(Address);
    let pc = number(words.next()?)?;
    let sp = number(words.next()?)?;
    words.next().map(|_| (sp, pc))
}

/// The signals that a thread blocks: bit `n - 1` is signal `n`.
pub fn blocked_signals(pid: OsPid, tid: OsTid) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{tid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0)
}

/// The arguments of a process.
pub fn command_line(pid: OsPid) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes
        .split(|byte| *byte == 0)
        .filter(|argument| !argument.is_empty())
        .map(|argument| String::from_utf8_lossy(argument).into_owned())
        .collect()
}

/// The auxiliary vector of a process.
#[derive(Clone, Debug, Default)]
pub struct AuxiliaryVector(Vec<(u64, u64)>);

impl AuxiliaryVector {
    /// Reads `/proc/PID/auxv`.
    pub fn of(pid: OsPid) -> io::Result<AuxiliaryVector> {
        fs::read(format!("/proc/{pid}/auxv")).map(|bytes| AuxiliaryVector::parse(&bytes))
    }

    /// Reads pairs of words up to `AT_NULL`.
    pub fn parse(bytes: &[u8]) -> AuxiliaryVector {
        let word = |bytes: &[u8]| bytes.first_chunk().map_or(0, |word| u64::from_le_bytes(*word));
        AuxiliaryVector(
            bytes
                .chunks_exact(16)
                .map(|pair| (word(&pair[..8]), word(&pair[8..])))
                .take_while(|(kind, _)| *kind != 0)
                .collect(),
        )
    }

    fn value(&self, kind: u64) -> Option<u64> {
        self.0.iter().find(|(known, _)| *known == kind).map(|(_, value)| *value)
    }

    /// All pairs of type and value.
    pub fn into_pairs(self) -> Vec<(u64, u64)> {
        self.0
    }

    /// `AT_ENTRY`: where the program begins.
    pub fn entry(&self) -> Option<Address> {
        self.value(9).map(Address)
    }

    /// `AT_BASE`: where the dynamic linker is mapped; none for a program without one.
    pub fn dynamic_linker(&self) -> Option<Address> {
        self.value(7).filter(|base| *base != 0).map(Address)
    }

    /// `AT_PHDR`: the program's own headers in memory.
    pub fn program_headers(&self) -> Option<Address> {
        self.value(3).map(Address)
    }

    /// `AT_SYSINFO_EHDR`: where the vdso is mapped.
    pub fn vdso(&self) -> Option<Address> {
        self.value(33).map(Address)
    }
}

/// Whether a process runs a program of another word size, by its executable's ELF class.
pub fn is_thirty_two_bit(pid: OsPid) -> bool {
    use std::io::Read;
    let mut identity = [0u8; 5];
    let read = fs::File::open(format!("/proc/{pid}/exe")).and_then(|mut file| file.read_exact(&mut identity));
    read.is_ok() && identity == *b"\x7fELF\x01"
}

/// The setting of the Yama security module; 0 where there is none.
pub fn ptrace_scope() -> u32 {
    fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope")
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleeping_threads_place_is_read_and_nothing_else() {
        let place = Some((Address(0x7ffe10), Address(0x40ab)));
        assert_eq!(parse_place("232 0x3 0x1 0x0 0x0 0x0 0x0 0x7ffe10 0x40ab\n"), place);
        assert_eq!(parse_place("-1 0x7ffe10 0x40ab\n"), place);
        for line in [
            "running\n",
            "",
            "0x1 0x2",
            "1 2 3",
            "-1 0x 0x1",
            "\u{fffd} 0x1 0xfffffffffffffffff",
        ] {
            assert_eq!(parse_place(line), None, "{line}");
        }
    }
}
