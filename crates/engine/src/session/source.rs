//! Source lines as a command line names them, and what of them is shown.

use farsight_symbols::{FilePattern, LinePlaces};
use farsight_types::Address;

use super::Session;
use crate::error::CommandError;
use crate::symbols::line_of;

/// Names of files that are shown in place of one that no module has.
const SHOWN_SIMILAR: usize = 3;

/// What of source lines is used and shown: `.lines`, `l+`, `lsp`, `.srcpath`.
#[derive(Clone, Debug)]
pub(crate) struct SourceSettings {
    /// Source lines are looked for at all (`.lines`, `-lines`).
    pub(crate) has_lines: bool,
}

impl Default for SourceSettings {
    fn default() -> SourceSettings {
        SourceSettings { has_lines: true }
    }
}

/// What became of a source line that a command names.
pub(crate) struct SourcePlaces {
    /// In ascending order.
    pub(crate) addresses: Vec<Address>,
    asked: u32,
    /// The line that has the code.
    line: u32,
    /// The first of the files that are meant.
    file: String,
}

impl SourcePlaces {
    /// Says where another line than the one that was asked for has the code.
    pub(crate) fn tell_other_line(&self, session: &mut Session) {
        if self.line != self.asked {
            let SourcePlaces { asked, line, file, .. } = self;
            session.output.line(format!(
                "line {asked} of {file} has no code; line {line} is the next that has"
            ));
        }
    }
}

/// Why a source line has no address.
pub(crate) enum SourceFault {
    /// No module that is here has it, one that comes later may.
    Unknown {
        why: String,
    },
    Command(CommandError),
}

impl From<CommandError> for SourceFault {
    fn from(error: CommandError) -> SourceFault {
        SourceFault::Command(error)
    }
}

/// The source line that a text begins with, without its back-ticks, and what follows it.
pub(crate) fn take_source_line(text: &str) -> Option<(&str, &str)> {
    let (source, rest) = text.strip_prefix('`')?.split_once('`')?;
    let ends = rest.is_empty() || rest.starts_with([' ', '\t', ',', '"']);
    ends.then(|| (source, rest.trim_start_matches([' ', '\t', ','])))
}

/// `mod!file:line` in its parts.
struct Named<'t> {
    module: Option<&'t str>,
    /// None is the file of the current place.
    file: Option<&'t str>,
    line: u32,
}

fn parse(text: &str) -> Option<Named<'_>> {
    let (module, rest) = match text.split_once('!') {
        Some((module, rest)) => (Some(module), rest),
        None => (None, text),
    };
    let numbered = rest.rsplit_once(':').filter(|(_, line)| !line.contains(['/', '\\']));
    let (file, line) = match numbered {
        // Lines are decimal, whatever the radix.
        Some((file, line)) => (file, line.trim().parse().ok().filter(|line| *line > 0)?),
        None => (rest, 1),
    };
    let file = Some(file.trim()).filter(|file| !file.is_empty());
    Some(Named { module, file, line })
}

impl Session {
    /// The places of `mod!file:line`, without its back-ticks: in that module, otherwise in the first one that has the
    /// file, the program before all others.
    pub(crate) fn source_places(&mut self, text: &str) -> Result<SourcePlaces, SourceFault> {
        if !self.sources.has_lines {
            let what = "source lines are switched off; .lines -e switches them on";
            return Err(CommandError::Refused(what.into()).into());
        }
        let refused = |what: String| CommandError::Refused(what);
        let named = parse(text).ok_or_else(|| refused(format!("'{text}' is no source line: `file:line` is one")))?;
        let order = self.modules_in_order()?;
        let file = match named.file {
            Some(file) => file.to_owned(),
            None => self.current_file()?,
        };
        let pattern = FilePattern::new(&file).ok_or_else(|| refused(format!("'{file}' is no name of a file")))?;
        let process = self.process()?;
        let is_meant = |index: &usize| {
            let module = process.modules.get(*index);
            let named = named.module;
            named.is_none_or(|named| module.is_some_and(|module| module.name.eq_ignore_ascii_case(named)))
        };
        let chosen: Vec<usize> = order.into_iter().filter(is_meant).collect();
        // The program first: where it has the file, nothing else needs to be read.
        let (program, others) = chosen.split_at(chosen.len().min(1));
        for modules in [program, others] {
            self.load_symbols(modules)?;
            for index in modules {
                if let Some(found) = self.places_in(*index, &pattern, named.line)? {
                    return Ok(found);
                }
            }
        }
        Err(SourceFault::Unknown {
            why: self.no_such_file(&chosen, named.module, &file)?,
        })
    }

