//! Types in `dt`'s words: `Int4B`, `Ptr64 Node`, `[4] UChar`.

use farsight_symbols::{Encoding, TypeKind, TypeRef};

use crate::values::Ground;

/// Pointers to pointers that are spelt out.
const MOST_NESTED: u32 = 8;

/// A type in `dt`'s words.
pub(super) fn described(ground: &Ground<'_, '_, '_>, module: usize, of: &TypeRef, verbose: bool) -> String {
    nested(ground, module, of, verbose, MOST_NESTED)
}

fn nested(ground: &Ground<'_, '_, '_>, module: usize, of: &TypeRef, verbose: bool, left: u32) -> String {
    let Ok(found) = ground.stripped(module, of) else {
        return String::from("<damaged type>");
    };
    let inner = |of: &TypeRef| match left.checked_sub(1) {
        Some(left) => nested(ground, module, of, false, left),
        None => String::from("..."),
    };
    match &found.kind {
        TypeKind::Void => String::from("Void"),
        TypeKind::Base(encoding) => base(*encoding, found.size.unwrap_or(0), &found.name),
        TypeKind::Pointer(to) | TypeKind::Reference(to) | TypeKind::RvalueReference(to) => {
            format!("Ptr64 {}{}", if verbose { "to " } else { "" }, inner(to))
        }
        TypeKind::MemberPointer { .. } | TypeKind::Unspecified => found.name.clone(),
        TypeKind::Record { .. } => {
            // What has a name only as another name of it is known by that one.
            let shown = bare(
                match found.name.contains("<unnamed") || found.name.contains("<anonymous") {
                    true => match ground.type_of(module, of) {
                        Ok(alias) => alias.name.clone(),
                        Err(_) => found.name.clone(),
                    },
                    false => found.name.clone(),
                },
            );
            match verbose {
                true => format!("struct {shown}{}", counted(ground, module, of)),
                false => shown,
            }
        }
        TypeKind::Enum { .. } => bare(found.name.clone()),
        TypeKind::Array { element, count, .. } => match count {
            Some(count) => format!("[{count}] {}", inner(element)),
            None => format!("[] {}", inner(element)),
        },
        TypeKind::Function { .. } => String::from("<function>"),
        TypeKind::Typedef(_) | TypeKind::Qualified(..) => found.name.clone(),
    }
}

/// `, 5 elements, 0x18 bytes`.
pub(super) fn counted(ground: &Ground<'_, '_, '_>, module: usize, of: &TypeRef) -> String {
    let Ok(found) = ground.stripped(module, of) else {
        return String::new();
    };
    let value = crate::values::Value::memory(module, of.clone(), farsight_types::Address(0));
    let count = ground.members(&value).map(|members| members.list.len()).unwrap_or(0);
    format!(", {count} elements, 0x{:x} bytes", found.size.unwrap_or(0))
}

fn bare(name: String) -> String {
    let plain = ["struct ", "union ", "class ", "enum "]
        .into_iter()
        .find_map(|word| name.strip_prefix(word));
    plain.map_or_else(|| name.clone(), str::to_owned)
}

fn base(encoding: Encoding, size: u64, name: &str) -> String {
    match (encoding, size) {
        // Rust's `()`.
        (_, 0) => name.to_owned(),
        (Encoding::Signed | Encoding::SignedChar, 1) => String::from("Char"),
        (Encoding::Unsigned | Encoding::UnsignedChar, 1) => String::from("UChar"),
        (Encoding::Signed, size) => format!("Int{size}B"),
        (Encoding::Unsigned | Encoding::Address, size) => format!("Uint{size}B"),
        (Encoding::Bool, _) => String::from("Bool"),
        (Encoding::Float, 4) => String::from("Float"),
        (Encoding::Float, 8) => String::from("Double"),
        (Encoding::Float, size) => format!("Float{size}B"),
        (Encoding::Utf, 2) => String::from("Wchar"),
        (Encoding::Utf, size) => format!("Char{size}B"),
        _ => name.to_owned(),
    }
}
