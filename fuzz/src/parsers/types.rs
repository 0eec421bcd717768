//! Types from a few words, as DWARF.
//!
//! ```text
//! KIND NAME SIZE OF PARTS...             a line, with tabs between; types are numbered from 0 by their lines
//!
//! l  language, by DWARF's number in SIZE, of all        s k u  structure, class, union
//! n  number, with DWARF's encoding in OF                v      structure with variants
//! p r q t c  pointer, references, typedef, const        e      enumeration
//! a  array of SIZE elements                             x      variable at the address SIZE (hexadecimal)
//!
//! Parts of structures: OFFSET and TYPE are decimal.
//! .OFFSET:TYPE:NAME  field       ^OFFSET:TYPE  base class             <TYPE:NAME  parameter of a generic
//! ?OFFSET:TYPE  discriminant     =VALUE:OFFSET:TYPE:NAME  variant     ~OFFSET:TYPE:NAME  variant of all other values
//! %OFFSET:TYPE:BITS:NAME  bits   #VALUE:NAME  enumerator              !TYPE  what it is the table of functions for
//! ```

/// What was made of a text.
pub(super) struct Made {
    pub(super) sections: Vec<(&'static str, Vec<u8>)>,
    /// Where the variables' types are, and the variables.
    pub(super) variables: Vec<(u64, u64)>,
}

/// Tag, whether it has children, attributes with their forms.
type Shape = (u8, bool, &'static [(u8, u8)]);

/// An entry's number is the place of its shape in the list, from 1.
const SHAPES: &[Shape] = &[
    (0x11, true, &[(0x13, 0x0f)]),
    (0x24, false, &[NAME, SIZE, (0x3e, 0x0b)]),
    (0x0f, false, &[NAME, TYPE]),
    (0x0f, false, &[NAME]),
    (0x10, false, &[NAME, TYPE]),
    (0x42, false, &[NAME, TYPE]),
    (0x16, false, &[NAME, TYPE]),
    (0x26, false, &[TYPE]),
    (0x01, true, &[TYPE]),
    (0x21, false, &[(0x37, 0x0f)]),
    (0x13, true, &[NAME, SIZE]),
    (0x02, true, &[NAME, SIZE]),
    (0x17, true, &[NAME, SIZE]),
    (0x04, true, &[NAME, SIZE]),
    (0x13, true, &[NAME, SIZE, (0x1d, 0x13)]),
    (0x0d, false, &[NAME, TYPE, OFFSET]),
    (0x0d, false, &[TYPE, OFFSET]),
    (0x1c, false, &[TYPE, OFFSET]),
    (0x2f, false, &[NAME, TYPE]),
    (0x33, true, &[(0x15, 0x13)]),
    (0x19, true, &[(0x16, 0x0f)]),
    (0x19, true, &[]),
    (0x28, false, &[NAME, (0x1c, 0x0d)]),
    (0x34, false, &[NAME, TYPE, (0x02, 0x18)]),
    (0x0d, false, &[NAME, TYPE, (0x6b, 0x0f), (0x0d, 0x0f)]),
];
const NAME: (u8, u8) = (0x03, 0x08);
const SIZE: (u8, u8) = (0x0b, 0x0f);
const TYPE: (u8, u8) = (0x49, 0x13);
const OFFSET: (u8, u8) = (0x38, 0x0f);

const POINTER_TO_NOTHING: u64 = 4;
const SUBRANGE: u64 = 10;
const TABLE: u64 = 15;
const FIELD: u64 = 16;
const UNNAMED_FIELD: u64 = 17;
const BASE: u64 = 18;
const PARAMETER: u64 = 19;
const VARIANTS: u64 = 20;
const VARIANT: u64 = 21;
const OTHER_VARIANT: u64 = 22;
const ENUMERATOR: u64 = 23;
const VARIABLE: u64 = 24;
const BIT_FIELD: u64 = 25;

/// Bytes of a unit's header in DWARF 5.
const HEADER: usize = 12;

#[derive(Default)]
struct Unit {
    bytes: Vec<u8>,
    /// Where each type begins.
    starts: Vec<u32>,
    /// Where a type's place is to be filled in, and its number.
    wanted: Vec<(usize, u64)>,
}

impl Unit {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn signed(&mut self, mut number: i64) {
        while !(-64..64).contains(&number) {
            self.bytes.push(number as u8 & 0x7f | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8 & 0x7f);
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend(text.bytes().filter(|byte| *byte != 0));
        self.bytes.push(0);
    }

    fn place_of(&mut self, number: u64) {
        self.wanted.push((self.bytes.len(), number));
        self.bytes.extend([0; 4]);
    }

    fn field(&mut self, name: &str, of: u64, offset: u64) {
        self.number(if name.is_empty() { UNNAMED_FIELD } else { FIELD });
        if !name.is_empty() {
            self.text(name);
        }
        self.place_of(of);
        self.number(offset);
    }
}

/// The sections of a unit with these types, and its variables.
pub(super) fn made(text: &str) -> Made {
    let mut unit = Unit {
        bytes: vec![0; HEADER],
        ..Unit::default()
    };
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
    let language = rows.iter().find(|row| row.first() == Some(&"l"));
    unit.number(1);
    unit.number(language.and_then(|row| row.get(2)?.parse().ok()).unwrap_or(0x21));
    let mut variables = Vec::new();
    for row in &rows {
        unit.starts.push(unit.bytes.len() as u32);
        let at = |index: usize| row.get(index).copied().unwrap_or_default();
        let (name, of) = (at(1), at(3).parse().ok());
        let size = match at(0) {
            "x" => u64::from_str_radix(at(2), 16).unwrap_or_default(),
            _ => at(2).parse().unwrap_or_default(),
        };
        let parts = row.get(4..).unwrap_or_default();
        row_of(&mut unit, at(0), name, size, of, parts);
        if at(0) == "x" {
            variables.push((of.unwrap_or_default(), size));
        }
    }
    unit.bytes.push(0);
    let places = |number: u64| {
        let index = number.checked_rem(unit.starts.len() as u64).unwrap_or_default();
        unit.starts.get(index as usize).copied().unwrap_or_default()
    };
    let variables = variables
        .into_iter()
        .map(|(of, address)| (u64::from(places(of)), address))
        .collect();
    let filled: Vec<(usize, u32)> = unit.wanted.iter().map(|(at, of)| (*at, places(*of))).collect();
    for (at, place) in filled {
        unit.bytes[at..at + 4].copy_from_slice(&place.to_le_bytes());
    }
    // unit_length 0, version 4, unit_type 6 (compile), address_size 7, abbreviations 8
    let length = (unit.bytes.len() - 4) as u32;
    unit.bytes[..4].copy_from_slice(&length.to_le_bytes());
    unit.bytes[4..8].copy_from_slice(&[5, 0, 1, 8]);
    Made {
        sections: vec![(".debug_info", unit.bytes), (".debug_abbrev", abbreviations())],
        variables,
    }
}

fn row_of(unit: &mut Unit, kind: &str, name: &str, size: u64, of: Option<u64>, parts: &[&str]) {
    let shape = match kind {
        "n" => 2,
        "p" if of.is_none() => POINTER_TO_NOTHING,
        "p" => 3,
        "r" => 5,
        "q" => 6,
        "t" => 7,
        "c" => 8,
        "a" => 9,
        "s" if parts.iter().any(|part| part.starts_with('!')) => TABLE,
        "s" | "v" => 11,
        "k" => 12,
        "u" => 13,
        "e" => 14,
        "x" => VARIABLE,
        _ => return,
    };
    unit.number(shape);
    if !matches!(kind, "c" | "a") {
        unit.text(name);
    }
    match kind {
        "n" => {
            unit.number(size);
            unit.bytes.push(of.unwrap_or_default() as u8);
        }
        "p" if of.is_none() => {}
        "a" => {
            unit.place_of(of.unwrap_or_default());
            unit.number(SUBRANGE);
            unit.number(size);
            unit.bytes.push(0);
        }
        "x" => {
            unit.place_of(of.unwrap_or_default());
            // A block of an operation (an address) and its operand.
            unit.bytes.extend([9, 3]);
            unit.bytes.extend(size.to_le_bytes());
        }
        "s" | "v" | "k" | "u" | "e" => {
            unit.number(size);
            if shape == TABLE {
                let table = parts.iter().find_map(|part| part.strip_prefix('!')?.parse().ok());
                unit.place_of(table.unwrap_or_default());
            }
            parts.iter().for_each(|part| member(unit, part));
            variants(unit, parts);
            unit.bytes.push(0);
        }
        _ => unit.place_of(of.unwrap_or_default()),
    }
}

fn member(unit: &mut Unit, part: &str) {
    let Some((kind, words)) = part.split_at_checked(1) else {
        return;
    };
    match kind {
        "." => {
            let (offset, of, name) = three(words);
            unit.field(name, of, offset);
        }
        "^" => {
            let (offset, of, _) = three(words);
            unit.number(BASE);
            unit.place_of(of);
            unit.number(offset);
        }
        "<" => {
            let (of, name) = words.split_once(':').unwrap_or((words, ""));
            unit.number(PARAMETER);
            unit.text(name);
            unit.place_of(of.parse().unwrap_or_default());
        }
        "%" => {
            let (offset, of, rest) = three(words);
            let (bits, name) = rest.split_once(':').unwrap_or((rest, ""));
            unit.number(BIT_FIELD);
            unit.text(name);
            unit.place_of(of);
            unit.number(offset);
            unit.number(bits.parse().unwrap_or_default());
        }
        "#" => {
            let (value, name) = words.split_once(':').unwrap_or((words, ""));
            unit.number(ENUMERATOR);
            unit.text(name);
            unit.signed(value.parse().unwrap_or_default());
        }
        _ => {}
    }
}

/// What tells variants apart lies beside them.
fn variants(unit: &mut Unit, parts: &[&str]) {
    if !parts.iter().any(|part| part.starts_with(['=', '~'])) {
        return;
    }
    unit.number(VARIANTS);
    let discriminant = unit.bytes.len();
    unit.bytes.extend([0; 4]);
    for part in parts {
        let Some((kind, words)) = part.split_at_checked(1) else {
            continue;
        };
        match kind {
            "?" => {
                let start = unit.bytes.len() as u32;
                unit.bytes[discriminant..discriminant + 4].copy_from_slice(&start.to_le_bytes());
                let (offset, of, _) = three(words);
                unit.field("", of, offset);
            }
            "=" => {
                let (value, words) = words.split_once(':').unwrap_or((words, ""));
                unit.number(VARIANT);
                unit.number(value.parse().unwrap_or_default());
                let (offset, of, name) = three(words);
                unit.field(name, of, offset);
                unit.bytes.push(0);
            }
            "~" => {
                unit.number(OTHER_VARIANT);
                let (offset, of, name) = three(words);
                unit.field(name, of, offset);
                unit.bytes.push(0);
            }
            _ => {}
        }
    }
    unit.bytes.push(0);
}

/// `OFFSET:TYPE:NAME`; names have colons themselves.
fn three(words: &str) -> (u64, u64, &str) {
    let mut words = words.splitn(3, ':');
    let mut number = || words.next().and_then(|word| word.parse().ok()).unwrap_or_default();
    let (offset, of) = (number(), number());
    (offset, of, words.next().unwrap_or_default())
}

fn abbreviations() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (number, (tag, has_children, attributes)) in (1..).zip(SHAPES) {
        bytes.extend([number, *tag, u8::from(*has_children)]);
        bytes.extend(attributes.iter().flat_map(|(attribute, form)| [*attribute, *form]));
        bytes.extend([0, 0]);
    }
    bytes.push(0);
    bytes
}
