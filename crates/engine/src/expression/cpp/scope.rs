//! What the evaluator may ask of the place that an expression is evaluated in.

use std::rc::Rc;

use super::parser::Names;
use super::value::{CppType, KnownMember, KnownType, Operand, Shape, Space};
use crate::expression::ScopeError;

/// What an element of a container is named by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Index {
    /// Its number, or a key that is one.
    Number(i128),
    /// A key that is a text.
    Text(Vec<u8>),
}

/// Where names get their values and types. `Ok(None)` means that there is no such thing.
pub trait CppScope: Names {
    /// A variable, function, enumerator or symbol.
    fn variable(&mut self, name: &str) -> Result<Option<Operand>, ScopeError>;

    /// A variable of the frame alone, which hides fields of `this` and everything else.
    fn local(&mut self, name: &str) -> Result<Option<Operand>, ScopeError> {
        let _ = name;
        Ok(None)
    }

    /// The type of `this` in the frame's function, whether or not it has a value here.
    fn type_of_this(&mut self) -> Option<CppType> {
        None
    }

    /// A type of debug information.
    fn type_named(&mut self, name: &str) -> Result<Option<CppType>, ScopeError>;

    /// What a type of debug information is.
    fn shape(&mut self, of: &KnownType) -> Result<Rc<Shape>, ScopeError>;

    /// The name of a type of debug information.
    fn type_name(&mut self, of: &KnownType) -> String;

    /// The bytes at a place.
    fn read(&mut self, space: Space, at: u64, size: u64) -> Result<Vec<u8>, ScopeError>;

    /// Changes the bytes at a place.
    fn write(&mut self, space: Space, at: u64, bytes: &[u8]) -> Result<(), ScopeError>;

    /// A register, by its name in lower case.
    fn register(&mut self, name: &str) -> Result<Option<Operand>, ScopeError>;

    /// A pseudo-register, by its name in lower case and without its `$`.
    fn pseudo(&mut self, name: &str) -> Result<Option<Operand>, ScopeError>;

    /// The value of a text in the other language.
    fn masm(&mut self, text: &str) -> Result<u64, ScopeError>;

    /// The variant that a value of an enumeration with payloads is at the moment.
    fn variant(&mut self, of: &Operand) -> Result<Option<u32>, ScopeError> {
        let _ = of;
        Ok(None)
    }

    /// What a pointer to members points to, and whose members these are; none for other types.
    fn member_pointer(&mut self, of: &KnownType) -> Option<(CppType, CppType)> {
        let _ = of;
        None
    }

    /// Whether a copy of a value's bytes is a copy of the value.
    fn copies_as_bytes(&mut self, of: &KnownType) -> bool {
        let _ = of;
        true
    }

    /// The address of a virtual base class of the object at an address.
    fn computed_member(&mut self, member: &KnownMember, object: u64) -> Result<u64, ScopeError> {
        let _ = (member, object);
        Err(ScopeError::Unavailable {
            why: "Nobody knows where this base class is".into(),
        })
    }

    /// A variable of a class.
    fn static_member(&mut self, member: &KnownMember) -> Result<Operand, ScopeError> {
        let _ = member;
        Err(ScopeError::Unavailable {
            why: "Nobody knows where this static member is".into(),
        })
    }

    /// The class and the address of the whole object that has a part with virtual functions at an address, by its table
    /// of them; none where no symbol says whose that is.
    fn whole_object(&mut self, part: u64) -> Result<Option<(CppType, u64)>, ScopeError> {
        let _ = part;
        Ok(None)
    }

    /// An element of a container that is neither array nor pointer.
    fn element(&mut self, of: &Operand, index: &Index) -> Result<Option<Operand>, ScopeError> {
        let _ = (of, index);
        Ok(None)
    }

    /// What a value leads to that is no pointer but stands for one.
    fn follow(&mut self, of: &Operand) -> Result<Option<Operand>, ScopeError> {
        let _ = of;
        Ok(None)
    }

    /// The bytes that a pointer has in the current debuggee: 4 or 8.
    fn pointer_size(&self) -> u64 {
        8
    }
}
