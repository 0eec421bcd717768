//! The C++ evaluator (specification 5.4), which reads Rust as well: typed values instead of addresses.
//!
//! Text becomes a tree ([`parse`]), the tree a typed value or place ([`evaluate`]). Pure: what is not in the text is
//! asked of a [`CppScope`]. Read [`Operand`] first.

mod ast;
mod evaluate;
pub(crate) mod float;
mod lexer;
mod number;
mod parser;
mod scope;
mod types;
mod value;

pub(in crate::expression) use lexer::bracketed;

pub use ast::{Binary, Built, CastKind, Node, NodeKind, TypeName, Unary};
pub(crate) use number::integer;
pub use parser::{NameKind, Names};
pub use scope::{CppScope, Index};
pub use value::{
    Basic, Bits, CppType, Encoding, Field, FieldPlace, Fields, Held, KnownMember, KnownType, Operand, Place, Shape,
    Space, basic_named,
};

use super::ExprError;
use parser::{Parser, level};

/// The tree of an expression that is the whole text.
pub fn parse(text: &str, names: &mut dyn Names) -> Result<Node, ExprError> {
    let mut parser = Parser::new(text, names)?;
    let node = parser.expression(level::COMMA)?;
    parser.skip_spaces();
    match parser.rest() {
        "" => Ok(node),
        _ => Err(parser.syntax()),
    }
}

/// The tree of the expression that a text begins with, and where it ends. A comma ends it.
pub fn parse_prefix(text: &str, names: &mut dyn Names) -> Result<(Node, usize), ExprError> {
    let mut parser = Parser::new(text, names)?;
    let node = parser.expression(level::ASSIGNMENT)?;
    Ok((node, parser.at))
}

/// The type that is the whole text.
pub fn parse_type(text: &str, names: &mut dyn Names) -> Result<TypeName, ExprError> {
    let mut parser = Parser::new(text, names)?;
    let name = parser.type_name()?;
    parser.skip_spaces();
    match parser.rest() {
        "" => Ok(name),
        _ => Err(parser.syntax()),
    }
}

/// The value of a tree. `text` is what it was parsed from, for errors.
pub fn evaluate(text: &str, node: &Node, scope: &mut dyn CppScope) -> Result<Operand, ExprError> {
    evaluate::Walk::new(text, scope).node(node)
}

/// A value as arguments of commands take it: an address or a number.
pub fn as_number(text: &str, operand: &Operand, scope: &mut dyn CppScope) -> Result<u64, ExprError> {
    evaluate::Walk::new(text, scope).number(operand)
}

/// What a pointer or array leads to.
pub fn follow(text: &str, operand: Operand, scope: &mut dyn CppScope) -> Result<Operand, ExprError> {
    evaluate::Walk::new(text, scope).follow(operand, 0)
}

/// A field of a value.
pub fn member(text: &str, of: Operand, name: &str, scope: &mut dyn CppScope) -> Result<Operand, ExprError> {
    evaluate::Walk::new(text, scope).member(of, name, false, 0)
}

/// A field of a value that is its own, not that of something that it stands for; none where there is no such.
pub fn own_member(of: Operand, name: &str, scope: &mut dyn CppScope) -> Option<Operand> {
    evaluate::Walk::new("", scope).own_member(of, name)
}

/// A type of a module's debug information.
pub fn known_type(module: farsight_types::Address, of: farsight_symbols::TypeRef) -> CppType {
    CppType::Known(KnownType { module, of })
}

/// That a name names nothing.
pub fn unresolved(text: &str) -> ExprError {
    let near = super::error::near(text, 0);
    ExprError::new(0, super::ExprErrorKind::Unresolved { near })
}

/// What a type is, through its names.
pub fn shape(text: &str, of: &CppType, scope: &mut dyn CppScope) -> Result<Shape, ExprError> {
    evaluate::Walk::new(text, scope).shape(of, 0)
}

/// The format of a type of floating point.
pub(crate) fn float_format(of: &CppType, scope: &mut dyn CppScope) -> Option<float::Format> {
    let shape = evaluate::Walk::new("", scope).shape(of, 0).ok()?;
    evaluate::float_format(&shape)
}

/// A value as it is kept for later: numbers as they are now, structures by their place.
pub fn kept(text: &str, operand: Operand, scope: &mut dyn CppScope) -> Result<Operand, ExprError> {
    evaluate::Walk::new(text, scope).kept(operand)
}

/// The bytes that a type takes.
pub fn size_of(text: &str, of: &CppType, scope: &mut dyn CppScope) -> Result<u64, ExprError> {
    evaluate::Walk::new(text, scope).size_of(of, 0)
}

/// The type that was written.
pub fn resolve_type(text: &str, name: &TypeName, scope: &mut dyn CppScope) -> Result<CppType, ExprError> {
    evaluate::Walk::new(text, scope).type_of(name)
}

/// The name of a type, as it is shown.
pub fn type_name(scope: &mut dyn CppScope, of: &CppType) -> String {
    match of {
        CppType::Basic(basic) => basic.name.to_owned(),
        CppType::Known(known) => scope.type_name(known),
        CppType::Pointer(to) => match &**to {
            CppType::Function => "<function> *".to_owned(),
            to => {
                let to = type_name(scope, to);
                match to.ends_with('*') {
                    true => format!("{to}*"),
                    false => format!("{to} *"),
                }
            }
        },
        CppType::Reference(to) => format!("{} &", type_name(scope, to)),
        CppType::Array(of, count) => {
            // The outer length stands before the inner one's.
            let mut counts = format!("[{count}]");
            let mut of = of;
            while let CppType::Array(inner, count) = &**of {
                counts.push_str(&format!("[{count}]"));
                of = inner;
            }
            format!("{}{counts}", type_name(scope, of))
        }
        CppType::Function => "<function>".to_owned(),
        CppType::Unknown => "<unknown>".to_owned(),
    }
}

#[cfg(test)]
mod tests;
