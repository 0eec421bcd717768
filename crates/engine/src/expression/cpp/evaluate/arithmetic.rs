//! Arithmetic as C has it, with pointers, and with Rust's types kept.

use super::super::ast::{Binary, Node, Unary};
use super::super::number::extended;
use super::super::value::{CppType, Encoding, Operand, Shape};
use super::bases::Conversion;
use super::{Loaded, Outcome, Scalar, Walk, float_format};
use crate::expression::error::near;
use crate::expression::{ExprError, ExprErrorKind};

/// A number's type as arithmetic sees it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sort {
    size: u64,
    signed: bool,
    float: bool,
}

impl Walk<'_, '_> {
    /// `a + b` and its like.
    pub(super) fn binary(&mut self, operator: Binary, left: Loaded, right: Loaded, at: usize) -> Outcome<Loaded> {
        let pointers = [&left, &right].map(|one| match &one.shape {
            Shape::Pointer(to) => Some(to.clone()),
            _ => None,
        });
        match (pointers, operator) {
            ([None, None], _) => self.numbers(operator, left, right, at),
            ([Some(to), None], Binary::Add) => self.moved(left, &to, right, false, at),
            ([None, Some(to)], Binary::Add) => self.moved(right, &to, left, false, at),
            ([Some(to), None], Binary::Subtract) => self.moved(left, &to, right, true, at),
            ([Some(to), Some(other)], Binary::Subtract) => {
                if !self.is_like(&to, &other, at)? {
                    let (one, other) = (self.name_of(&to), self.name_of(&other));
                    let what = format!("Pointers to {one} and to {other} have no distance; cast them to one type");
                    return Err(self.wrong(at, &what));
                }
                let size = self.element_size(&to, at)?.max(1);
                let distance = (self.integer(&left, at)? as u64).wrapping_sub(self.integer(&right, at)? as u64);
                let count = distance.cast_signed() / size.cast_signed().max(1);
                self.loaded(
                    CppType::c("long"),
                    Scalar::Integer(i128::from(count).cast_unsigned()),
                    at,
                )
            }
            ([Some(one), Some(other)], _) if operator.compares() => {
                let address = CppType::c("unsigned long");
                let mut left = self.converted(&left, &address, at)?;
                let mut right = self.converted(&right, &address, at)?;
                let classes = [&one, &other].map(|of| matches!(self.shape(of, at), Ok(Shape::Record(_))));
                if classes == [true, true] {
                    // As pointers to the class that is the other's base.
                    let (moved, from, to) = match self.ways_to_base(&one, &other, at)?.is_empty() {
                        false => (&mut left, &one, &other),
                        true => (&mut right, &other, &one),
                    };
                    let start = self.integer(moved, at)? as u64;
                    let start = self.pointed(start, (from, to), Conversion::Implicit, at)?;
                    moved.value = Scalar::Integer(start.into());
                }
                self.numbers(operator, left, right, at)
            }
            // Masks of addresses are everyday work in a debugger.
            _ if operator.compares() || matches!(operator, Binary::And | Binary::Or | Binary::Xor) => {
                let address = CppType::c("unsigned long");
                let left = self.converted(&left, &address, at)?;
                let right = self.converted(&right, &address, at)?;
                self.numbers(operator, left, right, at)
            }
            _ => Err(self.wrong(
                at,
                "Pointers are added to, subtracted from and compared; cast them for the rest",
            )),
        }
    }

    /// The bytes that one step of a pointer is.
    fn element_size(&mut self, to: &CppType, at: usize) -> Outcome<u64> {
        match self.shape(to, at)? {
            Shape::Number {
                encoding: Encoding::Void,
                ..
            }
            | Shape::Function
            | Shape::Opaque => Ok(1),
            _ => self.size_of(to, at),
        }
    }

    /// A pointer and a number of elements.
    fn moved(&mut self, pointer: Loaded, to: &CppType, by: Loaded, back: bool, at: usize) -> Outcome<Loaded> {
        let size = self.element_size(to, at)?;
        let distance = (self.integer(&by, at)? as u64).wrapping_mul(size);
        let start = self.integer(&pointer, at)? as u64;
        let value = match back {
            true => start.wrapping_sub(distance),
            false => start.wrapping_add(distance),
        };
        let value = extended(value.into(), self.scope.pointer_size(), false);
        self.loaded(pointer.of, Scalar::Integer(value), at)
    }

