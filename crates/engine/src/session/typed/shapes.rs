//! Types of debug information as the evaluator needs them.

use std::rc::Rc;

use farsight_symbols::{
    DebugError, DebugReader, Definition, Encoding, Member, MemberKind, MemberPlace, TypeKind, TypeRef,
};
use farsight_types::Address;

use super::TypedScope;
use crate::expression::ScopeError;
use crate::expression::cpp::{
    self, Bits, CppScope, CppType, Field, FieldPlace, Fields, KnownMember, KnownType, Operand, Shape, basic_named,
};
use crate::values::Value;

impl TypedScope<'_> {
    pub(super) fn shape_of(&mut self, of: &KnownType) -> Result<Shape, ScopeError> {
        let unavailable = |why: String| ScopeError::Unavailable { why };
        let Some((info, _)) = self.debug_of(of.module) else {
            return Err(unavailable("the module of this type is not loaded any more".into()));
        };
        let reader = info.reader();
        let found = of.of.id().map(|id| reader.definition_of(id));
        if found == Some(Definition::Unindexed) {
            let index = self.module_at(of.module).ok();
            let indexed = index.map(|index| self.session.indexed(index)).transpose();
            self.answer(indexed)?;
        }
        let shape = shape(&reader, of).map_err(|error| unavailable(error.to_string()))?;
        if let Shape::Array(element, None) = shape {
            let count = self.computed_count(of);
            return Ok(Shape::Array(element, count));
        }
        // Of several that are different the first would be as good as any.
        let ambiguous = || of.of.id().map(|id| reader.definition_of(id)) == Some(Definition::Ambiguous);
        if shape != Shape::Opaque || ambiguous() {
            return Ok(shape);
        }
        let kind = reader.kind_of(&of.of);
        let is_declared = matches!(kind, Ok(TypeKind::Record { .. } | TypeKind::Enum { .. }));
        // What is only declared here may be defined in another unit, or in another module.
        let name = reader.type_name(&of.of);
        let name = name
            .strip_prefix("struct ")
            .or_else(|| name.strip_prefix("union "))
            .or_else(|| name.strip_prefix("class "))
            .or_else(|| name.strip_prefix("enum "))
            .unwrap_or(&name);
        // The name is whole: scopes around the frame's function are none of its.
        let name = format!("::{name}");
        let found = match self.find_type(&name, true) {
            Ok(None) => self.type_in_module(of.module, &name),
            found => found,
        };
        let found = match found {
            Ok(None) if is_declared => self.find_type(&name, false),
            found => found,
        };
        let found = match found {
            Err(ScopeError::Ambiguous { .. }) => None,
            found => found?,
        };
        match found {
            Some(found) if found != CppType::Known(of.clone()) => Ok(Shape::Alias(found)),
            _ => Ok(Shape::Opaque),
        }
    }

    /// The length of an array that only the frame knows.
    fn computed_count(&mut self, of: &KnownType) -> Option<u64> {
        let index = self.module_at(of.module).ok()?;
        let scope = self.enter_frame();
        let value = Value::memory(index, of.of.clone(), Address(0));
        let elements = self
            .session
            .with_values(&scope, &[index], |ground| ground.elements(&value));
        elements.ok()?.ok()?.count
    }

    /// The variant that an enumeration with payloads is, by its discriminant.
    pub(super) fn active_variant(&mut self, of: &Operand) -> Result<Option<u32>, ScopeError> {
        let CppType::Known(known) = &of.of else {
            return Ok(None);
        };
        let Some((info, _)) = self.debug_of(known.module) else {
            return Ok(None);
        };
        let reader = info.reader();
        let Ok(stripped) = reader.stripped(&known.of) else {
            return Ok(None);
        };
        let Some(members) = stripped.id.id().and_then(|id| reader.members(id).ok()) else {
            return Ok(None);
        };
        let Some(part) = members.variants else {
            return Ok(None);
        };
        let Some(discriminant) = &part.discriminant else {
            return Ok((!part.variants.is_empty()).then_some(0));
        };
        let MemberPlace::At(offset) = discriminant.place else {
            return Ok(None);
        };
        let size = reader.size_of(&discriminant.type_ref).unwrap_or(1).min(16);
        let bytes = match &of.held {
            cpp::Held::Place(place) => self.read(place.space, place.at.wrapping_add(offset), size)?,
            cpp::Held::Bytes(bytes) => {
                let bytes = bytes.get(usize::try_from(offset).unwrap_or(usize::MAX)..);
                bytes.unwrap_or_default().to_vec()
            }
            _ => return Ok(None),
        };
        let value = cpp::integer(&bytes, size, reader.is_signed(&discriminant.type_ref));
        let active = part.variant(value.cast_signed());
        let index = active.and_then(|active| part.variants.iter().position(|one| std::ptr::eq(one, active)));
        Ok(index.and_then(|index| u32::try_from(index).ok()))
    }
}

/// A type of the evaluator's as one of a module's.
pub(crate) fn in_module(of: &CppType) -> (Option<Address>, TypeRef) {
    match of {
        CppType::Basic(basic) => (None, base(basic)),
        CppType::Known(known) => (Some(known.module), known.of.clone()),
        CppType::Pointer(to) | CppType::Reference(to) => {
            let (module, to) = in_module(to);
            (module, to.pointer())
        }
        CppType::Array(of, count) => {
            let (module, of) = in_module(of);
            (module, of.array(*count))
        }
        CppType::Function | CppType::Unknown => (None, TypeRef::Void),
    }
}

