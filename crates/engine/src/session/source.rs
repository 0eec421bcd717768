//! Source lines as a command line names them, and what of them is shown.

use farsight_session::record::{Listing, SourceLines, SourceOfPlace, SourcePosition};
use farsight_symbols::{FilePattern, LinePlaces, LineRow, SourceFile};
use farsight_types::Address;

use super::Session;
use super::step_filter::StepFilter;
use crate::error::CommandError;
use crate::symbols::line_of;

/// Names of files that are shown in place of one that no module has.
const SHOWN_SIMILAR: usize = 3;

/// What of source lines is used and shown: `.lines`, `l+`, `lsp`, `.srcpath`.
#[derive(Clone, Debug)]
pub(crate) struct SourceSettings {
    /// Source lines are looked for at all (`.lines`, `-lines`).
    pub(crate) has_lines: bool,
    /// `p` and `t` step source lines (`l+t`).
    pub(crate) steps_lines: bool,
    /// Places are shown with file and line (`l+l`).
    pub(crate) shows_position: bool,
    /// Places are shown with the text of their line (`l+s`).
    pub(crate) shows_text: bool,
    /// Nothing but source is shown (`l+o`).
    pub(crate) shows_text_alone: bool,
    /// Lines before and behind the current one (`lsp`).
    pub(crate) around: (u32, u32),
    /// Whether `ls` and `lsa` show as many as well (`lsp -a`).
    pub(crate) around_everywhere: bool,
    /// The file that `ls` goes on with, where one was shown or named since the last stop, and its next line.
    pub(crate) file: Option<(SourceFile, u32)>,
    /// That file was named (`lsf`): stops elsewhere do not change it.
    pub(crate) file_is_named: bool,
    /// Functions that `t` by source line does not enter (`.step_filter`).
    pub(crate) step_filter: StepFilter,
}

impl SourceSettings {
    /// The targets stopped: unless a file was named, `ls` begins anew where they are.
    pub(crate) fn stopped(&mut self) {
        self.file = self.file.take().filter(|_| self.file_is_named);
    }
}

