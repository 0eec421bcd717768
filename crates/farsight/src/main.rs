//! The `farsight` console program: chooses a role and runs it.

fn main() -> std::process::ExitCode {
    farsight_host::run(farsight_host::arguments())
}