    fn numbers(&mut self, operator: Binary, left: Loaded, right: Loaded, at: usize) -> Outcome<Loaded> {
        let shift = matches!(operator, Binary::ShiftLeft | Binary::ShiftRight);
        let of = match shift {
            true => self.promoted(&left),
            false => self.common(&left, &right),
        };
        let sort = sort(&self.loaded(of.clone(), Scalar::Integer(0), at)?);
        let a = self.converted(&left, &of, at)?.value;
        let b = match shift {
            true => right.value,
            false => self.converted(&right, &of, at)?.value,
        };
        let truth = |value: bool| Scalar::Integer(value.into());
        let (a, b) = self.doubles(operator, (a, b), at)?;
        let (value, is_truth) = match (a, b) {
            (Scalar::Float(a), Scalar::Float(b)) => match operator {
                Binary::Add => (Scalar::Float(a + b), false),
                Binary::Subtract => (Scalar::Float(a - b), false),
                Binary::Multiply => (Scalar::Float(a * b), false),
                Binary::Divide => (Scalar::Float(a / b), false),
                Binary::Remainder => (Scalar::Float(a % b), false),
                #[expect(clippy::float_cmp, reason = "the user's own comparison")]
                Binary::Equal => (truth(a == b), true),
                #[expect(clippy::float_cmp, reason = "the user's own comparison")]
                Binary::NotEqual => (truth(a != b), true),
                Binary::Less => (truth(a < b), true),
                Binary::LessOrEqual => (truth(a <= b), true),
                Binary::Greater => (truth(a > b), true),
                Binary::GreaterOrEqual => (truth(a >= b), true),
                _ => return Err(self.wrong(at, "Floating point has no bits to compute with")),
            },
            (Scalar::Integer(a), Scalar::Integer(b)) => self.integers(operator, (a, b), sort, at)?,
            _ => return Err(self.wrong(at, "Floating point has no bits to compute with")),
        };
        match (is_truth, value) {
            (true, value) => self.loaded(CppType::c("bool"), value, at),
            (false, Scalar::Integer(value)) => {
                let value = extended(value, sort.size, sort.signed);
                self.loaded(of, Scalar::Integer(value), at)
            }
            (false, Scalar::Float(value)) => {
                let value = if sort.size == 4 { f64::from(value as f32) } else { value };
                if let (Scalar::Float(a), Scalar::Float(b)) = (a, b)
                    && sort.size > 8
                    && !is_exact_result(operator, (a, b), value)
                {
                    return Err(self.wrong(at, super::WIDE));
                }
                self.loaded(of, Scalar::Float(value), at)
            }
            (false, Scalar::Wide(_)) => Err(self.wrong(at, super::WIDE)),
        }
    }

    /// Numbers that no double holds may be compared by the nearest doubles, where these differ.
    fn doubles(&self, operator: Binary, pair: (Scalar, Scalar), at: usize) -> Outcome<(Scalar, Scalar)> {
        let nearest = |value: Scalar| match value {
            Scalar::Wide(wide) => Some(wide.rounded),
            Scalar::Float(value) => Some(value),
            Scalar::Integer(_) => None,
        };
        if !matches!(pair, (Scalar::Wide(_), _) | (_, Scalar::Wide(_))) {
            return Ok(pair);
        }
        let compares = operator.compares();
        match (nearest(pair.0), nearest(pair.1)) {
            #[expect(clippy::float_cmp, reason = "whether they are told apart")]
            (Some(a), Some(b)) if compares && a != b => Ok((Scalar::Float(a), Scalar::Float(b))),
            // The same bits of one format are one number.
            (Some(a), Some(_)) if compares && pair.0 == pair.1 => Ok((Scalar::Float(a), Scalar::Float(a))),
            _ => Err(self.wrong(at, super::WIDE)),
        }
    }

