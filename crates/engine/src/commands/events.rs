//! `sx*`, `.eventlog`, `.exr`, `.ecxr`: what events do, and what the last ones were.

use farsight_session::Record;
use farsight_session::record::{
    BreakStatus as ShownStatus, EventLog, ExceptionReport, FilterRow, Filters as ShownFilters, LoggedEvent,
    SignalChance,
};
use farsight_target::{Chance, SignalInfo};
use farsight_types::{Address, AddressRange, OsPid};

use super::{Invocation, Needs, Prefix, Row, row};
use crate::error::CommandError;
use crate::execution::{Flow, KNOWN_SIGNALS, signal_code, signal_meaning, signal_name};
use crate::expression::{take_string, take_word};
use crate::filters::{BreakStatus, Code, Filters, parse};
use crate::session::Session;

pub(super) const ROWS: &[Row] = &[
    row(
        &["sx"],
        "sx",
        "Lists what each event and each exception does.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let rows = session.filters.rows().map(|(code, filter)| FilterRow {
                name: code.name(),
                meaning: code.words(),
                status: match filter.status {
                    BreakStatus::First => ShownStatus::Break,
                    BreakStatus::Second => ShownStatus::SecondChance,
                    BreakStatus::Notify => ShownStatus::Output,
                    BreakStatus::Ignore => ShownStatus::Ignore,
                },
                handled: code.is_exception().then_some(filter.handled),
                argument: filter.argument.clone(),
                first: filter.first.clone(),
                second: filter.second.clone(),
            });
            let rows = rows.collect();
            session.output.record(Record::Filters(ShownFilters { rows }));
            Ok(Flow::Done)
        },
    ),
    row(
        &["sxe"],
        "sxe [-c \"Commands\"] [-c2 \"Commands\"] [-h] Event",
        "Stops the targets at an event, at an exception's first chance; with -h, calls the exception handled.",
        |session, invocation| set(session, invocation, Some(BreakStatus::First)),
    ),
    row(
        &["sxd"],
        "sxd [-c \"Commands\"] [-c2 \"Commands\"] [-h] Event",
        "Stops the targets at an exception's second chance; with -h, calls it not handled.",
        |session, invocation| set(session, invocation, Some(BreakStatus::Second)),
    ),
    row(
        &["sxn"],
        "sxn [-c \"Commands\"] [-c2 \"Commands\"] [-h] Event",
        "Tells an event, and the targets go on; with -h, calls the exception not handled.",
        |session, invocation| set(session, invocation, Some(BreakStatus::Notify)),
    ),
    row(
        &["sxi"],
        "sxi [-c \"Commands\"] [-c2 \"Commands\"] [-h] Event",
        "Lets an event pass unseen; with -h, calls the exception not handled.",
        |session, invocation| set(session, invocation, Some(BreakStatus::Ignore)),
    ),
    row(
        &["sx-"],
        "sx- [-c \"Commands\"] [-c2 \"Commands\"] Event",
        "Sets the commands of an event alone.",
        |session, invocation| set(session, invocation, None),
    ),
    row(
        &["sxr"],
        "sxr",
        "Sets every event back to what it did at the start.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            session.filters = Filters::at_start(&session.options);
            tell_when_running(session);
            Ok(Flow::Done)
        },
    ),
    row(
        &[".eventlog"],
        ".eventlog",
        "Lists the last events.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let events = session.history.events().map(|(number, event)| LoggedEvent {
                number: *number,
                event: event.clone(),
            });
            let events = events.collect();
            session.output.record(Record::EventLog(EventLog { events }));
            Ok(Flow::Done)
        },
    ),
    row(
        &[".event_code"],
        ".event_code",
        "Shows the number of the last exception's signal.",
        |session, invocation| {
            invocation.expect_end(invocation.text)?;
            let number = session.history.exception.map_or(0, |exception| exception.signal.number);
            session.output.line(format!("Event code: {number:08x}"));
            Ok(Flow::Done)
        },
    ),
    Row {
        names: &[".exr"],
        usage: ".exr -1|Address",
        summary: "Shows the last exception in full, or the siginfo_t at an address.",
        needs: Needs::Nothing,
        writes: false,
        prefix: Prefix::Selects,
        run: exception,
    },
    Row {
        names: &[".ecxr", ".excr"],
        usage: ".ecxr",
        summary: "Goes to the thread of the last exception and shows its registers.",
        needs: Needs::Rest,
        writes: false,
        prefix: Prefix::Selects,
        run: exception_context,
    },
];

