//! An image file as a target (`-z FILE`): one module and its bytes, nothing that runs.
//!
//! The engine sees a link like any other; behind it the file answers by itself, at once and on the asking thread. The
//! "process" is number 1, rests at the image's entry, and its memory is what the file would be mapped to.

mod services;

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Sender;

use farsight_engine::{ConnectFailure, EngineMessage, LinkId, LinkNews, LinkSender};
use farsight_symbols::{Image as _, ImageFile};
use farsight_target::{Event, LINUX_PROCESSES, dispatch};
use farsight_types::OsPid;
use farsight_wire::handshake::{ServerKind, VERSIONS, Welcome};
use farsight_wire::{Frame, FrameKind, Incoming, PortError};

use services::ImageTarget;

/// The number of the process that stands for an image.
pub(crate) const IMAGE_PROCESS: OsPid = OsPid(1);

/// The engine's handle on an image file.
pub(crate) struct ImageLink {
    link: LinkId,
    inbox: Sender<EngineMessage>,
    /// None where the file could not be opened.
    target: RefCell<Option<ImageTarget>>,
}

impl ImageLink {
    pub(crate) fn open(path: &str, link: LinkId, inbox: Sender<EngineMessage>) -> ImageLink {
        let opened = open(path);
        let (news, target) = match opened {
            Ok(target) => (LinkNews::Open(Box::new(welcome())), Some(target)),
            Err(why) => (LinkNews::Failed(ConnectFailure(why)), None),
        };
        let opened = ImageLink {
            link,
            inbox,
            target: RefCell::new(target),
        };
        opened.tell(news);
        opened
    }

    fn tell(&self, news: LinkNews) {
        // An engine that has ended wants no news.
        let _ = self.inbox.send(EngineMessage::Link(self.link, news));
    }
}

impl LinkSender for ImageLink {
    fn send(&self, frame: Frame) -> Result<(), PortError> {
        let mut target = self.target.borrow_mut();
        let target = target.as_mut().ok_or(PortError::Lost)?;
        // Urgent frames ask for a stop, and an image always rests.
        if frame.header.kind != FrameKind::Request {
            return Ok(());
        }
        let number = frame.header.number;
        let call = Incoming {
            operation: farsight_wire::Operation(frame.header.operation),
            body: frame.body,
            bulk: frame.bulk,
        };
        let reply = dispatch(target, call);
        self.tell(LinkNews::Reply { number, reply });
        if let Some(stop) = target.take_stop() {
            self.tell(LinkNews::Event(Event::Stop(Box::new(stop))));
        }
        Ok(())
    }
}

fn open(path: &str) -> Result<ImageTarget, String> {
    let cannot = |why: &dyn std::fmt::Display| format!("cannot open '{path}' as an image: {why}");
    let whole = Path::new(path).canonicalize().map_err(|error| cannot(&error))?;
    let bytes = crate::files::open(&whole).ok_or_else(|| cannot(&"it is no file that can be read"))?;
    let file = ImageFile::parse(Arc::clone(&bytes)).map_err(|error| cannot(&error))?;
    if file.layout().segments.is_empty() {
        return Err(cannot(
            &"there is nothing in it that is loaded, so that nothing has an address",
        ));
    }
    Ok(ImageTarget::new(whole.to_string_lossy().into_owned(), file))
}

fn welcome() -> Welcome {
    Welcome {
        version: VERSIONS.highest,
        server: ServerKind::ProcessServer,
        product: "image file".into(),
        machine: services::MACHINE.into(),
        capabilities: vec![LINUX_PROCESSES.into()],
        ticket: None,
    }
}

#[cfg(test)]
mod tests;
