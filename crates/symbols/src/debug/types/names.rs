//! Readable names of types, as their language writes them.
//!
//! A type of C is written around the name of what has it: `int (*f)(char)`, `char *names [3]`. [`DebugReader::declaration`]
//! does that; a type's own name is the declaration of nothing.

use std::cell::Cell;

use super::{Encoding, Language, Qualifier, TypeKind, TypeRef};
use crate::debug::DebugReader;

/// How deep types lie in each other in names; only hostile ones go further.
const MOST_DEPTH: u32 = 24;
/// Types that one name is made of; a function of functions of itself would have more than can be counted.
const MOST_PARTS: u32 = 4096;
/// Longest name in bytes; templates of templates can be longer, and nobody reads them.
const MOST_LENGTH: usize = 16 << 10;

/// How much further a name may go.
#[derive(Clone, Copy)]
struct Room<'a> {
    depth: u32,
    parts: &'a Cell<u32>,
}

impl<'a> Room<'a> {
    fn new(parts: &'a Cell<u32>) -> Room<'a> {
        parts.set(MOST_PARTS);
        Room {
            depth: MOST_DEPTH,
            parts,
        }
    }

    /// One type further in.
    fn deeper(self) -> Option<Room<'a>> {
        self.parts.set(self.parts.get().checked_sub(1)?);
        Some(Room {
            depth: self.depth.checked_sub(1)?,
            ..self
        })
    }
}

impl DebugReader<'_> {
    /// A type's readable name.
    pub fn type_name(&self, id: &TypeRef) -> String {
        let name = self.declare(id, String::new(), Room::new(&Cell::default()));
        name.trim_end().to_owned()
    }

    /// The declaration of a thing of a type: `int x`, `int (*f)(char)`, `char *names [3]`.
    pub fn declaration(&self, id: &TypeRef, name: &str) -> String {
        self.declare(id, name.to_owned(), Room::new(&Cell::default()))
    }

    /// The declaration of `inner` as a thing of this type.
    fn declare(&self, id: &TypeRef, inner: String, room: Room<'_>) -> String {
        let Some(room) = room.deeper().filter(|_| inner.len() < MOST_LENGTH) else {
            return spaced("...", &inner);
        };
        if let Some(own) = self.own_name(id) {
            return spaced(&own, &inner);
        }
        let Ok(kind) = self.kind_of(id) else {
            return spaced("<damaged type>", &inner);
        };
        let rust = id.id().is_some_and(|id| self.language(id.0) == Language::Rust);
        match kind {
            TypeKind::Pointer(target) if rust => {
                spaced(&format!("*{}", self.declare(&target, String::new(), room)), &inner)
            }
            TypeKind::Pointer(target) => self.declare_pointer("*", &target, inner, room),
            TypeKind::Reference(target) => self.declare_pointer("&", &target, inner, room),
            TypeKind::RvalueReference(target) => self.declare_pointer("&&", &target, inner, room),
            TypeKind::MemberPointer { target, class } => {
                let class = self.declare(&class, String::new(), room);
                self.declare_pointer(&format!("{class}::*"), &target, inner, room)
            }
            TypeKind::Array { element, count, .. } => {
                let count = count.map(|count| count.to_string()).unwrap_or_default();
                if rust {
                    let element = self.declare(&element, String::new(), room);
                    return spaced(&format!("[{element}; {count}]"), &inner);
                }
                let inner = match inner.ends_with([']', ' ']) || inner.is_empty() {
                    true => format!("{inner}[{count}]"),
                    false => format!("{inner} [{count}]"),
                };
                self.declare(&element, inner, room)
            }
            TypeKind::Function {
                result,
                parameters,
                variadic,
            } => {
                let mut names: Vec<String> = parameters
                    .iter()
                    .take(64)
                    .map(|parameter| self.declare(parameter, String::new(), room).trim_end().to_owned())
                    .collect();
                if variadic || names.len() < parameters.len() {
                    names.push(String::from("..."));
                }
                if names.is_empty() {
                    names.push(String::from("void"));
                }
                let inner = match inner.is_empty() {
                    true => format!("({})", names.join(", ")),
                    false => format!("{}({})", inner.trim_end(), names.join(", ")),
                };
                self.declare(&result, inner, room)
            }
            TypeKind::Qualified(qualifier, target) => {
                let word = match qualifier {
                    Qualifier::Const => "const",
                    Qualifier::Volatile => "volatile",
                    Qualifier::Restrict => "restrict",
                    Qualifier::Atomic => "_Atomic",
                    Qualifier::Other => return self.declare(&target, inner, room),
                };
                // Words that belong to a pointer stand behind its star, others before what they are about.
                let behind = matches!(
                    self.kind_of(&target),
                    Ok(TypeKind::Pointer(_) | TypeKind::MemberPointer { .. })
                        | Ok(TypeKind::Qualified(Qualifier::Restrict, _))
                ) && self.own_name(&target).is_none();
                match behind {
                    true => self.declare(&target, spaced(&format!(" {word}"), &inner), room),
                    false => format!("{word} {}", self.declare(&target, inner, room)),
                }
            }
            TypeKind::Void => spaced("void", &inner),
            TypeKind::Record { kind, .. } => {
                let word = match kind {
                    super::RecordKind::Struct => "struct {...}",
                    super::RecordKind::Class => "class {...}",
                    super::RecordKind::Union => "union {...}",
                    super::RecordKind::Variants => "enum {...}",
                };
                spaced(word, &inner)
            }
            TypeKind::Enum { .. } => spaced("enum {...}", &inner),
            TypeKind::Typedef(target) => self.declare(&target, inner, room),
            TypeKind::Base(_) | TypeKind::Unspecified => spaced("<unnamed type>", &inner),
        }
    }

    fn declare_pointer(&self, sign: &str, target: &TypeRef, inner: String, room: Room<'_>) -> String {
        let inner = format!("{sign}{inner}");
        let bare = self.own_name(target).is_none();
        match self.kind_of(target) {
            Ok(TypeKind::Array { .. } | TypeKind::Function { .. }) if bare => {
                self.declare(target, format!("({inner})"), room)
            }
            _ => self.declare(target, inner, room),
        }
    }

    /// The name that a type was given, with the namespaces around it and, in C, the word before it.
    fn own_name(&self, id: &TypeRef) -> Option<String> {
        let id = match id {
            TypeRef::Base(_, _, name) => return Some(String::from(*name)),
            TypeRef::Entry(id) => *id,
            _ => return None,
        };
        let name = self.qualified_name(id.0)?;
        let (_, entry) = self.entry(id.0).ok()?;
        let word = match entry.tag() {
            // A name of a pointer or a qualified type that Rust wrote.
            gimli::DW_TAG_subprogram => return None,
            gimli::DW_TAG_structure_type => "struct",
            gimli::DW_TAG_union_type => "union",
            gimli::DW_TAG_enumeration_type => "enum",
            _ => return Some(name),
        };
        Some(match self.language(id.0) {
            Language::C => format!("{word} {name}"),
            Language::Cpp | Language::Rust => name,
        })
    }
}

/// A type before what it declares: `int x`, `int *x`, `int [3]`.
fn spaced(name: &str, inner: &str) -> String {
    match inner.is_empty() {
        true => name.to_owned(),
        false => format!("{name} {}", inner.trim_start()),
    }
}

impl Encoding {
    /// Whether it is a character of one byte.
    pub fn is_char(self) -> bool {
        matches!(self, Encoding::SignedChar | Encoding::UnsignedChar)
    }
}
