//! Functions that `t` by source line steps over (`.step_filter`).

use farsight_symbols::Pattern;

/// The C and C++ run-time libraries, whose debug information many machines have and few people step through.
const USUAL: &str = "ld_linux*!*;libc!*;libm!*;libpthread!*;libstdc__!*;libgcc_s!*";

/// Patterns of `module!function`.
#[derive(Clone, Debug)]
pub(crate) struct StepFilter {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    text: String,
    module: Option<Pattern>,
    function: Pattern,
}

impl Default for StepFilter {
    fn default() -> StepFilter {
        StepFilter::parse(USUAL)
    }
}

impl StepFilter {
    /// Patterns with `;` between them; one without `!` is a function of any module.
    pub(crate) fn parse(text: &str) -> StepFilter {
        let patterns = text.split(';').map(str::trim).filter(|text| !text.is_empty());
        let entry = |text: &str| {
            let (module, function) = match text.split_once('!') {
                Some((module, function)) => (Some(Pattern::new(module)), function),
                None => (None, text),
            };
            Entry {
                text: text.to_owned(),
                module,
                function: Pattern::new(function),
            }
        };
        StepFilter {
            entries: patterns.map(entry).collect(),
        }
    }

    /// Whether there is no pattern.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The patterns as they were given.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.text.as_str())
    }

    /// Whether a function is stepped over.
    pub(crate) fn has(&self, module: &str, function: &str) -> bool {
        let of = |entry: &Entry| entry.module.as_ref().is_none_or(|pattern| pattern.matches(module));
        self.entries
            .iter()
            .any(|entry| of(entry) && entry.function.matches(function))
    }

    /// Whether every function of a module is.
    pub(crate) fn has_all(&self, module: &str) -> bool {
        let all = |entry: &&Entry| entry.text.rsplit('!').next() == Some("*");
        let of = |entry: &Entry| entry.module.as_ref().is_none_or(|pattern| pattern.matches(module));
        self.entries.iter().filter(all).any(of)
    }
}

#[cfg(test)]
mod tests {
    use super::StepFilter;

    #[test]
    fn filters_name_functions_of_modules() {
        let usual = StepFilter::default();
        let own = StepFilter::parse(" std::*; app!get_?; ;");
        for (filter, module, function, over) in [
            (&usual, "libc", "printf", true),
            (&usual, "ld_linux_x86_64", "_dl_fixup", true),
            (&usual, "app", "printf", false),
            (&own, "app", "std::move", true),
            (&own, "other", "std::move", true),
            (&own, "app", "get_x", true),
            (&own, "app", "get_xy", false),
            (&own, "other", "get_x", false),
        ] {
            assert_eq!(filter.has(module, function), over, "{module}!{function}");
        }
        assert!(usual.has_all("libc") && !usual.has_all("app") && !own.has_all("app"));
        assert!(StepFilter::parse("app!*").has_all("app"));
        assert!(StepFilter::parse(" ; ").is_empty());
    }
}