    /// Both are extended to 128 bits as the sort has it.
    fn integers(&self, operator: Binary, (a, b): (u128, u128), sort: Sort, at: usize) -> Outcome<(Scalar, bool)> {
        let (sa, sb) = (a.cast_signed(), b.cast_signed());
        let less = if sort.signed { sa < sb } else { a < b };
        let truth = |value: bool| Ok((Scalar::Integer(value.into()), true));
        let by_zero = || {
            let near = near(self.text, at);
            ExprError::new(at, ExprErrorKind::DivideByZero { near })
        };
        let count = u32::try_from(b).ok().filter(|count| u64::from(*count) < 8 * sort.size);
        let value = match operator {
            Binary::Equal => return truth(a == b),
            Binary::NotEqual => return truth(a != b),
            Binary::Less => return truth(less),
            Binary::LessOrEqual => return truth(less || a == b),
            Binary::Greater => return truth(!less && a != b),
            Binary::GreaterOrEqual => return truth(!less),
            Binary::Or => a | b,
            Binary::Xor => a ^ b,
            Binary::And => a & b,
            Binary::ShiftLeft => count.map_or(0, |count| a << count),
            Binary::ShiftRight if sort.signed => (sa >> count.unwrap_or(127)).cast_unsigned(),
            Binary::ShiftRight => count.map_or(0, |count| a >> count),
            Binary::Add => a.wrapping_add(b),
            Binary::Subtract => a.wrapping_sub(b),
            Binary::Multiply => a.wrapping_mul(b),
            Binary::Divide | Binary::Remainder if b == 0 => return Err(by_zero()),
            Binary::Divide if sort.signed => sa.wrapping_div(sb).cast_unsigned(),
            Binary::Divide => a / b,
            Binary::Remainder if sort.signed => sa.wrapping_rem(sb).cast_unsigned(),
            Binary::Remainder => a % b,
        };
        Ok((Scalar::Integer(value), false))
    }

    /// `+a`, `-a`, `~a`.
    pub(super) fn signed(&mut self, sign: Unary, value: Loaded, at: usize) -> Outcome<Loaded> {
        if matches!(value.shape, Shape::Pointer(_)) {
            return Err(self.wrong(at, "A pointer has no sign; cast it"));
        }
        let of = self.promoted(&value);
        let value = self.converted(&value, &of, at)?;
        let kind = sort(&value);
        let result = match (sign, value.value) {
            (Unary::Minus, Scalar::Float(value)) => Scalar::Float(-value),
            (Unary::Minus, Scalar::Wide(_)) => return Err(self.wrong(at, super::WIDE)),
            (Unary::Complement, Scalar::Float(_) | Scalar::Wide(_)) => {
                return Err(self.wrong(at, "Floating point has no bits to compute with"));
            }
            (Unary::Minus, Scalar::Integer(value)) => {
                Scalar::Integer(extended(value.wrapping_neg(), kind.size, kind.signed))
            }
            (Unary::Complement, Scalar::Integer(value)) => Scalar::Integer(extended(!value, kind.size, kind.signed)),
            (_, value) => value,
        };
        self.loaded(of, result, at)
    }

    /// The type that a number has in arithmetic: at least `int`, but Rust's types stay.
    fn promoted(&mut self, value: &Loaded) -> CppType {
        if self.is_rust(value) {
            return value.of.clone();
        }
        let kind = sort(value);
        let is_number = matches!(
            value.shape,
            Shape::Number {
                encoding: Encoding::Signed | Encoding::Unsigned | Encoding::Float | Encoding::Quad,
                ..
            }
        );
        match kind.size {
            _ if kind.float => value.of.clone(),
            ..4 => CppType::c("int"),
            _ if is_number => value.of.clone(),
            _ => c_type(kind),
        }
    }

    /// `a ? b : c`: of the type that both have in common. The one that is not chosen is asked for its type alone; where it
    /// has none here, the other stays as it is.
    pub(super) fn choice(&mut self, condition: &Node, first: &Node, second: &Node, at: usize) -> Outcome<Operand> {
        let (chosen, other) = match self.truth(condition)? {
            true => (first, second),
            false => (second, first),
        };
        let other = match self.unevaluated(other) {
            Err(error) if error.is_not_yet() => return Err(error),
            other => other,
        };
        let operand = self.node(chosen)?;
        let Ok(other) = other else {
            return Ok(operand);
        };
        let (shape, Ok(other_shape)) = (self.shape(&operand.of, at)?, self.shape(&other.of, at)) else {
            return Ok(operand);
        };
        let is_number = |shape: &Shape| match shape {
            Shape::Number { encoding, .. } => *encoding != Encoding::Void,
            Shape::Enum { .. } => true,
            _ => false,
        };
        let of = match &other_shape {
            _ if !is_number(&shape) || self.is_same(&operand.of, &other.of, at)? => return Ok(operand),
            another if is_number(another) => {
                let value = self.load(&operand, at)?;
                let nothing = self.loaded(other.of, Scalar::Integer(0), at)?;
                self.common(&value, &nothing)
            }
            // A zero beside a pointer.
            Shape::Pointer(_) => other.of,
            _ => return Ok(operand),
        };
        let value = self.load(&operand, at)?;
        let value = self.converted(&value, &of, at)?;
        Ok(self.unloaded(value))
    }

