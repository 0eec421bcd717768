//! Everything that the console shows, in one place: rendering, guarding the terminal, and keeping lines apart.

use std::io::{self, Write};

use farsight_render::{View, render_with, visible};
use farsight_session::Content;
use farsight_types::without_secrets;

use super::program_text::{ProgramText, Viewer};
use crate::sources::SourceFiles;

/// Where text goes while the user is typing, so that the line being typed is not torn.
pub(crate) type BesideEditor = Box<dyn FnMut(String) -> io::Result<()> + Send>;

/// The output side of the console.
pub(crate) struct Screen {
    out: Box<dyn Write + Send>,
    beside: Option<BesideEditor>,
    /// Whether the editor shows a line now.
    editing: bool,
    /// The beginning of a line that cannot be shown beside the editor before its end has come.
    held: String,
    view: View,
    sources: SourceFiles,
    program: ProgramText,
    /// Whether the last thing shown was the program's.
    program_last: bool,
    at_line_start: bool,
}

impl Screen {
    /// A screen that writes to `out`, and through `beside` while a line is being edited.
    pub(crate) fn new(out: Box<dyn Write + Send>, beside: Option<BesideEditor>) -> Screen {
        // Who sets this wants none, whatever the terminal can (no-color.org).
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let viewer = match (&beside, unwanted) {
            (None, _) => Viewer::File,
            (Some(_), true) => Viewer::PlainTerminal,
            (Some(_), false) => Viewer::ColourTerminal,
        };
        Screen {
            out,
            beside,
            editing: false,
            held: String::new(),
            view: View {
                colour: viewer == Viewer::ColourTerminal,
                ..View::default()
            },
            sources: SourceFiles::default(),
            program: ProgramText::new(viewer),
            program_last: false,
            at_line_start: true,
        }
    }

    /// Renders for another width from now on.
    pub(crate) fn set_width(&mut self, width: u16) {
        self.view.width = width;
    }

    /// Looks for source files in these folders first, or in these too; what `.lsrcpath` says about it.
    pub(crate) fn set_source_path(&mut self, add: bool, folders: Vec<String>) -> String {
        if !add && !folders.is_empty() {
            self.sources.local.clear();
        }
        self.sources.local.extend(folders);
        match self.sources.local.is_empty() {
            true => "Local source search path is: <empty>\n".into(),
            false => format!("Local source search path is: {}\n", self.sources.local.join(";")),
        }
    }

    /// The editor is about to show a line.
    pub(crate) fn begin_editing(&mut self) -> io::Result<()> {
        self.end_line()?;
        self.editing = true;
        Ok(())
    }

    /// The editor has ended, with the cursor at the beginning of a line.
    pub(crate) fn end_editing(&mut self) -> io::Result<()> {
        self.editing = false;
        self.at_line_start = true;
        let held = std::mem::take(&mut self.held);
        self.write(held)
    }

    /// The editor's prompt is another now.
    pub(crate) fn repaint_prompt(&mut self) -> io::Result<()> {
        match (self.editing, &mut self.beside) {
            // The editor paints prompt and line anew behind whatever it shows; this leaves nothing behind.
            (true, Some(beside)) => beside("\x1b[A\n".into()),
            _ => Ok(()),
        }
    }

    /// Whether the editor shows a line.
    pub(crate) fn is_editing(&self) -> bool {
        self.editing
    }

    /// Output of the engine as text.
    pub(crate) fn text_of(&self, content: &Content) -> String {
        match content {
            Content::Text(text) => guard(text),
            Content::Record(record) => render_with(record, &self.view, &self.sources),
        }
    }

    /// Shows output of the engine.
    pub(crate) fn show(&mut self, content: &Content) -> io::Result<()> {
        let text = self.text_of(content);
        let before = self.before_other_text();
        self.write(format!("{before}{text}"))
    }

    /// Shows a line that was read from elsewhere, as if it had been typed at the prompt. What is shown may be kept, so that
    /// secrets are not.
    pub(crate) fn echo(&mut self, prompt: &str, line: &str) -> io::Result<()> {
        let before = self.before_other_text();
        self.write(format!("{before}{}{}\n", guard(prompt), guard(&without_secrets(line))))
    }

    /// Ends a line that stands open.
    fn end_line(&mut self) -> io::Result<()> {
        let text = self.before_other_text();
        self.write(text)
    }

