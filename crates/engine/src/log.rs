//! The log: what is typed and shown, written to one file of the engine's machine.
//!
//! What is shown waits in the output until the session, which can render, writes it: behind each command and each
//! message. A file that cannot be written any more is closed and said so.

use std::path::Path;

use farsight_session::{ClientId, Content, OutputMask};
use farsight_types::{Moment, without_secrets};

use crate::OutputMode;
use crate::error::CommandError;
use crate::outside::OutputFile;
use crate::session::Session;

/// An open log.
pub(crate) struct Log {
    pub(crate) name: String,
    file: Box<dyn OutputFile>,
    pending: Vec<Content>,
}

impl Log {
    /// What is shown goes into the log too.
    pub(crate) fn note(&mut self, mask: OutputMask, content: &Content) {
        if OutputMask::DEFAULT.meets(mask) {
            self.pending.push(content.clone());
        }
    }
}

impl Session {
    /// Opens the log; one that is open is closed first.
    pub(crate) fn open_log(&mut self, name: &str, mode: OutputMode) -> Result<(), CommandError> {
        self.close_log();
        let file = self.outside.open_output(Path::new(name), mode);
        let file = file.map_err(|failure| CommandError::Refused(failure.to_string()))?;
        self.output.log = Some(Log {
            name: name.to_owned(),
            file,
            pending: Vec::new(),
        });
        self.output.line(format!("Opened log file '{name}'"));
        Ok(())
    }

    /// Closes the log; whether one was open.
    pub(crate) fn close_log(&mut self) -> bool {
        let Some(name) = self.output.log.as_ref().map(|log| log.name.clone()) else {
            return false;
        };
        self.output.line(format!("Closing open log file {name}"));
        self.flush_log();
        self.output.log = None;
        true
    }

    /// The log that the options ask for (`-logo`, `-loga`).
    pub(crate) fn open_first_log(&mut self) {
        let Some((name, append)) = self.options.log.take() else {
            return;
        };
        let mode = if append {
            OutputMode::Append
        } else {
            OutputMode::Replace
        };
        if let Err(error) = self.open_log(&name, mode) {
            self.output.error(error.to_string());
        }
    }

    /// A command that was typed, with its prompt, and with who typed it and when where that was not the debugger's own
    /// console.
    pub(crate) fn log_command(&mut self, author: Option<ClientId>, line: &str) {
        if self.output.log.is_none() {
            return;
        }
        let now = Moment::from_unix(self.output.now);
        let author = match author.map(|author| self.output.clients.get(author)) {
            Some(Some(client)) if client.who.server.is_some() => {
                format!("<{}, {}, {now}> ", client.name(), client.who.role)
            }
            Some(None) => format!("<a client that has gone, {now}> "),
            Some(Some(_)) | None => String::new(),
        };
        let text = format!("{author}{}{}\n", self.prompt(), without_secrets(line));
        if let Some(log) = &mut self.output.log {
            log.pending.push(Content::Text(text));
        }
    }

    /// Writes what was shown since the last time.
    pub(crate) fn flush_log(&mut self) {
        let Some(log) = &mut self.output.log else {
            return;
        };
        if log.pending.is_empty() {
            return;
        }
        let mut text = String::new();
        for content in log.pending.drain(..) {
            match content {
                Content::Text(part) => text.push_str(&part),
                Content::Record(record) => text.push_str(&self.outside.render(&record)),
            }
        }
        if let Err(failure) = log.file.write(text.as_bytes()) {
            let name = std::mem::take(&mut log.name);
            self.output.log = None;
            self.output
                .error(format!("*** The log file '{name}' is closed: {failure}"));
        }
    }
}
