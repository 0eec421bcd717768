//! The fields of `/proc/PID/status` that the services need.

use farsight_types::OsPid;

/// Who a process or thread is and in what state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Command name, at most 15 bytes.
    pub name: String,
    /// State letter, such as `S`; `?` where it is missing.
    pub state: char,
    /// Process that the thread belongs to.
    pub process: OsPid,
    /// Parent process.
    pub parent: OsPid,
    /// The debugger that holds it.
    pub tracer: Option<OsPid>,
    /// Effective user id.
    pub user: u32,
    /// Number of threads.
    pub threads: u32,
    /// Whether it has memory of its own: threads of the kernel have none.
    pub has_memory: bool,
}

/// Reads the text; missing or unreadable fields keep their defaults.
pub fn parse_status(text: &[u8]) -> Status {
    let mut status = Status {
        state: '?',
        ..Status::default()
    };
    for line in String::from_utf8_lossy(text).lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        let value = value.trim();
        let number = || value.split_ascii_whitespace().next().and_then(|word| word.parse().ok());
        match key {
            "Name" => status.name = value.to_owned(),
            "State" => status.state = value.chars().next().unwrap_or('?'),
            "Tgid" => status.process = OsPid(number().unwrap_or(0)),
            "PPid" => status.parent = OsPid(number().unwrap_or(0)),
            "TracerPid" => status.tracer = number().filter(|pid| *pid != 0).map(OsPid),
            "Uid" => {
                let effective = value.split_ascii_whitespace().nth(1);
                status.user = effective.and_then(|word| word.parse().ok()).unwrap_or(0);
            }
            "Threads" => status.threads = number().unwrap_or(0),
            "VmSize" => status.has_memory = true,
            _ => {}
        }
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_there() {
        let status = parse_status(
            b"Name:\tcat: a\nState:\tS (sleeping)\nTgid:\t7\nPPid:\t1\nTracerPid:\t0\nUid:\t1000\t1001\t0\t0\nVmSize:\t9 kB\nThreads:\t3\n",
        );
        assert_eq!(status.name, "cat: a");
        assert_eq!((status.state, status.process, status.tracer), ('S', OsPid(7), None));
        assert_eq!((status.user, status.threads, status.has_memory), (1001, 3, true));
    }
}
