//! Programs made by the test itself, and files of the system.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use farsight_symbols::{ImageError, ImageFile};

/// A directory that goes away with the value.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Scratch {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("farsight-symbols-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Compiles a source text; none where the compiler is missing.
    pub(crate) fn compile(&self, compiler: &str, source: &str, flags: &[&str]) -> Option<PathBuf> {
        let suffix = if compiler == "g++" { "cc" } else { "c" };
        let source_path = self.path(&format!("program.{suffix}"));
        std::fs::write(&source_path, source).unwrap();
        let program = self.path("program");
        let done = run(Command::new(compiler)
            .args(flags)
            .arg("-o")
            .args([&program, &source_path]))?;
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(program)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a program to its end; none where it is not installed and need not be.
///
/// # Panics
/// Where it must be installed.
pub(crate) fn run(command: &mut Command) -> Option<std::process::Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let may_be_missing = std::env::var_os("FARSIGHT_WITHOUT_PEERS").is_some();
            assert!(
                may_be_missing,
                "{:?} is not installed; FARSIGHT_WITHOUT_PEERS=1 leaves out what needs it",
                command.get_program()
            );
            eprintln!("skipped: {command:?} is not installed");
            None
        }
        Err(error) => panic!("{command:?}: {error}"),
    }
}

/// An image file of the system or of the test; none where there is no such file, or it is none.
pub(crate) fn image(path: &Path) -> Option<Arc<ImageFile>> {
    let bytes = std::fs::read(path).ok()?;
    match ImageFile::parse(Arc::new(bytes)) {
        Ok(image) => Some(Arc::new(image)),
        Err(ImageError::NotElf) => None,
        Err(error) => panic!("{}: {error}", path.display()),
    }
}
