//! What a machine's stack is made of.

use std::ops::Range;
use std::rc::Rc;
use std::vec::IntoIter;

use farsight_types::ThreadId;

use super::EachPlan;
use crate::aliases::replace_variable;
use crate::error::CommandError;
use crate::expression::command_line::Command;
use crate::model::Place;

/// One thing that is being carried out.
#[derive(Debug)]
pub(super) enum Frame {
    /// Commands, one after another.
    Sequence(Sequence),
    /// `.while`, `.do`, `.for`.
    Repeat(Repeat),
    /// `.foreach`.
    Each(Each),
    /// `.catch`: errors come no further out than here.
    Catch,
    /// The output of what is above goes into a text.
    Captured(Captured),
    /// A script line by line.
    Lines(Lines),
    /// Commands for one thread after another.
    Threads(PerThread),
}

#[derive(Debug)]
pub(super) struct Sequence {
    pub(super) text: Rc<str>,
    pub(super) commands: Vec<Command>,
    pub(super) next: usize,
    /// How long its part of the text is.
    pub(super) length: usize,
    pub(super) is_script: bool,
}

/// What a loop does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Test,
    Body,
    Step,
}

#[derive(Clone, Debug)]
pub(super) struct Repeat {
    pub(super) text: Rc<str>,
    pub(super) condition: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) step: Option<Range<usize>>,
    pub(super) phase: Phase,
}

#[derive(Debug)]
pub(super) struct Each {
    text: Rc<str>,
    plan: EachPlan,
    pub(super) tokens: IntoIter<String>,
}

impl Each {
    pub(super) fn new(mut plan: EachPlan, text: Rc<str>) -> Each {
        let tokens = std::mem::take(&mut plan.tokens).into_iter();
        Each { text, plan, tokens }
    }

    /// `/pS`: passes over the first words.
    pub(super) fn skip_first(&mut self) {
        if let Some(last) = self.plan.skip_first.checked_sub(1) {
            self.tokens.nth(last);
        }
    }

    /// The next word; `/ps` passes over some behind each.
    pub(super) fn next(&mut self) -> Option<String> {
        let token = self.tokens.next()?;
        if let Some(last) = self.plan.skip_each.checked_sub(1) {
            self.tokens.nth(last);
        }
        Some(token)
    }

    /// The block, with a word in the variable's place.
    pub(super) fn body(&self, token: &str) -> Result<String, CommandError> {
        let body = self.text.get(self.plan.body.clone()).unwrap_or_default();
        replace_variable(body, &self.plan.variable, token)
    }
}

#[derive(Debug)]
pub(super) struct Captured {
    pub(super) then: Then,
}

/// What becomes of a captured text.
#[derive(Debug)]
pub(super) enum Then {
    Each(Each),
    Alias(String),
}

#[derive(Debug)]
pub(super) struct Lines {
    pub(super) lines: IntoIter<String>,
}

#[derive(Debug)]
pub(super) struct PerThread {
    pub(super) threads: IntoIter<ThreadId>,
    pub(super) commands: Rc<str>,
    /// What commands were about, and will be again.
    pub(super) before: Place,
}
