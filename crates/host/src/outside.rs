//! What the engine gets from this machine: links to target services, files and variables.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use farsight_engine::{
    ConnectFailure, DebuggingServer, Destination, EngineMessage, FileFailure, LinkId, LinkSender, ListingFailure,
    OpenFiles, OutputFile, OutputMode, Outside,
};
use farsight_render::View;
use farsight_session::Record;
use farsight_session::record::MachineServers;
use farsight_symbols::ImageBytes;
use farsight_types::ServerId;

use crate::image::ImageLink;
use crate::link::{Link, LinkThreads};
use crate::server::DebuggingServers;
use crate::sources::SourceFiles;

/// How long the threads of closed links may take to end before the host goes without them. Only one that still waits
/// for its server's first word needs more than a moment, and a user who gave up on that server should not wait for it.
const THREADS_END: Duration = Duration::from_millis(500);

/// The engine's world on this machine.
#[derive(Debug, Default)]
pub struct Machine {
    threads: LinkThreads,
    sources: SourceFiles,
    servers: DebuggingServers,
}

/// This machine's files, for any thread.
struct HostFiles;

impl OpenFiles for HostFiles {
    fn open(&self, path: &Path) -> Option<Arc<dyn ImageBytes>> {
        crate::files::open(path)
    }
}

impl Outside for Machine {
    fn connect(&mut self, to: &Destination, link: LinkId, inbox: Sender<EngineMessage>) -> Box<dyn LinkSender> {
        match to {
            Destination::Image(path) => Box::new(ImageLink::open(path, link, inbox)),
            to => Box::new(Link::open(to.clone(), link, inbox, &mut self.threads)),
        }
    }

    fn start_server(
        &mut self,
        transport: &str,
        server: ServerId,
        inbox: Sender<EngineMessage>,
    ) -> Result<Box<dyn DebuggingServer>, ConnectFailure> {
        self.servers.start(transport, server, inbox)
    }

    fn servers_of_machine(&mut self, machine: &str) -> Result<MachineServers, ListingFailure> {
        let machine = Some(machine).filter(|machine| !machine.is_empty());
        crate::servers::of_machine(machine).map_err(|error| ListingFailure(error.to_string()))
    }

    fn open_file(&mut self, path: &Path) -> Option<Arc<dyn ImageBytes>> {
        crate::files::open(path)
    }

    fn files(&self) -> Arc<dyn OpenFiles> {
        Arc::new(HostFiles)
    }

    fn read_file(&mut self, path: &Path, most: u64) -> Result<Vec<u8>, FileFailure> {
        crate::files::read(path, most)
    }

    fn file_mode(&mut self, path: &Path) -> Result<u32, FileFailure> {
        crate::files::mode(path)
    }

    fn open_output(&mut self, path: &Path, mode: OutputMode) -> Result<Box<dyn OutputFile>, FileFailure> {
        crate::files::open_output(path, mode)
    }

    fn complete_path(&mut self, beginning: &str, most: usize) -> Vec<String> {
        crate::files::complete(beginning, most)
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    fn render(&self, record: &Record) -> String {
        farsight_render::render_with(record, &View::default(), &self.sources)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn secret_variables(&self) -> Vec<String> {
        farsight_transport::secrets::variables()
    }
}

impl Drop for Machine {
    /// The engine is going and has dropped its links, so their threads are about to end.
    fn drop(&mut self) {
        self.servers.end();
        self.threads.join(THREADS_END);
    }
}
