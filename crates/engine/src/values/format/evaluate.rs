//! The expressions of formatters.

use farsight_symbols::{MemberKind, TypeKind, TypeRef, ValueError};
use farsight_types::Address;

use super::{Expr, Op, TypeSpec};
use crate::values::{Ground, Value};

/// Elements of one C++ tuple.
const MOST_HEADS: usize = 64;

/// A result: a value of the debuggee, or a number.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Value(Value),
    Number(i128),
}

/// Why a formatter does not do.
#[derive(Clone, Debug)]
pub(in crate::values) enum Failure {
    Value(ValueError),
    /// There is no such field, or what is there cannot be.
    Shape(String),
}

impl From<ValueError> for Failure {
    fn from(error: ValueError) -> Failure {
        Failure::Value(error)
    }
}

impl Failure {
    /// Whether the work is to be done again when more is here.
    pub(in crate::values) fn waits(&self) -> bool {
        matches!(self, Failure::Value(ValueError::NotYet))
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Value(error) => error.fmt(f),
            Failure::Shape(why) => f.write_str(why),
        }
    }
}

/// The value that is formatted, and what has a name.
pub(super) struct Names<'n> {
    pub(super) own: &'n Value,
    pub(super) bound: Vec<(&'n str, Found)>,
}

impl<'n> Names<'n> {
    /// The same with one more name.
    pub(super) fn with(&self, name: &'n str, found: Found) -> Names<'n> {
        let mut bound = self.bound.clone();
        bound.push((name, found));
        Names { own: self.own, bound }
    }
}

impl Ground<'_, '_, '_> {
    pub(super) fn evaluate(&mut self, expr: &Expr, names: &Names<'_>) -> Result<Found, Failure> {
        Ok(match expr {
            Expr::Number(number) => Found::Number(*number),
            Expr::Name(name) if name == "self" => Found::Value(names.own.clone()),
            Expr::Name(name) => {
                if let Some((_, bound)) = names.bound.iter().rev().find(|(bound, _)| *bound == name.as_str()) {
                    return Ok(bound.clone());
                }
                self.named(names.own, name).map(Found::Value)?
            }
            Expr::Field(of, name) => {
                let mut of = self.value(of, names)?;
                if self.stripped(of.module, &of.type_ref)?.target().is_some() {
                    of = self.target(&of)?;
                }
                self.named(&of, name).map(Found::Value)?
            }
            Expr::Follow(of) => {
                let of = self.value(of, names)?;
                Found::Value(self.target(&of)?)
            }
            Expr::AddressOf(of) => {
                let of = self.value(of, names)?;
                let address = of.address().ok_or_else(|| shape("it is not in memory"))?;
                Found::Number(i128::from(address.0))
            }
            Expr::SizeOf(spec) => {
                let (module, type_ref) = self.type_spec(spec, names)?;
                let size = self.stripped(module, &type_ref)?.size;
                Found::Number(i128::from(size.ok_or_else(|| shape("a type without a size"))?))
            }
            Expr::AlignOf(spec) => Found::Number(i128::from(self.alignment(spec, names)?)),
            Expr::Aligned(address, spec) => {
                let address = self.natural(address, names)?;
                let aligned = address.checked_next_multiple_of(self.alignment(spec, names)?);
                Found::Number(i128::from(aligned.ok_or_else(|| shape("an address that cannot be"))?))
            }
            Expr::Read(size, address) => {
                let address = self.integer(address, names)?;
                let bytes = self.memory(Address(address as u64), usize::from(*size))?;
                Found::Number(crate::values::ground::integer(&bytes, false))
            }
            Expr::Head(of) => {
                let of = self.value(of, names)?;
                let first = self.heads(&of)?.into_iter().next();
                Found::Value(first.ok_or_else(|| shape("a tuple without elements"))?)
            }
            Expr::Max(left, right) => Found::Number(self.integer(left, names)?.max(self.integer(right, names)?)),
            Expr::Either(first, second) => match self.evaluate(first, names) {
                Err(Failure::Shape(_)) => self.evaluate(second, names)?,
                found => found?,
            },
            Expr::Binary(Op::Or, left, right) => {
                let either = self.integer(left, names)? != 0 || self.integer(right, names)? != 0;
                Found::Number(i128::from(either))
            }
            Expr::Binary(op, left, right) => {
                let (left, right) = (self.integer(left, names)?, self.integer(right, names)?);
                Found::Number(binary(*op, left, right).ok_or_else(|| shape("a number that cannot be"))?)
            }
        })
    }