fn base(basic: &cpp::Basic) -> TypeRef {
    use cpp::Encoding as Own;
    let encoding = match basic.encoding {
        Own::Void => return TypeRef::Void,
        Own::Bool => Encoding::Bool,
        Own::Signed => Encoding::Signed,
        Own::Unsigned => Encoding::Unsigned,
        Own::SignedChar => Encoding::SignedChar,
        Own::UnsignedChar => Encoding::UnsignedChar,
        Own::Unicode => Encoding::Utf,
        Own::Float | Own::Quad => Encoding::Float,
    };
    TypeRef::Base(encoding, basic.size.into(), basic.name)
}

/// A type of a module as one of the evaluator's.
pub(super) fn known(module: Address, of: TypeRef) -> CppType {
    match of {
        TypeRef::Void => basic_named("void").unwrap_or(CppType::Unknown),
        of => CppType::Known(KnownType { module, of }),
    }
}

fn shape(reader: &DebugReader<'_>, of: &KnownType) -> Result<Shape, DebugError> {
    let module = of.module;
    let size = || reader.size_of(&of.of).unwrap_or(0);
    let void = Shape::Number {
        encoding: cpp::Encoding::Void,
        size: 0,
    };
    Ok(match reader.kind_of(&of.of)? {
        TypeKind::Void => void,
        TypeKind::Base(encoding) => match number(encoding) {
            // Both have 16 bytes; only the name tells.
            Some(cpp::Encoding::Float) if size() == 16 && reader.type_name(&of.of).contains("128") => Shape::Number {
                encoding: cpp::Encoding::Quad,
                size: 16,
            },
            Some(encoding) => Shape::Number { encoding, size: size() },
            None => Shape::Foreign { size: size() },
        },
        TypeKind::Pointer(to) => Shape::Pointer(known(module, to)),
        TypeKind::Reference(to) | TypeKind::RvalueReference(to) => Shape::Reference(known(module, to)),
        TypeKind::MemberPointer { .. } => Shape::Number {
            encoding: cpp::Encoding::Unsigned,
            size: size(),
        },
        TypeKind::Record { .. } => match of.of.id() {
            Some(id) => {
                let defined = reader.definition(id);
                if let TypeKind::Record { declaration: true, .. } = reader.kind_of(&defined.into())? {
                    return Ok(Shape::Opaque);
                }
                record(reader, module, defined)?
            }
            None => Shape::Opaque,
        },
        TypeKind::Enum { declaration: true, .. } => Shape::Opaque,
        TypeKind::Enum { signed, .. } => Shape::Enum { size: size(), signed },
        TypeKind::Array { element, count, .. } => Shape::Array(known(module, element), count),
        TypeKind::Function { .. } => Shape::Function,
        TypeKind::Typedef(to) | TypeKind::Qualified(_, to) => Shape::Alias(known(module, to)),
        // `decltype(nullptr)`.
        TypeKind::Unspecified => Shape::Pointer(known(module, TypeRef::Void)),
    })
}

fn number(encoding: Encoding) -> Option<cpp::Encoding> {
    Some(match encoding {
        Encoding::Signed => cpp::Encoding::Signed,
        Encoding::Unsigned | Encoding::Address => cpp::Encoding::Unsigned,
        Encoding::Bool => cpp::Encoding::Bool,
        Encoding::Float => cpp::Encoding::Float,
        Encoding::SignedChar => cpp::Encoding::SignedChar,
        Encoding::UnsignedChar => cpp::Encoding::UnsignedChar,
        Encoding::Utf => cpp::Encoding::Unicode,
        Encoding::Complex | Encoding::Decimal | Encoding::Reversed(_) | Encoding::Other(_) => return None,
    })
}

fn record(reader: &DebugReader<'_>, module: Address, id: farsight_symbols::TypeId) -> Result<Shape, DebugError> {
    let members = reader.members(id)?;
    let mut fields: Vec<Field> = members
        .list
        .iter()
        .filter_map(|member| field(reader, module, member, None))
        .collect();
    // Bases last to be looked through, but their own names count as early as any.
    fields.sort_by_key(|field| field.is_base);
    for (number, variant) in members
        .variants
        .iter()
        .flat_map(|part| part.variants.iter().enumerate())
    {
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        fields.extend(
            variant
                .members
                .iter()
                .filter_map(|member| field(reader, module, member, Some(number))),
        );
    }
    Ok(Shape::Record(Rc::new(Fields {
        size: reader.size_of(&id.into()).unwrap_or(0),
        fields,
    })))
}

fn field(reader: &DebugReader<'_>, module: Address, member: &Member, variant: Option<u32>) -> Option<Field> {
    let own = KnownMember { module, id: member.id };
    let place = match member.place {
        MemberPlace::At(offset) => FieldPlace::At(offset),
        MemberPlace::Computed => FieldPlace::Computed(own),
        MemberPlace::Static => FieldPlace::Static(own),
    };
    let is_base = matches!(member.kind, MemberKind::Base | MemberKind::VirtualBase);
    let bits = member.bits.and_then(|bits| {
        Some(Bits {
            at: u32::try_from(bits.offset).ok()?,
            count: u32::try_from(bits.size).ok()?,
        })
    });
    let name = match is_base {
        true => Some(reader.type_name(&member.type_ref)),
        false => member.name.clone(),
    };
    Some(Field {
        name,
        of: known(module, member.type_ref.clone()),
        place,
        bits,
        is_base,
        variant,
    })
}