    /// What an expression of a breakpoint names now.
    pub(crate) fn breakpoint_places(&mut self, expression: &str) -> Vec<Address> {
        match take_source_line(expression) {
            Some((source, "")) => self
                .source_places(source)
                .map(|found| found.addresses)
                .unwrap_or_default(),
            _ => self.evaluate(expression, 0).ok().map(Address).into_iter().collect(),
        }
    }

    fn places_in(&self, module: usize, pattern: &FilePattern, line: u32) -> Result<Option<SourcePlaces>, CommandError> {
        let Some(module) = self.process()?.modules.get(module) else {
            return Ok(None);
        };
        let Some(debug) = module.loaded().and_then(|symbols| symbols.debug()) else {
            return Ok(None);
        };
        let go_on = || self.check_interrupt().is_ok();
        let found = debug.reader().places_of(pattern, line, &go_on);
        let Some(found) = found.map_err(|_| CommandError::Interrupted)? else {
            return Ok(None);
        };
        let LinePlaces { places, files, .. } = &found;
        let file = files.first().map(|file| file.path.clone()).unwrap_or_default();
        if places.is_empty() {
            let what = format!("{file} has no code from line {line} on");
            return Err(CommandError::Refused(what));
        }
        Ok(Some(SourcePlaces {
            addresses: places.iter().map(|place| module.address(place.rva)).collect(),
            asked: line,
            line: found.line,
            file,
        }))
    }

    /// The file of the current place.
    fn current_file(&mut self) -> Result<String, CommandError> {
        let pc = self.registers()?.pc();
        self.place_of(pc)?;
        let row = line_of(self.process()?, pc);
        let row = row.ok_or_else(|| CommandError::Refused(format!("no source line is known of {pc}")))?;
        Ok(row.file.path.clone())
    }

    fn no_such_file(&self, modules: &[usize], module: Option<&str>, file: &str) -> Result<String, CommandError> {
        let place = match module {
            Some(module) if modules.is_empty() => return Ok(format!("there is no module '{module}'")),
            Some(module) => module,
            None => "any module",
        };
        let process = self.process()?;
        let go_on = || self.check_interrupt().is_ok();
        let mut known = Vec::new();
        let mut any = false;
        for module in modules.iter().filter_map(|index| process.modules.get(*index)) {
            if let Some(debug) = module.loaded().and_then(|symbols| symbols.debug()) {
                let files = debug
                    .reader()
                    .source_files(&go_on)
                    .map_err(|_| CommandError::Interrupted)?;
                any = true;
                known.extend(files.into_iter().map(|file| file.path));
            }
        }
        if !any {
            return Ok(format!("there is no line information in {place}"));
        }
        let similar = similar(&known, file);
        Ok(match similar.is_empty() {
            true => format!("there is no source file '{file}' in {place}"),
            false => format!(
                "there is no source file '{file}' in {place}; similar: {}",
                similar.join(", ")
            ),
        })
    }
}

/// Files whose names are nearly the one that was asked for: in another case or folder, with another ending, or with the
/// name inside.
fn similar<'f>(known: &'f [String], asked: &str) -> Vec<&'f str> {
    fn name(path: &str) -> String {
        path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase()
    }
    fn stem(name: &str) -> &str {
        name.rsplit_once('.').map_or(name, |(stem, _)| stem)
    }
    let asked = name(asked);
    let distance = |path: &str| match name(path) {
        name if name == asked => Some(0),
        name if stem(&name) == stem(&asked) => Some(1),
        name if asked.len() > 2 && name.contains(stem(&asked)) => Some(2),
        _ => None,
    };
    let mut found: Vec<(u32, &str)> = known
        .iter()
        .filter_map(|path| Some((distance(path)?, path.as_str())))
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(SHOWN_SIMILAR).map(|(_, path)| path).collect()
}
