//! `k` and its flags.

use farsight_session::record::{FrameTrust, Stack, StackColumns, StackFrame};
use farsight_types::Address;

use crate::place::place;
use crate::{Paint, View, visible, write_line};

/// What stands for an address that is not known.
const UNKNOWN: &str = "????????`????????";
/// Characters of four argument words.
const ARGUMENTS: usize = 71;

/// `k`.
pub(crate) fn stack(out: &mut String, stack: &Stack, view: &View) {
    let columns = stack.columns;
    if !columns.headless {
        write_line!(out, "{}", view.paint(Paint::Heading, &heading(columns)));
    }
    let mut warned = false;
    let mut last_sp: Option<Address> = None;
    for frame in &stack.frames {
        if frame.trust != FrameTrust::Exact && !warned {
            let warning = "WARNING: Stack unwind information not available. Following frames may be wrong.";
            write_line!(out, "{}", view.paint(Paint::Warning, warning));
            warned = true;
        }
        write_line!(out, "{}", row(frame, columns, last_sp).trim_end());
        last_sp = frame.child_sp.or(last_sp);
    }
    if let Some(why) = &stack.cut_short {
        let text = format!("WARNING: The stack ends here because {}", visible(why));
        write_line!(out, "{}", view.paint(Paint::Warning, &text));
    }
}

fn heading(columns: StackColumns) -> String {
    let mut heading = String::new();
    if columns.numbers {
        heading.push_str(" # ");
    }
    if columns.clean {
        return heading + "Call Site";
    }
    if columns.sizes {
        heading.push_str("  Memory  ");
    }
    heading.push_str("Child-SP          RetAddr               ");
    if columns.arguments {
        heading.push_str(&format!(": {:<ARGUMENTS$} : ", "Args to Child"));
    }
    heading + "Call Site"
}

fn row(frame: &StackFrame, columns: StackColumns, last_sp: Option<Address>) -> String {
    let mut row = String::new();
    if columns.numbers {
        row.push_str(&format!("{:02x} ", frame.number));
    }
    if !columns.clean {
        if columns.sizes {
            let size = frame
                .child_sp
                .zip(last_sp)
                .and_then(|(sp, last)| sp.distance_from(last));
            let size = size.map(|size| format!("{size:x}"));
            row.push_str(&format!("{:>8}  ", size.unwrap_or_default()));
        }
        let child_sp = frame
            .child_sp
            .map_or_else(|| String::from(UNKNOWN), |sp| sp.to_string());
        let return_address = frame.return_address.unwrap_or_default();
        row.push_str(&format!("{child_sp} {return_address}     "));
        if columns.arguments {
            let words = frame.arguments.iter().map(|word| match word {
                Some(word) => Address(*word).to_string(),
                None => String::from(UNKNOWN),
            });
            let words = words.collect::<Vec<_>>().join(" ");
            row.push_str(&format!(": {words:<ARGUMENTS$} : "));
        }
    }
    row.push_str(&place(&frame.site));
    if frame.signal {
        row.push_str(" <signal handler called>");
    }
    row.push_str(match frame.trust {
        FrameTrust::Exact => "",
        FrameTrust::Pattern => " [guessed by code pattern]",
        FrameTrust::FramePointer => " [guessed by frame pointer]",
        FrameTrust::Scanned => " [guessed by stack scan]",
    });
    row
}
