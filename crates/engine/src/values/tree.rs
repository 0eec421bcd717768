//! Values as trees to show: members, elements and what pointers lead to, within limits.

use farsight_session::record::{Bits, Content, NodeKind, ValueNode};
use farsight_symbols::{Member, MemberKind, MemberPlace, Place, RecordKind, TypeKind, ValueError};

use super::scalar::Small;
use super::{Ground, Value};

/// How much of a value is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Levels of members, elements and pointers below the value itself.
    pub(crate) depth: u32,
    /// Elements of one array or container.
    pub(crate) elements: u64,
    /// How many of those of the value itself are gone past.
    pub(crate) skip: u64,
    /// Characters of one text.
    pub(crate) text: u64,
    /// Nodes of the whole tree.
    pub(crate) nodes: u32,
    /// Pointers are followed below the value itself.
    pub(crate) pointers: bool,
    /// References are.
    pub(crate) references: bool,
    /// What a pointer to a structure leads to is shown by its members, as if they were the pointer's.
    pub(crate) through: bool,
    /// As the fields are, without formatters.
    pub(crate) raw: bool,
    /// Arrays of characters are shown by their elements.
    pub(crate) by_elements: bool,
    /// What is not gone into, and what references lead to, is told in a few words.
    pub(crate) words: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            depth: 0,
            elements: 100,
            skip: 0,
            text: 256,
            nodes: 20_000,
            pointers: false,
            references: true,
            through: false,
            raw: false,
            by_elements: false,
            words: false,
        }
    }
}

/// Values in a few words within each other.
const MOST_BRIEF: u32 = 6;
/// Fields that are shown in a few words.
const MOST_FIELDS: usize = 8;
/// Bytes of an array that are told in a few words.
const FIRST_BYTES: u64 = 16;
/// Base classes of base classes that are gone into.
const MOST_BASES: u32 = 16;

/// A tree that grows.
pub(super) struct Tree<'t, 'g, 'r, 'a> {
    pub(super) ground: &'t mut Ground<'g, 'r, 'a>,
    pub(super) limits: Limits,
    /// How many more nodes there may be.
    pub(super) left: u32,
    /// How many formatters are at work within each other.
    pub(super) within: u32,
    /// How many base classes are gone into within each other.
    bases: u32,
    /// How many values are told in a few words within each other.
    pub(super) telling: u32,
    /// What is wanted of the outermost container, instead of all of it.
    pub(super) pick: Option<Pick>,
}

/// One value in a container, or the one that a smart pointer leads to.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    /// An element by its number, or by a key that is one.
    Number(i128),
    /// An entry by a key that is a text.
    Text(String),
    /// What it stands for.
    Target,
}

/// Looks for one value while a formatter is at work.
pub(super) struct Pick {
    pub(super) key: Key,
    pub(super) found: Option<Value>,
    /// How many elements there are.
    pub(super) count: Option<u64>,
    /// What came of looking through entries.
    pub(super) looked: Option<Picked>,
}

/// What came of it.
pub(crate) enum Picked {
    Found(Value),
    /// There are only so many elements.
    Beyond(u64),
    /// Nothing of this key.
    Nothing,
    /// Not among the first so many entries, and there are more.
    NotAmong(u64),
    /// The keys are neither numbers nor texts.
    OtherKeys,
    /// No formatter knows.
    Unknown,
}

/// Entries of a container without places of their own that are looked through.
pub(super) const MOST_PICKED: u64 = 100_000;

impl Ground<'_, '_, '_> {
    /// What is shown of a value.
    pub(crate) fn show(&mut self, name: &str, value: &Value, limits: Limits) -> ValueNode {
        let left = limits.nodes;
        Tree {
            ground: self,
            limits,
            left,
            within: 0,
            bases: 0,
            telling: 0,
            pick: None,
        }
        .node(name, value, limits.depth)
    }

    /// One value in another, as its formatter has it.
    pub(crate) fn pick(&mut self, value: &Value, key: &Key) -> Result<Picked, ValueError> {
        let whole_text = match key {
            Key::Text(text) => text.len() as u64 + 1,
            Key::Number(_) | Key::Target => 0,
        };
        let limits = Limits {
            depth: 1,
            text: whole_text.max(Limits::default().text),
            nodes: u32::MAX,
            ..Limits::default()
        };
        let mut tree = Tree {
            ground: self,
            limits,
            left: limits.nodes,
            within: 0,
            bases: 0,
            telling: 0,
            pick: Some(Pick {
                key: key.clone(),
                found: None,
                count: None,
                looked: None,
            }),
        };
        let mut node = ValueNode::default();
        let formatted = tree.formatted(&mut node, value, limits.depth)?;
        let pick = tree.pick.take();
        Ok(match pick {
            _ if !formatted => Picked::Unknown,
            Some(Pick { found: Some(found), .. }) => Picked::Found(found),
            Some(Pick { count: Some(count), .. }) => Picked::Beyond(count),
            Some(Pick {
                looked: Some(looked), ..
            }) => looked,
            _ => Picked::Unknown,
        })
    }
}

