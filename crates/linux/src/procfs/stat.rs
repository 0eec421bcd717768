//! The fields of `/proc/PID/stat` and of a thread's that the services need.

/// Length of the ticks that the kernel counts times in, in microseconds: `USER_HZ` is 100 on every machine supported.
const TICK: u64 = 10_000;

/// Times and scheduling of a process or thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// State letter.
    pub state: char,
    /// Parent process.
    pub parent: u32,
    /// Microseconds spent in user mode.
    pub user: u64,
    /// Microseconds spent in the kernel.
    pub kernel: u64,
    /// Nice value.
    pub nice: i32,
    /// Its start, in microseconds since the machine was started.
    pub started: u64,
    /// The processor that it last ran on.
    pub processor: u32,
}

/// Reads the text; none where fields are missing. The name before them may hold anything, parentheses too.
pub fn parse_stat(text: &[u8]) -> Option<Stat> {
    let behind_name = text.iter().rposition(|byte| *byte == b')')? + 1;
    let rest = std::str::from_utf8(text.get(behind_name..)?).ok()?;
    // The manual counts fields from 1; the state is the third.
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3).copied();
    let number = |wanted: usize| field(wanted)?.parse::<u64>().ok();
    let time = |wanted: usize| Some(number(wanted)?.saturating_mul(TICK));
    Some(Stat {
        state: field(3)?.chars().next()?,
        parent: number(4)? as u32,
        user: time(14)?,
        kernel: time(15)?,
        nice: field(19)?.parse().ok()?,
        started: time(22)?,
        processor: number(39)? as u32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_anything() {
        let fields = "S 7 1 1 0 -1 4194560 1 2 3 4 150 25 0 0 20 -5 1 0 4711 99 1 18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 \
                      0 17 1 0 0";
        let stat = parse_stat(format!("12 (a) R 9 (b) {fields}\n").as_bytes()).unwrap();
        assert_eq!((stat.state, stat.parent, stat.nice), ('S', 7, -5));
        assert_eq!((stat.user, stat.kernel, stat.started), (1_500_000, 250_000, 47_110_000));
        assert_eq!(stat.processor, 1);
        for short in ["", "12 (a", "12 (a)", "12 (a) S 7 1"] {
            assert_eq!(parse_stat(short.as_bytes()), None);
        }
    }
}
