//! The `farsight` console program: chooses a role and runs it.

fn main() -> std::process::ExitCode {
    farsight_host::run(std::env::args_os().skip(1))
}