    /// Shows what the program wrote.
    pub(crate) fn show_program(&mut self, bytes: &[u8]) -> io::Result<()> {
        let text = self.program.pass(bytes);
        self.program_last = true;
        self.write(text)
    }

    /// Ends the program's colours, and its line unless it ended it itself.
    fn before_other_text(&mut self) -> String {
        let mut text = String::new();
        if std::mem::take(&mut self.program_last) {
            text.push_str(self.program.settle());
        }
        if !self.at_line_start {
            text.push('\n');
        }
        text
    }

    fn write(&mut self, text: String) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        if let (true, Some(beside)) = (self.editing, &mut self.beside) {
            self.held.push_str(&text);
            // Everything up to the last line end; the rest would get one that it does not have.
            let whole = self.held.rfind('\n').map_or(0, |end| end + 1);
            if whole == 0 {
                // It is not shown yet, but what comes next is not its end.
                self.at_line_start = false;
                return Ok(());
            }
            let rest = self.held.split_off(whole);
            self.at_line_start = rest.is_empty();
            return beside(std::mem::replace(&mut self.held, rest));
        }
        self.at_line_start = text.ends_with('\n');
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

/// Text of the engine with nothing in it that a terminal would obey, whatever got into it.
fn guard(text: &str) -> String {
    let mut guarded = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            guarded.push('\n');
        }
        for (at, cell) in line.split('\t').enumerate() {
            if at > 0 {
                guarded.push('\t');
            }
            guarded.push_str(&visible(cell));
        }
    }
    guarded
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Sink(Sender<String>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).unwrap();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn screen(beside: bool) -> (Screen, Receiver<String>) {
        let (sender, shown) = channel();
        let aside = sender.clone();
        let beside = beside.then(|| -> BesideEditor {
            Box::new(move |text| {
                aside.send(format!("beside:{text}")).unwrap();
                Ok(())
            })
        });
        (Screen::new(Box::new(Sink(sender)), beside), shown)
    }

    fn text(text: &str) -> Content {
        Content::Text(text.into())
    }

    #[test]
    fn a_line_of_the_program_is_ended_before_the_engine_speaks() {
        let (mut screen, shown) = screen(true);
        screen.show_program(b"\x1b[31mName? ").unwrap();
        screen.show(&text("Breakpoint 0 hit\n")).unwrap();
        screen.echo("0:000> ", "k").unwrap();
        let all: String = shown.try_iter().collect();
        assert_eq!(all, "\x1b[31mName? \x1b[0m\nBreakpoint 0 hit\n0:000> k\n");
    }

    #[test]
    fn what_comes_while_a_line_is_edited_goes_beside_it() {
        let (mut screen, shown) = screen(true);
        screen.begin_editing().unwrap();
        screen.show(&text("thread started\n")).unwrap();
        screen.end_editing().unwrap();
        screen.show(&text("done\n")).unwrap();
        assert_eq!(
            shown.try_iter().collect::<Vec<_>>(),
            ["beside:thread started\n", "done\n"]
        );
    }

    #[test]
    fn lines_that_come_in_pieces_go_beside_the_editor_whole() {
        let (mut screen, shown) = screen(true);
        screen.begin_editing().unwrap();
        for piece in ["tick", " 1", "\r\n", "tick 2\ntick"] {
            screen.show_program(piece.as_bytes()).unwrap();
        }
        screen.end_editing().unwrap();
        screen.show(&text("stopped\n")).unwrap();
        let all: Vec<String> = shown.try_iter().collect();
        assert_eq!(all, ["beside:tick 1\n", "beside:tick 2\n", "tick", "\nstopped\n"]);
    }

    /// Others come and go while a line is typed here.
    #[test]
    fn a_notice_does_not_go_on_a_line_that_stands_open() {
        let (mut screen, shown) = screen(true);
        screen.begin_editing().unwrap();
        for piece in ["no line end", "ann disconnected\n", "one", "two\n"] {
            screen.show(&text(piece)).unwrap();
        }
        let all: String = shown.try_iter().collect();
        assert_eq!(all.replace("beside:", ""), "no line end\nann disconnected\none\ntwo\n");
    }

    #[test]
    fn no_escape_of_a_target_reaches_the_terminal() {
        let (mut screen, shown) = screen(false);
        screen.show(&text("name\t\x1b]0;owned\x07\r\nnext\n")).unwrap();
        let all: String = shown.try_iter().collect();
        assert_eq!(all, "name\t\\e]0;owned\\x07\\r\nnext\n");
    }
}
