//! The prompt of the line that is being typed, which may change under it.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Different prompts that one line can stand behind.
const MOST_TEXTS: usize = 16;

/// A prompt that others change while the editor shows it. The editor reads it whenever it paints, and computes once how
/// wide it is: so all are as wide as the first.
#[derive(Debug)]
pub(crate) struct ShownPrompt {
    texts: [OnceLock<String>; MOST_TEXTS],
    current: AtomicUsize,
}

impl ShownPrompt {
    /// What a line stands behind at first.
    pub(crate) fn new(prompt: &str) -> ShownPrompt {
        let mut texts = [const { OnceLock::new() }; MOST_TEXTS];
        texts[0] = OnceLock::from(farsight_render::visible(prompt).into_owned());
        ShownPrompt {
            texts,
            current: AtomicUsize::new(0),
        }
    }

    /// What it stands behind now.
    pub(crate) fn text(&self) -> &str {
        let current = self.texts.get(self.current.load(Ordering::Acquire));
        current.and_then(OnceLock::get).map_or("", String::as_str)
    }

    /// Changes it from the next painting on. Not to a wider one, nor to ever other ones; whether it was done.
    pub(crate) fn change(&self, prompt: &str) -> bool {
        let prompt = farsight_render::visible(prompt);
        let width = self.texts[0].get().map_or(0, |first| first.chars().count());
        if prompt.chars().count() > width {
            return false;
        }
        let prompt = format!("{prompt:>width$}");
        let known = |text: &OnceLock<String>| text.get_or_init(|| prompt.clone()) == &prompt;
        match self.texts.iter().position(known) {
            Some(at) => {
                self.current.store(at, Ordering::Release);
                true
            }
            None => false,
        }
    }
}

impl rustyline::Prompt for ShownPrompt {
    fn raw(&self) -> &str {
        self.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_and_stays_as_wide_as_it_was() {
        let prompt = ShownPrompt::new("0:000> ");
        assert_eq!(prompt.text(), "0:000> ");
        for (to, changes, shown) in [
            ("*BUSY* ", true, "*BUSY* "),
            ("1:002> ", true, "1:002> "),
            ("> ", true, "     > "),
            ("||1:0:000> ", false, "     > "),
            ("0:000> ", true, "0:000> "),
        ] {
            assert_eq!((prompt.change(to), prompt.text()), (changes, shown), "{to}");
        }
        for number in 0..100 {
            prompt.change(&format!("0:{number:03}> "));
        }
        assert!(!prompt.change("7:777> ") && prompt.change("*BUSY* "));
    }
}
