//! `farsight doctor`: what keeps debugging from working on this machine, with the cure of each.
//!
//! The [`checks`] are functions over [`Facts`], which are read once and can be made up by tests; only [`reach`] and the probe of
//! `farsight_serve` do something: they connect, and start a program of their own. Nothing is changed.

mod checks;
mod facts;
mod process;
mod reach;

use std::fmt::Write as _;

use farsight_types::OsPid;

pub(crate) use facts::Facts;

/// What is to be looked at beside the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Whether this process could be attached to.
    Process(OsPid),
    /// Whether a server can be reached that a connection string names.
    Server(String),
}

/// How well a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Ok,
    /// Something will not work, or not for everybody.
    Warn,
    /// What was asked about cannot work.
    Fail,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    verdict: Verdict,
    what: &'static str,
    said: String,
    /// What helps; none where nothing need be helped.
    cure: Option<String>,
}

impl Finding {
    fn ok(what: &'static str, said: impl Into<String>) -> Finding {
        Finding {
            verdict: Verdict::Ok,
            what,
            said: said.into(),
            cure: None,
        }
    }

    fn warn(what: &'static str, said: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding {
            verdict: Verdict::Warn,
            what,
            said: said.into(),
            cure: Some(cure.into()),
        }
    }

    /// What is said holds the cure already.
    fn told(what: &'static str, said: impl Into<String>) -> Finding {
        Finding {
            verdict: Verdict::Fail,
            ..Finding::ok(what, said)
        }
    }

    fn fail(what: &'static str, said: impl Into<String>, cure: impl Into<String>) -> Finding {
        Finding {
            verdict: Verdict::Fail,
            ..Finding::warn(what, said, cure)
        }
    }
}

/// Looks at everything; answers the table, and whether nothing failed.
pub(crate) fn examine(subject: Option<&Subject>) -> (String, bool) {
    let facts = Facts::of_this_machine();
    let mut findings = checks::machine(&facts);
    findings.extend(checks::tried(&facts));
    findings.extend(checks::programs(&facts));
    match subject {
        None => {}
        Some(Subject::Process(process)) => findings.extend(process::check(&facts, *process)),
        Some(Subject::Server(text)) => findings.extend(reach::check(text)),
    }
    let failed = findings.iter().any(|finding| finding.verdict == Verdict::Fail);
    (table(&findings), !failed)
}

/// A line each, and the cure below it.
fn table(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.what.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding in findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok",
            Verdict::Warn => "warn",
            Verdict::Fail => "fail",
        };
        // What other programs are called and say is shown as well; writing to a string cannot fail.
        let said = farsight_render::visible(&finding.said);
        let _ = writeln!(text, "{verdict:4}  {:width$}  {said}", finding.what);
        if let Some(cure) = &finding.cure {
            let _ = writeln!(text, "      {:width$}  -> {}", "", farsight_render::visible(cure));
        }
    }
    text
}

#[cfg(test)]
mod tests;
