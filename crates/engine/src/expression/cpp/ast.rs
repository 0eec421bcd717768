//! Expressions of C, C++ and Rust as trees.

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where its operator, name or number stands: a byte offset into the text.
    pub at: usize,
    /// What it is.
    pub kind: NodeKind,
    /// How many nodes lie on the longest way down, itself included. Bounded, since trees are walked recursively.
    pub(super) height: u16,
}

/// What a part of an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// `42`, `0x2aUL`, `'a'`: with the name of its type.
    Integer {
        /// Its bits.
        value: u128,
        /// `int`, `unsigned long`, `char`, `u8`.
        type_name: &'static str,
    },
    /// `1.5`, `1.5f`.
    Float {
        /// Its value.
        value: f64,
        /// `double` or `float`.
        type_name: &'static str,
    },
    /// `"text"`.
    Text(Vec<u8>),
    /// A variable, function or enumerator: `x`, `a::b<c>::d`, `module!symbol`.
    Name(String),
    /// `@rax`, without the sign.
    Register(String),
    /// `@$t0`, without both signs.
    Pseudo(String),
    /// `@@masm(...)`, its inside.
    Masm(String),
    /// A sign before an operand.
    Unary(Unary, Box<Node>),
    /// `++x`, `x--`.
    Step {
        /// By 1 or by -1.
        up: bool,
        /// Whether the value is the one before it.
        behind: bool,
        /// What is changed.
        of: Box<Node>,
    },
    /// An operator between two operands.
    Binary(Binary, Box<Node>, Box<Node>),
    /// `&&`.
    AndThen(Box<Node>, Box<Node>),
    /// `||`.
    OrElse(Box<Node>, Box<Node>),
    /// `a, b`.
    Comma(Box<Node>, Box<Node>),
    /// `c ? a : b`.
    Choice(Box<Node>, Box<Node>, Box<Node>),
    /// `a = b`, `a += b`.
    Assign(Option<Binary>, Box<Node>, Box<Node>),
    /// `a.b`, `a->b`, `a.0`.
    Member {
        /// Of what.
        of: Box<Node>,
        /// The field.
        name: String,
        /// `->`.
        arrow: bool,
    },
    /// `a.*b`, `a->*b`.
    PointedMember {
        /// Of what.
        of: Box<Node>,
        /// The pointer to one of its members.
        by: Box<Node>,
        /// `->*`.
        arrow: bool,
    },
    /// `a[b]`.
    Index(Box<Node>, Box<Node>),
    /// `(T)a`, `static_cast<T>(a)`, `a as T`.
    Cast(CastKind, TypeName, Box<Node>),
    /// `sizeof(T)`.
    SizeOfType(TypeName),
    /// `sizeof a`.
    SizeOf(Box<Node>),
    /// `#FIELD_OFFSET(T, f)`.
    FieldOffset(TypeName, Vec<String>),
    /// `#RTL_FIELD_SIZE(T, f)`.
    FieldSize(TypeName, Vec<String>),
    /// `#RTL_SIZEOF_THROUGH_FIELD(T, f)`.
    SizeThroughField(TypeName, Vec<String>),
    /// `#RTL_CONTAINS_FIELD(structure, size, field)`.
    ContainsField(Box<Node>, Box<Node>, Vec<String>),
    /// `#CONTAINING_RECORD(address, T, f)`.
    ContainingRecord(Box<Node>, TypeName, Vec<String>),
    /// `#RTL_NUMBER_OF(array)`.
    NumberOf(Box<Node>),
}

/// A sign before an operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// `+`.
    Plus,
    /// `-`.
    Minus,
    /// `!`.
    Not,
    /// `~`.
    Complement,
    /// `*`.
    Follow,
    /// `&`.
    AddressOf,
}

/// An operator between two operands that are both evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Binary {
    Or,
    Xor,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    ShiftLeft,
    ShiftRight,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Binary {
    /// Whether it answers yes or no.
    pub(crate) fn compares(self) -> bool {
        matches!(
            self,
            Binary::Equal
                | Binary::NotEqual
                | Binary::Less
                | Binary::LessOrEqual
                | Binary::Greater
                | Binary::GreaterOrEqual
        )
    }
}

/// How a cast was written. They are all performed; it matters for what may be asked of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CastKind {
    /// `(T)a`, `a as T`, `const_cast<T>(a)`.
    Plain,
    /// `static_cast<T>(a)`.
    Static,
    /// `dynamic_cast<T>(a)`, by what the object's table of virtual functions says.
    Dynamic,
    /// `reinterpret_cast<T>(a)`.
    Reinterpret,
}

/// A type as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeName {
    /// Where it stands.
    pub at: usize,
    /// Its name, without `const`, `struct` and their like: `unsigned int`, `a::b<c>`, `module!T`.
    pub name: String,
    /// What is built on it, in the order of building.
    pub built: Vec<Built>,
}

/// What a type is built on another as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Built {
    /// `*`, `*const`, `*mut`.
    Pointer,
    /// `&`, `&&`, `&mut`.
    Reference,
    /// `[n]`, `[T; n]`.
    Array(u64),
}
