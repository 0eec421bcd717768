//! farsight's values, written as `values.py` writes gdb's.

use std::collections::BTreeSet;

use farsight_session::record::{Content, NodeKind, ValueNode};

/// Elements of an array that are compared.
const MOST_ELEMENTS: usize = 40;

/// What is in a node.
pub(super) fn written(node: &ValueNode) -> String {
    match &node.content {
        Content::Composite => inside(node),
        Content::Missing(why) if why == "synthetic pointer" => "p?".to_owned(),
        Content::Missing(why) if why.contains("memory access") => format!("!{}", why.replace(' ', "-")),
        Content::Missing(why) if why == "incomplete type" => "<incomplete>".to_owned(),
        Content::Missing(_) => "<gone>".to_owned(),
        Content::Signed(number) => format!("i{number}"),
        Content::Unsigned { value, .. } => format!("i{value}"),
        Content::Wide { high, low, signed } => {
            let bits = u128::from(*high) << 64 | u128::from(*low);
            match signed {
                true => format!("i{}", bits.cast_signed()),
                false => format!("i{bits}"),
            }
        }
        Content::Bool(value) => format!("i{value}"),
        Content::Char { value, .. } => format!("i{value}"),
        Content::Float(text) => float(text),
        Content::Pointer { address, .. } => format!("p{:x}", address.0),
        Content::Enumerator { name, value, .. } => match name.as_deref().filter(|name| !name.contains(" | ")) {
            Some(name) => format!("e{value}:{}", name.rsplit("::").next().unwrap_or_default()),
            None => format!("e{value}"),
        },
        Content::Text(text) => format!("t{}", hex(text.text.as_bytes())),
        // A variant of an enumeration with fields.
        Content::Summary(text) => {
            let variant = text.split(['(', ' ']).next().unwrap_or_default();
            format!("{{{variant}={}}}", inside(node))
        }
        Content::Bytes(bytes) => format!("b{}", hex(bytes)),
        Content::Nothing => "{}".to_owned(),
    }
}

/// What a node holds as its formatter has it, written as `data` of `values.py` writes what gdb's printers tell.
pub(super) fn data(node: &ValueNode) -> String {
    let own = node.type_name.trim_start_matches("const ");
    let class = own.split('<').next().unwrap_or_default();
    let members = || node.children.iter().filter(|child| child.kind != NodeKind::Target);
    let parts = |written: &dyn Fn(&ValueNode) -> String| {
        let parts: Vec<String> = members().take(MOST_ELEMENTS).map(written).collect();
        parts.join(",")
    };
    match (class, &node.content) {
        // Where one leads is data; what is there may lead back.
        ("std::unique_ptr" | "std::shared_ptr" | "std::weak_ptr", content) => {
            let inner = node.children.iter().find(|child| child.name == "ptr");
            match (inner.map_or(content, |inner| &inner.content), content) {
                (_, Content::Summary(_)) if inner.is_none() => "none".to_owned(),
                (Content::Pointer { address, .. }, _) => format!("p{:x}", address.0),
                _ => "?".to_owned(),
            }
        }
        ("std::variant", Content::Summary(text)) if text.ends_with(']') => {
            let inner = node.children.iter().find(|child| child.name == "value");
            inner.map_or_else(|| "?".to_owned(), data)
        }
        (_, Content::Summary(text)) if text == "nullopt" => "none".to_owned(),
        _ if node.formatted && members().next().is_some_and(|child| child.name.starts_with('[')) => {
            let count = node.children.len() as u64 + node.more;
            let is_map = class.to_lowercase().ends_with("map");
            let element = |child: &ValueNode| match is_map {
                true => format!("{}>{}", key(&child.name), data(child)),
                false => data(child),
            };
            format!("[{count}:{}]", parts(&element))
        }
        (_, Content::Summary(_)) if node.children.is_empty() => "[0:]".to_owned(),
        (_, Content::Composite | Content::Summary(_) | Content::Text(_)) if members().next().is_some() => {
            format!(
                "{{{}}}",
                parts(&|child| format!("{}={}", name(&child.name), data(child)))
            )
        }
        _ => written(node),
    }
}

/// A key of a map, of an element's name.
fn key(name: &str) -> String {
    let inner = name.trim_start_matches('[').trim_end_matches(']');
    let number = inner
        .strip_prefix("0x")
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    number.map_or_else(|| inner.to_owned(), |number| number.to_string())
}

fn inside(node: &ValueNode) -> String {
    let is_array = match node.children.first() {
        Some(first) => first.name == "[0]",
        None => node.type_name.ends_with(']') && !node.type_name.starts_with('&'),
    };
    let mut parts = Vec::new();
    for child in &node.children {
        match child.kind {
            NodeKind::Static | NodeKind::Target => {}
            _ if is_array => parts.push(written(child)),
            NodeKind::Base => parts.push(format!("(base)={}", written(child))),
            _ => parts.push(format!("{}={}", name(&child.name), written(child))),
        }
    }
    // Nothing of it is there but what is of no size.
    let last: BTreeSet<&str> = parts.iter().filter_map(|part| part.rsplit('=').next()).collect();
    if last.contains("<gone>") && last.iter().all(|part| ["<gone>", "{}"].contains(part)) {
        return "<gone>".to_owned();
    }
    match is_array {
        true if node.children.is_empty() && node.more > 0 => "...".to_owned(),
        true => {
            let count = node.children.len() as u64 + node.more;
            parts.truncate(MOST_ELEMENTS);
            format!("[{count}:{}]", parts.join(","))
        }
        false if node.more > 0 => "...".to_owned(),
        false => format!("{{{}}}", parts.join(",")),
    }
}

fn name(name: &str) -> &str {
    match name {
        "<unnamed>" => "",
        name => name.strip_prefix("__").unwrap_or(name),
    }
}

/// A complex number is `1.5-2.5i`.
fn float(text: &str) -> String {
    let double = |text: &str| match text.parse::<f64>() {
        Ok(number) if number.is_nan() => "nan".to_owned(),
        Ok(number) => format!("{:016x}", number.to_bits()),
        Err(_) => format!("({text})"),
    };
    let Some(complex) = text.strip_suffix('i') else {
        return format!("f{}", double(text));
    };
    let mut signs = complex.match_indices(['+', '-']);
    let between = signs.rfind(|(at, _)| *at > 0 && !complex[..*at].ends_with('e'));
    let (real, imaginary) = complex.split_at(between.map_or(0, |(at, _)| at));
    format!("c{},{}", double(real), double(imaginary))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