impl Filters {
    /// The filters that the session's options ask for.
    pub(crate) fn at_start(options: &crate::EngineOptions) -> Filters {
        let mut filters = Filters::new(options.initial_break, options.final_break);
        for (status, event) in &options.filters {
            // Words that name nothing were refused where they were read.
            if let Ok(named) = parse(event) {
                let filter = filters.get_mut(named.code);
                filter.status = status.into();
                filter.argument = named.argument.unwrap_or_default();
                filter.explicit = true;
            }
        }
        filters
    }
}

impl From<&crate::EventStatus> for BreakStatus {
    fn from(status: &crate::EventStatus) -> BreakStatus {
        match status {
            crate::EventStatus::Break => BreakStatus::First,
            crate::EventStatus::SecondChance => BreakStatus::Second,
            crate::EventStatus::Output => BreakStatus::Notify,
            crate::EventStatus::Ignore => BreakStatus::Ignore,
        }
    }
}

/// Says why a word names no event, so that a command line can be refused (`-xe EVENT`).
pub fn check_event(text: &str) -> Result<(), String> {
    parse(text).map(|_| ()).map_err(|error| error.0)
}

/// The words of a setting, wherever its options stand.
#[derive(Default)]
struct Setting<'t> {
    first: Option<String>,
    second: Option<String>,
    handling: bool,
    event: Option<&'t str>,
}

fn read<'t>(invocation: &Invocation<'t>) -> Result<Setting<'t>, CommandError> {
    let mut setting = Setting::default();
    let mut rest = invocation.text;
    while !rest.is_empty() {
        let (word, behind) = take_word(rest);
        let place = match word {
            "-c" => &mut setting.first,
            "-c2" => &mut setting.second,
            "-h" => {
                setting.handling = true;
                rest = behind;
                continue;
            }
            _ if word.starts_with('-') => {
                return Err(CommandError::syntax(
                    invocation.position_of(rest),
                    format!("'{word}' is no option; -c, -c2 and -h are"),
                ));
            }
            _ if setting.event.is_none() => {
                setting.event = Some(word);
                rest = behind;
                continue;
            }
            _ => return Err(invocation.unexpected(rest)),
        };
        let (commands, behind) = take_string(behind).ok_or_else(|| {
            CommandError::syntax(
                invocation.position_of(behind),
                format!("{word} needs commands in quotation marks behind it"),
            )
        })?;
        *place = Some(commands);
        rest = behind;
    }
    Ok(setting)
}

fn set(session: &mut Session, invocation: &Invocation<'_>, status: Option<BreakStatus>) -> Result<Flow, CommandError> {
    let setting = read(invocation)?;
    let event = setting
        .event
        .ok_or_else(|| invocation.missing("an event (sx lists them)"))?;
    let at = invocation.position_of(event);
    let named = parse(event).map_err(|error| CommandError::syntax(at, error.0))?;
    let handling = setting.handling || named.handling;
    if handling && !named.code.is_exception() {
        return Err(CommandError::syntax(
            at,
            format!("'{event}' is no exception and cannot be handled"),
        ));
    }
    if let (Code::Event(_), Some(_)) = (named.code, &setting.second) {
        return Err(CommandError::syntax(at, format!("'{event}' has no second chance")));
    }
    if status.is_none() && setting.first.is_none() && setting.second.is_none() {
        return Err(invocation.missing("-c or -c2 with commands"));
    }
    let rights = session.rights.left_behind();
    let filter = session.filters.get_mut(named.code);
    match status {
        Some(status) if handling => filter.handled = status == BreakStatus::First,
        Some(status) => {
            filter.status = status;
            filter.explicit = true;
            filter.argument = named.argument.unwrap_or_default();
        }
        None => filter.explicit = true,
    }
    let is_new = |old: &str, new: &Option<String>| old.is_empty() || new.is_some();
    if setting.first.is_some() || setting.second.is_some() {
        // What another has set stays with no more rights than it had.
        filter.rights = match is_new(&filter.first, &setting.first) && is_new(&filter.second, &setting.second) {
            true => rights,
            false => filter.rights.at_most(rights),
        };
    }
    if let Some(commands) = setting.first {
        filter.first = commands;
    }
    if let Some(commands) = setting.second {
        filter.second = commands;
    }
    tell_when_running(session);
    Ok(Flow::Done)
}