    /// The type that two numbers have in common.
    fn common(&mut self, left: &Loaded, right: &Loaded) -> CppType {
        let (a, b) = (sort(left), sort(right));
        match (self.is_rust(left), self.is_rust(right)) {
            // A literal takes the type of what it meets.
            (true, false) if !b.float && b.size <= 4 => return left.of.clone(),
            (false, true) if !a.float && a.size <= 4 => return right.of.clone(),
            _ => {}
        }
        let (left_of, right_of) = (self.promoted(left), self.promoted(right));
        if left_of == right_of {
            return left_of;
        }
        if a.float || b.float {
            return match (a.float, b.float) {
                (true, true) if a.size < b.size => right_of,
                (false, true) => right_of,
                _ => left_of,
            };
        }
        let grown = |kind: Sort| match kind.size {
            ..4 => Sort {
                size: 4,
                signed: true,
                float: false,
            },
            _ => kind,
        };
        let (a, b) = (grown(a), grown(b));
        match a.size.cmp(&b.size) {
            std::cmp::Ordering::Less => right_of,
            std::cmp::Ordering::Greater => left_of,
            std::cmp::Ordering::Equal if !a.signed => left_of,
            std::cmp::Ordering::Equal if !b.signed => right_of,
            std::cmp::Ordering::Equal => left_of,
        }
    }

    /// Whether a number's type is one of Rust's own.
    fn is_rust(&mut self, value: &Loaded) -> bool {
        let name = self.name_of(&value.of);
        let digits = name.strip_prefix(['i', 'u', 'f']).unwrap_or_default();
        matches!(digits, "8" | "16" | "32" | "64" | "128") || matches!(name.as_str(), "isize" | "usize")
    }

    /// A value as an assignment makes it: without a cast, nothing is taken for what it is not.
    pub(super) fn assigned(&mut self, value: &Loaded, to: &CppType, at: usize) -> Outcome<Loaded> {
        let shape = self.shape(to, at)?;
        let refused = match (&value.shape, &shape) {
            (Shape::Pointer(from), Shape::Pointer(target)) => {
                let (from, target) = (from.clone(), target.clone());
                let start = self.integer(value, at)? as u64;
                let start = self.pointed(start, (&from, &target), Conversion::Implicit, at)?;
                return self.loaded(to.clone(), Scalar::Integer(start.into()), at);
            }
            (
                _,
                Shape::Number {
                    encoding: Encoding::Bool,
                    ..
                },
            ) => false,
            (Shape::Pointer(_), _) => sort(value).size > self.size_of(to, at)? || shape_is_float(&shape),
            (_, Shape::Pointer(_)) => matches!(value.value, Scalar::Float(_)),
            _ => false,
        };
        match refused {
            true => Err(self.no_conversion(&value.of, to, at)),
            false => self.converted(value, to, at),
        }
    }

    pub(super) fn no_conversion(&mut self, from: &CppType, to: &CppType, at: usize) -> ExprError {
        let (from, to) = (self.name_of(from), self.name_of(to));
        self.wrong(at, &format!("{from} does not become {to} by being assigned"))
    }

