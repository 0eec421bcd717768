//! The runner itself.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_varies_is_matched_and_nothing_else() {
    for (expected, shown, fits) in [
        ("a\nb", "a\nb\n\n", true),
        ("a\nb", "a  \nb", true),
        ("a", "a\nb", false),
        ("rax=<hex> x", "rax=00`1f x", true),
        ("rax=<hex> x", "rax= x", false),
        ("rax=<hex>", "rax=xyz", false),
        ("<pid>.<tid>: <...>end", "12.1f: any end", true),
        ("a<...>", "a", true),
        ("<lines>\nb\n<lines>", "b", true),
        ("<lines>\nb\n<lines>", "x\ny\nb\nz", true),
        ("a\n<lines>\nc", "a\nb", false),
        ("a\n\nc", "a\n\nc", true),
        ("a<dec>c<dec>", "a1c2", true),
        ("a<dec>c", "aXc", false),
    ] {
        assert_eq!(
            matches_lines(&lines(expected), shown),
            fits,
            "{expected:?} on {shown:?}"
        );
    }
}

const SAMPLE: &str = "\
## What it shows.
@attach 7
@file /a
|one
|two

opening line

## First.
0:000> one > two
shown

more
\\> no command
!> bad

>& g
^C
stopped
";

#[test]
fn a_file_is_read_and_written_back_as_it_is() {
    let transcript = Transcript::parse(SAMPLE).unwrap();
    assert_eq!(transcript.to_string(), SAMPLE);
    assert_eq!(transcript.settings.get("attach"), Some("7"));
    assert_eq!(
        transcript.settings.files(),
        [("/a".to_owned(), "one\ntwo\n".to_owned())]
    );
    assert_eq!(transcript.opening, ["opening line"]);
    let steps: Vec<_> = transcript
        .steps
        .iter()
        .map(|step| (step.prompt.as_str(), step.fails, step.action, step.text.as_str()))
        .collect();
    assert_eq!(
        steps,
        [
            ("0:000>", false, Action::Run, "one > two"),
            ("", true, Action::Run, "bad"),
            ("", false, Action::Start, "g"),
            ("", false, Action::Interrupt, ""),
        ]
    );
    assert_eq!(transcript.steps[0].expected, ["shown", "", "more", "> no command"]);
    for bad in ["", "@attach", "> x\n## comment\noutput"] {
        assert!(Transcript::parse(bad).is_err(), "{bad:?}");
    }
}

struct Parrot(Rc<RefCell<Vec<String>>>);

impl Player for Parrot {
    fn prompt(&mut self) -> Option<String> {
        Some("0:000> ".into())
    }

    fn run(&mut self, line: &str) -> Heard {
        self.0.borrow_mut().push(line.to_owned());
        Heard {
            text: format!("{line} done at 7f00\n"),
            failed: Some(line == "bad"),
        }
    }

    fn start(&mut self, line: &str) -> Heard {
        self.run(line)
    }

    fn interrupt(&mut self) -> Heard {
        self.run("^C")
    }

    fn end(self: Box<Self>) {}

    fn variables(&self) -> Vec<(String, String)> {
        vec![("box".into(), "box17".into())]
    }
}

fn played(text: &str) -> Option<String> {
    let folder = crate::Scratch::new();
    let path = folder.path().join("sample.txt");
    std::fs::write(&path, text).unwrap();
    let begin = |_: &Settings| -> (Box<dyn Player>, String) { (Box::new(Parrot(Rc::default())), "hello\n".into()) };
    let result = std::panic::catch_unwind(|| play(&path, &begin));
    result.err().map(|payload| *payload.downcast::<String>().unwrap())
}

#[test]
fn a_transcript_fails_at_whatever_is_otherwise() {
    assert_eq!(played("hello\n\n0:000> on {box}\non {box} done at <hex>\n"), None);
    for (text, word) in [
        ("> fine\n", "showed otherwise"),
        ("> fine\nfine done at 8000\n", "- fine done at 8000"),
        ("1:000> fine\nfine done at <hex>\n", "the prompt is"),
        ("> bad\nbad done at <hex>\n", "'bad' failed"),
        ("!> fine\nfine done at <hex>\n", "did not fail"),
        ("good bye\n> fine\nfine done at <hex>\n", "- good bye"),
    ] {
        let complaint = played(text).unwrap_or_else(|| panic!("{text:?} passed"));
        assert!(complaint.contains(word), "{complaint}");
    }
}
