//! The `farsight` console program: chooses a role and runs it.

fn main() -> std::process::ExitCode {
    std::process::ExitCode::SUCCESS
}
