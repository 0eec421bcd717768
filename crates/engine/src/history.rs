//! What was shown last, for those who come late.

use std::collections::VecDeque;
use std::sync::Arc;

use farsight_session::{Content, Notification, OutputMask, Record};

/// Most characters that are kept, as far as their number is known without rendering.
const MOST_CHARACTERS: usize = 1 << 20;

/// Most notifications that are kept.
const MOST_NOTIFICATIONS: usize = 8192;

/// The last notifications that everybody was told: output and commands.
#[derive(Default)]
pub(crate) struct ShownHistory {
    told: VecDeque<(Arc<Notification>, usize)>,
    characters: usize,
    /// How many commands are kept (`-clines`); none is no limit but the others.
    pub(crate) most_commands: Option<usize>,
    commands: usize,
}

impl ShownHistory {
    /// Which kinds of output are kept: what is lasting.
    pub(crate) const MASK: OutputMask = OutputMask(OutputMask::DEFAULT.0 & !OutputMask::DEBUGGEE.0);

    /// Keeps a notification, and drops the oldest beyond the limits.
    pub(crate) fn note(&mut self, notification: &Arc<Notification>) {
        let weight = weight(notification);
        self.commands += usize::from(is_command(notification));
        self.characters += weight;
        self.told.push_back((Arc::clone(notification), weight));
        while self.characters > MOST_CHARACTERS
            || self.told.len() > MOST_NOTIFICATIONS
            || self.most_commands.is_some_and(|most| self.commands > most)
        {
            let Some((oldest, weight)) = self.told.pop_front() else {
                break;
            };
            self.characters -= weight;
            self.commands -= usize::from(is_command(&oldest));
        }
    }

    /// The last ones that together have at most so many characters, oldest first.
    pub(crate) fn last(&self, characters: u32, render: impl Fn(&Record) -> String) -> Vec<Arc<Notification>> {
        let mut left = characters as usize;
        let mut chosen = Vec::new();
        for (notification, weight) in self.told.iter().rev() {
            let length = match &**notification {
                Notification::Output {
                    content: Content::Record(record),
                    ..
                } => render(record).chars().count(),
                _ => *weight,
            };
            if length > left {
                break;
            }
            left -= length;
            chosen.push(Arc::clone(notification));
        }
        chosen.reverse();
        chosen
    }
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
