//! What was shown last, for those who come late.

use std::collections::VecDeque;
use std::sync::Arc;

use farsight_session::{Content, Notification, OutputMask, Record};

/// Most characters that are kept, as far as their number is known without rendering.
const MOST_CHARACTERS: usize = 1 << 20;

/// Most notifications that are kept.
const MOST_NOTIFICATIONS: usize = 8192;

/// What a program wrote is kept in pieces of about so many bytes, however little it wrote at once.
const PROGRAM_PIECE: usize = 4096;

/// The last notifications that everybody was told: output and commands.
#[derive(Default)]
pub(crate) struct ShownHistory {
    told: VecDeque<(Arc<Notification>, usize)>,
    characters: usize,
    /// How many of these programs wrote.
    program: usize,
    /// How many commands are kept (`-clines`); none is no limit but the others.
    pub(crate) most_commands: Option<usize>,
    commands: usize,
}

impl ShownHistory {
    /// Which kinds of the session's output are kept: what is lasting.
    pub(crate) const MASK: OutputMask = OutputMask(OutputMask::DEFAULT.0 & !OutputMask::DEBUGGEE.0);

    /// Keeps a notification, and drops the oldest beyond the limits.
    pub(crate) fn note(&mut self, notification: &Arc<Notification>) {
        let weight = weight(notification);
        self.push(Arc::clone(notification), weight);
    }

    /// Keeps what a program wrote; where that is much, it does not drive out what the session did.
    pub(crate) fn note_program(&mut self, bytes: &[u8]) {
        if let Some((last, weight)) = self.told.back_mut()
            && let Notification::ProgramOutput { bytes: kept } = Arc::make_mut(last)
            && kept.len() + bytes.len() <= PROGRAM_PIECE
        {
            kept.extend_from_slice(bytes);
            *weight += bytes.len();
            self.characters += bytes.len();
            self.program += bytes.len();
            return;
        }
        let bytes = bytes.to_vec();
        let weight = bytes.len();
        self.push(Arc::new(Notification::ProgramOutput { bytes }), weight);
        while self.program > MOST_CHARACTERS / 2 {
            let oldest = self.told.iter().position(|(notification, _)| is_programs(notification));
            match oldest.and_then(|at| self.told.remove(at)) {
                Some(oldest) => self.dropped(&oldest),
                None => break,
            }
        }
    }

    fn push(&mut self, notification: Arc<Notification>, weight: usize) {
        self.commands += usize::from(is_command(&notification));
        self.characters += weight;
        if is_programs(&notification) {
            self.program += weight;
        }
        self.told.push_back((notification, weight));
        while self.characters > MOST_CHARACTERS
            || self.told.len() > MOST_NOTIFICATIONS
            || self.most_commands.is_some_and(|most| self.commands > most)
        {
            let Some(oldest) = self.told.pop_front() else {
                break;
            };
            self.dropped(&oldest);
        }
    }

    fn dropped(&mut self, (notification, weight): &(Arc<Notification>, usize)) {
        self.characters -= weight;
        self.commands -= usize::from(is_command(notification));
        if is_programs(notification) {
            self.program -= weight;
        }
    }

    /// The last ones that together have at most so many characters, oldest first. At most half of that is what programs
    /// wrote.
    pub(crate) fn last(&self, characters: u32, render: impl Fn(&Record) -> String) -> Vec<Arc<Notification>> {
        let mut left = characters as usize;
        let mut left_for_programs = left / 2;
        let mut chosen = Vec::new();
        for (notification, weight) in self.told.iter().rev() {
            let length = match &**notification {
                Notification::Output {
                    content: Content::Record(record),
                    ..
                } => render(record).chars().count(),
                _ => *weight,
            };
            if is_programs(notification) {
                if length > left_for_programs.min(left) {
                    // Nor what came before, as if that were followed by what came after.
                    left_for_programs = 0;
                    continue;
                }
                left_for_programs -= length;
            } else if length > left {
                break;
            }
            left -= length;
            chosen.push(Arc::clone(notification));
        }
        chosen.reverse();
        chosen
    }
}

fn is_programs(notification: &Notification) -> bool {
    matches!(notification, Notification::ProgramOutput { .. })
}

fn is_command(notification: &Notification) -> bool {
    matches!(notification, Notification::Echo { .. })
}

/// About how many characters it takes up; for a record, how many bytes its encoding has.
fn weight(notification: &Notification) -> usize {
    match notification {
        Notification::Output {
            content: Content::Text(text),
            ..
        } => text.chars().count(),
        Notification::Output {
            content: Content::Record(record),
            ..
        } => record.weight(),
        Notification::Echo { author, line, prompt } => author.len() + line.len() + prompt.len() + 4,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Arc<Notification> {
        Arc::new(Notification::Output {
            mask: OutputMask::NORMAL,
            content: Content::Text(text.into()),
        })
    }

    /// What is shown to somebody who wants so many characters: the session's text as it is, a program's in brackets.
    fn shown(history: &ShownHistory, characters: u32) -> String {
        let last = history.last(characters, |_| String::new());
        let words = last.iter().map(|told| match &**told {
            Notification::Output {
                content: Content::Text(text),
                ..
            } => text.clone(),
            Notification::ProgramOutput { bytes } => format!("[{}]", String::from_utf8_lossy(bytes)),
            other => panic!("{other:?}"),
        });
        words.collect()
    }

    #[test]
    fn what_a_program_wrote_drives_out_nothing_but_its_own() {
        let mut history = ShownHistory::default();
        history.note(&said("first"));
        history.note_program(b"one");
        history.note_program(b"two");
        history.note(&said("last"));
        history.note_program(b"end");
        assert_eq!(shown(&history, 1000), "first[onetwo]last[end]");
        assert_eq!(shown(&history, 14), "firstlast[end]");
        assert_eq!(shown(&history, 8), "last[end]");
        for _ in 0..1000 {
            history.note_program(&[b'x'; 4000]);
        }
        assert!(history.told.len() < 1000 && history.characters <= MOST_CHARACTERS);
        assert_eq!(history.program, history.characters - "firstlast".len());
        assert!(shown(&history, 100).starts_with("firstlast"));
    }
}