    fn named(&mut self, of: &Value, name: &str) -> Result<Value, Failure> {
        if let Some(found) = self.field(of, name)? {
            return Ok(found);
        }
        // A variant of an enumeration with fields, where it is the active one.
        let members = self.members(of)?;
        let active = self.variant(of, &members)?;
        let member = active.and_then(|variant| {
            let mut list = variant.members.iter();
            list.find(|member| member.name.as_deref() == Some(name))
        });
        match member {
            Some(member) => Ok(self.member(of, member)),
            None => Err(Failure::Shape(format!("it has no field '{name}'"))),
        }
    }

    pub(super) fn value(&mut self, expr: &Expr, names: &Names<'_>) -> Result<Value, Failure> {
        match self.evaluate(expr, names)? {
            Found::Value(value) => Ok(value),
            Found::Number(_) => Err(shape("a number where a value is needed")),
        }
    }

    pub(super) fn integer(&mut self, expr: &Expr, names: &Names<'_>) -> Result<i128, Failure> {
        match self.evaluate(expr, names)? {
            Found::Value(value) => Ok(self.number(&value)?),
            Found::Number(number) => Ok(number),
        }
    }

    /// A number that is a size or an address.
    pub(super) fn natural(&mut self, expr: &Expr, names: &Names<'_>) -> Result<u64, Failure> {
        u64::try_from(self.integer(expr, names)?).map_err(|_| shape("a length or address that cannot be"))
    }

    fn alignment(&mut self, spec: &TypeSpec, names: &Names<'_>) -> Result<u64, Failure> {
        let (module, type_ref) = self.type_spec(spec, names)?;
        let found = self.known(module)?.alignment_of(&type_ref);
        found.ok_or_else(|| shape("a type whose alignment is not known"))
    }

    pub(super) fn type_spec(&mut self, spec: &TypeSpec, names: &Names<'_>) -> Result<(usize, TypeRef), Failure> {
        match spec {
            TypeSpec::Of(of) => {
                let of = self.value(of, names)?;
                Ok((of.module, of.type_ref))
            }
            TypeSpec::Target(of) => {
                let (module, of) = self.type_spec(of, names)?;
                let found = self.stripped(module, &of)?;
                let target = match &found.kind {
                    TypeKind::Array { element, .. } => Some(element),
                    _ => found.target(),
                };
                let target = target.ok_or_else(|| shape("a type that is no pointer"))?;
                Ok((module, target.clone()))
            }
            TypeSpec::Generic(path, name) => {
                let of = match path {
                    Some(path) => self.value(path, names)?,
                    None => names.own.clone(),
                };
                let found = self.stripped(of.module, &of.type_ref)?;
                let id = found.id.id().ok_or_else(|| shape("a type without parameters"))?;
                match self.known(of.module)?.parameter(id, name)? {
                    Some(found) => Ok((of.module, found)),
                    None => Err(Failure::Shape(format!("its type has no parameter '{name}'"))),
                }
            }
        }
    }

    /// The elements of a `std::tuple`: each is in a base class of its own, within the one for the elements behind it.
    pub(super) fn heads(&mut self, tuple: &Value) -> Result<Vec<Value>, Failure> {
        let mut found = Vec::new();
        let mut at = Some(tuple.clone());
        for _ in 0..MOST_HEADS {
            let Some(of) = at.take() else {
                break;
            };
            let members = self.members(&of)?;
            for member in members.list.iter().filter(|member| member.kind == MemberKind::Base) {
                let base = self.member(&of, member);
                let name = self.type_of(base.module, &base.type_ref)?.name.clone();
                if name.starts_with("std::_Head_base<") {
                    // An element without bytes may be a base class itself.
                    let head = self.field(&base, "_M_head_impl")?;
                    found.push(head.unwrap_or(base));
                } else if name.starts_with("std::_Tuple_impl<") {
                    at = Some(base);
                }
            }
        }
        Ok(found)
    }
}

pub(super) fn shape(why: &str) -> Failure {
    Failure::Shape(why.to_owned())
}

fn binary(op: Op, left: i128, right: i128) -> Option<i128> {
    Some(match op {
        Op::Add => left.checked_add(right)?,
        Op::Subtract => left.checked_sub(right)?,
        Op::Multiply => left.checked_mul(right)?,
        Op::Divide => left.checked_div(right)?,
        Op::Remainder => left.checked_rem(right)?,
        Op::And => left & right,
        Op::Equal => i128::from(left == right),
        Op::Differs => i128::from(left != right),
        Op::Less => i128::from(left < right),
        Op::LessEqual => i128::from(left <= right),
        Op::Greater => i128::from(left > right),
        Op::GreaterEqual => i128::from(left >= right),
        Op::Or => i128::from(left != 0 || right != 0),
    })
}