    /// A number as another type has it.
    pub(super) fn converted(&mut self, value: &Loaded, to: &CppType, at: usize) -> Outcome<Loaded> {
        let shape = self.shape(to, at)?;
        let (size, encoding) = match &shape {
            Shape::Number {
                encoding: Encoding::Void,
                ..
            } => return Err(self.wrong(at, "void has no value")),
            Shape::Number { encoding, size } => (*size, *encoding),
            Shape::Enum { size, signed: true } => (*size, Encoding::Signed),
            Shape::Enum { size, .. } => (*size, Encoding::Unsigned),
            Shape::Pointer(_) => (self.scope.pointer_size(), Encoding::Unsigned),
            Shape::Foreign { .. } => return Err(self.wrong(at, super::FOREIGN)),
            _ => return Err(self.wrong(at, "A number does not become this")),
        };
        let is_float = encoding.is_float();
        let result = match value.value {
            Scalar::Wide(wide) if float_format(&shape) == Some(wide.format) => Scalar::Wide(wide),
            Scalar::Wide(_) if is_float && size > 8 => return Err(self.wrong(at, super::WIDE)),
            Scalar::Wide(wide) if is_float && size == 4 => Scalar::Float(f64::from(wide.rounded as f32)),
            Scalar::Wide(wide) if is_float => Scalar::Float(wide.rounded),
            Scalar::Wide(_) if encoding == Encoding::Bool => Scalar::Integer(1),
            Scalar::Wide(wide) => match wide.whole {
                Some(whole) => Scalar::Integer(extended(whole.cast_unsigned(), size, encoding.is_signed())),
                None => return Err(self.wrong(at, "No integer is as large as this")),
            },
            Scalar::Float(value) if is_float && size == 4 => Scalar::Float(f64::from(value as f32)),
            Scalar::Float(value) if is_float => Scalar::Float(value),
            Scalar::Float(value) if encoding == Encoding::Bool => Scalar::Integer((value != 0.0).into()),
            Scalar::Float(value) => {
                let whole = match encoding.is_signed() {
                    true => (value as i128).cast_unsigned(),
                    false if value < 0.0 => (value as i128).cast_unsigned(),
                    false => value as u128,
                };
                Scalar::Integer(extended(whole, size, encoding.is_signed()))
            }
            Scalar::Integer(whole) if is_float => {
                let (value, back) = match sort(value).signed {
                    true => {
                        let value = whole.cast_signed() as f64;
                        (value, (value as i128).cast_unsigned())
                    }
                    false => (whole as f64, whole as f64 as u128),
                };
                if size > 8 && back != whole {
                    return Err(self.wrong(at, super::WIDE));
                }
                Scalar::Float(if size == 4 { f64::from(value as f32) } else { value })
            }
            Scalar::Integer(value) if encoding == Encoding::Bool => Scalar::Integer((value != 0).into()),
            Scalar::Integer(value) => Scalar::Integer(extended(value, size, encoding.is_signed())),
        };
        Ok(Loaded {
            of: to.clone(),
            shape,
            value: result,
        })
    }
}

fn sort(value: &Loaded) -> Sort {
    match &value.shape {
        Shape::Number { encoding, size } => Sort {
            size: *size,
            signed: encoding.is_signed(),
            float: encoding.is_float(),
        },
        Shape::Enum { size, signed } => Sort {
            size: *size,
            signed: *signed,
            float: false,
        },
        _ => Sort {
            size: 8,
            signed: false,
            float: false,
        },
    }
}

/// C's type for an enumeration, a character or a truth of four bytes and more.
fn c_type(sort: Sort) -> CppType {
    CppType::c(match (sort.size, sort.signed) {
        (..=4, true) => "int",
        (..=4, false) => "unsigned int",
        (..=8, true) => "long",
        (..=8, false) => "unsigned long",
        (_, true) => "__int128",
        (_, false) => "unsigned __int128",
    })
}

fn shape_is_float(shape: &Shape) -> bool {
    matches!(shape, Shape::Number { encoding, .. } if encoding.is_float())
}

/// Whether a result of doubles is the number itself, not one near it.
fn is_exact_result(operator: Binary, (a, b): (f64, f64), result: f64) -> bool {
    if !a.is_finite() || !b.is_finite() || result.is_nan() {
        return true;
    }
    let exact = match operator {
        // What a sum of two doubles loses is a double.
        Binary::Add | Binary::Subtract => {
            let b = if operator == Binary::Add { b } else { -b };
            let taken = result - a;
            (a - (result - taken)) + (b - taken) == 0.0
        }
        Binary::Multiply => a.mul_add(b, -result) == 0.0 && (result != 0.0 || a == 0.0 || b == 0.0),
        Binary::Divide => result.mul_add(b, -a) == 0.0 || b == 0.0,
        _ => true,
    };
    exact && (result.is_finite() || operator == Binary::Divide && b == 0.0)
}