impl Tree<'_, '_, '_, '_> {
    pub(super) fn node(&mut self, name: &str, value: &Value, depth: u32) -> ValueNode {
        self.left = self.left.saturating_sub(1);
        if self.ground.source.is_interrupted() {
            // Nobody will see it.
            return ValueNode::default();
        }
        let type_name = match self.ground.type_of(value.module, &value.type_ref) {
            Ok(found) => found.name.clone(),
            Err(_) => String::from("<damaged type>"),
        };
        let mut node = ValueNode {
            name: name.to_owned(),
            type_name,
            address: value.address(),
            size: self.ground.size_of(value),
            place: value.place.as_ref().ok().and_then(Place::described),
            bits: value.bits.map(|bits| Bits {
                offset: bits.offset,
                size: bits.size,
            }),
            ..ValueNode::default()
        };
        match self.fill(&mut node, value, depth) {
            Ok(()) => {}
            Err(error) => node.content = Content::Missing(error.to_string()),
        }
        node
    }

    fn fill(&mut self, node: &mut ValueNode, value: &Value, depth: u32) -> Result<(), ValueError> {
        value.place.as_ref().map_err(Clone::clone)?;
        let found = self.ground.stripped(value.module, &value.type_ref)?;
        if value.place.as_ref().is_ok_and(|place| place.led_to().is_some()) && found.target().is_some() {
            // The pointer is gone; what it led to is not.
            node.content = Content::Missing(ValueError::SyntheticPointer.to_string());
            if depth > 0 {
                let target = self.ground.target(value)?;
                let mut child = self.node(&format!("*{}", node.name), &target, depth - 1);
                child.kind = NodeKind::Target;
                node.children.push(child);
            }
            return Ok(());
        }
        let by_elements = matches!(found.kind, TypeKind::Array { .. })
            && (self.limits.by_elements || self.limits.raw && self.holds_numbers(value));
        let scalar = match by_elements {
            true => None,
            false => self.ground.scalar(value, &found, self.limits.text)?,
        };
        if let Some(content) = scalar {
            node.content = content;
            let is_reference = matches!(found.kind, TypeKind::Reference(_) | TypeKind::RvalueReference(_));
            if (self.limits.pointers || is_reference && self.limits.references)
                && depth > 0
                && let Some(target) = found.target()
                && let Content::Pointer {
                    address, text: None, ..
                } = &node.content
                && address.0 != 0
                && !matches!(
                    self.ground.stripped(value.module, target).map(|to| to.kind.clone()),
                    Ok(TypeKind::Void | TypeKind::Function { .. }) | Err(_)
                )
            {
                let target = self.ground.target(value)?;
                if self.limits.through && self.ground.is_record(&target) {
                    let inside = self.node(&node.name, &target, depth);
                    if inside.content == Content::Composite && !inside.formatted {
                        node.children = inside.children;
                        node.more = inside.more;
                        return Ok(());
                    }
                }
                let mut child = self.node(&format!("*{}", node.name), &target, depth - 1);
                child.kind = NodeKind::Target;
                node.children.push(child);
            } else if is_reference || is_reference_of_rust(&found.name) || node.name == "this" {
                self.tell_target(node, value)?;
            }
            return Ok(());
        }
        match &found.kind {
            TypeKind::Array { .. } => self.elements(node, value, depth),
            TypeKind::Record { declaration: true, .. } => {
                let why = self.ground.why_incomplete(value.module, &found.id)?;
                node.content = Content::Missing(why.to_owned());
                Ok(())
            }
            TypeKind::Record { kind, .. } => {
                if !self.limits.raw && self.formatted(node, value, depth)? {
                    return Ok(());
                }
                self.record(node, value, *kind, depth)?;
                match depth {
                    0 => self.tell_fields(node, value),
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    fn elements(&mut self, node: &mut ValueNode, value: &Value, depth: u32) -> Result<(), ValueError> {
        let elements = self.ground.elements(value)?;
        let Some(count) = elements.count else {
            node.note = Some(String::from("length unknown"));
            return Ok(());
        };
        if let Some(small) = self.ground.holds(value) {
            match self.ground.bytes_of(value, count.min(FIRST_BYTES)) {
                Ok(first) => node.words = Some(small.told(&first, if count > FIRST_BYTES { "..." } else { "" })),
                Err(ValueError::NotYet) => return Err(ValueError::NotYet),
                // The elements say what is wrong with each of them.
                Err(_) => {}
            }
        }
        if depth == 0 {
            node.more = count;
            return Ok(());
        }
        let place = value.place.clone()?;
        for index in self.skipped(depth).min(count)..count {
            if index >= self.limits.elements || self.left == 0 {
                node.more = count - index;
                break;
            }
            let element = place.at(index.saturating_mul(elements.stride));
            let element = value.other(elements.element.clone(), Ok(element));
            node.children
                .push(self.node(&format!("[{index}]"), &element, depth - 1));
        }
        Ok(())
    }

    /// Whether a value is an array of small numbers, though these may be a text.
    fn holds_numbers(&self, value: &Value) -> bool {
        let small = self.ground.holds(value);
        small.is_some_and(|small| small != Small::Characters)
    }

    /// How many elements are gone past of what is shown this deep: those of the outermost only.
    pub(super) fn skipped(&self, depth: u32) -> u64 {
        match depth == self.limits.depth && self.telling == 0 {
            true => self.limits.skip,
            false => 0,
        }
    }

    fn record(&mut self, node: &mut ValueNode, value: &Value, kind: RecordKind, depth: u32) -> Result<(), ValueError> {
        let members = self.ground.members(value)?;
        let variant = self.ground.variant(value, &members)?;
        let own = variant.map(|variant| variant.members.as_slice()).unwrap_or_default();
        if kind == RecordKind::Variants {
            match own {
                // In Rust a variant is one member of its own type, with the variant's name.
                [only] => {
                    let name = only.name.clone().unwrap_or_default();
                    let inner = self.ground.member(value, only);
                    let inside = self.ground.members(&inner)?;
                    let fields = inside.list.iter().filter(|member| member.kind == MemberKind::Field);
                    let fields: Vec<&Member> = fields.collect();
                    let payload = self.payload(&inner, &fields)?;
                    self.children(node, &inner, fields, depth)?;
                    node.content = Content::Summary(name + &payload);
                }
                [] => node.content = Content::Missing(String::from("no variant has this discriminant")),
                several => {
                    let several: Vec<&Member> = several.iter().collect();
                    self.children(node, value, several, depth)?;
                }
            }
            return Ok(());
        }
        let list: Vec<&Member> = members.list.iter().chain(own).collect();
        if members.cut {
            node.note = Some(String::from("more members than are shown"));
        }
        let payload = self.payload(value, &list)?;
        if !payload.is_empty() {
            node.content = Content::Summary(payload);
        }
        self.children(node, value, list, depth)
    }

    /// The fields of a variant in a few words, where they have no names: `(5, "five")`.
    fn payload(&mut self, inner: &Value, fields: &[&Member]) -> Result<String, ValueError> {
        if !is_tuple(fields) || self.limits.raw || self.within >= MOST_BRIEF {
            return Ok(String::new());
        }
        let mut shown = Vec::new();
        let mut waits = false;
        self.within += 1;
        for field in fields.iter().take(MOST_FIELDS) {
            let value = self.ground.member(inner, field);
            match self.in_words(&value) {
                Ok(words) => shown.push(words),
                Err(failure) if failure.waits() => waits = true,
                Err(failure) => shown.push(format!("<{failure}>")),
            }
        }
        if fields.len() > MOST_FIELDS {
            shown.push(String::from("..."));
        }
        self.within -= 1;
        match waits {
            true => Err(ValueError::NotYet),
            false => Ok(format!("({})", shown.join(", "))),
        }
    }

    fn children(
        &mut self,
        node: &mut ValueNode,
        value: &Value,
        list: Vec<&Member>,
        depth: u32,
    ) -> Result<(), ValueError> {
        if depth == 0 {
            node.more = list.len() as u64;
            return Ok(());
        }
        let count = list.len() as u64;
        let is_tuple = !self.limits.raw && is_tuple(&list);
        for (index, member) in (0..).zip(list) {
            if self.left == 0 {
                node.more = count - index;
                break;
            }
            let inner = self.ground.member(value, member);
            let name = match (&member.name, member.kind) {
                (Some(name), _) if is_tuple => name.trim_start_matches('_').to_owned(),
                (Some(name), _) => name.clone(),
                (None, MemberKind::Base | MemberKind::VirtualBase) => self
                    .ground
                    .type_of(value.module, &member.type_ref)
                    .map(|found| found.name.clone())
                    .unwrap_or_default(),
                (None, _) => String::from("<unnamed>"),
            };
            // What base classes have, the object has.
            let is_base = member.kind != MemberKind::Field && member.kind != MemberKind::Static;
            let opens = is_base && self.bases < MOST_BASES;
            self.bases += u32::from(opens);
            let mut child = self.node(&name, &inner, if opens { depth } else { depth - 1 });
            self.bases -= u32::from(opens);
            child.kind = match member.kind {
                MemberKind::Field => NodeKind::Member,
                MemberKind::Base | MemberKind::VirtualBase => NodeKind::Base,
                MemberKind::Static => NodeKind::Static,
            };
            if let MemberPlace::At(offset) = member.place {
                child.offset = Some(offset);
            }
            node.children.push(child);
        }
        Ok(())
    }
}

/// Whether all fields are places in a tuple, or in a structure that is one.
fn is_tuple(fields: &[&Member]) -> bool {
    let mut fields = fields.iter();
    fields.len() > 0 && fields.all(|field| field.name.as_deref().is_some_and(is_place_in_tuple))
}

/// Whether a pointer is a reference of Rust's or owns what it leads to, so that it stands for that.
fn is_reference_of_rust(type_name: &str) -> bool {
    type_name.starts_with('&') || type_name.starts_with("alloc::boxed::Box<")
}

/// Whether a field is one without a name of its own, as Rust's compiler calls those of tuples.
fn is_place_in_tuple(name: &str) -> bool {
    let digits = name.strip_prefix("__").unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}
