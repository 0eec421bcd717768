//! The names of DbgEng's commands, so that a line can be cut behind them.
//!
//! The list holds more than this build carries out: `uf` must not be taken for `u f`.

/// Regular commands. Those that appear in two cases mean two things.
const REGULAR: &str = "
    a ad ah al aS as ba bc bd be bl bm bp br bs bsc bu c d da db dc dD dd dda ddp dds ddu df dg dl dlb dp
    dpa dpp dps dpu dq dqa dqp dqs dqu dS ds dt du dv dW dw dx dyb dyd e ea eb eD ed ef ep eq eu ew eza ezu
    f fp g ga gc gh gha gN gn gNa gna gu ib id iw j k ld lm ln ls lsa lsc lse lsf lsp m n ob od ow p pa pc pct ph pr
    pt q qd qq r rdmsr rF rK rm rM rX rY rYI rZ rZI s so sq ss sx sxd sxe sxi sxn sxr t ta tb tc tct th tr tt u ub uf up uu vercommand
    version vertarget wrmsr wt x z
    par tar pcr tcr pctr tctr ptr ttr phr thr
";

/// Meta-commands that this or a later build knows.
const META: &str = "
    .abandon .allow_exec_cmds .apply_dbp .asm .attach .beep .block .bpcmds .bpsync .break .breakin .call
    .catch .chain .childdbg .clients .closehandle .cls .continue .crash .create .createdir .cxr .dbgdbg
    .detach .do .dump .dvalloc .dvfree .echo .echocpunum .echotime .echotimestamps .ecxr .effmach .else
    .elsif .enable_long_status .enable_unicode .endpsrv .endsrv .event_code .eventlog .excr .exepath .expr
    .exptr .exr .extmatch .extpath .f .fnent .for .force_radix_output .foreach .formats .frame .help
    .holdmem .idle_cmd .if .imgscan .kframes .kill .lastevent .leave .lines .load .loadby .locale .logappend
    .logclose .logfile .logopen .lsrcfix .lsrcpath .netuse .noshell .ocommand .ofilter .open .opendump
    .outmask .pcmd .pop .prefer_dml .printf .process .prompt_allow .push .quit_lock .readmem .recv_file .reboot .reload
    .remote .remote_exit .restart .scriptload .scriptrun .scriptunload .secure .send_file .server .servers
    .setdll .settings .shell .sleep .srcfix .srcpath .step_filter .symfix .symopt .sympath .thread .time
    .tlist .trap .ttime .typeopt .unload .unloadall .wake .while .write_cmd_hist .writemem .wtitle
";

/// Commands behind which letters may follow without a space (`bpmain`). Those that run, write or end something are not
/// among them: `quit`, `print x`, `thread 1` and `edit` are words of other debuggers, not `q uit`.
const JOINED: &str = "
    ba bm bp bu da db dc dd dD dda ddp dds ddu df dp dpa dpp dps dpu dq dqa dqp dqs dqu ds dS dt du dv dw dW
    dx dyb dyd lm ln ls r u ub uf up uu x rm rM
";

/// Commands that take the rest of the line with them, `;` included.
const SWALLOWING: &str = "
    as j $< $>< .create .exepath .lsrcpath .shell .srcpath .sympath ~e
";

/// Whether a table holds a name.
fn has(table: &str, name: &str) -> bool {
    table.split_ascii_whitespace().any(|known| known == name)
}

/// Flags that stand right behind `k`.
const STACK_FLAGS: &str = "bpPvcnfLM";

/// Whether a name, as [`super::Command::name`] has it, is one of DbgEng's, in this build or not.
pub fn is_known(name: &str) -> bool {
    let flags = name.strip_prefix('k');
    has(REGULAR, name)
        || has(META, name)
        || flags.is_some_and(|flags| flags.chars().all(|flag| STACK_FLAGS.contains(flag)))
        || ["?", "??", "#", "~", "|", "||", "$<", "$><", "$$<", "$$><", "$$>a<"].contains(&name)
}

/// Whether a command takes the rest of the line.
pub(super) fn swallows_line(name: &str) -> bool {
    has(SWALLOWING, name)
}

/// The command name that a text begins with, as DbgEng writes it, and its length as typed.
pub(super) fn name(text: &str) -> (String, usize) {
    for sign in ["$$>a<", "$$><", "$$<", "$><", "$<", "??", "?", "#", "sx-"] {
        if text.starts_with(sign) {
            return (sign.to_owned(), sign.len());
        }
    }
    let to_space = text
        .find(|character: char| character.is_whitespace() || character == ';')
        .unwrap_or(text.len());
    let run_of = |text: &str, more: &str| {
        let end = text.find(|character: char| !character.is_ascii_alphabetic() && !more.contains(character));
        end.unwrap_or(text.len())
    };
    match text.chars().next() {
        Some('.') => match 1 + run_of(&text[1..], "_") {
            1 => (text[..to_space].to_owned(), to_space),
            end => (text[..end].to_ascii_lowercase(), end),
        },
        Some(first) if first.is_ascii_alphabetic() => {
            let run = &text[..run_of(text, "")];
            regular(run).unwrap_or_else(|| (text[..to_space].to_owned(), to_space))
        }
        // Behind `!` and everything else the name goes to the next space.
        _ => (text[..to_space].to_owned(), to_space),
    }
}

/// The longest regular command that a run of letters begins with, if the rest of the run may be its argument.
fn regular(run: &str) -> Option<(String, usize)> {
    if let Some(flags) = run.strip_prefix(['k', 'K'])
        && flags.chars().all(|flag| STACK_FLAGS.contains(flag))
    {
        return Some((format!("k{flags}"), run.len()));
    }
    let canonical = |typed: &str| {
        let lower = typed.to_ascii_lowercase();
        let known = |name: &str| has(REGULAR, name);
        [typed, lower.as_str()]
            .into_iter()
            .find(|name| known(name))
            .map(str::to_owned)
    };
    (1..=run.len()).rev().find_map(|length| {
        let name = canonical(&run[..length])?;
        (length == run.len() || has(JOINED, &name)).then_some((name, length))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_where_dbgeng_ends_them() {
        for (text, expected, length) in [
            ("bp main", "bp", 2),
            ("bpmain", "bp", 2),
            ("bp0 main", "bp", 2),
            ("BP main", "bp", 2),
            ("r$t0=1", "r", 1),
            ("gN", "gN", 2),
            ("GN", "gn", 2),
            ("dD 1", "dD", 2),
            ("DD 1", "dd", 2),
            ("uf main", "uf", 2),
            ("kvn 5", "kvn", 3),
            ("kP", "kP", 2),
            ("lmvm libc*", "lm", 2),
            ("g401000", "g", 1),
            ("p5", "p", 1),
            (".ECHO x", ".echo", 5),
            (".sympath+ dir", ".sympath", 8),
            ("!Ext.cmd x", "!Ext.cmd", 8),
            ("?1+1", "?", 1),
            ("?? x", "??", 2),
            ("$$>a<file x", "$$>a<", 5),
            ("s-d 0 L10 1", "s", 1),
            ("eb401000 1", "eb", 2),
        ] {
            assert_eq!(name(text), (expected.to_owned(), length), "{text}");
        }
    }

    #[test]
    fn words_of_other_debuggers_are_not_cut() {
        for text in [
            "quit", "print", "thread", "step", "next", "continue", "break", "edit", "bt", "go", "up\u{e9}",
        ] {
            let (found, _) = name(text);
            assert!(found == text || found == "up", "{text} was cut to {found}");
        }
    }
}