impl Default for SourceSettings {
    fn default() -> SourceSettings {
        SourceSettings {
            has_lines: true,
            steps_lines: false,
            shows_position: true,
            shows_text: true,
            shows_text_alone: false,
            around: (0, 0),
            around_everywhere: false,
            file: None,
            file_is_named: false,
            step_filter: StepFilter::default(),
        }
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
    /// Takes those of another module over, of the line nearest to the one that was asked for.
    fn join(&mut self, more: SourcePlaces) {
        if more.line < self.line {
            *self = more;
        } else if more.line == self.line {
            self.addresses.extend(more.addresses);
            self.addresses.sort_unstable();
            self.addresses.dedup();
        }
    }

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

/// Of which modules a source line's places are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The first that has the file, the program before all others.
    First,
    /// All that have it, as a header's lines are in each that was compiled with it.
    All,
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

/// Endings of files whose lines are in each module that was compiled with them; one without any is such a file, too.
const SHARED_SOURCES: &[&str] = &[
    "h", "hh", "hpp", "hxx", "h++", "inc", "inl", "ipp", "ixx", "tcc", "tpp", "cuh",
];

/// Whether an expression is a source line that other modules may have as well, once they come: a header's, of no module
/// in particular. Each module that comes costs a stop to look, so a file that is compiled once is not looked for.
pub(crate) fn is_shared_line(expression: &str) -> bool {
    let named = take_source_line(expression).and_then(|(source, _)| parse(source));
    let file = named
        .filter(|named| named.module.is_none())
        .and_then(|named| named.file);
    file.is_some_and(|file| {
        let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        ending.is_none_or(|ending| SHARED_SOURCES.contains(&ending.as_str()))
    })
}

/// The name that a text begins with, where it could be a function's (`f`, `mod!ns::f`, `vector<int>::push_back`), and
/// what follows it. Spaces and signs are a part of it in brackets, in the name of what has none, and between `@!"` and
/// `"` only.
pub(crate) fn take_function_name(text: &str) -> Option<(&str, &str)> {
    const UNNAMED: &str = "(anonymous namespace)";
    if let Some(quoted) = text.strip_prefix("@!\"") {
        let (name, rest) = quoted.split_once('"')?;
        return (!name.is_empty()).then(|| (name, rest.trim_start()));
    }
    let mut depth = 0usize;
    let mut end = text.len();
    let mut unnamed = 0..0;
    // Where the innermost name begins, and where the signs of an operator end, which are no brackets.
    let (mut own, mut behind_signs) = (0, 0);
    for (at, letter) in text.char_indices() {
        if depth == 0 && matches!(letter, ':' | '!') {
            own = at + 1;
        }
        if text.get(own..at) == Some("operator") {
            behind_signs = at + signs_of_operator(&text[at..]);
        }
        if at < behind_signs {
            continue;
        }
        if text[at..].starts_with(UNNAMED) {
            unnamed = at..at + UNNAMED.len();
        }
        match letter {
            _ if unnamed.contains(&at) => {}
            '<' | '{' => depth += 1,
            '>' | '}' => depth = depth.checked_sub(1)?,
            ' ' | '\t' | '"' if depth == 0 => {
                end = at;
                break;
            }
            '"' | ';' => return None,
            _ if depth > 0 || letter.is_alphanumeric() || "_:~!$.".contains(letter) => {}
            _ => return None,
        }
    }
    let (name, rest) = text.split_at_checked(end)?;
    let bare = without_module(name);
    let begins =
        bare.starts_with(|first: char| first.is_alphabetic() || matches!(first, '_' | ':' | '~' | '{' | '<' | '('));
    (depth == 0 && begins).then(|| (name, rest.trim_start()))
}

/// A function's name without its module's.
pub(super) fn without_module(name: &str) -> &str {
    name.split_once('!').map_or(name, |(_, bare)| bare)
}

/// How long the signs of C++'s operator are that a text begins with. Those with `!` are not among them, which ends a module.
fn signs_of_operator(text: &str) -> usize {
    const SIGNS: [&str; 36] = [
        "<=>", "<<=", ">>=", "->*", "()", "[]", "<<", ">>", "<=", ">=", "->", "==", "&&", "||", "++", "--", "+=", "-=",
        "*=", "/=", "%=", "^=", "&=", "|=", "+", "-", "*", "/", "%", "^", "&", "|", "~", "=", "<", ">",
    ];
    let signs = SIGNS.iter().find(|signs| text.starts_with(**signs));
    signs.map_or(0, |signs| signs.len())
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
    /// The places of `mod!file:line`, without its back-ticks: in that module, otherwise in the modules that are wanted.
    pub(crate) fn source_places(&mut self, text: &str, reach: Reach) -> Result<SourcePlaces, SourceFault> {
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
        // The program first: where it has the file, nothing else needs to be fetched.
        let (program, others) = chosen.split_at(chosen.len().min(1));
        let mut found: Option<SourcePlaces> = None;
        let mut nothing = None;
        for modules in [program, others] {
            let has_it = found.is_some() || nothing.is_some();
            if has_it && reach == Reach::First {
                break;
            }
            if has_it {
                for index in modules {
                    self.load_at_host(*index)?;
                }
            } else {
                self.load_symbols(modules)?;
            }
            for index in modules {
                match self.places_in(*index, &pattern, named.line)? {
                    Some(more) if more.addresses.is_empty() => nothing = Some(more.file),
                    Some(more) => match &mut found {
                        Some(found) => found.join(more),
                        None => found = Some(more),
                    },
                    None => {}
                }
                if reach == Reach::First && (found.is_some() || nothing.is_some()) {
                    break;
                }
            }
        }
        match (found, nothing) {
            (Some(found), _) => return Ok(found),
            (None, Some(file)) => {
                let damage = self.damage_in(&chosen);
                return Err(refused(format!("{file} has no code from line {} on{damage}", named.line)).into());
            }
            (None, None) => {}
        }
        Err(SourceFault::Unknown {
            why: self.no_such_file(&chosen, named.module, &file)? + &self.damage_in(&chosen),
        })
    }

    /// What is to be said where something was not found, of damage in the modules that were searched.
    fn damage_in(&self, modules: &[usize]) -> String {
        let known = self.process().ok();
        let known = modules.iter().filter_map(|index| known?.modules.get(*index));
        let mut damaged = known.filter_map(|module| {
            let damage = module.loaded()?.damage().into_iter().next()?;
            Some((&module.name, damage))
        });
        let said = damaged
            .next()
            .map(|(name, damage)| format!("; {name}: {damage}; !chksym {name} says more"));
        said.unwrap_or_default()
    }

    /// The file that is meant by the end of its path, of the modules that are loaded: the program's before all others.
    pub(crate) fn source_file(&mut self, text: &str) -> Result<Option<SourceFile>, CommandError> {
        let Some(pattern) = FilePattern::new(text) else {
            return Ok(None);
        };
        let order = self.modules_in_order()?;
        self.load_symbols(order.get(..1).unwrap_or_default())?;
        let process = self.process()?;
        let go_on = || self.check_interrupt().is_ok();
        for module in order.iter().filter_map(|index| process.modules.get(*index)) {
            if let Some(debug) = module.loaded().and_then(|symbols| symbols.debug()) {
                let files = debug
                    .reader()
                    .source_files(&go_on)
                    .map_err(|_| CommandError::Interrupted)?;
                let found = files.into_iter().find(|file| pattern.matches(&file.path));
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }

    /// What an expression of a breakpoint names now.
    pub(crate) fn breakpoint_places(&mut self, expression: &str) -> Vec<Address> {
        match take_source_line(expression) {
            Some((source, "")) => self
                .source_places(source, Reach::All)
                .map(|found| found.addresses)
                .unwrap_or_default(),
            _ => self.places_of_expression(expression),
        }
    }

    /// What an expression that is no source line names now; a function may have several places.
    fn places_of_expression(&mut self, expression: &str) -> Vec<Address> {
        let name = take_function_name(expression).filter(|(_, rest)| rest.is_empty());
        let places = name.map(|(name, _)| self.function_places(name));
        match places {
            Some(Ok(places)) if !places.is_empty() => places,
            Some(Err(CommandError::Interrupted)) => {
                let what = format!("'{expression}' was not looked up: interrupted");
                self.output.warning(what);
                Vec::new()
            }
            _ => self.evaluate(expression, 0).ok().map(Address).into_iter().collect(),
        }
    }

    /// The places in one module; none at all in a file that has no code from that line on.
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
        Ok(Some(SourcePlaces {
            addresses: places.iter().map(|place| module.address(place.rva)).collect(),
            asked: line,
            line: found.line,
            file,
        }))
    }

    /// The row of a line table that covers an address, where lines are looked for; loads the symbols of its module.
    pub(crate) fn line_at(&mut self, address: Address) -> Result<Option<LineRow>, CommandError> {
        self.place_of(address)?;
        let process = self.process()?;
        Ok(line_of(process, address).filter(|_| self.sources.has_lines))
    }

    /// Lines of a file, to be read by the viewer.
    pub(crate) fn source_lines(&self, file: &SourceFile, first: u32, count: u32) -> SourceLines {
        let search = self.symbols.paths.sources.iter();
        SourceLines {
            path: file.path.clone(),
            md5: file.md5,
            first,
            count,
            current: None,
            search: search.map(|folder| folder.display().to_string()).collect(),
            quiet: false,
        }
    }

    /// The source of a place, as `l+` and `lsp` want it shown; none where no line is known.
    pub(crate) fn source_of(&self, address: Address) -> Option<SourceOfPlace> {
        let process = self.process().ok()?;
        let row = line_of(process, address)?;
        let start = process.module_at(address)?.address(row.range.start);
        let displacement = address.distance_from(start).unwrap_or(0);
        let mut source = self.source_of_line(&row.file, row.line, displacement)?;
        source.position.column = (row.column != 0).then_some(row.column);
        Some(source)
    }

    /// As [`Session::source_of`], of a line that is known.
    pub(crate) fn source_of_line(&self, file: &SourceFile, line: u32, displacement: u64) -> Option<SourceOfPlace> {
        let settings = &self.sources;
        if !settings.has_lines || !(settings.shows_position || settings.shows_text || settings.shows_text_alone) {
            return None;
        }
        let (before, behind) = settings.around;
        let first = line.saturating_sub(before).max(1);
        let shows_text = settings.shows_text || settings.shows_text_alone;
        let count = line.saturating_sub(first).saturating_add(behind).saturating_add(1);
        let lines = shows_text.then(|| SourceLines {
            current: Some(line),
            quiet: true,
            ..self.source_lines(file, first, count)
        });
        Some(SourceOfPlace {
            position: SourcePosition {
                path: file.path.clone(),
                line,
                column: None,
            },
            displacement,
            shows_position: settings.shows_position && !settings.shows_text_alone,
            lines,
            alone: settings.shows_text_alone,
        })
    }

    /// Gives the instructions of a listing the lines that they begin (`.asm source_line`).
    pub(crate) fn add_source(&self, listing: &mut Listing) {
        if !self.sources.has_lines {
            return;
        }
        let Ok(process) = self.process() else {
            return;
        };
        let mut last: Option<(String, u32)> = None;
        for line in &mut listing.lines {
            let Some(row) = line_of(process, line.place.address) else {
                continue;
            };
            let (path, number) = (row.file.path.clone(), row.line);
            let same_file = last.as_ref().is_some_and(|(file, _)| *file == path);
            if same_file && last.as_ref().is_some_and(|(_, line)| *line == number) {
                continue;
            }
            line.source = Some(SourceOfPlace {
                position: SourcePosition {
                    path: path.clone(),
                    line: number,
                    column: None,
                },
                displacement: 0,
                shows_position: !same_file,
                lines: Some(SourceLines {
                    quiet: true,
                    ..self.source_lines(&row.file, number, 1)
                }),
                alone: false,
            });
            last = Some((path, number));
        }
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
        let order = self.modules_in_order()?;
        let program = order.first().and_then(|index| process.modules.get(*index));
        let without = program.filter(|program| {
            let symbols = program.loaded();
            module.is_none() && symbols.is_some_and(|symbols| symbols.debug().is_none())
        });
        Ok(match (similar.is_empty(), without) {
            // Names of the C library that look alike would only lead astray.
            (_, Some(program)) => format!(
                "there is no source file '{file}' in {place}; {0} has no debug information, !chksym {0} shows where it was \
                 looked for",
                program.name
            ),
            (true, None) => format!("there is no source file '{file}' in {place}"),
            (false, None) => format!(
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
        name if stem(&asked).len() > 2 && name.contains(stem(&asked)) => Some(2),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_functions_are_taken_whole() {
        for (text, taken) in [
            ("f 2", Some(("f", "2"))),
            ("m!a::b<int, 3>::c \"k\"", Some(("m!a::b<int, 3>::c", "\"k\""))),
            ("(anonymous namespace)::f 2", Some(("(anonymous namespace)::f", "2"))),
            (
                "m!a::(anonymous namespace)::f",
                Some(("m!a::(anonymous namespace)::f", "")),
            ),
            ("@!\"S::operator bool\" 2", Some(("S::operator bool", "2"))),
            ("@!\"unended", None),
            ("@!\"\"", None),
            ("S::operator< 2", Some(("S::operator<", "2"))),
            ("m!operator> \"k\"", Some(("m!operator>", "\"k\""))),
            ("operator->", Some(("operator->", ""))),
            ("a::operator<<= 3", Some(("a::operator<<=", "3"))),
            ("S<int>::operator()", Some(("S<int>::operator()", ""))),
            ("operators<int>", Some(("operators<int>", ""))),
            ("f(int)", None),
            ("(a+b)", None),
            ("4010", None),
        ] {
            assert_eq!(take_function_name(text), taken, "{text}");
        }
    }

    #[test]
    fn a_letter_is_like_nothing() {
        let known = ["/usr/a.c", "/usr/ab.c", "/usr/orders.h"].map(String::from);
        assert_eq!(similar(&known, "a.cpp"), ["/usr/a.c"]);
        assert_eq!(similar(&known, "order.h"), ["/usr/orders.h"]);
    }
}
