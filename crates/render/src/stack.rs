//! `k` and its flags.

use farsight_session::record::{FrameKind, FrameTrust, Place, Stack, StackColumns, StackFrame, ValueNode};
use farsight_types::Address;

use crate::place::place;
use crate::{Paint, View, visible, write_line};
use crate::{source, value};

/// What stands for an address that is not known.
const UNKNOWN: &str = "????????`????????";
/// What stands for an address that a frame without a part of the stack does not have.
const NONE: &str = "--------`--------";
const INLINED: &str = "(Inline Function)";
const TAIL_CALL: &str = "(Tail Call)      ";
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
        let absent = match frame.kind {
            FrameKind::Called => None,
            FrameKind::Inlined => Some(INLINED),
            FrameKind::TailCall => Some(TAIL_CALL),
        };
        match absent {
            Some(absent) => row.push_str(&format!("{absent} {NONE}     ")),
            None => {
                let child_sp = frame
                    .child_sp
                    .map_or_else(|| String::from(UNKNOWN), |sp| sp.to_string());
                let return_address = frame.return_address.unwrap_or_default();
                row.push_str(&format!("{child_sp} {return_address}     "));
            }
        }
        if columns.arguments {
            let words = frame.arguments.iter().map(|word| match word {
                Some(word) => Address(*word).to_string(),
                None => String::from(UNKNOWN),
            });
            let words = match absent {
                Some(absent) => [absent; 4].join(" "),
                None => words.collect::<Vec<_>>().join(" "),
            };
            row.push_str(&format!(": {words:<ARGUMENTS$} : "));
        }
    }
    match &frame.parameters {
        Some(parameters) => row.push_str(&called_with(&frame.site, parameters, columns.parameter_lines)),
        None => row.push_str(&place(&frame.site)),
    }
    if let Some(position) = &frame.source {
        row.push_str(&format!(" {}", source::position(position)));
    }
    if columns.clean {
        // Where the other columns would say it.
        row.push_str(match frame.kind {
            FrameKind::Called => "",
            FrameKind::Inlined => " (Inline Function)",
            FrameKind::TailCall => " (Tail Call)",
        });
    }
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

/// `module!function(type name = value, ...)+0x12`.
fn called_with(site: &Place, parameters: &[ValueNode], on_lines: bool) -> String {
    let Some(symbol) = &site.symbol else {
        return place(site);
    };
    let shown = parameters.iter().map(|parameter| {
        let typed = format!("{} {}", parameter.type_name, parameter.name);
        let text = value::content(parameter);
        // A structure has nothing to show on this line but its type, which is there already.
        match text == visible(&parameter.type_name) {
            true => visible(&typed).into_owned(),
            false => format!("{} = {text}", visible(&typed)),
        }
    });
    let shown: Vec<String> = shown.collect();
    let list = match (on_lines, shown.is_empty()) {
        (_, true) => String::from("(void)"),
        (true, _) => format!("(\n\t\t\t{})", shown.join(", \n\t\t\t")),
        (false, _) => format!("({})", shown.join(", ")),
    };
    let plain = Place {
        address: site.address,
        symbol: Some(farsight_session::record::SymbolName {
            displacement: 0,
            ..symbol.clone()
        }),
    };
    let distance = match symbol.displacement {
        0 => String::new(),
        distance => format!("+{distance:#x}"),
    };
    format!("{}{list}{distance}", place(&plain))
}