fn tell_when_running(session: &mut Session) {
    if session.is_running() {
        session.output.line("Takes effect when the targets next go.");
    }
}

/// Bytes of a `siginfo_t` that are looked at: number at 0, code at 8, sender (4 bytes) or address (8) at 16.
const SIGINFO: u64 = 24;

fn exception(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    let text = invocation.text.trim();
    if text.is_empty() {
        return Err(invocation.missing("-1 or an address"));
    }
    let report = if text == "-1" {
        let exception = session.history.exception.ok_or_else(|| CommandError::NoSuch {
            what: "there was no exception yet".into(),
        })?;
        let here = session
            .current
            .is_some_and(|place| place.system == exception.place.system && place.process == exception.place.process);
        let place = match exception.pc {
            Some(pc) if here => Some(session.place_of(pc)?),
            pc => pc.map(farsight_session::record::Place::bare),
        };
        ExceptionReport {
            place,
            chance: Some(match exception.chance {
                Chance::First => SignalChance::First,
                Chance::Second => SignalChance::Second,
            }),
            ..report(exception.signal)
        }
    } else {
        let address = Address(session.evaluate(text, invocation.position_of(text))?);
        let bytes = session.read_memory(AddressRange::new(address, SIGINFO))?;
        let signal = signal_info(&bytes).ok_or(CommandError::Unreadable { at: address })?;
        if !KNOWN_SIGNALS.contains(&signal.number) {
            return Err(CommandError::NoSuch {
                what: format!("there is no siginfo_t at {address}: {} is no signal", signal.number),
            });
        }
        report(signal)
    };
    session.output.record(Record::Exception(report));
    Ok(Flow::Done)
}

fn report(signal: SignalInfo) -> ExceptionReport {
    ExceptionReport {
        place: None,
        number: signal.number,
        name: signal_name(signal.number),
        meaning: signal_meaning(signal.number),
        code: signal.code,
        code_meaning: signal_code(signal.number, signal.code).to_owned(),
        address: signal.address,
        sender: signal.sender,
        chance: None,
    }
}

/// A `siginfo_t` as the kernel lays it out on 64-bit machines.
fn signal_info(bytes: &[u8]) -> Option<SignalInfo> {
    let word = |at: usize| Some(i32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let (number, code) = (word(0)?, word(8)?);
    let long = u64::from_le_bytes(bytes.get(16..24)?.try_into().ok()?);
    // A code of the kernel's own above 0 belongs to a fault; 0 and below were sent.
    let faulted = matches!(number, 4 | 5 | 7 | 8 | 11) && (1..0x80).contains(&code);
    let sender = (code <= 0 || number == 17).then(|| u32::try_from(word(16).unwrap_or(0)).unwrap_or(0));
    Some(SignalInfo {
        number,
        code,
        address: faulted.then_some(Address(long)),
        sender: sender.filter(|pid| *pid > 0).map(OsPid),
    })
}

fn exception_context(session: &mut Session, invocation: &Invocation<'_>) -> Result<Flow, CommandError> {
    invocation.expect_end(invocation.text)?;
    let exception = session.history.exception.ok_or_else(|| CommandError::NoSuch {
        what: "there was no exception yet".into(),
    })?;
    let place = exception.place;
    let process = session.process_of(place.system, place.process)?;
    if process.thread(place.thread).is_none() {
        return Err(CommandError::NoSuch {
            what: "the thread of the last exception is gone".into(),
        });
    }
    session.current = Some(place);
    let pc = session.registers()?.pc();
    if exception.pc != Some(pc) {
        session
            .output
            .warning("*** WARNING: the thread has run since its exception; these are its registers now");
    }
    let row = super::find("r")?;
    (row.run)(
        session,
        &Invocation {
            name: "r",
            text: "",
            at: invocation.at,
            joined: false,
            thread: None,
            process: None,
            system: None,
        },
    )
}
